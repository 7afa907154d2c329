# SPDX-License-Identifier: Apache-2.0
"""many_servers: servers at addresses of their own that do as they are told and tell what they saw."""

import collections
import json

import pytest
from conftest import CLIENT, GATEWAY, backend_service, route

PORT = 9100
SERVERS = [f"10.77.2.{n}" for n in (21, 22, 23, 24)]

# One process, many servers: each local address has a state of its own, set by /__set and told by /__told.
BACKEND = r"""
import asyncio, json, sys, urllib.parse
states = {}
class State:
    def __init__(self): self.status, self.delay, self.close, self.seen, self.extra = 200, 0.0, False, [], ""
async def serve(r, w):
    name = w.get_extra_info("sockname")[0]
    state = states.setdefault(name, State())
    try:
        while True:
            head = await r.readuntil(b"\r\n\r\n")
            line, *fields = head.decode("latin1").split("\r\n")
            method, path, _ = line.split(" ")
            h = {f.split(":", 1)[0].lower(): f.split(":", 1)[1].strip() for f in fields if ":" in f}
            body = b""
            if h.get("transfer-encoding") == "chunked":
                while (n := int((await r.readline()).split(b";")[0], 16)):
                    body += await r.readexactly(n); await r.readexactly(2)
                await r.readline()
            elif "content-length" in h:
                body = await r.readexactly(int(h["content-length"]))
            status, text, extra = 200, b"", ""
            if path.startswith("/__set"):
                for key, value in urllib.parse.parse_qsl(path.partition("?")[2], keep_blank_values=True):
                    setattr(state, key, type(getattr(state, key))(value if key != "close" else value == "1"))
            elif path.startswith("/__told"):
                text = json.dumps(state.seen).encode()
                state.seen = []
            else:
                state.seen.append({"method": method, "path": path, "body": body.decode("latin1"), "headers": h})
                if state.close: w.close(); return
                await asyncio.sleep(state.delay)
                status, extra = state.status, state.extra
                text = json.dumps({"name": name, "method": method, "path": path, "length": len(body),
                                   "headers": h}).encode()
            if extra: extra += "\r\n"
            w.write(f"HTTP/1.1 {status} X\r\n{extra}Content-Length: {len(text)}\r\n\r\n".encode()
                    + (b"" if method == "HEAD" else text))
            await w.drain()
    except (asyncio.IncompleteReadError, ConnectionError, ValueError): pass
    finally: w.close()
async def main():
    server = await asyncio.start_server(serve, "0.0.0.0", int(sys.argv[1]))
    async with server: await server.serve_forever()
asyncio.run(main())
"""


class Backends:
    """The servers, by address."""

    def __init__(self, lab):
        self.lab = lab
        self.process = lab.start("a", "/usr/bin/python3", "-c", BACKEND, str(PORT))
        for address in SERVERS:
            lab.ip("a", "addr", "add", f"{address}/32", "dev", "eth0")
            lab.ip("gw", "route", "add", f"{address}/32", "dev", "ba0", "src", "10.77.2.1")
        lab.wait_for(lambda: self.ask(SERVERS[0], "/__told", check=False) == "[]", "the servers")

    def ask(self, address, path, check=True):
        return self.lab.run("a", "curl", "-s", "--max-time", "5", f"http://{address}:{PORT}{path}", check=check).stdout

    def set(self, address, **values):
        query = "&".join(f"{key}={value}" for key, value in values.items())
        self.ask(address, f"/__set?{query}")

    def reset(self):
        for address in SERVERS:
            self.set(address, status=200, delay=0, close=0, extra="")
            self.told(address)

    def told(self, address):
        """What it has seen since it was asked last."""
        return json.loads(self.ask(address, "/__told"))


@pytest.fixture(scope="module")
def all_backends(lab):
    made = Backends(lab)
    yield made
    lab.stop(made.process)
    for address in SERVERS:
        lab.ip("a", "addr", "del", f"{address}/32", "dev", "eth0")
        lab.ip("gw", "route", "del", f"{address}/32")


@pytest.fixture
def backends(all_backends):
    all_backends.reset()
    return all_backends


def traefik_service(name, **spec):
    return {"apiVersion": "traefik.io/v1alpha1", "kind": "TraefikService",
            "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def external(name, address):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
            "spec": {"type": "ExternalName", "externalName": address}}


def service(name, *addresses):
    return backend_service(name, addresses, port=PORT)


def to(name, **more):
    """A route to a TraefikService."""
    return route(name, f"Host(`{name}.test`)", services=[{"name": name, "kind": "TraefikService"}], **more)


def name_of(answer):
    status, _, body = answer
    return json.loads(body)["name"] if status == 200 else f"{status} {body.strip()}"


def ask(gateway, host, n, *arguments, path="/", source=CLIENT):
    """Who answered n requests."""
    out = gateway.lab.run("client", "curl", "-s", "--max-time", "10", "--interface", source, "-H", f"Host: {host}",
                          *arguments, "-w", "\n",
                          f"http://{GATEWAY}{path}{'?' if '?' not in path else '&'}n=[1-{n}]").stdout
    names = []
    for line in out.strip().splitlines():
        try:
            names.append(json.loads(line)["name"])
        except ValueError:
            names.append(line)
    return collections.Counter(name for name in names if name)


def server_up(gateway, name, address, port=PORT):
    return gateway.metrics().get(
        f'tidegate_service_server_up{{service="{name}",url="http://{address}:{port}"}}')


def server_status(gateway, prefix):
    """What the API says of the first server of the service whose name begins so."""
    raw = json.loads(gateway.lab.run("gw", "curl", "-s", "http://127.0.0.1:9180/api/rawdata").stdout)
    item = [item for name, item in raw["services"].items() if name.startswith(prefix)][0]
    return item["serverStatus"][f"http://{SERVERS[0]}:{PORT}"]
