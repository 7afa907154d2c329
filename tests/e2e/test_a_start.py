# SPDX-License-Identifier: Apache-2.0
"""Starting, asking and ending: what an operator sees first."""

import json
import os
import signal

import pytest
from conftest import SANITIZED, TIDEGATE, middleware, route, run


def test_ping_metrics_and_status_answer(gateway):
    gateway.write("10.yaml", route("web", "Host(`a.test`)"))
    gateway.start()
    assert gateway.lab.run("gw", "curl", "-s", "http://127.0.0.1:9180/ping").stdout == "OK"
    assert gateway.get("a.test")[0] == 200
    metrics = gateway.metrics()
    assert metrics["tidegate_config_reloads_total"] == 1
    assert sum(v for k, v in metrics.items() if k.startswith("tidegate_entrypoint_requests_total")
               and 'code="200"' in k and 'entrypoint="web"' in k) == 1
    status = gateway.status()
    assert status["routers"] == 1 and status["requests"] >= 1 and status["kernel"]["mode"] == "off"


def test_admin_refuses_other_methods_and_foreign_hosts(gateway):
    gateway.start()
    code = ["-o", "/dev/null", "-w", "%{http_code}"]
    assert gateway.curl(*code, "-X", "POST", "http://127.0.0.1:9180/metrics", role="gw") == "405"
    assert gateway.curl(*code, "-H", "Host: evil.example", "http://127.0.0.1:9180/metrics", role="gw") == "403"
    assert gateway.curl(*code, "http://127.0.0.1:9180/nothing", role="gw") == "404"


def test_the_process_holds_no_capability_after_start(gateway):
    if SANITIZED:
        pytest.skip("sanitizer builds run without the filter")
    gateway.start()
    with open(f"/proc/{gateway.process.pid}/status") as file:
        facts = dict(line.split(":\t", 1) for line in file.read().splitlines() if ":\t" in line)
    assert int(facts["CapEff"], 16) == 0 and int(facts["CapPrm"], 16) == 0 and int(facts["CapBnd"], 16) == 0
    assert facts["NoNewPrivs"] == "1" and facts["Seccomp"] == "2"
    for task in os.listdir(f"/proc/{gateway.process.pid}/task"):
        with open(f"/proc/{gateway.process.pid}/task/{task}/status") as file:
            assert "CapEff:\t0000000000000000" in file.read()


def test_sigterm_ends_with_zero(gateway):
    gateway.start()
    gateway.process.send_signal(signal.SIGTERM)
    assert gateway.process.wait(15) == 0


def test_a_misspelt_option_is_named_with_a_suggestion():
    result = run(TIDEGATE, "run", "--entryPoints.web.adress=:80", check=False)
    assert result.returncode == 2
    assert "adress" in result.stderr and "address" in result.stderr


def test_options_ignore_case_and_come_from_file_and_environment(gateway, tmp_path):
    gateway.write("10.yaml", route("web", "Host(`a.test`)"))
    conf = tmp_path / "static.yaml"
    conf.write_text("entrypoints:\n  WEB:\n    address: ':80'\n  extra:\n    address: ':8099'\n")
    gateway.write("11.yaml", route("extra", "Host(`x.test`)", entry_points=("extra",)))
    gateway.start(f"--CONFIGFILE={conf}")
    assert gateway.get("x.test", port=8099)[0] == 200


def test_check_names_object_field_expected_found_and_suggestion(gateway):
    gateway.write("10.yaml", route("web", "Hots(`a.test`)"), middleware("m", "stripPrefix", {"prefixs": ["/a"]}))
    result = run(TIDEGATE, "check", f"--manifests={gateway.manifests}", "--json", check=False)
    assert result.returncode == 1
    answer = json.loads(result.stdout)
    texts = json.dumps(answer["faults"])
    assert "IngressRoute/default/web" in texts and "spec.routes[0].match" in texts and "Host" in texts
    assert "Middleware/default/m" in texts and "prefixes" in texts
    good = run(TIDEGATE, "check", f"--manifests={gateway.manifests}", check=False)
    assert "did you mean" in good.stdout


def test_check_of_good_manifests_exits_zero(gateway):
    gateway.write("10.yaml", route("web", "Host(`a.test`)"))
    result = run(TIDEGATE, "check", f"--manifests={gateway.manifests}", check=False)
    assert result.returncode == 0, result.stdout


def test_a_broken_object_harms_only_itself(gateway):
    gateway.write("10.yaml", route("good", "Host(`good.test`)"), route("bad", "Host(`bad.test`"),
                  middleware("broken", "rateLimit", {"average": "many"}),
                  route("uses-broken", "Host(`victim.test`)", middlewares=("broken",)))
    gateway.write("20.yaml", "this: [is not: yaml")
    gateway.start()
    assert gateway.get("good.test")[0] == 200
    assert gateway.get("bad.test")[0] == 404
    assert gateway.get("victim.test")[0] == 404  # reference a.4: the router is disabled
    assert "Middleware/default/broken" in gateway.log()


def test_explain_agrees_with_the_data_plane(gateway):
    gateway.write("10.yaml",
                  route("one", "Host(`a.test`) && PathPrefix(`/api`)"),
                  route("two", "Host(`a.test`)", service="b"),
                  middleware("away", "redirectScheme", {"scheme": "https", "permanent": True}),
                  route("three", "Host(`r.test`)", middlewares=("away",)))
    gateway.start()
    requests = [{"id": "1", "method": "GET", "url": "http://a.test/api/x", "headers": [], "remote_addr": "10.77.1.2:5"},
                {"id": "2", "method": "GET", "url": "http://a.test/other", "headers": [], "remote_addr": "10.77.1.2:5"},
                {"id": "3", "method": "GET", "url": "http://r.test/x", "headers": [], "remote_addr": "10.77.1.2:5"},
                {"id": "4", "method": "GET", "url": "http://none.test/", "headers": [], "remote_addr": "10.77.1.2:5"}]
    result = run(TIDEGATE, "explain", f"--manifests={gateway.manifests}", "--entryPoints.web.address=:80",
                 "--entryPoints.websecure.address=:443", input="\n".join(map(json.dumps, requests)), check=False)
    answers = {a["id"]: a for a in map(json.loads, result.stdout.splitlines())}
    assert answers["1"]["action"] == "forward" and "/api" in answers["1"]["rule"]
    assert answers["2"]["action"] == "forward" and answers["2"]["object"] == "IngressRoute/default/two"
    assert (answers["3"]["action"], answers["3"]["status"]) == ("respond", 301)
    assert (answers["4"]["action"], answers["4"]["status"]) == ("respond", 404)
    for request in requests:
        host, path = request["url"][7:].split("/", 1)
        status = gateway.get(host, "/" + path)[0]
        answer = answers[request["id"]]
        assert status == (200 if answer["action"] == "forward" else answer["status"])


def test_the_access_log_is_json_and_opened_anew_on_sigusr1(gateway):
    gateway.write("10.yaml", route("web", "Host(`a.test`)"))
    path = os.path.join(gateway.folder, "access.log")
    gateway.start(f"--accessLog.filePath={path}", "--accessLog.format=json")

    def lines(name):
        with open(name) as file:
            return [json.loads(line) for line in file]

    assert gateway.get("a.test", "/x?y=1")[0] == 200
    gateway.lab.wait_for(lambda: os.path.exists(path) and lines(path), "a line of the access log")
    line = lines(path)[0]
    assert line["RequestPath"] == "/x?y=1" and line["DownstreamStatus"] == 200 and line["ClientHost"] == "10.77.1.2"
    os.rename(path, path + ".1")
    gateway.process.send_signal(signal.SIGUSR1)
    gateway.lab.wait_for(lambda: os.path.exists(path), "a new access log")
    assert gateway.get("a.test", "/after")[0] == 200
    gateway.lab.wait_for(lambda: lines(path), "a line in the new access log")
    assert lines(path)[0]["RequestPath"] == "/after"
