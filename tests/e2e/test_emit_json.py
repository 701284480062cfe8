# SPDX-License-Identifier: Apache-2.0
"""`offtake check --emit json` prints what docs/schema/deal.schema.json describes: no more, no less."""

import copy
import json
import pathlib
import random
import re
import subprocess
import sys

import jsonschema
import pytest

from stack import OFFTAKE, ROOT

sys.path.insert(0, str(ROOT / "tests" / "oracle"))

from evaluate import ALWAYS, parse_instant  # noqa: E402
from generate import generate_deal, write_deal  # noqa: E402

SCHEMA = json.loads((ROOT / "docs" / "schema" / "deal.schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
EXAMPLES = sorted((ROOT / "examples").glob("*.deal"))
FOLDER = pathlib.Path(__file__).resolve().parent / "diagnostics"
TERM_NAMES = set(SCHEMA["$defs"]["terms"]["properties"])
KINDS = {"exclusive", "residency", "license", "primary", "commit", "order", "share", "first refusal",
         "first offer", "ceiling"}
GENERATED_DEALS = 100
GENERATED_DEALS_LEAST = 80  # a few of the generated deals are refused on purpose

# Every term of src/deal/terms_table.c, every form of its values, and every other kind of row.
EVERY_TERM = """\
deal "Every term"
customer lab
currency USD
statements in "Europe/Berlin"
party lab "The lab" key "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
party big "Big Cloud"
person ann "Ann Lee" key "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
party other "Other Cloud"
party fund "Fund"
provider east of big
provider west of other
event agi "A milestone" attested by big
event sold "A sale" attested by other
event pause "A pause" attested by big
field toys "Toys"
group agencies "Agencies"
surface console "Console"
surface market "Marketplace"
deduction taxes "Taxes"
deduction refunds "Refunds"
model m
model n limit 4096 output tokens
account acme "ACME" in agencies via console {
    limit 60 requests per minute; limit 8 concurrent requests
    budget 100 USD per day; budget 2k USD per month
}
account globex
product api "API" class inference {
    limit 1m tokens per minute
    budget 0.5 USD per day
    price *  input 1 USD per 1M tokens
    price m  input 3 USD per 1K tokens cached 1 USD per 1M tokens cache-write 2 USD per 1M tokens \\
        output 0.000000001 USD per 1M tokens reasoning 4 USD per 1M tokens audio 5 USD per 1M tokens \\
        image 6 USD per 1M tokens request 0.01 USD per request from 2026-01-01T12:30:00.5Z until agi
}
prices of product api {
    price n variant flex above 200K tokens input 1 USD per 1M tokens after 5M monthly input 0.5 USD per 1M tokens
}
product bigs "Big's" class inference of big field toys {
    price m input 1 USD per 1M tokens
}
product tuning class training
product lab-work class research
pool p on east {
    region us
    accelerator h100 count 64
    reserved
    flat 120k USD per month
    flat 0.5 USD per month from 2026-01-31T12:00:00Z until sold
    serves m as "m-prod" at https://p.example.com/v1 kind openai key env P_KEY
    serves n at https://p.example.com:8443 kind azure-openai key env P_KEY api-version "2024-10-21"
    price * input 1 USD per 1M tokens
    limit 100 requests per minute
    limit 5m tokens per minute
    limit 64 concurrent requests
    health at https://p.example.com:8443/health every 15s
    available from 2024-01-01 until earliest of (2040-01-01, sold)
}
pool q "Second" on west {
    region eu
    serves m at http://q.example.com/v1 kind openai
    price m input 1 USD per 1M tokens output 2 USD per 1M tokens
}
agreement old "Old" with big {
    effective 2025-01-01 until earliest of (2035-01-01, agi)
    only:    exclusive api on east through console, market except agencies until 2026-01-01
    here:    residency product class training, lab-work only in us
    acme:    residency account acme only in us, eu
    day:     spend at most 5m USD per day on east
    month:   spend at most 9bn USD per month on west until sold
    groups:  residency group agencies only in us until sold
    ip:      license models * to big for all except field toys until agi
    one:     license exclusive models n to big for bigs
    first:   primary east for tuning ship first lead 3 business days unless (agi and sold) or pause prefer
    begun:   commit 60bn USD on east over 2025-01-21..2031-01-01 build-up counting api, class training 50% {
        milestone 5bn USD by 2026-01-01; milestone 6bn USD by 2027-01-01
        ramp 1bn USD by 2026-01-01
        net; counted at invoice; marketplace cap 25%; shortfall cash; roll-over 10%
    }
    next:    commit 1.5m USD on east over 2031-01-01..2033-01-01 burn-down counting all {
        gross; counted at usage; marketplace cap 5k USD; shortfall forfeit; roll-over 0.01 USD
        overage 120.5%; successor of old.begun
    }
    rack:    order 300 h100 on east deliver by 2026-01-01 {
        phase 100 h100 by 2025-06-01; phase 200 h100 by 2026-01-01
        at 2.5 USD per gpu-hour; term 3 years; region us; cure 30 days
        late credit 5% per week up to 20%; late terminate; prepay 10%
        expansion 50 h100 until agi; expansion 8 h100 until 2030-01-01 at 2 USD per gpu-hour
    }
    power:   order 5 MW on west deliver by 2026-01-01 at 9 USD per MW-month {
        late credit 1% per day; prepay 1m USD
    }
    tiered:  share tiered of revenue from api from lab to big quarterly marginal {
        less taxes, refunds
        tier 20% from 0 USD to 10bn USD; tier 12.5% from 10bn USD
        cap 9bn USD; cap 1bn USD per period; minimum 2 USD; minimum 1 USD per period
        netting old.back; holdback 10% for 90 days; clawback 2 years
        statement within 45 days; payment within 6 weeks; interest 8% per year; until 2034-01-01
    }
    back:    share 10% of share old.tiered from big to lab monthly
    plain:   share 0.0000001% of revenue from all from lab to other yearly
    refusal: first refusal on new capacity {
        holder big rank 1; holder other rank 2; trigger offer
        scope region us, eu; scope accelerator h100; scope floor 5m USD; scope api, bigs
        scope new; scope renewal; scope expansion
        carve-out grants "given \\\\ by others"; carve-out spot "short"
        bona fide written, arms-length; disclose identity; match economic
        compare price lower within 2%; compare uptime higher
        cash equivalent; partial from 72 gpu step 8 gpu; mode sequential
        respond within 10 business days calendar us-banking zone "America/New_York" from deemed roll following
        object within 5 days from sent roll none; over-allotment 2 days from delivered roll preceding
        sign within 1 month; release 90 days; reoffer 5 weeks; deliver within 48 hours
        deemed delivery after 1 business day; counterparty same; one-time
        standing cure 30 days; standing defaults 2 in 12 months; standing remaining 1 year
        suspend on default; assignable; change of control survives
        on termination pending survive; governing version at notice
        remedy "damages"; until agi
    }
    offer:   first offer on new capacity respond within 2 weeks partial never scope floor 8 gpu {
        holder big; trigger need
    }
}
agreement new "New" with big {
    effective 2026-06-01
    supersedes old.here
    first:   amend old.first until earliest of (2033-01-01, earliest of (agi, sold))
    offer:   amend old.offer with disclose nothing change of control ends
}
programme stargate "A programme" {
    total 500bn USD over 4 years from 2025-01-21
    tranche first 100bn USD from 2025-01-21
    funder fund 40% status proposed role financial
    funder lab 60%
    call 10bn USD on 2025-03-01 due 2025-04-01
    technology big, other
}
"""

# The members that may be left out, by the path that `path_kinds` gives to their object.
OPTIONAL = {"products[].field", "accounts[].surface", "pools[].health_url", "pools[].health_every_ms",
            *(f"{of}[].budget_per_{period}" for of in ("products", "accounts") for period in ("day", "month"))}
OPTIONAL_OF_TIMERS = {"calendar", "zone", "from", "roll"}
NEEDED_TERMS = {"model", "counting", "deliver_by", "period", "respond_within", "tier", "tier_mode"}


def emit(path, directory=None):
    return subprocess.run([str(OFFTAKE), "check", "--emit", "json", str(path)], cwd=directory,
                          capture_output=True, text=True, check=False)


def document_of(path, directory=None):
    done = emit(path, directory)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def explain_errors(document):
    found = [jsonschema.exceptions.best_match([error]) for error in VALIDATOR.iter_errors(document)]
    return "\n".join(f"{error.json_path}: {error.message}"[:400] for error in found)


def assert_valid(document):
    errors = explain_errors(document)
    assert not errors, errors


@pytest.fixture(name="every_term", scope="module")
def every_term_document(tmp_path_factory):
    path = tmp_path_factory.mktemp("every") / "every.deal"
    path.write_text(EVERY_TERM)
    return document_of(path)


# ---- What it prints is described -----------------------------------------------------------------------


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"] == "https://offtake.example/schema/deal.schema.json"


def schema_objects(schema):
    if isinstance(schema, dict):
        yield schema
        for part in schema.values():
            yield from schema_objects(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from schema_objects(part)


def test_every_object_of_the_schema_is_closed_and_every_definition_is_told_and_used():
    objects = [part for part in schema_objects(SCHEMA) if part.get("type") == "object"]
    assert len(objects) > 40
    for part in objects:
        assert part.get("additionalProperties") is False, part.get("description")
    references = set(re.findall(r'"#/\$defs/(\w+)', json.dumps(SCHEMA)))
    assert references == set(SCHEMA["$defs"])
    for name, definition in SCHEMA["$defs"].items():
        assert len(definition["description"]) > 5, name


def test_the_schema_knows_the_terms_of_the_table():
    table = (ROOT / "src" / "deal" / "terms_table.c").read_text()
    assert set(re.findall(r'(?:true|false),\s*"(\w+)",', table)) == TERM_NAMES


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_examples_are_described(path):
    assert_valid(document_of(path))


def test_the_deals_of_the_diagnostics_are_described():
    described = 0
    for path in sorted(FOLDER.glob("[0-9]*.deal")):
        done = emit(path.name, FOLDER)
        if re.search(r": error OFT", path.with_suffix(".ok").read_text()):
            assert done.returncode == 1 and not done.stdout.startswith("{"), path.name
        else:
            assert done.returncode == 0, path.name + done.stderr
            assert_valid(json.loads(done.stdout))
            described += 1
    print(f"emit: {described} deals of the diagnostics")
    assert described >= 10


def test_every_term_and_every_kind_is_described(every_term):
    assert_valid(every_term)
    assert {clause["kind"] for clause in every_term["clauses"]} == KINDS
    assert {name for clause in every_term["clauses"] for name in clause["terms"]} == TERM_NAMES


# ---- Generated deals -----------------------------------------------------------------------------------


def generated(tmp_path, seed):
    """Deals that the program takes: (deal, document)."""
    for index in range(GENERATED_DEALS):
        deal = generate_deal(random.Random(f"{seed}:{index}"))
        directory = tmp_path / str(index)
        directory.mkdir()
        for name, text in write_deal(deal).items():
            (directory / name).write_text(text)
        done = emit(directory / "main.deal")
        assert done.returncode in (0, 1), f"deal {index}: {done.returncode} {done.stderr}"
        if done.returncode == 0:
            yield deal, json.loads(done.stdout)


def nanos(text):
    whole, fraction = text.split(".")
    return int(whole) * 1_000_000_000 + int(fraction.ljust(9, "0"))


def assert_same_rows(deal, document):
    """Names, instants and prices of the document against the generator's own records."""
    assert document["models"] == [m for m in document["models"] if m in deal.models]
    assert {row["name"]: row["effective"] for row in document["agreements"]}.keys() == {
        agreement.name for agreement in deal.agreements}
    for row in document["agreements"]:
        written = next(agreement for agreement in deal.agreements if agreement.name == row["name"])
        assert parse_instant(row["effective"]) == written.effective
        assert [clause["id"] for clause in document["clauses"] if clause["agreement"] == row["name"]] == [
            f"{written.name}.{clause.label}" for clause in written.clauses]
    owners = {owner.name: owner for owner in deal.pools + deal.products}
    expected = sorted((owner.name, price.model, price.begin or ALWAYS, price.input or 0, price.output or 0)
                      for owner in owners.values() for price in owner.prices)
    assert sorted(
        (row.get("pool") or row["product"], row["model"],
         ALWAYS if row["from"] is None else parse_instant(row["from"]),
         nanos(row["per_million"]["input"]), nanos(row["per_million"]["output"]))
        for row in document["prices"]) == expected


def assert_references(document):
    names = {kind: {row["name"] for row in document[kind]}
             for kind in ("parties", "providers", "products", "agreements", "pools", "groups", "surfaces")}
    identities = {clause["id"] for clause in document["clauses"]}
    assert all(row["party"] in names["parties"] for row in document["providers"])
    assert all(row["provider"] in names["providers"] for row in document["pools"])
    for clause in document["clauses"]:
        assert clause["agreement"] in names["agreements"]
        assert clause["amends"] is None or clause["amends"] in identities
        assert clause["ended_by"] is None or clause["ended_by"] in identities | names["agreements"]
        assert (clause["ended_by"] is None) == (clause["ended_from"] is None)


def test_generated_deals_are_described_and_come_out_as_written(tmp_path):
    deals = clauses = 0
    for deal, document in generated(tmp_path, 20260501):
        assert_valid(document)
        assert_same_rows(deal, document)
        assert_references(document)
        deals += 1
        clauses += len(document["clauses"])
    print(f"emit: {deals} generated deals with {clauses} clauses")
    assert deals >= GENERATED_DEALS_LEAST and clauses >= 3 * deals


# ---- What is changed is not described ------------------------------------------------------------------


def places(value, path=()):
    """Every object and every string of a document: (path, value)."""
    if isinstance(value, (dict, str)):
        yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    for key, part in items:
        yield from places(part, (*path, key))


def kind_of(document, path):
    """A path with its row numbers left out; of a clause with its kind, so that one of each is tried."""
    text = "".join("[]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")
    return f"{document['clauses'][path[1]]['kind']}:{text}" if path[:1] == ("clauses",) and path[1:] else text


def one_of_each(document, wanted):
    seen = {}
    for path, value in places(document):
        if wanted(value):
            shape = ",".join(value) if isinstance(value, dict) and "terms" not in path else ""
            seen.setdefault(kind_of(document, path) + shape, (path, value))
    return list(seen.values())


def changed(document, path, change):
    """A copy in which CHANGE was made to the container of PATH's last key; other rows are left out."""
    result = {key: [] if isinstance(value, list) and key != "parties" else value
              for key, value in document.items()}
    if len(path) > 2 and isinstance(path[1], int):
        result[path[0]] = [document[path[0]][path[1]]]
        path = (path[0], 0, *path[2:])
    at = result
    for key in path[:-1]:
        at[key] = copy.copy(at[key])
        at = at[key]
    change(at, path[-1])
    return result


def may_be_left_out(document, path):
    kind = kind_of(document, path)
    if path in (("statements_in",), ("persons",), ("output_limits",)):
        return True  # they stand there only when the deal says them
    if path[-2:-1] == ("terms",):
        return path[-1] not in NEEDED_TERMS
    return kind in OPTIONAL or ("terms" in path and path[-1] in OPTIONAL_OF_TIMERS)


def test_a_row_left_out_still_validates(every_term):
    for path in (("title",), ("clauses", 0, "kind"), ("pools", 1, "region")):
        assert_valid(changed(every_term, path, lambda at, key: None))


def test_a_member_removed_does_not_validate(every_term):
    tried = allowed = 0
    for path, value in one_of_each(every_term, lambda value: isinstance(value, dict)):
        for member in value:
            there = (*path, member)
            less = changed(every_term, there, lambda at, key: at.pop(key))
            expected = may_be_left_out(every_term, there)
            assert VALIDATOR.is_valid(less) == expected, f"without {there}"
            tried += not expected
            allowed += expected
    print(f"emit: {tried} members cannot be left out, {allowed} can")
    assert tried >= 250 and allowed >= 60


def test_a_member_added_does_not_validate(every_term):
    tried = one_of_each(every_term, lambda value: isinstance(value, dict))
    for path, _ in tried:
        more = changed(every_term, (*path, "surplus"), lambda at, key: at.update({key: "1.00"}))
        assert not VALIDATOR.is_valid(more), path
    print(f"emit: {len(tried)} objects take no other member")
    assert len(tried) >= 80


@pytest.mark.parametrize("pattern, wrong", [
    (r"\d+\.\d{2,9}", (1.5, "1.5", "1.500", "-1.50", "01.50", "1,500.00", "1.50 USD", "", None)),
    (r"\d{4}-.*Z", (1_700_000_000, "2025-01-01", "2025-01-01T00:00:00", "2025-01-01T00:00:00+00:00",
                    "2025-13-01T00:00:00Z", "2025-01-01T00:00:00.500Z", "always")),
], ids=["decimal", "instant"])
def test_a_value_in_another_form_does_not_validate(every_term, pattern, wrong):
    tried = one_of_each(every_term, lambda v: isinstance(v, str) and re.fullmatch(pattern, v))
    for path, value in tried:
        for other in wrong:
            different = changed(every_term, path, lambda at, key, put=other: at.update({key: put}))
            assert not VALIDATOR.is_valid(different), f"{value} as {other!r} at {path}"
    print(f"emit: {len(tried)} places, {len(wrong)} wrong forms")
    assert len(tried) >= 20


@pytest.mark.parametrize("name", sorted(TERM_NAMES))
def test_a_term_stands_only_with_its_kind_of_clause(every_term, name):
    owners = [clause["kind"] for clause in every_term["clauses"] if name in clause["terms"]]
    value = next(clause["terms"][name] for clause in every_term["clauses"] if name in clause["terms"])
    stranger = "share" if owners[0] != "share" else "commit"
    index = next(i for i, clause in enumerate(every_term["clauses"])
                 if clause["kind"] == (stranger if name != "until" else "commit"))
    path = ("clauses", index, "terms", name)
    assert not VALIDATOR.is_valid(changed(every_term, path, lambda at, key: at.update({key: value})))


# ---- What was written comes out ------------------------------------------------------------------------

SMALL = """\
deal "Small \\ deal"
customer lab
currency EUR
party big "Big"
provider east of big
event agi "A milestone" attested by big
model m
product api "API" class inference {
    price m input 0.25 EUR per 1K tokens output 2.000000001 EUR per 1M tokens from 2026-01-01T12:30:00.050Z
}
pool p on east {
    region eu-1
    serves m as "m:1@x" at https://p.example.com/v1/ kind openai key env P_KEY
    price * input 1 EUR per 1M tokens
}
agreement a "First" with big {
    effective 2025-01-21 until 2030-01-01
    c: commit 60.5bn EUR on east over 2025-02-01..2026-02-01 build-up counting api 12.5% \\
        milestone 2k EUR by 2025-06-01
    s: share 12.3456789% of revenue from api from lab to big monthly cap 0.000000001 EUR
}
agreement b with big {
    effective 2026-01-01
    s: amend a.s until earliest of (2028-01-01, agi)
}
"""


@pytest.fixture(name="small", scope="module")
def small_document(tmp_path_factory):
    directory = tmp_path_factory.mktemp("small")
    (directory / "small.deal").write_text(SMALL)
    document = document_of("small.deal", directory)
    assert_valid(document)
    return document


def test_names_come_out_as_written(small):
    assert (small["format"], small["title"], small["customer"], small["currency"]) == (
        1, "Small \\ deal", "lab", "EUR")
    assert small["parties"] == [{"name": "big", "title": "Big", "has_key": False},
                                {"name": "lab", "title": "lab", "has_key": False}]
    assert small["providers"] == [{"name": "east", "title": "east", "party": "big"}]
    assert small["products"] == [{"name": "api", "title": "API", "class": "inference", "owner": "lab",
                                  "requests_per_minute": 0, "tokens_per_minute": 0, "concurrent_requests": 0}]
    assert small["models"] == ["m"] and small["programmes"] == [] and small["accounts"] == []
    assert small["events"] == [{"name": "agi", "title": "A milestone", "attester": "big"}]
    assert small["pools"][0]["serves"] == [{
        "model": "m", "upstream_model": "m:1@x", "tls": True, "host": "p.example.com", "port": 443,
        "path_prefix": "/v1", "kind": "openai", "key_count": 1}]


def test_prices_come_out_as_written(small):
    sale, cost = small["prices"]
    assert sale["id"] == "api.price.m@2026-01-01T12:30:00.05Z"
    assert (sale["product"], sale["model"], sale["from"], sale["until"]) == (
        "api", "m", "2026-01-01T12:30:00.05Z", None)
    assert sale["per_million"] == {
        "input": "250.00", "cached": "250.00", "cache_write": "250.00", "output": "2.000000001",
        "reasoning": "2.000000001", "audio": "250.00", "image": "250.00", "request": "0.00"}
    assert (cost["id"], cost["pool"], cost["model"], cost["from"]) == ("p.price.*@always", "p", "*", None)
    assert cost["per_million"]["input"] == "1.00" and cost["per_million"]["output"] == "0.00"


def test_clauses_come_out_as_written(small):
    commit, share, later = small["clauses"]
    assert commit == {
        "id": "a.c", "agreement": "a", "kind": "commit", "from": "2025-01-21T00:00:00Z",
        "until": {"date": "2026-02-01T00:00:00Z"}, "ended_from": None, "ended_by": None, "amends": None,
        "amount": "60500000000.00", "provider": "east", "period_from": "2025-02-01T00:00:00Z",
        "period_until": "2026-02-01T00:00:00Z", "terms": {
            "model": [["build-up"]], "counting": [[[{"product": "api", "percent": "12.50"}]]],
            "milestone": [[{"amount": "2000.00"}, {"instant": "2025-06-01T00:00:00Z"}]]},
        "line": 18, "file": "small.deal"}
    assert share == {
        "id": "a.s", "agreement": "a", "kind": "share", "from": "2025-01-21T00:00:00Z",
        "until": {"date": "2030-01-01T00:00:00Z"}, "ended_from": "2026-01-01T00:00:00Z", "ended_by": "b.s",
        "amends": None, "percent": "12.3456789", "revenue_from": ["api"], "payer": "lab", "payee": "big",
        "terms": {"period": [["monthly"]], "cap": [[{"amount": "0.000000001"}, None]]},
        "line": 20, "file": "small.deal"}
    end = {"earliest": [{"date": "2028-01-01T00:00:00Z"}, {"event": "agi"}]}
    assert later == {**share, "id": "b.s", "agreement": "b", "from": "2026-01-01T00:00:00Z", "until": end,
                     "ended_from": None, "ended_by": None, "amends": "a.s", "line": 24,
                     "terms": {**share["terms"], "until": [[end]]}}
