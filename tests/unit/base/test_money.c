/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Money: exact, checked, rounded once. The wide product is held against schoolbook arithmetic.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/money.h"

static oft_nanos parsed(const char *text, unsigned scale)
{
    oft_nanos value = -1;
    assert_int_equal(oft_decimal_parse(oft_str_from(text), scale, &value), OFT_OK);
    return value;
}

static void decimals_are_exact_or_refused(void **state)
{
    static const struct {
        const char *text;
        enum oft_err expected;
    } cases[] = {
        {"", OFT_ERR_SYNTAX},
        {"-", OFT_ERR_SYNTAX},
        {".5", OFT_ERR_SYNTAX},
        {"5.", OFT_ERR_SYNTAX},
        {"1e9", OFT_ERR_SYNTAX},
        {"1,000", OFT_ERR_SYNTAX},
        {" 1", OFT_ERR_SYNTAX},
        {"+1", OFT_ERR_SYNTAX},
        {"1.2.3", OFT_ERR_SYNTAX},
        {"0x10", OFT_ERR_SYNTAX},
        {"nan", OFT_ERR_SYNTAX},
        {"0.0000000001", OFT_ERR_RANGE},
        {"170141183460469231731687303716", OFT_ERR_RANGE},
        {"99999999999999999999999999999999999999999999", OFT_ERR_RANGE},
    };
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        oft_nanos value = 42;
        assert_int_equal(oft_decimal_parse(oft_str_from(cases[i].text), 9, &value),
                         cases[i].expected);
        assert_true(value == 42);
    }
    assert_true(parsed("123.456", 9) == (oft_nanos)123456000000);
    assert_true(parsed("-0.000000001", 9) == -1);
    assert_true(parsed("1.10000000000", 9) == 1100000000);
    assert_true(parsed("0.15", 9) == 150000000);
}

static void five_hundred_billion_dollars_fit_and_print(void **state)
{
    char text[OFT_NANOS_TEXT_BYTES];
    (void)state;
    assert_string_equal(oft_nanos_format_grouped(parsed("500000000000", 9), text),
                        "500,000,000,000.00");
    assert_string_equal(oft_nanos_format(parsed("1234.5678", 9), text), "1234.5678");
    assert_string_equal(oft_nanos_format(-1, text), "-0.000000001");
    assert_string_equal(oft_nanos_format(0, text), "0.00");
    assert_string_equal(oft_nanos_format_grouped(parsed("-1000", 9), text), "-1,000.00");
    assert_string_equal(oft_nanos_format_grouped(parsed("999.999999999", 9), text),
                        "999.999999999");
}

static void whole_numbers_go_to_text_and_back_at_both_ends(void **state)
{
    const oft_nanos values[] = {OFT_NANOS_MIN, OFT_NANOS_MIN + 1, -1, 0, 1, OFT_NANOS_MAX};
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(values); i++) {
        char text[OFT_NANOS_TEXT_BYTES];
        oft_nanos back = 7;
        assert_int_equal(oft_i128_parse(oft_str_from(oft_i128_format(values[i], text)), &back),
                         OFT_OK);
        assert_true(back == values[i]);
    }
    oft_nanos untouched = 7;
    assert_int_equal(
        oft_i128_parse(OFT_STR_LITERAL("170141183460469231731687303715884105728"), &untouched),
        OFT_ERR_RANGE);
    assert_int_equal(oft_i128_parse(OFT_STR_LITERAL("1.0"), &untouched), OFT_ERR_SYNTAX);
    assert_true(untouched == 7);
}

static void overflow_is_an_error_and_changes_nothing(void **state)
{
    oft_nanos value = 5;
    (void)state;
    assert_int_equal(oft_nanos_add(OFT_NANOS_MAX, 1, &value), OFT_ERR_RANGE);
    assert_int_equal(oft_nanos_sub(OFT_NANOS_MIN, 1, &value), OFT_ERR_RANGE);
    assert_int_equal(oft_nanos_mul(OFT_NANOS_MAX, 2, &value), OFT_ERR_RANGE);
    assert_int_equal(oft_nanos_mul_div_half_even(OFT_NANOS_MAX, 3, 2, &value), OFT_ERR_RANGE);
    assert_int_equal(oft_nanos_mul_div_half_even(OFT_NANOS_MIN, OFT_NANOS_MIN, 1, &value),
                     OFT_ERR_RANGE);
    assert_true(value == 5);
}

/* The quotient is 2^128 - 1 and rounds up: one more than any integer here holds. */
static void a_quotient_that_rounds_past_128_bits_is_an_error(void **state)
{
    oft_u128 u = 13043817825332782212ull, v = u - 1;
    oft_u128 w = (u + v) / 2;
    oft_nanos d = (oft_nanos)(((oft_u128)1 << 126) - w);
    oft_nanos x = (oft_nanos)(((oft_u128)1 << 127) - u);
    oft_nanos y = (oft_nanos)(((oft_u128)1 << 127) - v);
    oft_nanos result = 5;
    (void)state;
    assert_int_equal(oft_nanos_mul_div_half_even(x, y, d, &result), OFT_ERR_RANGE);
    assert_int_equal(oft_nanos_mul_div_half_even(-x, y, d, &result), OFT_ERR_RANGE);
    assert_true(result == 5);
}

static void halves_go_to_the_even_neighbour(void **state)
{
    static const struct {
        int value, expected;
    } cases[] = {{1, 0}, {2, 1}, {3, 2}, {5, 2}, {7, 4}, {-1, 0}, {-3, -2}, {-5, -2}, {-7, -4}};
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        oft_nanos result = 99;
        assert_int_equal(oft_nanos_mul_div_half_even(cases[i].value, 1, 2, &result), OFT_OK);
        assert_true(result == cases[i].expected);
    }
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Any width from 0 to BITS bits, so that both the narrow and the wide path are met. */
static oft_nanos random_amount(uint64_t *seed, unsigned bits)
{
    oft_u128 value = ((oft_u128)next_random(seed) << 64 | next_random(seed)) >> 1;
    value >>= 127 - (unsigned)(next_random(seed) % (bits + 1));
    return next_random(seed) & 1 ? -(oft_nanos)value : (oft_nanos)value;
}

/* a * n = q * d + r by the definition: |r| <= d / 2, and q even when it is a tie. The identity is
 * checked modulo 2^128, which together with the bound on r leaves one q. */
static void the_wide_product_is_exact(void **state)
{
    uint64_t seed = 20250121;
    unsigned checked = 0;
    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        oft_nanos a = random_amount(&seed, 126);
        oft_nanos n = random_amount(&seed, 90);
        oft_nanos d = random_amount(&seed, 90);
        oft_nanos q = 0;
        d = d < 0 ? -d : d;
        d += d == 0;
        if (oft_nanos_mul_div_half_even(a, n, d, &q) != OFT_OK) {
            continue;
        }
        oft_nanos r = (oft_nanos)((oft_u128)a * (oft_u128)n - (oft_u128)q * (oft_u128)d);
        oft_nanos size = r < 0 ? -r : r;
        assert_true(size <= d - size);
        assert_true(size != d - size || (q & 1) == 0);
        checked++;
    }
    assert_true(checked > 50000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_are_exact_or_refused),
        cmocka_unit_test(five_hundred_billion_dollars_fit_and_print),
        cmocka_unit_test(whole_numbers_go_to_text_and_back_at_both_ends),
        cmocka_unit_test(overflow_is_an_error_and_changes_nothing),
        cmocka_unit_test(a_quotient_that_rounds_past_128_bits_is_an_error),
        cmocka_unit_test(halves_go_to_the_even_neighbour),
        cmocka_unit_test(the_wide_product_is_exact),
    };
    return cmocka_run_group_tests_name("base money", tests, NULL, NULL);
}
