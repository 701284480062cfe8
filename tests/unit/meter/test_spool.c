/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the spool's writer writes, its reader reads, and nothing else passes for a record.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "meter/append.h"
#include "meter/read.h"

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

static struct meter_record record_number(uint64_t number)
{
    struct meter_record record = {.admitted_ns = (int64_t)number, .key_id = number * 7};
    memcpy(record.request_id, &number, sizeof(number));
    return record;
}

static void append_many(struct meter_writer *writer, uint64_t first, uint64_t count)
{
    for (uint64_t i = first; i < first + count; i++) {
        struct meter_record record = record_number(i);
        assert_int_equal(meter_reserve(writer, 1, 1), OFT_OK);
        assert_int_equal(meter_append(writer, METER_SETTLED, &record), OFT_OK);
    }
}

static void only_name(char *name, size_t size)
{
    char **names = NULL;
    size_t count = 0;
    assert_int_equal(meter_list(directory, &names, &count, NULL), OFT_OK);
    assert_int_equal(count, 1);
    (void)snprintf(name, size, "%s", names[0]);
    meter_names_free(names, count);
}

/* Writes COUNT records and closes; the name of the one segment goes to NAME. */
static void write_closed(uint64_t count, char *name, size_t size)
{
    struct meter_writer writer;
    assert_int_equal(meter_writer_open(&writer, directory, "n", 64, 1, NULL), OFT_OK);
    append_many(&writer, 0, count);
    meter_writer_close(&writer);
    only_name(name, size);
}

static void patch(const char *name, off_t offset, const void *bytes, size_t length)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, length, offset), length);
    (void)close(fd);
}

static struct meter_read_result read_from(const char *name, struct meter_record *records,
                                          uint32_t records_max, enum meter_segment_state *ret_state)
{
    struct meter_segment segment;
    struct meter_read_result result;
    assert_int_equal(meter_segment_open(&segment, directory, name, NULL), OFT_OK);
    *ret_state = meter_segment_state(&segment);
    assert_int_equal(meter_read(&segment, *ret_state, 0, records, records_max, &result), OFT_OK);
    meter_segment_close(&segment);
    return result;
}

static void what_is_written_is_read_in_order(void **state)
{
    char name[128];
    struct meter_record records[64];
    enum meter_segment_state how;
    (void)state;
    write_closed(10, name, sizeof(name));
    struct meter_read_result result = read_from(name, records, 64, &how);
    assert_int_equal(how, METER_ENDED);
    assert_int_equal(result.record_count, 10);
    assert_int_equal(result.next, 10);
    assert_false(result.torn);
    for (uint64_t i = 0; i < 10; i++) {
        assert_int_equal(records[i].admitted_ns, i);
        assert_int_equal(records[i].sequence, i);
        assert_int_equal(meter_record_kind(&records[i]), METER_SETTLED);
    }
}

static void a_living_writer_is_told_from_one_that_ended(void **state)
{
    struct meter_writer writer;
    char name[128];
    struct meter_record records[4];
    enum meter_segment_state how;
    (void)state;
    assert_int_equal(meter_writer_open(&writer, directory, "n", 64, 1, NULL), OFT_OK);
    append_many(&writer, 0, 2);
    only_name(name, sizeof(name));
    assert_int_equal(read_from(name, records, 4, &how).record_count, 2);
    assert_int_equal(how, METER_WRITING);
    append_many(&writer, 2, 1); /* the look did not disturb it */
    meter_writer_close(&writer);
    assert_int_equal(read_from(name, records, 4, &how).record_count, 3);
    assert_int_equal(how, METER_ENDED);
}

static void a_promised_record_always_finds_room_across_segments(void **state)
{
    struct meter_writer writer;
    char **names = NULL;
    size_t count = 0;
    uint64_t read = 0;
    (void)state;
    assert_int_equal(meter_writer_open(&writer, directory, "n", 64, 1, NULL), OFT_OK);
    for (uint64_t i = 0; i < 1000; i += 3) {
        assert_int_equal(meter_reserve(&writer, 9, 1), OFT_OK);
        for (uint64_t j = 0; j < 3; j++) {
            struct meter_record record = record_number(i + j);
            assert_int_equal(meter_append(&writer, METER_INTENT, &record), OFT_OK);
        }
        meter_unreserve(&writer, 6);
    }
    assert_int_equal(writer.failures, 0);
    assert_int_equal(writer.reserved, 0);
    meter_writer_close(&writer);
    assert_int_equal(meter_list(directory, &names, &count, NULL), OFT_OK);
    assert_true(count >= 16);
    for (size_t i = 0; i < count; i++) {
        struct meter_record records[64];
        enum meter_segment_state how;
        struct meter_read_result result = read_from(names[i], records, 64, &how);
        for (uint32_t j = 0; j < result.record_count; j++) {
            assert_int_equal(records[j].admitted_ns, read++);
        }
    }
    assert_int_equal(read, 1002);
    meter_names_free(names, count);
}

static void every_flipped_bit_of_a_record_is_noticed(void **state)
{
    char name[128];
    struct meter_record records[64], good;
    enum meter_segment_state how;
    (void)state;
    write_closed(3, name, sizeof(name));
    (void)read_from(name, records, 64, &how);
    good = records[1];
    for (unsigned bit = 0; bit < METER_RECORD_BYTES * 8; bit++) {
        struct meter_record bad = good;
        ((uint8_t *)&bad)[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_false(meter_record_valid(&bad, 1));
    }
    assert_true(meter_record_valid(&good, 1));
    assert_false(meter_record_valid(&good, 2));
    uint8_t flipped = ((const uint8_t *)&good)[100] ^ 1;
    patch(name, METER_HEADER_BYTES + METER_RECORD_BYTES + 100, &flipped, 1);
    struct meter_read_result result = read_from(name, records, 64, &how);
    assert_int_equal(result.record_count, 2);
    assert_int_equal(result.corrupt_count, 1);
    assert_int_equal(result.next, 3);
}

static void a_wiped_commit_word_in_the_middle_is_damage_and_not_the_end(void **state)
{
    char name[128];
    struct meter_record records[64];
    enum meter_segment_state how;
    const uint32_t zero = 0;
    (void)state;
    write_closed(5, name, sizeof(name));
    patch(name, METER_HEADER_BYTES + 2 * METER_RECORD_BYTES, &zero, sizeof(zero));
    struct meter_read_result result = read_from(name, records, 64, &how);
    assert_int_equal(result.record_count, 4);
    assert_int_equal(result.corrupt_count, 1);
    assert_int_equal(result.next, 5);
}

static void one_damaged_slot_far_behind_the_end_is_found_in_one_pass(void **state)
{
    char name[128];
    struct meter_record records[64];
    enum meter_segment_state how;
    (void)state;
    write_closed(5, name, sizeof(name));
    patch(name, METER_HEADER_BYTES + 63 * METER_RECORD_BYTES, "bad!", 4);
    struct meter_read_result result = read_from(name, records, 64, &how);
    assert_int_equal(result.record_count, 5);
    assert_int_equal(result.corrupt_count, 59);
    assert_int_equal(result.next, 64);
}

static void a_half_written_last_record_is_reported_and_not_read(void **state)
{
    char name[128];
    struct meter_record records[64];
    enum meter_segment_state how;
    (void)state;
    write_closed(2, name, sizeof(name));
    patch(name, METER_HEADER_BYTES + 2 * METER_RECORD_BYTES + 40, "half", 4);
    struct meter_read_result result = read_from(name, records, 64, &how);
    assert_int_equal(result.record_count, 2);
    assert_int_equal(result.next, 2);
    assert_true(result.torn);
}

static void reading_goes_on_where_it_stopped(void **state)
{
    char name[128];
    struct meter_record records[4];
    struct meter_segment segment;
    struct meter_read_result result;
    uint32_t next = 0, total = 0;
    (void)state;
    write_closed(11, name, sizeof(name));
    assert_int_equal(meter_segment_open(&segment, directory, name, NULL), OFT_OK);
    do {
        assert_int_equal(meter_read(&segment, METER_ENDED, next, records, 4, &result), OFT_OK);
        total += result.record_count;
        next = result.next;
    } while (result.record_count > 0);
    assert_int_equal(total, 11);
    assert_int_equal(meter_read(&segment, METER_ENDED, 65, records, 4, &result), OFT_ERR_CORRUPT);
    meter_segment_close(&segment);
}

static void write_file(const char *name, const void *bytes, size_t length)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, length), length);
    (void)close(fd);
}

static enum oft_err opened(const char *name)
{
    struct meter_segment segment;
    struct oft_error error = {0};
    enum oft_err code = meter_segment_open(&segment, directory, name, &error);
    if (code == OFT_OK) {
        meter_segment_close(&segment);
    } else {
        assert_true(error.message[0] != '\0');
    }
    return code;
}

static void a_file_that_is_no_segment_is_refused(void **state)
{
    char name[128], path[256], link[256];
    uint8_t page[METER_HEADER_BYTES + 64 * METER_RECORD_BYTES] = {0};
    (void)state;
    write_file("empty.spool", "", 0);
    write_file("zero.spool", page, sizeof(page));
    write_file("short.spool", page, 100);
    assert_int_equal(opened("empty.spool"), OFT_ERR_CORRUPT);
    assert_int_equal(opened("zero.spool"), OFT_ERR_CORRUPT);
    assert_int_equal(opened("short.spool"), OFT_ERR_CORRUPT);
    assert_int_equal(opened("nothing.spool"), OFT_ERR_IO);
    assert_int_equal(opened("../x.spool"), OFT_ERR_INVALID);
    (void)snprintf(path, sizeof(path), "%s/pipe.spool", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(opened("pipe.spool"), OFT_ERR_INVALID);
    (void)snprintf(link, sizeof(link), "%s/link.spool", directory);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    assert_int_equal(opened("link.spool"), OFT_ERR_INVALID);
    (void)remove_directory(NULL);
    (void)make_directory(NULL);
    write_closed(1, name, sizeof(name));
    const uint32_t two = 2, swapped = 0x04030201;
    patch(name, offsetof(struct meter_segment_header, version), &two, 4);
    assert_int_equal(opened(name), OFT_ERR_VERSION);
    patch(name, offsetof(struct meter_segment_header, version), "\1\0\0\0", 4);
    patch(name, offsetof(struct meter_segment_header, byte_order), &swapped, 4);
    assert_int_equal(opened(name), OFT_ERR_VERSION);
    patch(name, offsetof(struct meter_segment_header, byte_order), "\4\3\2\1", 4);
    assert_int_equal(opened(name), OFT_OK);
    patch(name, offsetof(struct meter_segment_header, writer), "evil", 4);
    assert_int_equal(opened(name), OFT_ERR_CORRUPT);
}

static void a_segment_cut_short_is_refused_or_read_without_a_fault(void **state)
{
    char name[128], path[256];
    struct meter_segment segment;
    struct meter_record records[64];
    struct meter_read_result result;
    (void)state;
    write_closed(5, name, sizeof(name));
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    assert_int_equal(meter_segment_open(&segment, directory, name, NULL), OFT_OK);
    assert_int_equal(truncate(path, METER_HEADER_BYTES + 300), 0);
    assert_int_equal(meter_read(&segment, METER_ENDED, 0, records, 64, &result), OFT_ERR_CORRUPT);
    meter_segment_close(&segment);
    for (off_t length = METER_HEADER_BYTES + 299; length >= 0; length -= 97) {
        assert_int_equal(truncate(path, length), 0);
        assert_int_equal(opened(name), OFT_ERR_CORRUPT);
    }
}

static void a_bad_node_name_or_directory_is_refused(void **state)
{
    struct meter_writer writer;
    struct oft_error error = {0};
    (void)state;
    assert_int_equal(meter_writer_open(&writer, directory, "../x", 64, 1, &error), OFT_ERR_INVALID);
    assert_int_equal(meter_writer_open(&writer, directory, "", 64, 1, &error), OFT_ERR_INVALID);
    assert_int_equal(meter_writer_open(&writer, "/nowhere/at/all", "n", 64, 1, &error), OFT_ERR_IO);
    meter_writer_close(&writer);
    memset(&writer, 0, sizeof(writer));
    assert_int_equal(meter_reserve(&writer, 1, 1), OFT_ERR_FULL);
}

#define SPOOL_TEST(name) cmocka_unit_test_setup_teardown(name, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SPOOL_TEST(what_is_written_is_read_in_order),
        SPOOL_TEST(a_living_writer_is_told_from_one_that_ended),
        SPOOL_TEST(a_promised_record_always_finds_room_across_segments),
        SPOOL_TEST(every_flipped_bit_of_a_record_is_noticed),
        SPOOL_TEST(a_wiped_commit_word_in_the_middle_is_damage_and_not_the_end),
        SPOOL_TEST(one_damaged_slot_far_behind_the_end_is_found_in_one_pass),
        SPOOL_TEST(a_half_written_last_record_is_reported_and_not_read),
        SPOOL_TEST(reading_goes_on_where_it_stopped),
        SPOOL_TEST(a_file_that_is_no_segment_is_refused),
        SPOOL_TEST(a_segment_cut_short_is_refused_or_read_without_a_fault),
        SPOOL_TEST(a_bad_node_name_or_directory_is_refused),
    };
    return cmocka_run_group_tests_name("meter spool", tests, NULL, NULL);
}
