/* SPDX-License-Identifier: Apache-2.0 */
/*
 * API keys: make, list, revoke. The token of a new key is in one answer and nowhere else; it is wiped
 * from our memory when the answer is made.
 */
#include <string.h>

#include "api/routes.h"
#include "base/hash.h"

/* A key's id is the first eight bytes of its token's hash, as a number in hex. */
bool api_token_id(const char *token, char out[17])
{
    uint8_t hash[OFT_SHA256_BYTES];
    uint64_t id = 0;
    if (oft_sha256_once(token, strlen(token), hash) != OFT_OK) {
        return false;
    }
    for (unsigned i = 8; i-- > 0;) {
        id = id << 8 | hash[i];
    }
    (void)snprintf(out, 17, "%016llx", (unsigned long long)id);
    return true;
}

void api_post_keys(const struct api_scope *scope, struct api_answer *answer)
{
    const char *account = json_string_value(json_object_get(scope->body, "account"));
    const char *product = json_string_value(json_object_get(scope->body, "product"));
    if (account == NULL || product == NULL) {
        api_answer_error(answer, 400, "bad_request", "a key needs \"account\" and \"product\"",
                         NULL);
        return;
    }
    char token[ENGINE_TOKEN_BYTES] = "";
    char id[17] = "";
    struct oft_error error = {0};
    enum oft_err err = engine_key_create(scope->options->engine, account, product, NULL,
                                         scope->now_ns, token, &error);
    if (err != OFT_OK) {
        api_answer_fault(answer, err, &error, NULL);
    } else if (!api_token_id(token, id)) {
        api_answer_error(answer, 500, "internal",
                         "the key was made but its id cannot be told; list the keys and revoke it",
                         NULL);
    } else {
        api_answer_json(answer, 201,
                        json_pack("{s:s, s:s, s:s, s:s}", "id", id, "token", token, "account",
                                  account, "product", product));
    }
    explicit_bzero(token, sizeof token);
}

void api_get_keys(const struct api_scope *scope, struct api_answer *answer)
{
    struct oft_error error = {0};
    enum oft_err err = engine_keys_list(scope->options->engine, &answer->body, &error);
    if (err != OFT_OK) {
        api_answer_fault(answer, err, &error, NULL);
        return;
    }
    answer->status = 200;
    answer->content_type = "application/json";
}

void api_delete_key(const struct api_scope *scope, struct api_answer *answer)
{
    struct oft_error error = {0};
    enum oft_err err = engine_key_revoke(scope->options->engine, scope->id, scope->now_ns, &error);
    if (err != OFT_OK) {
        api_answer_fault(answer, err, &error, NULL);
        return;
    }
    api_answer_json(answer, 200, json_pack("{s:s, s:b}", "id", scope->id, "revoked", 1));
}
