/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rights: who has standing, when one is used up, who holds it, how it ends, and which version governs.
 */
#include "desk/internal.h"
#include "play.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ASSERT_LOTS(play, text) assert_string_equal(play_lots(play), text)
#define ASSERT_OK(expression)   assert_int_equal(expression, OFT_OK)
#define ASSERT_STANDING(play, party, expected) \
    assert_int_equal(desk_has_standing((play)->state, 0, desk_party_name(party).id), expected)
#define ASSERT_STATE(play, right, expected) \
    assert_int_equal(desk_right_state_at((play)->state, right), expected)

static enum oft_err party_act(struct play *play, enum desk_event_kind kind, const char *party)
{
    struct desk_event event = desk_event_of(kind, play->at);
    event.party = desk_party_name(party);
    event.text = "a letter";
    return play_apply(play, &event);
}

static enum oft_err assign(struct play *play, const char *clause, const char *from, const char *to)
{
    struct desk_event event = desk_event_of(DESK_ASSIGNED, play->at);
    event.name = desk_word(clause);
    event.party = desk_party_name(from);
    event.other = desk_party_name(to);
    return play_apply(play, &event);
}

static enum oft_err screen(struct play *play, uint32_t offer, const char *clause)
{
    struct desk_event event = desk_event_of(DESK_SCREENED, play->at);
    event.offer = offer;
    event.name = desk_word(clause);
    return play_apply(play, &event);
}

static struct desk_window days(uint32_t count)
{
    struct desk_window window = play_hours(count);
    window.period.unit = OFT_PERIOD_DAYS;
    return window;
}

static void offer_ten(struct play *play)
{
    play_offer(play, play_need(play, 10), "oracle", 10, 2);
}

/* Sent and delivered at once. */
static void notice(struct play *play, uint32_t lot)
{
    ASSERT_OK(play_on_lot(play, DESK_NOTICE_SENT, lot));
    uint32_t sent = desk_lot_at(play->state, lot)->first_notice;
    ASSERT_OK(play_on_notice(play, DESK_NOTICE_DELIVERED, sent, 0));
}

/* ---- standing -------------------------------------------------------------------------------- */

static void a_default_costs_the_standing_until_it_is_cured(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = play_right_new(&play, "a.rofr");
    right->suspend_on_default = true;
    play_holder(&play, right, "second", 2);
    play_right(&play, right);
    ASSERT_OK(party_act(&play, DESK_DEFAULTED, "first"));
    ASSERT_STANDING(&play, "first", false);
    ASSERT_STATE(&play, 0, DESK_RIGHT_ARMED); /* the second has standing */
    offer_ten(&play);
    assert_string_equal(desk_notice_at(play.state, 0)->holder.text, "second");
    ASSERT_OK(party_act(&play, DESK_DEFAULTED, "second"));
    ASSERT_STATE(&play, 0, DESK_RIGHT_SUSPENDED);
    play.at = HOUR;
    ASSERT_OK(party_act(&play, DESK_CURED, "first"));
    ASSERT_STANDING(&play, "first", true);
    ASSERT_STATE(&play, 0, DESK_RIGHT_ARMED);
    assert_int_equal(party_act(&play, DESK_CURED, "first"), OFT_ERR_DENIED); /* there is none */
    play_end(&play);
}

static void without_any_standing_the_lot_is_free(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = play_right_new(&play, "a.rofr");
    right->suspend_on_default = true;
    play_right(&play, right);
    ASSERT_OK(party_act(&play, DESK_DEFAULTED, "first"));
    offer_ten(&play);
    ASSERT_LOTS(&play, "FREE 10");
    assert_int_equal(desk_lot_at(play.state, 0)->why, DESK_WHY_NO_STANDING);
    play_end(&play);
}

static void a_default_that_no_rule_speaks_of_costs_nothing(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    play_right(&play, play_right_new(&play, "a.rofr"));
    ASSERT_OK(party_act(&play, DESK_DEFAULTED, "first"));
    ASSERT_STANDING(&play, "first", true);
    play_end(&play);
}

static void a_default_has_its_time_to_be_cured(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = play_right_new(&play, "a.rofr");
    right->standing_cure = days(2); /* 48 hours, whatever the clocks do */
    play_right(&play, right);
    ASSERT_OK(party_act(&play, DESK_DEFAULTED, "first"));
    play_wait(&play, 48 * HOUR - 1);
    ASSERT_STANDING(&play, "first", true);
    play_wait(&play, 48 * HOUR);
    ASSERT_STANDING(&play, "first", false);
    play_wait(&play, 49 * HOUR);
    ASSERT_OK(party_act(&play, DESK_CURED, "first"));
    ASSERT_STANDING(&play, "first", true);
    play_end(&play);
}

static void so_many_defaults_in_a_time_cost_the_standing_cured_or_not(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = play_right_new(&play, "a.rofr");
    right->standing_defaults = 2;
    right->standing_within = play_hours(100);
    play_right(&play, right);
    ASSERT_OK(party_act(&play, DESK_DEFAULTED, "first"));
    ASSERT_OK(party_act(&play, DESK_CURED, "first"));
    ASSERT_STANDING(&play, "first", true);
    play.at = 50 * HOUR;
    ASSERT_OK(party_act(&play, DESK_DEFAULTED, "first"));
    ASSERT_STANDING(&play, "first", false);
    play_wait(&play, 100 * HOUR - 1);
    ASSERT_STANDING(&play, "first", false);
    play_wait(&play, 100 * HOUR); /* the first is out of the time now */
    ASSERT_STANDING(&play, "first", true);
    play_end(&play);
}

static void a_right_that_is_nearly_over_gives_no_standing(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = play_right_new(&play, "a.rofr");
    right->standing_remaining = (struct desk_window){
        .said = true, .period = {.count = 1, .unit = OFT_PERIOD_MONTHS}}; /* 30 days */
    right->until = 1000 * HOUR;
    play_right(&play, right);
    play_wait(&play, 280 * HOUR);
    ASSERT_STANDING(&play, "first", true);
    play_wait(&play, 280 * HOUR + 1);
    ASSERT_STANDING(&play, "first", false);
    play_end(&play);
}

/* ---- used up --------------------------------------------------------------------------------- */

static void a_right_for_one_time_is_used_up_by_a_signature(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = play_right_new(&play, "a.rofr");
    right->one_time = true;
    play_right(&play, right);
    offer_ten(&play);
    notice(&play, 0);
    ASSERT_OK(play_on_notice(&play, DESK_DECLINED, 0, 0));
    ASSERT_STATE(&play, 0, DESK_RIGHT_ARMED); /* a waiver is no use of it */
    ASSERT_OK(play_sign_offer(&play, 0, 10, (struct desk_terms){0}));
    ASSERT_STATE(&play, 0, DESK_RIGHT_EXHAUSTED);
    offer_ten(&play);
    ASSERT_LOTS(&play, "SOLD 10, EXEMPT 10");
    assert_int_equal(desk_lot_at(play.state, 1)->why, DESK_WHY_EXHAUSTED);
    ASSERT_OK(play_sign_offer(&play, 1, 10, (struct desk_terms){0}));
    play_end(&play);
}

/* ---- who holds it ---------------------------------------------------------------------------- */

static void an_assigned_right_asks_its_new_holder(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = play_right_new(&play, "a.rofr");
    play_right(&play, right);
    assert_int_equal(assign(&play, "a.rofr", "first", "heir"), OFT_ERR_DENIED); /* not assignable */
    right->assignable = true;
    play_right(&play, right);
    assert_int_equal(assign(&play, "a.rofr", "second", "heir"), OFT_ERR_DENIED);
    assert_int_equal(assign(&play, "b.rofr", "first", "heir"), OFT_ERR_DENIED);
    offer_ten(&play);
    notice(&play, 0);
    ASSERT_OK(assign(&play, "a.rofr", "first", "heir"));
    assert_string_equal(desk_notice_at(play.state, 0)->holder.text, "heir");
    ASSERT_OK(play_on_notice(&play, DESK_ELECTED, 0, 10));
    ASSERT_LOTS(&play, "ELECTED 10");
    play_right(&play, right); /* another reading of the clause: the assignment stays */
    offer_ten(&play);
    assert_string_equal(desk_notice_at(play.state, 1)->holder.text, "heir");
    play_end(&play);
}

static void what_the_old_holder_answered_stays_its_answer(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = play_right_new(&play, "a.rofr");
    right->assignable = true;
    play_right(&play, right);
    offer_ten(&play);
    notice(&play, 0);
    ASSERT_OK(play_on_notice(&play, DESK_DECLINED, 0, 0));
    ASSERT_OK(assign(&play, "a.rofr", "first", "heir"));
    ASSERT_LOTS(&play, "FREE 10");
    assert_int_equal(desk_notice_at(play.state, 0)->state, DESK_NOTICE_DECLINED);
    play_end(&play);
}

static void a_change_of_control_ends_the_rights_that_say_so(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *ends = play_right_new(&play, "a.rofr");
    ends->ends_on_control = true;
    play_right(&play, ends);
    play_right(&play, play_right_new(&play, "b.rofr"));
    play.at = HOUR;
    ASSERT_OK(party_act(&play, DESK_CONTROL_CHANGED, "first"));
    ASSERT_STATE(&play, 0, DESK_RIGHT_TERMINATED);
    ASSERT_STATE(&play, 1, DESK_RIGHT_ARMED); /* silence: it survives */
    assert_int_equal(party_act(&play, DESK_CONTROL_CHANGED, "nobody"), OFT_ERR_DENIED);
    offer_ten(&play);
    assert_int_equal(desk_lot_count(play.state), 1);
    assert_int_equal(desk_lot_at(play.state, 0)->right, 1);
    play_end(&play);
}

static void a_change_of_control_voids_a_notice_that_is_owed(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = play_right_new(&play, "a.rofr");
    right->ends_on_control = true;
    play_right(&play, right);
    offer_ten(&play);
    play.at = HOUR;
    ASSERT_OK(party_act(&play, DESK_CONTROL_CHANGED, "first"));
    ASSERT_LOTS(&play, "VOID 10");
    ASSERT_OK(play_sign_offer(&play, 0, 10, (struct desk_terms){0}));
    play_end(&play);
}

/* ---- in force, amended ----------------------------------------------------------------------- */

static void a_right_is_in_force_from_its_beginning_up_to_its_end(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = play_right_new(&play, "a.rofr");
    right->from = 10 * HOUR;
    right->until = 20 * HOUR;
    play_right(&play, right);
    ASSERT_STATE(&play, 0, DESK_RIGHT_INACTIVE);
    offer_ten(&play);
    assert_int_equal(desk_lot_count(play.state), 0);
    play_wait(&play, 10 * HOUR);
    ASSERT_STATE(&play, 0, DESK_RIGHT_ARMED);
    assert_int_equal(play_sign_offer(&play, 0, 10, (struct desk_terms){0}), OFT_ERR_DENIED);
    assert_int_equal(play.refusal.earliest, 20 * HOUR);
    ASSERT_OK(screen(&play, 0, "a.rofr"));
    ASSERT_LOTS(&play, "READY 10");
    play_wait(&play, 20 * HOUR - 1);
    ASSERT_STATE(&play, 0, DESK_RIGHT_ARMED);
    play_wait(&play, 20 * HOUR);
    ASSERT_STATE(&play, 0, DESK_RIGHT_EXPIRED);
    ASSERT_LOTS(&play, "VOID 10");
    play_end(&play);
}

/* a.rofr until hour 5, then b.rofr, whose holder is "second". */
static void amend(struct play *play, struct desk_right *old)
{
    struct desk_right *next = play_right_new(play, "b.rofr");
    old->until = 5 * HOUR;
    old->end = DESK_ENDS_AMENDED;
    old->ended_by = desk_word("b.rofr");
    next->from = 5 * HOUR;
    next->holder_count = 0;
    play_holder(play, next, "second", 1);
    play_right(play, old);
    play_right(play, next);
}

static void a_lot_without_a_notice_passes_to_the_successor(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    amend(&play, play_right_new(&play, "a.rofr"));
    offer_ten(&play);
    ASSERT_LOTS(&play, "READY 10");
    assert_int_equal(desk_lot_at(play.state, 0)->right, 0);
    play_wait(&play, 5 * HOUR);
    uint32_t last = desk_lot_count(play.state) - 1;
    assert_int_equal(desk_lot_at(play.state, last)->right, 1);
    assert_int_equal(desk_lot_at(play.state, last)->state, DESK_LOT_READY);
    uint32_t owed = desk_lot_at(play.state, last)->first_notice;
    assert_string_equal(desk_notice_at(play.state, owed)->holder.text, "second");
    ASSERT_STATE(&play, 0, DESK_RIGHT_TERMINATED);
    play_end(&play);
}

static void a_noticed_lot_goes_on_under_its_own_words(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    amend(&play, play_right_new(&play, "a.rofr"));
    offer_ten(&play);
    notice(&play, 0);
    play_wait(&play, 6 * HOUR);
    assert_int_equal(desk_lot_at(play.state, 0)->right, 0);
    assert_int_equal(desk_lot_at(play.state, 0)->state, DESK_LOT_OPEN);
    ASSERT_OK(play_on_notice(&play, DESK_ELECTED, 0, 10));
    assert_int_equal(desk_lot_at(play.state, 0)->state, DESK_LOT_ELECTED);
    play_end(&play);
}

static void the_version_at_the_need_governs_where_the_clause_says_so(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = play_right_new(&play, "a.rofr");
    right->governing_at_need = true;
    amend(&play, right);
    offer_ten(&play);
    play_wait(&play, 6 * HOUR);
    ASSERT_LOTS(&play, "READY 10");
    assert_int_equal(desk_lot_at(play.state, 0)->right, 0);
    notice(&play, 0);
    assert_string_equal(desk_notice_at(play.state, 0)->holder.text, "first");
    play_end(&play);
}

static void only_the_customer_says_who_failed_and_who_holds(void **unused)
{
    (void)unused;
    struct play play;
    play_begin(&play);
    struct desk_right *right = play_right_new(&play, "a.rofr");
    right->assignable = true;
    play_right(&play, right);
    play.actor = "second";
    assert_int_equal(party_act(&play, DESK_DEFAULTED, "first"), OFT_ERR_DENIED);
    assert_int_equal(play.refusal.code, DESK_REFUSED_ACTOR);
    assert_int_equal(party_act(&play, DESK_CURED, "first"), OFT_ERR_DENIED);
    assert_int_equal(party_act(&play, DESK_CONTROL_CHANGED, "first"), OFT_ERR_DENIED);
    assert_int_equal(assign(&play, "a.rofr", "first", "second"), OFT_ERR_DENIED);
    ASSERT_STANDING(&play, "first", true);
    play_end(&play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_default_costs_the_standing_until_it_is_cured),
        cmocka_unit_test(without_any_standing_the_lot_is_free),
        cmocka_unit_test(a_default_that_no_rule_speaks_of_costs_nothing),
        cmocka_unit_test(a_default_has_its_time_to_be_cured),
        cmocka_unit_test(so_many_defaults_in_a_time_cost_the_standing_cured_or_not),
        cmocka_unit_test(a_right_that_is_nearly_over_gives_no_standing),
        cmocka_unit_test(a_right_for_one_time_is_used_up_by_a_signature),
        cmocka_unit_test(an_assigned_right_asks_its_new_holder),
        cmocka_unit_test(what_the_old_holder_answered_stays_its_answer),
        cmocka_unit_test(a_change_of_control_ends_the_rights_that_say_so),
        cmocka_unit_test(a_change_of_control_voids_a_notice_that_is_owed),
        cmocka_unit_test(a_right_is_in_force_from_its_beginning_up_to_its_end),
        cmocka_unit_test(a_lot_without_a_notice_passes_to_the_successor),
        cmocka_unit_test(a_noticed_lot_goes_on_under_its_own_words),
        cmocka_unit_test(the_version_at_the_need_governs_where_the_clause_says_so),
        cmocka_unit_test(only_the_customer_says_who_failed_and_who_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
