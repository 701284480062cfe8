/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_STORE_SPANS_H
#define OFFTAKE_STORE_SPANS_H
/*
 * spans -- rows for finding a settlement of before: the span of admissions in each segment, the requests
 * that were booked by the orphan rule.
 *
 * As store.h in everything else.
 */
#include "store/trace.h"

/* Settlements in the slots below UNTIL of a segment: the earliest and the latest instant of their ids. */
struct store_span {
    char segment[128];
    oft_instant first, last;
    uint32_t until;
};
/* Widens the segment's row, or makes it. */
enum oft_err store_span_put(struct store *store, const struct store_span *span,
                            struct oft_error *reterr) OFT_MUSTCHECK;
/* Those that touch [FIRST, LAST], in ARENA, by name. */
enum oft_err store_spans_between(struct store *store, oft_instant first, oft_instant last,
                                 struct oft_arena *arena, struct store_span **ret_spans,
                                 size_t *ret_count, struct oft_error *reterr) OFT_MUSTCHECK;
/* The latest instant of any span; OFT_INSTANT_ALWAYS when there is none. */
enum oft_err store_span_latest(struct store *store, oft_instant *ret_last,
                               struct oft_error *reterr) OFT_MUSTCHECK;
/* The greatest id of a request that was booked by the orphan rule; *ret_any false: there is none. */
enum oft_err store_orphan_latest(struct store *store, uint8_t ret_request_id[16], bool *ret_any,
                                 struct oft_error *reterr) OFT_MUSTCHECK;
typedef enum oft_err (*store_request_fn)(void *context, const uint8_t request_id[16],
                                         struct oft_error *reterr);
/* The ids of those from FROM on. */
enum oft_err store_orphans_from(struct store *store, const uint8_t from[16], store_request_fn visit,
                                void *context, struct oft_error *reterr) OFT_MUSTCHECK;
/* Whether SLOT was set aside because its request had been settled before. */
enum oft_err store_set_aside_as_second(struct store *store, const char *segment, uint32_t slot,
                                       bool *ret_second, struct oft_error *reterr) OFT_MUSTCHECK;

#endif
