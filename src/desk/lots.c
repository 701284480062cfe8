/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lots as rows: how one is made, split, screened, and how it comes into a state.
 */
#include "desk/internal.h"

/* ---- states ---------------------------------------------------------------------------------- */

void desk_tell(struct desk_state *state, enum desk_effect_kind kind, uint32_t index, uint8_t now,
               oft_instant at)
{
    if (state->watch != NULL) {
        const struct desk_effect effect = {kind, index, now, at, state->cause};
        state->watch(state->watch_context, &effect);
    }
}

void desk_lot_enter(struct desk_state *state, uint32_t lot, enum desk_lot_state to,
                    enum desk_why why, oft_instant at)
{
    struct desk_lot *it = DESK_LOT(state, lot);
    it->state = (uint8_t)to;
    it->why = (uint8_t)why;
    it->since = at;
    it->deadline = OFT_INSTANT_NEVER;
    desk_tell(state, DESK_EFFECT_LOT, lot, it->state, at);
}

void desk_notice_enter(struct desk_state *state, uint32_t notice, enum desk_notice_state to,
                       oft_instant at)
{
    DESK_NOTICE(state, notice)->state = (uint8_t)to;
    desk_tell(state, DESK_EFFECT_NOTICE, notice, (uint8_t)to, at);
}

oft_instant desk_opportunity_end(const struct desk_state *state, const struct desk_lot *lot,
                                 oft_instant at)
{
    return desk_later(DESK_NEED(state, lot->need)->need->open_until, at);
}

/* When a window that begins at AT ends: unsaid, with the opportunity; where the calendar does not know
 * the days, at once. */
oft_instant desk_window_or_end(const struct desk_state *state, const struct desk_lot *lot,
                               enum desk_window_kind kind, oft_instant at)
{
    const struct desk_window *window = &DESK_RIGHT(state, lot->right)->right.windows[kind];
    oft_instant end = at;
    if (!window->said) {
        return desk_opportunity_end(state, lot, at);
    }
    return desk_window_end(state, window, at, &end) ? end : at;
}

struct desk_terms desk_terms_now(const struct desk_state *state, const struct desk_lot *lot)
{
    return lot->offer != DESK_NONE ? DESK_OFFER(state, lot->offer)->terms
                                   : DESK_NEED(state, lot->need)->need->terms;
}

bool desk_in_round(const struct desk_lot *lot)
{
    return lot->state == DESK_LOT_READY || lot->state == DESK_LOT_NOTICED ||
           lot->state == DESK_LOT_OPEN;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static uint32_t lot_add(struct desk_state *state)
{
    uint32_t index;
    struct desk_lot *lot = desk_row_add(state, &state->lots, &index);
    if (lot == NULL) {
        return DESK_NONE;
    }
    lot->offer = lot->parent = lot->next = lot->next_of_need = lot->next_of_offer = DESK_NONE;
    lot->first_notice = lot->asked_first = lot->holder_notice = lot->order = DESK_NONE;
    lot->timer = DESK_NONE;
    lot->due = lot->deadline = OFT_INSTANT_NEVER;
    lot->root = lot->tail = index;
    return index;
}

uint32_t desk_lot_split(struct desk_state *state, uint32_t lot, uint64_t quantity)
{
    uint32_t index = lot_add(state);
    if (index == DESK_NONE) {
        return DESK_NONE;
    }
    struct desk_lot *from = DESK_LOT(state, lot), *part = DESK_LOT(state, index);
    struct desk_lot *root = DESK_LOT(state, from->root);
    OFT_ASSERT(quantity > 0 && quantity < from->quantity);
    *part = *from;
    part->parent = lot;
    part->next = part->next_of_need = part->next_of_offer = DESK_NONE;
    part->tail = index;
    part->quantity = quantity;
    part->timer = DESK_NONE;
    part->due = OFT_INSTANT_NEVER;
    part->first_notice = DESK_NONE;
    part->notice_count = 0;
    from->quantity -= DESK_MUTANT(2, quantity, quantity - 1);
    DESK_LOT(state, root->tail)->next = index;
    root->tail = index;
    return index;
}

static uint32_t root_add(struct desk_state *state, uint32_t right, uint32_t need, uint32_t offer,
                         uint64_t quantity)
{
    uint32_t index = lot_add(state);
    if (index == DESK_NONE) {
        return DESK_NONE;
    }
    struct desk_need_row *wanted = DESK_NEED(state, need);
    struct desk_lot *lot = DESK_LOT(state, index);
    lot->right = right;
    lot->need = need;
    lot->offer = offer;
    lot->quantity = lot->whole = quantity;
    if (wanted->last_lot == DESK_NONE) {
        wanted->first_lot = index;
    } else {
        DESK_LOT(state, wanted->last_lot)->next_of_need = index;
    }
    wanted->last_lot = index;
    if (offer != DESK_NONE) {
        struct desk_offer_row *offered = DESK_OFFER(state, offer);
        if (offered->last_lot == DESK_NONE) {
            offered->first_lot = index;
        } else {
            DESK_LOT(state, offered->last_lot)->next_of_offer = index;
        }
        offered->last_lot = index;
    }
    return index;
}

/* ---- screening ------------------------------------------------------------------------------- */

static bool affirmed(const struct desk_state *state, const struct desk_offer_row *offer,
                     uint64_t test)
{
    if (desk_names_have(offer->offer->affirmed, test)) {
        return true;
    }
    for (uint32_t i = offer->last_affirmed; i != DESK_NONE;) {
        const struct desk_affirmed_row *row =
            DESK_ROW(state, affirmed, struct desk_affirmed_row, i);
        if (desk_names_have(row->names, test)) {
            return true;
        }
        i = row->before;
    }
    return false;
}

static bool bona_fide(const struct desk_state *state, const struct desk_lot *lot)
{
    const struct desk_right *right = &DESK_RIGHT(state, lot->right)->right;
    if (lot->offer == DESK_NONE) {
        return true;
    }
    const struct desk_offer_row *offer = DESK_OFFER(state, lot->offer);
    for (uint32_t i = 0; i < right->bona_fide.count; i++) {
        if (!affirmed(state, offer, right->bona_fide.items[i].id)) {
            return false;
        }
    }
    return desk_terms_find(offer->terms, DESK_WORD_PRICE) != NULL;
}

void desk_screen_again(struct desk_state *state, uint32_t lot, oft_instant at)
{
    if (DESK_LOT(state, lot)->state == DESK_LOT_DRAFT && bona_fide(state, DESK_LOT(state, lot))) {
        desk_round_begin(state, lot, 0, DESK_WHY_NO_STANDING, at);
    }
    desk_lot_reckon(state, lot);
}

uint64_t desk_unplaced(const struct desk_state *state, uint32_t right, uint32_t need,
                       uint32_t offer)
{
    uint64_t left = offer != DESK_NONE ? DESK_OFFER(state, offer)->quantity
                                       : DESK_NEED(state, need)->need->quantity;
    for (uint32_t root = DESK_NEED(state, need)->first_lot; root != DESK_NONE;
         root = DESK_LOT(state, root)->next_of_need) {
        const struct desk_lot *first = DESK_LOT(state, root);
        bool its = first->right == right && first->offer == offer;
        for (uint32_t i = its ? root : DESK_NONE; i != DESK_NONE; i = DESK_LOT(state, i)->next) {
            const struct desk_lot *lot = DESK_LOT(state, i);
            bool placed = lot->state == DESK_LOT_BOUND || lot->state == DESK_LOT_SOLD;
            left -= placed && lot->quantity <= left ? lot->quantity : 0;
        }
    }
    return left;
}

void desk_screen(struct desk_state *state, uint32_t right, uint32_t need, uint32_t offer,
                 oft_instant at)
{
    unsigned flags = 0;
    const struct desk_right_row *row = DESK_RIGHT(state, right);
    bool reached = desk_reaches(state, &row->right, need, offer, &flags);
    bool exhausted = desk_right_exhausted(row, at);
    uint32_t lot = root_add(state, right, need, offer, desk_unplaced(state, right, need, offer));
    if (lot == DESK_NONE) {
        return;
    }
    DESK_LOT(state, lot)->flags = (uint8_t)flags;
    if (!reached || exhausted) {
        desk_lot_enter(state, lot, DESK_LOT_EXEMPT,
                       reached ? DESK_WHY_EXHAUSTED : DESK_WHY_OUT_OF_SCOPE, at);
        return;
    }
    desk_lot_enter(state, lot, DESK_LOT_DRAFT, DESK_WHY_NONE, at);
    desk_screen_again(state, lot, at);
}
