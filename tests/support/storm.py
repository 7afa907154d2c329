# SPDX-License-Identifier: Apache-2.0
"""storm: manifests that are broken in every way that a seed makes up, each with what a diagnosis of it must name."""

import base64
import random

import yaml

API = "traefik.io/v1alpha1"


def crd(kind, name, spec, namespace="storm"):
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def rule(number, **more):
    return {"match": f"Host(`bad{number}.example`)", "kind": "Rule", "services": [{"name": "backends", "port": 80}], **more}


def good(count, namespace="default"):
    """Routes good0.example and so on, that nothing broken may touch."""
    return [crd("IngressRoute", f"good{i}", {"routes": [{"match": f"Host(`good{i}.example`) && PathPrefix(`/`)", "kind": "Rule",
                                                         "services": [{"name": "backends", "port": 80}],
                                                         "middlewares": [{"name": "mark"}]}]}, namespace) for i in range(count)]


class Breaker:
    """Makes broken objects. one() gives (object or text, what is wrong): the latter is a word for messages of tests."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.ways = [getattr(self, name) for name in dir(self) if name.startswith("way_")]

    def one(self, number):
        way = self.ways[number % len(self.ways)]
        return way(f"bad{number}", number), way.__name__[4:]

    def junk(self):
        return self.rng.choice([7, -1, 1.5, True, "text", "", [], ["x"], {}, {"x": 1}, [[1]], "x" * 5000, 2 ** 62])

    # ------------------------------------------------------- routes and rules --

    def way_routes_of_a_wrong_type(self, name, n):
        return crd("IngressRoute", name, {"routes": self.rng.choice([7, "text", {"match": "x"}, [7], ["x"], [[]], True])})

    def way_match_of_a_wrong_type(self, name, n):
        return crd("IngressRoute", name, {"routes": [rule(n, match=self.rng.choice([7, [], {}, True, 1.5, ["Host(`a`)"]]))]})

    def way_unknown_field(self, name, n):
        typo = self.rng.choice(["middleware", "service", "priorty", "matches", "Match", "tls"])
        return crd("IngressRoute", name, {"routes": [rule(n, **{typo: self.junk()})]})

    def way_unknown_field_above(self, name, n):
        return crd("IngressRoute", name, {"routes": [rule(n)], self.rng.choice(["entrypoints", "route", "Tls", "parentRef"]): self.junk()})

    def way_bad_rule(self, name, n):
        bad = ["", "Host()", "Host(``)", "Hots(`a`)", "Host(`a`", "Host(`a`))", "Host(`a`) &&", "&& Host(`a`)", "Host('a')", "Path(`a`)",
               "PathRegexp(`(`)", "HostRegexp(`(?=a)`)", "ClientIP(`10.0.0.0/99`)", "Host(`a`) Path(`/b`)", "Query()", "Host(`\u00e4`)",
               "Method(`a`, `b`)", "HeaderRegexp(`a`, `[`)", "1", "Host(`a`) == Host(`b`)", "(" * 2000, "Host(`a`) && " * 300, "!" * 3000,
               "Host(`" + "a" * 5000 + "`", "PathRegexp(`" + "(a|b)" * 20 + "(`)", "Host(\"\\q\")"]
        return crd("IngressRoute", name, {"routes": [rule(n, match=self.rng.choice(bad))]})

    def way_priority_out_of_range(self, name, n):
        return crd("IngressRoute", name, {"routes": [rule(n, priority=self.rng.choice([2 ** 63 - 1, 2 ** 63, -2 ** 64, 1e300, "high"]))]})

    def way_service_of_a_wrong_type(self, name, n):
        return crd("IngressRoute", name, {"routes": [rule(n, services=self.rng.choice(["backends", 7, [7], [{}], [{"name": 7}],
            {"name": "x"}]))]})

    def way_missing_service(self, name, n):
        return crd("IngressRoute", name, {"routes": [rule(n, services=[{"name": self.rng.choice(["none", "backend", "x" * 300]),
            "port": 80}])]})

    def way_missing_port(self, name, n):
        return crd("IngressRoute", name, {"routes": [rule(n, services=[{"name": "backends", "port": self.rng.choice([81, "https", 0,
            70000, -1])}])]})

    def way_missing_middleware(self, name, n):
        return crd("IngressRoute", name, {"routes": [rule(n, middlewares=[{"name": self.rng.choice(["none", "Mark", "mark@file", "@",
            ""])}])]})

    def way_other_tenants_middleware(self, name, n):
        return crd("IngressRoute", name, {"routes": [rule(n, middlewares=[{"name": "mark", "namespace": "default"}])]})

    def way_other_tenants_service(self, name, n):
        return crd("IngressRoute", name, {"routes": [rule(n, services=[{"name": "backends", "port": 80, "namespace": "default"}])]})

    def way_bad_strategy(self, name, n):
        return crd("IngressRoute", name, {"routes": [rule(n, services=[{"name": "backends", "port": 80, "strategy": "best"}])]})

    def way_parent_of_nobody(self, name, n):
        return crd("IngressRoute", name, {"parentRefs": [{"name": "none"}], "routes": [rule(n)]})

    # -------------------------------------------------------------- middlewares --

    def way_two_types(self, name, n):
        return crd("Middleware", name, {"addPrefix": {"prefix": "/a"}, "compress": {}})

    def way_no_type(self, name, n):
        return crd("Middleware", name, {})

    def way_unknown_type(self, name, n):
        return crd("Middleware", name, {self.rng.choice(["ratelimit", "stripprefix", "header", "basicauth", "auth"]): {}})

    def way_bad_expression(self, name, n):
        bad = self.rng.choice(["(", "[", "a{2,1}", "(?<x", "\\", "(?=a)", "(a)\\1", "x" * 10 + "{1000}{1000}"])
        return crd("Middleware", name, self.rng.choice([{"redirectRegex": {"regex": bad, "replacement": "x"}},
                                                         {"replacePathRegex": {"regex": bad, "replacement": "x"}},
                                                         {"stripPrefixRegex": {"regex": [bad]}}]))

    def way_bad_range(self, name, n):
        bad = self.rng.choice(["10.0.0.0/33", "a", "", "::/200", "1.2.3", "10.0.0.0/8/8"])
        return crd("Middleware", name, {"ipAllowList": {"sourceRange": ["10.0.0.0/8", bad]}})

    def way_bad_duration(self, name, n):
        return crd("Middleware", name, {"rateLimit": {"average": 1, "period": self.rng.choice(["1x", "soon", "-", [], {"s": 1}])}})

    def way_middleware_junk(self, name, n):
        kind = self.rng.choice(["headers", "rateLimit", "basicAuth", "stripPrefix", "errors", "retry", "chain", "forwardAuth",
            "circuitBreaker"])
        return crd("Middleware", name, {kind: self.rng.choice([7, "text", [1], True, {"nonsense": self.junk()}])})

    def way_missing_secret(self, name, n):
        return crd("Middleware", name, {"basicAuth": {"secret": "none"}})

    def way_other_tenants_secret(self, name, n):
        return crd("Middleware", name, {"basicAuth": {"secret": "default/users"}})

    def way_bad_breaker(self, name, n):
        return crd("Middleware", name, {"circuitBreaker": {"expression": self.rng.choice(["", "x", "NetworkErrorRatio(",
            "NetworkErrorRatio() >", "!a"])}})

    def way_plugin(self, name, n):
        return crd("Middleware", name, {"plugin": {"x": {"deep": [{"y": 1}] * 50}}})

    def way_chain_of_itself(self, name, n):
        return crd("Middleware", name, {"chain": {"middlewares": [{"name": name}]}})

    def way_chain_of_nobody(self, name, n):
        return crd("Middleware", name, {"chain": {"middlewares": [{"name": "none"}]}})

    # ----------------------------------------------------------------- services --

    def way_service_of_itself(self, name, n):
        return crd("TraefikService", name, {"weighted": {"services": [{"name": name, "kind": "TraefikService"}]}})

    def way_service_of_nothing(self, name, n):
        return crd("TraefikService", name, self.rng.choice([{}, {"weighted": {"sticky": 1}}, {"mirroring": {"mirrors": []}},
            {"weighted": {"services": 7}}]))

    def way_bad_weight(self, name, n):
        return crd("TraefikService", name, {"weighted": {"services": [{"name": "backends", "port": 80, "weight": self.rng.choice([-1,
            "x", 2 ** 63, 1.5])}]}})

    def way_bad_cookie(self, name, n):
        return crd("TraefikService", name, {"weighted": {"services": [{"name": "backends", "port": 80}],
                                                          "sticky": {"cookie": {"sameSite": "maybe", "maxAge": "x"}}}})

    def way_bad_transport(self, name, n):
        return crd("ServersTransport", name, {"minVersion": "VersionTLS99", "maxIdleConnsPerHost": "x", "serverName": 7})

    def way_bad_tls_option(self, name, n):
        return crd("TLSOption", name, {"minVersion": "TLS9", "clientAuth": {"clientAuthType": "Maybe"}})

    # ------------------------------------------------------- not even an object --

    def way_cut_yaml(self, name, n):
        text = yaml.safe_dump(crd("IngressRoute", name, {"routes": [rule(n)]}))
        return text[:self.rng.randrange(text.index("spec") + 6, len(text) - 2)] + self.rng.choice(["\"", "[", "{a: ", "\n\t- x",
            "&a *b", "\x01"])

    def way_not_yaml(self, name, n):
        return self.rng.choice(["%", "{", "a: b: c", "\t", "- - -\n a", "!!python/object:os.system {}", "a: *nobody", "\x00\x01\x02",
                                base64.b64encode(self.rng.randbytes(300)).decode() + ": [", "'" * 101, "? ? ?\n: ["])

    def way_wrong_metadata(self, name, n):
        made = crd("IngressRoute", name, {"routes": [rule(n)]})
        made["metadata"] = self.rng.choice([7, [], "x", {"name": 7}, {"name": ["x"]}, {"namespace": "storm"}])
        return made

    def way_wrong_name(self, name, n):
        return crd("Middleware", self.rng.choice([name + "/../x", name + "\nx", name + "`) || Host(`x", "", name + "x" * 400]),
            {"addPrefix": {"prefix": 7}})

    def way_huge(self, name, n):
        return crd("Middleware", name, {"headers": {"customRequestHeaders": {f"X {i}": "v" * 100 for i in range(100)}}})
