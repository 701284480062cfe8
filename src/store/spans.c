/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a settlement of before may lie.
 */
#include <string.h>

#include "store/internal.h"
#include "store/spans.h"

enum oft_err store_span_put(struct store *store, const struct store_span *span,
                            struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store,
        "INSERT INTO spool_span (segment, first_ns, last_ns, until) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (segment) DO UPDATE SET first_ns = min(first_ns, excluded.first_ns),"
        " last_ns = max(last_ns, excluded.last_ns), until = max(until, excluded.until)",
        reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_text(statement, 1, span->segment);
    (void)sqlite3_bind_int64(statement, 2, span->first);
    (void)sqlite3_bind_int64(statement, 3, span->last);
    (void)sqlite3_bind_int64(statement, 4, span->until);
    return store_run(store, statement, reterr);
}

static enum oft_err take_span(sqlite3_stmt *statement, struct oft_arena *arena, void *item,
                              struct oft_error *reterr)
{
    struct store_span *span = item;
    (void)arena;
    (void)reterr;
    store_column_text(statement, 0, span->segment, sizeof(span->segment));
    span->first = sqlite3_column_int64(statement, 1);
    span->last = sqlite3_column_int64(statement, 2);
    span->until = (uint32_t)sqlite3_column_int64(statement, 3);
    return OFT_OK;
}

enum oft_err store_spans_between(struct store *store, oft_instant first, oft_instant last,
                                 struct oft_arena *arena, struct store_span **ret_spans,
                                 size_t *ret_count, struct oft_error *reterr)
{
    void *items = NULL;
    sqlite3_stmt *statement =
        store_prepare(store,
                      "SELECT segment, first_ns, last_ns, until FROM spool_span"
                      " WHERE last_ns >= ?1 AND first_ns <= ?2 ORDER BY segment",
                      reterr);
    if (statement != NULL) {
        (void)sqlite3_bind_int64(statement, 1, first);
        (void)sqlite3_bind_int64(statement, 2, last);
    }
    enum oft_err code = store_load(store, statement, take_span, sizeof(struct store_span), arena,
                                   &items, ret_count, reterr);
    *ret_spans = items;
    return code;
}

enum oft_err store_span_latest(struct store *store, oft_instant *ret_last, struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store, "SELECT last_ns FROM spool_span ORDER BY last_ns DESC LIMIT 1", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    *ret_last = row ? sqlite3_column_int64(statement, 0) : OFT_INSTANT_ALWAYS;
    (void)sqlite3_reset(statement);
    return code;
}

enum oft_err store_orphan_latest(struct store *store, uint8_t ret_request_id[16], bool *ret_any,
                                 struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store, "SELECT request_id FROM orphan ORDER BY request_id DESC LIMIT 1", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    enum oft_err code = store_step(store, statement, ret_any, reterr);
    memset(ret_request_id, 0, 16);
    if (code == OFT_OK && *ret_any) {
        (void)store_column_bytes(statement, 0, ret_request_id, 16);
    }
    (void)sqlite3_reset(statement);
    return code;
}

enum oft_err store_orphans_from(struct store *store, const uint8_t from[16], store_request_fn visit,
                                void *context, struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store, "SELECT request_id FROM orphan WHERE request_id >= ?1 ORDER BY request_id", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_blob(statement, 1, from, 16);
    bool row = false;
    enum oft_err code;
    while ((code = store_step(store, statement, &row, reterr)) == OFT_OK && row) {
        uint8_t request_id[16];
        if (store_column_bytes(statement, 0, request_id, sizeof(request_id))) {
            code = visit(context, request_id, reterr);
        }
        if (code != OFT_OK) {
            break;
        }
    }
    (void)sqlite3_reset(statement);
    return code;
}

enum oft_err store_set_aside_as_second(struct store *store, const char *segment, uint32_t slot,
                                       bool *ret_second, struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store,
                      "SELECT 1 FROM quarantine WHERE segment = ?1 AND slot = ?2"
                      " AND why IN ('settled twice', 'settled twice, and not alike') LIMIT 1",
                      reterr);
    *ret_second = false;
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_text(statement, 1, segment);
    (void)sqlite3_bind_int64(statement, 2, slot);
    enum oft_err code = store_step(store, statement, ret_second, reterr);
    (void)sqlite3_reset(statement);
    return code;
}
