# SPDX-License-Identifier: Apache-2.0
"""passTLSClientCert, and client certificates by TLSOption, over the wire (reference c.14, a.9, g.2)."""

import base64
import json
import subprocess
import urllib.parse

import pytest
from conftest import BACKENDS, CLIENT, GATEWAY, backend_service, middleware, route, run, secret
from teller import Teller, headers_of

PEM, INFO = "x-forwarded-tls-client-cert", "x-forwarded-tls-client-cert-info"


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    """root signs middle signs leaf; other is of nobody's."""
    folder = tmp_path_factory.mktemp("clientpki")

    def make(name, subject, issuer=None, extensions="basicConstraints=CA:FALSE"):
        (folder / "ext").write_text(extensions)
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject, "-utf8",
            "-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.csr"))
        sign = ["-CA", str(folder / f"{issuer}.crt"), "-CAkey", str(folder / f"{issuer}.key"), "-CAcreateserial"] \
            if issuer else ["-signkey", str(folder / f"{name}.key")]
        run("openssl", "x509", "-req", "-in", str(folder / f"{name}.csr"), "-days", "30", "-extfile",
            str(folder / "ext"), "-out", str(folder / f"{name}.crt"), *sign)

    make("root", "/DC=test/C=SE/O=CA/CN=root", extensions="basicConstraints=critical,CA:TRUE")
    make("middle", "/CN=middle", "root", "basicConstraints=critical,CA:TRUE")
    make("leaf", "/C=FR/ST=Some-State/L=Lyon/O=Shop, Inc./OU=a/OU=b/serialNumber=7/CN=ann", "middle",
         "subjectAltName=DNS:a.test,email:ann@shop.test,IP:10.0.0.1,URI:spiffe://shop/ann")
    make("other", "/CN=other")
    make("server", "/CN=x.test", extensions="subjectAltName=DNS:x.test")
    (folder / "chain.crt").write_text((folder / "leaf.crt").read_text() + (folder / "middle.crt").read_text())
    return folder


@pytest.fixture
def echo(gateway, tmp_path):
    made = Teller(gateway.lab, str(tmp_path), "b", BACKENDS["b"], 9002)
    gateway.write("91-echo.yaml", *backend_service("echo", [BACKENDS["b"]], port=9002))
    yield made
    made.stop()


def objects(pki, auth_type, conf, cas=("root",)):
    auth = {"secretNames": list(cas)} | ({"clientAuthType": auth_type} if auth_type else {})
    option = {"apiVersion": "traefik.io/v1alpha1", "kind": "TLSOption", "metadata": {"name": "mtls", "namespace": "default"},
              "spec": {"clientAuth": auth}}
    return (option, secret("root", {"ca.crt": (pki / "root.crt").read_text()}),
            secret("middle", {"tls.ca": (pki / "middle.crt").read_text()}),
            secret("server", {"tls.crt": (pki / "server.crt").read_text(), "tls.key": (pki / "server.key").read_text()},
                   "kubernetes.io/tls"),
            middleware("m", "passTLSClientCert", conf),
            route("web", "Host(`x.test`)", service="echo", middlewares=("m",), entry_points=("websecure",),
                  tls={"secretName": "server", "options": {"name": "mtls"}}),
            route("plain", "Host(`x.test`)", service="echo", middlewares=("m",)))


def serve(gateway, *arguments, options=(), **named):
    rows = objects(*arguments, **named)
    if gateway.process:
        gateway.update("10.yaml", *rows)
    else:
        gateway.write("10.yaml", *rows)
        gateway.start(*options)


def ask(gateway, pki, cert=None, key=None, *arguments):
    """What reached the service: headers, or None when the handshake failed."""
    shown = ["--cert", str(pki / f"{cert}.crt"), "--key", str(pki / f"{key or cert}.key")] if cert else []
    out = gateway.lab.run("client", "curl", "-s", "-k", "--max-time", "10", "--connect-to", f"x.test:443:{GATEWAY}:443",
                          *shown, *arguments, "https://x.test/", check=False)
    return headers_of(json.loads(out.stdout)) if out.returncode == 0 else None


def der(pki, name):
    out = subprocess.run(["openssl", "x509", "-in", str(pki / f"{name}.crt"), "-outform", "DER"], capture_output=True, check=True)
    return base64.b64encode(out.stdout).decode()


@pytest.mark.parametrize("auth_type,none,good,bad", [
    ("NoClientCert", True, True, True),
    ("RequestClientCert", True, True, True),
    ("RequireAnyClientCert", False, True, True),
    ("VerifyClientCertIfGiven", True, True, False),
    ("RequireAndVerifyClientCert", False, True, False),
    ("", False, True, False),  # g.2: CAs without a type
])
def test_client_certificates_by_option(gateway, pki, echo, auth_type, none, good, bad):
    serve(gateway, pki, auth_type, {"pem": True})
    for version in ("--tlsv1.3", "--tls-max=1.2"):
        flag = ["--tlsv1.3"] if version == "--tlsv1.3" else ["--tls-max", "1.2"]
        got = ask(gateway, pki, None, None, *flag)
        assert (got is not None) == none and (not got or PEM not in got)
        got = ask(gateway, pki, "chain", "leaf", *flag)
        assert (got is not None) == good
        if auth_type == "NoClientCert":
            assert PEM not in got
        else:
            assert got[PEM] == [f"{der(pki, 'leaf')},{der(pki, 'middle')}"]
        got = ask(gateway, pki, "other", None, *flag)
        assert (got is not None) == bad
        if bad and auth_type != "NoClientCert":
            assert got[PEM] == [der(pki, "other")]


def test_what_certificates_say(gateway, pki, echo):
    names = dict.fromkeys(("country", "province", "locality", "organization", "commonName", "serialNumber",
                           "domainComponent"), True)
    serve(gateway, pki, "RequireAndVerifyClientCert",
          {"info": {"subject": names | {"organizationalUnit": True}, "issuer": names, "sans": True}})
    got = ask(gateway, pki, "chain", "leaf")
    assert PEM not in got
    assert urllib.parse.unquote_plus(got[INFO][0]) == (
        'Subject="C=FR,ST=Some-State,L=Lyon,O=Shop, Inc.,OU=a,OU=b,SN=7,CN=ann";Issuer="CN=middle";'
        'SAN="a.test,ann@shop.test,10.0.0.1,spiffe://shop/ann",'
        'Subject="CN=middle";Issuer="DC=test,C=SE,O=CA,CN=root"')
    assert got[INFO][0].startswith("Subject%3D%22C%3DFR%2CST%3DSome-State%2CL%3DLyon%2CO%3DShop%2C+Inc.%2C")
    serve(gateway, pki, "RequireAndVerifyClientCert", {"info": {"serialNumber": True, "notBefore": True, "notAfter": True}})

    def say(*what):
        return run("openssl", "x509", "-in", str(pki / "leaf.crt"), "-noout", *what).stdout.strip().partition("=")[2]

    text = urllib.parse.unquote_plus(ask(gateway, pki, "chain", "leaf")[INFO][0]).split(",")[0]
    times = [run("date", "-u", "-d", say(f"-{which}"), "+%s").stdout.strip() for which in ("startdate", "enddate")]
    assert text == f'SerialNumber="{int(say("-serial"), 16)}";NB="{times[0]}";NA="{times[1]}"'


def test_an_intermediate_may_be_the_anchor(gateway, pki, echo):
    serve(gateway, pki, "RequireAndVerifyClientCert", {"pem": True}, cas=("middle",))
    assert ask(gateway, pki, "leaf")[PEM] == [der(pki, "leaf")]
    assert ask(gateway, pki, "other") is None


def test_clients_cannot_claim_certificates(gateway, pki, echo):
    serve(gateway, pki, "RequestClientCert", {"pem": True, "info": {"sans": True}})
    for forged in ("X-Forwarded-Tls-Client-Cert: forged", "X_Forwarded_Tls_Client_Cert: forged",
                   "X-Forwarded-Tls-Client-Cert-Info: forged"):
        got = ask(gateway, pki, None, None, "-H", forged)
        assert not [name for name in got if "client" in name]
        got = ask(gateway, pki, "chain", "leaf", "-H", forged)
        assert len(got[PEM]) == 1 and "forged" not in str(got)
        assert "client" not in str(headers_of(json.loads(gateway.get("x.test", "/", "-H", forged)[2])))


def test_a_trusted_proxy_may_say_it(gateway, pki, echo):
    serve(gateway, pki, "RequestClientCert", {"pem": True},
          options=(f"--entryPoints.websecure.forwardedHeaders.trustedIPs={CLIENT}",))
    assert ask(gateway, pki, None, None, "-H", "X-Forwarded-Tls-Client-Cert: said")[PEM] == ["said"]
    assert ask(gateway, pki, "other", None, "-H", "X-Forwarded-Tls-Client-Cert: said")[PEM] == [der(pki, "other")]
