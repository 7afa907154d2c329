# SPDX-License-Identifier: Apache-2.0
"""Live updates: nothing is closed, nothing is lost, state of what did not change is kept."""

import json
import os
import subprocess
import time

from conftest import BACKENDS, GATEWAY, backend_service, middleware, route

# Keeps connections open, asks on each in turn, and reports every answer that is not 200 and every close.
KEEPALIVE = """
import http.client, json, sys, time
address, host, seconds, n = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
conns = [http.client.HTTPConnection(address, 80, timeout=5) for _ in range(n)]
for c in conns: c.connect()
ports = [c.sock.getsockname()[1] for c in conns]
bad, good, end = [], 0, time.monotonic() + seconds
while time.monotonic() < end:
    for c in conns:
        try:
            c.request("GET", "/", headers={"Host": host}); a = c.getresponse(); a.read()
            if a.status == 200: good += 1
            else: bad.append(a.status)
        except Exception as e: bad.append(repr(e)); c.close()
closed = sum(1 for c, p in zip(conns, ports) if not c.sock or c.sock.getsockname()[1] != p)
print(json.dumps({"good": good, "bad": bad[:5], "closed": closed}))
"""


def test_a_change_is_in_force_soon_after_the_rename(gateway):
    gateway.write("10.yaml", route("web", "Host(`one.test`)"))
    gateway.start()
    assert gateway.get("two.test")[0] == 404
    gateway.update("10.yaml", route("web", "Host(`two.test`)"))
    assert gateway.get("two.test")[0] == 200 and gateway.get("one.test")[0] == 404


def test_updates_close_and_fail_nothing(gateway):
    gateway.write("10.yaml", route("web", "Host(`x.test`)"))
    gateway.write("20.yaml", route("other", "Host(`o0.test`)"))
    gateway.start()
    client = subprocess.Popen(gateway.lab.inside("client", "/usr/bin/python3", "-c", KEEPALIVE, GATEWAY, "x.test",
                                                 "4", "20"), stdout=subprocess.PIPE, text=True)
    for i in range(40):
        gateway.write("20.yaml", route("other", f"Host(`o{i}.test`)", service="a" if i % 2 else "b"))
        time.sleep(0.05)  # the pace of the changes, not a wait for an effect
    answer = json.loads(client.communicate(timeout=30)[0])
    assert answer["bad"] == [] and answer["closed"] == 0 and answer["good"] > 100
    assert gateway.status()["revision"] > 10


def test_limiter_state_survives_an_unrelated_change(gateway):
    gateway.write("10.yaml", middleware("limit", "rateLimit", {"average": 1, "period": "1h", "burst": 3}),
                  route("web", "Host(`x.test`)", middlewares=("limit",)))
    gateway.start()
    assert [gateway.get("x.test")[0] for _ in range(3)] == [200] * 3
    gateway.update("20.yaml", route("other", "Host(`o.test`)"))
    assert gateway.get("x.test")[0] == 429


def test_a_configmap_swap_is_seen(gateway, tmp_path):
    def publish(generation, host):
        folder = os.path.join(gateway.manifests, f"..{generation}")
        os.makedirs(folder)
        with open(os.path.join(folder, "routes.yaml"), "w") as file:
            file.write(json.dumps(route("cm", f"Host(`{host}`)")))
        os.symlink(f"..{generation}", os.path.join(gateway.manifests, "..data_tmp"))
        os.rename(os.path.join(gateway.manifests, "..data_tmp"), os.path.join(gateway.manifests, "..data"))

    publish("2026_01", "cm1.test")
    os.symlink("..data/routes.yaml", os.path.join(gateway.manifests, "routes.yaml"))
    gateway.start()
    assert gateway.get("cm1.test")[0] == 200
    before = gateway.status()["revision"]
    publish("2026_02", "cm2.test")
    gateway.settle(before)
    assert gateway.get("cm2.test")[0] == 200 and gateway.get("cm1.test")[0] == 404


def test_a_removed_file_removes_its_routes(gateway):
    gateway.write("10.yaml", route("web", "Host(`x.test`)"))
    gateway.write("20.yaml", route("gone", "Host(`gone.test`)"))
    gateway.start()
    assert gateway.get("gone.test")[0] == 200
    before = gateway.status()["revision"]
    os.unlink(os.path.join(gateway.manifests, "20.yaml"))
    gateway.settle(before)
    assert gateway.get("gone.test")[0] == 404 and gateway.get("x.test")[0] == 200


def test_an_endpoint_change_moves_new_requests(gateway):
    gateway.write("10.yaml", route("web", "Host(`x.test`)", service="moving"))
    gateway.write("20.yaml", *backend_service("moving", [BACKENDS["a"]]))
    gateway.start()
    assert "backend=a" in gateway.get("x.test")[2]
    gateway.update("20.yaml", *backend_service("moving", [BACKENDS["b"]]))
    assert "backend=b" in gateway.get("x.test")[2]


def test_touching_a_file_publishes_nothing(gateway):
    gateway.write("10.yaml", route("web", "Host(`x.test`)"))
    gateway.start()
    before = gateway.status()["revision"]
    gateway.write("10.yaml", route("web", "Host(`x.test`)"))
    gateway.write("20.yaml", route("new", "Host(`n.test`)"))
    gateway.settle(before)
    assert gateway.status()["revision"] == before + 1
