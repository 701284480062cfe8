/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_BASE_TIME_H
#define OFFTAKE_BASE_TIME_H
/*
 * time -- instants and calendar dates. Pure: no function here asks what time it is.
 *
 * An instant is nanoseconds since 1970-01-01T00:00:00Z in a signed 64-bit integer (years 1678 to
 * 2262). Intervals are half-open, [from, until). A date stands for its first instant in UTC.
 */
#include "base/base.h"

typedef int64_t oft_instant; /* nanoseconds since the Unix epoch, UTC */

#define OFT_NS_PER_US      INT64_C(1000)
#define OFT_NS_PER_MS      INT64_C(1000000)
#define OFT_NS_PER_SECOND  INT64_C(1000000000)
#define OFT_NS_PER_DAY     (INT64_C(86400) * OFT_NS_PER_SECOND)
#define OFT_INSTANT_NEVER  INT64_MAX /* the end of what does not end */
#define OFT_INSTANT_ALWAYS INT64_MIN /* the beginning of what always was */

struct oft_date {
    int32_t year;
    int32_t month; /* 1..12 */
    int32_t day;   /* 1..31 */
};

bool oft_date_valid(struct oft_date date);
oft_instant oft_instant_from_date(struct oft_date date); /* the date must be valid, 1678..2261 */
struct oft_date oft_date_from_instant(oft_instant instant);

/* "2025-01-21", "2025-01-21T09:30:00Z", "2025-01-21T09:30:00.123456789+02:00" or a space for the T
 * (then UTC when no offset is given). Nothing else is an instant. */
enum oft_err oft_instant_parse(struct oft_str text, oft_instant *ret) OFT_MUSTCHECK;
/* Is TEXT refused only because it names a leap second, 23:59:60 UTC? POSIX time has no such instant: it
 * is neither the second before nor the one after, and often these two are of different months. */
bool oft_instant_is_leap_second(struct oft_str text);

#define OFT_INSTANT_TEXT_BYTES 40
/* "2025-01-21T09:30:00Z", with as many decimals as needed; "never" and "always" for the two ends. */
const char *oft_instant_format(oft_instant instant, char out[OFT_INSTANT_TEXT_BYTES]);
/* "2025-01-21" when the instant is a day's first, else the full form. */
const char *oft_instant_format_short(oft_instant instant, char out[OFT_INSTANT_TEXT_BYTES]);

/* Calendar months in UTC, counted from year 0: 2025-01 is 2025 * 12 + 0. */
int32_t oft_month_of(oft_instant instant);
oft_instant oft_month_start(int32_t month);
enum oft_err oft_month_parse(struct oft_str text, int32_t *ret) OFT_MUSTCHECK; /* "2025-01" */
const char *oft_month_format(int32_t month, char out[OFT_INSTANT_TEXT_BYTES]);

#endif
