/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lots and rounds: how a lot comes into a state, whom a round asks, what an answer or the clock makes of
 * it. Nothing here refuses; the handlers in notices.c and sign.c have checked.
 */
#include <string.h>

#include "desk/internal.h"

/* ---- states ---------------------------------------------------------------------------------- */

static void tell(struct desk_state *state, enum desk_effect_kind kind, uint32_t index, uint8_t now,
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
    tell(state, DESK_EFFECT_LOT, lot, it->state, at);
}

void desk_notice_enter(struct desk_state *state, uint32_t notice, enum desk_notice_state to,
                       oft_instant at)
{
    DESK_NOTICE(state, notice)->state = (uint8_t)to;
    tell(state, DESK_EFFECT_NOTICE, notice, (uint8_t)to, at);
}

static oft_instant later(oft_instant a, oft_instant b)
{
    return a > b ? a : b;
}

oft_instant desk_opportunity_end(const struct desk_state *state, const struct desk_lot *lot,
                                 oft_instant at)
{
    return later(DESK_NEED(state, lot->need)->need->open_until, at);
}

/* When a window that begins at AT ends: unsaid, with the opportunity; where the calendar does not know
 * the days, at once. */
static oft_instant window_or_end(const struct desk_state *state, const struct desk_lot *lot,
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

static bool in_round(const struct desk_lot *lot)
{
    return lot->state == DESK_LOT_READY || lot->state == DESK_LOT_NOTICED ||
           lot->state == DESK_LOT_OPEN;
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
    if (in_round(lot)) {
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
    return desk_terms_find(offer->terms, desk_word("price").id) != NULL;
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
    it->over_done = false;
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
    tell(state, DESK_EFFECT_ROUND, lot, (uint8_t)DESK_LOT_READY, at);
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
    it->deadline = window_or_end(state, it, DESK_WINDOW_RELEASE, at);
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
    it->deadline = window_or_end(state, it, DESK_WINDOW_SIGN, at);
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
static void round_resolve(struct desk_state *state, uint32_t lot, oft_instant at)
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
        it->deadline = window_or_end(state, it, DESK_WINDOW_OVER, at);
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
    bool in_its_round = in_round(DESK_LOT(state, lot)) &&
                        DESK_LOT(state, lot)->first_notice == DESK_LOT(state, lot)->asked_first;
    uint32_t part = award(state, lot, notice, quantity, at);
    if (part == DESK_NONE || part == lot) {
        if (part == lot) {
            desk_round_void(state, lot, at);
        }
        return;
    }
    if (in_its_round) {
        round_resolve(state, lot, at);
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
        round_resolve(state, lot, at);
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
    round_resolve(state, lot, at);
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

static void over_close(struct desk_state *state, uint32_t lot, oft_instant at)
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
        round_resolve(state, lot, at);
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
    tell(state, DESK_EFFECT_NOTICE, notice, it->state, at);
    const struct desk_lot *round = DESK_LOT(state, lot);
    for (uint32_t i = 0; i < round->notice_count; i++) {
        if (desk_over_may(state, round->first_notice + i)) {
            return;
        }
    }
    over_close(state, lot, at);
}

/* ---- time ------------------------------------------------------------------------------------ */

void desk_notice_open(struct desk_state *state, uint32_t notice, oft_instant delivered)
{
    struct desk_notice *it = DESK_NOTICE(state, notice);
    uint32_t lot = it->lot;
    it->delivered = delivered;
    desk_notice_enter(state, notice, DESK_NOTICE_OPEN, delivered);
    round_resolve(state, lot, delivered);
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
        over_close(state, lot, at);
        return;
    case DESK_LOT_ELECTED:
        if (it->tendered) {
            desk_default_add(state, DESK_NOTICE(state, it->holder_notice)->holder.id, at);
            desk_lot_free(state, lot, DESK_WHY_HOLDER_DEFAULT, at);
        } else {
            desk_lot_enter(state, lot, DESK_LOT_DISPUTED, DESK_WHY_NONE, at);
            struct desk_lot *disputed = DESK_LOT(state, lot);
            disputed->deadline = window_or_end(state, disputed, DESK_WINDOW_RELEASE, at);
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
    oft_instant at = later(next.at, it->since);
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
        round_resolve(state, lot, at);
        break;
    case PASS_DEADLINE:
        deadline_passed(state, lot, at);
        break;
    case PASS_NOTHING:
        break;
    }
    desk_lot_reckon(state, lot);
}
