/* SPDX-License-Identifier: Apache-2.0 */
/* Random clauses, calendars, needs, offers and terms. Values are few, so that they meet. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define HOUR (INT64_C(3600) * OFT_NS_PER_SECOND)

void *sim_keep(struct sim_world *world, size_t size)
{
    void *memory = oft_arena_alloc(&world->arena, size);

    if (!memory) {
        abort(); /* a world is small; without memory there is no test */
    }
    return memory;
}

static struct desk_names one_name(struct sim_world *world, struct desk_name name)
{
    struct desk_name *items = sim_keep(world, sizeof(*items));

    *items = name;
    return (struct desk_names){items, 1};
}

static struct desk_names some(struct sim_world *world, const struct desk_name *from, uint32_t count,
                              uint32_t percent)
{
    if (!sim_chance(&world->random, percent)) {
        return (struct desk_names){NULL, 0};
    }
    return one_name(world, from[sim_below(&world->random, count)]);
}

/* ---- calendars and zones --------------------------------------------------------------------------- */

static void calendars(struct sim_world *world)
{
    struct oft_calendar *bank = sim_keep(world, sizeof(*bank)),
                        *narrow = sim_keep(world, sizeof(*bank));
    struct oft_zone *zone = sim_keep(world, sizeof(*zone));
    struct oft_zone_change *changes = sim_keep(world, 2 * sizeof(*changes));
    oft_day *holidays = sim_keep(world, 4 * sizeof(*holidays));
    oft_day first = (oft_day)(world->cast->begin / OFT_NS_PER_DAY);
    struct desk_event event;
    uint32_t count = sim_below(&world->random, 4);

    for (uint32_t i = 0; i < count; i++) {
        holidays[i] = first + (oft_day)(i * 3 + sim_below(&world->random, 3));
    }
    *bank = (struct oft_calendar){
        .name = world->cast->calendar.text,
        .closed_weekdays = sim_chance(&world->random, 50) ? 0x60 : 0x30,
        .holidays = holidays,
        .holiday_count = count,
        .known_from = first - 400,
        .known_until = first + 20000,
    };
    *narrow = *bank;
    narrow->name = world->cast->narrow.text;
    narrow->known_until = first + 12;
    changes[0] = (struct oft_zone_change){.from = OFT_INSTANT_ALWAYS, .offset_s = -5 * 3600};
    changes[1] = (struct oft_zone_change){.from = world->cast->begin +
                                                  (int64_t)sim_below(&world->random, 240) * HOUR,
                                          .offset_s = -4 * 3600};
    *zone =
        (struct oft_zone){.name = world->cast->zone.text, .changes = changes, .change_count = 2};

    event = desk_event_of(DESK_CALENDAR, world->cast->begin);
    event.name = world->cast->calendar;
    event.calendar = bank;
    (void)(sim_step(world, &event));
    event.name = world->cast->narrow;
    event.calendar = narrow;
    (void)(sim_step(world, &event));
    event = desk_event_of(DESK_ZONE, world->cast->begin);
    event.name = world->cast->zone;
    event.zone = zone;
    (void)(sim_step(world, &event));
}

/* ---- clauses ------------------------------------------------------------------------------------------ */

static struct desk_window window(struct sim_world *world, uint32_t percent)
{
    static const uint32_t hours[] = {1, 2, 4, 6, 12, 24};
    struct sim_random *random = &world->random;
    struct desk_window one = {.said = sim_chance(random, percent)};

    if (!one.said) {
        return one;
    }
    one.period =
        (struct oft_period){.count = hours[sim_below(random, 6)], .unit = OFT_PERIOD_HOURS};
    if (sim_chance(random, 25)) {
        one.period.count = 1 + sim_below(random, 3);
        one.period.unit = sim_chance(random, 50) ? OFT_PERIOD_DAYS : OFT_PERIOD_BUSINESS_DAYS;
        if (sim_chance(random, 40)) {
            one.calendar = world->cast->calendar;
        }
        if (sim_chance(random, 40)) {
            one.zone = world->cast->zone;
        }
    }
    return one;
}

static void windows(struct sim_world *world, struct desk_right *right)
{
    static const uint32_t said[DESK_WINDOW_KIND_COUNT] = {100, 40, 35, 70, 75, 50, 40};
    struct sim_random *random = &world->random;

    for (int i = 0; i < DESK_WINDOW_KIND_COUNT; i++) {
        right->windows[i] = window(world, said[i]);
    }
    right->windows[DESK_WINDOW_RESPOND].start =
        (enum desk_start)(sim_chance(random, 50) ? 0 : sim_below(random, 3));
    right->windows[DESK_WINDOW_REOFFER].start = right->windows[DESK_WINDOW_RESPOND].start;
    right->deemed = window(world, 45);
    if (sim_chance(random, 4) && right->windows[DESK_WINDOW_RESPOND].start == DESK_FROM_DELIVERED) {
        right->deemed.said = false;
        right->windows[DESK_WINDOW_RESPOND].period =
            (struct oft_period){.count = 2, .unit = OFT_PERIOD_BUSINESS_DAYS};
        right->windows[DESK_WINDOW_RESPOND].calendar = world->cast->narrow;
    } else if (sim_chance(random, 1)) {
        right->windows[DESK_WINDOW_RESPOND].period =
            (struct oft_period){.count = 2, .unit = OFT_PERIOD_BUSINESS_DAYS};
        right->windows[DESK_WINDOW_RESPOND].calendar = world->cast->unknown;
    }
}

static void holders(struct sim_world *world, struct desk_right *right)
{
    struct sim_random *random = &world->random;
    uint32_t count = sim_chance(random, 40) ? 1 : 1 + sim_below(random, 4), rank = 1;
    uint32_t start = sim_below(random, SIM_HOLDERS);
    struct desk_holder *items = sim_keep(world, count * sizeof(*items));

    for (uint32_t i = 0; i < count; i++) {
        rank += i > 0 && sim_chance(random, 45);
        items[i] = (struct desk_holder){world->cast->holders[(start + i) % SIM_HOLDERS], rank};
    }
    /* In order of rank, then of the text. */
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = i + 1; k < count; k++) {
            if (items[k].rank == items[i].rank &&
                strcmp(items[k].party.text, items[i].party.text) < 0) {
                struct desk_holder swap = items[i];
                items[i] = items[k];
                items[k] = swap;
            }
        }
    }
    right->holders = items;
    right->holder_count = count;
    right->simultaneous = sim_chance(random, 25);
}

static void matching(struct sim_world *world, struct desk_right *right)
{
    struct sim_random *random = &world->random;
    uint32_t count = sim_chance(random, 50) ? 0 : 1 + sim_below(random, 3);
    struct desk_compare *items = sim_keep(world, (count + 1) * sizeof(*items));

    right->match = (enum desk_match)(sim_chance(random, 50) ? 0 : sim_below(random, 3));
    for (uint32_t i = 0; i < count; i++) {
        /* price, prepay, uptime or credit */
        static const uint32_t which[] = {3, 2, 5, 0};

        items[i] = (struct desk_compare){
            .name = world->cast->terms[which[i]],
            .better = i == 2                   ? DESK_HIGHER
                      : sim_chance(random, 90) ? DESK_LOWER
                                               : DESK_HIGHER,
            .tolerance_ppb = sim_chance(random, 50)   ? 0
                             : sim_chance(random, 50) ? 50000000
                                                      : 1000,
        };
    }
    right->compares = items;
    right->compare_count = count;
    right->cash_equivalent = sim_chance(random, 25);
}

static void standing(struct sim_world *world, struct desk_right *right)
{
    struct sim_random *random = &world->random;

    right->suspend_on_default = sim_chance(random, 30);
    right->standing_cure = window(world, 15);
    right->standing_remaining = window(world, 10);
    if (sim_chance(random, 15)) {
        right->standing_defaults = 1 + sim_below(random, 2);
        right->standing_within = window(world, 100);
    }
    right->one_time = sim_chance(random, 15);
    right->assignable = sim_chance(random, 30);
    right->ends_on_control = sim_chance(random, 30);
    right->pending_void = sim_chance(random, 50);
    right->governing_at_need = sim_chance(random, 30);
    right->counterparty_any = sim_chance(random, 35);
}

static void scope(struct sim_world *world, struct desk_right *right)
{
    const struct sim_cast *cast = world->cast;
    struct sim_random *random = &world->random;

    right->products = some(world, cast->products, 2, 20);
    right->regions = some(world, cast->regions, 4, 15);
    right->accelerators = some(world, cast->accelerators, 2, 10);
    right->deals = sim_chance(random, 10) ? 1 + sim_below(random, 7) : 0;
    if (sim_chance(random, 30)) {
        right->floor.kind = (enum desk_size_kind)(1 + sim_below(random, 4));
        right->floor.amount = 1 + (oft_nanos)sim_below(random, 12);
        if (right->floor.kind >= DESK_SIZE_GPU_HOURS) {
            right->floor.amount *= 100;
        }
        if (right->floor.kind == DESK_SIZE_MONEY) {
            right->floor.amount *= 2000000000;
        }
    }
    if (sim_chance(random, 40)) {
        struct desk_carve_out *carve = sim_keep(world, sizeof(*carve));

        *carve = (struct desk_carve_out){cast->carve_out, "research alone"};
        right->carve_outs = carve;
        right->carve_out_count = 1;
    }
    if (right->kind == DESK_RIGHT_REFUSAL) {
        right->bona_fide = some(world, cast->tests, 2, 20);
    }
}

const struct desk_right *sim_right(struct sim_world *world, uint32_t number)
{
    struct desk_right *right = sim_keep(world, sizeof(*right));
    char *text = oft_arena_printf(&world->arena, "deal.right-%u", number);
    struct sim_random *random = &world->random;
    oft_instant begin = world->cast->begin;

    *right = (struct desk_right){
        .clause = desk_word(text),
        .kind = sim_chance(random, 70)   ? DESK_RIGHT_REFUSAL
                : sim_chance(random, 75) ? DESK_RIGHT_OFFER
                                         : DESK_RIGHT_EXCLUSIVE,
        .from = begin - HOUR,
        .until = OFT_INSTANT_NEVER,
        .remedy = "",
        .ended_by = {0, ""},
    };
    if (sim_chance(random, 15)) {
        right->from = begin + (int64_t)sim_below(random, 48) * HOUR;
    }
    if (sim_chance(random, 30)) {
        right->until = begin + (int64_t)(1 + sim_below(random, 200)) * HOUR;
        right->end = sim_chance(random, 70) ? DESK_ENDS_EXPIRED : DESK_ENDS_TERMINATED;
    }
    if (right->from >= right->until) {
        right->until = right->from + HOUR;
    }
    if (right->kind == DESK_RIGHT_EXCLUSIVE) {
        right->provider = world->cast->providers[0];
        right->products = some(world, world->cast->products, 2, 100);
        right->except_groups = some(world, world->cast->groups, 2, 50);
        return right;
    }
    scope(world, right);
    holders(world, right);
    windows(world, right);
    matching(world, right);
    standing(world, right);
    right->partial = sim_chance(random, 60);
    right->partial_minimum = right->partial ? sim_below(random, 4) : 0;
    right->partial_step = right->partial ? sim_below(random, 3) : 0;
    right->partial_unit = (enum desk_size_kind)(sim_chance(random, 60) ? 0 : sim_below(random, 3));
    right->disclose = (enum desk_disclose)sim_below(random, 3);
    return right;
}

/* Another reading of a right: it ends, or its end moves. An amendment names a successor. */
const struct desk_right *sim_right_reading(struct sim_world *world, const struct desk_right *of,
                                           oft_instant at)
{
    struct desk_right *right = sim_keep(world, sizeof(*right));

    *right = *of;
    right->until = at + (int64_t)sim_below(&world->random, 12) * HOUR;
    if (right->until <= right->from) {
        right->until = right->from + HOUR;
    }
    right->end = sim_chance(&world->random, 50) ? DESK_ENDS_EXPIRED : DESK_ENDS_TERMINATED;
    return right;
}

void sim_rights(struct sim_world *world)
{
    struct desk_event event = desk_event_of(DESK_CUSTOMER, world->cast->begin);
    uint32_t count = 1 + sim_below(&world->random, 3);

    event.party = world->cast->customer;
    event.actor = world->cast->customer;
    (void)sim_step(world, &event);
    calendars(world);
    for (uint32_t i = 0; i < count; i++) {
        const struct desk_right *right = sim_right(world, i);

        event = desk_event_of(DESK_RIGHT, world->cast->begin);
        event.right = right;
        if (right->kind != DESK_RIGHT_EXCLUSIVE && sim_chance(&world->random, 20)) {
            struct desk_right *old = sim_keep(world, sizeof(*old)),
                              *next = sim_keep(world, sizeof(*old));

            *old = *right;
            *next = *sim_right(world, 10 + i);
            next->kind = right->kind;
            next->products = right->products;
            next->except_groups = (struct desk_names){NULL, 0};
            if (next->holder_count == 0) {
                *next = *right;
                next->clause = desk_word(oft_arena_printf(&world->arena, "deal.right-%u", 10 + i));
            }
            next->bona_fide =
                next->kind == DESK_RIGHT_OFFER ? (struct desk_names){NULL, 0} : next->bona_fide;
            old->until = right->from + (int64_t)(1 + sim_below(&world->random, 72)) * HOUR;
            old->end = DESK_ENDS_AMENDED;
            old->ended_by = next->clause;
            next->from = old->until;
            next->until = OFT_INSTANT_NEVER;
            event.right = old;
            (void)sim_step(world, &event);
            event.right = next;
        }
        (void)sim_step(world, &event);
    }
}
