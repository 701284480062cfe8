/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake prices diff`: what changed in price between two deal files. A price is known by its id:
 * whose it is, the model, the variant, the context, and from when.
 */
#include <string.h>

#include "cli/prices.h"

struct pair {
    const struct deal *before, *after;
    struct oft_buffer *out;
    struct oft_json json;
    bool as_json;
    unsigned found;
};

static const struct deal_price *find(const struct deal *deal, const char *id)
{
    for (uint32_t i = 0; i < deal->price_count; i++) {
        if (strcmp(deal->prices[i].id, id) == 0) {
            return &deal->prices[i];
        }
    }
    return NULL;
}

/* The latest it can end when nothing is attested, and whether an event may end it too. */
static bool same_end(const struct deal *a, const struct deal_end *x, const struct deal *b,
                     const struct deal_end *y)
{
    if (x->kind != y->kind || x->part_count != y->part_count) {
        return false;
    }
    if (x->kind == DEAL_END_EVENT) {
        return strcmp(a->events[x->event].name, b->events[y->event].name) == 0;
    }
    for (uint32_t i = 0; i < x->part_count; i++) {
        if (!same_end(a, &x->parts[i], b, &y->parts[i])) {
            return false;
        }
    }
    return x->instant == y->instant;
}

static bool same_rates(const oft_nanos *a, const oft_nanos *b)
{
    return memcmp(a, b, DEAL_UNIT_COUNT * sizeof(*a)) == 0;
}

static bool same_steps(const struct deal_price *a, const struct deal_price *b)
{
    bool same = a->step_count == b->step_count;
    for (uint32_t i = 0; same && i < a->step_count; i++) {
        same = a->steps[i].after == b->steps[i].after &&
               same_rates(a->steps[i].per_million_nanos, b->steps[i].per_million_nanos);
    }
    return same;
}

static void append_change(struct pair *pair, int unit, oft_nanos before, oft_nanos after)
{
    char old[OFT_NANOS_TEXT_BYTES];
    char new[OFT_NANOS_TEXT_BYTES];
    oft_buffer_printf(pair->out, "    %s %s -> %s %s per 1M\n", cli_class_name(unit),
                      oft_nanos_format_grouped(before, old), oft_nanos_format_grouped(after, new),
                      pair->before->currency);
}

static void tell_changed(struct pair *pair, const struct deal_price *before,
                         const struct deal_price *after)
{
    bool steps = !same_steps(before, after);
    bool ends = !same_end(pair->before, &before->until, pair->after, &after->until);
    if (pair->as_json) {
        oft_json_put_bool(&pair->json, "steps_changed", steps);
        oft_json_put_bool(&pair->json, "end_changed", ends);
        cli_rates_json(&pair->json, "before", before->per_million_nanos);
        cli_rates_json(&pair->json, "after", after->per_million_nanos);
        return;
    }
    for (int unit = 0; unit < DEAL_UNIT_COUNT; unit++) {
        if (before->per_million_nanos[unit] != after->per_million_nanos[unit]) {
            append_change(pair, unit, before->per_million_nanos[unit],
                          after->per_million_nanos[unit]);
        }
    }
    oft_buffer_append_text(pair->out, steps ? "    its steps by volume\n" : "");
    oft_buffer_append_text(pair->out, ends ? "    its end\n" : "");
}

static void tell_one(struct pair *pair, const struct deal *deal, const struct deal_price *price)
{
    if (pair->as_json) {
        cli_rates_json(&pair->json, deal == pair->before ? "before" : "after",
                       price->per_million_nanos);
        return;
    }
    for (int unit = 0; unit < DEAL_UNIT_COUNT; unit++) {
        if (price->per_million_nanos[unit] != 0) {
            oft_buffer_append_text(pair->out, "    ");
            cli_price_append(pair->out, deal, unit, price->per_million_nanos[unit]);
            oft_buffer_append_char(pair->out, '\n');
        }
    }
}

static void begin(struct pair *pair, const char *what, const struct deal *deal,
                  const struct deal_price *price)
{
    pair->found++;
    if (pair->as_json) {
        oft_json_open(&pair->json, '{');
        oft_json_put_text(&pair->json, "change", what);
        cli_price_json(&pair->json, deal, price);
    } else {
        oft_buffer_printf(pair->out, "%s  %s\n", what, price->id);
    }
}

static void end(struct pair *pair)
{
    if (pair->as_json) {
        oft_json_close(&pair->json, '}');
    }
}

static void compare(struct pair *pair)
{
    for (uint32_t i = 0; i < pair->before->price_count; i++) {
        const struct deal_price *before = &pair->before->prices[i];
        const struct deal_price *after = find(pair->after, before->id);
        if (after == NULL) {
            begin(pair, "removed", pair->before, before);
            tell_one(pair, pair->before, before);
            end(pair);
        } else if (!same_rates(before->per_million_nanos, after->per_million_nanos) ||
                   !same_steps(before, after) ||
                   !same_end(pair->before, &before->until, pair->after, &after->until)) {
            begin(pair, "changed", pair->before, before);
            tell_changed(pair, before, after);
            end(pair);
        }
    }
    for (uint32_t i = 0; i < pair->after->price_count; i++) {
        const struct deal_price *after = &pair->after->prices[i];
        if (find(pair->before, after->id) == NULL) {
            begin(pair, "added", pair->after, after);
            tell_one(pair, pair->after, after);
            end(pair);
        }
    }
}

static int diff_deals(const struct deal *before, const struct deal *after, bool as_json)
{
    struct oft_buffer out;
    struct pair pair = {before, after, &out, {.out = &out}, as_json, 0};
    oft_buffer_init(&out, CLI_REPORT_BYTES_MAX);
    if (strcmp(before->currency, after->currency) != 0) {
        oft_buffer_release(&out);
        return cli_error(CLI_NO, "the one deal is in %s and the other in %s: no price compares",
                         before->currency, after->currency);
    }
    if (as_json) {
        oft_json_open(&pair.json, '{');
        oft_json_put_text(&pair.json, "currency", before->currency);
        oft_json_key(&pair.json, "changes");
        oft_json_open(&pair.json, '[');
    }
    compare(&pair);
    if (as_json) {
        oft_json_close(&pair.json, ']');
        oft_json_close(&pair.json, '}');
        oft_buffer_append_char(&out, '\n');
    } else if (pair.found == 0) {
        oft_buffer_append_text(&out, "No price changed.\n");
    }
    int code = cli_prices_answer(&out);
    return code == CLI_OK && pair.found > 0 ? CLI_NO : code;
}

int cli_prices_diff(const char *before_path, const char *after_path,
                    const struct cli_prices_ask *ask)
{
    int code;
    struct deal *after = NULL;
    struct deal *before = cli_deal_read(before_path, &code);
    if (before != NULL) {
        after = cli_deal_read(after_path, &code);
    }
    if (after != NULL) {
        code = diff_deals(before, after, ask->json);
    }
    deal_free(before);
    deal_free(after);
    return code;
}
