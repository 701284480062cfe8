# SPDX-License-Identifier: Apache-2.0
"""What `offtake check` says of limits, budgets, ceilings and health lines that cannot be, and how it prints those
that can."""

import json
import subprocess

import pytest

from stack import OFFTAKE

DEAL = """\
deal "D"
customer lab
currency USD
party    big "Big"
provider east of big
model    m MODEL
account  acme "ACME" {
    ACCOUNT
}
product  chat "Chat" class inference {
    PRODUCT
    price m input 1 USD per 1M tokens output 2 USD per 1M tokens
}
pool p on east {
    POOL
    serves m at https://p.example.com/v1 kind openai key env P_KEY
    price m input 1 USD per 1M tokens output 2 USD per 1M tokens
}
agreement a with big {
    effective 2025-01-01 until 2030-01-01
    CLAUSE
}
"""


def check(tmp_path, *options, **parts):
    text = DEAL
    for place in ("MODEL", "ACCOUNT", "PRODUCT", "POOL", "CLAUSE"):
        text = text.replace(place, parts.get(place.lower(), ""))
    deal = tmp_path / "d.deal"
    deal.write_text(text)
    return subprocess.run([str(OFFTAKE), "check", *options, str(deal)], capture_output=True, text=True)


@pytest.mark.parametrize("place, line, code", [
    ("account", "limit 0 requests per minute", 27),
    ("account", "limit 1000000001 requests per minute", 27),
    ("account", "limit 5 parallel requests", 27),
    ("account", "limit 5 requests per minute; limit 6 requests per minute", 11),
    ("account", "budget 5 USD per week", 27),
    ("account", "budget 0 USD per day", 23),
    ("account", "budget 9000000001 USD per day", 23),
    ("account", "budget 5 EUR per day", None),
    ("account", "budget 5 USD per day; budget 6 USD per day", 11),
    ("product", "limit 0 tokens per minute", 27),
    ("model", "limit 0 output tokens", 27),
    ("model", "limit 5 input tokens", 27),
    ("pool", "health at https://h.example.com/x each 5s", 27),
    ("pool", "health at https://h.example.com/x every 500ms", 27),
    ("pool", "health at ftp://h.example.com/x every 5s", None),
    ("pool", "budget 5 USD per day", None),
    ("clause", "cap: spend at most 0 USD per day on east", 23),
    ("clause", "cap: spend at most 5 USD per year on east", None),
    ("clause", "cap: spend at most 5 USD per day on nowhere", None),
])
def test_a_limit_that_cannot_be_is_an_error_at_its_place(tmp_path, place, line, code):
    result = check(tmp_path, "--json", **{place: line})
    assert result.returncode == 1, result.stdout
    found = json.loads(result.stdout)["diagnostics"]
    assert all(one["severity"] == "error" for one in found[:1])
    if code is not None:
        assert f"OFT{code:04}" in {one["code"] for one in found}, found
    lines = (tmp_path / "d.deal").read_text().splitlines()
    assert line.split(";")[0].split()[0] in lines[found[0]["line"] - 1]


def test_limits_that_can_be_are_kept_and_print_the_same_again(tmp_path):
    parts = {"model": "limit 4096 output tokens", "clause": "cap: spend at most 5m USD per month on east",
             "account": "limit 60 requests per minute; budget 10 USD per day; budget 200 USD per month",
             "product": "limit 2M tokens per minute; limit 7 concurrent requests",
             "pool": "limit 9 concurrent requests; health at https://h.example.com/x every 5s"}
    result = check(tmp_path, "--emit", "json", **parts)
    assert result.returncode == 0, result.stdout + result.stderr
    document = json.loads(result.stdout)
    account, product, pool = document["accounts"][0], document["products"][0], document["pools"][0]
    assert (account["requests_per_minute"], account["budget_per_day"], account["budget_per_month"]) == (
        60, "10.00", "200.00")
    assert (product["tokens_per_minute"], product["concurrent_requests"]) == (2_000_000, 7)
    assert (pool["concurrent_requests"], pool["health_every_ms"]) == (9, 5000)
    assert document["output_limits"] == [{"model": "m", "tokens": 4096}]
    cap = next(clause for clause in document["clauses"] if clause["id"] == "a.cap")
    assert (cap["kind"], cap["amount"], cap["per"], cap["provider"]) == (
        "ceiling", "5000000.00", "month", "east")
    formatted = subprocess.run([str(OFFTAKE), "fmt", str(tmp_path / "d.deal")], capture_output=True, text=True)
    assert formatted.returncode == 0
    again = check(tmp_path, "--emit", "json", **parts)
    assert again.stdout == result.stdout
