/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_STORE_CORRECTIONS_H
#define OFFTAKE_STORE_CORRECTIONS_H
/*
 * corrections -- rows of corrections of usage: which request, the record as it was and as it is since, why.
 * Who and when are the event's of the transaction that booked it (its number is the row's).
 *
 * As store.h in everything else.
 */
#include "store/store.h"

struct store_correction {
    uint64_t number;
    uint8_t request_id[16];
    bool has_was,
        has_record; /* without the first it was void before; without the second, it is now */
    struct meter_record was, record;
    const char *reason, *reference; /* in the caller's arena; reference may be "" */
};
/* A reference that is there already is OFT_ERR_EXISTS. */
enum oft_err store_correction_put(struct store *store, const struct store_correction *correction,
                                  struct oft_error *reterr) OFT_MUSTCHECK;
/* The one told under REFERENCE. */
enum oft_err store_correction_told(struct store *store, const char *reference,
                                   struct oft_arena *arena, bool *ret_found,
                                   struct store_correction *ret_correction,
                                   struct oft_error *reterr) OFT_MUSTCHECK;
/* By number, in ARENA: those of one request, or all of them (REQUEST_ID NULL). */
enum oft_err store_corrections(struct store *store, const uint8_t *request_id,
                               struct oft_arena *arena, struct store_correction **ret_corrections,
                               size_t *ret_count, struct oft_error *reterr) OFT_MUSTCHECK;
/* Those of the transactions that changed a cost of MONTH. */
enum oft_err store_month_corrections(struct store *store, int32_t month, struct oft_arena *arena,
                                     struct store_correction **ret_corrections, size_t *ret_count,
                                     struct oft_error *reterr) OFT_MUSTCHECK;

#endif
