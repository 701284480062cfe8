/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The procedure of docs/desk.md, sentence by sentence, on the small stage of play.h.
 */
#include "desk/internal.h"
#include "play.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ASSERT_LOTS(play, text) assert_string_equal(play_lots(play), text)
#define REFUSED(play, expression, wanted)               \
    do {                                                \
        assert_int_equal(expression, OFT_ERR_DENIED);   \
        assert_int_equal((play)->refusal.code, wanted); \
    } while (0)

/* One holder, an offer of 10 by oracle at 2 dollars, its notice sent and delivered at hour 1. */
static void open_notice(struct play *play, const struct desk_right *right)
{
    play_right(play, right);
    play_offer(play, play_need(play, 10), "oracle", 10, 2);
    assert_int_equal(play_on_lot(play, DESK_NOTICE_SENT, 0), OFT_OK);
    play->at = HOUR;
    assert_int_equal(play_on_notice(play, DESK_NOTICE_DELIVERED, 0, 0), OFT_OK);
}

static void an_offer_in_scope_owes_a_notice(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    play_right(&play, play_right_new(&play, "a.rofr"));
    play_offer(&play, play_need(&play, 10), "oracle", 10, 2);
    ASSERT_LOTS(&play, "READY 10");
    REFUSED(&play, play_sign_offer(&play, 0, 10, (struct desk_terms){0}), DESK_REFUSED_EARLY);
    assert_int_equal(play.refusal.property, 1);
    assert_string_equal(play.refusal.clause, "a.rofr");
    play_end(&play);
}

static void without_a_right_an_offer_may_be_signed(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    play_offer(&play, play_need(&play, 10), "oracle", 10, 2);
    assert_int_equal(play_sign_offer(&play, 0, 10, (struct desk_terms){0}), OFT_OK);
    assert_int_equal(desk_order_count(play.state), 1);
    play_end(&play);
}

static void silence_is_a_waiver_exactly_at_the_deadline(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    open_notice(&play, play_right_new(&play, "a.rofr"));
    play_wait(&play, 11 * HOUR - 1);
    ASSERT_LOTS(&play, "OPEN 10");
    play_wait(&play, 11 * HOUR);
    ASSERT_LOTS(&play, "FREE 10");
    assert_int_equal(desk_lot_at(play.state, 0)->why, DESK_WHY_LAPSED);
    assert_int_equal(desk_lot_at(play.state, 0)->deadline, 31 * HOUR);
    play_end(&play);
}

static void an_act_at_exactly_the_deadline_is_late(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    open_notice(&play, play_right_new(&play, "a.rofr"));
    play.at = 11 * HOUR;
    REFUSED(&play, play_on_notice(&play, DESK_ELECTED, 0, 10), DESK_REFUSED_LATE);
    play_end(&play);
}

static void the_refusal_names_the_first_instant_at_which_the_act_may_be(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    open_notice(&play, play_right_new(&play, "a.rofr"));
    REFUSED(&play, play_sign_offer(&play, 0, 10, (struct desk_terms){0}), DESK_REFUSED_EARLY);
    assert_int_equal(play.refusal.earliest, 11 * HOUR);
    play.at = 11 * HOUR;
    assert_int_equal(play_sign_offer(&play, 0, 10, (struct desk_terms){0}), OFT_OK);
    ASSERT_LOTS(&play, "SOLD 10");
    play_end(&play);
}

static void an_election_of_all_is_signed_and_bound(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    open_notice(&play, play_right_new(&play, "a.rofr"));
    assert_int_equal(play_on_notice(&play, DESK_ELECTED, 0, 10), OFT_OK);
    ASSERT_LOTS(&play, "ELECTED 10");
    assert_int_equal(play_on_lot(&play, DESK_TENDERED, 0), OFT_OK);
    assert_int_equal(play_on_lot(&play, DESK_SIGNED, 0), OFT_OK);
    ASSERT_LOTS(&play, "BOUND 10");
    assert_string_equal(desk_order_at(play.state, 0)->party.text, "first");
    play_end(&play);
}

static void a_part_splits_the_lot_and_the_rest_goes_on(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = play_right_new(&play, "a.rofr");
    right->partial = true;
    right->partial_minimum = 4;
    right->partial_step = 2;
    open_notice(&play, right);
    assert_int_equal(play_on_notice(&play, DESK_ELECTED, 0, 3), OFT_OK); /* a counter: too little */
    ASSERT_LOTS(&play, "OPEN 10");
    assert_true(desk_notice_at(play.state, 0)->countered);
    assert_int_equal(play_on_notice(&play, DESK_ELECTED, 0, 12), OFT_OK); /* and too much */
    ASSERT_LOTS(&play, "OPEN 10");
    assert_int_equal(play_on_notice(&play, DESK_ELECTED, 0, 6), OFT_OK);
    ASSERT_LOTS(&play, "FREE 4, ELECTED 6");
    play_end(&play);
}

static void a_counter_is_no_acceptance(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    open_notice(&play, play_right_new(&play, "a.rofr"));
    struct desk_event event = desk_event_of(DESK_ELECTED, play.at);
    event.notice = 0;
    event.terms = play_price(&play, 3); /* dearer than noticed */
    play.actor = "first";
    assert_int_equal(play_apply(&play, &event), OFT_OK);
    ASSERT_LOTS(&play, "OPEN 10");
    event.terms = play_price(&play, 1); /* cheaper: better for the customer */
    assert_int_equal(play_apply(&play, &event), OFT_OK);
    ASSERT_LOTS(&play, "ELECTED 10");
    play_end(&play);
}

static void ranks_are_asked_one_after_the_other(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = play_right_new(&play, "a.rofr");
    play_holder(&play, right, "second", 2);
    open_notice(&play, right);
    assert_int_equal(desk_notice_count(play.state), 1);
    assert_int_equal(play_on_notice(&play, DESK_DECLINED, 0, 0), OFT_OK);
    ASSERT_LOTS(&play, "READY 10");
    assert_string_equal(desk_notice_at(play.state, 1)->holder.text, "second");
    assert_int_equal(play_on_lot(&play, DESK_NOTICE_SENT, 0), OFT_OK);
    assert_int_equal(play_on_notice(&play, DESK_NOTICE_DELIVERED, 1, 0), OFT_OK);
    assert_int_equal(play_on_notice(&play, DESK_DECLINED, 1, 0), OFT_OK);
    ASSERT_LOTS(&play, "FREE 10");
    play_end(&play);
}

static void simultaneous_holders_share_and_those_in_full_may_take_more(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = play_right_new(&play, "a.rofr");
    play_holder(&play, right, "second", 2);
    play_holder(&play, right, "third", 3);
    right->simultaneous = true;
    right->windows[DESK_WINDOW_OVER] = play_hours(3);
    open_notice(&play, right);
    assert_int_equal(desk_notice_count(play.state), 3);
    assert_int_equal(desk_notice_at(play.state, 0)->entitled, 4);
    assert_int_equal(desk_notice_at(play.state, 2)->entitled, 3);
    assert_int_equal(play_on_notice(&play, DESK_NOTICE_DELIVERED, 1, 0), OFT_OK);
    assert_int_equal(play_on_notice(&play, DESK_NOTICE_DELIVERED, 2, 0), OFT_OK);
    assert_int_equal(play_on_notice(&play, DESK_ELECTED, 0, 4), OFT_OK);
    assert_int_equal(play_on_notice(&play, DESK_ELECTED, 1, 3), OFT_OK);
    assert_int_equal(play_on_notice(&play, DESK_DECLINED, 2, 0), OFT_OK);
    ASSERT_LOTS(&play, "OVERALLOT 3, ELECTED 4, ELECTED 3");
    assert_int_equal(play_on_notice(&play, DESK_ELECTED, 0, 3), OFT_OK);
    assert_int_equal(play_on_notice(&play, DESK_ELECTED, 1, 1), OFT_OK);
    ASSERT_LOTS(&play, "ELECTED 1, ELECTED 4, ELECTED 3, ELECTED 2"); /* 9/4 and 3/4: 2 and 1 */
    play_end(&play);
}

static void a_defect_voids_the_notice_and_its_timer(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    open_notice(&play, play_right_new(&play, "a.rofr"));
    assert_int_equal(play_on_notice(&play, DESK_NOTICE_OBJECTED, 0, 0), OFT_OK);
    ASSERT_LOTS(&play, "READY 10");
    play_wait(&play, 100 * HOUR);
    ASSERT_LOTS(&play, "READY 10");
    play_end(&play);
}

static void a_notice_is_deemed_delivered(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = play_right_new(&play, "a.rofr");
    right->deemed = play_hours(3);
    play_right(&play, right);
    play_offer(&play, play_need(&play, 10), "oracle", 10, 2);
    assert_int_equal(play_on_lot(&play, DESK_NOTICE_SENT, 0), OFT_OK);
    play_wait(&play, 3 * HOUR - 1);
    ASSERT_LOTS(&play, "NOTICED 10");
    play_wait(&play, 13 * HOUR - 1);
    ASSERT_LOTS(&play, "OPEN 10");
    play_wait(&play, 13 * HOUR);
    ASSERT_LOTS(&play, "FREE 10");
    play_end(&play);
}

static void terms_better_for_the_third_party_owe_a_second_notice(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = play_right_new(&play, "a.rofr");
    right->windows[DESK_WINDOW_REOFFER] = play_hours(2);
    open_notice(&play, right);
    assert_int_equal(play_on_notice(&play, DESK_DECLINED, 0, 0), OFT_OK);
    REFUSED(&play, play_sign_offer(&play, 0, 10, play_price(&play, 3)), DESK_REFUSED_BETTER_TERMS);
    struct desk_event event = desk_event_of(DESK_OFFER_CHANGED, play.at);
    event.offer = 0;
    event.terms = play_price(&play, 3);
    assert_int_equal(play_apply(&play, &event), OFT_OK);
    ASSERT_LOTS(&play, "FREE 10");
    assert_int_equal(play_on_lot(&play, DESK_NOTICE_SENT, 0), OFT_OK);
    ASSERT_LOTS(&play, "NOTICED 10");
    play.at = 2 * HOUR;
    assert_int_equal(play_on_notice(&play, DESK_NOTICE_DELIVERED, 1, 0), OFT_OK);
    play_wait(&play, 4 * HOUR);
    ASSERT_LOTS(&play, "FREE 10");
    assert_int_equal(play_sign_offer(&play, 0, 10, (struct desk_terms){0}), OFT_OK);
    ASSERT_LOTS(&play, "SOLD 10");
    play_end(&play);
}

static void a_free_sale_ends_and_the_right_revives(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    open_notice(&play, play_right_new(&play, "a.rofr"));
    assert_int_equal(play_on_notice(&play, DESK_DECLINED, 0, 0), OFT_OK);
    assert_int_equal(play_sign_offer(&play, 0, 4, (struct desk_terms){0}), OFT_OK);
    ASSERT_LOTS(&play, "FREE 6, SOLD 4");
    play.at = 21 * HOUR;
    REFUSED(&play, play_sign_offer(&play, 0, 6, (struct desk_terms){0}), DESK_REFUSED_NOTICE_OWED);
    ASSERT_LOTS(&play, "REVIVED 6, SOLD 4");
    play_end(&play);
}

static void a_holder_that_does_not_sign_is_in_default(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = play_right_new(&play, "a.rofr");
    right->suspend_on_default = true;
    open_notice(&play, right);
    assert_int_equal(play_on_notice(&play, DESK_ELECTED, 0, 10), OFT_OK);
    assert_int_equal(play_on_lot(&play, DESK_TENDERED, 0), OFT_OK);
    play_wait(&play, 6 * HOUR);
    ASSERT_LOTS(&play, "FREE 10");
    assert_int_equal(desk_right_state_at(play.state, 0), DESK_RIGHT_SUSPENDED);
    play_end(&play);
}

static void a_customer_that_does_not_tender_gains_nothing(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    open_notice(&play, play_right_new(&play, "a.rofr"));
    assert_int_equal(play_on_notice(&play, DESK_ELECTED, 0, 10), OFT_OK);
    play_wait(&play, 6 * HOUR);
    ASSERT_LOTS(&play, "DISPUTED 10");
    REFUSED(&play, play_sign_offer(&play, 0, 10, (struct desk_terms){0}), DESK_REFUSED_EARLY);
    assert_int_equal(play.refusal.earliest, OFT_INSTANT_NEVER);
    play_wait(&play, 26 * HOUR);
    ASSERT_LOTS(&play, "REVIVED 10");
    play_end(&play);
}

static void the_end_of_a_right_voids_or_leaves_what_is_open(void **unused)
{
    (void)unused;
    for (unsigned survive = 0; survive < 2; survive++) {
        struct play play;
        play_begin(&play);
        struct desk_right *right = play_right_new(&play, "a.rofr");
        right->until = 5 * HOUR;
        right->end = DESK_ENDS_TERMINATED;
        right->pending_void = survive == 0;
        open_notice(&play, right);
        play_wait(&play, 5 * HOUR - 1);
        ASSERT_LOTS(&play, "OPEN 10");
        play_wait(&play, 5 * HOUR);
        ASSERT_LOTS(&play, survive == 0 ? "VOID 10" : "OPEN 10");
        if (survive == 0) {
            assert_int_equal(play_sign_offer(&play, 0, 10, (struct desk_terms){0}), OFT_OK);
        } else {
            REFUSED(&play, play_sign_offer(&play, 0, 10, (struct desk_terms){0}),
                    DESK_REFUSED_EARLY);
        }
        play_end(&play);
    }
}

static void what_a_holder_fails_to_deliver_is_free_again(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = play_right_new(&play, "a.rofr");
    right->windows[DESK_WINDOW_DELIVER] = play_hours(50);
    open_notice(&play, right);
    assert_int_equal(play_on_notice(&play, DESK_ELECTED, 0, 10), OFT_OK);
    assert_int_equal(play_on_lot(&play, DESK_SIGNED, 0), OFT_OK);
    struct desk_event event = desk_event_of(DESK_DELIVERED, play.at);
    event.order = 0;
    event.quantity = 7;
    assert_int_equal(play_apply(&play, &event), OFT_OK);
    play_wait(&play, 51 * HOUR);
    ASSERT_LOTS(&play, "BOUND 7, FREE 3");
    assert_int_equal(desk_order_at(play.state, 0)->state, DESK_ORDER_FAILED);
    play_end(&play);
}

static void an_answer_in_time_counts_though_it_is_recorded_late(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    open_notice(&play, play_right_new(&play, "a.rofr"));
    play_wait(&play, 12 * HOUR);
    ASSERT_LOTS(&play, "FREE 10");
    play.happened = 10 * HOUR;
    assert_int_equal(play_on_notice(&play, DESK_ELECTED, 0, 10), OFT_OK);
    ASSERT_LOTS(&play, "ELECTED 10");
    assert_int_equal(desk_lot_at(play.state, 0)->deadline, 15 * HOUR);
    play_end(&play);
}

static void an_exclusive_bars_needs_and_offers_elsewhere(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *sole = play_right_new(&play, "ms-2019.sole");
    sole->kind = DESK_RIGHT_EXCLUSIVE;
    sole->provider = desk_word("azure");
    sole->until = 100 * HOUR;
    play_right(&play, sole);
    struct desk_need need = {.product = desk_product_name("training"),
                             .unit = DESK_SIZE_GPU,
                             .quantity = 1,
                             .ceiling_nanos = -1,
                             .part_of = DESK_NONE,
                             .open_until = 1000 * HOUR,
                             .note = ""};
    struct desk_event event = desk_event_of(DESK_NEED_OPENED, 0);
    event.need_opened = &need;
    REFUSED(&play, play_apply(&play, &event), DESK_REFUSED_EXCLUSIVE);
    assert_string_equal(play.refusal.clause, "ms-2019.sole");
    assert_int_equal(play.refusal.earliest, 100 * HOUR);
    need.provider = desk_word("azure");
    assert_int_equal(play_apply(&play, &event), OFT_OK);
    play_end(&play);
}

static void the_price_is_found_by_its_name(void **unused)
{
    (void)unused;
    assert_true(desk_word("price").id == DESK_WORD_PRICE);
}

static void a_stranger_may_not_answer(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    open_notice(&play, play_right_new(&play, "a.rofr"));
    struct desk_event event = desk_event_of(DESK_ELECTED, play.at);
    event.notice = 0;
    play.actor = "oracle";
    REFUSED(&play, play_apply(&play, &event), DESK_REFUSED_ACTOR);
    play.actor = "buyer"; /* may record it, with a proof */
    event.party = desk_party_name("first");
    REFUSED(&play, play_apply(&play, &event), DESK_REFUSED_ACTOR);
    event.text = "letter of the 2nd";
    assert_int_equal(play_apply(&play, &event), OFT_OK);
    ASSERT_LOTS(&play, "ELECTED 10");
    play_end(&play);
}

static void pieces_under_the_floor_are_one_need_and_flagged(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = play_right_new(&play, "a.rofr");
    right->floor = (struct desk_size){DESK_SIZE_GPU, 10};
    play_right(&play, right);
    play_offer(&play, play_need(&play, 6), "oracle", 6, 2);
    ASSERT_LOTS(&play, "EXEMPT 6");
    play_offer(&play, play_need(&play, 6), "oracle", 6, 2);
    ASSERT_LOTS(&play, "EXEMPT 6, READY 6");
    assert_int_equal(desk_lot_at(play.state, 1)->flags, DESK_FLAG_SPLIT);
    play_end(&play);
}

static void largest_remainder_gives_out_all_and_the_tie_to_the_earlier(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = play_right_new(&play, "a.rofr");
    play_holder(&play, right, "second", 1);
    play_holder(&play, right, "third", 1);
    right->windows[DESK_WINDOW_OVER] = play_hours(3);
    right->partial = true;
    play_right(&play, right);
    play_offer(&play, play_need(&play, 12), "oracle", 12, 2);
    assert_int_equal(play_on_lot(&play, DESK_NOTICE_SENT, 0), OFT_OK);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(play_on_notice(&play, DESK_NOTICE_DELIVERED, i, 0), OFT_OK);
    }
    assert_int_equal(play_on_notice(&play, DESK_ELECTED, 0, 4), OFT_OK);
    assert_int_equal(play_on_notice(&play, DESK_ELECTED, 1, 4), OFT_OK);
    assert_int_equal(play_on_notice(&play, DESK_ELECTED, 2, 1), OFT_OK);
    ASSERT_LOTS(&play, "OVERALLOT 3, ELECTED 4, ELECTED 4, ELECTED 1");
    assert_int_equal(play_on_notice(&play, DESK_ELECTED, 1, 3), OFT_OK);
    assert_int_equal(play_on_notice(&play, DESK_ELECTED, 0, 3), OFT_OK);
    ASSERT_LOTS(&play, "ELECTED 1, ELECTED 4, ELECTED 4, ELECTED 1, ELECTED 2");
    play_end(&play);
}

static void changed_terms_void_what_lapsed_too(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = play_right_new(&play, "a.rofr");
    play_holder(&play, right, "second", 1);
    open_notice(&play, right);
    play_wait(&play, 11 * HOUR); /* the first holder's has lapsed, the second's is not delivered */
    struct desk_event event = desk_event_of(DESK_OFFER_CHANGED, play.at);
    event.offer = 0;
    event.terms = play_price(&play, 3);
    play.actor = "oracle";
    assert_int_equal(play_apply(&play, &event), OFT_OK);
    ASSERT_LOTS(&play, "READY 10");
    play.happened = 2 * HOUR; /* in time, but the terms are no longer offered */
    REFUSED(&play, play_on_notice(&play, DESK_ELECTED, 0, 5), DESK_REFUSED_LATE);
    play_end(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_offer_in_scope_owes_a_notice),
        cmocka_unit_test(without_a_right_an_offer_may_be_signed),
        cmocka_unit_test(silence_is_a_waiver_exactly_at_the_deadline),
        cmocka_unit_test(an_act_at_exactly_the_deadline_is_late),
        cmocka_unit_test(the_refusal_names_the_first_instant_at_which_the_act_may_be),
        cmocka_unit_test(an_election_of_all_is_signed_and_bound),
        cmocka_unit_test(a_part_splits_the_lot_and_the_rest_goes_on),
        cmocka_unit_test(a_counter_is_no_acceptance),
        cmocka_unit_test(changed_terms_void_what_lapsed_too),
        cmocka_unit_test(ranks_are_asked_one_after_the_other),
        cmocka_unit_test(simultaneous_holders_share_and_those_in_full_may_take_more),
        cmocka_unit_test(a_defect_voids_the_notice_and_its_timer),
        cmocka_unit_test(a_notice_is_deemed_delivered),
        cmocka_unit_test(terms_better_for_the_third_party_owe_a_second_notice),
        cmocka_unit_test(a_free_sale_ends_and_the_right_revives),
        cmocka_unit_test(a_holder_that_does_not_sign_is_in_default),
        cmocka_unit_test(a_customer_that_does_not_tender_gains_nothing),
        cmocka_unit_test(the_end_of_a_right_voids_or_leaves_what_is_open),
        cmocka_unit_test(what_a_holder_fails_to_deliver_is_free_again),
        cmocka_unit_test(an_answer_in_time_counts_though_it_is_recorded_late),
        cmocka_unit_test(an_exclusive_bars_needs_and_offers_elsewhere),
        cmocka_unit_test(the_price_is_found_by_its_name),
        cmocka_unit_test(a_stranger_may_not_answer),
        cmocka_unit_test(pieces_under_the_floor_are_one_need_and_flagged),
        cmocka_unit_test(largest_remainder_gives_out_all_and_the_tie_to_the_earlier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
