/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every command killed at every failpoint, as kill -9 would: the journal is whole, the command has
 * happened or it has not, and the same command with the same key then has one outcome.
 */
#include "desk_world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const FAILPOINTS[] = {
    "desk-before-begin",  "desk-after-begin",  "desk-before-event",  "desk-after-event",
    "desk-before-outbox", "desk-after-outbox", "desk-before-answer", "desk-after-answer",
    "desk-before-commit", "desk-after-commit",
};

/* A procedure, one command after the other. */
static const struct step {
    const char *actor, *group, *verb, *fields[6];
    bool effects; /* it brings some, so that the outbox is written */
} STEPS[] = {
    {NULL, "need", "open", {NEED}, false},
    {NULL, "offer", "add", {OFFER}, true},
    {NULL, "notice", "send", {"lot=lot-1"}, true},
    {"bigcloud", "notice", "delivered", {"notice=notice-1"}, true},
    {"bigcloud", "elect", "", {"notice=notice-1", "count=64"}, true},
    {NULL, "tender", "", {"lot=lot-1"}, false},
    {NULL, "sign", "", {TARGET "=lot-1"}, true},
};

static enum oft_err run(struct world *world, const struct step *step)
{
    struct engine_refusal refusal;
    char key[64];
    (void)snprintf(key, sizeof(key), "key-%s-%s", step->group, step->verb);
    return desk_try(world, step->actor, key, false, &refusal, step->group, step->verb,
                    step->fields[0], step->fields[1], step->fields[2], step->fields[3], NULL);
}

/* False: the failpoint is not on this command's way. */
static bool run_and_be_killed(struct world *world, const struct step *step, const char *failpoint)
{
    world_close(world);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct oft_error error = {0};
        struct oft_buffer report;
        oft_buffer_init(&report, 1 << 20);
        if (world_open(world, &error) != OFT_OK ||
            engine_publish(world->engine, world->now, &report, &error) != OFT_OK ||
            setenv("OFFTAKE_FAILPOINT", failpoint, 1) != 0) {
            _exit(3);
        }
        _exit(run(world, step) == OFT_OK ? 4 : 5);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) {
        assert_int_equal(WEXITSTATUS(status), 4);
        return false;
    }
    assert_int_equal(WTERMSIG(status), SIGKILL);
    return true;
}

static void reopen(struct world *world)
{
    struct oft_error error = {0};
    if (world_open(world, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
    world_publish(world);
    expect_sound(world);
}

static void every_command_at(void **state, const char *failpoint)
{
    struct world *world = *state;
    unsigned kills = 0;
    for (size_t i = 0; i < OFT_COUNT_OF(STEPS); i++) {
        int64_t before = world_sql(world, EVENTS);
        bool killed = run_and_be_killed(world, &STEPS[i], failpoint);
        kills += killed;
        assert_true(killed || (strstr(failpoint, "outbox") != NULL && !STEPS[i].effects));
        reopen(world);
        bool happened = world_sql(world, EVENTS) == before + 1;
        assert_true(happened || world_sql(world, EVENTS) == before);
        assert_int_equal(happened, !killed || strcmp(failpoint, "desk-after-commit") == 0);
        assert_int_equal(run(world, &STEPS[i]), OFT_OK);
        assert_int_equal(world_sql(world, EVENTS), before + 1);
        char *answer = strdup(desk_answer());
        assert_int_equal(run(world, &STEPS[i]), OFT_OK); /* and again */
        assert_string_equal(desk_answer(), answer);
        free(answer);
    }
    assert_true(kills >= 5);
    expect_view(world, DESK_LIST_LOTS, "BOUND");
    assert_int_equal(world_sql(world, TOLD("notice-1", "elected")), 1);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM desk_request"), OFT_COUNT_OF(STEPS));
    expect_sound(world);
}

/* The failpoint of the test that runs; tests are given it before their world is made. */
static const char *current;

static int kill_set_up(void **state)
{
    current = *state;
    return desk_set_up(state);
}

static void commands_killed_there_happen_once(void **state)
{
    every_command_at(state, current);
}

/* ---- what time brings --------------------------------------------------------------------------- */

static void a_tick_killed_there_tells_everything_once(void **state)
{
    struct world *world = *state;
    desk_open_notice(world);
    world->now += 40 * OFT_NS_PER_DAY;
    world_close(world);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct oft_error error = {0};
        if (world_open(world, &error) != OFT_OK || setenv("OFFTAKE_FAILPOINT", current, 1) != 0) {
            _exit(3);
        }
        _exit(engine_desk_tick(world->engine, world->now, &error) == OFT_OK ? 4 : 5);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    reopen(world);
    assert_int_equal(world_sql(world, TOLD("notice-1", "lapsed")), 1);
    assert_int_equal(world_sql(world, TOLD("lot-1", "FREE")), 1);
    expect_sound(world);
}

int main(void)
{
    struct CMUnitTest tests[2 * OFT_COUNT_OF(FAILPOINTS)];
    static char names[OFT_COUNT_OF(tests)][80];
    for (size_t i = 0; i < OFT_COUNT_OF(FAILPOINTS); i++) {
        for (size_t which = 0; which < 2; which++) {
            char *name = names[2 * i + which];
            (void)snprintf(name, sizeof(names[0]), "%s killed at %s",
                           which == 0 ? "commands" : "a tick", FAILPOINTS[i]);
            tests[2 * i + which] = (struct CMUnitTest){
                .name = name,
                .test_func = which == 0 ? commands_killed_there_happen_once
                                        : a_tick_killed_there_tells_everything_once,
                .setup_func = kill_set_up,
                .teardown_func = world_tear_down,
                .initial_state = (void *)(uintptr_t)FAILPOINTS[i]};
        }
    }
    return cmocka_run_group_tests_name("engine desk kill", tests, NULL, NULL);
}
