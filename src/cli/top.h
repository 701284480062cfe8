/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_CLI_TOP_H
#define OFFTAKE_CLI_TOP_H
/*
 * top -- what `offtake top` shows: two looks at the daemon become rates (top_model.c), rates become lines
 * (top_draw.c), lines go to a terminal (cmd_top.c).
 *
 * All numbers are whole: rates in thousandths a second, times in microseconds, money in nano-units.
 */
#include <jansson.h>

#include "base/memory.h"
#include "base/money.h"

enum { TOP_POOLS_MAX = 512, TOP_BUDGETS_MAX = 512, TOP_NAME_BYTES = 64, TOP_REFUSALS_MAX = 128 };

enum top_sort {
    TOP_BY_NAME,
    TOP_BY_REQUESTS,
    TOP_BY_ERRORS,
    TOP_BY_LATENCY,
    TOP_BY_TOKENS,
    TOP_SORTS
};

struct top_rates { /* in thousandths a second */
    int64_t requests, served, failed, refused, client_left, input_tokens, output_tokens;
};

struct top_pool {
    char name[TOP_NAME_BYTES], provider[TOP_NAME_BYTES], breaker[16];
    bool reserved;
    struct top_rates rates;
    int64_t attempt_failures;                     /* thousandths a second */
    int64_t p50_us, p95_us, p99_us, first_p50_us; /* -1: nothing to tell */
    int64_t cooling_ms;
};

struct top_budget {
    char name[TOP_NAME_BYTES], period[8];
    int64_t used_nanos, limit_nanos;
};

struct top_refusal {
    char reason[TOP_NAME_BYTES];
    int64_t rate; /* thousandths a second */
};

struct top_view {
    char deal[TOP_NAME_BYTES], currency[8], now[40];
    bool rehearsal, nginx_up;
    int64_t generation, workers, running, drain_lag_ms, spool_lag_ms, elapsed_ms;
    struct top_rates rates;
    int64_t p50_us, p95_us, p99_us;
    oft_nanos revenue_minute, cost_minute;
    struct top_pool pools[TOP_POOLS_MAX];
    size_t pool_count;
    struct top_budget budgets[TOP_BUDGETS_MAX];
    size_t budget_count;
    struct top_refusal refusals[TOP_REFUSALS_MAX];
    size_t refusal_count;
};

/* From two answers of GET /v1/top. BEFORE may be NULL: all rates are 0 then. */
void top_view_make(const json_t *before, const json_t *now, struct top_view *ret);
void top_sort_pools(struct top_view *view, enum top_sort sort, bool descending);
/* The view as JSON, for scripts. */
json_t *top_view_json(const struct top_view *view);

struct top_screen {
    unsigned columns, rows; /* rows 0: as many as there are */
    bool colour, keys;      /* keys: the last line names them */
    enum top_sort sort;
    bool descending, paused;
};
/* The lines of VIEW, each ended by a line feed and none longer than the screen. */
void top_draw(const struct top_view *view, const struct top_screen *screen, struct oft_buffer *out);

#endif
