/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A writer that is killed with SIGKILL at any moment leaves an unbroken run of whole records, and is
 * known to be dead. A disk that is full is an error and never a fault.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "meter/append.h"
#include "meter/read.h"

enum { KILLS = 60, RECORDS_PER_SEGMENT = 128 };

static char directory[64];

static int make_directory(void **state)
{
    (void)state;
    (void)snprintf(directory, sizeof(directory), "/tmp/oft-meter-XXXXXX");
    return mkdtemp(directory) == NULL ? -1 : 0;
}

static int remove_directory(void **state)
{
    char command[128];
    (void)state;
    (void)snprintf(command, sizeof(command), "rm -rf %s", directory);
    return system(command);
}

/* Appends until killed; says in shared memory how many records are certainly written. */
static void write_forever(volatile uint64_t *written)
{
    struct meter_writer writer;
    if (meter_writer_open(&writer, directory, "n", RECORDS_PER_SEGMENT, 1, NULL) != OFT_OK) {
        _exit(1);
    }
    for (uint64_t number = 0;; number++) {
        struct meter_record record = {.admitted_ns = (int64_t)number};
        if (meter_reserve(&writer, 1, 1) != OFT_OK ||
            meter_append(&writer, METER_SETTLED, &record) != OFT_OK) {
            _exit(2);
        }
        *written = number + 1;
    }
}

/* Reads all segments; every record must be the next one. Returns how many there were. */
static uint64_t read_unbroken_run(void)
{
    char **names = NULL;
    size_t count = 0;
    uint64_t next = 0;
    assert_int_equal(meter_list(directory, &names, &count, NULL), OFT_OK);
    for (size_t i = 0; i < count; i++) {
        struct meter_segment segment;
        struct meter_record records[RECORDS_PER_SEGMENT];
        struct meter_read_result result;
        assert_int_equal(meter_segment_open(&segment, directory, names[i], NULL), OFT_OK);
        enum meter_segment_state how = meter_segment_state(&segment);
        assert_int_not_equal(how, METER_WRITING);
        assert_int_equal(meter_read(&segment, how, 0, records, RECORDS_PER_SEGMENT, &result),
                         OFT_OK);
        assert_int_equal(result.corrupt_count, 0);
        for (uint32_t j = 0; j < result.record_count; j++) {
            assert_int_equal(records[j].admitted_ns, next++);
        }
        meter_segment_close(&segment);
    }
    meter_names_free(names, count);
    return next;
}

static void kill_one_writer(volatile uint64_t *written, uint64_t after)
{
    *written = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        write_forever(written);
    }
    while (*written < after) {
        if (waitpid(child, NULL, WNOHANG) != 0) {
            fail_msg("the writer ended by itself");
        }
    }
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void a_killed_writer_leaves_an_unbroken_run_of_whole_records(void **state)
{
    volatile uint64_t *written =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    (void)state;
    assert_true((void *)written != MAP_FAILED);
    for (unsigned i = 0; i < KILLS; i++) {
        kill_one_writer(written, 1 + i * 53 % 2000);
        uint64_t read = read_unbroken_run();
        assert_true(read >= *written); /* what was said to be written is there */
        assert_true(read <= *written + 1);
        (void)remove_directory(NULL);
        (void)make_directory(NULL);
    }
    (void)munmap((void *)written, 4096);
}

static void run_out_of_disk(void)
{
    struct meter_writer writer;
    struct rlimit limit = {METER_HEADER_BYTES + 100, METER_HEADER_BYTES + 100};
    (void)signal(SIGXFSZ, SIG_IGN);
    if (meter_writer_open(&writer, directory, "n", 64, 1, NULL) != OFT_OK) {
        _exit(1);
    }
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        _exit(2);
    }
    struct meter_record record = {0};
    unsigned appended = 0;
    while (meter_reserve(&writer, 1, 1) == OFT_OK) {
        if (meter_append(&writer, METER_SETTLED, &record) != OFT_OK) {
            _exit(3); /* promised, and no room: the one thing that may not be */
        }
        appended++;
    }
    struct meter_writer second;
    struct oft_error error = {0};
    enum oft_err code = meter_writer_open(&second, directory, "m", 64, 1, &error);
    _exit(appended == 64 && code == OFT_ERR_FULL ? 0 : 4);
}

static void a_full_disk_is_told_at_the_promise_and_never_at_the_append(void **state)
{
    int status = 0;
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        run_out_of_disk();
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_killed_writer_leaves_an_unbroken_run_of_whole_records,
                                        make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(a_full_disk_is_told_at_the_promise_and_never_at_the_append,
                                        make_directory, remove_directory),
    };
    return cmocka_run_group_tests_name("meter kill", tests, NULL, NULL);
}
