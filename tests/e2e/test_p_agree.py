# SPDX-License-Identifier: Apache-2.0
"""test_p_agree: `explain` and the data plane give the same answer to every request of a generated world.

AGREE_COUNT and AGREE_SEED (environment) make it longer, or another one; `make agree COUNT=100000` does.
"""

import asyncio
import json
import os
import random
import subprocess
import time

import agree
import agree_wire
import pytest
import yaml
from conftest import SANITIZED, TIDEGATE
from loop import Loop
from ports import free_port

COUNT = int(os.environ.get("AGREE_COUNT", "3000"))
SEED = int(os.environ.get("AGREE_SEED", "1"))
AT_ONCE = 20000  # requests that are made, asked and compared before the next ones


@pytest.fixture(scope="module")
def servers():
    made = agree_wire.Servers(agree.SERVERS)
    yield made
    made.close()


def explain(loop, options, requests):
    asked = "".join(json.dumps({k: v for k, v in r.items() if k != "wire"}) + "\n" for r in requests)
    addresses = [f"--entryPoints.{name}.address=127.0.0.1:{port}" for name, port in loop.ports.items() if name != "six"]
    done = subprocess.run([TIDEGATE, "explain", f"--manifests={loop.manifests}", "--security.allowLoopbackBackends=true",
                           *addresses, *options], input=asked, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_explain_and_the_data_plane_agree(servers, tmp_path):
    rng = random.Random(SEED)
    world = agree.World(SEED, servers.ports)
    six = free_port()
    options = (*agree.OPTIONS, f"--entryPoints.six.address=[::1]:{six}")
    text = "---\n".join(yaml.safe_dump(item) for item in world.objects)
    loop = Loop(TIDEGATE, str(tmp_path), agree.PORTED, text,
                (*options, "--log.level=ERROR", *(["--security.seccomp=false"] if SANITIZED else [])))
    loop.ports["six"] = six
    differences, ways, reached, began = [], {}, set(), time.monotonic()
    try:
        for start in range(0, COUNT, AT_ONCE):
            requests = [world.request(i) for i in range(start, min(COUNT, start + AT_ONCE))]
            said = explain(loop, options, requests)
            got = asyncio.run(agree_wire.ask_all(loop.ports, requests, agree.head_of, rng))
            assert len(said) == len(requests)
            for request, one, answer in zip(requests, said, got):
                way = "forward" if one["action"] == "forward" else one["status"] or "drop"
                ways[way] = ways.get(way, 0) + 1
                reached.add(one["router"])
                found = agree.difference(world, request, one, answer)
                if found:
                    differences.append(f"{found}\n  {agree.head_of(request)!r}\n  to {request['wire']}: {one['why']}")
    finally:
        assert loop.stop() == 0, loop.log()[-3000:]
    print(f"{COUNT} requests, {len(differences)} differences, {time.monotonic() - began:.1f} s: {ways}, "
          f"{len(reached)} routers reached")
    assert not differences, f"{len(differences)} differences\n" + "\n".join(differences[:int(os.environ.get('AGREE_SHOW', '20'))])
    # Nothing is proved by a world where everything is 404.
    assert ways["forward"] > COUNT / 10 and len(ways) > 12 and len(reached) > 100, (ways, len(reached))
