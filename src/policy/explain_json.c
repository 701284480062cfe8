/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain_json -- the explanation as one JSON object on one line.
 *
 * Its strings are escaped by escape.c; amounts are decimal strings, so that no reader turns money
 * into a float. docs/semantics.md lists the members.
 */
#include "base/money.h"
#include "base/time.h"
#include "policy/compile_internal.h"
#include "policy/decide.h"

static const char *const reason_names[] = {
    [POLICY_ALLOWED_BY_POOL] = "allowed_by_pool",
    [POLICY_ALLOWED_BY_EXCLUSIVE] = "allowed_by_exclusive",
    [POLICY_ALLOWED_BY_LICENSE] = "allowed_by_license",
    [POLICY_BARRED_BY_EXCLUSIVE] = "barred_by_exclusive",
    [POLICY_BARRED_BY_RESIDENCY] = "barred_by_residency",
    [POLICY_BARRED_NO_LICENSE] = "barred_no_license",
    [POLICY_BARRED_NOT_SHIPPED] = "barred_not_shipped",
    [POLICY_BARRED_POOL_WINDOW] = "barred_pool_window",
    [POLICY_BARRED_NO_PRICE] = "barred_no_price",
    [POLICY_BARRED_BY_REGION] = "barred_by_region",
    [POLICY_BARRED_BY_KIND] = "barred_by_kind",
};

const char *policy_reason_name(enum policy_reason reason)
{
    return reason_names[reason];
}

static void append_string(struct oft_buffer *out, const char *member, struct oft_str text)
{
    oft_buffer_printf(out, "\"%s\":\"", member);
    policy_escape_json(out, text);
    oft_buffer_append_char(out, '"');
}

static void append_clause(const struct policy_view *view, uint32_t index, struct oft_buffer *out)
{
    const struct policy_clause *clause;

    if (index == POLICY_NONE) {
        oft_buffer_append_text(out, "\"clause\":null");
        return;
    }
    clause = &view->clauses[index];
    append_string(out, "clause", policy_text(view, clause->name));
    oft_buffer_append_char(out, ',');
    append_string(out, "summary", policy_text(view, clause->summary));
    oft_buffer_append_char(out, ',');
    append_string(out, "source", policy_text(view, clause->source));
}

static void append_choice(const struct policy_view *view, const struct policy_choice *choice,
                          bool eligible, struct oft_buffer *out)
{
    const struct policy_pool *pool = &view->pools[choice->candidate->pool];
    char price[OFT_NANOS_TEXT_BYTES];

    oft_buffer_append_char(out, '{');
    append_string(out, "pool", policy_text(view, pool->name));
    oft_buffer_append_char(out, ',');
    append_string(out, "provider", policy_text(view, pool->provider));
    oft_buffer_append_char(out, ',');
    append_string(out, "region", policy_text(view, pool->region));
    oft_buffer_printf(out, ",\"reserved\":%s,\"reason\":\"%s\",",
                      (pool->flags & 1) != 0 ? "true" : "false", reason_names[choice->reason]);
    append_string(out, "why", oft_str_from(policy_reason_text(choice->reason)));
    oft_buffer_append_char(out, ',');
    append_clause(view, choice->candidate->clause, out);
    if (eligible) {
        oft_buffer_printf(out, ",\"effective_price_per_million\":\"%s\"",
                          oft_nanos_format(choice->candidate->effective_price_nanos, price));
    }
    oft_buffer_append_char(out, '}');
}

/* "eligible" or "barred": those of ONLY_POOL unless it is none. */
static void append_choices(const struct policy_view *view, const struct policy_answer *answer,
                           bool eligible, uint32_t only_pool, struct oft_buffer *out)
{
    uint32_t first = eligible ? 0 : answer->eligible_count;
    uint32_t count = eligible ? answer->eligible_count : answer->barred_count;
    bool begun = false;
    uint32_t i;

    oft_buffer_append_text(out, eligible ? ",\"eligible\":[" : ",\"barred\":[");
    for (i = first; i < first + count; i++) {
        if (only_pool != POLICY_NONE && answer->choices[i].candidate->pool != only_pool) {
            continue;
        }
        oft_buffer_append_text(out, begun ? "," : "");
        append_choice(view, &answer->choices[i], eligible, out);
        begun = true;
    }
    oft_buffer_append_char(out, ']');
}

void policy_explain_json(const struct policy_view *view, const struct policy_query *query,
                         const struct policy_answer *answer, uint32_t only_pool,
                         struct oft_buffer *out)
{
    const struct policy_regime *regime = &view->regimes[answer->regime];
    char text[OFT_INSTANT_TEXT_BYTES];

    oft_buffer_printf(out, "{\"instant\":\"%s\",", oft_instant_format(query->instant_ns, text));
    append_string(out, "product", policy_text(view, view->products[query->product].name));
    oft_buffer_append_char(out, ',');
    if (query->path.length > 0) {
        append_string(out, "path", query->path);
        oft_buffer_append_char(out, ',');
    }
    if (query->model == POLICY_NONE) {
        oft_buffer_append_text(out, "\"model\":null");
    } else {
        append_string(out, "model", policy_text(view, view->models[query->model].name));
    }
    oft_buffer_append_char(out, ',');
    if (query->account == POLICY_NONE) {
        oft_buffer_append_text(out, "\"account\":null");
    } else {
        append_string(out, "account", policy_text(view, view->accounts[query->account].name));
    }
    oft_buffer_append_char(out, ',');
    append_string(out, "region", oft_str_from(query->region));
    oft_buffer_printf(out, ",\"regime\":{\"from\":\"%s\",",
                      oft_instant_format(regime->from_ns, text));
    oft_buffer_printf(out, "\"until\":\"%s\"},", oft_instant_format(regime->until_ns, text));
    oft_buffer_printf(out, "\"generation\":%llu,\"allowed\":%s,",
                      (unsigned long long)view->header->generation,
                      answer->eligible_count > 0 ? "true" : "false");
    append_clause(view,
                  answer->eligible_count > 0 ? answer->choices[0].candidate->clause
                                             : answer->refusal_clause,
                  out);
    append_choices(view, answer, true, only_pool, out);
    append_choices(view, answer, false, only_pool, out);
    oft_buffer_append_text(out, "}\n");
}
