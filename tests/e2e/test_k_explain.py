# SPDX-License-Identifier: Apache-2.0
"""test_k_explain: names, references, selection and rules, one row per sentence of the Traefik reference.

No gateway is started: `tidegate explain` asks the compiled router of the manifests. `cite` in a row
names the section of the reference that says so.
"""

import hashlib
import json
import os
import subprocess

import pytest
import yaml

from conftest import TIDEGATE, backend_service, middleware, route, secret

SERVER = "10.77.9.9"
OPTIONS = ("--entryPoints.web.address=:80", "--entryPoints.websecure.address=:443")


def write(folder, objects):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "all.yaml"), "w") as file:
        file.write("---\n".join(yaml.safe_dump(item) for item in objects))


def ask(folder, objects, requests, *options):
    """The answers of explain to (method, url, headers, remote) rows, in order."""
    write(folder, objects)
    lines = "".join(json.dumps({"id": str(i), "method": method, "url": url, "headers": headers,
                                "remote_addr": remote}) + "\n"
                    for i, (method, url, headers, remote) in enumerate(requests))
    done = subprocess.run([TIDEGATE, "explain", f"--manifests={folder}", *OPTIONS, *options], input=lines,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def get(folder, objects, url, *options, headers=(), method="GET", remote="10.77.0.2:1000"):
    return ask(folder, objects, [(method, url, [list(h) for h in headers], remote)], *options)[0]


def check(folder, objects, *options):
    write(folder, objects)
    done = subprocess.run([TIDEGATE, "check", "--json", f"--manifests={folder}", *OPTIONS, *options],
                          capture_output=True, text=True, timeout=60)
    return done.returncode, json.loads(done.stdout)


def router_hash(match):
    return hashlib.sha256(match.encode()).hexdigest()[:20]


def services(name="backends", namespace="default"):
    return backend_service(name, [SERVER], namespace=namespace)


def slice_of(name, endpoints, ports=None, namespace="default", service="backends", created=None):
    meta = {"name": name, "namespace": namespace, "labels": {"kubernetes.io/service-name": service}}
    if created:
        meta["creationTimestamp"] = created
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": meta, "addressType": "IPv4",
            "ports": ports if ports is not None else [{"name": "http", "port": 8080}], "endpoints": endpoints}


def service(name, ports, namespace="default", **spec):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
            "spec": {"ports": ports, **spec}}


def traefik_service(name, members, namespace="default", **more):
    return {"apiVersion": "traefik.io/v1alpha1", "kind": "TraefikService",
            "metadata": {"name": name, "namespace": namespace}, "spec": {"weighted": {"services": members, **more}}}


# ------------------------------------------------------------------- a.0 names --

@pytest.mark.parametrize("namespace,name,expected", [
    ("default", "simple", "default-simple"),
    ("default", "my.ir", "default-my-ir"),
    ("default", "a--b.c", "default-a-b-c"),
    ("team-1", "x", "team-1-x"),
])
def test_routers_are_named_by_normalised_object_and_hash(tmp_path, namespace, name, expected):
    """a.0: Normalize(<ns>-<name>-<first 20 hex of SHA-256 of the match string>)."""
    match = "Host(`a.example`)  &&  PathPrefix(`/x`)"
    objects = services(namespace=namespace) + [route(name, match, namespace=namespace)]
    answer = get(tmp_path, objects, "http://a.example/x")
    assert answer["router"] == f"{expected}-{router_hash(match)}@kubernetescrd"
    assert answer["service"] == answer["router"]
    assert answer["priority"] == len(match)


def test_generate_name_names_an_object_without_name(tmp_path):
    """a.0: if metadata.name is empty, generateName is used."""
    item = route("x", "Host(`a.example`)")
    item["metadata"] = {"generateName": "gen-", "namespace": "default"}
    answer = get(tmp_path, services() + [item], "http://a.example/")
    assert answer["router"] == f"default-gen-{router_hash('Host(`a.example`)')}@kubernetescrd"


def test_of_two_routes_with_one_match_the_last_wins(tmp_path):
    """a.0: identical match strings of one IngressRoute overwrite each other."""
    item = route("x", "Host(`a.example`)")
    item["spec"]["routes"] = [
        {"match": "Host(`a.example`)", "kind": "Rule", "services": [{"name": "noop@internal", "kind": "TraefikService"}]},
        {"match": "Host(`a.example`)", "kind": "Rule", "services": [{"name": "backends", "port": 80}]}]
    answer = get(tmp_path, services() + [item], "http://a.example/")
    assert (answer["action"], len(answer["considered"])) == ("forward", 1)


# -------------------------------------------------------------- a.0 references --

HEADERS = ("headers", {"customRequestHeaders": {"X-A": "1"}})

REFERENCES = [
    # cite, middleware reference, options, served
    ("a.0 own namespace", {"name": "mw"}, (), True),
    ("a.0 other namespace needs the flag", {"name": "far", "namespace": "other"}, (), False),
    ("a.0 other namespace with the flag", {"name": "far", "namespace": "other"},
     ("--providers.kubernetescrd.allowcrossnamespace",), True),
    ("a.0 own namespace spelt out", {"name": "mw", "namespace": "default"}, (), True),
    ("a.0 @kubernetescrd is refused without the flag", {"name": "default-mw@kubernetescrd"}, (), False),
    ("a.0 @kubernetescrd is verbatim with the flag", {"name": "default-mw@kubernetescrd"},
     ("--providers.kubernetescrd.allowcrossnamespace=true",), True),
    ("a.0 crossProviderNamespaces without ours", {"name": "default-mw@kubernetescrd"},
     ("--providers.kubernetescrd.allowcrossnamespace=true", "--providers.kubernetescrd.crossprovidernamespaces=x"), False),
    ("a.0 crossProviderNamespaces with ours", {"name": "default-mw@kubernetescrd"},
     ("--providers.kubernetescrd.allowcrossnamespace=true",
      "--providers.kubernetescrd.crossprovidernamespaces=x,default"), True),
    ("a.0 namespace is ignored with @", {"name": "default-mw@kubernetescrd", "namespace": "other"},
     ("--providers.kubernetescrd.allowcrossnamespace=true",), True),
    ("k.6 a missing middleware takes the router away", {"name": "none"}, (), False),
    ("k.6 a provider that is not there", {"name": "mw@file"}, (), False),
    ("a.0 names of middlewares are normalised", {"name": "my.mw"}, (), True),
]


@pytest.mark.parametrize("cite,reference,options,served", REFERENCES, ids=[r[0] for r in REFERENCES])
def test_middleware_references(tmp_path, cite, reference, options, served):
    item = route("x", "Host(`a.example`) && PathPrefix(`/`)")
    item["spec"]["routes"][0]["middlewares"] = [reference]
    item["spec"]["routes"].append({"match": "Host(`b.example`)", "kind": "Rule",
                                   "services": [{"name": "backends", "port": 80}]})
    objects = services() + [middleware("mw", *HEADERS), middleware("my.mw", *HEADERS),
                            middleware("far", *HEADERS, namespace="other"), item]
    answers = ask(tmp_path, objects, [("GET", "http://a.example/", [], "10.0.0.1:1"),
                                      ("GET", "http://b.example/", [], "10.0.0.1:1")], *options)
    assert (answers[0]["action"] == "forward") == served, answers[0]["why"]
    if not served:
        assert answers[0]["status"] == 404
    assert answers[1]["action"] == "forward", "the other route of the object survives"


BROKEN_MIDDLEWARES = [
    ("a.4 none", {}),
    ("a.4 two types", {"stripPrefix": {"prefixes": ["/a"]}, "headers": {"customRequestHeaders": {"X": "1"}}}),
    ("c.3 headers with nothing", {"headers": {}}),
    ("c.4 bad range", {"ipAllowList": {"sourceRange": ["10.0.0.0/33"]}}),
    ("c.4 no range", {"ipAllowList": {"sourceRange": []}}),
    ("c.4 unknown status", {"ipAllowList": {"sourceRange": ["10.0.0.0/8"], "rejectStatusCode": 999}}),
    ("c.5 two criteria", {"rateLimit": {"average": 1, "sourceCriterion": {"requestHost": True,
                                                                        "requestHeaderName": "X"}}}),
    ("c.5 bad period", {"rateLimit": {"average": 1, "period": "soon"}}),
    ("c.7 no secret", {"basicAuth": {"secret": "none"}}),
    ("c.7 comment line", {"basicAuth": {"secret": "comment"}}),
    ("c.7 two keys", {"basicAuth": {"secret": "twokeys"}}),
    ("c.7 no colon", {"basicAuth": {"secret": "nocolon"}}),
    ("c.7 empty", {"basicAuth": {"secret": "empty"}}),
    ("c.2 no scheme", {"redirectScheme": {"permanent": True}}),
    ("c.14 itself", {"chain": {"middlewares": [{"name": "mw"}]}}),
    ("c.14 round about", {"chain": {"middlewares": [{"name": "around"}]}}),
    ("c.14 missing", {"chain": {"middlewares": [{"name": "nobody"}]}}),
    ("unknown field", {"stripPrefix": {"prefixs": ["/a"]}}),
    ("c.3 bad expression", {"headers": {"accessControlAllowOriginListRegex": ["("]}}),
    ("c.3 bad name", {"headers": {"customRequestHeaders": {"X Y": "1"}}}),
    ("c.3 injection", {"headers": {"customResponseHeaders": {"X": "1\r\nSet-Cookie: a=b"}}}),
]


@pytest.mark.parametrize("cite,spec", BROKEN_MIDDLEWARES, ids=[r[0] for r in BROKEN_MIDDLEWARES])
def test_a_broken_middleware_takes_its_routers_away(tmp_path, cite, spec):
    """k.6: 404 rather than skipping the middleware; requests fall to other routers."""
    broken = middleware("mw", "x", {})
    broken["spec"] = spec
    objects = services() + [
        broken, middleware("around", "chain", {"middlewares": [{"name": "mw"}]}),
        secret("comment", {"users": "# who\nu:$apr1$x$abc\n"}), secret("twokeys", {"a": "u:{SHA}x", "b": "v:{SHA}y"}),
        secret("nocolon", {"users": "u\n"}), secret("empty", {"users": "\n\n"}),
        route("x", "Host(`a.example`)", middlewares=["mw"]), route("z", "Host(`b.example`)")]
    first, second = ask(tmp_path, objects, [("GET", "http://a.example/", [], "10.0.0.1:1"),
                                            ("GET", "http://b.example/", [], "10.0.0.1:1")])
    assert (first["action"], first["status"]) == ("respond", 404), first["why"]
    assert second["action"] == "forward"
    code, found = check(tmp_path, objects)
    assert code == 1 and any("/mw" in fault["object"] for fault in found["faults"]), found


# ------------------------------------------------------------------ a.0 classes --

CLASSES = [
    # provider's, spec's (None: unset), annotation's, taken
    ("", None, None, True), ("", "", None, True), ("", "traefik", None, True), ("", None, "traefik", True),
    ("", "nginx", None, False), ("", None, "nginx", False), ("", "", "nginx", True), ("", "traefik", "nginx", True),
    ("edge", "edge", None, True), ("edge", None, "edge", True), ("edge", None, None, False), ("edge", "", None, False),
    ("edge", "traefik", None, False), ("edge", "", "edge", False), ("edge", "other", "edge", False),
]


@pytest.mark.parametrize("wanted,field,annotation,taken", CLASSES)
def test_class_selection(tmp_path, wanted, field, annotation, taken):
    """a.0: the field wins over the annotation, even when empty; no class means none or traefik."""
    item = route("x", "Host(`a.example`)")
    if field is not None:
        item["spec"]["ingressClassName"] = field
    if annotation is not None:
        item["metadata"]["annotations"] = {"kubernetes.io/ingress.class": annotation}
    options = [f"--providers.kubernetesCRD.ingressClass={wanted}"] if wanted else []
    answer = get(tmp_path, services() + [item], "http://a.example/", *options)
    assert (answer["action"] == "forward") == taken


# ---------------------------------------------------------------- a.0 endpoints --

def endpoint(address, **conditions):
    return {"addresses": [address], **({"conditions": conditions} if conditions else {})}


ENDPOINTS = [
    # cite, endpoints, action
    ("serving nil", [endpoint(SERVER)], "forward"),
    ("serving true, ready false", [endpoint(SERVER, ready=False, serving=True)], "forward"),
    ("serving false, ready true", [endpoint(SERVER, ready=True, serving=False)], "respond"),
    ("ready false alone", [endpoint(SERVER, ready=False)], "forward"),
    ("terminating only: no new clients", [endpoint(SERVER, serving=True, terminating=True)], "respond"),
    ("null conditions", [{"addresses": [SERVER], "conditions": None}], "forward"),
    ("null serving", [endpoint(SERVER, serving=None, terminating=None)], "forward"),
    ("no addresses", [{"addresses": []}], "respond"),
    ("one good one bad", [endpoint("10.77.9.1", serving=False), endpoint(SERVER)], "forward"),
]


@pytest.mark.parametrize("cite,endpoints,action", ENDPOINTS, ids=[r[0] for r in ENDPOINTS])
def test_endpoints_are_taken_by_serving(tmp_path, cite, endpoints, action):
    """a.0 EndpointSlices: HTTP asks for serving, nil counts; terminating ones are fenced."""
    objects = [service("backends", [{"name": "http", "port": 80}]), slice_of("s", endpoints), route("x", "Host(`a.example`)")]
    answer = get(tmp_path, objects, "http://a.example/")
    assert answer["action"] == action, answer["why"]


PORTS = [
    # Service ports, slice ports, port in the route, served
    ([{"name": "http", "port": 80}], [{"name": "http", "port": 8080}], 80, True),
    ([{"name": "http", "port": 80}], [{"name": "http", "port": 8080}], "http", True),
    ([{"name": "http", "port": 80}], [{"name": "http", "port": 8080}], "80", False),
    ([{"name": "http", "port": 80}], [{"name": "http", "port": 8080}], "web", False),
    ([{"name": "http", "port": 80}], [{"name": "http", "port": 8080}], 8080, False),
    ([{"name": "http", "port": 80}], [{"name": "other", "port": 8080}], 80, False),
    ([{"port": 80}], [{"port": 8080}], 80, True),
    ([{"port": 80}], [{"name": "", "port": 8080}], 80, True),
    ([{"port": 80}], [{"name": None, "port": 8080}], 80, True),
    ([{"name": "http", "port": 80}], [{"name": "http"}], 80, False),
    ([{"name": "http", "port": 80}], [{"name": "http", "port": 0}], 80, False),
    ([{"name": "a", "port": 80}, {"name": "b", "port": 81}],
     [{"name": "a", "port": 1}, {"name": "b", "port": 2}], "b", True),
    ([{"name": "http", "port": 80}], [{"name": "http", "port": 8080}], 0, False),
    ([{"name": "http", "port": 80}], [{"name": "http", "port": 8080}], "", False),
    ([{"name": "http", "port": 80}], [{"name": "http", "port": 8080}], None, False),
]


@pytest.mark.parametrize("ports,slice_ports,port,served", PORTS)
def test_ports_by_number_and_name(tmp_path, ports, slice_ports, port, served):
    """a.0, Service port lookup; the slice's port is the one of the same name."""
    item = route("x", "Host(`a.example`)")
    item["spec"]["routes"][0]["services"] = [{"name": "backends", "port": port}]
    objects = [service("backends", ports), slice_of("s", [endpoint(SERVER)], slice_ports), item]
    answer = get(tmp_path, objects, "http://a.example/")
    assert (answer["action"] == "forward") == served, answer["why"]


def test_an_empty_service_answers_503_only_when_allowed(tmp_path):
    """a.0: no endpoints drop the route, unless allowEmptyServices is set; d.1: then 503."""
    objects = [service("backends", [{"name": "http", "port": 80}]), slice_of("s", []), route("x", "Host(`a.example`)")]
    assert get(tmp_path, objects, "http://a.example/")["status"] == 404
    assert get(tmp_path, objects, "http://a.example/", "--providers.kubernetescrd.allowemptyservices=true")["status"] == 503


def test_slices_of_other_services_and_namespaces_do_not_count(tmp_path):
    objects = [service("backends", [{"name": "http", "port": 80}]),
               slice_of("s1", [endpoint(SERVER)], service="other"), slice_of("s2", [endpoint(SERVER)], namespace="other"),
               route("x", "Host(`a.example`)")]
    assert get(tmp_path, objects, "http://a.example/")["status"] == 404


# ------------------------------------------------------------- a.0, a.6 services --

def test_cross_namespace_services(tmp_path):
    item = route("x", "Host(`a.example`)", services=[{"name": "backends", "port": 80, "namespace": "other"}])
    objects = services(namespace="other") + [item]
    assert get(tmp_path, objects, "http://a.example/")["status"] == 404
    answer = get(tmp_path, objects, "http://a.example/", "--providers.kubernetesCRD.allowCrossNamespace=true")
    assert answer["action"] == "forward"


def test_external_names_need_the_option(tmp_path):
    """a.0: ExternalName, with an int port that no Service port has."""
    objects = [service("backends", [], type="ExternalName", externalName=SERVER),
               route("x", "Host(`a.example`)", services=[{"name": "backends", "port": 8080}])]
    assert get(tmp_path, objects, "http://a.example/")["status"] == 404
    answer = get(tmp_path, objects, "http://a.example/", "--providers.kubernetesCRD.allowExternalNameServices=true")
    assert answer["action"] == "forward", answer["why"]


def test_native_lb_uses_the_cluster_ip(tmp_path):
    """a.0, nativeLB: clusterIP None is an error."""
    item = route("x", "Host(`a.example`)", services=[{"name": "backends", "port": 80, "nativeLB": True}])
    good = service("backends", [{"port": 80}], clusterIP="10.96.0.7")
    bad = service("backends", [{"port": 80}], clusterIP="None")
    assert get(tmp_path, [good, item], "http://a.example/")["action"] == "forward"
    assert get(tmp_path, [bad, item], "http://a.example/")["status"] == 404
    plain = route("x", "Host(`a.example`)")
    assert get(tmp_path, [good, plain], "http://a.example/",
               "--providers.kubernetesCRD.nativeLBByDefault=true")["action"] == "forward"


def test_the_default_of_native_lb_does_not_reach_traefik_services(tmp_path):
    """k.16."""
    objects = [service("backends", [{"port": 80}], clusterIP="10.96.0.7"),
               traefik_service("ts", [{"name": "backends", "port": 80}]),
               route("x", "Host(`a.example`)", services=[{"name": "ts", "kind": "TraefikService"}])]
    assert get(tmp_path, objects, "http://a.example/", "--providers.kubernetesCRD.nativeLBByDefault=true")["status"] == 404


WEIGHTED = [
    # cite, members, status (None: forwarded)
    ("all 0", [{"name": "backends", "port": 80, "weight": 0}], 503),
    ("one", [{"name": "backends", "port": 80}], None),
    ("one of two is 0", [{"name": "backends", "port": 80, "weight": 0}, {"name": "backends", "port": "http"}], None),
    ("missing member", [{"name": "backends", "port": 80}, {"name": "none", "port": 80}], 404),
    ("itself", [{"name": "ts", "kind": "TraefikService"}], 404),
    ("round about", [{"name": "ts2", "kind": "TraefikService"}], 404),
    ("nested", [{"name": "ts3", "kind": "TraefikService", "weight": 2}, {"name": "backends", "port": 80}], None),
    ("negative weight", [{"name": "backends", "port": 80, "weight": -1}], 404),
]


@pytest.mark.parametrize("cite,members,status", WEIGHTED, ids=[r[0] for r in WEIGHTED])
def test_weighted_services(tmp_path, cite, members, status):
    """a.6, d.2: nested, all weights 0, recursion."""
    objects = services() + [traefik_service("ts", members),
                            traefik_service("ts2", [{"name": "ts", "kind": "TraefikService"}]),
                            traefik_service("ts3", [{"name": "backends", "port": 80}]),
                            route("x", "Host(`a.example`)", services=[{"name": "ts", "kind": "TraefikService"}])]
    answer = get(tmp_path, objects, "http://a.example/")
    assert answer["status"] == status, answer["why"]
    if status is None:
        assert answer["service"] == "default-ts@kubernetescrd"


def test_one_broken_child_drops_the_route(tmp_path):
    """a.1: any child that errors drops the whole route."""
    objects = services() + [route("x", "Host(`a.example`)", services=[{"name": "backends", "port": 80},
                                                                     {"name": "none", "port": 80}])]
    assert get(tmp_path, objects, "http://a.example/")["status"] == 404


def test_all_weights_of_a_route_zero_is_503(tmp_path):
    """d.2."""
    objects = services() + services("b2") + [route("x", "Host(`a.example`)", services=[
        {"name": "backends", "port": 80, "weight": 0}, {"name": "b2", "port": 80, "weight": 0}])]
    assert get(tmp_path, objects, "http://a.example/")["status"] == 503


# --------------------------------------------------------------- a.1 entry points --

ENTRY_POINTS = [
    # entryPoints, tls, url, options, served
    ((), None, "http://a.example/", (), True),
    ((), {}, "https://a.example/", (), True),
    ((), {}, "http://a.example/", (), False),
    (("web",), {}, "http://a.example/", (), False),
    (("web", "nowhere"), None, "http://a.example/", (), True),
    (("nowhere",), None, "http://a.example/", (), False),
    (("websecure",), None, "https://a.example/", (), False),
    (("websecure",), None, "https://a.example/", ("--entryPoints.websecure.http.tls=true",), True),
    ((), None, "http://a.example/", ("--entryPoints.websecure.asDefault=true",), False),
    ((), None, "http://a.example:8080/", ("--entryPoints.traefik.address=:8080",), False),
    (("traefik",), None, "http://a.example:8080/", ("--entryPoints.traefik.address=:8080",), True),
]


@pytest.mark.parametrize("names,tls,url,options,served", ENTRY_POINTS)
def test_entry_points_of_routes(tmp_path, names, tls, url, options, served):
    """a.1: defaults, unknown names, tls present or absent; b.6: http.tls."""
    item = route("x", "Host(`a.example`)", entry_points=names, tls=tls)
    if not names:
        del item["spec"]["entryPoints"]
    answer = get(tmp_path, services() + [item], url, *options)
    assert (answer["action"] == "forward") == served, answer["why"]


# ---------------------------------------------------------------------- a.1 routes --

ROUTE_PARTS = [
    ("a.1 kind empty", {"kind": None}, True), ("a.1 kind other", {"kind": "Other"}, False),
    ("a.1 empty match", {"match": ""}, False), ("a.1 syntax v3", {"syntax": "v3"}, True),
    ("b.2 unknown syntax is v3", {"syntax": "v9"}, True), ("b.2 default is v3", {"syntax": "default"}, True),
    ("b.4 largest", {"priority": 9223372036854774807}, True), ("b.4 reserved", {"priority": 9223372036854774808}, False),
    ("b.4 negative", {"priority": -5}, True), ("a.1 no service", {"services": []}, False),
    ("a.1 RoundRobin", {"services": [{"name": "backends", "port": 80, "strategy": "RoundRobin"}]}, True),
    ("a.1 wrr", {"services": [{"name": "backends", "port": 80, "strategy": "wrr"}]}, True),
    ("a.1 unknown strategy", {"services": [{"name": "backends", "port": 80, "strategy": "best"}]}, False),
    ("a.0 scheme", {"services": [{"name": "backends", "port": 80, "scheme": "ftp"}]}, False),
    ("a.0 healthCheck", {"services": [{"name": "backends", "port": 80, "healthCheck": {"path": "/"}}]}, False),
    ("a.1 unknown kind of service", {"services": [{"name": "backends", "port": 80, "kind": "Pod"}]}, False),
    ("a.0 missing Service", {"services": [{"name": "none", "port": 80}]}, False),
]


@pytest.mark.parametrize("cite,part,served", ROUTE_PARTS, ids=[r[0] for r in ROUTE_PARTS])
def test_parts_of_a_route(tmp_path, cite, part, served):
    item = route("x", "Host(`a.example`)")
    for key, value in part.items():
        if value is None:
            del item["spec"]["routes"][0][key]
        else:
            item["spec"]["routes"][0][key] = value
    answer = get(tmp_path, services() + [item], "http://a.example/")
    assert (answer["action"] == "forward") == served, answer["why"]


# ----------------------------------------------------------------- b.1, b.2 rules --

MATCHES = [
    # match, url, headers, method, remote, expected
    ("Host(`A.Example`)", "http://a.example/", (), "GET", None, True),
    ("Host(`a.example`)", "http://A.EXAMPLE:8000/", (), "GET", None, True),
    ("Host(`a.example.`)", "http://a.example/", (), "GET", None, True),
    ("Host(`a.example`)", "http://a.example./", (), "GET", None, True),
    ("Host(`*.example`)", "http://a.example/", (), "GET", None, True),
    ("Host(`*.example`)", "http://a.b.example/", (), "GET", None, False),
    ("Host(`*.example`)", "http://example/", (), "GET", None, False),
    ("Host(`*`)", "http://anything/", (), "GET", None, True),
    ("HostRegexp(`^[a-z]+\\.example$`)", "http://ABC.example/", (), "GET", None, True),
    ("HostRegexp(`A`)", "http://a.example/", (), "GET", None, False),
    ("HostRegexp(`xamp`)", "http://a.example/", (), "GET", None, True),
    ("Path(`/foo`)", "http://h/foo", (), "GET", None, True),
    ("Path(`/foo`)", "http://h/foo/", (), "GET", None, False),
    ("Path(`/foo`)", "http://h/foo?x=1", (), "GET", None, True),
    ("Path(`/foo bar`)", "http://h/foo%20bar", (), "GET", None, True),
    ("Path(`/foo%2Fbar`)", "http://h/foo%2fbar", (), "GET", None, True),
    ("Path(`/foo/bar`)", "http://h/foo%2Fbar", (), "GET", None, False),
    ("Path(`/foo%2fbar`)", "http://h/foo%2Fbar", (), "GET", None, False),
    ("Path(`/~a-b_c.d`)", "http://h/%7Ea%2Db%5Fc%2ed", (), "GET", None, True),
    ("Path(`/b`)", "http://h/a/../b", (), "GET", None, True),
    ("Path(`/b`)", "http://h//b", (), "GET", None, True),
    ("Path(`/b/`)", "http://h/./b/.//", (), "GET", None, True),
    ("Path(`/b`)", "http://h/../../b", (), "GET", None, True),
    ("Path(`/b`)", "http://h/a/%2e%2e/b", (), "GET", None, True),
    ("Path(`/é`)", "http://h/%C3%A9", (), "GET", None, True),
    ("Path(`/a%25b`)", "http://h/a%25b", (), "GET", None, True),
    ("PathPrefix(`/foo`)", "http://h/foobar", (), "GET", None, True),
    ("PathPrefix(`/foo/`)", "http://h/foo", (), "GET", None, False),
    ("PathRegexp(`^/[0-9]+$`)", "http://h/123", (), "GET", None, True),
    ("PathRegexp(`(?i)^/ABC`)", "http://h/abc/d", (), "GET", None, True),
    ("Method(`post`)", "http://h/", (), "POST", None, True),
    ("Method(`POST`)", "http://h/", (), "post", None, False),
    ("Header(`x-a`, `Val`)", "http://h/", (("X-A", "Val"),), "GET", None, True),
    ("Header(`X-A`, `val`)", "http://h/", (("X-A", "Val"),), "GET", None, False),
    ("Header(`X-A`, `b`)", "http://h/", (("X-A", "a, b"),), "GET", None, False),
    ("Header(`X-A`, `b`)", "http://h/", (("X-A", "a"), ("X-A", "b")), "GET", None, True),
    ("Header(`Host`, `h`)", "http://h/", (), "GET", None, False),
    ("HeaderRegexp(`X-A`, `^b$`)", "http://h/", (("X-A", "a"), ("X-A", "b")), "GET", None, True),
    ("Query(`k`)", "http://h/?k", (), "GET", None, True),
    ("Query(`k`)", "http://h/?k=", (), "GET", None, True),
    ("Query(`k`)", "http://h/?k=1", (), "GET", None, False),
    ("Query(`k`)", "http://h/?k=1&k=", (), "GET", None, True),
    ("Query(`k`, `v w`)", "http://h/?k=v+w", (), "GET", None, True),
    ("Query(`k`, `v/w`)", "http://h/?k=v%2Fw", (), "GET", None, True),
    ("Query(`k`, `v`)", "http://h/?a=1;k=v", (), "GET", None, True),
    ("Query(`K`, `v`)", "http://h/?k=v", (), "GET", None, False),
    ("QueryRegexp(`k`, `^[0-9]+$`)", "http://h/?k=a&k=12", (), "GET", None, True),
    ("QueryRegexp(`k`)", "http://h/?k=12", (), "GET", None, False),
    ("QueryRegexp(`k`)", "http://h/?k", (), "GET", None, True),
    ("ClientIP(`10.1.0.0/16`)", "http://h/", (), "GET", "10.1.2.3:1", True),
    ("ClientIP(`10.1.9.9/16`)", "http://h/", (), "GET", "10.1.2.3:1", True),
    ("ClientIP(`10.1.2.3`)", "http://h/", (("X-Forwarded-For", "10.1.2.3"),), "GET", "10.9.9.9:1", False),
    ("ClientIP(`10.1.2.3`)", "http://h/", (), "GET", "[::ffff:10.1.2.3]:1", True),
    ("ClientIP(`::1`)", "http://h/", (), "GET", "[::1]:1", True),
    ("ClientIP(`2001:db8::/32`)", "http://h/", (), "GET", "[2001:db8::5]:1", True),
    ("!Host(`a`) && PathPrefix(`/`)", "http://b/", (), "GET", None, True),
    ("!(Host(`a`) || Host(`b`))", "http://b/", (), "GET", None, False),
    ("Host(`a`) || Host(`b`) && Path(`/x`)", "http://a/y", (), "GET", None, True),
    ("(Host(`a`) || Host(`b`)) && Path(`/x`)", "http://a/y", (), "GET", None, False),
    ("host(`a`)", "http://a/", (), "GET", None, True),
    ("HOST(`a`)", "http://a/", (), "GET", None, True),
    ("Pathprefix(`/a`)", "http://h/a", (), "GET", None, True),
    ("pathprefix(`/a`)", "http://h/a", (), "GET", None, True),
    ("PATHPREFIX(`/a`)", "http://h/a", (), "GET", None, True),
    ("Host(\"a\") /* c */ && Path(\"/\\x62\") // end", "http://a/b", (), "GET", None, True),
    ("Host(`a`,)", "http://a/", (), "GET", None, True),
    ("Host(`a`) &&\n Path(`/b`)", "http://a/b", (), "GET", None, True),
    ("!!Host(`a`)", "http://a/", (), "GET", None, True),
    ("((Host(`a`)))", "http://a/", (), "GET", None, True),
    ("\tHost ( `a` )\n", "http://a/", (), "GET", None, True),
    ("Host(`[::1]`)", "http://[::1]:8000/", (), "GET", None, None),
    ("Host(`::1`)", "http://[::1]:8000/", (), "GET", None, True),
]


@pytest.mark.parametrize("match,url,headers,method,remote,expected", MATCHES, ids=[f"{m[0]} {m[1]}" for m in MATCHES])
def test_matchers(tmp_path, match, url, headers, method, remote, expected):
    """b.1 and b.2, one row per sentence."""
    answer = get(tmp_path, services() + [route("x", match)], url, headers=headers, method=method,
                 remote=remote or "10.77.0.2:1000")
    if expected is not None:
        assert (answer["action"] == "forward") == expected, answer["why"]


BAD_RULES = [
    "", "Host()", "Host(``)", "Host(\"\")", "Host(`a`, `b`)", "Query(`k`, ``)", "Query()", "Query(`a`,`b`,`c`)", "hOST(`a`)",
    "pathPrefix(`/a`)", "HostName(`a`)", "Path(`a`)", "PathPrefix(`a`)", "Path(`/a`, `/b`)", "Host('a')", "Host(1)", "Host(a)",
    "Host(`a`) &&", "&& Host(`a`)", "Host(`a`) || ", "Host(`a`) == Host(`b`)", "Host(`a`) & Host(`b`)", "Host(`a`", "Host(`a`))",
    "Host(`a`) Host(`b`)", "Host(`a`)\n&& Path(`/b`)", "Host(`ä.example`)", "HostRegexp(`ä`)", "HostRegexp(`(`)", "HostRegexp(`(?=a)`)",
    "PathRegexp(`(a)\\1`)", "Header(`a`)", "Header(`a`, `b`, `c`)", "HeaderRegexp(`a`, `[`)", "Method()", "ClientIP(`a`)",
    "ClientIP(`10.0.0.0/33`)", "ClientIP(``)", "Host", "`a`", "!Host", "Host(`a`) ! Path(`/b`)", "(Host(`a`)", "Host(`a`) && Nope(`b`)",
    "Host(\"\\q\")", "HostSNI(`a`)", "1", "true",
]


@pytest.mark.parametrize("match", BAD_RULES)
def test_rules_that_are_refused(tmp_path, match):
    """b.1: one bad leaf rejects the rule; the router is disabled and check says so."""
    objects = services() + [route("x", match), route("z", "Host(`b.example`)")]
    code, found = check(tmp_path, objects)
    assert code == 1 and any("x" in fault["object"] for fault in found["faults"])
    assert get(tmp_path, objects, "http://b.example/")["action"] == "forward"
    assert get(tmp_path, objects, "http://a/b")["status"] == 404


# -------------------------------------------------------------------- b.4 selection --

def test_selection_by_priority(tmp_path):
    """b.4: length of the rule; 0 is unset; negatives come last."""
    objects = services() + [
        route("short", "Host(`a.example`)"), route("long", "Host(`a.example`) && PathPrefix(`/`)"),
        route("neg", "Host(`a.example`) && PathPrefix(`/`) && PathPrefix(`/n`) && Method(`GET`)", priority=-1),
        route("zero", "Host(`a.example`)&&PathPrefix(`/zero`)&&Method(`GET`)", priority=0),
        route("high", "PathPrefix(`/high`)", priority=1000)]
    urls = {"/": "long", "/n": "long", "/zero": "zero", "/high": "high"}
    answers = ask(tmp_path, objects, [("GET", f"http://a.example{path}", [], "10.0.0.1:1") for path in urls])
    assert [a["router"].split("-")[1] for a in answers] == list(urls.values())


STATUSES = [
    # target, status (None: forwarded): b.2 malformed percent, e '#'; security.md A2.3
    ("/a%", 400), ("/a%2", 400), ("/a%zz", 400), ("/a%00", None), ("/a%2F..%2Fb", 400), ("/a/..;/b", 400), ("/a/.;x/b", 400),
    ("/a/..%2fb", 400), ("/a/..%5cb", 400), ("/a;b=c/d", None), ("/a%23", None), ("/a%3F", None), ("/a/...", None), ("/a/..", None),
]


@pytest.mark.parametrize("path,status", STATUSES)
def test_paths_that_are_refused(tmp_path, path, status):
    answer = get(tmp_path, services() + [route("x", "PathPrefix(`/`)")], f"http://h{path}")
    assert answer["status"] == status, answer["why"]


ENCODED = [("Slash", "%2F"), ("Slash", "%2f"), ("BackSlash", "%5C"), ("BackSlash", "%5c"), ("NullCharacter", "%00"),
           ("Semicolon", "%3B"), ("Percent", "%25"), ("QuestionMark", "%3f"), ("Hash", "%23")]


@pytest.mark.parametrize("name,text", ENCODED)
def test_encoded_characters_by_option(tmp_path, name, text):
    """e, http.encodedCharacters: denied ones are 400; b.7: after routing, so no route is 404."""
    objects = services() + [route("x", "PathPrefix(`/a`)")]
    option = f"--entryPoints.web.http.encodedCharacters.allowEncoded{name}=false"
    assert get(tmp_path, objects, f"http://h/a{text}b")["action"] == "forward"
    assert get(tmp_path, objects, f"http://h/a{text}b", option)["status"] == 400
    assert get(tmp_path, objects, f"http://h/b{text}b", option)["status"] == 404


def test_paths_are_kept_when_sanitising_is_off(tmp_path):
    """e, http.sanitizePath."""
    objects = services() + [route("x", "Path(`/a/../b`)")]
    assert get(tmp_path, objects, "http://h/a/../b", "--entryPoints.web.http.sanitizePath=false")["action"] == "forward"
    assert get(tmp_path, objects, "http://h/a/../b")["status"] == 404
