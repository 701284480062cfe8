/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verification finds what somebody changed behind the program's back, table by table, and finds
 * nothing where nobody did.
 */
#include "world.h"

#include <stdio.h>
#include <string.h>

static int set_up(void **state)
{
    int failure = world_set_up(state);
    struct world *world = *state;
    struct meter_writer writer;
    world_writer_open(world, &writer, 64);
    for (int i = 0; i < 3; i++) { /* three transactions */
        world_append_requests(world, &writer, 4);
        (void)world_drain(world);
    }
    meter_writer_close(&writer);
    return failure;
}

static void honest_books_are_sound_and_say_what_was_checked(void **state)
{
    struct world *world = *state;
    char findings[4096];
    assert_true(world_sound(world, findings));
    assert_non_null(strstr(findings, "Checked 3 transactions"));
    assert_non_null(strstr(findings, "The books are sound."));
    world_reopen(world);
    assert_true(world_sound(world, findings));
}

static void the_json_report_says_the_same(void **state)
{
    struct world *world = *state;
    struct oft_error error = {0};
    struct oft_buffer out;
    bool sound = false;
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(engine_verify(world->engine, LEDGER_JSON, &out, &sound, &error), OFT_OK);
    assert_true(sound);
    assert_non_null(strstr(oft_buffer_text(&out), "\"sound\":true"));
    assert_non_null(strstr(oft_buffer_text(&out), "\"transactions\":3"));
    oft_buffer_release(&out);
}

static void found(struct world *world, const char *sql)
{
    char findings[4096];
    world_tamper(world, sql);
    if (world_sound(world, findings)) {
        fail_msg("not found: %s", sql);
    }
    assert_non_null(strstr(findings, "WRONG: "));
}

#define FINDS(name, sql)           \
    static void name(void **state) \
    {                              \
        found(*state, sql);        \
    }

FINDS(an_entry_with_another_amount, "UPDATE entry SET amount = '1' WHERE number = 2 AND n = 0")
FINDS(an_entry_of_another_account,
      "UPDATE entry SET account = 'cost/nowhere' WHERE number = 1 AND n = 0")
FINDS(an_entry_that_is_gone, "DELETE FROM entry WHERE number = 3 AND n = 1")
FINDS(two_entries_changed_so_that_they_still_balance,
      "UPDATE entry SET amount = CAST(CAST(amount AS INTEGER) * 2 AS TEXT) WHERE number = 1")
FINDS(an_amount_that_is_no_number, "UPDATE entry SET amount = 'much' WHERE number = 1 AND n = 0")
FINDS(a_balance_with_another_amount,
      "UPDATE balance SET amount = '7' WHERE account = 'receivable/acme'")
FINDS(a_balance_that_is_gone, "DELETE FROM balance WHERE account = 'receivable/acme'")
FINDS(a_balance_of_an_account_without_entries, "INSERT INTO balance VALUES ('cost/phantom', '0')")
FINDS(a_series_with_another_quantity, "UPDATE series SET quantity = '999' WHERE kind = 2")
FINDS(a_series_with_another_amount, "UPDATE series SET amount = '999' WHERE kind = 3")
FINDS(a_series_with_other_units, "UPDATE series SET units = zeroblob(56) WHERE kind = 1")
FINDS(a_series_at_another_rate, "UPDATE series SET rate = '1' WHERE kind = 2")
FINDS(a_series_of_another_account, "UPDATE series SET account = 'globex' WHERE kind = 2")
FINDS(a_series_of_another_month, "UPDATE series SET month = month + 1 WHERE kind = 3")
FINDS(a_series_found_under_another_key, "UPDATE series SET key = key || 'x' WHERE kind = 2")
FINDS(a_series_without_changes,
      "INSERT INTO series SELECT id + 1000, key || 'x', kind, month, unit + 1, outcome, rate,"
      " account, product, model, pool, party, clause, '0', '0', units, 0 FROM series WHERE kind = 2"
      " LIMIT 1")
FINDS(a_change_with_another_quantity, "UPDATE change SET quantity = '5' WHERE number = 1 AND n = 0")
FINDS(a_change_that_is_gone, "DELETE FROM change WHERE number = 2 AND n = 0")
FINDS(a_transaction_with_another_hash, "UPDATE txn SET hash = zeroblob(32) WHERE number = 3")
FINDS(a_transaction_that_names_another_before_it,
      "UPDATE txn SET previous = zeroblob(32) WHERE number = 2")
FINDS(a_transaction_of_another_instant,
      "UPDATE txn SET recorded_ns = recorded_ns + 1 WHERE number = 1")
FINDS(a_transaction_cut_out_of_the_middle,
      "DELETE FROM entry WHERE number = 2; DELETE FROM change WHERE number = 2;"
      " DELETE FROM txn_range WHERE number = 2; DELETE FROM txn WHERE number = 2")
FINDS(the_last_transaction_cut_off,
      "DELETE FROM entry WHERE number = 3; DELETE FROM change WHERE number = 3;"
      " DELETE FROM txn_range WHERE number = 3; DELETE FROM txn WHERE number = 3")
FINDS(a_range_with_another_end, "UPDATE txn_range SET until = until + 1 WHERE number = 3")
FINDS(a_range_with_another_start, "UPDATE txn_range SET first = first - 1 WHERE number = 2")
FINDS(a_range_that_is_gone, "DELETE FROM txn_range WHERE number = 1")
FINDS(a_position_moved_back, "UPDATE position SET next = next - 1")
FINDS(a_position_moved_on, "UPDATE position SET next = next + 1")
FINDS(a_position_that_is_gone, "DELETE FROM position")
FINDS(a_position_in_a_segment_that_was_never_read,
      "INSERT INTO position VALUES ('test-9-9-000000.spool', 4)")
FINDS(a_deal_text_that_was_edited,
      "UPDATE deal_text SET text = CAST(replace(CAST(text AS TEXT), '5.00 USD', '4.00 USD')"
      " AS BLOB)")
FINDS(a_deal_text_that_is_gone, "DELETE FROM deal_text")
FINDS(a_policy_that_is_gone, "DELETE FROM policy")

static void a_damaged_open_intent(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct meter_record record = world_record(world);
    char findings[4096];
    world_writer_open(world, &writer, 64);
    world_append(&writer, METER_INTENT, &record);
    (void)world_drain(world);
    assert_true(world_sound(world, findings));
    found(world, "UPDATE open_intent SET record = zeroblob(256)");
    meter_writer_close(&writer);
}

#define WITH_BOOKS(name) cmocka_unit_test_setup_teardown(name, set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_BOOKS(honest_books_are_sound_and_say_what_was_checked),
        WITH_BOOKS(the_json_report_says_the_same),
        WITH_BOOKS(an_entry_with_another_amount),
        WITH_BOOKS(an_entry_of_another_account),
        WITH_BOOKS(an_entry_that_is_gone),
        WITH_BOOKS(two_entries_changed_so_that_they_still_balance),
        WITH_BOOKS(an_amount_that_is_no_number),
        WITH_BOOKS(a_balance_with_another_amount),
        WITH_BOOKS(a_balance_that_is_gone),
        WITH_BOOKS(a_balance_of_an_account_without_entries),
        WITH_BOOKS(a_series_with_another_quantity),
        WITH_BOOKS(a_series_with_another_amount),
        WITH_BOOKS(a_series_with_other_units),
        WITH_BOOKS(a_series_at_another_rate),
        WITH_BOOKS(a_series_of_another_account),
        WITH_BOOKS(a_series_of_another_month),
        WITH_BOOKS(a_series_found_under_another_key),
        WITH_BOOKS(a_series_without_changes),
        WITH_BOOKS(a_change_with_another_quantity),
        WITH_BOOKS(a_change_that_is_gone),
        WITH_BOOKS(a_transaction_with_another_hash),
        WITH_BOOKS(a_transaction_that_names_another_before_it),
        WITH_BOOKS(a_transaction_of_another_instant),
        WITH_BOOKS(a_transaction_cut_out_of_the_middle),
        WITH_BOOKS(the_last_transaction_cut_off),
        WITH_BOOKS(a_range_with_another_end),
        WITH_BOOKS(a_range_with_another_start),
        WITH_BOOKS(a_range_that_is_gone),
        WITH_BOOKS(a_position_moved_back),
        WITH_BOOKS(a_position_moved_on),
        WITH_BOOKS(a_position_that_is_gone),
        WITH_BOOKS(a_position_in_a_segment_that_was_never_read),
        WITH_BOOKS(a_deal_text_that_was_edited),
        WITH_BOOKS(a_deal_text_that_is_gone),
        WITH_BOOKS(a_policy_that_is_gone),
        WITH_BOOKS(a_damaged_open_intent),
    };
    return cmocka_run_group_tests_name("engine verify", tests, NULL, NULL);
}
