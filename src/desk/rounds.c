/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rounds: whom one asks, what an answer makes of it, and the sharing out of what is left. Nothing here
 * refuses; the handlers in notices.c have checked.
 */
#include "desk/internal.h"

/* ---- rounds ---------------------------------------------------------------------------------- */

/* The least rank above AFTER that has a holder with standing; 0: none. */
static uint32_t rank_after(const struct desk_state *state, const struct desk_right_row *row,
                           uint32_t after, oft_instant at)
{
    uint32_t rank = 0;
    for (uint32_t i = 0; i < row->right.holder_count; i++) {
        uint32_t its = row->right.simultaneous ? 1 : row->holders[i].rank;
        if (its > after && (rank == 0 || its < rank) &&
            desk_standing(state, row, row->holders[i].party.id, at)) {
            rank = its;
        }
    }
    return rank;
}

/* What each of the round's holders may elect: equal parts, the first ones one more. */
static void entitle(struct desk_state *state, const struct desk_lot *lot)
{
    uint32_t count = lot->notice_count;
    for (uint32_t i = 0; i < count; i++) {
        struct desk_notice *notice = DESK_NOTICE(state, lot->first_notice + i);
        notice->entitled = lot->quantity / count + (i < lot->quantity % count ? 1 : 0);
    }
}

static void notice_owe(struct desk_state *state, uint32_t lot, const struct desk_holder *holder)
{
    struct desk_notice *notice = desk_row_add(state, &state->notices, NULL);
    if (notice == NULL) {
        return;
    }
    notice->lot = lot;
    notice->holder = holder->party;
    notice->rank = holder->rank;
    notice->state = DESK_NOTICE_OWED;
    notice->sent = notice->delivered = notice->deemed_at = OFT_INSTANT_NEVER;
    notice->object_by = notice->respond_by = OFT_INSTANT_NEVER;
}

void desk_round_begin(struct desk_state *state, uint32_t lot, uint32_t after_rank,
                      enum desk_why why, oft_instant at)
{
    const struct desk_right_row *row = DESK_RIGHT(state, DESK_LOT(state, lot)->right);
    uint32_t rank = rank_after(state, row, after_rank, at);
    if (rank == 0) {
        desk_lot_free(state, lot, why, at);
        return;
    }
    struct desk_lot *it = DESK_LOT(state, lot);
    it->first_notice = state->notices.count;
    it->notice_count = 0;
    it->rank = rank;
    for (uint32_t i = 0; i < row->right.holder_count; i++) {
        uint32_t its = row->right.simultaneous ? 1 : row->holders[i].rank;
        if ((DESK_MUTANT(6, its == rank, its >= rank)) && it->notice_count < it->quantity &&
            desk_standing(state, row, row->holders[i].party.id, at)) {
            notice_owe(state, lot, &row->holders[i]);
            it->notice_count++;
        }
    }
    entitle(state, it);
    desk_lot_enter(state, lot, DESK_LOT_READY, DESK_WHY_NONE, at);
    if (after_rank > 0) {
        desk_tell(state, DESK_EFFECT_ROUND, lot, (uint8_t)DESK_LOT_READY, at);
    }
}

void desk_round_void(struct desk_state *state, uint32_t lot, oft_instant at)
{
    const struct desk_lot *it = DESK_LOT(state, lot);
    uint32_t first = it->first_notice, count = it->notice_count;
    for (uint32_t i = 0; i < count; i++) {
        if (DESK_NOTICE(state, first + i)->state <= DESK_NOTICE_OPEN) {
            desk_notice_enter(state, first + i, DESK_NOTICE_VOID, at);
        }
    }
}

void desk_lot_free(struct desk_state *state, uint32_t lot, enum desk_why why, oft_instant at)
{
    desk_lot_enter(state, lot, DESK_LOT_FREE, why, at);
    struct desk_lot *it = DESK_LOT(state, lot);
    if (it->asked_first == DESK_NONE) {
        it->noticed = desk_terms_now(state, it); /* nobody could be asked: these are what binds */
    }
    it->reoffer = false;
    it->deadline = desk_window_or_end(state, it, DESK_WINDOW_RELEASE, at);
}

/* ---- answers --------------------------------------------------------------------------------- */

/* QUANTITY of the lot is ELECTED under NOTICE: a lot of its own unless it is all. */
static uint32_t award(struct desk_state *state, uint32_t lot, uint32_t notice, uint64_t quantity,
                      oft_instant at)
{
    uint32_t part = lot;
    if (quantity < DESK_LOT(state, lot)->quantity) {
        part = desk_lot_split(state, lot, quantity);
        if (part == DESK_NONE) {
            return DESK_NONE;
        }
    }
    desk_lot_enter(state, part, DESK_LOT_ELECTED, DESK_WHY_NONE, at);
    struct desk_lot *it = DESK_LOT(state, part);
    it->holder_notice = notice;
    it->tendered = false;
    it->deadline = desk_window_or_end(state, it, DESK_WINDOW_SIGN, at);
    desk_lot_reckon(state, part);
    return part;
}

struct round {
    uint32_t owed, sent, open, lapsed, in_full;
};

static struct round round_of(const struct desk_state *state, const struct desk_lot *lot)
{
    struct round round = {0};
    for (uint32_t i = 0; i < lot->notice_count; i++) {
        const struct desk_notice *notice = DESK_NOTICE(state, lot->first_notice + i);
        round.owed += notice->state == DESK_NOTICE_OWED;
        round.sent += notice->state == DESK_NOTICE_SENT_STATE;
        round.open += notice->state == DESK_NOTICE_OPEN;
        round.lapsed += notice->state == DESK_NOTICE_LAPSED;
        round.in_full += notice->state == DESK_NOTICE_ELECTED && notice->elected > 0 &&
                         notice->elected == notice->entitled;
    }
    return round;
}

/* The state that the round's notices make of the lot. */
void desk_round_resolve(struct desk_state *state, uint32_t lot, oft_instant at)
{
    struct desk_lot *it = DESK_LOT(state, lot);
    struct round round = round_of(state, it);
    if (round.owed + round.sent + round.open > 0) {
        enum desk_lot_state to = round.open > 0   ? DESK_LOT_OPEN
                                 : round.sent > 0 ? DESK_LOT_NOTICED
                                                  : DESK_LOT_READY;
        if (to != (enum desk_lot_state)it->state) {
            desk_lot_enter(state, lot, to, DESK_WHY_NONE, at);
        }
        return;
    }
    const struct desk_right *right = &DESK_RIGHT(state, it->right)->right;
    if (right->windows[DESK_WINDOW_OVER].said && round.in_full > 0 && !it->over_done) {
        desk_lot_enter(state, lot, DESK_LOT_OVERALLOT, DESK_WHY_NONE, at);
        it = DESK_LOT(state, lot);
        it->over_done = true;
        it->deadline = desk_window_or_end(state, it, DESK_WINDOW_OVER, at);
        return;
    }
    desk_round_begin(state, lot, it->rank, round.lapsed > 0 ? DESK_WHY_LAPSED : DESK_WHY_DECLINED,
                     at);
}

void desk_answer_elect(struct desk_state *state, uint32_t notice, uint64_t quantity, oft_instant at)
{
    uint32_t lot = DESK_NOTICE(state, notice)->lot;
    DESK_NOTICE(state, notice)->elected = quantity;
    desk_notice_enter(state, notice, DESK_NOTICE_ELECTED, at);
    bool in_its_round = desk_in_round(DESK_LOT(state, lot)) &&
                        DESK_LOT(state, lot)->first_notice == DESK_LOT(state, lot)->asked_first;
    uint32_t part = award(state, lot, notice, quantity, at);
    if (part == DESK_NONE || part == lot) {
        if (part == lot) {
            desk_round_void(state, lot, at);
        }
        return;
    }
    if (in_its_round) {
        desk_round_resolve(state, lot, at);
    } else if (DESK_LOT(state, lot)->state == DESK_LOT_READY) {
        entitle(state, DESK_LOT(state, lot));
    }
    desk_lot_reckon(state, lot);
}

void desk_answer_decline(struct desk_state *state, uint32_t notice, oft_instant at)
{
    uint32_t lot = DESK_NOTICE(state, notice)->lot;
    bool open = DESK_NOTICE(state, notice)->state == DESK_NOTICE_OPEN;
    desk_notice_enter(state, notice, DESK_NOTICE_DECLINED, at);
    if (open) {
        desk_round_resolve(state, lot, at);
        desk_lot_reckon(state, lot);
    }
}

void desk_answer_object(struct desk_state *state, uint32_t notice, oft_instant at)
{
    struct desk_notice *it = DESK_NOTICE(state, notice);
    uint32_t lot = it->lot;
    it->sent = it->delivered = it->deemed_at = OFT_INSTANT_NEVER;
    it->object_by = it->respond_by = OFT_INSTANT_NEVER;
    it->event = 0;
    desk_notice_enter(state, notice, DESK_NOTICE_OWED, at);
    desk_round_resolve(state, lot, at);
    desk_lot_reckon(state, lot);
}

/* ---- over-allotment -------------------------------------------------------------------------- */

void desk_share_out(uint64_t quantity, const uint64_t *requests, uint64_t *ret_shares,
                    uint32_t count)
{
    oft_u128 total = 0;
    uint64_t given = 0;
    for (uint32_t i = 0; i < count; i++) {
        total += requests[i];
    }
    for (uint32_t i = 0; i < count; i++) {
        ret_shares[i] =
            total <= quantity ? requests[i] : (uint64_t)((oft_u128)quantity * requests[i] / total);
        given += ret_shares[i];
    }
    bool topped[DESK_HOLDERS_MAX] = {false};
    while (total > quantity && given < quantity) {
        uint32_t best = DESK_NONE;
        oft_u128 most = 0;
        for (uint32_t i = 0; i < count; i++) {
            oft_u128 rest = (oft_u128)quantity * requests[i] % total;
            if (!topped[i] && rest > 0 && (best == DESK_NONE || rest > most)) {
                best = i;
                most = rest;
            }
        }
        OFT_ASSERT(best != DESK_NONE);
        topped[best] = true;
        ret_shares[best]++;
        given++;
    }
}

void desk_over_close(struct desk_state *state, uint32_t lot, oft_instant at)
{
    uint64_t requests[DESK_HOLDERS_MAX] = {0}, shares[DESK_HOLDERS_MAX] = {0};
    const struct desk_lot *it = DESK_LOT(state, lot);
    uint32_t first = it->first_notice, count = it->notice_count;
    OFT_ASSERT(count <= DESK_HOLDERS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        requests[i] = DESK_NOTICE(state, first + i)->over_requested;
    }
    desk_share_out(it->quantity, requests, shares, count);
    for (uint32_t i = 0; i < count; i++) {
        if (shares[i] > 0 && award(state, lot, first + i, shares[i], at) == lot) {
            return;
        }
    }
    if (!state->broken) {
        desk_round_resolve(state, lot, at);
        desk_lot_reckon(state, lot);
    }
}

/* One who may ask for more in this round: it elected all it was entitled to. */
bool desk_over_may(const struct desk_state *state, uint32_t notice)
{
    const struct desk_notice *it = DESK_NOTICE(state, notice);
    const struct desk_lot *lot = DESK_LOT(state, it->lot);
    return lot->state == DESK_LOT_OVERALLOT && notice >= lot->first_notice &&
           notice - lot->first_notice < lot->notice_count && it->state == DESK_NOTICE_ELECTED &&
           it->elected == it->entitled && !it->over_asked;
}

void desk_over_answer(struct desk_state *state, uint32_t notice, uint64_t quantity, oft_instant at)
{
    struct desk_notice *it = DESK_NOTICE(state, notice);
    uint32_t lot = it->lot;
    it->over_asked = true;
    it->over_requested = quantity;
    desk_tell(state, DESK_EFFECT_NOTICE, notice, it->state, at);
    const struct desk_lot *round = DESK_LOT(state, lot);
    for (uint32_t i = 0; i < round->notice_count; i++) {
        if (desk_over_may(state, round->first_notice + i)) {
            return;
        }
    }
    desk_over_close(state, lot, at);
}
