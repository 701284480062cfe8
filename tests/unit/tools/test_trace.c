/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trace reader: what it takes, what it refuses, and that a refusal names the line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cli/replay.h"

#define HEADER "TIMESTAMP,ContextTokens,GeneratedTokens"

static enum oft_err parse(const char *text, struct cli_trace *trace, struct oft_error *error)
{
    memset(error, 0, sizeof(*error));
    return cli_trace_parse(oft_str_from(text), "t.csv", trace, error);
}

static void a_trace_as_published_is_read_with_its_cr_lf(void **state)
{
    struct cli_trace trace;
    struct oft_error error;
    (void)state;
    assert_int_equal(parse(HEADER "\r\n2023-11-16 18:15:46.6805900,374,44\r\n"
                                  "2023-11-16 18:15:50.9951690,396,109",
                           &trace, &error),
                     OFT_OK);
    assert_int_equal(trace.count, 2);
    assert_int_equal(trace.rows[0].context_tokens, 374);
    assert_int_equal(trace.rows[0].generated_tokens, 44);
    assert_int_equal(trace.rows[1].line, 3);
    assert_int_equal(trace.rows[1].at - trace.rows[0].at, INT64_C(4314579000));
    cli_trace_release(&trace);
}

static void a_byte_order_mark_and_an_empty_last_line_are_taken(void **state)
{
    struct cli_trace trace;
    struct oft_error error;
    (void)state;
    assert_int_equal(
        parse("\xEF\xBB\xBF" HEADER "\n2023-11-16 18:15:46,0,10000000\n\n", &trace, &error),
        OFT_OK);
    assert_int_equal(trace.count, 1);
    cli_trace_release(&trace);
}

static void a_broken_line_is_refused_by_its_number(void **state)
{
    static const struct {
        const char *text;
        const char *where;
    } cases[] = {
        {"", "t.csv:1:"},
        {"time,in,out\n", "t.csv:1:"},
        {HEADER "\n", "no rows"},
        {HEADER "\n2023-11-16 18:15:46,1,1\n\n2023-11-16 18:15:46,1,1\n", "t.csv:3:"},
        {HEADER "\n2023-11-16 18:15:46,12,x\n", "t.csv:2:"},
        {HEADER "\n2023-11-16 18:15:46,-1,2\n", "t.csv:2:"},
        {HEADER "\n2023-11-16 18:15:46,1.5,2\n", "t.csv:2:"},
        {HEADER "\n2023-11-16 18:15:46,,2\n", "t.csv:2:"},
        {HEADER "\n2023-11-16 18:15:46,1, 2\n", "t.csv:2:"},
        {HEADER "\n2023-11-16 18:15:46,10000001,2\n", "t.csv:2:"},
        {HEADER "\n2023-11-16 18:15:46,99999999999999999999,2\n", "t.csv:2:"},
        {HEADER "\n2023-11-16 18:15:46,1\n", "t.csv:2:"},
        {HEADER "\n2023-11-16 18:15:46,1,2,3\n", "t.csv:2:"},
        {HEADER "\n2023-13-16 18:15:46,1,2\n", "t.csv:2:"},
        {HEADER "\nyesterday,1,2\n", "t.csv:2:"},
    };
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        struct cli_trace trace;
        struct oft_error error;
        assert_int_equal(parse(cases[i].text, &trace, &error), OFT_ERR_SYNTAX);
        assert_non_null(strstr(error.message, cases[i].where));
        assert_null(trace.rows);
    }
}

static void pace_follows_the_trace_and_its_speed(void **state)
{
    (void)state;
    assert_int_equal(cli_trace_delay_ns(100, 100 + OFT_NS_PER_SECOND, 1000000), OFT_NS_PER_SECOND);
    assert_int_equal(cli_trace_delay_ns(100, 100 + OFT_NS_PER_SECOND, 10000000),
                     OFT_NS_PER_SECOND / 10);
    assert_int_equal(cli_trace_delay_ns(100, 100 + OFT_NS_PER_SECOND, 500000),
                     2 * OFT_NS_PER_SECOND);
    assert_int_equal(cli_trace_delay_ns(100, 100 + OFT_NS_PER_SECOND, 0), 0);
    assert_int_equal(cli_trace_delay_ns(100, 50, 1000000),
                     0); /* a row out of order is due at once */
    assert_int_equal(cli_trace_delay_ns(INT64_MIN, INT64_MAX, 1), INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trace_as_published_is_read_with_its_cr_lf),
        cmocka_unit_test(a_byte_order_mark_and_an_empty_last_line_are_taken),
        cmocka_unit_test(a_broken_line_is_refused_by_its_number),
        cmocka_unit_test(pace_follows_the_trace_and_its_speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
