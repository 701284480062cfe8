/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `offtake top` draws, as JSON: counts by pool and product, gauges, budgets, and what the books have
 * earned and owe. Whoever asks twice makes rates of it.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/watch_internal.h"

enum { KEYS_TOLD_MAX = 20 };

/* Cells of all series of one pool or one product. */
static void add_cells(const struct watch_sums *sums, const uint64_t *pool_id,
                      const uint64_t *product_id, uint64_t cells[COUNTER_SERIES_CELLS])
{
    memset(cells, 0, COUNTER_SERIES_CELLS * sizeof(*cells));
    for (size_t i = 0; i < sums->series_count; i++) {
        const struct watch_series *series = &sums->series[i];
        if ((pool_id != NULL && (series->other || series->pool_id != *pool_id)) ||
            (product_id != NULL && (series->other || series->product_id != *product_id))) {
            continue;
        }
        for (unsigned cell = 0; cell < COUNTER_SERIES_CELLS; cell++) {
            cells[cell] += series->cells[cell];
        }
    }
}

static uint64_t outcome(const uint64_t *cells, enum counter_outcome which)
{
    uint64_t count = 0;
    for (unsigned class = 0; class < COUNTER_CLASSES; class ++) {
        count += cells[COUNTER_REQUESTS + class * COUNTER_OUTCOMES + (unsigned)which];
    }
    return count;
}

static json_t *numbers(const uint64_t *values, unsigned count)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < count; i++) {
        (void)json_array_append_new(list, json_integer((json_int_t)values[i]));
    }
    return list;
}

/* The buckets, then what is above them. */
static json_t *histogram(const uint64_t *cells, unsigned count)
{
    return json_pack("{s:o, s:I}", "counts", numbers(cells, count + 1), "sum_us",
                     (json_int_t)cells[count + 1]);
}

static json_t *counts_json(const uint64_t *cells)
{
    uint64_t served = outcome(cells, COUNTER_SERVED) + outcome(cells, COUNTER_ESTIMATED);
    uint64_t failed = outcome(cells, COUNTER_FAILED) + outcome(cells, COUNTER_CUT);
    uint64_t refused = outcome(cells, COUNTER_REFUSED);
    uint64_t left = outcome(cells, COUNTER_CLIENT_LEFT);
    const uint64_t *units = cells + COUNTER_UNITS;
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "requests",
                     (json_int_t)(served + failed + refused + left), "served", (json_int_t)served,
                     "failed", (json_int_t)failed, "refused", (json_int_t)refused, "client_left",
                     (json_int_t)left, "input_tokens", (json_int_t)(units[0] + units[1] + units[2]),
                     "output_tokens", (json_int_t)(units[3] + units[4]), "duration",
                     histogram(cells + COUNTER_DURATION, COUNTER_DURATION_BUCKETS), "first_token",
                     histogram(cells + COUNTER_FIRST, COUNTER_FIRST_BUCKETS));
}

static json_t *text_json(struct oft_str text)
{
    json_t *value = json_stringn(text.data, text.length);
    return value != NULL ? value : json_string("?");
}

static const struct watch_pool *counted_pool(const struct watch_sums *sums, uint64_t id)
{
    for (size_t i = 0; i < sums->pool_count; i++) {
        if (sums->pools[i].pool_id == id) {
            return &sums->pools[i];
        }
    }
    return NULL;
}

static json_t *pool_json(const struct engine_watch *watch, const struct watch_sums *sums,
                         const struct policy_pool *pool)
{
    static const char *const BREAKERS[] = {"closed", "open", "half-open"};
    static const struct watch_pool none;
    const struct watch_pool *counted = counted_pool(sums, pool->id);
    uint64_t cells[COUNTER_SERIES_CELLS], failures = 0;
    add_cells(sums, &pool->id, NULL, cells);
    counted = counted == NULL ? &none : counted;
    for (unsigned i = 0; i < COUNTER_ATTEMPT_FAILURES; i++) {
        failures += i == COUNTER_STALE ? 0 : counted->cells[COUNTER_POOL_FAILURES + i];
    }
    int64_t cooling_ms = (int64_t)counted->down_until_ms - watch_monotonic_ms();
    json_t *object = counts_json(cells);
    json_t *more = json_pack(
        "{s:o, s:o, s:o, s:b, s:I, s:I, s:I, s:I, s:I, s:s}", "pool",
        text_json(policy_text(&watch->view, pool->name)), "provider",
        text_json(policy_text(&watch->view, pool->provider)), "region",
        text_json(policy_text(&watch->view, pool->region)), "reserved", (int)(pool->flags & 1u),
        "attempts", (json_int_t)counted->cells[COUNTER_POOL_ATTEMPTS], "attempt_failures",
        (json_int_t)failures, "failovers", (json_int_t)counted->cells[COUNTER_POOL_FAILOVERS],
        "cool_downs", (json_int_t)counted->cells[COUNTER_POOL_COOL_DOWNS], "cooling_ms",
        (json_int_t)(cooling_ms > 0 ? cooling_ms : 0), "breaker",
        BREAKERS[counted->breaker < OFT_COUNT_OF(BREAKERS) ? counted->breaker : 0]);
    if (object == NULL || more == NULL || json_object_update(object, more) != 0) {
        json_decref(object);
        object = NULL;
    }
    json_decref(more);
    return object;
}

static json_t *pools_json(const struct engine_watch *watch, const struct watch_sums *sums)
{
    json_t *list = json_array();
    for (uint32_t i = 0; watch->generation != 0 && i < watch->view.pool_count; i++) {
        (void)json_array_append_new(list, pool_json(watch, sums, &watch->view.pools[i]));
    }
    return list;
}

static json_t *products_json(const struct engine_watch *watch, const struct watch_sums *sums)
{
    json_t *list = json_array();
    uint64_t cells[COUNTER_SERIES_CELLS];
    for (uint32_t i = 0; watch->generation != 0 && i < watch->view.product_count; i++) {
        add_cells(sums, NULL, &watch->view.products[i].id, cells);
        json_t *object = counts_json(cells);
        (void)json_object_set_new(
            object, "product", text_json(policy_text(&watch->view, watch->view.products[i].name)));
        (void)json_array_append_new(list, object);
    }
    return list;
}

static json_t *refusals_json(const struct watch_sums *sums)
{
    json_t *list = json_array();
    for (size_t i = 0; i < sums->reason_count; i++) {
        (void)json_array_append_new(list, json_pack("{s:s, s:I}", "reason", sums->reasons[i].text,
                                                    "count", (json_int_t)sums->reasons[i].count));
    }
    return list;
}

/* ---- limits ------------------------------------------------------------------------------------ */

static json_t *nanos_json(int64_t nanos)
{
    return json_sprintf("%lld", (long long)nanos);
}

static int64_t fullest_ppm(const struct watch_limit *limit)
{
    int64_t most = 0;
    for (unsigned period = 0; period < POLICY_LIMIT_PERIODS; period++) {
        int64_t budget = limit->limit->budget_nanos[period];
        if (budget != INT64_MAX && budget > 0) {
            int64_t ppm =
                (int64_t)((oft_nanos)limit->used_nanos[period] * 1000000 / (oft_nanos)budget);
            most = ppm > most ? ppm : most;
        }
    }
    return most;
}

static json_t *limit_json(const struct engine_watch *watch, const struct watch_limit *limit,
                          bool of_key)
{
    static const char *const PERIODS[] = {"day", "month"};
    json_t *budgets = json_array();
    for (unsigned period = 0; period < POLICY_LIMIT_PERIODS; period++) {
        if (limit->limit->budget_nanos[period] != INT64_MAX) {
            (void)json_array_append_new(
                budgets, json_pack("{s:s, s:o, s:o}", "period", PERIODS[period], "used_nanos",
                                   nanos_json(limit->used_nanos[period]), "limit_nanos",
                                   nanos_json(limit->limit->budget_nanos[period])));
        }
    }
    return json_pack("{s:o, s:b, s:o, s:I, s:I, s:I, s:I, s:I, s:I}", "limit",
                     text_json(policy_text(&watch->view, limit->limit->name)), "key", (int)of_key,
                     "budgets", budgets, "running", (json_int_t)limit->running, "concurrent",
                     (json_int_t)limit->limit->concurrent, "requests_per_minute",
                     (json_int_t)limit->limit->requests_per_minute, "requests_used_ppm",
                     (json_int_t)limit->requests_used_ppm, "tokens_per_minute",
                     (json_int_t)limit->limit->tokens_per_minute, "tokens_used_ppm",
                     (json_int_t)limit->tokens_used_ppm);
}

/* Keys have no bound: the fullest of them are kept. */
static void keep_fullest(struct watch_limit *kept, size_t *count, const struct watch_limit *limit)
{
    size_t at = *count;
    while (at > 0 && fullest_ppm(limit) > fullest_ppm(&kept[at - 1])) {
        at--;
    }
    if (at == KEYS_TOLD_MAX) {
        return;
    }
    size_t last = *count < KEYS_TOLD_MAX ? (*count)++ : KEYS_TOLD_MAX - 1;
    memmove(&kept[at + 1], &kept[at], (last - at) * sizeof(*kept));
    kept[at] = *limit;
}

static json_t *limits_json(struct engine *engine, oft_instant now_ns)
{
    struct engine_watch *watch = engine->watch;
    struct watch_limit keys[KEYS_TOLD_MAX + 1];
    size_t key_count = 0;
    json_t *list = json_array();
    bool *of_key = watch_limits_mark(watch);
    for (uint32_t i = 0; of_key != NULL && watch->generation != 0 && i < watch->view.limit_count;
         i++) {
        struct watch_limit limit;
        if (!watch_limit_read(engine, i, now_ns, &limit)) {
            continue;
        }
        if (of_key[i]) {
            keep_fullest(keys, &key_count, &limit);
        } else if (json_array_size(list) < WATCH_LIMITS_MAX) {
            (void)json_array_append_new(list, limit_json(watch, &limit, false));
        }
    }
    for (size_t i = 0; i < key_count; i++) {
        (void)json_array_append_new(list, limit_json(watch, &keys[i], true));
    }
    free(of_key);
    return list;
}

/* ---- the whole --------------------------------------------------------------------------------- */

/* What the books have earned and owe by now, in nano-units as text. */
static enum oft_err money_json(struct engine *engine, json_t *object, struct oft_error *reterr)
{
    struct store_balance *balances = NULL;
    size_t count = 0;
    oft_nanos revenue = 0, cost = 0;
    char text[OFT_NANOS_TEXT_BYTES];
    struct oft_arena arena;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = store_balances(engine->store, &arena, &balances, &count, reterr);
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        bool earned = strncmp(balances[i].account, "revenue/", 8) == 0;
        bool owed = strncmp(balances[i].account, "cost/", 5) == 0;
        if ((earned && __builtin_sub_overflow(revenue, balances[i].amount, &revenue)) ||
            (owed && __builtin_add_overflow(cost, balances[i].amount, &cost))) {
            code = oft_fail(reterr, OFT_ERR_RANGE, "the books' sums are too large");
        }
    }
    oft_arena_release(&arena);
    (void)json_object_set_new(object, "revenue_nanos", json_string(oft_i128_format(revenue, text)));
    (void)json_object_set_new(object, "cost_nanos", json_string(oft_i128_format(cost, text)));
    return code;
}

static json_t *whole_json(struct engine *engine, const struct watch_sums *sums,
                          const struct engine_watch_extra *extra, oft_instant now_ns)
{
    const struct engine_watch *watch = engine->watch;
    uint64_t cells[COUNTER_SERIES_CELLS];
    char now_text[OFT_INSTANT_TEXT_BYTES];
    add_cells(sums, NULL, NULL, cells);
    return json_pack(
        "{s:s, s:I, s:s, s:s, s:b, s:I, s:{s:I, s:I}, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, "
        "s:o, s:o, s:{s:o, s:o}}",
        "contract_now", oft_instant_format(engine_contract_now(engine, now_ns), now_text),
        "clock_ms", (json_int_t)watch_monotonic_ms(), "deal_title",
        engine->deal == NULL ? "" : engine->deal->title, "currency",
        engine->deal == NULL ? "" : engine->deal->currency, "rehearsal", (int)engine->rehearsal,
        "generation", (json_int_t)engine->generation, "nginx", "pid", (json_int_t)extra->nginx_pid,
        "restarts", (json_int_t)extra->nginx_restarts, "workers", (json_int_t)sums->worker_count,
        "worker_starts", (json_int_t)sums->workers_ever, "running", (json_int_t)sums->running,
        "spool_lag_ms", (json_int_t)(watch->batch_lag_ns / 1000000), "drain_lag_ms",
        (json_int_t)((now_ns - watch->caught_up_ns) / 1000000), "unrated",
        (json_int_t)engine->unrated, "total", counts_json(cells), "pools", pools_json(watch, sums),
        "products", products_json(watch, sums), "refusals", refusals_json(sums), "limits",
        limits_json(engine, now_ns), "bounds", "duration_us",
        numbers(counter_duration_us, COUNTER_DURATION_BUCKETS), "first_token_us",
        numbers(counter_first_us, COUNTER_FIRST_BUCKETS));
}

enum oft_err engine_top(struct engine *engine, const struct engine_watch_extra *extra,
                        oft_instant now_ns, struct oft_buffer *out, struct oft_error *reterr)
{
    struct watch_sums sums;
    enum oft_err code = watch_sum(engine, &sums, reterr);
    json_t *object = code == OFT_OK ? whole_json(engine, &sums, extra, now_ns) : NULL;
    free(sums.series);
    if (code == OFT_OK) {
        code = money_json(engine, object, reterr);
    }
    char *text = code == OFT_OK ? json_dumps(object, JSON_COMPACT) : NULL;
    if (text != NULL) {
        oft_buffer_printf(out, "%s\n", text);
    } else if (code == OFT_OK) {
        code = oft_fail(reterr, OFT_ERR_MEMORY, "out of memory");
    }
    free(text);
    json_decref(object);
    return code;
}
