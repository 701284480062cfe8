/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of commitments: worked numbers for each rule of docs/books.md, "Commitments".
 */
#include "scene.h"

#include <stdio.h>
#include <string.h>

/* ---- shortfalls ------------------------------------------------------------------------------- */

static const char YEARS[] =
    "    c: commit 10000 USD on alpha over 2025-01-01..2027-01-01 build-up counting all {\n"
    "        milestone 5000 USD by 2026-01-01; shortfall %s\n    }\n";

static void open_years(struct scene *scene, const char *fate)
{
    char text[512];
    (void)snprintf(text, sizeof(text), YEARS, fate);
    scene_open(scene, text);
    (void)scene_spend(scene, "a.c", "2025-06", 3000);
}

static void a_missed_milestone_is_paid_once_and_counts_from_then_on(void **state)
{
    struct scene scene;
    (void)state;
    open_years(&scene, "cash");
    const struct ledger_settlement *it = scene_settle(&scene, "a.c", "2025-12-31T23:59:59Z");
    assert_int_equal(it->measures[0].state, LEDGER_MEASURE_OPEN);
    assert_units(it->measures[0].missing, 2000);
    assert_int_equal(it->due_count, 0);
    it = scene_settle(&scene, "a.c", "2026-01-01");
    assert_int_equal(it->measures[0].state, LEDGER_MEASURE_SHORT);
    assert_units(it->measures[0].owed, 2000);
    assert_int_equal(it->dues[0].month, 2025 * 12 + 11); /* the last instant that it lacked */
    assert_units(it->progress, 5000);
    (void)scene_spend(&scene, "a.c", "2026-03", 4000);
    it = scene_settle(&scene, "a.c", "2027-01-01");
    assert_units(it->measures[1].owed, 1000); /* 10000 - 3000 - 2000 paid - 4000 */
    assert_units(scene_due(it, LEDGER_DUE_CASH), 3000);
    assert_units(it->counted + scene_due(it, LEDGER_DUE_CASH), 10000);
    assert_int_equal(it->state, LEDGER_COMMIT_SHORT);
    scene_close(&scene);
}

static void a_late_record_lowers_what_was_due(void **state)
{
    struct scene scene;
    (void)state;
    open_years(&scene, "cash");
    assert_units(scene_due(scene_settle(&scene, "a.c", "2026-02-01"), LEDGER_DUE_CASH), 2000);
    (void)scene_spend(&scene, "a.c", "2025-12", 500);
    assert_units(scene_due(scene_settle(&scene, "a.c", "2026-02-01"), LEDGER_DUE_CASH), 1500);
    scene_close(&scene);
}

static void a_credit_pays_for_later_use_and_that_use_does_not_count_again(void **state)
{
    struct scene scene;
    (void)state;
    open_years(&scene, "credit");
    (void)scene_spend(&scene, "a.c", "2026-03", 1500);
    const struct ledger_settlement *it = scene_settle(&scene, "a.c", "2026-06-01");
    assert_units(scene_due(it, LEDGER_DUE_CREDIT), 2000);
    assert_units(scene_due(it, LEDGER_DUE_DRAWN), -1500);
    assert_units(it->credit_left, 500);
    assert_units(it->progress, 5000);
    (void)scene_spend(&scene, "a.c", "2026-07", 5500);
    it = scene_settle(&scene, "a.c", "2027-01-01");
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
    const struct ledger_settlement *it = scene_settle(&scene, "a.c", "2027-01-01");
    assert_units(it->measures[0].forfeited, 2000);
    assert_units(it->measures[1].forfeited, 5000);
    assert_int_equal(it->due_count, 0);
    scene_close(&scene);
    scene_open(&scene, "    c: commit 1000 USD on alpha over 2025-01-01..2026-01-01 burn-down "
                       "counting all shortfall forfeit\n");
    (void)scene_spend(&scene, "a.c", "2025-06", 300);
    assert_units(scene_due(scene_settle(&scene, "a.c", "2026-01-01"), LEDGER_DUE_CASH), 700);
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
    (void)scene_spend(&scene, "a.c", "2025-06", 60);
    const struct ledger_settlement *it = scene_settle(&scene, "a.c", "2026-01-01");
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
    const struct ledger_settlement *it = scene_settle(&scene, "a.c", "2025-04-01");
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
    scene_spend(&scene, "a.c", "2025-02", 150)->key.outcome = LEDGER_THROUGH_MARKETPLACE;
    (void)scene_spend(&scene, "a.c", "2025-03", 200);
    const struct ledger_settlement *it = scene_settle(&scene, "a.c", "2025-06-01");
    assert_units(it->counted, 300); /* a quarter of 400, and 200 */
    assert_units(it->above_cap, 50);
    (void)scene_spend(&scene, "a.c", "2026-02", 300);
    it = scene_settle(&scene, "a.c", "2026-06-01");
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
    (void)scene_spend(&scene, "a.c", "2025-02", 100);
    const struct ledger_settlement *it = scene_settle(&scene, "a.c", "2025-02-28");
    assert_units(it->counted, 0);
    assert_units(it->waiting, 100);
    it = scene_settle(&scene, "a.c", "2025-03-01"); /* invoiced on this day: in time */
    assert_units(it->counted, 100);
    assert_int_equal(it->measures[0].state, LEDGER_MEASURE_MET);
    (void)scene_spend(&scene, "a.c", "2025-07", 900); /* invoiced when the period is over */
    it = scene_settle(&scene, "a.c", "2025-08-01");
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
    (void)scene_spend(&scene, "a.one", "2025-05", 400);
    (void)scene_spend(&scene, "a.two", "2026-05", 100);
    assert_units(scene_settle(&scene, "a.two", "2027-01-01")->required, 560);
    assert_units(scene_due(scene_settle(&scene, "a.one", "2027-01-01"), LEDGER_DUE_CASH), 540);
    assert_units(scene_due(scene_settle(&scene, "a.two", "2027-01-01"), LEDGER_DUE_CASH), 460);
    scene_close(&scene);
}

static void an_excess_costs_its_overage_but_for_what_goes_on(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, CHAIN);
    (void)scene_spend(&scene, "a.one", "2025-05", 900);
    (void)scene_spend(&scene, "a.one", "2025-06", 300);
    (void)scene_spend(&scene, "a.one", "2025-07", 100);
    const struct ledger_settlement *it = scene_settle(&scene, "a.one", "2026-01-01");
    assert_units(it->excess, 300);
    assert_units(it->rolled_excess, 30);
    assert_units(scene_due(it, LEDGER_DUE_OVERAGE), 54); /* a fifth of 270 */
    assert_int_equal(it->dues[0].month, 2025 * 12 + 5);
    assert_units(it->dues[0].amount, 36);
    assert_units(scene_settle(&scene, "a.two", "2026-02-01")->progress, 30);
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
        (void)scene_spend(&scene, clause, "2025-05", 800);
        (void)scene_spend(&scene, clause, "2025-06", 300);
        (void)scene_spend(&scene, clause, "2025-07", 50);
    }
    const struct ledger_settlement *it = scene_settle(&scene, "a.two", "2025-06-01");
    assert_int_equal(it->state, LEDGER_COMMIT_WAITING);
    assert_units(it->counted, 0);
    assert_units(scene_settle(&scene, "a.two", "2025-08-01")->counted, 150);
    it = scene_settle(&scene, "a.one", "2025-08-01");
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
        (void)scene_spend(&scene, "a.one", "2025-05", 800);
        (void)scene_spend(&scene, "a.two", "2026-05", 300);
        const struct ledger_settlement *it = scene_settle(&scene, "a.two", "2026-06-01");
        assert_units(scene_due(it, LEDGER_DUE_DRAWN), -200);
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
    (void)scene_spend(&scene, "a.c", "2025-06", 3000);
    (void)scene_spend(&scene, "a.c", "2026-02", 500);
    (void)scene_spend(&scene, "b.c", "2026-03", 1000);
    const struct ledger_settlement *old = scene_settle(&scene, "a.c", "2027-01-01");
    assert_int_equal(old->state, LEDGER_COMMIT_LAPSED);
    assert_units(scene_due(old, LEDGER_DUE_CASH), 2000); /* the milestone that it still settled */
    const struct ledger_settlement *it = scene_settle(&scene, "b.c", "2027-01-01");
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
    (void)scene_spend(&scene, "a.c", "2025-06", 600);
    (void)scene_spend(&scene, "b.c", "2026-02", 50);
    assert_int_equal(scene_settle(&scene, "a.c", "2028-01-01")->due_count, 0);
    const struct ledger_settlement *it = scene_settle(&scene, "b.c", "2028-01-01");
    assert_units(it->counted, 50);
    assert_units(scene_due(it, LEDGER_DUE_CASH), 1950);
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
    (void)scene_spend(&scene, "a.c", "2025-05", 300);
    (void)scene_spend(&scene, "a.c", "2025-09", 150); /* of the credit of 200 */
    (void)scene_spend(&scene, "a.c", "2026-01", 650); /* 50 of it, 500 to the amount, 100 beyond */
    (void)scene_spend(&scene, "b.c", "2026-03", 10);
    const struct ledger_settlement *old = scene_settle(&scene, "a.c", "2027-01-01");
    assert_units(scene_due(old, LEDGER_DUE_DRAWN), -200);
    assert_units(scene_due(old, LEDGER_DUE_OVERAGE), 20);
    const struct ledger_settlement *it = scene_settle(&scene, "b.c", "2027-01-01");
    assert_units(scene_due(it, LEDGER_DUE_DRAWN), 0);
    assert_units(scene_due(it, LEDGER_DUE_OVERAGE), 3);
    assert_units(it->progress, 1110);
    scene.row_count = 2;
    (void)scene_spend(&scene, "b.c", "2026-03", 30); /* 50 of the credit are left */
    it = scene_settle(&scene, "b.c", "2026-06-01");
    assert_units(scene_due(it, LEDGER_DUE_DRAWN), -30);
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
    (void)scene_spend(&scene, "a.one", "2025-06", 1250);
    (void)scene_spend(&scene, "a.two", "2025-06", 200);
    (void)snprintf(scene_spend(&scene, "a.two", "2025-06", 1050)->key.pool, 16, "2025-06-15");
    assert_units(scene_settle(&scene, "a.two", "2025-07-01")->counted, 250);
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
    (void)scene_spend(&scene, "a.one", "2025-02", 800);
    assert_int_equal(value_at(&scene, "2025-07-01"), 0); /* ahead of its line */
    assert_int_equal(value_at(&scene, "2026-07-01"), 0); /* over */
    scene_close(&scene);
    scene_open(&scene, "    c: commit 100 USD on alpha over 2025-01-01..2026-01-01 take-or-pay "
                       "counting all overage 115%\n");
    assert_int_equal(value_at(&scene, "2025-07-01"), 1000000000);
    (void)scene_spend(&scene, "a.c", "2025-02", 100);
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
    (void)scene_spend(&scene, "a.c", "2025-01", 73);
    const struct ledger_settlement *it = scene_settle(&scene, "a.c", "2025-03-15"); /* 73 days */
    assert_int_equal(ledger_forecast_linear(it, &it->measures[0], at("2025-03-15"), &forecast),
                     OFT_OK);
    assert_true(forecast.known && !forecast.met);
    assert_units(forecast.expected, 730);
    assert_units(forecast.shortfall, 270);
    (void)scene_spend(&scene, "a.c", "2025-02", 127); /* 200 in 73 days */
    it = scene_settle(&scene, "a.c", "2025-03-15");
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
        (void)scene_spend(&scene, "a.c", month, i == 12 ? 120 : 20); /* 340 in the year */
    }
    const struct ledger_settlement *it = scene_settle(&scene, "a.c", "2025-12-31");
    assert_int_equal(
        ledger_forecast_seasonal(it, &it->measures[0], at("2025-12-31"), &scene.arena, &forecast),
        OFT_OK);
    assert_false(forecast.known); /* eleven whole months */
    it = scene_settle(&scene, "a.c", "2026-01-01");
    assert_int_equal(
        ledger_forecast_seasonal(it, &it->measures[0], at("2026-01-01"), &scene.arena, &forecast),
        OFT_OK);
    assert_true(forecast.known && !forecast.met);
    assert_units(forecast.expected, 680);
    assert_units(forecast.shortfall, 320);
    (void)scene_spend(&scene, "a.c", "2026-01", 40); /* twice the January before */
    it = scene_settle(&scene, "a.c", "2026-02-01");
    assert_int_equal(
        ledger_forecast_seasonal(it, &it->measures[0], at("2026-02-01"), &scene.arena, &forecast),
        OFT_OK);
    assert_units(forecast.expected, 340 + 40 + 640); /* ten months of 40, December of 240 */
    assert_true(forecast.met && forecast.shortfall == 0);
    /* 780 by the end of November; 220 of December's 240 are needed. */
    assert_true(forecast.met_at == at("2026-12-01") + 31 * OFT_NS_PER_DAY / 12 * 11);
    scene_close(&scene);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
