/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database as a file: every page reached once, every row in every index and none besides, nothing
 * missing where a value must be, every value of the kind that its column holds. A row can say what it
 * always said and not be found any more.
 */
#include <stdio.h>
#include <string.h>

#include "store/internal.h"

/* A text that became a blob reads the same and is not found under its name. What the tables are is read
 * from the database: this is the one place where a statement is made and not written down; SQLite
 * quotes the names. */
static enum oft_err examine_column(struct store *store, const char *table, const char *column,
                                   const char *type, store_finding_fn find, void *context,
                                   struct oft_error *reterr)
{
    sqlite3_stmt *statement = NULL;
    char text[200];
    char *sql =
        sqlite3_mprintf("SELECT count(*) FROM \"%w\" WHERE typeof(\"%w\") NOT IN (lower(%Q),"
                        " 'null')",
                        table, column, type);
    if (sql == NULL ||
        sqlite3_prepare_v2(store->database, sql, -1, &statement, NULL) != SQLITE_OK) {
        sqlite3_free(sql);
        return store_fail(store, "preparing a statement", reterr);
    }
    sqlite3_free(sql);
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    if (code == OFT_OK && row && sqlite3_column_int64(statement, 0) > 0) {
        (void)snprintf(text, sizeof(text), "%lld values of %.60s.%.60s are no %.20s",
                       (long long)sqlite3_column_int64(statement, 0), table, column, type);
        find(context, text);
    }
    (void)sqlite3_finalize(statement);
    return code;
}

static enum oft_err examine_types(struct store *store, store_finding_fn find, void *context,
                                  struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store,
        "SELECT t.name, c.name, c.type FROM sqlite_schema t, pragma_table_info(t.name) c"
        " WHERE t.type = 'table' AND c.type IN ('TEXT', 'BLOB', 'INTEGER')",
        reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    bool row = false;
    enum oft_err code;
    while ((code = store_step(store, statement, &row, reterr)) == OFT_OK && row) {
        char table[64];
        char column[64];
        char type[16];
        store_column_text(statement, 0, table, sizeof(table));
        store_column_text(statement, 1, column, sizeof(column));
        store_column_text(statement, 2, type, sizeof(type));
        code = examine_column(store, table, column, type, find, context, reterr);
        if (code != OFT_OK) {
            break;
        }
    }
    (void)sqlite3_reset(statement);
    return code;
}

enum oft_err store_examine(struct store *store, store_finding_fn find, void *context,
                           struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(store, "PRAGMA integrity_check(20)", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    bool row = false;
    enum oft_err code;
    while ((code = store_step(store, statement, &row, reterr)) == OFT_OK && row) {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        if (text == NULL) {
            code = oft_fail(reterr, OFT_ERR_MEMORY, "out of memory");
            break;
        }
        if (strcmp(text, "ok") != 0) {
            find(context, text);
        }
    }
    (void)sqlite3_reset(statement);
    return code == OFT_OK ? examine_types(store, find, context, reterr) : code;
}
