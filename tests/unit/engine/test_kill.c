/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The drain killed at each of its failpoints, as kill -9 would, and then run again: every request is
 * in the books exactly once.
 */
#include "world.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REQUESTS = 30, OPEN = 4 };

/* The child opens the data directory that its parent let go of, and dies in its drain. */
static void drain_and_be_killed(struct world *world, const char *failpoint)
{
    world_close(world);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct engine_drain_result result;
        struct oft_error error = {0};
        if (setenv("OFFTAKE_FAILPOINT", failpoint, 1) != 0 || world_open(world, &error) != OFT_OK) {
            _exit(3);
        }
        enum oft_err code = engine_drain(world->engine, world->now, &result, &error);
        _exit(code == OFT_OK ? 4 : 5);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void kill_at(struct world *world, const char *failpoint)
{
    struct meter_writer writer;
    char findings[4096];
    world_writer_open(world, &writer, 16);
    world_append_requests(world, &writer, REQUESTS / 2);
    (void)world_drain(world);
    world_append_requests(world, &writer, REQUESTS / 2);
    for (int i = 0; i < OPEN; i++) {
        struct meter_record record = world_record(world);
        world_append(&writer, METER_INTENT, &record);
    }
    world_writer_die(&writer);
    drain_and_be_killed(world, failpoint);
    drain_and_be_killed(world, failpoint); /* a restart that meets the same fate */
    struct oft_error error = {0};
    assert_int_equal(world_open(world, &error), OFT_OK);
    (void)world_drain(world);
    assert_int_equal(world_requests_booked(world), REQUESTS + OPEN);
    assert_int_equal(world_sales(world), (int64_t)REQUESTS * WORLD_SALE_NANOS + OPEN * 5000000);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM open_intent"), 0);
    if (!world_sound(world, findings)) {
        fail_msg("%s", findings);
    }
}

static void killed_while_it_reads_the_drain_counts_once(void **state)
{
    kill_at(*state, "drain-read");
}

static void killed_before_the_commit_the_drain_counts_once(void **state)
{
    kill_at(*state, "drain-before-commit");
}

static void killed_between_commit_and_archive_the_drain_counts_once(void **state)
{
    kill_at(*state, "drain-before-archive");
}

#define WITH_WORLD(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(killed_while_it_reads_the_drain_counts_once),
        WITH_WORLD(killed_before_the_commit_the_drain_counts_once),
        WITH_WORLD(killed_between_commit_and_archive_the_drain_counts_once),
    };
    return cmocka_run_group_tests_name("engine kill", tests, NULL, NULL);
}
