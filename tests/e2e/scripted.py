# SPDX-License-Identifier: Apache-2.0
"""scripted: a server that answers as each request's X-Answer header says, and a client that shows every byte."""

import base64
import json

from conftest import BACKENDS, GATEWAY

# What both sides know without sending it.
TEXT = b"".join(b"line %d of a text that compresses well\n" % i for i in range(30000))

# X-Answer is base64 of {"status", "headers": [[n, v]], "body": base64 | "size": bytes of TEXT, "chunks": [base64] |
# "chunked": [size, piece], "pause": s, "trailers": [[n, v]], "wait": s, "cut": true, "etag": answers 304 to it}.
# /_log gives the requests so far and forgets them.
SERVER = r"""
import asyncio, base64, json, sys
log = []
TEXT = b"".join(b"line %d of a text that compresses well\n" % i for i in range(30000))
async def read_body(r, h):
    body = b""
    if h.get("transfer-encoding") == "chunked":
        while n := int((await r.readline()).split(b";")[0], 16):
            body += await r.readexactly(n); await r.readexactly(2)
        while await r.readline() != b"\r\n": pass
    elif "content-length" in h:
        body = await r.readexactly(int(h["content-length"]))
    return body
async def answer(w, method, spec):
    await asyncio.sleep(spec.get("wait", 0))
    head = "HTTP/1.1 %d X\r\n" % spec.get("status", 200)
    head += "".join("%s: %s\r\n" % (n, v) for n, v in spec.get("headers", []))
    chunks = [base64.b64decode(c) for c in spec["chunks"]] if "chunks" in spec else None
    if "chunked" in spec:
        size, piece = spec["chunked"]
        chunks = [TEXT[i:min(i + piece, size)] for i in range(0, size, piece)]
    if chunks is None:
        body = base64.b64decode(spec["body"]) if "body" in spec else TEXT[:spec.get("size", 0)]
        if spec.get("status", 200) not in (204, 304): head += "Content-Length: %d\r\n" % len(body)
        w.write(head.encode() + b"\r\n" + (b"" if method == "HEAD" else body)); await w.drain(); return
    w.write(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n")
    for chunk in chunks:
        w.write(b"%x\r\n%s\r\n" % (len(chunk), chunk)); await w.drain(); await asyncio.sleep(spec.get("pause", 0))
    if spec.get("cut"): return
    w.write(b"0\r\n" + b"".join(b"%s: %s\r\n" % (n.encode(), v.encode()) for n, v in spec.get("trailers", [])) + b"\r\n"); await w.drain()
async def serve(r, w):
    try:
        while True:
            head = (await r.readuntil(b"\r\n\r\n")).decode("latin1")
            line, *fields = head.split("\r\n")
            method, path, _ = line.split(" ")
            h = {f.split(":",1)[0].lower(): f.split(":",1)[1].strip() for f in fields if ":" in f}
            body = await read_body(r, h)
            if path == "/_log":
                text = json.dumps(log).encode(); log.clear()
                w.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text)); await w.drain(); continue
            log.append({"method": method, "path": path, "headers": h, "body": base64.b64encode(body).decode()})
            spec = json.loads(base64.b64decode(h.get("x-answer", "e30=")))
            if spec.get("etag") and h.get("if-none-match") == spec["etag"]: spec = {"status": 304, "headers": spec.get("headers", [])}
            await answer(w, method, spec)
            if spec.get("cut"): w.close(); return
    except (asyncio.IncompleteReadError, ConnectionError, ValueError): pass
    finally: w.close()
async def main():
    server = await asyncio.start_server(serve, "0.0.0.0", int(sys.argv[1]))
    async with server: await server.serve_forever()
asyncio.run(main())
"""

# One connection for each request of a list, one after the other, or all at once; prints what came as JSON.
CLIENT = r"""
import base64, http.client, json, socket, sys, threading, time
asked = json.loads(sys.stdin.read())
def one(i, q, out):
    c = http.client.HTTPConnection(sys.argv[1], 80, timeout=15)
    begin = time.monotonic()
    try:
        c.putrequest(q["method"], q["path"], skip_host=True, skip_accept_encoding=True)
        for n, v in q["headers"]: c.putheader(n, v)
        body = base64.b64decode(q.get("body", ""))
        if body: c.putheader("Content-Length", str(len(body)))
        c.endheaders(body or None)
        pieces, error = [], None
        r = c.getresponse()
        try:
            while True:
                piece = r.read1(65536)
                if not piece: break
                pieces.append((base64.b64encode(piece).decode(), time.monotonic() - begin))
        except Exception as e: error = repr(e)
        out[i] = {"status": r.status, "headers": [(n.lower(), v) for n, v in r.getheaders()], "pieces": pieces, "error": error,
                  "seconds": time.monotonic() - begin}
    except Exception as e:
        out[i] = {"status": 0, "headers": [], "pieces": [], "error": repr(e), "seconds": time.monotonic() - begin}
    finally: c.close()
out = [None] * len(asked["requests"])
threads = [threading.Thread(target=one, args=(i, q, out)) for i, q in enumerate(asked["requests"])]
for t in threads:
    t.start()
    if not asked["together"]: t.join()
    elif asked["apart"]: time.sleep(asked["apart"])
for t in threads: t.join()
print(json.dumps(out))
"""


class Answer:
    """What the client got."""

    def __init__(self, raw):
        self.status, self.error, self.seconds = raw["status"], raw["error"], raw["seconds"]
        self.headers = {}
        for name, value in raw["headers"]:
            self.headers.setdefault(name, []).append(value)
        self.pieces = [(base64.b64decode(data), at) for data, at in raw["pieces"]]
        self.body = b"".join(data for data, _ in self.pieces)

    def header(self, name):
        return ", ".join(self.headers[name]) if name in self.headers else None


RUNNING = {}


def start(gateway, name="a", port=7171):
    """The server, in the namespace of a backend; one of an earlier test ends."""
    lab = gateway.lab
    if (name, port) in RUNNING:
        lab.stop(RUNNING.pop((name, port)))
    process = RUNNING[name, port] = lab.start(name, "/usr/bin/python3", "-c", SERVER, str(port))
    lab.wait_for(lambda: lab.run(name, "curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{port}/_log",
                                 check=False).returncode == 0, "the scripted server")
    return BACKENDS[name], port, process


def log(gateway, name="a", port=7171):
    """The requests that reached the server since the last time."""
    return json.loads(gateway.lab.run(name, "curl", "-s", f"http://127.0.0.1:{port}/_log").stdout)


def request(path="/", headers=None, answer=None, method="GET", host="x.test", body=b""):
    """One to send. answer is what X-Answer says, with bytes for body and chunks."""
    lines = [("Host", host), *(headers or {}).items()]
    if answer:
        spec = dict(answer)
        if "body" in spec:
            spec["body"] = base64.b64encode(spec["body"]).decode()
        if "chunks" in spec:
            spec["chunks"] = [base64.b64encode(chunk).decode() for chunk in spec["chunks"]]
        lines.append(("X-Answer", base64.b64encode(json.dumps(spec).encode()).decode()))
    return {"method": method, "path": path, "headers": lines, "body": base64.b64encode(body).decode()}


def ask(gateway, *requests, together=False, apart=0):
    """Sends them from the client's namespace; a list of Answers."""
    asked = json.dumps({"requests": requests, "together": together, "apart": apart})
    out = gateway.lab.run("client", "/usr/bin/python3", "-c", CLIENT, GATEWAY, input=asked).stdout
    return [Answer(raw) for raw in json.loads(out)]
