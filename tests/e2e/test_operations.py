# SPDX-License-Identifier: Apache-2.0
"""Stopping, upgrading, log files, and an nginx of one's own: streams go on and no record is lost."""

import json
import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import threading
import time

import pytest

from stack import OFFTAKE, chat, http, port_open, wait_for
from test_metrics import scrape, total
from traffic import Traffic, records, settlements

TOKEN_US = 40_000  # between two events of a stream; an answer has at most 64 or so


class Stream(threading.Thread):
    """One streamed answer, read as it comes."""

    def __init__(self, stack, key, tokens):
        super().__init__()
        self.port, self.key, self.tokens = stack.ports["listen"], key, tokens
        self.data, self.error = b"", None
        self.start()
        wait_for(lambda: self.events() > 2 or self.error or not self.is_alive(), what="the stream to begin")

    def run(self):
        body = json.dumps({"model": "gpt-4o", "stream": True, "max_tokens": self.tokens,
                           "messages": [{"role": "user", "content": "tokens:20 x"}]}).encode()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=60) as s:
                s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                          b"Authorization: Bearer " + self.key.encode() + b"\r\nContent-Type: application/json\r\n"
                          b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body)
                while True:
                    piece = s.recv(65536)
                    if not piece:
                        return
                    self.data += piece
        except OSError as error:
            self.error = error

    def events(self):
        return self.data.count(b"data: {")

    def whole(self):
        """Every event, the end of the stream, and the end of the chunked body."""
        return (self.data.startswith(b"HTTP/1.1 200") and b"data: [DONE]" in self.data
                and self.data.endswith(b"0\r\n\r\n") and self.events() >= min(self.tokens, 60))

    def request_id(self):
        return re.search(rb"x-offtake-request-id: (\S+)", self.data, re.I).group(1).decode()


@pytest.fixture
def slow_stack(make_stack):
    """A stack whose providers take their time between the events of a stream."""
    def make(token_us=TOKEN_US, **arguments):
        stack = make_stack(start=False, **arguments)
        for simulator in stack.simulators.values():
            simulator.arguments += ["--token-interval-us", str(token_us)]
        return stack.start()
    return make


def booked(stack):
    usage = json.loads(stack.cli("usage", "--json").stdout)["usage"]
    totals = {}
    for row in usage:
        totals[row["outcome"]] = totals.get(row["outcome"], 0) + row["requests"]
    return totals


# ---- stopping ----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGQUIT, signal.SIGINT])
def test_stopping_lets_streams_finish_and_books_them(slow_stack, how):
    stack = slow_stack()
    key = stack.key("acme", "api")
    streams = [Stream(stack, key, tokens) for tokens in (25, 45, 64)]
    stack.process.send_signal(how)
    # The listener closes first: whoever comes now is refused at once and may go elsewhere.
    wait_for(lambda: not port_open(stack.ports["listen"]), seconds=3, what="the listener to close")
    assert all(stream.is_alive() for stream in streams[1:])
    assert stack.process.poll() is None
    for stream in streams:
        stream.join(30)
        assert stream.whole(), stream.data[-200:]
    assert stack.process.wait(10) == 0
    assert "everything is booked" in stack.log_tail()
    assert not list(stack.data.glob("spool/*.spool"))
    stack.start_daemon()
    assert booked(stack) == {"served": 3}
    assert stack.cli("ledger", "verify").returncode == 0


def test_a_stream_that_outlasts_the_bound_is_cut_and_still_booked_once(slow_stack):
    stack = slow_stack(token_us=200_000, serve_args=["--stop-after", "1s"])
    key = stack.key("acme", "api")
    stream = Stream(stack, key, 64)
    began = time.monotonic()
    stack.process.send_signal(signal.SIGTERM)
    assert stack.process.wait(15) == 0
    assert 1 <= time.monotonic() - began < 10
    stream.join(5)
    assert not stream.whole()
    assert "takes too long" in stack.log_tail()
    stack.start_daemon()
    totals = wait_for(lambda: sum(booked(stack).values()) == 1 and booked(stack), what="its booking")
    assert set(totals) <= {"unsettled", "served-estimated"}, totals


def test_a_second_signal_hurries(slow_stack):
    stack = slow_stack(token_us=200_000)
    stream = Stream(stack, stack.key("acme", "api"), 64)
    stack.process.send_signal(signal.SIGTERM)
    wait_for(lambda: not port_open(stack.ports["listen"]), what="the listener to close")
    stack.process.send_signal(signal.SIGTERM)
    assert stack.process.wait(8) == 0
    stream.join(5)


def test_policies_swapped_while_streams_run_cut_none(slow_stack):
    stack = slow_stack()
    key = stack.key("acme", "api")
    streams = [Stream(stack, key, 64) for _ in range(4)]
    for number in range(20):
        stack.write_deal(more=f'account extra{number} "Extra"')
        stack.cli("reload")
    for stream in streams:
        stream.join(30)
        assert stream.whole()
    stack.drain()
    assert booked(stack) == {"served": 4}
    # One request lives under one policy, the one that it was admitted under.
    by_id = settlements(stack)
    assert {by_id[stream.request_id()].generation for stream in streams} == {2}


# ---- upgrading nginx's binary -------------------------------------------------------------------


def alive(pid):
    try:
        return "nginx" in pathlib.Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False


def test_usr2_upgrades_nginx_under_load_and_no_request_fails(slow_stack):
    stack = slow_stack()
    keys = {"api": stack.key("acme", "api"), "chat": stack.key("globex", "chat")}
    old = stack.master_pid()
    stream = Stream(stack, keys["api"], 64)
    with Traffic(stack, keys, clients=3, stream=0) as traffic:
        wait_for(lambda: len(traffic.answers) > 20, what="traffic")
        stack.process.send_signal(signal.SIGUSR2)
        wait_for(lambda: stack.master_pid() not in (None, old), what="a new master")
        wait_for(lambda: "was upgraded" in stack.log_tail(), what="the daemon to follow")
        count = len(traffic.answers)
        wait_for(lambda: len(traffic.answers) > count + 200, what="traffic through the new one")
        assert alive(old), "the old master holds the stream"
    # A client whose kept connection is closed by the old worker as it leaves tries again: that is HTTP.
    assert {a.status for a in traffic.answers} == {200}
    assert len(traffic.failures) <= 3, traffic.failures
    stream.join(30)
    assert stream.whole()
    wait_for(lambda: not alive(old), seconds=20, what="the old master to end")
    status = json.loads(stack.cli("status", "--json").stdout)
    assert status["nginx"]["pid"] == stack.master_pid() and status["nginx"]["restarts"] == 0
    wait_for(lambda: stack.drain() and json.loads(stack.cli("status", "--json").stdout)["open_intents"] == 0,
             what="the last records")
    by_id = settlements(stack)
    assert all(a.request_id in by_id for a in traffic.answers) and stream.request_id() in by_id
    assert sum(booked(stack).values()) == len({r.request_id for r in records(stack)})
    # The counters went over with their rows: nothing is counted twice, nothing is lost.
    assert total(scrape(stack), "offtake_requests_total", outcome="served") == booked(stack)["served"]
    assert stack.stop_daemon() == 0
    assert "everything is booked" in stack.log_tail()


def test_an_upgrade_by_hand_is_followed_and_can_be_given_up(slow_stack):
    stack = slow_stack()
    key = stack.key("acme", "api")
    old = stack.master_pid()
    os.kill(old, signal.SIGUSR2)
    new = wait_for(lambda: stack.master_pid() not in (None, old) and stack.master_pid(), what="a new master")
    wait_for(lambda: "was upgraded" in stack.log_tail(), what="the daemon to follow")
    assert alive(old) and alive(new) and chat(stack, key)[0] == 200
    os.kill(new, signal.SIGQUIT)  # given up: the old one has been there all the time
    wait_for(lambda: not alive(new) and stack.master_pid() == old, what="the old master's pid file")
    wait_for(lambda: json.loads(stack.cli("status", "--json").stdout)["nginx"]["pid"] == old,
             what="the daemon to follow back")
    assert chat(stack, key)[0] == 200
    # Once more, to its end: the old workers go first (WINCH), then the old master (QUIT).
    stream = Stream(stack, key, 60)
    os.kill(old, signal.SIGUSR2)
    new = wait_for(lambda: stack.master_pid() not in (None, old) and stack.master_pid(), what="a new master")
    wait_for(lambda: stack.log_tail().count("was upgraded") == 2, what="the daemon to follow")
    os.kill(old, signal.SIGWINCH)
    stream.join(30)
    assert stream.whole()
    os.kill(old, signal.SIGQUIT)
    wait_for(lambda: not alive(old), what="the old master to end")
    assert chat(stack, key)[0] == 200
    status = json.loads(stack.cli("status", "--json").stdout)["nginx"]
    assert (status["pid"], status["restarts"]) == (new, 0)
    stack.drain()
    assert booked(stack) == {"served": 4}


def test_what_runs_under_a_limit_counts_on_both_sides_of_an_upgrade(slow_stack):
    stack = slow_stack(more='account narrow "Narrow" { limit 2 concurrent requests }')
    key = stack.key("narrow", "api")
    old = stack.master_pid()
    streams = [Stream(stack, key, 64) for _ in range(2)]
    stack.process.send_signal(signal.SIGUSR2)
    wait_for(lambda: stack.master_pid() not in (None, old), what="a new master")
    wait_for(lambda: "was upgraded" in stack.log_tail(), what="the daemon to follow")
    # The old workers hold both places; the new ones know.
    assert {chat(stack, key)[0] for _ in range(10)} == {429}
    for stream in streams:
        stream.join(30)
        assert stream.whole()
    assert wait_for(lambda: chat(stack, key)[0] == 200, what="a place")


def test_stopping_amid_an_upgrade_ends_both_masters_and_books_all(slow_stack):
    stack = slow_stack()
    key = stack.key("acme", "api")
    old = stack.master_pid()
    before = Stream(stack, key, 64)
    os.kill(old, signal.SIGUSR2)
    wait_for(lambda: "was upgraded" in stack.log_tail(), what="the daemon to follow")
    new = stack.master_pid()
    after = Stream(stack, key, 64)
    stack.process.send_signal(signal.SIGTERM)
    for stream in (before, after):
        stream.join(30)
        assert stream.whole()
    assert stack.process.wait(15) == 0
    assert not alive(old) and not alive(new)
    stack.start_daemon()
    assert booked(stack) == {"served": 2}


# ---- access log ---------------------------------------------------------------------------------


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def logged(make_stack):
    def make(**arguments):
        stack = make_stack(start=False, **arguments)
        stack.access_log = stack.directory / "access.log"
        stack.serve_args += ["--access-log", str(stack.access_log)]
        return stack.start()
    return make


def wait_lines(path, condition, what="the log's lines"):
    def found():
        if not path.exists():
            return None
        lines = lines_of(path)
        return lines if condition(lines) else None
    return wait_for(found, what=what)


def test_the_access_log_tells_in_json_what_a_request_was_and_where_it_ran(logged):
    stack = logged()
    key = stack.key("acme", "api")
    status, headers, _ = chat(stack, key, content="tokens:40 cached:10 x", max_tokens=7, stream=True)
    assert status == 200
    stack.simulators["east"].fault("429", count=1)
    assert chat(stack, key)[0] == 200
    assert chat(stack, key, model="nothing")[0] == 404
    lines = [line for line in wait_lines(
        stack.access_log, lambda have: sum(l["path"] == "/v1/chat/completions" for l in have) == 3)
        if line["path"] == "/v1/chat/completions"]
    # Each worker writes its own lines, when its buffer is due; ids sort by their instant.
    first, second, third = sorted(lines, key=lambda line: line["request_id"])
    headers = {k.lower(): v for k, v in headers.items()}
    assert first["request_id"] == headers["x-offtake-request-id"]
    assert (first["product"], first["account"], first["model"]) == ("api", "acme", "gpt-4o")
    assert (first["pool"], first["provider"], first["clause"]) == ("east", "alpha", "bc.only")
    assert (first["input_tokens"], first["cached_tokens"], first["output_tokens"]) == (40, 10, 7)
    assert (first["status"], first["outcome"], first["stream"], first["operation"]) == (200, "served", True, "chat")
    assert 0 < first["first_byte_us"] <= first["total_us"]
    keys = json.loads(stack.cli("keys", "list", "--json").stdout)["keys"]
    assert first["key_id"] == keys[0]["id"]
    assert (second["pool"], second["attempts"]) == ("west", 2)
    assert (third["outcome"], third["code"], third["pool"], third["attempts"]) == (
        "refused", "model_not_found", "", 0)


def test_no_log_holds_a_key_a_credential_a_query_a_referrer_or_a_prompt(logged):
    stack = logged()
    key = stack.key("acme", "api")
    prompt, query, referrer = "word-of-a-prompt-4711", "query-secret-4711", "referrer-secret-4711"
    more = {"Referer": f"https://x/?k={referrer}", "User-Agent": "agent-secret-4711", "Cookie": "cookie-secret-4711"}
    url = stack.url + f"/v1/chat/completions?api-key={query}"
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": prompt}]}
    assert http("POST", url, body, key, more)[0] == 200
    assert http("POST", url, body, key + "x", more)[0] == 401
    assert http("POST", url, {**body, "model": prompt}, key, more)[0] == 404
    assert http("GET", stack.url + f"/v1/unknown?{query}", None, key, more)[0] == 404
    for fault in ("401", "malformed", "reset", "reset-mid=2", "500"):  # these are told in nginx's error log
        stack.simulators["east"].fault(fault, count=1)
        try:
            http("POST", url, {**body, "stream": True}, key, more)
        except Exception:  # noqa: BLE001 - a stream that was cut
            pass
    with socket.create_connection(("127.0.0.1", stack.ports["listen"])) as s:
        s.sendall(f"GET /v1/models?{query} HTTP/1.1\r\nHost: x\r\nContent-Length: {query}\r\n\r\n".encode())
        s.recv(1000)
    with socket.create_connection(("127.0.0.1", stack.ports["listen"])) as s:
        s.sendall(f"GET /v1/models?{query} HTTP/9.{query}\r\nHost: x\r\n\r\n".encode())
        s.recv(1000)
    wait_lines(stack.access_log, lambda lines: len(lines) >= 11)
    stack.stop_daemon()
    access, log = stack.access_log.read_text(), stack.log_path.read_text()
    assert "refused our credential" in log  # nginx's words are there
    secrets = [key, key[4:], prompt, query, referrer, "agent-secret", "cookie-secret", *stack.keys_env.values()]
    for secret in secrets:
        assert secret not in access, secret
        assert secret not in log, secret
    assert all(isinstance(line, dict) for line in lines_of(stack.access_log))


def test_what_clients_send_cannot_break_a_line_of_the_log(logged):
    stack = logged()
    key = stack.key("acme", "api")
    for path in ('/v1/"quote', "/v1/%0aline", "/v1/%22%7d%0d%0a", "/v1/%ff%fe", "/v1/%00x", "/v1/\\back"):
        with socket.create_connection(("127.0.0.1", stack.ports["listen"])) as s:
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
                      "Connection: close\r\n\r\n".encode())
            s.recv(1000)
    assert chat(stack, key)[0] == 200
    wanted = {"/v1/%22quote", "/v1/%0Aline", "/v1/%22}%0D%0A", "/v1/%FF%FE", "/v1/%5Cback", "/v1/chat/completions"}
    wait_lines(stack.access_log, lambda lines: wanted <= {line["path"] for line in lines}, what="all paths")


def test_usr1_opens_the_log_anew_after_it_was_moved(logged):
    stack = logged()
    key = stack.key("acme", "api")
    assert chat(stack, key)[0] == 200
    moved = stack.access_log.with_suffix(".1")
    wait_lines(stack.access_log, lambda lines: any(line["status"] == 200 for line in lines))
    with Traffic(stack, {"api": key}, clients=2) as traffic:
        wait_for(lambda: len(traffic.answers) > 20, what="traffic")
        stack.access_log.rename(moved)
        stack.process.send_signal(signal.SIGUSR1)
        wait_for(stack.access_log.exists, what="a new log")
        count = len(traffic.answers)
        wait_for(lambda: len(traffic.answers) > count + 50, what="more traffic")
    assert not traffic.failures
    stack.stop_daemon()
    ids = [line["request_id"] for path in (moved, stack.access_log) for line in lines_of(path)]
    assert len(ids) == len(set(ids))
    assert {a.request_id for a in traffic.answers} <= set(ids)


# ---- an nginx of one's own ----------------------------------------------------------------------


def module_option():
    """The module of OFFTAKE_SERVE_ARGS, if it names one."""
    words = shlex.split(os.environ.get("OFFTAKE_SERVE_ARGS", ""))
    return words[words.index("--module"):][:2] if "--module" in words else []


OWN = """\
load_module "{module}";
daemon off;
worker_processes 2;
{user}
pid {directory}/own.pid;
error_log {directory}/own-error.log notice;
events {{ worker_connections 512; }}
http {{
    include {directory}/offtake.conf;
    access_log {directory}/own-access.log offtake;
    client_body_temp_path {directory}/tmp1; proxy_temp_path {directory}/tmp2; fastcgi_temp_path {directory}/tmp3;
    uwsgi_temp_path {directory}/tmp4; scgi_temp_path {directory}/tmp5;
    server {{
        listen 127.0.0.1:{port};
        location / {{ offtake; offtake_body_max 64k; }}
        location = /healthz {{ return 200 "fine"; }}
    }}
}}
"""


def test_an_nginx_of_ones_own_includes_what_conf_prints(make_stack):
    stack = make_stack(start=False, serve_args=["--no-nginx"])
    for simulator in stack.simulators.values():
        simulator.start()
    stack.start_daemon(wait=False)
    wait_for(lambda: stack.cli("status", check=False).returncode == 0, what="the daemon")
    text = stack.cli("conf", *module_option()).stdout
    (stack.directory / "offtake.conf").write_text(text)
    module = re.search(r'load_module "([^"]+)"', text).group(1)
    conf = stack.directory / "own.conf"
    conf.write_text(OWN.format(directory=stack.directory, module=module, port=stack.ports["listen"],
                               user="user www-data;" if os.getuid() == 0 else ""))
    words = shlex.split(os.environ.get("OFFTAKE_SERVE_ARGS", ""))
    program = words[words.index("--nginx") + 1] if "--nginx" in words else "/usr/sbin/nginx"
    nginx = subprocess.Popen([program, "-p", str(stack.directory), "-c", str(conf), "-e", "stderr"])
    try:
        wait_for(lambda: port_open(stack.ports["listen"]), what="the own nginx")
        key = stack.key("acme", "api")
        assert chat(stack, key)[0] == 200
        assert http("GET", stack.url + "/healthz")[2] == b"fine"
        assert chat(stack, key, content="x" * 70_000)[0] == 413  # the location's own bound
        stack.drain()
        assert booked(stack) == {"served": 1}
        assert total(scrape(stack), "offtake_requests_total", outcome="served") == 1
        line = wait_lines(stack.directory / "own-access.log", lambda lines: len(lines) >= 3)[0]
        assert (line["status"], line["pool"]) == (200, "east")
        # The daemon's own stop leaves the other nginx alone.
        assert stack.stop_daemon() == 0
        assert chat(stack, key)[0] == 200
        stack.start_daemon(wait=False)
        wait_for(lambda: stack.cli("status", check=False).returncode == 0, what="the daemon")
        stack.drain()
        assert booked(stack) == {"served": 2}
    finally:
        nginx.terminate()
        nginx.wait(10)


def test_conf_is_complete_without_a_daemon_and_refuses_what_cannot_stand_in_it():
    run = lambda *a: subprocess.run([str(OFFTAKE), "conf", *a], capture_output=True, text=True)  # noqa: E731
    assert "offtake_run" in run("--data", "/srv/offtake", "--node", "edge-1", *module_option()).stdout
    assert run("--data", "relative").returncode == 2
    assert run("--data", '/with"quote').returncode == 2
    assert run("--help").returncode == 0
