# SPDX-License-Identifier: Apache-2.0
"""The chart, as an API server sees it: what it would refuse, or what would never end, is refused before, in words."""

import re
import subprocess

import jsonschema
import pytest
import yaml

from test_y_deploy import CHART, RENDER, args_of, container, only, render, schema, values, workload

OFF_NODE = {"hostNetwork": False, "kernelPlane": {"enabled": False}}


@pytest.mark.parametrize("given, told", [
    ({"autoscaling": {"enabled": True, "maxReplicas": 3}}, "autoscaling.enabled: a DaemonSet has one pod a node"),
    ({"deployment": {"kind": "Deployment"}, "autoscaling": {"enabled": True}}, "autoscaling.maxReplicas: required"),
    ({"hostNetwork": False}, "kernelPlane.enabled: needs hostNetwork=true"),
    ({"rbac": {"namespaced": True}}, "rbac.namespaced: IngressClasses belong to the cluster"),
    ({"ports": {"web": {"redirectTo": "websecure"}}}, "ports.web.redirectTo: was removed"),
    ({"ports": {"web": {"redirectTo": {"port": "websecure"}}}}, "ports.web.http.redirections.entryPoint: {to: websecure, scheme"),
    ({"image": {"repository": "mirror.test/traefik"}}, "image.repository: mirror.test/traefik is Traefik's own image"),
    ({"startupProbe": {"httpGet": {"path": "/ping", "port": 8080}}}, "nothing is served at port 8080; /ping and /ready are at"),
    ({"hub": {"token": "x"}}, "hub: there is no Traefik Hub"),
    ({"updateStrategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 0}}}, "cannot both be 0"),
    ({"deployment": {"kind": "Deployment"}, "updateStrategy": {"rollingUpdate": {"maxSurge": "0%"}}}, "cannot both be 0"),
    (OFF_NODE | {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 1}}}, "of a DaemonSet one of maxUnavailable"),
    ({"updateStrategy": {"type": "Recreate"}}, "a DaemonSet knows"),
    ({"deployment": {"kind": "Deployment"}, "updateStrategy": {"type": "OnDelete"}}, "a Deployment knows"),
    ({"podDisruptionBudget": {"enabled": True, "minAvailable": 1, "maxUnavailable": 1}}, "not both"),
    ({"deployment": {"hostUsers": False}}, "deployment.hostUsers: a pod of the host's network"),
    ({"deployment": {"kind": "Deployment"}, "hostNetwork": False}, "kernelPlane.enabled: needs hostNetwork=true"),
    ({"ports": {"web": {"hostPort": 80}}}, "ports.web.hostPort: with hostNetwork=true the node's port is ports.web.port: set that to 80"),
    ({"podSecurityContext": None}, "podSecurityContext.runAsGroup: required"),
    ({"image": None}, "image: must not be null"),
    ({"persistence": {"enabled": True}}, "persistence.enabled: a volume of ReadWriteOnce is on one node"),
    ({"startupProbe": {"httpGet": {"path": "/ping", "port": "traefik"}}}, "startupProbe.httpGet.port: there is no port traefik"),
    ({"providers": {"kubernetesCRD": {"enabled": False}, "kubernetesIngress": {"enabled": False}}}, "providers: at least one of"),
    ({"ports": {"web_internal": {"port": 81}}}, "ports.web_internal: a name has letters"),
    ({"ports": {"admin": {"port": 81}}}, "ports.admin: as the name of a container's port it is admin, as that of the admin port"),
    ({"ports": {"websecure-internal-a": {"port": 81}, "websecure-internal-b": {"port": 82}}}, "as that of ports.websecure-internal-a"),
])
def test_what_cannot_work_is_refused_in_words(tmp_path, given, told):
    assert told in render(tmp_path, given, status=1)


@pytest.mark.parametrize("given, wanted", [
    ({}, (1, 0)),
    ({"updateStrategy": {"rollingUpdate": {"maxUnavailable": "10%"}}}, ("10%", 0)),
    (OFF_NODE, (0, 1)),
    (OFF_NODE | {"ports": {"web": {"hostPort": 80}}}, (1, 0)),
])
def test_pods_that_hold_ports_of_their_node_are_replaced_one_after_the_other(tmp_path, given, wanted):
    """A second pod would never be scheduled there, and an API server takes one of the two only."""
    rolling = workload(render(tmp_path, given))["spec"]["updateStrategy"]["rollingUpdate"]
    assert (rolling["maxUnavailable"], rolling["maxSurge"]) == wanted


def test_names_and_labels_are_as_long_as_an_api_server_takes_them(tmp_path):
    given = OFF_NODE | {"service": {"single": False, "additionalServices": {"internal": {}}}, "metrics": {"prometheus": {"service": {
        "enabled": True}}}, "ports": {"webSecure-Internal": {"port": 9000, "expose": {"default": True, "internal": True}},
                                      "dns": {"port": 53, "protocol": "UDP", "expose": {"default": True, "internal": True}}}}
    objects = render(tmp_path, given, "-release", "r" * 53, "-namespace", "n" * 63)
    assert len([o for o in objects if o["kind"] == "Service"]) == 5
    for item in objects:
        for value in item["metadata"].get("labels", {}).values():
            assert len(value) <= 63
        if item["kind"] == "Service":
            assert re.fullmatch("[a-z]([-a-z0-9]{0,61}[a-z0-9])?", item["metadata"]["name"]), item["metadata"]["name"]
            for port in item["spec"]["ports"]:
                assert re.fullmatch("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", port["name"])
    assert len({o["metadata"]["name"] for o in objects if o["kind"] == "Service"}) == 5
    spec = workload(objects)["spec"]
    names = [p["name"] for p in container(objects)["ports"]]
    assert "websecure-inter" in names and len(names) == len(set(names))
    assert spec["selector"]["matchLabels"].items() <= spec["template"]["metadata"]["labels"].items()


def test_small_values_have_their_effect(tmp_path):
    given = {"podDisruptionBudget": {"enabled": True, "maxUnavailable": 0}, "persistence": {"emptyDir": {"sizeLimit": "1Gi"}},
             "deployment": {"kind": "Deployment", "tmpVolume": {"emptyDir": {"medium": "Memory"}}, "hostUsers": False},
             "startupProbe": {"failureThreshold": 30},
             "autoscaling": {"enabled": True, "maxReplicas": 2, "scaleTargetRef": {"apiVersion": "x/v1", "kind": "X", "name": "x"}},
             "ports": {"web": {"hostPort": 80, "hostIP": "192.0.2.1"}}}
    objects = render(tmp_path, given | OFF_NODE)
    assert only(objects, "PodDisruptionBudget")["spec"]["maxUnavailable"] == 0
    pod = workload(objects)["spec"]["template"]["spec"]
    volumes = {v["name"]: v for v in pod["volumes"]}
    assert volumes["data"]["emptyDir"] == {"sizeLimit": "1Gi"} and volumes["tmp"]["emptyDir"] == {"medium": "Memory"}
    assert pod["hostUsers"] is False and pod["enableServiceLinks"] is False
    assert only(objects, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"] == {"apiVersion": "x/v1", "kind": "X", "name": "x"}
    assert "--entryPoints.web.address=:8000/tcp" in args_of(objects), "the node's address is not the pod's"
    assert container(objects)["startupProbe"] == {"failureThreshold": 30, "httpGet": {"path": "/ping", "port": 9180, "scheme": "HTTP"}}
    web = [p for p in container(objects)["ports"] if p["name"] == "web"][0]
    assert (web["hostPort"], web["hostIP"]) == (80, "192.0.2.1")
    at = args_of(render(tmp_path, {"ports": {"web": {"hostIP": "2001:db8::1"}}}))
    assert "--entryPoints.web.address=[2001:db8::1]:8000/tcp" in at


def test_a_volume_of_many_nodes_may_be_a_daemonset_s(tmp_path):
    objects = render(tmp_path, {"persistence": {"enabled": True, "accessMode": "ReadWriteMany"}})
    assert only(objects, "PersistentVolumeClaim")["spec"]["accessModes"] == ["ReadWriteMany"]


def test_a_further_service_is_of_the_type_that_is_asked_for(tmp_path):
    """One that is meant for the cluster must not be given an address of the outside."""
    further = {"internal": {"type": "ClusterIP", "ipFamilyPolicy": "PreferDualStack"}, "edge": {"spec": {"externalTrafficPolicy": "Local"}},
               "nodes": {"spec": {"type": "NodePort"}}}
    given = {"service": {"additionalServices": further}, "ports": {"web": {"expose": dict.fromkeys(further, True)}}}
    specs = {o["metadata"]["name"]: o["spec"] for o in render(tmp_path, given) if o["kind"] == "Service"}
    assert {name: spec["type"] for name, spec in specs.items()} == {
        "tidegate": "LoadBalancer", "tidegate-internal": "ClusterIP", "tidegate-edge": "LoadBalancer", "tidegate-nodes": "NodePort"}
    assert specs["tidegate-internal"]["ipFamilyPolicy"] == "PreferDualStack"
    assert specs["tidegate-edge"]["externalTrafficPolicy"] == "Local" and "externalTrafficPolicy" not in specs["tidegate"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"service": {"additionalServices": {"internal": {"typ": "ClusterIP"}}}}, schema())


# Traefik's chart 26 to 37, as its users have it: names and places that are others today.
OLDER = """
globalArguments: [--global.checknewversion, --global.sendanonymoususage]
logs:
  general: {level: DEBUG, format: json}
  access: {enabled: true, format: json, bufferingSize: 100, filters: {statuscodes: 200-299}}
ports:
  traefik: {expose: {default: true}, exposedPort: 9000}
  metrics: {port: 9100, expose: {default: false}, exposedPort: 9100}
  web: {expose: true, redirections: {entryPoint: {to: websecure, scheme: https, permanent: true}}}
  websecure: {expose: {default: true}, middlewares: [shop-auth@kubernetescrd], tls: {options: shop-modern@kubernetescrd}}
  internal: {port: 8444, expose: false, tls: {enabled: true, certResolver: le}}
certResolvers: {le: {email: a@example.com}}
metrics: {prometheus: {entryPoint: metrics, prometheusRule: {enabled: true, rules: [{alert: Mine, expr: up, annotations: {
  description: "{{ $labels.job }} is down"}}]}}}
service: {type: NodePort, ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv6, IPv4]}
rbac: {secretResourceNames: [wildcard]}
affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {
  matchLabels: {app.kubernetes.io/name: '{{ template "traefik.name" . }}',
                app.kubernetes.io/instance: '{{ .Release.Name }}-{{ include "traefik.namespace" . }}'}}}]}}
"""


def test_values_of_older_charts_of_traefik_move_over(tmp_path):
    objects = render(tmp_path, yaml.safe_load(OLDER))
    args = args_of(objects)
    for wanted in ["--log.level=DEBUG", "--log.format=json", "--accessLog=true", "--accessLog.format=json",
                   "--entryPoints.web.http.redirections.entryPoint.to=:443",
                   "--entryPoints.web.http.redirections.entryPoint.permanent=true",
                   "--entryPoints.websecure.http.tls=true", "--entryPoints.websecure.http.tls.options=shop-modern@kubernetescrd",
                   "--entryPoints.websecure.http.middlewares=shop-auth@kubernetescrd", "--entryPoints.internal.http.tls.certResolver=le"]:
        assert wanted in args, f"{wanted} is missing of {args}"
    assert args[1:3] == ["--global.checknewversion", "--global.sendanonymoususage"]
    service = only(objects, "Service")["spec"]
    assert [p["name"] for p in service["ports"]] == ["web", "websecure"], "nothing listens at Traefik's own ports"
    assert (service["type"], service["ipFamilyPolicy"], service["ipFamilies"]) == ("NodePort", "PreferDualStack", ["IPv6", "IPv4"])
    secrets = [r for o in objects if o["kind"] == "ClusterRole" for r in o["rules"] if "secrets" in r["resources"]]
    assert secrets == [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["wildcard"], "verbs": ["list", "watch"]}]
    group = only(objects, "PrometheusRule")["spec"]["groups"][1]
    assert group["rules"][0]["annotations"] == {"description": "{{ $labels.job }} is down"}
    spec = workload(objects)["spec"]
    apart = spec["template"]["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][0]
    assert apart["labelSelector"]["matchLabels"] == spec["selector"]["matchLabels"]
    told = render(tmp_path, yaml.safe_load(OLDER), "-notes").splitlines()[-1]
    for name in ["certResolvers", "accessLog.bufferingSize", "accessLog.filters", "ports.traefik (see admin.port)",
                 "metrics.prometheus.entryPoint (see admin.port)"]:
        assert name in told, told
    off = args_of(render(tmp_path, {"ports": {"websecure": {"tls": {"enabled": False}}}}))
    assert not [a for a in off if "http.tls" in a], "a false counts over the preset's true"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"logs": {"general": {"levl": "INFO"}}}, schema())


def objects_in(tree, path=()):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield (*path, key)
            yield from objects_in(value, (*path, key))


def test_null_switches_a_part_off_or_is_refused_in_words(tmp_path):
    """Traefik's users write `metrics: {prometheus: null}`; nothing may end in a complaint of the template language."""
    refused = set()
    for path in objects_in(values()):
        given = None
        for key in reversed(path):
            given = {key: given}
        (tmp_path / "null.yaml").write_text(yaml.safe_dump(given))
        done = subprocess.run([RENDER, CHART, "-values", str(tmp_path / "null.yaml")], capture_output=True, text=True)
        assert "nil pointer" not in done.stderr and "wrong type" not in done.stderr, f"{path}: {done.stderr}"
        assert "<nil>" not in done.stdout and "<no value>" not in done.stdout, path
        assert not done.returncode or "fail" in done.stderr, f"{path}: {done.stderr}"
        assert done.returncode or all(isinstance(o, dict) for o in yaml.safe_load_all(done.stdout) if o)
        if done.returncode:
            refused.add(path[0])
    assert refused == {"image", "deployment", "updateStrategy", "log", "admin", "ports", "persistence", "podSecurityContext", "providers"}
    without = render(tmp_path, {"metrics": {"prometheus": None}})
    assert "--metrics.prometheus=true" not in args_of(without)
