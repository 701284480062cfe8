# SPDX-License-Identifier: Apache-2.0
"""What a statement and the list of commitments must say, from the books of model.py. Lists have no order here."""

from __future__ import annotations

from fractions import Fraction

from model import (
    BILLION, COMMITMENT, COST, DIRECTIONS, ESTIMATED, MEMO, MILLION, ORPHAN_RULE, OUTCOMES, PAID, RECEIVED, SALE,
    SERVED, SHARE, SHORTFALL, UNITS, UNSETTLED, USAGE, Books, Commit, format_instant, half_even)
from evaluate import NEVER
import shares
from commitments import DUES, settle
from forecasts import forecasts_of


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


def late_of(key) -> dict:
    """Where it belongs and where it stands; nothing for what came in time."""
    if not key.for_month:
        return {}
    return {"late_of": month_text(key.for_month), "booked_in": month_text(key.month)}


def month_text(month: int) -> str:
    return f"{month // 12}-{month % 12 + 1:02}"


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
                          | amount("price_per_million", key.rate) | amount("amount", nanos) | late_of(key))
        return result

    def reserved(self) -> list:
        result = []
        for key, (requests, _) in self.rows.items():
            pool = self.books.pools.get(key.pool)
            if key.kind == USAGE and self.concerns(key) and not self.account and pool and pool.reserved \
                    and key.outcome in (SERVED, ESTIMATED, UNSETTLED):
                units = {unit: str(self.books.usage[key][number]) for number, unit in enumerate(UNITS[:7])}
                result.append({"pool": key.pool, "account": key.account, "product": key.product, "model": key.model,
                               "outcome": OUTCOMES[key.outcome], "requests": str(requests)} | units | late_of(key))
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
                        if other.kind == SHARE and other.product != "" and other.clause == key.clause
                        and other.for_month == key.for_month]
            result.append({"clause": key.clause, "direction": DIRECTIONS[key.outcome], "party": key.party,
                           "rate_percent": percent(key.rate), "rate_ppb": str(key.rate), "part": shares.PARTS[key.unit],
                           "products": products if key.unit in (shares.PLAIN, shares.EARNED) else [],
                           "capped": key.unit == shares.PLAIN and nanos < half_even(Fraction(base * key.rate, BILLION))}
                          | amount("base", base) | amount("amount", nanos) | late_of(key))
        return result

    def share_settlement(self) -> list:
        result = []
        for key, (_, nanos) in self.rows.items():
            if key.kind not in (shares.SHARE_TERM, shares.DEDUCTION, shares.PAYMENT) or self.account \
                    or not self.concerns(key):
                continue
            what = {shares.DEDUCTION: "deduction", shares.PAYMENT: "paid"}.get(
                key.kind, "set-off" if key.unit == shares.SET_OFF else "held-back")
            result.append({"what": what, "clause": key.clause, "party": key.party, "of": key.product, "at": key.pool}
                          | amount("amount", nanos) | late_of(key))
        return result

    def commitments(self) -> list:
        result = []
        for identity, one in settle(self.books, self.as_of).items():
            if self.account:
                continue
            if self.customer or self.books.deal.providers[one.terms.provider] == self.name:
                result.append({"clause": identity, "percent": part_of(one.counted, one.terms.amount),
                               "active": one.active()}
                              | amount("amount", one.terms.amount) | amount("counted", one.counted))
        return result

    def commitments_due(self) -> list:
        return [{"clause": key.clause, "party": key.party, "due": DUES[key.outcome], "by": key.pool}
                | amount("amount", nanos) | late_of(key) for key, (_, nanos) in self.rows.items()
                if key.kind == SHORTFALL and not self.account and self.concerns(key)]

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
        if requests["unsettled"] > 0:
            notes.append(f"{requests['unsettled']} unsettled: {ORPHAN_RULE}")
        if requests["served-estimated"] > 0:
            notes.append(f"{requests['served-estimated']} estimated: the provider sent no usage; its tokens were "
                         "counted from what passed.")
        if unknown > 0:
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
                  "requests": self.requests(), "commitments": self.commitments(),
                  "commitments_due": self.commitments_due(), "share_settlement": self.share_settlement()}

        def total(section: str, direction: str | None = None) -> int:
            return sum(int(line["amount_nanos"]) for line in result[section]
                       if direction is None or line["direction"] == direction)

        paid, received = total("shares", DIRECTIONS[PAID]), total("shares", DIRECTIONS[RECEIVED])
        net = total("capacity") + total("commitments_due") + paid - received - total("sales")
        result["totals"] = (amount("capacity", total("capacity"))
                            | amount("commitments_due", total("commitments_due")) | amount("shares_paid", paid)
                            | amount("shares_received", received) | amount("sales", total("sales"))
                            | amount("memo_sales", total("memo_sales")) | amount("net_payable", net))
        result["notes"] = self.notes(result["requests"], result["reserved"])
        return result


def moment(instant: int) -> str:
    """An instant in full, as reports have it."""
    text = format_instant(instant)
    return text if text.endswith("Z") else f"{text}T00:00:00Z"


MEASURED = ("required", "progress", "missing", "owed", "credit", "forfeited", "rolled")


def measure_lines(one) -> list:
    result = []
    for measure in one.measures:
        line = {"kind": measure.kind, "by": moment(measure.by), "state": measure.state}
        for name in MEASURED:
            line |= amount(name, one.asked(measure) if name == "required" else getattr(measure, name))
        result.append(line)
    return result


def standing(one) -> str:
    status = one.status()
    if status != "running":
        return status
    return "behind its line" if one.behind() else "on its line or ahead"


def commitment_lines(books: Books, at: int) -> list:
    result = []
    for identity, one in settle(books, at).items():
        terms = one.terms
        line = {"clause": identity, "provider": terms.provider, "model": terms.how, "from": moment(terms.begin),
                "until": moment(terms.end), "percent": part_of(one.counted, terms.amount), "state": standing(one),
                "active": one.active(), "behind": one.behind(), "status": one.status(),
                "successor": one.follower_name, "value_ppb": one.value(), "measures": measure_lines(one)}
        for name, nanos in (
                ("amount", terms.amount), ("counted", one.counted), ("line", one.line()),
                ("required", one.required), ("progress", one.progress()), ("settled", one.settled - one.net_drawn),
                ("carried", one.carried), ("not_invoiced", one.waiting), ("above_cap", sum(one.sums) - one.eligible),
                ("excess", one.excess), ("overage", one.overage), ("rolled_excess", one.rolled_excess()),
                ("rolled_rest", one.rolled_rest), ("credit_left", one.credit_left())):
            line |= amount(name, nanos)
        result.append(line)
    return result


def forecast_line(forecast) -> dict | None:
    if forecast is None:
        return None
    met_at = {"met_at": moment(forecast.met_at)} if forecast.met else {}
    return ({"met": forecast.met} | met_at | amount("expected", forecast.expected)
            | amount("shortfall", forecast.shortfall))


def forecast_lines(books: Books, at: int) -> list:
    lines = {identity: {"clause": identity, "status": one.status(), "measures": []}
             for identity, one in settle(books, at).items()}
    for identity, one, measure, linear, seasonal in forecasts_of(books, at):
        lines[identity]["measures"].append(
            {"kind": measure.kind, "by": moment(measure.by), "linear": forecast_line(linear),
             "seasonal": forecast_line(seasonal)}
            | amount("required", one.asked(measure)) | amount("progress", one.progress()))
    return list(lines.values())


def share_lines(books: Books, at: int) -> list:
    result = []
    for identity, one in shares.settle(books, at).items():
        periods = []
        for period in one.periods:
            line = {"period": period.name, "from": moment(period.begin), "until": moment_or_none(period.until),
                    "over": period.over, "release_at": moment_or_none(period.release_at),
                    "statement_by": moment_or_none(period.statement_by), "due_at": moment_or_none(period.due_at)}
            for name, nanos in (
                    ("base", one.sum_of(period, "base")), ("deducted", one.sum_of(period, "deducted")),
                    ("deducted_too_late", one.sum_of(period, "lost")), ("earned", one.sum_of(period, "earned")),
                    ("minimum", one.sum_of(period, "minimum")), ("held", period.held), ("set_off", period.netted),
                    ("due", period.due), ("paid", period.paid), ("outstanding", period.outstanding),
                    ("interest", period.interest)):
                line |= amount(name, nanos)
            periods.append(line)
        cap = one.terms.cap
        result.append({"clause": identity, "direction": DIRECTIONS[one.direction], "party": one.party,
                       "cap_left": None if cap is None else decimal(cap - one.total), "periods": periods}
                      | amount("total", one.total))
    return result


def moment_or_none(instant: int):
    return None if instant == NEVER else moment(instant)
