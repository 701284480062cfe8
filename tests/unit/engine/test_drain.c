/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From spool to books: each request once, whatever order its records come in, whoever wrote them, and
 * whatever became of the writer or of the disk.
 */
#include "engine/internal.h"
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void a_request_goes_from_the_spool_to_the_statement(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct oft_error error = {0};
    struct oft_buffer out;
    int32_t month = oft_month_of(world->now);
    world_writer_open(world, &writer, 64);
    world_append_requests(world, &writer, 3);
    struct engine_drain_result result = world_drain(world);
    assert_int_equal(result.records, 6);
    assert_int_equal(result.settled, 3);
    assert_int_equal(result.open_intents, 0);
    assert_int_equal(world_sales(world), 3 * WORLD_SALE_NANOS);
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(
        engine_statement(world->engine, "bigcloud", month, world->now, LEDGER_TEXT, &out, &error),
        OFT_OK);
    assert_non_null(strstr(oft_buffer_text(&out), "0.0105")); /* 3 * 3,500,000 nano-units */
    oft_buffer_release(&out);
    meter_writer_close(&writer);
}

/* Each report of the same books says the same amounts. */
static void every_report_holds_the_exact_amounts(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct oft_error error = {0};
    struct oft_buffer out;
    int32_t month = oft_month_of(world->now);
    world_writer_open(world, &writer, 64);
    world_append_requests(world, &writer, 3);
    (void)world_drain(world);
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(
        engine_statement(world->engine, "acme", month, world->now, LEDGER_CSV, &out, &error),
        OFT_OK);
    assert_non_null(strstr(oft_buffer_text(&out), "0.021")); /* 3 * 7,000,000 nano-units */
    oft_buffer_release(&out);
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(engine_commitments(world->engine, world->now, LEDGER_JSON, &out, &error),
                     OFT_OK);
    assert_non_null(strstr(oft_buffer_text(&out), "0.0105")); /* burnt: what the capacity cost */
    oft_buffer_release(&out);
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(engine_usage(world->engine, LEDGER_CSV, &out, &error), OFT_OK);
    assert_non_null(strstr(oft_buffer_text(&out), "3000")); /* input tokens */
    assert_non_null(strstr(oft_buffer_text(&out), "east"));
    oft_buffer_release(&out);
    assert_int_equal(
        engine_statement(world->engine, "nobody", month, world->now, LEDGER_TEXT, &out, &error),
        OFT_ERR_NOT_FOUND);
    meter_writer_close(&writer);
}

static void a_segment_that_never_held_a_record_vanishes(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    char path[WORLD_PATH_BYTES * 2];
    char name[160];
    world_writer_open(world, &writer, 64);
    (void)snprintf(name, sizeof(name), "spool/%s-000000.spool", writer.name);
    (void)world_drain(world);
    assert_int_equal(access(world_path(world, name, path), F_OK), 0); /* its writer lives */
    world_writer_die(&writer);
    (void)world_drain(world);
    assert_int_equal(access(path, F_OK), -1);
    (void)snprintf(name, sizeof(name), "spool/archive/%s-000000.spool", writer.name);
    assert_int_equal(access(world_path(world, name, path), F_OK), -1);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM txn"), 0);
}

static void an_idle_drain_books_nothing_twice(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    world_writer_open(world, &writer, 64);
    world_append_requests(world, &writer, 5);
    (void)world_drain(world);
    int64_t transactions = world_sql(world, "SELECT count(*) FROM txn");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(world_drain(world).records, 0);
    }
    world_reopen(world);
    assert_int_equal(world_drain(world).records, 0);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM txn"), transactions);
    assert_int_equal(world_sales(world), 5 * WORLD_SALE_NANOS);
    meter_writer_close(&writer);
}

static void an_intent_waits_in_the_books_for_its_settlement(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct meter_record record = world_record(world);
    world_writer_open(world, &writer, 64);
    world_append(&writer, METER_INTENT, &record);
    assert_int_equal(world_drain(world).open_intents, 1);
    world_reopen(world);
    assert_int_equal(world_drain(world).open_intents, 1);
    world_append(&writer, METER_SETTLED, &record);
    struct engine_drain_result result = world_drain(world);
    assert_int_equal(result.settled, 1);
    assert_int_equal(result.unsettled, 0);
    assert_int_equal(result.open_intents, 0);
    meter_writer_close(&writer);
    assert_int_equal(world_drain(world).unsettled, 0);
    assert_int_equal(world_requests_booked(world), 1);
}

static void a_settlement_retires_the_intents_of_every_attempt(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct meter_record record = world_record(world);
    world_writer_open(world, &writer, 64);
    world_append(&writer, METER_INTENT, &record);
    assert_int_equal(world_drain(world).open_intents, 1);
    record.attempts = 2;
    world_append(&writer, METER_INTENT, &record);
    world_append(&writer, METER_SETTLED, &record);
    assert_int_equal(world_drain(world).open_intents, 0);
    world_writer_die(&writer);
    assert_int_equal(world_drain(world).unsettled, 0);
    assert_int_equal(world_requests_booked(world), 1);
}

/* A child that is killed as the kernel would: nothing is closed by its own hand. */
static void append_and_be_killed(struct world *world, size_t settled, size_t open)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct meter_writer writer;
        world_writer_open(world, &writer, 8);
        world_append_requests(world, &writer, settled);
        for (size_t i = 0; i < open; i++) {
            struct meter_record record = world_record(world);
            world_append(&writer, METER_INTENT, &record);
        }
        (void)raise(SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void the_open_intents_of_a_killed_writer_are_settled_once_and_flagged(void **state)
{
    struct world *world = *state;
    append_and_be_killed(world, 10, 3);
    struct engine_drain_result result = world_drain(world);
    assert_int_equal(result.settled, 10);
    assert_int_equal(result.unsettled, 3);
    assert_int_equal(result.open_intents, 0);
    assert_int_equal(world_drain(world).unsettled, 0);
    world_reopen(world);
    assert_int_equal(world_drain(world).unsettled, 0);
    assert_int_equal(world_requests_booked(world), 13);
    /* outcome 2: unsettled. The rule: the input is owed, the unknown output is not. */
    assert_int_equal(world_sql(world, "SELECT sum(CAST(quantity AS INTEGER)) FROM series"
                                      " WHERE kind = 1 AND outcome = 2"),
                     3);
    assert_int_equal(world_sales(world), 10 * WORLD_SALE_NANOS + 3 * 5000000);
}

/* Steps by volume count over all drains and restarts, and the books that hold them verify. */
static void a_price_in_steps_is_counted_from_what_the_books_hold(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    char deal[4096];
    char findings[4096];
    static const char PLAIN[] = "output 10.00 USD per 1M tokens\n}\n";
    const char *end = strstr(WORLD_DEAL, PLAIN);
    assert_non_null(end);
    (void)snprintf(
        deal, sizeof(deal), "%.*s%s%s", (int)(end - WORLD_DEAL), WORLD_DEAL,
        "output 10.00 USD per 1M tokens after 4500 monthly input 1.00 USD per 1M tokens\n"
        "    price gpt-4o variant batch input 1.25 USD per 1M tokens "
        "output 5.00 USD per 1M tokens\n}\n",
        end + strlen(PLAIN));
    world_begin_anew(world, deal);
    world_publish(world);
    world_writer_open(world, &writer, 64);
    world_append_requests(world, &writer, 3);
    (void)world_drain(world);
    world_append_requests(world, &writer, 3); /* passes the step at 4500 tokens */
    (void)world_drain(world);
    world_reopen(world);
    world_append_requests(world, &writer, 4);
    struct meter_record batch = world_record(world);
    batch.service_tier = METER_TIER_BATCH;
    world_append(&writer, METER_INTENT, &batch);
    world_append(&writer, METER_SETTLED, &batch);
    (void)world_drain(world);
    meter_writer_close(&writer);
    /* 4500 tokens at 2500 nano-dollars, 5500 at 1000, 1000 of output at 10000; and the batch, 1000 at
     * 1250 and 100 at 5000. */
    assert_int_equal(
        world_sql(world, "SELECT sum(CAST(amount AS INTEGER)) FROM series WHERE kind = 3"),
        11250000 + 5500000 + 10000000 + 1250000 + 500000);
    assert_true(world_sound(world, findings));
}

static void an_orphan_is_settled_as_its_last_attempt_stood(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct meter_record record = world_record(world);
    world_writer_open(world, &writer, 64);
    world_append(&writer, METER_INTENT, &record);
    assert_int_equal(world_drain(world).open_intents, 1);
    record.units[DEAL_UNIT_INPUT] = 2000;
    record.attempts = 2;
    world_append(&writer, METER_INTENT, &record);
    world_writer_die(&writer);
    assert_int_equal(world_drain(world).unsettled, 1);
    assert_int_equal(world_requests_booked(world), 1);
    assert_int_equal(world_sales(world), 2000 * 5000);
}

static void a_living_writer_keeps_its_intents_over_a_change_of_segments(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct meter_record open = world_record(world);
    world_writer_open(world, &writer, 8);
    world_append(&writer, METER_INTENT, &open);
    for (int i = 0; i < 20; i++) {
        world_append_requests(world, &writer, 3);
        assert_int_equal(world_drain(world).unsettled, 0);
    }
    world_append(&writer, METER_SETTLED, &open);
    meter_writer_close(&writer);
    struct engine_drain_result result = world_drain(world);
    assert_int_equal(result.unsettled, 0);
    assert_int_equal(result.open_intents, 0);
    assert_int_equal(world_requests_booked(world), 61);
}

/* Finds the writer's first segment with something to spoil. */
static void spoil(const struct world *world, const struct meter_writer *writer, uint64_t segment,
                  off_t offset, const void *bytes, size_t length)
{
    char name[160];
    char path[WORLD_PATH_BYTES * 2];
    (void)snprintf(name, sizeof(name), "spool/%s-%06llu.spool", writer->name,
                   (unsigned long long)segment);
    int fd = open(world_path(world, name, path), O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, length, offset), (ssize_t)length);
    assert_int_equal(close(fd), 0);
}

static off_t slot_offset(uint32_t slot)
{
    return METER_HEADER_BYTES + (off_t)slot * METER_RECORD_BYTES;
}

/* A segment that cannot be opened now may hold the settlement: until it can, nobody is an orphan. */
static void an_unreadable_segment_makes_nobody_an_orphan(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct meter_record open = world_record(world);
    world_writer_open(world, &writer, 8);
    world_append(&writer, METER_INTENT, &open);
    world_append_requests(world, &writer, 4);
    world_append(&writer, METER_SETTLED, &open); /* the second one of the second segment */
    struct meter_writer spelled = writer;
    world_writer_die(&writer);
    uint64_t magic = 0;
    spoil(world, &spelled, 1, 0, &magic, sizeof(magic));
    struct engine_drain_result result = world_drain(world);
    assert_int_equal(result.unsettled, 0);
    assert_int_equal(result.open_intents,
                     2); /* one waits for its settlement in the other segment */
    magic = METER_SEGMENT_MAGIC;
    spoil(world, &spelled, 1, 0, &magic, sizeof(magic));
    result = world_drain(world);
    assert_int_equal(result.unsettled, 0);
    assert_int_equal(result.open_intents, 0);
    assert_int_equal(world_requests_booked(world), 5);
    assert_int_equal(world_sales(world), 5 * WORLD_SALE_NANOS);
}

/* While a segment may get more records, those of its writer's next one are not read: a settlement
 * would overtake its intent, and the intent be an orphan for good. */
static void a_segment_waits_until_the_one_before_it_is_at_its_end(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    char name[160];
    char path[WORLD_PATH_BYTES * 2];
    world_writer_open(world, &writer, 8);
    world_append_requests(world, &writer, 6); /* four in the first segment */
    (void)snprintf(name, sizeof(name), "spool/%s-000000.spool", writer.name);
    int lock = open(world_path(world, name, path), O_RDONLY | O_CLOEXEC);
    assert_true(lock >= 0);
    assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
    uint32_t closed = 0;
    spoil(world, &writer, 0, offsetof(struct meter_segment_header, closed), &closed,
          sizeof(closed));
    assert_int_equal(world_drain(world).settled, 4);
    assert_int_equal(world_drain(world).settled, 0);
    closed = 1;
    spoil(world, &writer, 0, offsetof(struct meter_segment_header, closed), &closed,
          sizeof(closed));
    assert_int_equal(close(lock), 0);
    assert_int_equal(world_drain(world).settled, 2);
    meter_writer_close(&writer);
    assert_int_equal(world_drain(world).unsettled, 0);
    assert_int_equal(world_requests_booked(world), 6);
}

static void a_damaged_record_is_put_aside_and_the_others_are_booked(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    world_writer_open(world, &writer, 64);
    world_append_requests(world, &writer, 4);
    uint8_t byte = 0xa5;
    spoil(world, &writer, 0, slot_offset(3) + 120, &byte, 1); /* settlement of the second request */
    struct engine_drain_result result = world_drain(world);
    assert_int_equal(result.corrupt, 1);
    assert_int_equal(result.settled, 3);
    assert_int_equal(result.open_intents, 1);
    assert_int_equal(world_sql(world, "SELECT slot FROM quarantine WHERE why = 'corrupt'"), 3);
    meter_writer_close(&writer);
    assert_int_equal(world_drain(world).unsettled, 1); /* flagged, not forgotten */
    assert_int_equal(world_requests_booked(world), 4);
}

static void a_half_written_last_record_is_reported_and_not_booked(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    world_writer_open(world, &writer, 64);
    world_append_requests(world, &writer, 2);
    struct meter_writer spelled = writer;
    world_writer_die(&writer);
    uint64_t half = UINT64_MAX;
    spoil(world, &spelled, 0, slot_offset(4) + 64, &half, sizeof(half));
    struct engine_drain_result result = world_drain(world);
    assert_int_equal(result.torn, 1);
    assert_int_equal(result.settled, 2);
    assert_int_equal(world_drain(world).torn, 0); /* once */
    assert_int_equal(world_sql(world, "SELECT slot FROM quarantine WHERE why = 'torn'"), 4);
}

/* It never held a whole record, yet what it holds is evidence. */
static void a_segment_with_nothing_but_half_a_record_is_kept_in_the_archive(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    char name[160];
    char path[WORLD_PATH_BYTES * 2];
    world_writer_open(world, &writer, 64);
    struct meter_writer spelled = writer;
    world_writer_die(&writer);
    uint64_t half = UINT64_MAX;
    spoil(world, &spelled, 0, slot_offset(0) + 64, &half, sizeof(half));
    assert_int_equal(world_drain(world).torn, 1);
    (void)snprintf(name, sizeof(name), "spool/archive/%s-000000.spool", spelled.name);
    assert_int_equal(access(world_path(world, name, path), F_OK), 0);
    assert_int_equal(world_drain(world).torn, 0);
}

static void a_record_of_an_unknown_policy_is_kept_aside_loudly(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct meter_record record = world_record(world);
    record.generation = 99;
    world_writer_open(world, &writer, 64);
    world_append(&writer, METER_SETTLED, &record);
    world_append_requests(world, &writer, 1);
    struct engine_drain_result result = world_drain(world);
    assert_int_equal(result.unrated, 1);
    assert_int_equal(result.settled, 1); /* the other one */
    assert_int_equal(world_requests_booked(world), 1);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM quarantine"
                                      " WHERE why = 'unknown policy' AND slot = 0"),
                     1);
    meter_writer_close(&writer);
}

static void a_record_is_rated_by_the_deal_of_its_own_generation(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    char text[4096];
    assert_true(strlen(WORLD_DEAL) < sizeof(text));
    (void)snprintf(text, sizeof(text), "%s", WORLD_DEAL);
    char *price = strstr(text, "input 5.00");
    assert_non_null(price);
    price[6] = '6';
    world_write_deal(world, text);
    world_publish(world);
    struct meter_record old = world_record(world);
    struct meter_record new = world_record(world);
    new.generation = 2;
    world_writer_open(world, &writer, 64);
    world_append(&writer, METER_SETTLED, &new);
    world_append(&writer, METER_SETTLED, &old);
    (void)world_drain(world);
    assert_int_equal(world_sales(world), WORLD_SALE_NANOS + WORLD_SALE_NANOS + 1000000);
    meter_writer_close(&writer);
}

static void records_of_more_policies_than_are_kept_parsed_are_all_booked(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct oft_error error = {0};
    world_writer_open(world, &writer, 256);
    for (uint64_t generation = 1; generation <= 40; generation++) {
        if (generation > 1) {
            assert_int_equal(engine_republish(world->engine, world->now, &error), OFT_OK);
        }
        struct meter_record record = world_record(world);
        record.generation = generation;
        world_append(&writer, METER_INTENT, &record);
        record = world_record(world);
        record.generation = generation;
        world_append(&writer, METER_SETTLED, &record);
    }
    world_writer_die(&writer);
    struct engine_drain_result result = world_drain(world);
    assert_int_equal(result.settled, 40);
    assert_int_equal(result.unsettled, 40);
    assert_int_equal(world_requests_booked(world), 80);
    char findings[4096];
    assert_true(world_sound(world, findings));
}

static void a_booked_segment_moves_to_the_archive(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    char path[WORLD_PATH_BYTES * 2];
    char name[160];
    world_writer_open(world, &writer, 64);
    world_append_requests(world, &writer, 2);
    (void)snprintf(name, sizeof(name), "spool/archive/%s-000000.spool", writer.name);
    (void)world_drain(world);
    assert_int_equal(access(world_path(world, name, path), F_OK), -1);
    meter_writer_close(&writer);
    (void)world_drain(world);
    assert_int_equal(access(path, F_OK), 0);
}

/* docs/formats/data-directory.md promises it: older books catch up from segments moved back. */
static void older_books_catch_up_from_the_archive(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    char name[160];
    char findings[4096];
    char spool[WORLD_PATH_BYTES * 2];
    char archive[WORLD_PATH_BYTES * 2];
    char backup[WORLD_PATH_BYTES + 32];
    char statement[WORLD_PATH_BYTES + 64];
    world_writer_open(world, &writer, 64);
    world_append_requests(world, &writer, 2);
    (void)world_drain(world);
    (void)snprintf(backup, sizeof(backup), "%s/backup.db", world->root);
    (void)snprintf(statement, sizeof(statement), "VACUUM INTO '%s'", backup);
    world_run(world, statement);
    world_append_requests(world, &writer, 5);
    (void)snprintf(name, sizeof(name), "spool/%s-000000.spool", writer.name);
    (void)world_path(world, name, spool);
    (void)snprintf(name, sizeof(name), "spool/archive/%s-000000.spool", writer.name);
    (void)world_path(world, name, archive);
    meter_writer_close(&writer);
    (void)world_drain(world);
    assert_int_equal(access(archive, F_OK), 0);
    world_close(world);
    char books[WORLD_PATH_BYTES * 2];
    assert_int_equal(rename(backup, world_path(world, "books.db", books)), 0);
    assert_int_equal(rename(archive, spool), 0);
    world_reopen(world);
    assert_int_equal(world_requests_booked(world), 2);
    assert_int_equal(world_drain(world).settled, 5);
    assert_int_equal(world_requests_booked(world), 7);
    assert_int_equal(world_sales(world), 7 * WORLD_SALE_NANOS);
    if (!world_sound(world, findings)) {
        fail_msg("%s", findings);
    }
}

/* The workers own the spool and could put a link where the archive was. */
static void an_archive_that_became_a_link_is_not_followed(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    char archive[WORLD_PATH_BYTES * 2];
    char elsewhere[WORLD_PATH_BYTES * 2];
    char name[WORLD_PATH_BYTES * 3];
    world_writer_open(world, &writer, 64);
    world_append_requests(world, &writer, 2);
    assert_int_equal(rmdir(world_path(world, "spool/archive", archive)), 0);
    assert_int_equal(mkdir(world_path(world, "elsewhere", elsewhere), 0700), 0);
    assert_int_equal(symlink(elsewhere, archive), 0);
    (void)snprintf(name, sizeof(name), "%s/%s-000000.spool", elsewhere, writer.name);
    meter_writer_close(&writer);
    (void)world_drain(world);
    assert_int_equal(access(name, F_OK), -1);
    assert_int_equal(world_requests_booked(world), 2); /* the books do not wait for the archive */
    struct stat status;
    struct oft_error error = {0};
    world_close(world);
    enum oft_err opened = world_open(world, &error);
    assert_int_equal(stat(elsewhere, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700); /* nor is what it points at changed */
    assert_int_not_equal(opened, OFT_OK);
}

static void a_foreign_file_in_the_spool_is_left_alone(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    char path[WORLD_PATH_BYTES * 2];
    world_writer_open(world, &writer, 64);
    world_append_requests(world, &writer, 1);
    FILE *file = fopen(world_path(world, "spool/aaa.spool", path), "w");
    assert_non_null(file);
    assert_true(fputs("not ours", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(mkfifo(world_path(world, "spool/aab.spool", path), 0600), 0);
    assert_int_equal(symlink("/etc/passwd", world_path(world, "spool/aac.spool", path)), 0);
    assert_int_equal(world_drain(world).settled, 1);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM quarantine WHERE why = 'unreadable'"),
                     3);
    assert_int_equal(access(world_path(world, "spool/aaa.spool", path), F_OK), 0);
    meter_writer_close(&writer);
}

static void many_looks_are_one_transaction_up_to_its_ceiling(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct meter_record record = world_record(world);
    const size_t count = OFT_DRAIN_RECORDS_MAX + 5000;
    world_writer_open(world, &writer, OFT_DRAIN_RECORDS_MAX * 2);
    for (size_t i = 0; i < count; i++) {
        memcpy(record.request_id + 8, &i, sizeof(i));
        world_append(&writer, METER_SETTLED, &record);
    }
    struct engine_drain_result result = {0};
    struct oft_error error = {0};
    world->engine->drain_records_max = OFT_DRAIN_RECORDS_MAX + 1000; /* two looks */
    assert_int_equal(engine_drain(world->engine, world->now, &result, &error), OFT_OK);
    assert_int_equal(result.records, OFT_DRAIN_RECORDS_MAX + 1000);
    assert_true(result.more);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM txn_range"), 1);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM txn"), 1);
    assert_int_equal(engine_drain(world->engine, world->now, &result, &error), OFT_OK);
    assert_false(result.more);
    assert_int_equal(world_requests_booked(world), (int64_t)count);
    char findings[4096];
    assert_true(world_sound(world, findings));
    assert_int_equal(world_sales(world), (int64_t)count * WORLD_SALE_NANOS);
    meter_writer_close(&writer);
}

/* No file may grow: what SQLite meets on a full disk, without needing one. */
static void a_full_disk_loses_nothing_and_clears(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct rlimit before;
    world_writer_open(world, &writer, 64);
    world_append_requests(world, &writer, 10);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    struct engine_drain_result result = {0};
    struct oft_error error = {0};
    enum oft_err code = engine_drain(world->engine, world->now, &result, &error);
    enum oft_err again = engine_drain(world->engine, world->now, &result, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
    assert_true(code == OFT_ERR_FULL || code == OFT_ERR_IO);
    assert_true(again == OFT_ERR_FULL || again == OFT_ERR_IO);
    assert_true(strlen(error.message) > 0);
    assert_int_equal(world_requests_booked(world), 0);
    assert_int_equal(world_drain(world).settled, 10);
    assert_int_equal(world_sales(world), 10 * WORLD_SALE_NANOS);
    char findings[4096];
    assert_true(world_sound(world, findings));
    meter_writer_close(&writer);
}

#define WITH_WORLD(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_request_goes_from_the_spool_to_the_statement),
        WITH_WORLD(every_report_holds_the_exact_amounts),
        WITH_WORLD(a_segment_that_never_held_a_record_vanishes),
        WITH_WORLD(an_idle_drain_books_nothing_twice),
        WITH_WORLD(an_intent_waits_in_the_books_for_its_settlement),
        WITH_WORLD(a_settlement_retires_the_intents_of_every_attempt),
        WITH_WORLD(the_open_intents_of_a_killed_writer_are_settled_once_and_flagged),
        WITH_WORLD(a_price_in_steps_is_counted_from_what_the_books_hold),
        WITH_WORLD(an_orphan_is_settled_as_its_last_attempt_stood),
        WITH_WORLD(a_living_writer_keeps_its_intents_over_a_change_of_segments),
        WITH_WORLD(an_unreadable_segment_makes_nobody_an_orphan),
        WITH_WORLD(a_segment_waits_until_the_one_before_it_is_at_its_end),
        WITH_WORLD(a_damaged_record_is_put_aside_and_the_others_are_booked),
        WITH_WORLD(a_half_written_last_record_is_reported_and_not_booked),
        WITH_WORLD(a_segment_with_nothing_but_half_a_record_is_kept_in_the_archive),
        WITH_WORLD(a_record_of_an_unknown_policy_is_kept_aside_loudly),
        WITH_WORLD(a_record_is_rated_by_the_deal_of_its_own_generation),
        WITH_WORLD(records_of_more_policies_than_are_kept_parsed_are_all_booked),
        WITH_WORLD(a_booked_segment_moves_to_the_archive),
        WITH_WORLD(older_books_catch_up_from_the_archive),
        WITH_WORLD(an_archive_that_became_a_link_is_not_followed),
        WITH_WORLD(a_foreign_file_in_the_spool_is_left_alone),
        WITH_WORLD(many_looks_are_one_transaction_up_to_its_ceiling),
        WITH_WORLD(a_full_disk_loses_nothing_and_clears),
    };
    return cmocka_run_group_tests_name("engine drain", tests, NULL, NULL);
}
