/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a cost counts towards a commitment, and how far: its weight, whether it came through the
 * marketplace, and the part of the month that it belongs to. A month is cut where a measuring period of
 * the commitment ends within it, so that a settlement never has to guess on which side a cost lies.
 */
#include <stdlib.h>

#include "ledger/internal.h"

static int compare_instants(const void *a, const void *b)
{
    oft_instant x = *(const oft_instant *)a;
    oft_instant y = *(const oft_instant *)b;
    return (x > y) - (x < y);
}

enum oft_err ledger_commit_parts(const struct deal *deal, struct deal_attestations attested,
                                 uint32_t clause, struct oft_arena *arena, struct ledger_term *term)
{
    const struct deal_terms terms = deal->clauses[clause].terms;
    oft_instant *parts = oft_arena_alloc_array(arena, (size_t)terms.count + 2, sizeof(*parts));
    size_t count = 0;
    if (parts == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (uint32_t i = 0; i < terms.count; i++) {
        const struct deal_term *it = &terms.items[i];
        if (it->key == DEAL_TERM_MILESTONE || it->key == DEAL_TERM_RAMP) {
            parts[count++] = it->values[1].as.instant;
        }
    }
    uint32_t before = ledger_commit_predecessor(deal, clause);
    if (before != DEAL_NONE) {
        const struct deal_clause *old = &deal->clauses[before];
        oft_instant until = deal_clause_until(old, attested);
        oft_instant end = old->as.commit.period_until;
        parts[count++] = until < end ? until : end;
    }
    qsort(parts, count, sizeof(*parts), compare_instants);
    term->parts = parts;
    term->part_count = count;
    return OFT_OK;
}

oft_instant ledger_commit_part(const struct ledger_term *term, oft_instant month_from,
                               oft_instant at, oft_instant until, oft_instant *ret_until)
{
    oft_instant from = OFT_INSTANT_ALWAYS;
    for (size_t i = 0; i < term->part_count; i++) {
        if (term->parts[i] > at) {
            until = until < term->parts[i] ? until : term->parts[i];
            break;
        }
        if (term->parts[i] > month_from) {
            from = term->parts[i];
        }
    }
    *ret_until = until;
    return from;
}

enum oft_err ledger_commit_key(const char *clause, const char *party, int64_t weight_ppb,
                               bool marketplace, oft_instant part, struct ledger_series_key *key)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    key->kind = LEDGER_COMMITMENT;
    key->rate = weight_ppb == DEAL_RATE_ONE ? 0 : weight_ppb;
    key->outcome = marketplace ? LEDGER_THROUGH_MARKETPLACE : LEDGER_DIRECT;
    if (part != OFT_INSTANT_ALWAYS &&
        LEDGER_PUT_NAME(key->pool, oft_instant_format_short(part, text)) != OFT_OK) {
        return OFT_ERR_LIMIT;
    }
    if (LEDGER_PUT_NAME(key->party, party) != OFT_OK ||
        LEDGER_PUT_NAME(key->clause, clause) != OFT_OK) {
        return OFT_ERR_LIMIT;
    }
    return OFT_OK;
}
