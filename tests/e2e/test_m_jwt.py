# SPDX-License-Identifier: Apache-2.0
"""jwt over the wire: keys from Secrets and from a URL, claims to headers and to routes (RFC 7519, RFC 6750)."""

import base64
import hashlib
import hmac
import json
import subprocess
import time
import urllib.parse

import pytest
from conftest import BACKENDS, backend_service, middleware, route, run, secret
from teller import Teller, headers_of

SECRET = "0123456789abcdef0123456789abcdef"


def b64(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else data.encode()).rstrip(b"=").decode()


class Key:
    """An RSA or P-256 key that signs by openssl."""

    def __init__(self, folder, name, kind):
        self.name, self.kind, self.path = name, kind, str(folder / f"{name}.pem")
        option = ["rsa_keygen_bits:2048"] if kind == "RSA" else ["ec_paramgen_curve:P-256"]
        run("openssl", "genpkey", "-algorithm", kind, "-pkeyopt", *option, "-out", self.path)
        self.public = run("openssl", "pkey", "-in", self.path, "-pubout").stdout

    def jwk(self):
        if self.kind == "RSA":
            modulus = run("openssl", "rsa", "-in", self.path, "-noout", "-modulus").stdout.strip().partition("=")[2]
            return {"kty": "RSA", "kid": self.name, "use": "sig", "n": b64(bytes.fromhex(modulus)), "e": "AQAB"}
        der = subprocess.run(["openssl", "pkey", "-in", self.path, "-pubout", "-outform", "DER"], capture_output=True,
                             check=True).stdout
        return {"kty": "EC", "crv": "P-256", "kid": self.name, "x": b64(der[-64:-32]), "y": b64(der[-32:])}

    def sign(self, text):
        made = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.path], input=text, capture_output=True,
                              check=True).stdout
        if self.kind == "RSA":
            return made
        r_len = made[3]
        r, s = made[4:4 + r_len], made[6 + r_len:]
        return r.lstrip(b"\0").rjust(32, b"\0") + s.lstrip(b"\0").rjust(32, b"\0")

    def token(self, claims=None, **header):
        head = {"alg": "RS256" if self.kind == "RSA" else "ES256", "kid": self.name} | header
        text = f"{b64(json.dumps(head))}.{b64(json.dumps(fresh(claims)))}"
        return f"{text}.{b64(self.sign(text.encode()))}"


def fresh(claims):
    return {"sub": "ann", "iss": "https://issuer.test", "exp": int(time.time()) + 600} | (claims or {})


def shared_token(claims=None, key=SECRET, alg="HS256"):
    text = f"{b64(json.dumps({'alg': alg}))}.{b64(json.dumps(fresh(claims)))}"
    return f"{text}.{b64(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest())}"


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jwtkeys")
    return {name: Key(folder, name, kind) for name, kind in (("r1", "RSA"), ("e1", "EC"), ("e2", "EC"))}


@pytest.fixture
def echo(gateway, tmp_path):
    made = Teller(gateway.lab, str(tmp_path), "b", BACKENDS["b"], 9002)
    gateway.write("91-echo.yaml", *backend_service("echo", [BACKENDS["b"]], port=9002))
    yield made
    made.stop()


@pytest.fixture
def issuer(gateway, tmp_path):
    made = Teller(gateway.lab, str(tmp_path), "a", BACKENDS["a"], 9001)
    yield made
    made.stop()


def serve(gateway, conf, *more, options=()):
    rows = (middleware("m", "jwt", conf), *more, route("web", "Host(`x.test`)", service="echo", middlewares=("m",)))
    if gateway.process:
        gateway.update("10.yaml", *rows)
    else:
        gateway.write("10.yaml", *rows)
        gateway.start(*options)


def ask(gateway, token, *arguments, path="/", host="x.test"):
    bearer = ["-H", f"Authorization: Bearer {token}"] if token else []
    return gateway.get(host, path, *bearer, *arguments)


def test_tokens_of_secrets(gateway, keys, echo):
    serve(gateway, {"publicKeySecret": "public", "jwksSecret": "set", "signingSecret": "shared",
                    "issuers": ["https://issuer.test"], "headerField": "X-User", "removeToken": True, "realm": "shop",
                    "forwardHeaders": {"X-Roles": "realm.roles", "X-Mail": "mail"}},
          secret("public", {"key.pem": keys["r1"].public}), secret("shared", {"key": SECRET}),
          secret("set", {"jwks.json": json.dumps({"keys": [keys["e1"].jwk()]})}))
    for token in (keys["r1"].token(), keys["e1"].token(), shared_token()):
        assert ask(gateway, token)[0] == 200
    token = keys["r1"].token({"realm": {"roles": ["a", "b"]}})
    status, _, body = ask(gateway, token, "-H", "X-User: root", "-H", "X-Mail: x")
    got = headers_of(json.loads(body))
    assert got["x-user"] == ["ann"] and got["x-roles"] == ["a,b"]
    assert "x-mail" not in got and "authorization" not in got
    status, headers, body = ask(gateway, None)
    assert (status, body, headers["www-authenticate"]) == (401, "401 Unauthorized\n", ['Bearer realm="shop"'])
    good = keys["r1"].token()
    public_as_secret = shared_token(key=keys["r1"].public)
    bad = {
        "": "the token has not three parts",
        good[:-8] + "AAAAAAAA": "the signature is wrong",
        f"{good.split('.')[0]}.{b64(json.dumps(fresh({'sub': 'root'})))}.{good.split('.')[2]}": "the signature is wrong",
        b64('{"alg":"none"}') + "." + good.split(".")[1] + ".": "the algorithm is not known",
        public_as_secret: "the signature is wrong",
        keys["e2"].token(): "there is no key for it",
        keys["r1"].token({"exp": 5}): "the token has expired",
        keys["r1"].token({"nbf": time.time() + 120}): "the token is not valid yet",
        keys["r1"].token({"iss": "https://other.test"}): "the issuer is another one",
        keys["r1"].token(crit=["x"]): "the token needs an extension",
    }
    for token, reason in bad.items():
        status, headers, _ = ask(gateway, token or "x")
        assert status == 401, reason
        assert headers["www-authenticate"] == [f'Bearer realm="shop", error="invalid_token", error_description="{reason}"']
    raw = gateway.lab.run("gw", "curl", "-s", "http://127.0.0.1:9180/api/rawdata").stdout
    for place in (raw, gateway.log()):
        assert SECRET not in place and good.split(".")[2] not in place


def test_claims_decide(gateway, keys, echo):
    serve(gateway, {"signingSecret": "shared", "audiences": ["shop"], "algorithms": ["HS256"],
                    "requiredClaims": [{"claim": "scope", "contains": "write"}, {"claim": "team", "oneOf": ["a", "b"]}]},
          secret("shared", {"key": SECRET}))
    good = {"aud": ["x", "shop"], "scope": "read write", "team": "b"}
    assert ask(gateway, shared_token(good))[0] == 200
    for change in ({"scope": "read"}, {"team": "c"}, {"scope": None}):
        status, headers, body = ask(gateway, shared_token(good | change))
        assert (status, body) == (403, "403 Forbidden\n") and 'error="insufficient_scope"' in headers["www-authenticate"][0]
    assert ask(gateway, shared_token(good | {"aud": "other"}))[0] == 401


def test_tokens_in_cookies_and_queries(gateway, keys, echo):
    serve(gateway, {"signingSecret": "shared", "source": {"query": "access_token", "cookie": "token"}, "removeToken": True},
          secret("shared", {"key": SECRET}))
    token = shared_token()
    status, _, body = ask(gateway, None, path=f"/p?a=b&access_token={urllib.parse.quote(token)}")
    assert status == 200 and json.loads(body)["path"] == "/p?a=b"
    status, _, body = ask(gateway, None, "-H", f"Cookie: a=b; token={token}")
    assert status == 200 and headers_of(json.loads(body))["cookie"] == ["a=b"]
    assert ask(gateway, token)[0] == 401  # not where it is looked for


def url_of(issuer, *keys, **query):
    body = json.dumps({"keys": [key.jwk() for key in keys]})
    return f"{issuer.url}/keys?" + urllib.parse.urlencode({"body": body} | query)


def test_keys_are_fetched_once(gateway, keys, echo, issuer):
    serve(gateway, {"jwksURL": url_of(issuer, keys["r1"], keys["e1"], delay=0.3)})
    # all of them at once: one asks, the others wait for its answer
    tokens = [keys["r1"].token(), keys["e1"].token()] * 4
    command = " ".join(f"curl -s -o /dev/null -w '%{{http_code}} ' -H 'Host: x.test' -H 'Authorization: Bearer {t}' "
                       "http://10.77.1.1/ &" for t in tokens) + " wait"
    assert gateway.lab.run("client", "bash", "-c", command).stdout.split() == ["200"] * 8
    assert len(issuer.asked()) == 1
    assert ask(gateway, keys["e2"].token())[0] == 401 and issuer.asked() == []  # not asked again within a minute
    # updates of other things keep the keys
    gateway.update("20.yaml", route("other", "Host(`y.test`)"))
    issuer.stop()
    assert ask(gateway, keys["e1"].token())[0] == 200


def test_old_keys_serve_while_new_ones_cannot_be_had(gateway, keys, echo, issuer):
    serve(gateway, {"jwksURL": url_of(issuer, keys["r1"]), "jwksRefresh": "1s"})
    token = keys["r1"].token()
    assert ask(gateway, token)[0] == 200
    time.sleep(1.1)
    issuer.stop()
    assert ask(gateway, token)[0] == 200


def test_without_keys_nobody_passes(gateway, keys, echo, issuer):
    for url in (url_of(issuer, keys["r1"], status=500), f"{issuer.url}/keys?body=nonsense", f"{issuer.url}/keys?size=2000000",
                "http://10.77.2.11:9/keys", f"{issuer.url}/keys?cut"):
        serve(gateway, {"jwksURL": url})
        assert ask(gateway, keys["r1"].token())[0] == 503
    assert echo.asked() == []


def test_claims_reach_the_rules_of_routes_below(gateway, keys, echo):
    """The parent's jwt makes headers; its children are matched by them (reference a.1, multi-layer routing)."""
    def layer(name, spec):
        return {"apiVersion": "traefik.io/v1alpha1", "kind": "IngressRoute",
                "metadata": {"name": name, "namespace": "default"}, "spec": spec}

    def child(name, match, service):
        return layer(name, {"parentRefs": [{"name": "parent"}], "routes": [
            {"match": match, "kind": "Rule", "services": [{"name": service, "port": 80}]}]})

    parent = layer("parent", {"entryPoints": ["web"], "routes": [
        {"match": "Host(`x.test`)", "kind": "Rule", "middlewares": [{"name": "m"}]}]})

    gateway.write("10.yaml", secret("shared", {"key": SECRET}),
                  middleware("m", "jwt", {"signingSecret": "shared", "forwardHeaders": {"X-Plan": "plan"}}), parent,
                  child("gold", "Header(`X-Plan`, `gold`)", "echo"), child("rest", "PathPrefix(`/`)", "a"))
    gateway.start()
    assert "backend=a" in ask(gateway, shared_token({"plan": "tin"}))[2]
    assert json.loads(ask(gateway, shared_token({"plan": "gold"}))[2])["method"] == "GET"
    assert "backend=a" in ask(gateway, shared_token({"plan": "tin"}), "-H", "X-Plan: gold")[2]
    assert ask(gateway, None, "-H", "X-Plan: gold")[0] == 401


def test_faults_are_told(gateway, keys):
    gateway.write("10.yaml", middleware("m", "jwt", {"signingSecret": "short", "algorithms": ["HS256"]}),
                  secret("short", {"key": "short"}), middleware("other", "jwt", {"issuers": ["x"]}))
    out = gateway.command("check", f"--manifests={gateway.manifests}", "--entryPoints.web.address=:80").stdout
    assert "spec.jwt.signingSecret" in out and "shorter than 32 bytes" in out
    assert "there is no key to check tokens with" in out
