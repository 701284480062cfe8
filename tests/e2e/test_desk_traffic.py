# SPDX-License-Identifier: Apache-2.0
"""From order to traffic: a signed order that is delivered serves requests, and its cost is in the books."""

import json

import pytest

from stack import chat

ENDPOINT = "http://127.0.0.1:{south}/v1"


def order_something(stack):
    stack.cli("need", "open", "--product", "chat", "--accelerator", "h100", "--count", "64", "--from", "2026-01",
              "--months", "12", "--open-until", "2030-01-01")
    stack.cli("offer", "add", "--need", "need-1", "--provider", "beta", "--count", "64", "--price", "2.00USD/gpu-hour")
    stack.cli("sign", "offer-1", "--deliver-by", "2031-01-01")


def deliver(stack, *more, check=True):
    return stack.cli("deliver", "order-1", "--pool", "beta-new", "--endpoint", ENDPOINT.format(**stack.ports),
                     "--serves", "gpt-4o=new-x", "--key", "env:SOUTH_KEY", *more, check=check)


def pools_used(stack):
    stack.drain()
    return {row["pool"] for row in json.loads(stack.cli("usage", "--json").stdout)["usage"]}


@pytest.fixture
def ordered(make_stack):
    stack = make_stack()
    order_something(stack)
    return stack


def test_what_is_delivered_serves_the_next_request_before_metered_capacity(ordered):
    key = ordered.key("acme", "chat")
    assert chat(ordered, key)[0] == 200
    assert "beta-new" not in pools_used(ordered)
    generation = json.loads(ordered.cli("status", "--json").stdout)["generation"]
    deliver(ordered)
    assert json.loads(ordered.cli("status", "--json").stdout)["generation"] > generation
    assert chat(ordered, key)[0] == 200
    assert "beta-new" in pools_used(ordered)


def test_a_clause_of_the_deal_bars_a_delivered_pool_like_any_other(ordered):
    deliver(ordered)
    key = ordered.key("acme", "api")  # exclusive on alpha; the new pool is beta's
    assert chat(ordered, key)[0] == 200
    assert "beta-new" not in pools_used(ordered)


def test_a_pool_that_the_deal_cannot_take_is_refused_and_nothing_was_delivered(ordered):
    assert deliver(ordered, "--pool-lines", "serves nonsense", check=False).returncode == 2
    for pool, lines in (("east", "region eu"), ("beta-new", "serves nonsense"),
                        ("beta-new", "region eu }\nagreement x with other {"), ("beta-new", "include \"x\"")):
        done = ordered.cli("deliver", "order-1", "--pool", pool, "--pool-lines", lines, check=False)
        assert done.returncode == 2, (lines, done.stdout, done.stderr)
    order = json.loads(ordered.cli("order", "show", "order-1", "--json").stdout)
    assert order["delivered"] == 0


def test_a_delivered_pool_survives_a_restart(ordered):
    deliver(ordered)
    ordered.stop_daemon()
    ordered.start_daemon()
    assert chat(ordered, ordered.key("acme", "chat"))[0] == 200
    assert "beta-new" in pools_used(ordered)


def test_the_orders_file_is_part_of_what_can_be_explained_later(ordered):
    deliver(ordered)
    done = ordered.cli("ledger", "verify", "--json")
    assert json.loads(done.stdout)["sound"] is True
