/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte of the database changes on the disk: the books do not open, or verification says that they
 * are not sound, or nothing that they say has changed (space that no row uses). What else there is, is
 * listed here by table, and a flip may change nothing but that.
 *
 * By default a thousand bytes, chosen by OFFTAKE_FLIP_SEED; OFFTAKE_FLIP_SWEEP=all takes every byte,
 * or those from OFFTAKE_FLIP_FROM until OFFTAKE_FLIP_UNTIL.
 */
#include "desk_world.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/corrections.h"
#include "engine/periods.h"

enum { MARCH = 2026 * 12 + 2, FLIPS = 1000, TABLES_MAX = 64, CONTENT_BYTES = 1 << 20 };

/* Tables whose rows nothing vouches for: none is of the books. A key, a token or a message to be told
 * is believed as it stands there. */
static const char *const UNWATCHED[] = {"api_key", "desk_delivery", "desk_request", "desk_token",
                                        "meta",    "quarantine",    "spool_span"};

struct file {
    unsigned char *bytes;
    size_t count;
};

struct table {
    char name[64];
    char *content;
};

struct content {
    struct table tables[TABLES_MAX];
    size_t count;
    char integrity[512];
};

struct tally {
    uint64_t flips, closed, found, unwatched, harmless, slipped;
};

/* ---- the file ----------------------------------------------------------------------------------- */

static struct file read_file(const char *path)
{
    struct file file = {0};
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    assert_int_equal(fseek(in, 0, SEEK_END), 0);
    file.count = (size_t)ftell(in);
    rewind(in);
    file.bytes = malloc(file.count);
    assert_non_null(file.bytes);
    assert_int_equal(fread(file.bytes, 1, file.count, in), file.count);
    assert_int_equal(fclose(in), 0);
    return file;
}

static void write_file(const struct world *world, const struct file *file)
{
    static const char *const BESIDE[] = {"books.db-wal", "books.db-shm", "books.db-journal"};
    char path[WORLD_PATH_BYTES * 2];
    for (size_t i = 0; i < OFT_COUNT_OF(BESIDE); i++) {
        (void)unlink(world_path(world, BESIDE[i], path));
    }
    FILE *out = fopen(world_path(world, "books.db", path), "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(file->bytes, 1, file->count, out), file->count);
    assert_int_equal(fclose(out), 0);
}

/* ---- what it says ------------------------------------------------------------------------------- */

static void append_column(sqlite3_stmt *statement, int column, struct oft_buffer *out)
{
    const unsigned char *bytes = sqlite3_column_blob(statement, column);
    int count = sqlite3_column_bytes(statement, column);
    oft_buffer_printf(out, "%d:", sqlite3_column_type(statement, column));
    for (int i = 0; i < count; i++) {
        oft_buffer_printf(out, "%02x", bytes[i]);
    }
    oft_buffer_append_char(out, ' ');
}

/* False: the table cannot be read. */
static bool read_table(sqlite3 *database, struct table *table)
{
    char sql[128];
    sqlite3_stmt *statement = NULL;
    struct oft_buffer out;
    oft_buffer_init(&out, CONTENT_BYTES);
    /* Nor is the instant of a publication: it decides nothing. */
    const char *columns = strcmp(table->name, "policy") == 0 ? "generation, sha256" : "*";
    (void)snprintf(sql, sizeof(sql), "SELECT %s FROM \"%s\" NOT INDEXED", columns, table->name);
    int code = sqlite3_prepare_v2(database, sql, -1, &statement, NULL);
    while (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            append_column(statement, i, &out);
        }
        oft_buffer_append_char(&out, '\n');
        code = SQLITE_OK;
    }
    (void)sqlite3_finalize(statement);
    table->content = strdup(oft_buffer_text(&out));
    assert_non_null(table->content);
    oft_buffer_release(&out);
    return code == SQLITE_DONE;
}

/* Tables are asked for by the names that they have in HONEST, or when there is none, in the file. */
static bool read_content(const struct world *world, const struct content *honest,
                         struct content *content)
{
    char path[WORLD_PATH_BYTES * 2];
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    memset(content, 0, sizeof(*content));
    bool whole = sqlite3_open(world_path(world, "books.db", path), &database) == SQLITE_OK &&
                 sqlite3_prepare_v2(
                     database, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1", -1,
                     &statement, NULL) == SQLITE_OK;
    while (whole && honest == NULL && sqlite3_step(statement) == SQLITE_ROW) {
        assert_true(content->count < TABLES_MAX);
        (void)snprintf(content->tables[content->count++].name, 64, "%s",
                       (const char *)sqlite3_column_text(statement, 0));
    }
    (void)sqlite3_finalize(statement);
    for (size_t i = 0; honest != NULL && i < honest->count; i++) {
        (void)snprintf(content->tables[content->count++].name, 64, "%s", honest->tables[i].name);
    }
    for (size_t i = 0; whole && i < content->count; i++) {
        whole = read_table(database, &content->tables[i]);
    }
    if (whole &&
        sqlite3_prepare_v2(database, "PRAGMA integrity_check", -1, &statement, NULL) == SQLITE_OK) {
        whole = sqlite3_step(statement) == SQLITE_ROW;
        (void)snprintf(content->integrity, sizeof(content->integrity), "%s",
                       whole ? (const char *)sqlite3_column_text(statement, 0) : "");
        (void)sqlite3_finalize(statement);
    }
    (void)sqlite3_close(database);
    return whole;
}

static void drop_content(struct content *content)
{
    for (size_t i = 0; i < content->count; i++) {
        free(content->tables[i].content);
    }
}

/* ---- one flip ----------------------------------------------------------------------------------- */

static bool is_unwatched(const char *table)
{
    for (size_t i = 0; i < OFT_COUNT_OF(UNWATCHED); i++) {
        if (strcmp(UNWATCHED[i], table) == 0) {
            return true;
        }
    }
    return false;
}

/* Where two texts differ, for a person. */
static void show(const char *a, const char *b)
{
    size_t at = 0;
    while (a[at] != '\0' && a[at] == b[at]) {
        at++;
    }
    size_t from = at < 40 ? 0 : at - 40;
    print_message("    ...%.90s\n    ...%.90s\n", a + from, b + from);
}

/* What slipped through is in a table that is listed, or the test fails. */
static void examine(const struct world *world, const struct content *honest, size_t at,
                    struct tally *tally)
{
    struct content now;
    bool whole = read_content(world, honest, &now);
    bool changed = false;
    if (!whole || now.count != honest->count || strcmp(now.integrity, "ok") != 0) {
        print_message("byte %zu: not found, and SQLite says %s\n", at, now.integrity);
        tally->slipped++;
    }
    for (size_t i = 0; whole && i < honest->count && i < now.count; i++) {
        if (strcmp(honest->tables[i].content, now.tables[i].content) == 0) {
            continue;
        }
        changed = true;
        if (!is_unwatched(honest->tables[i].name)) {
            print_message("byte %zu: a row of %s changed, and nobody saw it\n", at,
                          honest->tables[i].name);
            show(honest->tables[i].content, now.tables[i].content);
            tally->slipped++;
        }
    }
    tally->unwatched += changed;
    tally->harmless += !changed;
    drop_content(&now);
}

static void flip(struct world *world, struct file *file, size_t at, unsigned char with,
                 const struct content *honest, struct tally *tally)
{
    struct oft_error error = {0};
    char findings[4096] = "";
    tally->flips++;
    file->bytes[at] ^= with;
    write_file(world, file);
    file->bytes[at] ^= with;
    if (world_open(world, &error) != OFT_OK) {
        assert_true(error.message[0] != '\0');
        world->engine = NULL;
        tally->closed++;
        return;
    }
    struct oft_buffer out;
    bool sound = false;
    oft_buffer_init(&out, 1 << 20);
    enum oft_err code = engine_verify(world->engine, LEDGER_TEXT, &out, &sound, &error);
    (void)snprintf(findings, sizeof(findings), "%s", oft_buffer_text(&out));
    oft_buffer_release(&out);
    world_close(world);
    if (code != OFT_OK) {
        assert_true(error.message[0] != '\0');
        tally->closed++;
    } else if (!sound) {
        assert_non_null(strstr(findings, "WRONG: "));
        tally->found++;
    } else {
        examine(world, honest, at, tally);
    }
    if (getenv("OFFTAKE_FLIP_TELL") != NULL) {
        const char *wrong = strstr(findings, "WRONG");
        print_message("byte %zu: %.200s\n", at,
                      wrong != NULL    ? wrong
                      : code != OFT_OK ? error.message
                                       : "sound");
    }
}

/* ---- books with a row in every table ------------------------------------------------------------ */

/* A correction of usage, and a month that is closed with a statement of it that is final. */
static void decide(struct world *world, const struct meter_record *record)
{
    struct oft_error error = {0};
    struct oft_buffer out;
    char request[40] = "req_";
    (void)oft_hex(record->request_id, 16, request + 4);
    struct engine_correction correction = {
        .request = request, .actor = "ann", .reason = "their bill", .reference = "t-1"};
    correction.sets[DEAL_UNIT_OUTPUT] = true;
    oft_buffer_init(&out, 8 << 20);
    assert_int_equal(engine_correct_usage(world->engine, &correction, world->now, &out, &error),
                     OFT_OK);
    for (int soft = 1; soft >= 0; soft--) {
        assert_int_equal(
            engine_period_close(world->engine, MARCH, soft == 1, "ann", world->now, &out, &error),
            OFT_OK);
    }
    if (engine_statement_draft(world->engine, "bigcloud", MARCH, "ann", world->now, &out, &error) !=
            OFT_OK ||
        engine_statement_approve(world->engine, 1, "ann", world->now, &out, &error) != OFT_OK ||
        engine_statement_approve(world->engine, 1, "bob", world->now, &out, &error) != OFT_OK ||
        engine_statement_final(world->engine, 1, "carl", world->now, &out, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
    oft_buffer_release(&out);
}

static void fill_books(struct world *world)
{
    struct meter_writer writer;
    struct oft_error error = {0};
    char token[ENGINE_TOKEN_BYTES];
    world_writer_open(world, &writer, 64);
    for (int i = 0; i < 3; i++) {
        world_append_requests(world, &writer, 4);
        (void)world_drain(world);
    }
    struct meter_record booked = world_record(world);
    world_append(&writer, METER_SETTLED, &booked);
    struct meter_record record = world_record(world);
    world_append(&writer, METER_INTENT, &record);
    struct meter_record lost = world_record(world);
    lost.generation = 99; /* of no policy: is set aside */
    world_append(&writer, METER_SETTLED, &lost);
    (void)world_drain(world);
    meter_writer_close(&writer);
    decide(world, &booked);
    desk_open_notice(world);
    desk_ok(world, "bigcloud", "elect", "", "notice=notice-1", "count=64", NULL);
    assert_int_equal(
        engine_key_create(world->engine, "acme", "api", NULL, world->now, token, &error), OFT_OK);
    assert_int_equal(
        engine_attest(world->engine, "agi", "panel", world->now, NULL, world->now, &error), OFT_OK);
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static uint64_t next(uint64_t *dice)
{
    *dice ^= *dice << 13;
    *dice ^= *dice >> 7;
    *dice ^= *dice << 17;
    return *dice >> 11;
}

static void a_flipped_byte_is_found_or_says_nothing(void **state)
{
    struct world *world = *state;
    char path[WORLD_PATH_BYTES * 2];
    struct content honest;
    struct tally tally = {0};
    uint64_t seed = number_of("OFFTAKE_FLIP_SEED", 20260410);
    bool all = getenv("OFFTAKE_FLIP_SWEEP") != NULL;
    uint64_t dice = seed * 2 + 1;
    fill_books(world);
    world_close(world);
    struct file file = read_file(world_path(world, "books.db", path));
    assert_true(read_content(world, NULL, &honest));
    assert_string_equal(honest.integrity, "ok");
    size_t first = all ? (size_t)number_of("OFFTAKE_FLIP_FROM", 0) : 0;
    size_t last = all ? (size_t)number_of("OFFTAKE_FLIP_UNTIL", file.count) : FLIPS;
    for (size_t i = first; i < last && i < file.count; i++) {
        size_t at = all ? i : next(&dice) % file.count;
        flip(world, &file, at, (unsigned char)(1u << next(&dice) % 8), &honest, &tally);
    }
    print_message("# %llu flips in %zu bytes (seed %llu): %llu found, %llu do not open, %llu "
                  "changed what nothing vouches for, %llu nothing, %llu slipped through\n",
                  (unsigned long long)tally.flips, file.count, (unsigned long long)seed,
                  (unsigned long long)tally.found, (unsigned long long)tally.closed,
                  (unsigned long long)tally.unwatched, (unsigned long long)tally.harmless,
                  (unsigned long long)tally.slipped);
    write_file(world, &file);
    free(file.bytes);
    drop_content(&honest);
    assert_int_equal(tally.slipped, 0);
    assert_true(tally.found > 0 && tally.harmless > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {AT_THE_DESK(a_flipped_byte_is_found_or_says_nothing)};
    return cmocka_run_group_tests_name("engine flip", tests, NULL, NULL);
}
