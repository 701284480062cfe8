# SPDX-License-Identifier: Apache-2.0
"""Commitments on a running system: what has become due is booked once, later use draws a credit, forecasts."""

import datetime
import json
import subprocess
from fractions import Fraction

import pytest

from stack import OFFTAKE, chat

MONTH = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m")
MORE = """
agreement due with bigcloud {
    effective 2020-01-01
    yearly: commit 1000 USD on alpha over 2024-01-01..2034-01-01 build-up counting all {
        milestone 100 USD by 2025-01-01
        shortfall cash
    }
    kept: commit 500 USD on alpha over 2024-01-01..2034-01-01 take-or-pay {
        counting api 50%, chat
        milestone 40 USD by 2025-06-15
        shortfall credit
    }
}
"""


def commitment(stack, clause):
    return next(c for c in stack.json("commitments")["commitments"] if c["clause"] == clause)


def balances(stack):
    """Each account of what is due, and what it holds."""
    rows = {}
    for month in ("2024-12", "2025-06", MONTH):
        for row in stack.json("statement", "--party", "bigcloud", "--month", month)["commitments_due"]:
            rows[row["clause"], row["due"], month] = int(row["amount_nanos"])
    return rows


def test_a_shortfall_is_booked_once_and_its_credit_is_drawn_by_use(make_stack):
    stack = make_stack(more=MORE)
    nano = 10**9
    due = {("due.yearly", "cash", "2024-12"): 100 * nano, ("due.kept", "credit", "2025-06"): 40 * nano}
    assert balances(stack) == due
    stack.stop_daemon()
    stack.start_daemon()
    assert balances(stack) == due
    status, _, _ = chat(stack, stack.key("acme", "api"), content="tokens:1000 x", max_tokens=50)
    assert status == 200
    stack.drain()
    cost = (Fraction(250, 100) * 1000 + Fraction(1000, 100) * 50) / 10**6 * nano
    assert commitment(stack, "due.yearly")["counted_nanos"] == str(cost)
    kept = commitment(stack, "due.kept")
    assert kept["counted_nanos"] == str(cost / 2)
    assert kept["credit_left_nanos"] == str(40 * nano - cost / 2)
    assert balances(stack) == due | {("due.kept", "credit-drawn", MONTH): -int(cost / 2)}
    statement = stack.json("statement", "--party", "bigcloud", "--month", "2024-12")
    assert statement["totals"]["net_payable"] == "100.00"
    text = stack.cli("statement", "--party", "bigcloud", "--month", "2024-12").stdout
    assert "shortfall, paid and lost" in text and max(map(len, text.splitlines())) <= 80
    assert stack.cli("ledger", "verify").returncode == 0


def test_a_forecast_names_the_day_or_the_shortfall(make_stack):
    stack = make_stack(more=MORE)
    whole = {}
    for row in json.loads(stack.cli("commitments", "--forecast", "--at", "2033-12-31", "--json").stdout)["forecasts"]:
        whole[row["clause"]] = row["measures"]
    assert [m["kind"] for m in whole["due.yearly"]] == ["whole"]
    assert whole["due.yearly"][0]["linear"]["met"] is False
    assert whole["due.yearly"][0]["linear"]["shortfall"] == "900.00"  # 100 were paid for
    text = stack.cli("commitments", "--forecast").stdout
    assert "linear: missed" in text and max(map(len, text.splitlines())) <= 80
    assert stack.cli("commitments", "--at", "2030-01-01", check=False).returncode == 2
    assert stack.cli("commitments", "--forecast", "--at", "soon", check=False).returncode == 2


@pytest.mark.parametrize("names", [["a"], ["a", "b"], ["a", "b", "c"]])
def test_commitments_that_wait_for_each_other_are_refused(tmp_path, names):
    """Of itself, it is told that it is no other commitment."""
    clauses = "\n".join(
        f"    {name}: commit 1k USD on p over 2025-01-01..2026-01-01 build-up counting all "
        f"successor of x.{names[(place + 1) % len(names)]}" for place, name in enumerate(names))
    deal = tmp_path / "ring.deal"
    deal.write_text('deal "R"\ncustomer lab\ncurrency USD\nparty cloud "C"\nprovider p of cloud\n'
                    "agreement x with cloud {\n    effective 2025-01-01\n" + clauses + "\n}\n")
    result = subprocess.run([str(OFFTAKE), "check", str(deal)], capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stdout.count("error OFT0041") == len(names)
