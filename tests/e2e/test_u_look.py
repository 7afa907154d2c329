# SPDX-License-Identifier: Apache-2.0
"""Looking at the kernel plane while it works: drops as they come, captures, rates, bans lifted."""

import fcntl
import json
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import termios
import time

import pytest
from conftest import CLIENT, FLOODER, GATEWAY, TIDEGATE, middleware, route, source_policy


def start(gateway, *objects, options=()):
    gateway.write("10.yaml", route("web", "Host(`x.test`)"), *objects)
    gateway.start(*options, kernel="native")
    assert gateway.status()["kernel"]["mode"] == "native"


def looking(gateway, *arguments):
    """A command that looks, running in the gateway's namespace."""
    process = subprocess.Popen(gateway.lab.inside("gw", TIDEGATE, *arguments, f"--pinFolder={gateway.pins}"),
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(0.5)
    return process


def end(process, sig=signal.SIGINT):
    process.send_signal(sig)
    out, err = process.communicate(timeout=10)
    return process.returncode, out, err


def ask(gateway, source, port=80):
    return gateway.get("x.test", "/", "--interface", source, "--connect-timeout", "1", port=port)[0]


def blocks(data):
    """(type, body) of each pcapng block; lengths are checked."""
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        assert length % 4 == 0 and struct.unpack_from("<I", data, at + length - 4)[0] == length
        yield kind, data[at + 8:at + length - 4]
        at += length
    assert at == len(data)


def options_of(body):
    at, found = 0, {}
    while at < len(body):
        code, length = struct.unpack_from("<HH", body, at)
        if code == 0:
            break
        found[code] = body[at + 4:at + 4 + length]
        at += 4 + (length + 3) // 4 * 4
    return found


def test_drops_are_followed_with_reason_and_policy(gateway):
    start(gateway, source_policy("p", {"deny": [f"{FLOODER}/32"]}))
    follower = looking(gateway, "drops", "--follow")
    assert ask(gateway, FLOODER) == 0 and ask(gateway, CLIENT) == 200
    code, out, err = end(follower)
    assert code == 0 and "dropped meanwhile" in err
    line = next(line for line in out.splitlines() if FLOODER in line)
    for word in ("dropped", "denied", f"{GATEWAY}:80", "TCP", "entry point web", "policy", "deny list",
                 "of SourcePolicy/default/p", f"rule deny {FLOODER}/32"):
        assert word in line, line
    assert CLIENT not in out.replace(FLOODER, "")


def test_a_capture_is_pcapng_with_verdicts(gateway):
    start(gateway, source_policy("p", {"deny": [f"{FLOODER}/32"]}))
    path = os.path.join(gateway.folder, "all.pcapng")
    capture = looking(gateway, "capture", f"--write={path}", "--port=80")
    assert ask(gateway, FLOODER) == 0 and ask(gateway, CLIENT) == 200
    gateway.lab.run("client", "ping", "-c", "1", GATEWAY, check=False)
    code, _, err = end(capture)
    assert code == 0 and "packets captured" in err
    with open(path, "rb") as file:
        rows = list(blocks(file.read()))
    assert rows[0][0] == 0x0A0D0D0A and [kind for kind, _ in rows].count(1) == 1
    assert options_of(rows[1][1][8:])[2] == b"cl0"
    seen = {}
    for kind, body in rows:
        if kind != 6:
            continue
        kept, whole = struct.unpack_from("<II", body, 12)
        frame, more = body[20:20 + kept], options_of(body[20 + (kept + 3) // 4 * 4:])
        assert kept == min(whole, 1536) and frame[12:14] == b"\x08\x00" and frame[23] == 6
        seen.setdefault(more[1].decode(), []).append((frame, more))
    dropped = [rows for text, rows in seen.items() if text.startswith("dropped: denied, entry point web")]
    passed = [rows for text, rows in seen.items() if text.startswith("passed: admitted, entry point web")]
    assert dropped and passed, seen.keys()
    said = dropped[0][0][1][1].decode()
    assert f"of SourcePolicy/default/p, rule deny {FLOODER}/32" in said, said
    assert dropped[0][0][1][7] == b"\x02" + struct.pack("<Q", 1)   # XDP_DROP
    assert passed[0][0][1][7] == b"\x02" + struct.pack("<Q", 2) and passed[0][0][1][2] == struct.pack("<I", 1)
    assert any(b"GET / HTTP/1.1" in frame for frame, _ in passed[0])
    for tool in (["tcpdump", "-n", "-r", path], ["capinfos", path]):
        if shutil.which(tool[0]):
            read = subprocess.run(tool, capture_output=True, text=True, check=False)
            assert read.returncode == 0, read.stderr
            if tool[0] == "tcpdump":
                assert f"{FLOODER}." in read.stdout and "HTTP" in read.stdout


def test_the_limit_that_drops_is_named(gateway):
    start(gateway, source_policy("slow", {"limits": {"newConnectionsPerSecond": 1, "newConnectionsBurst": 1}}))
    follower = looking(gateway, "drops", "--follow", f"--source={FLOODER}")
    for _ in range(3):
        gateway.get("x.test", "/", "--interface", FLOODER, "--connect-timeout", "0.3")
    _, out, _ = end(follower)
    assert "rate_syns" in out and "of SourcePolicy/default/slow, rule limits.newConnectionsPerSecond 1 of each /32" in out, out


@pytest.mark.parametrize("filter_, source, seen", [
    (["--verdict=dropped"], CLIENT, False), (["--verdict=passed"], CLIENT, True),
    ([f"--source={CLIENT}/32"], CLIENT, True), ([f"--source={FLOODER}"], CLIENT, False),
    (["--dest=10.77.1.0/24"], CLIENT, True), (["--port=81"], CLIENT, False), (["--reason=admitted"], CLIENT, True)])
def test_a_capture_is_filtered(gateway, filter_, source, seen):
    start(gateway)
    capture = looking(gateway, "capture", *filter_)
    assert ask(gateway, source) == 200
    _, out, _ = end(capture)
    assert (f"{source}:" in out) == seen, out


def test_a_capture_ends_with_whoever_asked_and_one_runs_at_a_time(gateway):
    start(gateway)
    first = looking(gateway, "capture")
    second = gateway.command("capture", "--for=1", f"--pinFolder={gateway.pins}")
    assert second.returncode == 1 and "captures already" in second.stderr
    end(first, signal.SIGKILL)
    third = gateway.command("capture", "--for=1", "--count=5", f"--pinFolder={gateway.pins}")
    assert third.returncode == 0, third.stderr


def test_top_shows_rates_by_entry_point_and_source(gateway):
    start(gateway, source_policy("p", {"deny": [f"{FLOODER}/32"]}))
    load = subprocess.Popen(gateway.lab.inside("client", "bash", "-c",
                                               f"for i in $(seq 400); do curl -s -o /dev/null http://{GATEWAY}/; done"))
    try:
        shown = json.loads(gateway.command("top", "--json", f"--pinFolder={gateway.pins}").stdout)
        text = gateway.command("top", "--once", f"--pinFolder={gateway.pins}").stdout
    finally:
        load.kill()
        load.wait()
    assert shown["packetsPerSecond"] > 20
    web = next(row for row in shown["entries"] if row["name"] == "web")
    assert web["packetsPerSecond"] > 20
    assert any(row["address"] == CLIENT and row["packetsPerSecond"] > 0 for row in shown["sources"]), shown["sources"]
    assert "ENTRY" in text and CLIENT in text and "packets/s" in text


def screen_of(gateway, seconds=2.5, *arguments):
    """What `top` draws on a terminal of 80 by 24, round by round."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(gateway.lab.inside("gw", TIDEGATE, "top", f"--pinFolder={gateway.pins}", *arguments),
                               stdout=follower, stdin=follower, stderr=follower)
    os.close(follower)
    drawn, end_at = b"", time.monotonic() + seconds
    while time.monotonic() < end_at:
        if select.select([leader], [], [], 0.1)[0]:
            drawn += os.read(leader, 65536)
    process.terminate()
    process.wait(10)
    os.close(leader)
    return [round_.replace("\r", "").rstrip("\n").split("\n") for round_ in drawn.decode().split("\033[H\033[2J")[1:]]


def test_top_fits_a_terminal(gateway):
    start(gateway, source_policy("p", {"deny": [f"{FLOODER}/32"]}), *(address(f"site-{i}", 8100 + i) for i in range(9)))
    load = subprocess.Popen(gateway.lab.inside("client", "bash", "-c", f"for i in $(seq 400); do curl -s -o /dev/null http://{GATEWAY}/;"
                                               f" curl -s -m 0.02 --interface {FLOODER} http://{GATEWAY}/; done"))
    try:
        rounds = screen_of(gateway)
    finally:
        load.kill()
        load.wait()
    assert rounds
    for lines in rounds:
        assert len(lines) <= 24 and all(len(line) <= 80 for line in lines), lines
    text = "\n".join(rounds[-1])
    for word in ("packets/s", "DROP ", "denied: the source matches a deny list", "SOURCE ", "ENTRY ", "SERVICE ", "BACKEND ",
                 "more: --rows=N"):
        assert word in text, text
    entries = rounds[-1][next(i for i, line in enumerate(rounds[-1]) if line.startswith("ENTRY ")) + 1:]
    assert entries[0].startswith("web "), "the busiest is the first"
    # Into a pipe it draws nothing.
    piped = looking(gateway, "top")
    time.sleep(1.2)
    assert "\033" not in end(piped, signal.SIGTERM)[1]


def test_top_waits_for_a_kernel_plane_that_goes_and_comes_back(gateway):
    start(gateway)
    top = looking(gateway, "top")
    gateway.stop()  # and unloads it
    gateway.lab.wait_for(lambda: not os.path.exists(gateway.pins), "the pins to go")
    time.sleep(1.5)
    gateway.start(kernel="native")
    assert ask(gateway, CLIENT) == 200
    time.sleep(1.5)
    code, out, err = end(top, signal.SIGTERM)
    before, _, after = out.partition(f"the kernel plane in {gateway.pins} is gone; waiting for it to come back\n")
    assert "ENTRY" in before and "ENTRY" in after, (code, out, err)


def address(name, port):
    return {"apiVersion": "tidegate.io/v1alpha1", "kind": "VirtualAddress", "metadata": {"name": name, "namespace": "default"},
            "spec": {"addresses": ["10.88.0.7"], "ports": [{"port": port}], "backendRefs": [{"address": "10.77.2.9", "port": 80}]}}


def test_rows_of_top_are_the_same_ones_when_others_come_and_go(gateway):
    start(gateway, address("a-first", 81), address("b-second", 82))
    for _ in range(40):
        assert ask(gateway, CLIENT) == 200
    top = looking(gateway, "top", "--json", "--every=3")
    gateway.write("10.yaml", route("web", "Host(`x.test`)"), address("a-0", 80), address("b-second", 82))
    out, err = top.communicate(timeout=10)
    entries = {row["name"]: row["packetsPerSecond"] for row in json.loads(out)["entries"]}
    assert "default/a-0" in str(entries) and "a-first" not in str(entries), (entries, err)
    # Nobody asked meanwhile: what was counted before is no rate of this round.
    assert max(entries.values()) < 3, entries


def test_a_ban_is_lifted(gateway):
    start(gateway, middleware("limit", "rateLimit", {"average": 1, "period": "1m", "burst": 1}),
          route("limited", "Host(`l.test`)", middlewares=("limit",)),
          options=("--escalation.refusals=5", "--escalation.window=10s", "--escalation.dropFor=5m"))
    for _ in range(8):
        gateway.get("l.test", "/", "--interface", FLOODER, "--connect-timeout", "1")
    ban = json.loads(gateway.command("drops", "--json").stdout)["bans"][0]
    assert ask(gateway, FLOODER) == 0
    wrong = gateway.command("drops", "--remove=192.0.2.99", f"--pinFolder={gateway.pins}")
    assert wrong.returncode == 1 and "no such ban" in wrong.stderr
    policy = [f"--policy={ban['policy']}"] if ban["policy"] else []
    lifted = gateway.command("drops", f"--remove={FLOODER}", *policy, f"--pinFolder={gateway.pins}")
    assert lifted.returncode == 0 and "no longer banned" in lifted.stdout, lifted
    assert ask(gateway, FLOODER) == 200


@pytest.mark.parametrize("arguments, says", [
    (["capture", "--port=99999"], "--port takes"), (["capture", "--reason=nosuch"], "--reason takes"),
    (["capture", "--verdict=maybe"], "passed, dropped or sent"), (["capture", "--source=x"], "--source takes"),
    (["top", "--rows=0"], "--rows takes"), (["drops", "--remove=x"], "--remove takes"),
    (["capture", "--pinFolder=/sys/fs/bpf/nosuch"], "--pinFolder")])
def test_misuse_explains_itself(gateway, arguments, says):
    result = subprocess.run([TIDEGATE, *arguments], capture_output=True, text=True, check=False)
    assert result.returncode in (1, 2) and says in result.stderr, result


def test_a_packet_is_traced_through_the_stages(gateway):
    start(gateway, source_policy("p", {"deny": [f"{FLOODER}/32"], "limits": {"packetsPerSecond": 1000}}))

    def trace(*words):
        result = gateway.lab.run("gw", TIDEGATE, "trace", *words, f"--pinFolder={gateway.pins}", check=False)
        assert result.returncode == 0, result.stderr
        return result.stdout

    before = gateway.status()["kernel"]["drops"]["denied"]
    denied = json.loads(trace("tcp", f"{FLOODER}:4000", f"{GATEWAY}:80", "syn", "--json", "--interface=cl0"))
    assert (denied["verdict"], denied["reason"], denied["entry"]) == ("dropped", "denied", "web"), denied
    assert denied["stages"][-1]["stage"] == "lists" and denied["stages"][-1]["decides"] is True
    passed = trace("tcp", f"{CLIENT}:4000", f"{GATEWAY}:80", "syn")
    assert "entry      entry point web (any address, port 80)" in passed and "packets 1000 a second" in passed
    assert "verdict    passed: admitted" in passed
    assert "the local proxy" in passed
    assert "no_entry" in trace("udp", CLIENT, f"{GATEWAY}:9999", "payload=100")
    assert "no_entry" in trace("tcp", "[fd77:1::2]:99", "[fd77:1::1]:22", "vlan=5")
    assert "other_proto" in trace("icmp", CLIENT, GATEWAY)
    assert gateway.status()["kernel"]["drops"]["denied"] == before
    wrong = gateway.lab.run("gw", TIDEGATE, "trace", "tcp", "x", GATEWAY, check=False)
    assert wrong.returncode == 2 and "found: 'x'" in wrong.stderr
