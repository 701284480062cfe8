/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths: what each one is, which kinds of endpoints speak it, and where a request runs that names no
 * model.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define JUNE INT64_C(1748736000000000000) /* 2025-06-01 */

static enum policy_path path_of(const char *uri, bool post)
{
    size_t length = strlen(uri);
    char *copy = malloc(length + 1); /* its own size: a read past the end is seen */
    enum policy_path path;

    memcpy(copy, uri, length);
    path = policy_path_of(copy, length, post);
    free(copy);
    return path;
}

static void every_path_is_what_it_is_and_its_neighbours_are_not(void **state)
{
    static const struct {
        const char *uri;
        enum policy_path post, get;
    } cases[] = {
        {"/v1/chat/completions", POLICY_PATH_CHAT, POLICY_PATH_LIST},
        {"/v1/chat/completions/x", POLICY_PATH_STORED, POLICY_PATH_STORED},
        {"/v1/chat/completionz", POLICY_PATH_UNKNOWN, POLICY_PATH_UNKNOWN},
        {"/v1/completions", POLICY_PATH_COMPLETIONS, POLICY_PATH_COMPLETIONS},
        {"/v1/moderations", POLICY_PATH_MODERATIONS, POLICY_PATH_MODERATIONS},
        {"/v1/embeddings", POLICY_PATH_EMBEDDINGS, POLICY_PATH_EMBEDDINGS},
        {"/v1/responses", POLICY_PATH_RESPONSES, POLICY_PATH_RESPONSES},
        {"/v1/responses/compact", POLICY_PATH_RESPONSE_WORK, POLICY_PATH_RESPONSE_WORK},
        {"/v1/responses/resp_1", POLICY_PATH_STORED, POLICY_PATH_STORED},
        {"/v1/responses/resp_1/cancel", POLICY_PATH_STORED, POLICY_PATH_STORED},
        {"/v1/responses/", POLICY_PATH_UNKNOWN, POLICY_PATH_UNKNOWN},
        {"/v1/models", POLICY_PATH_MODELS, POLICY_PATH_MODELS},
        {"/v1/models/a/b", POLICY_PATH_MODEL, POLICY_PATH_MODEL},
        {"/v1/messages", POLICY_PATH_MESSAGES, POLICY_PATH_MESSAGES},
        {"/v1/messages/count_tokens", POLICY_PATH_COUNT_TOKENS, POLICY_PATH_COUNT_TOKENS},
        {"/v1/messages/batches", POLICY_PATH_MESSAGE_STORE, POLICY_PATH_MESSAGE_LIST},
        {"/v1/messages/batches/b", POLICY_PATH_MESSAGE_STORED, POLICY_PATH_MESSAGE_STORED},
        {"/v1/files", POLICY_PATH_STORE, POLICY_PATH_LIST},
        {"/v1/files/f/content", POLICY_PATH_STORED, POLICY_PATH_STORED},
        {"/v1/uploads/u/parts", POLICY_PATH_STORED, POLICY_PATH_STORED},
        {"/v1/batches", POLICY_PATH_STORE, POLICY_PATH_LIST},
        {"/v1/images/edits", POLICY_PATH_IMAGE_FORMS, POLICY_PATH_IMAGE_FORMS},
        {"/v1/audio/speech", POLICY_PATH_SPEECH, POLICY_PATH_SPEECH},
        {"/v1/audio/translations", POLICY_PATH_AUDIO_FORMS, POLICY_PATH_AUDIO_FORMS},
        {"/V1/chat/completions", POLICY_PATH_UNKNOWN, POLICY_PATH_UNKNOWN},
        {"/v1/rerank", POLICY_PATH_UNKNOWN, POLICY_PATH_UNKNOWN},
        {"/", POLICY_PATH_UNKNOWN, POLICY_PATH_UNKNOWN},
    };
    size_t i;

    (void)state;
    for (i = 0; i < OFT_COUNT_OF(cases); i++) {
        if (path_of(cases[i].uri, true) != cases[i].post ||
            path_of(cases[i].uri, false) != cases[i].get) {
            fail_msg("%s is taken for %s", cases[i].uri,
                     policy_path_info(path_of(cases[i].uri, true))->name);
        }
    }
}

static void what_needs_a_model_passes_nowhere_without_one(void **state)
{
    int path;

    (void)state;
    for (path = 0; path < POLICY_PATH_COUNT; path++) {
        const struct policy_path_info *info = policy_path_info((enum policy_path)path);
        bool own = info->form == POLICY_FORM_OWN;

        assert_true(info->name != NULL && info->name[0] != '\0');
        assert_true(own == (info->speaks == 0));
        /* A query is never sent where the body decides. */
        assert_true((info->flags & POLICY_PATH_QUERY) == 0 || info->form == POLICY_FORM_BARE ||
                    info->form == POLICY_FORM_ANY);
    }
}

static void a_pattern_holds_itself_or_what_begins_like_it(void **state)
{
    (void)state;
    assert_true(policy_pattern_holds(oft_str_from("*"), "/any", 4));
    assert_true(policy_pattern_holds(oft_str_from("/v1/rerank"), "/v1/rerank", 10));
    assert_false(policy_pattern_holds(oft_str_from("/v1/rerank"), "/v1/reranks", 11));
    assert_true(policy_pattern_holds(oft_str_from("/v1/a/*"), "/v1/a/b/c", 9));
    assert_false(policy_pattern_holds(oft_str_from("/v1/a/*"), "/v1/a", 5));
}

static void decide_bare(const struct compiled *compiled, const struct policy_query *query,
                        struct policy_answer *answer)
{
    static struct policy_choice choices[OFT_POOLS_PER_DECISION_MAX];

    policy_decide_bare(&compiled->view, query, choices, OFT_POOLS_PER_DECISION_MAX, answer);
}

static struct policy_query bare_query(void)
{
    return (struct policy_query){.instant_ns = JUNE,
                                 .product = API,
                                 .model = POLICY_NONE,
                                 .account = POLICY_NONE,
                                 .with_barred = true};
}

static void without_a_model_pools_come_in_the_order_of_the_deal_each_once(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;
    struct policy_query query = bare_query();

    (void)state;
    world_init(&world);
    world_compile(&world, &compiled);
    decide_bare(&compiled, &query, &answer);
    assert_int_equal(answer.eligible_count, 3);
    assert_int_equal(answer.up_count, 3);
    assert_string_equal(choice_pool(&compiled, &answer, 0), "east");
    assert_string_equal(choice_pool(&compiled, &answer, 1), "west");
    assert_string_equal(choice_pool(&compiled, &answer, 2), "metal");
    query.home = true;
    decide_bare(&compiled, &query, &answer);
    assert_int_equal(answer.eligible_count, 1);
    assert_string_equal(choice_pool(&compiled, &answer, 0), "east");
    compiled_release(&compiled);
}

static void a_clause_bars_a_pool_for_requests_without_a_model_too(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;
    struct policy_query query = bare_query();

    (void)state;
    world_init(&world);
    (void)world_exclusive(&world, "a.only", API, OCI, 0, world_never);
    world_compile(&world, &compiled);
    decide_bare(&compiled, &query, &answer);
    assert_int_equal(answer.eligible_count, 1);
    assert_string_equal(choice_pool(&compiled, &answer, 0), "west");
    assert_int_equal(answer.barred_count, 2);
    query.only_pool = 1 + EAST;
    decide_bare(&compiled, &query, &answer);
    assert_int_equal(answer.eligible_count, 0);
    assert_false(answer.unspoken);
    assert_true(oft_str_is(
        policy_text(&compiled.view, compiled.view.clauses[answer.refusal_clause].name), "a.only"));
    compiled_release(&compiled);
}

static void a_pool_that_is_down_goes_last_and_stays_in_the_list(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;
    struct policy_query query = bare_query();
    struct pool_slot down = {.down_until_ns = 10};
    struct pool_slot *pools[3] = {&down, NULL, NULL};

    (void)state;
    world_init(&world);
    world_compile(&world, &compiled);
    query.pools = pools;
    query.now_ns = 5;
    decide_bare(&compiled, &query, &answer);
    assert_int_equal(answer.eligible_count, 3);
    assert_int_equal(answer.up_count, 2);
    assert_string_equal(choice_pool(&compiled, &answer, 0), "west");
    assert_string_equal(choice_pool(&compiled, &answer, 2), "east");
    query.home = true; /* the first pool stays the first: what it keeps is nowhere else */
    decide_bare(&compiled, &query, &answer);
    assert_int_equal(answer.up_count, 0);
    assert_string_equal(choice_pool(&compiled, &answer, 0), "east");
    compiled_release(&compiled);
}

static void a_pool_of_another_dialect_is_no_candidate(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;
    struct policy_query query = bare_query();

    (void)state;
    world_init(&world);
    world.serves[EAST_ZETA].kind = DEAL_KIND_ANTHROPIC;
    world.serves[EAST_ALPHA].kind = DEAL_KIND_ANTHROPIC;
    world_compile(&world, &compiled);
    query.speaks = policy_path_info(POLICY_PATH_MESSAGES)->speaks;
    query.model = policy_find_model(&compiled.view, oft_str_from("zeta"));
    decide_query(&compiled.view, &query, &answer);
    assert_int_equal(answer.eligible_count, 1);
    assert_string_equal(choice_pool(&compiled, &answer, 0), "east");
    assert_int_equal(answer.barred_count, 2);
    assert_int_equal(answer.choices[1].reason, POLICY_BARRED_BY_KIND);
    query.speaks = policy_path_info(POLICY_PATH_CHAT)->speaks;
    query.model = policy_find_model(&compiled.view, oft_str_from("alpha"));
    decide_query(&compiled.view, &query, &answer);
    assert_int_equal(answer.eligible_count, 0);
    assert_true(answer.unspoken);
    assert_int_equal(answer.refusal_clause, POLICY_NONE);
    decide_bare(&compiled, &query, &answer);
    assert_int_equal(answer.eligible_count, 2);
    compiled_release(&compiled);
}

static void a_pool_that_is_named_is_the_only_one(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;
    struct policy_query query = bare_query();

    (void)state;
    world_init(&world);
    world_compile(&world, &compiled);
    query.model = policy_find_model(&compiled.view, oft_str_from("zeta"));
    query.only_pool = 1 + WEST;
    decide_query(&compiled.view, &query, &answer);
    assert_int_equal(answer.eligible_count, 1);
    assert_string_equal(choice_pool(&compiled, &answer, 0), "west");
    query.model = policy_find_model(&compiled.view, oft_str_from("alpha"));
    decide_query(&compiled.view, &query, &answer); /* west does not serve it */
    assert_int_equal(answer.eligible_count, 0);
    assert_int_equal(answer.refusal_clause, POLICY_NONE);
    compiled_release(&compiled);
}

static void the_price_without_a_model_is_that_of_the_star_alone(void **state)
{
    struct world world;
    struct compiled compiled;
    const struct policy_price *price;

    (void)state;
    world_init(&world);
    world_compile(&world, &compiled);
    price = policy_find_sale(&compiled.view, API, POLICY_NONE, JUNE);
    assert_non_null(price);
    assert_null(policy_find_sale(&compiled.view, TRAINING, POLICY_NONE, JUNE));
    assert_null(policy_find_bare_cost(&compiled.view, EAST, JUNE)); /* zeta's and alpha's only */
    compiled_release(&compiled);
}

static void a_path_passes_under_its_product_and_no_other(void **state)
{
    static const char *const patterns[] = {"/v1/rerank", "/v1/x/*"};
    struct world world;
    struct compiled compiled;

    (void)state;
    world_init(&world);
    world.products[API].passes = (struct deal_names){patterns, 2};
    world_compile(&world, &compiled);
    assert_true(policy_passes(&compiled.view, API, "/v1/rerank", 10));
    assert_true(policy_passes(&compiled.view, API, "/v1/x/y", 7));
    assert_false(policy_passes(&compiled.view, API, "/v1/y", 5));
    assert_false(policy_passes(&compiled.view, COPILOT, "/v1/rerank", 10));
    compiled_release(&compiled);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_path_is_what_it_is_and_its_neighbours_are_not),
        cmocka_unit_test(what_needs_a_model_passes_nowhere_without_one),
        cmocka_unit_test(a_pattern_holds_itself_or_what_begins_like_it),
        cmocka_unit_test(without_a_model_pools_come_in_the_order_of_the_deal_each_once),
        cmocka_unit_test(a_clause_bars_a_pool_for_requests_without_a_model_too),
        cmocka_unit_test(a_pool_that_is_down_goes_last_and_stays_in_the_list),
        cmocka_unit_test(a_pool_of_another_dialect_is_no_candidate),
        cmocka_unit_test(a_pool_that_is_named_is_the_only_one),
        cmocka_unit_test(the_price_without_a_model_is_that_of_the_star_alone),
        cmocka_unit_test(a_path_passes_under_its_product_and_no_other),
    };
    return cmocka_run_group_tests_name("policy paths", tests, NULL, NULL);
}
