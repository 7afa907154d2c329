# SPDX-License-Identifier: Apache-2.0
"""stream_lab: manifests, servers and sockets for the tests of raw TCP and UDP."""

import contextlib
import ctypes
import os
import socket
import ssl
import sys

from conftest import BACKENDS, GATEWAY, secret

PEERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "stream_peers.py")
LIBC = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def namespace(lab, role):
    """Sockets that are made inside belong to the namespace, and stay there."""
    with open("/proc/thread-self/ns/net") as own, open(f"/run/netns/{lab.ns(role)}") as other:
        assert LIBC.setns(other.fileno(), 0) == 0
        try:
            yield
        finally:
            assert LIBC.setns(own.fileno(), 0) == 0


def connect(lab, port, address=GATEWAY, timeout=5.0, source=None):
    with namespace(lab, "client"):
        return socket.create_connection((address, port), timeout, source_address=(source, 0) if source else None)


def datagram(lab, port, address=GATEWAY, timeout=5.0, source=None):
    with namespace(lab, "client"):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = socket.socket(family, socket.SOCK_DGRAM)
        if source:
            made.bind((source, 0))
        made.connect((address, port))
    made.settimeout(timeout)
    return made


def secure(connection, sni=None, alpn=(), versions=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if versions:
        context.minimum_version = context.maximum_version = versions
    return context.wrap_socket(connection, server_hostname=sni)


def read_to_end(connection):
    data = b""
    with contextlib.suppress(ConnectionResetError, TimeoutError, ssl.SSLError):
        while chunk := connection.recv(65536):
            data += chunk
    return data


def read_n(connection, n):
    data = b""
    while len(data) < n:
        chunk = connection.recv(n - len(data))
        if not chunk:
            break
        data += chunk
    return data


def ask(connection, data, n=None):
    """Sends data and reads as many bytes as it sent, or n."""
    connection.sendall(data)
    return read_n(connection, n or len(data))


def peer(lab, role, *arguments, port=None):
    """Starts a server of stream_peers.py and waits until it listens."""
    process = lab.start(role, sys.executable, PEERS, *[str(a) for a in arguments])
    port = port or int(arguments[1])
    if arguments[0] == "udp":
        lab.wait_for(lambda: f":{port} " in lab.run(role, "ss", "-Hlun").stdout, "the datagram server", 5)
    else:
        lab.wait_for(lambda: f":{port} " in lab.run(role, "ss", "-Hltn").stdout, "the server", 5)
    return process


def service(name, port, targets=("a",), protocol="TCP", ready=True):
    """A Service with one port whose endpoints are backends of the lab."""
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
         "spec": {"ports": [{"name": "main", "port": port, "protocol": protocol}]}},
        {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
         "metadata": {"name": f"{name}-1", "namespace": "default", "labels": {"kubernetes.io/service-name": name}},
         "addressType": "IPv4", "ports": [{"name": "main", "port": port, "protocol": protocol}],
         "endpoints": [{"addresses": [BACKENDS.get(t, t)], "conditions": {"ready": ready}} for t in targets]}]


def tcp_route(name, match, *services, entry_points=("db",), tls=None, middlewares=(), priority=None):
    """An IngressRouteTCP with one route; services are (name, port) or dicts."""
    rule = {"match": match, "services": [s if isinstance(s, dict) else {"name": s[0], "port": s[1]} for s in services]}
    if middlewares:
        rule["middlewares"] = [{"name": m} for m in middlewares]
    if priority is not None:
        rule["priority"] = priority
    spec = {"entryPoints": list(entry_points), "routes": [rule]}
    if tls is not None:
        spec["tls"] = tls
    return {"apiVersion": "traefik.io/v1alpha1", "kind": "IngressRouteTCP",
            "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def udp_route(name, *services, entry_points=("dns",)):
    rule = {"services": [s if isinstance(s, dict) else {"name": s[0], "port": s[1]} for s in services]}
    return {"apiVersion": "traefik.io/v1alpha1", "kind": "IngressRouteUDP",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"entryPoints": list(entry_points), "routes": [rule]}}


def tcp_middleware(name, kind, conf):
    return {"apiVersion": "traefik.io/v1alpha1", "kind": "MiddlewareTCP",
            "metadata": {"name": name, "namespace": "default"}, "spec": {kind: conf}}


def tcp_transport(name, spec):
    return {"apiVersion": "traefik.io/v1alpha1", "kind": "ServersTransportTCP",
            "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def certificate(folder, name, *names):
    """(certificate, key) paths."""
    from conftest import run

    key, crt = str(folder / f"{name}.key"), str(folder / f"{name}.crt")
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
        "-subj", f"/CN={names[0]}", "-addext", "subjectAltName=" + ",".join(
            f"IP:{n}" if n[0].isdigit() else f"DNS:{n}" for n in names), "-keyout", key, "-out", crt)
    return crt, key


def tls_secret(name, files):
    return secret(name, {"tls.crt": open(files[0]).read(), "tls.key": open(files[1]).read()}, "kubernetes.io/tls")
