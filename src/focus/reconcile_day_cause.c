/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a difference of a day looks like beside the days around it.
 */
#include <stdlib.h>
#include <string.h>

#include "focus/reconcile.h"

#define HOUR_NS ((oft_instant)3600 * OFT_NS_PER_SECOND)
enum { ZONE_HOURS_MAX = 14 }; /* no zone is further from UTC */

static bool equal(struct focus_decimal a, struct focus_decimal b)
{
    int order = 1;
    return focus_decimal_compare(a, b, &order) == OFT_OK && order == 0;
}

static enum oft_err say(struct group *group, const char *cause, const char *text, bool *ret)
{
    group->cause = cause;
    group->text = text;
    *ret = true;
    return text == NULL ? OFT_ERR_MEMORY : OFT_OK;
}

/* ---- the days of each -------------------------------------------------------------------------- */

static int compare_days(const void *a, const void *b)
{
    const struct group *x = *(const struct group *const *)a;
    const struct group *y = *(const struct group *const *)b;
    return (x->from > y->from) - (x->from < y->from);
}

static enum oft_err gather(struct focus_reconciliation *result, struct oft_arena *arena)
{
    for (size_t i = 0; i < result->group_count; i++) {
        struct group *group = &result->groups[i];
        if (group->hourly != NULL) {
            group->hourly->day_count++;
        }
    }
    for (size_t i = 0; i < result->hourly_count; i++) {
        struct hourly *it = &result->hourly[i];
        it->days = oft_arena_alloc_array(arena, it->day_count + 1, sizeof(struct group *));
        if (it->days == NULL) {
            return OFT_ERR_MEMORY;
        }
        it->day_count = 0;
    }
    for (size_t i = 0; i < result->group_count; i++) {
        struct group *group = &result->groups[i];
        if (group->hourly != NULL) {
            group->hourly->days[group->hourly->day_count++] = group;
        }
    }
    for (size_t i = 0; i < result->hourly_count; i++) {
        qsort(result->hourly[i].days, result->hourly[i].day_count, sizeof(struct group *),
              compare_days);
    }
    return OFT_OK;
}

/* ---- another time zone ------------------------------------------------------------------------- */

/* What we metered in the 24 hours from AT on. */
static enum oft_err sum_from(const struct focus_reconciliation *result, const struct hourly *it,
                             oft_instant at, struct focus_decimal *ret)
{
    size_t first = (size_t)((at - result->hours_begin) / HOUR_NS);
    enum oft_err err = OFT_OK;
    *ret = (struct focus_decimal){0, 0};
    for (size_t i = first; err == OFT_OK && i < first + 24; i++) {
        err = focus_decimal_add(*ret, it->hours[i].quantity, ret);
    }
    return err;
}

/* Whether all days of theirs that are whole in this month are ours, moved by HOURS. Two at least, so that
 * it is no accident. */
static enum oft_err zone_fits(const struct focus_reconciliation *result, const struct hourly *it,
                              int hours, bool *ret_fits)
{
    oft_instant month_from = oft_month_start(result->month);
    oft_instant month_until = oft_month_start(result->month + 1);
    size_t days = 0;
    enum oft_err err = OFT_OK;
    *ret_fits = true;
    for (size_t i = 0; err == OFT_OK && *ret_fits && i < it->day_count; i++) {
        const struct group *group = it->days[i];
        oft_instant from = group->from + hours * HOUR_NS;
        struct focus_decimal ours;
        if (group->side[THERE].rows == 0 || from < month_from ||
            from + OFT_NS_PER_DAY > month_until) {
            continue;
        }
        err = sum_from(result, it, from, &ours);
        *ret_fits = err == OFT_OK && equal(ours, group->side[THERE].quantity);
        days++;
    }
    *ret_fits = *ret_fits && days >= 2;
    return err;
}

static enum oft_err find_zone(const struct focus_reconciliation *result, struct hourly *it)
{
    size_t moved = 0;
    enum oft_err err = OFT_OK;
    for (size_t i = 0; i < it->day_count; i++) {
        moved += it->days[i]->side[THERE].rows > 0 && it->days[i]->quantity_difference.value != 0;
    }
    for (int hours = 1; err == OFT_OK && moved > 0 && it->zone_hours == 0; hours++) {
        bool fits = false;
        if (hours > ZONE_HOURS_MAX) {
            break;
        }
        err = zone_fits(result, it, hours, &fits);
        it->zone_hours = fits ? hours : 0;
        if (err == OFT_OK && !fits) {
            err = zone_fits(result, it, -hours, &fits);
            it->zone_hours = fits ? -hours : 0;
        }
    }
    return err;
}

enum oft_err reconcile_days_judge(struct focus_reconciliation *result, struct oft_arena *arena)
{
    enum oft_err err = gather(result, arena);
    for (size_t i = 0; err == OFT_OK && result->has_hours && i < result->hourly_count; i++) {
        err = find_zone(result, &result->hourly[i]);
    }
    return err;
}

/* ---- causes ------------------------------------------------------------------------------------ */

/* The day WAY days after GROUP's; NULL. */
static const struct group *beside(const struct group *group, int way)
{
    const struct hourly *it = group->hourly;
    for (size_t i = 0; i < it->day_count; i++) {
        if (it->days[i]->from == group->from + way * OFT_NS_PER_DAY) {
            return it->days[i];
        }
    }
    return NULL;
}

/* What is too much of one day is too little of the other. */
static bool evens_out(const struct group *group, const struct group *other)
{
    struct focus_decimal sum;
    return other != NULL && group->quantity_difference.value != 0 &&
           focus_decimal_add(group->quantity_difference, other->quantity_difference, &sum) ==
               OFT_OK &&
           sum.value == 0;
}

static bool is_twice(const struct group *group)
{
    const struct focus_decimal two = {2, 0};
    struct focus_decimal twice;
    return group->side[HERE].quantity.value != 0 && group->side[THERE].rows > 1 &&
           focus_decimal_mul(group->side[HERE].quantity, two, &twice) == OFT_OK &&
           equal(twice, group->side[THERE].quantity);
}

/* Days before it are matched, and of it and of what follows only the price differs. */
static bool is_new_price(const struct group *group)
{
    const struct hourly *it = group->hourly;
    size_t before = 0;
    for (size_t i = 0; i < it->day_count; i++) {
        const struct group *day = it->days[i];
        bool priced = day->quantity_difference.value == 0 && day->side[THERE].rows > 0;
        if (priced && day->differs && day->from < group->from) {
            return is_new_price(day); /* the price is from that day on */
        }
        if (priced && !day->differs && day->from > group->from) {
            return false;
        }
        before += priced && !day->differs;
    }
    return before > 0;
}

static enum oft_err missing_there(const struct focus_reconciliation *result, struct group *group,
                                  bool *ret)
{
    oft_instant begins = oft_month_start(result->month);
    if (group->from + OFT_NS_PER_DAY <= begins) {
        return say(group, "late-here",
                   "it is of an earlier month and came to our books when that was closed: look for "
                   "it on that month's bill",
                   ret);
    }
    return say(
        group, "missing-day",
        "they list other days of it and nothing of this one: a day that the file leaves out, "
        "or that comes with a later one",
        ret);
}

enum oft_err reconcile_day_cause(const struct focus_reconciliation *result, struct group *group,
                                 struct oft_arena *arena, bool *ret)
{
    const struct hourly *it = group->hourly;
    bool quantity_differs = group->quantity_difference.value != 0;
    *ret = false;
    if (it->zone_hours != 0 && quantity_differs) {
        int hours = it->zone_hours;
        return say(group, "time-zone",
                   oft_arena_printf(arena,
                                    "their days begin %d hour%s %s midnight of UTC: moved so, "
                                    "every whole day of the month is the same",
                                    hours < 0 ? -hours : hours, hours * hours == 1 ? "" : "s",
                                    hours < 0 ? "before" : "after"),
                   ret);
    }
    if (is_twice(group)) {
        return say(group, "day-twice",
                   "they list exactly twice what we metered, in more than one row: the day is in "
                   "the file twice",
                   ret);
    }
    if (group->side[THERE].rows > 0 &&
        (evens_out(group, beside(group, 1)) || evens_out(group, beside(group, -1)))) {
        return say(group, "over-midnight",
                   "together with a day beside it, it is the same: use about midnight that they "
                   "count on the other day",
                   ret);
    }
    if (group->side[THERE].rows == 0) {
        return missing_there(result, group, ret);
    }
    struct focus_decimal half_cents = {(oft_nanos)group->side[THERE].rows * 5, 3};
    struct focus_decimal size = group->cost_difference;
    int order = 0;
    size.value = size.value < 0 ? -size.value : size.value;
    enum oft_err err = focus_decimal_compare(size, half_cents, &order);
    if (err == OFT_OK && !quantity_differs && order > 0 && is_new_price(group)) {
        return say(group, "price-changed",
                   "the quantities are the same, and so was the price before: from a day on "
                   "theirs is another, and the deal has no such change",
                   ret);
    }
    return err;
}
