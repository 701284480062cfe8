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
    if (query->path.length > 0) {
        oft_buffer_append_text(out, "\npath     ");
        oft_buffer_append_str(out, query->path);
    }
    if (query->model != POLICY_NONE) {
        oft_buffer_append_text(out, "\nmodel    ");
        oft_buffer_append_str(out, policy_text(view, view->models[query->model].name));
    }
    if (query->account != POLICY_NONE) {
        oft_buffer_append_text(out, "\naccount  ");
        oft_buffer_append_str(out, policy_text(view, view->accounts[query->account].name));
    }
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
    if (answer->eligible_count == 0 && answer->refusal_clause == POLICY_NONE) {
        append_line(out, 0,
                    oft_str_from("refused: no pool that the contract allows speaks the API of "
                                 "this path"));
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

/* What the deal has instead, as far as there is room: the names of a section, SIZE bytes an item,
 * each beginning with its id and its name. */
static enum oft_err not_found(const struct policy_view *view, const char *what, struct oft_str name,
                              const void *items, size_t size, uint32_t count,
                              struct oft_error *reterr)
{
    struct oft_buffer list;
    enum oft_err err;
    uint32_t i;

    oft_buffer_init(&list, POLICY_TEXT_BYTES_MAX * 2);
    for (i = 0; i < count && list.length < 300; i++) {
        struct policy_name item;

        memcpy(&item, (const char *)items + i * size, sizeof(item));
        oft_buffer_append_text(&list, i == 0 ? "" : ", ");
        oft_buffer_append_str(&list, policy_text(view, item.name));
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

/* The names of QUESTION as indices. REGION_TEXT (OFT_NAME_BYTES_MAX + 1) holds the region. */
static enum oft_err find_names(const struct policy_view *view,
                               const struct policy_explain_question *question, char *region_text,
                               struct policy_query *query, struct oft_error *reterr)
{
    query->product = policy_find_product(view, question->product);
    if (query->product == POLICY_NONE) {
        return not_found(view, "product", question->product, view->products,
                         sizeof(*view->products), view->product_count, reterr);
    }
    query->model = policy_find_model(view, question->model);
    if (query->model == POLICY_NONE && question->model.length > 0) {
        return not_found(view, "model", question->model, view->models, sizeof(*view->models),
                         view->model_count, reterr);
    }
    query->account = POLICY_NONE;
    if (question->account.length > 0) {
        query->account = policy_find_account(view, question->account);
        if (query->account == POLICY_NONE) {
            return not_found(view, "account", question->account, view->accounts,
                             sizeof(*view->accounts), view->account_count, reterr);
        }
    }
    if (question->region.length > OFT_NAME_BYTES_MAX) {
        return oft_fail(reterr, OFT_ERR_INVALID, "a region's name has at most %u bytes",
                        OFT_NAME_BYTES_MAX);
    }
    if (question->region.length > 0) {
        memcpy(region_text, question->region.data, question->region.length);
    }
    region_text[question->region.length] = '\0';
    query->region = region_text;
    return OFT_OK;
}

/* What the path asks for: a dialect, a model or none, one pool or several. */
static enum oft_err take_path(const struct policy_view *view, struct oft_str text,
                              struct policy_query *query, struct oft_error *reterr)
{
    const char *blank = text.length == 0 ? NULL : memchr(text.data, ' ', text.length);
    bool post = blank == NULL || memcmp(text.data, "POST ", 5) == 0;
    struct oft_str uri = text;
    const struct policy_path_info *info;
    enum policy_path path;

    if (blank != NULL) {
        uri.length -= (size_t)(blank + 1 - text.data);
        uri.data = blank + 1;
    }
    path = policy_path_of(uri.data, uri.length, post);
    info = policy_path_info(path);
    if (text.length > 0 && info->form == POLICY_FORM_OWN) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND, "the gateway itself answers this path");
    }
    if (text.length > 0 && (info->flags & POLICY_PATH_ASKS) != 0 &&
        !policy_passes(view, query->product, uri.data, uri.length)) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND,
                        "the deal lets no such path pass under this product; add to its block: "
                        "passthrough \"%.*s\"",
                        (int)(uri.length < 200 ? uri.length : 200), uri.data);
    }
    if (query->model == POLICY_NONE &&
        (text.length == 0 || info->form == POLICY_FORM_JSON || info->form == POLICY_FORM_PARTS)) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND, "a request for this path names a model");
    }
    if (info->form == POLICY_FORM_BARE) {
        query->model = POLICY_NONE;
    }
    query->path = text;
    query->speaks = text.length > 0 ? info->speaks : 0;
    query->home = text.length > 0 && (info->flags & POLICY_PATH_HOME) != 0;
    return OFT_OK;
}

/* ---- one pool --------------------------------------------------------------------------------- */

/* Why this pool does not run the request, or in which place it does. */
static enum oft_err why_not(const struct policy_view *view, const struct policy_query *query,
                            const struct policy_answer *answer, struct oft_str name,
                            struct oft_buffer *out, struct oft_error *reterr)
{
    uint32_t pool = policy_find_pool(view, name);
    bool found = false;
    uint32_t i;

    if (pool == POLICY_NONE) {
        return not_found(view, "pool", name, view->pools, sizeof(*view->pools), view->pool_count,
                         reterr);
    }
    append_head(view, query, answer, out);
    for (i = 0; i < answer->eligible_count + answer->barred_count; i++) {
        const struct policy_choice *choice = &answer->choices[i];

        if (choice->candidate->pool != pool) {
            continue;
        }
        found = true;
        append_pool(view, &view->pools[pool], out);
        if (i < answer->eligible_count) {
            oft_buffer_printf(out, "  is eligible, in place %u of %u\n", (unsigned)i + 1,
                              (unsigned)answer->eligible_count);
        } else {
            oft_buffer_append_text(out, "  is barred\n");
        }
        append_clause(view, choice, 2, out);
    }
    if (!found) {
        append_pool(view, &view->pools[pool], out);
        oft_buffer_append_text(out, query->home ? "  is not the first pool of the product\n"
                                                : "  does not serve this model\n");
    }
    return OFT_OK;
}

enum oft_err policy_explain(const void *bytes, size_t length,
                            const struct policy_explain_question *question, bool json,
                            struct oft_buffer *out, struct oft_error *reterr)
{
    struct policy_choice choices[OFT_POOLS_PER_DECISION_MAX];
    struct policy_view view;
    struct policy_answer answer;
    struct policy_query query = {.instant_ns = question->at, .with_barred = true};
    char region_text[OFT_NAME_BYTES_MAX + 1];
    enum oft_err err = policy_open(&view, bytes, length, reterr);

    if (err == OFT_OK) {
        err = find_names(&view, question, region_text, &query, reterr);
    }
    if (err == OFT_OK) {
        err = take_path(&view, question->path, &query, reterr);
    }
    if (err != OFT_OK) {
        return err;
    }
    if (query.model == POLICY_NONE) {
        policy_decide_bare(&view, &query, choices, OFT_POOLS_PER_DECISION_MAX, &answer);
    } else {
        policy_decide(&view, &query, choices, OFT_POOLS_PER_DECISION_MAX, &answer);
    }
    if (question->why_not.length > 0 && !json) {
        err = why_not(&view, &query, &answer, question->why_not, out, reterr);
    } else if (json) {
        if (question->why_not.length > 0) {
            uint32_t pool = policy_find_pool(&view, question->why_not);

            if (pool == POLICY_NONE) {
                return not_found(&view, "pool", question->why_not, view.pools, sizeof(*view.pools),
                                 view.pool_count, reterr);
            }
            policy_explain_json(&view, &query, &answer, pool, out);
        } else {
            policy_explain_json(&view, &query, &answer, POLICY_NONE, out);
        }
    } else {
        append_head(&view, &query, &answer, out);
        append_verdict(&view, &answer, out);
        oft_buffer_append_char(out, '\n');
        append_eligible(&view, &answer, out);
        append_barred(&view, &answer, out);
    }
    if (err == OFT_OK && out->failed) {
        err = oft_fail(reterr, OFT_ERR_MEMORY, "no memory for the explanation");
    }
    return err;
}

/* ---- many questions --------------------------------------------------------------------------- */

static struct oft_str next_field(struct oft_str *line)
{
    struct oft_str field = *line;
    size_t i;

    for (i = 0; i < line->length && line->data[i] != '\t'; i++) {
    }
    field.length = i;
    i += i < line->length ? 1 : 0;
    *line = (struct oft_str){line->data + i, line->length - i};
    return field;
}

static struct oft_str dashed(struct oft_str field)
{
    return oft_str_is(field, "-") ? (struct oft_str){"", 0} : field;
}

static void append_choices(const struct policy_view *view, const struct policy_choice *choices,
                           uint32_t count, struct oft_buffer *out)
{
    uint32_t i;

    for (i = 0; i < count; i++) {
        const struct policy_candidate *candidate = choices[i].candidate;

        oft_buffer_append_char(out, i == 0 ? '\t' : ' ');
        oft_buffer_append_str(out, policy_text(view, view->pools[candidate->pool].name));
        oft_buffer_printf(out, ":%s:", policy_reason_name(choices[i].reason));
        oft_buffer_append_str(out, policy_text(view, view->clauses[candidate->clause].name));
    }
    oft_buffer_append_text(out, count == 0 ? "\t-" : "");
}

void policy_explain_line(const struct policy_view *view, struct oft_str line,
                         struct oft_buffer *out)
{
    struct policy_choice choices[OFT_POOLS_PER_DECISION_MAX];
    struct policy_explain_question question = {.at = 0};
    struct policy_query query = {.with_barred = true};
    struct policy_answer answer;
    struct oft_error error = {0};
    struct oft_str instant = next_field(&line);
    char region_text[OFT_NAME_BYTES_MAX + 1];
    bool asked;

    question.product = next_field(&line);
    question.model = next_field(&line);
    question.account = dashed(next_field(&line));
    question.region = dashed(next_field(&line));
    asked = oft_instant_parse(instant, &query.instant_ns) == OFT_OK;
    if (!asked || find_names(view, &question, region_text, &query, &error) != OFT_OK ||
        take_path(view, question.path, &query, &error) != OFT_OK) {
        oft_buffer_printf(out, "error\t%s\n", asked ? error.message : "this is no instant");
        return;
    }
    policy_decide(view, &query, choices, OFT_POOLS_PER_DECISION_MAX, &answer);
    oft_buffer_append_text(out, answer.eligible_count > 0                         ? "allow"
                                : answer.eligible_count + answer.barred_count > 0 ? "deny"
                                                                                  : "nobody");
    append_choices(view, choices, answer.eligible_count, out);
    append_choices(view, choices + answer.eligible_count, answer.barred_count, out);
    oft_buffer_append_char(out, '\t');
    if (answer.refusal_clause == POLICY_NONE) {
        oft_buffer_append_char(out, '-');
    } else {
        oft_buffer_append_str(out, policy_text(view, view->clauses[answer.refusal_clause].name));
    }
    oft_buffer_append_char(out, '\n');
}
