/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile_prices -- what budgets count by: the plain price of each product and model, and of each
 * endpoint, as pieces of time; how long an answer can be; and when days and months begin.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "policy/compile_internal.h"

/* As far as periods are known from the compilation on; a policy is published more often. */
enum { DAYS_KNOWN = 800, MONTHS_KNOWN = 27 };

/* ---- prices ----------------------------------------------------------------------------------- */

/* The nominal prices of one owner that can be a model's. */
struct pieces {
    const struct deal_price **prices;
    oft_instant *untils;
    oft_instant *cuts; /* where one of them begins or ends */
    uint32_t count;
    uint32_t cut_count;
};

static int compare_instants(const void *a, const void *b)
{
    oft_instant left = *(const oft_instant *)a;
    oft_instant right = *(const oft_instant *)b;

    return (left > right) - (left < right);
}

static const struct deal_price *winner_at(const struct pieces *pieces, oft_instant at)
{
    const struct deal_price *best = NULL;
    uint32_t i;

    for (i = 0; i < pieces->count; i++) {
        const struct deal_price *price = pieces->prices[i];
        bool named = price->model != DEAL_ALL;
        bool best_named = best != NULL && best->model != DEAL_ALL;

        if (price->from <= at && at < pieces->untils[i] &&
            (best == NULL || (named && !best_named) ||
             (named == best_named && price->from > best->from))) {
            best = price;
        }
    }
    return best;
}

static int64_t counted(oft_nanos per_million)
{
    return per_million < 0 ? 0 : per_million > INT64_MAX ? INT64_MAX : (int64_t)per_million;
}

static void put_piece(struct policy_build *build, const struct deal_price *price, oft_instant from,
                      oft_instant until)
{
    static const enum deal_unit_class units[POLICY_PRICE_UNITS] = {
        DEAL_UNIT_INPUT,     DEAL_UNIT_CACHED, DEAL_UNIT_CACHE_WRITE, DEAL_UNIT_OUTPUT,
        DEAL_UNIT_REASONING, DEAL_UNIT_AUDIO,  DEAL_UNIT_IMAGE,       DEAL_UNIT_REQUEST};
    struct policy_price piece = {.from_ns = from, .until_ns = until};
    unsigned i;

    for (i = 0; i < POLICY_PRICE_UNITS; i++) {
        piece.per_million_nanos[i] = counted(price->per_million_nanos[units[i]]);
    }
    oft_buffer_append(&build->sections[POLICY_PRICES], &piece, sizeof(piece));
}

static void put_range(struct policy_build *build, struct pieces *pieces)
{
    struct oft_buffer *prices = &build->sections[POLICY_PRICES];
    struct policy_price_span range = {.first =
                                          (uint32_t)(prices->length / sizeof(struct policy_price))};
    uint32_t i;

    qsort(pieces->cuts, pieces->cut_count, sizeof(oft_instant), compare_instants);
    for (i = 0; i + 1 < pieces->cut_count; i++) {
        oft_instant from = pieces->cuts[i];
        const struct deal_price *price =
            from < pieces->cuts[i + 1] ? winner_at(pieces, from) : NULL;

        if (price != NULL) {
            put_piece(build, price, from, pieces->cuts[i + 1]);
            range.count++;
        }
    }
    oft_buffer_append(&build->sections[POLICY_PRICE_OF], &range, sizeof(range));
}

/* Those of OWNER's prices [first, until) in PRICED that MODEL can have. */
static void gather(struct policy_build *build, const uint32_t *priced, uint32_t first,
                   uint32_t until, uint32_t model, struct pieces *pieces)
{
    uint32_t i;

    pieces->count = 0;
    pieces->cut_count = 0;
    for (i = first; i < until; i++) {
        const struct deal_price *price = &build->deal->prices[priced[i]];

        if (!deal_price_is_nominal(price) || (price->model != DEAL_ALL && price->model != model)) {
            continue;
        }
        pieces->prices[pieces->count] = price;
        pieces->untils[pieces->count] = deal_end_instant(&price->until, build->input->attested);
        pieces->cuts[pieces->cut_count++] = price->from;
        pieces->cuts[pieces->cut_count++] = pieces->untils[pieces->count++];
    }
}

/* Prices by owner: products first, then pools. FIRST has a place more than there are owners. */
static void sort_by_owner(const struct deal *deal, uint32_t *first, uint32_t *priced)
{
    uint32_t owners = deal->product_count + deal->pool_count;
    uint32_t i;

    for (i = 0; i < deal->price_count; i++) {
        first[deal->prices[i].owner + (deal->prices[i].is_sale ? 0 : deal->product_count) + 1]++;
    }
    for (i = 0; i < owners; i++) {
        first[i + 1] += first[i];
    }
    for (i = deal->price_count; i > 0;
         i--) { /* from the last: each owner's range fills from its end */
        uint32_t owner =
            deal->prices[i - 1].owner + (deal->prices[i - 1].is_sale ? 0 : deal->product_count);

        priced[--first[owner + 1]] = i - 1;
    }
}

static void build_ranges(struct policy_build *build, const uint32_t *first, const uint32_t *priced,
                         struct pieces *pieces)
{
    const struct deal *deal = build->deal;
    uint32_t total = deal->price_count;
    uint32_t owners = deal->product_count + deal->pool_count;
    uint32_t product, model, i;

    for (product = 0; product < deal->product_count; product++) {
        uint32_t end = product + 2 <= owners ? first[product + 2] : total;

        for (model = 0; model < deal->model_count; model++) {
            gather(build, priced, first[product + 1], end, build->model_at[model], pieces);
            put_range(build, pieces);
        }
    }
    for (i = 0; i < deal->serve_count; i++) {
        const struct deal_serve *serve = &deal->serves[i];
        uint32_t owner = deal->product_count + serve->pool;
        uint32_t end = owner + 2 <= owners ? first[owner + 2] : total;

        pieces->count = 0;
        pieces->cut_count = 0;
        if (!deal->pools[serve->pool].reserved) { /* paid for flat: nothing is owed per token */
            gather(build, priced, first[owner + 1], end, serve->model, pieces);
        }
        put_range(build, pieces);
    }
}

/* Of requests that name no model: the price of "*" and no other. */
static void build_bare_ranges(struct policy_build *build, const uint32_t *first,
                              const uint32_t *priced, struct pieces *pieces)
{
    const struct deal *deal = build->deal;
    uint32_t owners = deal->product_count + deal->pool_count;
    uint32_t owner;

    for (owner = 0; owner < owners; owner++) {
        uint32_t end = owner + 2 <= owners ? first[owner + 2] : deal->price_count;
        bool flat =
            owner >= deal->product_count && deal->pools[owner - deal->product_count].reserved;

        pieces->count = 0;
        pieces->cut_count = 0;
        if (!flat) {
            gather(build, priced, first[owner + 1], end, DEAL_NONE, pieces);
        }
        put_range(build, pieces);
    }
}

void policy_build_prices(struct policy_build *build)
{
    const struct deal *deal = build->deal;
    size_t prices = deal->price_count;
    uint32_t *first = policy_build_alloc(build, (size_t)deal->product_count + deal->pool_count + 3,
                                         sizeof(uint32_t));
    uint32_t *priced = policy_build_alloc(build, prices, sizeof(uint32_t));
    struct pieces pieces = {.prices = policy_build_alloc(build, prices, sizeof(*pieces.prices)),
                            .untils = policy_build_alloc(build, prices, sizeof(oft_instant)),
                            .cuts = policy_build_alloc(build, 2 * prices, sizeof(oft_instant))};
    uint32_t i;

    if (build->err != OFT_OK) {
        return;
    }
    sort_by_owner(deal, first, priced);
    build_ranges(build, first, priced, &pieces);
    build_bare_ranges(build, first, priced, &pieces);
    for (i = 0; i < deal->model_count; i++) {
        uint64_t most = deal->models[build->model_at[i]].output_tokens_max;
        uint32_t tokens = most == 0 ? POLICY_OUTPUT_TOKENS_DEFAULT : (uint32_t)most;

        oft_buffer_append(&build->sections[POLICY_OUTPUTS], &tokens, sizeof(tokens));
    }
}

/* ---- periods ---------------------------------------------------------------------------------- */

static void put_period(struct policy_build *build, enum policy_section section, int64_t number,
                       oft_instant from)
{
    struct policy_period period = {from, number};

    oft_buffer_append(&build->sections[section], &period, sizeof(period));
}

/* Far from both ends of time, where months could not be told apart. */
static oft_instant at_home(oft_instant at)
{
    const oft_instant far = 90 * 365 * OFT_NS_PER_DAY; /* about 1880 to 2060 */

    return at < -far ? -far : at > far ? far : at;
}

/* From the last one but two before the compilation on. */
void policy_build_periods(struct policy_build *build)
{
    const struct policy_compile_input *input = build->input;
    oft_instant now =
        at_home(input->counted_from_ns != 0 ? input->counted_from_ns : input->compiled_ns);
    int64_t today = now / OFT_NS_PER_DAY;
    int32_t month = deal_month_of(build->deal, now);
    uint32_t i;

    for (i = 0; i < input->day_count; i++) {
        put_period(build, POLICY_DAYS, input->day_first + i, input->day_begins[i]);
    }
    for (i = 0; input->day_count == 0 && i < DAYS_KNOWN; i++) {
        put_period(build, POLICY_DAYS, today - 2 + i, (today - 2 + i) * OFT_NS_PER_DAY);
    }
    for (i = 0; i < MONTHS_KNOWN; i++) {
        int32_t number = month - 2 + (int32_t)i;

        put_period(build, POLICY_MONTHS, number, deal_month_start(build->deal, number));
    }
}
