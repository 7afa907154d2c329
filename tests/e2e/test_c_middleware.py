# SPDX-License-Identifier: Apache-2.0
"""Middlewares over the wire (reference c)."""

import base64

from conftest import CLIENT, middleware, route, secret


def serve(gateway, kind, conf, *more, host="x.test"):
    gateway.write("10.yaml", middleware("m", kind, conf), *more, route("web", f"Host(`{host}`)", middlewares=("m",)))
    gateway.start()


def test_strip_prefix_tells_the_service(gateway):
    serve(gateway, "stripPrefix", {"prefixes": ["/api", "/v1"]})
    assert "uri=/users " in gateway.get("x.test", "/api/users")[2]
    assert "uri=/ " in gateway.get("x.test", "/api")[2]
    assert "uri=/other " in gateway.get("x.test", "/other")[2]


def test_redirect_scheme_by_method(gateway):
    serve(gateway, "redirectScheme", {"scheme": "https", "permanent": True})
    status, headers, body = gateway.get("x.test", "/a?b=c")
    assert (status, headers["location"], body) == (301, ["https://x.test/a?b=c"], "Moved Permanently")
    assert gateway.get("x.test", "/a", "-X", "POST")[0] == 308


def test_headers_custom_and_security(gateway):
    serve(gateway, "headers", {"customRequestHeaders": {"X-Forwarded-For": ""},
                               "customResponseHeaders": {"X-Custom": "yes", "X-Backend": ""},
                               "frameDeny": True, "contentTypeNosniff": True, "stsSeconds": 60, "forceSTSHeader": True})
    status, headers, body = gateway.get("x.test")
    assert status == 200 and "xff=\n" in body
    assert headers["x-custom"] == ["yes"] and "x-backend" not in headers
    assert headers["x-frame-options"] == ["DENY"] and headers["x-content-type-options"] == ["nosniff"]
    assert headers["strict-transport-security"] == ["max-age=60"]


def test_cors_preflight_is_always_200(gateway):
    serve(gateway, "headers", {"accessControlAllowMethods": ["GET", "PUT"], "accessControlMaxAge": 100,
                               "accessControlAllowOriginList": ["https://good.example"], "addVaryHeader": True})
    ask = ["-X", "OPTIONS", "-H", "Access-Control-Request-Method: PUT", "-H"]
    status, headers, _ = gateway.get("x.test", "/", *ask, "Origin: https://good.example")
    assert status == 200 and headers["access-control-allow-origin"] == ["https://good.example"]
    assert headers["access-control-allow-methods"] == ["GET,PUT"] and headers["access-control-max-age"] == ["100"]
    status, headers, _ = gateway.get("x.test", "/", *ask, "Origin: https://evil.example")
    assert status == 200 and "access-control-allow-origin" not in headers


def test_ip_allow_list(gateway):
    serve(gateway, "ipAllowList", {"sourceRange": ["192.0.2.0/24"]})
    status, _, body = gateway.get("x.test")
    assert (status, body) == (403, "Forbidden")
    gateway.update("10.yaml", middleware("m", "ipAllowList", {"sourceRange": ["10.77.1.0/24"]}),
                   route("web", "Host(`x.test`)", middlewares=("m",)))
    assert gateway.get("x.test")[0] == 200


def test_rate_limit_says_when_to_come_back(gateway):
    serve(gateway, "rateLimit", {"average": 1, "period": "1m", "burst": 2})
    assert [gateway.get("x.test")[0] for _ in range(2)] == [200, 200]
    status, headers, body = gateway.get("x.test")
    assert (status, body) == (429, "Too Many Requests")
    assert 1 <= int(headers["retry-after"][0]) <= 60 and headers["x-retry-in"][0].endswith("s")


def test_rate_limit_by_header_keeps_sources_apart(gateway):
    serve(gateway, "rateLimit", {"average": 1, "period": "1h", "burst": 1,
                                 "sourceCriterion": {"requestHeaderName": "X-Key"}})
    assert gateway.get("x.test", "/", "-H", "X-Key: a")[0] == 200
    assert gateway.get("x.test", "/", "-H", "X-Key: a")[0] == 429
    assert gateway.get("x.test", "/", "-H", "X-Key: b")[0] == 200


# test:test in the three kinds of hash that are supported
USERS = "apr:$apr1$H6uskkkW$IgXLP6ewTrSuBkTrqE8wj/\nsha:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=\n"


def test_basic_auth(gateway):
    serve(gateway, "basicAuth", {"secret": "users", "realm": "shop", "removeHeader": True, "headerField": "X-User"},
          secret("users", {"users": USERS}))
    status, headers, body = gateway.get("x.test")
    assert (status, body) == (401, "401 Unauthorized\n")
    assert headers["www-authenticate"] == ['Basic realm="shop"']
    assert gateway.get("x.test", "/", "-u", "sha:test")[0] == 200
    assert gateway.get("x.test", "/", "-u", "apr:test")[0] == 200
    assert gateway.get("x.test", "/", "-u", "apr:wrong")[0] == 401
    assert gateway.get("x.test", "/", "-u", "nobody:test")[0] == 401
    assert gateway.get("x.test", "/", "-H", "Authorization: Basic !!!")[0] == 401
    assert gateway.get("x.test", "/", "-H", "Authorization: Bearer x")[0] == 401


def test_basic_auth_without_its_secret_fails_closed(gateway):
    serve(gateway, "basicAuth", {"secret": "missing"})
    assert gateway.get("x.test", "/", "-u", "test:test")[0] == 404  # the router is disabled: reference a.4


def test_a_chain_runs_in_order(gateway):
    gateway.write("10.yaml", middleware("strip", "stripPrefix", {"prefixes": ["/api"]}),
                  middleware("only", "ipAllowList", {"sourceRange": [CLIENT]}),
                  middleware("both", "chain", {"middlewares": [{"name": "only"}, {"name": "strip"}]}),
                  route("web", "Host(`x.test`)", middlewares=("both",)))
    gateway.start()
    assert "uri=/users " in gateway.get("x.test", "/api/users")[2]


def test_secrets_are_not_in_the_api_or_the_log(gateway):
    serve(gateway, "basicAuth", {"secret": "users"}, secret("users", {"users": USERS}))
    gateway.get("x.test", "/", "-u", "sha:test")
    raw = gateway.lab.run("gw", "curl", "-s", "http://127.0.0.1:9180/api/rawdata").stdout
    assert "default-web" in raw
    for place in (raw, gateway.log()):
        assert "qUqP5cyxm6YcTAhz05Hph5gvu9M" not in place and "c2hhOnRlc3Q" not in place
    assert base64.b64encode(b"sha:test").decode() == "c2hhOnRlc3Q="
