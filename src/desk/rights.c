/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rights: when they are in force, who has standing, and the events that concern them and their holders.
 */
#include <string.h>

#include "desk/internal.h"

/* ---- calendars and windows ------------------------------------------------------------------- */

static const struct desk_calendar_row *calendar_row(const struct desk_state *state, uint64_t id,
                                                    bool zone)
{
    for (uint32_t i = 0; i < state->calendars.count; i++) {
        const struct desk_calendar_row *row =
            DESK_ROW(state, calendars, struct desk_calendar_row, i);
        if (row->id == id && (row->zone != NULL) == zone) {
            return row;
        }
    }
    return NULL;
}

const struct oft_calendar *desk_calendar_at(const struct desk_state *state, uint64_t name_id)
{
    const struct desk_calendar_row *row = calendar_row(state, name_id, false);
    return row == NULL ? NULL : row->calendar;
}

const struct oft_zone *desk_zone_at(const struct desk_state *state, uint64_t name_id)
{
    const struct desk_calendar_row *row = calendar_row(state, name_id, true);
    return row == NULL ? NULL : row->zone;
}

bool desk_window_end(const struct desk_state *state, const struct desk_window *window,
                     oft_instant start, oft_instant *ret)
{
    const struct oft_calendar *calendar =
        window->calendar.id == 0 ? NULL : desk_calendar_at(state, window->calendar.id);
    const struct oft_zone *zone =
        window->zone.id == 0 ? NULL : desk_zone_at(state, window->zone.id);
    return oft_deadline(start, &window->period, calendar, zone, ret) == OFT_OK;
}

enum oft_err desk_on_calendar(struct desk_state *state, const struct desk_event *event,
                              struct desk_refusal *refusal)
{
    bool zone = event->kind == DESK_ZONE;
    if ((zone ? (const void *)event->zone : (const void *)event->calendar) == NULL) {
        return desk_refuse(refusal, DESK_REFUSED_INVALID, 0, NULL, "the event brings nothing");
    }
    uint64_t id = desk_word(zone ? event->zone->name : event->calendar->name).id;
    struct desk_calendar_row *row =
        (struct desk_calendar_row *)(uintptr_t)calendar_row(state, id, zone);
    if (row == NULL) {
        row = desk_row_add(state, &state->calendars, NULL);
    }
    if (row == NULL) {
        return OFT_ERR_MEMORY;
    }
    *row = (struct desk_calendar_row){id, event->calendar, event->zone};
    return OFT_OK;
}

/* ---- in force, standing ---------------------------------------------------------------------- */

oft_instant desk_right_until(const struct desk_right_row *row, enum desk_right_end *ret_end)
{
    bool control = row->control < row->right.until;
    if (ret_end != NULL) {
        *ret_end = control ? DESK_ENDS_TERMINATED : row->right.end;
    }
    return control ? row->control : row->right.until;
}

bool desk_right_in_force(const struct desk_right_row *row, oft_instant at)
{
    return row->right.from <= at && at < desk_right_until(row, NULL);
}

bool desk_right_exhausted(const struct desk_right_row *row, oft_instant at)
{
    return row->exhausted <= at;
}

bool desk_is_holder(const struct desk_right_row *row, uint64_t party)
{
    for (uint32_t i = 0; i < row->right.holder_count; i++) {
        if (row->holders[i].party.id == party) {
            return true;
        }
    }
    return false;
}

static struct desk_party_row *party_row(const struct desk_state *state, uint64_t party)
{
    for (uint32_t i = 0; i < state->parties.count; i++) {
        struct desk_party_row *row = DESK_ROW(state, parties, struct desk_party_row, i);
        if (row->id == party) {
            return row;
        }
    }
    return NULL;
}

/* Standing is counted in elapsed time: a month is 30 days, a year 365. */
static oft_instant elapsed(const struct oft_period *period)
{
    static const int64_t hours[] = {
        [OFT_PERIOD_HOURS] = 1,   [OFT_PERIOD_DAYS] = 24,    [OFT_PERIOD_BUSINESS_DAYS] = 24,
        [OFT_PERIOD_WEEKS] = 168, [OFT_PERIOD_MONTHS] = 720, [OFT_PERIOD_YEARS] = 8760};
    int64_t total = (int64_t)period->count * hours[period->unit];
    const int64_t most = INT64_MAX / (3600 * OFT_NS_PER_SECOND);
    return total > most ? INT64_MAX : total * 3600 * OFT_NS_PER_SECOND;
}

/* Whether LENGTH or more lies between FROM and AT, AT not before it. */
static bool passed(oft_instant from, oft_instant at, oft_instant length)
{
    return from <= at && (uint64_t)at - (uint64_t)from >= (uint64_t)length;
}

static bool defaults_cost(const struct desk_state *state, const struct desk_right *right,
                          uint64_t party, oft_instant at)
{
    const struct desk_party_row *row = party_row(state, party);
    uint32_t within = 0;
    uint32_t i = row == NULL ? DESK_NONE : row->last_default;
    while (i != DESK_NONE) {
        const struct desk_default *it = DESK_ROW(state, defaults, struct desk_default, i);
        bool open = it->at <= at && at < it->cured;
        if (open && (right->suspend_on_default ||
                     (right->standing_cure.said &&
                      passed(it->at, at, elapsed(&right->standing_cure.period))))) {
            return true;
        }
        if (it->at <= at && !passed(it->at, at, elapsed(&right->standing_within.period))) {
            within++;
        }
        i = it->before;
    }
    return right->standing_defaults > 0 && within >= right->standing_defaults;
}

bool desk_standing(const struct desk_state *state, const struct desk_right_row *row, uint64_t party,
                   oft_instant at)
{
    oft_instant until = desk_right_until(row, NULL);
    if (row->right.standing_remaining.said && until != OFT_INSTANT_NEVER &&
        (until <= at || !passed(at, until, elapsed(&row->right.standing_remaining.period)))) {
        return false;
    }
    return !defaults_cost(state, &row->right, party, at);
}

bool desk_has_standing(const struct desk_state *state, uint32_t right, uint64_t party_id)
{
    return desk_standing(state, DESK_RIGHT(state, right), party_id, state->clock);
}

enum desk_right_state desk_right_state_at(const struct desk_state *state, uint32_t index)
{
    const struct desk_right_row *row = DESK_RIGHT(state, index);
    enum desk_right_end end;
    if (state->clock < row->right.from) {
        return DESK_RIGHT_INACTIVE;
    }
    if (desk_right_exhausted(row, state->clock)) {
        return DESK_RIGHT_EXHAUSTED;
    }
    if (state->clock >= desk_right_until(row, &end)) {
        return end == DESK_ENDS_EXPIRED ? DESK_RIGHT_EXPIRED : DESK_RIGHT_TERMINATED;
    }
    for (uint32_t i = 0; i < row->right.holder_count; i++) {
        if (desk_standing(state, row, row->holders[i].party.id, state->clock)) {
            return DESK_RIGHT_ARMED;
        }
    }
    return row->right.kind == DESK_RIGHT_EXCLUSIVE ? DESK_RIGHT_ARMED : DESK_RIGHT_SUSPENDED;
}

/* ---- events ---------------------------------------------------------------------------------- */

static void reckon_lots_of(struct desk_state *state, uint32_t right)
{
    for (uint32_t i = 0; i < state->lots.count; i++) {
        if (DESK_LOT(state, i)->right == right) {
            desk_lot_reckon(state, i);
        }
    }
}

static void assign(struct desk_state *state, uint32_t right, uint64_t from, struct desk_name to)
{
    struct desk_right_row *row = DESK_RIGHT(state, right);
    for (uint32_t i = 0; i < row->right.holder_count; i++) {
        if (row->holders[i].party.id == from) {
            row->holders[i].party = to;
        }
    }
}

static enum oft_err check_right(const struct desk_state *state, const struct desk_right *right,
                                struct desk_refusal *refusal)
{
    const char *clause = right->clause.text;
    if (right->clause.id == 0 || right->kind < DESK_RIGHT_REFUSAL ||
        right->kind > DESK_RIGHT_EXCLUSIVE || right->holder_count > DESK_HOLDERS_MAX) {
        return desk_refuse(refusal, DESK_REFUSED_INVALID, 0, clause, "that is no right");
    }
    if (right->kind == DESK_RIGHT_EXCLUSIVE) {
        return OFT_OK;
    }
    if (!right->windows[DESK_WINDOW_RESPOND].said || right->holder_count == 0) {
        return desk_refuse(refusal, DESK_REFUSED_INVALID, 0, clause,
                           "a right needs a holder and a response window");
    }
    for (uint32_t i = 0; i < DESK_WINDOW_KIND_COUNT; i++) {
        const struct desk_window *window = &right->windows[i];
        if ((window->calendar.id != 0 && desk_calendar_at(state, window->calendar.id) == NULL) ||
            (window->zone.id != 0 && desk_zone_at(state, window->zone.id) == NULL)) {
            return desk_refuse(refusal, DESK_REFUSED_CALENDAR, 0, clause,
                               "%s is reckoned by a calendar or a time zone that the desk does not "
                               "have",
                               clause);
        }
    }
    return OFT_OK;
}

enum oft_err desk_on_right(struct desk_state *state, const struct desk_event *event,
                           struct desk_refusal *refusal)
{
    const struct desk_right *right = event->right;
    if (right == NULL) {
        return desk_refuse(refusal, DESK_REFUSED_INVALID, 0, NULL, "the event brings no right");
    }
    enum oft_err code = check_right(state, right, refusal);
    uint32_t index = desk_find_right(state, right->clause.id);
    if (code != OFT_OK) {
        return code;
    }
    if (index == DESK_NONE) {
        struct desk_right_row *row = desk_row_add(state, &state->rights, &index);
        if (row == NULL) {
            return OFT_ERR_MEMORY;
        }
        row->exhausted = row->control = OFT_INSTANT_NEVER;
    }
    struct desk_right_row *row = DESK_RIGHT(state, index);
    row->right = *right;
    if (right->holder_count > 0) {
        memcpy(row->holders, right->holders, right->holder_count * sizeof(*right->holders));
    }
    for (uint32_t i = 0; i < state->assignments.count; i++) {
        const struct desk_assignment *it = DESK_ROW(state, assignments, struct desk_assignment, i);
        if (it->clause == right->clause.id) {
            assign(state, index, it->from, it->to);
        }
    }
    for (uint32_t i = 0; i < state->rights.count; i++) {
        if (i == index || DESK_RIGHT(state, i)->right.ended_by.id == right->clause.id) {
            reckon_lots_of(state, i); /* those that this one succeeds wait for it */
        }
    }
    return OFT_OK;
}

void desk_default_add(struct desk_state *state, uint64_t party, oft_instant at)
{
    uint32_t index;
    struct desk_party_row *row = party_row(state, party);
    if (row == NULL) {
        row = desk_row_add(state, &state->parties, NULL);
        if (row == NULL) {
            return;
        }
        *row = (struct desk_party_row){party, DESK_NONE};
    }
    struct desk_default *it = desk_row_add(state, &state->defaults, &index);
    if (it != NULL) {
        *it = (struct desk_default){party, at, OFT_INSTANT_NEVER, row->last_default};
        row->last_default = index;
    }
}

enum oft_err desk_on_defaulted(struct desk_state *state, const struct desk_event *event,
                               struct desk_refusal *refusal)
{
    enum oft_err code = desk_check_customer(state, event, refusal);
    if (code != OFT_OK || event->party.id == 0 || event->text[0] == '\0') {
        return code != OFT_OK ? code
                              : desk_refuse(refusal, DESK_REFUSED_INVALID, 0, NULL,
                                            "a default needs its party and its evidence");
    }
    desk_default_add(state, event->party.id, event->happened);
    return OFT_OK;
}

enum oft_err desk_on_cured(struct desk_state *state, const struct desk_event *event,
                           struct desk_refusal *refusal)
{
    enum oft_err code = desk_check_customer(state, event, refusal);
    if (code != OFT_OK) {
        return code;
    }
    const struct desk_party_row *row = party_row(state, event->party.id);
    uint32_t cured = 0;
    for (uint32_t i = row == NULL ? DESK_NONE : row->last_default; i != DESK_NONE;) {
        struct desk_default *it = DESK_ROW(state, defaults, struct desk_default, i);
        if (it->cured == OFT_INSTANT_NEVER && it->at <= event->happened) {
            it->cured = event->happened;
            cured++;
        }
        i = it->before;
    }
    return cured > 0 ? OFT_OK
                     : desk_refuse(refusal, DESK_REFUSED_STATE, 0, NULL,
                                   "%s has no default that is open", event->party.text);
}

enum oft_err desk_on_assigned(struct desk_state *state, const struct desk_event *event,
                              struct desk_refusal *refusal)
{
    enum oft_err code = desk_check_customer(state, event, refusal);
    uint32_t index = desk_find_right(state, event->name.id);
    if (code != OFT_OK) {
        return code;
    }
    if (index == DESK_NONE || event->other.id == 0 ||
        !desk_is_holder(DESK_RIGHT(state, index), event->party.id)) {
        return desk_refuse(refusal, DESK_REFUSED_UNKNOWN, 0, event->name.text,
                           "there is no such right, or %s does not hold it", event->party.text);
    }
    if (!DESK_RIGHT(state, index)->right.assignable) {
        return desk_refuse(refusal, DESK_REFUSED_STATE, 0, event->name.text,
                           "%s does not say that it may be assigned", event->name.text);
    }
    struct desk_assignment *it = desk_row_add(state, &state->assignments, NULL);
    if (it == NULL) {
        return OFT_ERR_MEMORY;
    }
    *it = (struct desk_assignment){event->name.id, event->party.id, event->other};
    assign(state, index, event->party.id, event->other);
    for (uint32_t i = 0; i < state->notices.count; i++) {
        struct desk_notice *notice = DESK_NOTICE(state, i);
        if (notice->holder.id == event->party.id && DESK_LOT(state, notice->lot)->right == index) {
            notice->holder = event->other;
        }
    }
    return OFT_OK;
}

enum oft_err desk_on_control_changed(struct desk_state *state, const struct desk_event *event,
                                     struct desk_refusal *refusal)
{
    enum oft_err code = desk_check_customer(state, event, refusal);
    bool found = false;
    for (uint32_t i = 0; code == OFT_OK && i < state->rights.count; i++) {
        struct desk_right_row *row = DESK_RIGHT(state, i);
        if (desk_is_holder(row, event->party.id)) {
            found = true;
            if (row->right.ends_on_control && row->control == OFT_INSTANT_NEVER) {
                row->control = event->at;
                reckon_lots_of(state, i);
            }
        }
    }
    return code != OFT_OK || found ? code
                                   : desk_refuse(refusal, DESK_REFUSED_UNKNOWN, 0, NULL,
                                                 "%s holds no right", event->party.text);
}

enum oft_err desk_on_customer(struct desk_state *state, const struct desk_event *event,
                              struct desk_refusal *refusal)
{
    if (state->customer.id != 0 || event->party.id == 0) {
        return desk_refuse(refusal, DESK_REFUSED_STATE, 0, NULL,
                           "whose desk this is stands once, at the beginning");
    }
    state->customer = event->party;
    return OFT_OK;
}
