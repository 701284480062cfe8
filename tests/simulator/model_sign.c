/* SPDX-License-Identifier: Apache-2.0 */
/* Tendering, signing, settling, arriving. */
#include "model.h"

/* The order that a signature makes; DELIVER is the right's window, for a holder's. */
static uint32_t order_of(struct model *model, const struct desk_event *event, uint64_t quantity,
                         const struct desk_window *deliver)
{
    const struct oft_zone *utc = NULL;
    struct model_order *order = &model->orders[model->order_count];

    if (model->order_count == MODEL_ORDERS_MAX) {
        model->full = true;
        return DESK_NONE;
    }
    *order = (struct model_order){
        .lot = event->lot,
        .offer = event->offer,
        .quantity = quantity,
        .signed_at = event->at,
        .deliver_by = event->delivery ? event->delivery->deliver_by : OFT_INSTANT_NEVER,
        .cure_until = OFT_INSTANT_NEVER,
    };
    if (order->deliver_by == OFT_INSTANT_NEVER && deliver && deliver->said &&
        !model_window_end(model, deliver, event->at, &order->deliver_by)) {
        order->deliver_by = OFT_INSTANT_NEVER;
    }
    if (order->deliver_by != OFT_INSTANT_NEVER) {
        order->cure_until = order->deliver_by;
        if (event->delivery && event->delivery->cure.count > 0 &&
            oft_deadline(order->deliver_by, &event->delivery->cure, NULL, utc,
                         &order->cure_until) != OFT_OK) {
            order->cure_until = order->deliver_by;
        }
    }
    return model->order_count++;
}

static void take_signed_lot(struct model *model, const struct desk_event *event)
{
    struct model_lot *lot = &model->lots[event->lot];
    struct model_right *right = &model->rights[lot->right];

    model_to(model, event->lot, DESK_LOT_BOUND, DESK_WHY_NONE);
    lot->order = order_of(model, event, lot->quantity, &right->words->windows[DESK_WINDOW_DELIVER]);
    right->exhausted |= right->words->one_time;
}

/* Takes up to QUANTITY out of RIGHT's free lots: the opportunity's own, and with
 * `counterparty any` those of other offers, in order of the lots. */
static void sell(struct model *model, uint32_t right, const struct desk_event *event,
                 uint64_t quantity, uint32_t order)
{
    const struct desk_right *words = model->rights[right].words;
    uint32_t need = model->offers[event->offer].offer->need, count = model->lot_count;

    /* Procedure by procedure. */
    for (uint32_t pair = 0; pair < count * count && quantity > 0; pair++) {
        uint32_t root = pair / count, i = pair % count, sold;
        const struct model_lot *lot = &model->lots[i];
        uint64_t part = lot->quantity < quantity ? lot->quantity : quantity;

        if (lot->root != root || lot->state != DESK_LOT_FREE || lot->right != right ||
            lot->need != need ||
            (!model_opportunity_lot(model, lot, right, need, event->offer) &&
             !words->counterparty_any) ||
            !model_conforms(words, lot->noticed, event->terms)) {
            continue;
        }
        sold = model_split(model, i, part);
        model_to(model, sold, DESK_LOT_SOLD, DESK_WHY_NONE);
        model->lots[sold].order = order;
        quantity -= part;
        model->rights[right].exhausted |= words->one_time;
    }
}

static void take_signed_offer(struct model *model, const struct desk_event *event)
{
    uint32_t order = order_of(model, event, event->quantity, NULL);

    for (uint32_t i = 0; i < model->right_count; i++) {
        const struct model_right *right = &model->rights[i];

        if (right->words->kind != DESK_RIGHT_EXCLUSIVE &&
            !model_is_holder(right, model->offers[event->offer].offer->party.id) &&
            model_free_for(model, i, event->offer, &event->terms) >= event->quantity) {
            sell(model, i, event, event->quantity, order);
        }
    }
    model->offers[event->offer].signed_quantity += event->quantity;
}

void model_take_contract(struct model *model, const struct desk_event *given)
{
    struct model_order *order;
    struct desk_event said = *given, *event = &said;

    if (event->kind == DESK_SIGNED) {
        model_unsaid(model, event);
    }

    switch (event->kind) {
    case DESK_TENDERED:
        model->lots[event->lot].tendered = true;
        break;
    case DESK_SIGNED:
        if (event->lot != DESK_NONE) {
            take_signed_lot(model, event);
        } else {
            take_signed_offer(model, event);
        }
        break;
    case DESK_SETTLED:
        if (event->name.id == desk_word("free").id) {
            model_free(model, event->lot, DESK_WHY_SETTLED);
        } else {
            model_to(model, event->lot, DESK_LOT_REVIVED, DESK_WHY_SETTLED);
        }
        break;
    case DESK_DELIVERED:
        order = &model->orders[event->order];
        order->delivered +=
            event->quantity != 0 ? event->quantity : order->quantity - order->delivered;
        if (order->delivered == order->quantity) {
            order->state = DESK_ORDER_DELIVERED;
        }
        break;
    default:
        break;
    }
}
