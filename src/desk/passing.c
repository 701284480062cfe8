/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What time brings to a lot, and when.
 */
#include "desk/internal.h"

/* ---- what time brings, and when ---------------------------------------------------------------- */

enum passing {
    PASS_NOTHING,
    /* Of equal instants, in this order. */
    PASS_RIGHT_ENDED,
    PASS_OPPORTUNITY_ENDED,
    PASS_DEEMED,
    PASS_LAPSED,
    PASS_DEADLINE
};
struct next {
    enum passing what;
    oft_instant at;
    uint32_t notice;
};

static void sooner(struct next *next, enum passing what, oft_instant at, uint32_t notice)
{
    if (at != OFT_INSTANT_NEVER &&
        (next->what == PASS_NOTHING || at < next->at || (at == next->at && what < next->what))) {
        *next = (struct next){what, at, notice};
    }
}

/* Does the end of its right change the lot? */
static bool end_concerns(const struct desk_state *state, const struct desk_lot *lot,
                         enum desk_right_end end)
{
    const struct desk_right *right = &DESK_RIGHT(state, lot->right)->right;
    bool waiting = lot->state == DESK_LOT_DRAFT || lot->state == DESK_LOT_READY;
    if (end == DESK_ENDS_AMENDED) {
        return waiting && lot->asked_first == DESK_NONE && !right->governing_at_need &&
               desk_find_right(state, right->ended_by.id) != DESK_NONE;
    }
    return waiting || DESK_MUTANT(10, right->pending_void, false);
}

static void next_of_notices(const struct desk_state *state, const struct desk_lot *lot,
                            struct next *next)
{
    for (uint32_t i = 0; i < lot->notice_count; i++) {
        uint32_t index = lot->first_notice + i;
        const struct desk_notice *notice = DESK_NOTICE(state, index);
        if (notice->state == DESK_NOTICE_SENT_STATE) {
            sooner(next, PASS_DEEMED, notice->deemed_at, index);
        } else if (notice->state == DESK_NOTICE_OPEN) {
            sooner(next, PASS_LAPSED, notice->respond_by, index);
        }
    }
}

static struct next next_of(const struct desk_state *state, const struct desk_lot *lot)
{
    struct next next = {PASS_NOTHING, OFT_INSTANT_NEVER, DESK_NONE};
    enum desk_right_end end;
    if (desk_lot_final(lot->state)) {
        return next;
    }
    oft_instant until = desk_right_until(DESK_RIGHT(state, lot->right), &end);
    if (until != OFT_INSTANT_NEVER && end_concerns(state, lot, end)) {
        sooner(&next, PASS_RIGHT_ENDED, until, DESK_NONE);
    }
    if (lot->state <= DESK_LOT_OVERALLOT) {
        oft_instant gone = lot->offer != DESK_NONE
                               ? DESK_OFFER(state, lot->offer)->offer->valid_until
                               : DESK_NEED(state, lot->need)->need->open_until;
        sooner(&next, PASS_OPPORTUNITY_ENDED, gone, DESK_NONE);
    }
    if (desk_in_round(lot)) {
        next_of_notices(state, lot, &next);
    } else {
        sooner(&next, PASS_DEADLINE, lot->deadline, DESK_NONE);
    }
    return next;
}

void desk_lot_reckon(struct desk_state *state, uint32_t lot)
{
    struct desk_lot *it = DESK_LOT(state, lot);
    oft_instant due = next_of(state, it).at;
    if (due != it->due) {
        desk_timer_set(state, lot, due);
    }
}

/* ---- time ------------------------------------------------------------------------------------ */

void desk_notice_open(struct desk_state *state, uint32_t notice, oft_instant delivered)
{
    struct desk_notice *it = DESK_NOTICE(state, notice);
    uint32_t lot = it->lot;
    it->delivered = delivered;
    desk_notice_enter(state, notice, DESK_NOTICE_OPEN, delivered);
    desk_round_resolve(state, lot, delivered);
    desk_lot_reckon(state, lot);
}

/* The right has ended: void, or on to the successor. */
static void right_ended(struct desk_state *state, uint32_t lot, oft_instant at)
{
    enum desk_right_end end;
    struct desk_lot *it = DESK_LOT(state, lot);
    const struct desk_right_row *row = DESK_RIGHT(state, it->right);
    (void)desk_right_until(row, &end);
    desk_round_void(state, lot, at);
    if (end != DESK_ENDS_AMENDED) {
        desk_lot_enter(state, lot, DESK_LOT_VOID, DESK_WHY_RIGHT_ENDED, at);
        return;
    }
    unsigned flags = 0;
    it->right = desk_find_right(state, row->right.ended_by.id);
    it->first_notice = DESK_NONE;
    it->notice_count = 0;
    bool reached =
        desk_reaches(state, &DESK_RIGHT(state, it->right)->right, it->need, it->offer, &flags);
    it->flags |= (uint8_t)flags;
    if (!reached) {
        desk_lot_enter(state, lot, DESK_LOT_EXEMPT, DESK_WHY_OUT_OF_SCOPE, at);
    } else {
        desk_lot_enter(state, lot, DESK_LOT_DRAFT, DESK_WHY_NONE, at);
        desk_screen_again(state, lot, at);
    }
}

static void deadline_passed(struct desk_state *state, uint32_t lot, oft_instant at)
{
    const struct desk_lot *it = DESK_LOT(state, lot);
    switch ((enum desk_lot_state)it->state) {
    case DESK_LOT_OVERALLOT:
        desk_over_close(state, lot, at);
        return;
    case DESK_LOT_ELECTED:
        if (it->tendered) {
            desk_default_add(state, DESK_NOTICE(state, it->holder_notice)->holder.id, at);
            desk_lot_free(state, lot, DESK_WHY_HOLDER_DEFAULT, at);
        } else {
            desk_lot_enter(state, lot, DESK_LOT_DISPUTED, DESK_WHY_NONE, at);
            struct desk_lot *disputed = DESK_LOT(state, lot);
            disputed->deadline = DESK_MUTANT(
                7, desk_window_or_end(state, disputed, DESK_WINDOW_RELEASE, at), OFT_INSTANT_NEVER);
        }
        return;
    default: /* FREE, DISPUTED: whoever waits gains nothing */
        desk_lot_enter(state, lot, DESK_LOT_REVIVED, DESK_WHY_TIME, at);
    }
}

void desk_lot_pass(struct desk_state *state, uint32_t lot)
{
    const struct desk_lot *it = DESK_LOT(state, lot);
    struct next next = next_of(state, it);
    oft_instant at = desk_later(next.at, it->since);
    switch (next.what) {
    case PASS_RIGHT_ENDED:
        right_ended(state, lot, at);
        break;
    case PASS_OPPORTUNITY_ENDED:
        desk_round_void(state, lot, at);
        desk_lot_enter(state, lot, DESK_LOT_WITHDRAWN,
                       it->offer != DESK_NONE ? DESK_WHY_OFFER_GONE : DESK_WHY_NEED_GONE, at);
        break;
    case PASS_DEEMED:
        desk_notice_open(state, next.notice, at);
        break;
    case PASS_LAPSED:
        desk_notice_enter(state, next.notice, DESK_NOTICE_LAPSED, at);
        desk_round_resolve(state, lot, at);
        break;
    case PASS_DEADLINE:
        deadline_passed(state, lot, at);
        break;
    case PASS_NOTHING:
        break;
    }
    desk_lot_reckon(state, lot);
}
