# SPDX-License-Identifier: Apache-2.0
"""agree_wire: many requests over keep-alive connections, pipelined; and servers that say who they are. Needs no reading
of `agree`, and knows of HTTP only what its own requests need."""

import asyncio
import multiprocessing
import socket
import ssl


# --------------------------------------------------------------------- servers --

class Named(asyncio.Protocol):
    """A server that answers every request with its number."""

    def __init__(self, number):
        self.answer = b"HTTP/1.1 200 OK\r\nX-Backend: %d\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n" % number
        self.buffer = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.buffer += data
        n = self.buffer.count(b"\r\n\r\n")
        if n:
            self.transport.write(self.answer * n)
            self.buffer = self.buffer[self.buffer.rindex(b"\r\n\r\n") + 4:]


def _serve(sockets):
    async def main():
        loop = asyncio.get_running_loop()
        for number, listener in enumerate(sockets):
            await loop.create_server(lambda number=number: Named(number), sock=listener)
        await asyncio.Event().wait()
    asyncio.run(main())


class Servers:
    """As many servers as asked for, in a process of their own; ports[i] is the i-th one's."""

    def __init__(self, count):
        sockets = [socket.create_server(("127.0.0.1", 0), backlog=256) for _ in range(count)]
        self.ports = [s.getsockname()[1] for s in sockets]
        self.process = multiprocessing.get_context("fork").Process(target=_serve, args=(sockets,), daemon=True)
        self.process.start()
        for s in sockets:
            s.close()

    def close(self):
        self.process.terminate()
        self.process.join()


# ---------------------------------------------------------------------- client --

async def read_answer(reader, method):
    """(status, {lower-case name: value}, closes) of the next answer; None when the connection ended."""
    while True:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1")
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            return None
        first, *lines = head[:-4].split("\r\n")
        status = int(first.split(" ")[1])
        if status >= 200:
            break
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if method != "HEAD" and status not in (204, 304):
        if headers.get("transfer-encoding") == "chunked":
            while int((await reader.readuntil(b"\r\n")), 16):
                await reader.readuntil(b"\r\n")
            await reader.readuntil(b"\r\n")
        else:
            await reader.readexactly(int(headers.get("content-length", 0)))
    return status, headers, headers.get("connection", "").lower() == "close"


ANY_SERVER = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
ANY_SERVER.check_hostname, ANY_SERVER.verify_mode = False, ssl.CERT_NONE


async def connect(port, source, sni):
    return await asyncio.wait_for(asyncio.open_connection(
        "::1" if ":" in source else "127.0.0.1", port, ssl=ANY_SERVER if sni else None, server_hostname=sni or None, local_addr=(source,
            0)), 10)


async def converse(port, source, sni, asked, depth):
    """asked: [(method, bytes)]; answers in order, None where there was none. Up to depth are sent at once; what a closed
    connection left unanswered is sent again on another, and what gets no answer as the first one there has none."""
    got = []
    while len(got) < len(asked):
        try:
            reader, writer = await connect(port, source, sni)
        except (OSError, ssl.SSLError, asyncio.TimeoutError):
            got.append(None)
            continue
        first, open_ = True, True
        while open_ and len(got) < len(asked):
            batch = asked[len(got):len(got) + depth]
            try:
                writer.write(b"".join(data for _, data in batch))
                await writer.drain()
            except (ConnectionError, ssl.SSLError):
                pass
            for method, data in batch:
                try:
                    answer = await asyncio.wait_for(read_answer(reader, method), 20)
                except asyncio.TimeoutError:
                    raise AssertionError(f"no answer and no end to {data!r}")
                if answer is None:
                    open_ = False
                    if first:
                        got.append(None)
                    break
                first = False
                got.append(answer[:2])
                if answer[2]:
                    open_ = False
                    break
        writer.close()
    return got


async def ask_all(ports, requests, head_of, rng, connections=24):
    """Answers to requests, in order: grouped by where they are sent and from, over several connections at a time."""
    groups, answers = {}, [None] * len(requests)
    for index, request in enumerate(requests):
        groups.setdefault(request["wire"], []).append(index)
    pieces = [(wire, indices[i:i + 200]) for wire, indices in groups.items() for i in range(0, len(indices), 200)]
    rng.shuffle(pieces)

    async def work():
        while pieces:
            (entry, source, sni), indices = pieces.pop()
            asked = [(requests[i]["method"], head_of(requests[i])) for i in indices]
            for i, answer in zip(indices, await converse(ports[entry], source, sni, asked, rng.choice((1, 2, 5, 12, 40)))):
                answers[i] = answer
    await asyncio.gather(*(work() for _ in range(connections)))
    return answers
