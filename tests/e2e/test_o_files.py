# SPDX-License-Identifier: Apache-2.0
"""Traefik's own file format (providers.file), YAML and TOML, over the wire."""

import os
import textwrap
import time

from conftest import BACKEND_PORT, BACKENDS, middleware, route

SERVERS = "".join(f'\n                  - url: "http://{address}:{BACKEND_PORT}/"' for address in BACKENDS.values())

YAML = f"""
    http:
      routers:
        My_Router:
          rule: Host(`x.test`) && PathPrefix(`/api`)
          entryPoints: [web]
          middlewares: [strip, default-mark@kubernetescrd]
          service: app
        users:
          rule: Host(`u.test`)
          middlewares: [auth]
          service: app
        canary:
          rule: Host(`c.test`)
          service: both
        broken:
          rule: Hots(`x`)
          service: app
      middlewares:
        strip:
          stripPrefix:
            prefixes: [/api]
        auth:
          basicAuth:
            users: ["me:{{SHA}}qUqP5cyxm6YcTAhz05Hph5gvu9M="]
      services:
        app:
          loadBalancer:
            servers:{SERVERS}
        one:
          loadBalancer:
            passHostHeader: false
            servers:
              - url: "http://{BACKENDS['a']}:{BACKEND_PORT}"
        both:
          weighted:
            services:
              - name: app
                weight: 1
              - name: one
                weight: 1
    """

TOML = f"""
    [http.routers.t]
      rule = "Host(`t.test`)"
      service = "ts"
      [http.routers.t.observability]
        accessLogs = true
    [[http.services.ts.loadBalancer.servers]]
      url = "http://{BACKENDS['b']}:{BACKEND_PORT}"
    """


def write(gateway, name, text):
    folder = os.path.join(gateway.folder, "files")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    with open(path + ".tmp~", "w") as file:
        file.write(textwrap.dedent(text))
    os.rename(path + ".tmp~", path)
    return path


def test_a_folder_of_files_in_both_syntaxes(gateway):
    gateway.write("10.yaml", middleware("mark", "headers", {"customResponseHeaders": {"X-Mark": "yes"}}))
    folder = os.path.dirname(write(gateway, "a.yml", YAML))
    write(gateway, "b.toml", TOML)
    gateway.start(f"--providers.file.directory={folder}")
    status, headers, body = gateway.get("x.test", "/api/users")
    assert status == 200 and "uri=/users " in body and headers["x-mark"] == ["yes"]
    assert gateway.get("t.test")[0] == gateway.get("c.test")[0] == 200
    assert gateway.get("u.test")[0] == 401
    assert gateway.get("u.test", "/", "-u", "me:test")[0] == 200
    text = gateway.lab.run("gw", "curl", "-s", "http://127.0.0.1:9180/api/rawdata").stdout
    assert '"My_Router@file"' in text and '"app@file"' in text and "qUqP5cyxm6" not in text


def test_a_change_of_a_file_is_live(gateway):
    path = write(gateway, "one.toml", TOML)
    gateway.start(f"--providers.file.filename={path}")
    assert gateway.get("t.test")[0] == 200 and gateway.get("n.test")[0] == 404
    before = gateway.status()["revision"]
    write(gateway, "one.toml", TOML.replace("t.test", "n.test"))
    gateway.settle(before)
    assert gateway.get("n.test")[0] == 200 and gateway.get("t.test")[0] == 404


def test_a_file_that_breaks_keeps_what_it_said(gateway):
    path = write(gateway, "one.toml", TOML)
    gateway.start(f"--providers.file.filename={path}")
    write(gateway, "one.toml", "[http.routers.t\nrule = ")
    time.sleep(0.2)
    assert gateway.get("t.test")[0] == 200
    result = gateway.command("check", f"--providers.file.filename={path}")
    assert result.returncode == 1 and "cannot be parsed" in result.stdout + result.stderr


def test_manifests_may_name_what_files_hold(gateway):
    path = write(gateway, "a.yml", YAML)
    item = route("r", "Host(`m.test`)", services=[{"name": "app@file", "kind": "TraefikService"}])
    item["spec"]["routes"][0]["middlewares"] = [{"name": "strip@file"}]
    gateway.write("10.yaml", item)
    gateway.start(f"--providers.file.filename={path}")
    status, _, body = gateway.get("m.test", "/api/a")
    assert status == 200 and "uri=/a " in body


SERVICES = f"""
    http:
      routers:
        kept: {{rule: Host(`p.test`), service: kept}}
        over: {{rule: Host(`o.test`), service: over}}
        sick: {{rule: Host(`s.test`), service: sick}}
        twice: {{rule: Host(`2.test`), service: twice}}
      services:
        kept:
          loadBalancer:
            servers: [{{url: "http://{BACKENDS['a']}:{BACKEND_PORT}/base%2Fd/", preservePath: true}}]
        dead:
          loadBalancer:
            servers: [{{url: "http://{BACKENDS['a']}:1"}}]
            healthCheck: {{path: /, interval: 100ms, timeout: 100ms}}
        over: {{failover: {{service: sick, fallback: kept, healthCheck: {{}}}}}}
        sick: {{weighted: {{services: [{{name: copied, weight: 1}}], healthCheck: {{}}}}}}
        copied: {{mirroring: {{service: dead, healthCheck: {{}}}}}}
        twice:
          loadBalancer: {{servers: [{{url: "http://{BACKENDS['a']}:{BACKEND_PORT}"}}]}}
          weighted: {{services: [{{name: kept}}]}}
    """


def test_what_only_files_can_say_of_services(gateway):
    """d.5 preservePath joins the paths; a.6 healthCheck of composites hands states up; d.2 two types are an error."""
    path = write(gateway, "a.yml", SERVICES)
    gateway.start(f"--providers.file.filename={path}")
    assert "uri=/base%2Fd/x?y " in gateway.get("p.test", "/x?y")[2]
    assert "uri=/base%2Fd/ " in gateway.get("p.test", "/")[2]
    assert gateway.get("2.test")[0] == 404
    gateway.lab.wait_for(lambda: gateway.get("o.test", "/x")[0] == 200, "the fallback")
    assert gateway.get("s.test")[0] == 503


def test_templates_are_refused_not_misread(gateway):
    path = write(gateway, "a.yml", 'http:\n  routers:\n    r: {rule: "Host(`{{ env `H` }}`)", service: s}\n')
    result = gateway.command("check", f"--providers.file.filename={path}")
    assert result.returncode == 1 and "Go templates are not rendered" in result.stdout + result.stderr
