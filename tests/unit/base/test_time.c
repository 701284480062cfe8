/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calendar, day by day over the whole range, and the few forms in which an instant is written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/time.h"

static bool leap(int32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static void every_day_of_the_range_goes_there_and_back(void **state)
{
    static const int32_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    oft_instant expected = oft_instant_from_date((struct oft_date){1678, 1, 1});
    (void)state;
    for (struct oft_date date = {1678, 1, 1}; date.year <= 2261;) {
        assert_true(oft_date_valid(date));
        oft_instant instant = oft_instant_from_date(date);
        assert_true(instant == expected);
        struct oft_date back = oft_date_from_instant(instant + OFT_NS_PER_DAY - 1);
        assert_true(back.year == date.year && back.month == date.month && back.day == date.day);
        assert_int_equal(oft_month_of(instant), date.year * 12 + date.month - 1);
        expected += OFT_NS_PER_DAY;
        int32_t last = days[date.month - 1] + (date.month == 2 && leap(date.year));
        if (++date.day > last) {
            assert_false(oft_date_valid(date));
            date.day = 1;
            if (++date.month > 12) {
                date.month = 1;
                date.year++;
            }
        }
    }
    assert_true(oft_instant_from_date((struct oft_date){1970, 1, 1}) == 0);
}

static void an_instant_is_read_in_its_forms_and_in_no_other(void **state)
{
    static const struct {
        const char *text;
        const char *expected; /* NULL: refused */
    } cases[] = {
        {"2025-01-21", "2025-01-21T00:00:00Z"},
        {"2025-01-21T09:30:00Z", "2025-01-21T09:30:00Z"},
        {"2025-01-21 09:30:00", "2025-01-21T09:30:00Z"},
        {"2025-01-21T09:30:00.123456789+02:00", "2025-01-21T07:30:00.123456789Z"},
        {"2025-01-21T00:15:00-05:30", "2025-01-21T05:45:00Z"},
        {"2024-02-29", "2024-02-29T00:00:00Z"},
        {"2023-02-29", NULL},
        {"1900-02-29", NULL},
        {"2025-13-01", NULL},
        {"2025-00-01", NULL},
        {"2025-1-21", NULL},
        {"2025-01-21T24:00:00Z", NULL},
        {"2025-01-21T23:60:00Z", NULL},
        {"2025-01-21T23:59:60Z", NULL},
        {"2025-01-21T09:30", NULL},
        {"2025-01-21T09:30:00.Z", NULL},
        {"2025-01-21T09:30:00.1234567890Z", NULL},
        {"2025-01-21x", NULL},
        {"1677-12-31", NULL},
        {"2262-01-01", NULL},
        {"", NULL},
    };
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        oft_instant instant = 5;
        char text[OFT_INSTANT_TEXT_BYTES];
        enum oft_err code = oft_instant_parse(oft_str_from(cases[i].text), &instant);
        if (cases[i].expected == NULL) {
            assert_int_not_equal(code, OFT_OK);
            assert_true(instant == 5);
        } else {
            assert_int_equal(code, OFT_OK);
            assert_string_equal(oft_instant_format(instant, text), cases[i].expected);
        }
    }
}

static void instants_before_1970_are_written_right(void **state)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    (void)state;
    assert_string_equal(oft_instant_format(-1, text), "1969-12-31T23:59:59.999999999Z");
    assert_string_equal(oft_instant_format_short(-OFT_NS_PER_DAY, text), "1969-12-31");
    assert_string_equal(oft_instant_format(OFT_INSTANT_NEVER, text), "never");
    assert_string_equal(oft_instant_format(OFT_INSTANT_ALWAYS, text), "always");
}

static void months_have_their_first_instant_and_their_text(void **state)
{
    int32_t month = 0;
    char text[OFT_INSTANT_TEXT_BYTES];
    (void)state;
    assert_int_equal(oft_month_parse(OFT_STR_LITERAL("2026-04"), &month), OFT_OK);
    assert_string_equal(oft_month_format(month, text), "2026-04");
    assert_int_equal(oft_month_of(oft_month_start(month)), month);
    assert_int_equal(oft_month_of(oft_month_start(month) - 1), month - 1);
    assert_int_not_equal(oft_month_parse(OFT_STR_LITERAL("2026-13"), &month), OFT_OK);
    assert_int_not_equal(oft_month_parse(OFT_STR_LITERAL("2026-4"), &month), OFT_OK);
    assert_int_not_equal(oft_month_parse(OFT_STR_LITERAL("2026-04-01"), &month), OFT_OK);
}

static void a_leap_second_is_refused_and_known_for_one(void **state)
{
    static const struct {
        const char *text;
        bool is_one;
    } cases[] = {
        {"2016-12-31T23:59:60Z", true},
        {"2015-06-30T23:59:60.5Z", true},
        {"2017-01-01T00:59:60+01:00", true},
        {"2016-12-31T18:29:60-05:30", true},
        {"2016-12-31 23:59:60", true},
        {"2016-12-31T23:59:59Z", false},
        {"2016-12-31T22:59:60Z", false},
        {"2016-12-31T23:59:60+01:00", false},
        {"2016-12-31T23:59:61Z", false},
        {"2016-02-30T23:59:60Z", false},
        {"2016-12-31T23:59:60Zx", false},
        {"2016-12-31T23:59:6", false},
        {"", false},
    };
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        oft_instant instant = 0;
        assert_int_equal(oft_instant_is_leap_second(oft_str_from(cases[i].text)), cases[i].is_one);
        if (cases[i].is_one) {
            assert_int_not_equal(oft_instant_parse(oft_str_from(cases[i].text), &instant), OFT_OK);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_of_the_range_goes_there_and_back),
        cmocka_unit_test(an_instant_is_read_in_its_forms_and_in_no_other),
        cmocka_unit_test(instants_before_1970_are_written_right),
        cmocka_unit_test(a_leap_second_is_refused_and_known_for_one),
        cmocka_unit_test(months_have_their_first_instant_and_their_text),
    };
    return cmocka_run_group_tests_name("base time", tests, NULL, NULL);
}
