/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash chain: SHA-256 over the previous transaction's hash and this one's canonical bytes.
 * Integers are little-endian in full width, text is its length (32 bits) and its bytes, lists are
 * their count (64 bits) and their items; so two different transactions never have the same bytes.
 * docs/books.md has the layout. An entry's series index is a hint and is not hashed.
 */
#include <string.h>

#include "ledger/internal.h"

static const char DOMAIN[] = "offtake ledger 1\n";

static void put_u64(struct oft_sha256 *hash, uint64_t value)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
    oft_sha256_update(hash, bytes, sizeof(bytes));
}

static void put_u32(struct oft_sha256 *hash, uint32_t value)
{
    uint8_t bytes[4];
    for (int i = 0; i < 4; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
    oft_sha256_update(hash, bytes, sizeof(bytes));
}

static void put_nanos(struct oft_sha256 *hash, oft_nanos value)
{
    put_u64(hash, (uint64_t)(oft_u128)value);
    put_u64(hash, (uint64_t)((oft_u128)value >> 64));
}

static void put_text(struct oft_sha256 *hash, const char *text, size_t size)
{
    size_t length = strnlen(text, size);
    put_u32(hash, (uint32_t)length);
    oft_sha256_update(hash, text, length);
}
/* Says in a series' kind that its own month follows; a series that is not late has neither. */
#define KIND_LATE UINT32_C(0x100)

#define PUT_TEXT(hash, field) put_text((hash), (field), sizeof(field))

static void put_change(struct oft_sha256 *hash, const struct ledger_change *change)
{
    const struct ledger_series_key *key = &change->key;
    put_u32(hash, (uint32_t)key->kind | (key->for_month != 0 ? KIND_LATE : 0));
    put_u32(hash, (uint32_t)key->month);
    if (key->for_month != 0) {
        put_u32(hash, (uint32_t)key->for_month);
    }
    put_u32(hash, key->unit);
    put_u32(hash, key->outcome);
    put_nanos(hash, key->rate);
    PUT_TEXT(hash, key->account);
    PUT_TEXT(hash, key->product);
    PUT_TEXT(hash, key->model);
    PUT_TEXT(hash, key->pool);
    PUT_TEXT(hash, key->party);
    PUT_TEXT(hash, key->clause);
    put_nanos(hash, change->after.quantity);
    put_nanos(hash, change->after.amount_nanos);
    for (size_t i = 0; i < METER_UNITS; i++) {
        put_u64(hash, (uint64_t)change->after.units[i]);
    }
}

/* Only when there are any: so a transaction of before there were events has the bytes that it had. */
static void put_events(struct oft_sha256 *hash, const struct ledger_transaction *transaction)
{
    if (transaction->event_count > 0) {
        put_u64(hash, transaction->event_count);
    }
    for (size_t i = 0; i < transaction->event_count; i++) {
        const struct ledger_event *event = &transaction->events[i];
        PUT_TEXT(hash, event->what);
        put_u32(hash, (uint32_t)event->month);
        put_u64(hash, event->statement);
        PUT_TEXT(hash, event->actor);
        PUT_TEXT(hash, event->about);
        oft_sha256_update(hash, event->sha256, sizeof(event->sha256));
        if (event->is_signed) {
            oft_sha256_update(hash, event->signature, sizeof(event->signature));
        }
    }
}

enum oft_err ledger_transaction_hash(const struct ledger_transaction *transaction,
                                     const uint8_t previous[32], uint8_t ret_hash[32])
{
    struct oft_sha256 *hash = oft_sha256_new();
    if (hash == NULL) {
        return OFT_ERR_MEMORY;
    }
    oft_sha256_update(hash, DOMAIN, sizeof(DOMAIN) - 1);
    oft_sha256_update(hash, previous, OFT_SHA256_BYTES);
    put_u64(hash, transaction->number);
    put_u64(hash, (uint64_t)transaction->recorded_ns);
    put_u64(hash, transaction->range_count);
    for (size_t i = 0; i < transaction->range_count; i++) {
        PUT_TEXT(hash, transaction->ranges[i].segment);
        put_u32(hash, transaction->ranges[i].from);
        put_u32(hash, transaction->ranges[i].until);
    }
    put_u64(hash, transaction->entry_count);
    for (size_t i = 0; i < transaction->entry_count; i++) {
        PUT_TEXT(hash, transaction->entries[i].account);
        put_nanos(hash, transaction->entries[i].amount_nanos);
    }
    put_u64(hash, transaction->change_count);
    for (size_t i = 0; i < transaction->change_count; i++) {
        put_change(hash, &transaction->changes[i]);
    }
    put_events(hash, transaction);
    oft_sha256_final(hash, ret_hash);
    oft_sha256_free(hash);
    return OFT_OK;
}
