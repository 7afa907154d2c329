#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What many routes cost: processor time per request, start, and one change among them.

Each route has its own Host and PathPrefix, all of one length, and each request asks for one of them at random,
so that no cache hides the lookup. The routes stand in one file each, as teams keep them, and once more in one
file of 10,000. COUNTS, ROUNDS and DURATION shorten it. MIX=10 makes every tenth route one of three kinds of
regular expressions, over paths, over paths of one host, and over hosts.
"""

import contextlib
import http.client
import os
import sys
import time

import bench
import objects

COUNTS = [int(count) for count in os.environ.get("COUNTS", "1,1000,10000").split(",")]
CHANGES = int(os.environ.get("CHANGES", "20"))
MIX = int(os.environ.get("MIX", "0"))
CPU_TARGET, LOAD_TARGET_S, CHANGE_TARGET_S = 1.05, 1.0, 0.1


EXPRESSIONS = ("PathRegexp(`^/p{i:05}(/|$)`)", "Host(`h{i:05}.example.com`) && PathRegexp(`^/p{i:05}(/.*)?$`)",
               "HostRegexp(`^h{i:05}[.]example[.](com|net)$`)")


def route(i):
    if MIX and i % MIX == 0:
        return objects.route(f"route-{i}", EXPRESSIONS[i // MIX % len(EXPRESSIONS)].format(i=i))
    return objects.route(f"route-{i}", f"Host(`h{i:05}.example.com`) && PathPrefix(`/p{i:05}`)")


def make_folder(run, count, one_file=False):
    folder = run.base_manifests(f"manifests-{count}{'-one' if one_file else ''}")
    if one_file:
        objects.write(folder / "routes.yaml", [route(i) for i in range(count)])
        return folder
    for i in range(count):
        objects.write(folder / f"route-{i}.yaml", [route(i)])
    return folder


def ask(connection, host, path):
    connection.request("GET", path, headers={"Host": host})
    response = connection.getresponse()
    response.read()
    return response.status


def wait_status(server, host, path, status, seconds=60):
    """Asks until the answer has the status; returns when that answer had come."""
    connection = http.client.HTTPConnection("127.0.0.1", server.plain, timeout=5)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if ask(connection, host, path) == status:
                return time.monotonic()
        except (OSError, http.client.HTTPException):
            connection.close()
        time.sleep(0.001)
    sys.exit(f"{host}{path} did not come to answer {status}")


def start_timed(run, folder, count):
    """Starts the proxy; returns it and the seconds from start to the first answer of the last route."""
    began = time.monotonic()
    server = run.tidegate(folder)
    return server, wait_status(server, f"h{count - 1:05}.example.com", f"/p{count - 1:05}", 200) - began


def measure_changes(server, folder, count):
    """Seconds from the rename of one changed file to the first answer that shows it."""
    waits = []
    for k in range(CHANGES):
        i = (k * 7919) % count  # all over the table
        changed = objects.route(f"route-{i}", f"Host(`h{i:05}.example.com`) && PathPrefix(`/new{k}`)")
        objects.write(folder / f"route-{i}.yaml", [changed])
        renamed = time.monotonic()
        waits.append(wait_status(server, f"h{i:05}.example.com", f"/new{k}", 200) - renamed)
        objects.write(folder / f"route-{i}.yaml", [route(i)])
        wait_status(server, f"h{i:05}.example.com", f"/p{i:05}", 200)
    return waits


def main():
    results = {"cpu": {}, "start_s": {}, "memory": {}}
    with bench.Bench() as run:
        servers = {}
        for count in COUNTS:
            folder = make_folder(run, count)
            servers[count], results["start_s"][str(count)] = start_timed(run, folder, count)
            results["memory"][str(count)] = servers[count].memory()
        rounds = {count: [] for count in COUNTS}
        for turn in range(bench.ROUNDS):
            # Whoever comes first meets other caches than who comes last: they take turns.
            for count, server in sorted(servers.items(), reverse=bool(turn % 2)):
                result = run.load(server, routes=count)
                if any(result["errors"].values()):
                    sys.exit(f"{count} routes: errors {result['errors']}")
                rounds[count].append(result["cpu_us_per_request"])
        most = COUNTS[-1]
        changes = measure_changes(servers[most], run.dir / f"manifests-{most}", most)
        for server in servers.values():
            run.stop(server.process)
        server, results["start_s"]["one file"] = start_timed(run, make_folder(run, most, one_file=True), most)
        with contextlib.suppress(OSError):
            run.stop(server.process)
    report(results, rounds, changes)


def report(results, rounds, changes):
    rows = []
    for count, figures in rounds.items():
        ratio = bench.median(figures[i] / rounds[COUNTS[0]][i] for i in range(len(figures)))
        results["cpu"][str(count)] = {"us_per_request": figures, "ratio": ratio}
        rows.append([count, f"{bench.median(figures):.2f}", f"{ratio:.3f}", f"{results['start_s'][str(count)]:.2f}"])
        rows[-1].append(f"{results['memory'][str(count)] / 1e6:.1f}")
    bench.print_table(f"routes, every {MIX}th a regular expression" if MIX else "routes", ["", "CPU us/request", "against the first",
        "start s", "MB"], rows)
    most = str(COUNTS[-1])
    checks = [
        (f"CPU, {most} routes / {COUNTS[0]}", results["cpu"][most]["ratio"], CPU_TARGET),
        (f"start with {most} routes, s", results["start_s"][most], LOAD_TARGET_S),
        ("the same in one file, s", results["start_s"]["one file"], LOAD_TARGET_S),
        ("a change among them seen, slowest of all, s", max(changes), CHANGE_TARGET_S),
    ]
    rows = [[what, f"{value:.3f}", target, bench.verdict(value, target)] for what, value, target in checks]
    bench.print_table("targets", ["", "measured", "at most", ""], rows)
    results["changes_s"] = changes
    results["targets"] = [{"what": what, "measured": value, "target": target} for what, value, target in checks]
    bench.write_json("routes-mixed" if MIX else "routes", results)


if __name__ == "__main__":
    main()
