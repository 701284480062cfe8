# SPDX-License-Identifier: Apache-2.0
"""Random deals, mostly valid, as the dataclasses of evaluate.py and as texts; and questions about them.

Everything follows from a seed. `generate_deal(random)` makes a deal, `write_deal(deal)` its files,
`generate_attestations` what has happened, `generate_questions` what to ask: mostly at, just before and just
after the instants at which something begins or ends.
"""

from __future__ import annotations

import random as random_module
from dataclasses import dataclass, fields as dataclass_fields

from evaluate import (
    DAY, NEVER, SECOND, Account, Agreement, AmendUntil, AmendWith, AndCondition, Commit, DateEnd, Deal,
    Duration, EarliestEnd, EventCondition, EventEnd, Exclusive, License, ModelList, OrCondition, Pool, Price,
    Primary, Product, ProductList, Provider, Residency, add_duration, end_instant, exclusive_covers,
    format_instant, parse_instant, resolve_by_name, resolve_deal)

FIRST_DAY = parse_instant("2023-01-01")
LAST_DAY = parse_instant("2031-12-31")
REGIONS = ["us-east", "us-west", "eu-west", "ap-south"]
CLASSES = ["inference", "training", "research"]
MODEL_NAMES = ["small", "gpt-4o", "open/whisper", "m.5"]
PRODUCT_NAMES = ["chat", "api", "copilot", "lab-work", "tuning"]
NANO = 1_000_000_000
HUGE_PRICE = 9_000_000_000 * NANO  # two of these are more than 2^63 - 1 nano-units

# ---- Instants -----------------------------------------------------------------------------------------


def random_day(random, first=FIRST_DAY, last=LAST_DAY) -> int:
    return first + DAY * random.randrange(max(1, (last - first) // DAY))


@dataclass
class Calendar:
    """The instants of a deal: few, so that things begin and end together; and what its prices are like."""

    random: random_module.Random
    instants: list
    chance_of_huge_price: float

    def pick(self, after: int | None = None) -> int:
        later = [instant for instant in self.instants if after is None or instant > after]
        if later and self.random.random() < 0.7:
            return self.random.choice(later)
        return random_instant(self.random, FIRST_DAY if after is None else after + 1)


def random_instant(random, first: int) -> int:
    day = random_day(random, first - first % DAY + DAY, max(LAST_DAY, first + 900 * DAY))
    kind = random.random()
    if kind < 0.7:
        return day
    if kind < 0.8:
        return day + random.choice([1, -1, SECOND - 1]) if day - 1 >= first else day + 1
    if kind < 0.9:
        return day + SECOND * random.randrange(DAY // SECOND)
    return day + random.randrange(DAY)


def make_calendar(random) -> Calendar:
    days = [random_day(random) for _ in range(random.randint(3, 7))]
    chance_of_huge_price = 0.7 if random.random() < 0.06 else 0.01
    instants = sorted(days + [month_end(random), random_instant(random, FIRST_DAY)])
    return Calendar(random, instants, chance_of_huge_price)


def month_end(random) -> int:
    """A day from the 28th to the 31st, at times not at its first instant."""
    first = parse_instant(f"{random.randint(2024, 2029)}-{random.randint(1, 12):02}-01")
    day = add_duration(first, Duration(1, "months")) - DAY * random.randint(1, 3)
    return day + random.choice([0, 0, 1, DAY - 1, random.randrange(DAY)])


# ---- Parts of a deal ----------------------------------------------------------------------------------


def some(random, items, least=1, most=None) -> list:
    most = len(items) if most is None else min(most, len(items))
    return random.sample(items, random.randint(min(least, most), most))


def make_end(random, calendar, events, after: int, depth=0):
    """An end that comes after `after`, or waits for an event."""
    kind = random.random()
    if not events or kind < 0.55:
        return DateEnd(calendar.pick(after))
    if kind < 0.8 or depth == 2:
        return EventEnd(random.choice(events))
    parts = [make_end(random, calendar, events, after, depth + 1) for _ in range(random.randint(2, 3))]
    return EarliestEnd(parts)


def maybe_end(random, calendar, events, after: int, chance=0.4):
    return make_end(random, calendar, events, after) if random.random() < chance else None


def make_condition(random, events, depth=0):
    if depth == 2 or random.random() < 0.5:
        return EventCondition(random.choice(events))
    kind = random.choice([AndCondition, OrCondition])
    return kind([make_condition(random, events, depth + 1) for _ in range(random.randint(2, 3))])


def make_product_list(random, products, chance_of_all=0.25) -> ProductList:
    if random.random() < chance_of_all:
        return ProductList(everything=True)
    names = some(random, [product.name for product in products], 1, 2)
    classes = some(random, CLASSES, 1, 1) if random.random() < 0.3 else []
    return ProductList(names=[] if classes and random.random() < 0.5 else names, classes=classes)


def make_price(random, calendar, model: str, begin) -> Price:
    until = None
    if random.random() < 0.25:
        until = DateEnd(calendar.pick(FIRST_DAY if begin is None else begin))
    if random.random() < calendar.chance_of_huge_price:
        return Price(model, HUGE_PRICE, HUGE_PRICE + random.randrange(2) * NANO, begin, until)
    if random.random() < 0.1:
        return Price(model, random.randrange(1, 10 ** 12), random.randrange(1, 10 ** 12), begin, until)
    output = None if random.random() < 0.1 else random.randint(0, 3) * NANO // 10
    return Price(model, random.randint(0, 3) * NANO // 10, output, begin, until)


def make_prices(random, calendar, models, chance_of_none: float) -> list:
    """Prices of one owner; no two of one model with the same `from`."""
    prices = []
    for model in list(models) + ["*"]:
        if random.random() < (0.5 if model == "*" else chance_of_none):
            continue
        begins = {None if random.random() < 0.7 else calendar.pick()}
        while random.random() < 0.3:
            begins.add(calendar.pick())
        prices += [make_price(random, calendar, model, begin) for begin in sorted(begins, key=str)]
    random.shuffle(prices)
    return prices


def make_names(random, deal: Deal) -> None:
    deal.parties = [f"party-{number}" for number in range(random.randint(1, 5))]
    deal.providers = [Provider(f"cloud{number}", random.choice(deal.parties))
                      for number in range(random.randint(2, 5))]
    deal.groups = [f"group{number}" for number in range(random.randint(0, 3))]
    deal.surfaces = [f"surface{number}" for number in range(random.randint(0, 2))]
    deal.fields = [f"field{number}" for number in range(random.randint(0, 2))]
    deal.events = [f"event-{number}" for number in range(random.choice([0, 1, 1, 2, 2, 3]))]
    deal.models = random.sample(MODEL_NAMES, random.randint(1, 4))
    for number in range(random.choice([0, 1, 2, 3, 4])):
        surface = random.choice(deal.surfaces) if deal.surfaces and random.random() < 0.6 else None
        deal.accounts.append(Account(f"account{number}", some(random, deal.groups, 0, 2), surface))


def make_products(random, calendar, deal: Deal) -> None:
    for name in random.sample(PRODUCT_NAMES, random.randint(1, 5)):
        owner = random.choice(deal.parties[:2]) if random.random() < 0.35 else None
        if owner is None and random.random() < 0.1:
            owner = deal.customer
        field = random.choice(deal.fields) if deal.fields and random.random() < 0.4 else None
        product = Product(name, random.choice(["inference"] * 2 + CLASSES), owner, field)
        if random.random() < 0.85 or product.product_class == "inference":
            product.prices = make_prices(random, calendar, deal.models, 0.15)
        deal.products.append(product)


def make_window(random, calendar, deal: Deal, pool: Pool) -> None:
    pool.available_from = month_end(random) if random.random() < 0.5 else calendar.pick()
    pool.available_until = maybe_end(random, calendar, deal.events, pool.available_from, 0.4)
    if pool.available_until is not None and random.random() < 0.2:
        pool.available_from = None


def make_pools(random, calendar, deal: Deal) -> None:
    late_provider = random.choice(deal.providers).name if random.random() < 0.5 else None
    for number in range(random.randint(2, 8)):
        pool = Pool(f"pool-{number}", random.choice(deal.providers).name, some(random, deal.models))
        pool.region = None if random.random() < 0.15 else random.choice(REGIONS)
        pool.reserved = random.random() < 0.2
        pool.prices = make_prices(random, calendar, deal.models, 0.2)
        if pool.provider == late_provider or random.random() < 0.2:
            make_window(random, calendar, deal, pool)
        deal.pools.append(pool)


# ---- Clauses ------------------------------------------------------------------------------------------


def late_providers(deal: Deal) -> list:
    """The providers with which a model may have shipped late."""
    started = {pool.provider for pool in deal.pools if pool.available_from is not None}
    return sorted(started - {pool.provider for pool in deal.pools if pool.available_from is None})


@dataclass
class Known:
    """What the generator remembers of a clause, so that later agreements may change it."""

    identity: str
    agreement: str
    effective: int
    date_end: int
    replaced: bool = False


class AgreementMaker:
    """Makes the agreements of a deal in the order of time."""

    def __init__(self, random, calendar, deal: Deal):
        self.random, self.calendar, self.deal = random, calendar, deal
        self.known = []
        self.wholly_replaced = set()

    def products(self) -> ProductList:
        return make_product_list(self.random, self.deal.products)

    def until(self, effective: int, chance=0.4):
        return maybe_end(self.random, self.calendar, self.deal.events, effective, chance)

    def make_exclusive(self, label: str, effective: int) -> Exclusive:
        random, deal = self.random, self.deal
        clause = Exclusive(label, make_product_list(random, deal.products, 0.1),
                           random.choice(deal.providers).name, until=self.until(effective, 0.6))
        if deal.surfaces and random.random() < 0.4:
            clause.through = some(random, deal.surfaces)
        if deal.groups and random.random() < 0.4:
            clause.except_groups = some(random, deal.groups)
        return clause

    def make_residency(self, label: str, effective: int) -> Residency:
        random, deal = self.random, self.deal
        subjects = ["product"] + ["account"] * 2 * bool(deal.accounts) + ["group"] * 2 * bool(deal.groups)
        subject = random.choice(subjects)
        regions = some(random, REGIONS, 1, 3)
        if subject == "product":
            return Residency(label, subject, self.products(), [], regions, self.until(effective))
        names = deal.groups if subject == "group" else [account.name for account in deal.accounts]
        return Residency(label, subject, None, some(random, names), regions, self.until(effective))

    def make_license(self, label: str, effective: int) -> License:
        random, deal = self.random, self.deal
        models = ModelList(everything=True)
        if random.random() < 0.4:
            models = ModelList(names=some(random, deal.models))
        owners = [product.owner for product in deal.products if product.owner not in (None, deal.customer)]
        clause = License(label, models, random.choice(owners or deal.parties),
                         make_product_list(random, deal.products, 0.5), exclusive=random.random() < 0.2,
                         until=self.until(effective))
        if deal.fields and random.random() < 0.4:
            clause.except_fields = some(random, deal.fields)
        return clause

    def make_lead(self) -> Duration:
        unit = self.random.choice(["hours", "days", "weeks", "months", "months", "months", "years"])
        return Duration(self.random.randint(1, 14 if unit != "years" else 2), unit)

    def make_primary(self, label: str, effective: int) -> Primary:
        random, deal = self.random, self.deal
        provider = random.choice(deal.providers).name
        if random.random() < 0.6:
            provider = random.choice(late_providers(deal) or [provider])
        clause = Primary(label, provider, self.products())
        clause.until = self.until(effective)
        clause.ship_first = random.random() < 0.7
        clause.prefer = random.random() < 0.6
        if clause.ship_first and random.random() < 0.6:
            clause.lead = self.make_lead()
        if clause.ship_first and deal.events and random.random() < 0.4:
            clause.unless = make_condition(random, deal.events)
        return clause

    def make_commit(self, label: str, effective: int) -> Commit:
        random = self.random
        begin = max(effective, random_day(random))
        begin += -begin % DAY
        end = begin + DAY * random.randint(30, 1500)
        how = random.choice(["build-up", "burn-down", "take-or-pay"])
        provider = random.choice(self.deal.providers).name
        return Commit(label, random.randint(1, 90) * 1_000_000, provider, begin, end, how, self.products())

    def make_clause(self, kind, label: str, effective: int):
        makers = {Exclusive: self.make_exclusive, Residency: self.make_residency, License: self.make_license,
                  Primary: self.make_primary, Commit: self.make_commit}
        return makers[kind](label, effective)

    def random_kind(self):
        owners = any(product.owner not in (None, self.deal.customer) for product in self.deal.products)
        return self.random.choice([Exclusive] * 4 + [Residency] * 3 + [License] * (6 if owners else 1)
                                  + [Primary] * 4 + [Commit])

    def changeable(self, effective: int) -> list:
        return [known for known in self.known if known.effective < effective < known.date_end
                and not known.replaced and known.agreement not in self.wholly_replaced]

    def changed_terms(self, kind, label: str, effective: int) -> dict:
        """Terms for `amend X with`; possibly none, when the kind has none to change."""
        random = self.random
        fresh = self.make_clause(kind, label, effective)
        names = {Exclusive: ["through", "except_groups", "until"], Residency: ["until"],
                 License: ["except_fields", "until"], Primary: ["lead", "unless", "prefer", "until"],
                 Commit: ["counting"]}[kind]
        terms = {name: getattr(fresh, name) for name in names
                 if getattr(fresh, name) not in (None, False) and random.random() < 0.7}
        if fresh.__class__ is Primary and ("lead" in terms or "unless" in terms):
            terms["ship_first"] = True
        return terms

    def make_amendment(self, label: str, effective: int, target: Known):
        random = self.random
        kind = type(resolve_by_name(self.deal, target.identity).terms)
        form = random.choice(["until", "with", "with", "whole"])
        if form == "until" and kind is not Commit:
            end = make_end(random, self.calendar, self.deal.events, effective)
            return AmendUntil(label, target.identity, end)
        terms = self.changed_terms(kind, label, effective)
        if form == "with" and terms:
            return AmendWith(label, target.identity, terms)
        clause = self.make_clause(kind, label, effective)
        clause.amends = target.identity
        return clause

    def remember(self, agreement: Agreement) -> None:
        for clause in agreement.clauses:
            identity = f"{agreement.name}.{clause.label}"
            resolved = resolve_by_name(self.deal, identity)
            ends = [end_instant(end, {}) for end in resolved.own_ends]
            if isinstance(resolved.terms, Commit):
                ends.append(resolved.terms.end)
            self.known.append(Known(identity, agreement.name, agreement.effective, min(ends)))

    def make_supersessions(self, agreement: Agreement) -> None:
        random = self.random
        choices = self.changeable(agreement.effective)
        if choices and random.random() < 0.3:
            known = random.choice(choices)
            known.replaced = True
            agreement.supersedes.append(known.identity)
        choices = self.changeable(agreement.effective)
        wholes = sorted({known.agreement for known in choices} - {
            known.agreement for known in self.known if known.replaced or known not in choices})
        if wholes and random.random() < 0.2:
            whole = random.choice(wholes)
            self.wholly_replaced.add(whole)
            agreement.supersedes.append(whole)

    def make_agreement(self, name: str, effective: int) -> Agreement:
        random = self.random
        agreement = Agreement(name, random.choice(self.deal.parties), effective, self.until(effective, 0.4))
        self.make_supersessions(agreement)
        self.deal.agreements.append(agreement)
        for number in range(random.randint(0, 5)):
            label = f"c{number}"
            targets = self.changeable(effective)
            if targets and random.random() < 0.45:
                target = random.choice(targets)
                target.replaced = True
                agreement.clauses.append(self.make_amendment(label, effective, target))
            else:
                agreement.clauses.append(self.make_clause(self.random_kind(), label, effective))
        self.remember(agreement)
        return agreement

    def make_all(self) -> None:
        middle = (FIRST_DAY + LAST_DAY) // 2
        count = self.random.randint(1, 6)
        dates = sorted(instant for instant in (self.calendar.pick() for _ in range(3 * count))
                       if instant < middle or self.random.random() < 0.3)
        for number, effective in enumerate(sorted(self.random.sample(dates, min(count, len(dates))))):
            self.make_agreement(f"deal-{number}", effective)


# ---- Exclusives that clash ----------------------------------------------------------------------------


def find_clash(deal: Deal):
    """Two exclusives in force at once, for one product and one account, on two providers; or None."""
    exclusives = [clause for clause in resolve_deal(deal, {}) if isinstance(clause.terms, Exclusive)]
    askers = [None] + deal.accounts
    for number, first in enumerate(exclusives):
        for second in exclusives[:number]:
            if first.terms.provider == second.terms.provider:
                continue
            if max(first.begin, second.begin) >= min(first.end, second.end):
                continue
            if any(exclusive_covers(first.terms, product, account)
                   and exclusive_covers(second.terms, product, account)
                   for product in deal.products for account in askers):
                return second, first
    return None


def settle_clashes(random, deal: Deal) -> None:
    """Moves an exclusive to the other's provider until nothing clashes; a few deals stay invalid."""
    for _ in range(30):
        clash = find_clash(deal)
        if clash is None:
            return
        kept, moved = clash if random.random() < 0.5 else reversed(clash)
        provider = kept.terms.provider
        for clause in [clause for agreement in deal.agreements for clause in agreement.clauses]:
            if isinstance(clause, Exclusive) and clause.label == moved.terms.label and \
                    clause.provider == moved.terms.provider and clause.products == moved.terms.products:
                clause.provider = provider


def generate_deal(random) -> Deal:
    """One deal; `random` is a random.Random."""
    deal = Deal("lab", layout=random.randrange(1, 1 << 30))
    calendar = make_calendar(random)
    make_names(random, deal)
    make_products(random, calendar, deal)
    make_pools(random, calendar, deal)
    AgreementMaker(random, calendar, deal).make_all()
    if random.random() < 0.5:
        random.shuffle(deal.agreements)
    if random.random() < 0.97:
        settle_clashes(random, deal)
    return deal


# ---- The deal as a text -------------------------------------------------------------------------------


def write_end(end) -> str:
    if isinstance(end, DateEnd):
        return format_instant(end.instant)
    if isinstance(end, EventEnd):
        return end.event
    return "earliest of (" + ", ".join(write_end(part) for part in end.parts) + ")"


def write_condition(condition) -> str:
    if isinstance(condition, EventCondition):
        return condition.event
    word = " and " if isinstance(condition, AndCondition) else " or "
    parts = [write_condition(part) for part in condition.parts]
    return word.join(text if isinstance(part, EventCondition) else f"({text})"
                     for part, text in zip(condition.parts, parts))


def write_products(products: ProductList) -> str:
    if products.everything:
        return "all"
    return ", ".join(products.names + [f"class {name}" for name in products.classes])


def write_decimal(nano: int) -> str:
    whole, fraction = divmod(nano, NANO)
    return f"{whole}.{fraction:09}".rstrip("0").rstrip(".") if fraction else str(whole)


def write_rate(name: str, nano: int, layout) -> str:
    if nano % 1000 == 0 and layout.random() < 0.1:
        return f" {name} {write_decimal(nano // 1000)} USD per 1K tokens"
    return f" {name} {write_decimal(nano)} USD per 1M tokens"


def write_price(price: Price, layout) -> str:
    text = "price " + ('*' if price.model == "*" else price.model)
    if price.input is not None:
        text += write_rate("input", price.input, layout)
    if price.output is not None:
        text += write_rate("output", price.output, layout)
    if price.begin is not None:
        text += f" from {format_instant(price.begin)}"
    return text + (f" until {write_end(price.until)}" if price.until is not None else "")


def write_duration(duration: Duration) -> str:
    return f"{duration.number} {duration.unit}"


TERM_WRITERS = {
    "through": lambda value: "through " + ", ".join(value),
    "except_groups": lambda value: "except " + ", ".join(value),
    "except_fields": lambda value: "except field " + ", ".join(value),
    "ship_first": lambda value: "ship first",
    "lead": lambda value: "lead " + write_duration(value),
    "unless": lambda value: "unless " + write_condition(value),
    "prefer": lambda value: "prefer",
    "how": lambda value: value,
    "counting": lambda value: "counting " + write_products(value),
    "until": lambda value: "until " + write_end(value),
}


def written_terms(terms: dict) -> list:
    return [TERM_WRITERS[name](value) for name, value in terms.items()
            if name in TERM_WRITERS and value is not None and value is not False]


def write_head(clause) -> str:
    if isinstance(clause, Exclusive):
        return f"exclusive {write_products(clause.products)} on {clause.provider}"
    if isinstance(clause, Residency):
        names = write_products(clause.products) if clause.subject == "product" else ", ".join(clause.names)
        return f"residency {clause.subject} {names} only in {', '.join(clause.regions)}"
    if isinstance(clause, License):
        models = "all" if clause.models.everything else ", ".join(clause.models.names)
        head = "license exclusive models" if clause.exclusive else "license models"
        return f"{head} {models} to {clause.licensee} for {write_products(clause.products)}"
    if isinstance(clause, Primary):
        return f"primary {clause.provider} for {write_products(clause.products)}"
    period = f"{format_instant(clause.begin)}..{format_instant(clause.end)}"
    return f"commit {clause.amount} USD on {clause.provider} over {period}"


def write_clause(clause, layout) -> str:
    if isinstance(clause, AmendUntil):
        return f"    {clause.label}: amend {clause.amends} until {write_end(clause.until)}"
    if isinstance(clause, AmendWith):
        head, terms = f"amend {clause.amends} with", written_terms(clause.terms)
        return f"    {clause.label}: {head} {' '.join(terms)}"
    head = f"amend {clause.amends} " if clause.amends else ""
    head += write_head(clause)
    names = [one.name for one in dataclass_fields(clause)] + ["until"]
    terms = written_terms({name: getattr(clause, name) for name in names})
    layout.shuffle(terms)
    if terms and layout.random() < 0.3:
        return f"    {clause.label}: {head} {{\n" + "".join(f"        {term}\n" for term in terms) + "    }"
    return f"    {clause.label}: {' '.join([head] + terms)}"


def write_agreement(agreement: Agreement, layout) -> str:
    until = f" until {write_end(agreement.until)}" if agreement.until is not None else ""
    lines = [f"agreement {agreement.name} with {agreement.party} {{",
             f"    effective {format_instant(agreement.effective)}{until}"]
    lines += [f"    supersedes {name}" for name in agreement.supersedes]
    lines += [write_clause(clause, layout) for clause in agreement.clauses]
    return "\n".join(lines + ["}"])


def write_pool(pool: Pool, layout) -> str:
    lines = [f"    serves {model} as \"x\" at http://127.0.0.1:9101/v1 kind openai" for model in pool.serves]
    others = ["    " + write_price(price, layout) for price in pool.prices]
    if pool.region is not None:
        others.append(f"    region {pool.region}")
    if pool.reserved:
        others.append("    reserved")
    begin = f" from {format_instant(pool.available_from)}" if pool.available_from is not None else ""
    until = f" until {write_end(pool.available_until)}" if pool.available_until is not None else ""
    if begin or until:
        others.append(f"    available{begin}{until}")
    layout.shuffle(others)
    at = layout.randint(0, len(others))
    return "\n".join([f"pool {pool.name} on {pool.provider} {{"] + others[:at] + lines + others[at:] + ["}"])


def write_product(product: Product, layout) -> str:
    text = f"product {product.name} class {product.product_class}"
    if product.field_of_use is not None:
        text += f" field {product.field_of_use}"
    if product.owner is not None:
        text += f" of {product.owner}"
    if not product.prices:
        return text
    prices = ["    " + write_price(price, layout) for price in product.prices]
    return "\n".join([text + " {"] + prices + ["}"])


def write_account(account: Account) -> str:
    groups = f" in {', '.join(account.groups)}" if account.groups else ""
    surface = f" via {account.surface}" if account.surface is not None else ""
    return f"account {account.name} \"{account.name}\"{groups}{surface}"


def write_names(deal: Deal) -> list:
    lines = [f"party {name} \"{name}\"" for name in [deal.customer] + deal.parties]
    lines += [f"provider {provider.name} of {provider.party}" for provider in deal.providers]
    lines += [f"group {name} \"{name}\"" for name in deal.groups]
    lines += [f"surface {name} \"{name}\"" for name in deal.surfaces]
    lines += [f"field {name} \"{name}\"" for name in deal.fields]
    lines += [f"event {name} \"{name}\" attested by {deal.parties[0]}" for name in deal.events]
    lines += [f"model {name}" for name in deal.models]
    return lines + [write_account(account) for account in deal.accounts]


def interleave(layout, first: list, second: list) -> list:
    """Both lists in one, each in its own order."""
    result, first, second = [], list(first), list(second)
    while first or second:
        source = first if first and (not second or layout.random() < 0.5) else second
        result.append(source.pop(0))
    return result


def write_deal(deal: Deal) -> dict:
    """The deal's files by name; `main.deal` is the one to read. Layout 0 is the plainest."""
    layout = random_module.Random(deal.layout)
    names = write_names(deal) + [write_product(product, layout) for product in deal.products]
    agreements = [write_agreement(agreement, layout) for agreement in deal.agreements]
    pools = [write_pool(pool, layout) for pool in deal.pools]
    heading = ["deal \"Generated\"", f"customer {deal.customer}", "currency USD"]
    if deal.layout == 0:
        return {"main.deal": "\n".join(heading + names + agreements + pools) + "\n"}
    layout.shuffle(names)
    body = interleave(layout, names, interleave(layout, agreements, pools))
    files = {}
    if layout.random() < 0.3:
        first = layout.randrange(len(body))
        last = layout.randint(first, len(body))
        files["part.deal"] = "\n".join(body[first:last]) + "\n"
        body[first:last] = ["include \"part.deal\""]
    files["main.deal"] = "\n".join(heading + body) + "\n"
    return files


# ---- Attestations and questions -----------------------------------------------------------------------


def ends_in(end) -> list:
    if isinstance(end, DateEnd):
        return [end.instant]
    parts = end.parts if isinstance(end, EarliestEnd) else []
    return [instant for part in parts for instant in ends_in(part)]


def shipping_instants(deal: Deal) -> list:
    """Where a lead may end: each pool's beginning with each lead."""
    leads = [clause.terms.lead for clause in resolve_deal(deal, {}) if isinstance(clause.terms, Primary)]
    starts = [pool.available_from for pool in deal.pools if pool.available_from is not None]
    return [add_duration(start, lead) for start in starts for lead in leads if lead is not None]


def boundaries(deal: Deal, attestations: dict) -> list:
    """All instants at which something may begin or end."""
    found = list(attestations.values()) + shipping_instants(deal)
    for clause in resolve_deal(deal, attestations):
        found += [clause.begin, clause.end] + [instant for end in clause.own_ends for instant in ends_in(end)]
    found += [agreement.effective for agreement in deal.agreements]
    for owner in deal.pools + deal.products:
        for price in owner.prices:
            found += [price.begin] + ends_in(price.until)
    for pool in deal.pools:
        found += [pool.available_from] + ends_in(pool.available_until)
    return sorted({instant for instant in found if instant is not None and instant < NEVER})


def generate_attestations(random, deal: Deal) -> dict:
    known = boundaries(deal, {})
    result = {}
    for event in deal.events:
        if random.random() < 0.7:
            near = random.choice(known) + random.choice([-1, 0, 0, 0, 1]) if known else FIRST_DAY
            result[event] = near if random.random() < 0.5 else random_instant(random, FIRST_DAY)
    return result


@dataclass
class Question:
    instant: str  # as it is asked; possibly nonsense
    product: str
    model: str
    account: str | None
    region: str | None

    def line(self) -> str:
        return "\t".join([self.instant, self.product, self.model, self.account or "-", self.region or "-"])


def question_instant(random, known: list) -> int:
    if known and random.random() < 0.75:
        return random.choice(known) + random.choice([-1, 0, 1])
    return FIRST_DAY - 400 * DAY + random.randrange(LAST_DAY - FIRST_DAY + 800 * DAY)


def spoil(random, question: Question) -> Question:
    """A question that cannot be asked, or one of a region that nobody has heard of."""
    what = random.choice(["instant", "product", "model", "account", "region"])
    setattr(question, what, "nonsense")
    return question


def generate_questions(random, deal: Deal, attestations: dict, count: int) -> list:
    known = boundaries(deal, attestations)
    accounts = [account.name for account in deal.accounts]
    questions = []
    for _ in range(count):
        account = random.choice(accounts) if accounts and random.random() < 0.6 else None
        region = random.choice(REGIONS) if random.random() < 0.35 else None
        question = Question(format_instant(question_instant(random, known)),
                            random.choice(deal.products).name, random.choice(deal.models), account, region)
        questions.append(spoil(random, question) if random.random() < 0.02 else question)
    return questions
