# SPDX-License-Identifier: Apache-2.0
"""What becomes of revenue shares: docs/books.md, section "Revenue shares", reckoned again from that page.

`settle` looks at one instant: at the deal, the bases, what plain shares came to, and what was told. Each rule
of the page is a function or a few lines that say which; amounts are whole nano-units.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction

import model
from model import ALWAYS, BILLION, MEMO, NEVER, SHARE, InForce, Key, Share, format_instant, month_of, month_start

SHARE_TERM, DEDUCTION, PAYMENT = 20, 21, 22
PLAIN, EARNED, MINIMUM, INTEREST = range(4)
PARTS = ["plain", "earned", "minimum", "interest"]
KEPT_BACK, SET_OFF = range(2)
DAY = 86400 * BILLION


def rounded(value) -> int:
    return model.half_even(Fraction(value))


@dataclass(frozen=True)
class Duration:
    count: int
    unit: str  # hours, days, business days, weeks, months, years

    def after(self, at: int) -> int:
        if self.unit in ("months", "years"):
            return months_after(at, self.count * (12 if self.unit == "years" else 1))
        hours = {"hours": 1, "days": 24, "business days": 24, "weeks": 168}[self.unit]
        return at + self.count * hours * 3600 * BILLION

    def text(self) -> str:
        return f"{self.count} {self.unit}"


def months_after(at: int, count: int) -> int:
    """The same time of day; on the month's last day when it is shorter."""
    month = month_of(at)
    into = at - month_start(month)
    length = month_start(month + count + 1) - month_start(month + count)
    day = min(into // DAY, length // DAY - 1)
    return month_start(month + count) + day * DAY + into % DAY


def later(at: int, duration: Duration | None) -> int:
    return NEVER if duration is None or at == NEVER else duration.after(at)


@dataclass
class Told:
    """A deduction or a payment that somebody told of."""

    kind: int
    name: str  # the deduction's, or the share's clause
    detail: str  # the product, or the period
    month: int
    at: int  # when it was told, or the day of payment
    amount: int
    direction: int = MEMO
    party: str = ""

    def key(self) -> Key:
        return Key(self.kind, self.month, outcome=self.direction, product=self.detail,
                   pool=format_instant(self.at), party=self.party, clause=self.name)

    def line(self) -> str:
        return "\t".join(map(str, ["told", self.kind, self.name, self.detail or "-", self.month, self.at,
                                   self.amount, self.direction, self.party or "-"]))


@dataclass
class Month:
    base: int = 0
    deducted: int = 0
    lost: int = 0
    earned: int = 0
    minimum: int = 0
    held: int = 0
    netted: int = 0
    interest: int = 0


@dataclass
class Period:
    name: str
    begin: int  # as cut
    until: int
    whole: int  # of the calendar's, in nanoseconds
    whole_until: int
    first: int
    last: int
    over: bool
    held: int = 0
    release_at: int = NEVER
    netted: int = 0
    due_at: int = NEVER
    statement_by: int = NEVER
    due: int = 0
    paid: int = 0
    outstanding: int = 0
    interest: int = 0


def share_of(terms: Share, base: int) -> int:
    """G, from the cumulative base."""
    if base <= 0:
        return 0
    if not terms.tiers:
        return rounded(Fraction(base * terms.rate_ppb, BILLION))
    if terms.whole_band:
        return rounded(Fraction(base * band_that_holds(terms.tiers, base), BILLION))
    ends = [begin for _, begin in terms.tiers[1:]] + [base]
    return rounded(sum(Fraction(max(min(base, end) - begin, 0) * rate, BILLION)
                       for (rate, begin), end in zip(terms.tiers, ends)))


def band_that_holds(tiers: list, base: int) -> int:
    """A band holds its beginning and not its end."""
    return [rate for rate, begin in tiers if begin <= base][-1]


def period_name(month: int, length: int) -> str:
    year, number = divmod(month, 12)
    return {1: f"{year}-{number + 1:02}", 3: f"{year}-Q{number // 3 + 1}", 12: f"{year}"}[length]


def is_too_late(told_at: int, end: int, clawback: Duration | None) -> bool:
    """At or behind the end of its settlement period (the calendar's) plus `clawback`."""
    return clawback is not None and told_at >= clawback.after(end)


def part_of_minimum(minimum: int, period: Period) -> int:
    return rounded(Fraction(minimum * (period.until - period.begin), period.whole))


def is_day_of_interest(day: int, due_at: int) -> bool:
    return day >= due_at


def day_of_payment(told: Told) -> int:
    """It counts from the beginning of its day."""
    return told.at - told.at % DAY


def release_month(period: Period) -> int:
    return month_of(period.release_at)


def open_at(it: Settled, period: Period, day: int) -> int:
    """What was due and not paid of a period at the beginning of a day, by today's amounts."""
    owed = it.came_to(period) - period.netted - (period.held if period.release_at > day else 0)
    return owed - sum(told.amount for told in it.payments(period) if day_of_payment(told) <= day)


class Settled:
    """One share at one instant."""

    def __init__(self, books, clause: InForce, at: int, others: dict):
        self.books, self.clause, self.terms, self.at = books, clause, clause.terms, at
        self.begin, self.end = clause.begin, clause.end
        self.direction, self.party = books.direction_of(clause)
        self.months, self.periods = {}, []
        if at >= self.begin and self.end > self.begin:
            last = max([month_of(at)] + [month for month in self.months_with_a_base() if month > month_of(at)])
            last = last if self.end == NEVER else min(last, month_of(self.end - 1))
            self.months = {month: Month() for month in range(month_of(self.begin), last + 1)}
            self.make_periods()
        for month, it in self.months.items():
            it.base = self.base_of(month, others)
            it.deducted, it.lost = self.deductions_of(month)
        self.total = 0
        if self.terms.plain():
            self.take_plain()
        else:
            self.earn()
        self.hold_back()

    # -- months and periods --

    def make_periods(self) -> None:
        length = self.terms.period_months
        starts = sorted({month - month % length for month in self.months})
        for start in starts:
            begin, until = max(month_start(start), self.begin), min(month_start(start + length), self.end)
            mine = [month for month in self.months if start <= month < start + length]
            whole = month_start(start + length) - month_start(start)
            period = Period(period_name(start, length), begin, until, whole, month_start(start + length), mine[0],
                            mine[-1], until <= self.at)
            period.statement_by = later(until, self.terms.statement)
            period.due_at = later(until, self.terms.payment)
            self.periods.append(period)

    def months_with_a_base(self) -> list:
        """Months that have a base."""
        return [key.own_month for key in self.books.lines
                if key.kind == SHARE and key.product and key.clause == self.clause.identity]

    def months_of(self, period: Period) -> list:
        return [self.months[month] for month in range(period.first, period.last + 1)]

    def sum_of(self, period: Period, name: str) -> int:
        return sum(getattr(month, name) for month in self.months_of(period))

    def came_to(self, period: Period) -> int:
        return self.sum_of(period, "earned") + self.sum_of(period, "minimum")

    # -- what it comes to --

    def base_of(self, month: int, others: dict) -> int:
        if self.terms.of_share:
            other = others[self.terms.of_share].months.get(month)
            return 0 if other is None else other.earned + other.minimum
        return sum(base for key, (base, _) in self.books.lines.items()
                   if key.kind == SHARE and key.product and key.clause == self.clause.identity
                   and key.own_month == month)

    def covers(self, name: str) -> bool:
        product = self.books.products.get(name)
        return name == "" or (product is not None and not self.terms.of_share and self.terms.products.holds(product))

    def takes_off(self, told: Told) -> bool:
        return told.kind == DEDUCTION and told.name in self.terms.less and self.covers(told.detail)

    def deductions_of(self, month: int) -> tuple:
        start = month - month % self.terms.period_months
        end = month_start(start + self.terms.period_months)
        counted = lost = 0
        for told in self.books.told:
            if told.month == month and self.takes_off(told):
                if is_too_late(told.at, end, self.terms.clawback):
                    lost += told.amount
                else:
                    counted += told.amount
        return counted, lost

    def take_plain(self) -> None:
        for key, (_, amount) in self.books.lines.items():
            if key.kind == SHARE and not key.product and key.clause == self.clause.identity and key.unit == PLAIN \
                    and key.own_month in self.months:
                self.months[key.own_month].earned += amount
                self.total += amount

    def within_period_cap(self, amount: int) -> int:
        cap = self.terms.cap_per_period
        return amount if cap is None else min(amount, cap)

    def earn(self) -> None:
        terms, cumulative, gross, periods_before, minimums, earned = self.terms, 0, 0, 0, 0, 0
        for period in self.periods:
            gross_before, so_far = gross, 0
            for number in range(period.first, period.last + 1):
                month = self.months[number]
                cumulative += month.base - month.deducted
                gross = share_of(terms, cumulative)
                so_far = self.within_period_cap(gross - gross_before)
                whole = periods_before + so_far + minimums
                whole = whole if terms.cap is None else min(whole, terms.cap)
                month.earned = whole - minimums - earned
                earned += month.earned
            periods_before += so_far
            last = self.months[period.last]
            if period.over and terms.minimum_per_period is not None:
                wanted = part_of_minimum(terms.minimum_per_period, period) - self.sum_of(period, "earned")
                last.minimum += self.with_room(wanted, earned + minimums)
            minimums += last.minimum
        if self.periods and self.end <= self.at and terms.minimum is not None:
            more = self.with_room(terms.minimum - earned - minimums, earned + minimums)
            last.minimum += more
            minimums += more
        self.total = earned + minimums

    def with_room(self, wanted: int, total: int) -> int:
        room = wanted if self.terms.cap is None else self.terms.cap - total
        return max(min(wanted, room), 0)

    # -- when it is paid --

    def any_month(self, month: int) -> Month:
        return self.months.setdefault(month, Month())

    def hold_back(self) -> None:
        if self.terms.holdback is None:
            return
        rate, duration = self.terms.holdback
        for period in self.periods:
            so_far = 0
            for number in range(period.first, period.last + 1):
                month = self.months[number]
                so_far += month.earned + month.minimum
                held = rounded(Fraction(max(so_far, 0) * rate, BILLION))
                month.held += held - period.held
                period.held = held
            period.release_at = later(period.until, duration)
            if period.release_at <= self.at:
                self.any_month(release_month(period)).held -= period.held

    def payable(self, period: Period) -> int:
        return self.came_to(period) - period.held - period.netted

    def set_off_against(self, other: Settled) -> None:
        for period in self.periods:
            if not period.over:
                continue
            theirs = [one for one in other.periods
                      if one.over and period.first <= one.first and one.last <= period.last]
            rest = max(min(self.payable(period), sum(other.payable(one) for one in theirs)), 0)
            other.take_set_off(theirs, rest)
            period.netted += rest
            self.months[period.last].netted += rest

    def take_set_off(self, periods: list, rest: int) -> None:
        """The other side of it: its periods in their order, as far as each goes."""
        for period in periods:
            part = min(max(self.payable(period), 0), rest)
            period.netted += part
            rest -= part

    def payments(self, period: Period) -> list:
        return [told for told in self.books.told if told.kind == PAYMENT and told.name == self.clause.identity
                and told.detail == period.name and day_of_payment(told) <= self.at]

    def pay(self) -> None:
        for period in self.periods:
            period.paid = sum(told.amount for told in self.payments(period))
            if period.due_at <= self.at:
                still_kept = period.held if period.release_at > self.at else 0
                period.due = self.came_to(period) - period.netted - still_kept
                self.bear_interest(period)
            period.outstanding = max(period.due - period.paid, 0)

    def bear_interest(self, period: Period) -> None:
        if not self.terms.interest:
            return
        open_sum, posted = 0, 0
        day = period.due_at - period.due_at % DAY
        while day + DAY <= self.at:
            if is_day_of_interest(day, period.due_at):
                open_sum += max(open_at(self, period, day), 0)
            month = month_of(day)
            day += DAY
            if month_of(day) != month or day + DAY > self.at:
                sum_so_far = rounded(Fraction(open_sum * self.terms.interest, 365 * BILLION))
                self.any_month(month).interest += sum_so_far - posted
                posted = sum_so_far
        period.interest = posted


def settle(books, at: int) -> dict:
    """Every share by its identity, in the order of the deal."""
    clauses = {clause.identity: clause for clause in books.clauses if isinstance(clause.terms, Share)}
    settled = {}

    def visit(identity: str) -> None:
        if identity not in settled:
            if clauses[identity].terms.of_share:
                visit(clauses[identity].terms.of_share)
            settled[identity] = Settled(books, clauses[identity], at, settled)

    for identity in clauses:
        visit(identity)
    done = set()
    for identity, clause in clauses.items():
        other = clause.terms.netting
        if other and (other, identity) not in done and settled[identity].direction != MEMO:
            settled[identity].set_off_against(settled[other])
            done.add((identity, other))
    for one in settled.values():
        one.pay()
    return {identity: settled[identity] for identity in clauses}


def term_lines(books, at: int) -> dict:
    """The lines that shares by their terms add to the books: quantity and amount by key."""
    lines = {}
    for identity, one in settle(books, at).items():
        terms = one.terms
        rate = 0 if terms.tiers else terms.rate_ppb

        def put(kind: int, month: int, unit: int, quantity: int, amount: int) -> None:
            if quantity or amount:
                key = Key(kind, month, unit, one.direction, rate if kind == SHARE and unit == EARNED else 0,
                          party=one.party, clause=identity)
                lines[key] = (quantity, amount)

        for number, month in one.months.items():
            if not terms.plain():
                put(SHARE, number, EARNED, month.base - month.deducted, month.earned)
                put(SHARE, number, MINIMUM, 0, month.minimum)
            put(SHARE, number, INTEREST, 0, month.interest)
            if one.direction != MEMO:
                put(SHARE_TERM, number, KEPT_BACK, month.held, month.held)
                put(SHARE_TERM, number, SET_OFF, month.netted, month.netted)
    for told in books.told:
        before = lines.get(told.key(), (0, 0))[0]
        lines[told.key()] = (before + told.amount, before + told.amount)
    return {key: line for key, line in lines.items() if line != (0, 0)}
