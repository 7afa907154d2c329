#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The proxy's TLS with the kernel's: same bytes, keys in the kernel, bodies that never enter the proxy.

Runs in a test machine whose kernel has TLS, and on the host whatever it has: there the same tests ask
for the same bytes and for the reason why the kernel does not do the work.
"""

import atexit
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import objects  # noqa: E402
import story  # noqa: E402
from ports import free_port  # noqa: E402

BUILD = ROOT / os.environ.get("O", "build")
TIDEGATE = BUILD / "tidegate"
SIZES = (1, 16 * 1024, 16 * 1024 + 1, 1 << 20)
TCP_ULP = 31


def body_of(size):
    return hashlib.shake_128(str(size).encode()).digest(size)


def kernel_has_tls():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname()) as client:
            try:
                client.setsockopt(socket.IPPROTO_TCP, TCP_ULP, b"tls\0")
                return True
            except OSError:
                return False


class Upstream(http.server.BaseHTTPRequestHandler):
    """/length/N and /chunked/N answer N bytes; a POST is answered with the digest of its body."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        _, framing, size = self.path.split("/")
        body = body_of(int(size))
        self.send_response(200)
        if framing == "length":
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for start in range(0, len(body), 100_000):
            piece = body[start : start + 100_000]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def do_POST(self):
        digest = hashlib.sha256(self.rfile.read(int(self.headers["Content-Length"]))).hexdigest()
        self.send_response(200)
        self.send_header("Content-Length", str(len(digest)))
        self.end_headers()
        self.wfile.write(digest.encode())


class Machine:
    """The upstream and the proxy before it, started once for all tests."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="tidegate-ktls."))
        upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
        threading.Thread(target=upstream.serve_forever, daemon=True).start()
        manifests = self.dir / "manifests"
        manifests.mkdir()
        crt, key = objects.write_certificate(self.dir)
        objects.write(manifests / "backend.yaml", objects.backend(upstream.server_port))
        objects.write(manifests / "certificate.yaml", [objects.certificate(crt, key)])
        route = objects.route("tls", "PathPrefix(`/`)", "websecure", tls=True)
        objects.write(manifests / "route.yaml", [route])
        self.plain, self.tls, self.admin = free_port(), free_port(), free_port()
        self.socket = self.dir / "admin.sock"
        command = [
            TIDEGATE,
            "run",
            f"--manifests={manifests}",
            f"--entryPoints.web.address=127.0.0.1:{self.plain}",
            f"--entryPoints.websecure.address=127.0.0.1:{self.tls}",
            f"--admin.address=127.0.0.1:{self.admin}",
            f"--admin.socket={self.socket}",
            "--security.allowLoopbackBackends=true",
            "--kernelPlane=off",
        ]
        self.log = self.dir / "tidegate.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        atexit.register(self.close)
        try:
            story.wait_for(self.ready, "the proxy to listen")
        except AssertionError:
            print(self.log.read_text())
            raise

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the proxy ended with {self.process.returncode}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.tls)) == 0

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.dir)

    def connect(self, version, ciphers=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.dir / "server.crt")
        context.minimum_version = context.maximum_version = version
        if ciphers:
            context.set_ciphers(ciphers)
        connection = http.client.HTTPConnection("localhost", self.tls, timeout=30)
        plain = socket.create_connection(("127.0.0.1", self.tls), timeout=30)
        connection.sock = context.wrap_socket(plain, server_hostname="localhost")
        return connection

    def metrics(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=10)
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()

    def status(self, *arguments):
        command = [TIDEGATE, "status", *arguments, f"--admin.socket={self.socket}"]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=20).stdout


def tls_stat(name):
    return int(re.search(rf"{name}\s+(\d+)", pathlib.Path("/proc/net/tls_stat").read_text())[1])


def fetch(connection, path):
    connection.request("GET", path)
    response = connection.getresponse()
    assert response.status == 200, f"{path}: {response.status}"
    return response.read()


def check_bytes(version, ciphers=None):
    """Every size in both framings over one connection; counts the connection in the kernel."""
    before = tls_stat("TlsTxSw") if KTLS else 0
    connection = machine.connect(version, ciphers)
    for size in SIZES:
        for framing in ("length", "chunked"):
            body = fetch(connection, f"/{framing}/{size}")
            assert body == body_of(size), f"{framing} {size}: {len(body)} bytes, not the same"
    upload = body_of(300_000)
    connection.request("POST", "/", body=upload)
    assert connection.getresponse().read().decode() == hashlib.sha256(upload).hexdigest()
    connection.close()
    if KTLS:
        assert tls_stat("TlsTxSw") == before + 1, "the kernel did not take the connection's keys"


def tls13_bytes():
    """TLS 1.3: every size and framing arrives unchanged, encrypted by the kernel if it can"""
    check_bytes(ssl.TLSVersion.TLSv1_3)


def tls12_bytes():
    """TLS 1.2: every size and framing arrives unchanged, encrypted by the kernel if it can"""
    for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"):
        check_bytes(ssl.TLSVersion.TLSv1_2, f"ECDHE-ECDSA-{cipher}")


def splices():
    """A large body goes from the upstream socket to the client's by splice, for both versions"""
    for version in (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2):
        report = machine.dir / "strace"
        tracer = subprocess.Popen(
            ["strace", "-f", "-qq", "-e", "trace=splice", "-o", report, "-p", str(machine.process.pid)],
            stderr=subprocess.DEVNULL,
        )
        story.wait_for(lambda: is_traced(machine.process.pid), "strace to attach")
        connection = machine.connect(version)
        assert fetch(connection, f"/length/{1 << 20}") == body_of(1 << 20)
        connection.close()
        tracer.send_signal(signal.SIGINT)
        tracer.wait(10)
        moved = sum(int(n) for n in re.findall(r"splice\(.*\) += (\d+)$", report.read_text(), re.M))
        # In and out of the pipe: twice the body, less what came with the response head.
        assert moved > 1.5 * (1 << 20), f"{version.name}: {moved} bytes went through splice"


def is_traced(pid):
    tasks = pathlib.Path(f"/proc/{pid}/task").glob("*/status")
    return all(not re.search(r"TracerPid:\s+0\n", task.read_text()) for task in tasks)


def outcome_on():
    """Metrics and status say that the kernel encrypts"""
    series = re.findall(r"^tidegate_\w*ktls\w*\{(.*)\} (\d+)", machine.metrics(), re.M)
    on = sum(int(n) for labels, n in series if 'direction="tx"' in labels and 'result="on"' in labels)
    assert on >= 4, f"connections with the kernel's TLS: {series}"
    assert json.loads(machine.status("--json"))["ktls"]["tx"] == "on"
    assert re.search(r"^kTLS\s+tx on", machine.status(), re.M), machine.status()


def outcome_off():
    """Metrics and status say that user space encrypts, and why"""
    series = re.findall(r"^tidegate_\w*ktls\w*\{(.*)\} (\d+)", machine.metrics(), re.M)
    off = [labels for labels, n in series if 'direction="tx"' in labels and 'result="off"' in labels and int(n)]
    assert off and all(re.search(r'reason="\w+', labels) for labels in off), f"{series}"
    ktls = json.loads(machine.status("--json"))["ktls"]
    assert ktls["tx"] == "off" and ktls["reason"], ktls
    assert re.search(r"^kTLS\s+tx off", machine.status(), re.M), machine.status()


KTLS = kernel_has_tls()
if "--kernel" in sys.argv and not KTLS:
    sys.exit("this machine's kernel was to have TLS and has not")
machine = Machine()
story.run(tls13_bytes, tls12_bytes, *((splices, outcome_on) if KTLS else (outcome_off,)))
