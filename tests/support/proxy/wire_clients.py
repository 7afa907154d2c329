# SPDX-License-Identifier: Apache-2.0
"""wire_clients: clients that do what they should not."""

import os
import random
import socket
import struct
import threading
import time

from wire_world import GET, GETC, answer, answering, ask, connect, echo, header, need, read_all, read_body, read_head, status, story

@story
def smuggling_is_refused_and_closed(t):
    t.server.script = echo
    bad = [
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET /evil HTTP/1.1\r\nHost: x\r\n\r\n",
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
