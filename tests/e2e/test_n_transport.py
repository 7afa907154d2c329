# SPDX-License-Identifier: Apache-2.0
"""Towards servers: TLS, client certificates, PROXY protocol, time limits, pools (reference a.7, d.5)."""

import os
import re
import time

import pytest
from conftest import BACKENDS, parse_answer, route, run, secret

TLS_CONF = """
user root; daemon off; master_process off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off; default_type text/plain; client_max_body_size 0;
  client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3;
  uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
  ssl_session_tickets on; ssl_protocols TLSv1.2 TLSv1.3;
  map $ssl_server_name $sni {{ default $ssl_server_name; "" "none"; }}
{servers}
}}
"""
TLS_SERVER = """
  server {{
    listen {port} ssl; server_name _; root {dir}/www;
    ssl_certificate {pki}/{cert}.crt; ssl_certificate_key {pki}/{cert}.key; {more}
    set $tls "tls=$ssl_protocol cipher=$ssl_cipher sni=$sni alpn=$ssl_alpn_protocol reused=$ssl_session_reused";
    location / {{ return 200 "$tls client=$ssl_client_s_dn connection=$connection host=$http_host\\n"; }}
    location /files/ {{ }}
    location /upload {{ client_body_buffer_size 16m; proxy_request_buffering on;
      proxy_pass http://127.0.0.1:8080/; }}
  }}
"""


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    """A CA with certificates for servers and clients, an expired one, one of another CA."""
    folder = tmp_path_factory.mktemp("transport-pki")
    p256 = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")

    def authority(name):
        run("openssl", "req", "-x509", *p256, "-days", "30", "-subj", f"/CN={name}",
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign",
            "-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.crt"))

    def leaf(name, san, issuer="ca", days="30"):
        run("openssl", "req", *p256, "-subj", f"/CN={name}", "-keyout", str(folder / f"{name}.key"),
            "-out", str(folder / f"{name}.csr"))
        (folder / f"{name}.ext").write_text(f"subjectAltName={san}\n")
        run("openssl", "x509", "-req", "-in", str(folder / f"{name}.csr"), "-CA", str(folder / f"{issuer}.crt"),
            "-CAkey", str(folder / f"{issuer}.key"), "-CAcreateserial", "-days", days,
            "-extfile", str(folder / f"{name}.ext"), "-out", str(folder / f"{name}.crt"))

    authority("ca")
    authority("other")
    leaf("good", f"DNS:good.test,IP:{BACKENDS['a']},URI:spiffe://lab/good")
    leaf("named", "DNS:named.test")
    leaf("expired", f"IP:{BACKENDS['a']}", days="-1")
    leaf("client", "DNS:client.test")
    leaf("stranger", "DNS:stranger.test", issuer="other")
    return folder


PORTS = {"good": 9443, "named": 9444, "expired": 9445, "mtls": 9446, "tls12": 9447, "h2": 9448}


@pytest.fixture(scope="session")
def tls_servers(lab, pki, tmp_path_factory):
    """nginx with one TLS server per port of PORTS, in the namespace of backend a."""
    folder = str(tmp_path_factory.mktemp("transport-nginx"))
    os.makedirs(f"{folder}/www/files")
    with open(f"{folder}/www/files/large.bin", "wb") as file:
        for i in range(5 * 1024):
            file.write(i.to_bytes(4, "big") * 256)
    mtls = f"ssl_client_certificate {pki}/ca.crt; ssl_verify_client on;"
    servers = [("good", PORTS["good"], ""), ("named", PORTS["named"], ""), ("expired", PORTS["expired"], ""),
               ("good", PORTS["mtls"], mtls), ("good", PORTS["tls12"], "ssl_protocols TLSv1.2;")]
    text = "".join(TLS_SERVER.format(dir=folder, pki=pki, cert=cert, port=port, more=more)
                   for cert, port, more in servers)
    text += TLS_SERVER.format(dir=folder, pki=pki, cert="good", port=f"{PORTS['h2']}", more="").replace(
        " ssl;", " ssl http2;")
    with open(f"{folder}/nginx.conf", "w") as file:
        file.write(TLS_CONF.format(dir=folder, servers=text))
    process = lab.start("a", "nginx", "-p", folder, "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log",
                        log=f"{folder}/out.log")
    lab.wait_for(lambda: lab.run("a", "curl", "-sk", "-o", "/dev/null", f"https://127.0.0.1:{PORTS['good']}/",
                                 check=False).returncode == 0, "the TLS servers to answer")
    yield folder
    lab.stop(process)


def transport(name, spec, namespace="default"):
    return {"apiVersion": "traefik.io/v1alpha1", "kind": "ServersTransport",
            "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def service(name, port, addresses=(BACKENDS["a"],), port_name="web", namespace="default"):
    return [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
             "spec": {"ports": [{"name": port_name, "port": 80}]}},
            {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
             "metadata": {"name": f"{name}-1", "namespace": namespace,
                          "labels": {"kubernetes.io/service-name": name}},
             "addressType": "IPv4", "ports": [{"name": port_name, "port": port}],
             "endpoints": [{"addresses": list(addresses)}]}]


def via(host, service_name, transport_name=None, scheme="https", **more):
    """A route for host to the service, over the transport."""
    reference = {"name": service_name, "port": 80, "scheme": scheme, **more}
    if transport_name:
        reference["serversTransport"] = transport_name
    return route(host.replace(".", "-"), f"Host(`{host}`)", services=[reference])


def pem(pki, name):
    return (pki / name).read_text()


def facts(body):
    return dict(re.findall(r"(\w+)=(.*?)(?= \w+=|$)", body.strip()))


def test_servers_are_reached_over_tls_and_verified(gateway, pki, tls_servers):
    """reference a.7; d.5: SNI and the name that is verified are the URL's host, or serverName."""
    gateway.write("10.yaml", secret("ca", {"ca.crt": pem(pki, "ca.crt")}),
                  {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "ca", "namespace": "default"},
                   "data": {"tls.ca": pem(pki, "ca.crt")}},
                  secret("other", {"tls.ca": pem(pki, "other.crt")}),
                  transport("trusting", {"rootCAs": [{"secret": "ca"}]}),
                  transport("by-map", {"rootCAs": [{"configMap": "ca"}]}),
                  transport("named", {"rootCAs": [{"secret": "ca"}], "serverName": "named.test"}),
                  transport("other", {"rootCAs": [{"secret": "other"}]}),
                  transport("nobody", {"rootCAs": [{"secret": "missing"}]}),
                  transport("insecure", {"insecureSkipVerify": True}),
                  transport("uri", {"rootCAs": [{"secret": "ca"}],
                                    "peerCertSANs": [{"type": "URI", "value": "spiffe://lab/good"}]}),
                  transport("uri-bad", {"rootCAs": [{"secret": "ca"}], "peerCertURI": "spiffe://lab/else"}),
                  *service("good", PORTS["good"]), *service("named", PORTS["named"]),
                  *service("expired", PORTS["expired"]), *service("plain", 8080),
                  via("good.test", "good", "trusting"), via("map.test", "good", "by-map"),
                  via("named.test", "named", "named"), via("unnamed.test", "named", "trusting"),
                  via("other.test", "good", "other"), via("nobody.test", "good", "nobody"),
                  via("system.test", "good"), via("expired.test", "expired", "trusting"),
                  via("insecure.test", "expired", "insecure"), via("uri.test", "good", "uri"),
                  via("uri-bad.test", "good", "uri-bad"), via("plain.test", "plain", "trusting"))
    gateway.start()
    for host, status in {"good.test": 200, "map.test": 200, "named.test": 200, "unnamed.test": 500, "other.test": 500,
                         "nobody.test": 500, "system.test": 500, "expired.test": 500, "insecure.test": 200,
                         "uri.test": 200, "uri-bad.test": 500, "plain.test": 500}.items():
        answer = gateway.get(host)
        assert answer[0] == status, (host, answer, gateway.log()[-2000:])
        if status == 500:
            assert answer[2] == "Internal Server Error"
    assert facts(gateway.get("good.test")[2])["sni"] == "none"  # no addresses in SNI
    assert facts(gateway.get("named.test")[2])["sni"] == "named.test"
    assert facts(gateway.get("good.test")[2])["host"] == "good.test"
    log = gateway.log()
    for word in ("server-untrusted", "server-name", "server-expired", "not-tls"):
        assert f"reason={word}" in log, (word, log[-3000:])


def test_a_client_certificate_is_shown(gateway, pki, tls_servers):
    gateway.write("10.yaml", secret("ca", {"ca.crt": pem(pki, "ca.crt")}),
                  secret("client", {"tls.crt": pem(pki, "client.crt"), "tls.key": pem(pki, "client.key")},
                         "kubernetes.io/tls"),
                  secret("stranger", {"tls.crt": pem(pki, "stranger.crt"), "tls.key": pem(pki, "stranger.key")},
                         "kubernetes.io/tls"),
                  transport("with", {"rootCAs": [{"secret": "ca"}], "certificatesSecrets": ["stranger", "client"]}),
                  transport("without", {"rootCAs": [{"secret": "ca"}]}),
                  *service("mtls", PORTS["mtls"]), via("with.test", "mtls", "with"),
                  via("without.test", "mtls", "without"))
    gateway.start()
    status, _, body = gateway.get("with.test")
    assert status == 200 and facts(body)["client"] == "CN=client", (status, body, gateway.log()[-2000:])
    # nginx answers 400 by itself; a server that refuses during the handshake gives 502.
    assert gateway.get("without.test")[0] == 400


def test_versions_ciphers_and_resumption(gateway, pki, tls_servers):
    gateway.write("10.yaml", secret("ca", {"ca.crt": pem(pki, "ca.crt")}),
                  transport("old", {"rootCAs": [{"secret": "ca"}], "maxVersion": "VersionTLS12",
                                    "minVersion": "VersionTLS12", "maxIdleConnsPerHost": -1,
                                    "cipherSuites": ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"]}),
                  transport("new", {"rootCAs": [{"secret": "ca"}], "minVersion": "VersionTLS13"}),
                  transport("no-keep", {"rootCAs": [{"secret": "ca"}], "maxIdleConnsPerHost": -1}),
                  *service("good", PORTS["good"]), *service("tls12", PORTS["tls12"]), via("old.test", "good", "old"),
                  via("new.test", "good", "new"), via("new-old.test", "tls12", "new"),
                  via("again.test", "good", "no-keep"))
    gateway.start(workers=1)
    old = facts(gateway.get("old.test")[2])
    assert old["tls"] == "TLSv1.2" and "CHACHA20" in old["cipher"], old
    assert facts(gateway.get("new.test")[2])["tls"] == "TLSv1.3"
    assert gateway.get("new-old.test")[0] == 502
    for host in ("again.test", "old.test"):
        seen = [facts(gateway.get(host)[2]) for _ in range(3)]
        assert len({one["connection"] for one in seen}) == 3, "connections are not kept"
        assert seen[2]["reused"] == "r", seen
    assert gateway.metrics()["tidegate_server_tls_handshakes_total{result=\"resumed\",reason=\"\"}"] >= 3


def test_tls_connections_are_kept_and_bodies_are_whole(gateway, pki, tls_servers, tmp_path):
    gateway.write("10.yaml", secret("ca", {"ca.crt": pem(pki, "ca.crt")}),
                  transport("t", {"rootCAs": [{"secret": "ca"}], "disableHTTP2": True}), *service("good", PORTS["good"]),
                  via("good.test", "good", "t"))
    gateway.start(workers=1)
    seen = {facts(gateway.get("good.test")[2])["connection"] for _ in range(5)}
    assert len(seen) == 1, seen
    want = run("sha256sum", f"{tls_servers}/www/files/large.bin").stdout.split()[0]
    got = gateway.lab.run("client", "sh", "-c", "curl -s -H 'Host: good.test' http://10.77.1.1/files/large.bin "
                          "| sha256sum").stdout.split()[0]
    assert got == want
    slow = gateway.lab.run("client", "sh", "-c", "curl -s --limit-rate 4M -H 'Host: good.test' "
                           "http://10.77.1.1/files/large.bin | sha256sum").stdout.split()[0]
    assert slow == want
    upload = tmp_path / "upload"
    upload.write_bytes(os.urandom(3 << 20))
    answer = parse_answer(gateway.curl("-i", "-H", "Host: good.test", "-H", "Expect:", "--data-binary", f"@{upload}",
                                       "http://10.77.1.1/upload"))
    assert answer[0] == 200, answer
    # an update that changes nothing of the transport keeps the connection
    before = facts(gateway.get("good.test")[2])["connection"]
    gateway.update("20.yaml", via("else.test", "good", "t"))
    assert facts(gateway.get("good.test")[2])["connection"] == before
    # another transport for the same address has connections of its own
    gateway.update("20.yaml", transport("u", {"insecureSkipVerify": True}), via("else.test", "good", "u"))
    assert facts(gateway.get("else.test")[2])["connection"] != before


def test_the_static_transport_is_the_default(gateway, pki, tls_servers):
    gateway.write("10.yaml", *service("good", PORTS["good"]), via("good.test", "good"),
                  via("by-name.test", "good", "default@internal"), via("missing.test", "good", "missing"))
    gateway.start(f"--serversTransport.rootCAs={pki}/ca.crt")
    assert gateway.get("good.test")[0] == 200
    assert gateway.get("by-name.test")[0] == 200
    assert gateway.get("missing.test")[0] == 404  # the route is disabled
    gateway.stop()
    gateway.start("--serversTransport.insecureSkipVerify=true")
    assert gateway.get("good.test")[0] == 200


def test_scheme_is_inferred_from_the_port(gateway, pki, tls_servers):
    """reference a.0: 443, or a port name that begins with https."""
    gateway.write("10.yaml", transport("t", {"insecureSkipVerify": True}),
                  *service("by-name", PORTS["good"], port_name="https-web"),
                  route("infer", "Host(`infer.test`)", services=[{"name": "by-name", "port": 80, "serversTransport": "t"}]))
    gateway.start()
    assert "tls=TLSv1.3" in gateway.get("infer.test")[2]


PROXY_SERVER = """
import socket, sys, threading
def serve(connection):
    data = connection.recv(4096)
    while b"\\r\\n\\r\\n" not in data:
        more = connection.recv(4096)
        if not more: return
        data += more
    body = data.split(b"GET ")[0].hex().encode()
    while True:
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(body), body))
        data = connection.recv(4096)
        if not data: return
        body = b"again " + data.split(b"GET ")[0].hex().encode()
listener = socket.create_server(("0.0.0.0", int(sys.argv[1])))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


def test_proxy_protocol_names_the_client(gateway):
    process = gateway.lab.start("b", "/usr/bin/python3", "-c", PROXY_SERVER, "9600")
    gateway.write("10.yaml", transport("one", {"proxyProtocol": {"version": 1}}),
                  transport("two", {"proxyProtocol": {}}), *service("pp", 9600, [BACKENDS["b"]]),
                  via("one.test", "pp", "one", "http"), via("two.test", "pp", "two", "http"))
    try:
        gateway.start(workers=1)
        gateway.lab.wait_for(lambda: gateway.get("one.test")[0] == 200, "the server to listen")
        text = bytes.fromhex(gateway.get("one.test")[2]).decode()
        assert re.fullmatch(r"PROXY TCP4 10\.77\.1\.2 10\.77\.1\.1 \d+ 80\r\n", text), text
        head = bytes.fromhex(gateway.get("two.test")[2])
        assert head[:16] == b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" and head[16:24] == bytes([10, 77, 1, 2, 10, 77, 1, 1])
        # two requests of one client connection share one of the server's, those of two do not
        both = gateway.curl("-H", "Host: one.test", "http://10.77.1.1/", "http://10.77.1.1/")
        assert both.count("again") == 1, both
    finally:
        gateway.lab.stop(process)


SILENT_SERVER = """
import socket, sys, time
listener = socket.create_server(("0.0.0.0", int(sys.argv[1])))
kept = []
while True:
    kept.append(listener.accept()[0])
"""


def test_time_limits_are_those_of_the_transport(gateway):
    process = gateway.lab.start("b", "/usr/bin/python3", "-c", SILENT_SERVER, "9601")
    gateway.write("10.yaml", transport("quick", {"forwardingTimeouts": {"responseHeaderTimeout": "300ms"}}),
                  transport("dial", {"forwardingTimeouts": {"dialTimeout": "300ms"}}),
                  *service("silent", 9601, [BACKENDS["b"]]), *service("nowhere", 80, ["10.77.1.250"]),
                  via("silent.test", "silent", "quick", "http"), via("nowhere.test", "nowhere", "dial", "http"))
    try:
        gateway.start(workers=1)
        gateway.lab.wait_for(lambda: gateway.lab.run("b", "sh", "-c", "ss -ltn | grep -q :9601", check=False)
                             .returncode == 0, "the server to listen")
        for host in ("silent.test", "nowhere.test"):
            began = time.monotonic()
            status = gateway.get(host)[0]
            assert status == 504 and time.monotonic() - began < 2, (host, status)
    finally:
        gateway.lab.stop(process)


def test_http2_by_alpn(gateway, pki, tls_servers, tmp_path):
    """reference d.5: HTTP/2 by ALPN unless disableHTTP2; one connection for many requests."""
    gateway.write("10.yaml", transport("both", {"insecureSkipVerify": True}),
                  transport("one", {"insecureSkipVerify": True, "disableHTTP2": True}),
                  *service("h2", PORTS["h2"]), via("both.test", "h2", "both"), via("one.test", "h2", "one"))
    gateway.start(workers=1)
    both = facts(gateway.get("both.test")[2])
    assert both["alpn"] == "h2" and both["host"] == "both.test", both
    assert facts(gateway.get("one.test")[2])["alpn"] == "http/1.1"
    assert {facts(gateway.get("both.test")[2])["connection"] for _ in range(5)} == {both["connection"]}
    status, headers, _ = gateway.get("both.test", "/files/large.bin", "-I")
    assert status == 200 and headers["content-length"] == [str(5 << 20)] and "Content-Length" in gateway.curl(
        "-I", "-H", "Host: both.test", "http://10.77.1.1/files/large.bin")
    want = run("sha256sum", f"{tls_servers}/www/files/large.bin").stdout.split()[0]
    fetch = "curl -s %s -H 'Host: both.test' http://10.77.1.1/files/large.bin | sha256sum"
    many = gateway.lab.run("client", "sh", "-c", "; ".join(f"({fetch % limit}) &" for limit in
                                                           ("", "", "--limit-rate 8M", "")).replace("&;", "&") +
                           " wait").stdout.split("\n")
    assert [line.split()[0] for line in many if line] == [want] * 4
    upload = tmp_path / "upload"
    upload.write_bytes(os.urandom(3 << 20))
    for extra in ((), ("-H", "Transfer-Encoding: chunked")):
        answer = parse_answer(gateway.curl("-i", "-H", "Host: both.test", "-H", "Expect:", *extra, "--data-binary",
                                           f"@{upload}", "http://10.77.1.1/upload"))
        assert answer[0] == 200 and "backend=a" in answer[2], answer
    assert gateway.get("both.test", "/files/missing")[0] == 404
    assert facts(gateway.get("both.test")[2])["connection"] == both["connection"]
    assert gateway.get("both.test")[0] == 200


GRPC_SERVER = """
import sys, time, grpc
from concurrent import futures
identity = lambda data: data
class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        name = details.method.rsplit("/", 1)[1]
        if name == "Unary":
            return grpc.unary_unary_rpc_method_handler(self.unary, identity, identity)
        if name == "Stream":
            return grpc.stream_stream_rpc_method_handler(self.stream, identity, identity)
        if name == "Fail":
            return grpc.unary_unary_rpc_method_handler(self.fail, identity, identity)
    def unary(self, request, context):
        context.set_trailing_metadata((("x-peer", context.peer()),))
        return b"hello " + request
    def stream(self, requests, context):
        for request in requests:
            yield b"<" + request + b">"
    def fail(self, request, context):
        context.abort(grpc.StatusCode.NOT_FOUND, "no such thing")
server = grpc.server(futures.ThreadPoolExecutor(8))
server.add_generic_rpc_handlers((Handler(),))
server.add_insecure_port("0.0.0.0:" + sys.argv[1])
server.start()
server.wait_for_termination()
"""

# What a gRPC client sends, over HTTP/1.1: messages with a 5 byte head, chunked; trailers at the end.
GRPC_ASK = """
import socket, struct, sys, time
def message(data): return struct.pack(">BI", 0, len(data)) + data
def chunk(data): return b"%x\\r\\n%s\\r\\n" % (len(data), data)
s = socket.create_connection(("10.77.1.1", 80), 10)
s.settimeout(5)
method, messages = sys.argv[1], [m.encode() for m in sys.argv[2:]]
s.sendall(b"POST /lab.Echo/%s HTTP/1.1\\r\\nHost: grpc.test\\r\\nContent-Type: application/grpc\\r\\nTE: trailers\\r\\n"
          b"Connection: close\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n" % method.encode())
out = b""
for m in messages:
    s.sendall(chunk(message(m)))
    if method == "Stream":
        while b"<" + m + b">" not in out:  # each answer comes before the next question
            out += s.recv(65536)
s.sendall(b"0\\r\\n\\r\\n")
while True:
    data = s.recv(65536)
    if not data: break
    out += data
sys.stdout.buffer.write(out)
"""


def test_grpc_over_h2c(gateway):
    """Unary, streaming and failing calls to a real gRPC server; trailers reach an HTTP/1.1 client."""
    process = gateway.lab.start("b", "/usr/bin/python3", "-c", GRPC_SERVER, "9700")
    gateway.write("10.yaml", *service("grpc", 9700, [BACKENDS["b"]]), via("grpc.test", "grpc", scheme="h2c"))
    try:
        gateway.start(workers=1)

        def ask(*words):
            return gateway.lab.run("client", "/usr/bin/python3", "-c", GRPC_ASK, *words, check=False).stdout

        gateway.lab.wait_for(lambda: "hello" in ask("Unary", "you"), "the gRPC server", 15)
        one = ask("Unary", "you")
        assert one.startswith("HTTP/1.1 200 ") and "hello you" in one, one
        assert "Content-Type: application/grpc" in one and "Grpc-Status: 0" in one.split("\n0")[-1], one
        streamed = ask("Stream", "a", "b", "c")
        assert all(f"<{m}>" in streamed for m in "abc") and "Grpc-Status: 0" in streamed, streamed
        failed = ask("Fail", "x")
        assert "Grpc-Status: 5" in failed and "no such thing" in failed, failed
        peers = {line.split(": ")[1] for line in (one + ask("Unary", "me")).splitlines() if line.startswith("X-Peer")}
        assert len(peers) == 1, peers  # one connection for all
    finally:
        gateway.lab.stop(process)


NTLM_SERVER = """
import itertools, socket, sys, threading
numbers = itertools.count(1)
def serve(connection, number):
    while True:
        data = b""
        while b"\\r\\n\\r\\n" not in data:
            more = connection.recv(4096)
            if not more: return
            data += more
        body = b"connection=%d\\n" % number
        head = b"401 Unauthorized\\r\\nWWW-Authenticate: NTLM" if b"/login" in data else b"200 OK\\r\\nX: y"
        connection.sendall(b"HTTP/1.1 %s\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (head, len(body), body))
listener = socket.create_server(("0.0.0.0", int(sys.argv[1])))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0], next(numbers)), daemon=True).start()
"""


def test_ntlm_has_a_connection_of_its_own(gateway):
    """reference d.5: after such a 401 the client's connection is bound to servers' connections of its own."""
    process = gateway.lab.start("b", "/usr/bin/python3", "-c", NTLM_SERVER, "9602")
    gateway.write("10.yaml", *service("ntlm", 9602, [BACKENDS["b"]]), via("ntlm.test", "ntlm", scheme="http"))
    try:
        gateway.start(workers=1)
        gateway.lab.wait_for(lambda: gateway.get("ntlm.test")[0] == 200, "the server to listen")

        def ask(*paths):
            return re.findall(r"connection=(\d+)", gateway.curl("-H", "Host: ntlm.test",
                                                                *[f"http://10.77.1.1/{path}" for path in paths]))

        bound, others = ask("login", "1", "2"), ask("a", "b")
        assert bound[0] != bound[1] and bound[1] == bound[2], bound
        assert others == [bound[0]] * 2, (bound, others)
    finally:
        gateway.lab.stop(process)


RAW_H2_SERVER = """
import socket, struct, sys, threading, time
port = int(sys.argv[1])
def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload
OK = frame(1, 4, 1, b"\\x88")                      # HEADERS, END_HEADERS, :status 200
def literal(name, value): return b"\\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value
CASES = {
    "garbage": b"HTTP/1.1 400 Bad Request\\r\\nContent-Length: 0\\r\\n\\r\\n",
    "noise": bytes(range(256)) * 64,
    "data-first": frame(0, 1, 1, b"x"),
    "no-status": frame(1, 5, 1, literal(b"x", b"y")),
    "two-statuses": frame(1, 5, 1, b"\\x88\\x89"),
    "bad-status": frame(1, 5, 1, literal(b":status", b"abc")),
    "status-99": frame(1, 5, 1, literal(b":status", b"099")),
    "upper-case": frame(1, 5, 1, b"\\x88" + literal(b"X-A", b"y")),
    "connection": frame(1, 5, 1, b"\\x88" + literal(b"connection", b"close")),
    "line-end": frame(1, 5, 1, b"\\x88" + literal(b"x", b"a\\r\\nb: c")),
    "nul": frame(1, 5, 1, b"\\x88" + literal(b"x", b"a\\x00b")),
    "pseudo-late": frame(1, 5, 1, literal(b"x", b"y") + b"\\x88"),
    "length-lies": frame(1, 4, 1, b"\\x88" + literal(b"content-length", b"5")) + frame(0, 1, 1, b"xx"),
    "length-twice": frame(1, 5, 1, b"\\x88" + literal(b"content-length", b"5") + literal(b"content-length", b"6")),
    "switching": frame(1, 4, 1, literal(b":status", b"101")),
    "interim-flood": frame(1, 4, 1, literal(b":status", b"103")) * 100,
    "push": frame(5, 4, 1, struct.pack(">I", 2) + b"\\x82"),
    "huge-frame": struct.pack(">I", 1 << 20)[1:] + b"\\x00\\x00\\x00\\x00\\x00\\x01",
    "big-head": frame(1, 0, 1, b"\\x88") + b"".join(frame(9, 0, 1, literal(b"x" * 100, b"y" * 120) * 60)
                                                    for _ in range(20)) + frame(9, 4, 1),
    "continuation-flood": frame(1, 0, 1, b"\\x88") + frame(9, 0, 1) * 20000,
    "settings-flood": frame(4, 0, 0) * 20000,
    "ping-flood": frame(6, 0, 0, b"12345678") * 20000,
    "empty-data-flood": OK + frame(0, 0, 1) * 20000,
    "stream-0": frame(1, 5, 0, b"\\x88"),
    "unknown-stream": frame(1, 5, 7, b"\\x88"),
    "window-0": frame(8, 0, 0, b"\\x00\\x00\\x00\\x00"),
    "window-overflow": frame(8, 0, 0, b"\\x7f\\xff\\xff\\xff") * 2,
    "bad-hpack": frame(1, 5, 1, b"\\xff\\xff\\xff\\xff\\xff\\xff"),
    "truncated": OK + frame(0, 0, 1, b"half"),
    "reset": frame(3, 0, 1, struct.pack(">I", 2)),
    "end": b"",
}
def serve(connection):
    path, data = open(sys.argv[2]).read(), b""
    while len(data) < 24 + 9 + 9 or b"\\x01\\x05\\x00\\x00\\x00\\x01" not in data:  # preface .. HEADERS
        more = connection.recv(65536)
        if not more: return
        data += more
    try:
        connection.sendall(frame(4, 0, 0) + CASES[path])
        time.sleep(0.05)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536): pass
    except OSError: pass
    connection.close()
listener = socket.create_server(("0.0.0.0", port))
print(" ".join(CASES), flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


def test_a_server_that_breaks_http2_harms_nobody(gateway, tmp_path):
    """reference/security.md A2.9: whatever a server sends, the answer is 502 (or shows that it was cut)."""
    log = tmp_path / "raw.log"
    wanted = tmp_path / "wanted"
    process = gateway.lab.start("b", "/usr/bin/python3", "-c", RAW_H2_SERVER, "9701", str(wanted), log=str(log))
    gateway.write("10.yaml", *service("raw", 9701, [BACKENDS["b"]]), via("raw.test", "raw", scheme="h2c"),
                  route("good", "Host(`good.test`)"))
    try:
        gateway.start(workers=1)
        cases = gateway.lab.wait_for(lambda: log.read_text().split(), "the server to listen")
        assert len(cases) > 25
        for case in cases:
            wanted.write_text(case)
            out = gateway.lab.run("client", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{exitcode}",
                                  "--max-time", "5", "-H", "Host: raw.test", "http://10.77.1.1/", check=False).stdout.split()
            assert out[0] == "502" or (out[0] == "200" and out[1] != "0"), (case, out, gateway.log()[-1500:])
        assert gateway.get("good.test")[0] == 200
        assert gateway.process.poll() is None
    finally:
        gateway.lab.stop(process)


SWITCHING_SERVER = """
import socket, ssl, sys, threading
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
context.set_alpn_protocols(["h2", "http/1.1"])
def serve(plain):
    connection = context.wrap_socket(plain, server_side=True)
    data = b""
    while b"\\r\\n\\r\\n" not in data:
        data += connection.recv(4096)
    connection.sendall(b"HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n"
                       b"X-Alpn: %s\\r\\n\\r\\nready " % connection.selected_alpn_protocol().encode())
    while True:
        data = connection.recv(65536)
        if not data: break
        connection.sendall(data.upper())
    connection.sendall(b" bye")
    connection.unwrap()
    connection.close()
listener = socket.create_server(("0.0.0.0", int(sys.argv[1])))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


def test_upgrades_use_http1_even_where_http2_is_spoken(gateway, pki):
    """reference d.5: requests with Connection: Upgrade always HTTP/1.1."""
    process = gateway.lab.start("b", "/usr/bin/python3", "-c", SWITCHING_SERVER, "9603", str(pki / "good.crt"),
                                str(pki / "good.key"))
    gateway.write("10.yaml", transport("t", {"insecureSkipVerify": True}), *service("ws", 9603, [BACKENDS["b"]]),
                  via("ws.test", "ws", "t"))
    try:
        gateway.start(workers=1)
        head = ("GET /chat HTTP/1.1\r\nHost: ws.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\nhello")
        gateway.lab.wait_for(lambda: b" 101 " in gateway.raw(head, half_close=True), "the server to listen")
        answer = gateway.raw(head, half_close=True).decode()
        assert "X-Alpn: http/1.1" in answer and answer.endswith("ready HELLO bye"), answer
    finally:
        gateway.lab.stop(process)
