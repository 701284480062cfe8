/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_LEDGER_INTERNAL_H
#define OFFTAKE_LEDGER_INTERNAL_H
/*
 * internal -- what the files of this room share and nobody else includes.
 *
 * context.c makes a deal ready; batch.c collects records in cells; expand.c turns cells into series
 * by price and clause, price_units.c their units, capacity.c hours of capacity; post.c turns series
 * into changes and entries.
 * commit_count.c says where spend counts; commit_*.c what becomes of what was counted.
 */
#include "base/hash.h"
#include "ledger/ledger.h"

/* Rates are nano-units per million units, so quantity * rate is in millionths of a nano-unit. */
#define LEDGER_RATE_UNITS ((oft_nanos)1000000)

/* ---- context.c ------------------------------------------------------------------------------- */

/* A share or a commitment, with the half-open interval in which it counts. */
struct ledger_term {
    uint32_t clause;
    oft_instant from, until;
    /* A commitment: where its measuring periods end, rising. */
    const oft_instant *parts;
    size_t part_count;
};

struct ledger_id_map {
    uint64_t *ids; /* 0: empty slot */
    uint32_t *values;
    uint64_t mask;
};

struct ledger_context {
    const struct deal *deal;
    uint64_t generation;
    struct deal_attestations attested;
    oft_instant *instants; /* where regimes begin; regime 0 is before the first */
    size_t instant_count;
    struct ledger_id_map accounts, products, models, pools, clauses;
    const char **clause_names; /* values of `clauses` */
    struct ledger_term *shares, *commits;
    size_t share_count, commit_count;
    uint64_t *input_limits; /* above which some price is another: sorted, without doubles */
    size_t input_limit_count;
    struct oft_arena arena;
};

/* DEAL_NONE when the deal has no such id. */
uint32_t ledger_id_find(const struct ledger_id_map *map, uint64_t id);
/* The regime that holds AT, and the interval of that regime. */
size_t ledger_context_regime(const struct ledger_context *context, oft_instant at,
                             oft_instant *ret_from, oft_instant *ret_until);

/* One more than the greatest of the deal's limits that a request of INPUT tokens is above; 0 when it
 * is above none. Requests of one floor have the same prices. */
uint64_t ledger_context_input_floor(const struct ledger_context *context, uint64_t input);

/* ---- batch.c --------------------------------------------------------------------------------- */

/* Records that differ in nothing that decides what is owed. */
struct ledger_cell {
    const struct ledger_context *context;
    uint64_t account, product, model, pool, clause;
    oft_instant regime_from; /* any instant of the regime: its first */
    uint32_t regime;
    int32_t month;
    uint32_t outcome;
    uint32_t service_tier; /* as the record has it */
    uint64_t input_floor;
    bool reversed; /* its records are taken back: all it counts is below 0 */
    uint64_t requests;
    uint64_t units[METER_UNITS];
};

/* What this batch adds to one series. */
struct ledger_series {
    struct ledger_series_key key;
    oft_nanos quantity; /* units, requests, or nano-units of base */
    oft_nanos exact;    /* base in millionths of a nano-unit: SHARE by product, COMMITMENT. Of a
                           SHARE that is a total: its amount */
    int64_t units[METER_UNITS];
    bool is_base; /* SHARE by product */
    size_t
        parent; /* of a base: index of the series that has the amount; SIZE_MAX when it is reckoned
                      by share.h, and for all others */
    oft_nanos cap_nanos; /* SHARE: -1 for none */
    uint64_t generation; /* of the deal that said the cap */
    bool own;            /* SALE: of a product of the deal's customer */
    bool is_step;        /* SALE, COST: of a price in steps; `before` is what the books hold */
    oft_nanos before;
    const struct deal_price *steps; /* of a record by itself: it fell into some of its steps */
    bool lacks_steps;               /* a base without what that came to */
    bool by_deal;                   /* a total that may come to less */
    bool is_total; /* `quantity` is what the series comes to, whatever it held before */
};

/* An index of items by hash; the items live in an array of the owner's. */
struct ledger_index {
    uint32_t *slots; /* item + 1, 0: empty */
    uint64_t mask;
};

struct ledger_batch {
    struct ledger_cell *cells;
    size_t cell_count, cell_capacity;
    size_t last_cell; /* where the record added last went */
    struct ledger_index cell_index;
    struct ledger_series *series;
    size_t series_count, series_capacity;
    struct ledger_index series_index;
    struct ledger_change *changes;
    size_t change_count;
    struct ledger_entry *entries;
    size_t entry_count;
    struct ledger_batch_counts counts;
    const struct ledger_totals_source *source; /* while it is being closed */
    struct oft_error *error;
    enum oft_err failure; /* set once: the batch is of no use any more */
    struct ledger_periods periods;
    bool closed;
    bool has_capacity;
    bool has_reversal;
    bool steps_met; /* by the price that was expanded last, of a record by itself */
    /* The regime and month of the record before, which is mostly the one of the next. */
    const struct ledger_context *near_context;
    oft_instant near_from, near_until, near_regime_from;
    uint32_t near_regime;
    int32_t near_month;
};

enum oft_err ledger_index_grow(struct ledger_index *index, size_t item_count, const void *items,
                               uint64_t (*hash)(const void *items, size_t item)) OFT_MUSTCHECK;
bool ledger_outcome_owes(uint32_t outcome);
/* Whether MONTH has a beginning and an end in the calendar of base/time.h. */
bool ledger_month_inside(int32_t month);

/* ---- price_units.c --------------------------------------------------------------------------- */

/* Adds each class of the cell's units at PRICE to its own series, whose other key fields WANTED has;
 * RET_EXACT gets what they come to, in millionths of a nano-unit. */
enum oft_err ledger_units_expand(struct ledger_batch *batch, const struct ledger_cell *cell,
                                 const struct deal_price *price, struct ledger_series *wanted,
                                 oft_nanos *ret_exact) OFT_MUSTCHECK;

/* ---- commit_count.c -------------------------------------------------------------------------- */

/* Whom CLAUSE waits for, in its last version; DEAL_NONE for nobody. commit_terms.c */
uint32_t ledger_commit_predecessor(const struct deal *deal, uint32_t clause);
/* The ends of a commitment's measuring periods and of its predecessor, rising, in ARENA. */
enum oft_err ledger_commit_parts(const struct deal *deal, struct deal_attestations attested,
                                 uint32_t clause, struct oft_arena *arena,
                                 struct ledger_term *term) OFT_MUSTCHECK;
/* The first instant of the part of its month that AT lies in; OFT_INSTANT_ALWAYS for the month's own
 * beginning. *RET_UNTIL gets the part's end, at the latest UNTIL. */
oft_instant ledger_commit_part(const struct ledger_term *term, oft_instant month_from,
                               oft_instant at, oft_instant until, oft_instant *ret_until);
/* What of KEY tells where and how far a cost counts. */
enum oft_err ledger_commit_key(const char *clause, const char *party, int64_t weight_ppb,
                               bool marketplace, oft_instant part,
                               struct ledger_series_key *key) OFT_MUSTCHECK;

/* ---- expand.c, post.c ------------------------------------------------------------------------ */

/* Text is bounded by the deal's checker; a deal made otherwise is refused, not cut. */
enum oft_err ledger_put_name(char *out, size_t size, const char *name) OFT_MUSTCHECK;
#define LEDGER_PUT_NAME(out, name) ledger_put_name((out), sizeof(out), (name))
/* Adds QUANTITY and EXACT to the series of WANTED's key, which is made as WANTED says when it is new. */
enum oft_err ledger_series_add(struct ledger_batch *batch, const struct ledger_series *wanted,
                               oft_nanos quantity, oft_nanos exact,
                               size_t *ret_index) OFT_MUSTCHECK;
/* Fills batch->series from batch->cells, and counts what cannot be rated. */
enum oft_err ledger_batch_expand(struct ledger_batch *batch) OFT_MUSTCHECK;
/* The same for the cost of one cell alone, which the batch need not hold. */
enum oft_err ledger_cell_expand_cost(struct ledger_batch *batch,
                                     const struct ledger_cell *cell) OFT_MUSTCHECK;
/* Order of series in results and on paper. */
int ledger_key_compare(const struct ledger_series_key *a, const struct ledger_series_key *b);
/* The two entries of a change of AMOUNT; none when it is 0 or the series posts nothing. */
enum oft_err ledger_post(struct ledger_batch *batch, const struct ledger_series_key *key, bool own,
                         oft_nanos amount, size_t change) OFT_MUSTCHECK;
enum oft_err ledger_batch_settle(struct ledger_batch *batch, struct ledger_totals_source source,
                                 struct oft_error *reterr) OFT_MUSTCHECK;

#endif
