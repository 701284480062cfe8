/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile_limits -- what may be used: of products, accounts, pools and keys as the deal and the keys
 * state it, and of providers under the ceilings of agreements.
 *
 * A limit's id is of what it belongs to and not of what it says, so that a changed limit goes on
 * counting where it was.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "policy/compile_internal.h"

static int64_t budget_of(const struct deal_limits *limits, enum deal_budget_period period)
{
    oft_nanos nanos = limits->budget_nanos[period];

    return nanos <= 0 || nanos > INT64_MAX ? INT64_MAX : (int64_t)nanos;
}

static bool states_nothing(const struct deal_limits *limits)
{
    return limits->requests_per_minute == 0 && limits->tokens_per_minute == 0 &&
           limits->concurrent == 0 && limits->budget_nanos[DEAL_BUDGET_DAY] == 0 &&
           limits->budget_nanos[DEAL_BUDGET_MONTH] == 0;
}

static uint32_t put_limit(struct policy_build *build, const char *what, const char *name,
                          struct policy_limit *limit)
{
    struct oft_buffer *section = &build->sections[POLICY_LIMITS];
    uint32_t index = (uint32_t)(section->length / sizeof(*limit));

    oft_buffer_clear(&build->scratch);
    oft_buffer_printf(&build->scratch, "%s %s", what, name);
    limit->name =
        policy_build_text(build, oft_str_from(oft_buffer_text(&build->scratch)), "a limit's name");
    limit->id = oft_id_of(OFT_ID_LIMIT, oft_str_from(oft_buffer_text(&build->scratch)));
    oft_buffer_append(section, limit, sizeof(*limit));
    return index;
}

uint32_t policy_build_limit(struct policy_build *build, const char *what, const char *name,
                            const struct deal_limits *limits)
{
    struct policy_limit limit = {.requests_per_minute = limits->requests_per_minute,
                                 .tokens_per_minute = limits->tokens_per_minute,
                                 .concurrent = (uint32_t)limits->concurrent,
                                 .from_ns = OFT_INSTANT_ALWAYS,
                                 .until_ns = OFT_INSTANT_NEVER,
                                 .clause = POLICY_NONE};

    limit.budget_nanos[POLICY_LIMIT_DAY] = budget_of(limits, DEAL_BUDGET_DAY);
    limit.budget_nanos[POLICY_LIMIT_MONTH] = budget_of(limits, DEAL_BUDGET_MONTH);
    return states_nothing(limits) ? POLICY_NONE : put_limit(build, what, name, &limit);
}

static void put_limit_of(struct policy_build *build, const char *what, const char *name,
                         const struct deal_limits *limits)
{
    uint32_t index = policy_build_limit(build, what, name, limits);

    oft_buffer_append(&build->sections[POLICY_LIMIT_OF], &index, sizeof(index));
}

static uint32_t put_ceiling(struct policy_build *build, uint32_t index)
{
    const struct deal_clause *clause = &build->deal->clauses[index];
    const struct deal_ceiling *ceiling = &clause->as.ceiling;
    struct policy_limit limit = {.from_ns = clause->from,
                                 .until_ns = deal_clause_until(clause, build->input->attested),
                                 .clause = index};
    bool day = ceiling->period == DEAL_BUDGET_DAY;

    limit.budget_nanos[POLICY_LIMIT_DAY] = day ? (int64_t)ceiling->amount_nanos : INT64_MAX;
    limit.budget_nanos[POLICY_LIMIT_MONTH] = day ? INT64_MAX : (int64_t)ceiling->amount_nanos;
    return put_limit(build, "clause", clause->id, &limit);
}

/* A ceiling for each pool of the provider; several clauses may be in force one after the other. */
static void build_ceilings(struct policy_build *build)
{
    const struct deal *deal = build->deal;
    uint32_t *limit_of_clause = policy_build_alloc(build, deal->clause_count, sizeof(uint32_t));
    uint32_t pool, i;

    for (i = 0; limit_of_clause != NULL && i < deal->clause_count; i++) {
        limit_of_clause[i] =
            deal->clauses[i].kind == DEAL_CLAUSE_CEILING ? put_ceiling(build, i) : POLICY_NONE;
    }
    for (pool = 0; limit_of_clause != NULL && pool < deal->pool_count; pool++) {
        for (i = 0; i < deal->clause_count; i++) {
            struct policy_ceiling item = {pool, limit_of_clause[i]};

            if (item.limit != POLICY_NONE &&
                deal->clauses[i].as.ceiling.provider == deal->pools[pool].provider) {
                oft_buffer_append(&build->sections[POLICY_CEILINGS], &item, sizeof(item));
            }
        }
    }
}

void policy_build_limits(struct policy_build *build)
{
    const struct deal *deal = build->deal;
    uint32_t i;

    for (i = 0; i < deal->product_count; i++) {
        put_limit_of(build, "product", deal->products[i].name, &deal->products[i].limits);
    }
    for (i = 0; i < deal->account_count; i++) {
        put_limit_of(build, "account", deal->accounts[i].name, &deal->accounts[i].limits);
    }
    for (i = 0; i < deal->pool_count; i++) {
        put_limit_of(build, "pool", deal->pools[i].name, &deal->pools[i].limits);
    }
    build_ceilings(build);
}
