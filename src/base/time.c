/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proleptic Gregorian calendar in integers: days from a civil date and back by counting years
 * from March, so that the leap day is a year's last. No clock, no time zone data.
 */
#include "base/time.h"

#include <stdio.h>
#include <string.h>

static bool leap_year(int32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

bool oft_date_valid(struct oft_date date)
{
    static const int32_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (date.year < 1678 || date.year > 2261 || date.month < 1 || date.month > 12 || date.day < 1) {
        return false;
    }
    int32_t last = days[date.month - 1] + (date.month == 2 && leap_year(date.year) ? 1 : 0);
    return date.day <= last;
}

/* Days since 1970-01-01. */
static int64_t days_from_date(struct oft_date date)
{
    int64_t year = date.year - (date.month <= 2 ? 1 : 0);
    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month_from_march = (date.month + 9) % 12;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static struct oft_date date_from_days(int64_t days)
{
    days += 719468;
    int64_t era = days / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    struct oft_date date;
    date.day = (int32_t)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    date.month = (int32_t)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    date.year = (int32_t)(year_of_era + era * 400 + (date.month <= 2 ? 1 : 0));
    return date;
}

/* Whole days, rounded down; the rest is 0 <= rest < a day. */
static int64_t floor_days(oft_instant instant, int64_t *ret_rest)
{
    int64_t days = instant / OFT_NS_PER_DAY;
    int64_t rest = instant % OFT_NS_PER_DAY;
    if (rest < 0) {
        rest += OFT_NS_PER_DAY;
        days--;
    }
    *ret_rest = rest;
    return days;
}

oft_instant oft_instant_from_date(struct oft_date date)
{
    OFT_ASSERT(oft_date_valid(date));
    return days_from_date(date) * OFT_NS_PER_DAY;
}

struct oft_date oft_date_from_instant(oft_instant instant)
{
    int64_t rest;
    return date_from_days(floor_days(instant, &rest));
}

/* ---- text ------------------------------------------------------------------------------------ */

struct scanner {
    const char *at;
    const char *end;
};

static bool scan_number(struct scanner *scanner, int digits, int32_t *ret)
{
    int32_t value = 0;
    for (int i = 0; i < digits; i++) {
        if (scanner->at == scanner->end || *scanner->at < '0' || *scanner->at > '9') {
            return false;
        }
        value = value * 10 + (*scanner->at - '0');
        scanner->at++;
    }
    *ret = value;
    return true;
}

static bool scan_char(struct scanner *scanner, char c)
{
    if (scanner->at == scanner->end || *scanner->at != c) {
        return false;
    }
    scanner->at++;
    return true;
}

static bool scan_fraction(struct scanner *scanner, int64_t *ret_ns)
{
    int64_t ns = 0;
    int64_t unit = OFT_NS_PER_SECOND;
    const char *first = scanner->at;
    while (scanner->at < scanner->end && *scanner->at >= '0' && *scanner->at <= '9') {
        if (unit == 1) {
            return false;
        }
        unit /= 10;
        ns += (*scanner->at - '0') * unit;
        scanner->at++;
    }
    *ret_ns = ns;
    return scanner->at != first;
}

/* "Z", "+02:00", "-05:30" or nothing: seconds east of UTC. */
static bool scan_offset(struct scanner *scanner, int64_t *ret_seconds)
{
    *ret_seconds = 0;
    if (scanner->at == scanner->end || scan_char(scanner, 'Z')) {
        return true;
    }
    bool east = scan_char(scanner, '+');
    int32_t hours;
    int32_t minutes;
    if ((!east && !scan_char(scanner, '-')) || !scan_number(scanner, 2, &hours) ||
        !scan_char(scanner, ':') || !scan_number(scanner, 2, &minutes) || hours > 23 ||
        minutes > 59) {
        return false;
    }
    *ret_seconds = (east ? 1 : -1) * (int64_t)(hours * 3600 + minutes * 60);
    return true;
}

static bool scan_clock(struct scanner *scanner, int64_t *ret_ns)
{
    int32_t hour;
    int32_t minute;
    int32_t second;
    if (!scan_number(scanner, 2, &hour) || !scan_char(scanner, ':') ||
        !scan_number(scanner, 2, &minute) || !scan_char(scanner, ':') ||
        !scan_number(scanner, 2, &second) || hour > 23 || minute > 59 || second > 59) {
        return false;
    }
    int64_t fraction = 0;
    if (scan_char(scanner, '.') && !scan_fraction(scanner, &fraction)) {
        return false;
    }
    int64_t offset_seconds;
    if (!scan_offset(scanner, &offset_seconds)) {
        return false;
    }
    *ret_ns = (hour * 3600 + minute * 60 + second - offset_seconds) * OFT_NS_PER_SECOND + fraction;
    return true;
}

enum oft_err oft_instant_parse(struct oft_str text, oft_instant *ret)
{
    struct scanner scanner = {text.data, text.data + text.length};
    struct oft_date date;
    if (text.length == 0 || !scan_number(&scanner, 4, &date.year) || !scan_char(&scanner, '-') ||
        !scan_number(&scanner, 2, &date.month) || !scan_char(&scanner, '-') ||
        !scan_number(&scanner, 2, &date.day)) {
        return OFT_ERR_SYNTAX;
    }
    if (!oft_date_valid(date)) {
        return OFT_ERR_RANGE;
    }
    int64_t clock_ns = 0;
    if (scanner.at != scanner.end) {
        if (!scan_char(&scanner, 'T') && !scan_char(&scanner, ' ')) {
            return OFT_ERR_SYNTAX;
        }
        if (!scan_clock(&scanner, &clock_ns) || scanner.at != scanner.end) {
            return OFT_ERR_SYNTAX;
        }
    }
    *ret = oft_instant_from_date(date) + clock_ns;
    return OFT_OK;
}

bool oft_instant_is_leap_second(struct oft_str text)
{
    enum { SECOND_AT = 17 };
    char before[OFT_INSTANT_TEXT_BYTES];
    oft_instant instant;
    if (text.length < SECOND_AT + 2 || text.length > sizeof(before) ||
        memcmp(text.data + SECOND_AT, "60", 2) != 0) {
        return false;
    }
    memcpy(before, text.data, text.length);
    before[SECOND_AT] = '5';
    before[SECOND_AT + 1] = '9';
    return oft_instant_parse((struct oft_str){before, text.length}, &instant) == OFT_OK &&
           oft_instant_from_date(oft_date_from_instant(instant)) + OFT_NS_PER_DAY - instant <=
               OFT_NS_PER_SECOND;
}

const char *oft_instant_format(oft_instant instant, char out[OFT_INSTANT_TEXT_BYTES])
{
    if (instant == OFT_INSTANT_NEVER || instant == OFT_INSTANT_ALWAYS) {
        (void)snprintf(out, OFT_INSTANT_TEXT_BYTES, "%s",
                       instant == OFT_INSTANT_NEVER ? "never" : "always");
        return out;
    }
    int64_t rest;
    struct oft_date date = date_from_days(floor_days(instant, &rest));
    int64_t seconds = rest / OFT_NS_PER_SECOND;
    int64_t ns = rest % OFT_NS_PER_SECOND;
    int length = snprintf(out, OFT_INSTANT_TEXT_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d", date.year,
                          date.month, date.day, (int)(seconds / 3600), (int)(seconds / 60 % 60),
                          (int)(seconds % 60));
    if (ns != 0) {
        length += snprintf(out + length, OFT_INSTANT_TEXT_BYTES - (size_t)length, ".%09d", (int)ns);
        while (out[length - 1] == '0') {
            length--;
        }
    }
    (void)snprintf(out + length, OFT_INSTANT_TEXT_BYTES - (size_t)length, "Z");
    return out;
}

const char *oft_instant_format_short(oft_instant instant, char out[OFT_INSTANT_TEXT_BYTES])
{
    (void)oft_instant_format(instant, out);
    if (instant != OFT_INSTANT_NEVER && instant != OFT_INSTANT_ALWAYS &&
        instant % OFT_NS_PER_DAY == 0) {
        out[10] = '\0';
    }
    return out;
}

int32_t oft_month_of(oft_instant instant)
{
    struct oft_date date = oft_date_from_instant(instant);
    return date.year * 12 + date.month - 1;
}

oft_instant oft_month_start(int32_t month)
{
    struct oft_date date = {month / 12, month % 12 + 1, 1};
    return oft_instant_from_date(date);
}

enum oft_err oft_month_parse(struct oft_str text, int32_t *ret)
{
    struct scanner scanner = {text.data, text.data + text.length};
    struct oft_date date = {.day = 1};
    if (text.length != 7 || !scan_number(&scanner, 4, &date.year) || !scan_char(&scanner, '-') ||
        !scan_number(&scanner, 2, &date.month)) {
        return OFT_ERR_SYNTAX;
    }
    if (!oft_date_valid(date)) {
        return OFT_ERR_RANGE;
    }
    *ret = date.year * 12 + date.month - 1;
    return OFT_OK;
}

const char *oft_month_format(int32_t month, char out[OFT_INSTANT_TEXT_BYTES])
{
    (void)snprintf(out, OFT_INSTANT_TEXT_BYTES, "%04d-%02d", month / 12, month % 12 + 1);
    return out;
}
