/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From order to traffic: what the desk's fold says was delivered is a pool of the next policy, stays one
 * in every reading of that policy, and is owed by the hour, once.
 */
#include "world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../desk/play.h"
#include "desk/pools.h"
#include "engine/internal.h"
#include "engine/programmes.h"

static const char DEAL[] =
    "deal \"Orders\"\n"
    "customer buyer\n"
    "currency USD\n"
    "party    oracle \"Oracle\"\n"
    "provider oracle of oracle\n"
    "model    gpt-4o\n"
    "pool spare on oracle\n" /* serves nothing: a warning before any other */
    "account  acme\n"
    "product  api      class inference {\n"
    "    price gpt-4o input 5.00 USD per 1M tokens output 20.00 USD per 1M tokens\n"
    "}\n"
    "product  training class training\n"
    "agreement oc with oracle {\n"
    "    effective 2020-01-01  until 2035-01-01\n"
    "    commit: commit 9000 USD on oracle over 2026-04-01..2026-05-01 build-up counting all\n"
    "}\n"
    "pool east on oracle {\n"
    "    serves gpt-4o as \"g\" at http://127.0.0.1:9101/v1 kind openai key env WORLD_KEY\n"
    "    price gpt-4o input 2.50 USD per 1M tokens output 10.00 USD per 1M tokens\n"
    "}\n";

static const char ENDPOINT[] =
    "serves gpt-4o as \"g\" at http://127.0.0.1:9102/v1 kind openai key env WORLD_KEY";

/* A world and a desk with an order of 10 at 2 dollars per gpu-hour, signed long ago. */
struct stage {
    struct world *world;
    struct play play;
};

static int set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    void *world = NULL;
    if (stage == NULL || world_set_up(&world) != 0) {
        return -1;
    }
    stage->world = world;
    play_begin(&stage->play);
    play_offer(&stage->play, play_need(&stage->play, 10), "oracle", 10, 2);
    assert_int_equal(play_sign_offer(&stage->play, 0, 10, (struct desk_terms){0}), OFT_OK);
    world_begin_anew(stage->world, DEAL); /* another customer's */
    stage->world->engine->orders = stage->play.state;
    world_publish(stage->world);
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    void *world = stage->world;
    play_end(&stage->play);
    free(stage);
    return world_tear_down(&world);
}

static void deliver(struct stage *stage, uint64_t quantity, const char *pool, const char *lines)
{
    struct desk_event event = desk_event_of(DESK_DELIVERED, 0);
    stage->play.at = stage->world->now;
    event.order = 0;
    event.quantity = quantity;
    event.text = lines;
    if (pool[0] != '\0') {
        event.name = desk_word(pool);
    }
    assert_int_equal(play_apply(&stage->play, &event), OFT_OK);
}

static void republish(struct stage *stage)
{
    struct oft_error error = {0};
    if (engine_republish(stage->world->engine, stage->world->now, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
}

static bool in_force(const struct stage *stage, const char *pool)
{
    return deal_find_pool(stage->world->engine->deal, oft_str_from(pool)) != DEAL_NONE;
}

static void sound(struct stage *stage)
{
    char findings[4096];
    if (!world_sound(stage->world, findings)) {
        fail_msg("%s", findings);
    }
}

/* ---- pools ------------------------------------------------------------------------------------- */

static void a_delivery_is_a_pool_of_the_next_policy(void **state)
{
    struct stage *stage = *state;
    struct world *world = stage->world;
    uint8_t before[32];
    memcpy(before, world->engine->deal->text_sha256, sizeof(before));
    republish(stage); /* nothing was delivered: the same deal */
    assert_memory_equal(before, world->engine->deal->text_sha256, sizeof(before));
    assert_int_equal(world->engine->deal->file_count, 1);
    deliver(stage, 4, "cluster", "");
    deliver(stage, 6, "served", ENDPOINT);
    assert_false(in_force(stage, "cluster"));
    republish(stage);
    assert_true(in_force(stage, "cluster") && in_force(stage, "served"));
    assert_int_equal(world->engine->deal->serve_count, 2);
    assert_memory_not_equal(before, world->engine->deal->text_sha256, sizeof(before));
    assert_int_equal(world_sql(world, "SELECT count(*) FROM deal_text WHERE path = 'orders.deal'"),
                     1);
    sound(stage);
}

static void a_reload_of_the_deal_keeps_what_was_delivered(void **state)
{
    struct stage *stage = *state;
    deliver(stage, 10, "cluster", "");
    world_publish(stage->world);
    assert_true(in_force(stage, "cluster"));
    uint64_t generation = engine_generation(stage->world->engine);
    republish(stage);
    assert_true(in_force(stage, "cluster"));
    assert_int_equal(engine_generation(stage->world->engine), generation + 1);
    assert_int_equal(
        world_sql(stage->world, "SELECT count(*) FROM deal_text WHERE path = 'orders.deal'"), 1);
}

static void what_runs_on_it_is_rated_by_the_policy_that_knows_it(void **state)
{
    struct stage *stage = *state;
    struct world *world = stage->world;
    struct meter_writer writer;
    deliver(stage, 10, "served", ENDPOINT);
    republish(stage);
    struct meter_record old = world_record(world);
    struct meter_record new = world_record(world);
    old.generation = engine_generation(world->engine) - 1;
    new.generation = old.generation + 1;
    new.pool_id = oft_id_of(OFT_ID_POOL, OFT_STR_LITERAL("served"));
    world_reopen(world); /* both are read from the books, and no desk is there */
    world_writer_open(world, &writer, 16);
    world_append(&writer, METER_SETTLED, &old);
    world_append(&writer, METER_SETTLED, &new);
    assert_int_equal(world_drain(world).unrated, 0);
    meter_writer_close(&writer);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM series WHERE pool = 'served'"), 1);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM series WHERE pool LIKE '?%'"), 0);
    sound(stage);
}

static void a_closed_desk_takes_no_pool_away(void **state)
{
    struct stage *stage = *state;
    struct world *world = stage->world;
    deliver(stage, 10, "cluster", "");
    republish(stage);
    world->engine->orders = NULL;
    republish(stage);
    assert_true(in_force(stage, "cluster"));
    world_publish(world);
    assert_true(in_force(stage, "cluster"));
    world_reopen(world);
    world->engine->orders = NULL; /* its journal is damaged, say */
    world_publish(world);
    assert_true(in_force(stage, "cluster"));
}

static void damaged_books_stand_in_the_way_of_no_deal(void **state)
{
    struct stage *stage = *state;
    struct world *world = stage->world;
    struct oft_error error = {0};
    struct oft_buffer report;
    deliver(stage, 10, "cluster", "");
    republish(stage);
    world_tamper(world, "UPDATE deal_text SET text = CAST('x' AS BLOB) WHERE path = 'orders.deal'");
    world_reopen(world);
    world->engine->orders = NULL;
    oft_buffer_init(&report, 1 << 20);
    assert_int_equal(engine_publish(world->engine, world->now, &report, &error), OFT_OK);
    assert_non_null(strstr(oft_buffer_text(&report), "warning: the pools that were delivered"));
    assert_false(in_force(stage, "cluster"));
    oft_buffer_release(&report);
}

static void a_name_that_is_taken_is_told_before_the_delivery(void **state)
{
    static const struct {
        const char *pool, *lines, *says;
        bool reported;
    } cases[] = {
        {"east", "", "pool \"east\" is already declared", true},
        {"there", "", "pool \"there\" is already declared", true}, /* by an earlier delivery */
        {"cluster", "region us\nregion eu", "said twice", true},
        {"cluster", "serves nothing at http://127.0.0.1:1/v1 kind openai", "nothing", true},
        {"cluster", "available from 2026-01-01", "said twice", true},
        {"cluster", "}\nparty evil", "hold a brace", false},
    };
    struct stage *stage = *state;
    struct engine *engine = stage->world->engine;
    deliver(stage, 4, "there", "");
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        struct desk_arrival arrival = {.quantity = 1,
                                       .happened = stage->world->now,
                                       .pool = desk_word(cases[i].pool),
                                       .text = cases[i].lines};
        struct oft_error error = {0};
        struct oft_buffer report;
        oft_buffer_init(&report, 1 << 20);
        assert_int_equal(engine_delivery_check(engine, &arrival, &report, &error), OFT_ERR_INVALID);
        if (strstr(error.message, cases[i].says) == NULL) {
            fail_msg("%s", error.message);
        }
        assert_int_equal(strstr(oft_buffer_text(&report), "orders.deal:") != NULL,
                         cases[i].reported);
        arrival.pool = desk_word("good");
        arrival.text = ENDPOINT;
        oft_buffer_clear(&report);
        assert_int_equal(engine_delivery_check(engine, &arrival, &report, &error), OFT_OK);
        assert_int_equal(report.length, 0);
        oft_buffer_release(&report);
    }
    assert_int_equal(engine_generation(engine), 1);
}

static void a_good_delivery_is_found_good(void **state)
{
    struct stage *stage = *state;
    struct oft_error error = {0};
    struct oft_buffer report;
    struct oft_arena arena;
    struct oft_str text;
    deliver(stage, 10, "served", ENDPOINT);
    oft_arena_init(&arena, 1 << 20);
    oft_buffer_init(&report, 1 << 20);
    assert_int_equal(engine_orders_text(stage->world->engine, &arena, &text, &error), OFT_OK);
    assert_non_null(strstr(text.data, "pool served on oracle {"));
    assert_int_equal(engine_orders_check(stage->world->engine, text, &report, &error), OFT_OK);
    assert_int_equal(report.length, 0);
    oft_buffer_release(&report);
    oft_arena_release(&arena);
}

static void a_deal_that_takes_its_name_is_refused(void **state)
{
    struct stage *stage = *state;
    struct world *world = stage->world;
    struct oft_error error = {0};
    struct oft_buffer report;
    char text[sizeof(DEAL) + 64];
    deliver(stage, 10, "cluster", "");
    republish(stage);
    uint64_t generation = engine_generation(world->engine);
    (void)snprintf(text, sizeof(text), "%spool cluster on oracle\n", DEAL);
    world_write_deal(world, text);
    oft_buffer_init(&report, 1 << 20);
    assert_int_equal(engine_publish(world->engine, world->now, &report, &error), OFT_ERR_INVALID);
    assert_non_null(strstr(oft_buffer_text(&report), "pool \"cluster\" is already declared"));
    assert_non_null(strstr(error.message, "the policy in force stays"));
    assert_int_equal(engine_generation(world->engine), generation);
    oft_buffer_release(&report);
}

/* ---- hours ------------------------------------------------------------------------------------- */

static int64_t dollars(const struct stage *stage, const char *where)
{
    char sql[256];
    (void)snprintf(sql, sizeof(sql),
                   "SELECT coalesce(sum(CAST(amount AS INTEGER)), 0) / 1000000000 FROM series"
                   " WHERE %s",
                   where);
    return world_sql(stage->world, sql);
}

static void tick(struct stage *stage)
{
    struct oft_error error = {0};
    if (engine_tick(stage->world->engine, stage->world->now, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
}

static void hours_are_owed_once_and_counted(void **state)
{
    struct stage *stage = *state;
    struct world *world = stage->world;
    deliver(stage, 10, "cluster", "");
    republish(stage);
    tick(stage);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM txn"), 0);
    world->now += 3 * HOUR;
    tick(stage);
    tick(stage);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM txn"), 1);
    assert_int_equal(dollars(stage, "kind = 3 AND clause = 'order-1.price'"), 60);
    assert_int_equal(dollars(stage, "kind = 5 AND clause = 'oc.commit'"), 60);
    assert_int_equal(world_sql(world, "SELECT CAST(amount AS INTEGER) / 1000000000 FROM balance"
                                      " WHERE account = 'payable/oracle'"),
                     -60);
    world_reopen(world);
    world->engine->orders = stage->play.state;
    world_publish(world);
    tick(stage);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM txn"), 1);
    world->now += 2 * HOUR;
    tick(stage);
    assert_int_equal(dollars(stage, "kind = 3"), 100);
    sound(stage);
}

static void metered(struct stage *stage, const char *wanted)
{
    struct oft_buffer out;
    struct oft_error error = {0};
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(engine_metering(stage->world->engine, 2026 * 12 + 3, false, stage->world->now,
                                     &out, &error),
                     OFT_OK);
    assert_string_equal(oft_buffer_text(&out), wanted);
    oft_buffer_release(&out);
}

static void hours_have_the_day_that_they_begin_on(void **state)
{
    struct stage *stage = *state;
    struct world *world = stage->world;
    world->now += 22 * HOUR + HOUR / 2;
    deliver(stage, 10, "cluster", "");
    world->now += 4 * HOUR; /* from 22:30 on: two begin on the 10th, and two on the 11th */
    metered(stage, "pool,model,unit,clause,day,quantity,cost,uncertain,currency,why\n"
                   "cluster,,gpu-hour,order-1.price,2026-04-10,20,40,0,USD,\n"
                   "cluster,,gpu-hour,order-1.price,2026-04-11,20,40,0,USD,\n");
    sound(stage);
}

static void a_tick_books_at_most_once_an_hour(void **state)
{
    struct stage *stage = *state;
    struct world *world = stage->world;
    world->now += HOUR / 2; /* the hours of the arrival end between those of the clock */
    deliver(stage, 10, "cluster", "");
    tick(stage);
    world->now += 3 * HOUR / 4; /* 01:15 */
    tick(stage);
    world->now += HOUR / 2; /* 01:45: an hour is over, but this one was looked at */
    tick(stage);
    assert_int_equal(dollars(stage, "kind = 3"), 0);
    world->now += HOUR / 2; /* 02:15 */
    tick(stage);
    assert_int_equal(dollars(stage, "kind = 3"), 20);
}

static void whoever_reads_sees_what_is_owed_by_now(void **state)
{
    struct stage *stage = *state;
    struct world *world = stage->world;
    struct oft_error error = {0};
    struct oft_buffer out;
    deliver(stage, 10, "", "");
    tick(stage);
    world->now += HOUR;
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(engine_statement(world->engine, "oracle", oft_month_of(world->now), world->now,
                                      LEDGER_TEXT, &out, &error),
                     OFT_OK);
    assert_non_null(strstr(oft_buffer_text(&out), "order-1 (order-1.price)"));
    assert_non_null(strstr(oft_buffer_text(&out), "gpu-hour                10 x       2.00"));
    oft_buffer_clear(&out);
    world->now += HOUR;
    assert_int_equal(engine_commitments(world->engine, world->now, LEDGER_JSON, &out, &error),
                     OFT_OK);
    assert_non_null(strstr(oft_buffer_text(&out), "\"counted\":\"40.00\""));
    oft_buffer_release(&out);
    sound(stage);
}

static void a_clock_that_was_set_back_owes_nothing_back(void **state)
{
    struct stage *stage = *state;
    struct world *world = stage->world;
    struct oft_error error = {0};
    deliver(stage, 10, "cluster", "");
    world->now += 5 * HOUR;
    tick(stage);
    world->now -= 3 * HOUR;
    tick(stage);
    assert_int_equal(engine_accrue(world->engine, world->now, &error), OFT_OK);
    assert_int_equal(dollars(stage, "kind = 3"), 100);
    assert_int_equal(dollars(stage, "kind = 5"), 100);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM txn"), 1);
}

static void hours_may_carry_a_commitment_over_its_line(void **state)
{
    struct stage *stage = *state;
    struct world *world = stage->world;
    deliver(stage, 10, "cluster", "");
    republish(stage);
    tick(stage);
    uint64_t generation = engine_generation(world->engine); /* behind: its line stands at 2,700 */
    assert_true(world->engine->values[0] == DEAL_RATE_ONE);
    world->now += 12 * OFT_NS_PER_DAY; /* 5,760 owed; its line at 6,300 */
    tick(stage);
    assert_int_equal(engine_generation(world->engine), generation);
    world->now += 7 * OFT_NS_PER_DAY + 12 * HOUR; /* 9,360 owed */
    tick(stage);
    assert_true(world->engine->values[0] == 0);
    assert_int_equal(engine_generation(world->engine), generation + 1);
}

static void accrue_and_be_killed(struct stage *stage, const char *failpoint)
{
    struct world *world = stage->world;
    world_close(world);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct oft_error error = {0};
        if (setenv("OFFTAKE_FAILPOINT", failpoint, 1) != 0 || world_open(world, &error) != OFT_OK) {
            _exit(3);
        }
        world->engine->orders = stage->play.state;
        world_publish(world);
        _exit(engine_accrue(world->engine, world->now, &error) == OFT_OK ? 4 : 5);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    world_reopen(world);
    world->engine->orders = stage->play.state;
    world_publish(world);
}

static void killed_at_any_point_hours_are_owed_once(void **state)
{
    static const char *const points[] = {"accrue-posted", "accrue-before-commit"};
    struct stage *stage = *state;
    struct world *world = stage->world;
    struct oft_error error = {0};
    deliver(stage, 10, "cluster", "");
    for (int i = 0; i < 2; i++) {
        world->now += HOUR;
        accrue_and_be_killed(stage, points[i]);
        assert_int_equal(dollars(stage, "kind = 3"), 20 * i);
        assert_int_equal(engine_accrue(world->engine, world->now, &error), OFT_OK);
        assert_int_equal(dollars(stage, "kind = 3"), 20 * (i + 1));
    }
    sound(stage);
}

static void a_line_of_hours_that_was_changed_is_found(void **state)
{
    struct stage *stage = *state;
    char findings[4096];
    deliver(stage, 10, "cluster", "");
    stage->world->now += HOUR;
    tick(stage);
    sound(stage);
    world_tamper(stage->world, "UPDATE series SET quantity = '9' WHERE kind = 3");
    assert_false(world_sound(stage->world, findings));
}

/* ---- a pool that the deal itself pays for flat --------------------------------------------------- */

static void write_flat(struct stage *stage, const char *flat)
{
    char text[4096];
    (void)snprintf(text, sizeof(text), "%spool metal on oracle {\n    reserved\n    %s\n}\n", DEAL,
                   flat);
    world_write_deal(stage->world, text);
    world_publish(stage->world);
}

static void a_pool_with_a_flat_price_is_owed_by_the_hour_of_its_month(void **state)
{
    struct stage *stage = *state;
    struct world *world = stage->world; /* it is April 10, 2026 */
    struct oft_error error = {0};
    write_flat(stage, "flat 720 USD per month from 2026-04-05");
    assert_int_equal(engine_accrue(world->engine, world->now, &error), OFT_OK);
    int64_t owed = dollars(stage, "kind = 3");
    assert_true(owed >= 5 * 24 && owed <= 6 * 24); /* a dollar an hour */
    assert_int_equal(dollars(stage, "kind = 5"), owed);
    world->now += 2 * HOUR;
    assert_int_equal(engine_accrue(world->engine, world->now, &error), OFT_OK);
    assert_int_equal(dollars(stage, "kind = 3"), owed + 2);
    /* The deal now says that it ended before: what was too much goes back. */
    write_flat(stage, "flat 720 USD per month from 2026-04-05 until 2026-04-06");
    assert_int_equal(engine_accrue(world->engine, world->now, &error), OFT_OK);
    assert_int_equal(dollars(stage, "kind = 3"), 24);
    assert_int_equal(dollars(stage, "kind = 5"), 24);
    /* A line that is gone says nothing: what it owed stays. */
    write_flat(stage, "# nothing");
    assert_int_equal(engine_accrue(world->engine, world->now, &error), OFT_OK);
    assert_int_equal(dollars(stage, "kind = 3"), 24);
    sound(stage);
}

static void the_next_flat_price_of_a_pool_ends_the_one_before(void **state)
{
    struct stage *stage = *state;
    struct world *world = stage->world;
    struct oft_error error = {0};
    write_flat(
        stage,
        "flat 720 USD per month from 2026-04-01\n    flat 7200 USD per month from 2026-04-02");
    assert_int_equal(engine_accrue(world->engine, world->now, &error), OFT_OK);
    assert_int_equal(dollars(stage, "kind = 3 AND clause = 'metal.flat@2026-04-01'"), 24);
    assert_true(dollars(stage, "kind = 3 AND clause = 'metal.flat@2026-04-02'") >= 8 * 240);
    sound(stage);
}

/* ---- funded by a programme ---------------------------------------------------------------------- */

static enum oft_err fund(struct world *world, struct engine_fund_ask ask)
{
    struct oft_error error = {0};
    struct oft_buffer out;
    ask.programme = "gate";
    ask.actor = "ann";
    ask.amount = OFT_NANOS_PER_UNIT;
    ask.day = world->now;
    oft_buffer_init(&out, 1 << 20);
    enum oft_err code = engine_fund_tell(world->engine, &ask, world->now, &out, &error);
    oft_buffer_release(&out);
    return code;
}

static void cash_of_a_programme_is_drawn_for_an_order_of_the_desk(void **state)
{
    struct stage *stage = *state;
    struct world *world = stage->world;
    char text[4096];
    (void)snprintf(text, sizeof(text),
                   "%sprogramme gate {\n    total 9 USD over 1 years from 2020-01-01\n"
                   "    funder oracle 100%% status committed\n}\n",
                   DEAL);
    world_write_deal(world, text);
    world_publish(world);
    struct engine_fund_ask ask = {LEDGER_FUND_CALL, .funder = "", .order = "", .reference = "c"};
    assert_int_equal(fund(world, ask), OFT_OK);
    ask = (struct engine_fund_ask){LEDGER_FUND_PAYMENT, .funder = "oracle", .order = "",
                                   .reference = "p"};
    assert_int_equal(fund(world, ask), OFT_OK);
    ask = (struct engine_fund_ask){LEDGER_FUND_DRAW, .funder = "", .order = "order-2",
                                   .reference = "d"};
    assert_int_equal(fund(world, ask), OFT_ERR_NOT_FOUND);
    ask.order = "order-1";
    assert_int_equal(fund(world, ask), OFT_OK);
    world->engine->orders = NULL; /* a closed desk has no orders to draw for */
    ask.reference = "d-2";
    assert_int_equal(fund(world, ask), OFT_ERR_NOT_FOUND);
    sound(stage);
}

#define WITH_STAGE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STAGE(a_delivery_is_a_pool_of_the_next_policy),
        WITH_STAGE(a_reload_of_the_deal_keeps_what_was_delivered),
        WITH_STAGE(what_runs_on_it_is_rated_by_the_policy_that_knows_it),
        WITH_STAGE(a_closed_desk_takes_no_pool_away),
        WITH_STAGE(damaged_books_stand_in_the_way_of_no_deal),
        WITH_STAGE(a_name_that_is_taken_is_told_before_the_delivery),
        WITH_STAGE(a_good_delivery_is_found_good),
        WITH_STAGE(a_deal_that_takes_its_name_is_refused),
        WITH_STAGE(hours_are_owed_once_and_counted),
        WITH_STAGE(hours_have_the_day_that_they_begin_on),
        WITH_STAGE(a_tick_books_at_most_once_an_hour),
        WITH_STAGE(whoever_reads_sees_what_is_owed_by_now),
        WITH_STAGE(a_clock_that_was_set_back_owes_nothing_back),
        WITH_STAGE(hours_may_carry_a_commitment_over_its_line),
        WITH_STAGE(killed_at_any_point_hours_are_owed_once),
        WITH_STAGE(a_line_of_hours_that_was_changed_is_found),
        WITH_STAGE(a_pool_with_a_flat_price_is_owed_by_the_hour_of_its_month),
        WITH_STAGE(the_next_flat_price_of_a_pool_ends_the_one_before),
        WITH_STAGE(cash_of_a_programme_is_drawn_for_an_order_of_the_desk),
    };
    return cmocka_run_group_tests_name("engine orders", tests, NULL, NULL);
}
