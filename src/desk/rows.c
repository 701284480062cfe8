/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of a state, and the heap of its timers: each lot and each order has at most one place in it,
 * by its next due instant, and among equals lots before orders and by number.
 */
#include <stdlib.h>
#include <string.h>

#include "desk/internal.h"

#define ARENA_BYTES_MAX ((size_t)1 << 32)

static struct desk_rows *const *all_rows(struct desk_state *state, struct desk_rows *out[13])
{
    struct desk_rows *list[] = {
        &state->needs,     &state->offers,   &state->lots,        &state->notices,  &state->orders,
        &state->arrivals,  &state->rights,   &state->assignments, &state->defaults, &state->parties,
        &state->calendars, &state->affirmed, &state->heap};
    memcpy(out, list, sizeof(list));
    return out;
}

enum { ROWS = 13 };

enum oft_err desk_state_new(struct desk_state **ret_state)
{
    static const uint32_t bytes[ROWS] = {
        sizeof(struct desk_need_row),     sizeof(struct desk_offer_row),
        sizeof(struct desk_lot),          sizeof(struct desk_notice),
        sizeof(struct desk_order),        sizeof(struct desk_arrival),
        sizeof(struct desk_right_row),    sizeof(struct desk_assignment),
        sizeof(struct desk_default),      sizeof(struct desk_party_row),
        sizeof(struct desk_calendar_row), sizeof(struct desk_affirmed_row),
        sizeof(struct desk_timer)};
    struct desk_rows *rows[ROWS];
    struct desk_state *state = calloc(1, sizeof(*state));
    if (state == NULL) {
        return OFT_ERR_MEMORY;
    }
    (void)all_rows(state, rows);
    for (size_t i = 0; i < ROWS; i++) {
        rows[i]->item_bytes = bytes[i];
    }
    state->clock = OFT_INSTANT_ALWAYS;
    oft_arena_init(&state->arena, ARENA_BYTES_MAX);
    *ret_state = state;
    return OFT_OK;
}

void desk_state_free(struct desk_state *state)
{
    struct desk_rows *rows[ROWS];
    if (state == NULL) {
        return;
    }
    (void)all_rows(state, rows);
    for (size_t i = 0; i < ROWS; i++) {
        oft_block_free(rows[i]->items, (size_t)rows[i]->capacity * rows[i]->item_bytes);
    }
    free(state->kinds);
    oft_arena_release(&state->arena);
    free(state);
}

static bool rows_copy(struct desk_rows *to, const struct desk_rows *from)
{
    *to = *from;
    to->capacity = from->count;
    to->items = oft_block_new((size_t)from->count * from->item_bytes);
    if (to->items == NULL) {
        return false;
    }
    if (from->count > 0) {
        memcpy(to->items, from->items, (size_t)from->count * from->item_bytes);
    }
    return true;
}

struct desk_state *desk_state_copy(const struct desk_state *state)
{
    struct desk_rows *to[ROWS], *from[ROWS];
    struct desk_state *copy = malloc(sizeof(*copy));
    if (copy == NULL) {
        return NULL;
    }
    *copy = *state;
    copy->watch = NULL;
    oft_arena_init(&copy->arena, ARENA_BYTES_MAX); /* the merged terms stay the original's */
    copy->kinds = NULL;
    (void)all_rows(copy, to);
    for (size_t i = 0; i < ROWS; i++) {
        to[i]->items = NULL;
    }
    (void)all_rows((struct desk_state *)(uintptr_t)state, from);
    bool good = true;
    for (size_t i = 0; i < ROWS; i++) {
        good = good && rows_copy(to[i], from[i]);
    }
    if (good && state->kinds != NULL) {
        copy->kinds = malloc(state->kind_capacity * sizeof(*copy->kinds));
        good = copy->kinds != NULL;
        if (good) {
            memcpy(copy->kinds, state->kinds, state->kind_capacity * sizeof(*copy->kinds));
        }
    }
    if (!good) {
        desk_state_free(copy);
        return NULL;
    }
    return copy;
}

void *desk_row_add(struct desk_state *state, struct desk_rows *rows, uint32_t *ret_index)
{
    if (rows->count == rows->capacity) {
        uint32_t capacity = rows->capacity < 16 ? 16 : rows->capacity * 2;
        void *items = capacity < DESK_TIMER_ORDER
                          ? oft_block_grow(rows->items, (size_t)rows->capacity * rows->item_bytes,
                                           (size_t)capacity * rows->item_bytes)
                          : NULL;
        if (items == NULL) {
            state->broken = true;
            return NULL;
        }
        rows->items = items;
        rows->capacity = capacity;
    }
    /* Only the heap shrinks, and it is written over: a new row is of zeroed memory. */
    void *item = (char *)rows->items + (size_t)rows->count * rows->item_bytes;
    if (ret_index != NULL) {
        *ret_index = rows->count;
    }
    rows->count++;
    return item;
}

/* ---- the heap -------------------------------------------------------------------------------- */

static oft_instant *timer_due(const struct desk_state *state, uint32_t timer)
{
    return (timer & DESK_TIMER_ORDER) != 0 ? &DESK_ORDER(state, timer & ~DESK_TIMER_ORDER)->due
                                           : &DESK_LOT(state, timer)->due;
}

static uint32_t *timer_place(const struct desk_state *state, uint32_t timer)
{
    return (timer & DESK_TIMER_ORDER) != 0 ? &DESK_ORDER(state, timer & ~DESK_TIMER_ORDER)->timer
                                           : &DESK_LOT(state, timer)->timer;
}

static bool before(struct desk_timer a, struct desk_timer b)
{
    return a.due < b.due || (a.due == b.due && a.timer < b.timer);
}

static void put(struct desk_state *state, uint32_t place, struct desk_timer timer)
{
    ((struct desk_timer *)state->heap.items)[place] = timer;
    *timer_place(state, timer.timer) = place;
}

static void sift_up(struct desk_state *state, uint32_t place, struct desk_timer timer)
{
    const struct desk_timer *heap = state->heap.items;
    while (place > 0 && before(timer, heap[(place - 1) / 2])) {
        put(state, place, heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(state, place, timer);
}

static void sift_down(struct desk_state *state, uint32_t place, struct desk_timer timer)
{
    const struct desk_timer *heap = state->heap.items;
    for (;;) {
        uint32_t child = place * 2 + 1;
        if (child >= state->heap.count) {
            break;
        }
        if (child + 1 < state->heap.count && before(heap[child + 1], heap[child])) {
            child++;
        }
        if (!before(heap[child], timer)) {
            break;
        }
        put(state, place, heap[child]);
        place = child;
    }
    put(state, place, timer);
}

static void timer_remove(struct desk_state *state, uint32_t place)
{
    struct desk_timer last = ((struct desk_timer *)state->heap.items)[state->heap.count - 1];
    state->heap.count--;
    if (place < state->heap.count) {
        sift_up(state, place, last);
        sift_down(state, *timer_place(state, last.timer), last);
    }
}

void desk_timer_set(struct desk_state *state, uint32_t timer, oft_instant due)
{
    oft_instant was = *timer_due(state, timer);
    uint32_t place = *timer_place(state, timer);
    const struct desk_timer now = {due, timer};
    *timer_due(state, timer) = due;
    if (place == DESK_NONE) {
        if (due != OFT_INSTANT_NEVER && desk_row_add(state, &state->heap, &place) != NULL) {
            sift_up(state, place, now);
        }
    } else if (due == OFT_INSTANT_NEVER) {
        *timer_place(state, timer) = DESK_NONE;
        timer_remove(state, place);
    } else if (due < was) {
        sift_up(state, place, now);
    } else if (due > was) {
        sift_down(state, place, now);
    }
}

uint32_t desk_timer_first(const struct desk_state *state)
{
    return state->heap.count == 0 ? DESK_NONE
                                  : ((const struct desk_timer *)state->heap.items)->timer;
}

oft_instant desk_next_due(const struct desk_state *state)
{
    return state->heap.count == 0 ? OFT_INSTANT_NEVER
                                  : ((const struct desk_timer *)state->heap.items)->due;
}
