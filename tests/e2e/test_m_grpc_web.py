# SPDX-License-Identifier: Apache-2.0
"""grpcWeb over the wire (reference c.14): a browser's requests, answered by a server that speaks gRPC only."""

import base64

from conftest import BACKENDS, backend_service, middleware
from scripted import ask, request

PORT = 9750

# Messages are bytes: nothing of protobuf is needed to see that they come through.
SERVER = r"""
import sys, time
from concurrent import futures
import grpc
def echo(message, context):
    context.send_initial_metadata((("x-initial", "yes"),))
    context.set_trailing_metadata((("x-trailing", "last"),))
    return b"echo:" + message
def fail(message, context):
    context.abort(grpc.StatusCode.NOT_FOUND, "no such thing")
def stream(message, context):
    for i in range(4):
        time.sleep(0.3)
        yield b"%d" % i
class Handler(grpc.GenericRpcHandler):
    def service(self, details):
        kinds = {"/p.S/Echo": grpc.unary_unary_rpc_method_handler(echo), "/p.S/Fail": grpc.unary_unary_rpc_method_handler(fail),
                 "/p.S/Stream": grpc.unary_stream_rpc_method_handler(stream)}
        return kinds.get(details.method)
server = grpc.server(futures.ThreadPoolExecutor(8))
server.add_generic_rpc_handlers((Handler(),))
server.add_insecure_port("0.0.0.0:" + sys.argv[1])
server.start()
server.wait_for_termination()
"""


def serve(gateway, conf=None):
    lab = gateway.lab
    process = lab.start("a", "/usr/bin/python3", "-c", SERVER, str(PORT))
    lab.wait_for(lambda: lab.run("a", "curl", "-s", "-o", "/dev/null", "--http2-prior-knowledge",
                                 f"http://127.0.0.1:{PORT}/", check=False).returncode == 0, "the gRPC server")
    gateway.write("20.yaml", *backend_service("grpc", [BACKENDS["a"]], PORT),
                  middleware("m", "grpcWeb", conf or {"allowOrigins": ["https://page.test"]}),
                  {"apiVersion": "traefik.io/v1alpha1", "kind": "IngressRoute",
                   "metadata": {"name": "web", "namespace": "default"},
                   "spec": {"entryPoints": ["web"], "routes": [
                       {"match": "Host(`x.test`)", "kind": "Rule", "middlewares": [{"name": "m"}],
                        "services": [{"name": "grpc", "port": 80, "scheme": "h2c"}]}]}})
    gateway.start()
    return process


def frame(message, flag=0):
    return bytes([flag]) + len(message).to_bytes(4, "big") + message


def frames(body):
    out = []
    while body:
        n = int.from_bytes(body[1:5], "big")
        out.append((body[0], body[5:5 + n]))
        assert len(body) >= 5 + n
        body = body[5 + n:]
    return out


def trailers(data):
    return dict(line.split(b": ", 1) for line in data.split(b"\r\n") if line)


def call(method, body, kind="application/grpc-web+proto", **more):
    headers = {"Content-Type": kind, "X-Grpc-Web": "1", "Origin": "https://page.test", **more}
    return request(f"/p.S/{method}", headers, method="POST", body=body)


def test_calls_of_pages(gateway):
    process = serve(gateway)
    try:
        unary, failed, unknown, text = ask(
            gateway, call("Echo", frame(b"hello")), call("Fail", frame(b"x")), call("Nothing", frame(b"x")),
            call("Echo", base64.b64encode(frame(b"he")[:5]) + base64.b64encode(b"he"), "application/grpc-web-text"))
        # Message, then the trailers as the last frame.
        assert unary.status == 200 and unary.header("content-type") == "application/grpc-web"
        (flag, message), (last, tail) = frames(unary.body)
        assert (flag, message, last) == (0, b"echo:hello", 0x80)
        assert trailers(tail)[b"grpc-status"] == b"0" and trailers(tail)[b"x-trailing"] == b"last"
        assert unary.header("x-initial") == "yes"
        # What pages may read.
        assert unary.header("access-control-allow-origin") == "https://page.test"
        assert unary.header("access-control-allow-credentials") == "true"
        assert "grpc-status" in unary.header("access-control-expose-headers") and "Origin" in unary.header("vary")
        # A status without a message is in the headers, or in the last frame.
        for answer, code in ((failed, b"5"), (unknown, b"12")):
            said = answer.header("grpc-status")
            assert (said.encode() if said else trailers(frames(answer.body)[-1][1])[b"grpc-status"]) == code
            assert answer.status == 200
        assert text.header("content-type") == "application/grpc-web-text"
        (_, message), (last, tail) = frames(b"".join(base64.b64decode(piece) for piece in quartets(text.body)))
        assert message == b"echo:he" and last == 0x80 and trailers(tail)[b"grpc-status"] == b"0"
    finally:
        gateway.lab.stop(process)


def quartets(text):
    """Pieces of four letters: padding may stand in the middle."""
    return [text[i:i + 4] for i in range(0, len(text), 4)]


def test_streams_come_message_by_message(gateway):
    process = serve(gateway)
    try:
        for kind in ("application/grpc-web+proto", "application/grpc-web-text+proto"):
            is_text = "text" in kind
            body = frame(b"go")
            answer = ask(gateway, call("Stream", base64.b64encode(body) if is_text else body, kind))[0]
            seen, data = [], b""
            for piece, at in answer.pieces:
                data += b"".join(map(base64.b64decode, quartets(piece))) if is_text else piece
                seen.append((data.count(b"\x00\x00\x00\x00\x01"), at))
            assert [message for flag, message in frames(data) if not flag] == [b"0", b"1", b"2", b"3"]
            for n in range(1, 5):
                at = next(at for count, at in seen if count >= n)
                assert at < n * 0.3 + 0.25, seen
    finally:
        gateway.lab.stop(process)


def test_broken_text_does_not_reach_the_server_as_a_message(gateway):
    process = serve(gateway)
    try:
        answer = ask(gateway, call("Echo", b"AAAA!!!!", "application/grpc-web-text"))[0]
        assert answer.status in (0, 400, 500, 502) or answer.error or b"echo" not in answer.body
        # And the proxy goes on.
        assert frames(ask(gateway, call("Echo", frame(b"on")))[0].body)[0][1] == b"echo:on"
    finally:
        gateway.lab.stop(process)


def test_questions_of_browsers(gateway):
    process = serve(gateway)
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-grpc-web"}
    try:
        good, bad = ask(gateway, *(request("/p.S/Echo", {**asked, "Origin": origin}, method="OPTIONS")
                                   for origin in ("https://page.test", "https://evil.test")))
        assert good.status == bad.status == 204
        assert good.header("access-control-allow-origin") == "https://page.test"
        assert good.header("access-control-allow-methods") == "POST"
        assert good.header("access-control-allow-headers") == "content-type,x-grpc-web"
        assert good.header("access-control-max-age") == "600"
        assert "access-control-allow-origin" not in bad.headers
    finally:
        gateway.lab.stop(process)
