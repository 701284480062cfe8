/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Corrections of usage by request, by line and by month.
 */
#include "store/corrections.h"

#include <string.h>

#include "store/internal.h"

#define COLUMNS STORE_CORRECTION_COLUMNS

enum oft_err store_correction_put(struct store *store, const struct store_correction *correction,
                                  struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store,
                      "INSERT INTO correction (number, request_id, was, record, reason, reference)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                      reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)correction->number);
    store_bind_blob(statement, 2, correction->request_id, sizeof(correction->request_id));
    if (correction->has_was) {
        store_bind_blob(statement, 3, &correction->was, sizeof(correction->was));
    }
    if (correction->has_record) {
        store_bind_blob(statement, 4, &correction->record, sizeof(correction->record));
    }
    store_bind_text(statement, 5, correction->reason);
    store_bind_text(statement, 6, correction->reference);
    return store_run(store, statement, reterr);
}

/* A record that is there, or NULL for void; false when it is neither. */
static bool take_record(sqlite3_stmt *statement, int column, bool *ret_has,
                        struct meter_record *ret_record)
{
    *ret_has = sqlite3_column_type(statement, column) != SQLITE_NULL;
    return !*ret_has || store_column_bytes(statement, column, ret_record, sizeof(*ret_record));
}

static enum oft_err take(sqlite3_stmt *statement, struct oft_arena *arena, void *item,
                         struct oft_error *reterr)
{
    struct store_correction *correction = item;
    correction->number = (uint64_t)sqlite3_column_int64(statement, 0);
    if (!store_column_bytes(statement, 1, correction->request_id, 16) ||
        !take_record(statement, 2, &correction->has_was, &correction->was) ||
        !take_record(statement, 3, &correction->has_record, &correction->record)) {
        return oft_fail(reterr, OFT_ERR_CORRUPT,
                        "the correction of transaction %llu is damaged in the books",
                        (unsigned long long)correction->number);
    }
    correction->reason = store_column_copy(statement, 4, arena);
    correction->reference = store_column_copy(statement, 5, arena);
    return correction->reason == NULL || correction->reference == NULL ? OFT_ERR_MEMORY : OFT_OK;
}

enum oft_err store_corrections_load(struct store *store, sqlite3_stmt *statement,
                                    struct oft_arena *arena,
                                    struct store_correction **ret_corrections, size_t *ret_count,
                                    struct oft_error *reterr)
{
    void *items = NULL;
    enum oft_err code = store_load(store, statement, take, sizeof(struct store_correction), arena,
                                   &items, ret_count, reterr);
    *ret_corrections = items;
    return code;
}

enum oft_err store_corrections(struct store *store, const uint8_t *request_id,
                               struct oft_arena *arena, struct store_correction **ret_corrections,
                               size_t *ret_count, struct oft_error *reterr)
{
    sqlite3_stmt *statement;
    if (request_id == NULL) {
        statement = store_prepare(store, COLUMNS " ORDER BY number", reterr);
    } else {
        statement = store_prepare(store, COLUMNS " WHERE request_id = ?1 ORDER BY number", reterr);
        if (statement != NULL) {
            store_bind_blob(statement, 1, request_id, 16);
        }
    }
    return store_corrections_load(store, statement, arena, ret_corrections, ret_count, reterr);
}

enum oft_err store_correction_told(struct store *store, const char *reference,
                                   struct oft_arena *arena, bool *ret_found,
                                   struct store_correction *ret_correction,
                                   struct oft_error *reterr)
{
    struct store_correction *items = NULL;
    size_t count = 0;
    sqlite3_stmt *statement = store_prepare(store, COLUMNS " WHERE reference = ?1", reterr);
    if (statement != NULL) {
        store_bind_text(statement, 1, reference);
    }
    enum oft_err code = store_corrections_load(store, statement, arena, &items, &count, reterr);
    *ret_found = code == OFT_OK && count > 0;
    if (*ret_found) {
        *ret_correction = items[0];
    }
    return code;
}

enum oft_err store_month_corrections(struct store *store, int32_t month, struct oft_arena *arena,
                                     struct store_correction **ret_corrections, size_t *ret_count,
                                     struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store,
                      COLUMNS " WHERE number IN (SELECT c.number FROM change c"
                              " JOIN series s ON s.id = c.series"
                              " WHERE s.month = ?1 AND s.kind = ?2) ORDER BY number",
                      reterr);
    if (statement != NULL) {
        (void)sqlite3_bind_int(statement, 1, month);
        (void)sqlite3_bind_int(statement, 2, LEDGER_COST);
    }
    return store_corrections_load(store, statement, arena, ret_corrections, ret_count, reterr);
}
