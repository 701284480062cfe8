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

/* ---- where a plain reading would go wrong ----------------------------------------------------- */

static void all_groups_excepted_are_the_deals_groups(void **unused)
{
    (void)unused;
    struct world world;
    world_begin(&world,
                "group banks\nagreement a with big { effective 2025-01-21 until 2031-01-01\n"
                "all: exclusive chat on cloud except all\n }\n",
                NOTHING);
    assert_int_equal(world.count, 1);
    assert_int_equal(world.rights[0].except_groups.count, 2);
    assert_string_equal(world.rights[0].except_groups.items[0].text, "nsec");
    assert_string_equal(world.rights[0].except_groups.items[1].text, "banks");
    world_end(&world);
}

/* An empty list reaches everything, so a class without a product must not become one. */
static void a_class_without_products_reaches_nothing(void **unused)
{
    (void)unused;
    struct world world;
    world_begin(&world,
                "agreement a with big { effective 2025-01-21 until 2031-01-01\n"
                "only: exclusive class research on cloud\n"
                "rofr: first refusal on new capacity { respond within 9 days; scope class research "
                "} }\n",
                NOTHING);
    assert_int_equal(world.count, 0);
    world_end(&world);
    world_begin(&world,
                "agreement a with big { effective 2025-01-21 until 2031-01-01\n"
                "only: exclusive all on cloud\n"
                "rofr: first refusal on new capacity { respond within 9 days; scope all } }\n",
                NOTHING);
    assert_int_equal(world.count, 2);
    assert_int_equal(world.rights[0].products.count, 0);
    assert_int_equal(world.rights[1].products.count, 0);
    world_end(&world);
}

/* The event came before the amendment: the successor was over before it began. */
static void an_amendment_that_is_no_right_ends_its_predecessor(void **unused)
{
    (void)unused;
    struct world world;
    static const char clauses[] = "agreement a with big { effective 2025-01-21 until 2031-01-01\n"
                                  "r: first refusal on new capacity { respond within 9 days } }\n"
                                  "agreement b with big { effective 2026-01-01\n"
                                  "r: amend a.r until agi }\n";
    oft_instant early = INT64_C(1740000000) * OFT_NS_PER_SECOND; /* 2025-02-19 */
    const struct deal_attestation agi = {0, early};
    world_begin(&world, clauses, NOTHING);
    assert_int_equal(world.count, 2);
    assert_int_equal(world.rights[0].end, DESK_ENDS_AMENDED);
    world_end(&world);
    world_begin(&world, clauses, (struct deal_attestations){&agi, 1});
    assert_int_equal(world.count, 1);
    assert_int_equal(world.rights[0].end, DESK_ENDS_TERMINATED);
    assert_string_equal(world.rights[0].ended_by.text, "b.r");
    world_end(&world);
}

static void the_earliest_end_is_the_one(void **unused)
{
    (void)unused;
    struct world world;
    const struct deal_attestation agi = {0, INT64_C(1740000000) * OFT_NS_PER_SECOND};
    world_begin(&world,
                "agreement a with big { effective 2025-01-21 until 2031-01-01\n"
                "r1: first refusal on new capacity { respond within 9 days; until earliest of "
                "(2029-01-01, agi) }\n"
                "r2: first refusal on new capacity { respond within 9 days; until 2033-01-01 } }\n"
                "agreement b with big { effective 2026-01-01; supersedes a.r1; supersedes a.r2 }\n",
                (struct deal_attestations){&agi, 1});
    assert_int_equal(world.rights[0].until, agi.instant);
    assert_int_equal(world.rights[0].end, DESK_ENDS_EXPIRED);
    assert_int_equal(world.rights[0].ended_by.id, 0);
    assert_int_equal(world.rights[1].until, INT64_C(1767225600) * OFT_NS_PER_SECOND);
    assert_int_equal(world.rights[1].end, DESK_ENDS_TERMINATED);
    world_end(&world);
}

static void sizes_know_their_units(void **unused)
{
    static const struct {
        const char *floor;
        enum desk_size_kind kind;
        int64_t amount;
    } cases[] = {{"100 gpu", DESK_SIZE_GPU, 100},
                 {"100 gb200", DESK_SIZE_GPU, 100},
                 {"50 MW", DESK_SIZE_MW, 50},
                 {"1000000 gpu-hours", DESK_SIZE_GPU_HOURS, 1000000},
                 {"1 gpu-hour", DESK_SIZE_GPU_HOURS, 1},
                 {"5m USD", DESK_SIZE_MONEY, INT64_C(5000000) * 1000000000}};
    (void)unused;
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        struct world world;
        char clauses[512];
        (void)snprintf(clauses, sizeof(clauses),
                       "agreement a with big { effective 2025-01-21 until 2031-01-01\n"
                       "r: first refusal on new capacity { respond within 9 days; scope floor %s } "
                       "}\n",
                       cases[i].floor);
        world_begin(&world, clauses, NOTHING);
        assert_int_equal(world.rights[0].floor.kind, cases[i].kind);
        assert_true(world.rights[0].floor.amount == cases[i].amount);
        world_end(&world);
    }
}

static enum oft_err code_of(const char *clauses)
{
    struct deal_file file = {"t.deal", {0}};
    struct deal_memory_files files = {&file, 1};
    struct deal_diagnostics diagnostics;
    struct deal *deal;
    struct oft_error error = {0};
    struct oft_arena arena;
    struct desk_right *rights;
    uint32_t count;
    char *text = test_malloc(sizeof(HEAD) + strlen(clauses));
    (void)strcat(strcpy(text, HEAD), clauses);
    file.text = oft_str_from(text);
    deal_diagnostics_init(&diagnostics);
    oft_arena_init(&arena, 1 << 22);
    assert_int_equal(deal_parse("t.deal", deal_load_memory, &files, &deal, &diagnostics, &error),
                     OFT_OK);
    enum oft_err code = desk_rights_of(deal, NOTHING, &arena, &rights, &count);
    deal_diagnostics_release(&diagnostics);
    deal_free(deal);
    oft_arena_release(&arena);
    test_free(text);
    return code;
}

/* A holder that is left out, or a rank that is cut, would be asked too late or never. */
static void more_holders_than_the_desk_asks_are_an_error(void **unused)
{
    struct oft_buffer clauses;
    (void)unused;
    for (unsigned holders = DESK_HOLDERS_MAX; holders <= DESK_HOLDERS_MAX + 1; holders++) {
        oft_buffer_init(&clauses, 1 << 16);
        for (unsigned i = 0; i < holders; i++) {
            oft_buffer_printf(&clauses, "party h%u\n", i);
        }
        oft_buffer_append_text(&clauses, "agreement a with big { effective 2025-01-21\n"
                                         "r: first refusal on new capacity { respond within 9 "
                                         "days\n");
        for (unsigned i = 0; i < holders; i++) {
            oft_buffer_printf(&clauses, "holder h%u rank %u\n", i, i + 1);
        }
        oft_buffer_append_text(&clauses, "} }\n");
        assert_int_equal(code_of(oft_buffer_text(&clauses)),
                         holders <= DESK_HOLDERS_MAX ? OFT_OK : OFT_ERR_LIMIT);
        oft_buffer_release(&clauses);
    }
    assert_int_equal(code_of("agreement a with big { effective 2025-01-21\n"
                             "r: first refusal on new capacity { respond within 9 days\n"
                             "holder big rank 4294967297; holder other rank 2 } }\n"),
                     OFT_ERR_LIMIT);
}

static void silence_of_a_timer_is_following_from_delivery(void **unused)
{
    (void)unused;
    struct world world;
    world_begin(&world,
                "agreement a with big { effective 2025-01-21\n"
                "r: first refusal on new capacity { respond within 9 days; object within 3 hours "
                "from deemed; over-allotment 1 week; sign within 2 months roll none; release 1 "
                "year; reoffer 4 days; deliver within 6 months; partial never } }\n",
                NOTHING);
    const struct desk_right *right = &world.rights[0];
    const struct desk_window *windows = right->windows;
    static const enum oft_period_unit units[] = {
        OFT_PERIOD_DAYS,  OFT_PERIOD_HOURS, OFT_PERIOD_WEEKS, OFT_PERIOD_MONTHS,
        OFT_PERIOD_YEARS, OFT_PERIOD_DAYS,  OFT_PERIOD_MONTHS};
    static const uint32_t counts[] = {9, 3, 1, 2, 1, 4, 6};
    for (unsigned i = 0; i < DESK_WINDOW_KIND_COUNT; i++) {
        assert_true(windows[i].said);
        assert_int_equal(windows[i].period.unit, units[i]);
        assert_int_equal(windows[i].period.count, counts[i]);
        assert_int_equal(windows[i].period.roll,
                         i == DESK_WINDOW_SIGN ? OFT_ROLL_NONE : OFT_ROLL_FOLLOWING);
        assert_int_equal(windows[i].start,
                         i == DESK_WINDOW_OBJECT ? DESK_FROM_DEEMED : DESK_FROM_DELIVERED);
        assert_true(windows[i].calendar.id == 0 && windows[i].zone.id == 0);
    }
    assert_false(right->partial || right->deemed.said || right->standing_cure.said);
    assert_int_equal(right->until, OFT_INSTANT_NEVER);
    world_end(&world);
}

/* ---- the four versions between OpenAI and Microsoft -------------------------------------------- */

static const struct desk_right *right_named(const struct desk_right *rights, uint32_t count,
                                            const char *clause)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(rights[i].clause.text, clause) == 0) {
            return &rights[i];
        }
    }
    fail_msg("no right %s", clause);
    return NULL;
}

static void assert_right(const struct desk_right *right, const char *from, const char *until,
                         enum desk_right_end end, const char *ended_by)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    assert_string_equal(oft_instant_format_short(right->from, text), from);
    assert_string_equal(oft_instant_format_short(right->until, text), until);
    assert_int_equal(right->end, end);
    assert_string_equal(right->ended_by.text, ended_by);
}

static void the_founding_deal_in_all_its_versions(void **unused)
{
    (void)unused;
    struct deal *deal;
    struct deal_diagnostics diagnostics;
    struct oft_error error = {0};
    struct oft_arena arena;
    struct desk_right *rights;
    uint32_t count;
    deal_diagnostics_init(&diagnostics);
    oft_arena_init(&arena, 1 << 22);
    assert_int_equal(deal_parse(OFFTAKE_EXAMPLES "/openai.deal", deal_load_file, NULL, &deal,
                                &diagnostics, &error),
                     OFT_OK);
    assert_int_equal(desk_rights_of(deal, NOTHING, &arena, &rights, &count), OFT_OK);
    assert_int_equal(count, 4);
    const struct desk_right *sole = right_named(rights, count, "ms-2019.sole");
    assert_right(sole, "2019-07-22", "2025-01-21", DESK_ENDS_TERMINATED, "ms-2025-01");
    assert_int_equal(sole->products.count, 0);
    const struct desk_right *api = right_named(rights, count, "ms-2025-01.api");
    assert_right(api, "2025-01-21", "2025-10-28", DESK_ENDS_AMENDED, "ms-2025-10.api");
    assert_string_equal(api->products.items[0].text, "api");
    assert_int_equal(api->except_groups.count, 0);
    api = right_named(rights, count, "ms-2025-10.api");
    assert_right(api, "2025-10-28", "2026-04-27", DESK_ENDS_TERMINATED, "ms-2026-04");
    assert_string_equal(api->except_groups.items[0].text, "national-security");
    const struct desk_right *rofr = right_named(rights, count, "ms-2025-01.rofr");
    assert_right(rofr, "2025-01-21", "2025-10-28", DESK_ENDS_TERMINATED, "ms-2025-10");
    assert_int_equal(rofr->kind, DESK_RIGHT_REFUSAL);
    assert_string_equal(rofr->holders[0].party.text, "microsoft");
    assert_true(rofr->partial && rofr->partial_minimum == 1000 && rofr->partial_step == 8);
    assert_true(rofr->pending_void);
    assert_true(rofr->windows[DESK_WINDOW_RELEASE].said && rofr->windows[DESK_WINDOW_REOFFER].said);
    const struct deal_attestation agi = {deal_find_event(deal, oft_str_from("agi")),
                                         INT64_C(1767225600) * OFT_NS_PER_SECOND};
    assert_int_equal(
        desk_rights_of(deal, (struct deal_attestations){&agi, 1}, &arena, &rights, &count), OFT_OK);
    api = right_named(rights, count, "ms-2025-10.api");
    assert_right(api, "2025-10-28", "2026-01-01", DESK_ENDS_EXPIRED, "");
    deal_diagnostics_release(&diagnostics);
    deal_free(deal);
    oft_arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_is_read_so_that_the_customer_may_do_less),
        cmocka_unit_test(everything_a_clause_says_is_in_the_right),
        cmocka_unit_test(a_superseded_right_is_terminated_and_an_amended_one_has_a_successor),
        cmocka_unit_test(an_exclusive_binds_capacity_unless_it_is_for_a_surface_alone),
        cmocka_unit_test(an_attested_event_ends_a_right),
        cmocka_unit_test(all_groups_excepted_are_the_deals_groups),
        cmocka_unit_test(a_class_without_products_reaches_nothing),
        cmocka_unit_test(an_amendment_that_is_no_right_ends_its_predecessor),
        cmocka_unit_test(the_earliest_end_is_the_one),
        cmocka_unit_test(sizes_know_their_units),
        cmocka_unit_test(more_holders_than_the_desk_asks_are_an_error),
        cmocka_unit_test(silence_of_a_timer_is_following_from_delivery),
        cmocka_unit_test(the_founding_deal_in_all_its_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
