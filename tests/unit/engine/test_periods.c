/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Periods and statements over a real store: what they refuse, that a statement is made again from the
 * journal after the books went on, that tampering is found, and that a step that is killed has happened or
 * has not.
 */
#include "world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/periods.h"

enum { APRIL = 2026 * 12 + 3, PAPER_BYTES = 8 << 20 };

static oft_instant instant(const char *text)
{
    oft_instant result = 0;
    assert_int_equal(oft_instant_parse(oft_str_from(text), &result), OFT_OK);
    return result;
}

/* COUNT requests at an instant, booked; the world's clock stays. */
static void use(struct world *world, const char *at, int count)
{
    struct meter_writer writer;
    oft_instant now = world->now;
    world->now = instant(at);
    world_writer_open(world, &writer, 64);
    world_append_requests(world, &writer, (size_t)count);
    meter_writer_close(&writer);
    world->now = now;
    (void)world_drain(world);
}

static enum oft_err close_month(struct world *world, int32_t month, bool soft,
                                struct oft_error *error)
{
    struct oft_buffer out;
    oft_buffer_init(&out, 1 << 20);
    enum oft_err code =
        engine_period_close(world->engine, month, soft, "ann", world->now, &out, error);
    oft_buffer_release(&out);
    return code;
}

enum step { DRAFT, APPROVE_ANN, APPROVE_BOB, FINAL, RESTATE };

static enum oft_err take(struct world *world, enum step step, uint64_t number,
                         struct oft_error *error)
{
    struct oft_buffer out;
    oft_buffer_init(&out, PAPER_BYTES);
    enum oft_err code = OFT_ERR_INVALID;
    switch (step) {
    case DRAFT:
        code = engine_statement_draft(world->engine, "bigcloud", APRIL, "ann", world->now, &out,
                                      error);
        break;
    case APPROVE_ANN:
        code = engine_statement_approve(world->engine, number, "ann", world->now, &out, error);
        break;
    case APPROVE_BOB:
        code = engine_statement_approve(world->engine, number, "bob", world->now, &out, error);
        break;
    case FINAL:
        code = engine_statement_final(world->engine, number, "bob", world->now, &out, error);
        break;
    case RESTATE:
        code = engine_statement_restate(world->engine, number, "ann", world->now, &out, error);
        break;
    }
    oft_buffer_release(&out);
    return code;
}

static void taken(struct world *world, enum step step, uint64_t number)
{
    struct oft_error error = {0};
    if (take(world, step, number, &error) != OFT_OK) {
        fail_msg("step %d of statement %d: %s", (int)step, (int)number, error.message);
    }
}

static void refused(struct world *world, enum step step, uint64_t number, const char *words)
{
    struct oft_error error = {0};
    assert_int_equal(take(world, step, number, &error), OFT_ERR_CONFLICT);
    if (strstr(error.message, words) == NULL) {
        fail_msg("\"%s\" says nothing of \"%s\"", error.message, words);
    }
}

static void closed(struct world *world, int32_t month, bool soft)
{
    struct oft_error error = {0};
    if (close_month(world, month, soft, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
}

static void shown(struct world *world, uint64_t number, enum engine_form form,
                  struct oft_buffer *out)
{
    struct oft_error error = {0};
    oft_buffer_init(out, PAPER_BYTES);
    if (engine_statement_show(world->engine, number, form, out, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
}

static void sound(struct world *world)
{
    char findings[4096];
    if (!world_sound(world, findings)) {
        fail_msg("%s", findings);
    }
}

/* April 2026 is over, used by 5 requests. */
static int set_up(void **state)
{
    int failed = world_set_up(state);
    struct world *world = *state;
    use(world, "2026-04-10T00:00:00Z", 5);
    world->now = instant("2026-05-02T00:00:00Z");
    return failed;
}

/* ---- periods ---------------------------------------------------------------------------------- */

static void months_close_in_order_and_only_when_they_are_over(void **state)
{
    struct world *world = *state;
    struct oft_error error = {0};
    use(world, "2026-02-10T00:00:00Z", 1);
    assert_int_equal(close_month(world, APRIL + 1, true, &error), OFT_ERR_CONFLICT);
    assert_non_null(strstr(error.message, "not over"));
    assert_int_equal(close_month(world, APRIL, true, &error), OFT_ERR_CONFLICT);
    assert_non_null(strstr(error.message, "2026-02 comes first"));
    closed(world, APRIL - 2, true);
    closed(world, APRIL, true); /* March, which nobody used, goes along */
    assert_int_equal(close_month(world, APRIL, false, &error), OFT_ERR_CONFLICT);
    assert_non_null(strstr(error.message, "2026-02 comes first"));
    closed(world, APRIL - 2, false);
    closed(world, APRIL, false);
    assert_int_equal(close_month(world, APRIL - 1, false, &error), OFT_ERR_CONFLICT);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM book_event"), 4);
    sound(world);
}

static void what_the_spools_hold_is_not_late_by_the_closing_itself(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    oft_instant now = world->now;
    world->now = instant("2026-04-30T23:59:59Z");
    world_writer_open(world, &writer, 64);
    world_append_requests(world, &writer, 3);
    meter_writer_close(&writer);
    world->now = now;
    closed(world, APRIL, true);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM series WHERE for_month <> 0"), 0);
    assert_int_equal(world_requests_booked(world), 8);
}

static void an_actor_has_a_name(void **state)
{
    static const char *const names[] = {"", " ann", "ann ", "a;b", "a\nb"};
    struct world *world = *state;
    struct oft_error error = {0};
    struct oft_buffer out;
    oft_buffer_init(&out, 4096);
    for (size_t i = 0; i < OFT_COUNT_OF(names); i++) {
        assert_int_equal(
            engine_period_close(world->engine, APRIL, true, names[i], world->now, &out, &error),
            OFT_ERR_INVALID);
    }
    oft_buffer_release(&out);
}

/* ---- statements ------------------------------------------------------------------------------- */

static void make_final(struct world *world)
{
    closed(world, APRIL, true);
    taken(world, DRAFT, 0);
    taken(world, APPROVE_ANN, 1);
    taken(world, APPROVE_BOB, 1);
    closed(world, APRIL, false);
    taken(world, FINAL, 1);
}

static void a_statement_is_final_only_of_what_was_approved(void **state)
{
    struct world *world = *state;
    taken(world, DRAFT, 0);
    taken(world, APPROVE_ANN, 1);
    refused(world, APPROVE_ANN, 1, "two persons");
    refused(world, FINAL, 1, "1 approvals");
    taken(world, APPROVE_BOB, 1);
    refused(world, FINAL, 1, "not closed");
    closed(world, APRIL, true);
    use(world, "2026-04-11T00:00:00Z", 1);
    closed(world, APRIL, false);
    refused(world, FINAL, 1, "draft it again");
    refused(world, RESTATE, 1, "not final");
    taken(world, DRAFT, 0);
    taken(world, APPROVE_BOB, 2);
    taken(world, APPROVE_ANN, 2);
    taken(world, FINAL, 2);
    refused(world, FINAL, 2, "final already");
    refused(world, APPROVE_BOB, 2, "bob approved");
    refused(world, DRAFT, 0, "restate it");
    sound(world);
}

static void a_statement_is_made_again_after_the_books_and_the_deal_went_on(void **state)
{
    struct world *world = *state;
    struct oft_buffer before[ENGINE_FORM_COUNT];
    struct oft_error error = {0};
    taken(world, DRAFT, 0);
    for (int form = 0; form < ENGINE_FORM_COUNT; form++) {
        shown(world, 1, (enum engine_form)form, &before[form]);
    }
    use(world, "2026-04-12T00:00:00Z", 7);
    char deal[8192];
    (void)snprintf(deal, sizeof(deal), "%s", WORLD_DEAL);
    memcpy(strstr(deal, "Test lab"), "Best lab", 8);
    world_write_deal(world, deal);
    world_publish(world);
    world_reopen(world);
    world_publish(world);
    for (int form = 0; form < ENGINE_FORM_COUNT; form++) {
        struct oft_buffer after;
        shown(world, 1, (enum engine_form)form, &after);
        assert_int_equal(after.length, before[form].length);
        assert_memory_equal(oft_buffer_text(&after), oft_buffer_text(&before[form]), after.length);
        oft_buffer_release(&after);
        oft_buffer_release(&before[form]);
    }
    /* Also one that nobody kept: as of the first transaction, by the first deal. */
    struct engine_basis basis = {.party = "bigcloud", .month = APRIL, .as_was = true};
    struct oft_buffer out;
    oft_buffer_init(&out, PAPER_BYTES);
    basis.transaction = 1;
    basis.generation = 1;
    assert_int_equal(engine_paper(world->engine, &basis, ENGINE_TEXT, world->now, &out, &error),
                     OFT_OK);
    assert_non_null(strstr(oft_buffer_text(&out), "Test lab"));
    assert_non_null(strstr(oft_buffer_text(&out), "transaction=1 generation=1"));
    oft_buffer_clear(&out);
    basis.transaction = 999;
    assert_int_equal(engine_paper(world->engine, &basis, ENGINE_TEXT, world->now, &out, &error),
                     OFT_ERR_NOT_FOUND);
    oft_buffer_release(&out);
}

static void a_restatement_of_a_restatement_begins_where_that_one_ended(void **state)
{
    struct world *world = *state;
    struct oft_buffer out;
    make_final(world);
    use(world, "2026-04-12T00:00:00Z", 1);
    taken(world, RESTATE, 1);
    taken(world, APPROVE_ANN, 2);
    taken(world, APPROVE_BOB, 2);
    taken(world, FINAL, 2);
    use(world, "2026-04-13T00:00:00Z", 2);
    taken(world, RESTATE, 2);
    shown(world, 3, ENGINE_JSON, &out);
    /* A request costs 0.0035, and of its sale of 0.007 a fifth goes to bigcloud. What it costs is no
     * longer missing of the 30 that were promised for April. */
    assert_non_null(strstr(oft_buffer_text(&out), "\"commitments_due\":\"29.972\""));
    assert_non_null(strstr(oft_buffer_text(&out), "\"net_was\":\"30.0084\""));
    assert_non_null(strstr(oft_buffer_text(&out), "\"net_more\":\"0.0028\""));
    assert_non_null(strstr(oft_buffer_text(&out), "\"net_payable\":\"30.0112\""));
    oft_buffer_release(&out);
    refused(world, RESTATE, 1, "final already");
    sound(world);
}

/* ---- tampering -------------------------------------------------------------------------------- */

static void found(struct world *world, const char *trigger, const char *sql, const char *words)
{
    char findings[4096];
    if (trigger != NULL) {
        world_run(world, trigger);
    }
    world_tamper(world, sql);
    assert_false(world_sound(world, findings));
    if (strstr(findings, words) == NULL) {
        fail_msg("%s", findings);
    }
}

static void a_final_statement_with_other_bytes_is_found(void **state)
{
    make_final(*state);
    found(*state, "DROP TRIGGER statement_final_stays",
          "UPDATE statement_final SET bytes = bytes || ' ' WHERE form = 'pdf'",
          "not those that were made final");
}

static void a_final_statement_that_is_gone_is_found(void **state)
{
    make_final(*state);
    found(*state, "DROP TRIGGER statement_final_remains",
          "DELETE FROM statement_final WHERE form = 'csv'", "one of its forms");
}

static void a_statement_of_another_transaction_is_found(void **state)
{
    make_final(*state);
    found(*state, "DROP TRIGGER statement_stays", "UPDATE statement SET txn = txn - 1",
          "not what was drafted");
}

static void another_approver_is_found(void **state)
{
    make_final(*state);
    found(*state, "DROP TRIGGER book_event_stays",
          "UPDATE book_event SET actor = 'eve' WHERE what = 'statement-approve' AND actor = 'bob'",
          "does not have the hash");
}

static void a_closing_that_is_gone_is_found(void **state)
{
    make_final(*state);
    found(*state, NULL, "DELETE FROM book_event WHERE what = 'period-close'",
          "does not have the hash");
}

static void a_late_line_made_a_timely_one_is_found(void **state)
{
    struct world *world = *state;
    make_final(world);
    use(world, "2026-04-12T00:00:00Z", 1);
    found(world, NULL, "UPDATE series SET for_month = 0 WHERE for_month <> 0", "WRONG");
}

/* ---- killed ----------------------------------------------------------------------------------- */

static void act(struct world *world, int which)
{
    struct oft_error error = {0};
    enum oft_err code = OFT_OK;
    switch (which) {
    case 0:
        code = close_month(world, APRIL, true, &error);
        break;
    case 1:
        code = take(world, DRAFT, 0, &error);
        break;
    case 2:
        code = take(world, APPROVE_ANN, 1, &error);
        break;
    case 3:
        code = take(world, APPROVE_BOB, 1, &error);
        break;
    case 4:
        code = close_month(world, APRIL, false, &error);
        break;
    default:
        code = take(world, FINAL, 1, &error);
        break;
    }
    if (code != OFT_OK) {
        fail_msg("act %d: %s", which, error.message);
    }
}

/* False: the act does not pass FAILPOINT. */
static bool killed_at(struct world *world, int which, const char *failpoint)
{
    struct oft_error error = {0};
    int status = 0;
    world_close(world);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (setenv("OFFTAKE_FAILPOINT", failpoint, 1) != 0 || world_open(world, &error) != OFT_OK) {
            _exit(3);
        }
        world_publish(world);
        act(world, which);
        _exit(4);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(world_open(world, &error), OFT_OK);
    world_publish(world);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static int64_t events(struct world *world)
{
    return world_sql(world, "SELECT count(*) FROM book_event");
}

static void killed_at_any_write_a_step_has_happened_or_has_not(void **state)
{
    struct world *world = *state;
    for (int which = 0; which <= 5; which++) {
        bool period = which == 0 || which == 4;
        int64_t before = events(world);
        assert_int_equal(before, which);
        assert_true(
            killed_at(world, which, period ? "period-before-commit" : "statement-before-commit"));
        assert_int_equal(events(world), before);
        if (which == 5) {
            assert_true(killed_at(world, which, "statement-form-kept"));
            assert_int_equal(events(world), before);
        }
        assert_int_equal(world_sql(world, "SELECT count(*) FROM statement_final"), 0);
        assert_true(
            killed_at(world, which, period ? "period-after-commit" : "statement-after-commit"));
        assert_int_equal(events(world), before + 1);
        sound(world);
    }
    assert_int_equal(world_sql(world, "SELECT count(*) FROM statement_final"), ENGINE_FORM_COUNT);
    refused(world, FINAL, 1, "final already");
}

#define IN_APRIL(name) cmocka_unit_test_setup_teardown(name, set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_APRIL(months_close_in_order_and_only_when_they_are_over),
        IN_APRIL(what_the_spools_hold_is_not_late_by_the_closing_itself),
        IN_APRIL(an_actor_has_a_name),
        IN_APRIL(a_statement_is_final_only_of_what_was_approved),
        IN_APRIL(a_statement_is_made_again_after_the_books_and_the_deal_went_on),
        IN_APRIL(a_restatement_of_a_restatement_begins_where_that_one_ended),
        IN_APRIL(a_final_statement_with_other_bytes_is_found),
        IN_APRIL(a_final_statement_that_is_gone_is_found),
        IN_APRIL(a_statement_of_another_transaction_is_found),
        IN_APRIL(another_approver_is_found),
        IN_APRIL(a_closing_that_is_gone_is_found),
        IN_APRIL(a_late_line_made_a_timely_one_is_found),
        IN_APRIL(killed_at_any_write_a_step_has_happened_or_has_not),
    };
    return cmocka_run_group_tests_name("engine periods", tests, NULL, NULL);
}
