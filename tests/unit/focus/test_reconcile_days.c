/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bill by the day against our hours: the same is matched day by day, and what is wrong with a day is
 * told as what it is.
 */
#include "../ledger/world.h"

#include <stdio.h>
#include <string.h>

#include "focus/focus.h"

enum { DAYS = 30, PER_HOUR = 1000 };
#define MONTH (2026 * 12 + 3)

/* One pool and model; of each hour of April there are some tokens more than of the hour before. */
static unsigned long tokens_at(int hour)
{
    return PER_HOUR + 7UL * (unsigned long)hour;
}

struct bill {
    struct oft_buffer ours, hours, theirs, out;
    struct focus_reconcile_input input;
    bool clean;
};

static void put_hours(struct bill *bill, int from, int until)
{
    for (int hour = from; hour < until; hour++) {
        oft_buffer_printf(&bill->hours,
                          "east,gpt-4o,input,p.1,2026-04-%02dT%02d:00:00Z,%lu,%lu.0,0,USD,\n",
                          hour / 24 + 1, hour % 24, tokens_at(hour), tokens_at(hour));
    }
}

static void begin(struct bill *bill)
{
    unsigned long sum = 0;
    *bill = (struct bill){.input = {.month = MONTH}};
    oft_buffer_init(&bill->ours, 1 << 20);
    oft_buffer_init(&bill->hours, 1 << 20);
    oft_buffer_init(&bill->theirs, 1 << 20);
    oft_buffer_init(&bill->out, 1 << 20);
    oft_buffer_append_text(&bill->hours,
                           "pool,model,unit,clause,day,quantity,cost,uncertain,currency,why\n");
    put_hours(bill, 0, DAYS * 24);
    for (int hour = 0; hour < DAYS * 24; hour++) {
        sum += tokens_at(hour);
    }
    oft_buffer_printf(&bill->ours,
                      "BilledCost,BillingCurrency,ChargePeriodStart,ConsumedQuantity,ConsumedUnit,"
                      "x_Pool,x_Model,x_UnitClass\n"
                      "%lu,USD,2026-04-01T00:00:00Z,%lu,Tokens,east,gpt-4o,input\n",
                      sum, sum);
    oft_buffer_append_text(&bill->theirs, "pool,model,unit,day,quantity,cost,currency\n");
}

/* A day of theirs that begins MOVED hours after ours, with MORE tokens and a price of PER_CENT. */
static void put_day(struct bill *bill, int day, int moved, long more, unsigned long per_cent)
{
    long sum = more;
    for (int hour = day * 24 + moved; hour < (day + 1) * 24 + moved; hour++) {
        sum += hour < 0 || hour >= DAYS * 24 ? 0 : (long)tokens_at(hour);
    }
    unsigned long cents = (unsigned long)sum * per_cent;
    oft_buffer_printf(&bill->theirs, "east,gpt-4o,input,2026-04-%02d,%ld,%lu.%02lu,USD\n", day + 1,
                      sum, cents / 100, cents % 100);
}

static const char *hold(struct bill *bill, bool json)
{
    struct oft_arena arena;
    struct oft_error error = {0};
    const struct focus_reconciliation *result;
    struct focus_reconcile_input *input = &bill->input;
    oft_arena_init(&arena, 64 << 20);
    assert_int_equal(
        focus_table_csv(oft_str_from(oft_buffer_text(&bill->ours)), &arena, &input->ours, &error),
        OFT_OK);
    assert_int_equal(
        focus_table_csv(oft_str_from(oft_buffer_text(&bill->hours)), &arena, &input->hours, &error),
        OFT_OK);
    assert_int_equal(focus_table_csv(oft_str_from(oft_buffer_text(&bill->theirs)), &arena,
                                     &input->theirs, &error),
                     OFT_OK);
    assert_int_equal(focus_reconcile(input, &arena, &result, &error), OFT_OK);
    focus_reconciliation_print(result, json, &bill->out);
    bill->clean = focus_reconciliation_clean(result);
    oft_arena_release(&arena);
    return oft_buffer_text(&bill->out);
}

static void end(struct bill *bill)
{
    oft_buffer_release(&bill->ours);
    oft_buffer_release(&bill->hours);
    oft_buffer_release(&bill->theirs);
    oft_buffer_release(&bill->out);
}

static size_t times(const char *text, const char *wanted)
{
    size_t count = 0;
    for (; (text = strstr(text, wanted)) != NULL; text++) {
        count++;
    }
    return count;
}

static void says(const char *text, const char *wanted)
{
    if (strstr(text, wanted) == NULL) {
        fail_msg("no %s in %s", wanted, text);
    }
}

static void the_same_days_are_matched_each(void **state)
{
    struct bill bill;
    (void)state;
    begin(&bill);
    for (int day = 0; day < DAYS; day++) {
        put_day(&bill, day, 0, 0, 100);
    }
    const char *text = hold(&bill, true);
    assert_true(bill.clean);
    assert_int_equal(times(text, "\"differs\":false"), DAYS);
    says(text, "\"day\":\"2026-04-17\"");
    says(text, "\"rows\":30,\"matched\":30");
    end(&bill);
}

static void a_day_that_is_missing_or_twice_is_named(void **state)
{
    struct bill bill;
    (void)state;
    begin(&bill);
    for (int day = 0; day < DAYS; day++) {
        if (day != 11) {
            put_day(&bill, day, 0, 0, 100);
        }
    }
    put_day(&bill, 20, 0, 0, 100);
    const char *text = hold(&bill, true);
    assert_false(bill.clean);
    assert_int_equal(times(text, "\"differs\":true"), 2);
    says(text, "\"day\":\"2026-04-12\",\"differs\":true");
    says(text, "\"cause\":\"missing-day\"");
    says(text, "\"day\":\"2026-04-21\",\"differs\":true");
    says(text, "\"cause\":\"day-twice\"");
    end(&bill);
}

static void days_of_another_time_zone_are_recognised(void **state)
{
    static const int moved[] = {7, -5, 14, 1};
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(moved); i++) {
        struct bill bill;
        char wanted[64];
        begin(&bill);
        for (int day = 0; day < DAYS; day++) {
            put_day(&bill, day, moved[i], 0, 100);
        }
        const char *text = hold(&bill, true);
        assert_int_equal(times(text, "\"cause\":\"time-zone\""), DAYS);
        (void)snprintf(wanted, sizeof(wanted), "begin %d hour%s %s midnight",
                       moved[i] < 0 ? -moved[i] : moved[i], moved[i] == 1 ? "" : "s",
                       moved[i] < 0 ? "before" : "after");
        says(text, wanted);
        end(&bill);
    }
}

/* In FOCUS a period says where it begins, and then ours is cut there, too. */
static void days_that_say_when_they_begin_are_matched_as_they_are(void **state)
{
    struct bill bill;
    (void)state;
    begin(&bill);
    bill.input.theirs_is_focus = true;
    oft_buffer_release(&bill.theirs);
    oft_buffer_init(&bill.theirs, 1 << 20);
    oft_buffer_append_text(&bill.theirs, "BilledCost,BillingCurrency,ChargePeriodStart,"
                                         "ChargePeriodEnd,ConsumedQuantity,ConsumedUnit,x_Pool,"
                                         "x_Model,x_UnitClass\n");
    for (int day = 0; day < DAYS; day++) {
        unsigned long sum = 0;
        for (int hour = day * 24 + 7; hour < (day + 1) * 24 + 7 && hour < DAYS * 24; hour++) {
            sum += tokens_at(hour);
        }
        oft_buffer_printf(&bill.theirs,
                          "%lu,USD,2026-04-%02dT07:00:00Z,2026-0%d-%02dT07:00:00Z,%lu,Tokens,east,"
                          "gpt-4o,input\n",
                          sum, day + 1, day + 1 == DAYS ? 5 : 4, day + 1 == DAYS ? 1 : day + 2,
                          sum);
    }
    const char *text = hold(&bill, true);
    /* Only the seven hours before their first day are left. */
    assert_int_equal(times(text, "\"differs\":true"), 1);
    says(text, "\"day\":\"2026-03-31T07:00:00Z\",\"differs\":true");
    says(text, "\"cause\":\"missing-day\"");
    end(&bill);
}

static void use_about_midnight_on_the_other_day_is_recognised(void **state)
{
    struct bill bill;
    (void)state;
    begin(&bill);
    for (int day = 0; day < DAYS; day++) {
        put_day(&bill, day, 0, day == 3 ? -500 : day == 4 ? 500 : 0, 100);
    }
    const char *text = hold(&bill, true);
    assert_int_equal(times(text, "\"cause\":\"over-midnight\""), 2);
    end(&bill);
}

static void a_price_that_changed_on_a_day_is_told_from_that_day_on(void **state)
{
    struct bill bill;
    (void)state;
    begin(&bill);
    for (int day = 0; day < DAYS; day++) {
        put_day(&bill, day, 0, 0, day < 25 ? 100 : 90);
    }
    const char *text = hold(&bill, true);
    assert_int_equal(times(text, "\"cause\":\"price-changed\""), 5);
    says(text, "\"day\":\"2026-04-26\",\"differs\":true");
    end(&bill);
}

static void what_cannot_be_cut_into_days_is_compared_by_the_month(void **state)
{
    struct bill bill;
    (void)state;
    /* Some of our records are gone: a rest has the month for its day. */
    begin(&bill);
    oft_buffer_release(&bill.hours);
    oft_buffer_init(&bill.hours, 1 << 20);
    oft_buffer_append_text(&bill.hours,
                           "pool,model,unit,clause,day,quantity,cost,uncertain,currency,why\n");
    put_hours(&bill, 24, DAYS * 24);
    oft_buffer_append_text(&bill.hours, "east,gpt-4o,input,p.1,2026-04,25932,25932,0,USD,gone\n");
    for (int day = 0; day < DAYS; day++) {
        put_day(&bill, day, 0, 0, 100);
    }
    const char *text = hold(&bill, true);
    assert_true(bill.clean);
    says(text, "\"day\":null");
    says(text, "\"by_month\":[{\"pool\":\"east\",\"model\":\"gpt-4o\",\"unit\":\"input\","
               "\"why\":\"gone\"}]");
    end(&bill);
    /* Our two files are of different instants. */
    begin(&bill);
    put_hours(&bill, 5, 6);
    put_day(&bill, 0, 0, 0, 100);
    put_day(&bill, 1, 0, 0, 100);
    says(hold(&bill, true), "one of them was made later");
    end(&bill);
    /* One of their rows is of more than a day. */
    begin(&bill);
    put_day(&bill, 4, 0, 0, 100);
    oft_buffer_append_text(&bill.theirs, "east,gpt-4o,input,2026-04,1,1.00,USD\n");
    says(hold(&bill, true), "of more than a day");
    end(&bill);
}

static void rows_that_are_all_of_the_first_mean_the_month(void **state)
{
    struct bill bill;
    (void)state;
    for (int by = FOCUS_BY_AUTO; by <= FOCUS_BY_MONTH; by++) {
        begin(&bill);
        bill.input.by = (enum focus_by)by;
        put_day(&bill, 0, 0, 0, 100);
        const char *text = hold(&bill, true);
        says(text, by == FOCUS_BY_DAY ? "\"day\":\"2026-04-01\"" : "\"day\":null");
        assert_int_equal(times(text, "\"pool\""), by == FOCUS_BY_DAY ? DAYS : 1);
        end(&bill);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_days_are_matched_each),
        cmocka_unit_test(a_day_that_is_missing_or_twice_is_named),
        cmocka_unit_test(days_of_another_time_zone_are_recognised),
        cmocka_unit_test(days_that_say_when_they_begin_are_matched_as_they_are),
        cmocka_unit_test(use_about_midnight_on_the_other_day_is_recognised),
        cmocka_unit_test(a_price_that_changed_on_a_day_is_told_from_that_day_on),
        cmocka_unit_test(what_cannot_be_cut_into_days_is_compared_by_the_month),
        cmocka_unit_test(rows_that_are_all_of_the_first_mean_the_month),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
