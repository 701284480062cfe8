# SPDX-License-Identifier: Apache-2.0
"""From a client's header down to the statement lines and back up; the books as they were; and the journal
as hledger and Beancount read it."""

import csv
import decimal
import io
import os
import re
import shutil
import subprocess
import tempfile

import pytest
import stack as stack_module
from beancount import loader
from beancount.core import data as beancount_data

NANO = decimal.Decimal("1e-9")
decimal.getcontext().prec = 60


@pytest.fixture(scope="module")
def traced():
    """Requests of two products, two models and two accounts, each booked in a transaction of its own or
    with its neighbour; their ids from the headers."""
    directory = tempfile.mkdtemp(prefix="oft-e2e-")
    os.chmod(directory, 0o755)
    stack = stack_module.Stack(directory)
    try:
        stack.start()
        keys = {"api": stack.key("acme", "api"), "chat": stack.key("globex", "chat")}
        stack.ids = []
        for n in range(7):
            for product, key in keys.items():
                status, headers, _ = stack_module.chat(
                    stack, key, "gpt-4o" if n % 2 else "small", f"tokens:{100 + n} hi", 20 + n)
                assert status == 200
                stack.ids.append((product, headers["x-offtake-request-id"], headers["x-offtake-pool"]))
            stack.drain()
        yield stack
    finally:
        stack.stop()


def month_of(stack):
    return stack.json("trace", stack.ids[0][1])["lines"][0]["month"]


def test_a_request_id_leads_from_the_header_to_the_lines_that_hold_it(traced):
    product, request, pool = traced.ids[1]
    found = traced.json("trace", request)
    assert found["request"] == request.removeprefix("req_")
    assert found["standing"] == "booked" and found["adds_up"]
    decision = found["decision"]
    assert (decision["pool"], decision["product"], decision["account"]) == (pool, product, "globex")
    assert decision["outcome"] == "served" and decision["generation"] >= 1 and decision["clause"]
    assert found["transaction"]["number"] >= 1
    assert re.fullmatch(r"[0-9a-f]{64}", found["transaction"]["sha256"])
    kinds = {line["kind"] for line in found["lines"]}
    assert {"usage", "sale", "cost", "share"} <= kinds
    for line in found["lines"]:
        if line["kind"] in ("sale", "cost"):
            exact = decimal.Decimal(line["quantity"]) * decimal.Decimal(line["price_per_million"]) / 10**6
            assert decimal.Decimal(line["amount_unrounded"]) == exact
            assert "price" in line["clause"]
        assert "lab" in line["statements"]
    text = traced.cli("trace", request).stdout
    assert "transaction" in text and found["lines"][0]["line"][:8] in text
    assert max(map(len, text.splitlines())) <= 80


def test_each_line_of_a_statement_is_made_of_records_that_add_up_to_it(traced):
    month = month_of(traced)
    statement = traced.json("statement", "--party", "lab", "--month", month)
    lines = [line for part in ("capacity", "shares", "sales", "memo_sales", "reserved")
             for line in statement[part]]
    lines += [base for share in statement["shares"] for base in share["products"]]
    assert len(lines) >= 8
    text = traced.cli("statement", "--party", "lab", "--month", month).stdout
    table = traced.cli("statement", "--party", "lab", "--month", month, "--csv").stdout
    in_table = {row["line"] for row in csv.DictReader(io.StringIO(table)) if row["line"]}
    for line in lines:
        found = traced.json("trace", line["line"], "--limit", "1000")
        assert found["adds_up"], line
        assert len(found["records"]) == found["record_count"] > 0
        assert line["line"][:8] in text and line["line"] in in_table
        if "quantity" in line:
            assert sum(int(r["quantity"]) for r in found["records"]) == int(line["quantity"])
            parts = sum(decimal.Decimal(r["amount_unrounded"]) for r in found["records"])
            assert parts.quantize(NANO, decimal.ROUND_HALF_EVEN) == decimal.Decimal(line["amount"])
        elif "rate_ppb" in line:
            parts = sum(decimal.Decimal(r["base_unrounded"]) for r in found["records"])
            assert parts == sum(decimal.Decimal(p["base_unrounded"]) for p in found["bases"])
            assert parts == sum(decimal.Decimal(p["amount_unrounded"]) for p in found["counted_from"])
        # and down to a record, which leads back up to this line
        up = traced.json("trace", found["records"][0]["request"])
        assert line["line"] in [x["line"] for x in up["lines"]]


def test_a_line_is_found_by_the_digits_that_paper_has(traced):
    month = month_of(traced)
    statement = traced.json("statement", "--party", "acme", "--month", month)
    line = statement["sales"][0]["line"]
    result = traced.cli("trace", line[:8])
    assert "come to exactly what this line holds" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80
    some = traced.cli("trace", line, "--limit", "1").stdout
    assert "the first 1:" in some


def test_what_is_no_id_is_refused_with_what_would_be_one(traced):
    for wrong, code in (("hello", 2), ("req_" + "0" * 32, 1), ("0" * 16, 1), ("abc", 2)):
        result = traced.cli("trace", wrong, check=False)
        assert result.returncode == code and result.stderr.startswith("offtake: "), result
    assert traced.cli("trace", "--limit", "0", "x", check=False).returncode == 2


def test_balances_and_statements_as_of_a_recorded_instant_are_those_of_then(traced):
    month = month_of(traced)
    first = traced.json("trace", traced.ids[0][1])["transaction"]
    then = traced.json("balance", "receivable/acme", "--as-of", first["recorded"])
    now = traced.json("balance", "receivable/acme")
    assert then["transaction"] == first["number"]
    lines = traced.json("trace", traced.ids[0][1])["lines"]
    exact = sum(decimal.Decimal(x["amount_unrounded"]) for x in lines if x["kind"] == "sale")
    assert decimal.Decimal(then["balances"][0]["amount"]) == exact.quantize(NANO)
    assert int(now["balances"][0]["amount_nanos"]) > int(then["balances"][0]["amount_nanos"])
    nothing = traced.json("balance", "receivable/acme", "--until", "2001-01")
    assert nothing["balances"] == [
        {"account": "receivable/acme", "amount": "0.00", "amount_nanos": "0"}]
    old = traced.json("statement", "--party", "acme", "--month", month, "--as-of", first["recorded"])
    assert old["transaction"] == first["number"]
    assert old["journal_sha256"] == first["sha256"]
    assert decimal.Decimal(old["totals"]["sales"]) == decimal.Decimal(then["balances"][0]["amount"])
    whole = traced.json("statement", "--party", "acme", "--month", month)
    again = traced.json("statement", "--party", "acme", "--month", month, "--as-of", "2199-01-01")
    assert whole["totals"] == again["totals"] and whole["sales"] == again["sales"]
    assert traced.cli("balance", "receivable/nobody", check=False).returncode == 1
    assert traced.cli("balance", "--as-of", "yesterday", check=False).returncode == 2


# ---- the journal for other programs ---------------------------------------------------------------


def ours(stack, *arguments):
    return {b["account"]: decimal.Decimal(b["amount"])
            for b in stack.json("balance", *arguments)["balances"]}


def account_of(name):
    """The documented mapping, read back without a look at the code."""
    parts = []
    for part in name.split(":")[1:]:
        part = part if part.startswith("X") else part[0].lower() + part[1:]
        parts.append(re.sub("X([0-9A-F]{2})", lambda hit: chr(int(hit[1], 16)), part))
    return "/".join(parts)


def hledger(journal, *arguments):
    return subprocess.run(["hledger", "-f", str(journal), *arguments], capture_output=True, text=True)


def hledger_balances(journal):
    result = hledger(journal, "balance", "--flat", "--empty", "-O", "csv")
    assert result.returncode == 0, result.stderr
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    return {account_of(r["account"]): decimal.Decimal(r["balance"].removesuffix(" USD"))
            for r in rows if r["account"] != "total"}


def beancount_balances(journal):
    entries, errors, _ = loader.load_file(str(journal))
    sums = {}
    for entry in entries:
        if isinstance(entry, beancount_data.Transaction):
            for posting in entry.postings:
                name = account_of(posting.account)
                sums[name] = sums.get(name, decimal.Decimal(0)) + posting.units.number
    return sums, errors


def test_hledger_reads_the_journal_and_has_our_balances_to_the_nano_unit(traced, tmp_path):
    assert shutil.which("hledger"), "hledger is in packages.txt"
    journal = tmp_path / "books.journal"
    traced.cli("ledger", "export", "--format", "hledger", "--output", str(journal))
    checked = hledger(journal, "check", "--strict")
    assert checked.returncode == 0, checked.stderr
    assert hledger_balances(journal) == ours(traced)


def test_hledger_refuses_our_assertions_when_one_nano_unit_is_wrong(traced, tmp_path):
    journal = tmp_path / "books.journal"
    traced.cli("ledger", "export", "--format", "hledger", "--output", str(journal))
    journal.write_text(a_nano_more(journal.read_text(), r"(0 USD = )(-?\d+\.\d{9})"))
    checked = hledger(journal, "check")
    assert checked.returncode != 0 and "assertion" in checked.stderr


def a_nano_more(text, pattern):
    """TEXT with the last hit of PATTERN a nano-unit larger."""
    hit = list(re.finditer(pattern, text))[-1]
    return text[:hit.start(2)] + f"{decimal.Decimal(hit[2]) + NANO:.9f}" + text[hit.end(2):]


def test_beancount_reads_the_journal_and_has_our_balances_to_the_nano_unit(traced, tmp_path):
    journal = tmp_path / "books.beancount"
    traced.cli("ledger", "export", "--format", "beancount", "--output", str(journal))
    sums, errors = beancount_balances(journal)
    assert not errors, errors[:3]
    assert sums == ours(traced)


def test_beancount_refuses_our_assertions_when_one_nano_unit_is_wrong(traced, tmp_path):
    """Its own tolerance for nine decimals is a nano-unit: without "~ 0" this would pass."""
    journal = tmp_path / "books.beancount"
    traced.cli("ledger", "export", "--format", "beancount", "--output", str(journal))
    whole = journal.read_text()
    journal.write_text(a_nano_more(whole, r"( balance \S+  )(-?\d+\.\d{9})"))
    _, errors = beancount_balances(journal)
    assert len(errors) == 1 and "Balance failed" in errors[0].message
    journal.write_text(a_nano_more(whole, r"\n(  \S+  )(-?\d+\.\d{9}) USD\n    line"))
    _, errors = beancount_balances(journal)
    assert any("does not balance" in error.message for error in errors)


def test_the_csv_journal_and_a_months_export_hold_the_same(traced, tmp_path):
    month = month_of(traced)
    table = traced.cli("ledger", "export", "--format", "csv", "--month", month).stdout
    sums = {}
    for row in csv.DictReader(io.StringIO(table)):
        assert decimal.Decimal(row["amount"]) == int(row["amount_nanos"]) * NANO
        sums[row["account"]] = sums.get(row["account"], 0) + decimal.Decimal(row["amount"])
    assert sums == ours(traced, "--until", month)
    empty = tmp_path / "empty.journal"
    traced.cli("ledger", "export", "--format", "hledger", "--month", "2001-01", "--output", str(empty))
    assert hledger_balances(empty) == {}
    first = traced.json("trace", traced.ids[0][1])["transaction"]
    early = tmp_path / "early.beancount"
    traced.cli("ledger", "export", "--format", "beancount", "--as-of", first["recorded"],
               "--output", str(early))
    sums, errors = beancount_balances(early)
    assert not errors and sums == ours(traced, "--as-of", first["recorded"])


def test_every_transaction_stands_in_the_export_with_its_hash(traced):
    text = traced.cli("ledger", "export", "--format", "hledger").stdout
    verified = traced.json("ledger", "verify")
    numbers = [int(n) for n in re.findall(r"^\d{4}-\d\d-\d\d \* \((\d+)\)", text, re.M)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert re.findall(r"sha256:([0-9a-f]{64})", text)[-1] == verified["chain_head"]
