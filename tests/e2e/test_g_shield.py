# SPDX-License-Identifier: Apache-2.0
"""The shield over the wire: SYN cookies, floods of spoofed packets, connections per source, odd packets."""

import json
import os
import subprocess
import time

import pytest
from conftest import BUILD, CLIENT, FLOODER, GATEWAY, GATEWAY6, route, source_policy
from lab import CLIENT6

FLOOD = os.path.join(BUILD, "tests", "bench", "flood", "flood")

HOLD = """
import socket, sys, time
source, target, n, port = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
family = socket.AF_INET6 if ":" in target else socket.AF_INET
kept = []
for _ in range(n):
    s = socket.socket(family); s.settimeout(0.4); s.bind((source, 0))
    try:
        s.connect((target, port)); kept.append(s)
    except OSError: s.close()
print(len(kept), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def flooded(gateway):
    """A gateway whose spoofed sources have a way back, and a client that XDP can answer."""
    client_mac = json.loads(gateway.lab.run("client", "ip", "-j", "link", "show", "eth0").stdout)[0]["address"]
    gateway.mac = json.loads(gateway.lab.run("gw", "ip", "-j", "link", "show", "cl0").stdout)[0]["address"]
    gateway.lab.ip("gw", "route", "replace", "10.128.0.0/9", "via", CLIENT, "dev", "cl0")
    gateway.lab.ip("gw", "neigh", "replace", CLIENT, "lladdr", client_mac, "dev", "cl0", "nud", "permanent")
    gateway.lab.run("client", FLOOD, "pass", "eth0")
    yield gateway
    gateway.stop()
    gateway.lab.ip("client", "link", "set", "eth0", "xdp", "off")
    gateway.lab.ip("gw", "neigh", "del", CLIENT, "dev", "cl0")
    gateway.lab.ip("gw", "route", "del", "10.128.0.0/9")
    for name in ("tcp_syncookies=1", "tcp_timestamps=1"):
        gateway.lab.run("gw", "sysctl", "-qw", f"net.ipv4.{name}")


def start(gateway, *objects, options=(), kernel="native"):
    gateway.write("10.yaml", route("web", "Host(`x.test`)"), *objects)
    gateway.start(*options, kernel=kernel)


def flood(gateway, kind, seconds, pps=0, port=80, sources=1 << 20):
    """Begins a flood in the client's namespace; bounded by its own time."""
    command = gateway.lab.inside("client", FLOOD, kind, "eth0", gateway.mac, GATEWAY, str(port), str(sources), str(seconds),
                                 *([str(pps)] if pps else []))
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def drops(gateway):
    return gateway.status()["kernel"]["drops"]


def sent(gateway, what):
    return gateway.status()["kernel"].get("sends", {}).get(what, 0)


def syn_recv(gateway):
    return len(gateway.lab.run("gw", "ss", "-Htn", "state", "syn-recv").stdout.splitlines())


def ask(gateway, n, *options, address=GATEWAY):
    return [gateway.get("x.test", "/", "--connect-timeout", "2", *options, address=address)[0] for _ in range(n)]


def negotiated(gateway, address=GATEWAY, source=CLIENT):
    """What a connection agreed on, as the listener's side sees it."""
    held = subprocess.Popen(gateway.lab.inside("client", "/usr/bin/python3", "-c", HOLD, source, address, "1", "80"),
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert held.stdout.readline().strip() == "1"
    text = gateway.lab.run("gw", "ss", "-Htino", "state", "established", "sport", "=", ":80").stdout
    held.communicate("")
    return text


@pytest.mark.parametrize("address,source", [(GATEWAY, CLIENT), (f"[{GATEWAY6}]", CLIENT6)])
def test_a_cookie_of_the_kernel_plane_opens_a_whole_connection(flooded, address, source):
    start(flooded, source_policy("p", {"synCookies": "on"}))
    assert ask(flooded, 1, address=address) == [200]  # the one SYN a second that goes to the stack
    info = negotiated(flooded, address.strip("[]"), source)
    assert "wscale:" in info and " ts " in info and "sack" in info, info
    scales = info.split("wscale:")[1].split()[0]
    client = flooded.lab.run("client", "sysctl", "-n", "net.ipv4.tcp_rmem").stdout
    assert scales.split(",")[0] == scales.split(",")[1], (scales, client)  # both ends compute it alike
    assert flooded.status()["kernel"]["received"] > 0
    metrics = flooded.metrics()
    assert any("syn_cookie" in name and value > 0 for name, value in metrics.items()), \
        [m for m in metrics if "kernel" in m]
    big = flooded.curl("-o", "/dev/null", "-w", "%{http_code} %{size_download}", "-H", "Host: x.test",
                       f"http://{address}/")
    assert big.startswith("200")


def test_a_syn_flood_is_answered_with_cookies_and_clients_get_in(flooded):
    start(flooded, options=("--floodProtection.synsPerSecond=2000",))
    assert ask(flooded, 3) == [200] * 3
    running = flood(flooded, "syn", 4, 60000)
    time.sleep(0.5)
    answers = ask(flooded, 20) + ask(flooded, 5, address=f"[{GATEWAY6}]")
    half_open = syn_recv(flooded)
    running.communicate()
    assert answers == [200] * 25
    assert half_open <= 2 and syn_recv(flooded) <= 2
    metrics = flooded.metrics()
    assert sum(value for name, value in metrics.items() if "syn_cookie" in name) > 50000
    # It ends by itself.
    time.sleep(5)
    before = sum(v for name, v in flooded.metrics().items() if "syn_cookie" in name)
    assert ask(flooded, 5, "--interface", FLOODER) == [200] * 5
    assert sum(v for name, v in flooded.metrics().items() if "syn_cookie" in name) == before


def test_an_ack_flood_is_dropped_and_connections_go_on(flooded):
    start(flooded, options=("--floodProtection.straysPerSecond=2000",))
    held = subprocess.Popen(flooded.lab.inside("client", "/usr/bin/python3", "-c", HOLD, CLIENT, GATEWAY, "3", "80"),
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert held.stdout.readline().strip() == "3"
    running = flood(flooded, "ack", 3, 60000)
    time.sleep(0.7)
    answers = ask(flooded, 10)
    running.communicate()
    held.communicate("")
    assert answers == [200] * 10
    assert drops(flooded)["cookie_bad"] > 50000


def test_fragments_are_bounded_for_a_source_and_for_all(flooded):
    start(flooded, options=("--floodProtection.fragmentsPerSecond=100", "--floodProtection.fragmentsTotal=5000"))
    flood(flooded, "fragment", 1, 20000, sources=1).communicate()
    one = drops(flooded)["fragment_flood"]
    assert one > 15000
    flood(flooded, "fragment", 1, 40000).communicate()
    assert drops(flooded)["fragment_flood"] - one > 20000
    assert ask(flooded, 3) == [200] * 3


def test_udp_of_all_sources_together_is_bounded(flooded):
    start(flooded, source_policy("p", {"network": {"ipv4PrefixLength": 0, "limits": {"packetsPerSecond": 1000}},
                                       "entryPoints": ["udp"]}), options=("--entryPoints.udp.address=:53/udp",))
    flood(flooded, "udp", 1, 40000, port=53).communicate()
    assert drops(flooded)["aggregate_packets"] > 30000
    assert ask(flooded, 3) == [200] * 3


def hold(gateway, n, source=CLIENT, address=GATEWAY, port=80):
    """Opens n connections and keeps them until its input ends; how many were accepted."""
    begins = gateway.lab.inside("client", "/usr/bin/python3", "-c", HOLD, source, address, str(n), str(port))
    process = subprocess.Popen(begins, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return process, int(process.stdout.readline())


@pytest.mark.parametrize("address,source,other", [(GATEWAY, CLIENT, FLOODER), (GATEWAY6, CLIENT6, None)])
def test_open_connections_of_a_source_are_counted_and_come_back(flooded, address, source, other):
    start(flooded, source_policy("p", {"limits": {"concurrentConnections": 10}, "synCookies": "off"}))
    first, accepted = hold(flooded, 15, source, address)
    assert accepted == 10
    assert drops(flooded)["connections"] >= 5
    if other:
        second, more = hold(flooded, 4, other, address)
        assert more == 4
        second.communicate("")
    first.communicate("")
    time.sleep(0.3)
    third, again = hold(flooded, 15, source, address)
    assert again == 10
    # A proxy that dies takes its connections with it.
    flooded.process.kill()
    flooded.process.wait()
    third.communicate("")
    flooded.start(kernel="native")
    time.sleep(2.5)  # attempts while nobody listened are forgotten
    fourth, after = hold(flooded, 15, source, address)
    fourth.communicate("")
    assert after == 10


def test_a_network_has_a_number_of_connections_too(flooded):
    start(flooded, source_policy("p", {"network": {"limits": {"concurrentConnections": 6}}, "synCookies": "off"}))
    first, accepted = hold(flooded, 4, CLIENT)
    second, more = hold(flooded, 4, FLOODER)
    first.communicate("")
    second.communicate("")
    assert (accepted, more) == (4, 2)


def test_connections_are_counted_behind_cookies_as_well(flooded):
    start(flooded, source_policy("p", {"limits": {"concurrentConnections": 5}, "synCookies": "on"}))
    first, accepted = hold(flooded, 9)
    first.communicate("")
    assert accepted == 5


def test_an_entry_point_does_not_inherit_the_connections_of_another(flooded):
    def limit(entry_point):
        spec = {"entryPoints": [entry_point], "limits": {"concurrentConnections": 5}, "synCookies": "off"}
        flooded.update("20.yaml", source_policy("p", spec))

    start(flooded)
    limit("web")
    first, accepted = hold(flooded, 5)
    flooded.update("20.yaml", route("other", "Host(`y.test`)"))
    limit("websecure")  # has the place in the kernel plane that web's had
    second, more = hold(flooded, 8, port=443)
    first.communicate("")
    third, after = hold(flooded, 1, port=443)
    second.communicate("")
    third.communicate("")
    assert (accepted, more, after) == (5, 5, 0)
