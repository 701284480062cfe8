/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shares by worked numbers: deductions, bands, caps, minimums, periods, shares of shares; what is kept back,
 * set off, paid and late; and into the books, where only differences are posted.
 */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "ledger/share.h"

#define UNIT OFT_NANOS_PER_UNIT

enum { ROWS_MAX = 512, ROUNDS = 300 };

struct stage {
    struct world world;
    struct ledger_row rows[ROWS_MAX];
    size_t row_count;
    struct oft_arena arena;
    struct ledger_share_settlement *all;
    size_t count;
};

static struct stage stage;

static void open_stage(const char *clauses)
{
    static const char HEAD[] =
        "deal \"S\"; customer lab; currency USD\n"
        "party cloud \"Cloud\"; party other \"Other\"; provider alpha of cloud\n"
        "model m; account acme; deduction taxes; deduction refunds\n"
        "product chat class inference { price m input 2 USD per 1M tokens }\n"
        "product api class inference { price m input 2 USD per 1M tokens }\n"
        "pool east on alpha {\n"
        "  serves m as \"m\" at http://127.0.0.1:9/v1 kind openai key env K\n"
        "  price m input 1 USD per 1M tokens\n}\n"
        "agreement a with cloud {\n    effective 2025-01-01\n";
    char text[8192];
    memset(&stage, 0, sizeof(stage));
    (void)snprintf(text, sizeof(text), "%s%s}\n", HEAD, clauses);
    world_open(&stage.world, text);
    oft_arena_init(&stage.arena, (size_t)1 << 28);
}

static void close_stage(void)
{
    oft_arena_release(&stage.arena);
    world_close(&stage.world);
}

static struct ledger_row *add_row(enum ledger_series_kind kind, const char *clause,
                                  const char *product, const char *month, oft_nanos amount)
{
    struct ledger_row *row = &stage.rows[stage.row_count++];
    assert_true(stage.row_count <= ROWS_MAX);
    memset(row, 0, sizeof(*row));
    row->key.kind = kind;
    assert_int_equal(oft_month_parse(oft_str_from(month), &row->key.month), OFT_OK);
    (void)snprintf(row->key.clause, sizeof(row->key.clause), "%s", clause);
    (void)snprintf(row->key.product, sizeof(row->key.product), "%s", product);
    row->totals.quantity = amount;
    row->totals.amount_nanos = kind == LEDGER_SHARE ? 0 : amount;
    return row;
}

/* AMOUNT units of revenue. */
static void sell(const char *clause, const char *month, oft_nanos amount)
{
    (void)add_row(LEDGER_SHARE, clause, "chat", month, amount * UNIT);
}

static void deduct(const char *name, const char *month, oft_nanos amount, const char *told)
{
    struct ledger_row *row = add_row(LEDGER_DEDUCTION, name, "", month, amount * UNIT);
    (void)snprintf(row->key.pool, sizeof(row->key.pool), "%s", told);
}

static void pay(const char *clause, const char *period, oft_nanos amount, const char *on)
{
    struct ledger_row *row = add_row(LEDGER_PAYMENT, clause, period, "2025-01", amount * UNIT);
    row->key.month = oft_month_of(at(on));
    (void)snprintf(row->key.pool, sizeof(row->key.pool), "%s", on);
}

static struct ledger_share_settlement *settle(const char *clause, const char *instant)
{
    assert_int_equal(ledger_shares_settle(stage.world.deal, (struct deal_attestations){NULL, 0},
                                          stage.rows, stage.row_count, at(instant), &stage.arena,
                                          &stage.all, &stage.count),
                     OFT_OK);
    for (size_t i = 0; i < stage.count; i++) {
        if (strcmp(stage.world.deal->clauses[stage.all[i].clause].id, clause) == 0) {
            return &stage.all[i];
        }
    }
    fail_msg("no share %s", clause);
    return NULL;
}

static const struct ledger_share_month *month_of(const struct ledger_share_settlement *it,
                                                 const char *month)
{
    int32_t wanted = 0;
    assert_int_equal(oft_month_parse(oft_str_from(month), &wanted), OFT_OK);
    assert_true(wanted >= it->months[0].month && wanted <= it->months[it->month_count - 1].month);
    return &it->months[wanted - it->months[0].month];
}

static const struct ledger_share_period *period_of(const struct ledger_share_settlement *it,
                                                   const char *name)
{
    for (size_t i = 0; i < it->period_count; i++) {
        if (strcmp(it->periods[i].name, name) == 0) {
            return &it->periods[i];
        }
    }
    fail_msg("no period %s", name);
    return NULL;
}

#define assert_units(actual, units) assert_true((actual) == (oft_nanos)(units)*UNIT)

/* ---- bands -------------------------------------------------------------------------------------- */

static void marginal_bands_take_each_part_by_its_own_rate(void **state)
{
    (void)state;
    open_stage("    s: share tiered of revenue from chat from lab to cloud monthly marginal {\n"
               "        tier 20% from 0 USD to 1000 USD; tier 10% from 1000 USD to 3000 USD\n"
               "        tier 5% from 3000 USD\n    }\n");
    sell("a.s", "2025-01", 600);
    sell("a.s", "2025-02", 600);  /* 400 at 20%, 200 at 10% */
    sell("a.s", "2025-03", 2800); /* 1800 at 10%, 1000 at 5% */
    const struct ledger_share_settlement *it = settle("a.s", "2025-04-01");
    assert_units(month_of(it, "2025-01")->earned, 120);
    assert_units(month_of(it, "2025-02")->earned, 100);
    assert_units(month_of(it, "2025-03")->earned, 230);
    assert_units(it->total, 450);
    assert_int_equal(it->direction, LEDGER_PAID);
    close_stage();
}

static void a_whole_band_takes_all_by_the_band_that_the_whole_is_in(void **state)
{
    (void)state;
    open_stage("    s: share tiered of revenue from chat from cloud to lab monthly whole-band {\n"
               "        tier 20% from 0 USD to 1000 USD; tier 10% from 1000 USD\n    }\n");
    sell("a.s", "2025-01", 999);
    sell("a.s", "2025-02", 1); /* 1000 is in the second band: 100 in all */
    sell("a.s", "2025-03", 1000);
    const struct ledger_share_settlement *it = settle("a.s", "2025-04-01");
    assert_nanos(month_of(it, "2025-01")->earned, "199800000000");
    assert_nanos(month_of(it, "2025-02")->earned, "-99800000000");
    assert_units(month_of(it, "2025-03")->earned, 100);
    assert_int_equal(it->direction, LEDGER_RECEIVED);
    assert_string_equal(it->party, "cloud");
    close_stage();
}

static void cumulative_rounding_does_not_drift(void **state)
{
    (void)state;
    open_stage("    s: share tiered of revenue from chat from lab to cloud monthly marginal {\n"
               "        tier 50% from 0 USD\n    }\n");
    for (int month = 1; month <= 9; month++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "2025-0%d", month);
        add_row(LEDGER_SHARE, "a.s", "chat", name, 1); /* a nano-unit each */
    }
    const struct ledger_share_settlement *it = settle("a.s", "2025-10-01");
    assert_nanos(it->total, "4"); /* half of 9, half to even; nine halves apart would be 0 */
    close_stage();
}

/* ---- deductions, caps, minimums ----------------------------------------------------------------- */

static void deductions_come_off_the_base_of_their_month(void **state)
{
    (void)state;
    open_stage("    s: share 20% of revenue from chat from lab to cloud monthly less taxes {\n"
               "    }\n"
               "    t: share 10% of revenue from api from lab to other monthly less taxes\n");
    sell("a.s", "2025-01", 1000);
    sell("a.s", "2025-02", 1000);
    deduct("taxes", "2025-01", 100, "2025-02-03");
    deduct("refunds", "2025-01", 500, "2025-02-03"); /* not of this share */
    struct ledger_row *narrow = add_row(LEDGER_DEDUCTION, "taxes", "api", "2025-02", 50 * UNIT);
    (void)snprintf(narrow->key.pool, sizeof(narrow->key.pool), "2025-03-01"); /* not its product */
    const struct ledger_share_settlement *it = settle("a.s", "2025-03-01");
    assert_units(month_of(it, "2025-01")->deducted, 100);
    assert_units(month_of(it, "2025-01")->earned, 180);
    assert_units(month_of(it, "2025-02")->earned, 200);
    close_stage();
}

static void what_is_told_behind_the_clawback_is_not_asked_back(void **state)
{
    (void)state;
    open_stage("    s: share 20% of revenue from chat from lab to cloud quarterly less refunds {\n"
               "        clawback 6 months\n    }\n");
    sell("a.s", "2025-02", 1000);
    deduct("refunds", "2025-02", 100, "2025-09-30T23:59:59.999999999Z");
    deduct("refunds", "2025-02", 200, "2025-10-01"); /* six months behind the quarter */
    const struct ledger_share_settlement *it = settle("a.s", "2025-11-01");
    assert_units(month_of(it, "2025-02")->earned, 180);
    assert_units(period_of(it, "2025-Q1")->lost, 200);
    close_stage();
}

static void caps_bound_each_period_and_all(void **state)
{
    (void)state;
    open_stage("    s: share 10% of revenue from chat from lab to cloud quarterly {\n"
               "        cap 150 USD per period; cap 280 USD\n    }\n");
    sell("a.s", "2025-01", 1000);
    sell("a.s", "2025-03", 1000); /* 50 of its 100 */
    sell("a.s", "2025-04", 1200);
    sell("a.s", "2025-05", 1000); /* 30 of the period's, 10 of all */
    sell("a.s", "2025-07", 1000);
    const struct ledger_share_settlement *it = settle("a.s", "2025-08-01");
    assert_units(month_of(it, "2025-01")->earned, 100);
    assert_units(month_of(it, "2025-03")->earned, 50);
    assert_units(month_of(it, "2025-04")->earned, 120);
    assert_units(month_of(it, "2025-05")->earned, 10);
    assert_units(month_of(it, "2025-07")->earned, 0);
    assert_units(it->cap_left, 0);
    close_stage();
}

static void a_period_is_topped_up_when_it_is_over(void **state)
{
    (void)state;
    open_stage("    s: share 10% of revenue from chat from lab to cloud quarterly {\n"
               "        minimum 90 USD per period; cap 160 USD\n    }\n");
    sell("a.s", "2025-02", 400);
    assert_units(settle("a.s", "2025-03-31T23:59:59Z")->total, 40);
    const struct ledger_share_settlement *it = settle("a.s", "2025-04-01");
    assert_units(month_of(it, "2025-03")->minimum, 50);
    assert_units(period_of(it, "2025-Q1")->earned, 40);
    it = settle("a.s", "2025-07-01"); /* the cap leaves 70 */
    assert_units(month_of(it, "2025-06")->minimum, 70);
    assert_units(it->total, 160);
    close_stage();
}

static void a_part_of_a_period_asks_for_a_part_of_the_minimum(void **state)
{
    (void)state;
    open_stage("    s: share 10% of revenue from chat from lab to cloud yearly {\n"
               "        minimum 365 USD per period; minimum 500 USD; until 2026-02-01\n    }\n");
    const struct ledger_share_settlement *it = settle("a.s", "2026-06-01");
    assert_units(period_of(it, "2025")->minimum, 365);
    /* 31 of 365 days of 2026, and what all then lacks. */
    assert_units(period_of(it, "2026")->minimum, 31 + (500 - 365 - 31));
    assert_units(it->total, 500);
    close_stage();
}

static void a_share_of_a_share_takes_what_the_other_pays(void **state)
{
    (void)state;
    open_stage("    back: share 10% of share a.s from cloud to lab monthly\n"
               "    s: share 20% of revenue from chat from lab to cloud monthly {\n"
               "        minimum 100 USD per period\n    }\n");
    sell("a.s", "2025-01", 1000);
    sell("a.s", "2025-02", 100); /* 20, topped up to 100 */
    const struct ledger_share_settlement *it = settle("a.back", "2025-03-01");
    assert_units(month_of(it, "2025-01")->earned, 20);
    assert_units(month_of(it, "2025-02")->earned, 10);
    close_stage();
}

/* ---- when it is paid ---------------------------------------------------------------------------- */

static void a_part_is_kept_back_and_paid_out_later(void **state)
{
    (void)state;
    open_stage("    s: share 20% of revenue from chat from lab to cloud quarterly {\n"
               "        holdback 10% for 90 days\n    }\n");
    struct ledger_row *plain = add_row(LEDGER_SHARE, "a.s", "", "2025-02", 1000 * UNIT);
    plain->totals.amount_nanos = 200 * UNIT; /* posted as records came */
    const struct ledger_share_settlement *it = settle("a.s", "2025-06-01");
    assert_units(month_of(it, "2025-02")->held, 20);
    assert_units(period_of(it, "2025-Q1")->held, 20);
    it = settle("a.s", "2025-07-01"); /* 90 days behind March: June 29 */
    assert_units(month_of(it, "2025-06")->held, -20);
    close_stage();
}

static void opposite_shares_are_set_off_once(void **state)
{
    (void)state;
    open_stage(
        "    ours: share 20% of revenue from chat from lab to cloud quarterly netting a.theirs {\n"
        "        minimum 0 USD\n    }\n"
        "    theirs: share 10% of revenue from api from cloud to lab monthly netting a.ours {\n"
        "        minimum 0 USD\n    }\n");
    sell("a.ours", "2025-01", 1000);
    add_row(LEDGER_SHARE, "a.theirs", "api", "2025-02", 300 * UNIT);
    add_row(LEDGER_SHARE, "a.theirs", "api", "2025-03", 400 * UNIT);
    const struct ledger_share_settlement *it = settle("a.ours", "2025-04-01");
    assert_units(period_of(it, "2025-Q1")->netted, 70);
    assert_units(month_of(it, "2025-03")->netted, 70);
    it = settle("a.theirs", "2025-04-01");
    assert_units(period_of(it, "2025-02")->netted, 30);
    assert_units(period_of(it, "2025-03")->netted, 40);
    assert_units(month_of(it, "2025-03")->netted, 0); /* the line is ours */
    assert_units(period_of(settle("a.ours", "2025-03-31"), "2025-Q1")->netted, 0);
    close_stage();
}

static void what_was_set_off_is_no_longer_due_of_the_opposite_share(void **state)
{
    (void)state;
    open_stage(
        "    ours: share 5% of revenue from chat from lab to cloud monthly netting a.theirs {\n"
        "        minimum 0 USD; payment within 1 day\n    }\n"
        "    theirs: share 10% of revenue from api from cloud to lab monthly {\n"
        "        minimum 0 USD; payment within 1 day; interest 36.5% per year\n    }\n"
        "    third: share 5% of revenue from chat from lab to cloud monthly netting a.theirs {\n"
        "        minimum 0 USD\n    }\n");
    sell("a.ours", "2025-01", 1000);
    sell("a.third", "2025-01", 1000);
    add_row(LEDGER_SHARE, "a.theirs", "api", "2025-01", 800 * UNIT);
    const struct ledger_share_settlement *it = settle("a.theirs", "2025-02-12");
    assert_units(period_of(it, "2025-01")->netted, 80); /* once: 50, and the 30 that are left */
    assert_units(period_of(it, "2025-01")->outstanding, 0);
    assert_units(period_of(it, "2025-01")->interest, 0);
    assert_units(period_of(settle("a.third", "2025-02-12"), "2025-01")->netted, 30);
    close_stage();
}

static void nothing_behind_its_end_counts_nor_what_was_posted_before(void **state)
{
    (void)state;
    open_stage(
        "    s: share 20% of revenue from chat from lab to cloud monthly until 2025-02-01 {\n"
        "        less taxes; payment within 1 day; interest 8% per year\n    }\n"
        "    part: share 50% of share a.s from cloud to other monthly until 2025-01-15\n");
    sell("a.s", "2025-01", 1000);
    deduct("taxes", "2025-04", 500, "2025-04-10");
    struct ledger_row *interest = add_row(LEDGER_SHARE, "a.s", "", "2025-05", 0);
    interest->key.unit = LEDGER_SHARE_INTEREST;
    interest->totals.amount_nanos = UNIT;
    const struct ledger_share_settlement *it = settle("a.s", "2025-05-10");
    assert_units(it->total, 200);
    assert_int_equal(it->period_count, 1);
    assert_units(month_of(it, "2025-04")->deducted, 0);
    assert_true(month_of(it, "2025-04")->interest > 0);
    close_stage();
}

static void a_payment_counts_from_its_day(void **state)
{
    (void)state;
    open_stage("    s: share 20% of revenue from chat from lab to cloud monthly {\n"
               "        minimum 0 USD; payment within 1 day\n    }\n");
    sell("a.s", "2025-01", 1000);
    pay("a.s", "2025-01", 150, "2025-03-01");
    assert_units(period_of(settle("a.s", "2025-02-28"), "2025-01")->paid, 0);
    assert_units(period_of(settle("a.s", "2025-02-28"), "2025-01")->outstanding, 200);
    assert_units(period_of(settle("a.s", "2025-03-01"), "2025-01")->outstanding, 50);
    close_stage();
}

static void what_is_late_bears_interest_by_the_day(void **state)
{
    (void)state;
    open_stage("    s: share 20% of revenue from chat from lab to cloud monthly {\n"
               "        minimum 0 USD; payment within 30 days; interest 10% per year\n    }\n");
    sell("a.s", "2025-01", 36500); /* 7300, due on March 3 */
    pay("a.s", "2025-01", 3650, "2025-03-13");
    const struct ledger_share_settlement *it = settle("a.s", "2025-03-03");
    assert_units(it->periods[0].due, 7300);
    assert_units(it->periods[0].interest, 0);
    it = settle("a.s", "2025-03-13"); /* ten days are over: 2 a day */
    assert_units(it->periods[0].interest, 20);
    it = settle("a.s", "2025-04-06"); /* 19 days of March at 1, 5 of April */
    assert_units(month_of(it, "2025-03")->interest, 20 + 19);
    assert_units(month_of(it, "2025-04")->interest, 5);
    assert_units(it->periods[0].outstanding, 3650);
    pay("a.s", "2025-01", 3650, "2025-04-06T15:00:00Z"); /* on time for that day */
    it = settle("a.s", "2026-01-01");
    assert_units(it->periods[0].interest, 44);
    close_stage();
}

static void what_is_kept_back_is_due_when_it_is_released(void **state)
{
    (void)state;
    open_stage("    s: share 20% of revenue from chat from lab to cloud monthly {\n"
               "        minimum 0 USD; payment within 10 days; holdback 50% for 40 days\n"
               "        interest 10% per year\n    }\n");
    sell("a.s", "2025-01", 36500);
    assert_units(settle("a.s", "2025-02-11")->periods[0].due, 3650);
    assert_units(settle("a.s", "2025-03-12T23:59:59Z")->periods[0].due, 3650);
    assert_units(settle("a.s", "2025-03-13")->periods[0].due, 7300);
    pay("a.s", "2025-01", 3650, "2025-02-11");
    assert_units(settle("a.s", "2025-03-14")->periods[0].interest, 1);
    close_stage();
}

/* ---- into the books ----------------------------------------------------------------------------- */

static struct book *new_book(void)
{
    static struct book book;
    memset(&book, 0, sizeof(book));
    return &book;
}

/* Settles and posts; how many series changed. */
static size_t post(struct book *book, const char *clause, const char *instant)
{
    struct ledger_batch *batch;
    struct ledger_result result;
    struct oft_error error = {0};
    (void)settle(clause, instant);
    assert_int_equal(ledger_batch_new(&batch), OFT_OK);
    assert_int_equal(ledger_shares_add(batch, stage.world.context, stage.all, stage.count,
                                       book->rows, book->row_count),
                     OFT_OK);
    if (ledger_batch_close(batch, book_source(book), &result, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
    book_take(book, &result);
    size_t changes = result.change_count;
    ledger_batch_free(batch);
    return changes;
}

static void late_usage_posts_its_difference_and_nothing_else(void **state)
{
    struct book *book = new_book();
    (void)state;
    open_stage("    s: share tiered of revenue from chat from lab to cloud monthly marginal {\n"
               "        tier 20% from 0 USD to 1000 USD; tier 10% from 1000 USD\n    }\n");
    sell("a.s", "2025-01", 900);
    sell("a.s", "2025-02", 500);
    assert_int_equal(post(book, "a.s", "2025-03-01"), 2);
    assert_units(book_amount(book, LEDGER_SHARE, "a.s"), 200 + 40);
    assert_int_equal(post(book, "a.s", "2025-03-02"), 0); /* again: nothing */
    sell("a.s", "2025-01", 50);                           /* moves February's bands as well */
    assert_int_equal(post(book, "a.s", "2025-03-03"), 2);
    assert_units(book_amount(book, LEDGER_SHARE, "a.s"), 200 + 45);
    assert_true(book->debits == -book->credits);
    close_stage();
}

static void what_nothing_accounts_for_is_taken_back(void **state)
{
    struct book *book = new_book();
    (void)state;
    open_stage("    s: share 10% of revenue from chat from lab to cloud quarterly {\n"
               "        minimum 90 USD per period\n    }\n");
    sell("a.s", "2025-02", 400);
    (void)post(book, "a.s", "2025-04-01");
    assert_units(book_amount(book, LEDGER_SHARE, "a.s"), 90);
    sell("a.s", "2025-02", 600); /* late: no top-up is needed any more */
    (void)post(book, "a.s", "2025-04-02");
    assert_units(book_amount(book, LEDGER_SHARE, "a.s"), 100);
    close_stage();
}

/* ---- whatever comes ----------------------------------------------------------------------------- */

static uint64_t next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void open_random(uint64_t *seed)
{
    static const char *const periods[] = {"monthly", "quarterly", "yearly"};
    char text[1024];
    int cap = (int)(next(seed) % 900) + 200;
    (void)snprintf(text, sizeof(text),
                   "    s: share tiered of revenue from chat from lab to cloud %s %s less taxes {\n"
                   "        tier %d%% from 0 USD to 1000 USD; tier %d%% from 1000 USD\n"
                   "        cap %d USD; cap %d USD per period; minimum %d USD per period\n"
                   "        holdback %d%% for %d days; until 2026-07-15\n    }\n",
                   periods[next(seed) % 3], next(seed) % 2 == 0 ? "marginal" : "whole-band",
                   (int)(next(seed) % 100) + 1, (int)(next(seed) % 100) + 1, cap,
                   (int)(next(seed) % 200) + 50, (int)(next(seed) % 50), (int)(next(seed) % 101),
                   (int)(next(seed) % 200) + 1);
    open_stage(text);
}

static void add_random(uint64_t *seed)
{
    char month[16];
    char told[32];
    int number = (int)(next(seed) % 18);
    (void)snprintf(month, sizeof(month), "%d-%02d", 2025 + number / 12, number % 12 + 1);
    (void)snprintf(told, sizeof(told), "2026-%02d-%02d", (int)(next(seed) % 12) + 1,
                   (int)(next(seed) % 28) + 1);
    if (next(seed) % 4 == 0) {
        deduct("taxes", month, (oft_nanos)(next(seed) % 40), told);
    } else {
        (void)add_row(LEDGER_SHARE, "a.s", "chat", month, (oft_nanos)(next(seed) % 300000000000));
    }
}

static void check_money(const struct ledger_share_settlement *it)
{
    oft_nanos total = 0;
    oft_nanos held = 0;
    oft_nanos periods = 0;
    for (size_t i = 0; i < it->month_count; i++) {
        total += it->months[i].earned + it->months[i].minimum;
        held += it->months[i].held;
    }
    for (size_t i = 0; i < it->period_count; i++) {
        periods += it->periods[i].earned + it->periods[i].minimum;
        assert_true(it->periods[i].held >= 0 && it->periods[i].minimum >= 0);
    }
    assert_true(total == it->total && total == periods);
    assert_true(it->cap_left >= 0 && held >= 0);
}

static void any_order_and_any_steps_come_to_the_same_books(void **state)
{
    uint64_t seed = UINT64_C(0x5eed);
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        static struct book steps;
        static struct book once;
        memset(&steps, 0, sizeof(steps));
        memset(&once, 0, sizeof(once));
        open_random(&seed);
        for (int i = 0; i < 40; i++) {
            add_random(&seed);
            if (next(&seed) % 8 == 0) {
                (void)post(&steps, "a.s", "2026-12-31");
            }
        }
        (void)post(&steps, "a.s", "2026-12-31");
        check_money(&stage.all[0]);
        for (size_t i = stage.row_count; i > 1; i--) { /* the rows in another order */
            size_t j = next(&seed) % i;
            struct ledger_row row = stage.rows[i - 1];
            stage.rows[i - 1] = stage.rows[j];
            stage.rows[j] = row;
        }
        (void)post(&once, "a.s", "2026-12-31");
        assert_true(book_amount(&steps, LEDGER_SHARE, "a.s") ==
                    book_amount(&once, LEDGER_SHARE, "a.s"));
        for (size_t i = 0; i < once.row_count; i++) {
            bool found = false;
            for (size_t j = 0; j < steps.row_count; j++) {
                found = found || memcmp(&steps.rows[j], &once.rows[i], sizeof(once.rows[i])) == 0;
            }
            assert_true(found);
        }
        assert_int_equal(post(&once, "a.s", "2026-12-31"), 0);
        close_stage();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marginal_bands_take_each_part_by_its_own_rate),
        cmocka_unit_test(a_whole_band_takes_all_by_the_band_that_the_whole_is_in),
        cmocka_unit_test(cumulative_rounding_does_not_drift),
        cmocka_unit_test(deductions_come_off_the_base_of_their_month),
        cmocka_unit_test(what_is_told_behind_the_clawback_is_not_asked_back),
        cmocka_unit_test(caps_bound_each_period_and_all),
        cmocka_unit_test(a_period_is_topped_up_when_it_is_over),
        cmocka_unit_test(a_part_of_a_period_asks_for_a_part_of_the_minimum),
        cmocka_unit_test(a_share_of_a_share_takes_what_the_other_pays),
        cmocka_unit_test(a_part_is_kept_back_and_paid_out_later),
        cmocka_unit_test(opposite_shares_are_set_off_once),
        cmocka_unit_test(what_was_set_off_is_no_longer_due_of_the_opposite_share),
        cmocka_unit_test(nothing_behind_its_end_counts_nor_what_was_posted_before),
        cmocka_unit_test(a_payment_counts_from_its_day),
        cmocka_unit_test(what_is_late_bears_interest_by_the_day),
        cmocka_unit_test(what_is_kept_back_is_due_when_it_is_released),
        cmocka_unit_test(late_usage_posts_its_difference_and_nothing_else),
        cmocka_unit_test(what_nothing_accounts_for_is_taken_back),
        cmocka_unit_test(any_order_and_any_steps_come_to_the_same_books),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
