/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of events, held against what was built from docs/formats/desk-journal.md alone: journal_vector.py
 * wrote the fuzzer's first corpus, and computed the hashes below.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "random_event.h"

static const char CHAIN_VECTOR[] =
    "6939634792ae43967639b84c7443581fb7894dbbe2dfc797785f622e71c404b0";
static const char NOTICE_VECTOR[] =
    "09b44fcf77dddc9cc7291a8a23b19250615781d0f27de9c32add2007d10d2c17";

#define AT   (INT64_C(1775001600) * OFT_NS_PER_SECOND)
#define NONE ((struct desk_name){0, ""})

enum { SAMPLES = 15 };

/* Everything that the samples point to. */
struct world {
    struct desk_term terms[4];
    struct desk_name groups[1], products[2], regions[1], accelerators[2], tests[1], affirmed[2],
        fair[1];
    struct desk_carve_out carve_outs[1];
    struct desk_holder holders[2];
    struct desk_compare compares[2];
    oft_day holidays[3];
    struct oft_zone_change changes[2];
    struct desk_need need;
    struct desk_offer offer;
    struct desk_right right;
    struct desk_delivery_terms delivery;
    struct oft_calendar calendar;
    struct oft_zone zone;
    struct desk_event events[SAMPLES];
    const char *names[SAMPLES];
    size_t count;
};

static void fill_terms(struct world *w)
{
    w->terms[0] =
        (struct desk_term){desk_word("law"), DESK_TERM_TEXT, 0, desk_word("New York"), -1};
    w->terms[1] = (struct desk_term){desk_word("price"), DESK_TERM_AMOUNT, 2100000000,
                                     desk_word("gpu-hour"), -1};
    w->terms[2] =
        (struct desk_term){desk_word("start"), DESK_TERM_INSTANT, AT + OFT_NS_PER_DAY, NONE, -1};
    w->terms[3] = (struct desk_term){desk_word("uptime"), DESK_TERM_NUMBER, INT64_C(99950000000),
                                     NONE, INT64_C(5000000000000000)};
}

static void fill_goods(struct world *w)
{
    struct desk_terms terms = {w->terms, 4};
    w->need = (struct desk_need){.product = desk_product_name("training"),
                                 .accelerator = desk_word("h100"),
                                 .region = desk_word("us-east"),
                                 .unit = DESK_SIZE_GPU,
                                 .quantity = 20000,
                                 .from = AT,
                                 .months = 12,
                                 .hours = 8760,
                                 .ceiling_nanos = 4 * OFT_NANOS_PER_UNIT,
                                 .deal = DESK_DEAL_NEW,
                                 .provider = desk_word("cloud"),
                                 .group = desk_word("nsec"),
                                 .part_of = DESK_NONE,
                                 .open_until = AT + 10 * OFT_NS_PER_SECOND,
                                 .terms = terms,
                                 .note = "f\xc3\xbcr das Training"};
    w->affirmed[0] = desk_word("written");
    w->affirmed[1] = desk_word("complete");
    w->offer = (struct desk_offer){.need = 0,
                                   .party = desk_party_name("newcloud"),
                                   .provider = desk_word("newcloud-west"),
                                   .quantity = 20000,
                                   .valid_until = OFT_INSTANT_NEVER,
                                   .bundled_nanos = OFT_NANOS_MIN,
                                   .programme = "stargate",
                                   .tranche = "first",
                                   .site = "abilene",
                                   .affirmed = {w->affirmed, 2},
                                   .terms = terms};
    w->delivery =
        (struct desk_delivery_terms){.deliver_by = AT + OFT_NS_PER_SECOND,
                                     .cure = {30, OFT_PERIOD_DAYS, OFT_ROLL_NONE},
                                     .late_rate_ppb = 10000000,
                                     .late_per = {1, OFT_PERIOD_WEEKS, OFT_ROLL_FOLLOWING},
                                     .late_cap_ppb = 200000000,
                                     .late_terminate = true,
                                     .under = desk_word("bc-2026.order")};
}

static void fill_almanac(struct world *w)
{
    w->holidays[0] = -5;
    w->holidays[1] = 3;
    w->holidays[2] = 20000;
    w->calendar = (struct oft_calendar){"us-federal", 0x60, w->holidays, 3, -100, 30000};
    w->changes[0] = (struct oft_zone_change){OFT_INSTANT_ALWAYS, -18000};
    w->changes[1] = (struct oft_zone_change){1000, -14400};
    w->zone = (struct oft_zone){"America/New_York", w->changes, 2};
}

static struct desk_window window(uint32_t count, enum oft_period_unit unit, enum oft_roll roll,
                                 enum desk_start start)
{
    return (struct desk_window){true, {count, unit, roll}, start, NONE, NONE};
}

static void fill_windows(struct desk_right *right)
{
    const struct desk_window unsaid = {.calendar = NONE, .zone = NONE};
    struct desk_window *windows = right->windows;
    windows[DESK_WINDOW_RESPOND] =
        window(10, OFT_PERIOD_BUSINESS_DAYS, OFT_ROLL_FOLLOWING, DESK_FROM_DELIVERED);
    windows[DESK_WINDOW_RESPOND].calendar = desk_word("us-federal");
    windows[DESK_WINDOW_RESPOND].zone = desk_word("America/New_York");
    windows[DESK_WINDOW_OBJECT] = window(3, OFT_PERIOD_HOURS, OFT_ROLL_NONE, DESK_FROM_DEEMED);
    windows[DESK_WINDOW_OVER] = unsaid;
    windows[DESK_WINDOW_SIGN] =
        window(1, OFT_PERIOD_MONTHS, OFT_ROLL_FOLLOWING, DESK_FROM_DELIVERED);
    windows[DESK_WINDOW_RELEASE] =
        window(90, OFT_PERIOD_DAYS, OFT_ROLL_FOLLOWING, DESK_FROM_DELIVERED);
    windows[DESK_WINDOW_REOFFER] =
        window(5, OFT_PERIOD_BUSINESS_DAYS, OFT_ROLL_PRECEDING, DESK_FROM_SENT);
    windows[DESK_WINDOW_DELIVER] =
        window(1, OFT_PERIOD_YEARS, OFT_ROLL_FOLLOWING, DESK_FROM_DELIVERED);
    right->deemed = window(2, OFT_PERIOD_DAYS, OFT_ROLL_FOLLOWING, DESK_FROM_DELIVERED);
    right->standing_cure = unsaid;
    right->standing_within = window(1, OFT_PERIOD_YEARS, OFT_ROLL_FOLLOWING, DESK_FROM_DELIVERED);
    right->standing_remaining =
        window(6, OFT_PERIOD_MONTHS, OFT_ROLL_FOLLOWING, DESK_FROM_DELIVERED);
}

static void fill_lists(struct world *w)
{
    w->groups[0] = desk_word("nsec");
    w->products[0] = desk_product_name("api");
    w->products[1] = desk_product_name("training");
    w->regions[0] = desk_word("us");
    w->accelerators[0] = desk_word("h100");
    w->accelerators[1] = desk_word("gb200");
    w->tests[0] = desk_word("written");
    w->fair[0] = desk_word("arms-length");
    w->carve_outs[0] = (struct desk_carve_out){desk_word("lab"), "own laboratory"};
    w->holders[0] = (struct desk_holder){desk_party_name("microsoft"), 1};
    w->holders[1] = (struct desk_holder){desk_party_name("oracle"), 2};
    w->compares[0] = (struct desk_compare){desk_word("price"), DESK_LOWER, 20000000};
    w->compares[1] = (struct desk_compare){desk_word("uptime"), DESK_HIGHER, 0};
}

static void fill_right(struct world *w)
{
    fill_lists(w);
    w->right = (struct desk_right){.clause = desk_word("ms-2025-01.rofr"),
                                   .kind = DESK_RIGHT_REFUSAL,
                                   .from = OFT_INSTANT_ALWAYS,
                                   .until = AT,
                                   .end = DESK_ENDS_AMENDED,
                                   .ended_by = desk_word("ms-2025-10.rofr"),
                                   .provider = desk_word("azure"),
                                   .except_groups = {w->groups, 1},
                                   .products = {w->products, 2},
                                   .regions = {w->regions, 1},
                                   .accelerators = {w->accelerators, 2},
                                   .floor = {DESK_SIZE_MONEY, (oft_nanos)1 << 100},
                                   .deals = DESK_DEAL_NEW | DESK_DEAL_EXPANSION,
                                   .carve_outs = w->carve_outs,
                                   .carve_out_count = 1,
                                   .bona_fide = {w->tests, 1},
                                   .holders = w->holders,
                                   .holder_count = 2,
                                   .disclose = DESK_DISCLOSE_IDENTITY,
                                   .match = DESK_MATCH_ECONOMIC,
                                   .compares = w->compares,
                                   .compare_count = 2,
                                   .cash_equivalent = true,
                                   .partial_minimum = 1000,
                                   .partial_step = 8,
                                   .partial_unit = DESK_SIZE_GPU,
                                   .counterparty_any = true,
                                   .standing_defaults = 2,
                                   .suspend_on_default = true,
                                   .ends_on_control = true,
                                   .governing_at_need = true,
                                   .remedy = "damages as agreed"};
    fill_windows(&w->right);
}

static struct desk_event *sample(struct world *w, const char *name, enum desk_event_kind kind,
                                 const char *actor)
{
    struct desk_event *event = &w->events[w->count];
    assert_true(w->count < SAMPLES);
    w->names[w->count++] = name;
    *event = desk_event_of(kind, AT);
    event->actor = event->party = desk_party_name(actor);
    return event;
}

static void fill_reckoned_by(struct world *w)
{
    (void)sample(w, "customer", DESK_CUSTOMER, "openai");
    sample(w, "calendar", DESK_CALENDAR, "openai")->calendar = &w->calendar;
    sample(w, "zone", DESK_ZONE, "openai")->zone = &w->zone;
    sample(w, "right", DESK_RIGHT, "openai")->right = &w->right;
    struct desk_event *event = sample(w, "need", DESK_NEED_OPENED, "openai");
    event->happened = AT - OFT_NS_PER_SECOND;
    event->need_opened = &w->need;
    event = sample(w, "offer", DESK_OFFER_ADDED, "openai");
    event->party = desk_party_name("newcloud");
    event->text = "letter of 1 April";
    event->offer_added = &w->offer;
    event = sample(w, "changed", DESK_OFFER_CHANGED, "newcloud");
    event->offer = 0;
    event->quantity = 16000;
    event->terms = (struct desk_terms){w->terms, 4};
    event = sample(w, "affirmed", DESK_OFFER_AFFIRMED, "newcloud");
    event->offer = 0;
    event->names = (struct desk_names){w->fair, 1};
}

static void fill_acts(struct world *w)
{
    struct desk_event *event = sample(w, "exempted", DESK_EXEMPTED, "openai");
    event->lot = 3;
    event->name = desk_word("lab");
    event->text = "lease";
    event = sample(w, "sent", DESK_NOTICE_SENT, "openai");
    event->lot = 0;
    assert_int_equal(
        desk_terms_hash("ms-2025-01.rofr", 20000, (struct desk_terms){w->terms, 4}, event->hash),
        OFT_OK);
    sample(w, "delivered", DESK_NOTICE_DELIVERED, "microsoft")->notice = 0;
    event = sample(w, "elected", DESK_ELECTED, "microsoft");
    event->notice = 0;
    event->quantity = 8000;
    event = sample(w, "signed", DESK_SIGNED, "openai");
    event->other = desk_word("azure");
    event->need = 0;
    event->lot = 1;
    event->delivery = &w->delivery;
    event = sample(w, "arrived", DESK_DELIVERED, "openai");
    event->order = 0;
    event->quantity = UINT64_MAX;
    event->name = desk_word("azure-west");
    event = sample(w, "assigned", DESK_ASSIGNED, "openai");
    event->party = NONE;
    event->other = desk_party_name("ridge");
    event->name = desk_word("ms-2025-01.rofr");
}

static struct world *filled(void)
{
    static struct world world;
    memset(&world, 0, sizeof(world));
    fill_terms(&world);
    fill_goods(&world);
    fill_almanac(&world);
    fill_right(&world);
    fill_reckoned_by(&world);
    fill_acts(&world);
    assert_int_equal(world.count, SAMPLES);
    return &world;
}

static size_t read_vector(const char *name, uint8_t *out, size_t bytes_max)
{
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/%s", OFFTAKE_VECTORS, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t length = fread(out, 1, bytes_max, file);
    assert_int_equal(fclose(file), 0);
    return length;
}

static void the_bytes_are_the_documented_ones(void **unused)
{
    const struct world *world = filled();
    (void)unused;
    for (size_t i = 0; i < world->count; i++) {
        uint8_t expected[2048];
        struct oft_buffer bytes;
        size_t length = read_vector(world->names[i], expected, sizeof(expected));
        oft_buffer_init(&bytes, DESK_EVENT_BYTES_MAX);
        desk_event_encode(&world->events[i], &bytes);
        assert_false(bytes.failed);
        if (bytes.length != length || memcmp(bytes.data, expected, length) != 0) {
            fail_msg("%s: %zu bytes, not the %zu documented ones", world->names[i], bytes.length,
                     length);
        }
        oft_buffer_release(&bytes);
    }
}

static void the_documented_bytes_are_read(void **unused)
{
    const struct world *world = filled();
    (void)unused;
    for (size_t i = 0; i < world->count; i++) {
        uint8_t bytes[2048];
        struct oft_arena arena;
        struct desk_event read;
        struct oft_error error = {0};
        size_t length = read_vector(world->names[i], bytes, sizeof(bytes));
        oft_arena_init(&arena, 1 << 20);
        assert_int_equal(desk_event_decode(bytes, length, i + 1, &arena, &read, &error), OFT_OK);
        const char *difference = event_difference(&world->events[i], &read);
        if (difference != NULL) {
            fail_msg("%s: %s is read as something else", world->names[i], difference);
        }
        oft_arena_release(&arena);
    }
}

static void the_chain_is_the_documented_one(void **unused)
{
    const struct world *world = filled();
    struct oft_sha256 *again = oft_sha256_new();
    uint8_t head[32] = {0}, next[32], same[32];
    char hex[OFT_SHA256_HEX_BYTES];
    (void)unused;
    assert_non_null(again);
    for (size_t i = 0; i < world->count; i++) {
        struct oft_buffer bytes;
        oft_buffer_init(&bytes, DESK_EVENT_BYTES_MAX);
        desk_event_encode(&world->events[i], &bytes);
        assert_int_equal(
            desk_event_hash(head, i + 1, AT + (oft_instant)i + 1, bytes.data, bytes.length, next),
            OFT_OK);
        desk_event_hash_with(again, head, i + 1, AT + (oft_instant)i + 1, bytes.data, bytes.length,
                             same);
        assert_memory_equal(next, same, 32);
        memcpy(head, next, 32);
        oft_buffer_release(&bytes);
    }
    assert_string_equal(oft_hex(head, 32, hex), CHAIN_VECTOR);
    assert_string_equal(oft_hex(world->events[9].hash, 32, hex), NOTICE_VECTOR);
    oft_sha256_free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_the_documented_ones),
        cmocka_unit_test(the_documented_bytes_are_read),
        cmocka_unit_test(the_chain_is_the_documented_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
