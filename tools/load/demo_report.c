/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results of the demonstration's load: one row for each product, pool and clause, a log line for each
 * request, a summary at the end. Names come from HTTP headers and go into JSON through jansson.
 */
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "demo_report.h"

static struct demo_row *find_row(struct demo_report *report, const struct demo_result *result)
{
    for (unsigned i = 0; i < report->row_count; i++) {
        struct demo_row *row = &report->rows[i];
        if (strcmp(row->product, result->key->product) == 0 &&
            strcmp(row->pool, result->pool) == 0 && strcmp(row->clause, result->clause) == 0)
            return row;
    }
    if (report->row_count == DEMO_ROWS_MAX)
        return NULL;
    struct demo_row *row = &report->rows[report->row_count++];
    (void)snprintf(row->product, sizeof(row->product), "%s", result->key->product);
    (void)snprintf(row->pool, sizeof(row->pool), "%s", result->pool);
    (void)snprintf(row->clause, sizeof(row->clause), "%s", result->clause);
    return row;
}

static bool write_log(FILE *log, const struct demo_result *r)
{
    if (log == NULL)
        return true;
    json_t *line =
        json_pack("{ss ss ss ss ss ss sI sI sI sb sb sI sI sI sI}", "request_id", r->request_id,
                  "account", r->key->account, "product", r->key->product, "model", r->key->model,
                  "pool", r->pool, "clause", r->clause, "status", (json_int_t)r->status, "sent_ns",
                  (json_int_t)r->sent_ns, "received_ns", (json_int_t)r->received_ns, "stream",
                  r->stream, "whole", r->whole, "asked_prompt_tokens", (json_int_t)r->asked_prompt,
                  "asked_completion_tokens", (json_int_t)r->asked_output, "prompt_tokens",
                  (json_int_t)r->prompt, "completion_tokens", (json_int_t)r->output);
    bool good = line != NULL && json_dumpf(line, log, JSON_COMPACT) == 0 && fputc('\n', log) != EOF;
    json_decref(line);
    return good;
}

bool demo_report_add(struct demo_report *report, const struct demo_result *result)
{
    bool good = result->status == 200 && result->whole;
    bool told = result->prompt >= 0 && result->output >= 0;
    bool wrong = told && ((uint64_t)result->prompt != result->asked_prompt ||
                          (uint64_t)result->output != result->asked_output);
    struct demo_row *row = find_row(report, result);
    report->good += good;
    report->failed += !good;
    report->mismatched += wrong;
    report->unlisted += row == NULL;
    if (good)
        load_histogram_add(&report->latency, result->received_ns - result->sent_ns);
    if (row != NULL) {
        row->requests++;
        row->failed += !good;
        if (good) {
            row->asked_prompt += result->asked_prompt;
            row->asked_output += result->asked_output;
        }
        if (told) {
            row->told++;
            row->prompt += (uint64_t)result->prompt;
            row->output += (uint64_t)result->output;
        }
    }
    return write_log(report->log, result);
}

/* "azure-east 400  coreweave 310": requests of each pool, in the order of their first answers. */
static void append_pools(const struct demo_report *report, char *to, size_t size)
{
    size_t used = 0;
    to[0] = '\0';
    for (unsigned i = 0; i < report->row_count && used < size; i++) {
        const char *pool = report->rows[i].pool;
        uint64_t requests = 0;
        bool first = pool[0] != '\0';
        for (unsigned j = 0; j < report->row_count; j++) {
            if (strcmp(report->rows[j].pool, pool) != 0)
                continue;
            first = first && j >= i;
            requests += report->rows[j].requests;
        }
        if (!first)
            continue;
        int length = snprintf(to + used, size - used, "  %.24s %" PRIu64, pool, requests);
        used += length < 0 ? 0 : (size_t)length;
    }
}

void demo_report_progress(struct demo_report *report, unsigned in_flight, bool last)
{
    char pools[48];
    int64_t now = load_monotonic_ns();
    int64_t pause = report->terminal ? OFT_NS_PER_SECOND / 5 : 2 * OFT_NS_PER_SECOND;
    if (!last && now - report->told_ns < pause)
        return;
    report->told_ns = now;
    append_pools(report, pools, sizeof(pools));
    int64_t tenths = (now - report->start_ns) / (OFT_NS_PER_SECOND / 10);
    (void)fprintf(
        stderr, "%s  %3" PRId64 ".%" PRId64 " s %6" PRIu64 " sent %3u open %3" PRIu64 " failed%s%s",
        report->terminal ? "\r\033[K" : "", tenths / 10, tenths % 10, report->sent, in_flight,
        report->failed, pools, report->terminal && !last ? "" : "\n");
    (void)fflush(stderr);
}

static json_t *row_json(const struct demo_row *row)
{
    return json_pack("{ss ss ss sI sI sI sI sI sI sI}", "product", row->product, "pool", row->pool,
                     "clause", row->clause, "requests", (json_int_t)row->requests, "failed",
                     (json_int_t)row->failed, "asked_prompt_tokens", (json_int_t)row->asked_prompt,
                     "asked_completion_tokens", (json_int_t)row->asked_output, "usage_told",
                     (json_int_t)row->told, "prompt_tokens", (json_int_t)row->prompt,
                     "completion_tokens", (json_int_t)row->output);
}

bool demo_report_write(const struct demo_report *report, FILE *to, uint64_t seed)
{
    json_t *rows = json_array();
    bool good = rows != NULL;
    for (unsigned i = 0; good && i < report->row_count; i++)
        good = json_array_append_new(rows, row_json(&report->rows[i])) == 0;
    json_t *root = json_pack(
        "{sI sI sI sI sI sI sI sI so}", "seed", (json_int_t)seed, "sent", (json_int_t)report->sent,
        "succeeded", (json_int_t)report->good, "failed", (json_int_t)report->failed, "mismatched",
        (json_int_t)report->mismatched, "unlisted", (json_int_t)report->unlisted, "p50_us",
        (json_int_t)(load_histogram_quantile(&report->latency, 500) / OFT_NS_PER_US), "p99_us",
        (json_int_t)(load_histogram_quantile(&report->latency, 990) / OFT_NS_PER_US), "rows", rows);
    good = good && root != NULL && json_dumpf(root, to, JSON_INDENT(2)) == 0 &&
           fputc('\n', to) != EOF && fflush(to) == 0;
    json_decref(root);
    return good;
}
