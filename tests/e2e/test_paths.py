# SPDX-License-Identifier: Apache-2.0
"""Every path under the same rules: what a provider is sent, where it runs, and that it is metered."""

import datetime
import http.client
import json

import openai
import pytest

from recorder import Recorder
from stack import http as ask
from stack import wait_for

MONTH = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m")

DEAL = """\
deal "Paths"
customer lab
currency USD
party    cloud "Cloud"
party    rival "Rival"
provider alpha of cloud
provider beta  of rival
model    gpt-4o
model    whisper-1
model    gpt-image-1
model    tts-1
model    embed
model    omni-moderation
account  acme   "ACME"
product  api  "API" class inference {{
    price *      input 1.00 USD per 1M tokens output 2.00 USD per 1M tokens request 0.01 USD per request
    price gpt-4o input 5.00 USD per 1M tokens output 20.00 USD per 1M tokens
}}
product  open "Open" class inference {{
    price * input 1.00 USD per 1M tokens output 2.00 USD per 1M tokens
    passthrough "/v1/rerank", "/v1/score/*", "/tokenize", "/v1/files"
}}
product  tied "Tied" class inference {{
    price * input 1.00 USD per 1M tokens output 2.00 USD per 1M tokens
    passthrough all
}}
product  narrow "Narrow" class inference {{
    price * input 1.00 USD per 1M tokens output 2.00 USD per 1M tokens
    limit 1000 tokens per minute
}}
agreement a with rival {{
    effective 2020-01-01 until 2035-01-01
    only: exclusive tied on beta
}}
pool first on alpha {{
    keys env FIRST_KEY
    serves gpt-4o          as "prod-4o" at http://127.0.0.1:{first}/v1 kind openai
    serves whisper-1       as "prod-whisper" at http://127.0.0.1:{first}/v1 kind openai
    serves gpt-image-1     as "prod-image" at http://127.0.0.1:{first}/v1 kind openai
    serves tts-1           as "prod-tts" at http://127.0.0.1:{first}/v1 kind openai
    serves embed           as "prod-embed" at http://127.0.0.1:{first}/v1 kind openai
    serves omni-moderation as "prod-moderation" at http://127.0.0.1:{first}/v1 kind openai
    price * input 0.50 USD per 1M tokens output 1.00 USD per 1M tokens request 0.004 USD per request
}}
pool second on beta {{
    serves gpt-4o as "second-4o" at http://127.0.0.1:{second}/v1 kind openai key env SECOND_KEY
    price * input 0.60 USD per 1M tokens output 1.20 USD per 1M tokens
}}
"""


@pytest.fixture(scope="module")
def lab(make_module_stack):
    providers = {name: Recorder() for name in ("first", "second")}
    stack = make_module_stack(
        simulators=False,
        deal=DEAL.format(**{name: provider.port for name, provider in providers.items()}),
        environment={"FIRST_KEY": "first-secret", "SECOND_KEY": "second-secret"})
    stack.first, stack.second = providers["first"], providers["second"]
    stack.api, stack.open, stack.tied = (stack.key("acme", p) for p in ("api", "open", "tied"))
    yield stack
    for provider in providers.values():
        provider.stop()


@pytest.fixture(autouse=True)
def forgotten(lab):
    lab.first.forget()
    lab.second.forget()


def form(*parts, boundary="b0unds"):
    out = b""
    for name, value in parts:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
        if isinstance(value, tuple):
            head += f'; filename="{value[0]}"\r\nContent-Type: application/octet-stream'
            value = value[1]
        out += head.encode() + b"\r\n\r\n" + (value if isinstance(value, bytes) else value.encode())
        out += b"\r\n"
    return out + f"--{boundary}--\r\n".encode(), {"content-type": f"multipart/form-data; boundary={boundary}"}


# ---- paths with a model ---------------------------------------------------------------------------

JSON_PATHS = [
    ("/v1/chat/completions", "gpt-4o", "prod-4o"),
    ("/v1/completions", "gpt-4o", "prod-4o"),
    ("/v1/responses", "gpt-4o", "prod-4o"),
    ("/v1/responses/compact", "gpt-4o", "prod-4o"),
    ("/v1/responses/input_tokens", "gpt-4o", "prod-4o"),
    ("/v1/embeddings", "embed", "prod-embed"),
    ("/v1/moderations", "omni-moderation", "prod-moderation"),
    ("/v1/images/generations", "gpt-image-1", "prod-image"),
    ("/v1/audio/speech", "tts-1", "prod-tts"),
]


@pytest.mark.parametrize("path,model,upstream", JSON_PATHS)
def test_a_json_path_runs_with_its_model_renamed_and_nothing_else_changed(lab, path, model, upstream):
    status, headers, _ = ask("POST", lab.url + path, {"model": model, "input": "x", "n": 2}, lab.api,
                              {"x-offtake-anything": "1", "cookie": "a=b", "x-forwarded-for": "1.2.3.4"})
    assert status == 200 and headers["x-offtake-pool"] == "first"
    seen = lab.first.last
    assert (seen.method, seen.path) == ("POST", path)
    assert seen.json == {"model": upstream, "input": "x", "n": 2}
    assert seen.headers["authorization"] == "Bearer first-secret"
    assert set(seen.names) == {"host", "accept", "user-agent", "x-request-id", "content-type",
                               "content-length", "authorization"}


@pytest.mark.parametrize("path,model", [(p, m) for p, m, _ in JSON_PATHS])
@pytest.mark.parametrize("body", [
    '{"model":"%s","model":"other"}', '{"mod\\u0065l":"other","model":"%s"}', '{"model":"%s"', '{"x":1}',
    '{"model":7}'])
def test_a_body_that_two_readers_could_read_differently_is_refused(lab, path, model, body):
    text = body.replace("%s", model).encode()
    status, _, answer = ask("POST", lab.url + path, text, lab.api)
    assert status == 400 and json.loads(answer)["error"]["code"] == "invalid_body"
    assert not lab.first.seen


def test_an_answer_that_is_bytes_comes_through_as_it_is(lab):
    sound = bytes(range(256)) * 300
    lab.first.rule(lambda seen: (200, {"content-type": "audio/mpeg"}, sound))
    status, headers, body = ask("POST", lab.url + "/v1/audio/speech",
                                 {"model": "tts-1", "input": "hello", "voice": "alloy"}, lab.api)
    assert (status, headers["Content-Type"], body) == (200, "audio/mpeg", sound)
    assert lab.first.last.headers["accept"] == "*/*"


# ---- forms ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("path,model,upstream", [
    ("/v1/audio/transcriptions", "whisper-1", "prod-whisper"),
    ("/v1/audio/translations", "whisper-1", "prod-whisper"),
    ("/v1/images/edits", "gpt-image-1", "prod-image"),
    ("/v1/images/variations", "gpt-image-1", "prod-image"),
])
@pytest.mark.parametrize("place", ["first", "last"])
def test_the_model_of_a_form_is_renamed_and_its_file_untouched(lab, path, model, upstream, place):
    data = b"RIFF\r\n--b0und\r\n\x00\xff" * 1000
    parts = [("file", ("a.wav", data)), ("n", "2")]
    parts = [("model", model), *parts] if place == "first" else [*parts, ("model", model)]
    body, headers = form(*parts)
    status, answered, _ = ask("POST", lab.url + path, body, lab.api, headers)
    assert status == 200 and answered["x-offtake-pool"] == "first"
    seen = lab.first.last
    expected, _ = form(*[(n, upstream if n == "model" else v) for n, v in parts])
    assert seen.body == expected
    assert seen.headers["content-type"] == headers["content-type"]
    assert int(seen.headers["content-length"]) == len(expected)


@pytest.mark.parametrize("name,change", [
    ("two models", lambda b: b.replace(b"--b0unds--", form(("model", "gpt-image-1"))[0][:-12] + b"--b0unds--")),
    ("no model", lambda b: b.replace(b'name="model"', b'name="xodel"')),
    ("no quotes", lambda b: b.replace(b'name="model"', b"name=model")),
    ("an escape", lambda b: b.replace(b'name="model"', b'name="mode\\l"')),
    ("an extended name", lambda b: b.replace(b'name="model"', b"name*=utf-8''model")),
    ("a second disposition", lambda b: b.replace(
        b'name="model"', b'name="x"\r\nContent-Disposition: form-data; name="model"')),
    ("parts inside parts", lambda b: b.replace(
        b"application/octet-stream", b"multipart/mixed; boundary=inner")),
    ("a preamble", lambda b: b"hello\r\n" + b),
    ("an epilogue", lambda b: b + b"hello"),
    ("no end", lambda b: b[:-8]),
    ("bare line ends", lambda b: b.replace(b"\r\n", b"\n")),
    ("another boundary", lambda b: b.replace(b"b0unds", b"c0unds")),
    ("a blank behind a boundary", lambda b: b.replace(b"--b0unds\r\n", b"--b0unds \r\n")),
])
def test_a_form_that_two_readers_could_take_apart_differently_is_refused(lab, name, change):
    body, headers = form(("model", "whisper-1"), ("file", ("a.wav", b"RIFF")))
    changed = change(body)
    assert changed != body
    status, _, answer = ask("POST", lab.url + "/v1/audio/transcriptions", changed, lab.api, headers)
    assert status == 400 and json.loads(answer)["error"]["code"] == "invalid_body", name
    assert not lab.first.seen


@pytest.mark.parametrize("value", [
    "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=a; boundary=b",
    'multipart/form-data; boundary="b0unds', "multipart/mixed; boundary=b0unds",
    "multipart/form-data; boundary=b0unds; charset=utf-8"])
def test_an_odd_content_type_of_a_form_is_refused(lab, value):
    body, _ = form(("model", "whisper-1"), ("file", ("a.wav", b"RIFF")))
    status, _, _ = ask("POST", lab.url + "/v1/audio/transcriptions", body, lab.api, {"content-type": value})
    assert status == 400 and not lab.first.seen


def test_the_openai_client_transcribes_edits_speaks_and_moderates(lab):
    client = openai.OpenAI(api_key=lab.api, base_url=lab.url + "/v1", max_retries=0)
    lab.first.rule(lambda seen: (200, {}, {"text": "hello"}) if "audio/tr" in seen.path else None)
    assert client.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"RIFF")).text == "hello"
    assert b'name="model"\r\n\r\nprod-whisper\r\n' in lab.first.last.body
    client.images.edit(model="gpt-image-1", image=("a.png", b"PNG"), prompt="more")
    assert b"\r\n\r\nprod-image\r\n" in lab.first.last.body
    client.images.generate(model="gpt-image-1", prompt="x")
    client.moderations.create(model="omni-moderation", input="x")
    assert client.models.retrieve("gpt-4o").id == "gpt-4o"
    assert {m.id for m in client.models.list()} >= {"gpt-4o", "whisper-1", "tts-1"}
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-5")


# ---- requests without a model ------------------------------------------------------------------------

def test_what_is_made_goes_to_the_first_pool_and_is_found_there_again(lab):
    client = openai.OpenAI(api_key=lab.api, base_url=lab.url + "/v1", max_retries=0)
    client.files.create(file=("a.jsonl", b'{"x":1}\n'), purpose="batch")
    assert lab.first.last.path == "/v1/files" and b'{"x":1}\n' in lab.first.last.body
    client.batches.create(input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h")
    assert lab.first.last.json["input_file_id"] == "file-1"
    client.files.retrieve("file-1")
    assert (lab.first.last.method, lab.first.last.path) == ("GET", "/v1/files/file-1")
    client.responses.retrieve("resp_1", include=["file_search_call.results"])
    assert lab.first.last.path == "/v1/responses/resp_1?include[]=file_search_call.results" or \
        lab.first.last.path.startswith("/v1/responses/resp_1?include")
    client.responses.cancel("resp_1")
    assert (lab.first.last.method, lab.first.last.path) == ("POST", "/v1/responses/resp_1/cancel")
    client.responses.delete("resp_1")
    assert lab.first.last.method == "DELETE"
    assert "content-length" not in lab.first.last.headers
    assert not lab.second.seen


def test_what_the_first_pool_does_not_have_is_asked_of_the_next(lab):
    lab.first.rule(lambda seen: (404, {}, {"error": {"message": "no such file"}}))
    status, headers, _ = ask("GET", lab.url + "/v1/files/file-2", key=lab.api)
    assert status == 200 and headers["x-offtake-pool"] == "second"
    assert [len(lab.first.seen), len(lab.second.seen)] == [1, 1]
    assert lab.first.last.headers["authorization"] == "Bearer first-secret"
    assert lab.second.last.headers["authorization"] == "Bearer second-secret"
    lab.second.rule(lambda seen: (404, {}, {"error": {"message": "nor here"}}))
    status, _, body = ask("GET", lab.url + "/v1/files/file-2", key=lab.api)
    assert status == 404 and b"nor here" in body


def test_a_404_of_a_request_with_a_model_is_the_answer(lab):
    lab.first.rule(lambda seen: (404, {}, {"error": {"message": "no such model"}}))
    status, _, _ = ask("POST", lab.url + "/v1/chat/completions", {"model": "gpt-4o"}, lab.api)
    assert status == 404 and not lab.second.seen


def test_a_client_may_name_the_pool_that_an_answer_told_it(lab):
    for method, path, body in (("GET", "/v1/files/f", None), ("POST", "/v1/chat/completions", {"model": "gpt-4o"})):
        status, headers, _ = ask(method, lab.url + path, body, lab.api, {"x-offtake-pool": "second"})
        assert status == 200 and headers["x-offtake-pool"] == "second"
    assert not lab.first.seen
    assert "x-offtake-pool" not in lab.second.last.names


def test_a_pool_that_the_contract_bars_now_is_refused_by_its_clause(lab):
    for method, path, body in (("GET", "/v1/files/f", None), ("POST", "/v1/chat/completions", {"model": "gpt-4o"})):
        status, headers, answer = ask(method, lab.url + path, body, lab.tied, {"x-offtake-pool": "first"})
        assert status == 403 and headers["x-offtake-clause"] == "a.only"
        assert json.loads(answer)["error"]["code"] == "clause_forbids"
    status, _, answer = ask("GET", lab.url + "/v1/files/f", key=lab.tied, headers={"x-offtake-pool": "nowhere"})
    assert status == 404 and json.loads(answer)["error"]["code"] == "pool_not_found"
    assert not lab.first.seen and not lab.second.seen


def test_a_request_without_a_model_runs_only_where_its_product_may(lab):
    status, headers, _ = ask("GET", lab.url + "/v1/files/f", key=lab.tied)
    assert status == 200 and headers["x-offtake-pool"] == "second"
    assert not lab.first.seen


def test_a_list_of_what_all_accounts_keep_is_refused_unless_the_deal_lets_it_pass(lab):
    status, _, answer = ask("GET", lab.url + "/v1/files", key=lab.api)
    assert status == 403 and json.loads(answer)["error"]["code"] == "list_not_allowed"
    assert ask("GET", lab.url + "/v1/batches", key=lab.open)[0] == 403
    status, _, _ = ask("GET", lab.url + "/v1/files?limit=2", key=lab.open)
    assert status == 200 and lab.first.last.path == "/v1/files?limit=2"


# ---- unknown paths ------------------------------------------------------------------------------------

def test_an_unknown_path_is_refused_unless_the_deal_lets_it_pass(lab):
    for method, path in (("GET", "/v1/fine_tuning/jobs"), ("POST", "/v1/rerank"), ("GET", "/"),
                         ("DELETE", "/v1/assistants/a"), ("POST", "/v1/chat/completions/../rerank")):
        status, _, answer = ask(method, lab.url + path, {} if method == "POST" else None, lab.api)
        assert status == 404 and json.loads(answer)["error"]["code"] == "unknown_url", path
    assert not lab.first.seen


def test_a_path_that_passes_goes_on_as_it_stands(lab):
    status, headers, _ = ask("POST", lab.url + "/v1/rerank?a=1", {"query": "x"}, lab.open)
    assert status == 200 and headers["x-offtake-pool"] == "first"
    assert (lab.first.last.path, lab.first.last.json) == ("/v1/rerank?a=1", {"query": "x"})
    assert ask("PUT", lab.url + "/v1/score/deep/er", b"bytes", lab.open,
                {"content-type": "text/plain"})[0] == 200
    assert (lab.first.last.method, lab.first.last.path, lab.first.last.body) == ("PUT", "/v1/score/deep/er", b"bytes")
    assert lab.first.last.headers["content-type"] == "text/plain"
    assert ask("POST", lab.url + "/tokenize", {"prompt": "x"}, lab.open)[0] == 200
    assert lab.first.last.path == "/tokenize"
    assert ask("POST", lab.url + "/v1/scores", {}, lab.open)[0] == 404


def test_an_unknown_path_with_a_model_is_decided_by_it_and_its_body_held_to_the_rules(lab):
    assert ask("POST", lab.url + "/v1/rerank", {"model": "gpt-4o", "query": "x"}, lab.open)[0] == 200
    assert lab.first.last.json["model"] == "prod-4o"
    assert ask("POST", lab.url + "/v1/rerank", {"model": "nobody's"}, lab.open)[0] == 404
    for body, kind in ((b'{"model":"gpt-4o","model":"x"}', "application/json"),
                       (b'{"model":"gpt-4o","model":"x"}', "text/plain"),
                       (b' {"mod\\u0065l":"x"}', "application/json")):
        assert ask("POST", lab.url + "/v1/rerank", body, lab.open, {"content-type": kind})[0] == 400
    body, headers = form(("model", "gpt-4o"), ("file", ("a", b"x")))
    assert ask("POST", lab.url + "/v1/rerank", body, lab.open, headers)[0] == 200
    assert b"\r\n\r\nprod-4o\r\n" in lab.first.last.body


@pytest.mark.parametrize("path", [
    "/v1/files/a%2fb", "/v1/files/a%00b", "/v1/files/a%20b", "/v1/files/..%2f..%2fadmin", "/v1/files/%2e%2e/x",
    "/v1/files/a?x=%0d%0a&y=\x7f", "/v1/files/a?x=\"b\"", "/v1/files/.hidden", "/v1/files/a%3fb"])
def test_a_path_that_a_server_could_read_in_another_way_never_leaves(lab, path):
    connection = http.client.HTTPConnection("127.0.0.1", lab.ports["listen"], timeout=10)
    connection._validate_path = lambda url: None
    connection.putrequest("GET", path, skip_accept_encoding=True)
    connection.putheader("authorization", "Bearer " + lab.api)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    for seen in lab.first.seen:
        # nginx resolves dots itself; what is left is a plain path below /v1.
        assert seen.path.startswith("/v1/files/") and not set(seen.path) & set("%\"\\ ")
        assert ".." not in seen.path
    assert status in (400, 404) or lab.first.seen


@pytest.mark.parametrize("method,path,expected", [
    ("GET", "/v1/completions", 405), ("DELETE", "/v1/chat/completions", 403), ("PUT", "/v1/responses", 405),
    ("GET", "/v1/uploads", 405), ("POST", "/v1/models", 405), ("PATCH", "/v1/files/f", 405),
    ("OPTIONS", "/v1/files/f", 405)])
def test_a_method_that_a_path_does_not_have_is_refused(lab, method, path, expected):
    status, _, _ = ask(method, lab.url + path, b"{}" if method in ("PUT", "PATCH", "POST") else None, lab.api)
    assert status == expected and not lab.first.seen


def test_a_get_with_a_body_is_refused(lab):
    status, _, _ = ask("GET", lab.url + "/v1/files/f", b"{}", lab.api)
    assert status == 400 and not lab.first.seen


# ---- what is promised ------------------------------------------------------------------------------

@pytest.mark.parametrize("path,body,fits", [
    ("/v1/chat/completions", {"model": "gpt-4o", "max_tokens": 900}, True),
    ("/v1/chat/completions", {"model": "gpt-4o", "max_tokens": 100, "n": 9}, True),
    ("/v1/chat/completions", {"model": "gpt-4o", "max_tokens": 100, "n": 10}, False),
    ("/v1/chat/completions", {"model": "gpt-4o", "max_completion_tokens": 500, "n": 2}, False),
    ("/v1/completions", {"model": "gpt-4o", "max_tokens": 100, "n": 2, "best_of": 11}, False),
    ("/v1/responses", {"model": "gpt-4o", "max_output_tokens": 2000}, False),
    ("/v1/chat/completions", {"model": "gpt-4o"}, False),  # the model's own limit is more
    ("/v1/embeddings", {"model": "embed", "input": "x" * 8000}, False),
    ("/v1/audio/speech", {"model": "tts-1", "input": "x" * 8000}, True),
    ("/v1/images/generations", {"model": "gpt-image-1", "prompt": "x", "n": 9}, True),
])
def test_a_request_promises_as_many_answers_as_it_asks_for(lab, path, body, fits):
    key = lab.key("acme", "narrow")  # the limit is the product's: what was promised comes back at the end
    lab.first.rule(lambda seen: (200, {}, {"usage": {"prompt_tokens": 0, "completion_tokens": 0}}))
    status, _, answer = ask("POST", lab.url + path, body, key)
    assert status == (200 if fits else 400), answer
    assert fits or json.loads(answer)["error"]["code"] == "request_too_large"


def test_a_large_form_promises_no_tokens(lab):
    body, headers = form(("model", "whisper-1"), ("file", ("a.wav", b"\0" * 400_000)))
    key = lab.key("acme", "narrow")
    assert ask("POST", lab.url + "/v1/audio/transcriptions", body, key, headers)[0] == 200


# ---- metering --------------------------------------------------------------------------------------

def test_each_request_leaves_one_record_and_is_priced_by_the_request(make_stack):
    first, second = Recorder(), Recorder()
    stack = make_stack(simulators=False, deal=DEAL.format(first=first.port, second=second.port),
                       environment={"FIRST_KEY": "a", "SECOND_KEY": "b"})
    api, tied = stack.key("acme", "api"), stack.key("acme", "tied")
    body, headers = form(("file", ("a.jsonl", b"{}")), ("purpose", "batch"))
    assert ask("POST", stack.url + "/v1/files", body, api, headers)[0] == 200
    assert ask("GET", stack.url + "/v1/files/f", key=api)[0] == 200
    assert ask("POST", stack.url + "/v1/batches", {"input_file_id": "f"}, api)[0] == 200
    assert ask("DELETE", stack.url + "/v1/responses/r", key=api)[0] == 200
    assert ask("POST", stack.url + "/v1/audio/speech", {"model": "tts-1", "input": "x"}, api)[0] == 200
    assert ask("POST", stack.url + "/v1/anything", {"x": 1}, tied)[0] == 200
    first.rule(lambda seen: (404, {}, {}))
    assert ask("GET", stack.url + "/v1/files/elsewhere", key=api)[0] == 200
    wait_for(lambda: stack.drain() and stack.json("status")["settled"] == 7, what="seven settlements")
    status = stack.json("status")
    assert status["unrated"] == 0 and status["open_intents"] == 0
    # api: six requests at 0.01; tied states no price for a request. At first: five at 0.004.
    sale = json.dumps(stack.json("statement", "--party", "acme", "--month", MONTH))
    cost = json.dumps(stack.json("statement", "--party", "cloud", "--month", MONTH))
    assert str(6 * 10_000_000) in sale and str(5 * 4_000_000) in cost
    assert stack.cli("ledger", "verify").returncode == 0
    for form_of in ((), ("--csv",)):
        assert "*" in stack.cli("statement", "--party", "acme", "--month", MONTH, *form_of).stdout
    first.stop()
    second.stop()
