# SPDX-License-Identifier: Apache-2.0
"""kube_rules: what an API server demands of those who write and ask: RBAC, names, Events, Leases, status subresources,
server-side apply. Each function raises Refused with what a real one answers."""

import copy
import ipaddress
import re

import kube_schema

SUBDOMAIN = kube_schema.SUBDOMAIN
# Kinds of others that have a status to be written.
WITH_STATUS = {"ingresses", "services", "nodes", "namespaces"}
PATCHES = {"application/merge-patch+json", "application/apply-patch+yaml"}

# plural: (apiVersion, kind, namespaced)
KINDS = {
    "ingressroutes": ("traefik.io/v1alpha1", "IngressRoute", True),
    "ingressroutetcps": ("traefik.io/v1alpha1", "IngressRouteTCP", True),
    "ingressrouteudps": ("traefik.io/v1alpha1", "IngressRouteUDP", True),
    "middlewares": ("traefik.io/v1alpha1", "Middleware", True),
    "middlewaretcps": ("traefik.io/v1alpha1", "MiddlewareTCP", True),
    "traefikservices": ("traefik.io/v1alpha1", "TraefikService", True),
    "tlsoptions": ("traefik.io/v1alpha1", "TLSOption", True),
    "tlsstores": ("traefik.io/v1alpha1", "TLSStore", True),
    "serverstransports": ("traefik.io/v1alpha1", "ServersTransport", True),
    "serverstransporttcps": ("traefik.io/v1alpha1", "ServersTransportTCP", True),
    "sourcepolicies": ("tidegate.io/v1alpha1", "SourcePolicy", True),
    "virtualaddresses": ("tidegate.io/v1alpha1", "VirtualAddress", True),
    "ingresses": ("networking.k8s.io/v1", "Ingress", True),
    "ingressclasses": ("networking.k8s.io/v1", "IngressClass", False),
    "services": ("v1", "Service", True),
    "endpointslices": ("discovery.k8s.io/v1", "EndpointSlice", True),
    "secrets": ("v1", "Secret", True),
    "configmaps": ("v1", "ConfigMap", True),
    "nodes": ("v1", "Node", False),
    "namespaces": ("v1", "Namespace", False),
    "leases": ("coordination.k8s.io/v1", "Lease", True),
    "events": ("v1", "Event", True),
    "customresourcedefinitions": ("apiextensions.k8s.io/v1", "CustomResourceDefinition", False),
}
PLURALS = {kind: plural for plural, (_, kind, _) in KINDS.items()}


class Refused(Exception):
    def __init__(self, code, reason, message, **details):
        super().__init__(message)
        self.code, self.reason, self.message, self.details = code, reason, message, details


def invalid(kind, name, field, what):
    raise Refused(422, "Invalid", f'{kind} "{name}" is invalid: {field}: {what}', causes=[
        {"reason": "FieldValueInvalid", "message": what, "field": field}])


# --------------------------------------------------------------------------------------------------- RBAC --

def roles_of(path):
    """(namespace or None, rule) of every Role and ClusterRole of a file of manifests."""
    with open(path, encoding="utf-8") as file:
        objects = list(kube_schema.yaml.load_all(file, Loader=kube_schema.LOADER))
    return [(o["metadata"].get("namespace"), rule) for o in objects if o and o["kind"] in ("Role", "ClusterRole")
            for rule in o["rules"]]


def granted(roles):
    """Every (namespace or None, group, resource, verb) on its own."""
    return {(namespace, group, resource, verb) for namespace, rule in roles for group in rule["apiGroups"]
            for resource in rule["resources"] for verb in rule["verbs"]}


def allows(roles, verb, group, resource, namespace, name):
    return any((where is None or where == namespace) and verb in rule["verbs"] and group in rule["apiGroups"] and
               resource in rule["resources"] and (not rule.get("resourceNames") or name in rule["resourceNames"])
               for where, rule in roles)


def verb_of(request, name):
    if request.method == "GET":
        return "watch" if request.is_watch else "get" if name else "list"
    return {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}[request.method]


# ---------------------------------------------------------------------------------------------- questions --

def check_list(query):
    """ValidateListOptions, as far as anybody here asks."""
    match, version = query.get("resourceVersionMatch"), query.get("resourceVersion")
    forbidden = None
    if query.get("watch") == "true":
        if query.get("sendInitialEvents") and match != "NotOlderThan":
            forbidden = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        elif match and not query.get("sendInitialEvents"):
            forbidden = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
        elif query.get("sendInitialEvents") and query.get("allowWatchBookmarks") != "true":
            forbidden = "sendInitialEvents needs allowWatchBookmarks here"
        elif "continue" in query:
            forbidden = "continue is forbidden for watch"
    elif match and not version:
        forbidden = "resourceVersionMatch is forbidden unless resourceVersion is provided"
    if forbidden:
        raise Refused(422, "Invalid", f'ListOptions.meta.k8s.io "" is invalid: {forbidden}')
    if query.get("continue") and version:
        raise Refused(400, "BadRequest", "specifying resource version is not allowed when using continue")
    if not re.fullmatch(r"\d*", version or ""):
        raise Refused(400 if query.get("watch") != "true" else 500, "BadRequest", f"invalid resource version {version!r}")


# ------------------------------------------------------------------------------------------------- writing --

def check_object(plural, kind, version, namespace, body):
    if not isinstance(body, dict) or not isinstance(body.get("metadata"), dict):
        raise Refused(400, "BadRequest", f"the object provided is unrecognized (must be of type {kind})")
    if body.get("kind") != kind or body.get("apiVersion") != version:
        raise Refused(400, "BadRequest", f'{body.get("kind")} in version {body.get("apiVersion")} cannot be handled as a {kind}')
    meta = body["metadata"]
    if namespace and meta.get("namespace", namespace) != namespace:
        raise Refused(400, "BadRequest", "the namespace of the provided object does not match the namespace sent on the request")
    name = meta.get("name", "")
    if len(name) > 253 or not SUBDOMAIN.fullmatch(name):
        invalid(kind, name, "metadata.name", "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters")
    if plural == "events":
        check_event(body, namespace)
    if plural == "leases":
        check_lease(body)


def check_event(body, namespace):
    """core/v1, without eventTime: what is called the legacy validation; and that it is of use to anybody."""
    name, about = body["metadata"]["name"], body.get("involvedObject")
    if not isinstance(about, dict):
        invalid("Event", name, "involvedObject", "Required value")
    if about.get("namespace", "") != ("" if namespace == "default" and not about.get("namespace") else namespace):
        invalid("Event", name, "involvedObject.namespace", f'"{about.get("namespace")}": does not match event.namespace')
    known = {"apiVersion", "kind", "metadata", "involvedObject", "reason", "message", "source", "firstTimestamp", "lastTimestamp",
             "count", "type", "eventTime", "series", "action", "related", "reportingComponent", "reportingInstance"}
    if set(body) - known:
        raise Refused(400, "BadRequest", f"strict decoding error: unknown field {sorted(set(body) - known)}")
    for field in ("firstTimestamp", "lastTimestamp"):
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", body.get(field) or ""):
            raise Refused(400, "BadRequest", f"Event in version v1 cannot be handled as a Event: parsing time {body.get(field)!r}")
    # Of the newer API; kubectl shows nothing useful without them.
    if body.get("type") not in ("Normal", "Warning") or not body.get("reason") or not body.get("message") or \
            not {"apiVersion", "kind", "name", "uid"} <= set(about):
        invalid("Event", name, "type, reason, message, involvedObject", "Required value")
    if len(body["message"].encode()) > 1024 or len(body["reason"]) > 128 or len(body.get("reportingInstance", "")) > 128:
        invalid("Event", name, "note", "can have at most 1024 characters")


def check_lease(body):
    spec, name = body["spec"], body["metadata"]["name"]
    for field in ("renewTime", "acquireTime"):
        if field in spec and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", spec[field]):
            raise Refused(400, "BadRequest", f'Lease in version "v1" cannot be handled as a Lease: parsing time "{spec[field]}"')
    if spec.get("leaseDurationSeconds", 1) <= 0:
        invalid("Lease", name, "spec.leaseDurationSeconds", "must be greater than 0")
    if spec.get("leaseTransitions", 0) < 0:
        invalid("Lease", name, "spec.leaseTransitions", "must be greater than or equal to 0")


def merge(into, patch):
    """RFC 7386."""
    for key, value in patch.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = copy.deepcopy(value)
    return into


class Rules:
    """What is known of the custom kinds, and who applied which items of lists."""

    def __init__(self):
        self.schemas = {crd["spec"]["names"]["plural"]: kube_schema.schema_of(crd) for crd in kube_schema.crds()}
        self.with_status = WITH_STATUS | {plural for plural, schema in self.schemas.items() if "status" in schema["properties"]}
        self.owned = {}

    def faults(self, plural, item):
        return kube_schema.validate(self.schemas[plural], item) if plural in self.schemas else []

    def patched(self, plural, key, old, request, subresource):
        """The object after a PATCH of it or its status."""
        kind, body_type = old["kind"], request.headers.get("content-type")
        body = kube_schema.yaml.load(request.body, Loader=kube_schema.LOADER)
        if body_type not in PATCHES:
            raise Refused(415, "UnsupportedMediaType", "the body of the request was in an unknown format - accepted media types "
                          "include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml")
        if subresource and plural not in self.with_status:
            raise Refused(404, "NotFound", f'{plural} "{old["metadata"]["name"]}" not found')
        version = body.get("metadata", {}).get("resourceVersion", old["metadata"]["resourceVersion"])
        if version != old["metadata"]["resourceVersion"]:
            raise Refused(409, "Conflict", f'Operation cannot be fulfilled on {plural} "{old["metadata"]["name"]}": the object has been '
                          "modified; please apply your changes to the latest version and try again")
        # A status changes by its subresource alone, and that changes nothing else.
        has_status = plural in self.with_status
        body = {k: v for k, v in body.items() if (k == "status" if subresource else k != "status" or not has_status)}
        body.pop("metadata", None) if subresource else None
        new = copy.deepcopy(old)
        if body_type == "application/apply-patch+yaml":
            self.apply(plural, key, new, body, request)
        else:
            merge(new, body)
        if plural in self.schemas:
            new = {**kube_schema.prune(self.schemas[plural], new), "metadata": new["metadata"]}
            faults = kube_schema.validate(self.schemas[plural], new)
            if faults:
                invalid(kind, old["metadata"]["name"], faults[0].partition(":")[0].strip("."), faults[0])
        for entry in (new.get("status") or {}).get("loadBalancer", {}).get("ingress", []) if plural == "ingresses" else []:
            try:
                ipaddress.ip_address(entry.get("ip", "192.0.2.1"))
            except ValueError:
                invalid(kind, old["metadata"]["name"], "status.loadBalancer.ingress[0].ip", "must be a valid IP address")
            if "hostname" in entry and not SUBDOMAIN.fullmatch(entry["hostname"]):
                invalid(kind, old["metadata"]["name"], "status.loadBalancer.ingress[0].hostname", "a lowercase RFC 1123 subdomain")
        return new

    def apply(self, plural, key, new, body, request):
        """Server-side apply of lists of maps in a status: items belong to who applied them."""
        manager = request.query.get("fieldManager")
        if not manager or len(manager) > 128:
            raise Refused(422, "Invalid", 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value')
        status = body.get("status") or {}
        schema = self.schemas[plural]["properties"]["status"]["properties"]
        unknown = set(status) - set(schema)
        if unknown:
            raise Refused(500, "InternalError", f"failed to create typed patch object: .status.{unknown}: field not declared in schema")
        now = new.setdefault("status", {})
        for field, rule in schema.items():
            keys = rule.get("x-kubernetes-list-map-keys")
            if not keys:
                continue
            mine = {tuple(item[k] for k in keys): item for item in status.get(field, [])}
            before = self.owned.get((key, manager, field), set())
            kept = [item for item in now.get(field, []) if tuple(item[k] for k in keys) not in before | set(mine)]
            if mine or field in now:
                now[field] = kept + list(mine.values())
            self.owned[(key, manager, field)] = set(mine)
