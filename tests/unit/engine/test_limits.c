/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits in the engine: what budgets counted is summed with the postings and found again after a
 * restart; keys get limits and tokens.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/internal.h"
#include "policy/decide.h"
#include "policy/limits.h"
#include "policy/pools.h"
#include "store/limits.h"
#include "world.h"

/* WORLD_DEAL with a budget for acme and a ceiling on alpha. */
static const char LIMITS_DEAL[] =
    "deal \"Test lab\"\n"
    "customer lab\n"
    "currency USD\n"
    "party    bigcloud \"Big Cloud\"\n"
    "provider alpha of bigcloud\n"
    "model    gpt-4o\n"
    "account  acme   \"ACME\" {\n"
    "    budget 100 USD per day\n"
    "    budget 1000 USD per month\n"
    "}\n"
    "account  globex \"Globex\"\n"
    "product  api  \"API\"  class inference {\n"
    "    price gpt-4o input 5.00 USD per 1M tokens output 20.00 USD per 1M tokens\n"
    "}\n"
    "agreement bc with bigcloud {\n"
    "    effective 2020-01-01  until 2035-01-01\n"
    "    cap: spend at most 500 USD per day on alpha\n"
    "}\n"
    "pool east on alpha {\n"
    "    region us-east\n"
    "    serves gpt-4o as \"g\" at http://127.0.0.1:9101/v1 kind openai key env WORLD_KEY\n"
    "    price gpt-4o input 2.50 USD per 1M tokens output 10.00 USD per 1M tokens\n"
    "}\n";

static void append(struct world *world, struct meter_writer *writer, int64_t charged, int64_t cost)
{
    struct meter_record record = world_record(world);
    record.key_id = 42;
    world_append(writer, METER_INTENT, &record);
    record.charged_nanos = charged;
    record.cost_nanos = cost;
    world_append(writer, METER_SETTLED, &record);
}

static int64_t spent(const struct world *world, int subject, int period)
{
    char sql[160];
    (void)snprintf(sql, sizeof(sql),
                   "SELECT coalesce(sum(nanos), 0) FROM spent WHERE subject = %d AND period = %d",
                   subject, period);
    return world_sql(world, sql);
}

/* What the workers' page holds of the limit NAME in the period that runs. */
static int64_t cell(const struct world *world, const char *name, enum limit_period period)
{
    uint64_t id = oft_id_of(OFT_ID_LIMIT, oft_str_from(name));
    struct limit_slot *slot = limit_page_find(world->engine->limits, id);
    int64_t number = period == LIMIT_DAY ? world->now / OFT_NS_PER_DAY : oft_month_of(world->now);
    assert_non_null(slot);
    return atomic_load(limit_cell(slot, period, number));
}

static void what_budgets_counted_is_summed_by_whom_and_when(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    world_begin_anew(world, LIMITS_DEAL);
    world_publish(world);
    world_writer_open(world, &writer, 64);
    append(world, &writer, 700, 350);
    append(world, &writer, 300, 150);
    world->now += OFT_NS_PER_DAY;
    append(world, &writer, 11, 7);
    append(world, &writer, 0, 0);
    (void)world_drain(world);
    for (int subject = STORE_SPENT_KEY; subject <= STORE_SPENT_POOL; subject++) {
        int64_t sum = subject == STORE_SPENT_POOL ? 507 : 1011;
        assert_int_equal(spent(world, subject, DEAL_BUDGET_DAY), sum);
        assert_int_equal(spent(world, subject, DEAL_BUDGET_MONTH), sum);
    }
    assert_int_equal(world_sql(world, "SELECT count(*) FROM spent WHERE subject = 1"), 3);
    assert_int_equal(world_sql(world, "SELECT max(id) FROM spent WHERE subject = 1"), 42);
    meter_writer_close(&writer);
}

static void a_page_that_is_lost_begins_where_the_books_are(void **state)
{
    struct world *world = *state;
    struct meter_writer writer;
    char path[WORLD_PATH_BYTES * 2];
    world_begin_anew(world, LIMITS_DEAL);
    world_publish(world);
    assert_int_equal(cell(world, "account acme", LIMIT_DAY), 0);
    world_writer_open(world, &writer, 64);
    append(world, &writer, 700, 350);
    world->now += OFT_NS_PER_DAY;
    append(world, &writer, 300, 150);
    (void)world_drain(world);
    meter_writer_close(&writer);
    world_close(world);
    assert_int_equal(unlink(world_path(world, "run/limits", path)), 0);
    world_reopen(world);
    engine_limits_begin(world->engine);
    world_publish(world);
    assert_int_equal(cell(world, "account acme", LIMIT_DAY), 300);
    assert_int_equal(cell(world, "account acme", LIMIT_MONTH), 1000);
    assert_int_equal(cell(world, "clause bc.cap", LIMIT_DAY), 150);
}

static void a_page_that_no_worker_holds_is_not_believed_over_the_books(void **state)
{
    struct world *world = *state;
    world_begin_anew(world, LIMITS_DEAL);
    world_publish(world);
    uint64_t id = oft_id_of(OFT_ID_LIMIT, OFT_STR_LITERAL("account acme"));
    struct limit_slot *slot = limit_page_find(world->engine->limits, id);
    limit_money_settle(limit_cell(slot, LIMIT_DAY, world->now / OFT_NS_PER_DAY), 0, 555);
    struct pool_slot *pool =
        pool_page_find(world->engine->pools, oft_id_of(OFT_ID_POOL, OFT_STR_LITERAL("east")));
    assert_non_null(pool);
    pool_failed(pool, POOL_HARD, 0, 1000);
    world_reopen(world); /* the workers' promises died with them */
    engine_limits_begin(world->engine);
    world_publish(world);
    assert_int_equal(cell(world, "account acme", LIMIT_DAY), 0);
    pool = pool_page_find(world->engine->pools, oft_id_of(OFT_ID_POOL, OFT_STR_LITERAL("east")));
    assert_int_equal(pool_standing(pool, 1001, 0), POOL_UP);
}

static void a_page_that_a_worker_holds_goes_on_over_a_restart_of_the_daemon(void **state)
{
    struct world *world = *state;
    struct limit_worker worker;
    struct limit_page *page = NULL;
    struct oft_error error = {0};
    char path[WORLD_PATH_BYTES * 2];
    int fd = -1;
    world_begin_anew(world, LIMITS_DEAL);
    world_publish(world);
    assert_int_equal(
        limit_page_map(world_path(world, "run/limits", path), false, &page, &fd, &error), OFT_OK);
    limit_worker_open(&worker, page, fd);
    uint64_t id = oft_id_of(OFT_ID_LIMIT, OFT_STR_LITERAL("account acme"));
    limit_money_settle(
        limit_cell(limit_page_find(page, id), LIMIT_DAY, world->now / OFT_NS_PER_DAY), 0, 555);
    world_reopen(world);
    engine_limits_begin(world->engine);
    world_publish(world);
    assert_int_equal(cell(world, "account acme", LIMIT_DAY), 555);
    limit_page_unmap(page, fd);
}

/* ---- keys -------------------------------------------------------------------------------------- */

static bool snapshot_has(const struct world *world, const char *token, uint64_t *ret_requests)
{
    char path[WORLD_PATH_BYTES * 2];
    struct policy_view view;
    uint8_t hash[OFT_SHA256_BYTES];
    void *bytes = NULL;
    FILE *file = fopen(world_path(world, "run/policy.snap", path), "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long length = ftell(file);
    rewind(file);
    assert_int_equal(posix_memalign(&bytes, 16, (size_t)length), 0);
    assert_int_equal(fread(bytes, 1, (size_t)length, file), (size_t)length);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(policy_open(&view, bytes, (size_t)length, NULL), OFT_OK);
    assert_int_equal(oft_sha256_once(token, strlen(token), hash), OFT_OK);
    const struct policy_key *key = policy_find_key(&view, hash);
    if (key != NULL && ret_requests != NULL) {
        *ret_requests = key->limit == POLICY_NONE ? 0 : view.limits[key->limit].requests_per_minute;
    }
    free(bytes);
    return key != NULL;
}

static void key_made(struct world *world, const struct deal_limits *limits,
                     char token[ENGINE_TOKEN_BYTES], char id[17])
{
    uint8_t hash[OFT_SHA256_BYTES];
    uint8_t reversed[8];
    struct oft_error error = {0};
    assert_int_equal(
        engine_key_create(world->engine, "acme", "api", limits, world->now, token, &error), OFT_OK);
    assert_int_equal(oft_sha256_once(token, strlen(token), hash), OFT_OK);
    for (int i = 0; i < 8; i++) {
        reversed[i] = hash[7 - i];
    }
    (void)oft_hex(reversed, 8, id);
}

static void limits_of_a_key_are_in_the_policy_and_can_be_others_or_none(void **state)
{
    struct world *world = *state;
    struct deal_limits limits = {.requests_per_minute = 60};
    char token[ENGINE_TOKEN_BYTES];
    char id[17];
    struct oft_error error = {0};
    uint64_t requests = 0;
    key_made(world, &limits, token, id);
    assert_true(snapshot_has(world, token, &requests));
    assert_int_equal(requests, 60);
    limits.requests_per_minute = 5;
    assert_int_equal(engine_key_limit(world->engine, id, &limits, world->now, &error), OFT_OK);
    assert_true(snapshot_has(world, token, &requests));
    assert_int_equal(requests, 5);
    limits = (struct deal_limits){0};
    assert_int_equal(engine_key_limit(world->engine, id, &limits, world->now, &error), OFT_OK);
    assert_true(snapshot_has(world, token, &requests));
    assert_int_equal(requests, 0);
    assert_int_equal(
        engine_key_limit(world->engine, "00000000000000ab", &limits, world->now, &error),
        OFT_ERR_NOT_FOUND);
}

static void a_token_of_before_is_good_for_its_time_and_no_longer(void **state)
{
    struct world *world = *state;
    struct deal_limits limits = {.requests_per_minute = 60};
    char first[ENGINE_TOKEN_BYTES], second[ENGINE_TOKEN_BYTES];
    char id[17];
    struct oft_error error = {0};
    uint64_t requests = 0;
    key_made(world, &limits, first, id);
    assert_int_equal(
        engine_key_rotate(world->engine, id, 3600 * OFT_NS_PER_SECOND, world->now, second, &error),
        OFT_OK);
    assert_string_not_equal(first, second);
    assert_true(snapshot_has(world, first, &requests));
    assert_int_equal(requests, 60);
    assert_true(snapshot_has(world, second, &requests));
    assert_int_equal(requests, 60);
    world_reopen(world); /* also over a restart */
    world_publish(world);
    world->now += 3599 * OFT_NS_PER_SECOND;
    assert_int_equal(engine_tick(world->engine, world->now, &error), OFT_OK);
    assert_true(snapshot_has(world, first, NULL));
    world->now += OFT_NS_PER_SECOND;
    assert_int_equal(engine_tick(world->engine, world->now, &error), OFT_OK);
    assert_false(snapshot_has(world, first, NULL));
    assert_true(snapshot_has(world, second, NULL));
    assert_int_equal(world_sql(world, "SELECT count(*) FROM former_token"), 0);
}

static void a_key_rotated_at_once_or_revoked_leaves_no_token_behind(void **state)
{
    struct world *world = *state;
    char tokens[3][ENGINE_TOKEN_BYTES];
    char id[17];
    struct oft_error error = {0};
    key_made(world, NULL, tokens[0], id);
    assert_int_equal(engine_key_rotate(world->engine, id, 0, world->now, tokens[1], &error),
                     OFT_OK);
    assert_false(snapshot_has(world, tokens[0], NULL));
    assert_int_equal(
        engine_key_rotate(world->engine, id, OFT_NS_PER_DAY, world->now, tokens[2], &error),
        OFT_OK);
    assert_true(snapshot_has(world, tokens[1], NULL));
    assert_int_equal(engine_key_revoke(world->engine, id, world->now, &error), OFT_OK);
    for (int i = 0; i < 3; i++) {
        assert_false(snapshot_has(world, tokens[i], NULL));
    }
    assert_int_equal(engine_key_rotate(world->engine, id, 0, world->now, tokens[0], &error),
                     OFT_ERR_NOT_FOUND);
    assert_int_equal(tokens[0][0], 0);
    assert_int_equal(engine_key_rotate(world->engine, id, ENGINE_TOKEN_KEEP_NS_MAX + 1, world->now,
                                       tokens[0], &error),
                     OFT_ERR_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_budgets_counted_is_summed_by_whom_and_when),
        TEST(a_page_that_is_lost_begins_where_the_books_are),
        TEST(a_page_that_no_worker_holds_is_not_believed_over_the_books),
        TEST(a_page_that_a_worker_holds_goes_on_over_a_restart_of_the_daemon),
        TEST(limits_of_a_key_are_in_the_policy_and_can_be_others_or_none),
        TEST(a_token_of_before_is_good_for_its_time_and_no_longer),
        TEST(a_key_rotated_at_once_or_revoked_leaves_no_token_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
