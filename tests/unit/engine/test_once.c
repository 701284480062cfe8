/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Read once, booked once: a request that is settled twice, a segment that is put back under another name.
 */
#include "world.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/internal.h"

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

#define WITH_WORLD(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_request_that_is_settled_twice_is_booked_once),
        WITH_WORLD(a_segment_under_another_name_is_not_read),
    };
    return cmocka_run_group_tests_name("engine once", tests, NULL, NULL);
}
