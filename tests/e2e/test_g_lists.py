# SPDX-License-Identifier: Apache-2.0
"""denyFrom and allowFrom: lists that are kept in ConfigMaps and files, over the wire."""

import os
import time

from conftest import CLIENT, FLOODER, route, source_policy

DENIED = ("--interface", FLOODER, "--connect-timeout", "0.5")


def config_map(name, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data}


def code(gateway, *options):
    return gateway.get("x.test", "/", *options)[0]


def put(folder, name, text):
    path = os.path.join(folder, name)
    with open(path + ".new", "w") as file:
        file.write(text)
    os.rename(path + ".new", path)


def start(gateway, lists, *objects):
    gateway.write("10.yaml", route("web", "Host(`x.test`)"), *objects)
    gateway.start(f"--listsDirectory={lists}", kernel="native")
    return lists


def test_a_config_map_denies_and_allows_and_a_bad_line_changes_nothing(gateway, tmp_path):
    start(gateway, str(tmp_path),
          source_policy("p", {"denyFrom": [{"configMap": {"name": "feed", "key": "bad"}}],
                              "allowFrom": [{"configMap": {"name": "feed", "key": "good"}}]}),
          config_map("feed", bad="10.77.1.0/24 # all of them\n", good=f"{CLIENT}\n"))
    assert code(gateway, "--interface", CLIENT) == 200
    assert code(gateway, *DENIED) == 0
    gateway.update("10.yaml", route("web", "Host(`x.test`)"),
                   source_policy("p", {"denyFrom": [{"configMap": {"name": "feed", "key": "bad"}}]}),
                   config_map("feed", bad="192.0.2.0/24\noops\n"))
    assert code(gateway, *DENIED) == 0
    assert "line 2 of ConfigMap feed, key bad is no address" in gateway.log()
    gateway.update("10.yaml", route("web", "Host(`x.test`)"),
                   source_policy("p", {"denyFrom": [{"configMap": {"name": "feed", "key": "bad"}}]}),
                   config_map("feed", bad="192.0.2.0/24\n"))
    assert code(gateway, *DENIED) == 200


def test_a_file_is_watched_and_stays_in_its_folder(gateway, tmp_path):
    lists = str(tmp_path / "lists")
    os.mkdir(lists)
    put(lists, "feed.txt", f"{FLOODER}/32\n")
    start(gateway, lists, source_policy("p", {"denyFrom": [{"file": "feed.txt"}]}))
    assert code(gateway, *DENIED) == 0
    before = gateway.status()["revision"]
    put(lists, "feed.txt", "192.0.2.1\n")
    gateway.settle(before)
    assert code(gateway, *DENIED) == 200
    gateway.update("20.yaml", source_policy("q", {"denyFrom": [{"file": "../10.yaml"}, {"file": "/etc/hosts"}]}))
    assert gateway.log().count("there is no such file in") >= 2
    assert code(gateway, "--interface", CLIENT) == 200


def test_a_file_of_a_million_networks_is_in_force_within_seconds(gateway, tmp_path):
    lists = str(tmp_path / "lists")
    os.mkdir(lists)
    start(gateway, lists, source_policy("p", {"denyFrom": [{"file": "feed.txt"}]}))
    assert code(gateway, *DENIED) == 200
    words = (i * 2654435761 & 0xFFFFFFFF for i in range(999_990))
    text = "".join(f"{w >> 24 if w >> 24 not in (0, 10) else 11}.{w >> 16 & 255}.{w >> 8 & 255}.{w & 255}\n" for w in words)
    before, begun = gateway.status()["revision"], time.monotonic()
    put(lists, "feed.txt", text + f"{FLOODER}\n")
    gateway.lab.wait_for(lambda: gateway.status()["revision"] > before, "the list", 20)
    print(f"a million networks in force after {time.monotonic() - begun:.2f} s")
    assert code(gateway, *DENIED) == 0
    assert code(gateway, "--interface", CLIENT) == 200
