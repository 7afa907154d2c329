# SPDX-License-Identifier: Apache-2.0
"""Ingress objects (reference f.1) over the wire."""

from conftest import BACKENDS, backend_service, middleware

PREFIX = "traefik.ingress.kubernetes.io/"


def ingress(name, paths, annotations=(), host="x.test", class_name=None, spec=()):
    """paths: (path, pathType or None)."""
    body = {"rules": [{"host": host, "http": {"paths": [
        {"path": path, **({"pathType": kind} if kind else {}),
         "backend": {"service": {"name": "backends", "port": {"number": 80}}}} for path, kind in paths]}}]}
    if class_name:
        body["ingressClassName"] = class_name
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": name, "namespace": "default",
                         "annotations": {PREFIX + k: v for k, v in dict(annotations).items()}},
            "spec": {**body, **dict(spec)}}


def test_path_types(gateway):
    gateway.write("10.yaml", ingress("in", [("/exact", "Exact"), ("/prefix", "Prefix"), ("/impl", None)]))
    gateway.start()
    assert gateway.get("x.test", "/exact")[0] == 200 and gateway.get("x.test", "/exact/a")[0] == 404
    assert gateway.get("x.test", "/prefix/a")[0] == 200 and gateway.get("x.test", "/prefixed")[0] == 200
    assert gateway.get("x.test", "/impl/a")[0] == 200
    assert gateway.get("y.test", "/exact")[0] == 404


def test_strict_prefixes(gateway):
    gateway.write("10.yaml", ingress("in", [("/prefix", "Prefix")]))
    gateway.start("--providers.kubernetesIngress.strictPrefixMatching=true")
    assert gateway.get("x.test", "/prefix/a")[0] == gateway.get("x.test", "/prefix")[0] == 200
    assert gateway.get("x.test", "/prefixed")[0] == 404


def test_annotations(gateway):
    gateway.write("10.yaml", middleware("strip", "stripPrefix", {"prefixes": ["/api"]}),
                  ingress("in", [("/api", "Prefix")],
                          {"router.middlewares": "default-strip@kubernetescrd", "router.entrypoints": "web"}))
    gateway.start()
    status, _, body = gateway.get("x.test", "/api/a")
    assert status == 200 and "uri=/a " in body


def test_a_wildcard_host_is_one_label(gateway):
    gateway.write("10.yaml", ingress("in", [("/", "Prefix")], host="*.x.test"),
                  ingress("old", [("/", "Prefix")], {"router.rulesyntax": "v2"}, host="*.v2.test"))
    gateway.start()
    for name in ("x.test", "v2.test"):
        assert gateway.get(f"a.{name}")[0] == 200
        assert gateway.get(f"a.b.{name}")[0] == gateway.get(name)[0] == 404


def test_the_default_backend_takes_what_nothing_else_does(gateway):
    default = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "d"},
               "spec": {"defaultBackend": {"service": {"name": "backends", "port": {"name": "http"}}}}}
    gateway.write("10.yaml", default, ingress("in", [("/a", "Exact")]))
    gateway.start()
    assert gateway.get("anything.test", "/b")[0] == 200


def test_classes(gateway):
    classes = [{"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": name},
                "spec": {"controller": controller}}
               for name, controller in (("ours", "traefik.io/ingress-controller"), ("nginx", "k8s.io/ingress-nginx"))]
    gateway.write("10.yaml", *classes, ingress("a", [("/", "Prefix")], host="a.test", class_name="ours"),
                  ingress("b", [("/", "Prefix")], host="b.test", class_name="nginx"))
    gateway.start()
    assert gateway.get("a.test")[0] == 200 and gateway.get("b.test")[0] == 404


def test_sticky_by_annotations_of_the_service(gateway):
    items = backend_service("sticky", BACKENDS.values())
    items[0]["metadata"]["annotations"] = {PREFIX + "service.sticky.cookie": "true",
                                           PREFIX + "service.sticky.cookie.name": "crumb"}
    item = ingress("in", [("/", "Prefix")])
    item["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] = "sticky"
    gateway.write("10.yaml", *items, item)
    gateway.start()
    assert gateway.get("x.test")[1]["set-cookie"][0].startswith("crumb=")
