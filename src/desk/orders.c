/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders after the signature: arrivals, lateness, failure, and what lateness costs.
 */
#include <string.h>

#include "desk/internal.h"

static void order_enter(struct desk_state *state, uint32_t order, enum desk_order_state to,
                        oft_instant at)
{
    DESK_ORDER(state, order)->state = (uint8_t)to;
    if (state->watch != NULL) {
        const struct desk_effect effect = {DESK_EFFECT_ORDER, order, (uint8_t)to, at, state->cause};
        state->watch(state->watch_context, &effect);
    }
}

enum oft_err desk_on_delivered(struct desk_state *state, const struct desk_event *event,
                               struct desk_refusal *refusal)
{
    enum oft_err code = desk_check_customer(state, event, refusal);
    if (code == OFT_OK) {
        code = desk_check_reference(event->order, state->orders.count, "order", refusal);
    }
    if (code != OFT_OK) {
        return code;
    }
    struct desk_order *order = DESK_ORDER(state, event->order);
    uint64_t missing = order->quantity - order->delivered;
    uint64_t quantity = event->quantity == 0 ? missing : event->quantity;
    if (order->state == DESK_ORDER_FAILED || missing == 0) {
        return desk_refuse(refusal, DESK_REFUSED_STATE, 2, NULL, "order-%u is %s", event->order + 1,
                           desk_order_state_text(order->state));
    }
    if (quantity > missing) {
        return desk_refuse(refusal, DESK_REFUSED_QUANTITY, 2, NULL, "order-%u lacks %llu",
                           event->order + 1, (unsigned long long)missing);
    }
    if (event->happened < order->signed_at) {
        return desk_refuse(refusal, DESK_REFUSED_TIME, 0, NULL, "order-%u was not signed by then",
                           event->order + 1);
    }
    struct desk_arrival *arrival = desk_row_add(state, &state->arrivals, NULL);
    if (arrival == NULL) {
        return OFT_ERR_MEMORY;
    }
    *arrival = (struct desk_arrival){event->order, quantity,    event->happened,
                                     event->name,  event->text, event->number};
    order->delivered += quantity;
    if (order->delivered == order->quantity) {
        order->completed = event->happened;
        desk_timer_set(state, event->order | DESK_TIMER_ORDER, OFT_INSTANT_NEVER);
        order_enter(state, event->order, DESK_ORDER_DELIVERED, event->at);
    }
    return OFT_OK;
}

/* What the holder did not deliver is free again. */
static void free_unserved(struct desk_state *state, uint32_t order, oft_instant at)
{
    const struct desk_order *it = DESK_ORDER(state, order);
    uint32_t lot = it->lot;
    if (it->delivered > 0) {
        lot = desk_lot_split(state, lot, it->failed);
    }
    if (lot != DESK_NONE) {
        desk_lot_free(state, lot, DESK_WHY_DELIVERY_FAILED, at);
        desk_lot_reckon(state, lot);
    }
}

void desk_order_pass(struct desk_state *state, uint32_t order)
{
    struct desk_order *it = DESK_ORDER(state, order);
    if (it->state == DESK_ORDER_SIGNED) {
        desk_timer_set(state, order | DESK_TIMER_ORDER, it->cure_until);
        order_enter(state, order, DESK_ORDER_LATE, it->deliver_by);
        return;
    }
    it->failed = it->quantity - it->delivered;
    desk_timer_set(state, order | DESK_TIMER_ORDER, OFT_INSTANT_NEVER);
    order_enter(state, order, DESK_ORDER_FAILED, it->cure_until);
    if (it->lot != DESK_NONE) {
        free_unserved(state, order, it->cure_until);
    }
}

/* ---- what lateness costs --------------------------------------------------------------------- */

/* Begun periods of lateness between BY and AT: elapsed time, a month 30 days, a year 365. */
static uint64_t begun(const struct oft_period *per, oft_instant by, oft_instant at)
{
    static const uint64_t hours[] = {
        [OFT_PERIOD_HOURS] = 1,   [OFT_PERIOD_DAYS] = 24,    [OFT_PERIOD_BUSINESS_DAYS] = 24,
        [OFT_PERIOD_WEEKS] = 168, [OFT_PERIOD_MONTHS] = 720, [OFT_PERIOD_YEARS] = 8760};
    uint64_t length = per->count * hours[per->unit] * 3600 * (uint64_t)OFT_NS_PER_SECOND;
    if (at <= by || length == 0) {
        return 0;
    }
    uint64_t late = (uint64_t)at - (uint64_t)by;
    return late / length + (late % length != 0);
}

/* Adds the credit for QUANTITY that is late until AT. */
static enum oft_err add_credit(const struct desk_state *state, const struct desk_order *order,
                               uint64_t quantity, oft_instant at, oft_nanos *sum)
{
    const struct desk_term *price = desk_terms_find(order->terms, DESK_WORD_PRICE);
    const struct desk_need *need = DESK_NEED(state, order->need)->need;
    oft_nanos rate, value, credit;
    if (quantity == 0 || price == NULL || price->kind != DESK_TERM_AMOUNT || need->hours == 0) {
        return OFT_OK;
    }
    uint64_t periods = begun(&order->delivery.late_per, order->deliver_by, at);
    enum oft_err code = oft_nanos_mul(order->delivery.late_rate_ppb, (oft_nanos)periods, &rate);
    if (code == OFT_OK && order->delivery.late_cap_ppb > 0 && rate > order->delivery.late_cap_ppb) {
        rate = order->delivery.late_cap_ppb;
    }
    if (code == OFT_OK) {
        code = oft_nanos_mul((oft_nanos)quantity, (oft_nanos)need->hours, &value);
    }
    if (code == OFT_OK) {
        code = oft_nanos_mul(value, price->number, &value);
    }
    if (code == OFT_OK) {
        code = oft_nanos_mul_div_half_even(value, rate, OFT_NANOS_PER_UNIT, &credit);
    }
    return code == OFT_OK ? oft_nanos_add(*sum, credit, sum) : code;
}

enum oft_err desk_late_credit(const struct desk_state *state, uint32_t order, oft_nanos *ret_nanos)
{
    const struct desk_order *it = DESK_ORDER(state, order);
    oft_nanos sum = 0;
    enum oft_err code = OFT_OK;
    *ret_nanos = 0;
    if (it->delivery.late_rate_ppb == 0 || it->deliver_by == OFT_INSTANT_NEVER) {
        return OFT_OK;
    }
    for (uint32_t i = 0; code == OFT_OK && i < state->arrivals.count; i++) {
        const struct desk_arrival *arrival = DESK_ROW(state, arrivals, struct desk_arrival, i);
        if (arrival->order == order) {
            code = add_credit(state, it, arrival->quantity, arrival->happened, &sum);
        }
    }
    if (code == OFT_OK) {
        oft_instant until = it->state == DESK_ORDER_FAILED ? it->cure_until : state->clock;
        code = add_credit(state, it, it->quantity - it->delivered, until, &sum);
    }
    if (code == OFT_OK) {
        *ret_nanos = sum;
    }
    return code;
}
