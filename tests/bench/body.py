#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compression and caching against nginx: processor time per response, in one run.

Both proxies have one worker on one core; the server of files and the load generator (wrk) share the
other. gzip is at zlib's level 6 on both sides. nginx's cache lies on a memory file system, with its
descriptors kept open. In each round both are measured, one after the other, and only ratios inside a
round are compared. CASES, ROUNDS and DURATION shorten it.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import bench
import objects

TICK_US = 1e6 / os.sysconf("SC_CLK_TCK")
SIZES = {"4KiB": 4 << 10, "64KiB": 64 << 10, "1MiB": 1 << 20}
# name: (port, file, Accept-Encoding, whether nginx can do it), target of our processor time against nginx's.
CASES = {f"gzip-{name}": (("compress", name, "gzip", True), 1.0) for name in SIZES}
CASES |= {f"{coding}-64KiB": (("compress", "64KiB", coding, False), None) for coding in ("br", "zstd")}
CASES |= {f"cache-{name}": (("cache", name, None, True), 1.0) for name in SIZES}

FILES = """	server {
		listen 127.0.0.1:@FILES@ backlog=4096;
		root @DIR@/files;
		etag on;
		add_header Cache-Control "max-age=86400";
	}"""
PROXIES = """	upstream files {
		server 127.0.0.1:@FILES@;
		keepalive 256;
		keepalive_requests 1000000000;
	}
	proxy_http_version 1.1;
	proxy_set_header Connection "";
	proxy_set_header Host $host;
	proxy_set_header X-Real-IP $remote_addr;
	proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
	proxy_buffers 64 16k;
	proxy_max_temp_file_size 0;
	proxy_cache_path @CACHE@ keys_zone=kept:10m max_size=256m inactive=1d use_temp_path=off;
	server {
		listen 127.0.0.1:@COMPRESS@ reuseport backlog=4096;
		gzip on;
		gzip_comp_level 6;
		gzip_min_length 1024;
		gzip_proxied any;
		gzip_types text/plain;
		gzip_vary on;
		location / { proxy_pass http://files; }
	}
	server {
		listen 127.0.0.1:@KEPT@ reuseport backlog=4096;
		location / { proxy_pass http://files; proxy_cache kept; add_header X-Cache $upstream_cache_status; }
	}"""


def text_of(size):
    """Text as servers have it: this repository's own pages and sources."""
    out = b""
    for path in sorted([*bench.ROOT.glob("docs/**/*.md"), *bench.ROOT.glob("user/**/*.c")]):
        out += path.read_bytes()
        if len(out) >= size:
            return out[:size]
    return (out * (size // len(out) + 1))[:size]


def nginx(run, name, servers, core, words):
    config = (bench.PEERS / "nginx-body.conf").read_text().replace("@SERVERS@", servers)
    for word, value in {**words, "DIR": run.dir, "NAME": name}.items():
        config = config.replace(f"@{word}@", str(value))
    path = run.dir / f"{name}.conf"
    path.write_text(config)
    return run.start(name, ["/usr/sbin/nginx", "-c", path, "-p", run.dir], core)


def start(run):
    """The two proxies, each as {what it does: Server}."""
    words = {word: bench.free_port() for word in ("FILES", "COMPRESS", "KEPT")}
    words["CACHE"] = pathlib.Path(f"/dev/shm/tidegate-bench-{os.getpid()}")
    (run.dir / "files").mkdir()
    for name, size in SIZES.items():
        (run.dir / "files" / name).write_bytes(text_of(size))
    bench.wait_port(words["FILES"], nginx(run, "files", FILES, bench.LOAD_CORE, words))
    process = nginx(run, "nginx", PROXIES, bench.PROXY_CORE, words)
    bench.wait_port(words["KEPT"], process)
    theirs = {"compress": bench.Server("nginx", process, words["COMPRESS"]),
              "cache": bench.Server("nginx", process, words["KEPT"])}
    folder = run.dir / "manifests"
    folder.mkdir()
    objects.write(folder / "all.yaml", [
        *objects.backend(words["FILES"]),
        objects.middleware("compress", compress={}), objects.middleware("cache", cache={"maxObjectBytes": "2Mi"}),
        objects.route("compress", "Host(`compress`)", middlewares=["compress"]),
        objects.route("cache", "Host(`cache`)", middlewares=["cache"])])
    ours = run.tidegate(folder)
    return theirs, {"compress": ours, "cache": ours}, words["CACHE"]


def cpu_us(server):
    total = 0
    for pid in server.pids():
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total * TICK_US


def measure(server, what, name, coding):
    connections = 4 if SIZES[name] >= 1 << 20 else 32
    command = ["taskset", "-c", bench.LOAD_CORE, "wrk", "-t1", f"-c{connections}", f"-d{max(1, round(bench.DURATION))}s",
               "-H", f"Host: {what}"]
    if coding:
        command += ["-H", f"Accept-Encoding: {coding}"]
    before, begin = cpu_us(server), time.monotonic()
    out = subprocess.run([*command, f"http://127.0.0.1:{server.plain}/{name}"], check=True, capture_output=True,
                         text=True).stdout
    seconds, used = time.monotonic() - begin, cpu_us(server) - before
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    if not requests or re.search(r"Non-2xx|Socket errors", out):
        sys.exit(f"{server.name} {what} {name}: {out}")
    return {"cpu_us_per_request": used / requests, "per_second": requests / seconds, "cpu_share": used / seconds / 1e6,
            "mib_per_cpu_second": requests * SIZES[name] / (1 << 20) / (used / 1e6)}


def answer(server, what, name, coding):
    """Length and headers of one answer: both must do the work that is measured."""
    command = ["curl", "-s", "-D", "-", "-o", "/dev/null", "-w", "%{size_download}", "-H", f"Host: {what}",
               *(["-H", f"Accept-Encoding: {coding}"] if coding else []), f"http://127.0.0.1:{server.plain}/{name}"]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    head, _, size = out.rpartition("\n\n")
    return int(size), head.lower()


def check(server, what, name, coding):
    answer(server, what, name, coding)
    size, head = answer(server, what, name, coding)
    if coding and f"content-encoding: {coding}" not in head or not coding and "hit" not in head:
        sys.exit(f"{server.name} does not do it: {head}")
    return size


def run_case(case, theirs, ours, results):
    (what, name, coding, both), target = CASES[case]
    servers = [ours[what], *([theirs[what]] if both else [])]
    sizes = {server.name: check(server, what, name, coding) for server in servers}
    rounds = {server.name: [] for server in servers}
    for _ in range(bench.ROUNDS):
        for server in servers:
            rounds[server.name].append(measure(server, what, name, coding))
    rows = [[server, sizes[server], *(f"{bench.median(r[key] for r in all_rounds):.{digits}f}" for key, digits in
             (("cpu_us_per_request", 1), ("per_second", 0), ("mib_per_cpu_second", 0), ("cpu_share", 2)))]
            for server, all_rounds in rounds.items()]
    heads = ["", "bytes sent", "CPU us/response", "responses/s", "MiB of text/CPU s", "core used"]
    bench.print_table(f"{case} ({bench.ROUNDS} rounds, medians)", heads, rows)
    results[case] = {"sizes": sizes, "rounds": rounds}
    if not both:
        return []
    ratio = bench.median(a["cpu_us_per_request"] / b["cpu_us_per_request"]
                         for a, b in zip(rounds["tidegate"], rounds["nginx"]))
    results[case]["ratio"] = ratio
    return [(f"{case}: CPU / nginx", f"{ratio:.2f}", target, bench.verdict(ratio, target))]


def main():
    chosen = os.environ.get("CASES", ",".join(CASES)).split(",")
    results, lines = {}, []
    with bench.Bench() as run:
        theirs, ours, kept = start(run)
        try:
            for case in chosen:
                lines += run_case(case, theirs, ours, results)
        finally:
            shutil.rmtree(kept, ignore_errors=True)
    bench.print_table("paired ratios", ["", "median", "target", ""], lines)
    bench.write_json("body", results)


if __name__ == "__main__":
    main()
