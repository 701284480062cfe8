/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_ENGINE_LIMITS_H
#define OFFTAKE_ENGINE_LIMITS_H
/*
 * limits -- the page by which workers keep limits and budgets, and what budgets counted of the requests that
 * are booked. Private to engine/.
 *
 * Workers count in the page as they go. Each record tells what was counted of it; the drain adds that up in
 * the same transaction as the postings, so that a page that is made anew begins where the books are.
 */
#include "engine/internal.h"
#include "policy/decide.h"
#include "store/limits.h"

/* Sums by subject and period of one drain. Zeroed to begin. */
struct engine_spent {
    struct store_spent *slots; /* open addressing; subject 0: free */
    size_t capacity, count;
};
enum oft_err engine_spent_add(struct engine_spent *spent, const struct deal *deal,
                              const struct meter_record *record) OFT_MUSTCHECK;
enum oft_err engine_spent_write(struct engine_spent *spent, struct store *store,
                                struct oft_error *reterr) OFT_MUSTCHECK;
void engine_spent_release(struct engine_spent *spent);

/* Maps the pages of limits and of pools, and makes them when there are none. */
enum oft_err engine_limits_open(struct engine *engine, struct oft_error *reterr) OFT_MUSTCHECK;
void engine_limits_close(struct engine *engine);
/* A slot for every pool and limit of the snapshot BYTES; a new one begins with what the books have counted. */
enum oft_err engine_limits_claim(struct engine *engine, const struct oft_buffer *bytes,
                                 oft_instant now_ns, struct oft_error *reterr) OFT_MUSTCHECK;
/* Empties the cells of periods to come, when a period has begun. */
void engine_limits_turn(struct engine *engine, oft_instant now_ns);

#endif
