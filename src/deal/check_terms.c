/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Do the terms of one clause fit each other? Bands without holes, caps above minimums, milestones
 * that rise, parts that add up, units that match, ranks that tell holders apart, terms that need
 * another one. What concerns several clauses is in check_versions.c.
 */
#include "deal/terms_internal.h"

#include <string.h>

#define TERM_ERROR(build, code, term, clause, hint, ...)                                          \
    deal_report((build)->diagnostics, DEAL_ERROR, (code), (term)->position, (clause)->id, (hint), \
                __VA_ARGS__)

/* ---- shares ---------------------------------------------------------------------------------- */

static void check_tier_order(struct deal_build *build, const struct deal_clause *clause)
{
    const struct deal_term *before = NULL;
    const struct deal_term *tier;
    uint32_t from = 0;
    char text[OFT_NANOS_TEXT_BYTES];
    while ((tier = deal_terms_next(clause->terms, DEAL_TERM_TIER, &from)) != NULL) {
        oft_nanos begins = tier->values[1].as.amount_nanos;
        oft_nanos wanted = before == NULL ? 0 : before->values[2].as.amount_nanos;
        bool open = before != NULL && before->values[2].kind == DEAL_VALUE_NONE;
        if (open) {
            TERM_ERROR(build, 61, tier, clause, "give the band before it an end: to AMOUNT",
                       "this band begins, but the one before it has no end");
            return;
        }
        if (begins != wanted) {
            TERM_ERROR(build, 61, tier, clause, "bands follow each other without holes, from 0 on",
                       "this band should begin at %s", oft_nanos_format_grouped(wanted, text));
            return;
        }
        if (tier->values[2].kind != DEAL_VALUE_NONE && tier->values[2].as.amount_nanos <= begins) {
            TERM_ERROR(build, 61, tier, clause, "write: tier RATE from LOW to HIGH",
                       "this band ends where it begins, or before");
            return;
        }
        before = tier;
    }
    if (before != NULL && before->values[2].kind != DEAL_VALUE_NONE) {
        TERM_ERROR(build, 61, before, clause, "leave out \"to\" in the last band",
                   "nothing is said of what lies above this band");
    }
}

static void check_tiers(struct deal_build *build, const struct deal_clause *clause)
{
    const struct deal_term *tier = deal_terms_find(clause->terms, DEAL_TERM_TIER);
    const struct deal_term *mode = deal_terms_find(clause->terms, DEAL_TERM_TIER_MODE);
    bool tiered = clause->as.share.rate_ppb < 0;
    if (tiered && tier == NULL) {
        deal_report(build->diagnostics, DEAL_ERROR, 61, clause->position, clause->id,
                    "add: tier 20% from 0 USD to 10bn USD, and the bands above",
                    "a tiered share without a tier");
    } else if (!tiered && tier != NULL) {
        TERM_ERROR(build, 61, tier, clause, "write: share tiered of revenue ...",
                   "a share with one rate has no tiers");
    } else if (tiered && mode == NULL) {
        deal_report(build->diagnostics, DEAL_ERROR, 61, clause->position, clause->id,
                    "add: marginal (each part by its own band) or whole-band",
                    "these tiers do not say how a band's rate applies");
    } else if (!tiered && mode != NULL) {
        TERM_ERROR(build, 69, mode, clause, "leave it out", "\"%s\" needs tiers",
                   mode->values[0].as.text);
    } else {
        check_tier_order(build, clause);
    }
}

/* The one of CAP or MINIMUM that is, or is not, per period. */
static const struct deal_term *bound(const struct deal_clause *clause, enum deal_term_key key,
                                     bool per_period)
{
    const struct deal_term *term;
    uint32_t from = 0;
    while ((term = deal_terms_next(clause->terms, key, &from)) != NULL) {
        if ((term->values[1].kind != DEAL_VALUE_NONE) == per_period) {
            return term;
        }
    }
    return NULL;
}

static void check_said_twice(struct deal_build *build, const struct deal_clause *clause,
                             enum deal_term_key key)
{
    const struct deal_term *term;
    uint32_t from = 0;
    while ((term = deal_terms_next(clause->terms, key, &from)) != NULL) {
        if (bound(clause, key, term->values[1].kind != DEAL_VALUE_NONE) != term) {
            TERM_ERROR(build, 11, term, clause, "leave one of them out", "\"%s\" is said twice",
                       key == DEAL_TERM_CAP ? "cap" : "minimum");
        }
    }
}

static void check_bounds(struct deal_build *build, const struct deal_clause *clause)
{
    check_said_twice(build, clause, DEAL_TERM_CAP);
    check_said_twice(build, clause, DEAL_TERM_MINIMUM);
    for (int cap_period = 0; cap_period < 2; cap_period++) {
        for (int least_period = cap_period; least_period < 2; least_period++) {
            /* A total cap bounds both minimums; a cap per period only the one per period. */
            const struct deal_term *cap = bound(clause, DEAL_TERM_CAP, cap_period == 1);
            const struct deal_term *least = bound(clause, DEAL_TERM_MINIMUM, least_period == 1);
            if (cap != NULL && least != NULL &&
                cap->values[0].as.amount_nanos < least->values[0].as.amount_nanos) {
                TERM_ERROR(build, 62, cap, clause, "raise the cap, or lower the minimum",
                           "the cap is below the minimum");
            }
        }
    }
}

/* Netting sets two opposite shares off against each other. */
static void check_netting(struct deal_build *build, const struct deal_clause *clause)
{
    const struct deal_term *netting = deal_terms_find(clause->terms, DEAL_TERM_NETTING);
    if (netting == NULL) {
        return;
    }
    const struct deal_clause *other = &build->deal->clauses[netting->values[0].as.index];
    if (other->kind != DEAL_CLAUSE_SHARE || other == clause ||
        other->as.share.payer_party != clause->as.share.payee_party ||
        other->as.share.payee_party != clause->as.share.payer_party) {
        TERM_ERROR(build, 41, netting, clause, "name the share that is paid the other way",
                   "%s is no opposite share", other->id);
    }
}

/* ---- commitments and orders ------------------------------------------------------------------ */

static void check_line(struct deal_build *build, const struct deal_clause *clause,
                       enum deal_term_key key, const char *word)
{
    const struct deal_commit *commit = &clause->as.commit;
    const struct deal_term *before = NULL;
    const struct deal_term *term;
    uint32_t from = 0;
    while ((term = deal_terms_next(clause->terms, key, &from)) != NULL) {
        oft_instant by = term->values[1].as.instant;
        oft_nanos amount = term->values[0].as.amount_nanos;
        if (by <= commit->period_from || by > commit->period_until) {
            TERM_ERROR(build, 65, term, clause, "", "this %s lies outside of the period", word);
        } else if (amount > commit->amount_nanos) {
            TERM_ERROR(build, 65, term, clause, "", "this %s is more than the commitment", word);
        } else if (before != NULL && (by <= before->values[1].as.instant ||
                                      amount < before->values[0].as.amount_nanos)) {
            TERM_ERROR(build, 65, term, clause, "write them in order of time, each sum so far",
                       "this %s does not rise above the one before it", word);
        }
        before = term;
    }
}

/* Whether CLAUSE, a commitment, waits in the end for itself. */
static bool waits_for_itself(const struct deal *deal, const struct deal_clause *clause)
{
    const struct deal_clause *at = clause;
    for (uint32_t steps = 0; steps < deal->clause_count; steps++) {
        const struct deal_term *term = deal_terms_find(at->terms, DEAL_TERM_SUCCESSOR);
        if (term == NULL) {
            return false;
        }
        at = &deal->clauses[term->values[0].as.index];
        if (at == clause || at->kind != DEAL_CLAUSE_COMMIT) {
            return at == clause;
        }
    }
    return false;
}

static void check_commit(struct deal_build *build, const struct deal_clause *clause)
{
    const struct deal_term *overage = deal_terms_find(clause->terms, DEAL_TERM_OVERAGE);
    const struct deal_term *successor = deal_terms_find(clause->terms, DEAL_TERM_SUCCESSOR);
    check_line(build, clause, DEAL_TERM_MILESTONE, "milestone");
    check_line(build, clause, DEAL_TERM_RAMP, "ramp");
    if (overage != NULL && clause->as.commit.model == DEAL_COMMIT_BUILD_UP) {
        TERM_ERROR(build, 69, overage, clause, "leave it out, or make it burn-down or take-or-pay",
                   "a build-up commitment has no overage: more spend is simply more");
    }
    if (successor != NULL) {
        const struct deal_clause *old = &build->deal->clauses[successor->values[0].as.index];
        if (old->kind != DEAL_CLAUSE_COMMIT || old == clause) {
            TERM_ERROR(build, 41, successor, clause, "name an earlier commitment",
                       "%s is no other commitment", old->id);
        } else if (waits_for_itself(build->deal, clause)) {
            TERM_ERROR(build, 41, successor, clause, "leave it out in one of them",
                       "%s waits for this commitment itself", old->id);
        }
    }
}

/* What a quantity is a number of: megawatts, hours, or devices whatever their name. */
static int unit_class(const char *unit)
{
    return strcmp(unit, "MW") == 0 ? 1 : strcmp(unit, "gpu-hours") == 0 ? 2 : 3;
}

static void check_order(struct deal_build *build, const struct deal_clause *clause)
{
    const struct deal_order *order = &clause->as.order;
    const struct deal_term *price = deal_terms_find(clause->terms, DEAL_TERM_ORDER_PRICE);
    const struct deal_term *phase;
    uint64_t sum = 0;
    uint32_t from = 0;
    bool units_match = true;
    while ((phase = deal_terms_next(clause->terms, DEAL_TERM_PHASE, &from)) != NULL) {
        const struct deal_quantity *part = &phase->values[0].as.quantity;
        sum += part->count;
        if (strcmp(part->unit, order->quantity.unit) != 0) {
            TERM_ERROR(build, 64, phase, clause, "", "this part is in %s, the order in %s",
                       part->unit, order->quantity.unit);
            units_match = false;
        } else if (phase->values[1].as.instant > order->deliver_by) {
            TERM_ERROR(build, 66, phase, clause, "",
                       "this part comes after all should have been delivered");
        }
    }
    if (sum > 0 && units_match && sum != order->quantity.count) {
        deal_report(build->diagnostics, DEAL_ERROR, 66, clause->position, clause->id,
                    "let the phases add up to the order",
                    "the phases add up to %llu, the order is for %llu", (unsigned long long)sum,
                    (unsigned long long)order->quantity.count);
    }
    if (price != NULL && (unit_class(order->quantity.unit) == 1) !=
                             (strcmp(price->values[1].as.text, "MW-month") == 0)) {
        TERM_ERROR(build, 64, price, clause, "MW are priced per MW-month, devices per gpu-hour",
                   "an order in %s is not priced per %s", order->quantity.unit,
                   price->values[1].as.text);
    }
}

/* ---- refusals, primaries --------------------------------------------------------------------- */

static uint64_t rank_of(const struct deal_term *holder)
{
    return holder->values[1].kind == DEAL_VALUE_COUNT ? holder->values[1].as.count : 1;
}

static void check_ranks(struct deal_build *build, const struct deal_clause *clause)
{
    const struct deal_term *term;
    uint32_t from = 0;
    while ((term = deal_terms_next(clause->terms, DEAL_TERM_HOLDER, &from)) != NULL) {
        const struct deal_term *other;
        uint32_t behind = from;
        while ((other = deal_terms_next(clause->terms, DEAL_TERM_HOLDER, &behind)) != NULL) {
            if (other->values[0].as.index == term->values[0].as.index) {
                TERM_ERROR(build, 11, other, clause, "leave one of them out",
                           "this holder is said twice");
            } else if (rank_of(other) == rank_of(term)) {
                TERM_ERROR(build, 67, other, clause, "give each holder a rank of its own",
                           "%s and %s both have rank %llu",
                           build->deal->parties[term->values[0].as.index].name,
                           build->deal->parties[other->values[0].as.index].name,
                           (unsigned long long)rank_of(other));
            }
        }
    }
}

static void check_refusal(struct deal_build *build, const struct deal_clause *clause)
{
    const struct deal_term *partial = deal_terms_find(clause->terms, DEAL_TERM_PARTIAL);
    const struct deal_term *never = deal_terms_find(clause->terms, DEAL_TERM_PARTIAL_NEVER);
    const struct deal_term *trigger = deal_terms_find(clause->terms, DEAL_TERM_TRIGGER);
    check_ranks(build, clause);
    if (partial != NULL && never != NULL) {
        TERM_ERROR(build, 69, partial, clause, "leave one of them out",
                   "\"partial never\" and \"partial from\" contradict each other");
    }
    if (partial != NULL &&
        strcmp(partial->values[0].as.quantity.unit, partial->values[1].as.quantity.unit) != 0) {
        TERM_ERROR(build, 64, partial, clause, "use one unit for both",
                   "the least part is in %s and the step in %s",
                   partial->values[0].as.quantity.unit, partial->values[1].as.quantity.unit);
    }
    bool offer = clause->kind == DEAL_CLAUSE_FIRST_OFFER;
    if (trigger != NULL && (strcmp(trigger->values[0].as.text, "need") == 0) != offer) {
        TERM_ERROR(build, 69, trigger, clause,
                   "a first refusal is triggered by an offer, a first offer by a need",
                   "a %s is not triggered by %s", deal_clause_kind_text(clause->kind),
                   offer ? "an offer" : "a need");
    }
}

static void check_primary(struct deal_build *build, const struct deal_clause *clause)
{
    static const enum deal_term_key keys[] = {DEAL_TERM_LEAD, DEAL_TERM_UNLESS};
    const struct deal_primary *primary = &clause->as.primary;
    for (size_t i = 0; i < OFT_COUNT_OF(keys) && !primary->ship_first; i++) {
        const struct deal_term *term = deal_terms_find(clause->terms, keys[i]);
        if (term != NULL) {
            TERM_ERROR(build, 69, term, clause, "add: ship first", "\"%s\" needs \"ship first\"",
                       keys[i] == DEAL_TERM_LEAD ? "lead" : "unless");
        }
    }
    if (!primary->ship_first && !primary->prefer) {
        deal_report(build->diagnostics, DEAL_WARNING, 69, clause->position, clause->id,
                    "add: ship first, or prefer",
                    "this clause changes nothing: it says neither \"ship first\" nor \"prefer\"");
    }
}

static void check_residency(struct deal_build *build, const struct deal_clause *clause)
{
    const struct deal *deal = build->deal;
    const struct deal_names *regions = &clause->as.residency.regions;
    for (uint32_t i = 0; i < regions->count; i++) {
        bool known = false;
        for (uint32_t p = 0; p < deal->pool_count && !known; p++) {
            known = strcmp(deal->pools[p].region, regions->items[i]) == 0;
        }
        if (!known) {
            deal_report(build->diagnostics, DEAL_WARNING, 68, clause->position, clause->id,
                        "check the spelling, or add a pool there", "no pool is in region \"%s\"",
                        regions->items[i]);
        }
    }
}

static void check_clause(struct deal_build *build, const struct deal_clause *clause)
{
    switch (clause->kind) {
    case DEAL_CLAUSE_SHARE:
        check_tiers(build, clause);
        check_bounds(build, clause);
        check_netting(build, clause);
        break;
    case DEAL_CLAUSE_COMMIT:
        check_commit(build, clause);
        break;
    case DEAL_CLAUSE_ORDER:
        check_order(build, clause);
        break;
    case DEAL_CLAUSE_FIRST_REFUSAL:
    case DEAL_CLAUSE_FIRST_OFFER:
        check_refusal(build, clause);
        break;
    case DEAL_CLAUSE_PRIMARY:
        check_primary(build, clause);
        break;
    case DEAL_CLAUSE_RESIDENCY:
        check_residency(build, clause);
        break;
    default:
        break;
    }
}

void deal_check_terms(struct deal_build *build)
{
    for (uint32_t i = 0; i < build->deal->clause_count; i++) {
        check_clause(build, &build->deal->clauses[i]);
    }
}
