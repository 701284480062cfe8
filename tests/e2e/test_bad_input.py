# SPDX-License-Identifier: Apache-2.0
"""What a hostile or broken client sends is answered in the OpenAI error form, and asks no provider."""

import json
import socket

import pytest

from stack import chat, http


@pytest.fixture(scope="module")
def key(shared_stack):
    return shared_stack.key("acme", "api")


def served(stack):
    return sum(s.counts()["served"] for s in stack.simulators.values())


def post(stack, key, body, path="/v1/chat/completions", headers=None):
    return http("POST", stack.url + path, body, key, headers)


MESSAGES = '"messages":[{"role":"user","content":"tokens:5 x"}]'

BAD_BODIES = [
    (b"not json", 400),
    (b"", 400),
    (b"[]", 400),
    (b'"model"', 400),
    (b'{"model":"gpt-4o",', 400),
    (b'{"model":"gpt-4o"} trailing', 400),
    (('{"model":"gpt-4o","model":"small",%s}' % MESSAGES).encode(), 400),
    (('{"mod\\u0065l":"small","model":"gpt-4o",%s}' % MESSAGES).encode(), 400),
    (('{"mod\\u0065l":"gpt-4o",%s}' % MESSAGES).encode(), 400),
    (('{"model":7,%s}' % MESSAGES).encode(), 400),
    (('{%s}' % MESSAGES).encode(), 400),
    (('{"model":"",%s}' % MESSAGES).encode(), 400),
    (('{"model":"gpt-4o","max_tokens":-1,%s}' % MESSAGES).encode(), 400),
    (('{"model":"gpt-4o","max_tokens":99999999999999999999,%s}' % MESSAGES).encode(), 400),
    (('{"model":"gpt-4o","max_tokens":1.5,%s}' % MESSAGES).encode(), 400),
    (('{"model":"gpt-4o","max_tokens":"many",%s}' % MESSAGES).encode(), 400),
    (('{"model":"gpt-4o","stream":"yes",%s}' % MESSAGES).encode(), 400),
    (('{"model":"no-such-model",%s}' % MESSAGES).encode(), 404),
    (('{"model":"gpt-4o\\r\\nX-Evil: 1",%s}' % MESSAGES).encode(), (400, 404)),
    (('{"model":"%s",%s}' % ("m" * 5000, MESSAGES)).encode(), (400, 404)),
    (b'{"model":"gpt-4o","messages":' + b"[" * 100000 + b"]" * 100000 + b"}", 400),
    (b'{"model":"gpt-4o","x":"\x00"}', 400),
]


@pytest.mark.parametrize("body,expected", BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_a_bad_body_is_refused_before_any_provider_is_asked(shared_stack, key, body, expected):
    before = served(shared_stack)
    status, headers, answer = post(shared_stack, key, body)
    assert status in (expected if isinstance(expected, tuple) else (expected,)), answer
    error = json.loads(answer)["error"]
    assert error["message"] and "type" in error
    assert served(shared_stack) == before


def test_an_oversized_body_is_413(shared_stack, key):
    with socket.create_connection(("127.0.0.1", shared_stack.ports["listen"])) as s:
        s.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key.encode() +
            b"\r\nContent-Type: application/json\r\nContent-Length: 10737418240\r\n\r\n{")
        answer = s.recv(65536)
    assert answer.startswith(b"HTTP/1.1 413")
    assert b'"error"' in answer


@pytest.mark.parametrize("method,path,expected", [
    ("GET", "/v1/embeddings", 405),
    ("GET", "/v1/chat/completions", 403),  # a list of what others keep there
    ("POST", "/v1/models", 405),
    ("POST", "/v1/nothing", 404),
    ("GET", "/", 404),
])
def test_an_unknown_path_or_method_has_the_right_status(shared_stack, key, method, path, expected):
    status, _, body = http(method, shared_stack.url + path, {} if method == "POST" else None, key)
    assert status == expected
    assert json.loads(body)["error"]["message"]


def test_the_clients_key_and_internal_headers_never_go_upstream_and_fields_cannot_inject(
        shared_stack, key):
    status, headers, _ = chat(
        shared_stack, key, headers={"x-offtake-pool": "east", "x-accel-redirect": "/etc/passwd",
                                    "api-key": "mine", "x-forwarded-host": "evil"})
    assert status == 200
    assert {k.lower(): v for k, v in headers.items()}["x-offtake-pool"] == "east"


def test_a_header_with_a_line_break_is_refused_by_nginx(shared_stack, key):
    with socket.create_connection(("127.0.0.1", shared_stack.ports["listen"])) as s:
        s.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key.encode() +
            b"\r\nOpenAI-Beta: a\rX-Evil: 1\r\nContent-Length: 2\r\n\r\n{}")
        answer = s.recv(65536)
    assert answer.startswith(b"HTTP/1.1 400")


def test_a_request_with_both_lengths_is_not_smuggled(shared_stack, key):
    before = served(shared_stack)
    body = ('{"model":"gpt-4o","max_tokens":2,%s}' % MESSAGES).encode()
    chunk = hex(len(body))[2:].encode() + b"\r\n" + body + b"\r\n0\r\n\r\n"
    with socket.create_connection(("127.0.0.1", shared_stack.ports["listen"])) as s:
        s.settimeout(10)
        s.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + key.encode() +
            b"\r\nContent-Type: application/json\r\nContent-Length: 4\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" + chunk)
        answer = s.recv(65536)
    assert answer.startswith(b"HTTP/1.1 400")
    assert served(shared_stack) == before


def test_the_provider_saw_exactly_what_was_asked_of_it(shared_stack, key):
    """The model the provider was asked for is the pool's own name for it, whatever the client's spelling
    of the rest of the body."""
    body = ('{ "messages" : [{"role":"user","content":"the \\"model\\": \\"small\\" trick tokens"}] ,'
            ' "max_tokens" : 3 , "model" : "gpt-4o" }').encode()
    status, _, answer = post(shared_stack, key, body)
    assert status == 200, answer
    assert json.loads(answer)["model"]
