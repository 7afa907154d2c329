#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""bench-scale: 10,000 IngressRoutes and 100,000 endpoints from an API server's stand-in: cold start, memory, how long an
endpoint's change takes while hundreds of others come every second, and a storm of events. Of as many Services as there are
VirtualAddresses the kernel plane forwards one to the same endpoints; a client outside of the program waits for new connections
to the route and to the address to be answered by the endpoint that was just put in.

ROUTES, ENDPOINTS (of each), VIPS (0: the kernel plane is off), RATE (changes a second), DURATION (seconds of each part), PROBES,
STORM (events a second) and STORM_S (seconds of it, 0: none) shorten it."""

import http.client
import json
import os
import queue
import random
import re
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "support"), os.path.join(HERE, "..", "e2e")]
BUILD = os.path.abspath(os.environ.get("O", os.path.join(HERE, "..", "..", "build")))
os.environ.setdefault("TIDEGATE_BUILD", BUILD)

from kube_fast import KubeFast  # noqa: E402
from kube_world import World  # noqa: E402
import scale_net  # noqa: E402

ROUTES = int(os.environ.get("ROUTES", "10000"))
ENDPOINTS = int(os.environ.get("ENDPOINTS", "10"))
RATE = int(os.environ.get("RATE", "500"))
DURATION = float(os.environ.get("DURATION", "20"))
STORM = int(os.environ.get("STORM", "5000"))
VIPS = int(os.environ.get("VIPS", "1000"))
PROBES = int(os.environ.get("PROBES", "240"))
STORM_S = float(os.environ.get("STORM_S", "60"))
TICKS = os.sysconf("SC_CLK_TCK")


def slice_of(i, turn=0):
    hosts = [i * ENDPOINTS + k for k in range(ENDPOINTS)]
    addresses = [f"10.{n >> 16 & 255}.{n >> 8 & 255}.{(n + (0 if k else turn)) & 255}" for k, n in enumerate(hosts)]
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": f"web{i}-1", "namespace": "shop", "labels": {"kubernetes.io/service-name": f"web{i}"}},
            "ports": [{"name": "http", "port": 8080}],
            "endpoints": [{"addresses": [a], "conditions": {"ready": True, "serving": True, "terminating": False}} for a in addresses]}


def virtual_address(i, service, address):
    return {"apiVersion": "tidegate.io/v1alpha1", "kind": "VirtualAddress", "metadata": {"name": f"vip{i}", "namespace": "shop"},
            "spec": {"addresses": [address], "ports": [{"port": 80}], "mode": "nat", "backendRefs": [{"name": service, "port": 80}]}}


def probe_slice(address):
    item = slice_of(0)
    item["metadata"].update(name="probe-1", labels={"kubernetes.io/service-name": "probe"})
    item["ports"][0]["port"] = scale_net.PORT
    item["endpoints"] = [{**item["endpoints"][0], "addresses": [address]}]
    return item


def objects():
    for i in range(VIPS):
        yield virtual_address(i, f"web{i * ROUTES // VIPS}", f"172.17.{1 + i // 250}.{1 + i % 250}")
    if VIPS:
        yield virtual_address("-probe", "probe", scale_net.VIP)
        yield {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "probe", "namespace": "shop"},
               "spec": {"ports": [{"name": "http", "port": 80}]}}
        yield probe_slice(scale_net.SERVERS[0])
        yield {"apiVersion": "traefik.io/v1alpha1", "kind": "IngressRoute", "metadata": {"name": "probe", "namespace": "shop"},
               "spec": {"entryPoints": ["web"], "routes": [{"kind": "Rule", "match": "Host(`probe.example.com`)",
                                                             "services": [{"name": "probe", "port": 80}]}]}}
    for i in range(ROUTES):
        yield {"apiVersion": "v1", "kind": "Service", "metadata": {"name": f"web{i}", "namespace": "shop"},
               "spec": {"ports": [{"name": "http", "port": 80}]}}
        yield slice_of(i)
        yield {"apiVersion": "traefik.io/v1alpha1", "kind": "IngressRoute", "metadata": {"name": f"web{i}", "namespace": "shop"},
               "spec": {"entryPoints": ["web"], "routes": [{"kind": "Rule", "match": f"Host(`h{i}.example.com`) && PathPrefix(`/`)",
                                                             "services": [{"name": f"web{i}", "port": 80}]}]}}


def pairs():
    plurals = {"Service": "services", "EndpointSlice": "endpointslices", "IngressRoute": "ingressroutes",
               "VirtualAddress": "virtualaddresses"}
    return ((plurals[item["kind"]], item) for item in objects())


def cpu(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1)) / 1024


def map_bytes(pid):
    """What the kernel holds for the maps that a process has open."""
    maps = {}
    for fd in os.listdir(f"/proc/{pid}/fdinfo"):
        try:
            with open(f"/proc/{pid}/fdinfo/{fd}", encoding="ascii") as file:
                text = file.read()
        except OSError:
            continue
        if "map_id:" in text:
            maps[re.search(r"map_id:\s+(\d+)", text).group(1)] = int(re.search(r"memlock:\s+(\d+)", text).group(1))
    return sum(maps.values())


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


class Template:
    """The line of the n-th event: of one Service after the other the first endpoint moves; the text around it is made once."""

    def __init__(self):
        self.texts = {}

    def __call__(self, n, rv):
        i, turn = n * 7919 % ROUTES, n // ROUTES + 1
        if i not in self.texts:
            item = slice_of(i)
            item["metadata"].update(resourceVersion="REVISION", uid=f"00000000-0000-4000-8000-{i:012d}",
                                    creationTimestamp="2026-11-22T19:05:01Z", generation=2)
            item["endpoints"][0]["addresses"] = ["ADDRESS"]
            text = json.dumps({"type": "MODIFIED", "object": item}, separators=(",", ":")) + "\n"
            self.texts[i] = re.split("REVISION|ADDRESS", text)
        head, middle, tail = self.texts[i]
        k = i * ENDPOINTS
        return f"{head}{rv}{middle}10.{100 + turn % 100}.{k >> 8 & 255}.{k & 255}{tail}".encode()


class Memory(threading.Thread):
    """What a process holds, each half second."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.rows, self.ended = pid, [], threading.Event()

    def run(self):
        while not self.ended.wait(0.5):
            self.rows.append(rss(self.pid))

    def end(self):
        self.ended.set()
        self.join()
        return self.rows or [rss(self.pid)]


class Probes(threading.Thread):
    """Puts another endpoint in, and waits until both planes lead there; until told to end or enough were made."""

    def __init__(self, world, server):
        super().__init__(daemon=True)
        self.world, self.server, self.ended = world, server, threading.Event()
        self.rows, self.failed, self.asked, self.answered = [], 0, queue.Queue(), queue.Queue()
        threading.Thread(target=self.outside, daemon=True).start()

    def outside(self):
        self.world.net.far()
        while True:
            self.answered.put(scale_net.wait_for(scale_net.VIP, 80, *self.asked.get()))

    @staticmethod
    def event(address):
        item = probe_slice(address)
        item["metadata"].update(resourceVersion="REVISION", uid="00000000-0000-4000-8000-000000999999",
                                creationTimestamp="2026-11-22T19:05:01Z", generation=2)
        return json.dumps({"type": "MODIFIED", "object": item}, separators=(",", ":")).split("REVISION")

    def run(self):
        n, (head, tail) = 0, ("", "")
        while len(self.rows) < PROBES and not self.ended.wait(random.uniform(0.02, 0.06)):
            n += 1
            address = scale_net.SERVERS[n % 2]
            head, tail = self.event(address)
            began = self.server.single(head, tail + "\n")
            self.asked.put((address.encode(), began))
            user = scale_net.wait_for("127.0.0.1", self.world.web, address.encode(), began)
            kernel = self.answered.get()
            self.rows.append((user[0] * 1000, kernel[0] * 1000))
            self.failed += user[1] + kernel[1]

    def end(self):
        self.ended.set()
        self.join()
        ranks = {}
        for name, values in (("route", [r[0] for r in self.rows]), ("address", [r[1] for r in self.rows]),
                             ("both", [max(r) for r in self.rows])):
            values.sort()
            ranks[name] = {f"p{int(q * 100)}_ms": values[min(len(values) - 1, int(q * len(values)))] for q in (0.5, 0.99, 1)}
        return {"probes": len(self.rows), "unanswered": self.failed, **ranks}


def part(world, server, name, rate, seconds, first):
    name_of, kernel = "tidegate_config_event_to_effect_seconds", "tidegate_kernel_event_to_effect_seconds"
    text = metrics(world)
    pid, before, kernel_before = world.process.pid, histogram(text, name_of), histogram(text, kernel)
    memory, probes = Memory(pid), Probes(world, server) if VIPS and rate <= RATE else None
    used, began = cpu(pid), time.monotonic()
    memory.start()
    if probes:
        probes.start()
    sent, took, late = server.storm(rate, seconds, first)
    used = 100 * (cpu(pid) - used) / (time.monotonic() - began)
    rows = memory.end()
    time.sleep(0.5)
    outside = probes.end() if probes else None
    text = metrics(world)
    after, kernel_after = histogram(text, name_of), histogram(text, kernel)
    half = rows[len(rows) // 2:]
    row = {"name": name, "changes": sent, "per_second": sent / took, "late_ms": late * 1000, "cpu_percent": used,
           "rss_before_mb": rows[0], "rss_most_mb": max(rows), "rss_after_mb": rows[-1], "growth_of_second_half_mb": half[-1] - half[0]}
    for q in (0.5, 0.99, 1):
        row[f"p{int(q * 100)}_ms_at_most"], row["revisions"] = quantile(before, after, q)
        if VIPS:
            row[f"kernel_p{int(q * 100)}_ms_at_most"], row["kernel_revisions"] = quantile(kernel_before, kernel_after, q)
    row["outside"] = outside
    return row


def is_ready(world):
    link = http.client.HTTPConnection("127.0.0.1", world.admin, timeout=5)
    try:
        link.request("GET", "/ready")
        return link.getresponse().status == 200
    finally:
        link.close()


def run(world, net, folder, result):
    world.net = net
    cores = sorted(os.sched_getaffinity(0))
    server = KubeFast(folder, pairs(), "endpointslices", Template(), cores[-1] if len(cores) > 1 else None)
    try:
        began = time.monotonic()
        os.sched_setaffinity(0, {cores[0]})
        options = [f"--pinFolder={net.pins[0]}", "--interfaces=up0"] if net else []
        world.run("--log.level=INFO", *options, wait=False, kubeconfig=server.kubeconfig(), kernel="native" if net else "off")
        # Who measures stays away from what is measured.
        os.sched_setaffinity(0, {cores[-1]})
        world.until(lambda: is_ready(world), "readiness", 120)
        result["ready_s"] = time.monotonic() - began
        result["ready_cpu_s"] = cpu(world.process.pid)
        result["rss_mb"] = rss(world.process.pid)
        result["maps_mb"] = map_bytes(world.process.pid) / (1 << 20)
        print(f"ready after {result['ready_s']:.2f} s ({result['ready_cpu_s']:.2f} s of CPU), {result['rss_mb']:.0f} MB, "
              f"maps {result['maps_mb']:.0f} MB", flush=True)
        rows, first = [], 0
        for name, rate, seconds in (("one change a second", 1, min(DURATION, 10)), (f"{RATE} changes/s", RATE, DURATION),
                                    (f"{STORM} events/s", STORM, STORM_S)):
            if not seconds:
                continue
            rows.append(part(world, server, name, rate, seconds, first))
            first += rows[-1]["changes"]
        result["parts"] = rows
        result["drops"] = dict(re.findall(r'^tidegate_kernel_packets_total{.*"(drop[^"]*|[a-z_]+)"} ([1-9]\d*)$', metrics(world), re.M))
        print("packets:", result["drops"])
    finally:
        server.stop()


def show(result):
    print(f"\n{'':22} {'sent/s':>8} {'revisions':>9} {'p50 <=':>9} {'p99 <=':>9} {'all <=':>9} {'CPU':>6} {'MB':>11} {'most':>6}")
    for row in result["parts"]:
        rest = f"{row['cpu_percent']:4.0f} % {row['rss_before_mb']:4.0f} - {row['rss_after_mb']:4.0f} {row['rss_most_mb']:6.0f}"
        print(f"{row['name']:22} {row['per_second']:8.0f} {row['revisions']:9} {row['p50_ms_at_most']:6.1f} ms "
              f"{row['p99_ms_at_most']:6.1f} ms {row['p100_ms_at_most']:6.1f} ms {rest}")
        if VIPS:
            print(f"{'  in the kernel plane':31} {row['kernel_revisions']:9} {row['kernel_p50_ms_at_most']:6.1f} ms "
                  f"{row['kernel_p99_ms_at_most']:6.1f} ms {row['kernel_p100_ms_at_most']:6.1f} ms")
        for name in ("route", "address", "both") if row["outside"] else ():
            ranks = row["outside"][name]
            print(f"{'  outside: ' + name:31} {row['outside']['probes']:9} {ranks['p50_ms']:6.1f} ms {ranks['p99_ms']:6.1f} ms "
                  f"{ranks['p100_ms']:6.1f} ms {row['outside']['unanswered']} unanswered")


def main():
    folder = tempfile.mkdtemp(prefix="tidegate-scale-")
    net = scale_net.Net(os.path.join(BUILD, "tidegate-loader")) if VIPS else None
    world, result = World(folder), {"routes": ROUTES, "endpoints": ROUTES * ENDPOINTS, "virtual_addresses": VIPS}
    try:
        print(f"{ROUTES} routes, {ROUTES * ENDPOINTS} endpoints, {VIPS} virtual addresses", flush=True)
        run(world, net, folder, result)
        show(result)
    finally:
        world.stop()
        if os.environ.get("KEEP_LOG"):
            subprocess.run(["cp", world.log_path, os.environ["KEEP_LOG"]], check=False)
        if result.get("parts") is None:
            print(world.log()[-2000:])
        if net:
            net.stop()
        subprocess.run(["rm", "-rf", folder], check=False)
    os.makedirs(os.path.join(BUILD, "bench"), exist_ok=True)
    with open(os.path.join(BUILD, "bench", "scale.json"), "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)


if __name__ == "__main__":
    threading.stack_size(1 << 20)
    main()
