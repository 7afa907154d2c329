# SPDX-License-Identifier: Apache-2.0
"""forwardAuth over the wire (reference c.8, a.4)."""

import json

import pytest
from conftest import BACKENDS, CLIENT, backend_service, middleware, route, run, secret
from teller import Teller, headers_of

AUTH, ECHO = BACKENDS["a"], BACKENDS["b"]


@pytest.fixture
def auth(gateway, tmp_path):
    made = Teller(gateway.lab, str(tmp_path), "a", AUTH, 9001)
    yield made
    made.stop()


@pytest.fixture
def echo(gateway, tmp_path):
    """The service behind: it tells what reached it."""
    made = Teller(gateway.lab, str(tmp_path), "b", ECHO, 9002)
    gateway.write("91-echo.yaml", *backend_service("echo", [ECHO], port=9002))
    yield made
    made.stop()


def serve(gateway, conf, *more, options=()):
    gateway.write("10.yaml", middleware("m", "forwardAuth", conf), *more,
                  route("web", "Host(`x.test`)", service="echo", middlewares=("m",)))
    gateway.start(*options)


def test_only_a_2xx_lets_a_request_pass(gateway, auth, echo):
    for status, expected in ((200, 200), (204, 200), (299, 200), (302, 302), (304, 304), (401, 401), (403, 403),
                             (500, 500)):
        conf = {"address": f"{auth.url}/?status={status}&body=told"}
        if gateway.process:
            gateway.update("10.yaml", middleware("m", "forwardAuth", conf),
                           route("web", "Host(`x.test`)", service="echo", middlewares=("m",)))
        else:
            serve(gateway, conf)
        got, _, body = gateway.get("x.test", "/p?q=1")
        assert got == expected, status
        assert len(echo.asked()) == (1 if expected == 200 else 0)
        if status in (401, 403, 500):
            assert body == "told"


def test_the_question_in_the_three_modes_of_trust(gateway, auth, echo):
    sent = ["-H", "X-Forwarded-For: 1.1.1.1", "-H", "X-Forwarded-Uri: /forged", "-H", "X-Forwarded-Method: PUT",
            "-H", "X-Real-Ip: 9.9.9.9", "-H", "Accept: a/b", "-H", "Connection: X-Hop", "-H", "X-Hop: 1", "-A", "me"]
    route_x = route("web", "Host(`x.test`)", service="echo", middlewares=("m",))
    expected = {
        # c.8: unset overwrites five and lets the others pass, which the entry point has set
        None: {"x-forwarded-for": [CLIENT], "x-forwarded-uri": ["/p?q=1"], "x-forwarded-method": ["POST"],
               "x-forwarded-proto": ["http"], "x-forwarded-host": ["x.test"], "x-forwarded-port": ["80"],
               "x-real-ip": ["9.9.9.9"]},
        # c.8: false drops all of them, and adds its own
        False: {"x-forwarded-for": [CLIENT], "x-forwarded-uri": ["/p?q=1"], "x-forwarded-method": ["POST"],
                "x-forwarded-proto": ["http"], "x-forwarded-host": ["x.test"], "x-forwarded-port": ["80"],
                "x-real-ip": None},
        # c.8: true keeps what is there, since the client's address is trusted here
        True: {"x-forwarded-for": [f"1.1.1.1, {CLIENT}"], "x-forwarded-uri": ["/forged"],
               "x-forwarded-method": ["PUT"], "x-forwarded-proto": ["http"], "x-real-ip": ["9.9.9.9"]},
    }
    for trust, wanted in expected.items():
        conf = {"address": f"{auth.url}/verify?body="} | ({} if trust is None else {"trustForwardHeader": trust})
        if gateway.process:
            gateway.update("10.yaml", middleware("m", "forwardAuth", conf), route_x)
        else:
            serve(gateway, conf, options=(f"--entryPoints.web.forwardedHeaders.trustedIPs={CLIENT}",))
        assert gateway.get("x.test", "/p?q=1", *sent, "-d", "payload")[0] == 200
        asked = auth.asked()
        assert len(asked) == 1 and asked[0]["method"] == "GET" and asked[0]["body"] == ""
        assert asked[0]["path"] == "/verify?body="
        headers = asked[0]["headers"]
        assert headers["host"] == [f"{AUTH}:9001"] and headers["accept"] == ["a/b"] and headers["user-agent"] == ["me"]
        assert "x-hop" not in headers and "content-length" not in headers
        for name, value in wanted.items():
            assert headers.get(name) == value, (trust, name)
        assert echo.asked()[0]["body"] == "payload"


def test_listed_request_headers_alone(gateway, auth, echo):
    serve(gateway, {"address": f"{auth.url}/", "authRequestHeaders": ["cookie", "X-Mine"], "trustForwardHeader": False})
    gateway.get("x.test", "/", "-H", "Cookie: a=b", "-H", "X-Mine: c", "-H", "Authorization: Basic x", "-H", "User-Agent:")
    headers = auth.asked()[0]["headers"]
    assert headers["cookie"] == ["a=b"] and headers["x-mine"] == ["c"]
    assert "authorization" not in headers and "accept" not in headers and "user-agent" not in headers
    assert set(headers) == {"cookie", "x-mine", "host", "x-forwarded-for", "x-forwarded-method", "x-forwarded-proto",
                            "x-forwarded-port", "x-forwarded-host", "x-forwarded-uri"}


def test_the_answer_gives_headers_and_cookies(gateway, auth, echo):
    answer = ("h=X-User:ann&h=X-Role-A:dev&h=X-Role-B:ops&h=X-Secret:s&h=Set-Cookie:s=auth;+Path=/"
              "&h=Set-Cookie:t=auth&h=x-groups:1&h=x-groups:2")
    serve(gateway, {"address": f"{auth.url}/?{answer}", "authResponseHeaders": ["x-user", "X-Groups", "X-Absent"],
                    "authResponseHeadersRegex": "^X-Role-", "addAuthCookiesToResponse": ["s"], "headerField": "X-User"},
          options=("--accessLog.format=json", f"--accessLog.filePath={gateway.folder}/access.log"))
    status, headers, body = gateway.get("x.test", "/?h=Set-Cookie:s=server&h=Set-Cookie:u=server", "-H", "X-User: root",
                                        "-H", "X-Role-C: admin", "-H", "X-Absent: forged", "-H", "X-Other: o")
    got = headers_of(json.loads(body))
    assert status == 200 and got["x-user"] == ["ann"] and got["x-groups"] == ["1", "2"] and got["x-other"] == ["o"]
    assert got["x-role-a"] == ["dev"] and got["x-role-b"] == ["ops"]
    assert "x-role-c" not in got and "x-absent" not in got and "x-secret" not in got
    assert headers["set-cookie"] == ["u=server", "s=auth; Path=/"]
    gateway.lab.wait_for(lambda: '"ClientUsername":"ann"' in open(f"{gateway.folder}/access.log").read(), "the user's name")
    # security A2.4: other spellings of such names are the client's too
    assert "x_user" not in headers_of(json.loads(gateway.get("x.test", "/", "-H", "X_User: root")[2]))


def test_a_refusal_is_relayed(gateway, auth, echo):
    serve(gateway, {"address": f"{auth.url}/in/here?status=302&h=Location:../login?a=b&h=Set-Cookie:c=d&body=go"
                               "&h=Keep-Alive:timeout=5&h=X-Why:because"})
    status, headers, body = gateway.get("x.test", "/p")
    assert (status, body) == (302, "go") and headers["location"] == [f"{auth.url}/login?a=b"]
    assert headers["set-cookie"] == ["c=d"] and headers["x-why"] == ["because"] and "keep-alive" not in headers
    assert "content-type" not in headers and "x-content-type-options" not in headers
    gateway.update("10.yaml", middleware("m", "forwardAuth", {"address": f"{auth.url}/?status=302&h=Location:/login",
                                                              "preserveLocationHeader": True}),
                   route("web", "Host(`x.test`)", service="echo", middlewares=("m",)))
    assert gateway.get("x.test", "/p")[1]["location"] == ["/login"]
    gateway.update("10.yaml", middleware("m", "forwardAuth", {"address": f"{auth.url}/?status=401",
                                                              "authSigninURL": "https://sso.test/in"}),
                   route("web", "Host(`x.test`)", service="echo", middlewares=("m",)))
    status, headers, body = gateway.get("x.test", "/p")
    assert (status, headers["location"]) == (302, ["https://sso.test/in"])
    assert body == '<a href="https://sso.test/in">Found</a>.\n\n'
    assert echo.asked() == []


def test_the_body_goes_along(gateway, auth, echo):
    serve(gateway, {"address": f"{auth.url}/", "forwardBody": True, "maxBodySize": 10, "preserveRequestMethod": True})
    assert gateway.get("x.test", "/", "-X", "PUT", "-d", "0123456789")[0] == 200
    asked, behind = auth.asked()[0], echo.asked()[0]
    assert (asked["method"], asked["body"]) == ("PUT", "0123456789")
    assert (behind["method"], behind["body"]) == ("PUT", "0123456789")
    assert gateway.get("x.test", "/", "-d", "01234567890")[0] == 401
    assert gateway.get("x.test", "/", "-H", "Transfer-Encoding: chunked", "-d", "01234567890")[0] == 401
    assert auth.asked() == [] and echo.asked() == []
    assert gateway.get("x.test", "/", "-H", "Transfer-Encoding: chunked", "-d", "0123")[0] == 200
    assert auth.asked()[0]["body"] == "0123" and echo.asked()[0]["body"] == "0123"
    assert gateway.get("x.test", "/")[0] == 200
    assert auth.asked()[0]["body"] == ""


def test_large_bodies_are_shown_up_to_what_fits(gateway, auth, echo, tmp_path):
    serve(gateway, {"address": f"{auth.url}/?status=204", "forwardBody": True})
    for size, expected in ((5_000_000, 200), (16 << 20, 200), ((16 << 20) + 1, 401)):
        (tmp_path / "body").write_bytes(b"x" * size)
        assert gateway.get("x.test", "/?body=ok", "--data-binary", f"@{tmp_path}/body")[0] == expected
        shown, behind = auth.asked(), echo.asked()
        assert [len(a["body"]) for a in shown] == [len(b["body"]) for b in behind] == ([size] if expected == 200 else [])


def test_a_head_is_asked_for_by_head(gateway, auth, echo):
    serve(gateway, {"address": f"{auth.url}/?status=403&body=no", "preserveRequestMethod": True})
    head = gateway.raw(b"HEAD / HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 403") and head.endswith(b"\r\n\r\n")
    assert auth.asked()[0]["method"] == "HEAD"
    gateway.update("10.yaml", middleware("m", "forwardAuth", {"address": f"{auth.url}/", "preserveRequestMethod": True}),
                   route("web", "Host(`x.test`)", service="echo", middlewares=("m",)))
    assert gateway.raw(b"HEAD / HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_answers_are_bounded(gateway, auth, echo):
    serve(gateway, {"address": f"{auth.url}/?size=100", "maxResponseBodySize": 99})
    status, _, body = gateway.get("x.test")
    assert (status, body) == (401, "") and echo.asked() == []
    gateway.update("10.yaml", middleware("m", "forwardAuth", {"address": f"{auth.url}/?size=100",
                                                              "maxResponseBodySize": 100}),
                   route("web", "Host(`x.test`)", service="echo", middlewares=("m",)))
    assert gateway.get("x.test")[0] == 200


def test_no_answer_is_no_yes(gateway, auth, echo):
    serve(gateway, {"address": f"{auth.url}/?cut"})
    status, _, body = gateway.get("x.test")
    assert (status, body) == (500, "")
    auth.stop()
    assert gateway.get("x.test")[0] == 500
    gateway.update("10.yaml", middleware("m", "forwardAuth", {"address": "http://nowhere.invalid/"}),
                   route("web", "Host(`x.test`)", service="echo", middlewares=("m",)))
    assert gateway.get("x.test")[0] == 500
    assert echo.asked() == []


def test_the_one_who_is_asked_may_restart(gateway, auth, echo, tmp_path):
    serve(gateway, {"address": f"{auth.url}/", "authResponseHeaders": ["X-User"]})
    assert gateway.get("x.test")[0] == 200
    auth.stop()
    again = Teller(gateway.lab, str(tmp_path), "a", AUTH, 9001)  # the connection that was kept is dead now
    try:
        assert [gateway.get("x.test")[0] for _ in range(4)] == [200] * 4
    finally:
        again.stop()


def test_many_ask_at_once(gateway, auth, echo):
    serve(gateway, {"address": f"{auth.url}/?h=X-User:ann", "authResponseHeaders": ["X-User"], "forwardBody": True,
                    "addAuthCookiesToResponse": ["s"]})
    out = gateway.lab.run("client", "curl", "-s", "-Z", "--parallel-max", "40", "-o", "/dev/null", "-w", "%{http_code}\n",
                          "-H", "Host: x.test", "-d", "payload", "http://10.77.1.1/[1-300]").stdout
    assert out.split() == ["200"] * 300
    asked = echo.asked()
    assert len(asked) == 300 and all(a["headers"]["x-user"] == ["ann"] and a["body"] == "payload" for a in asked)


def test_upgrades_are_asked_for_first(gateway, auth, echo):
    serve(gateway, {"address": f"{auth.url}/?status=403"})
    answer = gateway.raw(b"GET /ws HTTP/1.1\r\nHost: x.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                         b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n", timeout=2)
    assert answer.startswith(b"HTTP/1.1 403") and echo.asked() == []
    headers = auth.asked()[0]["headers"]
    assert "upgrade" not in headers and headers["sec-websocket-version"] == ["13"]
    assert headers["x-forwarded-proto"] == ["http"]


WS_ECHO = r"""
import asyncio, sys, websockets
async def echo(ws, *_):
    async for message in ws: await ws.send(message + " " + ws.request_headers.get("X-User", "nobody"))
async def main():
    async with websockets.serve(echo, "0.0.0.0", int(sys.argv[1])): await asyncio.Future()
asyncio.run(main())
"""

WS_CLIENT = r"""
import asyncio, websockets
async def main():
    async with websockets.connect("ws://x.test/chat", host="10.77.1.1", port=80) as ws:
        await ws.send("hello")
        print(await ws.recv())
asyncio.run(main())
"""


def test_a_tunnel_begins_after_a_yes(gateway, auth):
    server = gateway.lab.start("b", "/usr/bin/python3", "-c", WS_ECHO, "9004")
    try:
        gateway.lab.wait_for(lambda: gateway.lab.run("b", "bash", "-c", "</dev/tcp/127.0.0.1/9004", check=False).returncode == 0,
                             "the echo")
        gateway.write("91-echo.yaml", *backend_service("echo", [ECHO], port=9004))
        serve(gateway, {"address": f"{auth.url}/?h=X-User:ann", "authResponseHeaders": ["X-User"]})
        assert gateway.lab.run("client", "/usr/bin/python3", "-c", WS_CLIENT).stdout == "hello ann\n"
        assert auth.asked()[0]["headers"]["x-forwarded-uri"] == ["/chat"]
    finally:
        gateway.lab.stop(server)


@pytest.fixture(scope="session")
def certs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("authpki")
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-subj", "/CN=auth CA", "-keyout", str(folder / "ca.key"), "-out", str(folder / "ca.crt"))
    for name, extension in (("server", f"subjectAltName=IP:{AUTH}"), ("client", "extendedKeyUsage=clientAuth")):
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
            "-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.csr"))
        (folder / "ext").write_text(extension)
        run("openssl", "x509", "-req", "-in", str(folder / f"{name}.csr"), "-CA", str(folder / "ca.crt"), "-CAkey",
            str(folder / "ca.key"), "-CAcreateserial", "-days", "2", "-extfile", str(folder / "ext"), "-out",
            str(folder / f"{name}.crt"))
    return folder


def test_tls_to_the_one_who_is_asked(gateway, echo, tmp_path, certs):
    auth = Teller(gateway.lab, str(tmp_path), "a", AUTH, 9003, certs / "server.crt", certs / "server.key",
                  certs / "ca.crt")
    read = lambda name: (certs / name).read_text()  # noqa: E731
    secrets = (secret("ca", {"ca.crt": read("ca.crt")}),
               secret("cert", {"tls.crt": read("client.crt"), "tls.key": read("client.key")}, "kubernetes.io/tls"))
    rows = (({"caSecret": "ca", "certSecret": "cert"}, 200), ({"certSecret": "cert", "insecureSkipVerify": True}, 200),
            ({"certSecret": "cert"}, 500), ({"caSecret": "ca"}, 500), (None, 500), ({"caSecret": "missing"}, 404))
    try:
        for tls, expected in rows:
            conf = {"address": auth.url + "/"} | ({"tls": tls} if tls else {})
            objects = (*secrets, middleware("m", "forwardAuth", conf),
                       route("web", "Host(`x.test`)", service="echo", middlewares=("m",)))
            if gateway.process:
                gateway.update("10.yaml", *objects)
            else:
                gateway.write("10.yaml", *objects)
                gateway.start()
            assert gateway.get("x.test")[0] == expected, tls
    finally:
        auth.stop()


def test_explain_says_whom_it_asks(gateway, auth, echo):
    serve(gateway, {"address": f"{auth.url}/?status=403"})
    out = gateway.command("explain", f"--manifests={gateway.manifests}", "--url", "http://x.test/",
                          "--entryPoints.web.address=:80").stdout
    assert f"asks {auth.url}/?status=403 with GET; goes on only when the answer is 2xx" in out
    assert auth.asked() == []
