/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of the demonstration's day, the keys file, and the latency histogram.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

static void a_day_has_its_rate_on_average_and_is_busiest_at_noon(void **state)
{
    uint64_t count = 0;
    uint64_t quarters[4] = {0};
    int64_t *at = load_schedule(40, 100, 7, &count);
    (void)state;
    assert_non_null(at);
    assert_int_equal(count, 4000);
    for (uint64_t i = 0; i < count; i++) {
        assert_true(at[i] >= 0 && at[i] < 40 * OFT_NS_PER_SECOND);
        assert_true(i == 0 || at[i] >= at[i - 1]);
        quarters[at[i] / (10 * OFT_NS_PER_SECOND)]++;
    }
    /* A quarter of the day at its edge holds 1/4 - 0.6 / (2 pi) of it. */
    assert_in_range(quarters[0], 615, 621);
    assert_in_range(quarters[3], 615, 621);
    assert_in_range(quarters[1] + quarters[2], 2760, 2768);
    free(at);
}

static void the_same_seed_gives_the_same_day_and_another_another(void **state)
{
    uint64_t count = 0;
    int64_t *one = load_schedule(10, 50, 7, &count);
    int64_t *same = load_schedule(10, 50, 7, &count);
    int64_t *other = load_schedule(10, 50, 8, &count);
    (void)state;
    assert_memory_equal(one, same, count * sizeof(*one));
    assert_memory_not_equal(one, other, count * sizeof(*one));
    free(one);
    free(same);
    free(other);
}

static void arrivals_begin_at_none_and_end_at_all(void **state)
{
    (void)state;
    assert_int_equal(load_arrived_at(1000, 0), 0);
    assert_int_equal(load_arrived_at(1000, 500000), 500);
    assert_int_equal(load_arrived_at(1000, 1000000), 1000);
}

static enum oft_err parse_keys(const char *text, struct load_keys *keys, struct oft_error *error)
{
    memset(error, 0, sizeof(*error));
    return load_keys_parse(oft_str_from(text), "keys", keys, error);
}

static void keys_are_picked_by_their_weight(void **state)
{
    struct load_keys keys;
    struct oft_error error;
    unsigned first = 0;
    (void)state;
    assert_int_equal(
        parse_keys("# who\noft_a acme api gpt-4o 3\n\noft_b globex chat o3 1\n", &keys, &error),
        OFT_OK);
    assert_int_equal(keys.count, 2);
    assert_string_equal(keys.items[1].product, "chat");
    for (uint64_t draw = 0; draw < 400; draw++)
        first += load_keys_pick(&keys, draw) == &keys.items[0];
    assert_int_equal(first, 300);
    load_keys_release(&keys);
}

static void a_bad_keys_file_is_refused_without_repeating_a_key(void **state)
{
    static const char *const bad[] = {
        "", "oft_secret acme api gpt-4o 0\n", "oft_secret acme api gpt-4o\n",
        "oft_secret acme api gpt-4o many\n", "oft_secret acme api gpt\"4o 1\n"};
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(bad); i++) {
        struct load_keys keys;
        struct oft_error error;
        assert_int_equal(parse_keys(bad[i], &keys, &error), OFT_ERR_SYNTAX);
        assert_null(strstr(error.message, "secret"));
        assert_null(keys.items);
    }
}

static void quantiles_are_right_within_three_percent(void **state)
{
    struct load_histogram *histogram = calloc(1, sizeof(*histogram));
    (void)state;
    assert_non_null(histogram);
    assert_int_equal(load_histogram_quantile(histogram, 500), 0);
    for (int64_t us = 1; us <= 10000; us++)
        load_histogram_add(histogram, us * OFT_NS_PER_US);
    assert_in_range(load_histogram_quantile(histogram, 500), 5000000, 5160000);
    assert_in_range(load_histogram_quantile(histogram, 990), 9900000, 10210000);
    free(histogram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_day_has_its_rate_on_average_and_is_busiest_at_noon),
        cmocka_unit_test(the_same_seed_gives_the_same_day_and_another_another),
        cmocka_unit_test(arrivals_begin_at_none_and_end_at_all),
        cmocka_unit_test(keys_are_picked_by_their_weight),
        cmocka_unit_test(a_bad_keys_file_is_refused_without_repeating_a_key),
        cmocka_unit_test(quantiles_are_right_within_three_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
