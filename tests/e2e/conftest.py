# SPDX-License-Identifier: Apache-2.0
"""conftest: one lab for the whole run, and a `gateway` that starts Tidegate in it with the manifests of a test."""

import json
import os
import subprocess
import sys
import textwrap

import pytest
import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "support"))
from lab import BACKEND_PORT, BACKENDS, CLIENT, FLOODER, GATEWAY, GATEWAY6, Lab, run  # noqa: E402

BUILD = os.environ.get("TIDEGATE_BUILD", os.path.join(ROOT, "build"))
TIDEGATE = os.path.join(BUILD, "tidegate")
SANITIZED = BUILD.endswith(("-address", "-thread"))  # sanitizers need system calls that the filter refuses
LOADER = os.path.join(BUILD, "tidegate-loader")


def backend_service(name, addresses, port=BACKEND_PORT, namespace="default"):
    """Service + EndpointSlice over fixed addresses."""
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
         "spec": {"ports": [{"name": "http", "port": 80, "targetPort": port}]}},
        {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
         "metadata": {"name": f"{name}-1", "namespace": namespace,
                      "labels": {"kubernetes.io/service-name": name}},
         "addressType": "IPv4", "ports": [{"name": "http", "port": port}],
         "endpoints": [{"addresses": [a], "conditions": {"ready": True}} for a in addresses]},
    ]


def route(name, match, service="backends", middlewares=(), entry_points=("web",), namespace="default", tls=None,
          priority=None, services=None):
    """An IngressRoute with one route."""
    rule = {"match": match, "kind": "Rule", "services": services or [{"name": service, "port": 80}]}
    if middlewares:
        rule["middlewares"] = [{"name": m} for m in middlewares]
    if priority is not None:
        rule["priority"] = priority
    spec = {"entryPoints": list(entry_points), "routes": [rule]}
    if tls is not None:
        spec["tls"] = tls
    return {"apiVersion": "traefik.io/v1alpha1", "kind": "IngressRoute",
            "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def middleware(name, kind, conf, namespace="default"):
    return {"apiVersion": "traefik.io/v1alpha1", "kind": "Middleware",
            "metadata": {"name": name, "namespace": namespace}, "spec": {kind: conf}}


def secret(name, data, kind="Opaque", namespace="default"):
    return {"apiVersion": "v1", "kind": "Secret", "type": kind,
            "metadata": {"name": name, "namespace": namespace}, "stringData": data}


def source_policy(name, spec, namespace="default"):
    return {"apiVersion": "tidegate.io/v1alpha1", "kind": "SourcePolicy",
            "metadata": {"name": name, "namespace": namespace}, "spec": spec}


class Gateway:
    """Tidegate in the lab's gateway namespace, with a manifests folder of its own."""

    def __init__(self, lab, folder):
        self.lab, self.folder = lab, folder
        self.manifests = os.path.join(folder, "manifests")
        os.makedirs(self.manifests)
        self.socket = os.path.join(folder, "admin.sock")
        self.log_path = os.path.join(folder, "tidegate.log")
        self.pins = f"/sys/fs/bpf/tidegate-{lab.tag}"
        self.process = None

    # ---------------------------------------------------------- life cycle --

    def write(self, name, *objects):
        """Writes manifests (dicts, or YAML text) into one file of the folder, atomically."""
        documents = []
        for item in objects:
            documents.append(textwrap.dedent(item) if isinstance(item, str) else yaml.safe_dump(item))
        path = os.path.join(self.manifests, name)
        with open(path + ".tmp~", "w") as file:
            file.write("---\n".join(documents))
        os.rename(path + ".tmp~", path)

    def start(self, *options, kernel="off", wait=True, workers=2):
        command = [TIDEGATE, "run", f"--manifests={self.manifests}", "--entryPoints.web.address=:80",
                   "--entryPoints.websecure.address=:443", f"--kernelPlane={kernel}", f"--workers={workers}",
                   f"--admin.socket={self.socket}", "--admin.address=127.0.0.1:9180", "--log.level=INFO",
                   f"--pinFolder={self.pins}", *([] if any(o.startswith("--interfaces=") for o in options) else ["--interfaces=cl0"]),
                   *(["--security.seccomp=false"] if SANITIZED else []), *options]
        self.process = self.lab.start("gw", *command, log=self.log_path)
        if wait:
            self.lab.wait_for(lambda: self.process.poll() is not None or self.status(), "Tidegate to be ready", 20)
            assert self.process.poll() is None, self.log()
        return self

    def stop(self):
        if self.process:
            self.lab.stop(self.process)
            if SANITIZED:
                assert "Sanitizer" not in self.log(), self.log()[-4000:]
        if os.path.isdir(self.pins):
            run(LOADER, "unload", f"--folder={self.pins}", check=False)

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    # --------------------------------------------------------------- asking --

    def command(self, *arguments):
        return run(TIDEGATE, *arguments, f"--admin.socket={self.socket}", check=False)

    def status(self):
        result = self.command("status", "--json")
        return json.loads(result.stdout) if result.returncode == 0 and result.stdout else None

    def metrics(self):
        """Every sample of /metrics as {'name{labels}': value}."""
        text = self.lab.run("gw", "curl", "-s", "http://127.0.0.1:9180/metrics").stdout
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
                for line in text.splitlines() if line and not line.startswith("#")}

    def settle(self, revision_above=None):
        """Waits until the change just written is in force."""
        before = revision_above if revision_above is not None else self.status()["revision"]
        self.lab.wait_for(lambda: (self.status() or {}).get("revision", 0) > before, "a new revision", 60 if SANITIZED else 10)

    def update(self, name, *objects):
        before = self.status()["revision"]
        self.write(name, *objects)
        self.settle(before)

    def curl(self, *arguments, role="client", check=True):
        return self.lab.run(role, "curl", "-s", "--max-time", "10", *arguments, check=check).stdout

    def get(self, host, path="/", *arguments, port=80, address=GATEWAY):
        """(status, headers as a lower-case dict of lists, body) by real curl."""
        out = self.lab.run("client", "curl", "-s", "-i", "--max-time", "10", "--path-as-is", "-H", f"Host: {host}",
                           *arguments, f"http://{address}:{port}{path}", check=False).stdout
        return parse_answer(out)

    def raw(self, data, port=80, address=GATEWAY, timeout=5.0, half_close=False):
        """Sends bytes from the client's namespace and returns every byte until the peer closes or timeout."""
        code = ("import socket,sys\n"
                "s=socket.create_connection((sys.argv[1],int(sys.argv[2])),float(sys.argv[3]))\n"
                "s.sendall(sys.stdin.buffer.read())\n"
                "if sys.argv[4]=='1': s.shutdown(socket.SHUT_WR)\n"
                "out=b''\n"
                "try:\n"
                "  while True:\n"
                "    d=s.recv(65536)\n"
                "    if not d: break\n"
                "    out+=d\n"
                "except (TimeoutError,ConnectionResetError,BrokenPipeError): pass\n"
                "sys.stdout.buffer.write(out)\n")
        data = data if isinstance(data, bytes) else data.encode()
        return subprocess.run(self.lab.inside("client", "/usr/bin/python3", "-c", code, address, str(port),
                                              str(timeout), "1" if half_close else "0"),
                              input=data, capture_output=True, timeout=timeout + 20).stdout


def parse_answer(text):
    """The last HTTP answer in curl -i output (interim answers are skipped)."""
    while True:
        head, _, rest = text.replace("\r\n", "\n").partition("\n\n")
        lines = head.split("\n")
        if not lines[0].startswith("HTTP/"):
            return 0, {}, text
        status = int(lines[0].split(" ")[1])
        if status // 100 == 1 and status != 101:
            text = rest
            continue
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers.setdefault(name.strip().lower(), []).append(value.strip())
        return status, headers, rest


@pytest.fixture(scope="session")
def lab():
    with Lab() as made:
        yield made


@pytest.fixture
def gateway(lab, tmp_path):
    made = Gateway(lab, str(tmp_path))
    made.write("90-backends.yaml", *backend_service("backends", BACKENDS.values()),
               *backend_service("a", [BACKENDS["a"]]), *backend_service("b", [BACKENDS["b"]]))
    yield made
    made.stop()
