# SPDX-License-Identifier: Apache-2.0
"""Whose a connection is (reference b.5): SNI, ALPN, passthrough, TLS that ends here, PostgreSQL, HTTP beside all."""

import shutil
import socket
import ssl
import struct
import subprocess
import time

import pytest
from conftest import BACKENDS, GATEWAY, route
from stream_lab import (ask, certificate, connect, peer, read_n, read_to_end, secure, service, tcp_route,
                        tcp_transport, tls_secret)

MIX = "--entryPoints.mix.address=:6000"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sni")
    return {name: certificate(folder, name, *names) for name, names in {
        "server": ("one.test", "*.two.test", "re5.test", BACKENDS["a"]), "front": ("front.test", "web.test"),
        "pg": ("pg.test",)}.items()}


@pytest.fixture
def peers(lab, files):
    started = []

    def start(role, *arguments):
        started.append(peer(lab, role, *arguments))

    yield start
    for process in started:
        lab.stop(process)


def greeting(lab, sni, alpn=(), port=6000):
    """What a TLS server says first, its certificate's fingerprint; None when there is no handshake."""
    try:
        with secure(connect(lab, port), sni, alpn) as connection:
            return connection.recv(200).decode(), connection.getpeercert(True)
    except (ssl.SSLError, OSError):
        return None, None


def http(lab, port=6000, tls=None, host="web.test"):
    connection = connect(lab, port)
    if tls:
        connection = secure(connection, tls)
    with connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        return read_to_end(connection).decode()


def test_passthrough_by_name_wildcard_pattern_and_protocol(gateway, lab, peers, files):
    for port, name in ((6101, "exact"), (6102, "wild"), (6103, "regexp"), (6104, "alpn"), (6105, "rest")):
        peers("a", "tls", port, *files["server"], name)
    gateway.write("10.yaml", *[o for p, n in ((6101, "exact"), (6102, "wild"), (6103, "regexp"), (6104, "alpn"),
                                              (6105, "rest")) for o in service(n, p)],
                  tcp_route("exact", "HostSNI(`one.test`)", ("exact", 6101), entry_points=("mix",),
                            tls={"passthrough": True}),
                  tcp_route("wild", "HostSNI(`*.two.test`)", ("wild", 6102), entry_points=("mix",),
                            tls={"passthrough": True}),
                  tcp_route("regexp", "HostSNIRegexp(`^re[0-9]+\\.test$`)", ("regexp", 6103), entry_points=("mix",),
                            tls={"passthrough": True}),
                  tcp_route("alpn", "HostSNI(`*`) && ALPN(`two`)", ("alpn", 6104), entry_points=("mix",),
                            tls={"passthrough": True}),
                  tcp_route("rest", "HostSNI(`*`)", ("rest", 6105), entry_points=("mix",), tls={"passthrough": True}))
    gateway.start(MIX)
    der = ssl.PEM_cert_to_DER_cert(open(files["server"][0]).read())
    for sni, alpn, said in (("one.test", (), "exact alpn=None\n"), ("ONE.test", ("one",), "exact alpn=one\n"),
                            ("a.two.test", (), "wild alpn=None\n"), ("a.b.two.test", (), "rest alpn=None\n"),
                            ("re55.test", (), "regexp alpn=None\n"), ("rex.test", (), "rest alpn=None\n"),
                            ("other.test", ("two",), "alpn alpn=two\n"), (None, (), "rest alpn=None\n")):
        assert greeting(lab, sni, alpn) == (said, der), sni
    # Nothing but the route stands between: a resumed session and TLS 1.2 work as with the server alone.
    with secure(connect(lab, 6000), "one.test", versions=ssl.TLSVersion.TLSv1_2) as connection:
        assert connection.recv(100) == b"exact alpn=None\n"
        assert ask(connection, b"echo") == b"echo"


def test_tls_ends_here_and_begins_anew_towards_servers(gateway, lab, peers, files):
    peers("a", "tcp", 6111, "echo")
    peers("a", "tls", 6112, *files["server"], "inner")
    gateway.write("10.yaml", tls_secret("front", files["front"]), *service("plain", 6111), *service("tls", 6112),
                  tcp_transport("inner", {"tls": {"rootCAs": [{"secret": "ca"}], "serverName": "one.test"}}),
                  tcp_transport("blind", {"tls": {"insecureSkipVerify": True}}),
                  tcp_transport("strict", {}),
                  {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "ca", "namespace": "default"},
                   "stringData": {"ca.crt": open(files["server"][0]).read()}},
                  {"apiVersion": "traefik.io/v1alpha1", "kind": "TLSOption",
                   "metadata": {"name": "custom", "namespace": "default"},
                   "spec": {"alpnProtocols": ["db/1"], "minVersion": "VersionTLS13"}},
                  tcp_route("plain", "HostSNI(`front.test`)", ("plain", 6111), entry_points=("mix",),
                            tls={"secretName": "front"}),
                  tcp_route("custom", "HostSNIRegexp(`^custom`)", ("plain", 6111), entry_points=("mix",),
                            tls={"secretName": "front", "options": {"name": "custom"}}),
                  *[tcp_route(n, f"HostSNI(`{n}.test`)",
                              {"name": "tls", "port": 6112, "tls": True, "serversTransport": n},
                              entry_points=("mix",), tls={"secretName": "front"})
                    for n in ("inner", "blind", "strict")])
    gateway.start(MIX)
    data = bytes(range(256)) * 4000
    with secure(connect(lab, 6000, timeout=20), "front.test") as connection:
        assert ssl.PEM_cert_to_DER_cert(open(files["front"][0]).read()) == connection.getpeercert(True)
        for size in (1, 16384, 16385, 300_000):
            assert ask(connection, data[:size]) == data[:size]
    assert greeting(lab, "inner.test")[0] == "inner alpn=None\n"
    assert greeting(lab, "blind.test")[0] == "inner alpn=None\n"
    with secure(connect(lab, 6000), "strict.test") as connection:
        assert read_to_end(connection) == b""  # no CA is trusted for it
    with secure(connect(lab, 6000), "custom.test", ("db/1", "h2")) as connection:
        assert connection.selected_alpn_protocol() == "db/1"
        assert ask(connection, b"x") == b"x"
    with pytest.raises((ssl.SSLError, OSError)):
        secure(connect(lab, 6000), "custom.test", versions=ssl.TLSVersion.TLSv1_2)
    with pytest.raises((ssl.SSLError, OSError)):
        secure(connect(lab, 6000), "custom.test", ("other",))


def test_who_wins_on_one_entry_point(gateway, lab, peers, files):
    """Every row of reference b.5 5, and HTTP beside plain TCP."""
    peers("a", "tls", 6121, *files["server"], "tcp")
    peers("a", "tcp", 6122, "banner", "plain")
    everything = tcp_route("all", "HostSNI(`*`)", ("tcp", 6121), entry_points=("mix",), tls={"passthrough": True})
    gateway.write("10.yaml", tls_secret("front", files["front"]), *service("tcp", 6121), *service("plain", 6122),
                  route("web", "Host(`web.test`)", "a", entry_points=("mix",), tls={"secretName": "front"}),
                  tcp_route("same", "HostSNI(`web.test`)", ("tcp", 6121), entry_points=("mix",),
                            tls={"passthrough": True}, priority=100000),
                  tcp_route("one", "HostSNI(`one.test`)", ("tcp", 6121), entry_points=("mix",),
                            tls={"passthrough": True}))
    gateway.start(MIX)
    assert "backend=a" in http(lab, tls="web.test")  # (b) before any TCP route
    assert greeting(lab, "one.test")[0] == "tcp alpn=None\n"  # (c)
    assert "404 Not Found" in http(lab, tls="no.test", host="no.test")  # (f)
    gateway.update("11.yaml", everything)
    assert greeting(lab, "no.test")[0] == "tcp alpn=None\n"  # (e)
    gateway.update("12.yaml", route("any", "PathPrefix(`/`)", "b", entry_points=("mix",),
                                    tls={"secretName": "front"}))
    assert "backend=b" in http(lab, tls="no.test", host="no.test")  # (d) before (e)
    assert greeting(lab, "one.test")[0] == "tcp alpn=None\n"  # (c) before (d)
    # Plain: HTTP until a TCP route takes it; with HTTPS on the entry point the client has to speak first.
    assert "404 Not Found" in http(lab)
    gateway.update("13.yaml", tcp_route("plain", "ClientIP(`10.77.1.0/24`)", ("plain", 6122), entry_points=("mix",)))
    with connect(lab, 6000) as connection:
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(5)
        connection.sendall(b"x")
        assert connection.recv(10) == b"hello from"


def test_a_hello_in_pieces_and_what_is_none(gateway, lab, peers, files):
    peers("a", "tls", 6131, *files["server"], "slow")
    gateway.write("10.yaml", *service("slow", 6131),
                  tcp_route("slow", "HostSNI(`one.test`)", ("slow", 6131), entry_points=("mix",),
                            tls={"passthrough": True}))
    gateway.start(MIX, "--entryPoints.mix.transport.respondingTimeouts.readTimeout=1s")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="one.test")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = outgoing.read()
    with connect(lab, 6000) as connection:  # byte by byte, the server answers it
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(hello)):
            connection.sendall(hello[i:i + 1])
        assert connection.recv(1) == b"\x16"
    pieces = b"".join(hello[:3] + struct.pack("!H", len(part)) + part
                      for part in (hello[i:i + 7] for i in range(5, len(hello), 7)))
    with connect(lab, 6000) as connection:  # in many records
        connection.sendall(pieces)
        assert connection.recv(1) == b"\x16"
    dialled = gateway.metrics()['tidegate_entrypoint_connections_refused_total{entrypoint="mix"}']
    for bad in (b"\x16\x03\x01\xff\xff", b"\x16\x03\x01\x00\x04\x02abc", b"\x16" + b"\xff" * 100,
                b"\x16\x03\x01\x40\x00\x01\x00\xff\xff" + b"a" * 16380):
        with connect(lab, 6000) as connection:
            connection.sendall(bad)
            assert read_to_end(connection) == b""
    assert gateway.metrics()['tidegate_entrypoint_connections_refused_total{entrypoint="mix"}'] == dialled + 4
    begun = time.monotonic()
    with connect(lab, 6000) as connection:  # never ends
        connection.sendall(hello[:50])
        assert read_to_end(connection) == b""
    assert 0.8 < time.monotonic() - begun < 3


@pytest.mark.parametrize("tls", [{"passthrough": True}, {"secretName": "pg"}])
def test_postgresql_asks_for_tls_in_its_own_way(gateway, lab, peers, files, tls):
    peers("a", "postgres", 6141, *files["pg"])
    gateway.write("10.yaml", tls_secret("pg", files["pg"]), *service("pg", 6141),
                  route("web", "Host(`pg.test`)", "a", entry_points=("mix",), tls={"secretName": "pg"}),
                  tcp_route("pg", "HostSNI(`pg.test`)", ("pg", 6141), entry_points=("mix",), tls=tls))
    gateway.start(MIX)
    out = subprocess.run(lab.inside("client", "openssl", "s_client", "-connect", f"{GATEWAY}:6000", "-starttls",
                                    "postgres", "-servername", "pg.test", "-verify_return_error", "-CAfile",
                                    files["pg"][0]), input=b"", capture_output=True, timeout=20).stdout.decode()
    assert "Verify return code: 0 (ok)" in out
    with connect(lab, 6000) as connection:
        connection.sendall(struct.pack("!II", 8, 80877103))
        assert connection.recv(1) == b"S"
        with secure(connection, "pg.test") as session:
            words = b"user\0u\0database\0shop\0\0"
            session.sendall(struct.pack("!II", len(words) + 8, 196608) + words)
            assert b"database shop is asked for" in session.recv(200)
    with connect(lab, 6000) as connection:  # a name that no TCP route has is closed
        connection.sendall(struct.pack("!II", 8, 80877103))
        assert connection.recv(1) == b"S"
        with pytest.raises((ssl.SSLError, OSError)):
            secure(connection, "other.test")
    assert "backend=a" in http(lab, tls="pg.test", host="pg.test")
    if shutil.which("psql"):
        out = lab.run("client", "psql", f"host=pg.test hostaddr={GATEWAY} port=6000 dbname=shop user=u sslmode=require "
                      "sslsni=1 gssencmode=disable", check=False)
        assert "database shop is asked for" in out.stderr, out


def test_proxy_protocol_before_a_hello(gateway, lab, peers, files):
    peers("a", "tls", 6151, *files["server"], "one")
    gateway.write("10.yaml", *service("one", 6151),
                  tcp_route("one", "HostSNI(`one.test`) && ClientIP(`192.0.2.9`)", ("one", 6151),
                            entry_points=("mix",), tls={"passthrough": True}))
    gateway.start(MIX, "--entryPoints.mix.proxyProtocol.insecure=true")
    connection = connect(lab, 6000)
    connection.sendall(b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + socket.inet_aton("192.0.2.9") +
                       socket.inet_aton("192.0.2.1") + struct.pack("!HH", 1234, 6000))
    with secure(connection, "one.test") as session:
        assert read_n(session, 14) == b"one alpn=None\n"
