/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_STORE_TRACE_H
#define OFFTAKE_STORE_TRACE_H
/*
 * trace -- rows for looking back: from a line to its transactions and their spool ranges, from a slot to
 * the transaction that booked it, and the books as they were after an earlier transaction.
 *
 * As store.h in everything else.
 */
#include "store/corrections.h"
#include "store/store.h"

/* ---- from a slot, from a request --------------------------------------------------------------- */

/* The transaction that read SLOT of SEGMENT; 0: none yet. */
enum oft_err store_booked_by(struct store *store, const char *segment, uint32_t slot,
                             uint64_t *ret_number, struct oft_error *reterr) OFT_MUSTCHECK;
/* Why SLOT was set aside, in ARENA; NULL when it was not. */
enum oft_err store_quarantined(struct store *store, const char *segment, uint32_t slot,
                               struct oft_arena *arena, const char **ret_why,
                               struct oft_error *reterr) OFT_MUSTCHECK;

/* Whether any record of SEGMENT was set aside. */
enum oft_err store_quarantine_holds(struct store *store, const char *segment, bool *ret_any,
                                    struct oft_error *reterr) OFT_MUSTCHECK;

/* A request that transaction NUMBER booked by the orphan rule, as it was booked. */
struct store_orphan {
    uint64_t number;
    struct meter_record record;
};
enum oft_err store_orphan_put(struct store *store, const struct store_orphan *orphan,
                              struct oft_error *reterr) OFT_MUSTCHECK;
/* NUMBER is 0 when the request was not booked so. */
enum oft_err store_orphan_get(struct store *store, const uint8_t request_id[16],
                              struct store_orphan *ret_orphan,
                              struct oft_error *reterr) OFT_MUSTCHECK;

/* All of them, by number. */
enum oft_err store_orphans(struct store *store, struct oft_arena *arena,
                           struct store_orphan **ret_orphans, size_t *ret_count,
                           struct oft_error *reterr) OFT_MUSTCHECK;

/* ---- from a line ------------------------------------------------------------------------------- */

/* Which lines: that of a key, and with ALL_STEPS those too that differ from it in the rate alone. */
struct store_line {
    const struct ledger_series_key *key;
    bool all_steps;
};
/* What one transaction made of a line. */
struct store_line_change {
    uint64_t number;
    oft_instant recorded_ns;
    uint8_t hash[32];
    struct ledger_totals totals;
};
/* The first LIMIT of them in order; RET_TOTAL counts all. */
enum oft_err store_line_changes(struct store *store, const struct ledger_series_key *key,
                                uint32_t limit, uint64_t *ret_total, struct oft_arena *arena,
                                struct store_line_change **ret_changes, size_t *ret_count,
                                struct oft_error *reterr) OFT_MUSTCHECK;
/* The spool ranges of the transactions that changed a line, by segment and slot; those that touch each
 * other come as one. */
typedef enum oft_err (*store_range_fn)(void *context, const struct ledger_range *range,
                                       struct oft_error *reterr);
enum oft_err store_line_ranges(struct store *store, const struct store_line *line,
                               store_range_fn visit, void *context,
                               struct oft_error *reterr) OFT_MUSTCHECK;
/* The orphans of those transactions. */
enum oft_err store_line_orphans(struct store *store, const struct store_line *line,
                                struct oft_arena *arena, struct store_orphan **ret_orphans,
                                size_t *ret_count, struct oft_error *reterr) OFT_MUSTCHECK;

/* The corrections of those transactions. */
enum oft_err store_line_corrections(struct store *store, const struct store_line *line,
                                    struct oft_arena *arena,
                                    struct store_correction **ret_corrections, size_t *ret_count,
                                    struct oft_error *reterr) OFT_MUSTCHECK;

/* ---- as of ------------------------------------------------------------------------------------- */

/* The head of the journal, without its parts. */
struct store_head {
    uint64_t number;
    oft_instant recorded_ns;
    uint8_t hash[32];
};
/* The newest transaction recorded by AT; number 0 and zeroes when there is none. */
enum oft_err store_head_at(struct store *store, oft_instant at, struct store_head *ret_head,
                           struct oft_error *reterr) OFT_MUSTCHECK;
/* The earliest and the latest instant at which transactions up to NUMBER were recorded; 0 and 0 when there
 * are none. */
enum oft_err store_recorded_span(struct store *store, uint64_t number, oft_instant *ret_first,
                                 oft_instant *ret_last, struct oft_error *reterr) OFT_MUSTCHECK;
/* The generation in force at AT; 0: none was published by then. */
enum oft_err store_generation_at(struct store *store, oft_instant at, uint64_t *ret_generation,
                                 struct oft_error *reterr) OFT_MUSTCHECK;
/* Transactions FROM to THROUGH in order of their numbers. A visitor that answers OFT_ERR_EXISTS has seen
 * enough: the walk ends well. */
enum oft_err store_transactions_between(struct store *store, uint64_t from, uint64_t through,
                                        store_transaction_fn visit, void *context,
                                        struct oft_error *reterr) OFT_MUSTCHECK;
/* Accounts by name with the sum of their entries up to transaction NUMBER in series of the months
 * [FROM, THROUGH]; also those whose sum is 0. ACCOUNT NULL: all. */
enum oft_err store_balances_at(struct store *store, uint64_t number, int32_t from, int32_t through,
                               const char *account, struct oft_arena *arena,
                               struct store_balance **ret_balances, size_t *ret_count,
                               struct oft_error *reterr) OFT_MUSTCHECK;

#endif
