# SPDX-License-Identifier: Apache-2.0
"""Middlewares that hold back, give up and try again, and our own, over the wire (reference c.4, c.6, c.10 to c.12)."""

import json
import re
import threading
import time

import pytest
from conftest import BACKENDS, CLIENT, TIDEGATE, backend_service, middleware, route, run
from teller import Teller, headers_of

PORT = 9300


@pytest.fixture
def teller(lab, tmp_path):
    made = Teller(lab, tmp_path, "a", BACKENDS["a"], PORT)
    yield made
    made.stop()


def serve(gateway, kind, conf, *more, options=()):
    gateway.write("10.yaml", *backend_service("t", [BACKENDS["a"]], port=PORT), middleware("m", kind, conf), *more,
                  route("web", "Host(`x.test`)", service="t", middlewares=("m",)))
    gateway.start(*options)


def all_at_once(gateway, n, path, *arguments):
    """Statuses and bodies of n requests that are under way together."""
    answers = [None] * n

    def ask(i):
        answers[i] = gateway.get("x.test", path, *arguments)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


# ------------------------------------------------------------- inFlightReq --

def test_requests_in_flight_are_limited_by_host(gateway, teller):
    serve(gateway, "inFlightReq", {"amount": 2})
    answers = all_at_once(gateway, 5, "/?delay=1")
    assert sorted(a[0] for a in answers) == [200, 200, 429, 429, 429]  # c.6
    assert {a[2] for a in answers if a[0] == 429} == {"max connections reached: 2"}
    assert gateway.get("x.test")[0] == 200


def test_in_flight_places_come_back_after_aborts_and_failures(gateway, teller):
    serve(gateway, "inFlightReq", {"amount": 1, "sourceCriterion": {"requestHeaderName": "X-Key"}})
    for _ in range(3):
        assert gateway.get("x.test", "/?cut")[0] == 502
    gateway.curl("--max-time", "0.3", "-H", "Host: x.test", "http://10.77.1.1/?delay=1", check=False)
    gateway.lab.wait_for(lambda: gateway.get("x.test")[0] == 200, "the place to come back", 5)


def test_in_flight_counts_survive_updates(gateway, teller):
    serve(gateway, "inFlightReq", {"amount": 1})
    slow = threading.Thread(target=gateway.get, args=("x.test", "/?delay=3"))
    slow.start()
    gateway.lab.wait_for(lambda: "delay" in str(teller.asked()), "the slow request")
    assert gateway.get("x.test")[0] == 429
    gateway.update("20.yaml", route("other", "Host(`y.test`)"))
    assert gateway.get("x.test")[0] == 429
    slow.join()
    gateway.lab.wait_for(lambda: gateway.get("x.test")[0] == 200, "the place to come back")


# ------------------------------------------------------------ circuitBreaker --

def test_a_circuit_opens_and_closes(gateway, teller):
    serve(gateway, "circuitBreaker", {"expression": "ResponseCodeRatio(500, 600, 0, 600) > 0.5", "checkPeriod": "10ms",
                                      "fallbackDuration": "1s", "recoveryDuration": "1s"})
    assert gateway.get("x.test", "/?status=500")[0] == 500
    assert teller.asked()
    status, _, body = gateway.get("x.test")
    assert (status, body) == (503, "Service Unavailable")  # c.11
    assert not teller.asked()
    gateway.update("20.yaml", route("other", "Host(`y.test`)"))
    assert gateway.get("x.test")[0] == 503  # kept over an update
    time.sleep(1)
    gateway.get("x.test")  # with this one recovery begins
    time.sleep(1.1)
    assert [gateway.get("x.test")[0] for _ in range(5)] == [200] * 5


def test_a_circuit_opens_for_network_errors_and_slowness(gateway, teller):
    slow = {"expression": "LatencyAtQuantileMS(50.0) > 200", "checkPeriod": "10ms", "responseCode": 429}
    serve(gateway, "circuitBreaker", {"expression": "NetworkErrorRatio() > 0.3", "checkPeriod": "10ms"},
          middleware("slow", "circuitBreaker", slow), route("slow", "Host(`slow.test`)", service="t", middlewares=("slow",)))
    assert gateway.get("x.test", "/?cut")[0] == 502
    assert gateway.get("x.test")[0] == 503
    assert gateway.get("slow.test", "/?delay=0.4")[0] == 200
    assert gateway.get("slow.test")[0] == 429


def test_a_bad_expression_names_its_column(gateway):
    gateway.write("10.yaml", middleware("m", "circuitBreaker", {"expression": "NetworkErrorRatio() > 0.5 && Ratio() > 1"}),
                  route("web", "Host(`x.test`)", middlewares=("m",)))
    gateway.start()
    assert gateway.get("x.test")[0] == 404  # a.4
    assert "column 30: unknown function Ratio" in gateway.log()


# ---------------------------------------------------------------- buffering --

def test_bodies_are_held_to_their_size(gateway, teller, tmp_path):
    serve(gateway, "buffering", {"maxRequestBodyBytes": 1000, "maxResponseBodyBytes": 5000, "memRequestBodyBytes": 100})
    body = tmp_path / "body"
    for size, wanted in ((10, 200), (1000, 200), (1001, 413)):  # c.10
        body.write_bytes(b"x" * size)
        for chunked in ((), ("-H", "Transfer-Encoding: chunked")):
            status, _, text = gateway.get("x.test", "/", "--data-binary", f"@{body}", *chunked)
            assert status == wanted, (size, chunked)
            if wanted == 413:
                assert text == "Request Entity Too Large"
                continue
            told = json.loads(text)
            assert len(told["body"]) == size and headers_of(told)["content-length"] == [str(size)]
            assert "transfer-encoding" not in headers_of(told)
    assert len(gateway.get("x.test", "/?size=5000")[2]) == 5000
    status, _, text = gateway.get("x.test", "/?size=5001")
    assert (status, text) == (500, "Internal Server Error")


def test_a_large_body_goes_through_a_file(gateway, teller, tmp_path):
    serve(gateway, "buffering", {"memRequestBodyBytes": 1024})
    body = tmp_path / "body"
    body.write_bytes(bytes(range(256)) * 12000)
    status, _, text = gateway.get("x.test", "/", "--data-binary", f"@{body}")
    assert status == 200 and json.loads(text)["body"].encode("latin1") == body.read_bytes()


def test_buffering_sends_again_as_its_expression_says(gateway, teller):
    serve(gateway, "buffering", {"retryExpression": "ResponseCode() == 500 && Attempts() < 3"})
    for method in ("GET", "POST"):
        assert gateway.get("x.test", "/?status=500", "-X", method, "-d", "all of it")[0] == 500
        asked = teller.asked()
        assert [a["method"] for a in asked] == [method] * 3
        assert {a["body"] for a in asked} == {"all of it"}
    assert gateway.get("x.test", "/?status=503")[0] == 503
    assert len(teller.asked()) == 1


# -------------------------------------------------------------------- retry --

RETRIES = [
    # section, settings, method, path, how often the service is asked
    ("c.12", {"attempts": 3, "status": ["500-599"]}, "GET", "/?status=503", 3),
    ("c.12", {"attempts": 3, "status": ["404", "500-502"]}, "PUT", "/?status=404", 3),
    ("c.12", {"attempts": 3, "status": ["500-599"]}, "GET", "/?status=404", 1),
    ("c.12", {"attempts": 3, "status": ["500-599"]}, "POST", "/?status=503", 1),
    ("c.12", {"attempts": 3, "status": ["500-599"]}, "PATCH", "/?status=503", 1),
    ("c.12", {"attempts": 3, "status": ["500-599"], "retryNonIdempotentMethod": True}, "POST", "/?status=503", 3),
    ("c.12", {"attempts": 3}, "GET", "/?status=503", 1),
    ("c.12", {"attempts": 1, "status": ["500-599"]}, "GET", "/?status=503", 1),
    ("c.12", {"attempts": 3, "status": ["500-599"], "maxRequestBodyBytes": 3}, "PUT", "/?status=503", 1),
    ("c.12", {"attempts": 3, "status": ["500-599"], "maxRequestBodyBytes": -1}, "PUT", "/?status=503", 3),
]


def test_requests_are_sent_again_for_their_status(gateway, teller):
    objects = []
    for i, (_, conf, *_rest) in enumerate(RETRIES):
        objects += [middleware(f"m{i}", "retry", conf), route(f"r{i}", f"Host(`h{i}.test`)", service="t", middlewares=(f"m{i}",))]
    serve(gateway, "retry", {"attempts": 2}, *objects)
    for i, (section, conf, method, path, n) in enumerate(RETRIES):
        body = () if method == "GET" else ("-d", "body")
        status = gateway.get(f"h{i}.test", path, "-X", method, *body)[0]
        asked = teller.asked()
        assert status == int(path[-3:]) and len(asked) == n, (section, conf, method, path, len(asked))
        assert {a["body"] for a in asked} == {"body" if body else ""}


def test_a_retry_waits_for_a_server_to_come_back(gateway, lab, tmp_path):
    serve(gateway, "retry", {"attempts": 20, "initialInterval": "100ms"})
    assert gateway.get("x.test", "/", "-X", "POST", "-d", "x", "--max-time", "1")[0] in (0, 502)
    answers = []
    asking = threading.Thread(target=lambda: answers.append(gateway.get("x.test", "/", "-X", "POST", "-d", "late")))
    asking.start()
    time.sleep(0.4)
    late = Teller(lab, tmp_path, "a", BACKENDS["a"], PORT)
    asking.join()
    assert answers[0][0] == 200 and [a["body"] for a in late.asked()].count("late") == 1
    late.stop()


def test_no_attempt_begins_after_the_timeout(gateway, teller):
    serve(gateway, "retry", {"attempts": 50, "initialInterval": "100ms", "timeout": "600ms", "status": ["503"]})
    before = time.monotonic()
    assert gateway.get("x.test", "/?status=503")[0] == 503
    assert time.monotonic() - before < 2 and 2 < len(teller.asked()) < 12


# ------------------------------------------------------------- our own ones --

def test_every_request_has_an_id(gateway, teller, tmp_path):
    log = tmp_path / "access.log"
    serve(gateway, "requestId", {}, middleware("any", "requestId", {"trust": "always", "headerName": "X-Trace", "format": "random"}),
          route("any", "Host(`any.test`)", service="t", middlewares=("any",)),
          options=(f"--accessLog.filePath={log}", "--accessLog.format=json"))
    seen = set()
    for _ in range(20):
        status, headers, body = gateway.get("x.test", "/", "-H", "X-Request-Id: mine")
        [given] = headers["x-request-id"]
        assert headers_of(json.loads(body))["x-request-id"] == [given]
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", given)
        assert abs(int(given.replace("-", "")[:12], 16) - time.time() * 1000) < 60_000
        seen.add(given)
    assert len(seen) == 20
    assert gateway.get("any.test", "/", "-H", "X-Trace: mine-1")[1]["x-trace"] == ["mine-1"]
    assert re.fullmatch(r"[0-9a-f]{32}", gateway.get("any.test", "/", "-H", "X-Trace: a b")[1]["x-trace"][0])
    told = headers_of(json.loads(gateway.get("x.test", "/", "-H", "Connection: X-Request-Id, close")[2]))
    assert len(told["x-request-id"]) == 1  # a nomination by the client takes nothing away
    assert gateway.get("x.test", "/?cut")[1]["x-request-id"]  # the proxy's own answers have it too
    gateway.lab.wait_for(lambda: log.exists() and "mine-1" in log.read_text(), "the access log")
    logged = {json.loads(line).get("RequestId") for line in log.read_text().splitlines()}
    assert seen <= logged and "mine-1" in logged


def config_map(name, data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data}


def test_denied_addresses_change_on_their_own(gateway):
    gateway.write("10.yaml", middleware("m", "deny", {"cidrs": ["192.0.2.0/24"], "configMaps": ["feed"]}),
                  route("web", "Host(`x.test`)", middlewares=("m",)))
    gateway.write("20.yaml", config_map("feed", {"list": "198.51.100.0/24\n"}))
    gateway.start()
    assert gateway.get("x.test")[0] == 200
    gateway.update("20.yaml", config_map("feed", {"list": f"# now\n198.51.100.0/24\n{CLIENT} # us\n"}))
    status, _, body = gateway.get("x.test")
    assert (status, body) == (403, "Forbidden")
    gateway.update("20.yaml", config_map("feed", {"list": "198.51.100.0/24\nnonsense"}))
    assert gateway.get("x.test")[0] == 404  # a set that cannot be read lets nobody in
    gateway.lab.wait_for(lambda: "line 2 of feed, key list" in gateway.log(), "the fault in the log")
    gateway.update("20.yaml", config_map("feed", {"list": ""}))
    assert gateway.get("x.test")[0] == 200


def test_a_million_addresses_are_denied(gateway):
    rows = "\n".join(f"{a}.{b}.{c}.{d}/32" for a in (11, 12) for b in range(123) for c in range(0, 256, 2) for d in range(0, 256, 8))
    gateway.write("10.yaml", middleware("m", "deny", {"configMaps": ["feed"]}), route("web", "Host(`x.test`)", middlewares=("m",)))
    gateway.write("20.yaml", json.dumps(config_map("feed", {"a": rows, "b": f"{CLIENT}/32"})))
    gateway.start()
    assert rows.count("\n") + 1 > 1_000_000 and gateway.get("x.test")[0] == 403
    before = time.monotonic()
    gateway.update("30.yaml", route("other", "Host(`y.test`)"))
    assert gateway.get("y.test")[0] == 200 and gateway.get("x.test")[0] == 403
    assert time.monotonic() - before < 3  # the set was kept


def test_deadlines_of_routes(gateway, teller):
    serve(gateway, "timeouts", {"responseHeader": "500ms"}, middleware("total", "timeouts", {"total": "700ms"}),
          route("total", "Host(`total.test`)", service="t", middlewares=("total",)),
          middleware("request", "timeouts", {"request": "500ms"}),
          route("request", "Host(`request.test`)", service="t", middlewares=("request",)))
    assert gateway.get("x.test", "/?delay=0.1")[0] == 200
    for host, path in (("x.test", "/?delay=3"), ("total.test", "/?delay=3")):
        before = time.monotonic()
        assert gateway.get(host, path)[0] == 504, host
        assert time.monotonic() - before < 2
    out = gateway.raw("POST / HTTP/1.1\r\nHost: request.test\r\nContent-Length: 10\r\n\r\nhalf", timeout=3)
    assert out.startswith(b"HTTP/1.1 408"), out


def test_what_middlewares_do_is_explained(gateway, teller):
    serve(gateway, "inFlightReq", {"amount": 7})
    said = run(TIDEGATE, "explain", f"--manifests={gateway.manifests}", "--entryPoints.web.address=:80",
               "--url=http://x.test/",
               check=False)
    assert 'lets 7 requests of "x.test" be under way' in said.stdout, said
