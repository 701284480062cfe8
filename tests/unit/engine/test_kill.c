/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The drain killed at each of its failpoints, as kill -9 would, and then run again: every request is
 * in the books exactly once.
 */
#include "world.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
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

/* ---- at any moment ----------------------------------------------------------------------------- */

enum { KILLS = 40, WRITER_KILLS = 8 };

/* What the children tell in memory that outlives them. */
struct tally {
    _Atomic uint64_t begun, settled, drains;
};

/* Every request is an intent, and but for each seventh a settlement. Counted before and after, so
 * that the moment of the kill leaves at most one in doubt. */
static void write_forever(struct world *world, struct tally *tally, uint64_t first)
{
    struct meter_writer writer;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody is left behind by a test that fails */
    world->requests = first;
    world_writer_open(world, &writer, 32);
    for (;;) {
        struct meter_record record = world_record(world);
        tally->begun++;
        world_append(&writer, METER_INTENT, &record);
        if (world->requests % 7 != 0) {
            world_append(&writer, METER_SETTLED, &record);
            tally->settled++;
        }
        (void)usleep(50); /* a pace, not a wait: the test holds at any */
    }
}

static void drain_forever(struct world *world, struct tally *tally)
{
    struct oft_error error = {0};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    world->now +=
        OFT_NS_PER_DAY; /* behind all ids: only a clock that went back looks through all segments */
    if (world_open(world, &error) != OFT_OK) {
        _exit(3);
    }
    for (;;) {
        struct engine_drain_result result = {0};
        if (engine_drain(world->engine, world->now, &result, &error) != OFT_OK) {
            _exit(4);
        }
        tally->drains++;
    }
}

static void kill_child(pid_t child)
{
    int status = 0;
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* A drainer that did its first drain and then lived as many microseconds as PAUSE. */
static void drain_and_be_killed_after(struct world *world, struct tally *tally, unsigned pause)
{
    uint64_t before = tally->drains;
    pid_t drainer = fork();
    assert_true(drainer >= 0);
    if (drainer == 0) {
        drain_forever(world, tally);
    }
    while (tally->drains == before) {
        assert_int_equal(waitpid(drainer, NULL, WNOHANG), 0);
        (void)usleep(100);
    }
    (void)usleep(pause);
    kill_child(drainer);
}

static void killed_at_any_moment_while_writers_write_every_request_counts_once(void **state)
{
    struct world *world = *state;
    struct oft_error error = {0};
    char findings[4096];
    unsigned dice = 20260410;
    struct tally *tally =
        mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(tally != MAP_FAILED);
    world_close(world);
    for (uint64_t w = 0; w < WRITER_KILLS; w++) {
        pid_t writer = fork();
        assert_true(writer >= 0);
        if (writer == 0) {
            write_forever(world, tally, (w + 1) << 32);
        }
        for (int i = 0; i < KILLS / WRITER_KILLS; i++) {
            drain_and_be_killed_after(world, tally, (unsigned)rand_r(&dice) % 7000);
        }
        kill_child(writer);
    }
    assert_int_equal(world_open(world, &error), OFT_OK);
    (void)world_drain(world);
    (void)world_drain(world);
    uint64_t booked = (uint64_t)world_requests_booked(world);
    uint64_t served = (uint64_t)world_sql(
        world, "SELECT sum(CAST(quantity AS INTEGER)) FROM series WHERE kind = 1 AND outcome = 0");
    assert_true(tally->settled > KILLS); /* there was something to lose */
    assert_in_range(booked, tally->begun - WRITER_KILLS, tally->begun);
    assert_in_range(served, tally->settled, tally->settled + WRITER_KILLS);
    assert_int_equal(world_sales(world), served * WORLD_SALE_NANOS + (booked - served) * 5000000);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM open_intent"), 0);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM quarantine WHERE why <> 'torn'"), 0);
    if (!world_sound(world, findings)) {
        fail_msg("%s", findings);
    }
    assert_int_equal(munmap(tally, sizeof(*tally)), 0);
}

#define WITH_WORLD(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(killed_while_it_reads_the_drain_counts_once),
        WITH_WORLD(killed_before_the_commit_the_drain_counts_once),
        WITH_WORLD(killed_between_commit_and_archive_the_drain_counts_once),
        WITH_WORLD(killed_at_any_moment_while_writers_write_every_request_counts_once),
    };
    return cmocka_run_group_tests_name("engine kill", tests, NULL, NULL);
}
