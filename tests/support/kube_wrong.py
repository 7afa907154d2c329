# SPDX-License-Identifier: Apache-2.0
"""kube_wrong: what the stand-in API server can be told to answer instead of the truth (KubeServer.when)."""

import asyncio

from kube_wire import Gone

def answering(code, text="", kind="application/json", headers=()):
    """An answer like this, instead of the true one."""
    async def action(server, _request, answer):
        await server.plain(answer, code, text, kind, headers)
    return action


def streaming(*pieces, end=True, abort=False, pause=0.0):
    """200 and these pieces of a stream."""
    async def action(server, _request, answer):
        await answer.head(200, server.HEADERS + [("Content-Type", "application/json")])
        for piece in pieces:
            await answer.data(piece if isinstance(piece, bytes) else piece.encode())
            if pause:
                await asyncio.sleep(pause)
        if abort:
            answer.abort()
            raise Gone
        if end:
            await answer.end()
        else:
            await asyncio.sleep(3600)
    return action


def silent(seconds=3600):
    """No answer at all."""
    async def action(_server, _request, _answer):
        await asyncio.sleep(seconds)
    return action


def cut():
    """The connection is cut instead of an answer."""
    async def action(_server, _request, answer):
        answer.abort()
        raise Gone
    return action


def replay(exchange, chunks=None):
    """A recorded exchange, byte for byte; chunks: the sizes to cut its body into, instead of the recorded ones."""
    response = exchange["response"]
    code = int(response["line"].split(" ")[1])
    text = response.get("body")
    body = text.encode() if text is not None else "".join(c["data"] for c in response["chunks"]).encode()
    headers = [(k, v) for k, v in response["headers"] if k not in ("Transfer-Encoding", "Content-Length", "Date")]
    is_chunked = any(k == "Transfer-Encoding" for k, _ in response["headers"])

    async def action(_server, _request, answer):
        await answer.head(code, headers, None if is_chunked else len(body))
        sizes = list(chunks or [c["len"] for c in response.get("chunks") or []] or [len(body)])
        at = 0
        while at < len(body):
            size = sizes.pop(0) if sizes else len(body) - at
            await answer.data(body[at:at + size])
            at += size
        await answer.end()
    return action
