# SPDX-License-Identifier: Apache-2.0
"""digestAuth and apiKey over the wire (reference c.7, a.4)."""

import hashlib
import re

from conftest import GATEWAY, middleware, route, secret


def ha1(user, password, realm="traefik"):
    return f"{user}:{realm}:" + hashlib.md5(f"{user}:{realm}:{password}".encode()).hexdigest()


def serve(gateway, kind, conf, *more, before=()):
    gateway.write("10.yaml", middleware("m", kind, conf), *more, route("web", "Host(`x.test`)", middlewares=(*before, "m")))
    gateway.start()


def digest(gateway, path, user, *arguments):
    """Status and body of curl's second answer, after the challenge."""
    out = gateway.lab.run("client", "curl", "-s", "--max-time", "10", "--path-as-is", "-H", "Host: x.test", "--digest",
                          "-u", user, "-w", "\n%{http_code}", *arguments, f"http://{GATEWAY}{path}", check=False).stdout
    body, _, status = out.rpartition("\n")
    return int(status), body


def test_curl_signs_in_by_digest(gateway):
    serve(gateway, "digestAuth", {"secret": "users", "headerField": "X-User", "removeHeader": True},
          secret("users", {"users": ha1("ann", "se:cret") + "\n" + ha1("böb", 'pa"ss') + "\n"}))
    status, headers, body = gateway.get("x.test")
    assert (status, body) == (401, "401 Unauthorized\n") and headers["content-type"] == ["text/plain"]
    assert re.fullmatch(r'Digest realm="traefik", nonce="[0-9a-f]+", opaque="[0-9a-f]+", algorithm=MD5, qop="auth"',
                        headers["www-authenticate"][0])
    for path in ("/", "/a/b?c=d&e", "/a%20b", "/a,b=c"):
        assert digest(gateway, path, "ann:se:cret")[0] == 200, path
    assert digest(gateway, "/", 'böb:pa"ss')[0] == 200
    assert digest(gateway, "/", "ann:wrong")[0] == 401
    assert digest(gateway, "/", "eve:se:cret")[0] == 401
    assert gateway.get("x.test", "/", "-u", "ann:se:cret")[0] == 401
    assert digest(gateway, "/", "ann:se:cret", "-X", "POST", "-d", "x=y")[0] == 200


def answer_to(challenge, user, password, method, uri, nc):
    def md5(text):
        return hashlib.md5(text.encode()).hexdigest()

    got = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
    response = md5(f"{md5(f'{user}:traefik:{password}')}:{got['nonce']}:{nc}:cn:auth:{md5(f'{method}:{uri}')}")
    return ["-H", f'Authorization: Digest username="{user}", realm="traefik", nonce="{got["nonce"]}", uri="{uri}", '
                  f'qop=auth, nc={nc}, cnonce="cn", response="{response}", opaque="{got["opaque"]}", algorithm=MD5']


def test_counts_are_used_once_and_survive_updates(gateway):
    users = secret("users", {"users": ha1("ann", "secret")})
    serve(gateway, "digestAuth", {"secret": "users"}, users)
    challenge = gateway.get("x.test")[1]["www-authenticate"][0]
    first = answer_to(challenge, "ann", "secret", "GET", "/p", "00000001")
    assert gateway.get("x.test", "/p", *first)[0] == 200
    status, headers, _ = gateway.get("x.test", "/p", *first)
    assert status == 401 and headers["www-authenticate"][0].endswith(", stale=true")
    # c.7: a prefix of the path is enough
    assert gateway.get("x.test", "/p/q", *answer_to(challenge, "ann", "secret", "GET", "/p", "00000002"))[0] == 200
    assert gateway.get("x.test", "/q", *answer_to(challenge, "ann", "secret", "GET", "/p", "00000003"))[0] == 401
    # an update of something else keeps the nonce and its count
    gateway.update("20.yaml", route("other", "Host(`y.test`)"))
    assert gateway.get("x.test", "/p", *answer_to(challenge, "ann", "secret", "GET", "/p", "00000002"))[0] == 401
    assert gateway.get("x.test", "/p", *answer_to(challenge, "ann", "secret", "GET", "/p", "00000004"))[0] == 200
    # another password ends it
    gateway.update("10.yaml", middleware("m", "digestAuth", {"secret": "users"}),
                   secret("users", {"users": ha1("ann", "other")}), route("web", "Host(`x.test`)", middlewares=("m",)))
    assert gateway.get("x.test", "/p", *answer_to(challenge, "ann", "secret", "GET", "/p", "00000005"))[0] == 401


def test_the_uri_is_what_the_client_sent(gateway):
    serve(gateway, "digestAuth", {"secret": "users"}, secret("users", {"users": ha1("ann", "secret")}),
          middleware("strip", "stripPrefix", {"prefixes": ["/api"]}), before=("strip",))
    status, body = digest(gateway, "/api/p?x=1", "ann:secret")
    assert status == 200 and "uri=/p?x=1 " in body


def test_secrets_of_digest_fail_closed_and_stay_hidden(gateway):
    line = ha1("ann", "secret")
    serve(gateway, "digestAuth", {"secret": "users"}, secret("users", {"users": "# comment\n" + line}))
    assert digest(gateway, "/", "ann:secret")[0] == 404  # the router is disabled: a.4
    gateway.update("10.yaml", middleware("m", "digestAuth", {"secret": "users"}), secret("users", {"users": line}),
                   route("web", "Host(`x.test`)", middlewares=("m",)))
    assert digest(gateway, "/", "ann:secret")[0] == 200
    raw = gateway.lab.run("gw", "curl", "-s", "http://127.0.0.1:9180/api/rawdata").stdout
    assert "digestAuth" in raw
    for place in (raw, gateway.log()):
        assert line.rsplit(":", 1)[1] not in place


def test_api_keys(gateway):
    hashed = "sha256:" + hashlib.sha256(b"bobs-long-key").hexdigest()
    serve(gateway, "apiKey", {"secret": "keys", "removeKey": True, "headerField": "X-User",
                              "source": {"header": "X-Key", "query": "key", "cookie": "key"}},
          secret("keys", {"ann": "anns-long-key\n", "bob": hashed}))
    status, headers, body = gateway.get("x.test")
    assert (status, body, headers["www-authenticate"]) == (401, "401 Unauthorized\n", ['ApiKey realm="tidegate"'])
    assert gateway.get("x.test", "/", "-H", "X-Key: anns-long-key")[0] == 200
    assert gateway.get("x.test", "/", "-H", "Cookie: a=b; key=bobs-long-key")[0] == 200
    status, _, body = gateway.get("x.test", "/p?x=1&key=bobs-long-key&y")
    assert status == 200 and "uri=/p?x=1&y " in body
    assert gateway.get("x.test", "/", "-H", f"X-Key: {hashed}")[0] == 401
    assert gateway.get("x.test", "/", "-H", "X-Key: anns-long-ke")[0] == 401
    raw = gateway.lab.run("gw", "curl", "-s", "http://127.0.0.1:9180/api/rawdata").stdout
    for place in (raw, gateway.log()):
        assert "long-key" not in place and hashed[7:] not in place
