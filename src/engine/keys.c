/* SPDX-License-Identifier: Apache-2.0 */
/*
 * API keys: made, listed, revoked. Only the SHA-256 of a token is kept; each change publishes.
 */
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "engine/limits.h"

static uint64_t key_id_of(const uint8_t sha256[32])
{
    uint64_t id = 0;
    for (int i = 7; i >= 0; i--) {
        id = id << 8 | sha256[i];
    }
    return id;
}

static enum oft_err check_names(const struct engine *engine, const char *account,
                                const char *product, struct oft_error *reterr)
{
    if (engine->deal == NULL) {
        return oft_fail(reterr, OFT_ERR_INVALID, "no policy was published yet");
    }
    if (deal_find_account(engine->deal, oft_str_from(account)) == DEAL_NONE) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND,
                        "the deal knows no account \"%.63s\"; add it to %s and reload", account,
                        engine->deal_path);
    }
    if (deal_find_product(engine->deal, oft_str_from(product)) == DEAL_NONE) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND,
                        "the deal knows no product \"%.63s\"; add it to %s and reload", product,
                        engine->deal_path);
    }
    return OFT_OK;
}

/* A key is never without the limits that it was asked for. */
static enum oft_err put_key(struct engine *engine, const struct store_key *key,
                            const struct deal_limits *limits, struct oft_error *reterr)
{
    enum oft_err code = store_begin(engine->store, reterr);
    if (code != OFT_OK) {
        return code;
    }
    code = store_key_put(engine->store, key, reterr);
    if (code == OFT_OK && limits != NULL) {
        code = store_key_limits_put(engine->store, key->key_id, limits, reterr);
    }
    if (code == OFT_OK) {
        code = store_commit(engine->store, reterr);
    }
    if (code != OFT_OK) {
        store_rollback(engine->store);
    }
    return code;
}

enum oft_err engine_key_create(struct engine *engine, const char *account, const char *product,
                               const struct deal_limits *limits, oft_instant now_ns,
                               char ret_token[ENGINE_TOKEN_BYTES], struct oft_error *reterr)
{
    struct store_key key = {.account = account, .product = product, .created_ns = now_ns};
    enum oft_err code = check_names(engine, account, product, reterr);
    if (code == OFT_OK) {
        code = engine_token_make("oft_", ret_token, reterr);
    }
    if (code == OFT_OK) {
        code = oft_sha256_once(ret_token, strlen(ret_token), key.sha256);
    }
    if (code == OFT_OK) {
        key.key_id = key_id_of(key.sha256);
        code = put_key(engine, &key, limits, reterr);
    }
    if (code == OFT_OK) {
        code = engine_republish(engine, now_ns, reterr);
    }
    if (code != OFT_OK) {
        OPENSSL_cleanse(ret_token, ENGINE_TOKEN_BYTES);
    }
    return code;
}

static enum oft_err read_id(const char *key_id_hex, uint64_t *ret_key_id, struct oft_error *reterr)
{
    uint8_t bytes[8];
    if (oft_unhex(oft_str_from(key_id_hex), bytes, sizeof(bytes)) != OFT_OK) {
        return oft_fail(reterr, OFT_ERR_INVALID, "a key's id is 16 hex digits");
    }
    *ret_key_id = 0;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        *ret_key_id = *ret_key_id << 8 | bytes[i];
    }
    return OFT_OK;
}

static enum oft_err key_in_use(struct engine *engine, uint64_t key_id, struct oft_error *reterr)
{
    struct oft_arena arena;
    struct store_key *keys = NULL;
    size_t count = 0;
    bool found = false;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = store_keys(engine->store, &arena, &keys, &count, reterr);
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        found = found || (keys[i].key_id == key_id && keys[i].revoked_ns == 0);
    }
    oft_arena_release(&arena);
    return code != OFT_OK || found
               ? code
               : oft_fail(reterr, OFT_ERR_NOT_FOUND,
                          "no key in use has this id; `offtake keys list` shows them");
}

enum oft_err engine_key_limit(struct engine *engine, const char *key_id_hex,
                              const struct deal_limits *limits, oft_instant now_ns,
                              struct oft_error *reterr)
{
    uint64_t key_id = 0;
    enum oft_err code = read_id(key_id_hex, &key_id, reterr);
    if (code == OFT_OK) {
        code = key_in_use(engine, key_id, reterr);
    }
    if (code == OFT_OK) {
        code = store_key_limits_put(engine->store, key_id, limits, reterr);
    }
    return code == OFT_OK ? engine_republish(engine, now_ns, reterr) : code;
}

static enum oft_err put_token(struct engine *engine, uint64_t key_id, const char *token,
                              oft_instant until_ns, struct oft_error *reterr)
{
    uint8_t sha256[OFT_SHA256_BYTES];
    enum oft_err code = oft_sha256_once(token, strlen(token), sha256);
    if (code == OFT_OK) {
        code = store_begin(engine->store, reterr);
    }
    if (code != OFT_OK) {
        return code;
    }
    code = store_key_rotate(engine->store, key_id, sha256, until_ns, reterr);
    if (code == OFT_OK) {
        code = store_commit(engine->store, reterr);
    }
    if (code != OFT_OK) {
        store_rollback(engine->store);
    }
    return code;
}

enum oft_err engine_key_rotate(struct engine *engine, const char *key_id_hex, int64_t keep_ns,
                               oft_instant now_ns, char ret_token[ENGINE_TOKEN_BYTES],
                               struct oft_error *reterr)
{
    uint64_t key_id = 0;
    ret_token[0] = '\0';
    if (keep_ns < 0 || keep_ns > ENGINE_TOKEN_KEEP_NS_MAX) {
        return oft_fail(reterr, OFT_ERR_INVALID,
                        "the token of before can be kept for up to 90 days");
    }
    enum oft_err code = read_id(key_id_hex, &key_id, reterr);
    if (code == OFT_OK) {
        code = key_in_use(engine, key_id, reterr);
    }
    if (code == OFT_OK) {
        code = engine_token_make("oft_", ret_token, reterr);
    }
    if (code == OFT_OK) {
        code = put_token(engine, key_id, ret_token, keep_ns == 0 ? 0 : now_ns + keep_ns, reterr);
    }
    if (code == OFT_OK) {
        code = engine_republish(engine, now_ns, reterr);
    }
    if (code != OFT_OK) {
        OPENSSL_cleanse(ret_token, ENGINE_TOKEN_BYTES);
    }
    return code;
}

enum oft_err engine_key_revoke(struct engine *engine, const char *key_id_hex, oft_instant now_ns,
                               struct oft_error *reterr)
{
    uint64_t key_id = 0;
    enum oft_err code = read_id(key_id_hex, &key_id, reterr);
    if (code != OFT_OK) {
        return code;
    }
    code = store_key_revoke(engine->store, key_id, now_ns, reterr);
    return code == OFT_OK ? engine_republish(engine, now_ns, reterr) : code;
}

static void put_number(json_t *object, const char *name, uint64_t number)
{
    if (number != 0) {
        (void)json_object_set_new(object, name, json_integer((json_int_t)number));
    }
}

static void put_budget(json_t *object, const char *name, oft_nanos nanos)
{
    char text[OFT_NANOS_TEXT_BYTES];
    if (nanos != 0) {
        (void)json_object_set_new(object, name, json_string(oft_nanos_format(nanos, text)));
    }
}

static json_t *limits_json(const struct deal_limits *limits)
{
    json_t *object = json_object();
    put_number(object, "requests_per_minute", limits->requests_per_minute);
    put_number(object, "tokens_per_minute", limits->tokens_per_minute);
    put_number(object, "concurrent_requests", limits->concurrent);
    put_budget(object, "budget_per_day", limits->budget_nanos[DEAL_BUDGET_DAY]);
    put_budget(object, "budget_per_month", limits->budget_nanos[DEAL_BUDGET_MONTH]);
    return object;
}

static json_t *key_json(const struct store_key *key)
{
    char id[17];
    char created[OFT_INSTANT_TEXT_BYTES];
    char revoked[OFT_INSTANT_TEXT_BYTES];
    char until[OFT_INSTANT_TEXT_BYTES];
    (void)snprintf(id, sizeof(id), "%016llx", (unsigned long long)key->key_id);
    json_t *item =
        json_pack("{s:s, s:s, s:s, s:s, s:o}", "id", id, "account", key->account, "product",
                  key->product, "created", oft_instant_format(key->created_ns, created), "limits",
                  limits_json(&key->limits));
    json_t *end = key->revoked_ns == 0 ? json_null()
                                       : json_string(oft_instant_format(key->revoked_ns, revoked));
    if (item != NULL && key->former_until_ns != 0) {
        (void)json_object_set_new(item, "former_token_until",
                                  json_string(oft_instant_format(key->former_until_ns, until)));
    }
    if (item != NULL && json_object_set_new(item, "revoked", end) != 0) {
        json_decref(item);
        return NULL;
    }
    return item;
}

enum oft_err engine_keys_list(struct engine *engine, struct oft_buffer *out,
                              struct oft_error *reterr)
{
    struct oft_arena arena;
    struct store_key *keys = NULL;
    size_t count = 0;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = store_keys(engine->store, &arena, &keys, &count, reterr);
    json_t *items = json_array();
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        if (json_array_append_new(items, key_json(&keys[i])) != 0) {
            code = OFT_ERR_MEMORY;
        }
    }
    json_t *answer = json_pack("{s:o}", "keys", items);
    char *text = answer == NULL ? NULL : json_dumps(answer, JSON_COMPACT);
    if (code == OFT_OK && text == NULL) {
        code = OFT_ERR_MEMORY;
    }
    if (code == OFT_OK) {
        oft_buffer_printf(out, "%s\n", text);
    }
    free(text);
    json_decref(answer);
    oft_arena_release(&arena);
    return code;
}

enum oft_err engine_admin_token(struct engine *engine, char ret_token[ENGINE_TOKEN_BYTES],
                                uint8_t ret_sha256[32], struct oft_error *reterr)
{
    const char *stored = NULL;
    ret_token[0] = '\0';
    enum oft_err code =
        store_meta_get(engine->store, "admin_sha256", &engine->arena, &stored, reterr);
    if (code != OFT_OK) {
        return code;
    }
    if (stored != NULL) {
        return oft_unhex(oft_str_from(stored), ret_sha256, OFT_SHA256_BYTES);
    }
    char hex[OFT_SHA256_HEX_BYTES];
    code = engine_token_make("oft_admin_", ret_token, reterr);
    if (code == OFT_OK) {
        code = oft_sha256_once(ret_token, strlen(ret_token), ret_sha256);
    }
    if (code == OFT_OK) {
        code = store_meta_set(engine->store, "admin_sha256",
                              oft_hex(ret_sha256, OFT_SHA256_BYTES, hex), reterr);
    }
    return code;
}
