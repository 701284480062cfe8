/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local days and deadlines. Pure integer arithmetic; all data is the caller's.
 */
#include "base/calendar.h"

#define DAY_NS OFT_NS_PER_DAY
/* The first and the last day that lie in an instant whole, with room for any offset. */
#define DAY_MIN (INT64_MIN / DAY_NS + 2)
#define DAY_MAX (INT64_MAX / DAY_NS - 2)

enum { NINE_WEEKS = 63 }; /* as many whole weeks as 64 bits hold */

static const struct oft_calendar WEEKDAYS = {
    .name = "", .closed_weekdays = 0x60, .known_from = INT32_MIN, .known_until = INT32_MAX};

oft_day oft_day_from_date(struct oft_date date)
{
    return (oft_day)(oft_instant_from_date(date) / DAY_NS);
}

struct oft_date oft_day_date(oft_day day)
{
    int64_t within = day < DAY_MIN ? DAY_MIN : day > DAY_MAX ? DAY_MAX : day;
    return oft_date_from_instant(within * DAY_NS);
}

unsigned oft_day_weekday(oft_day day)
{
    int64_t since_monday = ((int64_t)day + 3) % 7; /* 1970-01-01 was a Thursday */
    return (unsigned)(since_monday < 0 ? since_monday + 7 : since_monday);
}

/* ---- zones ----------------------------------------------------------------------------------- */

/* The last change that is not after INSTANT. */
static uint32_t change_at(const struct oft_zone *zone, oft_instant instant)
{
    uint32_t low = 0, high = zone->change_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (zone->changes[middle].from <= instant) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

static int64_t floor_day(int64_t ns)
{
    return ns / DAY_NS - (ns % DAY_NS < 0);
}

static bool is_far(oft_instant instant)
{
    return instant / DAY_NS <= DAY_MIN || instant / DAY_NS >= DAY_MAX;
}

/* The local day of INSTANT, which is not far, and in *RET_CHANGE the change in force. */
static oft_day day_of(const struct oft_zone *zone, oft_instant instant, uint32_t *ret_change)
{
    int64_t offset_ns = 0;
    *ret_change = 0;
    if (zone != NULL && zone->change_count > 0) {
        *ret_change = change_at(zone, instant);
        offset_ns = zone->changes[*ret_change].offset_s * OFT_NS_PER_SECOND;
    }
    return (oft_day)floor_day(instant + offset_ns);
}

oft_day oft_zone_day(const struct oft_zone *zone, oft_instant instant)
{
    uint32_t change;
    return is_far(instant) ? (oft_day)(instant < 0 ? DAY_MIN : DAY_MAX)
                           : day_of(zone, instant, &change);
}

/* The start of DAY; CHANGE, in force a day before it or earlier, and those after it are looked at. */
static enum oft_err day_start(const struct oft_zone *zone, oft_day day, uint32_t change,
                              oft_instant *ret)
{
    int64_t local = day * DAY_NS;
    /* Offsets are less than a day: the answer lies in a change in force within a day of LOCAL as UTC,
     * and the first that has it is the earlier of two. */
    for (uint32_t i = change; i < zone->change_count; i++) {
        oft_instant from = zone->changes[i].from;
        oft_instant until =
            i + 1 < zone->change_count ? zone->changes[i + 1].from : OFT_INSTANT_NEVER;
        oft_instant at = local - zone->changes[i].offset_s * OFT_NS_PER_SECOND;
        if (at < from) {
            *ret = from; /* the clocks jumped over it */
            return OFT_OK;
        }
        if (at < until) {
            *ret = at;
            return OFT_OK;
        }
    }
    return OFT_ERR_RANGE;
}

/* The start of DAY, found from a CHANGE that was in force not long before. */
static enum oft_err day_start_near(const struct oft_zone *zone, oft_day day, uint32_t change,
                                   oft_instant *ret)
{
    if (day <= DAY_MIN || day >= DAY_MAX) {
        return OFT_ERR_RANGE;
    }
    if (zone == NULL || zone->change_count == 0) {
        *ret = day * DAY_NS;
        return OFT_OK;
    }
    while (change > 0 && zone->changes[change].from > day * DAY_NS - DAY_NS) {
        change--;
    }
    return day_start(zone, day, change, ret);
}

enum oft_err oft_zone_day_start(const struct oft_zone *zone, oft_day day, oft_instant *ret)
{
    bool found = zone != NULL && zone->change_count > 0 && day > DAY_MIN && day < DAY_MAX;
    return day_start_near(zone, day, found ? change_at(zone, day * DAY_NS - DAY_NS) : 0, ret);
}

/* ---- calendars ------------------------------------------------------------------------------- */

/* The index of the first holiday that is not before DAY. */
static uint32_t first_holiday(const struct oft_calendar *calendar, oft_day day)
{
    uint32_t low = 0, high = calendar->holiday_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (calendar->holidays[middle] < day) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_holiday(const struct oft_calendar *calendar, oft_day day)
{
    uint32_t at = first_holiday(calendar, day);
    return at < calendar->holiday_count && calendar->holidays[at] == day;
}

enum oft_err oft_calendar_open(const struct oft_calendar *calendar, oft_day day, bool *ret_open)
{
    const struct oft_calendar *its = calendar != NULL ? calendar : &WEEKDAYS;
    if (day < its->known_from || day >= its->known_until) {
        return OFT_ERR_NOT_FOUND;
    }
    *ret_open = (its->closed_weekdays >> oft_day_weekday(day) & 1) == 0 && !is_holiday(its, day);
    return OFT_OK;
}

/* The first open day at or after DAY (STEP 1) or at or before it (STEP -1). */
static enum oft_err open_day(const struct oft_calendar *calendar, int64_t day, int64_t step,
                             int64_t *ret)
{
    for (; day > DAY_MIN && day < DAY_MAX; day += step) {
        bool open = false;
        enum oft_err code = oft_calendar_open(calendar, (oft_day)day, &open);
        if (code != OFT_OK || open) {
            *ret = day;
            return code;
        }
    }
    return OFT_ERR_RANGE;
}

/* Nine weeks from FIRST on as bits, set where the weekday is open and no holiday; bit 0 is FIRST. HOLIDAY:
 * the first holiday not before FIRST, moved to the first one after the nine weeks. */
static uint64_t open_days(const struct oft_calendar *calendar, int64_t first, uint32_t *holiday)
{
    const uint64_t every_week = UINT64_C(0x0102040810204081); /* bits 0, 7, ... 56 */
    unsigned weekday = oft_day_weekday((oft_day)first);
    unsigned week = ~calendar->closed_weekdays & 0x7fu;
    week = (week >> weekday | week << (7 - weekday)) & 0x7fu;
    uint64_t open = week * every_week;
    for (; *holiday < calendar->holiday_count && calendar->holidays[*holiday] < first + NINE_WEEKS;
         ++*holiday) {
        open &= ~(UINT64_C(1) << (calendar->holidays[*holiday] - first));
    }
    return open;
}

/* The COUNT-th open day after DAY. */
static enum oft_err business_days(const struct oft_calendar *calendar, int64_t day, uint32_t count,
                                  int64_t *ret)
{
    const struct oft_calendar *its = calendar != NULL ? calendar : &WEEKDAYS;
    uint32_t holiday = first_holiday(its, (oft_day)(day + 1));
    int64_t first = day + 1;
    *ret = day;
    for (; count > 0; first += NINE_WEEKS) {
        if (first < its->known_from || first >= its->known_until) {
            return OFT_ERR_NOT_FOUND;
        }
        if (first >= DAY_MAX) {
            return OFT_ERR_RANGE;
        }
        uint64_t open = open_days(its, first, &holiday);
        unsigned days = (unsigned)__builtin_popcountll(open);
        if (days < count) {
            count -= days;
            continue;
        }
        for (; count > 1; count--) {
            open &= open - 1;
        }
        *ret = first + __builtin_ctzll(open);
        count = 0;
    }
    return *ret >= its->known_until && *ret > day ? OFT_ERR_NOT_FOUND
           : *ret >= DAY_MAX                      ? OFT_ERR_RANGE
                                                  : OFT_OK;
}

static int64_t months_later(oft_day day, int64_t months)
{
    struct oft_date date = oft_day_date(day);
    int64_t month = (int64_t)date.year * 12 + date.month - 1 + months;
    if (month / 12 > 2261) {
        return DAY_MAX;
    }
    date.year = (int32_t)(month / 12);
    date.month = (int32_t)(month % 12) + 1;
    while (!oft_date_valid(date)) {
        date.day--;
    }
    return oft_day_from_date(date);
}

/* ---- deadlines ------------------------------------------------------------------------------- */

static enum oft_err roll_day(const struct oft_calendar *calendar, enum oft_roll roll, int64_t first,
                             int64_t *day)
{
    if (roll == OFT_ROLL_NONE) {
        return OFT_OK;
    }
    enum oft_err code = open_day(calendar, *day, roll == OFT_ROLL_FOLLOWING ? 1 : -1, day);
    if (code == OFT_OK && *day < first) {
        *day = first;
    }
    return code;
}

static enum oft_err hours_later(oft_instant start, const struct oft_period *period,
                                const struct oft_calendar *calendar, const struct oft_zone *zone,
                                oft_instant *ret)
{
    oft_instant length, end;
    bool open = true;
    if (__builtin_mul_overflow((int64_t)period->count, 3600 * OFT_NS_PER_SECOND, &length) ||
        __builtin_add_overflow(start, length, &end)) {
        return OFT_ERR_RANGE;
    }
    int64_t day = oft_zone_day(zone, end);
    enum oft_err code =
        period->roll == OFT_ROLL_NONE ? OFT_OK : oft_calendar_open(calendar, (oft_day)day, &open);
    if (code == OFT_OK && !open) {
        bool on = period->roll == OFT_ROLL_FOLLOWING;
        code = open_day(calendar, day, on ? 1 : -1, &day);
        if (code == OFT_OK) {
            code = oft_zone_day_start(zone, (oft_day)(on ? day : day + 1), &end);
        }
    }
    *ret = end < start ? start : end;
    return code;
}

enum oft_err oft_deadline(oft_instant start, const struct oft_period *period,
                          const struct oft_calendar *calendar, const struct oft_zone *zone,
                          oft_instant *ret)
{
    if (period->unit == OFT_PERIOD_HOURS) {
        return hours_later(start, period, calendar, zone, ret);
    }
    uint32_t change = 0;
    oft_day first = is_far(start) ? oft_zone_day(zone, start) : day_of(zone, start, &change);
    int64_t day = first;
    enum oft_err code = OFT_OK;
    switch (period->unit) {
    case OFT_PERIOD_BUSINESS_DAYS:
        code = business_days(calendar, day, period->count, &day);
        break;
    case OFT_PERIOD_WEEKS:
        day += (int64_t)period->count * 7;
        break;
    case OFT_PERIOD_MONTHS:
        day = months_later(first, period->count);
        break;
    case OFT_PERIOD_YEARS:
        day = months_later(first, (int64_t)period->count * 12);
        break;
    default:
        day += period->count;
    }
    if (code == OFT_OK && (day <= DAY_MIN || day + 1 >= DAY_MAX)) {
        code = OFT_ERR_RANGE;
    }
    if (code == OFT_OK && period->unit != OFT_PERIOD_BUSINESS_DAYS) {
        code = roll_day(calendar, period->roll, first, &day);
    }
    return code == OFT_OK ? day_start_near(zone, (oft_day)(day + 1), change, ret) : code;
}
