/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Funding programmes over a real store: what is told is there after a restart, once for each reference;
 * written calls are posted on their day; the journal verifies, and tampering is found.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/periods.h"
#include "engine/programmes.h"

#define UNIT OFT_NANOS_PER_UNIT

static const char PROGRAMME[] = "party a \"A\"; party b \"B\"\n"
                                "agreement o with bigcloud {\n"
                                "    effective 2020-01-01\n"
                                "    site: order 10 MW on alpha deliver by 2027-12-31\n"
                                "}\n"
                                "programme gate {\n"
                                "    total 1000 USD over 4 years from 2026-01-01\n"
                                "    funder a 40% status committed\n"
                                "    funder b 60% status committed\n"
                                "    call 100 USD on 2026-04-05 due 2026-04-20\n"
                                "}\n";

static oft_instant instant(const char *text)
{
    oft_instant result = 0;
    assert_int_equal(oft_instant_parse(oft_str_from(text), &result), OFT_OK);
    return result;
}

static int set_up(void **state)
{
    char text[8192];
    if (world_set_up(state) != 0) {
        return -1;
    }
    struct world *world = *state;
    (void)snprintf(text, sizeof(text), "%s%s", WORLD_DEAL, PROGRAMME);
    world_begin_anew(world, text);
    world_publish(world);
    return 0;
}

static const struct engine_fund_ask CALL = {.kind = LEDGER_FUND_CALL,
                                            .programme = "gate",
                                            .funder = "",
                                            .order = "",
                                            .amount = 50 * UNIT,
                                            .actor = "ann",
                                            .reference = "c-1"};
static const struct engine_fund_ask PAYMENT = {.kind = LEDGER_FUND_PAYMENT,
                                               .programme = "gate",
                                               .funder = "a",
                                               .order = "",
                                               .amount = 45 * UNIT,
                                               .actor = "bob",
                                               .reference = "p-1"};
static const struct engine_fund_ask DRAW = {.kind = LEDGER_FUND_DRAW,
                                            .programme = "gate",
                                            .funder = "",
                                            .order = "o.site",
                                            .amount = 30 * UNIT,
                                            .actor = "bob",
                                            .reference = "d-1"};

/* DAY is left as it is when NULL. */
static enum oft_err tell(struct world *world, const struct engine_fund_ask *like, const char *day,
                         char words[512])
{
    struct engine_fund_ask ask = *like;
    struct oft_error error = {0};
    struct oft_buffer out;
    ask.day = day == NULL ? ask.day : instant(day);
    oft_buffer_init(&out, 1 << 20);
    enum oft_err code = engine_fund_tell(world->engine, &ask, world->now, &out, &error);
    (void)snprintf(words, 512, "%.500s", code == OFT_OK ? oft_buffer_text(&out) : error.message);
    oft_buffer_release(&out);
    return code;
}

static void told(struct world *world, const struct engine_fund_ask *like, const char *day)
{
    char words[512];
    if (tell(world, like, day, words) != OFT_OK) {
        fail_msg("%s", words);
    }
}

static void refused(struct world *world, const struct engine_fund_ask *like, const char *day,
                    enum oft_err code, const char *expected)
{
    char words[512];
    int64_t before = world_sql(world, "SELECT max(number) FROM txn");
    assert_int_equal(tell(world, like, day, words), code);
    if (strstr(words, expected) == NULL) {
        fail_msg("\"%s\" says nothing of \"%s\"", words, expected);
    }
    assert_int_equal(world_sql(world, "SELECT max(number) FROM txn"), before);
}

static void shown(struct world *world, const char *expected)
{
    struct oft_error error = {0};
    struct oft_buffer out;
    oft_buffer_init(&out, 1 << 20);
    if (engine_programmes(world->engine, "gate", NULL, world->now, LEDGER_CSV, &out, &error) !=
        OFT_OK) {
        fail_msg("%s", error.message);
    }
    if (strstr(oft_buffer_text(&out), expected) == NULL) {
        fail_msg("%s", oft_buffer_text(&out));
    }
    oft_buffer_release(&out);
}

static void sound(struct world *world)
{
    char findings[4096];
    if (!world_sound(world, findings)) {
        fail_msg("%s", findings);
    }
}

/* Beside the written call of 100 (a 40, b 60) a told one of 50 (a 20, b 30); a has paid 45. */
static void tell_all(struct world *world)
{
    told(world, &CALL, "2026-05-01");
    told(world, &PAYMENT, "2026-04-10");
    told(world, &DRAW, NULL);
}

static void what_is_told_is_there_after_a_restart(void **state)
{
    struct world *world = *state;
    tell_all(world);
    for (int i = 0; i < 2; i++) {
        shown(world, "gate,a,40,called,400.00,60.00,45.00,15.00,0.00,340.00\n"
                     "gate,b,60,called,600.00,90.00,0.00,90.00,0.00,510.00\n");
        sound(world);
        world_reopen(world);
        world_publish(world);
    }
    world->now = instant("2026-04-21");
    shown(world, "gate,b,60,called,600.00,90.00,0.00,90.00,60.00,510.00\n");
    assert_int_equal(world_sql(world, "SELECT count(*) FROM balance WHERE account ="
                                      " 'memo/fund-cash/gate' AND amount = '15000000000'"),
                     1);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM balance WHERE account ="
                                      " 'memo/fund-receivable/b' AND amount = '90000000000'"),
                     1);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM balance WHERE account ="
                                      " 'memo/fund-capital/gate' AND amount = '-150000000000'"),
                     1);
}

static void the_same_reference_is_done_once(void **state)
{
    struct world *world = *state;
    char words[512];
    struct engine_fund_ask other = CALL;
    tell_all(world);
    int64_t before = world_sql(world, "SELECT max(number) FROM txn");
    assert_int_equal(tell(world, &CALL, "2026-05-01", words), OFT_OK);
    assert_non_null(strstr(words, "\"again\":true"));
    assert_non_null(strstr(words, "\"by\":\"ann\""));
    other.actor = "carol"; /* who asks again is not part of what is asked */
    assert_int_equal(tell(world, &other, "2026-05-01", words), OFT_OK);
    assert_non_null(strstr(words, "\"by\":\"ann\""));
    assert_int_equal(world_sql(world, "SELECT max(number) FROM txn"), before);
    refused(world, &CALL, "2026-05-02", OFT_ERR_CONFLICT, "c-1 stands for another fund-call");
    other = PAYMENT;
    other.reference = "c-1";
    refused(world, &other, "2026-04-10", OFT_ERR_CONFLICT, "c-1 stands for another fund-call");
    other = CALL;
    other.reference = "c-2";
    told(world, &other, "2026-05-01");
    shown(world, "gate,a,40,called,400.00,80.00,45.00,35.00,0.00,320.00\n");
}

static void what_is_refused_leaves_no_trace(void **state)
{
    struct world *world = *state;
    struct engine_fund_ask ask = CALL;
    shown(world, "gate,a,40,called,"); /* and the written call is booked */
    ask.amount = 901 * UNIT;
    refused(world, &ask, "2026-05-01", OFT_ERR_CONFLICT, "1.00 beyond what gate has left");
    ask = PAYMENT; /* called by the text: 40 */
    refused(world, &ask, "2026-04-10", OFT_ERR_CONFLICT, "5.00 beyond what is called of a");
    ask.amount = UNIT;
    refused(world, &ask, "2026-04-04", OFT_ERR_CONFLICT, "on 2026-04-04 only 0.00 were called");
    refused(world, &DRAW, NULL, OFT_ERR_CONFLICT, "30.00 beyond the cash of gate");
    ask = DRAW;
    ask.order = "order-1";
    refused(world, &ask, NULL, OFT_ERR_NOT_FOUND, "there is no order \"order-1\"");
    ask.order = "bc.share";
    refused(world, &ask, NULL, OFT_ERR_NOT_FOUND, "there is no order \"bc.share\"");
    ask = CALL;
    ask.programme = "other";
    refused(world, &ask, "2026-05-01", OFT_ERR_NOT_FOUND, "no programme \"other\"");
    ask = CALL;
    ask.reference = "";
    refused(world, &ask, "2026-05-01", OFT_ERR_INVALID, "give it a reference");
    ask = CALL;
    ask.actor = "";
    refused(world, &ask, "2026-05-01", OFT_ERR_INVALID, "say who does it");
    shown(world, "gate,a,40,called,400.00,40.00,0.00,40.00,0.00,360.00\n");
    sound(world);
}

/* A payment of a closed month is told as late; both texts of the month still hold. */
static void a_payment_of_a_closed_month_is_booked_late(void **state)
{
    struct world *world = *state;
    struct oft_error error = {0};
    struct oft_buffer out;
    shown(world, "gate,a,40,called,400.00,40.00,");
    world->now = instant("2026-05-10");
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(
        engine_period_close(world->engine, 2026 * 12 + 3, true, "ann", world->now, &out, &error),
        OFT_OK);
    assert_int_equal(
        engine_period_close(world->engine, 2026 * 12 + 3, false, "ann", world->now, &out, &error),
        OFT_OK);
    oft_buffer_release(&out);
    struct engine_fund_ask ask = PAYMENT;
    ask.amount = 40 * UNIT;
    told(world, &ask, "2026-04-10");
    assert_int_equal(world_sql(world, "SELECT count(*) FROM series WHERE kind = 25 AND month ="
                                      " 2026 * 12 + 4 AND for_month = 2026 * 12 + 3"),
                     1);
    shown(world, "gate,a,40,called,400.00,40.00,40.00,0.00,0.00,360.00\n");
    sound(world);
}

static void a_clock_that_was_set_back_makes_no_room(void **state)
{
    struct world *world = *state;
    struct engine_fund_ask ask = CALL;
    world->now = instant("2026-05-10");
    ask.amount = 900 * UNIT;
    told(world, &ask, "2026-06-01");
    world->now = instant("2026-04-10");
    shown(world, "gate,a,40,called,400.00,40.00,"); /* as it was then */
    ask.reference = "c-2";
    ask.amount = UNIT;
    refused(world, &ask, "2026-06-01", OFT_ERR_CONFLICT, "1.00 beyond what gate has left");
    sound(world);
}

static void a_written_call_that_is_struck_out_is_taken_back(void **state)
{
    struct world *world = *state;
    char text[8192];
    shown(world, "gate,a,40,called,400.00,40.00,");
    (void)snprintf(text, sizeof(text), "%s%s", WORLD_DEAL, PROGRAMME);
    char *line = strstr(text, "    call 100 USD");
    assert_non_null(line);
    memset(line, ' ', strcspn(line, "\n"));
    world_write_deal(world, text);
    world_publish(world);
    shown(world, "gate,a,40,committed,400.00,0.00,0.00,0.00,0.00,400.00\n");
    assert_int_equal(world_sql(world, "SELECT count(*) FROM balance WHERE account ="
                                      " 'memo/fund-capital/gate' AND amount <> '0'"),
                     0);
    sound(world);
}

/* ---- tampering ---------------------------------------------------------------------------------- */

static void found(struct world *world, const char *trigger, const char *sql)
{
    char findings[4096];
    tell_all(world);
    sound(world);
    if (trigger != NULL) {
        world_run(world, trigger);
    }
    world_tamper(world, sql);
    assert_false(world_sound(world, findings));
}

static void a_payment_that_was_made_larger_is_found(void **state)
{
    found(*state, NULL, "UPDATE series SET amount = '46000000000' WHERE kind = 25");
}

static void another_actor_is_found(void **state)
{
    found(*state, "DROP TRIGGER book_event_stays",
          "UPDATE book_event SET actor = 'eve' WHERE what = 'fund-call'");
}

static void another_content_of_what_was_asked_is_found(void **state)
{
    found(*state, "DROP TRIGGER book_event_stays",
          "UPDATE book_event SET sha256 = zeroblob(32) WHERE what = 'fund-draw'");
}

static void entries_that_moved_are_found(void **state)
{
    found(*state, NULL,
          "UPDATE entry SET account = 'memo/fund-receivable/b' WHERE account ="
          " 'memo/fund-receivable/a'");
}

#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(what_is_told_is_there_after_a_restart),
        IN_A_WORLD(the_same_reference_is_done_once),
        IN_A_WORLD(what_is_refused_leaves_no_trace),
        IN_A_WORLD(a_payment_of_a_closed_month_is_booked_late),
        IN_A_WORLD(a_clock_that_was_set_back_makes_no_room),
        IN_A_WORLD(a_written_call_that_is_struck_out_is_taken_back),
        IN_A_WORLD(a_payment_that_was_made_larger_is_found),
        IN_A_WORLD(another_actor_is_found),
        IN_A_WORLD(another_content_of_what_was_asked_is_found),
        IN_A_WORLD(entries_that_moved_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
