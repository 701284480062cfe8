# SPDX-License-Identifier: Apache-2.0
"""Holds the evaluator against hand-made cases of docs/semantics.md, and the program against the evaluator."""

from __future__ import annotations

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from evaluate import (  # noqa: E402
    PRICE_CUT, Account, Agreement, AmendUntil, AmendWith, AndCondition, CannotAsk, Commit, DateEnd, Deal,
    Duration, EarliestEnd, EventCondition, EventEnd, Exclusive, License, ModelList, OrCondition, Pool, Price,
    Primary, Product, ProductList, Provider, Reading, Residency, decide, format_instant, parse_instant)

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("OFFTAKE_BUILD", HERE.parents[1] / "build")).resolve()
NANO = 1_000_000_000
ALL = ProductList(everything=True)
ALL_MODELS = ModelList(everything=True)

# ---- The small deal that the cases change -------------------------------------------------------------


def at(text: str) -> int:
    return parse_instant(text)


def price(amount: int = 1, model: str = "*", begin: str | None = None, until: str | None = None) -> Price:
    return Price(model, amount * NANO, amount * NANO, at(begin) if begin else None,
                 DateEnd(at(until)) if until else None)


def pool(name: str, provider: str, amount: int = 1, **others) -> Pool:
    others.setdefault("prices", [price(amount)])
    return Pool(name, provider, others.pop("serves", ["m"]), **others)


def products(*names: str) -> ProductList:
    return ProductList(names=list(names))


def agreement(name: str, effective: str, *clauses, until=None, supersedes=()) -> Agreement:
    return Agreement(name, "big", at(effective), until, list(supersedes), list(clauses))


def small_deal(*agreements, pools=None) -> Deal:
    """Two clouds with a pool each, `east` the cheaper; own products and products of the party `big`."""
    if pools is None:
        pools = [pool("e", "east", 1, region="us"), pool("w", "west", 2, region="eu")]
    return Deal(
        "lab", parties=["big", "other"], providers=[Provider("east", "big"), Provider("west", "other")],
        groups=["public", "press"], surfaces=["console", "market"], fields=["toys"], events=["agi", "war"],
        models=["m", "n"],
        accounts=[Account("acme"), Account("navy", ["public"], "console"),
                  Account("news", ["press", "public"], "market")],
        products=[Product("chat", "inference", prices=[price(9)]), Product("tune", "training"),
                  Product("pilot", "inference", owner="big", field_of_use="toys", prices=[price(9)]),
                  Product("plain", "research", owner="big")],
        agreements=list(agreements),
        pools=pools)


def ask(deal: Deal, instant: str = "2026-01-01", product: str = "chat", model: str = "m", account=None,
        region=None, **attested):
    events = {event: at(moment) for event, moment in attested.items()}
    return decide(deal, events, at(instant), product, model, account, region)


def verdicts(answer) -> dict:
    return {name: reason for name, reason, _ in answer[1] + answer[2]}


def order(answer) -> list:
    return [name for name, _, _ in answer[1]]


ONLY_EAST = Exclusive("only", products("chat"), "east")

# ---- Rule 1 and 8: exclusives -------------------------------------------------------------------------


def test_without_clauses_the_pools_themselves_allow():
    assert ask(small_deal()) == ("allow", [("e", "allowed_by_pool", "e.serves.m"),
                                           ("w", "allowed_by_pool", "w.serves.m")], [], None)


def test_exclusive_bars_the_others_and_allows_its_own():
    assert ask(small_deal(agreement("a", "2025-01-01", ONLY_EAST))) == (
        "allow", [("e", "allowed_by_exclusive", "a.only")], [("w", "barred_by_exclusive", "a.only")], None)


def test_exclusive_leaves_other_products_alone():
    answer = ask(small_deal(agreement("a", "2025-01-01", ONLY_EAST)), product="tune")
    assert verdicts(answer) == {"e": "allowed_by_pool", "w": "allowed_by_pool"}


@pytest.mark.parametrize("instant, reason", [
    ("2025-12-31T23:59:59.999999999Z", "allowed_by_pool"), ("2026-01-01", "barred_by_exclusive"),
    ("2026-04-26T23:59:59.999999999Z", "barred_by_exclusive"), ("2026-04-27", "allowed_by_pool")])
def test_a_clause_is_half_open(instant, reason):
    clause = Exclusive("only", products("chat"), "east", until=DateEnd(at("2026-04-27")))
    assert verdicts(ask(small_deal(agreement("a", "2026-01-01", clause)), instant))["w"] == reason


@pytest.mark.parametrize("instant, reason", [
    ("2026-03-31T23:59:59.999999999Z", "barred_by_exclusive"), ("2026-04-01", "allowed_by_pool")])
def test_a_clause_ends_with_its_agreement(instant, reason):
    clause = Exclusive("only", products("chat"), "east", until=DateEnd(at("2027-01-01")))
    deal = small_deal(agreement("a", "2026-01-01", clause, until=DateEnd(at("2026-04-01"))))
    assert verdicts(ask(deal, instant))["w"] == reason


@pytest.mark.parametrize("account, reason", [
    (None, "allowed_by_pool"), ("acme", "allowed_by_pool"), ("navy", "allowed_by_pool"),
    ("news", "barred_by_exclusive")])
def test_exclusive_through_surfaces(account, reason):
    clause = Exclusive("only", products("chat"), "east", through=["market"])
    assert verdicts(ask(small_deal(agreement("a", "2025-01-01", clause)), account=account))["w"] == reason


@pytest.mark.parametrize("account, reason", [
    (None, "barred_by_exclusive"), ("acme", "barred_by_exclusive"), ("navy", "allowed_by_pool"),
    ("news", "allowed_by_pool")])
def test_exclusive_except_groups(account, reason):
    clause = Exclusive("only", products("chat"), "east", except_groups=["public"])
    assert verdicts(ask(small_deal(agreement("a", "2025-01-01", clause)), account=account))["w"] == reason


def test_a_class_stands_for_its_products():
    clause = Exclusive("only", ProductList(classes=["training"]), "east")
    deal = small_deal(agreement("a", "2025-01-01", clause))
    assert verdicts(ask(deal, product="tune"))["w"] == "barred_by_exclusive"
    assert verdicts(ask(deal, product="chat"))["w"] == "allowed_by_pool"


def test_the_first_clause_is_the_first_of_the_text():
    later = agreement("later", "2025-06-01", Exclusive("b", ALL, "east"), Exclusive("a", ALL, "east"))
    earlier = agreement("earlier", "2025-01-01", Exclusive("c", ALL, "east"))
    assert ask(small_deal(later, earlier))[2] == [("w", "barred_by_exclusive", "later.b")]


# ---- Rule 2: residency --------------------------------------------------------------------------------


def test_residency_of_a_product_and_a_pool_without_region():
    clause = Residency("home", "product", products("chat"), [], ["eu"])
    deal = small_deal(agreement("a", "2025-01-01", clause))
    deal.pools.append(pool("nowhere", "west"))
    assert ask(deal)[2] == [("e", "barred_by_residency", "a.home"),
                            ("nowhere", "barred_by_residency", "a.home")]


@pytest.mark.parametrize("subject, names, account, reason", [
    ("account", ["acme"], "acme", "barred_by_residency"), ("account", ["acme"], "navy", "allowed_by_pool"),
    ("account", ["acme"], None, "allowed_by_pool"), ("group", ["public"], "news", "barred_by_residency"),
    ("group", ["press"], "navy", "allowed_by_pool"), ("group", ["press"], None, "allowed_by_pool")])
def test_residency_of_accounts_and_groups(subject, names, account, reason):
    clause = Residency("home", subject, None, names, ["eu"])
    assert verdicts(ask(small_deal(agreement("a", "2025-01-01", clause)), account=account))["e"] == reason


def test_all_residencies_must_be_kept():
    clauses = [Residency("one", "product", ALL, [], ["us", "eu"]),
               Residency("two", "product", ALL, [], ["eu"])]
    answer = ask(small_deal(agreement("a", "2025-01-01", *clauses)))
    assert answer[2] == [("e", "barred_by_residency", "a.two")]


def test_exclusive_is_asked_before_residency():
    deal = small_deal(agreement("a", "2025-01-01", Residency("home", "product", ALL, [], ["us"]), ONLY_EAST))
    assert verdicts(ask(deal))["w"] == "barred_by_exclusive"


# ---- Rules 3 and 9: licences --------------------------------------------------------------------------


def test_another_partys_product_needs_a_licence():
    assert ask(small_deal(), product="plain")[3] == "license.big"
    deal = small_deal(agreement("a", "2025-01-01", License("ip", ALL_MODELS, "big", ALL)))
    assert ask(deal, product="plain")[1][0] == ("e", "allowed_by_license", "a.ip")
    assert ask(deal, product="chat")[1][0] == ("e", "allowed_by_pool", "e.serves.m")


def test_a_product_of_the_customer_named_as_owner_needs_none():
    deal = small_deal()
    deal.products[1].owner = "lab"
    assert verdicts(ask(deal, product="tune"))["e"] == "allowed_by_pool"


@pytest.mark.parametrize("clause", [
    License("ip", ModelList(names=["n"]), "big", ALL), License("ip", ALL_MODELS, "big", products("chat")),
    License("ip", ALL_MODELS, "big", ALL, except_fields=["toys"])])
def test_a_licence_that_does_not_cover_is_still_the_one_named(clause):
    deal = small_deal(agreement("a", "2025-01-01", clause))
    assert ask(deal, product="pilot")[2][0] == ("e", "barred_no_license", "a.ip")


def test_a_licence_to_somebody_else_is_none():
    deal = small_deal(agreement("a", "2025-01-01", License("ip", ALL_MODELS, "other", ALL)))
    assert ask(deal, product="plain")[3] == "license.big"


def test_an_excepted_field_leaves_products_without_field():
    clause = License("ip", ALL_MODELS, "big", ALL, except_fields=["toys"])
    deal = small_deal(agreement("a", "2025-01-01", clause))
    assert verdicts(ask(deal, product="plain"))["e"] == "allowed_by_license"


def test_the_refusal_names_the_licence_that_began_last():
    ended = DateEnd(at("2025-06-01"))
    deal = small_deal(agreement("new", "2025-02-01", License("ip", ALL_MODELS, "big", ALL, until=ended)),
                      agreement("old", "2025-01-01", License("ip", ALL_MODELS, "big", ALL, until=ended)),
                      agreement("equal", "2025-02-01", License("ip", ALL_MODELS, "big", ALL, until=ended)))
    assert ask(deal, product="plain")[3] == "equal.ip"
    assert ask(deal, "2025-01-15", product="plain")[1][0][2] == "old.ip"


def test_the_first_licence_in_force_that_covers_is_named():
    deal = small_deal(agreement("a", "2025-01-01", License("no", ModelList(names=["n"]), "big", ALL),
                                License("yes", ALL_MODELS, "big", ALL),
                                License("too", ALL_MODELS, "big", ALL)))
    assert ask(deal, product="plain")[1][0][2] == "a.yes"


def test_exclusive_and_licence_are_both_needed_and_the_exclusive_is_named():
    only = Exclusive("only", products("plain"), "east")
    assert ask(small_deal(agreement("a", "2025-01-01", only)), product="plain")[2] == [
        ("w", "barred_by_exclusive", "a.only"), ("e", "barred_no_license", "license.big")]
    deal = small_deal(agreement("a", "2025-01-01", License("ip", ALL_MODELS, "big", ALL), only))
    assert ask(deal, product="plain")[1] == [("e", "allowed_by_exclusive", "a.only")]


# ---- Rule 4: ship first -------------------------------------------------------------------------------


def primary_deal(*start, lead=None, unless=None, ship_first=True, prefer=False) -> Deal:
    clause = Primary("first", "east", ALL, ship_first, lead, unless, prefer)
    pools = [pool(f"e{number}", "east", 3, available_from=at(text) if text else None)
             for number, text in enumerate(start)]
    return small_deal(agreement("a", "2020-01-01", clause), pools=pools + [pool("w", "west", 2)])


@pytest.mark.parametrize("start, lead, instant, shipped", [
    ("2026-01-01", None, "2025-12-31T23:59:59.999999999Z", False), ("2026-01-01", None, "2026-01-01", True),
    ("2026-01-31", Duration(1, "months"), "2026-02-27T23:59:59.999999999Z", False),
    ("2026-01-31", Duration(1, "months"), "2026-02-28", True),
    ("2024-02-29T10:00:00.000000001Z", Duration(1, "years"), "2025-02-28T10:00:00Z", False),
    ("2024-02-29T10:00:00.000000001Z", Duration(1, "years"), "2025-02-28T10:00:00.000000001Z", True),
    ("2025-11-30", Duration(3, "months"), "2026-02-28", True),
    ("2025-12-31", Duration(2, "months"), "2026-02-27", False),
    ("2026-01-01", Duration(36, "hours"), "2026-01-02T11:59:59Z", False),
    ("2026-01-01", Duration(36, "hours"), "2026-01-02T12:00:00Z", True),
    ("2026-01-01", Duration(2, "weeks"), "2026-01-15", True),
    (None, Duration(5, "years"), "2020-01-01", True)])
def test_a_model_has_shipped_after_the_lead(start, lead, instant, shipped):
    answer = ask(primary_deal(start, lead=lead), instant)
    assert verdicts(answer)["w"] == ("allowed_by_pool" if shipped else "barred_not_shipped")


def test_the_earliest_pool_ships_whatever_its_window_became():
    deal = primary_deal("2027-01-01", "2024-01-01")
    deal.pools[1].available_until = DateEnd(at("2025-01-01"))
    assert verdicts(ask(deal))["w"] == "allowed_by_pool"


def test_without_a_pool_of_the_provider_it_never_ships():
    assert ask(primary_deal())[2] == [("w", "barred_not_shipped", "a.first")]


def test_ship_first_of_another_model_does_not_ship_this_one():
    deal = primary_deal(None)
    deal.pools[0].serves = ["n"]
    assert verdicts(ask(deal))["w"] == "barred_not_shipped"


@pytest.mark.parametrize("unless, attested, waived", [
    (EventCondition("agi"), {}, False), (EventCondition("agi"), {"agi": "2026-01-01"}, True),
    (EventCondition("agi"), {"agi": "2026-01-01T00:00:00.000000001Z"}, False),
    (AndCondition([EventCondition("agi"), EventCondition("war")]), {"agi": "2025-01-01"}, False),
    (OrCondition([EventCondition("agi"), EventCondition("war")]), {"war": "2025-01-01"}, True)])
def test_unless_waives_ship_first(unless, attested, waived):
    answer = ask(primary_deal(unless=unless), **attested)
    assert verdicts(answer)["w"] == ("allowed_by_pool" if waived else "barred_not_shipped")


def test_primary_without_ship_first_bars_nothing():
    assert verdicts(ask(primary_deal(ship_first=False)))["w"] == "allowed_by_pool"


# ---- Rules 5 to 7: window and prices ------------------------------------------------------------------


@pytest.mark.parametrize("instant, reason", [
    ("2025-12-31T23:59:59.999999999Z", "barred_pool_window"), ("2026-01-01", "allowed_by_pool"),
    ("2026-05-31T23:59:59.999999999Z", "allowed_by_pool"), ("2026-06-01", "barred_pool_window")])
def test_a_window_that_ends_at_the_earliest_of_several(instant, reason):
    end = EarliestEnd([DateEnd(at("2027-01-01")), EarliestEnd([EventEnd("agi"), EventEnd("war")])])
    deal = small_deal(pools=[pool("e", "east", available_from=at("2026-01-01"), available_until=end)])
    answer = ask(deal, instant, agi="2026-06-01")
    assert verdicts(answer)["e"] == reason
    assert (answer[3] == "e.available") == (reason == "barred_pool_window")


def test_no_cost_price_bars_unless_the_pool_is_reserved():
    deal = small_deal(pools=[pool("e", "east", prices=[price(1, "n")]),
                             pool("r", "east", prices=[], reserved=True)])
    assert ask(deal) == ("allow", [("r", "allowed_by_pool", "r.serves.m")],
                         [("e", "barred_no_price", "e.price.m")], None)


def test_no_sale_price_bars_inference_only():
    deal = small_deal()
    deal.products[0].prices = [price(1, until="2026-01-01")]
    assert ask(deal)[3] == "chat.price.m"
    assert ask(deal, "2025-12-31T23:59:59.999999999Z")[0] == "allow"
    assert ask(deal, product="tune")[0] == "allow"


def test_the_window_is_asked_before_the_price():
    deal = small_deal(pools=[pool("e", "east", prices=[], available_from=at("2027-01-01"))])
    assert verdicts(ask(deal))["e"] == "barred_pool_window"


# ---- Amendments ---------------------------------------------------------------------------------------


def first_version(**others) -> Agreement:
    clause = Exclusive("only", products("chat"), "east", through=["market"], until=DateEnd(at("2026-06-01")))
    return agreement("a", "2025-01-01", clause, **others)


@pytest.mark.parametrize("instant, clause", [
    ("2025-12-31T23:59:59.999999999Z", "a.only"), ("2026-01-01", "b.x"),
    ("2026-12-31T23:59:59.999999999Z", "b.x"), ("2027-01-01", None)])
def test_amend_until_takes_the_terms_and_the_new_end(instant, clause):
    deal = small_deal(first_version(),
                      agreement("b", "2026-01-01", AmendUntil("x", "a.only", DateEnd(at("2027-01-01")))))
    assert verdicts(ask(deal, instant, account="navy"))["w"] == "allowed_by_pool"
    assert ask(deal, instant, account="news")[2] == ([("w", "barred_by_exclusive", clause)] if clause else [])


def test_amend_until_an_event_that_nobody_attests():
    change = AmendUntil("x", "a.only", EventEnd("agi"))
    deal = small_deal(first_version(), agreement("b", "2026-01-01", change))
    assert verdicts(ask(deal, "2099-01-01", account="news"))["w"] == "barred_by_exclusive"
    assert verdicts(ask(deal, "2099-01-01", account="news", agi="2099-01-01"))["w"] == "allowed_by_pool"


@pytest.mark.parametrize("agreement_until, instant, reason", [
    (None, "2026-05-31T23:59:59.999999999Z", "barred_by_exclusive"), (None, "2026-06-01", "allowed_by_pool"),
    ("2026-03-01", "2026-02-28", "barred_by_exclusive"), ("2026-03-01", "2026-03-01", "allowed_by_pool")])
def test_amend_with_keeps_the_own_end(agreement_until, instant, reason):
    ended = DateEnd(at(agreement_until)) if agreement_until else None
    deal = small_deal(first_version(until=ended),
                      agreement("b", "2026-01-01", AmendWith("x", "a.only", {"through": ["console"]})))
    assert verdicts(ask(deal, instant, account="navy"))["w"] == reason
    assert verdicts(ask(deal, instant, account="news"))["w"] == "allowed_by_pool"


def test_amend_with_a_new_end_forgets_the_old_agreements_end():
    change = AmendWith("x", "a.only", {"until": DateEnd(at("2028-01-01"))})
    deal = small_deal(first_version(until=DateEnd(at("2026-03-01"))), agreement("b", "2026-01-01", change))
    assert verdicts(ask(deal, "2027-01-01", account="news"))["w"] == "barred_by_exclusive"


def test_amend_with_a_whole_clause_shares_nothing():
    change = Exclusive("x", products("chat"), "west", amends="a.only")
    deal = small_deal(first_version(), agreement("b", "2026-01-01", change))
    assert verdicts(ask(deal, "2030-01-01")) == {"e": "barred_by_exclusive", "w": "allowed_by_exclusive"}


def test_an_amendment_of_an_amendment():
    deal = small_deal(first_version(),
                      agreement("b", "2025-06-01", AmendWith("x", "a.only", {"through": ["console"]})),
                      agreement("c", "2025-09-01", AmendUntil("y", "b.x", EventEnd("agi")),
                                until=DateEnd(at("2030-01-01"))))
    answer = ask(deal, "2029-12-31", account="navy")
    assert answer[2] == [("w", "barred_by_exclusive", "c.y")]
    assert ask(deal, "2030-01-01", account="navy")[2] == []


def test_supersedes_a_clause_or_a_whole_agreement():
    clauses = [ONLY_EAST, Residency("home", "product", ALL, [], ["us"])]
    for superseded, reason in (("a.only", "barred_by_residency"), ("a", "allowed_by_pool")):
        deal = small_deal(agreement("a", "2025-01-01", *clauses),
                          agreement("b", "2026-01-01", supersedes=[superseded]))
        assert verdicts(ask(deal, "2025-12-31T23:59:59.999999999Z"))["w"] == "barred_by_exclusive"
        assert verdicts(ask(deal, "2026-01-01"))["w"] == reason


def test_what_superseded_stays_when_it_ends_itself():
    deal = small_deal(agreement("a", "2025-01-01", ONLY_EAST),
                      agreement("b", "2025-06-01", until=DateEnd(at("2025-07-01")), supersedes=["a.only"]))
    assert verdicts(ask(deal, "2026-01-01"))["w"] == "allowed_by_pool"


# ---- Order --------------------------------------------------------------------------------------------


def test_order_reserved_preferred_price_text():
    clause = Primary("first", "west", ALL, prefer=True)
    pools = [pool("dear", "east", 5), pool("cheap", "east", 1), pool("same", "east", 1),
             pool("west", "west", 9),
             pool("flat", "east", 9, reserved=True), pool("flat-west", "west", 9, reserved=True)]
    deal = small_deal(agreement("a", "2025-01-01", clause), pools=pools)
    assert order(ask(deal)) == ["flat-west", "flat", "west", "cheap", "same", "dear"]
    assert order(ask(deal, "2024-01-01")) == ["flat", "flat-west", "cheap", "same", "dear", "west"]


def test_the_price_in_force():
    prices = [price(1, "*", "2026-01-01"), price(5, "m"), price(7, "m", "2025-01-01", "2025-06-01")]
    deal = small_deal(pools=[pool("e", "east", prices=prices), pool("w", "west", 6)])
    assert order(ask(deal, "2025-01-01")) == ["w", "e"]
    assert order(ask(deal, "2025-06-01")) == ["e", "w"]
    assert order(ask(deal, "2026-06-01")) == ["e", "w"]


def test_prices_are_cut():
    huge = [Price("m", PRICE_CUT, 5), Price("m", PRICE_CUT, 0), Price("m", PRICE_CUT - 1, 0)]
    deal = small_deal(pools=[pool(f"p{number}", "east", prices=[one]) for number, one in enumerate(huge)])
    assert order(ask(deal)) == ["p2", "p0", "p1"]


def test_a_commitment_that_is_behind_makes_its_provider_free():
    clause = Commit("c", 1, "west", at("2025-01-01"), at("2027-01-01"), "build-up", products("chat"))
    deal = small_deal(agreement("a", "2024-01-01", clause))
    behind = Reading(deal, {}, {"a.c": Fraction(1)})
    answer = behind.decide(at("2026-01-01"), "chat", "m", None, None)
    assert [name for name, _, _ in answer.eligible] == ["w", "e"]
    for instant, product in (("2027-01-01", "chat"), ("2024-12-31", "chat"), ("2026-01-01", "tune")):
        answer = behind.decide(at(instant), product, "m", None, None)
        assert [name for name, _, _ in answer.eligible] == ["e", "w"]
    assert order(ask(deal)) == ["e", "w"]


def test_what_spend_saves_is_taken_from_the_price():
    clause = Commit("c", 1, "west", at("2025-01-01"), at("2027-01-01"), "build-up", products("chat"))
    deal = small_deal(agreement("a", "2024-01-01", clause))
    for value, expected in ((Fraction(-1, 5), ["e", "w"]), (Fraction(1, 1000), ["e", "w"]),
                            (Fraction(99, 100), ["w", "e"]), (Fraction(3), ["w", "e"])):
        answer = Reading(deal, {}, {"a.c": value}).decide(at("2026-01-01"), "chat", "m", None, None)
        assert [name for name, _, _ in answer.eligible] == expected


def test_the_barred_stand_by_reason_then_text():
    clauses = [Exclusive("only", products("plain"), "east"), Residency("home", "product", ALL, [], ["us"])]
    pools = [pool("late", "east", region="us", available_from=at("2030-01-01")),
             pool("far", "east", region="eu"), pool("w1", "west"), pool("w0", "west")]
    answer = ask(small_deal(agreement("a", "2025-01-01", *clauses), pools=pools), product="plain")
    assert [name for name, _, _ in answer[2]] == ["w1", "w0", "far", "late"]
    assert answer[3] == "a.only"


# ---- Region, and what nobody serves -------------------------------------------------------------------


def test_a_region_bars_the_eligible_elsewhere_and_keeps_their_clause():
    assert ask(small_deal(), region="eu") == (
        "allow", [("w", "allowed_by_pool", "w.serves.m")], [("e", "barred_by_region", "e.serves.m")], None)


def test_a_region_in_which_the_contract_bars():
    answer = ask(small_deal(agreement("a", "2025-01-01", ONLY_EAST)), region="eu")
    barred = [("e", "barred_by_region", "a.only"), ("w", "barred_by_exclusive", "a.only")]
    assert answer == ("deny", [], barred, "a.only")


def test_a_region_in_which_there_is_nothing():
    assert ask(small_deal(), region="mars")[3] == "e.serves.m"


def test_nobody_serves_the_model():
    assert ask(small_deal(), model="n") == ("nobody", [], [], None)


@pytest.mark.parametrize("question", [{"product": "x"}, {"model": "x"}, {"account": "x"}])
def test_unknown_names_cannot_be_asked(question):
    with pytest.raises(CannotAsk):
        ask(small_deal(), **question)


def test_instants_are_written_as_they_are_read():
    for text in ("2025-01-21", "2025-01-21T09:30:00Z", "1969-12-31T23:59:59.999999999Z"):
        assert format_instant(parse_instant(text)) == text


# ---- The program --------------------------------------------------------------------------------------

SEEDS = ["20260427"] + [seed for seed in [os.environ.get("OFFTAKE_ORACLE_SEED", "")] if seed]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_program_gives_the_evaluators_answers(seed, tmp_path):
    command = [sys.executable, str(HERE / "compare.py"), "--seed", seed, "--deals", "850",
               "--questions", "150", "--offtake", str(BUILD / "offtake"), "--keep", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    asked = int(done.stdout.splitlines()[-1].split(" questions")[0].split()[-1])
    assert asked >= 100_000, done.stdout.splitlines()[-1]
