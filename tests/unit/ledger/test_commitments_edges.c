/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commitments where nothing is spent and yet something changes, and credits and amounts that come from
 * before: what the second reckoning in tests/books found.
 */
#include "scene.h"

#include <stdio.h>
#include <string.h>

static void what_was_above_the_cap_counts_when_the_cap_rises_without_new_spend(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene, "    c: commit 1000 USD on alpha over 2025-01-01..2027-01-01 build-up "
                       "counting all marketplace cap 10% milestone 100 USD by 2026-01-01\n");
    scene_spend(&scene, "a.c", "2025-06", 60)->key.outcome = LEDGER_THROUGH_MARKETPLACE;
    assert_units(scene_settle(&scene, "a.c", "2026-01-01")->counted, 10);
    assert_units(scene_settle(&scene, "a.c", "2026-01-02")->counted, 60);
    scene_close(&scene);
}

static void a_commitment_that_was_settled_full_lets_its_successor_begin(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene,
               "    one: commit 100 USD on alpha over 2025-01-01..2027-01-01 take-or-pay counting "
               "all milestone 100 USD by 2025-07-01\n"
               "    two: commit 500 USD on alpha over 2026-01-01..2028-01-01 build-up counting all "
               "successor of a.one\n");
    (void)scene_spend(&scene, "a.two", "2026-02", 30);
    assert_int_equal(scene_settle(&scene, "a.one", "2026-06-01")->complete_month, 2025 * 12 + 6);
    assert_units(scene_settle(&scene, "a.two", "2026-06-01")->counted, 30);
    scene_close(&scene);
}

static void an_amendment_does_not_count_what_waited_under_the_version_before(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene,
               "    one: commit 1000 USD on alpha over 2025-01-01..2027-01-01 build-up counting "
               "all\n"
               "    two: commit 500 USD on alpha over 2025-01-01..2028-01-01 build-up counting all "
               "successor of a.one\n}\n"
               "agreement b with cloud {\n    effective 2026-01-01\n"
               "    two: amend a.two with ramp 10 USD by 2026-06-01\n");
    (void)scene_spend(&scene, "a.one", "2025-06", 200);
    (void)scene_spend(&scene, "a.two", "2025-06", 200);
    assert_units(scene_settle(&scene, "a.two", "2025-07-01")->counted, 0);
    assert_units(scene_settle(&scene, "b.two", "2026-02-01")->counted, 0);
    scene_close(&scene);
}

static void a_credit_is_drawn_under_its_own_clause_also_by_the_successors_successor(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene,
               "    one: commit 100 USD on alpha over 2025-01-01..2026-01-01 build-up counting all "
               "shortfall credit\n"
               "    two: commit 100 USD on alpha over 2026-01-01..2027-01-01 build-up counting all "
               "successor of a.one shortfall credit\n"
               "    three: commit 100 USD on alpha over 2027-01-01..2028-01-01 build-up counting "
               "all successor of a.two\n");
    (void)scene_spend(&scene, "a.two", "2026-02", 20);
    (void)scene_spend(&scene, "a.three", "2027-02", 90);
    uint32_t one = scene_settle(&scene, "a.one", "2027-06-01")->clause;
    uint32_t two = scene_settle(&scene, "a.two", "2027-06-01")->clause;
    const struct ledger_settlement *it = scene_settle(&scene, "a.three", "2027-06-01");
    assert_int_equal(it->due_count, 2); /* 100 of one, less 20; then 80 of two */
    assert_int_equal(it->dues[0].clause, one);
    assert_units(it->dues[0].amount, -80);
    assert_int_equal(it->dues[1].clause, two);
    assert_units(it->dues[1].amount, -10);
    assert_units(it->credit_left, 70);
    scene_close(&scene);
}

static void a_predecessors_credit_still_counts_under_an_amendment(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene,
               "    one: commit 100 USD on alpha over 2025-01-01..2026-01-01 build-up counting all "
               "shortfall credit\n"
               "    two: commit 100 USD on alpha over 2026-01-01..2027-01-01 build-up counting all "
               "successor of a.one\n}\n"
               "agreement b with cloud {\n    effective 2026-03-01\n"
               "    two: amend a.two with ramp 10 USD by 2026-06-01\n");
    (void)scene_spend(&scene, "a.two", "2026-02", 20);
    (void)scene_spend(&scene, "b.two", "2026-04", 30);
    const struct ledger_settlement *it = scene_settle(&scene, "b.two", "2026-06-01");
    assert_units(scene_due(it, LEDGER_DUE_DRAWN), -30);
    assert_units(it->credit_left, 50);
    assert_units(it->progress, 50);
    scene_close(&scene);
}

static void what_an_earlier_version_settled_is_no_excess(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(&scene,
               "    c: commit 1000 USD on alpha over 2025-01-01..2027-01-01 take-or-pay counting "
               "all milestone 500 USD by 2025-07-01\n}\n"
               "agreement b with cloud {\n    effective 2025-09-01\n"
               "    c: amend a.c commit 100 USD on alpha over 2025-01-01..2027-01-01 take-or-pay "
               "counting all overage 120%\n");
    (void)scene_spend(&scene, "b.c", "2025-10", 50);
    const struct ledger_settlement *it = scene_settle(&scene, "b.c", "2026-06-01");
    assert_units(it->progress, 550);
    assert_units(it->excess, 50);
    assert_units(it->overage, 10);
    scene_close(&scene);
}

static void the_line_is_at_the_higher_of_two_sums_of_one_date(void **state)
{
    static const char *const orders[] = {
        "milestone 10 USD by 2025-07-01 ramp 50 USD by 2025-07-01",
        "ramp 50 USD by 2025-07-01 milestone 10 USD by 2025-07-01"};
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(orders); i++) {
        struct scene scene;
        struct ledger_commitment_status *status;
        size_t count;
        char text[256];
        (void)snprintf(text, sizeof(text),
                       "    c: commit 100 USD on alpha over 2025-01-01..2026-01-01 build-up "
                       "counting all %s\n",
                       orders[i]);
        scene_open(&scene, text);
        assert_int_equal(ledger_commitments(scene.world.deal, (struct deal_attestations){NULL, 0},
                                            scene.rows, scene.row_count, at("2025-07-01"),
                                            &scene.arena, &status, &count),
                         OFT_OK);
        assert_units(status[0].line_nanos, 50);
        assert_int_equal(status[0].settlement->measures[0].kind, LEDGER_MEASURE_MILESTONE);
        scene_close(&scene);
    }
}

static void the_version_in_force_at_the_end_takes_over(void **state)
{
    static const char CLAUSES[] =
        "    one: commit 100 USD on alpha over 2025-01-01..2026-01-01 take-or-pay counting all {\n"
        "        shortfall credit\n    }\n"
        "    two: commit 100 USD on alpha over 2025-06-01..2027-01-01 build-up counting all {\n"
        "        successor of a.one\n    }\n"
        "}\nagreement %s with cloud {\n    effective %s\n"
        "    two: amend a.two with ramp 50 USD by 2026-06-01\n";
    char text[1024];
    struct scene scene;
    (void)state;
    (void)snprintf(text, sizeof(text), CLAUSES, "b", "2025-09-01");
    scene_open(&scene, text);
    assert_units(scene_settle(&scene, "b.two", "2026-01-02")->credit_left, 100);
    scene_close(&scene);
    (void)snprintf(text, sizeof(text), CLAUSES, "b", "2026-03-01"); /* after it took over */
    scene_open(&scene, text);
    assert_units(scene_settle(&scene, "a.two", "2026-01-02")->credit_left, 100);
    assert_units(scene_settle(&scene, "b.two", "2026-03-02")->credit_left, 100);
    scene_close(&scene);
}

/* What was settled before is more than the smaller amount asks for: who follows need not wait. */
static void an_amendment_to_less_is_complete_in_its_first_month(void **state)
{
    struct scene scene;
    (void)state;
    scene_open(
        &scene,
        "    one: commit 1000 USD on alpha over 2024-02-01..2025-10-01 build-up counting all {\n"
        "        milestone 500 USD by 2025-01-01; shortfall cash\n    }\n"
        "    two: commit 100 USD on alpha over 2025-02-01..2026-01-01 build-up counting all {\n"
        "        successor of a.one\n    }\n"
        "}\nagreement b with cloud {\n    effective 2025-01-15\n"
        "    one: amend a.one commit 80 USD on alpha over 2024-02-01..2025-10-01 build-up "
        "counting all\n");
    assert_int_equal(scene_settle(&scene, "b.one", "2025-03-01")->state, LEDGER_COMMIT_COMPLETE);
    assert_int_equal(scene_settle(&scene, "a.two", "2025-03-01")->state, LEDGER_COMMIT_RUNNING);
    scene_close(&scene);
}

static void no_forecast_is_met_behind_the_end_of_its_measure(void **state)
{
    struct scene scene;
    struct ledger_forecast forecast;
    (void)state;
    scene_open(&scene,
               "    c: commit 0.000000002 USD on alpha over 2025-01-01..2026-01-01 build-up "
               "counting all\n");
    struct ledger_row *row = scene_spend(&scene, "a.c", "2025-01", 0);
    row->totals.quantity = row->totals.amount_nanos = 1;
    const struct ledger_settlement *it = scene_settle(&scene, "a.c", "2025-07-20"); /* 200 days */
    assert_int_equal(ledger_forecast_linear(it, &it->measures[0], at("2025-07-20"), &forecast),
                     OFT_OK);
    assert_true(forecast.met); /* of 165 days comes 0.825, rounded */
    assert_true(forecast.met_at == at("2026-01-01"));
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_amendment_to_less_is_complete_in_its_first_month),
        cmocka_unit_test(the_version_in_force_at_the_end_takes_over),
        cmocka_unit_test(what_was_above_the_cap_counts_when_the_cap_rises_without_new_spend),
        cmocka_unit_test(a_commitment_that_was_settled_full_lets_its_successor_begin),
        cmocka_unit_test(an_amendment_does_not_count_what_waited_under_the_version_before),
        cmocka_unit_test(a_credit_is_drawn_under_its_own_clause_also_by_the_successors_successor),
        cmocka_unit_test(a_predecessors_credit_still_counts_under_an_amendment),
        cmocka_unit_test(what_an_earlier_version_settled_is_no_excess),
        cmocka_unit_test(the_line_is_at_the_higher_of_two_sums_of_one_date),
        cmocka_unit_test(no_forecast_is_met_behind_the_end_of_its_measure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
