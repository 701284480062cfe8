# SPDX-License-Identifier: Apache-2.0
"""`offtake prices`: public price lists become price books, exactly; what is in force; what changed."""

import json
import pathlib
import random
import subprocess
from fractions import Fraction

import pytest

from stack import OFFTAKE

FOLDER = pathlib.Path(__file__).resolve().parent / "prices"
LITELLM = FOLDER / "litellm.json"
MODELS_DEV = FOLDER / "models-dev.json"

HEAD = """\
deal "Prices"
customer lab
currency USD
party    cloud "Cloud"
provider alpha of cloud
product  api "API" class inference { price * input 5 USD per 1M tokens output 20 USD per 1M tokens }
"""


def run(*arguments):
    return subprocess.run([str(OFFTAKE), *map(str, arguments)], capture_output=True, text=True, timeout=60)


def check(path):
    return json.loads(run("check", path, "--json").stdout)


def emitted_prices(path):
    result = run("check", path, "--emit", "json")
    assert result.returncode == 0, result.stderr
    return {price["id"]: price for price in json.loads(result.stdout)["prices"]}


def deal_with(tmp_path, book, models=()):
    serves = "".join(f"    serves {model} at https://e.example/v1 kind openai key env K\n" for model in models)
    deal = tmp_path / "main.deal"
    deal.write_text(HEAD + "".join(f"model {model}\n" for model in models)
                    + "pool east on alpha {\n" + serves + "}\n" + 'include "book.deal"\n')
    (tmp_path / "book.deal").write_text(book)
    return deal


def test_an_imported_list_is_a_price_book_that_check_accepts_to_the_last_digit(tmp_path):
    result = run("prices", "import", "--format", "litellm", LITELLM, "--pool", "east", "--from", "2026-01-01",
                 "--map", "tiny-1=tiny", "--map", "vendor/long-2=long", "--map", "tiers-3=tiers")
    assert result.returncode == 0, result.stderr
    assert "3 of 10 models" in result.stderr and "7 models were not asked for" in result.stderr
    assert max(map(len, result.stdout.splitlines())) <= 80
    deal = deal_with(tmp_path, result.stdout, ["tiny", "long", "tiers"])
    assert check(deal)["errors"] == 0, run("check", deal).stdout
    prices = emitted_prices(deal)
    assert prices["east.price.tiny@2026-01-01"]["per_million"]["input"] == "0.15"
    assert prices["east.price.long+above-200000@2026-01-01"]["per_million"]["cache_write"] == "7.50"
    assert prices["east.price.tiers+flex+above-272000@2026-01-01"]["per_million"]["input"] == "5.00"


def test_what_no_line_can_say_is_a_comment_with_key_value_and_why():
    text = run("prices", "import", "--format", "litellm", LITELLM).stdout
    comments = " ".join(line.strip("# ") for line in text.splitlines() if line.lstrip().startswith("#"))
    assert "left out: speech-8 input_cost_per_second 0.0002833333333333333 -- no class of usage here" in comments
    assert "left out: noise-9 input_cost_per_token 1.0000000000000001e-07 -- not a whole number" in comments
    assert "left out: tiers-3 regional_processing_uplift_multiplier_eu 1.1 -- no class" in comments


# Where each price of LiteLLM's goes, and what is known to say nothing of a price.
CLASSES = {"input_cost_per_token": "input", "output_cost_per_token": "output",
           "cache_read_input_token_cost": "cached", "cache_creation_input_token_cost": "cache-write",
           "output_cost_per_reasoning_token": "reasoning", "input_cost_per_audio_token": "audio"}
FACTS = {"litellm_provider", "mode", "max_tokens", "supports_vision"}


def random_number(rng):
    """A decimal of 1 to 12 digits around the prices of tokens, in one of the notations of JSON."""
    digits = str(rng.randrange(1, 10 ** rng.randrange(1, 13)))
    exponent = -rng.randrange(4, 20)
    text = rng.choice([f"{digits}e{exponent}", f"{digits}.0E{exponent}", f"{digits}00e{exponent - 2}",
                       f"{digits[0]}.{digits[1:] or '0'}e{exponent + len(digits) - 1}"])
    return text, Fraction(int(digits)) * Fraction(10) ** exponent


@pytest.mark.parametrize("seed", range(5))
def test_a_random_table_in_litellms_format_comes_out_as_the_exact_fractions(tmp_path, seed):
    rng = random.Random(seed)
    truth, rows = {}, []
    for i in range(60):
        fields = ['"litellm_provider": "x"', '"mode": "chat"', '"max_tokens": 4096']
        for key in rng.sample(sorted(CLASSES), rng.randrange(1, len(CLASSES))):
            text, value = random_number(rng)
            truth[f"m{i}", CLASSES[key]] = value * 10 ** 6
            fields.append(f'"{key}": {text}')
        rng.shuffle(fields)
        rows.append(f'"m{i}": {{{", ".join(fields)}}}')
    (tmp_path / "list.json").write_text("{" + ",\n".join(rows) + "}")
    book = json.loads(run("prices", "import", "--format", "litellm", tmp_path / "list.json", "--json").stdout)
    said = {(row["model"], name): Fraction(amount)
            for row in book["prices"] for name, amount in row["per_million"].items()}
    told = {(left["theirs"], CLASSES.get(left["key"], left["key"])) for left in book["left_out"]}
    whole = {model for model, name in told if name == ""}
    for (model, name), value in truth.items():
        if (value * 10 ** 9).denominator == 1:  # a whole number of nano-dollars per million
            assert said.get((model, name)) == value or model in whole
        else:
            assert (model, name) in told and (model, name) not in said
    assert said.keys() <= truth.keys()
    assert any(value in said.values() for value in truth.values())


def test_both_formats_say_the_same_of_the_same_model():
    ours = [json.loads(run("prices", "import", "--format", name, path, "--map", f"{theirs}=m", "--json").stdout)
            for name, path, theirs in (("litellm", LITELLM, "vendor/long-2"),
                                       ("models.dev", MODELS_DEV, "example/long-2"))]
    rows = [[(row["above_tokens"], row["per_million"]) for row in book["prices"]] for book in ours]
    assert rows[0] == rows[1] and len(rows[0]) == 2


@pytest.mark.parametrize("arguments,code,words", [
    (("--format", "litellm", LITELLM, "--map", "nobody=x"), 1, "0 of 10 models"),
    (("--format", "models.dev", LITELLM), 1, "\"sample_spec\" has no models"),
    (("--format", "litellm", "/nonexistent.json"), 3, "cannot open"),
    (("--format", "csv", LITELLM), 2, "--format litellm"),
    ((LITELLM,), 2, "--format litellm"),
    (("--format", "litellm", LITELLM, "--map", "a"), 2, "THEIRS=OURS"),
    (("--format", "litellm", LITELLM, "--from", "soon"), 2, "no date"),
    (("--format", "litellm", LITELLM, "--pool", "a b"), 2, "no name"),
    (("--format", "litellm", LITELLM, "--pool", "a", "--product", "b"), 2, "not both"),
])
def test_what_cannot_be_imported_is_told(arguments, code, words):
    result = run("prices", "import", *arguments)
    assert result.returncode == code
    assert words in result.stderr


BOOK = """\
prices of pool east {
    price m input 3.00 USD per 1M tokens output 9.00 USD per 1M tokens \\
        after 1bn monthly input 2.50 USD per 1M tokens from 2026-01-01
    price m input 2.00 USD per 1M tokens output 8.00 USD per 1M tokens from 2026-07-01
    price m variant batch input 1.00 USD per 1M tokens output 4.00 USD per 1M tokens from 2026-01-01 until 2027-01-01
    price m above 200K tokens input 6.00 USD per 1M tokens image 0.02 USD per image request 0.001 USD per request
}
"""


def test_list_shows_what_is_in_force_and_since_when(tmp_path):
    deal = deal_with(tmp_path, BOOK, ["m"])

    def at(instant):
        answer = json.loads(run("prices", "list", deal, "--pool", "east", "--at", instant, "--json").stdout)
        return {row["id"]: row for row in answer["prices"]}
    june, july = at("2026-06-30T23:59:59.999999999Z"), at("2026-07-01")
    assert set(june) == {"east.price.m@2026-01-01", "east.price.m+batch@2026-01-01", "east.price.m+above-200000@always"}
    assert june["east.price.m@2026-01-01"]["steps"][0]["after"] == 1000000000
    assert june["east.price.m@2026-01-01"]["since"] == "2026-01-01T00:00:00Z"
    assert set(july) == {"east.price.m@2026-07-01", "east.price.m+batch@2026-01-01", "east.price.m+above-200000@always"}
    assert set(at("2027-01-01")) == {"east.price.m@2026-07-01", "east.price.m+above-200000@always"}
    text = run("prices", "list", deal, "--at", "2026-03-01").stdout
    assert "pool east\n" in text and "product api\n" in text
    assert "  m, batch\n    since 2026-01-01, until 2027-01-01\n    input 1.00 USD per 1M\n" in text
    assert "    beyond 1000000000 of a class in a month\n      input 2.50 USD per 1M\n" in text
    assert "    request 0.001 USD each\n" in text
    assert run("prices", "list", deal, "--pool", "nobody").returncode == 1


def test_diff_tells_what_was_added_removed_and_changed(tmp_path):
    before = tmp_path / "before"
    after = tmp_path / "after"
    before.mkdir()
    after.mkdir()
    old = deal_with(before, BOOK, ["m"])
    new = deal_with(after, BOOK.replace("input 2.00", "input 1.75").replace("1bn", "2bn")
                    .replace(" variant batch", " variant flex").replace("until 2027-01-01", ""), ["m"])
    same = run("prices", "diff", old, old)
    assert same.returncode == 0 and same.stdout == "No price changed.\n"
    result = run("prices", "diff", old, new)
    assert result.returncode == 1
    assert "changed  east.price.m@2026-07-01\n    input 2.00 -> 1.75 USD per 1M\n" in result.stdout
    assert "changed  east.price.m@2026-01-01\n    its steps by volume\n" in result.stdout
    assert "removed  east.price.m+batch@2026-01-01\n" in result.stdout
    assert "added  east.price.m+flex@2026-01-01\n" in result.stdout
    changes = json.loads(run("prices", "diff", old, new, "--json").stdout)["changes"]
    assert [change["change"] for change in changes] == ["changed", "changed", "removed", "added"]
    assert changes[1]["before"]["input"] == "2.00" and changes[1]["after"]["input"] == "1.75"


@pytest.mark.parametrize("line,code,words", [
    ("price m variant cheap input 1 USD per 1M tokens", "OFT0026", "no variant of a price"),
    ("price m variant batch variant flex input 1 USD per 1M tokens", "OFT0011", "said twice"),
    ("price m above 5 tokens above 6 tokens input 1 USD per 1M tokens", "OFT0011", "said twice"),
    ("price m above 0 tokens input 1 USD per 1M tokens", "OFT0027", "no whole number"),
    ("price m input 1 USD per 1M tokens after 5M monthly input 2 USD per 1M tokens after 5M monthly input 3 USD per "
     "1M tokens", "OFT0065", "does not begin beyond"),
    ("price m input 1 USD per 1M tokens" + " after 5 monthly input 2 USD per 1M tokens" * 17, "OFT0008", "at most 16"),
    ("price m input 1 USD per 1M tokens after 5M monthly", "OFT0001", "stands where"),
])
def test_a_price_that_is_said_wrongly_is_told(tmp_path, line, code, words):
    deal = deal_with(tmp_path, f"prices of pool east {{\n    {line}\n}}\n", ["m"])
    found = {entry["code"]: entry["message"] for entry in check(deal)["diagnostics"]}
    assert words in found.get(code, ""), found


def test_a_book_of_a_pool_that_is_not_there_is_an_error(tmp_path):
    deal = deal_with(tmp_path, "prices of pool eats { price m input 1 USD per 1M tokens }\n", ["m"])
    assert "OFT0012" in {entry["code"] for entry in check(deal)["diagnostics"]}


def test_prices_for_some_requests_change_no_decision(tmp_path):
    plain = "prices of pool east { price m input 3 USD per 1M tokens output 9 USD per 1M tokens }\n"
    with_more = deal_with(tmp_path, plain + BOOK.replace("price m input", "price m above 7 tokens input"), ["m"])
    question = ("--product", "api", "--model", "m", "--at", "2026-08-01", "--json")
    more = json.loads(run("explain", with_more, *question).stdout)
    alone = json.loads(run("explain", deal_with(tmp_path, plain, ["m"]), *question).stdout)
    assert [pool["effective_price_per_million"] for pool in more["eligible"]] == \
        [pool["effective_price_per_million"] for pool in alone["eligible"]] == ["12.00"]
    only = deal_with(tmp_path, "prices of pool east { price m variant batch input 3 USD per 1M tokens }\n", ["m"])
    assert json.loads(run("explain", only, *question).stdout)["eligible"] == []


def test_fmt_keeps_what_a_price_says(tmp_path):
    deal = deal_with(tmp_path, BOOK, ["m"])
    before = emitted_prices(deal)
    assert run("fmt", tmp_path / "book.deal", "--write").returncode == 0
    assert emitted_prices(deal) == before
    assert run("fmt", tmp_path / "book.deal", "--check").returncode == 0
