/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world of the engine's tests. Nothing is mocked: files, SQLite, mapped segments and locks are
 * the real ones, in a temporary directory.
 */
#include "world.h"

#include <fcntl.h>
#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const char WORLD_DEAL[] =
    "deal \"Test lab\"\n"
    "customer lab\n"
    "currency USD\n"
    "party    bigcloud \"Big Cloud\"\n"
    "party    panel    \"Panel\"\n"
    "provider alpha of bigcloud\n"
    "model    gpt-4o\n"
    "account  acme   \"ACME\"\n"
    "account  globex \"Globex\"\n"
    "event    agi \"AGI verified\" attested by panel\n"
    "product  api  \"API\"  class inference {\n"
    "    price gpt-4o input 5.00 USD per 1M tokens output 20.00 USD per 1M tokens\n"
    "}\n"
    "agreement bc with bigcloud {\n"
    "    effective 2020-01-01  until 2035-01-01\n"
    "    commit: commit 30 USD on alpha over 2026-04-01..2026-05-01 build-up counting all\n"
    "    share:  share 20% of revenue from api from lab to bigcloud monthly\n"
    "}\n"
    "pool east on alpha {\n"
    "    region us-east\n"
    "    serves gpt-4o as \"g\" at http://127.0.0.1:9101/v1 kind openai key env WORLD_KEY\n"
    "    price gpt-4o input 2.50 USD per 1M tokens output 10.00 USD per 1M tokens\n"
    "}\n";

static oft_instant instant(const char *text)
{
    oft_instant result = 0;
    assert_int_equal(oft_instant_parse(oft_str_from(text), &result), OFT_OK);
    return result;
}

const char *world_path(const struct world *world, const char *name, char out[WORLD_PATH_BYTES * 2])
{
    (void)snprintf(out, WORLD_PATH_BYTES * 2, "%s/%s", world->data, name);
    return out;
}

void world_write_deal(struct world *world, const char *text)
{
    FILE *file = fopen(world->deal, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

enum oft_err world_open(struct world *world, struct oft_error *reterr)
{
    struct engine_options options = {
        .data_directory = world->data,
        .deal_path = world->deal,
        .worker_uid = UINT32_MAX,
        .worker_gid = UINT32_MAX,
        .stale_after_ns = 3600 * OFT_NS_PER_SECOND,
        .rehearsal = world->rehearsal,
    };
    return engine_open(&options, world->now, &world->engine, reterr);
}

void world_close(struct world *world)
{
    engine_close(world->engine);
    world->engine = NULL;
}

void world_reopen(struct world *world)
{
    struct oft_error error = {0};
    world_close(world);
    if (world_open(world, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
}

void world_publish(struct world *world)
{
    struct oft_error error = {0};
    struct oft_buffer report;
    oft_buffer_init(&report, 1 << 20);
    if (engine_publish(world->engine, world->now, &report, &error) != OFT_OK) {
        fail_msg("%s %s", error.message, oft_buffer_text(&report));
    }
    oft_buffer_release(&report);
}

void world_begin_anew(struct world *world, const char *deal)
{
    static const char *const FILES[] = {"books.db", "books.db-wal", "books.db-shm"};
    char path[WORLD_PATH_BYTES * 2];
    struct oft_error error = {0};
    world_close(world);
    for (size_t i = 0; i < OFT_COUNT_OF(FILES); i++) {
        (void)remove(world_path(world, FILES[i], path));
    }
    world_write_deal(world, deal);
    if (world_open(world, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
}

int world_set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    const char *base = getenv("TMPDIR");
    (void)snprintf(world->root, sizeof(world->root), "%.400s/offtake-engine-XXXXXX",
                   base == NULL ? "/tmp" : base);
    assert_non_null(mkdtemp(world->root));
    (void)snprintf(world->data, sizeof(world->data), "%s/data", world->root);
    (void)snprintf(world->deal, sizeof(world->deal), "%s/test.deal", world->root);
    assert_int_equal(setenv("WORLD_KEY", "sk-planted-secret-of-the-world", 1), 0);
    world->now = instant("2026-04-10T00:00:00Z");
    world_write_deal(world, WORLD_DEAL);
    struct oft_error error = {0};
    if (world_open(world, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
    world_publish(world);
    *state = world;
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

int world_tear_down(void **state)
{
    struct world *world = *state;
    world_close(world);
    (void)nftw(world->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(world);
    return 0;
}

/* ---- spools ------------------------------------------------------------------------------------ */

struct meter_record world_record(struct world *world)
{
    struct meter_record record = {
        .admitted_ns = world->now,
        .recorded_ns = world->now,
        .generation = 1,
        .account_id = oft_id_of(OFT_ID_ACCOUNT, OFT_STR_LITERAL("acme")),
        .product_id = oft_id_of(OFT_ID_PRODUCT, OFT_STR_LITERAL("api")),
        .model_id = oft_id_of(OFT_ID_MODEL, OFT_STR_LITERAL("gpt-4o")),
        .pool_id = oft_id_of(OFT_ID_POOL, OFT_STR_LITERAL("east")),
        .status = 200,
        .upstream_status = 200,
        .attempts = 1,
        .operation = METER_OP_CHAT,
        .units = {[DEAL_UNIT_INPUT] = 1000, [DEAL_UNIT_OUTPUT] = 100},
    };
    /* As the gateway makes them: an instant in big endian, and eight bytes as good as random. */
    uint64_t number = ++world->requests;
    uint64_t instant_ns = (uint64_t)world->now + number;
    uint64_t spread = number * UINT64_C(0x9e3779b97f4a7c15);
    for (size_t i = 0; i < 8; i++) {
        record.request_id[i] = (uint8_t)(instant_ns >> (56 - 8 * i));
    }
    memcpy(record.request_id + 8, &spread, sizeof(spread));
    return record;
}

void world_writer_open(struct world *world, struct meter_writer *writer, uint32_t segment_records)
{
    char spool[WORLD_PATH_BYTES * 2];
    struct oft_error error = {0};
    /* Writers of one process and instant would share a name. */
    int64_t born = world->now + (int64_t)++world->requests;
    if (meter_writer_open(writer, world_path(world, "spool", spool), "test", segment_records, born,
                          &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
}

void world_append(struct meter_writer *writer, enum meter_record_kind kind,
                  const struct meter_record *record)
{
    assert_int_equal(meter_reserve(writer, 1, record->recorded_ns), OFT_OK);
    assert_int_equal(meter_append(writer, kind, record), OFT_OK);
}

void world_append_requests(struct world *world, struct meter_writer *writer, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct meter_record record = world_record(world);
        world_append(writer, METER_INTENT, &record);
        world_append(writer, METER_SETTLED, &record);
    }
}

static void drop(int fd, struct meter_segment_header *header, size_t bytes)
{
    if (header != NULL) {
        assert_int_equal(munmap(header, bytes), 0);
        assert_int_equal(close(fd), 0);
    }
}

void world_writer_die(struct meter_writer *writer)
{
    size_t bytes = METER_HEADER_BYTES + (size_t)writer->segment_records * METER_RECORD_BYTES;
    drop(writer->current_fd, writer->current, bytes);
    drop(writer->spare_fd, writer->spare, bytes);
    memset(writer, 0, sizeof(*writer));
}

struct engine_drain_result world_drain(struct world *world)
{
    struct engine_drain_result sum = {.more = true};
    for (int round = 0; sum.more; round++) {
        struct engine_drain_result result = {0};
        struct oft_error error = {0};
        assert_true(round < 10000);
        if (engine_drain(world->engine, world->now, &result, &error) != OFT_OK) {
            fail_msg("%s", error.message);
        }
        sum.records += result.records;
        sum.settled += result.settled;
        sum.unsettled += result.unsettled;
        sum.unrated += result.unrated;
        sum.corrupt += result.corrupt;
        sum.torn += result.torn;
        sum.doubled += result.doubled;
        sum.conflicts += result.conflicts;
        sum.open_intents = result.open_intents;
        sum.more = result.more;
    }
    return sum;
}

/* ---- the books --------------------------------------------------------------------------------- */

static sqlite3 *open_books(const struct world *world)
{
    char path[WORLD_PATH_BYTES * 2];
    sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open(world_path(world, "books.db", path), &database), SQLITE_OK);
    (void)sqlite3_busy_timeout(database, 2000);
    return database;
}

int64_t world_sql(const struct world *world, const char *sql)
{
    sqlite3 *database = open_books(world);
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(database, sql, -1, &statement, NULL) != SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(database));
    }
    int64_t value = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
    return value;
}

void world_run(const struct world *world, const char *sql)
{
    sqlite3 *database = open_books(world);
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(database));
    }
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

void world_tamper(const struct world *world, const char *sql)
{
    sqlite3 *database = open_books(world);
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", sql, sqlite3_errmsg(database));
    }
    if (sqlite3_total_changes(database) == 0) {
        fail_msg("nothing was tampered with by: %s", sql);
    }
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

int64_t world_sales(const struct world *world)
{
    return world_sql(world, "SELECT coalesce(sum(CAST(amount AS INTEGER)), 0) FROM series"
                            " WHERE kind = 2");
}

int64_t world_requests_booked(const struct world *world)
{
    return world_sql(world, "SELECT coalesce(sum(CAST(quantity AS INTEGER)), 0) FROM series"
                            " WHERE kind = 1");
}

bool world_sound(struct world *world, char findings[4096])
{
    struct oft_error error = {0};
    struct oft_buffer out;
    bool sound = false;
    oft_buffer_init(&out, 1 << 20);
    if (engine_verify(world->engine, LEDGER_TEXT, &out, &sound, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
    (void)snprintf(findings, 4096, "%s", oft_buffer_text(&out));
    oft_buffer_release(&out);
    return sound;
}
