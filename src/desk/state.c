/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions about a state: its rows one by one, its digest, and whether it is sound.
 */
#include "desk/internal.h"

void desk_watch(struct desk_state *state, desk_effect_fn watch, void *context)
{
    state->watch = watch;
    state->watch_context = context;
}

oft_instant desk_clock(const struct desk_state *state)
{
    return state->clock;
}

uint64_t desk_event_count(const struct desk_state *state)
{
    return state->events;
}

struct desk_name desk_customer(const struct desk_state *state)
{
    return state->customer;
}

/* A count and a row of each kind. An index out of range is a mistake of the caller. */
#define ROWS_OF(name, rows, type)                                                \
    uint32_t desk_##name##_count(const struct desk_state *state)                 \
    {                                                                            \
        return state->rows.count;                                                \
    }                                                                            \
    const type *desk_##name##_at(const struct desk_state *state, uint32_t index) \
    {                                                                            \
        OFT_ASSERT(index < state->rows.count);                                   \
        return DESK_ROW(state, rows, type, index);                               \
    }
ROWS_OF(need, needs, struct desk_need_row)
ROWS_OF(offer, offers, struct desk_offer_row)
ROWS_OF(lot, lots, struct desk_lot)
ROWS_OF(notice, notices, struct desk_notice)
ROWS_OF(order, orders, struct desk_order)
ROWS_OF(arrival, arrivals, struct desk_arrival)

uint32_t desk_right_count(const struct desk_state *state)
{
    return state->rights.count;
}

const struct desk_right *desk_right_at(const struct desk_state *state, uint32_t index)
{
    OFT_ASSERT(index < state->rights.count);
    return &DESK_RIGHT(state, index)->right;
}

const struct desk_holder *desk_holders_at(const struct desk_state *state, uint32_t index)
{
    OFT_ASSERT(index < state->rights.count);
    return DESK_RIGHT(state, index)->holders;
}

uint32_t desk_find_right(const struct desk_state *state, uint64_t clause_id)
{
    for (uint32_t i = 0; i < state->rights.count; i++) {
        if (DESK_RIGHT(state, i)->right.clause.id == clause_id) {
            return i;
        }
    }
    return DESK_NONE;
}

/* ---- the digest ------------------------------------------------------------------------------ */

static void mix(uint64_t *hash, uint64_t value)
{
    *hash = (*hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    *hash ^= *hash >> 29;
}

static void mix_terms(uint64_t *hash, struct desk_terms terms)
{
    mix(hash, terms.count);
    for (uint32_t i = 0; i < terms.count; i++) {
        mix(hash, terms.items[i].name.id);
        mix(hash, (uint64_t)terms.items[i].number);
        mix(hash, (uint64_t)(terms.items[i].number >> 64));
        mix(hash, terms.items[i].text.id);
        mix(hash, (uint64_t)terms.items[i].cash_nanos);
    }
}

static void mix_lot(uint64_t *hash, const struct desk_lot *lot)
{
    const uint64_t values[] = {
        lot->right,         lot->need,  lot->offer,           lot->parent,
        lot->root,          lot->next,  lot->quantity,        lot->state,
        lot->why,           lot->flags, lot->reoffer,         lot->tendered,
        lot->over_done,     lot->rank,  lot->first_notice,    lot->notice_count,
        lot->holder_notice, lot->order, (uint64_t)lot->since, (uint64_t)lot->deadline,
        (uint64_t)lot->due};
    for (size_t i = 0; i < OFT_COUNT_OF(values); i++) {
        mix(hash, values[i]);
    }
    mix_terms(hash, lot->noticed);
}

static void mix_notice(uint64_t *hash, const struct desk_notice *it)
{
    const uint64_t values[] = {it->lot,
                               it->holder.id,
                               it->rank,
                               it->state,
                               it->over_asked,
                               it->countered,
                               it->entitled,
                               it->elected,
                               it->over_requested,
                               it->event,
                               (uint64_t)it->sent,
                               (uint64_t)it->delivered,
                               (uint64_t)it->deemed_at,
                               (uint64_t)it->object_by,
                               (uint64_t)it->respond_by};
    for (size_t i = 0; i < OFT_COUNT_OF(values); i++) {
        mix(hash, values[i]);
    }
}

static void mix_order(uint64_t *hash, const struct desk_order *it)
{
    const uint64_t values[] = {it->need,
                               it->offer,
                               it->lot,
                               it->party.id,
                               it->quantity,
                               it->delivered,
                               it->failed,
                               it->state,
                               (uint64_t)it->deliver_by,
                               (uint64_t)it->cure_until,
                               (uint64_t)it->due};
    for (size_t i = 0; i < OFT_COUNT_OF(values); i++) {
        mix(hash, values[i]);
    }
    mix_terms(hash, it->terms);
}

uint64_t desk_digest(const struct desk_state *state)
{
    uint64_t hash = (uint64_t)state->clock;
    mix(&hash, state->events);
    for (uint32_t i = 0; i < state->lots.count; i++) {
        mix_lot(&hash, DESK_LOT(state, i));
    }
    for (uint32_t i = 0; i < state->notices.count; i++) {
        mix_notice(&hash, DESK_NOTICE(state, i));
    }
    for (uint32_t i = 0; i < state->orders.count; i++) {
        mix_order(&hash, DESK_ORDER(state, i));
    }
    for (uint32_t i = 0; i < state->offers.count; i++) {
        const struct desk_offer_row *it = DESK_OFFER(state, i);
        mix(&hash, it->quantity);
        mix(&hash, it->signed_quantity);
        mix(&hash, it->withdrawn);
        mix_terms(&hash, it->terms);
    }
    for (uint32_t i = 0; i < state->needs.count; i++) {
        mix(&hash, DESK_NEED(state, i)->withdrawn);
        mix(&hash, DESK_NEED(state, i)->ordered);
    }
    for (uint32_t i = 0; i < state->rights.count; i++) {
        mix(&hash, (uint64_t)DESK_RIGHT(state, i)->exhausted);
        mix(&hash, (uint64_t)desk_right_until(DESK_RIGHT(state, i), NULL));
    }
    for (uint32_t i = 0; i < state->defaults.count; i++) {
        const struct desk_default *it = DESK_ROW(state, defaults, struct desk_default, i);
        mix(&hash, it->party);
        mix(&hash, (uint64_t)it->at);
        mix(&hash, (uint64_t)it->cured);
    }
    mix(&hash, state->arrivals.count);
    return hash;
}

/* ---- soundness ------------------------------------------------------------------------------- */

static void assert_heap(const struct desk_state *state)
{
    const struct desk_timer *heap = state->heap.items;
    uint32_t timers = 0;
    for (uint32_t i = 0; i < state->lots.count; i++) {
        const struct desk_lot *lot = DESK_LOT(state, i);
        OFT_ASSERT((lot->timer == DESK_NONE) == (lot->due == OFT_INSTANT_NEVER));
        OFT_ASSERT(lot->timer == DESK_NONE ||
                   (heap[lot->timer].timer == i && heap[lot->timer].due == lot->due));
        OFT_ASSERT(lot->due == OFT_INSTANT_NEVER || lot->due > state->clock);
        timers += lot->timer != DESK_NONE;
    }
    for (uint32_t i = 0; i < state->orders.count; i++) {
        const struct desk_order *order = DESK_ORDER(state, i);
        OFT_ASSERT((order->timer == DESK_NONE) == (order->due == OFT_INSTANT_NEVER));
        OFT_ASSERT(order->timer == DESK_NONE ||
                   (heap[order->timer].timer == (i | DESK_TIMER_ORDER) &&
                    heap[order->timer].due == order->due));
        OFT_ASSERT(order->delivered + order->failed <= order->quantity);
        timers += order->timer != DESK_NONE;
    }
    OFT_ASSERT(timers == state->heap.count);
    for (uint32_t i = 1; i < state->heap.count; i++) {
        OFT_ASSERT(heap[(i - 1) / 2].due <= heap[i].due);
    }
}

/* The lots of a procedure add up to what it was begun with, however they were split. */
static void assert_procedure(const struct desk_state *state, uint32_t root)
{
    oft_u128 sum = 0;
    uint32_t last = root;
    for (uint32_t i = root; i != DESK_NONE; i = DESK_LOT(state, i)->next) {
        const struct desk_lot *lot = DESK_LOT(state, i);
        OFT_ASSERT(lot->root == root && lot->quantity > 0);
        OFT_ASSERT(lot->need == DESK_LOT(state, root)->need);
        OFT_ASSERT(lot->state != DESK_LOT_BOUND || lot->order != DESK_NONE);
        OFT_ASSERT(lot->first_notice == DESK_NONE ||
                   lot->first_notice + lot->notice_count <= state->notices.count);
        sum += lot->quantity;
        last = i;
    }
    OFT_ASSERT(DESK_LOT(state, root)->tail == last);
    OFT_ASSERT(sum == DESK_LOT(state, root)->whole);
}

void desk_assert_sound(const struct desk_state *state)
{
    OFT_ASSERT(!state->broken);
    assert_heap(state);
    for (uint32_t i = 0; i < state->lots.count; i++) {
        if (DESK_LOT(state, i)->root == i) {
            assert_procedure(state, i);
        }
    }
    for (uint32_t i = 0; i < state->offers.count; i++) {
        OFT_ASSERT(DESK_OFFER(state, i)->signed_quantity <= DESK_OFFER(state, i)->quantity);
    }
}
