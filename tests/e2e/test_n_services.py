# SPDX-License-Identifier: Apache-2.0
"""Services over the wire: kinds, strategies, health, stickiness (reference a.0, a.1, a.6, d.1 to d.4)."""

import collections
import hashlib
import json
import time

import pytest
from conftest import CLIENT, FLOODER, GATEWAY, backend_service, middleware, route

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


# ------------------------------------------------------------------------------ composite services --


def test_weighted_services_nest_and_stick_at_both_levels(gateway, backends):
    """a.6, d.2: shares by weight, a cookie of its own at each level; a weight of 0 gets nothing."""
    gateway.write("10.yaml", *service("one", SERVERS[0], SERVERS[1]), *service("two", SERVERS[2]),
                  *service("off", SERVERS[3]),
                  traefik_service("outer", weighted={
                      "services": [{"name": "inner", "kind": "TraefikService", "weight": 3},
                                   {"name": "two", "port": 80, "weight": 1}],
                      "sticky": {"cookie": {"name": "outer"}}}),
                  traefik_service("inner", weighted={
                      "services": [{"name": "one", "port": 80, "sticky": {"cookie": {"name": "inner"}}},
                                   {"name": "off", "port": 80, "weight": 0}]}),
                  to("outer"))
    gateway.start()
    counts = ask(gateway, "outer.test", 40)
    assert counts[SERVERS[2]] == 10 and counts[SERVERS[0]] == counts[SERVERS[1]] == 15, counts

    cookies = {}
    for _ in range(8):
        status, headers, body = gateway.get("outer.test")
        for line in headers["set-cookie"]:
            key, _, value = line.partition("=")
            cookies.setdefault(json.loads(body)["name"], {})[key] = value.partition(";")[0]
    assert set(cookies[SERVERS[2]]) == {"outer"}
    assert set(cookies[SERVERS[0]]) == {"outer", "inner"}
    # a.1: the first 16 hex digits of SHA-256 of the child's name, or of the server's URL.
    assert cookies[SERVERS[2]]["outer"] == hashlib.sha256(b"default-two-80").hexdigest()[:16]
    assert cookies[SERVERS[0]]["outer"] == hashlib.sha256(b"default-inner").hexdigest()[:16]
    assert cookies[SERVERS[0]]["inner"] == hashlib.sha256(f"http://{SERVERS[0]}:{PORT}".encode()).hexdigest()[:16]
    for name, values in cookies.items():
        cookie = "; ".join(f"{key}={value}" for key, value in values.items())
        assert ask(gateway, "outer.test", 12, "-b", cookie) == {name: 12}
        assert "set-cookie" not in gateway.get("outer.test", "/", "-b", cookie)[1]


MIRRORS = [
    # what, percent, requests, copies, of the body, further settings
    ("d.2 half of them", 50, 20, 10, "hello", {}),
    ("d.2 all of them", 100, 5, 5, "hello", {}),
    ("d.2 none of them", 0, 5, 0, None, {}),
    ("d.2 mirrorBody false", 100, 3, 3, "", {"mirrorBody": False}),
    ("d.2 a body that is too large is not mirrored", 100, 3, 0, None, {"maxBodySize": 4}),
    ("d.2 one that just fits is", 100, 3, 3, "hello", {"maxBodySize": 5}),
]


@pytest.mark.parametrize("row", MIRRORS, ids=[row[0] for row in MIRRORS])
def test_mirrors_get_copies(gateway, backends, row):
    _, percent, n, copies, body, settings = row
    gateway.write("10.yaml", *service("main", SERVERS[0]), *service("copy", SERVERS[1]),
                  traefik_service("mirror", mirroring={
                      "name": "main", "port": 80, "mirrors": [{"name": "copy", "port": 80, "percent": percent}],
                      **settings}),
                  to("mirror"))
    gateway.start(workers=1)
    backends.set(SERVERS[1], status=500)
    assert ask(gateway, "mirror.test", n, "-d", "hello", path="/x") == {SERVERS[0]: n}
    seen = []
    end = time.monotonic() + (2 if copies else 0.5)
    while time.monotonic() < end and len(seen) < copies:
        seen += backends.told(SERVERS[1])
        time.sleep(0.05)
    time.sleep(0.1)
    seen += backends.told(SERVERS[1])
    assert len(seen) == copies, seen
    for copy in seen:
        assert copy["body"] == body and copy["method"] == "POST" and copy["path"].startswith("/x?n=")
        assert copy["headers"]["host"] == "mirror.test"
    assert [request["body"] for request in backends.told(SERVERS[0])] == ["hello"] * n


FAILOVERS = [
    # what, status of the first, body, settings of errors, (status, who answers)
    ("d.2 a good answer stands", 200, "", {"status": ["500-599"]}, (200, SERVERS[0])),
    ("d.2 a status in range", 503, "", {"status": ["500-599"]}, (200, SERVERS[1])),
    ("d.2 a single status", 404, "", {"status": ["500", "404"]}, (200, SERVERS[1])),
    ("d.2 a status out of range", 404, "", {"status": ["500-599"]}, (404, SERVERS[0])),
    ("d.2 the body is sent again", 500, "x" * 5000, {"status": ["500"]}, (200, SERVERS[1])),
    ("d.2 a body that is too long", 500, "x" * 5000, {"status": ["500"], "maxRequestBodyBytes": 4999},
     (413, "Request body too large")),
    ("d.2 one that just fits", 500, "x" * 5000, {"status": ["500"], "maxRequestBodyBytes": 5000}, (200, SERVERS[1])),
]


@pytest.mark.parametrize("row", FAILOVERS, ids=[row[0] for row in FAILOVERS])
def test_failover_by_status(gateway, backends, row):
    _, status, body, errors, want = row
    gateway.write("10.yaml", *service("main", SERVERS[0]), *service("spare", SERVERS[1]),
                  traefik_service("fail", failover={"service": {"name": "main", "port": 80},
                                                    "fallback": {"name": "spare", "port": 80}, "errors": errors}),
                  to("fail"))
    gateway.start()
    backends.set(SERVERS[0], status=status)
    arguments = ["--data-binary", body] if body else []
    got, _, text = gateway.get("fail.test", "/a?b", *arguments)
    assert got == want[0], text
    if got == 413:
        assert text.strip() == want[1]
        return
    told = json.loads(text)
    assert (told["name"], told["length"], told["path"]) == (want[1], len(body), "/a?b")


def test_failover_when_the_first_is_down(gateway, backends):
    """d.2: the fallback answers while no server of the first is up; both down: 503."""
    gateway.write("10.yaml", external("main", SERVERS[0]), external("spare", SERVERS[1]),
                  traefik_service("fail", failover={
                      "service": {"name": "main", "port": PORT, "healthCheck": {"interval": "100ms", "path": "/h"}},
                      "fallback": {"name": "spare", "port": PORT, "healthCheck": {"interval": "100ms"}},
                      "errors": {}}),
                  to("fail"))
    gateway.start("--providers.kubernetesCRD.allowExternalNameServices=true")
    assert ask(gateway, "fail.test", 4) == {SERVERS[0]: 4}
    backends.set(SERVERS[0], status=500)
    gateway.lab.wait_for(lambda: server_up(gateway, f"default-main-{PORT}@kubernetescrd", SERVERS[0]) == 0, "down")
    assert ask(gateway, "fail.test", 4) == {SERVERS[1]: 4}
    backends.set(SERVERS[1], status=500)
    gateway.lab.wait_for(lambda: gateway.get("fail.test")[0] == 503, "both to be down")
    assert gateway.get("fail.test")[2] == "no available server\n"
    backends.set(SERVERS[0], status=200)
    gateway.lab.wait_for(lambda: gateway.get("fail.test")[0] == 200, "the first to be back")
    assert ask(gateway, "fail.test", 4) == {SERVERS[0]: 4}


def fnv(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


def test_highest_random_weight_goes_by_the_client(gateway, backends):
    """d.1, d.2: rendezvous hashing over services, and over servers, by the TCP peer; XFF does not count."""
    gateway.write("10.yaml", *service("one", SERVERS[0]), *service("two", SERVERS[1]), *service("all", *SERVERS),
                  traefik_service("high", highestRandomWeight={
                      "services": [{"name": "one", "port": 80}, {"name": "two", "port": 80}]}),
                  to("high"),
                  route("hrw", "Host(`hrw.test`)", services=[{"name": "all", "port": 80, "strategy": "hrw"}]))
    gateway.start()
    for source in (CLIENT, FLOODER):
        best = max(("one", "two"), key=lambda child: fnv(f"{source}default-{child}-80"))
        want = {SERVERS[0] if best == "one" else SERVERS[1]: 6}
        assert ask(gateway, "high.test", 6, source=source) == want
        assert ask(gateway, "high.test", 6, "-H", "X-Forwarded-For: 1.2.3.4", source=source) == want
        best = max(SERVERS, key=lambda address: fnv(f"{source}http://{address}:{PORT}"))
        assert ask(gateway, "hrw.test", 6, source=source) == {best: 6}


BROKEN = [
    ("d.2 recursion", [traefik_service("t", weighted={"services": [{"name": "t", "kind": "TraefikService"}]})],
     "contains itself"),
    ("d.2 an unknown child", [traefik_service("t", mirroring={
        "name": "main", "port": 80, "mirrors": [{"name": "none", "port": 80}]})], "does not exist"),
    ("a.6 nothing", [traefik_service("t")], "nothing to do"),
    ("a.1 healthCheck needs an ExternalName", [traefik_service("t", weighted={
        "services": [{"name": "main", "port": 80, "healthCheck": {}}]})], "allowed only for ExternalName"),
    ("a.1 unknown strategy", [traefik_service("t", weighted={
        "services": [{"name": "main", "port": 80, "strategy": "random"}]})], "strategy"),
]


@pytest.mark.parametrize("row", BROKEN, ids=[row[0] for row in BROKEN])
def test_a_service_that_cannot_be_made_disables_its_routes_only(gateway, backends, row):
    _, objects, told = row
    gateway.write("10.yaml", *service("main", SERVERS[0]), *objects, to("t"),
                  route("good", "Host(`good.test`)", service="main"))
    gateway.start()
    assert gateway.get("t.test")[0] == 404
    assert gateway.get("good.test")[0] == 200
    assert told in gateway.log()


def test_the_first_kind_wins(gateway, backends):
    """a.6: weighted, then mirroring, then highestRandomWeight, then failover."""
    gateway.write("10.yaml", *service("one", SERVERS[0]), *service("two", SERVERS[1]),
                  traefik_service("t", mirroring={"name": "two", "port": 80},
                                  weighted={"services": [{"name": "one", "port": 80}]}), to("t"))
    gateway.start()
    assert ask(gateway, "t.test", 4) == {SERVERS[0]: 4}


# ------------------------------------------------------------------------------------- strategies --


def test_strategies_choose_as_they_say(gateway, backends):
    """d.1: p2c avoids the loaded, leasttime the slow; RoundRobin is wrr."""
    gateway.write("10.yaml", *service("all", *SERVERS),
                  *[route(name.lower(), f"Host(`{name.lower()}.test`)",
                          services=[{"name": "all", "port": 80, "strategy": name}])
                    for name in ("wrr", "RoundRobin", "p2c", "leasttime")])
    gateway.start()
    for name in ("wrr", "roundrobin"):
        assert ask(gateway, f"{name}.test", 20) == dict.fromkeys(SERVERS, 5)
    counts = ask(gateway, "p2c.test", 80)
    assert sum(counts.values()) == 80 and len(counts) == 4 and max(counts.values()) < 40, counts

    # All but one hold what they get: whoever is asked goes to the idle one whenever it is a choice.
    ask(gateway, "leasttime.test", 8)
    backends.set(SERVERS[1], delay=0.2)
    for _ in range(6):
        ask(gateway, "leasttime.test", 4)
    backends.reset()
    backends.set(SERVERS[1], delay=0.2)
    counts = ask(gateway, "leasttime.test", 60)
    assert counts[SERVERS[1]] <= 2, counts


# ----------------------------------------------------------------------------------------- health --

PROBES = [
    # what, healthCheck, what the server does, up
    ("d.3 200 to 399", {}, {"status": 399}, True),
    ("d.3 400 is a failure", {}, {"status": 400}, False),
    ("d.3 the status that is asked for", {"status": 418}, {"status": 418}, True),
    ("d.3 another one", {"status": 204}, {"status": 200}, False),
    ("d.3 a connection that closes", {}, {"close": 1}, False),
    ("d.3 too slow", {"timeout": "100ms"}, {"delay": 1}, False),
    ("d.3 a redirection is followed", {}, {"status": 302, "extra": "Location:%20/again"}, False),
    ("d.3 or not", {"followRedirects": False}, {"status": 302, "extra": "Location:%20/again"}, True),
]


@pytest.mark.parametrize("row", PROBES, ids=[row[0] for row in PROBES])
def test_probes_decide(gateway, backends, row):
    _, check, behaviour, is_up = row
    gateway.write("10.yaml", external("ext", SERVERS[0]),
                  route("r", "Host(`r.test`)",
                        services=[{"name": "ext", "port": PORT, "healthCheck": {"interval": "100ms", **check}}]))
    backends.set(SERVERS[0], **behaviour)
    gateway.start("--providers.kubernetesCRD.allowExternalNameServices=true")
    if is_up:
        gateway.lab.wait_for(lambda: backends.told(SERVERS[0]), "a probe")
        time.sleep(0.3)
        assert server_status(gateway, "default-r-") == "UP"
    else:
        gateway.lab.wait_for(lambda: server_status(gateway, "default-r-") == "DOWN", "it to be down")


def test_a_probed_server_goes_down_and_comes_back(gateway, backends):
    """d.3: up at first, no probe at t=0, down on failure, 503; back on success; kept over updates; metric and API."""
    check = {"interval": "150ms", "unhealthyInterval": "100ms", "path": "/ready?x=1", "hostname": "probe.test",
             "method": "HEAD", "headers": {"X-Probe": "yes"}}
    objects = [external("ext", SERVERS[0]),
               route("r", "Host(`r.test`)", services=[{"name": "ext", "port": PORT, "healthCheck": check}])]
    gateway.write("10.yaml", *objects)
    backends.set(SERVERS[0], status=500)
    gateway.start("--providers.kubernetesCRD.allowExternalNameServices=true")
    gateway.lab.wait_for(lambda: gateway.get("r.test")[0] == 503, "503")
    assert gateway.get("r.test")[2] == "no available server\n"
    probe = [request for request in backends.told(SERVERS[0]) if request["method"] == "HEAD"][0]
    assert probe["path"] == "/ready?x=1"
    assert probe["headers"]["host"] == "probe.test" and probe["headers"]["x-probe"] == "yes"

    def status():
        return server_status(gateway, "default-r-")

    name = [key for key in gateway.metrics() if key.startswith("tidegate_service_server_up")][0]
    assert gateway.metrics()[name] == 0 and status() == "DOWN"
    # A change of something else does not bring it back (Traefik starts from up again).
    for n in range(5):
        gateway.update("20.yaml", route("x", f"Host(`x{n}.test`)"))
        assert gateway.get("r.test")[0] == 503 and gateway.metrics()[name] == 0
    backends.set(SERVERS[0], status=204)
    gateway.lab.wait_for(lambda: status() == "UP", "it to be up")
    assert gateway.get("r.test")[0] == 204 and gateway.metrics()[name] == 1
    assert "server is unhealthy" in gateway.log() and "server is healthy again" in gateway.log()


GRPC = r"""
import grpc, sys, concurrent.futures
answers = {"SERVING": b"\x08\x01", "NOT_SERVING": b"\x08\x02", "UNKNOWN": b""}
def check(request, context):
    said = open(sys.argv[2]).read().strip()
    if said == "UNIMPLEMENTED": context.abort(grpc.StatusCode.UNIMPLEMENTED, "no")
    return answers[said]
class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method == "/grpc.health.v1.Health/Check":
            return grpc.unary_unary_rpc_method_handler(check)
server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((Handler(),))
server.add_insecure_port(f"0.0.0.0:{sys.argv[1]}")
server.start()
server.wait_for_termination()
"""


def test_grpc_servers_are_probed_in_their_own_protocol(gateway, backends, tmp_path):
    """d.3: grpc.health.v1, plaintext unless scheme is https, SERVING required."""
    said = tmp_path / "said"
    said.write_text("SERVING")
    gateway.write("10.yaml", external("ext", SERVERS[0]),
                  route("r", "Host(`r.test`)", services=[{
                      "name": "ext", "port": PORT,
                      "healthCheck": {"mode": "grpc", "port": 9300, "interval": "100ms"}}]))
    server = gateway.lab.start("a", "/usr/bin/python3", "-c", GRPC, "9300", str(said))
    try:
        gateway.lab.wait_for(lambda: gateway.lab.run("a", "curl", "-s", "--http2-prior-knowledge",
                                                     "http://127.0.0.1:9300/", check=False).returncode == 0, "gRPC")
        gateway.start("--providers.kubernetesCRD.allowExternalNameServices=true")
        time.sleep(0.5)
        assert server_status(gateway, "default-r-") == "UP", gateway.log()
        for answer in ("NOT_SERVING", "UNIMPLEMENTED", "UNKNOWN"):
            said.write_text(answer)
            gateway.lab.wait_for(lambda: server_status(gateway, "default-r-") == "DOWN", answer)
            said.write_text("SERVING")
            gateway.lab.wait_for(lambda: server_status(gateway, "default-r-") == "UP", "SERVING")
    finally:
        gateway.lab.stop(server)
    gateway.lab.wait_for(lambda: server_status(gateway, "default-r-") == "DOWN", "a refused connection")


def test_failures_of_requests_make_a_server_rest(gateway, backends):
    """d.4: maxFailedAttempts within failureWindow; success clears; time brings it back."""
    gateway.write("10.yaml", *service("two", SERVERS[0], SERVERS[1]),
                  route("r", "Host(`r.test`)", services=[{
                      "name": "two", "port": 80,
                      "passiveHealthCheck": {"failureWindow": "2s", "maxFailedAttempts": 2}}]))
    gateway.start()
    backends.set(SERVERS[0], status=503)
    ask(gateway, "r.test", 4)
    backends.told(SERVERS[0])
    assert ask(gateway, "r.test", 10) == {SERVERS[1]: 10}
    assert backends.told(SERVERS[0]) == []
    name = f"http://{SERVERS[0]}:{PORT}"
    assert [value for key, value in gateway.metrics().items()
            if key.startswith("tidegate_service_server_up") and name in key] == [0]
    gateway.update("20.yaml", route("x", "Host(`x.test`)"))
    assert ask(gateway, "r.test", 4) == {SERVERS[1]: 4}
    backends.set(SERVERS[0], status=200)
    time.sleep(2.1)
    assert ask(gateway, "r.test", 10) == {SERVERS[0]: 5, SERVERS[1]: 5}
    assert [value for key, value in gateway.metrics().items()
            if key.startswith("tidegate_service_server_up") and name in key] == [1]
    backends.set(SERVERS[0], close=1)
    backends.set(SERVERS[1], close=1)
    statuses = [gateway.get("r.test")[0] for _ in range(8)]
    assert statuses[0] == 502 and statuses[-1] == 503, statuses


def test_a_refused_connection_is_known_to_all_workers(gateway, backends):
    """The first worker that is refused saves all others the try; nobody's request suffers."""
    objects = service("two", SERVERS[0], SERVERS[1])
    objects[2:] = [dict(objects[1], metadata=dict(objects[1]["metadata"], name="two-2"),
                        ports=[{"name": "http", "port": PORT + 99}], endpoints=[objects[1]["endpoints"].pop()])]
    gateway.write("10.yaml", *objects, route("r", "Host(`r.test`)", service="two"))
    gateway.start(workers=4)
    for _ in range(30):
        assert name_of(gateway.get("r.test")) == SERVERS[0]
    failed = [value for key, value in gateway.metrics().items() if "upstream_dial_failed" in key
              or "dials_failed" in key]
    assert not failed or sum(failed) <= 3, failed


# ------------------------------------------------------------------------------------- stickiness --


def cookie_of(headers):
    return headers.get("set-cookie", [""])[0]


ATTRIBUTES = [
    ("a.1 defaults", {"name": "c"}, "; Path=/"),
    ("a.1 all", {"name": "c", "secure": True, "httpOnly": True, "sameSite": "lax", "maxAge": 60, "path": "/p",
                 "domain": "d.test"}, "; Path=/p; Domain=d.test; Max-Age=60; HttpOnly; Secure; SameSite=Lax"),
    ("a.1 a negative age", {"name": "c", "maxAge": -1, "sameSite": "None"}, "; Path=/; Max-Age=0; SameSite=None"),
    ("a.1 a name is cleaned", {"name": "a b(c)"}, None),
]


@pytest.mark.parametrize("row", ATTRIBUTES, ids=[row[0] for row in ATTRIBUTES])
def test_cookies_have_their_attributes(gateway, backends, row):
    _, conf, want = row
    gateway.write("10.yaml", *service("one", SERVERS[0]),
                  route("r", "Host(`r.test`)", services=[{"name": "one", "port": 80, "sticky": {"cookie": conf}}]))
    gateway.start()
    value = hashlib.sha256(f"http://{SERVERS[0]}:{PORT}".encode()).hexdigest()[:16]
    cookie = cookie_of(gateway.get("r.test")[1])
    assert cookie == (f"c={value}{want}" if want else f"a_b_c_={value}; Path=/")


def test_cookies_bind_clients_to_servers(gateway, backends):
    """a.1: derived name, older spellings accepted and replaced, fenced servers keep theirs, gone ones do not."""
    url = f"http://{SERVERS[1]}:{PORT}"
    value = hashlib.sha256(url.encode()).hexdigest()[:16]
    objects = service("three", *SERVERS[:3])
    rule = route("r", "Host(`r.test`)", services=[{"name": "three", "port": 80, "sticky": {"cookie": {}}}])
    gateway.write("10.yaml", *objects, rule)
    gateway.start()
    name = cookie_of(gateway.get("r.test")[1]).partition("=")[0]
    qualified = "default-r-" + hashlib.sha256(b"Host(`r.test`)").hexdigest()[:20] + "@kubernetescrd"
    assert name == "_" + hashlib.sha1(b"_TRAEFIK_BACKEND_" + qualified.encode()).hexdigest()[:5]
    assert ask(gateway, "r.test", 9, "-b", f"{name}={value}") == {SERVERS[1]: 9}
    hashed = f"{fnv(url):x}"
    for old in (url, hashed, f"{fnv(hashed):x}"):
        answer = gateway.get("r.test", "/", "-b", f"{name}={old}")
        assert name_of(answer) == SERVERS[1] and cookie_of(answer[1]).startswith(f"{name}={value};")
    # Fenced: no new clients, the old ones stay; without a new cookie.
    objects[1]["endpoints"][1]["conditions"] = {"serving": True, "terminating": True, "ready": False}
    gateway.update("10.yaml", *objects, rule)
    assert set(ask(gateway, "r.test", 10)) == {SERVERS[0], SERVERS[2]}
    answer = gateway.get("r.test", "/", "-b", f"{name}={value}")
    assert name_of(answer) == SERVERS[1] and not cookie_of(answer[1])
    # All fenced: 503, but for the sticky ones.
    for endpoint in objects[1]["endpoints"]:
        endpoint["conditions"] = {"serving": True, "terminating": True}
    gateway.update("10.yaml", *objects, rule)
    assert gateway.get("r.test")[0] == 503
    assert name_of(gateway.get("r.test", "/", "-b", f"{name}={value}")) == SERVERS[1]
    # Gone: another choice and a new cookie.
    del objects[1]["endpoints"][1]
    objects[1]["endpoints"][0]["conditions"] = {}
    gateway.update("10.yaml", *objects, rule)
    answer = gateway.get("r.test", "/", "-b", f"{name}={value}")
    assert name_of(answer) == SERVERS[0] and cookie_of(answer[1]).startswith(f"{name}=")


def test_a_sticky_server_that_is_down_is_left(gateway, backends):
    """a.1: normal choice and a new cookie."""
    gateway.write("10.yaml", *service("two", SERVERS[0], SERVERS[1]),
                  route("r", "Host(`r.test`)", services=[{
                      "name": "two", "port": 80, "sticky": {"cookie": {"name": "c"}},
                      "passiveHealthCheck": {"failureWindow": "30s"}}]))
    gateway.start()
    value = hashlib.sha256(f"http://{SERVERS[1]}:{PORT}".encode()).hexdigest()[:16]
    backends.set(SERVERS[1], status=500)
    assert gateway.get("r.test", "/", "-b", f"c={value}")[0] == 500
    answer = gateway.get("r.test", "/", "-b", f"c={value}")
    assert name_of(answer) == SERVERS[0] and cookie_of(answer[1]).startswith("c=")


# ----------------------------------------------------------------------------------- all the rest --


def test_middlewares_of_services_run_after_those_of_the_route(gateway, backends):
    """a.1: of a route's only Service, of one among several, and of a child of a TraefikService."""
    gateway.write("10.yaml", *service("one", SERVERS[0]), *service("two", SERVERS[1]),
                  middleware("outer", "headers", {"customRequestHeaders": {"X-Way": "route"}}),
                  middleware("inner", "headers", {"customRequestHeaders": {"X-Way": "service"},
                                                  "customResponseHeaders": {"X-From": "service"}}),
                  middleware("strip", "stripPrefix", {"prefixes": ["/api"]}),
                  route("alone", "Host(`alone.test`)", middlewares=["outer"],
                        services=[{"name": "one", "port": 80, "middlewares": [{"name": "inner"}]}]),
                  route("several", "Host(`several.test`)", middlewares=["outer"],
                        services=[{"name": "one", "port": 80, "middlewares": [{"name": "inner"}, {"name": "strip"}]},
                                  {"name": "two", "port": 80}]),
                  traefik_service("t", weighted={"services": [
                      {"name": "one", "port": 80, "middlewares": [{"name": "strip"}, {"name": "inner"}]}]}),
                  to("t", middlewares=["outer"]))
    gateway.start()
    _, headers, body = gateway.get("alone.test", "/api/x")
    assert json.loads(body)["headers"]["x-way"] == "service" and headers["x-from"] == ["service"]
    got = {}
    for _ in range(2):
        _, headers, body = gateway.get("several.test", "/api/x")
        told = json.loads(body)
        got[told["name"]] = (told["path"], told["headers"]["x-way"], headers.get("x-from"))
    assert got == {SERVERS[0]: ("/x", "service", ["service"]), SERVERS[1]: ("/api/x", "route", None)}
    _, headers, body = gateway.get("t.test", "/api/x")
    told = json.loads(body)
    assert (told["path"], told["headers"]["x-way"], headers["x-from"]) == ("/x", "service", ["service"])


ADDRESSES = [
    # what, Service, options, reference, who answers
    ("a.0 ExternalName", {"type": "ExternalName", "externalName": SERVERS[2]}, ["allowExternalNameServices"],
     {"port": PORT}, SERVERS[2]),
    ("a.0 ExternalName is off by default", {"type": "ExternalName", "externalName": SERVERS[2]}, [],
     {"port": PORT}, 404),
    ("a.0 nativeLB", {"clusterIP": SERVERS[3], "ports": [{"port": PORT}]}, [], {"port": PORT, "nativeLB": True},
     SERVERS[3]),
    ("a.0 nativeLBByDefault", {"clusterIP": SERVERS[3], "ports": [{"port": PORT}]}, ["nativeLBByDefault"],
     {"port": PORT}, SERVERS[3]),
    ("a.0 no endpoints", {"ports": [{"port": 80}]}, [], {"port": 80}, 404),
    ("a.0 allowEmptyServices", {"ports": [{"port": 80}]}, ["allowEmptyServices"], {"port": 80}, 503),
    ("a.0 nodePortLB needs nodes", {"type": "NodePort", "ports": [{"port": 80}]}, [], {"port": 80, "nodePortLB": True},
     404),
]


@pytest.mark.parametrize("row", ADDRESSES, ids=[row[0] for row in ADDRESSES])
def test_where_servers_come_from(gateway, backends, row):
    _, spec, options, reference, want = row
    gateway.write("10.yaml", {"apiVersion": "v1", "kind": "Service",
                              "metadata": {"name": "s", "namespace": "default"}, "spec": spec},
                  route("r", "Host(`r.test`)", services=[{"name": "s", **reference}]))
    gateway.start(*[f"--providers.kubernetesCRD.{option}=true" for option in options])
    answer = gateway.get("r.test")
    assert (answer[0] if isinstance(want, int) else name_of(answer)) == want
    if want == 503:
        assert answer[2] == "no available server\n"


def test_state_stays_over_hundreds_of_updates(gateway, backends):
    """k.20, the other way round: turns, stickiness, health and rests know nothing of updates of other objects."""
    gateway.write("10.yaml", *service("three", *SERVERS[:3]), *service("one", SERVERS[3]),
                  route("turns", "Host(`turns.test`)", service="three"),
                  route("rest", "Host(`rest.test`)", services=[{
                      "name": "one", "port": 80, "passiveHealthCheck": {"failureWindow": "60s"}}]))
    gateway.start(workers=1)
    backends.set(SERVERS[3], status=500)
    assert gateway.get("rest.test")[0] == 500
    names = []
    first = gateway.status()["revision"]
    for n in range(200):
        gateway.write("20.yaml", route("other", f"Host(`other{n}.test`)"))
        names.append(name_of(gateway.get("turns.test")))
        if n % 20 == 0:
            assert gateway.get("rest.test")[0] == 503
    assert gateway.status()["revision"] >= first + 50
    # Whoever answered, the next did the time after: not one turn was lost or taken twice.
    for before, after in zip(names, names[1:]):
        assert SERVERS.index(after) == (SERVERS.index(before) + 1) % 3
    assert gateway.get("rest.test")[0] == 503
