#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bench-scale: 10,000 IngressRoutes and 100,000 endpoints from an API server's stand-in: cold start, memory, how long an
endpoint's change takes while hundreds of others come every second, and a storm of events.

ROUTES, ENDPOINTS (of each), RATE (changes a second), DURATION (seconds of each part), STORM (events a second) shorten it."""

import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "e2e")]
BUILD = os.path.abspath(os.environ.get("O", os.path.join(HERE, "..", "..", "build")))
os.environ.setdefault("TIDEGATE_BUILD", BUILD)

from kube_world import World  # noqa: E402

ROUTES = int(os.environ.get("ROUTES", "10000"))
ENDPOINTS = int(os.environ.get("ENDPOINTS", "10"))
RATE = int(os.environ.get("RATE", "500"))
DURATION = float(os.environ.get("DURATION", "20"))
STORM = int(os.environ.get("STORM", "5000"))
STORM_S = float(os.environ.get("STORM_S", "60"))
TICKS = os.sysconf("SC_CLK_TCK")


def slice_of(i, turn=0):
    hosts = [i * ENDPOINTS + k for k in range(ENDPOINTS)]
    addresses = [f"10.{n >> 16 & 255}.{n >> 8 & 255}.{(n + (0 if k else turn)) & 255}" for k, n in enumerate(hosts)]
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": f"web{i}-1", "namespace": "shop", "labels": {"kubernetes.io/service-name": f"web{i}"}},
            "ports": [{"name": "http", "port": 8080}],
            "endpoints": [{"addresses": [a], "conditions": {"ready": True, "serving": True, "terminating": False}} for a in addresses]}


def objects():
    for i in range(ROUTES):
        yield {"apiVersion": "v1", "kind": "Service", "metadata": {"name": f"web{i}", "namespace": "shop"},
               "spec": {"ports": [{"name": "http", "port": 80}]}}
        yield slice_of(i)
        yield {"apiVersion": "traefik.io/v1alpha1", "kind": "IngressRoute", "metadata": {"name": f"web{i}", "namespace": "shop"},
               "spec": {"entryPoints": ["web"], "routes": [{"kind": "Rule", "match": f"Host(`h{i}.example.com`) && PathPrefix(`/`)",
                                                             "services": [{"name": f"web{i}", "port": 80}]}]}}


def cpu(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) / 1024


def metrics(world):
    link = http.client.HTTPConnection("127.0.0.1", world.admin, timeout=30)
    link.request("GET", "/metrics")
    return link.getresponse().read().decode()


def histogram(text, name, label=""):
    rows = re.findall(rf"^{name}_bucket{{{label}le=\"([^\"]+)\"}} (\d+)$", text, re.M)
    return [(float(le), int(n)) for le, n in rows]


def quantile(before, after, q):
    """Upper bound, in milliseconds, of the bucket in which the q-th change of those in between lies."""
    old = dict(before)
    rows = [(le, n - old.get(le, 0)) for le, n in after]
    want = rows[-1][1] * q
    return next((le * 1000 for le, n in rows if n >= want), float("inf")), rows[-1][1]


def stream(world, rate, seconds):
    """Changes endpoints of one Service after the other, in small batches so that the rate holds."""
    began, sent, step = time.monotonic(), 0, max(1, rate // 100)
    while time.monotonic() - began < seconds:
        world.server.put(*[slice_of((sent + k) * 7919 % ROUTES, (sent + k) // ROUTES + 1 + int(began) % 100) for k in range(step)])
        sent += step
        due = began + sent / rate
        if due > time.monotonic():
            time.sleep(due - time.monotonic())
    return sent, time.monotonic() - began


def part(world, name, rate, seconds):
    name_of = "tidegate_config_event_to_effect_seconds"
    pid, before, used, began = world.process.pid, histogram(metrics(world), name_of), cpu(world.process.pid), time.monotonic()
    memory = rss(pid)
    sent, took = stream(world, rate, seconds)
    time.sleep(0.5)
    after = histogram(metrics(world), name_of)
    row = {"name": name, "changes": sent, "per_second": sent / took, "cpu_percent": 100 * (cpu(pid) - used) / (time.monotonic() - began),
           "rss_before_mb": memory, "rss_after_mb": rss(pid)}
    for q in (0.5, 0.99):
        row[f"p{int(q * 100)}_ms_at_most"], row["revisions"] = quantile(before, after, q)
    return row


def main():
    folder = tempfile.mkdtemp(prefix="tidegate-scale-")
    world, result = World(folder), {"routes": ROUTES, "endpoints": ROUTES * ENDPOINTS}
    world.server.start()
    try:
        print(f"{ROUTES} routes, {ROUTES * ENDPOINTS} endpoints", flush=True)
        world.server.put(*objects())
        began = time.monotonic()
        world.run("--log.level=INFO", wait=False)
        # What is measured comes before who measures.
        os.nice(10)
        world.until(lambda: "\ntidegate_config_ready 1\n" in metrics(world), "readiness", 120)
        result["ready_s"] = time.monotonic() - began
        result["ready_cpu_s"] = cpu(world.process.pid)
        result["rss_mb"] = rss(world.process.pid)
        print(f"ready after {result['ready_s']:.2f} s ({result['ready_cpu_s']:.2f} s of CPU), {result['rss_mb']:.0f} MB", flush=True)
        rows = [part(world, "one change a second", 1, min(DURATION, 10)), part(world, f"{RATE} changes/s", RATE, DURATION),
                part(world, f"{STORM} events/s", STORM, STORM_S)]
        result["parts"] = rows
        print(f"\n{'':22} {'sent/s':>8} {'revisions':>9} {'p50 <=':>9} {'p99 <=':>9} {'CPU':>6} {'MB':>11}")
        for row in rows:
            print(f"{row['name']:22} {row['per_second']:8.0f} {row['revisions']:9} {row['p50_ms_at_most']:6.1f} ms "
                  f"{row['p99_ms_at_most']:6.1f} ms "
                  f"{row['cpu_percent']:4.0f} % {row['rss_before_mb']:4.0f} - {row['rss_after_mb']:4.0f}")
    finally:
        world.stop()
        if result.get("parts") is None:
            print(world.log()[-2000:])
        subprocess.run(["rm", "-rf", folder], check=False)
    os.makedirs(os.path.join(BUILD, "bench"), exist_ok=True)
    with open(os.path.join(BUILD, "bench", "scale.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)


if __name__ == "__main__":
    threading.stack_size(1 << 20)
    main()
