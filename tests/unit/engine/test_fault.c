/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk fails at every write, sync, truncation and deletion of a run through everything that books
 * (opening and making the tables, publishing, draining, the desk's commands, hours of capacity,
 * closing): an I/O error, a short write, a full disk, a loss of power. What was answered with "done"
 * stays; what failed is done again; the books then verify, and hold what they hold without a fault.
 *
 * By default each kind of fault strikes a sample of the operations, which follows from
 * OFFTAKE_FAULT_SEED. OFFTAKE_FAULT_SWEEP=all tries every one.
 */
#include "desk_world.h"

#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/corrections.h"
#include "engine/programmes.h"
#include "fault_vfs.h"

enum { SAMPLES = 12, REQUESTS = 12, BOOKS_BYTES = 1 << 16, STEPS_MAX = 32 };

/* A run, and how far it has come. */
struct run {
    struct world *world;
    oft_instant began;
    size_t next;                   /* of STEPS */
    struct meter_record corrected; /* of the first requests */
    struct oft_error error;
};

typedef enum oft_err (*step_fn)(struct run *run);

static enum oft_err publish(struct run *run)
{
    struct oft_buffer report;
    oft_buffer_init(&report, 1 << 20);
    enum oft_err code = engine_publish(run->world->engine, run->world->now, &report, &run->error);
    oft_buffer_release(&report);
    return code;
}

static enum oft_err open_and_publish(struct run *run)
{
    if (run->world->engine == NULL) {
        enum oft_err code = world_open(run->world, &run->error);
        if (code != OFT_OK) {
            return code;
        }
    }
    return publish(run);
}

static enum oft_err drain(struct run *run)
{
    struct engine_drain_result result = {.more = true};
    enum oft_err code = OFT_OK;
    while (code == OFT_OK && result.more) {
        code = engine_drain(run->world->engine, run->world->now, &result, &run->error);
    }
    return code;
}

/* ---- steps -------------------------------------------------------------------------------------- */

static enum oft_err some_requests(struct run *run)
{
    struct meter_writer writer;
    struct meter_record record = world_record(run->world);
    if (run->next == 1) {
        run->corrected = record;
    }
    world_writer_open(run->world, &writer, 16);
    world_append_requests(run->world, &writer, REQUESTS - 1);
    world_append(&writer, METER_SETTLED, &record);
    meter_writer_close(&writer);
    return OFT_OK;
}

/* Its last two requests are settled by nobody. */
static enum oft_err a_writer_dies(struct run *run)
{
    struct meter_writer writer;
    world_writer_open(run->world, &writer, 16);
    world_append_requests(run->world, &writer, REQUESTS);
    for (int i = 0; i < 2; i++) {
        struct meter_record record = world_record(run->world);
        world_append(&writer, METER_INTENT, &record);
    }
    world_writer_die(&writer);
    return OFT_OK;
}

static enum oft_err act(struct run *run, const char *actor, const char *group, const char *verb,
                        const char *one, const char *two, const char *three, const char *four)
{
    struct engine_refusal refusal;
    char key[64];
    (void)snprintf(key, sizeof(key), "key-%zu", run->next);
    return desk_try(run->world, actor, key, false, &refusal, group, verb, one, two, three, four,
                    NULL);
}

static enum oft_err need(struct run *run)
{
    return act(run, NULL, "need", "open", NEED);
}

static enum oft_err offer(struct run *run)
{
    return act(run, NULL, "offer", "add", OFFER);
}

static enum oft_err send(struct run *run)
{
    return act(run, NULL, "notice", "send", "lot=lot-1", NULL, NULL, NULL);
}

static enum oft_err delivered(struct run *run)
{
    return act(run, "bigcloud", "notice", "delivered", "notice=notice-1", NULL, NULL, NULL);
}

static enum oft_err elect(struct run *run)
{
    return act(run, "bigcloud", "elect", "", "notice=notice-1", "count=64", NULL, NULL);
}

static enum oft_err tender(struct run *run)
{
    return act(run, NULL, "tender", "", "lot=lot-1", NULL, NULL, NULL);
}

static enum oft_err sign(struct run *run)
{
    return act(run, NULL, "sign", "", TARGET "=lot-1", NULL, NULL, NULL);
}

static enum oft_err arrive(struct run *run)
{
    return act(run, NULL, "deliver", "", "order=order-1", "count=64", "pool=cluster", NULL);
}

static enum oft_err republish(struct run *run)
{
    return engine_republish(run->world->engine, run->world->now, &run->error);
}

/* Told again after a fault, it is done once: the reference is the same. */
static enum oft_err tell_fund(struct run *run, struct engine_fund_ask ask)
{
    struct oft_buffer out;
    ask.programme = "gate";
    ask.actor = "ann";
    ask.amount = OFT_NANOS_PER_UNIT;
    ask.day = run->began;
    oft_buffer_init(&out, 1 << 20);
    enum oft_err code =
        engine_fund_tell(run->world->engine, &ask, run->world->now, &out, &run->error);
    oft_buffer_release(&out);
    return code;
}

static enum oft_err call_capital(struct run *run)
{
    const struct engine_fund_ask ask = {LEDGER_FUND_CALL, .funder = "", .order = "",
                                        .reference = "c"};
    return tell_fund(run, ask);
}

static enum oft_err pay_capital(struct run *run)
{
    const struct engine_fund_ask ask = {LEDGER_FUND_PAYMENT, .funder = "bigcloud", .order = "",
                                        .reference = "p"};
    return tell_fund(run, ask);
}

static enum oft_err draw_capital(struct run *run)
{
    const struct engine_fund_ask ask = {LEDGER_FUND_DRAW, .funder = "", .order = "order-1",
                                        .reference = "d"};
    return tell_fund(run, ask);
}

static enum oft_err correct(struct run *run)
{
    char request[40] = "req_";
    struct oft_buffer out;
    (void)oft_hex(run->corrected.request_id, 16, request + 4);
    struct engine_correction correction = {
        .request = request, .actor = "ann", .reason = "their bill", .reference = "t-1"};
    correction.sets[DEAL_UNIT_OUTPUT] = true;
    oft_buffer_init(&out, 1 << 20);
    enum oft_err code =
        engine_correct_usage(run->world->engine, &correction, run->world->now, &out, &run->error);
    oft_buffer_release(&out);
    return code;
}

static enum oft_err two_days_later(struct run *run)
{
    run->world->now = run->began + 2 * OFT_NS_PER_DAY;
    return OFT_OK;
}

static enum oft_err accrue(struct run *run)
{
    return engine_accrue(run->world->engine, run->world->now, &run->error);
}

static enum oft_err tick(struct run *run)
{
    return engine_tick(run->world->engine, run->world->now, &run->error);
}

/* Writes the log back into the database, and deletes it. */
static enum oft_err close_books(struct run *run)
{
    world_close(run->world);
    return OFT_OK;
}

static const struct {
    const char *name;
    step_fn take;
} STEPS[] = {
    {"opening and publishing", open_and_publish},
    {"requests", some_requests},
    {"the first drain", drain},
    {"a correction of usage", correct},
    {"need open", need},
    {"offer add", offer},
    {"notice send", send},
    {"requests of a writer that dies", a_writer_dies},
    {"the drain of what is left", drain},
    {"notice delivered", delivered},
    {"elect", elect},
    {"tender", tender},
    {"sign", sign},
    {"deliver", arrive},
    {"a call of capital", call_capital},
    {"its payment", pay_capital},
    {"a draw for the order", draw_capital},
    {"republish", republish},
    {"time", two_days_later},
    {"accrue", accrue},
    {"tick", tick},
    {"closing", close_books},
    {"opening and publishing again", open_and_publish},
    {"requests", some_requests},
    {"the last drain", drain},
    {"closing at the end", close_books},
};
_Static_assert(OFT_COUNT_OF(STEPS) < STEPS_MAX, "few steps");

/* Takes steps until one fails. */
static enum oft_err go_on(struct run *run)
{
    enum oft_err code = OFT_OK;
    while (code == OFT_OK && run->next < OFT_COUNT_OF(STEPS)) {
        memset(&run->error, 0, sizeof(run->error));
        code = STEPS[run->next].take(run);
        run->next += code == OFT_OK;
    }
    return code;
}

/* ---- what the books hold ------------------------------------------------------------------------ */

static void append_row(sqlite3_stmt *statement, struct oft_buffer *out)
{
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        const char *text = (const char *)sqlite3_column_text(statement, i);
        oft_buffer_printf(out, "%s ", text == NULL ? "-" : text);
    }
    oft_buffer_append_text(out, "\n");
}

#define SERIES                                                                               \
    "SELECT kind, month, unit, outcome, rate, account, product, model, pool, party, clause," \
    " quantity, amount, hex(units) FROM series ORDER BY key"

static void read_books(const struct world *world, struct oft_buffer *out)
{
    static const char *const QUERIES[] = {
        SERIES,
        "SELECT account, amount FROM balance ORDER BY account",
        "SELECT count(*) FROM open_intent",
        "SELECT count(*) FROM quarantine",
        "SELECT count(*) FROM desk_event",
        "SELECT actor, key, status FROM desk_request ORDER BY actor, key",
        "SELECT dedup FROM desk_delivery ORDER BY dedup",
    };
    char path[WORLD_PATH_BYTES * 2];
    sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open(world_path(world, "books.db", path), &database), SQLITE_OK);
    for (size_t i = 0; i < OFT_COUNT_OF(QUERIES); i++) {
        sqlite3_stmt *statement = NULL;
        assert_int_equal(sqlite3_prepare_v2(database, QUERIES[i], -1, &statement, NULL), SQLITE_OK);
        while (sqlite3_step(statement) == SQLITE_ROW) {
            append_row(statement, out);
        }
        assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    }
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

/* ---- one fault ---------------------------------------------------------------------------------- */

static void clear_directory(const struct world *world, const char *name)
{
    char path[WORLD_PATH_BYTES * 2];
    DIR *directory = opendir(world_path(world, name, path));
    assert_non_null(directory);
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (entry->d_type == DT_REG) {
            assert_int_equal(unlinkat(dirfd(directory), entry->d_name, 0), 0);
        }
    }
    assert_int_equal(closedir(directory), 0);
}

static void begin(struct run *run, struct world *world, oft_instant began)
{
    world_close(world);
    clear_directory(world, "");
    clear_directory(world, "spool");
    clear_directory(world, "spool/archive");
    world->now = began;
    world->requests = 0;
    *run = (struct run){.world = world, .began = began};
}

/* The same process tries again, as its loop does; a machine that lost its power starts again. */
static void recover(struct run *run, enum fault_kind kind, const char *what)
{
    bool restart = kind != FAULT_IO_ERROR && kind != FAULT_SHORT_WRITE;
    size_t failed = run->next;
    if (restart) {
        world_close(run->world);
    }
    fault_mend();
    if (restart && failed > 0 && failed < OFT_COUNT_OF(STEPS) - 1 &&
        open_and_publish(run) != OFT_OK) {
        fail_msg("%s: the books do not open again: %s", what, run->error.message);
    }
    if (go_on(run) != OFT_OK) {
        fail_msg("%s: then %s failed: %s %s", what, STEPS[run->next].name, run->error.message,
                 desk_error());
    }
}

static void expect_same_books(struct world *world, const char *what, const char *expected)
{
    char findings[4096];
    struct oft_buffer books;
    struct oft_error error = {0};
    oft_buffer_init(&books, BOOKS_BYTES);
    read_books(world, &books);
    if (strcmp(oft_buffer_text(&books), expected) != 0) {
        fail_msg("%s: the books are\n%s\nand without a fault\n%s", what, oft_buffer_text(&books),
                 expected);
    }
    oft_buffer_release(&books);
    if (world_open(world, &error) != OFT_OK || !world_sound(world, findings)) {
        fail_msg("%s: %s %s", what, error.message, findings);
    }
    world_close(world);
}

static void fault_at(struct world *world, oft_instant began, enum fault_kind kind, uint64_t number,
                     uint64_t seed, const char *expected)
{
    struct run run;
    char what[256];
    begin(&run, world, began);
    fault_vfs_install();
    fault_arm(kind, number, seed);
    enum oft_err code = go_on(&run);
    (void)snprintf(what, sizeof(what), "%s at operation %llu (seed %llu), in %s",
                   fault_kind_name(kind), (unsigned long long)number, (unsigned long long)seed,
                   run.next < OFT_COUNT_OF(STEPS) ? STEPS[run.next].name : "nothing that minded");
    assert_true(fault_happened());
    if (code != OFT_OK) {
        recover(&run, kind, what);
    } else {
        fault_mend();
    }
    fault_vfs_remove();
    expect_same_books(world, what, expected);
}

/* ---- the sweep ---------------------------------------------------------------------------------- */

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static uint64_t clean_run(struct world *world, oft_instant began, struct oft_buffer *books)
{
    struct run run;
    char findings[4096];
    begin(&run, world, began);
    fault_vfs_install();
    fault_arm(FAULT_NONE, 0, 0);
    if (go_on(&run) != OFT_OK) {
        fail_msg("%s: %s %s", STEPS[run.next].name, run.error.message, desk_error());
    }
    uint64_t operations = fault_operations();
    fault_vfs_remove();
    read_books(world, books);
    assert_int_equal(world_open(world, &run.error), OFT_OK);
    assert_true(world_sound(world, findings));
    assert_int_equal(world_requests_booked(world), 3 * REQUESTS + 2);
    assert_int_equal(world_sales(world), (int64_t)3 * REQUESTS * WORLD_SALE_NANOS + 2 * 5000000 -
                                             2000000 /* corrected */);
    assert_true(world_sql(world, "SELECT count(*) FROM series WHERE unit = 64") > 0);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM quarantine"), 0);
    world_close(world);
    return operations;
}

/* The kind of fault of the test that runs. */
static const enum fault_kind KINDS[] = {
    FAULT_IO_ERROR,   FAULT_IO_ERROR_STAYS, FAULT_SHORT_WRITE, FAULT_DISK_FULL,
    FAULT_POWER_LOST, FAULT_POWER_KEPT,     FAULT_POWER_TORN,
};
static const enum fault_kind *current;

static int set_up(void **state)
{
    current = *state;
    return desk_set_up(state);
}

static void books_survive_it_at_every_write(void **state)
{
    struct world *world = *state;
    oft_instant began = world->now;
    struct oft_buffer books;
    uint64_t seed = number_of("OFFTAKE_FAULT_SEED", 20260410);
    const char *sweep = getenv("OFFTAKE_FAULT_SWEEP");
    oft_buffer_init(&books, BOOKS_BYTES);
    uint64_t operations = clean_run(world, began, &books);
    uint64_t step = sweep != NULL || operations < SAMPLES ? 1 : operations / SAMPLES;
    uint64_t first = 1 + seed % step;
    uint64_t tried = 0;
    for (uint64_t number = first; number <= operations; number += step) {
        fault_at(world, began, *current, number, seed + number, oft_buffer_text(&books));
        tried++;
    }
    print_message("# %s: %llu of %llu operations, seed %llu\n", fault_kind_name(*current),
                  (unsigned long long)tried, (unsigned long long)operations,
                  (unsigned long long)seed);
    oft_buffer_release(&books);
}

int main(void)
{
    struct CMUnitTest tests[OFT_COUNT_OF(KINDS)];
    for (size_t i = 0; i < OFT_COUNT_OF(KINDS); i++) {
        tests[i] = (struct CMUnitTest){.name = fault_kind_name(KINDS[i]),
                                       .test_func = books_survive_it_at_every_write,
                                       .setup_func = set_up,
                                       .teardown_func = world_tear_down,
                                       .initial_state = (void *)(uintptr_t)&KINDS[i]};
    }
    return cmocka_run_group_tests_name("engine fault", tests, NULL, NULL);
}
