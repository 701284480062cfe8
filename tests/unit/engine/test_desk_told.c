/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is told what: nobody in a rehearsal unless it is wanted, a holder nothing of a notice that was
 * never sent, and in the letter what was noticed, whatever came after.
 */
#include "desk_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"

#define QUEUED_FOR(party_) \
    "SELECT count(*) FROM desk_delivery WHERE state = 0 AND party = '" party_ "'"
#define TOLD_TO(party_) "SELECT count(*) FROM desk_delivery WHERE party = '" party_ "'"

static void contacts(struct world *world, const char *more)
{
    char path[WORLD_PATH_BYTES * 2];
    struct oft_error error = {0};
    FILE *file = fopen(world_path(world, "desk.json", path), "w");
    assert_non_null(file);
    (void)fprintf(
        file,
        "{%s \"smtp\": {\"url\": \"smtp://127.0.0.1:2525\", \"from\": \"desk@lab.example\"},"
        " \"contacts\": {\"bigcloud\": {\"mail\": \"notices@big.example\"}}}",
        more);
    assert_int_equal(fclose(file), 0);
    if (engine_desk_contacts_load(world->engine, path, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
}

static void rehearse(struct world *world, const char *more)
{
    world->rehearsal = true;
    char *text = desk_deal("respond within 10 days");
    world_begin_anew(world, text);
    free(text);
    world_publish(world);
    contacts(world, more);
}

static enum oft_err count_one(void *context, const struct engine_message *message,
                              struct oft_error *reterr)
{
    (void)message;
    (void)reterr;
    ++*(unsigned *)context;
    return OFT_OK;
}

static unsigned messages(struct world *world)
{
    struct oft_error error = {0};
    unsigned count = 0;
    assert_int_equal(
        engine_desk_messages(world->engine, world->now, 100, count_one, &count, &error), OFT_OK);
    return count;
}

static void expect_outbox(struct world *world, const char *words)
{
    struct oft_error error = {0};
    struct oft_buffer out;
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(engine_desk_deliveries(world->engine, 0, 100, &out, &error), OFT_OK);
    if (strstr(oft_buffer_text(&out), words) == NULL) {
        fail_msg("no %s in %s", words, oft_buffer_text(&out));
    }
    oft_buffer_release(&out);
}

/* ---- rehearsals -------------------------------------------------------------------------------- */

static void nothing_leaves_a_rehearsal_and_the_outbox_says_so(void **state)
{
    struct world *world = *state;
    rehearse(world, "");
    desk_open_notice(world);
    assert_int_equal(world_sql(world, QUEUED_FOR("bigcloud")), 0);
    assert_int_equal(messages(world), 0);
    expect_outbox(world, "\"address\":\"notices@big.example\",\"state\":\"rehearsed\"");
    expect_sound(world);
}

static void a_rehearsal_sends_where_the_file_says_so(void **state)
{
    struct world *world = *state;
    rehearse(world, "\"send_in_rehearsal\": true,");
    desk_open_notice(world);
    assert_true(messages(world) > 0);
    expect_outbox(world, "\"state\":\"queued\"");
    contacts(world, "\"send_in_rehearsal\": false,"); /* what waits from before stays as well */
    assert_int_equal(messages(world), 0);
}

static void what_a_rehearsal_sends_is_told_by_true_or_false(void **state)
{
    struct world *world = *state;
    char path[WORLD_PATH_BYTES * 2];
    struct oft_error error = {0};
    FILE *file = fopen(world_path(world, "desk.json", path), "w");
    assert_non_null(file);
    (void)fputs("{\"send_in_rehearsal\": \"yes\", \"contacts\": {}}", file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(engine_desk_contacts_load(world->engine, path, &error), OFT_ERR_INVALID);
    assert_non_null(strstr(error.message, "send_in_rehearsal"));
}

/* ---- what a holder is told ---------------------------------------------------------------------- */

static void a_notice_that_was_never_sent_is_told_to_nobody_but_the_customer(void **state)
{
    struct world *world = *state;
    contacts(world, "");
    desk_ok(world, NULL, "need", "open", NEED, NULL);
    desk_ok(world, NULL, "offer", "add", OFFER, NULL);
    desk_ok(world, NULL, "offer", "withdraw", "offer=offer-1", NULL);
    assert_int_equal(world_sql(world, TOLD("notice-1", "void")), 1);
    assert_int_equal(world_sql(world, TOLD_TO("bigcloud")), 0);
    assert_int_equal(messages(world), 0);
}

static void two_holders_asked_at_once(struct world *world)
{
    char *text =
        desk_deal("holder panel rank 2; mode simultaneous; disclose terms; respond within 10 days");
    world_begin_anew(world, text);
    free(text);
    world_publish(world);
    desk_open_notice(world);
    desk_ok(world, "panel", "notice", "delivered", "notice=notice-2", NULL);
}

static void expect_letter(struct world *world, const char *words)
{
    struct oft_error error = {0};
    struct oft_buffer out;
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(engine_notice_document(world->engine, "notice-1", "bigcloud",
                                            ENGINE_DOCUMENT_TEXT, world->now, &out, &error),
                     OFT_OK);
    if (strstr(oft_buffer_text(&out), words) == NULL) {
        fail_msg("no \"%s\" in\n%s", words, oft_buffer_text(&out));
    }
    oft_buffer_release(&out);
}

static void a_letter_says_what_was_noticed_whatever_others_did_since(void **state)
{
    struct world *world = *state;
    two_holders_asked_at_once(world);
    expect_letter(world, "64 accelerators");
    expect_letter(world, "32 accelerators");
    desk_ok(world, "panel", "elect", "", "notice=notice-2", "price=2.10USD/gpu-hour", NULL);
    expect_letter(world, "64 accelerators");
}

static void a_holder_sees_the_third_partys_terms_as_they_were_noticed(void **state)
{
    struct world *world = *state;
    struct engine_desk_look look = {
        .kind = ENGINE_DESK_LIST, .list = DESK_LIST_NOTICES, .viewer = "bigcloud"};
    struct oft_error error = {0};
    struct oft_buffer out;
    two_holders_asked_at_once(world);
    desk_ok(world, NULL, "offer", "change", "offer=offer-1", "price=1.77USD/gpu-hour", NULL);
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(engine_desk_view(world->engine, &look, world->now, &out, &error), OFT_OK);
    assert_non_null(strstr(oft_buffer_text(&out), "2.1"));
    assert_null(strstr(oft_buffer_text(&out), "1.77"));
    oft_buffer_release(&out);
}

/* ---- what a refused party learns ----------------------------------------------------------------- */

static void a_party_learns_nothing_of_the_deal_from_acts_that_are_not_its_own(void **state)
{
    struct world *world = *state;
    struct engine_refusal refusal;
    static const char *const PRODUCTS[] = {"product=api", "product=no-such"};
    desk_open_notice(world);
    desk_ok(world, "bigcloud", "elect", "", "notice=notice-1", "price=2.10USD/gpu-hour", NULL);
    desk_ok(world, NULL, "tender", "", "lot=lot-1", NULL);
    desk_ok(world, NULL, "sign", "", TARGET "=lot-1", "price=2.10USD/gpu-hour", NULL);
    for (size_t i = 0; i < OFT_COUNT_OF(PRODUCTS); i++) {
        assert_int_equal(desk_try(world, "bigcloud", NULL, false, &refusal, "need", "open",
                                  PRODUCTS[i], "count=1", "from=2026-06-01", NULL),
                         OFT_ERR_DENIED);
        assert_int_equal(refusal.code, DESK_REFUSED_ACTOR);
    }
    assert_int_equal(desk_try(world, "bigcloud", NULL, true, &refusal, "deliver", "",
                              "order=order-1", "pool=east", "pool-lines=serves no-such", NULL),
                     OFT_ERR_DENIED);
    assert_int_equal(refusal.code, DESK_REFUSED_ACTOR);
}

static void a_party_is_not_told_which_clause_of_another_stands_against_it(void **state)
{
    struct world *world = *state;
    struct engine_refusal refusal;
    char *text = desk_deal("respond within 10 days");
    char *longer = malloc(strlen(text) + 64);
    const char *rofr = strstr(text, "    rofr:");
    assert_non_null(longer);
    assert_non_null(rofr);
    (void)sprintf(longer, "%.*s    only: exclusive api on alpha until 2026-08-01\n%s",
                  (int)(rofr - text), text, rofr);
    desk_ok(world, NULL, "need", "open", NEED, NULL);
    world_write_deal(world, longer);
    free(text);
    free(longer);
    world_publish(world);
    assert_int_equal(desk_try(world, NULL, NULL, false, &refusal, "offer", "add", OFFER, NULL),
                     OFT_ERR_DENIED);
    assert_string_equal(refusal.clause, "bc.only");
    assert_true(refusal.earliest != OFT_INSTANT_NEVER);
    assert_int_equal(desk_try(world, "other", NULL, false, &refusal, "offer", "add", OFFER, NULL),
                     OFT_ERR_DENIED);
    assert_int_equal(refusal.code, DESK_REFUSED_EXCLUSIVE);
    assert_string_equal(refusal.clause, "");
    assert_null(strstr(refusal.message, "bc.only"));
    assert_null(strstr(refusal.message, "alpha"));
    assert_true(refusal.earliest == OFT_INSTANT_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AT_THE_DESK(nothing_leaves_a_rehearsal_and_the_outbox_says_so),
        AT_THE_DESK(a_rehearsal_sends_where_the_file_says_so),
        AT_THE_DESK(what_a_rehearsal_sends_is_told_by_true_or_false),
        AT_THE_DESK(a_notice_that_was_never_sent_is_told_to_nobody_but_the_customer),
        AT_THE_DESK(a_letter_says_what_was_noticed_whatever_others_did_since),
        AT_THE_DESK(a_holder_sees_the_third_partys_terms_as_they_were_noticed),
        AT_THE_DESK(a_party_learns_nothing_of_the_deal_from_acts_that_are_not_its_own),
        AT_THE_DESK(a_party_is_not_told_which_clause_of_another_stands_against_it),
    };
    return cmocka_run_group_tests_name("engine desk told", tests, NULL, NULL);
}
