# SPDX-License-Identifier: Apache-2.0
"""Metrics: what Prometheus scrapes, checked by a parser that is not ours, against what was done."""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stack import chat, free_ports, http as call, wait_for


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("offtake")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self.path))


def scrape_text(stack):
    connection = UnixConnection(stack.data / "admin.sock")
    connection.request("GET", "/metrics")
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    return answer.read().decode()


def scrape(stack):
    """Samples by name: [(labels, value)]."""
    samples = {}
    for family in text_string_to_metric_families(scrape_text(stack)):
        for sample in family.samples:
            samples.setdefault(sample.name, []).append((sample.labels, sample.value))
    return samples


def total(samples, name, **labels):
    return sum(value for have, value in samples.get(name, [])
               if all(have.get(k) == v for k, v in labels.items()))


def served(stack):
    usage = json.loads(stack.cli("usage", "--json").stdout)["usage"]
    rows = [r for r in usage if r["outcome"].startswith("served")]
    return (sum(r["requests"] for r in rows), sum(r["input"] + r["cached"] for r in rows),
            sum(r["output"] + r["reasoning"] for r in rows))


@pytest.fixture(scope="module")
def busy(make_module_stack):
    stack = make_module_stack(more="""
account budgeted "Budgeted" { budget 100 USD per day; limit 50 concurrent requests }""")
    key = stack.key("acme", "api")
    other = stack.key("globex", "chat")
    for number in range(30):
        assert chat(stack, key, stream=number % 3 == 0, max_tokens=1 + number)[0] == 200
        assert chat(stack, other, model="small")[0] == 200
    assert chat(stack, key, model="no-such-model")[0] == 404
    assert chat(stack, "oft_nobody")[0] == 401
    assert chat(stack, stack.key("budgeted", "api"))[0] == 200
    stack.drain()
    return stack


def test_the_text_passes_promtool_and_a_parser_that_is_not_ours(busy):
    text = scrape_text(busy)
    families = list(text_string_to_metric_families(text))
    assert len({f.name for f in families}) == len(families)
    assert all(f.documentation for f in families)
    promtool = os.environ.get("OFFTAKE_PROMTOOL") or shutil.which("promtool")
    if promtool:
        result = subprocess.run([promtool, "check", "metrics"], input=text, text=True,
                                capture_output=True)
        assert result.returncode == 0, result.stdout + result.stderr


def test_requests_and_tokens_are_those_of_the_books(busy):
    samples = scrape(busy)
    requests, inputs, outputs = served(busy)
    assert total(samples, "offtake_requests_total", outcome="served") == requests == 61
    assert total(samples, "offtake_tokens_total", type="input") == inputs
    assert total(samples, "offtake_tokens_total", type="output") == outputs
    assert total(samples, "offtake_requests_total", product="api", pool="east", model="gpt-4o",
                 operation="chat", status="2xx", outcome="served") == 31
    assert total(samples, "offtake_requests_total", product="chat", status="2xx") == 30
    assert total(samples, "offtake_requests_total", status="4xx", outcome="refused") == 1
    # The stack itself asks without a key until it is up.
    assert total(samples, "offtake_refusals_total", reason="invalid_api_key") >= 1
    assert total(samples, "offtake_refusals_total", reason="model_not_found") == 1


def test_histograms_have_the_conventions_names_and_count_each_request_once(busy):
    samples = scrape(busy)
    labels = {"gen_ai_operation_name": "chat", "gen_ai_provider_name": "alpha",
              "gen_ai_request_model": "gpt-4o"}
    assert total(samples, "gen_ai_client_operation_duration_seconds_count", **labels) == 31
    assert total(samples, "gen_ai_client_operation_duration_seconds_bucket", le="+Inf", **labels) == 31
    assert total(samples, "gen_ai_server_time_to_first_token_seconds_count", **labels) == 10
    # A stream of one token has no time between tokens.
    assert total(samples, "gen_ai_server_time_per_output_token_seconds_count", **labels) == 9
    assert total(samples, "gen_ai_client_token_usage_sum", gen_ai_token_type="input") == served(busy)[1]
    assert 0 < total(samples, "gen_ai_client_operation_duration_seconds_sum", **labels) < 31
    bounds = [float(have["le"]) for have, _ in samples["gen_ai_client_operation_duration_seconds_bucket"]
              if have["gen_ai_request_model"] == "gpt-4o" and have["offtake_product"] == "api"]
    assert bounds[:3] == [0.01, 0.02, 0.04] and bounds[-2] == 81.92


def test_the_daemon_tells_of_its_books_its_lag_and_its_memory(busy):
    samples = scrape(busy)
    for name in ("offtake_policy_generation", "offtake_ledger_transactions", "offtake_books_bytes",
                 "process_resident_memory_bytes", "offtake_worker_resident_memory_bytes",
                 "offtake_nginx_up", "offtake_workers", "process_start_time_seconds"):
        assert total(samples, name) > 0, name
    assert 0 <= total(samples, "offtake_drain_lag_seconds") < 5
    assert 0 <= total(samples, "offtake_spool_lag_seconds") < 60
    assert total(samples, "offtake_open_intents") == 0
    assert total(samples, "offtake_requests_running") == 0
    assert total(samples, "offtake_budget_limit", limit="account budgeted", period="day",
                 currency="USD") == 100
    assert 0 < total(samples, "offtake_budget_used", limit="account budgeted") < 1
    assert total(samples, "offtake_limit_concurrent", limit="account budgeted") == 50
    assert total(samples, "offtake_revenue", product="api") > 0
    assert total(samples, "offtake_cost", pool="east") > 0


def test_what_clients_make_up_makes_no_series(busy):
    key = busy.key("acme", "api")
    before = scrape_text(busy).count("\n")
    for number in range(50):
        assert chat(busy, key, model=f"made-up-{number}")[0] == 404
        assert call("POST", f"{busy.url}/v1/made-up-{number}", {}, key)[0] == 404
    # One line more at most: the reason of unknown paths, and the unnamed operation.
    assert scrape_text(busy).count("\n") <= before + 3


def test_failures_failovers_and_cool_downs_are_told_by_pool(make_stack):
    stack = make_stack()
    key = stack.key("acme", "api")
    stack.simulators["east"].fault("429", count=1)
    assert chat(stack, key)[0] == 200
    samples = scrape(stack)
    assert total(samples, "offtake_attempts_total", pool="east") == 1
    assert total(samples, "offtake_attempts_total", pool="west") == 1
    assert total(samples, "offtake_attempt_failures_total", pool="east", reason="rate_limited") == 1
    assert total(samples, "offtake_failovers_total", pool="east") == 1
    assert total(samples, "offtake_cool_downs_total", pool="east") == 1
    assert total(samples, "offtake_pool_cooling_seconds", pool="east") >= 1
    assert total(samples, "offtake_pool_breaker_state", pool="east") == 1
    wait_for(lambda: total(scrape(stack), "offtake_pool_cooling_seconds", pool="east") == 0,
             seconds=40, what="east to have cooled down")
    stack.simulators["west"].stop()
    stack.simulators["east"].stop()
    assert chat(stack, key)[0] in (502, 503)
    assert total(scrape(stack), "offtake_attempt_failures_total", reason="unreached") >= 1


def test_sums_never_fall_when_workers_and_the_daemon_are_killed(make_stack):
    stack = make_stack()
    key = stack.key("acme", "api")
    done, last = 0, 0
    for round_number in range(4):
        for _ in range(10):
            assert chat(stack, key)[0] == 200
            done += 1
        count = total(scrape(stack), "offtake_requests_total", outcome="served")
        assert count == done and count > last
        last = count
        pids = stack.worker_pids()
        if round_number % 2 == 0:
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
        else:
            stack.process.kill()
            stack.process.wait()
            stack.start_daemon()
        wait_for(lambda: call("GET", stack.url + "/v1/models", key=key)[0] == 200, what="workers")
    samples = scrape(stack)
    assert total(samples, "offtake_requests_total", outcome="served") == done
    # Rows of the dead are taken over, so there are as many as there are workers.
    rows = {labels["worker"] for labels, _ in samples["offtake_worker_policy_generation"]}
    assert len(rows) == len(stack.worker_pids())


def test_over_tcp_a_token_of_its_own_opens_metrics_and_nothing_else(make_stack, tmp_path):
    token = tmp_path / "metrics-token"
    token.write_text("scrape-0123456789abcdef\n")
    port = free_ports(1)[0]
    stack = make_stack(serve_args=["--admin-listen", f"127.0.0.1:{port}", "--metrics-token-file", str(token),
                                   "--admin-token-file", str(tmp_path / "admin")])
    url = f"http://127.0.0.1:{port}"
    admin = (tmp_path / "admin").read_text().strip()
    mine = token.read_text().strip()
    status, headers, body = call("GET", url + "/metrics", key=mine)
    assert status == 200 and b"offtake_build_info" in body
    assert call("GET", url + "/metrics", key=admin)[0] == 200
    assert call("GET", url + "/metrics")[0] == 401
    assert call("GET", url + "/metrics", key=mine + "x")[0] == 401
    for path in ("/v1/status", "/v1/top", "/v1/keys", "/metrics/", "/v1/metrics", "/"):
        assert call("GET", url + path, key=mine)[0] == 401, path
    assert call("POST", url + "/metrics", {}, key=mine)[0] == 405
    for secret in (mine, admin):
        assert secret not in scrape_text(stack) and secret not in stack.log_path.read_text()


def test_a_file_that_holds_no_token_starts_nothing(make_stack, tmp_path):
    token = tmp_path / "metrics-token"
    token.write_text("short\n")
    stack = make_stack(start=False, serve_args=["--metrics-token-file", str(token), "--admin-listen",
                                                f"127.0.0.1:{free_ports(1)[0]}"])
    stack.start_daemon(wait=False)
    assert stack.process.wait(20) == 2
    assert "is no token" in stack.log_tail()
