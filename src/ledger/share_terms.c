/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A share's words as numbers, and the share of a base by its rate or its bands.
 */
#include <stdio.h>
#include <string.h>

#include "ledger/share_terms.h"

static oft_nanos bound_of(struct deal_terms terms, enum deal_term_key key, bool per_period)
{
    const struct deal_term *term;
    uint32_t from = 0;
    oft_nanos result = -1;
    while ((term = deal_terms_next(terms, key, &from)) != NULL) {
        if ((term->values[1].kind != DEAL_VALUE_NONE) == per_period) {
            result = term->values[0].as.amount_nanos;
        }
    }
    return result;
}

static enum oft_err tiers_of(struct deal_terms terms, struct oft_arena *arena,
                             struct share_terms *it)
{
    struct share_tier *tiers =
        oft_arena_alloc_array(arena, (size_t)terms.count + 1, sizeof(*tiers));
    const struct deal_term *term;
    uint32_t from = 0;
    if (tiers == NULL) {
        return OFT_ERR_MEMORY;
    }
    while ((term = deal_terms_next(terms, DEAL_TERM_TIER, &from)) != NULL) {
        bool ends = term->values[2].kind != DEAL_VALUE_NONE;
        tiers[it->tier_count++] =
            (struct share_tier){term->values[0].as.rate_ppb, term->values[1].as.amount_nanos,
                                ends ? term->values[2].as.amount_nanos : -1};
    }
    it->tiers = tiers;
    return OFT_OK;
}

static int32_t period_months_of(struct deal_terms terms)
{
    const struct deal_term *term = deal_terms_find(terms, DEAL_TERM_PERIOD);
    const char *word = term == NULL ? "monthly" : term->values[0].as.text;
    return strcmp(word, "yearly") == 0 ? 12 : strcmp(word, "quarterly") == 0 ? 3 : 1;
}

static bool duration_of(struct deal_terms terms, enum deal_term_key key, size_t value,
                        struct deal_duration *ret_duration)
{
    const struct deal_term *term = deal_terms_find(terms, key);
    if (term != NULL) {
        *ret_duration = term->values[value].as.duration;
    }
    return term != NULL;
}

enum oft_err share_terms_of(const struct deal *deal, struct deal_attestations attested,
                            uint32_t clause, struct oft_arena *arena, struct share_terms *ret_terms)
{
    const struct deal_clause *it = &deal->clauses[clause];
    const struct deal_term *mode = deal_terms_find(it->terms, DEAL_TERM_TIER_MODE);
    const struct deal_term *holdback = deal_terms_find(it->terms, DEAL_TERM_HOLDBACK);
    const struct deal_term *netting = deal_terms_find(it->terms, DEAL_TERM_NETTING);
    const struct deal_term *interest = deal_terms_find(it->terms, DEAL_TERM_INTEREST);
    *ret_terms = (struct share_terms){
        .deal = deal,
        .clause = it,
        .share = &it->as.share,
        .from = it->from,
        .until = deal_clause_until(it, attested),
        .period_months = period_months_of(it->terms),
        .whole_band = mode != NULL && strcmp(mode->values[0].as.text, "whole-band") == 0,
        .less = deal_terms_find(it->terms, DEAL_TERM_LESS),
        .cap = bound_of(it->terms, DEAL_TERM_CAP, false),
        .cap_per_period = bound_of(it->terms, DEAL_TERM_CAP, true),
        .minimum = bound_of(it->terms, DEAL_TERM_MINIMUM, false),
        .minimum_per_period = bound_of(it->terms, DEAL_TERM_MINIMUM, true),
        .holdback_ppb = holdback == NULL ? 0 : holdback->values[0].as.rate_ppb,
        .netting = netting == NULL ? DEAL_NONE : netting->values[0].as.index,
        .interest_ppb = interest == NULL ? 0 : interest->values[0].as.rate_ppb,
    };
    ret_terms->has_holdback = duration_of(it->terms, DEAL_TERM_HOLDBACK, 1, &ret_terms->holdback);
    ret_terms->has_clawback = duration_of(it->terms, DEAL_TERM_CLAWBACK, 0, &ret_terms->clawback);
    ret_terms->has_statement =
        duration_of(it->terms, DEAL_TERM_STATEMENT, 0, &ret_terms->statement);
    ret_terms->has_payment = duration_of(it->terms, DEAL_TERM_PAYMENT, 0, &ret_terms->payment);
    return tiers_of(it->terms, arena, ret_terms);
}

int32_t share_period_start(const struct share_terms *terms, int32_t month)
{
    return month - month % terms->period_months;
}

void ledger_share_period_name(const struct deal_clause *clause, int32_t month, char out[8])
{
    unsigned year = (unsigned)(month / 12) % 10000;
    unsigned number = (unsigned)(month % 12);
    switch (period_months_of(clause->terms)) {
    case 12:
        (void)snprintf(out, 8, "%04u", year);
        return;
    case 3:
        (void)snprintf(out, 8, "%04u-Q%u", year, (number / 3 + 1) % 10);
        return;
    default:
        (void)snprintf(out, 8, "%04u-%02u", year, (number + 1) % 100);
    }
}

/* ---- the share of a base ----------------------------------------------------------------------- */

/* Each part by its own band. The products are added up before the one rounding. */
static enum oft_err marginal(const struct share_terms *terms, oft_nanos base, oft_nanos *ret_share)
{
    oft_nanos sum = 0;
    for (size_t i = 0; i < terms->tier_count; i++) {
        const struct share_tier *tier = &terms->tiers[i];
        oft_nanos until = tier->until < 0 || base < tier->until ? base : tier->until;
        oft_nanos part;
        if (until <= tier->from) {
            continue;
        }
        if (oft_nanos_mul(until - tier->from, tier->rate_ppb, &part) != OFT_OK ||
            oft_nanos_add(sum, part, &sum) != OFT_OK) {
            return OFT_ERR_RANGE;
        }
    }
    return oft_nanos_mul_div_half_even(sum, 1, DEAL_RATE_ONE, ret_share);
}

/* All by the band that the whole falls in; a band holds its beginning and not its end. */
static enum oft_err whole_band(const struct share_terms *terms, oft_nanos base,
                               oft_nanos *ret_share)
{
    for (size_t i = 0; i < terms->tier_count; i++) {
        const struct share_tier *tier = &terms->tiers[i];
        if (base >= tier->from && (tier->until < 0 || base < tier->until)) {
            return oft_nanos_mul_div_half_even(base, tier->rate_ppb, DEAL_RATE_ONE, ret_share);
        }
    }
    *ret_share = 0;
    return OFT_OK;
}

enum oft_err share_of_base(const struct share_terms *terms, oft_nanos base, oft_nanos *ret_share)
{
    *ret_share = 0;
    if (base <= 0) {
        return OFT_OK;
    }
    if (terms->share->rate_ppb >= 0) {
        return oft_nanos_mul_div_half_even(base, terms->share->rate_ppb, DEAL_RATE_ONE, ret_share);
    }
    return terms->whole_band ? whole_band(terms, base, ret_share)
                             : marginal(terms, base, ret_share);
}
