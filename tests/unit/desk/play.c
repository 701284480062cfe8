/* SPDX-License-Identifier: Apache-2.0 */
#include "play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

void play_begin(struct play *play)
{
    memset(play, 0, sizeof(*play));
    oft_arena_init(&play->arena, 1 << 24);
    assert_int_equal(desk_state_new(&play->state), OFT_OK);
    play->actor = "buyer";
    play->text = "";
    play->happened = OFT_INSTANT_NEVER;
    struct desk_event event = desk_event_of(DESK_CUSTOMER, 0);
    event.party = desk_party_name("buyer");
    assert_int_equal(play_apply(play, &event), OFT_OK);
}

void play_end(struct play *play)
{
    desk_assert_sound(play->state);
    desk_state_free(play->state);
    oft_arena_release(&play->arena);
}

struct desk_window play_hours(uint32_t hours)
{
    return (struct desk_window){
        .said = true, .period = {.count = hours, .unit = OFT_PERIOD_HOURS, .roll = OFT_ROLL_NONE}};
}

struct desk_right *play_right_new(struct play *play, const char *clause)
{
    struct desk_right *right = oft_arena_alloc(&play->arena, sizeof(*right));
    struct desk_holder *holders =
        oft_arena_alloc_array(&play->arena, DESK_HOLDERS_MAX, sizeof(*holders));
    assert_non_null(right);
    assert_non_null(holders);
    *right = (struct desk_right){.clause = desk_word(clause),
                                 .kind = DESK_RIGHT_REFUSAL,
                                 .from = OFT_INSTANT_ALWAYS,
                                 .until = OFT_INSTANT_NEVER,
                                 .ended_by = {0, ""},
                                 .provider = {0, ""},
                                 .remedy = "",
                                 .holders = holders};
    right->windows[DESK_WINDOW_RESPOND] = play_hours(10);
    right->windows[DESK_WINDOW_SIGN] = play_hours(5);
    right->windows[DESK_WINDOW_RELEASE] = play_hours(20);
    play_holder(play, right, "first", 1);
    return right;
}

void play_holder(struct play *play, struct desk_right *right, const char *party, uint32_t rank)
{
    (void)play;
    struct desk_holder *holders = (struct desk_holder *)(uintptr_t)right->holders;
    holders[right->holder_count++] = (struct desk_holder){desk_party_name(party), rank};
}

void play_right(struct play *play, const struct desk_right *right)
{
    struct desk_event event = desk_event_of(DESK_RIGHT, play->at);
    event.right = right;
    assert_int_equal(play_apply(play, &event), OFT_OK);
}

struct desk_terms play_price(struct play *play, int64_t dollars)
{
    struct desk_term *term = oft_arena_alloc(&play->arena, sizeof(*term));
    assert_non_null(term);
    *term = (struct desk_term){.name = desk_word("price"),
                               .kind = DESK_TERM_AMOUNT,
                               .number = dollars * OFT_NANOS_PER_UNIT,
                               .text = desk_word("gpu-hour"),
                               .cash_nanos = -1};
    return (struct desk_terms){term, 1};
}

uint32_t play_need(struct play *play, uint64_t quantity)
{
    struct desk_need *need = oft_arena_alloc(&play->arena, sizeof(*need));
    assert_non_null(need);
    *need = (struct desk_need){.product = desk_product_name("training"),
                               .accelerator = desk_word("h100"),
                               .region = desk_word("us"),
                               .unit = DESK_SIZE_GPU,
                               .quantity = quantity,
                               .months = 12,
                               .hours = 8760,
                               .ceiling_nanos = -1,
                               .deal = DESK_DEAL_NEW,
                               .part_of = DESK_NONE,
                               .open_until = 1000 * HOUR,
                               .note = ""};
    need->terms = play_price(play, 3);
    struct desk_event event = desk_event_of(DESK_NEED_OPENED, play->at);
    event.need_opened = need;
    assert_int_equal(play_apply(play, &event), OFT_OK);
    return desk_need_count(play->state) - 1;
}

uint32_t play_offer(struct play *play, uint32_t need, const char *seller, uint64_t quantity,
                    int64_t dollars)
{
    struct desk_offer *offer = oft_arena_alloc(&play->arena, sizeof(*offer));
    assert_non_null(offer);
    *offer = (struct desk_offer){.need = need,
                                 .party = desk_party_name(seller),
                                 .provider = desk_word(seller),
                                 .quantity = quantity,
                                 .valid_until = 500 * HOUR,
                                 .programme = "",
                                 .tranche = "",
                                 .site = "",
                                 .terms = play_price(play, dollars)};
    struct desk_event event = desk_event_of(DESK_OFFER_ADDED, play->at);
    event.offer_added = offer;
    assert_int_equal(play_apply(play, &event), OFT_OK);
    return desk_offer_count(play->state) - 1;
}

enum oft_err play_apply(struct play *play, struct desk_event *event)
{
    event->number = play->number + 1;
    event->actor = desk_party_name(play->actor);
    if (event->party.id == 0) {
        event->party = event->actor;
    }
    event->at = play->at;
    event->happened = play->happened == OFT_INSTANT_NEVER ? play->at : play->happened;
    if (event->text[0] == '\0') {
        event->text = play->text;
    }
    enum oft_err code = desk_apply(play->state, event, &play->refusal);
    desk_assert_sound(play->state);
    play->number += code == OFT_OK;
    return code;
}

enum oft_err play_on_lot(struct play *play, enum desk_event_kind kind, uint32_t lot)
{
    struct desk_event event = desk_event_of(kind, play->at);
    event.lot = lot;
    event.other = desk_word("azure");
    return play_apply(play, &event);
}

enum oft_err play_on_notice(struct play *play, enum desk_event_kind kind, uint32_t notice,
                            uint64_t quantity)
{
    struct desk_event event = desk_event_of(kind, play->at);
    const char *actor = play->actor;
    event.notice = notice;
    event.quantity = quantity;
    event.text = kind == DESK_NOTICE_OBJECTED ? "the price is missing" : "";
    play->actor = desk_notice_at(play->state, notice)->holder.text;
    enum oft_err code = play_apply(play, &event);
    play->actor = actor;
    return code;
}

enum oft_err play_sign_offer(struct play *play, uint32_t offer, uint64_t quantity,
                             struct desk_terms terms)
{
    struct desk_event event = desk_event_of(DESK_SIGNED, play->at);
    event.offer = offer;
    event.quantity = quantity;
    event.terms = terms;
    return play_apply(play, &event);
}

void play_wait(struct play *play, oft_instant until)
{
    play->at = until;
    assert_int_equal(desk_advance(play->state, until), OFT_OK);
    desk_assert_sound(play->state);
}

const char *play_lots(struct play *play)
{
    struct oft_buffer text;
    oft_buffer_init(&text, 1 << 16);
    for (uint32_t i = 0; i < desk_lot_count(play->state); i++) {
        const struct desk_lot *lot = desk_lot_at(play->state, i);
        oft_buffer_printf(&text, "%s%s %llu", i > 0 ? ", " : "", desk_lot_state_name(lot->state),
                          (unsigned long long)lot->quantity);
    }
    const char *copy = oft_arena_copy(&play->arena, oft_str_from(oft_buffer_text(&text)));
    oft_buffer_release(&text);
    assert_non_null(copy);
    return copy;
}
