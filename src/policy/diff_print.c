/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff_print -- records that say the same become one: first over sets of events, then over models,
 * then over accounts. Then they are printed, in the order of time.
 */
#include <stdlib.h>
#include <string.h>

#include "policy/diff_internal.h"

static const char every_account[] = "every account";

/* ---- joining ---------------------------------------------------------------------------------- */

static int compare_texts(const char *a, const char *b)
{
    if (a == b) {
        return 0;
    }
    return a == NULL ? -1 : b == NULL ? 1 : strcmp(a, b);
}

static int compare_places(const struct record *x, const struct record *y)
{
    int order = (x->from > y->from) - (x->from < y->from);

    order = order != 0 ? order : (x->until > y->until) - (x->until < y->until);
    order = order != 0 ? order : compare_texts(x->product, y->product);
    order = order != 0 ? order : compare_texts(x->pool, y->pool);
    order = order != 0 ? order : (x->a.place > y->a.place) - (x->a.place < y->a.place);
    order = order != 0 ? order : (x->b.place > y->b.place) - (x->b.place < y->b.place);
    order = order != 0 ? order : (x->a.reason > y->a.reason) - (x->a.reason < y->a.reason);
    return order != 0 ? order : (x->b.reason > y->b.reason) - (x->b.reason < y->b.reason);
}

static int compare_for_sets(const void *a, const void *b)
{
    const struct record *x = a;
    const struct record *y = b;
    int order = compare_places(x, y);

    order = order != 0 ? order : compare_texts(x->account, y->account);
    return order != 0 ? order : compare_texts(x->model, y->model);
}

static int compare_for_models(const void *a, const void *b)
{
    const struct record *x = a;
    const struct record *y = b;
    int order = compare_places(x, y);

    order = order != 0 ? order : compare_texts(x->account, y->account);
    order = order != 0 ? order : (x->sets > y->sets) - (x->sets < y->sets);
    return order != 0 ? order : compare_texts(x->model, y->model);
}

static int compare_for_accounts(const void *a, const void *b)
{
    const struct record *x = a;
    const struct record *y = b;
    int order = compare_places(x, y);

    order = order != 0 ? order : (x->sets > y->sets) - (x->sets < y->sets);
    order = order != 0 ? order : compare_texts(x->models.data, y->models.data);
    return order != 0 ? order : compare_texts(x->account, y->account);
}

void policy_diff_join_sets(struct differ *d)
{
    size_t kept = 0;
    size_t i;

    qsort(d->records, d->count, sizeof(*d->records), compare_for_sets);
    for (i = 0; i < d->count; i++) {
        if (kept > 0 && compare_for_sets(&d->records[kept - 1], &d->records[i]) == 0) {
            d->records[kept - 1].sets |= d->records[i].sets;
        } else {
            d->records[kept++] = d->records[i];
        }
    }
    d->count = kept;
}

/* "x, y, z" of the records from FIRST to LAST, in OUT's memory. */
static struct oft_str join_names(struct differ *d, size_t first, size_t last, bool models)
{
    struct oft_buffer text;
    struct oft_str joined = {"", 0};
    size_t i;

    oft_buffer_init(&text, (size_t)1 << 20);
    for (i = first; i < last; i++) {
        const char *name = models ? d->records[i].model : d->records[i].account;

        oft_buffer_append_text(&text, i > first ? ", " : "");
        oft_buffer_append_text(&text, name);
    }
    joined.data = policy_diff_intern(d, oft_str_from(oft_buffer_text(&text)));
    joined.length = strlen(joined.data);
    oft_buffer_release(&text);
    return joined;
}

void policy_diff_join_models(struct differ *d)
{
    size_t kept = 0;
    size_t first = 0;
    size_t last;

    qsort(d->records, d->count, sizeof(*d->records), compare_for_models);
    while (first < d->count && d->err == OFT_OK) {
        struct record joined = d->records[first];

        for (last = first + 1; last < d->count; last++) {
            const struct record *next = &d->records[last];

            if (compare_places(&joined, next) != 0 ||
                compare_texts(joined.account, next->account) != 0 || joined.sets != next->sets) {
                break;
            }
        }
        joined.models =
            last - first == d->model_count && d->model_count > 1
                ? (struct oft_str){policy_diff_intern(d, oft_str_from("every model")), 11}
                : join_names(d, first, last, true);
        d->records[kept++] = joined;
        first = last;
    }
    d->count = kept;
}

void policy_diff_join_accounts(struct differ *d)
{
    size_t kept = 0;
    size_t first = 0;
    size_t last;

    qsort(d->records, d->count, sizeof(*d->records), compare_for_accounts);
    while (first < d->count && d->err == OFT_OK) {
        struct record joined = d->records[first];

        for (last = first + 1; last < d->count; last++) {
            const struct record *next = &d->records[last];

            if (compare_places(&joined, next) != 0 || joined.sets != next->sets ||
                compare_texts(joined.models.data, next->models.data) != 0) {
                break;
            }
        }
        if (last - first == d->who_count) {
            joined.accounts = (struct oft_str){every_account, sizeof(every_account) - 1};
        } else {
            joined.accounts = join_names(d, first, last, false);
        }
        d->records[kept++] = joined;
        first = last;
    }
    d->count = kept;
}

/* ---- the answer ------------------------------------------------------------------------------- */

/* The events on which it depends whether a set is among SETS. */
static uint32_t relevant_events(const struct differ *d, uint64_t sets)
{
    uint32_t relevant = 0;
    uint32_t i, set;

    for (i = 0; i < d->event_count; i++) {
        for (set = 0; set < (1u << d->event_count); set++) {
            if (((sets >> set) & 1) != ((sets >> (set ^ (1u << i))) & 1)) {
                relevant |= 1u << i;
            }
        }
    }
    return relevant;
}

/* "when azure-cannot and not azure-declines", a line for each such case. */
static void append_sets(const struct differ *d, uint64_t sets, struct oft_buffer *out)
{
    uint32_t relevant = relevant_events(d, sets);
    bool first_line = true;
    uint32_t set, i;

    for (set = 0; relevant != 0 && set < (1u << d->event_count); set++) {
        bool first_word = true;

        if (((sets >> set) & 1) == 0 || (set & ~relevant) != 0) {
            continue; /* the events that do not matter are shown as not having happened */
        }
        oft_buffer_append_text(out, first_line ? "    when " : "    or   ");
        for (i = 0; i < d->event_count; i++) {
            if ((relevant & (1u << i)) != 0) {
                oft_buffer_printf(out, "%s%s%s", first_word ? "" : " and ",
                                  (set & (1u << i)) != 0 ? "" : "not ", d->events[i].name);
                first_word = false;
            }
        }
        oft_buffer_append_char(out, '\n');
        first_line = false;
    }
}

static void append_side(const struct side *side, struct oft_buffer *out)
{
    if (side->reason == SAYS_NOTHING) {
        oft_buffer_append_text(out, "not there");
    } else if (says_eligible(side->reason)) {
        oft_buffer_append_text(out, "eligible");
        if (side->place > 0) {
            oft_buffer_printf(out, " in place %u", (unsigned)side->place);
        }
        oft_buffer_printf(out, " by %s", side->clause);
    } else {
        oft_buffer_printf(out, "barred by %s", side->clause);
    }
}

void policy_diff_print(const struct differ *d, struct oft_buffer *out)
{
    const struct record *before = NULL;
    char a[OFT_INSTANT_TEXT_BYTES];
    char b[OFT_INSTANT_TEXT_BYTES];
    size_t i;

    for (i = 0; i < d->count; i++) {
        const struct record *it = &d->records[i];

        if (before == NULL || before->from != it->from || before->until != it->until) {
            oft_buffer_printf(out, "%sfrom %s until %s\n", before == NULL ? "" : "\n",
                              oft_instant_format_short(it->from, a),
                              oft_instant_format_short(it->until, b));
        }
        oft_buffer_printf(out, "  %s with %s; ", it->product, it->models.data);
        oft_buffer_printf(out, it->accounts.data == every_account ? "%s" : "account %s",
                          it->accounts.data);
        oft_buffer_append_char(out, '\n');
        append_sets(d, it->sets, out);
        oft_buffer_printf(out, "    %s: ", it->pool);
        append_side(&it->a, out);
        oft_buffer_append_text(out, "\n      -> ");
        append_side(&it->b, out);
        oft_buffer_append_char(out, '\n');
        before = it;
    }
    if (d->count == 0) {
        oft_buffer_append_text(out, "no decision differs\n");
    }
    oft_buffer_printf(out, "%slooked at %llu decisions in %llu set%s of events: all there are\n",
                      d->count == 0 ? "" : "\n", (unsigned long long)d->decisions,
                      (unsigned long long)d->sets, d->sets == 1 ? "" : "s");
}

static void json_string(struct oft_buffer *out, const char *member, const char *text)
{
    oft_buffer_printf(out, "\"%s\":\"", member);
    policy_escape_json(out, oft_str_from(text));
    oft_buffer_append_char(out, '"');
}

static void json_side(struct oft_buffer *out, const char *member, const struct side *side)
{
    oft_buffer_printf(out, ",\"%s\":{", member);
    json_string(out, "reason",
                side->reason == SAYS_NOTHING
                    ? "not_there"
                    : policy_reason_name((enum policy_reason)side->reason));
    oft_buffer_append_char(out, ',');
    json_string(out, "clause", side->clause);
    oft_buffer_printf(out, ",\"eligible\":%s,\"place\":%u}",
                      says_eligible(side->reason) ? "true" : "false", (unsigned)side->place);
}

static void json_sets(const struct differ *d, uint64_t sets, struct oft_buffer *out)
{
    bool begun = false;
    uint32_t set, i;

    oft_buffer_append_text(out, ",\"event_sets\":[");
    for (set = 0; set < (1u << d->event_count); set++) {
        bool named = false;

        if ((sets & (UINT64_C(1) << set)) == 0) {
            continue;
        }
        oft_buffer_append_text(out, begun ? ",[" : "[");
        begun = true;
        for (i = 0; i < d->event_count; i++) {
            if ((set & (1u << i)) != 0) {
                oft_buffer_printf(out, "%s\"%s\"", named ? "," : "", d->events[i].name);
                named = true;
            }
        }
        oft_buffer_append_char(out, ']');
    }
    oft_buffer_append_char(out, ']');
}

void policy_diff_print_json(const struct differ *d, struct oft_buffer *out)
{
    char when[OFT_INSTANT_TEXT_BYTES];
    size_t i;

    oft_buffer_printf(out, "{\"same\":%s,\"event_sets\":%llu,\"decisions\":%llu,\"differences\":[",
                      d->count == 0 ? "true" : "false", (unsigned long long)d->sets,
                      (unsigned long long)d->decisions);
    for (i = 0; i < d->count; i++) {
        const struct record *it = &d->records[i];

        oft_buffer_append_text(out, i > 0 ? ",\n{" : "\n{");
        json_string(out, "from", oft_instant_format(it->from, when));
        oft_buffer_append_char(out, ',');
        json_string(out, "until", oft_instant_format(it->until, when));
        oft_buffer_append_char(out, ',');
        json_string(out, "product", it->product);
        oft_buffer_append_char(out, ',');
        json_string(out, "models", it->models.data);
        oft_buffer_append_char(out, ',');
        json_string(out, "accounts", it->accounts.data);
        oft_buffer_append_char(out, ',');
        json_string(out, "pool", it->pool);
        json_side(out, "before", &it->a);
        json_side(out, "after", &it->b);
        json_sets(d, it->sets, out);
        oft_buffer_append_char(out, '}');
    }
    oft_buffer_append_text(out, "]}\n");
}
