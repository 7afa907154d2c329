# SPDX-License-Identifier: Apache-2.0
"""adversary: raw-socket stories against mini_proxy: clients and servers that do what they should not.

Run as: /usr/bin/python3 adversary.py path/to/mini_proxy [name...]. Each story starts from a fresh scripted
server; the proxy lives through all of them and must end with no connection, request or server connection left.
"""

import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback

STORIES = []


def story(function):
    STORIES.append(function)
    return function


def listener():
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", 0))
    s.listen(128)
    return s


class Server:
    """Accepts on one port; each connection is handed to the current script."""

    def __init__(self):
        self.sock = listener()
        self.port = self.sock.getsockname()[1]
        self.script = None
        self.seen = []  # raw requests, in order
        self.errors = []
        self.open = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            c, _ = self.sock.accept()
            c.settimeout(5)
            self.open.append(c)
            threading.Thread(target=self._serve, args=(c,), daemon=True).start()

    def _serve(self, c):
        script = self.script
        try:
            script(self, c)
        except (OSError, EOFError):
            pass
        except Exception:
            self.errors.append(traceback.format_exc())
        finally:
            try:
                c.close()
            except OSError:
                pass


def read_head(c, buf=b""):
    while b"\r\n\r\n" not in buf:
        d = c.recv(65536)
        if not d:
            raise EOFError
        buf += d
    head, rest = buf.split(b"\r\n\r\n", 1)
    return head + b"\r\n\r\n", rest


def header(head, name):
    m = re.search(rb"(?im)^" + name + rb":[ \t]*(.*?)\r$", head)
    return m.group(1) if m else None


def read_body(c, head, rest):
    """Body of a request or response with length or chunks; returns body, surplus."""
    if (header(head, b"transfer-encoding") or b"").lower() == b"chunked":
        body = b""
        while True:
            while b"\r\n" not in rest:
                rest += need(c)
            size, rest = rest.split(b"\r\n", 1)
            n = int(size, 16)
            while len(rest) < n + 2:
                rest += need(c)
            if n == 0:
                while rest[:2] != b"\r\n" and b"\r\n\r\n" not in rest:
                    rest += need(c)
                if rest[:2] == b"\r\n":
                    return body, rest[2:]
                return body, rest.split(b"\r\n\r\n", 1)[1]
            body += rest[:n]
            assert rest[n:n + 2] == b"\r\n"
            rest = rest[n + 2:]
    n = int(header(head, b"content-length") or 0)
    while len(rest) < n:
        rest += need(c)
    return rest[:n], rest[n:]


def need(c):
    d = c.recv(65536)
    if not d:
        raise EOFError
    return d


def echo(server, c):
    """A good server: says what it got."""
    rest = b""
    while True:
        head, rest = read_head(c, rest)
        body, rest = read_body(c, head, rest)
        server.seen.append(head + body)
        line = head.split(b"\r\n")[0]
        out = line + b"\n" + body
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(out) + out)


def answering(raw, close=True, times=1):
    def script(server, c):
        rest = b""
        for _ in range(times):
            head, rest = read_head(c, rest)
            body, rest = read_body(c, head, rest)
            server.seen.append(head + body)
            c.sendall(raw)
        if not close:
            c.recv(1)
    return script


def connect(t):
    c = socket.create_connection(("127.0.0.1", t.proxy_port), 5)
    c.settimeout(5)
    return c


def read_all(c):
    out = b""
    try:
        while True:
            d = c.recv(65536)
            if not d:
                return out
            out += d
    except ConnectionResetError:
        return out + b"<RESET>"
    except socket.timeout:
        return out + b"<TIMEOUT>"


def ask(t, raw, keep=False):
    c = connect(t)
    c.sendall(raw)
    out = read_all(c)
    c.close()
    return out


def answer(c, rest=b""):
    head, rest = read_head(c, rest)
    if b" 304 " in head.split(b"\r\n")[0] or b" 204 " in head.split(b"\r\n")[0]:
        return head, b"", rest
    body, rest = read_body(c, head, rest)
    return head, body, rest


def status(out):
    m = re.match(rb"HTTP/1\.1 (\d\d\d) ", out)
    assert m, out[:200]
    return int(m.group(1))


GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
GETC = b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


# ------------------------------------------------------------------ clients ----

@story
def smuggling_is_refused_and_closed(t):
    t.server.script = echo
    bad = [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /evil HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdefGET /evil HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nabcde",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5 5\r\n\r\nabcde",
        b"GET / HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n: empty\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/3.0\r\nHost: x\r\n\r\n",
    ]
    for raw in bad:
        out = ask(t, raw)
        assert status(out) in (400, 501, 505), (raw, out)
        assert b"evil" not in out and out.count(b"HTTP/1.1 ") == 1, (raw, out)
        assert b"<TIMEOUT>" not in out, (raw, out)
    assert not any(b"evil" in s for s in t.server.seen)


@story
def bad_chunks_cut_the_request(t):
    t.server.script = echo
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    for body in (b"g\r\n", b"5\nabcde\r\n0\r\n\r\n", b"5\r\nabcdeX\r\n0\r\n\r\n", b"-1\r\n",
                 b"ffffffffffffffff1\r\n", b"5;\x00\r\nabcde\r\n", b"5\r\nabcde\n0\r\n\r\n"):
        for late in (False, True):
            c = connect(t)
            if late:
                c.sendall(head + b"3\r\nxyz\r\n")
                time.sleep(0.02)
                c.sendall(body)
            else:
                c.sendall(head + body)
            out = read_all(c)
            c.close()
            assert status(out) == 400, (body, late, out)
            assert b"<TIMEOUT>" not in out


@story
def heads_in_pieces_are_put_together(t):
    t.server.script = echo
    for step in (1, 3, 7):
        c = connect(t)
        raw = b"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde"
        for i in range(0, len(raw), step):
            c.sendall(raw[i:i + step])
            time.sleep(0.001)
        head, body, _ = answer(c)
        assert status(head) == 200 and body.endswith(b"\nabcde"), body
        c.sendall(GET)
        assert status(answer(c)[0]) == 200
        c.close()


@story
def large_heads_pass_and_too_large_ones_do_not(t):
    t.server.script = echo
    for n in (3000, 4096, 5000, 20000, 60000):
        big = b"GET /a HTTP/1.1\r\nHost: x\r\nX-Big: " + b"b" * n + b"\r\nConnection: close\r\n\r\n"
        assert status(ask(t, big)) == 200, n
        assert b"b" * n in t.server.seen[-1]
    out = ask(t, b"GET /a HTTP/1.1\r\nHost: x\r\nX-Big: " + b"b" * 70000 + b"\r\n\r\n")
    assert status(out) == 431, out[:100]
    out = ask(t, b"GET /a HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200 + b"\r\n")
    assert status(out) == 431, out[:100]


@story
def pipelined_requests_are_answered_in_order(t):
    t.server.script = echo
    n = 500
    c = connect(t)
    raw = b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % i for i in range(n))
    threading.Thread(target=c.sendall, args=(raw,), daemon=True).start()
    rest = b""
    for i in range(n):
        head, body, rest = answer(c, rest)
        assert body == b"GET /%d HTTP/1.1\n" % i, (i, body)
    c.close()
    # With bodies, in both framings.
    c = connect(t)
    raw = b""
    for i in range(50):
        raw += b"POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc" % i
        raw += b"POST /c%d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" % i
    threading.Thread(target=c.sendall, args=(raw,), daemon=True).start()
    rest = b""
    for i in range(50):
        _, body, rest = answer(c, rest)
        assert body == b"POST /%d HTTP/1.1\nabc" % i, body
        _, body, rest = answer(c, rest)
        assert body == b"POST /c%d HTTP/1.1\nabc" % i, body
    c.close()


@story
def a_slow_head_ends_with_408(t):
    t.server.script = echo
    c = connect(t)
    begin = time.time()
    try:
        for ch in b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ":
            c.sendall(bytes([ch]))
            time.sleep(0.03)
        for _ in range(200):
            c.sendall(b"a")
            time.sleep(0.03)
    except OSError:
        pass
    took = time.time() - begin
    out = read_all(c)
    assert took < 4.5, took  # 2 s, and 2 s in which the answer may be read
    assert out == b"" or status(out) == 408 or b"RESET" in out, out
    c.close()


@story
def half_closed_clients_get_their_answer(t):
    t.server.script = echo
    c = connect(t)
    c.sendall(GET)
    c.shutdown(socket.SHUT_WR)
    out = read_all(c)
    assert status(out) == 200 and b"RESET" not in out, out
    c.close()

    def slow(server, s):
        head, _ = read_head(s)
        time.sleep(0.3)
        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nslow")
    t.server.script = slow
    t.fresh()
    c = connect(t)
    c.sendall(GET)
    c.shutdown(socket.SHUT_WR)
    out = read_all(c)
    assert out.endswith(b"slow"), out
    c.close()


@story
def a_client_that_goes_away_takes_its_server_connection_with_it(t):
    gone = threading.Event()

    def hang(server, s):
        read_head(s)
        if s.recv(1) == b"":
            gone.set()
    t.server.script = hang
    t.fresh()
    c = connect(t)
    c.sendall(GET)
    time.sleep(0.1)
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.close()
    assert gone.wait(3)


@story
def resets_at_every_stage_do_no_harm(t):
    t.server.script = echo
    raw = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789"
    for cut in range(0, len(raw) + 1, 3):
        c = connect(t)
        c.sendall(raw[:cut])
        time.sleep(0.002)
        c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        c.close()
    assert status(ask(t, GETC)) == 200


@story
def a_body_that_is_cut_does_not_reach_the_end(t):
    complete = []

    def watch(server, s):
        head, rest = read_head(s)
        body, _ = read_body(s, head, rest)
        complete.append(body)
    t.server.script = watch
    t.fresh()
    for raw in (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234",
                b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n"):
        c = connect(t)
        c.sendall(raw)
        time.sleep(0.05)
        c.close()
    time.sleep(0.3)
    assert not complete, complete


@story
def large_bodies_arrive_unchanged_both_ways(t):
    t.server.script = echo
    data = os.urandom(1 << 16) * 48 + b"end"
    for chunked in (False, True):
        c = connect(t)

        def send():
            if not chunked:
                c.sendall(b"POST /u HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
                return
            c.sendall(b"POST /u HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            at = 0
            while at < len(data):
                n = random.randint(1, 70000)
                part = data[at:at + n]
                c.sendall(b"%x;ext=1\r\n" % len(part) + part + b"\r\n")
                at += n
            c.sendall(b"0\r\n\r\n")
        th = threading.Thread(target=send, daemon=True)
        th.start()
        _, body, rest = answer(c)
        th.join()
        assert body == b"POST /u HTTP/1.1\n" + data, (len(body), len(data))
        c.sendall(GET)
        assert status(answer(c, rest)[0]) == 200
        c.close()


@story
def a_slow_reader_holds_up_nobody_and_gets_everything(t):
    data = os.urandom(1 << 20) * 8

    def big(server, s):
        read_head(s)
        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
        s.recv(1)
    t.server.script = big
    t.fresh()
    c = socket.socket()
    c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    c.connect(("127.0.0.1", t.proxy_port))
    c.settimeout(5)
    c.sendall(GET)
    time.sleep(0.2)
    other = threading.Thread(target=lambda: answer_of_other(t, data))
    other.start()
    head, rest = read_head(c)
    while len(rest) < len(data):
        rest += need(c)
        if random.random() < 0.02:
            time.sleep(0.002)
    other.join(10)
    assert rest == data
    c.close()


def answer_of_other(t, data):
    c = connect(t)
    c.sendall(GET)
    _, body, _ = answer(c)
    assert body == data
    c.close()


@story
def an_expectation_is_met_once(t):
    def good(server, s):
        head, _ = read_head(s)
        assert b"100-continue" in head.lower()
        s.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body, _ = read_body(s, head, b"")
        s.sendall(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        s.recv(1)

    def ignorant(server, s):
        head, rest = read_head(s)
        body, _ = read_body(s, head, rest)
        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        s.recv(1)

    def refusing(server, s):
        read_head(s)
        s.sendall(b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno")
        s.recv(1)
    raw = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    for script in (good, ignorant):
        t.server.script = script
        t.fresh()
        c = connect(t)
        c.sendall(raw)
        head, rest = read_head(c)
        assert status(head) == 100, head
        c.sendall(b"abcde")
        head, body, rest = answer(c, rest)
        assert status(head) == 200 and body == b"abcde", (head, body)
        c.close()
    t.server.script = refusing
    t.fresh()
    c = connect(t)
    c.sendall(raw)
    head, body, rest = answer(c)
    assert status(head) == 401 and b"close" in (header(head, b"connection") or b""), head
    assert read_all(c) == b""
    c.close()


@story
def old_clients_are_served(t):
    t.server.script = echo
    out = ask(t, b"GET /o HTTP/1.0\r\nHost: x\r\n\r\n")
    assert status(out) == 200 and b"transfer-encoding" not in out.lower(), out
    c = connect(t)
    c.sendall(b"GET /o HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")
    head, body, _ = answer(c)
    assert b"keep-alive" in head.lower()
    c.sendall(b"GET /o HTTP/1.0\r\n\r\n")
    assert status(read_all(c)) in (200, 404)
    c.close()
    t.server.script = answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    t.fresh()
    out = ask(t, b"GET /o HTTP/1.0\r\nHost: x\r\n\r\n")
    assert out.endswith(b"\r\n\r\nabc"), out


@story
def an_unread_body_closes_the_connection_after_the_answer(t):
    t.server.script = answering(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")

    def early(server, s):
        read_head(s)
        s.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        time.sleep(0.3)
    t.server.script = early
    t.fresh()
    c = connect(t)
    c.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n" + b"x" * 10000)
    head, body, rest = answer(c)
    assert status(head) == 413 and body == b"big"
    assert b"close" in header(head, b"connection"), head
    try:
        c.sendall(b"x" * 1000)
    except OSError:
        pass
    assert b"HTTP" not in read_all(c)
    c.close()


# ------------------------------------------------------------------ servers ----

@story
def hop_by_hop_fields_stop_here(t):
    t.server.script = echo
    ask(t, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close, X-Secret\r\nX-Secret: 1\r\nKeep-Alive: 5\r\n"
           b"TE: gzip\r\nProxy-Authorization: a\r\nUpgrade: h2c\r\nX-Forwarded-For: 6.6.6.6\r\nX_Forwarded_For: 7\r\n\r\n")
    seen = t.server.seen[-1].lower()
    for name in (b"x-secret", b"keep-alive", b"gzip", b"proxy-authorization", b"h2c", b"6.6.6.6", b"x_forwarded"):
        assert name not in seen, (name, seen)
    assert b"x-forwarded-for: 127.0.0.1\r" in seen, seen


@story
def a_stale_connection_is_replaced(t):
    def once(server, s):
        head, rest = read_head(s)
        body, _ = read_body(s, head, rest)
        server.seen.append(head + body)
        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        head, rest = read_head(s)  # the second one is never answered
        server.seen.append(b"LOST " + head)
    t.server.script = once
    t.fresh()
    for _ in range(5):
        assert status(ask(t, GETC)) == 200
    # A request that is not idempotent is not sent twice.
    out = ask(t, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert status(out) == 200
    before = len([s for s in t.server.seen if b"POST" in s])
    out = ask(t, b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\na")
    posts = len([s for s in t.server.seen if b"POST" in s]) - before
    assert posts == 1, (posts, out)
    assert status(out) in (200, 502)


@story
def truncated_answers_are_seen_as_such(t):
    for raw in (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n012"):
        t.server.script = answering(raw)
        t.fresh()
        out = ask(t, GETC)
        assert not out.endswith(b"0\r\n\r\n"), out
        if b"Content-Length: 10" in raw:
            assert b"Content-Length: 10" in out or b"RESET" in out
        assert status(ask_old(t)) in (200, 502)


def ask_old(t):
    out = ask(t, b"GET / HTTP/1.0\r\nHost: x\r\n\r\n")
    return out if out.startswith(b"HTTP") else b"HTTP/1.1 502 x" + out


@story
def bad_answers_become_502(t):
    for raw in (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
                b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n",
                b"HTTP/1.1 2000 OK\r\n\r\n", b"garbage\r\n\r\n", b"HTTP/2.0 200 OK\r\n\r\n",
                b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
                b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200000 + b"\r\n\r\n",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
                b"HTTP/1.1 200 OK\nContent-Length: 0\n\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                b"", b"HTTP/1.1 200", b"HTTP/1.1 103 Early\r\nLink: a\r\n\r\n" * 40):
        t.server.script = answering(raw)
        t.fresh()
        out = ask(t, GETC)
        final = out[out.rfind(b"HTTP/1.1 "):]
        assert status(final) == 502, (raw[:60], out[:300])


@story
def surplus_bytes_cost_the_connection_and_reach_nobody(t):
    evil = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    for raw in (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + evil,
                b"HTTP/1.1 204 No\r\n\r\n" + evil,
                b"HTTP/1.1 304 No\r\nContent-Length: 50\r\n\r\n" + evil,
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + evil):
        t.server.script = answering(raw, close=False)
        t.fresh()
        for _ in range(4):
            c = connect(t)
            c.sendall(GET)
            head, body, rest = answer(c)
            assert body in (b"ok", b"") and rest == b"", (raw, head, body, rest)
            c.close()

    def late(server, s):
        read_head(s)
        s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        time.sleep(0.05)
        s.sendall(evil)
        s.recv(1)
    t.server.script = late
    t.fresh()
    for _ in range(4):
        c = connect(t)
        c.sendall(GET)
        _, body, _ = answer(c)
        assert body == b"ok"
        c.close()
        time.sleep(0.08)


@story
def head_answers_have_no_body(t):
    t.server.script = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", close=False, times=3)
    t.fresh()
    c = connect(t)
    for _ in range(3):
        c.sendall(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
        head, rest = read_head(c)
        assert rest == b"" and b"1000" in head, (head, rest)
    c.close()


@story
def interim_answers_pass(t):
    raw = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    def slow(server, s):
        read_head(s)
        for b in raw:
            s.sendall(bytes([b]))
            time.sleep(0.0005)
        s.recv(1)
    for script in (answering(raw), slow):
        t.server.script = script
        t.fresh()
        out = ask(t, GETC)
        assert out.startswith(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200"), out
        t.fresh()
        out = ask(t, b"GET / HTTP/1.0\r\nHost: x\r\n\r\n")
        assert out.startswith(b"HTTP/1.1 200"), out


@story
def until_close_answers_are_chunked_for_new_clients(t):
    t.server.script = answering(b"HTTP/1.0 200 OK\r\n\r\nhello")
    t.fresh()
    c = connect(t)
    c.sendall(GET)
    head, body, _ = answer(c)
    assert body == b"hello" and header(head, b"transfer-encoding") == b"chunked", head
    t.server.script = echo
    t.fresh()
    c.sendall(GET)
    assert status(answer(c)[0]) == 200
    c.close()


@story
def trailers_pass(t):
    t.server.script = answering(b"HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n"
                                b"3\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n")
    t.fresh()
    out = ask(t, b"GET / HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nConnection: close\r\n\r\n")
    assert b"0\r\nX-Sum: 9\r\n\r\n" in out, out


@story
def a_server_that_refuses_gives_502_and_nothing_hangs(t):
    t.server.script = lambda server, s: s.close()
    t.fresh()
    for _ in range(5):
        assert status(ask(t, GETC)) == 502
    out = ask(t, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nabcde")
    assert status(out) == 502


# ------------------------------------------------------------------ tunnels ----

UPGRADE = (b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


def ws_server(server, s):
    head, rest = read_head(s)
    server.seen.append(head)
    s.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello")
    while True:
        if rest:
            s.sendall(rest)
        rest = s.recv(65536)
        if not rest:
            s.sendall(b"bye")
            return


@story
def tunnels_carry_bytes_and_half_closes(t):
    t.server.script = ws_server
    t.fresh()
    c = connect(t)
    c.sendall(UPGRADE + b"early")
    head, rest = read_head(c)
    assert status(head) == 101 and b"upgrade" in head.lower()
    while rest != b"helloearly":
        rest += need(c)
    data = os.urandom(3 << 20)
    got = []

    def read():
        n = 0
        while n < len(data):
            d = need(c)
            got.append(d)
            n += len(d)
    th = threading.Thread(target=read)
    th.start()
    c.sendall(data)
    th.join(10)
    assert b"".join(got) == data
    c.shutdown(socket.SHUT_WR)
    assert read_all(c) == b"bye"
    c.close()


@story
def no_tunnel_without_a_matching_101(t):
    t.server.script = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", close=False)
    t.fresh()
    c = connect(t)
    c.sendall(UPGRADE + b"GET /evil HTTP/1.1\r\nHost: x\r\n\r\n")
    head, body, rest = answer(c)
    assert status(head) == 200 and body == b"no"
    assert not any(b"evil" in s for s in t.server.seen)
    c.close()
    # h2c is not offered.
    t.server.script = echo
    t.fresh()
    ask(t, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n")
    assert b"h2c" not in t.server.seen[-1].lower() and b"upgrade" not in t.server.seen[-1].lower()


@story
def random_bytes_do_no_harm(t):
    t.server.script = echo
    rng = random.Random(4)
    seeds = [GET, UPGRADE, b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"]
    for i in range(300):
        raw = bytearray(rng.choice(seeds) * rng.randint(1, 3))
        for _ in range(rng.randint(1, 6)):
            raw[rng.randrange(len(raw))] = rng.choice(b"\r\n\0 :;/AZ09\xff")
        c = connect(t)
        c.sendall(bytes(raw))
        if rng.random() < 0.5:
            c.shutdown(socket.SHUT_WR)
        c.settimeout(0.03)
        try:
            while c.recv(65536):
                pass
        except OSError:
            pass
        c.close()
    t.server.script = echo
    assert status(ask(t, GETC)) == 200


@story
def random_answers_do_no_harm(t):
    rng = random.Random(5)
    seeds = [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
             b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n",
             b"HTTP/1.1 103 E\r\n\r\nHTTP/1.1 204 N\r\n\r\n"]

    def script(server, s):
        while True:
            read_head(s)
            raw = bytearray(rng.choice(seeds) * rng.randint(1, 2))
            for _ in range(rng.randint(0, 5)):
                raw[rng.randrange(len(raw))] = rng.choice(b"\r\n\0 :;/AZ09\xff")
            cut = rng.randrange(len(raw))
            s.sendall(bytes(raw[:cut]))
            time.sleep(rng.choice((0, 0.001)))
            s.sendall(bytes(raw[cut:]))
            if rng.random() < 0.3:
                return
    t.server.script = script
    for i in range(300):
        c = connect(t)
        c.settimeout(0.05)
        c.sendall(GET)
        try:
            while c.recv(65536):
                pass
        except OSError:
            pass
        c.close()
    t.server.script = echo
    t.fresh()
    assert status(ask(t, GETC)) == 200


class World:
    def __init__(self, program, extra):
        self.server = Server()
        probe = listener()
        self.proxy_port = probe.getsockname()[1]
        probe.close()
        self.process = subprocess.Popen([program, "-t", "2000"] + extra + [str(self.proxy_port), str(self.server.port)],
                                        stderr=subprocess.PIPE, text=True, bufsize=1)
        self.lines = []
        threading.Thread(target=self._read, daemon=True).start()
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.proxy_port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("the proxy does not listen: " + "".join(self.lines))

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line)

    def status(self):
        n = len(self.lines)
        self.process.send_signal(signal.SIGUSR1)
        for _ in range(100):
            if len(self.lines) > n and self.lines[-1].startswith("open "):
                words = self.lines[-1].split()
                return dict(zip(words[::2], map(int, words[1::2])))
            time.sleep(0.02)
        raise SystemExit("no status: " + "".join(self.lines[-50:]))

    def fresh(self):
        """Ends the connections that earlier scripts still hold."""
        for c in self.server.open:
            try:
                c.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.server.open.clear()
        time.sleep(0.05)

    def settle(self):
        for _ in range(200):
            s = self.status()
            if s["open"] == 0 and s["active"] == 0 and s["up-active"] == 0:
                return s
            time.sleep(0.05)
        raise AssertionError("left over: %s" % s)


def main():
    program, names = sys.argv[1], sys.argv[2:]
    failed = 0
    for function in STORIES:
        if names and function.__name__ not in names:
            continue
        world = World(program, [])
        begin = time.time()
        try:
            function(world)
            world.settle()
            assert not world.server.errors, world.server.errors[0]
            print("ok      %-60s %.1fs" % (function.__name__.replace("_", " "), time.time() - begin), flush=True)
        except BaseException:
            failed += 1
            print("FAILED  " + function.__name__, flush=True)
            traceback.print_exc()
            print("".join(world.lines[-40:]))
        world.process.terminate()
        code = world.process.wait(10)
        if code:
            failed += 1
            time.sleep(0.1)
            print("exit code %d\n%s" % (code, "".join(world.lines[-60:])))
    print("%d failed" % failed)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
