# SPDX-License-Identifier: Apache-2.0
"""Revenue shares by all of their terms on a running system: deductions, bands, minimum, kept back, paid, late."""

import json

import pytest

from stack import chat

MORE = """
deduction taxes "Taxes"
agreement terms with bigcloud {
    effective 2026-01-01
    banded: share tiered of revenue from api from lab to bigcloud quarterly marginal less taxes {
        tier 20% from 0 USD to 0.01 USD
        tier 10% from 0.01 USD
        minimum 3 USD per period
        holdback 50% for 30 days
        payment within 10 days
        interest 36.5% per year
    }
    back: share 10% of share terms.banded from bigcloud to lab quarterly
}
"""
NANO = 10**9


def at(stack, instant):
    stack.stop_daemon()
    stack.serve_args[stack.serve_args.index("--rehearse-at") + 1] = instant
    stack.start_daemon()


def share(stack, clause="terms.banded"):
    return next(s for s in stack.json("shares")["shares"] if s["clause"] == clause)


def lines(stack, month, clause="terms.banded"):
    statement = stack.json("statement", "--party", "bigcloud", "--month", month)
    found = {s["part"]: int(s["amount_nanos"]) for s in statement["shares"] if s["clause"] == clause}
    return found | {s["what"]: int(s["amount_nanos"]) for s in statement["share_settlement"] if s["clause"] == clause}


@pytest.fixture(scope="module")
def books(make_module_stack):
    """A request of March sells for 0.009 and a second for as much; then the quarter goes by."""
    stack = make_module_stack(more=MORE, serve_args=["--rehearse-at", "2026-03-20T12:00:00Z"])
    key = stack.key("acme", "api")
    for _ in range(2):
        status, _, body = chat(stack, key, content="tokens:1000 x", max_tokens=200)
        assert status == 200, body
    stack.drain()
    return stack


def test_what_was_told_moves_the_books_by_its_difference_and_once(books):
    sold = int(share(books)["periods"][0]["base_nanos"])
    assert sold > 0.01 * NANO
    earned = int(0.01 * NANO) // 5 + (sold - int(0.01 * NANO)) // 10
    assert lines(books, "2026-03") == {"earned": earned, "held-back": earned // 2}
    told = ("deduction", "add", "taxes", "0.001", "--month", "2026-03", "--by", "ann", "--reference", "tax-1")
    assert json.loads(books.cli(*told, "--json").stdout)["booked"] is True
    assert json.loads(books.cli(*told, "--json").stdout)["booked"] is False
    assert lines(books, "2026-03")["earned"] == earned - int(0.001 * NANO) // 10
    other = books.cli("deduction", "add", "taxes", "0.002", "--month", "2026-03", "--by", "ann", "--reference", "tax-1",
                      check=False)
    assert other.returncode == 1 and "another" in other.stderr
    for wrong in (("add", "tips", "1", "--month", "2026-03"), ("add", "taxes", "much", "--month", "2026-03"),
                  ("add", "taxes", "1", "--month", "2027-03"), ("add", "taxes", "1", "--month", "soon")):
        assert books.cli("deduction", *wrong, "--by", "ann", check=False).returncode in (1, 2), wrong
    assert books.cli("deduction", "add", "taxes", "1", check=False).returncode == 2


def test_the_quarter_is_topped_up_kept_back_and_late(books):
    at(books, "2026-04-21T00:00:00Z")  # due by the 11th: ten days late
    quarter = share(books)["periods"][0]
    assert quarter["period"] == "2026-Q1" and quarter["over"] is True
    assert int(quarter["earned_nanos"]) + int(quarter["minimum_nanos"]) == 3 * NANO
    assert int(quarter["held_nanos"]) == int(1.5 * NANO)
    assert quarter["due"] == "1.50" and quarter["outstanding"] == "1.50"
    assert quarter["interest"] == "0.015"  # 1.50 * 36.5% * 10 / 365
    assert lines(books, "2026-04")["interest"] == int(0.015 * NANO)
    assert int(share(books, "terms.back")["periods"][0]["earned_nanos"]) == int(0.3 * NANO)
    paid = books.cli("shares", "pay", "terms.banded", "1.50", "--period", "2026-Q1", "--by", "bob", "--json")
    assert json.loads(paid.stdout)["booked"] is True
    assert books.cli("shares", "pay", "terms.banded", "1", "--period", "2026-Q9", "--by", "bob",
                     check=False).returncode == 1
    at(books, "2026-05-02T00:00:00Z")
    quarter = share(books)["periods"][0]
    assert quarter["due"] == "3.00" and quarter["outstanding"] == "1.50"  # what was kept back is due as well
    balances = {row["account"]: int(row["amount_nanos"]) for row in books.json("balance")["balances"]}
    assert balances["cash/bigcloud"] == -int(1.5 * NANO)
    assert balances.get("held-back/terms.banded", 0) == 0


def test_it_is_shown_traced_verified_and_within_eighty_columns(books):
    text = books.cli("shares").stdout
    assert "2026-Q1, payable by" in text and max(map(len, text.splitlines())) <= 80
    assert books.cli("shares", "--csv").stdout.startswith("clause,direction,")
    then = json.loads(books.cli("shares", "--at", "2026-03-25", "--json").stdout)
    assert then["at"] == "2026-03-25T00:00:00Z"
    statement = books.cli("statement", "--party", "bigcloud", "--month", "2026-04").stdout
    assert "interest on what was late" in statement and "paid for 2026-Q1" in statement
    assert max(map(len, statement.splitlines())) <= 80
    march = books.json("statement", "--party", "bigcloud", "--month", "2026-03")
    line = next(s["line"] for s in march["shares"] if s["part"] == "minimum")
    assert "offtake shares" in books.cli("trace", line).stdout
    earned = next(s for s in march["shares"] if s["part"] == "earned" and s["products"])
    assert books.cli("trace", earned["products"][0]["line"]).returncode == 0
    assert books.cli("ledger", "verify").returncode == 0
