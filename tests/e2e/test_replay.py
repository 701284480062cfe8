# SPDX-License-Identifier: Apache-2.0
"""Recorded traffic through the whole path: the ledger holds exactly its tokens and nano-dollars."""

import csv
import json
import os
from fractions import Fraction

import pytest

from stack import OFFTAKE, ROOT

TRACE = ROOT.parent / "shared" / "data" / "azure-llm-2023-conv.csv"
ROWS = int(os.environ.get("OFFTAKE_REPLAY_ROWS", "19366"))


def replay(stack, key, path, *more):
    import subprocess
    key_file = stack.directory / "replay.key"
    key_file.write_text(key + "\n")
    key_file.chmod(0o600)
    return subprocess.run(
        [str(OFFTAKE), "replay", str(path), "--url", stack.url, "--key-file", str(key_file),
         "--model", "gpt-4o", "--speed", "0", *more],
        capture_output=True, text=True, timeout=400)


def totals_of(stack):
    usage = json.loads(stack.cli("usage", "--json").stdout)["usage"]
    rows = [r for r in usage if r["outcome"] == "served"]
    assert rows and all(r["outcome"] == "served" for r in usage)
    return (sum(r["requests"] for r in rows), sum(r["input"] + r["cached"] for r in rows),
            sum(r["output"] + r["reasoning"] for r in rows))


def check_books(stack, requests, prompt, output, month):
    assert totals_of(stack) == (requests, prompt, output)
    sale = (Fraction(5) * prompt + Fraction(20) * output) / 10**6
    cost = (Fraction(5, 2) * prompt + Fraction(10) * output) / 10**6
    account = json.dumps(stack.json("statement", "--party", "acme", "--month", month))
    party = json.dumps(stack.json("statement", "--party", "bigcloud", "--month", month))
    assert str(int(sale * 10**9)) in account
    assert str(int(cost * 10**9)) in party
    assert str(int(sale * 10**9 / 5)) in party
    assert stack.cli("ledger", "verify").returncode == 0


def month_now():
    import datetime
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m")


def test_a_small_trace_is_booked_to_the_token(make_stack, tmp_path):
    stack = make_stack()
    key = stack.key("acme", "api")
    trace = tmp_path / "trace.csv"
    rows = [(374, 44), (396, 109), (1, 1), (7433, 800)]
    trace.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\r\n" + "".join(
        f"2023-11-16 18:15:4{n}.6805900,{c},{g}\r\n" for n, (c, g) in enumerate(rows)))
    result = replay(stack, key, trace)
    assert result.returncode == 0, result.stdout + result.stderr
    stack.drain()
    check_books(stack, len(rows), sum(r[0] for r in rows), sum(r[1] for r in rows), month_now())


def test_a_broken_trace_is_refused_with_its_line(make_stack, tmp_path):
    stack = make_stack()
    key = stack.key("acme", "api")
    trace = tmp_path / "trace.csv"
    trace.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,12,x\n")
    result = replay(stack, key, trace)
    assert result.returncode != 0
    assert "trace.csv:2" in result.stdout + result.stderr


def test_the_published_azure_trace_is_booked_to_the_token(make_stack):
    if not TRACE.exists():
        pytest.skip("the published trace is not beside the checkout (../shared/data)")
    with open(TRACE, newline="", encoding="ascii") as f:
        rows = [(int(r["ContextTokens"]), int(r["GeneratedTokens"])) for r in csv.DictReader(f)]
    assert (len(rows), sum(r[0] for r in rows), sum(r[1] for r in rows)) == (19366, 22361870, 4088665)
    rows = rows[:ROWS]
    stack = make_stack()
    key = stack.key("acme", "api")
    result = replay(stack, key, TRACE, *([] if len(rows) == 19366 else ["--limit", str(len(rows))]))
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    stack.drain()
    check_books(stack, len(rows), sum(r[0] for r in rows), sum(r[1] for r in rows), month_now())
