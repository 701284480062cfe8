/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page of counters: rows of workers that live and die, places that run out, and what an addition
 * costs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/time.h"
#include "meter/counters.h"

struct fixture {
    char path[64];
    struct counter_page *page;
    int fd;
};

static int set_up(void **state)
{
    struct fixture *it = calloc(1, sizeof(*it));
    struct oft_error error = {0};
    if (it == NULL) {
        return -1;
    }
    (void)snprintf(it->path, sizeof(it->path), "/tmp/oft-counters-XXXXXX");
    int fd = mkstemp(it->path);
    if (fd < 0) {
        return -1;
    }
    (void)close(fd);
    *state = it;
    return counter_page_map(it->path, true, &it->page, &it->fd, &error) == OFT_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *it = *state;
    counter_page_unmap(it->page, it->fd);
    (void)unlink(it->path);
    free(it);
    return 0;
}

static struct meter_record served(uint64_t product, uint64_t pool, uint64_t model)
{
    return (struct meter_record){.product_id = product,
                                 .pool_id = pool,
                                 .model_id = model,
                                 .operation = METER_OP_CHAT,
                                 .status = 200,
                                 .upstream_status = 200,
                                 .attempts = 1,
                                 .flags = METER_FLAG_STREAM,
                                 .first_byte_us = 4000,
                                 .total_us = 204000,
                                 .units = {100, 20, 0, 11, 0, 0, 0}};
}

static uint64_t sum(const struct counter_page *page, unsigned cell)
{
    uint64_t total = 0;
    for (uint32_t row = 0; row < COUNTER_ROW_COUNT; row++) {
        for (uint32_t i = 0; i <= COUNTER_SERIES_COUNT; i++) {
            total += page->rows[row].series[i].cells[cell];
        }
    }
    return total;
}

/* A worker as nginx has it: a descriptor of its own, and so locks of its own. */
static void open_worker(const struct fixture *it, struct counter_worker *worker,
                        struct counter_page **page, int *fd)
{
    struct oft_error error = {0};
    assert_int_equal(counter_page_map(it->path, false, page, fd, &error), OFT_OK);
    counter_worker_open(worker, *page, *fd, (uint64_t)getpid());
}

static void a_served_stream_is_counted_in_its_cells(void **state)
{
    struct fixture *it = *state;
    struct counter_worker worker;
    struct meter_record record = served(1, 2, 3);
    counter_worker_open(&worker, it->page, it->fd, 1);
    counter_running(&worker, 1);
    assert_int_equal(worker.row->running, 1);
    counter_running(&worker, -1);
    counter_settled(&worker, &record);
    assert_int_equal(worker.row->running, 0);
    assert_int_equal(worker.row->records, 2);
    const struct counter_series *series = worker.last;
    assert_int_equal(series->product_id, 1);
    assert_int_equal(series->cells[COUNTER_REQUESTS], 1); /* 2xx, served */
    assert_int_equal(series->cells[COUNTER_UNITS], 100);
    assert_int_equal(series->cells[COUNTER_UNITS + 1], 20);
    assert_int_equal(series->cells[COUNTER_UNITS + 3], 11);
    /* 204 ms are above 160 and up to 320; 4 ms above 1 and up to 5; 20 ms a token above 10, up to 25. */
    assert_int_equal(series->cells[COUNTER_DURATION + 5], 1);
    assert_int_equal(series->cells[COUNTER_DURATION + COUNTER_DURATION_BUCKETS + 1], 204000);
    assert_int_equal(series->cells[COUNTER_FIRST + 1], 1);
    assert_int_equal(series->cells[COUNTER_PER_TOKEN + 1], 1);
    assert_int_equal(series->cells[COUNTER_INPUT + 4], 1);
    assert_int_equal(series->cells[COUNTER_OUTPUT + 2], 1);
}

static void what_is_at_a_bound_is_below_it_and_above_all_bounds_is_counted_too(void **state)
{
    struct fixture *it = *state;
    struct counter_worker worker;
    struct meter_record record = served(1, 2, 3);
    counter_worker_open(&worker, it->page, it->fd, 1);
    record.total_us = 10000;
    counter_settled(&worker, &record);
    record.total_us = UINT32_MAX;
    counter_settled(&worker, &record);
    assert_int_equal(worker.last->cells[COUNTER_DURATION], 1);
    assert_int_equal(worker.last->cells[COUNTER_DURATION + COUNTER_DURATION_BUCKETS], 1);
}

static void outcomes_follow_from_the_record(void **state)
{
    static const struct {
        uint32_t flags;
        uint16_t upstream;
        enum counter_outcome outcome;
    } CASES[] = {
        {0, 200, COUNTER_SERVED},
        {METER_FLAG_ESTIMATED, 200, COUNTER_ESTIMATED},
        {METER_FLAG_CUT | METER_FLAG_ESTIMATED, 200, COUNTER_CUT},
        {METER_FLAG_ABORTED, 200, COUNTER_CLIENT_LEFT},
        {METER_FLAG_REFUSED, 0, COUNTER_REFUSED},
        {METER_FLAG_REFUSED | METER_FLAG_ABORTED, 0, COUNTER_CLIENT_LEFT},
        {0, 429, COUNTER_FAILED},
        {METER_FLAG_MAYBE_BILLED, 0, COUNTER_FAILED},
    };
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(CASES); i++) {
        struct meter_record record = {.flags = CASES[i].flags,
                                      .upstream_status = CASES[i].upstream};
        assert_int_equal(counter_outcome_of(&record), CASES[i].outcome);
    }
}

static void workers_add_side_by_side_and_the_next_goes_on_where_a_dead_one_stopped(void **state)
{
    enum { WORKERS = 6, ROUNDS = 5, REQUESTS = 2000 };
    struct fixture *it = *state;
    for (int round = 0; round < ROUNDS; round++) {
        pid_t pids[WORKERS];
        for (int i = 0; i < WORKERS; i++) {
            pids[i] = fork();
            if (pids[i] == 0) {
                struct counter_worker worker;
                struct counter_page *page;
                int fd;
                open_worker(it, &worker, &page, &fd);
                for (uint64_t n = 0; n < REQUESTS; n++) {
                    struct meter_record record = served(1 + n % 3, 7, 9);
                    counter_running(&worker, 1);
                    counter_settled(&worker, &record);
                }
                _exit(worker.shared ? 1 : 0); /* dies with all of them running */
            }
        }
        for (int i = 0; i < WORKERS; i++) {
            int status = 0;
            assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
            assert_int_equal(status, 0);
        }
        assert_int_equal(sum(it->page, COUNTER_REQUESTS),
                         (uint64_t)(round + 1) * WORKERS * REQUESTS);
    }
    for (uint32_t row = 0; row < COUNTER_ROW_COUNT; row++) {
        assert_false(counter_row_held(it->fd, row));
    }
    /* Rows are used again, and what the dead ran runs no more. */
    assert_int_equal(it->page->rows[WORKERS].workers, 0);
    struct counter_worker worker;
    counter_worker_open(&worker, it->page, it->fd, 1);
    assert_ptr_equal(worker.row, &it->page->rows[0]);
    assert_int_equal(worker.row->running, 0);
}

static void when_all_rows_are_held_the_last_is_shared_and_loses_nothing(void **state)
{
    enum { WORKERS = 4, REQUESTS = 20000 };
    struct fixture *it = *state;
    struct counter_page *pages[COUNTER_ROW_COUNT];
    int fds[COUNTER_ROW_COUNT];
    struct counter_worker worker;
    for (uint32_t i = 0; i + 1 < COUNTER_ROW_COUNT; i++) {
        open_worker(it, &worker, &pages[i], &fds[i]);
        assert_false(worker.shared);
    }
    pid_t pids[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct counter_page *page;
            int fd;
            open_worker(it, &worker, &page, &fd);
            for (uint64_t n = 0; n < REQUESTS; n++) {
                struct meter_record record = served(1, 2 + n % 50, 3);
                counter_settled(&worker, &record);
                counter_refused(&worker, n % 2 == 0 ? "even" : "odd");
            }
            _exit(worker.shared ? 0 : 1);
        }
    }
    for (int i = 0; i < WORKERS; i++) {
        int status = 0;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(sum(it->page, COUNTER_REQUESTS), (uint64_t)WORKERS * REQUESTS);
    uint64_t reasons = 0;
    for (uint32_t i = 0; i <= COUNTER_REASON_COUNT; i++) {
        reasons += it->page->rows[COUNTER_ROW_COUNT - 1].reasons[i].count;
    }
    assert_int_equal(reasons, (uint64_t)WORKERS * REQUESTS);
    for (uint32_t i = 0; i + 1 < COUNTER_ROW_COUNT; i++) {
        counter_page_unmap(pages[i], fds[i]);
    }
}

static void what_finds_no_place_is_counted_in_one_more(void **state)
{
    struct fixture *it = *state;
    struct counter_worker worker;
    counter_worker_open(&worker, it->page, it->fd, 1);
    for (uint64_t n = 1; n <= COUNTER_SERIES_COUNT + 100; n++) {
        struct meter_record record = served(n * 7919, 2, 3);
        char reason[32];
        (void)snprintf(reason, sizeof(reason), "reason-%u", (unsigned)n);
        counter_settled(&worker, &record);
        counter_refused(&worker, reason);
        counter_attempt(&worker, n * 104729);
    }
    const struct counter_row *row = worker.row;
    assert_int_equal(row->series[COUNTER_SERIES_COUNT].cells[COUNTER_REQUESTS], 100);
    assert_int_equal(row->reasons[COUNTER_REASON_COUNT].count,
                     COUNTER_SERIES_COUNT + 100 - COUNTER_REASON_COUNT);
    assert_int_equal(row->pools[COUNTER_POOL_COUNT].cells[COUNTER_POOL_ATTEMPTS],
                     COUNTER_SERIES_COUNT + 100 - COUNTER_POOL_COUNT);
    assert_int_equal(sum(it->page, COUNTER_REQUESTS), COUNTER_SERIES_COUNT + 100);
    counter_refused(&worker, "a-reason-that-is-longer-than-any-place-has-room-for");
    assert_int_equal(row->reasons[COUNTER_REASON_COUNT].count,
                     COUNTER_SERIES_COUNT + 101 - COUNTER_REASON_COUNT);
}

static void a_worker_without_a_page_counts_nothing_and_lives(void **state)
{
    struct counter_worker worker = {0};
    struct meter_record record = served(1, 2, 3);
    (void)state;
    counter_running(&worker, 1);
    counter_settled(&worker, &record);
    counter_refused(&worker, "x");
    counter_attempt(&worker, 1);
    counter_attempt_failed(&worker, 1, COUNTER_BUSY, true);
    counter_pool_state(&worker, 1, 1, 2, COUNTER_OPEN);
    counter_generation(&worker, 3);
}

static void a_file_of_another_size_or_version_is_refused(void **state)
{
    struct fixture *it = *state;
    struct counter_page *page;
    struct oft_error error = {0};
    int fd;
    it->page->version++;
    assert_int_equal(counter_page_map(it->path, false, &page, &fd, &error), OFT_ERR_VERSION);
    assert_int_equal(counter_page_map(it->path, true, &page, &fd, &error), OFT_ERR_VERSION);
    it->page->version--;
    assert_int_equal(truncate(it->path, 4096), 0);
    assert_int_equal(counter_page_map(it->path, false, &page, &fd, &error), OFT_ERR_CORRUPT);
    assert_int_equal(counter_page_map(it->path, true, &page, &fd, &error), OFT_ERR_CORRUPT);
}

/* Printed, not judged: machines differ. */
static void an_addition_costs_this_much(void **state)
{
    enum { ROUNDS = 2000000 };
    struct fixture *it = *state;
    struct counter_worker worker;
    struct timespec began, ended;
    counter_worker_open(&worker, it->page, it->fd, 1);
    struct meter_record records[2] = {served(11, 22, 33), served(11, 23, 33)};
    (void)clock_gettime(CLOCK_MONOTONIC, &began);
    for (uint32_t n = 0; n < ROUNDS; n++) {
        records[n & 1].total_us = n;
        counter_running(&worker, 1);
        counter_attempt(&worker, records[n & 1].pool_id);
        counter_settled(&worker, &records[n & 1]);
        counter_running(&worker, -1);
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &ended);
    int64_t ns = (ended.tv_sec - began.tv_sec) * OFT_NS_PER_SECOND + ended.tv_nsec - began.tv_nsec;
    print_message("# a whole request: %lld ns\n", (long long)(ns / ROUNDS));
    assert_int_equal(sum(it->page, COUNTER_REQUESTS), ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_served_stream_is_counted_in_its_cells, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            what_is_at_a_bound_is_below_it_and_above_all_bounds_is_counted_too, set_up, tear_down),
        cmocka_unit_test(outcomes_follow_from_the_record),
        cmocka_unit_test_setup_teardown(
            workers_add_side_by_side_and_the_next_goes_on_where_a_dead_one_stopped, set_up,
            tear_down),
        cmocka_unit_test_setup_teardown(when_all_rows_are_held_the_last_is_shared_and_loses_nothing,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_finds_no_place_is_counted_in_one_more, set_up,
                                        tear_down),
        cmocka_unit_test(a_worker_without_a_page_counts_nothing_and_lives),
        cmocka_unit_test_setup_teardown(a_file_of_another_size_or_version_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_addition_costs_this_much, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
