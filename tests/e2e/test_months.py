# SPDX-License-Identifier: Apache-2.0
"""Months of a civil time zone, through the whole product, and an amendment in the middle of a month."""

import json

import pytest

from stack import chat

BERLIN = 'statements in "Europe/Berlin"'


def statement(stack, month):
    return json.loads(stack.cli("statement", "--party", "bigcloud", "--month", month, "--json").stdout)


def rehearsed(make_stack, instant, **parts):
    return make_stack(serve_args=["--rehearse-at", instant], **parts)


def served(stack, count):
    key = stack.key("acme", "api")
    for _ in range(count):
        status, _, body = chat(stack, key, content="tokens:1000 hello", max_tokens=10)
        assert status == 200, body
    stack.drain()


def requests(document):
    return sum(int(line["quantity"]) for line in document["capacity"] if line["unit"] == "output") // 10


def test_a_request_after_local_midnight_is_of_the_next_month(make_stack, tmp_path):
    stack = rehearsed(make_stack, "2026-03-31T22:30:00Z", more=BERLIN)
    served(stack, 2)
    april, march = statement(stack, "2026-04"), statement(stack, "2026-03")
    assert requests(april) == 2 and requests(march) == 0
    assert april["time_zones"].startswith("Europe/Berlin, by release 20")
    assert april["time_zones"].endswith("this month is 2026-03-31T22:00:00Z until 2026-04-30T22:00:00Z")
    # What depends on zone data is made again by it.
    saved = tmp_path / "april.txt"
    saved.write_text(stack.cli("statement", "--party", "bigcloud", "--month", "2026-04").stdout)
    assert "The same" in stack.cli("statement", "--reproduce", str(saved)).stdout
    # The month is over by now: it is not, by UTC.
    stack.cli("period", "soft-close", "2026-03", "--by", "ann")
    assert "SOUND" in stack.cli("ledger", "verify").stdout.upper()


def test_a_zone_that_comes_with_a_reload_begins_with_the_next_month(make_stack):
    stack = rehearsed(make_stack, "2026-03-31T22:30:00Z")
    served(stack, 1)
    stack.write_deal(more=BERLIN)
    stack.cli("reload")
    served(stack, 1)
    march = statement(stack, "2026-03")
    assert requests(march) == 2
    assert march["time_zones"].endswith("this month is 2026-03-01T00:00:00Z until 2026-04-01T00:00:00Z")
    assert statement(stack, "2026-04")["time_zones"].endswith("until 2026-04-30T22:00:00Z")


def test_a_zone_that_nobody_knows_is_refused_by_check_and_reload(make_stack):
    stack = rehearsed(make_stack, "2026-03-31T22:30:00Z")
    stack.write_deal(more='statements in "Europe/Atlantis"')
    checked = stack.cli("check", str(stack.deal_path), check=False)
    assert checked.returncode == 1 and "OFT0012" in checked.stdout
    assert 'there is no time zone "Europe/Atlantis"' in " ".join(checked.stdout.split())
    refused = stack.cli("reload", check=False)
    assert refused.returncode == 1 and "OFT0012" in refused.stdout + refused.stderr
    served(stack, 1)  # the policy in force stays
