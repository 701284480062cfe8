/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fold: time passes, then an event is taken or refused. What each event means is in the files of its
 * subject; here is the order of things, and the search for the earliest instant of a refused act.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "desk/internal.h"

#ifdef DESK_MUTATIONS
unsigned desk_mutant;
#endif

enum { EARLIEST_TRIES_MAX = 256 };

static const desk_handler HANDLERS[DESK_EVENT_KIND_COUNT] = {
    [DESK_CUSTOMER] = desk_on_customer,
    [DESK_CALENDAR] = desk_on_calendar,
    [DESK_ZONE] = desk_on_calendar,
    [DESK_RIGHT] = desk_on_right,
    [DESK_NEED_OPENED] = desk_on_need_opened,
    [DESK_NEED_WITHDRAWN] = desk_on_need_withdrawn,
    [DESK_OFFER_ADDED] = desk_on_offer_added,
    [DESK_OFFER_CHANGED] = desk_on_offer_changed,
    [DESK_OFFER_AFFIRMED] = desk_on_offer_affirmed,
    [DESK_OFFER_WITHDRAWN] = desk_on_offer_withdrawn,
    [DESK_SCREENED] = desk_on_screened,
    [DESK_EXEMPTED] = desk_on_exempted,
    [DESK_NOTICE_SENT] = desk_on_notice_sent,
    [DESK_NOTICE_DELIVERED] = desk_on_notice_delivered,
    [DESK_NOTICE_OBJECTED] = desk_on_notice_objected,
    [DESK_ELECTED] = desk_on_elected,
    [DESK_DECLINED] = desk_on_declined,
    [DESK_COUNTERED] = desk_on_countered,
    [DESK_TENDERED] = desk_on_tendered,
    [DESK_SIGNED] = desk_on_signed,
    [DESK_SETTLED] = desk_on_settled,
    [DESK_DELIVERED] = desk_on_delivered,
    [DESK_DEFAULTED] = desk_on_defaulted,
    [DESK_CURED] = desk_on_cured,
    [DESK_ASSIGNED] = desk_on_assigned,
    [DESK_CONTROL_CHANGED] = desk_on_control_changed,
};

/* ---- refusing -------------------------------------------------------------------------------- */

enum oft_err desk_refuse(struct desk_refusal *refusal, enum desk_refusal_code code,
                         unsigned property, const char *clause, const char *format, ...)
{
    va_list arguments;
    refusal->code = code;
    refusal->property = property;
    refusal->clause = clause == NULL ? "" : clause;
    refusal->earliest = OFT_INSTANT_NEVER;
    va_start(arguments, format);
    (void)vsnprintf(refusal->message, sizeof(refusal->message), format, arguments);
    va_end(arguments);
    return OFT_ERR_DENIED;
}

enum oft_err desk_check_actor(const struct desk_state *state, const struct desk_event *event,
                              struct desk_name party, bool proof, struct desk_refusal *refusal)
{
    bool customer = event->actor.id == state->customer.id;
    bool its_own = event->actor.id == party.id;
    bool for_it =
        event->party.id == party.id || event->party.id == 0 || event->party.id == event->actor.id;
    if ((!its_own && !customer) || !for_it) {
        return desk_refuse(refusal, DESK_REFUSED_ACTOR, 0, NULL, "that is for %s to do",
                           party.text == NULL ? "another party" : party.text);
    }
    if (!its_own && proof && event->text[0] == '\0') {
        return desk_refuse(refusal, DESK_REFUSED_ACTOR, 0, NULL,
                           "to record what %s did, say how you know it", party.text);
    }
    return OFT_OK;
}

enum oft_err desk_check_customer(const struct desk_state *state, const struct desk_event *event,
                                 struct desk_refusal *refusal)
{
    if (event->actor.id != state->customer.id) {
        return desk_refuse(refusal, DESK_REFUSED_ACTOR, 0, NULL, "that is for %s to do",
                           state->customer.id == 0 ? "the customer" : state->customer.text);
    }
    return OFT_OK;
}

enum oft_err desk_check_reference(uint32_t index, uint32_t count, const char *what,
                                  struct desk_refusal *refusal)
{
    if (index >= count) {
        return desk_refuse(refusal, DESK_REFUSED_UNKNOWN, 0, NULL, "there is no such %s", what);
    }
    return OFT_OK;
}

/* ---- time ------------------------------------------------------------------------------------ */

static enum oft_err pass(struct desk_state *state, oft_instant at)
{
    for (;;) {
        uint32_t timer = desk_timer_first(state);
        if (state->broken) {
            return OFT_ERR_MEMORY;
        }
        if (timer == DESK_NONE || desk_next_due(state) > at) {
            return OFT_OK;
        }
        if ((timer & DESK_TIMER_ORDER) != 0) {
            desk_order_pass(state, timer & ~DESK_TIMER_ORDER);
        } else {
            desk_lot_pass(state, timer);
        }
    }
}

enum oft_err desk_advance(struct desk_state *state, oft_instant at)
{
    if (state->begun && at < state->clock) {
        return OFT_OK;
    }
    state->cause = 0;
    state->begun = true;
    state->clock = at;
    return pass(state, at);
}

/* ---- the earliest instant ---------------------------------------------------------------------- */

/* The next instant after AFTER at which time could make a difference. */
static oft_instant next_change(const struct desk_state *state, oft_instant after)
{
    oft_instant next = desk_next_due(state);
    for (uint32_t i = 0; i < state->rights.count; i++) {
        const struct desk_right_row *row = DESK_RIGHT(state, i);
        oft_instant until = desk_right_until(row, NULL);
        if (row->right.from > after && row->right.from < next) {
            next = row->right.from;
        }
        if (until > after && until < next) {
            next = until;
        }
    }
    return next;
}

/* Tries the act again at every later instant that could matter, on a copy. */
static oft_instant find_earliest(const struct desk_state *state, const struct desk_event *event)
{
    struct desk_state *copy = desk_state_copy(state);
    oft_instant found = OFT_INSTANT_NEVER;
    oft_instant at = event->at;
    bool at_once = event->happened == event->at;
    if (copy == NULL) {
        return OFT_INSTANT_NEVER;
    }
    copy->asking = true;
    for (unsigned tries = 0; tries < EARLIEST_TRIES_MAX && found == OFT_INSTANT_NEVER; tries++) {
        struct desk_event later = *event;
        struct desk_refusal refusal;
        at = next_change(copy, at);
        if (at == OFT_INSTANT_NEVER) {
            break;
        }
        later.at = at;
        later.happened = at_once ? at : event->happened;
        enum oft_err code = desk_apply(copy, &later, &refusal);
        if (code == OFT_OK) {
            found = at;
        } else if (code != OFT_ERR_DENIED) {
            break;
        }
    }
    desk_state_free(copy);
    return found;
}

static bool waiting_may_help(enum desk_refusal_code code)
{
    return code == DESK_REFUSED_STATE || code == DESK_REFUSED_EARLY ||
           code == DESK_REFUSED_EXCLUSIVE || code == DESK_REFUSED_NOTICE_OWED ||
           code == DESK_REFUSED_BETTER_TERMS || code == DESK_REFUSED_COUNTERPARTY ||
           code == DESK_REFUSED_QUANTITY || code == DESK_REFUSED_UNKNOWN;
}

/* ---- an event -------------------------------------------------------------------------------- */

static enum oft_err check_event(const struct desk_state *state, const struct desk_event *event,
                                struct desk_refusal *refusal)
{
    if (event->kind <= 0 || event->kind >= DESK_EVENT_KIND_COUNT || event->text == NULL ||
        event->terms.count > DESK_TERMS_MAX) {
        return desk_refuse(refusal, DESK_REFUSED_INVALID, 0, NULL, "that is no event");
    }
    if ((state->begun && event->at < state->clock) || event->happened > event->at) {
        return desk_refuse(refusal, DESK_REFUSED_TIME, 8, NULL,
                           "time does not go back, and nothing is recorded before it happens");
    }
    if (state->customer.id == 0 && event->kind != DESK_CUSTOMER) {
        return desk_refuse(refusal, DESK_REFUSED_INVALID, 0, NULL,
                           "the desk does not know yet whose it is");
    }
    return OFT_OK;
}

enum oft_err desk_apply(struct desk_state *state, const struct desk_event *event,
                        struct desk_refusal *ret_refusal)
{
    ret_refusal->code = DESK_REFUSED_NONE;
    enum oft_err code = state->broken ? OFT_ERR_MEMORY : check_event(state, event, ret_refusal);
    if (code == OFT_OK) {
        code = DESK_MUTANT(8, desk_advance(state, event->at), OFT_OK);
    }
    if (code != OFT_OK) {
        return code;
    }
    state->cause = event->number;
    code = HANDLERS[event->kind](state, event, ret_refusal);
    state->cause = 0;
    if (code == OFT_ERR_DENIED) {
        if (!state->asking && waiting_may_help(ret_refusal->code)) {
            ret_refusal->earliest = find_earliest(state, event);
        }
        return code;
    }
    if (code == OFT_OK) {
        state->events++;
        code = pass(state, event->at); /* an act recorded late may set going what is over already */
    }
    return state->broken ? OFT_ERR_MEMORY : code;
}
