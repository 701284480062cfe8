/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal's bytes: what is written is read again, what is broken is refused, and nothing can be
 * written in two ways. Events are random, with every part; the seed is printed.
 */
#include "desk/journal.h"

#include "base/hash.h"
#include "random_event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { EVENTS = 3000, FLIPPED = 60 };

static void encode(const struct desk_event *event, struct oft_buffer *out)
{
    oft_buffer_init(out, DESK_EVENT_BYTES_MAX);
    desk_event_encode(event, out);
    assert_false(out->failed);
}

static uint64_t seed(void)
{
    const char *given = getenv("OFFTAKE_SEED");
    uint64_t chosen = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    print_message("# OFFTAKE_SEED=%llu\n", (unsigned long long)chosen);
    return chosen;
}

static void what_is_written_is_read_again(void **unused)
{
    struct dice dice = {.state = seed()};
    (void)unused;
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
        const char *difference = event_difference(&event, &read);
        if (difference != NULL) {
            fail_msg("event %u (%s): %s is not what was written", i,
                     desk_event_kind_text(event.kind), difference);
        }
        encode(&read, &again);
        assert_int_equal(again.length, bytes.length);
        assert_memory_equal(again.data, bytes.data, bytes.length);
        oft_buffer_release(&bytes);
        oft_buffer_release(&again);
        oft_arena_release(&dice.arena);
    }
}

/* What is decoded points into the arena and not into the bytes. */
static void a_decoded_event_outlives_its_bytes(void **unused)
{
    struct dice dice = {.state = 3};
    (void)unused;
    for (unsigned i = 0; i < 200; i++) {
        struct oft_buffer bytes;
        struct desk_event read;
        struct oft_error error = {0};
        oft_arena_init(&dice.arena, 1 << 22);
        struct desk_event event = random_event(&dice);
        encode(&event, &bytes);
        assert_int_equal(desk_event_decode(bytes.data, bytes.length, 1, &dice.arena, &read, &error),
                         OFT_OK);
        memset(bytes.data, 0xa5, bytes.length);
        assert_null(event_difference(&event, &read));
        oft_buffer_release(&bytes);
        oft_arena_release(&dice.arena);
    }
}

static void every_flipped_bit_is_refused_or_is_another_event_in_its_one_form(void **unused)
{
    struct dice dice = {.state = 1};
    (void)unused;
    for (unsigned i = 0; i < FLIPPED; i++) {
        struct oft_buffer bytes, again;
        struct oft_error error;
        oft_arena_init(&dice.arena, 1 << 26);
        oft_buffer_init(&again, DESK_EVENT_BYTES_MAX);
        struct desk_event event = random_event(&dice), read;
        encode(&event, &bytes);
        for (size_t bit = 0; bit < bytes.length * 8; bit++) {
            bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ (1 << bit % 8));
            if (desk_event_decode(bytes.data, bytes.length, 1, &dice.arena, &read, &error) ==
                OFT_OK) {
                oft_buffer_clear(&again);
                desk_event_encode(&read, &again);
                assert_int_equal(again.length, bytes.length);
                assert_memory_equal(again.data, bytes.data, bytes.length);
            }
            bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ (1 << bit % 8));
        }
        oft_buffer_release(&bytes);
        oft_buffer_release(&again);
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

/* ---- refusals ---------------------------------------------------------------------------------- */

static void refused(const void *bytes, size_t length, const char *why)
{
    struct oft_arena arena;
    struct desk_event read;
    struct oft_error error = {0};
    oft_arena_init(&arena, 1 << 22);
    assert_int_equal(desk_event_decode(bytes, length, 9, &arena, &read, &error), OFT_ERR_CORRUPT);
    if (strstr(error.message, why) == NULL || strstr(error.message, "event 9") == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", error.message, why);
    }
    oft_arena_release(&arena);
}

static struct desk_event small_event(void)
{
    struct desk_event event = desk_event_of(DESK_CURED, 5);
    event.actor = event.party = desk_party_name("a");
    return event;
}

static void what_could_be_written_in_two_ways_is_refused_in_one(void **unused)
{
    /* version, kind, parts, at = 5, and the parts */
    static const struct {
        const char *bytes;
        size_t length;
        const char *why;
    } cases[] = {
#define CASE(kind, low, high, rest, why) \
    {"\x01" kind low high "\x05\0\0\0\0\0\0\0" rest, 12 + sizeof(rest) - 1, why}
        CASE("\x00", "\0", "\0", "", "stands for nothing"),
        CASE("\x1b", "\0", "\0", "", "stands for nothing"),
        CASE("\x18", "\x01", "\0", "\x05\0\0\0\0\0\0\0", "told twice"),
        CASE("\x18", "\x02", "\0", "\0\0", "name is missing"),
        CASE("\x18", "\x04", "\0", "\0\0", "told twice"),
        CASE("\x18", "\x06", "\0", "\x01\0a\x01\0a", "told twice"),
        CASE("\x18", "\x08", "\0", "\0\0", "name is missing"),
        CASE("\x18", "\x10", "\0", "\xff\xff\xff\xff", "reference to nothing"),
        CASE("\x18", "\0", "\x02", "\0\0\0\0\0\0\0\0", "quantity of nothing"),
        CASE("\x18", "\0", "\x04", "\0\0", "terms without"),
        CASE("\x18", "\0", "\x08", "\0\0", "name is missing"),
        CASE("\x18", "\0", "\x10", "\0\0", "names without"),
        CASE("\x18", "\0", "\x20", "\0\0\0\0", "text without"),
        CASE("\x18", "\0", "\x40",
             "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "zeroes"),
        CASE("\x18", "\0", "\x80", "", "its kind does not"),
        CASE("\x18", "\x02", "\0", "\x02\0a\0", "holds a zero"),
        CASE("\x18", "\x02", "\0",
             "\xff\xff"
             "a",
             "too long"),
        CASE("\x18", "\0", "\x10", "\xff\xff", "longer than what follows"),
        CASE("\x18", "\0", "\0", "x", "more behind"),
#undef CASE
    };
    (void)unused;
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        refused(cases[i].bytes, cases[i].length, cases[i].why);
    }
    refused(NULL, 0, "cut short");
    char *huge = calloc(1, DESK_EVENT_BYTES_MAX + 1);
    assert_non_null(huge);
    refused(huge, DESK_EVENT_BYTES_MAX + 1, "too long");
    free(huge);
}

/* The encoder trusts its caller in these; PATCH (0: none) bytes from the end becomes VALUE. */
static void refused_event(const struct desk_event *event, size_t patch, char value, const char *why)
{
    struct oft_buffer bytes;
    encode(event, &bytes);
    if (patch != 0) {
        bytes.data[bytes.length - patch] = value;
    }
    refused(bytes.data, bytes.length, why);
    oft_buffer_release(&bytes);
}

static void terms_out_of_order_are_refused(void **unused)
{
    struct desk_term items[DESK_TERMS_MAX + 1];
    char names[DESK_TERMS_MAX + 1][4];
    struct desk_event event = small_event();
    (void)unused;
    for (unsigned i = 0; i < OFT_COUNT_OF(items); i++) {
        (void)snprintf(names[i], sizeof(names[i]), "t%02u", i);
        items[i] =
            (struct desk_term){desk_word(names[i]), DESK_TERM_NUMBER, (oft_nanos)i, {0, ""}, -1};
    }
    event.terms = (struct desk_terms){items, DESK_TERMS_MAX + 1};
    refused_event(&event, 0, 0, "too many terms");
    event.terms.count = 2;
    items[1].cash_nanos = -2;
    refused_event(&event, 0, 0, "less than nothing");
    items[1].cash_nanos = -1;
    items[1].kind = 0;
    refused_event(&event, 0, 0, "stands for nothing");
    items[1].kind = DESK_TERM_TEXT + 1;
    refused_event(&event, 0, 0, "stands for nothing");
    items[1] = items[0];
    refused_event(&event, 0, 0, "not in order");
    items[0].name = desk_word("z");
    refused_event(&event, 0, 0, "not in order");
}

static void a_need_of_no_kind_or_of_two_is_refused(void **unused)
{
    struct desk_need need = {.product = desk_product_name("p"),
                             .unit = DESK_SIZE_GPU,
                             .deal = DESK_DEAL_NEW,
                             .note = ""};
    struct desk_event event = desk_event_of(DESK_NEED_OPENED, 1);
    (void)unused;
    event.need_opened = &need;
    for (unsigned deal = 0; deal < 16; deal++) {
        if (deal != DESK_DEAL_NEW && deal != DESK_DEAL_RENEWAL && deal != DESK_DEAL_EXPANSION) {
            need.deal = (enum desk_deal_kind)deal;
            refused_event(&event, 0, 0, deal == 0 || deal > 4 ? "stands for" : "one kind");
        }
    }
    need.deal = DESK_DEAL_RENEWAL;
    need.unit = DESK_SIZE_GPU_HOURS;
    refused_event(&event, 0, 0, "stands for nothing");
    need.unit = DESK_SIZE_MW;
    need.product = (struct desk_name){0, ""};
    refused_event(&event, 0, 0, "name is missing");
}

static void an_almanac_out_of_order_is_refused(void **unused)
{
    oft_day days[] = {3, 3};
    struct oft_zone_change changes[] = {{OFT_INSTANT_ALWAYS, 0}, {5, 86400}};
    struct oft_calendar calendar = {"c", 0x60, days, 2, 0, 10};
    struct oft_zone zone = {"z", changes, 2};
    struct desk_event event = desk_event_of(DESK_CALENDAR, 1);
    (void)unused;
    event.calendar = &calendar;
    refused_event(&event, 0, 0, "holidays");
    days[1] = 2;
    refused_event(&event, 0, 0, "holidays");
    days[1] = 4;
    calendar.closed_weekdays = 0x80;
    refused_event(&event, 0, 0, "stands for nothing");
    calendar.closed_weekdays = 0x7f;
    calendar.name = "";
    refused_event(&event, 0, 0, "no name");
    event = desk_event_of(DESK_ZONE, 1);
    event.zone = &zone;
    refused_event(&event, 0, 0, "changes");
    changes[1].offset_s = -86400;
    refused_event(&event, 0, 0, "changes");
    changes[1] = changes[0];
    refused_event(&event, 0, 0, "changes");
    changes[0].from = 0;
    zone.change_count = 1;
    refused_event(&event, 0, 0, "changes");
    zone.change_count = 0;
    refused_event(&event, 0, 0, "no offset");
}

static void a_flag_is_0_or_1(void **unused)
{
    const struct desk_delivery_terms delivery = {.under = {0, ""}};
    struct desk_right right = {
        .clause = desk_word("c"),
        .kind = DESK_RIGHT_REFUSAL,
        .ended_by = {0, ""},
        .provider = {0, ""},
        .standing_remaining = {.said = true, .calendar = {0, ""}, .zone = {0, ""}},
        .remedy = ""};
    struct desk_event event = desk_event_of(DESK_SIGNED, 1);
    (void)unused;
    event.delivery = &delivery;
    refused_event(&event, 3, 2, "stands for nothing"); /* late terminate, before an unsaid name */
    event = desk_event_of(DESK_RIGHT, 1);
    event.right = &right;
    refused_event(&event, 20, 2, "stands for nothing"); /* the last window's */
    refused_event(&event, 13, 3, "stands for nothing"); /* where it starts */
}

/* What the decoder would refuse, the encoder does not write. */
static void what_cannot_be_read_again_is_not_written(void **unused)
{
    struct oft_buffer bytes;
    struct desk_event event = small_event();
    const struct desk_need need = {.note = ""};
    char *text = calloc(1, (64 << 10) + 2);
    (void)unused;
    assert_non_null(text);
    oft_buffer_init(&bytes, DESK_EVENT_BYTES_MAX);
    event.need_opened = &need; /* a cure brings no need */
    desk_event_encode(&event, &bytes);
    assert_true(bytes.failed);
    event = small_event();
    event.text = memset(text, 'x', (64 << 10) + 1);
    oft_buffer_clear(&bytes);
    desk_event_encode(&event, &bytes);
    assert_true(bytes.failed);
    text[64 << 10] = '\0';
    oft_buffer_clear(&bytes);
    desk_event_encode(&event, &bytes);
    assert_false(bytes.failed);
    event.text = "";
    text[161] = '\0';
    event.name = desk_word(text);
    oft_buffer_clear(&bytes);
    desk_event_encode(&event, &bytes);
    assert_true(bytes.failed);
    free(text);
    oft_buffer_release(&bytes);
}

static void memory_that_runs_out_is_told_apart_from_damage(void **unused)
{
    struct dice dice = {.state = 11};
    struct oft_buffer bytes;
    unsigned met = 0;
    (void)unused;
    oft_arena_init(&dice.arena, 1 << 22);
    struct desk_event event = random_event(&dice);
    while (event.kind != DESK_RIGHT) {
        event = random_event(&dice);
    }
    encode(&event, &bytes);
    for (size_t most = 0; most < 4096; most += 64) {
        struct oft_arena small;
        struct desk_event read;
        struct oft_error error = {0};
        oft_arena_init(&small, most);
        enum oft_err code = desk_event_decode(bytes.data, bytes.length, 1, &small, &read, &error);
        assert_true(code == OFT_OK || code == OFT_ERR_MEMORY);
        met += code == OFT_ERR_MEMORY;
        oft_arena_release(&small);
    }
    assert_true(met > 0);
    oft_buffer_release(&bytes);
    oft_arena_release(&dice.arena);
}

/* A chain of many links, each with every part of it changed once. */
static void a_changed_journal_is_found(void **unused)
{
    enum { LINKS = 20 };
    struct dice dice = {.state = 5};
    struct oft_buffer blobs[LINKS];
    uint8_t heads[LINKS + 1][32] = {{0}}, other[32];
    (void)unused;
    oft_arena_init(&dice.arena, 1 << 24);
    for (size_t i = 0; i < LINKS; i++) {
        struct desk_event event = random_event(&dice);
        encode(&event, &blobs[i]);
        assert_int_equal(
            desk_event_hash(heads[i], i + 1, 100, blobs[i].data, blobs[i].length, heads[i + 1]),
            OFT_OK);
    }
    for (size_t i = 0; i + 1 < LINKS; i++) {
        blobs[i].data[roll(&dice) % blobs[i].length] ^= 1;
        assert_int_equal(
            desk_event_hash(heads[i], i + 1, 100, blobs[i].data, blobs[i].length, other), OFT_OK);
        assert_memory_not_equal(other, heads[i + 1], 32);
        /* The next one in its place: a link was taken out. */
        assert_int_equal(
            desk_event_hash(heads[i], i + 1, 100, blobs[i + 1].data, blobs[i + 1].length, other),
            OFT_OK);
        assert_memory_not_equal(other, heads[i + 1], 32);
        assert_memory_not_equal(other, heads[i + 2], 32);
    }
    for (size_t i = 0; i < LINKS; i++) {
        oft_buffer_release(&blobs[i]);
    }
    oft_arena_release(&dice.arena);
}

static void a_notices_hash_is_of_its_clause_quantity_and_terms(void **unused)
{
    struct desk_term term = {.name = desk_word("price"),
                             .kind = DESK_TERM_AMOUNT,
                             .number = 5,
                             .text = desk_word("gpu-hour"),
                             .cash_nanos = -1};
    const struct desk_terms terms = {&term, 1};
    uint8_t first[32], other[32];
    (void)unused;
    assert_int_equal(desk_terms_hash("a.r", 10, terms, first), OFT_OK);
#define CHANGED_BY(clause, quantity, statement)                                    \
    do {                                                                           \
        const struct desk_term was = term;                                         \
        statement;                                                                 \
        assert_int_equal(desk_terms_hash(clause, quantity, terms, other), OFT_OK); \
        assert_memory_not_equal(first, other, 32);                                 \
        term = was;                                                                \
    } while (0)
    CHANGED_BY("a.s", 10, (void)0);
    CHANGED_BY("a.r", 11, (void)0);
    CHANGED_BY("a.r", 10, term.number++);
    CHANGED_BY("a.r", 10, term.number += (oft_nanos)1 << 100);
    CHANGED_BY("a.r", 10, term.kind = DESK_TERM_NUMBER);
    CHANGED_BY("a.r", 10, term.name = desk_word("prepay"));
    CHANGED_BY("a.r", 10, term.text = desk_word("MW-hour"));
    CHANGED_BY("a.r", 10, term.cash_nanos = 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(a_decoded_event_outlives_its_bytes),
        cmocka_unit_test(every_flipped_bit_is_refused_or_is_another_event_in_its_one_form),
        cmocka_unit_test(a_cut_event_is_refused),
        cmocka_unit_test(another_version_is_told_apart_from_damage),
        cmocka_unit_test(the_chain_depends_on_every_part_of_a_link),
        cmocka_unit_test(what_could_be_written_in_two_ways_is_refused_in_one),
        cmocka_unit_test(terms_out_of_order_are_refused),
        cmocka_unit_test(a_need_of_no_kind_or_of_two_is_refused),
        cmocka_unit_test(an_almanac_out_of_order_is_refused),
        cmocka_unit_test(a_flag_is_0_or_1),
        cmocka_unit_test(what_cannot_be_read_again_is_not_written),
        cmocka_unit_test(memory_that_runs_out_is_told_apart_from_damage),
        cmocka_unit_test(a_changed_journal_is_found),
        cmocka_unit_test(a_notices_hash_is_of_its_clause_quantity_and_terms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
