# SPDX-License-Identifier: Apache-2.0
"""Servers that have names: looked up while they are used, followed, kept when the name server is gone (a.0)."""

import json
import os
import time

import conftest
import pytest
from conftest import BACKENDS, route


DNS_SERVER = """
import json, socket, struct, sys
# answers A and AAAA from a JSON file {name: {"ttl": n, "a": [...], "fail": bool}}; silent while it says so
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("10.77.2.12", 53))
while True:
    data, peer = server.recvfrom(2048)
    labels, at = [], 12
    while data[at]:
        labels.append(data[at + 1:at + 1 + data[at]].decode()); at += 1 + data[at]
    kind, = struct.unpack(">H", data[at + 1:at + 3])
    question = data[12:at + 5]
    entry = json.load(open(sys.argv[1])).get(".".join(labels))
    if entry and entry.get("silent"):
        continue
    addresses = entry["a"] if entry and kind == 1 else []
    rcode = 0 if entry else 3
    answer = data[:2] + struct.pack(">HHHHH", 0x8180 | rcode, 1, len(addresses), 0, 0) + question
    for address in addresses:
        answer += b"\\xc0\\x0c" + struct.pack(">HHIH", 1, 1, entry["ttl"], 4) + socket.inet_aton(address)
    server.sendto(answer, peer)
"""


@pytest.fixture
def names(lab, tmp_path, monkeypatch):
    """A name server whose answers a test sets; Tidegate sees it in its /etc/resolv.conf."""
    zone = tmp_path / "zone.json"
    (tmp_path / "resolv.conf").write_text("nameserver 10.77.2.12\noptions timeout:1 attempts:1\n")
    (tmp_path / "hosts").write_text(f"127.0.0.1 localhost\n{BACKENDS['b']} by-hosts.test\n")
    wrapper = tmp_path / "tidegate"
    wrapper.write_text(f"""#!/bin/sh
exec unshare -m sh -c 'mount --make-rprivate / && mount --bind {tmp_path}/resolv.conf /etc/resolv.conf &&
mount --bind {tmp_path}/hosts /etc/hosts && exec {conftest.TIDEGATE} "$@"' tidegate "$@"
""")
    wrapper.chmod(0o755)
    monkeypatch.setattr(conftest, "TIDEGATE", str(wrapper))

    def answer(**entries):
        (tmp_path / "zone.tmp").write_text(json.dumps({k.replace("_", "-") + ".test": v for k, v in entries.items()}))
        os.rename(tmp_path / "zone.tmp", zone)
    answer()
    process = lab.start("b", "/usr/bin/python3", "-c", DNS_SERVER, str(zone), log=str(tmp_path / "dns.log"))
    yield answer
    lab.stop(process)


def external(name, target, port=8080):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
            "spec": {"type": "ExternalName", "externalName": target, "ports": [{"name": "web", "port": port}]}}


def test_names_are_resolved_and_followed(gateway, names):
    """reference a.0 ExternalName: looked up while it is used; the last good answer outlives its name server."""
    hosts = ("moving", "by-hosts", "two", "loop", "gone")
    gateway.write("10.yaml", *[external(h, f"{h}.test") for h in hosts],
                  *[route(h, f"Host(`{h}.test`)", services=[{"name": h, "port": 8080}]) for h in hosts])
    names(moving={"ttl": 1, "a": [BACKENDS["a"]]}, two={"ttl": 60, "a": ["10.77.2.99", BACKENDS["b"]]},
          loop={"ttl": 60, "a": ["127.0.0.1"]})
    gateway.start("--providers.kubernetesCRD.allowExternalNameServices=true", workers=1)
    status, _, body = gateway.get("moving.test")
    assert status == 200 and "backend=a" in body and "host=moving.test" in body, (status, body, gateway.log())
    assert "backend=b" in gateway.get("by-hosts.test")[2]
    assert "backend=b" in gateway.get("two.test")[2]  # the first address is nobody's
    assert gateway.get("loop.test")[0] == 502  # a name must not lead to loopback
    assert gateway.get("gone.test")[0] == 502
    assert "refused for backends" in gateway.log()
    names(moving={"ttl": 1, "a": [BACKENDS["b"]]})
    gateway.lab.wait_for(lambda: "backend=b" in gateway.get("moving.test")[2], "the name to be followed", 20)
    names(moving={"silent": True})
    for _ in range(8):  # past its time to live
        assert "backend=b" in gateway.get("moving.test")[2]
        time.sleep(1)
