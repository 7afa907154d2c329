# SPDX-License-Identifier: Apache-2.0
"""The kernel plane behind somebody else's XDP program: by tc, with the same objects, books and answers."""

import json
import os

import pytest
from conftest import BUILD, CLIENT, FLOODER, LOADER, middleware, route, run, source_policy
from test_g_kernel import burst, drops, start


@pytest.fixture
def foreign(gateway):
    """A plain XDP program that counts on cl0; returns how many packets it has seen."""
    folder = f"/sys/fs/bpf/foreign-{gateway.lab.tag}"
    run("bpftool", "prog", "loadall", os.path.join(BUILD, "tests/vm/foreign.bpf.o"), folder, "pinmaps", folder)
    gateway.lab.run("gw", "bpftool", "net", "attach", "xdpdrv", "pinned", f"{folder}/foreign_count", "dev", "cl0")

    def seen():
        rows = json.loads(run("bpftool", "-j", "map", "dump", "pinned", f"{folder}/foreign_seen").stdout)
        return int(rows[0].get("formatted", rows[0])["value"])

    yield seen
    gateway.lab.run("gw", "bpftool", "net", "detach", "xdpdrv", "dev", "cl0", check=False)
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))
    os.rmdir(folder)


def test_a_foreign_xdp_program_stays_and_ours_works_behind_it(gateway, foreign):
    gateway.write("10.yaml", route("web", "Host(`x.test`)"), source_policy("p", {"deny": [f"{FLOODER}/32"]}))
    gateway.start(kernel="auto")
    kernel = gateway.status()["kernel"]
    assert kernel["mode"] == "tc" and "foreign_count" in kernel["reason"]
    before = foreign()
    assert gateway.get("x.test")[0] == 200
    assert gateway.get("x.test", "/", "--interface", FLOODER, "--connect-timeout", "1")[0] == 0
    assert drops(gateway)["denied"] > 0 and foreign() > before
    kernel = gateway.status()["kernel"]
    assert kernel["received"] == kernel["passed"] + sum(kernel["drops"].values())
    rows = json.loads(gateway.lab.run("gw", LOADER, f"--folder={gateway.pins}", "--json", "status").stdout)
    assert [row["mode"] for row in rows["interfaces"]] == ["tc"]
    gateway.lab.run("gw", LOADER, f"--folder={gateway.pins}-2", "load")
    refused = gateway.lab.run("gw", LOADER, f"--folder={gateway.pins}-2", "--mode=native", "attach", "cl0", check=False)
    assert refused.returncode == 1 and "foreign_count" in refused.stderr and "--mode=tc" in refused.stderr
    run(LOADER, f"--folder={gateway.pins}-2", "unload")
    gateway.stop()
    before = foreign()
    gateway.get("x.test", "/", "--connect-timeout", "1")
    assert foreign() > before


def test_limits_and_bans_hold_by_tc_and_go_on_without_the_proxy(gateway):
    start(gateway, source_policy("p", {"limits": {"newConnectionsPerSecond": 10, "newConnectionsBurst": 20}}),
          middleware("limit", "rateLimit", {"average": 1, "period": "1m", "burst": 1}),
          route("limited", "Host(`l.test`)", middlewares=("limit",)), mode="tc",
          options=("--escalation.refusals=5", "--escalation.window=10s", "--escalation.dropFor=60s"))
    assert 20 <= burst(gateway, 200) <= 40
    assert drops(gateway)["rate_syns"] >= 150
    assert gateway.get("x.test", "/", "--interface", CLIENT)[0] == 200
    ask = ["--interface", FLOODER, "--connect-timeout", "1"]
    gateway.lab.wait_for(lambda: gateway.get("l.test", "/", *ask)[0] == 0, "the ban", 10)
    assert drops(gateway)["banned"] > 0
    gateway.process.kill()
    gateway.process.wait()
    gateway.start(kernel="tc")
    assert gateway.get("x.test", "/", *ask)[0] == 0
    assert gateway.get("x.test", "/", "--interface", CLIENT)[0] == 200


def test_a_large_body_passes_by_tc(gateway):
    start(gateway, mode="tc")
    assert gateway.get("x.test", "/", "--data-binary", "x" * 100_000)[0] == 200
