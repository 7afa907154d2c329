# SPDX-License-Identifier: Apache-2.0
"""Four nodes that share an address: a flow reaches the node that owns it, whatever the router does."""

import json
import subprocess

import pytest
from conftest import BUILD
from topology import VIP4, VIP6, Topology, node4, node6

CONNECTIONS = 500

SERVER = """
import resource, selectors, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (20000, 20000))
name = sys.argv[1].encode()
l = socket.create_server(('::', 80), family=socket.AF_INET6, backlog=4096, dualstack_ipv6=True)
l.setblocking(False)
s = selectors.EpollSelector(); s.register(l, 1)
print('ready', flush=True)
while True:
    for key, _ in s.select():
        if key.fileobj is l:
            try:
                while True:
                    c = l.accept()[0]; c.setblocking(False); s.register(c, 1)
            except BlockingIOError: continue
        try: d = key.fileobj.recv(4096)
        except OSError: d = b''
        if d: key.fileobj.send(name)
        else: s.unregister(key.fileobj); key.fileobj.close()
"""

# Opens n connections, asks each for its server's name, and after each line of input asks again.
CROWD = """
import json, resource, selectors, socket, sys, time
resource.setrlimit(resource.RLIMIT_NOFILE, (20000, 20000))
host, n = sys.argv[1], int(sys.argv[2])
def ask(crowd, wait_s):
    sel = selectors.EpollSelector(); names = {}
    for s in crowd:
        try: s.send(b'?'); sel.register(s, 1)
        except OSError: names[s] = 'broken'
    end = time.monotonic() + wait_s
    while len(names) < len(crowd) and time.monotonic() < end:
        for key, _ in sel.select(0.2):
            try: names[key.fileobj] = key.fileobj.recv(64).decode() or 'closed'
            except OSError: names[key.fileobj] = 'broken'
            sel.unregister(key.fileobj)
    return [names.get(s, 'silent') for s in crowd]
crowd = []
for i in range(n):
    s = socket.create_connection((host, 80), 10); s.setblocking(False); crowd.append(s)
before = ask(crowd, 15)
print(json.dumps({k: before.count(k) for k in set(before)}), flush=True)
for line in sys.stdin:
    after, out = ask(crowd, 3), {}
    for b, a in zip(before, after):
        out.setdefault(b, {}).setdefault(a, 0); out[b][a] += 1
    print(json.dumps(out), flush=True)
"""


def lines(i, nodes, address):
    return [f"self {node4(i)}", f"self {node6(i)}", "tunnels",
            *(f"node n{k} {address(k)} {'self' if k == i else 'other'}" for k in nodes),
            f"entry web4 {VIP4} 80 80 tcp - spread", f"entry web6 {VIP6} 80 80 tcp - spread"]


def start(topology, address):
    for i in range(1, 5):
        topology.ip(f"n{i}", "addr", "add", f"{VIP4}/32", "dev", "lo")
        topology.ip(f"n{i}", "-6", "addr", "add", f"{VIP6}/128", "dev", "lo", "nodad")
        topology.apply(f"n{i}", lines(i, range(1, 5), address))
        topology.serve(f"n{i}", SERVER, f"n{i}")


@pytest.mark.parametrize("vip, address", ((VIP4, node4), (VIP6, node4)), ids=("4", "6-in-4"))
def test_one_of_four_nodes_goes_and_the_others_keep_their_flows(vip, address):
    with Topology(BUILD, nodes=4, backends=0) as topology:
        start(topology, address)
        crowd = subprocess.Popen(topology.inside("client", "/usr/bin/python3", "-c", CROWD, vip, str(CONNECTIONS)),
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        before = json.loads(crowd.stdout.readline())
        assert set(before) == {"n1", "n2", "n3", "n4"} and min(before.values()) > CONNECTIONS / 8, before
        for i in (1, 2, 3):
            topology.apply(f"n{i}", lines(i, (1, 2, 3), address))
        topology.ip("n4", "link", "set", "eth0", "down")
        topology.route_to((1, 2, 3))
        crowd.stdin.write("again\n")
        crowd.stdin.flush()
        after = json.loads(crowd.stdout.readline())
        crowd.stdin.close()
        crowd.wait()
        kept = sum(after[name].get(name, 0) for name in ("n1", "n2", "n3"))
        assert kept >= 0.999 * (CONNECTIONS - before["n4"]), after
        topology.check_balance()
