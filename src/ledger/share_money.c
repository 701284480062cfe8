/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a share is paid: what is kept back for a while, what is set off against the opposite share, what is
 * due and was paid, and interest on what is late.
 */
#include <string.h>

#include "ledger/share_terms.h"

#define DAYS_OF_YEAR 365

static enum oft_err add(oft_nanos *sum, oft_nanos amount)
{
    return oft_nanos_add(*sum, amount, sum);
}

/* ---- held back --------------------------------------------------------------------------------- */

/* A part of what the period came to so far, by the month; of less than nothing, nothing. */
static enum oft_err hold_months(const struct share_terms *terms, struct ledger_share_settlement *it,
                                struct ledger_share_period *period)
{
    oft_nanos sum = 0;
    oft_nanos before = 0;
    for (int32_t at = period->first_month; at <= period->last_month; at++) {
        struct ledger_share_month *month = share_month(it, at);
        oft_nanos held = 0;
        oft_nanos step;
        if (add(&sum, month->earned) != OFT_OK || add(&sum, month->minimum) != OFT_OK ||
            (sum > 0 && oft_nanos_mul_div_half_even(sum, terms->holdback_ppb, DEAL_RATE_ONE,
                                                    &held) != OFT_OK) ||
            oft_nanos_sub(held, before, &step) != OFT_OK || add(&month->held, step) != OFT_OK) {
            return OFT_ERR_RANGE;
        }
        before = held;
    }
    period->held = before;
    return OFT_OK;
}

enum oft_err share_hold_back(const struct share_terms *terms, oft_instant at,
                             struct ledger_share_settlement *it)
{
    enum oft_err err = OFT_OK;
    for (size_t i = 0; terms->has_holdback && err == OFT_OK && i < it->period_count; i++) {
        err = hold_months(terms, it, &it->periods[i]);
    }
    for (size_t i = 0; terms->has_holdback && err == OFT_OK && i < it->period_count; i++) {
        const struct ledger_share_period *period = &it->periods[i];
        if (period->release_at <= at) {
            struct ledger_share_month *month =
                share_month(it, deal_month_of(terms->deal, period->release_at));
            err = month == NULL ? OFT_ERR_RANGE
                                : oft_nanos_sub(month->held, period->held, &month->held);
        }
    }
    return err;
}

/* ---- set off ----------------------------------------------------------------------------------- */

/* What of a period is not kept back and not set off yet. */
static enum oft_err left_of(const struct ledger_share_period *period, oft_nanos *ret_left)
{
    *ret_left = period->earned;
    return add(ret_left, period->minimum) == OFT_OK &&
                   oft_nanos_sub(*ret_left, period->held, ret_left) == OFT_OK &&
                   oft_nanos_sub(*ret_left, period->netted, ret_left) == OFT_OK
               ? OFT_OK
               : OFT_ERR_RANGE;
}

/* Whether a period of the opposite share is over and lies within one of this share's. */
static bool lies_within(const struct ledger_share_period *opposite,
                        const struct ledger_share_period *period)
{
    return opposite->over && opposite->first_month >= period->first_month &&
           opposite->last_month <= period->last_month;
}

static enum oft_err left_within(const struct ledger_share_settlement *other,
                                const struct ledger_share_period *period, oft_nanos *ret_total)
{
    *ret_total = 0;
    for (size_t i = 0; i < other->period_count; i++) {
        oft_nanos left;
        if (lies_within(&other->periods[i], period) &&
            (left_of(&other->periods[i], &left) != OFT_OK || add(ret_total, left) != OFT_OK)) {
            return OFT_ERR_RANGE;
        }
    }
    return OFT_OK;
}

/* What is set off is no longer due of the opposite share either: of its first periods first. */
static enum oft_err take_set_off(struct ledger_share_settlement *other,
                                 const struct ledger_share_period *period, oft_nanos rest)
{
    for (size_t i = 0; rest > 0 && i < other->period_count; i++) {
        oft_nanos left;
        if (!lies_within(&other->periods[i], period)) {
            continue;
        }
        if (left_of(&other->periods[i], &left) != OFT_OK) {
            return OFT_ERR_RANGE;
        }
        left = left < rest ? left : rest;
        if (left > 0) {
            rest -= left;
            if (add(&other->periods[i].netted, left) != OFT_OK) {
                return OFT_ERR_RANGE;
            }
        }
    }
    return OFT_OK;
}

enum oft_err share_net(struct ledger_share_settlement *it, struct ledger_share_settlement *other)
{
    enum oft_err err = OFT_OK;
    for (size_t i = 0; err == OFT_OK && i < it->period_count; i++) {
        struct ledger_share_period *period = &it->periods[i];
        oft_nanos own;
        oft_nanos opposite;
        if (!period->over) {
            continue;
        }
        err = left_of(period, &own);
        if (err == OFT_OK) {
            err = left_within(other, period, &opposite);
        }
        if (err == OFT_OK && own > 0 && opposite > 0) {
            oft_nanos netted = own < opposite ? own : opposite;
            err = take_set_off(other, period, netted);
            err = err == OFT_OK ? add(&period->netted, netted) : err;
            err = err == OFT_OK ? add(&share_month(it, period->last_month)->netted, netted) : err;
        }
    }
    return err;
}

/* ---- due, paid, late --------------------------------------------------------------------------- */

static int64_t day_of(oft_instant at)
{
    return at / OFT_NS_PER_DAY - (at % OFT_NS_PER_DAY < 0);
}

/* The first whole day at or after an instant. */
static int64_t next_day(oft_instant at)
{
    return day_of(at) + (at % OFT_NS_PER_DAY != 0);
}

static bool pays(const struct share_terms *terms, const struct ledger_share_period *period,
                 const struct ledger_row *row)
{
    return row->key.kind == LEDGER_PAYMENT && strcmp(row->key.clause, terms->clause->id) == 0 &&
           strcmp(row->key.product, period->name) == 0;
}

/* What of the period is due by an instant: at its due day all but what is kept back, that when it is
 * released, if later. */
static enum oft_err due_by(const struct ledger_share_period *period, bool held_back, oft_instant at,
                           oft_nanos *ret_due)
{
    oft_nanos due = 0;
    *ret_due = 0;
    if (!period->over || period->due_at > at) {
        return OFT_OK;
    }
    if (add(&due, period->earned) != OFT_OK || add(&due, period->minimum) != OFT_OK ||
        oft_nanos_sub(due, period->netted, &due) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    if (held_back && period->release_at > at && oft_nanos_sub(due, period->held, &due) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    *ret_due = due;
    return OFT_OK;
}

struct late {
    const struct share_terms *terms;
    const struct ledger_share_period *period;
    const struct ledger_row *rows;
    size_t row_count;
};

static enum oft_err paid_by(const struct late *late, int64_t day, oft_nanos *ret_paid)
{
    oft_nanos sum = 0;
    for (size_t i = 0; i < late->row_count; i++) {
        oft_instant on;
        if (!pays(late->terms, late->period, &late->rows[i])) {
            continue;
        }
        if (oft_instant_parse(oft_str_from(late->rows[i].key.pool), &on) != OFT_OK) {
            return OFT_ERR_CORRUPT;
        }
        if (day_of(on) <= day && add(&sum, late->rows[i].totals.amount_nanos) != OFT_OK) {
            return OFT_ERR_RANGE;
        }
    }
    *ret_paid = sum;
    return OFT_OK;
}

/* The next day after DAY, up to LIMIT, on which something is due or paid. */
static enum oft_err next_turn(const struct late *late, int64_t day, int64_t limit,
                              int64_t *ret_turn)
{
    const struct ledger_share_period *period = late->period;
    int64_t turn = limit;
    if (late->terms->has_holdback && period->release_at != OFT_INSTANT_NEVER) {
        int64_t released = next_day(period->release_at);
        turn = released > day && released < turn ? released : turn;
    }
    for (size_t i = 0; i < late->row_count; i++) {
        oft_instant on;
        if (!pays(late->terms, period, &late->rows[i])) {
            continue;
        }
        if (oft_instant_parse(oft_str_from(late->rows[i].key.pool), &on) != OFT_OK) {
            return OFT_ERR_CORRUPT;
        }
        turn = day_of(on) > day && day_of(on) < turn ? day_of(on) : turn;
    }
    *ret_turn = turn;
    return OFT_OK;
}

/* Amounts times days, from the due day to LIMIT: what is open at the beginning of a day is late for it. */
static enum oft_err late_days(const struct late *late, int64_t limit, oft_nanos *ret_sum)
{
    int64_t day = next_day(late->period->due_at);
    enum oft_err err = OFT_OK;
    *ret_sum = 0;
    while (err == OFT_OK && day < limit) {
        int64_t turn = limit;
        oft_nanos due = 0;
        oft_nanos paid = 0;
        oft_nanos open;
        err = next_turn(late, day, limit, &turn);
        if (err == OFT_OK) {
            err = due_by(late->period, late->terms->has_holdback, day * OFT_NS_PER_DAY, &due);
        }
        if (err == OFT_OK) {
            err = paid_by(late, day, &paid);
        }
        if (err == OFT_OK && (oft_nanos_sub(due, paid, &open) != OFT_OK ||
                              (open > 0 && (oft_nanos_mul(open, turn - day, &open) != OFT_OK ||
                                            add(ret_sum, open) != OFT_OK)))) {
            err = OFT_ERR_RANGE;
        }
        day = turn;
    }
    return err;
}

/* Simple interest, actual days over 365, on whole days that are over; by the month that they are in. */
static enum oft_err charge_interest(const struct late *late, oft_instant at,
                                    struct ledger_share_settlement *it,
                                    struct ledger_share_period *period)
{
    int64_t limit = day_of(at);
    int64_t first = next_day(period->due_at);
    oft_nanos before = 0;
    enum oft_err err = OFT_OK;
    if (first >= limit) {
        return OFT_OK;
    }
    const struct deal *deal = late->terms->deal;
    for (int32_t month = deal_month_of(deal, first * OFT_NS_PER_DAY);
         err == OFT_OK && deal_month_start(deal, month) < limit * OFT_NS_PER_DAY; month++) {
        int64_t end = next_day(deal_month_start(deal, month + 1));
        struct ledger_share_month *into = share_month(it, month);
        oft_nanos days = 0;
        oft_nanos charged;
        oft_nanos step;
        err = late_days(late, end < limit ? end : limit, &days);
        if (err == OFT_OK &&
            (into == NULL ||
             oft_nanos_mul_div_half_even(days, late->terms->interest_ppb,
                                         DAYS_OF_YEAR * DEAL_RATE_ONE, &charged) != OFT_OK ||
             oft_nanos_sub(charged, before, &step) != OFT_OK ||
             add(&into->interest, step) != OFT_OK)) {
            err = OFT_ERR_RANGE;
        }
        before = err == OFT_OK ? charged : before;
    }
    period->interest = before;
    return err;
}

enum oft_err share_pay(const struct share_terms *terms, const struct ledger_row *rows,
                       size_t row_count, oft_instant at, struct ledger_share_settlement *it)
{
    enum oft_err err = OFT_OK;
    for (size_t i = 0; err == OFT_OK && i < it->period_count; i++) {
        struct ledger_share_period *period = &it->periods[i];
        struct late late = {terms, period, rows, row_count};
        err = paid_by(&late, day_of(at), &period->paid);
        if (err == OFT_OK) {
            err = due_by(period, terms->has_holdback, at, &period->due);
        }
        if (err == OFT_OK) {
            err = oft_nanos_sub(period->due, period->paid, &period->outstanding);
            period->outstanding = period->outstanding > 0 ? period->outstanding : 0;
        }
        if (err == OFT_OK && terms->interest_ppb > 0 && terms->has_payment) {
            err = charge_interest(&late, at, it, period);
        }
    }
    return err;
}
