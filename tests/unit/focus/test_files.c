/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decimals, CSV and JSON: what goes in comes out, and what is no number, no CSV and no JSON is refused.
 */
#include "../ledger/world.h"

#include <stdio.h>
#include <string.h>

#include "focus/focus.h"

static void decimals_are_exact(void **state)
{
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"0", "0"},
        {"-0.00", "0"},
        {"12.50", "12.5"},
        {"-0.000000000000001", "-0.000000000000001"},
        {"1E3", "1000"},
        {"1.5e-3", "0.0015"},
        {"123456789012345678901234567890.12345", "123456789012345678901234567890.12345"},
        {"0.1", "0.1"},
        {"000012", "12"},
    };
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        struct focus_decimal number;
        char digits[FOCUS_DECIMAL_TEXT_BYTES];
        assert_int_equal(focus_decimal_parse(oft_str_from(cases[i].text), &number), OFT_OK);
        assert_string_equal(focus_decimal_format(number, digits), cases[i].expected);
    }
}

static void what_is_no_number_is_refused(void **state)
{
    static const char *const cases[] = {"",   "-",    "+1",  "1,5", "1.", ".5",    "1/2", "$1",
                                        "1E", "1E+2", "0x1", "1 ",  " 1", "1e2.5", "NaN", "1.2.3"};
    struct focus_decimal number;
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        assert_int_equal(focus_decimal_parse(oft_str_from(cases[i]), &number), OFT_ERR_SYNTAX);
    }
    assert_int_equal(
        focus_decimal_parse(oft_str_from("1000000000000000000000000000000000000000"), &number),
        OFT_ERR_RANGE);
    assert_int_equal(focus_decimal_parse(oft_str_from("1E-40"), &number), OFT_ERR_RANGE);
}

/* (a + b) - b = a, and a * b = b * a, over numbers of all sizes and scales. */
static void sums_and_products_keep_the_laws(void **state)
{
    uint64_t seed = 7;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct focus_decimal n[2];
        for (int i = 0; i < 2; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            n[i] =
                (struct focus_decimal){(int64_t)seed >> (seed % 50), (unsigned)(seed >> 33) % 12};
        }
        struct focus_decimal sum;
        struct focus_decimal back;
        struct focus_decimal product[2];
        int order = 1;
        assert_int_equal(focus_decimal_add(n[0], n[1], &sum), OFT_OK);
        assert_int_equal(focus_decimal_sub(sum, n[1], &back), OFT_OK);
        assert_int_equal(focus_decimal_compare(back, n[0], &order), OFT_OK);
        assert_int_equal(order, 0);
        assert_int_equal(focus_decimal_mul(n[0], n[1], &product[0]), OFT_OK);
        assert_int_equal(focus_decimal_mul(n[1], n[0], &product[1]), OFT_OK);
        assert_int_equal(focus_decimal_compare(product[0], product[1], &order), OFT_OK);
        assert_int_equal(order, 0);
        char digits[FOCUS_DECIMAL_TEXT_BYTES];
        assert_int_equal(
            focus_decimal_parse(oft_str_from(focus_decimal_format(sum, digits)), &back), OFT_OK);
        assert_int_equal(focus_decimal_compare(back, sum, &order), OFT_OK);
        assert_int_equal(order, 0);
    }
}

static enum oft_err csv(const char *text, struct oft_arena *arena, struct focus_table *table)
{
    struct oft_error error = {0};
    return focus_table_csv(oft_str_from(text), arena, table, &error);
}

static void quoted_fields_hold_commas_quotes_and_lines(void **state)
{
    struct oft_arena arena;
    struct focus_table table;
    (void)state;
    oft_arena_init(&arena, 1 << 20);
    assert_int_equal(csv("\xef\xbb\xbf"
                         "a,b,c\r\n\"x,\"\"y\"\"\n z\",,3\r\n\r\n1,\"\",\"q\"",
                         &arena, &table),
                     OFT_OK);
    assert_int_equal(table.row_count, 2);
    assert_string_equal(focus_table_cell(&table, 0, "a"), "x,\"y\"\n z");
    assert_null(focus_table_cell(&table, 0, "b"));
    assert_string_equal(focus_table_cell(&table, 1, "b"), "");
    assert_string_equal(focus_table_cell(&table, 1, "c"), "q");
    assert_null(focus_table_cell(&table, 1, "d"));
    assert_int_equal(table.lines[0], 2);
    assert_int_equal(table.lines[1], 5);
    oft_arena_release(&arena);
}

static void a_csv_that_would_move_cells_is_refused(void **state)
{
    static const char *const cases[] = {"",     "a,b\n1\n", "a,b\n1,2,3\n", "a,a\n1,2\n",
                                        "a,\n", "a\n\"x\n", "a\n\"x\"y\n"};
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        struct oft_arena arena;
        struct focus_table table;
        oft_arena_init(&arena, 1 << 20);
        assert_int_equal(csv(cases[i], &arena, &table), OFT_ERR_SYNTAX);
        oft_arena_release(&arena);
    }
}

static void numbers_of_json_stay_the_text_that_they_are(void **state)
{
    static const char text[] =
        "{\"invoice\": \"7\", \"tags\": [1, 2], \"rows\": [{\"cost\": 0.30000000000000004441, "
        "\"name\": \"a \\u00e9\\\"\\n\"}, {\"cost\": 1e-3, \"more\": {\"x\": [\"}\"]}, "
        "\"name\": null}]}";
    struct oft_arena arena;
    struct focus_table table;
    struct oft_error error = {0};
    (void)state;
    oft_arena_init(&arena, 1 << 20);
    assert_int_equal(focus_table_json(oft_str_from(text), &arena, &table, &error), OFT_OK);
    assert_int_equal(table.row_count, 2);
    assert_string_equal(focus_table_cell(&table, 0, "cost"), "0.30000000000000004441");
    assert_string_equal(focus_table_cell(&table, 0, "name"), "a \xc3\xa9\"\n");
    assert_string_equal(focus_table_cell(&table, 1, "cost"), "1e-3");
    assert_null(focus_table_cell(&table, 1, "name"));
    assert_string_equal(focus_table_cell(&table, 1, "more"), "{\"x\": [\"}\"]}");
    assert_null(focus_table_cell(&table, 0, "more"));
    oft_arena_release(&arena);
}

static void json_that_is_no_list_of_rows_is_refused(void **state)
{
    static const char *const cases[] = {"",
                                        "7",
                                        "{}",
                                        "[1]",
                                        "[{\"a\":1]",
                                        "[{\"a\":1,\"a\":2}]",
                                        "[{\"a\":nope}]",
                                        "[{\"a\":\"\\ud800\"}]",
                                        "[{\"a\":\"x}]",
                                        "[{\"a\":{\"b\":1}",
                                        "{\"rows\": 5}"};
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        struct oft_arena arena;
        struct focus_table table;
        struct oft_error error = {0};
        oft_arena_init(&arena, 1 << 20);
        assert_int_equal(focus_table_json(oft_str_from(cases[i]), &arena, &table, &error),
                         OFT_ERR_SYNTAX);
        oft_arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_are_exact),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(sums_and_products_keep_the_laws),
        cmocka_unit_test(quoted_fields_hold_commas_quotes_and_lines),
        cmocka_unit_test(a_csv_that_would_move_cells_is_refused),
        cmocka_unit_test(numbers_of_json_stay_the_text_that_they_are),
        cmocka_unit_test(json_that_is_no_list_of_rows_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
