# SPDX-License-Identifier: Apache-2.0
"""Manifests for tests and benchmarks: the smallest objects that route to one backend on loopback."""

import json
import subprocess


def backend(port):
    """A Service named backend and its one endpoint."""
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "backend", "namespace": "default"},
        "spec": {"ports": [{"name": "http", "port": 80, "targetPort": port}]},
    }
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "backend-1",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": "backend"},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}],
        "ports": [{"name": "http", "port": port}],
    }
    return [service, endpoints]


def certificate(crt, key):
    """A Secret named certificate, from two PEM files."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "certificate", "namespace": "default"},
        "type": "kubernetes.io/tls",
        "stringData": {"tls.crt": crt.read_text(), "tls.key": key.read_text()},
    }


def route(name, match, entry_point="web", tls=False, middlewares=()):
    """An IngressRoute of one route to the backend."""
    rule = {"match": match, "kind": "Rule", "services": [{"name": "backend", "port": 80}]}
    if middlewares:
        rule["middlewares"] = [{"name": middleware} for middleware in middlewares]
    spec = {"entryPoints": [entry_point], "routes": [rule]}
    if tls:
        spec["tls"] = {"secretName": "certificate"}
    return {
        "apiVersion": "traefik.io/v1alpha1",
        "kind": "IngressRoute",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


def middleware(name, **spec):
    return {
        "apiVersion": "traefik.io/v1alpha1",
        "kind": "Middleware",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


def write(path, objects):
    """JSON is YAML; the rename makes a change one event and never half a file."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text("\n---\n".join(json.dumps(item) for item in objects) + "\n")
    partial.rename(path)


def write_certificate(folder):
    """A new P-256 certificate for localhost: server.crt and server.key in the folder."""
    crt, key = folder / "server.crt", folder / "server.key"
    subprocess.run(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
        f" -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout {key} -out {crt}".split(),
        check=True,
        capture_output=True,
    )
    return crt, key
