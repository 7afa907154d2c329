# SPDX-License-Identifier: Apache-2.0
"""test_p_unsupported: no field is silently ignored. Every field that compatibility.md calls refused or without effect is
set once, on its own; `check` says so each time, and the running proxy counts them."""

import json
import os
import re
import subprocess

import pytest
import yaml
from conftest import ROOT, SANITIZED, TIDEGATE, backend_service
from loop import Loop

PAGE = os.path.join(ROOT, "docs", "reference", "compatibility.md")
CRDS = {"IngressRoute": "ingressroutes", "Middleware": "middlewares", "TraefikService": "traefikservices",
        "TLSOption": "tlsoptions", "TLSStore": "tlsstores", "ServersTransport": "serverstransports",
        "IngressRouteTCP": "ingressroutetcps", "ServersTransportTCP": "serverstransporttcps"}
FOREIGN = ("Gateway", "HTTPRoute", "TLSRoute", "ReferenceGrant")


def rows():
    """(kind, path) of every field that does nothing or is refused."""
    found, kind = [], None
    with open(PAGE) as file:
        for line in file:
            if line.startswith("### "):
                kind = line[4:].strip()
            match = re.match(r"\| `([^`]+)` \| (no effect|refused)", line)
            if match and kind:
                found.append((kind, match.group(1)))
    return found


ROWS = rows()


def schema_of(kind):
    with open(os.path.join(ROOT, "deploy", "crds", f"traefik.io_{CRDS[kind]}.yaml")) as file:
        crd = yaml.safe_load(file)
    return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def value_of(schema):
    """Something that the field takes and that is not its default."""
    if schema.get("enum"):
        return next(v for v in reversed(schema["enum"]) if v != schema.get("default"))
    if schema.get("x-kubernetes-int-or-string"):
        return "7s"
    kind = schema.get("type", "object")
    if kind == "boolean":
        return not schema.get("default", False)
    if kind in ("integer", "number"):
        return max(7, schema.get("minimum", 0))
    if kind == "array":
        return [value_of(schema["items"])]
    if kind == "object":
        if "additionalProperties" in schema:
            return {"x": value_of(schema["additionalProperties"])}
        if not schema.get("properties"):
            return {"x": {"y": 1}}
        names = schema.get("required") or list(schema["properties"])[:1]
        return {name: value_of(schema["properties"][name]) for name in names}
    return "backends" if schema.get("pattern") is None else "x"


def put(schema, parts):
    """A value of the schema in which the field that parts lead to is set, and what is required around it."""
    if not parts:
        return value_of(schema)
    if schema.get("type") == "array":
        return [put(schema["items"], parts)]
    made = {name: value_of(schema["properties"][name]) for name in schema.get("required", []) if name != parts[0]}
    made[parts[0]] = put(schema["properties"][parts[0]], parts[1:])
    return made


def object_for(kind, path, number):
    """An object of the kind that is right but for that field."""
    parts = [part.replace("[]", "") for part in path.split(".")]
    spec = put(schema_of(kind)["properties"]["spec"], parts[1:])
    for rule in spec.get("routes", []):
        if kind == "IngressRouteTCP":
            rule.update(match=f"HostSNI(`h{number}.example`)")
            spec.setdefault("tls", {})
        else:
            rule.update(match=f"Host(`h{number}.example`)", kind="Rule")
        rule.setdefault("services", [{}])
    fill(spec)
    return {"apiVersion": "traefik.io/v1alpha1", "kind": kind, "metadata": {"name": f"x{number}", "namespace": "default"}, "spec": spec}


def fill(value):
    """References lead to the Service that is there."""
    if isinstance(value, list):
        for item in value:
            fill(item)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in ("service", "fallback", "services", "mirrors") or key == "mirroring":
                for one in inner if isinstance(inner, list) else [inner]:
                    if isinstance(one, dict):
                        one.update(name="backends", port=80)
                        one.pop("kind", None)
            fill(inner)
        if "status" in value:
            value["status"] = ["500-599"]


def users(objects):
    """Routes to the TraefikServices and through the Middlewares, so that what is refused when used is used."""
    for item in objects:
        if item["kind"] in ("TraefikService", "Middleware"):
            name = item["metadata"]["name"]
            rule = {"match": f"Host(`use-{name}.example`)", "kind": "Rule", "services": [{"name": "plain", "port": 80}]}
            if item["kind"] == "Middleware":
                rule["middlewares"] = [{"name": name}]
            else:
                rule["services"] = [{"name": name, "kind": "TraefikService"}]
            yield {"apiVersion": "traefik.io/v1alpha1", "kind": "IngressRoute",
                   "metadata": {"name": f"use-{name}", "namespace": "default"}, "spec": {"routes": [rule]}}


@pytest.fixture(scope="module")
def world():
    objects = [object_for(kind, path, number) for number, (kind, path) in enumerate(ROWS)]
    base = backend_service("backends", ["10.77.2.11"]) + backend_service("plain", ["10.77.2.11"])
    base[0]["spec"]["type"] = "NodePort"
    others = [{"apiVersion": "gateway.networking.k8s.io/v1", "kind": kind, "metadata": {"name": "other"}, "spec": {}}
              for kind in FOREIGN]
    return objects, "---\n".join(yaml.safe_dump(item) for item in [*base, *objects, *others, *users(objects)])


@pytest.fixture(scope="module")
def faults(world, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unsupported")
    (folder / "all.yaml").write_text(world[1])
    done = subprocess.run([TIDEGATE, "check", "--json", f"--manifests={folder}", "--entryPoints.web.address=:80"],
                          capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout)["faults"]


def test_there_are_rows():
    assert len(ROWS) > 20 and {kind for kind, _ in ROWS} >= {"IngressRoute", "Middleware"}


@pytest.mark.parametrize("number", range(len(ROWS)), ids=[f"{kind} {path}" for kind, path in ROWS])
def test_check_tells(faults, number):
    kind, path = ROWS[number]
    field = path.replace("[]", "[0]")
    name = f"x{number}"
    told = [f for f in faults if f["object"] == f"{kind}/default/{name}" or f["object"].endswith(f"/use-{name}")]
    # Of a field in an object that is refused as a whole, the whole is told.
    hits = [f for f in told if field.startswith(f["field"]) and f["field"].count(".") >= 1 or f["field"].endswith(field.split(".", 1)[1])]
    assert hits, (field, told)
    assert any("no effect" in f["message"] or "not supported" in f["message"] for f in hits), hits


@pytest.mark.parametrize("kind", FOREIGN)
def test_kinds_that_are_not_there_are_told(faults, kind):
    assert any(f["object"] == f"{kind}/default/other" and "not supported" in f["message"] for f in faults)


def test_they_are_counted(world, tmp_path):
    loop = Loop(TIDEGATE, str(tmp_path), ("web",), world[1], ("--log.level=ERROR", *(["--security.seccomp=false"] if SANITIZED else [])))
    try:
        text = subprocess.run(["curl", "-s", "--unix-socket", loop.socket, "http://x/metrics"], capture_output=True, text=True,
                              timeout=20).stdout
    finally:
        assert loop.stop() == 0
    counts = dict(re.findall(r'^tidegate_config_unsupported_fields\{kind="(\w+)"\} (\d+)', text, re.M))
    assert int(counts.pop("other")) == 4
    for kind in {kind for kind, _ in ROWS}:
        # An object that is refused as a whole counts once, however many fields it has.
        assert int(counts.get(kind, 0)) > 0, counts
    assert sum(map(int, counts.values())) >= len(ROWS) * 0.9, counts
