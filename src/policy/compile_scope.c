/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile_scope -- what the clauses in force at one instant say of one product, for one kind of
 * account: whom they bar, whom they prefer, which licence covers which model.
 */
#include "policy/compile_internal.h"

static bool in_force(const struct policy_rules *rules, uint32_t clause)
{
    return rules->deal->clauses[clause].from <= rules->at &&
           rules->at < rules->clause_until[clause];
}

bool policy_scope_init(const struct policy_rules *rules, struct oft_arena *arena,
                       struct policy_scope *scope)
{
    const struct deal *deal = rules->deal;
    size_t providers = (size_t)deal->provider_count + 1;
    size_t models = (size_t)deal->model_count + 1;

    *scope = (struct policy_scope){0};
    scope->exclusive_bar = oft_arena_alloc_array(arena, providers, sizeof(uint32_t));
    scope->residency_bar =
        oft_arena_alloc_array(arena, (size_t)rules->region_count + 1, sizeof(uint32_t));
    scope->preferred = oft_arena_alloc_array(arena, providers, sizeof(bool));
    scope->value = oft_arena_alloc_array(arena, providers, sizeof(*scope->value));
    scope->ships_first =
        oft_arena_alloc_array(arena, (size_t)rules->primary_count + 1, sizeof(uint32_t));
    scope->license = oft_arena_alloc_array(arena, models, sizeof(uint32_t));
    scope->sale_missing = oft_arena_alloc_array(arena, models, sizeof(bool));
    return scope->exclusive_bar != NULL && scope->residency_bar != NULL &&
           scope->preferred != NULL && scope->value != NULL && scope->ships_first != NULL &&
           scope->license != NULL && scope->sale_missing != NULL;
}

static void clear(const struct policy_rules *rules, uint32_t product, struct policy_scope *scope)
{
    const struct deal *deal = rules->deal;
    uint32_t i;

    for (i = 0; i < deal->provider_count; i++) {
        scope->exclusive_bar[i] = DEAL_NONE;
        scope->preferred[i] = false;
        scope->value[i] = 0;
    }
    for (i = 0; i < rules->region_count; i++) {
        scope->residency_bar[i] = DEAL_NONE;
    }
    for (i = 0; i < deal->model_count; i++) {
        scope->license[i] = DEAL_NONE;
        scope->sale_missing[i] = deal->products[product].product_class == DEAL_CLASS_INFERENCE &&
                                 policy_rules_price(rules, rules->sale_prices[product], i) == NULL;
    }
    scope->exclusive = DEAL_NONE;
    scope->ships_first_count = 0;
    scope->last_license = DEAL_NONE;
    scope->foreign = deal->products[product].owner_party != deal->customer_party;
}

static void add_exclusive(const struct policy_rules *rules, uint32_t index,
                          struct policy_scope *scope)
{
    uint32_t provider = rules->deal->clauses[index].as.exclusive.provider;
    uint32_t i;

    scope->exclusive = scope->exclusive == DEAL_NONE ? index : scope->exclusive;
    for (i = 0; i < rules->deal->provider_count; i++) {
        if (i != provider && scope->exclusive_bar[i] == DEAL_NONE) {
            scope->exclusive_bar[i] = index;
        }
    }
}

static void add_residency(const struct policy_rules *rules, uint32_t index,
                          struct policy_scope *scope)
{
    const struct deal_residency *residency = &rules->deal->clauses[index].as.residency;
    uint32_t i;

    for (i = 0; i < rules->region_count; i++) {
        if (scope->residency_bar[i] == DEAL_NONE &&
            !deal_names_have(residency->regions, rules->regions[i])) {
            scope->residency_bar[i] = index;
        }
    }
}

static void add_license(const struct policy_rules *rules, uint32_t index, uint32_t product,
                        struct policy_scope *scope)
{
    const struct deal *deal = rules->deal;
    const struct deal_clause *clause = &deal->clauses[index];
    uint32_t i;

    if (!scope->foreign ||
        clause->as.license.licensee_party != deal->products[product].owner_party) {
        return;
    }
    if (scope->last_license == DEAL_NONE ||
        clause->from >= deal->clauses[scope->last_license].from) {
        scope->last_license = index;
    }
    for (i = 0; in_force(rules, index) && i < deal->model_count; i++) {
        if (scope->license[i] == DEAL_NONE &&
            deal_license_covers(deal, &clause->as.license, product, i)) {
            scope->license[i] = index;
        }
    }
}

static void add_primary(const struct policy_rules *rules, uint32_t index, uint32_t product,
                        struct policy_scope *scope)
{
    const struct deal_primary *primary = &rules->deal->clauses[index].as.primary;

    if (!deal_list_has(primary->products, product)) {
        return;
    }
    if (primary->ship_first) {
        scope->ships_first[scope->ships_first_count++] = index;
    }
    scope->preferred[primary->provider] = scope->preferred[primary->provider] || primary->prefer;
}

static void add_commit(const struct policy_rules *rules, uint32_t index, uint32_t product,
                       struct policy_scope *scope)
{
    const struct deal_commit *commit = &rules->deal->clauses[index].as.commit;

    if (rules->input->commitment_value_ppb != NULL && commit->period_from <= rules->at &&
        rules->at < commit->period_until) {
        scope->value[commit->provider] += (oft_nanos)rules->input->commitment_value_ppb[index] *
                                          deal_commit_weight(commit, product);
    }
}

void policy_rules_scope(const struct policy_rules *rules, uint32_t product, uint32_t kind,
                        struct policy_scope *scope)
{
    const struct deal *deal = rules->deal;
    uint32_t account = rules->kinds.representative[kind];
    uint32_t i;

    clear(rules, product, scope);
    for (i = 0; i < deal->clause_count; i++) {
        const struct deal_clause *clause = &deal->clauses[i];

        if (clause->kind == DEAL_CLAUSE_LICENSE) {
            add_license(rules, i, product, scope); /* one that is over may still be named */
        } else if (!in_force(rules, i)) {
            continue;
        } else if (clause->kind == DEAL_CLAUSE_EXCLUSIVE) {
            if (deal_exclusive_covers(deal, &clause->as.exclusive, product, account)) {
                add_exclusive(rules, i, scope);
            }
        } else if (clause->kind == DEAL_CLAUSE_RESIDENCY) {
            if (deal_residency_covers(deal, &clause->as.residency, product, account)) {
                add_residency(rules, i, scope);
            }
        } else if (clause->kind == DEAL_CLAUSE_PRIMARY) {
            add_primary(rules, i, product, scope);
        } else if (clause->kind == DEAL_CLAUSE_COMMIT) {
            add_commit(rules, i, product, scope);
        }
    }
}
