/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may see what. Words that nobody but their owner may read are planted in a desk, and everything that
 * a viewer can ask for is searched for them.
 */
#include "desk/view.h"
#include "play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CEILING "7.77"
#define DEARER  "8765.43" /* the competing offer's price */

static uint64_t viewer_of(const char *party)
{
    return desk_party_name(party).id;
}

/* Every list, the desk, and every reference that could be guessed. */
static const char *everything(struct play *play, const char *party)
{
    static const char *const words[] = {"need", "offer", "lot", "notice", "order"};
    static const char *const clauses[] = {"a.rofr", "b.rofr"};
    uint64_t viewer = viewer_of(party);
    struct oft_buffer out;
    oft_buffer_init(&out, 1 << 20);
    for (unsigned list = DESK_LIST_NEEDS; list <= DESK_LIST_RIGHTS; list++) {
        desk_view_list(play->state, list, viewer, &out);
    }
    desk_view(play->state, viewer, &out);
    for (size_t i = 0; i < OFT_COUNT_OF(words); i++) {
        for (unsigned j = 1; j < 9; j++) {
            char reference[40];
            (void)snprintf(reference, sizeof(reference), "%s-%u", words[i], j);
            enum oft_err code = desk_view_one(play->state, reference, viewer, &out);
            assert_true(code == OFT_OK || code == OFT_ERR_NOT_FOUND);
        }
    }
    for (size_t i = 0; i < OFT_COUNT_OF(clauses); i++) {
        enum oft_err code = desk_view_one(play->state, clauses[i], viewer, &out);
        assert_true(code == OFT_OK || code == OFT_ERR_NOT_FOUND);
    }
    assert_false(out.failed);
    const char *copy = oft_arena_copy(&play->arena, oft_str_from(oft_buffer_text(&out)));
    oft_buffer_release(&out);
    assert_non_null(copy);
    return copy;
}

#define SEES(play, party, ...)   search(play, party, true, (const char *[]){__VA_ARGS__, NULL})
#define MISSES(play, party, ...) search(play, party, false, (const char *[]){__VA_ARGS__, NULL})

static void search(struct play *play, const char *party, bool wanted, const char *const *words)
{
    const char *text = everything(play, party);
    for (; *words != NULL; words++) {
        if ((strstr(text, *words) != NULL) != wanted) {
            fail_msg("%s %s \"%s\"", party, wanted ? "misses" : "sees", *words);
        }
    }
}

/* ---- the stage ------------------------------------------------------------------------------- */

static void secret_need(struct play *play)
{
    struct desk_need *need = oft_arena_alloc(&play->arena, sizeof(*need));
    struct desk_event event = desk_event_of(DESK_NEED_OPENED, play->at);
    assert_non_null(need);
    *need = (struct desk_need){.product = desk_product_name("training"),
                               .accelerator = desk_word("h100"),
                               .region = desk_word("us"),
                               .unit = DESK_SIZE_GPU,
                               .quantity = 10,
                               .months = 12,
                               .hours = 8760,
                               .ceiling_nanos = 7770000000,
                               .deal = DESK_DEAL_NEW,
                               .provider = {0, ""},
                               .group = desk_word("planted-group"),
                               .part_of = DESK_NONE,
                               .open_until = 1000 * HOUR,
                               .note = "planted-note"};
    event.need_opened = need;
    assert_int_equal(play_apply(play, &event), OFT_OK);
}

static void secret_offer(struct play *play, const char *seller, const char *site,
                         struct desk_terms terms)
{
    struct desk_offer *offer = oft_arena_alloc(&play->arena, sizeof(*offer));
    struct desk_event event = desk_event_of(DESK_OFFER_ADDED, play->at);
    assert_non_null(offer);
    *offer = (struct desk_offer){.need = 0,
                                 .party = desk_party_name(seller),
                                 .provider = desk_word(seller),
                                 .quantity = 10,
                                 .valid_until = 500 * HOUR,
                                 .programme = "planted-programme",
                                 .tranche = "planted-tranche",
                                 .site = site,
                                 .terms = terms};
    event.offer_added = offer;
    assert_int_equal(play_apply(play, &event), OFT_OK);
}

static struct desk_terms dear(struct play *play)
{
    struct desk_terms terms = play_price(play, 1);
    ((struct desk_term *)(uintptr_t)terms.items)->number = 8765430000000;
    return terms;
}

/* A right of "ranked-first" and "ranked-next", one of "elsewhere", a need and two offers. Lots 0 and 1 are
 * of oracle's offer, 2 and 3 of core's; lots 0 and 2 of the first right. */
static void stage(struct play *play, enum desk_disclose disclose)
{
    play_begin(play);
    struct desk_right *a = play_right_new(play, "a.rofr");
    struct desk_right *b = play_right_new(play, "b.rofr");
    a->holder_count = b->holder_count = 0;
    a->disclose = disclose;
    a->remedy = "planted-remedy";
    play_holder(play, a, "ranked-first", 1);
    play_holder(play, a, "ranked-next", 2);
    play_holder(play, b, "elsewhere", 1);
    play_right(play, a);
    play_right(play, b);
    secret_need(play);
    secret_offer(play, "oracle", "site-of-oracle", play_price(play, 2));
    secret_offer(play, "core", "site-of-core", dear(play));
    assert_string_equal(play_lots(play), "READY 10, READY 10, READY 10, READY 10");
}

static uint32_t notice(struct play *play, uint32_t lot)
{
    assert_int_equal(play_on_lot(play, DESK_NOTICE_SENT, lot), OFT_OK);
    uint32_t sent = desk_lot_at(play->state, lot)->first_notice;
    assert_int_equal(play_on_notice(play, DESK_NOTICE_DELIVERED, sent, 0), OFT_OK);
    return sent;
}

#define PLANTED                                                                       \
    CEILING, "planted-note", "planted-group", "planted-programme", "planted-tranche", \
        "planted-remedy"

/* ---- what is seen ---------------------------------------------------------------------------- */

static void the_customer_sees_everything(void **unused)
{
    (void)unused;
    struct play play;
    stage(&play, DESK_DISCLOSE_NOTHING);
    (void)notice(&play, 0);
    SEES(&play, "buyer", CEILING, DEARER, "planted-note", "planted-group", "planted-programme",
         "site-of-oracle", "site-of-core", "ranked-first", "ranked-next", "elsewhere", "lot-4",
         "\"third_party\":\"oracle\"", "a.rofr", "b.rofr", "next_due");
    play_end(&play);
}

static void a_stranger_sees_nothing(void **unused)
{
    (void)unused;
    struct play play;
    stage(&play, DESK_DISCLOSE_IDENTITY);
    (void)notice(&play, 0);
    MISSES(&play, "stranger", PLANTED, DEARER, "oracle", "core", "ranked-first", "ranked-next",
           "elsewhere", "rofr", "h100", "training", "need-", "offer-", "lot-", "notice-",
           "next_due");
    play_end(&play);
}

static void a_holder_sees_its_notice_and_neither_ceiling_nor_names(void **unused)
{
    (void)unused;
    struct play play;
    stage(&play, DESK_DISCLOSE_NOTHING);
    (void)notice(&play, 0);
    SEES(&play, "ranked-first", "\"id\":\"notice-1\"", "\"value\":\"2.00\"", "respond_by", "h100",
         "\"what\":\"answer\"", "a.rofr");
    MISSES(&play, "ranked-first", PLANTED, DEARER, "oracle", "core", "site-of", "ranked-next",
           "elsewhere", "b.rofr", "offer-", "lot-", "third_party", "standing", "next_due");
    play_end(&play);
}

static void a_notice_that_is_owed_is_not_seen_by_its_holder(void **unused)
{
    (void)unused;
    struct play play;
    stage(&play, DESK_DISCLOSE_IDENTITY);
    MISSES(&play, "ranked-first", PLANTED, "notice-", "need-", "h100", "2.00", "oracle");
    SEES(&play, "ranked-first", "a.rofr"); /* that it has a right, it knows */
    play_end(&play);
}

static void the_next_rank_sees_nothing_before_its_turn(void **unused)
{
    (void)unused;
    struct play play;
    stage(&play, DESK_DISCLOSE_IDENTITY);
    uint32_t first = notice(&play, 0);
    MISSES(&play, "ranked-next", PLANTED, "notice-", "need-", "offer-", "lot-", "h100", "oracle",
           "core", "2.00", "ranked-first");
    assert_int_equal(play_on_notice(&play, DESK_DECLINED, first, 0), OFT_OK);
    MISSES(&play, "ranked-next", PLANTED, "notice-", "need-", "oracle", "2.00"); /* owed now */
    (void)notice(&play, 0);
    SEES(&play, "ranked-next", "notice-", "2.00", "\"third_party\":\"oracle\"");
    MISSES(&play, "ranked-next", PLANTED, "notice-1\"", "ranked-first", "declined", "elsewhere",
           "core", DEARER);
    play_end(&play);
}

static void a_holder_sees_nothing_of_another_right(void **unused)
{
    (void)unused;
    struct play play;
    stage(&play, DESK_DISCLOSE_IDENTITY);
    uint32_t first = notice(&play, 0);
    (void)notice(&play, 3); /* core's offer, to elsewhere, whose right discloses nothing */
    assert_int_equal(play_on_notice(&play, DESK_ELECTED, first, 10), OFT_OK);
    SEES(&play, "elsewhere", "notice-", DEARER, "b.rofr");
    MISSES(&play, "elsewhere", PLANTED, "a.rofr", "ranked-", "oracle", "core", "notice-1\"",
           "\"2.00\"", "third_party");
    play_end(&play);
}

static void terms_are_disclosed_without_the_name(void **unused)
{
    (void)unused;
    struct play play;
    stage(&play, DESK_DISCLOSE_TERMS);
    (void)notice(&play, 0);
    SEES(&play, "ranked-first", "third_party_terms");
    MISSES(&play, "ranked-first", PLANTED, "oracle", "core", "\"third_party\":", "third_provider",
           DEARER);
    play_end(&play);
}

static void the_name_is_disclosed_where_the_clause_says_so(void **unused)
{
    (void)unused;
    struct play play;
    stage(&play, DESK_DISCLOSE_IDENTITY);
    (void)notice(&play, 0);
    SEES(&play, "ranked-first", "\"third_party\":\"oracle\"", "\"third_provider\":\"oracle\"");
    MISSES(&play, "ranked-first", PLANTED, "core", "site-of", DEARER);
    play_end(&play);
}

static void a_bidder_sees_its_own_offer_alone(void **unused)
{
    (void)unused;
    struct play play;
    stage(&play, DESK_DISCLOSE_IDENTITY);
    (void)notice(&play, 0);
    SEES(&play, "oracle", "offer-1", "site-of-oracle", "planted-programme", "need-1", "h100");
    MISSES(&play, "oracle", CEILING, "planted-note", "planted-group", "planted-remedy", "core",
           DEARER, "offer-2", "lot-", "notice-", "rofr", "ranked-", "elsewhere", "next_due");
    play_end(&play);
}

static void an_order_is_seen_by_its_party_alone(void **unused)
{
    (void)unused;
    struct play play;
    stage(&play, DESK_DISCLOSE_NOTHING);
    uint32_t first = notice(&play, 0);
    assert_int_equal(play_on_notice(&play, DESK_ELECTED, first, 10), OFT_OK);
    assert_int_equal(play_on_lot(&play, DESK_TENDERED, 0), OFT_OK);
    assert_int_equal(play_on_lot(&play, DESK_SIGNED, 0), OFT_OK);
    SEES(&play, "ranked-first", "order-1", "\"what\":\"deliver\"");
    MISSES(&play, "ranked-first", PLANTED, "oracle", "core", "lot-", "offer-");
    MISSES(&play, "oracle", "order-1", "ranked-first", "azure");
    MISSES(&play, "ranked-next", "order-1", "ranked-first", "azure");
    play_end(&play);
}

static void an_order_says_whether_the_books_charge_it(void **unused)
{
    (void)unused;
    struct play play;
    stage(&play, DESK_DISCLOSE_NOTHING);
    uint32_t first = notice(&play, 0);
    assert_int_equal(play_on_notice(&play, DESK_ELECTED, first, 10), OFT_OK);
    assert_int_equal(play_on_lot(&play, DESK_SIGNED, 0), OFT_OK);
    SEES(&play, "ranked-first", "\"charged\":\"by the hour");
    struct desk_term *price =
        (struct desk_term *)(uintptr_t)desk_order_at(play.state, 0)->terms.items;
    price->text = desk_word("gpu-month");
    SEES(&play, "ranked-first", "\"charged\":\"by the month");
    price->text = desk_word("gpu-year");
    SEES(&play, "ranked-first", "\"charged\":\"by hand");
    play_end(&play);
}

static void an_assigned_right_is_seen_by_who_holds_it_now(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = play_right_new(&play, "a.rofr");
    right->assignable = true;
    play_right(&play, right);
    SEES(&play, "first", "a.rofr");
    struct desk_event event = desk_event_of(DESK_ASSIGNED, play.at);
    event.name = desk_word("a.rofr");
    event.party = desk_party_name("first");
    event.other = desk_party_name("heir");
    assert_int_equal(play_apply(&play, &event), OFT_OK);
    SEES(&play, "heir", "a.rofr");
    MISSES(&play, "first", "a.rofr");
    SEES(&play, "buyer", "\"party\":\"heir\"");
    play_end(&play);
}

static void what_one_may_not_know_of_is_not_there(void **unused)
{
    (void)unused;
    static const char *const references[] = {"need-1", "offer-1", "lot-1",   "notice-1", "order-1",
                                             "a.rofr", "need-99", "offer-0", "",         "notice-"};
    struct play play;
    struct oft_buffer out;
    stage(&play, DESK_DISCLOSE_NOTHING);
    (void)notice(&play, 0);
    oft_buffer_init(&out, 1 << 16);
    for (size_t i = 0; i < OFT_COUNT_OF(references); i++) {
        assert_int_equal(desk_view_one(play.state, references[i], viewer_of("stranger"), &out),
                         OFT_ERR_NOT_FOUND);
    }
    assert_int_equal(out.length, 0);
    oft_buffer_release(&out);
    play_end(&play);
}

static void an_event_is_known_to_the_customer_and_to_whose_act_it_is(void **unused)
{
    (void)unused;
    struct play play;
    stage(&play, DESK_DISCLOSE_IDENTITY);
    struct desk_event event = desk_event_of(DESK_ELECTED, play.at);
    event.actor = desk_party_name("buyer");
    event.party = desk_party_name("ranked-first");
    assert_true(desk_view_event(play.state, &event, viewer_of("buyer")));
    assert_true(desk_view_event(play.state, &event, viewer_of("ranked-first")));
    assert_false(desk_view_event(play.state, &event, viewer_of("ranked-next")));
    assert_false(desk_view_event(play.state, &event, viewer_of("oracle")));
    play_end(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_customer_sees_everything),
        cmocka_unit_test(a_stranger_sees_nothing),
        cmocka_unit_test(a_holder_sees_its_notice_and_neither_ceiling_nor_names),
        cmocka_unit_test(a_notice_that_is_owed_is_not_seen_by_its_holder),
        cmocka_unit_test(the_next_rank_sees_nothing_before_its_turn),
        cmocka_unit_test(a_holder_sees_nothing_of_another_right),
        cmocka_unit_test(terms_are_disclosed_without_the_name),
        cmocka_unit_test(the_name_is_disclosed_where_the_clause_says_so),
        cmocka_unit_test(a_bidder_sees_its_own_offer_alone),
        cmocka_unit_test(an_order_is_seen_by_its_party_alone),
        cmocka_unit_test(an_order_says_whether_the_books_charge_it),
        cmocka_unit_test(an_assigned_right_is_seen_by_who_holds_it_now),
        cmocka_unit_test(what_one_may_not_know_of_is_not_there),
        cmocka_unit_test(an_event_is_known_to_the_customer_and_to_whose_act_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
