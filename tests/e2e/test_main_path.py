# SPDX-License-Identifier: Apache-2.0
"""From a request to a statement, through the real programs and the official client."""

import datetime
import json
from fractions import Fraction

import openai
import pytest

from stack import chat, http

MONTH = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m")


@pytest.fixture(scope="module")
def api_key(shared_stack):
    return shared_stack.key("acme", "api")


@pytest.fixture(scope="module")
def chat_key(shared_stack):
    return shared_stack.key("globex", "chat")


@pytest.fixture(scope="module")
def client(shared_stack, api_key):
    return openai.OpenAI(api_key=api_key, base_url=shared_stack.url + "/v1", max_retries=0)


def hello(tokens):
    return [{"role": "user", "content": f"tokens:{tokens} hello"}]


def test_the_openai_client_gets_a_chat_completion_with_the_providers_usage(client):
    answer = client.chat.completions.create(model="gpt-4o", messages=hello(123), max_tokens=45)
    assert answer.usage.prompt_tokens == 123
    assert answer.usage.completion_tokens == 45
    assert answer.choices[0].message.content


def test_a_stream_arrives_in_pieces_and_without_the_usage_nobody_asked_for(client):
    chunks = list(client.chat.completions.create(
        model="gpt-4o", messages=hello(10), max_tokens=12, stream=True))
    assert len(chunks) > 2
    assert all(chunk.usage is None for chunk in chunks)
    assert all(chunk.choices for chunk in chunks)


def test_a_client_that_asks_for_usage_in_a_stream_gets_it(client):
    chunks = list(client.chat.completions.create(
        model="gpt-4o", messages=hello(10), max_tokens=12, stream=True,
        stream_options={"include_usage": True}))
    assert chunks[-1].usage.completion_tokens == 12


def test_the_other_endpoints_answer(client):
    assert client.embeddings.create(model="embed", input="tokens:9 x").data
    assert client.completions.create(model="gpt-4o", prompt="tokens:7 x", max_tokens=5).choices
    response = client.responses.create(model="gpt-4o", input="tokens:8 x", max_output_tokens=6)
    assert response.usage.output_tokens == 6


def test_models_lists_what_this_key_may_use_now(shared_stack, client, chat_key):
    assert {m.id for m in client.models.list()} == {"gpt-4o", "small", "embed"}
    other = openai.OpenAI(api_key=chat_key, base_url=shared_stack.url + "/v1", max_retries=0)
    # embed has no sale price under chat, so it could not be billed and is not offered.
    assert {m.id for m in other.models.list()} == {"gpt-4o", "small"}


def test_an_answer_names_its_pool_its_clause_and_its_request(shared_stack, api_key, chat_key):
    status, headers, _ = chat(shared_stack, api_key)
    headers = {k.lower(): v for k, v in headers.items()}
    assert status == 200
    assert headers["x-offtake-pool"] == "east"
    assert headers["x-offtake-clause"] == "bc.only"
    assert headers["x-offtake-request-id"].startswith("req_")
    status, headers, _ = chat(shared_stack, chat_key, model="small")
    headers = {k.lower(): v for k, v in headers.items()}
    # The commitment on alpha is behind its line: spending there is worth more than beta's lower price.
    assert headers["x-offtake-pool"] == "east"


def test_the_gateway_and_explain_give_the_same_order(shared_stack, api_key):
    result = shared_stack.cli(
        "explain", str(shared_stack.deal_path), "--product", "api", "--model", "gpt-4o", "--json")
    explained = json.loads(result.stdout)
    eligible = [c["pool"] for c in explained["eligible"]]
    barred = {c["pool"]: c["clause"] for c in explained["barred"]}
    assert eligible == ["east", "west"]
    assert barred == {"south": "bc.only"}


def test_the_statement_holds_the_exact_nano_dollars_of_what_ran(make_stack):
    stack = make_stack()
    key = stack.key("acme", "api")
    sizes = [(101, 7), (999, 1), (1, 333), (12345, 678), (3, 3)]
    for prompt, output in sizes:
        status, _, _ = chat(stack, key, content=f"tokens:{prompt} x", max_tokens=output)
        assert status == 200
    stack.drain()
    prompt = sum(p for p, _ in sizes)
    output = sum(o for _, o in sizes)
    cost = Fraction(250, 100) * prompt / 10**6 + Fraction(1000, 100) * output / 10**6
    sale = Fraction(500, 100) * prompt / 10**6 + Fraction(2000, 100) * output / 10**6
    share = sale * Fraction(20, 100)
    statement = stack.json("statement", "--party", "bigcloud", "--month", MONTH)
    text = json.dumps(statement)
    for amount in (cost, share):
        nanos = amount * 10**9
        assert nanos.denominator == 1
        assert str(nanos.numerator) in text, f"{nanos} is not in {text}"
    account = json.dumps(stack.json("statement", "--party", "acme", "--month", MONTH))
    assert str((sale * 10**9).numerator) in account
    assert stack.cli("ledger", "verify").returncode == 0


def test_the_statement_is_the_same_twice_and_has_three_forms(shared_stack, api_key):
    chat(shared_stack, api_key)
    shared_stack.drain()
    arguments = ("statement", "--party", "bigcloud", "--month", MONTH)
    first = shared_stack.cli(*arguments).stdout
    assert first == shared_stack.cli(*arguments).stdout
    assert "bc.share" in first
    assert max(len(line) for line in first.splitlines()) <= 80
    assert json.loads(shared_stack.cli(*arguments, "--json").stdout)
    assert shared_stack.cli(*arguments, "--csv").stdout.count("\n") > 2


def test_commitments_show_the_burn(shared_stack, api_key):
    chat(shared_stack, api_key)
    shared_stack.drain()
    out = shared_stack.cli("commitments").stdout
    assert "bc.commit" in out


def test_a_wrong_key_is_401_and_every_wrong_key_gets_the_same_answer(shared_stack):
    bodies = set()
    for key in ("oft_" + "A" * 43, "sk-nothing", "x"):
        status, _, body = chat(shared_stack, key)
        assert status == 401
        bodies.add(body)
        assert key.encode() not in body
    status, _, _ = http("POST", shared_stack.url + "/v1/chat/completions", {"model": "gpt-4o"})
    assert status == 401
    assert len(bodies) == 1


@pytest.mark.parametrize("size", [100, 900, 1000, 1100, 4000, 17000, 70000, 1_000_000, 6_000_000])
def test_a_body_of_any_size_arrives_whole(shared_stack, api_key, size):
    """The simulated provider counts a prompt without a hint as its bytes, so it must have all of them."""
    status, _, body = chat(shared_stack, api_key, content="x" * size, max_tokens=2)
    assert status == 200, body[:300]
    assert json.loads(body)["usage"]["prompt_tokens"] >= size // 4
