/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a measure will stand at its end if spend goes on as it did. Two methods, in whole nano-units and
 * nanoseconds: the pace of all time so far, and the same month of a year before times the growth since.
 * Both speak of use; what is not invoiced yet counts with it.
 */
#include "ledger/commit.h"

enum { YEAR = 12, MONTHS_MAX = 600 * YEAR };

/* What is still needed, and by whose pace it comes. */
struct outlook {
    oft_nanos base;   /* progress, what waits for its invoice included */
    oft_nanos credit; /* drawn first by what comes, and counts no more */
    oft_nanos need;   /* to come, so that all is met; not above 0: met already */
};

static enum oft_err outlook_of(const struct ledger_settlement *it,
                               const struct ledger_measure *measure, struct outlook *ret)
{
    oft_nanos wanted = measure->kind == LEDGER_MEASURE_WHOLE ? it->required : measure->required;
    ret->credit = it->own_credit_left;
    if (oft_nanos_add(it->progress, it->waiting, &ret->base) != OFT_OK ||
        oft_nanos_sub(wanted, ret->base, &ret->need) != OFT_OK ||
        (ret->need > 0 && oft_nanos_add(ret->need, ret->credit, &ret->need) != OFT_OK)) {
        return OFT_ERR_RANGE;
    }
    return OFT_OK;
}

/* SPEND is what comes until the measure's end. */
static enum oft_err conclude(const struct outlook *outlook, oft_nanos spend,
                             struct ledger_forecast *forecast)
{
    oft_nanos counted = spend > outlook->credit ? spend - outlook->credit : 0;
    oft_nanos wanted = outlook->need;
    forecast->known = true;
    forecast->shortfall = wanted > spend ? wanted - spend : 0;
    return oft_nanos_add(outlook->base, counted, &forecast->expected);
}

/* When NEED of SPEND, which comes evenly over SPAN from FROM on, is there. The caller has seen that it is there
 * by UNTIL; but what comes until then was rounded, so that the day could be one behind it. */
static enum oft_err met_at(oft_instant from, oft_nanos span, oft_nanos spend, oft_nanos need,
                           oft_instant until, oft_instant *ret)
{
    oft_nanos after = 0;
    enum oft_err err = oft_nanos_mul_div_half_even(span, need, spend, &after);
    oft_nanos left = (oft_nanos)until - from;
    *ret = (oft_instant)(from + (after < left ? after : left));
    return err;
}

static enum oft_err spent(const struct ledger_settlement *it, oft_nanos *ret)
{
    oft_nanos sum = 0;
    for (size_t i = 0; i < it->month_count; i++) {
        if (oft_nanos_add(sum, it->months[i].counted, &sum) != OFT_OK) {
            return OFT_ERR_RANGE;
        }
    }
    *ret = sum;
    return OFT_OK;
}

enum oft_err ledger_forecast_linear(const struct ledger_settlement *settlement,
                                    const struct ledger_measure *measure, oft_instant at,
                                    struct ledger_forecast *ret_forecast)
{
    struct outlook outlook;
    oft_nanos sum = 0;
    oft_nanos future = 0;
    *ret_forecast = (struct ledger_forecast){.met_at = OFT_INSTANT_NEVER};
    enum oft_err err = outlook_of(settlement, measure, &outlook);
    if (err == OFT_OK) {
        err = spent(settlement, &sum);
    }
    oft_nanos elapsed = (oft_nanos)at - settlement->begins;
    oft_nanos left = (oft_nanos)measure->by - at;
    if (err != OFT_OK || elapsed <= 0 || left <= 0) {
        return err;
    }
    err = oft_nanos_mul_div_half_even(sum, left, elapsed, &future);
    if (err == OFT_OK) {
        err = conclude(&outlook, future, ret_forecast);
    }
    if (err != OFT_OK || outlook.need > future) {
        return err;
    }
    ret_forecast->met = true;
    ret_forecast->met_at = at;
    if (outlook.need > 0) {
        err = met_at(at, elapsed, sum, outlook.need, measure->by, &ret_forecast->met_at);
    }
    return err;
}

/* ---- seasonal --------------------------------------------------------------------------------- */

/* Months from `first` on: known ones, and behind them what is expected. */
struct season {
    const struct deal *deal; /* whose months these are */
    int32_t first;
    int32_t known; /* how many whole months have passed */
    oft_nanos *spend;
    oft_nanos later, earlier; /* the growth: these many last months, and those a year before them */
};

static enum oft_err season_known(const struct ledger_settlement *it, oft_instant at,
                                 struct season *season)
{
    season->first = deal_month_of(it->deal, it->begins);
    if (deal_month_start(season->deal, season->first) < it->begins) {
        season->first++;
    }
    season->known = deal_month_of(it->deal, at) - season->first;
    for (size_t i = 0; i < it->month_count && season->known > 0; i++) {
        int32_t place = it->months[i].month - season->first;
        if (place >= 0 && place < season->known &&
            oft_nanos_add(season->spend[place], it->months[i].counted, &season->spend[place]) !=
                OFT_OK) {
            return OFT_ERR_RANGE;
        }
    }
    int32_t pairs = season->known - YEAR < YEAR ? season->known - YEAR : YEAR;
    for (int32_t i = season->known - pairs; pairs > 0 && i < season->known; i++) {
        if (oft_nanos_add(season->later, season->spend[i], &season->later) != OFT_OK ||
            oft_nanos_add(season->earlier, season->spend[i - YEAR], &season->earlier) != OFT_OK) {
            return OFT_ERR_RANGE;
        }
    }
    if (season->earlier <= 0 || season->later < 0) { /* no growth can be told */
        season->later = season->earlier = 1;
    }
    return OFT_OK;
}

/* The part of month INDEX's spend that falls between FROM and UNTIL. */
static enum oft_err season_part(const struct season *season, int32_t index, oft_instant from,
                                oft_instant until, oft_nanos *ret)
{
    oft_instant begin = deal_month_start(season->deal, season->first + index);
    oft_instant end = deal_month_start(season->deal, season->first + index + 1);
    return oft_nanos_mul_div_half_even(season->spend[index], (oft_nanos)until - from,
                                       (oft_nanos)end - begin, ret);
}

static enum oft_err season_run(const struct season *season, const struct outlook *outlook,
                               oft_instant at, oft_instant by, struct ledger_forecast *forecast)
{
    oft_nanos future = 0;
    forecast->met = outlook->need <= 0;
    forecast->met_at = forecast->met ? at : OFT_INSTANT_NEVER;
    for (int32_t i = season->known; deal_month_start(season->deal, season->first + i) < by; i++) {
        oft_instant begin = deal_month_start(season->deal, season->first + i);
        oft_instant end = deal_month_start(season->deal, season->first + i + 1);
        oft_instant from = begin < at ? at : begin;
        oft_instant until = end < by ? end : by;
        oft_nanos part = 0;
        enum oft_err err = oft_nanos_mul_div_half_even(season->spend[i - YEAR], season->later,
                                                       season->earlier, &season->spend[i]);
        if (err == OFT_OK) {
            err = season_part(season, i, from, until, &part);
        }
        if (err == OFT_OK && !forecast->met && part > 0 && outlook->need - future <= part) {
            forecast->met = true;
            err = met_at(from, (oft_nanos)until - from, part, outlook->need - future, until,
                         &forecast->met_at);
        }
        if (err == OFT_OK) {
            err = oft_nanos_add(future, part, &future);
        }
        if (err != OFT_OK) {
            return err;
        }
    }
    return conclude(outlook, future, forecast);
}

enum oft_err ledger_forecast_seasonal(const struct ledger_settlement *settlement,
                                      const struct ledger_measure *measure, oft_instant at,
                                      struct oft_arena *arena, struct ledger_forecast *ret_forecast)
{
    struct season season = {.deal = settlement->deal};
    struct outlook outlook;
    int32_t last = deal_month_of(settlement->deal, measure->by) + 1;
    *ret_forecast = (struct ledger_forecast){.met_at = OFT_INSTANT_NEVER};
    int32_t months = last - deal_month_of(settlement->deal, settlement->begins) + 1;
    if (measure->by <= at || months <= YEAR || months > MONTHS_MAX) {
        return OFT_OK;
    }
    season.spend = oft_arena_alloc_array(arena, (size_t)months + 1, sizeof(*season.spend));
    if (season.spend == NULL) {
        return OFT_ERR_MEMORY;
    }
    enum oft_err err = season_known(settlement, at, &season);
    if (err == OFT_OK) {
        err = outlook_of(settlement, measure, &outlook);
    }
    if (err != OFT_OK || season.known < YEAR) {
        return err;
    }
    return season_run(&season, &outlook, at, measure->by, ret_forecast);
}
