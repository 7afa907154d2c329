# SPDX-License-Identifier: Apache-2.0
"""errors over the wire (reference c.13)."""

import json

import pytest
from conftest import BACKENDS, backend_service, middleware, route
from teller import Teller, headers_of


@pytest.fixture
def tellers(gateway, tmp_path):
    """The service, and the one that has pages."""
    made = (Teller(gateway.lab, str(tmp_path), "a", BACKENDS["a"], 9001),
            Teller(gateway.lab, str(tmp_path), "b", BACKENDS["b"], 9002))
    gateway.write("91-tellers.yaml", *backend_service("shop", [BACKENDS["a"]], port=9001),
                  *backend_service("pages", [BACKENDS["b"]], port=9002),
                  *backend_service("nobody", [BACKENDS["b"]], port=9999))
    yield made
    for teller in made:
        teller.stop()


def objects(conf, *more, before=()):
    return (middleware("m", "errors", conf), *more, route("web", "Host(`x.test`)", service="shop", middlewares=(*before, "m")))


def serve(gateway, conf, *more, **options):
    rows = objects(conf, *more, **options)
    if gateway.process:
        gateway.update("10.yaml", *rows)
    else:
        gateway.write("10.yaml", *rows)
        gateway.start()


PAGES = {"name": "pages", "port": 80}


def test_the_page_comes_with_the_status_of_the_answer(gateway, tellers):
    shop, pages = tellers
    serve(gateway, {"status": ["500-599", "404"], "service": PAGES,
                    "query": "/{status}/{originalStatus}?u={url}&h=X-Page:yes&h=Content-Type:text/html&h=Set-Cookie:p=q"})
    status, headers, body = gateway.get("x.test", "/a%20b?status=503&h=X-Shop:1&h=Set-Cookie:s=t&body=gone&x=y",
                                        "-H", "Cookie: c=d", "-d", "payload")
    told = json.loads(body)
    assert status == 503 and headers["x-page"] == ["yes"] and headers["content-type"] == ["text/html"]
    assert headers["set-cookie"] == ["p=q"] and "x-shop" not in headers
    assert told["method"] == "GET" and told["body"] == ""
    assert told["path"].startswith("/503/503?u=http%3A%2F%2Fx.test%2Fa%2520b%3Fstatus%3D503")
    asked = headers_of(told)
    assert asked["host"] == ["x.test"] and "cookie" not in asked and "content-length" not in asked
    assert gateway.get("x.test", "/?status=404&body=x")[0] == 404 and len(pages.asked()) == 2
    status, headers, body = gateway.get("x.test", "/?status=418&body=teapot&h=X-Shop:1")
    assert (status, body, headers["x-shop"]) == (418, "teapot", ["1"]) and pages.asked() == []
    assert len(shop.asked()) == 3


def test_statuses_are_rewritten(gateway, tellers):
    serve(gateway, {"status": ["400-599"], "service": PAGES, "query": "{status}-{originalStatus}",
                    "statusRewrites": {"418": 404, "500-503": 599}})
    for given, expected in ((418, 404), (500, 599), (503, 599), (504, 504)):
        status, _, body = gateway.get("x.test", f"/?status={given}")
        assert status == expected and json.loads(body)["path"] == f"/{expected}-{given}"


def test_request_headers_that_go_along(gateway, tellers):
    _, pages = tellers
    for listed, expected in ((None, set()), ([], set()), (["Cookie", "authorization"], {"authorization", "cookie"})):
        conf = {"status": ["404"], "service": PAGES} | ({} if listed is None else {"errorRequestHeaders": listed})
        serve(gateway, conf)
        gateway.get("x.test", "/?status=404", "-H", "Cookie: a=b", "-H", "Authorization: Basic x")
        got = set(pages.asked()[0]["headers"])
        assert got & {"authorization", "cookie"} == expected
        if listed is not None:
            assert got == expected | {"host"}


def test_a_service_that_fails_does_not_change_the_status(gateway, tellers):
    serve(gateway, {"status": ["404"], "service": {"name": "nobody", "port": 80}})
    status, _, body = gateway.get("x.test", "/?status=404&body=shop")
    assert (status, body) == (404, "Bad Gateway")
    assert "content-type" not in gateway.get("x.test", "/?status=404")[1]
    serve(gateway, {"status": ["404"], "service": PAGES, "query": "/?status=500&body=broken"})
    assert gateway.get("x.test", "/?status=404")[::2] == (404, "broken")
    serve(gateway, {"status": ["404"], "service": PAGES, "query": "/?size=20000000"})
    assert gateway.get("x.test", "/?status=404")[::2] == (404, "Bad Gateway")  # longer than 16 MiB: differs
    serve(gateway, {"status": ["404"], "service": PAGES, "query": "/?size=3000000"})
    status, headers, body = gateway.get("x.test", "/?status=404")
    assert status == 404 and len(body) == 3000000 and headers["content-length"] == ["3000000"]


def test_failures_of_the_proxy_and_of_middlewares_get_pages_too(gateway, tellers):
    shop, _ = tellers
    serve(gateway, {"status": ["403", "502"], "service": PAGES, "query": "/{status}"},
          middleware("deny", "ipAllowList", {"sourceRange": ["192.0.2.1"]}))
    shop.stop()
    status, _, body = gateway.get("x.test")
    assert status == 502 and json.loads(body)["path"] == "/502"
    # what is further in is replaced; what is further out answers by itself
    rows = (middleware("m", "errors", {"status": ["403"], "service": PAGES}),
            middleware("deny", "ipAllowList", {"sourceRange": ["192.0.2.1"]}))
    gateway.update("10.yaml", *rows, route("web", "Host(`x.test`)", service="shop", middlewares=("m", "deny")))
    status, _, body = gateway.get("x.test")
    assert status == 403 and json.loads(body)["path"] == "/"
    gateway.update("10.yaml", *rows, route("web", "Host(`x.test`)", service="shop", middlewares=("deny", "m")))
    assert gateway.get("x.test")[::2] == (403, "Forbidden")


def test_a_page_may_come_from_a_weighted_service(gateway, tellers):
    weighted = {"apiVersion": "traefik.io/v1alpha1", "kind": "TraefikService",
                "metadata": {"name": "both", "namespace": "default"},
                "spec": {"weighted": {"services": [{"name": "pages", "port": 80, "weight": 1, "passHostHeader": False}]}}}
    serve(gateway, {"status": ["404"], "service": {"name": "both", "kind": "TraefikService"}, "query": "/p"}, weighted)
    told = json.loads(gateway.get("x.test", "/?status=404")[2])
    assert told["path"] == "/p" and headers_of(told)["host"] == [f"{BACKENDS['b']}:9002"]


def test_head_gets_the_headers_of_the_page(gateway, tellers):
    _, pages = tellers
    serve(gateway, {"status": ["404"], "service": PAGES, "query": "/?body=page"})
    answer = gateway.raw(b"HEAD /?status=404 HTTP/1.1\r\nHost: x.test\r\n\r\n"
                         b"GET /?status=200&body=next HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n\r\n")
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404") and rest.startswith(b"HTTP/1.1 200") and rest.endswith(b"next")
    assert pages.asked()[0]["method"] == "GET"


def test_a_missing_service_disables_the_router(gateway, tellers):
    serve(gateway, {"status": ["404"], "service": {"name": "missing", "port": 80}})
    assert gateway.get("x.test")[0] == 404
    out = gateway.command("check", f"--manifests={gateway.manifests}", "--entryPoints.web.address=:80").stdout
    assert "spec.errors.service" in out and "missing" in out


def test_a_retry_further_out_gets_a_page_for_its_last_answer_too(gateway, tellers):
    shop, _ = tellers
    serve(gateway, {"status": ["500-599"], "service": PAGES, "query": "/{status}?h=X-Page:yes"},
          middleware("again", "retry", {"attempts": 3, "status": ["500-599"]}), before=("again",))
    status, headers, body = gateway.get("x.test", "/a?status=503&h=X-Shop:1&body=gone")
    assert (status, headers.get("x-page"), "x-shop" in headers) == (503, ["yes"], False)
    assert body != "gone"
