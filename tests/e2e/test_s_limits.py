# SPDX-License-Identifier: Apache-2.0
"""What must end, and what must not get in (reference/security.md A2.6, A2.7)."""

import time

from conftest import backend_service, route


def test_slow_heads_end_at_the_deadline(gateway):
    gateway.write("10.yaml", route("web", "Host(`x.test`)"))
    gateway.start("--entryPoints.web.transport.respondingTimeouts.readTimeout=1s")
    began = time.monotonic()
    out = gateway.raw("GET / HTTP/1.1\r\nHost: x.t", timeout=10)
    assert time.monotonic() - began < 8
    assert out == b"" or out.startswith(b"HTTP/1.1 408")


def test_expansion_of_aliases_is_bounded(gateway):
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [" + ",".join([f"*{chr(97 + i)}"] * 10) + "]\n" for i in range(9))
    gateway.write("00-bomb.yaml", bomb)
    gateway.write("10.yaml", route("web", "Host(`x.test`)"))
    gateway.start()
    assert gateway.get("x.test")[0] == 200


def test_endpoints_on_loopback_are_refused(gateway):
    gateway.write("10.yaml", route("web", "Host(`x.test`)", service="local"),
                  *backend_service("local", ["127.0.0.1"], port=9180))
    gateway.start()
    assert gateway.get("x.test", "/metrics")[0] in (404, 503)
