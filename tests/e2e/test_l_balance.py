# SPDX-License-Identifier: Apache-2.0
"""The kernel plane as a load balancer: every mode, family and protocol, over the wire, with nothing but the plane alive."""

import subprocess
import time

import pytest
from conftest import BUILD, run
from topology import ASK, ECHO, VIP4, VIP6, Topology, ask, backend4, backend6, node4, node6, transfer

MODES = ("nat", "dsr-l2", "dsr-ipip", "dsr-gue")
VIPS = {4: VIP4, 6: VIP6}
PORTS = "80,53,8080"


def lines(mode, port=8080, state="active", own=()):
    """Node n1: TCP 80 and UDP 53 of both addresses, each family to backends of its own family."""
    made = [f"self {node4(1)}", f"self {node6(1)}", *own]
    for family, backend in ((4, backend4), (6, backend6)):
        made += [f"service {mode}-{port}-{family} {mode}"]
        made += [f"backend {backend(i)} {port if mode == 'nat' else 0} {state}" for i in (1, 2)]
        made += [f"entry tcp{family} {VIPS[family]} 80 80 tcp {mode}-{port}-{family} alone",
                 f"entry udp{family} {VIPS[family]} 53 53 udp {mode}-{port}-{family} alone"]
    return made


def make(mode):
    made = Topology(BUILD, nodes=1, backends=2, mode=mode, tunnels=True, near=True)
    for i in (1, 2):
        role = f"b{i}"
        made.sysctl(role, "net.ipv4.conf.all.arp_ignore=1")
        made.ip(role, "addr", "add", f"{VIP4}/32", "dev", "lo")
        made.ip(role, "-6", "addr", "add", f"{VIP6}/128", "dev", "lo", "nodad")
        made.apply(role, [f"self {backend4(i)}", f"self {backend6(i)}", "tunnels", f"peer {node4(1)}", f"peer {node6(1)}"])
        made.serve(role, ECHO, role, PORTS)
    made.apply("n1", lines("nat"))
    for vip in VIPS.values():
        ask(made, "client", vip, n=12)  # every neighbour is known then: the first packet to each is lost
    return made


@pytest.fixture(scope="module", params=["native", "generic", "tc"])
def world(request):
    with make(request.param) as made:
        yield made


@pytest.fixture(scope="module")
def native():
    with make("native") as made:
        yield made


@pytest.fixture(autouse=True)
def balance(request):
    yield
    for name in ("world", "native"):
        if name in request.fixturenames:
            request.getfixturevalue(name).check_balance()


def forget_mtu(topology):
    for role in ("client", "near", "b1", "b2"):
        topology.ip(role, "route", "flush", "cache")
        topology.ip(role, "-6", "route", "flush", "cache")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("family", (4, 6))
def test_bytes_arrive_as_they_were_sent(world, mode, family):
    world.apply("n1", lines(mode))
    forget_mtu(world)
    name, same = transfer(world, "client", VIPS[family])
    assert name in ("b1", "b2") and same == "True"
    answers = ask(world, "client", VIPS[family], n=8)
    assert len(answers) == 8 and set(answers) <= {"b1", "b2"}, "each port has one backend and keeps it"


@pytest.mark.parametrize("family", (4, 6))
def test_nat_works_for_a_client_on_the_backends_segment(world, family):
    world.apply("n1", lines("nat"))
    assert transfer(world, "near", VIPS[family])[1] == "True"
    assert set(ask(world, "near", VIPS[family], n=4)) <= {"b1", "b2"}


def test_both_backends_get_flows_and_answers_come_from_the_address_that_was_asked(native):
    native.apply("n1", lines("nat"))
    assert set(ask(native, "client", VIP4, n=40)) == {"b1", "b2"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("family", (4, 6))
def test_fragments_follow_their_first_one(native, mode, family):
    native.apply("n1", lines(mode))
    forget_mtu(native)
    before = native.totals("n1")
    assert set(ask(native, "client", VIPS[family], size=4000, n=2)) <= {"b1", "b2"}
    assert "drop.fragment_lost" not in native.grown("n1", before)


# Opens connections until one is not made, asks on each, and closes them: how many there were and how many answered.
HOLD = """
import socket, sys
kept, heard = [], 0
for _ in range(int(sys.argv[2])):
    s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET); s.settimeout(0.5)
    try: s.connect((sys.argv[1], 80)); kept.append(s)
    except OSError: s.close(); break
print(len(kept), flush=True)
sys.stdin.read()
for s in kept:
    s.settimeout(2); s.sendall(b"x"); s.shutdown(socket.SHUT_WR)
    if s.recv(100): heard += 1
    while s.recv(65536): pass
print(heard)
"""


def hold(topology, role, vip, n):
    process = subprocess.Popen(topology.inside(role, "/usr/bin/python3", "-c", HOLD, vip, str(n)), stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    return process, int(process.stdout.readline())


@pytest.mark.parametrize("mode, family", (("nat", 4), ("dsr-ipip", 6)))
def test_a_source_has_as_many_connections_as_it_may(world, mode, family):
    made = lines(mode)
    entries = made.index(next(line for line in made if line.startswith("entry")))
    world.apply("n1", [*made[:entries], "limit 5", *made[entries:]])
    before = world.totals("n1")
    first, opened = hold(world, "client", VIPS[family], 8)
    other, others = hold(world, "near", VIPS[family], 3)
    assert (opened, others) == (5, 3) and world.grown("n1", before)["drop.connections"] == 1
    assert first.communicate("")[0] == "5\n" and other.communicate("")[0] == "3\n"
    again, reopened = hold(world, "client", VIPS[family], 8)
    assert reopened == 5 and again.communicate("")[0] == "5\n"
    assert world.grown("n1", before)["drop.connections"] == 2


def narrow(topology, *how):
    topology.ip("rt", "route", "replace", "10.78.1.0/24", "dev", "cl", *how)
    topology.ip("rt", "-6", "route", "replace", "fd78:1::2/128", "dev", "cl", *how)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("family", (4, 6))
def test_a_narrow_link_to_the_client_is_told_to_the_backend(native, mode, family):
    native.apply("n1", lines(mode))
    forget_mtu(native)
    narrow(native, "mtu", "lock", "1300")
    before = native.totals("n1")
    try:
        assert transfer(native, "client", VIPS[family])[1] == "True"
    finally:
        narrow(native)
        forget_mtu(native)
    assert native.grown("n1", before)["send.icmp_forwarded"] > 0


@pytest.mark.parametrize("family", (4, 6))
def test_what_a_tunnel_makes_too_big_is_told_to_the_client(native, family):
    native.apply("n1", lines("dsr-ipip"))
    forget_mtu(native)
    before = native.totals("n1")
    assert transfer(native, "client", VIPS[family])[1] == "True"
    grown = native.grown("n1", before)
    assert grown["send.icmp_error"] > 0 and "drop.too_big" not in grown


@pytest.mark.parametrize("vip", (VIP4, VIP6))
def test_a_port_that_nobody_has_at_the_backend_is_refused_through_nat(native, vip):
    native.apply("n1", lines("nat", port=9))
    code = ("import socket, sys\n"
            "s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)\n"
            "s.connect((sys.argv[1], 53)); s.settimeout(1)\n"
            "for _ in range(6):\n"  # a stack says so to one peer at a limited rate
            "    try: s.send(b'x'); s.recv(10)\n"
            "    except ConnectionRefusedError: print('refused'); break\n"
            "    except TimeoutError: pass\n"
            "try: socket.create_connection((sys.argv[1], 80), 3)\n"
            "except ConnectionRefusedError: print('reset')\n")
    assert native.python("client", code, vip).split() == ["refused", "reset"]


@pytest.mark.parametrize("vip", (VIP4, VIP6))
def test_without_a_living_backend_clients_are_refused_at_once(native, vip):
    native.apply("n1", lines("nat", state="dead"))
    code = ("import socket, sys\n"
            "try: socket.create_connection((sys.argv[1], 80), 3)\n"
            "except ConnectionRefusedError: print('reset')\n"
            "s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)\n"
            "s.connect((sys.argv[1], 53)); s.settimeout(2); s.send(b'x')\n"
            "try: s.recv(10)\n"
            "except ConnectionRefusedError: print('refused')\n")
    assert native.python("client", code, vip).split() == ["reset", "refused"]


@pytest.mark.parametrize("family", (4, 6))
def test_a_forgotten_neighbour_is_asked_for_and_counted(native, family):
    """bpf_fib_lookup() cannot look for a neighbour: a packet to the stack does, and the next one gets through."""
    native.apply("n1", lines("dsr-ipip"))
    assert set(ask(native, "client", VIPS[family], n=20)) == {"b1", "b2"}
    before = native.totals("n1")
    native.ip("n1", f"-{family}", "neigh", "flush", "all")
    time.sleep(1.1)  # a way that was found is good for a second
    assert set(ask(native, "client", VIPS[family], n=20)) == {"b1", "b2"}
    grown = native.grown("n1", before)
    assert grown.get("pass.resolve", 0) > 0 and "drop.no_route" not in grown, grown


BURST = """
import socket, sys
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(2000): s.sendto(b'?', (sys.argv[1], 53))
"""


@pytest.mark.parametrize("family", (4, 6))
def test_without_a_route_packets_are_dropped_and_counted_until_there_is_one(native, family):
    native.apply("n1", lines("dsr-ipip"))
    backends = [(backend4 if family == 4 else backend6)(i) for i in (1, 2)]
    before = native.totals("n1")
    for address in backends:
        native.ip("n1", f"-{family}", "route", "add", "unreachable", address)
    try:
        time.sleep(1.1)
        native.python("client", BURST, VIPS[family])
        grown = native.grown("n1", before)
        assert grown["send.icmp_error"] > 0 and grown["drop.no_route"] > 0, "some are told, and all are counted"
        assert grown["send.icmp_error"] + grown["drop.no_route"] >= 2000
    finally:
        for address in backends:
            native.ip("n1", f"-{family}", "route", "del", "unreachable", address)
    assert set(ask(native, "client", VIPS[family], n=20)) == {"b1", "b2"}


def test_ports_are_those_of_the_range_and_run_out_with_a_counter(native):
    native.apply("n1", lines("nat", own=("ports 61000 61007",)))
    before = native.totals("n1")
    answers = native.python(
        "client", ASK.replace("range(3)", "range(1)").replace("range(6)", "range(1)").replace("0.5", "0.1"), VIP4, 53, 40, 0).split()
    served = sum(1 for name in answers if name != "nobody")
    assert 8 <= served <= 16, "eight ports at each of two backends"
    assert native.grown("n1", before)["drop.no_port"] > 0


SCAPY = """
import sys
from scapy.all import *
conf.verb = 0
vip = sys.argv[1]
v6 = ':' in vip
def net(**more):
    return IPv6(dst=vip) if v6 else IP(dst=vip, **more)
def go(*packets):
    for p in packets: send(p)
def piece(id, units, more, data):
    if v6: return IPv6(dst=vip) / IPv6ExtHdrFragment(id=id, offset=units, m=more, nh=17) / Raw(data)
    return IP(dst=vip, id=id, frag=units, flags='MF' if more else 0, proto=17) / Raw(data)
def udp(size, port):
    return bytes(UDP(sport=port, dport=53, len=8 + 64, chksum=0 if not v6 else 1) / Raw(b'x' * (size - 8)))
def one(what):
    if what == 'ping':
        back = sr1(net() / (ICMPv6EchoRequest(data=b'z' * 999) if v6 else ICMP() / Raw(b'z' * 999)), timeout=3)
        return back is not None and bytes(back).endswith(b'z' * 999) and back.src == vip
    if what == 'overlap': go(piece(1, 0, 1, udp(32, 4001)), piece(1, 2, 0, b'y' * 40))
    if what == 'lost': go(piece(2, 4, 0, b'y' * 40))
    if what == 'tiny': go(piece(3, 0, 1, b'ab'))
    if what == 'other-ports': go(piece(4, 0, 1, udp(32, 4004)), piece(4, 0, 1, udp(32, 4005)))
    if what == 'ack': go(net() / TCP(sport=4006, dport=80, flags='A', seq=5, ack=9))
    if what == 'rst': go(net() / TCP(sport=4007, dport=80, flags='R', seq=5))
    if what == 'ttl':
        p = net() / UDP(sport=4008, dport=53) / Raw(b'x')
        p.hlim = p.ttl = 2
        go(p)
    if what == 'error':
        inner = (IPv6(src=vip, dst='fd78:1::2') if v6 else IP(src=vip, dst='10.78.1.2')) / UDP(sport=53, dport=4009) / Raw(b'x')
        go(net() / ((ICMPv6DestUnreach(code=4) if v6 else ICMP(type=3, code=3)) / inner))
print('ready', flush=True)
for line in sys.stdin:
    print(one(line.strip()), flush=True)
"""


ODD = (("ping", "send.icmp_echo"), ("overlap", "drop.fragment_overlap"), ("lost", "drop.fragment_lost"),
       ("tiny", "drop.tiny_fragment"), ("other-ports", "drop.fragment_overlap"), ("ack", "send.reset"),
       ("rst", "drop.no_flow"), ("ttl", "send.icmp_error"), ("error", "drop.no_flow"))


@pytest.mark.parametrize("vip", (VIP4, VIP6))
def test_odd_packets(native, vip):
    native.apply("n1", lines("nat"))
    ask(native, "client", vip)
    sender = subprocess.Popen(native.inside("client", "/usr/bin/python3", "-c", SCAPY, vip), text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    sender.stdout.readline()
    for what, counter in ODD:
        role = "rt" if what == "tiny" else "n1"  # the router runs the program, too
        before = native.totals(role)
        sender.stdin.write(what + "\n")
        sender.stdin.flush()
        assert sender.stdout.readline().strip() == ("True" if what == "ping" else "None"), what
        assert native.grown(role, before).get(counter, 0) == 1, what
    sender.communicate(timeout=10)


def test_forwarding_needs_no_process_and_flows_outlive_a_change_of_program(native):
    native.apply("n1", lines("nat"))
    code = ("import socket, sys\n"
            "s = socket.create_connection((sys.argv[1], 80), 3)\n"
            "s.sendall(b'?'); print(s.recv(10).decode(), flush=True); sys.stdin.readline()\n"
            "s.sendall(b'?'); print(s.recv(10).decode(), flush=True)\n")
    process = subprocess.Popen(native.inside("client", "/usr/bin/python3", "-c", code, VIP4), text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    first = process.stdout.readline().strip()
    run(*native.inside("n1", f"{BUILD}/tidegate-loader", f"--folder={native.pins('n1')}", "--no-dispatcher", "load"))
    out, _ = process.communicate("go\n", timeout=10)
    assert first in ("b1", "b2") and out.strip() == first
