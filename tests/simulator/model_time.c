/* SPDX-License-Identifier: Apache-2.0 */
/* What time alone does: the earliest thing that is due is looked for among all, again and again. */
#include "model.h"

/* What is due of a lot, in the order in which equal instants take effect. */
enum due_kind { DUE_RIGHT_END, DUE_OPPORTUNITY, DUE_NOTICE, DUE_STATE, DUE_NONE };

static bool before_free(uint8_t state)
{
    return state <= DESK_LOT_OVERALLOT;
}

static void offer_due(oft_instant at, enum due_kind kind, oft_instant *due, enum due_kind *what)
{
    if (at < *due) {
        *due = at;
        *what = kind;
    }
}

static oft_instant lot_due(const struct model *model, uint32_t index, enum due_kind *ret_kind)
{
    const struct model_lot *lot = &model->lots[index];
    oft_instant due = OFT_INSTANT_NEVER, end;
    enum due_kind what = DUE_NONE;
    bool amended;

    *ret_kind = DUE_NONE;
    if (desk_lot_final(lot->state)) {
        return OFT_INSTANT_NEVER;
    }
    end = model_right_end(&model->rights[lot->right], &amended);
    if (!lot->end_seen) {
        offer_due(end > lot->since || end == OFT_INSTANT_NEVER ? end : lot->since, DUE_RIGHT_END,
                  &due, &what);
    }
    if (before_free(lot->state)) {
        end = lot->offer == DESK_NONE ? model->needs[lot->need].need->open_until
                                      : model->offers[lot->offer].offer->valid_until;
        offer_due(end > lot->since ? end : lot->since, DUE_OPPORTUNITY, &due, &what);
    }
    for (uint32_t i = lot->first; i < lot->first + lot->count; i++) {
        const struct model_notice *notice = &model->notices[i];

        if (notice->state == DESK_NOTICE_SENT_STATE) {
            offer_due(notice->deemed_at, DUE_NOTICE, &due, &what);
        } else if (notice->state == DESK_NOTICE_OPEN) {
            offer_due(notice->respond_by, DUE_NOTICE, &due, &what);
        }
    }
    offer_due(lot->deadline, DUE_STATE, &due, &what);
    *ret_kind = what;
    return due;
}

/* A lot to which no notice was ever sent passes to the successor. */
static void pass_on(struct model *model, uint32_t index)
{
    struct model_lot *lot = &model->lots[index];
    const struct desk_right *words = model->rights[lot->right].words;
    uint32_t successor = model_find_right(model, words->ended_by.id);
    struct model_lot kept;
    uint32_t count;

    if (lot->ever_noticed || lot->state > DESK_LOT_READY || words->governing_at_need ||
        successor == DESK_NONE) {
        return;
    }
    model_void_notices(model, index);
    kept = *lot;
    count = model->lot_count;
    model->lot_count = index; /* screened in its own place under the other words */
    model_screen(model, successor, kept.need, kept.offer, kept.quantity);
    model->lot_count = count;
    lot->root = kept.root;
    lot->whole = kept.whole;
    lot->flags |= kept.flags;
}

static void right_ends(struct model *model, uint32_t index)
{
    struct model_lot *lot = &model->lots[index];
    bool amended;

    (void)model_right_end(&model->rights[lot->right], &amended);
    lot->end_seen = true;
    if (amended) {
        pass_on(model, index);
    } else if (model->rights[lot->right].words->pending_void || lot->state <= DESK_LOT_READY) {
        model_to(model, index, DESK_LOT_VOID, DESK_WHY_RIGHT_ENDED);
    }
}

static void notices_due(struct model *model, uint32_t index)
{
    struct model_lot *lot = &model->lots[index];

    for (uint32_t i = lot->first; i < lot->first + lot->count; i++) {
        struct model_notice *notice = &model->notices[i];

        if (notice->state == DESK_NOTICE_SENT_STATE && notice->deemed_at <= model->now) {
            model_delivered(model, i, notice->deemed_at);
            return;
        }
        if (notice->state == DESK_NOTICE_OPEN && notice->respond_by <= model->now) {
            notice->state = DESK_NOTICE_LAPSED;
            model_settle_round(model, index, DESK_WHY_LAPSED);
            return;
        }
    }
}

static void state_ends(struct model *model, uint32_t index)
{
    struct model_lot *lot = &model->lots[index];
    const struct desk_window *release =
        &model->rights[lot->right].words->windows[DESK_WINDOW_RELEASE];
    oft_instant end, until = model->needs[lot->need].need->open_until;

    switch (lot->state) {
    case DESK_LOT_OVERALLOT:
        model_share_out(model, index);
        return;
    case DESK_LOT_ELECTED:
        if (lot->tendered) {
            model_default_add(model, model->notices[lot->accepted].holder, model->now);
            model_free(model, index, DESK_WHY_HOLDER_DEFAULT);
            return;
        }
        model_to(model, index, DESK_LOT_DISPUTED, DESK_WHY_NONE);
        if (!release->said || !model_window_end(model, release, model->now, &end)) {
            end = until > model->now ? until : model->now;
        }
        lot->deadline = end;
        return;
    case DESK_LOT_DISPUTED:
    case DESK_LOT_FREE:
        model_to(model, index, DESK_LOT_REVIVED, DESK_WHY_TIME);
        return;
    default:
        return;
    }
}

static void opportunity_ends(struct model *model, uint32_t index)
{
    model_to(model, index, DESK_LOT_WITHDRAWN,
             model->lots[index].offer == DESK_NONE ? DESK_WHY_NEED_GONE : DESK_WHY_OFFER_GONE);
}

/* What had not arrived is free again, when a holder had signed it. */
static void order_due(struct model *model, uint32_t index)
{
    struct model_order *order = &model->orders[index];
    uint64_t missing = order->quantity - order->delivered;
    uint32_t part;
    bool amended;

    if (order->state == DESK_ORDER_SIGNED) {
        order->state = DESK_ORDER_LATE;
        return;
    }
    order->state = DESK_ORDER_FAILED;
    order->failed = missing;
    if (order->lot != DESK_NONE && missing > 0) {
        part = model_split(model, order->lot, missing);
        model_free(model, part, DESK_WHY_DELIVERY_FAILED);
        model->lots[part].end_seen =
            model->now >= model_right_end(&model->rights[model->lots[part].right], &amended);
        model->lots[part].order = DESK_NONE;
        if (model->lots[part].end_seen && !amended &&
            model->rights[model->lots[part].right].words->pending_void) {
            model_to(model, part, DESK_LOT_VOID, DESK_WHY_RIGHT_ENDED);
        }
    }
}

static oft_instant order_instant(const struct model *model, uint32_t index)
{
    const struct model_order *order = &model->orders[index];
    oft_instant due = order->state == DESK_ORDER_SIGNED ? order->deliver_by
                      : order->state == DESK_ORDER_LATE ? order->cure_until
                                                        : OFT_INSTANT_NEVER;

    return due;
}

static void lot_happens(struct model *model, uint32_t index, enum due_kind kind)
{
    switch (kind) {
    case DUE_RIGHT_END:
        right_ends(model, index);
        return;
    case DUE_OPPORTUNITY:
        opportunity_ends(model, index);
        return;
    case DUE_NOTICE:
        notices_due(model, index);
        return;
    case DUE_STATE:
        state_ends(model, index);
        return;
    case DUE_NONE:
        return;
    }
}

void model_advance(struct model *model, oft_instant at)
{
    for (;;) {
        oft_instant first = OFT_INSTANT_NEVER, due;
        uint32_t lot = DESK_NONE, order = DESK_NONE;
        enum due_kind kind = DUE_NONE, one;

        for (uint32_t i = 0; i < model->lot_count; i++) {
            due = lot_due(model, i, &one);
            if (due < first) {
                first = due;
                lot = i;
                kind = one;
            }
        }
        for (uint32_t i = 0; i < model->order_count; i++) {
            due = order_instant(model, i);
            if (due < first) {
                first = due;
                order = i;
            }
        }
        if (first == OFT_INSTANT_NEVER || first > at || model->full) {
            break;
        }
        model->now = first; /* what is told late takes effect when it was due */
        if (order != DESK_NONE) {
            order_due(model, order);
        } else {
            lot_happens(model, lot, kind);
        }
    }
    if (at > model->clock) {
        model->clock = at;
    }
    model->now = model->clock;
}
