/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_BASE_CALENDAR_H
#define OFFTAKE_BASE_CALENDAR_H
/*
 * calendar -- local days, business days, and the deadlines of contracts.
 *
 * What it is   Time zones and holiday calendars as values, and one function that reckons when a window
 *              of a contract ends. Where the values come from (files, the tz database) is not known here.
 * Rules        docs/formats/calendar.md.
 * Units        Instants in nanoseconds UTC; days since 1970-01-01 on somebody's wall; offsets in seconds
 *              east of UTC.
 */
#include "base/time.h"

typedef int32_t oft_day; /* days since 1970-01-01 of a local calendar */

/* OFFSET_S east of UTC holds from FROM until the next change. */
struct oft_zone_change {
    oft_instant from;
    int32_t offset_s;
};
/* Sorted; the first change is from OFT_INSTANT_ALWAYS. NULL instead of a zone is UTC. */
struct oft_zone {
    const char *name; /* "America/New_York" */
    const struct oft_zone_change *changes;
    uint32_t change_count;
};

/* NULL instead of a calendar: Monday to Friday are open, and there are no holidays. */
struct oft_calendar {
    const char *name;        /* "us-federal" */
    uint8_t closed_weekdays; /* bit 0 = Monday ... bit 6 = Sunday */
    const oft_day *holidays; /* sorted, without duplicates */
    uint32_t holiday_count;
    oft_day known_from, known_until; /* half-open: the days that the data covers */
};

oft_day oft_day_from_date(struct oft_date date);
struct oft_date oft_day_date(oft_day day);
unsigned oft_day_weekday(oft_day day); /* 0 = Monday */

/* The local day of INSTANT. Instants whose day lies outside of the calendar saturate. */
oft_day oft_zone_day(const struct oft_zone *zone, oft_instant instant);
/* The first instant of a local DAY; when the clocks jump over its beginning, the first instant after the
 * jump; when it comes twice, the earlier. OFT_ERR_RANGE outside of oft_instant. */
enum oft_err oft_zone_day_start(const struct oft_zone *zone, oft_day day,
                                oft_instant *ret) OFT_MUSTCHECK;
/* OFT_ERR_NOT_FOUND when the calendar does not cover DAY. */
enum oft_err oft_calendar_open(const struct oft_calendar *calendar, oft_day day,
                               bool *ret_open) OFT_MUSTCHECK;

enum oft_period_unit {
    OFT_PERIOD_HOURS,
    OFT_PERIOD_DAYS,
    OFT_PERIOD_BUSINESS_DAYS,
    OFT_PERIOD_WEEKS,
    OFT_PERIOD_MONTHS,
    OFT_PERIOD_YEARS
};
/* What becomes of a last day that is closed. */
enum oft_roll { OFT_ROLL_FOLLOWING, OFT_ROLL_PRECEDING, OFT_ROLL_NONE };
struct oft_period {
    uint32_t count;
    enum oft_period_unit unit;
    enum oft_roll roll;
};

/*
 * When a window of PERIOD that begins at START ends: the first instant that is too late.
 *
 * In days, business days, weeks, months and years the day of the start does not count; the n-th day after
 * it is the last on which an act is in time, and the deadline is the first instant of the day after that.
 * A month later is the same day of that month, or its last. A last day that is closed rolls: to the next
 * open day, to the last open one before (never before the day of the start), or not at all. Hours are
 * elapsed time; when the end falls on a closed day it rolls to the first instant of the next open day, or
 * back to the first instant of the closed days (never before the start).
 *
 * OFT_ERR_NOT_FOUND: a day is looked at that the calendar does not cover; holidays are never guessed.
 * OFT_ERR_RANGE: outside of what an instant holds.
 */
enum oft_err oft_deadline(oft_instant start, const struct oft_period *period,
                          const struct oft_calendar *calendar, const struct oft_zone *zone,
                          oft_instant *ret) OFT_MUSTCHECK;

#endif
