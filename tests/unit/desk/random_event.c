/* SPDX-License-Identifier: Apache-2.0 */
#include "random_event.h"

#include <string.h>

uint64_t roll(struct dice *dice)
{
    dice->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = dice->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static bool half(struct dice *dice)
{
    return (roll(dice) & 1) != 0;
}

/* A name; now and then the longest. */
static const char *text(struct dice *dice)
{
    if (roll(dice) % 64 == 0) {
        char *longest = oft_arena_alloc(&dice->arena, 161);
        return longest == NULL ? "" : memset(longest, 'n', 160);
    }
    static const char *const tails[] = {"", "", "-east", " \xc3\xa4\x01\xff\"", ".a/b:c"};
    return oft_arena_printf(&dice->arena, "t%llu%s", (unsigned long long)(roll(dice) % 1000),
                            tails[roll(dice) % OFT_COUNT_OF(tails)]);
}

typedef struct desk_name (*namer)(const char *);

static struct desk_name maybe(struct dice *dice, namer name)
{
    return half(dice) ? name(text(dice)) : (struct desk_name){0, ""};
}

static struct desk_names names(struct dice *dice, namer name)
{
    uint32_t count = (uint32_t)(roll(dice) % 4);
    struct desk_name *items = oft_arena_alloc_array(&dice->arena, 4, sizeof(*items));
    for (uint32_t i = 0; i < count; i++) {
        items[i] = name(text(dice));
    }
    return (struct desk_names){items, count};
}

static oft_nanos nanos(struct dice *dice)
{
    return (oft_nanos)((oft_u128)roll(dice) << (roll(dice) % 60) ^ roll(dice));
}

static struct desk_terms terms(struct dice *dice)
{
    uint32_t count = (uint32_t)(roll(dice) % 5);
    struct desk_term *items = oft_arena_alloc_array(&dice->arena, 5, sizeof(*items));
    for (uint32_t i = 0; i < count; i++) {
        items[i] = (struct desk_term){
            .name = desk_word(oft_arena_printf(&dice->arena, "%u%.150s", i, text(dice))),
            .kind = (enum desk_term_kind)(1 + roll(dice) % 4),
            .number = nanos(dice),
            .text = maybe(dice, desk_word),
            .cash_nanos = half(dice) ? -1 : (oft_nanos)(roll(dice) % 100000)};
    }
    return (struct desk_terms){items, count};
}

static struct oft_period period(struct dice *dice)
{
    return (struct oft_period){(uint32_t)roll(dice), (enum oft_period_unit)(roll(dice) % 6),
                               (enum oft_roll)(roll(dice) % 3)};
}

static struct desk_window window(struct dice *dice)
{
    struct desk_window w = {.calendar = {0, ""}, .zone = {0, ""}};
    if (half(dice)) {
        w = (struct desk_window){true, period(dice), (enum desk_start)(roll(dice) % 3),
                                 maybe(dice, desk_word), maybe(dice, desk_word)};
    }
    return w;
}

static const struct desk_need *need(struct dice *dice)
{
    struct desk_need *it = oft_arena_alloc(&dice->arena, sizeof(*it));
    *it = (struct desk_need){.product = desk_product_name(text(dice)),
                             .accelerator = maybe(dice, desk_word),
                             .region = maybe(dice, desk_word),
                             .unit = half(dice) ? DESK_SIZE_GPU : DESK_SIZE_MW,
                             .quantity = roll(dice),
                             .from = (oft_instant)roll(dice),
                             .months = (uint32_t)roll(dice),
                             .hours = roll(dice),
                             .ceiling_nanos = nanos(dice),
                             .deal = (enum desk_deal_kind)(1u << roll(dice) % 3),
                             .provider = maybe(dice, desk_word),
                             .group = maybe(dice, desk_word),
                             .part_of = (uint32_t)roll(dice),
                             .open_until = (oft_instant)roll(dice),
                             .terms = terms(dice),
                             .note = half(dice) ? text(dice) : ""};
    return it;
}

static const struct desk_offer *offer(struct dice *dice)
{
    struct desk_offer *it = oft_arena_alloc(&dice->arena, sizeof(*it));
    *it = (struct desk_offer){.need = (uint32_t)roll(dice),
                              .party = desk_party_name(text(dice)),
                              .provider = desk_word(text(dice)),
                              .quantity = roll(dice),
                              .valid_until = (oft_instant)roll(dice),
                              .bundled_nanos = nanos(dice),
                              .programme = text(dice),
                              .tranche = half(dice) ? "" : text(dice),
                              .site = text(dice),
                              .affirmed = names(dice, desk_word),
                              .terms = terms(dice)};
    return it;
}

static void right_lists(struct dice *dice, struct desk_right *it)
{
    struct desk_carve_out *carve_outs = oft_arena_alloc_array(&dice->arena, 3, sizeof(*carve_outs));
    struct desk_holder *holders = oft_arena_alloc_array(&dice->arena, 3, sizeof(*holders));
    struct desk_compare *compares = oft_arena_alloc_array(&dice->arena, 3, sizeof(*compares));
    it->carve_out_count = (uint32_t)(roll(dice) % 3);
    it->holder_count = (uint32_t)(roll(dice) % 3);
    it->compare_count = (uint32_t)(roll(dice) % 3);
    for (uint32_t i = 0; i < 3; i++) {
        carve_outs[i] = (struct desk_carve_out){desk_word(text(dice)), text(dice)};
        holders[i] = (struct desk_holder){desk_party_name(text(dice)), (uint32_t)roll(dice)};
        compares[i] = (struct desk_compare){
            desk_word(text(dice)), (enum desk_direction)(roll(dice) % 3), (int64_t)roll(dice)};
    }
    it->carve_outs = carve_outs;
    it->holders = holders;
    it->compares = compares;
}

static const struct desk_right *right(struct dice *dice)
{
    struct desk_right *it = oft_arena_alloc(&dice->arena, sizeof(*it));
    *it = (struct desk_right){.clause = desk_word(text(dice)),
                              .kind = (enum desk_right_kind)(1 + roll(dice) % 3),
                              .from = (oft_instant)roll(dice),
                              .until = (oft_instant)roll(dice),
                              .end = (enum desk_right_end)(roll(dice) % 3),
                              .ended_by = maybe(dice, desk_word),
                              .provider = maybe(dice, desk_word),
                              .except_groups = names(dice, desk_word),
                              .products = names(dice, desk_product_name),
                              .regions = names(dice, desk_word),
                              .accelerators = names(dice, desk_word),
                              .floor = {(enum desk_size_kind)(roll(dice) % 5), nanos(dice)},
                              .deals = (unsigned)(roll(dice) % 8),
                              .bona_fide = names(dice, desk_word),
                              .simultaneous = half(dice),
                              .disclose = (enum desk_disclose)(roll(dice) % 3),
                              .match = (enum desk_match)(roll(dice) % 3),
                              .cash_equivalent = half(dice),
                              .partial = half(dice),
                              .partial_minimum = roll(dice),
                              .partial_step = roll(dice),
                              .partial_unit = (enum desk_size_kind)(roll(dice) % 3),
                              .counterparty_any = half(dice),
                              .one_time = half(dice),
                              .standing_defaults = (uint32_t)roll(dice),
                              .suspend_on_default = half(dice),
                              .assignable = half(dice),
                              .ends_on_control = half(dice),
                              .pending_void = half(dice),
                              .governing_at_need = half(dice),
                              .remedy = half(dice) ? text(dice) : ""};
    right_lists(dice, it);
    for (unsigned i = 0; i < DESK_WINDOW_KIND_COUNT; i++) {
        it->windows[i] = window(dice);
    }
    it->deemed = window(dice);
    it->standing_cure = window(dice);
    it->standing_within = window(dice);
    it->standing_remaining = window(dice);
    return it;
}

static void payload(struct dice *dice, struct desk_event *event)
{
    if (event->kind == DESK_NEED_OPENED) {
        event->need_opened = need(dice);
    } else if (event->kind == DESK_OFFER_ADDED) {
        event->offer_added = offer(dice);
    } else if (event->kind == DESK_RIGHT) {
        event->right = right(dice);
    } else if (event->kind == DESK_SIGNED && half(dice)) {
        struct desk_delivery_terms *it = oft_arena_alloc(&dice->arena, sizeof(*it));
        *it = (struct desk_delivery_terms){
            (oft_instant)roll(dice), period(dice), (int64_t)roll(dice),   period(dice),
            (int64_t)roll(dice),     half(dice),   maybe(dice, desk_word)};
        event->delivery = it;
    } else if (event->kind == DESK_CALENDAR) {
        struct oft_calendar *it = oft_arena_alloc(&dice->arena, sizeof(*it));
        static const oft_day days[] = {-5, 3, 20000};
        *it = (struct oft_calendar){text(dice), (uint8_t)(roll(dice) % 128), days, 3, -100, 30000};
        event->calendar = it;
    } else if (event->kind == DESK_ZONE) {
        struct oft_zone *it = oft_arena_alloc(&dice->arena, sizeof(*it));
        static const struct oft_zone_change changes[] = {{OFT_INSTANT_ALWAYS, -18000},
                                                         {1000, -14400}};
        *it = (struct oft_zone){text(dice), changes, 2};
        event->zone = it;
    }
}

struct desk_event random_event(struct dice *dice)
{
    enum desk_event_kind kind =
        (enum desk_event_kind)(1 + roll(dice) % (DESK_EVENT_KIND_COUNT - 1));
    struct desk_event event = desk_event_of(kind, (oft_instant)roll(dice));
    event.happened = half(dice) ? event.at : (oft_instant)roll(dice);
    event.actor = maybe(dice, desk_party_name);
    event.party = half(dice) ? event.actor : maybe(dice, desk_party_name);
    event.other = maybe(dice, kind == DESK_ASSIGNED ? desk_party_name : desk_word);
    event.need = half(dice) ? DESK_NONE : (uint32_t)(roll(dice) % 100);
    event.offer = half(dice) ? DESK_NONE : (uint32_t)(roll(dice) % 100);
    event.lot = half(dice) ? DESK_NONE : (uint32_t)(roll(dice) % 100);
    event.notice = half(dice) ? DESK_NONE : (uint32_t)(roll(dice) % 100);
    event.order = half(dice) ? DESK_NONE : (uint32_t)(roll(dice) % 100);
    event.quantity = half(dice) ? 0 : roll(dice);
    event.terms = terms(dice);
    event.name = maybe(dice, desk_word);
    event.names = names(dice, desk_word);
    event.text = half(dice) ? text(dice) : "";
    for (unsigned i = 0; i < 32; i++) {
        event.hash[i] = half(dice) ? 0 : (uint8_t)roll(dice);
    }
    payload(dice, &event);
    return event;
}
