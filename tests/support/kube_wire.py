# SPDX-License-Identifier: Apache-2.0
"""kube_wire: requests and answers of the stand-in API server over HTTP/1.1 and HTTP/2."""

import asyncio
import ssl
import time
import urllib.parse

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings

NAMES = {200: "OK", 201: "Created", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
         409: "Conflict", 410: "Gone", 415: "Unsupported Media Type", 422: "Unprocessable Entity",
         429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable", 504: "Gateway Timeout"}


class Request:
    def __init__(self, method, path, headers, body, version):
        self.method, self.full_path, self.headers, self.body, self.version = method, path, headers, body, version
        parts = urllib.parse.urlsplit(path)
        self.path = parts.path
        self.query = {k: v[-1] for k, v in urllib.parse.parse_qs(parts.query, keep_blank_values=True).items()}
        self.time = time.monotonic()

    @property
    def is_watch(self):
        return self.query.get("watch") in ("true", "1")

    def __repr__(self):
        return f"{self.method} {self.full_path} ({self.version})"


class Gone(Exception):
    """The other side, or a misbehaviour, ended the exchange."""


class Answer1:
    """An answer on an HTTP/1.1 connection."""

    def __init__(self, writer):
        self.writer, self.chunked, self.closed = writer, False, False

    async def head(self, code, headers, length=None):
        lines = [f"HTTP/1.1 {code} {NAMES.get(code, 'Status')}"] + [f"{k}: {v}" for k, v in headers]
        self.chunked = length is None
        lines.append("Transfer-Encoding: chunked" if self.chunked else f"Content-Length: {length}")
        await self.raw(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def data(self, data):
        if data:
            await self.raw(b"%x\r\n%s\r\n" % (len(data), data) if self.chunked else data)

    async def end(self):
        if self.chunked:
            await self.raw(b"0\r\n\r\n")

    async def raw(self, data):
        if self.closed:
            raise Gone
        try:
            self.writer.write(data)
            await self.writer.drain()
        except (ConnectionError, RuntimeError) as error:
            raise Gone from error

    def abort(self):
        self.closed = True
        self.writer.transport.abort()


class Answer2:
    """An answer on a stream of an HTTP/2 connection."""

    def __init__(self, link, stream):
        self.link, self.stream = link, stream

    async def head(self, code, headers, length=None):
        fields = [(":status", str(code))] + [(k.lower(), v) for k, v in headers]
        if length is not None:
            fields.append(("content-length", str(length)))
        self.link.call("send_headers", self.stream, fields)

    async def data(self, data):
        while data:
            room = await self.link.room(self.stream)
            size = min(room, len(data), self.link.conn.max_outbound_frame_size)
            self.link.call("send_data", self.stream, data[:size])
            data = data[size:]
            await self.link.drain()

    async def end(self):
        self.link.call("end_stream", self.stream)

    def abort(self):
        self.link.writer.transport.abort()


class Link2:
    """One HTTP/2 connection."""

    def __init__(self, server, reader, writer):
        self.server, self.reader, self.writer = server, reader, writer
        self.conn = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self.tasks, self.opened, self.wake = {}, {}, asyncio.Event()

    def call(self, name, *arguments, **named):
        try:
            getattr(self.conn, name)(*arguments, **named)
        except (h2.exceptions.ProtocolError, KeyError) as error:
            raise Gone from error
        self.flush()

    def flush(self):
        data = self.conn.data_to_send()
        if data and not self.writer.transport.is_closing():
            self.writer.write(data)

    async def drain(self):
        try:
            await self.writer.drain()
        except ConnectionError as error:
            raise Gone from error

    async def room(self, stream):
        while True:
            try:
                room = self.conn.local_flow_control_window(stream)
            except h2.exceptions.ProtocolError as error:
                raise Gone from error
            if room > 0:
                return room
            self.wake.clear()
            await self.wake.wait()

    def begin(self, stream):
        fields, body = self.opened.pop(stream)
        headers = {k: v for k, v in fields if not k.startswith(":")}
        pseudo = {k: v for k, v in fields if k.startswith(":")}
        request = Request(pseudo[":method"], pseudo[":path"], headers, bytes(body), "2")
        self.tasks[stream] = asyncio.create_task(self.server.serve(request, Answer2(self, stream)))

    def take(self, event):
        if isinstance(event, h2.events.RequestReceived):
            self.opened[event.stream_id] = (event.headers, bytearray())
        elif isinstance(event, h2.events.DataReceived):
            self.opened[event.stream_id][1].extend(event.data)
            self.conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self.begin(event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            task = self.tasks.pop(event.stream_id, None)
            if task:
                task.cancel()
        elif isinstance(event, (h2.events.WindowUpdated, h2.events.RemoteSettingsChanged)):
            self.wake.set()

    async def run(self):
        self.conn.local_settings = h2.settings.Settings(
            client=False, initial_values={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: self.server.max_streams,
                                          h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 262144})
        self.conn.initiate_connection()
        self.flush()
        try:
            while data := await self.reader.read(65536):
                while self.server.frozen:
                    await asyncio.sleep(0.05)
                for event in self.conn.receive_data(data):
                    self.take(event)
                self.flush()
        except (ConnectionError, h2.exceptions.ProtocolError, ssl.SSLError):
            pass
        finally:
            for task in self.tasks.values():
                task.cancel()
