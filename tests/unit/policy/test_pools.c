/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How pools are doing: the breaker's life, load, and the page that all share.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "policy/pools.h"

#define SECOND INT64_C(1000000000)
#define NOW    (1000 * SECOND)

static void a_hard_failure_opens_and_pauses_double_up_to_sixteen_seconds(void **state)
{
    static const int64_t seconds[] = {1, 2, 4, 8, 16, 16};
    struct pool_slot slot = {0};
    int64_t now = NOW;
    (void)state;
    for (size_t i = 0; i < sizeof(seconds) / sizeof(*seconds); i++) {
        pool_failed(&slot, POOL_HARD, 0, now);
        assert_int_equal(pool_wait(&slot, now), seconds[i] * SECOND);
        assert_int_equal(pool_standing(&slot, now + seconds[i] * SECOND - 1, 0), POOL_DOWN);
        now += seconds[i] * SECOND;
        assert_int_equal(pool_standing(&slot, now, 0), POOL_UP); /* for one that asks */
        assert_true(pool_enter(&slot, now));
    }
}

static void a_pause_is_as_long_as_the_provider_says_within_five_minutes(void **state)
{
    struct pool_slot slot = {0};
    (void)state;
    pool_failed(&slot, POOL_HARD, 42 * SECOND, NOW);
    assert_int_equal(pool_wait(&slot, NOW), 42 * SECOND);
    pool_failed(&slot, POOL_HARD, 86400 * SECOND, NOW);
    assert_int_equal(pool_wait(&slot, NOW), POOL_PAUSE_NS_MAX);
}

static void soft_failures_open_only_when_they_come_in_a_row(void **state)
{
    struct pool_slot slot = {0};
    (void)state;
    for (int round = 0; round < 3; round++) {
        for (unsigned i = 1; i < POOL_FAILURES_OPEN; i++) {
            pool_failed(&slot, POOL_SOFT, 0, NOW);
        }
        assert_int_equal(pool_standing(&slot, NOW, 0), POOL_UP);
        pool_succeeded(&slot, NOW);
    }
    for (unsigned i = 0; i < POOL_FAILURES_OPEN; i++) {
        pool_failed(&slot, POOL_SOFT, 0, NOW);
    }
    assert_int_equal(pool_standing(&slot, NOW, 0), POOL_DOWN);
    assert_int_equal(pool_wait(&slot, NOW), SECOND);
}

static void half_open_lets_one_ask_and_the_others_wait_for_what_it_says(void **state)
{
    struct pool_slot slot = {0};
    int64_t later = NOW + SECOND;
    (void)state;
    pool_failed(&slot, POOL_HARD, 0, NOW);
    assert_false(pool_enter(&slot, NOW));
    assert_true(pool_enter(&slot, later));
    assert_false(pool_enter(&slot, later));
    assert_int_equal(pool_standing(&slot, later, 0), POOL_DOWN);
    /* It fails: a longer pause. */
    pool_failed(&slot, POOL_SOFT, 0, later);
    assert_int_equal(pool_wait(&slot, later), 2 * SECOND);
    /* One that never tells, because its worker died, is forgotten. */
    later += 2 * SECOND;
    assert_true(pool_enter(&slot, later));
    assert_false(pool_enter(&slot, later + POOL_PROBE_NS - 1));
    assert_true(pool_enter(&slot, later + POOL_PROBE_NS));
}

static unsigned taken_of(const struct pool_slot *slot, int64_t now)
{
    unsigned taken = 0;
    for (uint32_t dice = 0; dice < POOL_DICE; dice += POOL_DICE / 1024) {
        taken += pool_standing(slot, now, dice) == POOL_UP;
    }
    return taken;
}

static void a_pool_that_comes_back_takes_a_tenth_at_first_and_all_after_ten_seconds(void **state)
{
    struct pool_slot slot = {0};
    unsigned before = 0;
    (void)state;
    pool_failed(&slot, POOL_HARD, 0, NOW);
    assert_true(pool_enter(&slot, NOW + SECOND));
    pool_succeeded(&slot, NOW + SECOND);
    assert_in_range(taken_of(&slot, NOW + SECOND), 1024 / 10 - 1, 1024 / 10 + 2);
    for (int64_t at = 0; at <= POOL_RAMP_NS; at += POOL_RAMP_NS / 20) {
        unsigned taken = taken_of(&slot, NOW + SECOND + at);
        assert_true(taken >= before);
        before = taken;
    }
    assert_int_equal(before, 1024);
    /* Who is not of its part finds it behind the others, not down. */
    assert_int_equal(pool_standing(&slot, NOW + SECOND, POOL_DICE - 1), POOL_SPARE);
    /* A failure on the way back opens it again at once when it is hard. */
    pool_failed(&slot, POOL_HARD, 0, NOW + 2 * SECOND);
    assert_int_equal(pool_standing(&slot, NOW + 2 * SECOND, 0), POOL_DOWN);
}

static void a_success_that_began_before_the_pause_does_not_end_it(void **state)
{
    struct pool_slot slot = {0};
    (void)state;
    pool_failed(&slot, POOL_HARD, 5 * SECOND, NOW);
    pool_succeeded(&slot, NOW + SECOND);
    assert_int_equal(pool_standing(&slot, NOW + SECOND, 0), POOL_DOWN);
}

static void a_check_that_fails_takes_the_pool_out_until_one_succeeds(void **state)
{
    struct pool_slot slot = {0};
    (void)state;
    pool_checked(&slot, true, NOW);
    assert_int_equal(taken_of(&slot, NOW), 1024);
    pool_checked(&slot, false, NOW);
    assert_int_equal(pool_standing(&slot, NOW + 3600 * SECOND, 0), POOL_DOWN);
    pool_checked(&slot, true, NOW + 3600 * SECOND);
    assert_in_range(taken_of(&slot, NOW + 3600 * SECOND), 1, 1023); /* by the ramp */
}

static void latency_is_an_average_that_fades(void **state)
{
    struct pool_slot slot = {0};
    (void)state;
    assert_int_equal(pool_latency(&slot, NOW), 0);
    pool_measured(&slot, 80000000, NOW);
    assert_int_equal(pool_latency(&slot, NOW), 80000000);
    pool_measured(&slot, 160000000, NOW);
    assert_int_equal(pool_latency(&slot, NOW), 90000000);
    assert_int_equal(pool_latency(&slot, NOW + 10 * SECOND), 45000000);
    assert_int_equal(pool_latency(&slot, NOW + 10000 * SECOND), 0);
}

struct file {
    char path[64];
    struct pool_page *page;
    int fd;
};

static void open_file(struct file *file)
{
    struct oft_error error = {0};
    strcpy(file->path, "/tmp/offtake-pools-XXXXXX");
    int fd = mkstemp(file->path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(pool_page_map(file->path, true, &file->page, &file->fd, &error), OFT_OK);
}

static void close_file(struct file *file)
{
    pool_page_unmap(file->page, file->fd);
    unlink(file->path);
}

static void running_requests_are_summed_over_workers_and_a_dead_ones_are_over(void **state)
{
    struct file file;
    (void)state;
    open_file(&file);
    struct pool_slot *slot = pool_page_claim(file.page, 77);
    assert_ptr_equal(pool_page_find(file.page, 77), slot);
    assert_null(pool_page_find(file.page, 78));
    pool_row_open(file.page, 0);
    pool_row_open(file.page, 5);
    for (int i = 0; i < 3; i++) {
        pool_began(file.page, 0, slot);
        pool_began(file.page, 5, slot);
    }
    pool_ended(file.page, 5, slot);
    assert_int_equal(pool_running(file.page, slot), 5);
    pool_measured(slot, 2000000, NOW);
    assert_int_equal(pool_load(file.page, slot, NOW), 6 * 2001);
    pool_row_open(file.page, 0);
    assert_int_equal(pool_running(file.page, slot), 2);
    pool_ended(file.page, 0, slot); /* of the time before: not below nothing */
    assert_int_equal(pool_running(file.page, slot), 2);
    pool_began(file.page, POOL_ROW_COUNT, slot); /* a worker without a row counts nothing */
    assert_int_equal(pool_running(file.page, slot), 2);
    close_file(&file);
}

static void a_file_of_another_size_or_version_is_refused(void **state)
{
    struct file file;
    struct pool_page *page = NULL;
    struct oft_error error = {0};
    int fd = -1;
    (void)state;
    open_file(&file);
    file.page->version++;
    assert_int_equal(pool_page_map(file.path, false, &page, &fd, &error), OFT_ERR_VERSION);
    file.page->version--;
    assert_int_equal(truncate(file.path, 4096), 0);
    assert_int_equal(pool_page_map(file.path, false, &page, &fd, &error), OFT_ERR_CORRUPT);
    assert_null(page);
    close_file(&file);
}

static void a_full_page_gives_no_slot_and_breaks_nothing(void **state)
{
    struct file file;
    unsigned given = 0;
    (void)state;
    open_file(&file);
    for (uint64_t id = 1; id <= POOL_SLOT_COUNT; id++) {
        given += pool_page_claim(file.page, id * UINT64_C(0x9e3779b97f4a7c15) | 1) != NULL;
    }
    assert_in_range(given, POOL_SLOTS_USED_MAX / 2, POOL_SLOT_COUNT);
    assert_null(pool_page_find(file.page, 12345678));
    close_file(&file);
}

/* ---- many at once ------------------------------------------------------------------------------ */

enum { THREADS = 4, ROUNDS = 20000 };
struct crowd {
    struct pool_slot *slot;
    _Atomic unsigned entered;
};

static void *crowd_run(void *context)
{
    struct crowd *crowd = context;
    for (int i = 0; i < ROUNDS; i++) {
        if (pool_enter(crowd->slot, NOW + SECOND)) {
            atomic_fetch_add(&crowd->entered, 1);
        }
    }
    return NULL;
}

static void of_many_that_ask_at_once_exactly_one_is_the_probe(void **state)
{
    struct pool_slot slot = {0};
    struct crowd crowd = {.slot = &slot};
    pthread_t threads[THREADS];
    (void)state;
    pool_failed(&slot, POOL_HARD, 0, NOW);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_run, &crowd), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(crowd.entered, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hard_failure_opens_and_pauses_double_up_to_sixteen_seconds),
        cmocka_unit_test(a_pause_is_as_long_as_the_provider_says_within_five_minutes),
        cmocka_unit_test(soft_failures_open_only_when_they_come_in_a_row),
        cmocka_unit_test(half_open_lets_one_ask_and_the_others_wait_for_what_it_says),
        cmocka_unit_test(a_pool_that_comes_back_takes_a_tenth_at_first_and_all_after_ten_seconds),
        cmocka_unit_test(a_success_that_began_before_the_pause_does_not_end_it),
        cmocka_unit_test(a_check_that_fails_takes_the_pool_out_until_one_succeeds),
        cmocka_unit_test(latency_is_an_average_that_fades),
        cmocka_unit_test(running_requests_are_summed_over_workers_and_a_dead_ones_are_over),
        cmocka_unit_test(a_file_of_another_size_or_version_is_refused),
        cmocka_unit_test(a_full_page_gives_no_slot_and_breaks_nothing),
        cmocka_unit_test(of_many_that_ask_at_once_exactly_one_is_the_probe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
