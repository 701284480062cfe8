/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal's bytes: what is written is read again, what is broken is refused, and nothing can be
 * written in two ways. Events are random, with every part; the seed is printed.
 */
#include "desk/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { EVENTS = 3000 };

struct dice {
    uint64_t state;
    struct oft_arena arena;
};

static uint64_t roll(struct dice *dice)
{
    dice->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = dice->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static bool half(struct dice *dice)
{
    return (roll(dice) & 1) != 0;
}

static const char *text(struct dice *dice)
{
    return oft_arena_printf(&dice->arena, "t%llu", (unsigned long long)(roll(dice) % 1000));
}

typedef struct desk_name (*namer)(const char *);

static struct desk_name maybe(struct dice *dice, namer name)
{
    return half(dice) ? name(text(dice)) : (struct desk_name){0, ""};
}

static struct desk_names names(struct dice *dice, namer name)
{
    uint32_t count = (uint32_t)(roll(dice) % 4);
    struct desk_name *items = oft_arena_alloc_array(&dice->arena, 4, sizeof(*items));
    for (uint32_t i = 0; i < count; i++) {
        items[i] = name(text(dice));
    }
    return (struct desk_names){items, count};
}

static oft_nanos nanos(struct dice *dice)
{
    return (oft_nanos)((oft_u128)roll(dice) << (roll(dice) % 60) ^ roll(dice));
}

static struct desk_terms terms(struct dice *dice)
{
    uint32_t count = (uint32_t)(roll(dice) % 5);
    struct desk_term *items = oft_arena_alloc_array(&dice->arena, 5, sizeof(*items));
    for (uint32_t i = 0; i < count; i++) {
        items[i] = (struct desk_term){
            .name = desk_word(oft_arena_printf(&dice->arena, "%u%s", i, text(dice))),
            .kind = (enum desk_term_kind)(1 + roll(dice) % 4),
            .number = nanos(dice),
            .text = maybe(dice, desk_word),
            .cash_nanos = half(dice) ? -1 : (oft_nanos)(roll(dice) % 100000)};
    }
    return (struct desk_terms){items, count};
}

static struct oft_period period(struct dice *dice)
{
    return (struct oft_period){(uint32_t)roll(dice), (enum oft_period_unit)(roll(dice) % 6),
                               (enum oft_roll)(roll(dice) % 3)};
}

static struct desk_window window(struct dice *dice)
{
    struct desk_window w = {.calendar = {0, ""}, .zone = {0, ""}};
    if (half(dice)) {
        w = (struct desk_window){true, period(dice), (enum desk_start)(roll(dice) % 3),
                                 maybe(dice, desk_word), maybe(dice, desk_word)};
    }
    return w;
}

static const struct desk_need *need(struct dice *dice)
{
    struct desk_need *it = oft_arena_alloc(&dice->arena, sizeof(*it));
    *it = (struct desk_need){.product = desk_product_name(text(dice)),
                             .accelerator = maybe(dice, desk_word),
                             .region = maybe(dice, desk_word),
                             .unit = half(dice) ? DESK_SIZE_GPU : DESK_SIZE_MW,
                             .quantity = roll(dice),
                             .from = (oft_instant)roll(dice),
                             .months = (uint32_t)roll(dice),
                             .hours = roll(dice),
                             .ceiling_nanos = nanos(dice),
                             .deal = (enum desk_deal_kind)(roll(dice) % 8),
                             .provider = maybe(dice, desk_word),
                             .group = maybe(dice, desk_word),
                             .part_of = (uint32_t)roll(dice),
                             .open_until = (oft_instant)roll(dice),
                             .terms = terms(dice),
                             .note = half(dice) ? text(dice) : ""};
    return it;
}

static const struct desk_offer *offer(struct dice *dice)
{
    struct desk_offer *it = oft_arena_alloc(&dice->arena, sizeof(*it));
    *it = (struct desk_offer){.need = (uint32_t)roll(dice),
                              .party = desk_party_name(text(dice)),
                              .provider = desk_word(text(dice)),
                              .quantity = roll(dice),
                              .valid_until = (oft_instant)roll(dice),
                              .bundled_nanos = nanos(dice),
                              .programme = text(dice),
                              .tranche = "",
                              .site = text(dice),
                              .affirmed = names(dice, desk_word),
                              .terms = terms(dice)};
    return it;
}

static void right_lists(struct dice *dice, struct desk_right *it)
{
    struct desk_carve_out *carve_outs = oft_arena_alloc_array(&dice->arena, 3, sizeof(*carve_outs));
    struct desk_holder *holders = oft_arena_alloc_array(&dice->arena, 3, sizeof(*holders));
    struct desk_compare *compares = oft_arena_alloc_array(&dice->arena, 3, sizeof(*compares));
    it->carve_out_count = (uint32_t)(roll(dice) % 3);
    it->holder_count = (uint32_t)(roll(dice) % 3);
    it->compare_count = (uint32_t)(roll(dice) % 3);
    for (uint32_t i = 0; i < 3; i++) {
        carve_outs[i] = (struct desk_carve_out){desk_word(text(dice)), text(dice)};
        holders[i] = (struct desk_holder){desk_party_name(text(dice)), (uint32_t)roll(dice)};
        compares[i] = (struct desk_compare){
            desk_word(text(dice)), (enum desk_direction)(roll(dice) % 3), (int64_t)roll(dice)};
    }
    it->carve_outs = carve_outs;
    it->holders = holders;
    it->compares = compares;
}

static const struct desk_right *right(struct dice *dice)
{
    struct desk_right *it = oft_arena_alloc(&dice->arena, sizeof(*it));
    *it = (struct desk_right){.clause = desk_word(text(dice)),
                              .kind = (enum desk_right_kind)(1 + roll(dice) % 3),
                              .from = (oft_instant)roll(dice),
                              .until = (oft_instant)roll(dice),
                              .end = (enum desk_right_end)(roll(dice) % 3),
                              .ended_by = maybe(dice, desk_word),
                              .provider = maybe(dice, desk_word),
                              .except_groups = names(dice, desk_word),
                              .products = names(dice, desk_product_name),
                              .regions = names(dice, desk_word),
                              .accelerators = names(dice, desk_word),
                              .floor = {(enum desk_size_kind)(roll(dice) % 5), nanos(dice)},
                              .deals = (unsigned)(roll(dice) % 8),
                              .bona_fide = names(dice, desk_word),
                              .simultaneous = half(dice),
                              .disclose = (enum desk_disclose)(roll(dice) % 3),
                              .match = (enum desk_match)(roll(dice) % 3),
                              .cash_equivalent = half(dice),
                              .partial = half(dice),
                              .partial_minimum = roll(dice),
                              .partial_step = roll(dice),
                              .partial_unit = (enum desk_size_kind)(roll(dice) % 3),
                              .counterparty_any = half(dice),
                              .one_time = half(dice),
                              .standing_defaults = (uint32_t)roll(dice),
                              .suspend_on_default = half(dice),
                              .assignable = half(dice),
                              .ends_on_control = half(dice),
                              .pending_void = half(dice),
                              .governing_at_need = half(dice),
                              .remedy = half(dice) ? text(dice) : ""};
    right_lists(dice, it);
    for (unsigned i = 0; i < DESK_WINDOW_KIND_COUNT; i++) {
        it->windows[i] = window(dice);
    }
    it->deemed = window(dice);
    it->standing_cure = window(dice);
    it->standing_within = window(dice);
    it->standing_remaining = window(dice);
    return it;
}

static void payload(struct dice *dice, struct desk_event *event)
{
    if (event->kind == DESK_NEED_OPENED) {
        event->need_opened = need(dice);
    } else if (event->kind == DESK_OFFER_ADDED) {
        event->offer_added = offer(dice);
    } else if (event->kind == DESK_RIGHT) {
        event->right = right(dice);
    } else if (event->kind == DESK_SIGNED && half(dice)) {
        struct desk_delivery_terms *it = oft_arena_alloc(&dice->arena, sizeof(*it));
        *it = (struct desk_delivery_terms){
            (oft_instant)roll(dice), period(dice), (int64_t)roll(dice),   period(dice),
            (int64_t)roll(dice),     half(dice),   maybe(dice, desk_word)};
        event->delivery = it;
    } else if (event->kind == DESK_CALENDAR) {
        struct oft_calendar *it = oft_arena_alloc(&dice->arena, sizeof(*it));
        static const oft_day days[] = {-5, 3, 20000};
        *it = (struct oft_calendar){text(dice), (uint8_t)(roll(dice) % 128), days, 3, -100, 30000};
        event->calendar = it;
    } else if (event->kind == DESK_ZONE) {
        struct oft_zone *it = oft_arena_alloc(&dice->arena, sizeof(*it));
        static const struct oft_zone_change changes[] = {{OFT_INSTANT_ALWAYS, -18000},
                                                         {1000, -14400}};
        *it = (struct oft_zone){text(dice), changes, 2};
        event->zone = it;
    }
}

static struct desk_event random_event(struct dice *dice)
{
    enum desk_event_kind kind =
        (enum desk_event_kind)(1 + roll(dice) % (DESK_EVENT_KIND_COUNT - 1));
    struct desk_event event = desk_event_of(kind, (oft_instant)roll(dice));
    event.happened = half(dice) ? event.at : (oft_instant)roll(dice);
    event.actor = maybe(dice, desk_party_name);
    event.party = half(dice) ? event.actor : maybe(dice, desk_party_name);
    event.other = maybe(dice, kind == DESK_ASSIGNED ? desk_party_name : desk_word);
    event.need = half(dice) ? DESK_NONE : (uint32_t)(roll(dice) % 100);
    event.offer = half(dice) ? DESK_NONE : (uint32_t)(roll(dice) % 100);
    event.lot = half(dice) ? DESK_NONE : (uint32_t)(roll(dice) % 100);
    event.notice = half(dice) ? DESK_NONE : (uint32_t)(roll(dice) % 100);
    event.order = half(dice) ? DESK_NONE : (uint32_t)(roll(dice) % 100);
    event.quantity = half(dice) ? 0 : roll(dice);
    event.terms = terms(dice);
    event.name = maybe(dice, desk_word);
    event.names = names(dice, desk_word);
    event.text = half(dice) ? text(dice) : "";
    for (unsigned i = 0; i < 32; i++) {
        event.hash[i] = half(dice) ? 0 : (uint8_t)roll(dice);
    }
    payload(dice, &event);
    return event;
}

static void encode(const struct desk_event *event, struct oft_buffer *out)
{
    oft_buffer_init(out, DESK_EVENT_BYTES_MAX);
    desk_event_encode(event, out);
    assert_false(out->failed);
}

static void what_is_written_is_read_again(void **unused)
{
    (void)unused;
    const char *given = getenv("OFFTAKE_SEED");
    struct dice dice = {.state = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL)};
    print_message("# OFFTAKE_SEED=%llu\n", (unsigned long long)dice.state);
    for (unsigned i = 0; i < EVENTS; i++) {
        struct oft_buffer bytes, again;
        struct desk_event read;
        struct oft_error error = {0};
        oft_arena_init(&dice.arena, 1 << 22);
        struct desk_event event = random_event(&dice);
        encode(&event, &bytes);
        assert_int_equal(desk_event_decode(bytes.data, bytes.length, 7, &dice.arena, &read, &error),
                         OFT_OK);
        assert_int_equal(read.number, 7);
        assert_int_equal(read.kind, event.kind);
        assert_true(read.terms.count == event.terms.count && read.quantity == event.quantity);
        assert_int_equal(read.party.id, event.party.id);
        encode(&read, &again);
        assert_int_equal(again.length, bytes.length);
        assert_memory_equal(again.data, bytes.data, bytes.length);
        oft_buffer_release(&bytes);
        oft_buffer_release(&again);
        oft_arena_release(&dice.arena);
    }
}

static void a_flipped_byte_is_refused_or_is_another_event_in_its_one_form(void **unused)
{
    (void)unused;
    struct dice dice = {.state = 1};
    for (unsigned i = 0; i < 200; i++) {
        struct oft_buffer bytes;
        struct oft_error error;
        oft_arena_init(&dice.arena, 1 << 24);
        struct desk_event event = random_event(&dice), read;
        encode(&event, &bytes);
        for (size_t at = 0; at < bytes.length; at++) {
            struct oft_buffer again;
            char was = bytes.data[at];
            bytes.data[at] = (char)(was ^ (1 << (roll(&dice) % 8)));
            if (desk_event_decode(bytes.data, bytes.length, 1, &dice.arena, &read, &error) ==
                OFT_OK) {
                encode(&read, &again);
                assert_int_equal(again.length, bytes.length);
                assert_memory_equal(again.data, bytes.data, bytes.length);
                oft_buffer_release(&again);
            }
            bytes.data[at] = was;
        }
        oft_buffer_release(&bytes);
        oft_arena_release(&dice.arena);
    }
}

static void a_cut_event_is_refused(void **unused)
{
    (void)unused;
    struct dice dice = {.state = 2};
    oft_arena_init(&dice.arena, 1 << 28);
    for (unsigned i = 0; i < 50; i++) {
        struct oft_buffer bytes;
        struct oft_error error;
        struct desk_event event = random_event(&dice), read;
        encode(&event, &bytes);
        for (size_t length = 0; length < bytes.length; length++) {
            char *cut = malloc(length + 1); /* so that a sanitizer sees a step too far */
            assert_non_null(cut);
            memcpy(cut, bytes.data, length);
            assert_int_equal(
                desk_event_decode(cut, length, 1, &dice.arena, &read, &error) != OFT_OK, 1);
            free(cut);
        }
        oft_buffer_append_char(&bytes, 'x');
        assert_int_equal(desk_event_decode(bytes.data, bytes.length, 1, &dice.arena, &read, &error),
                         OFT_ERR_CORRUPT);
        oft_buffer_release(&bytes);
    }
    oft_arena_release(&dice.arena);
}

static void another_version_is_told_apart_from_damage(void **unused)
{
    (void)unused;
    struct oft_arena arena;
    struct desk_event event = desk_event_of(DESK_CURED, 5), read;
    struct oft_buffer bytes;
    struct oft_error error = {0};
    oft_arena_init(&arena, 1 << 16);
    encode(&event, &bytes);
    bytes.data[0] = 2;
    assert_int_equal(desk_event_decode(bytes.data, bytes.length, 1, &arena, &read, &error),
                     OFT_ERR_VERSION);
    oft_buffer_release(&bytes);
    oft_arena_release(&arena);
}

static void the_chain_depends_on_every_part_of_a_link(void **unused)
{
    (void)unused;
    uint8_t none[32] = {0}, first[32], other[32];
    assert_int_equal(desk_event_hash(none, 1, 5, "abc", 3, first), OFT_OK);
    assert_int_equal(desk_event_hash(none, 2, 5, "abc", 3, other), OFT_OK);
    assert_memory_not_equal(first, other, 32);
    assert_int_equal(desk_event_hash(none, 1, 6, "abc", 3, other), OFT_OK);
    assert_memory_not_equal(first, other, 32);
    assert_int_equal(desk_event_hash(none, 1, 5, "abd", 3, other), OFT_OK);
    assert_memory_not_equal(first, other, 32);
    assert_int_equal(desk_event_hash(first, 1, 5, "abc", 3, other), OFT_OK);
    assert_memory_not_equal(first, other, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(a_flipped_byte_is_refused_or_is_another_event_in_its_one_form),
        cmocka_unit_test(a_cut_event_is_refused),
        cmocka_unit_test(another_version_is_told_apart_from_damage),
        cmocka_unit_test(the_chain_depends_on_every_part_of_a_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
