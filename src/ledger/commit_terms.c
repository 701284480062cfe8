/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A commitment's words as numbers: what it asks for by when, what becomes of what is missing, who comes
 * before and after it; and the line through all of that.
 */
#include <string.h>

#include "ledger/commit.h"

static bool is_commit(const struct deal *deal, uint32_t clause)
{
    return clause != DEAL_NONE && deal->clauses[clause].kind == DEAL_CLAUSE_COMMIT;
}

/* The version that is not amended any more. Each amendment stands in another agreement, so this ends. */
static uint32_t last_version(const struct deal *deal, uint32_t clause)
{
    for (uint32_t steps = 0; steps < deal->clause_count; steps++) {
        uint32_t next = DEAL_NONE;
        for (uint32_t i = 0; i < deal->clause_count && next == DEAL_NONE; i++) {
            next = is_commit(deal, i) && deal->clauses[i].amends == clause ? i : DEAL_NONE;
        }
        if (next == DEAL_NONE) {
            break;
        }
        clause = next;
    }
    return clause;
}

uint32_t ledger_commit_predecessor(const struct deal *deal, uint32_t clause)
{
    const struct deal_term *term =
        deal_terms_find(deal->clauses[clause].terms, DEAL_TERM_SUCCESSOR);
    if (term == NULL || !is_commit(deal, term->values[0].as.index)) {
        return DEAL_NONE;
    }
    uint32_t old = last_version(deal, term->values[0].as.index);
    return old == clause ? DEAL_NONE : old;
}

/* Whether CLAUSE is a version of FIRST that came later. */
static bool is_version_of(const struct deal *deal, uint32_t clause, uint32_t first)
{
    for (uint32_t steps = 0; is_commit(deal, clause) && steps < deal->clause_count; steps++) {
        if (clause == first) {
            return true;
        }
        clause = deal->clauses[clause].amends;
    }
    return false;
}

/* Of the versions of a successor the one that is in force when OLD ends: it takes over, and those that amend
 * it have it from it. FIRST when none has begun by then. */
static uint32_t version_at_end(const struct deal *deal, struct deal_attestations attested,
                               const uint32_t *before, uint32_t old, uint32_t first)
{
    const struct deal_clause *clause = &deal->clauses[old];
    oft_instant until = deal_clause_until(clause, attested);
    oft_instant end =
        until < clause->as.commit.period_until ? until : clause->as.commit.period_until;
    uint32_t best = first;
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        if (before[i] == old && deal->clauses[i].from <= end &&
            deal->clauses[i].from > deal->clauses[best].from && is_version_of(deal, i, first)) {
            best = i;
        }
    }
    return best;
}

enum oft_err commit_links_of(const struct deal *deal, struct deal_attestations attested,
                             struct oft_arena *arena, struct commit_links *ret_links)
{
    size_t count = (size_t)deal->clause_count + 1;
    uint32_t *before = oft_arena_alloc_array(arena, count, sizeof(*before));
    uint32_t *after = oft_arena_alloc_array(arena, count, sizeof(*after));
    if (before == NULL || after == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        before[i] = after[i] = DEAL_NONE;
    }
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        before[i] = is_commit(deal, i) ? ledger_commit_predecessor(deal, i) : DEAL_NONE;
        if (before[i] != DEAL_NONE && after[before[i]] == DEAL_NONE) {
            after[before[i]] = i;
        }
    }
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        if (after[i] != DEAL_NONE) {
            after[i] = version_at_end(deal, attested, before, i, after[i]);
        }
    }
    *ret_links = (struct commit_links){before, after};
    return OFT_OK;
}

static bool says(struct deal_terms terms, enum deal_term_key key, const char *word)
{
    const struct deal_term *term = deal_terms_find(terms, key);
    return term != NULL && strcmp(term->values[0].as.text, word) == 0;
}

static const struct deal_value *value_of(struct deal_terms terms, enum deal_term_key key)
{
    const struct deal_term *term = deal_terms_find(terms, key);
    return term == NULL ? NULL : &term->values[0];
}

/* A sum that was paid, or is owed whatever was used, is not let go of by a forfeit: it is lost. */
static enum commit_fate fate_of(struct deal_terms terms, enum deal_commit_model model)
{
    if (says(terms, DEAL_TERM_SHORTFALL, "credit")) {
        return COMMIT_FATE_CREDIT;
    }
    bool forfeit = says(terms, DEAL_TERM_SHORTFALL, "forfeit");
    return forfeit && model == DEAL_COMMIT_BUILD_UP ? COMMIT_FATE_FORFEITED : COMMIT_FATE_PAID;
}

struct commit_terms commit_terms_of(const struct deal *deal, struct deal_attestations attested,
                                    const struct commit_links *links, uint32_t clause)
{
    const struct deal_clause *it = &deal->clauses[clause];
    const struct deal_value *overage = value_of(it->terms, DEAL_TERM_OVERAGE);
    oft_instant until = deal_clause_until(it, attested);
    return (struct commit_terms){
        .clause = it,
        .commit = &it->as.commit,
        .invoice = says(it->terms, DEAL_TERM_COUNTED, "invoice"),
        .net = says(it->terms, DEAL_TERM_BASIS, "net"),
        .fate = fate_of(it->terms, it->as.commit.model),
        .roll = value_of(it->terms, DEAL_TERM_ROLL_OVER),
        .marketplace = value_of(it->terms, DEAL_TERM_MARKETPLACE),
        .overage_ppb = overage == NULL ? DEAL_RATE_ONE : overage->as.rate_ppb,
        .ended = until < it->as.commit.period_until ? until : it->as.commit.period_until,
        .predecessor = links->predecessor[clause],
        .successor = links->successor[clause],
        .amends = is_commit(deal, it->amends) ? it->amends : DEAL_NONE,
    };
}

enum oft_err commit_measures(const struct commit_terms *terms, struct oft_arena *arena,
                             struct ledger_measure **ret_measures, size_t *ret_count)
{
    const struct deal_terms words = terms->clause->terms;
    struct ledger_measure *all =
        oft_arena_alloc_array(arena, (size_t)words.count + 1, sizeof(*all));
    size_t count = 0;
    if (all == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (uint32_t i = 0; i < words.count; i++) {
        const struct deal_term *term = &words.items[i];
        bool milestone = term->key == DEAL_TERM_MILESTONE;
        if ((!milestone && term->key != DEAL_TERM_RAMP) ||
            term->values[1].as.instant >= terms->commit->period_until) {
            continue; /* at the period's end the whole is asked for */
        }
        struct ledger_measure it = {.kind =
                                        milestone ? LEDGER_MEASURE_MILESTONE : LEDGER_MEASURE_RAMP,
                                    .by = term->values[1].as.instant,
                                    .required = term->values[0].as.amount_nanos};
        size_t place = count++;
        for (; place > 0 && (all[place - 1].by > it.by ||
                             (all[place - 1].by == it.by && all[place - 1].kind < it.kind));
             place--) {
            all[place] = all[place - 1];
        }
        all[place] = it;
    }
    all[count++] = (struct ledger_measure){.kind = LEDGER_MEASURE_WHOLE,
                                           .by = terms->commit->period_until,
                                           .required = terms->commit->amount_nanos};
    *ret_measures = all;
    *ret_count = count;
    return OFT_OK;
}

enum oft_err commit_bounded(const struct deal_value *bound, oft_nanos amount, oft_nanos of,
                            oft_nanos *ret)
{
    oft_nanos most = amount;
    if (bound != NULL && bound->kind == DEAL_VALUE_RATE) {
        enum oft_err err =
            oft_nanos_mul_div_half_even(of, bound->as.rate_ppb, DEAL_RATE_ONE, &most);
        if (err != OFT_OK) {
            return err;
        }
    } else if (bound != NULL) {
        most = bound->as.amount_nanos;
    }
    *ret = amount < most ? amount : most;
    return OFT_OK;
}

enum oft_err commit_line(const struct commit_terms *terms, const struct ledger_settlement *it,
                         oft_instant at, oft_nanos *ret_line)
{
    oft_instant from = terms->commit->period_from;
    oft_nanos low = 0;
    for (size_t i = 0; i < it->measure_count && at >= from; i++) {
        const struct ledger_measure *measure = &it->measures[i];
        oft_nanos high = measure->required > low ? measure->required : low;
        if (at < measure->by) {
            oft_nanos rise;
            enum oft_err err = oft_nanos_mul_div_half_even(high - low, (oft_nanos)at - from,
                                                           (oft_nanos)measure->by - from, &rise);
            *ret_line = err == OFT_OK ? low + rise : 0;
            return err;
        }
        from = measure->by;
        low = high;
    }
    *ret_line = low;
    return OFT_OK;
}

int64_t commit_value(const struct commit_terms *terms, const struct ledger_settlement *it,
                     const struct ledger_commitment_status *status)
{
    if (!status->active) {
        return 0;
    }
    if (it->progress >= it->required) {
        return terms->successor == DEAL_NONE ? DEAL_RATE_ONE - terms->overage_ppb : 0;
    }
    if (!status->behind || terms->fate != COMMIT_FATE_PAID) {
        return 0;
    }
    bool last = true;
    for (size_t i = 0; i < it->measure_count; i++) {
        last = last && !(it->measures[i].kind == LEDGER_MEASURE_MILESTONE &&
                         it->measures[i].state == LEDGER_MEASURE_OPEN);
    }
    if (terms->roll == NULL || (last && terms->successor == DEAL_NONE)) {
        return DEAL_RATE_ONE;
    }
    if (terms->roll->kind == DEAL_VALUE_RATE) {
        return DEAL_RATE_ONE - terms->roll->as.rate_ppb;
    }
    oft_nanos gap = status->line_nanos - it->progress - it->waiting;
    return gap > terms->roll->as.amount_nanos ? DEAL_RATE_ONE : 0;
}

const char *commit_state_name(enum ledger_commit_state state)
{
    static const char *const names[] = {
        "not begun", "waits for its predecessor", "running", "complete", "fell short", "lapsed"};
    return (size_t)state < OFT_COUNT_OF(names) ? names[state] : "unknown";
}
