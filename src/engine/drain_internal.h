/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_ENGINE_DRAIN_INTERNAL_H
#define OFFTAKE_ENGINE_DRAIN_INTERNAL_H
/*
 * One drain: what drain.c and orphans.c share. Private to engine/.
 */
#include "engine/limits.h"
#include "engine/settled.h"

/* One segment in one drain. */
struct visit {
    char name[128];
    char writer[64];
    enum meter_segment_state state;
    uint32_t from, next;
    bool finished; /* read to its end, and nothing will follow */
    bool unreadable;
    bool damaged; /* something in it could not be booked: its bytes are kept */
    bool any;     /* settlements that were booked: their ids' instants are [first, last] */
    oft_instant first, last;
    bool in_the_way; /* it may hold records older than those of its writer's next segments */
};

struct drain {
    struct engine *engine;
    oft_instant now_ns;
    struct visit *visits;
    size_t visit_count;
    struct ledger_batch *batch;
    struct engine_intents intents;
    struct engine_spent spent;
    uint64_t stored_intents; /* open intents in the database when the drain began */
    uint64_t last_number;    /* of the journal, before this drain */
    size_t budget;           /* records that may still be read */
    bool more;
    bool moved;            /* anything to commit */
    oft_instant oldest_ns; /* when the oldest record that was read was written; 0: none was */
    struct engine_drain_result result;
    struct oft_error *reterr;
};

/* drain.c: adds to COUNT what is booked, and not what is set aside. */
enum oft_err drain_book(struct drain *drain, const struct visit *visit,
                        const struct meter_record *record, uint64_t *count) OFT_MUSTCHECK;
/* orphans.c: settles the intents in the books whose writers are gone. */
enum oft_err drain_settle_orphans(struct drain *drain) OFT_MUSTCHECK;

#endif
