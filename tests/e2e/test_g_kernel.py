# SPDX-License-Identifier: Apache-2.0
"""The kernel plane obeying the same objects: real XDP on veth, in namespaces."""

import json
import os
import time

import pytest
from conftest import CLIENT, FLOODER, GATEWAY, LOADER, middleware, route, run, source_policy

BURST = """
import socket, sys, time, select
source, target, port, n = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
kept = []
for _ in range(n):
    s = socket.socket(); s.setblocking(False); s.bind((source, 0)); s.connect_ex((target, port)); kept.append(s)
end, open_ = time.monotonic() + 0.8, set()
while time.monotonic() < end:
    for s in select.select([], kept, [], 0.05)[1]:
        if s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0: open_.add(s)
print(len(open_))
"""


def burst(gateway, n, source=FLOODER, port=80):
    """Opens n connections at once; how many were accepted before SYNs are sent again (1 s)."""
    return int(gateway.lab.run("client", "/usr/bin/python3", "-c", BURST, source, GATEWAY, str(port), str(n)).stdout)


def start(gateway, *objects, mode="native", options=()):
    gateway.write("10.yaml", route("web", "Host(`x.test`)"), *objects)
    gateway.start(*options, kernel=mode)
    kernel = gateway.status()["kernel"]
    assert kernel["mode"] == mode, kernel.get("reason")
    return kernel


def drops(gateway):
    return gateway.status()["kernel"]["drops"]


def test_native_mode_on_veth_and_traffic_flows(gateway):
    start(gateway)
    assert gateway.get("x.test")[0] == 200
    kernel = gateway.status()["kernel"]
    assert kernel["interfaces"] == ["cl0"]
    assert kernel["received"] == kernel["passed"] + sum(kernel["drops"].values())


def test_generic_mode_passes_the_same_traffic(gateway):
    start(gateway, source_policy("p", {"deny": [f"{FLOODER}/32"]}), mode="generic")
    assert gateway.get("x.test")[0] == 200
    assert gateway.get("x.test", "/", "--interface", FLOODER, "--connect-timeout", "1")[0] == 0


def test_deny_and_allow_by_longest_prefix(gateway):
    start(gateway, source_policy("p", {"deny": ["10.77.1.0/24"], "allow": [f"{CLIENT}/32"]}))
    assert gateway.get("x.test", "/", "--interface", CLIENT)[0] == 200
    assert gateway.get("x.test", "/", "--interface", FLOODER, "--connect-timeout", "1")[0] == 0
    assert drops(gateway)["denied"] > 0


def test_a_deny_list_edit_is_live_both_ways(gateway):
    start(gateway)
    assert gateway.get("x.test", "/", "--interface", FLOODER)[0] == 200
    gateway.update("20.yaml", source_policy("p", {"deny": [f"{FLOODER}/32"]}))
    assert gateway.get("x.test", "/", "--interface", FLOODER, "--connect-timeout", "1")[0] == 0
    gateway.update("20.yaml", source_policy("p", {"deny": ["192.0.2.0/24"]}))
    assert gateway.get("x.test", "/", "--interface", FLOODER)[0] == 200


def hosts_policy(first, n, *others):
    """A SourcePolicy that denies n hosts outside 10.0.0.0/8, and others, as YAML text."""
    step, rows = 2654435761, []
    for i in range(first, first + n):
        word = i * step & 0xFFFFFFFF
        rows.append(f"  - {word >> 24 or 1}.{word >> 16 & 255}.{word >> 8 & 255}.{word & 255}\n"
                    if word >> 24 != 10 else f"  - 11.{word >> 16 & 255}.{word >> 8 & 255}.{word & 255}\n")
    rows += [f"  - {other}\n" for other in others]
    return ("apiVersion: tidegate.io/v1alpha1\nkind: SourcePolicy\nmetadata: {name: p, namespace: default}\n"
            "spec:\n  deny:\n" + "".join(rows))


def test_a_million_denied_sources_are_in_force_within_seconds(gateway):
    start(gateway)
    large, next_one = hosts_policy(0, 999_990, f"{FLOODER}/32"), hosts_policy(999_990, 999_990, "192.0.2.0/24")
    begun = time.monotonic()
    gateway.update("20.yaml", large)
    assert time.monotonic() - begun < 20
    assert gateway.get("x.test", "/", "--interface", FLOODER, "--connect-timeout", "1")[0] == 0
    assert gateway.get("x.test", "/", "--interface", CLIENT)[0] == 200
    gateway.update("20.yaml", next_one)
    assert gateway.get("x.test", "/", "--interface", FLOODER)[0] == 200
    assert "kernel plane refused" not in gateway.log()


def test_new_connections_are_limited_per_source(gateway):
    start(gateway, source_policy("p", {"limits": {"newConnectionsPerSecond": 10, "newConnectionsBurst": 20}}))
    accepted = burst(gateway, 200)
    assert 20 <= accepted <= 40
    assert drops(gateway)["rate_syns"] >= 150
    assert gateway.get("x.test", "/", "--interface", CLIENT)[0] == 200


def test_a_raised_limit_is_in_force_for_those_who_were_over_the_old_one(gateway):
    def limit(rate, most):
        limits = {"newConnectionsPerSecond": rate, "newConnectionsBurst": most}
        gateway.update("20.yaml", source_policy("p", {"limits": limits}))

    start(gateway)
    limit(1, 60)
    assert 60 <= burst(gateway, 100) < 70  # owes a minute
    limit(1000, 100)
    assert burst(gateway, 50) == 50


def test_limits_belong_to_the_entry_points_they_name(gateway):
    start(gateway, source_policy("p", {"entryPoints": ["websecure"],
                                       "limits": {"newConnectionsPerSecond": 1, "newConnectionsBurst": 1}}))
    assert burst(gateway, 60, port=80) == 60
    assert burst(gateway, 60, port=443) <= 5


def test_ipv6_sources_are_counted_by_prefix(gateway):
    start(gateway, source_policy("p", {"deny": ["fd77:1::/64"]}))
    assert gateway.get("x.test", "/", "--connect-timeout", "1", address="[fd77:1::1]")[0] == 0
    assert gateway.get("x.test")[0] == 200


def test_a_source_refused_at_l7_is_dropped_in_the_kernel_and_that_ends(gateway):
    start(gateway, middleware("limit", "rateLimit", {"average": 1, "period": "1m", "burst": 1}),
          route("limited", "Host(`l.test`)", middlewares=("limit",)),
          options=("--escalation.refusals=5", "--escalation.window=10s", "--escalation.dropFor=3s"))
    ask = ["--interface", FLOODER, "--connect-timeout", "1"]
    codes = [gateway.get("l.test", "/", *ask)[0] for _ in range(8)]
    assert codes[0] == 200 and 429 in codes and codes[-1] == 0
    listed = json.loads(gateway.command("drops", "--json").stdout)["bans"]
    assert [b["source"] for b in listed] == [FLOODER] and listed[0]["until"] > listed[0]["since"]
    assert FLOODER in gateway.command("drops").stdout
    assert gateway.get("x.test", "/", "--interface", CLIENT)[0] == 200
    gateway.lab.wait_for(lambda: gateway.get("x.test", "/", *ask)[0] == 200, "the ban to end", 10)
    assert "dropped in the kernel plane for a while" in gateway.log()


def test_limits_go_on_when_the_proxy_is_killed(gateway):
    start(gateway, source_policy("p", {"deny": [f"{FLOODER}/32"]}))
    link = gateway.lab.run("gw", "ip", "-j", "link", "show", "cl0").stdout
    gateway.process.kill()
    gateway.process.wait()
    assert '"xdp"' in gateway.lab.run("gw", "ip", "-j", "link", "show", "cl0").stdout and '"xdp"' in link
    ping = gateway.lab.run("client", "ping", "-c", "1", "-W", "1", GATEWAY, check=False)
    assert ping.returncode == 0
    gateway.start(kernel="native")
    assert gateway.get("x.test", "/", "--interface", CLIENT)[0] == 200
    assert gateway.get("x.test", "/", "--interface", FLOODER, "--connect-timeout", "1")[0] == 0


def test_maps_show_named_fields_in_bpftool(gateway):
    start(gateway, source_policy("p", {"limits": {"packetsPerSecond": 100000}}))
    out = run("bpftool", "-j", "map", "dump", "pinned", os.path.join(gateway.pins, "policy"), check=False).stdout
    assert '"name"' in out and '"limit"' in out and "cost_fp" in out


def test_where_xdp_cannot_attach_it_says_so_and_serves(gateway):
    gateway.write("10.yaml", route("web", "Host(`x.test`)"))
    gateway.start("--interfaces=nosuch0", kernel="auto")
    kernel = gateway.status()["kernel"]
    assert kernel["mode"] == "off" and "nosuch0" in kernel["reason"]
    assert gateway.get("x.test")[0] == 200
    assert gateway.log().count("kernel plane is off, serving L7 only") == 1


def test_one_interface_that_cannot_be_had_leaves_the_others_and_one_that_is_lost_is_told_of(gateway):
    gateway.lab.ip("gw", "link", "add", "ex0", "type", "veth", "peer", "name", "ex1")
    try:
        gateway.write("10.yaml", route("web", "Host(`x.test`)"), source_policy("p", {"deny": [f"{FLOODER}/32"]}))
        gateway.start("--interfaces=cl0,nosuch0,ex0", kernel="auto")
        kernel = gateway.status()["kernel"]
        assert kernel["mode"] == "native" and kernel["interfaces"] == ["cl0", "nosuch0", "ex0"]
        assert gateway.get("x.test")[0] == 200
        assert gateway.get("x.test", "/", "--interface", FLOODER, "--connect-timeout", "1")[0] == 0
        fault = lambda: gateway.status()["kernel"].get("interfaceFault", "")
        gateway.lab.wait_for(lambda: fault() == "interface nosuch0: is not there", "the one that was never there to be told of")
        gateway.lab.ip("gw", "link", "del", "ex0")
        gateway.lab.wait_for(lambda: fault() == "interface nosuch0: is not there; interface ex0: is not there", "the other one, too")
        attached = {name.split('"')[1]: value for name, value in gateway.metrics().items() if name.startswith("tidegate_kernel_attached{")}
        assert attached == {"cl0": 1, "nosuch0": 0, "ex0": 0}
        assert "fault       interface nosuch0" in gateway.command("status").stdout
    finally:
        run("ip", "-n", gateway.lab.ns("gw"), "link", "del", "ex0", check=False)


def test_counters_are_in_the_metrics(gateway):
    start(gateway)
    assert gateway.get("x.test")[0] == 200
    metrics = gateway.metrics()
    assert any(name.startswith("tidegate_kernel_received_packets_total") and value > 0
               for name, value in metrics.items())


@pytest.mark.parametrize("command", [["status"], ["doctor"]])
def test_the_loader_reports(command):
    result = run(LOADER, *command, check=False)
    assert result.returncode in (0, 1) and result.stdout
