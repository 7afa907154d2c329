# SPDX-License-Identifier: Apache-2.0
"""Every matcher over the wire (reference b.2), each row published live to one running proxy."""

import re

import pytest
from conftest import BACKENDS, Gateway, backend_service, route

changes = 0


@pytest.mark.parametrize("match, request_, expected", [
    # b.2: one row per matcher, the host "x.test" is tried with the given path and arguments
    ("Host(`x.test`)", ("x.test", "/"), 200),
    ("Host(`x.test`)", ("X.TEST", "/"), 200),
    ("Host(`x.test`)", ("x.test.", "/"), 200),
    ("Host(`x.test`)", ("x.test:8080", "/"), 200),
    ("Host(`x.test`)", ("y.test", "/"), 404),
    ("Host(`*.x.test`)", ("a.x.test", "/"), 200),
    ("Host(`*.x.test`)", ("a.b.x.test", "/"), 404),
    ("Host(`*.x.test`)", ("x.test", "/"), 404),
    ("HostRegexp(`^[a-z]+[.]test$`)", ("abc.test", "/"), 200),
    ("HostRegexp(`^[a-z]+[.]test$`)", ("abc1.test", "/"), 404),
    ("Path(`/foo bar`)", ("x.test", "/foo%20bar"), 200),
    ("Path(`/foo%2Fbar`)", ("x.test", "/foo%2fbar"), 200),
    ("Path(`/foo/bar`)", ("x.test", "/foo%2Fbar"), 404),
    ("PathPrefix(`/foo`)", ("x.test", "/foobar"), 200),
    ("PathPrefix(`/foo`)", ("x.test", "/bar/../foo"), 200),
    ("PathPrefix(`/foo`)", ("x.test", "/fo"), 404),
    ("PathRegexp(`^/(a|b)/[0-9]+$`)", ("x.test", "/b/42"), 200),
    ("Method(`post`)", ("x.test", "/", "-X", "POST"), 200),
    ("Method(`POST`)", ("x.test", "/"), 404),
    ("Header(`X-Kind`, `gold`)", ("x.test", "/", "-H", "x-kind: gold"), 200),
    ("Header(`X-Kind`, `gold`)", ("x.test", "/", "-H", "x-kind: gold, silver"), 404),
    ("HeaderRegexp(`X-Kind`, `^g`)", ("x.test", "/", "-H", "x-kind: gold"), 200),
    ("Query(`k`)", ("x.test", "/?k"), 200),
    ("Query(`k`)", ("x.test", "/?k=v"), 404),
    ("Query(`k`, `a b`)", ("x.test", "/?k=a+b"), 200),
    ("QueryRegexp(`k`, `^[0-9]+$`)", ("x.test", "/?k=12"), 200),
    ("ClientIP(`10.77.1.0/24`)", ("x.test", "/"), 200),
    ("ClientIP(`192.0.2.0/24`)", ("x.test", "/"), 404),
    ("Host(`x.test`) && !PathPrefix(`/admin`)", ("x.test", "/admin"), 404),
    ("Host(`x.test`) && !PathPrefix(`/admin`)", ("x.test", "/user"), 200),
    ("!(Host(`x.test`) && Path(`/a`))", ("x.test", "/b"), 200),
    ("host(`x.test`) || HOST(`y.test`)", ("y.test", "/"), 200),
])
def test_matchers_over_the_wire(rules_gateway, match, request_, expected):
    host, path, *more = request_
    global changes
    changes += 1  # a name of its own makes every row a change
    rules_gateway.update("10.yaml", route(f"row{changes}", match))
    assert rules_gateway.get(host, path, *more)[0] == expected


def test_a_request_without_a_host(rules_gateway):
    """b.2: only Host(`*`) and what matches "" take it; d.5: the server gets its own name, as many refuse an empty Host."""
    rules_gateway.update("10.yaml", route("nohost", "Host(`*`) && Path(`/n`)"), route("named", "HostRegexp(`^.+$`)"))
    for request_ in (b"GET /n HTTP/1.0\r\n\r\n", b"GET /n HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n"):
        answer = rules_gateway.raw(request_)
        assert b" 200 OK\r\n" in answer and re.search(rb"host=10[.]77[.]2[.]1[12]:8080 ", answer), answer
    assert rules_gateway.raw(b"GET / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 404 ")


@pytest.fixture(scope="module")
def rules_gateway(lab, tmp_path_factory):
    made = Gateway(lab, str(tmp_path_factory.mktemp("routes")))
    made.write("90-backends.yaml", *backend_service("backends", BACKENDS.values()))
    made.write("10.yaml", route("web", "Host(`first.test`)"))
    made.start()
    yield made
    made.stop()
