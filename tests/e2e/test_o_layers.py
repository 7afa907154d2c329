# SPDX-License-Identifier: Apache-2.0
"""Routes below routes (reference a.1, parentRefs) and rules in the old syntax (reference b.2, v2), over the wire."""

from conftest import middleware, route


def child(name, match, parents, service="backends", middlewares=()):
    item = route(name, match, service=service, middlewares=middlewares)
    del item["spec"]["entryPoints"]
    item["spec"]["parentRefs"] = [{"name": parent} for parent in parents]
    if not service:
        item["spec"]["routes"][0]["services"] = []
    return item


def parent(name, match, middlewares=()):
    item = route(name, match, middlewares=middlewares)
    item["spec"]["routes"][0]["services"] = []
    return item


def test_a_childs_rule_sees_what_the_parents_middlewares_made(gateway):
    gateway.write(
        "10.yaml", middleware("strip", "stripPrefix", {"prefixes": ["/api"]}),
        middleware("mark", "headers", {"customRequestHeaders": {"X-Tier": "gold"}}),
        parent("top", "Host(`x.test`)", middlewares=("strip", "mark")),
        child("users", "PathPrefix(`/users`) && Header(`X-Tier`, `gold`)", ["top"]),
        child("none", "PathPrefix(`/api`)", ["top"]))
    gateway.start()
    status, _, body = gateway.get("x.test", "/api/users/1")
    assert status == 200 and "uri=/users/1 " in body
    assert gateway.get("x.test", "/api/orders")[0] == 404
    assert gateway.get("y.test", "/api/users/1")[0] == 404


def test_answers_pass_the_middlewares_of_all_layers(gateway):
    def adds(name, value):
        return middleware(name, "headers", {"customResponseHeaders": {f"X-{value}": "yes"}})
    gateway.write(
        "10.yaml", adds("m1", "One"), adds("m2", "Two"), adds("m3", "Three"),
        parent("top", "Host(`x.test`)", middlewares=("m1",)),
        {**child("middle", "PathPrefix(`/a`)", ["top"], service=None, middlewares=("m2",))},
        child("leaf", "Path(`/a/b`)", ["middle"], middlewares=("m3",)))
    gateway.start()
    status, headers, _ = gateway.get("x.test", "/a/b")
    assert status == 200
    assert [headers.get(f"x-{n}") for n in ("one", "two", "three")] == [["yes"]] * 3
    status, headers, _ = gateway.get("x.test", "/a/c")
    assert status == 404 and headers["x-two"] == ["yes"] and "x-three" not in headers


def test_a_child_that_comes_later_is_served_at_once(gateway):
    gateway.write("10.yaml", parent("top", "Host(`x.test`)"), child("a", "Path(`/a`)", ["top"]))
    gateway.start()
    assert gateway.get("x.test", "/a")[0] == 200 and gateway.get("x.test", "/b")[0] == 404
    gateway.update("20.yaml", child("b", "Path(`/b`)", ["top"]))
    assert gateway.get("x.test", "/b")[0] == 200


def v2(name, match):
    item = route(name, match)
    item["spec"]["routes"][0]["syntax"] = "v2"
    return item


def test_rules_in_v2_syntax(gateway):
    gateway.write("10.yaml", v2("hosts", "Host(`a.test`, `b.test`) && Method(`GET`, `HEAD`)"),
                  v2("templates", "HostRegexp(`{sub:[a-z]+}.c.test`) && PathPrefix(`/x/{id:[0-9]+}`)"),
                  v2("headers", "Headers(`X-A`, `1`) && Query(`q={any:.+}`)"))
    gateway.start()
    assert gateway.get("a.test")[0] == gateway.get("b.test")[0] == 200
    assert gateway.get("b.test", "/", "-X", "DELETE")[0] == 404
    assert gateway.get("s.c.test", "/x/12/y")[0] == 200
    assert gateway.get("s.c.test", "/x/y")[0] == gateway.get("s.t.c.test", "/x/12")[0] == 404
    assert gateway.get("z.test", "/?q=1", "-H", "X-A: 1")[0] == 200
    assert gateway.get("z.test", "/?q=", "-H", "X-A: 1")[0] == 404


def test_v2_as_the_default_syntax(gateway):
    gateway.write("10.yaml", route("hosts", "Host(`a.test`, `b.test`)"))
    gateway.start("--core.defaultRuleSyntax=v2")
    assert gateway.get("b.test")[0] == 200
