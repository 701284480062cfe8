# SPDX-License-Identifier: Apache-2.0
"""Kinds of endpoints: each gets its own path, credential, version and signature, and no other's."""

import datetime
import hashlib
import hmac
import json
import re
import subprocess

import anthropic
import openai
import pytest

from recorder import Recorder, message_answer
from records import ESTIMATED, settled
from stack import OFFTAKE, Simulator, free_ports, wait_for
from stack import http as ask

MONTH = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m")
PARTIES = ["openai", "azure", "vllm", "anthropic", "aws", "gcp"]

DEAL = """\
deal "Kinds"
customer lab
currency USD
party    cloud "Cloud"
provider any of cloud
model    gpt-4o
model    claude
model    only-claude
model    open
account  acme "ACME"
product  api "API" class inference {{
    price * input 1.00 USD per 1M tokens output 2.00 USD per 1M tokens
}}
pool p-openai on any {{
    serves gpt-4o as "gpt-4o-x" at http://127.0.0.1:{openai}/v1 kind openai key env OPENAI_KEY
    price * input 1.00 USD per 1M tokens output 1.00 USD per 1M tokens
}}
pool p-azure on any {{
    serves gpt-4o as "gpt4o-prod" at http://127.0.0.1:{azure} kind azure-openai key env AZURE_KEY api-version "2024-10-21"
    price * input 1.00 USD per 1M tokens output 1.00 USD per 1M tokens
}}
pool p-vllm on any {{
    serves open as "meta-llama/Llama-3.1-8B" at http://127.0.0.1:{vllm}/v1 kind openai-compatible key env VLLM_KEY
    price * input 1.00 USD per 1M tokens output 1.00 USD per 1M tokens
}}
pool p-anthropic on any {{
    serves claude      as "claude-sonnet-4-5" at http://127.0.0.1:{anthropic}/v1 kind anthropic key env ANTHROPIC_KEY
    serves only-claude as "claude-opus-4-1" at http://127.0.0.1:{anthropic}/v1 kind anthropic key env ANTHROPIC_KEY
    price * input 1.00 USD per 1M tokens output 1.00 USD per 1M tokens
}}
pool p-bedrock on any {{
    serves claude as "anthropic.claude-sonnet-4-5-v1:0" at http://127.0.0.1:{aws} kind bedrock region us-east-1 key env AWS_KEY
    serves open   as "openai.gpt-oss-20b-1:0" at http://127.0.0.1:{aws} kind bedrock region eu-west-1 key env AWS_SESSION_KEY
    price * input 1.00 USD per 1M tokens output 1.00 USD per 1M tokens
}}
pool p-vertex on any {{
    serves claude as "claude-sonnet-4-5@20250929" at http://127.0.0.1:{gcp}/v1/projects/p/locations/us-east5 kind vertex key file "{token}"
    serves open   as "meta/llama-3.1-8b" at http://127.0.0.1:{gcp}/v1/projects/p/locations/us-east5 kind vertex key file "{token}"
    price * input 1.00 USD per 1M tokens output 1.00 USD per 1M tokens
}}
"""

SECRETS = {
    "OPENAI_KEY": "openai-secret", "AZURE_KEY": "azure-secret", "VLLM_KEY": "vllm-secret",
    "ANTHROPIC_KEY": "anthropic-secret",
    "AWS_KEY": "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_KEY": "AKIDSESSION:other/secret:" + "session-token/" * 60,
}


@pytest.fixture(scope="module")
def lab(make_module_stack, tmp_path_factory):
    token = tmp_path_factory.mktemp("token") / "oauth"
    token.write_text("ya29.first-token")
    providers = {name: Recorder() for name in PARTIES}
    stack = make_module_stack(
        simulators=False, environment=SECRETS,
        deal=DEAL.format(token=token, **{n: p.port for n, p in providers.items()}))
    stack.providers, stack.token = providers, token
    stack.api = stack.key("acme", "api")
    yield stack
    for provider in providers.values():
        provider.stop()


@pytest.fixture(autouse=True)
def forgotten(lab):
    for provider in lab.providers.values():
        provider.forget()


def at(lab, pool, path, body, **headers):
    status, answered, answer = ask("POST", lab.url + path, body, lab.api,
                                   {"x-offtake-pool": pool, **headers})
    assert status == 200, answer
    assert answered["x-offtake-pool"] == pool
    seen = [p.last for p in lab.providers.values() if p.seen]
    assert len(seen) == 1
    return seen[0]


def secrets_in(seen):
    text = repr(seen.headers) + seen.path + repr(seen.body)
    return {name for name, secret in SECRETS.items()
            if any(part in text for part in secret.split(":") if len(part) > 8)}


CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}
MESSAGE = {"model": "claude", "max_tokens": 16, "messages": [{"role": "user", "content": "hello"}]}


def test_openai_gets_a_bearer_token(lab):
    seen = at(lab, "p-openai", "/v1/chat/completions", CHAT)
    assert seen.path == "/v1/chat/completions" and seen.json["model"] == "gpt-4o-x"
    assert seen.headers["authorization"] == "Bearer openai-secret" and secrets_in(seen) == {"OPENAI_KEY"}


@pytest.mark.parametrize("path,expected", [
    ("/v1/chat/completions", "/openai/deployments/gpt4o-prod/chat/completions?api-version=2024-10-21"),
    ("/v1/completions", "/openai/deployments/gpt4o-prod/completions?api-version=2024-10-21"),
    ("/v1/embeddings", "/openai/deployments/gpt4o-prod/embeddings?api-version=2024-10-21"),
    ("/v1/images/generations", "/openai/deployments/gpt4o-prod/images/generations?api-version=2024-10-21"),
    ("/v1/audio/speech", "/openai/deployments/gpt4o-prod/audio/speech?api-version=2024-10-21"),
    ("/v1/responses", "/openai/responses?api-version=2024-10-21"),
    ("/v1/responses/compact", "/openai/responses/compact?api-version=2024-10-21")])
def test_azure_gets_its_deployments_path_its_version_and_an_api_key(lab, path, expected):
    seen = at(lab, "p-azure", path, CHAT)
    assert seen.path == expected
    assert seen.headers["api-key"] == "azure-secret" and "authorization" not in seen.headers
    assert secrets_in(seen) == {"AZURE_KEY"}


def test_azure_is_asked_for_what_it_keeps_with_its_version_and_the_clients_query(lab):
    status, _, _ = ask("GET", lab.url + "/v1/files/f/content?a=1", key=lab.api, headers={"x-offtake-pool": "p-azure"})
    assert status == 200
    assert lab.providers["azure"].last.path == "/openai/files/f/content?api-version=2024-10-21&a=1"


def test_a_compatible_server_serves_chat_and_messages(lab):
    seen = at(lab, "p-vllm", "/v1/chat/completions", {**CHAT, "model": "open"})
    assert seen.json["model"] == "meta-llama/Llama-3.1-8B"
    assert seen.headers["authorization"] == "Bearer vllm-secret"
    lab.providers["vllm"].forget()
    seen = at(lab, "p-vllm", "/v1/messages", {**MESSAGE, "model": "open"})
    assert seen.path == "/v1/messages" and seen.headers["anthropic-version"] == "2023-06-01"


def test_anthropic_gets_its_key_and_version(lab):
    seen = at(lab, "p-anthropic", "/v1/messages", MESSAGE, **{
        "anthropic-beta": "context-1m", "openai-beta": "x", "openai-organization": "o"})
    assert seen.path == "/v1/messages" and seen.json == {**MESSAGE, "model": "claude-sonnet-4-5"}
    assert seen.headers["x-api-key"] == "anthropic-secret" and "authorization" not in seen.headers
    assert seen.headers["anthropic-version"] == "2023-06-01"
    assert seen.headers["anthropic-beta"] == "context-1m" and "openai-beta" not in seen.headers
    assert secrets_in(seen) == {"ANTHROPIC_KEY"}


def test_the_anthropic_client_works_with_its_own_header_and_version(lab):
    client = anthropic.Anthropic(api_key=lab.api, base_url=lab.url, max_retries=0)
    message = client.messages.create(model="only-claude", max_tokens=16, messages=MESSAGE["messages"])
    assert message.content[0].text == "hi" and message.usage.input_tokens == 10
    seen = lab.providers["anthropic"].last
    assert seen.headers["x-api-key"] == "anthropic-secret" and seen.json["model"] == "claude-opus-4-1"
    assert lab.api not in repr(seen.headers)
    lab.providers["anthropic"].rule(lambda s: (200, {}, {"input_tokens": 7}))
    assert client.messages.count_tokens(model="only-claude", messages=MESSAGE["messages"]).input_tokens == 7
    assert lab.providers["anthropic"].last.path == "/v1/messages/count_tokens"


def test_the_anthropic_client_gets_whole_messages_and_streams(make_stack):
    port, = free_ports(1)
    simulator = Simulator("claude", port, "claude-key").start()
    ports = {name: port for name in PARTIES}
    stack = make_stack(simulators=False, environment={**SECRETS, "ANTHROPIC_KEY": "claude-key"},
                       deal=DEAL.format(token="/dev/null", **ports))
    client = anthropic.Anthropic(api_key=stack.key("acme", "api"), base_url=stack.url, max_retries=0)
    asked = {"model": "only-claude", "max_tokens": 45,
             "messages": [{"role": "user", "content": "tokens:123 hello"}]}
    whole = client.messages.create(**asked)
    assert (whole.usage.input_tokens, whole.usage.output_tokens) == (123, 45)
    with client.messages.stream(**asked) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == final.content[0].text != ""
    assert (final.usage.input_tokens, final.usage.output_tokens) == (123, 45)
    stack.drain()  # and so they are in the books, the stream as well
    found = settled(stack)
    assert [(r.units["input"], r.units["output"], r.flags & ESTIMATED) for r in found] == [(123, 45, 0)] * 2
    simulator.stop()


def test_errors_of_the_messages_api_have_its_form(lab):
    client = anthropic.Anthropic(api_key="oft_wrong", base_url=lab.url, max_retries=0)
    with pytest.raises(anthropic.AuthenticationError) as wrong:
        client.messages.create(model="claude", max_tokens=1, messages=MESSAGE["messages"])
    assert wrong.value.body["error"]["type"] == "authentication_error"
    client = anthropic.Anthropic(api_key=lab.api, base_url=lab.url, max_retries=0)
    with pytest.raises(anthropic.NotFoundError) as missing:
        client.messages.create(model="nobody's", max_tokens=1, messages=MESSAGE["messages"])
    assert missing.value.body["type"] == "error" and missing.value.body["error"]["type"] == "not_found_error"
    status, _, body = ask("POST", lab.url + "/v1/messages", {**MESSAGE, "anthropic_version": "x"}, lab.api)
    assert status == 400 and json.loads(body)["error"]["type"] == "invalid_request_error"


# ---- Bedrock -----------------------------------------------------------------------------------------

def signature(seen, secret, region, token=None):
    """Signature Version 4, reckoned here from the page of AWS and not from the gateway's code."""
    date = seen.headers["x-amz-date"]
    names = ["host", "x-amz-date"] + (["x-amz-security-token"] if token else [])
    path = "".join(c if c.isalnum() or c in "-_.~/" else f"%{ord(c):02X}" for c in seen.path)
    canonical = "\n".join(["POST", path, "", *(f"{n}:{seen.headers[n]}" for n in names), "",
                           ";".join(names), hashlib.sha256(seen.body).hexdigest()])
    scope = f"{date[:8]}/{region}/bedrock/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return scope, ";".join(names), hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def is_signed(seen, key_id, secret, region, token=None):
    scope, names, expected = signature(seen, secret, region, token)
    assert seen.headers["authorization"] == (
        f"AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={names}, Signature={expected}")
    assert seen.headers.get("x-amz-security-token") == token
    assert secret not in repr(seen.headers)


def test_bedrock_gets_a_signed_invocation_with_the_model_in_its_path(lab):
    key_id, secret = SECRETS["AWS_KEY"].split(":")
    seen = at(lab, "p-bedrock", "/v1/messages", {**MESSAGE, "stream": False})
    assert seen.path == "/model/anthropic.claude-sonnet-4-5-v1%3A0/invoke"
    expected = {k: v for k, v in MESSAGE.items() if k != "model"}
    assert seen.json == {"anthropic_version": "bedrock-2023-05-31", **expected}
    is_signed(seen, key_id, secret, "us-east-1")


def test_bedrocks_openai_path_is_signed_with_a_sessions_token(lab):
    key_id, secret, token = SECRETS["AWS_SESSION_KEY"].split(":")
    seen = at(lab, "p-bedrock", "/v1/chat/completions", {**CHAT, "model": "open", "stream": True})
    assert seen.path == "/openai/v1/chat/completions"
    assert seen.json["model"] == "openai.gpt-oss-20b-1:0" and seen.json["stream_options"]
    is_signed(seen, key_id, secret, "eu-west-1", token)


def test_a_stream_of_messages_runs_where_a_provider_speaks_events(lab):
    status, headers, _ = ask("POST", lab.url + "/v1/messages", {**MESSAGE, "stream": True}, lab.api,
                             {"x-offtake-pool": "p-bedrock"})
    assert status == 404
    seen = at(lab, "p-vertex", "/v1/messages", {**MESSAGE, "stream": True})
    assert seen.path.endswith("/publishers/anthropic/models/claude-sonnet-4-5%4020250929:streamRawPredict")
    assert seen.json["stream"] is True


# ---- Vertex ------------------------------------------------------------------------------------------

def test_vertex_gets_its_paths_and_the_token_of_its_file(lab):
    base = "/v1/projects/p/locations/us-east5"
    seen = at(lab, "p-vertex", "/v1/messages", MESSAGE)
    assert seen.path == base + "/publishers/anthropic/models/claude-sonnet-4-5%4020250929:rawPredict"
    assert seen.json["anthropic_version"] == "vertex-2023-10-16" and "model" not in seen.json
    assert seen.headers["authorization"] == "Bearer " + lab.token.read_text()
    lab.providers["gcp"].forget()
    seen = at(lab, "p-vertex", "/v1/chat/completions", {**CHAT, "model": "open"})
    assert seen.path == base + "/endpoints/openapi/chat/completions"
    assert seen.json["model"] == "meta/llama-3.1-8b"
    lab.providers["gcp"].forget()
    seen = at(lab, "p-vertex", "/v1/messages/count_tokens", {"model": "claude", "messages": MESSAGE["messages"]})
    assert seen.path == base + "/publishers/anthropic/models/count-tokens:rawPredict"
    assert seen.json["model"] == "claude-sonnet-4-5@20250929"


def test_a_token_that_another_process_renews_is_taken_up(lab):
    def token():
        lab.providers["gcp"].forget()
        return at(lab, "p-vertex", "/v1/messages", MESSAGE).headers["authorization"]

    fresh = "ya29." + "n" * 1500  # longer than any API key
    renewed = lab.token.with_suffix(".new")
    renewed.write_text(fresh + "\n")
    renewed.rename(lab.token)
    wait_for(lambda: token() == "Bearer " + fresh, what="the renewed token")
    # One that is being written anew is empty for a moment: the last one stays.
    lab.token.write_text("")
    generation = lab.json("status")["generation"]
    lab.token.write_text("ya29.third")
    wait_for(lambda: token() == "Bearer ya29.third", what="the third token")
    assert lab.json("status")["generation"] > generation


# ---- dialects ------------------------------------------------------------------------------------------

def test_a_pool_that_does_not_speak_the_paths_api_is_no_candidate(lab):
    status, _, body = ask("POST", lab.url + "/v1/chat/completions", {**CHAT, "model": "only-claude"}, lab.api)
    assert status == 404 and json.loads(body)["error"]["code"] == "path_not_served"
    status, _, body = ask("POST", lab.url + "/v1/messages", {**MESSAGE, "model": "gpt-4o"}, lab.api)
    assert status == 404 and json.loads(body)["error"]["type"] == "not_found_error"
    assert not any(p.seen for p in lab.providers.values())


def test_a_failover_goes_by_dialects_too_and_signs_each_attempt_anew(lab):
    lab.forget_pools()
    lab.providers["anthropic"].rule(lambda seen: (500, {}, {}))
    lab.providers["aws"].rule(lambda seen: (503, {"retry-after": "1"}, {}))
    status, headers, _ = ask("POST", lab.url + "/v1/messages", MESSAGE, lab.api)
    assert (status, headers["x-offtake-pool"]) == (200, "p-vertex")
    assert [len(lab.providers[n].seen) for n in ("anthropic", "aws", "gcp")] == [1, 1, 1]
    assert secrets_in(lab.providers["anthropic"].last) == {"ANTHROPIC_KEY"}
    assert "x-api-key" not in lab.providers["aws"].last.headers
    assert "x-api-key" not in lab.providers["gcp"].last.headers
    assert secrets_in(lab.providers["gcp"].last) == set()
    assert lab.providers["anthropic"].last.json["model"] == "claude-sonnet-4-5"
    assert "anthropic-version" not in lab.providers["aws"].last.headers


def test_explain_says_so(lab, tmp_path):
    deal = tmp_path / "kinds.deal"
    deal.write_text(lab.deal_path.read_text())

    def explain(*arguments):
        return subprocess.run([OFFTAKE, "explain", deal, "--product", "api", *arguments],
                              capture_output=True, text=True, check=False)

    told = explain("--model", "claude", "--path", "/v1/messages", "--json")
    found = json.loads(told.stdout)
    assert [c["pool"] for c in found["eligible"]] == ["p-anthropic", "p-bedrock", "p-vertex"]
    found = json.loads(explain("--model", "claude", "--path", "/v1/chat/completions", "--json").stdout)
    assert {c["pool"]: c["reason"] for c in found["barred"]} == {"p-anthropic": "barred_by_kind"}
    text = explain("--model", "only-claude", "--path", "/v1/chat/completions").stdout
    assert "does not speak the API of this path" in text and "refused: no pool" in text
    assert max(map(len, text.splitlines())) <= 80
    found = json.loads(explain("--path", "GET /v1/files/f", "--json").stdout)
    assert [c["pool"] for c in found["eligible"]] == ["p-openai", "p-azure", "p-vllm"]
    assert {c["reason"] for c in found["barred"]} == {"barred_by_kind"}
    found = json.loads(explain("--path", "/v1/files", "--json").stdout)
    assert [c["pool"] for c in found["eligible"]] == ["p-openai"] and found["model"] is None
    assert "passthrough" in explain("--path", "/v1/rerank").stderr
    assert explain("--path", "/v1/chat/completions").returncode == 1


def owed(lab):
    """Of the model only-claude, which costs a dollar for a million tokens of either kind."""
    lab.drain()
    statement = lab.json("statement", "--party", "cloud", "--month", MONTH)
    return sum(int(found) for found in re.findall(
        r'"model": "only-claude"[^}]*?"amount_nanos": "?(\d+)', json.dumps(statement)))


def test_usage_of_messages_is_metered(lab):
    before = owed(lab)
    lab.providers["anthropic"].rule(lambda seen: (200, {}, message_answer(1000, 77)))
    at(lab, "p-anthropic", "/v1/messages", {**MESSAGE, "model": "only-claude"})
    wait_for(lambda: owed(lab) == before + 1077 * 1000, what="what is owed for 1,077 tokens")


def test_no_secret_is_in_the_log_the_snapshot_or_a_command_line(lab):
    for data in (lab.log_path.read_bytes(), (lab.data / "run" / "policy.snap").read_bytes()):
        for secret in SECRETS.values():
            for part in secret.split(":"):
                assert len(part) < 8 or part.encode() not in data or part.startswith("AKID")
    lines = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert "anthropic-secret" not in lines and "ya29" not in lines


def test_the_openai_client_still_works_beside_all_this(lab):
    client = openai.OpenAI(api_key=lab.api, base_url=lab.url + "/v1", max_retries=0)
    assert client.chat.completions.create(**CHAT).choices[0].message.content == "hi"
