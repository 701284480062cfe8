/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a failing script smaller: events are left out, rights made plainer, quantities and instants rounder,
 * as long as the same property fails. */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define HOUR (INT64_C(3600) * OFT_NS_PER_SECOND)

struct shrinker {
    const struct sim_cast *cast;
    struct model *model;
    struct sim_world *world;    /* for trying */
    struct oft_arena *arena;    /* for changed rights, needs and offers */
    struct sim_failure failure; /* of the last script that failed so */
    uint32_t tries;
};

static bool still_fails(struct shrinker *shrinker, const struct desk_event *script, uint32_t count)
{
    bool same;

    shrinker->tries++;
    sim_world_begin(shrinker->world, shrinker->cast, shrinker->model, 1);
    shrinker->world->thorough = true;
    (void)sim_play(shrinker->world, script, count);
    same = shrinker->world->failure.property == shrinker->failure.property &&
           shrinker->world->failure.which == shrinker->failure.which &&
           (shrinker->failure.property != SIM_PAGE ||
            shrinker->world->failure.code == shrinker->failure.code);
    if (same) {
        shrinker->failure = shrinker->world->failure;
    }
    sim_world_end(shrinker->world);
    return same;
}

static void leave_out(struct desk_event *script, uint32_t from, uint32_t size, uint32_t count)
{
    memmove(&script[from], &script[from + size], (count - from - size) * sizeof(*script));
}

struct shift {
    uint32_t need, offer, lot, notice;
};

static void lower(uint32_t *reference, uint32_t by)
{
    if (*reference != DESK_NONE && *reference >= by) {
        *reference -= by;
    }
}

/* What is made after a thing that is left out has another number. */
static bool renumber(struct shrinker *shrinker, struct desk_event *script, uint32_t from,
                     uint32_t count, const struct shift *by)
{
    for (uint32_t i = from; i < count; i++) {
        struct desk_event *event = &script[i];

        lower(&event->need, by->need);
        lower(&event->offer, by->offer);
        lower(&event->lot, by->lot);
        lower(&event->notice, by->notice);
        if (event->offer_added && by->need > 0) {
            struct desk_offer *offer = oft_arena_alloc(shrinker->arena, sizeof(*offer));

            if (!offer) {
                return false;
            }
            *offer = *event->offer_added;
            lower(&offer->need, by->need);
            event->offer_added = offer;
        }
    }
    return true;
}

/* Leaves out a right, a need or an offer, and lets the numbers that follow move up. */
static uint32_t without_maker(struct shrinker *shrinker, struct desk_event *script, uint32_t at,
                              uint32_t count)
{
    struct desk_event candidate[SIM_EVENTS_MAX];
    enum desk_event_kind kind = script[at].kind;

    if (kind != DESK_NEED_OPENED && kind != DESK_OFFER_ADDED && kind != DESK_RIGHT) {
        return count;
    }
    for (uint32_t way = 0; way < 3 * 5; way++) {
        struct shift by = {kind == DESK_NEED_OPENED, kind == DESK_OFFER_ADDED, way / 5, way % 5};

        memcpy(candidate, script, count * sizeof(*script));
        leave_out(candidate, at, 1, count);
        if (renumber(shrinker, candidate, at, count - 1, &by) &&
            still_fails(shrinker, candidate, count - 1)) {
            memcpy(script, candidate, (count - 1) * sizeof(*script));
            return count - 1;
        }
    }
    return count;
}

static uint32_t fewer(struct shrinker *shrinker, struct desk_event *script, uint32_t count)
{
    static const uint32_t sizes[] = {16, 8, 4, 2, 1};
    struct desk_event candidate[SIM_EVENTS_MAX];

    for (size_t s = 0; s < OFT_COUNT_OF(sizes); s++) {
        uint32_t size = sizes[s];

        for (uint32_t from = count; from-- > 0;) {
            if (from + size > count) {
                continue;
            }
            memcpy(candidate, script, count * sizeof(*script));
            leave_out(candidate, from, size, count);
            if (still_fails(shrinker, candidate, count - size)) {
                count -= size;
                memcpy(script, candidate, count * sizeof(*script));
            } else if (size == 1) {
                count = without_maker(shrinker, script, from, count);
            }
        }
    }
    return count;
}

/* Tries one change of one event; keeps it when the failure stays. */
static void keep_if_failing(struct shrinker *shrinker, struct desk_event *script, uint32_t count,
                            uint32_t index, const struct desk_event *changed)
{
    struct desk_event before = script[index];

    if (memcmp(&before, changed, sizeof(before)) == 0) {
        return;
    }
    script[index] = *changed;
    if (!still_fails(shrinker, script, count)) {
        script[index] = before;
    }
}

/* Ways in which a right may be plainer; false: no such way. */
static bool plainer(struct desk_right *right, uint32_t way)
{
    if (way < DESK_WINDOW_KIND_COUNT) {
        right->windows[way].said &= way == DESK_WINDOW_RESPOND;
        right->windows[way].calendar = right->windows[way].zone = (struct desk_name){0, ""};
        return true;
    }
    switch (way - DESK_WINDOW_KIND_COUNT) {
    case 0:
        right->products = right->regions = right->accelerators = (struct desk_names){NULL, 0};
        right->deals = 0;
        return true;
    case 1:
        right->floor.kind = DESK_SIZE_NONE;
        return true;
    case 2:
        right->holder_count =
            right->holder_count > 1 ? right->holder_count - 1 : right->holder_count;
        return true;
    case 3:
        right->compare_count = 0;
        right->match = DESK_MATCH_ALL;
        return true;
    case 4:
        right->cash_equivalent = right->one_time = right->assignable = right->ends_on_control =
            false;
        return true;
    case 5:
        right->standing_defaults = 0;
        right->standing_cure.said = right->standing_remaining.said = right->suspend_on_default =
            false;
        return true;
    case 6:
        right->until = OFT_INSTANT_NEVER;
        right->end = DESK_ENDS_EXPIRED;
        return true;
    case 7:
        right->deemed.said = false;
        right->windows[DESK_WINDOW_RESPOND].start = DESK_FROM_DELIVERED;
        return true;
    case 8:
        right->bona_fide = (struct desk_names){NULL, 0};
        right->carve_out_count = 0;
        return true;
    case 9:
        right->partial = right->simultaneous = right->counterparty_any = false;
        return true;
    case 10:
        right->pending_void = right->governing_at_need = false;
        return true;
    default:
        return false;
    }
}

static void simpler_right(struct shrinker *shrinker, struct desk_event *script, uint32_t count,
                          uint32_t index)
{
    for (uint32_t way = 0;; way++) {
        struct desk_right *right = oft_arena_alloc(shrinker->arena, sizeof(*right));
        struct desk_event changed = script[index];

        if (!right) {
            return;
        }
        *right = *changed.right;
        changed.right = right;
        if (!plainer(right, way)) {
            return;
        }
        keep_if_failing(shrinker, script, count, index, &changed);
    }
}

static void simpler_goods(struct shrinker *shrinker, struct desk_event *script, uint32_t count,
                          uint32_t index)
{
    struct desk_event changed = script[index];

    if (changed.need_opened) {
        struct desk_need *need = oft_arena_alloc(shrinker->arena, sizeof(*need));

        if (!need) {
            return;
        }
        *need = *changed.need_opened;
        need->region = need->accelerator = need->group = need->provider = (struct desk_name){0, ""};
        need->quantity = need->quantity > 10 ? 10 : need->quantity;
        need->terms.count = need->terms.count > 1 ? 1 : need->terms.count;
        changed.need_opened = need;
    }
    if (changed.offer_added) {
        struct desk_offer *offer = oft_arena_alloc(shrinker->arena, sizeof(*offer));
        uint32_t kept = 0;
        struct desk_term *items = oft_arena_alloc(shrinker->arena, 16 * sizeof(*items));

        if (!offer || !items) {
            return;
        }
        *offer = *changed.offer_added;
        for (uint32_t i = 0; i < offer->terms.count; i++) {
            if (strcmp(offer->terms.items[i].name.text, "price") == 0) {
                items[kept++] = offer->terms.items[i];
            }
        }
        offer->terms = (struct desk_terms){items, kept};
        offer->bundled_nanos = 0;
        changed.offer_added = offer;
    }
    keep_if_failing(shrinker, script, count, index, &changed);
}

static void simpler(struct shrinker *shrinker, struct desk_event *script, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct desk_event changed = script[i];

        if (changed.right) {
            simpler_right(shrinker, script, count, i);
        }
        if (changed.need_opened || changed.offer_added) {
            simpler_goods(shrinker, script, count, i);
        }
        changed = script[i];
        if (changed.terms.count > 0) {
            changed.terms = (struct desk_terms){NULL, 0};
            keep_if_failing(shrinker, script, count, i, &changed);
        }
        changed = script[i];
        if (changed.kind != SIM_TIME_PASSES && changed.party.id != 0) {
            changed.actor = changed.party;
            keep_if_failing(shrinker, script, count, i, &changed);
        }
        changed = script[i];
        changed.happened = changed.at;
        keep_if_failing(shrinker, script, count, i, &changed);
        changed = script[i];
        changed.at = i > 0 ? script[i - 1].at : changed.at;
        changed.happened = changed.at;
        keep_if_failing(shrinker, script, count, i, &changed);
        changed = script[i];
        changed.at = changed.happened = changed.at - (changed.at % HOUR);
        keep_if_failing(shrinker, script, count, i, &changed);
    }
}

uint32_t sim_shrink(const struct sim_cast *cast, struct model *model, struct oft_arena *arena,
                    struct desk_event *script, uint32_t count, struct sim_failure *failure)
{
    struct shrinker shrinker = {cast, model, malloc(sizeof(struct sim_world)), arena, *failure, 0};
    uint32_t before;

    if (!shrinker.world) {
        return count;
    }
    if (failure->step + 1 < count && still_fails(&shrinker, script, failure->step + 1)) {
        count = failure->step + 1;
    }
    do {
        before = count;
        count = fewer(&shrinker, script, count);
        simpler(&shrinker, script, count);
        count = fewer(&shrinker, script, count);
    } while (count < before && shrinker.tries < 20000);
    *failure = shrinker.failure;
    free(shrinker.world);
    return count;
}
