/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a record owes, by hand: amounts to the nano-unit, boundaries to the nanosecond, caps, and
 * records that owe nothing or cannot be rated.
 */
#include "world.h"

#include <string.h>

static struct world world;
static struct book book;

static int set_up(void **state)
{
    (void)state;
    memset(&book, 0, sizeof(book));
    world_open(&world, WORLD_DEAL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_close(&world);
    return 0;
}

static void the_published_trace_costs_exactly_what_its_tokens_cost(void **state)
{
    (void)state;
    struct meter_record record =
        record_of("2026-04-10T00:00:00Z", "api", "east", 22361870, 4088665);
    book_add(&book, &world, &record, 1);
    /* 22,361,870 * 2,500 + 4,088,665 * 10,000 */
    assert_nanos(book_amount(&book, LEDGER_COST, "east"), "96791325000");
    assert_nanos(book_amount(&book, LEDGER_SALE, "api"), "193582650000");
    assert_nanos(book_amount(&book, LEDGER_SHARE, "bc.share"), "38716530000");
    assert_nanos(book_amount(&book, LEDGER_COMMITMENT, "bc.commit"), "96791325000");
    assert_null(book_row(&book, LEDGER_COMMITMENT, "bc.chatty"));
}

static void a_price_below_a_nano_unit_a_token_is_rounded_once_on_the_total(void **state)
{
    (void)state;
    struct meter_record record = record_of("2026-04-10T00:00:00Z", "chat", "east", 1, 0);
    record.model_id = oft_id_of(OFT_ID_MODEL, OFT_STR_LITERAL("small"));
    static const char *const sale[] = {"12", "25", "38", "50"};   /* 12.5, 25, 37.5, 50 */
    static const char *const cost[] = {"38", "75", "112", "150"}; /* 37.5, 75, 112.5, 150 */
    for (size_t i = 0; i < 4; i++) {
        book_add(&book, &world, &record, 1);
        assert_nanos(book_amount(&book, LEDGER_SALE, "chat"), sale[i]);
        assert_nanos(book_amount(&book, LEDGER_COST, "east"), cost[i]);
        assert_nanos(book_amount(&book, LEDGER_COMMITMENT, "bc.chatty"), cost[i]);
    }
    /* 20% of 50, whatever the base was rounded to on the way. */
    assert_nanos(book_amount(&book, LEDGER_SHARE, "bc.share"), "10");
}

static void a_price_of_four_decimals_is_exact(void **state)
{
    (void)state;
    struct meter_record record = record_of("2026-04-10T00:00:00Z", "api", "east", 1000002, 0);
    record.model_id = oft_id_of(OFT_ID_MODEL, OFT_STR_LITERAL("small"));
    book_add(&book, &world, &record, 1);
    assert_nanos(book_amount(&book, LEDGER_COST, "east"), "37500075");
}

static void a_clause_ends_at_its_instant_and_not_a_nanosecond_earlier(void **state)
{
    (void)state;
    struct meter_record before =
        record_of("2026-04-14T23:59:59.999999999Z", "copilot", "east", 1000000, 0);
    struct meter_record after = record_of("2026-04-15T00:00:00Z", "copilot", "east", 1000000, 0);
    book_add(&book, &world, &before, 1);
    assert_nanos(book_amount(&book, LEDGER_SHARE, "bc.back"), "300000000");
    book_add(&book, &world, &after, 1);
    assert_nanos(book_amount(&book, LEDGER_SHARE, "bc.back"), "300000000");
    assert_nanos(book_amount(&book, LEDGER_SALE, "copilot"), "6000000000");
}

static void a_commitment_counts_its_products_within_its_period_only(void **state)
{
    (void)state;
    struct meter_record records[] = {
        record_of("2026-03-31T23:59:59.999999999Z", "chat", "east", 1000000, 0),
        record_of("2026-04-01T00:00:00Z", "chat", "east", 1000000, 0),
        record_of("2026-04-30T23:59:59.999999999Z", "api", "east", 1000000, 0),
        record_of("2026-05-01T00:00:00Z", "chat", "east", 1000000, 0),
    };
    book_add(&book, &world, records, 4);
    assert_nanos(book_amount(&book, LEDGER_COMMITMENT, "bc.chatty"), "2500000000");
    assert_nanos(book_amount(&book, LEDGER_COMMITMENT, "bc.commit"), "10000000000");
    assert_nanos(book_row(&book, LEDGER_COMMITMENT, "bc.chatty")->key.month, "24315");
}

static void months_are_apart_at_midnight_utc(void **state)
{
    (void)state;
    struct meter_record records[] = {
        record_of("2026-04-30T23:59:59.999999999Z", "api", "east", 1, 0),
        record_of("2026-05-01T00:00:00Z", "api", "east", 2, 0),
    };
    book_add(&book, &world, records, 2);
    size_t seen = 0;
    for (size_t i = 0; i < book.row_count; i++) {
        if (book.rows[i].key.kind == LEDGER_COST) {
            assert_true(book.rows[i].totals.quantity == book.rows[i].key.month - 2026 * 12 - 2);
            seen++;
        }
    }
    assert_int_equal(seen, 2);
}

static void a_total_cap_is_met_in_mid_batch_and_never_passed(void **state)
{
    (void)state;
    /* 5,000 of revenue a token, half of it: 2,500. The cap is 10,000. */
    struct meter_record records[3];
    for (size_t i = 0; i < 3; i++) {
        records[i] = record_of("2026-01-10T00:00:00Z", "api", "east", 1, 0);
    }
    book_add(&book, &world, records, 3);
    assert_nanos(book_amount(&book, LEDGER_SHARE, "bc.capped"), "7500");
    records[0].admitted_ns = at("2026-02-10T00:00:00Z");
    book_add(&book, &world, records, 3);
    assert_nanos(book_amount(&book, LEDGER_SHARE, "bc.capped"), "10000");
    book_add(&book, &world, records, 3);
    assert_nanos(book_amount(&book, LEDGER_SHARE, "bc.capped"), "10000");
}

static void failed_and_refused_requests_owe_nothing_and_are_counted(void **state)
{
    (void)state;
    struct meter_record failed = record_of("2026-04-10T00:00:00Z", "api", "east", 10, 10);
    failed.status = 502;
    struct meter_record refused = failed;
    refused.status = 403;
    refused.flags = METER_FLAG_REFUSED;
    book_add(&book, &world, &failed, 1);
    book_add(&book, &world, &refused, 1);
    assert_int_equal(book.row_count, 2);
    assert_true(book.debits == 0);
    assert_nanos(book_quantity(&book, LEDGER_USAGE, "api"), "2");
    assert_int_equal(book.counts.unrated, 0);
}

static void a_client_that_left_owes_what_ran(void **state)
{
    (void)state;
    struct meter_record record = record_of("2026-04-10T00:00:00Z", "api", "east", 10, 10);
    record.status = 499;
    record.flags = METER_FLAG_ABORTED | METER_FLAG_ESTIMATED;
    book_add(&book, &world, &record, 1);
    assert_nanos(book_amount(&book, LEDGER_COST, "east"), "125000");
    assert_int_equal(book.counts.estimated, 1);
    assert_int_equal(book_row(&book, LEDGER_USAGE, "api")->key.outcome, LEDGER_SERVED_ESTIMATED);
}

static void reserved_capacity_owes_no_cost_and_keeps_its_usage(void **state)
{
    (void)state;
    struct meter_record record = record_of("2026-04-10T00:00:00Z", "api", "metal", 10, 10);
    book_add(&book, &world, &record, 1);
    assert_null(book_row(&book, LEDGER_COST, "metal"));
    assert_nanos(book_amount(&book, LEDGER_SALE, "api"), "250000");
    assert_int_equal(book_row(&book, LEDGER_USAGE, "metal")->totals.units[DEAL_UNIT_INPUT], 10);
    assert_int_equal(book.counts.unrated, 0);
}

static void unknown_ids_are_counted_and_named_and_never_dropped(void **state)
{
    (void)state;
    struct meter_record record = record_of("2026-04-10T00:00:00Z", "api", "east", 10, 10);
    record.product_id = 0xabc;
    book_add(&book, &world, &record, 1);
    assert_int_equal(book.counts.unrated, 1);
    assert_nanos(book_quantity(&book, LEDGER_USAGE, "?0000000000000abc"), "1");
    assert_nanos(book_amount(&book, LEDGER_COST, "east"),
                 "125000"); /* the provider bills us anyway */
    record = record_of("2026-04-10T00:00:00Z", "copilot", "east", 10, 10);
    record.model_id = oft_id_of(OFT_ID_MODEL, OFT_STR_LITERAL("small")); /* copilot has no price */
    book_add(&book, &world, &record, 1);
    assert_int_equal(book.counts.unrated, 2);
}

static void an_orphaned_intent_owes_its_input_and_is_flagged(void **state)
{
    (void)state;
    struct meter_record intent = record_of("2026-04-10T00:00:00Z", "api", "east", 100, 4096);
    struct meter_record settled;
    struct oft_error error = {0};
    struct ledger_batch *batch;
    struct ledger_result result;
    intent.commit = (uint32_t)METER_RECORD_MAGIC << 16 | METER_INTENT << 8 | 1;
    intent.status = 0;
    ledger_settle_orphan(&intent, &settled);
    book_add(&book, &world, &settled, 1);
    assert_nanos(book_amount(&book, LEDGER_COST, "east"), "250000");
    assert_int_equal(book.counts.unsettled, 1);
    assert_int_equal(book_row(&book, LEDGER_USAGE, "api")->key.outcome, LEDGER_UNSETTLED);
    /* The intent itself is no settled record. */
    assert_int_equal(ledger_batch_new(&batch), OFT_OK);
    assert_int_equal(ledger_batch_add(batch, world.context, &intent), OFT_ERR_INVALID);
    assert_int_not_equal(ledger_batch_close(batch, book_source(&book), &result, &error), OFT_OK);
    ledger_batch_free(batch);
}

static void counts_that_leave_their_range_make_the_batch_unusable(void **state)
{
    (void)state;
    struct ledger_batch *batch;
    struct ledger_result result;
    struct oft_error error = {0};
    struct meter_record record = record_of("2026-04-10T00:00:00Z", "api", "east", UINT64_MAX, 0);
    assert_int_equal(ledger_batch_new(&batch), OFT_OK);
    assert_int_equal(ledger_batch_add(batch, world.context, &record), OFT_OK);
    assert_int_equal(ledger_batch_add(batch, world.context, &record), OFT_ERR_RANGE);
    assert_int_equal(ledger_batch_close(batch, book_source(&book), &result, &error), OFT_ERR_RANGE);
    ledger_batch_free(batch);
}

static const struct ledger_entry *entry_of(const struct ledger_result *result, const char *account)
{
    for (size_t i = 0; i < result->entry_count; i++) {
        if (strcmp(result->entries[i].account, account) == 0) {
            return &result->entries[i];
        }
    }
    fail_msg("no entry on %s", account);
    return NULL;
}

static void entries_go_to_the_accounts_of_the_contract(void **state)
{
    (void)state;
    struct ledger_batch *batch;
    struct ledger_result result;
    struct oft_error error = {0};
    struct meter_record records[] = {
        record_of("2026-04-10T00:00:00Z", "chat", "east", 1000, 0),
        record_of("2026-04-10T00:00:00Z", "copilot", "east", 1000, 0),
    };
    assert_int_equal(ledger_batch_new(&batch), OFT_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(ledger_batch_add(batch, world.context, &records[i]), OFT_OK);
    }
    assert_int_equal(ledger_batch_close(batch, book_source(&book), &result, &error), OFT_OK);
    assert_nanos(entry_of(&result, "receivable/acme")->amount_nanos, "4000000");
    assert_nanos(entry_of(&result, "revenue/chat")->amount_nanos, "-4000000");
    assert_nanos(entry_of(&result, "cost/east")->amount_nanos, "5000000");
    assert_nanos(entry_of(&result, "payable/bigcloud")->amount_nanos, "-5000000");
    assert_nanos(entry_of(&result, "share-expense/bc.share")->amount_nanos, "800000");
    assert_nanos(entry_of(&result, "receivable-party/bigcloud")->amount_nanos, "300000");
    assert_nanos(entry_of(&result, "share-income/bc.back")->amount_nanos, "-300000");
    assert_nanos(entry_of(&result, "memo/sales/copilot")->amount_nanos, "3000000");
    assert_nanos(entry_of(&result, "memo/sales-contra/copilot")->amount_nanos, "-3000000");
    assert_nanos(entry_of(&result, "memo/share/oc.side")->amount_nanos, "40000");
    assert_nanos(entry_of(&result, "memo/commitment/bc.commit")->amount_nanos, "5000000");
    assert_nanos(entry_of(&result, "memo/commitment/bc.chatty")->amount_nanos, "2500000");
    ledger_batch_free(batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define RATING(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        RATING(the_published_trace_costs_exactly_what_its_tokens_cost),
        RATING(a_price_below_a_nano_unit_a_token_is_rounded_once_on_the_total),
        RATING(a_price_of_four_decimals_is_exact),
        RATING(a_clause_ends_at_its_instant_and_not_a_nanosecond_earlier),
        RATING(a_commitment_counts_its_products_within_its_period_only),
        RATING(months_are_apart_at_midnight_utc),
        RATING(a_total_cap_is_met_in_mid_batch_and_never_passed),
        RATING(failed_and_refused_requests_owe_nothing_and_are_counted),
        RATING(a_client_that_left_owes_what_ran),
        RATING(reserved_capacity_owes_no_cost_and_keeps_its_usage),
        RATING(unknown_ids_are_counted_and_named_and_never_dropped),
        RATING(an_orphaned_intent_owes_its_input_and_is_flagged),
        RATING(counts_that_leave_their_range_make_the_batch_unusable),
        RATING(entries_go_to_the_accounts_of_the_contract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
