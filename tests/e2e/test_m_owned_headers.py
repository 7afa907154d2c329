# SPDX-License-Identifier: Apache-2.0
"""Headers that belong to middlewares: no spelling and no place of the client's stands in for them (security A2.4)."""

import json
import sys

import pytest
from conftest import BACKENDS, backend_service, middleware, route, secret
from teller import Teller, headers_of

AUTH, ECHO = BACKENDS["a"], BACKENDS["b"]
KEEP = "--entryPoints.web.http.underscoreHeadersStrategy=keep"
USERS = secret("users", {"users": "ann:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M="})

# Writes what it reads up to the end of the trailers to a file, and answers.
LISTENER = """
import socket, sys
server = socket.create_server((sys.argv[1], 9002))
while True:
    conn, _ = server.accept()
    conn.settimeout(5)
    data = b""
    while data.count(b"\\r\\n\\r\\n") < 2 and (more := conn.recv(65536)):
        data += more
    with open(sys.argv[2], "ab") as file:
        file.write(data)
    conn.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok")
    conn.close()
"""


@pytest.fixture
def tellers(gateway, tmp_path):
    made = [Teller(gateway.lab, str(tmp_path), "a", AUTH, 9001), Teller(gateway.lab, str(tmp_path), "b", ECHO, 9002)]
    gateway.write("91-echo.yaml", *backend_service("echo", [ECHO], port=9002))
    yield made
    for teller in made:
        teller.stop()


def test_neither_the_question_nor_a_page_for_a_refusal_has_them(gateway, tellers):
    auth, echo = tellers
    gateway.write("10.yaml",
                  middleware("ask", "forwardAuth", {"address": f"{auth.url}/?status=401", "authResponseHeaders": ["X-User"],
                                                    "authResponseHeadersRegex": "^X-Role-|^Cookie$|^X-Real-Ip$"}),
                  middleware("page", "errors", {"status": ["401"], "query": "/e", "service": {"name": "echo", "port": 80}}),
                  route("web", "Host(`x.test`)", service="echo", middlewares=("page", "ask")))
    gateway.start(KEEP)
    assert gateway.get("x.test", "/", "-H", "X-User: root", "-H", "X_User: root", "-H", "X-Role-A: admin", "-H", "Cookie: a=b",
                       "-H", "X-Other: o")[0] == 401
    # Credentials are for who is asked, not for who makes the pages.
    for asked, cookies in ((auth.asked()[0]["headers"], ["a=b"]), (echo.asked()[0]["headers"], None)):
        assert not {"x-user", "x_user", "x-role-a"} & set(asked), asked
        assert asked.get("cookie") == cookies and asked["x-other"] == ["o"] and "x-real-ip" in asked


def test_what_the_question_is_to_show_is_shown(gateway, tellers):
    auth, _ = tellers
    gateway.write("10.yaml",
                  middleware("ask", "forwardAuth", {"address": f"{auth.url}/?h=X-Api-Key:known",
                                                    "authResponseHeaders": ["X-Api-Key", "Authorization"],
                                                    "authRequestHeaders": ["X-Api-Key", "Authorization"]}),
                  route("web", "Host(`x.test`)", service="echo", middlewares=("ask",)))
    gateway.start()
    got = headers_of(json.loads(gateway.get("x.test", "/", "-H", "X-Api-Key: k", "-H", "Authorization: Bearer t")[2]))
    asked = auth.asked()[0]["headers"]
    assert asked["x-api-key"] == ["k"] and asked["authorization"] == ["Bearer t"]
    assert got["x-api-key"] == ["known"] and "authorization" not in got


def test_custom_request_headers_take_the_other_spellings_along(gateway, tellers):
    gateway.write("10.yaml",
                  middleware("set", "headers", {"customRequestHeaders": {"X-Tenant": "ours", "X-Gone": "", "A_B": "1"}}),
                  route("web", "Host(`x.test`)", service="echo", middlewares=("set",)))
    gateway.start(KEEP)
    got = headers_of(json.loads(gateway.get("x.test", "/", "-H", "X_Tenant: evil", "-H", "x_gone: evil", "-H", "A-B: 2")[2]))
    assert got["x-tenant"] == ["ours"] and not {"x_tenant", "x_gone", "x-gone"} & set(got)
    assert got["a_b"] == ["1"] and got["a-b"] == ["2"]


def test_trailers_do_not_say_them_again(gateway, tmp_path):
    log = tmp_path / "heard"
    listener = gateway.lab.start("b", sys.executable, "-c", LISTENER, ECHO, str(log))
    gateway.lab.wait_for(lambda: ":9002" in gateway.lab.run("b", "ss", "-Hltn").stdout, "the listener")
    gateway.write("91-echo.yaml", *backend_service("echo", [ECHO], port=9002))
    gateway.write("10.yaml", USERS, middleware("user", "basicAuth", {"secret": "users", "headerField": "X-User"}),
                  middleware("set", "headers", {"customRequestHeaders": {"X-Tenant": "ours", "X-Gone": ""}}),
                  route("web", "Host(`x.test`)", service="echo", middlewares=("user", "set")))
    gateway.start()
    out = gateway.raw("POST / HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\nAuthorization: Basic YW5uOnRlc3Q=\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-User: root\r\nX-Tenant: evil\r\nx-gone: back\r\n"
                      "Client-Cert: forged\r\nX-Client-Cert: forged\r\nX-Rewrite-Url: /admin\r\nX-Fine: 1\r\n\r\n")
    assert out.startswith(b"HTTP/1.1 200 ")
    head, body = log.read_bytes().split(b"\r\n\r\n", 1)
    assert b"X-User: ann" in head and b"X-Tenant: ours" in head
    assert body == b"2\r\nab\r\n0\r\nX-Fine: 1\r\n\r\n"
    gateway.lab.stop(listener)
