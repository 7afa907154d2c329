#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What each middleware costs: nanoseconds of processor time per request.

One proxy with one worker on one core; backend and load generator (wrk) share the other. Each middleware has a route of
its own; each round asks that route and one without middlewares, one after the other, on the same server, and only
differences inside a round count: the machine drifts by more than the differences looked for. For the same reason a
route has its middleware TIMES times over, and the difference is divided. Time is the scheduler's count of the proxy's
threads. A new middleware needs a row in ROWS; one without is named at the end.
ROUNDS, DURATION, TIMES and MIDDLEWARES (names) shorten it.
"""

import json
import os
import pathlib
import re
import statistics
import subprocess
import sys

import bench
import objects

HOST = "bench.test"
TIMES = int(os.environ.get("TIMES", "16"))
NOTHING = "none"
USERS = "test:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=\n"  # test:test
SETS = {"list": "".join(f"11.{a}.{b}.0/24\n" for a in range(200) for b in range(200))}

# name: settings, and what is unlike a plain GET /: path, headers; once: it cannot stand in a route twice.
ROWS = {
    "addPrefix": ({"prefix": "/api"}, {}),
    "apiKey": ({"secret": "keys"}, {"headers": ["X-Api-Key: a-long-sesame-key"]}),
    "basicAuth": ({"secret": "users"}, {"headers": ["Authorization: Basic dGVzdDp0ZXN0"]}),
    "buffering": ({}, {}),
    "circuitBreaker": ({"expression": "NetworkErrorRatio() > 0.5 || LatencyAtQuantileMS(50.0) > 10000"}, {}),
    "compress": ({}, {"headers": ["Accept-Encoding: gzip"]}),
    "contentType": ({}, {}),
    "deny": ({"configMaps": ["feed"]}, {}),
    "encodedCharacters": ({}, {}),
    "errors": ({"status": ["500-599"], "service": {"name": "backend", "port": 80}, "query": "/{status}"}, {}),
    "grpcWeb": ({"allowOrigins": ["*"]}, {}),
    "headers": ({"customRequestHeaders": {"X-A": "1"}, "customResponseHeaders": {"X-B": "2"}, "frameDeny": True}, {}),
    "inFlightReq": ({"amount": 1000}, {}),
    "ipAllowList": ({"sourceRange": ["127.0.0.0/8", "10.0.0.0/8"]}, {}),
    "ipWhiteList": ({"sourceRange": ["127.0.0.0/8"]}, {}),
    "passTLSClientCert": ({"pem": True}, {}),
    "rateLimit": ({"average": 100000000, "burst": 100000000}, {}),
    "redirectRegex": ({"regex": "^http://other/(.*)", "replacement": "https://other/$1"}, {}),
    "redirectScheme": ({"scheme": "http"}, {}),
    "replacePath": ({"path": "/other"}, {}),
    "replacePathRegex": ({"regex": "^/api/(.*)", "replacement": "/$1"}, {"path": "/api" * TIMES + "/users"}),
    "requestId": ({}, {}),
    "retry": ({"attempts": 3, "status": ["500-599"]}, {}),
    "stripPrefix": ({"prefixes": ["/api"]}, {"path": "/api" * TIMES + "/users"}),
    "stripPrefixRegex": ({"regex": ["^/[a-z]+"]}, {"path": "/api" * TIMES + "/users"}),
    "timeouts": ({"total": "30s"}, {}),
}
# Why there is no row.
ELSEWHERE = {
    "cache": "make bench-body",
    "chain": "its members run in its place",
    "digestAuth": "each request needs a count of its own",
    "forwardAuth": "another server's time",
    "jwt": "a signature's verification, by its algorithm",
}


def known():
    """Names of all middlewares, from the product's own list."""
    stems = re.findall(r"X\((\w+)\)", (bench.ROOT / "user/mw/mw_list.h").read_text().split("MW_DECLARE")[0])
    names = []
    for stem in stems:
        source = bench.ROOT / f"user/mw/{stem}.c"
        found = re.search(r'\.name = "(\w+)"', source.read_text()) if source.exists() else None
        if found:
            names.append(found.group(1))
    return names


def times(name):
    return 1 if ROWS[name][1].get("once") else TIMES


def start(run, names):
    folder = run.base_manifests()
    made = [objects.route("none", f"Host(`{HOST}`) && Header(`X-Row`, `{NOTHING}`)"),
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users", "namespace": "default"}, "stringData": {"u": USERS}},
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys", "namespace": "default"},
             "stringData": {"someone": "a-long-sesame-key"}},
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "feed", "namespace": "default"}, "data": SETS}]
    for name in names:
        copies = [f"{name.lower()}-{i}" for i in range(times(name))]
        made += [objects.middleware(copy, **{name: ROWS[name][0]}) for copy in copies]
        made.append(objects.route(f"r-{name.lower()}", f"Host(`{HOST}`) && Header(`X-Row`, `{name}`)", middlewares=copies))
    objects.write(folder / "all.yaml", made)
    return run.tidegate(folder)


def cpu_ns(server):
    """What the scheduler gave to the proxy's threads."""
    total = 0
    for pid in server.pids():
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total


def command_of(server, row, options):
    command = ["-H", f"Host: {HOST}", "-H", f"X-Row: {row}"]
    for header in options.get("headers", []):
        command += ["-H", header]
    return [*command, f"http://127.0.0.1:{server.plain}{options.get('path', '/')}"]


def check(server, name, options):
    out = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *command_of(server, name, options)],
                         capture_output=True, text=True, check=True).stdout
    if out != "200":
        sys.exit(f"{name}: the route answers {out}")


def measure(server, row, options):
    """Nanoseconds per request."""
    before = cpu_ns(server)
    out = subprocess.run(["taskset", "-c", bench.LOAD_CORE, "wrk", "-t1", "-c32", f"-d{max(1, round(bench.DURATION))}s",
                          *command_of(server, row, options)], check=True, capture_output=True, text=True).stdout
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    if not requests or re.search(r"Non-2xx|Socket errors", out):
        sys.exit(f"{row}: {out}")
    return (cpu_ns(server) - before) / requests


def main():
    chosen = os.environ.get("MIDDLEWARES")
    names = [name for name in ROWS if name in known() and (not chosen or name in chosen.split(","))]
    results = {}
    with bench.Bench() as run:
        server = start(run, names)
        print(f"{'middleware':20} {'ns/request':>10}  {'from':>6} {'to':>6}   of {'ns':>6} without it")
        for name in names:
            options = ROWS[name][1]
            check(server, name, options)
            rounds = []
            for i in range(bench.ROUNDS):
                # The order alternates, so that what comes second has no advantage.
                order = (name, NOTHING) if i % 2 else (NOTHING, name)
                cost = {row: measure(server, row, options) for row in order}
                rounds.append(((cost[name] - cost[NOTHING]) / times(name), cost[NOTHING]))
            costs = sorted(cost for cost, _ in rounds)
            results[name] = {"ns_per_request": statistics.median(costs), "rounds": [cost for cost, _ in rounds],
                             "without_ns": statistics.median(base for _, base in rounds)}
            print(f"{name:20} {statistics.median(costs):10.0f}  {costs[0]:6.0f} {costs[-1]:6.0f}      "
                  f"{results[name]['without_ns']:6.0f}", flush=True)
    folder = bench.BUILD / "bench"
    folder.mkdir(exist_ok=True)
    (folder / "middlewares.json").write_text(json.dumps(results, indent=1) + "\n")
    for name in known():
        if name not in ROWS:
            print(f"{name:20} not measured: {ELSEWHERE.get(name, 'it has no row in tests/bench/middlewares.py')}")


if __name__ == "__main__":
    main()
