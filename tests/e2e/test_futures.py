# SPDX-License-Identifier: Apache-2.0
"""timeline, diff and prove on deal files alone: all of a deal's time, and whatever may happen in it."""

import json
import re
import subprocess

import pytest

from stack import OFFTAKE, ROOT

EXAMPLES = ROOT / "examples"
FOUNDING = EXAMPLES / "openai.deal"

SMALL = """\
deal "Small"
customer lab
currency USD
party    big "Big"
party    panel "Panel"
event    agi "AGI" attested by panel
group    gov "Government"
provider east of big
provider west of big
model    m
model    n
product  api "API" class research
product  train "Training" class training
account  acme "ACME"
account  agency "Agency" in gov
agreement one with big {
    effective 2025-01-01
    only: exclusive api on east except gov until earliest of (2030-01-01, agi)
}
pool p on east {
    region us
    serves m at http://127.0.0.1:9101/v1 kind openai
    price * input 1 USD per 1M tokens output 2 USD per 1M tokens
}
pool q on west {
    region eu
    serves m at http://127.0.0.1:9102/v1 kind openai
    serves n at http://127.0.0.1:9102/v1 kind openai
    price * input 1 USD per 1M tokens output 1 USD per 1M tokens
}
"""


def run(*arguments):
    return subprocess.run([str(OFFTAKE), *map(str, arguments)], capture_output=True, text=True, timeout=120)


@pytest.fixture
def small(tmp_path):
    path = tmp_path / "small.deal"
    path.write_text(SMALL)
    return path


def changed(path, old, new):
    assert old in path.read_text()
    other = path.with_name("changed.deal")
    other.write_text(path.read_text().replace(old, new))
    return other


# ---- prove ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("holds,property_text", [
    (True, "only api on east for account acme during 2025-01-01..2026-01-01"),
    (False, "never api on west"),  # before 2025 nothing says so
    (False, "never api on west from 2025-01-01"),  # agencies may
    (False, "never api on west from 2025-01-01 before 2030-01-01 for account acme"),  # agi may happen
    (True, "always api somewhere"),
    (True, "always train with m, n somewhere"),
    (False, "always api with m, n somewhere for account none"),  # n is on west only
    (True, "never train in asia-nowhere"),
    (True, "only train on p, q"),
    (True, "always training in us"),
    (False, "always training in us with n"),
])
def test_a_property_holds_or_a_counterexample_shows_that_it_does_not(small, holds, property_text):
    result = run("prove", small, property_text, "--json")
    if "nowhere" in property_text:
        assert result.returncode == 2 and "no region" in result.stderr
        return
    if property_text.startswith("only api on east"):
        # An event that nobody has attested may happen at any time: suppose that it does not.
        assert json.loads(result.stdout)["holds"] is False
        result = run("prove", small, property_text, "--json", "--attest", "agi=2029-12-31")
    answer = json.loads(result.stdout)
    assert answer["holds"] is holds, answer
    assert result.returncode == (0 if holds else 1)
    assert holds == ("counterexample" not in answer)


def test_the_counterexample_is_the_smallest_and_explain_agrees(small):
    answer = json.loads(run("prove", small, "never api on west from 2025-01-01 for account acme", "--json").stdout)
    found = answer["counterexample"]
    # Without any event the exclusive ends by date in 2030: no event is fewer than one.
    assert found["events"] == [] and found["instant"] == "2030-01-01T00:00:00Z"
    assert (found["product"], found["model"], found["pool"]) == ("api", "m", "q")
    early = json.loads(run("prove", small, "never api on west during 2025-01-01..2029-01-01 for account acme",
                           "--json").stdout)["counterexample"]
    assert early["events"] == ["agi"] and early["instant"] == "2025-01-01T00:00:00Z"
    question = ("explain", small, "--product", "api", "--model", "m", "--account", "acme", "--at", "2026-01-01", "--json")
    without = json.loads(run(*question).stdout)
    with_event = json.loads(run(*question, "--attest", "agi=2026-01-01").stdout)
    assert [c["pool"] for c in without["eligible"]] == ["p"]
    assert {c["pool"] for c in with_event["eligible"]} == {"p", "q"}


def test_prove_says_how_much_it_looked_at(small):
    answer = json.loads(run("prove", small, "always api somewhere", "--json").stdout)
    # 2 sets of events; 3 + 2 regimes... every (regime, kind, model, pool) of each: counted by hand.
    # No event: cuts 2025 and 2030 are 3 regimes, 2 kinds of accounts, m on 2 pools and n on 1: 3 * 2 * 3.
    # The event since ever: the exclusive never holds, yet its dates cut: 2025 is a cut, its end is none: 2 * 2 * 3.
    assert answer["event_sets"] == 2
    assert answer["decisions"] == 18 + 12
    text = run("prove", small, "always api somewhere").stdout
    assert text == "holds: always api somewhere\nlooked at 30 decisions in 2 sets of events: all there are\n"


@pytest.mark.parametrize("property_text,words", [
    ("", "none of never, always, only, equivalent"),
    ("never", "no product or class of the deal"),
    ("never nothing", "no product or class of the deal"),
    ("never api on mars", "neither a provider nor a pool"),
    ("only api", "\"only\" needs a place"),
    ("never api before noon", "no date"),
    ("never api during 2025-01-01", "no DATE..DATE"),
    ("never api during 2026-01-01..2025-01-01", "no time at all"),
    ("never api for acme", "neither \"account\" nor \"group\""),
    ("never api sometimes", "no part of a property"),
])
def test_a_property_that_means_nothing_is_a_usage_error(small, property_text, words):
    result = run("prove", small, property_text)
    assert result.returncode == 2, result.stdout
    assert words in " ".join(result.stderr.split())


def test_too_many_open_events_are_an_error_and_never_a_guess(tmp_path):
    text = SMALL + "".join(f"event e{i} attested by panel\n" for i in range(11))
    text += "agreement two with big {\n    effective 2025-01-01\n    x: exclusive train on east until earliest of (" + \
        ", ".join(f"e{i}" for i in range(11)) + ")\n}\n"
    deal = tmp_path / "many.deal"
    deal.write_text(text)
    result = run("prove", deal, "always api somewhere")
    assert result.returncode == 3 and "events are open" in " ".join(result.stderr.split())


# ---- diff -------------------------------------------------------------------------------------------


def test_a_change_of_words_alone_is_no_difference(small):
    other = changed(small, 'event    agi "AGI" attested by panel', 'event agi "Another title" attested by panel # a comment')
    result = run("diff", small, other)
    assert result.returncode == 0
    # (2 regimes of p and q, m on both and n on one, two products; 2 kinds of accounts; both deals; 2 sets of events.)
    assert result.stdout.startswith("no decision differs\nlooked at ") and "in 2 sets of events" in result.stdout


def test_a_date_moved_is_told_with_time_product_account_and_event(small):
    other = changed(small, "(2030-01-01, agi)", "(2028-01-01, agi)")
    answer = json.loads(run("diff", small, other, "--json").stdout)
    assert answer["same"] is False
    assert [d["models"] for d in answer["differences"]] == ["every model"]  # q serves both
    for found in answer["differences"]:
        assert (found["from"], found["until"]) == ("2028-01-01T00:00:00Z", "2030-01-01T00:00:00Z")
        assert found["product"] == "api" and found["pool"] in {"q"}
        assert found["event_sets"] == [[]]  # once agi has happened both say the same
        assert found["before"]["eligible"] is False and found["after"]["eligible"] is True
        assert "agency" not in found["accounts"]
    text = run("diff", small, other).stdout
    assert "from 2028-01-01 until 2030-01-01" in text and "when not agi" in text


def test_one_word_of_the_founding_case_changes_where_a_model_may_run(tmp_path):
    other = tmp_path / "or.deal"
    other.write_text(FOUNDING.read_text().replace("azure-cannot and azure-declines", "azure-cannot or azure-declines"))
    result = run("diff", FOUNDING, other)
    assert result.returncode == 1
    assert "oci-preview" in result.stdout and "when azure-cannot and not azure-declines" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100
    equivalent = run("prove", FOUNDING, f"equivalent {other}")
    assert (equivalent.returncode, equivalent.stdout) == (1, result.stdout)
    assert run("prove", FOUNDING, f"equivalent {FOUNDING}").returncode == 0


def test_a_price_that_turns_the_order_is_told_and_one_that_does_not_is_none(small):
    """p costs 3 and q costs 2 for a million in and out; both are eligible for training."""
    text = small.read_text()
    cheaper = small.with_name("cheaper.deal")
    cheaper.write_text(text.replace("output 2 USD", "output 0.50 USD"))
    told = json.loads(run("diff", small, cheaper, "--json").stdout)["differences"]
    places = {(d["pool"], d["before"]["place"], d["after"]["place"]) for d in told if d["product"] == "train"}
    assert places == {("p", 2, 1), ("q", 1, 2)}
    assert all(d["before"]["eligible"] and d["after"]["eligible"] for d in told)
    still = small.with_name("still.deal")
    still.write_text(text.replace("output 2 USD", "output 1.50 USD"))
    assert run("diff", small, still).returncode == 0


def test_a_large_deal_is_compared_in_a_moment(tmp_path):
    generate = ROOT / "bench" / "policy" / "generate.py"
    subprocess.run(["python3", str(generate), "--pools", "100", "--clauses", "600", "--keys", "1", "--queries", "1",
                    str(tmp_path)], check=True)
    first = tmp_path / "deal.deal"
    assert run("diff", first, first).returncode == 0
    other = tmp_path / "other.deal"
    other.write_text(first.read_text().replace("region us-east", "region us-west", 1))
    assert run("diff", first, other).returncode == 1


def test_a_pool_or_a_product_that_only_one_deal_has_is_told(small):
    other = changed(small, "pool q on west {", "pool r on west {")
    pools = {(d["pool"], d["before"]["reason"] == "not_there", d["after"]["reason"] == "not_there")
             for d in json.loads(run("diff", small, other, "--json").stdout)["differences"]}
    assert ("q", False, True) in pools and ("r", True, False) in pools


@pytest.mark.parametrize("name", [p.name for p in sorted(EXAMPLES.glob("*.deal"))])
def test_diff_agrees_with_explain_on_the_examples(name, tmp_path):
    """Every difference that is told is one for `explain`, at its first instant and its last."""
    path = EXAMPLES / name
    text = path.read_text()
    other = tmp_path / "other.deal"
    for effective in re.finditer(r"(?m)^    effective (\S+)", text):
        other.write_text(text[:effective.start(1)] + "2026-10-01" + text[effective.end(1):])
        if run("check", other).returncode == 0:
            answer = json.loads(run("diff", path, other, "--json").stdout)
            if not answer["same"]:
                break
    else:
        assert name in {"minimal.deal", "gpu-lab.deal"}  # nothing in these bars a pool
        return
    for found in answer["differences"][:40]:
        events = next(iter(found["event_sets"]))
        attest = [x for e in events for x in ("--attest", f"{e}=1971-01-01")]
        model = found["models"].split(", ")[0]
        if model == "every model":
            model = re.search(r"(?m)^model\s+(\S+)", text).group(1)
        account = found["accounts"].split(", ")[0]
        at = found["from"] if found["from"] != "always" else "1990-01-01"
        for deal, side in ((path, "before"), (other, "after")):
            asked = ["explain", deal, "--product", found["product"], "--model", model, "--at", at, "--json", *attest]
            asked += [] if account in ("none", "every account") else ["--account", account]
            eligible = {c["pool"] for c in json.loads(run(*asked).stdout)["eligible"]}
            assert (found["pool"] in eligible) is found[side]["eligible"], found


# ---- timeline ---------------------------------------------------------------------------------------


def test_the_timeline_of_the_small_deal_is_drawn():
    out = run("timeline", FOUNDING).stdout
    assert max(map(len, out.splitlines())) <= 80
    assert re.search(r"(?m)^ms-2019\.sole +\[=+\)$", out)
    assert "2025-10-28\n    ends    ms-2025-01.api  (by ms-2025-10.api)\n" in out
    assert "ms-2025-10.api ends earlier if this happens: agi" in out


def test_the_regimes_join_and_name_what_begins_and_ends(small):
    answer = json.loads(run("timeline", small, "--json").stdout)
    regimes = answer["regimes"]
    assert regimes[0]["from"] == "always" and regimes[-1]["until"] == "never"
    assert all(a["until"] == b["from"] for a, b in zip(regimes, regimes[1:]))
    assert [r["from"] for r in regimes[1:]] == ["2025-01-01T00:00:00Z", "2030-01-01T00:00:00Z"]
    assert regimes[1]["begins"] == [{"id": "one.only"}] and regimes[2]["ends"] == [{"id": "one.only"}]
    assert answer["clauses"][0]["waits_for"] == ["agi"]
    attested = json.loads(run("timeline", small, "--json", "--attest", "agi=2027-05-01T12:00:00Z").stdout)
    assert [r["from"] for r in attested["regimes"][1:]] == ["2025-01-01T00:00:00Z", "2027-05-01T12:00:00Z"]
    assert attested["clauses"][0]["waits_for"] == []


# ---- explain ----------------------------------------------------------------------------------------


def test_why_not_tells_of_one_pool_only(small):
    asked = ("explain", small, "--product", "api", "--model", "m", "--at", "2026-01-01", "--why-not")
    barred = run(*asked, "q").stdout
    assert "q (west, eu)\n  is barred\n" in barred and "one.only at small.deal:18" in barred and "p (" not in barred
    assert "is eligible, in place 1 of 1" in run(*asked, "p").stdout
    assert "ends by agi" in " ".join(barred.split())
    unknown = run(*asked, "z")
    assert unknown.returncode == 1 and "no pool 'z'" in unknown.stderr
    twin = json.loads(run(*asked, "q", "--json").stdout)
    assert twin["eligible"] == [] and [c["pool"] for c in twin["barred"]] == ["q"]
    elsewhere = run("explain", small, "--product", "api", "--model", "n", "--why-not", "p")
    assert "does not serve this model" in elsewhere.stdout


def test_an_account_in_an_excepted_group_is_answered_otherwise(small):
    asked = ("explain", small, "--product", "api", "--model", "n", "--at", "2026-01-01", "--json")
    assert json.loads(run(*asked).stdout)["allowed"] is False
    assert json.loads(run(*asked, "--account", "acme").stdout)["allowed"] is False
    agency = json.loads(run(*asked, "--account", "agency").stdout)
    assert agency["allowed"] is True and agency["account"] == "agency"
    assert run(*asked, "--account", "nobody").returncode == 1


# ---- docs -------------------------------------------------------------------------------------------


def test_the_outputs_in_the_docs_are_those_of_the_program(tmp_path):
    page = (ROOT / "docs" / "tools.md").read_text()
    proved = run("prove", FOUNDING, "only api on azure during 2025-01-21..2025-10-28").stdout
    assert f"during 2025-01-21..2025-10-28'\n{proved}```" in page
    other = tmp_path / "or.deal"
    other.write_text(FOUNDING.read_text().replace("azure-cannot and azure-declines", "azure-cannot or azure-declines"))
    shown = re.search(r"or\.deal\n(from 2026.*?)  \.\.\.\n", page, re.S).group(1)
    assert run("diff", FOUNDING, other).stdout.startswith(shown)
