# SPDX-License-Identifier: Apache-2.0
"""What becomes of commitments: docs/books.md, section "Commitments", reckoned again from that page.

`settle` looks at one instant, from what was counted alone. Each rule of the page is a function or a few lines
that say which; amounts are whole nano-units, and `half_even` is the only rounding.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction

import model
from model import BILLION, COMMITMENT, NEVER, SHORTFALL, Commit, InForce, Key, month_of, month_start

CASH, CREDIT, DRAWN, OVERAGE = range(4)
DUES = ["cash", "credit", "credit-drawn", "overage"]
DIRECT, MARKETPLACE = range(2)


def rounded(value) -> int:
    return model.half_even(Fraction(value))


def part_or_amount(words, whole: int) -> int:
    """RATE of the whole, or at most AMOUNT."""
    kind, number = words
    return rounded(Fraction(whole * number, BILLION)) if kind == "rate" else min(number, whole)


@dataclass
class Measure:
    kind: str  # ramp, milestone, whole
    by: int
    amount: int
    state: str = "open"
    progress: int = 0
    missing: int = 0
    owed: int = 0
    credit: int = 0
    forfeited: int = 0
    rolled: int = 0

    def binds(self) -> bool:
        return self.kind != "ramp"


@dataclass
class Piece:
    start: int
    place: int
    counted_at: int  # its place, or the end of its month at invoice
    inherited: bool = False  # counted under a version before
    costs: list = field(default_factory=lambda: [0, 0])  # direct, through the marketplace

    @property
    def month(self) -> int:
        return month_of(self.start)


# ---- Who follows whom ---------------------------------------------------------------------------------


class Family:
    """Which clause is whose predecessor, successor and version before."""

    def __init__(self, clauses: list):
        self.commits = [clause for clause in clauses if isinstance(clause.terms, Commit)]
        self.by_identity = {clause.identity: clause for clause in self.commits}

    def version_before(self, clause: InForce) -> InForce | None:
        return self.by_identity.get(clause.amends)

    def last_version(self, clause: InForce) -> InForce:
        later = [other for other in self.commits if other.amends == clause.identity]
        return self.last_version(later[0]) if later else clause

    def predecessor(self, clause: InForce) -> InForce | None:
        named = self.by_identity.get(clause.terms.successor_of)
        return None if named is None else self.last_version(named)

    def successor(self, clause: InForce) -> InForce | None:
        first = next((other for other in self.commits if self.predecessor(other) is clause), None)
        begun = [other for other in self.commits if self.predecessor(other) is clause and self.amends(other, first)
                 and other.begin <= end_of(clause)]
        return max(begun, key=lambda other: other.begin, default=first)

    def amends(self, clause: InForce | None, first: InForce) -> bool:
        """Whether it is that one, or a later version of it."""
        return clause is not None and (clause is first or self.amends(self.version_before(clause), first))


def end_of(clause: InForce) -> int:
    return min(clause.end, clause.terms.end)


def cuts_of(family: Family, clause: InForce) -> set:
    before = family.predecessor(clause)
    dates = {by for _, by in clause.terms.milestones + clause.terms.ramps}
    return dates | ({end_of(before)} if before is not None and end_of(before) != NEVER else set())


def piece_start(family: Family, clause: InForce, instant: int) -> int:
    month = month_start(month_of(instant))
    return max([month] + [cut for cut in cuts_of(family, clause) if month <= cut <= instant])


def weight_of(terms: Commit, product) -> int:
    """In parts per billion; `all` counts also what ran for a product that the deal does not know."""
    for products, weight in terms.counting:
        if model.counts(products, product):
            return weight
    return 0


def measures_of(terms: Commit) -> list:
    measures = [Measure(kind, by, amount) for kind, listed in (("milestone", terms.milestones), ("ramp", terms.ramps))
                for amount, by in listed if by < terms.end]
    return sorted(measures, key=lambda measure: measure.by) + [Measure("whole", terms.end, terms.amount)]


def is_before(piece: Piece, by: int) -> bool:
    return piece.place < by


def rank_of_measures(at_invoice: bool) -> int:
    """A piece that begins at a measure's end comes after it; an invoice of that instant comes before."""
    return 1 if at_invoice else 0


def month_of_shortfall(by: int) -> int:
    """The last instant at which it was missing."""
    return month_of(by - 1)


def lets_go(terms: Commit) -> bool:
    """A sum that is prepaid or owed whatever was used cannot be let go of."""
    return terms.shortfall == "forfeit" and terms.how == "build-up"


# ---- One commitment at one instant --------------------------------------------------------------------


class Settled:
    def __init__(self, family: Family, clause: InForce, rows: dict, at: int, others: dict):
        """OTHERS holds those that this one follows, as they are AT the same instant."""
        self.family, self.clause, self.terms, self.at = family, clause, clause.terms, at
        self.end = end_of(clause)
        before, version = family.predecessor(clause), family.version_before(clause)
        self.before = others.get(before.identity) if before is not None else None
        self.version = others.get(version.identity) if version is not None else None
        follower = family.successor(clause)
        self.follower = follower.terms if follower is not None else None
        self.follower_name = follower.identity if follower is not None else ""
        self.measures = measures_of(clause.terms)
        self.required = self.terms.amount
        self.counted = self.settled = self.carried = self.net_drawn = self.waiting = 0
        self.excess = self.rolled_rest = self.overage = self.eligible = self.level = 0
        self.sums = [0, 0]
        self.credits_before, self.own_credits = [], []  # [clause, left], in the order in which they are drawn
        self.released, self.taken = defaultdict(int), defaultdict(int)
        self.spent = defaultdict(int)  # by month, not invoiced yet included
        self.complete_month = None
        self.dues = defaultdict(int)  # (clause, month, due, by): amount
        self.took_over = False
        self.pieces = self.pieces_of(rows)
        self.go_on()
        self.walk()

    # -- pieces --

    def pieces_of(self, rows: dict) -> list:
        """Rows of this clause and of the versions before it; and pieces in which nothing was spent."""
        terms, pieces = self.terms, {}

        def piece(start: int, inherited: bool = False) -> Piece:
            place = max(start, terms.begin)
            month_end = month_start(month_of(start) + 1)
            counted_at = month_end if terms.at_invoice else place
            return pieces.setdefault((start, inherited), Piece(start, place, counted_at, inherited))

        clause = self.clause
        while clause is not None:
            for (name, start, way), amount in rows.items():
                if name == clause.identity and month_start(month_of(start) + 1) > terms.begin:
                    piece(start, clause is not self.clause).costs[way] += amount
            clause = self.family.version_before(clause)
        last = min(self.at, self.end)
        first = terms.begin if self.version is None else max(terms.begin, self.clause.begin)
        starts = {month_start(month) for month in range(month_of(first), month_of(max(last, first)) + 1)}
        for start in starts | cuts_of(self.family, self.clause):
            if first <= start < last:
                piece(start)
        if first == terms.begin < last:
            piece(piece_start(self.family, self.clause, first))
        return sorted((one for one in pieces.values() if one.place < self.at),
                      key=lambda one: (one.place, not one.inherited, one.start))

    def walk(self) -> None:
        at_invoice = self.terms.at_invoice
        events = []
        for number, piece in enumerate(self.pieces):
            if not at_invoice or piece.counted_at <= self.terms.end:
                events.append((piece.counted_at, 0 if at_invoice else 1, number, piece))
        events += [(measure.by, rank_of_measures(at_invoice), number, measure)
                   for number, measure in enumerate(self.measures)]
        for _, _, _, event in sorted(events, key=lambda one: one[:3]):
            if isinstance(event, Piece):
                self.take_over(event.place)
                self.take_piece(event)
            else:
                self.take_measure(event)

    # -- what goes before --

    def progress(self) -> int:
        return self.counted + self.settled + self.carried - self.net_drawn

    def go_on(self) -> None:
        """An amendment: what goes on of the version before."""
        old = self.version
        if old is None:
            return
        if old.terms.begin == self.terms.begin:
            self.settled, self.carried, self.net_drawn = old.settled, old.carried, old.net_drawn
            self.required += old.required - old.terms.amount
            self.took_over = old.took_over
            self.own_credits = [list(one) for one in old.own_credits]
            self.credits_before = [list(one) for one in old.credits_before]
        else:
            self.credits_before = [list(one) for one in old.credits_before + old.own_credits]
        self.level = max(self.progress() - self.required, 0)  # which no piece rose to

    def take_over(self, instant: int) -> None:
        old = self.before
        if old is None or self.took_over or instant < old.end or old.end > self.at:
            return
        if old.follower_name != self.clause.identity:
            return
        self.took_over = True
        self.required += old.rolled_rest
        self.carried += old.rolled_excess()
        self.credits_before += [list(one) for one in old.credits_before + old.own_credits]

    # -- spend --

    def cap_at(self, piece: Piece) -> int | None:
        asked = [one for one in self.measures if one.binds() and self.is_within(piece, one.by)]
        return self.part_of_cap((asked or self.measures[-1:])[0])

    def is_within(self, piece: Piece, by: int) -> bool:
        return piece.counted_at <= by if self.terms.at_invoice else is_before(piece, by)

    def part_of_cap(self, measure: Measure) -> int | None:
        if self.terms.cap is None:
            return None
        kind, number = self.terms.cap
        return number if kind == "amount" else rounded(Fraction(measure.amount * number, BILLION))

    def waits_at(self, piece: Piece) -> bool:
        old = self.before
        return old is not None and piece.place < old.end and not (
            old.complete_month is not None and old.complete_month < piece.month)

    def count(self, piece: Piece) -> int:
        """What of the piece counts: the cap, and what the predecessor lets go."""
        for way in (DIRECT, MARKETPLACE):
            self.sums[way] += piece.costs[way]
        cap = self.cap_at(piece)
        eligible = self.sums[DIRECT] + (self.sums[MARKETPLACE] if cap is None else min(self.sums[MARKETPLACE], cap))
        spend = max(eligible - self.eligible, 0)
        self.eligible = eligible
        if self.waits_at(piece):
            spend = min(spend, self.before.released[piece.month] - self.taken[piece.month])
            self.taken[piece.month] += spend
        return spend

    def credits_in_order(self) -> list:
        return [(self.credits_before, False), (self.own_credits, True)]

    def draw(self, piece: Piece, spend: int) -> None:
        for credits, is_own in self.credits_in_order():
            for entry in credits:
                drawn = min(spend, entry[1])
                entry[1] -= drawn
                spend -= drawn
                if drawn:
                    self.dues[entry[0], piece.month, DRAWN, None] -= drawn
                if is_own:
                    self.settled -= drawn
                else:
                    self.net_drawn += drawn * self.terms.net

    def rolled_excess(self) -> int:
        if self.follower is None or self.terms.roll_over is None:
            return 0
        return part_or_amount(self.terms.roll_over, self.excess)

    def take_piece(self, piece: Piece) -> None:
        spend = self.count(piece)
        self.spent[piece.month] += spend
        if piece.counted_at > self.at:  # not invoiced yet
            self.waiting += spend
            return
        self.counted += spend
        if not piece.inherited:
            self.draw(piece, spend)
        level = max(self.progress() - self.required, 0)
        beyond = max(level - self.level, 0)
        self.level = level
        if not piece.inherited:  # else it was beyond for the version before, and booked there
            self.exceed(piece, beyond)
        if self.complete_month is None and self.progress() >= self.required:
            self.complete_month = piece.month

    def exceed(self, piece: Piece, beyond: int) -> None:
        if self.follower is not None and self.follower.begin <= piece.place < self.follower.end:
            self.released[piece.month] += beyond
            return
        self.excess += beyond
        overage = self.overage_so_far()
        self.dues[self.clause.identity, piece.month, OVERAGE, None] += overage - self.overage
        self.overage = overage

    def overage_so_far(self) -> int:
        if self.terms.overage is None:
            return 0
        return rounded(Fraction((self.excess - self.rolled_excess()) * (self.terms.overage - BILLION), BILLION))

    def credit_left(self) -> int:
        return sum(left for _, left in self.credits_before + self.own_credits)

    # -- measures --

    def asked(self, measure: Measure) -> int:
        return self.required if measure.kind == "whole" else measure.amount

    def take_measure(self, measure: Measure) -> None:
        self.take_over(measure.by)
        measure.progress = self.progress()
        measure.missing = missing = max(self.asked(measure) - self.progress(), 0)
        settled_before = self.version is not None and measure.by <= self.clause.begin
        if settled_before or (measure.by > self.end and self.end <= self.at):
            measure.state = "lapsed"
            return
        if measure.by > self.at:
            return
        measure.state = "short" if missing else "met"
        if not measure.binds() or not missing:
            return
        if self.terms.roll_over is not None and (measure.kind != "whole" or self.follower is not None):
            measure.rolled = part_or_amount(self.terms.roll_over, missing)
        self.settle_rest(measure, missing - measure.rolled)
        if measure.kind == "whole":
            self.rolled_rest = measure.rolled

    def settle_rest(self, measure: Measure, rest: int) -> None:
        month = month_of_shortfall(measure.by)
        self.settled += rest
        if self.terms.shortfall == "credit":
            measure.credit = rest
            self.own_credits.append([self.clause.identity, rest])
            self.dues[self.clause.identity, month, CREDIT, measure.by] += rest
        elif lets_go(self.terms):
            measure.forfeited = rest
        else:
            measure.owed = rest
            self.dues[self.clause.identity, month, CASH, measure.by] += rest

    # -- state, line, value --

    def status(self) -> str:
        whole = self.measures[-1]
        if whole.state == "short":
            return "fell short"
        if self.end <= self.at and self.end < self.terms.end:
            return "lapsed"
        if whole.state == "met" or self.progress() >= self.required:
            return "complete"
        if self.at < max(self.terms.begin, self.clause.begin):
            return "not begun"
        return "waits for its predecessor" if self.waits() else "running"

    def waits(self) -> bool:
        old = self.before
        return old is not None and self.at < old.end and old.complete_month is None

    def line(self) -> int:
        if self.at <= self.terms.begin:
            return 0
        low, height = self.terms.begin, 0
        for measure in self.measures:
            top = max(height, self.asked(measure))
            if self.at < measure.by:
                return height + rounded(Fraction((top - height) * (self.at - low), measure.by - low))
            low, height = measure.by, top
        return self.required

    def active(self) -> bool:
        return (self.clause.holds(self.at) and self.terms.begin <= self.at < self.terms.end and not self.waits())

    def behind(self) -> bool:
        return self.active() and self.progress() + self.waiting < self.line()

    def value(self) -> int:
        """In parts per billion."""
        if not self.active():
            return 0
        if self.progress() >= self.required:
            return 0 if self.follower is not None or self.terms.overage is None else BILLION - self.terms.overage
        if not self.behind() or self.terms.shortfall == "credit" or lets_go(self.terms):
            return 0
        has_where = self.follower is not None or any(
            measure.kind == "milestone" and measure.state == "open" for measure in self.measures)
        if self.terms.roll_over is None or not has_where:
            return BILLION
        kind, number = self.terms.roll_over
        if kind == "rate":
            return BILLION - number
        return BILLION if self.line() - self.progress() - self.waiting > number else 0


def settle(books, at: int) -> dict:
    """Every commitment by its identity."""
    family, settled = Family(books.clauses), {}
    rows = defaultdict(int)
    for key, (_, amount) in books.lines.items():
        if key.kind == COMMITMENT:
            start = model.parse_instant(key.pool) if key.pool else month_start(key.own_month)
            rows[key.clause, start, key.outcome] += amount

    def visit(clause: InForce | None) -> None:
        if clause is None or clause.identity in settled:
            return
        visit(family.predecessor(clause))
        visit(family.version_before(clause))
        settled[clause.identity] = Settled(family, clause, rows, at, settled)

    for clause in family.commits:
        visit(clause)
    return settled


def due_lines(books, at: int) -> dict:
    """The SHORTFALL series."""
    result = defaultdict(int)
    for identity, one in settle(books, at).items():
        for (name, month, due, by), amount in one.dues.items():
            party = books.deal.providers[books.family.by_identity[name].terms.provider]
            key = Key(SHORTFALL, month, outcome=due, party=party, clause=name,
                      pool="" if by is None else model.format_instant(by))
            result[key] += amount
    return {key: (amount, amount) for key, amount in result.items() if amount}
