/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clauses against each other: versions that leave a hole or run beside each other, shares of shares
 * that go round, licences that are exclusive to two, holders with one rank, events that nobody can
 * prove or that change nothing, and commitments that the capacity cannot reach.
 */
#include "deal/build.h"

#include <string.h>

static const struct deal_attestations nothing_attested = {NULL, 0};

/* The first instant at which both are in force if no event happens; OFT_INSTANT_NEVER when none. */
static oft_instant both_in_force(const struct deal_clause *a, const struct deal_clause *b)
{
    oft_instant from = a->from > b->from ? a->from : b->from;
    bool both = from < deal_clause_until(a, nothing_attested) &&
                from < deal_clause_until(b, nothing_attested);
    return both ? from : OFT_INSTANT_NEVER;
}

static bool lists_meet(struct deal_list a, struct deal_list b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (deal_list_has(a, i) && deal_list_has(b, i)) {
            return true;
        }
    }
    return false;
}

/* ---- versions -------------------------------------------------------------------------------- */

/* The first event that can end END; DEAL_NONE when only dates do. */
static uint32_t ending_event(const struct deal_end *end)
{
    if (end->kind == DEAL_END_EVENT) {
        return end->event;
    }
    for (uint32_t i = 0; i < end->part_count; i++) {
        uint32_t event = ending_event(&end->parts[i]);
        if (event != DEAL_NONE) {
            return event;
        }
    }
    return DEAL_NONE;
}

static void check_gap(struct deal_build *build, const struct deal_clause *clause)
{
    char when[OFT_INSTANT_TEXT_BYTES];
    if (clause->amends == DEAL_NONE) {
        return;
    }
    const struct deal_clause *old = &build->deal->clauses[clause->amends];
    uint32_t event = ending_event(&old->until);
    if (event == DEAL_NONE) {
        return; /* one that ends by date before it is amended is an error already */
    }
    deal_report(build->diagnostics, DEAL_NOTE, 70, clause->position, clause->id, "",
                "if %s happens before %s, %s ends then and nothing holds until this version begins",
                build->deal->events[event].name, oft_instant_format_short(clause->from, when),
                old->id);
}

/* A new end that leaves out the event of the old one: meant or forgotten, it is worth a word. */
static void check_dropped_event(struct deal_build *build, const struct deal_clause *clause)
{
    if (clause->amends == DEAL_NONE) {
        return;
    }
    const struct deal_clause *old = &build->deal->clauses[clause->amends];
    uint32_t event = ending_event(&old->until);
    if (event != DEAL_NONE && ending_event(&clause->until) == DEAL_NONE) {
        deal_report(build->diagnostics, DEAL_NOTE, 80, clause->position, clause->id,
                    "if it still should: until earliest of (DATE, EVENT)",
                    "%s could end with %s; this version does not", old->id,
                    build->deal->events[event].name);
    }
}

static void check_successor(struct deal_build *build, const struct deal_clause *clause)
{
    const struct deal_term *term = clause->kind == DEAL_CLAUSE_COMMIT
                                       ? deal_terms_find(clause->terms, DEAL_TERM_SUCCESSOR)
                                       : NULL;
    if (term == NULL) {
        return;
    }
    const struct deal_clause *old = &build->deal->clauses[term->values[0].as.index];
    char ends[OFT_INSTANT_TEXT_BYTES];
    char begins[OFT_INSTANT_TEXT_BYTES];
    if (old->kind == DEAL_CLAUSE_COMMIT &&
        clause->as.commit.period_from > old->as.commit.period_until) {
        deal_report(build->diagnostics, DEAL_WARNING, 70, clause->position, clause->id,
                    "let the periods join",
                    "%s ends on %s and its successor begins on %s: spend between counts nowhere",
                    old->id, oft_instant_format_short(old->as.commit.period_until, ends),
                    oft_instant_format_short(clause->as.commit.period_from, begins));
    }
}

static void check_doubled_share(struct deal_build *build, const struct deal_clause *a,
                                const struct deal_clause *b)
{
    const struct deal_share *x = &a->as.share;
    const struct deal_share *y = &b->as.share;
    oft_instant at = both_in_force(a, b);
    char when[OFT_INSTANT_TEXT_BYTES];
    if (at == OFT_INSTANT_NEVER || x->base != y->base || x->payer_party != y->payer_party ||
        x->payee_party != y->payee_party || x->base != DEAL_BASE_REVENUE ||
        !lists_meet(x->products, y->products, build->deal->product_count)) {
        return;
    }
    deal_report(build->diagnostics, DEAL_WARNING, 71, b->position, b->id,
                "if it is the new version: amend, or supersedes the old one",
                "from %s on, this share is owed beside %s: the same sales are shared twice",
                oft_instant_format_short(at, when), a->id);
}

static void check_doubled_license(struct deal_build *build, const struct deal_clause *a,
                                  const struct deal_clause *b)
{
    const struct deal_license *x = &a->as.license;
    const struct deal_license *y = &b->as.license;
    oft_instant at = both_in_force(a, b);
    char when[OFT_INSTANT_TEXT_BYTES];
    if (at == OFT_INSTANT_NEVER || !(x->exclusive || y->exclusive) ||
        x->licensee_party == y->licensee_party ||
        !lists_meet(x->models, y->models, build->deal->model_count)) {
        return;
    }
    deal_report(build->diagnostics, DEAL_ERROR, 72, b->position, b->id,
                "end one of them, or leave out \"exclusive\"",
                "at %s the same models are licensed exclusively to %s (%s) and licensed to %s (%s)",
                oft_instant_format_short(at, when),
                build->deal->parties[x->exclusive ? x->licensee_party : y->licensee_party].name,
                x->exclusive ? a->id : b->id,
                build->deal->parties[x->exclusive ? y->licensee_party : x->licensee_party].name,
                x->exclusive ? b->id : a->id);
}

/* ---- ranks between clauses ------------------------------------------------------------------- */

/* The party that holds CLAUSE's right with RANK; DEAL_NONE when nobody does. */
static uint32_t holder_of(const struct deal *deal, const struct deal_clause *clause, uint64_t rank)
{
    const struct deal_term *term;
    uint32_t from = 0;
    if (clause->as.refusal.holder_count == 0) {
        return rank == 1 ? deal->agreements[clause->agreement].party : DEAL_NONE;
    }
    while ((term = deal_terms_next(clause->terms, DEAL_TERM_HOLDER, &from)) != NULL) {
        uint64_t own = term->values[1].kind == DEAL_VALUE_COUNT ? term->values[1].as.count : 1;
        if (own == rank) {
            return term->values[0].as.index;
        }
    }
    return DEAL_NONE;
}

/* One key's list in two clauses: not said means everything. */
static bool scopes_meet(const struct deal_clause *a, const struct deal_clause *b,
                        enum deal_term_key key)
{
    const struct deal_term *x = deal_terms_find(a->terms, key);
    const struct deal_term *y = deal_terms_find(b->terms, key);
    if (x == NULL || y == NULL) {
        return true;
    }
    for (uint32_t i = 0; i < x->values[0].as.names.count; i++) {
        if (deal_names_have(y->values[0].as.names, x->values[0].as.names.items[i])) {
            return true;
        }
    }
    return false;
}

static bool product_scopes_meet(const struct deal *deal, const struct deal_clause *a,
                                const struct deal_clause *b)
{
    const struct deal_term *x = deal_terms_find(a->terms, DEAL_TERM_SCOPE_PRODUCTS);
    const struct deal_term *y = deal_terms_find(b->terms, DEAL_TERM_SCOPE_PRODUCTS);
    return x == NULL || y == NULL ||
           lists_meet(x->values[0].as.list, y->values[0].as.list, deal->product_count);
}

static void check_tied(struct deal_build *build, const struct deal_clause *a,
                       const struct deal_clause *b)
{
    const struct deal *deal = build->deal;
    oft_instant at = both_in_force(a, b);
    char when[OFT_INSTANT_TEXT_BYTES];
    if (a->kind != b->kind || at == OFT_INSTANT_NEVER || !product_scopes_meet(deal, a, b) ||
        !scopes_meet(a, b, DEAL_TERM_SCOPE_REGIONS) ||
        !scopes_meet(a, b, DEAL_TERM_SCOPE_ACCELERATORS)) {
        return;
    }
    for (uint64_t rank = 1; rank <= 16; rank++) {
        uint32_t x = holder_of(deal, a, rank);
        uint32_t y = holder_of(deal, b, rank);
        if (x != DEAL_NONE && y != DEAL_NONE && x != y) {
            deal_report(build->diagnostics, DEAL_ERROR, 67, b->position, b->id,
                        "add: holder PARTY rank N, or narrow a scope",
                        "at %s %s (%s) and %s (%s) both have rank %llu over the same capacity",
                        oft_instant_format_short(at, when), deal->parties[x].name, a->id,
                        deal->parties[y].name, b->id, (unsigned long long)rank);
            return;
        }
    }
}

static void check_pair(struct deal_build *build, const struct deal_clause *a,
                       const struct deal_clause *b)
{
    if (a->kind == DEAL_CLAUSE_SHARE && b->kind == DEAL_CLAUSE_SHARE) {
        check_doubled_share(build, a, b);
    } else if (a->kind == DEAL_CLAUSE_LICENSE && b->kind == DEAL_CLAUSE_LICENSE) {
        check_doubled_license(build, a, b);
    } else if (a->kind == DEAL_CLAUSE_FIRST_REFUSAL || a->kind == DEAL_CLAUSE_FIRST_OFFER) {
        check_tied(build, a, b);
    }
}

/* ---- shares of shares ------------------------------------------------------------------------ */

static void check_circle(struct deal_build *build, const struct deal_clause *clause)
{
    const struct deal *deal = build->deal;
    const struct deal_clause *at = clause;
    for (uint32_t steps = 0; steps <= deal->clause_count; steps++) {
        if (at->kind != DEAL_CLAUSE_SHARE) {
            deal_report(build->diagnostics, DEAL_ERROR, 41, clause->position, clause->id,
                        "name a share", "%s is no share", at->id);
            return;
        }
        if (at->as.share.base != DEAL_BASE_SHARE) {
            return;
        }
        at = &deal->clauses[at->as.share.base_clause];
        if (at == clause) {
            deal_report(build->diagnostics, DEAL_ERROR, 63, clause->position, clause->id,
                        "let one of them be a share of revenue",
                        "this share is a share of itself, by way of %s",
                        deal->clauses[clause->as.share.base_clause].id);
            return;
        }
    }
}

/* ---- events ---------------------------------------------------------------------------------- */

static void check_events(struct deal_build *build)
{
    const struct deal *deal = build->deal;
    for (uint32_t i = 0; i < deal->event_count; i++) {
        const struct deal_event *event = &deal->events[i];
        const struct deal_party *attester = &deal->parties[event->attester_party];
        if (!attester->has_key) {
            deal_report(build->diagnostics, DEAL_NOTE, 78, event->position, event->name,
                        "add to the party: key \"ed25519:...\"; `offtake keys party` makes one",
                        "%s has no key: its word for \"%s\" is taken without a signature",
                        attester->name, event->name);
        }
    }
}

/* ---- commitments that cannot be reached ------------------------------------------------------ */

/* The dearest price of POOL for MODEL within the period, of all classes; -1 when it has none. */
static oft_nanos dearest(const struct deal *deal, uint32_t pool, uint32_t model)
{
    oft_nanos most = -1;
    for (uint32_t i = 0; i < deal->price_count; i++) {
        const struct deal_price *price = &deal->prices[i];
        bool fits = !price->is_sale && price->owner == pool &&
                    (price->model == model || price->model == DEAL_ALL);
        for (int unit = 0; fits && unit < DEAL_UNIT_REQUEST; unit++) {
            most = price->per_million_nanos[unit] > most ? price->per_million_nanos[unit] : most;
            for (uint32_t k = 0; k < price->step_count; k++) {
                oft_nanos step = price->steps[k].per_million_nanos[unit];
                most = step > most ? step : most;
            }
        }
        if (fits && price->per_million_nanos[DEAL_UNIT_REQUEST] > 0) {
            return OFT_NANOS_PER_UNIT *
                   OFT_NANOS_PER_UNIT; /* tokens bound nothing: "a great deal" */
        }
    }
    return most;
}

/* How much a pool can cost within the period: false when nothing said bounds it. */
static bool pool_reach(const struct deal *deal, uint32_t index, const struct deal_commit *commit,
                       oft_nanos *ret)
{
    const struct deal_pool *pool = &deal->pools[index];
    oft_instant until = deal_end_instant(&pool->until, nothing_attested);
    oft_instant from = pool->from > commit->period_from ? pool->from : commit->period_from;
    oft_nanos price = -1;
    *ret = 0;
    until = until < commit->period_until ? until : commit->period_until;
    for (uint32_t i = 0; i < deal->serve_count; i++) {
        oft_nanos one =
            deal->serves[i].pool == index ? dearest(deal, index, deal->serves[i].model) : -1;
        price = one > price ? one : price;
    }
    if (until <= from) {
        return true; /* it is not there */
    }
    if (pool->reserved) {
        return false; /* flat capacity: what it costs is said elsewhere */
    }
    if (price <= 0) {
        return true;
    }
    if (pool->limits.tokens_per_minute == 0) {
        return false;
    }
    oft_nanos minutes = ((oft_nanos)until - from + 59999999999) / 60000000000;
    oft_nanos tokens;
    return oft_nanos_mul((oft_nanos)pool->limits.tokens_per_minute, minutes, &tokens) == OFT_OK &&
           oft_nanos_mul(tokens, price, ret) == OFT_OK &&
           (*ret = *ret / 1000000 + (*ret % 1000000 > 0 ? 1 : 0), true);
}

/* What an order can cost within the period, for the whole of its quantity; false when unbounded. */
static bool order_reach(const struct deal_clause *clause, const struct deal_commit *commit,
                        oft_nanos *ret)
{
    const struct deal_order *order = &clause->as.order;
    const struct deal_term *price = deal_terms_find(clause->terms, DEAL_TERM_ORDER_PRICE);
    *ret = 0;
    if (price == NULL) {
        return false;
    }
    oft_instant from = clause->from > commit->period_from ? clause->from : commit->period_from;
    oft_nanos hours = ((oft_nanos)commit->period_until - from) / (3600 * OFT_NS_PER_SECOND) + 1;
    oft_nanos units = strcmp(price->values[1].as.text, "MW-month") == 0 ? hours / 672 + 1 : hours;
    oft_nanos each;
    if (from >= commit->period_until) {
        return true;
    }
    return oft_nanos_mul(price->values[0].as.amount_nanos, (oft_nanos)order->quantity.count,
                         &each) == OFT_OK &&
           oft_nanos_mul(each, units, ret) == OFT_OK;
}

static void check_reach(struct deal_build *build, const struct deal_clause *clause)
{
    const struct deal *deal = build->deal;
    const struct deal_commit *commit = &clause->as.commit;
    oft_nanos sum = 0;
    oft_nanos part;
    char reach[OFT_NANOS_TEXT_BYTES];
    char missing[OFT_NANOS_TEXT_BYTES];
    for (uint32_t i = 0; i < deal->pool_count; i++) {
        if (deal->pools[i].provider == commit->provider &&
            (!pool_reach(deal, i, commit, &part) || oft_nanos_add(sum, part, &sum) != OFT_OK)) {
            return;
        }
    }
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        const struct deal_clause *order = &deal->clauses[i];
        if (order->kind == DEAL_CLAUSE_ORDER && order->as.order.provider == commit->provider &&
            (!order_reach(order, commit, &part) || oft_nanos_add(sum, part, &sum) != OFT_OK)) {
            return;
        }
    }
    if (sum < commit->amount_nanos) {
        deal_report(build->diagnostics, DEAL_WARNING, 75, clause->position, clause->id,
                    "add capacity on this provider, or raise its pools' limits",
                    "the capacity on %s cannot cost more than %s over the period: a shortfall of "
                    "%s is unavoidable",
                    deal->providers[commit->provider].name, oft_nanos_format_grouped(sum, reach),
                    oft_nanos_format_grouped(commit->amount_nanos - sum, missing));
    }
}

void deal_check_versions(struct deal_build *build)
{
    const struct deal *deal = build->deal;
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        const struct deal_clause *clause = &deal->clauses[i];
        check_gap(build, clause);
        check_dropped_event(build, clause);
        check_successor(build, clause);
        if (clause->kind == DEAL_CLAUSE_SHARE && clause->as.share.base == DEAL_BASE_SHARE) {
            check_circle(build, clause);
        }
        if (clause->kind == DEAL_CLAUSE_COMMIT) {
            check_reach(build, clause);
        }
        for (uint32_t k = 0; k < i && !deal_diagnostics_full(build->diagnostics); k++) {
            check_pair(build, &deal->clauses[k], clause);
        }
    }
    check_events(build);
}
