/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_STORE_INTERNAL_H
#define OFFTAKE_STORE_INTERNAL_H
/*
 * What the files of the store share: prepared statements by text, and errors in our words.
 * Private to store/: the only header of ours that knows SQLite.
 */
#include <sqlite3.h>

#include "store/corrections.h"
#include "store/store.h"

enum { STORE_STATEMENTS_MAX = 128, STORE_KEY_BYTES = 1024 };

struct store {
    sqlite3 *database;
    /* Prepared once, found by the address of their text. */
    struct {
        const char *sql;
        sqlite3_stmt *statement;
    } statements[STORE_STATEMENTS_MAX];
    size_t statement_count;
};

/* The prepared statement for SQL (a string literal), reset and without bindings. NULL on failure. */
sqlite3_stmt *store_prepare(struct store *store, const char *sql, struct oft_error *reterr);
/* Runs a statement that gives no rows, and resets it. */
enum oft_err store_run(struct store *store, sqlite3_stmt *statement, struct oft_error *reterr);
/* Steps: *ret_row tells whether there is one. */
enum oft_err store_step(struct store *store, sqlite3_stmt *statement, bool *ret_row,
                        struct oft_error *reterr);
enum oft_err store_fail(struct store *store, const char *doing, struct oft_error *reterr);

/* Bindings; a failure shows when the statement runs. */
void store_bind_text(sqlite3_stmt *statement, int index, const char *text);
void store_bind_amount(sqlite3_stmt *statement, int index, oft_nanos amount);
void store_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, size_t length);
enum oft_err store_column_amount(sqlite3_stmt *statement, int column, oft_nanos *ret_amount,
                                 struct oft_error *reterr);
/* A copy of at most SIZE - 1 bytes, NUL-terminated. */
void store_column_text(sqlite3_stmt *statement, int column, char *out, size_t size);
bool store_column_bytes(sqlite3_stmt *statement, int column, void *out, size_t length);

/* The tables of schema 4, by subject. */
extern const char STORE_SCHEMA_CORRECTIONS[];
extern const char STORE_SCHEMA_TRACE[];
extern const char STORE_SCHEMA_PERIODS[];
extern const char STORE_SCHEMA_SPANS[];
extern const char STORE_SCHEMA_LIMITS[];

/* corrections.c: the rows that STATEMENT, of these columns, gives. */
#define STORE_CORRECTION_COLUMNS \
    "SELECT number, request_id, was, record, reason, reference FROM correction"
enum oft_err store_corrections_load(struct store *store, sqlite3_stmt *statement,
                                    struct oft_arena *arena,
                                    struct store_correction **ret_corrections, size_t *ret_count,
                                    struct oft_error *reterr);
/* KEY's parts as ?1 to ?13: kind, own month, month, for_month, unit, outcome, rate, account, product, model,
 * pool, party, clause. */
void store_bind_key(sqlite3_stmt *statement, const struct ledger_series_key *key);
/* The one text that a series is found by. */
void store_key_text(const struct ledger_series_key *key, char out[STORE_KEY_BYTES]);

/* An array that grows while rows are read. */
struct store_list {
    void *items;
    size_t count, capacity, item_bytes;
};
void store_list_drop(struct store_list *list);

/* Fills ITEM (zeroed) from the row that STATEMENT stands on; texts go into ARENA, which may be NULL
 * where there are none. */
typedef enum oft_err (*store_take_fn)(sqlite3_stmt *statement, struct oft_arena *arena, void *item,
                                      struct oft_error *reterr);
/* Steps through STATEMENT (NULL: it could not be prepared) and takes every row into LIST. */
enum oft_err store_collect(struct store *store, sqlite3_stmt *statement, store_take_fn take,
                           struct oft_arena *arena, struct store_list *list,
                           struct oft_error *reterr);
/* The same into an array of ARENA. */
enum oft_err store_load(struct store *store, sqlite3_stmt *statement, store_take_fn take,
                        size_t item_bytes, struct oft_arena *arena, void **ret_items,
                        size_t *ret_count, struct oft_error *reterr);
/* A struct ledger_event from columns 0 to 5: what, month, statement, actor, about, sha256. */
enum oft_err store_take_event(sqlite3_stmt *statement, struct oft_arena *arena, void *item,
                              struct oft_error *reterr);
/* The text of COLUMN in ARENA; NULL when memory is out. */
char *store_column_copy(sqlite3_stmt *statement, int column, struct oft_arena *arena);

#endif
