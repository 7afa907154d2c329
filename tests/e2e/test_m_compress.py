# SPDX-License-Identifier: Apache-2.0
"""compress over the wire (reference c.9): what clients can read is what the service said, whatever the coding."""

import gzip
import zlib

import brotli
import pytest
import scripted
import zstandard
from conftest import GATEWAY, backend_service, middleware, route
from scripted import TEXT, ask, request


def read(coding, data):
    """All that can be read of a body that may not be at its end."""
    if coding == "gzip":
        return zlib.decompressobj(31).decompress(data)
    if coding == "br":
        return brotli.Decompressor().process(data)
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


def serve(gateway, conf):
    address, port, _ = scripted.start(gateway)
    gateway.write("20.yaml", *backend_service("scripted", [address], port), middleware("m", "compress", conf),
                  route("web", "Host(`x.test`)", service="scripted", middlewares=("m",)))
    gateway.start()


def accept(coding):
    return {"Accept-Encoding": coding}


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_bodies_of_every_kind_come_back(gateway, coding):
    serve(gateway, {})
    kinds = [{"size": n} for n in (1024, 4096, 65536, len(TEXT))]
    kinds += [{"chunked": [300000, 7000]}, {"chunked": [4, 4]}]
    answers = ask(gateway, *(request("/", accept(coding), kind) for kind in kinds))
    for kind, answer in zip(kinds, answers):
        whole = TEXT[:kind.get("size") or kind["chunked"][0]]
        assert answer.header("content-encoding") == coding and answer.header("vary") == "Accept-Encoding"
        assert "content-length" not in answer.headers and answer.error is None
        assert read(coding, answer.body) == whole
        assert len(answer.body) < len(whole) or len(whole) < 100


def test_curl_reads_it(gateway):
    serve(gateway, {})
    spec = dict(request("/", answer={"size": 2000})["headers"])["X-Answer"]
    out = gateway.curl("--compressed", "-H", "Host: x.test", "-H", f"X-Answer: {spec}", f"http://{GATEWAY}/")
    assert out.encode() == TEXT[:2000]


HTML = [["Content-Type", "text/html"]]
# name, configuration, request headers, answer, coding (None: as it was), reference
ROWS = [
    ("no Accept-Encoding", {}, {}, {"size": 2000}, None),
    ("no Accept-Encoding, defaultEncoding", {"defaultEncoding": "br"}, {}, {"size": 2000}, "br"),
    ("empty Accept-Encoding", {"defaultEncoding": "br"}, accept(""), {"size": 2000}, None),
    ("order among equals", {}, accept("zstd, br, gzip"), {"size": 2000}, "gzip"),
    ("configured order", {"encodings": ["br", "gzip"]}, accept("gzip, br"), {"size": 2000}, "br"),
    ("weights", {}, accept("gzip;q=0.5, br;q=0.7, zstd;q=0.1"), {"size": 2000}, "br"),
    ("refused", {}, accept("gzip;q=0, br;q=0, zstd;q=0"), {"size": 2000}, None),
    ("any", {}, accept("*"), {"size": 2000}, "gzip"),
    ("any, defaultEncoding", {"defaultEncoding": "zstd"}, accept("*"), {"size": 2000}, "zstd"),
    ("identity", {}, accept("identity"), {"size": 2000}, None),
    ("not configured", {"encodings": ["zstd"]}, accept("gzip, br"), {"size": 2000}, None),
    ("1023 bytes", {}, accept("gzip"), {"size": 1023}, None),
    ("1024 bytes", {}, accept("gzip"), {"size": 1024}, "gzip"),
    ("minResponseBodyBytes", {"minResponseBodyBytes": 10}, accept("gzip"), {"size": 10}, "gzip"),
    ("minResponseBodyBytes 0 is 1024", {"minResponseBodyBytes": 0}, accept("gzip"), {"size": 1000}, None),
    ("204", {}, accept("gzip"), {"status": 204}, None),
    ("404", {}, accept("gzip"), {"status": 404, "size": 2000}, "gzip"),
    ("206", {}, accept("gzip"), {"status": 206, "size": 2000, "headers": [["Content-Range", "bytes 0-1999/3000"]]}, None),
    ("empty without a length", {}, accept("gzip"), {"chunks": []}, None),
    ("no-transform", {}, accept("gzip"), {"size": 2000, "headers": [["Cache-Control", "public, No-Transform"]]}, None),
    ("coded already", {}, accept("gzip"), {"size": 2000, "headers": [["Content-Encoding", "x"]]}, "x"),
    ("No-Gzip-Compression", {}, accept("gzip"), {"size": 2000, "headers": [["No-Gzip-Compression", "1"]]}, None),
    ("excluded", {"excludedContentTypes": ["text/html; charset=x"]}, accept("gzip"), {"size": 2000, "headers": HTML}, None),
    ("not excluded", {"excludedContentTypes": ["text/plain"]}, accept("gzip"), {"size": 2000, "headers": HTML}, "gzip"),
    ("included", {"includedContentTypes": ["TEXT/html"]}, accept("gzip"), {"size": 2000, "headers": HTML}, "gzip"),
    ("not included", {"includedContentTypes": ["text/plain"]}, accept("gzip"), {"size": 2000, "headers": HTML}, None),
    ("malformed type", {}, accept("gzip"), {"size": 2000, "headers": [["Content-Type", "text/html; x"]]}, None),
    ("grpc", {}, accept("gzip"), {"size": 2000, "headers": [["Content-Type", "application/grpc"]]}, None),
    ("type of the request", {"excludedContentTypes": ["text/html"]}, {**accept("gzip"), "Content-Type": "text/html"},
     {"size": 2000}, None),
]


def test_what_is_compressed(gateway):
    """Reference c.9, row by row; one route for each configuration."""
    address, port, _ = scripted.start(gateway)
    objects = backend_service("scripted", [address], port)
    for i, row in enumerate(ROWS):
        objects += [middleware(f"m{i}", "compress", row[1]),
                    route(f"web{i}", f"Host(`h{i}.test`)", service="scripted", middlewares=(f"m{i}",))]
    gateway.write("20.yaml", *objects)
    gateway.start()
    answers = ask(gateway, *(request("/", row[2], row[3], host=f"h{i}.test") for i, row in enumerate(ROWS)))
    wrong = []
    for row, answer in zip(ROWS, answers):
        if answer.error or answer.header("content-encoding") != row[4]:
            wrong.append((row[0], answer.header("content-encoding"), answer.error))
        elif row[4] is None and "size" in row[3]:
            assert len(answer.body) == row[3]["size"] == int(answer.header("content-length")), row[0]
        assert "no-gzip-compression" not in answer.headers
    assert not wrong
    head = ask(gateway, request("/", accept("gzip"), {"size": 5000}, method="HEAD", host="h3.test"))[0]
    assert head.header("content-encoding") is None and head.header("content-length") == "5000"


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_events_go_out_one_by_one(gateway, coding):
    serve(gateway, {})
    events = [b"data: %d\n\n" % i for i in range(4)]
    answer = ask(gateway, request("/", accept(coding), {"chunks": events, "pause": 0.3,
                                                        "headers": [["Content-Type", "text/event-stream"]]}))[0]
    assert answer.header("content-encoding") == coding
    seen, data = [], b""
    for piece, at in answer.pieces:
        data += piece
        seen.append((read(coding, data).count(b"data"), at))
    # Each can be read before the next one is sent.
    for n in range(1, 5):
        at = next(at for count, at in seen if count >= n)
        assert at < (n - 1) * 0.3 + 0.25, seen
    assert read(coding, data) == b"".join(events)


def test_a_body_that_is_cut_is_seen_to_be_cut(gateway):
    serve(gateway, {})
    for coding in ("gzip", "br", "zstd"):
        answer = ask(gateway, request("/", accept(coding), {"chunked": [50000, 10000], "cut": True}))[0]
        assert answer.error and read(coding, answer.body) == TEXT[:50000][:len(read(coding, answer.body))]


def test_trailers_pass(gateway):
    serve(gateway, {})
    sent = b"GET / HTTP/1.1\r\nHost: x.test\r\nAccept-Encoding: gzip\r\nTE: trailers\r\nConnection: close\r\nX-Answer: %s\r\n\r\n"
    answer = {"chunked": [3000, 1000], "trailers": [["X-Sum", "42"]]}
    spec = dict(request("/", answer=answer)["headers"])["X-Answer"]
    raw = gateway.raw(sent % spec.encode())
    assert raw.endswith(b"\r\n0\r\nX-Sum: 42\r\n\r\n")


def test_accept_ranges_goes_and_other_headers_stay(gateway):
    serve(gateway, {})
    extra = [["ETag", '"1"'], ["Accept-Ranges", "bytes"], ["Vary", "Origin"], ["X-Other", "1"]]
    big, small = ask(gateway, *(request("/", accept("gzip"), {"size": n, "headers": extra}) for n in (5000, 10)))
    assert big.header("vary") == "Origin, Accept-Encoding" and big.header("etag") == 'W/"1"'
    assert "accept-ranges" not in big.headers and big.header("x-other") == "1"
    assert small.header("vary") == "Origin, Accept-Encoding" and small.header("accept-ranges") == "bytes"
    assert small.header("etag") == '"1"'


def test_own_answers_are_compressed_too(gateway):
    """Also an answer of the proxy itself, when it is long enough."""
    serve(gateway, {"minResponseBodyBytes": 5})
    gateway.update("30.yaml", middleware("first", "compress", {"minResponseBodyBytes": 5}),
                   middleware("then", "ipAllowList", {"sourceRange": ["192.0.2.1"]}),
                   route("deny", "Host(`deny.test`)", service="scripted", middlewares=("first", "then")))
    answer = ask(gateway, request("/", accept("gzip"), host="deny.test"))[0]
    assert answer.status == 403 and gzip.decompress(answer.body) == b"Forbidden"
    assert int(answer.header("content-length")) == len(answer.body)


def test_a_wrong_media_type_disables_the_route_and_says_so(gateway):
    serve(gateway, {"excludedContentTypes": ["text//html"]})
    assert ask(gateway, request("/"))[0].status == 404
    assert "not a media type" in gateway.log()
