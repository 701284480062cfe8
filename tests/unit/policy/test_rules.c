/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each rule of docs/semantics.md on the smallest deal that shows it, at the instant itself and one
 * nanosecond before and after.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world.h"

#include <string.h>

#define T INT64_C(1000000)

/* Asserts choice I: its pool, its reason, its clause. */
#define assert_choice(compiled, answer, i, pool, why, clause)                    \
    do {                                                                         \
        assert_string_equal(choice_pool(&(compiled), &(answer), (i)), pool);     \
        assert_int_equal((answer).choices[i].reason, why);                       \
        assert_string_equal(choice_clause(&(compiled), &(answer), (i)), clause); \
    } while (0)

static const char *clause_name(const struct compiled *compiled, uint32_t index)
{
    return policy_text(&compiled->view, compiled->view.clauses[index].name).data;
}

static void without_clauses_reserved_comes_first_then_the_cheapest(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;

    (void)state;
    world_init(&world);
    world_compile(&world, &compiled);
    compiled_decide(&compiled, API, "zeta", T, &answer);
    assert_int_equal(answer.eligible_count, 3);
    assert_int_equal(answer.up_count, 3);
    assert_int_equal(answer.barred_count, 0);
    assert_int_equal(answer.refusal_clause, POLICY_NONE);
    assert_choice(compiled, answer, 0, "metal", POLICY_ALLOWED_BY_POOL, "metal.serves.zeta");
    assert_choice(compiled, answer, 1, "west", POLICY_ALLOWED_BY_POOL, "west.serves.zeta");
    assert_choice(compiled, answer, 2, "east", POLICY_ALLOWED_BY_POOL, "east.serves.zeta");
    assert_int_equal(answer.choices[0].candidate->effective_price_nanos, 0);
    assert_int_equal(answer.choices[1].candidate->effective_price_nanos, INT64_C(10000000000));
    compiled_release(&compiled);
}

static void equal_prices_keep_the_order_of_the_deal(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;

    (void)state;
    world_init(&world);
    world.prices[1].per_million_nanos[DEAL_UNIT_INPUT] =
        world.prices[0].per_million_nanos[DEAL_UNIT_INPUT];
    world.prices[1].per_million_nanos[DEAL_UNIT_OUTPUT] =
        world.prices[0].per_million_nanos[DEAL_UNIT_OUTPUT];
    world_compile(&world, &compiled);
    compiled_decide(&compiled, API, "zeta", T, &answer);
    assert_string_equal(choice_pool(&compiled, &answer, 1), "east");
    assert_string_equal(choice_pool(&compiled, &answer, 2), "west");
    compiled_release(&compiled);
}

static void an_exclusive_bars_other_providers_from_its_first_instant_to_its_last(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;
    oft_instant at;

    (void)state;
    world_init(&world);
    (void)world_exclusive(&world, "ms.api", API, AZURE, T, world_until(2 * T));
    world_compile(&world, &compiled);
    for (at = T; at < 2 * T; at += T - 1) { /* the first and the last instant inside */
        compiled_decide(&compiled, API, "zeta", at, &answer);
        assert_int_equal(answer.eligible_count, 1);
        assert_int_equal(answer.barred_count, 2);
        assert_choice(compiled, answer, 0, "east", POLICY_ALLOWED_BY_EXCLUSIVE, "ms.api");
        assert_choice(compiled, answer, 1, "west", POLICY_BARRED_BY_EXCLUSIVE, "ms.api");
        assert_choice(compiled, answer, 2, "metal", POLICY_BARRED_BY_EXCLUSIVE, "ms.api");
    }
    compiled_decide(&compiled, API, "zeta", T - 1, &answer);
    assert_int_equal(answer.eligible_count, 3);
    compiled_decide(&compiled, API, "zeta", 2 * T, &answer);
    assert_int_equal(answer.eligible_count, 3);
    compiled_decide(&compiled, TRAINING, "zeta", T, &answer); /* not its product */
    assert_int_equal(answer.eligible_count, 3);
    compiled_release(&compiled);
}

static void an_exclusive_of_all_products_binds_each(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;

    (void)state;
    world_init(&world);
    (void)world_exclusive(&world, "ms.sole", DEAL_ALL, AZURE, T, world_never);
    world_compile(&world, &compiled);
    compiled_decide(&compiled, TRAINING, "zeta", INT64_MAX, &answer);
    assert_int_equal(answer.eligible_count, 1);
    compiled_decide(&compiled, API, "zeta", T, &answer);
    assert_int_equal(answer.eligible_count, 1);
    compiled_release(&compiled);
}

static void two_exclusives_to_two_providers_leave_nobody(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;

    (void)state;
    world_init(&world);
    (void)world_exclusive(&world, "ms.api", API, AZURE, T, world_never);
    (void)world_exclusive(&world, "or.api", API, OCI, T, world_never);
    world_compile(&world, &compiled);
    compiled_decide(&compiled, API, "zeta", T, &answer);
    assert_int_equal(answer.eligible_count, 0);
    assert_choice(compiled, answer, 0, "east", POLICY_BARRED_BY_EXCLUSIVE, "or.api");
    assert_choice(compiled, answer, 1, "west", POLICY_BARRED_BY_EXCLUSIVE, "ms.api");
    assert_string_equal(clause_name(&compiled, answer.refusal_clause), "or.api");
    compiled_release(&compiled);
}

static void supersession_ends_a_clause_at_its_instant(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;
    uint32_t index;

    (void)state;
    world_init(&world);
    index = world_exclusive(&world, "ms.api", API, AZURE, 0, world_never);
    world.clauses[index].superseded_from = T;
    world_compile(&world, &compiled);
    compiled_decide(&compiled, API, "zeta", T - 1, &answer);
    assert_int_equal(answer.eligible_count, 1);
    compiled_decide(&compiled, API, "zeta", T, &answer);
    assert_int_equal(answer.eligible_count, 3);
    compiled_release(&compiled);
}

static void an_event_ends_a_clause_only_once_attested(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;

    (void)state;
    world_init(&world);
    (void)world_exclusive(&world, "ms.api", API, AZURE, 0, world_on_event(0));
    world_attest(&world, 1, 5); /* another event */
    world_compile(&world, &compiled);
    compiled_decide(&compiled, API, "zeta", INT64_MAX, &answer);
    assert_int_equal(answer.eligible_count, 1);
    compiled_release(&compiled);

    world_attest(&world, 0, T);
    world_compile(&world, &compiled);
    compiled_decide(&compiled, API, "zeta", T - 1, &answer);
    assert_int_equal(answer.eligible_count, 1);
    compiled_decide(&compiled, API, "zeta", T, &answer);
    assert_int_equal(answer.eligible_count, 3);
    compiled_release(&compiled);
}

static void the_earliest_of_several_ends_counts(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;
    struct deal_end parts[2] = {world_until(2 * T), world_on_event(0)};
    struct deal_end until = {.kind = DEAL_END_EARLIEST, .parts = parts, .part_count = 2};

    (void)state;
    world_init(&world);
    (void)world_exclusive(&world, "ms.api", API, AZURE, 0, until);
    world_compile(&world, &compiled);
    compiled_decide(&compiled, API, "zeta", 2 * T - 1, &answer);
    assert_int_equal(answer.eligible_count, 1);
    compiled_release(&compiled);
    world_attest(&world, 0, T);
    world_compile(&world, &compiled);
    compiled_decide(&compiled, API, "zeta", T, &answer);
    assert_int_equal(answer.eligible_count, 3);
    compiled_release(&compiled);
}

static void another_partys_product_needs_a_license_in_force(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;

    (void)state;
    world_init(&world);
    world_compile(&world, &compiled);
    compiled_decide(&compiled, COPILOT, "zeta", T, &answer);
    assert_int_equal(answer.eligible_count, 0);
    assert_choice(compiled, answer, 0, "east", POLICY_BARRED_NO_LICENSE, "license.microsoft");
    assert_string_equal(clause_name(&compiled, answer.refusal_clause), "license.microsoft");
    compiled_release(&compiled);

    (void)world_license(&world, "ms.ip", DEAL_ALL, MICROSOFT, COPILOT, T, world_until(2 * T));
    world_compile(&world, &compiled);
    compiled_decide(&compiled, COPILOT, "zeta", T, &answer);
    assert_int_equal(answer.eligible_count, 3);
    assert_choice(compiled, answer, 0, "metal", POLICY_ALLOWED_BY_LICENSE, "ms.ip");
    compiled_decide(&compiled, COPILOT, "zeta", T - 1, &answer);
    assert_int_equal(answer.eligible_count, 0);
    compiled_decide(&compiled, COPILOT, "zeta", 2 * T, &answer);
    assert_int_equal(answer.eligible_count, 0);
    assert_choice(compiled, answer, 0, "east", POLICY_BARRED_NO_LICENSE, "ms.ip");
    compiled_release(&compiled);
}

static void a_license_covers_only_its_party_product_and_model(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;

    (void)state;
    world_init(&world);
    (void)world_license(&world, "or.ip", DEAL_ALL, ORACLE, COPILOT, 0, world_never);
    (void)world_license(&world, "ms.other", DEAL_ALL, MICROSOFT, API, 5, world_never);
    (void)world_license(&world, "ms.alpha", ALPHA, MICROSOFT, COPILOT, 0, world_never);
    world_compile(&world, &compiled);
    compiled_decide(&compiled, COPILOT, "zeta", T, &answer);
    assert_int_equal(answer.eligible_count, 0);
    assert_string_equal(clause_name(&compiled, answer.refusal_clause), "ms.other");
    compiled_decide(&compiled, COPILOT, "alpha", T, &answer);
    assert_int_equal(answer.eligible_count, 1);
    assert_choice(compiled, answer, 0, "east", POLICY_ALLOWED_BY_LICENSE, "ms.alpha");
    compiled_release(&compiled);
}

static void an_exclusive_is_named_before_the_license(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;

    (void)state;
    world_init(&world);
    (void)world_license(&world, "ms.ip", DEAL_ALL, MICROSOFT, DEAL_ALL, 0, world_until(T));
    (void)world_exclusive(&world, "ms.all", DEAL_ALL, AZURE, 0, world_never);
    world_compile(&world, &compiled);
    compiled_decide(&compiled, COPILOT, "zeta", T - 1, &answer);
    assert_int_equal(answer.eligible_count, 1);
    assert_choice(compiled, answer, 0, "east", POLICY_ALLOWED_BY_EXCLUSIVE, "ms.all");
    /* Exclusivity is no licence: without one, even the exclusive provider may not serve. */
    compiled_decide(&compiled, COPILOT, "zeta", T, &answer);
    assert_int_equal(answer.eligible_count, 0);
    assert_choice(compiled, answer, 0, "west", POLICY_BARRED_BY_EXCLUSIVE, "ms.all");
    assert_choice(compiled, answer, 2, "east", POLICY_BARRED_NO_LICENSE, "ms.ip");
    assert_string_equal(clause_name(&compiled, answer.refusal_clause), "ms.all");
    compiled_release(&compiled);
}

static void a_pool_serves_only_inside_its_window(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;

    (void)state;
    world_init(&world);
    world.pools[METAL].from = T;
    world.pools[METAL].until = world_until(2 * T);
    world_compile(&world, &compiled);
    compiled_decide(&compiled, API, "zeta", T - 1, &answer);
    assert_int_equal(answer.eligible_count, 2);
    assert_choice(compiled, answer, 2, "metal", POLICY_BARRED_POOL_WINDOW, "metal.available");
    compiled_decide(&compiled, API, "zeta", T, &answer);
    assert_int_equal(answer.eligible_count, 3);
    compiled_decide(&compiled, API, "zeta", 2 * T - 1, &answer);
    assert_int_equal(answer.eligible_count, 3);
    compiled_decide(&compiled, API, "zeta", 2 * T, &answer);
    assert_int_equal(answer.eligible_count, 2);
    compiled_release(&compiled);
}

static void a_metered_pool_needs_a_cost_price_and_a_reserved_one_does_not(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;

    (void)state;
    world_init(&world);
    world.prices[1].from = T; /* west zeta */
    world_compile(&world, &compiled);
    compiled_decide(&compiled, API, "zeta", T - 1, &answer);
    assert_int_equal(answer.eligible_count, 2);
    assert_string_equal(choice_pool(&compiled, &answer, 0), "metal");
    assert_choice(compiled, answer, 2, "west", POLICY_BARRED_NO_PRICE, "west.price.zeta");
    compiled_decide(&compiled, API, "zeta", T, &answer);
    assert_int_equal(answer.eligible_count, 3);
    compiled_release(&compiled);
}

static void inference_needs_a_sale_price_and_training_does_not(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;

    (void)state;
    world_init(&world);
    world.prices[3].until = world_until(T); /* api */
    world_compile(&world, &compiled);
    compiled_decide(&compiled, API, "zeta", T - 1, &answer);
    assert_int_equal(answer.eligible_count, 3);
    compiled_decide(&compiled, API, "zeta", T, &answer);
    assert_int_equal(answer.eligible_count, 0);
    assert_choice(compiled, answer, 0, "east", POLICY_BARRED_NO_PRICE, "api.price.zeta");
    compiled_decide(&compiled, TRAINING, "zeta", T, &answer);
    assert_int_equal(answer.eligible_count, 3);
    compiled_release(&compiled);
}

static void several_bars_name_the_first_by_priority(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;

    (void)state;
    world_init(&world);
    world.products[API].owner_party = ORACLE; /* no licence */
    world.pools[WEST].from = INT64_MAX - 1;   /* no window */
    world.prices[0].from = INT64_MAX - 1;     /* no price for east */
    (void)world_exclusive(&world, "cw.api", API, CW, 0, world_until(T));
    world_compile(&world, &compiled);
    compiled_decide(&compiled, API, "zeta", T - 1, &answer);
    assert_choice(compiled, answer, 0, "east", POLICY_BARRED_BY_EXCLUSIVE, "cw.api");
    assert_choice(compiled, answer, 1, "west", POLICY_BARRED_BY_EXCLUSIVE, "cw.api");
    assert_choice(compiled, answer, 2, "metal", POLICY_BARRED_NO_LICENSE, "license.oracle");
    compiled_decide(&compiled, API, "zeta", T, &answer);
    assert_choice(compiled, answer, 1, "west", POLICY_BARRED_NO_LICENSE, "license.oracle");
    compiled_release(&compiled);

    world.products[API].owner_party = OPENAI;
    world_compile(&world, &compiled);
    compiled_decide(&compiled, API, "zeta", T, &answer);
    assert_int_equal(answer.eligible_count, 1);
    assert_choice(compiled, answer, 1, "west", POLICY_BARRED_POOL_WINDOW, "west.available");
    assert_choice(compiled, answer, 2, "east", POLICY_BARRED_NO_PRICE, "east.price.zeta");
    compiled_release(&compiled);
}

static void a_commitment_behind_its_line_makes_its_provider_free(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;
    uint32_t index;

    (void)state;
    world_init(&world);
    index = world_commit(&world, "ms.commit", AZURE, API, T, 2 * T);
    world_compile(&world, &compiled);
    compiled_decide(&compiled, API, "zeta", T, &answer);
    assert_string_equal(choice_pool(&compiled, &answer, 1), "west"); /* not behind */
    compiled_release(&compiled);

    world.values[index] = DEAL_RATE_ONE;
    world_compile(&world, &compiled);
    compiled_decide(&compiled, API, "zeta", T, &answer);
    assert_string_equal(choice_pool(&compiled, &answer, 0), "metal"); /* reserved stays first */
    assert_string_equal(choice_pool(&compiled, &answer, 1), "east");
    assert_int_equal(answer.choices[1].candidate->effective_price_nanos, 0);
    compiled_decide(&compiled, API, "zeta", T - 1, &answer);
    assert_string_equal(choice_pool(&compiled, &answer, 1), "west");
    compiled_decide(&compiled, API, "zeta", 2 * T, &answer);
    assert_string_equal(choice_pool(&compiled, &answer, 1), "west");
    compiled_decide(&compiled, TRAINING, "zeta", T, &answer); /* not counted */
    assert_string_equal(choice_pool(&compiled, &answer, 1), "west");
    compiled_release(&compiled);
}

/* East costs 3 or 5 and saves what the commitment says; a dearer excess is dearer. */
static void what_spend_saves_is_taken_from_the_price(void **state)
{
    static const struct {
        int64_t value, weight, percent; /* of the nominal price */
    } cases[] = {{0, 1000000000, 100},          {900000000, 1000000000, 10},
                 {900000000, 500000000, 55},    {1000000000, 250000000, 75},
                 {-200000000, 1000000000, 120}, {1000000000, 0, 100}};
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        struct world world;
        struct compiled compiled;
        struct policy_answer answer;
        int64_t nominal = 0;
        world_init(&world);
        uint32_t index = world_commit(&world, "ms.commit", AZURE, API, T, 2 * T);
        for (int pass = 0; pass < 2; pass++) {
            world.values[index] = pass == 0 ? 0 : cases[i].value;
            world.weights[index] = cases[i].weight;
            world_compile(&world, &compiled);
            compiled_decide(&compiled, API, "zeta", T, &answer);
            for (uint32_t c = 0; c < answer.eligible_count; c++) {
                int64_t price = answer.choices[c].candidate->effective_price_nanos;
                if (strcmp(choice_pool(&compiled, &answer, c), "east") != 0) {
                    continue;
                }
                nominal = pass == 0 ? price : nominal;
                assert_true(pass == 0 || price * 100 == nominal * cases[i].percent);
            }
            compiled_release(&compiled);
        }
        assert_true(nominal > 0);
    }
}

static void pools_that_are_down_go_behind_those_that_are_up(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;
    struct pool_slot down = {.down_until_ns = 101};
    struct pool_slot *pools[3] = {NULL, NULL, &down};
    struct policy_query query = {.instant_ns = T, .now_ns = 100, .product = API, .pools = pools};

    (void)state;
    world_init(&world);
    world_compile(&world, &compiled);
    query.model = policy_find_model(&compiled.view, oft_str_from("zeta"));
    decide_query(&compiled.view, &query, &answer);
    assert_int_equal(answer.up_count, 2);
    assert_int_equal(answer.eligible_count, 3);
    assert_string_equal(choice_pool(&compiled, &answer, 0), "west");
    assert_string_equal(choice_pool(&compiled, &answer, 2), "metal");
    assert_true(answer.choices[2].down);
    query.now_ns = 101; /* up when down_until <= now */
    decide_query(&compiled.view, &query, &answer);
    assert_int_equal(answer.up_count, 3);
    assert_string_equal(choice_pool(&compiled, &answer, 0), "metal");
    compiled_release(&compiled);
}

static void a_region_bars_the_pools_outside_it(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;
    struct policy_query query = {.instant_ns = T, .product = API, .region = "eu-west"};

    (void)state;
    world_init(&world);
    (void)world_exclusive(&world, "ms.api", API, AZURE, 2 * T, world_never);
    world_compile(&world, &compiled);
    query.model = policy_find_model(&compiled.view, oft_str_from("zeta"));
    decide_query(&compiled.view, &query, &answer);
    assert_int_equal(answer.eligible_count, 1);
    assert_int_equal(answer.barred_count, 2);
    assert_string_equal(choice_pool(&compiled, &answer, 0), "west");
    assert_choice(compiled, answer, 1, "metal", POLICY_BARRED_BY_REGION, "metal.serves.zeta");
    /* The contract bars the only pool there: its clause is the one to name. */
    query.instant_ns = 2 * T;
    decide_query(&compiled.view, &query, &answer);
    assert_int_equal(answer.eligible_count, 0);
    assert_string_equal(clause_name(&compiled, answer.refusal_clause), "ms.api");
    query.instant_ns = T;
    query.region = "mars";
    decide_query(&compiled.view, &query, &answer);
    assert_int_equal(answer.eligible_count, 0);
    assert_int_equal(answer.barred_count, 3);
    assert_string_equal(clause_name(&compiled, answer.refusal_clause), "metal.serves.zeta");
    compiled_release(&compiled);
}

static void a_model_without_pools_and_a_wrong_index_are_refused(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;
    struct policy_query query = {.product = 99, .model = 0};

    (void)state;
    world_init(&world);
    world.deal.serve_count = 3; /* nobody serves alpha */
    world_compile(&world, &compiled);
    compiled_decide(&compiled, API, "alpha", T, &answer);
    assert_int_equal(answer.eligible_count + answer.barred_count, 0);
    assert_int_equal(answer.refusal_clause, POLICY_NONE);
    decide_query(&compiled.view, &query, &answer);
    assert_int_equal(answer.eligible_count + answer.barred_count, 0);
    compiled_decide(&compiled, API, "no such model", T, &answer);
    assert_int_equal(answer.eligible_count + answer.barred_count, 0);
    compiled_release(&compiled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_clauses_reserved_comes_first_then_the_cheapest),
        cmocka_unit_test(equal_prices_keep_the_order_of_the_deal),
        cmocka_unit_test(an_exclusive_bars_other_providers_from_its_first_instant_to_its_last),
        cmocka_unit_test(an_exclusive_of_all_products_binds_each),
        cmocka_unit_test(two_exclusives_to_two_providers_leave_nobody),
        cmocka_unit_test(supersession_ends_a_clause_at_its_instant),
        cmocka_unit_test(an_event_ends_a_clause_only_once_attested),
        cmocka_unit_test(the_earliest_of_several_ends_counts),
        cmocka_unit_test(another_partys_product_needs_a_license_in_force),
        cmocka_unit_test(a_license_covers_only_its_party_product_and_model),
        cmocka_unit_test(an_exclusive_is_named_before_the_license),
        cmocka_unit_test(a_pool_serves_only_inside_its_window),
        cmocka_unit_test(a_metered_pool_needs_a_cost_price_and_a_reserved_one_does_not),
        cmocka_unit_test(inference_needs_a_sale_price_and_training_does_not),
        cmocka_unit_test(several_bars_name_the_first_by_priority),
        cmocka_unit_test(a_commitment_behind_its_line_makes_its_provider_free),
        cmocka_unit_test(what_spend_saves_is_taken_from_the_price),
        cmocka_unit_test(pools_that_are_down_go_behind_those_that_are_up),
        cmocka_unit_test(a_region_bars_the_pools_outside_it),
        cmocka_unit_test(a_model_without_pools_and_a_wrong_index_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
