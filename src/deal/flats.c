/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What pools cost by the month: `flat 120k USD per month from 2026-01-01`. And until when each is owed.
 */
#include "deal/build.h"

static bool resolve_dates(struct deal_build *build, const struct deal_node *node,
                          const struct deal_pool *pool, struct deal_flat *flat)
{
    deal_build_once(build, node, NODE_FROM, "the beginning");
    deal_build_once(build, node, NODE_UNTIL, "the end");
    const struct deal_node *from = deal_node_child(node, NODE_FROM);
    flat->from = pool->from;
    bool good = from == NULL || deal_value_date(build, from, &flat->from);
    good = deal_value_end(build, deal_node_child(node, NODE_UNTIL), &flat->until) && good;
    if (good && flat->from == OFT_INSTANT_ALWAYS) {
        BUILD_ERROR(
            build, 81, node, pool->name, "add: from DATE",
            "nobody can say since when this is owed: neither it nor its pool has a beginning");
        return false;
    }
    if (good) {
        deal_value_interval(build, node, flat->from, &flat->until, pool->name);
    }
    return good;
}

static void resolve_flat(struct deal_build *build, const struct deal_node *node,
                         uint32_t pool_index)
{
    struct deal *deal = build->deal;
    const struct deal_pool *pool = &build->pools[pool_index];
    const struct deal_node *per = deal_node_child(node, NODE_PER);
    struct deal_flat flat = {.pool = pool_index, .position = node->position};
    char when[OFT_INSTANT_TEXT_BYTES];
    if (!oft_str_is(per->text, "month")) {
        BUILD_ERROR(build, 25, per, pool->name, "write: per month",
                    "a flat price is not per \"%.*s\"", (int)per->text.length, per->text.data);
        return;
    }
    if (!pool->reserved) {
        BUILD_ERROR(build, 81, node, pool->name, "add to the pool: reserved",
                    "what is paid for flat owes nothing per token, and this pool would owe both");
        return;
    }
    if (!deal_value_amount(build, deal_node_child(node, NODE_AMOUNT), pool->name,
                           &flat.per_month_nanos) ||
        !resolve_dates(build, node, pool, &flat)) {
        return;
    }
    flat.id = oft_arena_printf(build->arena, "%s.flat@%s", pool->name,
                               oft_instant_format_short(flat.from, when));
    if (flat.id == NULL) {
        build->memory_failed = true;
        return;
    }
    struct oft_str name = oft_str_from(flat.id);
    if (deal_symbols_find(build, SYMBOL_CLAUSE, name) != DEAL_NONE) {
        BUILD_ERROR(build, 28, node, pool->name, "let one begin later: from DATE",
                    "two flat prices of one pool begin at the same instant (%s)", flat.id);
        return;
    }
    if (deal_symbols_add(build, SYMBOL_CLAUSE, name, node->position, DEAL_ALL)) {
        build->flats[deal->flat_count++] = flat;
    }
}

void deal_resolve_flats(struct deal_build *build)
{
    for (uint32_t i = 0; i < build->deal->pool_count; i++) {
        const struct deal_node *node = build->pool_nodes[i]->first;
        for (; node != NULL; node = node->next) {
            if (node->kind == NODE_FLAT) {
                resolve_flat(build, node, i);
            }
        }
    }
}

oft_instant deal_flat_until(const struct deal *deal, const struct deal_flat *flat,
                            struct deal_attestations attested)
{
    oft_instant until = deal_end_instant(&flat->until, attested);
    oft_instant pool_until = deal_end_instant(&deal->pools[flat->pool].until, attested);
    until = pool_until < until ? pool_until : until;
    for (uint32_t i = 0; i < deal->flat_count; i++) {
        const struct deal_flat *next = &deal->flats[i];
        if (next->pool == flat->pool && next->from > flat->from && next->from < until) {
            until = next->from;
        }
    }
    return until;
}
