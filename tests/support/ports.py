# SPDX-License-Identifier: Apache-2.0
"""ports: ports of loopback for servers that tests start.

Below the range that the kernel takes for the near end of connections, so that no client of another test has one by the
time the server starts; and never the same one twice in a run.
"""

import os
import random
import socket

FIRST, LAST = 12000, 31999
_random = random.Random(os.getpid())
_given = set()


def free_port():
    for _ in range(1000):
        port = _random.randint(FIRST, LAST)
        if port in _given:
            continue
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind(("", port))
        except OSError:
            continue
        _given.add(port)
        return port
    raise RuntimeError("no port is free")
