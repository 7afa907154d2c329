# SPDX-License-Identifier: Apache-2.0
"""cache over the wire (RFC 9111, 9211, 5861): what reaches the service, and what clients get."""

import base64
import concurrent.futures

import scripted
from conftest import backend_service, middleware, route, secret
from scripted import TEXT, ask, log, request

MAX_AGE = [["Cache-Control", "max-age=60"]]


def serve(gateway, conf=None, *more, middlewares=("m",), options=()):
    address, port, process = scripted.start(gateway)
    gateway.write("20.yaml", *backend_service("scripted", [address], port), middleware("m", "cache", conf or {}),
                  *more, route("web", "Host(`x.test`)", service="scripted", middlewares=middlewares))
    gateway.start(*options)
    log(gateway)
    return process


def status(answer):
    return answer.header("cache-status")


def test_what_was_kept_is_given_again(gateway):
    serve(gateway)
    spec = {"size": 5000, "headers": MAX_AGE + [["Content-Type", "text/x"], ["ETag", '"1"'], ["X-A", "1"]]}
    first, second, head, part, known = ask(
        gateway, request("/a", answer=spec), request("/a"), request("/a", method="HEAD"),
        request("/a", {"Range": "bytes=10-19"}), request("/a", {"If-None-Match": '"1"'}))
    assert status(first) == "tidegate; fwd=uri-miss; stored" and first.header("content-length") == "5000"
    assert first.body == second.body == TEXT[:5000]
    assert status(second).startswith("tidegate; hit; ttl=") and second.header("age") in ("0", "1")
    assert (second.header("content-type"), second.header("x-a")) == ("text/x", "1")
    assert second.header("date") == first.header("date")
    assert (head.status, head.body, head.header("content-length")) == (200, b"", "5000")
    assert (part.status, part.body, part.header("content-range")) == (206, TEXT[10:20], "bytes 10-19/5000")
    assert (known.status, known.body, known.header("etag")) == (304, b"", '"1"')
    assert "content-length" not in known.headers and "content-type" not in known.headers
    assert [entry["method"] for entry in log(gateway)] == ["GET"]


def test_bodies_of_every_kind_are_kept_as_they_are(gateway):
    serve(gateway, {"maxObjectBytes": "600Ki"})
    kinds = [{"size": 0}, {"size": 1}, {"size": 500000}, {"chunked": [300000, 7000]}, {"chunks": []},
             {"status": 301, "headers": [["Location", "/b"]]}, {"status": 404, "size": 10}]
    for i, kind in enumerate(kinds):
        spec = {**kind, "headers": kind.get("headers", []) + MAX_AGE}
        first, second = ask(gateway, request(f"/{i}", answer=spec), request(f"/{i}"))
        assert first.status == second.status == kind.get("status", 200) and not first.error and not second.error
        assert first.body == second.body and status(second).startswith("tidegate; hit"), kind
        assert first.header("location") == second.header("location")
        assert first.header("content-type") is None and second.header("content-type") is None
    assert len(log(gateway)) == len(kinds)
    # Too long, and cut.
    large = {"size": len(TEXT), "headers": MAX_AGE}
    cut = {"chunked": [50000, 5000], "cut": True, "headers": MAX_AGE}
    answers = ask(gateway, request("/large", answer=large), request("/large", answer=large),
                  request("/cut", answer=cut), request("/cut", answer={"size": 5}))
    assert answers[1].body == TEXT and answers[2].error and answers[3].body == TEXT[:5]
    assert len(log(gateway)) == 4


def test_what_is_not_kept(gateway):
    """RFC 9111 3, 3.5, 5.2; Set-Cookie; reference/security.md on poisoning."""
    serve(gateway)
    rows = [("no-store", {}, [["Cache-Control", "max-age=60, no-store"]]),
            ("private", {}, [["Cache-Control", "max-age=60, private"]]),
            ("nothing said", {}, [["X-A", "1"]]),
            ("a cookie", {}, MAX_AGE + [["Set-Cookie", "a=b"]]),
            ("Vary: *", {}, MAX_AGE + [["Vary", "*"]]),
            ("authorized", {"Authorization": "Basic eDp4"}, MAX_AGE),
            ("no-store asked for", {"Cache-Control": "no-store"}, MAX_AGE),
            ("another method", {"X-HTTP-Method-Override": "PUT"}, MAX_AGE),
            ("another host", {"X-Host": "evil.test"}, MAX_AGE),
            ("a part", {"Range": "bytes=0-2"}, MAX_AGE + [["Content-Range", "bytes 0-2/9"]])]
    for i, (name, headers, said) in enumerate(rows):
        answers = ask(gateway, *[request(f"/{i}", headers, {"size": 3, "headers": said})] * 2)
        assert all(status(a).startswith("tidegate; fwd=") for a in answers), name
        assert not any("stored" in status(a) for a in answers), name
    assert len(log(gateway)) == 2 * len(rows)


def test_variants_are_kept_apart(gateway):
    serve(gateway)
    said = MAX_AGE + [["Vary", "Accept-Language"]]
    for language, size in (("de", 10), ("fr", 20), (None, 30)):
        headers = {"Accept-Language": language} if language else {}
        ask(gateway, request("/", headers, {"size": size, "headers": said}))
    answers = ask(gateway, request("/", {"Accept-Language": "de"}), request("/", {"Accept-Language": "fr"}), request("/"))
    assert [len(a.body) for a in answers] == [10, 20, 30] and len(log(gateway)) == 3


def test_nobody_plants_answers_for_others(gateway):
    """The key has all that says where a request came in: CVE-2026-2836 was a key without the host."""
    address, port, _ = scripted.start(gateway)
    gateway.write("20.yaml", *backend_service("scripted", [address], port), middleware("m", "cache", {}),
                  route("web", "HostRegexp(`.*`)", service="scripted", middlewares=("m",)))
    gateway.start("--entryPoints.web.forwardedHeaders.trustedIPs=10.77.0.0/16")
    spec = {"body": b"planted", "headers": MAX_AGE}
    for headers, host in (({}, "evil.test"), ({}, "x.test:1337"), ({"X-Forwarded-Host": "evil.test"}, "x.test"),
                          ({"X-Forwarded-Proto": "https"}, "x.test"), ({"X-Forwarded-Prefix": "/evil"}, "x.test"),
                          ({"Forwarded": "host=evil.test"}, "x.test")):
        ask(gateway, request("/", headers, spec, host=host))
        answer = ask(gateway, request("/", answer={"body": b"right"}))[0]
        assert answer.body == b"right", (headers, host)


def test_stale_responses_are_validated(gateway):
    serve(gateway)
    spec = {"size": 100, "etag": '"1"', "headers": [["Cache-Control", "max-age=0"], ["ETag", '"1"'], ["X-New", "1"]]}
    first, second, known = ask(gateway, request("/", answer=spec), request("/", answer=spec),
                               request("/", {"If-None-Match": '"1"'}, spec))
    assert (second.status, second.body) == (200, first.body)
    assert status(second) == "tidegate; fwd=stale; fwd-status=304; stored"
    assert (known.status, known.body) == (304, b"") and "content-length" not in known.headers
    seen = log(gateway)
    assert len(seen) == 3 and seen[1]["headers"]["if-none-match"] == '"1"'
    # The client's own tag is not what the service is asked about.
    other = ask(gateway, request("/", {"If-None-Match": '"other"'}, spec))[0]
    assert other.status == 200 and log(gateway)[0]["headers"]["if-none-match"] == '"1"'


def test_stale_is_better_than_a_failure(gateway):
    process = serve(gateway)
    spec = {"size": 100, "headers": [["Cache-Control", "max-age=0, stale-if-error=60"], ["ETag", '"1"']]}
    ask(gateway, request("/", answer=spec))
    answer = ask(gateway, request("/", answer={"status": 503, "size": 5}))[0]
    assert (answer.status, len(answer.body)) == (200, 100)
    assert status(answer) == "tidegate; fwd=stale; fwd-status=503; detail=stale-if-error"
    gateway.lab.stop(process)
    answer = ask(gateway, request("/"))[0]
    assert (answer.status, len(answer.body)) == (200, 100)
    assert status(answer) == "tidegate; fwd=stale; fwd-status=502; detail=stale-if-error"


def test_unsafe_methods_drop_what_they_change(gateway):
    serve(gateway)
    spec = {"size": 10, "headers": MAX_AGE}
    ask(gateway, request("/a", answer=spec), request("/b", answer=spec), request("/c", answer=spec))
    ask(gateway, request("/a", method="DELETE"), request("/b", answer={"status": 400}, method="POST"),
        request("/new", answer={"status": 201, "headers": [["Location", "/c"]]}, method="POST"))
    a, b, c = ask(gateway, request("/a"), request("/b"), request("/c"))
    assert "fwd=uri-miss" in status(a) and "hit" in status(b) and "fwd=uri-miss" in status(c)


def test_clients_may_say_what_they_take(gateway):
    serve(gateway)
    none, first, again, only = ask(
        gateway, request("/", {"Cache-Control": "only-if-cached"}),
        request("/", answer={"size": 10, "headers": MAX_AGE}),
        request("/", {"Cache-Control": "no-cache"}, {"size": 20, "headers": MAX_AGE}),
        request("/", {"Cache-Control": "only-if-cached"}))
    assert none.status == 504 and len(first.body) == 10
    assert status(again) == "tidegate; fwd=request; stored" and len(only.body) == 20


def test_many_that_miss_at_once_make_one_request(gateway):
    serve(gateway)
    spec = {"size": 3000, "wait": 0.5, "headers": MAX_AGE}
    answers = ask(gateway, *[request("/", answer=spec)] * 30, together=True)
    assert all(a.body == TEXT[:3000] for a in answers) and len(log(gateway)) == 1
    assert sum("collapsed" in status(a) for a in answers) >= 25
    # What cannot be kept is not waited for one after the other.
    spec = {"size": 3000, "wait": 0.3}
    answers = ask(gateway, *[request("/private", answer=spec)] * 20, together=True)
    assert all(a.status == 200 for a in answers) and max(a.seconds for a in answers) < 3
    assert len(log(gateway)) == 20


def test_while_one_asks_others_get_what_is_stale(gateway):
    serve(gateway)
    fresh = {"body": b"one", "headers": [["Cache-Control", "max-age=0, stale-while-revalidate=60"]]}
    slow = {"body": b"two", "wait": 1, "headers": [["Cache-Control", "max-age=60"]]}
    ask(gateway, request("/", answer=fresh))
    first, second, third = ask(gateway, request("/", answer=slow), request("/", answer=slow), request("/", answer=slow),
                               together=True, apart=0.2)
    assert first.body == b"two" and (second.body, third.body) == (b"one", b"one")
    assert second.seconds < 0.5 and len(log(gateway)) == 2
    assert ask(gateway, request("/"))[0].body == b"two"


def test_memory_is_bounded_and_the_least_used_goes(gateway):
    serve(gateway, {"maxSizeBytes": "512Ki", "maxObjectBytes": "64Ki"})
    spec = {"size": 30000, "headers": MAX_AGE}
    for i in range(40):
        ask(gateway, request(f"/{i}", answer=spec), request("/0", answer=spec))
    seen = [entry["path"] for entry in log(gateway)]
    assert seen.count("/0") == 1 and len(seen) == 40
    ask(gateway, *(request(f"/{i}", answer=spec) for i in range(40)))
    assert len(log(gateway)) >= 22


def test_what_is_kept_outlives_updates_that_do_not_concern_it(gateway):
    serve(gateway)
    ask(gateway, request("/", answer={"size": 10, "headers": MAX_AGE}))
    for i in range(3):
        gateway.update("50.yaml", route(f"other{i}", f"Host(`o{i}.test`)", service="scripted"))
    assert "hit" in status(ask(gateway, request("/"))[0])
    gateway.update("20.yaml", *backend_service("scripted", [scripted.BACKENDS["a"]], 7171),
                   middleware("m", "cache", {"maxObjectBytes": "10Ki"}),
                   route("web", "Host(`x.test`)", service="scripted", middlewares=("m",)))
    assert "fwd=uri-miss" in status(ask(gateway, request("/"))[0])


def test_beside_compress(gateway):
    """Outside, the cache keeps every coding; inside, what is kept is compressed for each client."""
    serve(gateway, {}, middleware("z", "compress", {}), middlewares=("m", "z"))
    spec = {"size": 5000, "headers": MAX_AGE}
    first, second, other, plain = ask(
        gateway, request("/", {"Accept-Encoding": "gzip"}, spec), request("/", {"Accept-Encoding": "gzip"}),
        request("/", {"Accept-Encoding": "br"}, spec), request("/", answer=spec))
    assert first.body == second.body and second.header("content-encoding") == "gzip" and "hit" in status(second)
    assert other.header("content-encoding") == "br" and plain.body == TEXT[:5000]
    log(gateway)
    gateway.update("30.yaml", route("other", "Host(`y.test`)", service="scripted", middlewares=("z", "m")))
    first, second, plain = ask(gateway, request("/", {"Accept-Encoding": "gzip"}, spec, host="y.test"),
                               request("/", {"Accept-Encoding": "br"}, host="y.test"), request("/", host="y.test"))
    assert second.header("content-encoding") == "br" and "hit" in status(second) and len(log(gateway)) == 1
    assert plain.body == TEXT[:5000] and plain.header("content-encoding") is None


def test_behind_a_retry(gateway):
    """An answer that was dropped to try again leaves nothing behind."""
    serve(gateway, {}, middleware("r", "retry", {"attempts": 3, "status": ["404"]}), middleware("z", "compress", {}),
          middlewares=("r", "m", "z"))
    spec = {"status": 404, "size": 5000, "headers": MAX_AGE}
    for path in ("/1", "/2"):
        answer = ask(gateway, request(path, {"Accept-Encoding": "gzip"}, spec))[0]
        assert answer.status == 404 and answer.header("content-encoding") == "gzip" and not answer.error
    assert len(log(gateway)) == 6
    assert "hit" in status(ask(gateway, request("/1", {"Accept-Encoding": "gzip"}))[0])


def test_a_body_that_is_asked_with_does_not_become_the_next_request(gateway):
    """CVE-2025-4366: a hit left the request's body unread."""
    serve(gateway)
    ask(gateway, request("/", answer={"size": 2, "headers": MAX_AGE}))
    raw = gateway.raw(b"GET / HTTP/1.1\r\nHost: x.test\r\nContent-Length: 37\r\n\r\n"
                      b"GET /smuggled HTTP/1.1\r\nHost: x.test\r\n\r\n"
                      b"GET /next HTTP/1.1\r\nHost: x.test\r\nConnection: close\r\n\r\n")
    assert raw.count(b"HTTP/1.1 ") >= 1
    assert "/smuggled" not in [entry["path"] for entry in log(gateway)]


def test_explain_and_metrics(gateway):
    serve(gateway)
    ask(gateway, request("/", answer={"size": 10, "headers": MAX_AGE}), *[request("/")] * 4)
    metrics = gateway.metrics()
    hits = [v for k, v in metrics.items() if "middleware_replies" in k and "default-m@" in k]
    assert hits == [4.0], [k for k in metrics if "middleware" in k]


def test_hits_from_many_clients_at_once(gateway):
    serve(gateway)
    spec = {"size": 100000, "headers": MAX_AGE}
    ask(gateway, request("/", answer=spec))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for answers in pool.map(lambda _: ask(gateway, *[request("/")] * 50, together=True), range(4)):
            assert all(a.body == TEXT[:100000] for a in answers)
    assert len(log(gateway)) == 1


def test_what_a_person_was_shown_is_not_kept_for_others(gateway):
    # basicAuth may take Authorization away: RFC 9111 3.5 is about the request as the client sent it.
    users = {"users": "".join(f"{name}:{{SHA}}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n" for name in ("alice", "bob"))}
    serve(gateway, None, secret("users", users),
          middleware("auth", "basicAuth", {"secret": "users", "removeHeader": True, "headerField": "X-User"}),
          middlewares=("auth", "m"))
    alice, bob = ("Basic " + base64.b64encode(f"{name}:password".encode()).decode() for name in ("alice", "bob"))
    for path, headers, kept in (("/own", MAX_AGE, False), ("/all", [["Cache-Control", "public, max-age=60"]], True)):
        first, second = ask(gateway, request(path, {"Authorization": alice}, answer={"size": 10, "headers": headers}),
                            request(path, {"Authorization": bob}, answer={"size": 20, "headers": headers}))
        assert (first.status, len(first.body)) == (200, 10)
        assert (second.status, len(second.body)) == (200, 10 if kept else 20)


def test_prefixes_that_were_cut_belong_to_the_key(gateway):
    serve(gateway, None, middleware("outer", "stripPrefix", {"prefixes": ["/a"]}),
          middleware("inner", "stripPrefix", {"prefixes": ["/b", "/c"]}), middlewares=("outer", "inner", "m"))
    first, second, third = ask(gateway, request("/a/b/x", answer={"size": 10, "headers": MAX_AGE}),
                               request("/a/c/x", answer={"size": 20, "headers": MAX_AGE}), request("/a/b/x"))
    assert (len(first.body), len(second.body), len(third.body)) == (10, 20, 10)
