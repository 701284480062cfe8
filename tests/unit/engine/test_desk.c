/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The desk over a real journal: rights come from the deal, a command is taken once, a trial leaves
 * nothing, time brings each effect into the outbox once, and a changed byte is found.
 */
#include "desk_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- rights ------------------------------------------------------------------------------------ */

static void publishing_writes_the_customer_and_the_rights_once(void **state)
{
    struct world *world = *state;
    assert_int_equal(world_sql(world, EVENTS), 2); /* the customer, bc.rofr */
    world_publish(world);
    world_reopen(world);
    world_publish(world);
    assert_int_equal(world_sql(world, EVENTS), 2);
    expect_view(world, DESK_LIST_RIGHTS, "bc.rofr");
}

static void a_changed_right_is_written_again_and_a_vanished_one_ends(void **state)
{
    struct world *world = *state;
    char *text = desk_deal("respond within 20 days");
    world_write_deal(world, text);
    free(text);
    world_publish(world);
    assert_int_equal(world_sql(world, EVENTS), 3);
    world_write_deal(world, WORLD_DEAL);
    world_publish(world);
    assert_int_equal(world_sql(world, EVENTS), 4);
    expect_view(world, DESK_LIST_RIGHTS, "terminated");
    expect_sound(world);
}

static void a_calendar_that_nobody_has_refuses_the_publication_by_name(void **state)
{
    struct world *world = *state;
    struct oft_error error = {0};
    struct oft_buffer report;
    uint64_t generation = engine_generation(world->engine);
    char *text = desk_deal("respond within 10 business days calendar no-such-place");
    world_write_deal(world, text);
    free(text);
    oft_buffer_init(&report, 1 << 20);
    assert_int_equal(engine_publish(world->engine, world->now, &report, &error), OFT_ERR_INVALID);
    assert_non_null(strstr(oft_buffer_text(&report), "bc.rofr"));
    assert_non_null(strstr(oft_buffer_text(&report), "no-such-place"));
    oft_buffer_release(&report);
    assert_int_equal(engine_generation(world->engine), generation);
    assert_int_equal(world_sql(world, EVENTS), 2);
}

static void calendars_and_zones_are_written_before_the_right_that_names_them(void **state)
{
    struct world *world = *state;
    char *text = desk_deal("respond within 10 business days calendar us-federal"
                           " zone \"America/New_York\"");
    world_write_deal(world, text);
    free(text);
    world_publish(world);
    assert_int_equal(world_sql(world, EVENTS), 5);
    world_publish(world);
    world_reopen(world);
    world_publish(world);
    assert_int_equal(world_sql(world, EVENTS), 5);
    desk_open_notice(world);
    expect_view(world, DESK_LIST_NOTICES, "2026-04-24T04:00:00Z"); /* sent on the 9th in New York */
    expect_sound(world);
}

/* ---- commands ---------------------------------------------------------------------------------- */

static void a_procedure_goes_from_need_to_signature(void **state)
{
    struct world *world = *state;
    desk_open_notice(world);
    expect_view(world, DESK_LIST_NOTICES, "notice-1");
    desk_ok(world, "bigcloud", "elect", "", "notice=notice-1", "count=64", NULL);
    desk_ok(world, NULL, "sign", "", TARGET "=lot-1", NULL);
    expect_view(world, DESK_LIST_LOTS, "BOUND");
    expect_view(world, DESK_LIST_ORDERS, "order-1");
    world_reopen(world);
    world_publish(world);
    expect_view(world, DESK_LIST_LOTS, "BOUND");
    expect_sound(world);
}

static void a_refused_command_leaves_no_trace(void **state)
{
    struct world *world = *state;
    struct engine_refusal refusal;
    desk_ok(world, NULL, "need", "open", NEED, NULL);
    desk_ok(world, NULL, "offer", "add", OFFER, NULL);
    int64_t events = world_sql(world, EVENTS);
    int64_t told = world_sql(world, DELIVERIES);
    assert_int_equal(desk_try(world, NULL, NULL, false, &refusal, "sign", "", TARGET "=offer-1",
                              "count=64", NULL),
                     OFT_ERR_DENIED);
    assert_int_equal(refusal.code, DESK_REFUSED_EARLY);
    assert_int_equal(refusal.property, 1);
    assert_string_equal(refusal.clause, "bc.rofr");
    assert_int_equal(world_sql(world, EVENTS), events);
    assert_int_equal(world_sql(world, DELIVERIES), told);
    expect_sound(world);
}

static void a_dry_run_leaves_no_trace_and_says_what_would_come(void **state)
{
    struct world *world = *state;
    struct engine_refusal refusal;
    desk_ok(world, NULL, "need", "open", NEED, NULL);
    int64_t events = world_sql(world, EVENTS);
    assert_int_equal(desk_try(world, NULL, "dry", true, &refusal, "offer", "add", OFFER, NULL),
                     OFT_OK);
    assert_non_null(strstr(desk_answer(), "\"dry_run\":true"));
    assert_non_null(strstr(desk_answer(), "offer-1"));
    assert_non_null(strstr(desk_answer(), "READY"));
    assert_int_equal(world_sql(world, EVENTS), events);
    assert_int_equal(world_sql(world, "SELECT count(*) FROM desk_request"), 0);
    expect_no_view(world, DESK_LIST_OFFERS, "offer-1");
    expect_sound(world);
}

/* What is tried and what is to come is asked of the state in use: the journal is not read for it. */
static void a_trial_and_the_future_do_not_read_the_journal_again(void **state)
{
    struct world *world = *state;
    struct engine_refusal refusal;
    desk_open_notice(world);
    world_tamper(world, "DELETE FROM desk_event WHERE number = 3");
    assert_int_equal(desk_try(world, NULL, NULL, true, &refusal, "need", "open", NEED, NULL),
                     OFT_OK);
    assert_non_null(strstr(desk_answer(), "need-2"));
    assert_int_equal(desk_try(world, NULL, NULL, true, &refusal, "sign", "", TARGET "=offer-1",
                              "count=64", NULL),
                     OFT_ERR_DENIED);
    expect_view_at(world, DESK_LIST_LOTS, world->now + 11 * OFT_NS_PER_DAY, "FREE");
    expect_view(world, DESK_LIST_LOTS, "OPEN");
    expect_no_view(world, DESK_LIST_NEEDS, "need-2");
}

static void a_key_gives_one_outcome(void **state)
{
    struct world *world = *state;
    struct engine_refusal refusal;
    assert_int_equal(desk_try(world, NULL, "k1", false, &refusal, "need", "open", NEED, NULL),
                     OFT_OK);
    char *first = strdup(desk_answer());
    assert_non_null(first);
    world_reopen(world);
    world_publish(world);
    assert_int_equal(desk_try(world, NULL, "k1", false, &refusal, "need", "open", NEED, NULL),
                     OFT_OK);
    assert_string_equal(desk_answer(), first);
    free(first);
    assert_int_equal(world_sql(world, EVENTS), 3);
    assert_int_equal(
        desk_try(world, NULL, "k1", false, &refusal, "need", "open", NEED, "note=another", NULL),
        OFT_ERR_CONFLICT);
    assert_int_equal(desk_try(world, NULL, "", false, &refusal, "need", "open", NEED, NULL),
                     OFT_ERR_INVALID);
    assert_int_equal(world_sql(world, EVENTS), 3);
}

static void what_the_deal_does_not_know_is_refused_in_words(void **state)
{
    struct world *world = *state;
    struct engine_refusal refusal;
    assert_int_equal(desk_try(world, NULL, NULL, false, &refusal, "need", "open", "product=nothing",
                              "count=1", "from=2026-06-01", NULL),
                     OFT_ERR_INVALID);
    assert_non_null(strstr(desk_error(), "nothing"));
    desk_ok(world, NULL, "need", "open", NEED, NULL);
    assert_int_equal(desk_try(world, NULL, NULL, false, &refusal, "offer", "add", "need=need-1",
                              "provider=nowhere", "count=1", NULL),
                     OFT_ERR_INVALID);
    assert_non_null(strstr(desk_error(), "nowhere"));
}

static void a_party_learns_nothing_of_what_is_not_its_own(void **state)
{
    struct world *world = *state;
    struct engine_refusal refusal;
    desk_open_notice(world);
    assert_int_equal(
        desk_try(world, "other", NULL, false, &refusal, "decline", "", "notice=notice-1", NULL),
        OFT_ERR_NOT_FOUND);
    assert_int_equal(
        desk_try(world, "other", NULL, false, &refusal, "decline", "", "notice=notice-9", NULL),
        OFT_ERR_NOT_FOUND);
    desk_ok(world, "bigcloud", "decline", "", "notice=notice-1", NULL);
    assert_non_null(strstr(desk_answer(), "notice-1"));
    assert_null(strstr(desk_answer(), "lot-1"));
}

/* ---- time -------------------------------------------------------------------------------------- */

static void what_falls_due_is_told_once_also_while_the_daemon_was_down(void **state)
{
    struct world *world = *state;
    struct oft_error error = {0};
    desk_open_notice(world);
    world_close(world);
    world->now += 40 * OFT_NS_PER_DAY;
    assert_int_equal(world_open(world, &error), OFT_OK);
    world_publish(world);
    assert_int_equal(world_sql(world, TOLD("notice-1", "lapsed")), 1);
    assert_int_equal(world_sql(world, TOLD("lot-1", "FREE")), 1);
    int64_t told = world_sql(world, DELIVERIES);
    assert_int_equal(engine_desk_tick(world->engine, world->now, &error), OFT_OK);
    world_reopen(world);
    world_publish(world);
    assert_int_equal(engine_tick(world->engine, world->now, &error), OFT_OK);
    assert_int_equal(world_sql(world, DELIVERIES), told);
    expect_sound(world);
}

static void a_clock_that_is_set_back_takes_nothing_back(void **state)
{
    struct world *world = *state;
    struct oft_error error = {0};
    desk_open_notice(world);
    world->now += 40 * OFT_NS_PER_DAY;
    assert_int_equal(engine_desk_tick(world->engine, world->now, &error), OFT_OK);
    world_close(world);
    world->now -= 39 * OFT_NS_PER_DAY;
    assert_int_equal(world_open(world, &error), OFT_OK);
    world_publish(world);
    expect_view(world, DESK_LIST_LOTS, "FREE");
    expect_sound(world);
}

static void the_desk_can_be_seen_as_it_was_and_as_it_will_be(void **state)
{
    struct world *world = *state;
    oft_instant before = world->now;
    desk_open_notice(world);
    expect_view_at(world, DESK_LIST_NOTICES, before - OFT_NS_PER_DAY, "\"notices\":[]");
    expect_view_at(world, DESK_LIST_LOTS, before + 40 * OFT_NS_PER_DAY, "FREE");
    expect_view(world, DESK_LIST_LOTS, "OPEN"); /* the one in use knows nothing of it */
    expect_sound(world);
}

/* ---- the journal ------------------------------------------------------------------------------- */

static void a_changed_event_closes_the_desk_and_is_a_finding(void **state)
{
    struct world *world = *state;
    struct engine_refusal refusal;
    char findings[4096];
    desk_open_notice(world);
    world_close(world);
    world_tamper(world, "UPDATE desk_event SET recorded_ns = recorded_ns + 1 WHERE number = 3");
    struct oft_error error = {0};
    assert_int_equal(world_open(world, &error), OFT_OK);
    world_publish(world); /* traffic goes on */
    assert_false(world_sound(world, findings));
    assert_non_null(strstr(findings, "event 3"));
    assert_int_equal(desk_try(world, NULL, NULL, false, &refusal, "need", "open", NEED, NULL),
                     OFT_ERR_CORRUPT);
}

static void a_link_that_names_another_before_it_is_found(void **state)
{
    struct world *world = *state;
    char findings[4096];
    desk_open_notice(world);
    world_tamper(world, "UPDATE desk_event SET previous = zeroblob(32) WHERE number = 4");
    assert_false(world_sound(world, findings));
    assert_non_null(strstr(findings, "event 4"));
}

static void a_link_that_is_taken_out_is_found_while_the_desk_runs(void **state)
{
    struct world *world = *state;
    char findings[4096];
    desk_open_notice(world);
    world_tamper(world, "DELETE FROM desk_event WHERE number = 4");
    assert_false(world_sound(world, findings));
    assert_non_null(strstr(findings, "event 5 where 4"));
}

static void the_last_link_taken_out_is_found_too(void **state)
{
    struct world *world = *state;
    char findings[4096];
    desk_open_notice(world);
    world_tamper(world, "DELETE FROM desk_event WHERE number ="
                        " (SELECT max(number) FROM desk_event)");
    assert_false(world_sound(world, findings));
    assert_non_null(strstr(findings, "folds to"));
}

static void a_commit_that_fails_is_no_command(void **state)
{
    struct world *world = *state;
    struct engine_refusal refusal;
    desk_ok(world, NULL, "need", "open", NEED, NULL);
    world_run(world, "CREATE TRIGGER no BEFORE INSERT ON desk_event"
                     " BEGIN SELECT raise(ABORT, 'no'); END");
    assert_true(desk_try(world, NULL, "k", false, &refusal, "offer", "add", OFFER, NULL) != OFT_OK);
    world_run(world, "DROP TRIGGER no");
    expect_no_view(world, DESK_LIST_OFFERS, "offer-1");
    expect_sound(world);
    assert_int_equal(desk_try(world, NULL, "k", false, &refusal, "offer", "add", OFFER, NULL),
                     OFT_OK);
    expect_view(world, DESK_LIST_OFFERS, "offer-1");
    expect_sound(world);
}

static void the_journal_is_read_also_when_the_state_was_dropped(void **state)
{
    struct world *world = *state;
    struct engine_refusal refusal;
    struct oft_error error = {0};
    struct oft_buffer out;
    world_run(world, "CREATE TRIGGER no BEFORE INSERT ON desk_event"
                     " BEGIN SELECT raise(ABORT, 'no'); END");
    assert_true(desk_try(world, NULL, NULL, false, &refusal, "need", "open", NEED, NULL) != OFT_OK);
    oft_buffer_init(&out, 1 << 20);
    if (engine_desk_journal(world->engine, NULL, 1, 10, world->now, &out, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
    assert_non_null(strstr(oft_buffer_text(&out), "bc.rofr"));
    oft_buffer_release(&out);
}

/* ---- tokens, notices --------------------------------------------------------------------------- */

static void a_token_is_a_partys_until_it_is_revoked(void **state)
{
    struct world *world = *state;
    struct oft_error error = {0};
    char token[ENGINE_TOKEN_BYTES], party[ENGINE_PARTY_BYTES], id[17];
    uint8_t hash[32];
    assert_int_equal(
        engine_party_token_create(world->engine, "bigcloud", world->now, token, &error), OFT_OK);
    assert_int_equal(oft_sha256_once(token, strlen(token), hash), OFT_OK);
    assert_int_equal(engine_party_of_token(world->engine, hash, party, &error), OFT_OK);
    assert_string_equal(party, "bigcloud");
    (void)snprintf(id, sizeof(id), "%02x%02x%02x%02x%02x%02x%02x%02x", hash[7], hash[6], hash[5],
                   hash[4], hash[3], hash[2], hash[1], hash[0]);
    assert_int_equal(engine_party_token_revoke(world->engine, id, world->now, &error), OFT_OK);
    assert_int_equal(engine_party_of_token(world->engine, hash, party, &error), OFT_ERR_NOT_FOUND);
    assert_int_equal(engine_party_token_create(world->engine, "lab", world->now, token, &error),
                     OFT_ERR_INVALID);
    assert_int_equal(engine_party_token_create(world->engine, "who", world->now, token, &error),
                     OFT_ERR_NOT_FOUND);
}

static void a_notice_is_a_letter_that_says_all_but_who_the_third_party_is(void **state)
{
    struct world *world = *state;
    struct oft_error error = {0};
    struct oft_buffer out;
    desk_open_notice(world);
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(engine_notice_document(world->engine, "notice-1", "bigcloud",
                                            ENGINE_DOCUMENT_TEXT, world->now, &out, &error),
                     OFT_OK);
    const char *text = oft_buffer_text(&out);
    static const char *const WORDS[] = {
        "Big Cloud",     "bc.rofr", "64 accelerators", "2.10", "Silence is no acceptance",
        "Answer before", "SHA-256"};
    for (size_t i = 0; i < OFT_COUNT_OF(WORDS); i++) {
        if (strstr(text, WORDS[i]) == NULL) {
            fail_msg("no \"%s\" in:\n%s", WORDS[i], text);
        }
    }
    assert_null(strstr(text, "Other Cloud"));
    assert_null(strstr(text, "beta"));
    oft_buffer_clear(&out);
    assert_int_equal(engine_notice_document(world->engine, "notice-1", NULL, ENGINE_DOCUMENT_PDF,
                                            world->now, &out, &error),
                     OFT_OK);
    assert_memory_equal(oft_buffer_text(&out), "%PDF-", 5);
    assert_int_equal(engine_notice_document(world->engine, "notice-1", "other",
                                            ENGINE_DOCUMENT_TEXT, world->now, &out, &error),
                     OFT_ERR_NOT_FOUND);
    oft_buffer_release(&out);
}

static void a_letter_tells_of_the_third_party_what_the_clause_discloses(void **state)
{
    static const struct {
        const char *words;
        bool terms, identity;
    } cases[] = {{"respond within 10 days; disclose nothing", false, false},
                 {"respond within 10 days; disclose terms", true, false},
                 {"respond within 10 days; disclose identity", true, true}};
    struct world *world = *state;
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        struct oft_error error = {0};
        struct oft_buffer out;
        char *text = desk_deal(cases[i].words);
        world_begin_anew(world, text);
        free(text);
        world_publish(world);
        desk_open_notice(world);
        oft_buffer_init(&out, 1 << 20);
        assert_int_equal(engine_notice_document(world->engine, "notice-1", "bigcloud",
                                                ENGINE_DOCUMENT_TEXT, world->now, &out, &error),
                         OFT_OK);
        assert_int_equal(strstr(oft_buffer_text(&out), "Stands until") != NULL, cases[i].terms);
        assert_int_equal(strstr(oft_buffer_text(&out), "Other Cloud") != NULL, cases[i].identity);
        oft_buffer_release(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AT_THE_DESK(publishing_writes_the_customer_and_the_rights_once),
        AT_THE_DESK(a_changed_right_is_written_again_and_a_vanished_one_ends),
        AT_THE_DESK(a_calendar_that_nobody_has_refuses_the_publication_by_name),
        AT_THE_DESK(calendars_and_zones_are_written_before_the_right_that_names_them),
        AT_THE_DESK(a_procedure_goes_from_need_to_signature),
        AT_THE_DESK(a_refused_command_leaves_no_trace),
        AT_THE_DESK(a_dry_run_leaves_no_trace_and_says_what_would_come),
        AT_THE_DESK(a_trial_and_the_future_do_not_read_the_journal_again),
        AT_THE_DESK(a_key_gives_one_outcome),
        AT_THE_DESK(what_the_deal_does_not_know_is_refused_in_words),
        AT_THE_DESK(a_party_learns_nothing_of_what_is_not_its_own),
        AT_THE_DESK(what_falls_due_is_told_once_also_while_the_daemon_was_down),
        AT_THE_DESK(a_clock_that_is_set_back_takes_nothing_back),
        AT_THE_DESK(the_desk_can_be_seen_as_it_was_and_as_it_will_be),
        AT_THE_DESK(a_changed_event_closes_the_desk_and_is_a_finding),
        AT_THE_DESK(a_link_that_names_another_before_it_is_found),
        AT_THE_DESK(a_link_that_is_taken_out_is_found_while_the_desk_runs),
        AT_THE_DESK(the_last_link_taken_out_is_found_too),
        AT_THE_DESK(a_commit_that_fails_is_no_command),
        AT_THE_DESK(the_journal_is_read_also_when_the_state_was_dropped),
        AT_THE_DESK(a_token_is_a_partys_until_it_is_revoked),
        AT_THE_DESK(a_notice_is_a_letter_that_says_all_but_who_the_third_party_is),
        AT_THE_DESK(a_letter_tells_of_the_third_party_what_the_clause_discloses),
    };
    return cmocka_run_group_tests_name("engine desk", tests, NULL, NULL);
}
