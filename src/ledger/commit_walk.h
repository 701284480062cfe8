/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_LEDGER_COMMIT_WALK_H
#define OFFTAKE_LEDGER_COMMIT_WALK_H
/*
 * commit_walk -- pieces of counted spend, and the walk through them that settles one commitment.
 */
#include "ledger/commit.h"

struct commit_piece {
    oft_instant place; /* its first instant */
    oft_instant until; /* the end of its month */
    int32_t month;
    bool inherited; /* counted under a version that this one amends */
    oft_nanos direct, market;
};

struct commit_walk {
    struct commit_terms terms;
    const struct ledger_settlement *before;  /* the predecessor's; NULL for none */
    const struct ledger_settlement *amended; /* of the earlier version; NULL for none */
    const struct deal *deal;
    oft_instant at;
    struct ledger_measure *measures;
    size_t measure_count;
    struct commit_piece *pieces;
    size_t piece_count, next_piece;
    struct ledger_due_item *dues;
    size_t due_count;
    struct ledger_counted_month *months;
    size_t month_count;
    oft_nanos direct, market; /* so far */
    oft_nanos eligible;       /* of these, below the marketplace's cap */
    oft_nanos counted;        /* of these, not the predecessor's */
    oft_nanos settled;        /* shortfalls that are settled, less what their credits paid for */
    oft_nanos not_net;        /* what a predecessor's credit paid for, where that does not count */
    oft_nanos carried;        /* the predecessor's excess */
    oft_nanos rolled_in;      /* the predecessor's rest */
    oft_nanos over, excess;   /* beyond the amount: in all, and what is nobody else's */
    oft_nanos surcharge;
    oft_nanos month_room; /* what the predecessor released in room_month */
    int32_t room_month;
    struct ledger_credit *credits; /* of the version before, its own, and the predecessor's */
    size_t credit_count, own_credit;
    bool carry_taken;
    struct ledger_settlement *result;
};

/* Fills walk->pieces from the rows; terms, measures, before and at must be there. */
enum oft_err commit_pieces(struct commit_walk *walk, uint32_t clause, const struct ledger_row *rows,
                           size_t row_count, struct oft_arena *arena) OFT_MUSTCHECK;
/* Fills walk->result from the terms, the pieces and the settlements before it. */
enum oft_err commit_walk(struct commit_walk *walk) OFT_MUSTCHECK;
oft_nanos commit_progress(const struct commit_walk *walk);

#endif
