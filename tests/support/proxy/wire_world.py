# SPDX-License-Identifier: Apache-2.0
"""wire_world: a scripted server, mini_proxy before it, and how to speak to it byte by byte."""

import re
import signal
import socket
import subprocess
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


class World:
    def __init__(self, program):
        self.server = Server()
        probe = listener()
        self.proxy_port = probe.getsockname()[1]
        probe.close()
        self.process = subprocess.Popen([program, "-t", "2000"] + [str(self.proxy_port), str(self.server.port)],
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
