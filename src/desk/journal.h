/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DESK_JOURNAL_H
#define OFFTAKE_DESK_JOURNAL_H
/*
 * journal -- the desk's events as bytes, and the chain that holds them together.
 *
 * What it is   One event, one blob: docs/formats/desk-journal.md. Each link's hash is SHA-256 over
 *              "offtake desk 1\n", the hash before it (zeroes first), the event's number (u64, little
 *              endian), the instant of recording (i64) and the blob. A byte that changes, a link that is
 *              taken out or put in, is found.
 * Ownership    Decoded events point into the caller's arena, and not into the bytes.
 */
#include "desk/desk.h"

#define DESK_EVENT_BYTES_MAX (1u << 20)

/* Appends EVENT's bytes to OUT; the number is not among them. Check OUT. */
void desk_event_encode(const struct desk_event *event, struct oft_buffer *out);
/* OFT_ERR_CORRUPT when the bytes are not one event, whole, with nothing behind. */
enum oft_err desk_event_decode(const void *bytes, size_t length, uint64_t number,
                               struct oft_arena *arena, struct desk_event *ret_event,
                               struct oft_error *reterr) OFT_MUSTCHECK;
enum oft_err desk_event_hash(const uint8_t previous[32], uint64_t number, oft_instant recorded,
                             const void *bytes, size_t length, uint8_t ret_hash[32]) OFT_MUSTCHECK;
struct oft_sha256;
/* The same by a hash object that is used again: for a whole journal, making one costs more than hashing. */
void desk_event_hash_with(struct oft_sha256 *hash, const uint8_t previous[32], uint64_t number,
                          oft_instant recorded, const void *bytes, size_t length,
                          uint8_t ret_hash[32]);
/* What a notice's hash is of: the terms in the same bytes as in an event, the quantity, the clause. */
enum oft_err desk_terms_hash(const char *clause, uint64_t quantity, struct desk_terms terms,
                             uint8_t ret_hash[32]) OFT_MUSTCHECK;

#endif
