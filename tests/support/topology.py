# SPDX-License-Identifier: Apache-2.0
"""topology: a client, a router, load balancing nodes and backends in namespaces, made for a test and removed again.

    client (10.78.1.2, fd78:1::2) -- router -- one segment (10.78.0.0/24, fd78::/64, a bridge):
                                               near (.5), a client on the segment; nodes n1.. (.11..); backends b1.. (.21..)

Each node (and each backend that opens tunnels) runs a kernel plane of its own, native or generic, configured from
lines of text by plane_apply: no proxy, so nothing has to stay alive. The router's ends of the pairs run the program,
too, because a native veth takes what its peer transmits only then; it passes everything there.
"""

import json
import os
import subprocess
import tempfile

from lab import run, Lab

CLIENT4, CLIENT6 = "10.78.1.2", "fd78:1::2"
NEAR4, NEAR6 = "10.78.0.5", "fd78::5"
ROUTER4, ROUTER6 = "10.78.0.1", "fd78::1"
VIP4, VIP6 = "10.99.0.1", "fd99::1"
MEASURE_S = 15


def node4(i):
    return f"10.78.0.{10 + i}"


def node6(i):
    return f"fd78::{10 + i}"


def backend4(i):
    return f"10.78.0.{20 + i}"


def backend6(i):
    return f"fd78::{20 + i}"


class Topology:
    """Namespaces by role: client, rt, near, n1.., b1.."""

    def __init__(self, build, nodes=1, backends=2, mode="native", tunnels=False, near=False):
        self.build, self.mode, self.n_nodes, self.n_backends = build, mode, nodes, backends
        self.tag = f"tn{os.getpid()}{'' if mode == 'native' else mode[0]}"  # not the lab's: both may stand
        self.dir = tempfile.mkdtemp(prefix="tidegate-topology-")
        self.namespaces, self.processes, self.planes = [], [], []
        try:
            self._make(tunnels, near)
        except BaseException:
            self.close()
            raise

    # ------------------------------------------------------------- network --

    def ns(self, role):
        return f"{self.tag}-{role}"

    def _namespace(self, role):
        run("ip", "netns", "add", self.ns(role))
        self.namespaces.append(self.ns(role))
        self.ip(role, "link", "set", "lo", "up")

    def ip(self, role, *words):
        return run("ip", "-n", self.ns(role), *words)

    def sysctl(self, role, *settings):
        self.run(role, "sysctl", "-q", "-w", *settings)

    def _wire(self, role, port, addresses):
        """A pair between a namespace's eth0 and a port of the router. Checksums are real: nobody fills them in later."""
        self._namespace(role)
        run("ip", "link", "add", "eth0", "netns", self.ns(role), "type", "veth", "peer", "name", port, "netns", self.ns("rt"))
        for address in addresses:
            self.ip(role, "addr", "add", address, "dev", "eth0", *(["nodad"] if ":" in address else []))
        for where, device in ((role, "eth0"), ("rt", port)):
            self.run(where, "ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off", "gro", "off")
            self.ip(where, "link", "set", device, "up")

    def _make(self, tunnels, near):
        self._namespace("rt")
        self.sysctl("rt", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv4.fib_multipath_hash_policy=1",
                    "net.ipv6.fib_multipath_hash_policy=1", "net.ipv4.conf.all.send_redirects=0")
        self.ip("rt", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        self.ip("rt", "link", "set", "br0", "up")
        for address in (f"{ROUTER4}/24", f"{ROUTER6}/64"):
            self.ip("rt", "addr", "add", address, "dev", "br0", *(["nodad"] if ":" in address else []))
        self._wire("client", "cl", [f"{CLIENT4}/24", f"{CLIENT6}/64"])
        self.ip("rt", "addr", "add", "10.78.1.1/24", "dev", "cl")
        self.ip("rt", "addr", "add", "fd78:1::1/64", "dev", "cl", "nodad")
        self.ip("client", "route", "add", "default", "via", "10.78.1.1")
        self.ip("client", "-6", "route", "add", "default", "via", "fd78:1::1")
        ports = []
        members = [(f"n{i}", node4(i), node6(i)) for i in range(1, self.n_nodes + 1)]
        members += [(f"b{i}", backend4(i), backend6(i)) for i in range(1, self.n_backends + 1)]
        members += [("near", NEAR4, NEAR6)] if near else []
        for role, v4, v6 in members:
            self._wire(role, f"p{role}", [f"{v4}/24", f"{v6}/64"])
            self.ip("rt", "link", "set", f"p{role}", "master", "br0")
            self.ip(role, "route", "add", "default", "via", ROUTER4)
            self.ip(role, "-6", "route", "add", "default", "via", ROUTER6)
            ports.append(f"p{role}")
            if role.startswith("n"):
                self.sysctl(role, "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
                            "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.eth0.send_redirects=0")
        self.load("rt", "cl", *ports)
        for i in range(1, self.n_nodes + 1):
            self.load(f"n{i}", "eth0")
        for i in range(1, self.n_backends + 1):
            if tunnels:
                self.load(f"b{i}", "eth0")
        self.route_to(range(1, self.n_nodes + 1))

    def route_to(self, nodes):
        """What a router with equal paths does: packets for the shared addresses go to these nodes."""
        for vip, address in ((VIP4, node4), (VIP6, node6)):
            family = ["-6"] if ":" in vip else []
            hops = [word for i in nodes for word in ("nexthop", "via", address(i), "dev", "br0")]
            self.ip("rt", *family, "route", "replace", vip, *hops)
        if "near" in "".join(self.namespaces):
            first = list(nodes)[0]
            self.ip("near", "route", "replace", VIP4, "via", node4(first))
            self.ip("near", "-6", "route", "replace", VIP6, "via", node6(first))

    # --------------------------------------------------------------- plane --

    def pins(self, role):
        return f"/sys/fs/bpf/{self.tag}-{role}"

    def load(self, role, *devices):
        mode = "native" if role == "rt" else self.mode
        self.planes.append(role)
        options = [f"--folder={self.pins(role)}", f"--mode={mode}", "--no-dispatcher", "--max-sources=4096",
                   "--max-bans=4096", "--max-prefixes=4096"]
        run(*self.inside(role, os.path.join(self.build, "tidegate-loader"), *options, "load"))
        run(*self.inside(role, os.path.join(self.build, "tidegate-loader"), *options, "attach", *devices))

    def apply(self, role, lines):
        run(*self.inside(role, os.path.join(self.build, "tests/e2e/plane_apply"), self.pins(role)), input="\n".join(lines) + "\n")

    def totals(self, role):
        return json.loads(self.run(role, os.path.join(self.build, "tests/e2e/plane_apply"), self.pins(role), "totals").stdout)

    def check_balance(self):
        """Each packet that was received has left in exactly one way."""
        for role in self.planes:
            totals = self.totals(role)
            kinds = {kind: sum(n for name, n in totals.items() if name.startswith(kind + ".")) for kind in ("pass", "send", "drop")}
            assert kinds["send"] == totals["tx"] + totals["redirect"], (role, totals)
            assert totals["received"] == sum(kinds.values()), (role, totals)

    def grown(self, role, before):
        """The counters that are larger than before."""
        return {name: n - before[name] for name, n in self.totals(role).items() if n != before[name]}

    # ----------------------------------------------------------- processes --

    def inside(self, role, *command):
        return ["nsenter", f"--net=/run/netns/{self.ns(role)}", *command]

    def run(self, role, *command, **options):
        return run(*self.inside(role, *command), **options)

    def start(self, role, *command, **options):
        process = subprocess.Popen(self.inside(role, *command), stdin=subprocess.DEVNULL, start_new_session=True, **options)
        self.processes.append(process)
        return process

    def python(self, role, code, *words, timeout=MEASURE_S, check=True):
        """A script inside a namespace; what it printed."""
        result = subprocess.run(self.inside(role, "/usr/bin/python3", "-c", code, *map(str, words)), text=True,
                                capture_output=True, timeout=timeout)
        assert not check or result.returncode == 0, result.stderr[-2000:]
        return result.stdout

    def serve(self, role, code, *words):
        """A script that stays; returns when it has printed a line."""
        process = self.start(role, "/usr/bin/python3", "-c", code, *map(str, words), stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline(), f"a server in {role} did not start"
        return process

    def stop(self, process):
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
        self.processes.remove(process)

    def close(self):
        for process in self.processes[:]:
            self.stop(process)
        for role in self.planes:
            run(os.path.join(self.build, "tidegate-loader"), "unload", f"--folder={self.pins(role)}", check=False)
        for namespace in self.namespaces:
            run("ip", "netns", "del", namespace, check=False)
        run("rm", "-rf", self.dir, check=False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


wait_for = Lab.wait_for

# An echo server of TCP and UDP on every address; the first argument is a name that UDP and a TCP byte '?' answer.
ECHO = """
import socket, sys, threading
name, ports = sys.argv[1].encode(), [int(p) for p in sys.argv[2].split(',')]
def talk(s):
    try:
        while True:
            d = s.recv(65536)
            if not d: break
            s.sendall(name if d == b'?' else d)
    except OSError: pass
    s.close()
def accept(l):
    while True:
        threading.Thread(target=talk, args=(l.accept()[0],), daemon=True).start()
def echo(family, port):
    s = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    else:
        s.setsockopt(socket.IPPROTO_IP, 8, 1)
    s.bind(('', port))
    while True:
        d, extra, _, peer = s.recvmsg(65536, 256)
        try: s.sendmsg([name if d == b'?' else d], extra, 0, peer)
        except OSError: pass
for port in ports:
    l = socket.create_server(('::', port), family=socket.AF_INET6, backlog=4096, dualstack_ipv6=True)
    threading.Thread(target=accept, args=(l,), daemon=True).start()
    for family in (socket.AF_INET, socket.AF_INET6):
        threading.Thread(target=echo, args=(family, port), daemon=True).start()
print('ready', flush=True)
threading.Event().wait()
"""

# Sends n random bytes over TCP while it reads them back; prints who answered and whether the bytes are the same.
TRANSFER = """
import hashlib, os, socket, sys, threading
host, port, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
s = socket.create_connection((host, port), 5)
s.settimeout(15)
s.sendall(b'?'); who = s.recv(64).decode()
data = os.urandom(n)
threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)), daemon=True).start()
back = hashlib.sha256()
while True:
    d = s.recv(65536)
    if not d: break
    back.update(d)
print(who, back.digest() == hashlib.sha256(data).digest())
"""

# Asks by UDP from n ports, each several times; prints who answered each port.
ASK = """
import socket, sys
host, port, n, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
for _ in range(n):
    s = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(0.5); s.connect((host, port))
    names = set()
    for turn in range(3):
        for attempt in range(6):
            try:
                s.send(b'?'); names.add(s.recv(65536).decode())
                if size:
                    s.send(b'x' * size); assert s.recv(65536) == b'x' * size
                break
            except OSError: continue  # nothing came, or: too long for the path, as we now know
        else: names.add('nobody')
    print(','.join(sorted(names)))
"""


def transfer(topology, role, host, port=80, n=1_000_000):
    return topology.python(role, TRANSFER, host, port, n).split()


def ask(topology, role, host, port=53, n=1, size=0):
    return topology.python(role, ASK, host, port, n, size).split()
