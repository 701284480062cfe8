/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events to bytes, and the hashes over them. The other way is in journal_read.c.
 */
#include "base/hash.h"
#include "desk/journal_bytes.h"

/* A text with its length; what is too long makes the buffer fail, so that it is not written at all. */
static void put_text(struct oft_buffer *out, const char *text, size_t bytes_max)
{
    size_t length = text == NULL ? 0 : strlen(text);
    if (length > bytes_max) {
        out->failed = true;
        return;
    }
    put_number(out, length, bytes_max == JOURNAL_NAME_BYTES_MAX ? 2 : 4);
    oft_buffer_append(out, text, length);
}

static void put_name(struct oft_buffer *out, struct desk_name name)
{
    put_text(out, name.id == 0 ? "" : name.text, JOURNAL_NAME_BYTES_MAX);
}

static void put_count(struct oft_buffer *out, uint32_t count)
{
    if (count > JOURNAL_LIST_MAX) {
        out->failed = true;
    }
    put_u16(out, (uint16_t)count);
}

static void put_names(struct oft_buffer *out, struct desk_names names)
{
    put_count(out, names.count);
    for (uint32_t i = 0; i < names.count && !out->failed; i++) {
        put_name(out, names.items[i]);
    }
}

static void put_terms(struct oft_buffer *out, struct desk_terms terms)
{
    put_count(out, terms.count);
    for (uint32_t i = 0; i < terms.count && !out->failed; i++) {
        const struct desk_term *term = &terms.items[i];
        put_name(out, term->name);
        put_u8(out, (uint8_t)term->kind);
        put_nanos(out, term->number);
        put_name(out, term->text);
        put_nanos(out, term->cash_nanos);
    }
}

static void put_period(struct oft_buffer *out, struct oft_period period)
{
    put_u32(out, period.count);
    put_u8(out, (uint8_t)period.unit);
    put_u8(out, (uint8_t)period.roll);
}

static void put_window(struct oft_buffer *out, const struct desk_window *window)
{
    put_u8(out, window->said);
    if (window->said) {
        put_period(out, window->period);
        put_u8(out, (uint8_t)window->start);
        put_name(out, window->calendar);
        put_name(out, window->zone);
    }
}

/* ---- what events bring ----------------------------------------------------------------------- */

static void put_need(struct oft_buffer *out, const struct desk_need *need)
{
    put_name(out, need->product);
    put_name(out, need->accelerator);
    put_name(out, need->region);
    put_u8(out, (uint8_t)need->unit);
    put_u64(out, need->quantity);
    put_u64(out, (uint64_t)need->from);
    put_u32(out, need->months);
    put_u64(out, need->hours);
    put_nanos(out, need->ceiling_nanos);
    put_u8(out, (uint8_t)need->deal);
    put_name(out, need->provider);
    put_name(out, need->group);
    put_u32(out, need->part_of);
    put_u64(out, (uint64_t)need->open_until);
    put_terms(out, need->terms);
    put_text(out, need->note, JOURNAL_TEXT_BYTES_MAX);
}

static void put_offer(struct oft_buffer *out, const struct desk_offer *offer)
{
    put_u32(out, offer->need);
    put_name(out, offer->party);
    put_name(out, offer->provider);
    put_u64(out, offer->quantity);
    put_u64(out, (uint64_t)offer->valid_until);
    put_nanos(out, offer->bundled_nanos);
    put_text(out, offer->programme, JOURNAL_TEXT_BYTES_MAX);
    put_text(out, offer->tranche, JOURNAL_TEXT_BYTES_MAX);
    put_text(out, offer->site, JOURNAL_TEXT_BYTES_MAX);
    put_names(out, offer->affirmed);
    put_terms(out, offer->terms);
}

static void put_delivery(struct oft_buffer *out, const struct desk_delivery_terms *delivery)
{
    put_u64(out, (uint64_t)delivery->deliver_by);
    put_period(out, delivery->cure);
    put_u64(out, (uint64_t)delivery->late_rate_ppb);
    put_period(out, delivery->late_per);
    put_u64(out, (uint64_t)delivery->late_cap_ppb);
    put_u8(out, delivery->late_terminate);
    put_name(out, delivery->under);
}

static uint16_t right_flags(const struct desk_right *right)
{
    return (uint16_t)((right->simultaneous ? RIGHT_SIMULTANEOUS : 0) |
                      (right->cash_equivalent ? RIGHT_CASH : 0) |
                      (right->partial ? RIGHT_PARTIAL : 0) |
                      (right->counterparty_any ? RIGHT_COUNTERPARTY_ANY : 0) |
                      (right->one_time ? RIGHT_ONE_TIME : 0) |
                      (right->suspend_on_default ? RIGHT_SUSPEND : 0) |
                      (right->assignable ? RIGHT_ASSIGNABLE : 0) |
                      (right->ends_on_control ? RIGHT_CONTROL : 0) |
                      (right->pending_void ? RIGHT_PENDING_VOID : 0) |
                      (right->governing_at_need ? RIGHT_AT_NEED : 0));
}

static void put_right_lists(struct oft_buffer *out, const struct desk_right *right)
{
    put_count(out, right->carve_out_count);
    for (uint32_t i = 0; i < right->carve_out_count; i++) {
        put_name(out, right->carve_outs[i].name);
        put_text(out, right->carve_outs[i].text, JOURNAL_TEXT_BYTES_MAX);
    }
    put_names(out, right->bona_fide);
    put_count(out, right->holder_count);
    for (uint32_t i = 0; i < right->holder_count; i++) {
        put_name(out, right->holders[i].party);
        put_u32(out, right->holders[i].rank);
    }
    put_count(out, right->compare_count);
    for (uint32_t i = 0; i < right->compare_count; i++) {
        put_name(out, right->compares[i].name);
        put_u8(out, (uint8_t)right->compares[i].better);
        put_u64(out, (uint64_t)right->compares[i].tolerance_ppb);
    }
}

static void put_right(struct oft_buffer *out, const struct desk_right *right)
{
    put_name(out, right->clause);
    put_u8(out, (uint8_t)right->kind);
    put_u64(out, (uint64_t)right->from);
    put_u64(out, (uint64_t)right->until);
    put_u8(out, (uint8_t)right->end);
    put_name(out, right->ended_by);
    put_name(out, right->provider);
    put_names(out, right->except_groups);
    put_names(out, right->products);
    put_names(out, right->regions);
    put_names(out, right->accelerators);
    put_u8(out, (uint8_t)right->floor.kind);
    put_nanos(out, right->floor.amount);
    put_u8(out, (uint8_t)right->deals);
    put_right_lists(out, right);
    put_u16(out, right_flags(right));
    put_u8(out, (uint8_t)right->disclose);
    put_u8(out, (uint8_t)right->match);
    put_u64(out, right->partial_minimum);
    put_u64(out, right->partial_step);
    put_u8(out, (uint8_t)right->partial_unit);
    for (unsigned i = 0; i < RIGHT_WINDOWS; i++) {
        put_window(out, journal_window(right, i));
    }
    put_u32(out, right->standing_defaults);
    put_text(out, right->remedy, JOURNAL_TEXT_BYTES_MAX);
}

static void put_calendar(struct oft_buffer *out, const struct oft_calendar *calendar)
{
    put_text(out, calendar->name, JOURNAL_NAME_BYTES_MAX);
    put_u8(out, calendar->closed_weekdays);
    put_u32(out, (uint32_t)calendar->known_from);
    put_u32(out, (uint32_t)calendar->known_until);
    put_count(out, calendar->holiday_count);
    for (uint32_t i = 0; i < calendar->holiday_count; i++) {
        put_u32(out, (uint32_t)calendar->holidays[i]);
    }
}

static void put_zone(struct oft_buffer *out, const struct oft_zone *zone)
{
    put_text(out, zone->name, JOURNAL_NAME_BYTES_MAX);
    put_count(out, zone->change_count);
    for (uint32_t i = 0; i < zone->change_count; i++) {
        put_u64(out, (uint64_t)zone->changes[i].from);
        put_u32(out, (uint32_t)zone->changes[i].offset_s);
    }
}

/* ---- events ---------------------------------------------------------------------------------- */

/* What EVENT brings, if it is what its kind brings and nothing else; else OUT fails, because it could not
 * be read again. */
static const void *payload_of(const struct desk_event *event, struct oft_buffer *out)
{
    const void *brought[] = {event->need_opened, event->offer_added, event->right,
                             event->delivery,    event->calendar,    event->zone};
    static const enum desk_event_kind kinds[] = {DESK_NEED_OPENED, DESK_OFFER_ADDED, DESK_RIGHT,
                                                 DESK_SIGNED,      DESK_CALENDAR,    DESK_ZONE};
    const void *payload = NULL;
    for (size_t i = 0; i < OFT_COUNT_OF(kinds); i++) {
        if (brought[i] != NULL && event->kind == kinds[i]) {
            payload = brought[i];
        } else if (brought[i] != NULL) {
            out->failed = true;
        }
    }
    return payload;
}

static uint16_t parts_of(const struct desk_event *event, bool payload)
{
    static const uint8_t no_hash[32];
    const bool said[16] = {event->happened != event->at,
                           event->actor.id != 0,
                           event->party.id != event->actor.id,
                           event->other.id != 0,
                           event->need != DESK_NONE,
                           event->offer != DESK_NONE,
                           event->lot != DESK_NONE,
                           event->notice != DESK_NONE,
                           event->order != DESK_NONE,
                           event->quantity != 0,
                           event->terms.count != 0,
                           event->name.id != 0,
                           event->names.count != 0,
                           event->text[0] != '\0',
                           memcmp(event->hash, no_hash, sizeof(no_hash)) != 0,
                           payload};
    unsigned parts = 0;
    for (unsigned i = 0; i < 16; i++) {
        parts |= said[i] ? 1u << i : 0;
    }
    return (uint16_t)parts;
}

static void put_payload(struct oft_buffer *out, enum desk_event_kind kind, const void *payload)
{
    switch (kind) {
    case DESK_NEED_OPENED:
        put_need(out, payload);
        break;
    case DESK_OFFER_ADDED:
        put_offer(out, payload);
        break;
    case DESK_RIGHT:
        put_right(out, payload);
        break;
    case DESK_SIGNED:
        put_delivery(out, payload);
        break;
    case DESK_CALENDAR:
        put_calendar(out, payload);
        break;
    default:
        put_zone(out, payload);
    }
}

void desk_event_encode(const struct desk_event *event, struct oft_buffer *out)
{
    const struct desk_name names[] = {event->actor, event->party, event->other};
    const uint32_t references[] = {event->need, event->offer, event->lot, event->notice,
                                   event->order};
    const void *payload = payload_of(event, out);
    uint16_t parts = parts_of(event, payload != NULL);
    put_u8(out, JOURNAL_VERSION);
    put_u8(out, (uint8_t)event->kind);
    put_u16(out, parts);
    put_u64(out, (uint64_t)event->at);
    if ((parts & PART_HAPPENED) != 0) {
        put_u64(out, (uint64_t)event->happened);
    }
    for (unsigned i = 0; i < 3; i++) {
        if ((parts & (PART_ACTOR << i)) != 0) {
            put_name(out, names[i]);
        }
    }
    for (unsigned i = 0; i < 5; i++) {
        if ((parts & (PART_NEED << i)) != 0) {
            put_u32(out, references[i]);
        }
    }
    if ((parts & PART_QUANTITY) != 0) {
        put_u64(out, event->quantity);
    }
    if ((parts & PART_TERMS) != 0) {
        put_terms(out, event->terms);
    }
    if ((parts & PART_NAME) != 0) {
        put_name(out, event->name);
    }
    if ((parts & PART_NAMES) != 0) {
        put_names(out, event->names);
    }
    if ((parts & PART_TEXT) != 0) {
        put_text(out, event->text, JOURNAL_TEXT_BYTES_MAX);
    }
    if ((parts & PART_HASH) != 0) {
        oft_buffer_append(out, event->hash, sizeof(event->hash));
    }
    if ((parts & PART_PAYLOAD) != 0) {
        put_payload(out, event->kind, payload);
    }
}

/* ---- hashes ---------------------------------------------------------------------------------- */

void desk_event_hash_with(struct oft_sha256 *hash, const uint8_t previous[32], uint64_t number,
                          oft_instant recorded, const void *bytes, size_t length,
                          uint8_t ret_hash[32])
{
    static const char domain[] = "offtake desk 1\n";
    const uint64_t values[] = {number, (uint64_t)recorded};
    uint8_t head[sizeof(domain) - 1 + 32 + 16];
    memcpy(head, domain, sizeof(domain) - 1);
    memcpy(head + sizeof(domain) - 1, previous, 32);
    for (size_t i = 0; i < 16; i++) {
        head[sizeof(domain) - 1 + 32 + i] = (uint8_t)(values[i / 8] >> (8 * (i % 8)));
    }
    oft_sha256_update(hash, head, sizeof(head));
    oft_sha256_update(hash, bytes, length);
    oft_sha256_final(hash, ret_hash);
}

enum oft_err desk_event_hash(const uint8_t previous[32], uint64_t number, oft_instant recorded,
                             const void *bytes, size_t length, uint8_t ret_hash[32])
{
    struct oft_sha256 *hash = oft_sha256_new();
    if (hash == NULL) {
        return OFT_ERR_MEMORY;
    }
    desk_event_hash_with(hash, previous, number, recorded, bytes, length, ret_hash);
    oft_sha256_free(hash);
    return OFT_OK;
}

enum oft_err desk_terms_hash(const char *clause, uint64_t quantity, struct desk_terms terms,
                             uint8_t ret_hash[32])
{
    struct oft_buffer bytes;
    oft_buffer_init(&bytes, DESK_EVENT_BYTES_MAX);
    oft_buffer_append_text(&bytes, "offtake notice 1\n");
    put_text(&bytes, clause, JOURNAL_NAME_BYTES_MAX);
    put_u64(&bytes, quantity);
    put_terms(&bytes, terms);
    enum oft_err code =
        bytes.failed ? OFT_ERR_MEMORY : oft_sha256_once(bytes.data, bytes.length, ret_hash);
    oft_buffer_release(&bytes);
    return code;
}
