# SPDX-License-Identifier: Apache-2.0
"""One generation of the proxy takes over from another: nothing is refused, nothing is cut."""

import json
import os
import signal
import subprocess
import time

import pytest
from conftest import GATEWAY, ROOT, TIDEGATE, route

STEADY = os.path.join(ROOT, "tests", "support", "steady.py")


def start(gateway, kernel="off", *options):
    gateway.write("10.yaml", route("web", "Host(`x.test`)"))
    gateway.start(*options, kernel=kernel)


def steady(gateway, seconds, kept=8, fresh=8, address=GATEWAY, port=80):
    return subprocess.Popen(gateway.lab.inside("client", "/usr/bin/python3", STEADY, address, str(port), "x.test",
                                               str(seconds), str(kept), str(fresh)),
                            stdout=subprocess.PIPE, text=True)


def result_of(asker):
    out, _ = asker.communicate(timeout=60)
    return json.loads(out)


def next_one(gateway, *options, without=()):
    """Starts a second `tidegate run` with the same options and more, in the place of gateway.process; returns the
    first."""
    before = gateway.process
    arguments = before.args[before.args.index(TIDEGATE):]
    arguments = [a for a in arguments if not a.startswith(tuple(without))] + list(options)
    gateway.process = gateway.lab.start("gw", *arguments, log=gateway.log_path)
    return before


def take_over(gateway, *options, without=()):
    n = gateway.log().count("another process serves now")
    before = next_one(gateway, *options, without=without)
    gateway.lab.wait_for(lambda: gateway.log().count("another process serves now") > n
                         or gateway.process.poll() is not None, "the takeover", 20)
    assert gateway.process.poll() is None, gateway.log()
    return before


@pytest.mark.parametrize("kernel", ["off", "native"])
def test_nothing_fails_over_many_upgrades_under_load(gateway, kernel):
    start(gateway, kernel)
    asker, left = steady(gateway, 9), []
    end = time.monotonic() + 7.5
    while time.monotonic() < end and len(left) < 8:
        # More workers, fewer workers: no queue is forgotten.
        left.append(take_over(gateway, f"--workers={1 + len(left) % 3}", without=["--workers"]))
        time.sleep(0.3)
    result = result_of(asker)
    assert len(left) >= 5 and result["answered"] > 2000, (len(left), result)
    assert result["failed"] == 0, result
    for process in left:
        assert gateway.lab.stop(process) == 0
    assert gateway.get("x.test")[0] == 200 and gateway.status()["draining"] is False
    assert "cannot choose sockets" not in gateway.log()


def test_a_next_one_that_fails_changes_nothing(gateway):
    start(gateway)
    asker = steady(gateway, 3)
    taken = gateway.lab.start("gw", "/usr/bin/python3", "-c",
                              "import socket,time; s=socket.socket(); s.bind(('', 8099)); s.listen(); time.sleep(20)")
    gateway.lab.wait_for(lambda: ":8099" in gateway.lab.run("gw", "ss", "-ltn").stdout, "the port to be taken", 5)
    before = next_one(gateway, "--entryPoints.more.address=:8099")
    assert gateway.process.wait(20) != 0
    gateway.process = before
    assert result_of(asker)["failed"] == 0
    assert "ended before it served; going on" in gateway.log()
    assert gateway.get("x.test")[0] == 200
    gateway.lab.stop(taken)
    assert gateway.get("x.test")[0] == 200 and gateway.status()["draining"] is False


def test_a_download_goes_on_in_the_one_that_was_replaced(gateway):
    with open(os.path.join(gateway.lab.dir, "backend-a", "www", "files", "large.bin"), "wb") as file:
        file.write(os.urandom(1 << 20) * 4)
    start(gateway)
    gateway.update("20.yaml", route("files", "Host(`f.test`)", service="a"))
    download = subprocess.Popen(gateway.lab.inside(
        "client", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{size_download}", "--limit-rate", "1M",
        "-H", "Host: f.test", f"http://{GATEWAY}/files/large.bin"), stdout=subprocess.PIPE, text=True)
    time.sleep(0.5)
    before = take_over(gateway)
    assert gateway.get("x.test")[0] == 200
    assert download.communicate(timeout=30)[0] == f"200 {4 << 20}"
    assert before.wait(20) == 0


def test_the_command_upgrades_and_says_so(gateway):
    start(gateway)
    arguments = gateway.process.args[gateway.process.args.index(TIDEGATE) + 2:]
    with open(gateway.log_path, "a") as log:
        said = subprocess.run(gateway.lab.inside("gw", TIDEGATE, "upgrade", *arguments), stdout=subprocess.PIPE,
                              stderr=log, text=True, timeout=20)
    assert said.returncode == 0 and "serves now" in said.stdout, said
    pid = int(said.stdout.split()[1])
    try:
        assert gateway.process.wait(20) == 0
        assert gateway.get("x.test")[0] == 200
        refused = gateway.lab.run("gw", TIDEGATE, "upgrade", "--admin.socket=/nonexistent/a.sock", check=False)
        assert refused.returncode == 1 and "goes on" in refused.stderr
    finally:
        os.kill(pid, signal.SIGTERM)


def test_sessions_resume_after_an_upgrade(gateway):
    start(gateway)
    gateway.update("20.yaml", route("tls", "Host(`t.test`)", entry_points=["websecure"], tls={}))
    session = os.path.join(gateway.folder, "session.pem")
    talk = ["openssl", "s_client", "-connect", f"{GATEWAY}:443", "-servername", "t.test", "-tls1_2"]
    gateway.lab.run("client", *talk, "-sess_out", session, input="Q\n", check=False)
    take_over(gateway)
    assert "Reused," in gateway.lab.run("client", *talk, "-sess_in", session, input="Q\n", check=False).stdout


def test_without_a_common_folder_the_kernel_moves_what_waits(gateway):
    """Two pods on a node that overlap: another admin socket, the same pins."""
    start(gateway, "native")
    asker = steady(gateway, 4)
    before = next_one(gateway, f"--admin.socket={gateway.folder}/second.sock", "--admin.address=127.0.0.1:9181",
                      without=["--admin."])
    gateway.socket = f"{gateway.folder}/second.sock"
    gateway.lab.wait_for(gateway.status, "the second one to serve", 20)
    time.sleep(0.3)
    assert gateway.status()["connectionsAccepted"] > 10
    before.send_signal(signal.SIGTERM)
    assert before.wait(20) == 0
    result = result_of(asker)
    # Those that the first one closes while they are idle may meet a request on its way.
    assert result["answered"] > 500 and not [w for w in result["why"] if not w.startswith("kept")], result


def test_a_range_of_a_virtual_address_reaches_an_entry_point_that_did_not_bind_it(gateway):
    with gateway.lab.here("gw", "10.99.0.0/24"):
        gateway.write("15.yaml", {"apiVersion": "tidegate.io/v1alpha1", "kind": "VirtualAddress",
                                  "metadata": {"name": "range", "namespace": "default"},
                                  "spec": {"addresses": ["10.99.0.1"], "ports": [{"port": 20000, "endPort": 29999}], "protocol": "TCP",
                                           "mode": "local", "entryPoint": "web"}})
        start(gateway, "native")
        for port in (20000, 24321, 29999):
            assert gateway.get("x.test", port=port, address="10.99.0.1")[0] == 200, gateway.log()
        assert gateway.get("x.test", "/", "--connect-timeout", "1", port=30000, address="10.99.0.1")[0] == 0
        asker = steady(gateway, 4, kept=4, fresh=6, address="10.99.0.1", port=25000)
        for _ in range(3):
            take_over(gateway)
            time.sleep(0.3)
        result = result_of(asker)
        assert result["failed"] == 0 and result["answered"] > 500, result
