# SPDX-License-Identifier: Apache-2.0
"""Against a real API server, with the rights of the plain manifests: everything that the stand-in of the other tests plays."""

import glob
import json
import os
import signal
import subprocess

import pytest

from conftest import TIDEGATE
from kube_world import World
from live_server import SLICES, LiveServer
from ports import free_port

DEPLOY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy")
CRDS = sorted(glob.glob(os.path.join(DEPLOY, "crds", "*.yaml")))
PUBLISHED = ("--providers.kubernetesCRD=true", "--providers.kubernetesIngress=true",
             "--providers.kubernetesIngress.ingressEndpoint.ip=203.0.113.7")
VIP = {"apiVersion": "tidegate.io/v1alpha1", "kind": "VirtualAddress", "metadata": {"name": "va", "namespace": "shop"},
       "spec": {"addresses": ["192.0.2.53"], "ports": [{"port": 80}], "mode": "nat", "backendRefs": [{"name": "web", "port": 80}]}}
INGRESS = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "in", "namespace": "shop"},
           "spec": {"rules": [{"host": "in.test", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {
               "service": {"name": "web", "port": {"number": 80}}}}]}}]}}


class LiveWorld(World):
    """Of a World with another server, which several share."""

    def __init__(self, folder, server):
        os.makedirs(folder, exist_ok=True)
        super().__init__(folder)
        self.server.stop()
        self.server = server
        server.namespace("shop")
        server.put(*self.service())
        server.put(self.route())

    def service(self, **what):
        service, endpoints = super().service(**what)
        # The server gives it an address of its own.
        service["spec"].pop("clusterIP")
        return service, endpoints

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait(15)
        self.backend.shutdown()


@pytest.fixture(scope="module", name="server")
def _server(tmp_path_factory):
    program = os.environ["LIVE_API_SERVER"]
    server = LiveServer(tmp_path_factory.mktemp("live"), program)
    try:
        server.put_files(*CRDS)
        server.put(SLICES)
        server.put_files(os.path.join(DEPLOY, "kubernetes", "daemonset.yaml"))
        yield server
    finally:
        server.stop()


@pytest.fixture(name="world")
def _world(server, tmp_path):
    world = LiveWorld(tmp_path / "world", server)
    try:
        yield world
    finally:
        world.stop()


def test_definitions_are_structural(server):
    server.namespace("shop")
    for path in CRDS:
        crd = server.ask("GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"
                         + ".".join(reversed(os.path.basename(path)[:-5].split("_"))))
        told = {c["type"]: c["status"] for c in crd["status"]["conditions"]}
        assert told == {"NamesAccepted": "True", "Established": "True"}, path


def test_examples_are_accepted_and_odd_fields_refused(server):
    server.namespace("shop")
    for path in sorted(glob.glob(os.path.join(DEPLOY, "examples", "*.yaml"))):
        # A header that is removed is an empty text, which this server, built with a newer Go, takes for null.
        with open(path) as file:
            text = file.read().replace('X-Powered-By: ""', "X-Powered-By: none")
        copy = server.path(os.path.basename(path))
        with open(copy, "w") as file:
            file.write(text)
        server.put_files(copy)
    with pytest.raises(AssertionError, match="spec.routes"):
        server.put({"apiVersion": "traefik.io/v1alpha1", "kind": "IngressRoute",
                    "metadata": {"name": "odd", "namespace": "shop"}, "spec": {"routes": "none"}})


def test_the_manifests_rights_are_enough(world):
    world.run(*PUBLISHED)
    world.until(world.serves, "the route")
    world.until(lambda: world.kube()["listed"], "all kinds")
    assert "RBAC" not in world.log()
    world.server.put(world.route(name="second", host="second.test"))
    world.until(lambda: world.serves("second.test"), "a new route")
    world.server.delete(world.route(name="second"))
    world.until(lambda: world.get("second.test")[0] == 404, "its end")


def test_status_events_and_the_lease(world, tmp_path):
    other = LiveWorld(tmp_path / "other", world.server)
    try:
        world.run(*PUBLISHED)
        other.run(*PUBLISHED)
        world.server.put(VIP, INGRESS, world.route(name="broken", service="nobody"))
        world.until(lambda: world.server.get(VIP).get("status", {}).get("conditions"), "conditions", 20)
        world.until(lambda: world.server.get(INGRESS)["status"]["loadBalancer"].get("ingress"), "the address", 20)
        assert world.server.get(INGRESS)["status"]["loadBalancer"]["ingress"] == [{"ip": "203.0.113.7"}]
        told = lambda: [e for e in world.server.ask("GET", "/api/v1/namespaces/shop/events")["items"]
                        if e["involvedObject"]["name"] == "broken"]
        [event] = world.until(told, "an Event", 20)
        assert "does not exist" in event["message"] and event["type"] == "Warning"
        leases = world.server.ask("GET", "/apis/coordination.k8s.io/v1/namespaces/tidegate/leases")["items"]
        assert [bool(lease["spec"]["holderIdentity"]) for lease in leases] == [True]
    finally:
        other.stop()
        world.server.delete(world.route(name="broken"))


def test_a_server_that_dies_and_comes_back(world):
    world.run(*PUBLISHED)
    world.server.kill()
    assert world.serves()
    world.until(lambda: "cannot be used" in world.log(), "what the log says of it")
    assert world.serves()
    world.server.start()
    world.server.put(world.route(name="after", host="after.test"))
    world.until(lambda: world.serves("after.test"), "a route of afterwards", 20)
    lease = lambda: world.server.ask("GET", "/apis/coordination.k8s.io/v1/namespaces/tidegate/leases")["items"][0]["spec"]
    before = lease()["renewTime"]
    world.until(lambda: lease()["renewTime"] != before, "the Lease", 20)


def test_what_was_compacted_is_listed_anew(world):
    world.run(*PUBLISHED)
    world.server.put(world.route(name="early", host="early.test"))
    world.until(lambda: world.serves("early.test"), "a route")
    os.kill(world.process.pid, signal.SIGSTOP)
    world.server.delete(world.route(name="early"))
    world.server.put(world.route(name="late", host="late.test"))
    world.server.kill()
    world.server.compact()
    world.server.start()
    os.kill(world.process.pid, signal.SIGCONT)
    world.until(lambda: world.serves("late.test"), "what came meanwhile", 20)
    world.until(lambda: world.get("early.test")[0] == 404, "the end of what went meanwhile")


def test_a_definition_that_goes_and_comes(world):
    path = next(p for p in CRDS if p.endswith("traefikservices.yaml"))
    service = {"apiVersion": "traefik.io/v1alpha1", "kind": "TraefikService", "metadata": {"name": "all", "namespace": "shop"},
               "spec": {"weighted": {"services": [{"name": "web", "port": 80}]}}}
    route = world.route(name="split", host="split.test")
    route["spec"]["routes"][0]["services"] = [{"name": "all", "kind": "TraefikService"}]
    world.server.put(service, route)
    world.run(*PUBLISHED)
    world.until(lambda: world.serves("split.test"), "the route")
    world.server.ask("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/traefikservices.traefik.io")
    world.until(lambda: world.get("split.test")[0] == 404, "the end of its objects")
    assert world.serves()
    world.server.put_files(path)
    world.server.put(service)
    world.until(lambda: world.serves("split.test"), "the kind again", 20)


def test_a_token_that_is_rotated(world):
    kubeconfig = world.server.kubeconfig()
    with open(world.server.path("token")) as file:
        token = file.read()
    world.run(*PUBLISHED, kubeconfig=kubeconfig)
    with open(world.server.path("token"), "w") as file:
        file.write("outdated")
    world.server.kill()
    world.server.start()
    world.until(lambda: "401" in world.log(), "the refusal", 20)
    assert world.serves()
    with open(world.server.path("token"), "w") as file:
        file.write(token)
    world.server.put(world.route(name="rotated", host="rotated.test"))
    world.until(lambda: world.serves("rotated.test"), "a route by the new token", 30)


def test_commands_look_without_touching(world):
    kubeconfig = world.server.kubeconfig()
    world.server.put(world.route(name="checked", host="checked.test"))
    check = subprocess.run([TIDEGATE, "check", f"--kubeconfig={kubeconfig}", "--json"], capture_output=True, text=True,
                           timeout=60, check=False)
    assert "objects" in check.stdout, check.stdout + check.stderr
    assert json.loads(check.stdout)["objects"] > 3
    new = os.path.join(world.folder, "new.yaml")
    with open(new, "w") as file:
        json.dump(world.route(name="checked", host="other.test"), file)
    plan = subprocess.run([TIDEGATE, "plan", f"--kubeconfig={kubeconfig}", "-f", new], capture_output=True, text=True,
                          timeout=60, check=False)
    assert "+ router" in plan.stdout and "Host(`other.test`)" in plan.stdout, plan.stdout + plan.stderr


def test_a_namespace_of_its_own(world):
    """Last, since it takes the rights on the whole cluster away."""
    world.server.ask("DELETE", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/tidegate-tidegate")
    world.server.put_files(os.path.join(DEPLOY, "kubernetes", "namespaced.yaml"))
    world.server.put(*world.service(namespace="tidegate"))
    world.server.put(world.route(namespace="tidegate", host="own.test"))
    world.web = free_port()
    world.run("--providers.kubernetesCRD=true", "--providers.kubernetesCRD.namespaces=tidegate",
              "--providers.kubernetesCRD.disableClusterScopeResources=true")
    world.until(lambda: world.serves("own.test"), "its route", 20)
    assert "RBAC" not in world.log()
    assert world.get()[0] == 404
