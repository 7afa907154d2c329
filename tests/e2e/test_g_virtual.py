# SPDX-License-Identifier: Apache-2.0
"""test_g_virtual: VirtualAddresses and routes that the kernel plane forwards by itself, over the wire: the proxy has no
socket for the address, and counts nothing."""

import contextlib
import re
import time

import pytest
from conftest import BACKENDS, GATEWAY, LOADER, route
from stream_lab import connect, datagram, peer

VIP = "10.88.0.1"
INTERFACES = "--interfaces=cl0,ba0,bb0"


def virtual_address(spec, name="site"):
    return {"apiVersion": "tidegate.io/v1alpha1", "kind": "VirtualAddress", "metadata": {"name": name, "namespace": "default"},
            "spec": {"addresses": [VIP], "ports": [{"port": 80}],
                     "backendRefs": [{"address": address, "port": 8080} for address in BACKENDS.values()], **spec}}


def tcp_route():
    return [{"apiVersion": "traefik.io/v1alpha1", "kind": "IngressRouteTCP", "metadata": {"name": "r", "namespace": "default"},
             "spec": {"entryPoints": ["raw"], "routes": [{"match": "HostSNI(`*`)", "services": [{"name": "s", "port": 80}]}]}},
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "default"}, "spec": {"ports": [{"port": 80}]}},
            {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
             "metadata": {"name": "s-1", "namespace": "default", "labels": {"kubernetes.io/service-name": "s"}},
             "ports": [{"port": 8080}], "endpoints": [{"addresses": [a], "conditions": {"ready": True}} for a in BACKENDS.values()]}]


def ask(gateway, address, port=80, n=1):
    """Which backends answered n requests, each on a connection of its own."""
    bodies = [gateway.curl("--connect-timeout", "2", f"http://{address}:{port}/x", check=False) for _ in range(n)]
    return [match.group(1) if (match := re.search(r"backend=(\w)", body)) else "" for body in bodies]


@pytest.fixture
def kernel(gateway):
    folders = []

    def start(*objects, options=()):
        # A veth takes in what XDP sends to it where its peer has a program, too; checksums must be whole before.
        for role in ("client", "a", "b"):
            plane = [LOADER, f"--folder={gateway.pins}-{role}", "--mode=native", "--no-dispatcher"]
            folders.append((role, plane))
            gateway.lab.run(role, "ethtool", "-K", "eth0", "tx", "off", "gro", "off")
            gateway.lab.run(role, *plane, "load")
            gateway.lab.run(role, *plane, "attach", "eth0")
        gateway.lab.run("gw", "sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
        gateway.write("10.yaml", *objects)
        gateway.start("--entryPoints.raw.address=:5432", INTERFACES, *options, kernel="native")
        assert gateway.status()["kernel"]["mode"] == "native"
        ask(gateway, VIP)  # neighbours are known from now on
        return gateway
    yield start
    for role, plane in folders:
        gateway.lab.run(role, *plane, "unload", check=False)


def test_an_address_is_forwarded_to_its_backends(kernel):
    gateway = kernel(virtual_address({}))
    answers = ask(gateway, VIP, n=24)
    assert set(answers) == {"a", "b"}, answers
    # From here on each connection has the weights of the object.
    gateway.update("10.yaml", virtual_address({"backendRefs": [{"address": BACKENDS["a"], "port": 8080},
                                                              {"address": BACKENDS["b"], "port": 8080, "weight": 0}]}))
    assert set(ask(gateway, VIP, n=12)) == {"a"}


def test_translated_flows_use_the_ports_that_are_theirs(kernel):
    # Linux gives these to its own sockets, too: that is told.
    gateway = kernel(virtual_address({}), options=("--forwarding.natPorts=40000-40063",))
    held = [connect(gateway.lab, 80, VIP) for _ in range(4)]
    peers = [line.split()[-1] for role in ("a", "b")
             for line in gateway.lab.run(role, "ss", "-Htn", "state", "established", "sport = :8080").stdout.splitlines()]
    for connection in held:
        connection.close()
    ports = [int(peer.rsplit(":", 1)[1]) for peer in peers]
    assert len(ports) == 4 and all(40000 <= port <= 40063 for port in ports), peers
    told = [line for line in gateway.log().splitlines() if "ip_local_reserved_ports" in line]
    assert len(told) == 1 and "ports=64" in told[0], told


def test_a_backend_that_fails_its_check_gets_nothing_until_it_is_well(kernel):
    gateway = kernel(virtual_address({"healthCheck": {"type": "http", "path": "/x", "interval": "200ms", "timeout": "150ms",
                                                      "unhealthyThreshold": 1}}))
    assert set(ask(gateway, VIP, n=24)) == {"a", "b"}
    gateway.lab.ip("b", "link", "set", "eth0", "down")
    try:
        gateway.lab.wait_for(lambda: "backend is unhealthy" in gateway.log(), "the check to fail", 10)
        gateway.lab.wait_for(lambda: set(ask(gateway, VIP, n=6)) == {"a"}, "the other backend alone", 10)
    finally:
        gateway.lab.ip("b", "link", "set", "eth0", "up")
        gateway.lab.ip("b", "route", "replace", "10.77.2.1/32", "dev", "eth0")
        gateway.lab.ip("b", "route", "replace", "default", "via", "10.77.2.1")
    gateway.lab.wait_for(lambda: "backend is healthy again" in gateway.log(), "the check to succeed", 10)
    gateway.lab.wait_for(lambda: set(ask(gateway, VIP, n=12)) == {"a", "b"}, "both backends", 10)


def test_a_star_route_is_the_kernel_plane_s_and_a_rule_gives_it_back(kernel):
    gateway = kernel(*tcp_route())
    assert set(ask(gateway, GATEWAY, 5432, n=24)) == {"a", "b"}
    # Nothing of it came to the proxy's socket.
    assert not gateway.lab.run("gw", "ss", "-Htn", "state", "all", "sport = :5432 and not state listening", check=False).stdout.strip()
    routes = tcp_route()
    routes[0]["spec"]["routes"].insert(0, {"match": "ClientIP(`192.0.2.0/24`)", "services": [{"name": "s", "port": 80}]})
    gateway.update("10.yaml", *routes)
    assert set(ask(gateway, GATEWAY, 5432, n=24)) == {"a", "b"}


def test_a_local_address_is_an_entry_point_s_without_a_socket(kernel):
    gateway = kernel(route("web", "Host(`x.test`)"),
                     virtual_address({"mode": "local", "entryPoint": "web", "backendRefs": [], "ports": [{"port": 7000, "endPort": 7009}]}))
    with gateway.lab.here("gw", f"{VIP}/32"):
        for port in (7000, 7009):
            assert gateway.get("x.test", port=port, address=VIP)[0] == 200


def test_datagrams_leave_a_backend_that_drains_after_its_time(kernel):
    gateway = kernel()
    for role in BACKENDS:
        peer(gateway.lab, role, "udp", 8081, role)

    def refs(weights):
        return virtual_address({"protocol": "UDP", "ports": [{"port": 53}], "drainTimeout": "3s",
                                "backendRefs": [{"address": BACKENDS[role], "port": 8081, "weight": weights[role]} for role in BACKENDS]})

    gateway.update("10.yaml", refs({"a": 1, "b": 1}))
    with datagram(gateway.lab, 53, VIP, timeout=0.5) as client:
        def who():
            with contextlib.suppress(OSError):
                client.send(b"who")
                return client.recv(100).split()[0].decode()
            return ""

        gateway.lab.wait_for(who, "the first answer", 5)
        first = who()
        other = "b" if first == "a" else "a"
        gateway.update("10.yaml", refs({first: 0, other: 1}))
        changed = time.monotonic()
        while time.monotonic() - changed < 1.5:
            assert who() == first  # the flow has some time, however often it is used
        gateway.lab.wait_for(lambda: who() == other, "the flow to go to the other backend", 10)
        assert time.monotonic() - changed > 2
        assert {who() for _ in range(20)} == {other}


def test_open_connections_are_limited_where_they_are_forwarded(kernel):
    policy = {"apiVersion": "tidegate.io/v1alpha1", "kind": "SourcePolicy", "metadata": {"name": "few", "namespace": "default"},
              "spec": {"limits": {"concurrentConnections": 4}, "entryPoints": ["raw"]}}
    gateway = kernel(virtual_address({"sourcePolicy": {"name": "few"}}), *tcp_route(), policy)
    assert set(ask(gateway, GATEWAY, 5432, n=24)) == {"a", "b"}, "what is closed makes room"
    held = [connect(gateway.lab, port, address) for port, address in ((80, VIP), (5432, GATEWAY)) * 4]
    # It holds without a process, and goes on with the next one.
    gateway.process.kill()
    gateway.process.wait()
    for port, address in ((80, VIP), (5432, GATEWAY)):
        with pytest.raises(TimeoutError):
            connect(gateway.lab, port, address, timeout=0.3)
    held.pop().close()
    assert ask(gateway, GATEWAY, 5432)[0] in ("a", "b")
    gateway.start("--entryPoints.raw.address=:5432", INTERFACES, kernel="native")
    assert gateway.status()["kernel"]["drops"]["connections"] >= 2
    for connection in held:
        connection.close()
