/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The capacity desk's journal, the answers that were given to commands, and parties' tokens.
 */
#include <string.h>

#include "store/internal.h"

/* ---- the journal ------------------------------------------------------------------------------- */

enum oft_err store_desk_event_put(struct store *store, const struct store_desk_event *event,
                                  struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store,
                      "INSERT INTO desk_event (number, recorded_ns, bytes, previous, hash)"
                      " VALUES (?1, ?2, ?3, ?4, ?5)",
                      reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)event->number);
    (void)sqlite3_bind_int64(statement, 2, event->recorded_ns);
    store_bind_blob(statement, 3, event->bytes, event->length);
    store_bind_blob(statement, 4, event->previous, sizeof(event->previous));
    store_bind_blob(statement, 5, event->hash, sizeof(event->hash));
    return store_run(store, statement, reterr);
}

enum oft_err store_desk_head(struct store *store, uint64_t *ret_number, uint8_t ret_hash[32],
                             struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store, "SELECT number, hash FROM desk_event ORDER BY number DESC LIMIT 1", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    *ret_number = 0;
    memset(ret_hash, 0, 32);
    if (code == OFT_OK && row) {
        *ret_number = (uint64_t)sqlite3_column_int64(statement, 0);
        (void)store_column_bytes(statement, 1, ret_hash, 32);
    }
    (void)sqlite3_reset(statement);
    return code;
}

enum oft_err store_desk_events(struct store *store, uint64_t from, store_desk_event_fn visit,
                               void *context, struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store,
                      "SELECT number, recorded_ns, bytes, previous, hash FROM desk_event"
                      " WHERE number >= ?1 ORDER BY number",
                      reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)from);
    bool row = false;
    enum oft_err code;
    while ((code = store_step(store, statement, &row, reterr)) == OFT_OK && row) {
        struct store_desk_event event = {.number = (uint64_t)sqlite3_column_int64(statement, 0),
                                         .recorded_ns = sqlite3_column_int64(statement, 1),
                                         .bytes = sqlite3_column_blob(statement, 2)};
        event.length = (size_t)sqlite3_column_bytes(statement, 2);
        (void)store_column_bytes(statement, 3, event.previous, sizeof(event.previous));
        (void)store_column_bytes(statement, 4, event.hash, sizeof(event.hash));
        code = visit(context, &event, reterr);
        if (code != OFT_OK) {
            break;
        }
    }
    (void)sqlite3_reset(statement);
    return code == OFT_ERR_EXISTS ? OFT_OK : code;
}

/* ---- answers that were given ------------------------------------------------------------------- */

enum oft_err store_desk_request_put(struct store *store, const struct store_desk_request *request,
                                    struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store,
                      "INSERT INTO desk_request (actor, key, payload, status, answer, recorded_ns)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                      reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_text(statement, 1, request->actor);
    store_bind_text(statement, 2, request->key);
    store_bind_blob(statement, 3, request->payload_sha256, sizeof(request->payload_sha256));
    (void)sqlite3_bind_int64(statement, 4, request->status);
    store_bind_text(statement, 5, request->answer);
    (void)sqlite3_bind_int64(statement, 6, request->recorded_ns);
    return store_run(store, statement, reterr);
}

enum oft_err store_desk_request_get(struct store *store, const char *actor, const char *key,
                                    struct oft_arena *arena, struct store_desk_request *ret_request,
                                    struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store,
                      "SELECT payload, status, answer, recorded_ns FROM desk_request"
                      " WHERE actor = ?1 AND key = ?2",
                      reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_text(statement, 1, actor);
    store_bind_text(statement, 2, key);
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    if (code == OFT_OK && !row) {
        code = OFT_ERR_NOT_FOUND;
    }
    memset(ret_request, 0, sizeof(*ret_request));
    if (code == OFT_OK) {
        ret_request->actor = actor;
        ret_request->key = key;
        (void)store_column_bytes(statement, 0, ret_request->payload_sha256, 32);
        ret_request->status = (unsigned)sqlite3_column_int(statement, 1);
        ret_request->answer = store_column_copy(statement, 2, arena);
        ret_request->recorded_ns = sqlite3_column_int64(statement, 3);
        code = ret_request->answer == NULL ? OFT_ERR_MEMORY : OFT_OK;
    }
    (void)sqlite3_reset(statement);
    return code;
}

/* ---- parties' tokens --------------------------------------------------------------------------- */

enum oft_err store_desk_token_put(struct store *store, const struct store_desk_token *token,
                                  struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store,
                      "INSERT INTO desk_token (id, sha256, party, created_ns, revoked_ns)"
                      " VALUES (?1, ?2, ?3, ?4, 0)",
                      reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)token->id);
    store_bind_blob(statement, 2, token->sha256, sizeof(token->sha256));
    store_bind_text(statement, 3, token->party);
    (void)sqlite3_bind_int64(statement, 4, token->created_ns);
    return store_run(store, statement, reterr);
}

enum oft_err store_desk_token_revoke(struct store *store, uint64_t id, oft_instant now_ns,
                                     struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store, "UPDATE desk_token SET revoked_ns = ?2 WHERE id = ?1 AND revoked_ns = 0", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)id);
    (void)sqlite3_bind_int64(statement, 2, now_ns);
    enum oft_err code = store_run(store, statement, reterr);
    if (code == OFT_OK && sqlite3_changes(store->database) == 0) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND, "there is no token %016llx in use",
                        (unsigned long long)id);
    }
    return code;
}

enum oft_err store_desk_token_party(struct store *store, const uint8_t sha256[32],
                                    struct oft_arena *arena, const char **ret_party,
                                    struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store, "SELECT party FROM desk_token WHERE sha256 = ?1 AND revoked_ns = 0", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_blob(statement, 1, sha256, 32);
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    *ret_party = NULL;
    if (code == OFT_OK && row) {
        *ret_party = store_column_copy(statement, 0, arena);
        code = *ret_party == NULL ? OFT_ERR_MEMORY : OFT_OK;
    } else if (code == OFT_OK) {
        code = OFT_ERR_NOT_FOUND;
    }
    (void)sqlite3_reset(statement);
    return code;
}

static enum oft_err take_token(sqlite3_stmt *statement, struct oft_arena *arena, void *item,
                               struct oft_error *reterr)
{
    struct store_desk_token *token = item;
    (void)reterr;
    token->id = (uint64_t)sqlite3_column_int64(statement, 0);
    (void)store_column_bytes(statement, 1, token->sha256, sizeof(token->sha256));
    token->party = store_column_copy(statement, 2, arena);
    token->created_ns = sqlite3_column_int64(statement, 3);
    token->revoked_ns = sqlite3_column_int64(statement, 4);
    return token->party == NULL ? OFT_ERR_MEMORY : OFT_OK;
}

enum oft_err store_desk_tokens(struct store *store, struct oft_arena *arena,
                               struct store_desk_token **ret_tokens, size_t *ret_count,
                               struct oft_error *reterr)
{
    void *items = NULL;
    sqlite3_stmt *statement =
        store_prepare(store,
                      "SELECT id, sha256, party, created_ns, revoked_ns FROM desk_token"
                      " ORDER BY created_ns, id",
                      reterr);
    enum oft_err code = store_load(store, statement, take_token, sizeof(struct store_desk_token),
                                   arena, &items, ret_count, reterr);
    *ret_tokens = items;
    return code;
}
