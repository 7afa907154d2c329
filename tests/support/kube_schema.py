# SPDX-License-Identifier: Apache-2.0
"""kube_schema: the rules that a CustomResourceDefinition must obey (apiextensions.k8s.io/v1: structural schemas), and what
an API server does with an object by it: validation, pruning, and what kubectl's strict validation complains of."""

import datetime
import glob
import os
import re

import yaml

CRDS = os.path.join(os.path.dirname(__file__), "..", "..", "deploy", "crds")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Everything that JSONSchemaProps knows and a structural schema may have.
KNOWN = {"description", "type", "format", "title", "default", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum",
         "maxLength", "minLength", "pattern", "maxItems", "minItems", "multipleOf", "enum", "maxProperties", "minProperties",
         "required", "items", "allOf", "oneOf", "anyOf", "not", "properties", "additionalProperties", "example", "nullable",
         "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string",
         "x-kubernetes-list-map-keys", "x-kubernetes-list-type", "x-kubernetes-map-type", "x-kubernetes-validations"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)}
LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
SUBDOMAIN = re.compile(rf"{LABEL}(\.{LABEL})*")
# What Go's regexp (RE2) does not take.
NOT_RE2 = re.compile(r"\(\?[=!<]|\\[1-9]|\(\?>|[*+?}]\+")


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader=LOADER)


def crds():
    return [load(path) for path in sorted(glob.glob(os.path.join(CRDS, "*.yaml")))]


def schema_of(crd):
    return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


# ------------------------------------------------------------------------------------------- the definition itself --

def definition_faults(crd):
    """What an API server would refuse a definition for, and what a good one has."""
    spec, names = crd["spec"], crd["spec"]["names"]
    faults = []

    def need(ok, what):
        if not ok:
            faults.append(what)
    need(crd["apiVersion"] == "apiextensions.k8s.io/v1" and crd["kind"] == "CustomResourceDefinition", "apiVersion, kind")
    need(crd["metadata"]["name"] == f'{names["plural"]}.{spec["group"]}', "metadata.name is not plural.group")
    need(SUBDOMAIN.fullmatch(spec["group"]) and "." in spec["group"], "spec.group")
    need(spec["scope"] in ("Namespaced", "Cluster"), "spec.scope")
    need(re.fullmatch(LABEL, names["plural"]), "names.plural")
    need(names.get("singular") == names["kind"].lower(), f'names.singular {names.get("singular")} is not the kind in lower case')
    need(names.get("listKind") == names["kind"] + "List", "names.listKind")
    short = names.get("shortNames", [])
    need(all(re.fullmatch(LABEL, n) for n in short + names.get("categories", [])), "shortNames, categories")
    need(not {names["plural"], names["singular"]} & set(short), "a short name is no other name")
    versions = spec["versions"]
    need(sum(v["storage"] for v in versions) == 1, "exactly one version is stored")
    need(any(v["served"] for v in versions), "a version is served")
    need(len({v["name"] for v in versions}) == len(versions), "versions have names of their own")
    for version in versions:
        need(re.fullmatch(r"v[1-9][0-9]*((alpha|beta)[1-9][0-9]*)?", version["name"]), "the version's name")
        schema = version["schema"]["openAPIV3Schema"]
        need(schema.get("type") == "object", "the schema is of an object")
        need("status" not in schema["properties"] or "status" in version.get("subresources", {}),
             "a status in the schema needs the subresource")
        faults += structural_faults(schema, "")
        for column in version.get("additionalPrinterColumns", []):
            faults += column_faults(column, schema)
    # kubectl apply keeps the whole object in an annotation.
    need(len(yaml.dump(crd)) < 200_000, "too large for kubectl apply")
    return faults


def structural_faults(schema, path, in_logic=False):
    faults = []

    def need(ok, what):
        if not ok:
            faults.append(f"{path or '.'}: {what}")
    need(set(schema) <= KNOWN, f"unknown words {sorted(set(schema) - KNOWN)}")
    kind = schema.get("type")
    if schema.get("x-kubernetes-int-or-string"):
        need(kind is None, "int-or-string has no type")
    elif not in_logic:
        need(kind in TYPES or schema.get("x-kubernetes-preserve-unknown-fields"), f"type {kind}")
    need(not ("properties" in schema and "additionalProperties" in schema), "properties and additionalProperties")
    need(kind == "object" or not {"properties", "additionalProperties", "required"} & set(schema), "properties of what is no object")
    need(kind == "array" or "items" not in schema, "items of what is no array")
    need(kind != "array" or isinstance(schema.get("items"), dict), "an array says what its items are")
    need(kind == "string" or not {"pattern", "minLength", "maxLength"} & set(schema), "rules of strings")
    need(kind in ("integer", "number") or not {"minimum", "maximum"} & set(schema), "rules of numbers")
    need(kind == "array" or not {"minItems", "maxItems", "x-kubernetes-list-type"} & set(schema), "rules of arrays")
    need(schema.get("minimum", 0) <= schema.get("maximum", float("inf")), "minimum beyond maximum")
    need(schema.get("minLength", 0) <= schema.get("maxLength", float("inf")), "minLength beyond maxLength")
    need(schema.get("minItems", 0) <= schema.get("maxItems", float("inf")), "minItems beyond maxItems")
    need(len(schema.get("required", [])) == len(set(schema.get("required", []))), "required says a name twice")
    need(set(schema.get("required", [])) <= set(schema.get("properties", schema.get("required", []))), "required names no property")
    if "enum" in schema:
        need(schema["enum"] and len(schema["enum"]) == len(set(map(str, schema["enum"]))), "enum")
        need(all(not validate({"type": kind}, v) for v in schema["enum"]), "a value of enum has another type")
    if "pattern" in schema:
        need(not NOT_RE2.search(schema["pattern"]), f'pattern {schema["pattern"]} is not for RE2')
        re.compile(schema["pattern"])
    if "default" in schema:
        faults += [f"{path}: default: {f}" for f in validate({k: v for k, v in schema.items() if k != "default"}, schema["default"])]
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        need(kind == "object" and not {"properties", "additionalProperties"} & set(schema), "preserve-unknown-fields beside known fields")
    elif kind == "object" and not in_logic:
        # Everything would be pruned from it. metadata is the API server's own; {} can be asked for.
        need("properties" in schema or "additionalProperties" in schema or path == ".metadata", "an object without fields")
    if schema.get("x-kubernetes-list-type") == "map":
        items, keys = schema["items"], schema.get("x-kubernetes-list-map-keys", [])
        need(keys and items.get("type") == "object" and set(keys) <= set(items.get("required", [])), "keys of a list map are required")
        need(all(items["properties"][k]["type"] in ("string", "integer", "number", "boolean") for k in keys), "list map keys are scalars")
    need("description" in schema or path in ("", ".apiVersion", ".kind", ".metadata") or path.endswith(("[]", "{}")), "no description")
    for rule in schema.get("x-kubernetes-validations", []):
        need(rule.get("rule") and rule.get("message"), "a rule and its message")
    for name, inner in schema.get("properties", {}).items():
        faults += structural_faults(inner, f"{path}.{name}")
    if isinstance(schema.get("items"), dict):
        faults += structural_faults(schema["items"], path + "[]")
    if isinstance(schema.get("additionalProperties"), dict):
        faults += structural_faults(schema["additionalProperties"], path + "{}")
    return faults


def column_faults(column, schema):
    """A printer column: its JSONPath is one, and leads to something."""
    if column["type"] not in ("string", "integer", "number", "boolean", "date"):
        return [f'column {column["name"]}: type']
    path = column["jsonPath"]
    if not re.fullmatch(r'(\.[A-Za-z][A-Za-z0-9]*(\[\?\(@\.[a-z]+=="[A-Za-z]+"\)\]|\[\*\]|\[\d+\])?)+', path):
        return [f'column {column["name"]}: jsonPath {path}']
    if path.startswith(".metadata."):
        return []
    for name, index in re.findall(r"\.([A-Za-z0-9]+)(?=([.\[]|$))", re.sub(r"\[\?\(@\.([a-z]+)==[^]]*\]", r"[]", path)):
        if name not in schema.get("properties", {}):
            return [f'column {column["name"]}: {path}: no {name}']
        schema = schema["properties"][name]
        if index == "[":
            schema = schema["items"]
    return []


# ------------------------------------------------------------------------------------------------ objects --

def is_date_time(text):
    try:
        datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return False
    return bool(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$", text))


def validate(schema, value, path="", strict=False):
    """Why an API server refuses the value; strict: also unknown fields, as kubectl apply does."""
    kind = schema.get("type")
    if value is None:
        return [] if schema.get("nullable") else [f"{path}: null"]
    if schema.get("x-kubernetes-int-or-string"):
        return [] if isinstance(value, (int, str)) and not isinstance(value, bool) else [f"{path}: neither integer nor string"]
    if kind in TYPES and (not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        return [f"{path}: {type(value).__name__} instead of {kind}"]
    faults = []

    def need(ok, what):
        if not ok:
            faults.append(f"{path}: {what}")
    need("enum" not in schema or value in schema["enum"], f"{value!r} is none of {schema.get('enum')}")
    if kind == "string":
        need(schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", float("inf")), "length")
        need("pattern" not in schema or re.search(schema["pattern"], value), f"{value!r} does not match {schema.get('pattern')}")
        need(schema.get("format") != "date-time" or is_date_time(value), f"{value!r} is no date-time")
    elif kind in ("integer", "number"):
        need(schema.get("minimum", value) <= value <= schema.get("maximum", value), f"{value} is out of range")
    elif kind == "array":
        need(schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", float("inf")), f"{len(value)} items")
        keys = schema.get("x-kubernetes-list-map-keys")
        if keys and all(isinstance(i, dict) for i in value):
            need(len({tuple(i.get(k) for k in keys) for i in value}) == len(value), "the same key twice")
        for i, item in enumerate(value):
            faults += validate(schema.get("items", {}), item, f"{path}[{i}]", strict)
    elif kind == "object":
        for name in schema.get("required", []):
            need(name in value, f"{name} is required")
        more = schema.get("additionalProperties")
        for name, inner in value.items():
            if name in schema.get("properties", {}):
                # A null is dropped before anything looks at it.
                if inner is not None:
                    faults += validate(schema["properties"][name], inner, f"{path}.{name}", strict)
            elif isinstance(more, dict):
                faults += validate(more, inner, f"{path}.{name}", strict)
            elif strict and not schema.get("x-kubernetes-preserve-unknown-fields") and path != ".metadata":
                faults.append(f"{path}.{name}: unknown field")
    return faults


def prune(schema, value):
    """The value without the fields that the schema does not know."""
    if isinstance(value, list):
        return [prune(schema.get("items", {}), item) for item in value]
    if not isinstance(value, dict) or schema.get("x-kubernetes-preserve-unknown-fields"):
        return value
    more = schema.get("additionalProperties")
    known = schema.get("properties", {})
    return {name: prune(known[name], inner) if name in known else prune(more, inner) if isinstance(more, dict) else inner
            for name, inner in value.items() if name in known or isinstance(more, dict)}
