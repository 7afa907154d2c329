# SPDX-License-Identifier: Apache-2.0
"""agree: makes a world of manifests and requests from a seed, for asking `explain` and the data plane the same things.

Everything in it is decided by the request alone: nothing counts, waits for others or depends on the hour. Each route
begins with a middleware that writes its name into X-Route, each server writes its own into X-Backend, so an answer tells
which way its request went.
"""

import hashlib
import json
import random

PORTED = ("web", "trusted", "raw", "strict", "model", "secure", "redirect")
OPTIONS = (
    "--entryPoints.trusted.forwardedHeaders.trustedIPs=127.0.1.0/24",
    "--entryPoints.raw.http.sanitizePath=false",
    "--entryPoints.raw.http.encodeQuerySemicolons=true",
    "--entryPoints.raw.http.underscoreHeadersStrategy=keep",
    "--entryPoints.strict.http.underscoreHeadersStrategy=reject",
    *(f"--entryPoints.strict.http.encodedCharacters.allowEncoded{name}=false" for name in
      ("Slash", "BackSlash", "NullCharacter", "Semicolon", "Percent", "QuestionMark", "Hash")),
    "--entryPoints.model.http.middlewares=default-model@kubernetescrd",
    "--entryPoints.model.http.encodedCharacters.allowEncodedSlash=false",
    "--entryPoints.secure.http.tls=true",
    "--entryPoints.redirect.http.redirections.entryPoint.to=:8443",
    "--entryPoints.web.asDefault=true", "--entryPoints.trusted.asDefault=true", "--entryPoints.raw.asDefault=true",
    "--entryPoints.strict.asDefault=true", "--entryPoints.model.asDefault=true", "--entryPoints.secure.asDefault=true",
    "--entryPoints.six.asDefault=true",
    "--providers.kubernetesCRD.allowEmptyServices=true", "--providers.kubernetesCRD.allowCrossNamespace=true",
)
SERVERS = 8
HOSTS = ["a.example", "b.example", "www.a.example", "x.y.example", "c.test", "shop.c.test", "secure.example", "xn--9ca.example"]
SEGMENTS = ["a", "b", "api", "v1", "foo bar", "x%2Fy", "é", "42", "admin", "a.b", "~u", "p%25q", "A"]
METHODS = ["GET", "GET", "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "get", "PURGE"]


def hash_of(match):
    return hashlib.sha256(match.encode()).hexdigest()[:20]


def crd(kind, name, spec, namespace="default"):
    return {"apiVersion": "traefik.io/v1alpha1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def quoted(text):
    return f"`{text}`" if "`" not in text else json.dumps(text)


# ----------------------------------------------------------------------- rules --

class Rules:
    """Rules of both syntaxes over the few names that requests use, so that they match often."""

    def __init__(self, rng):
        self.rng = rng

    def path(self, most=3):
        return "/" + "/".join(self.rng.choice(SEGMENTS) for _ in range(self.rng.randrange(most + 1) or self.rng.choice((0, 1, 1, 1))))

    def anchor(self):
        """What only some requests meet, so that no route takes everything."""
        host = f"Host(`{self.rng.choice(HOSTS)}`)"
        return self.rng.choice((host, host, f"PathPrefix({quoted('/' + self.rng.choice(SEGMENTS))})",
            f"{host} && PathPrefix({quoted(self.path(1))})"))

    def anchored(self):
        if self.rng.random() < 0.04:
            return self.rule()
        return self.anchor() if self.rng.random() < 0.2 else f"{self.anchor()} && {self.rule(1)}"

    def leaf(self):
        pick = self.rng.choice
        host = pick(HOSTS)
        return pick([
            lambda: f"Host(`{host}`)", lambda: f"Host(`{host.upper()}`)", lambda: f"Host(`{host}.`)",
            lambda: f"Host(`*.{host.split('.', 1)[1]}`)", lambda: pick(["Host(`*`)", "host(`127.0.0.1`)", "HOST(`::1`)"]),
            lambda: pick(["HostRegexp(`^[a-z]+\\.example$`)", "HostRegexp(`\\.test$`)", "HostRegexp(`^(a|b)\\.`)", "HostRegexp(`xampl`)"]),
            lambda: f"Path({quoted(self.path())})", lambda: f"PathPrefix({quoted(self.path())})",
            lambda: f"PathPrefix({quoted(self.path(1))})",
            lambda: pick(["PathRegexp(`^/[a-z]+$`)", "PathRegexp(`/[0-9]+`)", "PathRegexp(`(?i)^/API`)", "PathRegexp(`%2F`)",
                "PathRegexp(`b/?$`)"]),
            lambda: f"Method(`{pick(METHODS)}`)",
            lambda: pick(["Header(`X-Kind`, `gold`)", "Header(`x-kind`, `silver`)", "Header(`X-Two`, `b`)", "Header(`foo_bar`, `1`)"]),
            lambda: pick(["HeaderRegexp(`X-Kind`, `^g`)", "HeaderRegexp(`Cookie`, `s=`)", "HeaderRegexp(`X-Forwarded-Proto`, `https?`)",
                          "HeaderRegexp(`X-Real-Ip`, `^9`)"]),
            lambda: pick(["Query(`k`)", "Query(`k`, `v`)", "Query(`k`, `v w`)", "Query(`q`, `1;k=v`)", "Query(`é`, `ü`)"]),
            lambda: pick(["QueryRegexp(`k`, `^v`)", "QueryRegexp(`q`)", "QueryRegexp(`k`, `[;&]`)"]),
            lambda: pick(["ClientIP(`127.0.0.1`)", "ClientIP(`127.0.1.0/24`)", "ClientIP(`::1/128`)", "ClientIP(`::ffff:127.0.0.2`)"]),
        ])()

    def rule(self, depth=2):
        way = self.rng.random()
        if depth == 0 or way < 0.2:
            return self.leaf()
        if way < 0.34:
            return "!" + (self.leaf() if self.rng.random() < 0.5 else f"({self.rule(depth - 1)})")
        if way < 0.88:
            return f"{self.rule(depth - 1)} && {self.rule(depth - 1)}"
        return f"({self.rule(depth - 1)} || {self.rule(depth - 1)})"

    def leaf_v2(self):
        pick = self.rng.choice
        return pick([
            lambda: f"Host(`{pick(HOSTS)}`, `{pick(HOSTS)}`)", lambda: f"HostHeader(`{pick(HOSTS)}`)",
            lambda: pick(["HostRegexp(`{sub:[a-z]+}.example`)", "HostRegexp(`c.test`, `{any:.+}.c.test`)"]),
            lambda: pick(["Path(`/a/{id:[0-9]+}`)", "Path(`/{x}`, `/b`)", f"Path({quoted(self.path(1))})"]),
            lambda: pick(["PathPrefix(`/api/{v}`)", "PathPrefix(`/b`, `/v1`)", "PathPrefix(`/{n:[0-9]+}`)"]),
            lambda: "Method(`GET`, `POST`)", lambda: "Headers(`X-Kind`, `gold`)", lambda: "HeadersRegexp(`X-Kind`, `^s`)",
            lambda: pick(["Query(`k=v`)", "Query(`k={x:[a-z]+}`)", "Query(`k=v`, `q=1`)"]),
            lambda: "ClientIP(`127.0.0.0/24`, `::1`)",
        ])()

    def rule_v2(self):
        leaves = [self.leaf_v2() for _ in range(self.rng.choice((2, 2, 3)))]
        return self.rng.choice((" && ", " && ", " && ", " || ")).join(("!" if self.rng.random() < 0.1 else "") + leaf for leaf in leaves)


# ----------------------------------------------------------------- middlewares --

MIDDLEWARES = {
    "add": ("addPrefix", {"prefix": "/api"}), "add2": ("addPrefix", {"prefix": "/a/../x y"}),
    "strip": ("stripPrefix", {"prefixes": ["/a", "/api", "/foo bar"]}),
    "force": ("stripPrefix", {"prefixes": ["/b/"], "forceSlash": True}),
    "stripre": ("stripPrefixRegex", {"regex": ["/[a-z]+/", "/[0-9]+"]}),
    "replace": ("replacePath", {"path": "/new%20path"}), "replacebad": ("replacePath", {"path": "/bad%zz"}),
    "replacere": ("replacePathRegex", {"regex": "^/a/(.*)", "replacement": "/$1/z"}),
    "replacere2": ("replacePathRegex", {"regex": "b", "replacement": "../.."}),
    "chain": ("chain", {"middlewares": [{"name": "strip"}, {"name": "allow"}]}),
    "allow": ("ipAllowList", {"sourceRange": ["127.0.0.0/30", "::1"]}),
    "depth": ("ipAllowList", {"sourceRange": ["9.9.9.0/24"], "ipStrategy": {"depth": 2}, "rejectStatusCode": 404}),
    "except": ("ipAllowList", {"sourceRange": ["9.9.9.9"], "ipStrategy": {"excludedIPs": ["8.8.8.8", "127.0.0.0/8"]}}),
    "white": ("ipWhiteList", {"sourceRange": ["127.0.0.1", "127.0.1.0/24"]}),
    "custom": ("headers", {"customRequestHeaders": {"X-Kind": "gold", "Host": "a.example", "Cookie": ""}}),
    "cors": ("headers", {"accessControlAllowOriginList": ["https://o.example"], "accessControlAllowMethods": ["GET"]}),
    "hosts": ("headers", {"allowedHosts": ["a.example", "c.test"], "hostsProxyHeaders": ["X-Forwarded-Host"]}),
    "encoded": ("encodedCharacters", {"allowEncodedSlash": True, "allowEncodedPercent": True}),
    "encoded0": ("encodedCharacters", {}),
    "scheme": ("redirectScheme", {"scheme": "https"}),
    "scheme2": ("redirectScheme", {"scheme": "https", "port": "8443", "permanent": True}),
    "tohttp": ("redirectScheme", {"scheme": "http"}),
    "regex": ("redirectRegex", {"regex": "^https?://([^/]+)/a(.*)", "replacement": "https://${1}/moved$2"}),
    "regex2": ("redirectRegex", {"regex": "/v1/", "replacement": "/v2/", "permanent": True}),
    "basic": ("basicAuth", {"secret": "users", "removeHeader": True}), "digest": ("digestAuth", {"secret": "digests"}),
    "full": ("inFlightReq", {"amount": 0}), "roomy": ("inFlightReq", {"amount": 100000}),
    "type": ("contentType", {}), "retry": ("retry", {"attempts": 2}), "compress": ("compress", {}),
    "breaker": ("circuitBreaker", {"expression": "NetworkErrorRatio() > 0.999"}), "buffer": ("buffering", {"maxRequestBodyBytes": 1000}),
    "grpcweb": ("grpcWeb", {"allowOrigins": ["*"]}), "cert": ("passTLSClientCert", {"pem": True}),
    "unlimited": ("rateLimit", {"average": 0}), "errors": ("errors", {"status": ["500-599"], "query": "/a", "service": {"name": "s0",
        "port": 80}}),
    "deny": ("deny", {"cidrs": ["127.0.0.3/32"], "statusCode": 451}), "timeouts": ("timeouts", {"request": "30s"}),
    "id": ("requestId", {}), "broken": ("redirectRegex", {"regex": "(", "replacement": "x"}),
}


def middlewares():
    made = [crd("Middleware", name, {kind: conf}) for name, (kind, conf) in MIDDLEWARES.items()]
    made.append(crd("Middleware", "model", {"headers": {"customRequestHeaders": {"X-Two": "b"}}}))
    for name, text in (("users", "u:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="), ("digests", "u:traefik:0123456789abcdef0123456789abcdef")):
        made.append({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": name, "namespace": "default"},
                     "stringData": {"users": text}})
    return made


# -------------------------------------------------------------------- services --

def k8s_service(name, ports):
    """A Service, and an EndpointSlice for each port on loopback."""
    return [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"}, "spec": {"ports": [{"port": 80}]}},
            *({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
               "metadata": {"name": f"{name}-{port}", "namespace": "default", "labels": {"kubernetes.io/service-name": name}},
               "addressType": "IPv4", "ports": [{"port": port}], "endpoints": [{"addresses": ["127.0.0.1"]}]} for port in ports)]


def plain(number, **more):
    return {"name": f"s{number}", "port": 80, **more}


def composed(name):
    return {"name": name, "kind": "TraefikService"}


# name -> (spec of the TraefikService, servers that may answer)
COMPOSITES = {
    "weighted": ({"weighted": {"services": [plain(0, weight=3), plain(1)]}}, {0, 1}),
    "nested": ({"weighted": {"services": [composed("weighted"), plain(2)], "sticky": {"cookie": {"name": "s"}}}}, {0, 1, 2}),
    "mirror": ({"mirroring": {**plain(3), "mirrors": [{**plain(4), "percent": 50}]}}, {3}),
    "failover": ({"failover": {"service": plain(5), "fallback": plain(6), "errors": {"status": ["500-599"]}}}, {5}),
    "hrw": ({"highestRandomWeight": {"services": [plain(1), plain(2)]}}, {1, 2}),
    "nothing": ({"weighted": {"services": [plain(0, weight=0)]}}, set()),
}


def services(ports):
    made = k8s_service("none", [])
    for number, port in enumerate(ports):
        made += k8s_service(f"s{number}", [port])
    made += k8s_service("pair", ports[6:8])
    return made + [crd("TraefikService", name, spec) for name, (spec, _) in COMPOSITES.items()]


def target(rng):
    """(services of a route, servers that may answer)."""
    way = rng.random()
    if way < 0.5:
        number = rng.randrange(SERVERS)
        return [plain(number)], {number}
    if way < 0.6:
        strategy = rng.choice(("wrr", "p2c", "hrw", "leasttime", "RoundRobin"))
        return [{"name": "pair", "port": 80, "strategy": strategy, "sticky": {"cookie": {"name": "s"}}}], {6, 7}
    if way < 0.65:
        return [{"name": "none", "port": 80}], set()
    if way < 0.7:
        return [plain(1, weight=2), plain(2)], {1, 2}
    if way < 0.75:
        return [plain(3, middlewares=[{"name": rng.choice(("allow", "custom", "add", "encoded0"))}])], {3}
    if way < 0.76:
        return [{"name": "noop@internal", "kind": "TraefikService"}], set()
    name = rng.choice(list(COMPOSITES))
    return [composed(name)], COMPOSITES[name][1]


# ---------------------------------------------------------------------- routes --

class World:
    """objects: the manifests. servers: X-Route -> numbers of the servers that may answer."""

    def __init__(self, seed, ports, routes=220):
        self.rng = random.Random(seed)
        self.rules = Rules(self.rng)
        self.objects = middlewares() + services(ports)
        self.objects += [crd("TLSOption", "modern", {"minVersion": "VersionTLS13"}),
                         crd("TLSOption", "wrong", {"cipherSuites": ["NO_SUCH"]})]
        self.servers = {}
        for number in range(routes):
            self._route(f"r{number}")
        for number in range(routes // 20):
            self._layers(f"p{number}")
        for number in range(routes // 10):
            self._ingress(f"i{number}")

    def _tag(self, label, header="X-Route"):
        """The first middleware of a route: what it answers, or lets through, is marked."""
        name = "tag-" + hashlib.sha256(label.encode()).hexdigest()[:12]
        self.objects.append(crd("Middleware", name, {"headers": {"customResponseHeaders": {header: label}}}))
        return name

    def _chain(self):
        some = self.rng.sample(list(MIDDLEWARES), self.rng.choice((0, 0, 1, 1, 2, 3)))
        return [name for name in some if name != "broken" or self.rng.random() < 0.3]

    def _rule(self, name, chain=None):
        """One route of an IngressRoute."""
        old = self.rng.random() < 0.15
        match = self.rules.rule_v2() if old else self.rules.anchored()
        label = f"IngressRoute/default/{name}#{hash_of(match)}"
        services_, servers = target(self.rng)
        rule = {"match": match, "kind": "Rule", "services": services_,
                "middlewares": [{"name": n} for n in [self._tag(label), *(self._chain() if chain is None else chain)]]}
        if old:
            rule["syntax"] = "v2"
        if self.rng.random() < 0.2:
            rule["priority"] = self.rng.choice((-5, 1, 20, 30, 1000))
        self.servers[label] = servers
        return rule

    def _route(self, name):
        spec = {"routes": [self._rule(name) for _ in range(self.rng.choice((1, 1, 1, 2)))]}
        if len({rule["match"] for rule in spec["routes"]}) < len(spec["routes"]):
            del spec["routes"][1:]
        if self.rng.random() < 0.4:
            spec["entryPoints"] = self.rng.sample((*PORTED, "six"), self.rng.choice((1, 2, 3)))
        if self.rng.random() < 0.3:
            spec["tls"] = {}
            host = self.rng.choice(HOSTS)
            option = "modern" if host == "secure.example" else "wrong" if host == "x.y.example" else None
            if option and self.rng.random() < 0.7:
                spec["routes"][0].update(match=f"Host(`{host}`)")
                spec["routes"][0].pop("syntax", None)
                label = f"IngressRoute/default/{name}#{hash_of(spec['routes'][0]['match'])}"
                spec["routes"] = spec["routes"][:1]
                spec["routes"][0]["middlewares"][0] = {"name": self._tag(label)}
                spec["routes"][0]["services"], self.servers[label] = target(self.rng)
                spec["tls"]["options"] = {"name": option}
        self.objects.append(crd("IngressRoute", name, spec))

    def _layers(self, name):
        """A parent, and children that see what its middlewares have made of the request."""
        host = self.rng.choice(HOSTS)
        middle = [self._tag(name, "X-Parent"), *self.rng.sample(("strip", "add", "custom", "replacere", "allow"), 1)]
        self.objects.append(crd("IngressRoute", name, {"routes": [
            {"match": f"Host(`{host}`) && PathPrefix(`{self.rules.path(1)}`)", "kind": "Rule", "priority": self.rng.choice((15, 40, 60)),
             "middlewares": [{"name": n} for n in middle]}]}))
        for child in range(2):
            self.objects.append(crd("IngressRoute", f"{name}-{child}", {"parentRefs": [{"name": name}],
                                                                        "routes": [self._rule(f"{name}-{child}")]}))

    def _ingress(self, name):
        label = f"Ingress/default/{name}"
        number = self.rng.randrange(SERVERS)
        self.servers[label] = {number}
        path = {"path": self.rules.path(2), "pathType": self.rng.choice(("Exact", "Prefix", "ImplementationSpecific")),
                "backend": {"service": {"name": f"s{number}", "port": {"number": 80}}}}
        rule = {"http": {"paths": [path]}}
        if self.rng.random() < 0.7:
            rule["host"] = self.rng.choice((*HOSTS[:6], "*.example"))
        used = ",".join(f"default-{n}@kubernetescrd" for n in [self._tag(label), *self._chain()[:1]])
        self.objects.append({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
                             "metadata": {"name": name, "namespace": "default", "annotations": {
                                 "traefik.ingress.kubernetes.io/router.middlewares": used}},
                             "spec": {"rules": [rule]}})

    # -------------------------------------------------------------- requests --

    def _target(self):
        rng = self.rng
        odd = ["..", ".", "", "%2e%2e", "%2E", "..;", "a;b=c", "%2f", "%5c", "%00", "%3b", "%25", "%3F", "%23", "%zz", "%4", "%41%7e",
               "%c3%a9", "foo%20bar", "x%2fy", "\\", "\"", "<", "{", "#f", "a b", "%20", "a'b", "|", "^", "*", "@", ":", "+", "%2B", "ä"]
        parts = [rng.choice(odd) if rng.random() < 0.12 else rng.choice(SEGMENTS).replace(" ", "%20").replace("é", "%C3%A9")
                 for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 5)))]
        path = "/" + "/".join(parts) + ("/" if rng.random() < 0.1 else "")
        query = ["k", "k=", "k=v", "k=v+w", "k=v%20w", "q=1;k=v", "q=1", "%C3%A9=%C3%BC", "k=%zz", "a=b&k=v", "&&", "k=v&k=", "K=v",
            "q?x", "=", ";"]
        return path + ("?" + rng.choice(query) if rng.random() < 0.3 else "?" if rng.random() < 0.02 else "")

    def _host(self):
        rng = self.rng
        host = rng.choice(HOSTS)
        return rng.choice([host] * 40 + [host.upper(), host + ".", host + ":8080", host + ".:80", host.title() + ":443", "127.0.0.1",
                                         "[::1]", "[::1]:99", "other.name", host + "..", " " + host + " ", host + ":", host + ":x", "[::1",
                                         "a/b", "a b", "u@" + host, "a%41", "é.example", host + ":99999", ""])

    def _headers(self):
        rng, made = self.rng, []
        odd = [("X-Kind", "gold"), ("x-kind", "silver"), ("X-Two", "a"), ("X-Two", "b"), ("foo_bar", "1"), ("X_Real_Ip", "9.9.9.9"),
               ("X-Forwarded-For", "9.9.9.9"), ("X-Forwarded-For", "9.9.9.9, 8.8.8.8"), ("X-Forwarded-For", "garbage,"),
               ("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "wss"), ("X-Forwarded-Host", "c.test"), ("X-Forwarded-Port", "99"),
               ("X-Real-Ip", "9.9.9.9"), ("X-Forwarded-Prefix", "/p"), ("Forwarded", "for=1.1.1.1"), ("Connection", "X-Kind, X-Real-Ip"),
               ("Connection", "keep-alive"), ("TE", "trailers"), ("Cookie", "s=x"), ("Cookie", "a=b; s=0123456789abcdef"),
               ("Authorization", "Basic dTpwYXNz"), ("Authorization", "Basic dTpzZWNyZXQ="), ("Authorization", "Basic !!"),
               ("Authorization", "Digest username=\"u\""), ("Origin", "https://o.example"), ("Access-Control-Request-Method", "GET"),
               ("Accept-Encoding", "gzip"), ("Content-Type", "application/grpc-web"), ("X-Odd", "t\tab"), ("X-Odd", ""), ("X-Odd", "é"),
               ("Bad Name", "1"), ("X-Bad", "a\x01b"), ("", "x"), ("X(y", "1"), ("Content-Length", "x"), ("Content-Length", "-1"),
               ("Transfer-Encoding", "identity"), ("Upgrade", "h2c"), ("X-Original-Url", "/admin"), ("X-Rewrite-Url", "/admin")]
        bad = odd.index(("Bad Name", "1"))
        for _ in range(rng.choice((0, 0, 1, 1, 2, 4))):
            made.append(rng.choice(odd if rng.random() < 0.05 else odd[:bad]))
        if rng.random() < 0.04:
            made += [("Origin", "https://o.example"), ("Access-Control-Request-Method", "GET")]
        return made

    def request(self, number):
        """One, as `explain` reads it, with where it is sent under "wire"."""
        rng = self.rng
        entry = rng.choice((*PORTED, "web", "web", "trusted", "secure", "six"))
        tls = entry == "secure" and rng.random() < 0.9 or rng.random() < 0.1
        source = "::1" if entry == "six" else rng.choice(("127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.1.7", "127.9.9.9"))
        host = self._host()
        sni = rng.choice([h for h in HOSTS if h != "xn--9ca.example"])
        if tls and rng.random() < 0.7:
            host = sni
        headers = [("Host", host), *self._headers()]
        rng.shuffle(headers)
        if rng.random() < 0.01:
            headers.append(("Host", host))
        method = rng.choice(METHODS) if rng.random() < 0.98 else rng.choice(("CONNECT", "G(T", "TRACE", "M" * 40, "GET "))
        scheme = "https" if tls else "http"
        return {"id": str(number), "method": method, "url": f"{scheme}://{sni}{self._target()}", "headers": [list(h) for h in headers],
                "remote_addr": source, "entryPoint": entry, "wire": (entry, source, sni if tls else None)}


def head_of(request):
    """The bytes that `explain` says it was asked about."""
    url = request["url"]
    target_ = url[url.index("/", url.index("//") + 2):]
    text = f"{request['method']} {target_} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in request["headers"]) + "\r\n"
    return text.encode()


def difference(world, request, said, got):
    """What explain said against what came; "" when they agree. got: None, or (status, {name: value})."""
    if said["action"] == "drop" or got is None:
        return "" if said["action"] == "drop" and got is None else f"{said['action']} against {'nothing' if got is None else got[0]}"
    status, headers = got
    route = headers.get("x-route")
    label = said["object"]
    if label and label.startswith("IngressRoute"):
        label += "#" + hash_of(said["rule"])
    if said["action"] == "forward":
        server = headers.get("x-backend")
        if server is None or int(server) not in world.servers[label]:
            return f"forwarded to one of {sorted(world.servers[label])} against {server or status}"
    elif "x-backend" in headers and status == 200:  # error pages come from a server, too
        return f"{said['status']} against an answer of server {headers['x-backend']}"
    elif status != said["status"]:
        return f"{said['status']} against {status}"
    if route is not None and route != label:
        return f"router {label} against {route}"
    if said["action"] == "forward" and route is None:
        return f"router {label} against none"
    if said.get("location") is not None and said["location"] != headers.get("location"):
        return f"location {said['location']} against {headers.get('location')}"
    return ""
