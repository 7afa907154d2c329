#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Raw TCP through our proxy, nginx's stream module and HAProxy in mode tcp: processor time per request,
per connection and per GiB.

The load is HTTP, which no proxy here reads: keep-alive requests, responses of 64 KiB and 1 MiB, one
connection for each request, and TLS that goes through to the server by its name (SNI). One worker on
one core each; in each round every proxy is measured once, and only ratios inside a round count.
"""

import os
import sys

import bench
import objects

PROXIES = os.environ.get("PROXIES", "tidegate,nginx,haproxy").split(",")
GIB = 1 << 30

# name: load options, bytes of a response (None: the figure is per request).
CASES = {
    "requests-64": ({"connections": 64}, None),
    "requests-512": ({"connections": 512}, None),
    "64KiB": ({"connections": 64, "path": "/s65536"}, 65536),
    "1MiB": ({"connections": 16, "path": "/s1048576"}, 1 << 20),
    "connections": ({"connections": 64, "churn": True}, None),
    "sni-64": ({"tls": True, "connections": 64}, None),
    "sni-connections": ({"tls": True, "connections": 16, "churn": True}, None),
}


def tcp_route(name, entry_point, service, tls=None):
    spec = {"entryPoints": [entry_point], "routes": [{"match": "HostSNI(`*`)", "services": [service]}]}
    if tls:
        spec["tls"] = tls
    return {"apiVersion": "traefik.io/v1alpha1", "kind": "IngressRouteTCP",
            "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def renamed(things, name):
    """The backend's Service and endpoints under another name."""
    for thing in things:
        thing["metadata"]["name"] = thing["metadata"]["name"].replace("backend", name)
        labels = thing["metadata"].get("labels", {})
        if "kubernetes.io/service-name" in labels:
            labels["kubernetes.io/service-name"] = name
    return things


class Peers:
    """The proxies, and the TLS server behind them."""

    def __init__(self, run):
        self.run = run
        path, plain, self.secure = run.fill("nginx-secure.conf", "")
        bench.wait_port(plain, run.start("secure", ["/usr/sbin/nginx", "-c", path, "-p", run.dir], bench.LOAD_CORE))

    def configure(self, template):
        path, plain, tls = self.run.fill(template, "")
        path.write_text(path.read_text().replace("@SECURE@", str(self.secure)))
        return path, plain, tls

    def nginx(self):
        path, plain, tls = self.configure("nginx-stream.conf")
        process = self.run.start("nginx", ["/usr/sbin/nginx", "-c", path, "-p", self.run.dir], bench.PROXY_CORE)
        bench.wait_port(plain, process)
        return bench.Server("nginx", process, plain, tls)

    def haproxy(self):
        path, plain, tls = self.configure("haproxy-tcp.cfg")
        process = self.run.start("haproxy", ["/usr/sbin/haproxy", "-db", "-f", path], bench.PROXY_CORE)
        bench.wait_port(plain, process)
        return bench.Server("haproxy", process, plain, tls)

    def tidegate(self):
        folder = self.run.base_manifests()
        service = {"name": "backend", "port": 80}
        objects.write(folder / "secure.yaml", renamed(objects.backend(self.secure), "secure"))
        objects.write(folder / "routes.yaml", [
            tcp_route("plain", "web", service),
            tcp_route("secure", "websecure", {**service, "name": "secure"}, {"passthrough": True})])
        return self.run.tidegate(folder)


def check(server, case, result):
    if not result["responses"] or any(result["errors"].values()):
        sys.exit(f"{server.name} {case}: {result['responses']} responses, errors {result['errors']}")


def figure(case, result):
    """Microseconds of processor time per request, or seconds per GiB."""
    size = CASES[case][1]
    return result["cpu_us_per_request"] * (GIB / size / 1e6 if size else 1)


def report(case, rounds):
    unit = "CPU s/GiB" if CASES[case][1] else "CPU us/request"
    rows = []
    for name, results in rounds.items():
        ratio = [figure(case, rounds["tidegate"][i]) / figure(case, results[i]) for i in range(len(results))] \
            if "tidegate" in rounds else [0]
        rows.append([name, f"{bench.median(figure(case, r) for r in results):.3f}",
                     f"{bench.median(r['per_second'] for r in results):.0f}",
                     f"{bench.median(r['latency_us']['p99'] for r in results):.0f}", f"{bench.median(ratio):.2f}"])
    bench.print_table(f"{case} ({len(results)} rounds, medians)",
                      ["", unit, "requests/s", "p99 us", "ours / this"], rows)


def main():
    results = {}
    chosen = os.environ.get("CASES")
    with bench.Bench() as run:
        peers = Peers(run)
        servers = [getattr(peers, name)() for name in PROXIES]
        for case, (options, _) in CASES.items():
            if chosen and case not in chosen.split(","):
                continue
            results[case] = {name: [] for name in PROXIES}
            for _ in range(bench.ROUNDS):
                for server in servers:
                    result = run.load(server, **options)
                    check(server, case, result)
                    results[case][server.name].append(result)
            report(case, results[case])
    bench.write_json("stream", {"rounds": bench.ROUNDS, "duration_s": bench.DURATION, "results": results})


if __name__ == "__main__":
    main()
