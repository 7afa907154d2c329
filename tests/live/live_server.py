# SPDX-License-Identifier: Apache-2.0
"""live_server: a real etcd and kube-apiserver on loopback, with RBAC, and what tests do to them."""

import json
import os
import ssl
import subprocess
import time
import urllib.error
import urllib.request

import yaml

from ports import free_port

ADMIN = "admin-of-this-test"
# Kubernetes 1.20, which Debian has, knows EndpointSlices as v1beta1 alone; like this they have the shape of v1.
SLICES = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
          "metadata": {"name": "endpointslices.discovery.k8s.io",
                       "annotations": {"api-approved.kubernetes.io": "unapproved, for tests"}},
          "spec": {"group": "discovery.k8s.io", "scope": "Namespaced",
                   "names": {"kind": "EndpointSlice", "plural": "endpointslices", "singular": "endpointslice",
                             "listKind": "EndpointSliceList"},
                   "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
                       "type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}}


class LiveServer:
    def __init__(self, folder, program):
        self.folder, self.program = str(folder), program
        self.port, self.etcd_port, peer = free_port(), free_port(), free_port()
        os.makedirs(self.folder, exist_ok=True)
        key = self.path("sa.key")
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        subprocess.run(["openssl", "rsa", "-in", key, "-pubout", "-out", self.path("sa.pub")], check=True, capture_output=True)
        with open(self.path("tokens.csv"), "w") as file:
            file.write(f'{ADMIN},admin,1,"system:masters"\n')
        self.etcd = self.spawn("etcd", ["etcd", "--data-dir", self.path("etcd"), "--listen-client-urls", self.etcd_url(),
                                        "--advertise-client-urls", self.etcd_url(),
                                        "--listen-peer-urls", f"http://127.0.0.1:{peer}"])
        self.api = None
        self.start()

    def path(self, name):
        return os.path.join(self.folder, name)

    def etcd_url(self):
        return f"http://127.0.0.1:{self.etcd_port}"

    def spawn(self, name, command):
        with open(self.path(name + ".log"), "ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)

    def start(self):
        self.api = self.spawn("api", [
            self.program, "--etcd-servers", self.etcd_url(), "--secure-port", str(self.port), "--bind-address", "127.0.0.1",
            "--advertise-address", "127.0.0.1", "--cert-dir", self.path("certs"),
            "--service-account-key-file", self.path("sa.pub"), "--service-account-signing-key-file", self.path("sa.key"),
            "--service-account-issuer", "https://kubernetes.default.svc", "--token-auth-file", self.path("tokens.csv"),
            "--authorization-mode", "RBAC", "--service-cluster-ip-range", "10.96.0.0/16", "--allow-privileged=true",
            "--disable-admission-plugins", "ServiceAccount", "--runtime-config", "discovery.k8s.io/v1beta1=false"])
        end = time.monotonic() + 60
        while self.ask("GET", "/readyz", quiet=True) is None:
            assert time.monotonic() < end and self.api.poll() is None, open(self.path("api.log"), errors="replace").read()[-3000:]
            time.sleep(0.1)

    def kill(self):
        self.api.kill()
        self.api.wait()

    def stop(self):
        for process in (self.api, self.etcd):
            process.kill()
            process.wait()

    def compact(self):
        """Nothing that was before can be gone on from: 410 Gone."""
        def etcd(path, body):
            return json.load(urllib.request.urlopen(self.etcd_url() + path, json.dumps(body).encode(), timeout=10))
        revision = etcd("/v3/kv/range", {"key": "YQ=="})["header"]["revision"]
        etcd("/v3/kv/compaction", {"revision": revision, "physical": True})

    # --------------------------------------------------------------- asking --

    def ask(self, method, path, body=None, quiet=False, content_type="application/json"):
        request = urllib.request.Request(f"https://127.0.0.1:{self.port}{path}", method=method,
                                         data=json.dumps(body).encode() if body is not None else None,
                                         headers={"Authorization": "Bearer " + ADMIN, "Content-Type": content_type})
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as answer:
                text = answer.read().decode()
        except (urllib.error.HTTPError, OSError) as error:
            if quiet:
                return None
            said = error.read().decode() if isinstance(error, urllib.error.HTTPError) else ""
            raise AssertionError(f"{method} {path}: {error}: {said}") from error
        return json.loads(text) if text.startswith("{") else text

    def collection(self, item):
        group = item["apiVersion"]
        base = f"/apis/{group}" if "/" in group else f"/api/{group}"
        end = time.monotonic() + 20
        while True:
            known = (self.ask("GET", base, quiet=True) or {"resources": []})["resources"]
            found = [r for r in known if r["kind"] == item["kind"] and "/" not in r["name"]]
            if found:
                break
            assert time.monotonic() < end, f"{group} has no {item['kind']}"
            time.sleep(0.1)
        namespace = f"/namespaces/{item['metadata'].get('namespace', 'default')}" if found[0]["namespaced"] else ""
        return f"{base}{namespace}/{found[0]['name']}"

    def put(self, *items):
        """Makes, or replaces, each."""
        for item in items:
            where = self.collection(item)
            one = f"{where}/{item['metadata']['name']}"
            now = self.ask("GET", one, quiet=True)
            if now is None:
                self.ask("POST", where, item)
                continue
            self.ask("PATCH", one, item, content_type="application/merge-patch+json")

    def delete(self, item):
        self.ask("DELETE", f"{self.collection(item)}/{item['metadata']['name']}")

    def get(self, item):
        return self.ask("GET", f"{self.collection(item)}/{item['metadata']['name']}")

    def namespace(self, name):
        self.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def put_files(self, *paths):
        for path in paths:
            with open(path) as file:
                self.put(*[item for item in yaml.safe_load_all(file) if item])

    def kubeconfig(self, namespace="tidegate", account="tidegate"):
        """Of a ServiceAccount, with no other rights than its own."""
        token = self.ask("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token",
                         {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}})
        token_file, path = self.path("token"), self.path("kubeconfig")
        with open(token_file, "w") as file:
            file.write(token["status"]["token"])
        with open(path, "w") as file:
            yaml.safe_dump({"apiVersion": "v1", "kind": "Config", "current-context": "c", "contexts": [
                {"name": "c", "context": {"cluster": "c", "user": "u", "namespace": namespace}}],
                "clusters": [{"name": "c", "cluster": {"server": f"https://127.0.0.1:{self.port}",
                                                         "certificate-authority": self.path("certs/apiserver.crt")}}],
                "users": [{"name": "u", "user": {"tokenFile": token_file}}]}, file)
        return path
