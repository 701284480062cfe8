/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of keys, and what budgets counted.
 */
#include "store/limits.h"
#include "store/internal.h"

static void bind_spent(sqlite3_stmt *statement, const struct store_spent *spent)
{
    (void)sqlite3_bind_int64(statement, 1, spent->subject);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)spent->id);
    (void)sqlite3_bind_int64(statement, 3, spent->period);
    (void)sqlite3_bind_int64(statement, 4, spent->number);
}

enum oft_err store_spent_add(struct store *store, const struct store_spent *spent,
                             struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store,
                      "INSERT INTO spent (subject, id, period, number, nanos)"
                      " VALUES (?1, ?2, ?3, ?4, ?5)"
                      " ON CONFLICT DO UPDATE SET nanos = nanos + excluded.nanos",
                      reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    bind_spent(statement, spent);
    (void)sqlite3_bind_int64(statement, 5, spent->nanos);
    return store_run(store, statement, reterr);
}

enum oft_err store_spent_get(struct store *store, struct store_spent *spent,
                             struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store,
        "SELECT nanos FROM spent WHERE subject = ?1 AND id = ?2 AND period = ?3 AND number = ?4",
        reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    bind_spent(statement, spent);
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    spent->nanos = row ? sqlite3_column_int64(statement, 0) : 0;
    (void)sqlite3_reset(statement);
    return code;
}

enum oft_err store_key_limits_put(struct store *store, uint64_t key_id,
                                  const struct deal_limits *limits, struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store,
                      "INSERT OR REPLACE INTO key_limit (key_id, requests_per_minute,"
                      " tokens_per_minute, concurrent, day_nanos, month_nanos)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                      reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)key_id);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)limits->requests_per_minute);
    (void)sqlite3_bind_int64(statement, 3, (int64_t)limits->tokens_per_minute);
    (void)sqlite3_bind_int64(statement, 4, (int64_t)limits->concurrent);
    (void)sqlite3_bind_int64(statement, 5, (int64_t)limits->budget_nanos[DEAL_BUDGET_DAY]);
    (void)sqlite3_bind_int64(statement, 6, (int64_t)limits->budget_nanos[DEAL_BUDGET_MONTH]);
    return store_run(store, statement, reterr);
}

static enum oft_err keep_former(struct store *store, uint64_t key_id, oft_instant until_ns,
                                struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store,
                      "INSERT INTO former_token (sha256, key_id, until_ns)"
                      " SELECT sha256, key_id, ?2 FROM api_key WHERE key_id = ?1",
                      reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)key_id);
    (void)sqlite3_bind_int64(statement, 2, until_ns);
    return store_run(store, statement, reterr);
}

enum oft_err store_key_rotate(struct store *store, uint64_t key_id, const uint8_t sha256[32],
                              oft_instant until_ns, struct oft_error *reterr)
{
    enum oft_err code = until_ns == 0 ? OFT_OK : keep_former(store, key_id, until_ns, reterr);
    if (code != OFT_OK) {
        return code;
    }
    sqlite3_stmt *statement = store_prepare(
        store, "UPDATE api_key SET sha256 = ?2 WHERE key_id = ?1 AND revoked_ns = 0", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)key_id);
    store_bind_blob(statement, 2, sha256, 32);
    code = store_run(store, statement, reterr);
    if (code == OFT_OK && sqlite3_changes(store->database) == 0) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND,
                        "no key in use has this id; `offtake keys list` shows them");
    }
    return code;
}

enum oft_err store_former_tokens_end(struct store *store, oft_instant now_ns,
                                     struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store, "DELETE FROM former_token WHERE until_ns <= ?1", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, now_ns);
    return store_run(store, statement, reterr);
}
