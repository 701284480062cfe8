/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings, published policies with their deal texts, attestations and keys.
 */
#include <string.h>

#include "store/internal.h"

enum oft_err store_meta_get(struct store *store, const char *name, struct oft_arena *arena,
                            const char **ret_value, struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store, "SELECT value FROM meta WHERE name = ?1", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_text(statement, 1, name);
    bool row;
    enum oft_err code = store_step(store, statement, &row, reterr);
    *ret_value = NULL;
    if (code == OFT_OK && row) {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        *ret_value = oft_arena_copy(arena, oft_str_from(text));
        code = *ret_value == NULL ? OFT_ERR_MEMORY : OFT_OK;
    }
    (void)sqlite3_reset(statement);
    return code;
}

enum oft_err store_meta_set(struct store *store, const char *name, const char *value,
                            struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store, "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_text(statement, 1, name);
    store_bind_text(statement, 2, value);
    return store_run(store, statement, reterr);
}

enum oft_err store_policy_last(struct store *store, uint64_t *ret_generation,
                               struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store, "SELECT coalesce(max(generation), 0) FROM policy", reterr);
    bool row = false;
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    enum oft_err code = store_step(store, statement, &row, reterr);
    *ret_generation = row ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    (void)sqlite3_reset(statement);
    return code;
}

static enum oft_err put_file(struct store *store, const struct deal *deal, uint32_t n,
                             struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store, "INSERT OR IGNORE INTO deal_text (sha256, n, path, text) VALUES (?1, ?2, ?3, ?4)",
        reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_blob(statement, 1, deal->text_sha256, sizeof(deal->text_sha256));
    (void)sqlite3_bind_int64(statement, 2, n);
    store_bind_text(statement, 3, deal->files[n].path);
    store_bind_blob(statement, 4, deal->files[n].text.data, deal->files[n].text.length);
    return store_run(store, statement, reterr);
}

enum oft_err store_policy_put(struct store *store, uint64_t generation, oft_instant published_ns,
                              const struct deal *deal, struct oft_error *reterr)
{
    for (uint32_t n = 0; n < deal->file_count; n++) {
        enum oft_err code = put_file(store, deal, n, reterr);
        if (code != OFT_OK) {
            return code;
        }
    }
    sqlite3_stmt *statement = store_prepare(
        store, "INSERT INTO policy (generation, published_ns, sha256) VALUES (?1, ?2, ?3)", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)generation);
    (void)sqlite3_bind_int64(statement, 2, published_ns);
    store_bind_blob(statement, 3, deal->text_sha256, sizeof(deal->text_sha256));
    return store_run(store, statement, reterr);
}

enum oft_err store_policy_sha256(struct store *store, uint64_t generation, uint8_t ret_sha256[32],
                                 struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store, "SELECT sha256 FROM policy WHERE generation = ?1", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)generation);
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    if (code == OFT_OK && !row) {
        code = oft_fail(reterr, OFT_ERR_NOT_FOUND, "policy generation %llu is not in the books",
                        (unsigned long long)generation);
    } else if (code == OFT_OK && !store_column_bytes(statement, 0, ret_sha256, 32)) {
        code = oft_fail(reterr, OFT_ERR_CORRUPT, "the hash of policy generation %llu is damaged",
                        (unsigned long long)generation);
    }
    (void)sqlite3_reset(statement);
    return code;
}

/* The first generation made of a deal's text, and how many were. */
struct first_of_deal {
    uint64_t generation, policies;
};

static enum oft_err take_first(sqlite3_stmt *statement, struct oft_arena *arena, void *taken,
                               struct oft_error *reterr)
{
    struct first_of_deal *first = taken;
    (void)arena;
    (void)reterr;
    first->generation = (uint64_t)sqlite3_column_int64(statement, 0);
    first->policies = (uint64_t)sqlite3_column_int64(statement, 1);
    return OFT_OK;
}

enum oft_err store_policy_firsts(struct store *store, struct oft_arena *arena,
                                 uint64_t **ret_generations, size_t *ret_count, uint64_t *ret_total,
                                 struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store, "SELECT min(generation), count(*) FROM policy GROUP BY sha256 ORDER BY 1", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    struct first_of_deal *firsts = NULL;
    void *items = NULL;
    enum oft_err code =
        store_load(store, statement, take_first, sizeof(*firsts), arena, &items, ret_count, reterr);
    uint64_t *generations = oft_arena_alloc_array(arena, *ret_count, sizeof(*generations));
    if (code == OFT_OK && generations == NULL) {
        code = OFT_ERR_MEMORY;
    }
    firsts = items;
    *ret_total = 0;
    for (size_t i = 0; code == OFT_OK && i < *ret_count; i++) {
        generations[i] = firsts[i].generation;
        *ret_total += firsts[i].policies;
    }
    *ret_generations = generations;
    return code;
}

static enum oft_err take_file(sqlite3_stmt *statement, struct oft_arena *arena, void *taken,
                              struct oft_error *reterr)
{
    struct deal_file *file = taken;
    (void)reterr;
    const char *path = (const char *)sqlite3_column_text(statement, 0);
    struct oft_str text = {sqlite3_column_blob(statement, 1),
                           (size_t)sqlite3_column_bytes(statement, 1)};
    file->path = oft_arena_copy(arena, oft_str_from(path));
    file->text = (struct oft_str){oft_arena_copy(arena, text), text.length};
    return file->path == NULL || file->text.data == NULL ? OFT_ERR_MEMORY : OFT_OK;
}

enum oft_err store_policy_files(struct store *store, uint64_t generation, struct oft_arena *arena,
                                struct deal_file **ret_files, size_t *ret_count,
                                struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store,
                      "SELECT path, text FROM deal_text WHERE sha256 ="
                      " (SELECT sha256 FROM policy WHERE generation = ?1) ORDER BY n",
                      reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)generation);
    void *items = NULL;
    enum oft_err code = store_load(store, statement, take_file, sizeof(struct deal_file), arena,
                                   &items, ret_count, reterr);
    *ret_files = items;
    if (code == OFT_OK && *ret_count == 0) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND, "policy generation %llu is not in the books",
                        (unsigned long long)generation);
    }
    return code;
}

enum oft_err store_attestation_put(struct store *store, const struct store_attestation *attestation,
                                   struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store,
                      "INSERT INTO attestation (event, party, at_ns, generation, recorded_ns,"
                      " signature, previous, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                      reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_text(statement, 1, attestation->event);
    store_bind_text(statement, 2, attestation->party);
    (void)sqlite3_bind_int64(statement, 3, attestation->at);
    (void)sqlite3_bind_int64(statement, 4, (int64_t)attestation->generation);
    (void)sqlite3_bind_int64(statement, 5, attestation->recorded_ns);
    if (attestation->is_signed) {
        store_bind_blob(statement, 6, attestation->signature, sizeof(attestation->signature));
    } else {
        (void)sqlite3_bind_null(statement, 6);
    }
    store_bind_blob(statement, 7, attestation->previous, sizeof(attestation->previous));
    store_bind_blob(statement, 8, attestation->hash, sizeof(attestation->hash));
    return store_run(store, statement, reterr);
}

enum oft_err store_attestation_head(struct store *store, uint8_t ret_hash[32],
                                    struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store, "SELECT hash FROM attestation WHERE hash IS NOT NULL ORDER BY rowid DESC LIMIT 1",
        reterr);
    bool row = false;
    memset(ret_hash, 0, 32);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    enum oft_err code = store_step(store, statement, &row, reterr);
    if (code == OFT_OK && row && !store_column_bytes(statement, 0, ret_hash, 32)) {
        code = oft_fail(reterr, OFT_ERR_CORRUPT, "the last attestation's hash is damaged");
    }
    (void)sqlite3_reset(statement);
    return code;
}

static enum oft_err take_attestation(sqlite3_stmt *statement, struct oft_arena *arena, void *taken,
                                     struct oft_error *reterr)
{
    struct store_attestation *item = taken;
    item->event = store_column_copy(statement, 0, arena);
    item->party = store_column_copy(statement, 1, arena);
    item->at = sqlite3_column_int64(statement, 2);
    item->generation = (uint64_t)sqlite3_column_int64(statement, 3);
    item->recorded_ns = sqlite3_column_int64(statement, 4);
    item->is_signed = sqlite3_column_type(statement, 5) != SQLITE_NULL;
    item->is_linked = sqlite3_column_type(statement, 7) != SQLITE_NULL;
    bool good = (!item->is_signed || store_column_bytes(statement, 5, item->signature, 64)) &&
                (!item->is_linked || (store_column_bytes(statement, 6, item->previous, 32) &&
                                      store_column_bytes(statement, 7, item->hash, 32)));
    if (item->event == NULL || item->party == NULL) {
        return OFT_ERR_MEMORY;
    }
    return good ? OFT_OK : oft_fail(reterr, OFT_ERR_CORRUPT, "an attestation's row is damaged");
}

enum oft_err store_attestations(struct store *store, uint64_t generation, struct oft_arena *arena,
                                struct store_attestation **ret_items, size_t *ret_count,
                                struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store,
                      "SELECT event, party, at_ns, generation, recorded_ns, signature, previous,"
                      " hash FROM attestation WHERE generation <= ?1 ORDER BY rowid",
                      reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)generation);
    void *items = NULL;
    enum oft_err code =
        store_load(store, statement, take_attestation, sizeof(struct store_attestation), arena,
                   &items, ret_count, reterr);
    *ret_items = items;
    return code;
}

enum oft_err store_key_put(struct store *store, const struct store_key *key,
                           struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store,
        "INSERT INTO api_key (key_id, sha256, account, product, created_ns, revoked_ns)"
        " VALUES (?1, ?2, ?3, ?4, ?5, 0)",
        reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)key->key_id);
    store_bind_blob(statement, 2, key->sha256, sizeof(key->sha256));
    store_bind_text(statement, 3, key->account);
    store_bind_text(statement, 4, key->product);
    (void)sqlite3_bind_int64(statement, 5, key->created_ns);
    return store_run(store, statement, reterr);
}

enum oft_err store_key_revoke(struct store *store, uint64_t key_id, oft_instant now_ns,
                              struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store, "UPDATE api_key SET revoked_ns = ?2 WHERE key_id = ?1 AND revoked_ns = 0", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)key_id);
    (void)sqlite3_bind_int64(statement, 2, now_ns);
    enum oft_err code = store_run(store, statement, reterr);
    if (code == OFT_OK && sqlite3_changes(store->database) == 0) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND,
                        "no key in use has this id; `offtake keys list` shows them");
    }
    return code;
}

static enum oft_err take_key(sqlite3_stmt *statement, struct oft_arena *arena, void *taken,
                             struct oft_error *reterr)
{
    struct store_key *key = taken;
    (void)reterr;
    key->key_id = (uint64_t)sqlite3_column_int64(statement, 0);
    (void)store_column_bytes(statement, 1, key->sha256, sizeof(key->sha256));
    key->account = store_column_copy(statement, 2, arena);
    key->product = store_column_copy(statement, 3, arena);
    key->created_ns = sqlite3_column_int64(statement, 4);
    key->revoked_ns = sqlite3_column_int64(statement, 5);
    key->limits.requests_per_minute = (uint64_t)sqlite3_column_int64(statement, 6);
    key->limits.tokens_per_minute = (uint64_t)sqlite3_column_int64(statement, 7);
    key->limits.concurrent = (uint64_t)sqlite3_column_int64(statement, 8);
    key->limits.budget_nanos[DEAL_BUDGET_DAY] = sqlite3_column_int64(statement, 9);
    key->limits.budget_nanos[DEAL_BUDGET_MONTH] = sqlite3_column_int64(statement, 10);
    key->former_until_ns = sqlite3_column_int64(statement, 11);
    return key->account == NULL || key->product == NULL ? OFT_ERR_MEMORY : OFT_OK;
}

static enum oft_err load_keys(struct store *store, sqlite3_stmt *statement, struct oft_arena *arena,
                              struct store_key **ret_keys, size_t *ret_count,
                              struct oft_error *reterr)
{
    void *items = NULL;
    enum oft_err code = store_load(store, statement, take_key, sizeof(struct store_key), arena,
                                   &items, ret_count, reterr);
    *ret_keys = items;
    return code;
}

enum oft_err store_keys(struct store *store, struct oft_arena *arena, struct store_key **ret_keys,
                        size_t *ret_count, struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store,
        "SELECT key_id, sha256, account, product, created_ns, revoked_ns,"
        " requests_per_minute, tokens_per_minute, concurrent, day_nanos, month_nanos,"
        " (SELECT max(until_ns) FROM former_token WHERE former_token.key_id = api_key.key_id)"
        " FROM api_key LEFT JOIN key_limit USING (key_id) ORDER BY created_ns, key_id",
        reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    return load_keys(store, statement, arena, ret_keys, ret_count, reterr);
}

enum oft_err store_tokens(struct store *store, oft_instant now_ns, struct oft_arena *arena,
                          struct store_key **ret_keys, size_t *ret_count, struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store,
        "SELECT key_id, token.sha256, account, product, created_ns, revoked_ns,"
        " requests_per_minute, tokens_per_minute, concurrent, day_nanos, month_nanos, until_ns"
        " FROM (SELECT key_id, sha256, 0 AS until_ns FROM api_key UNION ALL"
        "  SELECT key_id, sha256, until_ns FROM former_token WHERE until_ns > ?1) AS token"
        " JOIN api_key USING (key_id) LEFT JOIN key_limit USING (key_id)"
        " WHERE revoked_ns = 0 ORDER BY created_ns, key_id",
        reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, now_ns);
    return load_keys(store, statement, arena, ret_keys, ret_count, reterr);
}
