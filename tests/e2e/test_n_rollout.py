# SPDX-License-Identifier: Apache-2.0
"""Rollouts: servers come and go under load, and no client notices (RFC 9110 9.2.2; reference/security.md D2)."""

import json
import os
import signal
import subprocess
import time

import pytest
from conftest import GATEWAY, backend_service, route

PORT = 9200
ADDRESSES = [f"10.77.2.{n}" for n in range(41, 45)]

# One server at one address. SIGTERM: takes no more connections, ends those that are idle, answers what it has.
SERVER = r"""
import asyncio, signal, sys
async def main():
    busy, idle, stopping = set(), set(), asyncio.Event()
    async def serve(r, w):
        try:
            while not stopping.is_set():
                idle.add(w)
                head = await r.readuntil(b"\r\n\r\n")
                idle.discard(w); busy.add(w)
                for field in head.lower().split(b"\r\n"):
                    if field.startswith(b"content-length:"):
                        await r.readexactly(int(field.split(b":")[1]))
                await asyncio.sleep(0.005)
                close = b"Connection: close\r\n" if stopping.is_set() else b""
                w.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + close + b"\r\nok")
                await w.drain()
                busy.discard(w)
        except (asyncio.IncompleteReadError, ConnectionError): pass
        finally:
            idle.discard(w); busy.discard(w); w.close()
    server = await asyncio.start_server(serve, sys.argv[1], int(sys.argv[2]), reuse_address=True)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await stopping.wait()
    server.close()
    for w in list(idle): w.close()
    while busy: await asyncio.sleep(0.005)
asyncio.run(main())
"""

# Asks over a few connections that are kept, by turns; says what was not 200.
CLIENT = r"""
import http.client, json, sys, threading, time
address, method, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
end, lock, bad, good = time.monotonic() + seconds, threading.Lock(), [], 0
def work():
    global good
    c = http.client.HTTPConnection(address, 80, timeout=10)
    while time.monotonic() < end:
        try:
            c.request(method, "/", body=None if method == "GET" else b"some body", headers={"Host": "x.test"})
            a = c.getresponse(); a.read()
            with lock:
                if a.status == 200: good += 1
                else: bad.append(a.status)
        except Exception as e:
            with lock: bad.append(repr(e))
            c.close()
threads = [threading.Thread(target=work) for _ in range(8)]
for t in threads: t.start()
for t in threads: t.join()
print(json.dumps({"good": good, "bad": bad[:8], "n_bad": len(bad)}))
"""


@pytest.fixture
def pods(lab):
    """Starts and stops servers, by address; what is left ends with the test."""
    class Pods:
        running = {}

        def start(self, address):
            self.running[address] = lab.start("a", "/usr/bin/python3", "-c", SERVER, address, str(PORT))
            lab.wait_for(lambda: "ok" in lab.run("gw", "curl", "-s", "--max-time", "1", f"http://{address}:{PORT}/",
                                                 check=False).stdout, "a server", 10)

        def end(self, address, how):
            process = self.running.pop(address)
            # The process that we started may be one in front of it: all of its session get the signal.
            os.kill(process.pid, how)
            process.wait(10)

    for address in ADDRESSES:
        lab.ip("a", "addr", "add", f"{address}/32", "dev", "eth0")
        lab.ip("gw", "route", "add", f"{address}/32", "dev", "ba0", "src", "10.77.2.1")
    made = Pods()
    made.running = {}
    yield made
    for process in made.running.values():
        lab.stop(process)
    for address in ADDRESSES:
        lab.ip("a", "addr", "del", f"{address}/32", "dev", "eth0")
        lab.ip("gw", "route", "del", f"{address}/32")


ROLLOUTS = [
    # what, method, how a server ends, before its endpoint goes
    ("an endpoint goes, then its server", "GET", signal.SIGTERM, False),
    ("the same with requests that may not be repeated", "POST", signal.SIGTERM, False),
    ("a server goes before its endpoint", "GET", signal.SIGTERM, True),
    ("a server dies", "GET", signal.SIGKILL, True),
    ("a server dies, requests with bodies that may be repeated", "PUT", signal.SIGKILL, True),
]


@pytest.mark.parametrize("row", ROLLOUTS, ids=[row[0] for row in ROLLOUTS])
def test_servers_come_and_go_and_no_request_fails(gateway, pods, row):
    _, method, how, server_first = row
    running = ADDRESSES[:2]
    for address in running:
        pods.start(address)
    gateway.write("10.yaml", route("web", "Host(`x.test`)", service="pods"))
    gateway.write("20.yaml", *backend_service("pods", running, port=PORT))
    gateway.start()
    client = subprocess.Popen(gateway.lab.inside("client", "/usr/bin/python3", "-c", CLIENT, GATEWAY, method, "6"),
                              stdout=subprocess.PIPE, text=True)
    for turn in range(6):
        fresh = [address for address in ADDRESSES if address not in running][turn % 2]
        old = running[0]
        pods.start(fresh)
        gateway.update("20.yaml", *backend_service("pods", [*running, fresh], port=PORT))
        time.sleep(0.1)  # so that requests are on their way everywhere
        running = [*running[1:], fresh]
        if server_first:
            pods.end(old, how)
            time.sleep(0.1)  # so long nobody knows
        gateway.update("20.yaml", *backend_service("pods", running, port=PORT))
        if not server_first:
            time.sleep(0.1)  # what Kubernetes calls preStop
            pods.end(old, how)
    answer = json.loads(client.communicate(timeout=30)[0])
    assert answer["n_bad"] == 0 and answer["good"] > 200, answer
