# SPDX-License-Identifier: Apache-2.0
"""Byte by byte: what a provider gets from the gateway, and what a client gets of a provider's stream."""

import json
import socket
import threading

import pytest

from stack import chat, http, wait_for


class ScriptedProvider:
    """Listens on a port and hands each request to a function that answers on the raw socket."""

    def __init__(self, port, answer):
        self.requests = []
        self.accepted = 0
        self.answer = answer
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", port))
        self.socket.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        data = b""
        try:
            while True:
                while b"\r\n\r\n" not in data:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    data += piece
                head, rest = data.split(b"\r\n\r\n", 1)
                length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n")
                              if line.lower().startswith(b"content-length:"))
                while len(rest) < length:
                    rest += connection.recv(65536)
                self.requests.append((head, rest[:length]))
                data = rest[length:]
                self.answer(connection, len(self.requests) - 1)
        except OSError:
            pass

    def close(self):
        self.socket.close()


def json_answer(body, status="200 OK", headers=""):
    data = json.dumps(body).encode()
    return (f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}"
            f"Content-Length: {len(data)}\r\n\r\n").encode() + data


def completion(usage):
    return {"id": "x", "object": "chat.completion", "choices": [{"message": {"content": "hello"}}],
            "usage": usage}


GOOD = {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}


@pytest.fixture
def wired(make_stack):
    """A stack whose providers east and west are scripted by the test."""
    providers = []

    def wire(**answers):
        stack = make_stack(start=False)
        for name in answers:
            stack.simulators.pop(name)
        for name in list(stack.simulators):
            if name != "south":
                stack.simulators.pop(name)
        made = {name: ScriptedProvider(stack.ports[name], answer) for name, answer in answers.items()}
        providers.extend(made.values())
        stack.start()
        stack.providers = made
        return stack

    yield wire
    for provider in providers:
        provider.close()


def always(data):
    return lambda connection, number: connection.sendall(data)


def test_after_a_refused_connect_the_next_pool_gets_its_own_request_and_no_byte_of_the_first(wired):
    stack = wired(west=always(json_answer(completion(GOOD))))  # nobody listens for east
    key = stack.key("acme", "api")
    status, _, _ = chat(stack, key, headers={
        "cookie": "a=b", "x-forwarded-for": "1.2.3.4", "accept-encoding": "gzip", "openai-beta": "v2"})
    assert status == 200
    head, body = stack.providers["west"].requests[0]
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /v1/chat/completions HTTP/1.1"
    headers = {line.split(": ")[0].lower(): line.split(": ", 1)[1] for line in lines[1:]}
    assert headers["host"] == f"127.0.0.1:{stack.ports['west']}"
    assert headers["authorization"] == "Bearer " + stack.keys_env["WEST_KEY"]
    assert headers["openai-beta"] == "v2"
    assert headers["x-request-id"].startswith("req_")
    assert set(headers) == {"host", "authorization", "content-type", "content-length", "accept",
                            "user-agent", "x-request-id", "openai-beta"}
    assert json.loads(body)["model"] == "gpt4o-west"
    everything = head + body
    for secret in (stack.keys_env["EAST_KEY"], key, "api-key", "gpt4o-prod", "deployments",
                   str(stack.ports["east"])):
        assert secret.encode() not in everything


def test_an_azure_pool_gets_its_deployment_path_version_and_key(wired):
    stack = wired(east=always(json_answer(completion(GOOD))))
    assert chat(stack, stack.key("acme", "api"))[0] == 200
    head, body = stack.providers["east"].requests[0]
    assert head.startswith(
        b"POST /openai/deployments/gpt4o-prod/chat/completions?api-version=2024-10-21 HTTP/1.1\r\n")
    assert b"\r\napi-key: " + stack.keys_env["EAST_KEY"].encode() + b"\r\n" in head + b"\r\n"
    assert b"uthorization" not in head


@pytest.mark.parametrize("options,kept", [
    (None, {"include_usage": True}),
    ({}, {"include_usage": True}),
    ({"include_usage": False}, {"include_usage": True}),
    ({"include_usage": True}, {"include_usage": True}),
    ({"x": {"include_usage": False}}, {"x": {"include_usage": False}, "include_usage": True}),
])
def test_a_stream_always_asks_for_the_usage_and_changes_nothing_else(wired, options, kept):
    done = (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 14\r\n\r\n"
            b"data: [DONE]\n\n")
    stack = wired(east=always(done))
    more = {} if options is None else {"stream_options": options}
    status, _, _ = chat(stack, stack.key("acme", "api"), stream=True, **more,
                        content='a decoy: "stream_options":{} }')
    assert status == 200
    sent = json.loads(stack.providers["east"].requests[0][1])
    assert sent["stream_options"] == kept
    assert sent["messages"][0]["content"] == 'a decoy: "stream_options":{} }'
    assert sent["stream"] is True and sent["model"] == "gpt4o-prod"


@pytest.mark.parametrize("status", ["408 Request Timeout", "425 Too Early", "429 Too Many Requests",
                                    "500 Oops", "502 Bad Gateway", "503 Unavailable", "504 Timeout",
                                    "520 Unknown", "529 Overloaded", "401 Unauthorized", "403 Forbidden"])
def test_a_status_that_means_not_here_goes_to_the_next_pool(wired, status):
    stack = wired(east=always(json_answer({"error": {"message": "no"}}, status)),
                  west=always(json_answer(completion(GOOD))))
    code, headers, _ = chat(stack, stack.key("acme", "api"))
    assert (code, {k.lower(): v for k, v in headers.items()}["x-offtake-pool"]) == (200, "west")
    assert len(stack.providers["east"].requests) == 1


@pytest.mark.parametrize("status,expected", [("400 Bad Request", 400), ("404 Not Found", 404),
                                             ("422 Unprocessable", 422)])
def test_a_status_that_is_the_clients_own_mistake_is_passed_on(wired, status, expected):
    stack = wired(east=always(json_answer({"error": {"message": "yours"}}, status)),
                  west=always(json_answer(completion(GOOD))))
    code, _, body = chat(stack, stack.key("acme", "api"))
    assert code == expected and json.loads(body)["error"]["message"] == "yours"
    assert not stack.providers["west"].requests


def test_a_credential_of_ours_that_is_refused_everywhere_is_no_401_for_the_client(wired):
    stack = wired(east=always(json_answer({"error": {"message": "bad key"}}, "401 Unauthorized")),
                  west=always(json_answer({"error": {"message": "bad key"}}, "403 Forbidden")))
    code, _, body = chat(stack, stack.key("acme", "api"))
    assert code == 502 and b"bad key" not in body and json.loads(body)["error"]


def test_a_pool_that_says_429_is_left_alone_for_as_long_as_it_asked(wired):
    stack = wired(east=always(json_answer({"error": {}}, "429 Busy", "Retry-After: 2\r\n")),
                  west=always(json_answer(completion(GOOD))))
    key = stack.key("acme", "api")
    for _ in range(5):
        assert chat(stack, key)[0] == 200
    assert len(stack.providers["east"].requests) == 1

    def asked_again():
        chat(stack, key)
        return len(stack.providers["east"].requests) > 1
    wait_for(asked_again, seconds=10, what="the pool to be tried again")


def events(*payloads):
    return b"".join(b"data: " + p.encode() + b"\n\n" for p in payloads)


CONTENT = ['{"choices":[{"delta":{"content":"a"}}],"usage":null}', '{"choices":[{"delta":{"content":"b"}}]}']
USAGE = '{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}'
STREAM = events(*CONTENT, USAGE, "[DONE]")
STRIPPED = events(*CONTENT, "[DONE]")


def chunked(*pieces):
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize("asked", [False, True])
def test_a_stream_cut_at_every_byte_arrives_whole_and_without_the_usage_nobody_asked_for(wired, asked):
    def answer(connection, number):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        cut = 1 + number % (len(STREAM) - 1)
        connection.sendall(HEAD + chunked(STREAM[:cut], STREAM[cut:]))
    stack = wired(east=answer)
    key = stack.key("acme", "api")
    more = {"stream_options": {"include_usage": True}} if asked else {}
    for _ in range(len(STREAM) - 1):
        status, _, body = chat(stack, key, stream=True, **more)
        assert status == 200
        assert body == (STREAM if asked else STRIPPED)
    stack.drain()
    rows = json.loads(stack.cli("usage", "--json").stdout)["usage"]
    assert [r["outcome"] for r in rows] == ["served"]
    assert rows[0]["input"] == 9 * (len(STREAM) - 1) and rows[0]["output"] == 2 * (len(STREAM) - 1)


def test_a_stream_that_drips_one_byte_at_a_time_with_crlf_and_comments_is_the_same_stream(wired):
    crlf = (b": hello\r\n\r\n" + STREAM.replace(b"\n", b"\r\n"))

    def answer(connection, number):
        connection.sendall(HEAD)
        for i in range(len(crlf)):
            connection.sendall(b"1\r\n" + crlf[i:i + 1] + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
    stack = wired(east=answer)
    status, _, body = chat(stack, stack.key("acme", "api"), stream=True)
    assert status == 200
    assert body == b": hello\r\n\r\n" + STRIPPED.replace(b"\n", b"\r\n")


def test_a_frame_is_handed_on_before_the_next_one_exists(wired):
    got_first = threading.Event()

    def answer(connection, number):
        first, rest = events(CONTENT[0]), events(CONTENT[1], USAGE, "[DONE]")
        connection.sendall(HEAD + b"%x\r\n%s\r\n" % (len(first), first))
        assert got_first.wait(20)
        connection.sendall(chunked(rest))
    stack = wired(east=answer)
    key = stack.key("acme", "api")
    body = json.dumps({"model": "gpt-4o", "stream": True,
                       "messages": [{"role": "user", "content": "x"}]}).encode()
    with socket.create_connection(("127.0.0.1", stack.ports["listen"]), timeout=20) as s:
        s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: "
                  b"Bearer " + key.encode() + b"\r\nContent-Type: application/json\r\nContent-Length: " +
                  str(len(body)).encode() + b"\r\n\r\n" + body)
        data = b""
        while b'"content":"a"' not in data:
            data += s.recv(65536)
        assert b'"content":"b"' not in data
        got_first.set()
        while True:
            piece = s.recv(65536)
            if not piece:
                break
            data += piece
    assert data.endswith(b"0\r\n\r\n") and b"[DONE]" in data and b'"prompt_tokens"' not in data


@pytest.mark.parametrize("usage", [
    {"prompt_tokens": -1, "completion_tokens": 1}, {"prompt_tokens": 10**30, "completion_tokens": 1},
    {"prompt_tokens": "5", "completion_tokens": 1}, {"prompt_tokens": 1.5, "completion_tokens": 1}, None])
def test_usage_that_cannot_be_true_is_estimated_and_flagged(wired, usage):
    stack = wired(east=always(json_answer(completion(usage))))
    status, _, body = chat(stack, stack.key("acme", "api"))
    assert status == 200 and json.loads(body)["choices"]
    stack.drain()
    rows = json.loads(stack.cli("usage", "--json").stdout)["usage"]
    assert [r["outcome"] for r in rows] == ["served-estimated"]
    assert 0 < rows[0]["input"] < 1000 and 0 < rows[0]["output"] < 1000


def test_a_providers_own_headers_stay_with_us(wired):
    noisy = ("Set-Cookie: a=b\r\nServer: secret\r\nX-Accel-Redirect: /etc/passwd\r\nX-Internal: 1\r\n"
             "x-ratelimit-remaining-tokens: 7\r\n")
    stack = wired(east=always(json_answer(completion(GOOD), headers=noisy)))
    status, headers, _ = chat(stack, stack.key("acme", "api"))
    lower = {k.lower(): v for k, v in headers.items()}
    assert status == 200 and lower["x-ratelimit-remaining-tokens"] == "7"
    assert not {"set-cookie", "x-internal", "x-accel-redirect"} & set(lower)
    assert lower.get("server") != "secret"


def test_idle_connections_are_used_again_and_a_stale_one_costs_no_pool(wired):
    def answer(connection, number):
        connection.sendall(json_answer(completion(GOOD)))
        if number % 4 == 3:
            connection.shutdown(socket.SHUT_RDWR)  # as an idle time-out would
    stack = wired(east=answer)
    key = stack.key("acme", "api")
    for _ in range(40):
        status, headers, _ = chat(stack, key)
        assert (status, {k.lower(): v for k, v in headers.items()}["x-offtake-pool"]) == (200, "east")
    assert stack.providers["east"].accepted <= 20


def test_a_redirect_is_never_followed(wired):
    stack = wired(east=always(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n"
                              b"Content-Length: 0\r\n\r\n"))
    request = {"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]}
    with socket.create_connection(("127.0.0.1", stack.ports["listen"]), timeout=20) as s:
        body = json.dumps(request).encode()
        s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: "
                  b"Bearer " + stack.key("acme", "api").encode() + b"\r\nContent-Length: " +
                  str(len(body)).encode() + b"\r\n\r\n" + body)
        answer = s.recv(65536)
    assert b"\r\nLocation:" not in answer
    assert len(stack.providers["east"].requests) == 1


def test_many_streams_at_once_all_arrive_in_order(wired):
    stack = wired(east=lambda connection, number: connection.sendall(HEAD + chunked(
        *[events('{"choices":[{"delta":{"content":"%d"}}]}' % i) for i in range(50)],
        events(USAGE, "[DONE]"))))
    key = stack.key("acme", "api")
    results = []

    def one():
        status, _, body = http("POST", stack.url + "/v1/chat/completions", {
            "model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "x"}]}, key)
        numbers = [json.loads(line[6:])["choices"][0]["delta"]["content"]
                   for line in body.decode().split("\n") if line.startswith("data: {")]
        results.append(status == 200 and numbers == [str(i) for i in range(50)])
    threads = [threading.Thread(target=one) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 100
