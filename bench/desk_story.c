/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making the journals. One writer keeps a state, so that it knows which notice or order an act is on.
 */
#include "desk_story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP_SECONDS = 30, ZONE_CHANGES = 40, HOLIDAYS = 220, NEED_UNITS = 1024 };
#define BEGIN      (INT64_C(1767225600) * OFT_NS_PER_SECOND) /* 2026-01-01 */
#define BYTES_MAX  ((size_t)4 << 30)
#define ARENA_MAX  ((size_t)16 << 30)
#define BEGIN_DAY  20454 /* of 2026-01-01 */
#define WEEK_BYTES 0x60  /* Saturday and Sunday */

void bench_die(const char *what, const char *why)
{
    (void)fprintf(stderr, "bench: %s: %s\n", what, why);
    exit(3);
}

/* ---- journals -------------------------------------------------------------------------------- */

void journal_init(struct journal *journal)
{
    *journal = (struct journal){0};
    oft_buffer_init(&journal->bytes, BYTES_MAX);
}

void journal_release(struct journal *journal)
{
    oft_buffer_release(&journal->bytes);
    free(journal->offsets);
}

const void *journal_blob(const struct journal *journal, size_t index, size_t *ret_length)
{
    size_t from = journal->offsets[index];
    size_t until = index + 1 < journal->count ? journal->offsets[index + 1] : journal->bytes.length;
    *ret_length = until - from;
    return journal->bytes.data + from;
}

struct writer {
    struct journal *journal;
    struct desk_state *state;
    struct oft_arena *arena;
    oft_instant at;
};

static void *room(struct writer *writer, size_t count, size_t item_bytes)
{
    void *items = oft_arena_alloc_array(writer->arena, count, item_bytes);
    if (items == NULL) {
        bench_die("making a journal", "out of memory");
    }
    return items;
}

static void write_event(struct writer *writer, struct desk_event *event, const char *actor)
{
    struct journal *journal = writer->journal;
    struct desk_refusal refusal = {.message = ""};
    if (journal->count == journal->capacity) {
        journal->capacity = journal->capacity == 0 ? 1024 : journal->capacity * 2;
        journal->offsets = realloc(journal->offsets, journal->capacity * sizeof(*journal->offsets));
        if (journal->offsets == NULL) {
            bench_die("making a journal", "out of memory");
        }
    }
    event->actor = event->party = desk_party_name(actor);
    event->at = event->happened = writer->at;
    event->number = journal->count + 1;
    journal->offsets[journal->count++] = journal->bytes.length;
    desk_event_encode(event, &journal->bytes);
    if (journal->bytes.failed) {
        bench_die("making a journal", "an event is too long");
    }
    enum oft_err code = desk_apply(writer->state, event, &refusal);
    if (code != OFT_OK) {
        bench_die(desk_event_kind_text(event->kind),
                  code == OFT_ERR_DENIED ? refusal.message : oft_err_text(code));
    }
}

/* ---- the world --------------------------------------------------------------------------------- */

static struct desk_window window_of(uint32_t count, enum oft_period_unit unit)
{
    return (struct desk_window){
        .said = true,
        .period = {.count = count, .unit = unit, .roll = OFT_ROLL_FOLLOWING},
        .calendar = desk_word("us-federal"),
        .zone = desk_word("America/New_York")};
}

static void write_almanac(struct writer *writer)
{
    struct oft_calendar *calendar = room(writer, 1, sizeof(*calendar));
    struct oft_zone *zone = room(writer, 1, sizeof(*zone));
    oft_day *holidays = room(writer, HOLIDAYS, sizeof(*holidays));
    struct oft_zone_change *changes = room(writer, ZONE_CHANGES, sizeof(*changes));
    struct desk_event event = desk_event_of(DESK_CALENDAR, writer->at);
    for (int i = 0; i < HOLIDAYS; i++) {
        holidays[i] = BEGIN_DAY + i * 33;
    }
    for (int i = 0; i < ZONE_CHANGES; i++) {
        changes[i] =
            (struct oft_zone_change){i == 0 ? OFT_INSTANT_ALWAYS : BEGIN + i * 182 * OFT_NS_PER_DAY,
                                     i % 2 == 0 ? -5 * 3600 : -4 * 3600};
    }
    *calendar = (struct oft_calendar){"us-federal", WEEK_BYTES,     holidays,
                                      HOLIDAYS,     BEGIN_DAY - 20, BEGIN_DAY + 7300};
    *zone = (struct oft_zone){"America/New_York", changes, ZONE_CHANGES};
    event.calendar = calendar;
    write_event(writer, &event, "buyer");
    event = desk_event_of(DESK_ZONE, writer->at);
    event.zone = zone;
    write_event(writer, &event, "buyer");
}

static struct desk_names one_product(struct writer *writer, const char *name)
{
    struct desk_name *items = room(writer, 1, sizeof(*items));
    items[0] = desk_product_name(name);
    return (struct desk_names){items, 1};
}

static void write_right(struct writer *writer, const char *clause, enum desk_right_kind kind,
                        const char *product)
{
    struct desk_right *right = room(writer, 1, sizeof(*right));
    struct desk_holder *holders = room(writer, 2, sizeof(*holders));
    struct desk_event event = desk_event_of(DESK_RIGHT, writer->at);
    holders[0] = (struct desk_holder){desk_party_name("bigcloud"), 1};
    holders[1] = (struct desk_holder){desk_party_name("ridge"), 2};
    *right = (struct desk_right){.clause = desk_word(clause),
                                 .kind = kind,
                                 .from = OFT_INSTANT_ALWAYS,
                                 .until = BEGIN + 7000 * OFT_NS_PER_DAY,
                                 .ended_by = {0, ""},
                                 .provider = {0, ""},
                                 .products = one_product(writer, product),
                                 .floor = {DESK_SIZE_GPU, 64},
                                 .holders = holders,
                                 .holder_count = 2,
                                 .match = DESK_MATCH_ECONOMIC,
                                 .partial = true,
                                 .partial_minimum = 64,
                                 .partial_step = 8,
                                 .partial_unit = DESK_SIZE_GPU,
                                 .remedy = "damages as agreed"};
    if (kind == DESK_RIGHT_EXCLUSIVE) {
        right->provider = desk_word("bigcloud-east");
    }
    right->windows[DESK_WINDOW_RESPOND] = window_of(10, OFT_PERIOD_BUSINESS_DAYS);
    right->windows[DESK_WINDOW_OBJECT] = window_of(2, OFT_PERIOD_BUSINESS_DAYS);
    right->windows[DESK_WINDOW_SIGN] = window_of(10, OFT_PERIOD_BUSINESS_DAYS);
    right->windows[DESK_WINDOW_RELEASE] = window_of(90, OFT_PERIOD_DAYS);
    right->windows[DESK_WINDOW_REOFFER] = window_of(5, OFT_PERIOD_BUSINESS_DAYS);
    event.right = right;
    write_event(writer, &event, "buyer");
}

static void write_world(struct writer *writer)
{
    struct desk_event event = desk_event_of(DESK_CUSTOMER, writer->at);
    write_event(writer, &event, "buyer");
    write_almanac(writer);
    write_right(writer, "bc-2026.refusal", DESK_RIGHT_REFUSAL, "training");
    write_right(writer, "bc-2026.offer", DESK_RIGHT_OFFER, "research");
    write_right(writer, "bc-2026.only", DESK_RIGHT_EXCLUSIVE, "chat");
}

/* ---- acts -------------------------------------------------------------------------------------- */

static struct desk_terms terms_of(struct writer *writer, int64_t cents)
{
    struct desk_term *items = room(writer, 3, sizeof(*items));
    items[0] = (struct desk_term){.name = desk_word("price"),
                                  .kind = DESK_TERM_AMOUNT,
                                  .number = cents * (OFT_NANOS_PER_UNIT / 100),
                                  .text = desk_word("gpu-hour"),
                                  .cash_nanos = -1};
    items[1] = (struct desk_term){.name = desk_word("start"),
                                  .kind = DESK_TERM_INSTANT,
                                  .number = BEGIN + 400 * OFT_NS_PER_DAY,
                                  .text = {0, ""},
                                  .cash_nanos = -1};
    items[2] = (struct desk_term){.name = desk_word("uptime"),
                                  .kind = DESK_TERM_NUMBER,
                                  .number = INT64_C(99950000000),
                                  .text = {0, ""},
                                  .cash_nanos = -1};
    return (struct desk_terms){items, 3};
}

static uint32_t open_need(struct writer *writer)
{
    struct desk_need *need = room(writer, 1, sizeof(*need));
    struct desk_event event = desk_event_of(DESK_NEED_OPENED, writer->at);
    *need = (struct desk_need){.product = desk_product_name("training"),
                               .accelerator = desk_word("h100"),
                               .region = desk_word("us-east"),
                               .unit = DESK_SIZE_GPU,
                               .quantity = NEED_UNITS,
                               .from = BEGIN + 400 * OFT_NS_PER_DAY,
                               .months = 12,
                               .hours = 8760,
                               .ceiling_nanos = 4 * OFT_NANOS_PER_UNIT,
                               .deal = DESK_DEAL_NEW,
                               .provider = {0, ""},
                               .group = {0, ""},
                               .part_of = DESK_NONE,
                               .open_until = writer->at + 300 * OFT_NS_PER_DAY,
                               .note = ""};
    event.need_opened = need;
    write_event(writer, &event, "buyer");
    return desk_need_count(writer->state) - 1;
}

static uint32_t add_offer(struct writer *writer, uint32_t need)
{
    struct desk_offer *offer = room(writer, 1, sizeof(*offer));
    struct desk_event event = desk_event_of(DESK_OFFER_ADDED, writer->at);
    *offer = (struct desk_offer){.need = need,
                                 .party = desk_party_name("newcloud"),
                                 .provider = desk_word("newcloud-west"),
                                 .quantity = NEED_UNITS,
                                 .valid_until = writer->at + 200 * OFT_NS_PER_DAY,
                                 .programme = "",
                                 .tranche = "",
                                 .site = "abilene",
                                 .terms = terms_of(writer, 210 + need % 40)};
    event.offer_added = offer;
    write_event(writer, &event, "newcloud");
    return desk_offer_count(writer->state) - 1;
}

static void send_notice(struct writer *writer, uint32_t lot)
{
    struct desk_event event = desk_event_of(DESK_NOTICE_SENT, writer->at);
    event.lot = lot;
    for (unsigned i = 0; i < sizeof(event.hash); i++) {
        event.hash[i] = (uint8_t)(lot + i * 7 + 1); /* as long as a real one; no one looks */
    }
    write_event(writer, &event, "buyer");
}

static void on_notice(struct writer *writer, uint32_t lot, enum desk_event_kind kind,
                      uint64_t quantity)
{
    struct desk_event event = desk_event_of(kind, writer->at);
    event.notice = desk_lot_at(writer->state, lot)->first_notice;
    event.quantity = quantity;
    write_event(writer, &event, desk_notice_at(writer->state, event.notice)->holder.text);
}

static void sign(struct writer *writer, uint32_t lot, uint32_t offer, uint64_t quantity)
{
    struct desk_delivery_terms *delivery = room(writer, 1, sizeof(*delivery));
    struct desk_event event = desk_event_of(DESK_SIGNED, writer->at);
    *delivery = (struct desk_delivery_terms){.deliver_by = writer->at + 180 * OFT_NS_PER_DAY,
                                             .cure = {30, OFT_PERIOD_DAYS, OFT_ROLL_NONE},
                                             .late_rate_ppb = 10000000,
                                             .late_per = {1, OFT_PERIOD_WEEKS, OFT_ROLL_NONE},
                                             .late_cap_ppb = 200000000,
                                             .under = {0, ""}};
    event.lot = lot;
    event.offer = offer;
    event.quantity = quantity;
    event.other = desk_word("bigcloud-east");
    event.delivery = delivery;
    write_event(writer, &event, "buyer");
}

static void deliver(struct writer *writer, uint32_t lot)
{
    struct desk_event event = desk_event_of(DESK_DELIVERED, writer->at);
    event.order = desk_lot_at(writer->state, lot)->order;
    write_event(writer, &event, "buyer");
}

static void tender(struct writer *writer, uint32_t lot)
{
    struct desk_event event = desk_event_of(DESK_TENDERED, writer->at);
    event.lot = lot;
    write_event(writer, &event, "buyer");
}

/* ---- stories ----------------------------------------------------------------------------------- */

enum step {
    NEED,
    OFFER,
    SEND,
    ARRIVE,
    ELECT,
    ELECT_PART, /* half of it */
    DECLINE,
    TENDER, /* the lot that the holder has */
    SIGN,
    DELIVER,
    SELL, /* what is left, to the third party */
    DELIVER_SOLD,
    END
};
static const enum step TAKEN[] = {NEED, OFFER, SEND, ARRIVE, ELECT, TENDER, SIGN, DELIVER, END};
static const enum step PARTED[] = {NEED,    OFFER,  SEND, ARRIVE,       ELECT_PART, SEND,    ARRIVE,
                                   DECLINE, TENDER, SELL, DELIVER_SOLD, SIGN,       DELIVER, END};
static const enum step PASSED[] = {NEED,   OFFER,   SEND, ARRIVE,       DECLINE, SEND,
                                   ARRIVE, DECLINE, SELL, DELIVER_SOLD, END};
static const enum step SILENT[] = {NEED, OFFER, SEND, ARRIVE, END};

struct story {
    const enum step *steps;
    unsigned at;
    uint32_t need, offer, lot, held; /* HELD: the lot that a holder elected */
};

static struct story story_of(unsigned number)
{
    unsigned kind = number % 10;
    const enum step *steps = kind < 4 ? TAKEN : kind < 6 ? PARTED : kind < 9 ? PASSED : SILENT;
    return (struct story){.steps = steps};
}

static void take_step(struct writer *writer, struct story *story)
{
    switch (story->steps[story->at++]) {
    case NEED:
        story->need = open_need(writer);
        break;
    case OFFER:
        story->lot = story->held = desk_lot_count(writer->state);
        story->offer = add_offer(writer, story->need);
        break;
    case SEND:
        send_notice(writer, story->lot);
        break;
    case ARRIVE:
        on_notice(writer, story->lot, DESK_NOTICE_DELIVERED, 0);
        break;
    case ELECT:
        on_notice(writer, story->lot, DESK_ELECTED, NEED_UNITS);
        break;
    case ELECT_PART:
        story->held = desk_lot_count(writer->state);
        on_notice(writer, story->lot, DESK_ELECTED, NEED_UNITS / 2);
        break;
    case DECLINE:
        on_notice(writer, story->lot, DESK_DECLINED, 0);
        break;
    case TENDER:
        tender(writer, story->held);
        break;
    case SIGN:
        sign(writer, story->held, DESK_NONE, 0);
        break;
    case DELIVER:
        deliver(writer, story->held);
        break;
    case SELL:
        sign(writer, DESK_NONE, story->offer, desk_lot_at(writer->state, story->lot)->quantity);
        break;
    case DELIVER_SOLD:
        deliver(writer, story->lot);
        break;
    case END:
        break;
    }
}

void story_mixed(struct journal *journal, size_t events, unsigned open_at_once)
{
    struct oft_arena arena;
    struct writer writer = {.journal = journal, .arena = &arena, .at = BEGIN};
    struct story *stories = calloc(open_at_once, sizeof(*stories));
    unsigned begun = 0;
    oft_arena_init(&arena, ARENA_MAX);
    if (stories == NULL || desk_state_new(&writer.state) != OFT_OK) {
        bench_die("making a journal", "out of memory");
    }
    write_world(&writer);
    for (; begun < open_at_once; begun++) {
        stories[begun] = story_of(begun);
        stories[begun].at = 0;
    }
    for (size_t i = 0; journal->count < events; i = (i + 1) % open_at_once) {
        if (stories[i].steps[stories[i].at] == END) {
            stories[i] = story_of(begun++);
        }
        writer.at += STEP_SECONDS * OFT_NS_PER_SECOND;
        take_step(&writer, &stories[i]);
    }
    desk_assert_sound(writer.state);
    desk_state_free(writer.state);
    oft_arena_release(&arena);
    free(stories);
}

/* Deadlines are days, so that lots of one day would share theirs: an objection window and a response
 * in hours tell them apart. */
static void write_hourly_world(struct writer *writer)
{
    struct desk_right *right = room(writer, 1, sizeof(*right));
    struct desk_holder *holders = room(writer, 1, sizeof(*holders));
    struct desk_event event = desk_event_of(DESK_CUSTOMER, writer->at);
    write_event(writer, &event, "buyer");
    holders[0] = (struct desk_holder){desk_party_name("bigcloud"), 1};
    *right = (struct desk_right){.clause = desk_word("bc-2026.refusal"),
                                 .kind = DESK_RIGHT_REFUSAL,
                                 .from = OFT_INSTANT_ALWAYS,
                                 .until = OFT_INSTANT_NEVER,
                                 .ended_by = {0, ""},
                                 .provider = {0, ""},
                                 .holders = holders,
                                 .holder_count = 1,
                                 .remedy = ""};
    right->windows[DESK_WINDOW_RESPOND] = (struct desk_window){
        .said = true,
        .period = {.count = 24 * 60, .unit = OFT_PERIOD_HOURS, .roll = OFT_ROLL_NONE},
        .calendar = {0, ""},
        .zone = {0, ""}};
    event = desk_event_of(DESK_RIGHT, writer->at);
    event.right = right;
    write_event(writer, &event, "buyer");
}

void story_open(struct journal *journal, uint32_t lots, struct oft_arena *arena,
                struct desk_state **ret_state)
{
    struct writer writer = {.journal = journal, .arena = arena, .at = BEGIN};
    if (desk_state_new(&writer.state) != OFT_OK) {
        bench_die("making a journal", "out of memory");
    }
    write_hourly_world(&writer);
    for (uint32_t i = 0; i < lots; i++) {
        uint32_t need = open_need(&writer);
        uint32_t lot = desk_lot_count(writer.state);
        (void)add_offer(&writer, need);
        send_notice(&writer, lot);
        on_notice(&writer, lot, DESK_NOTICE_DELIVERED, 0);
        writer.at += OFT_NS_PER_SECOND;
    }
    desk_assert_sound(writer.state);
    if (ret_state == NULL) {
        desk_state_free(writer.state);
    } else {
        *ret_state = writer.state;
    }
}
