/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calendars that come with offtake, the files that are refused, and zones beyond what is listed.
 */
#include "almanac/almanac.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const DIRECTORIES[] = {CALENDARS, NULL};

static oft_instant at(const char *text)
{
    oft_instant instant = 0;
    assert_int_equal(oft_instant_parse(oft_str_from(text), &instant), OFT_OK);
    return instant;
}

static void every_calendar_that_comes_with_offtake_is_read(void **unused)
{
    (void)unused;
    static const char *const names[] = {"us-federal", "us-nyse", "england",
                                        "target",     "japan",   "ireland"};
    for (size_t i = 0; i < OFT_COUNT_OF(names); i++) {
        struct oft_arena arena;
        const struct oft_calendar *calendar;
        struct oft_error error = {0};
        bool open = true;
        oft_arena_init(&arena, 8 << 20);
        if (almanac_calendar(DIRECTORIES, names[i], &arena, &calendar, &error) != OFT_OK) {
            fail_msg("%s", error.message);
        }
        assert_int_equal(
            oft_calendar_open(calendar, (oft_day)(at("2025-01-01") / OFT_NS_PER_DAY), &open),
            OFT_OK);
        assert_false(open);
        assert_int_equal(
            oft_calendar_open(calendar, (oft_day)(at("2041-01-02") / OFT_NS_PER_DAY), &open),
            OFT_ERR_NOT_FOUND);
        oft_arena_release(&arena);
    }
}

static void a_calendar_that_nobody_knows_is_not_found_and_no_path_leads_out(void **unused)
{
    (void)unused;
    static const char *const names[] = {"nowhere", "", "../calendars/us-federal", "US-FEDERAL"};
    for (size_t i = 0; i < OFT_COUNT_OF(names); i++) {
        struct oft_arena arena;
        const struct oft_calendar *calendar;
        struct oft_error error = {0};
        oft_arena_init(&arena, 8 << 20);
        assert_int_equal(almanac_calendar(DIRECTORIES, names[i], &arena, &calendar, &error),
                         OFT_ERR_NOT_FOUND);
        oft_arena_release(&arena);
    }
}

static void a_wrong_line_is_told_with_its_number(void **unused)
{
    (void)unused;
#define HEAD "name x\ntitle X\nsource Y\nclosed saturday sunday\ncovers 2020 2022\n"
    static const struct {
        const char *text, *line;
    } cases[] = {
        {HEAD "2020-13-01 Odd\n", "f:6:"},
        {HEAD "2022-01-01 Late\n", "f:6:"},
        {HEAD "2020-01-01\n", "f:6:"},
        {HEAD "2020-01-02 B\n2020-01-01 A\n", "f:7:"},
        {"2020-01-01 Early\n", "f:1:"},
        {"name x\nname y\n", "f:2:"},
        {"closed someday\n", "f:1:"},
        {"covers 2022 2020\n", "f:1:"},
        {"closed monday tuesday wednesday thursday friday saturday sunday\n", "f:1:"},
        {"name x\n", "f:1:"},
    };
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        struct oft_arena arena;
        const struct oft_calendar *calendar;
        struct oft_error error = {0};
        oft_arena_init(&arena, 1 << 20);
        assert_int_equal(
            almanac_calendar_parse("f", oft_str_from(cases[i].text), &arena, &calendar, &error),
            OFT_ERR_INVALID);
        assert_memory_equal(error.message, cases[i].line, strlen(cases[i].line));
        oft_arena_release(&arena);
    }
}

/* The local day's first instant, told by the zone's table. */
static void day_begins(const char *name, const char *date, const char *wanted)
{
    struct oft_arena arena;
    const struct oft_zone *zone;
    struct oft_error error = {0};
    oft_instant start;
    oft_arena_init(&arena, 1 << 20);
    if (almanac_zone(name, &arena, &zone, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(oft_zone_day_start(zone, (oft_day)(at(date) / OFT_NS_PER_DAY), &start),
                     OFT_OK);
    assert_int_equal(start, at(wanted));
    oft_arena_release(&arena);
}

static void zones_are_as_the_tz_database_has_them_and_go_on_by_rule(void **unused)
{
    (void)unused;
    day_begins("America/New_York", "2025-01-15", "2025-01-15T05:00:00Z");
    day_begins("America/New_York", "2025-07-15", "2025-07-15T04:00:00Z");
    day_begins("America/New_York", "2025-03-09", "2025-03-09T05:00:00Z");
    day_begins("America/New_York", "2025-03-10", "2025-03-10T04:00:00Z");
    day_begins("America/New_York", "2044-07-15", "2044-07-15T04:00:00Z");
    day_begins("America/New_York", "2044-12-15", "2044-12-15T05:00:00Z");
    day_begins("Europe/London", "2035-07-01", "2035-06-30T23:00:00Z");
    day_begins("Australia/Sydney", "2025-01-15", "2025-01-14T13:00:00Z");
    day_begins("Australia/Sydney", "2025-07-15", "2025-07-14T14:00:00Z");
    day_begins("Asia/Tokyo", "2025-07-15", "2025-07-14T15:00:00Z");
    day_begins("Asia/Kolkata", "2025-07-15", "2025-07-14T18:30:00Z");
    day_begins("UTC", "2025-07-15", "2025-07-15");
}

static void a_zone_that_nobody_knows_is_not_found(void **unused)
{
    (void)unused;
    static const char *const names[] = {"America/Gotham", "",       "../../etc/passwd",
                                        "/etc/localtime", "+05:00", "EST5EDT,M3.2.0,M11.1.0"};
    for (size_t i = 0; i < OFT_COUNT_OF(names); i++) {
        struct oft_arena arena;
        const struct oft_zone *zone;
        struct oft_error error = {0};
        oft_arena_init(&arena, 1 << 20);
        assert_int_equal(almanac_zone(names[i], &arena, &zone, &error), OFT_ERR_NOT_FOUND);
        oft_arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_calendar_that_comes_with_offtake_is_read),
        cmocka_unit_test(a_calendar_that_nobody_knows_is_not_found_and_no_path_leads_out),
        cmocka_unit_test(a_wrong_line_is_told_with_its_number),
        cmocka_unit_test(zones_are_as_the_tz_database_has_them_and_go_on_by_rule),
        cmocka_unit_test(a_zone_that_nobody_knows_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
