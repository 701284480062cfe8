/* SPDX-License-Identifier: Apache-2.0 */
/* The shared page of limits: what is promised never exceeds a limit, and the dead give back. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "policy/limits.h"

#define SECOND OFT_NS_PER_SECOND

static struct limit_page *page;
static int fd;
static char path[] = "/tmp/offtake-limits-XXXXXX";

static int setup(void **state)
{
    (void)state;
    int made = mkstemp(path);
    assert_true(made >= 0);
    (void)close(made);
    struct oft_error error = {0};
    assert_int_equal(limit_page_map(path, true, &page, &fd, &error), OFT_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    limit_page_unmap(page, fd);
    return unlink(path);
}

static void a_minutes_worth_may_come_at_once_and_the_rest_waits_its_turn(void **state)
{
    (void)state;
    _Atomic int64_t until = 0;
    int64_t wait = 0;
    int64_t now = 1000 * SECOND;
    for (int i = 0; i < 60; i++) {
        assert_true(limit_rate_take(&until, 60, 1, now, &wait));
    }
    assert_false(limit_rate_take(&until, 60, 1, now, &wait));
    assert_int_equal(wait, SECOND);
    assert_false(limit_rate_take(&until, 60, 1, now + SECOND - 1, &wait));
    assert_int_equal(wait, 1);
    assert_true(limit_rate_take(&until, 60, 1, now + SECOND, &wait));
}

static void more_than_a_minutes_worth_is_never_admitted_and_a_full_minutes_worth_is(void **state)
{
    (void)state;
    _Atomic int64_t until = 0;
    int64_t wait = 0;
    assert_false(limit_rate_take(&until, 1000, 1001, SECOND, &wait));
    assert_int_equal(wait, -1);
    assert_true(limit_rate_take(&until, 1000, 1000, SECOND, &wait));
    assert_false(limit_rate_take(&until, UINT64_MAX, UINT64_MAX, SECOND, &wait));
}

static void what_was_promised_and_not_used_is_given_back(void **state)
{
    (void)state;
    _Atomic int64_t until = 0;
    int64_t wait = 0;
    assert_true(limit_rate_take(&until, 1000, 1000, SECOND, &wait));
    assert_false(limit_rate_take(&until, 1000, 100, SECOND, &wait));
    limit_rate_settle(&until, 1000, 1000, 900, SECOND);
    assert_true(limit_rate_take(&until, 1000, 100, SECOND, &wait));
    assert_false(limit_rate_take(&until, 1000, 1, SECOND, &wait));
}

static void what_was_used_besides_counts_from_now_on(void **state)
{
    (void)state;
    _Atomic int64_t until = 0;
    int64_t wait = 0;
    assert_true(limit_rate_take(&until, 60, 1, SECOND, &wait));
    limit_rate_settle(&until, 60, 1, 60, 500 * SECOND);
    assert_true(limit_rate_take(&until, 60, 1, 500 * SECOND, &wait));
    assert_false(limit_rate_take(&until, 60, 1, 500 * SECOND, &wait));
}

static void periods_that_are_to_come_begin_empty_and_past_ones_are_kept(void **state)
{
    (void)state;
    struct limit_slot *slot = limit_page_claim(page, 77);
    limit_page_turn(page, LIMIT_DAY, 100);
    assert_true(limit_money_take(limit_cell(slot, LIMIT_DAY, 100), 10, 7));
    for (int64_t day = 101; day <= 220; day++) {
        limit_page_turn(page, LIMIT_DAY, day);
        assert_int_equal(*limit_cell(slot, LIMIT_DAY, day), 0);
        assert_int_equal(*limit_cell(slot, LIMIT_DAY, day - 1), 7);
        assert_true(limit_money_take(limit_cell(slot, LIMIT_DAY, day), 10, 7));
    }
    assert_int_equal(*limit_cell(slot, LIMIT_MONTH, 100), 0);
}

static void a_slot_is_found_by_the_id_that_claimed_it(void **state)
{
    (void)state;
    uint64_t near = 5 + LIMIT_SLOT_COUNT;
    struct limit_slot *first = limit_page_claim(page, 5);
    struct limit_slot *second = limit_page_claim(page, near);
    assert_ptr_not_equal(first, second);
    assert_ptr_equal(limit_page_find(page, 5), first);
    assert_ptr_equal(limit_page_find(page, near), second);
    assert_ptr_equal(limit_page_claim(page, 5), first);
    assert_null(limit_page_find(page, 6 + LIMIT_SLOT_COUNT));
    assert_null(limit_page_claim(page, 0));
}

static void a_page_of_another_form_is_refused(void **state)
{
    (void)state;
    struct limit_page *other = NULL;
    int other_fd = -1;
    struct oft_error error = {0};
    page->version++;
    assert_int_equal(limit_page_map(path, false, &other, &other_fd, &error), OFT_ERR_VERSION);
    page->version--;
    assert_int_equal(truncate(path, 4096), 0);
    assert_int_equal(limit_page_map(path, false, &other, &other_fd, &error), OFT_ERR_CORRUPT);
    assert_int_equal(truncate(path, sizeof(struct limit_page)), 0);
}

enum { THREADS = 8, TRIES = 20000 };
static struct limit_slot *shared;
static _Atomic int64_t admitted, refused, most_running;

static void *spend(void *unused)
{
    (void)unused;
    for (int i = 0; i < TRIES; i++) {
        _Atomic int64_t *cell = limit_cell(shared, LIMIT_MONTH, 3);
        if (!limit_money_take(cell, 1000000, 300)) {
            atomic_fetch_add(&refused, 1);
            continue;
        }
        assert_true(*cell <= 1000000);
        if (i % 2 == 0) {
            limit_money_settle(cell, 300, 120);
            atomic_fetch_add(&admitted, 120);
        } else {
            limit_money_settle(cell, 300, 300);
            atomic_fetch_add(&admitted, 300);
        }
    }
    return NULL;
}

static void *run(void *unused)
{
    (void)unused;
    for (int i = 0; i < TRIES; i++) {
        if (limit_running_take(shared, 5)) {
            int64_t running = shared->running;
            int64_t seen = most_running;
            while (running > seen && !atomic_compare_exchange_weak(&most_running, &seen, running)) {
            }
            limit_running_give(shared);
        }
    }
    return NULL;
}

static void with_threads(void *(*work)(void *))
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

static void many_at_once_never_promise_more_than_the_budget(void **state)
{
    (void)state;
    shared = limit_page_claim(page, 4242);
    with_threads(spend);
    assert_int_equal(*limit_cell(shared, LIMIT_MONTH, 3), admitted);
    assert_true(admitted <= 1000000);
    assert_true(admitted > 1000000 - 300);
    assert_true(refused > 0);
}

static void many_at_once_never_run_more_than_the_limit(void **state)
{
    (void)state;
    shared = limit_page_claim(page, 4243);
    with_threads(run);
    assert_true(most_running <= 5);
    assert_int_equal(shared->running, 0);
}

static void what_a_killed_worker_counted_as_running_is_given_back_by_the_next(void **state)
{
    (void)state;
    struct limit_slot *slot = limit_page_claim(page, 99);
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        static struct limit_worker mine;
        struct limit_page *own = NULL;
        int own_fd = -1;
        if (limit_page_map(path, false, &own, &own_fd, NULL) != OFT_OK) {
            _exit(1);
        }
        limit_worker_open(&mine, own, own_fd);
        for (int i = 0; i < 3; i++) {
            struct limit_slot *held = limit_page_find(own, 99);
            uint32_t place = limit_worker_begin(&mine);
            if (!limit_running_take(held, 10)) {
                _exit(1);
            }
            limit_worker_note(&mine, place, 1, held);
        }
        (void)!write(pipes[1], "x", 1);
        for (;;) {
            (void)pause();
        }
    }
    char byte = 0;
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    static struct limit_worker next;
    struct limit_page *again = NULL;
    int again_fd = -1;
    assert_int_equal(limit_page_map(path, false, &again, &again_fd, NULL), OFT_OK);
    limit_worker_open(&next, again, again_fd);
    assert_int_equal(slot->running, 3); /* it lives: nothing is taken from it */
    assert_int_not_equal(next.row, LIMIT_NONE);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    static struct limit_worker third;
    struct limit_page *last = NULL;
    int last_fd = -1;
    assert_int_equal(limit_page_map(path, false, &last, &last_fd, NULL), OFT_OK);
    limit_worker_open(&third, last, last_fd);
    assert_int_equal(slot->running, 0);
    assert_int_not_equal(third.row, next.row);
    limit_page_unmap(again, again_fd);
    limit_page_unmap(last, last_fd);
    (void)close(pipes[0]);
    (void)close(pipes[1]);
}

static void a_place_counts_and_gives_back_each_part_once(void **state)
{
    (void)state;
    static struct limit_worker worker;
    struct limit_slot *slot = limit_page_claim(page, 100);
    limit_worker_open(&worker, page, fd);
    uint32_t free_before = worker.free_count;
    uint32_t place = limit_worker_begin(&worker);
    assert_true(limit_running_take(slot, 1));
    limit_worker_note(&worker, place, 3, slot);
    assert_false(limit_running_take(slot, 1));
    limit_worker_drop(&worker, place, 3);
    limit_worker_drop(&worker, place, 3);
    assert_int_equal(slot->running, 0);
    limit_worker_end(&worker, place);
    assert_int_equal(worker.free_count, free_before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_minutes_worth_may_come_at_once_and_the_rest_waits_its_turn),
        cmocka_unit_test(more_than_a_minutes_worth_is_never_admitted_and_a_full_minutes_worth_is),
        cmocka_unit_test(what_was_promised_and_not_used_is_given_back),
        cmocka_unit_test(what_was_used_besides_counts_from_now_on),
        cmocka_unit_test(periods_that_are_to_come_begin_empty_and_past_ones_are_kept),
        cmocka_unit_test(a_slot_is_found_by_the_id_that_claimed_it),
        cmocka_unit_test(a_page_of_another_form_is_refused),
        cmocka_unit_test(many_at_once_never_promise_more_than_the_budget),
        cmocka_unit_test(many_at_once_never_run_more_than_the_limit),
        cmocka_unit_test(what_a_killed_worker_counted_as_running_is_given_back_by_the_next),
        cmocka_unit_test(a_place_counts_and_gives_back_each_part_once),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
