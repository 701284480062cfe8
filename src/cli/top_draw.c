/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of `offtake top`: text of at most the screen's width, with a few colours when they are wanted.
 */
#include <stdio.h>
#include <string.h>

#include "cli/top.h"

#define PLAIN   "\033[0m"
#define BOLD    "\033[1m"
#define RED     "\033[31m"
#define YELLOW  "\033[33m"
#define REVERSE "\033[7m"

enum { LINE_BYTES = 1024 };

struct drawing {
    const struct top_screen *screen;
    struct oft_buffer *out;
    unsigned lines;
};

/* Bytes of TEXT that take at most COLUMNS columns: a character of UTF-8 counts as one. */
static size_t cut(const char *text, unsigned columns)
{
    size_t length = 0;
    unsigned used = 0;
    for (; text[length] != '\0'; length++) {
        if (((unsigned char)text[length] & 0xc0u) != 0x80u && used++ == columns) {
            break;
        }
    }
    return length;
}

static void line(struct drawing *it, const char *style, const char *format, ...) OFT_PRINTF(3, 4);

/* One line, cut to the screen; the last row stays for the keys. */
static void line(struct drawing *it, const char *style, const char *format, ...)
{
    char text[LINE_BYTES];
    const struct top_screen *screen = it->screen;
    va_list arguments;
    if (screen->rows != 0 && it->lines + 1 + (screen->keys ? 1 : 0) > screen->rows) {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    bool styled = screen->colour && style != NULL;
    if (styled) {
        oft_buffer_append_text(it->out, style);
    }
    size_t length = cut(text, screen->columns);
    while (length > 0 && text[length - 1] == ' ' && !styled) {
        length--;
    }
    oft_buffer_append(it->out, text, length);
    oft_buffer_append_text(it->out, styled ? PLAIN "\n" : "\n");
    it->lines++;
}

/* "12.3", "4.5k", "1.2M": thousandths made short. */
static const char *short_rate(int64_t thousandths, char out[24])
{
    static const char UNITS[] = {'\0', 'k', 'M', 'G'};
    unsigned unit = 0;
    while (thousandths >= 9999500 && unit + 1 < sizeof UNITS) {
        thousandths = (thousandths + 500) / 1000;
        unit++;
    }
    int64_t tenths = (thousandths + 50) / 100;
    (void)snprintf(out, 24, "%lld.%lld%.1s", (long long)(tenths / 10), (long long)(tenths % 10),
                   UNITS[unit] == '\0' ? "" : &UNITS[unit]);
    return out;
}

static const char *short_time(int64_t us, char out[24])
{
    if (us < 0) {
        return "-";
    }
    if (us < 10000) {
        (void)snprintf(out, 24, "%lld.%lldms", (long long)(us / 1000),
                       (long long)(us % 1000 / 100));
    } else if (us < 10000000) {
        (void)snprintf(out, 24, "%lldms", (long long)(us / 1000));
    } else {
        (void)snprintf(out, 24, "%llds", (long long)(us / 1000000));
    }
    return out;
}

/* Money to the hundredth: this is to look at, not to book. */
static const char *short_money(oft_nanos amount, char out[OFT_NANOS_TEXT_BYTES])
{
    return oft_nanos_format_grouped(amount / 10000000 * 10000000, out);
}

static void draw_head(struct drawing *it, const struct top_view *view)
{
    char a[24], b[24], c[24], d[24], e[24], f[24];
    char revenue[OFT_NANOS_TEXT_BYTES], cost[OFT_NANOS_TEXT_BYTES];
    line(it, BOLD, "offtake  %.28s  %.19sZ%s  generation %lld%s", view->deal, view->now,
         view->rehearsal ? " REHEARSAL" : "", (long long)view->generation,
         it->screen->paused ? "  PAUSED" : "");
    line(it, view->nginx_up ? NULL : RED,
         "nginx %s  workers %lld  running %lld  books %lld ms behind",
         view->nginx_up ? "up" : "DOWN", (long long)view->workers, (long long)view->running,
         (long long)view->drain_lag_ms);
    line(it, view->rates.failed > 0 ? RED : NULL,
         "a second: %s requests  %s served  %s failed  %s refused",
         short_rate(view->rates.requests, a), short_rate(view->rates.served, b),
         short_rate(view->rates.failed, c), short_rate(view->rates.refused, d));
    line(it, NULL, "tokens a second: %s in  %s out    p50 %s  p95 %s  p99 %s",
         short_rate(view->rates.input_tokens, a), short_rate(view->rates.output_tokens, b),
         short_time(view->p50_us, d), short_time(view->p95_us, e), short_time(view->p99_us, f));
    line(it, NULL, "%s a minute: %s earned  %s owed", view->currency,
         short_money(view->revenue_minute, revenue), short_money(view->cost_minute, cost));
}

static void pool_state(const struct top_pool *pool, char out[32])
{
    if (pool->cooling_ms > 0) {
        (void)snprintf(out, 32, "pause %llds", (long long)((pool->cooling_ms + 999) / 1000));
    } else if (strcmp(pool->breaker, "half-open") == 0) {
        (void)snprintf(out, 32, "probing");
    } else {
        (void)snprintf(out, 32, "%s", pool->reserved ? "reserved" : "up");
    }
}

static void draw_pools(struct drawing *it, const struct top_view *view)
{
    static const char *const TITLES[TOP_SORTS] = {"POOL", "REQ/S", "ERR/S", "P95", "OUT/S"};
    char marked[TOP_SORTS][16];
    for (unsigned i = 0; i < TOP_SORTS; i++) {
        (void)snprintf(marked[i], sizeof marked[i], "%s%s", TITLES[i],
                       i != (unsigned)it->screen->sort ? ""
                       : it->screen->descending        ? "v"
                                                       : "^");
    }
    line(it, NULL, "%s", "");
    line(it, REVERSE, "%-16s %-10s %7s %7s %7s %7s %7s %7s  %-9s", marked[TOP_BY_NAME], "PROVIDER",
         marked[TOP_BY_REQUESTS], marked[TOP_BY_ERRORS], "P50", marked[TOP_BY_LATENCY], "TTFT",
         marked[TOP_BY_TOKENS], "STATE");
    for (size_t i = 0; i < view->pool_count; i++) {
        const struct top_pool *pool = &view->pools[i];
        char a[24], b[24], c[24], d[24], e[24], f[24], state[32];
        int64_t errors = pool->rates.failed + pool->attempt_failures;
        pool_state(pool, state);
        line(it,
             errors > 0             ? RED
             : pool->cooling_ms > 0 ? YELLOW
                                    : NULL,
             "%-16.16s %-10.10s %7s %7s %7s %7s %7s %7s  %-9s", pool->name, pool->provider,
             short_rate(pool->rates.requests, a), short_rate(errors, b),
             short_time(pool->p50_us, c), short_time(pool->p95_us, d),
             short_time(pool->first_p50_us, e), short_rate(pool->rates.output_tokens, f), state);
    }
}

static void draw_budgets(struct drawing *it, const struct top_view *view)
{
    enum { BAR = 20 };
    if (view->budget_count == 0) {
        return;
    }
    line(it, NULL, "%s", "");
    line(it, REVERSE, "%-24s %-6s %14s %14s  %-22s", "BUDGET", "PERIOD", "USED", "OF", "");
    for (size_t i = 0; i < view->budget_count; i++) {
        const struct top_budget *budget = &view->budgets[i];
        char used[OFT_NANOS_TEXT_BYTES], limit[OFT_NANOS_TEXT_BYTES], bar[BAR + 1];
        oft_nanos filled = budget->limit_nanos <= 0
                               ? BAR
                               : (oft_nanos)budget->used_nanos * BAR / budget->limit_nanos;
        for (int at = 0; at < BAR; at++) {
            bar[at] = at < filled ? '#' : '.';
        }
        bar[BAR] = '\0';
        line(it,
             filled >= BAR            ? RED
             : filled >= BAR * 9 / 10 ? YELLOW
                                      : NULL,
             "%-24.24s %-6s %14s %14s  %s", budget->name, budget->period,
             short_money(budget->used_nanos, used), short_money(budget->limit_nanos, limit), bar);
    }
}

static void draw_refusals(struct drawing *it, const struct top_view *view)
{
    char text[LINE_BYTES] = "";
    size_t length = 0;
    for (size_t i = 0; i < view->refusal_count && length < sizeof text - 100; i++) {
        char a[24];
        if (view->refusals[i].rate > 0) {
            length +=
                (size_t)snprintf(text + length, sizeof text - length, "  %s %s",
                                 view->refusals[i].reason, short_rate(view->refusals[i].rate, a));
        }
    }
    if (length > 0) {
        line(it, NULL, "%s", "");
        line(it, YELLOW, "refused a second:%s", text);
    }
}

void top_draw(const struct top_view *view, const struct top_screen *screen, struct oft_buffer *out)
{
    struct drawing it = {screen, out, 0};
    draw_head(&it, view);
    draw_pools(&it, view);
    draw_budgets(&it, view);
    draw_refusals(&it, view);
    if (screen->keys) {
        static const char KEYS[] = "q quit   left, right: sort by   up, down: order   space: pause";
        oft_buffer_append(out, KEYS, cut(KEYS, screen->columns));
    }
}
