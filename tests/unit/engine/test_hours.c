/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A month by the day and the hour, out of the spool's archive: it adds up to the books, or says what it
 * does not come to.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/periods.h"
#include "focus/focus.h"

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)
#define APRIL            (2026 * 12 + 3)
#define HEADER           "pool,model,unit,clause,day,quantity,cost,uncertain,currency,why\n"

static oft_instant instant(const char *text)
{
    oft_instant result = 0;
    assert_int_equal(oft_instant_parse(oft_str_from(text), &result), OFT_OK);
    return result;
}

static void serve(struct world *world, struct meter_writer *writer, const char *at, uint64_t input)
{
    struct meter_record record = world_record(world);
    record.admitted_ns = instant(at);
    record.units[DEAL_UNIT_INPUT] = input;
    record.units[DEAL_UNIT_OUTPUT] = 0;
    world_append(writer, METER_SETTLED, &record);
}

static void says(struct world *world, int32_t month, bool by_hour, const char *wanted)
{
    struct oft_buffer out;
    struct oft_error error = {0};
    oft_buffer_init(&out, 1 << 20);
    if (engine_metering(world->engine, month, by_hour, world->now, &out, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
    assert_string_equal(oft_buffer_text(&out), wanted);
    oft_buffer_release(&out);
}

static void close_month(struct world *world, int32_t month, bool soft)
{
    struct oft_buffer out;
    struct oft_error error = {0};
    oft_buffer_init(&out, 1 << 20);
    if (engine_period_close(world->engine, month, soft, "ann", world->now, &out, &error) !=
        OFT_OK) {
        fail_msg("%s", error.message);
    }
    oft_buffer_release(&out);
}

static void days_add_up_to_the_month_however_records_were_booked(void **state)
{
    struct world *world = *state;
    struct meter_writer first;
    struct meter_writer second;
    world_writer_open(world, &first, 4); /* several segments */
    serve(world, &first, "2026-04-01T00:00:00Z", 1);
    serve(world, &first, "2026-04-01T23:59:59.999999999Z", 2);
    serve(world, &first, "2026-04-02T00:00:00Z", 40);
    (void)world_drain(world);
    world_writer_open(world, &second, 64);
    serve(world, &second, "2026-04-01T12:30:00Z", 800);
    for (int i = 0; i < 9; i++) {
        serve(world, &first, "2026-04-30T23:00:00Z", 1000);
    }
    serve(world, &first, "2026-05-01T00:00:00Z", 7);
    serve(world, &first, "2026-03-31T23:59:59Z", 9);
    (void)world_drain(world);
    says(world, APRIL, false,
         HEADER "east,gpt-4o,input,east.price.gpt-4o@always,2026-04-01,803,0.0020075,0,USD,\n"
                "east,gpt-4o,input,east.price.gpt-4o@always,2026-04-02,40,0.0001,0,USD,\n"
                "east,gpt-4o,input,east.price.gpt-4o@always,2026-04-30,9000,0.0225,0,USD,\n");
    says(world, APRIL + 1, true,
         HEADER
         "east,gpt-4o,input,east.price.gpt-4o@always,2026-05-01T00:00:00Z,7,0.0000175,0,USD,\n");
    meter_writer_close(&first);
    meter_writer_close(&second);
    (void)world_drain(world); /* into the archive: the same */
    says(world, APRIL - 1, true,
         HEADER
         "east,gpt-4o,input,east.price.gpt-4o@always,2026-03-31T23:00:00Z,9,0.0000225,0,USD,\n");
}

static void an_orphan_has_its_day_and_is_uncertain(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct meter_record orphan = world_record(world);
    orphan.admitted_ns = instant("2026-04-05T01:00:00Z");
    world_writer_open(world, &writer, 64);
    world_append(&writer, METER_INTENT, &orphan);
    (void)world_drain(world);
    world_writer_die(&writer);
    assert_int_equal(world_drain(world).unsettled, 1);
    says(world, APRIL, false,
         HEADER "east,gpt-4o,input,east.price.gpt-4o@always,2026-04-05,1000,0.0025,1000,USD,\n");
}

/* What came late stands in the month that was open then, and keeps its day. */
static void what_came_late_stands_where_the_books_have_it(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    world->now = instant("2026-05-03T00:00:00Z");
    world_writer_open(world, &writer, 64);
    serve(world, &writer, "2026-04-07T00:00:00Z", 1);
    (void)world_drain(world);
    close_month(world, APRIL, true);
    serve(world, &writer, "2026-04-07T00:00:00Z", 20);
    (void)world_drain(world);
    close_month(world, APRIL, false);
    serve(world, &writer, "2026-04-07T00:00:00Z", 300);
    serve(world, &writer, "2026-05-02T00:00:00Z", 4000);
    (void)world_drain(world);
    meter_writer_close(&writer);
    says(world, APRIL, false,
         HEADER "east,gpt-4o,input,east.price.gpt-4o@always,2026-04-07,1,0.0000025,0,USD,\n"
                "east,gpt-4o,input,east.price.gpt-4o@always,2026-04-07,20,0.00005,0,USD,\n");
    says(world, APRIL + 1, false,
         HEADER "east,gpt-4o,input,east.price.gpt-4o@always,2026-04-07,300,0.00075,0,USD,\n"
                "east,gpt-4o,input,east.price.gpt-4o@always,2026-05-02,4000,0.01,0,USD,\n");
}

static void records_that_are_gone_leave_a_rest_that_says_so(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    char command[WORLD_PATH_BYTES * 2];
    world_writer_open(world, &writer, 64);
    serve(world, &writer, "2026-04-07T00:00:00Z", 1);
    meter_writer_close(&writer);
    (void)world_drain(world);
    (void)snprintf(command, sizeof(command), "rm %s/spool/archive/*.spool", world->data);
    assert_int_equal(system(command), 0); /* NOLINT */
    world_writer_open(world, &writer, 64);
    serve(world, &writer, "2026-04-08T00:00:00Z", 20);
    (void)world_drain(world);
    says(world, APRIL, false,
         HEADER "east,gpt-4o,input,east.price.gpt-4o@always,2026-04-08,20,0.00005,0,USD,\n"
                "east,gpt-4o,input,east.price.gpt-4o@always,2026-04,1,0.0000025,0,USD,"
                "records of it are not in the spool's archive any more: put the segments back\n");
    meter_writer_close(&writer);
}

/* A record that was read and not booked is in the range all the same; a segment that could not be opened
 * once is known by its slot 0, and was booked later. */
static void what_was_set_aside_has_no_day(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    world_writer_open(world, &writer, 64);
    serve(world, &writer, "2026-04-07T00:00:00Z", 1);
    serve(world, &writer, "2026-04-08T00:00:00Z", 20);
    (void)world_drain(world);
    world_run(world, "INSERT INTO quarantine (segment, slot, why, noticed_ns)"
                     " SELECT segment, 1, 'settled twice', 0 FROM txn_range");
    world_run(world, "INSERT INTO quarantine (segment, slot, why, noticed_ns)"
                     " SELECT segment, 0, 'unreadable', 0 FROM txn_range");
    says(world, APRIL, false,
         HEADER "east,gpt-4o,input,east.price.gpt-4o@always,2026-04-07,1,0.0000025,0,USD,\n"
                "east,gpt-4o,input,east.price.gpt-4o@always,2026-04,20,0.00005,0,USD,"
                "its records do not come to it: late use at a price in steps has no days; else run "
                "offtake ledger verify\n");
    meter_writer_close(&writer);
}

static const char STEPS_DEAL[] =
    "deal \"Steps\"\n"
    "customer lab\n"
    "currency USD\n"
    "party    bigcloud \"Big Cloud\"\n"
    "provider alpha of bigcloud\n"
    "model    gpt-4o\n"
    "account  acme\n"
    "product  api  \"API\"  class inference {\n"
    "    price gpt-4o input 5.00 USD per 1M tokens\n"
    "}\n"
    "agreement bc with bigcloud {\n"
    "    effective 2020-01-01  until 2035-01-01\n"
    "}\n"
    "pool east on alpha {\n"
    "    serves gpt-4o as \"g\" at http://127.0.0.1:9101/v1 kind openai key env WORLD_KEY\n"
    "    price gpt-4o input 3.00 USD per 1M tokens after 2000 monthly input 2.00 USD per 1M "
    "tokens\n"
    "}\n";

/* Booked in another order than they were used in: the 1000 of the 2nd before the 1500 of the 1st. */
static void a_price_in_steps_has_days_in_the_order_of_its_hours(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    world_begin_anew(world, STEPS_DEAL);
    world_publish(world);
    world_writer_open(world, &writer, 64);
    serve(world, &writer, "2026-04-02T05:00:00Z", 1000);
    (void)world_drain(world);
    serve(world, &writer, "2026-04-01T05:00:00Z", 1500);
    serve(world, &writer, "2026-04-03T05:00:00Z", 7);
    (void)world_drain(world);
    says(world, APRIL, false,
         HEADER "east,gpt-4o,input,east.price.gpt-4o@always,2026-04-01,1500,0.0045,0,USD,\n"
                "east,gpt-4o,input,east.price.gpt-4o@always,2026-04-02,500,0.0015,0,USD,\n"
                "east,gpt-4o,input,east.price.gpt-4o@always,2026-04-02,500,0.001,0,USD,\n"
                "east,gpt-4o,input,east.price.gpt-4o@always,2026-04-03,7,0.000014,0,USD,\n");
    meter_writer_close(&writer);
}

static const char CHEAP_DEAL[] =
    "deal \"Cheap\"\n"
    "customer lab\n"
    "currency USD\n"
    "party    bigcloud \"Big Cloud\"\n"
    "provider alpha of bigcloud\n"
    "model    gpt-4o\n"
    "account  acme\n"
    "product  api  \"API\"  class inference {\n"
    "    price gpt-4o input 5.00 USD per 1M tokens\n"
    "}\n"
    "agreement bc with bigcloud {\n"
    "    effective 2020-01-01  until 2035-01-01\n"
    "}\n"
    "pool east on alpha {\n"
    "    serves gpt-4o as \"g\" at http://127.0.0.1:9101/v1 kind openai key env WORLD_KEY\n"
    "    price gpt-4o input 0.0001 USD per 1M tokens\n"
    "}\n";

/* A tenth of a nano-unit a token: five tokens a day are 0.5, 1 and 1.5, and the month is 2. */
static void days_of_an_export_are_rounded_to_the_month(void **state)
{
    static const char *const wanted[] = {"0", "0.000000001", "0.000000001"};
    struct world *world = *state;
    struct meter_writer writer;
    struct oft_error error = {0};
    struct oft_buffer out;
    struct oft_arena arena;
    struct focus_table table;
    world_begin_anew(world, CHEAP_DEAL);
    world_publish(world);
    world_writer_open(world, &writer, 64);
    serve(world, &writer, "2026-04-01T00:00:00Z", 5);
    serve(world, &writer, "2026-04-02T00:00:00Z", 5);
    serve(world, &writer, "2026-04-03T00:00:00Z", 5);
    meter_writer_close(&writer);
    (void)world_drain(world);
    oft_buffer_init(&out, 1 << 20);
    oft_arena_init(&arena, 1 << 20);
    assert_int_equal(
        engine_focus(world->engine, "cost-and-usage", "1.4", APRIL, true, world->now, &out, &error),
        OFT_OK);
    struct oft_str text = {oft_buffer_text(&out), out.length};
    assert_int_equal(focus_table_csv(text, &arena, &table, &error), OFT_OK);
    assert_int_equal(table.row_count, 3);
    for (size_t i = 0; i < 3; i++) {
        char from[32];
        (void)snprintf(from, sizeof(from), "2026-04-%02zuT00:00:00Z", i + 1);
        assert_string_equal(focus_table_cell(&table, i, "BilledCost"), wanted[i]);
        assert_string_equal(focus_table_cell(&table, i, "ContractedCost"), "0.0000000005");
        assert_string_equal(focus_table_cell(&table, i, "ChargePeriodStart"), from);
    }
    oft_arena_release(&arena);
    oft_buffer_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(days_add_up_to_the_month_however_records_were_booked),
        WITH_WORLD(an_orphan_has_its_day_and_is_uncertain),
        WITH_WORLD(what_came_late_stands_where_the_books_have_it),
        WITH_WORLD(days_of_an_export_are_rounded_to_the_month),
        WITH_WORLD(what_was_set_aside_has_no_day),
        WITH_WORLD(a_price_in_steps_has_days_in_the_order_of_its_hours),
        WITH_WORLD(records_that_are_gone_leave_a_rest_that_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
