# SPDX-License-Identifier: Apache-2.0
"""test_k_tls: certificate selection, TLS options and 421, one row per sentence of the reference (a.9, b.5, g.1, g.2)."""

import socket
import ssl
import subprocess
import time

import pytest
import yaml

from conftest import SANITIZED, TIDEGATE, route, secret
from loop import Loop, Upstream, drain
from test_k_wire import loop_service


def make(folder, name, subject, *names):
    san = ",".join(n if ":" in n else f"DNS:{n}" for n in names)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3",
                    "-subj", f"/O={name}" + (f"/CN={subject}" if subject else ""), *(["-addext", f"subjectAltName={san}"] if san else []),
                    "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.crt"], check=True, capture_output=True)
    return secret(name, {"tls.crt": open(f"{folder}/{name}.crt").read(), "tls.key": open(f"{folder}/{name}.key").read()},
                  "kubernetes.io/tls")


def option(name, namespace="default", **spec):
    return {"apiVersion": "traefik.io/v1alpha1", "kind": "TLSOption", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def tls_route(name, host, namespace="default", **tls):
    item = route(name, host if "(" in host else f"Host(`{host}`)", service="up", entry_points=("secure",), tls=tls, namespace=namespace)
    if namespace != "default":
        item["spec"]["routes"][0]["services"][0]["namespace"] = "default"
    return item


def objects(folder, port):
    half = make(folder, "half", "half.test", "half.test")
    del half["stringData"]["tls.key"]
    mixed = make(folder, "mixed", "mixed.test", "mixed.test")
    mixed["stringData"]["tls.key"] = open(f"{folder}/half.key").read()
    return loop_service("up", port) + [
        make(folder, "exact", "a.wild.test", "a.wild.test"), make(folder, "wild", "*.wild.test", "*.wild.test"),
        make(folder, "ip", "ip.test", "IP:127.0.0.1"), make(folder, "upper", "UPPER.test", "UPPER.test"), half, mixed,
        option("old", maxVersion="VersionTLS12"), option("new", minVersion="VersionTLS13"), option("strict", sniStrict=True),
        option("badcipher", cipherSuites=["TLS_NOPE"]), option("noca", clientAuth={"clientAuthType": "RequireAndVerifyClientCert"}),
        option("cipher", cipherSuites=["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"], maxVersion="VersionTLS12"),
        option("alpn", alpnProtocols=["foo"]), option("p384", curvePreferences=["CurveP384"]),
        option("reversed", minVersion="VersionTLS13", maxVersion="VersionTLS12"),
        tls_route("exact", "a.wild.test", secretName="exact"), tls_route("wild", "b.wild.test", secretName="wild"),
        tls_route("ip", "ip.test", secretName="ip"), tls_route("upper", "upper.test", secretName="upper"),
        tls_route("half", "half.test", secretName="half"), tls_route("mixed", "mixed.test", secretName="mixed"),
        tls_route("none", "none.test", secretName="nowhere"),
        tls_route("old", "old.test", options={"name": "old"}), tls_route("new", "new.test", options={"name": "new"}),
        tls_route("badcipher", "badcipher.test", options={"name": "badcipher"}),
        tls_route("noca", "noca.test", options={"name": "noca"}), tls_route("missing", "missing.test", options={"name": "absent"}),
        tls_route("cipher", "cipher.test", options={"name": "cipher"}), tls_route("alpn", "alpn.test", options={"name": "alpn"}),
        tls_route("p384", "p384.test", options={"name": "p384"}),
        tls_route("reversed", "reversed.test", options={"name": "reversed"}),
        tls_route("fight1", "Host(`fight.test`) && PathPrefix(`/a`)", options={"name": "old"}),
        tls_route("fight2", "Host(`fight.test`) && PathPrefix(`/b`)", options={"name": "new"}),
        tls_route("wildhost", "Host(`*.star.test`)", options={"name": "new"}),
        tls_route("nohost", "PathPrefix(`/nohost`)", options={"name": "new"}),
        tls_route("strictly", "strict.test", options={"name": "strict"}),
    ]


@pytest.fixture(scope="module")
def up():
    made = Upstream()
    yield made
    made.close()


def start(folder, items, *options):
    text = "---\n".join(yaml.safe_dump(item) for item in items)
    return Loop(TIDEGATE, str(folder), ["secure"], text, [*options, *(["--security.seccomp=false"] if SANITIZED else [])])


@pytest.fixture(scope="module")
def gw(up, tmp_path_factory):
    pki = tmp_path_factory.mktemp("pki")
    made = start(tmp_path_factory.mktemp("tls"), objects(pki, up.port))
    yield made
    assert made.stop() == 0, made.log()[-3000:]


class Answer:
    """What came of one TLS request: error (a handshake that failed), version, organisation of the certificate, status."""

    def __init__(self, gw, sni, host=None, low=None, high=None, alpn=None, path="/echo"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if low:
            context.minimum_version = low
        if high:
            context.maximum_version = high
        if alpn:
            context.set_alpn_protocols(alpn)
        self.error, self.status, self.version, self.name, self.alpn, self.cipher = None, None, None, None, None, None
        try:
            with socket.create_connection(("127.0.0.1", gw.ports["secure"]), 5) as plain:
                with context.wrap_socket(plain, server_hostname=sni) as s:
                    self.version, self.alpn, self.cipher = s.version(), s.selected_alpn_protocol(), s.cipher()[0]
                    der = s.getpeercert(True)
                    text = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-subject"], input=der,
                                          capture_output=True).stdout.decode()
                    self.name = text.strip()
                    s.sendall(f"GET {path} HTTP/1.1\r\nHost: {host or sni}\r\nConnection: close\r\n\r\n".encode())
                    out = drain(s)
                    self.status = int(out[9:12] or b"0")
                    self.body = out.partition(b"\r\n\r\n")[2]
        except (ssl.SSLError, OSError) as error:
            self.error = str(error)


CERTIFICATES = [
    # cite, SNI, in the subject
    ("g.1 exact before wildcard", "a.wild.test", "O = exact"), ("g.1 one label", "b.wild.test", "O = wild"),
    ("g.1 one label only", "x.y.wild.test", "DEFAULT CERT"), ("g.1 not the bare name", "wild.test", "DEFAULT CERT"),
    ("g.1 case of the SNI", "A.Wild.TEST", "O = exact"), ("g.1 case of the certificate", "upper.test", "O = upper"),
    ("g.1 without SNI the local address", None, "O = ip"), ("g.1 no match", "other.test", "DEFAULT CERT"),
    ("a.1 half a secret", "half.test", "DEFAULT CERT"), ("a.1 missing secret", "none.test", "DEFAULT CERT"),
    ("key of another certificate", "mixed.test", "DEFAULT CERT"),
]


@pytest.mark.parametrize("cite,sni,subject", CERTIFICATES, ids=[r[0] for r in CERTIFICATES])
def test_certificates(gw, cite, sni, subject):
    answer = Answer(gw, sni, host=sni or "ip.test")
    assert answer.error is None and subject in answer.name, (answer.error, answer.name)


def test_a_missing_secret_keeps_the_router(gw):
    """a.1: missing secret is logged, but the router is still created."""
    assert Answer(gw, "none.test").status == 200


OPTIONS = [
    # cite, SNI, {versions}, expected version (None: refused)
    ("g.2 default 1.3", "b.wild.test", {}, "TLSv1.3"),
    ("g.2 default 1.2", "b.wild.test", {"high": ssl.TLSVersion.TLSv1_2}, "TLSv1.2"),
    ("a.9 maxVersion", "old.test", {}, "TLSv1.2"), ("a.9 minVersion", "new.test", {}, "TLSv1.3"),
    ("a.9 minVersion refuses", "new.test", {"high": ssl.TLSVersion.TLSv1_2}, None),
    ("b.5 Host with a wildcard", "x.star.test", {"high": ssl.TLSVersion.TLSv1_2}, None),
    ("b.5 Host with a wildcard has one label", "x.y.star.test", {"high": ssl.TLSVersion.TLSv1_2}, "TLSv1.2"),
    ("g.2 unknown cipher closes", "badcipher.test", {}, None), ("g.2 no CA closes", "noca.test", {}, None),
    ("b.5 missing options close", "missing.test", {}, None), ("g.2 min above max closes", "reversed.test", {}, None),
    ("b.5 conflict falls back to default", "fight.test", {"high": ssl.TLSVersion.TLSv1_2}, "TLSv1.2"),
    ("b.5 conflict falls back to default", "fight.test", {}, "TLSv1.3"),
    ("SNI case", "NEW.test", {"high": ssl.TLSVersion.TLSv1_2}, None),
]


@pytest.mark.parametrize("cite,sni,versions,expected", OPTIONS, ids=[f"{r[0]} {r[1]} {r[3]}" for r in OPTIONS])
def test_options_by_sni(gw, cite, sni, versions, expected):
    answer = Answer(gw, sni, **versions)
    assert answer.version == expected, answer.error


def test_ciphers_alpn_and_curves(gw):
    assert Answer(gw, "cipher.test").cipher == "ECDHE-ECDSA-AES256-GCM-SHA384"
    assert Answer(gw, "b.wild.test", alpn=["h2", "http/1.1"]).alpn == "http/1.1"
    assert Answer(gw, "b.wild.test", alpn=["nope"]).error
    assert Answer(gw, "p384.test").error is None


MISDIRECTED = [
    # SNI, Host, status
    ("b.wild.test", "old.test", 421), ("old.test", "b.wild.test", 421), ("old.test", "new.test", 421), ("b.wild.test", "a.wild.test", 200),
    ("old.test", "OLD.test.", 200), ("other.test", "b.wild.test", 200), (None, "old.test", 421), ("new.test", "x.star.test", 200),
    ("old.test", "unknown.test", 404), ("old.test", "missing.test", 421),
]


@pytest.mark.parametrize("sni,host,status", MISDIRECTED)
def test_misdirected_requests(gw, sni, host, status):
    """b.5.6, k.4: 421 when the options of Host are not those of the handshake."""
    answer = Answer(gw, sni, host)
    assert answer.status == status, answer.error
    if status == 421:
        assert answer.body == b"Misdirected Request\n"


def test_the_host_of_an_absolute_target_is_checked_too(gw):
    assert Answer(gw, "b.wild.test", "b.wild.test", path="http://old.test/echo").status == 421


def test_a_router_without_host_cannot_choose_options(gw):
    """b.5: it gets the default ones."""
    assert Answer(gw, "other.test", "other.test", path="/nohost", high=ssl.TLSVersion.TLSv1_2).status == 200


def test_sni_strict(up, tmp_path):
    """g.1: sniStrict in the default options refuses names without certificate with unrecognized_name."""
    gw = start(tmp_path / "t", loop_service("up", up.port) + [
        make(tmp_path, "exact", "a.test", "a.test"), option("default", sniStrict=True), tls_route("a", "a.test", secretName="exact")])
    try:
        assert Answer(gw, "a.test").status == 200
        refused = Answer(gw, "b.test")
        assert refused.error and "unrecognized" in refused.error.lower(), refused.error
        assert Answer(gw, None, host="a.test").error
    finally:
        gw.stop()


def test_default_options_of_any_namespace_hold_for_all(up, tmp_path):
    """a.0, k.5: an object named default is cluster-wide; two of them break what relies on it."""
    base = loop_service("up", up.port) + [option("mine", maxVersion="VersionTLS12"), tls_route("a", "a.test"),
                                          tls_route("b", "b.test", options={"name": "mine"})]
    gw = start(tmp_path / "one", base + [option("default", namespace="other", minVersion="VersionTLS13")])
    try:
        assert Answer(gw, "a.test").version == "TLSv1.3"
        assert Answer(gw, "a.test", high=ssl.TLSVersion.TLSv1_2).error
    finally:
        gw.stop()
    gw = start(tmp_path / "two", base + [option("default", namespace="other"), option("default", namespace="another")])
    try:
        assert Answer(gw, "a.test").error
        assert Answer(gw, "b.test").status == 200
    finally:
        gw.stop()


def test_the_entry_point_gives_tls_and_options(up, tmp_path):
    """b.6: http.tls makes routes without tls TLS routes, with its options."""
    item = tls_route("a", "a.test")
    del item["spec"]["tls"]
    gw = start(tmp_path / "t", loop_service("up", up.port) + [option("new", minVersion="VersionTLS13"), item],
               "--entryPoints.secure.http.tls.options=default-new@kubernetescrd")
    try:
        assert Answer(gw, "a.test").status == 200
        assert Answer(gw, "a.test", high=ssl.TLSVersion.TLSv1_2).error
    finally:
        gw.stop()


def test_a_client_hello_in_pieces_and_one_that_never_comes(gw):
    """security.md A2.5: reassembled over segments before any decision; bounded."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(inward, outward, server_hostname="a.wild.test")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = outward.read()
    body = hello[5:]
    records = b"".join(hello[:3] + len(body[i:i + 40]).to_bytes(2, "big") + body[i:i + 40] for i in range(0, len(body), 40))
    for data, step in ((hello, 7), (records, 50)):
        with socket.create_connection(("127.0.0.1", gw.ports["secure"]), 5) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(0, len(data), step):
                s.sendall(data[i:i + step])
                time.sleep(0.002)
            first = s.recv(5)
            assert first[:1] == b"\x16", first
    with socket.create_connection(("127.0.0.1", gw.ports["secure"]), 15) as s:
        begin = time.time()
        s.sendall(b"\x16\x03\x01\x02\x00")
        drain(s)
        assert time.time() - begin < 12
