# SPDX-License-Identifier: Apache-2.0
"""test_k_entry: entry points that redirect, add middlewares, and come from files and environment (reference b.6, e, j)."""

import os
import subprocess

import pytest
import yaml

from conftest import SANITIZED, TIDEGATE, middleware, route
from loop import Loop, Upstream, values
from ports import free_port
from test_k_wire import loop_service


@pytest.fixture(scope="module")
def up():
    made = Upstream()
    yield made
    made.close()


def start(folder, up, items, entry_points, *options):
    text = "---\n".join(yaml.safe_dump(item) for item in loop_service("up", up.port) + items)
    return Loop(TIDEGATE, str(folder), entry_points, text, [*options, *(["--security.seccomp=false"] if SANITIZED else [])])


ALL = route("all", "PathPrefix(`/`)", service="up", entry_points=("web", "other"), priority=9223372036854774807)
REDIRECTIONS = [
    # options behind --entryPoints.web.http.redirections.entryPoint., method, status, Location with {port} of `other`
    (("to=other",), "GET", 301, "https://h:{port}/a?b"), (("to=other",), "POST", 308, "https://h:{port}/a?b"),
    (("to=other", "permanent=false"), "GET", 302, "https://h:{port}/a?b"), (("to=other", "scheme=http"), "GET", 301, "http://h:{port}/a?b"),
    (("to=:443",), "GET", 301, "https://h/a?b"), (("to=:8443",), "HEAD", 308, "https://h:8443/a?b"),
    (("to=other", "priority=1"), "GET", 200, None),
]


@pytest.mark.parametrize("options,method,status,location", REDIRECTIONS)
def test_entry_points_that_redirect(up, tmp_path, options, method, status, location):
    """e, http.redirections: above any route of a user, unless its priority says otherwise."""
    gw = start(tmp_path, up, [ALL], ["web", "other"], *(f"--entryPoints.web.http.redirections.entryPoint.{o}" for o in options))
    try:
        found, head, _ = gw.ask("/a?b", method=method)
        want = [location.format(port=gw.ports["other"])] if location else []
        assert (found, values(head, "Location")) == (status, want)
        assert gw.ask("/a?b", entry_point="other")[0] == 200
    finally:
        gw.stop()


def test_middlewares_of_the_entry_point_come_first(up, tmp_path):
    """b.6: prepended to those of the route; other entry points have none."""
    items = [ALL, route("own", "PathPrefix(`/outer/inner`)", service="up", entry_points=("web", "other"), middlewares=["inner"],
                        priority=9223372036854774807),
             middleware("outer", "stripPrefix", {"prefixes": ["/outer"]}), middleware("inner", "stripPrefix", {"prefixes": ["/inner"]})]
    del items[0]["spec"]["routes"][0]["priority"]
    gw = start(tmp_path, up, items, ["web", "other"], "--entryPoints.web.http.middlewares=default-outer@kubernetescrd")
    try:
        assert gw.ask("/outer/inner/echo")[2].startswith(b"GET /echo HTTP")
        assert gw.ask("/outer/x")[2].startswith(b"GET /x HTTP")
        assert gw.ask("/outer/inner/echo", entry_point="other")[2].startswith(b"GET /outer/inner/echo HTTP")
    finally:
        gw.stop()


def test_a_missing_middleware_of_the_entry_point_closes_it(up, tmp_path):
    """k.6, security.md A2.7: never served without it."""
    gw = start(tmp_path, up, [ALL], ["web", "other"], "--entryPoints.web.http.middlewares=default-none@kubernetescrd")
    try:
        assert gw.ask("/a")[0] == 404
        assert gw.ask("/a", entry_point="other")[0] == 200
    finally:
        gw.stop()


def test_options_from_file_environment_and_flags(up, tmp_path):
    """j: names without regard to case, lists as lists or with commas; flags before environment before file."""
    conf = tmp_path / "conf.yaml"
    ports = [free_port() for _ in range(3)]
    conf.write_text(yaml.safe_dump({
        "entryPoints": {"web": {"Address": f"127.0.0.1:{ports[0]}", "forwardedHeaders": {"trustedIPs": ["192.0.2.1", "127.0.0.0/8"]}},
                        "file": {"address": f"127.0.0.1:{ports[1]}", "transport": {"respondingTimeouts": {"readTimeout": 7}}}},
        "providers": {"kubernetesCRD": {"allowCrossNamespace": True}}, "log": {"level": "warn"}}))
    item = route("all", "PathPrefix(`/`)", service="up", entry_points=("web", "file", "env"))
    text = "---\n".join(yaml.safe_dump(i) for i in loop_service("up", up.port) + [item])
    os.environ.update({"TRAEFIK_ENTRYPOINTS_ENV_ADDRESS": f"127.0.0.1:{ports[2]}", "TIDEGATE_LOG_LEVEL": "ERROR",
                       "TIDEGATE_ENTRYPOINTS_FILE_FORWARDEDHEADERS_INSECURE": "true", "TIDEGATE_SERVICE_HOST": "10.96.0.1"})
    try:
        gw = Loop(TIDEGATE, str(tmp_path), [], text, [f"--configfile={conf}", *(["--security.seccomp=false"] if SANITIZED else [])])
        gw.ports = dict(zip(("web", "file", "env"), ports))
        for port in ports:
            gw._await(port)
        for name, trusted in (("web", True), ("file", True), ("env", False)):
            raw = gw.ask(headers="X-Forwarded-For: 9.9.9.9\r\n", entry_point=name)[2]
            assert values(raw, "X-Forwarded-For") == ["9.9.9.9, 127.0.0.1" if trusted else "127.0.0.1"], name
    finally:
        for name in ("TRAEFIK_ENTRYPOINTS_ENV_ADDRESS", "TIDEGATE_LOG_LEVEL", "TIDEGATE_SERVICE_HOST",
                     "TIDEGATE_ENTRYPOINTS_FILE_FORWARDEDHEADERS_INSECURE"):
            del os.environ[name]
        gw.stop()


FAULTS = [
    # options, what the message holds
    (["--entryPoints.web.adress=:80"], ["entryPoints.web.adress", "did you mean address?"]),
    (["--entryPoint.web.address=:80"], ["entryPoint", "did you mean entryPoints?"]),
    (["--entryPoints.web.address=80"], ["entryPoints.web.address", "expected", "found"]),
    (["--entryPoints.web.address=:80", "--entryPoints.web.http.underscoreHeadersStrategy=drop"], ["one of keep, delete, reject"]),
    (["--entryPoints.web.address=:80", "--entryPoints.web.transport.respondingTimeouts.readTimeout=1 minute"], ["duration"]),
    (["--log.level=LOUD"], ["log.level", "one of"]),
    (["--providers.docker=true"], ["providers.docker", "not supported"]),
    (["--entryPoints.web.address=:80", "--entryPoints.web.forwardedHeaders.trustedIPs=10.0.0.0/40"], ["trustedIPs[0]", "10.0.0.0/40"]),
]


@pytest.mark.parametrize("options,parts", FAULTS)
def test_faults_of_options_are_named(tmp_path, options, parts):
    done = subprocess.run([TIDEGATE, "check", f"--manifests={tmp_path}", *options], capture_output=True, text=True, timeout=20)
    assert done.returncode != 0
    for part in parts:
        assert part.lower() in (done.stdout + done.stderr).lower(), done.stderr


# --------------------------------------------------------------------- manifests --

YAML = [
    # cite, document, (objects or None, errors at least)
    ("anchors and merge keys", """
base: &base {a: 1}
---
apiVersion: v1
kind: Secret
metadata: &m {name: s}
stringData:
  <<: {k: v}
  other: "x"
""", None),
    ("duplicate keys", "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nmetadata: {name: t}\n", 1),
    ("tabs", "apiVersion: v1\nkind: Secret\n\tmetadata: {}\n", 1), ("unclosed", "apiVersion: [v1\n", 1),
    ("binary", "\x00\x01\x02", 1), ("only comments", "# nothing\n---\n# here\n", 0), ("empty documents", "---\n---\n...\n---\n", 0),
    ("a scalar", "hello\n", 1), ("wrong name", "apiVersion: v1\nkind: Secret\nmetadata: {name: yes}\n", 1),
    ("a list", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: s}\n  stringData: {a: b}\n", 0),
    ("another kind", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {}\n", 0),
    ("JSON", '{"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},"stringData":{"a":"b"}}', 0),
    ("CRLF", "apiVersion: v1\r\nkind: Secret\r\nmetadata: {name: s}\r\nstringData: {a: b}\r\n", 0),
    ("byte order mark", "\ufeffapiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: b}\n", 0),
    ("managed fields and status", "apiVersion: v1\nkind: Service\nmetadata: {name: s, managedFields: [{manager: x}], uid: u, "
     "generation: 3, ownerReferences: []}\nspec: {ports: [{port: 80, protocol: TCP, targetPort: web, nodePort: 30000}], "
     "selector: {a: b}, sessionAffinity: None, ipFamilies: [IPv4]}\nstatus: {loadBalancer: {}}\n", 0),
    ("deep nesting", "a: " + "[" * 5000 + "]" * 5000 + "\n", 1),
]


@pytest.mark.parametrize("cite,text,errors", YAML, ids=[r[0] for r in YAML])
def test_yaml_of_all_sorts(tmp_path, cite, text, errors):
    """A broken document is told of with its file and line, and nothing crashes."""
    (tmp_path / "x.yaml").write_text(text, newline="")
    done = subprocess.run([TIDEGATE, "check", f"--manifests={tmp_path}"], capture_output=True, text=True, timeout=20)
    assert done.returncode in (0, 1), done.stderr
    if errors is not None:
        assert (done.returncode == 1) == bool(errors), done.stdout + done.stderr
    if errors:
        assert "x.yaml" in done.stdout + done.stderr
