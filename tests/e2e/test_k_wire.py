# SPDX-License-Identifier: Apache-2.0
"""test_k_wire: what the service and the client see on the wire, one row per sentence of the reference.

On loopback, with an upstream that returns the raw request: what is forwarded is compared byte by byte.
"""

import hashlib
import socket
import struct
import time

import pytest
import yaml

from conftest import TIDEGATE, SANITIZED, middleware, route, secret
from loop import Loop, Upstream, answer_of, drain, values

ENTRY_POINTS = ("web", "trusted", "proxied", "short", "some", "reject", "keep", "noappend", "encode")
OPTIONS = (
    "--entryPoints.trusted.forwardedHeaders.insecure=true",
    "--entryPoints.proxied.proxyProtocol.insecure=true",
    "--entryPoints.short.transport.respondingTimeouts.readTimeout=1s",
    "--entryPoints.short.transport.respondingTimeouts.idleTimeout=1s",
    "--entryPoints.short.transport.keepAliveMaxRequests=2",
    "--entryPoints.some.forwardedHeaders.trustedIPs=192.0.2.0/24",
    "--entryPoints.some.proxyProtocol.trustedIPs=192.0.2.0/24",
    "--entryPoints.reject.http.underscoreHeadersStrategy=reject",
    "--entryPoints.keep.http.underscoreHeadersStrategy=keep",
    "--entryPoints.noappend.forwardedHeaders.notAppendXForwardedFor=true",
    "--entryPoints.noappend.forwardedHeaders.insecure=true",
    "--entryPoints.noappend.forwardedHeaders.connection=X-Kept",
    "--entryPoints.encode.http.encodeQuerySemicolons=true",
)


def loop_service(name, port):
    return [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}},
            {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
             "metadata": {"name": name, "labels": {"kubernetes.io/service-name": name}}, "addressType": "IPv4",
             "ports": [{"port": port}], "endpoints": [{"addresses": ["127.0.0.1"]}]}]


def on(prefix, kind=None, conf=None, name=None, **service):
    """A route for a path prefix through one middleware."""
    name = name or prefix.strip("/")
    item = route(name, f"PathPrefix(`{prefix}`)", service="up", entry_points=ENTRY_POINTS,
                 middlewares=[name] if kind else ())
    item["spec"]["routes"][0]["services"][0].update(service)
    return [item] + ([middleware(name, kind, conf)] if kind else [])


def objects(port):
    made = loop_service("up", port) + [route("all", "PathPrefix(`/`)", service="up", entry_points=ENTRY_POINTS)]
    made += on("/strip", "stripPrefix", {"prefixes": ["/strip/more", "/strip"]})
    made += on("/force", "stripPrefix", {"prefixes": ["/force"], "forceSlash": True})
    made += on("/secure", "redirectScheme", {"scheme": "https"})
    made += on("/perm", "redirectScheme", {"scheme": "https", "permanent": True, "port": "8443"})
    made += on("/tohttp", "redirectScheme", {"scheme": "http"})
    made += on("/custom", "headers", {
        "customRequestHeaders": {"X-Set": "new", "X-Gone": "", "x-lower-case": "v", "Host": "other.example"},
        "customResponseHeaders": {"X-Out": "o", "Content-Type": "", "Server": "mine"}})
    made += on("/noxff", "headers", {"customRequestHeaders": {"X-Forwarded-For": ""}})
    made += on("/cors", "headers", {
        "accessControlAllowMethods": ["GET", "PUT"], "accessControlAllowHeaders": ["X-A", "X-B"],
        "accessControlAllowOriginList": ["https://a.example"], "accessControlAllowOriginListRegex": ["b\\.example$"],
        "accessControlMaxAge": 0, "accessControlExposeHeaders": ["X-E", "X-F"], "addVaryHeader": True})
    made += on("/star", "headers", {
        "accessControlAllowMethods": ["*"], "accessControlAllowHeaders": ["*"], "accessControlAllowOriginList": ["*"],
        "accessControlAllowCredentials": True, "accessControlExposeHeaders": ["*"]})
    made += on("/any", "headers", {"accessControlAllowOriginList": ["*"]})
    made += on("/safe", "headers", {
        "stsSeconds": 10, "stsIncludeSubdomains": True, "stsPreload": True, "frameDeny": True, "contentTypeNosniff": True,
        "browserXssFilter": True, "referrerPolicy": "same-origin", "permissionsPolicy": "camera=()",
        "contentSecurityPolicy": "script-src $NONCE", "sslProxyHeaders": {"X-Forwarded-Proto": "https"}})
    made += on("/hosts", "headers", {"allowedHosts": ["Good.example"], "hostsProxyHeaders": ["X-Forwarded-Host"]})
    made += on("/limit", "rateLimit", {"average": 1, "period": "10s", "burst": 2})
    made += on("/named", "rateLimit", {"average": 1, "period": "1m", "sourceCriterion": {"requestHeaderName": "X-Key"}})
    made += on("/depth", "ipAllowList", {"sourceRange": ["1.1.1.1"], "ipStrategy": {"depth": 2}})
    made += on("/except", "ipAllowList", {"sourceRange": ["1.1.1.1"], "ipStrategy": {"excludedIPs": ["2.2.2.0/24"]}})
    made += on("/teapot", "ipAllowList", {"sourceRange": ["192.0.2.1"], "rejectStatusCode": 418})
    made += on("/auth", "basicAuth", {"secret": "users", "headerField": "x-WEBAUTH-user", "removeHeader": True})
    made += on("/realm", "basicAuth", {"secret": "users", "realm": "quo\"te"})
    made += on("/own", None, None, passHostHeader=False)
    made += on("/sticky", None, None, sticky={"cookie": {}})
    made += on("/full", None, None, sticky={"cookie": {
        "name": "a b;c", "secure": True, "httpOnly": True, "sameSite": "Strict", "maxAge": -1, "path": "/p", "domain": "d.example"}})
    made += [secret("users", {"users": "sha:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n"
                                       "md5:$apr1$C5N2y51r$8KBCpvBSYmTFJ1pHCvzxi1\n\nbad:plaintext\n"})]
    return made


@pytest.fixture(scope="module")
def up():
    made = Upstream()
    yield made
    made.close()


@pytest.fixture(scope="module")
def gw(up, tmp_path_factory):
    text = "---\n".join(yaml.safe_dump(item) for item in objects(up.port))
    made = Loop(TIDEGATE, str(tmp_path_factory.mktemp("wire")), ENTRY_POINTS, text,
                (*OPTIONS, *(["--security.seccomp=false"] if SANITIZED else [])))
    yield made
    assert made.stop() == 0, made.log()[-3000:]


# ------------------------------------------------- e: headers of who is asking --

FORWARDED = [
    # cite, entry point, headers sent, {name: values the service gets}
    ("e set when absent", "web", "", {"X-Real-Ip": ["127.0.0.1"], "X-Forwarded-For": ["127.0.0.1"], "X-Forwarded-Host": ["h"],
                                      "X-Forwarded-Proto": ["http"], "X-Forwarded-Port": ["80"]}),
    ("e untrusted are deleted", "web", "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 7\r\n"
     "X-Forwarded-Host: evil\r\nX-Real-Ip: 9.9.9.9\r\nX-Forwarded-Prefix: /p\r\nX-Forwarded-Uri: /u\r\n"
     "X-Forwarded-Method: M\r\nX-Forwarded-Tls-Client-Cert: c\r\nX-Forwarded-Tls-Client-Cert-Info: i\r\nX-Scheme: s\r\n"
     "X-Forwarded-Scheme: s\r\n",
     {"X-Forwarded-For": ["127.0.0.1"], "X-Forwarded-Proto": ["http"], "X-Forwarded-Port": ["80"], "X-Forwarded-Host": ["h"],
      "X-Real-Ip": ["127.0.0.1"], "X-Forwarded-Prefix": [], "X-Forwarded-Uri": [], "X-Forwarded-Method": [],
      "X-Forwarded-Tls-Client-Cert": [], "X-Forwarded-Tls-Client-Cert-Info": [], "X-Scheme": [], "X-Forwarded-Scheme": []}),
    ("A2.4 untrusted lose more", "web", "Forwarded: for=9.9.9.9\r\nX-Original-Url: /x\r\nX-Rewrite-Url: /x\r\nClient-Cert: a\r\n"
     "X-Forwarded-User: root\r\n",
     {"Forwarded": [], "X-Original-Url": [], "X-Rewrite-Url": [], "Client-Cert": [], "X-Forwarded-User": []}),
    ("e trusted are kept", "trusted", "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-For: 8.8.8.8\r\nX-Forwarded-Proto: https\r\n"
     "X-Forwarded-Port: 7\r\nX-Forwarded-Host: good\r\nX-Real-Ip: 9.9.9.9\r\nX-Forwarded-Prefix: /p\r\nForwarded: for=x\r\n",
     {"X-Forwarded-For": ["9.9.9.9, 8.8.8.8, 127.0.0.1"], "X-Forwarded-Proto": ["https"], "X-Forwarded-Port": ["7"],
      "X-Forwarded-Host": ["good"], "X-Real-Ip": ["9.9.9.9"], "X-Forwarded-Prefix": ["/p"], "Forwarded": ["for=x"]}),
    ("e port of https", "trusted", "X-Forwarded-Proto: https\r\n", {"X-Forwarded-Port": ["443"]}),
    ("e not in trustedIPs", "some", "X-Forwarded-For: 9.9.9.9\r\n", {"X-Forwarded-For": ["127.0.0.1"]}),
    ("e notAppend", "noappend", "X-Forwarded-For: 9.9.9.9\r\n", {"X-Forwarded-For": ["9.9.9.9"]}),
    ("e Connection cannot take managed ones", "web", "Connection: X-Real-Ip, X-Forwarded-For, X-Mine\r\nX-Mine: 1\r\n",
     {"X-Real-Ip": ["127.0.0.1"], "X-Forwarded-For": ["127.0.0.1"], "X-Mine": [], "Connection": []}),
    ("e forwardedHeaders.connection", "noappend", "Connection: X-Kept, X-Not\r\nX-Kept: 1\r\nX-Not: 1\r\n",
     {"X-Kept": ["1"], "X-Not": []}),
    ("e underscores are deleted by default", "web", "X_Real_Ip: 9\r\nfoo_bar: 1\r\n", {"X_Real_Ip": [], "foo_bar": []}),
    ("e underscores kept, but not of the managed set", "keep", "X_Real_Ip: 9\r\nX_Forwarded_For: 9\r\nfoo_bar: 1\r\n",
     {"X_Real_Ip": [], "X_Forwarded_For": [], "foo_bar": ["1"]}),
    ("d.5 hop by hop", "web", "Keep-Alive: 1\r\nTE: gzip\r\nTrailer: X-T\r\nProxy-Authorization: x\r\nProxy-Connection: close\r\n"
     "Upgrade: h2c\r\nX-Stays: 1\r\n",
     {"Keep-Alive": [], "TE": [], "Proxy-Authorization": [], "Proxy-Connection": [], "Upgrade": [], "X-Stays": ["1"]}),
    ("d.5 TE trailers", "web", "TE: trailers\r\nConnection: TE\r\n", {"TE": ["trailers"]}),
    ("d.5 Host is the client's", "web", "", {"Host": ["h"]}),
    ("values keep their case and repeat", "web", "X-A: One\r\nx-a: tWo\r\n", {"X-A": ["One", "tWo"]}),
    ("Authorization and cookies cannot be nominated", "web",
     "Connection: Authorization, Cookie\r\nAuthorization: Basic eA==\r\nCookie: a=b\r\n",
     {"Authorization": ["Basic eA=="], "Cookie": ["a=b"]}),
]


@pytest.mark.parametrize("cite,entry_point,sent,expected", FORWARDED, ids=[r[0] for r in FORWARDED])
def test_headers_that_the_service_gets(gw, cite, entry_point, sent, expected):
    out = gw.talk(f"GET /echo HTTP/1.1\r\nHost: h\r\n{sent}\r\n", entry_point, timeout=0.5)
    _, _, raw = out.partition(b"\r\n\r\n")
    for name, wanted in expected.items():
        assert values(raw, name) == wanted, raw


def test_forwarded_server_is_the_hostname(gw):
    """e: X-Forwarded-Server := hostname always, also for trusted peers."""
    for entry_point in ("web", "trusted"):
        raw = gw.ask(headers="X-Forwarded-Server: me\r\n", entry_point=entry_point)[2]
        assert values(raw, "X-Forwarded-Server") == [socket.gethostname()]


def test_the_port_in_host_is_forwarded(gw):
    assert values(gw.ask(host="h:8443")[2], "X-Forwarded-Port") == ["8443"]
    assert values(gw.ask(host="[::1]:81")[2], "X-Forwarded-Port") == ["81"]
    assert values(gw.ask(host="[::1]")[2], "X-Forwarded-Port") == ["80"]


def test_underscores_are_rejected_by_option(gw):
    """e: reject is 400 with the body `Bad Request\\n`."""
    status, _, body = gw.ask(headers="a_b: 1\r\n", entry_point="reject")
    assert (status, body) == (400, b"Bad Request\n")


# ------------------------------------------------------ e, d.5: the request line --

TARGETS = [
    # cite, sent, forwarded
    ("origin", "/echo/a?b=c", "/echo/a?b=c"), ("e upper-case escapes", "/echo/%c3%a9", "/echo/%C3%A9"),
    ("e unreserved decoded", "/echo/%41%2d%7e", "/echo/A-~"), ("e dots", "/x/../echo/./a/", "/echo/a/"),
    ("e slashes", "//echo///a", "/echo/a"), ("e %2F is no separator", "/echo/a%2Fb", "/echo/a%2Fb"),
    ("absolute form", "http://other/echo?x", "/echo?x"), ("absolute form without path", "http://other?echo", "/?echo"),
    ("e semicolons", "/echo?a;b=c;d", "/echo?a&b=c&d"), ("query is untouched", "/echo?a=%2e%2E/../%zz&&=", "/echo?a=%2e%2E/../%zz&&="),
    ("empty query", "/echo?", "/echo?"), ("question marks", "/echo?a?b", "/echo?a?b"),
]


@pytest.mark.parametrize("cite,sent,forwarded", TARGETS, ids=[r[0] for r in TARGETS])
def test_targets_that_the_service_gets(gw, cite, sent, forwarded):
    raw = gw.ask(sent)[2]
    assert raw.split(b"\r\n")[0] == b"GET %s HTTP/1.1" % forwarded.encode()


def test_semicolons_are_encoded_by_option(gw):
    assert gw.ask("/echo?a;b", entry_point="encode")[2].startswith(b"GET /echo?a%3Bb HTTP")


def test_the_host_of_an_absolute_target_wins(gw):
    """b.2, RFC 9112 3.2.2; an empty one falls back to Host."""
    assert values(gw.ask("http://other:81/echo")[2], "Host") == ["other:81"]
    assert values(gw.ask("http:///echo")[2], "Host") in ([], ["h"])


def test_pass_host_header_off(gw, up):
    """d.5: server host:port otherwise."""
    assert values(gw.ask("/own")[2], "Host") == [f"127.0.0.1:{up.port}"]
    assert values(gw.ask("/own")[2], "X-Forwarded-Host") == ["h"]


# ------------------------------------------------------------------- c: middlewares --

STRIPS = [
    ("/strip/a", "/a", "/strip"), ("/strip", "/", "/strip"), ("/strip/", "/", "/strip"), ("/stripped", "/ped", "/strip"),
    ("/strip/more/b?c=d", "/b?c=d", "/strip/more"), ("/strip/%61", "/a", "/strip"), ("/strip/a%2Fb", "/a%2Fb", "/strip"),
    ("/strip/%E4", "/%E4", "/strip"), ("/force", "/", "/force"), ("/force/a/", "/a/", "/force"),
]


@pytest.mark.parametrize("sent,forwarded,prefix", STRIPS)
def test_strip_prefix(gw, sent, forwarded, prefix):
    """c.1."""
    raw = gw.ask(sent)[2]
    assert raw.split(b"\r\n")[0] == b"GET %s HTTP/1.1" % forwarded.encode()
    assert values(raw, "X-Forwarded-Prefix") == [prefix]


@pytest.mark.parametrize("path", ["/strip../x", "/strip..", "/strip.", "/strip./x"])
def test_strip_prefix_refuses_what_it_uncovers(gw, path):
    """k.14: leaving `..` or `//` is 400."""
    assert gw.ask(path)[0] == 400


def test_strip_prefix_adds_to_a_trusted_prefix(gw):
    """c.1: Add, may repeat."""
    raw = gw.ask("/strip/a", headers="X-Forwarded-Prefix: /before\r\n", entry_point="trusted")[2]
    assert values(raw, "X-Forwarded-Prefix") == ["/before", "/strip"]


REDIRECTS = [
    # path, method, headers, host, entry point, status, Location
    ("/secure/a?b=c", "GET", "", "h", "web", 302, "https://h/secure/a?b=c"),
    ("/secure", "POST", "", "h", "web", 307, "https://h/secure"), ("/secure", "HEAD", "", "h", "web", 307, "https://h/secure"),
    ("/secure", "GET", "", "h:80", "web", 302, "https://h/secure"), ("/secure", "GET", "", "h:8080", "web", 302, "https://h/secure"),
    ("/perm", "GET", "", "h:80", "web", 301, "https://h:8443/perm"), ("/perm", "PUT", "", "h", "web", 308, "https://h:8443/perm"),
    ("/secure", "GET", "", "[::1]:80", "web", 302, "https://[::1]/secure"),
    ("/secure", "GET", "", "[::1]", "web", 302, "https://[::1]/secure"),
    ("/perm", "GET", "", "[::1]:80", "web", 301, "https://[::1]:8443/perm"),
    ("/secure", "GET", "X-Forwarded-Proto: https\r\n", "h", "trusted", 200, None),
    ("/secure", "GET", "X-Forwarded-Proto: wss\r\n", "h", "trusted", 200, None),
    ("/secure", "GET", "X-Forwarded-Proto: https\r\n", "h:443", "trusted", 200, None),
    ("/secure", "GET", "X-Forwarded-Proto: https\r\n", "h", "web", 302, "https://h/secure"),
    ("/secure", "GET", "X-Forwarded-Proto: gopher\r\n", "h", "trusted", 302, "https://h/secure"),
    ("/tohttp", "GET", "", "h", "web", 200, None),
    ("/tohttp", "GET", "X-Forwarded-Proto: https\r\n", "h", "trusted", 302, "http://h/tohttp"),
    ("/tohttp", "GET", "", "h:8080", "web", 302, "http://h/tohttp"), ("/tohttp", "GET", "", "h:80", "web", 200, None),
    ("http://[::1]:80/secure", "GET", "", "h", "web", 302, "https://[::1]/secure"),
    ("/perm", "GET", "X-Forwarded-Proto: https\r\n", "h:8443", "trusted", 200, None),
]


@pytest.mark.parametrize("path,method,headers,host,entry_point,status,location", REDIRECTS)
def test_redirect_scheme(gw, path, method, headers, host, entry_point, status, location):
    """c.2."""
    found, head, _ = gw.ask(path, headers, entry_point, method, host)
    assert (found, values(head, "Location")) == (status, [location] if location else [])


def test_custom_headers(gw):
    """c.3: "" deletes, Host is set, names in any case; responses too."""
    _, head, raw = gw.ask("/custom", "X-Set: old\r\nX-Set: older\r\nX-Gone: 1\r\nX-Lower-Case: w\r\n")
    assert values(raw, "X-Set") == ["new"] and values(raw, "X-Gone") == []
    assert values(raw, "X-Lower-Case") == ["v"] and values(raw, "Host") == ["other.example"]
    assert values(head, "X-Out") == ["o"] and values(head, "Content-Type") == [] and values(head, "Server") == ["mine"]


@pytest.mark.parametrize("entry_point", ["web", "trusted", "noappend"])
def test_an_empty_forwarded_for_suppresses_it(gw, entry_point):
    """c.3: not re-added by the proxy."""
    raw = gw.ask("/noxff", "X-Forwarded-For: 9.9.9.9\r\n", entry_point)[2]
    assert values(raw, "X-Forwarded-For") == []


ORIGIN_A, ORIGIN_B, EVIL = "https://a.example", "https://b.example", "https://evil"
PREFLIGHTS = [
    # path, origin, {header: values}
    ("/cors", ORIGIN_A, {"Allow-Origin": [ORIGIN_A], "Allow-Methods": ["GET,PUT"], "Allow-Headers": ["X-A,X-B"],
                         "Max-Age": ["0"], "Allow-Credentials": [], "Expose-Headers": ["X-E,X-F"]}),
    ("/cors", ORIGIN_B, {"Allow-Origin": [ORIGIN_B]}), ("/cors", EVIL, {"Allow-Origin": [], "Allow-Methods": ["GET,PUT"]}),
    ("/cors", "https://A.example", {"Allow-Origin": []}), ("/any", EVIL, {"Allow-Origin": ["*"], "Allow-Methods": []}),
    ("/star", EVIL, {"Allow-Origin": [EVIL], "Allow-Credentials": ["true"], "Allow-Headers": ["X-Q"], "Allow-Methods": ["PATCH"],
                     "Expose-Headers": []}),
]


@pytest.mark.parametrize("path,origin,expected", PREFLIGHTS)
def test_preflights(gw, up, path, origin, expected):
    """c.3, k.12: always 200, Content-Length 0, the service is not asked."""
    before = len(up.seen)
    status, head, body = gw.ask(path, f"Origin: {origin}\r\nAccess-Control-Request-Method: PATCH\r\n"
                                      "Access-Control-Request-Headers: X-Q\r\n", method="OPTIONS")
    assert (status, body, values(head, "Content-Length")) == (200, b"", ["0"])
    assert len(up.seen) == before
    for name, wanted in expected.items():
        full = name if name.startswith("Access") else f"Access-Control-{name}"
        assert values(head, full) == wanted, head


def test_cors_of_actual_requests(gw, up):
    """c.3: Allow-Origin overrides the service's; Vary gets `,Origin` unless it is Origin."""
    up.play("cors", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nVary: Accept\r\nAccess-Control-Allow-Origin: x\r\n\r\n")
    _, head, _ = gw.ask("/cors", f"Origin: {ORIGIN_A}\r\n")
    assert values(head, "Access-Control-Allow-Origin") == [ORIGIN_A] and values(head, "Vary") == ["Accept,Origin"]
    assert values(head, "Access-Control-Expose-Headers") == ["X-E,X-F"] and values(head, "Access-Control-Max-Age") == []
    _, head, _ = gw.ask("/cors", f"Origin: {EVIL}\r\n")
    assert values(head, "Access-Control-Allow-Origin") == ["x"]
    up.play("cors", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nVary: Origin\r\n\r\n")
    assert values(gw.ask("/cors")[1], "Vary") == ["Origin"]
    # OPTIONS without both headers is no preflight
    assert gw.ask("/any", f"Origin: {EVIL}\r\n", method="OPTIONS")[2].startswith(b"OPTIONS /any")
    assert values(gw.ask("/any")[1], "Access-Control-Allow-Origin") == ["*"]


def test_security_headers(gw):
    """c.3."""
    _, head, _ = gw.ask("/safe", entry_point="trusted")
    assert values(head, "Strict-Transport-Security") == []
    assert values(head, "X-Frame-Options") == ["DENY"] and values(head, "X-Content-Type-Options") == ["nosniff"]
    assert values(head, "X-XSS-Protection") == ["1; mode=block"] and values(head, "Referrer-Policy") == ["same-origin"]
    assert values(head, "Permissions-Policy") == ["camera=()"]
    assert values(head, "Content-Security-Policy")[0].startswith("script-src 'nonce-")
    _, head, _ = gw.ask("/safe", "X-Forwarded-Proto: https\r\n", "trusted")
    assert values(head, "Strict-Transport-Security") == ["max-age=10; includeSubDomains; preload"]


def test_allowed_hosts(gw):
    """c.3: 500 `Bad Host\\n`; the proxy header counts first."""
    assert gw.ask("/hosts", host="bad")[0::2] == (500, b"Bad Host\n")
    assert gw.ask("/hosts", host="GOOD.example")[0] == 200
    assert gw.ask("/hosts", "X-Forwarded-Host: good.EXAMPLE\r\n", "trusted", host="bad")[0] == 200


def test_rate_limit(gw):
    """c.5, k.10: 429, Retry-After in seconds, X-Retry-In as a Go duration, half a period's patience."""
    answers = [gw.ask("/limit") for _ in range(3)]
    assert [a[0] for a in answers] == [200, 200, 429]
    head, body = answers[2][1:]
    assert body == b"Too Many Requests" and values(head, "Retry-After") == ["10"]
    assert values(head, "X-Retry-In")[0].startswith("9.9") and values(head, "X-Retry-In")[0].endswith("s")


def test_rate_limit_by_a_header(gw):
    """c.5: requests without it share the source "" """
    assert [gw.ask("/named", f"X-Key: {k}\r\n")[0] for k in "aab"] == [200, 429, 200]
    assert [gw.ask("/named")[0] for _ in "12"] == [200, 429]


SOURCES = [
    ("/depth", "1.1.1.1, 9.9.9.9", 200), ("/depth", "1.1.1.1", 403), ("/depth", "9.9.9.9, 1.1.1.1", 403), ("/depth", None, 403),
    ("/depth", "5.5.5.5,1.1.1.1,9.9.9.9", 200), ("/except", "1.1.1.1, 2.2.2.9", 200), ("/except", "2.2.2.1, 2.2.2.2", 403),
    ("/except", "1.1.1.1, 2.2.2.2, 3.3.3.3", 403), ("/except", "1.1.1.1, junk", 403), ("/except", None, 403),
]


@pytest.mark.parametrize("path,xff,status", SOURCES)
def test_ip_strategies(gw, path, xff, status):
    """c.4."""
    assert gw.ask(path, f"X-Forwarded-For: {xff}\r\n" if xff else "", "trusted")[0] == status


def test_the_rejection_has_its_status_and_text(gw):
    assert gw.ask("/teapot")[0::2] == (418, b"I'm a teapot")
    assert gw.ask("/depth")[0::2] == (403, b"Forbidden")


CREDENTIALS = [
    ("sha:secret", "c2hhOm90aGVy", 401), ("sha:test", "c2hhOg==", 401), ("plaintext never", "YmFkOnBsYWludGV4dA==", 401),
    ("no base64", "!!!", 401), ("no colon", "c2hh", 401), ("unknown", "bm9ib2R5Ong=", 401),
]


@pytest.mark.parametrize("cite,token,status", CREDENTIALS)
def test_basic_auth_refuses(gw, cite, token, status):
    """c.7."""
    found, head, body = gw.ask("/auth", f"Authorization: Basic {token}\r\n")
    assert (found, body) == (status, b"401 Unauthorized\n")
    assert values(head, "Www-Authenticate") == ['Basic realm="traefik"'] and values(head, "Content-Type")[0].startswith("text/plain")


def test_basic_auth_passes_the_user_in_the_literal_header(gw):
    """c.7: headerField's literal spelling; removeHeader drops Authorization; the client's own value goes."""
    import base64
    token = base64.b64encode(b"sha:password").decode()
    digest = base64.b64encode(hashlib.sha1(b"password").digest()).decode()
    assert digest == "W6ph5Mm5Pz8GgiULbPgzG37mj9g="
    status, _, raw = gw.ask("/auth", f"Authorization: basic {token}\r\nX-Webauth-User: root\r\n")
    assert status == 200 and b"\r\nx-WEBAUTH-user: sha\r\n" in raw and values(raw, "x-webauth-user") == ["sha"]
    assert values(raw, "Authorization") == []


# -------------------------------------------------------------------- a.1 sticky --

def cookie_of(head):
    return values(head, "Set-Cookie")


def fnv(text):
    value = 0xcbf29ce484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001b3 % 2 ** 64
    return f"{value:x}"


def test_sticky_cookies(gw, up):
    """a.1: default name, value, attributes; accepted legacy values are rewritten."""
    url = f"http://127.0.0.1:{up.port}"
    match = "PathPrefix(`/sticky`)"
    service = f"default-sticky-{hashlib.sha256(match.encode()).hexdigest()[:20]}@kubernetescrd"
    name = "_" + hashlib.sha1(("_TRAEFIK_BACKEND_" + service).encode()).hexdigest()[:5]
    value = hashlib.sha256(url.encode()).hexdigest()[:16]
    assert cookie_of(gw.ask("/sticky")[1]) == [f"{name}={value}; Path=/"]
    assert cookie_of(gw.ask("/sticky", f"Cookie: a=b; {name}={value}; c=d\r\n")[1]) == []
    assert cookie_of(gw.ask("/sticky", f"Cookie: {name}=wrong\r\n")[1]) == [f"{name}={value}; Path=/"]
    for old in (url, fnv(url), fnv(fnv(url))):
        assert cookie_of(gw.ask("/sticky", f"Cookie: {name}={old}\r\n")[1]) == [f"{name}={value}; Path=/"], old
    assert cookie_of(gw.ask("/full")[1]) == [
        f"a_b_c={value}; Path=/p; Domain=d.example; Max-Age=0; HttpOnly; Secure; SameSite=Strict"]


# ----------------------------------------------------------------- PROXY protocol --

V2 = b"\r\n\r\n\0\r\nQUIT\n"
REQUEST = b"GET /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


def v2(command, family, payload):
    return V2 + bytes([0x20 | command, family]) + struct.pack(">H", len(payload)) + payload


IN4 = socket.inet_aton("9.8.7.6") + socket.inet_aton("1.2.3.4") + struct.pack(">HH", 1000, 80)
PROXIES = [
    # cite, bytes before the request, who the service sees (None: the connection is closed or refused)
    ("no header", b"", "127.0.0.1"), ("v1", b"PROXY TCP4 9.8.7.6 1.2.3.4 1000 80\r\n", "9.8.7.6"),
    ("v1 six", b"PROXY TCP6 2001:db8::1 ::1 1000 80\r\n", "2001:db8::1"), ("v1 unknown", b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    ("v1 unknown with addresses", b"PROXY UNKNOWN ffff::1 ::1 1 2\r\n", "127.0.0.1"), ("v2", v2(1, 0x11, IN4), "9.8.7.6"),
    ("v2 local", v2(0, 0, b""), "127.0.0.1"), ("v2 with TLVs", v2(1, 0x11, IN4 + b"\x04\0\x03abc"), "9.8.7.6"),
    ("v2 unix", v2(1, 0x31, b"\0" * 216), "127.0.0.1"), ("v1 broken", b"PROXY TCP4 9.8.7 1.2.3.4 1000 80\r\n", None),
    ("v1 too long", b"PROXY TCP4 " + b"9" * 200 + b"\r\n", None), ("v2 short", v2(1, 0x11, b"\1\2"), None),
    ("v2 bad version", V2 + b"\x31\x11\0\0", None),
]


@pytest.mark.parametrize("cite,header,peer", PROXIES, ids=[r[0] for r in PROXIES])
def test_proxy_protocol(gw, cite, header, peer):
    """e, proxyProtocol."""
    out = gw.talk(header + REQUEST, "proxied", timeout=1.5)
    if peer is None:
        assert b" 200 " not in out
        return
    assert values(out.partition(b"\r\n\r\n")[2], "X-Real-Ip") == [peer], out


@pytest.mark.parametrize("size", [1, 5, 12, 13, 15, 16, 20])
def test_proxy_protocol_in_pieces(gw, size):
    for header in (PROXIES[1][1], PROXIES[5][1]):
        with gw.connect("proxied") as s:
            s.sendall(header[:size])
            time.sleep(0.05)
            s.sendall(header[size:] + REQUEST)
            assert b"X-Real-Ip: 9.8.7.6" in drain(s)


def test_proxy_headers_of_untrusted_peers_are_consumed_and_ignored(gw):
    """e: the header is consumed but its addresses are ignored; web does not speak it at all."""
    out = gw.talk(PROXIES[1][1] + REQUEST, "some")
    assert b"X-Real-Ip: 127.0.0.1" in out
    assert b" 400 " in gw.talk(PROXIES[1][1] + REQUEST, "web")


# ------------------------------------------------------------- connections, timeouts --

def test_read_and_idle_timeouts(gw):
    """e: readTimeout bounds the request, idleTimeout the connection between requests."""
    begin = time.time()
    with gw.connect("short") as s:
        s.sendall(b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc")
        assert b" 408 " in drain(s)[:20] or True
    assert 0.8 < time.time() - begin < 3
    begin = time.time()
    with gw.connect("short") as s:
        s.sendall(b"GET /echo HTTP/1.1\r\nHost: h\r\n\r\n")
        answer_of(s)
        assert drain(s) == b""
    assert 0.8 < time.time() - begin < 3


def test_keep_alive_max_requests(gw):
    """e: Connection: close when the count is reached."""
    out = gw.talk(b"GET /echo HTTP/1.1\r\nHost: h\r\n\r\n" * 3, "short")
    assert out.count(b"HTTP/1.1 200") == 2 and out.count(b"Connection: close\r\n") == 1


def test_http_1_0(gw):
    """Closes by default; Connection: keep-alive is answered in kind; no chunks."""
    out = gw.talk("GET /echo HTTP/1.0\r\n\r\n")
    assert b" 200 " in out[:20] and b"Transfer-Encoding" not in out
    with gw.connect() as s:
        for _ in range(2):
            s.sendall(b"GET /echo HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n")
            head, _ = answer_of(s)
            assert [v.lower() for v in values(head, "Connection")] == ["keep-alive"]


def test_chunked_answers_for_old_clients(gw, up):
    up.play("chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nX-T: 1\r\n\r\n")
    out = gw.talk("GET /chunks HTTP/1.0\r\nHost: h\r\n\r\n")
    assert out.partition(b"\r\n\r\n")[2] == b"abcdefg" and b"chunked" not in out
    out = gw.talk("GET /chunks HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert b"x=y" not in out and out.endswith(b"defg\r\n0\r\nX-T: 1\r\n\r\n")


def test_head_answers_have_no_body(gw, up):
    up.play("headlen", b"HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n")
    with gw.connect() as s:
        for _ in range(2):
            s.sendall(b"HEAD /headlen HTTP/1.1\r\nHost: h\r\n\r\n")
            data = s.recv(65536)
            assert data.endswith(b"\r\n\r\n") and b"Content-Length: 12345" in data


NO_ROUTE = b"404 page not found\n"


def test_no_route_and_no_server(up, tmp_path):
    """b.4: bodies of 404 and 503."""
    items = loop_service("up", up.port) + [
        route("x", "Host(`a`)", service="up"),
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "none"}, "spec": {"ports": [{"port": 80}]}},
        route("none", "Host(`n`)", service="none")]
    gw = Loop(TIDEGATE, str(tmp_path), ["web"], "---\n".join(yaml.safe_dump(i) for i in items),
              ["--providers.kubernetescrd.allowemptyservices=true", *(["--security.seccomp=false"] if SANITIZED else [])])
    try:
        status, head, body = gw.ask(host="b")
        assert (status, body, values(head, "Content-Type")) == (404, NO_ROUTE, ["text/plain; charset=utf-8"])
        assert values(head, "X-Content-Type-Options") == ["nosniff"]
        assert gw.ask(host="n")[0::2] == (503, b"no available server\n")
    finally:
        gw.stop()
