# SPDX-License-Identifier: Apache-2.0
"""The instruments of bench/gateway: a load that counts who waited, an upstream whose frames come one by one, and the
script itself, which must not rot."""

import argparse
import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading

import pytest
import stack

BENCH = stack.ROOT / "bench"
LOAD = stack.BUILD / "tools" / "load" / "offtake-bench-load"
UPSTREAM = stack.BUILD / "tools" / "load" / "offtake-bench-upstream"
sys.path.insert(0, str(BENCH))

from gateways import contenders, machine  # noqa: E402
from gateways.lab import Lab  # noqa: E402


@pytest.fixture
def upstream():
    port, failing = stack.free_ports(2)
    process = subprocess.Popen([str(UPSTREAM), "--port", str(port), "--fail-port", str(failing), "--fail-every", "2"])
    stack.wait_for(lambda: stack.port_open(port), what="the benchmark's upstream")
    yield argparse.Namespace(port=port, failing=failing, process=process)
    process.kill()
    process.wait()


def load(port, *options):
    result = subprocess.run([str(LOAD), "--port", str(port), "--path", "/v1/chat/completions", *map(str, options)],
                            capture_output=True, text=True, timeout=60)
    return result.returncode, json.loads(result.stdout)


def stopped_for_half_a_second(upstream, *options):
    """The server stands still at the beginning of a load of two seconds."""
    os.kill(upstream.process.pid, signal.SIGSTOP)
    timer = threading.Timer(0.5, os.kill, (upstream.process.pid, signal.SIGCONT))
    timer.start()
    try:
        return load(upstream.port, "--seconds", 2, *options)[1]
    finally:
        timer.join()


def test_at_fixed_instants_a_server_that_stops_is_charged_for_all_who_waited(upstream):
    row = stopped_for_half_a_second(upstream, "--rate", 1000, "--connections", 64)
    assert row["p90_us"] > 150_000, "a quarter of the requests were due while it stood still"
    assert row["behind"] == 0
    assert 1800 < row["requests"] < 2200


def test_a_closed_loop_sees_only_those_that_were_under_way(upstream):
    row = stopped_for_half_a_second(upstream, "--connections", 4)
    assert row["p90_us"] < 100_000


def test_a_rate_above_what_goes_through_is_told(upstream):
    _, row = load(upstream.port, "--seconds", 1, "--rate", 1000, "--connections", 1, "--stream", "--prompt",
                  "bench: frames=5 every_us=20000")
    assert row["behind"] > 500


def test_an_answer_that_is_not_200_or_too_short_is_a_failed_one(upstream):
    code, row = load(upstream.failing, "--seconds", 1, "--connections", 2)
    assert code == 1 and 0.45 < row["failed"] / row["requests"] < 0.55
    code, row = load(upstream.port, "--seconds", 1, "--connections", 2, "--least-bytes", 5000)
    assert code == 1 and row["failed"] == row["requests"]


@pytest.mark.parametrize("usage", [False, True])
def test_a_stream_has_its_frames_and_the_usage_for_who_asks(upstream, usage):
    connection = http.client.HTTPConnection("127.0.0.1", upstream.port, timeout=30)
    body = {"stream": True, "messages": [{"role": "user", "content": "bench: frames=7 every_us=100 word"}]}
    if usage:
        body["stream_options"] = {"include_usage": True}
    connection.request("POST", "/v1/chat/completions", json.dumps(body))
    lines = [line for line in connection.getresponse().read().decode().split("\n\n") if line]
    chunks = [json.loads(line.removeprefix("data: ")) for line in lines[:-1]]
    assert lines[-1] == "data: [DONE]"
    assert sum(c["choices"] != [] and c["choices"][0]["delta"].get("content") == "word " for c in chunks) == 7
    assert len(chunks) == 9 + usage
    assert ("usage" in chunks[-1]) == usage


def test_the_cpu_of_a_tree_counts_children_that_are_gone(tmp_path):
    script = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'sum(range(10**7))']); input()"
    process = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, text=True)
    try:
        stack.wait_for(lambda: len(machine.tree(process.pid)) == 1 and machine.cpu_ns(process.pid) > 10**8,
                       what="the child's time in its parent's")
    finally:
        process.communicate("\n")


@pytest.fixture
def lab(tmp_path):
    tmp_path.chmod(0o755)
    for parent in list(tmp_path.parents)[:3]:
        with contextlib.suppress(PermissionError):
            parent.chmod(0o755)
    options = argparse.Namespace(build=stack.BUILD, peers_folder=None, no_pin=True, nice=0, other_module=None, json=True)
    with contextlib.ExitStack() as ends:
        lab = Lab(options, tmp_path, ends)
        lab.start_upstream(2)
        yield lab


def test_an_error_that_came_whole_keeps_its_connection(lab):
    """Every second request fails over; the provider that failed it is asked again on the same connections."""
    offtake = contenders.Offtake(lab)
    assert lab.start(offtake)
    row = lab.load(offtake, {"connections": 4, "seconds": 1, "least-bytes": 700}, failover=True)
    assert row["upstream"]["failed"] > 100
    assert row["upstream"]["opened"] <= 2 * 4 + 2


def test_a_large_body_arrives_as_it_was_sent(lab):
    """It comes in two pieces, one with the headers, and is made one again in place."""
    offtake = contenders.Offtake(lab)
    assert lab.start(offtake)
    row = lab.load(offtake, {"connections": 2, "seconds": 1, "body-bytes": 300_000, "least-bytes": 700})
    assert row["requests"] > 10 and row["failed"] == 0
    # The prompt stands behind half of it: the upstream finds it only if the pieces are in their order.
    _, streamed = load_through(lab, offtake, "--stream", "--prompt", "word " * 8000 + "bench: frames=3 every_us=10",
                               "--body-bytes", 100_000, "--least-bytes", 500)
    assert streamed["requests"] > 10 and streamed["failed"] == 0


def load_through(lab, offtake, *options):
    return load(offtake.port, "--key-file", offtake.key_file, "--seconds", 1, "--connections", 2, *options)


def test_the_benchmark_runs_and_the_books_hold_every_answer():
    result = subprocess.run([str(BENCH / "gateway"), "--smoke", "--cases", "small,failover", "--json", "--build",
                             str(stack.BUILD)], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["booked"] >= report["answered"] > 0
    assert {"nginx", "offtake"} <= set(report["cases"]["small"]["summary"])
    assert report["cases"]["small"]["summary"]["offtake"]["ratio"]["median"] > 0


def test_a_wrong_command_line_names_what_is_known():
    result = subprocess.run([str(BENCH / "gateway"), "--cases", "nonsense"], capture_output=True, text=True)
    assert result.returncode == 2 and "failover" in result.stderr
