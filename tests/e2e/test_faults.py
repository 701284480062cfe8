# SPDX-License-Identifier: Apache-2.0
"""kill -9 at any time, and restart: every request that a provider served is booked exactly once."""

import errno
import json
import os
import random
import signal
import subprocess
import threading

import pytest

from stack import chat, http, wait_for

KILLS = 24


def stream(stack, key):
    return chat(stack, key, stream=True, max_tokens=40, content="tokens:30 x")


def booked(stack):
    """request id -> outcome, from the usage rows' trace; and the totals by outcome."""
    usage = json.loads(stack.cli("usage", "--json").stdout)["usage"]
    totals = {}
    for row in usage:
        totals[row["outcome"]] = totals.get(row["outcome"], 0) + row["requests"]
    return totals


class Load:
    """Clients that go on whatever happens; a failed request is a request whose fate we look up."""

    def __init__(self, stack, keys, clients=6):
        self.stack, self.keys = stack, keys
        self.stop_event = threading.Event()
        self.sent = 0
        self.answered = 0
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(clients)]

    def run(self, number):
        generator = random.Random(number)
        while not self.stop_event.is_set():
            key = generator.choice(self.keys)
            with self.lock:
                self.sent += 1
            try:
                if generator.random() < 0.5:
                    status = stream(self.stack, key)[0]
                else:
                    status = chat(self.stack, key, max_tokens=generator.randint(1, 50))[0]
                if status == 200:
                    with self.lock:
                        self.answered += 1
            except Exception:  # noqa: BLE001 - the worker was killed under this request
                pass

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stop_event.set()
        for thread in self.threads:
            thread.join()


def test_random_kills_of_worker_daemon_and_both_lose_and_double_nothing(make_stack):
    stack = make_stack()
    keys = [stack.key("acme", "api"), stack.key("globex", "chat")]
    for simulator in stack.simulators.values():
        assert simulator.counts()["served"] == 0
    generator = random.Random(int(os.environ.get("OFFTAKE_SEED", "20250121")))
    load = Load(stack, keys)
    load.start()
    done = []
    try:
        for _ in range(KILLS):
            target = load.answered + generator.randint(5, 40)
            wait_for(lambda: load.answered >= target, seconds=60, what="more traffic")
            what = generator.choice(["worker", "daemon", "both", "all"])
            done.append(what)
            if what in ("worker", "both"):
                for pid in stack.worker_pids():
                    os.kill(pid, signal.SIGKILL)
            if what == "all":
                master, workers = stack.master_pid(), stack.worker_pids()
                stack.process.kill()
                for pid in [master, *workers]:
                    os.kill(pid, signal.SIGKILL)
            if what in ("daemon", "both", "all"):
                stack.process.kill()
                stack.process.wait()
                stack.start_daemon()
    finally:
        load.stop()
    assert len(done) == KILLS
    # A provider goes on generating for a moment after its client died: let its counts come to rest.
    def settled():
        first = [s.counts() for s in stack.simulators.values()]
        stack.drain()
        return first == [s.counts() for s in stack.simulators.values()]
    wait_for(settled, what="counts at rest")
    wait_for(lambda: json.loads(stack.cli("status", "--json").stdout)["open_intents"] == 0,
             seconds=60, what="orphaned intents to be settled")
    served = set()
    for simulator in stack.simulators.values():
        for request in simulator.counts(detail=True)["requests"]:
            served.add(request["request_id"])
    archive = records_by_request(stack)
    missing = [r for r in served if r not in archive]
    assert not missing, f"{len(missing)} served requests are not in the spool: {missing[:3]}"
    totals = booked(stack)
    in_books = sum(totals.get(k, 0) for k in ("served", "served-estimated", "unsettled", "failed", "refused"))
    assert in_books == len(archive), (totals, len(archive))
    # What a provider served is booked as served or as an unsettled intent, and nothing that an answer
    # was given for is missing from it.
    counted = totals.get("served", 0) + totals.get("served-estimated", 0)
    assert counted <= len(served) <= counted + totals.get("unsettled", 0), (totals, len(served))
    assert load.answered <= counted
    assert stack.cli("ledger", "verify").returncode == 0
    assert load.answered > 100


def records_by_request(stack):
    """Every request id in the spools, booked or not, by reading the files themselves."""
    ids = set()
    for path in [*stack.data.glob("spool/*.spool"), *stack.data.glob("spool/archive/*.spool")]:
        data = path.read_bytes()
        for offset in range(4096, len(data) - 255, 256):
            if int.from_bytes(data[offset:offset + 4], "little") == 0:
                break
            ids.add("req_" + data[offset + 16:offset + 32].hex())
    return ids


def test_exactly_the_providers_tokens_are_in_the_books_when_nothing_is_killed(make_stack):
    stack = make_stack()
    keys = [stack.key("acme", "api"), stack.key("globex", "chat")]
    load = Load(stack, keys)
    load.start()
    wait_for(lambda: load.answered >= 300, seconds=60, what="traffic")
    load.stop()
    stack.drain()
    usage = json.loads(stack.cli("usage", "--json").stdout)["usage"]
    provider = {"prompt": 0, "completion": 0, "served": 0}
    for simulator in stack.simulators.values():
        counts = simulator.counts()
        provider["served"] += counts["served"]
        provider["prompt"] += counts["prompt_tokens"]
        provider["completion"] += counts["completion_tokens"]
    rows = [r for r in usage if r["outcome"].startswith("served")]
    assert sum(r["requests"] for r in rows) == provider["served"]
    assert sum(r["input"] + r["cached"] for r in rows) == provider["prompt"]
    assert sum(r["output"] + r["reasoning"] for r in rows) == provider["completion"]


def test_a_client_that_leaves_mid_stream_is_booked_once(make_stack):
    import socket
    stack = make_stack()
    key = stack.key("acme", "api")
    body = json.dumps({"model": "gpt-4o", "stream": True, "max_tokens": 60,
                       "messages": [{"role": "user", "content": "tokens:20 x"}]}).encode()
    with socket.create_connection(("127.0.0.1", stack.ports["listen"])) as s:
        s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " +
                  key.encode() + b"\r\nContent-Type: application/json\r\nContent-Length: " +
                  str(len(body)).encode() + b"\r\n\r\n" + body)
        assert b"200" in s.recv(64)

    def one_booked():
        stack.drain()
        totals = booked(stack)
        return sum(totals.values()) == 1 and totals
    totals = wait_for(one_booked, what="the abandoned stream to be booked")
    assert set(totals) <= {"served", "served-estimated"}


def test_a_stream_the_provider_cuts_is_never_a_clean_finish(make_stack):
    stack = make_stack()
    key = stack.key("acme", "api")
    stack.simulators["east"].fault("reset-mid=3", count=1)
    with pytest.raises(Exception):  # an incomplete chunked body
        status, _, body = stream(stack, key)
        assert status != 200 or b"[DONE]" not in body
        raise AssertionError("the stream ended cleanly") if status == 200 else RuntimeError
    stack.drain()
    assert sum(booked(stack).values()) == 1
    assert stack.simulators["west"].counts()["served"] == 0


def test_a_provider_that_hangs_is_504_and_is_not_asked_twice(make_stack):
    stack = make_stack(east_extra="timeout connect 1s first-byte 1s read 2s")
    key = stack.key("acme", "api")
    stack.simulators["east"].fault("hang", count=1)
    status, _, body = chat(stack, key)
    assert status == 504, body
    assert stack.simulators["west"].counts()["served"] == 0


def fill(path):
    """Writes until the disk takes no more."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        while True:
            os.write(fd, b"x" * 65536)
    except OSError as error:
        assert error.errno == errno.ENOSPC
    finally:
        os.close(fd)


def test_a_full_disk_refuses_requests_before_any_provider_is_asked(make_stack, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    stack = make_stack(start=False, serve_args=["--workers", "1"])
    stack.data.mkdir(mode=0o755)
    spool = stack.data / "spool"
    spool.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=56m", "tmpfs", str(spool)],
                           capture_output=True, text=True)
    if mount.returncode != 0:
        pytest.skip(f"this machine does not let us mount a tmpfs: {mount.stderr.strip()}")
    try:
        stack.start()
        key = stack.key("acme", "api")
        assert chat(stack, key)[0] == 200
        stack.drain()
        filler = spool / "filler"
        fill(filler)
        for pid in stack.worker_pids():  # the new worker needs a segment and cannot have one
            os.kill(pid, signal.SIGKILL)
        before = stack.simulators["east"].counts()["served"]

        def refused():
            try:
                return chat(stack, key)[0] == 503
            except OSError:
                return False
        wait_for(refused, what="a refusal for want of room")
        assert stack.simulators["east"].counts()["served"] == before
        filler.unlink()
        wait_for(lambda: chat(stack, key)[0] == 200, what="service to come back")
        stack.drain()
        assert stack.cli("ledger", "verify").returncode == 0
    finally:
        stack.stop()
        subprocess.run(["umount", "-l", str(spool)], check=False)


def test_a_torn_last_record_is_reported(make_stack):
    stack = make_stack()
    key = stack.key("acme", "api")
    for _ in range(3):
        assert chat(stack, key)[0] == 200
    stack.drain()
    master, workers = stack.master_pid(), stack.worker_pids()
    stack.process.kill()
    stack.process.wait()
    for pid in [master, *workers]:
        os.kill(pid, signal.SIGKILL)
    segment = max((p for p in stack.data.glob("spool/*.spool")), key=lambda p: p.stat().st_mtime)
    data = bytearray(segment.read_bytes())
    end = next(o for o in range(4096, len(data), 256) if data[o:o + 4] == b"\0\0\0\0")
    data[end + 8:end + 40] = b"\x5a" * 32  # half a record: a body and no commit word
    with open(segment, "r+b") as f:
        f.seek(0)
        f.write(data)
    stack.start_daemon()
    stack.drain()
    status = json.loads(stack.cli("status", "--json").stdout)
    assert status["torn"] >= 1, status
    assert sum(booked(stack).values()) == 3


def test_a_second_daemon_on_the_same_data_refuses(make_stack):
    stack = make_stack()
    second = subprocess.run(
        [str(__import__("stack").OFFTAKE), "serve", str(stack.deal_path), "--data", str(stack.data),
         "--listen", "127.0.0.1:1"], capture_output=True, text=True, timeout=30,
        env={**os.environ, **stack.keys_env})
    assert second.returncode not in (0, None)
    assert stack.cli("status").returncode == 0


def test_secrets_are_in_no_log_no_argument_and_no_readable_file(make_stack):
    stack = make_stack()
    key = stack.key("acme", "api")
    chat(stack, key)
    chat(stack, "oft_" + "B" * 43)
    secrets = list(stack.keys_env.values()) + [key]
    for pid in [stack.process.pid, stack.master_pid(), *stack.worker_pids()]:
        command = open(f"/proc/{pid}/cmdline", "rb").read()
        assert not any(s.encode() in command for s in secrets)
    for path in stack.data.rglob("*"):
        if path.is_file() and not path.name.startswith("secrets-"):
            content = path.read_bytes()
            for secret in secrets:
                assert secret.encode() not in content, f"{path} holds a secret"
        if path.name.startswith("secrets-"):
            assert path.stat().st_mode & 0o007 == 0
    assert not any(s in stack.log_path.read_text(errors="replace") for s in secrets)
