# SPDX-License-Identifier: Apache-2.0
"""Routing over the wire: rules, priorities, services, balancing (reference b, d)."""

import collections

from conftest import BACKENDS, backend_service, route

def test_the_longer_rule_wins_and_priority_overrides(gateway):
    gateway.write("10.yaml", route("short", "Host(`x.test`)", service="a"),
                  route("long", "Host(`x.test`) && PathPrefix(`/`)", service="b"))
    gateway.start()
    assert "backend=b" in gateway.get("x.test")[2]
    gateway.update("10.yaml", route("short", "Host(`x.test`)", service="a", priority=1000),
                   route("long", "Host(`x.test`) && PathPrefix(`/`)", service="b"))
    assert "backend=a" in gateway.get("x.test")[2]


def test_no_route_is_404_with_the_known_body(gateway):
    gateway.start()
    status, headers, body = gateway.get("nothing.test")
    assert (status, body) == (404, "404 page not found\n")
    assert headers["content-type"] == ["text/plain; charset=utf-8"]


def test_endpoints_take_turns_and_weights_are_kept(gateway):
    weighted = {"apiVersion": "traefik.io/v1alpha1", "kind": "TraefikService",
                "metadata": {"name": "split", "namespace": "default"},
                "spec": {"weighted": {"services": [{"name": "a", "port": 80, "weight": 3},
                                                   {"name": "b", "port": 80, "weight": 1}]}}}
    gateway.write("10.yaml", route("even", "Host(`even.test`)"), weighted,
                  route("split", "Host(`split.test`)",
                        services=[{"name": "split", "kind": "TraefikService"}]))
    gateway.start()
    even = collections.Counter(gateway.get("even.test")[2].split()[0] for _ in range(20))
    assert even == {"backend=a": 10, "backend=b": 10}
    split = collections.Counter(gateway.get("split.test")[2].split()[0] for _ in range(20))
    assert split == {"backend=a": 15, "backend=b": 5}


def test_a_sticky_client_stays_with_its_server(gateway):
    service = {"name": "backends", "port": 80, "sticky": {"cookie": {"name": "lb", "httpOnly": True}}}
    gateway.write("10.yaml", route("sticky", "Host(`s.test`)", services=[service]))
    gateway.start()
    _, headers, body = gateway.get("s.test")
    cookie = headers["set-cookie"][0]
    assert cookie.startswith("lb=") and "HttpOnly" in cookie and "Path=/" in cookie
    value = cookie.split(";")[0]
    for _ in range(6):
        _, again, same = gateway.get("s.test", "/", "-H", f"Cookie: {value}")
        assert same.split()[0] == body.split()[0] and "set-cookie" not in again


def test_a_service_without_endpoints_disables_or_answers_503(gateway):
    gateway.write("10.yaml", route("empty", "Host(`e.test`)", service="nobody"), *backend_service("nobody", []))
    gateway.start("--providers.kubernetesCRD.allowEmptyServices=true")
    status, _, body = gateway.get("e.test")
    assert (status, body) == (503, "no available server\n")


def test_a_dead_endpoint_is_set_aside_without_an_error(gateway):
    gateway.write("10.yaml", route("web", "Host(`x.test`)", service="mixed"),
                  *backend_service("mixed", [BACKENDS["a"], "10.77.2.13"]))
    gateway.lab.ip("gw", "route", "replace", "unreachable", "10.77.2.13/32")
    gateway.start()
    assert [gateway.get("x.test")[0] for _ in range(8)] == [200] * 8


def test_pass_host_header(gateway):
    gateway.write("10.yaml", route("yes", "Host(`yes.test`)", service="a"),
                  route("no", "Host(`no.test`)", services=[{"name": "a", "port": 80, "passHostHeader": False}]))
    gateway.start()
    assert "host=yes.test " in gateway.get("yes.test")[2]
    assert f"host={BACKENDS['a']}:8080 " in gateway.get("no.test")[2]


def test_ipv6_clients_are_served(gateway):
    gateway.write("10.yaml", route("web", "Host(`x.test`)"))
    gateway.start()
    status, _, body = gateway.get("x.test", address="[fd77:1::1]")
    assert status == 200 and "xff=fd77:1::2" in body
