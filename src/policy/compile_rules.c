/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile_rules -- for one instant, product and model: which pools may serve, in which order, and
 * why the others may not. docs/semantics.md says the same in words; change both.
 *
 * Deny wins, and what is unknown is denied: a product of another party without a licence, a pool
 * without a price. It weighs, it does not write: compile_layout.c makes the bytes.
 */
#include "policy/compile_internal.h"

/* Counting sort of the serves by model; within a model they keep the deal's order. */
static void index_serves(struct policy_rules *rules)
{
    const struct deal *deal = rules->deal;
    uint32_t i;

    for (i = 0; i < deal->serve_count; i++) {
        rules->first[deal->serves[i].model + 2]++;
    }
    for (i = 2; i < deal->model_count + 2; i++) {
        rules->first[i] += rules->first[i - 1];
    }
    for (i = 0; i < deal->serve_count; i++) {
        rules->serves[rules->first[deal->serves[i].model + 1]++] = i;
    }
}

enum oft_err policy_rules_init(struct policy_rules *rules, const struct policy_compile_input *input,
                               struct oft_arena *arena, struct oft_error *reterr)
{
    const struct deal *deal = input->deal;
    uint32_t model;

    *rules = (struct policy_rules){.input = input, .deal = deal};
    rules->first = oft_arena_alloc_array(arena, (size_t)deal->model_count + 2, sizeof(uint32_t));
    rules->serves = oft_arena_alloc_array(arena, (size_t)deal->serve_count + 1, sizeof(uint32_t));
    rules->pool_open = oft_arena_alloc_array(arena, (size_t)deal->pool_count + 1, sizeof(bool));
    rules->cost_known = oft_arena_alloc_array(arena, (size_t)deal->serve_count + 1, sizeof(bool));
    rules->cost_nanos =
        oft_arena_alloc_array(arena, (size_t)deal->serve_count + 1, sizeof(int64_t));
    rules->exclusives =
        oft_arena_alloc_array(arena, (size_t)deal->clause_count + 1, sizeof(uint32_t));
    rules->behind = oft_arena_alloc_array(arena, (size_t)deal->provider_count + 1, sizeof(bool));
    if (rules->first == NULL || rules->serves == NULL || rules->pool_open == NULL ||
        rules->cost_known == NULL || rules->cost_nanos == NULL || rules->exclusives == NULL ||
        rules->behind == NULL) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "no memory to compile the policy");
    }
    index_serves(rules);
    for (model = 0; model < deal->model_count; model++) {
        uint32_t count = rules->first[model + 1] - rules->first[model];

        if (count > OFT_POOLS_PER_DECISION_MAX) {
            return oft_fail(reterr, OFT_ERR_LIMIT,
                            "model '%s' is served %u times and at most %u are weighed for one "
                            "request; serve it from fewer pools",
                            deal->models[model].name, (unsigned)count, OFT_POOLS_PER_DECISION_MAX);
        }
    }
    return OFT_OK;
}

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

void policy_rules_set_regime(struct policy_rules *rules, oft_instant at)
{
    const struct deal *deal = rules->deal;
    uint32_t i;

    rules->at = at;
    for (i = 0; i < deal->pool_count; i++) {
        const struct deal_pool *pool = &deal->pools[i];

        rules->pool_open[i] =
            pool->from <= at && at < deal_end_instant(&pool->until, rules->input->attested);
    }
    for (i = 0; i < deal->serve_count; i++) {
        const struct deal_serve *serve = &deal->serves[i];
        const struct deal_price *price =
            deal_price_at(deal, false, serve->pool, serve->model, at, rules->input->attested);

        rules->cost_known[i] = price != NULL;
        rules->cost_nanos[i] = price == NULL ? 0 : price_sum(price);
    }
}

static bool commitment_pays(const struct policy_rules *rules, uint32_t index, uint32_t product)
{
    const struct deal_commit *commit = &rules->deal->clauses[index].as.commit;

    return rules->input->commitment_behind != NULL && rules->input->commitment_behind[index] &&
           commit->period_from <= rules->at && rules->at < commit->period_until &&
           deal_list_has(commit->products, product);
}

void policy_rules_set_product(struct policy_rules *rules, uint32_t product)
{
    const struct deal *deal = rules->deal;
    uint32_t i;

    rules->product = product;
    rules->exclusive_count = 0;
    for (i = 0; i < deal->provider_count; i++) {
        rules->behind[i] = false;
    }
    for (i = 0; i < deal->clause_count; i++) {
        const struct deal_clause *clause = &deal->clauses[i];

        if (!deal_clause_in_force(clause, rules->at, rules->input->attested)) {
            continue;
        }
        if (clause->kind == DEAL_CLAUSE_EXCLUSIVE &&
            deal_list_has(clause->as.exclusive.products, product)) {
            rules->exclusives[rules->exclusive_count++] = i;
        } else if (clause->kind == DEAL_CLAUSE_COMMIT && commitment_pays(rules, i, product)) {
            rules->behind[clause->as.commit.provider] = true;
        }
    }
}

/* The licence that covers MODEL for the product at this instant, the first of the deal's order. When
 * there is none, *ret_latest is the licence to that party that began last, for the refusal to name. */
static uint32_t find_license(const struct policy_rules *rules, uint32_t model, uint32_t *ret_latest)
{
    const struct deal *deal = rules->deal;
    uint32_t owner = deal->products[rules->product].owner_party;
    uint32_t latest = DEAL_NONE;
    uint32_t i;

    for (i = 0; i < deal->clause_count; i++) {
        const struct deal_clause *clause = &deal->clauses[i];
        const struct deal_license *license = &clause->as.license;

        if (clause->kind != DEAL_CLAUSE_LICENSE || license->licensee_party != owner) {
            continue;
        }
        if (latest == DEAL_NONE || clause->from >= deal->clauses[latest].from) {
            latest = i;
        }
        if (deal_list_has(license->models, model) &&
            deal_list_has(license->products, rules->product) &&
            deal_clause_in_force(clause, rules->at, rules->input->attested)) {
            return i;
        }
    }
    *ret_latest = latest;
    return DEAL_NONE;
}

/* What holds for all pools of one (product, model). */
struct common_ground {
    bool foreign; /* the product is another party's */
    uint32_t license;
    uint32_t latest_license;
    bool sale_missing;
};

static struct common_ground weigh_model(const struct policy_rules *rules, uint32_t model)
{
    const struct deal_product *product = &rules->deal->products[rules->product];
    struct common_ground common = {.license = DEAL_NONE, .latest_license = DEAL_NONE};

    common.foreign = product->owner_party != rules->deal->customer_party;
    if (common.foreign) {
        common.license = find_license(rules, model, &common.latest_license);
    }
    common.sale_missing = product->product_class == DEAL_CLASS_INFERENCE &&
                          deal_price_at(rules->deal, true, rules->product, model, rules->at,
                                        rules->input->attested) == NULL;
    return common;
}

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

/* The exclusive clause that bars PROVIDER, or DEAL_NONE. */
static uint32_t find_bar(const struct policy_rules *rules, uint32_t provider)
{
    uint32_t i;

    for (i = 0; i < rules->exclusive_count; i++) {
        if (rules->deal->clauses[rules->exclusives[i]].as.exclusive.provider != provider) {
            return rules->exclusives[i];
        }
    }
    return DEAL_NONE;
}

/* The priority of the reasons is their order here. */
static void weigh_serve(const struct policy_rules *rules, uint32_t serve_index,
                        const struct common_ground *common, struct policy_verdict *verdict)
{
    const struct deal_serve *serve = &rules->deal->serves[serve_index];
    const struct deal_pool *pool = &rules->deal->pools[serve->pool];
    uint32_t barred_by = find_bar(rules, pool->provider);

    *verdict = (struct policy_verdict){
        .serve = serve_index, .pool = serve->pool, .reserved = pool->reserved};
    if (!pool->reserved) {
        verdict->nominal_nanos = rules->cost_nanos[serve_index];
        verdict->effective_nanos = rules->behind[pool->provider] ? 0 : verdict->nominal_nanos;
    }
    if (barred_by != DEAL_NONE) {
        bar(verdict, POLICY_BARRED_BY_EXCLUSIVE, POLICY_GROUND_CLAUSE, barred_by, 0);
    } else if (common->foreign && common->license == DEAL_NONE) {
        if (common->latest_license != DEAL_NONE) {
            bar(verdict, POLICY_BARRED_NO_LICENSE, POLICY_GROUND_CLAUSE, common->latest_license, 0);
        } else {
            bar(verdict, POLICY_BARRED_NO_LICENSE, POLICY_GROUND_LICENSE,
                rules->deal->products[rules->product].owner_party, 0);
        }
    } else if (!rules->pool_open[serve->pool]) {
        bar(verdict, POLICY_BARRED_POOL_WINDOW, POLICY_GROUND_WINDOW, serve->pool, 0);
    } else if (!pool->reserved && !rules->cost_known[serve_index]) {
        bar(verdict, POLICY_BARRED_NO_PRICE, POLICY_GROUND_COST, serve_index, 0);
    } else if (common->sale_missing) {
        bar(verdict, POLICY_BARRED_NO_PRICE, POLICY_GROUND_SALE, rules->product, serve->model);
    } else if (rules->exclusive_count > 0) {
        allow(verdict, POLICY_ALLOWED_BY_EXCLUSIVE, POLICY_GROUND_CLAUSE, rules->exclusives[0]);
    } else if (common->foreign) {
        allow(verdict, POLICY_ALLOWED_BY_LICENSE, POLICY_GROUND_CLAUSE, common->license);
    } else {
        allow(verdict, POLICY_ALLOWED_BY_POOL, POLICY_GROUND_SERVES, serve_index);
    }
}

/* True when A stands strictly before B. Equal ones keep the order of the deal. */
static bool stands_before(const struct policy_verdict *a, const struct policy_verdict *b)
{
    if (a->eligible != b->eligible) {
        return a->eligible;
    }
    if (!a->eligible) {
        return a->reason < b->reason;
    }
    if (a->reserved != b->reserved) {
        return a->reserved;
    }
    if (a->effective_nanos != b->effective_nanos) {
        return a->effective_nanos < b->effective_nanos;
    }
    return a->nominal_nanos < b->nominal_nanos;
}

void policy_rules_decide(const struct policy_rules *rules, uint32_t model,
                         struct policy_verdict verdicts[OFT_POOLS_PER_DECISION_MAX],
                         uint32_t *ret_count, uint32_t *ret_eligible_count)
{
    struct common_ground common = {0};
    uint32_t count = 0;
    uint32_t eligible = 0;
    uint32_t i;

    if (rules->first[model] != rules->first[model + 1]) {
        common = weigh_model(rules, model);
    }
    for (i = rules->first[model]; i < rules->first[model + 1]; i++) {
        struct policy_verdict verdict;
        uint32_t place = count++;

        weigh_serve(rules, rules->serves[i], &common, &verdict);
        eligible += verdict.eligible ? 1 : 0;
        while (place > 0 && stands_before(&verdict, &verdicts[place - 1])) {
            verdicts[place] = verdicts[place - 1];
            place--;
        }
        verdicts[place] = verdict;
    }
    *ret_count = count;
    *ret_eligible_count = eligible;
}
