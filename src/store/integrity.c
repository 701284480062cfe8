/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database as a file: every page reached once, every row in every index and none besides, nothing
 * missing where a value must be. A row can say what it always said and not be found any more.
 */
#include <string.h>

#include "store/internal.h"

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
    return code;
}
