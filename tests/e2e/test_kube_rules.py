# SPDX-License-Identifier: Apache-2.0
"""What is asked and written, held against the rules of an API server: the roles that we ship, status subresources, server-side
apply, namespaces that end, tokens that change, definitions that come later; and that tenants cannot harm each other."""

import copy
import os
import subprocess
import time

import pytest

import kube_rules
from conftest import LOADER, ROOT, TIDEGATE
from kube_server import status
from kube_world import World
from kube_wrong import answering
from test_kube_write import ADDRESS, BALANCER, BROKEN, INGRESS, PUBLISHED, events, stored

RECORDED = os.path.join(ROOT, "tests", "support", "kube_recorded")
MANIFESTS = os.path.join(ROOT, "deploy", "kubernetes")
BOTH = ("--providers.kubernetescrd", *PUBLISHED[1:])
POLICY = {"apiVersion": "tidegate.io/v1alpha1", "kind": "SourcePolicy", "metadata": {"name": "sp", "namespace": "shop"},
          "spec": {"denyFrom": [{"configMap": {"name": "bad", "key": "list"}}]}}
TLS = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "cert", "namespace": "shop"},
       "stringData": {"tls.crt": "", "tls.key": ""}}


@pytest.fixture
def world(tmp_path, request):
    made = World(tmp_path, **getattr(request, "param", {}))
    made.server.start()
    made.server.put(*made.service(), made.route())
    yield made
    made.stop()


def renamed(item, name, namespace, **spec):
    item = copy.deepcopy(item)
    item["metadata"].update(name=name, namespace=namespace)
    item["spec"].update(spec)
    return item


def conditions(world, plural, namespace, name):
    item = stored(world, plural, namespace, name) or {}
    return {row["type"]: row for row in item.get("status", {}).get("conditions", [])}


# ------------------------------------------------------------------------------------------------------- roles --

@pytest.mark.parametrize("world", [{"namespace": "tidegate"}], indirect=True)
def test_the_cluster_role_allows_all_that_is_asked_and_nothing_else(world):
    server = world.server
    server.roles = kube_rules.roles_of(os.path.join(MANIFESTS, "daemonset.yaml"))
    server.missing |= {"tlsoptions"}
    bad = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bad", "namespace": "shop"}, "data": {"list": "192.0.2.0/24"}}
    server.put(BROKEN, INGRESS, ADDRESS, POLICY, BALANCER, TLS, bad, world.route("tls", "tls.test", tls={"secretName": "cert"}))
    # As one finds it that another replica has made.
    server.when("POST .*/events", answering(409, status(409, "AlreadyExists", "it exists")))
    world.run(*BOTH)
    world.until(lambda: server.seen("PATCH .*/events/") and stored(world, "ingresses", "shop", "in").get("status") and
                conditions(world, "virtualaddresses", "shop", "va") and conditions(world, "sourcepolicies", "shop", "sp"), "all writes")
    server.install("tlsoptions")
    world.until(lambda: world.watch("TLSOption")["state"] == "watching", "the kind that was not there")
    world.process.terminate()
    world.process.wait(15)
    assert server.seen("PUT .*/leases/"), "the Lease is given back"
    assert "RBAC does not allow" not in world.log()
    granted = kube_rules.granted(server.roles)
    used = {(namespace if "leases" in resource else None, group, resource, verb) for namespace, group, resource, verb in server.used}
    # Whoever has no streaming lists is asked for lists.
    used |= {(n, g, r, "list") for n, g, r, v in used if v == "watch" and r != "customresourcedefinitions"}
    assert used - granted == set(), "asked without a right"
    assert granted - used == set(), "a right that nobody uses"


@pytest.mark.parametrize("world", [{"namespace": "tidegate"}], indirect=True)
def test_a_role_in_a_namespace_is_enough_for_it(world):
    world.server.roles = kube_rules.roles_of(os.path.join(MANIFESTS, "namespaced.yaml"))
    world.server.put(*world.service(namespace="tidegate"), world.route("own", "own.test", "tidegate"),
                     renamed(BROKEN, "broken", "tidegate"), renamed(POLICY, "sp", "tidegate"))
    world.run("--providers.kubernetesCRD", "--providers.kubernetesCRD.namespaces=tidegate",
              "--providers.kubernetesCRD.disableClusterScopeResources=true")
    assert world.serves("own.test") and world.get()[0] == 404
    world.until(lambda: events(world) and conditions(world, "sourcepolicies", "tidegate", "sp"), "all writes")
    assert "RBAC does not allow" not in world.log() and not [w for w in world.kube()["watches"] if w["state"] == "forbidden"]
    assert not world.server.seen("customresourcedefinitions")


# ------------------------------------------------------------------------------------------------- definitions --

def test_definitions_that_are_applied_later_are_taken_up_within_a_second(world):
    kinds = ("ingressroutes", "middlewares", "sourcepolicies")
    world.server.missing |= set(kinds)
    world.run()
    world.until(lambda: world.server.seen("customresourcedefinitions.*watch=true"), "the watch of definitions")
    time.sleep(0.3)
    asked = len(world.server.seen("/ingressroutes"))
    began = time.monotonic()
    world.server.install(*kinds)
    world.until(world.serves, "the route of the new kind")
    assert time.monotonic() - began < 1
    assert asked <= 2, "what is not there is not asked for again and again"
    world.until(lambda: all(w["state"] == "watching" for w in world.kube()["watches"]), "all kinds")
    seen = world.server.seen("customresourcedefinitions")
    assert len(seen) == 1 and "as=PartialObjectMetadata;" in seen[0].headers["accept"]
    assert not world.server.seen("GET /apis/[a-z.]+/[a-z0-9]+$"), "discovery is not asked meanwhile"


# ---------------------------------------------------------------------------------------------------- status --

def test_a_node_says_of_an_address_whether_it_forwards_it(world):
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "status": {"addresses": []}}
    lost = {"name": "gone", "programmed": "True", "reason": "Programmed", "lastTransitionTime": "2026-11-22T19:06:29Z"}
    limits = renamed(POLICY, "limits", "shop", denyFrom=[], limits={"packetsPerSecond": 10})
    world.server.put(node, {**ADDRESS, "status": {"nodes": [lost]}}, POLICY, {**limits, "status": {"nodes": [lost]}})
    world.run(*BOTH, env={"NODE_NAME": "n1"})
    said = lambda: conditions(world, "virtualaddresses", "shop", "va")
    world.until(lambda: said().get("Programmed", {}).get("reason") == "NodeFault", "the node's fault")
    now = said()
    assert now["Accepted"]["status"] == "True" and now["Accepted"]["observedGeneration"] == 1
    assert now["Programmed"]["status"] == "False" and now["Programmed"]["message"].startswith("node n1: the kernel plane is off")
    [entry] = stored(world, "virtualaddresses", "shop", "va")["status"]["nodes"]
    assert (entry["name"], entry["programmed"]) == ("n1", "False"), "what a lost node said is gone"
    assert entry["reason"] == "KernelPlaneOff"
    policy = conditions(world, "sourcepolicies", "shop", "sp")["Accepted"]
    assert policy["observedGeneration"] == 1
    of_policy = lambda: conditions(world, "sourcepolicies", "shop", "limits")
    world.until(lambda: of_policy().get("Programmed", {}).get("reason") == "NodeFault", "the same of a policy")
    assert of_policy()["Accepted"]["status"] == "True" and "node n1: the kernel plane is off" in of_policy()["Programmed"]["message"]
    [row] = stored(world, "sourcepolicies", "shop", "limits")["status"]["nodes"]
    assert (row["name"], row["programmed"], row["reason"], row["observedGeneration"]) == ("n1", "False", "KernelPlaneOff", 1)
    # A change without consequence changes the generation and no time.
    time.sleep(1.1)
    before = stored(world, "virtualaddresses", "shop", "va")["status"]
    world.server.put({**renamed(ADDRESS, "va", "shop", synCookies="off"), "status": before})
    world.until(lambda: said()["Accepted"]["observedGeneration"] == 2, "the new generation")
    assert said()["Accepted"]["lastTransitionTime"] == now["Accepted"]["lastTransitionTime"]
    of_node = lambda: stored(world, "virtualaddresses", "shop", "va")["status"]["nodes"][0]
    world.until(lambda: of_node()["observedGeneration"] == said()["Programmed"]["observedGeneration"] == 2, "the node to say it of that")
    assert of_node()["lastTransitionTime"] == entry["lastTransitionTime"]
    quiet = len(world.server.requests)
    time.sleep(0.7)
    assert not [r for r in world.server.requests[quiet:] if r.method == "PATCH"], "what is so is not written again"
    bodies = [r for r in world.server.seen("PATCH .*/virtualaddresses/va/status")]
    assert {r.headers["content-type"] for r in bodies} == {"application/merge-patch+json", "application/apply-patch+yaml"}
    assert all("fieldManager=tidegate-node-n1" in r.full_path for r in bodies if "apply" in r.headers["content-type"])


@pytest.fixture
def small_plane(tmp_path):
    folder = f"/sys/fs/bpf/tidegate-tg{os.getpid()}-small"
    command = [LOADER, f"--folder={folder}"]
    subprocess.run([*command, "--max-prefixes=64", "load"], check=True, capture_output=True)
    yield folder
    subprocess.run([*command, "unload"], check=True, capture_output=True)


def test_a_node_whose_kernel_plane_refuses_a_change_says_so_until_it_has_it(world, small_plane):
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "status": {"addresses": []}}
    kept = renamed(ADDRESS, "kept", "shop", addresses=["192.0.2.81"])
    policy = lambda n: {**POLICY, "spec": {"entryPoints": ["web"], "deny": [f"198.{18 + i // 256}.{i % 256}.0/24" for i in range(n)]}}
    world.server.put(node, *world.service(), ADDRESS, kept, policy(3))
    world.run(*BOTH, f"--pinFolder={small_plane}", env={"NODE_NAME": "n1"}, kernel="pinned")

    def row(name, kind="virtualaddresses", keys=("programmed", "observedGeneration")):
        rows = (stored(world, kind, "shop", name).get("status") or {}).get("nodes", [])
        return tuple(rows[0][key] for key in keys) if rows else None

    of_policy = lambda: row("sp", "sourcepolicies", ("programmed", "reason", "observedGeneration"))
    world.until(lambda: row("va") == row("kept") == ("True", 1), "the node to forward both")
    world.until(lambda: of_policy() == ("True", "Programmed", 1), "the policy to be in force")
    # More than its table holds: what changes from now on is not in force, what was stays.
    world.server.put(policy(500))
    world.until(lambda: "kernel plane refused" in world.log(), "the refusal")
    world.until(lambda: of_policy() == ("False", "NoRoom", 2), "the policy that does not fit")
    before = stored(world, "virtualaddresses", "shop", "va")["status"]
    world.server.put({**renamed(ADDRESS, "va", "shop", addresses=["192.0.2.82"]), "status": before})
    world.until(lambda: row("va") == ("False", 2), "the node to say that it does not have it")
    said = lambda: conditions(world, "virtualaddresses", "shop", "va")["Programmed"]
    world.until(lambda: said()["status"] == "False", "the condition")
    assert said()["message"].startswith("node n1: the kernel plane has no room") and said()["observedGeneration"] == 2
    assert row("kept") == ("True", 1)
    world.server.put(policy(3))
    world.until(lambda: row("va") == ("True", 2) and said()["status"] == "True", "the node to have it")
    world.until(lambda: of_policy() == ("True", "Programmed", 3), "the policy to be in force")
    assert conditions(world, "sourcepolicies", "shop", "sp")["Accepted"]["status"] == "True"
    assert "kernel plane took the configuration that it had refused" in world.log()


def test_writes_survive_a_rotated_token_and_a_namespace_that_ends(world):
    server = world.server
    server.put(*world.service(namespace="ending"), renamed(BROKEN, "broken", "ending"))
    server.terminating.add("ending")
    server.when("PATCH .*/ingresses/in/status", answering(401, status(401, "Unauthorized", "Unauthorized")))
    world.run(*BOTH)
    world.until(lambda: server.seen("POST .*/namespaces/ending/events"), "the Event that cannot be")
    server.put(BROKEN, INGRESS, BALANCER)
    world.until(lambda: [e for e in events(world) if e["metadata"]["namespace"] == "shop"], "Events elsewhere")
    assert len(server.seen("POST .*/namespaces/ending/events")) == 1 and "RBAC does not allow" not in world.log()
    world.until(lambda: stored(world, "ingresses", "shop", "in").get("status"), "the status, after 401", 12)
    assert "problem" in world.kube()["writes"]


def test_what_is_refused_in_one_namespace_is_written_in_others(world):
    world.server.roles = [(None, {"apiGroups": ["", "discovery.k8s.io", "traefik.io", "tidegate.io", "networking.k8s.io"],
                                  "resources": [k for k in kube_rules.KINDS if k not in ("events", "leases")], "verbs": ["list", "watch"]}),
                          ("shop", {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]}),
                          ("edge", {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"]})]
    world.server.put(*[renamed(BROKEN, f"b{i}", "closed") for i in range(5)])
    world.run(*BOTH)
    world.until(lambda: "RBAC does not allow to write Events" in world.log(), "the rule that lacks")
    world.server.put(BROKEN)
    world.until(lambda: events(world), "the Event where it is allowed")
    assert len(world.server.seen("POST .*/namespaces/closed/events")) <= 5


# ------------------------------------------------------------------------------------------- a server that starts --

def test_a_restart_beside_a_server_that_starts_loses_nothing(world, tmp_path):
    """It first forbids everything, then does not know our kinds: what an earlier life knew serves on."""
    state = f"--stateFile={tmp_path}/state"
    world.run(state)
    world.until(lambda: os.path.exists(tmp_path / "state"), "the state file", 15)
    world.process.terminate()
    world.process.wait(15)
    world.server.roles = []
    world.run(state, wait=False)
    world.until(world.serves, "what was known")
    end = time.monotonic() + 3
    while time.monotonic() < end:
        assert world.serves()
        time.sleep(0.05)
    assert not world.kube()["listed"]
    world.server.missing.add("ingressroutes")
    world.server.roles = None
    world.until(world.listed, "everything else to be listed", 15)
    assert world.serves()
    world.server.install("ingressroutes")
    world.server.put(world.route("new", "new.test"))
    world.until(lambda: world.serves("new.test") and world.serves(), "everything to be there")
    world.server.delete("IngressRoute", "shop", "web")
    world.until(lambda: world.get()[0] == 404, "what is gone to be gone")


def test_objects_with_all_the_fields_that_a_server_gives_them_are_read(world):
    with open(os.path.join(RECORDED, "objects.yaml"), encoding="utf-8") as file:
        world.server.put(*kube_rules.kube_schema.yaml.load_all(file, Loader=kube_rules.kube_schema.LOADER))
    world.server.delete("IngressRoute", "shop", "web")
    world.server.delete("EndpointSlice", "shop", "web-1")
    done = subprocess.run([TIDEGATE, "check", f"--kubeconfig={world.server.kubeconfig()}"], capture_output=True, text=True, timeout=30)
    told = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith(("error", "warning"))]
    assert len(told) == 3 and ", 7 routers: 2 errors, 1 warnings" in done.stdout + done.stderr, told
    # A Secret without data, a backend that is no Service, a default backend beside rules: each costs itself alone.
    assert all(any(word in line for line in told) for word in ("it has no tls.crt", "a backend is a Service", "spec.defaultBackend")), told


# --------------------------------------------------------------------------------------------------- tenants --

def test_a_tenant_harms_nobody_else(world):
    server = world.server
    server.put(TLS, *world.service(namespace="evil"),
               {"apiVersion": "traefik.io/v1alpha1", "kind": "Middleware", "metadata": {"name": "secret", "namespace": "shop"},
                "spec": {"headers": {"customRequestHeaders": {"X-Shop": "yes"}}}})
    world.run()
    elsewhere = world.route("borrowed", "borrowed.test", "evil")
    elsewhere["spec"]["routes"][0]["services"][0]["namespace"] = "shop"
    filtered = world.route("filtered", "filtered.test", "evil")
    filtered["spec"]["routes"][0]["middlewares"] = [{"name": "secret", "namespace": "shop"}]
    options = world.route("options", "options.test", "evil", tls={"options": {"name": "default", "namespace": "shop"}})
    secret = world.route("cert", "cert.test", "evil", tls={"secretName": "cert"})
    thief = world.route("thief", "web.test", "evil")
    thief["metadata"]["creationTimestamp"] = "2026-11-23T00:00:00Z"
    wild = world.route("wild", "x.test", "evil")
    wild["spec"]["routes"][0]["match"] = "Host(`x.test`) && (((("
    server.put(elsewhere, filtered, options, secret, thief, wild, world.route("fine", "fine.test", "evil"))
    world.until(lambda: world.serves("fine.test"), "the tenant's good route")
    assert world.serves(), "the older route of another tenant"
    for host in ("borrowed.test", "filtered.test"):
        assert world.get(host)[0] in (404, 503), f"{host}: a reference into another namespace"
    asked = {r.path for r in server.requests if "/secrets" in r.path}
    assert asked <= {"/api/v1/namespaces/evil/secrets"}, "Secrets of other namespaces are not even asked for"
    told = lambda name: [e["message"] for e in events(world) if e["involvedObject"]["name"] == name]
    world.until(lambda: all(told(n) for n in ("borrowed", "filtered", "thief", "wild")), "Events for each of them")
    assert all(e["metadata"]["namespace"] == "evil" for e in events(world)), "no other tenant is told of it"
    assert "IngressRoute/shop/web has the same rule" in told("thief")[0]
    server.delete("IngressRoute", "shop", "web")
    world.until(lambda: world.serves(), "the younger one takes over once the host is free")
