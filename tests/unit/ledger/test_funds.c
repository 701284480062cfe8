/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Funding programmes by worked numbers: parts by largest remainder, what is overdue, what is refused and in
 * which words; and into the books, where only differences are posted.
 */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "ledger/fund.h"

#define UNIT OFT_NANOS_PER_UNIT
#define BN   ((oft_nanos)1000000000 * UNIT)

enum { ROUNDS = 200, CALLS = 12 };

struct stage {
    struct world world;
    struct book book;
    struct oft_arena arena;
    struct oft_error error;
};

static struct stage stage;

static void open_stage(const char *lines)
{
    static const char HEAD[] = "deal \"S\"; customer lab; currency USD\n"
                               "party a \"A\"; party b \"B\"; party c \"C\"\n"
                               "programme gate \"Gate\" {\n";
    char text[4096];
    memset(&stage, 0, sizeof(stage));
    (void)snprintf(text, sizeof(text), "%s%s}\n", HEAD, lines);
    world_open(&stage.world, text);
    oft_arena_init(&stage.arena, (size_t)1 << 28);
}

static void close_stage(void)
{
    oft_arena_release(&stage.arena);
    world_close(&stage.world);
}

static const char STARGATE[] = "total 500bn USD over 4 years from 2025-01-21\n"
                               "funder a 40% status committed role financial\n"
                               "funder b 60% status committed\n";
/* Parts per billion, so that amounts above a unit split without a rest. */
static const char THIRDS[] = "total 1000 USD over 4 years from 2025-01-21\n"
                             "funder a 33.3333333% status committed\n"
                             "funder b 33.3333333% status committed\n"
                             "funder c 33.3333334% status committed\n";

static struct ledger_fund *fund_at(oft_instant instant)
{
    struct ledger_fund *funds = NULL;
    size_t count = 0;
    assert_int_equal(ledger_funds_settle(stage.world.deal, stage.book.rows, stage.book.row_count,
                                         instant, &stage.arena, &funds, &count),
                     OFT_OK);
    assert_int_equal(count, 1);
    return funds;
}

static struct ledger_fund *fund_on(const char *instant)
{
    return fund_at(at(instant));
}

static enum oft_err try_ask(const struct ledger_fund_ask *ask)
{
    struct ledger_result result;
    struct ledger_batch *batch = NULL;
    const struct ledger_fund *fund = fund_at(ask->at);
    const struct ledger_fund *then = NULL;
    assert_int_equal(ledger_fund_then(stage.world.deal, "gate", stage.book.rows,
                                      stage.book.row_count, ask, &stage.arena, &then),
                     OFT_OK);
    memset(&stage.error, 0, sizeof(stage.error));
    enum oft_err err = ledger_fund_check(fund, then, ask, &stage.error);
    if (err != OFT_OK) {
        return err;
    }
    assert_int_equal(ledger_batch_new(&batch), OFT_OK);
    assert_int_equal(ledger_fund_add(batch, fund, ask), OFT_OK);
    assert_int_equal(ledger_batch_close(batch, book_source(&stage.book), &result, &stage.error),
                     OFT_OK);
    book_take(&stage.book, &result);
    ledger_batch_free(batch);
    return OFT_OK;
}

static enum oft_err call(const char *now, oft_nanos amount, const char *due)
{
    return try_ask(&(struct ledger_fund_ask){
        .kind = LEDGER_FUND_CALL, .amount = amount, .at = at(now), .day = at(due)});
}

static enum oft_err pay(const char *now, const char *funder, oft_nanos amount, const char *on)
{
    return try_ask(&(struct ledger_fund_ask){.kind = LEDGER_FUND_PAYMENT,
                                             .funder = funder,
                                             .amount = amount,
                                             .at = at(now),
                                             .day = at(on)});
}

static enum oft_err draw(const char *now, oft_nanos amount, const char *order, bool known)
{
    return try_ask(&(struct ledger_fund_ask){.kind = LEDGER_FUND_DRAW,
                                             .order = order,
                                             .order_known = known,
                                             .amount = amount,
                                             .at = at(now),
                                             .day = at(now)});
}

/* Brings the books to the written calls; how many lines moved. */
static size_t post_written(const char *now)
{
    struct ledger_result result;
    struct ledger_batch *batch = NULL;
    assert_int_equal(ledger_batch_new(&batch), OFT_OK);
    assert_int_equal(
        ledger_funds_add(batch, fund_on(now), 1, stage.book.rows, stage.book.row_count), OFT_OK);
    assert_int_equal(ledger_batch_close(batch, book_source(&stage.book), &result, &stage.error),
                     OFT_OK);
    size_t count = result.change_count;
    book_take(&stage.book, &result);
    ledger_batch_free(batch);
    return count;
}

static void assert_said(const char *words)
{
    if (strstr(stage.error.message, words) == NULL) {
        fail_msg("\"%s\" is not in: %s", words, stage.error.message);
    }
}

#define assert_amount(actual, expected) assert_true((actual) == (oft_nanos)(expected))

/* ---- worked numbers ----------------------------------------------------------------------------- */

static void a_call_is_drawn_by_the_shares_and_paid_part_by_part(void **state)
{
    (void)state;
    open_stage(STARGATE);
    assert_int_equal(call("2025-03-01", 10 * BN, "2025-04-01"), OFT_OK);
    assert_int_equal(pay("2025-03-20", "a", 3 * BN, "2025-03-15"), OFT_OK);
    const struct ledger_fund *fund = fund_on("2025-03-20");
    assert_amount(fund->funders[0].pledged, 200 * BN);
    assert_amount(fund->funders[1].pledged, 300 * BN);
    assert_amount(fund->funders[0].called, 4 * BN);
    assert_amount(fund->funders[1].called, 6 * BN);
    assert_amount(fund->funders[0].paid, 3 * BN);
    assert_amount(fund->funders[0].outstanding, 1 * BN);
    assert_amount(fund->funders[0].remaining, 196 * BN);
    assert_amount(fund->funders[1].remaining, 294 * BN);
    assert_amount(fund->overdue, 0);
    assert_amount(fund->called, 10 * BN);
    assert_amount(fund->remaining, 490 * BN);
    assert_amount(fund->undrawn, 3 * BN);
    assert_int_equal(fund->funders[0].status, DEAL_PLEDGE_CALLED);
    assert_string_equal(fund->calls[0].name, "call-1");
    close_stage();
}

static void a_part_is_overdue_once_its_day_is_over(void **state)
{
    (void)state;
    open_stage(STARGATE);
    assert_int_equal(call("2025-03-01", 10 * BN, "2025-04-01"), OFT_OK);
    assert_int_equal(pay("2025-03-20", "a", 3 * BN, "2025-03-15"), OFT_OK);
    assert_amount(fund_on("2025-04-01T23:59:59Z")->overdue, 0);
    const struct ledger_fund *fund = fund_on("2025-04-02");
    assert_amount(fund->overdue, 7 * BN);
    assert_amount(fund->funders[0].overdue, 1 * BN);
    assert_amount(fund->funders[1].overdue, 6 * BN);
    assert_amount(fund->calls[0].overdue, 7 * BN);
    close_stage();
}

static void nobodys_default_raises_anothers_part(void **state)
{
    (void)state;
    open_stage(STARGATE);
    assert_int_equal(call("2025-03-01", 10 * BN, "2025-04-01"), OFT_OK);
    assert_int_equal(pay("2025-04-01", "a", 4 * BN, "2025-04-01"), OFT_OK);
    assert_int_equal(call("2025-06-01", 10 * BN, "2025-07-01"), OFT_OK);
    const struct ledger_fund *fund = fund_on("2025-08-01");
    assert_amount(fund->calls[1].parts[0].amount, 4 * BN);
    assert_amount(fund->calls[1].parts[1].amount, 6 * BN);
    assert_amount(fund->funders[0].overdue, 4 * BN);
    assert_amount(fund->funders[1].overdue, 12 * BN);
    close_stage();
}

static void a_payment_settles_the_oldest_call_first(void **state)
{
    (void)state;
    open_stage(STARGATE);
    assert_int_equal(call("2025-03-01", 10 * BN, "2025-09-01"), OFT_OK);
    assert_int_equal(call("2025-03-02", 10 * BN, "2025-04-01"), OFT_OK);
    assert_int_equal(pay("2025-03-03", "b", 8 * BN, "2025-03-03"), OFT_OK);
    const struct ledger_fund *fund = fund_on("2025-03-03");
    assert_amount(fund->calls[0].parts[1].paid, 6 * BN);
    assert_amount(fund->calls[1].parts[1].paid, 2 * BN);
    assert_amount(fund_on("2025-04-02")->funders[1].overdue, 4 * BN);
    close_stage();
}

static void thirds_of_a_call_add_up_to_it(void **state)
{
    (void)state;
    open_stage(THIRDS);
    assert_int_equal(call("2025-03-01", 100, "2025-04-01"), OFT_OK); /* 100 nano-units */
    const struct ledger_fund *fund = fund_on("2025-03-01");
    assert_amount(fund->calls[0].parts[0].amount, 33);
    assert_amount(fund->calls[0].parts[1].amount, 33);
    assert_amount(fund->calls[0].parts[2].amount, 34); /* the largest remainder */
    assert_int_equal(call("2025-03-02", 2, "2025-04-01"), OFT_OK);
    fund = fund_on("2025-03-02");
    assert_amount(fund->calls[1].parts[0].amount, 1); /* a tie of a and b: the first in order */
    assert_amount(fund->calls[1].parts[1].amount, 0);
    assert_amount(fund->calls[1].parts[2].amount, 1);
    close_stage();
}

static void what_rounding_took_does_not_stop_the_last_call(void **state)
{
    (void)state;
    open_stage("total 10 USD over 4 years from 2025-01-21\n"
               "funder a 50% status committed\nfunder b 50% status committed\n");
    for (int i = 0; i < 5; i++) {
        assert_int_equal(call("2025-03-01", 1, "2025-04-01"), OFT_OK); /* each to a */
    }
    assert_amount(fund_on("2025-03-01")->funders[0].called, 5);
    assert_int_equal(call("2025-03-02", 10 * UNIT - 5, "2025-04-01"), OFT_OK);
    const struct ledger_fund *fund = fund_on("2025-03-02");
    assert_amount(fund->funders[0].called, 5 * UNIT);
    assert_amount(fund->funders[1].called, 5 * UNIT);
    assert_amount(fund->remaining, 0);
    assert_int_equal(call("2025-03-03", 1, "2025-04-01"), OFT_ERR_CONFLICT);
    close_stage();
}

static void a_pledge_that_is_paid_whole_says_so(void **state)
{
    (void)state;
    open_stage("total 10 USD over 4 years from 2025-01-21\n"
               "funder a 50% status committed\nfunder b 50% status committed\n");
    assert_int_equal(fund_on("2025-02-01")->funders[0].status, DEAL_PLEDGE_COMMITTED);
    assert_int_equal(call("2025-03-01", 10 * UNIT, "2025-04-01"), OFT_OK);
    assert_int_equal(pay("2025-03-01", "a", 5 * UNIT, "2025-03-01"), OFT_OK);
    const struct ledger_fund *fund = fund_on("2025-03-01");
    assert_int_equal(fund->funders[0].status, DEAL_PLEDGE_PAID);
    assert_int_equal(fund->funders[1].status, DEAL_PLEDGE_CALLED);
    close_stage();
}

/* ---- tranches and written calls ----------------------------------------------------------------- */

static void tranches_open_on_their_day_and_are_called_in_order(void **state)
{
    (void)state;
    open_stage("total 500bn USD over 4 years from 2025-01-21\n"
               "tranche second 50bn USD from 2026-01-01\n"
               "tranche first 100bn USD from 2025-01-21\n"
               "funder a 40% status committed\nfunder b 60% status committed\n");
    assert_int_equal(call("2025-03-01", 101 * BN, "2025-04-01"), OFT_ERR_CONFLICT);
    assert_said("1,000,000,000.00 beyond the tranches of gate that have begun, "
                "100,000,000,000.00 in all: call at most 100,000,000,000.00");
    assert_int_equal(call("2025-03-01", 90 * BN, "2025-04-01"), OFT_OK);
    assert_int_equal(call("2026-01-01", 20 * BN, "2026-04-01"), OFT_OK);
    const struct ledger_fund *fund = fund_on("2026-01-01");
    assert_amount(fund->opened, 150 * BN);
    assert_string_equal(fund->tranches[0].name, "first");
    assert_amount(fund->tranches[0].called, 100 * BN);
    assert_amount(fund->tranches[1].called, 10 * BN);
    assert_false(fund_on("2025-03-01")->tranches[1].open);
    close_stage();
}

static void a_written_call_beyond_the_open_tranches_fills_no_other(void **state)
{
    (void)state;
    open_stage("total 500bn USD over 4 years from 2025-01-21\n"
               "tranche first 100bn USD from 2025-01-21\n"
               "tranche second 50bn USD from 2026-01-01\n"
               "funder a 100% status committed\ncall 120bn USD on 2025-03-01 due 2025-04-01\n");
    assert_amount(fund_on("2025-03-01")->tranches[1].called, 0);
    assert_amount(fund_on("2026-01-01")->tranches[1].called, 20 * BN);
    assert_int_equal(call("2025-03-01", BN, "2025-04-01"), OFT_ERR_CONFLICT);
    close_stage();
}

static void a_written_call_counts_from_its_day_and_keeps_its_room(void **state)
{
    (void)state;
    open_stage("total 500bn USD over 4 years from 2025-01-21\n"
               "funder a 40% status committed\nfunder b 60% status committed\n"
               "call 10bn USD on 2025-03-01 due 2025-04-01\n");
    const struct ledger_fund *fund = fund_on("2025-02-28");
    assert_amount(fund->called, 0);
    assert_amount(fund->to_come, 10 * BN);
    assert_amount(fund->funders[1].to_come, 6 * BN);
    assert_int_equal(call("2025-02-28", 491 * BN, "2025-04-01"), OFT_ERR_CONFLICT);
    assert_said("1,000,000,000.00 beyond what gate has left of its total");
    fund = fund_on("2025-03-01");
    assert_string_equal(fund->calls[0].name, "written-1");
    assert_amount(fund->funders[1].called, 6 * BN);
    assert_amount(fund->to_come, 0);
    close_stage();
}

static void written_calls_are_posted_once_and_taken_back_with_the_text(void **state)
{
    (void)state;
    open_stage("total 500bn USD over 4 years from 2025-01-21\n"
               "funder a 40% status committed\nfunder b 60% status committed\n"
               "call 10bn USD on 2025-03-01 due 2025-04-01\n");
    assert_int_equal(post_written("2025-02-01"), 0);
    assert_int_equal(post_written("2025-03-01"), 2);
    assert_int_equal(post_written("2025-03-02"), 0);
    assert_amount(book_amount(&stage.book, LEDGER_FUND_CALL, "gate"), 10 * BN);
    assert_int_equal(fund_on("2025-03-02")->call_count, 1); /* its own rows are not told calls */
    struct book kept = stage.book;
    close_stage();
    open_stage(STARGATE); /* the text without the call */
    stage.book = kept;
    assert_int_equal(post_written("2025-03-03"), 2);
    assert_amount(book_amount(&stage.book, LEDGER_FUND_CALL, "gate"), 0);
    close_stage();
}

static void a_funder_that_left_the_deal_still_owes_what_was_called(void **state)
{
    (void)state;
    open_stage(STARGATE);
    assert_int_equal(call("2025-03-01", 10 * BN, "2025-04-01"), OFT_OK);
    struct book kept = stage.book;
    close_stage();
    open_stage("total 500bn USD over 4 years from 2025-01-21\n"
               "funder c 40% status committed\nfunder a 60% status committed\n");
    stage.book = kept;
    const struct ledger_fund *fund = fund_on("2025-04-02");
    assert_int_equal(fund->funder_count, 3);
    assert_string_equal(fund->funders[2].party, "b");
    assert_false(fund->funders[2].in_deal);
    assert_amount(fund->funders[2].overdue, 6 * BN);
    assert_amount(fund->funders[1].called, 4 * BN);
    assert_int_equal(pay("2025-04-02", "b", 6 * BN, "2025-04-02"), OFT_OK);
    assert_int_equal(call("2025-04-03", 400 * BN, "2025-04-04"), OFT_OK);
    assert_int_equal(call("2025-04-03", 90 * BN, "2025-04-04"), OFT_OK);
    close_stage();
}

/* ---- refusals ----------------------------------------------------------------------------------- */

static void a_call_beyond_the_total_is_refused(void **state)
{
    (void)state;
    open_stage(STARGATE);
    assert_int_equal(call("2025-03-01", 500 * BN + 1, "2025-04-01"), OFT_ERR_CONFLICT);
    assert_said("0.000000001 beyond what gate has left of its total of 500,000,000,000.00: "
                "call at most 500,000,000,000.00");
    assert_int_equal(call("2025-03-01", 500 * BN, "2025-04-01"), OFT_OK);
    assert_int_equal(call("2025-03-01", 1, "2025-04-01"), OFT_ERR_CONFLICT);
    close_stage();
}

static void a_call_beyond_one_funders_pledge_is_refused_whole(void **state)
{
    (void)state;
    open_stage(STARGATE);
    assert_int_equal(call("2025-03-01", 200 * BN, "2025-04-01"), OFT_OK); /* a 80, b 120 */
    struct book kept = stage.book;
    close_stage();
    open_stage("total 500bn USD over 4 years from 2025-01-21\n" /* now a 400, b 100 */
               "funder a 80% status committed\nfunder b 20% status committed\n");
    stage.book = kept;
    assert_int_equal(call("2025-05-01", 10 * BN, "2025-06-01"), OFT_ERR_CONFLICT);
    assert_said("the part of b would be 2,000,000,000.00, 22,000,000,000.00 beyond its pledge of "
                "100,000,000,000.00");
    assert_amount(fund_on("2025-05-01")->called, 200 * BN);
    assert_amount(fund_on("2025-05-01")->funders[1].remaining, -20 * BN);
    close_stage();
}

static void a_proposed_pledge_is_not_called_on(void **state)
{
    (void)state;
    open_stage("total 500bn USD over 4 years from 2025-01-21\n"
               "funder a 40% status committed\nfunder b 60% status proposed\n");
    assert_int_equal(call("2025-03-01", 10 * BN, "2025-04-01"), OFT_ERR_CONFLICT);
    assert_said("the pledge of b to gate is proposed");
    close_stage();
}

static void a_call_that_is_due_before_it_is_made_is_refused(void **state)
{
    (void)state;
    open_stage(STARGATE);
    assert_int_equal(call("2025-03-02T10:00:00Z", BN, "2025-03-01"), OFT_ERR_CONFLICT);
    assert_int_equal(call("2025-03-02T10:00:00Z", BN, "2025-03-02"), OFT_OK);
    assert_int_equal(call("2025-03-02T10:00:00Z", 0, "2025-03-02"), OFT_ERR_INVALID);
    close_stage();
}

static void a_payment_beyond_what_is_called_is_refused(void **state)
{
    (void)state;
    open_stage(STARGATE);
    assert_int_equal(pay("2025-02-01", "a", 1, "2025-02-01"), OFT_ERR_CONFLICT);
    assert_int_equal(call("2025-03-01T12:00:00Z", 10 * BN, "2025-04-01"), OFT_OK);
    assert_int_equal(pay("2025-03-05", "a", 4 * BN + UNIT, "2025-03-05"), OFT_ERR_CONFLICT);
    assert_said("4,000,000,001.00 is 1.00 beyond what is called of a, 4,000,000,000.00 in all");
    assert_int_equal(pay("2025-03-05", "c", UNIT, "2025-03-05"), OFT_ERR_NOT_FOUND);
    assert_int_equal(pay("2025-03-05", "a", UNIT, "2025-03-06"), OFT_ERR_CONFLICT);
    assert_said("2025-03-06 is still to come");
    assert_int_equal(pay("2025-03-05", "a", UNIT, "2025-02-28"), OFT_ERR_CONFLICT);
    assert_said("on 2025-02-28 only 0.00 were called of a");
    assert_int_equal(pay("2025-03-05", "a", 4 * BN, "2025-03-01"), OFT_OK);
    assert_int_equal(pay("2025-03-05", "a", 1, "2025-03-05"), OFT_ERR_CONFLICT);
    close_stage();
}

static void a_payment_told_late_leaves_room_for_those_after_it(void **state)
{
    (void)state;
    open_stage(STARGATE);
    assert_int_equal(call("2025-03-01", 10 * BN, "2025-04-01"), OFT_OK); /* a 4 */
    assert_int_equal(call("2025-03-12", 10 * BN, "2025-04-01"), OFT_OK); /* a 8 in all */
    assert_int_equal(pay("2025-03-20", "a", 3 * BN, "2025-03-10"), OFT_OK);
    assert_int_equal(pay("2025-03-20", "a", 2 * BN, "2025-03-05"), OFT_ERR_CONFLICT);
    assert_said("on 2025-03-10 only 4,000,000,000.00 were called of a and 1,000,000,000.00");
    assert_int_equal(pay("2025-03-20", "a", 1 * BN, "2025-03-05"), OFT_OK);
    assert_int_equal(pay("2025-03-20", "a", 1 * BN, "2025-03-11"), OFT_ERR_CONFLICT);
    assert_int_equal(pay("2025-03-20", "a", 4 * BN, "2025-03-12"), OFT_OK);
    close_stage();
}

static void a_draw_needs_cash_and_an_order(void **state)
{
    (void)state;
    open_stage(STARGATE);
    assert_int_equal(call("2025-03-01", 10 * BN, "2025-04-01"), OFT_OK);
    assert_int_equal(pay("2025-03-05", "a", 4 * BN, "2025-03-05"), OFT_OK);
    assert_int_equal(draw("2025-03-06", BN, "order-9", false), OFT_ERR_NOT_FOUND);
    assert_said("there is no order \"order-9\"");
    assert_int_equal(draw("2025-03-06", 5 * BN, "order-2", true), OFT_ERR_CONFLICT);
    assert_said("1,000,000,000.00 beyond the cash of gate");
    assert_int_equal(draw("2025-03-06", BN, "order-2", true), OFT_OK);
    assert_int_equal(draw("2025-03-07", BN, "order-2", true), OFT_OK);
    assert_int_equal(draw("2025-03-07", BN, "x.site", true), OFT_OK);
    const struct ledger_fund *fund = fund_on("2025-03-08");
    assert_amount(fund->drawn, 3 * BN);
    assert_amount(fund->undrawn, BN);
    assert_int_equal(fund->order_count, 2);
    assert_amount(fund->orders[0].amount + fund->orders[1].amount, 3 * BN);
    assert_amount(fund_on("2025-03-06")->drawn, BN);
    close_stage();
}

/* ---- whatever is asked ------------------------------------------------------------------------- */

static uint64_t seed = 88172645463325252U;

static oft_nanos random_below(oft_nanos bound)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return bound <= 0 ? 0 : (oft_nanos)(seed >> 1) % bound;
}

static void assert_sound(const struct ledger_fund *fund)
{
    oft_nanos called = 0;
    oft_nanos pledged = 0;
    oft_nanos paid = 0;
    for (size_t i = 0; i < fund->call_count; i++) {
        oft_nanos parts = 0;
        for (size_t j = 0; j < fund->funder_count; j++) {
            const struct ledger_fund_part *part = &fund->calls[i].parts[j];
            assert_true(part->amount >= 0 && part->paid >= 0 && part->paid <= part->amount);
            oft_nanos exact = fund->calls[i].amount * fund->funders[j].share_ppb / DEAL_RATE_ONE;
            assert_true(part->amount >= exact - CALLS && part->amount <= exact + 1 + 3 * CALLS);
            parts += part->amount;
        }
        assert_true(parts == fund->calls[i].amount);
    }
    for (size_t j = 0; j < fund->funder_count; j++) {
        const struct ledger_fund_funder *it = &fund->funders[j];
        assert_true(it->called <= it->pledged && it->called + it->remaining == it->pledged);
        assert_true(it->paid + it->outstanding == it->called);
        assert_true(it->overdue >= 0 && it->overdue <= it->outstanding);
        called += it->called;
        pledged += it->pledged;
        paid += it->paid;
    }
    assert_true(called == fund->called && paid == fund->paid);
    assert_true(pledged == fund->programme->total_nanos);
    assert_true(fund->drawn + fund->undrawn == paid && fund->undrawn >= 0);
}

static oft_instant day_of(int day)
{
    return at("2025-03-01") + day * OFT_NS_PER_DAY;
}

/* On day I: a call (the last one of all that is left), a payment of today or earlier, a draw. */
static void ask_something(int i)
{
    static const char *const names[] = {"a", "b", "c"};
    const struct ledger_fund *fund = fund_at(day_of(i));
    struct ledger_fund_ask ask = {.kind = LEDGER_FUND_CALL, .at = day_of(i)};
    ask.amount = i == CALLS - 1 ? fund->remaining : 1 + random_below(fund->remaining);
    ask.day = day_of(i + (int)random_below(40));
    if (fund->remaining > 0) {
        assert_int_equal(try_ask(&ask), OFT_OK);
    }
    size_t who = (size_t)random_below(3);
    fund = fund_at(day_of(i));
    ask = (struct ledger_fund_ask){.kind = LEDGER_FUND_PAYMENT, .at = day_of(i)};
    ask.funder = names[who];
    ask.amount = 1 + random_below(fund->funders[who].outstanding);
    ask.day = day_of(i - (int)random_below(i + 1));
    enum oft_err err = try_ask(&ask);
    assert_true(err == OFT_OK || err == OFT_ERR_CONFLICT);
    assert_true(err == OFT_OK || ask.day < ask.at || fund->funders[who].outstanding == 0);
    fund = fund_at(day_of(i));
    ask = (struct ledger_fund_ask){.kind = LEDGER_FUND_DRAW, .at = day_of(i), .day = day_of(i)};
    ask.order = "order-1";
    ask.order_known = true;
    ask.amount = 1 + random_below(fund->undrawn);
    assert_int_equal(try_ask(&ask), fund->undrawn > 0 ? OFT_OK : OFT_ERR_CONFLICT);
}

/* Whatever is asked in whatever order, sums hold, no pledge is exceeded, and the last rest can be called. */
static void sums_hold_whatever_is_asked(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        char lines[512];
        int first = 1 + (int)random_below(60);
        int second = 1 + (int)random_below(39);
        (void)snprintf(lines, sizeof(lines),
                       "total 0.00000%04d USD over 4 years from 2025-01-21\n"
                       "funder a %d.3333333%% status committed\n"
                       "funder b %d.3333333%% status committed\n"
                       "funder c %d.3333334%% status committed\n",
                       1 + (int)random_below(9998), first, second, 99 - first - second);
        open_stage(lines);
        for (int i = 0; i < CALLS; i++) {
            ask_something(i);
            for (int day = 0; day <= CALLS + 40; day++) {
                assert_sound(fund_at(day_of(day)));
            }
        }
        assert_amount(fund_at(day_of(CALLS))->remaining, 0);
        close_stage();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_drawn_by_the_shares_and_paid_part_by_part),
        cmocka_unit_test(a_part_is_overdue_once_its_day_is_over),
        cmocka_unit_test(nobodys_default_raises_anothers_part),
        cmocka_unit_test(a_payment_settles_the_oldest_call_first),
        cmocka_unit_test(thirds_of_a_call_add_up_to_it),
        cmocka_unit_test(what_rounding_took_does_not_stop_the_last_call),
        cmocka_unit_test(a_pledge_that_is_paid_whole_says_so),
        cmocka_unit_test(tranches_open_on_their_day_and_are_called_in_order),
        cmocka_unit_test(a_written_call_beyond_the_open_tranches_fills_no_other),
        cmocka_unit_test(a_written_call_counts_from_its_day_and_keeps_its_room),
        cmocka_unit_test(written_calls_are_posted_once_and_taken_back_with_the_text),
        cmocka_unit_test(a_funder_that_left_the_deal_still_owes_what_was_called),
        cmocka_unit_test(a_call_beyond_the_total_is_refused),
        cmocka_unit_test(a_call_beyond_one_funders_pledge_is_refused_whole),
        cmocka_unit_test(a_proposed_pledge_is_not_called_on),
        cmocka_unit_test(a_call_that_is_due_before_it_is_made_is_refused),
        cmocka_unit_test(a_payment_beyond_what_is_called_is_refused),
        cmocka_unit_test(a_payment_told_late_leaves_room_for_those_after_it),
        cmocka_unit_test(a_draw_needs_cash_and_an_order),
        cmocka_unit_test(sums_hold_whatever_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
