# SPDX-License-Identifier: Apache-2.0
"""Months that are closed, statements that two persons approve, what comes late, and statements made again."""

import csv
import datetime
import io
import json
import subprocess

import pytest

from stack import chat

FORMS = {"text": (), "json": ("--json",), "csv": ("--csv",)}


def at(stack, instant):
    """The same books, later or earlier."""
    stack.stop_daemon()
    stack.serve_args[stack.serve_args.index("--rehearse-at") + 1] = instant
    stack.start_daemon()


def refused(stack, *arguments):
    result = stack.cli(*arguments, check=False)
    assert result.returncode == 1, (arguments, result.stdout, result.stderr)
    return " ".join(result.stderr.split())


def served(stack, key, count=1):
    for _ in range(count):
        status, _, body = chat(stack, key)
        assert status == 200, body
    stack.drain()


def saved(stack, tmp_path, name, *arguments):
    """The statement in all four forms, as files."""
    paths = {}
    for form, options in FORMS.items():
        paths[form] = tmp_path / f"{name}.{form}"
        paths[form].write_text(stack.cli(*arguments, *options).stdout)
    paths["pdf"] = tmp_path / f"{name}.pdf"
    stack.cli(*arguments, "--pdf", str(paths["pdf"]))
    return paths


def same(stack, path):
    result = stack.cli("statement", "--reproduce", str(path), check=False)
    assert result.returncode == 0 and "The same" in result.stdout, (path, result.stdout, result.stderr)


def net(statement):
    return int(statement["totals"]["net_payable_nanos"])


@pytest.fixture(scope="module")
def books(make_module_stack, tmp_path_factory):
    """March is used, closed and final; some of March comes late; then it is April."""
    stack = make_module_stack(serve_args=["--rehearse-at", "2026-03-20T12:00:00Z"])
    files = tmp_path_factory.mktemp("statements")
    key = stack.key("acme", "api")
    served(stack, key, 3)
    march = ("--party", "bigcloud", "--month", "2026-03")
    seen = {"not over": refused(stack, "period", "soft-close", "2026-03", "--by", "ann")}
    seen["ad hoc"] = saved(stack, files, "ad-hoc", "statement", *march)
    at(stack, "2026-04-02T00:00:00Z")
    seen["too early"] = refused(stack, "period", "close", "2026-03", "--by", "ann")
    seen["soft"] = stack.json("period", "soft-close", "2026-03", "--by", "ann")
    at(stack, "2026-03-25T00:00:00Z")
    served(stack, key)
    at(stack, "2026-04-02T00:00:00Z")
    seen["draft"] = stack.json("statement", "draft", *march, "--by", "ann")
    seen["draft files"] = saved(stack, files, "draft", "statement", "show", "1")
    seen["nobody approved"] = refused(stack, "statement", "final", "1", "--by", "ann")
    stack.cli("statement", "approve", "1", "--by", "ann")
    seen["twice"] = refused(stack, "statement", "approve", "1", "--by", "ANN")
    seen["approved"] = stack.json("statement", "approve", "1", "--by", "bob")
    seen["approved files"] = saved(stack, files, "approved", "statement", "show", "1")
    seen["third"] = refused(stack, "statement", "approve", "1", "--by", "carl")
    seen["not closed"] = refused(stack, "statement", "final", "1", "--by", "carl")
    seen["closed"] = stack.json("period", "close", "2026-03", "--by", "bob")
    seen["closed twice"] = refused(stack, "period", "close", "2026-03", "--by", "bob")
    seen["final"] = stack.json("statement", "final", "1", "--by", "carl")
    seen["final files"] = saved(stack, files, "final", "statement", "show", "1")
    seen["second"] = refused(stack, "statement", "draft", *march, "--by", "ann")
    at(stack, "2026-03-26T00:00:00Z")
    served(stack, key, 2)
    at(stack, "2026-04-03T00:00:00Z")
    served(stack, key)
    seen["restated"] = stack.json("statement", "restate", "1", "--by", "ann")
    seen["restated files"] = saved(stack, files, "restated", "statement", "show", "2")
    return stack, seen


def test_a_month_is_closed_in_order_and_only_once_it_is_over(books):
    _, seen = books
    assert "not over" in seen["not over"]
    assert "soft-close it first" in seen["too early"]
    assert seen["soft"]["state"] == "soft-closed" and seen["soft"]["soft_closed"]["by"] == "ann"
    assert seen["closed"]["state"] == "closed" and seen["closed"]["closed"]["by"] == "bob"
    assert "closed already" in seen["closed twice"]


def test_two_different_persons_approve_and_the_month_is_closed_before_it_is_final(books):
    _, seen = books
    assert seen["draft"]["status"] == "draft" and seen["draft"]["number"] == 1
    assert "0 approvals" in seen["nobody approved"]
    assert "two persons" in seen["twice"]
    assert [a["by"] for a in seen["approved"]["approvals"]] == ["ann", "bob"]
    assert "approved by two persons" in seen["third"]
    assert "is not closed" in seen["not closed"]
    assert seen["final"]["status"] == "final" and seen["final"]["final"]["by"] == "carl"
    assert "final already; restate it" in seen["second"]


def test_what_comes_after_a_soft_close_stands_apart_in_its_own_month(books):
    _, seen = books
    march = json.loads(seen["final files"]["json"].read_text())
    late = [line for line in march["capacity"] if "late_of" in line]
    assert late and all(line["late_of"] == line["booked_in"] == "2026-03" for line in late)
    assert "late, of 2026-03: east" in seen["final files"]["text"].read_text()


def test_what_comes_after_a_close_lands_in_the_open_month_and_names_its_own(books):
    stack, seen = books
    april = stack.json("statement", "--party", "bigcloud", "--month", "2026-04")
    late = [line for line in april["capacity"] if "late_of" in line]
    assert late and all((line["late_of"], line["booked_in"]) == ("2026-03", "2026-04") for line in late)
    text = stack.cli("statement", "--party", "bigcloud", "--month", "2026-04").stdout
    assert "late, of 2026-03: " in text
    rows = list(csv.DictReader(io.StringIO(
        stack.cli("statement", "--party", "bigcloud", "--month", "2026-04", "--csv").stdout)))
    assert {row["late_of"] for row in rows if row["section"] == "capacity"} == {"", "2026-03"}
    # March is what it was, and all of it is charged once.
    assert seen["final files"]["json"].read_text() == stack.cli("statement", "show", "1", "--json").stdout
    again = stack.json("statement", "--party", "bigcloud", "--month", "2026-03")
    assert again["totals"] == json.loads(seen["final files"]["json"].read_text())["totals"]


def test_a_restatement_names_the_old_one_and_shows_each_difference(books):
    stack, seen = books
    new = json.loads(seen["restated files"]["json"].read_text())
    old = json.loads(seen["final files"]["json"].read_text())
    assert seen["restated"]["restates"] == 1
    assert seen["final"]["text_sha256"] in new["restates"]
    assert int(new["net_was_nanos"]) == net(old)
    assert net(new) - net(old) == int(new["net_more_nanos"]) > 0
    signs = {"capacity": 1, "sale": -1, "share": 1}
    assert sum(signs[d["kind"]] * int(d["more_nanos"]) for d in new["deltas"] if d["in_net"]) == \
        int(new["net_more_nanos"])
    assert all(d["late_of"] == "2026-03" and d["booked_in"] == "2026-04" for d in new["deltas"])
    text = seen["restated files"]["text"].read_text()
    assert "Against statement 1, line by line" in text and "late, booked in 2026-04: " in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("which", ["ad hoc", "draft files", "approved files", "final files", "restated files"])
@pytest.mark.parametrize("form", ["text", "json", "csv", "pdf"])
def test_a_statement_is_made_again_byte_for_byte(books, which, form):
    stack, seen = books
    same(stack, seen[which][form])


def test_every_form_prints_what_it_depends_on(books):
    _, seen = books
    about = json.loads(seen["final files"]["json"].read_text())
    for name in ("deal_sha256", "journal_sha256", "transaction", "generation", "time_zones", "rounding", "engine",
                 "form", "basis", "status"):
        assert about[name] not in ("", None), name
    rows = {row["item"]: row["note"] for row in csv.DictReader(io.StringIO(seen["final files"]["csv"].read_text()))
            if row["section"] == "about"}
    text = seen["final files"]["text"].read_text()
    for name in ("deal_sha256", "journal_sha256", "generation", "time_zones", "form", "basis"):
        assert rows[name] == about[name]
        assert about[name] in " ".join(text.split())
    assert "DRAFT" in seen["draft files"]["text"].read_text()
    assert "DRAFT" not in text


def test_a_changed_file_is_told_with_its_first_difference(books, tmp_path):
    stack, seen = books
    text = seen["final files"]["text"].read_text()
    forged = tmp_path / "forged.txt"
    line = next(n for n, words in enumerate(text.splitlines(), 1) if words.startswith("NET"))
    forged.write_text(text.replace("NET: ", "NET  "))
    result = stack.cli("statement", "--reproduce", str(forged), check=False)
    assert result.returncode == 1 and f"line {line}" in result.stdout, result.stdout
    answer = json.loads(stack.cli("statement", "--reproduce", str(forged), "--json", check=False).stdout)
    assert not answer["same"] and answer["first_difference"]["line"] == line
    forged.write_bytes(seen["final files"]["pdf"].read_bytes()[:-1])
    assert stack.cli("statement", "--reproduce", str(forged), check=False).returncode == 1
    forged.write_text("nothing")
    assert "was made from" in refused(stack, "statement", "--reproduce", str(forged))


def test_the_books_hold_every_decision_and_verify(books):
    stack, _ = books
    assert "The books are sound" in stack.cli("ledger", "verify").stdout
    periods = stack.json("period", "list")
    assert periods["late_lands_in"] == "2026-04"
    assert [p["state"] for p in periods["periods"]] == ["closed", "open"]
    assert "made final by carl" in stack.cli("statement", "list").stdout
    assert "2026-03  closed" in stack.cli("period", "list").stdout


def test_the_pdf_has_the_words_of_the_text(books, tmp_path):
    _, seen = books
    pdf = seen["final files"]["pdf"]
    assert pdf.read_bytes().startswith(b"%PDF-") and b"offtake-statement-" in pdf.read_bytes()
    try:
        words = subprocess.run(["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        pytest.skip("pdftotext is not here")
    assert "page 1 of " in words and "Statement of bigcloud, 2026-03" in words
    assert "Journal SHA-256" in words and "Subtotal" in words


def test_outside_a_rehearsal_a_statement_is_made_again_after_the_books_went_on(make_stack, tmp_path):
    stack = make_stack()
    key = stack.key("acme", "api")
    served(stack, key, 2)
    month = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m")
    account = saved(stack, tmp_path, "acme", "statement", "--party", "acme", "--month", month)
    us = saved(stack, tmp_path, "lab", "statement", "--party", "lab", "--month", month)
    served(stack, key, 3)
    stack.key("globex", "api")  # another generation of the policy
    for path in (*account.values(), *us.values()):
        same(stack, path)
    # An instant that the books do not have is not believed.
    forged = tmp_path / "forged.json"
    statement = us["json"].read_text()
    as_of = json.loads(statement)["as_of"]
    forged.write_text(statement.replace(as_of, "2020-01-01T00:00:00Z"))
    assert stack.cli("statement", "--reproduce", str(forged), check=False).returncode == 1
