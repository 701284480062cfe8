/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does everything that may run have a price? A pool that serves a model without a cost price is
 * barred, and an inference product without a sale price earns nothing: both are warned about, and so
 * is a price that ends with none after it. Prices are warnings because a deal may be written ahead.
 */
#include "deal/build.h"

static const struct deal_attestations nothing_attested = {NULL, 0};

/* The first instant after a dated end at which no price holds; OFT_INSTANT_NEVER when none. */
static oft_instant price_gap(const struct deal *deal, bool is_sale, uint32_t owner, uint32_t model,
                             oft_instant until)
{
    oft_instant gap = OFT_INSTANT_NEVER;
    for (uint32_t i = 0; i < deal->price_count; i++) {
        const struct deal_price *price = &deal->prices[i];
        if (price->is_sale != is_sale || price->owner != owner || !deal_price_is_nominal(price) ||
            (price->model != model && price->model != DEAL_ALL)) {
            continue;
        }
        oft_instant end = deal_end_instant(&price->until, nothing_attested);
        if (end < until && end < gap &&
            deal_price_at(deal, is_sale, owner, model, end, nothing_attested) == NULL) {
            gap = end;
        }
    }
    return gap;
}

static bool has_price(const struct deal *deal, bool is_sale, uint32_t owner, uint32_t model)
{
    for (uint32_t i = 0; i < deal->price_count; i++) {
        const struct deal_price *price = &deal->prices[i];
        if (price->is_sale == is_sale && price->owner == owner && deal_price_is_nominal(price) &&
            (price->model == model || price->model == DEAL_ALL || model == DEAL_ALL)) {
            return true;
        }
    }
    return false;
}

static void check_serve(struct deal_build *build, const struct deal_serve *serve)
{
    const struct deal *deal = build->deal;
    const struct deal_pool *pool = &deal->pools[serve->pool];
    const char *model = deal->models[serve->model].name;
    if (pool->reserved) {
        return; /* paid for flat: it needs no price to be used */
    }
    if (!has_price(deal, false, serve->pool, serve->model)) {
        deal_report(build->diagnostics, DEAL_WARNING, 52, serve->position, pool->name,
                    "add to the pool: price MODEL input ... output ...",
                    "%s has no price for \"%s\": it will be barred", pool->name, model);
        return;
    }
    oft_instant gap = price_gap(deal, false, serve->pool, serve->model,
                                deal_end_instant(&pool->until, nothing_attested));
    if (gap != OFT_INSTANT_NEVER) {
        char when[OFT_INSTANT_TEXT_BYTES];
        deal_report(build->diagnostics, DEAL_WARNING, 56, serve->position, pool->name,
                    "add a price from that day on",
                    "%s has no price for \"%s\" from %s on: it will be barred", pool->name, model,
                    oft_instant_format_short(gap, when));
    }
}

static void check_product(struct deal_build *build, uint32_t index)
{
    const struct deal *deal = build->deal;
    const struct deal_product *product = &deal->products[index];
    if (product->product_class != DEAL_CLASS_INFERENCE) {
        return;
    }
    if (!has_price(deal, true, index, DEAL_ALL)) {
        deal_report(build->diagnostics, DEAL_WARNING, 53, product->position, product->name,
                    "add: { price MODEL input ... output ... }",
                    "inference product \"%s\" has no sale price: it earns nothing", product->name);
        return;
    }
    for (uint32_t model = 0; model < deal->model_count; model++) {
        oft_instant gap = price_gap(deal, true, index, model, OFT_INSTANT_NEVER);
        if (gap != OFT_INSTANT_NEVER) {
            char when[OFT_INSTANT_TEXT_BYTES];
            deal_report(build->diagnostics, DEAL_WARNING, 56, product->position, product->name,
                        "add a price from that day on",
                        "%s has no sale price for \"%s\" from %s on", product->name,
                        deal->models[model].name, oft_instant_format_short(gap, when));
        }
    }
}

void deal_check_prices(struct deal_build *build)
{
    for (uint32_t i = 0; i < build->deal->serve_count; i++) {
        check_serve(build, &build->deal->serves[i]);
    }
    for (uint32_t i = 0; i < build->deal->product_count; i++) {
        check_product(build, i);
    }
}
