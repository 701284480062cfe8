# SPDX-License-Identifier: Apache-2.0
"""Where the measures of commitments will stand: docs/books.md, "Forecasts", reckoned again from that page.

Each word of the page is a function. A forecast says whether a measure is met, when, what will be there at its end
and what will be missing; None is one that cannot be made.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import commitments
from commitments import Measure, Settled, rounded
from model import month_of, month_start

YEAR = 12  # months


@dataclass
class Forecast:
    met: bool
    met_at: int | None
    expected: int
    shortfall: int


@dataclass
class Part:
    """What is expected of a month, or of a part of it, from BEGIN until END."""

    begin: int
    end: int
    spend: int


# ---- words ----------------------------------------------------------------------------------------------


def begin_of(one: Settled) -> int:
    begins = [one.terms.begin]
    if one.version is None:
        begins.append(one.clause.begin)
    if one.before is not None:
        begins.append(free_from(one.before))
    return max(begins)


def free_from(before: Settled) -> int:
    """From when on a predecessor leaves spend to its successor: complete, or at its end."""
    if before.complete_month is None:
        return before.end
    return min(before.end, month_start(before.complete_month))


def credit_of(one: Settled) -> int:
    """What would be drawn without counting."""
    credits = one.own_credits + (one.credits_before if one.terms.net else [])
    return sum(left for _, left in credits)


def need_of(one: Settled, measure: Measure) -> int:
    still = one.asked(measure) - one.progress() - one.waiting
    return still + credit_of(one) if still > 0 else still


def concluded(one: Settled, measure: Measure, future: int, day) -> Forecast:
    need = need_of(one, measure)
    expected = one.progress() + one.waiting + max(future - credit_of(one), 0)
    if need > future:
        return Forecast(False, None, expected, need - future)
    return Forecast(True, one.at if need <= 0 else day(need), expected, 0)


# ---- in a straight line ---------------------------------------------------------------------------------


def linear(one: Settled, measure: Measure) -> Forecast | None:
    elapsed = one.at - begin_of(one)
    if elapsed <= 0:
        return None
    spend = sum(one.spent.values())
    future = rounded(Fraction(spend * (measure.by - one.at), elapsed))
    return concluded(one, measure, future,
                     lambda need: min(one.at + rounded(Fraction(need * elapsed, spend)), measure.by))


# ---- by the months of a year before ---------------------------------------------------------------------


def whole_months(one: Settled) -> range:
    begin = begin_of(one)
    first = month_of(begin) + (begin != month_start(month_of(begin)))
    return range(first, month_of(one.at))


def growth_of(one: Settled, months: range) -> Fraction:
    compared = min(len(months) - YEAR, YEAR)
    last = range(months.stop - compared, months.stop)
    above = sum(one.spent.get(month, 0) for month in last)
    below = sum(one.spent.get(month - YEAR, 0) for month in last)
    return Fraction(above, below) if compared >= 1 and below > 0 else Fraction(1)


def part_by_time(spend: int, month: int, begin: int, end: int) -> Part:
    start, until = month_start(month), month_start(month + 1)
    begin, end = max(start, begin), min(until, end)
    return Part(begin, end, rounded(Fraction(spend * (end - begin), until - start)))


def parts_to_come(one: Settled, until: int, months: range) -> list:
    growth, parts = growth_of(one, months), []
    spends = {month: one.spent.get(month, 0) for month in months}
    for month in range(months.stop, month_of(until) + 1):
        spends[month] = rounded(spends[month - YEAR] * growth)
        parts.append(part_by_time(spends[month], month, one.at, until))
    return parts


def day_of(need: int, parts: list) -> int:
    for part in parts:
        if part.spend >= need:
            return part.begin + rounded(Fraction(need * (part.end - part.begin), part.spend))
        need -= part.spend
    raise AssertionError("need is at most the sum of the parts")


def seasonal(one: Settled, measure: Measure) -> Forecast | None:
    months = whole_months(one)
    if len(months) < YEAR:
        return None
    parts = parts_to_come(one, measure.by, months)
    return concluded(one, measure, sum(part.spend for part in parts), lambda need: day_of(need, parts))


# ---- all ------------------------------------------------------------------------------------------------


def forecasts_of(books, at: int):
    """(clause, measure, linear, seasonal) of each open measure that binds."""
    for identity, one in commitments.settle(books, at).items():
        for measure in one.measures:
            if measure.binds() and measure.state == "open":
                yield identity, one, measure, linear(one, measure), seasonal(one, measure)
