# SPDX-License-Identifier: Apache-2.0
"""What was metered wrong is put right on a running system: in an open month, in a closed one, and everywhere
that tells of it: statements, traces, days, FOCUS, exports, and the check of the books."""

import csv
import io
import json

import pytest

from stack import chat

MARCH = ("--party", "lab", "--month", "2026-03")
APRIL = ("--party", "lab", "--month", "2026-04")
TOLD = ("--by", "ann", "--reason", "the provider counted otherwise")


def at(stack, instant):
    stack.stop_daemon()
    stack.serve_args[stack.serve_args.index("--rehearse-at") + 1] = instant
    stack.start_daemon()


def refused(stack, *arguments, code=1):
    answer = stack.cli(*arguments, check=False)
    assert answer.returncode == code, (answer.stdout, answer.stderr)
    return answer.stderr


def amounts(statement, part="capacity"):
    """By unit, in nano-units; late ones apart."""
    found = {}
    for line in statement[part]:
        key = (line["unit"], line.get("late_of", ""))
        found[key] = found.get(key, 0) + int(line["amount_nanos"])
    return found


@pytest.fixture(scope="module")
def books(make_module_stack):
    """Three requests of March, each 100 tokens in and 30 out or so."""
    stack = make_module_stack(serve_args=["--rehearse-at", "2026-03-20T12:00:00Z"])
    key = stack.key("acme", "api")
    stack.ids = []
    for _ in range(3):
        status, headers, body = chat(stack, key, content="tokens:100 x", max_tokens=30)
        assert status == 200, body
        stack.ids.append(headers["x-offtake-request-id"])
    stack.drain()
    return stack


def units_of(stack, request):
    return stack.json("trace", request)["record"]["units"]


def test_a_correction_moves_the_open_month_by_its_difference(books):
    request = books.ids[0]
    before = amounts(books.json("statement", *MARCH), "sales")
    was = units_of(books, request)["output"]
    done = json.loads(books.cli("usage", "correct", request, "--output", str(was + 1000), *TOLD, "--json").stdout)
    assert done["booked"] and done["request"] == request
    assert (done["was"]["units"]["output"], done["is"]["units"]["output"]) == (was, was + 1000)
    after = amounts(books.json("statement", *MARCH), "sales")
    line = next(l for l in books.json("statement", *MARCH)["sales"] if l["unit"] == "output")
    price = int(float(line["price_per_million"]) * 1000)  # nano-units a token, of a price for a million
    assert after[("output", "")] - before[("output", "")] == 1000 * price
    assert after[("input", "")] == before[("input", "")]
    again = books.cli("usage", "correct", request, "--output", str(was + 1000), *TOLD)
    assert "nothing to do" in again.stdout
    assert books.cli("ledger", "verify").returncode == 0


def test_a_request_that_is_void_owes_nothing_and_can_come_back(books):
    request = books.ids[1]
    usage = books.json("statement", *MARCH)["sales"]
    text = books.cli("usage", "correct", request, "--void", "--by", "bob", "--reason", "sent twice",
                     "--reference", "ticket-9").stdout
    assert "void" in text and "-> 0" in text and max(map(len, text.splitlines())) <= 80
    less = books.json("statement", *MARCH)["sales"]
    assert sum(int(l["amount_nanos"]) for l in less) < sum(int(l["amount_nanos"]) for l in usage)
    trace = books.cli("trace", request).stdout
    assert "Corrected by bob" in trace and "sent twice" in trace and max(map(len, trace.splitlines())) <= 80
    units = units_of(books, request)
    back = ("usage", "correct", request, "--output", str(units["output"]), *TOLD, "--reference", "ticket-10")
    books.cli(*back)
    assert amounts(books.json("statement", *MARCH), "sales") == {
        (l["unit"], ""): int(l["amount_nanos"]) for l in usage}
    assert "nothing to do" in books.cli(*back).stdout
    assert "used for another correction" in refused(
        books, "usage", "correct", books.ids[2], "--void", *TOLD, "--reference", "ticket-10")


def test_the_list_says_what_who_and_why(books):
    found = books.json("usage", "corrections")["corrections"]
    assert [c["what"] for c in found] == ["corrected", "void", "corrected"]
    assert [c["by"] for c in found] == ["ann", "bob", "ann"]
    assert found[1]["is"] is None and found[2]["was"] is None
    assert len(books.json("usage", "corrections", books.ids[1])["corrections"]) == 2
    text = books.cli("usage", "corrections").stdout
    assert "sent twice" in text and max(map(len, text.splitlines())) <= 80
    rows = list(csv.DictReader(io.StringIO(books.cli("usage", "corrections", "--csv").stdout)))
    assert rows[1]["what"] == "void" and rows[1]["output_is"] == "0" and rows[1]["output_was"] != "0"


def test_what_is_wrong_with_the_words_is_said(books):
    request = books.ids[0]
    assert "--by, --reason" in refused(books, "usage", "correct", request, "--void", code=2)
    assert "is no count" in refused(books, "usage", "correct", request, "--output", "many", *TOLD, code=2)
    assert "say what is right" in refused(books, "usage", "correct", request, *TOLD, code=2)
    assert "is no request's id" in refused(books, "usage", "correct", "req_1", "--void", *TOLD, code=2)
    assert "no record of request" in refused(books, "usage", "correct", "req_" + "0" * 32, "--void", *TOLD)
    assert "service tier" in refused(books, "usage", "correct", request, "--tier", "golden", *TOLD, code=2)
    assert "say nothing more" in refused(books, "usage", "correct", code=2)


def test_a_closed_month_stays_as_it_is_and_the_next_one_names_it(books, tmp_path):
    request = books.ids[2]
    at(books, "2026-04-02T00:00:00Z")
    books.cli("period", "soft-close", "2026-03", "--by", "ann")
    books.cli("period", "close", "2026-03", "--by", "bob")
    march = books.json("statement", *MARCH)
    was = units_of(books, request)
    books.cli("usage", "correct", request, "--output", "0", *TOLD)
    assert books.json("statement", *MARCH)["totals"] == march["totals"]
    april = books.json("statement", *APRIL)
    late = next(l for l in april["sales"] if l["unit"] == "output")
    assert late["late_of"] == "2026-03" and late["quantity"] == str(-was["output"])
    assert int(late["amount_nanos"]) < 0
    text = books.cli("statement", *APRIL).stdout
    assert "late, of 2026-03: " in text and "-" + str(was["output"]) in text
    line = books.json("trace", late["line"])
    assert line["adds_up"] and [r["correction"] for r in line["records"]][0] == "taken-back"
    assert "taken back by a correction" in books.cli("trace", late["line"]).stdout
    # The day is the request's; FOCUS calls it a correction and the file passes its rules.
    day = next(r for r in csv.DictReader(io.StringIO(books.cli("metering", "--month", "2026-04").stdout))
               if r["unit"] == "output")
    assert day["day"] == "2026-03-20" and day["quantity"] == str(-was["output"])
    for which in (("--version", "1.2"), ("--version", "1.4")):
        path = tmp_path / f"april-{which[1]}.csv"
        books.cli("focus", "export", "--month", "2026-04", *which, "--output", str(path))
        rows = list(csv.DictReader(path.open()))
        assert any(r["ChargeClass"] == "Correction" and r["BilledCost"].startswith("-") for r in rows)
        checked = books.cli("focus", "check", str(path), *which, check=False)
        assert checked.returncode == 0, checked.stdout
    assert books.cli("ledger", "verify").returncode == 0
    journal = books.cli("ledger", "export", "--format", "csv").stdout
    assert journal
