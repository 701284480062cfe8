/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notices and their answers: what may be sent, delivered, objected to, elected, declined, countered.
 */
#include <string.h>

#include "desk/internal.h"

static const char *clause_of(const struct desk_state *state, const struct desk_lot *lot)
{
    return DESK_RIGHT(state, lot->right)->right.clause.text;
}

/* ---- sending --------------------------------------------------------------------------------- */

static const struct desk_window *response_window(const struct desk_right *right, bool reoffer)
{
    return reoffer && right->windows[DESK_WINDOW_REOFFER].said
               ? &right->windows[DESK_WINDOW_REOFFER]
               : &right->windows[DESK_WINDOW_RESPOND];
}

/* The windows of NOTICE if it is delivered at DELIVERED. False: a calendar does not know the years. */
static bool reckon_windows(const struct desk_state *state, struct desk_notice *notice,
                           oft_instant delivered)
{
    const struct desk_lot *lot = DESK_LOT(state, notice->lot);
    const struct desk_right *right = &DESK_RIGHT(state, lot->right)->right;
    const struct desk_window *window = response_window(right, lot->reoffer);
    const struct desk_window *object = &right->windows[DESK_WINDOW_OBJECT];
    oft_instant start = delivered;
    if (window->start == DESK_FROM_DEEMED && notice->deemed_at != OFT_INSTANT_NEVER) {
        start = notice->deemed_at;
    } else if (window->start == DESK_FROM_SENT) {
        start = notice->sent;
    }
    start = DESK_MUTANT(4, start, notice->sent);
    if (!desk_window_end(state, window, start, &notice->respond_by) ||
        (notice->respond_by <= delivered &&
         !desk_window_end(state, window, delivered, &notice->respond_by))) {
        return false;
    }
    notice->object_by = notice->respond_by;
    return !object->said || desk_window_end(state, object, delivered, &notice->object_by);
}

/* Whether every deadline that sending at AT may set going can be reckoned. */
static bool can_reckon(const struct desk_state *state, uint32_t lot, oft_instant at)
{
    const struct desk_right *right = &DESK_RIGHT(state, DESK_LOT(state, lot)->right)->right;
    struct desk_notice trial = {.lot = lot, .sent = at, .deemed_at = OFT_INSTANT_NEVER};
    if (right->deemed.said && !desk_window_end(state, &right->deemed, at, &trial.deemed_at)) {
        return false;
    }
    return reckon_windows(state, &trial, at) &&
           (trial.deemed_at == OFT_INSTANT_NEVER || reckon_windows(state, &trial, trial.deemed_at));
}

static void send_owed(struct desk_state *state, const struct desk_event *event)
{
    struct desk_lot *lot = DESK_LOT(state, event->lot);
    const struct desk_right *right = &DESK_RIGHT(state, lot->right)->right;
    lot->over_done = lot->over_done && lot->asked_first == lot->first_notice;
    lot->asked_first = lot->first_notice;
    lot->asked_count = lot->notice_count;
    for (uint32_t i = 0; i < lot->notice_count; i++) {
        struct desk_notice *notice = DESK_NOTICE(state, lot->first_notice + i);
        if (notice->state != DESK_NOTICE_OWED) {
            continue;
        }
        notice->sent = event->at;
        notice->event = event->number;
        notice->terms = lot->noticed;
        memcpy(notice->hash, event->hash, sizeof(notice->hash));
        if (right->deemed.said &&
            desk_window_end(state, &right->deemed, event->at, &notice->deemed_at)) {
            (void)reckon_windows(state, notice, notice->deemed_at);
        }
        desk_notice_enter(state, lot->first_notice + i, DESK_NOTICE_SENT_STATE, event->at);
    }
}

/* In FREE: the terms have become better for the third party, so a second notice is owed first. */
static enum oft_err reoffer(struct desk_state *state, const struct desk_event *event,
                            struct desk_terms terms, struct desk_refusal *refusal)
{
    struct desk_lot *lot = DESK_LOT(state, event->lot);
    const struct desk_right_row *row = DESK_RIGHT(state, lot->right);
    if (DESK_NEED(state, lot->need)->withdrawn ||
        (lot->offer != DESK_NONE && DESK_OFFER(state, lot->offer)->withdrawn)) {
        return desk_refuse(refusal, DESK_REFUSED_STATE, 5, row->right.clause.text,
                           "what lot-%u is for is withdrawn: there is nothing to give notice of",
                           event->lot + 1);
    }
    if (desk_conforms(&row->right, lot->noticed, terms, NULL)) {
        return desk_refuse(refusal, DESK_REFUSED_STATE, 5, row->right.clause.text,
                           "lot-%u is free on these terms: no second notice is owed",
                           event->lot + 1);
    }
    desk_round_begin(state, event->lot, 0, DESK_WHY_NO_STANDING, event->at);
    lot = DESK_LOT(state, event->lot);
    lot->noticed = terms;
    if (lot->state == DESK_LOT_READY) {
        lot->reoffer = true;
    }
    return OFT_OK;
}

static enum oft_err check_send(const struct desk_state *state, const struct desk_event *event,
                               struct desk_refusal *refusal)
{
    enum oft_err code = desk_check_customer(state, event, refusal);
    if (code == OFT_OK) {
        code = desk_check_reference(event->lot, state->lots.count, "lot", refusal);
    }
    if (code != OFT_OK) {
        return code;
    }
    const struct desk_lot *lot = DESK_LOT(state, event->lot);
    bool owed = false;
    for (uint32_t i = 0; i < lot->notice_count; i++) {
        owed = owed || DESK_NOTICE(state, lot->first_notice + i)->state == DESK_NOTICE_OWED;
    }
    bool round = lot->state >= DESK_LOT_READY && lot->state <= DESK_LOT_OPEN;
    if (!(round && owed) && lot->state != DESK_LOT_FREE) {
        return desk_refuse(refusal, DESK_REFUSED_STATE, 6, clause_of(state, lot),
                           "no notice is owed for lot-%u: it is %s", event->lot + 1,
                           desk_lot_state_text(lot->state));
    }
    if (!can_reckon(state, event->lot, event->at)) {
        return desk_refuse(refusal, DESK_REFUSED_CALENDAR, 4, clause_of(state, lot),
                           "the deadlines of lot-%u cannot be reckoned: the calendar does not know "
                           "those days",
                           event->lot + 1);
    }
    return OFT_OK;
}

enum oft_err desk_on_notice_sent(struct desk_state *state, const struct desk_event *event,
                                 struct desk_refusal *refusal)
{
    enum oft_err code = check_send(state, event, refusal);
    if (code != OFT_OK) {
        return code;
    }
    struct desk_lot *lot = DESK_LOT(state, event->lot);
    struct desk_terms terms = desk_terms_now(state, lot);
    if (lot->state == DESK_LOT_FREE) {
        if (lot->offer == DESK_NONE && event->offer < state->offers.count &&
            DESK_OFFER(state, event->offer)->offer->need == lot->need) {
            terms = DESK_OFFER(state, event->offer)->terms; /* whose terms are the better ones */
        }
        code = reoffer(state, event, terms, refusal);
        if (code != OFT_OK) {
            return code;
        }
    }
    lot = DESK_LOT(state, event->lot);
    bool asked_before =
        lot->first_notice == lot->asked_first; /* an objection: the same terms again */
    if (lot->state == DESK_LOT_READY && !asked_before) {
        lot->noticed = terms;
    }
    if (lot->state != DESK_LOT_FREE) {
        send_owed(state, event);
    }
    if (lot->state == DESK_LOT_READY) {
        desk_lot_enter(state, event->lot, DESK_LOT_NOTICED, DESK_WHY_NONE, event->at);
    }
    desk_lot_reckon(state, event->lot);
    return OFT_OK;
}

/* ---- delivery and objection -------------------------------------------------------------------- */

static enum oft_err check_notice(const struct desk_state *state, const struct desk_event *event,
                                 bool proof, struct desk_refusal *refusal)
{
    enum oft_err code =
        desk_check_reference(event->notice, state->notices.count, "notice", refusal);
    if (code == OFT_OK) {
        code = desk_check_actor(state, event, DESK_NOTICE(state, event->notice)->holder, proof,
                                refusal);
    }
    return code;
}

enum oft_err desk_on_notice_delivered(struct desk_state *state, const struct desk_event *event,
                                      struct desk_refusal *refusal)
{
    enum oft_err code = check_notice(state, event, true, refusal);
    if (code != OFT_OK) {
        return code;
    }
    struct desk_notice *notice = DESK_NOTICE(state, event->notice);
    const char *clause = clause_of(state, DESK_LOT(state, notice->lot));
    if (notice->state != DESK_NOTICE_SENT_STATE) {
        return desk_refuse(refusal, DESK_REFUSED_STATE, 4, clause,
                           "notice-%u is %s: there is nothing to deliver", event->notice + 1,
                           desk_notice_state_text(notice->state));
    }
    if (event->happened < notice->sent) {
        return desk_refuse(refusal, DESK_REFUSED_TIME, 4, clause,
                           "notice-%u cannot be delivered before it is sent", event->notice + 1);
    }
    struct desk_notice reckoned = *notice;
    if (!reckon_windows(state, &reckoned, event->happened)) {
        return desk_refuse(
            refusal, DESK_REFUSED_CALENDAR, 4, clause,
            "the deadline cannot be reckoned: the calendar does not know those days");
    }
    *notice = reckoned;
    desk_notice_open(state, event->notice, event->happened);
    return OFT_OK;
}

enum oft_err desk_on_notice_objected(struct desk_state *state, const struct desk_event *event,
                                     struct desk_refusal *refusal)
{
    enum oft_err code = check_notice(state, event, false, refusal);
    if (code != OFT_OK) {
        return code;
    }
    const struct desk_notice *notice = DESK_NOTICE(state, event->notice);
    const char *clause = clause_of(state, DESK_LOT(state, notice->lot));
    if (event->text[0] == '\0') {
        return desk_refuse(refusal, DESK_REFUSED_INVALID, 4, clause,
                           "an objection names the defect");
    }
    if (notice->state != DESK_NOTICE_SENT_STATE && notice->state != DESK_NOTICE_OPEN) {
        return desk_refuse(refusal, DESK_REFUSED_STATE, 4, clause, "notice-%u is %s",
                           event->notice + 1, desk_notice_state_text(notice->state));
    }
    if (event->happened < notice->sent) {
        return desk_refuse(refusal, DESK_REFUSED_TIME, 4, clause, "notice-%u was not sent by then",
                           event->notice + 1);
    }
    if (notice->state == DESK_NOTICE_OPEN && event->happened >= notice->object_by) {
        return desk_refuse(refusal, DESK_REFUSED_LATE, 4, clause,
                           "the objection window of notice-%u is over", event->notice + 1);
    }
    desk_answer_object(state, event->notice, event->at);
    return OFT_OK;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* Lapsed on the record, but answered in time: nothing was built on the silence yet. */
static bool silence_unused(const struct desk_state *state, uint32_t notice)
{
    const struct desk_notice *it = DESK_NOTICE(state, notice);
    const struct desk_lot *lot = DESK_LOT(state, it->lot);
    bool last_asked = notice >= lot->asked_first && notice - lot->asked_first < lot->asked_count;
    return it->state == DESK_NOTICE_LAPSED && lot->asked_first != DESK_NONE && last_asked &&
           !lot->over_done &&
           (lot->state == DESK_LOT_FREE ||
            (lot->state >= DESK_LOT_READY && lot->state <= DESK_LOT_OPEN));
}

static enum oft_err check_answer(const struct desk_state *state, const struct desk_event *event,
                                 struct desk_refusal *refusal)
{
    enum oft_err code = check_notice(state, event, true, refusal);
    if (code != OFT_OK) {
        return code;
    }
    const struct desk_notice *notice = DESK_NOTICE(state, event->notice);
    const char *clause = clause_of(state, DESK_LOT(state, notice->lot));
    if (notice->state == DESK_NOTICE_OWED || notice->state == DESK_NOTICE_SENT_STATE) {
        return desk_refuse(refusal, DESK_REFUSED_EARLY, 4, clause,
                           "notice-%u is %s: tell its delivery first", event->notice + 1,
                           desk_notice_state_text(notice->state));
    }
    if (notice->state != DESK_NOTICE_OPEN && notice->state != DESK_NOTICE_LAPSED) {
        return desk_refuse(refusal, DESK_REFUSED_STATE, 3, clause, "notice-%u is %s already",
                           event->notice + 1, desk_notice_state_text(notice->state));
    }
    if (event->happened < notice->delivered) {
        return desk_refuse(refusal, DESK_REFUSED_TIME, 4, clause,
                           "notice-%u was not delivered by then", event->notice + 1);
    }
    if (DESK_MUTANT(11, event->happened >= notice->respond_by,
                    event->happened > notice->respond_by)) {
        return desk_refuse(refusal, DESK_REFUSED_LATE, 3, clause,
                           "the response window of notice-%u is over; silence was a waiver",
                           event->notice + 1);
    }
    if (notice->state == DESK_NOTICE_LAPSED && !silence_unused(state, event->notice)) {
        return desk_refuse(refusal, DESK_REFUSED_LATE, 3, clause,
                           "notice-%u lapsed on the record and others have acted on it since",
                           event->notice + 1);
    }
    return OFT_OK;
}

static bool part_allowed(const struct desk_right *right, enum desk_size_kind unit,
                         uint64_t quantity)
{
    return right->partial &&
           (right->partial_unit == DESK_SIZE_NONE || right->partial_unit == unit) &&
           quantity >= right->partial_minimum &&
           (right->partial_step == 0 || quantity % right->partial_step == 0);
}

static enum oft_err elect_more(struct desk_state *state, const struct desk_event *event,
                               struct desk_refusal *refusal)
{
    const struct desk_lot *lot = DESK_LOT(state, DESK_NOTICE(state, event->notice)->lot);
    const struct desk_right *right = &DESK_RIGHT(state, lot->right)->right;
    if (event->happened != event->at) {
        return desk_refuse(refusal, DESK_REFUSED_TIME, 2, right->clause.text,
                           "a request for more counts when the desk takes it");
    }
    if (event->quantity == 0 || event->quantity > lot->quantity) {
        return desk_refuse(refusal, DESK_REFUSED_QUANTITY, 2, right->clause.text,
                           "%llu are left; ask for 1 to %llu of them",
                           (unsigned long long)lot->quantity, (unsigned long long)lot->quantity);
    }
    if (event->terms.count > 0 && !desk_conforms(right, lot->noticed, event->terms, NULL)) {
        return desk_refuse(refusal, DESK_REFUSED_TERMS, 3, right->clause.text,
                           "a request for more is on the noticed terms");
    }
    desk_over_answer(state, event->notice, event->quantity, event->at);
    return OFT_OK;
}

enum oft_err desk_on_elected(struct desk_state *state, const struct desk_event *event,
                             struct desk_refusal *refusal)
{
    if (event->notice < state->notices.count && desk_over_may(state, event->notice)) {
        enum oft_err code = check_notice(state, event, true, refusal);
        return code != OFT_OK ? code : elect_more(state, event, refusal);
    }
    enum oft_err code = check_answer(state, event, refusal);
    if (code != OFT_OK) {
        return code;
    }
    struct desk_notice *notice = DESK_NOTICE(state, event->notice);
    const struct desk_lot *lot = DESK_LOT(state, notice->lot);
    const struct desk_right *right = &DESK_RIGHT(state, lot->right)->right;
    uint64_t quantity = event->quantity == 0 ? notice->entitled : event->quantity;
    bool conforms =
        event->terms.count == 0 || desk_conforms(right, notice->terms, event->terms, NULL);
    bool enough = quantity > 0 && quantity <= lot->quantity &&
                  (quantity == notice->entitled ||
                   (quantity < notice->entitled &&
                    part_allowed(right, DESK_NEED(state, lot->need)->need->unit, quantity)));
    if (!DESK_MUTANT(3, conforms && enough, enough)) {
        notice->countered = true; /* a counter is no acceptance */
        desk_notice_enter(state, event->notice, notice->state, event->at);
        return OFT_OK;
    }
    desk_answer_elect(state, event->notice, quantity, event->happened);
    return OFT_OK;
}

enum oft_err desk_on_declined(struct desk_state *state, const struct desk_event *event,
                              struct desk_refusal *refusal)
{
    if (event->notice < state->notices.count && desk_over_may(state, event->notice)) {
        enum oft_err over = check_notice(state, event, true, refusal);
        if (over == OFT_OK) {
            desk_over_answer(state, event->notice, 0, event->at);
        }
        return over;
    }
    enum oft_err code = check_answer(state, event, refusal);
    if (code == OFT_OK) {
        desk_answer_decline(state, event->notice, event->happened);
    }
    return code;
}

enum oft_err desk_on_countered(struct desk_state *state, const struct desk_event *event,
                               struct desk_refusal *refusal)
{
    enum oft_err code = check_answer(state, event, refusal);
    if (code == OFT_OK) {
        struct desk_notice *notice = DESK_NOTICE(state, event->notice);
        notice->countered = true;
        desk_notice_enter(state, event->notice, notice->state, event->at);
    }
    return code;
}
