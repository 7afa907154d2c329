# SPDX-License-Identifier: Apache-2.0
"""test_s_points: what reference/security.md asks of HTTP, one row per point, beside test_s_security, test_s_limits,
test_k_hostile and test_w_adversary, which have the points on framing, servers and deadlines.

On loopback, with an upstream that returns the raw request: what reached it is seen byte by byte.
"""

import base64
import hashlib
import json
import os
import re
import socket
import stat
import subprocess
import time

import pytest
import yaml
from conftest import SANITIZED, TIDEGATE, middleware, route, secret
from loop import Loop, Upstream, answer_of, drain, values
from test_k_wire import loop_service

ENTRY_POINTS = ("web", "keep", "trusted")
OPTIONS = ("--entryPoints.keep.http.underscoreHeadersStrategy=keep", "--entryPoints.trusted.forwardedHeaders.insecure=true",
           "--accessLog=true", "--accessLog.format=json", "--accessLog.fields.headers.defaultMode=keep")
PASSWORD = "correct-horse"


def endpoints(name, address, port=80):
    made = loop_service(name, port)
    made[1]["endpoints"] = [{"addresses": [address]}]
    return made


SAID = b"HTTP/1.1 200 OK\r\nX-User: ann\r\nHost: evil\r\nContent-Length: 0\r\n"
ASKED = [
    # what an authentication server says, status for the client
    ("well", SAID + b"\r\n", 200), ("after-103", b"HTTP/1.1 103 E\r\n\r\n" * 16 + SAID + b"\r\n", 200),
    ("in-a-flood", b"HTTP/1.1 103 E\r\n\r\n" * 17 + SAID + b"\r\n", 500), ("of-this-hop", SAID + b"Connection: X-User\r\n\r\n", 200),
    ("twice", SAID + b"\r\n" + SAID + b"\r\n", 200), ("nul", SAID + b"X: a\0b\r\n\r\n", 500),
    ("cr", SAID + b"X-User: a\rX-Admin: 1\r\n\r\n", 500),
    ("both-lengths", SAID + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 500), ("no-http", b"yes, let them in\r\n\r\n", 500),
    ("status-2000", SAID.replace(b"200", b"2000") + b"\r\n", 500),
    ("switch", b"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", 500),
    ("redirect", b"HTTP/1.1 300 Choose\r\nContent-Length: 0\r\n\r\n", 300),
    ("cut", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", 500),
]


def objects(port):
    made = loop_service("up", port)
    made.append(route("all", "PathPrefix(`/`)", service="up", entry_points=ENTRY_POINTS))
    kinds = {
        "basic": ("basicAuth", {"secret": "users", "headerField": "X-WebAuth-User"}),
        "strip": ("stripPrefix", {"prefixes": ["/strip"]}),
        "rewrite": ("replacePathRegex", {"regex": "^/rewrite/(.*)", "replacement": "/$1"}),
        "add": ("addPrefix", {"prefix": "/inner"}),
        "cert": ("passTLSClientCert", {"pem": True, "info": {"subject": {"commonName": True}}}),
        "key": ("apiKey", {"secret": "keys", "headerName": "X-Api-Key"}),
        "query-key": ("apiKey", {"secret": "keys", "source": {"query": "api_key"}}),
        "secure": ("redirectScheme", {"scheme": "https"}),
        "broken": ("ipAllowList", {"sourceRange": ["10.0.0.0/99"]}),
        "lost": ("basicAuth", {"secret": "none"}),
        "far": ("basicAuth", {"secret": "other/users"}),
    }
    for name, _, _ in ASKED:
        kinds["ask-" + name] = ("forwardAuth", {"address": f"http://127.0.0.1:{port}/said-{name}",
                                                "authResponseHeaders": ["X-User", "Host"]})
    for name, (kind, conf) in kinds.items():
        made += [middleware(name, kind, conf), route(name, f"PathPrefix(`/{name}`)", service="up", middlewares=[name],
                                                     entry_points=ENTRY_POINTS)]
    made.append(route("admin", "PathPrefix(`/protected`)", service="up", middlewares=["nobody"], entry_points=ENTRY_POINTS))
    made.append(middleware("nobody", "ipAllowList", {"sourceRange": ["192.0.2.1"]}))
    made.append(secret("users", {"users": "u:{SHA}" + base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode()}))
    made.append(secret("keys", {"one": "0123456789abcdef0123456789abcdef"}))
    return made


@pytest.fixture(scope="module")
def up():
    made = Upstream()
    yield made
    made.close()


@pytest.fixture(scope="module")
def gw(up, tmp_path_factory):
    text = "---\n".join(yaml.safe_dump(item) for item in objects(up.port))
    made = Loop(TIDEGATE, str(tmp_path_factory.mktemp("points")), ENTRY_POINTS, text,
                (*OPTIONS, *(["--security.seccomp=false"] if SANITIZED else [])))
    yield made
    assert made.stop() == 0, made.log()[-3000:]


def explained(folder, items):
    """(whether a request would be forwarded, faults) without starting anything."""
    (folder / "all.yaml").write_text("---\n".join(yaml.safe_dump(item) for item in items))
    options = (f"--manifests={folder}", "--entryPoints.web.address=:80")
    said = subprocess.run([TIDEGATE, "explain", "--json", "--url=http://h/", *options], capture_output=True, text=True, timeout=20).stdout
    found = subprocess.run([TIDEGATE, "check", "--json", *options], capture_output=True, text=True, timeout=20).stdout
    return json.loads(said)["action"] == "forward", json.loads(found)["faults"]


# ------------------------------------------------------------- A2.1: framing --

REFUSED = [
    ("A2.1 listed lengths that differ", "Content-Length: 5, 6\r\n\r\nhello"),
    ("A2.1 length above 2^63-1", "Content-Length: 9223372036854775808\r\n\r\n"),
    ("A2.1 length with a blank inside", "Content-Length: 1 0\r\n\r\nhello12345"),
    ("A2.1 chunked twice in one line", "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"),
    ("A2.1 chunked with a parameter", "Transfer-Encoding: chunked;x=1\r\n\r\n0\r\n\r\n"),
    ("A2.1 chunked behind a vertical tab", "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
    ("A2.1 a size of 17 digits", "Transfer-Encoding: chunked\r\n\r\n00000000000000001\r\na\r\n0\r\n\r\n"),
    ("A2.1 a size with 0x", "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n"),
    ("A2.1 TERM.EXT: a bare LF in an extension", "Transfer-Encoding: chunked\r\n\r\n1;x\na\r\n0\r\n\r\n"),
    ("A2.1 EXT.TERM: a bare CR in an extension", "Transfer-Encoding: chunked\r\n\r\n1;x\ry\r\na\r\n0\r\n\r\n"),
    ("A2.1 extensions without end", "Transfer-Encoding: chunked\r\n\r\n1;" + "x" * 70000 + "\r\na\r\n0\r\n\r\n"),
    ("A2.1 a trailer that is no field", "Transfer-Encoding: chunked\r\n\r\n0\r\nno field\r\n\r\n"),
    ("A2.6 one byte a chunk, far beyond the payload",
     "Transfer-Encoding: chunked\r\n\r\n" + ("1;" + "e" * 200 + "\r\na\r\n") * 2000 + "0\r\n\r\n"),
    ("A2.1 a name that is no token", "X@Y: 1\r\n\r\n"), ("A2.1 a name with a control byte", "X\x01: 1\r\n\r\n"),
    ("A2.1 a name above 127", "X\xe9: 1\r\n\r\n"), ("A2.1 DEL in a value", "X: a\x7fb\r\n\r\n"),
]


@pytest.mark.parametrize("cite,rest", REFUSED, ids=[r[0] for r in REFUSED])
def test_framing_that_is_refused(gw, up, cite, rest):
    """400, the connection ends, and no second request comes out of it."""
    up.seen.clear()
    out = gw.talk(f"POST /framing HTTP/1.1\r\nHost: h\r\n{rest}GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n", timeout=3)
    assert out.startswith(b"HTTP/1.1 400"), out[:200]
    assert out.count(b"HTTP/1.1 ") == 1
    assert not [head for head in up.seen if b"/smuggled" in head]


def test_nothing_is_forwarded_as_received(gw):
    """A2.1: extensions are dropped, chunks and field names are written anew, odd blanks go."""
    out = gw.talk("POST /echo HTTP/1.1\r\nHost:  h \r\nX-A:\t 1 \t\r\nTransfer-Encoding: Chunked\r\nConnection: close\r\n\r\n"
                  "0002;ext=\"a b\"\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
    assert out.startswith(b"HTTP/1.1 200"), out[:200]
    assert b"ext=" not in out and b"0002" not in out and b"X-A: 1\r\n" in out and b"Host: h\r\n" in out


def test_trailers_are_not_headers(gw, up):
    """A2.4: trailers are never promoted."""
    up.seen.clear()
    gw.talk("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n"
            "X-Real-Ip: 6.6.6.6\r\nX-Forwarded-For: 6.6.6.6\r\nAuthorization: evil\r\nContent-Length: 9\r\n\r\n")
    seen = b"".join(up.seen)
    assert b"6.6.6.6" not in seen and b"evil" not in seen and b"Content-Length: 9" not in seen


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "HEAD", "DELETE"])
def test_bodies_belong_to_their_request_whatever_the_method(gw, up, method):
    """A2.1, TE.0 and 0.CL: a body is never the next request."""
    up.seen.clear()
    body = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
    gw.talk(b"%s /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (method.encode(), len(body),
        body), timeout=1)
    gw.talk(b"%s /echo HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s" % (method.encode(), len(body), body), timeout=1)
    assert not [head for head in up.seen if head.startswith(b"GET /smuggled")]


def test_an_obscured_expectation_is_no_expectation(gw):
    """A2.1, Expect-based desync."""
    out = gw.talk("POST /echo HTTP/1.1\r\nHost: h\r\nExpect: y 100-continue\r\nContent-Length: 2\r\n\r\nab", timeout=2)
    assert out.startswith(b"HTTP/1.1 417")


def test_h2_is_never_reached_by_upgrade(gw, up):
    """A2.1: never h2c, neither by Upgrade nor by preface."""
    up.seen.clear()
    gw.talk("GET /echo HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\n"
            "Upgrade: h2c, websocket\r\nHTTP2-Settings: AA\r\n\r\n", timeout=1)
    assert all(values(head, "upgrade") in ([], ["websocket"]) and not values(head, "http2-settings") for head in up.seen), up.seen
    assert b"SETTINGS" not in gw.talk("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", timeout=1)


# --------------------------------------------------------------- A2.3: paths --

@pytest.mark.parametrize("path", [
    "/protected", "/%70rotected", "/x/../protected", "/x/%2e%2e/protected", "//protected", "/./protected", "/protected/",
        "/protected/..%2Fx",
    "/protected%00", "/protected;x", "/x/..;/protected", "/x/..%2fprotected", "/x/..%5cprotected", "/protected?x", "/.//./protected",
    "http://h/protected", "http://other/x/../protected"])
def test_a_rule_and_the_wire_see_one_path(gw, up, path):
    """A2.3: whatever is spelt, nothing that a server could take for /protected gets past the rule for it."""
    up.seen.clear()
    status = gw.ask(path)[0]
    assert status in (400, 403), status
    assert not up.seen


WIRE = [
    # cite, sent, what reaches the server
    ("A2.3 escapes in upper case, unreserved ones decoded", "/a%2fb/%7e%41?x=%7e", "/a%2Fb/~A?x=%7e"),
    ("A2.3 slashes are merged, dots removed", "/a//b/./c/../d", "/a/b/d"),
    ("A2.3 the query is untouched", "/a?x=../..//%2e%2e/;%zz", None),
    ("A2.3 no climbing above the root", "/../../a", "/a"),
    ("A2.3 after a strip, once more", "/strip/%2e%2e/a", "/a"),
    ("A2.3 a rewrite cannot climb", "/rewrite/..;/a", 400), ("A2.3 a rewrite to a double slash", "/rewrite//a", "/a"),
    ("A2.3 a strip that uncovers a double slash", "/strip//a", "/a"), ("A2.3 a fragment", "/a#b", 400),
    ("A2.3 control bytes", "/a\x01b", 400), ("A2.3 a cut escape", "/a%4", 400), ("A2.3 a backslash is no slash", "/a/..%5Cb", 400),
]


@pytest.mark.parametrize("cite,sent,expected", WIRE, ids=[r[0] for r in WIRE])
def test_paths_on_the_wire(gw, up, cite, sent, expected):
    up.seen.clear()
    status = gw.ask(sent)[0]
    if isinstance(expected, int):
        assert status == expected and not up.seen
        return
    target = up.seen[0].split(b" ")[1].decode("latin1")
    if expected is None:
        assert target.endswith("x=../..//%2e%2e/&%zz") or target.endswith("x=../..//%2e%2e/;%zz"), target
    else:
        assert target == expected


# ------------------------------------------------------- A2.4: who is asking --

GOOD = "Basic " + base64.b64encode(f"u:{PASSWORD}".encode()).decode()
IDENTITY = [
    # cite, path, headers sent, name, what the server gets
    ("A2.4 a client cannot name the user", "/basic", f"Authorization: {GOOD}\r\nX-WebAuth-User: root\r\n", "X-WebAuth-User", ["u"]),
    ("A2.4 nor nominate it away", "/basic", f"Authorization: {GOOD}\r\nConnection: X-WebAuth-User\r\n", "X-WebAuth-User", ["u"]),
    ("A2.4 nor spell it with underscores", "/basic", f"Authorization: {GOOD}\r\nX_WebAuth_User: root\r\n", "X_WebAuth_User", []),
    ("A2.4 nor mix them", "/basic", f"Authorization: {GOOD}\r\nX-WebAuth_User: root\r\n", "X-WebAuth_User", []),
    ("A2.4 no certificate, no header", "/cert", "X-Forwarded-Tls-Client-Cert: x\r\nX-Forwarded-Tls-Client-Cert-Info: y\r\n",
     "X-Forwarded-Tls-Client-Cert", []),
    ("A2.4 Host cannot be nominated", "/echo", "Connection: Host\r\n", "Host", ["h"]),
    ("A2.4 Content-Length cannot be nominated", "/echo", "Connection: Content-Length\r\nContent-Length: 0\r\n", "Content-Length", ["0"]),
    ("A2.4 Cookie and Authorization cannot be nominated", "/echo", "Connection: Cookie, Authorization\r\nCookie: a=b\r\n", "Cookie",
        ["a=b"]),
    ("A2.4 X-Forwarded-Prefix of a client", "/strip/a", "X-Forwarded-Prefix: /evil\r\n", "X-Forwarded-Prefix", ["/strip"]),
    ("A2.4 a prefix made up of a name", "/echo", "X-Forwarded-Anything: 1\r\n", "X-Forwarded-Anything", []),
]


@pytest.mark.parametrize("entry_point", ["web", "keep"])
@pytest.mark.parametrize("cite,path,headers,name,expected", IDENTITY, ids=[r[0] for r in IDENTITY])
def test_identity_is_not_the_clients_to_say(gw, up, cite, path, headers, name, expected, entry_point):
    up.seen.clear()
    assert gw.ask(path, headers, entry_point)[0] == 200
    got = values(up.seen[0], name)
    assert [value.split(":")[0] for value in got] == expected, up.seen[0]


@pytest.mark.parametrize("name, said, status", ASKED, ids=[r[0] for r in ASKED])
def test_only_a_well_formed_2xx_lets_in(gw, up, name, said, status):
    """A2.4, A2.9: anything else denies, and nothing but what is named comes out of it."""
    up.play("said-" + name, said, keep=name not in ("cut", "no-http"))
    up.seen.clear()
    assert gw.ask(f"/ask-{name}", "X-User: root\r\n")[0] == status
    for head in (head for head in up.seen if head.startswith(b"GET /ask-")):
        assert values(head, "x-user") == ([] if name == "of-this-hop" else ["ann"])
        assert [host.split(":")[0] for host in values(head, "host")] == ["h"] and status == 200


def test_trust_is_per_request(gw, up):
    """A2.4: per request, never per connection: the first one's header says nothing about the second."""
    up.seen.clear()
    with gw.connect() as s:
        for headers in ("X-Forwarded-For: 6.6.6.6\r\nAuthorization: Basic eDp5\r\n", ""):
            s.sendall(f"GET /echo HTTP/1.1\r\nHost: h\r\n{headers}\r\n".encode())
            answer_of(s)
    assert not values(up.seen[1], "authorization") and values(up.seen[1], "x-forwarded-for") == ["127.0.0.1"]


# ---------------------------------------------------------- A2.7, A2.8: config --

@pytest.mark.parametrize("address", ["169.254.169.254", "169.254.1.1", "0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255"])
def test_addresses_that_no_manifest_may_name(tmp_path, address):
    """A2.7: loopback, link-local and metadata backends are refused. Nothing is started: nobody is to be asked."""
    served, faults = explained(tmp_path, [*endpoints("bad", address), route("bad", "PathPrefix(`/`)", service="bad")])
    assert not served and any(address in json.dumps(fault) for fault in faults), faults


def test_external_names_are_off(tmp_path):
    """A2.7."""
    external = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "bad"},
                "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": 80}]}}
    served, faults = explained(tmp_path, [external, route("bad", "PathPrefix(`/`)", service="bad")])
    assert not served and any("ExternalName" in json.dumps(fault) for fault in faults), faults


@pytest.mark.parametrize("path", ["/broken", "/lost", "/far"])
def test_a_route_is_never_served_without_its_middleware(up, tmp_path, path):
    """A2.7: fail closed, also for a Secret of another namespace."""
    name = path[1:]
    only = [o for o in objects(up.port) if o["kind"] not in ("IngressRoute",)] + [
        route("only", "PathPrefix(`/`)", service="up", middlewares=[name])]
    loop = Loop(TIDEGATE, str(tmp_path), ("web",), "---\n".join(yaml.safe_dump(o) for o in only),
                ["--security.seccomp=false"] if SANITIZED else [])
    try:
        assert loop.ask(path)[0] in (404, 503)
    finally:
        assert loop.stop() == 0


@pytest.mark.parametrize("cite,token,status", [
    ("right", f"u:{PASSWORD}", 200), ("A2.8 a NUL and more", f"u:{PASSWORD}\0x", 401), ("A2.8 a NUL", f"u:{PASSWORD}\0", 401),
    ("A2.8 a prefix", f"u:{PASSWORD[:-1]}", 401), ("A2.8 more", f"u:{PASSWORD}x", 401), ("A2.8 nobody", f"v:{PASSWORD}", 401),
    ("A2.8 an empty password", "u:", 401), ("A2.8 no colon", "u", 401), ("A2.8 a NUL in the name", f"u\0:{PASSWORD}", 401)])
def test_passwords_are_compared_whole(gw, cite, token, status):
    assert gw.ask("/basic", "Authorization: Basic " + base64.b64encode(token.encode()).decode() + "\r\n")[0] == status


def test_unknown_users_cost_as_much(gw):
    """A2.8: constant work for unknown users."""
    def cost(user):
        best = []
        for i in range(40):
            token = base64.b64encode(f"{user}:wrong{i}".encode()).decode()
            began = time.perf_counter()
            gw.ask("/basic", f"Authorization: Basic {token}\r\n")
            best.append(time.perf_counter() - began)
        return sorted(best)[10]
    known, unknown = cost("u"), cost("nobody")
    assert unknown < known * 3 + 0.005 and known < unknown * 3 + 0.005, (known, unknown)


def admin(gw, *arguments, method="GET"):
    done = subprocess.run(["curl", "-s", "-i", "-X", method, "--max-time", "5", "--unix-socket", gw.socket, *arguments],
                          capture_output=True, text=True, timeout=20)
    return done.stdout


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_admin_only_answers_questions(gw, method):
    """A2.8: GET only, and no CORS."""
    out = admin(gw, "-H", "Origin: https://evil.example", "http://x/api/rawdata", method=method)
    assert re.match(r"HTTP/1.1 (405|400|501|404)", out), out[:100]
    assert "access-control" not in out.lower()


def test_admin_socket_is_for_its_owner(gw):
    """A2.8: a unix socket of mode 0600."""
    assert stat.S_IMODE(os.stat(gw.socket).st_mode) & 0o077 == 0


def test_secrets_are_nowhere_to_be_read(gw):
    """A2.8: not in the API, not in the log, not in check."""
    hidden = [base64.b64encode(hashlib.sha1(PASSWORD.encode()).digest()).decode(), "0123456789abcdef0123456789abcdef"]
    assert gw.ask("/basic", f"Authorization: {GOOD}\r\n")[0] == 200
    assert gw.ask(f"/query-key?x=1&api_key={hidden[1]}&y=2")[0] == 200
    time.sleep(0.2)
    check = subprocess.run([TIDEGATE, "check", "--json", f"--manifests={gw.manifests}"], capture_output=True, text=True).stdout
    for text in (admin(gw, "http://x/api/rawdata"), admin(gw, "http://x/metrics"), gw.log(), check):
        for word in hidden:
            assert word not in text
    assert "/query-key?x=1&api_key=REDACTED&y=2" in gw.log()
    assert GOOD.split(" ")[1] not in gw.log(), "credentials are in the access log"


def test_keys_are_not_logged_by_other_routes_either(up, tmp_path):
    """A2.8: neither where they are of no use, nor in the Referer of what a page loads."""
    loop = Loop(TIDEGATE, str(tmp_path), ENTRY_POINTS, "---\n".join(yaml.safe_dump(o) for o in objects(up.port)),
                ("--accessLog=true", *(["--security.seccomp=false"] if SANITIZED else [])))
    try:
        for path in ("/echo", "/protected", "/lost", "/nowhere"):
            loop.ask(f"{path}?api%5Fkey=geheim", "Referer: https://h/query-key?a=b&api_key=geheim\r\n")
    finally:
        assert loop.stop() == 0
    log = loop.log()
    assert "geheim" not in log and log.count('"https://h/query-key?a=b&api_key=REDACTED"') == 4, log


@pytest.mark.parametrize("more", ["Authorization: Basic eDp5\r\n", "Authorization: Bearer abc\r\n", "authorization:\r\n"])
def test_what_was_checked_is_what_goes_on(gw, up, more):
    """A2.4: two Authorization headers are two answers to who asks."""
    up.seen.clear()
    for headers in (f"Authorization: {GOOD}\r\n{more}", f"{more}Authorization: {GOOD}\r\n"):
        assert gw.ask("/basic", headers)[0] == 401
    assert not up.seen


def test_a_log_line_is_one_line(gw):
    """A2.8: fields of the log are escaped."""
    gw.ask("/log%0a%0d%22}{/x", "User-Agent: a\"}\\n{\"b\r\n")
    time.sleep(0.3)
    lines = [line for line in gw.log().splitlines() if "/log%0" in line]
    assert lines and all(json.loads(line) for line in lines if line.startswith("{"))


@pytest.mark.parametrize("path,host", [("//evil.example/", "h"), ("/secure//evil.example/%2e%2e", "h"), ("/secure/\\\\evil.example", "h"),
                                       ("/secure/%0d%0aX-Split: 1", "h")])
def test_redirections_stay_on_their_host(gw, path, host):
    """A2.8, CVE-2020-15129: no open redirect, no header splitting."""
    out = gw.talk(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    head = out.partition(b"\r\n\r\n")[0]
    assert b"\r\nX-Split" not in head
    for place in values(head + b"\r\n\r\n", "location"):
        assert place.startswith("https://h/"), place


# ------------------------------------------------------------- A2.6: resources --

def test_a_body_that_drips_does_not_stay(gw):
    """A2.6: connections that send nothing more of a body end by themselves, others go on."""
    with socket.create_connection(("127.0.0.1", gw.ports["web"]), 5) as s:
        s.sendall(b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nabc")
        assert gw.ask("/echo")[0] == 200
        s.shutdown(socket.SHUT_WR)
        out = drain(s)
    assert not out.startswith(b"HTTP/1.1 200")


def test_expressions_are_linear(gw, tmp_path):
    """A2.6: (a|a)*$ and the like cost what the input is long."""
    item = route("re", "PathRegexp(`^(a|a)*$`) || PathRegexp(`^/(a+)+$`)", service="up")
    gw.write("regex.yaml", yaml.safe_dump(item))
    time.sleep(0.3)
    began = time.monotonic()
    assert gw.ask("/" + "a" * 5000 + "!")[0] == 200
    assert time.monotonic() - began < 1
