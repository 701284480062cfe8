/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two looks at the daemon, made into rates. Counters that fell (another daemon, a new page) count from
 * nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/top.h"

static int64_t number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static void text(const json_t *object, const char *name, char *out, size_t size)
{
    const char *value = json_string_value(json_object_get(object, name));
    size_t length = value == NULL ? 0 : strlen(value);
    if (length >= size) {
        length = size - 1;
        while (length > 0 && ((unsigned char)value[length] & 0xc0u) == 0x80u) {
            length--; /* not within a character */
        }
    }
    if (length > 0) {
        memcpy(out, value, length);
    }
    out[length] = '\0';
}

static int64_t rate(const json_t *before, const json_t *now, const char *name, int64_t elapsed_ms)
{
    int64_t count = number(now, name) - (before == NULL ? 0 : number(before, name));
    if (before == NULL || elapsed_ms <= 0) {
        return 0;
    }
    count = count < 0 ? number(now, name) : count;
    return (int64_t)((oft_nanos)count * 1000000 / elapsed_ms);
}

static void rates(const json_t *before, const json_t *now, int64_t elapsed_ms,
                  struct top_rates *ret)
{
    ret->requests = rate(before, now, "requests", elapsed_ms);
    ret->served = rate(before, now, "served", elapsed_ms);
    ret->failed = rate(before, now, "failed", elapsed_ms);
    ret->refused = rate(before, now, "refused", elapsed_ms);
    ret->client_left = rate(before, now, "client_left", elapsed_ms);
    ret->input_tokens = rate(before, now, "input_tokens", elapsed_ms);
    ret->output_tokens = rate(before, now, "output_tokens", elapsed_ms);
}

/* What was counted between the two looks; of all time when there is no first look. */
static int64_t bucket(const json_t *before, const json_t *now, const char *histogram, size_t index)
{
    const json_t *counts = json_object_get(json_object_get(now, histogram), "counts");
    const json_t *old = json_object_get(json_object_get(before, histogram), "counts");
    int64_t count = json_integer_value(json_array_get(counts, index));
    int64_t was = json_integer_value(json_array_get(old, index));
    return was > count ? count : count - was;
}

/* The time below which PERCENT of the requests stayed, by a line through its bucket. */
static int64_t percentile(const json_t *before, const json_t *now, const char *histogram,
                          const json_t *bounds, int64_t percent)
{
    size_t count = json_array_size(bounds);
    int64_t total = 0, below = 0;
    for (size_t i = 0; i <= count; i++) {
        total += bucket(before, now, histogram, i);
    }
    if (total == 0 || count == 0) {
        return -1;
    }
    int64_t wanted = (total * percent + 99) / 100;
    for (size_t i = 0; i < count; i++) {
        int64_t here = bucket(before, now, histogram, i);
        if (here > 0 && below + here >= wanted) {
            int64_t low = i == 0 ? 0 : json_integer_value(json_array_get(bounds, i - 1));
            int64_t high = json_integer_value(json_array_get(bounds, i));
            return low + (high - low) * (wanted - below) / here;
        }
        below += here;
    }
    return json_integer_value(json_array_get(bounds, count - 1));
}

/* The item of LIST whose MEMBER is NAME; NULL when there is none. */
static const json_t *find(const json_t *list, const char *member, const char *name)
{
    size_t index;
    const json_t *item;
    json_array_foreach(list, index, item)
    {
        const char *value = json_string_value(json_object_get(item, member));
        if (value != NULL && name != NULL && strcmp(value, name) == 0) {
            return item;
        }
    }
    return NULL;
}

static void pool_make(const json_t *before, const json_t *now, const json_t *bounds,
                      int64_t elapsed_ms, struct top_pool *ret)
{
    const json_t *durations = json_object_get(bounds, "duration_us");
    text(now, "pool", ret->name, sizeof ret->name);
    text(now, "provider", ret->provider, sizeof ret->provider);
    text(now, "breaker", ret->breaker, sizeof ret->breaker);
    ret->reserved = json_is_true(json_object_get(now, "reserved"));
    ret->cooling_ms = number(now, "cooling_ms");
    ret->attempt_failures = rate(before, now, "attempt_failures", elapsed_ms);
    rates(before, now, elapsed_ms, &ret->rates);
    ret->p50_us = percentile(before, now, "duration", durations, 50);
    ret->p95_us = percentile(before, now, "duration", durations, 95);
    ret->p99_us = percentile(before, now, "duration", durations, 99);
    ret->first_p50_us =
        percentile(before, now, "first_token", json_object_get(bounds, "first_token_us"), 50);
}

static void pools_make(const json_t *before, const json_t *now, struct top_view *view)
{
    size_t index;
    const json_t *pool;
    json_array_foreach(json_object_get(now, "pools"), index, pool)
    {
        const char *name = json_string_value(json_object_get(pool, "pool"));
        if (view->pool_count < TOP_POOLS_MAX) {
            pool_make(before == NULL ? NULL : find(json_object_get(before, "pools"), "pool", name),
                      pool, json_object_get(now, "bounds"), view->elapsed_ms,
                      &view->pools[view->pool_count++]);
        }
    }
}

static int64_t nanos(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value == NULL ? 0 : strtoll(value, NULL, 10);
}

static void budgets_make(const json_t *now, struct top_view *view)
{
    size_t index, each;
    const json_t *limit, *budget;
    json_array_foreach(json_object_get(now, "limits"), index, limit)
    {
        json_array_foreach(json_object_get(limit, "budgets"), each, budget)
        {
            if (view->budget_count == TOP_BUDGETS_MAX) {
                return;
            }
            struct top_budget *ret = &view->budgets[view->budget_count++];
            text(limit, "limit", ret->name, sizeof ret->name);
            text(budget, "period", ret->period, sizeof ret->period);
            ret->used_nanos = nanos(budget, "used_nanos");
            ret->limit_nanos = nanos(budget, "limit_nanos");
        }
    }
}

static void refusals_make(const json_t *before, const json_t *now, struct top_view *view)
{
    size_t index;
    const json_t *item;
    json_array_foreach(json_object_get(now, "refusals"), index, item)
    {
        const char *reason = json_string_value(json_object_get(item, "reason"));
        const json_t *old = find(json_object_get(before, "refusals"), "reason", reason);
        json_t *none = old == NULL && before != NULL ? json_object() : NULL;
        if (view->refusal_count < TOP_REFUSALS_MAX) {
            struct top_refusal *ret = &view->refusals[view->refusal_count++];
            text(item, "reason", ret->reason, sizeof ret->reason);
            ret->rate = rate(old != NULL ? old : none, item, "count", view->elapsed_ms);
        }
        json_decref(none);
    }
}

/* What an amount grew by, made into a minute's worth. */
static oft_nanos burn(const json_t *before, const json_t *now, const char *name, int64_t elapsed_ms)
{
    oft_nanos was = 0, is = 0, result = 0;
    const char *old = json_string_value(json_object_get(before, name));
    const char *new = json_string_value(json_object_get(now, name));
    if (old == NULL || new == NULL || elapsed_ms <= 0 ||
        oft_i128_parse(oft_str_from(old), &was) != OFT_OK ||
        oft_i128_parse(oft_str_from(new), &is) != OFT_OK ||
        __builtin_mul_overflow(is - was, (oft_nanos)60000, &result)) {
        return 0;
    }
    return result / elapsed_ms;
}

void top_view_make(const json_t *before, const json_t *now, struct top_view *ret)
{
    const json_t *total = json_object_get(now, "total");
    const json_t *old = json_object_get(before, "total");
    const json_t *durations = json_object_get(json_object_get(now, "bounds"), "duration_us");
    memset(ret, 0, sizeof *ret);
    ret->elapsed_ms = before == NULL ? 0 : number(now, "clock_ms") - number(before, "clock_ms");
    text(now, "deal_title", ret->deal, sizeof ret->deal);
    text(now, "currency", ret->currency, sizeof ret->currency);
    text(now, "contract_now", ret->now, sizeof ret->now);
    ret->rehearsal = json_is_true(json_object_get(now, "rehearsal"));
    ret->nginx_up = number(json_object_get(now, "nginx"), "pid") > 0;
    ret->generation = number(now, "generation");
    ret->workers = number(now, "workers");
    ret->running = number(now, "running");
    ret->drain_lag_ms = number(now, "drain_lag_ms");
    ret->spool_lag_ms = number(now, "spool_lag_ms");
    rates(old, total, ret->elapsed_ms, &ret->rates);
    ret->p50_us = percentile(old, total, "duration", durations, 50);
    ret->p95_us = percentile(old, total, "duration", durations, 95);
    ret->p99_us = percentile(old, total, "duration", durations, 99);
    ret->revenue_minute = burn(before, now, "revenue_nanos", ret->elapsed_ms);
    ret->cost_minute = burn(before, now, "cost_nanos", ret->elapsed_ms);
    pools_make(before, now, ret);
    budgets_make(now, ret);
    refusals_make(before, now, ret);
}

/* ---- order ------------------------------------------------------------------------------------- */

static int64_t sort_value(const struct top_pool *pool, enum top_sort sort)
{
    switch (sort) {
    case TOP_BY_REQUESTS:
        return pool->rates.requests;
    case TOP_BY_ERRORS:
        return pool->rates.failed + pool->attempt_failures;
    case TOP_BY_LATENCY:
        return pool->p95_us;
    case TOP_BY_TOKENS:
        return pool->rates.output_tokens;
    default:
        return 0;
    }
}

static bool comes_before(const struct top_pool *a, const struct top_pool *b, enum top_sort sort,
                         bool descending)
{
    int64_t left = sort_value(a, sort), right = sort_value(b, sort);
    if (left != right) {
        return descending ? left > right : left < right;
    }
    int names = strcmp(a->name, b->name);
    return sort == TOP_BY_NAME && descending ? names > 0 : names < 0;
}

void top_sort_pools(struct top_view *view, enum top_sort sort, bool descending)
{
    for (size_t i = 1; i < view->pool_count; i++) {
        struct top_pool moved = view->pools[i];
        size_t at = i;
        while (at > 0 && comes_before(&moved, &view->pools[at - 1], sort, descending)) {
            view->pools[at] = view->pools[at - 1];
            at--;
        }
        view->pools[at] = moved;
    }
}

/* ---- for scripts ------------------------------------------------------------------------------- */

static json_t *rates_json(const struct top_rates *r)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "requests", (json_int_t)r->requests,
                     "served", (json_int_t)r->served, "failed", (json_int_t)r->failed, "refused",
                     (json_int_t)r->refused, "client_left", (json_int_t)r->client_left,
                     "input_tokens", (json_int_t)r->input_tokens, "output_tokens",
                     (json_int_t)r->output_tokens);
}

static json_t *pool_json(const struct top_pool *pool)
{
    return json_pack("{s:s, s:s, s:b, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "pool", pool->name,
                     "provider", pool->provider, "reserved", (int)pool->reserved, "breaker",
                     pool->breaker, "cooling_ms", (json_int_t)pool->cooling_ms, "attempt_failures",
                     (json_int_t)pool->attempt_failures, "p50_us", (json_int_t)pool->p50_us,
                     "p95_us", (json_int_t)pool->p95_us, "p99_us", (json_int_t)pool->p99_us,
                     "first_token_p50_us", (json_int_t)pool->first_p50_us, "per_second_thousandths",
                     rates_json(&pool->rates));
}

json_t *top_view_json(const struct top_view *view)
{
    char revenue[OFT_NANOS_TEXT_BYTES], cost[OFT_NANOS_TEXT_BYTES];
    json_t *pools = json_array(), *budgets = json_array(), *refusals = json_array();
    for (size_t i = 0; i < view->pool_count; i++) {
        (void)json_array_append_new(pools, pool_json(&view->pools[i]));
    }
    for (size_t i = 0; i < view->budget_count; i++) {
        const struct top_budget *b = &view->budgets[i];
        char used[OFT_NANOS_TEXT_BYTES], limit[OFT_NANOS_TEXT_BYTES];
        (void)json_array_append_new(budgets, json_pack("{s:s, s:s, s:s, s:s}", "limit", b->name,
                                                       "period", b->period, "used",
                                                       oft_nanos_format(b->used_nanos, used), "of",
                                                       oft_nanos_format(b->limit_nanos, limit)));
    }
    for (size_t i = 0; i < view->refusal_count; i++) {
        (void)json_array_append_new(
            refusals, json_pack("{s:s, s:I}", "reason", view->refusals[i].reason,
                                "per_second_thousandths", (json_int_t)view->refusals[i].rate));
    }
    return json_pack(
        "{s:s, s:s, s:s, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:s, s:o, "
        "s:o, s:o, s:o}",
        "deal", view->deal, "currency", view->currency, "contract_now", view->now, "rehearsal",
        (int)view->rehearsal, "nginx_up", (int)view->nginx_up, "generation",
        (json_int_t)view->generation, "workers", (json_int_t)view->workers, "running",
        (json_int_t)view->running, "drain_lag_ms", (json_int_t)view->drain_lag_ms, "spool_lag_ms",
        (json_int_t)view->spool_lag_ms, "elapsed_ms", (json_int_t)view->elapsed_ms, "p50_us",
        (json_int_t)view->p50_us, "p95_us", (json_int_t)view->p95_us, "p99_us",
        (json_int_t)view->p99_us, "revenue_nanos_per_minute",
        oft_i128_format(view->revenue_minute, revenue), "cost_nanos_per_minute",
        oft_i128_format(view->cost_minute, cost), "per_second_thousandths",
        rates_json(&view->rates), "pools", pools, "budgets", budgets, "refusals", refusals);
}
