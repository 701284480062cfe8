/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions that other rooms ask a finished deal about time, prices and names. All are pure: the
 * instant and the attested events are arguments, and an event that is not listed has not happened.
 */
#include "deal/deal.h"

#include <stdlib.h>
#include <string.h>

bool deal_list_has(struct deal_list list, uint32_t index)
{
    for (uint32_t i = 0; i < list.count; i++) {
        if (list.items[i] == DEAL_ALL || list.items[i] == index) {
            return true;
        }
    }
    return false;
}

oft_instant deal_end_instant(const struct deal_end *end, struct deal_attestations attested)
{
    oft_instant earliest = OFT_INSTANT_NEVER;
    switch (end->kind) {
    case DEAL_END_NEVER:
        break;
    case DEAL_END_DATE:
        earliest = end->instant;
        break;
    case DEAL_END_EVENT:
        for (size_t i = 0; i < attested.count; i++) {
            if (attested.items[i].event == end->event && attested.items[i].instant < earliest) {
                earliest = attested.items[i].instant;
            }
        }
        break;
    case DEAL_END_EARLIEST:
        for (uint32_t i = 0; i < end->part_count; i++) {
            oft_instant part = deal_end_instant(&end->parts[i], attested);
            earliest = part < earliest ? part : earliest;
        }
        break;
    }
    return earliest;
}

oft_instant deal_clause_until(const struct deal_clause *clause, struct deal_attestations attested)
{
    oft_instant until = deal_end_instant(&clause->until, attested);
    return clause->superseded_from < until ? clause->superseded_from : until;
}

bool deal_clause_in_force(const struct deal_clause *clause, oft_instant at,
                          struct deal_attestations attested)
{
    return clause->from <= at && at < deal_clause_until(clause, attested);
}

const struct deal_price *deal_price_at(const struct deal *deal, bool is_sale, uint32_t owner,
                                       uint32_t model, oft_instant at,
                                       struct deal_attestations attested)
{
    const struct deal_price *best = NULL;
    for (uint32_t i = 0; i < deal->price_count; i++) {
        const struct deal_price *price = &deal->prices[i];
        if (price->is_sale != is_sale || price->owner != owner ||
            (price->model != model && price->model != DEAL_ALL) || price->from > at ||
            deal_end_instant(&price->until, attested) <= at) {
            continue;
        }
        bool named = price->model != DEAL_ALL;
        bool best_named = best != NULL && best->model != DEAL_ALL;
        if (best == NULL || (named && !best_named) ||
            (named == best_named && price->from > best->from)) {
            best = price;
        }
    }
    return best;
}

/* ---- regimes --------------------------------------------------------------------------------- */

struct instants {
    oft_instant *items;
    size_t count;
};

static void note_instant(struct instants *list, oft_instant instant)
{
    if (instant != OFT_INSTANT_ALWAYS && instant != OFT_INSTANT_NEVER) {
        list->items[list->count++] = instant;
    }
}

static int compare_instants(const void *a, const void *b)
{
    oft_instant x = *(const oft_instant *)a;
    oft_instant y = *(const oft_instant *)b;
    return (x > y) - (x < y);
}

enum oft_err deal_regime_instants(const struct deal *deal, struct deal_attestations attested,
                                  struct oft_arena *arena, oft_instant **ret_instants,
                                  size_t *ret_count)
{
    size_t most = 2 * ((size_t)deal->clause_count * 2 + deal->price_count + deal->pool_count) + 1;
    struct instants list = {oft_arena_alloc_array(arena, most, sizeof(oft_instant)), 0};
    if (list.items == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        const struct deal_clause *clause = &deal->clauses[i];
        note_instant(&list, clause->from);
        note_instant(&list, deal_clause_until(clause, attested));
        if (clause->kind == DEAL_CLAUSE_COMMIT) {
            note_instant(&list, clause->as.commit.period_from);
            note_instant(&list, clause->as.commit.period_until);
        }
    }
    for (uint32_t i = 0; i < deal->price_count; i++) {
        note_instant(&list, deal->prices[i].from);
        note_instant(&list, deal_end_instant(&deal->prices[i].until, attested));
    }
    for (uint32_t i = 0; i < deal->pool_count; i++) {
        note_instant(&list, deal->pools[i].from);
        note_instant(&list, deal_end_instant(&deal->pools[i].until, attested));
    }
    qsort(list.items, list.count, sizeof(oft_instant), compare_instants);
    size_t kept = 0;
    for (size_t i = 0; i < list.count; i++) {
        if (kept == 0 || list.items[kept - 1] != list.items[i]) {
            list.items[kept++] = list.items[i];
        }
    }
    *ret_instants = list.items;
    *ret_count = kept;
    return OFT_OK;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* Rows of every kind begin with their name. */
static uint32_t find(const void *rows, uint32_t count, size_t row_bytes, struct oft_str name)
{
    const char *row = rows;
    for (uint32_t i = 0; i < count; i++, row += row_bytes) {
        const char *text;
        memcpy(&text, row, sizeof(text));
        if (oft_str_is(name, text)) {
            return i;
        }
    }
    return DEAL_NONE;
}

uint32_t deal_find_party(const struct deal *deal, struct oft_str name)
{
    return find(deal->parties, deal->party_count, sizeof(*deal->parties), name);
}

uint32_t deal_find_provider(const struct deal *deal, struct oft_str name)
{
    return find(deal->providers, deal->provider_count, sizeof(*deal->providers), name);
}

uint32_t deal_find_product(const struct deal *deal, struct oft_str name)
{
    return find(deal->products, deal->product_count, sizeof(*deal->products), name);
}

uint32_t deal_find_model(const struct deal *deal, struct oft_str name)
{
    return find(deal->models, deal->model_count, sizeof(*deal->models), name);
}

uint32_t deal_find_account(const struct deal *deal, struct oft_str name)
{
    return find(deal->accounts, deal->account_count, sizeof(*deal->accounts), name);
}

uint32_t deal_find_pool(const struct deal *deal, struct oft_str name)
{
    return find(deal->pools, deal->pool_count, sizeof(*deal->pools), name);
}

uint32_t deal_find_event(const struct deal *deal, struct oft_str name)
{
    return find(deal->events, deal->event_count, sizeof(*deal->events), name);
}

uint32_t deal_find_clause(const struct deal *deal, struct oft_str id)
{
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        if (oft_str_is(id, deal->clauses[i].id)) {
            return i;
        }
    }
    return DEAL_NONE;
}
