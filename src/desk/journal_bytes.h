/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DESK_JOURNAL_BYTES_H
#define OFFTAKE_DESK_JOURNAL_BYTES_H
/*
 * What the two halves of the codec share: the layout's numbers, a writer and a reader. Private to desk/.
 * docs/formats/desk-journal.md is the reference.
 */
#include <string.h>

#include "desk/journal.h"

enum {
    JOURNAL_VERSION = 1,
    JOURNAL_NAME_BYTES_MAX = 160,
    JOURNAL_TEXT_BYTES_MAX = 64 << 10,
    JOURNAL_LIST_MAX = 4096
};

/* Which optional parts follow; each stands only when it says something. */
enum {
    PART_HAPPENED = 1 << 0, /* it is not `at` */
    PART_ACTOR = 1 << 1,
    PART_PARTY = 1 << 2, /* it is not the actor */
    PART_OTHER = 1 << 3,
    PART_NEED = 1 << 4,
    PART_OFFER = 1 << 5,
    PART_LOT = 1 << 6,
    PART_NOTICE = 1 << 7,
    PART_ORDER = 1 << 8,
    PART_QUANTITY = 1 << 9,
    PART_TERMS = 1 << 10,
    PART_NAME = 1 << 11,
    PART_NAMES = 1 << 12,
    PART_TEXT = 1 << 13,
    PART_HASH = 1 << 14,
    PART_PAYLOAD = 1 << 15, /* what this kind of event brings */
};

/* The right's yes and no, as bits. */
enum {
    RIGHT_SIMULTANEOUS = 1 << 0,
    RIGHT_CASH = 1 << 1,
    RIGHT_PARTIAL = 1 << 2,
    RIGHT_COUNTERPARTY_ANY = 1 << 3,
    RIGHT_ONE_TIME = 1 << 4,
    RIGHT_SUSPEND = 1 << 5,
    RIGHT_ASSIGNABLE = 1 << 6,
    RIGHT_CONTROL = 1 << 7,
    RIGHT_PENDING_VOID = 1 << 8,
    RIGHT_AT_NEED = 1 << 9,
    RIGHT_FLAGS_ALL = (1 << 10) - 1,
};

/* A right's windows in the order of the format: the seven, then these. */
enum { RIGHT_WINDOWS = DESK_WINDOW_KIND_COUNT + 4 };
static inline const struct desk_window *journal_window(const struct desk_right *right, unsigned i)
{
    const struct desk_window *others[] = {&right->deemed, &right->standing_cure,
                                          &right->standing_within, &right->standing_remaining};
    return i < DESK_WINDOW_KIND_COUNT ? &right->windows[i] : others[i - DESK_WINDOW_KIND_COUNT];
}

/* ---- writing --------------------------------------------------------------------------------- */

static inline void put_number(struct oft_buffer *out, uint64_t value, unsigned bytes)
{
    uint8_t raw[8];
    for (unsigned i = 0; i < bytes; i++) {
        raw[i] = (uint8_t)(value >> (8 * i));
    }
    oft_buffer_append(out, raw, bytes);
}

static inline void put_u8(struct oft_buffer *out, uint8_t value)
{
    put_number(out, value, 1);
}
static inline void put_u16(struct oft_buffer *out, uint16_t value)
{
    put_number(out, value, 2);
}
static inline void put_u32(struct oft_buffer *out, uint32_t value)
{
    put_number(out, value, 4);
}
static inline void put_u64(struct oft_buffer *out, uint64_t value)
{
    put_number(out, value, 8);
}
static inline void put_nanos(struct oft_buffer *out, oft_nanos value)
{
    put_number(out, (uint64_t)(oft_u128)value, 8);
    put_number(out, (uint64_t)((oft_u128)value >> 64), 8);
}

#endif
