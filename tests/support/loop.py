# SPDX-License-Identifier: Apache-2.0
"""loop: Tidegate on loopback with an upstream that plays scripts, for tests that count bytes.

The upstream answers `/echo...` with the raw request as body; any other path by the script of its first
segment (see Upstream.scripts). Ports are chosen by the kernel.
"""

import os
import socket
import subprocess
import threading
import time

from ports import free_port



def read_head(connection, buffer):
    while b"\r\n\r\n" not in buffer:
        data = connection.recv(65536)
        if not data:
            return None, buffer
        buffer += data
    head, _, rest = buffer.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", rest


def fields(head):
    """Header lines of a raw head as (name, value), in order."""
    lines = head.split(b"\r\n\r\n")[0].decode("latin1").split("\r\n")[1:]
    return [tuple(part.strip() for part in line.split(":", 1)) for line in lines]


def values(head, name):
    return [v for k, v in fields(head) if k.lower() == name.lower()]


class Upstream:
    """scripts: first path segment -> function(upstream, connection, head, body); returns whether to keep."""

    def __init__(self):
        self.scripts, self.seen, self.connections = {}, [], 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def script(self, name):
        return lambda function: self.scripts.__setitem__(name, function)

    def play(self, name, answer, keep=True):
        """The script sends these bytes; then the connection is kept or closed."""
        def send(_, connection, head, body):
            connection.sendall(answer)
            return keep
        self.scripts[name] = send

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _body(self, connection, head, rest):
        """(body as sent, what follows)."""
        if any("chunked" in v for v in values(head, "transfer-encoding")):
            while not (b"\r\n0\r\n" in b"\r\n" + rest and rest.endswith(b"\r\n\r\n")):
                data = connection.recv(65536)
                if not data:
                    return rest, None
                rest += data
            return rest, b""
        n = int((values(head, "content-length") or ["0"])[0])
        while len(rest) < n:
            data = connection.recv(65536)
            if not data:
                return rest, None
            rest += data
        return rest[:n], rest[n:]

    def _serve(self, connection):
        buffer = b""
        try:
            while True:
                head, buffer = read_head(connection, buffer)
                if head is None:
                    break
                name = head.split(b" ")[1].split(b"?")[0].split(b"/")[1].decode("latin1")
                early = self.scripts.get("early:" + name)
                if early:
                    if not early(self, connection, head, buffer):
                        break
                    buffer = b""
                    continue
                body, buffer = self._body(connection, head, buffer)
                self.seen.append(head + body)
                if buffer is None:
                    break
                if name.startswith("echo") or name not in self.scripts:
                    raw = head + body
                    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(raw)
                    connection.sendall(answer + (b"" if head.startswith(b"HEAD ") else raw))
                elif not self.scripts[name](self, connection, head, body):
                    break
        except OSError:
            pass
        finally:
            connection.close()

    def close(self):
        self.listener.close()


class Loop:
    """One Tidegate on loopback. `ports` has a port for each entry point."""

    def __init__(self, tidegate, folder, entry_points, objects, options=()):
        self.folder, self.ports = folder, {}
        self.manifests = os.path.join(folder, "manifests")
        self.socket = os.path.join(folder, "admin.sock")
        os.makedirs(self.manifests)
        self.write("all.yaml", objects)
        arguments = []
        for name in entry_points:
            self.ports[name] = free_port()
            arguments.append(f"--entryPoints.{name}.address=127.0.0.1:{self.ports[name]}")
        self.log_path = os.path.join(folder, "log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [tidegate, "run", f"--manifests={self.manifests}", "--kernelPlane=off", "--workers=1",
                 f"--admin.socket={self.socket}", f"--admin.address=127.0.0.1:{free_port()}",
                 "--security.allowLoopbackBackends=true", *arguments, *options],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        for port in self.ports.values():
            self._await(port)

    def write(self, name, text):
        path = os.path.join(self.manifests, name)
        with open(path + ".tmp~", "w") as file:
            file.write(text)
        os.rename(path + ".tmp~", path)

    def _await(self, port):
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        raise AssertionError(self.log())

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def connect(self, entry_point="web", timeout=5):
        s = socket.create_connection(("127.0.0.1", self.ports[entry_point]), timeout)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def talk(self, data, entry_point="web", timeout=3.0, half_close=False):
        """Every byte that comes until the peer closes, or timeout seconds of silence."""
        with self.connect(entry_point, timeout) as s:
            s.sendall(data if isinstance(data, bytes) else data.encode("latin1"))
            if half_close:
                s.shutdown(socket.SHUT_WR)
            return drain(s)

    def ask(self, path="/echo", headers="", entry_point="web", method="GET", host="h", body=b"", version="1.1"):
        """(status, raw head, body) of one request on a connection of its own."""
        text = f"{method} {path} HTTP/{version}\r\nHost: {host}\r\n{headers}"
        if body:
            text += f"Content-Length: {len(body)}\r\n"
        out = self.talk(text.encode("latin1") + b"Connection: close\r\n\r\n" + body, entry_point)
        head, _, rest = out.partition(b"\r\n\r\n")
        return int(head[9:12] or b"0"), head + b"\r\n\r\n", rest

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode


def drain(s):
    out = b""
    try:
        while True:
            data = s.recv(65536)
            if not data:
                return out
            out += data
    except (TimeoutError, ConnectionError):
        return out


def answer_of(s):
    """(head, body) of one answer with Content-Length on a connection that stays open."""
    head, rest = read_head(s, b"")
    n = int((values(head, "content-length") or ["0"])[0]) if head else 0
    while len(rest) < n:
        rest += s.recv(65536)
    return head, rest
