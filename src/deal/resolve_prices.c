/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Price clauses: of products (what customers owe) and of pools (what providers are owed). A price is
 * kept per million units and must be exact there; classes that the text leaves out take the price
 * that deal.h names. Whether every served model has one is checked in check_prices.c.
 */
#include "base/limits.h"
#include "deal/build.h"

#include <stdio.h>
#include <string.h>

#define TOKENS_MAX UINT64_C(1000000000000) /* of a "per", a context and a month */

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

/* The prices of one line or of one of its steps while they are read. */
struct rates {
    oft_nanos *per_million_nanos;
    uint32_t given; /* a bit per class that the text names */
};

static void resolve_part(struct deal_build *build, const struct deal_node *part,
                         struct rates *rates, const char *owner)
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
    if ((rates->given & (1u << unit)) != 0) {
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
        (count_node != NULL && !deal_value_count(build, count_node, TOKENS_MAX, &count))) {
        return;
    }
    if (oft_nanos_mul(amount, 1000000, &total) != OFT_OK || total % (oft_nanos)count != 0) {
        BUILD_ERROR(build, 23, amount_node, owner, "give the price per 1M units",
                    "this price is not a whole number of nano-units per million");
        return;
    }
    rates->given |= 1u << unit;
    rates->per_million_nanos[unit] = total / (oft_nanos)count;
}

static void resolve_parts(struct deal_build *build, const struct deal_node *node,
                          struct rates *rates, const char *owner)
{
    for (const struct deal_node *part = node->first; part != NULL; part = part->next) {
        if (part->kind == NODE_PRICE_PART) {
            resolve_part(build, part, rates, owner);
        }
    }
}

/* A class that the whole line does not name costs what its kin does. */
static void fill_absent(oft_nanos *per_million_nanos, uint32_t given)
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
        if ((given & (1u << rules[i].absent)) == 0) {
            per_million_nanos[rules[i].absent] = per_million_nanos[rules[i].from];
        }
    }
}

/* The steps by volume, each beyond the one before; a class that a step leaves out and the line names
 * somewhere costs there what it cost before. */
static bool resolve_steps(struct deal_build *build, const struct deal_node *node,
                          struct deal_price *price, const char *owner)
{
    uint32_t count = deal_node_count(node, NODE_STEP);
    if (count > OFT_DEAL_PRICE_STEPS_MAX) {
        BUILD_ERROR(build, 8, node, owner, "write fewer", "a price has at most %u steps",
                    OFT_DEAL_PRICE_STEPS_MAX);
        return false;
    }
    struct deal_price_step *steps = deal_build_array(build, count, sizeof(*steps));
    uint32_t given = price->given;
    uint32_t index = 0;
    bool good = steps != NULL;
    fill_absent(price->per_million_nanos, given);
    for (const struct deal_node *step = node->first; good && step != NULL; step = step->next) {
        if (step->kind != NODE_STEP) {
            continue;
        }
        const struct deal_price_step *before = index > 0 ? &steps[index - 1] : NULL;
        struct rates rates = {steps[index].per_million_nanos, 0};
        memcpy(rates.per_million_nanos,
               before != NULL ? before->per_million_nanos : price->per_million_nanos,
               sizeof(price->per_million_nanos));
        good = deal_value_count(build, step, TOKENS_MAX, &steps[index].after);
        if (good && before != NULL && steps[index].after <= before->after) {
            BUILD_ERROR(build, 65, step, owner, "put the smaller one first",
                        "this step does not begin beyond the one before it");
            good = false;
        }
        resolve_parts(build, step, &rates, owner);
        given |= rates.given;
        index++;
    }
    for (uint32_t i = 0; good && i < index; i++) {
        fill_absent(steps[i].per_million_nanos, given);
    }
    price->steps = steps;
    price->step_count = good ? index : 0;
    return good;
}

/* Which requests the line is for, when not for all. */
static bool resolve_scopes(struct deal_build *build, const struct deal_node *node,
                           struct deal_price *price, const char *owner)
{
    deal_build_once(build, node, NODE_VARIANT, "the variant");
    deal_build_once(build, node, NODE_ABOVE, "the number of input tokens");
    const struct deal_node *variant = deal_node_child(node, NODE_VARIANT);
    const struct deal_node *above = deal_node_child(node, NODE_ABOVE);
    for (int i = DEAL_BATCH; variant != NULL && i < DEAL_VARIANT_COUNT; i++) {
        if (oft_str_is(variant->text, deal_variant_text((enum deal_variant)i))) {
            price->variant = (enum deal_variant)i;
        }
    }
    if (variant != NULL && price->variant == DEAL_STANDARD) {
        BUILD_ERROR(build, 26, variant, owner, "write batch, flex or priority",
                    "\"%.*s\" is no variant of a price", (int)variant->text.length,
                    variant->text.data);
        return false;
    }
    return above == NULL || deal_value_count(build, above, TOKENS_MAX, &price->above_tokens);
}

static const char *scopes_text(const struct deal_price *price, char *out, size_t size)
{
    char above[32] = "";
    if (price->above_tokens > 0) {
        (void)snprintf(above, sizeof(above), "+above-%llu",
                       (unsigned long long)price->above_tokens);
    }
    bool standard = price->variant == DEAL_STANDARD;
    (void)snprintf(out, size, "%s%s%s", standard ? "" : "+",
                   standard ? "" : deal_variant_text(price->variant), above);
    return out;
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
    struct rates rates = {price.per_million_nanos, 0};
    resolve_parts(build, node, &rates, owner_name);
    price.given = rates.given;
    bool good = resolve_scopes(build, node, &price, owner_name);
    good = resolve_steps(build, node, &price, owner_name) && good;
    if (!resolve_dates(build, node, &price, owner_name) || !good || price.model == DEAL_NONE) {
        return;
    }
    char when[OFT_INSTANT_TEXT_BYTES];
    char scopes[64];
    char *id = oft_arena_printf(
        build->arena, "%s.price.%.*s%s@%s", owner_name, (int)node->text.length, node->text.data,
        scopes_text(&price, scopes, sizeof(scopes)), oft_instant_format_short(price.from, when));
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

/* Price books: prices of pools and products that are declared elsewhere. */
static void resolve_books(struct deal_build *build)
{
    for (const struct deal_node *node = build->root->first; node != NULL; node = node->next) {
        bool is_sale = node->kind == NODE_PRODUCT_PRICES;
        if (!is_sale && node->kind != NODE_POOL_PRICES) {
            continue;
        }
        enum deal_symbol_kind kind = is_sale ? SYMBOL_PRODUCT : SYMBOL_POOL;
        uint32_t owner = deal_symbols_need(build, kind, node, "");
        if (owner != DEAL_NONE) {
            resolve_prices_of(build, node, is_sale, owner,
                              is_sale ? build->products[owner].name : build->pools[owner].name);
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
    resolve_books(build);
}
