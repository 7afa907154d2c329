# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: servers pinned to one core, load from the other, tables, JSON.

Everything listens on loopback, lives in one temporary folder and ends with the `Bench` context.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import objects  # noqa: E402
from ports import free_port  # noqa: E402

BUILD = ROOT / os.environ.get("O", "build")
TOOLS = BUILD / "tests/bench/tools"
PEERS = pathlib.Path(__file__).parent / "peers"
PROXY_CORE, LOAD_CORE = "0", "1"

ROUNDS = int(os.environ.get("ROUNDS", "8"))
DURATION = float(os.environ.get("DURATION", "2"))
WARMUP = min(0.5, DURATION / 2)



def wait_port(port, process, seconds=20):
    """Waits until somebody accepts; a server that ends instead is an error with its output."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SystemExit(f"{process.args[0:4]} ended: see {process.log}\n" + process.log.read_text())
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise SystemExit(f"nobody listens on port {port}: {process.args}\n" + process.log.read_text())


class Server:
    """A process under test: where it listens, and what it costs."""

    def __init__(self, name, process, plain, tls=None, admin=None):
        self.name, self.process, self.plain, self.tls, self.admin = name, process, plain, tls, admin

    def pids(self):
        """The process and its children: nginx works in a child."""
        found = [self.process.pid]
        for pid in found:
            for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                found += [int(child) for child in children.read_text().split()]
        return found

    def memory(self):
        """Proportional set size in bytes: what the process alone is responsible for."""
        total = 0
        for pid in self.pids():
            for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        return total


class Bench:
    """Owns the temporary folder and every process that a benchmark starts."""

    def __enter__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tidegate-bench."))
        self.processes = []
        self.make_certificate()
        self.backend_port = free_port()
        backend = self.start("backend", [TOOLS / "backend", str(self.backend_port)], LOAD_CORE)
        wait_port(self.backend_port, backend)
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            self.stop(process)
        shutil.rmtree(self.dir)

    def start(self, name, command, core):
        log = self.dir / f"{name}-{len(self.processes)}.out"
        with open(log, "wb") as out:
            process = subprocess.Popen(
                ["taskset", "-c", core, *map(str, command)], stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
        process.log = log
        self.processes.append(process)
        return process

    @staticmethod
    def stop(process):
        if process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def make_certificate(self):
        crt, key = objects.write_certificate(self.dir)
        (self.dir / "server.pem").write_text(crt.read_text() + key.read_text())

    # ------------------------------------------------------------- the servers --
    def fill(self, template, forwarded, extra=""):
        """A peer's configuration with its words filled in; returns it with its two ports."""
        plain, tls = free_port(), free_port()
        text = (PEERS / template).read_text()
        words = {"DIR": self.dir, "BACKEND": self.backend_port, "PLAIN": plain, "TLS": tls}
        words["FORWARDED"] = forwarded if os.environ.get("FORWARDED") != "no" else ""
        words["EXTRA"] = extra
        for word, value in words.items():
            text = text.replace(f"@{word}@", str(value))
        path = self.dir / f"{plain}-{template}"
        path.write_text(text)
        return path, plain, tls

    def nginx(self, extra=""):
        path, plain, tls = self.fill("nginx.conf", NGINX_FORWARDED, extra)
        process = self.start("nginx", ["/usr/sbin/nginx", "-c", path, "-p", self.dir], PROXY_CORE)
        wait_port(plain, process)
        server = Server("nginx", process, plain, tls)
        server.config = path
        return server

    def haproxy(self):
        path, plain, tls = self.fill("haproxy.cfg", HAPROXY_FORWARDED)
        process = self.start("haproxy", ["/usr/sbin/haproxy", "-db", "-f", path], PROXY_CORE)
        wait_port(plain, process)
        return Server("haproxy", process, plain, tls)

    def tidegate(self, manifests, wait=60):
        """Our proxy on a folder of manifests, one worker because one core."""
        plain, tls, admin = free_port(), free_port(), free_port()
        command = [
            BUILD / "tidegate",
            "run",
            f"--manifests={manifests}",
            f"--entryPoints.web.address=127.0.0.1:{plain}",
            f"--entryPoints.websecure.address=127.0.0.1:{tls}",
            f"--admin.address=127.0.0.1:{admin}",
            f"--admin.socket={self.dir}/admin-{admin}.sock",
            "--security.allowLoopbackBackends=true",
            "--serversTransport.maxIdleConnsPerHost=2000",
            "--kernelPlane=off",
        ]
        process = self.start("tidegate", command, PROXY_CORE)
        wait_port(plain, process, wait)
        return Server("tidegate", process, plain, tls, admin)

    def base_manifests(self, name="manifests"):
        """A folder with the backend as a Service, its endpoint and the certificate."""
        folder = self.dir / name
        folder.mkdir()
        objects.write(folder / "backend.yaml", objects.backend(self.backend_port))
        secret = objects.certificate(self.dir / "server.crt", self.dir / "server.key")
        objects.write(folder / "certificate.yaml", [secret])
        return folder

    # ------------------------------------------------------------------ load ----
    def load_command(self, server, tls=False, **options):
        command = ["taskset", "-c", LOAD_CORE, TOOLS / "loadgen"]
        command += ["--port", server.tls if tls else server.plain]
        command += ["--pids", ",".join(map(str, server.pids()))]
        if tls:
            command += ["--tls", "1.3"]
        for option, value in options.items():
            command += [f"--{option}"] if value is True else [f"--{option}", value]
        return [str(word) for word in command]

    def load(self, server, tls=False, **options):
        options = {"duration": DURATION, "warmup": WARMUP, **options}
        output = subprocess.run(
            self.load_command(server, tls, **options), check=True, capture_output=True, text=True
        ).stdout
        return json.loads(output.splitlines()[-1])


# The headers a proxy in front of an application sends; ours always does, so the peers do as well
# (FORWARDED=no measures them without).
NGINX_FORWARDED = """proxy_set_header X-Real-IP $remote_addr;
	proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
	proxy_set_header X-Forwarded-Host $http_host;
	proxy_set_header X-Forwarded-Port $server_port;
	proxy_set_header X-Forwarded-Proto $scheme;"""
HAPROXY_FORWARDED = """option forwardfor
	http-request set-header X-Real-IP %[src]
	http-request set-header X-Forwarded-Host %[req.hdr(Host)]
	http-request set-header X-Forwarded-Port %[dst_port]
	http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]"""


# ----------------------------------------------------------------- results --------
def median(values):
    return statistics.median(values)


def print_table(title, heads, rows):
    cells = [[str(cell) for cell in row] for row in [heads, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heads))]
    print(f"\n{title}")
    for first, *rest in cells:
        aligned = [cell.rjust(width) for cell, width in zip(rest, widths[1:])]
        print("  " + "  ".join([first.ljust(widths[0]), *aligned]).rstrip())


def verdict(value, target):
    return "met" if value <= target else "MISSED"


def write_json(name, results):
    folder = BUILD / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    results["machine"] = {
        "kernel": os.uname().release,
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    (folder / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n")
    print(f"\n{folder / name}.json")
