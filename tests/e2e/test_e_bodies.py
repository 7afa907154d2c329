# SPDX-License-Identifier: Apache-2.0
"""Bodies, keep-alive, pipelining and tunnels over the wire (reference d.5)."""

import hashlib
import os
import subprocess

from conftest import BACKENDS, GATEWAY, backend_service, route

# An upstream that answers by script: what it says depends on the path; request bodies are hashed.
UPSTREAM = r"""
import asyncio, hashlib, sys
async def serve(r, w):
    try:
        while True:
            head = await r.readuntil(b"\r\n\r\n")
            line, *fields = head.decode("latin1").split("\r\n")
            method, path, _ = line.split(" ")
            h = {f.split(":",1)[0].lower(): f.split(":",1)[1].strip() for f in fields if ":" in f}
            if h.get("expect") == "100-continue":
                w.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body, trailers = b"", b""
            if h.get("transfer-encoding") == "chunked":
                while True:
                    n = int((await r.readline()).split(b";")[0], 16)
                    if n == 0: break
                    body += await r.readexactly(n); await r.readexactly(2)
                while (t := await r.readline()) != b"\r\n": trailers += t
            elif "content-length" in h:
                body = await r.readexactly(int(h["content-length"]))
            if path.startswith("/hash"):
                text = f"{method} {len(body)} {hashlib.sha256(body).hexdigest()} te={h.get('transfer-encoding')} {trailers!r}\n".encode()
                w.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), b"" if method == "HEAD" else text))
            elif path.startswith("/chunked"):
                w.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
                for i in range(50):
                    w.write(b"400\r\n" + b"x" * 1024 + b"\r\n"); await w.drain()
                w.write(b"0\r\nX-Sum: 42\r\n\r\n")
            elif path.startswith("/close"):
                w.write(b"HTTP/1.1 200 OK\r\n\r\n" + b"y" * 100000); await w.drain(); w.close(); return
            elif path.startswith("/cut"):
                w.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort"); await w.drain(); w.close(); return
            elif path.startswith("/garbage"):
                w.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"); await w.drain(); w.close(); return
            elif path.startswith("/early"):
                w.write(b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            elif path.startswith("/204"):
                w.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            elif path.startswith("/drop"):
                w.close(); return
            else:
                w.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await w.drain()
    except (asyncio.IncompleteReadError, ConnectionError, ValueError): pass
    finally: w.close()
async def main():
    server = await asyncio.start_server(serve, "0.0.0.0", int(sys.argv[1]))
    async with server: await server.serve_forever()
asyncio.run(main())
"""

ECHO = r"""
import asyncio, sys, websockets
async def echo(ws, *_):
    async for message in ws: await ws.send(message)
async def main():
    async with websockets.serve(echo, "0.0.0.0", int(sys.argv[1]), max_size=None): await asyncio.Future()
asyncio.run(main())
"""

WS_CLIENT = r"""
import asyncio, sys, websockets, os
async def main():
    async with websockets.connect(f"ws://{sys.argv[1]}/chat", extra_headers={}, max_size=None, host=sys.argv[1], port=80) as ws:
        for size in (0, 1, 125, 126, 65536, 300000):
            data = os.urandom(size)
            await ws.send(data)
            assert await ws.recv() == data, size
        print("echoed", ws.response_headers.get("Upgrade"))
asyncio.run(main())
"""


def start_script(gateway, code, port):
    process = gateway.lab.start("a", "/usr/bin/python3", "-c", code, str(port))
    gateway.lab.wait_for(lambda: gateway.lab.run("a", "curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{port}/ok",
                                                 check=False).returncode in (0, 22, 52, 56), "the upstream script")
    return process


def serve(gateway, port=9100, code=UPSTREAM):
    gateway.script = start_script(gateway, code, port)
    gateway.write("10.yaml", *backend_service("script", [BACKENDS["a"]], port=port),
                  route("web", "Host(`x.test`) || Host(`10.77.1.1`)", service="script"))
    gateway.start()


def finish(gateway):
    gateway.lab.stop(gateway.script)


def test_request_bodies_arrive_whole(gateway, tmp_path):
    serve(gateway)
    for size in (0, 1, 65536, 3_000_000):
        path = tmp_path / "body"
        data = os.urandom(size)
        path.write_bytes(data)
        want = f"POST {size} {hashlib.sha256(data).hexdigest()}"
        assert gateway.get("x.test", "/hash", "--data-binary", f"@{path}")[2].startswith(want)
        chunked = gateway.get("x.test", "/hash", "-H", "Transfer-Encoding: chunked", "--data-binary", f"@{path}")[2]
        assert chunked.startswith(want)
    finish(gateway)


def test_responses_of_every_framing(gateway):
    serve(gateway)
    status, headers, body = gateway.get("x.test", "/chunked")
    assert status == 200 and body == "x" * 51200 + "X-Sum: 42\n"  # curl -i shows the trailer
    status, headers, body = gateway.get("x.test", "/close")
    assert status == 200 and body == "y" * 100000
    assert gateway.get("x.test", "/204")[0] == 204
    status, headers, body = gateway.get("x.test", "/hash", "-I")
    assert status == 200 and body == "" and int(headers["content-length"][0]) > 0
    assert b"HTTP/1.1 103 Early Hints" in gateway.raw("GET /early HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n\r\n")
    finish(gateway)


def test_trailers_pass_both_ways(gateway):
    serve(gateway)
    out = gateway.raw("GET /chunked HTTP/1.1\r\nHost: x.test\r\nTE: trailers\r\nConnection: close\r\n\r\n")
    assert out.rstrip().endswith(b"0\r\nX-Sum: 42")
    out = gateway.raw("POST /hash HTTP/1.1\r\nHost: x.test\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\nConnection: close\r\n"
                      "\r\n3\r\nabc\r\n0\r\nX-T: 7\r\n\r\n")
    assert b"POST 3 " in out and b"X-T: 7" in out
    finish(gateway)


def test_truncation_is_visible_and_garbage_is_502(gateway):
    serve(gateway)
    result = gateway.lab.run("client", "curl", "-s", "-H", "Host: x.test", f"http://{GATEWAY}/cut", check=False)
    assert result.returncode in (18, 56)  # partial file, or reset
    assert gateway.get("x.test", "/garbage")[0] == 502
    assert gateway.get("x.test", "/drop")[0] == 502
    assert gateway.get("x.test", "/ok")[0] == 200
    finish(gateway)


def test_pipelined_requests_are_answered_in_order(gateway):
    serve(gateway)
    out = gateway.raw("".join(f"GET /hash?{i} HTTP/1.1\r\nHost: x.test\r\n\r\n" for i in range(9)) +
                      "GET /ok HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n\r\n")
    assert out.count(b"HTTP/1.1 200 OK") == 10
    finish(gateway)


def test_http_1_0_closes_unless_asked(gateway):
    serve(gateway)
    out = gateway.raw("GET /chunked HTTP/1.0\r\nHost: x.test\r\n\r\n")
    assert out.startswith(b"HTTP/1.1 200") and b"chunked" not in out.lower().split(b"\r\n\r\n")[0]
    assert out.split(b"\r\n\r\n", 1)[1] == b"x" * 51200
    finish(gateway)


def test_expect_100_continue(gateway):
    serve(gateway)
    out = gateway.raw("POST /hash HTTP/1.1\r\nHost: x.test\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\nabc")
    assert out.startswith(b"HTTP/1.1 100 Continue\r\n") and b"POST 3 " in out
    finish(gateway)


def test_websocket_tunnel(gateway):
    serve(gateway, 9101, ECHO)
    result = gateway.lab.run("client", "/usr/bin/python3", "-c", WS_CLIENT, GATEWAY, check=False)
    assert result.stdout.startswith("echoed"), result.stderr[-500:]
    finish(gateway)


def test_concurrent_downloads_are_identical(gateway, tmp_path):
    data = os.urandom(5_000_000)
    folder = os.path.join(gateway.lab.dir, "backend-a", "www", "files")
    with open(os.path.join(folder, "big"), "wb") as file:
        file.write(data)
    gateway.write("10.yaml", route("web", "Host(`x.test`)", service="a"))
    gateway.start()
    clients = [subprocess.Popen(gateway.lab.inside("client", "curl", "-s", "--limit-rate", "20M", "-H", "Host: x.test",
                                                   f"http://{GATEWAY}/files/big"), stdout=subprocess.PIPE)
               for _ in range(8)]
    sums = {hashlib.sha256(c.communicate(timeout=60)[0]).hexdigest() for c in clients}
    assert sums == {hashlib.sha256(data).hexdigest()}
