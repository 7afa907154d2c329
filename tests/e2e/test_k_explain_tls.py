# SPDX-License-Identifier: Apache-2.0
"""explain and check where TLS decides: reference b.5 and g."""

import pytest

from conftest import route, secret
from test_k_explain import check, get, services


def tls_option(name, namespace="default", **spec):
    return {"apiVersion": "traefik.io/v1alpha1", "kind": "TLSOption", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def tls_route(name, host, **tls):
    return route(name, f"Host(`{host}`)", entry_points=("websecure",), tls=tls)


TLS_ANSWERS = [
    # URL, Host, action, status
    ("https://a.test/", None, "forward", None), ("https://old.test/", None, "forward", None),
    ("https://a.test/", "old.test", "respond", 421), ("https://old.test/", "a.test", "respond", 421),
    ("https://a.test/", "b.test", "forward", None), ("https://x.test/", None, "respond", 404),
    ("https://closed.test/", None, "drop", None), ("https://absent.test/", None, "drop", None),
    ("https://OLD.test./", "old.TEST", "forward", None),
]


@pytest.mark.parametrize("url,host,action,status", TLS_ANSWERS)
def test_explain_knows_tls_policies(tmp_path, url, host, action, status):
    """b.5.6: 421; broken or missing options close."""
    objects = services() + [
        tls_option("old", maxVersion="VersionTLS12"), tls_option("closed", clientAuth={"secretNames": ["none"]}),
        tls_route("a", "a.test"), tls_route("b", "b.test"), tls_route("old", "old.test", options={"name": "old"}),
        tls_route("closed", "closed.test", options={"name": "closed"}), tls_route("absent", "absent.test", options={"name": "absent"})]
    answer = get(tmp_path, objects, url, headers=[("Host", host)] if host else [])
    assert (answer["action"], answer["status"]) == (action, status), answer["why"]


TLS_FAULTS = [
    # cite, objects, object and field of the fault
    ("a.1 missing secret", [tls_route("x", "a", secretName="nowhere")], "IngressRoute/default/x", "spec.tls.secretName"),
    ("a.1 half a secret", [tls_route("x", "a", secretName="s"), secret("s", {"tls.crt": "x"}, "kubernetes.io/tls")],
     "IngressRoute/default/x", "spec.tls.secretName"),
    ("no certificate", [tls_route("x", "a", secretName="s"), secret("s", {"tls.crt": "x", "tls.key": "z"}, "kubernetes.io/tls")],
     "IngressRoute/default/x", "spec.tls.secretName"),
    ("a.9 missing CA", [tls_option("o", clientAuth={"secretNames": ["none"]})], "TLSOption/default/o", "spec.clientAuth.secretNames[0]"),
    ("k.5 two defaults", [tls_option("default"), tls_option("default", namespace="b")], "TLSOption/b/default", "metadata"),
    ("g.2 unknown cipher", [tls_option("o", cipherSuites=["TLS_NOPE"])], "TLSOption/default/o", "spec.cipherSuites[0]"),
    ("missing option", [tls_route("x", "a", options={"name": "none"})], "IngressRoute/default/x", "spec.tls.options"),
]


@pytest.mark.parametrize("cite,objects,name,field", TLS_FAULTS, ids=[r[0] for r in TLS_FAULTS])
def test_check_tells_faults_of_tls(tmp_path, cite, objects, name, field):
    code, found = check(tmp_path, services() + objects + [tls_route("user", "u")])
    assert code == 1 and (name, field) in [(f["object"], f["field"]) for f in found["faults"]], found
