/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics in the text format of Prometheus. Names that begin with gen_ai_ are those of the OpenTelemetry
 * semantic conventions for generative AI, as Prometheus writes them; the rest is ours.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "engine/watch_internal.h"
#include "store/limits.h"

struct metrics {
    struct engine *engine;
    const struct engine_watch_extra *extra;
    oft_instant now_ns;
    struct oft_buffer *out;
    const struct watch_sums *sums;
    struct oft_error *reterr;
};

/* ---- small parts ------------------------------------------------------------------------------- */

static void head(const struct metrics *it, const char *name, const char *type, const char *help)
{
    oft_buffer_printf(it->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void label(struct oft_buffer *out, const char *name, const char *value, bool first)
{
    oft_buffer_printf(out, "%s%s=\"", first ? "{" : ",", name);
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '\\' || *c == '"') {
            oft_buffer_append_char(out, '\\');
        }
        if (*c == '\n') {
            oft_buffer_append_text(out, "\\n");
        } else {
            oft_buffer_append_char(out, *c);
        }
    }
    oft_buffer_append_char(out, '"');
}

static void plain(const struct metrics *it, const char *name, const char *type, uint64_t value,
                  const char *help)
{
    head(it, name, type, help);
    oft_buffer_printf(it->out, "%s %llu\n", name, (unsigned long long)value);
}

static void seconds(const struct metrics *it, const char *name, const char *type, int64_t ns,
                    const char *help)
{
    head(it, name, type, help);
    oft_buffer_printf(it->out, "%s ", name);
    watch_decimal(it->out, ns < 0 ? 0 : (uint64_t)ns, 9);
    oft_buffer_append_char(it->out, '\n');
}

static const char *id_name(const struct metrics *it, const struct watch_series *series, uint64_t id,
                           char scratch[32])
{
    return series->other ? "other" : watch_name(it->engine->watch, id, scratch);
}

/* What every line of a series begins with. */
static void series_labels(const struct metrics *it, const struct watch_series *series)
{
    char scratch[32];
    label(it->out, "product", id_name(it, series, series->product_id, scratch), true);
    label(it->out, "pool", id_name(it, series, series->pool_id, scratch), false);
    label(it->out, "model", id_name(it, series, series->model_id, scratch), false);
}

/* ---- requests and tokens ----------------------------------------------------------------------- */

static void requests(const struct metrics *it)
{
    static const char *const CLASSES[] = {"2xx", "4xx", "5xx", "other"};
    static const char *const OUTCOMES[] = {"served",      "estimated", "cut",
                                           "client-left", "refused",   "failed"};
    head(it, "offtake_requests_total", "counter",
         "Requests that ended, by the status that the client got and by what came of them.");
    for (size_t i = 0; i < it->sums->series_count; i++) {
        const struct watch_series *series = &it->sums->series[i];
        for (unsigned cell = 0; cell < COUNTER_UNITS; cell++) {
            if (series->cells[cell] == 0) {
                continue;
            }
            oft_buffer_append_text(it->out, "offtake_requests_total");
            series_labels(it, series);
            label(it->out, "operation", watch_operation(series->operation), false);
            label(it->out, "status", CLASSES[cell / COUNTER_OUTCOMES], false);
            label(it->out, "outcome", OUTCOMES[cell % COUNTER_OUTCOMES], false);
            oft_buffer_printf(it->out, "} %llu\n", (unsigned long long)series->cells[cell]);
        }
    }
}

static void tokens(const struct metrics *it)
{
    static const char *const UNITS[] = {"input",     "cached", "cache_write", "output",
                                        "reasoning", "audio",  "image"};
    head(it, "offtake_tokens_total", "counter",
         "Tokens by their disjoint classes, as the provider counted them or as was estimated.");
    for (size_t i = 0; i < it->sums->series_count; i++) {
        const struct watch_series *series = &it->sums->series[i];
        for (unsigned unit = 0; unit < METER_UNITS; unit++) {
            uint64_t count = series->cells[COUNTER_UNITS + unit];
            if (count == 0) {
                continue;
            }
            oft_buffer_append_text(it->out, "offtake_tokens_total");
            series_labels(it, series);
            label(it->out, "type", UNITS[unit], false);
            oft_buffer_printf(it->out, "} %llu\n", (unsigned long long)count);
        }
    }
}

/* ---- histograms -------------------------------------------------------------------------------- */

struct histogram {
    const char *name;
    unsigned cell, count;
    const uint64_t *bounds;
    unsigned digits;   /* 6: microseconds told as seconds; 0: a count */
    const char *token; /* gen_ai.token.type; NULL: none */
};

static void gen_ai_labels(const struct metrics *it, const struct watch_series *series,
                          const struct histogram *histogram)
{
    char scratch[32];
    const struct policy_pool *pool = watch_find_pool(it->engine->watch, series->pool_id);
    char provider[64] = "other";
    if (pool != NULL) {
        struct oft_str text = policy_text(&it->engine->watch->view, pool->provider);
        (void)snprintf(provider, sizeof(provider), "%.*s", (int)text.length, text.data);
    }
    label(it->out, "gen_ai_operation_name", watch_operation(series->operation), true);
    label(it->out, "gen_ai_provider_name", provider, false);
    label(it->out, "gen_ai_request_model", id_name(it, series, series->model_id, scratch), false);
    label(it->out, "offtake_pool", id_name(it, series, series->pool_id, scratch), false);
    label(it->out, "offtake_product", id_name(it, series, series->product_id, scratch), false);
    if (histogram->token != NULL) {
        label(it->out, "gen_ai_token_type", histogram->token, false);
    }
}

static void histogram_series(const struct metrics *it, const struct watch_series *series,
                             const struct histogram *histogram)
{
    const uint64_t *cells = &series->cells[histogram->cell];
    uint64_t total = 0, running = 0;
    for (unsigned i = 0; i <= histogram->count; i++) {
        total += cells[i];
    }
    if (total == 0) {
        return;
    }
    for (unsigned i = 0; i <= histogram->count; i++) {
        running += cells[i];
        oft_buffer_printf(it->out, "%s_bucket", histogram->name);
        gen_ai_labels(it, series, histogram);
        oft_buffer_append_text(it->out, ",le=\"");
        if (i == histogram->count) {
            oft_buffer_append_text(it->out, "+Inf");
        } else {
            watch_decimal(it->out, histogram->bounds[i], histogram->digits);
        }
        oft_buffer_printf(it->out, "\"} %llu\n", (unsigned long long)running);
    }
    oft_buffer_printf(it->out, "%s_sum", histogram->name);
    gen_ai_labels(it, series, histogram);
    oft_buffer_append_text(it->out, "} ");
    watch_decimal(it->out, cells[histogram->count + 1], histogram->digits);
    oft_buffer_printf(it->out, "\n%s_count", histogram->name);
    gen_ai_labels(it, series, histogram);
    oft_buffer_printf(it->out, "} %llu\n", (unsigned long long)total);
}

static void histograms(const struct metrics *it)
{
    static const struct histogram ALL[] = {
        {"gen_ai_client_operation_duration_seconds", COUNTER_DURATION, COUNTER_DURATION_BUCKETS,
         counter_duration_us, 6, NULL},
        {"gen_ai_server_time_to_first_token_seconds", COUNTER_FIRST, COUNTER_FIRST_BUCKETS,
         counter_first_us, 6, NULL},
        {"gen_ai_server_time_per_output_token_seconds", COUNTER_PER_TOKEN, COUNTER_TOKEN_BUCKETS,
         counter_token_us, 6, NULL},
        {"gen_ai_client_token_usage", COUNTER_INPUT, COUNTER_USAGE_BUCKETS, counter_usage, 0,
         "input"},
        {"gen_ai_client_token_usage", COUNTER_OUTPUT, COUNTER_USAGE_BUCKETS, counter_usage, 0,
         "output"},
    };
    static const char *const HELP[] = {
        "How long a request took, from its admission to its end.",
        "Of streams: from admission to the first bytes of the provider's answer.",
        "Of streams: time after the first bytes for each output token but the first.",
        "Tokens of a request."};
    for (size_t h = 0; h < OFT_COUNT_OF(ALL); h++) {
        if (h < OFT_COUNT_OF(HELP)) {
            head(it, ALL[h].name, "histogram", HELP[h]);
        }
        for (size_t i = 0; i < it->sums->series_count; i++) {
            histogram_series(it, &it->sums->series[i], &ALL[h]);
        }
    }
}

/* ---- pools and refusals ------------------------------------------------------------------------ */

static void pool_line(const struct metrics *it, const char *name, const struct watch_pool *pool,
                      const char *reason, uint64_t value)
{
    char scratch[32];
    oft_buffer_append_text(it->out, name);
    label(it->out, "pool",
          pool->pool_id == 0 ? "other" : watch_name(it->engine->watch, pool->pool_id, scratch),
          true);
    if (reason != NULL) {
        label(it->out, "reason", reason, false);
    }
    oft_buffer_printf(it->out, "} %llu\n", (unsigned long long)value);
}

static void pool_counters(const struct metrics *it)
{
    static const char *const FAILURES[] = {"unreached",  "rate_limited", "busy", "fault",
                                           "credential", "no_answer",    "stale"};
    static const struct {
        const char *name, *help;
        unsigned cell;
    } PLAIN[] = {
        {"offtake_attempts_total", "Attempts at a pool.", COUNTER_POOL_ATTEMPTS},
        {"offtake_failovers_total", "Attempts that failed and were followed by another pool's.",
         COUNTER_POOL_FAILOVERS},
        {"offtake_cool_downs_total", "How often a pool was given a pause.",
         COUNTER_POOL_COOL_DOWNS},
    };
    for (size_t c = 0; c < OFT_COUNT_OF(PLAIN); c++) {
        head(it, PLAIN[c].name, "counter", PLAIN[c].help);
        for (size_t i = 0; i < it->sums->pool_count; i++) {
            pool_line(it, PLAIN[c].name, &it->sums->pools[i], NULL,
                      it->sums->pools[i].cells[PLAIN[c].cell]);
        }
    }
    head(it, "offtake_attempt_failures_total", "counter",
         "Attempts at a pool that failed, by how.");
    for (size_t i = 0; i < it->sums->pool_count; i++) {
        for (unsigned f = 0; f < COUNTER_ATTEMPT_FAILURES; f++) {
            uint64_t count = it->sums->pools[i].cells[COUNTER_POOL_FAILURES + f];
            if (count > 0) {
                pool_line(it, "offtake_attempt_failures_total", &it->sums->pools[i], FAILURES[f],
                          count);
            }
        }
    }
}

static void pool_gauges(const struct metrics *it)
{
    int64_t now_ms = watch_monotonic_ms();
    head(it, "offtake_pool_cooling_seconds", "gauge",
         "For how long a pool is not asked yet; 0: it is asked.");
    for (size_t i = 0; i < it->sums->pool_count; i++) {
        int64_t left_ms = (int64_t)it->sums->pools[i].down_until_ms - now_ms;
        pool_line(it, "offtake_pool_cooling_seconds", &it->sums->pools[i], NULL,
                  left_ms > 0 ? (uint64_t)(left_ms + 999) / 1000 : 0);
    }
    head(it, "offtake_pool_breaker_state", "gauge",
         "The pool's circuit breaker: 0 closed, 1 open, 2 half open.");
    for (size_t i = 0; i < it->sums->pool_count; i++) {
        pool_line(it, "offtake_pool_breaker_state", &it->sums->pools[i], NULL,
                  it->sums->pools[i].breaker);
    }
}

static void refusals(const struct metrics *it)
{
    head(it, "offtake_refusals_total", "counter",
         "Errors that the gateway answered by itself, by their code.");
    for (size_t i = 0; i < it->sums->reason_count; i++) {
        oft_buffer_append_text(it->out, "offtake_refusals_total");
        label(it->out, "reason", it->sums->reasons[i].text, true);
        oft_buffer_printf(it->out, "} %llu\n", (unsigned long long)it->sums->reasons[i].count);
    }
}

/* ---- limits and money -------------------------------------------------------------------------- */

static void limit_line(const struct metrics *it, const char *name, const struct watch_limit *limit,
                       int period, uint64_t value, unsigned digits)
{
    struct oft_str text = policy_text(&it->engine->watch->view, limit->limit->name);
    char of[WATCH_LABEL_BYTES];
    (void)snprintf(of, sizeof(of), "%.*s", (int)text.length, text.data);
    oft_buffer_append_text(it->out, name);
    label(it->out, "limit", of, true);
    if (period >= 0) {
        label(it->out, "period", period == POLICY_LIMIT_DAY ? "day" : "month", false);
        label(it->out, "currency", it->engine->deal->currency, false);
    }
    oft_buffer_append_text(it->out, "} ");
    watch_decimal(it->out, value, digits);
    oft_buffer_append_char(it->out, '\n');
}

/* One metric of all limits. */
static void
limit_metric(const struct metrics *it, const bool *of_key, const char *name, const char *help,
             void (*line)(const struct metrics *, const char *, const struct watch_limit *))
{
    const struct policy_view *view = &it->engine->watch->view;
    unsigned told = 0;
    head(it, name, "gauge", help);
    for (uint32_t i = 0; i < view->limit_count && told < WATCH_LIMITS_MAX; i++) {
        struct watch_limit limit;
        if (!of_key[i] && watch_limit_read(it->engine, i, it->now_ns, &limit)) {
            line(it, name, &limit);
            told++;
        }
    }
}

static void used_line(const struct metrics *it, const char *name, const struct watch_limit *limit)
{
    for (int period = 0; period < POLICY_LIMIT_PERIODS; period++) {
        if (limit->limit->budget_nanos[period] != INT64_MAX) {
            int64_t used = limit->used_nanos[period];
            limit_line(it, name, limit, period, used < 0 ? 0 : (uint64_t)used, 9);
        }
    }
}

static void budget_line(const struct metrics *it, const char *name, const struct watch_limit *limit)
{
    for (int period = 0; period < POLICY_LIMIT_PERIODS; period++) {
        if (limit->limit->budget_nanos[period] != INT64_MAX) {
            limit_line(it, name, limit, period, (uint64_t)limit->limit->budget_nanos[period], 9);
        }
    }
}

static void running_line(const struct metrics *it, const char *name,
                         const struct watch_limit *limit)
{
    if (limit->limit->concurrent != 0) {
        limit_line(it, name, limit, -1, limit->running < 0 ? 0 : (uint64_t)limit->running, 0);
    }
}

static void concurrent_line(const struct metrics *it, const char *name,
                            const struct watch_limit *limit)
{
    if (limit->limit->concurrent != 0) {
        limit_line(it, name, limit, -1, limit->limit->concurrent, 0);
    }
}

static void limits(const struct metrics *it)
{
    if (it->engine->watch->generation == 0 || it->engine->deal == NULL) {
        return;
    }
    bool *of_key = watch_limits_mark(it->engine->watch);
    if (of_key == NULL) {
        return;
    }
    limit_metric(it, of_key, "offtake_budget_used",
                 "What is spent or promised of a budget in the period that runs. Budgets of keys "
                 "are not told here.",
                 used_line);
    limit_metric(it, of_key, "offtake_budget_limit", "What a budget allows in a period.",
                 budget_line);
    limit_metric(it, of_key, "offtake_limit_running", "Requests that run under a limit.",
                 running_line);
    limit_metric(it, of_key, "offtake_limit_concurrent", "Requests that a limit lets run at once.",
                 concurrent_line);
    free(of_key);
}

/* What the books say was earned and owed, by product and pool. */
static enum oft_err money(const struct metrics *it)
{
    static const struct {
        const char *prefix, *name, *label, *help;
    } KINDS[] = {
        {"revenue/", "offtake_revenue", "product", "Revenue in the books, by product."},
        {"cost/", "offtake_cost", "pool", "Cost in the books, by pool."},
    };
    struct store_balance *balances = NULL;
    size_t count = 0;
    struct oft_arena arena;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = store_balances(it->engine->store, &arena, &balances, &count, it->reterr);
    for (size_t kind = 0; code == OFT_OK && kind < OFT_COUNT_OF(KINDS); kind++) {
        size_t length = strlen(KINDS[kind].prefix);
        head(it, KINDS[kind].name, "gauge", KINDS[kind].help);
        for (size_t i = 0; i < count; i++) {
            char text[OFT_NANOS_TEXT_BYTES];
            if (strncmp(balances[i].account, KINDS[kind].prefix, length) != 0) {
                continue;
            }
            oft_nanos amount = kind == 0 ? -balances[i].amount : balances[i].amount;
            oft_buffer_append_text(it->out, KINDS[kind].name);
            label(it->out, KINDS[kind].label, balances[i].account + length, true);
            label(it->out, "currency", it->engine->deal == NULL ? "" : it->engine->deal->currency,
                  false);
            oft_buffer_printf(it->out, "} %s\n", oft_nanos_format(amount, text));
        }
    }
    oft_arena_release(&arena);
    return code;
}

/* ---- the daemon and its books ------------------------------------------------------------------ */

static enum oft_err books(const struct metrics *it)
{
    struct engine *engine = it->engine;
    uint64_t intents = 0, transactions = 0;
    uint8_t hash[32];
    oft_instant recorded_ns;
    char **names = NULL;
    size_t segments = 0;
    enum oft_err code = store_intent_count(engine->store, &intents, it->reterr);
    if (code == OFT_OK) {
        code = store_chain_head(engine->store, &transactions, hash, &recorded_ns, it->reterr);
    }
    if (code == OFT_OK) {
        code = meter_list(engine->spool, &names, &segments, it->reterr);
    }
    meter_names_free(names, segments);
    plain(it, "offtake_policy_generation", "gauge", engine->generation,
          "The generation of the policy in force.");
    plain(it, "offtake_spool_records_total", "counter", it->sums->records,
          "Records that workers wrote into the spool.");
    plain(it, "offtake_spool_segments", "gauge", segments, "Segments in the spool.");
    plain(it, "offtake_drained_records_total", "counter", engine->records,
          "Records that this daemon read from the spool.");
    plain(it, "offtake_unrated_records_total", "counter", engine->unrated,
          "Records that could not be priced.");
    plain(it, "offtake_damaged_records_total", "counter", engine->corrupt + engine->torn,
          "Records that failed their checksum or were half written.");
    plain(it, "offtake_unsettled_requests_total", "counter", engine->unsettled,
          "Requests whose worker died before it settled them.");
    plain(it, "offtake_open_intents", "gauge", intents,
          "Requests that went to a provider and are not settled.");
    plain(it, "offtake_ledger_transactions", "gauge", transactions,
          "Transactions in the books' chain.");
    seconds(it, "offtake_spool_lag_seconds", "gauge", engine->watch->batch_lag_ns,
            "How old the oldest record of the last batch was when it was booked.");
    seconds(it, "offtake_drain_lag_seconds", "gauge", it->now_ns - engine->watch->caught_up_ns,
            "How long ago the spools were last read to their end.");
    head(it, "offtake_books_bytes", "gauge", "Size of the books on disk.");
    oft_buffer_printf(it->out, "offtake_books_bytes{file=\"books.db\"} %llu\n",
                      (unsigned long long)watch_file_bytes(engine->data, "books.db"));
    oft_buffer_printf(it->out, "offtake_books_bytes{file=\"books.db-wal\"} %llu\n",
                      (unsigned long long)watch_file_bytes(engine->data, "books.db-wal"));
    return code;
}

static void workers(const struct metrics *it)
{
    const struct watch_sums *sums = it->sums;
    plain(it, "offtake_requests_running", "gauge", sums->running, "Requests that run now.");
    plain(it, "offtake_workers", "gauge", sums->worker_count, "nginx workers that live.");
    plain(it, "offtake_worker_starts_total", "counter", sums->workers_ever,
          "nginx workers that were started since the counters began.");
    head(it, "offtake_worker_policy_generation", "gauge",
         "The generation of the policy that a worker has.");
    for (size_t i = 0; i < sums->worker_count; i++) {
        oft_buffer_printf(it->out, "offtake_worker_policy_generation{worker=\"%u\"} %llu\n",
                          sums->workers[i].row, (unsigned long long)sums->workers[i].generation);
    }
    head(it, "offtake_worker_resident_memory_bytes", "gauge", "Resident memory of a worker.");
    for (size_t i = 0; i < sums->worker_count; i++) {
        oft_buffer_printf(it->out, "offtake_worker_resident_memory_bytes{worker=\"%u\"} %llu\n",
                          sums->workers[i].row,
                          (unsigned long long)watch_resident_bytes(sums->workers[i].pid));
    }
    plain(it, "offtake_nginx_up", "gauge", it->extra->nginx_pid > 0, "1 while nginx runs.");
    plain(it, "offtake_nginx_restarts_total", "counter", it->extra->nginx_restarts,
          "How often this daemon started nginx again.");
}

static void process(const struct metrics *it)
{
    struct timespec cpu = {0};
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    head(it, "offtake_build_info", "gauge", "The version of offtake.");
    oft_buffer_append_text(it->out, "offtake_build_info{version=\"" OFFTAKE_VERSION "\"} 1\n");
    plain(it, "process_resident_memory_bytes", "gauge", watch_resident_bytes((uint64_t)getpid()),
          "Resident memory of the daemon.");
    seconds(it, "process_cpu_seconds_total", "counter",
            (int64_t)cpu.tv_sec * OFT_NS_PER_SECOND + cpu.tv_nsec, "Processor time of the daemon.");
    seconds(it, "process_start_time_seconds", "gauge", it->engine->watch->started_ns,
            "When the daemon started, since 1970.");
    plain(it, "offtake_spans_exported_total", "counter", it->extra->spans_exported,
          "Spans of traces that were taken by their receiver.");
    plain(it, "offtake_spans_dropped_total", "counter", it->extra->spans_dropped,
          "Spans of traces that were given up.");
    plain(it, "offtake_spans_waiting", "gauge", it->extra->spans_waiting,
          "Spans of traces that wait to be sent.");
    plain(it, "offtake_span_export_failures_total", "counter", it->extra->span_failures,
          "Attempts to send spans that failed.");
}

enum oft_err engine_metrics(struct engine *engine, const struct engine_watch_extra *extra,
                            oft_instant now_ns, struct oft_buffer *out, struct oft_error *reterr)
{
    struct watch_sums sums;
    struct metrics it = {engine, extra, now_ns, out, &sums, reterr};
    enum oft_err code = watch_sum(engine, &sums, reterr);
    if (code == OFT_OK) {
        process(&it);
        workers(&it);
        requests(&it);
        tokens(&it);
        histograms(&it);
        pool_counters(&it);
        pool_gauges(&it);
        refusals(&it);
        limits(&it);
        code = books(&it);
    }
    if (code == OFT_OK) {
        code = money(&it);
    }
    free(sums.series);
    return code == OFT_OK && out->failed ? oft_fail(reterr, OFT_ERR_MEMORY, "out of memory") : code;
}
