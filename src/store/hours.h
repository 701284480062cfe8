/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_STORE_HOURS_H
#define OFFTAKE_STORE_HOURS_H
/*
 * Where the records of a month's costs lie. A part of store/store.h, whose words on errors and ownership
 * hold.
 */
#include "store/trace.h"

typedef enum oft_err (*store_booked_range_fn)(void *context, uint64_t number,
                                              const struct ledger_range *range,
                                              struct oft_error *reterr);
/* The spool ranges of the transactions that changed what is owed to providers in MONTH, by number. */
enum oft_err store_month_ranges(struct store *store, int32_t month, store_booked_range_fn visit,
                                void *context, struct oft_error *reterr) OFT_MUSTCHECK;
/* The orphans of those transactions, by number, in ARENA. */
enum oft_err store_month_orphans(struct store *store, int32_t month, struct oft_arena *arena,
                                 struct store_orphan **ret_orphans, size_t *ret_count,
                                 struct oft_error *reterr) OFT_MUSTCHECK;
/* The slots of SEGMENT whose records were set aside and not booked, in order, in ARENA. */
enum oft_err store_set_aside(struct store *store, const char *segment, struct oft_arena *arena,
                             uint32_t **ret_slots, size_t *ret_count,
                             struct oft_error *reterr) OFT_MUSTCHECK;

#endif
