# SPDX-License-Identifier: Apache-2.0
"""rateLimit with a real Redis (reference c.5): shared by routers and replicas, authenticated, over TLS, killed and restarted."""

import subprocess
import time

import pytest
from conftest import BACKENDS, Gateway, backend_service, middleware, route, secret

PORT = 6399


class Redis:
    """redis-server in the namespace of a backend."""

    def __init__(self, lab, folder, *options, port=PORT, role="a"):
        self.lab, self.folder, self.options, self.port, self.role = lab, folder, options, port, role
        self.auth = []
        self.start()

    def start(self):
        self.process = self.lab.start(self.role, "redis-server", "--port", str(self.port), "--bind", "0.0.0.0", "--save", "",
                                      "--protected-mode", "no", "--dir", str(self.folder), *self.options,
                                      log=f"{self.folder}/redis-{self.port}.log")
        self.lab.wait_for(lambda: "PONG" in self.cli("PING") or "NOAUTH" in self.cli("PING"), "Redis to answer")

    def cli(self, *command):
        result = self.lab.run(self.role, "redis-cli", "-p", str(self.port), *self.auth, *command, check=False)
        return result.stdout + result.stderr

    def stop(self):
        self.lab.stop(self.process)


@pytest.fixture
def redis(lab, tmp_path):
    made = Redis(lab, tmp_path)
    yield made
    made.stop()


def conf(average=1, period="1h", burst=3, criterion=None, **redis):
    made = {"average": average, "period": period, "burst": burst, "redis": {"endpoints": [f"{BACKENDS['a']}:{PORT}"], **redis}}
    if criterion:
        made["sourceCriterion"] = criterion
    return made


def serve(gateway, settings, *more):
    gateway.write("10.yaml", middleware("m", "rateLimit", settings), route("web", "Host(`x.test`)", middlewares=("m",)),
                  route("too", "Host(`y.test`)", middlewares=("m",)), *more)
    gateway.start()


def statuses(gateway, n, host="x.test", *arguments):
    return [gateway.get(host, "/", *arguments)[0] for _ in range(n)]


def test_buckets_are_shared_by_routers(gateway, redis):
    serve(gateway, conf())
    assert statuses(gateway, 2) == [200, 200]
    assert statuses(gateway, 2, "y.test") == [200, 429]  # k.10: one bucket per middleware
    status, headers, body = gateway.get("x.test")
    assert (status, body) == (429, "Too Many Requests")
    assert 3000 < int(headers["retry-after"][0]) <= 3600 and headers["x-retry-in"][0].endswith("s")
    key = "rate:default-m@kubernetescrd:10.77.1.2"
    assert redis.cli("KEYS", "*").split() == [key]
    fields = redis.cli("HGETALL", key).split()
    assert fields[0] == "last" and abs(int(fields[1]) - time.time() * 1e6) < 60e6 and fields[2] == "tokens"
    assert 3000 < int(redis.cli("TTL", key)) <= 3601


def test_buckets_are_shared_by_replicas(gateway, redis, lab, tmp_path):
    serve(gateway, conf())
    folder = tmp_path / "second"
    folder.mkdir()
    second = Gateway(lab, str(folder))
    second.write("90.yaml", *backend_service("backends", BACKENDS.values()))
    second.write("10.yaml", middleware("m", "rateLimit", conf()), route("web", "Host(`x.test`)", middlewares=("m",)))
    second.start("--entryPoints.web.address=:8081", "--admin.address=127.0.0.1:9181", "--entryPoints.websecure.address=:8444")
    try:
        assert gateway.get("x.test")[0] == 200 and second.get("x.test", port=8081)[0] == 200
        assert gateway.get("x.test")[0] == 200 and second.get("x.test", port=8081)[0] == 429
    finally:
        second.stop()


CRITERIA = [
    (None, [], [], True),
    ({"ipStrategy": {"depth": 1}}, ["-H", "X-Forwarded-For: 1.1.1.1"], ["-H", "X-Forwarded-For: 1.1.1.2"], None),
    ({"requestHeaderName": "X-Key"}, ["-H", "X-Key: a"], ["-H", "X-Key: b"], False),
    ({"requestHeaderName": "X-Key"}, ["-H", "X-Key: a"], ["-H", "x-key: a"], True),
    ({"requestHost": True}, [], [], True),
]


@pytest.mark.parametrize("criterion, first, second, same", CRITERIA)
def test_sources_are_told_apart(gateway, redis, criterion, first, second, same):
    if same is None:
        gateway.write("10.yaml", middleware("m", "rateLimit", conf(burst=1, criterion=criterion)),
                      route("web", "Host(`x.test`)", middlewares=("m",)))
        gateway.start("--entryPoints.web.forwardedHeaders.insecure=true")
        same = False
    else:
        serve(gateway, conf(burst=1, criterion=criterion))
    assert statuses(gateway, 2, "x.test", *first) == [200, 429]
    assert statuses(gateway, 1, "x.test", *second) == [429 if same else 200]


def test_a_short_shortage_is_waited_for(gateway, redis):
    serve(gateway, conf(average=4, period="1s", burst=1))
    answers = []
    for _ in range(6):
        begin = time.monotonic()
        answers.append((gateway.get("x.test")[0], time.monotonic() - begin))
        time.sleep(0.13)
    assert {s for s, _ in answers} <= {200, 429} and sum(s == 200 for s, _ in answers) >= 3
    assert any(took > 0.03 for status, took in answers if status == 200)


def test_redis_is_killed_and_restarted(gateway, redis):
    serve(gateway, conf(burst=100, dialTimeout="1s", readTimeout="1s"))
    assert statuses(gateway, 3) == [200] * 3
    redis.process.kill()
    redis.process.wait()
    status, _, body = gateway.get("x.test")
    assert (status, body) == (500, "Could not insert/update bucket")
    redis.start()
    assert statuses(gateway, 3) == [200] * 3  # a new connection, and the script is told anew
    assert redis.cli("SCRIPT", "FLUSH").startswith("OK")
    assert gateway.get("x.test")[0] == 200


def test_a_redis_that_hangs_costs_its_timeout_and_no_more(gateway, redis):
    serve(gateway, conf(burst=100, readTimeout="500ms"), route("free", "Host(`free.test`)"))
    assert gateway.get("x.test")[0] == 200
    subprocess.run(["kill", "-STOP", str(redis.process.pid)], check=True)
    begin = time.monotonic()
    assert gateway.get("x.test")[0] == 500
    assert 0.4 < time.monotonic() - begin < 2
    assert gateway.get("free.test")[0] == 200
    subprocess.run(["kill", "-CONT", str(redis.process.pid)], check=True)
    assert gateway.get("x.test")[0] == 200


def test_passwords_users_and_databases(gateway, lab, tmp_path):
    redis = Redis(lab, tmp_path, "--requirepass", "sesame", "--user", "tide", "on", ">gate", "~*", "+@all")
    try:
        redis.auth = ["-a", "sesame", "--no-auth-warning"]
        serve(gateway, conf(secret="who", db=5), secret("who", {"username": "tide", "password": "gate"}))
        assert statuses(gateway, 4) == [200, 200, 200, 429]
        assert "rate:default-m@kubernetescrd" in redis.cli("-n", "5", "KEYS", "*")
        gateway.update("10.yaml", middleware("m", "rateLimit", conf(secret="who", db=6)),
                       route("web", "Host(`x.test`)", middlewares=("m",)), secret("who", {"password": "sesame"}))
        assert gateway.get("x.test")[0] == 200
        gateway.update("10.yaml", middleware("m", "rateLimit", conf(secret="who")),
                       route("web", "Host(`x.test`)", middlewares=("m",)), secret("who", {"password": "wrong"}))
        assert gateway.get("x.test")[0] == 500
        assert "sesame" not in gateway.log() and "wrong" not in gateway.log()
    finally:
        redis.stop()


def make_certs(folder):
    """An authority, a server certificate for the backend's address, and a client's."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.crt",
            "-days", "2", "-subj", "/CN=ca")
    for name, extension in (("server", f"subjectAltName=IP:{BACKENDS['a']}"), ("client", "subjectAltName=DNS:client")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out",
                f"{name}.csr", "-subj", f"/CN={name}")
        (folder / f"{name}.ext").write_text(extension)
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-out",
                f"{name}.crt", "-extfile", f"{name}.ext")


def test_over_tls_with_a_client_certificate(gateway, lab, tmp_path):
    make_certs(tmp_path)
    redis = Redis(lab, tmp_path, "--tls-port", "6400", "--tls-cert-file", "server.crt", "--tls-key-file", "server.key",
                  "--tls-ca-cert-file", "ca.crt", "--tls-auth-clients", "yes")
    at = [f"{BACKENDS['a']}:6400"]
    secrets = [secret("ca", {"ca.crt": (tmp_path / "ca.crt").read_text()}),
               secret("cert", {"tls.crt": (tmp_path / "client.crt").read_text(), "tls.key": (tmp_path / "client.key").read_text()})]
    try:
        serve(gateway, conf(endpoints=at, tls={"caSecret": "ca", "certSecret": "cert"}), *secrets)
        assert statuses(gateway, 4) == [200, 200, 200, 429]
        for tls, wanted in (({"certSecret": "cert"}, 500), ({"caSecret": "ca"}, 500),
                            ({"insecureSkipVerify": True, "certSecret": "cert"}, 429)):
            gateway.update("10.yaml", middleware("m", "rateLimit", conf(endpoints=at, tls=tls)), *secrets,
                           route("web", "Host(`x.test`)", middlewares=("m",)))
            assert gateway.get("x.test")[0] == wanted, tls
    finally:
        redis.stop()


def test_what_is_missing_disables_the_route(gateway):
    serve(gateway, conf(secret="missing"), route("other", "Host(`z.test`)"))
    assert gateway.get("x.test")[0] == 404 and gateway.get("z.test")[0] == 200  # a.4
    assert "Secret missing not found" in gateway.log()
