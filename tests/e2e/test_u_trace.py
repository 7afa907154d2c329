# SPDX-License-Identifier: Apache-2.0
"""tidegate trace tells what really happens: to flows that are established, to fragments, to errors, to tagged frames; and
nothing that it does is noticed."""

import json

import pytest
from conftest import CLIENT, FLOODER, GATEWAY, TIDEGATE, route, source_policy
from stream_lab import connect
from test_g_virtual import VIP, kernel, virtual_address  # noqa: F401


def trace(gateway, *words, options=()):
    """What it says as JSON, with the stages by name."""
    done = gateway.lab.run("gw", TIDEGATE, "trace", *words, *options, f"--pinFolder={gateway.pins}", "--json", check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    told["stages"] = {stage["stage"]: stage["says"] for stage in told["stages"]}
    return told


def rows(gateway, name):
    dump = gateway.lab.run("gw", "bpftool", "-j", "map", "dump", "pinned", f"{gateway.pins}/{name}").stdout
    return sorted(json.dumps(row) for row in json.loads(dump))


def test_a_flow_that_is_established_is_one_here_too(kernel):  # noqa: F811
    gateway = kernel(virtual_address({"sourcePolicy": {"name": "p"}}), source_policy("p", {"limits": {"packetsPerSecond": 1000}}))
    held = connect(gateway.lab, 80, VIP)
    port = held.getsockname()[1]
    held.sendall(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"backend=" in held.recv(4000)
    before = {name: rows(gateway, name) for name in ("flow", "flow_new", "stick", "fragment")}
    known = trace(gateway, "tcp", f"{CLIENT}:{port}", f"{VIP}:80", "ack")
    assert (known["verdict"], known["reason"], known["flow"]["state"]) == ("sent", "forwarded", "known"), known
    assert known["entry"] == f"default/site {VIP}:80" and "SourcePolicy/default/p" in known["objects"] and known["mode"] == "nat"
    assert f"known: {CLIENT}:{port} to {VIP}:80" in known["stages"]["flow"]
    backend, ours = known["backend"], known["flow"]["port"]
    # The backend's side of the same flow, and errors about it from either side.
    here = json.loads(gateway.lab.run("gw", "ip", "-j", "route", "get", backend.split(":")[0]).stdout)[0]["prefsrc"]
    answer = trace(gateway, "tcp", backend, f"{here}:{ours}", "ack")
    assert (answer["reason"], answer["flow"]["state"]) == ("returned", "known"), answer
    assert f"{VIP}:80 > {CLIENT}:{port}" in answer["leavesAs"]
    error = trace(gateway, "icmp", "203.0.113.9", VIP, "too-big=1400", "about", "tcp", f"{VIP}:80", f"{CLIENT}:{port}")
    assert (error["reason"], error["backend"], error["flow"]["port"]) == ("icmp_forwarded", backend, ours), error
    error = trace(gateway, "icmp", "203.0.113.9", here, "unreachable", "about", "tcp", f"{here}:{ours}", backend)
    assert (error["reason"], error["flow"]["state"], error["entry"]) == ("icmp_forwarded", "known", f"default/site {VIP}:80"), error
    # Not a flow of anybody.
    new = trace(gateway, "tcp", f"{CLIENT}:9", f"{VIP}:80", "syn")
    assert (new["reason"], new["flow"]["state"]) == ("forwarded", "new"), new
    stray = trace(gateway, "tcp", f"{CLIENT}:9", f"{VIP}:80", "ack")
    assert stray["reason"] == "reset" and "not known here" in stray["stages"]["flow"], stray
    assert before == {name: rows(gateway, name) for name in before}
    held.close()


def test_fragments_tags_and_other_odd_packets(kernel):  # noqa: F811
    gateway = kernel(virtual_address({"ports": [{"port": 53}], "protocol": "UDP"}, name="dns"))
    ends = ("udp", f"{CLIENT}:4000", f"{VIP}:53", "payload=1000")
    later = trace(gateway, *ends, "fragment=next")
    assert (later["verdict"], later["reason"], later["entry"]) == ("sent", "forwarded", f"default/dns {VIP}:53/udp"), later
    assert "lists" not in later["stages"] and later["backend"].startswith("10.77.2.")
    lost = trace(gateway, *ends, "fragment=late")
    assert lost["reason"] == "fragment_lost" and "first one was not seen" in lost["stages"]["flow"], lost
    tagged = trace(gateway, *ends, "vlan=7", "vlan=8")
    assert tagged["reason"] == "forwarded" and tagged["packet"].endswith("VLAN 7, VLAN 8"), tagged
    assert trace(gateway, *ends, "ttl=1")["stages"]["forward"].startswith("its time to live is over")
    echo = trace(gateway, "icmp", CLIENT, VIP)
    assert echo["reason"] == "icmp_echo" and "answers for it" in echo["stages"]["entry"], echo


def test_budgets_and_bans_are_honoured_and_not_used_up(gateway):
    gateway.write("10.yaml", route("web", "Host(`x.test`)"),
                  source_policy("p", {"limits": {"bytesPerSecond": 8, "bytesBurst": 2000}}))
    gateway.start(kernel="native")
    packet = ("tcp", f"{FLOODER}:4000", f"{GATEWAY}:80", "syn", "payload=1000")
    # More than the burst: a trace is charged to nobody.
    assert all(trace(gateway, *packet)["reason"] == "admitted" for _ in range(2))
    for _ in range(6):
        gateway.get("x.test", "/", "--interface", FLOODER, "--connect-timeout", "0.2", "--max-time", "0.3")
    over = trace(gateway, *packet)
    assert (over["reason"], over["objects"]) == ("rate_bytes", "SourcePolicy/default/p"), over
    assert over["stages"]["limits"] == "used up: limits.bytesPerSecond 8 of each /32" == f"used up: {over['rule']}"
    assert over["interface"] == "cl0"
    odd = trace(gateway, "tcp", f"{CLIENT}:9", f"{GATEWAY}:80", "syn", "fin")
    assert (odd["reason"], list(odd["stages"])) == ("tcp_flags", ["parse"]), odd
    six = trace(gateway, "tcp", "[fd77:1::2]:99", "[fd77:1::1]:80", "syn", "vlan=5")
    assert six["reason"] == "admitted" and six["stages"]["parse"] == "IPv6 TCP syn", six
    assert "bytes 8 a second of each /64: within" in six["stages"]["limits"], six


@pytest.mark.parametrize("words, says", [
    (("tcp", "x", GATEWAY), ("the packet's source", "found: 'x'")),
    (("tcp", CLIENT, GATEWAY, "sny"), ("found: 'sny'", "did you mean syn?")),
    (("icmp", CLIENT, GATEWAY, "unreachable"), ("about PROTOCOL SOURCE DEST", "the end of the words")),
    (("tcp", CLIENT, GATEWAY, "--interface=nosuch0"), ("no interface nosuch0",)),
    (("tcp", CLIENT, GATEWAY, "--pinFolder=/sys/fs/bpf/nosuch"), ("no kernel plane is loaded there",))])
def test_a_wrong_packet_explains_itself(lab, words, says):
    wrong = lab.run("gw", TIDEGATE, "trace", *words, check=False)
    assert wrong.returncode == (1 if "no kernel plane" in says[0] else 2), wrong
    for word in says:
        assert word in wrong.stderr, wrong.stderr
