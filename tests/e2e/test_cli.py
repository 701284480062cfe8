# SPDX-License-Identifier: Apache-2.0
"""The commands that work on a deal file alone, and how all commands speak."""

import json
import subprocess

import pytest

from stack import OFFTAKE, ROOT

EXAMPLE = ROOT / "examples" / "openai.deal"


def run(*arguments):
    return subprocess.run([str(OFFTAKE), *map(str, arguments)], capture_output=True, text=True,
                          timeout=60)


def test_the_founding_case_checks_clean():
    result = run("check", EXAMPLE)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("at,product,eligible,barred_by", [
    ("2020-06-01", "chatgpt", {"azure"}, "ms-2019.sole"),
    ("2025-01-20", "chatgpt", {"azure"}, "ms-2019.sole"),
    ("2025-06-01", "api", {"azure"}, "ms-2025-01.api"),
    ("2025-06-01", "chatgpt", {"azure", "oci", "coreweave"}, None),
    ("2025-10-27T23:59:59.999999999Z", "api", {"azure"}, "ms-2025-01.api"),
    ("2025-10-28", "api", {"azure"}, "ms-2025-10.api"),
    ("2026-04-26T23:59:59.999999999Z", "api", {"azure"}, "ms-2025-10.api"),
    ("2026-04-27", "api", {"azure", "oci", "coreweave"}, None),
])
def test_the_four_versions_of_the_founding_case_route_as_published(at, product, eligible, barred_by):
    result = run("explain", EXAMPLE, "--product", product, "--model", "gpt-4o", "--at", at, "--json")
    assert result.returncode == 0, result.stderr
    answer = json.loads(result.stdout)
    # A pool's provider is told from its name in this example: azure-east, oci-abilene, ...
    by_pool = {c["pool"]: c for c in answer["eligible"]}
    assert {name.split("-")[0] for name in by_pool} <= eligible
    barred = {c["pool"].split("-")[0]: c["clause"] for c in answer["barred"]}
    if barred_by:
        assert barred and set(barred.values()) == {barred_by}
    assert {name.split("-")[0] for name in by_pool} | set(barred) >= {"azure", "oci", "coreweave"}


def test_an_attested_event_ends_the_clause_that_waits_for_it():
    arguments = ("explain", EXAMPLE, "--product", "api", "--model", "gpt-4o", "--at", "2026-02-01", "--json")
    before = json.loads(run(*arguments).stdout)
    after = json.loads(run(*arguments, "--attest", "agi=2026-01-01").stdout)
    assert len(after["eligible"]) > len(before["eligible"])


ORDERS = """# written by offtake
pool cluster on azure {
    region us-east
    reserved
    available from 2026-03-01 until 2027-03-01
    serves gpt-4o at http://127.0.0.1:9/v1 kind openai
}
"""


def test_capacity_that_was_delivered_stands_beside_a_deal(tmp_path):
    orders = tmp_path / "orders.deal"
    orders.write_text(ORDERS)
    ask = ("explain", EXAMPLE, "--product", "chatgpt", "--model", "gpt-4o", "--json", "--at")
    names = [[c["pool"] for c in json.loads(run(*ask, at, "--orders", orders).stdout)["eligible"]]
             for at in ("2026-02-28", "2026-03-01")]
    assert "cluster" not in names[0] and "cluster" in names[1]
    assert run("check", EXAMPLE, "--orders", orders).returncode == 0


@pytest.mark.parametrize("options,words", [
    (["--key", "sk-live-4711", "--serves", "gpt-4o", "--endpoint", "https://x.example/v1"],
     "--key is env:NAME or file:PATH"),
    (["--key", "env:"], "need --serves MODEL"),
    (["--kind", "openai"], "need --serves MODEL"),
])
def test_where_a_pools_key_is_is_not_passed_over(options, words):
    result = run("deliver", "order-1", "--pool", "new", *options, "--dry-run")
    assert result.returncode == 2 and words in result.stderr
    assert "sk-live" not in result.stderr


def test_a_mistake_in_it_is_told_at_its_place(tmp_path):
    orders = tmp_path / "orders.deal"
    orders.write_text(ORDERS.replace("azure", "nowhere"))
    result = run("check", EXAMPLE, "--orders", orders)
    assert result.returncode == 1 and "orders.deal:2:17: error" in result.stdout
    result = run("check", EXAMPLE, "--orders", tmp_path / "none")
    assert result.returncode == 3 and "cannot open" in result.stderr


def test_check_tells_line_column_reason_and_hint_and_exits_1(tmp_path):
    deal = tmp_path / "bad.deal"
    deal.write_text('deal "x"\ncustomer lab\ncurrency USD\nprovider east of nobody\n')
    result = run("check", deal)
    assert result.returncode == 1
    out = result.stdout + result.stderr
    assert "bad.deal:4:18: error" in out
    assert "provider east of nobody" in out
    assert "^" in out
    twin = json.loads(run("check", deal, "--json").stdout)
    first = twin["diagnostics"][0]
    assert first["line"] == 4 and first["column"] == 18 and first["code"].startswith("OFT")


@pytest.mark.parametrize("command", [
    "check", "explain", "serve", "reload", "status", "keys", "statement", "period", "commitments", "usage",
    "ledger", "drain", "replay"])
def test_every_command_explains_itself_within_80_columns(command):
    result = run(command, "--help")
    assert result.returncode == 0
    assert command in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_an_unknown_command_or_option_is_a_usage_error():
    assert run("conjure").returncode == 2
    assert run("check").returncode == 2
    assert run("check", "--nonsense", EXAMPLE).returncode == 2


def test_a_command_that_cannot_reach_the_daemon_says_how_to_start_it(tmp_path):
    result = run("status", "--data", tmp_path)
    assert result.returncode == 3
    assert "offtake serve" in result.stderr


def test_the_readmes_deal_checks_without_a_word(tmp_path):
    text = (ROOT / "README.md").read_text()
    deal = tmp_path / "lab.deal"
    deal.write_text(text[text.index('deal "A small lab"'):].split("```")[0])
    result = run("check", deal, "--json")
    assert result.returncode == 0, result.stdout
    assert json.loads(result.stdout)["diagnostics"] == []
