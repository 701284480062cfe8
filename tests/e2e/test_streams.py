# SPDX-License-Identifier: Apache-2.0
"""Streams: their first event, their end, who leaves and who is slow; and framings that are none."""

import asyncio
import http.client
import json
import os
import resource
import shlex
import socket
import struct
import threading
import time

import pytest

from records import ABORTED, CUT, ESTIMATED, MAYBE_BILLED, Answer, settled, write_openai_deal
from stack import wait_for
from test_wire import GOOD, ScriptedProvider

PATIENCE = "timeout connect 1s first-byte 2s read 2s"


def ask(stream=True, tokens=20, **more):
    return {"model": "gpt-4o", "stream": stream, "max_tokens": tokens,
            "messages": [{"role": "user", "content": "tokens:100 hello"}], **more}


def with_directives(stack, directives):
    """Adds lines to the http block of the nginx.conf that `offtake serve` writes, as an operator's own would."""
    words = shlex.split(os.environ.get("OFFTAKE_SERVE_ARGS", ""))
    nginx = words[words.index("--nginx") + 1] if "--nginx" in words else "/usr/sbin/nginx"
    wrapper = stack.directory / "nginx"
    wrapper.write_text(f"""#!/bin/bash
for ((i = 1; i < $#; i++)); do [[ ${{!i}} == -c ]] && j=$((i + 1)) && conf=${{!j}}; done
grep -q '^http {{ ' "$conf" || sed -i '/^    send_timeout/d; s/^http {{$/http {{ {directives}/' "$conf"
exec {nginx} "$@"
""")
    wrapper.chmod(0o755)
    stack.serve_args += ["--nginx", str(wrapper)]


@pytest.fixture
def scripted(make_stack):
    """A stack whose provider east answers what a function writes on the raw socket; west is simulated."""
    providers = []

    def make(answer, directives="send_timeout 60s;", times=PATIENCE):
        stack = make_stack(start=False, east_extra=times, serve_args=["--workers", "1"])
        stack.simulators.pop("east")
        with_directives(stack, directives)
        stack.east = ScriptedProvider(stack.ports["east"], answer)
        providers.append(stack.east)
        stack.start()
        stack.client = stack.key("acme", "api")
        return stack
    yield make
    for provider in providers:
        provider.close()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def delta(text, **more):
    return b"data: " + json.dumps({"choices": [{"delta": {"content": text}}], **more}).encode() + b"\n\n"


USAGE = b"data: " + json.dumps({"choices": [], "usage": GOOD}).encode() + b"\n\n"
DONE = b"data: [DONE]\n\n"


def raw(stack, body, path="/v1/chat/completions", key=None, version="1.1"):
    """A connection on which one request was sent."""
    data = json.dumps(body).encode()
    s = socket.create_connection(("127.0.0.1", stack.ports["listen"]), timeout=20)
    s.sendall(f"POST {path} HTTP/{version}\r\nHost: x\r\nAuthorization: Bearer {key or stack.client}\r\n"
              f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
    return s


def read_all(s):
    data = b""
    try:
        while piece := s.recv(65536):
            data += piece
    except OSError:
        return data, False
    return data, True


def only_record(stack, seconds=20):
    def one():
        stack.drain()
        return settled(stack)
    found = wait_for(one, seconds=seconds, what="a settlement")
    assert len(found) == 1, found
    return found[0]


# ---- the first event


def test_nothing_is_given_to_the_client_before_the_first_event_and_no_comment_is_lost(scripted):
    go = threading.Event()

    def answer(connection, number):
        connection.sendall(HEAD + chunk(b": wait\n\n") + chunk(b"\xef\xbb\xbf: and wait\n\n"))
        go.wait(10)
        connection.sendall(chunk(delta("x")) + chunk(b": ping\n\n") + chunk(USAGE + DONE) + b"0\r\n\r\n")
    stack = scripted(answer)
    s = raw(stack, ask(stream_options={"include_usage": True}))
    wait_for(lambda: stack.east.requests, what="the provider to be asked")
    s.settimeout(0.3)
    with pytest.raises(TimeoutError):
        s.recv(1)
    go.set()
    s.settimeout(20)
    data = b""
    while b"\r\n0\r\n\r\n" not in data:
        data += s.recv(65536)
    order = [data.index(part) for part in (b": wait\n\n", b": and wait\n\n", delta("x"), b": ping\n\n", USAGE, DONE)]
    assert order == sorted(order)
    assert only_record(stack).units["input"] == GOOD["prompt_tokens"]


@pytest.mark.parametrize("event", [
    b'data: {"error":{"message":"m","type":"server_error","code":null}}\n\n',
    b'event: error\r\ndata: {"type":"error","error":{"type":"overloaded_error","message":"m"}}\r\n\r\n'])
def test_an_error_event_is_known_in_whatever_pieces_it_comes(scripted, event):
    def answer(connection, number):
        step = number % 7 + 1
        if number % 2:
            connection.sendall(HEAD + chunk(b": ping\n\n"))
        else:
            connection.sendall(HEAD)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(event), step):
            connection.sendall(chunk(event[at:at + step]))
        connection.sendall(b"0\r\n\r\n")
    stack = scripted(answer)
    for number in range(7):
        def refused():
            got = Answer(stack, stack.client, ask())
            assert got.pool == "west" and got.clean and got.events[-1] == "data: [DONE]"
            return len(stack.east.requests) > number
        # "Overloaded" lets the pool pause: once is enough to see that it does.
        if number > 1 and b"overloaded" in event:
            break
        wait_for(refused, seconds=40, what="east to be asked again")


@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
def test_the_first_event_is_read_in_every_framing(scripted, framing):
    stream = delta("x") + USAGE + DONE
    heads = {"chunked": HEAD, "close": HEAD.replace(b"Transfer-Encoding: chunked\r\n", b""),
             "length": HEAD.replace(b"Transfer-Encoding: chunked", b"Content-Length: %d" % len(stream))}
    error = b'data: {"error":{"message":"m"}}\n\n'

    def answer(connection, number):
        sent = stream if number == 0 else error
        head = heads[framing].replace(b": %d" % len(stream), b": %d" % len(sent))
        connection.sendall(head + (chunk(sent) + b"0\r\n\r\n" if framing == "chunked" else sent))
        if framing == "close":
            connection.shutdown(socket.SHUT_RDWR)
    stack = scripted(answer)
    first = Answer(stack, stack.client, ask())
    assert (first.pool, first.clean) == ("east", True)
    assert first.events[-1] == "data: [DONE]"
    assert Answer(stack, stack.client, ask()).pool == "west"
    stack.drain()
    assert settled(stack, first.id)[0].units["input"] == GOOD["prompt_tokens"]


def test_comments_are_held_no_longer_than_the_directive_says(scripted):
    stop = threading.Event()

    def answer(connection, number):
        connection.sendall(HEAD)
        while not stop.wait(0.05):
            connection.sendall(chunk(b": ping\n\n"))
        connection.sendall(chunk(delta("x") + USAGE + DONE) + b"0\r\n\r\n")
    stack = scripted(answer, directives="offtake_hold_max 300ms;", times="timeout connect 1s first-byte 5s read 5s")
    s = raw(stack, ask())
    began = time.monotonic()
    data = s.recv(65536)
    assert 0.25 < time.monotonic() - began < 2
    assert data.startswith(b"HTTP/1.1 200")
    stop.set()
    while b"\r\n0\r\n\r\n" not in data:
        data += s.recv(65536)
    assert data.count(b": ping") >= 4 and DONE in data
    assert only_record(stack).flags & (CUT | ESTIMATED) == 0


def test_events_larger_than_what_is_held_pass_whole_with_their_usage(scripted):
    first = delta("a" * 40_000)
    huge = b"data: " + json.dumps({"choices": [{"delta": {"content": "b" * 300_000}}], "usage": GOOD}).encode() + b"\n\n"

    def answer(connection, number):
        for at in range(0, len(first + huge + DONE), 5000):
            connection.sendall((HEAD if at == 0 else b"") + chunk((first + huge + DONE)[at:at + 5000]))
        connection.sendall(b"0\r\n\r\n")
    stack = scripted(answer)
    got = Answer(stack, stack.client, ask())
    assert got.body == first + huge + DONE
    record = only_record(stack)
    assert (record.units["input"], record.units["output"]) == (11, 3)


def test_a_stream_that_lacks_its_last_blank_line_loses_nothing(scripted):
    def answer(connection, number):
        connection.sendall(HEAD + chunk(delta("x") + USAGE + DONE[:-2]) + b"0\r\n\r\n")
    stack = scripted(answer)
    assert Answer(stack, stack.client, ask()).body == delta("x") + DONE[:-2]
    assert only_record(stack).units["input"] == GOOD["prompt_tokens"]


# ---- the end


def test_a_stream_that_ends_by_close_without_its_end_mark_is_a_cut(scripted):
    def answer(connection, number):
        connection.sendall(HEAD.replace(b"Transfer-Encoding: chunked\r\n", b"") + delta("x") + b"data: {\"par")
        connection.shutdown(socket.SHUT_RDWR)
    stack = scripted(answer)
    got = Answer(stack, stack.client, ask())
    assert not got.clean
    assert got.events[0] + "\n\n" == delta("x").decode()
    assert json.loads(got.events[1].removeprefix("data: "))["error"]["code"] == "provider_cut"
    assert len(got.events) == 2
    assert only_record(stack).flags & CUT


def test_a_client_of_http_1_0_finds_a_cut_stream_reset(scripted):
    def answer(connection, number):
        connection.sendall(HEAD + chunk(delta("x")))
        connection.shutdown(socket.SHUT_RDWR)
    stack = scripted(answer)
    data, clean = read_all(raw(stack, ask(), version="1.0"))
    assert not clean


def test_the_end_mark_ends_a_stream_whose_last_chunk_never_comes(scripted):
    gone = threading.Event()

    def answer(connection, number):
        connection.sendall(HEAD + chunk(delta("x") + USAGE + DONE))
        gone.wait(10)
    stack = scripted(answer, times="timeout connect 1s first-byte 9s read 9s")
    began = time.monotonic()
    got = Answer(stack, stack.client, ask())
    gone.set()
    assert got.clean and got.events[-1] == "data: [DONE]"
    assert time.monotonic() - began < 4
    assert only_record(stack).flags & (CUT | ESTIMATED) == 0


# ---- clients that leave


def leave_after_first_event(stack, body):
    s = raw(stack, body)
    data = s.recv(65536)
    assert data.startswith(b"HTTP/1.1 200")
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def test_a_client_that_leaves_is_billed_by_the_providers_usage(scripted):
    left = threading.Event()

    def answer(connection, number):
        connection.sendall(HEAD + chunk(delta("x")))
        left.wait(10)
        for _ in range(50):
            connection.sendall(chunk(delta("y")))
        connection.sendall(chunk(USAGE + DONE) + b"0\r\n\r\n")
    stack = scripted(answer)
    leave_after_first_event(stack, ask())
    left.set()
    record = only_record(stack)
    assert (record.units["input"], record.units["output"]) == (11, 3)
    assert record.status == 499 and record.pool == "east"
    assert record.flags & (ABORTED | ESTIMATED | CUT) == ABORTED


def test_a_provider_is_not_drained_beyond_the_bytes_of_the_directive(scripted):
    left, stopped = threading.Event(), threading.Event()
    sent = [0]

    def answer(connection, number):
        connection.sendall(HEAD + chunk(delta("x")))
        left.wait(10)
        try:
            for _ in range(100_000):
                connection.sendall(chunk(delta("y" * 1000)))
                sent[0] += 1000
        except OSError:
            stopped.set()
    stack = scripted(answer, directives="offtake_drain_size 64k;")
    leave_after_first_event(stack, ask())
    left.set()
    assert stopped.wait(20)
    record = only_record(stack)
    assert record.flags & (ABORTED | ESTIMATED | CUT) == ABORTED | ESTIMATED
    assert 0 < record.units["output"] < 300
    assert record.response_bytes < 300_000


@pytest.mark.parametrize("silent", [True, False])
def test_a_provider_is_not_drained_beyond_the_time_of_the_directive(scripted, silent):
    left, stopped = threading.Event(), threading.Event()

    def answer(connection, number):
        connection.sendall(HEAD + chunk(delta("x")))
        left.wait(10)
        connection.sendall(chunk(delta("y")) + chunk(delta("y")))
        connection.settimeout(15)
        try:
            while not silent:
                connection.sendall(chunk(delta("y")))
                time.sleep(0.02)
            while connection.recv(65536):
                pass
        except OSError:
            pass
        stopped.set()
    stack = scripted(answer, directives="offtake_drain_max 500ms;", times="timeout connect 1s first-byte 9s read 9s")
    leave_after_first_event(stack, ask())
    began = time.monotonic()
    left.set()
    assert stopped.wait(15)
    assert time.monotonic() - began < 4
    record = only_record(stack)
    assert record.flags & (ABORTED | ESTIMATED | CUT) == ABORTED | ESTIMATED
    assert record.units["output"] < 30


def test_a_client_that_stops_reading_is_let_go_and_counted_for_what_it_got(scripted):
    def answer(connection, number):
        connection.sendall(HEAD)
        try:
            for _ in range(100_000):
                connection.sendall(chunk(delta("y" * 1000)))
        except OSError:
            pass
    stack = scripted(answer, directives="send_timeout 500ms;", times="timeout connect 1s first-byte 9s read 9s")
    s = raw(stack, ask())
    record = only_record(stack)
    assert record.flags & (ABORTED | ESTIMATED | CUT) == ABORTED | ESTIMATED
    assert record.status == 499 or record.status == 200
    _, clean = read_all(s)
    assert not clean  # reset


# What a worker may grow by: a sanitizer keeps what was freed.
GROWTH_KIB = 8192 if "sanitized" in os.environ.get("OFFTAKE_SERVE_ARGS", "") else 2048


def memory_kib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def test_a_slow_client_slows_its_provider_and_gets_every_byte_in_order(scripted):
    sent = [0]
    total = 20_000

    def answer(connection, number):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        connection.sendall(HEAD)
        for n in range(total):
            connection.sendall(chunk(delta(f"{n:06d}" + "y" * 1000)))
            sent[0] = n
        connection.sendall(chunk(USAGE + DONE) + b"0\r\n\r\n")
    stack = scripted(answer, times="timeout connect 1s first-byte 9s read 60s")
    worker = stack.worker_pids()[0]
    before = memory_kib(worker)
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    s.connect(("127.0.0.1", stack.ports["listen"]))
    data = json.dumps(ask()).encode()
    s.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {stack.client}\r\n"
              f"Content-Length: {len(data)}\r\n\r\n".encode() + data)

    def stalled():  # the provider's count stands still while nobody reads
        first = sent[0]
        time.sleep(0.2)
        return first > 0 and sent[0] == first
    wait_for(stalled, what="the provider to be slowed")
    assert sent[0] < total * 0.8, "the provider was read without bound"
    assert memory_kib(worker) - before < GROWTH_KIB
    response = http.client.HTTPResponse(s)
    response.begin()
    body = response.read()
    numbers = [int(json.loads(event[6:])["choices"][0]["delta"]["content"][:6])
               for event in body.decode().split("\n\n") if event.startswith("data: {")]
    assert numbers == list(range(total))
    assert memory_kib(worker) - before < GROWTH_KIB


# ---- many at once


STREAMS = 2000


async def one_stream(stack, number, gate):
    body = json.dumps({"model": "gpt-4o", "stream": True, "input": f"tokens:50 {number}",
                       "max_output_tokens": 8}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.ports["listen"], limit=1 << 16)
    await gate.wait()
    writer.write(f"POST /v1/responses HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer "
                 f"{stack.client}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    data = await reader.read(-1)
    writer.close()
    return data


def dechunk(data):
    head, rest = data.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 200"), head
    body = b""
    while True:
        size, rest = rest.split(b"\r\n", 1)
        length = int(size, 16)
        if length == 0:
            assert rest == b"\r\n"
            return body
        body += rest[:length]
        rest = rest[length + 2:]


def test_two_thousand_streams_at_once_get_every_frame_in_order(make_stack):
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 3 * STREAMS:
        pytest.skip("this machine does not let a process have 6,000 files")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20_000), hard))
    stack = make_stack(start=False)
    write_openai_deal(stack, east_extra="timeout connect 20s first-byte 60s read 60s")
    east = stack.simulators["east"]
    # Eight events of text, 150 ms apart: all are open at once for most of a second.
    east.arguments += ["--token-interval-us", "150000"]
    stack.start()
    stack.client = stack.key("acme", "api")

    async def all_at_once():
        gate = asyncio.Event()
        tasks = [asyncio.create_task(one_stream(stack, n, gate)) for n in range(STREAMS)]
        await asyncio.sleep(0)
        gate.set()
        return await asyncio.gather(*tasks)
    try:
        answers = asyncio.run(all_at_once())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    whose = set()
    for answer in answers:
        events = [json.loads(e.split("data: ", 1)[1]) for e in dechunk(answer).decode().split("\n\n") if e]
        assert [e["sequence_number"] for e in events] == list(range(10))
        item = {e["item_id"] for e in events if "item_id" in e}
        assert len(item) == 1, "frames of two streams are mixed"
        whose |= item
        text = "".join(e["delta"] for e in events if "delta" in e)
        assert text == events[-1]["response"]["output"][0]["content"][0]["text"]
    assert len(whose) == STREAMS
    counts = east.counts()
    assert counts["served"] == STREAMS and counts["completed"] == STREAMS
    stack.drain()
    found = settled(stack)
    assert len(found) == STREAMS == len({r.request for r in found})
    assert all(r.units["input"] == 50 and r.units["output"] == 8 and r.pool == "east" for r in found)
    assert all(r.flags & (CUT | ABORTED | ESTIMATED | MAYBE_BILLED) == 0 for r in found)


# ---- the front door


@pytest.fixture(scope="module")
def door(make_module_stack):
    stack = make_module_stack(serve_args=["--workers", "1"])
    stack.client = stack.key("acme", "api")
    stack.pids = stack.worker_pids()
    return stack


BODY = json.dumps(ask(stream=False)).encode()
SMUGGLED = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"


def exchange(stack, data):
    """Sends bytes, closes the sending half, and returns every status that came back."""
    with socket.create_connection(("127.0.0.1", stack.ports["listen"]), timeout=10) as s:
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        got, _ = read_all(s)
    return [int(part[:3]) for part in got.split(b"HTTP/1.1 ")[1:]]


def chunked(body, extension=b""):
    return b"%x%s\r\n%s\r\n0\r\n\r\n" % (len(body), extension, body)


LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
# name: (headers, body, statuses that may come first, requests that a provider may see)
FRAMINGS = {
    "length and chunked": (LENGTH + CHUNKED, chunked(BODY), {400}, 0),
    "chunked and length": (CHUNKED + LENGTH, chunked(BODY), {400}, 0),
    "chunked and a smaller length": (CHUNKED + b"Content-Length: 4\r\n", chunked(BODY), {400}, 0),
    "the length twice, the same": (LENGTH + LENGTH, BODY, {400}, 0),
    "the length twice, not the same": (LENGTH + b"Content-Length: 5\r\n", BODY, {400}, 0),
    "two lengths in one": (b"Content-Length: %d, %d\r\n" % (len(BODY), len(BODY)), BODY, {400}, 0),
    "a negative length": (b"Content-Length: -1\r\n", BODY, {400}, 0),
    "a length with a sign": (b"Content-Length: +%d\r\n" % len(BODY), BODY, {400}, 0),
    "a length in hexadecimal": (b"Content-Length: 0x10\r\n", BODY, {400}, 0),
    "an empty length": (b"Content-Length: \r\n", BODY, {400}, 0),
    "a length beyond all numbers": (b"Content-Length: 99999999999999999999\r\n", BODY, {400}, 0),
    "an extension of a chunk": (CHUNKED, chunked(BODY, b";a=b"), {200}, 1),
    "a chunk of a negative size": (CHUNKED, b"-1\r\n" + BODY + b"\r\n0\r\n\r\n", {400}, 0),
    "a chunk larger than all numbers": (CHUNKED, b"fffffffffffffffff\r\n" + BODY, {400}, 0),
    "a chunk whose size is none": (CHUNKED, b"zz\r\n" + BODY + b"\r\n0\r\n\r\n", {400}, 0),
    "a chunk that is longer than its size": (CHUNKED, b"4\r\n" + BODY + b"\r\n0\r\n\r\n", {400}, 0),
    "a chunked body cut off": (CHUNKED, chunked(BODY)[:-9], {400}, 0),
    "trailers": (CHUNKED, chunked(BODY)[:-2] + b"Content-Length: 5\r\n\r\n", {200}, 1),
    "another coding": (b"Transfer-Encoding: xchunked\r\n", chunked(BODY), {400, 501}, 0),
    "two codings": (b"Transfer-Encoding: gzip, chunked\r\n", chunked(BODY), {400, 501}, 0),
    "chunked twice": (CHUNKED + CHUNKED, chunked(BODY), {400, 501}, 0),
    "identity": (b"Transfer-Encoding: identity\r\n" + LENGTH, BODY, {400, 501}, 0),
    "a tab before chunked": (b"Transfer-Encoding:\tchunked\r\n", chunked(BODY), {200, 400, 501}, 1),
    "a space before the colon": (b"Transfer-Encoding : chunked\r\n" + LENGTH, BODY, {200, 400}, 1),
    "a space before the colon of a length": (b"Content-Length : 5\r\n" + CHUNKED, chunked(BODY), {200, 400}, 1),
    "a folded header": (b"X-A: b\r\n Transfer-Encoding: chunked\r\n" + LENGTH, BODY, {200, 400}, 1),
    "a header without a colon": (b"Transfer-Encoding chunked\r\n" + LENGTH, BODY, {200, 400}, 1),
    "a null in a header": (b"X-A: a\0b\r\n" + LENGTH, BODY, {400}, 0),
    "a bare line feed": (b"X-A: b\n" + LENGTH, BODY, {200}, 1),
    "a bare carriage return": (b"X-A: b\rTransfer-Encoding: chunked\r\n" + LENGTH, BODY, {200, 400}, 1),
    "an underscore": (b"Content_Length: 5\r\n" + LENGTH, BODY, {200}, 1),
    "a second host": (b"Host: y\r\n" + LENGTH, BODY, {400}, 0),
    "a length shorter than the body": (b"Content-Length: %d\r\n" % (len(BODY) - 1), BODY, {400}, 0),
    "a body behind no length": (b"", BODY, {400, 411}, 0),
    "an upgrade to HTTP/2": (b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" + LENGTH, BODY, {200}, 1),
    "expect": (b"Expect: 100-continue\r\n" + LENGTH, BODY, {100, 200}, 1),
}


@pytest.mark.parametrize("name", FRAMINGS)
def test_an_odd_framing_is_refused_or_is_one_request_and_nothing_is_smuggled(door, name):
    headers, body, statuses, most = FRAMINGS[name]
    for simulator in door.simulators.values():
        simulator._call("/sim/reset", {})
    line = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + door.client.encode() + b"\r\n"
    found = exchange(door, line + headers + b"\r\n" + body + SMUGGLED)
    assert found and found[0] in statuses, found
    counts = door.simulators["east"].counts()
    seen = counts["served"] + counts["bad_requests"] + counts["unauthorized"]
    assert seen == sum(1 for status in found if status == 200) <= most
    # What lies behind is a request of its own, without a key; or nothing at all.
    assert all(status in (100, 200) or 400 <= status < 502 for status in found)
    assert door.worker_pids() == door.pids


@pytest.mark.parametrize("line, status", [
    (b"POST http://other.example/v1/chat/completions HTTP/1.1", 200),  # the path counts, never that host
    (b"POST //v1/chat/completions HTTP/1.1", 200),
    (b"POST /v1/chat%2Fcompletions HTTP/1.1", 200),
    (b"POST /v1/x/../chat/completions HTTP/1.1", 200),
    (b"POST /v1/chat/completions?x=HTTP/1.1 HTTP/1.1", 200),
    (b"POST /v1/chat/completions\x00 HTTP/1.1", 400),
    (b"POST /../v1/chat/completions HTTP/1.1", 400),
    (b"POST v1/chat/completions HTTP/1.1", 400),
    (b"POST /v1/chat/completions HTTP/2.0", 505),
    (b"POST /v1/chat/completions HTTP/9.9", 505),
    (b"POST  /v1/chat/completions  HTTP/1.1", 200),
    (b"post /v1/chat/completions HTTP/1.1", 400),
    (b"CONNECT other.example:443 HTTP/1.1", 400),
    (b"TRACE / HTTP/1.1", 405),
])
def test_a_request_line_means_what_nginx_reads_and_nothing_else(door, line, status):
    for simulator in door.simulators.values():
        simulator._call("/sim/reset", {})
    found = exchange(door, line + b"\r\nHost: x\r\nAuthorization: Bearer " + door.client.encode() + b"\r\n" + LENGTH +
                     b"\r\n" + BODY)
    assert found[:1] == [status] or (status == 400 and found[:1] == [405]), found
    assert door.simulators["east"].counts()["served"] == (1 if status == 200 else 0)


def test_http_1_0_with_a_coding_is_refused_or_read_as_one_request(door):
    door.simulators["east"]._call("/sim/reset", {})
    line = b"POST /v1/chat/completions HTTP/1.0\r\nAuthorization: Bearer " + door.client.encode() + b"\r\n"
    found = exchange(door, line + CHUNKED + b"\r\n" + chunked(BODY) + SMUGGLED)
    assert found and found[0] in (200, 400, 501)
    assert door.simulators["east"].counts()["served"] == found.count(200) <= 1


def test_a_pipelined_second_request_is_answered_as_its_own(door):
    door.simulators["east"]._call("/sim/reset", {})
    one = (b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + door.client.encode() + b"\r\n" +
           LENGTH + b"\r\n" + BODY)
    assert exchange(door, one + one + SMUGGLED) == [200, 200, 401]
    assert door.simulators["east"].counts()["served"] == 2
