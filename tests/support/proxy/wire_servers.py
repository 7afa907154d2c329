# SPDX-License-Identifier: Apache-2.0
"""wire_servers: servers and tunnels that do what they should not."""

import os
import random
import socket
import threading
import time

from wire_world import GET, GETC, answer, answering, ask, connect, echo, header, need, read_all, read_body, read_head, status, story

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
    # What came behind it is a request like any other: read, and written anew.
    head, body, rest = answer(c, rest)
    assert status(head) == 200 and body == b"no"
    assert [s.startswith(b"GET /evil ") for s in t.server.seen] == [False, True]
    assert b"evil" not in t.server.seen[0] and b"x-real-ip: " in t.server.seen[1].lower()
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
        c.settimeout(0.02)
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
