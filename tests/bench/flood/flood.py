#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""300 TLS requests a second, each on a connection of its own, while spoofed packets pour in.

Core 0 makes the flood, in namespaces of this run, and takes the packets in as well, so a flood's rate says how much is
absorbed. The proxy and the client that asks share the last core. Each kind of flood is measured with protection ("on")
and without the kernel plane ("off"). SECONDS, KINDS, PROTECTIONS and RATE (packets a second; as many as possible when
absent) change it. Results go to build/bench/flood.json as well.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.path.abspath(os.environ.get("O", "build"))
os.environ.setdefault("TIDEGATE_BUILD", BUILD)
sys.path[:0] = [os.path.join(ROOT, "tests", "e2e"), os.path.join(ROOT, "tests", "support")]
from conftest import BACKENDS, CLIENT, GATEWAY, Gateway, backend_service, route, source_policy  # noqa: E402
from lab import Lab, run  # noqa: E402

SECONDS = float(os.environ.get("SECONDS", "10"))
KINDS = os.environ.get("KINDS", "none,syn,ack,udp,fragment").split(",")
RATE = os.environ.get("RATE", "")
FLOOD = os.path.join(BUILD, "tests", "bench", "flood", "flood")
LOADGEN = os.path.join(BUILD, "tests", "bench", "tools", "loadgen")
PROTECTIONS = os.environ.get("PROTECTIONS", "on,off").split(",")
FLOOD_CORE, LOAD_CORE = "0", str(os.cpu_count() - 1)
ERRORS = ("connect", "tls", "no_response", "truncated", "malformed", "status")


def mac(lab, role, device):
    return json.loads(lab.run(role, "ip", "-j", "link", "show", device).stdout)[0]["address"]


def open_gateway(lab, protection):
    gateway = Gateway(lab, tempfile.mkdtemp(prefix="tidegate-flood-"))
    gateway.write("90-backends.yaml", *backend_service("backends", BACKENDS.values()))
    gateway.write("10.yaml", route("web", "PathPrefix(`/`)", entry_points=("websecure",), tls={}),
                  source_policy("dns", {"entryPoints": ["dns"],
                                        "network": {"ipv4PrefixLength": 0, "limits": {"packetsPerSecond": 1000}}}))
    gateway.start("--entryPoints.dns.address=:53/udp", kernel="native" if protection == "on" else "off")
    run("taskset", "-apc", LOAD_CORE, str(gateway.process.pid))
    return gateway


def counted(gateway):
    """What the kernel plane counted until now, by reason."""
    kernel = gateway.status()["kernel"]
    return {name: n for table in ("drops", "sent") for name, n in kernel.get(table, {}).items() if isinstance(n, int)}


def measure(lab, gateway, kind):
    """One flood against the load; what both of them saw."""
    flood = None
    if kind != "none":
        port = {"udp": "53"}.get(kind, "443")
        flood = subprocess.Popen(lab.inside("client", "taskset", "-c", FLOOD_CORE, FLOOD, kind, "eth0",
                                            mac(lab, "gw", "cl0"), GATEWAY, port,
                                            str(1 << 20), str(SECONDS + 3), *([RATE] if RATE else [])),
                                 stdout=subprocess.PIPE, text=True)
        time.sleep(1)
    load = lab.run("client", "taskset", "-c", LOAD_CORE, LOADGEN, "--address", GATEWAY, "--port", "443", "--host", "x.test", "--tls", "1.3",
                   "--rate", "300", "--connections", "64", "--churn", "--duration", str(SECONDS), "--warmup", "0.5")
    half_open = len(lab.run("gw", "ss", "-Htn", "state", "syn-recv").stdout.splitlines())
    return json.loads(load.stdout), json.loads(flood.communicate()[0])["pps"] if flood else 0, half_open


def main():
    rows = []
    print(f"{'flood':10} {'protection':10} {'offered/s':>10} {'ok/s':>7} {'failed':>7} {'p50 ms':>8} {'p99 ms':>8} {'SYN_RECV':>9}")
    with Lab() as lab:
        lab.run("client", FLOOD, "pass", "eth0")
        lab.run("gw", "ethtool", "-K", "cl0", "gro", "on")
        lab.ip("gw", "route", "replace", "10.128.0.0/9", "via", CLIENT, "dev", "cl0")
        lab.ip("gw", "neigh", "replace", CLIENT, "lladdr", mac(lab, "client", "eth0"), "dev", "cl0", "nud", "permanent")
        for protection in PROTECTIONS:
            gateway = open_gateway(lab, protection)
            for kind in KINDS:
                before = counted(gateway)
                load, pps, half_open = measure(lab, gateway, kind)
                more = {name: n - before.get(name, 0) for name, n in counted(gateway).items() if n > before.get(name, 0)}
                rows.append({"flood": kind, "protection": protection, "pps": pps, "half_open": half_open, "load": load,
                             "counted": more})
                failed = sum(load.get("errors", {}).get(name, 0) for name in ERRORS)
                latency = load.get("latency_us", {})
                print(f"{kind:10} {protection:10} {pps:10.0f} {load.get('per_second', 0):7.0f} {failed:7d} "
                      f"{latency.get('p50', 0) / 1000:8.2f} {latency.get('p99', 0) / 1000:8.2f} {half_open:9d}  "
                      + ", ".join(f"{name} {n}" for name, n in more.items()), flush=True)
                time.sleep(1)
            gateway.stop()
            lab.run("gw", "sysctl", "-qw", "net.ipv4.tcp_syncookies=1", "net.ipv4.tcp_timestamps=1")
    rows.append({"loadavg": os.getloadavg()})
    os.makedirs(os.path.join(BUILD, "bench"), exist_ok=True)
    with open(os.path.join(BUILD, "bench", "flood.json"), "w") as file:
        json.dump(rows, file, indent=1)
    print("load average", os.getloadavg())


main()
