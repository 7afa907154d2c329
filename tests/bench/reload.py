#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Changes under load: nothing may fail, nothing may be closed, latency may not move.

200 keep-alive connections at a fixed rate, first undisturbed, then while one manifest changes 20 times
a second. Each change writes another number into a response header, and a prober on a connection of
its own notes how long each number takes to appear. nginx runs beside it with one reload a second,
which is its way to take a change. SECONDS_LONG and PROXIES shorten it.
"""

import http.client
import json
import os
import signal
import subprocess
import threading
import time

import bench
import objects

SECONDS_LONG = float(os.environ.get("SECONDS_LONG", "30"))
PROXIES = os.environ.get("PROXIES", "tidegate,nginx").split(",")
CHANGES_PER_S = {"tidegate": 20, "nginx": 1}
LOAD = {"connections": 200, "rate": 2000, "warmup": 0.5}
FAILURES = ("connect", "tls", "no_response", "truncated", "malformed", "status")


class Prober(threading.Thread):
    """Asks all the time and notes when each revision was first seen."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.seen, self.done = port, {}, False
        self.reconnects = -1

    def run(self):
        connection = None
        while not self.done:
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                self.reconnects += 1
            try:
                connection.request("GET", "/", headers={"Host": "localhost"})
                response = connection.getresponse()
                response.read()
                self.seen.setdefault(response.getheader("X-Revision"), time.monotonic())
            except (OSError, http.client.HTTPException):
                connection.close()
                connection = None
            time.sleep(0.001)


def tidegate_changer(folder):
    def change(revision):
        headers = {"customResponseHeaders": {"X-Revision": str(revision)}}
        middleware = objects.middleware("revision", headers=headers)
        objects.write(folder / "revision.yaml", [middleware])

    return change


def start_tidegate(run):
    folder = run.base_manifests()
    change = tidegate_changer(folder)
    change("start")
    route = objects.route("plain", "PathPrefix(`/`)", middlewares=["revision"])
    objects.write(folder / "routes.yaml", [route])
    return run.tidegate(folder), change


def start_nginx(run):
    server = run.nginx("add_header X-Revision start;")
    text = server.config.read_text()

    def change(revision):
        server.config.write_text(text.replace("X-Revision start", f"X-Revision {revision}"))
        server.process.send_signal(signal.SIGHUP)

    return server, change


def load_while_changing(run, server, change, per_second):
    """The load's result, and for each change the seconds until it was seen (None: not seen itself)."""
    command = run.load_command(server, duration=SECONDS_LONG, **LOAD)
    load = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    prober = Prober(server.plain)
    prober.start()
    time.sleep(LOAD["warmup"] + 0.2)
    began, made = time.monotonic(), []
    while len(made) < (SECONDS_LONG - 1) * per_second:
        change(len(made))
        made.append(time.monotonic())
        time.sleep(max(0, began + len(made) / per_second - time.monotonic()))
    result = json.loads(load.communicate()[0])
    prober.done = True
    prober.join()
    waits = [prober.seen[str(i)] - at for i, at in enumerate(made) if str(i) in prober.seen]
    return result, waits, len(made)


def measure(run, name):
    server, change = start_tidegate(run) if name == "tidegate" else start_nginx(run)
    steady = run.load(server, duration=max(1, SECONDS_LONG / 3), **LOAD)
    result, waits, made = load_while_changing(run, server, change, CHANGES_PER_S[name])
    run.stop(server.process)
    return {
        "changes": made,
        "changes_seen": len(waits),
        "seen_after_s": {"median": bench.median(waits), "max": max(waits)} if waits else None,
        "failed": sum(result["errors"][error] for error in FAILURES),
        "closed": result["errors"]["closed_idle"],
        "responses": result["responses"],
        "p99_us": {"steady": steady["latency_us"]["p99"], "changing": result["latency_us"]["p99"]},
        "errors": result["errors"],
    }


def main():
    with bench.Bench() as run:
        results = {name: measure(run, name) for name in PROXIES}
    rows = []
    for name, result in results.items():
        seen = result["seen_after_s"] or {"median": float("nan"), "max": float("nan")}
        rows.append([name, result["changes"], result["failed"], result["closed"]])
        rows[-1] += [f"{result['p99_us'][when]:.0f}" for when in ("steady", "changing")]
        rows[-1] += [f"{seen[which] * 1e3:.1f}" for which in ("median", "max")]
    heads = ["", "changes", "failed", "closed", "p99 us steady", "p99 us changing", "seen ms", "slowest ms"]
    bench.print_table("changes under load: 200 connections, 2,000 requests/s", heads, rows)
    if "tidegate" in results:
        ours = results["tidegate"]
        checks = [("failed requests", ours["failed"], 0), ("closed connections", ours["closed"], 0)]
        rows = [[*check, bench.verdict(*check[1:])] for check in checks]
        bench.print_table("targets", ["", "measured", "at most", ""], rows)
        results["targets"] = [{"what": what, "measured": value, "target": target} for what, value, target in checks]
    bench.write_json("reload", results)


if __name__ == "__main__":
    main()
