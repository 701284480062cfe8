/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of commitments: worked numbers for each rule of docs/books.md, "Commitments", and what must
 * hold whatever was spent.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNIT OFT_NANOS_PER_UNIT

enum { ROWS_MAX = 256, RANDOM_ROUNDS = 300 };

struct scene {
    struct world world;
    struct ledger_row rows[ROWS_MAX];
    size_t row_count;
    struct oft_arena arena;
    const struct ledger_settlement *all;
    size_t count;
};

static void scene_open(struct scene *scene, const char *clauses)
{
    static const char HEAD[] =
        "deal \"C\"; customer lab; currency USD\n"
        "party cloud \"Cloud\"; provider alpha of cloud; model m\n"
        "account acme; product chat class inference {\n"
        "  price m input 2.00 USD per 1M tokens\n}\n"
        "product tuning class training\n"
        "pool east on alpha {\n"
        "  serves m as \"m\" at http://127.0.0.1:9/v1 kind openai key env K\n"
        "  price m input 1.00 USD per 1M tokens\n}\n"
        "pool bazaar on alpha {\n  marketplace\n"
        "  serves m as \"m\" at http://127.0.0.1:9/v1 kind openai key env K\n"
        "  price m input 1.00 USD per 1M tokens\n}\n"
        "agreement a with cloud {\n    effective 2025-01-01\n";
    char text[8192];
    memset(scene, 0, sizeof(*scene));
    (void)snprintf(text, sizeof(text), "%s%s}\n", HEAD, clauses);
    world_open(&scene->world, text);
    oft_arena_init(&scene->arena, (size_t)1 << 26);
}

static void scene_close(struct scene *scene)
{
    oft_arena_release(&scene->arena);
    world_close(&scene->world);
}

static struct ledger_row *spend(struct scene *scene, const char *clause, const char *month,
                                oft_nanos amount)
{
    struct ledger_row *row = &scene->rows[scene->row_count++];
    assert_true(scene->row_count <= ROWS_MAX);
    memset(row, 0, sizeof(*row));
    row->key.kind = LEDGER_COMMITMENT;
    assert_int_equal(oft_month_parse(oft_str_from(month), &row->key.month), OFT_OK);
    (void)snprintf(row->key.clause, sizeof(row->key.clause), "%s", clause);
    row->totals.quantity = row->totals.amount_nanos = amount * UNIT;
    return row;
}

static const struct ledger_settlement *settle(struct scene *scene, const char *clause,
                                              const char *instant)
{
    assert_int_equal(ledger_commitments_settle(
                         scene->world.deal, (struct deal_attestations){NULL, 0}, scene->rows,
                         scene->row_count, at(instant), &scene->arena, &scene->all, &scene->count),
                     OFT_OK);
    for (size_t i = 0; i < scene->count; i++) {
        if (strcmp(scene->world.deal->clauses[scene->all[i].clause].id, clause) == 0) {
            return &scene->all[i];
        }
    }
    fail_msg("no commitment %s", clause);
    return NULL;
}

static oft_nanos due(const struct ledger_settlement *it, enum ledger_due kind)
{
    oft_nanos sum = 0;
    for (size_t i = 0; i < it->due_count; i++) {
        sum += it->dues[i].due == kind ? it->dues[i].amount : 0;
    }
    return sum;
}

#define assert_units(actual, units) assert_true((actual) == (oft_nanos)(units)*UNIT)

/* ---- shortfalls ------------------------------------------------------------------------------- */

static const char YEARS[] =
    "    c: commit 10000 USD on alpha over 2025-01-01..2027-01-01 build-up counting all {\n"
    "        milestone 5000 USD by 2026-01-01; shortfall %s\n    }\n";

static void open_years(struct scene *scene, const char *fate)
{
    char text[512];
    (void)snprintf(text, sizeof(text), YEARS, fate);
    scene_open(scene, text);
    (void)spend(scene, "a.c", "2025-06", 3000);
}

static void a_missed_milestone_is_paid_once_and_counts_from_then_on(void **state)
{
    struct scene scene;
    (void)state;
    open_years(&scene, "cash");
    const struct ledger_settlement *it = settle(&scene, "a.c", "2025-12-31T23:59:59Z");
    assert_int_equal(it->measures[0].state, LEDGER_MEASURE_OPEN);
    assert_units(it->measures[0].missing, 2000);
    assert_int_equal(it->due_count, 0);
    it = settle(&scene, "a.c", "2026-01-01");
    assert_int_equal(it->measures[0].state, LEDGER_MEASURE_SHORT);
    assert_units(it->measures[0].owed, 2000);
    assert_int_equal(it->dues[0].month, 2025 * 12 + 11); /* the last instant that it lacked */
    assert_units(it->progress, 5000);
    (void)spend(&scene, "a.c", "2026-03", 4000);
    it = settle(&scene, "a.c", "2027-01-01");
    assert_units(it->measures[1].owed, 1000); /* 10000 - 3000 - 2000 paid - 4000 */
    assert_units(due(it, LEDGER_DUE_CASH), 3000);
    assert_units(it->counted + due(it, LEDGER_DUE_CASH), 10000);
    assert_int_equal(it->state, LEDGER_COMMIT_SHORT);
    scene_close(&scene);
}

static void a_late_record_lowers_what_was_due(void **state)
{
    struct scene scene;
    (void)state;
    open_years(&scene, "cash");
    assert_units(due(settle(&scene, "a.c", "2026-02-01"), LEDGER_DUE_CASH), 2000);
    (void)spend(&scene, "a.c", "2025-12", 500);
    assert_units(due(settle(&scene, "a.c", "2026-02-01"), LEDGER_DUE_CASH), 1500);
    scene_close(&scene);
}

static void a_credit_pays_for_later_use_and_that_use_does_not_count_again(void **state)
{
    struct scene scene;
    (void)state;
    open_years(&scene, "credit");
    (void)spend(&scene, "a.c", "2026-03", 1500);
    const struct ledger_settlement *it = settle(&scene, "a.c", "2026-06-01");
    assert_units(due(it, LEDGER_DUE_CREDIT), 2000);
    assert_units(due(it, LEDGER_DUE_DRAWN), -1500);
    assert_units(it->credit_left, 500);
    assert_units(it->progress, 5000);
    (void)spend(&scene, "a.c", "2026-07", 5500);
    it = settle(&scene, "a.c", "2027-01-01");
    assert_units(it->progress, 10000);
    assert_units(it->credit_left, 0);
    assert_int_equal(it->measures[1].state, LEDGER_MEASURE_MET);
    scene_close(&scene);
}

static void forfeit_lets_a_build_up_go_and_loses_what_was_prepaid(void **state)
{
    struct scene scene;
    (void)state;
    open_years(&scene, "forfeit");
    const struct ledger_settlement *it = settle(&scene, "a.c", "2027-01-01");
    assert_units(it->measures[0].forfeited, 2000);
    assert_units(it->measures[1].forfeited, 5000);
    assert_int_equal(it->due_count, 0);
    scene_close(&scene);
    scene_open(&scene, "    c: commit 1000 USD on alpha over 2025-01-01..2026-01-01 burn-down "
                       "counting all shortfall forfeit\n");
    (void)spend(&scene, "a.c", "2025-06", 300);
    assert_units(due(settle(&scene, "a.c", "2026-01-01"), LEDGER_DUE_CASH), 700);
    scene_close(&scene);
}

static void a_ramp_is_seen_and_owes_nothing(void **state)
{
    struct scene scene;
    struct ledger_commitment_status *status;
    size_t count;
    (void)state;
    scene_open(&scene, "    c: commit 1000 USD on alpha over 2025-01-01..2027-01-01 take-or-pay "
                       "counting all ramp 100 USD by 2026-01-01\n");
    (void)spend(&scene, "a.c", "2025-06", 60);
    const struct ledger_settlement *it = settle(&scene, "a.c", "2026-01-01");
    assert_int_equal(it->measures[0].state, LEDGER_MEASURE_SHORT);
    assert_units(it->measures[0].missing, 40);
    assert_int_equal(it->due_count, 0);
    /* The line goes through the ramp: 50 in the middle of the first year, not 250. */
    assert_int_equal(ledger_commitments(scene.world.deal, (struct deal_attestations){NULL, 0},
                                        scene.rows, scene.row_count, at("2025-07-02T12:00:00Z"),
                                        &scene.arena, &status, &count),
                     OFT_OK);
    assert_units(status[0].line_nanos, 50);
    assert_false(status[0].behind);
    scene_close(&scene);
}

/* ---- counting --------------------------------------------------------------------------------- */

static void a_month_is_cut_where_a_milestone_falls(void **state)
{
    struct scene scene;
    struct book book = {0};
    (void)state;
    scene_open(&scene, "    c: commit 1000 USD on alpha over 2025-01-01..2026-01-01 build-up "
                       "counting chat 25% milestone 10 USD by 2025-03-15\n");
    struct meter_record records[] = {
        record_of("2025-03-14T23:59:59Z", "chat", "east", 40000000, 0),
        record_of("2025-03-15", "chat", "east", 8000000, 0),
        record_of("2025-03-20", "chat", "bazaar", 4000000, 0),
    };
    for (size_t i = 0; i < OFT_COUNT_OF(records); i++) {
        records[i].model_id = oft_id_of(OFT_ID_MODEL, OFT_STR_LITERAL("m"));
    }
    book_add(&book, &scene.world, records, OFT_COUNT_OF(records));
    for (size_t i = 0; i < book.row_count; i++) {
        if (book.rows[i].key.kind == LEDGER_COMMITMENT) {
            scene.rows[scene.row_count++] = book.rows[i];
        }
    }
    assert_int_equal(scene.row_count, 3);
    const struct ledger_settlement *it = settle(&scene, "a.c", "2025-04-01");
    assert_units(it->measures[0].progress, 10); /* a quarter of 40 */
    assert_int_equal(it->measures[0].state, LEDGER_MEASURE_MET);
    assert_units(it->counted, 13); /* and of 8 and 4 */
    scene_close(&scene);
}

static void the_marketplace_counts_up_to_its_cap(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene,
               "    c: commit 1000 USD on alpha over 2025-01-01..2027-01-01 build-up counting "
               "all {\n        milestone 400 USD by 2026-01-01; marketplace cap 25%\n    }\n");
    spend(&scene, "a.c", "2025-02", 150)->key.outcome = LEDGER_THROUGH_MARKETPLACE;
    (void)spend(&scene, "a.c", "2025-03", 200);
    const struct ledger_settlement *it = settle(&scene, "a.c", "2025-06-01");
    assert_units(it->counted, 300); /* a quarter of 400, and 200 */
    assert_units(it->above_cap, 50);
    (void)spend(&scene, "a.c", "2026-02", 300);
    it = settle(&scene, "a.c", "2026-06-01");
    assert_units(it->counted, 650); /* the cap of the whole is 250: 150 counts */
    assert_units(it->measures[0].owed, 100);
    scene_close(&scene);
}

static void what_is_counted_at_invoice_counts_when_its_month_is_over(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene,
               "    c: commit 1000 USD on alpha over 2025-01-01..2025-07-15 build-up counting "
               "all {\n        milestone 100 USD by 2025-03-01; counted at invoice\n    }\n");
    (void)spend(&scene, "a.c", "2025-02", 100);
    const struct ledger_settlement *it = settle(&scene, "a.c", "2025-02-28");
    assert_units(it->counted, 0);
    assert_units(it->waiting, 100);
    it = settle(&scene, "a.c", "2025-03-01"); /* invoiced on this day: in time */
    assert_units(it->counted, 100);
    assert_int_equal(it->measures[0].state, LEDGER_MEASURE_MET);
    (void)spend(&scene, "a.c", "2025-07", 900); /* invoiced when the period is over */
    it = settle(&scene, "a.c", "2025-08-01");
    assert_units(it->measures[1].owed, 900);
    scene_close(&scene);
}

/* ---- from one to the next --------------------------------------------------------------------- */

static const char CHAIN[] =
    "    one: commit 1000 USD on alpha over 2025-01-01..2026-01-01 burn-down counting all {\n"
    "        overage 120%; roll-over 10%; shortfall forfeit\n    }\n"
    "    two: commit 500 USD on alpha over 2026-01-01..2027-01-01 burn-down counting all {\n"
    "        shortfall forfeit; successor of a.one\n    }\n";

static void a_part_of_the_rest_goes_on_into_the_successor(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, CHAIN);
    (void)spend(&scene, "a.one", "2025-05", 400);
    (void)spend(&scene, "a.two", "2026-05", 100);
    assert_units(settle(&scene, "a.two", "2027-01-01")->required, 560);
    assert_units(due(settle(&scene, "a.one", "2027-01-01"), LEDGER_DUE_CASH), 540);
    assert_units(due(settle(&scene, "a.two", "2027-01-01"), LEDGER_DUE_CASH), 460);
    scene_close(&scene);
}

static void an_excess_costs_its_overage_but_for_what_goes_on(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, CHAIN);
    (void)spend(&scene, "a.one", "2025-05", 900);
    (void)spend(&scene, "a.one", "2025-06", 300);
    (void)spend(&scene, "a.one", "2025-07", 100);
    const struct ledger_settlement *it = settle(&scene, "a.one", "2026-01-01");
    assert_units(it->excess, 300);
    assert_units(it->rolled_excess, 30);
    assert_units(due(it, LEDGER_DUE_OVERAGE), 54); /* a fifth of 270 */
    assert_int_equal(it->dues[0].month, 2025 * 12 + 5);
    assert_units(it->dues[0].amount, 36);
    assert_units(settle(&scene, "a.two", "2026-02-01")->progress, 30);
    scene_close(&scene);
}

static void a_successor_beside_it_counts_once_it_is_complete(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(
        &scene,
        "    one: commit 1000 USD on alpha over 2025-01-01..2027-01-01 build-up counting all\n"
        "    two: commit 500 USD on alpha over 2025-01-01..2028-01-01 build-up counting all "
        "successor of a.one\n");
    for (int i = 0; i < 2; i++) {
        const char *clause = i == 0 ? "a.one" : "a.two";
        (void)spend(&scene, clause, "2025-05", 800);
        (void)spend(&scene, clause, "2025-06", 300);
        (void)spend(&scene, clause, "2025-07", 50);
    }
    const struct ledger_settlement *it = settle(&scene, "a.two", "2025-06-01");
    assert_int_equal(it->state, LEDGER_COMMIT_WAITING);
    assert_units(it->counted, 0);
    assert_units(settle(&scene, "a.two", "2025-08-01")->counted, 150);
    it = settle(&scene, "a.one", "2025-08-01");
    assert_units(it->excess, 0);
    assert_int_equal(it->state, LEDGER_COMMIT_COMPLETE);
    scene_close(&scene);
}

static void credit_that_is_left_pays_under_the_successor(void **state)
{
    static const char *const bases[] = {"gross", "net"};
    static const int progress[] = {300, 100};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct scene scene;
        char text[512];
        (void)snprintf(text, sizeof(text),
                       "    one: commit 1000 USD on alpha over 2025-01-01..2026-01-01 build-up "
                       "counting all shortfall credit\n"
                       "    two: commit 500 USD on alpha over 2026-01-01..2027-01-01 build-up "
                       "counting all %s successor of a.one\n",
                       bases[i]);
        scene_open(&scene, text);
        (void)spend(&scene, "a.one", "2025-05", 800);
        (void)spend(&scene, "a.two", "2026-05", 300);
        const struct ledger_settlement *it = settle(&scene, "a.two", "2026-06-01");
        assert_units(due(it, LEDGER_DUE_DRAWN), -200);
        assert_units(it->progress, progress[i]);
        assert_units(it->credit_left, 0);
        scene_close(&scene);
    }
}

/* ---- amendments ------------------------------------------------------------------------------- */

static void an_amendment_goes_on_where_the_version_before_stood(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene,
               "    c: commit 10000 USD on alpha over 2025-01-01..2027-01-01 build-up counting all "
               "{\n        milestone 5000 USD by 2026-01-01\n    }\n}\n"
               "agreement b with cloud {\n    effective 2026-03-10\n"
               "    c: amend a.c with shortfall credit\n");
    (void)spend(&scene, "a.c", "2025-06", 3000);
    (void)spend(&scene, "a.c", "2026-02", 500);
    (void)spend(&scene, "b.c", "2026-03", 1000);
    const struct ledger_settlement *old = settle(&scene, "a.c", "2027-01-01");
    assert_int_equal(old->state, LEDGER_COMMIT_LAPSED);
    assert_units(due(old, LEDGER_DUE_CASH), 2000); /* the milestone that it still settled */
    const struct ledger_settlement *it = settle(&scene, "b.c", "2027-01-01");
    assert_int_equal(it->measures[0].state, LEDGER_MEASURE_LAPSED);
    assert_units(it->counted, 4500);
    assert_units(it->measures[1].credit, 3500); /* 10000 - 4500 - 2000 that were paid for */
    assert_int_equal(it->due_count, 1);
    scene_close(&scene);
}

static void a_new_period_counts_nothing_of_before_it(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene,
               "    c: commit 1000 USD on alpha over 2025-01-01..2027-01-01 take-or-pay counting "
               "all\n}\n"
               "agreement b with cloud {\n    effective 2026-01-01\n"
               "    c: amend a.c commit 2000 USD on alpha over 2026-01-01..2028-01-01 take-or-pay "
               "counting all\n");
    (void)spend(&scene, "a.c", "2025-06", 600);
    (void)spend(&scene, "b.c", "2026-02", 50);
    assert_int_equal(settle(&scene, "a.c", "2028-01-01")->due_count, 0);
    const struct ledger_settlement *it = settle(&scene, "b.c", "2028-01-01");
    assert_units(it->counted, 50);
    assert_units(due(it, LEDGER_DUE_CASH), 1950);
    scene_close(&scene);
}

static void what_was_booked_under_an_earlier_version_is_not_booked_again(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(
        &scene,
        "    c: commit 1000 USD on alpha over 2025-01-01..2027-01-01 burn-down counting all "
        "{\n        milestone 500 USD by 2025-07-01; overage 120%; shortfall credit\n    }\n}\n"
        "agreement b with cloud {\n    effective 2026-02-01\n"
        "    c: amend a.c with overage 130%\n");
    (void)spend(&scene, "a.c", "2025-05", 300);
    (void)spend(&scene, "a.c", "2025-09", 150); /* of the credit of 200 */
    (void)spend(&scene, "a.c", "2026-01", 650); /* 50 of it, 500 to the amount, 100 beyond */
    (void)spend(&scene, "b.c", "2026-03", 10);
    const struct ledger_settlement *old = settle(&scene, "a.c", "2027-01-01");
    assert_units(due(old, LEDGER_DUE_DRAWN), -200);
    assert_units(due(old, LEDGER_DUE_OVERAGE), 20);
    const struct ledger_settlement *it = settle(&scene, "b.c", "2027-01-01");
    assert_units(due(it, LEDGER_DUE_DRAWN), 0);
    assert_units(due(it, LEDGER_DUE_OVERAGE), 3);
    assert_units(it->progress, 1110);
    scene.row_count = 2;
    (void)spend(&scene, "b.c", "2026-03", 30); /* 50 of the credit are left */
    it = settle(&scene, "b.c", "2026-06-01");
    assert_units(due(it, LEDGER_DUE_DRAWN), -30);
    assert_units(it->credit_left, 20);
    assert_units(it->progress, 500);
    scene_close(&scene);
}

static void what_was_released_in_a_month_is_taken_once(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(
        &scene,
        "    one: commit 1000 USD on alpha over 2025-01-01..2027-01-01 build-up counting all\n"
        "    two: commit 500 USD on alpha over 2025-01-01..2028-01-01 build-up counting all "
        "successor of a.one milestone 100 USD by 2025-06-15\n");
    (void)spend(&scene, "a.one", "2025-06", 1250);
    (void)spend(&scene, "a.two", "2025-06", 200);
    (void)snprintf(spend(&scene, "a.two", "2025-06", 1050)->key.pool, 16, "2025-06-15");
    assert_units(settle(&scene, "a.two", "2025-07-01")->counted, 250);
    scene_close(&scene);
}

/* ---- what a unit of spend saves --------------------------------------------------------------- */

static int64_t value_at(struct scene *scene, const char *instant)
{
    struct ledger_commitment_status *status;
    size_t count;
    assert_int_equal(ledger_commitments(scene->world.deal, (struct deal_attestations){NULL, 0},
                                        scene->rows, scene->row_count, at(instant), &scene->arena,
                                        &status, &count),
                     OFT_OK);
    return status[0].value_ppb;
}

static void spend_is_worth_what_it_saves(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, CHAIN);
    assert_int_equal(value_at(&scene, "2025-07-01"), 900000000); /* a tenth would go on anyway */
    (void)spend(&scene, "a.one", "2025-02", 800);
    assert_int_equal(value_at(&scene, "2025-07-01"), 0); /* ahead of its line */
    assert_int_equal(value_at(&scene, "2026-07-01"), 0); /* over */
    scene_close(&scene);
    scene_open(&scene, "    c: commit 100 USD on alpha over 2025-01-01..2026-01-01 take-or-pay "
                       "counting all overage 115%\n");
    assert_int_equal(value_at(&scene, "2025-07-01"), 1000000000);
    (void)spend(&scene, "a.c", "2025-02", 100);
    assert_int_equal(value_at(&scene, "2025-07-01"), -150000000); /* it costs 15% more */
    scene_close(&scene);
    open_years(&scene, "credit");
    assert_int_equal(value_at(&scene, "2025-12-01"), 0); /* a credit is not lost */
    scene_close(&scene);
}

/* ---- forecasts -------------------------------------------------------------------------------- */

static void the_linear_forecast_goes_on_at_the_pace_so_far(void **state)
{
    struct scene scene;
    struct ledger_forecast forecast;
    (void)state;
    scene_open(&scene,
               "    c: commit 1000 USD on alpha over 2025-01-01..2027-01-01 build-up counting "
               "all\n"); /* 730 days */
    (void)spend(&scene, "a.c", "2025-01", 73);
    const struct ledger_settlement *it = settle(&scene, "a.c", "2025-03-15"); /* 73 days */
    assert_int_equal(ledger_forecast_linear(it, &it->measures[0], at("2025-03-15"), &forecast),
                     OFT_OK);
    assert_true(forecast.known && !forecast.met);
    assert_units(forecast.expected, 730);
    assert_units(forecast.shortfall, 270);
    (void)spend(&scene, "a.c", "2025-02", 127); /* 200 in 73 days */
    it = settle(&scene, "a.c", "2025-03-15");
    assert_int_equal(ledger_forecast_linear(it, &it->measures[0], at("2025-03-15"), &forecast),
                     OFT_OK);
    assert_true(forecast.met);
    assert_true(forecast.met_at == at("2025-03-15") + 292 * OFT_NS_PER_DAY);
    assert_units(forecast.expected, 2000);
    assert_units(forecast.shortfall, 0);
    scene_close(&scene);
}

static void the_seasonal_forecast_repeats_the_year_before(void **state)
{
    struct scene scene;
    struct ledger_forecast forecast;
    char month[16];
    (void)state;
    scene_open(&scene,
               "    c: commit 1000 USD on alpha over 2025-01-01..2027-01-01 build-up counting "
               "all\n");
    for (int i = 1; i <= 12; i++) {
        (void)snprintf(month, sizeof(month), "2025-%02d", i);
        (void)spend(&scene, "a.c", month, i == 12 ? 120 : 20); /* 340 in the year */
    }
    const struct ledger_settlement *it = settle(&scene, "a.c", "2025-12-31");
    assert_int_equal(
        ledger_forecast_seasonal(it, &it->measures[0], at("2025-12-31"), &scene.arena, &forecast),
        OFT_OK);
    assert_false(forecast.known); /* eleven whole months */
    it = settle(&scene, "a.c", "2026-01-01");
    assert_int_equal(
        ledger_forecast_seasonal(it, &it->measures[0], at("2026-01-01"), &scene.arena, &forecast),
        OFT_OK);
    assert_true(forecast.known && !forecast.met);
    assert_units(forecast.expected, 680);
    assert_units(forecast.shortfall, 320);
    (void)spend(&scene, "a.c", "2026-01", 40); /* twice the January before */
    it = settle(&scene, "a.c", "2026-02-01");
    assert_int_equal(
        ledger_forecast_seasonal(it, &it->measures[0], at("2026-02-01"), &scene.arena, &forecast),
        OFT_OK);
    assert_units(forecast.expected, 340 + 40 + 640); /* ten months of 40, December of 240 */
    assert_true(forecast.met && forecast.shortfall == 0);
    /* 780 by the end of November; 220 of December's 240 are needed. */
    assert_true(forecast.met_at == at("2026-12-01") + 31 * OFT_NS_PER_DAY / 12 * 11);
    scene_close(&scene);
}

/* ---- whatever was spent ----------------------------------------------------------------------- */

static uint64_t next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static const char *const fates[] = {"cash", "credit", "forfeit"};
static const char *const models[] = {"build-up", "burn-down", "take-or-pay"};

static void open_random(struct scene *scene, uint64_t *seed)
{
    char text[2048];
    int milestone = (int)(next(seed) % 900) + 1;
    int month_of_it = (int)(next(seed) % 8) + 1;
    int roll = (int)(next(seed) % 101);
    const char *counted = next(seed) % 2 == 0 ? "usage" : "invoice";
    const char *begins = next(seed) % 2 == 0 ? "03" : "11";
    const char *second = models[next(seed) % 3];
    const char *second_fate = fates[next(seed) % 3];
    const char *basis = next(seed) % 2 == 0 ? "gross" : "net";
    const char *fate = fates[next(seed) % 3];
    const char *model = models[next(seed) % 3];
    (void)snprintf(
        text, sizeof(text),
        "    one: commit 1000 USD on alpha over 2025-01-01..2026-01-01 %s counting all {\n"
        "        milestone %d USD by 2025-0%d-15; roll-over %d%%; shortfall %s; marketplace cap "
        "25%%\n"
        "        counted at %s\n    }\n"
        "    two: commit 500 USD on alpha over 2025-%s-01..2027-01-01 %s counting all {\n"
        "        shortfall %s; %s; successor of a.one\n    }\n",
        model, milestone, month_of_it, roll, fate, counted, begins, second, second_fate, basis);
    scene_open(scene, text);
    for (int month = 1; month <= 24; month++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "%d-%02d", 2025 + (month - 1) / 12,
                       (month - 1) % 12 + 1);
        oft_nanos amount = (oft_nanos)(next(seed) % 130);
        if (month <= 12) {
            spend(scene, "a.one", name, amount)->key.outcome = (uint32_t)(next(seed) % 2);
        }
        (void)spend(scene, "a.two", name, amount); /* also before its period: left out */
    }
}

static oft_nanos cost_of(const struct scene *scene, const char *clause)
{
    oft_nanos sum = 0;
    for (size_t i = 0; i < scene->row_count; i++) {
        sum +=
            strcmp(scene->rows[i].key.clause, clause) == 0 ? scene->rows[i].totals.amount_nanos : 0;
    }
    return sum;
}

static void check_one(const struct ledger_settlement *it)
{
    for (size_t i = 0; i < it->measure_count; i++) {
        const struct ledger_measure *m = &it->measures[i];
        oft_nanos became = m->owed + m->credit + m->forfeited + m->rolled;
        bool settled = m->state == LEDGER_MEASURE_SHORT && m->kind != LEDGER_MEASURE_RAMP;
        assert_true(became == (settled ? m->missing : 0));
        assert_true(m->owed >= 0 && m->credit >= 0 && m->forfeited >= 0 && m->rolled >= 0);
    }
    assert_true(it->credit_left >= 0 && it->excess >= 0 && it->rolled_excess <= it->excess);
}

/* A commitment that is over was spent, paid, kept, let go of or passed on, to the last nano-unit. */
static void check_money(const struct ledger_settlement *one, const struct ledger_settlement *two)
{
    oft_nanos gone_on = one->rolled_rest;
    oft_nanos settled = 0;
    oft_nanos released = 0;
    for (size_t i = 0; i < one->measure_count; i++) {
        settled += one->measures[i].owed + one->measures[i].credit + one->measures[i].forfeited;
    }
    for (size_t i = 0; i < one->month_count; i++) {
        released += one->months[i].released;
    }
    /* What counted or was settled, less what credits paid for twice: the amount, and what is beyond it. */
    oft_nanos drawn = 0;
    for (size_t i = 0; i < one->due_count; i++) {
        drawn += one->dues[i].due == LEDGER_DUE_DRAWN ? one->dues[i].amount : 0;
    }
    assert_true(one->counted + settled + drawn + gone_on == one->required + one->excess + released);
    assert_true(two->required == 500 * UNIT + gone_on);
    assert_true(two->carried == one->rolled_excess);
    /* Credits: what arose is drawn under either, or left. */
    oft_nanos arose = due(one, LEDGER_DUE_CREDIT) + due(two, LEDGER_DUE_CREDIT);
    oft_nanos used = due(one, LEDGER_DUE_DRAWN) + due(two, LEDGER_DUE_DRAWN);
    assert_true(arose + used == two->credit_left);
}

static void money_is_conserved_whatever_was_spent(void **state)
{
    uint64_t seed = UINT64_C(0xc0117ed5);
    (void)state;
    for (int round = 0; round < RANDOM_ROUNDS; round++) {
        struct scene scene;
        open_random(&scene, &seed);
        const struct ledger_settlement *two = settle(&scene, "a.two", "2027-01-01");
        const struct ledger_settlement *one = &scene.all[0];
        check_one(one);
        check_one(two);
        check_money(one, two);
        assert_true(one->counted <= cost_of(&scene, "a.one"));
        assert_true(two->counted <= cost_of(&scene, "a.two"));
        scene_close(&scene);
    }
}

static void the_order_of_rows_does_not_matter(void **state)
{
    uint64_t seed = UINT64_C(0x0123abcd);
    (void)state;
    for (int round = 0; round < RANDOM_ROUNDS; round++) {
        struct scene scene;
        open_random(&scene, &seed);
        struct ledger_settlement before = *settle(&scene, "a.two", "2026-05-20");
        for (size_t i = scene.row_count; i > 1; i--) {
            size_t other = (size_t)(next(&seed) % i);
            struct ledger_row row = scene.rows[i - 1];
            scene.rows[i - 1] = scene.rows[other];
            scene.rows[other] = row;
        }
        const struct ledger_settlement *after = settle(&scene, "a.two", "2026-05-20");
        assert_true(before.progress == after->progress && before.required == after->required);
        assert_int_equal(before.due_count, after->due_count);
        for (size_t i = 0; i < before.due_count; i++) {
            assert_true(before.dues[i].amount == after->dues[i].amount);
            assert_int_equal(before.dues[i].month, after->dues[i].month);
        }
        scene_close(&scene);
    }
}

static size_t book_dues(struct scene *scene, struct book *book, const char *instant)
{
    struct ledger_batch *batch;
    struct ledger_result result;
    struct oft_error error = {0};
    (void)settle(scene, "a.one", instant);
    assert_int_equal(ledger_batch_new(&batch), OFT_OK);
    assert_int_equal(ledger_dues_add(batch, scene->world.context, scene->all, scene->count,
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

static void the_books_follow_the_clock_however_often_it_is_looked_at(void **state)
{
    static struct book once;
    static struct book steps;
    uint64_t seed = UINT64_C(0x5eed);
    (void)state;
    for (int round = 0; round < RANDOM_ROUNDS / 10; round++) {
        struct scene scene;
        memset(&once, 0, sizeof(once));
        memset(&steps, 0, sizeof(steps));
        open_random(&scene, &seed);
        size_t all = scene.row_count;
        for (scene.row_count = 0; scene.row_count < all; scene.row_count += next(&seed) % 7) {
            scene.row_count = scene.row_count > all ? all : scene.row_count;
            (void)book_dues(&scene, &steps, next(&seed) % 2 == 0 ? "2026-02-01" : "2027-01-01");
        }
        scene.row_count = all;
        (void)book_dues(&scene, &steps, "2027-01-01");
        assert_int_equal(book_dues(&scene, &steps, "2027-01-01"), 0);
        (void)book_dues(&scene, &once, "2027-01-01");
        for (size_t i = 0; i < steps.row_count; i++) {
            const struct ledger_row *row = &steps.rows[i];
            oft_nanos held = 0;
            for (size_t j = 0; j < once.row_count; j++) {
                held += memcmp(&once.rows[j].key, &row->key, sizeof(row->key)) == 0
                            ? once.rows[j].totals.amount_nanos
                            : 0;
            }
            assert_true(held == row->totals.amount_nanos);
        }
        assert_true(steps.debits + steps.credits == 0);
        scene_close(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missed_milestone_is_paid_once_and_counts_from_then_on),
        cmocka_unit_test(a_late_record_lowers_what_was_due),
        cmocka_unit_test(a_credit_pays_for_later_use_and_that_use_does_not_count_again),
        cmocka_unit_test(forfeit_lets_a_build_up_go_and_loses_what_was_prepaid),
        cmocka_unit_test(a_ramp_is_seen_and_owes_nothing),
        cmocka_unit_test(a_month_is_cut_where_a_milestone_falls),
        cmocka_unit_test(the_marketplace_counts_up_to_its_cap),
        cmocka_unit_test(what_is_counted_at_invoice_counts_when_its_month_is_over),
        cmocka_unit_test(a_part_of_the_rest_goes_on_into_the_successor),
        cmocka_unit_test(an_excess_costs_its_overage_but_for_what_goes_on),
        cmocka_unit_test(a_successor_beside_it_counts_once_it_is_complete),
        cmocka_unit_test(credit_that_is_left_pays_under_the_successor),
        cmocka_unit_test(an_amendment_goes_on_where_the_version_before_stood),
        cmocka_unit_test(a_new_period_counts_nothing_of_before_it),
        cmocka_unit_test(what_was_booked_under_an_earlier_version_is_not_booked_again),
        cmocka_unit_test(what_was_released_in_a_month_is_taken_once),
        cmocka_unit_test(spend_is_worth_what_it_saves),
        cmocka_unit_test(the_linear_forecast_goes_on_at_the_pace_so_far),
        cmocka_unit_test(the_seasonal_forecast_repeats_the_year_before),
        cmocka_unit_test(money_is_conserved_whatever_was_spent),
        cmocka_unit_test(the_order_of_rows_does_not_matter),
        cmocka_unit_test(the_books_follow_the_clock_however_often_it_is_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
