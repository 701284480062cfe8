/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_BENCH_DESK_STORY_H
#define OFFTAKE_BENCH_DESK_STORY_H
/*
 * Journals of a made-up desk for its benchmark: a first refusal with two ranks, windows in business days
 * by a calendar and a time zone, a first offer and an exclusive for other products, and as many needs as
 * wanted, whose procedures go different ways. Every event is applied to a state as it is made.
 */
#include "desk/journal.h"

/* A journal: blobs one behind the other. Number i begins at offsets[i - 1]. */
struct journal {
    struct oft_buffer bytes;
    size_t *offsets;
    size_t count, capacity;
};
void journal_init(struct journal *journal);
void journal_release(struct journal *journal);
const void *journal_blob(const struct journal *journal, size_t index, size_t *ret_length);

/* EVENTS events, of which OPEN_AT_ONCE procedures run at a time: elected whole (40 of 100), elected in
 * part and the rest sold (20), declined by all and sold (30), met with silence (10). */
void story_mixed(struct journal *journal, size_t events, unsigned open_at_once);
/* LOTS procedures whose first notice is open, each with a deadline of its own. *RET_STATE (may be NULL)
 * is the state, which points into ARENA; the caller frees both. */
void story_open(struct journal *journal, uint32_t lots, struct oft_arena *arena,
                struct desk_state **ret_state);

void bench_die(const char *what, const char *why);

#endif
