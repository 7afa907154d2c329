# SPDX-License-Identifier: Apache-2.0
"""Raw UDP over the wire: sessions, their end, weights, answers' addresses, floods of sources (reference a.3, d.7)."""

import os
import threading
import time

import pytest
from conftest import CLIENT, FLOODER, GATEWAY, GATEWAY6
from stream_lab import connect, datagram, peer, service, tcp_route, udp_route

DNS = ("--entryPoints.dns.address=:5300/udp", "--entryPoints.dns.udp.timeout=800ms")


@pytest.fixture
def peers(lab):
    started = []

    def start(role, *arguments):
        started.append(peer(lab, role, *arguments))
        return started[-1]

    yield start
    for process in started:
        lab.stop(process)


def manifests(gateway, port, targets=("a",)):
    gateway.write("10.yaml", *service("echo", port, targets, "UDP"), udp_route("echo", ("echo", port)))


def ask(client, data, timeout=3):
    client.settimeout(timeout)
    client.send(data)
    return client.recv(65536)


def test_datagrams_of_every_size_and_the_address_that_was_asked(gateway, lab, peers):
    peers("a", "udp", 5301, "a")
    manifests(gateway, 5301)
    gateway.start(*DNS)
    for address in (GATEWAY, GATEWAY6):
        with datagram(lab, 5300, address) as client:  # connected: an answer from elsewhere would not arrive
            for size in (0, 1, 512, 1400, 1473, 9000, 65000):
                data = os.urandom(size)
                assert ask(client, data) == data, size
    with datagram(lab, 5300) as client:
        client.send(b"many 200")
        got = [client.recv(100) for _ in range(200)]
        assert got == [f"a {i}".encode() for i in range(200)]
        for i in range(100):  # runs of equal ones keep their borders and their order
            client.send(b"%04d" % i)
        assert [client.recv(100) for _ in range(100)] == [b"%04d" % i for i in range(100)]
    metrics = gateway.metrics()
    assert sum(v for k, v in metrics.items() if k.startswith("tidegate_stream_sessions") and '"udp"' in k) == 3


def test_a_session_keeps_its_server_until_it_is_silent(gateway, lab, peers):
    peers("a", "udp", 5302, "a")
    peers("b", "udp", 5302, "b")
    manifests(gateway, 5302, ("a", "b"))
    gateway.start(*DNS, workers=1)
    clients = [datagram(lab, 5300) for _ in range(6)]
    first = [ask(client, b"who")[:1] for client in clients]
    assert sorted(first) == [b"a"] * 3 + [b"b"] * 3  # each new session has its turn
    for _ in range(4):  # and a session is one source port of ours
        time.sleep(0.2)
        assert [ask(client, b"who")[:1] for client in clients] == first
    assert gateway.status()["udpSessions"] == 6
    lab.wait_for(lambda: gateway.status()["udpSessions"] == 0, "silence to end them", 3)
    for client in clients:
        client.close()


def test_updates_and_draining_leave_sessions_alone(gateway, lab, peers):
    peers("a", "udp", 5303, "a")
    peers("b", "udp", 5303, "b")
    manifests(gateway, 5303)
    gateway.start(*DNS, "--entryPoints.dns.transport.lifeCycle.graceTimeOut=4s")
    with datagram(lab, 5300) as old, datagram(lab, 5300) as new, datagram(lab, 5300) as late:
        assert ask(old, b"who")[:1] == b"a"
        gateway.update("10.yaml", *service("echo", 5303, ("b",), "UDP"), udp_route("echo", ("echo", 5303)))
        assert ask(new, b"who")[:1] == b"b"
        assert ask(old, b"who")[:1] == b"a"
        ender = threading.Thread(target=lab.stop, args=(gateway.process,))
        ender.start()
        for _ in range(6):
            time.sleep(0.25)
            assert ask(old, b"who")[:1] == b"a"
        with pytest.raises((TimeoutError, ConnectionRefusedError)):
            ask(late, b"who", 0.3)
        ender.join(10)
        assert gateway.process.poll() == 0


def test_a_server_that_refuses_is_passed_over(gateway, lab, peers):
    peers("b", "udp", 5304, "b")
    manifests(gateway, 5304, ("a", "b"))
    gateway.start(*DNS, workers=1)
    with datagram(lab, 5300) as client:
        answers = []
        for _ in range(6):
            try:
                answers.append(ask(client, b"who", 0.5)[:1])
            except TimeoutError:
                pass
        assert len(answers) >= 5 and set(answers) == {b"b"}  # one datagram at most was lost to a


def test_the_route_with_the_greatest_name_has_the_entry_point(gateway, lab, peers):
    peers("a", "udp", 5305, "a")
    peers("b", "udp", 5305, "b")
    gateway.write("10.yaml", *service("a", 5305, ("a",), "UDP"), *service("b", 5305, ("b",), "UDP"),
                  udp_route("zz", ("b", 5305)), udp_route("aa", ("a", 5305)))
    gateway.start(*DNS)
    with datagram(lab, 5300) as client:
        assert ask(client, b"who")[:1] == b"b"


def test_weights_are_kept_by_sessions(gateway, lab, peers):
    peers("a", "udp", 5306, "a")
    peers("b", "udp", 5306, "b")
    gateway.write("10.yaml", *service("a", 5306, ("a",), "UDP"), *service("b", 5306, ("b",), "UDP"),
                  udp_route("mixed", {"name": "a", "port": 5306, "weight": 3}, {"name": "b", "port": 5306}))
    gateway.start(*DNS, workers=1)
    answers = []
    for _ in range(8):
        with datagram(lab, 5300) as client:
            answers.append(ask(client, b"who")[:1])
    assert sorted(answers) == [b"a"] * 6 + [b"b"] * 2


FLOOD = """
import random, socket, struct, sys, time
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
end = time.monotonic() + float(sys.argv[2])
n = 0
while time.monotonic() < end:
    source = socket.inet_aton(f"198.18.{random.randrange(256)}.{random.randrange(256)}")
    udp = struct.pack("!HHHH", random.randrange(1024, 65535), 5300, 12, 0) + b"x" * 4
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 32, 0, 0, 64, 17, 0, source, socket.inet_aton(sys.argv[1]))
    raw.sendto(ip + udp, (sys.argv[1], 0))
    n += 1
    if n % 50 == 0:
        time.sleep(0.02)
print(n)
"""


def test_spoofed_sources_are_bounded_and_push_out_nobody_who_talks(gateway, lab, peers):
    peers("a", "udp", 5307, "a")
    peers("a", "tcp", 5308, "echo")
    gateway.write("10.yaml", *service("echo", 5307, ("a",), "UDP"), udp_route("echo", ("echo", 5307)),
                  *service("tcp", 5308), tcp_route("tcp", "HostSNI(`*`)", ("tcp", 5308)))
    gateway.start(*DNS, "--entryPoints.db.address=:5000", "--limits.maxConnections=400", workers=1)
    lab.ip("gw", "route", "replace", "198.18.0.0/16", "via", CLIENT)  # where answers to nobody go
    with datagram(lab, 5300, source=CLIENT) as client, connect(lab, 5000) as held:
        assert ask(client, b"who")[:1] == b"a" and ask(client, b"who")[:1] == b"a"
        flood = lab.start("client", "/usr/bin/python3", "-c", FLOOD, GATEWAY, "2")
        most, answered = 0, 0
        while flood.poll() is None:
            answered += ask(client, b"who")[:1] == b"a"
            most = max(most, gateway.status()["udpSessions"])
            held.sendall(b"t")
            assert held.recv(1) == b"t"
            time.sleep(0.05)
        assert answered > 10
        assert 100 < most <= 200  # half of all connections, and not one more
        assert gateway.process.poll() is None
    with datagram(lab, 5300, source=FLOODER) as client:  # a new one finds room
        assert ask(client, b"who")[:1] == b"a"
