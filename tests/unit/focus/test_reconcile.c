/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A provider's file against ours: what is the same is matched, each difference has its likely cause, and
 * every row is somewhere.
 */
#include "../ledger/world.h"

#include <stdio.h>
#include <string.h>

#include "focus/focus.h"

static const char OURS[] =
    "BilledCost,BillingCurrency,ChargePeriodStart,ConsumedQuantity,ConsumedUnit,x_Pool,x_Model,"
    "x_UnitClass,x_EstimatedQuantity,CommitmentDiscountStatus\n"
    "2.5,USD,2026-04-01T00:00:00Z,1000000,Tokens,east,gpt-4o,input,0,\n"
    "0.5,USD,2026-04-01T00:00:00Z,400000,Tokens,east,gpt-4o,cached,0,\n"
    "10,USD,2026-04-01T00:00:00Z,1000000,Tokens,east,gpt-4o,output,300,\n"
    "7,USD,2026-04-01T00:00:00Z,,,,,,,\n"
    "0,USD,2026-04-01T00:00:00Z,5,GPU-Hours,east,,gpu-hour,,Used\n";

/* THEIRS in plain CSV with a line put in; the JSON of the result. */
static bool reconcile_with(const char *ours, const char *theirs, const struct focus_alias *aliases,
                           size_t alias_count, struct oft_buffer *out)
{
    struct oft_arena arena;
    struct oft_error error = {0};
    const struct focus_reconciliation *result;
    struct focus_reconcile_input input = {
        .month = 2026 * 12 + 3, .aliases = aliases, .alias_count = alias_count};
    input.columns[FOCUS_FIELD_COST] = "Amount";
    oft_arena_init(&arena, 16 << 20);
    oft_buffer_init(out, 1 << 20);
    assert_int_equal(focus_table_csv(oft_str_from(ours), &arena, &input.ours, &error), OFT_OK);
    assert_int_equal(focus_table_csv(oft_str_from(theirs), &arena, &input.theirs, &error), OFT_OK);
    assert_int_equal(focus_reconcile(&input, &arena, &result, &error), OFT_OK);
    focus_reconciliation_print(result, true, out);
    bool clean = focus_reconciliation_clean(result);
    oft_arena_release(&arena);
    return clean;
}

static bool reconcile(const char *theirs, const struct focus_alias *aliases, size_t alias_count,
                      struct oft_buffer *out)
{
    return reconcile_with(OURS, theirs, aliases, alias_count, out);
}

#define HEADER "pool,model,unit,day,quantity,Amount,currency\n"
#define CACHED "east,gpt-4o,cached,2026-04-03,400000,0.50,USD\n"
#define OUTPUT "east,gpt-4o,completion_tokens,2026-04-30,1000,10.00,USD\n"

static void the_same_in_other_words_is_matched(void **state)
{
    struct oft_buffer out;
    (void)state;
    /* Two days of input, output in thousands, another name of the pool. */
    static const struct focus_alias alias = {FOCUS_FIELD_POOL, "prod-1", "east"};
    static const char theirs[] =
        HEADER "prod-1,gpt-4o,prompt tokens,2026-04-03,600000,1.50,USD\n"
               "prod-1,gpt-4o,input,2026-04-04,0.4E6,1.00,USD\n" CACHED
               "east,gpt-4o,1K completion_tokens,2026-04-30,1000,10.00,USD\n";
    assert_true(reconcile(theirs, &alias, 1, &out));
    assert_non_null(strstr(oft_buffer_text(&out), "\"rows\":4,\"matched\":4"));
    assert_non_null(strstr(oft_buffer_text(&out),
                           "\"rows\":5,\"matched\":3,\"matched_cost\":\"13\",\"different\":0"));
    oft_buffer_release(&out);
}

static void each_difference_has_its_likely_cause(void **state)
{
    static const struct {
        const char *input, *cached, *output, *cause;
    } cases[] = {
        {"1400000,3.50", CACHED, "1000000,10", "cached-counted-twice"},
        {"1000000,2.51", CACHED, "1000000,10", "price-version"},
        {"1000000,2.504", CACHED, "1000000,10", "rounding"},
        {"1000000,2.5", CACHED, "1000,10", "unit-mismatch"},
        {"1000000,2.5", CACHED, "1000250,10.0025", "estimated-or-unsettled"},
        {"1000000,2.5", CACHED, "1000400,10.004", "not-metered"},
        {"900000,2.25", CACHED, "1000000,10", "late-usage"},
        {"1000000,2.5", "", "1000000,10", "missing-there"},
        {"1000000,2.5", CACHED "east,gpt-4o,request,2026-04-03,7,0.01,USD\n", "1000000,10",
         "missing-here"},
    };
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        struct oft_buffer out;
        char theirs[1024];
        char wanted[64];
        char input[64];
        char output[64];
        (void)snprintf(input, sizeof(input), "%s", cases[i].input);
        (void)snprintf(output, sizeof(output), "%s", cases[i].output);
        (void)snprintf(theirs, sizeof(theirs),
                       HEADER "east,gpt-4o,input,2026-04-03,%s,USD\n%s"
                              "east,gpt-4o,output,2026-04-03,%s,USD\n",
                       input, cases[i].cached, output);
        assert_false(reconcile(theirs, NULL, 0, &out));
        (void)snprintf(wanted, sizeof(wanted), "\"cause\":\"%s\"", cases[i].cause);
        if (strstr(oft_buffer_text(&out), wanted) == NULL) {
            fail_msg("%s: %s", cases[i].cause, oft_buffer_text(&out));
        }
        oft_buffer_release(&out);
    }
}

static void what_cannot_be_compared_is_listed_with_the_reason(void **state)
{
    static const struct {
        const char *row, *why;
    } cases[] = {
        {"west,gpt-4o,input,2026-04-03,1,1,USD\n", "no pool that we metered"},
        {"east,gpt-5,input,2026-04-03,1,1,USD\n", "no model that we metered"},
        {"east,gpt-4o,storage,2026-04-03,1,1,USD\n", "no unit that we meter"},
        {"east,gpt-4o,input,2026-05-03,1,1,USD\n", "another month"},
        {"east,gpt-4o,input,soon,1,1,USD\n", "is no date"},
        {"east,gpt-4o,input,2026-04-30T23:59:60Z,1,1,USD\n", "is a leap second"},
        {"east,gpt-4o,input,2026-04-03,1,1,EUR\n", "the deal is not"},
        {"east,gpt-4o,input,2026-04-03,many,1,USD\n", "no exact decimal"},
        {"east,gpt-4o,input,2026-04-03,1,\"1,00\",USD\n", "no exact decimal"},
        {"east,gpt-4o,input,2026-04-03,1,,USD\n", "it has no cost"},
        {"east,gpt-4o,input,2026-04-03,,1,USD\n", "it has no quantity"},
        {"east,gpt-4o,,2026-04-03,1,1,USD\n", "it names no unit"},
        {",gpt-4o,input,2026-04-03,1,1,USD\n", "it names no pool"},
    };
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        struct oft_buffer out;
        char theirs[1024];
        (void)snprintf(theirs, sizeof(theirs),
                       HEADER "east,gpt-4o,input,2026-04-03,1000000,2.5,USD\n" CACHED
                              "east,gpt-4o,output,2026-04-03,1000000,10,USD\n%s",
                       cases[i].row);
        assert_false(reconcile(theirs, NULL, 0, &out));
        if (strstr(oft_buffer_text(&out), cases[i].why) == NULL) {
            fail_msg("%s: %s", cases[i].why, oft_buffer_text(&out));
        }
        assert_non_null(strstr(oft_buffer_text(&out), "\"rows\":4,\"matched\":3"));
        assert_non_null(strstr(oft_buffer_text(&out), "\"not_compared\":1"));
        oft_buffer_release(&out);
    }
}

/* Berlin's April: our side says where it begins and ends, and instants of theirs go by that. Their days are
 * days of whatever calendar they keep. */
static void the_month_of_an_instant_is_that_of_our_billing_period(void **state)
{
    static const char ours[] =
        "BillingPeriodStart,BillingPeriodEnd,BilledCost,BillingCurrency,ChargePeriodStart,"
        "ConsumedQuantity,ConsumedUnit,x_Pool,x_Model,x_UnitClass\n"
        "2026-03-31T22:00:00Z,2026-04-30T22:00:00Z,2.5,USD,2026-03-31T22:00:00Z,1000000,Tokens,"
        "east,"
        "gpt-4o,input\n";
    static const struct {
        const char *rows;
        bool clean;
    } cases[] = {
        {"east,gpt-4o,input,2026-03-31T22:00:00Z,400000,1,USD\n"
         "east,gpt-4o,input,2026-04-30T21:59:59Z,600000,1.5,USD\n",
         true},
        {"east,gpt-4o,input,2026-04-01,400000,1,USD\n"
         "east,gpt-4o,input,2026-04-30,600000,1.5,USD\n",
         true},
        {"east,gpt-4o,input,2026-03-31T21:59:59Z,400000,1,USD\n"
         "east,gpt-4o,input,2026-04-03,600000,1.5,USD\n",
         false},
        {"east,gpt-4o,input,2026-04-30T22:00:00Z,400000,1,USD\n"
         "east,gpt-4o,input,2026-04-03,600000,1.5,USD\n",
         false},
    };
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        struct oft_buffer out;
        char theirs[1024];
        (void)snprintf(theirs, sizeof(theirs), HEADER "%s", cases[i].rows);
        if (reconcile_with(ours, theirs, NULL, 0, &out) != cases[i].clean) {
            fail_msg("%s%s", cases[i].rows, oft_buffer_text(&out));
        }
        oft_buffer_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_in_other_words_is_matched),
        cmocka_unit_test(each_difference_has_its_likely_cause),
        cmocka_unit_test(the_month_of_an_instant_is_that_of_our_billing_period),
        cmocka_unit_test(what_cannot_be_compared_is_listed_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
