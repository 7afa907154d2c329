# SPDX-License-Identifier: Apache-2.0
"""Objects from an API server, live: what is asked, and that nothing it does wrong disturbs what is served."""

import base64
import glob
import json
import os
import random
import stat
import subprocess
import time

import pytest

from conftest import ROOT, TIDEGATE
from kube_server import KINDS, status
from kube_world import World
from kube_wrong import answering, cut, replay, silent, streaming

RECORDED = os.path.join(ROOT, "tests", "support", "kube_recorded")
LISTS = r"GET .*/ingressroutes\?"


@pytest.fixture
def world(tmp_path, request):
    made = World(tmp_path, **getattr(request, "param", {}))
    made.server.start()
    made.server.put(*made.service(), made.route())
    yield made
    made.stop()


def changes_arrive(world, host):
    world.server.put(world.route(host.partition(".")[0], host))
    world.until(lambda: world.serves(host), f"{host} to be served")


@pytest.mark.parametrize("world", [{"version": "1.34"}, {"version": "1.26"}, {"version": "1.34", "h2_too": False},
                                   {"version": "1.26", "h2_too": False}, {"tls": False}],
                         indirect=True, ids=["1.34", "1.26", "1.34-http1", "1.26-http1", "plain"])
def test_objects_come_live_from_every_form_of_server(world):
    world.server.chunk = 37
    world.server.page_limit = 2
    world.server.put(*[world.route(f"r{i}", f"r{i}.test") for i in range(7)])
    world.run()
    assert world.serves() and world.serves("r6.test")
    changes_arrive(world, "new.test")
    world.server.delete("IngressRoute", "shop", "new")
    world.until(lambda: world.get("new.test")[0] == 404, "the route to be gone")
    assert {r.headers["user-agent"].split("/")[0] for r in world.server.requests} == {"tidegate"}
    if world.server.h2_too and world.server.tls:
        assert world.kube()["http"] == "2" and world.server.connections == 1, "all watches share one connection"
    if world.server.version == "1.26":
        assert world.server.seen(LISTS + ".*continue="), "lists come in pages"
    else:
        assert world.server.seen(LISTS + ".*sendInitialEvents=true")
        assert not world.server.seen("GET .*limit=")


def test_a_watch_that_ends_goes_on_where_it_was(world):
    world.server.watch_s = 0.3
    world.run()
    for i in range(4):
        changes_arrive(world, f"h{i}.test")
        time.sleep(0.2)
    assert len(world.server.seen(LISTS + "watch=true.*resourceVersion=1")) >= 2
    assert len(world.server.seen(LISTS + ".*sendInitialEvents")) == 1, "nothing is listed twice"


def test_an_expired_version_is_told_in_the_stream_and_everything_is_listed_anew(world):
    world.run()
    world.server.down()
    world.server.put(world.route("late", "late.test"))
    world.server.delete("IngressRoute", "shop", "web")
    world.server.compact()
    world.server.up()
    world.until(lambda: world.serves("late.test") and world.get()[0] == 404, "the new list", 15)
    assert any(w["lists"] > 1 for w in world.kube()["watches"])


def test_an_expired_version_is_told_by_the_status(world):
    world.server.watch_s = 0.3
    world.run()
    world.server.when(LISTS + "watch=true.*resourceVersion=", answering(410, status(410, "Expired", "too old")))
    world.until(lambda: world.watch("IngressRoute")["lists"] > 1, "a new list")
    changes_arrive(world, "after.test")


@pytest.mark.parametrize("world", [{"version": "1.26"}], indirect=True)
def test_a_page_that_expired_begins_the_list_anew(world):
    world.server.page_limit = 1
    world.server.put(world.route("b", "b.test"), world.route("c", "c.test"))
    world.server.when(LISTS + ".*continue=", answering(410, status(410, "Expired", "too old")))
    world.run()
    assert world.serves("c.test") and len(world.server.seen(LISTS + "limit=500$")) == 2


@pytest.mark.parametrize("world", [{"version": "1.34"}, {"version": "1.26"}], indirect=True, ids=["1.34", "1.26"])
def test_what_one_tenant_writes_does_not_end_the_updates_of_others(world):
    """An API server takes a NUL, and numbers of any size; whoever may annotate one object must not stop a whole kind."""
    world.server.put(world.route("early", "early.test") | {"spec": {"big": 10**30, "routes": []}})
    world.run()
    for kind in (world.route("odd", "odd.test"), world.service("odd")[0]):
        kind["metadata"]["annotations"] = {"note": "a\0b"}
        world.server.put(kind)
    changes_arrive(world, "later.test")
    assert world.serves() and world.serves("odd.test")
    assert world.watch("IngressRoute")["errors"] == 0 and world.watch("Service")["errors"] == 0


def test_a_server_that_is_killed_leaves_traffic_alone(world):
    world.run()
    world.server.down()
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        assert world.serves()
    assert not world.kube()["connected"] and world.kube()["problem"]
    world.server.put(world.route("back", "back.test"))
    world.server.up()
    world.until(lambda: world.serves("back.test"), "the server to be found again", 15)
    assert world.server.seen(LISTS + r"watch=true.*resourceVersion=10\d"), "watches go on from where they were"


@pytest.mark.parametrize("world", [{"h2_too": False}], indirect=True)
def test_a_server_that_ends_gently_keeps_its_watches_and_is_left_for_the_next(world):
    world.server.watch_s = 1
    world.run()
    world.server.stop_listening()
    time.sleep(1.2)
    world.server.put(world.route("next", "next.test"))
    world.server.up()
    world.until(lambda: world.serves("next.test"), "the next server", 15)


def test_goaway_in_the_middle_of_everything_is_survived(world):
    world.run()
    for i in range(3):
        world.server.goaway()
        changes_arrive(world, f"g{i}.test")
    world.server.cut()
    changes_arrive(world, "end.test")


def test_what_a_server_says_while_it_starts_is_waited_out(world):
    """In the order of a real one: 503, a brief 403, 429 at the first use of a CRD kind."""
    world.server.when("GET /apis/traefik.io",
                      *[answering(503, "the request has been made before all known HTTP paths have been installed",
                                  "text/plain", [("Retry-After", "1")])] * 5,
                      *[answering(403, status(403, "Forbidden", "not yet"))] * 3,
                      *[answering(429, status(429, "TooManyRequests", "storage is (re)initializing"),
                                  headers=[("Retry-After", "1")])] * 3)
    began = time.monotonic()
    world.run()
    assert world.serves() and time.monotonic() - began >= 0.9, "Retry-After is obeyed"


def test_a_token_that_was_rotated_is_read_anew(world):
    world.run()
    world.server.token = "second"
    world.server.cut()
    world.until(lambda: world.server.seen(".") and any("401" in (w.get("problem") or "") for w in world.kube()["watches"]),
                "401 to be told")
    assert world.serves()
    world.server.write_token("second")
    changes_arrive(world, "rotated.test")


def test_a_ca_that_was_rotated_is_read_anew(world):
    world.run()
    world.server.down()
    world.server.new_certificate()
    world.server.up()
    changes_arrive(world, "trusted.test")
    assert len(world.server.seen(LISTS + ".*sendInitialEvents")) == 1, "nothing is listed twice"


def new_client(world):
    """A certificate, its key and its own CA, where the kubeconfig has them."""
    folder = os.path.join(world.folder, "api")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/O=system:nodes/CN=edge", "-keyout", os.path.join(folder, "client.key"),
                    "-out", os.path.join(folder, "client.crt")], check=True, capture_output=True)
    return os.path.join(folder, "client.crt")


def test_a_client_certificate_that_was_rotated_is_read_anew(world):
    world.server.token, world.server.client_ca = None, new_client(world)
    world.server.down()
    world.server.up()
    world.run(kubeconfig=world.server.kubeconfig("mtls", {"client-certificate": "client.crt", "client-key": "client.key"}))
    assert world.serves()
    new_client(world)
    world.server.down()
    world.server.up()
    changes_arrive(world, "rotated.test")


def test_who_acts_for_somebody_says_so(world):
    world.run(kubeconfig=world.server.kubeconfig("as", {"tokenFile": "token", "as": "jane", "as-groups": ["dev", "ops"]}))
    assert world.serves() and {r.headers.get("impersonate-user") for r in world.server.requests} == {"jane"}


def test_a_kind_that_is_not_there_is_taken_up_when_it_appears(world):
    world.server.missing |= {"ingressroutes", "middlewares"}
    world.run()
    assert world.get()[0] == 404 and world.watch("IngressRoute")["state"] == "absent"
    time.sleep(0.5)
    assert len(world.server.seen(LISTS)) <= 2, "a missing kind is asked for cheaply"
    world.server.missing.clear()
    world.until(world.serves, "the kind to be found")
    assert world.server.seen("GET /apis/traefik.io/v1alpha1$")


def test_a_kind_that_is_gone_for_a_moment_keeps_its_routes(world):
    world.server.watch_s = 0.5
    world.run()
    world.server.missing.add("ingressroutes")
    world.until(lambda: world.watch("IngressRoute")["state"] == "absent", "404 to be seen")
    assert world.serves()
    world.server.missing.clear()
    world.until(lambda: world.watch("IngressRoute")["state"] == "watching", "the kind to be back")
    assert world.serves()


def test_a_forbidden_kind_harms_only_itself_and_the_rule_is_named(world):
    world.server.forbidden |= {"middlewares", "nodes"}
    world.run()
    assert world.serves() and world.watch("Middleware")["state"] == "forbidden"
    world.until(lambda: 'apiGroups: [\\"traefik.io\\"], resources: [\\"middlewares\\"]' in world.log(), "the rule in the log")
    assert 'cannot watch resource' in world.log() or "cannot list resource" in world.log()
    world.server.forbidden.clear()
    world.until(lambda: world.watch("Middleware")["state"] == "watching", "what is allowed now", 12)


def test_who_may_only_list_is_served_by_lists(world):
    """That they come again and again, but not often, is in kube_watch_test.c."""
    world.server.forbidden |= {("ingressroutes", "watch")}
    world.run()
    assert world.serves() and world.server.seen(LISTS + "limit=")


def test_namespaces_and_labels_limit_what_is_asked_for(world):
    labelled = world.route("labelled", "labelled.test")
    labelled["metadata"]["labels"] = {"team": "blue"}
    world.server.put(labelled, *world.service(namespace="other"), world.route("other", "other.test", "other"))
    world.run("--providers.kubernetesCRD.namespaces=shop", "--providers.kubernetesCRD.labelSelector=team=blue",
              kubeconfig=world.server.kubeconfig())
    assert world.serves("labelled.test") and world.get()[0] == 404 and world.get("other.test")[0] == 404
    asked = [r.full_path for r in world.server.requests]
    assert not [p for p in asked if "/ingressroutes" in p and "/namespaces/shop/" not in p]
    assert all("labelSelector=team%3Dblue" in p for p in asked if "/ingressroutes" in p)
    assert not [p for p in asked if "/services" in p and ("labelSelector" in p or "/namespaces/shop/" not in p)]
    assert not [p for p in asked if "ingresses" in p], "only the provider that is named"


def test_only_secrets_that_are_named_are_read(world, tmp_path):
    pem = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                          "-days", "2", "-subj", "/CN=tls.test", "-keyout", str(tmp_path / "k"), "-out", str(tmp_path / "c")],
                         capture_output=True, check=True) and (open(tmp_path / "c").read(), open(tmp_path / "k").read())
    world.server.put(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "private", "namespace": "shop"}, "stringData": {"a": "b"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "users", "namespace": "shop"}, "stringData": {"users": "u:p"}},
        {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "cert", "namespace": "shop"},
         "stringData": {"tls.crt": pem[0], "tls.key": pem[1]}},
        world.route("tls", "tls.test", tls={"secretName": "cert"}))
    world.run()
    asked = [r.full_path for r in world.server.requests if "/secrets" in r.full_path]
    assert asked and all("/namespaces/shop/secrets?" in p and "fieldSelector=metadata.name%3Dcert" in p for p in asked)
    world.server.put({"apiVersion": "traefik.io/v1alpha1", "kind": "Middleware", "metadata": {"name": "auth", "namespace": "shop"},
                      "spec": {"basicAuth": {"secret": "users"}}})
    world.until(lambda: world.server.seen("fieldSelector=metadata.name%3Dusers"), "the new name to be asked for")
    world.server.delete("Middleware", "shop", "auth")
    world.until(lambda: len([w for w in world.kube()["watches"] if w["kind"] == "Secret"]) == 1, "the watch to end")
    assert not world.server.seen("private") and not world.server.seen("configmaps")


def test_very_many_secrets_are_watched_by_type(world):
    names = [f"c{i}" for i in range(120)]
    world.server.put(*[{"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "stringData": {"tls.crt": "", "tls.key": ""},
                        "metadata": {"name": n, "namespace": "shop"}} for n in names],
                     *[world.route(n, f"{n}.test", tls={"secretName": n}) for n in names])
    world.run()
    world.until(lambda: any(w["watch"] == "Secret" and w["objects"] == 120 for w in world.kube()["watches"]) and
                len(world.kube()["watches"]) < 40, "one watch instead of many")
    assert all("fieldSelector=" in r.full_path for r in world.server.requests if "/secrets" in r.full_path)


NONSENSE = {
    "no JSON": ["{]\n"], "a page of a proxy": ["<html>502 Bad Gateway</html>"], "an event without an object": ['{"type":"ADDED"}\n'],
    "a number": ["42\n"],
    "an object without a name": ['{"type":"ADDED","object":{"kind":"KIND","apiVersion":"VERSION","metadata":{}}}\n'],
    "another kind": ['{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"x"}}}\n'],
    "an unknown event": ['{"type":"EXPLODED","object":{"kind":"KIND","apiVersion":"VERSION","metadata":{"name":"web"}}}\n'],
    "a cut line": ['{"type":"DELETED","object":{"kind":"KIND","apiVer'], "a cut connection": ['{"type":"DELE', None],
    "an error 500": ['{"type":"ERROR","object":{"kind":"Status","code":500,"message":"etcdserver: leader changed"}}\n'],
    "binary": [bytes(range(256)) * 40 + b"\n"], "nothing": [],
    "a bookmark without a version": ['{"type":"BOOKMARK","object":{"metadata":{}}}\n'],
    "deep nesting": ['{"type":"ADDED","object":' + '{"a":' * 5000 + "1" + "}" * 5001 + "\n"],
}
# What one route needs, and others, so that many things can go wrong at once.
PLURALS = ("ingressroutes", "services", "endpointslices", "middlewares", "traefikservices", "tlsoptions", "serverstransports", "ingresses",
           "ingressclasses", "nodes", "tlsstores", "sourcepolicies", "virtualaddresses", "middlewaretcps")


def nonsense(name, plural):
    version, kind, _ = KINDS[plural]
    pieces = [p.replace("KIND", kind).replace("VERSION", version) if isinstance(p, str) else p for p in NONSENSE[name]]
    return streaming(*[p for p in pieces if p is not None], abort=None in pieces)


@pytest.mark.parametrize("world", [{"version": "1.34"}, {"version": "1.26"}], indirect=True)
def test_nonsense_changes_nothing_and_passes(world):
    """Each kind of it at once, of another kind of object each; then all of them once more, dealt out another way."""
    world.server.watch_s = 0.2
    world.run()
    for turn in (0, 5):
        said = [(name, PLURALS[(i + turn) % len(PLURALS)]) for i, name in enumerate(NONSENSE)]
        before = {plural: len(world.server.seen(rf"GET .*/{plural}\?")) for _, plural in said}
        for name, plural in said:
            world.server.when(rf"GET .*/{plural}\?", nonsense(name, plural))
        for name, plural in said:
            world.until(lambda: len(world.server.seen(rf"GET .*/{plural}\?")) > before[plural] + 1 and world.serves(),
                        f"the next question after {name} of {plural}", 15)
        assert world.serves()
    changes_arrive(world, "sane.test")


def test_a_huge_object_is_taken_and_one_beyond_all_measure_is_left_out(world):
    world.run()
    big = world.route("big", "big.test")
    big["metadata"]["annotations"] = {"note": "x" * (5 << 20)}
    world.server.put(big)
    world.until(lambda: world.serves("big.test"), "the large object")
    big["metadata"]["annotations"] = {"note": "x" * (17 << 20)}
    big["spec"]["routes"][0]["match"] = "Host(`other.test`)"
    world.server.put(big)
    changes_arrive(world, "then.test")
    assert world.serves("big.test"), "its last good version serves"


def test_a_store_that_was_put_back_is_noticed(world):
    world.server.rv = 5000
    world.run("--kubernetes.probeInterval=300ms")
    world.server.down()
    world.server.restore(rv=60)
    world.server.put(world.route("restored", "restored.test"))
    world.server.delete("IngressRoute", "shop", "web")
    world.server.up()
    world.until(lambda: world.serves("restored.test") and world.get()[0] == 404, "the older store", 15)


@pytest.mark.parametrize("world", [{"h2_too": True}, {"h2_too": False}], indirect=True, ids=["h2", "http1"])
def test_a_server_that_hangs_is_left(world):
    world.run("--kubernetes.probeInterval=300ms")
    world.server.frozen = True
    world.until(lambda: not world.kube()["connected"], "the silence to be noticed", 10)
    assert world.serves()
    world.server.down()
    world.server.frozen = False
    world.server.put(world.route("thawed", "thawed.test"))
    world.server.up()
    world.until(lambda: world.serves("thawed.test"), "the server to be back", 15)


@pytest.mark.parametrize("world", [{"version": "1.26"}], indirect=True)
def test_when_etcd_stalls_the_cache_is_asked(world):
    world.server.when(LISTS + "limit=", answering(504, status(504, "Timeout", "request did not complete")))
    world.run()
    assert world.serves() and world.server.seen(LISTS + "resourceVersion=0$")


@pytest.mark.parametrize("world", [{"version": "1.26"}], indirect=True)
def test_an_overloaded_server_is_not_pressed(world):
    world.server.when("GET /apis/traefik.io", *[answering(429, "Too many requests, please try again later.\n", "text/plain",
                                                          [("Retry-After", "1")])] * 12)
    world.run()
    times = [r.time for r in world.server.seen(LISTS)]
    assert world.serves() and max(b - a for a, b in zip(times, times[1:])) > 0.9


def test_a_list_that_breaks_off_removes_nothing(world):
    world.server.put(*[world.route(f"r{i}", f"r{i}.test") for i in range(20)])
    world.run()
    text = "".join(json.dumps({"type": "ADDED", "object": item}) + "\n" for key, item in list(world.server.objects.items())[:3]
                   if key[0] == "ingressroutes")
    world.server.down()
    world.server.compact()
    world.server.when(LISTS + ".*sendInitialEvents", streaming(text, abort=True), streaming(text), cut())
    world.server.up()
    world.until(lambda: world.watch("IngressRoute")["lists"] >= 4, "lists to be tried again", 15)
    assert all(world.serves(f"r{i}.test") for i in range(20))
    changes_arrive(world, "whole.test")


def test_a_tls_name_an_exec_plugin_and_inline_certificates(world):
    script = os.path.join(world.folder, "plugin")
    with open(script, "w") as file:
        file.write("#!/bin/sh\nprintf '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\","
                   "\"status\":{\"token\":\"%s\"}}' \"$TOKEN\"\n")
    os.chmod(script, stat.S_IRWXU)
    with open(world.server.ca, "rb") as file:
        ca = base64.b64encode(file.read()).decode()
    path = world.server.kubeconfig("other", {"exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": script, "interactiveMode": "Never",
        "env": [{"name": "TOKEN", "value": world.server.token}]}},
        **{"certificate-authority": "", "certificate-authority-data": ca, "tls-server-name": "kubernetes.test"})
    world.run(kubeconfig=path)
    assert world.serves()
    assert world.server.seen("version|ingressroutes")[0].headers.get("host", "").startswith("127.0.0.1") or \
        world.server.requests[0].version == "2"
    changes_arrive(world, "exec.test")


def test_a_server_with_another_certificate_is_not_trusted_and_that_is_told(world):
    os.rename(world.server.ca, world.server.ca + ".real")
    path = world.server.kubeconfig("wrong")
    os.rename(world.server.ca + ".real", world.server.ca)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=evil", "-keyout", "/dev/null", "-out", os.path.join(world.folder, "api", "evil.crt")],
                   check=True, capture_output=True)
    with open(path) as file:
        text = file.read().replace('"ca.crt"', '"evil.crt"')
    with open(path, "w") as file:
        file.write(text)
    world.run(kubeconfig=path, wait=False)
    world.until(lambda: "certificate" in (world.kube().get("problem") or ""), "the reason")
    assert not world.server.requests and world.process.poll() is None


def test_the_options_of_traefik_name_the_server(world):
    world.run(f"--providers.kubernetesCRD.endpoint={world.server.url}",
              f"--providers.kubernetesCRD.token={world.folder}/api/token",
              f"--providers.kubernetesCRD.certAuthFilePath={world.server.ca}", kubeconfig=False)
    assert world.serves() and not world.server.seen("/ingresses")


def test_a_server_of_a_pod_is_found_by_its_environment(world, tmp_path):
    """In a mount namespace of its own, where the service account lies where kubelet puts it."""
    account = "/var/run/secrets/kubernetes.io/serviceaccount"
    command = [TIDEGATE, "check", "--providers.kubernetescrd", "--security.allowLoopbackBackends"]
    script = f"mount -t tmpfs none /var/run && mkdir -p {account} && cp {world.folder}/api/* {account} && exec " + " ".join(command)
    result = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, timeout=30,
                            env={"PATH": os.environ["PATH"], "KUBERNETES_SERVICE_HOST": "127.0.0.1",
                                 "KUBERNETES_SERVICE_PORT": str(world.server.port)})
    assert result.returncode == 0, result.stdout + result.stderr
    assert world.server.seen(LISTS)


def test_check_looks_at_a_live_cluster_and_touches_nothing(world):
    bad = world.route("bad", "x")
    bad["spec"]["routes"][0]["match"] = "Hosst(`a`)"
    world.server.put(bad)
    result = subprocess.run([TIDEGATE, "check", f"--kubeconfig={world.server.kubeconfig()}"], capture_output=True, text=True,
                            timeout=30)
    assert "IngressRoute/shop/bad" in result.stdout + result.stderr and result.returncode == 1
    assert {r.method for r in world.server.requests} == {"GET"}


def test_a_server_that_cannot_be_reached_is_no_fault_of_objects(world):
    """A pipeline tells 1 (fix the objects) from 3 (nothing was looked at), and does not wait long for it."""
    path = world.server.kubeconfig()
    world.server.stop()
    change = os.path.join(world.folder, "new.yaml")
    with open(change, "w") as file:
        file.write("{}")
    asked = [subprocess.Popen([TIDEGATE, *words, f"--kubeconfig={path}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
             for words in (["check"], ["plan", "-f", change], ["explain", "--url=http://a.test/"])]
    for command in asked:
        said, told = command.communicate(timeout=15)
        assert command.returncode == 3 and not said, said + told
        assert "the API server cannot be reached" in told and "connect" in told, told
    told = subprocess.run([TIDEGATE, "check", "--help"], capture_output=True, text=True, check=True).stdout
    assert "3: they could not be read" in told


def recorded(name):
    rows = []
    for path in sorted(glob.glob(os.path.join(RECORDED, "*", name + ".json"))):
        with open(path) as file:
            rows += [(os.path.basename(os.path.dirname(path)), e) for e in json.load(file)["exchanges"]]
    return rows


def plural_of(exchange):
    return exchange["request"]["line"].split(" ")[1].split("?")[0].rpartition("/")[2]


def body_of(exchange):
    response = exchange["response"]
    return response.get("body") or "".join(c["data"] for c in response["chunks"])


@pytest.mark.parametrize("name", ["watch-add-modify-delete", "watch-no-rv", "watch-list-initial-events", "watch-single-name",
                                  "crd-created-and-deleted", "watch-timeout-bookmark-15"])
def test_recorded_watches_mean_the_same_however_they_are_cut(world, name):
    """Every recorded watch, cut into chunks at random, after an empty list."""
    for version, exchange in recorded(name):
        if "watch=true" not in exchange["request"]["line"] or not exchange["response"]["line"].endswith("200 OK"):
            continue
        plural = plural_of(exchange)
        if plural not in ("ingressroutes", "endpointslices"):
            continue
        known = {}
        for line in body_of(exchange).splitlines():
            event = json.loads(line)
            item = event["object"]
            if event["type"] in ("ADDED", "MODIFIED"):
                known[item["metadata"]["name"]] = item
            elif event["type"] == "DELETED":
                known.pop(item["metadata"]["name"], None)
        sizes = [random.randint(1, 700) for _ in range(len(body_of(exchange)))]
        world.server.when(rf"GET .*/{plural}\?.*sendInitialEvents", streaming(
            '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"1","annotations":{"k8s.io/initial-events-end":"true"}}}}\n'))
        world.server.when(rf"GET .*/{plural}\?.*resourceVersion=1&", replay(exchange, sizes))
        world.server.when(rf"GET .*/{plural}\?", ..., silent())
        other = World(os.path.join(world.folder, version), token=world.server.token)
        other.server = world.server
        try:
            other.run()
            kind = {"ingressroutes": "IngressRoute", "endpointslices": "EndpointSlice"}[plural]
            other.until(lambda: other.watch(kind)["events"] >= len(body_of(exchange).splitlines()) - 3 and
                        other.watch(kind)["objects"] == len(known), f"{len(known)} objects of {version}")
        finally:
            other.server = type("Nothing", (), {"stop": lambda self: None})()
            other.stop()
        world.server.scripts.clear()


@pytest.mark.parametrize("name", ["list-small", "list-rv0", "list-paged"])
def test_recorded_lists_mean_the_same_however_they_are_cut(tmp_path, name):
    for version, exchange in recorded(name)[:2]:
        made = World(tmp_path / (name + version), version="1.26")
        made.server.start()
        plural = plural_of(exchange)
        items = json.loads(body_of(exchange))
        token = items["metadata"].get("continue")
        made.server.when(rf"GET .*/{plural}\?.*limit=500$", replay(exchange, [random.randint(1, 900) for _ in range(5000)]))
        if token:
            made.server.when(rf"GET .*/{plural}\?.*continue=", streaming(
                '{"apiVersion":"v1","items":[],"metadata":{"resourceVersion":"' + items["metadata"]["resourceVersion"] + '"}}'))
        try:
            made.run()
            kind = items["kind"][:-4]
            assert made.watch(kind)["objects"] == len(items["items"])
        finally:
            made.stop()


REFUSALS = ("404", "403-no-rights", "401-bad-token", "429-storage-initializing", "429-priority-and-fairness", "list-rv-too-large",
            "list-continue-expired", "watch-expired", "rv-went-backwards")


def test_recorded_refusals_pass(world):
    """Whatever a real server once answered instead of a list or a watch, of several kinds at once: after it everything goes on."""
    world.server.watch_s = 0.3
    world.run()
    asked = lambda plural: len(world.server.seen(rf"GET .*/{plural}\?"))
    said = {}
    for plural, name in zip(PLURALS, REFUSALS):
        for version, exchange in recorded(name):
            if " 200 " not in exchange["response"]["line"] or '"ERROR"' in body_of(exchange):
                said.setdefault(plural, {}).setdefault((version, body_of(exchange)[:60]), exchange)
    assert len(said) == len(REFUSALS)
    for turn in range(max(map(len, said.values()))):
        waits = []
        for plural, exchanges in said.items():
            for exchange in list(exchanges.values())[turn:turn + 1]:
                waits.append((plural, asked(plural)))
                world.server.when(rf"GET .*/{plural}\?", replay(exchange))
        for plural, n in waits:
            world.until(lambda: asked(plural) > n + 1 and world.serves(), f"the next question for {plural}", 15)
    world.server.scripts.clear()
    world.server.put(world.route("after", "after.test"))
    world.until(lambda: world.serves("after.test") and world.serves(), "everything to go on", 15)
