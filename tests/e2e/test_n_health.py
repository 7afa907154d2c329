# SPDX-License-Identifier: Apache-2.0
"""Health of servers over the wire, and what of it survives updates (reference d.2 to d.4, k.20)."""

import time

import pytest
from conftest import route, run
from many_servers import (PORT, SERVERS, all_backends, ask, backends, external, name_of, server_status,  # noqa: F401
                          server_up, service, to, traefik_service)

PROBES = [
    # what, healthCheck, what the server does, up
    ("d.3 200 to 399", {}, {"status": 399}, True),
    ("d.3 400 is a failure", {}, {"status": 400}, False),
    ("d.3 the status that is asked for", {"status": 418}, {"status": 418}, True),
    ("d.3 another one", {"status": 204}, {"status": 200}, False),
    ("d.3 a connection that closes", {}, {"close": 1}, False),
    ("d.3 too slow", {"timeout": "100ms"}, {"delay": 1}, False),
    ("d.3 a redirection is followed", {}, {"status": 302, "extra": "Location:%20/again"}, False),
    ("d.3 or not", {"followRedirects": False}, {"status": 302, "extra": "Location:%20/again"}, True),
]


@pytest.mark.parametrize("row", PROBES, ids=[row[0] for row in PROBES])
def test_probes_decide(gateway, backends, row):
    _, check, behaviour, is_up = row
    gateway.write("10.yaml", external("ext", SERVERS[0]),
                  route("r", "Host(`r.test`)",
                        services=[{"name": "ext", "port": PORT, "healthCheck": {"interval": "100ms", **check}}]))
    backends.set(SERVERS[0], **behaviour)
    gateway.start("--providers.kubernetesCRD.allowExternalNameServices=true")
    if is_up:
        gateway.lab.wait_for(lambda: backends.told(SERVERS[0]), "a probe")
        time.sleep(0.3)
        assert server_status(gateway, "default-r-") == "UP"
    else:
        gateway.lab.wait_for(lambda: server_status(gateway, "default-r-") == "DOWN", "it to be down")


def test_a_probed_server_goes_down_and_comes_back(gateway, backends):
    """d.3: up at first, no probe at t=0, down on failure, 503; back on success; kept over updates; metric and API."""
    check = {"interval": "150ms", "unhealthyInterval": "100ms", "path": "/ready?x=1", "hostname": "probe.test",
             "method": "HEAD", "headers": {"X-Probe": "yes"}}
    objects = [external("ext", SERVERS[0]),
               route("r", "Host(`r.test`)", services=[{"name": "ext", "port": PORT, "healthCheck": check}])]
    gateway.write("10.yaml", *objects)
    backends.set(SERVERS[0], status=500)
    gateway.start("--providers.kubernetesCRD.allowExternalNameServices=true")
    gateway.lab.wait_for(lambda: gateway.get("r.test")[0] == 503, "503")
    assert gateway.get("r.test")[2] == "no available server\n"
    probe = [request for request in backends.told(SERVERS[0]) if request["method"] == "HEAD"][0]
    assert probe["path"] == "/ready?x=1"
    assert probe["headers"]["host"] == "probe.test" and probe["headers"]["x-probe"] == "yes"

    def status():
        return server_status(gateway, "default-r-")

    name = [key for key in gateway.metrics() if key.startswith("tidegate_service_server_up")][0]
    assert gateway.metrics()[name] == 0 and status() == "DOWN"
    # A change of something else does not bring it back (Traefik starts from up again).
    for n in range(5):
        gateway.update("20.yaml", route("x", f"Host(`x{n}.test`)"))
        assert gateway.get("r.test")[0] == 503 and gateway.metrics()[name] == 0
    backends.set(SERVERS[0], status=204)
    gateway.lab.wait_for(lambda: status() == "UP", "it to be up")
    assert gateway.get("r.test")[0] == 204 and gateway.metrics()[name] == 1
    assert "server is unhealthy" in gateway.log() and "server is healthy again" in gateway.log()


TLS = r"""
import http.server, ssl, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int(open(sys.argv[2]).read())); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *_): pass
server = http.server.HTTPServer(("0.0.0.0", int(sys.argv[1])), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[3], sys.argv[4])
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


def test_probes_may_be_tls_by_the_services_transport(gateway, backends, tmp_path):
    """d.3: scheme and port overrides; the service's ServersTransport holds."""
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
        "-subj", "/CN=probe", "-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "crt"))
    status = tmp_path / "status"
    status.write_text("200")

    def manifests(verify):
        return [external("ext", SERVERS[0]),
                {"apiVersion": "traefik.io/v1alpha1", "kind": "ServersTransport",
                 "metadata": {"name": "lax", "namespace": "default"}, "spec": {"insecureSkipVerify": not verify}},
                route("r", "Host(`r.test`)", services=[{
                    "name": "ext", "port": PORT, "serversTransport": "lax",
                    "healthCheck": {"scheme": "https", "port": 9443, "interval": "100ms"}}])]

    server = gateway.lab.start("a", "/usr/bin/python3", "-c", TLS, "9443", str(status), str(tmp_path / "crt"),
                               str(tmp_path / "key"))
    try:
        gateway.lab.wait_for(lambda: gateway.lab.run("a", "curl", "-sk", "https://127.0.0.1:9443/",
                                                     check=False).returncode == 0, "TLS")
        gateway.write("10.yaml", *manifests(verify=False))
        gateway.start("--providers.kubernetesCRD.allowExternalNameServices=true")
        time.sleep(0.5)
        assert server_status(gateway, "default-r-") == "UP", gateway.log()
        status.write_text("503")
        gateway.lab.wait_for(lambda: server_status(gateway, "default-r-") == "DOWN", "503")
        status.write_text("200")
        gateway.lab.wait_for(lambda: server_status(gateway, "default-r-") == "UP", "200")
        gateway.update("10.yaml", *manifests(verify=True))
        gateway.lab.wait_for(lambda: server_status(gateway, "default-r-") == "DOWN", "a certificate of nobody")
    finally:
        gateway.lab.stop(server)


GRPC = r"""
import grpc, sys, concurrent.futures
answers = {"SERVING": b"\x08\x01", "NOT_SERVING": b"\x08\x02", "UNKNOWN": b""}
def check(request, context):
    said = open(sys.argv[2]).read().strip()
    if said == "UNIMPLEMENTED": context.abort(grpc.StatusCode.UNIMPLEMENTED, "no")
    return answers[said]
class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method == "/grpc.health.v1.Health/Check":
            return grpc.unary_unary_rpc_method_handler(check)
server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((Handler(),))
server.add_insecure_port(f"0.0.0.0:{sys.argv[1]}")
server.start()
server.wait_for_termination()
"""


def test_grpc_servers_are_probed_in_their_own_protocol(gateway, backends, tmp_path):
    """d.3: grpc.health.v1, plaintext unless scheme is https, SERVING required."""
    said = tmp_path / "said"
    said.write_text("SERVING")
    gateway.write("10.yaml", external("ext", SERVERS[0]),
                  route("r", "Host(`r.test`)", services=[{
                      "name": "ext", "port": PORT,
                      "healthCheck": {"mode": "grpc", "port": 9300, "interval": "100ms"}}]))
    server = gateway.lab.start("a", "/usr/bin/python3", "-c", GRPC, "9300", str(said))
    try:
        gateway.lab.wait_for(lambda: gateway.lab.run("a", "curl", "-s", "--http2-prior-knowledge",
                                                     "http://127.0.0.1:9300/", check=False).returncode == 0, "gRPC")
        gateway.start("--providers.kubernetesCRD.allowExternalNameServices=true")
        time.sleep(0.5)
        assert server_status(gateway, "default-r-") == "UP", gateway.log()
        for answer in ("NOT_SERVING", "UNIMPLEMENTED", "UNKNOWN"):
            said.write_text(answer)
            gateway.lab.wait_for(lambda: server_status(gateway, "default-r-") == "DOWN", answer)
            said.write_text("SERVING")
            gateway.lab.wait_for(lambda: server_status(gateway, "default-r-") == "UP", "SERVING")
    finally:
        gateway.lab.stop(server)
    gateway.lab.wait_for(lambda: server_status(gateway, "default-r-") == "DOWN", "a refused connection")


def test_failures_of_requests_make_a_server_rest(gateway, backends):
    """d.4: maxFailedAttempts within failureWindow; success clears; time brings it back."""
    gateway.write("10.yaml", *service("two", SERVERS[0], SERVERS[1]),
                  route("r", "Host(`r.test`)", services=[{
                      "name": "two", "port": 80,
                      "passiveHealthCheck": {"failureWindow": "2s", "maxFailedAttempts": 2}}]))
    gateway.start()
    backends.set(SERVERS[0], status=503)
    ask(gateway, "r.test", 4)
    backends.told(SERVERS[0])
    assert ask(gateway, "r.test", 10) == {SERVERS[1]: 10}
    assert backends.told(SERVERS[0]) == []
    name = f"http://{SERVERS[0]}:{PORT}"
    assert [value for key, value in gateway.metrics().items()
            if key.startswith("tidegate_service_server_up") and name in key] == [0]
    gateway.update("20.yaml", route("x", "Host(`x.test`)"))
    assert ask(gateway, "r.test", 4) == {SERVERS[1]: 4}
    backends.set(SERVERS[0], status=200)
    time.sleep(2.1)
    assert ask(gateway, "r.test", 10) == {SERVERS[0]: 5, SERVERS[1]: 5}
    assert [value for key, value in gateway.metrics().items()
            if key.startswith("tidegate_service_server_up") and name in key] == [1]
    backends.set(SERVERS[0], close=1)
    backends.set(SERVERS[1], close=1)
    statuses = [gateway.get("r.test")[0] for _ in range(8)]
    assert statuses[0] == 502 and statuses[-1] == 503, statuses


def test_a_refused_connection_is_known_to_all_workers(gateway, backends):
    """The first worker that is refused saves all others the try; nobody's request suffers."""
    objects = service("two", SERVERS[0], SERVERS[1])
    objects[2:] = [dict(objects[1], metadata=dict(objects[1]["metadata"], name="two-2"),
                        ports=[{"name": "http", "port": PORT + 99}], endpoints=[objects[1]["endpoints"].pop()])]
    gateway.write("10.yaml", *objects, route("r", "Host(`r.test`)", service="two"))
    gateway.start(workers=4)
    for _ in range(30):
        assert name_of(gateway.get("r.test")) == SERVERS[0]
    failed = [value for key, value in gateway.metrics().items() if "upstream_dial_failed" in key
              or "dials_failed" in key]
    assert not failed or sum(failed) <= 3, failed


def test_failover_when_the_first_is_down(gateway, backends):
    """d.2: the fallback answers while no server of the first is up; both down: 503."""
    gateway.write("10.yaml", external("main", SERVERS[0]), external("spare", SERVERS[1]),
                  traefik_service("fail", failover={
                      "service": {"name": "main", "port": PORT, "healthCheck": {"interval": "100ms", "path": "/h"}},
                      "fallback": {"name": "spare", "port": PORT, "healthCheck": {"interval": "100ms"}},
                      "errors": {}}),
                  to("fail"))
    gateway.start("--providers.kubernetesCRD.allowExternalNameServices=true")
    assert ask(gateway, "fail.test", 4) == {SERVERS[0]: 4}
    backends.set(SERVERS[0], status=500)
    gateway.lab.wait_for(lambda: server_up(gateway, f"default-main-{PORT}@kubernetescrd", SERVERS[0]) == 0, "down")
    assert ask(gateway, "fail.test", 4) == {SERVERS[1]: 4}
    backends.set(SERVERS[1], status=500)
    gateway.lab.wait_for(lambda: gateway.get("fail.test")[0] == 503, "both to be down")
    assert gateway.get("fail.test")[2] == "no available server\n"
    backends.set(SERVERS[0], status=200)
    gateway.lab.wait_for(lambda: gateway.get("fail.test")[0] == 200, "the first to be back")
    assert ask(gateway, "fail.test", 4) == {SERVERS[0]: 4}


def test_state_stays_over_hundreds_of_updates(gateway, backends):
    """k.20, the other way round: turns, stickiness, health and rests know nothing of updates of other objects."""
    gateway.write("10.yaml", *service("three", *SERVERS[:3]), *service("one", SERVERS[3]),
                  route("turns", "Host(`turns.test`)", service="three"),
                  route("rest", "Host(`rest.test`)", services=[{
                      "name": "one", "port": 80, "passiveHealthCheck": {"failureWindow": "60s"}}]))
    gateway.start(workers=1)
    backends.set(SERVERS[3], status=500)
    assert gateway.get("rest.test")[0] == 500
    names = []
    first = gateway.status()["revision"]
    for n in range(200):
        gateway.write("20.yaml", route("other", f"Host(`other{n}.test`)"))
        names.append(name_of(gateway.get("turns.test")))
        if n % 20 == 0:
            assert gateway.get("rest.test")[0] == 503
    assert gateway.status()["revision"] >= first + 50
    # Whoever answered, the next did the time after: not one turn was lost or taken twice.
    for before, after in zip(names, names[1:]):
        assert SERVERS.index(after) == (SERVERS.index(before) + 1) % 3
    assert gateway.get("rest.test")[0] == 503
