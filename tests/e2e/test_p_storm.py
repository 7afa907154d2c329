# SPDX-License-Identifier: Apache-2.0
"""test_p_storm: broken manifests harm only themselves.

STORM_COUNT (environment) good routes and as many broken objects. The good ones answer byte for byte the same before the
broken ones come, while those change all the time, and after they have gone; each broken one is told.
"""

import collections
import json
import os
import random
import subprocess
import threading
import time

import pytest
import storm
import yaml
from conftest import SANITIZED, TIDEGATE, middleware
from loop import Loop, Upstream, fields

COUNT = int(os.environ.get("STORM_COUNT", "1000"))
SEED = int(os.environ.get("STORM_SEED", "1"))
MEMORY_MAX_BYTES = 96 << 20  # more than before the storm, at its height


def base(port):
    made = []
    for namespace in ("default", "storm"):
        made += [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": "backends", "namespace": namespace},
                  "spec": {"ports": [{"port": 80}]}},
                 {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                  "metadata": {"name": "backends", "namespace": namespace, "labels": {"kubernetes.io/service-name": "backends"}},
                  "addressType": "IPv4", "ports": [{"port": port}], "endpoints": [{"addresses": ["127.0.0.1"]}]}]
    return [*made, middleware("mark", "headers", {"customResponseHeaders": {"X-Mark": "good"}}), *storm.good(COUNT)]


def memory_bytes(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmRSS"))


class Asker:
    """Keeps asking every good route over one connection, and wants the answers of the first round."""

    def __init__(self, loop, upstream):
        self.loop, self.connection, self.rounds, self.wrong, self.ended = loop, None, 0, [], False
        self.want = [self.ask(i) for i in range(COUNT)]
        assert all(answer.startswith(b"HTTP/1.1 200") and b"X-Mark: good" in answer for answer in self.want)
        self.thread = threading.Thread(target=self._run)

    def ask(self, number):
        self.connection = self.connection or self.loop.connect(timeout=20)
        self.connection.sendall(b"GET /echo/%d?q HTTP/1.1\r\nHost: good%d.example\r\n\r\n" % (number, number))
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self.connection.recv(65536)
            assert piece, "the connection was closed"
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(int(value) for name, value in fields(head + b"\r\n\r\n") if name.lower() == "content-length")
        while len(body) < length:
            body += self.connection.recv(65536)
        return b"\r\n".join(line for line in head.split(b"\r\n") if not line.startswith(b"Date:")) + b"\r\n\r\n" + body

    def round(self):
        for i in range(COUNT):
            answer = self.ask(i)
            if answer != self.want[i]:
                self.wrong.append((i, answer, self.want[i]))
        self.rounds += 1

    def _run(self):
        while not self.ended and len(self.wrong) < 5:
            try:
                self.round()
            except Exception as error:  # shown by the test, which waits for the thread
                self.wrong.append(repr(error))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        self.thread.join(60)


def broken(loop, breaker, numbers):
    """(Re)writes files of broken objects: one each, as many of them cannot even be parsed."""
    ways = {}
    for number in numbers:
        made, way = breaker.one(number)
        loop.write(f"bad{number}.yaml", made if isinstance(made, str) else yaml.safe_dump(made))
        ways[number] = way
    return ways


@pytest.fixture(scope="module")
def stormy(tmp_path_factory):
    up = Upstream()
    text = "---\n".join(yaml.dump(item, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper)) for item in base(up.port))
    loop = Loop(TIDEGATE, str(tmp_path_factory.mktemp("storm")), ("web",), text,
                ("--log.level=FATAL", *(["--security.seccomp=false"] if SANITIZED else [])))
    yield loop, up
    assert loop.stop() == 0, loop.log()[-3000:]
    up.close()


def revision(loop):
    done = subprocess.run([TIDEGATE, "status", "--json", f"--admin.socket={loop.socket}"], capture_output=True, text=True, timeout=20)
    return json.loads(done.stdout)["revision"]


def settle(loop):
    """Until a change of its own, made last, is in force."""
    before = revision(loop)
    loop.write("last.yaml", yaml.safe_dump(storm.crd("Middleware", f"last{before}", {"addPrefix": {"prefix": "/x"}})))
    for _ in range(400):
        if revision(loop) > before:
            return
        time.sleep(0.05)
    raise AssertionError("no new revision")


def test_good_routes_do_not_notice(stormy):
    loop, up = stormy
    rng, breaker = random.Random(SEED), storm.Breaker(SEED)
    asker = Asker(loop, up)
    before = memory_bytes(loop.process.pid)
    with asker:
        ways = broken(loop, breaker, range(COUNT))
        for _ in range(5):
            broken(loop, breaker, rng.sample(range(COUNT), COUNT // 20))  # other faults of the same objects
            for number in rng.sample(range(COUNT), COUNT // 50):
                path = os.path.join(loop.manifests, f"bad{number}.yaml")
                if os.path.exists(path):
                    os.unlink(path)
            time.sleep(0.2)
        ways = broken(loop, breaker, range(COUNT))
        settle(loop)
        rounds = asker.rounds
        while asker.rounds < rounds + 2 and not asker.wrong and asker.thread.is_alive():
            time.sleep(0.05)
        height = memory_bytes(loop.process.pid)
        faults = check(loop)
        for number in range(COUNT):
            os.unlink(os.path.join(loop.manifests, f"bad{number}.yaml"))
        settle(loop)
        rounds = asker.rounds
        while asker.rounds < rounds + 2 and not asker.wrong and asker.thread.is_alive():
            time.sleep(0.05)
    assert not asker.wrong, asker.wrong[:2]
    assert asker.rounds > 4
    print(f"{asker.rounds} rounds of {COUNT} during the storm, {(height - before) >> 20} MiB more at its height")
    assert height - before < MEMORY_MAX_BYTES or SANITIZED, (before, height)
    told_of(faults, ways)


def check(loop):
    done = subprocess.run([TIDEGATE, "check", "--json", f"--manifests={loop.manifests}", "--security.allowLoopbackBackends=true",
                           "--entryPoints.web.address=:80"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    return json.loads(done.stdout)["faults"]


def told_of(faults, ways):
    """Every broken object is in the faults, by its object or file, with a field and what was expected or found."""
    by_file = collections.defaultdict(list)
    for fault in faults:
        by_file[os.path.basename(fault.get("file", ""))].append(fault)
    untold = [(number, way) for number, way in ways.items() if not by_file[f"bad{number}.yaml"]]
    assert not untold, (len(untold), untold[:20])
    assert not by_file["all.yaml"], by_file["all.yaml"][:3]
    for number, way in ways.items():
        for fault in by_file[f"bad{number}.yaml"]:
            assert fault["message"], fault
            if way not in ("cut_yaml", "not_yaml"):
                assert fault.get("field"), fault
                if fault["message"].startswith("wrong"):
                    assert fault.get("expected") and ("found" in fault or "header name" in fault["message"]), fault
    # What looks like something that is there is told what that is.
    near = [f for number, way in ways.items() if way.startswith("unknown_") for f in by_file[f"bad{number}.yaml"]]
    assert sum("did you mean" in f.get("suggestion", "") for f in near) > len(near) / 2, near[:5]
