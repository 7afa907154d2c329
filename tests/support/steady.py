#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""steady: asks without a pause and counts what failed; nothing may, whatever happens to the proxy meanwhile.

    steady.py ADDRESS PORT HOST SECONDS KEPT FRESH

KEPT connections that go on as long as they are let, FRESH askers with a connection per request. Prints one JSON
object: answered, failed (with the first reasons), connections.
"""

import asyncio
import json
import sys
import time


class Tally:
    def __init__(self):
        self.answered, self.connections, self.failed, self.why = 0, 0, 0, []

    def fail(self, why):
        self.failed += 1
        if len(self.why) < 10:
            self.why.append(why)


async def read_answer(reader):
    """(status, may be kept), or an exception."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
    length = next(int(line.split(":")[1]) for line in head if line.startswith("content-length:"))
    await reader.readexactly(length)
    return int(head[0].split(" ")[1]), "connection: close" not in head


async def ask(address, port, host, until, kept, tally):
    request = (f"GET /steady HTTP/1.1\r\nHost: {host}\r\n" + ("" if kept else "Connection: close\r\n") + "\r\n").encode()
    while time.monotonic() < until:
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection(address, port), 0.9)
        except (OSError, asyncio.TimeoutError) as error:
            tally.fail(f"connect: {type(error).__name__} {error}")
            continue
        tally.connections += 1
        try:
            goes_on = True
            while goes_on and time.monotonic() < until:
                if reader.at_eof():
                    break
                writer.write(request)
                status, goes_on = await asyncio.wait_for(read_answer(reader), 5)
                if status != 200:
                    tally.fail(f"status {status}")
                tally.answered += 1
                goes_on = goes_on and kept
                await asyncio.sleep(0.002)
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError) as error:
            tally.fail(f"{'kept' if kept else 'fresh'}: {type(error).__name__} {error}")
        writer.close()


async def main():
    address, port, host = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    until, tally = time.monotonic() + float(sys.argv[4]), Tally()
    await asyncio.gather(*[ask(address, port, host, until, kept, tally)
                           for kept, n in ((True, int(sys.argv[5])), (False, int(sys.argv[6]))) for _ in range(n)])
    print(json.dumps({"answered": tally.answered, "connections": tally.connections, "failed": tally.failed,
                      "why": tally.why}))


asyncio.run(main())
