/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes: what compiles opens, opens the same for the same input, and what is damaged does not
 * open or does no harm. Run under AddressSanitizer the mutations prove that no index escapes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "world.h"

#define CHECKED_FROM (offsetof(struct policy_header, crc32c) + sizeof(uint32_t))

static struct oft_str text_of(const struct compiled *compiled, struct policy_text text)
{
    return policy_text(&compiled->view, text);
}

static void key_number(uint32_t number, struct policy_key_input *key)
{
    uint8_t seed[4] = {(uint8_t)number, (uint8_t)(number >> 8), (uint8_t)(number >> 16), 1};

    assert_int_equal(oft_sha256_once(seed, sizeof(seed), key->sha256), OFT_OK);
    key->key_id = number + 1;
    key->account = number % 2 == 0 ? "acme" : "bolt";
    key->product = number % 3 == 0 ? "api" : "training";
}

static void make_small_world(struct world *world, struct policy_key_input keys[3])
{
    uint32_t i;

    world_init(world);
    (void)world_exclusive(world, "ms.api", API, AZURE, 100, world_until(200));
    (void)world_license(world, "ms.ip", DEAL_ALL, MICROSOFT, COPILOT, 150, world_never);
    (void)world_ceiling(world, "ms.cap", AZURE, 5000, 100, world_until(200));
    world->products[API].limits.budget_nanos[DEAL_BUDGET_DAY] = 1000;
    world->accounts[0].limits.tokens_per_minute = 77;
    world->pools[WEST].limits.concurrent = 3;
    for (i = 0; i < 3; i++) {
        memset(&keys[i], 0, sizeof(keys[i]));
        key_number(i, &keys[i]);
    }
    keys[0].limits.requests_per_minute = 9;
    world->input.keys = keys;
    world->input.key_count = 3;
}

static void the_same_input_makes_the_same_bytes(void **state)
{
    struct world worlds[2];
    struct policy_key_input keys[2][3];
    struct compiled compiled[2];
    int i;

    (void)state;
    for (i = 0; i < 2; i++) {
        make_small_world(&worlds[i], keys[i]);
        world_compile(&worlds[i], &compiled[i]);
    }
    assert_int_equal(compiled[0].bytes.length, compiled[1].bytes.length);
    assert_memory_equal(compiled[0].bytes.data, compiled[1].bytes.data, compiled[0].bytes.length);
    compiled_release(&compiled[0]);
    compiled_release(&compiled[1]);
}

static void sections_names_and_ids_come_out_as_they_went_in(void **state)
{
    struct world world;
    struct policy_key_input keys[3];
    struct compiled compiled;
    const struct policy_view *view = &compiled.view;

    (void)state;
    make_small_world(&world, keys);
    world_compile(&world, &compiled);
    assert_int_equal(view->header->generation, 7);
    assert_int_equal(view->header->compiled_ns, 1234);
    assert_memory_equal(view->header->deal_sha256, world.deal.text_sha256, 32);
    assert_true(oft_str_is(text_of(&compiled, view->models[0].name), "alpha"));
    assert_true(oft_str_is(text_of(&compiled, view->models[1].name), "zeta"));
    assert_int_equal(policy_find_model(view, oft_str_from("alph")), POLICY_NONE);
    assert_int_equal(policy_find_model(view, oft_str_from("zeta2")), POLICY_NONE);
    assert_int_equal(policy_find_model(view, oft_str_from("")), POLICY_NONE);
    assert_int_equal(policy_find_product(view, oft_str_from("training")), TRAINING);
    assert_true(view->products[API].id == oft_id_of(OFT_ID_PRODUCT, oft_str_from("api")));
    assert_true(view->pools[WEST].id == oft_id_of(OFT_ID_POOL, oft_str_from("west")));
    assert_true(oft_str_is(text_of(&compiled, view->pools[WEST].provider), "oci"));
    assert_true(view->clauses[0].id == oft_id_of(OFT_ID_CLAUSE, oft_str_from("ms.api")));
    assert_true(oft_str_is(text_of(&compiled, view->clauses[0].source), "world.deal:50"));
    /* All clauses and prices of the deal are there, whether they decide anything or not. */
    assert_true(oft_str_is(text_of(&compiled, view->clauses[1].name), "ms.ip"));
    assert_true(oft_str_is(text_of(&compiled, view->clauses[2].name), "ms.cap"));
    assert_true(oft_str_is(text_of(&compiled, view->clauses[2].summary),
                           "at most 0.000005 USD a month is spent on azure, from "
                           "1970-01-01T00:00:00.0000001Z until 1970-01-01T00:00:00.0000002Z"));
    assert_true(oft_str_is(text_of(&compiled, view->clauses[3].name), "east.price.zeta@"));
    assert_int_equal(policy_find_regime(view, INT64_MIN), 0);
    assert_int_equal(policy_find_regime(view, INT64_MAX), view->regime_count - 1);
    compiled_release(&compiled);
}

static void endpoints_carry_strings_ready_for_the_wire(void **state)
{
    struct world world;
    struct compiled compiled;
    const struct policy_endpoint *endpoint;

    (void)state;
    world_init(&world);
    world.serves[WEST_ZETA].tls = true;
    world.serves[WEST_ZETA].host = "llm.example.com";
    world.serves[WEST_ZETA].port = 443;
    world.serves[METAL_ZETA].host = "::1";
    world.serves[METAL_ZETA].keys.count = 0;
    world_compile(&world, &compiled);
    endpoint = &compiled.view.endpoints[EAST_ALPHA];
    assert_true(oft_str_is(text_of(&compiled, endpoint->upstream_model), "alpha/\\\"big\\\" one"));
    assert_true(oft_str_is(text_of(&compiled, endpoint->deployment), "alpha%2F%22big%22%20one"));
    assert_true(oft_str_is(text_of(&compiled, endpoint->host_header), "127.0.0.1:9101"));
    assert_int_equal(endpoint->credential_count, 1);
    assert_int_equal(compiled.view.credentials[endpoint->credential].secret, 0);
    assert_int_equal(endpoint->model, policy_find_model(&compiled.view, oft_str_from("alpha")));
    assert_int_equal(endpoint->addresses[0].port, 9101);
    endpoint = &compiled.view.endpoints[WEST_ZETA];
    assert_true(oft_str_is(text_of(&compiled, endpoint->host_header), "llm.example.com"));
    endpoint = &compiled.view.endpoints[METAL_ZETA];
    assert_true(oft_str_is(text_of(&compiled, endpoint->host), "::1"));
    assert_true(oft_str_is(text_of(&compiled, endpoint->host_header), "[::1]:9103"));
    assert_int_equal(endpoint->credential_count, 0);
    compiled_release(&compiled);
}

static void a_host_or_path_that_could_inject_a_header_does_not_compile(void **state)
{
    static const char *const bad[] = {"a\r\nx: y", "a b", "a?b", "a#b", "a\\b", "a\x7f"};
    struct world world;
    struct oft_buffer out;
    struct oft_error error = {0};
    size_t i;

    (void)state;
    oft_buffer_init(&out, OFT_SNAPSHOT_BYTES_MAX);
    for (i = 0; i < OFT_COUNT_OF(bad); i++) {
        world_init(&world);
        world.serves[0].host = bad[i];
        assert_int_equal(policy_compile(&world.input, &out, NULL, &error), OFT_ERR_INVALID);
        world_init(&world);
        world.serves[0].path_prefix = bad[i];
        assert_int_equal(policy_compile(&world.input, &out, NULL, &error), OFT_ERR_INVALID);
        world_init(&world);
        world.serves[0].api_version = bad[i];
        assert_int_equal(policy_compile(&world.input, &out, NULL, &error), OFT_ERR_INVALID);
    }
    oft_buffer_release(&out);
}

static void an_unresolved_host_counts_as_down(void **state)
{
    struct world world;
    struct compiled compiled;
    struct policy_answer answer;
    struct policy_resolved resolved = {
        .host = "127.0.0.1",
        .port = 9101,
        .address_count = 1,
        .addresses = {{.family = 4, .port = 9101, .bytes = {127, 0, 0, 1}}}};

    (void)state;
    world_init(&world);
    world.input.resolved = &resolved;
    world.input.resolved_count = 1;
    world_compile(&world, &compiled);
    compiled_decide(&compiled, API, "zeta", 0, &answer);
    assert_int_equal(answer.eligible_count, 3);
    assert_int_equal(answer.up_count, 1);
    assert_string_equal(choice_pool(&compiled, &answer, 0), "east");
    assert_true(answer.choices[1].down);
    compiled_release(&compiled);
}

static void more_pools_for_a_model_than_a_decision_holds_do_not_compile(void **state)
{
    static struct world world;
    struct oft_buffer out;
    struct oft_error error = {0};
    struct compiled compiled;
    struct policy_answer answer;
    uint32_t i;

    (void)state;
    world_init(&world);
    for (i = 4; i < OFT_POOLS_PER_DECISION_MAX + 2; i++) {
        world.serves[i] = world.serves[WEST_ZETA];
    }
    world.deal.serve_count = OFT_POOLS_PER_DECISION_MAX + 1; /* all but one are of zeta */
    world_compile(&world, &compiled);
    compiled_decide(&compiled, API, "zeta", 0, &answer);
    assert_int_equal(answer.eligible_count, OFT_POOLS_PER_DECISION_MAX);
    compiled_release(&compiled);
    world.deal.serve_count = OFT_POOLS_PER_DECISION_MAX + 2;
    oft_buffer_init(&out, OFT_SNAPSHOT_BYTES_MAX);
    assert_int_equal(policy_compile(&world.input, &out, NULL, &error), OFT_ERR_LIMIT);
    oft_buffer_release(&out);
}

static void ten_thousand_keys_are_found_and_no_other(void **state)
{
    enum { KEYS = 10000 };
    struct policy_key_input *keys = calloc(KEYS + 3, sizeof(*keys));
    struct policy_key_input other;
    struct world world;
    struct oft_buffer out;
    struct policy_view view;
    struct oft_error error = {0};
    size_t left_out = 0;
    uint32_t i;

    (void)state;
    assert_non_null(keys);
    for (i = 0; i < KEYS; i++) {
        key_number(i, &keys[i]);
    }
    key_number(KEYS, &keys[KEYS]);
    keys[KEYS].account = "nobody";
    key_number(KEYS + 1, &keys[KEYS + 1]);
    keys[KEYS + 1].product = "nothing";
    keys[KEYS + 2] = keys[0]; /* twice the same */
    world_init(&world);
    world.input.keys = keys;
    world.input.key_count = KEYS + 3;
    oft_buffer_init(&out, OFT_SNAPSHOT_BYTES_MAX);
    assert_int_equal(policy_compile(&world.input, &out, &left_out, &error), OFT_OK);
    assert_int_equal(left_out, 3);
    assert_int_equal(policy_open(&view, out.data, out.length, &error), OFT_OK);
    for (i = 0; i < KEYS; i++) {
        const struct policy_key *key = policy_find_key(&view, keys[i].sha256);

        assert_non_null(key);
        assert_int_equal(key->key_id, i + 1);
        assert_int_equal(key->account, i % 2);
        assert_int_equal(key->product, i % 3 == 0 ? API : TRAINING);
    }
    for (i = KEYS; i < 2 * KEYS; i++) {
        key_number(i, &other);
        assert_null(policy_find_key(&view, other.sha256));
    }
    other = keys[5];
    other.sha256[31] ^= 1; /* same slot, last byte wrong */
    assert_null(policy_find_key(&view, other.sha256));
    memset(other.sha256, 0, sizeof(other.sha256));
    assert_null(policy_find_key(&view, other.sha256));
    oft_buffer_release(&out);
    free(keys);
}

static void any_changed_byte_is_refused(void **state)
{
    struct world world;
    struct policy_key_input keys[3];
    struct compiled compiled;
    struct policy_view view;
    size_t i;

    (void)state;
    make_small_world(&world, keys);
    world_compile(&world, &compiled);
    for (i = 0; i < compiled.bytes.length; i++) {
        struct oft_error error = {0};

        compiled.bytes.data[i] = (char)(compiled.bytes.data[i] ^ (1 << (i % 8)));
        assert_int_not_equal(policy_open(&view, compiled.bytes.data, compiled.bytes.length, &error),
                             OFT_OK);
        assert_true(error.message[0] != '\0');
        compiled.bytes.data[i] = (char)(compiled.bytes.data[i] ^ (1 << (i % 8)));
    }
    assert_int_equal(policy_open(&view, compiled.bytes.data, compiled.bytes.length, NULL), OFT_OK);
    compiled_release(&compiled);
}

static void a_cut_file_is_refused_at_every_length(void **state)
{
    struct world world;
    struct policy_key_input keys[3];
    struct compiled compiled;
    struct policy_view view;
    size_t length;

    (void)state;
    make_small_world(&world, keys);
    world_compile(&world, &compiled);
    for (length = 0; length < compiled.bytes.length; length++) {
        void *copy = NULL;

        assert_int_equal(posix_memalign(&copy, 16, length + 1), 0);
        memcpy(copy, compiled.bytes.data, length);
        assert_int_not_equal(policy_open(&view, copy, length, NULL), OFT_OK);
        free(copy);
    }
    compiled_release(&compiled);
}

/* Touches whatever an opened snapshot can lead to. */
static void walk(const struct policy_view *view)
{
    struct policy_answer answer;
    struct policy_query query = {.region = "us-east"};
    size_t bytes = 0;
    uint32_t i, r;

    for (r = 0; r < view->regime_count; r++) {
        query.instant_ns = view->regimes[r].from_ns;
        for (query.product = 0; query.product < view->product_count; query.product++) {
            for (query.model = 0; query.model < view->model_count; query.model++) {
                decide_query(view, &query, &answer);
                for (i = 0; i < answer.eligible_count + answer.barred_count; i++) {
                    bytes +=
                        policy_text(view, view->clauses[answer.choices[i].candidate->clause].name)
                            .length;
                }
            }
        }
    }
    for (i = 0; i < view->endpoint_count; i++) {
        bytes += strlen(policy_text(view, view->endpoints[i].host_header).data);
        bytes += strlen(policy_text(view, view->endpoints[i].upstream_model).data);
    }
    for (i = 0; i < view->key_slot_count; i++) {
        bytes += policy_find_key(view, view->key_slots[i].sha256) != NULL;
    }
    for (i = 0; i < view->model_count; i++) {
        assert_int_equal(policy_find_model(view, policy_text(view, view->models[i].name)), i);
    }
    for (i = 0; i < view->limit_count; i++) {
        bytes += policy_text(view, view->limits[i].name).length;
    }
    for (query.product = 0; query.product < view->product_count; query.product++) {
        (void)policy_limit_of_product(view, query.product);
        for (query.model = 0; query.model < view->model_count; query.model++) {
            bytes += policy_find_sale(view, query.product, query.model, 150) != NULL;
        }
    }
    for (i = 0; i < view->endpoint_count; i++) {
        bytes += policy_find_cost(view, i, 150) != NULL;
    }
    (void)policy_period_number(view->days, view->day_count, 150);
    (void)policy_period_number(view->months, view->month_count, 150);
    assert_true(bytes > 0);
}

static void mutations_under_a_right_checksum_do_no_harm(void **state)
{
    struct world world;
    struct policy_key_input keys[3];
    struct compiled compiled;
    struct policy_header *header;
    uint64_t seed = 42;
    char *original;
    int round, opened = 0;

    (void)state;
    make_small_world(&world, keys);
    world_compile(&world, &compiled);
    original = malloc(compiled.bytes.length);
    assert_non_null(original);
    memcpy(original, compiled.bytes.data, compiled.bytes.length);
    header = (struct policy_header *)(void *)compiled.bytes.data;
    for (round = 0; round < 100000; round++) {
        uint32_t changes = 1 + random_below(&seed, 3);
        struct policy_view view;

        memcpy(compiled.bytes.data, original, compiled.bytes.length);
        while (changes-- > 0) {
            uint32_t at = random_below(&seed, (uint32_t)compiled.bytes.length);

            compiled.bytes.data[at] =
                (char)(random_below(&seed, 2) == 0 ? random_below(&seed, 256)
                                                   : (uint32_t)compiled.bytes.data[at] + 1);
        }
        header->crc32c =
            oft_crc32c(0, compiled.bytes.data + CHECKED_FROM, compiled.bytes.length - CHECKED_FROM);
        if (policy_open(&view, compiled.bytes.data, compiled.bytes.length, NULL) == OFT_OK) {
            opened++;
            walk(&view);
        }
    }
    assert_true(opened > 1000); /* prices, ids, words: some changes are sound */
    assert_true(opened < 99000);
    free(original);
    compiled_release(&compiled);
}

/* Writes VALUE over SIZE bytes at FIELD of the snapshot, makes the checksum right, expects that it
 * is refused, and puts everything back. */
static void refuse(struct compiled *compiled, const void *field, uint64_t value, size_t size)
{
    struct policy_header *header = (struct policy_header *)(void *)compiled->bytes.data;
    char *place = compiled->bytes.data + ((const char *)field - compiled->bytes.data);
    uint32_t crc = header->crc32c;
    struct policy_view view;
    char before[8];

    memcpy(before, place, size);
    memcpy(place, &value, size);
    header->crc32c =
        oft_crc32c(0, compiled->bytes.data + CHECKED_FROM, compiled->bytes.length - CHECKED_FROM);
    assert_int_equal(policy_open(&view, compiled->bytes.data, compiled->bytes.length, NULL),
                     OFT_ERR_CORRUPT);
    memcpy(place, before, size);
    header->crc32c = crc;
    assert_int_equal(policy_open(&view, compiled->bytes.data, compiled->bytes.length, NULL),
                     OFT_OK);
}
#define REFUSE(compiled, field, value) refuse(&(compiled), &(field), (value), sizeof(field))

static void each_rule_of_the_format_is_proved(void **state)
{
    struct world world;
    struct policy_key_input keys[3];
    struct compiled c;
    const struct policy_view *v = &c.view;
    const struct policy_key *key;

    (void)state;
    make_small_world(&world, keys);
    world_compile(&world, &c);
    REFUSE(c, v->header->flags, 1);
    REFUSE(c, v->header->generation, 0);
    REFUSE(c, v->header->sections[POLICY_POOLS].count, 4);
    REFUSE(c, v->header->sections[POLICY_STRINGS].count, UINT64_MAX);
    REFUSE(c, v->regimes[0].from_ns, 0);
    REFUSE(c, v->regimes[1].from_ns, 99);
    REFUSE(c, v->regimes[v->regime_count - 1].until_ns, INT64_MAX - 1);
    REFUSE(c, v->decisions[0].first_candidate, v->candidate_count);
    REFUSE(c, v->decisions[0].eligible_count, 65);
    REFUSE(c, v->decisions[0].refusal_clause, 0);
    REFUSE(c, v->candidates[0].pool, 3);
    REFUSE(c, v->candidates[0].endpoint, 4);
    REFUSE(c, v->candidates[0].clause, v->clause_count);
    REFUSE(c, v->candidates[0].reason, 0);
    REFUSE(c, v->candidates[0].reason, POLICY_BARRED_BY_REGION);
    REFUSE(c, v->candidates[0].effective_price_nanos, (uint64_t)-1);
    REFUSE(c, v->products[0].id, 0);
    REFUSE(c, v->models[0].name.offset, v->models[1].name.offset);
    REFUSE(c, v->accounts[0].name.length, 3);
    REFUSE(c, v->pools[0].name.offset, UINT32_MAX);
    REFUSE(c, v->endpoints[0].pool, 3);
    REFUSE(c, v->endpoints[0].model, 2);
    REFUSE(c, v->endpoints[0].kind, 2);
    REFUSE(c, v->endpoints[0].host.length, 0);
    REFUSE(c, v->endpoints[0].address_count, 9);
    REFUSE(c, v->endpoints[0].addresses[0].family, 5);
    REFUSE(c, v->endpoints[0].addresses[0].port, 0);
    REFUSE(c, v->strings[v->endpoints[0].host_header.offset], '\n');
    REFUSE(c, v->clauses[0].summary.length, UINT32_MAX);
    key = policy_find_key(v, keys[0].sha256);
    REFUSE(c, key->account, 2);
    REFUSE(c, key->product, 3);
    /* Limits, prices and periods. */
    REFUSE(c, key->limit, v->limit_count);
    REFUSE(c, v->limits[0].id, 0);
    REFUSE(c, v->limits[0].name.length, 0);
    REFUSE(c, v->limits[0].budget_nanos[0], (uint64_t)-1);
    REFUSE(c, v->limits[0].clause, v->clause_count);
    REFUSE(c, v->limit_of[0], v->limit_count);
    REFUSE(c, v->ceilings[0].pool, v->pool_count);
    REFUSE(c, v->ceilings[0].limit, v->limit_count);
    REFUSE(c, v->prices[0].per_million_nanos[0], (uint64_t)-1);
    REFUSE(c, v->prices[0].until_ns, (uint64_t)v->prices[0].from_ns);
    REFUSE(c, v->price_of[0].first, v->price_count + 1);
    REFUSE(c, v->days[1].from_ns, (uint64_t)v->days[0].from_ns);
    REFUSE(c, v->months[1].number, (uint64_t)v->months[0].number);
    REFUSE(c, v->header->sections[POLICY_LIMIT_OF].count, 1);
    REFUSE(c, v->header->sections[POLICY_OUTPUTS].count, 1);
    compiled_release(&c);
}

static const struct policy_limit *limit_at(const struct policy_view *view, uint32_t index)
{
    assert_in_range(index, 0, view->limit_count - 1);
    return &view->limits[index];
}

static void limits_come_out_where_they_were_said_and_tokens_of_a_key_share_one(void **state)
{
    struct world world;
    struct policy_key_input keys[3];
    struct compiled c;
    const struct policy_view *v = &c.view;
    const struct policy_limit *ceiling;

    (void)state;
    make_small_world(&world, keys);
    keys[1].key_id = keys[0].key_id; /* another token of the first key */
    keys[1].account = keys[0].account;
    keys[1].product = keys[0].product;
    keys[1].limits = keys[0].limits;
    world_compile(&world, &c);
    assert_int_equal(limit_at(v, policy_limit_of_product(v, API))->budget_nanos[POLICY_LIMIT_DAY],
                     1000);
    assert_int_equal(limit_at(v, policy_limit_of_account(v, 0))->tokens_per_minute, 77);
    assert_int_equal(limit_at(v, policy_limit_of_pool(v, WEST))->concurrent, 3);
    assert_int_equal(policy_limit_of_pool(v, EAST), POLICY_NONE);
    assert_int_equal(policy_limit_of_account(v, 1), POLICY_NONE);
    assert_int_equal(limit_at(v, policy_find_key(v, keys[0].sha256)->limit)->requests_per_minute,
                     9);
    assert_int_equal(policy_find_key(v, keys[1].sha256)->limit,
                     policy_find_key(v, keys[0].sha256)->limit);
    assert_int_equal(policy_find_key(v, keys[2].sha256)->limit, POLICY_NONE);
    assert_int_equal(v->ceiling_count, 1); /* azure has one pool */
    assert_int_equal(v->ceilings[0].pool, EAST);
    ceiling = limit_at(v, v->ceilings[0].limit);
    assert_int_equal(ceiling->budget_nanos[POLICY_LIMIT_MONTH], 5000);
    assert_int_equal(ceiling->budget_nanos[POLICY_LIMIT_DAY], INT64_MAX);
    assert_int_equal(ceiling->from_ns, 100);
    assert_int_equal(ceiling->until_ns, 200);
    compiled_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_input_makes_the_same_bytes),
        cmocka_unit_test(sections_names_and_ids_come_out_as_they_went_in),
        cmocka_unit_test(endpoints_carry_strings_ready_for_the_wire),
        cmocka_unit_test(a_host_or_path_that_could_inject_a_header_does_not_compile),
        cmocka_unit_test(an_unresolved_host_counts_as_down),
        cmocka_unit_test(more_pools_for_a_model_than_a_decision_holds_do_not_compile),
        cmocka_unit_test(ten_thousand_keys_are_found_and_no_other),
        cmocka_unit_test(limits_come_out_where_they_were_said_and_tokens_of_a_key_share_one),
        cmocka_unit_test(any_changed_byte_is_refused),
        cmocka_unit_test(a_cut_file_is_refused_at_every_length),
        cmocka_unit_test(each_rule_of_the_format_is_proved),
        cmocka_unit_test(mutations_under_a_right_checksum_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
