# SPDX-License-Identifier: Apache-2.0
"""test_s_tls: what reference/security.md asks of TLS (A2.5) and of secrets in memory (A2.8), on loopback."""

import os
import resource
import signal
import socket
import ssl
import subprocess
import time

import pytest
import yaml
from conftest import SANITIZED, TIDEGATE, middleware, secret
from loop import Loop, Upstream, drain, values
from ports import free_port
from test_k_tls import option, tls_route
from test_k_wire import loop_service

HOSTS = {"plain.test": None, "must.test": "must", "may.test": "may", "any.test": "any"}
VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])


def authority(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3", "-subj",
                    f"/CN={name}", "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.crt"], check=True, capture_output=True)
    return open(f"{folder}/{name}.crt").read()


def client(folder, name, ca, days):
    subprocess.run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                    "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.csr"], check=True, capture_output=True)
    subprocess.run(["openssl", "x509", "-req", "-in", f"{folder}/{name}.csr", "-CA", f"{folder}/{ca}.crt", "-CAkey", f"{folder}/{ca}.key",
                    "-CAcreateserial", "-days", str(days), "-out", f"{folder}/{name}.crt"], check=True, capture_output=True)


class Gate(Loop):
    def __init__(self, folder, pki, up):
        self.pki, self.up = pki, up
        self.authorities = {name: authority(pki, name) for name in ("ours", "theirs")}
        for name, ca, days in (("ann", "ours", 3), ("late", "ours", -1), ("eve", "theirs", 3)):
            client(pki, name, ca, days)
        super().__init__(TIDEGATE, str(folder), ["secure"], self.objects(self.authorities["ours"]),
                         ["--security.seccomp=false"] if SANITIZED else [])

    def objects(self, ca):
        kinds = {"must": "RequireAndVerifyClientCert", "may": "VerifyClientCertIfGiven", "any": "RequireAnyClientCert"}
        items = loop_service("up", self.up.port) + [secret("ca", {"tls.ca": ca})]
        items.append(middleware("cert", "passTLSClientCert", {"info": {"subject": {"commonName": True}}}))
        for name, kind in kinds.items():
            auth = {"clientAuthType": kind} | ({"secretNames": ["ca"]} if name != "any" else {})
            items.append(option(name, clientAuth=auth))
        for host, name in HOSTS.items():
            item = tls_route(host.split(".")[0], host, **({"options": {"name": name}} if name else {}))
            item["spec"]["routes"][0]["middlewares"] = [{"name": "cert"}]
            items.append(item)
        return "---\n".join(yaml.safe_dump(item) for item in items)

    def trust(self, ca):
        """Until the change is in force: clients of both authorities know."""
        self.write("all.yaml", self.objects(ca))
        wanted = [200 if ca == self.authorities[name] else 0 for name in ("ours", "theirs")]
        for _ in range(100):
            if [self.ask_as(self.context(who), "must.test")[0] for who in ("ann", "eve")] == wanted:
                return
            time.sleep(0.05)
        raise AssertionError(self.log()[-3000:])

    def context(self, who=None, version=ssl.TLSVersion.TLSv1_3):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
        made.minimum_version = made.maximum_version = version
        if who:
            made.load_cert_chain(f"{self.pki}/{who}.crt", f"{self.pki}/{who}.key")
        return made

    def ask_as(self, context, sni, session=None, headers="", host=None):
        """(status, 0 for none; session; whether it was taken up; who the server was told it is)."""
        try:
            with socket.create_connection(("127.0.0.1", self.ports["secure"]), 5) as plain:
                with context.wrap_socket(plain, server_hostname=sni, session=session) as s:
                    s.sendall(f"GET /echo HTTP/1.1\r\nHost: {host or sni}\r\n{headers}Connection: close\r\n\r\n".encode())
                    out = drain(s)
                    seen = out.partition(b"\r\n\r\n")[2] + b"\r\n\r\n"
                    told = values(seen, "x-forwarded-tls-client-cert-info") if out.startswith(b"HTTP/1.1 200") else []
                    return int(out[9:12] or b"0"), s.session, s.session_reused, told
        except (ssl.SSLError, OSError):
            return 0, None, False, []


@pytest.fixture(scope="module")
def gw(tmp_path_factory):
    up = Upstream()
    made = Gate(tmp_path_factory.mktemp("stls"), tmp_path_factory.mktemp("spki"), up)
    yield made
    assert made.stop() == 0, made.log()[-3000:]
    up.close()


@VERSIONS
def test_sessions_open_no_host_with_other_rules(gw, version):
    """A2.5: resumption never crosses options, neither from no certificate nor from one that nobody has looked at."""
    for who, first in ((None, "plain.test"), ("eve", "any.test"), ("ann", "must.test")):
        context = gw.context(who, version)
        status, session, _, _ = gw.ask_as(context, first)
        assert status == 200, (who, first)
        assert gw.ask_as(context, first, session)[2], "the session is of no use at all"
        for host in HOSTS:
            status, _, reused, _ = gw.ask_as(context, host, session)
            assert not reused or host == first, (who, first, host)
            assert status == gw.ask_as(gw.context(who, version), host)[0], (who, first, host)


@VERSIONS
@pytest.mark.parametrize("who, host, status, told", [
    (None, "must.test", 0, []), ("late", "must.test", 0, []), ("eve", "must.test", 0, []), ("ann", "must.test", 200, ["ann"]),
    (None, "may.test", 200, []), ("late", "may.test", 0, []), ("eve", "may.test", 0, []), ("ann", "may.test", 200, ["ann"]),
    (None, "any.test", 0, []), ("eve", "any.test", 200, ["eve"]), ("ann", "plain.test", 200, [])])
def test_who_may_come_and_what_the_server_is_told(gw, version, who, host, status, told):
    """A2.4, A2.5: expired certificates and those of others are refused; nobody says by headers who it is."""
    forged = ("X-Forwarded-Tls-Client-Cert-Info: root\r\nX_Forwarded_Tls_Client_Cert_Info: root\r\nClient-Cert: root\r\n"
              "Connection: X-Forwarded-Tls-Client-Cert-Info\r\n")
    got = gw.ask_as(gw.context(who, version), host, headers=forged)
    assert (got[0], got[3]) == (status, [f"Subject%3D%22CN%3D{name}%22" for name in told])
    for other in ("must.test", "MUST.test.", "must.test:443"):
        if host != "must.test" and status:
            assert gw.ask_as(gw.context(who, version), host, host=other)[0] == 421


@VERSIONS
def test_a_session_ends_with_the_trust_it_was_made_with(gw, version):
    """A2.5: another CA, or none that can be read, closes at once, for those who come back too."""
    ann = gw.context("ann", version)
    status, session, _, _ = gw.ask_as(ann, "must.test")
    assert status == 200
    try:
        gw.trust(gw.authorities["theirs"])
        assert gw.ask_as(ann, "must.test", session)[0] == 0 and gw.ask_as(gw.context("eve", version), "must.test")[0] == 200
        gw.trust("no certificate at all")
        for who in (None, "ann", "eve"):
            assert gw.ask_as(gw.context(who, version), "must.test")[0] == 0, who
        assert gw.ask_as(ann, "must.test", session)[0] == 0
    finally:
        gw.trust(gw.authorities["ours"])


def s_client(gw, *arguments, data=b""):
    return subprocess.run(["timeout", "5", "openssl", "s_client", "-connect", f"127.0.0.1:{gw.ports['secure']}", "-servername",
                           "plain.test", *arguments], input=data, capture_output=True).stdout.decode(errors="replace")


def test_no_renegotiation_and_no_early_data(gw, tmp_path):
    """A2.5."""
    request = b"GET /echo HTTP/1.1\r\nHost: plain.test\r\nConnection: close\r\n\r\n"
    assert "HTTP/1.1 200" in s_client(gw, "-tls1_2", "-ign_eof", data=request)
    assert "HTTP/1.1" not in s_client(gw, "-tls1_2", data=b"R\n" + request)
    ticket, early = tmp_path / "ticket", tmp_path / "early"
    early.write_bytes(request)
    assert "HTTP/1.1 200" in s_client(gw, "-tls1_3", "-ign_eof", "-sess_out", str(ticket), data=request)
    out = s_client(gw, "-tls1_3", "-sess_in", str(ticket), "-early_data", str(early))
    assert "Early data was accepted" not in out and "HTTP/1.1" not in out


@pytest.mark.skipif(SANITIZED, reason="sanitizers need what a core dump needs")
def test_keys_are_in_no_core_dump(tmp_path):
    """A2.8: a worker that dies leaves nothing behind, whatever the limit is."""
    def dies(*command, wait):
        folder = tmp_path / command[0].rpartition("/")[2]
        folder.mkdir()
        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (most, most)))
        wait()
        os.kill(process.pid, signal.SIGSEGV)
        assert process.wait(10) == -signal.SIGSEGV
        return any(name.startswith("core") for name in os.listdir(folder))

    if not dies("/bin/sleep", "60", wait=lambda: time.sleep(0.1)):
        pytest.skip("nothing leaves a core dump here")
    port, manifests = free_port(), tmp_path / "manifests"
    manifests.mkdir()

    def serves():
        for _ in range(100):
            try:
                return socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                time.sleep(0.05)
    assert not dies(TIDEGATE, "run", f"--manifests={manifests}", "--kernelPlane=off", "--workers=1", f"--admin.socket={tmp_path}/sock",
                    f"--admin.address=127.0.0.1:{free_port()}", f"--entryPoints.web.address=127.0.0.1:{port}", wait=serves)
