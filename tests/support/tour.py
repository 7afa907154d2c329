# SPDX-License-Identifier: Apache-2.0
"""tour: makes a small lab, starts Tidegate in it, tries what it can do, and serves until Ctrl-C.

`make run` runs this; `make run ONCE=1` stops after the tour and exits 0 only if every step worked.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import CLIENT, FLOODER, GATEWAY, Lab, run  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXAMPLES = os.path.join(ROOT, "deploy", "examples")
COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
PIN_FOLDER = "/sys/fs/bpf/tidegate"
# Opens SYNS connections at once from one address, without waiting for any: the burst of a scanner.
BURST = """
import errno, socket, sys
source, target, port, syns = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
kept = []
for _ in range(syns):
    s = socket.socket(); s.setblocking(False); s.bind((source, 0))
    s.connect_ex((target, port)); kept.append(s)
import time; time.sleep(0.3)
import select
ready = select.select([], kept, [], 0)[1] if len(kept) < 1000 else []
print(sum(1 for s in ready if s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0))
"""


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOUR else text


class Step:
    """One line of the tour: what is tried, then how it went."""

    failures = 0

    def __init__(self, title):
        print(f"\n{paint('1', '•')} {paint('1', title)}", flush=True)

    def show(self, command):
        print(f"  {paint('2', '$ ' + command)}", flush=True)

    def check(self, ok, text):
        if not ok:
            Step.failures += 1
        mark = paint("32", "✓") if ok else paint("31", "✗")
        for i, line in enumerate(text.strip().splitlines() or [""]):
            print(f"  {mark if i == 0 else ' '} {line}", flush=True)
        return ok


class Tour:
    """The lab with Tidegate running in its gateway."""

    def __init__(self, build):
        self.tidegate = os.path.join(os.path.abspath(build), "tidegate")
        self.lab = Lab()
        self.manifests = os.path.join(self.lab.dir, "manifests")
        shutil.copytree(EXAMPLES, self.manifests)
        self.socket = os.path.join(self.lab.dir, "admin.sock")
        self.log = os.path.join(self.lab.dir, "tidegate.log")
        self.process = None
        self.pin_folder = PIN_FOLDER if not os.path.exists(PIN_FOLDER) else f"{PIN_FOLDER}-{self.lab.tag}"

    # --------------------------------------------------------------- tools --

    def start(self):
        self.process = self.lab.start(
            "gw", self.tidegate, "run", f"--manifests={self.manifests}",
            "--entryPoints.web.address=:80", "--entryPoints.websecure.address=:443",
            "--interfaces=cl0", f"--pinFolder={self.pin_folder}", f"--admin.socket={self.socket}",
            "--admin.address=127.0.0.1:9180", "--log.level=INFO", log=self.log)
        try:
            self.lab.wait_for(lambda: self.process.poll() is not None or self.status(), "Tidegate to be ready", 20)
        except TimeoutError:
            pass
        if self.process.poll() is not None or not self.status():
            sys.stderr.write(open(self.log).read()[-4000:])
            raise SystemExit("tour: Tidegate did not start; its log is above")

    def command(self, *arguments):
        return run(self.tidegate, *arguments, f"--admin.socket={self.socket}", check=False)

    def status(self):
        result = self.command("status", "--json")
        try:
            return json.loads(result.stdout) if result.returncode == 0 else None
        except ValueError:
            return None

    def curl(self, *arguments):
        return self.lab.run("client", "curl", "-s", "--max-time", "5", "--interface", CLIENT, *arguments,
                            check=False).stdout

    def kernel_drops(self, status, reason):
        return ((status or {}).get("kernel", {}).get("drops") or {}).get(reason, 0)

    # --------------------------------------------------------------- steps --

    def route(self):
        step = Step("A routed request: IngressRoute -> Middleware -> Service -> two backends")
        step.show(f"curl -H 'Host: shop.example.com' http://{GATEWAY}/cart")
        seen = set()
        for _ in range(4):
            answer = self.curl("-H", "Host: shop.example.com", f"http://{GATEWAY}/cart")
            print(f"    {answer.strip()}")
            seen.add(answer.split(" ")[0])
        step.check({"backend=a", "backend=b"} <= seen, "both backends answered in turn")

    def tls(self):
        step = Step("A TLS request: certificate from a Secret, versions from a TLSOption")
        step.show(f"curl -k --connect-to secure.example.com:443:{GATEWAY}:443 https://secure.example.com/")
        answer = self.curl("-k", "--connect-to",
                           f"secure.example.com:443:{GATEWAY}:443", "https://secure.example.com/")
        step.check(answer.startswith("backend="), answer)
        ktls = (self.status() or {}).get("ktls", {})
        print(f"    kTLS: {ktls.get('tx', 'unknown')}" + (f" ({ktls['reason']})" if ktls.get("reason") else ""))

    def kernel_limit(self):
        step = Step("A burst from one address: SourcePolicy limits new connections, in the kernel")
        before = self.status()
        if before.get("kernel", {}).get("mode") in (None, "off"):
            step.check(True, "the kernel plane is off here: " + before.get("kernel", {}).get("reason", "no reason"))
            return
        step.show(f"300 SYNs at once from {FLOODER}; then one request from {CLIENT}")
        self.lab.run("client", "/usr/bin/python3", "-c", BURST, FLOODER, GATEWAY, "80", "300")
        after = self.status()
        dropped = self.kernel_drops(after, "rate_syns") - self.kernel_drops(before, "rate_syns")
        step.check(dropped >= 100, f"{dropped} of 300 SYNs dropped before a socket existed (reason rate_syns)")
        calm = self.curl("-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: shop.example.com", f"http://{GATEWAY}/")
        step.check(calm == "200", f"meanwhile {CLIENT} is served as before: {calm}")

    def escalation(self):
        step = Step("Too many requests: 429 by the rateLimit middleware, then dropped by the kernel plane")
        step.show(f"40 x curl -H 'Host: api.example.com' http://{GATEWAY}/limited   # from {FLOODER}")
        codes = self.lab.run(
            "client", "curl", "-s", "--interface", FLOODER, "--max-time", "1", "-o", "/dev/null", "-w",
            "%{http_code} ", "-H", "Host: api.example.com",
            *sum([[f"http://{GATEWAY}/limited?{i}", "-o", "/dev/null"] for i in range(40)], []),
            check=False).stdout.split()
        step.check("429" in codes, f"answers: {codes.count('200')} x 200, {codes.count('429')} x 429")
        drops = self.command("drops")
        step.show("tidegate drops")
        print("    " + drops.stdout.strip().replace("\n", "\n    "))
        if (self.status() or {}).get("kernel", {}).get("mode") not in (None, "off"):
            step.check(FLOODER in drops.stdout, f"{FLOODER} is dropped in the kernel now, and that ends by itself")

    def live_edit(self):
        step = Step("A live edit: one manifest changes, no reload, no connection closed")
        path = os.path.join(self.manifests, "10-routes.yaml")
        step.show("sed -i s/shop.example.com/store.example.com/ 10-routes.yaml")
        with open(path) as file:
            text = file.read()
        probe = ["-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: store.example.com", f"http://{GATEWAY}/cart"]
        before = self.curl(*probe)
        with open(path + ".new", "w") as file:
            file.write(text.replace("shop.example.com", "store.example.com"))
        edited = time.monotonic()
        os.rename(path + ".new", path)
        after = before
        while after != "200" and time.monotonic() - edited < 3:
            after = self.curl(*probe)
        took_ms = (time.monotonic() - edited) * 1000
        step.check(before == "404" and after == "200",
                   f"store.example.com answered {before} before, {after} after {took_ms:.0f} ms (curl's own time included)")

    def why(self):
        step = Step("Why? the same compiled router, asked")
        step.show("tidegate explain --manifests=DIR --url http://store.example.com/cart --from 10.77.1.2")
        result = run(self.tidegate, "explain", f"--manifests={self.manifests}", "--entryPoints.web.address=:80",
                     "--entryPoints.websecure.address=:443", "--method", "GET", "--url",
                     "http://store.example.com/cart", "--from", CLIENT, check=False)
        step.check(result.returncode == 0, result.stdout or result.stderr)

    def greet(self):
        status = self.status()
        kernel = status.get("kernel", {})
        mode = kernel.get("mode", "off")
        print(paint("1;36", "Tidegate") + f" {status.get('version', '')} serves in namespace {self.lab.ns('gw')}")
        if mode == "off":
            print(paint("33", f"  XDP is off: {kernel.get('reason', 'unknown reason')}; serving L7 only"))
        else:
            print(f"  XDP attached to cl0 in {mode} mode; maps under {self.pin_folder}")
        print(f"  {status.get('routers', '?')} routers, {status.get('services', '?')} services from {self.manifests}")
        print("""
    client 10.77.1.2  ---veth---  gateway 10.77.1.1  ---veth---  backend a 10.77.2.11 (nginx)
           10.77.1.66             XDP, then proxy    ---veth---  backend b 10.77.2.12 (nginx)""")

    def take(self):
        self.greet()
        for step in (self.route, self.tls, self.kernel_limit, self.escalation, self.live_edit, self.why):
            try:
                step()
            except Exception as error:  # a step that breaks is a failed step, not the end of the tour
                Step.failures += 1
                print(f"  {paint('31', '✗')} {step.__name__}: {error}")

    def serve(self):
        print(f"""
{paint('1', 'Try it yourself')} (in another terminal, as root):
  ip netns exec {self.lab.ns('client')} curl -H 'Host: store.example.com' http://{GATEWAY}/
  $EDITOR {self.manifests}/10-routes.yaml      # live
  {self.tidegate} status --admin.socket={self.socket}
  bpftool map dump pinned {self.pin_folder}/policy
Ctrl-C ends it and removes the lab.""", flush=True)
        last, then = None, time.monotonic()
        while self.process.poll() is None:
            time.sleep(1)
            now, status = time.monotonic(), self.status()
            if status and last:
                seconds = now - then
                requests = (status["requests"] - last["requests"]) / seconds
                packets = (status["kernel"].get("received", 0) - last["kernel"].get("received", 0)) / seconds
                dropped = sum((status["kernel"].get("drops") or {}).values())
                line = (f"  {requests:8.0f} requests/s  {status['connections']:6d} connections  "
                        f"{packets:9.0f} packets/s in XDP  {dropped:8d} dropped  revision {status['revision']}")
                print(("\r" if COLOUR else "") + line, end="" if COLOUR else "\n", flush=True)
            last, then = status, now
        print("\ntour: Tidegate ended by itself; its log:", self.log)
        return 1

    def close(self):
        if self.process:
            self.lab.stop(self.process)
        if os.path.isdir(self.pin_folder):
            run(os.path.join(os.path.dirname(self.tidegate), "tidegate-loader"), "unload",
                f"--folder={self.pin_folder}", check=False)
        self.lab.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    options = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("tour: root is needed to make network namespaces: sudo make run")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    tour = Tour(options.build)
    try:
        tour.start()
        tour.take()
        ok = Step.failures == 0
        print("\n" + (paint("32", "every step of the tour worked") if ok
                      else paint("31", f"{Step.failures} steps of the tour failed")))
        if options.once:
            return 0 if ok else 1
        return tour.serve()
    except KeyboardInterrupt:
        print("\nending")
        return 0
    finally:
        tour.close()


if __name__ == "__main__":
    sys.exit(main())
