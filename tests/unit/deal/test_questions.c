/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to a deal about time and scope: ends, conditions, durations, who is covered, versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "deal/deal.h"

static const char TEXT[] =
    "deal \"D\"; customer lab; currency USD\n"
    "party big \"Big\"; party ms \"MS\"\n"
    "provider east of big; provider west of big\n"
    "event a attested by big; event b attested by big\n"
    "group gov \"Gov\"; surface shop \"Shop\"; field toys \"Toys\"\n"
    "model m; model n\n"
    "product api class inference; product train class training\n"
    "product bing class inference of ms; product doll class inference of ms field toys\n"
    "account acme; account agency in gov; account buyer via shop\n"
    "agreement one with big {\n"
    "    effective 2025-01-01 until 2030-01-01\n"
    "    only: exclusive api, class training on east except gov until earliest of (2028-01-01, a)\n"
    "    shop: exclusive class inference on east through shop until b\n"
    "    lic: license models m to ms for bing, doll except field toys\n"
    "    share: share 10% of revenue from api from lab to big monthly cap 5m USD {\n"
    "        payment within 30 days\n"
    "    }\n"
    "    pay: commit 1m USD on east over 2025-01-01..2026-01-01 build-up counting api, class "
    "training 50%\n"
    "    first: primary east for all ship first lead 1 month unless (a and b)\n"
    "}\n"
    "agreement two with big {\n"
    "    effective 2026-01-01\n"
    "    supersedes one.shop\n"
    "    only: amend one.only until 2029-01-01\n"
    "    share: amend one.share with cap 7m USD until 2027-01-01\n"
    "}\n"
    "pool p on east {\n"
    "    available from 2025-01-31\n"
    "    serves m at http://127.0.0.1:1/v1 kind openai\n"
    "    price * input 1 USD per 1M tokens\n"
    "}\n";

struct fixture {
    struct deal *deal;
    struct deal_diagnostics diagnostics;
};

static int setup(void **state)
{
    static struct fixture fixture;
    struct deal_file file = {"d", {TEXT, sizeof(TEXT) - 1}};
    struct deal_memory_files files = {&file, 1};
    struct oft_error error = {0};
    deal_diagnostics_init(&fixture.diagnostics);
    if (deal_parse("d", deal_load_memory, &files, &fixture.deal, &fixture.diagnostics, &error) !=
        OFT_OK) {
        struct oft_buffer out;
        oft_buffer_init(&out, 1u << 20);
        deal_diagnostics_print(&fixture.diagnostics, false, &out);
        print_error("%s\n", oft_buffer_text(&out));
        return -1;
    }
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    deal_free(fixture->deal);
    deal_diagnostics_release(&fixture->diagnostics);
    return 0;
}

static oft_instant at(const char *text)
{
    oft_instant instant = 0;
    assert_int_equal(oft_instant_parse(oft_str_from(text), &instant), OFT_OK);
    return instant;
}

static const struct deal_clause *clause_of(void **state, const char *id)
{
    const struct deal *deal = ((struct fixture *)*state)->deal;
    uint32_t index = deal_find_clause(deal, oft_str_from(id));
    assert_int_not_equal(index, DEAL_NONE);
    return &deal->clauses[index];
}

static const struct deal_attestations nothing = {NULL, 0};

static void months_end_on_the_last_day_of_a_shorter_one(void **state)
{
    static const struct {
        const char *from;
        uint32_t count;
        enum deal_duration_unit unit;
        const char *to;
    } cases[] = {
        {"2025-01-31", 1, DEAL_MONTHS, "2025-02-28"},
        {"2024-01-31", 1, DEAL_MONTHS, "2024-02-29"},
        {"2024-02-29", 1, DEAL_YEARS, "2025-02-28"},
        {"2024-02-29", 4, DEAL_YEARS, "2028-02-29"},
        {"2025-12-31T23:59:59.999999999Z", 2, DEAL_MONTHS, "2026-02-28T23:59:59.999999999Z"},
        {"2025-03-30", 24, DEAL_HOURS, "2025-03-31"},
        {"2025-03-30", 2, DEAL_WEEKS, "2025-04-13"},
        {"2025-03-30", 3, DEAL_DAYS, "2025-04-02"},
        {"2025-11-30", 13, DEAL_MONTHS, "2026-12-30"},
    };
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        struct deal_duration duration = {cases[i].count, cases[i].unit};
        assert_int_equal(deal_duration_after(at(cases[i].from), duration), at(cases[i].to));
    }
    assert_int_equal(deal_duration_after(at("2261-01-01"), (struct deal_duration){5, DEAL_YEARS}),
                     OFT_INSTANT_NEVER);
    assert_int_equal(
        deal_duration_after(at("2025-01-01"), (struct deal_duration){100000, DEAL_YEARS}),
        OFT_INSTANT_NEVER);
    assert_int_equal(deal_duration_after(OFT_INSTANT_ALWAYS, (struct deal_duration){9, DEAL_DAYS}),
                     OFT_INSTANT_ALWAYS);
}

static void a_clause_ends_by_the_earliest_of_its_ends(void **state)
{
    struct deal_attestation event = {0, at("2025-06-01")};
    const struct deal_clause *only = clause_of(state, "one.only");
    assert_int_equal(deal_clause_until(only, nothing), at("2026-01-01")); /* amended */
    assert_int_equal(deal_clause_until(only, (struct deal_attestations){&event, 1}),
                     at("2025-06-01"));
    assert_int_equal(deal_clause_until(clause_of(state, "two.only"), nothing), at("2029-01-01"));
    assert_int_equal(deal_clause_until(clause_of(state, "one.shop"), nothing), at("2026-01-01"));
    assert_string_equal(clause_of(state, "one.shop")->superseded_by, "two");
    assert_string_equal(only->superseded_by, "two.only");
}

static void an_amendment_keeps_what_it_does_not_name(void **state)
{
    const struct deal_clause *only = clause_of(state, "two.only");
    const struct deal_clause *share = clause_of(state, "two.share");
    assert_int_equal(only->as.exclusive.except_groups.count, 1);
    assert_int_equal(only->as.exclusive.products.count, 2);
    assert_true(share->as.share.total_cap_nanos == 7 * 1000000 * (oft_nanos)OFT_NANOS_PER_UNIT);
    assert_int_equal(share->as.share.rate_ppb, 100000000);
    assert_non_null(deal_terms_find(share->terms, DEAL_TERM_PAYMENT));
    assert_int_equal(deal_clause_until(share, nothing), at("2027-01-01"));
    assert_true(clause_of(state, "one.share")->as.share.total_cap_nanos ==
                5 * 1000000 * (oft_nanos)OFT_NANOS_PER_UNIT);
}

static void groups_and_surfaces_say_who_is_covered(void **state)
{
    const struct deal *deal = ((struct fixture *)*state)->deal;
    const struct deal_exclusive *only = &clause_of(state, "one.only")->as.exclusive;
    const struct deal_exclusive *shop = &clause_of(state, "one.shop")->as.exclusive;
    uint32_t api = deal_find_product(deal, OFT_STR_LITERAL("api"));
    uint32_t train = deal_find_product(deal, OFT_STR_LITERAL("train"));
    uint32_t acme = deal_find_account(deal, OFT_STR_LITERAL("acme"));
    uint32_t agency = deal_find_account(deal, OFT_STR_LITERAL("agency"));
    uint32_t buyer = deal_find_account(deal, OFT_STR_LITERAL("buyer"));
    assert_true(deal_exclusive_covers(deal, only, api, acme));
    assert_true(deal_exclusive_covers(deal, only, train, DEAL_NONE));
    assert_false(deal_exclusive_covers(deal, only, api, agency));
    assert_false(deal_exclusive_covers(deal, shop, api, acme));
    assert_false(deal_exclusive_covers(deal, shop, api, DEAL_NONE));
    assert_true(deal_exclusive_covers(deal, shop, api, buyer));
    assert_false(deal_exclusive_covers(deal, shop, train, buyer));
}

static void a_licence_leaves_out_a_field(void **state)
{
    const struct deal *deal = ((struct fixture *)*state)->deal;
    const struct deal_license *license = &clause_of(state, "one.lic")->as.license;
    uint32_t bing = deal_find_product(deal, OFT_STR_LITERAL("bing"));
    uint32_t doll = deal_find_product(deal, OFT_STR_LITERAL("doll"));
    assert_true(deal_license_covers(deal, license, bing, 0));
    assert_false(deal_license_covers(deal, license, bing, 1));
    assert_false(deal_license_covers(deal, license, doll, 0));
}

static void shipping_waits_for_the_lead_or_for_both_events(void **state)
{
    const struct deal *deal = ((struct fixture *)*state)->deal;
    const struct deal_primary *primary = &clause_of(state, "one.first")->as.primary;
    struct deal_attestation both[2] = {{0, at("2025-02-01")}, {1, at("2025-02-03")}};
    assert_int_equal(deal_shipped_from(deal, primary, 0, nothing), at("2025-02-28"));
    assert_int_equal(deal_shipped_from(deal, primary, 1, nothing), OFT_INSTANT_NEVER);
    assert_int_equal(deal_shipped_from(deal, primary, 0, (struct deal_attestations){both, 1}),
                     at("2025-02-28"));
    assert_int_equal(deal_shipped_from(deal, primary, 0, (struct deal_attestations){both, 2}),
                     at("2025-02-03"));
    assert_int_equal(deal_shipped_from(deal, primary, 1, (struct deal_attestations){both, 2}),
                     at("2025-02-03"));
}

static void a_weighted_list_keeps_its_weights(void **state)
{
    const struct deal_commit *commit = &clause_of(state, "one.pay")->as.commit;
    assert_int_equal(commit->products.count, 2);
    assert_int_equal(commit->weights_ppb[0], DEAL_RATE_ONE);
    assert_int_equal(commit->weights_ppb[1], DEAL_RATE_ONE / 2);
}

static void what_a_party_signs_can_be_read(void **state)
{
    struct oft_buffer out;
    (void)state;
    oft_buffer_init(&out, 4096);
    deal_attestation_statement("My deal", "agi", "panel", at("2027-03-01T12:30:00.5Z"), &out);
    assert_string_equal(oft_buffer_text(&out),
                        "offtake attestation 1\ndeal My deal\nevent agi\nby panel\n"
                        "at 2027-03-01T12:30:00.5Z\n");
    oft_buffer_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(months_end_on_the_last_day_of_a_shorter_one),
        cmocka_unit_test(a_clause_ends_by_the_earliest_of_its_ends),
        cmocka_unit_test(an_amendment_keeps_what_it_does_not_name),
        cmocka_unit_test(groups_and_surfaces_say_who_is_covered),
        cmocka_unit_test(a_licence_leaves_out_a_field),
        cmocka_unit_test(shipping_waits_for_the_lead_or_for_both_events),
        cmocka_unit_test(a_weighted_list_keeps_its_weights),
        cmocka_unit_test(what_a_party_signs_can_be_read),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
