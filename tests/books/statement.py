# SPDX-License-Identifier: Apache-2.0
"""What a statement and the list of commitments must say, from the books of model.py. Lists have no order here."""

from __future__ import annotations

from fractions import Fraction

from model import (
    BILLION, COMMITMENT, COST, DIRECTIONS, ESTIMATED, MEMO, MILLION, ORPHAN_RULE, OUTCOMES, PAID, RECEIVED, SALE,
    SERVED, SHARE, UNITS, UNSETTLED, USAGE, Books, Commit, half_even)


def decimal(nanos: int) -> str:
    """Exact, with two decimals at least."""
    whole, part = divmod(abs(nanos), BILLION)
    digits = f"{part:09}".rstrip("0").ljust(2, "0")
    return f"{'-' if nanos < 0 else ''}{whole}.{digits}"


def amount(name: str, nanos: int) -> dict:
    return {name: decimal(nanos), f"{name}_nanos": str(nanos)}


def percent(ppb: int) -> str:
    whole, part = divmod(ppb * 100, BILLION)
    return f"{whole}.{part:09}".rstrip("0").rstrip(".")


def part_of(part: int, whole: int) -> str:
    if whole <= 0:
        return "-"
    millionths = half_even(Fraction(part * MILLION, whole))
    return f"{millionths // 10000}.{millionths % 10000:04}"


class Statement:
    def __init__(self, books: Books, name: str, month: int, as_of: int):
        deal = books.deal
        self.books, self.name, self.as_of = books, name, as_of
        self.customer, self.account = name == deal.customer, name in deal.accounts
        self.rows = {key: line for key, line in books.lines.items() if key.month == month}

    def concerns(self, key) -> bool:
        return self.customer or (key.account if self.account else key.party) == self.name

    def priced(self, kind: int, wanted) -> list:
        result = []
        for key, (quantity, nanos) in self.rows.items():
            if key.kind != kind or not self.concerns(key) or not wanted(key):
                continue
            where = {"account": key.account, "product": key.product} if kind == SALE else {"pool": key.pool}
            result.append(where | {"party": key.party, "model": key.model, "unit": UNITS[key.unit],
                                   "clause": key.clause, "quantity": str(quantity)}
                          | amount("price_per_million", key.rate) | amount("amount", nanos))
        return result

    def reserved(self) -> list:
        result = []
        for key, (requests, _) in self.rows.items():
            pool = self.books.pools.get(key.pool)
            if key.kind == USAGE and self.concerns(key) and not self.account and pool and pool.reserved \
                    and key.outcome in (SERVED, ESTIMATED, UNSETTLED):
                units = {unit: str(self.books.usage[key][number]) for number, unit in enumerate(UNITS[:7])}
                result.append({"pool": key.pool, "account": key.account, "product": key.product, "model": key.model,
                               "outcome": OUTCOMES[key.outcome], "requests": str(requests)} | units)
        return result

    def is_ours(self, key) -> bool:
        """A share is on the statement of its other side, of the customer, and of who pays one between others."""
        payer = next(clause.terms.payer for clause in self.books.clauses if clause.identity == key.clause)
        return self.concerns(key) or (key.outcome == MEMO and payer == self.name)

    def shares(self) -> list:
        result = []
        for key, (base, nanos) in self.rows.items():
            if key.kind != SHARE or key.product != "" or self.account or not self.is_ours(key):
                continue
            products = [{"product": other.product} | amount("base", line[0])
                        for other, line in self.rows.items()
                        if other.kind == SHARE and other.product != "" and other.clause == key.clause]
            result.append({"clause": key.clause, "direction": DIRECTIONS[key.outcome], "party": key.party,
                           "rate_percent": percent(key.rate), "rate_ppb": str(key.rate), "products": products,
                           "capped": nanos < half_even(Fraction(base * key.rate, BILLION))}
                          | amount("base", base) | amount("amount", nanos))
        return result

    def commitments(self) -> list:
        result = []
        for clause in self.books.clauses:
            if not isinstance(clause.terms, Commit) or self.account:
                continue
            if self.customer or self.books.deal.providers[clause.terms.provider] == self.name:
                counted = counted_of(self.books, clause.identity)
                active = clause.holds(self.as_of) and clause.terms.begin <= self.as_of < clause.terms.end
                result.append({"clause": clause.identity, "percent": part_of(counted, clause.terms.amount),
                               "active": active}
                              | amount("amount", clause.terms.amount) | amount("counted", counted))
        return result

    def requests(self) -> dict:
        result = dict.fromkeys(OUTCOMES, 0)
        for key, (requests, _) in self.rows.items():
            if key.kind == USAGE and self.concerns(key):
                result[OUTCOMES[key.outcome]] += requests
        return result

    def notes(self, requests: dict, reserved: list) -> list:
        unknown = sum(line[0] for key, line in self.rows.items()
                      if key.kind == USAGE and self.concerns(key) and key.outcome in (SERVED, ESTIMATED, UNSETTLED)
                      and any(name.startswith("?") for name in (key.account, key.product, key.model, key.pool)))
        notes = []
        if requests["unsettled"]:
            notes.append(f"{requests['unsettled']} unsettled: {ORPHAN_RULE}")
        if requests["served-estimated"]:
            notes.append(f"{requests['served-estimated']} estimated: the provider sent no usage; its tokens were "
                         "counted from what passed.")
        if unknown:
            notes.append(f"{unknown} with an id that their deal does not know: what could not be priced is not in "
                         "the amounts.")
        if reserved:
            notes.append("Reserved capacity is paid for flat: its use is shown without an amount.")
        return notes

    def document(self) -> dict:
        own = self.books.deal.customer
        result = {"capacity": [] if self.account else self.priced(COST, lambda key: True),
                  "reserved": self.reserved(), "shares": self.shares(),
                  "sales": self.priced(SALE, lambda key: key.party == own),
                  "memo_sales": self.priced(SALE, lambda key: key.party != own),
                  "requests": self.requests(), "commitments": self.commitments()}

        def total(section: str, direction: str | None = None) -> int:
            return sum(int(line["amount_nanos"]) for line in result[section]
                       if direction is None or line["direction"] == direction)

        paid, received = total("shares", DIRECTIONS[PAID]), total("shares", DIRECTIONS[RECEIVED])
        net = total("capacity") + paid - received - total("sales")
        result["totals"] = (amount("capacity", total("capacity")) | amount("shares_paid", paid)
                            | amount("shares_received", received) | amount("sales", total("sales"))
                            | amount("memo_sales", total("memo_sales")) | amount("net_payable", net))
        result["notes"] = self.notes(result["requests"], result["reserved"])
        return result


def counted_of(books: Books, identity: str) -> int:
    return sum(nanos for key, (_, nanos) in books.lines.items() if key.kind == COMMITMENT and key.clause == identity)


def commitment_lines(books: Books, at: int) -> list:
    """The straight line from nothing at the period's beginning to the whole amount at its end."""
    result = []
    for clause in books.clauses:
        terms = clause.terms
        if not isinstance(terms, Commit):
            continue
        elapsed = min(max(at - terms.begin, 0), terms.end - terms.begin)
        line = half_even(Fraction(terms.amount * elapsed, terms.end - terms.begin))
        counted = counted_of(books, clause.identity)
        active = clause.holds(at) and terms.begin <= at < terms.end
        result.append({"clause": clause.identity, "provider": terms.provider, "model": terms.how, "active": active,
                       "behind": active and counted < line, "percent": part_of(counted, terms.amount)}
                      | amount("amount", terms.amount) | amount("counted", counted) | amount("line", line))
    return result
