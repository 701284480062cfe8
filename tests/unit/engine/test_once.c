/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Read once, booked once: a request that is settled twice, a segment that is put back under another name.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/settled.h"
#include "engine/trace.h"
#include "ledger/trace.h"

static void a_request_that_is_settled_twice_is_booked_once(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct meter_record record = world_record(world);
    char findings[4096];
    world_writer_open(world, &writer, 64);
    world_append(&writer, METER_INTENT, &record);
    world_append(&writer, METER_SETTLED, &record);
    world_append(&writer, METER_SETTLED, &record); /* alike, but for its place */
    record.units[DEAL_UNIT_OUTPUT]++;
    world_append(&writer, METER_INTENT, &record);
    world_append(&writer, METER_SETTLED, &record); /* and not alike */
    struct engine_drain_result result = world_drain(world);
    assert_int_equal(result.settled, 1);
    assert_int_equal(result.doubled, 1);
    assert_int_equal(result.conflicts, 1);
    assert_int_equal(world_requests_booked(world), 1);
    assert_int_equal(world_sales(world), WORLD_SALE_NANOS);
    assert_int_equal(result.open_intents, 0);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM quarantine"), 2);
    if (!world_sound(world, findings)) {
        fail_msg("%s", findings);
    }
    meter_writer_close(&writer);
}

static void a_segment_under_another_name_is_not_read(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    char name[WORLD_PATH_BYTES];
    char from[WORLD_PATH_BYTES * 2];
    char into[WORLD_PATH_BYTES * 2];
    world_writer_open(world, &writer, 64);
    world_append_requests(world, &writer, 3);
    (void)snprintf(name, sizeof(name), "spool/archive/%s-000000.spool", writer.name);
    meter_writer_close(&writer);
    assert_int_equal(world_drain(world).settled, 3);
    /* Somebody puts it back, beside what is still to be read. */
    (void)world_path(world, name, from);
    assert_int_equal(link(from, world_path(world, "spool/again-000007.spool", into)), 0);
    assert_int_equal(world_drain(world).settled, 0);
    assert_int_equal(world_requests_booked(world), 3);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM quarantine WHERE why = 'renamed'"), 1);
    assert_non_null(strstr(world->engine->last_error, "is another segment under that name"));
    assert_int_equal(unlink(into), 0);
    /* Under its own name it is read, and was read already. */
    (void)snprintf(name, sizeof(name), "spool/%s-000000.spool", writer.name);
    assert_int_equal(link(from, world_path(world, name, into)), 0);
    assert_int_equal(world_drain(world).settled, 0);
    assert_int_equal(world_requests_booked(world), 3);
}

/* ---- settled again, later ---------------------------------------------------------------------- */

/* One settlement, with its intent, by a writer of its own that ends then. */
static void settle(struct world *world, const struct meter_record *record)
{
    struct meter_writer writer;
    world_writer_open(world, &writer, 8);
    world_append(&writer, METER_INTENT, record);
    world_append(&writer, METER_SETTLED, record);
    meter_writer_close(&writer);
}

static void expect_drain(struct world *world, uint64_t settled, uint64_t doubled,
                         uint64_t conflicts)
{
    struct engine_drain_result result = world_drain(world);
    assert_int_equal(result.settled, settled);
    assert_int_equal(result.doubled, doubled);
    assert_int_equal(result.conflicts, conflicts);
    assert_int_equal(result.unsettled, 0);
    assert_int_equal(result.open_intents, 0);
}

static void expect_sound(struct world *world)
{
    char findings[4096];
    if (!world_sound(world, findings)) {
        fail_msg("%s", findings);
    }
}

static void a_second_settlement_in_a_later_drain_is_not_booked(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct meter_record record = world_record(world);
    world_writer_open(world, &writer, 64); /* lives on: the first one is still in the spool */
    world_append(&writer, METER_SETTLED, &record);
    expect_drain(world, 1, 0, 0);
    world_append(&writer, METER_SETTLED, &record);
    expect_drain(world, 0, 1, 0);
    settle(world, &record);
    expect_drain(world, 0, 1, 0);
    record.units[DEAL_UNIT_OUTPUT]++;
    settle(world, &record);
    expect_drain(world, 0, 0, 1);
    meter_writer_close(&writer);
    expect_drain(world, 0, 0, 0); /* the first one is in the archive now */
    settle(world, &record);
    expect_drain(world, 0, 0, 1);
    record.units[DEAL_UNIT_OUTPUT]--;
    settle(world, &record); /* compared with the one that was booked, not with the last */
    expect_drain(world, 0, 1, 0);
    assert_int_equal(world_requests_booked(world), 1);
    assert_int_equal(world_sales(world), WORLD_SALE_NANOS);
    expect_sound(world);
}

static void a_second_settlement_after_a_restart_is_not_booked(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct meter_record archived = world_record(world);
    struct meter_record spooled = world_record(world);
    settle(world, &archived);
    world_writer_open(world, &writer, 64);
    world_append(&writer, METER_SETTLED, &spooled);
    expect_drain(world, 2, 0, 0);
    for (int restart = 0; restart < 2; restart++) {
        world_reopen(world);
        settle(world, &archived);
        settle(world, &spooled);
        world_append_requests(world, &writer, 1);
        expect_drain(world, 1, 2, 0);
    }
    world_reopen(world);
    archived.units[DEAL_UNIT_INPUT]++;
    spooled.status = 500;
    settle(world, &archived);
    settle(world, &spooled);
    expect_drain(world, 0, 0, 2);
    assert_int_equal(world_requests_booked(world), 4);
    assert_int_equal(world_sales(world), 4 * WORLD_SALE_NANOS);
    expect_sound(world);
    meter_writer_close(&writer);
}

/* Its instant lies among those that were settled long ago, and nothing of it was read yet. */
static void an_answer_that_took_hours_is_booked_and_once(void **state)
{
    struct world *world = *state;
    struct meter_record late = world_record(world);
    struct meter_record old = world_record(world);
    settle(world, &old);
    expect_drain(world, 1, 0, 0);
    for (int hour = 0; hour < 9; hour++) {
        struct meter_record record = world_record(world);
        settle(world, &record);
        expect_drain(world, 1, 0, 0);
        world->now += 3600 * OFT_NS_PER_SECOND;
        if (hour % 3 == 2) {
            world_reopen(world);
        }
    }
    late.recorded_ns = world->now;
    settle(world, &late);
    expect_drain(world, 1, 0, 0);
    settle(world, &late);
    settle(world, &old);
    expect_drain(world, 0, 2, 0);
    assert_int_equal(world_requests_booked(world), 11);
    expect_sound(world);
}

static void a_clock_in_the_future_hides_no_second_settlement(void **state)
{
    struct world *world = *state;
    struct meter_record records[3];
    for (size_t i = 0; i < OFT_COUNT_OF(records); i++) {
        records[i] = world_record(world);
        memset(records[i].request_id, i == 1 ? 0 : 255, i == 0 ? 0 : 8);
    }
    memset(records[1].request_id, 0, 16);
    for (size_t i = 0; i < OFT_COUNT_OF(records); i++) {
        settle(world, &records[i]);
    }
    expect_drain(world, 3, 0, 0);
    for (int restart = 0; restart < 2; restart++) {
        for (size_t i = 0; i < OFT_COUNT_OF(records); i++) {
            settle(world, &records[i]);
        }
        expect_drain(world, 0, 3, 0);
        world_reopen(world);
    }
    assert_int_equal(world_requests_booked(world), 3);
}

static void a_settlement_after_the_orphan_rule_is_a_conflict(void **state)
{
    struct world *world = *state;
    for (int restart = 0; restart < 2; restart++) {
        struct meter_writer writer;
        struct meter_record record = world_record(world);
        world_writer_open(world, &writer, 8);
        world_append(&writer, METER_INTENT, &record);
        world_writer_die(&writer);
        assert_int_equal(world_drain(world).unsettled, 1);
        int64_t sales = world_sales(world);
        if (restart == 1) { /* and the window's edge is behind it */
            world->now += OFT_NS_PER_SECOND;
            world_reopen(world);
        }
        settle(world, &record);
        expect_drain(world, 0, 0, 1);
        assert_int_equal(world_sales(world), sales);
        assert_int_equal(world_requests_booked(world), restart + 1);
    }
    expect_sound(world);
}

static void an_intent_after_its_settlement_is_no_orphan(void **state)
{
    struct world *world = *state;
    for (int restart = 0; restart < 2; restart++) {
        struct meter_writer writer;
        struct meter_record record = world_record(world);
        settle(world, &record);
        expect_drain(world, 1, 0, 0);
        if (restart == 1) {
            world_reopen(world);
        }
        world_writer_open(world, &writer, 8);
        world_append(&writer, METER_INTENT, &record);
        world_writer_die(&writer);
        expect_drain(world, 0, 0, 0);
    }
    assert_int_equal(world_requests_booked(world), 2);
}

static void a_drain_that_failed_forgets_what_it_did_not_book(void **state)
{
    struct world *world = *state;
    struct meter_record before = world_record(world);
    struct meter_record during = world_record(world);
    struct engine_drain_result result = {0};
    struct oft_error error = {0};
    settle(world, &before);
    expect_drain(world, 1, 0, 0);
    world_run(world, "CREATE TRIGGER fails BEFORE INSERT ON txn BEGIN SELECT RAISE(ABORT, 'no');"
                     " END");
    settle(world, &during);
    settle(world, &before);
    assert_int_not_equal(engine_drain(world->engine, world->now, &result, &error), OFT_OK);
    assert_int_not_equal(engine_drain(world->engine, world->now, &result, &error), OFT_OK);
    world_run(world, "DROP TRIGGER fails");
    expect_drain(world, 1, 1, 0);
    settle(world, &during);
    settle(world, &before);
    expect_drain(world, 0, 2, 0);
    assert_int_equal(world_requests_booked(world), 2);
    expect_sound(world);
}

static void without_its_segment_nobody_knows_after_a_restart(void **state)
{
    struct world *world = *state;
    struct meter_record record = world_record(world);
    char path[WORLD_PATH_BYTES * 2];
    char command[WORLD_PATH_BYTES * 3];
    settle(world, &record);
    expect_drain(world, 1, 0, 0);
    (void)snprintf(command, sizeof(command), "rm -f %s/*.spool",
                   world_path(world, "spool/archive", path));
    assert_int_equal(system(command), 0);
    settle(world, &record); /* it is known that it was settled, and not how */
    expect_drain(world, 0, 0, 1);
    world_reopen(world);
    settle(world, &record);
    expect_drain(world, 1, 0, 0);
}

/* The second settlement lies in a segment whose name comes first. */
static void a_trace_of_a_request_finds_the_settlement_that_was_booked(void **state)
{
    struct world *world = *state;
    struct meter_record record = world_record(world);
    struct oft_error error = {0};
    struct oft_buffer out;
    char id[40] = "req_";
    bool sound = false;
    (void)oft_hex(record.request_id, 16, id + 4);
    settle(world, &record);
    expect_drain(world, 1, 0, 0);
    world->now -= OFT_NS_PER_DAY;
    record.units[DEAL_UNIT_OUTPUT] += 11;
    settle(world, &record);
    world->now += OFT_NS_PER_DAY;
    expect_drain(world, 0, 0, 1);
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(engine_trace(world->engine, id, 10, LEDGER_JSON, &out, &sound, &error),
                     OFT_OK);
    assert_true(sound);
    if (strstr(oft_buffer_text(&out), "\"standing\":\"booked\"") == NULL ||
        strstr(oft_buffer_text(&out), "\"output\":100,") == NULL) {
        fail_msg("%s", oft_buffer_text(&out));
    }
    oft_buffer_release(&out);
}

/* What was set aside is not among a line's records, nor in a month by the hour. */
static void a_trace_leaves_out_what_was_settled_again_later(void **state)
{
    struct world *world = *state;
    struct meter_record record = world_record(world);
    struct oft_error error = {0};
    struct oft_buffer out;
    struct oft_arena arena;
    struct ledger_row *rows = NULL;
    size_t count = 0;
    for (int round = 0; round < 3; round++) {
        struct meter_record other = world_record(world);
        record.status = round == 2 ? 201 : 200;
        settle(world, &record);
        settle(world, &other);
        expect_drain(world, round == 0 ? 2 : 1, round == 1 ? 1 : 0, round == 2 ? 1 : 0);
        world_reopen(world);
    }
    world_publish(world);
    oft_arena_init(&arena, 1 << 20);
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(store_rows(world->engine->store, 0, 0, &arena, &rows, &count, &error), OFT_OK);
    assert_true(count > 2);
    for (size_t i = 0; i < count; i++) {
        char id[LEDGER_LINE_ID_BYTES];
        bool sound = false;
        assert_int_equal(ledger_line_id(&rows[i].key, id), OFT_OK);
        oft_buffer_clear(&out);
        if (engine_trace(world->engine, id, 10, LEDGER_TEXT, &out, &sound, &error) != OFT_OK ||
            !sound) {
            fail_msg("%s %s", error.message, oft_buffer_text(&out));
        }
    }
    oft_buffer_clear(&out);
    assert_int_equal(
        engine_metering(world->engine, oft_month_of(world->now), true, world->now, &out, &error),
        OFT_OK);
    assert_non_null(strstr(oft_buffer_text(&out), ",4000,0.01,0,")); /* input of four requests */
    oft_buffer_release(&out);
    oft_arena_release(&arena);
}

/* ---- any order --------------------------------------------------------------------------------- */

enum { IDS = 400, ROUNDS = 60, STREAMS = 6 };

/* What the books must have come to. */
struct model {
    struct meter_record records[IDS];
    bool settled[IDS], orphan[IDS];
    uint64_t booked, doubled, conflicts, unsettled;
};

static void write_one(struct model *model, struct meter_writer *writer, unsigned *dice)
{
    /* Mostly of late, and sometimes any. */
    size_t at = (size_t)rand_r(dice) % IDS;
    struct meter_record record = model->records[at];
    bool changed = rand_r(dice) % 4 == 0;
    record.units[DEAL_UNIT_OUTPUT] += changed ? 1 : 0;
    record.recorded_ns += rand_r(dice) % 1000;
    if (rand_r(dice) % 3 != 0) {
        world_append(writer, METER_INTENT, &record);
    }
    world_append(writer, METER_SETTLED, &record);
    if (!model->settled[at]) {
        model->settled[at] = true;
        model->records[at] = record;
        model->booked++;
    } else if (!model->orphan[at] &&
               record.units[DEAL_UNIT_OUTPUT] == model->records[at].units[DEAL_UNIT_OUTPUT]) {
        model->doubled++;
    } else {
        model->conflicts++;
    }
}

/* A writer that dies with an intent open. */
static void leave_one(struct world *world, struct model *model, unsigned *dice)
{
    struct meter_writer writer;
    size_t at = (size_t)rand_r(dice) % IDS;
    world_writer_open(world, &writer, 8);
    world_append(&writer, METER_INTENT, &model->records[at]);
    world_writer_die(&writer);
    if (!model->settled[at]) {
        model->settled[at] = model->orphan[at] = true;
        model->unsettled++;
    }
}

static void play_stream(struct world *world, unsigned seed)
{
    static struct model model;
    struct engine_drain_result sum = {0};
    struct meter_writer writer;
    unsigned dice = seed;
    memset(&model, 0, sizeof(model));
    for (size_t i = 0; i < IDS; i++) {
        model.records[i] = world_record(world);
        /* Admitted over some hours, in no order. */
        uint64_t instant_ns = (uint64_t)world->now + (uint64_t)rand_r(&dice) * 10000;
        for (size_t byte = 0; byte < 8; byte++) {
            model.records[i].request_id[byte] = (uint8_t)(instant_ns >> (56 - 8 * byte));
        }
    }
    uint64_t before = (uint64_t)world_requests_booked(world);
    world_writer_open(world, &writer, 16);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = rand_r(&dice) % 20; i > 0; i--) {
            write_one(&model, &writer, &dice);
        }
        struct engine_drain_result result = world_drain(world);
        if (round % 4 == 3) {
            leave_one(world, &model, &dice);
            struct engine_drain_result orphans = world_drain(world);
            sum.unsettled += orphans.unsettled;
        }
        sum.settled += result.settled;
        sum.doubled += result.doubled;
        sum.conflicts += result.conflicts;
        if (rand_r(&dice) % 5 == 0) {
            world->now += rand_r(&dice);
            world_reopen(world);
        }
    }
    meter_writer_close(&writer);
    if (sum.settled != model.booked || sum.doubled != model.doubled ||
        sum.conflicts != model.conflicts || sum.unsettled != model.unsettled) {
        fail_msg("seed %u: settled %llu of %llu, doubled %llu of %llu, conflicts %llu of %llu,"
                 " unsettled %llu of %llu",
                 seed, (unsigned long long)sum.settled, (unsigned long long)model.booked,
                 (unsigned long long)sum.doubled, (unsigned long long)model.doubled,
                 (unsigned long long)sum.conflicts, (unsigned long long)model.conflicts,
                 (unsigned long long)sum.unsettled, (unsigned long long)model.unsettled);
    }
    assert_int_equal(world_requests_booked(world) - before, model.booked + model.unsettled);
}

static void any_stream_over_drains_and_restarts_is_booked_as_a_set_would(void **state)
{
    for (unsigned seed = 1; seed <= STREAMS; seed++) {
        play_stream(*state, seed);
    }
    expect_sound(*state);
}

/* ---- the window -------------------------------------------------------------------------------- */

enum { MANY = 500000, HOURS = 10 };

/* Ids of ten hours in the order of their bytes' hash, as if several writers' segments were read. */
static struct meter_record one_of_many(const struct world *world, uint64_t number)
{
    struct meter_record record = {.status = 200};
    uint64_t spread = number * UINT64_C(0x9e3779b97f4a7c15);
    uint64_t instant_ns =
        (uint64_t)world->now + number * 7919 % MANY * (HOURS * 3600 * OFT_NS_PER_SECOND / MANY);
    for (size_t byte = 0; byte < 8; byte++) {
        record.request_id[byte] = (uint8_t)(instant_ns >> (56 - 8 * byte));
    }
    memcpy(record.request_id + 8, &spread, sizeof(spread));
    return record;
}

static bool is_known(const struct world *world, const struct meter_record *record)
{
    struct engine_earlier earlier;
    struct oft_error error = {0};
    assert_int_equal(engine_settled_look(world->engine, NULL, record, &earlier, &error), OFT_OK);
    return earlier.kind == ENGINE_EARLIER_LOST; /* the window alone has it: no segment does */
}

static void the_window_lets_go_of_the_oldest_and_of_nothing_behind_its_edge(void **state)
{
    struct world *world = *state;
    oft_instant forgotten = 0;
    oft_instant known = INT64_MAX;
    size_t known_count = 0;
    world->now += OFT_NS_PER_SECOND;
    (void)world_drain(world);
    for (uint64_t i = 0; i < MANY; i++) {
        struct meter_record record = one_of_many(world, i);
        assert_int_equal(engine_settled_add(world->engine, record.request_id), OFT_OK);
    }
    for (uint64_t i = 0; i < MANY; i += 13) {
        struct meter_record record = one_of_many(world, i);
        oft_instant instant = engine_id_instant(record.request_id);
        if (is_known(world, &record)) {
            known = instant < known ? instant : known;
            known_count++;
        } else {
            forgotten = instant > forgotten ? instant : forgotten;
        }
        record.request_id[15] ^= 1; /* another request of that instant */
        assert_false(is_known(world, &record));
    }
    assert_true(forgotten != 0); /* it did not grow for what is old */
    assert_true(forgotten < known);
    assert_true(known <= world->now + (HOURS - 1) * 3600 * OFT_NS_PER_SECOND);
    assert_in_range(known_count, 1000, MANY / 13 / 2);
}

#define WITH_WORLD(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_request_that_is_settled_twice_is_booked_once),
        WITH_WORLD(a_segment_under_another_name_is_not_read),
        WITH_WORLD(a_second_settlement_in_a_later_drain_is_not_booked),
        WITH_WORLD(a_second_settlement_after_a_restart_is_not_booked),
        WITH_WORLD(an_answer_that_took_hours_is_booked_and_once),
        WITH_WORLD(a_clock_in_the_future_hides_no_second_settlement),
        WITH_WORLD(a_settlement_after_the_orphan_rule_is_a_conflict),
        WITH_WORLD(an_intent_after_its_settlement_is_no_orphan),
        WITH_WORLD(a_drain_that_failed_forgets_what_it_did_not_book),
        WITH_WORLD(without_its_segment_nobody_knows_after_a_restart),
        WITH_WORLD(a_trace_of_a_request_finds_the_settlement_that_was_booked),
        WITH_WORLD(a_trace_leaves_out_what_was_settled_again_later),
        WITH_WORLD(any_stream_over_drains_and_restarts_is_booked_as_a_set_would),
        WITH_WORLD(the_window_lets_go_of_the_oldest_and_of_nothing_behind_its_edge),
    };
    return cmocka_run_group_tests_name("engine once", tests, NULL, NULL);
}
