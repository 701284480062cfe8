/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_STORE_PERIODS_H
#define OFFTAKE_STORE_PERIODS_H
/*
 * Periods and statements in the database, and the books as they were at an earlier transaction. A part of
 * store/store.h, whose words on errors and ownership hold.
 */
#include "store/store.h"

/* ---- periods ---------------------------------------------------------------------------------- */

enum oft_err store_periods(struct store *store, struct ledger_periods *ret_periods,
                           struct oft_error *reterr) OFT_MUSTCHECK;
/* Months that have a series, in order, in ARENA. */
enum oft_err store_months(struct store *store, struct oft_arena *arena, int32_t **ret_months,
                          size_t *ret_count, struct oft_error *reterr) OFT_MUSTCHECK;
/* The last transaction that changed a series standing in MONTH; 0: none did. */
enum oft_err store_month_changed(struct store *store, int32_t month, uint64_t *ret_number,
                                 struct oft_error *reterr) OFT_MUSTCHECK;
/* As ledger_totals_source.elsewhere asks. */
enum oft_err store_elsewhere(struct store *store, const struct ledger_series_key *key,
                             struct ledger_totals *ret_totals,
                             struct oft_error *reterr) OFT_MUSTCHECK;

struct store_event {
    uint64_t number; /* of its transaction */
    oft_instant recorded_ns;
    struct ledger_event event;
};
/* The events of STATEMENT (0: of the periods) up to transaction UNTIL, in order, in ARENA. */
enum oft_err store_events(struct store *store, uint64_t statement, uint64_t until,
                          struct oft_arena *arena, struct store_event **ret_events,
                          size_t *ret_count, struct oft_error *reterr) OFT_MUSTCHECK;

/* ---- the books as of a transaction -------------------------------------------------------------- */

/* OFT_ERR_NOT_FOUND when there is no such transaction. */
enum oft_err store_chain_at(struct store *store, uint64_t number, uint8_t ret_hash[32],
                            oft_instant *ret_recorded_ns, struct oft_error *reterr) OFT_MUSTCHECK;
/* As store_rows, with the totals that transaction NUMBER left. A month also brings what came late and
 * belongs to it, wherever that stands. */
enum oft_err store_rows_at(struct store *store, enum ledger_series_kind kind, int32_t month,
                           uint64_t number, struct oft_arena *arena, struct ledger_row **ret_rows,
                           size_t *ret_count, struct oft_error *reterr) OFT_MUSTCHECK;

/* ---- statements ------------------------------------------------------------------------------- */

struct store_statement {
    uint64_t number;
    const char *party;
    int32_t month;
    uint64_t transaction, generation;
    uint64_t restates; /* 0: none */
    oft_instant as_of_ns;
};
/* The highest number that was ever given; 0: none. */
enum oft_err store_statement_last(struct store *store, uint64_t *ret_number,
                                  struct oft_error *reterr) OFT_MUSTCHECK;
enum oft_err store_statement_put(struct store *store, const struct store_statement *statement,
                                 struct oft_error *reterr) OFT_MUSTCHECK;
/* In ARENA; OFT_ERR_NOT_FOUND. */
enum oft_err store_statement_get(struct store *store, uint64_t number, struct oft_arena *arena,
                                 struct store_statement *ret_statement,
                                 struct oft_error *reterr) OFT_MUSTCHECK;
/* All of them in order, in ARENA. */
enum oft_err store_statements(struct store *store, struct oft_arena *arena,
                              struct store_statement **ret_statements, size_t *ret_count,
                              struct oft_error *reterr) OFT_MUSTCHECK;

/* The bytes of a final statement in one form: "text", "json", "csv", "pdf". */
struct store_final {
    uint64_t statement;
    const char *form;
    uint8_t sha256[32];
    const void *bytes;
    size_t length;
};
enum oft_err store_final_put(struct store *store, const struct store_final *final,
                             struct oft_error *reterr) OFT_MUSTCHECK;
/* Bytes in ARENA; OFT_ERR_NOT_FOUND when that statement is not final. */
enum oft_err store_final_get(struct store *store, uint64_t statement, const char *form,
                             struct oft_arena *arena, struct store_final *ret_final,
                             struct oft_error *reterr) OFT_MUSTCHECK;

#endif
