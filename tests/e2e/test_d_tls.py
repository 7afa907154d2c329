# SPDX-License-Identifier: Apache-2.0
"""TLS over the wire: certificates by SNI, versions by TLSOption, client certificates, 421 (reference g, b.5)."""

import subprocess

import pytest
from conftest import GATEWAY, route, run, secret


GET = b"GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    """Two server certificates, a CA with a client certificate."""
    folder = tmp_path_factory.mktemp("pki")

    def make(name, *names):
        san = ",".join(f"DNS:{n}" for n in names)
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
            "-subj", f"/CN={names[0]}", "-addext", f"subjectAltName={san}",
            "-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.crt"))

    make("a", "a.test")
    make("wild", "*.wild.test")
    make("ca", "ca.test")
    run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=client",
        "-keyout", str(folder / "client.key"), "-out", str(folder / "client.csr"))
    run("openssl", "x509", "-req", "-in", str(folder / "client.csr"), "-CA", str(folder / "ca.crt"),
        "-CAkey", str(folder / "ca.key"), "-CAcreateserial", "-days", "30", "-out", str(folder / "client.crt"))
    return folder


def tls_secret(pki, name):
    return secret(name, {"tls.crt": (pki / f"{name}.crt").read_text(), "tls.key": (pki / f"{name}.key").read_text()},
                  "kubernetes.io/tls")


def tls_option(name, spec):
    return {"apiVersion": "traefik.io/v1alpha1", "kind": "TLSOption",
            "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def https(gateway, host, path="/", *arguments, sni=None):
    name = sni or host
    out = gateway.lab.run("client", "curl", "-s", "-k", "-i", "--max-time", "10", "--connect-to",
                          f"{name}:443:{GATEWAY}:443", *(["-H", f"Host: {host}"] if sni else []), *arguments,
                          f"https://{name}{path}", check=False)
    from conftest import parse_answer
    return parse_answer(out.stdout) if out.returncode == 0 else (0, {}, str(out.returncode))


def s_client(gateway, *arguments, data=b""):
    return subprocess.run(gateway.lab.inside("client", "openssl", "s_client", "-connect", f"{GATEWAY}:443", *arguments),
                          input=data, capture_output=True, timeout=20).stdout.decode(errors="replace")


def test_certificate_by_sni_and_the_default_one(gateway, pki):
    gateway.write("10.yaml", tls_secret(pki, "a"), tls_secret(pki, "wild"),
                  route("a", "Host(`a.test`)", entry_points=("websecure",), tls={"secretName": "a"}),
                  route("w", "Host(`x.wild.test`)", entry_points=("websecure",), tls={"secretName": "wild"}))
    gateway.start()
    assert https(gateway, "a.test", "/", "--cacert", str(pki / "a.crt"))[0] == 200
    ends = {k: v for k, v in gateway.metrics().items() if k.startswith("tidegate_tls_certs_not_after")}
    assert len(ends) == 2 and any('cn="a.test"' in k and 'sans="a.test"' in k for k in ends) and min(ends.values()) > 1e9
    assert "CN = a.test" in s_client(gateway, "-servername", "a.test")
    assert "CN = *.wild.test" in s_client(gateway, "-servername", "x.wild.test")
    assert "TIDEGATE DEFAULT CERT" in s_client(gateway, "-servername", "other.test")
    assert "ALPN protocol: http/1.1" in s_client(gateway, "-servername", "a.test", "-alpn", "h2,http/1.1")


def test_plain_and_tls_routers_are_apart(gateway, pki):
    gateway.write("10.yaml", tls_secret(pki, "a"),
                  route("a", "Host(`a.test`)", entry_points=("web", "websecure"), tls={"secretName": "a"}))
    gateway.start()
    assert https(gateway, "a.test")[0] == 200
    assert gateway.get("a.test")[0] == 404


def test_versions_by_option_and_resumption(gateway, pki):
    gateway.write("10.yaml", tls_secret(pki, "a"), tls_option("modern", {"minVersion": "VersionTLS13"}),
                  route("a", "Host(`a.test`)", entry_points=("websecure",),
                        tls={"secretName": "a", "options": {"name": "modern"}}))
    gateway.start()
    assert "TLSv1.3" in s_client(gateway, "-servername", "a.test", "-tls1_3")
    assert "Cipher is (NONE)" in s_client(gateway, "-servername", "a.test", "-tls1_2")
    assert "TLSv1.2" in s_client(gateway, "-servername", "b.test", "-tls1_2")
    ticket = str(pki / "ticket")
    s_client(gateway, "-servername", "a.test", "-sess_out", ticket, "-ign_eof", data=GET)
    assert "Reused, TLSv1.3" in s_client(gateway, "-servername", "a.test", "-sess_in", ticket)


def test_client_certificates_and_misdirected_requests(gateway, pki):
    gateway.write("10.yaml", tls_secret(pki, "a"), secret("ca", {"tls.ca": (pki / "ca.crt").read_text()}),
                  tls_option("mtls", {"clientAuth": {"secretNames": ["ca"],
                                                     "clientAuthType": "RequireAndVerifyClientCert"}}),
                  route("m", "Host(`m.test`)", entry_points=("websecure",), tls={"options": {"name": "mtls"}}),
                  route("a", "Host(`a.test`)", entry_points=("websecure",), tls={"secretName": "a"}))
    gateway.start()
    assert https(gateway, "m.test")[0] == 0
    client = ["--cert", str(pki / "client.crt"), "--key", str(pki / "client.key")]
    assert https(gateway, "m.test", "/", *client)[0] == 200
    status, _, body = https(gateway, "m.test", "/", sni="a.test")
    assert (status, body) == (421, "Misdirected Request\n")
    # A session made without a client certificate does not open the host that asks for one.
    ticket = str(pki / "ticket-plain")
    s_client(gateway, "-servername", "a.test", "-sess_out", ticket, "-ign_eof", data=GET)
    assert "Reused" not in s_client(gateway, "-servername", "m.test", "-sess_in", ticket)


def test_plain_http_on_the_tls_port_is_no_crash(gateway, pki):
    gateway.write("10.yaml", tls_secret(pki, "a"),
                  route("a", "Host(`a.test`)", entry_points=("websecure",), tls={"secretName": "a"}))
    gateway.start()
    gateway.raw("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", port=443)
    gateway.raw(bytes(range(256)) * 8, port=443)
    assert https(gateway, "a.test")[0] == 200


def test_a_rotated_certificate_is_served_and_a_broken_one_keeps_the_rest(gateway, pki):
    gateway.write("05.yaml", tls_secret(pki, "a"))
    gateway.write("10.yaml", route("a", "Host(`a.test`)", entry_points=("websecure",), tls={"secretName": "a"}),
                  route("plain", "Host(`p.test`)"))
    gateway.start()
    serial = s_client(gateway, "-servername", "a.test")
    run("openssl", "req", "-x509", "-key", str(pki / "a.key"), "-days", "30", "-subj", "/CN=a.test/O=rotated",
        "-addext", "subjectAltName=DNS:a.test", "-out", str(pki / "rotated.crt"))
    gateway.update("05.yaml", secret("a", {"tls.crt": (pki / "rotated.crt").read_text(),
                                           "tls.key": (pki / "a.key").read_text()}, "kubernetes.io/tls"))
    assert "O = rotated" in s_client(gateway, "-servername", "a.test") and "O = rotated" not in serial
    gateway.update("05.yaml", secret("a", {"tls.crt": "garbage", "tls.key": "garbage"}, "kubernetes.io/tls"))
    assert gateway.get("p.test")[0] == 200
    assert "garbage" not in gateway.log()
    # security.md D14: the last good one stays, until the Secret itself is gone.
    assert "O = rotated" in s_client(gateway, "-servername", "a.test")
    assert "the last good certificate is still used" in gateway.log()
    gateway.update("05.yaml", tls_secret(pki, "a"))
    assert "O = rotated" not in s_client(gateway, "-servername", "a.test")


def test_the_default_certificate_of_the_tls_store(gateway, pki):
    store = {"apiVersion": "traefik.io/v1alpha1", "kind": "TLSStore", "metadata": {"name": "default"},
             "spec": {"defaultCertificate": {"secretName": "a"}, "certificates": [{"secretName": "wild"}]}}
    gateway.write("10.yaml", tls_secret(pki, "a"), tls_secret(pki, "wild"), store,
                  route("p", "Host(`p.test`)", entry_points=("websecure",), tls={}))
    gateway.start()
    assert "CN = a.test" in s_client(gateway, "-servername", "p.test")
    assert "CN = *.wild.test" in s_client(gateway, "-servername", "x.wild.test")
    assert "CN = a.test" in s_client(gateway, "-noservername")


def test_ktls_outcome_is_shown(gateway, pki):
    gateway.write("10.yaml", tls_secret(pki, "a"),
                  route("a", "Host(`a.test`)", entry_points=("websecure",), tls={"secretName": "a"}))
    gateway.start()
    assert https(gateway, "a.test")[0] == 200
    ktls = gateway.status()["ktls"]
    assert ktls["tx"] in ("on", "off")
    assert ktls["tx"] == "on" or ktls["reason"]
    assert any(name.startswith("tidegate_ktls_connections_total") for name in gateway.metrics())


def test_tls_without_any_route_is_a_handshake_and_404(gateway):
    gateway.write("10.yaml", route("p", "Host(`p.test`)"))
    gateway.start()
    assert https(gateway, "p.test")[0] == 404  # reference b.5.5 (f)
    out = gateway.lab.run("client", "curl", "-s", "-k", "-o", "/dev/null", "-w", "%{http_code}", "--connect-to",
                          f"p.test:80:{GATEWAY}:80", "https://p.test:80/", check=False).stdout
    assert out == "404"
    assert gateway.get("p.test")[0] == 200


def test_why_handshakes_failed_is_counted_and_told_when_asked(gateway):
    gateway.write("all.yaml", route("r", "Host(`a.test`)", entry_points=("websecure",), tls={}))
    gateway.start("--log.level=DEBUG", "--metrics.prometheus=true")
    name = 'tidegate_tls_handshakes_total{result="%s",reason="%s"}'
    gateway.raw(b"\x16\x03\x01\x00\x05hello", port=443)
    gateway.curl("https://a.test/", "--connect-to", f"a.test:443:{GATEWAY}:443", check=False)  # trusts no such certificate
    gateway.curl("-k", "https://a.test/", "--connect-to", f"a.test:443:{GATEWAY}:443")
    counted = gateway.metrics()
    assert counted[name % ("failed", "not-tls")] == 1
    assert counted[name % ("failed", "peer-alert")] == 1
    assert counted[name % ("new", "")] >= 1
    assert 'TLS handshake with a client failed' in gateway.log() and "reason=not-tls" in gateway.log()
