# SPDX-License-Identifier: Apache-2.0
"""Bodies that are kept before they are forwarded: through memory and files, with the system call filter on."""

import hashlib

import pytest
from conftest import middleware, route
from many_servers import SERVERS, all_backends, backends, service  # noqa: F401

SIZES = [10, 1 << 20, 5 << 20]


@pytest.mark.parametrize("size", SIZES)
def test_a_kept_body_arrives_as_it_was(gateway, backends, tmp_path, size):
    """c.10: read to its end first (beyond 1 MiB in a file), then sent with its length."""
    data = bytes(i * 7 % 251 for i in range(1000)) * (size // 1000 + 1)
    path = tmp_path / "body"
    path.write_bytes(data[:size])
    gateway.write("10.yaml", middleware("keep", "buffering", {"maxRequestBodyBytes": 64 << 20}),
                  *service("one", SERVERS[0]),
                  route("web", "Host(`x.test`)", service="one", middlewares=("keep",)))
    gateway.start()
    for header in ("Content-Length", "Transfer-Encoding: chunked"):
        extra = ["-H", header] if ":" in header else []
        status, _, body = gateway.get("x.test", "/", "-X", "POST", "--data-binary", f"@{path}", *extra)
        assert status == 200 and f'"length": {size}' in body, body[:300]
        told = backends.told(SERVERS[0])[-1]
        assert told["headers"]["content-length"] == str(size) and "transfer-encoding" not in told["headers"]
        assert hashlib.sha256(told["body"].encode("latin1")).digest() == hashlib.sha256(data[:size]).digest()


def test_a_folder_that_cannot_be_written_costs_large_bodies_only(gateway, backends, tmp_path):
    path = tmp_path / "body"
    path.write_bytes(b"x" * (3 << 20))
    gateway.write("10.yaml", middleware("keep", "buffering", {"maxRequestBodyBytes": 64 << 20}),
                  *service("one", SERVERS[0]),
                  route("web", "Host(`x.test`)", service="one", middlewares=("keep",)))
    gateway.start("--limits.bodyDirectory=/nowhere/at/all")
    assert gateway.get("x.test", "/", "-X", "POST", "-d", "small")[0] == 200
    assert gateway.get("x.test", "/", "-X", "POST", "--data-binary", f"@{path}")[0] == 500
    assert gateway.get("x.test", "/", "-X", "POST", "-d", "small")[0] == 200


def test_what_files_take_is_bounded(gateway, backends, tmp_path):
    path = tmp_path / "body"
    path.write_bytes(b"x" * (3 << 20))
    gateway.write("10.yaml", middleware("keep", "buffering", {"maxRequestBodyBytes": 64 << 20}),
                  *service("one", SERVERS[0]),
                  route("web", "Host(`x.test`)", service="one", middlewares=("keep",)))
    gateway.start("--limits.bodyDisk=1Mi")
    assert gateway.get("x.test", "/", "-X", "POST", "--data-binary", f"@{path}")[0] == 500
    path.write_bytes(b"x" * (3 << 19))
    assert gateway.get("x.test", "/", "-X", "POST", "--data-binary", f"@{path}")[0] == 200


def test_a_request_that_failed_is_sent_whole_to_another_server(gateway, backends):
    """c.12: a status that is asked for again; the body goes along."""
    gateway.write("10.yaml", middleware("again", "retry", {"attempts": 4, "status": ["500-599"],
                                                           "retryNonIdempotentMethod": True}),
                  *service("two", SERVERS[0], SERVERS[1]),
                  route("web", "Host(`x.test`)", service="two", middlewares=("again",)))
    gateway.start()
    backends.set(SERVERS[0], status=503)
    for _ in range(6):
        status, _, body = gateway.get("x.test", "/", "-X", "POST", "-d", "hello")
        assert status == 200 and '"length": 5' in body
    assert {seen["body"] for seen in backends.told(SERVERS[0]) + backends.told(SERVERS[1])} == {"hello"}
