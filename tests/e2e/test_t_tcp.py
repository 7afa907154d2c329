# SPDX-License-Identifier: Apache-2.0
"""Raw TCP over the wire: relays, ends of either side, middlewares, PROXY protocol, updates (reference a.2, d.6)."""

import contextlib
import os
import socket
import struct
import threading
import time

import pytest
from conftest import BACKENDS, CLIENT, FLOODER, GATEWAY
from stream_lab import (ask, connect, peer, read_n, read_to_end, service, tcp_middleware, tcp_route, tcp_transport)

DB = "--entryPoints.db.address=:5000"


@pytest.fixture
def peers(lab):
    """Starts servers for one test."""
    started = []

    def start(role, *arguments):
        started.append(peer(lab, role, *arguments))
        return started[-1]

    yield start
    for process in started:
        lab.stop(process)


def test_bytes_both_ways_unchanged_and_never_in_user_space(gateway, lab, peers):
    peers("a", "tcp", 7001, "echo")
    gateway.write("10.yaml", *service("echo", 7001), tcp_route("echo", "HostSNI(`*`)", ("echo", 7001)))
    gateway.start(DB)
    data = os.urandom(3_000_000)
    with connect(lab, 5000) as connection:
        got = []
        reader = threading.Thread(target=lambda: got.append(read_n(connection, len(data))))
        reader.start()
        connection.sendall(data)
        reader.join(20)
        assert got[0] == data
        for size in (1, 63, 64, 65, 4096):  # and in small pieces
            assert ask(connection, data[:size]) == data[:size]
        for i in range(300):  # each a segment of its own
            connection.sendall(data[i:i + 1])
        assert read_n(connection, 300) == data[:300]
    lab.wait_for(lambda: gateway.metrics()['tidegate_stream_open_sessions{service="default-echo-' + name_of(gateway) +
                                           '@kubernetescrd",protocol="tcp"}'] == 0, "the end", 5)
    status = gateway.status()
    metrics = {k: v for k, v in gateway.metrics().items() if k.startswith("tidegate_stream")}
    total = len(data) + 1 + 63 + 64 + 65 + 4096 + 300
    assert [v for k, v in metrics.items() if k.startswith("tidegate_stream_received")] == [total], metrics
    assert [v for k, v in metrics.items() if k.startswith("tidegate_stream_sent_b")] == [total], metrics
    assert status["ktls"]["bytesSpliced"] == 2 * total


def name_of(gateway):
    return [k for k in gateway.metrics() if k.startswith("tidegate_stream_open")][0].split("echo-")[1].split("@")[0]


def test_a_server_may_speak_first(gateway, lab, peers):
    peers("a", "tcp", 7002, "banner", "a")
    gateway.write("10.yaml", *service("banner", 7002), tcp_route("banner", "HostSNI(`*`)", ("banner", 7002)))
    gateway.start(DB)
    with connect(lab, 5000) as connection:
        assert connection.recv(100) == b"hello from a to 10.77.2.1\n"
        assert ask(connection, b"x") == b"x"


def test_real_redis_through_a_relay(gateway, lab, tmp_path):
    lab.start("a", "redis-server", "--port", "7003", "--bind", BACKENDS["a"], "--protected-mode", "no", "--save", "",
              "--dir", str(tmp_path))
    gateway.write("10.yaml", *service("redis", 7003), tcp_route("redis", "HostSNI(`*`)", ("redis", 7003)))
    gateway.start(DB)

    def cli(*words):
        return lab.run("client", "redis-cli", "-h", GATEWAY, "-p", "5000", *words, check=False).stdout.strip()

    lab.wait_for(lambda: cli("ping") == "PONG", "redis", 10)
    assert cli("set", "key", "v" * 10000) == "OK"
    assert cli("get", "key") == "v" * 10000


def test_half_close_is_passed_on_and_the_answer_comes(gateway, lab, peers):
    peers("a", "tcp", 7004, "once", "a")
    gateway.write("10.yaml", *service("once", 7004), tcp_transport("slow", {"terminationDelay": "-1s"}),
                  tcp_transport("usual", {}),
                  tcp_route("once", "HostSNI(`*`)", {"name": "once", "port": 7004, "serversTransport": "slow"}),
                  tcp_route("usual", "HostSNI(`*`)", {"name": "once", "port": 7004, "serversTransport": "usual"},
                            entry_points=("other",)))
    gateway.start(DB, "--entryPoints.other.address=:5001")
    for port in (5000, 5001):
        with connect(lab, port) as connection:
            connection.sendall(b"z" * 1000)
            connection.shutdown(socket.SHUT_WR)
            assert read_to_end(connection) == b"a got 1000 bytes\n"


def test_termination_delay_ends_the_other_side(gateway, lab, peers):
    peers("a", "tcp", 7005, "sink", "t")
    gateway.write("10.yaml", *service("sink", 7005), tcp_transport("half", {"terminationDelay": "500ms"}),
                  tcp_route("half", "HostSNI(`*`)", {"name": "sink", "port": 7005, "serversTransport": "half"}),
                  tcp_route("none", "HostSNI(`*`)", ("sink", 7005), entry_points=("other",)))
    gateway.start(DB, "--entryPoints.other.address=:5001")
    for port, least, most in ((5000, 0.4, 2.0), (5001, 0.0, 0.4)):
        with connect(lab, port) as connection:
            assert read_to_end(connection) == b"bye\n"  # the server's end is the client's at once
            begun = time.monotonic()
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                while time.monotonic() - begun < 3:
                    connection.sendall(b"more")
                    time.sleep(0.02)
            assert least <= time.monotonic() - begun <= most, port


def test_a_reset_is_passed_on(gateway, lab, peers):
    peers("a", "tcp", 7006, "reset")
    gateway.write("10.yaml", *service("reset", 7006), tcp_route("reset", "HostSNI(`*`)", ("reset", 7006)))
    gateway.start(DB)
    with connect(lab, 5000) as connection:
        connection.sendall(b"x")
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    lab.wait_for(lambda: gateway.status()["streams"] == 0, "the end", 5)


def test_a_slow_receiver_holds_the_sender_back(gateway, lab, peers):
    peers("a", "tcp", 7007, "echo")
    gateway.write("10.yaml", *service("echo", 7007), tcp_route("echo", "HostSNI(`*`)", ("echo", 7007)))
    gateway.start(DB)
    with connect(lab, 5000) as connection:
        connection.setblocking(False)
        sent, quiet = 0, time.monotonic()
        while time.monotonic() - quiet < 0.5 and sent < 200_000_000:
            try:
                sent += connection.send(b"m" * 65536)
                quiet = time.monotonic()
            except BlockingIOError:
                time.sleep(0.02)
        assert sent < 100_000_000  # buffers of kernels and one pipe, no more
        connection.setblocking(True)
        connection.settimeout(20)
        assert len(read_n(connection, sent)) == sent


@pytest.mark.parametrize("version", [1, 2])
def test_proxy_protocol_to_servers(gateway, lab, peers, version):
    peers("a", "tcp", 7008, "proxy")
    gateway.write("10.yaml", *service("proxy", 7008), tcp_transport("pp", {"proxyProtocol": {"version": version}}),
                  tcp_route("proxy", "HostSNI(`*`)", {"name": "proxy", "port": 7008, "serversTransport": "pp"}),
                  tcp_route("old", "HostSNI(`*`)", {"name": "proxy", "port": 7008,
                                                    "proxyProtocol": {"version": version}}, entry_points=("other",)))
    gateway.start(DB, "--entryPoints.other.address=:5001")
    for port in (5000, 5001):
        with connect(lab, port) as connection:
            own = connection.getsockname()[1]
            connection.sendall(b"DONE")
            got = bytes.fromhex(read_to_end(connection).decode())
        if version == 1:
            assert got == f"PROXY TCP4 {CLIENT} {GATEWAY} {own} {port}\r\nDONE".encode()
        else:
            assert got == (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + socket.inet_aton(CLIENT) +
                           socket.inet_aton(GATEWAY) + struct.pack("!HH", own, port) + b"DONE")


def test_proxy_protocol_from_a_trusted_peer_goes_on_to_the_server(gateway, lab, peers):
    peers("a", "tcp", 7009, "proxy")
    gateway.write("10.yaml", *service("proxy", 7009), tcp_transport("pp", {"proxyProtocol": {"version": 1}}),
                  tcp_middleware("lan", "ipAllowList", {"sourceRange": ["192.0.2.0/24"]}),
                  tcp_route("proxy", "ClientIP(`192.0.2.0/24`)",
                            {"name": "proxy", "port": 7009, "serversTransport": "pp"}, middlewares=("lan",)))
    gateway.start(DB, f"--entryPoints.db.proxyProtocol.trustedIPs={CLIENT}/32")
    with connect(lab, 5000) as connection:
        connection.sendall(b"PROXY TCP4 192.0.2.7 192.0.2.1 4000 5000\r\nDONE")
        assert bytes.fromhex(read_to_end(connection).decode()) == \
            b"PROXY TCP4 192.0.2.7 192.0.2.1 4000 5000\r\nDONE"


def test_ip_allow_list_closes_before_a_server_is_asked(gateway, lab, peers):
    peers("a", "tcp", 7010, "banner", "a")
    gateway.write("10.yaml", *service("banner", 7010),
                  tcp_middleware("one", "ipAllowList", {"sourceRange": [CLIENT]}),
                  tcp_route("banner", "HostSNI(`*`)", ("banner", 7010), middlewares=("one",)))
    gateway.start(DB)
    with connect(lab, 5000, source=CLIENT) as connection:
        assert connection.recv(10) == b"hello from"
    with connect(lab, 5000, source=FLOODER) as connection:
        assert connection.recv(10) == b""
    assert gateway.metrics()['tidegate_entrypoint_connections_refused_total{entrypoint="db"}'] == 1


def test_in_flight_connections_of_a_client_are_bounded_over_updates(gateway, lab, peers):
    peers("a", "tcp", 7011, "echo")
    gateway.write("10.yaml", *service("echo", 7011), tcp_middleware("two", "inFlightConn", {"amount": 2}),
                  tcp_route("echo", "HostSNI(`*`)", ("echo", 7011), middlewares=("two",)))
    gateway.start(DB)
    first, second = connect(lab, 5000, source=CLIENT), connect(lab, 5000, source=CLIENT)
    assert ask(first, b"1") == b"1" and ask(second, b"2") == b"2"
    gateway.update("11.yaml", *service("other", 7999), tcp_route("other", "HostSNI(`*`)", ("other", 7999),
                                                                 entry_points=("web",)))
    with connect(lab, 5000, source=CLIENT) as third:
        assert third.recv(1) == b""
    with connect(lab, 5000, source=FLOODER) as other:
        assert ask(other, b"o") == b"o"
    first.close()
    lab.wait_for(lambda: gateway.status()["streams"] == 1, "the end of the first", 5)
    with connect(lab, 5000, source=CLIENT) as third:
        assert ask(third, b"3") == b"3"
    second.close()


def test_weights_and_a_server_that_refuses_is_passed_over(gateway, lab, peers):
    peers("a", "tcp", 7012, "banner", "a")
    peers("b", "tcp", 7012, "banner", "b")
    gateway.write("10.yaml", *service("a", 7012, ["a"]), *service("b", 7012, ["b"]), *service("ab", 7013, ["a", "b"]),
                  tcp_route("weighted", "HostSNI(`*`)", {"name": "a", "port": 7012, "weight": 3},
                            {"name": "b", "port": 7012, "weight": 1}),
                  tcp_route("refusing", "HostSNI(`*`)", ("ab", 7013), entry_points=("other",)))
    server = peers("b", "tcp", 7013, "banner", "b")
    gateway.start(DB, "--entryPoints.other.address=:5001", workers=1)

    def who(port):
        with connect(lab, port) as connection:
            return connection.recv(12)[-1:].decode()

    assert "".join(sorted(who(5000) for _ in range(8))) == "aaaaaabb"
    # a listens to nothing there: every connection goes to b, and no client hears of it.
    assert "".join(who(5001) for _ in range(6)) == "bbbbbb"
    assert [v for k, v in gateway.metrics().items() if k.startswith("tidegate_stream_retries")][0] >= 1
    lab.stop(server)
    with connect(lab, 5001) as connection:
        assert connection.recv(10) == b""


def test_established_connections_outlive_updates_and_draining(gateway, lab, peers):
    peers("a", "tcp", 7014, "banner", "a")
    peers("b", "tcp", 7014, "banner", "b")
    gateway.write("10.yaml", *service("s", 7014, ["a"]), tcp_route("s", "HostSNI(`*`)", ("s", 7014)))
    gateway.start(DB, "--entryPoints.db.transport.lifeCycle.graceTimeOut=5s")
    held = connect(lab, 5000)
    assert held.recv(12)[-1:] == b"a"
    read_n(held, len(" to 10.77.2.1\n"))
    gateway.update("10.yaml", *service("s", 7014, ["b"]), tcp_route("s", "HostSNI(`*`)", ("s", 7014)))
    with connect(lab, 5000) as connection:
        assert connection.recv(12)[-1:] == b"b"
    assert ask(held, b"still") == b"still"
    os.remove(os.path.join(gateway.manifests, "10.yaml"))
    lab.wait_for(lambda: ask(held, b"again") == b"again" and refused(lab, 5000), "the route to go", 5)
    assert ask(held, b"still") == b"still"
    threading.Timer(1.0, held.close).start()
    begun = time.monotonic()
    lab.stop(gateway.process)
    assert 0.8 < time.monotonic() - begun < 4


def refused(lab, port):
    with connect(lab, port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        return connection.recv(12) == b"HTTP/1.1 404"


def test_sessions_stand_in_the_access_log(gateway, lab, peers, tmp_path):
    peers("a", "tcp", 7015, "echo")
    gateway.write("10.yaml", *service("echo", 7015), tcp_route("echo", "HostSNI(`*`)", ("echo", 7015)))
    gateway.start(DB, "--accessLog.format=json", f"--accessLog.filePath={tmp_path}/access.log")
    with connect(lab, 5000) as connection:
        ask(connection, b"12345")
    path = tmp_path / "access.log"
    lab.wait_for(lambda: path.exists() and "RequestProtocol" in path.read_text(), "the line", 5)
    line = path.read_text()
    assert '"RequestProtocol":"TCP"' in line and '"RequestContentSize":5' in line
    assert f'"ServiceAddr":"{BACKENDS["a"]}:7015"' in line and '"entryPointName":"db"' in line
