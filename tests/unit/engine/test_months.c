/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Months of a time zone over a real store: what is published with a deal, that neither another zone nor
 * other zone data moves a month that has begun, and that old statements stay what they were.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/internal.h"
#include "engine/periods.h"

enum { MARCH = 2026 * 12 + 2, APRIL, MAY, JUNE };

static oft_instant instant(const char *text)
{
    oft_instant result = 0;
    assert_int_equal(oft_instant_parse(oft_str_from(text), &result), OFT_OK);
    return result;
}

static void publish_in(struct world *world, const char *zone)
{
    char deal[8192];
    (void)snprintf(deal, sizeof(deal), "%s%s%s%s", WORLD_DEAL,
                   zone[0] == '\0' ? "" : "statements in \"", zone, zone[0] == '\0' ? "" : "\"\n");
    world_write_deal(world, deal);
    world_publish(world);
}

static void begins(const struct world *world, int32_t month, const char *expected)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    assert_string_equal(oft_instant_format(deal_month_start(world->engine->deal, month), text),
                        expected);
}

static void use(struct world *world, const char *at, int count)
{
    struct meter_writer writer;
    oft_instant now = world->now;
    world->now = instant(at);
    world_writer_open(world, &writer, 64);
    world_append_requests(world, &writer, (size_t)count);
    meter_writer_close(&writer);
    world->now = now;
    (void)world_drain(world);
}

/* One request that lived under the deal of GENERATION. */
static void use_under(struct world *world, const char *at, uint64_t generation)
{
    struct meter_writer writer;
    struct meter_record record = world_record(world);
    record.admitted_ns = instant(at);
    record.generation = generation;
    world_writer_open(world, &writer, 64);
    world_append(&writer, METER_SETTLED, &record);
    meter_writer_close(&writer);
    (void)world_drain(world);
}

/* Requests on the lines of MONTH. */
static int64_t requests_in(const struct world *world, int32_t month)
{
    char sql[256];
    (void)snprintf(sql, sizeof(sql),
                   "SELECT total(quantity) FROM series WHERE kind = 1 AND month = %d", (int)month);
    return world_sql(world, sql);
}

static void sound(struct world *world)
{
    char findings[4096];
    if (!world_sound(world, findings)) {
        fail_msg("%s", findings);
    }
}

/* A directory of zone data that calls itself RELEASE, in which ZONE has the data of another. */
static void other_zone_data(struct world *world, const char *release, const char *zone,
                            const char *data_of)
{
    static char directory[WORLD_PATH_BYTES * 2];
    char command[WORLD_PATH_BYTES * 8];
    (void)snprintf(directory, sizeof(directory), "%s/zones-%s", world->root, release);
    (void)snprintf(command, sizeof(command),
                   "mkdir -p '%s/Europe' && cp /usr/share/zoneinfo/%s '%s/%s' && "
                   "printf '# version %s\\n' > '%s/tzdata.zi'",
                   directory, data_of, directory, zone, release, directory);
    assert_int_equal(system(command), 0); /* NOLINT: a command of our own */
    assert_int_equal(setenv("TZDIR", directory, 1), 0);
}

static int tear_down(void **state)
{
    assert_int_equal(unsetenv("TZDIR"), 0);
    return world_tear_down(state);
}

/* ---- what is published ------------------------------------------------------------------------ */

static void a_first_deal_has_the_months_of_its_zone_in_the_past_too(void **state)
{
    struct world *world = *state;
    char deal[8192];
    (void)snprintf(deal, sizeof(deal), "%sstatements in \"Europe/Berlin\"\n", WORLD_DEAL);
    world_begin_anew(world, deal);
    world_publish(world);
    begins(world, MARCH, "2026-02-28T23:00:00Z");
    begins(world, APRIL, "2026-03-31T22:00:00Z");
    begins(world, 2060 * 12 + 6, "2060-06-30T22:00:00Z");
    assert_string_equal(world->engine->deal->months.zone, "Europe/Berlin");
    assert_int_equal(world_sql(world, "SELECT count(*) FROM deal_text WHERE path = 'months.deal'"),
                     1);
    use(world, "2026-03-31T21:59:59.999999999Z", 2);
    use(world, "2026-03-31T22:00:00Z", 3);
    assert_int_equal(requests_in(world, MARCH), 2);
    assert_int_equal(requests_in(world, APRIL), 3);
    /* Once more, and from the books alone: the same text and months. */
    uint8_t before[32];
    memcpy(before, world->engine->deal->text_sha256, sizeof(before));
    world_reopen(world);
    world_publish(world);
    assert_memory_equal(before, world->engine->deal->text_sha256, sizeof(before));
    struct oft_error error = {0};
    assert_int_equal(engine_republish(world->engine, world->now, &error), OFT_OK);
    assert_memory_equal(before, world->engine->deal->text_sha256, sizeof(before));
    sound(world);
}

static void a_deal_without_the_line_has_no_such_file(void **state)
{
    struct world *world = *state;
    assert_int_equal(world->engine->deal->file_count, 1);
    begins(world, MARCH, "2026-03-01T00:00:00Z");
}

static void an_unknown_zone_publishes_nothing(void **state)
{
    struct world *world = *state;
    struct oft_error error = {0};
    struct oft_buffer report;
    char deal[8192];
    uint64_t generation = world->engine->generation;
    (void)snprintf(deal, sizeof(deal), "%sstatements in \"Europe/Berlni\"\n", WORLD_DEAL);
    world_write_deal(world, deal);
    oft_buffer_init(&report, 1 << 20);
    assert_int_equal(engine_publish(world->engine, world->now, &report, &error), OFT_ERR_INVALID);
    assert_non_null(strstr(oft_buffer_text(&report), "OFT0012"));
    assert_int_equal(world->engine->generation, generation);
    oft_buffer_release(&report);
}

/* ---- what has begun stays --------------------------------------------------------------------- */

static void a_zone_that_comes_later_begins_with_the_next_month(void **state)
{
    struct world *world = *state;
    use(world, "2026-03-31T23:30:00Z", 1);
    world->now = instant("2026-04-30T21:59:59Z");
    publish_in(world, "Europe/Berlin");
    begins(world, MARCH, "2026-03-01T00:00:00Z");
    begins(world, APRIL, "2026-04-01T00:00:00Z");
    begins(world, MAY, "2026-04-30T22:00:00Z"); /* April has two hours less */
    begins(world, JUNE, "2026-05-31T22:00:00Z");
    assert_int_equal(requests_in(world, MARCH), 1);
    /* And away again: what has begun in Berlin stays, what comes is UTC. */
    world->now = instant("2026-05-10T00:00:00Z");
    publish_in(world, "");
    begins(world, APRIL, "2026-04-01T00:00:00Z");
    begins(world, MAY, "2026-04-30T22:00:00Z");
    begins(world, JUNE, "2026-06-01T00:00:00Z");
    assert_string_equal(world->engine->deal->months.zone, "UTC");
    publish_in(world, "");
    begins(world, MAY, "2026-04-30T22:00:00Z");
    sound(world);
}

/* Between local midnight and that of UTC the month has begun in one of the two: it stays. */
static void a_month_that_has_begun_by_either_reckoning_stays(void **state)
{
    struct world *world = *state;
    world->now = instant("2026-04-30T23:00:00Z");
    publish_in(world, "Europe/Berlin");
    begins(world, MAY, "2026-05-01T00:00:00Z");
    begins(world, JUNE, "2026-05-31T22:00:00Z");
}

static void a_new_release_of_zone_data_moves_months_to_come_and_no_other(void **state)
{
    struct world *world = *state;
    char deal[8192];
    other_zone_data(world, "2026a", "Europe/Berlin", "Europe/Berlin");
    (void)snprintf(deal, sizeof(deal), "%sstatements in \"Europe/Berlin\"\n", WORLD_DEAL);
    world_begin_anew(world, deal);
    world_publish(world);
    assert_string_equal(world->engine->deal->months.release, "2026a");
    use(world, "2026-03-31T22:30:00Z", 1);
    assert_int_equal(requests_in(world, APRIL), 1);
    other_zone_data(world, "2026b", "Europe/Berlin", "Europe/Helsinki");
    world_reopen(world);
    world_publish(world);
    assert_string_equal(world->engine->deal->months.release, "2026b");
    begins(world, MARCH, "2026-02-28T23:00:00Z");
    begins(world, APRIL, "2026-03-31T22:00:00Z");
    begins(world, MAY, "2026-04-30T21:00:00Z");  /* as the new data has it */
    use_under(world, "2026-03-31T22:00:00Z", 2); /* by the new deal: of the same month */
    use_under(world, "2026-03-31T21:59:59Z", 2);
    assert_int_equal(requests_in(world, APRIL), 2);
    assert_int_equal(requests_in(world, MARCH), 1);
    sound(world);
}

/* ---- statements ------------------------------------------------------------------------------- */

static void paper(struct world *world, uint64_t generation, struct oft_buffer *out)
{
    struct engine_basis basis = {.party = "bigcloud",
                                 .month = APRIL,
                                 .as_was = true,
                                 .transaction = 1,
                                 .generation = generation};
    struct oft_error error = {0};
    oft_buffer_init(out, 8 << 20);
    if (engine_paper(world->engine, &basis, ENGINE_TEXT, world->now, out, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
}

static void an_old_statement_is_made_again_by_the_zone_data_of_its_own_deal(void **state)
{
    struct world *world = *state;
    struct oft_buffer first;
    struct oft_buffer again;
    struct oft_buffer later;
    char deal[8192];
    other_zone_data(world, "2026a", "Europe/Berlin", "Europe/Berlin");
    (void)snprintf(deal, sizeof(deal), "%sstatements in \"Europe/Berlin\"\n", WORLD_DEAL);
    world_begin_anew(world, deal);
    world_publish(world);
    use(world, "2026-04-10T00:00:00Z", 1);
    paper(world, 1, &first);
    assert_non_null(strstr(oft_buffer_text(&first), "release 2026a"));
    other_zone_data(world, "2026b", "Europe/Berlin", "Europe/Helsinki");
    world_reopen(world);
    world_publish(world);
    paper(world, 1, &again);
    assert_string_equal(oft_buffer_text(&first), oft_buffer_text(&again));
    paper(world, 2, &later);
    assert_non_null(strstr(oft_buffer_text(&later), "release 2026b"));
    oft_buffer_release(&first);
    oft_buffer_release(&again);
    oft_buffer_release(&later);
}

static void a_month_is_over_when_it_is_over_in_the_zone(void **state)
{
    struct world *world = *state;
    struct oft_error error = {0};
    struct oft_buffer out;
    publish_in(world, "America/New_York"); /* from May on; April ends four hours after UTC's */
    use(world, "2026-05-01T03:59:59Z", 1);
    oft_buffer_init(&out, 1 << 20);
    world->now = instant("2026-05-01T03:59:59Z");
    assert_int_equal(
        engine_period_close(world->engine, APRIL, true, "ann", world->now, &out, &error),
        OFT_ERR_CONFLICT);
    assert_non_null(strstr(error.message, "months end in America/New_York"));
    world->now = instant("2026-05-01T04:00:00Z");
    assert_int_equal(
        engine_period_close(world->engine, APRIL, true, "ann", world->now, &out, &error), OFT_OK);
    oft_buffer_release(&out);
    sound(world);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_first_deal_has_the_months_of_its_zone_in_the_past_too),
        TEST(a_deal_without_the_line_has_no_such_file),
        TEST(an_unknown_zone_publishes_nothing),
        TEST(a_zone_that_comes_later_begins_with_the_next_month),
        TEST(a_month_that_has_begun_by_either_reckoning_stays),
        TEST(a_new_release_of_zone_data_moves_months_to_come_and_no_other),
        TEST(an_old_statement_is_made_again_by_the_zone_data_of_its_own_deal),
        TEST(a_month_is_over_when_it_is_over_in_the_zone),
    };
    return cmocka_run_group_tests_name("engine months", tests, NULL, NULL);
}
