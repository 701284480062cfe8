/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_BASE_CALENDAR_H
#define OFFTAKE_BASE_CALENDAR_H
/*
 * calendar -- placeholder until the real one is merged.
 */
#include "base/time.h"

typedef int32_t oft_day;
struct oft_zone_change {
    oft_instant from;
    int32_t offset_s;
};
struct oft_zone {
    const char *name;
    const struct oft_zone_change *changes;
    uint32_t change_count;
};
struct oft_calendar {
    const char *name;
    uint8_t closed_weekdays; /* bit 0 = Monday */
    const oft_day *holidays;
    uint32_t holiday_count;
    oft_day known_from, known_until;
};
enum oft_period_unit {
    OFT_PERIOD_HOURS,
    OFT_PERIOD_DAYS,
    OFT_PERIOD_BUSINESS_DAYS,
    OFT_PERIOD_WEEKS,
    OFT_PERIOD_MONTHS,
    OFT_PERIOD_YEARS
};
enum oft_roll { OFT_ROLL_FOLLOWING, OFT_ROLL_PRECEDING, OFT_ROLL_NONE };
struct oft_period {
    uint32_t count;
    enum oft_period_unit unit;
    enum oft_roll roll;
};
enum oft_err oft_deadline(oft_instant start, const struct oft_period *period,
                          const struct oft_calendar *calendar, const struct oft_zone *zone,
                          oft_instant *ret) OFT_MUSTCHECK;

#endif
