# SPDX-License-Identifier: Apache-2.0
"""Several interfaces at once: clients and backends behind different ones, one native and one generic, and one that is detached
and attached again while the other carries traffic."""

import os
import subprocess
import time

import pytest
from conftest import BUILD, run
from test_l_balance import lines
from topology import ECHO, VIP4, VIP6, Topology, ask, backend4, backend6, node4, node6, transfer

FAR4, FAR6 = "10.78.2.2", "fd78:2::2"

# Requests over TCP, each on a connection of its own, until it is told to end; prints how many there were and failed.
REQUESTS = """
import select, socket, sys
n = failed = 0
print('ready', flush=True)
while not select.select([sys.stdin], [], [], 0.01)[0]:
    n += 1
    try:
        with socket.create_connection((sys.argv[1], 80), 1) as s:
            s.settimeout(1); s.sendall(b'?'); failed += not s.recv(64)
    except OSError: failed += 1
print(n, failed)
"""


def loader(topology, *words):
    run(*topology.inside("n1", os.path.join(BUILD, "tidegate-loader"), f"--folder={topology.pins('n1')}", "--no-dispatcher", *words))


def wire_far(topology):
    """A second interface of n1, with a client behind it; the backends' answers to it come by the router and n1's first one."""
    topology._namespace("far")
    run("ip", "link", "add", "eth0", "netns", topology.ns("far"), "type", "veth", "peer", "name", "eth1", "netns", topology.ns("n1"))
    for role, device, ends in (("far", "eth0", (f"{FAR4}/24", f"{FAR6}/64")), ("n1", "eth1", ("10.78.2.1/24", "fd78:2::1/64"))):
        topology.run(role, "ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
        for address in ends:
            topology.ip(role, "addr", "add", address, "dev", device, *(["nodad"] if ":" in address else []))
        topology.ip(role, "link", "set", device, "up")
    topology.ip("far", "route", "add", "default", "via", "10.78.2.1")
    topology.ip("far", "-6", "route", "add", "default", "via", "fd78:2::1")
    topology.ip("rt", "route", "add", "10.78.2.0/24", "via", node4(1))
    topology.ip("rt", "-6", "route", "add", "fd78:2::/64", "via", node6(1))
    topology.load("far", "eth0")
    loader(topology, "--mode=generic", "attach", "eth1")


@pytest.fixture(scope="module")
def world():
    with Topology(BUILD, nodes=1, backends=2, tunnels=True) as made:
        wire_far(made)
        for i in (1, 2):
            role = f"b{i}"
            made.sysctl(role, "net.ipv4.conf.all.arp_ignore=1")
            made.ip(role, "addr", "add", f"{VIP4}/32", "dev", "lo")
            made.ip(role, "-6", "addr", "add", f"{VIP6}/128", "dev", "lo", "nodad")
            made.apply(role, [f"self {backend4(i)}", f"self {backend6(i)}", "tunnels", f"peer {node4(1)}", f"peer {node6(1)}"])
            made.serve(role, ECHO, role, "80,53,8080")
        made.apply("n1", lines("nat"))
        for role in ("client", "far"):
            for vip in (VIP4, VIP6):
                ask(made, role, vip, n=6)  # neighbours are known from now on
        yield made
        made.check_balance()


@pytest.mark.parametrize("mode", ("nat", "dsr-ipip"))
@pytest.mark.parametrize("vip", (VIP4, VIP6))
def test_clients_behind_another_interface_are_served_whichever_way_answers_take(world, vip, mode):
    world.apply("n1", lines(mode))
    for role in ("far", "client"):
        assert set(ask(world, role, vip, n=4)) <= {"b1", "b2"}
        assert transfer(world, role, vip, n=200_000)[1] == "True"


def test_an_interface_is_detached_and_attached_while_the_other_loses_nothing(world):
    world.apply("n1", lines("nat"))
    steady = subprocess.Popen(world.inside("client", "/usr/bin/python3", "-c", REQUESTS, VIP4), text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    steady.stdout.readline()
    for _ in range(5):
        loader(world, "detach", "eth1")
        assert "xdp" not in world.ip("n1", "link", "show", "eth1").stdout
        loader(world, "--mode=generic", "attach", "eth1")
        assert "xdpgeneric" in world.ip("n1", "link", "show", "eth1").stdout
        assert set(ask(world, "client", VIP4, n=4)) <= {"b1", "b2"}
        time.sleep(0.1)
    assert set(ask(world, "far", VIP4, n=4)) <= {"b1", "b2"}
    out, _ = steady.communicate("\n", timeout=10)
    n, failed = map(int, out.split())
    assert n > 10 and not failed, (n, failed)
