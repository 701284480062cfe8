/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile_rules -- for one instant, product, kind of account and model: which pools may serve, in
 * which order, and why the others may not. docs/semantics.md says the same in words; change both.
 *
 * Deny wins, and what is unknown is denied: a product of another party without a licence, a pool
 * without a price. It weighs, it does not write: compile_decisions.c makes the bytes. What clauses
 * say is in a scope (compile_scope.c); what pools cost and whether they are open is in the rules.
 */
#include "policy/compile_internal.h"

#include <stdlib.h>
#include <string.h>

/* Counting sorts of the serves by model and by pool; within one they keep the deal's order. Returns
 * how many the model has that has most. */
static uint32_t index_serves(struct policy_rules *rules)
{
    const struct deal *deal = rules->deal;
    uint32_t most = 0;
    uint32_t i;

    for (i = 0; i < deal->serve_count; i++) {
        rules->first[deal->serves[i].model + 2]++;
    }
    for (i = 2; i < deal->model_count + 2; i++) {
        most = rules->first[i] > most ? rules->first[i] : most;
        rules->first[i] += rules->first[i - 1];
    }
    for (i = 0; i < deal->serve_count; i++) {
        rules->pool_first[deal->serves[i].pool + 2]++;
    }
    for (i = 2; i < deal->pool_count + 2; i++) {
        rules->pool_first[i] += rules->pool_first[i - 1];
    }
    for (i = 0; i < deal->serve_count; i++) {
        rules->pool_serves[rules->pool_first[deal->serves[i].pool + 1]++] = i;
    }
    for (i = 0; i < deal->serve_count; i++) {
        const struct deal_serve *serve = &deal->serves[i];
        uint32_t at = rules->first[serve->model + 1]++;

        rules->slot_of[i] = at;
        rules->slots[at] = (struct policy_slot){.serve = i,
                                                .pool = serve->pool,
                                                .provider = deal->pools[serve->pool].provider,
                                                .region = rules->region_of[serve->pool],
                                                .reserved = deal->pools[serve->pool].reserved};
    }
    return most;
}

static void index_regions(struct policy_rules *rules)
{
    const struct deal *deal = rules->deal;
    uint32_t i, k;

    for (i = 0; i < deal->pool_count; i++) {
        for (k = 0; k < rules->region_count; k++) {
            if (strcmp(rules->regions[k], deal->pools[i].region) == 0) {
                break;
            }
        }
        if (k == rules->region_count) {
            rules->regions[rules->region_count++] = deal->pools[i].region;
        }
        rules->region_of[i] = k;
    }
}

/* Counting sort of the prices by owner: products first, then pools. */
static void index_prices(struct policy_rules *rules)
{
    const struct deal *deal = rules->deal;
    struct policy_price_range *range;
    uint32_t next = 0;
    uint32_t i;

    for (i = 0; i < deal->price_count; i++) {
        range = deal->prices[i].is_sale ? rules->sale_prices : rules->cost_prices;
        range[deal->prices[i].owner].count++;
    }
    for (i = 0; i < deal->product_count; i++) {
        rules->sale_prices[i].first = next;
        next += rules->sale_prices[i].count;
        rules->sale_prices[i].count = 0;
    }
    for (i = 0; i < deal->pool_count; i++) {
        rules->cost_prices[i].first = next;
        next += rules->cost_prices[i].count;
        rules->cost_prices[i].count = 0;
    }
    for (i = 0; i < deal->price_count; i++) {
        range = deal->prices[i].is_sale ? rules->sale_prices : rules->cost_prices;
        range += deal->prices[i].owner;
        rules->priced[range->first + range->count++] = i;
    }
}

static bool allocate(struct policy_rules *rules, struct oft_arena *arena)
{
    const struct deal *deal = rules->deal;
    size_t serves = (size_t)deal->serve_count + 1;
    size_t pools = (size_t)deal->pool_count + 1;

    rules->first = oft_arena_alloc_array(arena, (size_t)deal->model_count + 2, sizeof(uint32_t));
    rules->slots = oft_arena_alloc_array(arena, serves, sizeof(*rules->slots));
    rules->slot_of = oft_arena_alloc_array(arena, serves, sizeof(uint32_t));
    rules->by_price = oft_arena_alloc_array(arena, serves, sizeof(uint32_t));
    rules->region_of = oft_arena_alloc_array(arena, pools, sizeof(uint32_t));
    rules->pool_first = oft_arena_alloc_array(arena, pools + 1, sizeof(uint32_t));
    rules->pool_serves = oft_arena_alloc_array(arena, serves, sizeof(uint32_t));
    rules->regions = oft_arena_alloc_array(arena, pools, sizeof(*rules->regions));
    rules->clause_until =
        oft_arena_alloc_array(arena, (size_t)deal->clause_count + 1, sizeof(oft_instant));
    rules->priced = oft_arena_alloc_array(arena, (size_t)deal->price_count + 1, sizeof(uint32_t));
    rules->sale_prices =
        oft_arena_alloc_array(arena, (size_t)deal->product_count + 1, sizeof(*rules->sale_prices));
    rules->cost_prices = oft_arena_alloc_array(arena, pools, sizeof(*rules->cost_prices));
    rules->pool_open = oft_arena_alloc_array(arena, pools, sizeof(bool));
    return rules->first != NULL && rules->slots != NULL && rules->slot_of != NULL &&
           rules->by_price != NULL && rules->region_of != NULL && rules->pool_first != NULL &&
           rules->pool_serves != NULL && rules->regions != NULL && rules->clause_until != NULL &&
           rules->priced != NULL && rules->sale_prices != NULL && rules->cost_prices != NULL &&
           rules->pool_open != NULL;
}

enum oft_err policy_rules_init(struct policy_rules *rules, const struct policy_compile_input *input,
                               struct oft_arena *arena, struct oft_error *reterr)
{
    const struct deal *deal = input->deal;
    enum oft_err err;
    uint32_t most, i;

    *rules = (struct policy_rules){.input = input, .deal = deal, .at = OFT_INSTANT_ALWAYS};
    if (!allocate(rules, arena)) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "no memory to compile the policy");
    }
    err = policy_kinds_find(deal, arena, &rules->kinds, reterr);
    if (err != OFT_OK) {
        return err;
    }
    index_regions(rules);
    most = index_serves(rules);
    rules->scratch = oft_arena_alloc_array(arena, (size_t)most + 1, sizeof(*rules->scratch));
    if (rules->scratch == NULL) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "no memory to compile the policy");
    }
    index_prices(rules);
    for (i = 0; i < deal->clause_count; i++) {
        rules->clause_until[i] = deal_clause_until(&deal->clauses[i], input->attested);
        rules->primary_count += deal->clauses[i].kind == DEAL_CLAUSE_PRIMARY ? 1 : 0;
    }
    for (i = 0; i < deal->model_count; i++) {
        uint32_t count = rules->first[i + 1] - rules->first[i];

        if (count > OFT_POOLS_PER_DECISION_MAX) {
            return oft_fail(reterr, OFT_ERR_LIMIT,
                            "model '%s' is served %u times and at most %u are weighed for one "
                            "request; serve it from fewer pools",
                            deal->models[i].name, (unsigned)count, OFT_POOLS_PER_DECISION_MAX);
        }
    }
    return OFT_OK;
}

/* ---- pools and what they cost ----------------------------------------------------------------- */

/* Input plus output of a price, cut at 63 bits: it sorts, it bills nothing. */
static int64_t price_sum(const struct deal_price *price)
{
    oft_nanos sum;

    if (oft_nanos_add(price->per_million_nanos[DEAL_UNIT_INPUT],
                      price->per_million_nanos[DEAL_UNIT_OUTPUT], &sum) != OFT_OK ||
        sum > INT64_MAX) {
        return INT64_MAX;
    }
    return sum < 0 ? 0 : (int64_t)sum;
}

const struct deal_price *policy_rules_price(const struct policy_rules *rules,
                                            struct policy_price_range range, uint32_t model)
{
    const struct deal_price *best = NULL;
    uint32_t i;

    for (i = 0; i < range.count; i++) {
        const struct deal_price *price = &rules->deal->prices[rules->priced[range.first + i]];
        bool named = price->model != DEAL_ALL;
        bool best_named = best != NULL && best->model != DEAL_ALL;

        if (!deal_price_is_nominal(price) || (named && price->model != model) ||
            price->from > rules->at ||
            deal_end_instant(&price->until, rules->input->attested) <= rules->at) {
            continue;
        }
        if (best == NULL || (named && !best_named) ||
            (named == best_named && price->from > best->from)) {
            best = price;
        }
    }
    return best;
}

bool policy_rules_open_pool(struct policy_rules *rules, uint32_t index)
{
    const struct deal_pool *pool = &rules->deal->pools[index];
    bool open = pool->from <= rules->at &&
                rules->at < deal_end_instant(&pool->until, rules->input->attested);
    bool changed = open != rules->pool_open[index];

    rules->pool_open[index] = open;
    return changed;
}

bool policy_rules_price_pool(struct policy_rules *rules, uint32_t pool)
{
    const struct deal *deal = rules->deal;
    bool changed = false;
    uint32_t k;

    for (k = rules->pool_first[pool]; k < rules->pool_first[pool + 1]; k++) {
        uint32_t i = rules->pool_serves[k];
        struct policy_slot *slot = &rules->slots[rules->slot_of[i]];
        const struct deal_price *price =
            policy_rules_price(rules, rules->cost_prices[pool], deal->serves[i].model);
        int64_t nanos = price == NULL || slot->reserved ? 0 : price_sum(price);

        changed = changed || slot->cost_known != (price != NULL) || slot->cost_nanos != nanos;
        slot->cost_known = price != NULL;
        slot->cost_nanos = nanos;
    }
    return changed;
}

void policy_rules_sort_model(struct policy_rules *rules, uint32_t model)
{
    uint32_t first = rules->first[model];
    uint32_t count = rules->first[model + 1] - first;
    uint32_t *order = rules->by_price + first;
    uint32_t i, gap, place;

    /* Shell's sort by (price, place): no memory, and at most a thousand items. */
    for (i = 0; i < count; i++) {
        order[i] = i;
    }
    for (gap = count / 2; gap > 0; gap = gap == 2 ? 1 : gap * 5 / 11) {
        for (i = gap; i < count; i++) {
            uint32_t item = order[i];
            int64_t nanos = rules->slots[first + item].cost_nanos;

            for (place = i; place >= gap; place -= gap) {
                uint32_t before = order[place - gap];
                int64_t other = rules->slots[first + before].cost_nanos;

                if (other < nanos || (other == nanos && before < item)) {
                    break;
                }
                order[place] = before;
            }
            order[place] = item;
        }
    }
}

/* ---- one candidate ---------------------------------------------------------------------------- */

static void bar(struct policy_verdict *verdict, enum policy_reason reason,
                enum policy_ground_kind kind, uint32_t a, uint32_t b)
{
    verdict->eligible = false;
    verdict->reason = reason;
    verdict->ground = (struct policy_ground){.kind = kind, .a = a, .b = b};
}

static void allow(struct policy_verdict *verdict, enum policy_reason reason,
                  enum policy_ground_kind kind, uint32_t a)
{
    verdict->eligible = true;
    verdict->reason = reason;
    verdict->ground = (struct policy_ground){.kind = kind, .a = a};
}

/* The first clause by which MODEL must ship elsewhere before PROVIDER may run it. */
static uint32_t not_shipped(const struct policy_rules *rules, const struct policy_scope *scope,
                            uint32_t provider, uint32_t model)
{
    uint32_t i;

    for (i = 0; i < scope->ships_first_count; i++) {
        const struct deal_primary *primary =
            &rules->deal->clauses[scope->ships_first[i]].as.primary;

        if (primary->provider != provider &&
            rules->at < deal_shipped_from(rules->deal, primary, model, rules->input->attested)) {
            return scope->ships_first[i];
        }
    }
    return DEAL_NONE;
}

static void bar_license(const struct policy_rules *rules, const struct policy_scope *scope,
                        uint32_t product, struct policy_verdict *verdict)
{
    if (scope->last_license != DEAL_NONE) {
        bar(verdict, POLICY_BARRED_NO_LICENSE, POLICY_GROUND_CLAUSE, scope->last_license, 0);
    } else {
        bar(verdict, POLICY_BARRED_NO_LICENSE, POLICY_GROUND_LICENSE,
            rules->deal->products[product].owner_party, 0);
    }
}

static void allow_slot(const struct policy_scope *scope, const struct policy_slot *slot,
                       uint32_t model, struct policy_verdict *verdict)
{
    if (scope->exclusive != DEAL_NONE) {
        allow(verdict, POLICY_ALLOWED_BY_EXCLUSIVE, POLICY_GROUND_CLAUSE, scope->exclusive);
    } else if (scope->foreign) {
        allow(verdict, POLICY_ALLOWED_BY_LICENSE, POLICY_GROUND_CLAUSE, scope->license[model]);
    } else {
        allow(verdict, POLICY_ALLOWED_BY_POOL, POLICY_GROUND_SERVES, slot->serve);
    }
}

/* The nominal price less what spending it saves; nothing is worth more than it costs. */
static int64_t effective(int64_t nominal, oft_nanos value)
{
    oft_nanos left = value > POLICY_VALUE_ONE ? 0 : POLICY_VALUE_ONE - value;
    oft_nanos price;
    if (value == 0 ||
        oft_nanos_mul_div_half_even(nominal, left, POLICY_VALUE_ONE, &price) != OFT_OK) {
        return nominal;
    }
    return price > INT64_MAX ? INT64_MAX : (int64_t)price;
}

/* The priority of the reasons is their order here. */
static void weigh_slot(const struct policy_rules *rules, const struct policy_scope *scope,
                       uint32_t product, uint32_t model, const struct policy_slot *slot,
                       struct policy_verdict *verdict)
{
    uint32_t exclusive_bar = scope->exclusive_bar[slot->provider];
    uint32_t residency_bar = scope->residency_bar[slot->region];
    uint32_t ships = scope->ships_first_count == 0
                         ? DEAL_NONE
                         : not_shipped(rules, scope, slot->provider, model);

    verdict->serve = slot->serve;
    verdict->pool = slot->pool;
    verdict->reserved = slot->reserved;
    verdict->preferred = scope->preferred[slot->provider];
    verdict->nominal_nanos = slot->cost_nanos;
    verdict->effective_nanos = effective(slot->cost_nanos, scope->value[slot->provider]);
    if (exclusive_bar != DEAL_NONE) {
        bar(verdict, POLICY_BARRED_BY_EXCLUSIVE, POLICY_GROUND_CLAUSE, exclusive_bar, 0);
    } else if (residency_bar != DEAL_NONE) {
        bar(verdict, POLICY_BARRED_BY_RESIDENCY, POLICY_GROUND_CLAUSE, residency_bar, 0);
    } else if (scope->foreign && scope->license[model] == DEAL_NONE) {
        bar_license(rules, scope, product, verdict);
    } else if (ships != DEAL_NONE) {
        bar(verdict, POLICY_BARRED_NOT_SHIPPED, POLICY_GROUND_CLAUSE, ships, 0);
    } else if (!rules->pool_open[slot->pool]) {
        bar(verdict, POLICY_BARRED_POOL_WINDOW, POLICY_GROUND_WINDOW, slot->pool, 0);
    } else if (!slot->reserved && !slot->cost_known) {
        bar(verdict, POLICY_BARRED_NO_PRICE, POLICY_GROUND_COST, slot->serve, 0);
    } else if (scope->sale_missing[model]) {
        bar(verdict, POLICY_BARRED_NO_PRICE, POLICY_GROUND_SALE, product, model);
    } else {
        allow_slot(scope, slot, model, verdict);
    }
}

/* ---- all candidates of a model ---------------------------------------------------------------- */

/* Eligible ones fall into four bands: reserved, preferred. Within a band they come in the order of
 * by_price, and are then put in that of the effective price. */
enum { ELIGIBLE_BANDS = 4, BANDS = ELIGIBLE_BANDS + POLICY_BARRED_BY_REGION + 1 };

static unsigned band_of(const struct policy_verdict *verdict)
{
    if (!verdict->eligible) {
        return ELIGIBLE_BANDS + (unsigned)verdict->reason;
    }
    return (verdict->reserved ? 0u : 2u) + (verdict->preferred ? 0u : 1u);
}

static bool comes_after(const struct policy_verdict *a, const struct policy_verdict *b)
{
    unsigned band_a = band_of(a);
    unsigned band_b = band_of(b);

    return band_a != band_b ? band_a > band_b : a->effective_nanos > b->effective_nanos;
}

static void merge(const struct policy_verdict *from, uint32_t begin, uint32_t middle, uint32_t end,
                  struct policy_verdict *to)
{
    uint32_t left = begin;
    uint32_t right = middle;

    for (uint32_t i = begin; i < end; i++) {
        bool take_right = left == middle || (right < end && comes_after(&from[left], &from[right]));
        to[i] = from[take_right ? right++ : left++];
    }
}

/* Merges runs, so that equal ones keep their order. Mostly nothing is to be done: where no commitment has
 * a value, effective prices are nominal ones. */
static void sort_eligible(struct policy_verdict *verdicts, uint32_t count,
                          struct policy_verdict *scratch)
{
    uint32_t sorted = 1;

    while (sorted < count && !comes_after(&verdicts[sorted - 1], &verdicts[sorted])) {
        sorted++;
    }
    for (uint32_t width = 1; sorted < count && width < count; width *= 2) {
        for (uint32_t begin = 0; begin < count; begin += 2 * width) {
            uint32_t middle = begin + width < count ? begin + width : count;
            uint32_t end = begin + 2 * width < count ? begin + 2 * width : count;
            merge(verdicts, begin, middle, end, scratch);
        }
        memcpy(verdicts, scratch, count * sizeof(*verdicts));
    }
}

void policy_rules_decide(struct policy_rules *rules, const struct policy_scope *scope,
                         uint32_t product, uint32_t model, struct policy_verdict *verdicts,
                         uint32_t *ret_count, uint32_t *ret_eligible_count)
{
    uint32_t first = rules->first[model];
    uint32_t count = rules->first[model + 1] - first;
    uint32_t starts[BANDS + 1] = {0};
    uint32_t eligible = 0;
    uint32_t i;

    for (i = 0; i < count; i++) {
        weigh_slot(rules, scope, product, model, &rules->slots[first + i], &rules->scratch[i]);
        starts[band_of(&rules->scratch[i]) + 1]++;
        eligible += rules->scratch[i].eligible ? 1 : 0;
    }
    for (i = 1; i <= BANDS; i++) {
        starts[i] += starts[i - 1];
    }
    for (i = 0; i < count; i++) { /* the eligible, cheapest first */
        const struct policy_verdict *verdict = &rules->scratch[rules->by_price[first + i]];

        if (verdict->eligible) {
            verdicts[starts[band_of(verdict)]++] = *verdict;
        }
    }
    for (i = 0; i < count && eligible < count; i++) { /* the barred, in the deal's order */
        if (!rules->scratch[i].eligible) {
            verdicts[starts[band_of(&rules->scratch[i])]++] = rules->scratch[i];
        }
    }
    sort_eligible(verdicts, eligible, rules->scratch);
    *ret_count = count;
    *ret_eligible_count = eligible;
}
