# SPDX-License-Identifier: Apache-2.0
"""A second reckoning of docs/books.md: what records owe under a deal, in whole numbers and fractions.

Nothing is added up twice and nothing is rounded but where the page says so. Each rule is a function of its
own, so that a rule that changes is one function that changes. Instants are nanoseconds since 1970 in UTC;
amounts are nano-units; a rate is nano-units for a million units.
"""

from __future__ import annotations

import datetime
import sys
from collections import defaultdict
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "oracle"))

import evaluate  # noqa: E402
from evaluate import ALWAYS, NEVER, end_instant, parse_instant  # noqa: E402  (instants and ends of clauses)

USAGE, SALE, COST, SHARE, COMMITMENT, SHORTFALL = 1, 2, 3, 4, 5, 16
SERVED, ESTIMATED, UNSETTLED, FAILED, REFUSED = range(5)
OUTCOMES = ["served", "served-estimated", "unsettled", "failed", "refused"]
MEMO, PAID, RECEIVED = range(3)
DIRECTIONS = ["memo", "paid", "received"]
UNITS = ["input", "cached", "cache-write", "output", "reasoning", "audio", "image", "request"]
KIN = {"cached": "input", "cache-write": "input", "reasoning": "output", "audio": "input", "image": "input"}
FLAG_ABORTED, FLAG_ESTIMATED, FLAG_CUT, FLAG_UNSETTLED, FLAG_REFUSED = 2, 4, 8, 16, 32
MILLION = 10 ** 6
BILLION = 10 ** 9
ORPHAN_RULE = ("A request whose worker died before it was settled is booked as unsettled, with the estimate of "
               "its input and no output, because nobody saw what came back.")


def format_instant(instant: int) -> str:
    """With no more digits than it takes."""
    text = evaluate.format_instant(instant)
    return text.rstrip("Z").rstrip("0") + "Z" if "." in text else text


def half_even(value: Fraction) -> int:
    return round(value)  # Python rounds a Fraction half to even, exactly


def month_of(instant: int) -> int:
    date = datetime.date(1970, 1, 1) + datetime.timedelta(days=instant // (86400 * BILLION))
    return date.year * 12 + date.month - 1


def month_start(month: int) -> int:
    days = datetime.date(month // 12, month % 12 + 1, 1).toordinal() - datetime.date(1970, 1, 1).toordinal()
    return days * 86400 * BILLION


# ---- The deal -----------------------------------------------------------------------------------------


@dataclass
class Price:
    model: str  # or "*"
    rates: dict  # by unit; what is left out costs what its kin does
    begin: int | None = None
    until: object = None
    steps: list = field(default_factory=list)  # of (after, rates), rising; a step says some of the line's classes

    def rate(self, unit: str, rates: dict | None = None) -> int:
        rates = self.rates if rates is None else rates
        if unit in rates:
            return rates[unit]
        return rates.get(KIN[unit], 0) if unit in KIN else 0

    def bands(self, unit: str) -> list:
        """(from, rate) of each step; a class that a step leaves out keeps its price."""
        rates, bands = dict(self.rates), [(0, self.rate(unit))]
        for after, said in self.steps:
            rates |= said
            bands.append((after, self.rate(unit, rates)))
        return bands


def laid(bands: list, count: int) -> list:
    """How many of COUNT units fall into each band."""
    ends = [begin for begin, _ in bands[1:]] + [count]
    return [max(min(count, end) - begin, 0) for (begin, _), end in zip(bands, ends)]


@dataclass
class Product:
    name: str
    product_class: str
    owner: str
    prices: list = field(default_factory=list)


@dataclass
class Pool:
    name: str
    provider: str
    reserved: bool
    prices: list = field(default_factory=list)
    marketplace: bool = False


@dataclass
class Products:
    everything: bool = False
    names: list = field(default_factory=list)
    classes: list = field(default_factory=list)

    def holds(self, product: Product) -> bool:
        return self.everything or product.name in self.names or product.product_class in self.classes


@dataclass
class Share:
    rate_ppb: int
    products: Products
    payer: str
    payee: str
    cap: int | None = None  # nano-units, over all months
    until: object = None
    tiers: list = field(default_factory=list)  # of (rate, from), rising; none: the rate
    whole_band: bool = False
    of_share: str | None = None  # the share whose part it is, in place of revenue
    period_months: int = 1
    less: list = field(default_factory=list)
    cap_per_period: int | None = None
    minimum: int | None = None
    minimum_per_period: int | None = None
    netting: str | None = None
    holdback: tuple | None = None  # (parts per billion, for how long)
    clawback: object = None  # durations of shares.py
    statement: object = None
    payment: object = None
    interest: int | None = None  # parts per billion and year

    def plain(self) -> bool:
        return not (self.tiers or self.of_share or self.less or self.minimum is not None
                    or self.cap_per_period is not None or self.minimum_per_period is not None)


@dataclass
class Commit:
    amount: int  # nano-units
    provider: str
    begin: int
    end: int
    how: str
    counting: list  # of (Products, weight in parts per billion); the first that holds a product says
    milestones: list = field(default_factory=list)  # of (amount, by)
    ramps: list = field(default_factory=list)
    net: bool = False
    at_invoice: bool = False
    cap: tuple | None = None  # ("rate", parts per billion) or ("amount", nano-units)
    shortfall: str | None = None
    roll_over: tuple | None = None  # as the cap
    overage: int | None = None  # parts per billion
    successor_of: str | None = None
    until = None


@dataclass
class Clause:
    """A clause of an agreement: terms of its own, or `amends` with another end."""

    label: str
    terms: object = None
    amends: str | None = None
    until: object = None  # of an amendment
    changed: tuple = ()  # of an amendment `with`: the terms that it says anew


@dataclass
class Agreement:
    name: str
    party: str
    effective: int
    until: object = None
    supersedes: list = field(default_factory=list)
    clauses: list = field(default_factory=list)


@dataclass
class Deal:
    customer: str
    parties: list
    providers: dict  # name: party
    models: list
    accounts: list
    products: list
    pools: list
    agreements: list
    events: list
    deductions: list = field(default_factory=list)


@dataclass
class InForce:
    identity: str
    terms: object
    begin: int
    end: int
    amends: str | None = None

    def holds(self, instant: int) -> bool:
        return self.begin <= instant < self.end


def ends_taken_over(by_identity: dict, agreements: dict, clause: Clause, attested: dict) -> list:
    """A commitment that was amended `with` terms keeps the end that it had."""
    if not clause.changed:
        return []
    old = by_identity[clause.amends]
    return [end_instant(agreements[clause.amends.split(".")[0]].until, attested)] + ends_taken_over(
        by_identity, agreements, old, attested)


def resolve(deal: Deal, attested: dict) -> list:
    """Each clause with its time: docs/language.md, "Amending"."""
    by_identity = {f"{agreement.name}.{clause.label}": clause
                   for agreement in deal.agreements for clause in agreement.clauses}
    agreements = {agreement.name: agreement for agreement in deal.agreements}
    result = []
    for agreement in deal.agreements:
        for clause in agreement.clauses:
            identity = f"{agreement.name}.{clause.label}"
            terms = clause.terms or by_identity[clause.amends].terms
            own = clause.until if clause.amends else terms.until
            ends = [end_instant(own, attested), end_instant(agreement.until, attested)]
            if isinstance(terms, Commit):
                ends += [terms.end] + ends_taken_over(by_identity, agreements, clause, attested)
            for other in deal.agreements:
                amended = [one.amends for one in other.clauses]
                if identity in amended or identity in other.supersedes or agreement.name in other.supersedes:
                    ends.append(other.effective)
            result.append(InForce(identity, terms, agreement.effective, min(ends), clause.amends))
    return result


def counts(products: Products, product: Product | None) -> bool:
    """`all` counts what is spent, also for a product that the deal does not know."""
    return products.everything if product is None else products.holds(product)


def weighted(base: int, rate: int) -> int:
    """What counts of a commitment's base, which is rounded already; 0 is all of it."""
    return half_even(Fraction(base * rate, BILLION)) if rate else base


def price_at(prices: list, attested: dict, model: str, instant: int) -> Price | None:
    """The one that names the model before `*`, then the latest `from`."""
    fitting = [price for price in prices
               if price.model in (model, "*") and (price.begin is None or price.begin <= instant)
               and instant < end_instant(price.until, attested)]
    return max(fitting, default=None,
               key=lambda price: (price.model == model, ALWAYS if price.begin is None else price.begin))


def price_identity(owner: str, price: Price) -> str:
    return f"{owner}.price.{price.model}@{'always' if price.begin is None else format_instant(price.begin)}"


# ---- Records ------------------------------------------------------------------------------------------


@dataclass
class Records:
    """COUNT records that differ in their units alone: number i has units + i * steps. -1: one is taken back."""

    count: int
    kind: str  # settled, intent: one that nobody settled
    instant: int
    account: str  # a name, "?<hex>", or "-"
    product: str
    model: str
    pool: str
    clause: str
    status: int
    flags: int
    units: list
    steps: list

    def sum(self, unit: int) -> int:
        return self.count * self.units[unit] + self.steps[unit] * (self.count * (self.count - 1) // 2)

    def one(self, number: int) -> Records:
        units = [unit + number * step for unit, step in zip(self.units, self.steps)]
        return replace(self, count=1, units=units, steps=[0] * 7)

    def line(self) -> str:
        words = ["record", self.count, self.kind, self.instant, self.account, self.product, self.model, self.pool,
                 self.clause, self.status, self.flags, *self.units, *self.steps]
        return "\t".join(map(str, words))


def settled_by_rule(records: Records) -> Records:
    """The orphan rule: the estimate of its input, and no output."""
    count, instant = records.count, records.instant
    return Records(count, "settled", instant, records.account, records.product, records.model, records.pool,
                   records.clause, 0, records.flags | FLAG_UNSETTLED, records.units[:1] + [0] * 6,
                   records.steps[:1] + [0] * 6)


@dataclass
class Correction:
    """What somebody says of a record that is booked; without units it is void."""

    number: int
    instant: int
    units: dict | None  # of the classes that are said

    def line(self) -> str:
        what = "void" if self.units is None else "".join(str(int(unit in self.units)) for unit in range(7))
        units = [(self.units or {}).get(unit, 0) for unit in range(7)]
        return "\t".join(map(str, ["correct", self.number, self.instant, what, *units]))


def put_right(metered: Records, units: dict) -> Records:
    """Somebody says what was used, so it was served, and nothing in it is a guess."""
    flags = metered.flags & ~(FLAG_ESTIMATED | FLAG_UNSETTLED)
    served = 200 <= metered.status <= 299 or flags & (FLAG_ABORTED | FLAG_CUT)
    return replace(metered, flags=flags, status=metered.status if served else 200,
                   units=[units.get(unit, was) for unit, was in enumerate(metered.units)])


def outcome_of(records: Records) -> int:
    with_pool = records.pool != "-"
    if records.flags & FLAG_REFUSED:
        return REFUSED
    if records.flags & FLAG_UNSETTLED and with_pool:
        return UNSETTLED
    partly = FLAG_ABORTED | FLAG_CUT | FLAG_ESTIMATED
    if 200 <= records.status <= 299 or (records.flags & partly and with_pool):
        return ESTIMATED if records.flags & FLAG_ESTIMATED else SERVED
    return FAILED


# ---- The books ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Key:
    kind: int
    month: int
    unit: int = 0
    outcome: int = 0
    rate: int = 0
    account: str = ""
    product: str = ""
    model: str = ""
    pool: str = ""
    party: str = ""
    clause: str = ""
    for_month: int = 0  # of what came late: its own month

    @property
    def own_month(self) -> int:
        return self.for_month or self.month


class Books:
    """Everything that records came to. `reckon` turns sums into amounts, once."""

    def __init__(self, deal: Deal, attested: dict):
        self.deal, self.attested = deal, attested
        self.products = {product.name: product for product in deal.products}
        self.pools = {pool.name: pool for pool in deal.pools}
        self.clauses = resolve(deal, attested)
        self.family = commitments.Family(self.clauses)
        self.shares = {clause.identity: clause.terms for clause in self.clauses if isinstance(clause.terms, Share)}
        self.clause_names = {clause.identity for clause in self.clauses} | {
            price_identity(owner.name, price) for owner in deal.products + deal.pools for price in owner.prices}
        self.usage = defaultdict(lambda: [0] * 8)  # units and requests
        self.quantities = defaultdict(int)  # SALE, COST: units
        self.counts = defaultdict(int)  # of a price line's class in a month, for its steps
        self.bases = defaultdict(Fraction)  # SHARE by product, COMMITMENT: exact nano-units
        self.caps = {}
        self.told = []  # deductions and payments
        self.soft_until = self.closed_until = 0  # months before these are soft-closed, closed
        self.corrected = self.late = 0
        self.records = self.unrated = self.unsettled = self.estimated = 0

    # -- what one record does --

    def add(self, records: Records) -> None:
        if records.kind == "intent":
            records = settled_by_rule(records)
        outcome = outcome_of(records)
        self.records += records.count
        self.late += records.count * (month_of(records.instant) < self.soft_until)
        self.unsettled += records.count * (outcome == UNSETTLED)
        self.estimated += records.count * (outcome == ESTIMATED)
        self.add_usage(records, outcome)
        if outcome in (SERVED, ESTIMATED, UNSETTLED):
            sold, bought = self.add_sale(records), self.add_cost(records)
            self.unrated += records.count * (not (sold and bought))

    def placed(self, key: Key) -> Key:
        """Where a line of its own month stands: see "Periods"."""
        if key.month >= self.soft_until:
            return key
        month = self.soft_until if key.month < self.closed_until else key.month
        return replace(key, month=month, for_month=key.month)

    def correct(self, was: Records | None, right: Records | None) -> None:
        """What one record came to is taken back, and what is right is booked in its place."""
        if was is not None:
            self.add(replace(was, count=-1))
        if right is not None:
            self.add(right)

    def add_usage(self, records: Records, outcome: int) -> None:
        pool = self.pools.get(records.pool)
        party = self.deal.providers[pool.provider] if pool else ""
        account, product, model, pool_name, clause = (
            "" if word == "-" else word
            for word in (records.account, records.product, records.model, records.pool, records.clause))
        key = Key(USAGE, month_of(records.instant), outcome=outcome, account=account, product=product, model=model,
                  pool=pool_name, party=party, clause=clause)
        key = self.placed(key)
        for unit in range(7):
            self.usage[key][unit] += records.sum(unit)
        self.usage[key][7] += records.count

    def priced(self, records: Records, price: Price, line: tuple):
        """(unit, quantity, rate) of each class that costs something, by the month's count under LINE."""
        for number, unit in enumerate(UNITS):
            quantity = records.count if unit == "request" else records.sum(number)
            bands = price.bands(unit)
            if not quantity or not any(rate for _, rate in bands):
                continue
            counted = self.counts[line, number, month_of(records.instant)]
            self.counts[line, number, month_of(records.instant)] += quantity
            for (_, rate), before, after in zip(bands, laid(bands, counted), laid(bands, counted + quantity)):
                if after != before:
                    yield number, after - before, rate

    def add_sale(self, records: Records) -> bool:
        """False: a sale price is owed and there is none."""
        product = self.products.get(records.product)
        if records.account not in self.deal.accounts or product is None or records.model not in self.deal.models:
            return False
        price = price_at(product.prices, self.attested, records.model, records.instant)
        if price is None:
            return False
        exact = Fraction(0)
        line = (SALE, records.account, product.name, records.model, price_identity(product.name, price))
        for unit, quantity, rate in self.priced(records, price, line):
            key = Key(SALE, month_of(records.instant), unit, 0, rate, records.account, product.name, records.model,
                      party=product.owner, clause=price_identity(product.name, price))
            self.quantities[self.placed(key)] += quantity
            exact += Fraction(quantity * rate, MILLION)
        if exact:
            self.add_shares(records, product, exact)
        return True

    def add_shares(self, records: Records, product: Product, exact: Fraction) -> None:
        for clause in self.clauses:
            terms = clause.terms
            if (isinstance(terms, Share) and not terms.of_share and clause.holds(records.instant)
                    and terms.products.holds(product)):
                key = self.share_key(clause, month_of(records.instant), product.name)
                self.bases[self.placed(key)] += exact
                self.caps[clause.identity] = terms.cap

    def direction_of(self, clause: InForce) -> tuple:
        """And the other side; of a share between others the payee."""
        terms = clause.terms
        if terms.payer == self.deal.customer:
            return PAID, terms.payee
        return (RECEIVED, terms.payer) if terms.payee == self.deal.customer else (MEMO, terms.payee)

    def share_key(self, clause: InForce, month: int, product: str) -> Key:
        direction, other = self.direction_of(clause)
        return Key(SHARE, month, outcome=direction, rate=0 if clause.terms.tiers else clause.terms.rate_ppb,
                   product=product, party=other, clause=clause.identity)

    def add_cost(self, records: Records) -> bool:
        pool = self.pools.get(records.pool)
        if pool is None or records.model not in self.deal.models:
            return False
        if pool.reserved:
            return True
        price = price_at(pool.prices, self.attested, records.model, records.instant)
        if price is None:
            return False
        party = self.deal.providers[pool.provider]
        exact = Fraction(0)
        line = (COST, pool.name, records.model, price_identity(pool.name, price))
        for unit, quantity, rate in self.priced(records, price, line):
            key = Key(COST, month_of(records.instant), unit, 0, rate, model=records.model, pool=pool.name,
                      party=party, clause=price_identity(pool.name, price))
            self.quantities[self.placed(key)] += quantity
            exact += Fraction(quantity * rate, MILLION)
        if exact:
            self.add_commitments(records, pool, party, exact)
        return True

    def add_commitments(self, records: Records, pool: Pool, party: str, exact: Fraction) -> None:
        product = self.products.get(records.product)
        for clause in self.clauses:
            terms = clause.terms
            if (isinstance(terms, Commit) and clause.holds(records.instant) and terms.provider == pool.provider
                    and terms.begin <= records.instant < terms.end
                    and (weight := commitments.weight_of(terms, product))):
                start = commitments.piece_start(self.family, clause, records.instant)
                month = month_of(records.instant)
                key = Key(COMMITMENT, month, outcome=int(pool.marketplace), rate=weight % BILLION, party=party,
                          pool="" if start == month_start(month) else format_instant(start), clause=clause.identity)
                self.bases[self.placed(key)] += exact

    # -- what it all comes to --

    def reckon(self, at: int) -> None:
        """`lines`: quantity and amount by key, AT the instant. A total cap is not cut here: see `capped`."""
        self.lines = {key: (sums[7], 0) for key, sums in self.usage.items()}
        for key, quantity in self.quantities.items():
            self.lines[key] = (quantity, half_even(Fraction(quantity * key.rate, MILLION)))
        totals = defaultdict(int)
        for key, exact in self.bases.items():
            base = half_even(exact)
            self.lines[key] = (base, weighted(base, key.rate) if key.kind == COMMITMENT else 0)
            if key.kind == SHARE and self.shares[key.clause].plain():
                totals[Key(**{**key.__dict__, "product": ""})] += base
        for key, base in totals.items():
            self.lines[key] = (base, half_even(Fraction(base * key.rate, BILLION)))
        self.lines.update(commitments.due_lines(self, at))

    def capped(self) -> dict:
        """What each share with a total cap comes to in all months; which month got the last of it, order decides."""
        full = defaultdict(int)
        for key, (_, amount) in self.lines.items():
            if key.kind == SHARE and key.product == "" and key.unit == 0 and self.caps.get(key.clause) is not None:
                full[key.clause] += amount
        return {clause: min(amount, self.caps[clause]) for clause, amount in full.items()}

    def accounts_of(self, key: Key):
        """The debited and the credited account of a line's amount; None when it posts nothing."""
        if key.kind == SALE:
            if key.party == self.deal.customer:
                return f"receivable/{key.account}", f"revenue/{key.product}"
            return f"memo/sales/{key.product}", f"memo/sales-contra/{key.product}"
        if key.kind == COST:
            return f"cost/{key.pool}", f"payable/{key.party}"
        if key.kind == shares.DEDUCTION:
            return f"memo/deduction/{key.clause}", f"memo/deduction-contra/{key.clause}"
        if key.kind in (shares.SHARE_TERM, shares.PAYMENT):
            return self.settling_accounts_of(key)
        if key.kind == SHARE and key.unit == shares.INTEREST and key.outcome != MEMO:
            return [(f"interest-expense/{key.clause}", f"payable/{key.party}"),
                    (f"receivable-party/{key.party}", f"interest-income/{key.clause}")][key.outcome - 1]
        if key.kind == SHARE:
            return [(f"memo/share/{key.clause}", f"memo/share-contra/{key.clause}"),
                    (f"share-expense/{key.clause}", f"payable/{key.party}"),
                    (f"receivable-party/{key.party}", f"share-income/{key.clause}")][key.outcome]
        if key.kind == COMMITMENT:
            return f"memo/commitment/{key.clause}", f"memo/commitment-contra/{key.clause}"
        if key.kind == SHORTFALL:
            return [f"shortfall-expense/{key.clause}", f"shortfall-credit/{key.clause}",
                    f"shortfall-credit/{key.clause}", f"overage-expense/{key.clause}"][key.outcome], \
                f"payable/{key.party}"
        return None

    @staticmethod
    def settling_accounts_of(key: Key):
        """What is kept back, set off, paid."""
        payable, receivable = f"payable/{key.party}", f"receivable-party/{key.party}"
        if key.outcome == MEMO:
            return f"memo/share-paid/{key.clause}", f"memo/share-paid-contra/{key.clause}"
        if key.kind == shares.PAYMENT:
            return (payable, f"cash/{key.party}") if key.outcome == PAID else (f"cash/{key.party}", receivable)
        if key.unit == shares.SET_OFF:
            return payable, receivable
        return (payable, f"held-back/{key.clause}") if key.outcome == PAID else (
            f"held-back-asset/{key.clause}", receivable)

    def balances(self) -> dict:
        result = defaultdict(int)
        for key, (_, amount) in self.lines.items():
            accounts = self.accounts_of(key)
            if accounts and amount:
                result[accounts[0]] += amount
                result[accounts[1]] -= amount
        return {account: amount for account, amount in result.items() if amount}


import commitments  # noqa: E402  (which needs the words above)
import shares  # noqa: E402
