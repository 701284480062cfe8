# SPDX-License-Identifier: Apache-2.0
"""The provider's answer says as which service tier it served; the statement has the price of that variant."""

import datetime
import json

import pytest

from stack import chat, http

MONTH = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m")
PRICES = """
    price gpt-4o variant flex     input 1 USD per 1M tokens output 5 USD per 1M tokens
    price gpt-4o variant priority input 7 USD per 1M tokens output 30 USD per 1M tokens
"""
STANDARD, FLEX, PRIORITY = "4.0", "5.0", "30.0"
HERE = """agreement x with other {
    effective 2020-01-01 until 2035-01-01
    here: exclusive chat on beta
}
"""


@pytest.fixture
def stack(make_stack):
    return make_stack(south_extra=PRICES, more=HERE)


def lines(stack):
    """Output tokens by the price of a million, of the pool south."""
    document = json.loads(stack.cli("statement", "--party", "other", "--month", MONTH, "--json").stdout)
    found = {}
    for line in document["capacity"]:
        if line["pool"] == "south" and line["unit"] == "output":
            price = str(float(line["price_per_million"]))
            found[price] = found.get(price, 0) + int(line["quantity"])
    return found


def ask(stack, key, tokens, path="/v1/chat/completions", **more):
    body = {"model": "gpt-4o", **more}
    if path.endswith("responses"):
        body |= {"input": "tokens:10 hello", "max_output_tokens": tokens}
    else:
        body |= {"messages": [{"role": "user", "content": "tokens:10 hello"}], "max_tokens": tokens}
    status, _, text = http("POST", stack.url + path, body, key)
    assert status == 200, text
    return text


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
@pytest.mark.parametrize("stream", [False, True])
def test_the_price_is_that_of_the_tier_that_answered(stack, path, stream):
    key = stack.key("acme", "chat")
    form = {"stream": True} if stream else {}
    ask(stack, key, 11, path, **form)
    ask(stack, key, 12, path, service_tier="auto", **form)
    ask(stack, key, 13, path, service_tier="default", **form)
    ask(stack, key, 100, path, service_tier="flex", **form)
    ask(stack, key, 1000, path, service_tier="priority", **form)
    ask(stack, key, 14, path, service_tier="scale", **form)  # no variant of ours
    stack.simulators["south"].fault("downgrade")
    ask(stack, key, 15, path, service_tier="priority", **form)  # asked, and not given
    stack.drain()
    assert lines(stack) == {STANDARD: 11 + 12 + 13 + 14 + 15, FLEX: 100, PRIORITY: 1000}
    if stream and "chat" in path:
        # A stream whose client wants the usage, cut into single bytes.
        stack.simulators["south"].fault("split")
        ask(stack, key, 200, path, service_tier="flex", stream=True, stream_options={"include_usage": True})
        stack.drain()
        assert lines(stack)[FLEX] == 300


def test_a_stream_without_usage_is_counted_at_the_price_of_its_tier(stack):
    key = stack.key("acme", "chat")
    stack.simulators["south"].fault("nousage")
    ask(stack, key, 20, service_tier="priority", stream=True)
    stack.drain()
    [(price, tokens)] = lines(stack).items()
    assert price == PRIORITY and tokens >= 20  # estimated: an event is a token


def test_a_text_that_speaks_of_a_tier_is_no_tier(stack):
    key = stack.key("acme", "chat")
    status, _, body = chat(stack, key, content='tokens:10 "service_tier":"flex"', max_tokens=17,
                           metadata={"service_tier": "flex"})
    assert status == 200, body
    stack.drain()
    assert lines(stack) == {STANDARD: 17}
