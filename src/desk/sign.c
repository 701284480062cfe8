/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures and what they need: with the holder that elected, or with a third party when every right
 * that reaches the opportunity has been satisfied.
 */
#include <string.h>

#include "desk/internal.h"

static const struct desk_right *right_of(const struct desk_state *state, const struct desk_lot *lot)
{
    return &DESK_RIGHT(state, lot->right)->right;
}

/* ---- orders ---------------------------------------------------------------------------------- */

static oft_instant plus_period(oft_instant from, struct oft_period period)
{
    oft_instant end = from;
    return period.count == 0 || oft_deadline(from, &period, NULL, NULL, &end) != OFT_OK ? from
                                                                                        : end;
}

static uint32_t order_add(struct desk_state *state, const struct desk_event *event,
                          struct desk_order order)
{
    uint32_t index;
    struct desk_order *row = desk_row_add(state, &state->orders, &index);
    if (row == NULL) {
        return DESK_NONE;
    }
    order.state = DESK_ORDER_SIGNED;
    order.signed_at = event->at;
    order.event = event->number;
    order.completed = OFT_INSTANT_NEVER;
    order.timer = DESK_NONE;
    order.due = OFT_INSTANT_NEVER;
    order.deliver_by = order.cure_until = OFT_INSTANT_NEVER;
    if (event->delivery != NULL) {
        order.delivery = *event->delivery;
    } else {
        order.delivery.deliver_by = OFT_INSTANT_NEVER;
    }
    order.deliver_by = order.delivery.deliver_by;
    if (order.deliver_by == OFT_INSTANT_NEVER && order.lot != DESK_NONE) {
        const struct desk_window *window =
            &right_of(state, DESK_LOT(state, order.lot))->windows[DESK_WINDOW_DELIVER];
        if (window->said && !desk_window_end(state, window, event->at, &order.deliver_by)) {
            order.deliver_by = OFT_INSTANT_NEVER;
        }
    }
    if (order.deliver_by != OFT_INSTANT_NEVER) {
        order.cure_until = plus_period(order.deliver_by, order.delivery.cure);
    }
    *row = order;
    DESK_NEED(state, order.need)->ordered += order.quantity;
    desk_timer_set(state, index | DESK_TIMER_ORDER, order.deliver_by);
    return index;
}

/* ---- with the holder ------------------------------------------------------------------------- */

static enum oft_err check_held_lot(const struct desk_state *state, const struct desk_event *event,
                                   bool disputed_too, struct desk_refusal *refusal)
{
    enum oft_err code = desk_check_reference(event->lot, state->lots.count, "lot", refusal);
    if (code != OFT_OK) {
        return code;
    }
    const struct desk_lot *lot = DESK_LOT(state, event->lot);
    if (lot->state != DESK_LOT_ELECTED && !(disputed_too && lot->state == DESK_LOT_DISPUTED)) {
        return desk_refuse(refusal, DESK_REFUSED_STATE, 3, right_of(state, lot)->clause.text,
                           "no holder has accepted lot-%u: it is %s", event->lot + 1,
                           desk_lot_state_text(lot->state));
    }
    return OFT_OK;
}

enum oft_err desk_on_tendered(struct desk_state *state, const struct desk_event *event,
                              struct desk_refusal *refusal)
{
    enum oft_err code = desk_check_customer(state, event, refusal);
    if (code == OFT_OK) {
        code = check_held_lot(state, event, false, refusal);
    }
    if (code != OFT_OK) {
        return code;
    }
    if (DESK_LOT(state, event->lot)->tendered) {
        return desk_refuse(refusal, DESK_REFUSED_STATE, 0, NULL, "lot-%u is tendered already",
                           event->lot + 1);
    }
    DESK_LOT(state, event->lot)->tendered = true;
    return OFT_OK;
}

static enum oft_err sign_holder(struct desk_state *state, const struct desk_event *event,
                                struct desk_refusal *refusal)
{
    enum oft_err code = check_held_lot(state, event, true, refusal);
    if (code != OFT_OK) {
        return code;
    }
    struct desk_lot *lot = DESK_LOT(state, event->lot);
    struct desk_right_row *row = DESK_RIGHT(state, lot->right);
    const struct desk_need *need = DESK_NEED(state, lot->need)->need;
    const char *field = "";
    if (event->quantity != 0 && event->quantity != lot->quantity) {
        return desk_refuse(refusal, DESK_REFUSED_QUANTITY, 2, row->right.clause.text,
                           "lot-%u is %llu, to be signed whole", event->lot + 1,
                           (unsigned long long)lot->quantity);
    }
    if (event->terms.count > 0 && !desk_conforms(&row->right, lot->noticed, event->terms, &field)) {
        return desk_refuse(refusal, DESK_REFUSED_TERMS, 5, row->right.clause.text,
                           "what is signed must be what was noticed: %s differs", field);
    }
    uint32_t barred = desk_barred_by(state, need, event->other.id, event->at);
    if (barred != DESK_NONE) {
        return desk_refuse(refusal, DESK_REFUSED_EXCLUSIVE, 1,
                           DESK_RIGHT(state, barred)->right.clause.text, "%s gives %s to %s alone",
                           DESK_RIGHT(state, barred)->right.clause.text, need->product.text,
                           DESK_RIGHT(state, barred)->right.provider.text);
    }
    struct desk_order order = {
        .need = lot->need,
        .offer = lot->offer,
        .lot = event->lot,
        .party = DESK_NOTICE(state, lot->holder_notice)->holder,
        .provider = event->other,
        .quantity = lot->quantity,
        .terms = event->terms.count > 0 ? event->terms : lot->noticed,
    };
    uint32_t index = order_add(state, event, order);
    if (index == DESK_NONE) {
        return OFT_ERR_MEMORY;
    }
    if (row->right.one_time && row->exhausted == OFT_INSTANT_NEVER) {
        row->exhausted = event->at;
    }
    DESK_LOT(state, event->lot)->order = index;
    desk_lot_enter(state, event->lot, DESK_LOT_BOUND, DESK_WHY_NONE, event->at);
    desk_lot_reckon(state, event->lot);
    return OFT_OK;
}

enum oft_err desk_on_settled(struct desk_state *state, const struct desk_event *event,
                             struct desk_refusal *refusal)
{
    enum oft_err code = check_held_lot(state, event, true, refusal);
    if (code != OFT_OK) {
        return code;
    }
    const struct desk_lot *lot = DESK_LOT(state, event->lot);
    code = desk_check_actor(state, event, DESK_NOTICE(state, lot->holder_notice)->holder, true,
                            refusal);
    bool free = event->name.id == desk_word("free").id;
    bool revive = event->name.id == desk_word("revive").id;
    if (code == OFT_OK && lot->state != DESK_LOT_DISPUTED) {
        code = desk_refuse(refusal, DESK_REFUSED_STATE, 3, right_of(state, lot)->clause.text,
                           "lot-%u is not in dispute", event->lot + 1);
    }
    if (code == OFT_OK && !free && !revive) {
        code = desk_refuse(refusal, DESK_REFUSED_INVALID, 0, NULL,
                           "a dispute is settled as free or as revive");
    }
    if (code != OFT_OK) {
        return code;
    }
    if (free) {
        desk_lot_free(state, event->lot, DESK_WHY_SETTLED, event->at);
    } else {
        desk_lot_enter(state, event->lot, DESK_LOT_REVIVED, DESK_WHY_SETTLED, event->at);
    }
    desk_lot_reckon(state, event->lot);
    return OFT_OK;
}

/* ---- with a third party ------------------------------------------------------------------------ */

/* What stands in the way under one right, found while its lots are looked at. */
struct cover {
    uint64_t free; /* quantity that may be signed on these terms */
    bool any;      /* there is a procedure for the opportunity */
    bool exempt;   /* ... a lot of which is exempt */
    bool other;    /* ... a lot of which is not */
    uint64_t exempted, sold;
    bool pending;     /* ... with a lot that is not final */
    bool worse_terms; /* a free lot that the terms do not fit */
    bool other_party; /* a free lot that is for another third party */
    const char *field;
};

static void cover_lot(const struct desk_state *state, const struct desk_lot *lot, uint32_t offer,
                      struct desk_terms terms, struct cover *cover)
{
    const struct desk_right *right = right_of(state, lot);
    bool own = lot->offer == DESK_NONE || lot->offer == offer;
    unsigned flags;
    if (own) {
        cover->any = true;
        cover->pending = cover->pending || !desk_lot_final(lot->state);
        bool exempt = lot->state == DESK_LOT_EXEMPT &&
                      !(lot->why == DESK_WHY_OUT_OF_SCOPE &&
                        desk_reaches(state, right, lot->need, lot->offer, &flags));
        cover->exempt = cover->exempt || exempt;
        cover->other = cover->other || !exempt;
        cover->exempted += exempt ? lot->quantity : 0;
        cover->sold += lot->state == DESK_LOT_SOLD ? lot->quantity : 0;
    }
    if (lot->state != DESK_LOT_FREE) {
        return;
    }
    if (!own && !right->counterparty_any) {
        cover->other_party = true;
    } else if (!DESK_MUTANT(5, desk_conforms(right, lot->noticed, terms, &cover->field), true)) {
        cover->worse_terms = true;
    } else {
        cover->free += lot->quantity;
    }
}

static struct cover cover_of(const struct desk_state *state, uint32_t right, uint32_t need,
                             uint32_t offer, struct desk_terms terms)
{
    struct cover cover = {.field = ""};
    for (uint32_t root = DESK_NEED(state, need)->first_lot; root != DESK_NONE;
         root = DESK_LOT(state, root)->next_of_need) {
        if (DESK_LOT(state, root)->right != right) {
            continue;
        }
        for (uint32_t i = root; i != DESK_NONE; i = DESK_LOT(state, i)->next) {
            cover_lot(state, DESK_LOT(state, i), offer, terms, &cover);
        }
    }
    return cover;
}

/* When a part of the opportunity is exempt, no more than that part may go to third parties under it. */
static bool exempted(const struct desk_state *state, const struct desk_right *right, uint32_t offer,
                     uint64_t quantity, const struct cover *cover)
{
    uint64_t signed_so_far = DESK_OFFER(state, offer)->signed_quantity, used;
    uint32_t need = DESK_OFFER(state, offer)->offer->need;
    if (!cover->other) {
        return cover->exempt;
    }
    if (right->kind == DESK_RIGHT_OFFER) {
        signed_so_far = 0;
        for (uint32_t i = DESK_NEED(state, need)->first_offer; i != DESK_NONE;
             i = DESK_OFFER(state, i)->next) {
            signed_so_far += DESK_OFFER(state, i)->signed_quantity;
        }
    }
    used = signed_so_far > cover->sold ? signed_so_far - cover->sold : 0;
    return cover->exempted >= used && cover->exempted - used >= quantity;
}

static enum oft_err refuse_uncovered(const struct desk_right *right, const struct cover *cover,
                                     uint64_t quantity, struct desk_refusal *refusal)
{
    const char *clause = right->clause.text;
    if (cover->free > 0) {
        return desk_refuse(refusal, DESK_REFUSED_QUANTITY, 2, clause,
                           "%s has released %llu on these terms, not %llu", clause,
                           (unsigned long long)cover->free, (unsigned long long)quantity);
    }
    if (cover->worse_terms) {
        return desk_refuse(refusal, DESK_REFUSED_BETTER_TERMS, 5, clause,
                           "these terms are better for the third party than what was noticed under "
                           "%s (%s): send a second notice first",
                           clause, cover->field);
    }
    if (cover->other_party && !cover->pending) {
        return desk_refuse(refusal, DESK_REFUSED_COUNTERPARTY, 1, clause,
                           "%s released another third party, not this one", clause);
    }
    if (cover->pending) {
        return desk_refuse(refusal, DESK_REFUSED_EARLY, 1, clause,
                           "the procedure under %s is not over: its holder must decline or let its "
                           "window pass first",
                           clause);
    }
    return desk_refuse(refusal, DESK_REFUSED_NOTICE_OWED, 1, clause,
                       "a notice is owed under %s before a third party may be signed", clause);
}

/* Property 1, for one right. */
static enum oft_err check_right(const struct desk_state *state, uint32_t right,
                                const struct desk_event *event, uint64_t quantity,
                                struct desk_terms terms, bool *ret_uses_lots,
                                struct desk_refusal *refusal)
{
    const struct desk_right_row *row = DESK_RIGHT(state, right);
    const struct desk_offer_row *offer = DESK_OFFER(state, event->offer);
    uint32_t need = offer->offer->need;
    unsigned flags;
    *ret_uses_lots = false;
    if (row->right.kind == DESK_RIGHT_EXCLUSIVE || desk_is_holder(row, offer->offer->party.id)) {
        return OFT_OK;
    }
    struct cover cover = cover_of(state, right, need, event->offer, terms);
    bool in_force = desk_right_in_force(row, event->at);
    if (cover.free >= quantity && cover.free > 0) {
        *ret_uses_lots = true;
        return OFT_OK;
    }
    if (desk_right_exhausted(row, event->at) || (!in_force && !cover.pending)) {
        return OFT_OK;
    }
    if (exempted(state, &row->right, event->offer, quantity, &cover) ||
        (!cover.any && !desk_reaches(state, &row->right, need, event->offer, &flags))) {
        return OFT_OK;
    }
    return DESK_MUTANT(1, refuse_uncovered(&row->right, &cover, quantity, refusal), OFT_OK);
}

/* Takes QUANTITY from the free lots under RIGHT, the oldest first. */
static void take_free(struct desk_state *state, uint32_t right, const struct desk_event *event,
                      uint64_t quantity, struct desk_terms terms, uint32_t order)
{
    uint32_t root = DESK_NEED(state, DESK_OFFER(state, event->offer)->offer->need)->first_lot;
    for (; root != DESK_NONE && quantity > 0; root = DESK_LOT(state, root)->next_of_need) {
        uint32_t next;
        for (uint32_t i = DESK_LOT(state, root)->right == right ? root : DESK_NONE;
             i != DESK_NONE && quantity > 0; i = next) {
            struct cover cover = {.field = ""};
            uint32_t part = i;
            next = DESK_LOT(state, i)->next;
            cover_lot(state, DESK_LOT(state, i), event->offer, terms, &cover);
            if (cover.free == 0) {
                continue;
            }
            if (cover.free > quantity) {
                part = desk_lot_split(state, i, quantity);
                if (part == DESK_NONE) {
                    return;
                }
            }
            quantity -= DESK_LOT(state, part)->quantity;
            DESK_LOT(state, part)->order = order;
            desk_lot_enter(state, part, DESK_LOT_SOLD, DESK_WHY_NONE, event->at);
            desk_lot_reckon(state, part);
        }
    }
}

static enum oft_err check_third(const struct desk_state *state, const struct desk_event *event,
                                uint64_t quantity, struct desk_refusal *refusal)
{
    const struct desk_offer_row *row = DESK_OFFER(state, event->offer);
    const struct desk_need_row *need = DESK_NEED(state, row->offer->need);
    if (row->withdrawn || need->withdrawn) {
        return desk_refuse(refusal, DESK_REFUSED_STATE, 0, NULL, "offer-%u is withdrawn",
                           event->offer + 1);
    }
    if (quantity == 0 || quantity > row->quantity - row->signed_quantity) {
        return desk_refuse(refusal, DESK_REFUSED_QUANTITY, 2, NULL,
                           "offer-%u has %llu left to sign", event->offer + 1,
                           (unsigned long long)(row->quantity - row->signed_quantity));
    }
    uint32_t barred = desk_barred_by(state, need->need, row->offer->provider.id, event->at);
    if (barred != DESK_NONE) {
        const struct desk_right *right = &DESK_RIGHT(state, barred)->right;
        return desk_refuse(refusal, DESK_REFUSED_EXCLUSIVE, 1, right->clause.text,
                           "%s gives %s to %s alone", right->clause.text, need->need->product.text,
                           right->provider.text);
    }
    return OFT_OK;
}

static enum oft_err sign_third(struct desk_state *state, const struct desk_event *event,
                               struct desk_refusal *refusal)
{
    enum oft_err code = desk_check_reference(event->offer, state->offers.count, "offer", refusal);
    if (code != OFT_OK) {
        return code;
    }
    struct desk_offer_row *row = DESK_OFFER(state, event->offer);
    uint64_t quantity =
        event->quantity == 0 ? row->quantity - row->signed_quantity : event->quantity;
    struct desk_terms terms = event->terms.count > 0 ? event->terms : row->terms;
    bool uses;
    code = check_third(state, event, quantity, refusal);
    for (uint32_t i = 0; code == OFT_OK && i < state->rights.count; i++) {
        code = check_right(state, i, event, quantity, terms, &uses, refusal);
    }
    if (code != OFT_OK) {
        return code;
    }
    struct desk_order order = {
        .need = row->offer->need,
        .offer = event->offer,
        .lot = DESK_NONE,
        .party = row->offer->party,
        .provider = row->offer->provider,
        .quantity = quantity,
        .terms = terms,
    };
    uint32_t index = order_add(state, event, order);
    if (index == DESK_NONE) {
        return OFT_ERR_MEMORY;
    }
    row->signed_quantity += quantity;
    for (uint32_t i = 0; i < state->rights.count; i++) {
        (void)check_right(state, i, event, quantity, terms, &uses, refusal);
        if (uses) {
            struct desk_right_row *right = DESK_RIGHT(state, i);
            take_free(state, i, event, quantity, terms, index);
            if (right->right.one_time && right->exhausted == OFT_INSTANT_NEVER) {
                right->exhausted = event->at;
            }
        }
    }
    return OFT_OK;
}

static enum oft_err check_delivery(const struct desk_event *event, struct desk_refusal *refusal)
{
    const struct desk_delivery_terms *it = event->delivery;
    if (it != NULL && (it->late_rate_ppb < 0 || it->late_cap_ppb < 0 ||
                       (it->late_rate_ppb > 0 && it->late_per.count == 0))) {
        return desk_refuse(refusal, DESK_REFUSED_INVALID, 0, NULL,
                           "a late credit needs a rate and a period");
    }
    return OFT_OK;
}

enum oft_err desk_on_signed(struct desk_state *state, const struct desk_event *event,
                            struct desk_refusal *refusal)
{
    enum oft_err code = desk_check_customer(state, event, refusal);
    if (code == OFT_OK) {
        code = check_delivery(event, refusal);
    }
    if (code == OFT_OK && event->happened != event->at) {
        code = desk_refuse(refusal, DESK_REFUSED_TIME, 1, NULL,
                           "a signature counts when the desk takes it");
    }
    if (code == OFT_OK && (event->lot == DESK_NONE) == (event->offer == DESK_NONE)) {
        code = desk_refuse(refusal, DESK_REFUSED_INVALID, 0, NULL,
                           "say which: a lot, with its holder, or an offer");
    }
    if (code != OFT_OK) {
        return code;
    }
    return event->lot != DESK_NONE ? sign_holder(state, event, refusal)
                                   : sign_third(state, event, refusal);
}
