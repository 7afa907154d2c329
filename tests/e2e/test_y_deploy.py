# SPDX-License-Identifier: Apache-2.0
"""test_y_deploy: the chart and what is rendered from it, the container file, the units. The templates are rendered by
Go's own engine (tests/support/chart), the command lines they make are given to the real program."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import jsonschema
import pytest
import yaml
from conftest import (BUILD, LOADER, ROOT, SANITIZED, TIDEGATE, Gateway, backend_service, route,
                      source_policy)
from lab import BACKENDS, GATEWAY

CHART = os.path.join(ROOT, "deploy", "chart", "tidegate")
RENDER = os.path.join(BUILD, "tests", "support", "render")
KINDS = ["DaemonSet", "Deployment"]


def values():
    with open(os.path.join(CHART, "values.yaml")) as file:
        return yaml.safe_load(file)


def schema():
    with open(os.path.join(CHART, "values.schema.json")) as file:
        return json.load(file)


def render(tmp_path, given=None, *args, status=0):
    """The objects, or the complaint when it is expected."""
    command = [RENDER, CHART, *args]
    if given is not None:
        jsonschema.validate(given, schema())
        path = tmp_path / "values.yaml"
        path.write_text(yaml.safe_dump(given))
        command += ["-values", str(path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    if status:
        return done.stderr
    if "-notes" in args:
        return done.stdout
    return [o for o in yaml.safe_load_all(done.stdout) if o]


def only(objects, kind):
    found = [o for o in objects if o["kind"] == kind]
    assert len(found) == 1, f"{kind}: {[o['metadata']['name'] for o in found]}"
    return found[0]


def workload(objects):
    return next(o for o in objects if o["kind"] in KINDS)


def container(objects):
    return workload(objects)["spec"]["template"]["spec"]["containers"][0]


def args_of(objects):
    return container(objects)["args"]


# ------------------------------------------------------------------- the chart --

def test_the_plain_manifests_are_the_rendered_chart(tmp_path):
    subprocess.run([os.path.join(ROOT, "tests/support/chart/manifests"), RENDER, str(tmp_path)], check=True)
    folder = os.path.join(ROOT, "deploy", "kubernetes")
    assert sorted(os.listdir(folder)) == sorted(os.listdir(tmp_path))
    for name in os.listdir(folder):
        with open(os.path.join(folder, name)) as file:
            assert file.read() == (tmp_path / name).read_text(), f"{name} is stale: run `make manifests`"


def test_every_value_is_in_the_schema(tmp_path):
    jsonschema.Draft7Validator.check_schema(schema())
    jsonschema.validate(values(), schema())


@pytest.mark.parametrize("given, where", [
    ({"prots": {}}, "prots"),
    ({"kernelPlane": {"mode": "fast"}}, "mode"),
    ({"deployment": {"kind": "StatefulSet"}}, "kind"),
    ({"ports": {"web": {"port": 70000}}}, "port"),
    ({"ports": {"web": {"port": 80, "protcol": "TCP"}}}, "protcol"),
    ({"additionalArguments": ["entryPoints.web.address=:1"]}, "additionalArguments"),
])
def test_a_wrong_value_is_refused_by_the_schema(given, where):
    with pytest.raises(jsonschema.ValidationError) as told:
        jsonschema.validate(given, schema())
    assert where in str(told.value)


# Traefik's chart 41: what its users have set.
TRAEFIK_VALUES = """
deployment: {kind: Deployment, replicas: 3, podAnnotations: {a: b}}
ingressClass: {enabled: true, isDefaultClass: false, name: traefik}
hostNetwork: false
kernelPlane: {enabled: false}
experimental: {plugins: {}}
tracing: {otlp: {enabled: false}}
certificatesResolvers: {le: {acme: {email: a@example.com}}}
providers:
  kubernetesCRD: {enabled: true, allowCrossNamespace: true, namespaces: [shop, blog]}
  kubernetesIngress: {enabled: true, publishedService: {enabled: true}}
logs: null
log: {level: WARN, format: json}
accessLog: {enabled: true, format: json}
metrics: {prometheus: {addRoutersLabels: true, service: {enabled: true}, serviceMonitor: {enabled: true, interval: 30s}}}
additionalArguments: ["--limits.maxConnections=5000"]
ports:
  web:
    port: 8000
    expose: {default: true}
    exposedPort: 80
    http: {redirections: {entryPoint: {to: websecure, scheme: https, permanent: true}}}
    forwardedHeaders: {trustedIPs: [10.0.0.0/8, 192.0.2.1]}
  websecure:
    port: 8443
    exposedPort: 443
    proxyProtocol: {trustedIPs: [10.0.0.1/32]}
    transport: {respondingTimeouts: {readTimeout: 30s}, lifeCycle: {graceTimeOut: 20s}}
    http:
      middlewares: [shop-auth@kubernetescrd]
      tls: {enabled: true, options: shop-modern@kubernetescrd, domains: [{main: example.com, sans: ["*.example.com"]}]}
  dns: {port: 5353, exposedPort: 53, protocol: UDP, expose: {default: true}}
service: {single: false, annotationsUDP: {x: z}, spec: {type: LoadBalancer, externalTrafficPolicy: Local}}
autoscaling:
  enabled: true
  minReplicas: 2
  maxReplicas: 5
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}]
podDisruptionBudget: {enabled: true, minAvailable: 1}
topologySpreadConstraints:
  - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule}
resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 256Mi}}
persistence: {enabled: true, size: 1Gi}
tlsOptions: {modern: {minVersion: VersionTLS13}}
tlsStore: {default: {defaultCertificate: {secretName: wildcard}}}
extraObjects: ["{apiVersion: v1, kind: ConfigMap, metadata: {name: '{{ .Release.Name }}-x'}}"]
"""


def traefik_values():
    given = yaml.safe_load(TRAEFIK_VALUES)
    given.pop("logs")
    return given


def test_a_values_file_of_traefik_moves_over(tmp_path):
    objects = render(tmp_path, traefik_values())
    args = args_of(objects)
    for wanted in [
            "--entryPoints.web.http.redirections.entryPoint.to=:443",
            "--entryPoints.web.http.redirections.entryPoint.scheme=https",
            "--entryPoints.web.forwardedHeaders.trustedIPs=10.0.0.0/8,192.0.2.1",
            "--entryPoints.websecure.proxyProtocol.trustedIPs=10.0.0.1/32",
            "--entryPoints.websecure.transport.respondingTimeouts.readTimeout=30s",
            "--entryPoints.websecure.http.middlewares=shop-auth@kubernetescrd",
            "--entryPoints.websecure.http.tls.options=shop-modern@kubernetescrd",
            "--entryPoints.websecure.http.tls.domains[0].main=example.com",
            "--entryPoints.dns.address=:5353/udp",
            "--providers.kubernetesCRD.allowCrossNamespace=true",
            "--providers.kubernetesCRD.namespaces=shop,blog",
            "--providers.kubernetesIngress.ingressEndpoint.publishedService=tidegate/tidegate",
            "--log.format=json", "--accessLog=true", "--limits.maxConnections=5000"]:
        assert wanted in args, f"{wanted} is missing of {args}"
    tcp, udp = [o for o in objects if o["kind"] == "Service" and "metrics" not in o["metadata"]["name"]]
    assert [p["name"] for p in tcp["spec"]["ports"]] == ["web", "websecure"]
    assert udp["spec"]["ports"] == [{"name": "dns", "port": 53, "protocol": "UDP", "targetPort": "dns"}]
    assert udp["metadata"]["annotations"] == {"x": "z"} and tcp["spec"]["externalTrafficPolicy"] == "Local"
    hpa = only(objects, "HorizontalPodAutoscaler")
    assert (hpa["spec"]["minReplicas"], hpa["spec"]["maxReplicas"]) == (2, 5)
    assert "replicas" not in only(objects, "Deployment")["spec"]
    assert only(objects, "PodDisruptionBudget")["spec"]["minAvailable"] == 1
    assert only(objects, "PersistentVolumeClaim")["spec"]["resources"]["requests"]["storage"] == "1Gi"
    assert only(objects, "TLSOption")["spec"] == {"minVersion": "VersionTLS13"}
    assert only(objects, "TLSStore")["metadata"]["name"] == "default"
    assert only(objects, "IngressClass")["metadata"]["name"] == "traefik"
    assert only(objects, "ServiceMonitor")["spec"]["endpoints"][0]["interval"] == "30s"
    assert only(objects, "ConfigMap")["metadata"]["name"] == "tidegate-x"
    spec = workload(objects)["spec"]["template"]["spec"]
    assert spec["topologySpreadConstraints"][0]["maxSkew"] == 1
    assert container(objects)["resources"]["limits"] == {"memory": "256Mi"}


def test_the_notes_name_values_without_effect(tmp_path):
    given = traefik_values()
    given["accessLog"]["filters"] = {"statusCodes": "400-599"}
    given["ports"] |= {"metrics": {"port": 9100}}
    given["ports"]["websecure"] |= {"http3": {"enabled": True}}
    given["ports"]["web"] |= {"http3": {"enabled": False}}
    told = render(tmp_path, given, "-notes")
    assert "ports.web.http3" not in told
    for name in ["certificatesResolvers", "accessLog.filters", "ports.websecure.http3", "ports.metrics (see admin.port)"]:
        assert name in told.splitlines()[-1]
    assert "no effect" not in render(tmp_path, None, "-notes")


@pytest.mark.parametrize("given", [
    {}, yaml.safe_load("globalArguments: [--global.checknewversion, --global.sendanonymoususage]"),
    yaml.safe_load("ports: {web: {port: 8000, asDefault: true, allowACMEByPass: false}}"),
    yaml.safe_load("providers: {file: {enabled: true, content: 'http: {}'}}"),
    "traefik"])
def test_the_program_takes_the_command_line(tmp_path, given):
    """`check` reads the same options as `run` and refuses those it does not know."""
    objects = render(tmp_path, traefik_values() if given == "traefik" else given)
    args = [a for a in args_of(objects) if not a.startswith("--providers.file.directory")]
    assert args[0] == "run"
    empty = tmp_path / "objects"
    empty.mkdir()
    done = subprocess.run([TIDEGATE, "check", f"--manifests={empty}", *args[1:]], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "unknown" not in done.stdout + done.stderr


# -------------------------------------------------------------------- security --

@pytest.mark.parametrize("given", [{}, "traefik"], ids=["preset", "traefik"])
def test_the_main_container_has_no_privilege(tmp_path, given):
    objects = render(tmp_path, traefik_values() if given else None)
    pod = workload(objects)["spec"]["template"]["spec"]
    main = pod["containers"][0]["securityContext"]
    assert main == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
    assert pod["securityContext"] == {"runAsUser": 65532, "runAsGroup": 65532, "runAsNonRoot": True,
                                      "seccompProfile": {"type": "RuntimeDefault"}}
    text = yaml.safe_dump(pod)
    for forbidden in ["privileged: true", "hostPID", "hostIPC", "SYS_ADMIN", "docker.sock"]:
        assert forbidden not in text


def test_only_the_loader_has_capabilities_and_only_those_it_needs(tmp_path):
    pod = workload(render(tmp_path))["spec"]["template"]["spec"]
    loader = only_container(pod["initContainers"], "loader")
    # BPF, NET_ADMIN and PERFMON do the work; CHOWN hands the pins to the user of the main container.
    assert loader["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["BPF", "NET_ADMIN", "PERFMON", "CHOWN"]}
    assert loader["securityContext"]["readOnlyRootFilesystem"] and not loader["securityContext"]["allowPrivilegeEscalation"]
    assert loader["volumeMounts"] == [{"name": "bpffs", "mountPath": "/bpf"}]
    hosts = {v["name"]: v["hostPath"]["path"] for v in pod["volumes"] if "hostPath" in v}
    assert hosts == {"bpffs": "/sys/fs/bpf", "pins": "/sys/fs/bpf/tidegate"}
    assert "bpffs" not in {m["name"] for m in pod["containers"][0]["volumeMounts"]}


def only_container(containers, name):
    return next(c for c in containers if c["name"] == name)


READING = {"list", "watch"}
# Everything else that may be written, by resource.
WRITING = {"ingresses/status", "sourcepolicies/status", "virtualaddresses/status", "events", "leases"}


def rules_of(objects):
    return [(o["kind"], o["metadata"].get("namespace"), rule) for o in objects
            if o["kind"] in ("Role", "ClusterRole") for rule in o["rules"]]


@pytest.mark.parametrize("given", [{}, {"rbac": {"namespaced": True}, "providers": {"kubernetesIngress": {"enabled": False}}}],
                         ids=["cluster", "namespaced"])
def test_roles_allow_reading_and_little_writing(tmp_path, given):
    for kind, namespace, rule in rules_of(render(tmp_path, given)):
        assert "*" not in rule["resources"] + rule["verbs"] + rule["apiGroups"]
        if not set(rule["verbs"]) <= READING:
            assert set(rule["resources"]) <= WRITING, rule
        if "leases" in rule["resources"]:
            assert kind == "Role" and namespace == "tidegate"


def test_a_namespaced_release_has_no_right_elsewhere(tmp_path):
    objects = render(tmp_path, {"rbac": {"namespaced": True}, "providers": {
        "kubernetesIngress": {"enabled": False}, "kubernetesCRD": {"namespaces": ["shop", "blog"]}}})
    assert not [o for o in objects if o["kind"].startswith("Cluster")]
    assert {ns for _, ns, _ in rules_of(objects)} == {"shop", "blog", "tidegate"}
    assert "--providers.kubernetesCRD.namespaces=shop,blog" in args_of(objects)


def test_every_kind_that_is_read_may_be_read(tmp_path):
    """The custom kinds of deploy/crds and the roles agree."""
    allowed = {r for _, _, rule in rules_of(render(tmp_path)) for r in rule["resources"]}
    for name in os.listdir(os.path.join(ROOT, "deploy", "crds")):
        assert name.split("_")[1].removesuffix(".yaml") in allowed, name


# --------------------------------------------------------------------- metrics --

def metric_rows():
    """Names and labels as docs and /metrics have them."""
    with open(os.path.join(ROOT, "user", "obs", "metric_table.c")) as file:
        text = file.read()
    names = set(re.findall(r'SOURCE\("([a-z_0-9]+)"', text))
    names |= {"tidegate_" + n for n in re.findall(r'\bROW\("([a-z_0-9]+)"', text)}
    for owner in re.findall(r'TRAFFIC\("([a-z]+)"', text):
        names |= {f"tidegate_{owner}_{n}" for n in re.findall(r'ROW\(owner_ "_([a-z_]+)"', text)}
    return names


def expressions():
    with open(os.path.join(CHART, "files", "alerts.yaml")) as file:
        for rule in yaml.safe_load(file)["groups"][0]["rules"]:
            yield rule["alert"], rule["expr"]
    with open(os.path.join(CHART, "files", "dashboard.json")) as file:
        for panel in json.load(file)["panels"]:
            for target in panel["targets"]:
                yield panel["title"], target["expr"]


def test_alerts_and_dashboard_name_metrics_that_exist():
    known = metric_rows()
    assert len(known) > 40
    for title, expr in expressions():
        used = re.findall(r"\b(?:tidegate|process)_[a-z_0-9]+", expr)
        assert used, title
        for name in used:
            assert re.sub(r"_bucket$", "", name) in known, f"{title}: {name}"


def test_pages_name_metrics_that_exist_and_every_alert():
    known, pages = metric_rows(), {}
    for path in [*pathlib.Path(ROOT, "docs").rglob("*.md"), pathlib.Path(ROOT, "README.md")]:
        pages[path.name] = path.read_text()
    for page, text in pages.items():
        for name in re.findall(r"`(tidegate_[a-z_0-9]+\*?)", text):
            assert name in known or name.endswith("*") and any(k.startswith(name[:-1]) for k in known), f"{page}: {name}"
    for alert, _ in list(expressions()):
        assert not alert.startswith("Tidegate") or f"`{alert}`" in pages["deploy.md"], f"{alert}: what to do is not said"


def test_monitoring_objects_render(tmp_path):
    objects = render(tmp_path, {"metrics": {"prometheus": {"serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}},
                                            "grafanaDashboard": {"enabled": True}}})
    rule = only(objects, "PrometheusRule")
    assert {r["alert"] for r in rule["spec"]["groups"][0]["rules"]} >= {"TidegateKernelPlaneGone", "TidegateServerDown"}
    assert json.loads(only(objects, "ConfigMap")["data"]["tidegate.json"])["title"] == "Tidegate"
    monitor, service = only(objects, "ServiceMonitor"), [o for o in objects if o["metadata"]["name"] == "tidegate-metrics"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service[0]["metadata"]["labels"].items()


# ---------------------------------------------------------- container and units --

def containerfile():
    with open(os.path.join(ROOT, "deploy", "container", "Containerfile")) as file:
        return file.read()


def test_the_image_has_every_library_that_the_programs_need():
    packages = set(re.findall(r"\b(?:lib[a-z0-9.+-]+|zlib1g)\b", containerfile().split("ca-certificates")[1].split("&&")[0]))
    needed = set()
    for program in [TIDEGATE, LOADER]:
        named = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True).stdout
        wanted = set(re.findall(r"\(NEEDED\).*\[(.+?)\]", named))
        listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        # What these need in turn comes with their packages.
        needed |= {path for name, path in re.findall(r"(\S+) => (/\S+)", listed) if name in wanted}
    missing = {}
    for path in needed:
        real = os.path.realpath(path)
        for name in {path, real, path.removeprefix("/usr"), real.removeprefix("/usr")}:
            found = subprocess.run(["dpkg", "-S", name], capture_output=True, text=True)
            if found.returncode == 0:
                break
        package = found.stdout.split(":")[0]
        if package not in packages | {"libc6", "libgcc-s1", "libasan8", "libubsan1", "libtsan2"}:
            missing[path] = package
    assert not missing


def test_the_image_runs_as_nobody_special():
    text = containerfile()
    assert "\nUSER 65532:65532\n" in text and text.count("FROM debian:bookworm-slim") == 2
    pod = values()["podSecurityContext"]
    assert f"USER {pod['runAsUser']}:{pod['runAsGroup']}" in text


def installed(tmp_path):
    root = tmp_path / "root"
    subprocess.run(["make", "-s", f"O={BUILD}", "install", f"DESTDIR={root}"], cwd=ROOT, check=True, capture_output=True)
    return root


def test_what_install_puts_down_is_whole(tmp_path):
    root = installed(tmp_path)
    for path in ["usr/local/sbin/tidegate", "usr/local/sbin/tidegate-loader", "usr/local/lib/systemd/system/tidegate.service",
                 "usr/local/lib/sysusers.d/tidegate.conf", "usr/local/lib/sysctl.d/90-tidegate.conf",
                 "etc/tidegate/tidegate.yaml", "etc/tidegate/loader.env", "etc/tidegate/manifests"]:
        assert (root / path).exists(), path
    # A second time leaves what the operator wrote.
    (root / "etc/tidegate/tidegate.yaml").write_text("mine")
    installed(tmp_path)
    assert (root / "etc/tidegate/tidegate.yaml").read_text() == "mine"


def test_the_options_of_the_service_are_options(tmp_path):
    with open(os.path.join(ROOT, "deploy", "systemd", "tidegate.yaml")) as file:
        options = yaml.safe_load(file)
    options["manifests"] = str(tmp_path / "objects")
    (tmp_path / "objects").mkdir()
    path = tmp_path / "options.yml"
    path.write_text(yaml.safe_dump(options))
    done = subprocess.run([TIDEGATE, "check", f"--configFile={path}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("unit", ["tidegate.service", "tidegate-loader.service"])
def test_systemd_takes_the_unit(tmp_path, unit):
    root = installed(tmp_path)
    text = (root / "usr/local/lib/systemd/system" / unit).read_text()
    path = tmp_path / unit
    path.write_text(text.replace("/usr/local/sbin/", f"{root}/usr/local/sbin/"))
    (tmp_path / "other").mkdir()
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True, text=True,
                          env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:{root}/usr/local/lib/systemd/system:"})
    told = [line for line in done.stderr.splitlines() if unit in line and "is not executable" not in line]
    assert not told, done.stderr


def test_every_kernel_setting_exists_here_or_is_known():
    """A misspelt one would be a line in a log that nobody reads."""
    with open(os.path.join(ROOT, "deploy", "systemd", "90-tidegate.conf")) as file:
        names = [line.split("=")[0].strip() for line in file if "=" in line and not line.startswith("#")]
    assert len(names) > 15
    for name in names:
        path = "/proc/sys/" + name.replace(".", "/")
        assert os.path.exists(path) or name.startswith("net.core."), name
    with open(os.path.join(ROOT, "docs", "howto", "tune-the-host.md")) as file:
        page = file.read()
    for name in names:
        assert f"`{name}`" in page, f"{name} is not explained"


def test_the_vagrant_lab_is_valid():
    if subprocess.run(["which", "vagrant"], capture_output=True).returncode:
        pytest.skip("vagrant is not installed (make deps installs it)")
    done = subprocess.run(["vagrant", "validate"], cwd=os.path.join(ROOT, "vagrant"), capture_output=True, text=True,
                          env={**os.environ, "VAGRANT_CHECKPOINT_DISABLE": "1", "VAGRANT_DEFAULT_PROVIDER": "libvirt"})
    assert done.returncode == 0, done.stdout + done.stderr


# ------------------------------------------------ the two containers, for real --

# What the chart gives the init container, and to the main one.
LOADER_CAPABILITIES = "-all,+bpf,+net_admin,+perfmon,+chown"


@pytest.fixture
def pod(lab):
    """The loader with the init container's capabilities, then the proxy as the main container's user."""
    folder = tempfile.mkdtemp(prefix="tidegate-pod-")  # pytest's own folders let nobody but root in
    gateway = Gateway(lab, folder)
    os.chmod(folder, 0o755)
    os.chown(folder, 65532, 65532)
    mounted = pathlib.Path(folder) / "pins"
    yield gateway, mounted
    gateway.stop()
    if os.path.ismount(mounted):
        subprocess.run(["umount", str(mounted)], check=True)
    shutil.rmtree(folder)


def loader_up(lab, gateway, *options):
    return lab.run("gw", "setpriv", f"--bounding-set={LOADER_CAPABILITIES}", LOADER, "up", f"--folder={gateway.pins}",
                   "--group=65532", *options, check=False)


def run_as_nobody(lab, gateway, pins, *options):
    """Only the folder of pins is visible to it, as in the pod: a bind mount."""
    pins.mkdir()
    subprocess.run(["mount", "--bind", gateway.pins, str(pins)], check=True)
    gateway.process = lab.start(
        "gw", "setpriv", "--reuid=65532", "--regid=65532", "--clear-groups", "--no-new-privs", "--bounding-set=-all",
        TIDEGATE, "run", f"--manifests={gateway.manifests}", "--entryPoints.web.address=:8000", "--kernelPlane=pinned",
        f"--pinFolder={pins}", "--workers=1", f"--admin.socket={gateway.socket}", "--admin.address=127.0.0.1:9180",
        *(["--security.seccomp=false"] if SANITIZED else []), *options, log=gateway.log_path)
    lab.wait_for(lambda: gateway.process.poll() is not None or gateway.status(), "Tidegate to be ready", 20)
    assert gateway.process.poll() is None, gateway.log()


def test_a_proxy_that_never_was_root_obeys_and_feeds_the_kernel_plane(lab, pod):
    gateway, pins = pod
    done = loader_up(lab, gateway, "cl0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "attached" in done.stdout
    gateway.write("all.yaml", *backend_service("backends", BACKENDS.values()), route("r", "Host(`pod.test`)"),
                  source_policy("deny", {"deny": ["10.77.1.66/32"]}))
    run_as_nobody(lab, gateway, pins)
    assert gateway.get("pod.test", port=8000)[0] == 200
    # The policy is in the kernel: the denied source's packets do not arrive.
    denied = lab.run("client", "curl", "-s", "-m", "1", "--interface", "10.77.1.66", "-H", "Host: pod.test",
                     f"http://{GATEWAY}:8000/", check=False)
    assert denied.returncode == 28, denied
    assert gateway.metrics()['tidegate_kernel_packets_total{verdict="drop",reason="denied"}'] > 0
    # And it cannot be taken away by who serves.
    for name in ["prog_ingress", "control"]:
        gone = subprocess.run(["setpriv", "--reuid=65532", "--regid=65532", "--clear-groups", "rm", "-f", str(pins / name)],
                              capture_output=True, text=True)
        assert gone.returncode != 0 and os.path.exists(pins / name)


def test_the_loader_runs_again_with_the_same_capabilities(lab, pod):
    """A pod is replaced: its init container meets what the last one shared."""
    gateway, _ = pod
    assert loader_up(lab, gateway, "cl0").returncode == 0
    again = loader_up(lab, gateway, "cl0")
    assert again.returncode == 0, again.stderr
    assert "program replaced" in again.stdout


def test_without_xdp_up_says_so_and_is_no_failure_unless_asked_for(lab, pod):
    gateway, pins = pod
    there_is_none = loader_up(lab, gateway, "nosuch0")
    assert there_is_none.returncode == 0
    assert "the kernel plane stays off: there is no interface nosuch0" in there_is_none.stderr
    assert loader_up(lab, gateway, "--mode=native", "nosuch0").returncode == 1
    assert loader_up(lab, gateway, "--group=nosuchgroup", "cl0").returncode == 2


def test_pinned_without_pins_serves_and_says_what_to_do(lab, pod):
    gateway, pins = pod
    os.makedirs(gateway.pins)
    gateway.write("all.yaml", *backend_service("backends", BACKENDS.values()), route("r", "Host(`pod.test`)"))
    run_as_nobody(lab, gateway, pins)
    assert gateway.get("pod.test", port=8000)[0] == 200
    assert "run `tidegate-loader up` first" in gateway.log()
    # And whoever is on call is told: TidegateKernelPlaneGone looks for a 0.
    assert gateway.metrics()['tidegate_kernel_attached{interface="",mode="off"}'] == 0


# --------------------------------------------------------- the kubectl plug-in --

# kubectl is not in Debian: one that writes down how it was called, and answers as recorded.
KUBECTL = """#!/bin/bash
printf '%s\\n' "$*" >>"$CALLS"
case "$*" in
*"get pods"*) printf 'tidegate-a\\ntidegate-b\\n' ;;
*"config view"*) printf 'apiVersion: v1\\nkind: Config\\n' ;;
*exec*) printf 'served\\n' ;;
esac
"""


@pytest.fixture
def plugin(tmp_path):
    for name, text in {"kubectl": KUBECTL, "tidegate": "#!/bin/bash\nprintf 'here: %s\\n' \"$*\"\ncat \"${2#*=}\"\n"}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    calls = tmp_path / "calls"

    def run(*words):
        done = subprocess.run([os.path.join(ROOT, "deploy", "kubectl", "kubectl-tidegate"), *words], capture_output=True,
                              text=True, env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "CALLS": str(calls)})
        return done, calls.read_text().splitlines() if calls.exists() else []
    return run


def test_the_plugin_asks_every_pod(plugin):
    done, calls = plugin("--context", "prod", "-n", "edge", "status", "--json")
    assert done.stdout == "== tidegate-a\nserved\n== tidegate-b\nserved\n"
    assert calls[1] == "--context prod -n edge exec tidegate-a -c tidegate -- tidegate status --json"


def test_the_plugin_finds_pods_of_another_name(plugin):
    done, calls = plugin("--selector=app=edge", "--container=edge", "status")
    assert "get pods -l app=edge" in calls[0] and " -c edge -- tidegate status" in calls[1]


def test_the_plugin_asks_one_pod_without_a_title(plugin):
    done, calls = plugin("--pod", "tidegate-b", "drops")
    assert done.stdout == "served\n" and len(calls) == 1


def test_the_plugin_checks_with_the_credentials_of_kubectl(plugin):
    done, calls = plugin("--context=prod", "plan", "-f", "new.yaml")
    assert re.search(r"here: plan --kubeconfig=\S+ -f new.yaml\napiVersion: v1", done.stdout)
    assert calls == ["--context=prod config view --minify --flatten --raw"]
    assert not os.path.exists(re.search(r"--kubeconfig=(\S+)", done.stdout).group(1))


@pytest.mark.parametrize("words, told", [
    (["stats"], "unknown command 'stats'"), (["--pods", "x"], "unknown option '--pods'"), (["-n"], "-n needs a value")])
def test_the_plugin_explains_misuse(plugin, words, told):
    done, calls = plugin(*words)
    assert done.returncode == 2 and told in done.stderr and not calls
