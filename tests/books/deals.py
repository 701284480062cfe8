# SPDX-License-Identifier: Apache-2.0
"""Random deals about money, as model.py has them and as text, and random records under them.

Instants crowd around those at which something begins or ends: a price, a clause, a commitment's period, a
month, a leap day, an event; to the nanosecond.
"""

from __future__ import annotations

import random as random_module
from dataclasses import replace

from evaluate import ALWAYS, NEVER, DateEnd, EarliestEnd, EventEnd, format_instant, parse_instant
from model import (
    BILLION, FLAG_ABORTED, FLAG_CUT, FLAG_ESTIMATED, FLAG_REFUSED, KIN, UNITS, Agreement, Clause, Commit, Deal,
    InForce, Pool, Price, Product, Products, Records,
    Share, month_of, month_start, resolve)
from shares import Duration, Told, DEDUCTION, PAYMENT, period_name
from statement import decimal, percent

DAY = 86400 * BILLION
FIRST = parse_instant("2024-01-01")
DAYS = 900  # to 2026, over the leap day of 2024
MONTH_ENDS = [parse_instant(day) for day in ("2024-02-29", "2024-03-01", "2024-12-31", "2025-01-01", "2025-03-01",
                                             "2025-04-01", "2025-07-01", "2026-01-01")]


TERMS = ("milestones", "ramps", "net", "at_invoice", "cap", "shortfall", "roll_over", "overage", "successor_of")


def some(random, items, least: int = 1) -> list:
    return random.sample(items, random.randint(min(least, len(items)), len(items)))


def counts_whole_months(clause: InForce, owner) -> bool:
    """Or nothing of that product or pool."""
    terms = clause.terms
    if isinstance(owner, Pool):
        return not (isinstance(terms, Commit) and terms.provider == owner.provider)
    return not (isinstance(terms, Share) and not terms.of_share and terms.products.holds(owner)) or all(
        instant in (ALWAYS, NEVER) or instant == month_start(month_of(instant)) for instant in (clause.begin, clause.end))


class Maker:
    def __init__(self, random: random_module.Random):
        self.random = random
        self.days = sorted([FIRST + DAY * random.randrange(DAYS) for _ in range(6)]
                           + random.sample(MONTH_ENDS, 3))

    def day(self, after: int = 0) -> int:
        later = [day for day in self.days if day > after]
        if later and self.random.random() < 0.8:
            return self.random.choice(later)
        return after - after % DAY + DAY * self.random.randint(1, 300)

    def end(self, after: int, chance: float):
        kind = self.random.random() / chance
        if kind >= 1:
            return None
        if not self.events or kind < 0.5:
            return DateEnd(self.day(after))
        event = EventEnd(self.random.choice(self.events))
        return event if kind < 0.8 else EarliestEnd([event, DateEnd(self.day(after))])

    # ---- prices ----

    def rate(self) -> int:
        kind = self.random.random()
        if kind < 0.1:
            return 0
        if kind < 0.4:
            return self.random.randint(1, 400) * 25_000_000
        if kind < 0.9:
            return self.random.randint(1, 30 * BILLION)
        return self.random.choice([1, 2, 999_999, 500_000, 123_456_789_012])

    def price(self, model: str, begin: int | None) -> Price:
        rates = {"input": self.rate(), "output": self.rate()}
        for unit in KIN:
            if self.random.random() < 0.3:
                rates[unit] = self.rate()
        if self.random.random() < 0.3:
            rates["request"] = self.random.randint(0, 10 ** 7) * 10 ** 6  # of a million; one has whole nano-units
        return Price(model, rates, begin, self.end(begin or FIRST, 0.2))

    def prices(self, chance_of_none: float) -> list:
        result = []
        for model in self.models + ["*"]:
            if self.random.random() < (0.5 if model == "*" else chance_of_none):
                continue
            begins = {None} if self.random.random() < 0.8 else {self.day()}
            while self.random.random() < 0.4:
                begins.add(self.day())
            result += [self.price(model, begin) for begin in sorted(begins, key=str)]
        return result

    def add_steps(self, deal: Deal, attested: dict) -> None:
        """Steps where what a share or a commitment counts does not depend on which record was booked first."""
        clauses = resolve(deal, attested)
        for owner in deal.products + deal.pools:
            for price in owner.prices if all(counts_whole_months(clause, owner) for clause in clauses) else []:
                if self.random.random() < 0.4:
                    self.step(price)

    def step(self, price: Price) -> None:
        random = self.random
        for after in sorted({random.randint(1, 10 ** random.randint(1, 7)) for _ in range(random.randint(1, 3))}):
            price.steps.append((after, {unit: self.rate() for unit in some(random, list(price.rates)) if unit != "request"}))
        price.steps = [step for step in price.steps if step[1]]

    # ---- clauses ----

    def products_of(self) -> Products:
        if self.random.random() < 0.3:
            return Products(everything=True)
        names = some(self.random, [product.name for product in self.products])
        classes = ["training"] if self.random.random() < 0.2 else []
        return Products(names=names, classes=classes)

    def share(self, effective: int) -> Share:
        random = self.random
        payer, payee = random.sample([self.customer] + self.parties, 2)
        if random.random() < 0.6:
            payer, payee = (self.customer, payee if payee != self.customer else payer)
        rate = random.choice([200_000_000, 125_000_000, 333_333_333, 1, BILLION, random.randint(1, BILLION)])
        cap = random.choice([random.randint(1, 10 ** 12), random.randint(1, 10 ** 15)])
        products = self.products_of()
        products.everything, products.names = False, products.names or [self.products[0].name]
        share = Share(rate, products, payer, payee, cap if random.random() < 0.35 else None,
                      self.end(effective, 0.4))
        share.period_months = random.choice([1, 1, 3, 12])
        chance = random.choice([0, 0.3, 0.3, 0.6])
        for term in (self.tiers, self.deduct, self.bounds, self.of_share, self.net, self.dates):
            if random.random() < chance:
                term(share)
        if share.cap is not None:
            share.cap = max([share.cap] + [one for one in (share.minimum, share.minimum_per_period) if one])
        return share

    def tiers(self, share: Share) -> None:
        random = self.random
        size = 10 ** random.randint(0, 15)
        begins = sorted({random.randint(1, size) for _ in range(random.randint(0, 3))})
        share.tiers = [(random.choice([0, BILLION, 333_333_333, random.randint(1, BILLION)]), begin) for begin in [0] + begins]
        share.whole_band = random.random() < 0.5

    def deduct(self, share: Share) -> None:
        share.less = some(self.random, self.deductions)
        if self.random.random() < 0.6:
            share.clawback = self.duration()

    def duration(self) -> Duration:
        unit = self.random.choice(["hours", "days", "business days", "weeks", "months", "years"])
        most = {"hours": 100, "days": 120, "business days": 60, "weeks": 9, "months": 7, "years": 1}[unit]
        return Duration(self.random.randint(1, most), unit)

    def bounds(self, share: Share) -> None:
        random = self.random
        size = 10 ** random.randint(3, 14)
        share.cap_per_period = random.randint(1, size) if random.random() < 0.5 else None
        share.minimum_per_period = random.randint(1, size) if random.random() < 0.6 else None
        share.minimum = random.randint(1, size) if random.random() < 0.4 else None
        if share.cap_per_period and share.minimum_per_period:
            share.cap_per_period = max(share.cap_per_period, share.minimum_per_period)

    def of_share(self, share: Share) -> None:
        if self.shares:
            share.of_share, other = self.random.choice(self.shares)
            exact = [one for one in (other.cap, other.cap_per_period, other.minimum, other.minimum_per_period) if one]
            if exact and share.tiers:  # a base of exactly a band's beginning
                begins = sorted({begin for _, begin in share.tiers} | {self.random.choice(exact)})
                share.tiers = [(self.random.randint(0, BILLION), begin) for begin in begins]

    def net(self, share: Share) -> None:
        if self.shares:
            share.netting, other = self.random.choice(self.shares)
            share.payer, share.payee = other.payee, other.payer
            share.products = self.random.choice([share.products, replace(other.products)])
            if other.netting is None and self.random.random() < 0.2:
                other.netting = "?"  # whoever nets it

    def dates(self, share: Share) -> None:
        random = self.random
        if random.random() < 0.6:
            share.holdback = (random.choice([100_000_000, BILLION, random.randint(1, BILLION)]), self.duration())
        share.statement = self.duration() if random.random() < 0.3 else None
        share.payment = self.duration() if random.random() < 0.8 else None
        share.interest = random.choice([80_000_000, random.randint(1, BILLION)]) if random.random() < 0.8 else None

    # ---- what is told of shares ----

    def told(self, deal: Deal, books, last: int) -> list:
        random, result = self.random, []
        clauses = [clause for clause in books.clauses if isinstance(clause.terms, Share)]
        for _ in range(random.randint(0, 12)):
            at = self.instant(last)
            of = self.instant(last)
            month = min(month_of(at), month_of(of)) if random.random() < 0.5 else month_of(at)
            clawbacks = [clause.terms for clause in clauses if clause.terms.clawback]
            if clawbacks and random.random() < 0.4:  # told when it is just too late, or just not
                terms = random.choice(clawbacks)
                end = month_start(month - month % terms.period_months + terms.period_months)
                at = min(terms.clawback.after(end) - random.choice([0, 0, 1]), last)
            amount = random.choice([1, -1, 1, 1]) * random.randint(1, 10 ** random.randint(3, 14))
            result.append(Told(DEDUCTION, random.choice(deal.deductions),
                               "" if random.random() < 0.5 else random.choice(deal.products).name, month, at, amount))
        for _ in range(random.randint(0, 12) if clauses else 0):
            clause = random.choice(clauses)
            day = self.instant(last) // DAY * DAY + random.choice([0, 0, DAY // 2, DAY - 1])
            direction, party = books.direction_of(clause)
            month = max(month_of(day) - random.choice([0, 1, 1, 2, 5]), month_of(clause.begin))
            name = period_name(month, clause.terms.period_months)
            amount = random.choice([1, -1, 1, 1]) * random.randint(1, 10 ** random.randint(3, 14))
            result.append(Told(PAYMENT, clause.identity, name, month_of(day), day, amount, direction, party))
        return result

    # ---- commitments ----

    def counting(self) -> list:
        random = self.random
        whole = [(self.products_of(), BILLION)]
        if random.random() < 0.6 or not whole[0][0].names:
            return whole
        weights = [BILLION, 500_000_000, 333_333_333, 1, random.randint(1, BILLION)]
        return [(Products(names=[name]), random.choice(weights)) for name in whole[0][0].names]

    def sums(self, terms: Commit, most: int) -> list:
        """Rising, within the period."""
        days = sorted({min(self.within(terms), terms.end) for _ in range(self.random.randint(0, most))})
        amounts = sorted(self.random.randint(1, terms.amount) for _ in days)
        return list(zip(amounts, days))

    def within(self, terms: Commit) -> int:
        if terms.end - terms.begin > 500 * DAY and self.random.random() < 0.5:
            return terms.begin + self.random.randint(1, terms.end - terms.begin)
        return self.instant_near(terms.begin + 1)

    def instant_near(self, after: int) -> int:
        at = self.day(after)
        return at + self.random.choice([1, DAY // 3, 86399 * BILLION]) if self.random.random() < 0.1 else at

    def rate_or_amount(self, amount: int) -> tuple:
        random = self.random
        if random.random() < 0.6:
            return "rate", random.choice([100_000_000, 250_000_000, 333_333_333, BILLION, random.randint(1, BILLION)])
        return "amount", random.randint(1, amount)

    def term(self, terms: Commit, name: str) -> None:
        random = self.random
        if name == "milestones":
            terms.milestones = self.sums(terms, 3)
        elif name == "ramps":
            terms.ramps = self.sums(terms, 2)
        elif name == "net":
            terms.net = random.random() < 0.5
        elif name == "at_invoice":
            terms.at_invoice = random.random() < 0.5
        elif name in ("cap", "roll_over"):
            setattr(terms, name, self.rate_or_amount(terms.amount))
        elif name == "shortfall":
            terms.shortfall = random.choice(["cash", "credit", "credit", "forfeit"])
        elif name == "overage" and terms.how != "build-up":
            terms.overage = random.choice([1_200_000_000, 900_000_000, BILLION, random.randint(1, 3 * BILLION)])
        elif name == "successor_of" and self.commits:
            near = [other for other in self.commits if other[1].provider == terms.provider] or self.commits
            terms.successor_of = random.choice(near if random.random() < 0.9 else self.commits)[0]
        elif name == "counting":
            terms.counting = self.counting()

    def amount(self) -> int:
        size = 10 ** self.random.randint(0, 7)
        return self.random.randint(1, size * BILLION) if self.random.random() < 0.7 else size * BILLION

    def commit(self, effective: int) -> Commit:
        random = self.random
        begin = random.choice([effective, self.instant_near(effective)])
        terms = Commit(self.amount(), random.choice(list(self.providers)), begin, self.instant_near(begin),
                       random.choice(["build-up", "burn-down", "take-or-pay"]), self.counting())
        if random.random() < 0.25:  # of years, so that a season comes again
            terms.end = max(terms.end, begin + random.randint(400, 1600) * DAY)
            terms.amount = random.randint(1, 10 ** random.randint(9, 15))
        if self.commits and random.random() < 0.4:
            self.follow(terms, *random.choice(self.commits))
        if terms.end <= effective:
            terms.end = self.instant_near(effective)
        chance = random.choice([0, 0.45, 0.45, 0.8])
        for name in TERMS:
            if random.random() < chance and not (name == "successor_of" and terms.successor_of):
                self.term(terms, name)
        return terms

    def follow(self, terms: Commit, name: str, old: Commit) -> None:
        """The next period of the same commitment."""
        terms.successor_of, terms.provider = name, old.provider
        terms.begin = self.random.choice([old.end, old.end, max(old.begin, old.end - 40 * DAY)])
        terms.end = self.instant_near(terms.begin)
        terms.amount = self.random.choice([terms.amount, old.amount])

    def amended(self, old: Commit, effective: int) -> tuple:
        """New terms, and which of them an amendment `with` says; none of another version of the whole clause."""
        random = self.random
        if random.random() < 0.5:
            terms = replace(old)
            names = some(random, [name for name in TERMS + ("counting",) if name != "successor_of"])[:3]
            for name in names:
                self.term(terms, name)
                if name in ("milestones", "ramps") and not getattr(terms, name):
                    setattr(terms, name, getattr(old, name))  # there are no words for none
            return terms, tuple(name for name in names if getattr(terms, name) not in (None, []))
        terms = self.commit(effective)
        if random.random() < 0.7:
            terms.provider = old.provider
        if random.random() < 0.6:
            terms.begin = old.begin
            terms.milestones, terms.ramps = self.sums(terms, 3), self.sums(terms, 2)
        if terms.successor_of or random.random() < 0.5:
            terms.successor_of = old.successor_of
        return terms, ()

    def amendment(self, agreement: Agreement, entry: tuple) -> Clause:
        if not isinstance(entry[2], Commit):
            return Clause("longer", None, entry[0], self.end(agreement.effective, 1.0))
        terms, changed = self.amended(entry[2], agreement.effective)
        return Clause("longer", terms, entry[0], None, changed)

    def name_netting(self, identity: str, terms: Share) -> None:
        """Two that name each other."""
        for other, old in self.shares:
            if terms.netting == other and old.netting == "?":
                old.netting = identity

    def agreements(self) -> list:
        result, known, self.commits, self.shares = [], [], [], []
        for number in range(self.random.randint(1, 5)):
            effective = self.day(FIRST - 1) if number else FIRST
            agreement = Agreement(f"ag{number}", self.random.choice(self.parties), effective,
                                  self.end(effective, 0.4))
            older = [entry for entry in known if entry[1] < effective < entry[3]]  # not over by itself
            if older and self.random.random() < 0.3:
                entry = self.random.choice(older)
                known.remove(entry)
                agreement.supersedes.append(entry[0])
                older.remove(entry)
            if older and self.random.random() < 0.4:
                entry = self.random.choice(older)
                known.remove(entry)
                agreement.clauses.append(self.amendment(agreement, entry))
                if isinstance(entry[2], Commit):
                    known.append((f"{agreement.name}.longer", effective, agreement.clauses[-1].terms, entry[3]))
            for label in range(self.random.randint(1, 4)):
                terms = self.share(effective) if self.random.random() < 0.55 else self.commit(effective)
                agreement.clauses.append(Clause(f"c{label}", terms))
                if isinstance(terms, Commit):
                    self.commits.append((f"{agreement.name}.c{label}", terms))
                else:
                    self.name_netting(f"{agreement.name}.c{label}", terms)
                    self.shares.append((f"{agreement.name}.c{label}", terms))
                over = terms.end if isinstance(terms, Commit) else NEVER
                over = over if agreement.until is None and terms.until is None else effective
                known.append((f"{agreement.name}.c{label}", effective, terms, over))
            result.append(agreement)
        for _, terms in self.shares:
            terms.netting = None if terms.netting == "?" else terms.netting
        return result

    def deal(self) -> Deal:
        random = self.random
        self.customer, self.parties = "lab", ["attester"] + [f"party{n}" for n in range(random.randint(1, 3))]
        self.events = [f"event{n}" for n in range(random.randint(0, 2))]
        self.providers = {f"cloud{n}": random.choice(self.parties) for n in range(random.randint(1, 3))}
        self.deductions = ["taxes", "refunds", "fees"][:random.randint(1, 3)]
        self.models = ["gpt-4o", "small", "m.5"][:random.randint(1, 3)]
        self.products = [Product(f"product{n}", random.choice(["inference", "inference", "training"]),
                                 random.choice([self.customer, self.customer, random.choice(self.parties)]),
                                 self.prices(0.15)) for n in range(random.randint(1, 4))]
        pools = [Pool(f"pool{n}", random.choice(list(self.providers)), random.random() < 0.2, self.prices(0.15),
                      random.random() < 0.35) for n in range(random.randint(1, 5))]
        return Deal(self.customer, self.parties, self.providers, self.models,
                    [f"account{n}" for n in range(random.randint(1, 6))], self.products, pools, self.agreements(),
                    self.events, self.deductions)

    def attested(self, deal: Deal) -> dict:
        return {event: self.random.choice(self.days) + self.random.choice([-1, 0, 1, 12345])
                for event in deal.events if self.random.random() < 0.6}

    # ---- records ----

    def instant(self, last: int) -> int:
        if self.random.random() < 0.6:
            at = self.random.choice(self.days + MONTH_ENDS) + self.random.choice([-DAY, -1, 0, 0, 1, DAY // 2])
        else:
            at = FIRST + self.random.randrange(DAYS * DAY)
        return min(at, last)

    def quantity(self) -> int:
        kind = self.random.random()
        if kind < 0.35:
            return 0
        return self.random.randint(0, 4000) if kind < 0.95 else self.random.randint(0, 10 ** 9)

    def records(self, deal: Deal, clauses: list, count: int, last: int) -> Records:
        random = self.random

        def name(names: list) -> str:
            return random.choice(names) if random.random() < 0.98 else f"?{random.choice([0xabc, 2 ** 64 - 1]):016x}"

        kind = "intent" if random.random() < 0.04 else "settled"
        pool = name([pool.name for pool in deal.pools])
        status, flags = 200, 0
        what = random.random()
        if kind == "intent":
            status = 0
        elif what < 0.05:
            status = random.choice([199, 300, 404, 500, 502])
        elif what < 0.1:
            status, flags = random.choice([200, 299, 499, 502]), random.choice([FLAG_ABORTED, FLAG_CUT, FLAG_ESTIMATED])
        elif what < 0.13:
            status, flags, pool = 403, FLAG_REFUSED, "-"
        units = [self.quantity() for _ in range(7)]
        steps = [random.choice([0, 0, 1, 7]) for _ in range(7)] if count > 1 else [0] * 7
        return Records(count, kind, self.instant(last), name(deal.accounts), name([p.name for p in deal.products]),
                       name(deal.models), pool, name(clauses), status, flags, units, steps)


# ---- The deal as a text -------------------------------------------------------------------------------


def write_end(end) -> str:
    if isinstance(end, DateEnd):
        return format_instant(end.instant)
    if isinstance(end, EventEnd):
        return end.event
    return "earliest of (" + ", ".join(write_end(part) for part in end.parts) + ")"


def until(end) -> str:
    return "" if end is None else f" until {write_end(end)}"


def write_rates(rates: dict) -> str:
    return "".join(f" request {decimal(rates[unit] // 10 ** 6)} USD per request" if unit == "request"
                   else f" {unit} {decimal(rates[unit])} USD per 1M tokens" for unit in UNITS if unit in rates)


def write_price(price: Price) -> str:
    text = f"    price {price.model}{write_rates(price.rates)}"
    for after, rates in price.steps:
        text += f" after {after} monthly{write_rates(rates)}"
    return text + (f" from {format_instant(price.begin)}" if price.begin is not None else "") + until(price.until)


def write_products(products: Products) -> str:
    if products.everything:
        return "all"
    return ", ".join(products.names + [f"class {name}" for name in products.classes])


def write_counting(counting: list) -> str:
    return ", ".join(f"{write_products(products)} {percent(weight)}%" if weight != BILLION else write_products(products)
                     for products, weight in counting)


def write_rate_or_amount(words: tuple) -> str:
    return f"{percent(words[1])}%" if words[0] == "rate" else f"{decimal(words[1])} USD"


def write_terms(terms: Commit, names) -> str:
    said = {
        "counting": f"counting {write_counting(terms.counting)}",
        "milestones": " ".join(f"milestone {decimal(sum)} USD by {format_instant(by)}" for sum, by in terms.milestones),
        "ramps": " ".join(f"ramp {decimal(sum)} USD by {format_instant(by)}" for sum, by in terms.ramps),
        "net": "net" if terms.net else "gross",
        "at_invoice": "counted at invoice" if terms.at_invoice else "counted at usage",
        "cap": terms.cap and f"marketplace cap {write_rate_or_amount(terms.cap)}",
        "shortfall": terms.shortfall and f"shortfall {terms.shortfall}",
        "roll_over": terms.roll_over and f"roll-over {write_rate_or_amount(terms.roll_over)}",
        "overage": terms.overage is not None and f"overage {percent(terms.overage)}%",
        "successor_of": terms.successor_of and f"successor of {terms.successor_of}"}
    return " ".join(said[name] for name in names if said[name])


def write_share(terms: Share) -> str:
    rate = "tiered" if terms.tiers else f"{percent(terms.rate_ppb)}%"
    base = f"share {terms.of_share}" if terms.of_share else f"revenue from {write_products(terms.products)}"
    ends = [f" to {decimal(begin)} USD" for _, begin in terms.tiers[1:]] + [""]
    words = [{1: "monthly", 3: "quarterly", 12: "yearly"}[terms.period_months]]
    words += [f"tier {percent(rate)}% from {decimal(begin)} USD{end}" for (rate, begin), end in zip(terms.tiers, ends)]
    words += [("whole-band" if terms.whole_band else "marginal")] if terms.tiers else []
    words += [f"less {', '.join(terms.less)}"] if terms.less else []
    for name, amount in (("cap {}", terms.cap), ("cap {} per period", terms.cap_per_period),
                         ("minimum {}", terms.minimum), ("minimum {} per period", terms.minimum_per_period)):
        words += [name.format(f"{decimal(amount)} USD")] if amount is not None else []
    words += [f"netting {terms.netting}"] if terms.netting else []
    words += [f"holdback {percent(terms.holdback[0])}% for {terms.holdback[1].text()}"] if terms.holdback else []
    for name, duration in (("clawback", terms.clawback), ("statement within", terms.statement),
                           ("payment within", terms.payment)):
        words += [f"{name} {duration.text()}"] if duration else []
    words += [f"interest {percent(terms.interest)}% per year"] if terms.interest else []
    return f"share {rate} of {base} from {terms.payer} to {terms.payee} {' '.join(words)}{until(terms.until)}"


def write_clause(clause: Clause) -> str:
    terms = clause.terms
    amend = f"amend {clause.amends}" if clause.amends else ""
    if isinstance(terms, Share):
        return f"    {clause.label}: {write_share(terms)}"
    if terms is None:
        return f"    {clause.label}: {amend}{until(clause.until)}"
    if clause.changed:
        return f"    {clause.label}: {amend} with {write_terms(terms, clause.changed)}"
    return (f"    {clause.label}: {amend} commit {decimal(terms.amount)} USD on {terms.provider} over "
            f"{format_instant(terms.begin)}..{format_instant(terms.end)} {terms.how} "
            f"{write_terms(terms, ('counting',) + TERMS)}")


def write_deal(deal: Deal) -> str:
    lines = ["deal \"Generated\"", f"customer {deal.customer}", "currency USD"]
    lines += [f"party {name} \"{name}\"" for name in [deal.customer] + deal.parties]
    lines += [f"provider {name} of {party}" for name, party in deal.providers.items()]
    lines += [f"model {name}" for name in deal.models] + [f"account {name} \"{name}\"" for name in deal.accounts]
    lines += [f"event {name} \"{name}\" attested by attester" for name in deal.events]
    lines += [f"deduction {name} \"{name}\"" for name in deal.deductions]
    for product in deal.products:
        owner = "" if product.owner == deal.customer else f" of {product.owner}"
        lines += [f"product {product.name} class {product.product_class}{owner} {{"]
        lines += [write_price(price) for price in product.prices] + ["}"]
    for agreement in deal.agreements:
        lines += [f"agreement {agreement.name} with {agreement.party} {{",
                  f"    effective {format_instant(agreement.effective)}{until(agreement.until)}"]
        lines += [f"    supersedes {name}" for name in agreement.supersedes]
        lines += [write_clause(clause) for clause in agreement.clauses] + ["}"]
    for pool in deal.pools:
        lines += [f"pool {pool.name} on {pool.provider} {{"] + ["    reserved"] * pool.reserved
        lines += ["    marketplace"] * pool.marketplace
        lines += [f"    serves {model} as \"x\" at http://127.0.0.1:9101/v1 kind openai" for model in deal.models]
        lines += [write_price(price) for price in pool.prices] + ["}"]
    return "\n".join(lines) + "\n"
