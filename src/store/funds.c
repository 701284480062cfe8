/* SPDX-License-Identifier: Apache-2.0 */
/* Events of funding programmes. */
#include "store/funds.h"
#include "store/internal.h"

enum oft_err store_fund_event(struct store *store, const char *reference,
                              struct store_event *ret_event, bool *ret_found,
                              struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store,
        "SELECT e.what, e.month, e.statement, e.actor, e.about, e.sha256, e.signature, e.number,"
        " t.recorded_ns FROM book_event e JOIN txn t ON t.number = e.number"
        " WHERE e.statement = 0 AND e.about = ?1"
        " AND e.what IN ('fund-call', 'fund-payment', 'fund-draw')"
        " ORDER BY e.number LIMIT 1",
        reterr);
    *ret_found = false;
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_text(statement, 1, reference);
    enum oft_err code = store_step(store, statement, ret_found, reterr);
    if (code == OFT_OK && *ret_found) {
        ret_event->number = (uint64_t)sqlite3_column_int64(statement, 7);
        ret_event->recorded_ns = sqlite3_column_int64(statement, 8);
        code = store_take_event(statement, NULL, &ret_event->event, reterr);
    }
    (void)sqlite3_reset(statement);
    return code;
}
