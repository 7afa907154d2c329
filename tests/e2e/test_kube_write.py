# SPDX-License-Identifier: Apache-2.0
"""What Tidegate writes to an API server: the Lease, status, Events, by one replica, and nothing that RBAC refuses."""

import json
import os
import re
import subprocess
import time

import pytest

from conftest import LOADER, TIDEGATE
from kube_server import KINDS, status
from kube_world import World
from kube_wrong import answering


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    made.server.start()
    made.server.put(*made.service(), made.route(), BROKEN, INGRESS, ADDRESS, BALANCER)
    yield made
    made.stop()


BROKEN = {"apiVersion": "traefik.io/v1alpha1", "kind": "IngressRoute", "metadata": {"name": "broken", "namespace": "shop"},
          "spec": {"entryPoints": ["web"], "routes": [{"kind": "Rule", "match": "Hosst(`a`)", "services": [{"name": "web", "port": 80}]}]}}
INGRESS = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "in", "namespace": "shop"},
           "spec": {"rules": [{"host": "in.test", "http": {"paths": [
               {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}}]}}]}}
ADDRESS = {"apiVersion": "tidegate.io/v1alpha1", "kind": "VirtualAddress", "metadata": {"name": "va", "namespace": "shop"},
           "spec": {"addresses": ["192.0.2.80"], "ports": [{"port": 80}], "backendRefs": [{"name": "web", "port": 80}]}}
BALANCER = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "lb", "namespace": "edge"},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "198.51.100.7"}, {"hostname": "lb.example"}]}}}
PUBLISHED = ("--providers.kubernetescrd",
             "--providers.kubernetesIngress.ingressEndpoint.publishedService=edge/lb")


def stored(world, plural, namespace, name):
    return world.server.objects.get((plural, namespace, name))


def events(world):
    return [item for (plural, _, _), item in world.server.objects.items() if plural == "events"]


def test_the_elected_replica_writes_status_and_events(world):
    world.run(*PUBLISHED)
    world.until(lambda: stored(world, "ingresses", "shop", "in").get("status"), "the status of the Ingress")
    assert stored(world, "ingresses", "shop", "in")["status"]["loadBalancer"]["ingress"] == [
        {"ip": "198.51.100.7"}, {"hostname": "lb.example"}]
    lease = stored(world, "leases", "edge", "tidegate-status")["spec"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", lease["renewTime"]) and lease["leaseDurationSeconds"] == 15
    world.until(lambda: stored(world, "virtualaddresses", "shop", "va").get("status"), "the status of the address")
    condition, _ = stored(world, "virtualaddresses", "shop", "va")["status"]["conditions"]
    assert condition["type"] == "Accepted" and condition["status"] in ("True", "False")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", condition["lastTransitionTime"])
    world.until(lambda: [e for e in events(world) if e["involvedObject"]["name"] == "broken"], "an Event")
    [event] = [e for e in events(world) if e["involvedObject"]["name"] == "broken"]
    assert event["type"] == "Warning" and event["involvedObject"]["uid"] and "Hosst" in json.dumps(event) or event["message"]
    time.sleep(1)
    writes = [r for r in world.server.requests if r.method != "GET"]
    assert len([r for r in writes if "/ingresses/" in r.path]) == 1, "what is so is not written again"
    assert world.kube()["writes"]["elected"]


def test_a_changed_address_is_written_and_the_same_fault_is_said_once(world):
    world.run(*PUBLISHED)
    world.until(lambda: events(world) and stored(world, "ingresses", "shop", "in").get("status"), "the first writes")
    said = len(events(world))
    moved = json.loads(json.dumps(BALANCER))
    moved["status"]["loadBalancer"]["ingress"] = [{"ip": "198.51.100.8"}]
    world.server.put(moved)
    world.until(lambda: stored(world, "ingresses", "shop", "in")["status"]["loadBalancer"]["ingress"] == [{"ip": "198.51.100.8"}],
                "the new address")
    touched = json.loads(json.dumps(BROKEN))
    touched["metadata"]["labels"] = {"a": "b"}
    world.server.put(touched)
    time.sleep(1)
    assert len(events(world)) == said
    world.process.terminate()
    world.process.wait(15)
    assert stored(world, "leases", "edge", "tidegate-status")["spec"]["holderIdentity"] == "", "it is given back"
    world.run(*PUBLISHED)
    world.until(lambda: world.kube()["writes"]["elected"] and world.server.seen("PATCH .*/events/"), "the next life")
    assert len(events(world)) == said, "the next life says nothing twice"


def test_of_two_replicas_one_writes_and_the_other_takes_over(world, tmp_path):
    world.run(*PUBLISHED)
    world.until(lambda: world.kube()["writes"]["elected"], "the first to be elected")
    other = World(tmp_path / "other", token=world.server.token)
    other.server = world.server
    try:
        other.run(*PUBLISHED)
        time.sleep(0.5)
        assert not other.kube()["writes"]["elected"]
        world.process.terminate()
        world.process.wait(15)
        other.until(lambda: other.kube()["writes"]["elected"], "the second to be elected", 12)
        assert stored(world, "leases", "edge", "tidegate-status")["spec"]["leaseTransitions"] == 1
    finally:
        other.server = type("Nothing", (), {"stop": lambda self: None})()
        other.stop()


def test_a_conflict_and_a_write_that_was_done_though_it_was_answered_504_harm_nothing(world):
    async def done_all_the_same(server, request, answer):
        class Nowhere:
            async def head(self, *_, **__): pass
            async def data(self, *_): pass
            async def end(self): pass
        await server.write(request, Nowhere(), "leases", "edge", None, False)
        await server.plain(answer, 504, status(504, "Timeout", "request did not complete"))
    world.server.when("POST .*/leases", done_all_the_same)
    world.server.when("PUT .*/leases", answering(409, status(409, "Conflict", "the object has been modified")))
    world.server.when("PATCH .*/ingresses/in/status", answering(504, status(504, "Timeout", "etcd")))
    world.run(*PUBLISHED)
    world.until(lambda: stored(world, "ingresses", "shop", "in").get("status"), "the status", 15)


def test_what_rbac_refuses_is_said_once_and_left_alone(world):
    world.server.forbidden |= {("events", "create"), ("ingresses", "patch")}
    world.run(*PUBLISHED)
    world.until(lambda: stored(world, "virtualaddresses", "shop", "va").get("status"), "what is allowed")
    world.until(lambda: 'resources: [\\"ingresses/status\\"]' in world.log() and 'resources: [\\"events\\"]' in world.log(),
                "the rules in the log")
    time.sleep(1)
    assert len(world.server.seen("POST .*/events")) <= 8 and world.log().count("RBAC does not allow to write Events") == 1
    assert world.serves()


def test_what_a_server_refuses_while_it_starts_is_written_soon_after(world):
    refused = {("leases", "list"), "leases", ("virtualaddresses", "patch"), ("events", "create")}
    world.server.forbidden |= refused
    world.run(*PUBLISHED)
    world.until(lambda: "RBAC does not allow to write" in world.log(), "a write that was refused")
    world.server.forbidden -= refused
    world.until(lambda: stored(world, "virtualaddresses", "shop", "va").get("status"), "its status", 10)
    world.until(lambda: stored(world, "ingresses", "shop", "in").get("status"), "what the elected one writes", 10)


def test_without_a_lease_nothing_is_written_that_one_alone_may_write(world):
    world.server.forbidden |= {("leases", "list"), "leases"}
    world.run(*PUBLISHED)
    world.until(lambda: "RBAC does not allow the Lease" in world.log(), "the rule in the log")
    time.sleep(0.5)
    writes = [r.full_path for r in world.server.requests if r.method != "GET"]
    assert all("fieldManager=tidegate-node-" in path for path in writes), "but what a node says of itself"
    assert world.serves()


def test_commands_that_only_look_write_nothing(world):
    subprocess.run([TIDEGATE, "check", f"--kubeconfig={world.server.kubeconfig()}"], capture_output=True, timeout=30, check=False)
    assert world.server.requests and {r.method for r in world.server.requests} == {"GET"}
    assert set(KINDS) & {"leases"}


def test_who_loses_a_conflict_is_told_who_has_won(world):
    world.run(*PUBLISHED)
    late = {"creationTimestamp": "2026-11-22T20:00:00Z"}
    world.server.put(*world.service(namespace="evil"))
    route, address = world.route(namespace="evil", name="thief"), json.loads(json.dumps(ADDRESS))
    route["metadata"].update(late)
    address["metadata"].update(late, name="thief", namespace="evil")
    world.server.put(route, address)
    told = lambda kind: [e for e in events(world) if e["involvedObject"]["name"] == "thief" and e["involvedObject"]["kind"] == kind]
    world.until(lambda: told("IngressRoute") and told("VirtualAddress"), "Events for the losers")
    [event] = told("IngressRoute")
    assert event["reason"] == "Conflict" and event["metadata"]["namespace"] == "evil"
    assert event["message"].startswith("spec.routes[0].match: ") and "IngressRoute/shop/web has the same rule" in event["message"]
    assert "VirtualAddress/shop/va has this address and port" in told("VirtualAddress")[0]["message"]
    world.until(lambda: stored(world, "virtualaddresses", "evil", "thief").get("status"), "the condition")
    condition, _ = stored(world, "virtualaddresses", "evil", "thief")["status"]["conditions"]
    assert (condition["status"], condition["reason"]) == ("False", "Conflict")
    rows = json.loads(world.api("/api/rawdata"))["routers"]
    [loser] = [row for name, row in rows.items() if name.startswith("evil-thief-")]
    assert loser["status"] == "warning" and "IngressRoute/shop/web" in loser["error"][0]
    assert world.serves() and world.status()["routersNeverReached"] == 1
    world.server.delete("IngressRoute", "shop", "web")
    world.until(lambda: world.status()["routersNeverReached"] == 0 and world.serves(), "the one that is left to serve")


@pytest.fixture
def interface():
    name, folder = f"tg{os.getpid()}w", f"/sys/fs/bpf/tidegate-tg{os.getpid()}-lost"
    remove = lambda: subprocess.run(["ip", "link", "del", name], capture_output=True, check=False)
    subprocess.run(["ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}p"], check=True)
    yield name, folder, remove
    remove()
    subprocess.run([LOADER, f"--folder={folder}", "unload"], capture_output=True, check=False)


def test_a_node_tells_of_interfaces_that_are_lost_in_its_rows_and_in_one_event(world, interface):
    name, folder, remove = interface
    policy = {"apiVersion": "tidegate.io/v1alpha1", "kind": "SourcePolicy", "metadata": {"name": "sp", "namespace": "shop"},
              "spec": {"limits": {"packetsPerSecond": 10}}}
    world.server.put({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "status": {"addresses": []}}, policy)
    world.run(*PUBLISHED, f"--interfaces={name}", f"--pinFolder={folder}", env={"NODE_NAME": "n1"}, kernel="auto")

    def rows():
        found = [stored(world, plural, "shop", item)["status"]["nodes"][0]
                 for plural, item in (("sourcepolicies", "sp"), ("virtualaddresses", "va"))]
        return {(row["programmed"], row["reason"]) for row in found}, {row["message"] for row in found}

    def until(expected):
        def check():
            try:
                return rows()[0] == {expected}
            except (KeyError, IndexError, TypeError):
                return False
        world.until(check, f"the rows to say {expected}", 15)

    until(("True", "Programmed"))
    about = lambda: [e for e in events(world) if e["involvedObject"]["kind"] == "Node"]
    assert not about()
    remove()
    until(("False", "InterfaceLost"))
    assert rows()[1] == {f"interface {name}: is not there"}
    world.until(about, "an Event")
    [event] = about()
    assert (event["reason"], event["message"]) == ("InterfaceLost", f"interface {name}: is not there")
    assert event["metadata"]["namespace"] == "default" and "namespace" not in event["involvedObject"]
    world.server.put({**policy, "metadata": {**policy["metadata"], "labels": {"a": "b"}}})
    time.sleep(1.2)
    assert len(about()) == 1, "it is said once"
    subprocess.run(["ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}p"], check=True)
    subprocess.run([LOADER, f"--folder={folder}", "attach", name], check=True, capture_output=True)
    until(("True", "Programmed"))
