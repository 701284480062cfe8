/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A deal made ready for rating: the 64-bit ids of records mapped to indices, the instants at which
 * anything changes, and the shares and commitments with their intervals resolved against what is
 * attested. Prices are asked of the deal once per cell of a batch, not per record, so no table of
 * prices by regime is kept: its size would be the product of three counts that a deal may make large.
 */
#include <stdlib.h>
#include <string.h>

#include "ledger/internal.h"

#define CONTEXT_BYTES_MAX ((size_t)1 << 30)

static enum oft_err map_init(struct ledger_id_map *map, struct oft_arena *arena, size_t count)
{
    uint64_t slots = 8;
    while (slots < 2 * (uint64_t)count) {
        slots *= 2;
    }
    map->ids = oft_arena_alloc_array(arena, slots, sizeof(*map->ids));
    map->values = oft_arena_alloc_array(arena, slots, sizeof(*map->values));
    map->mask = slots - 1;
    return map->ids == NULL || map->values == NULL ? OFT_ERR_MEMORY : OFT_OK;
}

/* The first of two equal names stays: the checker refuses two of one kind anyway. */
static void map_put(struct ledger_id_map *map, enum oft_id_kind kind, const char *name,
                    uint32_t value)
{
    uint64_t id = oft_id_of(kind, oft_str_from(name));
    uint64_t slot = id & map->mask;
    while (map->ids[slot] != 0) {
        if (map->ids[slot] == id) {
            return;
        }
        slot = (slot + 1) & map->mask;
    }
    map->ids[slot] = id;
    map->values[slot] = value;
}

uint32_t ledger_id_find(const struct ledger_id_map *map, uint64_t id)
{
    if (id == 0) {
        return DEAL_NONE;
    }
    for (uint64_t slot = id & map->mask; map->ids[slot] != 0; slot = (slot + 1) & map->mask) {
        if (map->ids[slot] == id) {
            return map->values[slot];
        }
    }
    return DEAL_NONE;
}

static enum oft_err map_names(struct ledger_context *context)
{
    const struct deal *deal = context->deal;
    struct oft_arena *arena = &context->arena;
    if (map_init(&context->accounts, arena, deal->account_count) != OFT_OK ||
        map_init(&context->products, arena, deal->product_count) != OFT_OK ||
        map_init(&context->models, arena, deal->model_count) != OFT_OK ||
        map_init(&context->pools, arena, deal->pool_count) != OFT_OK) {
        return OFT_ERR_MEMORY;
    }
    for (uint32_t i = 0; i < deal->account_count; i++) {
        map_put(&context->accounts, OFT_ID_ACCOUNT, deal->accounts[i].name, i);
    }
    for (uint32_t i = 0; i < deal->product_count; i++) {
        map_put(&context->products, OFT_ID_PRODUCT, deal->products[i].name, i);
    }
    for (uint32_t i = 0; i < deal->model_count; i++) {
        map_put(&context->models, OFT_ID_MODEL, deal->models[i].name, i);
    }
    for (uint32_t i = 0; i < deal->pool_count; i++) {
        map_put(&context->pools, OFT_ID_POOL, deal->pools[i].name, i);
    }
    return OFT_OK;
}

/* A record's clause is a clause, a price, a pool, or the line of a pool that serves the model, where
 * nothing else had a say: "pool.serves.model". */
static enum oft_err map_clauses(struct ledger_context *context)
{
    const struct deal *deal = context->deal;
    size_t count =
        (size_t)deal->clause_count + deal->price_count + deal->pool_count + deal->serve_count;
    uint32_t next = 0;
    context->clause_names =
        oft_arena_alloc_array(&context->arena, count + 1, sizeof(*context->clause_names));
    if (context->clause_names == NULL ||
        map_init(&context->clauses, &context->arena, count) != OFT_OK) {
        return OFT_ERR_MEMORY;
    }
    for (uint32_t i = 0; i < deal->clause_count; i++, next++) {
        context->clause_names[next] = deal->clauses[i].id;
        map_put(&context->clauses, OFT_ID_CLAUSE, deal->clauses[i].id, next);
    }
    for (uint32_t i = 0; i < deal->price_count; i++, next++) {
        context->clause_names[next] = deal->prices[i].id;
        map_put(&context->clauses, OFT_ID_CLAUSE, deal->prices[i].id, next);
    }
    for (uint32_t i = 0; i < deal->pool_count; i++, next++) {
        context->clause_names[next] = deal->pools[i].name;
        map_put(&context->clauses, OFT_ID_CLAUSE, deal->pools[i].name, next);
    }
    for (uint32_t i = 0; i < deal->serve_count; i++, next++) {
        const char *name = oft_arena_printf(&context->arena, "%s.serves.%s",
                                            deal->pools[deal->serves[i].pool].name,
                                            deal->models[deal->serves[i].model].name);
        if (name == NULL) {
            return OFT_ERR_MEMORY;
        }
        context->clause_names[next] = name;
        map_put(&context->clauses, OFT_ID_CLAUSE, name, next);
    }
    return OFT_OK;
}

static oft_instant later(oft_instant a, oft_instant b)
{
    return a > b ? a : b;
}

static oft_instant earlier(oft_instant a, oft_instant b)
{
    return a < b ? a : b;
}

static enum oft_err collect_terms(struct ledger_context *context)
{
    const struct deal *deal = context->deal;
    size_t count = (size_t)deal->clause_count + 1;
    context->shares = oft_arena_alloc_array(&context->arena, count, sizeof(*context->shares));
    context->commits = oft_arena_alloc_array(&context->arena, count, sizeof(*context->commits));
    if (context->shares == NULL || context->commits == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        const struct deal_clause *clause = &deal->clauses[i];
        struct ledger_term term = {.clause = i,
                                   .from = clause->from,
                                   .until = deal_clause_until(clause, context->attested)};
        if (clause->kind == DEAL_CLAUSE_SHARE && clause->as.share.base == DEAL_BASE_REVENUE &&
            term.from < term.until) {
            context->shares[context->share_count++] = term;
        } else if (clause->kind == DEAL_CLAUSE_COMMIT) {
            term.from = later(term.from, clause->as.commit.period_from);
            term.until = earlier(term.until, clause->as.commit.period_until);
            if (ledger_commit_parts(deal, context->attested, i, &context->arena, &term) != OFT_OK) {
                return OFT_ERR_MEMORY;
            }
            if (term.from < term.until) {
                context->commits[context->commit_count++] = term;
            }
        }
    }
    return OFT_OK;
}

static int compare_instants(const void *a, const void *b)
{
    oft_instant x = *(const oft_instant *)a;
    oft_instant y = *(const oft_instant *)b;
    return (x > y) - (x < y);
}

/* The deal's own instants and the ends of our terms, so that nothing changes within a regime. */
static enum oft_err collect_instants(struct ledger_context *context)
{
    oft_instant *instants;
    size_t count;
    enum oft_err err =
        deal_regime_instants(context->deal, context->attested, &context->arena, &instants, &count);
    if (err != OFT_OK) {
        return err;
    }
    size_t terms = context->share_count + context->commit_count;
    size_t parts = 0;
    for (size_t i = 0; i < context->commit_count; i++) {
        parts += context->commits[i].part_count;
    }
    context->instants = oft_arena_alloc_array(&context->arena, count + 2 * terms + parts + 1,
                                              sizeof(*context->instants));
    if (context->instants == NULL) {
        return OFT_ERR_MEMORY;
    }
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        context->instants[total++] = instants[i];
    }
    for (size_t i = 0; i < terms; i++) {
        const struct ledger_term *term = i < context->share_count
                                             ? &context->shares[i]
                                             : &context->commits[i - context->share_count];
        context->instants[total++] = term->from;
        context->instants[total++] = term->until;
        for (size_t part = 0; part < term->part_count; part++) {
            context->instants[total++] = term->parts[part];
        }
    }
    qsort(context->instants, total, sizeof(*context->instants), compare_instants);
    for (size_t i = 0; i < total; i++) {
        size_t kept = context->instant_count;
        if (kept == 0 || context->instants[kept - 1] != context->instants[i]) {
            context->instants[context->instant_count++] = context->instants[i];
        }
    }
    return OFT_OK;
}

static int compare_limits(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static enum oft_err collect_input_limits(struct ledger_context *context)
{
    const struct deal *deal = context->deal;
    size_t count = 0;
    uint64_t *limits =
        oft_arena_alloc_array(&context->arena, (size_t)deal->price_count + 1, sizeof(*limits));
    if (limits == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (uint32_t i = 0; i < deal->price_count; i++) {
        if (deal->prices[i].above_tokens > 0) {
            limits[count++] = deal->prices[i].above_tokens;
        }
    }
    qsort(limits, count, sizeof(*limits), compare_limits);
    for (size_t i = 0; i < count; i++) {
        size_t kept = context->input_limit_count;
        if (kept == 0 || limits[kept - 1] != limits[i]) {
            limits[context->input_limit_count++] = limits[i];
        }
    }
    context->input_limits = limits;
    return OFT_OK;
}

uint64_t ledger_context_input_floor(const struct ledger_context *context, uint64_t input)
{
    uint64_t floor = 0;
    for (size_t i = 0; i < context->input_limit_count && context->input_limits[i] < input; i++) {
        floor = context->input_limits[i] + 1;
    }
    return floor;
}

enum oft_err ledger_context_new(const struct deal *deal, uint64_t generation,
                                struct deal_attestations attested,
                                struct ledger_context **ret_context, struct oft_error *reterr)
{
    struct ledger_context *context = calloc(1, sizeof(*context));
    if (context == NULL) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "out of memory for the ledger's view of a deal");
    }
    context->deal = deal;
    context->generation = generation;
    context->attested = attested;
    oft_arena_init(&context->arena, CONTEXT_BYTES_MAX);
    enum oft_err err = map_names(context);
    if (err == OFT_OK) {
        err = map_clauses(context);
    }
    if (err == OFT_OK) {
        err = collect_terms(context);
    }
    if (err == OFT_OK) {
        err = collect_instants(context);
    }
    if (err == OFT_OK) {
        err = collect_input_limits(context);
    }
    if (err != OFT_OK) {
        ledger_context_free(context);
        return oft_fail(reterr, err, "cannot make deal generation %llu ready for rating: %s",
                        (unsigned long long)generation, oft_err_text(err));
    }
    *ret_context = context;
    return OFT_OK;
}

void ledger_context_free(struct ledger_context *context)
{
    if (context != NULL) {
        oft_arena_release(&context->arena);
        free(context);
    }
}

const struct deal *ledger_context_deal(const struct ledger_context *context)
{
    return context->deal;
}

size_t ledger_context_regime(const struct ledger_context *context, oft_instant at,
                             oft_instant *ret_from, oft_instant *ret_until)
{
    size_t low = 0;
    size_t high = context->instant_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (context->instants[middle] <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret_from = low == 0 ? OFT_INSTANT_ALWAYS : context->instants[low - 1];
    *ret_until = low == context->instant_count ? OFT_INSTANT_NEVER : context->instants[low];
    return low;
}
