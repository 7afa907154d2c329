# SPDX-License-Identifier: Apache-2.0
"""Services over the wire: kinds, strategies, stickiness (reference a.0, a.1, a.6, d.1, d.2)."""

import hashlib
import json
import time

import pytest
from conftest import CLIENT, FLOODER, middleware, route
from many_servers import (PORT, SERVERS, all_backends, ask, backends, name_of, service, to,  # noqa: F401
                          traefik_service)

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


def test_composite_services_stand_inside_each_other(gateway, backends):
    """d.2: failover over a mirroring service over a weighted one, each with middlewares of its own below."""
    gateway.write("10.yaml", *service("one", SERVERS[0]), *service("two", SERVERS[1]), *service("copy", SERVERS[2]),
                  *service("spare", SERVERS[3]),
                  middleware("tag", "headers", {"customRequestHeaders": {"X-Tag": "inner"}}),
                  middleware("copied", "addPrefix", {"prefix": "/copied"}),
                  traefik_service("share", weighted={
                      "services": [{"name": "one", "port": 80, "middlewares": [{"name": "tag"}]},
                                   {"name": "two", "port": 80}],
                      "sticky": {"cookie": {"name": "share"}}}),
                  traefik_service("mirror", mirroring={
                      "name": "share", "kind": "TraefikService", "mirrors": [
                          {"name": "copy", "port": 80, "percent": 100, "middlewares": [{"name": "copied"}]}]}),
                  traefik_service("fail", failover={
                      "service": {"name": "mirror", "kind": "TraefikService"},
                      "fallback": {"name": "spare", "port": 80, "sticky": {"cookie": {"name": "spare"}}},
                      "errors": {"status": ["500-599"]}}),
                  to("fail"))
    gateway.start(workers=1)
    names, tags = set(), set()
    for _ in range(4):
        answer = gateway.get("fail.test", "/x", "-d", "hello")
        names.add(name_of(answer))
        tags.add((name_of(answer), json.loads(answer[2])["headers"].get("x-tag")))
        assert [line.partition("=")[0] for line in answer[1]["set-cookie"]] == ["share"]
    assert names == {SERVERS[0], SERVERS[1]} and tags == {(SERVERS[0], "inner"), (SERVERS[1], None)}
    gateway.lab.wait_for(lambda: [seen for seen in backends.told(SERVERS[2]) if seen["path"] == "/copied/x"], "copies")
    backends.set(SERVERS[0], status=503)
    backends.set(SERVERS[1], status=500)
    answer = gateway.get("fail.test", "/x", "-d", "hello")
    # The cookie of the answer that was thrown away is not written.
    assert name_of(answer) == SERVERS[3] and json.loads(answer[2])["length"] == 5
    assert [line.partition("=")[0] for line in answer[1]["set-cookie"]] == ["spare"]


def test_who_has_no_weight_gets_nothing(gateway, backends):
    """d.1, d.2: weight 0 is out, for all: 503."""
    gateway.write("10.yaml", *service("one", SERVERS[0]), *service("two", SERVERS[1]),
                  traefik_service("none", weighted={"services": [{"name": "one", "port": 80, "weight": 0}]}),
                  traefik_service("high", highestRandomWeight={
                      "services": [{"name": "one", "port": 80, "weight": 0}, {"name": "two", "port": 80}]}),
                  to("none"), to("high"))
    gateway.start()
    assert gateway.get("none.test")[::2] == (503, "no available server\n")
    assert ask(gateway, "high.test", 5) == {SERVERS[1]: 5}


def fnv(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return value


def fnv1(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value * 0x100000001B3) % 2**64) ^ byte
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

    # A slow one has more in flight, so it loses every comparison but the first ones.
    backends.set(SERVERS[2], delay=0.5)
    for address in SERVERS:
        backends.told(address)
    ask(gateway, "p2c.test", 120, "--parallel", "--parallel-max", "8")
    counts = {address: len(backends.told(address)) for address in SERVERS}
    assert sum(counts.values()) == 120 and counts[SERVERS[2]] <= 20, counts
    backends.reset()

    ask(gateway, "leasttime.test", 8)
    backends.set(SERVERS[1], delay=0.2)
    for _ in range(6):
        ask(gateway, "leasttime.test", 4)
    backends.reset()
    backends.set(SERVERS[1], delay=0.2)
    counts = ask(gateway, "leasttime.test", 60)
    assert counts[SERVERS[1]] <= 2, counts


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
    hashed, hashed_a = f"{fnv1(url):x}", f"{fnv(url):x}"
    for old in (url, hashed, f"{fnv1(hashed):x}", hashed_a, f"{fnv(hashed_a):x}"):
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
    ("a.0 nodePortLB", {"type": "NodePort", "ports": [{"port": 80, "nodePort": PORT}]}, [],
     {"port": 80, "nodePortLB": True}, SERVERS[1]),
    ("a.0 nodePortLB needs nodes", {"type": "NodePort", "ports": [{"port": 80, "nodePort": PORT}]},
     ["disableClusterScopeResources"], {"port": 80, "nodePortLB": True}, 404),
]


@pytest.mark.parametrize("row", ADDRESSES, ids=[row[0] for row in ADDRESSES])
def test_where_servers_come_from(gateway, backends, row):
    _, spec, options, reference, want = row
    gateway.write("10.yaml", {"apiVersion": "v1", "kind": "Service",
                              "metadata": {"name": "s", "namespace": "default"}, "spec": spec},
                  {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}, "status": {"addresses": [
                      {"type": "Hostname", "address": "host"}, {"type": "InternalIP", "address": SERVERS[1]}]}},
                  route("r", "Host(`r.test`)", services=[{"name": "s", **reference}]))
    gateway.start(*[f"--providers.kubernetesCRD.{option}=true" for option in options])
    answer = gateway.get("r.test")
    assert (answer[0] if isinstance(want, int) else name_of(answer)) == want
    if want == 503:
        assert answer[2] == "no available server\n"
