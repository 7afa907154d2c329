# SPDX-License-Identifier: Apache-2.0
"""lab: a small network in namespaces, made for a tour or a test and removed again.

    client (10.77.1.2, .66, fd77:1::2) --veth-- gateway (10.77.1.1, fd77:1::1) --veth-- backend-a (10.77.2.11)
                                                                               --veth-- backend-b (10.77.2.12)

Every name carries the process id, so that labs can stand side by side. Only processes started here are ended,
by their id; everything is removed on exit, also after an exception.
"""

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time

CLIENT = "10.77.1.2"
FLOODER = "10.77.1.66"
CLIENT6 = "fd77:1::2"
GATEWAY = "10.77.1.1"
GATEWAY6 = "fd77:1::1"
BACKENDS = {"a": "10.77.2.11", "b": "10.77.2.12"}
BACKEND_PORT = 8080

NGINX_CONF = """
daemon off; master_process off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off; default_type text/plain; keepalive_requests 1000000; client_max_body_size 0;
  client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3;
  uwsgi_temp_path {dir}/t4; scgi_temp_path {dir}/t5;
  server {{
    listen {port}; listen [::]:{port}; server_name _; root {dir}/www;
    add_header X-Backend {name} always;
    location / {{ return 200 "backend={name} host=$http_host uri=$request_uri xff=$http_x_forwarded_for\\n"; }}
    location /files/ {{ }}
    location /status/404 {{ return 404 "backend={name} says 404\\n"; }}
    location /status/500 {{ return 500 "backend={name} says 500\\n"; }}
  }}
}}
"""


def run(*command, check=True, quiet=True, **options):
    """Runs a command to its end; output is kept unless quiet is False."""
    result = subprocess.run(command, text=True, capture_output=quiet, **options)
    if check and result.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {result.returncode}: {(result.stderr or '').strip()}")
    return result


class Lab:
    """The namespaces, the veth pairs between them, and the processes started inside."""

    def __init__(self, backends=True):
        self.tag = f"tg{os.getpid()}"
        self.dir = tempfile.mkdtemp(prefix="tidegate-lab-")
        self.processes = []
        self.namespaces = []
        self.closed = False
        atexit.register(self.close)
        try:
            self._make_network()
            if backends:
                for name in BACKENDS:
                    self.start_backend(name)
        except BaseException:
            self.close()
            raise

    # ------------------------------------------------------------- network --

    def ns(self, role):
        return f"{self.tag}-{role}"

    def _make_network(self):
        for role in ("client", "gw", "a", "b"):
            run("ip", "netns", "add", self.ns(role))
            self.namespaces.append(self.ns(role))
            run("ip", "-n", self.ns(role), "link", "set", "lo", "up")
        self._pair("client", "eth0", "gw", "cl0")
        for address in (f"{CLIENT}/24", f"{FLOODER}/24"):
            self.ip("client", "addr", "add", address, "dev", "eth0")
        self.ip("client", "addr", "add", f"{CLIENT6}/64", "dev", "eth0", "nodad")
        self.ip("client", "route", "add", "default", "via", GATEWAY)
        self.ip("gw", "addr", "add", f"{GATEWAY}/24", "dev", "cl0")
        self.ip("gw", "addr", "add", f"{GATEWAY6}/64", "dev", "cl0", "nodad")
        for name, address in BACKENDS.items():
            device = f"b{name}0"
            self._pair(name, "eth0", "gw", device)
            self.ip(name, "addr", "add", f"{address}/32", "dev", "eth0")
            self.ip(name, "route", "add", "10.77.2.1/32", "dev", "eth0")
            self.ip(name, "route", "add", "default", "via", "10.77.2.1")
            self.ip("gw", "addr", "add", "10.77.2.1/32", "dev", device)
            self.ip("gw", "route", "add", f"{address}/32", "dev", device, "src", "10.77.2.1")

    @contextlib.contextmanager
    def here(self, role, prefix):
        """The addresses of prefix are those of a namespace itself, for as long as this lasts."""
        self.ip(role, "route", "add", "local", prefix, "dev", "lo")
        try:
            yield
        finally:
            self.ip(role, "route", "del", "local", prefix, "dev", "lo")

    def ip(self, role, *arguments):
        return run("ip", "-n", self.ns(role), *arguments)

    def _pair(self, role_a, device_a, role_b, device_b):
        run("ip", "link", "add", device_a, "netns", self.ns(role_a), "type", "veth",
            "peer", "name", device_b, "netns", self.ns(role_b))
        self.ip(role_a, "link", "set", device_a, "up")
        self.ip(role_b, "link", "set", device_b, "up")

    # ----------------------------------------------------------- processes --

    def inside(self, role, *command):
        """The command as it runs inside a namespace. nsenter, not `ip netns exec`, which hides /sys/fs/bpf."""
        return ["nsenter", f"--net=/run/netns/{self.ns(role)}", *command]

    def run(self, role, *command, **options):
        return run(*self.inside(role, *command), **options)

    def start(self, role, *command, log=None, **options):
        """Starts a process inside a namespace; it is ended with the lab. Its output goes to log (a path)."""
        out = open(log, "ab") if log else subprocess.DEVNULL
        process = subprocess.Popen(self.inside(role, *command), stdout=out, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL, start_new_session=True, **options)
        if log:
            out.close()
        self.processes.append(process)
        return process

    def stop(self, process, sig=signal.SIGTERM, timeout=15):
        if process.poll() is None:
            process.send_signal(sig)
            try:
                process.wait(timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process in self.processes:
            self.processes.remove(process)
        return process.returncode

    def start_backend(self, name, port=BACKEND_PORT):
        folder = os.path.join(self.dir, f"backend-{name}")
        os.makedirs(os.path.join(folder, "www", "files"), exist_ok=True)
        conf = os.path.join(folder, "nginx.conf")
        with open(conf, "w") as file:
            file.write("user root;" + NGINX_CONF.format(dir=folder, name=name, port=port))
        process = self.start(name, "nginx", "-p", folder, "-c", conf, "-e", f"{folder}/error.log",
                             log=f"{folder}/out.log")
        self.wait_for(lambda: self.run(name, "curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{port}/",
                                       check=False).returncode == 0, f"backend {name} to answer")
        return process

    @staticmethod
    def wait_for(condition, what, timeout_s=10.0):
        """Polls until condition() is true; its value, or an exception that says what was waited for."""
        end = time.monotonic() + timeout_s
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > end:
                raise TimeoutError(f"gave up waiting for {what}")
            time.sleep(0.02)

    def close(self):
        if self.closed:
            return
        self.closed = True
        for process in reversed(self.processes[:]):
            self.stop(process)
        for namespace in self.namespaces:
            run("ip", "netns", "del", namespace, check=False)
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
