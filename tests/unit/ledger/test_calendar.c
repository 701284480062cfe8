/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the clock and the calendar have edges: the ends of months, leap days, leap seconds, an
 * amendment in the middle of a month. Amounts are worked out by hand: a token at one dollar a million
 * is 1000 nano-dollars.
 */
#include "world.h"

#include <string.h>

#define NANOSECOND ((oft_instant)1)

static const char AMENDED[] =
    "deal \"Amended\"; customer lab; currency USD\n"
    "party cloud \"Cloud\"; provider alpha of cloud; model gpt-4o; account acme\n"
    "product api class inference {\n"
    "    price * input 5 USD per 1M tokens output 20 USD per 1M tokens\n"
    "    price * input 6 USD per 1M tokens output 20 USD per 1M tokens from 2026-04-16\n"
    "}\n"
    "agreement old with cloud {\n"
    "    effective 2020-01-01 until 2035-01-01\n"
    "    share:  share 20% of revenue from api from lab to cloud monthly\n"
    "    commit: commit 1m USD on alpha over 2020-01-01..2035-01-01 build-up counting all\n"
    "}\n"
    "agreement new with cloud {\n"
    "    effective 2026-04-16 until 2035-01-01\n"
    "    share:  amend old.share share 25% of revenue from api from lab to cloud monthly\n"
    "    commit: amend old.commit commit 2m USD on alpha over 2026-04-16..2035-01-01 build-up "
    "counting all\n"
    "}\n"
    "pool east on alpha {\n"
    "    serves gpt-4o as \"g\" at http://127.0.0.1:9101/v1 kind openai key env K\n"
    "    price gpt-4o input 3 USD per 1M tokens output 9 USD per 1M tokens\n"
    "    price gpt-4o input 2 USD per 1M tokens output 9 USD per 1M tokens from 2026-04-16\n"
    "}\n";

static struct book book;
static struct world world;

static void begin(const char *deal)
{
    memset(&book, 0, sizeof(book));
    world_open(&world, deal);
}

static struct meter_record record_at(oft_instant instant, uint64_t input)
{
    struct meter_record record = record_of("2026-01-01", "api", "east", input, 0);
    record.admitted_ns = instant;
    return record;
}

static void add_at(oft_instant instant, uint64_t input)
{
    struct meter_record record = record_at(instant, input);
    book_add(&book, &world, &record, 1);
}

/* Input tokens that cost something in MONTH. */
static oft_nanos tokens_in(const char *month_text)
{
    int32_t month = 0;
    oft_nanos sum = 0;
    assert_int_equal(oft_month_parse(oft_str_from(month_text), &month), OFT_OK);
    for (size_t i = 0; i < book.row_count; i++) {
        const struct ledger_row *row = &book.rows[i];
        if (row->key.month == month && row->key.kind == LEDGER_COST) {
            sum += row->totals.quantity;
        }
    }
    return sum;
}

static void the_last_nanosecond_of_a_month_is_its_own_and_the_next_is_not(void **state)
{
    static const struct {
        const char *before, *next, *next_begins;
    } cases[] = {
        {"2026-04", "2026-05", "2026-05-01"}, {"2026-12", "2027-01", "2027-01-01"},
        {"2024-02", "2024-03", "2024-03-01"}, {"2026-02", "2026-03", "2026-03-01"},
        {"2100-02", "2100-03", "2100-03-01"}, {"2000-02", "2000-03", "2000-03-01"},
    };
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        begin(WORLD_DEAL);
        oft_instant boundary = at(cases[i].next_begins);
        struct meter_record records[] = {
            record_at(boundary - NANOSECOND, 1),
            record_at(boundary, 10),
            record_at(boundary + NANOSECOND, 100),
        };
        book_add(&book, &world, records, OFT_COUNT_OF(records)); /* one batch, three instants */
        assert_true(tokens_in(cases[i].before) == 1);
        assert_true(tokens_in(cases[i].next) == 110);
        world_close(&world);
    }
}

static void a_leap_day_is_of_february_and_no_other_year_has_one(void **state)
{
    static const struct {
        const char *day, *month;
    } leap_days[] = {{"2024-02-29T23:59:59.999999999Z", "2024-02"},
                     {"2028-02-29", "2028-02"},
                     {"2000-02-29", "2000-02"}};
    static const char *const none[] = {"2023-02-29", "2026-02-29", "2100-02-29", "1900-02-29"};
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(leap_days); i++) {
        begin(WORLD_DEAL);
        add_at(at(leap_days[i].day), 7);
        assert_true(tokens_in(leap_days[i].month) == 7);
        world_close(&world);
    }
    for (size_t i = 0; i < OFT_COUNT_OF(none); i++) {
        oft_instant instant = 0;
        assert_int_not_equal(oft_instant_parse(oft_str_from(none[i]), &instant), OFT_OK);
    }
    /* The day after 28 February of 2100 begins March. */
    begin(WORLD_DEAL);
    add_at(at("2100-02-28T23:59:59.999999999Z") + NANOSECOND, 7);
    assert_true(tokens_in("2100-03") == 7);
    world_close(&world);
}

/* POSIX clocks show the second before a leap second twice, or stretch the hours around it. Either way
 * two records may have one instant, and a later one an earlier instant. */
static void a_second_that_comes_twice_books_each_record_once_in_the_old_month(void **state)
{
    oft_instant second = at("2016-12-31T23:59:59Z");
    (void)state;
    begin(WORLD_DEAL);
    struct meter_record records[] = {
        record_at(second, 1),
        record_at(second + OFT_NS_PER_SECOND - NANOSECOND, 10),
        record_at(second, 100), /* the same instant once more */
        record_at(second + OFT_NS_PER_SECOND - NANOSECOND, 1000),
        record_at(second + OFT_NS_PER_SECOND, 10000),
    };
    book_add(&book, &world, records, OFT_COUNT_OF(records));
    assert_true(tokens_in("2016-12") == 1111);
    assert_true(tokens_in("2017-01") == 10000);
    assert_nanos((oft_nanos)book.counts.records, "5");
    world_close(&world);
}

/* ---- amendments ------------------------------------------------------------------------------ */

static const struct ledger_row *row_of(enum ledger_series_kind kind, const char *clause)
{
    for (size_t i = 0; i < book.row_count; i++) {
        const struct ledger_row *row = &book.rows[i];
        if (row->key.kind == kind && strcmp(row->key.clause, clause) == 0 &&
            (kind != LEDGER_SHARE || row->key.product[0] == '\0')) {
            return row;
        }
    }
    fail_msg("no line of %s", clause);
    return NULL;
}

static void an_amendment_in_mid_month_begins_at_its_instant_and_both_halves_are_exact(void **state)
{
    oft_instant boundary = at("2026-04-16");
    (void)state;
    begin(AMENDED);
    struct meter_record records[] = {record_at(boundary - NANOSECOND, 700),
                                     record_at(boundary, 11), /* the boundary is the new one's */
                                     record_at(at("2026-04-01"), 300),
                                     record_at(at("2026-05-01") - NANOSECOND, 1000)};
    book_add(&book, &world, records, OFT_COUNT_OF(records));
    /* 1000 before, 1011 from then on; sold at 5 and 6, bought at 3 and 2, shared by 20% and 25%. */
    assert_nanos(row_of(LEDGER_SALE, "api.price.*@always")->totals.amount_nanos, "5000000");
    assert_nanos(row_of(LEDGER_SALE, "api.price.*@2026-04-16")->totals.amount_nanos, "6066000");
    assert_nanos(row_of(LEDGER_COST, "east.price.gpt-4o@always")->totals.amount_nanos, "3000000");
    assert_nanos(row_of(LEDGER_COST, "east.price.gpt-4o@2026-04-16")->totals.amount_nanos,
                 "2022000");
    assert_nanos(row_of(LEDGER_SHARE, "old.share")->totals.amount_nanos, "1000000");
    assert_nanos(row_of(LEDGER_SHARE, "new.share")->totals.amount_nanos, "1516500");
    assert_nanos(row_of(LEDGER_COMMITMENT, "old.commit")->totals.quantity, "3000000");
    assert_nanos(row_of(LEDGER_COMMITMENT, "new.commit")->totals.quantity, "2022000");
    world_close(&world);
}

static void a_statement_of_that_month_has_a_line_for_each_half_with_its_clause(void **state)
{
    static const char *const wanted[] = {"(east.price.gpt-4o@always)",
                                         "(east.price.gpt-4o@2026-04-16)",
                                         "old.share, paid to cloud",
                                         "new.share, paid to cloud",
                                         "20% of",
                                         "25% of",
                                         "\n  old.commit\n",
                                         "\n  new.commit\n",
                                         "NET: lab to cloud"};
    struct oft_error error = {0};
    struct oft_buffer out;
    (void)state;
    begin(AMENDED);
    struct meter_record records[] = {record_at(at("2026-04-16") - NANOSECOND, 1000),
                                     record_at(at("2026-04-16"), 1011)};
    book_add(&book, &world, records, OFT_COUNT_OF(records));
    const struct ledger_statement_input input = {
        .deal = world.deal,
        .party = "cloud",
        .month = 2026 * 12 + 3,
        .rows = book.rows,
        .row_count = book.row_count,
        .commitment_rows = book.rows,
        .commitment_row_count = book.row_count,
        .as_of = at("2026-05-02"),
    };
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(ledger_statement(&input, LEDGER_TEXT, &out, &error), OFT_OK);
    for (size_t i = 0; i < OFT_COUNT_OF(wanted); i++) {
        if (strstr(oft_buffer_text(&out), wanted[i]) == NULL) {
            fail_msg("no \"%s\" in:\n%s", wanted[i], oft_buffer_text(&out));
        }
    }
    oft_buffer_release(&out);
    world_close(&world);
}

/* The halves do not depend on how records were cut into batches. */
static void halves_booked_one_by_one_are_those_booked_at_once(void **state)
{
    oft_instant boundary = at("2026-04-16");
    (void)state;
    begin(AMENDED);
    for (int i = 0; i < 10; i++) {
        add_at(boundary - 1 - i, 100);
        add_at(boundary + i, i == 0 ? 111 : 100);
    }
    assert_nanos(row_of(LEDGER_COST, "east.price.gpt-4o@always")->totals.amount_nanos, "3000000");
    assert_nanos(row_of(LEDGER_COST, "east.price.gpt-4o@2026-04-16")->totals.amount_nanos,
                 "2022000");
    assert_nanos(row_of(LEDGER_SHARE, "old.share")->totals.amount_nanos, "1000000");
    assert_nanos(row_of(LEDGER_SHARE, "new.share")->totals.amount_nanos, "1516500");
    world_close(&world);
}

/* ---- capacity -------------------------------------------------------------------------------- */

static void reckon(const struct ledger_charge *charge, oft_instant through)
{
    struct ledger_batch *batch;
    struct ledger_result result;
    struct oft_error error = {0};
    assert_int_equal(ledger_batch_new(&batch), OFT_OK);
    assert_int_equal(ledger_capacity_add(batch, world.context, charge, 1, through), OFT_OK);
    assert_int_equal(ledger_batch_close(batch, book_source(&book), &result, &error), OFT_OK);
    book_take(&book, &result);
    ledger_batch_free(batch);
}

static void hours_from_a_fraction_of_an_hour_go_over_the_end_of_a_month(void **state)
{
    const struct ledger_charge charge = {.clause = "order-1.price",
                                         .pool = "cluster",
                                         .provider = "alpha",
                                         .party = "cloud",
                                         .product = "api",
                                         .unit = LEDGER_GPU_HOUR,
                                         .quantity = 8,
                                         .from = at("2026-04-15T22:17:31.5Z"),
                                         .until = at("2026-05-15T22:17:31.5Z"),
                                         .rate = 2000000000};
    (void)state;
    begin(AMENDED);
    reckon(&charge, at("2026-07-01"));
    reckon(&charge, at("2026-07-01") - OFT_NS_PER_SECOND); /* the clock showed a second twice */
    reckon(&charge, at("2026-07-01"));
    /* 720 hours in all. Before 1 May begin ceil(361.708...) = 362 of them; before 16 April, when the
     * commitment is amended, ceil(1.708...) = 2. */
    assert_true(tokens_in("2026-04") == (oft_nanos)8 * 362);
    assert_true(tokens_in("2026-05") == (oft_nanos)8 * (720 - 362));
    assert_nanos(row_of(LEDGER_COMMITMENT, "old.commit")->totals.quantity, "32000000000");
    assert_nanos(book_quantity(&book, LEDGER_COMMITMENT, "new.commit"), "11488000000000");
    assert_nanos(book_amount(&book, LEDGER_COST, "cluster"), "11520000000000");
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_nanosecond_of_a_month_is_its_own_and_the_next_is_not),
        cmocka_unit_test(a_leap_day_is_of_february_and_no_other_year_has_one),
        cmocka_unit_test(a_second_that_comes_twice_books_each_record_once_in_the_old_month),
        cmocka_unit_test(an_amendment_in_mid_month_begins_at_its_instant_and_both_halves_are_exact),
        cmocka_unit_test(a_statement_of_that_month_has_a_line_for_each_half_with_its_clause),
        cmocka_unit_test(halves_booked_one_by_one_are_those_booked_at_once),
        cmocka_unit_test(hours_from_a_fraction_of_an_hour_go_over_the_end_of_a_month),
    };
    return cmocka_run_group_tests_name("ledger calendar", tests, NULL, NULL);
}
