/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Price clauses: of products (what customers owe) and of pools (what providers are owed). A price is
 * kept per million units and must be exact there; classes that the text leaves out take the price
 * that deal.h names. Whether every served model has one is checked in check_prices.c.
 */
#include "base/limits.h"
#include "deal/build.h"

#include <stdio.h>

static const struct {
    const char *name;
    const char *unit;
    const char *units;
} classes[DEAL_UNIT_COUNT] = {
    [DEAL_UNIT_INPUT] = {"input", "token", "tokens"},
    [DEAL_UNIT_CACHED] = {"cached", "token", "tokens"},
    [DEAL_UNIT_CACHE_WRITE] = {"cache-write", "token", "tokens"},
    [DEAL_UNIT_OUTPUT] = {"output", "token", "tokens"},
    [DEAL_UNIT_REASONING] = {"reasoning", "token", "tokens"},
    [DEAL_UNIT_AUDIO] = {"audio", "token", "tokens"},
    [DEAL_UNIT_IMAGE] = {"image", "image", "images"},
    [DEAL_UNIT_REQUEST] = {"request", "request", "requests"},
};

static bool unit_good(struct deal_build *build, const struct deal_node *per, uint32_t unit,
                      const char *owner)
{
    bool good = oft_str_is(per->text, classes[unit].unit) ||
                oft_str_is(per->text, classes[unit].units) ||
                (unit == DEAL_UNIT_IMAGE && oft_str_is(per->text, "tokens"));
    if (!good) {
        char hint[64];
        (void)snprintf(hint, sizeof(hint), "write: per 1M %s", classes[unit].units);
        BUILD_ERROR(build, 25, per, owner, hint, "%s is not counted in \"%.*s\"",
                    classes[unit].name, (int)per->text.length, per->text.data);
    }
    return good;
}

static void resolve_part(struct deal_build *build, const struct deal_node *part,
                         struct deal_price *price, const char *owner)
{
    uint32_t unit = 0;
    while (unit < DEAL_UNIT_COUNT && !oft_str_is(part->text, classes[unit].name)) {
        unit++;
    }
    if (unit == DEAL_UNIT_COUNT) {
        BUILD_ERROR(build, 26, part, owner,
                    "write input, cached, cache-write, output, reasoning, audio, image or request",
                    "\"%.*s\" is no class of usage", (int)part->text.length, part->text.data);
        return;
    }
    if ((price->given & (1u << unit)) != 0) {
        BUILD_ERROR(build, 11, part, owner, "leave one of them out",
                    "the price of %s is said twice", classes[unit].name);
        return;
    }
    const struct deal_node *per = deal_node_child(part, NODE_PER);
    const struct deal_node *count_node = deal_node_child(per, NODE_COUNT);
    const struct deal_node *amount_node = deal_node_child(part, NODE_AMOUNT);
    uint64_t count = 1;
    oft_nanos amount;
    oft_nanos total;
    if (!unit_good(build, per, unit, owner) ||
        !deal_value_amount(build, amount_node, owner, &amount) ||
        (count_node != NULL &&
         !deal_value_count(build, count_node, UINT64_C(1000000000000), &count))) {
        return;
    }
    if (oft_nanos_mul(amount, 1000000, &total) != OFT_OK || total % (oft_nanos)count != 0) {
        BUILD_ERROR(build, 23, amount_node, owner, "give the price per 1M units",
                    "this price is not a whole number of nano-units per million");
        return;
    }
    price->given |= 1u << unit;
    price->per_million_nanos[unit] = total / (oft_nanos)count;
}

static void fill_absent(struct deal_price *price)
{
    static const struct {
        enum deal_unit_class absent;
        enum deal_unit_class from;
    } rules[] = {{DEAL_UNIT_CACHED, DEAL_UNIT_INPUT},
                 {DEAL_UNIT_CACHE_WRITE, DEAL_UNIT_INPUT},
                 {DEAL_UNIT_REASONING, DEAL_UNIT_OUTPUT},
                 {DEAL_UNIT_AUDIO, DEAL_UNIT_INPUT},
                 {DEAL_UNIT_IMAGE, DEAL_UNIT_INPUT}};
    for (size_t i = 0; i < OFT_COUNT_OF(rules); i++) {
        if ((price->given & (1u << rules[i].absent)) == 0) {
            price->per_million_nanos[rules[i].absent] = price->per_million_nanos[rules[i].from];
        }
    }
}

static bool resolve_dates(struct deal_build *build, const struct deal_node *node,
                          struct deal_price *price, const char *owner)
{
    deal_build_once(build, node, NODE_FROM, "the beginning");
    deal_build_once(build, node, NODE_UNTIL, "the end");
    const struct deal_node *from = deal_node_child(node, NODE_FROM);
    price->from = OFT_INSTANT_ALWAYS;
    bool good = from == NULL || deal_value_date(build, from, &price->from);
    good = deal_value_end(build, deal_node_child(node, NODE_UNTIL), &price->until) && good;
    if (good) {
        deal_value_interval(build, node, price->from, &price->until, owner);
    }
    return good;
}

static void resolve_price(struct deal_build *build, const struct deal_node *node, bool is_sale,
                          uint32_t owner, const char *owner_name)
{
    struct deal *deal = build->deal;
    struct deal_price price = {.is_sale = is_sale, .owner = owner, .position = node->position};
    price.model = oft_str_is(node->text, "*")
                      ? DEAL_ALL
                      : deal_symbols_need(build, SYMBOL_MODEL, node, owner_name);
    for (const struct deal_node *part = node->first; part != NULL; part = part->next) {
        if (part->kind == NODE_PRICE_PART) {
            resolve_part(build, part, &price, owner_name);
        }
    }
    fill_absent(&price);
    if (!resolve_dates(build, node, &price, owner_name) || price.model == DEAL_NONE) {
        return;
    }
    char when[OFT_INSTANT_TEXT_BYTES];
    char *id =
        oft_arena_printf(build->arena, "%s.price.%.*s@%s", owner_name, (int)node->text.length,
                         node->text.data, oft_instant_format_short(price.from, when));
    if (id == NULL) {
        build->memory_failed = true;
        return;
    }
    price.id = id;
    struct oft_str name = oft_str_from(id);
    uint32_t first = deal_symbols_find(build, SYMBOL_CLAUSE, name);
    if (first != DEAL_NONE) {
        BUILD_ERROR(build, 28, node, owner_name, "let one begin later: from DATE",
                    "two prices of one model begin at the same instant (%s)", id);
        return;
    }
    /* Prices share the clauses' name space: postings carry either by its id. */
    if (deal_symbols_add(build, SYMBOL_CLAUSE, name, node->position, DEAL_ALL)) {
        build->prices[deal->price_count++] = price;
    }
}

static void resolve_prices_of(struct deal_build *build, const struct deal_node *node, bool is_sale,
                              uint32_t owner, const char *name)
{
    for (const struct deal_node *child = node->first; child != NULL; child = child->next) {
        if (child->kind == NODE_PRICE) {
            resolve_price(build, child, is_sale, owner, name);
        }
    }
}

void deal_resolve_prices(struct deal_build *build)
{
    for (uint32_t i = 0; i < build->deal->product_count; i++) {
        resolve_prices_of(build, build->product_nodes[i], true, i, build->products[i].name);
    }
    for (uint32_t i = 0; i < build->deal->pool_count; i++) {
        resolve_prices_of(build, build->pool_nodes[i], false, i, build->pools[i].name);
    }
}
