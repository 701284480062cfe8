/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Months of a civil time zone: the deal hands over when they begin, and everything that has a month
 * follows it.
 */
#include "world.h"

#include <stdio.h>
#include <string.h>

#define HOUR (3600 * OFT_NS_PER_SECOND)

static const char DEAL[] =
    "deal \"Zoned\"; customer lab; currency EUR\n"
    "statements in \"Europe/Berlin\"\n"
    "party cloud \"Cloud\"; provider alpha of cloud; model gpt-4o; account acme\n"
    "product api class inference { price * input 5 EUR per 1M tokens }\n"
    "agreement a with cloud {\n"
    "    effective 2020-01-01 until 2035-01-01\n"
    "    share:  share 20% of revenue from api from lab to cloud monthly\n"
    "    commit: commit 1m EUR on alpha over 2020-01-01..2035-01-01 build-up counting all\n"
    "}\n"
    "pool east on alpha {\n"
    "    serves gpt-4o as \"g\" at http://127.0.0.1:9101/v1 kind openai key env K\n"
    "    price gpt-4o input 3 EUR per 1M tokens output 9 EUR per 1M tokens \\\n"
    "        after 1000 monthly input 2 EUR per 1M tokens\n"
    "}\n";

/* A month begins as far from UTC as the one before it, unless it has a line. The clocks of Berlin change
 * on the last Sundays of March and October: to and from two hours before UTC. */
static const char BERLIN[] = "months in \"Europe/Berlin\" by \"2025b\"\n"
                             "months from \"1970-01\" at 1969-12-31T23:00:00Z\n"
                             "months from \"2025-04\" at 2025-03-31T22:00:00Z\n"
                             "months from \"2025-11\" at 2025-10-31T23:00:00Z\n"
                             "months from \"2026-04\" at 2026-03-31T22:00:00Z\n"
                             "months from \"2026-11\" at 2026-10-31T23:00:00Z\n";

static struct book book;
static struct world world;

static enum oft_err parse(const char *own, const char *months, struct deal **ret_deal,
                          char words[4096])
{
    struct deal_file file = {"test.deal", oft_str_from(own)};
    struct deal_file beside = {"months.deal", oft_str_from(months)};
    struct deal_memory_files files = {&file, 1};
    struct deal_diagnostics diagnostics;
    struct oft_buffer out;
    deal_diagnostics_init(&diagnostics);
    oft_buffer_init(&out, 1 << 20);
    enum oft_err err = deal_parse_with("test.deal", deal_load_memory, &files,
                                       (struct deal_generated){&beside, months[0] != '\0'},
                                       ret_deal, &diagnostics, NULL);
    deal_diagnostics_print(&diagnostics, false, &out);
    (void)snprintf(words, 4096, "%s", oft_buffer_text(&out));
    oft_buffer_release(&out);
    deal_diagnostics_release(&diagnostics);
    return err;
}

static void begin(const char *months)
{
    char words[4096];
    struct oft_error error = {0};
    memset(&book, 0, sizeof(book));
    if (parse(DEAL, months, &world.deal, words) != OFT_OK) {
        fail_msg("%s", words);
    }
    assert_int_equal(ledger_context_new(world.deal, 1, (struct deal_attestations){NULL, 0},
                                        &world.context, &error),
                     OFT_OK);
}

static oft_nanos cost_in(const char *month_text, oft_nanos *ret_tokens)
{
    int32_t month = 0;
    oft_nanos sum = 0;
    *ret_tokens = 0;
    assert_int_equal(oft_month_parse(oft_str_from(month_text), &month), OFT_OK);
    for (size_t i = 0; i < book.row_count; i++) {
        const struct ledger_row *row = &book.rows[i];
        if (row->key.month == month && row->key.kind == LEDGER_COST) {
            *ret_tokens += row->totals.quantity;
            sum += row->totals.amount_nanos;
        }
    }
    return sum;
}

static void a_month_begins_at_local_midnight_and_not_a_nanosecond_before(void **state)
{
    static const struct {
        const char *begins, *before, *month;
    } cases[] = {
        {"2026-02-28T23:00:00Z", "2026-02", "2026-03"}, /* 00:00+01:00 */
        {"2026-03-31T22:00:00Z", "2026-03", "2026-04"}, /* 00:00+02:00: the clocks have changed */
        {"2026-10-31T23:00:00Z", "2026-10", "2026-11"},
        {"2025-12-31T23:00:00Z", "2025-12", "2026-01"},
        {"2028-02-29T23:00:00Z", "2028-02", "2028-03"},
    };
    oft_nanos tokens;
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        begin(BERLIN);
        struct meter_record records[] = {record_of(cases[i].begins, "api", "east", 1, 0),
                                         record_of(cases[i].begins, "api", "east", 10, 0)};
        records[0].admitted_ns -= 1;
        book_add(&book, &world, records, 2);
        (void)cost_in(cases[i].before, &tokens);
        assert_nanos(tokens, "1");
        (void)cost_in(cases[i].month, &tokens);
        assert_nanos(tokens, "10");
        world_close(&world);
    }
}

static void months_follow_one_another_without_a_gap(void **state)
{
    (void)state;
    begin(BERLIN);
    for (int32_t month = 1700 * 12; month < 2260 * 12; month++) {
        oft_instant start = deal_month_start(world.deal, month);
        assert_int_equal(deal_month_of(world.deal, start), month);
        assert_int_equal(deal_month_of(world.deal, start - 1), month - 1);
        assert_true(start < deal_month_start(world.deal, month + 1));
    }
    assert_int_equal(deal_month_of(world.deal, INT64_MIN + 1), oft_month_of(INT64_MIN + 1));
    assert_int_equal(deal_month_of(world.deal, INT64_MAX - 1), oft_month_of(INT64_MAX - 1));
    world_close(&world);
}

static void steps_by_volume_count_the_months_of_the_zone(void **state)
{
    oft_nanos tokens;
    (void)state;
    begin(BERLIN);
    /* UTC would have 1100 of them in March. In Berlin the last 600 are of April. */
    struct meter_record records[] = {
        record_of("2026-03-10", "api", "east", 500, 0),
        record_of("2026-03-31T22:30:00Z", "api", "east", 600, 0),
        record_of("2026-04-01T01:00:00Z", "api", "east", 600, 0),
    };
    book_add(&book, &world, records, OFT_COUNT_OF(records));
    assert_nanos(cost_in("2026-03", &tokens), "1500000"); /* 500 at 3 */
    assert_nanos(tokens, "500");
    assert_nanos(cost_in("2026-04", &tokens), "3400000"); /* 1000 at 3, 200 at 2 */
    assert_nanos(tokens, "1200");
    world_close(&world);
}

static void capacity_has_743_hours_in_march_and_745_in_october(void **state)
{
    static const struct {
        const char *month, *hours;
    } cases[] = {{"2026-02", "672"}, {"2026-03", "743"}, {"2026-04", "720"},
                 {"2026-10", "745"}, {"2026-11", "720"}, {"2026-12", "744"}};
    const struct ledger_charge charge = {.clause = "order-1.price",
                                         .pool = "cluster",
                                         .provider = "alpha",
                                         .party = "cloud",
                                         .product = "api",
                                         .unit = LEDGER_GPU_HOUR,
                                         .quantity = 1,
                                         .from = at("2026-01-31T23:00:00Z"),
                                         .until = at("2026-12-31T23:00:00Z"),
                                         .rate = 1000000000};
    struct ledger_batch *batch;
    struct ledger_result result;
    struct oft_error error = {0};
    oft_nanos hours;
    (void)state;
    begin(BERLIN);
    assert_int_equal(ledger_batch_new(&batch), OFT_OK);
    assert_int_equal(ledger_capacity_add(batch, world.context, &charge, 1, at("2027-06-01")),
                     OFT_OK);
    assert_int_equal(ledger_batch_close(batch, book_source(&book), &result, &error), OFT_OK);
    book_take(&book, &result);
    ledger_batch_free(batch);
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        (void)cost_in(cases[i].month, &hours);
        assert_nanos(hours, cases[i].hours);
    }
    (void)cost_in("2027-01", &hours);
    assert_nanos(hours, "0");
    (void)cost_in("2026-01", &hours);
    assert_nanos(hours, "0");
    world_close(&world);
}

/* Zones where the month does not begin on a full hour of UTC: an hour is where it begins. */
static void an_hour_over_the_end_of_a_month_is_where_it_begins_in_half_hour_zones_too(void **state)
{
    (void)state;
    begin("months in \"Asia/Kolkata\" by \"2025b\"\n"
          "months from \"1970-01\" at 1969-12-31T18:30:00Z\n");
    assert_int_equal(deal_month_of(world.deal, at("2026-03-31T18:00:00Z")), 2026 * 12 + 2);
    assert_int_equal(deal_month_of(world.deal, at("2026-03-31T18:30:00Z")), 2026 * 12 + 3);
    world_close(&world);
}

static void statement_of_march(enum ledger_format format, struct oft_buffer *out)
{
    struct oft_error error = {0};
    const struct ledger_statement_input input = {.deal = world.deal,
                                                 .party = "cloud",
                                                 .month = 2026 * 12 + 2,
                                                 .rows = book.rows,
                                                 .row_count = book.row_count,
                                                 .commitment_rows = book.rows,
                                                 .commitment_row_count = book.row_count,
                                                 .as_of = at("2026-05-12T00:00:00Z")};
    oft_buffer_init(out, 1 << 20);
    assert_int_equal(ledger_statement(&input, format, out, &error), OFT_OK);
}

static void a_statement_prints_zone_release_and_its_two_ends(void **state)
{
    struct oft_buffer out;
    (void)state;
    begin(BERLIN);
    struct meter_record record = record_of("2026-02-28T23:00:00Z", "api", "east", 7, 0);
    book_add(&book, &world, &record, 1);
    statement_of_march(LEDGER_JSON, &out);
    assert_non_null(strstr(oft_buffer_text(&out),
                           "\"time_zones\":\"Europe/Berlin, by release 2025b of the zone data: "
                           "this month is 2026-02-28T23:00:00Z until 2026-03-31T22:00:00Z\""));
    oft_buffer_release(&out);
    statement_of_march(LEDGER_TEXT, &out);
    const char *line = oft_buffer_text(&out);
    assert_non_null(strstr(line, "Time zones     Europe/Berlin, by release 2025b"));
    for (const char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        assert_true(end - line <= 80);
    }
    oft_buffer_release(&out);
    world_close(&world);
}

static void without_such_a_file_months_are_utc(void **state)
{
    struct oft_buffer out;
    (void)state;
    begin("");
    assert_int_equal(deal_month_of(world.deal, at("2026-03-31T23:59:59Z")), 2026 * 12 + 2);
    statement_of_march(LEDGER_TEXT, &out);
    assert_non_null(strstr(oft_buffer_text(&out), "UTC alone; no edition of time-zone data"));
    oft_buffer_release(&out);
    world_close(&world);
}

static void what_begins_no_month_is_refused_with_words(void **state)
{
    static const struct {
        const char *own, *months, *words;
    } cases[] = {
        {"months from \"2026-01\" at 2026-01-01\n", "", "written by offtake"},
        {"months in \"UTC\" by \"x\"\n", "", "written by offtake"},
        {"statements in \"UTC\"\n", "", "OFT0011"},
        {"", "months from \"2026-13\" at 2026-01-01\n", "is no month"},
        {"", "months from \"2026-04\" at 2026-03-30T21:00:00Z\n", "no month of a time zone"},
        {"", "months from \"2026-04\" at 2026-04-01\nmonths from \"2026-03\" at 2026-03-01\n",
         "OFT0020: no month of a time zone begins so"},
        {"", "months from \"2026-04\" at 2026-04-01\nmonths from \"2026-04\" at 2026-04-01\n",
         "OFT0020: no month of a time zone begins so"},
    };
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        struct deal *deal = NULL;
        char own[4096];
        char words[4096];
        (void)snprintf(own, sizeof(own), "%s%s", DEAL, cases[i].own);
        assert_int_equal(parse(own, cases[i].months, &deal, words), OFT_ERR_INVALID);
        if (strstr(words, cases[i].words) == NULL) {
            fail_msg("no \"%s\" in: %s", cases[i].words, words);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_month_begins_at_local_midnight_and_not_a_nanosecond_before),
        cmocka_unit_test(months_follow_one_another_without_a_gap),
        cmocka_unit_test(steps_by_volume_count_the_months_of_the_zone),
        cmocka_unit_test(capacity_has_743_hours_in_march_and_745_in_october),
        cmocka_unit_test(an_hour_over_the_end_of_a_month_is_where_it_begins_in_half_hour_zones_too),
        cmocka_unit_test(a_statement_prints_zone_release_and_its_two_ends),
        cmocka_unit_test(without_such_a_file_months_are_utc),
        cmocka_unit_test(what_begins_no_month_is_refused_with_words),
    };
    return cmocka_run_group_tests_name("ledger zones", tests, NULL, NULL);
}
