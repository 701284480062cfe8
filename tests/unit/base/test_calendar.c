/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local days and deadlines: half-open, over clock changes, month ends, holidays; and what holds of all.
 */
#include "base/calendar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* New York in 2025 and 2026, as the tz database has it. */
static struct oft_zone_change changes[5];
static struct oft_zone new_york = {"America/New_York", changes, 5};
static oft_day days_off[3];
static struct oft_calendar calendar = {"test", 0x60, days_off, 3, 0, 0};

static oft_instant at(const char *text)
{
    oft_instant instant = 0;
    assert_int_equal(oft_instant_parse(oft_str_from(text), &instant), OFT_OK);
    return instant;
}

static oft_day day(const char *text)
{
    return (oft_day)(at(text) / OFT_NS_PER_DAY);
}

static int setup(void **unused)
{
    (void)unused;
    const struct oft_zone_change list[] = {{OFT_INSTANT_ALWAYS, -18000},
                                           {at("2025-03-09T07:00:00Z"), -14400},
                                           {at("2025-11-02T06:00:00Z"), -18000},
                                           {at("2026-03-08T07:00:00Z"), -14400},
                                           {at("2026-11-01T06:00:00Z"), -18000}};
    memcpy(changes, list, sizeof(list));
    days_off[0] = day("2025-11-11");
    days_off[1] = day("2025-11-27");
    days_off[2] = day("2025-12-25");
    calendar.known_from = day("2025-01-01");
    calendar.known_until = day("2027-01-01");
    return 0;
}

static oft_instant deadline(const char *start, uint32_t count, enum oft_period_unit unit,
                            enum oft_roll roll, const struct oft_calendar *its,
                            const struct oft_zone *zone)
{
    const struct oft_period period = {count, unit, roll};
    oft_instant end = 0;
    assert_int_equal(oft_deadline(at(start), &period, its, zone, &end), OFT_OK);
    return end;
}

static void the_day_of_the_start_does_not_count_and_the_last_day_counts_whole(void **unused)
{
    (void)unused;
    assert_int_equal(
        deadline("2025-03-03T15:00:00Z", 1, OFT_PERIOD_DAYS, OFT_ROLL_NONE, NULL, NULL),
        at("2025-03-05"));
    assert_int_equal(deadline("2025-03-03", 5, OFT_PERIOD_BUSINESS_DAYS, OFT_ROLL_NONE, NULL, NULL),
                     at("2025-03-11"));
}

static void business_days_pass_over_weekends_and_holidays(void **unused)
{
    (void)unused;
    /* Monday 10 November; Tuesday is closed: 12, 13, 14, then 17 to 20, 21, 24, 25. */
    assert_int_equal(deadline("2025-11-10T16:00:00Z", 10, OFT_PERIOD_BUSINESS_DAYS, OFT_ROLL_NONE,
                              &calendar, &new_york),
                     at("2025-11-26T05:00:00Z"));
}

static void a_deadline_is_midnight_where_the_parties_are(void **unused)
{
    (void)unused;
    assert_int_equal(
        deadline("2025-06-02T03:00:00Z", 1, OFT_PERIOD_DAYS, OFT_ROLL_NONE, NULL, &new_york),
        at("2025-06-03T04:00:00Z")); /* it is the 1st still in New York */
    assert_int_equal(
        deadline("2025-11-01T12:00:00Z", 1, OFT_PERIOD_DAYS, OFT_ROLL_NONE, NULL, &new_york),
        at("2025-11-03T05:00:00Z")); /* the clocks went back in between */
}

static void hours_are_elapsed_time_whatever_the_clocks_do(void **unused)
{
    (void)unused;
    assert_int_equal(
        deadline("2025-03-08T12:00:00Z", 48, OFT_PERIOD_HOURS, OFT_ROLL_NONE, NULL, &new_york),
        at("2025-03-10T12:00:00Z"));
}

static void a_month_later_is_the_same_day_or_the_months_last(void **unused)
{
    (void)unused;
    assert_int_equal(deadline("2025-01-31", 1, OFT_PERIOD_MONTHS, OFT_ROLL_NONE, NULL, NULL),
                     at("2025-03-01"));
    assert_int_equal(deadline("2024-02-29", 1, OFT_PERIOD_YEARS, OFT_ROLL_NONE, NULL, NULL),
                     at("2025-03-01"));
    assert_int_equal(deadline("2023-12-31", 2, OFT_PERIOD_MONTHS, OFT_ROLL_NONE, NULL, NULL),
                     at("2024-03-01"));
}

static void a_last_day_that_is_closed_rolls(void **unused)
{
    (void)unused;
    static const char start[] = "2025-11-25"; /* two days later: Thursday 27, closed */
    assert_int_equal(deadline(start, 2, OFT_PERIOD_DAYS, OFT_ROLL_FOLLOWING, &calendar, NULL),
                     at("2025-11-29"));
    assert_int_equal(deadline(start, 2, OFT_PERIOD_DAYS, OFT_ROLL_PRECEDING, &calendar, NULL),
                     at("2025-11-27"));
    assert_int_equal(deadline(start, 2, OFT_PERIOD_DAYS, OFT_ROLL_NONE, &calendar, NULL),
                     at("2025-11-28"));
    /* Saturday 29, in hours. */
    assert_int_equal(
        deadline("2025-11-28T10:00:00Z", 24, OFT_PERIOD_HOURS, OFT_ROLL_FOLLOWING, &calendar, NULL),
        at("2025-12-01"));
    assert_int_equal(
        deadline("2025-11-28T10:00:00Z", 24, OFT_PERIOD_HOURS, OFT_ROLL_PRECEDING, &calendar, NULL),
        at("2025-11-29"));
}

static void days_that_the_calendar_does_not_cover_are_never_guessed(void **unused)
{
    (void)unused;
    const struct oft_period period = {10, OFT_PERIOD_BUSINESS_DAYS, OFT_ROLL_FOLLOWING};
    oft_instant end;
    assert_int_equal(oft_deadline(at("2026-12-28"), &period, &calendar, NULL, &end),
                     OFT_ERR_NOT_FOUND);
    const struct oft_period far = {4000000, OFT_PERIOD_DAYS, OFT_ROLL_NONE};
    assert_int_equal(oft_deadline(at("2026-12-28"), &far, NULL, NULL, &end), OFT_ERR_RANGE);
    const struct oft_period farther = {UINT32_MAX, OFT_PERIOD_HOURS, OFT_ROLL_NONE};
    assert_int_equal(oft_deadline(at("2026-12-28"), &farther, NULL, NULL, &end), OFT_ERR_RANGE);
}

static void a_day_begins_after_a_jump_and_at_the_earlier_of_two(void **unused)
{
    (void)unused;
    /* A zone whose clocks jump over midnight, and one whose midnight comes twice. */
    const struct oft_zone_change over[] = {{OFT_INSTANT_ALWAYS, -10800},
                                           {at("2025-09-07T03:00:00Z"), -7200}};
    const struct oft_zone jumps = {"jump", over, 2};
    const struct oft_zone_change twice[] = {{OFT_INSTANT_ALWAYS, 7200},
                                            {at("2025-09-06T22:30:00Z"), 3600}};
    const struct oft_zone back = {"back", twice, 2};
    oft_instant start;
    assert_int_equal(oft_zone_day_start(&jumps, day("2025-09-07"), &start), OFT_OK);
    assert_int_equal(start, at("2025-09-07T03:00:00Z"));
    assert_int_equal(oft_zone_day_start(&back, day("2025-09-07"), &start), OFT_OK);
    assert_int_equal(start, at("2025-09-06T22:00:00Z"));
}

static uint64_t state;
static uint64_t roll_dice(void)
{
    state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = (state ^ (state >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    return z ^ (z >> 27);
}

static void what_holds_of_every_deadline(void **unused)
{
    (void)unused;
    const char *given = getenv("OFFTAKE_SEED");
    state = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    print_message("# OFFTAKE_SEED=%llu\n", (unsigned long long)state);
    for (unsigned i = 0; i < 20000; i++) {
        oft_instant start =
            at("2025-02-01") + (oft_instant)(roll_dice() % (400 * 86400)) * OFT_NS_PER_SECOND;
        struct oft_period period = {(uint32_t)(roll_dice() % 38),
                                    (enum oft_period_unit)(roll_dice() % 4), OFT_ROLL_FOLLOWING};
        struct oft_period more = period, preceding = period, none = period;
        oft_instant end, longer, later, before, stays;
        bool open = false;
        more.count++;
        preceding.roll = OFT_ROLL_PRECEDING;
        none.roll = OFT_ROLL_NONE;
        assert_int_equal(oft_deadline(start, &period, &calendar, &new_york, &end), OFT_OK);
        assert_int_equal(oft_deadline(start, &more, &calendar, &new_york, &longer), OFT_OK);
        assert_int_equal(
            oft_deadline(start + OFT_NS_PER_SECOND, &period, &calendar, &new_york, &later), OFT_OK);
        assert_int_equal(oft_deadline(start, &preceding, &calendar, &new_york, &before), OFT_OK);
        assert_int_equal(oft_deadline(start, &none, &calendar, &new_york, &stays), OFT_OK);
        assert_true(end >= start && end <= longer && end <= later);
        assert_true(before <= stays && stays <= end);
        assert_true(before >= start);
        if (period.unit == OFT_PERIOD_BUSINESS_DAYS && period.count > 0) {
            assert_int_equal(oft_calendar_open(&calendar, oft_zone_day(&new_york, end - 1), &open),
                             OFT_OK);
            assert_true(open);
        }
    }
}

/* Business days, the slow way: each day is asked for. */
static enum oft_err walk(const struct oft_calendar *its, const struct oft_zone *zone,
                         oft_instant start, uint32_t count, oft_instant *ret)
{
    oft_day last = oft_zone_day(zone, start);
    while (count > 0) {
        bool open = false;
        enum oft_err code = oft_calendar_open(its, ++last, &open);
        if (code != OFT_OK) {
            return code;
        }
        count -= open;
    }
    return oft_zone_day_start(zone, last + 1, ret);
}

static void business_days_are_what_walking_day_by_day_finds(void **unused)
{
    (void)unused;
    enum { HOLIDAYS = 60, CHANGES = 40, DAYS = 3000, FIRST = 18000 };
    for (int world = 0; world < 200; world++) {
        oft_day off[HOLIDAYS];
        struct oft_zone_change list[CHANGES];
        uint32_t count = 0, changed = 1;
        for (oft_day d = FIRST; d < FIRST + DAYS && count < HOLIDAYS; d++) {
            if (roll_dice() % 40 == 0) {
                off[count++] = d;
            }
        }
        list[0] = (struct oft_zone_change){OFT_INSTANT_ALWAYS, 0};
        for (oft_instant from = FIRST * OFT_NS_PER_DAY; changed < CHANGES; changed++) {
            from += (oft_instant)(roll_dice() % 200 * 3600 * 24 + 3600) * OFT_NS_PER_SECOND;
            list[changed] =
                (struct oft_zone_change){from, (int32_t)(roll_dice() % 25 * 3600) - 12 * 3600};
        }
        const struct oft_zone zone = {"Test/Zone", list, changed};
        const struct oft_calendar its = {
            "test", (uint8_t)(roll_dice() % 0x7f), off, count, FIRST, FIRST + DAYS};
        for (int i = 0; i < 50; i++) {
            struct oft_period period = {(uint32_t)(roll_dice() % (i % 5 == 0   ? 2000
                                                                  : i % 5 == 1 ? 3
                                                                               : 70)),
                                        OFT_PERIOD_BUSINESS_DAYS, OFT_ROLL_NONE};
            oft_instant start =
                FIRST * OFT_NS_PER_DAY +
                (oft_instant)(roll_dice() % (DAYS * 1440u)) * 60 * OFT_NS_PER_SECOND;
            if (i % 2 == 0) { /* soon after the clocks changed */
                start = list[1 + roll_dice() % (CHANGES - 1)].from +
                        (oft_instant)(roll_dice() % 72) * 1800 * OFT_NS_PER_SECOND;
            }
            oft_instant fast = 0, slow = 0;
            enum oft_err wanted = walk(&its, &zone, start, period.count, &slow);
            assert_int_equal(oft_deadline(start, &period, &its, &zone, &fast), wanted);
            assert_true(wanted != OFT_OK || fast == slow);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_day_of_the_start_does_not_count_and_the_last_day_counts_whole),
        cmocka_unit_test(business_days_pass_over_weekends_and_holidays),
        cmocka_unit_test(a_deadline_is_midnight_where_the_parties_are),
        cmocka_unit_test(hours_are_elapsed_time_whatever_the_clocks_do),
        cmocka_unit_test(a_month_later_is_the_same_day_or_the_months_last),
        cmocka_unit_test(a_last_day_that_is_closed_rolls),
        cmocka_unit_test(days_that_the_calendar_does_not_cover_are_never_guessed),
        cmocka_unit_test(a_day_begins_after_a_jump_and_at_the_earlier_of_two),
        cmocka_unit_test(what_holds_of_every_deadline),
        cmocka_unit_test(business_days_are_what_walking_day_by_day_finds),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
