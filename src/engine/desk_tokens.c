/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens by which parties come to the desk over TCP: made, listed, revoked. Only the SHA-256 is kept.
 */
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "engine/desk_internal.h"

static uint64_t id_of(const uint8_t sha256[32])
{
    uint64_t id = 0;
    for (int i = 7; i >= 0; i--) {
        id = id << 8 | sha256[i];
    }
    return id;
}

/* The customer acts by the admin token and the unix socket; a token of it would be a second key to
 * the same door. */
static enum oft_err check_party(const struct engine *engine, const char *party,
                                struct oft_error *reterr)
{
    const struct deal *deal = engine->deal;
    uint32_t index = deal == NULL ? DEAL_NONE : deal_find_party(deal, oft_str_from(party));
    if (index == DEAL_NONE) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND, "the deal knows no party \"%.63s\"", party);
    }
    if (index == deal->customer_party) {
        return oft_fail(reterr, OFT_ERR_INVALID,
                        "%s is the customer: it uses the admin token or the unix socket", party);
    }
    return OFT_OK;
}

enum oft_err engine_party_token_create(struct engine *engine, const char *party, oft_instant now_ns,
                                       char ret_token[ENGINE_TOKEN_BYTES], struct oft_error *reterr)
{
    struct store_desk_token token = {.party = party, .created_ns = now_ns};
    enum oft_err code = check_party(engine, party, reterr);
    if (code == OFT_OK) {
        code = engine_token_make("oft_desk_", ret_token, reterr);
    }
    if (code == OFT_OK) {
        code = oft_sha256_once(ret_token, strlen(ret_token), token.sha256);
    }
    if (code == OFT_OK) {
        token.id = id_of(token.sha256);
        code = store_desk_token_put(engine->store, &token, reterr);
    }
    if (code != OFT_OK) {
        OPENSSL_cleanse(ret_token, ENGINE_TOKEN_BYTES);
    }
    return code;
}

enum oft_err engine_party_token_revoke(struct engine *engine, const char *id_hex,
                                       oft_instant now_ns, struct oft_error *reterr)
{
    uint8_t bytes[8];
    uint64_t id = 0;
    if (oft_unhex(oft_str_from(id_hex), bytes, sizeof(bytes)) != OFT_OK) {
        return oft_fail(reterr, OFT_ERR_INVALID, "a token's id is 16 hex digits");
    }
    for (size_t i = 0; i < sizeof(bytes); i++) {
        id = id << 8 | bytes[i];
    }
    return store_desk_token_revoke(engine->store, id, now_ns, reterr);
}

static json_t *token_json(const struct store_desk_token *token)
{
    char id[17], created[OFT_INSTANT_TEXT_BYTES], revoked[OFT_INSTANT_TEXT_BYTES];
    (void)snprintf(id, sizeof(id), "%016llx", (unsigned long long)token->id);
    json_t *end = token->revoked_ns == 0
                      ? json_null()
                      : json_string(oft_instant_format(token->revoked_ns, revoked));
    return json_pack("{s:s, s:s, s:s, s:o}", "id", id, "party", token->party, "created",
                     oft_instant_format(token->created_ns, created), "revoked", end);
}

enum oft_err engine_party_token_list(struct engine *engine, struct oft_buffer *out,
                                     struct oft_error *reterr)
{
    struct oft_arena arena;
    struct store_desk_token *tokens = NULL;
    size_t count = 0;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = store_desk_tokens(engine->store, &arena, &tokens, &count, reterr);
    json_t *list = json_array();
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        if (json_array_append_new(list, token_json(&tokens[i])) != 0) {
            code = OFT_ERR_MEMORY;
        }
    }
    json_t *answer = json_pack("{s:o}", "tokens", list);
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

enum oft_err engine_party_of_token(struct engine *engine, const uint8_t sha256[32],
                                   char ret_party[ENGINE_PARTY_BYTES], struct oft_error *reterr)
{
    struct oft_arena arena;
    const char *party = NULL;
    oft_arena_init(&arena, ENGINE_TEXT_BYTES_MAX);
    enum oft_err code = store_desk_token_party(engine->store, sha256, &arena, &party, reterr);
    if (code == OFT_OK && strlen(party) >= ENGINE_PARTY_BYTES) {
        code = OFT_ERR_CORRUPT;
    }
    if (code == OFT_OK) {
        (void)snprintf(ret_party, ENGINE_PARTY_BYTES, "%s", party);
    }
    oft_arena_release(&arena);
    return code;
}
