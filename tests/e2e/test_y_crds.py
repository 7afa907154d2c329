# SPDX-License-Identifier: Apache-2.0
"""The custom kinds as an API server and kubectl see them: structural schemas, names, columns, and that what we show people
to apply is taken."""

import copy
import glob
import os
import re

import pytest
import yaml

import kube_schema as rules
from conftest import ROOT

CRDS = {crd["spec"]["names"]["kind"]: crd for crd in rules.crds()}


@pytest.mark.parametrize("kind", CRDS)
def test_every_definition_obeys_the_rules(kind):
    assert rules.definition_faults(CRDS[kind]) == []


def broken(change):
    crd = copy.deepcopy(CRDS["VirtualAddress"])
    change(crd["spec"]["names"], rules.schema_of(crd)["properties"]["spec"], crd["spec"]["versions"][0])
    return crd


@pytest.mark.parametrize("change, told", [
    (lambda n, s, v: n.update(singular="virtualaddresse"), "names.singular"),
    (lambda n, s, v: s["properties"]["mode"].pop("type"), "type None"),
    (lambda n, s, v: s["properties"]["mode"].update(pattern="(?=x)"), "RE2"),
    (lambda n, s, v: s["properties"]["mode"].update({"$ref": "#/x"}), "unknown words"),
    (lambda n, s, v: s["properties"]["mode"].update(default="sideways"), "default"),
    (lambda n, s, v: s["properties"]["addresses"].pop("items"), "what its items are"),
    (lambda n, s, v: s.update(additionalProperties={"type": "string"}), "properties and additionalProperties"),
    (lambda n, s, v: s["required"].append("nothing"), "names no property"),
    (lambda n, s, v: v["additionalPrinterColumns"][0].update(jsonPath=".spec.adresses"), "no adresses"),
    (lambda n, s, v: v.pop("subresources"), "needs the subresource"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_definition_that_breaks_a_rule_is_found_out(change, told):
    assert any(told in fault for fault in rules.definition_faults(broken(change)))


def test_no_name_is_taken_twice():
    names = [name for crd in CRDS.values() for name in
             [crd["spec"]["names"]["plural"], crd["spec"]["names"]["singular"], *crd["spec"]["names"].get("shortNames", [])]]
    assert len(set(names)) == len(names)
    # Those of Kubernetes itself that people type.
    assert not set(names) & {"po", "svc", "ep", "ing", "no", "ns", "cm", "sa", "ds", "deploy", "pv", "pvc", "sc", "va", "crd", "ev"}


def documents():
    """Everything of our kinds that people are shown: examples, and the YAML of the documentation."""
    for path in glob.glob(os.path.join(ROOT, "deploy", "examples", "*.yaml")):
        with open(path, encoding="utf-8") as file:
            yield path, file.read()
    for path in glob.glob(os.path.join(ROOT, "docs", "**", "*.md"), recursive=True):
        with open(path, encoding="utf-8") as file:
            for block in re.findall(r"^```ya?ml\n(.*?)^```", file.read(), re.M | re.S):
                yield path, block


def objects():
    for path, text in documents():
        try:
            parts = list(yaml.load_all(text, Loader=rules.LOADER))
        except yaml.YAMLError:
            continue
        for part in parts:
            if isinstance(part, dict) and part.get("kind") in CRDS and "metadata" in part:
                yield os.path.relpath(path, ROOT), part


def test_kubectl_takes_everything_that_is_shown():
    """As `kubectl apply` asks for it: unknown fields are faults."""
    shown = list(objects())
    assert len(shown) >= 30 and {part["kind"] for _, part in shown} >= set(CRDS) - {"TLSStore", "ServersTransportTCP"}
    for path, part in shown:
        crd = CRDS[part["kind"]]
        assert part["apiVersion"] == f'{crd["spec"]["group"]}/v1alpha1', path
        assert rules.validate(rules.schema_of(crd), part, strict=True) == [], f'{path}: {part["kind"]} {part["metadata"]["name"]}'


TRAEFIK = """
{kind: IngressRoute, spec: {entryPoints: [web], parentRefs: [{name: top}], routes: [{match: "Host(`a.test`)", kind: Rule, priority: 10,
  syntax: v3, observability: {accessLogs: false, metrics: true, tracing: false}, middlewares: [{name: m, namespace: n}],
  services: [{name: s, port: http, scheme: h2c, passHostHeader: true, weight: 1, nativeLB: true, nodePortLB: false, strategy: p2c,
  kind: Service, serversTransport: t, responseForwarding: {flushInterval: 1ms},
  sticky: {cookie: {name: c, secure: true, httpOnly: true, sameSite: none, maxAge: 3600, path: /, domain: a.test}},
  healthCheck: {path: /health, port: 8080, scheme: http, mode: http, method: GET, status: 200, interval: 10s, unhealthyInterval: 3,
  timeout: "5s", hostname: h, followRedirects: true, headers: {A: b}}, passiveHealthCheck: {failureWindow: 3s, maxFailedAttempts: 3}}]}],
  tls: {secretName: s, options: {name: o, namespace: n}, store: {name: default}, certResolver: r,
  domains: [{main: a.test, sans: [b.test]}]}}}
---
{kind: IngressRouteTCP, spec: {entryPoints: [t], routes: [{match: "HostSNI(`*`)", priority: 1, syntax: v3, middlewares: [{name: a}],
  services: [{name: s, port: 9000, weight: 1, terminationDelay: 400, tls: true, proxyProtocol: {version: 2}, nativeLB: true,
  nodePortLB: true, serversTransport: t}]}], tls: {secretName: s, passthrough: true, options: {name: o}, store: {name: default},
  certResolver: r, domains: [{main: a}]}}}
---
{kind: IngressRouteUDP, spec: {entryPoints: [u], routes: [{services: [{name: s, port: 53, weight: 1, nativeLB: true, nodePortLB: false}]}]}}
---
{kind: TraefikService, spec: {weighted: {services: [{name: a, weight: 1, port: 80}, {name: b, kind: TraefikService, weight: 3}],
  sticky: {cookie: {name: c}}}}}
---
{kind: TraefikService, spec: {mirroring: {name: a, port: 80, mirrorBody: true, maxBodySize: 1024,
  mirrors: [{name: b, port: 80, percent: 20}]}}}
---
{kind: Middleware, spec: {headers: {customRequestHeaders: {A: b, C: ""}, accessControlAllowMethods: [GET], accessControlMaxAge: 100,
  addVaryHeader: true, stsSeconds: 31536000, stsPreload: true, frameDeny: true, customFrameOptionsValue: SAMEORIGIN,
  contentSecurityPolicy: "default-src 'self'"}}}
---
{kind: Middleware, spec: {rateLimit: {average: 100, period: 1m, burst: 50,
  sourceCriterion: {ipStrategy: {depth: 2, excludedIPs: [10.0.0.1]}}}}}
---
{kind: Middleware, spec: {rateLimit: {average: 100, period: 60, burst: 50}}}
---
{kind: Middleware, spec: {plugin: {anything: {goes: [1, {here: true}]}}}}
---
{kind: Middleware, spec: {errors: {status: ["500-599", "404"], query: "/{status}.html", service: {name: e, port: 80}}}}
---
{kind: Middleware, spec: {compress: {}}}
---
{kind: Middleware, spec: {chain: {middlewares: [{name: a}, {name: b, namespace: c}]}}}
---
{kind: MiddlewareTCP, spec: {ipAllowList: {sourceRange: [127.0.0.1/32]}}}
---
{kind: TLSOption, spec: {minVersion: VersionTLS12, maxVersion: VersionTLS13, cipherSuites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384],
  curvePreferences: [X25519], alpnProtocols: [h2], sniStrict: true,
  clientAuth: {secretNames: [ca], clientAuthType: RequireAndVerifyClientCert}}}
---
{kind: TLSStore, spec: {defaultCertificate: {secretName: s}, certificates: [{secretName: t}],
  defaultGeneratedCert: {resolver: r, domain: {main: a, sans: [b]}}}}
---
{kind: ServersTransport, spec: {serverName: a, insecureSkipVerify: true, rootCAsSecrets: [a], rootCAs: [{secret: a}, {configMap: b}],
  certificatesSecrets: [c], maxIdleConnsPerHost: 7, disableHTTP2: true, peerCertURI: "spiffe://a", spiffe: {ids: [a], trustDomain: b},
  forwardingTimeouts: {dialTimeout: 30s, responseHeaderTimeout: 10, idleConnTimeout: "90s", readIdleTimeout: 1s, pingTimeout: 2s}}}
---
{kind: ServersTransportTCP, spec: {dialTimeout: 30s, dialKeepAlive: 15, terminationDelay: 100ms,
  tls: {serverName: a, rootCAs: [{secret: x}]}}}
"""


def test_what_traefik_takes_our_definitions_take():
    for part in yaml.load_all(TRAEFIK, Loader=rules.LOADER):
        part.update(apiVersion="traefik.io/v1alpha1", metadata={"name": "x", "namespace": "shop"})
        assert rules.validate(rules.schema_of(CRDS[part["kind"]]), part, strict=True) == [], part
