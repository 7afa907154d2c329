# SPDX-License-Identifier: Apache-2.0
"""docs/howto/bpftool.md: each of its commands works on the live maps, and no map is missing there."""

import os
import re

from conftest import CLIENT, FLOODER, LOADER, ROOT, route, source_policy

PINS = "/sys/fs/bpf/tidegate"


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def test_no_map_is_missing():
    page = read("docs", "howto", "bpftool.md")
    maps = re.findall(r"^\| `(\w+)` \|", read("docs", "reference", "maps.md"), re.M)
    assert len(maps) > 30
    assert [name for name in maps if not re.search(rf"pinned {PINS}/{name}\b", page)] == []


def test_each_command_of_the_page_works(gateway):
    # Small tables: the longest dump takes half a minute otherwise.
    small = ("--max-prefixes=4096", "--max-sources=4096", "--max-bans=1024")
    gateway.lab.run("gw", LOADER, "load", f"--folder={gateway.pins}", *small)
    gateway.write("10.yaml", route("web", "Host(`x.test`)"), source_policy("p", {"deny": [f"{FLOODER}/32", "203.0.113.0/24"]}))
    gateway.start(kernel="native")
    assert gateway.get("x.test", "/", "--interface", CLIENT)[0] == 200
    said = {}
    for block in re.findall(r"^```sh\n(.*?)^```", read("docs", "howto", "bpftool.md"), re.S | re.M):
        if "sysctl" in block or "tidegate-loader" in block:
            continue    # the kernel's statistics are everybody's; a loaded program is no map
        script = "set -eo pipefail\n" + block.replace(PINS, gateway.pins)
        done = gateway.lab.run("gw", "bash", "-c", script, check=False)
        assert done.returncode == 0, (block, done.stderr)
        said[block] = done.stdout

    def of(name):
        return "".join(text for block, text in said.items() if f"{PINS}/{name}" in block)

    assert "SourcePolicy/default/p" in of("policy_object")
    assert f"{FLOODER}/32" in of("acl ") and "203.0.113.0/24" in of("acl ")
    assert '"web"' in of("entry")
    assert "ringbuf" in of("captured")
