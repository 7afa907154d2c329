# SPDX-License-Identifier: Apache-2.0
"""The same objects give the same behaviour whatever the kernel plane runs as, and where it cannot, the object says so.

One proxy for each mode; each test writes its objects over those of the test before.
"""

import contextlib
import json

import pytest
from conftest import (BACKENDS, CLIENT, FLOODER, GATEWAY, LOADER, TIDEGATE, Gateway, backend_service, middleware, route,
                      source_policy)
from stream_lab import ask, connect, datagram, peer, read_n, service, tcp_middleware, tcp_route, udp_route
from test_g_kernel import burst

MODES = ("native", "generic", "tc", "off")
VIP = "10.88.0.1"
POINTS = ("--entryPoints.raw.address=:5432", "--entryPoints.dns.address=:5300/udp", "--entryPoints.dns.udp.timeout=1s")
OPTIONS = (*POINTS, "--interfaces=cl0,ba0,bb0")
BANNER = f"hello from a to {GATEWAY}\n"
AS_FLOODER = ("--interface", FLOODER, "--connect-timeout", "1")
STREAMS = (*service("t", 5432, ("a", "b")), *service("u", 5300, ("a", "b"), "UDP"),
           tcp_route("t", "HostSNI(`*`)", ("t", 5432), entry_points=("raw",)), udp_route("u", ("u", 5300)))


def virtual_address(**spec):
    return {"apiVersion": "tidegate.io/v1alpha1", "kind": "VirtualAddress", "metadata": {"name": "v", "namespace": "default"},
            "spec": {"addresses": [VIP], "ports": [{"port": 80}],
                     "backendRefs": [{"address": address, "port": 8080} for address in BACKENDS.values()], **spec}}


@contextlib.contextmanager
def around(lab, pins):
    """Servers in the backends; and a program at the far end of each pair, without which a native veth takes nothing that
    XDP sends to it. Checksums must be whole before XDP sees them."""
    planes, peers = [], []
    try:
        for role in ("client", "a", "b"):
            plane = [LOADER, f"--folder={pins}-{role}", "--mode=native", "--no-dispatcher"]
            planes.append((role, plane))
            lab.run(role, "ethtool", "-K", "eth0", "tx", "off", "gro", "off")
            lab.run(role, *plane, "load")
            lab.run(role, *plane, "attach", "eth0")
        for name in BACKENDS:
            peers += [peer(lab, name, "tcp", 5432, "banner", name), peer(lab, name, "udp", 5300, name)]
        lab.run("gw", "sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
        yield
    finally:
        for process in peers:
            lab.stop(process)
        for role, plane in planes:
            lab.run(role, *plane, "unload", check=False)


@pytest.fixture(scope="module", params=MODES)
def world(request, lab, tmp_path_factory):
    gateway = Gateway(lab, str(tmp_path_factory.mktemp(request.param)))
    gateway.mode = request.param
    gateway.write("90-backends.yaml", *backend_service("backends", BACKENDS.values()),
                  *backend_service("a", [BACKENDS["a"]]), *backend_service("b", [BACKENDS["b"]]))
    gateway.write("10.yaml", route("web", "Host(`x.test`)"))
    with around(lab, gateway.pins):
        try:
            gateway.start(*OPTIONS, kernel=request.param)
            kernel = gateway.status()["kernel"]
            assert kernel["mode"] == request.param, kernel
            yield gateway
        finally:
            gateway.stop()


def tell(world, *words):
    """A command over the manifests in force, with the options in force; (exit code, JSON)."""
    done = world.lab.run("gw", TIDEGATE, words[0], f"--manifests={world.manifests}", "--entryPoints.web.address=:80",
                         "--entryPoints.websecure.address=:443", *POINTS, f"--kernelPlane={world.mode}", "--json", *words[1:],
                         check=False)
    return done.returncode, json.loads(done.stdout)


def said(world, kind):
    """What `check` says of the objects of a kind."""
    code, found = tell(world, "check")
    return code, [d for d in found["faults"] if d.get("object", "").startswith(kind + "/")]


def of_tcp(world, port=5432, n=1, source=None, address=GATEWAY):
    """Which backend answered each of n connections; '' where none did."""
    names = []
    for _ in range(n):
        try:
            with connect(world.lab, port, address, 1, source) as link:
                names.append(read_n(link, 12)[11:12].decode())
        except OSError:
            names.append("")
    return names


def of_udp(world, n=1, port=5300, address=GATEWAY):
    names = []
    for _ in range(n):
        with datagram(world.lab, port, address, 1) as link:
            for _ in range(3):
                try:
                    link.send(b"who")
                    names.append(link.recv(100).split()[0].decode())
                    break
                except OSError:
                    continue
            else:
                names.append("")
    return names


def test_requests_are_routed_in_the_clear_and_over_tls(world):
    world.update("10.yaml", route("a", "Host(`a.test`)", service="a"), route("b", "Host(`a.test`) && PathPrefix(`/b`)", service="b"),
                 route("s", "Host(`s.test`)", service="b", entry_points=("websecure",), tls={}))
    assert world.get("a.test")[1]["x-backend"] == ["a"]
    assert world.get("a.test", "/b/1")[1]["x-backend"] == ["b"]
    assert world.get("nobody.test")[0] == 404
    assert world.get("a.test", address="[fd77:1::1]")[0] == 200
    secure = world.curl("-k", "-i", "--resolve", f"s.test:443:{GATEWAY}", "https://s.test/")
    assert "backend=b" in secure
    assert tell(world, "explain", "--url=http://a.test/b/1", f"--from={CLIENT}")[1]["router"].startswith("default-b-")


def test_limits_and_lists_of_requests(world):
    world.update("10.yaml", middleware("few", "rateLimit", {"average": 1, "period": "1m", "burst": 2}),
                 middleware("known", "ipAllowList", {"sourceRange": [f"{CLIENT}/32"]}),
                 route("few", "Host(`few.test`)", middlewares=("few",)), route("known", "Host(`known.test`)", middlewares=("known",)))
    assert [world.get("few.test")[0] for _ in range(4)] == [200, 200, 429, 429]
    assert world.get("known.test", "/", "--interface", CLIENT)[0] == 200
    assert world.get("known.test", "/", "--interface", FLOODER)[0] == 403


def test_raw_tcp_and_udp_reach_both_servers_and_explain_says_by_whom(world):
    world.update("10.yaml", *STREAMS)
    assert set(of_tcp(world, n=16)) == {"a", "b"}
    assert set(of_udp(world, n=16)) == {"a", "b"}
    by_kernel = world.mode != "off"
    for words in (("--tcp=raw",), ("--udp=dns",)):
        answer = tell(world, "explain", *words, f"--from={CLIENT}")[1]
        assert ("by the kernel plane" in answer["offload"]) is by_kernel, answer
        assert ("the kernel plane is off" in answer["offload"]) is not by_kernel, answer
    with connect(world.lab, 5432) as link:
        assert read_n(link, len(BANNER)).startswith(b"hello")
        assert bool(world.lab.run("gw", "ss", "-Htn", "sport = :5432").stdout.strip()) is not by_kernel


def test_lists_of_raw_tcp(world):
    objects = list(STREAMS)
    objects[4] = tcp_route("t", "HostSNI(`*`)", ("t", 5432), entry_points=("raw",), middlewares=("known",))
    world.update("10.yaml", *objects, tcp_middleware("known", "ipAllowList", {"sourceRange": [f"{CLIENT}/32"]}))
    assert of_tcp(world, source=CLIENT)[0] in ("a", "b")
    assert of_tcp(world, source=FLOODER) == [""]
    actions = [tell(world, "explain", "--tcp=raw", f"--from={address}:9")[1]["action"] for address in (FLOODER, CLIENT)]
    assert actions[0] != actions[1], actions


def test_changes_are_live(world):
    world.update("10.yaml", *STREAMS, route("x", "Host(`x.test`)", service="a"))
    assert set(of_tcp(world, n=8)) <= {"a", "b"} and world.get("x.test")[1]["x-backend"] == ["a"]
    with connect(world.lab, 5432) as kept:
        first = read_n(kept, 12)[11:12]
        other = "b" if first == b"a" else "a"
        world.update("10.yaml", *service("t", 5432, (other,)), *service("u", 5300, (other,), "UDP"), *STREAMS[4:],
                     route("x", "Host(`x.test`)", service="b"))
        assert set(of_tcp(world, n=8)) == {other}
        # Datagrams have no beginning: in the kernel plane those of a slot that changed hands may be an old flow's.
        assert set(of_udp(world, n=8)) == {other} if world.mode == "off" else other in of_udp(world, n=8)
        assert world.get("x.test")[1]["x-backend"] == ["b"]


def test_an_address_of_its_own_is_served_or_refused_aloud(world):
    world.update("10.yaml", virtual_address(), route("x", "Host(`x.test`)"))
    code, told = said(world, "VirtualAddress")
    bodies = [world.curl("--connect-timeout", "1", f"http://{VIP}/x", check=False) for _ in range(2 if world.mode == "off" else 12)]
    if world.mode == "off":
        assert code == 1 and "the kernel plane is off: nobody serves this address" in json.dumps(told), told
        assert bodies == ["", ""]
        assert "nobody serves this address" in world.log()
    else:
        assert code == 0 and not told, told
        assert {body[8:9] for body in bodies} == {"a", "b"}, bodies
    assert world.get("x.test")[0] == 200


def test_a_policy_on_sources_is_in_force_or_says_that_it_is_not(world):
    policy = source_policy("p", {"deny": [f"{FLOODER}/32"], "allow": [f"{CLIENT}/32"]})
    world.update("10.yaml", policy, route("x", "Host(`x.test`)"))
    code, told = said(world, "SourcePolicy")
    assert code == 0
    assert world.get("x.test", "/", "--interface", CLIENT)[0] == 200
    got = world.get("x.test", "/", *AS_FLOODER)[0]
    answer = tell(world, "explain", "--url=http://x.test/", f"--from={FLOODER}")[1]
    if world.mode == "off":
        assert "the kernel plane is off" in json.dumps(told), told
        assert got == 200 and answer["action"] == "forward", answer
        assert "nothing that this object denies or limits is held up" in world.log()
    else:
        assert not told and got == 0 and answer["action"] == "drop", (told, got, answer)


def test_limits_of_sources(world):
    world.update("10.yaml", route("x", "Host(`x.test`)"),
                 source_policy("p", {"limits": {"newConnectionsPerSecond": 5, "newConnectionsBurst": 10}}))
    assert (burst(world, 60) <= 20) is (world.mode != "off")
    assert world.get("x.test", "/", "--interface", CLIENT)[0] == 200


def test_a_deny_list_is_edited_while_it_runs(world):
    if world.mode == "off":
        pytest.skip("not in force, as the test before shows")
    for denied, status in ((FLOODER, 0), ("192.0.2.1", 200), (FLOODER, 0)):
        world.update("10.yaml", route("x", "Host(`x.test`)"), source_policy("p", {"deny": [f"{denied}/32"]}))
        assert world.get("x.test", "/", *AS_FLOODER)[0] == status


def test_the_kernel_plane_s_part_goes_on_without_a_process(world):
    """kill -9, then a new start over what is there: no connection fails, no datagram is lost, nobody denied gets in."""
    if world.mode == "off":
        pytest.skip("there is no kernel plane")
    world.update("10.yaml", virtual_address(ports=[{"port": 5432}], backendRefs=[{"address": a} for a in BACKENDS.values()]),
                 *STREAMS, source_policy("p", {"deny": [f"{FLOODER}/32"]}), route("x", "Host(`x.test`)"))

    def works():
        assert "" not in of_tcp(world, n=8, source=CLIENT) and "" not in of_tcp(world, n=8, source=CLIENT, address=VIP)
        assert "" not in of_udp(world, n=8)
        assert of_tcp(world, source=FLOODER) == [""]

    works()
    with connect(world.lab, 5432, VIP, 2, CLIENT) as kept:
        assert read_n(kept, len(BANNER)).startswith(b"hello")
        world.process.kill()
        world.process.wait()
        works()
        assert ask(kept, b"nobody there") == b"nobody there"
        world.start(*OPTIONS, kernel=world.mode)
        assert ask(kept, b"and back") == b"and back"
    works()
    assert world.get("x.test", "/", "--interface", CLIENT)[0] == 200
