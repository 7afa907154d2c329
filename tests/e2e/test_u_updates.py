# SPDX-License-Identifier: Apache-2.0
"""Updates that survive: readiness, systemd's messages, the state file, and kill -9 in the middle of anything."""

import http.client
import json
import os
import random
import signal
import socket
import stat
import subprocess
import time

import pytest

from conftest import TIDEGATE
from kube_world import World


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    made.server.start()
    yield made
    made.stop()


def ready(world):
    link = http.client.HTTPConnection("127.0.0.1", world.admin, timeout=5)
    try:
        link.request("GET", "/ready")
        answer = link.getresponse()
        return answer.status, answer.read().decode()
    finally:
        link.close()


def ask(world, host):
    """Status of an answer, for a request that is sent once."""
    link = http.client.HTTPConnection("127.0.0.1", world.web, timeout=5)
    try:
        link.request("GET", "/", headers={"Host": host})
        answer = link.getresponse()
        answer.read()
        return answer.status
    finally:
        link.close()


def kill(world):
    world.process.send_signal(signal.SIGKILL)
    world.process.wait(10)


def routes(world):
    return json.loads(world.api("/api/rawdata"))


def test_not_ready_before_everything_was_said_once(world):
    world.server.put(*world.service(), world.route())
    world.server.down()
    world.run(wait=False)
    world.until(lambda: ready(world)[0] == 503, "an answer")
    assert ready(world) == (503, "starting: not everything has been said yet\n")
    assert "\ntidegate_config_ready 0\n" in world.api("/metrics")
    world.server.up()
    world.until(lambda: ready(world)[0] == 200, "readiness", 20)
    assert ask(world, "web.test") == 200
    assert "\ntidegate_config_ready 1\n" in world.api("/metrics")
    # What was ready stays so, and serves, while the API server is gone.
    world.server.down()
    time.sleep(0.3)
    assert ready(world)[0] == 200 and ask(world, "web.test") == 200


def test_systemd_is_told_when_it_serves_and_when_it_ends(world):
    path = os.path.join(world.folder, "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        listener.settimeout(10)
        world.server.put(*world.service(), world.route())
        world.run(env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "300000"})
        said = []

        def until(word):
            while not said or not said[-1].startswith(word):
                said.append(listener.recv(500).decode())
            return said[-1]

        assert f"MAINPID={world.process.pid}" in until("READY=1")
        # Every worker gave a sign of life.
        until("WATCHDOG=1")
        until("WATCHDOG=1")
        world.process.send_signal(signal.SIGHUP)
        until("RELOADING=1")
        until("READY=1")
        assert ask(world, "web.test") == 200
        world.process.terminate()
        until("STOPPING=1")
        assert world.process.wait(10) == 0


def test_draining_takes_readiness_away_and_goes_on_serving_and_changing(world):
    world.server.put(*world.service(), world.route())
    world.run("--entryPoints.web.transport.lifeCycle.requestAcceptGraceTimeout=2s")
    assert ready(world)[0] == 200
    world.process.terminate()
    world.until(lambda: ready(world)[0] == 503, "the end of readiness")
    assert ask(world, "web.test") == 200
    world.server.put(world.route("late", "late.test"))
    world.until(lambda: ask(world, "late.test") == 200, "a change during the end", 2)
    assert world.process.wait(10) == 0


def test_the_state_file_serves_while_the_api_server_is_gone(world):
    path = os.path.join(world.folder, "state")
    world.server.put(*world.service(), world.route(), world.route("gone", "gone.test"))
    world.run(f"--stateFile={path}")
    world.until(lambda: os.path.exists(path), "the state file")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    kill(world)
    world.server.down()
    world.run(f"--stateFile={path}", wait=False)
    world.until(lambda: ready(world)[0] == 200, "readiness from the state file")
    assert ask(world, "web.test") == 200 and ask(world, "gone.test") == 200
    assert world.status()["fromStateFile"] is True
    # It comes back, and has another opinion.
    world.server.delete("IngressRoute", "shop", "gone")
    world.server.put(world.route("new", "new.test"))
    world.server.up()
    world.until(lambda: ask(world, "new.test") == 200, "what the API server says", 30)
    assert ask(world, "gone.test") == 404 and ask(world, "web.test") == 200
    assert world.status()["fromStateFile"] is False


def test_a_damaged_state_file_is_refused_and_said(world):
    path = os.path.join(world.folder, "state")
    world.server.put(*world.service(), world.route())
    world.run(f"--stateFile={path}")
    world.until(lambda: os.path.exists(path), "the state file")
    kill(world)
    with open(path, "r+b") as file:
        file.truncate(os.path.getsize(path) - 30)
    world.server.down()
    world.run(f"--stateFile={path}", wait=False)
    world.until(lambda: ready(world)[0] == 503, "an answer")
    assert "the state file is refused, starting without it" in world.log()
    assert "cut off" in world.log() or "checksum" in world.log()
    world.server.up()
    world.until(lambda: ready(world)[0] == 200, "readiness", 30)


# --------------------------------------------------------------------- model --

NAMES = 12


def change(world, dice, model):
    """One random update of the API server's objects; model: host -> whether it must be answered."""
    name, what = f"r{dice.randrange(NAMES)}", dice.randrange(10)
    service = f"s{dice.randrange(4)}"
    if what < 5:
        items = world.service(service, addresses=dice.sample(["127.0.0.1", "127.0.0.2", "127.0.0.3"], dice.randrange(1, 4)))
        world.server.put(items[1])
    elif what < 8:
        world.server.put(world.route(name, f"{name}.test", service=service, **({} if dice.randrange(4) else {"tls": {}})))
        model[name] = True
    elif model.get(name):
        world.server.delete("IngressRoute", "shop", name)
        model[name] = False
    else:
        world.server.put({"apiVersion": "traefik.io/v1alpha1", "kind": "Middleware", "metadata": {"name": name, "namespace": "shop"},
                          "spec": {"headers": {"customResponseHeaders": {"X-A": str(dice.randrange(9))}}}})


def fresh(world):
    """What a process says that reads the same objects for the first time, from files."""
    folder = os.path.join(world.folder, "fresh")
    os.makedirs(folder, exist_ok=True)
    with world.server.lock:
        items = [item for (plural, _, _), item in world.server.objects.items()]
    with open(os.path.join(folder, "all.json"), "w", encoding="utf-8") as file:
        json.dump({"apiVersion": "v1", "kind": "List", "items": items}, file)
    with subprocess.Popen([TIDEGATE, "run", "--entryPoints.web.address=127.0.0.1:0", "--kernelPlane=off", "--workers=1",
                           f"--manifests={folder}", "--security.allowLoopbackBackends=true", "--security.seccomp=false",
                           f"--admin.socket={folder}/admin.sock"], stderr=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + 20
            while time.monotonic() < end:
                answer = subprocess.run(["curl", "-s", "--unix-socket", f"{folder}/admin.sock", "http://x/api/rawdata"],
                                        capture_output=True, text=True, timeout=10, check=False)
                if answer.returncode == 0 and answer.stdout:
                    return json.loads(answer.stdout)
                time.sleep(0.05)
            raise AssertionError("the fresh process does not answer")
        finally:
            process.kill()


def plain(data):
    """Without what is another's on purpose: server states, addresses of the listener."""
    for service in data.get("services", {}).values():
        service.pop("serverStatus", None)
    return data


def wait_for(world, revision):
    """Until everything that the API server has said is served."""
    def done():
        return plain(routes(world)) == revision
    world.until(done, "the same as a fresh compile", 15)


def test_kill_9_at_any_moment_of_a_thousand_updates(world):
    dice, model = random.Random(7), {}
    path = os.path.join(world.folder, "state")
    world.server.put(*[item for i in range(4) for item in world.service(f"s{i}")],
                     *world.service("steady"), world.route("always", "always.test", service="steady"))
    world.run(f"--stateFile={path}")
    wrong, asked = 0, 0
    for round_ in range(10):
        victim = dice.randrange(100)
        for i in range(100):
            change(world, dice, model)
            if i == victim:
                kill(world)
                world.run(f"--stateFile={path}", wait=False)
                world.until(lambda: ready(world)[0] == 200, "readiness after kill -9", 20)
            elif i % 5 == 0:
                asked += 1
                wrong += ask(world, "always.test") != 200
        expected = plain(fresh(world))
        wait_for(world, expected)
        for name, there in model.items():
            router = [r for r in expected["routers"].values() if r["rule"] == f"Host(`{name}.test`)"]
            assert bool(router) == there
    assert asked > 150 and wrong == 0
