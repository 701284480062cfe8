/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Usage that was metered wrong: what the books are after a correction, in an open month and in a closed one,
 * what a trace and the days say of it, that telling it twice does it once, that tampering is found, and that a
 * correction that is killed has happened or has not.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/corrections.h"
#include "engine/periods.h"
#include "engine/trace.h"

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)
#define APRIL            (2026 * 12 + 3)
#define AMOUNTS          "SELECT sum(CAST(amount AS INTEGER)) FROM series WHERE kind = "
#define LATE             " AND for_month = 24315"

static void text_of(const struct meter_record *record, char out[40])
{
    memcpy(out, "req_", 4);
    (void)oft_hex(record->request_id, 16, out + 4);
}

/* COUNT records of 1000 input and 100 output, booked; the first one in RET. */
static void book(struct world *world, struct meter_writer *writer, size_t count,
                 struct meter_record *ret)
{
    *ret = world_record(world);
    world_writer_open(world, writer, 64);
    world_append(writer, METER_SETTLED, ret);
    for (size_t i = 1; i < count; i++) {
        struct meter_record other = world_record(world);
        world_append(writer, METER_SETTLED, &other);
    }
    (void)world_drain(world);
}

static struct engine_correction output_of(const char *request, uint64_t output)
{
    struct engine_correction it = {
        .request = request, .actor = "ann", .reason = "the provider's own count", .reference = ""};
    it.sets[DEAL_UNIT_OUTPUT] = true;
    it.units[DEAL_UNIT_OUTPUT] = output;
    return it;
}

static struct engine_correction void_of(const char *request)
{
    return (struct engine_correction){.request = request,
                                      .is_void = true,
                                      .actor = "bob",
                                      .reason = "it was never sent",
                                      .reference = ""};
}

static enum oft_err tell(struct world *world, const struct engine_correction *it, char words[1024])
{
    struct oft_error error = {0};
    struct oft_buffer out;
    oft_buffer_init(&out, 1 << 20);
    enum oft_err code = engine_correct_usage(world->engine, it, world->now, &out, &error);
    (void)snprintf(words, 1024, "%s", code == OFT_OK ? oft_buffer_text(&out) : error.message);
    oft_buffer_release(&out);
    return code;
}

static void told(struct world *world, const struct engine_correction *it, bool booked)
{
    char words[1024];
    if (tell(world, it, words) != OFT_OK ||
        strstr(words, booked ? "\"booked\":true" : "\"booked\":false") == NULL) {
        fail_msg("%s", words);
    }
}

static void refused(struct world *world, const struct engine_correction *it, enum oft_err code,
                    const char *expected)
{
    char words[1024];
    int64_t before = world_sql(world, "SELECT max(number) FROM txn");
    assert_int_equal(tell(world, it, words), code);
    if (strstr(words, expected) == NULL) {
        fail_msg("\"%s\" says nothing of \"%s\"", words, expected);
    }
    assert_int_equal(world_sql(world, "SELECT max(number) FROM txn"), before);
}

static void sound(struct world *world)
{
    char findings[4096];
    if (!world_sound(world, findings)) {
        fail_msg("%s", findings);
    }
}

static void found(struct world *world, const char *expected)
{
    char findings[4096];
    assert_false(world_sound(world, findings));
    if (strstr(findings, expected) == NULL) {
        fail_msg("\"%s\" says nothing of \"%s\"", findings, expected);
    }
}

/* The trace of WHAT has EXPECTED in it, and adds up. */
static void traced(struct world *world, const char *what, const char *expected)
{
    struct oft_buffer out;
    struct oft_error error = {0};
    bool adds_up = false;
    oft_buffer_init(&out, 8 << 20);
    if (engine_trace(world->engine, what, 200, LEDGER_JSON, &out, &adds_up, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
    if (!adds_up || strstr(oft_buffer_text(&out), expected) == NULL) {
        fail_msg("%s", oft_buffer_text(&out));
    }
    oft_buffer_release(&out);
}

/* The id of the first line of KIND in the trace of REQUEST that comes after the word AFTER. */
static void line_of(struct world *world, const char *request, const char *after, const char *kind,
                    char id[17])
{
    struct oft_buffer out;
    struct oft_error error = {0};
    char wanted[64];
    bool adds_up = false;
    oft_buffer_init(&out, 8 << 20);
    assert_int_equal(engine_trace(world->engine, request, 200, LEDGER_JSON, &out, &adds_up, &error),
                     OFT_OK);
    (void)snprintf(wanted, sizeof(wanted), "\",\"kind\":\"%s\"", kind);
    const char *place = strstr(oft_buffer_text(&out), after);
    assert_non_null(place);
    place = strstr(place, wanted);
    assert_non_null(place);
    memcpy(id, place - 16, 16);
    id[16] = '\0';
    oft_buffer_release(&out);
}

static void close_april(struct world *world)
{
    struct oft_buffer out;
    struct oft_error error = {0};
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(oft_instant_parse(oft_str_from("2026-05-03T00:00:00Z"), &world->now), OFT_OK);
    for (int soft = 1; soft >= 0; soft--) {
        if (engine_period_close(world->engine, APRIL, soft == 1, "ann", world->now, &out, &error) !=
            OFT_OK) {
            fail_msg("%s", error.message);
        }
    }
    oft_buffer_release(&out);
}

/* ---- what it does ------------------------------------------------------------------------------ */

static void the_books_are_as_if_it_had_been_metered_right(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct meter_record record;
    char request[40];
    book(world, &writer, 3, &record);
    text_of(&record, request);
    struct engine_correction it = output_of(request, 300);
    told(world, &it, true);
    assert_int_equal(world_sql(world, AMOUNTS "2"), 3 * WORLD_SALE_NANOS + 4000000);
    assert_int_equal(world_sql(world, AMOUNTS "3"), 3 * WORLD_COST_NANOS + 2000000);
    assert_int_equal(world_sql(world, AMOUNTS "4 AND product = ''"),
                     (3 * WORLD_SALE_NANOS + 4000000) / 5);
    assert_int_equal(world_requests_booked(world), 3);
    sound(world);
    it = void_of(request);
    told(world, &it, true);
    assert_int_equal(world_sql(world, AMOUNTS "2"), 2 * WORLD_SALE_NANOS);
    assert_int_equal(world_requests_booked(world), 2);
    world_reopen(world);
    world_publish(world);
    it = output_of(request, 50); /* again; its input is what it was */
    told(world, &it, true);
    assert_int_equal(world_sql(world, AMOUNTS "2"), 3 * WORLD_SALE_NANOS - 1000000);
    sound(world);
    meter_writer_close(&writer);
}

static void a_closed_month_stays_and_less_than_nothing_is_late(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct meter_record record;
    char request[40];
    char id[17];
    book(world, &writer, 2, &record);
    text_of(&record, request);
    close_april(world);
    struct engine_correction it = void_of(request);
    told(world, &it, true);
    assert_int_equal(world_sql(world, AMOUNTS "2 AND for_month = 0"), 2 * WORLD_SALE_NANOS);
    assert_int_equal(world_sql(world, AMOUNTS "2" LATE), -WORLD_SALE_NANOS);
    assert_int_equal(
        world_sql(world, "SELECT CAST(quantity AS INTEGER) FROM series WHERE kind = 1" LATE), -1);
    sound(world);
    traced(world, request, "\"corrections\":[{\"transaction\":");
    line_of(world, request, "\"corrections\"", "usage", id);
    traced(world, id, "\"units\":{\"input\":-1000,");
    line_of(world, request, "\"corrections\"", "cost", id);
    traced(world, id, "\"correction\":\"taken-back\"");
    meter_writer_close(&writer);
}

static void days_take_the_correction_to_the_day_of_the_request(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct meter_record record;
    struct oft_buffer out;
    struct oft_error error = {0};
    char request[40];
    book(world, &writer, 2, &record);
    text_of(&record, request);
    struct engine_correction it = output_of(request, 300);
    told(world, &it, true);
    close_april(world);
    it = output_of(request, 0);
    told(world, &it, true);
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(engine_metering(world->engine, APRIL, false, world->now, &out, &error),
                     OFT_OK);
    assert_non_null(
        strstr(oft_buffer_text(&out), "output,east.price.gpt-4o@always,2026-04-10,400,"));
    assert_null(strstr(oft_buffer_text(&out), "books"));
    oft_buffer_clear(&out);
    assert_int_equal(engine_metering(world->engine, APRIL + 1, false, world->now, &out, &error),
                     OFT_OK);
    assert_non_null(
        strstr(oft_buffer_text(&out), "output,east.price.gpt-4o@always,2026-04-10,-300,-0.003,"));
    oft_buffer_release(&out);
    meter_writer_close(&writer);
}

static void both_ways_of_the_trace_know_it(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct meter_record record;
    char request[40];
    char id[17];
    book(world, &writer, 3, &record);
    text_of(&record, request);
    struct engine_correction it = output_of(request, 300);
    told(world, &it, true);
    it = void_of(request);
    told(world, &it, true);
    traced(world, request, "\"by\":\"ann\",\"reason\":\"the provider's own count\"");
    traced(world, request, "\"is\":null");
    line_of(world, request, "\"lines\"", "usage", id);
    traced(world, id, "\"correction\":\"put-right\"");
    line_of(world, request, "\"lines\"", "share", id);
    traced(world, id, "\"adds_up\":true");
    line_of(world, request, "\"lines\"", "commitment", id);
    traced(world, id, "\"adds_up\":true");
    meter_writer_close(&writer);
}

static void a_guess_is_a_guess_no_longer(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct meter_record orphan = world_record(world);
    struct meter_record estimated = world_record(world);
    char request[40];
    estimated.flags |= METER_FLAG_ESTIMATED;
    estimated.status = 502;
    world_writer_open(world, &writer, 64);
    world_append(&writer, METER_SETTLED, &estimated);
    world_append(&writer, METER_INTENT, &orphan);
    (void)world_drain(world);
    world_writer_die(&writer);
    assert_int_equal(world_drain(world).unsettled, 1);
    text_of(&orphan, request);
    struct engine_correction it = output_of(request, 100);
    told(world, &it, true);
    text_of(&estimated, request);
    it = output_of(request, 100);
    told(world, &it, true);
    assert_int_equal(world_sql(world, "SELECT CAST(quantity AS INTEGER) FROM series"
                                      " WHERE kind = 1 AND outcome = 0"),
                     2);
    assert_int_equal(world_sql(world, "SELECT sum(abs(CAST(quantity AS INTEGER))) FROM series"
                                      " WHERE kind = 1 AND outcome <> 0"),
                     0);
    assert_int_equal(world_sql(world, AMOUNTS "2"), 2 * WORLD_SALE_NANOS);
    sound(world);
}

/* ---- what it does once ------------------------------------------------------------------------- */

static void told_twice_it_is_done_once(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct meter_record record;
    char request[40];
    book(world, &writer, 1, &record);
    text_of(&record, request);
    struct engine_correction it = output_of(request, 300);
    told(world, &it, true);
    told(world, &it, false);
    it.reference = "ticket-7";
    it.units[DEAL_UNIT_OUTPUT] = 400;
    told(world, &it, true);
    struct engine_correction back = output_of(request, 300);
    told(world, &back, true);
    told(world, &it, false); /* a late repetition does not undo what came after it */
    assert_int_equal(world_sql(world, AMOUNTS "2"), WORLD_SALE_NANOS + 4000000);
    it.units[DEAL_UNIT_OUTPUT] = 401;
    refused(world, &it, OFT_ERR_CONFLICT, "ticket-7 was used for another correction");
    sound(world);
    meter_writer_close(&writer);
}

static void what_cannot_be_corrected_is_refused_in_words(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct meter_record record;
    struct meter_record nobody = world_record(world);
    char request[40];
    nobody.flags |= METER_FLAG_REFUSED;
    nobody.status = 403;
    nobody.pool_id = 0;
    book(world, &writer, 1, &record);
    struct engine_correction it = output_of("req_00000000000000000000000000000000", 1);
    refused(world, &it, OFT_ERR_NOT_FOUND, "no record of request");
    it.request = "req_12";
    refused(world, &it, OFT_ERR_INVALID, "is no request's id");
    text_of(&record, request);
    it.request = request;
    it.reason = "";
    refused(world, &it, OFT_ERR_INVALID, "say why");
    it.reason = "a bill";
    it.actor = "";
    refused(world, &it, OFT_ERR_INVALID, "say who");
    it.actor = "ann";
    it.tier = "golden";
    refused(world, &it, OFT_ERR_INVALID, "is no service tier");
    it.tier = NULL;
    it.is_void = true;
    refused(world, &it, OFT_ERR_INVALID, "say one or the other");
    it.is_void = false;
    it.sets[DEAL_UNIT_OUTPUT] = false;
    refused(world, &it, OFT_ERR_INVALID, "say what is right");
    it.sets[DEAL_UNIT_OUTPUT] = true;
    it.units[DEAL_UNIT_OUTPUT] = OFT_USAGE_TOKENS_MAX + 1;
    refused(world, &it, OFT_ERR_INVALID, "no request uses more");
    it.units[DEAL_UNIT_OUTPUT] = 1;
    world_append(&writer, METER_SETTLED, &nobody);
    text_of(&nobody, request);
    refused(world, &it, OFT_ERR_CONFLICT, "`offtake drain` books it");
    (void)world_drain(world);
    refused(world, &it, OFT_ERR_INVALID, "no provider served this request");
    struct meter_record waiting = world_record(world);
    world_append(&writer, METER_INTENT, &waiting);
    (void)world_drain(world);
    text_of(&waiting, request);
    refused(world, &it, OFT_ERR_CONFLICT, "has not ended yet");
    meter_writer_close(&writer);
}

/* ---- what is found ----------------------------------------------------------------------------- */

static void a_correction_that_was_tampered_with_is_found(void **state)
{
    static const struct {
        const char *sql, *finding;
    } ACTS[] = {
        {"UPDATE correction SET reason = 'another' WHERE number = (SELECT min(number) FROM "
         "correction)",
         "is not what was booked"},
        {"UPDATE correction SET record = was WHERE number = (SELECT max(number) FROM correction)",
         "is not what was booked"},
        {"UPDATE correction SET was = record WHERE number = (SELECT max(number) FROM correction)",
         "took back something else"},
        {"DELETE FROM correction WHERE number = (SELECT max(number) FROM correction)",
         "whose record is gone"},
        {"UPDATE correction SET number = number - 1 WHERE number ="
         " (SELECT min(number) FROM correction)",
         "has no event"},
    };
    struct world *world = *state;
    struct meter_writer writer;
    struct meter_record record;
    char request[40];
    book(world, &writer, 1, &record);
    text_of(&record, request);
    for (uint64_t output = 300; output < 302; output++) {
        struct engine_correction it = output_of(request, output);
        told(world, &it, true);
    }
    world_run(world, "CREATE TABLE kept AS SELECT * FROM correction");
    world_run(world, "DROP TRIGGER correction_stays");
    world_run(world, "DROP TRIGGER correction_remains");
    for (size_t i = 0; i < OFT_COUNT_OF(ACTS); i++) {
        world_close(world);
        world_tamper(world, ACTS[i].sql);
        world_reopen(world);
        found(world, ACTS[i].finding);
        world_close(world);
        world_run(world, "DELETE FROM correction");
        world_run(world, "INSERT INTO correction SELECT * FROM kept");
        world_reopen(world);
    }
    world_run(world, "DROP TABLE kept");
    sound(world);
    meter_writer_close(&writer);
}

static void killed_before_it_is_committed_it_has_not_happened(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct meter_record record;
    char request[40];
    int status = 0;
    book(world, &writer, 1, &record);
    text_of(&record, request);
    struct engine_correction it = output_of(request, 300);
    world_close(world);
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct oft_error error = {0};
        char words[1024];
        if (world_open(world, &error) == OFT_OK &&
            setenv("OFFTAKE_FAILPOINT", "correction-before-commit", 1) == 0) {
            world_publish(world);
            (void)tell(world, &it, words);
        }
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    world_reopen(world);
    world_publish(world);
    assert_int_equal(world_sql(world, AMOUNTS "2"), WORLD_SALE_NANOS);
    sound(world);
    told(world, &it, true);
    assert_int_equal(world_sql(world, AMOUNTS "2"), WORLD_SALE_NANOS + 4000000);
    sound(world);
    meter_writer_close(&writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(the_books_are_as_if_it_had_been_metered_right),
        WITH_WORLD(a_closed_month_stays_and_less_than_nothing_is_late),
        WITH_WORLD(days_take_the_correction_to_the_day_of_the_request),
        WITH_WORLD(both_ways_of_the_trace_know_it),
        WITH_WORLD(a_guess_is_a_guess_no_longer),
        WITH_WORLD(told_twice_it_is_done_once),
        WITH_WORLD(what_cannot_be_corrected_is_refused_in_words),
        WITH_WORLD(a_correction_that_was_tampered_with_is_found),
        WITH_WORLD(killed_before_it_is_committed_it_has_not_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
