# SPDX-License-Identifier: Apache-2.0
"""teller: a server for tests that tells what it was asked, and answers as the query says.

    teller.py PORT LOG [CERT KEY [CA]]

The query decides the answer: status=403, h=Name:Value (any number), body=TEXT, size=N, delay=SECONDS, cut (no answer).
Without body or size the answer is what was asked, as JSON: {method, path, headers: [[name, value]], body}. Each request is a
line of JSON in LOG too. With CERT and KEY it speaks TLS; with CA it asks for a client certificate.
"""

import http.server
import json
import ssl
import sys
import threading
import time
import urllib.parse

LOCK = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    sys_version = ""

    def log_message(self, *_):
        pass

    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        asked = {"method": self.command, "path": self.path, "headers": self.headers.items(), "body": body.decode("latin1")}
        with LOCK, open(sys.argv[2], "a") as file:
            file.write(json.dumps(asked) + "\n")
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query, keep_blank_values=True)
        if "cut" in query:
            self.close_connection = True
            return
        time.sleep(float(query.get("delay", ["0"])[0]))
        told = json.dumps(asked).encode()
        if "body" in query:
            told = query["body"][0].encode()
        if "size" in query:
            told = b"x" * int(query["size"][0])
        status = int(query.get("status", ["200"])[0])
        self.send_response(status)
        for line in query.get("h", []):
            name, _, value = line.partition(":")
            self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(told)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = answer


def main():
    http.server.ThreadingHTTPServer.request_queue_size = 256
    server = http.server.ThreadingHTTPServer(("", int(sys.argv[1])), Handler)
    if len(sys.argv) > 4:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[3], sys.argv[4])
        if len(sys.argv) > 5:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(sys.argv[5])
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()


class Teller:
    """One of them in the namespace of a backend."""

    def __init__(self, lab, folder, role, address, port, *certs):
        self.lab, self.address, self.port = lab, address, port
        self.path = f"{folder}/teller-{role}-{port}.log"
        self.url = f"http{'s' if certs else ''}://{address}:{port}"
        self.process = lab.start(role, "/usr/bin/python3", __file__, str(port), self.path, *map(str, certs),
                                 log=f"{folder}/teller-{role}-{port}.out")
        lab.wait_for(lambda: lab.run(role, "bash", "-c", f"</dev/tcp/127.0.0.1/{port}", check=False).returncode == 0,
                     "the teller to listen")

    def asked(self):
        """What it was asked since the last call; headers as a lower-case dict of lists."""
        try:
            with open(self.path) as file:
                lines = [json.loads(line) for line in file]
            open(self.path, "w").close()
        except FileNotFoundError:
            return []
        for line in lines:
            line["headers"] = headers_of(line)
        return lines

    def stop(self):
        self.lab.stop(self.process)


def headers_of(told):
    headers = {}
    for name, value in told["headers"]:
        headers.setdefault(name.lower(), []).append(value)
    return headers


if __name__ == "__main__":
    main()
