# SPDX-License-Identifier: Apache-2.0
"""test_k_hostile: servers and clients that misbehave (reference/security.md A2.1, A2.6, A2.9; reference d.5).

After every row a fresh request must get its own answer: no row may poison a pooled connection.
"""

import resource
import socket
import struct
import time

import pytest
import yaml

from conftest import SANITIZED, TIDEGATE, middleware, route
from loop import Loop, Upstream, answer_of, drain, values
from test_k_wire import loop_service

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(scope="module")
def up():
    made = Upstream()
    yield made
    made.close()


@pytest.fixture(scope="module")
def gw(up, tmp_path_factory):
    items = loop_service("up", up.port) + [
        route("all", "PathPrefix(`/`)", service="up"), route("no", "PathPrefix(`/refused`)", service="up", middlewares=["no"]),
        middleware("no", "ipAllowList", {"sourceRange": ["192.0.2.1"]})]
    made = Loop(TIDEGATE, str(tmp_path_factory.mktemp("hostile")), ["web"], "---\n".join(yaml.safe_dump(i) for i in items),
                ["--entryPoints.web.transport.respondingTimeouts.readHeaderTimeout=2s",
                 *(["--security.seccomp=false"] if SANITIZED else [])])
    yield made
    assert made.stop() == 0, made.log()[-3000:]


def healthy(gw):
    status, _, body = gw.ask("/echo-after")
    return status == 200 and body.startswith(b"GET /echo-after ")


SERVERS = [
    # cite, what the server sends, status the client gets, body
    ("A2.9 surplus bytes", OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", 200, b"ok"),
    ("A2.9 surplus 100 is swallowed", b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200, b"ok"),
    ("A2.9 flood of 1xx", b"HTTP/1.1 103 E\r\n\r\n" * 40 + OK, 502, None),
    ("A2.9 101 that nobody asked for", b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nbytes", 502, None),
    ("A2.9 body on 204", b"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello", 204, b""),
    ("A2.9 body on 304", b"HTTP/1.1 304 Not\r\nContent-Length: 5\r\n\r\nhello", 304, b""),
    ("A2.9 differing lengths", HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!", 502, None),
    ("A2.9 length and coding", HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 502, None),
    ("A2.9 NUL", HEAD + b"X: a\0b\r\nContent-Length: 2\r\n\r\nok", 502, None),
    ("A2.9 bare CR", HEAD + b"X: a\rb\r\nContent-Length: 2\r\n\r\nok", 502, None),
    ("bare LF", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 502, None),
    ("obs-fold", HEAD + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\nok", 502, None),
    ("space before colon", HEAD + b"X : a\r\nContent-Length: 2\r\n\r\nok", 502, None),
    ("status of two digits", b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok", 502, None),
    ("status 1000", b"HTTP/1.1 1000 X\r\nContent-Length: 2\r\n\r\nok", 502, None),
    ("no reason", b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
    ("no HTTP", b"\x16\x03\x01hello, this is TLS", 502, None), ("HTTP/2", b"HTTP/2 200\r\n\r\nok", 502, None),
    ("coding beyond chunked", HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 502, None),
    ("chunked on 1.0", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 502, None),
    ("length negative", HEAD + b"Content-Length: -2\r\n\r\nok", 502, None),
    ("head too large", HEAD + b"X: " + b"a" * 300000 + b"\r\n\r\n", 502, None),
    ("too many headers", HEAD + b"".join(b"X-%d: a\r\n" % i for i in range(2000)) + b"Content-Length: 2\r\n\r\nok", 502, None),
    ("hop by hop goes",
     HEAD + b"Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 1\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
]


@pytest.mark.parametrize("cite,answer,status,body", SERVERS, ids=[r[0] for r in SERVERS])
def test_servers_that_misbehave(gw, up, cite, answer, status, body):
    up.play("bad", answer)
    for _ in range(2):
        out = gw.talk("GET /bad HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", timeout=2)
        while out.startswith(b"HTTP/1.1 103"):
            out = out.partition(b"\r\n\r\n")[2]
        head, _, rest = out.partition(b"\r\n\r\n")
        assert int(head[9:12]) == status, out[:200]
        if body is not None:
            assert rest == body
        assert b"evil" not in out and b"bytes" not in out and b"X-Hop" not in out
        assert healthy(gw)


CUTS = [("length", HEAD + b"Content-Length: 100\r\n\r\nabc"), ("chunk", HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"),
        ("between chunks", HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"),
        ("trailers", HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-T: 1\r\n"),
        ("bad chunk later", HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\nzz\r\n")]


@pytest.mark.parametrize("cite,answer", CUTS, ids=[r[0] for r in CUTS])
@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_truncation_shows(gw, up, cite, answer, version):
    """A2.9: no clean last chunk; on 1.0 no orderly end of the connection after what was sent already."""
    def send(_, connection, head, body):
        at = answer.index(b"\r\n\r\n") + 4
        connection.sendall(answer[:at + 3])
        time.sleep(0.1)
        connection.sendall(answer[at + 3:])
        time.sleep(0.1)
        return False
    up.scripts["cut"] = send
    with gw.connect() as s:
        s.sendall(f"GET /cut HTTP/{version}\r\nHost: h\r\n\r\n".encode())
        out, clean = b"", False
        try:
            while data := s.recv(65536):
                out += data
            clean = True
        except ConnectionResetError:
            pass
    assert not out.endswith(b"0\r\n\r\n") and not (clean and version == "1.0" and b" 200 " in out[:20] and b"Content-Length" not in out)
    assert healthy(gw)


def test_a_reset_in_the_middle_of_a_body_shows(gw, up):
    def send(_, connection, head, body):
        connection.sendall(HEAD + b"\r\nuntil close")
        time.sleep(0.1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False
    up.scripts["reset"] = send
    with gw.connect() as s:
        s.sendall(b"GET /reset HTTP/1.0\r\nHost: h\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            while s.recv(65536):
                pass


def test_an_early_answer_reaches_a_client_that_still_sends(gw, up):
    """A2.1: unread request body => both connections end; the answer arrives."""
    def early(_, connection, head, buffer):
        connection.sendall(b"HTTP/1.1 413 Large\r\nContent-Length: 3\r\n\r\nbig")
        time.sleep(0.2)
        return False
    up.scripts["early:big"] = early
    for _ in range(5):
        with gw.connect() as s:
            s.sendall(b"POST /big HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n" + b"GET /evil HTTP/1.1\r\n" * 100)
            out = drain(s)
        assert out.startswith(b"HTTP/1.1 413 ") and values(out, "Connection") == ["close"]
        assert healthy(gw)
    assert not any(b"/evil HTTP" in seen.split(b"\r\n")[0] for seen in up.seen)


def test_a_refused_body_is_not_the_next_request(gw, up):
    """A2.1: a middleware answers before the body came."""
    for framing in (b"Content-Length: 500\r\n\r\nGET /evil HTTP/1.1\r\nHost: h\r\n\r\n",
                    b"Transfer-Encoding: chunked\r\n\r\n1ff\r\nGET /evil HTTP/1.1\r\nHost: h\r\n\r\n"):
        out = gw.talk(b"POST /refused HTTP/1.1\r\nHost: h\r\n" + framing, timeout=1)
        assert out.count(b"HTTP/1.1 ") == 1 and out.startswith(b"HTTP/1.1 403")
    out = gw.talk(b"POST /refused HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
                  b"GET /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert out.startswith(b"HTTP/1.1 403") and out.count(b"HTTP/1.1 200") == 1


def test_expectations(gw, up):
    """d.5: 100 comes from the server or after a second; a refusal comes instead of it; others are 417."""
    with gw.connect() as s:
        s.sendall(b"POST /refused HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert drain(s).startswith(b"HTTP/1.1 403")
    with gw.connect() as s:
        s.sendall(b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
        assert s.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        s.sendall(b"abc")
        assert drain(s).endswith(b"abc")
    assert gw.ask(headers="Expect: magic\r\n", method="POST", body=b"a")[0] == 417


# ---------------------------------------------------------------------- tunnels --

UPGRADE = ("GET /{} HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: a\r\n"
           "Sec-WebSocket-Version: 13\r\n\r\n")
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def test_bytes_ahead_of_the_switch_arrive_in_order(gw, up):
    def tunnel(_, connection, head, buffer):
        time.sleep(0.1)
        connection.sendall(SWITCH + b"first")
        while not buffer.endswith(b"end"):
            buffer += connection.recv(1000)
        connection.sendall(b"<" + buffer + b">")
        return False
    up.scripts["early:ahead"] = tunnel
    with gw.connect() as s:
        s.sendall(UPGRADE.format("ahead").encode() + b"one ")
        time.sleep(0.3)
        s.sendall(b"two end")
        assert drain(s).endswith(b"first<one two end>")


def test_a_half_closed_tunnel_goes_on_the_other_way(gw, up):
    def tunnel(_, connection, head, buffer):
        connection.sendall(SWITCH)
        while data := connection.recv(1000):
            buffer += data
        time.sleep(0.2)
        connection.sendall(b"got " + buffer)
        return False
    up.scripts["early:half"] = tunnel
    assert gw.talk(UPGRADE.format("half") + "bye", half_close=True).endswith(b"got bye")


REFUSED_SWITCHES = [
    ("refused", b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", 403),
    ("another protocol", SWITCH.replace(b"websocket", b"h2c"), 502),
    ("no Upgrade header", b"HTTP/1.1 101 S\r\n\r\n", 502), ("200", OK, 200),
]


@pytest.mark.parametrize("cite,answer,status", REFUSED_SWITCHES, ids=[r[0] for r in REFUSED_SWITCHES])
def test_no_tunnel_without_the_right_101(gw, up, cite, answer, status):
    """A2.1: what the client sent behind the handshake is a request of its own, and is served as one."""
    up.play("switch", answer)
    out = gw.talk(UPGRADE.format("switch") + "GET /echo-next HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", timeout=2)
    assert out.startswith(b"HTTP/1.1 %d " % status)
    assert out.count(b"GET /echo-next HTTP/1.1\r\nHost: h\r\nX-Real-Ip") == 1


NO_UPGRADES = [
    "POST /echo HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\nContent-Length: 0\r\n\r\n",
    "GET /echo HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n",
    "GET /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\nUpgrade: websocket\r\n\r\n",
    "GET /echo HTTP/1.0\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
]


@pytest.mark.parametrize("request_", NO_UPGRADES)
def test_other_upgrades_are_ordinary_requests(gw, request_):
    raw = gw.talk(request_, timeout=2).partition(b"\r\n\r\n")[2]
    assert raw and values(raw, "Upgrade") == [] and values(raw, "Connection") == []


# ---------------------------------------------------------- clients, pools, crowds --

def test_a_server_that_closes_idle_connections_is_no_error(gw, up):
    """A2.1 and d.5: a stale pooled connection is retried when nothing was sent."""
    def once(_, connection, head, body):
        connection.sendall(OK)
        return False
    up.scripts["once"] = once
    for method, body in (("GET", b""), ("POST", b"x" * 10), ("PUT", b"x" * 10)) * 20:
        assert gw.ask("/once", method=method, body=body)[0] == 200


def test_pipelining_stops_at_an_error(gw):
    good = b"GET /echo-p HTTP/1.1\r\nHost: h\r\n\r\n"
    out = gw.talk(good * 3 + b"GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n" + good, timeout=2)
    assert out.count(b"HTTP/1.1 200") == 3 and out.count(b"HTTP/1.1 400") == 1
    out = gw.talk(good * 1000 + good.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), timeout=5)
    assert out.count(b"HTTP/1.1 200") == 1001


LONG = [("/echo" + "a" * 60000, 200), ("/echo" + "a" * 900000, 200), ("/echo" + "a" * 1100000, 431), ("/echo" + "%41" * 90000, 200),
        ("/a/.." * 20000 + "/echo", 200), ("/" * 100000 + "echo", 200), ("/echo?" + "a=b&" * 50000, 200)]


@pytest.mark.parametrize("path,status", LONG, ids=[f"{p[:12]} {len(p)}" for p, _ in LONG])
def test_long_targets(gw, path, status):
    begin = time.time()
    assert gw.ask(path)[0] == status
    assert time.time() - begin < 2


def test_heads_in_single_bytes_are_read_until_the_deadline(gw):
    """A2.6: a total deadline for the head, not an idle one."""
    with gw.connect() as s:
        for byte in b"GET /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n":
            s.sendall(bytes([byte]))
        assert drain(s).startswith(b"HTTP/1.1 200")
    begin = time.time()
    with gw.connect() as s:
        s.sendall(b"GET /echo HTTP/1.1\r\nHost: h\r\nX: ")
        try:
            while time.time() - begin < 8:
                s.sendall(b"a")
                time.sleep(0.1)
        except OSError:
            pass
    assert 1.5 < time.time() - begin < 5


def test_a_slow_reader_gets_everything(gw, up):
    size = 9_000_000
    up.play("large", HEAD + b"Content-Length: %d\r\n\r\n" % size + b"z" * size)
    with gw.connect() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        s.sendall(b"GET /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        out = b""
        for _ in range(20):
            out += s.recv(4096)
            time.sleep(0.02)
        out += drain(s)
    assert len(out.partition(b"\r\n\r\n")[2]) == size


def test_crowds_of_idle_connections(gw):
    """D7: what idles costs little and hinders nobody."""
    crowd = min(2000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 200)
    idle = [gw.connect() for _ in range(crowd)]
    try:
        for s in idle[::2]:
            s.sendall(b"GET /echo HT")
        begin = time.time()
        assert all(healthy(gw) for _ in range(20))
        assert time.time() - begin < 2
    finally:
        for s in idle:
            s.close()
    assert healthy(gw)


def test_requests_go_on_after_errors_on_one_connection(gw):
    """Answers that are ours do not cost the client its connection when the request was read whole."""
    with gw.connect() as s:
        for path, status in (("/refused", 403), ("/echo", 200), ("/a/..;/b", 400)):
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            head, _ = answer_of(s)
            assert int(head[9:12]) == status
