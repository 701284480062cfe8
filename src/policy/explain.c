/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain -- why a request would run where it would run, for people.
 *
 * It opens the very bytes and calls the very function that the gateway uses, and prints what came
 * out; it weighs nothing on its own. The JSON form is in explain_json.c.
 */
#include "base/money.h"
#include "base/time.h"
#include "policy/compile_internal.h"
#include "policy/decide.h"

#include <string.h>

#define LINE_BYTES_MAX 80

/* Bytes that begin a character: a good enough width for names and clauses. */
static size_t width_of(const char *data, size_t length)
{
    size_t width = 0;
    size_t i;

    for (i = 0; i < length; i++) {
        width += ((unsigned char)data[i] & 0xc0) != 0x80;
    }
    return width;
}

/* Appends TEXT word by word from COLUMN on; lines after the first begin at INDENT. */
static void append_wrapped(struct oft_buffer *out, struct oft_str text, size_t column,
                           size_t indent)
{
    size_t i = 0;
    bool first = true;

    while (i < text.length) {
        size_t end = i;
        size_t width;

        while (end < text.length && text.data[end] != ' ') {
            end++;
        }
        width = width_of(text.data + i, end - i);
        if (!first && column + 1 + width > LINE_BYTES_MAX) {
            oft_buffer_append_char(out, '\n');
            oft_buffer_append_repeat(out, ' ', indent);
            column = indent;
        } else if (!first) {
            oft_buffer_append_char(out, ' ');
            column++;
        }
        oft_buffer_append(out, text.data + i, end - i);
        column += width;
        first = false;
        i = end + 1;
    }
    oft_buffer_append_char(out, '\n');
}

static void append_line(struct oft_buffer *out, size_t indent, struct oft_str text)
{
    oft_buffer_append_repeat(out, ' ', indent);
    append_wrapped(out, text, indent, indent);
}

static void append_head(const struct policy_view *view, const struct policy_query *query,
                        const struct policy_answer *answer, struct oft_buffer *out)
{
    const struct policy_regime *regime = &view->regimes[answer->regime];
    char text[OFT_INSTANT_TEXT_BYTES];

    oft_buffer_printf(out, "instant  %s\n", oft_instant_format_short(query->instant_ns, text));
    oft_buffer_append_text(out, "product  ");
    oft_buffer_append_str(out, policy_text(view, view->products[query->product].name));
    oft_buffer_append_text(out, "\nmodel    ");
    oft_buffer_append_str(out, policy_text(view, view->models[query->model].name));
    if (query->region != NULL && query->region[0] != '\0') {
        oft_buffer_printf(out, "\nregion   %s", query->region);
    }
    oft_buffer_printf(out, "\nregime   from %s", oft_instant_format_short(regime->from_ns, text));
    oft_buffer_printf(out, " until %s\n\n", oft_instant_format_short(regime->until_ns, text));
}

/* "name (provider, region, reserved)". */
static void append_pool(const struct policy_view *view, const struct policy_pool *pool,
                        struct oft_buffer *out)
{
    oft_buffer_append_str(out, policy_text(view, pool->name));
    oft_buffer_append_text(out, " (");
    oft_buffer_append_str(out, policy_text(view, pool->provider));
    if (pool->region.length > 0) {
        oft_buffer_append_text(out, ", ");
        oft_buffer_append_str(out, policy_text(view, pool->region));
    }
    oft_buffer_append_text(out, (pool->flags & 1) != 0 ? ", reserved)\n" : ")\n");
}

static void append_clause(const struct policy_view *view, const struct policy_choice *choice,
                          size_t indent, struct oft_buffer *out)
{
    const struct policy_clause *clause = &view->clauses[choice->candidate->clause];
    const char *reason = policy_reason_text(choice->reason);

    append_line(out, indent, oft_str_from(reason));
    oft_buffer_append_repeat(out, ' ', indent);
    oft_buffer_append_text(out, "by ");
    oft_buffer_append_str(out, policy_text(view, clause->name));
    oft_buffer_append_text(out, " at ");
    oft_buffer_append_str(out, policy_text(view, clause->source));
    oft_buffer_append_char(out, '\n');
    append_line(out, indent + 3, policy_text(view, clause->summary));
}

static void append_eligible(const struct policy_view *view, const struct policy_answer *answer,
                            struct oft_buffer *out)
{
    char price[OFT_NANOS_TEXT_BYTES];
    uint32_t i;

    oft_buffer_append_text(out, answer->eligible_count == 0 ? "eligible: none\n"
                                                            : "eligible, in this order\n");
    for (i = 0; i < answer->eligible_count; i++) {
        const struct policy_choice *choice = &answer->choices[i];

        oft_buffer_printf(out, "%3u. ", (unsigned)i + 1);
        append_pool(view, &view->pools[choice->candidate->pool], out);
        append_clause(view, choice, 5, out);
        oft_buffer_printf(out, "     effective price %s for 1M input and 1M output tokens\n",
                          oft_nanos_format(choice->candidate->effective_price_nanos, price));
        /* Offline nothing is resolved, and that all are "down" would say nothing. */
        if (choice->down && answer->up_count > 0) {
            oft_buffer_append_text(out, "     its host name did not resolve: used last\n");
        }
    }
}

static void append_barred(const struct policy_view *view, const struct policy_answer *answer,
                          struct oft_buffer *out)
{
    uint32_t i;

    oft_buffer_append_text(out, answer->barred_count == 0 ? "barred: none\n" : "barred\n");
    for (i = 0; i < answer->barred_count; i++) {
        const struct policy_choice *choice = &answer->choices[answer->eligible_count + i];

        oft_buffer_append_text(out, "  -  ");
        append_pool(view, &view->pools[choice->candidate->pool], out);
        append_clause(view, choice, 5, out);
    }
}

static void append_verdict(const struct policy_view *view, const struct policy_answer *answer,
                           struct oft_buffer *out)
{
    const struct policy_clause *clause;
    struct oft_buffer line;
    uint32_t index;

    if (answer->eligible_count + answer->barred_count == 0) {
        oft_buffer_append_text(out, "refused: no pool serves this model\n");
        return;
    }
    index =
        answer->eligible_count > 0 ? answer->choices[0].candidate->clause : answer->refusal_clause;
    clause = &view->clauses[index];
    oft_buffer_init(&line, 2 * POLICY_TEXT_BYTES_MAX + 1024);
    if (answer->eligible_count > 0) {
        oft_buffer_append_text(&line, "runs on ");
        oft_buffer_append_str(
            &line, policy_text(view, view->pools[answer->choices[0].candidate->pool].name));
        oft_buffer_append_text(&line, " by ");
    } else {
        oft_buffer_append_text(&line, "refused by ");
    }
    oft_buffer_append_str(&line, policy_text(view, clause->name));
    oft_buffer_append_text(&line, ": ");
    oft_buffer_append_str(&line, policy_text(view, clause->summary));
    append_line(out, 0, oft_str_from(oft_buffer_text(&line)));
    out->failed = out->failed || line.failed;
    oft_buffer_release(&line);
}

/* "NAME is no WHAT of this deal; it has: a, b, c", as far as there is room. */
static enum oft_err not_found(const struct policy_view *view, const char *what, struct oft_str name,
                              const struct policy_name *names, uint32_t count,
                              struct oft_error *reterr)
{
    struct oft_buffer list;
    enum oft_err err;
    uint32_t i;

    oft_buffer_init(&list, POLICY_TEXT_BYTES_MAX * 2);
    for (i = 0; i < count && list.length < 300; i++) {
        oft_buffer_append_text(&list, i == 0 ? "" : ", ");
        oft_buffer_append_str(&list, policy_text(view, names[i].name));
    }
    if (i < count) {
        oft_buffer_append_text(&list, ", ...");
    }
    err = oft_fail(reterr, OFT_ERR_NOT_FOUND, "the deal has no %s '%.*s'; it has: %.320s", what,
                   (int)(name.length < 64 ? name.length : 64), name.data == NULL ? "" : name.data,
                   count == 0 ? "none" : oft_buffer_text(&list));
    oft_buffer_release(&list);
    return err;
}

enum oft_err policy_explain(const void *bytes, size_t length, struct oft_str product,
                            struct oft_str model, struct oft_str region, oft_instant at, bool json,
                            struct oft_buffer *out, struct oft_error *reterr)
{
    struct policy_view view;
    struct policy_answer answer;
    struct policy_query query = {.instant_ns = at};
    char region_text[OFT_NAME_BYTES_MAX + 1];
    enum oft_err err = policy_open(&view, bytes, length, reterr);

    if (err != OFT_OK) {
        return err;
    }
    query.product = policy_find_product(&view, product);
    if (query.product == POLICY_NONE) {
        return not_found(&view, "product", product, view.products, view.product_count, reterr);
    }
    query.model = policy_find_model(&view, model);
    if (query.model == POLICY_NONE) {
        return not_found(&view, "model", model, view.models, view.model_count, reterr);
    }
    if (region.length >= sizeof(region_text)) {
        return oft_fail(reterr, OFT_ERR_INVALID, "a region's name has at most %u bytes",
                        OFT_NAME_BYTES_MAX);
    }
    if (region.length > 0) {
        memcpy(region_text, region.data, region.length);
    }
    region_text[region.length] = '\0';
    query.region = region_text;
    policy_decide(&view, &query, &answer);
    if (json) {
        policy_explain_json(&view, &query, &answer, out);
    } else {
        append_head(&view, &query, &answer, out);
        append_verdict(&view, &answer, out);
        oft_buffer_append_char(out, '\n');
        append_eligible(&view, &answer, out);
        append_barred(&view, &answer, out);
    }
    return out->failed ? oft_fail(reterr, OFT_ERR_MEMORY, "no memory for the explanation") : OFT_OK;
}
