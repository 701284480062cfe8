/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_ENGINE_SETTLED_H
#define OFFTAKE_ENGINE_SETTLED_H
/*
 * What was settled before, by request id: settled.c, and earlier.c for what is no longer in memory.
 * Private to engine/.
 */
#include "engine/internal.h"
#include "store/spans.h"

/* Nothing is said here of ids whose instant is before this, and 0 is always before it. */
oft_instant engine_id_instant(const uint8_t request_id[16]);

/* To be called within the store's transaction, before anything else of a drain. */
enum oft_err engine_settled_begin(struct engine *engine, oft_instant now_ns,
                                  struct oft_error *reterr) OFT_MUSTCHECK;
/* The drain is over. What it added stands only when it was COMMITTED. */
void engine_settled_end(struct engine *engine, bool committed);
void engine_settled_free(struct engine_settled *settled); /* accepts NULL */

/* A settlement that was found. */
struct engine_earlier {
    enum {
        ENGINE_EARLIER_NONE,   /* the request was not settled before */
        ENGINE_EARLIER_RECORD, /* it was, as `record` says */
        ENGINE_EARLIER_LOST,   /* it was, but its segment is missing */
    } kind;
    struct meter_record record;
};
/* Was the request of RECORD, which stands in SEGMENT (NULL: in none) in the slot of its sequence, settled
 * in an earlier slot of this segment, in another one, or by the orphan rule? */
enum oft_err engine_settled_look(struct engine *engine, const char *segment,
                                 const struct meter_record *record, struct engine_earlier *ret,
                                 struct oft_error *reterr) OFT_MUSTCHECK;
/* A request is settled now. */
enum oft_err engine_settled_add(struct engine *engine, const uint8_t request_id[16]) OFT_MUSTCHECK;
/* The id will be asked for soon. */
void engine_settled_fetch(const struct engine *engine, const uint8_t request_id[16]);
/* Writes what a segment holds by now. Its spans are looked into by records of other segments. */
enum oft_err engine_settled_span(struct engine *engine, const struct store_span *span,
                                 struct oft_error *reterr) OFT_MUSTCHECK;

/* earlier.c: segments that are looked into, each with a table of its settlements. */
struct engine_earlier_segments;
enum oft_err engine_earlier_new(struct engine_earlier_segments **ret) OFT_MUSTCHECK;
void engine_earlier_free(struct engine_earlier_segments *segments); /* accepts NULL */
/* The spans have changed. */
void engine_earlier_forget_spans(struct engine_earlier_segments *segments);
enum oft_err engine_earlier_find(struct engine *engine, struct engine_earlier_segments *segments,
                                 const char *segment, const struct meter_record *record,
                                 struct engine_earlier *ret,
                                 struct oft_error *reterr) OFT_MUSTCHECK;
/* Calls VISIT with each id of SPAN's segment that was settled at EDGE or later. */
enum oft_err engine_earlier_ids(struct engine *engine, const struct store_span *span,
                                oft_instant edge, store_request_fn visit, void *context,
                                struct oft_error *reterr) OFT_MUSTCHECK;

#endif
