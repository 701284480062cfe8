# SPDX-License-Identifier: Apache-2.0
"""Months of a civil time zone, through the whole product, and an amendment in the middle of a month."""

import csv
import io
import json

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
    # Cost data has the same month, and a bill with its instants is held against it.
    bill = tmp_path / "bill.csv"
    bill.write_text(stack.cli("focus", "export", "--month", "2026-04").stdout)
    rows = list(csv.DictReader(io.StringIO(bill.read_text())))
    assert {row["BillingPeriodStart"] for row in rows} == {"2026-03-31T22:00:00Z"}
    assert {row["BillingPeriodEnd"] for row in rows} == {"2026-04-30T22:00:00Z"}
    assert stack.cli("focus", "check", str(bill)).stdout.endswith("0 findings.\n")
    held = json.loads(stack.cli("reconcile", "--month", "2026-04", str(bill), "--json").stdout)
    assert held["clean"] and held["here"]["matched"] == held["there"]["matched"] == 2, held
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


AMENDED = """agreement bc2 with bigcloud {
    effective 2026-04-16  until 2035-01-01
    share: amend bc.share share 25% of revenue from api, chat from lab to bigcloud monthly
}
"""
CHEAPER = "price gpt-4o input 2.00 USD per 1M tokens output 8.00 USD per 1M tokens from 2026-04-16"


def test_an_amendment_in_mid_month_makes_two_lines_with_their_clauses(make_stack):
    stack = rehearsed(make_stack, "2026-04-15T12:00:00Z", more=AMENDED, east_extra=CHEAPER)
    served(stack, 1)
    stack.stop_daemon()
    stack.serve_args[stack.serve_args.index("--rehearse-at") + 1] = "2026-04-16T00:00:00Z"
    stack.start_daemon()
    served(stack, 2)
    april = statement(stack, "2026-04")
    by_clause = {}
    for line in april["capacity"]:
        by_clause.setdefault(line["clause"], {})[line["unit"]] = (line["quantity"], line["amount"])
    # 1000 in and 10 out a request: before at 2.50 and 10, from the 16th on at 2 and 8.
    assert by_clause == {
        "east.price.gpt-4o@always": {"input": ("1000", "0.0025"), "output": ("10", "0.0001")},
        "east.price.gpt-4o@2026-04-16": {"input": ("2000", "0.004"), "output": ("20", "0.00016")},
    }
    shares = {line["clause"]: line["amount"] for line in april["shares"] if not line.get("product")}
    # Sold at 5 and 20: 0.0052 a request.
    assert shares == {"bc.share": "0.00104", "bc2.share": "0.0026"}
