# SPDX-License-Identifier: Apache-2.0
"""A second reading of docs/semantics.md: what a deal decides for a request, written to be obviously right.

It was written from the documents alone, without a look at the program. It is slow on purpose: no tables, no
regimes, every rule asked anew for every candidate. Only the clauses' intervals are worked out once for a deal
(see `Reading`). Instants are whole nanoseconds since 1970-01-01T00:00:00Z; there are no floats.
"""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction

# ---- Time ---------------------------------------------------------------------------------------------

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
EPOCH_ORDINAL = datetime.date(1970, 1, 1).toordinal()
ALWAYS = -(10 ** 30)  # the beginning of what has always been
NEVER = 10 ** 30  # the end of what never ends
PRICE_CUT = 2 ** 63 - 1  # nano-units

INSTANT_PATTERN = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z)?")


def parse_instant(text: str) -> int:
    """`2025-01-21` or `2025-01-21T09:30:00.000000001Z`; ValueError when it is neither."""
    match = INSTANT_PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(f"not an instant: {text}")
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    days = datetime.date(year, month, day).toordinal() - EPOCH_ORDINAL
    datetime.time(hour, minute, second)
    fraction = int((match.group(7) or "").ljust(9, "0"))
    return days * DAY + hour * HOUR + minute * 60 * SECOND + second * SECOND + fraction


def format_instant(instant: int) -> str:
    """The shortest of the ways to write an instant."""
    days, rest = divmod(instant, DAY)
    date = datetime.date.fromordinal(days + EPOCH_ORDINAL).isoformat()
    if rest == 0:
        return date
    seconds, fraction = divmod(rest, SECOND)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{date}T{clock}.{fraction:09}Z" if fraction else f"{date}T{clock}Z"


def add_months(instant: int, months: int) -> int:
    """The same time of day that many calendar months on, on the last day of a month that is shorter."""
    days, time_of_day = divmod(instant, DAY)
    date = datetime.date.fromordinal(days + EPOCH_ORDINAL)
    year, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    first_of_next = datetime.date(year + month // 11, (month + 1) % 12 + 1, 1)
    length_of_month = (first_of_next - datetime.date(year, month + 1, 1)).days
    moved = datetime.date(year, month + 1, min(date.day, length_of_month))
    return (moved.toordinal() - EPOCH_ORDINAL) * DAY + time_of_day


@dataclass
class Duration:
    number: int
    unit: str  # hours, days, weeks, months, years


def add_duration(instant: int, duration: Duration | None) -> int:
    if instant == ALWAYS or duration is None:
        return instant
    if duration.unit in ("months", "years"):
        return add_months(instant, duration.number * (12 if duration.unit == "years" else 1))
    length = {"hours": HOUR, "days": DAY, "weeks": 7 * DAY}[duration.unit]
    return instant + duration.number * length


# ---- Ends and conditions ------------------------------------------------------------------------------


@dataclass
class DateEnd:
    instant: int


@dataclass
class EventEnd:
    event: str


@dataclass
class EarliestEnd:
    parts: list


def end_instant(end, attestations: dict) -> int:
    """When `end` comes; None is "never"."""
    if end is None:
        return NEVER
    if isinstance(end, DateEnd):
        return end.instant
    if isinstance(end, EventEnd):
        return attestations.get(end.event, NEVER)
    return min(end_instant(part, attestations) for part in end.parts)


@dataclass
class EventCondition:
    event: str


@dataclass
class AndCondition:
    parts: list


@dataclass
class OrCondition:
    parts: list


def condition_holds(condition, attestations: dict, instant: int) -> bool:
    if isinstance(condition, EventCondition):
        return attestations.get(condition.event, NEVER) <= instant
    results = [condition_holds(part, attestations, instant) for part in condition.parts]
    return all(results) if isinstance(condition, AndCondition) else any(results)


# ---- What a deal holds --------------------------------------------------------------------------------


@dataclass
class ProductList:
    everything: bool = False
    names: list = field(default_factory=list)
    classes: list = field(default_factory=list)

    def holds(self, product: Product) -> bool:
        return self.everything or product.name in self.names or product.product_class in self.classes


@dataclass
class ModelList:
    everything: bool = False
    names: list = field(default_factory=list)

    def holds(self, model: str) -> bool:
        return self.everything or model in self.names


@dataclass
class Price:
    model: str  # or "*"
    input: int | None  # nano-units for a million tokens; None: not said
    output: int | None
    begin: int | None = None  # None: always
    until: object = None


@dataclass
class Provider:
    name: str
    party: str


@dataclass
class Account:
    name: str
    groups: list = field(default_factory=list)
    surface: str | None = None


@dataclass
class Product:
    name: str
    product_class: str  # inference, training, research
    owner: str | None = None  # None: the customer
    field_of_use: str | None = None
    prices: list = field(default_factory=list)


@dataclass
class Pool:
    name: str
    provider: str
    serves: list = field(default_factory=list)  # models, a line each
    region: str | None = None
    reserved: bool = False
    prices: list = field(default_factory=list)
    available_from: int | None = None
    available_until: object = None


@dataclass
class Exclusive:
    label: str
    products: ProductList
    provider: str
    through: list | None = None  # surfaces
    except_groups: list | None = None
    until: object = None
    amends: str | None = None  # the clause that this one is another version of


@dataclass
class Residency:
    label: str
    subject: str  # product, account, group
    products: ProductList | None  # of subject product
    names: list  # accounts or groups, of the other subjects
    regions: list
    until: object = None
    amends: str | None = None


@dataclass
class License:
    label: str
    models: ModelList
    licensee: str
    products: ProductList
    except_fields: list | None = None
    exclusive: bool = False  # a word that changes nothing in the decision
    until: object = None
    amends: str | None = None


@dataclass
class Primary:
    label: str
    provider: str
    products: ProductList
    ship_first: bool = False
    lead: Duration | None = None
    unless: object = None
    prefer: bool = False
    until: object = None
    amends: str | None = None


@dataclass
class Commit:
    label: str
    amount: int  # whole units of the currency
    provider: str
    begin: int
    end: int
    how: str  # build-up, burn-down, take-or-pay
    counting: ProductList
    amends: str | None = None

    until = None  # it has no end but its agreement's


@dataclass
class AmendUntil:
    label: str
    amends: str
    until: object


@dataclass
class AmendWith:
    label: str
    amends: str
    terms: dict  # by the names of the fields of the amended clause


@dataclass
class Agreement:
    name: str
    party: str
    effective: int
    until: object = None
    supersedes: list = field(default_factory=list)  # agreements `a`, or clauses `a.label`
    clauses: list = field(default_factory=list)


@dataclass
class Deal:
    customer: str
    parties: list = field(default_factory=list)  # names, without the customer's
    providers: list = field(default_factory=list)
    groups: list = field(default_factory=list)
    surfaces: list = field(default_factory=list)
    fields: list = field(default_factory=list)
    events: list = field(default_factory=list)
    models: list = field(default_factory=list)
    accounts: list = field(default_factory=list)
    products: list = field(default_factory=list)
    agreements: list = field(default_factory=list)  # in the order of the text
    pools: list = field(default_factory=list)  # in the order of the text
    layout: int = 0  # how the text is laid out; means nothing


# ---- When a clause is in force ------------------------------------------------------------------------


@dataclass
class Resolved:
    """A clause with its terms and its time, amendments applied."""

    identity: str
    terms: object
    own_ends: list  # its `until` and its agreement's, as written
    begin: int
    end: int = NEVER

    def in_force(self, instant: int) -> bool:
        return self.begin <= instant < self.end


def merged_terms(terms, changes: dict):
    """The terms with those of `changes` in the place of its own of the same names."""
    known = {one.name for one in fields(terms)}
    unknown = set(changes) - known - {"until"}
    if unknown:
        raise ValueError(f"{terms.label} has no terms {unknown}")
    return replace(terms, **{name: value for name, value in changes.items() if name in known})


def resolve_clause(deal: Deal, agreement: Agreement, clause) -> Resolved:
    identity = f"{agreement.name}.{clause.label}"
    if isinstance(clause, AmendUntil):
        target = resolve_by_name(deal, clause.amends)
        return Resolved(identity, target.terms, [clause.until, agreement.until], agreement.effective)
    if isinstance(clause, AmendWith):
        target = resolve_by_name(deal, clause.amends)
        own_ends = [clause.terms["until"]] if "until" in clause.terms else target.own_ends
        terms = merged_terms(target.terms, clause.terms)
        return Resolved(identity, terms, own_ends + [agreement.until], agreement.effective)
    return Resolved(identity, clause, [clause.until, agreement.until], agreement.effective)


def resolve_by_name(deal: Deal, identity: str) -> Resolved:
    for agreement in deal.agreements:
        for clause in agreement.clauses:
            if f"{agreement.name}.{clause.label}" == identity:
                return resolve_clause(deal, agreement, clause)
    raise ValueError(f"no clause {identity}")


def replaced_at(deal: Deal, agreement: Agreement, identity: str) -> int:
    """The `effective` date of the agreement that superseded or amended the clause."""
    replacing = NEVER
    for other in deal.agreements:
        amended = [clause.amends for clause in other.clauses]
        if identity in amended or identity in other.supersedes or agreement.name in other.supersedes:
            replacing = min(replacing, other.effective)
    return replacing


def resolve_deal(deal: Deal, attestations: dict) -> list[Resolved]:
    """All clauses in the order of the text, with the intervals that the attestations give them."""
    result = []
    for agreement in deal.agreements:
        for clause in agreement.clauses:
            resolved = resolve_clause(deal, agreement, clause)
            ends = [end_instant(end, attestations) for end in resolved.own_ends]
            resolved.end = min(ends + [replaced_at(deal, agreement, resolved.identity)])
            result.append(resolved)
    return result


# ---- What covers what ---------------------------------------------------------------------------------


def exclusive_covers(terms: Exclusive, product: Product, account: Account | None) -> bool:
    groups = account.groups if account else []
    surface = account.surface if account else None
    if not terms.products.holds(product):
        return False
    if terms.through is not None and surface not in terms.through:
        return False
    return not any(group in groups for group in terms.except_groups or [])


def residency_covers(terms: Residency, product: Product, account: Account | None) -> bool:
    if terms.subject == "product":
        return terms.products.holds(product)
    if account is None:
        return False
    if terms.subject == "account":
        return account.name in terms.names
    return any(group in terms.names for group in account.groups)


def license_covers(terms: License, product: Product, model: str) -> bool:
    return (terms.licensee == product.owner and terms.models.holds(model) and terms.products.holds(product)
            and (product.field_of_use is None or product.field_of_use not in (terms.except_fields or [])))


# ---- Prices -------------------------------------------------------------------------------------------


def price_in_force(prices: list, attestations: dict, model: str, instant: int) -> Price | None:
    """One that names the model before one for `*`, then the one that began last."""
    best, best_rank = None, None
    for price in prices:
        begin = ALWAYS if price.begin is None else price.begin
        if price.model not in (model, "*") or instant < begin:
            continue
        if instant >= end_instant(price.until, attestations):
            continue
        rank = (price.model == model, begin)
        if best is None or rank > best_rank:
            best, best_rank = price, rank
    return best


# ---- The rules ----------------------------------------------------------------------------------------


@dataclass
class Request:
    """A question with the clauses in force that cover it, in the order of the text."""

    reading: Reading
    instant: int
    product: Product
    model: str
    account: Account | None
    exclusives: list
    residencies: list
    licences: list
    primaries: list
    commits: list

    def licence_needed(self) -> bool:
        return self.product.owner not in (None, self.reading.deal.customer)


def rule_1_exclusive_elsewhere(request: Request, pool: Pool):
    for clause in request.exclusives:
        if clause.terms.provider != pool.provider:
            return "barred_by_exclusive", clause.identity
    return None


def rule_2_residency(request: Request, pool: Pool):
    for clause in request.residencies:
        if pool.region is None or pool.region not in clause.terms.regions:
            return "barred_by_residency", clause.identity
    return None


def rule_3_no_license(request: Request, pool: Pool):
    if not request.licence_needed() or request.licences:
        return None
    last = None
    for clause in request.reading.clauses[License]:
        if clause.terms.licensee == request.product.owner:
            if last is None or clause.begin >= last.begin:
                last = clause
    return "barred_no_license", last.identity if last else f"license.{request.product.owner}"


def rule_4_not_shipped(request: Request, pool: Pool):
    for clause in request.primaries:
        terms = clause.terms
        if not terms.ship_first or terms.provider == pool.provider:
            continue
        attestations = request.reading.attestations
        if terms.unless is not None and condition_holds(terms.unless, attestations, request.instant):
            continue
        if not request.reading.has_shipped(terms, request.model, request.instant):
            return "barred_not_shipped", clause.identity
    return None


def rule_5_window(request: Request, pool: Pool):
    begin = ALWAYS if pool.available_from is None else pool.available_from
    end = end_instant(pool.available_until, request.reading.attestations)
    return None if begin <= request.instant < end else ("barred_pool_window", f"{pool.name}.available")


def rule_6_no_cost_price(request: Request, pool: Pool):
    if pool.reserved or request.reading.price(pool, request):
        return None
    return "barred_no_price", f"{pool.name}.price.{request.model}"


def rule_7_no_sale_price(request: Request, pool: Pool):
    if request.product.product_class != "inference" or request.reading.price(request.product, request):
        return None
    return "barred_no_price", f"{request.product.name}.price.{request.model}"


def rule_8_exclusive_here(request: Request, pool: Pool):
    return ("allowed_by_exclusive", request.exclusives[0].identity) if request.exclusives else None


def rule_9_license(request: Request, pool: Pool):
    return ("allowed_by_license", request.licences[0].identity) if request.licence_needed() else None


def rule_10_pool(request: Request, pool: Pool):
    return "allowed_by_pool", f"{pool.name}.serves.{request.model}"


RULES = (rule_1_exclusive_elsewhere, rule_2_residency, rule_3_no_license, rule_4_not_shipped, rule_5_window,
         rule_6_no_cost_price, rule_7_no_sale_price, rule_8_exclusive_here, rule_9_license, rule_10_pool)

BARRED_REASONS = ("barred_by_exclusive", "barred_by_residency", "barred_no_license", "barred_not_shipped",
                  "barred_pool_window", "barred_no_price")
ALLOWED_REASONS = ("allowed_by_exclusive", "allowed_by_license", "allowed_by_pool")
ALL_REASONS = BARRED_REASONS + ("barred_by_region",) + ALLOWED_REASONS


def judge(request: Request, pool: Pool):
    """The first line of the table that applies: (reason, clause)."""
    for rule in RULES:
        found = rule(request, pool)
        if found is not None:
            return found
    raise AssertionError("the last rule always applies")


# ---- Order --------------------------------------------------------------------------------------------


def nominal_price(request: Request, pool: Pool) -> int:
    if pool.reserved:
        return 0
    price = request.reading.price(pool, request)
    return min((price.input or 0) + (price.output or 0), PRICE_CUT)


def effective_price(request: Request, pool: Pool) -> int:
    """Commitments of these deals count what they name in full: the generator writes no percentages."""
    saved = sum(request.reading.values.get(clause.identity, Fraction(0)) for clause in request.commits
                if clause.terms.provider == pool.provider)
    return min(round(nominal_price(request, pool) * (1 - min(saved, Fraction(1)))), PRICE_CUT)


def preferred(request: Request, pool: Pool) -> bool:
    return any(clause.terms.prefer and clause.terms.provider == pool.provider for clause in request.primaries)


def eligible_rank(request: Request, pool: Pool, position: int):
    return (not pool.reserved, not preferred(request, pool), effective_price(request, pool),
            nominal_price(request, pool), position)


# ---- The answer ---------------------------------------------------------------------------------------


@dataclass
class Answer:
    verdict: str  # allow, deny, nobody
    eligible: list  # (pool, reason, clause), best first
    barred: list
    refusal: str | None  # the clause that the refusal names


class CannotAsk(Exception):
    """An unknown product, model or account."""


def answer_for_region(eligible: list, barred: list, region: str | None) -> Answer:
    """The region asked for; the lists hold (pool as declared, reason, clause) in their order."""
    def named(entries):
        return [(pool.name, reason, clause) for pool, reason, clause in entries]

    remaining, elsewhere = eligible, []
    if region is not None:
        remaining = [entry for entry in eligible if entry[0].region == region]
        elsewhere = [(pool, "barred_by_region", clause) for pool, _, clause in eligible
                     if pool.region != region]
    all_barred = elsewhere + barred
    if remaining:
        return Answer("allow", named(remaining), named(all_barred), None)
    in_region = [entry for entry in barred if region is not None and entry[0].region == region]
    return Answer("deny", [], named(all_barred), (in_region or all_barred)[0][2])


class Reading:
    """A deal under some attestations. `values` is what the books say that a unit of spend saves, by commitment."""

    def __init__(self, deal: Deal, attestations: dict, values=None):
        self.deal = deal
        self.attestations = attestations
        self.values = values or {}
        self.products = {product.name: product for product in deal.products}
        self.accounts = {account.name: account for account in deal.accounts}
        self.clauses = {kind: [] for kind in (Exclusive, Residency, License, Primary, Commit)}
        for clause in resolve_deal(deal, attestations):
            self.clauses[type(clause.terms)].append(clause)

    def price(self, owner: Pool | Product, request: Request) -> Price | None:
        return price_in_force(owner.prices, self.attestations, request.model, request.instant)

    def has_shipped(self, terms: Primary, model: str, instant: int) -> bool:
        starts = [ALWAYS if pool.available_from is None else pool.available_from
                  for pool in self.deal.pools if pool.provider == terms.provider and model in pool.serves]
        return bool(starts) and add_duration(min(starts), terms.lead) <= instant

    def candidates(self, model: str) -> list[Pool]:
        """A pool for each of its lines `serves` for the model, in the order of these lines."""
        return [pool for pool in self.deal.pools for served in pool.serves if served == model]

    def in_force(self, kind, instant: int) -> list[Resolved]:
        return [clause for clause in self.clauses[kind] if clause.in_force(instant)]

    def request(self, instant, product, model, account) -> Request:
        return Request(
            self, instant, product, model, account,
            exclusives=[clause for clause in self.in_force(Exclusive, instant)
                        if exclusive_covers(clause.terms, product, account)],
            residencies=[clause for clause in self.in_force(Residency, instant)
                         if residency_covers(clause.terms, product, account)],
            licences=[clause for clause in self.in_force(License, instant)
                      if license_covers(clause.terms, product, model)],
            primaries=[clause for clause in self.in_force(Primary, instant)
                       if clause.terms.products.holds(product)],
            commits=[clause for clause in self.in_force(Commit, instant)
                     if clause.terms.counting.holds(product)
                     and clause.terms.begin <= instant < clause.terms.end])

    def decide(self, instant: int, product: str, model: str, account: str | None,
               region: str | None) -> Answer:
        if product not in self.products or model not in self.deal.models:
            raise CannotAsk(f"no product {product} or no model {model}")
        if account is not None and account not in self.accounts:
            raise CannotAsk(f"no account {account}")
        candidates = self.candidates(model)
        if not candidates:
            return Answer("nobody", [], [], None)
        request = self.request(instant, self.products[product], model, self.accounts.get(account))
        eligible, barred = [], []
        for position, pool in enumerate(candidates):
            reason, clause = judge(request, pool)
            if reason in ALLOWED_REASONS:
                eligible.append((eligible_rank(request, pool, position), (pool, reason, clause)))
            else:
                barred.append(((BARRED_REASONS.index(reason), position), (pool, reason, clause)))
        eligible.sort(key=lambda ranked: ranked[0])
        barred.sort(key=lambda ranked: ranked[0])
        return answer_for_region([entry for _, entry in eligible], [entry for _, entry in barred], region)


def decide(deal: Deal, attestations: dict, instant: int, product: str, model: str,
           account: str | None = None, region: str | None = None):
    """(verdict, eligible, barred, refusal clause). For many questions about one deal make a `Reading`."""
    answer = Reading(deal, attestations).decide(instant, product, model, account, region)
    return answer.verdict, answer.eligible, answer.barred, answer.refusal
