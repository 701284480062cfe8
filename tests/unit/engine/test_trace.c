/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking back in real books: where a request is found however it ended, what a line is made of when its
 * records are gone or were orphans, the books as of an instant, the journal page by page.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/corrections.h"
#include "engine/periods.h"
#include "engine/trace.h"

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_set_up, world_tear_down)

struct looked {
    struct oft_buffer out;
    struct oft_error error;
    enum oft_err code;
    bool sound;
};

static const char *look(struct world *world, struct looked *looked, const char *what)
{
    oft_buffer_release(&looked->out);
    *looked = (struct looked){.sound = false};
    oft_buffer_init(&looked->out, 8 << 20);
    looked->code = engine_trace(world->engine, what, 200, LEDGER_JSON, &looked->out, &looked->sound,
                                &looked->error);
    return oft_buffer_text(&looked->out);
}

static const char *look_request(struct world *world, struct looked *looked,
                                const struct meter_record *record)
{
    char id[40] = "req_";
    (void)oft_hex(record->request_id, 16, id + 4);
    return look(world, looked, id);
}

/* The id of the first line of KIND that RECORD has a part in. */
static void line_of(struct world *world, const struct meter_record *record, const char *kind,
                    char id[17])
{
    struct looked looked = {0};
    char wanted[64];
    (void)snprintf(wanted, sizeof(wanted), "\",\"kind\":\"%s\"", kind);
    const char *text = look_request(world, &looked, record);
    const char *found = strstr(text, wanted);
    assert_non_null(found);
    memcpy(id, found - 16, 16);
    id[16] = '\0';
    oft_buffer_release(&looked.out);
}

static void a_request_is_found_as_it_stands(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct looked looked = {0};
    struct meter_record booked = world_record(world);
    struct meter_record waiting = world_record(world);
    struct meter_record unread = world_record(world);
    struct meter_record strange = world_record(world);
    strange.generation = 99;
    world_writer_open(world, &writer, 64);
    world_append(&writer, METER_INTENT, &booked);
    world_append(&writer, METER_SETTLED, &booked);
    world_append(&writer, METER_INTENT, &waiting);
    world_append(&writer, METER_SETTLED, &strange);
    (void)world_drain(world);
    world_append(&writer, METER_SETTLED, &unread);
    const char *text = look_request(world, &looked, &booked);
    assert_int_equal(looked.code, OFT_OK);
    assert_true(looked.sound);
    assert_non_null(strstr(text, "\"standing\":\"booked\""));
    assert_non_null(strstr(text, "\"amount_unrounded\":\"0.005000000000000\""));
    assert_non_null(strstr(text, "\"transaction\":{\"number\":1,"));
    text = look_request(world, &looked, &waiting);
    assert_non_null(strstr(text, "\"standing\":\"waiting-for-its-settlement\""));
    text = look_request(world, &looked, &unread);
    assert_non_null(strstr(text, "\"standing\":\"not-drained-yet\""));
    assert_non_null(strstr(text, "\"transaction\":null"));
    text = look_request(world, &looked, &strange);
    assert_non_null(strstr(text, "\"set_aside\":\"unknown policy\""));
    (void)look(world, &looked, "req_00000000000000000000000000000000");
    assert_int_equal(looked.code, OFT_ERR_NOT_FOUND);
    (void)look(world, &looked, "req_0000000000000000000000000000000g");
    assert_int_equal(looked.code, OFT_ERR_INVALID);
    oft_buffer_release(&looked.out);
    meter_writer_close(&writer);
}

static void an_orphan_leads_to_its_lines_and_they_lead_back(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct looked looked = {0};
    char id[17];
    struct meter_record orphan = world_record(world);
    world_writer_open(world, &writer, 64);
    world_append_requests(world, &writer, 2);
    world_append(&writer, METER_INTENT, &orphan);
    (void)world_drain(world);
    world_writer_die(&writer);
    assert_int_equal(world_drain(world).unsettled, 1);
    const char *text = look_request(world, &looked, &orphan);
    assert_true(looked.sound);
    assert_non_null(strstr(text, "\"standing\":\"booked-by-the-orphan-rule\""));
    assert_non_null(strstr(text, "\"transaction\":{\"number\":2,"));
    assert_non_null(strstr(text, "\"outcome\":\"unsettled\""));
    line_of(world, &orphan, "sale", id);
    text = look(world, &looked, id);
    assert_true(looked.sound);
    assert_non_null(strstr(text, "\"record_count\":3"));
    assert_non_null(strstr(text, "\"transaction_count\":2"));
    oft_buffer_release(&looked.out);
}

static void records_that_are_gone_are_told_and_nothing_is_claimed(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct looked looked = {0};
    char id[17], command[WORLD_PATH_BYTES * 2];
    struct meter_record record = world_record(world);
    world_writer_open(world, &writer, 64);
    world_append(&writer, METER_SETTLED, &record);
    meter_writer_close(&writer);
    (void)world_drain(world);
    line_of(world, &record, "cost", id);
    (void)look(world, &looked, id);
    assert_true(looked.sound);
    (void)snprintf(command, sizeof(command), "rm %s/spool/archive/*.spool", world->data);
    assert_int_equal(system(command), 0); /* NOLINT */
    const char *text = look(world, &looked, id);
    assert_int_equal(looked.code, OFT_OK);
    assert_false(looked.sound);
    assert_non_null(strstr(text, "\"missing_segments\":1"));
    assert_non_null(strstr(text, "\"adds_up\":false"));
    (void)look_request(world, &looked, &record);
    assert_int_equal(looked.code, OFT_ERR_NOT_FOUND);
    oft_buffer_release(&looked.out);
}

static void a_line_of_more_policies_than_are_kept_at_once_still_adds_up(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct looked looked = {0};
    char id[17];
    struct meter_record record = {0};
    struct oft_error error = {0};
    world_writer_open(world, &writer, 64);
    for (uint64_t generation = 1; generation <= 40; generation++) {
        record = world_record(world);
        record.generation = generation;
        world_append(&writer, METER_SETTLED, &record);
        assert_int_equal(engine_republish(world->engine, world->now, &error), OFT_OK);
    }
    (void)world_drain(world);
    line_of(world, &record, "sale", id);
    const char *text = look(world, &looked, id);
    assert_int_equal(looked.code, OFT_OK);
    assert_true(looked.sound);
    assert_non_null(strstr(text, "\"record_count\":40"));
    oft_buffer_release(&looked.out);
    meter_writer_close(&writer);
}

static void books_that_were_tampered_with_do_not_add_up(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct looked looked = {0};
    char id[17];
    struct meter_record record = world_record(world);
    world_writer_open(world, &writer, 64);
    world_append(&writer, METER_SETTLED, &record);
    (void)world_drain(world);
    line_of(world, &record, "sale", id);
    world_close(world);
    world_tamper(world, "UPDATE series SET quantity = '1001' WHERE kind = 2 AND quantity = '1000'");
    world_reopen(world);
    (void)look(world, &looked, id);
    assert_int_equal(looked.code, OFT_OK);
    assert_false(looked.sound);
    oft_buffer_release(&looked.out);
    meter_writer_close(&writer);
}

/* ---- prices in steps --------------------------------------------------------------------------- */

#define STEPS_DEAL_HEAD                                                                        \
    "deal \"Test lab\"\n"                                                                      \
    "customer lab\n"                                                                           \
    "currency USD\n"                                                                           \
    "party    bigcloud \"Big Cloud\"\n"                                                        \
    "provider alpha of bigcloud\n"                                                             \
    "model    gpt-4o\n"                                                                        \
    "account  acme   \"ACME\"\n"                                                               \
    "product  api  \"API\"  class inference {\n"                                               \
    "    price gpt-4o input 5.00 USD per 1M tokens output 20.00 USD per 1M tokens \\\n"        \
    "        after 1500 monthly input 4.00 USD per 1M tokens \\\n"                             \
    "        after 3500 monthly input 3.00 USD per 1M tokens output 10.00 USD per 1M tokens\n" \
    "}\n"                                                                                      \
    "agreement bc with bigcloud {\n"                                                           \
    "    effective 2020-01-01  until 2035-01-01\n"                                             \
    "    commit: commit 30 USD on alpha over 2026-04-01..2026-05-01 build-up counting all\n"   \
    "    share:  share 20% of revenue from api from lab to bigcloud monthly\n"                 \
    "}\n"
#define STEPS_DEAL_TAIL                                                                      \
    "pool east on alpha {\n"                                                                 \
    "    serves gpt-4o as \"g\" at http://127.0.0.1:9101/v1 kind openai key env WORLD_KEY\n" \
    "    price gpt-4o input 0.00 USD per 1M tokens output 10.00 USD per 1M tokens \\\n"      \
    "        after 2000 monthly input 2.50 USD per 1M tokens\n"                              \
    "}\n"

/* Traces every line there is; *RET_COMPARED counts those that were held against their records. */
static size_t trace_all(struct world *world, bool sound, size_t *ret_compared)
{
    size_t lines = 0;
    size_t wrong = 0;
    char ids[64][17];
    struct looked looked = {0};
    struct oft_buffer out;
    struct oft_error error = {0};
    *ret_compared = 0;
    oft_buffer_init(&out, 8 << 20);
    for (int month = 24315; month <= 24316; month++) {
        const struct engine_basis basis = {.party = "lab", .month = month};
        oft_buffer_clear(&out);
        assert_int_equal(engine_paper(world->engine, &basis, ENGINE_CSV, world->now, &out, &error),
                         OFT_OK);
        for (const char *at = oft_buffer_text(&out); (at = strchr(at, '\n')) != NULL; at++) {
            if (at - oft_buffer_text(&out) > 16 && at[-17] == ',' &&
                strspn(at - 16, "0123456789abcdef") == 16) {
                memcpy(ids[lines], at - 16, 16);
                ids[lines++][16] = '\0';
            }
        }
    }
    for (size_t i = 0; i < lines; i++) {
        const char *text = look(world, &looked, ids[i]);
        if (looked.code != OFT_OK || (sound && !looked.sound)) {
            fail_msg("%s %s", looked.error.message, text);
        }
        wrong += !looked.sound;
        *ret_compared += strstr(text, "\"compared\":true") != NULL;
    }
    assert_true(sound || wrong > 0);
    oft_buffer_release(&looked.out);
    oft_buffer_release(&out);
    return lines;
}

static void book_in_steps(struct world *world, struct meter_writer *writer, const char *deal,
                          struct meter_record *ret)
{
    world_begin_anew(world, deal);
    world_publish(world);
    world_writer_open(world, writer, 64);
    for (int i = 0; i < 5; i++) {
        *ret = world_record(world);
        world_append(writer, METER_SETTLED, ret);
        (void)world_drain(world);
    }
}

static void correct_output(struct world *world, const struct meter_record *record, uint64_t input)
{
    struct oft_error error = {0};
    struct oft_buffer out;
    char request[40] = "req_";
    (void)oft_hex(record->request_id, 16, request + 4);
    struct engine_correction it = {
        .request = request, .actor = "ann", .reason = "why", .reference = ""};
    it.sets[DEAL_UNIT_INPUT] = true;
    it.units[DEAL_UNIT_INPUT] = input;
    oft_buffer_init(&out, 1 << 20);
    if (engine_correct_usage(world->engine, &it, world->now, &out, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
    oft_buffer_release(&out);
}

static void steps_of_a_price_are_traced_together_both_ways(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct meter_record record;
    struct looked looked = {0};
    char id[17];
    size_t compared = 0;
    book_in_steps(world, &writer, STEPS_DEAL_HEAD STEPS_DEAL_TAIL, &record);
    /* 5000 in: 1500, 2000 and 1500; the last record is in the third. */
    const char *text = look_request(world, &looked, &record);
    assert_true(looked.sound);
    assert_non_null(strstr(text, "\"price_per_million\":\"3.00\""));
    assert_non_null(strstr(text, "\"in_steps\":true"));
    assert_null(strstr(text, "\"price_per_million\":\"4.00\""));
    line_of(world, &record, "sale", id);
    text = look(world, &looked, id);
    assert_true(looked.sound);
    assert_non_null(strstr(text, "\"price_per_million\":\"4.00\",\"quantity\":\"2000\""));
    assert_non_null(strstr(text, "\"record_count\":5"));
    size_t lines = trace_all(world, true, &compared);
    assert_true(lines > 7 && compared == lines);
    correct_output(world, &record, 100);
    (void)look_request(world, &looked, &record);
    assert_true(looked.sound);
    lines = trace_all(world, true, &compared);
    assert_int_equal(compared, lines);
    world_close(world);
    world_tamper(world, "UPDATE series SET quantity = '1999' WHERE kind = 2 AND quantity = '2000'");
    world_reopen(world);
    world_publish(world);
    (void)trace_all(world, false, &compared);
    oft_buffer_release(&looked.out);
    meter_writer_close(&writer);
}

/* A second share begins in mid-month: which steps its part of the month fell into nobody can say. */
static void a_base_of_a_part_of_some_steps_is_not_compared_and_says_so(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct meter_record record;
    size_t compared = 0;
    world->now -= 2 * OFT_NS_PER_DAY;
    book_in_steps(world, &writer,
                  STEPS_DEAL_HEAD "agreement late with bigcloud {\n"
                                  "    effective 2026-04-10  until 2035-01-01\n"
                                  "    share: share 5% of revenue from api from lab to bigcloud "
                                  "monthly\n}\n" STEPS_DEAL_TAIL,
                  &record);
    world->now += 2 * OFT_NS_PER_DAY;
    record = world_record(world);
    world_append(&writer, METER_SETTLED, &record);
    (void)world_drain(world);
    size_t lines = trace_all(world, true, &compared);
    assert_int_equal(compared + 2, lines); /* its base and its sum */
    meter_writer_close(&writer);
}

static int64_t receivable(struct world *world, oft_instant as_of, int32_t through)
{
    struct engine_as_of which = {as_of, INT32_MIN, through};
    struct oft_buffer out;
    struct oft_error error = {0};
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(
        engine_balance(world->engine, "receivable/acme", &which, LEDGER_CSV, &out, &error), OFT_OK);
    const char *comma = strrchr(oft_buffer_text(&out), ',');
    int64_t nanos = strtoll(comma + 1, NULL, 10);
    oft_buffer_release(&out);
    return nanos;
}

static void a_balance_is_that_of_what_was_recorded_by_then(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    oft_instant first = world->now;
    int32_t month = oft_month_of(world->now);
    world_writer_open(world, &writer, 64);
    for (int day = 0; day < 3; day++) {
        world_append_requests(world, &writer, 1);
        (void)world_drain(world);
        world->now += OFT_NS_PER_DAY;
    }
    assert_int_equal(receivable(world, first - 1, INT32_MAX), 0);
    assert_int_equal(receivable(world, first, INT32_MAX), WORLD_SALE_NANOS);
    assert_int_equal(receivable(world, first + OFT_NS_PER_DAY - 1, INT32_MAX), WORLD_SALE_NANOS);
    assert_int_equal(receivable(world, first + OFT_NS_PER_DAY, INT32_MAX), 2 * WORLD_SALE_NANOS);
    assert_int_equal(receivable(world, OFT_INSTANT_NEVER, month), 3 * WORLD_SALE_NANOS);
    assert_int_equal(receivable(world, OFT_INSTANT_NEVER, month - 1), 0);
    meter_writer_close(&writer);
}

static void a_statement_as_of_now_has_the_bytes_of_one_made_now(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    struct oft_buffer now, then;
    struct oft_error error = {0};
    int32_t month = oft_month_of(world->now);
    world_writer_open(world, &writer, 64);
    world_append_requests(world, &writer, 2);
    (void)world_drain(world);
    oft_instant first = world->now;
    oft_buffer_init(&now, 1 << 20);
    oft_buffer_init(&then, 1 << 20);
    struct engine_basis basis = {.party = "acme", .month = month};
    assert_int_equal(engine_paper(world->engine, &basis, ENGINE_TEXT, world->now, &now, &error),
                     OFT_OK);
    world->now += OFT_NS_PER_DAY;
    world_append_requests(world, &writer, 5);
    (void)world_drain(world);
    world_publish(world);
    assert_int_equal(engine_basis_at(world->engine, first, &basis, &error), OFT_OK);
    assert_int_equal(engine_paper(world->engine, &basis, ENGINE_TEXT, world->now, &then, &error),
                     OFT_OK);
    assert_string_equal(oft_buffer_text(&now), oft_buffer_text(&then));
    assert_int_equal(engine_basis_at(world->engine, first - 400 * OFT_NS_PER_DAY, &basis, &error),
                     OFT_ERR_INVALID);
    oft_buffer_release(&now);
    oft_buffer_release(&then);
    meter_writer_close(&writer);
}

static void the_journal_comes_in_pages_without_a_gap(void **state)
{
    enum { DRAINS = 480 };
    struct world *world = *state;
    struct meter_writer writer;
    struct engine_as_of which = {OFT_INSTANT_NEVER, INT32_MIN, INT32_MAX};
    struct engine_page page = {0};
    struct oft_error error = {0};
    struct oft_buffer out;
    int pages = 0;
    world_writer_open(world, &writer, 2 * DRAINS + 8);
    for (int i = 0; i < DRAINS; i++) {
        world_append_requests(world, &writer, 1);
        (void)world_drain(world);
    }
    oft_buffer_init(&out, 64 << 20);
    do {
        page.from = page.next;
        assert_int_equal(engine_export(world->engine, LEDGER_HLEDGER, &which, &page, &out, &error),
                         OFT_OK);
        assert_int_equal(page.through, DRAINS);
        pages++;
    } while (page.next != 0);
    assert_true(pages > 1);
    const char *at = oft_buffer_text(&out);
    for (int i = 1; i <= DRAINS; i++) {
        char head[40];
        (void)snprintf(head, sizeof(head), " * (%d) offtake %d\n", i, i);
        at = strstr(at, head);
        assert_non_null(at);
    }
    assert_non_null(strstr(at, "0 USD = 3.360000000 USD")); /* 480 * 0.007 */
    assert_null(strstr(oft_buffer_text(&out) + 1, "\n; The general journal"));
    oft_buffer_release(&out);
    meter_writer_close(&writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(a_request_is_found_as_it_stands),
        WITH_WORLD(an_orphan_leads_to_its_lines_and_they_lead_back),
        WITH_WORLD(records_that_are_gone_are_told_and_nothing_is_claimed),
        WITH_WORLD(a_line_of_more_policies_than_are_kept_at_once_still_adds_up),
        WITH_WORLD(steps_of_a_price_are_traced_together_both_ways),
        WITH_WORLD(a_base_of_a_part_of_some_steps_is_not_compared_and_says_so),
        WITH_WORLD(books_that_were_tampered_with_do_not_add_up),
        WITH_WORLD(a_balance_is_that_of_what_was_recorded_by_then),
        WITH_WORLD(a_statement_as_of_now_has_the_bytes_of_one_made_now),
        WITH_WORLD(the_journal_comes_in_pages_without_a_gap),
    };
    return cmocka_run_group_tests_name("engine trace", tests, NULL, NULL);
}
