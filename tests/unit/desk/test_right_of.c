/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clauses to rights: what is said, what silence means, and how rights end. Deals are parsed from text.
 */
#include "desk/right_of.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char HEAD[] =
    "deal \"T\"\ncustomer buyer\ncurrency USD\n"
    "party big\nparty other\nprovider cloud of big\nprovider else of other\n"
    "model m\nsurface shop\ngroup nsec\nevent agi attested by big\n"
    "product chat class inference { price m input 1 USD per 1M tokens }\n"
    "product training class training\n"
    "pool p on cloud { serves m as \"m\" at http://127.0.0.1:1 kind openai key env K\n"
    "price m input 1 USD per 1M tokens }\n";

struct world {
    struct deal *deal;
    struct oft_arena arena;
    struct desk_right *rights;
    uint32_t count;
};

static void world_begin(struct world *world, const char *clauses, struct deal_attestations attested)
{
    char text[8192];
    (void)snprintf(text, sizeof(text), "%s%s", HEAD, clauses);
    struct deal_file file = {"t.deal", oft_str_from(text)};
    struct deal_memory_files files = {&file, 1};
    struct deal_diagnostics diagnostics;
    struct oft_error error = {0};
    deal_diagnostics_init(&diagnostics);
    enum oft_err code =
        deal_parse("t.deal", deal_load_memory, &files, &world->deal, &diagnostics, &error);
    if (code != OFT_OK) {
        fail_msg("%s", diagnostics.count > 0 ? diagnostics.items[0].message : error.message);
    }
    deal_diagnostics_release(&diagnostics);
    oft_arena_init(&world->arena, 1 << 22);
    assert_int_equal(
        desk_rights_of(world->deal, attested, &world->arena, &world->rights, &world->count),
        OFT_OK);
}

static void world_end(struct world *world)
{
    deal_free(world->deal);
    oft_arena_release(&world->arena);
}

static const struct deal_attestations NOTHING;

static void silence_is_read_so_that_the_customer_may_do_less(void **unused)
{
    (void)unused;
    struct world world;
    world_begin(&world,
                "agreement a with big { effective 2025-01-21 until 2031-01-01\n"
                "rofr: first refusal on new capacity { respond within 10 business days } }\n",
                NOTHING);
    assert_int_equal(world.count, 1);
    const struct desk_right *right = &world.rights[0];
    assert_string_equal(right->clause.text, "a.rofr");
    assert_int_equal(right->kind, DESK_RIGHT_REFUSAL);
    assert_int_equal(right->holder_count, 1);
    assert_string_equal(right->holders[0].party.text, "big");
    assert_int_equal(right->holders[0].rank, 1);
    assert_int_equal(right->products.count, 0);
    assert_false(right->partial || right->counterparty_any || right->pending_void);
    assert_int_equal(right->disclose, DESK_DISCLOSE_NOTHING);
    assert_int_equal(right->windows[DESK_WINDOW_RESPOND].period.unit, OFT_PERIOD_BUSINESS_DAYS);
    assert_int_equal(right->windows[DESK_WINDOW_RESPOND].period.count, 10);
    assert_false(right->windows[DESK_WINDOW_RELEASE].said);
    assert_int_equal(right->end, DESK_ENDS_EXPIRED);
    world_end(&world);
}

static void everything_a_clause_says_is_in_the_right(void **unused)
{
    (void)unused;
    struct world world;
    world_begin(
        &world,
        "agreement a with big { effective 2025-01-21 until 2031-01-01\n"
        "rofo: first offer on new capacity {\n"
        " holder other rank 2; holder big rank 1; scope class training; scope region us\n"
        " scope accelerator h100; scope floor 5000 h100; scope new; scope expansion\n"
        " carve-out lab \"own lab\"; bona fide written, complete; disclose identity\n"
        " match listed; compare price lower within 2%; compare uptime higher; cash equivalent\n"
        " partial from 1000 gpu step 8 gpu; mode simultaneous\n"
        " respond within 10 business days calendar us-federal zone \"America/New_York\" "
        "from sent roll preceding\n"
        " deemed delivery after 2 days; release 90 days; counterparty any; one-time\n"
        " standing cure 30 days; standing defaults 2 in 1 years; standing remaining 6 months\n"
        " suspend on default; assignable; change of control ends\n"
        " on termination pending void; governing version at need; remedy \"damages\" } }\n",
        NOTHING);
    const struct desk_right *right = &world.rights[0];
    assert_int_equal(right->kind, DESK_RIGHT_OFFER);
    assert_string_equal(right->holders[0].party.text, "big");
    assert_string_equal(right->holders[1].party.text, "other");
    assert_int_equal(right->products.count, 1);
    assert_string_equal(right->products.items[0].text, "training");
    assert_int_equal(right->floor.kind, DESK_SIZE_GPU);
    assert_int_equal(right->floor.amount, 5000);
    assert_int_equal(right->deals, DESK_DEAL_NEW | DESK_DEAL_EXPANSION);
    assert_string_equal(right->carve_outs[0].text, "own lab");
    assert_int_equal(right->bona_fide.count, 2);
    assert_int_equal(right->compare_count, 2);
    assert_int_equal(right->compares[0].tolerance_ppb, 20000000);
    assert_int_equal(right->compares[1].better, DESK_HIGHER);
    assert_int_equal(right->partial_minimum, 1000);
    assert_int_equal(right->partial_step, 8);
    assert_int_equal(right->partial_unit, DESK_SIZE_GPU);
    const struct desk_window *respond = &right->windows[DESK_WINDOW_RESPOND];
    assert_string_equal(respond->calendar.text, "us-federal");
    assert_string_equal(respond->zone.text, "America/New_York");
    assert_int_equal(respond->start, DESK_FROM_SENT);
    assert_int_equal(respond->period.roll, OFT_ROLL_PRECEDING);
    assert_true(right->simultaneous && right->counterparty_any && right->one_time);
    assert_true(right->suspend_on_default && right->assignable && right->ends_on_control);
    assert_true(right->pending_void && right->governing_at_need && right->cash_equivalent);
    assert_int_equal(right->standing_defaults, 2);
    assert_string_equal(right->remedy, "damages");
    world_end(&world);
}

static void a_superseded_right_is_terminated_and_an_amended_one_has_a_successor(void **unused)
{
    (void)unused;
    struct world world;
    world_begin(&world,
                "agreement a with big { effective 2025-01-21 until 2031-01-01\n"
                "r1: first refusal on new capacity { respond within 10 days }\n"
                "r2: first refusal on new capacity { respond within 10 days } }\n"
                "agreement b with big { effective 2025-10-28\n supersedes a.r1\n"
                "r2: amend a.r2 with respond within 5 days }\n",
                NOTHING);
    assert_int_equal(world.count, 3);
    assert_int_equal(world.rights[0].end, DESK_ENDS_TERMINATED);
    assert_string_equal(world.rights[0].ended_by.text, "b");
    assert_int_equal(world.rights[1].end, DESK_ENDS_AMENDED);
    assert_string_equal(world.rights[1].ended_by.text, "b.r2");
    assert_int_equal(world.rights[1].until, world.rights[2].from);
    assert_int_equal(world.rights[2].windows[DESK_WINDOW_RESPOND].period.count, 5);
    world_end(&world);
}

static void an_exclusive_binds_capacity_unless_it_is_for_a_surface_alone(void **unused)
{
    (void)unused;
    struct world world;
    world_begin(&world,
                "agreement a with big { effective 2025-01-21 until 2031-01-01\n"
                "all: exclusive chat on cloud except nsec until agi\n }\n",
                NOTHING);
    assert_int_equal(world.count, 1);
    assert_int_equal(world.rights[0].kind, DESK_RIGHT_EXCLUSIVE);
    assert_string_equal(world.rights[0].provider.text, "cloud");
    assert_string_equal(world.rights[0].except_groups.items[0].text, "nsec");
    world_end(&world);
    world_begin(&world,
                "agreement a with big { effective 2025-01-21 until 2031-01-01\n"
                "part: exclusive chat on cloud through shop\n }\n",
                NOTHING);
    assert_int_equal(world.count, 0);
    world_end(&world);
}

static void an_attested_event_ends_a_right(void **unused)
{
    (void)unused;
    struct world world;
    static const char clauses[] = "agreement a with big { effective 2025-01-21 until 2031-01-01\n"
                                  "r: first refusal on new capacity { respond within 9 days; until "
                                  "agi } }\n";
    const struct deal_attestation agi = {0, INT64_C(1900000000) * OFT_NS_PER_SECOND};
    world_begin(&world, clauses, (struct deal_attestations){&agi, 1});
    assert_int_equal(world.rights[0].until, agi.instant);
    assert_int_equal(world.rights[0].end, DESK_ENDS_EXPIRED);
    struct world before;
    world_begin(&before, clauses, NOTHING);
    assert_true(desk_right_equal(&before.rights[0], &before.rights[0]));
    assert_false(desk_right_equal(&before.rights[0], &world.rights[0]));
    world_end(&before);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_is_read_so_that_the_customer_may_do_less),
        cmocka_unit_test(everything_a_clause_says_is_in_the_right),
        cmocka_unit_test(a_superseded_right_is_terminated_and_an_amended_one_has_a_successor),
        cmocka_unit_test(an_exclusive_binds_capacity_unless_it_is_for_a_surface_alone),
        cmocka_unit_test(an_attested_event_ends_a_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
