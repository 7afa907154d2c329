# SPDX-License-Identifier: Apache-2.0
"""test_k_streams: raw TCP and UDP, one row per sentence of the Traefik reference (sections a.0, a.2, a.3, a.5, b.3 to b.5),
and VirtualAddresses. No gateway is started: `tidegate explain` asks the compiled routers, `tidegate check` tells faults."""

import hashlib
import json
import subprocess

import pytest
import yaml
from conftest import TIDEGATE

OPTIONS = ("--entryPoints.web.address=:80", "--entryPoints.db.address=:5432", "--entryPoints.dns.address=:53/udp",
           "--entryPoints.log.address=:514/udp", "--kernelPlane=off")
KERNEL = (*OPTIONS[:-1], "--kernelPlane=auto")


def service(name="pg", addresses=("10.77.9.1",), namespace="default", ready=True, **spec):
    conditions = {} if ready is None else {"ready": ready}
    return [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace},
         "spec": {"clusterIP": "10.96.0.9", "ports": [{"name": "db", "port": 5432, "nodePort": 30001}], **spec}},
        {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
         "metadata": {"name": f"{name}-1", "namespace": namespace, "labels": {"kubernetes.io/service-name": name}},
         "ports": [{"name": "db", "port": 15432}],
         "endpoints": [{"addresses": [a], "conditions": conditions} for a in addresses]}]


def traefik(kind, name, spec, namespace="default"):
    return {"apiVersion": "traefik.io/v1alpha1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def tcp(name, match, tls=None, services=({"name": "pg", "port": 5432},), namespace="default", entry_points=("db",), **more):
    spec = {"routes": [{"match": match, "services": list(services), **more}]}
    if entry_points:
        spec["entryPoints"] = list(entry_points)
    if tls is not None:
        spec["tls"] = tls
    return traefik("IngressRouteTCP", name, spec, namespace)


def udp(name, services=({"name": "pg", "port": 5432},), entry_points=("dns",)):
    return traefik("IngressRouteUDP", name, {**({"entryPoints": list(entry_points)} if entry_points else {}),
                                             "routes": [{"services": list(services)}]})


def https(name, match, entry_point="db"):
    return traefik("IngressRoute", name, {"entryPoints": [entry_point], "tls": {}, "routes": [
        {"match": match, "kind": "Rule", "services": [{"name": "pg", "port": 5432}]}]})


def vip(name, spec, namespace="default"):
    return {"apiVersion": "tidegate.io/v1alpha1", "kind": "VirtualAddress", "metadata": {"name": name, "namespace": namespace},
            "spec": spec}


def write(folder, objects):
    (folder / "all.yaml").write_text("---\n".join(yaml.safe_dump(item) for item in objects))


def ask(folder, objects, *questions, options=OPTIONS):
    write(folder, objects)
    done = subprocess.run([TIDEGATE, "explain", f"--manifests={folder}", *options],
                          input="".join(json.dumps(question) + "\n" for question in questions),
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr + done.stdout
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(folder, objects, *options):
    write(folder, objects)
    done = subprocess.run([TIDEGATE, "check", "--json", f"--manifests={folder}", *OPTIONS, *options],
                          capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout)["faults"]


def router_of(answer):
    """IngressRouteTCP/default/a -> a; "http" when HTTP has it."""
    return answer["object"].split("/")[-1] if answer["router"] else answer["action"]


# b.3: (rule, TLS, what the client says, does it match)
MATCHES = [
    ("HostSNI(`*`)", None, {}, True),
    ("HostSNI(`a.example`)", {}, {"sni": "a.example"}, True),
    ("HostSNI(`A.Example.`)", {}, {"sni": "a.EXAMPLE"}, True),
    ("HostSNI(`a.example`)", {}, {"tls": True}, False),
    ("HostSNI(`*.example`)", {}, {"sni": "a.example"}, True),
    ("HostSNI(`*.example`)", {}, {"sni": "b.a.example"}, False),
    ("HostSNI(`*`)", {}, {"tls": True}, True),
    ("HostSNI(`*`)", {}, {}, False),
    ("HostSNIRegexp(`^[a-z]+\\.example$`)", {}, {"sni": "A.example"}, True),
    ("HostSNIRegexp(`^$`)", {}, {"tls": True}, True),
    ("ClientIP(`192.0.2.0/24`)", None, {"remote_addr": "192.0.2.7:99"}, True),
    ("ClientIP(`192.0.2.0/24`)", None, {"remote_addr": "192.0.3.7"}, False),
    ("ClientIP(`2001:db8::/32`)", None, {"remote_addr": "2001:db8::1"}, True),
    ("ALPN(`mqtt`)", {}, {"alpn": ["h2", "mqtt"]}, True),
    ("ALPN(`mqtt`)", {}, {"alpn": ["h2"]}, False),
    ("HostSNI(`a`) && !ALPN(`h2`)", {}, {"sni": "a", "alpn": ["x"]}, True),
    ("hostsni(`a`) || HOSTSNI(`b`)", {}, {"sni": "b"}, True),
]


@pytest.mark.parametrize("match, tls, client, matches", MATCHES)
def test_rules(tmp_path, match, tls, client, matches):
    answer, = ask(tmp_path, [*service(), tcp("r", match, tls)], {"tcp": "db", **client})
    assert (router_of(answer) == "r") == matches, answer
    if matches:
        assert answer["action"] == "forward" and answer["servers"] == ["10.77.9.1:15432"]


# b.1, b.3: (rule, syntax, words of the fault); None: nothing is wrong
FAULTS = [
    ("HostSNI(`*.*.x`)", {}, "expected *, a host name"),
    ("HostSNI(`a`,`b`)", {}, "takes one argument"),
    ("HostSNI(`a`,`b`)", {"syntax": "v2"}, None),
    ("HostSNIRegexp(`{n:[a-z]+}.x`)", {"syntax": "v2"}, None),
    ("HostSNI(`a`) && Path(`/x`)", {}, "unknown matcher Path (at character 17)"),
    ("ALPN(`acme-tls/1`)", {}, "acme-tls/1"),
    ("ClientIP(`x`)", {}, "an IP address or a CIDR"),
    ("HostSNI()", {}, "takes one argument, found 0"),
    ("HostSNI(``)", {}, "must not be empty"),
    ("HostSNi(`a`)", {}, "did you mean HostSNI?"),
    ("", {}, "needs a rule"),
]


@pytest.mark.parametrize("match, more, told", FAULTS)
def test_faults_of_rules(tmp_path, match, more, told):
    faults = [f["message"] for f in check(tmp_path, [*service(), tcp("r", match, {}, **more)])
              if f["object"] == "IngressRouteTCP/default/r"]
    assert (not faults) if told is None else any(told in message for message in faults), faults


def test_a_name_needs_tls(tmp_path):
    faults = check(tmp_path, [*service(), tcp("r", "HostSNI(`a.example`)")])
    assert any("needs TLS" in f["message"] and "tls: {}" in f["suggestion"] for f in faults)


def test_names_and_priorities(tmp_path):
    """a.0: <ns>-<name>-<H>, not normalised; b.4: the length of the rule, -1 for the bare star."""
    rule = "HostSNI(`a.example`)"
    answers = ask(tmp_path, [*service(), tcp("my.db", rule, {}), tcp("all", "HostSNI( `*` )", {})],
                  {"tcp": "db", "sni": "a.example"}, {"tcp": "db", "sni": "x"})
    assert answers[0]["router"] == f"default-my.db-{hashlib.sha256(rule.encode()).hexdigest()[:20]}@kubernetescrd"
    assert answers[0]["service"] == answers[0]["router"] and answers[0]["priority"] == len(rule)
    assert router_of(answers[1]) == "all" and answers[1]["priority"] == -1


# b.5: (objects, what the client says, who has it)
DISPATCH = [
    ("a specific HTTPS host beats TCP, whatever the priority",
     [tcp("t", "HostSNI(`a.example`)", {}, priority=1000), https("h", "Host(`a.example`)")], {"sni": "a.example"}, "http"),
    ("by wildcard, too", [tcp("t", "HostSNI(`a.example`)", {}), https("h", "Host(`*.example`)")], {"sni": "a.example"}, "http"),
    ("a TCP name beats HTTPS without a host",
     [tcp("t", "HostSNI(`a.example`)", {}), https("h", "PathPrefix(`/`)")], {"sni": "a.example"}, "t"),
    ("HTTPS without a host beats the TCP star", [tcp("t", "HostSNI(`*`)", {}), https("h", "PathPrefix(`/`)")], {"sni": "x"}, "http"),
    ("the TCP star is before nothing", [tcp("t", "HostSNI(`*`)", {}), https("h", "Host(`a.example`)")], {"sni": "x"}, "t"),
    ("no route over TLS: HTTPS answers 404", [tcp("t", "HostSNI(`a.example`)", {})], {"sni": "x"}, "http"),
    ("plain: the first plain TCP route", [tcp("t", "HostSNI(`*`)"), https("h", "Host(`a.example`)")], {}, "t"),
    ("plain, then HTTP", [tcp("t", "ClientIP(`10.0.0.0/8`)"), https("h", "Host(`a.example`)")], {}, "http"),
    ("only plain routes: nobody looks", [tcp("t", "HostSNI(`*`)")], {"sni": "a.example"}, "t"),
    ("priority", [tcp("a", "HostSNI(`x`)", {}, priority=1), tcp("b", "HostSNIRegexp(`x`)", {}, priority=2)], {"sni": "x"}, "b"),
    ("longer rules first", [tcp("a", "HostSNI(`x`)", {}), tcp("b", "HostSNI(`x`) && ClientIP(`0.0.0.0/0`)", {})],
     {"sni": "x", "remote_addr": "10.0.0.1"}, "b"),
]


@pytest.mark.parametrize("row, objects, client, wanted", DISPATCH, ids=[row[0] for row in DISPATCH])
def test_dispatch(tmp_path, row, objects, client, wanted):
    answer, = ask(tmp_path, [*service(), *objects], {"tcp": "db", **client})
    assert router_of(answer) == wanted, answer


# a.0, a.2: (objects beside the route, its service, options, servers or words of the fault)
SERVICES = [
    ("ready endpoints", service("s", ["10.0.0.1", "10.0.0.2"]), {}, (), ["10.0.0.1:15432", "10.0.0.2:15432"]),
    ("not ready", service("s", ready=False), {}, (), "no ready endpoints"),
    ("readiness not said", service("s", ready=None), {}, (), "no ready endpoints"),
    ("by port name", service("s"), {"port": "db"}, (), ["10.77.9.1:15432"]),
    ("no such port", service("s"), {"port": 99}, (), "has no port 99"),
    ("nativeLB", service("s"), {"nativeLB": True}, (), ["10.96.0.9:5432"]),
    ("nativeLBByDefault", service("s"), {}, ("--providers.kubernetesCRD.nativeLBByDefault",), ["10.96.0.9:5432"]),
    ("and against it", service("s"), {"nativeLB": False}, ("--providers.kubernetesCRD.nativeLBByDefault",), ["10.77.9.1:15432"]),
    ("nodePortLB before nativeLB", [*service("s", type="NodePort"), {
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"},
        "status": {"addresses": [{"type": "InternalIP", "address": "192.168.7.1"}]}}], {"nodePortLB": True, "nativeLB": True}, (),
     ["192.168.7.1:30001"]),
    ("nodePortLB of another type", service("s"), {"nodePortLB": True}, (), ["10.77.9.1:15432"]),
    ("ExternalName", service("s", type="ExternalName", externalName="db.example"), {}, (), "ExternalName services are not allowed"),
    ("ExternalName, allowed", service("s", type="ExternalName", externalName="db.example"), {},
     ("--providers.kubernetesCRD.allowExternalNameServices",), ["db.example:5432"]),
    ("another namespace", service("s", namespace="bank"), {"namespace": "bank"}, (), "across namespaces"),
    ("another namespace, allowed", service("s", namespace="bank"), {"namespace": "bank"},
     ("--providers.kubernetesCRD.allowCrossNamespace",), ["10.77.9.1:15432"]),
    ("missing", [], {}, (), "Service default/s does not exist"),
    ("a transport of the route's namespace", [*service("s"), traefik("ServersTransportTCP", "t", {})], {"serversTransport": "t"}, (),
     ["10.77.9.1:15432"]),
    ("no such transport", service("s"), {"serversTransport": "t"}, (), "ServersTransportTCP t does not exist"),
]


@pytest.mark.parametrize("row, objects, more, options, wanted", SERVICES, ids=[row[0] for row in SERVICES])
def test_services(tmp_path, row, objects, more, options, wanted):
    objects = [*objects, tcp("r", "HostSNI(`*`)", services=[{"name": "s", "port": 5432, **more}])]
    if isinstance(wanted, str):
        assert any(wanted in f["message"] for f in check(tmp_path, objects, *options))
        answer, = ask(tmp_path, objects, {"tcp": "db"}, options=(*OPTIONS, *options))
        assert answer["action"] == "http"
    else:
        answer, = ask(tmp_path, objects, {"tcp": "db"}, options=(*OPTIONS, *options))
        assert answer["servers"] == wanted


def test_one_of_several_services_fails_alone(tmp_path):
    objects = [*service("a"), tcp("r", "HostSNI(`*`)", services=[{"name": "a", "port": 5432}, {"name": "gone", "port": 1}])]
    answer, = ask(tmp_path, objects, {"tcp": "db"})
    assert answer["action"] == "forward" and answer["servers"] == ["10.77.9.1:15432"]
    assert any("gone" in f["message"] for f in check(tmp_path, objects))


# a.5, c.15: (MiddlewareTCP, from, action)
GUARDS = [
    ({"ipAllowList": {"sourceRange": ["10.0.0.0/8"]}}, "10.1.1.1", "forward"),
    ({"ipAllowList": {"sourceRange": ["10.0.0.0/8"]}}, "192.0.2.1", "close"),
    ({"ipWhiteList": {"sourceRange": ["192.0.2.1"]}}, "192.0.2.1", "forward"),
    ({"inFlightConn": {"amount": 0}}, "192.0.2.1", "close"),
    ({"inFlightConn": {"amount": 1}}, "192.0.2.1", "forward"),
    ({}, "192.0.2.1", "http"),
    ({"inFlightConn": {"amount": 1}, "ipAllowList": {"sourceRange": ["::/0"]}}, "192.0.2.1", "http"),
]


@pytest.mark.parametrize("spec, source, action", GUARDS)
def test_middlewares(tmp_path, spec, source, action):
    objects = [*service(), traefik("MiddlewareTCP", "m", spec), tcp("r", "HostSNI(`*`)", middlewares=[{"name": "m"}])]
    answer, = ask(tmp_path, objects, {"tcp": "db", "remote_addr": source})
    assert answer["action"] == action, answer


def test_udp_has_one_route_and_the_greatest_name_wins(tmp_path):
    objects = [*service(), udp("b"), udp("c"), udp("a", entry_points=None)]
    answers = ask(tmp_path, objects, {"udp": "dns"}, {"udp": "log"}, {"udp": "web"})
    assert [router_of(a) for a in answers] == ["c", "a", "drop"]
    assert answers[0]["router"] == "default-c-0@kubernetescrd"
    told = [f["object"] for f in check(tmp_path, objects) if "has one UDP route" in f["message"]]
    assert sorted(set(told)) == ["IngressRouteUDP/default/a", "IngressRouteUDP/default/b"]


def test_entry_points_have_their_protocol(tmp_path):
    faults = check(tmp_path, [*service(), tcp("r", "HostSNI(`*`)", entry_points=("dns",)), udp("u", entry_points=("web",))])
    assert any("dns is not of TCP" in f["message"] for f in faults) and any("web is not of UDP" in f["message"] for f in faults)


def test_files_have_tcp_and_udp_sections(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a.toml").write_text("""
[tcp.routers.pg]
entryPoints = ["db"]
rule = "HostSNI(`pg.example`)"
service = "both"
middlewares = ["near"]
[tcp.routers.pg.tls]
passthrough = true
[tcp.services.both.weighted]
[[tcp.services.both.weighted.services]]
name = "one"
weight = 3
[[tcp.services.both.weighted.services]]
name = "two"
[[tcp.services.one.loadBalancer.servers]]
address = "10.0.0.1:5432"
[tcp.services.one.loadBalancer.healthCheck]
send = "PING"
expect = "PONG"
[[tcp.services.two.loadBalancer.servers]]
address = "db.example:5432"
[tcp.middlewares.near.ipAllowList]
sourceRange = ["10.0.0.0/8"]
[udp.routers.dns]
entryPoints = ["dns"]
service = "dns"
[[udp.services.dns.loadBalancer.servers]]
address = "[2001:db8::1]:53"
""")
    options = (*OPTIONS, f"--providers.file.directory={folder}")
    answers = ask(tmp_path, [], {"tcp": "db", "sni": "pg.example", "remote_addr": "10.1.1.1"}, {"udp": "dns"},
                  {"tcp": "db", "sni": "pg.example", "remote_addr": "192.0.2.1"}, options=options)
    assert answers[0]["router"] == "pg@file" and answers[0]["service"] == "both@file" and answers[0]["passthrough"]
    assert answers[0]["servers"] == ["10.0.0.1:5432", "db.example:5432"] and answers[0]["middlewares"] == ["near@file"]
    assert answers[1]["servers"] == ["[2001:db8::1]:53"] and answers[2]["action"] == "close"


def test_what_needs_no_byte_is_the_kernel_plane_s(tmp_path):
    plain = [*service(addresses=["10.0.0.1", "10.0.0.2"]), tcp("r", "HostSNI(`*`)"), udp("u")]
    answers = ask(tmp_path, plain, {"tcp": "db", "remote_addr": "192.0.2.1"}, {"udp": "dns", "remote_addr": "192.0.2.1"},
                  {"tcp": "db", "remote_addr": "2001:db8::1"}, options=KERNEL)
    assert [a["by"] for a in answers] == ["kernel", "kernel", "proxy"]
    assert [b["address"] for b in answers[0]["kernel"]["backends"]] == ["10.0.0.1:15432", "10.0.0.2:15432"]
    assert answers[0]["offload"] == "by the kernel plane, on entry point db"
    for more, why in (({"middlewares": [{"name": "m"}]}, "counts connections"),
                      ({"services": [{"name": "pg", "port": 5432, "proxyProtocol": {"version": 1}}]}, "PROXY protocol header")):
        objects = [*service(), traefik("MiddlewareTCP", "m", {"inFlightConn": {"amount": 5}}), tcp("r", "HostSNI(`*`)", **more)]
        answer, = ask(tmp_path, objects, {"tcp": "db"}, options=KERNEL)
        assert answer["by"] == "proxy" and why in answer["offload"], answer
    answer, = ask(tmp_path, plain, {"tcp": "db"}, options=(*KERNEL, "--forwarding.offload=off"))
    assert answer["by"] == "proxy" and answer["offload"] == "by the proxy: forwarding.offload is off"


def test_what_is_answered_here_stays_here(tmp_path):
    def policy(name, spec, *points):
        return {"apiVersion": "tidegate.io/v1alpha1", "kind": "SourcePolicy", "metadata": {"name": name, "namespace": "default"},
                "spec": {**spec, **({"entryPoints": list(points)} if points else {})}}

    plain = [*service(addresses=["10.0.0.1"]), tcp("r", "HostSNI(`*`)")]
    counting = {"limits": {"concurrentConnections": 9}}
    for spec, why in ((counting, None), ({"network": counting}, None),
                      ({"synCookies": "on"}, "SYN cookies"), ({"limits": {"packetsPerSecond": 9}}, None)):
        answer, = ask(tmp_path, [*plain, policy("p", spec, "db")], {"tcp": "db", "remote_addr": "192.0.2.1"}, options=KERNEL)
        assert (answer["by"] == "kernel") == (why is None) and (why or "") in answer["offload"], (spec, answer)
    forwarded = vip("v", {"addresses": ["192.0.2.10"], "ports": [{"port": 80}], "backendRefs": [{"address": "10.0.0.1"}],
                          "sourcePolicy": {"name": "p"}, "synCookies": "on"})
    told = [f["message"] for f in check(tmp_path, [forwarded, policy("p", counting)], *KERNEL)]
    assert len(told) == 1 and "mode local" in told[0], told


def test_virtual_addresses(tmp_path):
    objects = [*service(addresses=["10.0.0.1"]), vip("v", {
        "addresses": ["192.0.2.10", "2001:db8::10"], "ports": [{"port": 8000, "endPort": 8999}], "mode": "dsr-ipip",
        "backendRefs": [{"name": "pg", "port": 5432}, {"address": "2001:db8::99"}]})]
    four, six, other = ask(tmp_path, objects, {"tcp": "192.0.2.10:8500", "remote_addr": "192.0.2.1"},
                           {"tcp": "[2001:db8::10]:8999", "remote_addr": "2001:db8::1"}, {"tcp": "192.0.2.10:9000"}, options=KERNEL)
    assert four["by"] == six["by"] == "kernel" and four["kernel"]["mode"] == "dsr-ipip" and other["action"] == "drop"
    assert [b["address"] for b in four["kernel"]["backends"]] == ["10.0.0.1:0"]
    assert [b["address"] for b in six["kernel"]["backends"]] == ["[2001:db8::99]:0"]


def test_faults_of_virtual_addresses_are_told(tmp_path):
    objects = [
        vip("a", {"addresses": ["192.0.2.10"], "ports": [{"port": 80}], "backendRefs": [{"address": "10.0.0.1"}]}),
        vip("b", {"addresses": ["192.0.2.10"], "ports": [{"port": 79, "endPort": 81}], "backendRefs": [{"address": "10.0.0.2"}]}),
        vip("c", {"addresses": ["192.0.2.x"], "ports": [{"port": 80}], "backendRefs": [{"address": "10.0.0.1"}]}),
        vip("d", {"addresses": ["192.0.2.11"], "ports": [{"port": 80}], "mode": "local"})]
    off, on = ({f["object"].split("/")[-1]: f["message"] for f in check(tmp_path, objects, *options)} for options in ((), KERNEL))
    assert "VirtualAddress/default/a has this address" in on["b"] and "entry point" in on["d"]
    assert set(on) == {"b", "c", "d"}
    assert off == {**on, "a": "the kernel plane is off: nobody serves this address"}


def test_the_text_form_and_flags(tmp_path):
    write(tmp_path, [*service(), tcp("r", "HostSNI(`a.example`)", {"passthrough": True})])
    done = subprocess.run([TIDEGATE, "explain", f"--manifests={tmp_path}", *OPTIONS, "--tcp", "db", "--sni", "a.example", "--alpn", "h2",
                           "--from", "192.0.2.1"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "forward by the proxy" in done.stdout and "passed on to the server" in done.stdout
    assert "10.77.9.1:15432" in done.stdout
