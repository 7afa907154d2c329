# SPDX-License-Identifier: Apache-2.0
"""kube_world: Tidegate on loopback, fed by the stand-in API server, and one backend that says its name."""

import http.client
import http.server
import json
import os
import subprocess
import threading
import time

from conftest import SANITIZED, TIDEGATE
from kube_server import KubeServer
from ports import free_port



class Backend(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b"backend\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class World:
    def __init__(self, folder, **server):
        self.folder = str(folder)
        self.server = KubeServer(os.path.join(self.folder, "api"), **server)
        self.backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
        threading.Thread(target=self.backend.serve_forever, args=(0.02,), daemon=True).start()
        self.web, self.admin = free_port(), free_port()
        self.process, self.log_path = None, os.path.join(self.folder, "tidegate.log")

    def service(self, name="web", namespace="shop", addresses=("127.0.0.1",)):
        return [
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
             "spec": {"ports": [{"name": "http", "port": 80}], "clusterIP": "10.0.0.7"}},
            {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
             "metadata": {"name": name + "-1", "namespace": namespace, "labels": {"kubernetes.io/service-name": name}},
             "ports": [{"name": "http", "port": self.backend.server_address[1]}],
             "endpoints": [{"addresses": [a], "conditions": {"ready": True, "serving": True}} for a in addresses]}]

    def route(self, name="web", host="web.test", namespace="shop", service="web", **spec):
        return {"apiVersion": "traefik.io/v1alpha1", "kind": "IngressRoute", "metadata": {"name": name, "namespace": namespace},
                "spec": {"entryPoints": ["web"], "routes": [{"kind": "Rule", "match": f"Host(`{host}`)",
                                                              "services": [{"name": service, "port": 80}]}], **spec}}

    def run(self, *options, env=None, kubeconfig=None, wait=True, kernel="off"):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [TIDEGATE, "run", f"--entryPoints.web.address=127.0.0.1:{self.web}", f"--kernelPlane={kernel}", "--workers=1",
                 f"--admin.address=127.0.0.1:{self.admin}", f"--admin.socket={self.folder}/admin.sock",
                 "--security.allowLoopbackBackends=true", *(["--security.seccomp=false"] if SANITIZED else []),
                 *([f"--kubeconfig={kubeconfig or self.server.kubeconfig()}"] if kubeconfig is not False else []), *options],
                stdout=log, stderr=log, env={"PATH": os.environ["PATH"], **(env or {})})
        if wait:
            self.until(self.listed, "everything to be listed", 15)
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.backend.shutdown()
        self.server.stop()
        if self.process and SANITIZED:
            assert "Sanitizer" not in self.log(), self.log()[-4000:]

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    # --------------------------------------------------------------- asking --

    def until(self, check, what, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process is None or self.process.poll() is None, self.log()[-3000:]
            try:
                value = check()
            except (ConnectionError, http.client.HTTPException, TimeoutError, ValueError):
                value = None
            if value:
                return value
            time.sleep(0.02)
        raise AssertionError(f"waited in vain for {what}\n{json.dumps(self.status_or_none(), indent=1)}\n{self.log()[-3000:]}")

    def api(self, path):
        link = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=5)
        try:
            link.request("GET", path)
            return link.getresponse().read().decode()
        finally:
            link.close()

    def status(self):
        return json.loads(subprocess.run([TIDEGATE, "status", "--json", f"--admin.socket={self.folder}/admin.sock"],
                                         capture_output=True, text=True, timeout=10).stdout)

    def status_or_none(self):
        try:
            return self.status()
        except (ValueError, OSError):
            return None

    def kube(self):
        return self.status()["apiServer"]

    def listed(self):
        return self.kube()["listed"]

    def watch(self, kind):
        return next(w for w in self.kube()["watches"] if w["watch"] == kind)

    def get(self, host="web.test", path="/"):
        link = http.client.HTTPConnection("127.0.0.1", self.web, timeout=5)
        try:
            link.request("GET", path, headers={"Host": host})
            answer = link.getresponse()
            return answer.status, answer.read().decode()
        finally:
            link.close()

    def serves(self, host="web.test"):
        return self.get(host) == (200, "backend\n")
