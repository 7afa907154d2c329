#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The kernel plane on VLANs and a bond, under a stock kernel that has them.

Runs in a test machine, whose first namespace is the node: a client in VLAN 7 and a backend in VLAN 9, each behind a link
of its own; then the client's link is a bond of two. Everything is left to end with the machine.
"""

import contextlib
import json
import os
import pathlib
import subprocess

import story

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("O", "build")
LOADER, APPLY, PINS = BUILD / "tidegate-loader", BUILD / "tests/e2e/plane_apply", "/sys/fs/bpf/tidegate"
FOREIGN = "/sys/fs/bpf/foreign"
VIP4, VIP6 = "10.99.0.1", "fd99::1"
MODES = ("nat", "dsr-l2", "dsr-ipip")

ECHO = """
import socket, threading
def talk(s):
    while d := s.recv(65536): s.sendall(d)
    s.close()
l = socket.create_server(('::', 80), family=socket.AF_INET6, dualstack_ipv6=True)
while True: threading.Thread(target=talk, args=(l.accept()[0],), daemon=True).start()
"""
ASK = """
import os, socket, sys, time
data = os.urandom(60000)
for attempt in range(10):
    try: s = socket.create_connection((sys.argv[1], 80), 3); break
    except OSError: time.sleep(0.2)
s.settimeout(20); s.sendall(data); s.shutdown(socket.SHUT_WR)
back = b''
while d := s.recv(65536): back += d
print(back == data)
"""


def sh(command, **options):
    result = subprocess.run(command, shell=True, text=True, capture_output=True, timeout=100, **options)
    if result.returncode:
        raise AssertionError(f"{command}: exit {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def plain(device, namespace=None):
    """Tags and checksums stand in the frame, and what XDP sends is taken in."""
    inside = f"ip netns exec {namespace} " if namespace else ""
    sh(f"{inside}ethtool -K {device} tx off tso off gso off gro on rxvlan off txvlan off")


def vlan(namespace, below, number, *addresses):
    inside = f"-n {namespace} " if namespace else ""
    sh(f"ip {inside}link add link {below} name {below}.{number} type vlan id {number}")
    sh(f"ip {inside}link set {below}.{number} up")
    for address in addresses:
        sh(f"ip {inside}addr add {address} dev {below}.{number} {'nodad' if ':' in address else ''}")


def wire(device, far, namespace):
    """A pair whose far end runs a program, too, that passes everything: it takes in what XDP sends only then."""
    sh(f"ip link add {device} type veth peer name {far} netns {namespace}")
    sh(f"nsenter --net=/run/netns/{namespace} bpftool net attach xdpdrv pinned {FOREIGN} dev {far}")
    plain(device)
    plain(far, namespace)
    sh(f"ip link set {device} up; ip -n {namespace} link set {far} up")


def make_network():
    sh("modprobe -a veth 8021q bonding ipip ip6_tunnel; ip netns add away; ip netns add store")
    sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0")
    sh("sysctl -qw net.ipv4.conf.default.rp_filter=0 net.ipv4.conf.all.send_redirects=0")
    sh(f"bpftool prog load {BUILD}/tests/vm/foreign.bpf.o {FOREIGN}")
    wire("edge0", "away0", "away")
    wire("back0", "store0", "store")
    vlan(None, "edge0", 7, "10.9.7.1/24", "fd07::1/64")
    vlan("away", "away0", 7, "10.9.7.2/24", "fd07::2/64")
    vlan(None, "back0", 9, "10.9.9.1/24", "fd09::1/64")
    vlan("store", "store0", 9, "10.9.9.2/24", "fd09::2/64")
    for namespace, via in (("away", "7"), ("store", "9")):
        sh(f"ip -n {namespace} link set lo up; ip -n {namespace} route add default via 10.9.{via}.1")
        sh(f"ip -n {namespace} -6 route add default via fd0{via}::1")
    sh("ip netns exec store sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0")
    sh(f"ip -n store addr add {VIP4}/32 dev lo; ip -n store addr add {VIP6}/128 dev lo nodad")
    for name, kind in (("tunnel4", "ipip"), ("tunnel6", "ip6tnl")):
        sh(f"ip -n store link add name {name} type {kind} external; ip -n store link set {name} up")
    sh("ip netns exec store sysctl -qw net.ipv4.conf.tunnel4.rp_filter=0")
    subprocess.Popen(["ip", "netns", "exec", "store", "/usr/bin/python3", "-c", ECHO], start_new_session=True)
    story.wait_for(lambda: ":80" in sh("ip netns exec store ss -Htln"), "the server")
    sh("ip netns exec away ping -c1 -W2 10.9.7.1; ping -c1 -W2 10.9.9.2; ping -c1 -W2 fd09::2; ip netns exec away ping -c1 -W2 fd07::1")


def apply(mode):
    lines = ["self 10.9.9.1", "self fd09::1"]
    for family, vip, backend in ((4, VIP4, "10.9.9.2"), (6, VIP6, "fd09::2")):
        lines += [f"service {mode}{family} {mode}", f"backend {backend} {80 if mode == 'nat' else 0} active",
                  f"entry tcp{family} {vip} 80 80 tcp {mode}{family} alone"]
    sh(f"{APPLY} {PINS}", input="\n".join(lines) + "\n")


def forwarded():
    return json.loads(sh(f"{APPLY} {PINS} totals")).get("send.forwarded", 0)


def ask_all():
    for mode in MODES:
        apply(mode)
        for vip in (VIP4, VIP6):
            before = forwarded()
            answer = sh(f"ip netns exec away /usr/bin/python3 -c \"{ASK}\" {vip}").strip()
            assert answer == "True", (mode, vip, answer)
            assert forwarded() > before + 10, (mode, vip)


def from_one_vlan_to_another():
    """A client in a VLAN reaches a backend in another one, in every mode and family, natively"""
    make_network()
    sh(f"{LOADER} --mode=native --no-dispatcher load; {LOADER} --mode=native --no-dispatcher attach edge0 back0")
    ask_all()


def the_same_without_native():
    """The same in generic mode"""
    sh(f"{LOADER} detach edge0 back0; {LOADER} --mode=generic --no-dispatcher attach edge0 back0")
    ask_all()


def active_link():
    return pathlib.Path("/sys/class/net/bond0/bonding/active_slave").read_text().strip()


def on_a_bond():
    """The client's VLAN is on a bond, which the program runs on, and goes on when the active link is cut"""
    sh(f"{LOADER} detach edge0 back0")
    sh("ip link del edge0")  # its VLANs and the other end go with it
    sh("ip link add bond0 type bond mode active-backup miimon 50; ip -n away link add bond0 type bond mode active-backup miimon 50")
    for i in (1, 2):
        wire(f"edge{i}", f"away{i}", "away")
        sh(f"ip link set edge{i} down; ip link set edge{i} master bond0; ip -n away link set away{i} down; "
           f"ip -n away link set away{i} master bond0")
    sh("ip link set bond0 up; ip -n away link set bond0 up")
    for namespace in (None, "away"):
        with contextlib.suppress(AssertionError):  # a bond may have nothing of it to turn off
            plain("bond0", namespace)
    vlan(None, "bond0", 7, "10.9.7.1/24", "fd07::1/64")
    vlan("away", "bond0", 7, "10.9.7.2/24", "fd07::2/64")
    sh("ip -n away route replace default via 10.9.7.1; ip -n away -6 route replace default via fd07::1")
    sh(f"{LOADER} --mode=native --no-dispatcher attach bond0 back0")
    sh("ip netns exec away ping -c1 -W3 10.9.7.1; ip netns exec away ping -c1 -W3 fd07::1")
    ask_all()
    active = active_link()
    sh(f"ip link set {active} down; ip -n away link set {active.replace('edge', 'away')} down")
    story.wait_for(lambda: active_link() not in ("", active), "the other link")
    apply("nat")
    sh("ip netns exec away ping -c1 -W3 10.9.7.1")
    assert sh(f"ip netns exec away /usr/bin/python3 -c \"{ASK}\" {VIP4}").strip() == "True"


story.run(from_one_vlan_to_another, the_same_without_native, on_a_bond)
