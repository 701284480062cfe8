/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing terms field by field: directions, tolerance, match, money in place of a field.
 */
#include "desk/internal.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define UNIT OFT_NANOS_PER_UNIT

static struct desk_term amount(const char *name, oft_nanos nanos, const char *per)
{
    struct desk_name unit = per[0] == '\0' ? (struct desk_name){0, ""} : desk_word(per);
    return (struct desk_term){desk_word(name), DESK_TERM_AMOUNT, nanos, unit, -1};
}

static struct desk_term number(const char *name, enum desk_term_kind kind, oft_nanos value)
{
    return (struct desk_term){desk_word(name), kind, value, {0, ""}, -1};
}

static struct desk_term text(const char *name, const char *value)
{
    return (struct desk_term){desk_word(name), DESK_TERM_TEXT, 0, desk_word(value), -1};
}

static struct desk_term worth(struct desk_term term, oft_nanos cash)
{
    term.cash_nanos = cash;
    return term;
}

static enum desk_verdict compare(const struct desk_right *right, struct desk_term noticed,
                                 struct desk_term other)
{
    return desk_terms_compare(right, (struct desk_terms){&noticed, 1},
                              (struct desk_terms){&other, 1}, NULL);
}

static void fields_that_everybody_knows_have_their_direction(void **unused)
{
    (void)unused;
    const struct desk_right right = {.match = DESK_MATCH_ALL};
    static const struct {
        const char *name;
        bool lower;
    } known[] = {{"price", true},   {"prepay", true}, {"minimum", true}, {"start", true},
                 {"deliver", true}, {"cure", true},   {"uptime", false}, {"late-credit", false}};
    for (size_t i = 0; i < OFT_COUNT_OF(known); i++) {
        struct desk_term ten = number(known[i].name, DESK_TERM_NUMBER, 10);
        struct desk_term nine = number(known[i].name, DESK_TERM_NUMBER, 9);
        assert_int_equal(compare(&right, ten, ten), DESK_TERMS_SAME);
        assert_int_equal(compare(&right, ten, nine),
                         known[i].lower ? DESK_TERMS_FOR_CUSTOMER : DESK_TERMS_FOR_OTHER);
        assert_int_equal(compare(&right, nine, ten),
                         known[i].lower ? DESK_TERMS_FOR_OTHER : DESK_TERMS_FOR_CUSTOMER);
    }
}

static void any_other_field_must_be_equal(void **unused)
{
    (void)unused;
    const struct desk_right right = {.match = DESK_MATCH_ALL};
    struct desk_term ten = number("slots", DESK_TERM_NUMBER, 10);
    struct desk_term nine = number("slots", DESK_TERM_NUMBER, 9);
    assert_int_equal(compare(&right, ten, ten), DESK_TERMS_SAME);
    assert_int_equal(compare(&right, ten, nine), DESK_TERMS_OTHER_KIND);
    assert_int_equal(compare(&right, nine, ten), DESK_TERMS_OTHER_KIND);
    assert_int_equal(compare(&right, text("law", "NY"), text("law", "NY")), DESK_TERMS_SAME);
    assert_int_equal(compare(&right, text("law", "NY"), text("law", "ny")), DESK_TERMS_OTHER_KIND);
}

static void a_declared_direction_goes_before_the_known_one(void **unused)
{
    (void)unused;
    const struct desk_compare higher = {desk_word("price"), DESK_HIGHER, 0};
    const struct desk_compare equal = {desk_word("price"), DESK_EQUAL, 0};
    struct desk_term two = amount("price", 2 * UNIT, ""), three = amount("price", 3 * UNIT, "");
    struct desk_right right = {.match = DESK_MATCH_ALL, .compares = &higher, .compare_count = 1};
    assert_int_equal(compare(&right, two, three), DESK_TERMS_FOR_CUSTOMER);
    right.compares = &equal;
    assert_int_equal(compare(&right, two, three), DESK_TERMS_OTHER_KIND);
    assert_int_equal(compare(&right, three, two), DESK_TERMS_OTHER_KIND);
}

static void tolerance_is_a_part_of_the_noticed_value_and_no_more(void **unused)
{
    (void)unused;
    const struct desk_compare within = {desk_word("price"), DESK_LOWER, 20000000}; /* 2% */
    const struct desk_right right = {
        .match = DESK_MATCH_ALL, .compares = &within, .compare_count = 1};
    struct desk_term noticed = amount("price", 2 * UNIT, "");
    assert_int_equal(compare(&right, noticed, amount("price", 2040000000, "")), DESK_TERMS_SAME);
    assert_int_equal(compare(&right, noticed, amount("price", 2040000001, "")),
                     DESK_TERMS_FOR_OTHER);
    /* The better side is better however little: it needs no tolerance. */
    assert_int_equal(compare(&right, noticed, amount("price", 1999999999, "")),
                     DESK_TERMS_FOR_CUSTOMER);
    /* Cut, never rounded up: 2% of 49 is 0.98 of the smallest unit. */
    assert_int_equal(compare(&right, amount("price", 49, ""), amount("price", 50, "")),
                     DESK_TERMS_FOR_OTHER);
    assert_int_equal(compare(&right, amount("price", 50, ""), amount("price", 51, "")),
                     DESK_TERMS_SAME);
}

static void an_equal_field_may_have_a_tolerance_on_both_sides(void **unused)
{
    (void)unused;
    const struct desk_compare within = {desk_word("power"), DESK_EQUAL, 100000000}; /* 10% */
    const struct desk_right right = {
        .match = DESK_MATCH_ALL, .compares = &within, .compare_count = 1};
    struct desk_term noticed = number("power", DESK_TERM_NUMBER, 100);
    for (oft_nanos value = 88; value <= 112; value++) {
        assert_int_equal(compare(&right, noticed, number("power", DESK_TERM_NUMBER, value)),
                         value >= 90 && value <= 110 ? DESK_TERMS_SAME : DESK_TERMS_OTHER_KIND);
    }
}

static void another_kind_or_unit_is_another_field(void **unused)
{
    (void)unused;
    const struct desk_right right = {.match = DESK_MATCH_ALL};
    struct desk_term hourly = amount("price", 2 * UNIT, "gpu-hour");
    assert_int_equal(compare(&right, hourly, amount("price", UNIT, "gpu-month")),
                     DESK_TERMS_OTHER_KIND);
    assert_int_equal(compare(&right, hourly, amount("price", UNIT, "")), DESK_TERMS_OTHER_KIND);
    assert_int_equal(compare(&right, hourly, number("price", DESK_TERM_NUMBER, UNIT)),
                     DESK_TERMS_OTHER_KIND);
    assert_int_equal(compare(&right, number("start", DESK_TERM_INSTANT, 10),
                             number("start", DESK_TERM_NUMBER, 10)),
                     DESK_TERMS_OTHER_KIND);
}

static void match_all_allows_no_field_more_and_none_less(void **unused)
{
    (void)unused;
    const struct desk_right right = {.match = DESK_MATCH_ALL};
    const struct desk_term both[] = {text("law", "NY"), amount("price", 2 * UNIT, "")};
    const char *field;
    const struct desk_terms all = {both, 2}, price = {&both[1], 1}, none = {NULL, 0};
    assert_int_equal(desk_terms_compare(&right, all, price, &field), DESK_TERMS_OTHER_KIND);
    assert_string_equal(field, "law");
    assert_int_equal(desk_terms_compare(&right, price, all, &field), DESK_TERMS_OTHER_KIND);
    assert_string_equal(field, "law");
    assert_int_equal(desk_terms_compare(&right, all, none, &field), DESK_TERMS_OTHER_KIND);
    assert_int_equal(desk_terms_compare(&right, none, none, &field), DESK_TERMS_SAME);
    assert_string_equal(field, "");
}

static void economic_compares_amounts_alone(void **unused)
{
    (void)unused;
    const struct desk_right right = {.match = DESK_MATCH_ECONOMIC};
    const struct desk_term noticed[] = {text("law", "NY"), amount("price", 2 * UNIT, ""),
                                        number("uptime", DESK_TERM_NUMBER, 99)};
    const struct desk_term other[] = {text("law", "DE"), amount("price", 2 * UNIT, "")};
    const struct desk_term dearer[] = {amount("deposit", UNIT, ""), amount("price", 2 * UNIT, "")};
    const char *field;
    assert_int_equal(desk_terms_compare(&right, (struct desk_terms){noticed, 3},
                                        (struct desk_terms){other, 2}, &field),
                     DESK_TERMS_SAME);
    assert_int_equal(desk_terms_compare(&right, (struct desk_terms){noticed, 3},
                                        (struct desk_terms){dearer, 2}, &field),
                     DESK_TERMS_OTHER_KIND);
    assert_string_equal(field, "deposit");
}

static void listed_compares_what_is_declared_alone(void **unused)
{
    (void)unused;
    const struct desk_compare uptime = {desk_word("uptime"), DESK_HIGHER, 0};
    const struct desk_right right = {
        .match = DESK_MATCH_LISTED, .compares = &uptime, .compare_count = 1};
    const struct desk_term noticed[] = {amount("price", 2 * UNIT, ""),
                                        number("uptime", DESK_TERM_NUMBER, 99)};
    const struct desk_term dearer[] = {amount("price", 9 * UNIT, ""),
                                       number("uptime", DESK_TERM_NUMBER, 99)};
    const struct desk_term down[] = {number("uptime", DESK_TERM_NUMBER, 98)};
    const struct desk_terms as_noticed = {noticed, 2};
    const char *field;
    assert_true(desk_conforms(&right, as_noticed, (struct desk_terms){dearer, 2}, NULL));
    assert_int_equal(desk_terms_compare(&right, as_noticed, (struct desk_terms){down, 1}, &field),
                     DESK_TERMS_FOR_OTHER);
    assert_string_equal(field, "uptime");
}

static void what_differs_may_be_made_good_in_money_where_the_clause_says_so(void **unused)
{
    (void)unused;
    struct desk_right right = {.match = DESK_MATCH_ALL};
    struct desk_term noticed = worth(text("site", "owned"), 5 * UNIT);
    struct desk_term enough = worth(text("site", "leased"), 5 * UNIT);
    struct desk_term little = worth(text("site", "leased"), 5 * UNIT - 1);
    assert_int_equal(compare(&right, noticed, enough), DESK_TERMS_OTHER_KIND);
    right.cash_equivalent = true;
    assert_int_equal(compare(&right, noticed, enough), DESK_TERMS_SAME);
    assert_int_equal(compare(&right, noticed, little), DESK_TERMS_OTHER_KIND);
    assert_int_equal(compare(&right, noticed, text("site", "leased")), DESK_TERMS_OTHER_KIND);
    /* What nobody said the worth of cannot be paid for. */
    assert_int_equal(compare(&right, text("site", "owned"), enough), DESK_TERMS_OTHER_KIND);
    /* A field that is left out offers nothing. */
    assert_false(
        desk_conforms(&right, (struct desk_terms){&noticed, 1}, (struct desk_terms){0}, NULL));
}

static void one_worse_field_is_not_made_up_for_by_a_better_one(void **unused)
{
    (void)unused;
    const struct desk_right right = {.match = DESK_MATCH_ALL};
    const struct desk_term noticed[] = {amount("price", 2 * UNIT, ""),
                                        number("uptime", DESK_TERM_NUMBER, 99)};
    const struct desk_term mixed[] = {amount("price", UNIT, ""),
                                      number("uptime", DESK_TERM_NUMBER, 98)};
    assert_false(desk_conforms(&right, (struct desk_terms){noticed, 2},
                               (struct desk_terms){mixed, 2}, NULL));
}

static void the_short_window_is_for_a_change_in_the_third_partys_favour_alone(void **unused)
{
    (void)unused;
    const struct desk_compare within = {desk_word("price"), DESK_LOWER, 100000000};
    const struct desk_right right = {
        .match = DESK_MATCH_ALL, .compares = &within, .compare_count = 1};
    const struct desk_term was[] = {amount("price", 20, ""),
                                    number("uptime", DESK_TERM_NUMBER, 99)};
    const struct desk_term dearer[] = {amount("price", 21, ""),
                                       number("uptime", DESK_TERM_NUMBER, 99)};
    const struct desk_term mixed[] = {amount("price", 21, ""),
                                      number("uptime", DESK_TERM_NUMBER, 100)};
    const struct desk_terms before = {was, 2};
    /* Tolerance does not hide a change: 21 for 20 is within 10%, and still in its favour. */
    assert_true(desk_favours_other(&right, before, (struct desk_terms){dearer, 2}));
    assert_false(desk_favours_other(&right, before, (struct desk_terms){mixed, 2}));
    assert_false(desk_favours_other(&right, before, before));
    assert_false(desk_favours_other(&right, before, (struct desk_terms){was, 1}));
}

static void the_largest_numbers_are_compared_without_overflow(void **unused)
{
    (void)unused;
    const struct desk_compare within = {desk_word("price"), DESK_LOWER, INT64_MAX};
    const struct desk_right right = {
        .match = DESK_MATCH_ALL, .compares = &within, .compare_count = 1};
    const oft_nanos most = (oft_nanos)(~(oft_u128)0 >> 1), least = -most - 1;
    struct desk_term high = amount("price", most, ""), low = amount("price", least, "");
    assert_int_equal(compare(&right, high, low), DESK_TERMS_FOR_CUSTOMER);
    (void)compare(&right, low, high); /* the sanitizers look on */
    assert_int_equal(compare(&right, high, high), DESK_TERMS_SAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_that_everybody_knows_have_their_direction),
        cmocka_unit_test(any_other_field_must_be_equal),
        cmocka_unit_test(a_declared_direction_goes_before_the_known_one),
        cmocka_unit_test(tolerance_is_a_part_of_the_noticed_value_and_no_more),
        cmocka_unit_test(an_equal_field_may_have_a_tolerance_on_both_sides),
        cmocka_unit_test(another_kind_or_unit_is_another_field),
        cmocka_unit_test(match_all_allows_no_field_more_and_none_less),
        cmocka_unit_test(economic_compares_amounts_alone),
        cmocka_unit_test(listed_compares_what_is_declared_alone),
        cmocka_unit_test(what_differs_may_be_made_good_in_money_where_the_clause_says_so),
        cmocka_unit_test(one_worse_field_is_not_made_up_for_by_a_better_one),
        cmocka_unit_test(the_short_window_is_for_a_change_in_the_third_partys_favour_alone),
        cmocka_unit_test(the_largest_numbers_are_compared_without_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
