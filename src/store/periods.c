/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Periods, their events, and statements. Which months are closed is told by events alone: no row says it
 * a second time.
 */
#include <string.h>

#include "store/internal.h"
#include "store/periods.h"

/* The month after the last one that WHAT happened to; 0 when it never did. */
static enum oft_err boundary(struct store *store, const char *what, int32_t *ret_month,
                             struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store, "SELECT max(month) FROM book_event WHERE statement = 0 AND what = ?1", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_text(statement, 1, what);
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    bool any = code == OFT_OK && row && sqlite3_column_type(statement, 0) != SQLITE_NULL;
    *ret_month = any ? sqlite3_column_int(statement, 0) + 1 : 0;
    (void)sqlite3_reset(statement);
    return code;
}

enum oft_err store_periods(struct store *store, struct ledger_periods *ret_periods,
                           struct oft_error *reterr)
{
    int32_t soft = 0;
    enum oft_err code = boundary(store, "period-close", &ret_periods->closed_until, reterr);
    if (code == OFT_OK) {
        code = boundary(store, "period-soft-close", &soft, reterr);
    }
    ret_periods->soft_until = soft > ret_periods->closed_until ? soft : ret_periods->closed_until;
    return code;
}

static enum oft_err take_month(sqlite3_stmt *statement, struct oft_arena *arena, void *item,
                               struct oft_error *reterr)
{
    (void)arena;
    (void)reterr;
    *(int32_t *)item = sqlite3_column_int(statement, 0);
    return OFT_OK;
}

enum oft_err store_months(struct store *store, struct oft_arena *arena, int32_t **ret_months,
                          size_t *ret_count, struct oft_error *reterr)
{
    void *items = NULL;
    sqlite3_stmt *statement =
        store_prepare(store, "SELECT DISTINCT month FROM series ORDER BY month", reterr);
    enum oft_err code =
        store_load(store, statement, take_month, sizeof(int32_t), arena, &items, ret_count, reterr);
    *ret_months = items;
    return code;
}

enum oft_err store_month_changed(struct store *store, int32_t month, uint64_t *ret_number,
                                 struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(store,
                                            "SELECT ifnull(max((SELECT max(number) FROM change c"
                                            " WHERE c.series = s.id)), 0)"
                                            " FROM series s WHERE s.month = ?1",
                                            reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int(statement, 1, month);
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    *ret_number = code == OFT_OK && row ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    (void)sqlite3_reset(statement);
    return code;
}

enum oft_err store_elsewhere(struct store *store, const struct ledger_series_key *key,
                             struct ledger_totals *ret_totals, struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store,
        "SELECT quantity, amount FROM series WHERE kind = ?1 AND clause = ?13"
        " AND (for_month = ?2 OR (for_month = 0 AND month = ?2))"
        " AND NOT (month = ?3 AND for_month = ?4)"
        " AND unit = ?5 AND outcome = ?6 AND rate = ?7 AND account = ?8 AND product = ?9"
        " AND model = ?10 AND pool = ?11 AND party = ?12",
        reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_key(statement, key);
    struct ledger_totals sum = {0};
    bool row = false;
    enum oft_err code;
    while ((code = store_step(store, statement, &row, reterr)) == OFT_OK && row) {
        oft_nanos quantity = 0;
        oft_nanos amount = 0;
        code = store_column_amount(statement, 0, &quantity, reterr);
        if (code == OFT_OK) {
            code = store_column_amount(statement, 1, &amount, reterr);
        }
        if (code == OFT_OK &&
            (oft_nanos_add(sum.quantity, quantity, &sum.quantity) != OFT_OK ||
             oft_nanos_add(sum.amount_nanos, amount, &sum.amount_nanos) != OFT_OK)) {
            code =
                oft_fail(reterr, OFT_ERR_RANGE, "what stands under %s left its range", key->clause);
        }
        if (code != OFT_OK) {
            break;
        }
    }
    (void)sqlite3_reset(statement);
    *ret_totals = sum;
    return code;
}

/* ---- events ----------------------------------------------------------------------------------- */

static enum oft_err take_dated_event(sqlite3_stmt *statement, struct oft_arena *arena, void *item,
                                     struct oft_error *reterr)
{
    struct store_event *event = item;
    event->number = (uint64_t)sqlite3_column_int64(statement, 7);
    event->recorded_ns = sqlite3_column_int64(statement, 8);
    return store_take_event(statement, arena, &event->event, reterr);
}

enum oft_err store_events(struct store *store, uint64_t statement_number, uint64_t until,
                          struct oft_arena *arena, struct store_event **ret_events,
                          size_t *ret_count, struct oft_error *reterr)
{
    void *items = NULL;
    sqlite3_stmt *statement = store_prepare(
        store,
        "SELECT e.what, e.month, e.statement, e.actor, e.about, e.sha256, e.signature, e.number,"
        " t.recorded_ns FROM book_event e JOIN txn t ON t.number = e.number"
        " WHERE e.statement = ?1 AND e.number <= ?2 ORDER BY e.number, e.n",
        reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)statement_number);
    (void)sqlite3_bind_int64(statement, 2, until > INT64_MAX ? INT64_MAX : (int64_t)until);
    enum oft_err code = store_load(store, statement, take_dated_event, sizeof(struct store_event),
                                   arena, &items, ret_count, reterr);
    *ret_events = items;
    return code;
}

enum oft_err store_chain_at(struct store *store, uint64_t number, uint8_t ret_hash[32],
                            oft_instant *ret_recorded_ns, struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store, "SELECT hash, recorded_ns FROM txn WHERE number = ?1", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    memset(ret_hash, 0, 32);
    *ret_recorded_ns = 0;
    if (number == 0) {
        return OFT_OK; /* before the first one */
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)number);
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    if (code == OFT_OK && !row) {
        code = oft_fail(reterr, OFT_ERR_NOT_FOUND, "these books have no transaction %llu",
                        (unsigned long long)number);
    } else if (code == OFT_OK) {
        (void)store_column_bytes(statement, 0, ret_hash, 32);
        *ret_recorded_ns = sqlite3_column_int64(statement, 1);
    }
    (void)sqlite3_reset(statement);
    return code;
}

/* ---- statements ------------------------------------------------------------------------------- */

enum oft_err store_statement_last(struct store *store, uint64_t *ret_number,
                                  struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store,
                      "SELECT max(ifnull((SELECT max(statement) FROM book_event), 0),"
                      " ifnull((SELECT max(number) FROM statement), 0))",
                      reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    *ret_number = code == OFT_OK && row ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    (void)sqlite3_reset(statement);
    return code;
}

enum oft_err store_statement_put(struct store *store, const struct store_statement *it,
                                 struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store,
        "INSERT INTO statement (number, party, month, txn, generation, restates, as_of_ns)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)it->number);
    store_bind_text(statement, 2, it->party);
    (void)sqlite3_bind_int(statement, 3, it->month);
    (void)sqlite3_bind_int64(statement, 4, (int64_t)it->transaction);
    (void)sqlite3_bind_int64(statement, 5, (int64_t)it->generation);
    (void)sqlite3_bind_int64(statement, 6, (int64_t)it->restates);
    (void)sqlite3_bind_int64(statement, 7, it->as_of_ns);
    return store_run(store, statement, reterr);
}

static enum oft_err take_statement(sqlite3_stmt *statement, struct oft_arena *arena, void *item,
                                   struct oft_error *reterr)
{
    struct store_statement *it = item;
    (void)reterr;
    it->number = (uint64_t)sqlite3_column_int64(statement, 0);
    it->party = store_column_copy(statement, 1, arena);
    it->month = sqlite3_column_int(statement, 2);
    it->transaction = (uint64_t)sqlite3_column_int64(statement, 3);
    it->generation = (uint64_t)sqlite3_column_int64(statement, 4);
    it->restates = (uint64_t)sqlite3_column_int64(statement, 5);
    it->as_of_ns = sqlite3_column_int64(statement, 6);
    return it->party == NULL ? OFT_ERR_MEMORY : OFT_OK;
}

static enum oft_err load_statements(struct store *store, uint64_t number, struct oft_arena *arena,
                                    struct store_statement **ret_statements, size_t *ret_count,
                                    struct oft_error *reterr)
{
    void *items = NULL;
    sqlite3_stmt *statement =
        store_prepare(store,
                      "SELECT number, party, month, txn, generation, restates, as_of_ns"
                      " FROM statement WHERE ?1 = 0 OR number = ?1 ORDER BY number",
                      reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)number);
    enum oft_err code = store_load(store, statement, take_statement, sizeof(struct store_statement),
                                   arena, &items, ret_count, reterr);
    *ret_statements = items;
    return code;
}

enum oft_err store_statement_get(struct store *store, uint64_t number, struct oft_arena *arena,
                                 struct store_statement *ret_statement, struct oft_error *reterr)
{
    struct store_statement *found = NULL;
    size_t count = 0;
    enum oft_err code =
        number == 0 ? OFT_OK : load_statements(store, number, arena, &found, &count, reterr);
    if (code == OFT_OK && count == 0) {
        code = oft_fail(reterr, OFT_ERR_NOT_FOUND,
                        "there is no statement %llu; `offtake statement list` has them all",
                        (unsigned long long)number);
    }
    if (code == OFT_OK) {
        *ret_statement = found[0];
    }
    return code;
}

enum oft_err store_statements(struct store *store, struct oft_arena *arena,
                              struct store_statement **ret_statements, size_t *ret_count,
                              struct oft_error *reterr)
{
    return load_statements(store, 0, arena, ret_statements, ret_count, reterr);
}

enum oft_err store_final_put(struct store *store, const struct store_final *final,
                             struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store,
        "INSERT INTO statement_final (statement, form, sha256, bytes) VALUES (?1, ?2, ?3, ?4)",
        reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t) final->statement);
    store_bind_text(statement, 2, final->form);
    store_bind_blob(statement, 3, final->sha256, 32);
    store_bind_blob(statement, 4, final->bytes, final->length);
    return store_run(store, statement, reterr);
}

static enum oft_err take_final(sqlite3_stmt *statement, struct oft_arena *arena, void *item,
                               struct oft_error *reterr)
{
    struct store_final *final = item;
    size_t length = (size_t)sqlite3_column_bytes(statement, 1);
    void *bytes = oft_arena_alloc(arena, length + 1);
    if (!store_column_bytes(statement, 0, final->sha256, 32)) {
        return oft_fail(reterr, OFT_ERR_CORRUPT, "the hash of a final statement is damaged");
    }
    if (bytes == NULL) {
        return OFT_ERR_MEMORY;
    }
    if (length > 0) {
        memcpy(bytes, sqlite3_column_blob(statement, 1), length);
    }
    final->bytes = bytes;
    final->length = length;
    return OFT_OK;
}

enum oft_err store_final_get(struct store *store, uint64_t number, const char *form,
                             struct oft_arena *arena, struct store_final *ret_final,
                             struct oft_error *reterr)
{
    void *items = NULL;
    size_t count = 0;
    sqlite3_stmt *statement = store_prepare(
        store, "SELECT sha256, bytes FROM statement_final WHERE statement = ?1 AND form = ?2",
        reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)number);
    store_bind_text(statement, 2, form);
    enum oft_err code = store_load(store, statement, take_final, sizeof(struct store_final), arena,
                                   &items, &count, reterr);
    if (code == OFT_OK && count == 0) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND, "statement %llu is not final",
                        (unsigned long long)number);
    }
    if (code == OFT_OK) {
        *ret_final = *(struct store_final *)items;
        ret_final->statement = number;
        ret_final->form = form;
    }
    return code;
}
