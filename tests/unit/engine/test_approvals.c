/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Approvals that are proved: who may, by which key, over what; and that the books keep and check it.
 */
#include "world.h"

#include <stdio.h>
#include <string.h>

#include "base/sign.h"
#include "engine/periods.h"

enum { APRIL = 2026 * 12 + 3, PAPER_BYTES = 8 << 20, PEOPLE = 3 };

static const char *const NAMES[PEOPLE] = {"ann", "bob", "eve"};

struct key {
    char pem[OFT_SIGN_PEM_BYTES_MAX];
    size_t length;
    char text[OFT_SIGN_PUBLIC_TEXT_BYTES];
};
static struct key keys[PEOPLE];

/* A deal in which the first COUNT of our people are persons. */
static void write_deal(struct world *world, int count, char deal[8192])
{
    int length = snprintf(deal, 8192, "%s", WORLD_DEAL);
    for (int i = 0; i < count; i++) {
        length += snprintf(deal + length, 8192 - (size_t)length, "person %s \"%s\" key \"%s\"\n",
                           NAMES[i], NAMES[i], keys[i].text);
    }
    if (world != NULL) {
        world_write_deal(world, deal);
    }
}

static int set_up_with(void **state, int count)
{
    char deal[8192];
    int failed = world_set_up(state);
    struct world *world = *state;
    for (int i = 0; i < PEOPLE; i++) {
        uint8_t public_key[OFT_SIGN_PUBLIC_BYTES];
        assert_int_equal(oft_sign_new(keys[i].pem, &keys[i].length, public_key), OFT_OK);
        (void)oft_sign_public_text(public_key, keys[i].text);
    }
    write_deal(NULL, count, deal);
    world_begin_anew(world, deal);
    world_publish(world);
    struct meter_writer writer;
    world_writer_open(world, &writer, 64);
    world_append_requests(world, &writer, 5);
    meter_writer_close(&writer);
    (void)world_drain(world);
    struct oft_buffer out;
    struct oft_error error = {0};
    oft_buffer_init(&out, PAPER_BYTES);
    assert_int_equal(
        engine_statement_draft(world->engine, "bigcloud", APRIL, "ann", world->now, &out, &error),
        OFT_OK);
    oft_buffer_release(&out);
    return failed;
}

static int set_up(void **state)
{
    return set_up_with(state, 2);
}

static int set_up_without(void **state)
{
    return set_up_with(state, 0);
}

/* What NAME signs for statement 1, signed with the key of WHO. */
static void sign(struct world *world, const char *name, int who, uint8_t signature[64])
{
    struct oft_buffer out;
    struct oft_error error = {0};
    char text[4096];
    size_t length = 0;
    oft_buffer_init(&out, PAPER_BYTES);
    assert_int_equal(engine_statement_approval(world->engine, 1, name, &out, &error), OFT_OK);
    const char *at = strstr(oft_buffer_text(&out), "\"text\":\"");
    assert_non_null(at);
    for (at += strlen("\"text\":\""); *at != '"'; at++) {
        bool line = at[0] == '\\' && at[1] == 'n';
        text[length++] = line ? '\n' : *at;
        at += line;
    }
    assert_int_equal(memcmp(text, "offtake approval 1\ndeal Test lab\nby ", 36), 0);
    assert_int_equal(oft_sign((struct oft_str){keys[who].pem, keys[who].length},
                              (struct oft_str){text, length}, signature),
                     OFT_OK);
    oft_buffer_release(&out);
}

static enum oft_err approve(struct world *world, const char *name, const uint8_t *signature,
                            const char *words)
{
    struct oft_buffer out;
    struct oft_error error = {0};
    oft_buffer_init(&out, PAPER_BYTES);
    enum oft_err code = engine_statement_approve_signed(world->engine, 1, name, signature,
                                                        world->now, &out, &error);
    if (words != NULL &&
        strstr(code == OFT_OK ? oft_buffer_text(&out) : error.message, words) == NULL) {
        fail_msg("no \"%s\" in: %s%s", words, error.message, oft_buffer_text(&out));
    }
    oft_buffer_release(&out);
    return code;
}

static enum oft_err approve_as(struct world *world, const char *name, int who, const char *words)
{
    uint8_t signature[64];
    sign(world, name, who, signature);
    return approve(world, name, signature, words);
}

static void two_signatures_approve_and_the_statement_says_so(void **state)
{
    struct world *world = *state;
    struct oft_buffer out;
    struct oft_error error = {0};
    char findings[4096];
    assert_int_equal(approve_as(world, "ann", 0, "\"signed\":true"), OFT_OK);
    assert_int_equal(approve_as(world, "ann", 0, "two persons"), OFT_ERR_CONFLICT);
    assert_int_equal(approve_as(world, "bob", 1, "\"status\":\"approved\""), OFT_OK);
    oft_buffer_init(&out, PAPER_BYTES);
    assert_int_equal(engine_statement_show(world->engine, 1, ENGINE_JSON, &out, &error), OFT_OK);
    assert_non_null(strstr(oft_buffer_text(&out), "\"approved_by\":\"ann, 2026-04-10T00:00:00Z, "
                                                  "signed; bob, 2026-04-10T00:00:00Z, signed\""));
    oft_buffer_release(&out);
    world_reopen(world);
    world_publish(world);
    if (!world_sound(world, findings)) {
        fail_msg("%s", findings);
    }
}

static void an_approval_without_or_with_a_wrong_signature_is_refused(void **state)
{
    struct world *world = *state;
    uint8_t signature[64];
    assert_int_equal(approve(world, "ann", NULL, "must be signed"), OFT_ERR_DENIED);
    assert_int_equal(approve_as(world, "ann", 1, "not ann's"), OFT_ERR_DENIED);
    assert_int_equal(approve_as(world, "eve", 2, "none of them"), OFT_ERR_DENIED);
    sign(world, "ann", 0, signature);
    assert_int_equal(approve(world, "bob", signature, "not bob's"), OFT_ERR_DENIED);
    signature[10] ^= 1;
    assert_int_equal(approve(world, "ann", signature, "not ann's"), OFT_ERR_DENIED);
    assert_int_equal(
        world_sql(world, "SELECT count(*) FROM book_event WHERE what LIKE '%approve%'"), 0);
}

static void a_signature_is_of_one_statement(void **state)
{
    struct world *world = *state;
    struct oft_buffer out;
    struct oft_error error = {0};
    uint8_t signature[64];
    sign(world, "ann", 0, signature);
    oft_buffer_init(&out, PAPER_BYTES);
    assert_int_equal(
        engine_statement_draft(world->engine, "bigcloud", APRIL, "ann", world->now, &out, &error),
        OFT_OK);
    assert_int_equal(engine_statement_approve_signed(world->engine, 2, "ann", signature, world->now,
                                                     &out, &error),
                     OFT_ERR_DENIED);
    oft_buffer_release(&out);
}

static void who_is_no_longer_in_the_deal_approves_nothing(void **state)
{
    struct world *world = *state;
    char deal[8192];
    struct key kept = keys[0];
    write_deal(world, 1, deal); /* without bob */
    world_publish(world);
    assert_int_equal(approve_as(world, "bob", 1, "none of them"), OFT_ERR_DENIED);
    keys[0] = keys[2]; /* ann has another key now */
    write_deal(world, 1, deal);
    world_publish(world);
    keys[0] = kept;
    assert_int_equal(approve_as(world, "ann", 0, "draft it again"), OFT_ERR_DENIED);
    assert_int_equal(approve_as(world, "ann", 2, "draft it again"), OFT_ERR_DENIED);
    write_deal(world, 0, deal); /* and no persons at all: nothing proves her now */
    world_publish(world);
    assert_int_equal(approve_as(world, "ann", 0, "draft it again"), OFT_ERR_DENIED);
    assert_int_equal(approve(world, "ann", NULL, "draft it again"), OFT_ERR_DENIED);
}

static void without_persons_names_are_taken_and_signatures_are_not(void **state)
{
    struct world *world = *state;
    char deal[8192];
    assert_int_equal(approve_as(world, "ann", 0, "names no persons"), OFT_ERR_DENIED);
    assert_int_equal(approve(world, "ann", NULL, NULL), OFT_OK);
    assert_int_equal(
        world_sql(world, "SELECT count(*) FROM book_event WHERE what = 'statement-approve'"), 1);
    write_deal(world, 2, deal);
    world_publish(world);
    assert_int_equal(approve_as(world, "bob", 1, "draft it again"), OFT_ERR_DENIED);
}

/* ---- tampering -------------------------------------------------------------------------------- */

static void found(struct world *world, const char *sql, const char *words)
{
    char findings[4096];
    world_run(world, "DROP TRIGGER book_event_stays");
    world_tamper(world, sql);
    assert_false(world_sound(world, findings));
    if (strstr(findings, words) == NULL) {
        fail_msg("%s", findings);
    }
}

static void another_signature_is_found(void **state)
{
    assert_int_equal(approve_as(*state, "ann", 0, NULL), OFT_OK);
    found(*state,
          "UPDATE book_event SET signature = zeroblob(64) WHERE what = 'statement-approve-signed'",
          "the signature of an approval is not that of whom it names");
}

static void a_signature_that_is_gone_is_found(void **state)
{
    assert_int_equal(approve_as(*state, "ann", 0, NULL), OFT_OK);
    found(*state,
          "UPDATE book_event SET signature = NULL, what = 'statement-approve' WHERE what = "
          "'statement-approve-signed'",
          "approved without a signature");
}

#define TEST(name, before) cmocka_unit_test_setup_teardown(name, before, world_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(two_signatures_approve_and_the_statement_says_so, set_up),
        TEST(an_approval_without_or_with_a_wrong_signature_is_refused, set_up),
        TEST(a_signature_is_of_one_statement, set_up),
        TEST(who_is_no_longer_in_the_deal_approves_nothing, set_up),
        TEST(without_persons_names_are_taken_and_signatures_are_not, set_up_without),
        TEST(another_signature_is_found, set_up),
        TEST(a_signature_that_is_gone_is_found, set_up),
    };
    return cmocka_run_group_tests_name("engine approvals", tests, NULL, NULL);
}
