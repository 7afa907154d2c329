# SPDX-License-Identifier: Apache-2.0
"""kube_fast: an API server's stand-in that is fast and can do little else: lists and one kind's events, over HTTP/1.1 without TLS.

It runs in a process of its own, on a core of its own. What it says is text that was made before: of an event only the
revision and one address are put in when it is sent, and what is due within a few milliseconds leaves in one write."""

import json
import multiprocessing
import os
import re
import signal
import socket
import threading
import time
import urllib.parse

PERIOD_S = 0.005
CHUNK_BYTES = 256 << 10


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


class Fast:
    """What is in the child: objects as text by plural, and one open watch of each plural at most that events go to."""

    def __init__(self, listener, objects, plural, template):
        self.listener, self.plural, self.template = listener, plural, template
        self.texts, self.kinds = {}, {}
        for i, (name, item) in enumerate(objects):
            meta = {**item["metadata"], "resourceVersion": str(100 + i), "uid": f"00000000-0000-4000-8000-{i:012d}",
                    "creationTimestamp": "2026-11-22T19:05:01Z", "generation": 1}
            self.texts.setdefault(name, []).append(compact({**item, "metadata": meta}).encode())
            self.kinds[name] = (item["apiVersion"], item["kind"])
        self.rv = 100 + len(objects)
        self.lock, self.watches = threading.Lock(), []

    def run(self, pipe, side):
        threading.Thread(target=self.accept, daemon=True).start()
        threading.Thread(target=self.singles, args=(side,), daemon=True).start()
        while True:
            try:
                rate, seconds, first = pipe.recv()
            except EOFError:
                return
            pipe.send(self.storm(rate, seconds, first))

    def singles(self, side):
        """Sends one object's event whenever asked to, also in the midst of a storm, and says when."""
        while True:
            try:
                head, tail = side.recv()
            except EOFError:
                return
            with self.lock:
                self.rv += 1
                data = chunk(f"{head}{self.rv}{tail}".encode())
                for link in self.watches:
                    link.sendall(data)
            side.send(time.monotonic())

    def accept(self):
        while True:
            link = self.listener.accept()[0]
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(link,), daemon=True).start()

    def serve(self, link):
        rest = b""
        try:
            while True:
                while b"\r\n\r\n" not in rest:
                    more = link.recv(65536)
                    if not more:
                        return
                    rest += more
                head, _, rest = rest.partition(b"\r\n\r\n")
                length = int((re.search(rb"(?i)\r\ncontent-length: *(\d+)", head) or [0, 0])[1])
                while len(rest) < length:
                    rest += link.recv(65536)
                rest = rest[length:]
                method, target = head.split(b" ", 2)[:2]
                self.answer(link, method.decode(), target.decode())
        except OSError:
            pass
        finally:
            with self.lock:
                self.watches = [other for other in self.watches if other is not link]
            link.close()

    def answer(self, link, method, target):
        path, _, query = target.partition("?")
        query, plural = dict(urllib.parse.parse_qsl(query)), path.rpartition("/")[2]
        if method != "GET":
            link.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        link.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        if query.get("watch") in ("1", "true"):
            self.watch(link, plural, query.get("sendInitialEvents") == "true")
        else:
            api, kind = self.kinds.get(plural, ("v1", "Thing"))
            head = compact({"kind": kind + "List", "apiVersion": api, "metadata": {"resourceVersion": str(self.rv)}})
            self.parts(link, head[:-1].encode() + b',"items":[', self.texts.get(plural, []), b",", b"]}\n")
            link.sendall(b"0\r\n\r\n")

    def watch(self, link, plural, initial):
        if initial:
            api, kind = self.kinds.get(plural, self.nothing(plural))
            end = compact({"type": "BOOKMARK", "object": {"kind": kind, "apiVersion": api, "metadata": {
                "resourceVersion": str(self.rv), "annotations": {"k8s.io/initial-events-end": "true"}}}})
            lines = [b'{"type":"ADDED","object":' + text + b"}\n" for text in self.texts.get(plural, [])]
            self.parts(link, b"", lines, b"", end.encode() + b"\n")
        if plural == self.plural:
            with self.lock:
                self.watches.append(link)

    @staticmethod
    def nothing(plural):
        return "v1", plural

    @staticmethod
    def parts(link, head, texts, between, tail):
        data = head + between.join(texts) + tail
        for i in range(0, len(data), CHUNK_BYTES):
            link.sendall(chunk(data[i:i + CHUNK_BYTES]))

    def storm(self, rate, seconds, first):
        """Sends events at that rate; how many, how long it took, and how much later than due the latest left."""
        sent, late, began = 0, 0.0, time.monotonic()
        while True:
            now = time.monotonic() - began
            want = int(min(now, seconds) * rate)
            if want > sent:
                late = max(late, now - sent / rate)
                lines = []
                with self.lock:
                    for n in range(first + sent, first + want):
                        self.rv += 1
                        lines.append(self.template(n, self.rv))
                    data = chunk(b"".join(lines))
                    for link in self.watches:
                        link.sendall(data)
                sent = want
            if now >= seconds:
                return sent, now, late
            time.sleep(max(0.0, max(PERIOD_S, 1 / rate) - (time.monotonic() - began - now)))


class KubeFast:
    """objects: pairs (plural, object); template(n, rv): the line of the n-th event, of that plural."""

    def __init__(self, folder, objects, plural, template, core=None):
        self.folder = folder
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = listener.getsockname()[1]
        self.pipe, other = multiprocessing.Pipe()
        self.side, other_side = multiprocessing.Pipe()
        self.pid = os.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            self.pipe.close()
            self.side.close()
            if core is not None:
                os.sched_setaffinity(0, {core})
            try:
                fast = Fast(listener, list(objects), plural, template)
                other.send("ready")
                fast.run(other, other_side)
            finally:
                os._exit(0)
        listener.close()
        other.close()
        other_side.close()
        self.pipe.recv()

    def kubeconfig(self):
        path = os.path.join(self.folder, "kubeconfig")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"apiVersion": "v1", "kind": "Config", "current-context": "fast",
                       "contexts": [{"name": "fast", "context": {"cluster": "c", "user": "u"}}],
                       "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
                       "users": [{"name": "u", "user": {"token": "none"}}]}, file)
        return path

    def storm(self, rate, seconds, first):
        self.pipe.send((rate, seconds, first))
        return self.pipe.recv()

    def single(self, head, tail):
        """Sends one event of the watched kind, head and tail with a revision in between; when it left (monotonic)."""
        self.side.send((head, tail))
        return self.side.recv()

    def stop(self):
        self.pipe.close()
        self.side.close()
        os.waitpid(self.pid, 0)
