# SPDX-License-Identifier: Apache-2.0
"""scale_net: two namespaces with a veth between them: Tidegate and its kernel plane in one; clients, servers and the many
addresses that nobody has in the other. The calling thread, and what it starts, live in the first."""

import ctypes
import os
import selectors
import signal
import socket
import subprocess
import time

GATE, CLIENT = "172.16.0.1", "172.16.0.2"
SERVERS = ("172.16.0.11", "172.16.0.12")
PORT = 9000
VIP = "172.17.0.1"
CLONE_NEWNET = 0x40000000


def run(*command, check=True):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if check and result.returncode:
        raise RuntimeError(f"{' '.join(command)}: {result.stderr.strip()}")


def enter(path):
    with open(path, "rb") as file:
        if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), path)


def serve(listeners):
    """Says, over HTTP/1.1, to which address one has come; until killed."""
    selector = selectors.DefaultSelector()
    for listener in listeners:
        selector.register(listener, selectors.EVENT_READ, None)
    while True:
        for key, _ in selector.select():
            if key.data is None:
                link = key.fileobj.accept()[0]
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                selector.register(link, selectors.EVENT_READ, key.fileobj.getsockname()[0].encode())
                continue
            try:
                data = key.fileobj.recv(65536)
                if data:
                    key.fileobj.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(key.data), key.data))
            except OSError:
                data = b""
            if not data:
                selector.unregister(key.fileobj)
                key.fileobj.close()


class Net:
    def __init__(self, loader):
        self.tag, self.loader, self.pids = f"tg{os.getpid()}", loader, []
        self.names = [f"{self.tag}-{role}" for role in ("gate", "far")]
        self.pins = [f"/sys/fs/bpf/tidegate-{name}" for name in self.names]
        self.before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        for name in self.names:
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        gate, far = self.names
        run("ip", "link", "add", "up0", "netns", gate, "type", "veth", "peer", "name", "eth0", "netns", far)
        for name, device, addresses in ((gate, "up0", (GATE,)), (far, "eth0", (CLIENT, *SERVERS))):
            for address in addresses:
                run("ip", "-n", name, "addr", "add", f"{address}/24", "dev", device)
            self.inside(name, "ethtool", "-K", device, "tx", "off", "gro", "off", check=False)
            run("ip", "-n", name, "link", "set", device, "up")
        run("ip", "-n", gate, "route", "add", "default", "via", CLIENT)
        run("ip", "-n", far, "route", "add", "172.17.0.0/16", "via", GATE, "src", CLIENT)
        run("ip", "-n", far, "route", "add", "blackhole", "10.0.0.0/8")
        self.inside(gate, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
        # A veth takes in what XDP sends to it where its peer has a program, too.
        plane = [loader, f"--folder={self.pins[1]}", "--mode=native", "--no-dispatcher"]
        self.inside(far, *plane, "load")
        self.inside(far, *plane, "attach", "eth0")
        enter(f"/run/netns/{far}")
        try:
            self.serve(far)
        finally:
            enter(f"/run/netns/{gate}")

    def inside(self, name, *command, check=True):
        run("nsenter", f"--net=/run/netns/{name}", *command, check=check)

    def serve(self, name):
        listeners = [socket.create_server((address, PORT), backlog=1024) for address in SERVERS]
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            try:
                serve(listeners)
            finally:
                os._exit(0)
        for listener in listeners:
            listener.close()
        self.pids.append(pid)

    def far(self):
        """For the calling thread: from now on it opens its sockets on the other side."""
        enter(f"/run/netns/{self.names[1]}")

    def stop(self):
        for pid in self.pids:
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)
        os.close(self.before)
        for name, pins in zip(self.names, self.pins):
            if os.path.isdir(pins):
                self.inside(name, self.loader, f"--folder={pins}", "unload", check=False)
            run("ip", "netns", "del", name, check=False)


def ask(address, port, host=b"probe.example.com"):
    """Who answers, on a connection of its own; b"" when nobody does."""
    try:
        with socket.create_connection((address, port), timeout=1) as link:
            link.sendall(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
            return link.recv(4096).rpartition(b"\r\n")[2]
    except OSError:
        return b""


def wait_for(address, port, want, began, seconds=2.0):
    """Seconds from began until a new connection is answered by who is wanted, and how many were not answered at all."""
    failed, name = 0, b""
    while time.monotonic() < began + seconds:
        name = ask(address, port)
        if name == want:
            return time.monotonic() - began, failed
        failed += not name
        time.sleep(0.0005)
    print(f"{address}:{port} did not follow: it answers {name[:60]!r}, not {want!r}", flush=True)
    return float("inf"), failed
