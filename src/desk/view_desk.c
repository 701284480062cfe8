/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The desk as a whole: what is due, by whom, by when; and what an event may be known of.
 */
#include <stdio.h>
#include <string.h>

#include "desk/view_internal.h"

static void due(struct view *v, const char *what, const char *who, oft_instant by,
                enum desk_field_kind kind, uint32_t index, const char *clause, const char *text)
{
    oft_json_open(&v->json, '{');
    oft_json_put_text(&v->json, "what", what);
    oft_json_put_text(&v->json, "who", who);
    oft_json_put_instant(&v->json, "by", by);
    view_reference(v, "on", kind, index);
    oft_json_put_text(&v->json, "clause", clause);
    oft_json_put_text(&v->json, "text", text);
    oft_json_close(&v->json, '}');
}

static oft_instant opportunity_end(const struct view *v, const struct desk_lot *lot)
{
    return lot->offer != DESK_NONE ? desk_offer_at(v->state, lot->offer)->offer->valid_until
                                   : desk_need_at(v->state, lot->need)->need->open_until;
}

static void due_of_lot(struct view *v, uint32_t index)
{
    const struct desk_lot *lot = desk_lot_at(v->state, index);
    const char *clause = desk_right_at(v->state, lot->right)->clause.text;
    const char *customer = desk_customer(v->state).text;
    char text[200];
    switch ((enum desk_lot_state)lot->state) {
    case DESK_LOT_DRAFT:
        due(v, "affirm", customer, opportunity_end(v, lot), DESK_FIELD_LOT, index, clause,
            "the offer lacks a price or a bona fide test; add or affirm it");
        break;
    case DESK_LOT_READY:
        due(v, "notice", customer, opportunity_end(v, lot), DESK_FIELD_LOT, index, clause,
            "a notice is owed before a third party may be signed");
        break;
    case DESK_LOT_ELECTED:
        due(v, lot->tendered ? "sign" : "tender", customer, lot->deadline, DESK_FIELD_LOT, index,
            clause,
            lot->tendered ? "sign with the holder; after that the holder is in default"
                          : "put the contract before the holder; after that it is a dispute");
        break;
    case DESK_LOT_DISPUTED:
        due(v, "settle", customer, lot->deadline, DESK_FIELD_LOT, index, clause,
            "sign or settle; nothing may be sold, and after that the right revives");
        break;
    case DESK_LOT_FREE:
        (void)snprintf(text, sizeof(text),
                       "a third party may be signed for up to %llu on the noticed terms",
                       (unsigned long long)lot->quantity);
        due(v, "sign", customer, lot->deadline, DESK_FIELD_LOT, index, clause, text);
        break;
    default:
        break;
    }
}

static void due_of_notice(struct view *v, uint32_t index)
{
    const struct desk_notice *notice = desk_notice_at(v->state, index);
    const struct desk_lot *lot = desk_lot_at(v->state, notice->lot);
    const char *clause = desk_right_at(v->state, lot->right)->clause.text;
    bool over = lot->state == DESK_LOT_OVERALLOT && notice->state == DESK_NOTICE_ELECTED &&
                index >= lot->first_notice && index - lot->first_notice < lot->notice_count &&
                notice->elected == notice->entitled && !notice->over_asked;
    if (notice->state == DESK_NOTICE_OPEN) {
        due(v, "answer", notice->holder.text, notice->respond_by, DESK_FIELD_NOTICE, index, clause,
            "may elect, decline or counter; silence is a waiver");
    } else if (notice->state == DESK_NOTICE_SENT_STATE) {
        due(v, "delivery", notice->holder.text, notice->deemed_at, DESK_FIELD_NOTICE, index, clause,
            "no window runs before the delivery is told");
    } else if (over) {
        due(v, "more", notice->holder.text, lot->deadline, DESK_FIELD_NOTICE, index, clause,
            "may ask for more of what is left");
    }
}

static void due_of_order(struct view *v, uint32_t index)
{
    const struct desk_order *order = desk_order_at(v->state, index);
    char text[200];
    if (order->state != DESK_ORDER_SIGNED && order->state != DESK_ORDER_LATE) {
        return;
    }
    (void)snprintf(text, sizeof(text), "%llu of %llu are to be delivered%s",
                   (unsigned long long)(order->quantity - order->delivered),
                   (unsigned long long)order->quantity,
                   order->state == DESK_ORDER_LATE ? "; the order is late, the cure period runs"
                                                   : "");
    due(v, "deliver", order->party.text,
        order->state == DESK_ORDER_LATE ? order->cure_until : order->deliver_by, DESK_FIELD_ORDER,
        index, order->delivery.under.id == 0 ? "" : order->delivery.under.text, text);
}

void desk_view(const struct desk_state *state, uint64_t viewer, struct oft_buffer *out)
{
    struct view v = {.state = state, .viewer = viewer, .json = {.out = out}};
    oft_json_open(&v.json, '{');
    oft_json_put_instant(&v.json, "at", desk_clock(state));
    oft_json_put_number(&v.json, "events", view_all(&v) ? desk_event_count(state) : 0);
    if (view_all(&v)) {
        oft_json_put_instant(&v.json, "next_due", desk_next_due(state));
    }
    oft_json_key(&v.json, "due");
    oft_json_open(&v.json, '[');
    for (uint32_t i = 0; view_all(&v) && i < desk_lot_count(state); i++) {
        due_of_lot(&v, i);
    }
    for (uint32_t i = 0; i < desk_notice_count(state); i++) {
        if (view_notice_visible(&v, i)) {
            due_of_notice(&v, i);
        }
    }
    for (uint32_t i = 0; i < desk_order_count(state); i++) {
        if (view_order_visible(&v, i)) {
            due_of_order(&v, i);
        }
    }
    oft_json_close(&v.json, ']');
    for (unsigned list = DESK_LIST_NEEDS; list <= DESK_LIST_RIGHTS; list++) {
        view_rows(&v, list);
    }
    oft_json_close(&v.json, '}');
}

/* ---- events ---------------------------------------------------------------------------------- */

bool desk_view_event(const struct desk_state *state, const struct desk_event *event,
                     uint64_t viewer)
{
    struct view v = {.state = state, .viewer = viewer};
    return view_all(&v) || event->actor.id == viewer || event->party.id == viewer;
}
