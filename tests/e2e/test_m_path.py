# SPDX-License-Identifier: Apache-2.0
"""Middlewares of paths, redirections and Content-Type over the wire (reference c.1, c.2, c.4, c.14)."""

import json

import pytest
from conftest import BACKENDS, backend_service, middleware, route
from teller import Teller, headers_of

PORT = 9200

# section, type, settings, path asked for, what the service gets (or the status), header it gets
ROWS = [
    ("c.1", "addPrefix", {"prefix": "/api"}, "/users?a=b", "/api/users?a=b", None),
    ("c.1", "addPrefix", {"prefix": "/api"}, "/a%2Fb", "/api/a%2Fb", None),
    ("c.1", "addPrefix", {"prefix": "/a b"}, "/c", "/a%20b/c", None),
    ("c.1", "stripPrefix", {"prefixes": [" /api "]}, "/apiary/x", "/ary/x", ("x-forwarded-prefix", "/api")),
    ("c.1", "stripPrefix", {"prefixes": ["/api"]}, "/api?q=1", "/?q=1", ("x-forwarded-prefix", "/api")),
    ("c.1, k.14", "stripPrefix", {"prefixes": ["/a"]}, "/a../b", 400, None),
    ("c.1", "stripPrefixRegex", {"regex": ["/[a-z]+/[0-9]+"]}, "/v/12/x?y", "/x?y", ("x-forwarded-prefix", "/v/12")),
    ("c.1", "stripPrefixRegex", {"regex": ["/x"]}, "/a/x", "/a/x", None),
    ("c.1", "stripPrefixRegex", {"regex": ["^/a/b"]}, "/a%2Fb/c%2Fd", "/c%2Fd", ("x-forwarded-prefix", "/a/b")),
    ("c.1", "stripPrefixRegex", {"regex": ["^/a"]}, "/a../b", 400, None),
    ("c.1", "replacePath", {"path": "/new"}, "/o%20ld?q=1", "/new?q=1", ("x-replaced-path", "/o%20ld")),
    ("c.1", "replacePath", {"path": "/a?b"}, "/x", "/a%3Fb", ("x-replaced-path", "/x")),
    ("c.1", "replacePath", {"path": "/%zz"}, "/x", 500, None),
    ("c.1", "replacePathRegex", {"regex": "^/api/(.*)", "replacement": "/v2/$1"}, "/api/a?q", "/v2/a?q", ("x-replaced-path", "/api/a")),
    ("c.1", "replacePathRegex", {"regex": "^/api/(.*)", "replacement": "/v2/$1x"}, "/api/a", "/v2/", ("x-replaced-path", "/api/a")),
    ("c.1", "replacePathRegex", {"regex": "^/api/(.*)", "replacement": "/v2/${1}x"}, "/api/a", "/v2/ax", ("x-replaced-path", "/api/a")),
    ("c.1", "replacePathRegex", {"regex": "^/z", "replacement": "/y"}, "/api/a", "/api/a", None),
    ("c.1", "replacePathRegex", {"regex": "^/a(.*)", "replacement": "/$1"}, "/a../b", 400, None),
    ("c.1", "replacePathRegex", {"regex": "^/a", "replacement": "/%zz"}, "/a", 500, None),
    ("c.1", "encodedCharacters", {}, "/a%2Fb", 400, None),
    ("c.1", "encodedCharacters", {}, "/a%2520b", 400, None),
    ("c.1", "encodedCharacters", {"allowEncodedSlash": True}, "/a%2Fb", "/a%2Fb", None),
    ("c.1", "encodedCharacters", {"allowEncodedSlash": True}, "/a%3bb", 400, None),
    ("c.1", "encodedCharacters", {}, "/a%20b", "/a%20b", None),
    ("c.4", "ipWhiteList", {"sourceRange": ["10.77.1.0/24"]}, "/", "/", None),
    ("c.4", "ipWhiteList", {"sourceRange": ["10.78.0.0/16", "::1"]}, "/", 403, None),
]


def test_what_the_service_gets(gateway, lab, tmp_path):
    teller = Teller(lab, tmp_path, "a", BACKENDS["a"], PORT)
    objects = []
    for i, (_, kind, conf, *_rest) in enumerate(ROWS):
        objects += [middleware(f"m{i}", kind, conf), route(f"r{i}", f"Host(`h{i}.test`)", service="t", middlewares=(f"m{i}",))]
    gateway.write("10.yaml", *backend_service("t", [BACKENDS["a"]], port=PORT), *objects)
    gateway.start()
    for i, (section, kind, conf, path, wanted, header) in enumerate(ROWS):
        status, _, body = gateway.get(f"h{i}.test", path)
        if isinstance(wanted, int):
            assert status == wanted, (section, kind, conf, path, body)
            continue
        assert status == 200, (section, kind, conf, path, body)
        told = json.loads(body)
        assert told["path"] == wanted, (section, kind, conf, path)
        if header:
            assert headers_of(told)[header[0]] == [header[1]], (section, kind, conf, path)
        else:
            assert not {"x-forwarded-prefix", "x-replaced-path"} & set(headers_of(told)), (section, kind, path)
    teller.stop()


# section, settings, method, path, status (200: passes), Location
REDIRECTS = [
    ("c.2", {"regex": "^http://(.*)/old(.*)", "replacement": "https://$1/new$2"}, "GET", "/old/a?b=c", 302, "https://x.test/new/a?b=c"),
    ("c.2", {"regex": "^http:", "replacement": "https:", "permanent": True}, "GET", "/", 301, "https://x.test/"),
    ("c.2", {"regex": "^http:", "replacement": "https:"}, "POST", "/", 307, "https://x.test/"),
    ("c.2", {"regex": "^http:", "replacement": "https:", "permanent": True}, "DELETE", "/", 308, "https://x.test/"),
    ("c.2", {"regex": "^https:", "replacement": "http:"}, "GET", "/", 200, None),
    ("c.2", {"regex": "^(.*)$", "replacement": "$1"}, "GET", "/same?x", 200, None),
    ("c.2", {"regex": "^http://x.test/(.*)", "replacement": "http://y.test/a b/$1"}, "GET", "/z", 302, "http://y.test/a%20b/z"),
    ("c.2", {"regex": "^http://x.test/(.*)", "replacement": "http://y z/$1"}, "GET", "/", 500, None),
]


def test_redirections_of_whole_urls(gateway):
    objects = []
    for i, (_, conf, *_rest) in enumerate(REDIRECTS):
        objects += [middleware(f"m{i}", "redirectRegex", conf),
                    route(f"r{i}", f"Host(`x.test`) && Header(`X-Row`, `{i}`)", middlewares=(f"m{i}",))]
    gateway.write("10.yaml", *objects)
    gateway.start()
    for i, (section, conf, method, path, wanted, location) in enumerate(REDIRECTS):
        status, headers, body = gateway.get("x.test", path, "-X", method, "-H", f"X-Row: {i}")
        assert status == wanted, (section, conf, body)
        assert headers.get("location", [None]) == [location], (section, conf)
    assert gateway.get("x.test", "/", "-H", "X-Row: 1")[2] == "Moved Permanently"


SNIFFED = [
    ("<html>", None, "text/html; charset=utf-8"),
    ("just words", None, "text/plain; charset=utf-8"),
    ("<?xml version='1.0'?>", None, "text/xml; charset=utf-8"),
    ("%PDF-1.7", None, "application/pdf"),
    ("<html>", "application/x-own", "application/x-own"),
]


@pytest.mark.parametrize("conf, guesses", [({}, True), ({"autoDetect": True}, True), ({"autoDetect": False}, False), (None, False)])
def test_content_types_are_guessed_where_wanted(gateway, lab, tmp_path, conf, guesses):
    teller = Teller(lab, tmp_path, "a", BACKENDS["a"], PORT)
    gateway.write("10.yaml", *backend_service("t", [BACKENDS["a"]], port=PORT),
                  *([middleware("m", "contentType", conf)] if conf is not None else []),
                  route("web", "Host(`x.test`)", service="t", middlewares=("m",) if conf is not None else ()))
    gateway.start()
    for body, own, kind in SNIFFED:  # c.14
        told = ["-G", "--data-urlencode", f"body={body}"] + (["--data-urlencode", f"h=Content-Type:{own}"] if own else [])
        status, headers, got = gateway.get("x.test", "/", *told)
        assert (status, got) == (200, body)
        assert headers.get("content-type") == ([kind] if own or guesses else None), body
    assert "content-type" not in gateway.get("x.test", "/?size=0")[1]
    teller.stop()


def test_broken_expressions_disable_their_routes_and_say_so(gateway):
    gateway.write("10.yaml", middleware("m", "stripPrefixRegex", {"regex": ["("]}),
                  route("web", "Host(`x.test`)", middlewares=("m",)), route("other", "Host(`y.test`)"))
    gateway.start()
    assert gateway.get("x.test")[0] == 404  # a.4
    assert gateway.get("y.test")[0] == 200
    assert "not a regular expression" in gateway.log()
