/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a month to the records that its costs were booked from.
 */
#include "store/hours.h"
#include "store/internal.h"

static sqlite3_stmt *of_month(struct store *store, const char *sql, int32_t month,
                              struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(store, sql, reterr);
    if (statement != NULL) {
        (void)sqlite3_bind_int(statement, 1, month);
        (void)sqlite3_bind_int(statement, 2, LEDGER_COST);
    }
    return statement;
}

enum oft_err store_month_ranges(struct store *store, int32_t month, store_booked_range_fn visit,
                                void *context, struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        of_month(store,
                 "SELECT number, segment, first, until FROM txn_range WHERE number IN"
                 " (SELECT c.number FROM change c JOIN series s ON s.id = c.series"
                 " WHERE s.month = ?1 AND s.kind = ?2) ORDER BY number, segment, first",
                 month, reterr);
    bool row = false;
    enum oft_err code = statement == NULL ? OFT_ERR_IO : OFT_OK;
    while (code == OFT_OK && (code = store_step(store, statement, &row, reterr)) == OFT_OK && row) {
        struct ledger_range range = {.from = (uint32_t)sqlite3_column_int64(statement, 2),
                                     .until = (uint32_t)sqlite3_column_int64(statement, 3)};
        store_column_text(statement, 1, range.segment, sizeof(range.segment));
        code = visit(context, (uint64_t)sqlite3_column_int64(statement, 0), &range, reterr);
    }
    if (statement != NULL) {
        (void)sqlite3_reset(statement);
    }
    return code;
}

static enum oft_err take_orphan(sqlite3_stmt *statement, struct oft_arena *arena, void *item,
                                struct oft_error *reterr)
{
    struct store_orphan *orphan = item;
    (void)arena;
    orphan->number = (uint64_t)sqlite3_column_int64(statement, 0);
    return store_column_bytes(statement, 1, &orphan->record, sizeof(orphan->record))
               ? OFT_OK
               : oft_fail(reterr, OFT_ERR_CORRUPT,
                          "a request that was booked by the orphan rule is damaged in the books");
}

enum oft_err store_month_orphans(struct store *store, int32_t month, struct oft_arena *arena,
                                 struct store_orphan **ret_orphans, size_t *ret_count,
                                 struct oft_error *reterr)
{
    void *items = NULL;
    sqlite3_stmt *statement =
        of_month(store,
                 "SELECT number, record FROM orphan WHERE number IN"
                 " (SELECT c.number FROM change c JOIN series s ON s.id = c.series"
                 " WHERE s.month = ?1 AND s.kind = ?2) ORDER BY number, request_id",
                 month, reterr);
    enum oft_err code = store_load(store, statement, take_orphan, sizeof(struct store_orphan),
                                   arena, &items, ret_count, reterr);
    *ret_orphans = items;
    return code;
}

static enum oft_err take_slot(sqlite3_stmt *statement, struct oft_arena *arena, void *item,
                              struct oft_error *reterr)
{
    (void)arena;
    (void)reterr;
    *(uint32_t *)item = (uint32_t)sqlite3_column_int64(statement, 0);
    return OFT_OK;
}

enum oft_err store_set_aside(struct store *store, const char *segment, struct oft_arena *arena,
                             uint32_t **ret_slots, size_t *ret_count, struct oft_error *reterr)
{
    void *items = NULL;
    /* A segment that could not be opened stands there with slot 0, and may have been booked since. */
    sqlite3_stmt *statement =
        store_prepare(store,
                      "SELECT slot FROM quarantine WHERE segment = ?1"
                      " AND why NOT IN ('unreadable', 'renamed') ORDER BY slot",
                      reterr);
    if (statement != NULL) {
        store_bind_text(statement, 1, segment);
    }
    enum oft_err code =
        store_load(store, statement, take_slot, sizeof(uint32_t), arena, &items, ret_count, reterr);
    *ret_slots = items;
    return code;
}
