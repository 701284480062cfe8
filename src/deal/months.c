/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The months of the books. A deal that says `statements in "ZONE"` has a generated file beside it that
 * tells when months begin there (engine/months.c writes it); this reads it, and answers what month an
 * instant is of. Without that file months begin in UTC.
 */
#include "deal/build.h"

#define SHIFT_MAX_NS (26 * (OFT_NS_PER_DAY / 24)) /* no zone is further from UTC */

enum { MONTH_FIRST = 1678 * 12 + 1, MONTH_LAST = 2261 * 12 + 10 };

/* ---- reading --------------------------------------------------------------------------------- */

/* Is NODE in a text that stands beside the deal, not in the customer's own? */
static bool is_generated(const struct deal_build *build, const struct deal_node *node)
{
    const struct deal *deal = build->deal;
    return node->position.file >= deal->file_count - deal->generated_count;
}

static void resolve_zone(struct deal_build *build)
{
    const struct deal_node *node = deal_node_child(build->root, NODE_STATEMENTS);
    deal_build_once(build, build->root, NODE_STATEMENTS, "the time zone of its statements");
    build->deal->statements_in = "";
    if (node != NULL) {
        build->deal->statements_in = deal_build_copy(build, node->text);
        build->deal->statements_position = node->position;
    }
}

static void take_begin(struct deal_build *build, const struct deal_node *node,
                       struct deal_month_begin *begins)
{
    struct deal_months *months = &build->deal->months;
    const struct deal_node *date = deal_node_child(node, NODE_FROM);
    struct deal_month_begin it = {0};
    if (oft_month_parse(node->text, &it.month) != OFT_OK || it.month < MONTH_FIRST ||
        it.month > MONTH_LAST || !deal_value_date(build, date, &it.begins)) {
        BUILD_ERROR(build, 20, node, "", "", "\"%.*s\" is no month", (int)node->text.length,
                    node->text.data);
        return;
    }
    oft_instant shift = it.begins - oft_month_start(it.month);
    if (shift > SHIFT_MAX_NS || shift < -SHIFT_MAX_NS ||
        (months->count > 0 && begins[months->count - 1].month >= it.month)) {
        BUILD_ERROR(build, 20, node, "", "",
                    "no month of a time zone begins so, or not behind the "
                    "month before it");
        return;
    }
    begins[months->count++] = it;
}

void deal_resolve_months(struct deal_build *build)
{
    struct deal_months *months = &build->deal->months;
    size_t count = 0;
    months->zone = months->release = "";
    resolve_zone(build);
    for (const struct deal_node *n = build->root->first; n != NULL; n = n->next) {
        count += n->kind == NODE_MONTHS_FROM;
        if ((n->kind == NODE_MONTHS || n->kind == NODE_MONTHS_FROM) && !is_generated(build, n)) {
            BUILD_ERROR(build, 18, n, "", "write: statements in \"Europe/Berlin\"",
                        "when months begin is written by offtake, not by a deal");
            return;
        }
    }
    struct deal_month_begin *begins = deal_build_array(build, count, sizeof(*begins));
    if (begins == NULL) {
        return;
    }
    months->begins = begins;
    for (const struct deal_node *n = build->root->first; n != NULL; n = n->next) {
        if (n->kind == NODE_MONTHS) {
            const struct deal_node *release = deal_node_child(n, NODE_BY);
            months->zone = deal_build_copy(build, n->text);
            months->release = deal_build_copy(build, release->text);
        } else if (n->kind == NODE_MONTHS_FROM) {
            take_begin(build, n, begins);
        }
    }
}

void deal_zone_unknown(const struct deal *deal, struct deal_diagnostics *diagnostics,
                       const char *why)
{
    deal_report(diagnostics, DEAL_ERROR, 12, deal->statements_position, "", "", "%s", why);
}

/* ---- questions ------------------------------------------------------------------------------- */

/* How much later than in UTC MONTH begins. */
static oft_instant shift_of(const struct deal_months *months, int32_t month)
{
    size_t low = 0;
    size_t high = months->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (months->begins[middle].month <= month) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const struct deal_month_begin *it = &months->begins[low == 0 ? 0 : low - 1];
    return low == 0 ? 0 : it->begins - oft_month_start(it->month);
}

oft_instant deal_month_start(const struct deal *deal, int32_t month)
{
    oft_instant start = oft_month_start(month);
    return deal == NULL || deal->months.count == 0 ? start : start + shift_of(&deal->months, month);
}

int32_t deal_month_of(const struct deal *deal, oft_instant at)
{
    int32_t month = oft_month_of(at);
    if (deal == NULL || deal->months.count == 0 || month < MONTH_FIRST || month > MONTH_LAST) {
        return month;
    }
    if (at < deal_month_start(deal, month)) {
        return month - 1;
    }
    return at >= deal_month_start(deal, month + 1) ? month + 1 : month;
}
