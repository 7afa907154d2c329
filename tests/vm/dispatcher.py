#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The loader beside a foreign XDP program, under a stock kernel where libxdp's dispatcher works.

Runs in a test machine: it makes an interface, a network namespace behind it, and leaves both to end
with the machine. Its argument is how often to go on and off between foreign programs (100).
"""

import json
import os
import pathlib
import re
import subprocess
import sys

import story

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("O", "build")
LOADER = BUILD / "tidegate-loader"
FOREIGN = BUILD / "tests/vm/foreign.bpf.o"
DEVICE, HERE, THERE = "edge0", "10.9.0.1", "10.9.0.2"
PACKETS = 20
CYCLES = int(sys.argv[1]) if len(sys.argv) > 1 else 100


def sh(command):
    """Runs a shell line; returns what it printed, or fails with all of it. An emulated verifier takes its time."""
    result = subprocess.run(command, shell=True, text=True, capture_output=True, timeout=200)
    if result.returncode:
        raise AssertionError(f"{command}: exit {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def make_network():
    for line in (
        "modprobe veth",
        "ip netns add away",
        f"ip link add {DEVICE} type veth peer name away0 netns away",
        f"ip addr add {HERE}/24 dev {DEVICE}",
        f"ip link set {DEVICE} up",
        f"ip -n away addr add {THERE}/24 dev away0",
        "ip -n away link set away0 up",
    ):
        sh(line)


def send_packets():
    """PACKETS datagrams from the far end; the programs see them, whatever the stack says to them."""
    sh(f"ip netns exec away bash -c 'for i in $(seq {PACKETS}); do echo > /dev/udp/{HERE}/9; done 2>&-; true'")


def programs():
    """The names of the programs that run on the interface, first one first."""
    return re.findall(r"^ => +\d+ +(\w+)", sh(f"xdp-loader status {DEVICE}"), re.M)


def foreign_seen():
    rows = json.loads(sh("bpftool -j map dump name foreign_seen"))
    return rows[0]["formatted"]["value"]


def ours_received():
    """Packets that our program has counted, from its pinned per-CPU counters."""
    status = json.loads(sh(f"{LOADER} status --json"))
    return status["received"]


def doctor():
    """The doctor says that this kernel has TLS and a working dispatcher"""
    report = sh(f"{LOADER} doctor")
    print(report.rstrip())
    for what in ("our program", "native XDP", "libxdp dispatcher", "kernel TLS"):
        assert re.search(rf"^ok +{what} ", report, re.M), what


def attaches_beside():
    """A foreign program stays when ours is attached, and both see every packet"""
    sh(f"xdp-loader load -m native {DEVICE} {FOREIGN}")
    assert programs() == ["foreign_count"]
    sh(f"{LOADER} load")
    print(sh(f"{LOADER} attach {DEVICE}").rstrip())
    names = programs()
    assert "foreign_count" in names and len(names) == 2, names
    foreign, ours = foreign_seen(), ours_received()
    send_packets()
    assert foreign_seen() - foreign >= PACKETS, "the foreign program missed packets"
    assert ours_received() - ours >= PACKETS, "our program missed packets"


def replaces_itself():
    """Attaching again replaces our program only, and its counters go on"""
    ours = ours_received()
    sh(f"{LOADER} load")
    sh(f"{LOADER} attach {DEVICE}")
    assert sorted(programs()).count("foreign_count") == 1 and len(programs()) == 2, programs()
    send_packets()
    assert ours_received() - ours >= PACKETS


def detaches_alone():
    """Detaching ours leaves the foreign program, still counting"""
    sh(f"{LOADER} detach {DEVICE}")
    assert programs() == ["foreign_count"], programs()
    before = foreign_seen()
    send_packets()
    assert foreign_seen() - before >= PACKETS


def order_is_kept():
    """Many times on and off, between a foreign program before and one after: they stay, in their order"""
    for priority in (5, 40):
        sh(f"xdp-loader load -m native -P {priority} {DEVICE} {FOREIGN}")
    sh(f"{LOADER} load")
    runs = []
    for cycle in range(CYCLES):
        sh(f"{LOADER} attach {DEVICE}")
        if cycle in (0, CYCLES // 2, CYCLES - 1):
            rows = re.findall(r"^ => +(\d+) +(\w+)", sh(f"xdp-loader status {DEVICE}"), re.M)
            runs.append([f"{priority} {name}" for priority, name in rows])
            ours = ours_received()
            send_packets()
            assert ours_received() - ours >= PACKETS, f"our program missed packets in cycle {cycle}"
        sh(f"{LOADER} detach {DEVICE}")
    print(f"{CYCLES} cycles: {', '.join(runs[0])}")
    assert all(run == runs[0] for run in runs) and len(runs[0]) == 4, runs
    assert runs[0][0] == "5 foreign_count" and runs[0][-1] == "40 foreign_count", runs[0]
    assert "10 ingress_shared" in runs[0], runs[0]
    assert programs() == ["foreign_count"] * 3, programs()


def unloads():
    """Unloading removes what was pinned and nothing else"""
    sh(f"{LOADER} unload")
    assert not os.path.exists("/sys/fs/bpf/tidegate")
    assert set(programs()) == {"foreign_count"}, programs()


if not os.path.exists("/sys/kernel/btf/vmlinux"):
    sys.exit("this test wants a kernel with BTF")
make_network()
story.run(doctor, attaches_beside, replaces_itself, detaches_alone, order_is_kept, unloads)
