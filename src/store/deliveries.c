/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbox: what is to be told to whom, how often it was tried and how that ended. A row is made in
 * the transaction of what it tells of, so it is there exactly when that happened.
 */
#include <string.h>

#include "store/internal.h"

#define COLUMNS                                                                     \
    "id, dedup, event, thing, what, at_ns, kind, party, address, state, attempts, " \
    "next_ns, changed_ns, reply"

enum oft_err store_delivery_put(struct store *store, const struct store_delivery *delivery,
                                struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store,
        "INSERT INTO desk_delivery (dedup, event, thing, what, at_ns, kind, party, address, state,"
        " attempts, next_ns, changed_ns, reply)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?10, ?11, '')"
        " ON CONFLICT (dedup) DO NOTHING",
        reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_text(statement, 1, delivery->dedup);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)delivery->event);
    store_bind_text(statement, 3, delivery->thing);
    store_bind_text(statement, 4, delivery->what);
    (void)sqlite3_bind_int64(statement, 5, delivery->at_ns);
    (void)sqlite3_bind_int(statement, 6, (int)delivery->kind);
    store_bind_text(statement, 7, delivery->party);
    store_bind_text(statement, 8, delivery->address);
    (void)sqlite3_bind_int(statement, 9, (int)delivery->state);
    (void)sqlite3_bind_int64(statement, 10, delivery->next_ns);
    (void)sqlite3_bind_int64(statement, 11, delivery->changed_ns);
    return store_run(store, statement, reterr);
}

enum oft_err store_delivery_update(struct store *store, const struct store_delivery *delivery,
                                   struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store,
                      "UPDATE desk_delivery SET state = ?2, attempts = ?3, next_ns = ?4,"
                      " changed_ns = ?5, reply = ?6 WHERE id = ?1",
                      reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)delivery->id);
    (void)sqlite3_bind_int(statement, 2, (int)delivery->state);
    (void)sqlite3_bind_int64(statement, 3, delivery->attempts);
    (void)sqlite3_bind_int64(statement, 4, delivery->next_ns);
    (void)sqlite3_bind_int64(statement, 5, delivery->changed_ns);
    store_bind_text(statement, 6, delivery->reply);
    return store_run(store, statement, reterr);
}

static enum oft_err take_delivery(sqlite3_stmt *statement, struct oft_arena *arena, void *item,
                                  struct oft_error *reterr)
{
    struct store_delivery *delivery = item;
    (void)reterr;
    delivery->id = (uint64_t)sqlite3_column_int64(statement, 0);
    delivery->dedup = store_column_copy(statement, 1, arena);
    delivery->event = (uint64_t)sqlite3_column_int64(statement, 2);
    delivery->thing = store_column_copy(statement, 3, arena);
    delivery->what = store_column_copy(statement, 4, arena);
    delivery->at_ns = sqlite3_column_int64(statement, 5);
    delivery->kind = (enum store_delivery_kind)sqlite3_column_int(statement, 6);
    delivery->party = store_column_copy(statement, 7, arena);
    delivery->address = store_column_copy(statement, 8, arena);
    delivery->state = (enum store_delivery_state)sqlite3_column_int(statement, 9);
    delivery->attempts = (uint32_t)sqlite3_column_int64(statement, 10);
    delivery->next_ns = sqlite3_column_int64(statement, 11);
    delivery->changed_ns = sqlite3_column_int64(statement, 12);
    delivery->reply = store_column_copy(statement, 13, arena);
    bool whole = delivery->dedup != NULL && delivery->thing != NULL && delivery->what != NULL &&
                 delivery->party != NULL && delivery->address != NULL && delivery->reply != NULL;
    return whole ? OFT_OK : OFT_ERR_MEMORY;
}

enum oft_err store_deliveries_due(struct store *store, oft_instant now_ns, uint32_t limit,
                                  struct oft_arena *arena, struct store_delivery **ret_items,
                                  size_t *ret_count, struct oft_error *reterr)
{
    void *items = NULL;
    sqlite3_stmt *statement =
        store_prepare(store,
                      "SELECT " COLUMNS " FROM desk_delivery WHERE state = 0 AND next_ns <= ?1"
                      " ORDER BY next_ns, id LIMIT ?2",
                      reterr);
    if (statement != NULL) {
        (void)sqlite3_bind_int64(statement, 1, now_ns);
        (void)sqlite3_bind_int64(statement, 2, limit);
    }
    enum oft_err code = store_load(store, statement, take_delivery, sizeof(struct store_delivery),
                                   arena, &items, ret_count, reterr);
    *ret_items = items;
    return code;
}

enum oft_err store_deliveries(struct store *store, uint64_t after, uint32_t limit,
                              struct oft_arena *arena, struct store_delivery **ret_items,
                              size_t *ret_count, struct oft_error *reterr)
{
    void *items = NULL;
    sqlite3_stmt *statement = store_prepare(
        store, "SELECT " COLUMNS " FROM desk_delivery WHERE id > ?1 ORDER BY id LIMIT ?2", reterr);
    if (statement != NULL) {
        (void)sqlite3_bind_int64(statement, 1, (int64_t)after);
        (void)sqlite3_bind_int64(statement, 2, limit);
    }
    enum oft_err code = store_load(store, statement, take_delivery, sizeof(struct store_delivery),
                                   arena, &items, ret_count, reterr);
    *ret_items = items;
    return code;
}

enum oft_err store_delivery_get(struct store *store, uint64_t id, struct oft_arena *arena,
                                struct store_delivery *ret_delivery, struct oft_error *reterr)
{
    struct store_delivery *items = NULL;
    size_t count = 0;
    enum oft_err code =
        id == 0 ? OFT_OK : store_deliveries(store, id - 1, 1, arena, &items, &count, reterr);
    if (code == OFT_OK && (count == 0 || items[0].id != id)) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND, "the outbox has no row %llu",
                        (unsigned long long)id);
    }
    if (code == OFT_OK) {
        *ret_delivery = items[0];
    }
    return code;
}

enum oft_err store_deliveries_latest(struct store *store, oft_instant *ret_at,
                                     struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(store, "SELECT max(at_ns) FROM desk_delivery", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    *ret_at = OFT_INSTANT_ALWAYS;
    if (code == OFT_OK && row && sqlite3_column_type(statement, 0) == SQLITE_INTEGER) {
        *ret_at = sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_reset(statement);
    return code;
}
