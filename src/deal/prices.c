/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which price a request has: of the clauses in force, the most particular one.
 */
#include "deal/deal.h"

const char *deal_variant_text(enum deal_variant variant)
{
    static const char *const words[DEAL_VARIANT_COUNT] = {"standard", "batch", "flex", "priority"};
    return (unsigned)variant < DEAL_VARIANT_COUNT ? words[variant] : "?";
}

bool deal_price_is_nominal(const struct deal_price *price)
{
    return price->variant == DEAL_STANDARD && price->above_tokens == 0;
}

/* Is A more particular than B? Both are in force and fit the request. */
static bool wins(const struct deal_price *a, const struct deal_price *b)
{
    bool a_named = a->model != DEAL_ALL;
    bool b_named = b->model != DEAL_ALL;
    if (a_named != b_named) {
        return a_named;
    }
    if (a->variant != b->variant) {
        return a->variant != DEAL_STANDARD; /* both fit: one of them is for every variant */
    }
    if (a->above_tokens != b->above_tokens) {
        return a->above_tokens > b->above_tokens;
    }
    return a->from > b->from;
}

const struct deal_price *deal_price_for(const struct deal *deal, bool is_sale, uint32_t owner,
                                        uint32_t model, oft_instant at,
                                        struct deal_attestations attested,
                                        struct deal_request request)
{
    const struct deal_price *best = NULL;
    for (uint32_t i = 0; i < deal->price_count; i++) {
        const struct deal_price *price = &deal->prices[i];
        if (price->is_sale != is_sale || price->owner != owner ||
            (price->model != model && price->model != DEAL_ALL) || price->from > at ||
            (price->variant != DEAL_STANDARD && price->variant != request.variant) ||
            (price->above_tokens != 0 && price->above_tokens >= request.input_tokens) ||
            deal_end_instant(&price->until, attested) <= at) {
            continue;
        }
        if (best == NULL || wins(price, best)) {
            best = price;
        }
    }
    return best;
}

const struct deal_price *deal_price_at(const struct deal *deal, bool is_sale, uint32_t owner,
                                       uint32_t model, oft_instant at,
                                       struct deal_attestations attested)
{
    const struct deal_request nominal = {DEAL_STANDARD, 0};
    return deal_price_for(deal, is_sale, owner, model, at, attested, nominal);
}
