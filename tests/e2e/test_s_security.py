# SPDX-License-Identifier: Apache-2.0
"""Hostile bytes over the wire (reference/security.md): each row is one way in that must stay shut."""

import pytest
from conftest import BACKENDS, Gateway, backend_service, middleware, route

OK = "GET / HTTP/1.1\r\nHost: x.test\r\n{}\r\n"
REFUSED = [
    # A2.1: framing
    ("CL and TE", "POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("TE twice", "POST / HTTP/1.1\r\nHost: x.test\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("TE identity", "POST / HTTP/1.1\r\nHost: x.test\r\nTransfer-Encoding: identity\r\n\r\n"),
    ("TE xchunked", "POST / HTTP/1.1\r\nHost: x.test\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    ("TE on 1.0", "POST / HTTP/1.0\r\nHost: x.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("CL differs", "POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
    ("CL plus sign", "POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: +5\r\n\r\nhello"),
    ("CL hex", "POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 0x5\r\n\r\nhello"),
    ("CL overflow", "POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 99999999999999999999\r\n\r\n"),
    ("CL empty", "POST / HTTP/1.1\r\nHost: x.test\r\nContent-Length:\r\n\r\n"),
    ("space before colon", OK.format("X-A : b\r\n")),
    ("empty name", OK.format(": b\r\n")),
    ("obs-fold", OK.format("X-A: b\r\n c\r\n")),
    ("bare LF in head", "GET / HTTP/1.1\nHost: x.test\n\n"),
    ("bare CR in value", OK.format("X-A: b\rc\r\n")),
    ("NUL in value", OK.format("X-A: b\0c\r\n")),
    ("NUL in target", "GET /\0 HTTP/1.1\r\nHost: x.test\r\n\r\n"),
    ("two hosts", "GET / HTTP/1.1\r\nHost: x.test\r\nHost: y.test\r\n\r\n"),
    ("no host", "GET / HTTP/1.1\r\nX-A: b\r\n\r\n"),
    ("host with a path", "GET / HTTP/1.1\r\nHost: x.test/evil\r\n\r\n"),
    ("fragment", "GET /a#b HTTP/1.1\r\nHost: x.test\r\n\r\n"),
    ("bad escape", "GET /%zz HTTP/1.1\r\nHost: x.test\r\n\r\n"),
    ("dot segment with parameter", "GET /a/..;/b HTTP/1.1\r\nHost: x.test\r\n\r\n"),
    ("chunk size overflow", "POST / HTTP/1.1\r\nHost: x.test\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"),
    ("chunk size signed", "POST / HTTP/1.1\r\nHost: x.test\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n"),
    ("bare LF in chunk line", "POST / HTTP/1.1\r\nHost: x.test\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n"),
    ("no CRLF after chunk", "POST / HTTP/1.1\r\nHost: x.test\r\nTransfer-Encoding: chunked\r\n\r\n1\r\naXX0\r\n\r\n"),
]


@pytest.fixture(scope="module")
def shut(lab, tmp_path_factory):
    made = Gateway(lab, str(tmp_path_factory.mktemp("shut")))
    made.write("90-backends.yaml", *backend_service("backends", BACKENDS.values()))
    made.write("10.yaml", route("web", "PathPrefix(`/`)"),
               route("admin", "Host(`x.test`) && PathPrefix(`/admin`)", middlewares=("deny",)),
               middleware("deny", "ipAllowList", {"sourceRange": ["192.0.2.1"]}))
    made.start()
    yield made
    made.stop()


@pytest.mark.parametrize("name, data", REFUSED, ids=[name for name, _ in REFUSED])
def test_malformed_requests_are_refused_and_the_connection_closes(shut, name, data):
    follow = "GET /second HTTP/1.1\r\nHost: x.test\r\n\r\n"
    out = shut.raw(data + follow, timeout=3)
    assert out.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431", b"HTTP/1.1 501", b"HTTP/1.1 505")), out[:100]
    assert b"/second" not in out and out.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("path", [
    "/admin", "//admin", "/./admin", "/x/../admin", "/%61dmin", "/x/%2e%2e/admin", "/admin/", "///x//..//admin",
])
def test_a_protected_path_has_no_second_spelling(shut, path):
    status, _, body = shut.get("x.test", path)
    assert status == 403, (path, body)


def test_connect_is_refused(shut):
    assert shut.raw("CONNECT x.test:80 HTTP/1.1\r\nHost: x.test:80\r\n\r\n").startswith(b"HTTP/1.1 501")


def test_h2c_upgrade_is_not_forwarded(shut):
    out = shut.raw("GET / HTTP/1.1\r\nHost: x.test\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\n"
                   "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", timeout=3)
    assert not out.startswith(b"HTTP/1.1 101")


def test_untrusted_forwarded_headers_are_replaced(shut):
    out = shut.get("x.test", "/", "-H", "X-Forwarded-For: 1.2.3.4", "-H", "X_Forwarded_For: 5.6.7.8")[2]
    assert "xff=10.77.1.2\n" in out


def test_connection_cannot_take_away_identity_headers(shut):
    out = shut.get("x.test", "/", "-H", "Connection: X-Forwarded-For, X-Real-Ip, close")[2]
    assert "xff=10.77.1.2\n" in out


def test_a_head_that_is_too_large_is_431(shut):
    assert shut.raw(OK.format("X-Big: " + "a" * 2_000_000 + "\r\n"))[:12] in (b"HTTP/1.1 431", b"")
    assert shut.raw(OK.format("".join(f"X-{i}: 1\r\n" for i in range(500)))).startswith(b"HTTP/1.1 431")
