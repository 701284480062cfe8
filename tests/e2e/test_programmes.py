# SPDX-License-Identifier: Apache-2.0
"""Funding programmes on a running system: calls, payments and draws are told once, refused beyond what was pledged, and
add up after a restart."""

import json

import pytest

MORE = """
party softbank "SoftBank"
party lender   "Lender"
agreement sites with bigcloud {
    effective 2020-01-01
    site: order 10 MW on alpha deliver by 2030-12-31
}
programme stargate "Stargate" {
    total 500bn USD over 4 years from 2025-01-21
    tranche first 100bn USD from 2025-01-21
    funder softbank 40% status committed role financial
    funder lender   60% status committed role operational
    call 10bn USD on 2025-03-01 due 2025-04-01
    technology bigcloud
}
programme later {
    total 3 USD over 4 years from 2025-01-21
    funder softbank 100%
}
"""
BN = 10**18


def show(stack, *options):
    return stack.json("programme", "show", "stargate", *options)["programmes"][0]


def funder(programme, party):
    return next(f for f in programme["funders"] if f["party"] == party)


def amounts(row):
    return {name: int(row[f"{name}_nanos"]) / BN for name in ("called", "paid", "overdue", "remaining")}


def tell(stack, *words, reference, by="ann", check=True):
    return stack.cli("programme", *words, "--by", by, "--reference", reference, check=check)


def refused(stack, *words, reference="no"):
    result = tell(stack, *words, reference=reference, check=False)
    assert result.returncode == 1, (words, result.stdout, result.stderr)
    return " ".join(result.stderr.split())


@pytest.fixture
def stack(make_stack):
    return make_stack(serve_args=["--rehearse-at", "2025-03-10T12:00:00Z"], simulators=False, more=MORE)


def test_calls_payments_and_draws_add_up_after_a_restart(stack):
    assert amounts(funder(show(stack), "lender")) == {"called": 6, "paid": 0, "overdue": 0, "remaining": 294}
    tell(stack, "call", "stargate", "20bn", "--due", "2025-05-01", reference="c")
    tell(stack, "pay", "stargate", "softbank", "4bn", "--on", "2025-03-05", reference="p")
    tell(stack, "pay", "stargate", "softbank", "3bn", "--on", "2025-03-10", reference="p2")
    tell(stack, "draw", "stargate", "1.5bn", "--order", "sites.site", reference="d")
    before = show(stack)
    assert amounts(funder(before, "softbank")) == {"called": 12, "paid": 7, "overdue": 0, "remaining": 188}
    assert [c["name"] for c in before["calls"]] == ["written-1", "call-1"]
    assert [[p["paid"] for p in c["parts"]] for c in before["calls"]] == [
        ["4000000000.00", "0.00"], ["3000000000.00", "0.00"]]
    assert before["draws"] == [{"order": "sites.site", "amount": "1500000000.00", "amount_nanos": str(3 * BN // 2)}]
    assert int(before["undrawn_nanos"]) == 11 * BN // 2
    assert before["tranches"][0]["called"] == "30000000000.00"
    stack.stop_daemon()
    stack.serve_args[stack.serve_args.index("--rehearse-at") + 1] = "2025-03-11"
    stack.start_daemon()
    assert show(stack) == before
    late = show(stack, "--at", "2025-04-02")
    assert amounts(funder(late, "lender"))["overdue"] == 6
    assert stack.cli("ledger", "verify").returncode == 0
    balance = stack.cli("balance", "memo/fund-receivable/softbank").stdout
    assert "5,000,000,000.00" in balance


def test_what_is_told_twice_is_done_once(stack):
    words = ("call", "stargate", "20bn", "--due", "2025-05-01")
    first = json.loads(tell(stack, *words, "--json", reference="c").stdout)
    again = json.loads(tell(stack, *words, "--json", reference="c", by="bob").stdout)
    assert again == first | {"again": True} and first["by"] == "ann" and not first["again"]
    assert "done before" in tell(stack, *words, reference="c").stdout
    assert "c stands for another fund-call" in refused(
        stack, "call", "stargate", "21bn", "--due", "2025-05-01", reference="c")
    assert show(stack)["called"] == "30000000000.00"


def test_what_goes_beyond_is_refused_in_words(stack):
    call = ("call", "stargate", "91bn", "--due", "2025-05-01")
    assert "1,000,000,000.00 beyond the tranches of stargate that have begun" in refused(stack, *call)
    assert "beyond what stargate has left of its total" in refused(stack, "call", "stargate", "1tn", "--due", "2025-05-01")
    assert "the pledge of softbank to later is proposed" in refused(stack, "call", "later", "1", "--due", "2025-05-01")
    pay = ("pay", "stargate", "softbank", "5bn", "--on", "2025-03-05")
    assert "1,000,000,000.00 beyond what is called of softbank" in refused(stack, *pay)
    assert "bigcloud is no funder of stargate" in refused(stack, "pay", "stargate", "bigcloud", "1", "--on", "2025-03-05")
    assert "beyond the cash of stargate" in refused(stack, "draw", "stargate", "1", "--order", "sites.site")
    assert 'there is no order "order-9"' in refused(stack, "draw", "stargate", "1", "--order", "order-9")
    assert stack.cli("programme", "show", "nothing", check=False).returncode == 1
    assert show(stack)["called"] == "10000000000.00"
    assert stack.cli("ledger", "verify").returncode == 0


def test_a_wrong_command_line_is_told_so(stack):
    for words in (("call", "stargate", "1"), ("pay", "stargate", "1"), ("draw", "stargate", "1", "--on", "2025-03-05"),
                  ("list", "--by", "ann"), ("show",), ("show", "stargate", "--at", "soon"), ()):
        assert stack.cli("programme", *words, check=False).returncode == 2, words
    bad = tell(stack, "call", "stargate", "much", "--due", "2025-05-01", reference="x", check=False)
    assert bad.returncode != 0 and "amount" in bad.stderr


def test_text_and_csv_are_for_people_and_for_sheets(stack):
    text = stack.cli("programme", "list").stdout
    assert "stargate, Stargate" in text and "pledges, several and not joint" in text and "later" in text
    assert max(map(len, text.splitlines())) <= 80
    rows = stack.cli("programme", "show", "stargate", "--csv").stdout.splitlines()
    assert rows[2].startswith("stargate,lender,60,called,300000000000.00,6000000000.00,0.00,6000000000.00,0.00,")
    journal = stack.cli("ledger", "export", "--format", "hledger").stdout
    assert "memo" in journal.lower() and "fund-capital" in journal.lower()
