#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Our proxy against nginx and HAProxy: processor time per request, latency, memory, system calls.

Every proxy has one worker on one core; backend and load generator share the other. In each round
every proxy is measured once, one after the other, and only ratios inside a round are compared: the
machine drifts by more than the differences looked for. PROXIES, CASES, ROUNDS and DURATION shorten it.
"""

import os
import pathlib
import re
import subprocess
import sys
import time

import bench
import objects

PROXIES = os.environ.get("PROXIES", "tidegate,nginx,haproxy").split(",")
IDLE_CONNECTIONS = int(os.environ.get("IDLE_CONNECTIONS", "9800"))

# name: load options, then the target for our processor time against the better peer's (None: shown only).
CASES = {
    "plain-64": ({"connections": 64}, 0.88),
    "plain-512": ({"connections": 512}, 0.78),
    "tls-64": ({"tls": True, "connections": 64}, 0.82),
    "tls-512": ({"tls": True, "connections": 512}, 0.70),
    "plain-64KiB": ({"connections": 64, "path": "/s65536"}, None),
    "tls-64KiB": ({"tls": True, "connections": 64, "path": "/s65536"}, None),
}
MEMORY = {"memory-plain": (False, 512), "memory-tls": (True, 6144)}
SYSCALLS = {"syscalls-plain": False, "syscalls-tls": True}


def wanted(names):
    chosen = os.environ.get("CASES")
    return [name for name in names if not chosen or name in chosen.split(",")]


def start(run, name):
    if name != "tidegate":
        return getattr(run, name)()
    folder = run.dir / "manifests"
    if not folder.exists():
        run.base_manifests()
        routes = [
            objects.route("plain", "PathPrefix(`/`)"),
            objects.route("tls", "PathPrefix(`/`)", "websecure", tls=True),
        ]
        objects.write(folder / "routes.yaml", routes)
    return run.tidegate(folder)


def check(server, case, result):
    """A figure of a run with failures says nothing about the work; it ends the benchmark."""
    if not result["responses"] or any(result["errors"].values()):
        sys.exit(f"{server.name} {case}: {result['responses']} responses, errors {result['errors']}")


def measure_load(run, results):
    servers = [start(run, name) for name in PROXIES]
    for case in wanted(CASES):
        options, _ = CASES[case]
        results[case] = {name: [] for name in PROXIES}
        for _ in range(bench.ROUNDS):
            for server in servers:
                result = run.load(server, **options)
                check(server, case, result)
                results[case][server.name].append(result)
        print_case(case, results[case])
    for case in wanted(SYSCALLS):
        results[case] = {server.name: count_syscalls(run, server, SYSCALLS[case]) for server in servers}
    for server in servers:
        run.stop(server.process)


def ratios(rounds, figure, against):
    """Ours over the least of `against`, round by round."""
    ours = rounds["tidegate"]
    return [
        figure(ours[i]) / min(figure(rounds[name][i]) for name in against if name in rounds)
        for i in range(len(ours))
    ]


def cpu(result):
    return result["cpu_us_per_request"]


def p99(result):
    return result["latency_us"]["p99"]


def print_case(case, rounds):
    rows = []
    for name, all_results in rounds.items():
        row = [name, f"{bench.median(map(cpu, all_results)):.2f}"]
        row.append(f"{bench.median(r['per_second'] for r in all_results):.0f}")
        row.append(f"{bench.median(r['cpu_share'] for r in all_results):.2f}")
        for quantile in ("p50", "p99", "p99.9"):
            row.append(f"{bench.median(r['latency_us'][quantile] for r in all_results):.0f}")
        rows.append(row)
    heads = ["", "CPU us/request", "requests/s", "core used", "p50 us", "p99 us", "p99.9 us"]
    bench.print_table(f"{case} ({len(all_results)} rounds, medians)", heads, rows)


def judge(case, rounds):
    """The comparison of one case: (what, value, target)."""
    peers = [name for name in rounds if name != "tidegate"]
    if "tidegate" not in rounds or not peers:
        return []
    target = CASES[case][1]
    lines = [(f"{case}: CPU / better peer", bench.median(ratios(rounds, cpu, peers)), target)]
    if "nginx" in rounds:
        lines.append((f"{case}: p99 / nginx", bench.median(ratios(rounds, p99, ["nginx"])), 1.0))
    return lines


# ------------------------------------------------------------------ memory --------
def hold(run, server, tls):
    """Bytes of memory for each connection that has had one response and is now idle."""
    run.load(server, tls=tls, duration=0.3, warmup=0.1)
    time.sleep(0.3)
    empty = server.memory()
    options = {"connections": IDLE_CONNECTIONS, "idle": True, "duration": 120, "warmup": 0, "sources": 4}
    command = run.load_command(server, tls, **options)
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        if holder.stdout.readline().strip() != "held":
            sys.exit(f"{server.name}: {IDLE_CONNECTIONS} connections could not be held")
        time.sleep(0.5)
        return (server.memory() - empty) / IDLE_CONNECTIONS
    finally:
        holder.terminate()
        holder.communicate()


def measure_memory(run, results):
    for case in wanted(MEMORY):
        results[case] = {}
        for name in PROXIES:
            server = start(run, name)  # afresh: an allocator remembers its largest day
            results[case][name] = hold(run, server, MEMORY[case][0])
            run.stop(server.process)


# ------------------------------------------------------------ system calls --------
def count_syscalls(run, server, tls):
    """System calls per request by name, counted by the kernel's tracepoints during a saturating load."""
    report = run.dir / "syscalls"
    perf = subprocess.Popen(
        ["perf", "stat", "-x,", "-e", "syscalls:sys_enter_*", "-o", report]
        + ["-p", ",".join(map(str, server.pids()))],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    time.sleep(1)  # perf opens one counter for each call and thread
    if perf.poll() is not None:
        return {"total": None}
    result = run.load(server, tls=tls, connections=64, duration=1, warmup=0)
    perf.send_signal(2)
    perf.wait()
    counts = {}
    for line in pathlib.Path(report).read_text().splitlines():
        found = re.match(r"(\d+),.*?syscalls:sys_enter_(\w+)", line)
        if found and int(found[1]) > result["responses"] / 1000:
            counts[found[2]] = round(int(found[1]) / result["responses"], 3)
    return {"total": round(sum(counts.values()), 3), **counts}


def print_extras(results):
    rows = [[case, *(f"{results[case][name]:.0f}" for name in PROXIES)] for case in wanted(MEMORY)]
    if rows:
        bench.print_table(f"bytes for each of {IDLE_CONNECTIONS} idle connections", ["", *PROXIES], rows)
    for case in wanted(SYSCALLS):
        for name in PROXIES:
            counts = results[case][name]
            parts = [f"{call} {count}" for call, count in sorted(counts.items(), key=lambda item: -(item[1] or 0))]
            print(f"  {case} {name}: {', '.join(parts)}")


def main():
    results = {}
    with bench.Bench() as run:
        measure_load(run, results)
        measure_memory(run, results)
    print_extras(results)
    lines = [line for case in wanted(CASES) for line in judge(case, results[case])]
    if "tidegate" in PROXIES:
        lines += [(f"{case}: bytes", results[case]["tidegate"], MEMORY[case][1]) for case in wanted(MEMORY)]
    rows = [
        [what, f"{value:.2f}", target or "-", bench.verdict(value, target) if target else ""]
        for what, value, target in lines
    ]
    bench.print_table("targets (medians of the ratios inside each round)", ["", "measured", "at most", ""], rows)
    verdicts = [{"what": what, "measured": value, "target": target} for what, value, target in lines]
    settings = {"rounds": bench.ROUNDS, "duration_s": bench.DURATION}
    bench.write_json("l7", {**settings, "targets": verdicts, "results": results})


if __name__ == "__main__":
    main()
