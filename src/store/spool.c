/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far each segment has been read, what could not be read, and the intents that still wait for
 * their settlement.
 */
#include <string.h>

#include "store/internal.h"

enum oft_err store_position_get(struct store *store, const char *segment, uint32_t *ret_next,
                                struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store, "SELECT next FROM position WHERE segment = ?1", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_text(statement, 1, segment);
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    *ret_next = row ? (uint32_t)sqlite3_column_int64(statement, 0) : 0;
    (void)sqlite3_reset(statement);
    return code;
}

enum oft_err store_position_set(struct store *store, const char *segment, uint32_t next,
                                struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store, "INSERT OR REPLACE INTO position (segment, next) VALUES (?1, ?2)", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_text(statement, 1, segment);
    (void)sqlite3_bind_int64(statement, 2, next);
    return store_run(store, statement, reterr);
}

enum oft_err store_quarantine(struct store *store, const char *segment, uint32_t slot,
                              const char *why, oft_instant now_ns, struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store,
                      "INSERT OR IGNORE INTO quarantine (segment, slot, why, noticed_ns)"
                      " VALUES (?1, ?2, ?3, ?4)",
                      reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_text(statement, 1, segment);
    (void)sqlite3_bind_int64(statement, 2, slot);
    store_bind_text(statement, 3, why);
    (void)sqlite3_bind_int64(statement, 4, now_ns);
    return store_run(store, statement, reterr);
}

static enum oft_err count_row(struct store *store, sqlite3_stmt *statement, uint64_t *ret_count,
                              struct oft_error *reterr)
{
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    *ret_count = row ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    (void)sqlite3_reset(statement);
    return code;
}

enum oft_err store_position_count(struct store *store, uint64_t *ret_count,
                                  struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(store, "SELECT count(*) FROM position", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    return count_row(store, statement, ret_count, reterr);
}

enum oft_err store_writer_known(struct store *store, const char *writer, bool *ret_known,
                                struct oft_error *reterr)
{
    uint64_t count = 0;
    sqlite3_stmt *statement =
        store_prepare(store,
                      "SELECT count(*) FROM position WHERE substr(segment, 1, length(?1) + 1) ="
                      " ?1 || '-'",
                      reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_text(statement, 1, writer);
    enum oft_err code = count_row(store, statement, &count, reterr);
    *ret_known = count > 0;
    return code;
}

enum oft_err store_quarantine_count(struct store *store, const char *why, uint64_t *ret_count,
                                    struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store, "SELECT count(*) FROM quarantine WHERE why = ?1", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_text(statement, 1, why);
    return count_row(store, statement, ret_count, reterr);
}

enum oft_err store_intent_put(struct store *store, const char *writer,
                              const struct meter_record *intent, struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store,
        "INSERT OR REPLACE INTO open_intent (request_id, writer, record) VALUES (?1, ?2, ?3)",
        reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_blob(statement, 1, intent->request_id, sizeof(intent->request_id));
    store_bind_text(statement, 2, writer);
    store_bind_blob(statement, 3, intent, sizeof(*intent));
    return store_run(store, statement, reterr);
}

enum oft_err store_intent_delete(struct store *store, const uint8_t request_id[16],
                                 struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store, "DELETE FROM open_intent WHERE request_id = ?1", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_blob(statement, 1, request_id, 16);
    return store_run(store, statement, reterr);
}

enum oft_err store_intent_count(struct store *store, uint64_t *ret_count, struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(store, "SELECT count(*) FROM open_intent", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    return count_row(store, statement, ret_count, reterr);
}

enum oft_err store_intents(struct store *store, store_intent_fn visit, void *context,
                           struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store, "SELECT writer, record, request_id FROM open_intent ORDER BY request_id", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    bool row = false;
    enum oft_err code;
    while ((code = store_step(store, statement, &row, reterr)) == OFT_OK && row) {
        char writer[128];
        struct meter_record record;
        uint8_t request_id[sizeof(record.request_id)];
        store_column_text(statement, 0, writer, sizeof(writer));
        if (!store_column_bytes(statement, 1, &record, sizeof(record)) ||
            !store_column_bytes(statement, 2, request_id, sizeof(request_id)) ||
            memcmp(request_id, record.request_id, sizeof(request_id)) != 0) {
            code = oft_fail(reterr, OFT_ERR_CORRUPT, "an open intent in the books is damaged");
            break;
        }
        code = visit(context, writer, &record, reterr);
        if (code != OFT_OK) {
            break;
        }
    }
    (void)sqlite3_reset(statement);
    return code;
}
