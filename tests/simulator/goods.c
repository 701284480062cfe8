/* SPDX-License-Identifier: Apache-2.0 */
/* Random needs, offers, terms and delivery terms. */
#include "sim.h"

#define HOUR (INT64_C(3600) * OFT_NS_PER_SECOND)

static struct desk_name maybe(struct sim_world *world, const struct desk_name *from, uint32_t count,
                              uint32_t percent)
{
    return sim_chance(&world->random, percent) ? from[sim_below(&world->random, count)]
                                               : (struct desk_name){0, ""};
}

const struct desk_need *sim_need(struct sim_world *world, oft_instant at)
{
    const struct sim_cast *cast = world->cast;
    struct sim_random *random = &world->random;
    struct desk_need *need = sim_keep(world, sizeof(*need));

    *need = (struct desk_need){
        .product = cast->products[sim_below(random, 2)],
        .accelerator = maybe(world, cast->accelerators, 2, 50),
        .region = maybe(world, cast->regions, 4, 50),
        .unit = sim_chance(random, 85) ? DESK_SIZE_GPU : DESK_SIZE_MW,
        .quantity = 1 + sim_below(random, sim_chance(random, 80) ? 12 : 4000),
        .from = at,
        .hours = sim_chance(random, 80) ? 100 : 0,
        .ceiling_nanos = sim_chance(random, 60) ? 2 * OFT_NANOS_PER_UNIT : -1,
        .deal = sim_chance(random, 80) ? DESK_DEAL_NEW : DESK_DEAL_RENEWAL,
        .provider = maybe(world, cast->providers, 2, 20),
        .group = maybe(world, cast->groups, 2, 30),
        .part_of = DESK_NONE,
        .open_until = at + (int64_t)(1 + sim_below(random, 120)) * HOUR,
        .terms = sim_terms(world, (struct desk_terms){NULL, 0}),
        .note = "",
    };
    if (world->model->need_count > 0 && sim_chance(random, 20)) {
        need->part_of = sim_below(random, world->model->need_count);
    }
    if (world->model->need_count > 0 && sim_chance(random, 30)) {
        const struct desk_need *like =
            world->model->needs[sim_below(random, world->model->need_count)].need;

        need->product = like->product;
        need->accelerator = like->accelerator;
        need->region = like->region;
        need->unit = like->unit;
    }
    return need;
}

const struct desk_offer *sim_offer(struct sim_world *world, uint32_t need, oft_instant at)
{
    const struct sim_cast *cast = world->cast;
    struct sim_random *random = &world->random;
    struct desk_offer *offer = sim_keep(world, sizeof(*offer));
    const struct desk_need *of = world->model->needs[need].need;

    *offer = (struct desk_offer){
        .need = need,
        .party = sim_chance(random, 88) ? cast->vendors[sim_below(random, SIM_VENDORS)]
                                        : cast->holders[sim_below(random, SIM_HOLDERS)],
        .provider = of->provider.id != 0 && sim_chance(random, 80)
                        ? of->provider
                        : cast->providers[sim_below(random, 2)],
        .quantity = sim_chance(random, 70) ? of->quantity : 1 + sim_below(random, 12),
        .valid_until = at + (int64_t)(1 + sim_below(random, 96)) * HOUR,
        .bundled_nanos = sim_chance(random, 10) ? OFT_NANOS_PER_UNIT : 0,
        .programme = "",
        .tranche = "",
        .site = "",
        .terms =
            sim_terms(world, sim_chance(random, 60) ? of->terms : (struct desk_terms){NULL, 0}),
    };
    if (sim_chance(random, 50)) {
        offer->affirmed = (struct desk_names){cast->tests, 2};
    }
    return offer;
}

/* ---- terms --------------------------------------------------------------------------------------------- */

static struct desk_term one_term(struct sim_world *world, int which)
{
    static const int64_t prices[] = {1800000000, 1900000000, 2000000000, 2000000001, 2100000000};
    static const int64_t prepays[] = {0, 5000000000, 10000000000, 10100000000};
    static const int64_t uptimes[] = {99000000000, 99500000000, 99900000000};
    const struct sim_cast *cast = world->cast;
    struct sim_random *random = &world->random;
    struct desk_term term = {.name = cast->terms[which], .cash_nanos = -1, .text = {0, ""}};

    switch (which) {
    case 0:
        term.kind = DESK_TERM_AMOUNT;
        term.number = (oft_nanos)(1 + sim_below(random, 3)) * OFT_NANOS_PER_UNIT;
        break;
    case 1:
        term.kind = DESK_TERM_TEXT;
        term.text = cast->laws[sim_below(random, 2)];
        break;
    case 2:
        term.kind = DESK_TERM_NUMBER;
        term.number = prepays[sim_below(random, 4)];
        break;
    case 3:
        term.kind = DESK_TERM_AMOUNT;
        term.number = prices[sim_below(random, 5)];
        term.text = sim_chance(random, 92) ? cast->per_gpu_hour : cast->per_mw_hour;
        break;
    case 4:
        term.kind = DESK_TERM_INSTANT;
        term.number = cast->begin + (int64_t)sim_below(random, 3) * OFT_NS_PER_DAY;
        break;
    default:
        term.kind = DESK_TERM_NUMBER;
        term.number = uptimes[sim_below(random, 3)];
        break;
    }
    if (sim_chance(random, 10)) {
        term.cash_nanos = (oft_nanos)(1 + sim_below(random, 2)) * OFT_NANOS_PER_UNIT;
    }
    return term;
}

/* Terms like LIKE, mostly changed in one field; from nothing when LIKE is empty. */
struct desk_terms sim_terms(struct sim_world *world, struct desk_terms like)
{
    static const uint32_t there[SIM_TERM_NAMES] = {20, 30, 30, 96, 30, 40};
    struct sim_random *random = &world->random;
    struct desk_term *items = sim_keep(world, SIM_TERM_NAMES * sizeof(*items));
    uint32_t count = 0, changed = sim_below(random, SIM_TERM_NAMES * 2);

    for (int i = 0; i < SIM_TERM_NAMES; i++) {
        const struct desk_term *was = NULL;

        for (uint32_t k = 0; k < like.count; k++) {
            if (like.items[k].name.id == world->cast->terms[i].id) {
                was = &like.items[k];
            }
        }
        if (like.count == 0 ? sim_chance(random, there[i])
                            : (was != NULL) != ((uint32_t)i == changed && sim_chance(random, 20))) {
            items[count++] = was && (uint32_t)i != changed ? *was : one_term(world, i);
        }
    }
    if (like.count > 0 && sim_chance(random, 5) && count > 0) {
        items[sim_below(random, count)].cash_nanos = 2 * OFT_NANOS_PER_UNIT;
    }
    return (struct desk_terms){items, count};
}

const struct desk_delivery_terms *sim_delivery(struct sim_world *world, oft_instant at)
{
    struct sim_random *random = &world->random;
    struct desk_delivery_terms *terms = sim_keep(world, sizeof(*terms));

    *terms = (struct desk_delivery_terms){
        .deliver_by = sim_chance(random, 20) ? OFT_INSTANT_NEVER
                                             : at + (int64_t)(1 + sim_below(random, 48)) * HOUR,
        .late_rate_ppb = sim_chance(random, 50) ? 10000000 : 0,
        .late_per = {.count = 1, .unit = OFT_PERIOD_DAYS},
        .late_cap_ppb = 200000000,
    };
    if (sim_chance(random, 60)) {
        terms->cure =
            (struct oft_period){.count = 1 + sim_below(random, 2), .unit = OFT_PERIOD_DAYS};
    }
    return terms;
}
