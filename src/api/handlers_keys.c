/* SPDX-License-Identifier: Apache-2.0 */
/*
 * API keys: make, list, limit, rotate, revoke. The token of a new key is in one answer and nowhere else; it is wiped
 * from our memory when the answer is made.
 */
#include <string.h>

#include "api/routes.h"
#include "base/hash.h"

/* ---- limits as a body has them ------------------------------------------------------------------- */

static bool read_count(const json_t *body, const char *name, uint64_t max, uint64_t *ret,
                       struct api_answer *answer)
{
    const json_t *value = json_object_get(body, name);
    json_int_t number = json_integer_value(value);
    *ret = 0;
    if (value == NULL) {
        return true;
    }
    if (!json_is_integer(value) || number <= 0 || (uint64_t)number > max) {
        char message[128];
        (void)snprintf(message, sizeof message,
                       "\"%s\" is a whole number from 1 to %llu; leave it out for no limit", name,
                       (unsigned long long)max);
        api_answer_error(answer, 400, "bad_request", message, NULL);
        return false;
    }
    *ret = (uint64_t)number;
    return true;
}

static bool read_budget(const json_t *body, const char *name, oft_nanos *ret,
                        struct api_answer *answer)
{
    const json_t *value = json_object_get(body, name);
    *ret = 0;
    if (value == NULL) {
        return true;
    }
    if (!json_is_string(value) ||
        oft_decimal_parse(oft_str_from(json_string_value(value)), 9, ret) != OFT_OK || *ret <= 0 ||
        *ret > DEAL_BUDGET_NANOS_MAX) {
        char message[160];
        (void)snprintf(message, sizeof message,
                       "\"%s\" is an amount as text, like \"250.00\", above 0 and up to 9 "
                       "billion; leave it out for no limit",
                       name);
        api_answer_error(answer, 400, "bad_request", message, NULL);
        return false;
    }
    return true;
}

/* A limit with its name misspelt would be no limit. */
static bool read_limits(const struct api_scope *scope, bool new_key, struct deal_limits *limits,
                        struct api_answer *answer)
{
    static const char *const NAMES[] = {"account",
                                        "product",
                                        "requests_per_minute",
                                        "tokens_per_minute",
                                        "concurrent_requests",
                                        "budget_per_day",
                                        "budget_per_month"};
    const json_t *body = scope->body;
    size_t known = 0;
    for (size_t i = new_key ? 0 : 2; i < OFT_COUNT_OF(NAMES); i++) {
        known += json_object_get(body, NAMES[i]) != NULL;
    }
    if (known != json_object_size(body)) {
        api_answer_error(answer, 400, "bad_request",
                         "a member of the body is not known; limits are requests_per_minute, "
                         "tokens_per_minute, concurrent_requests, budget_per_day and "
                         "budget_per_month",
                         NULL);
        return false;
    }
    return read_count(body, "requests_per_minute", DEAL_LIMIT_REQUESTS_MAX,
                      &limits->requests_per_minute, answer) &&
           read_count(body, "tokens_per_minute", DEAL_LIMIT_TOKENS_MAX, &limits->tokens_per_minute,
                      answer) &&
           read_count(body, "concurrent_requests", DEAL_LIMIT_REQUESTS_MAX, &limits->concurrent,
                      answer) &&
           read_budget(body, "budget_per_day", &limits->budget_nanos[DEAL_BUDGET_DAY], answer) &&
           read_budget(body, "budget_per_month", &limits->budget_nanos[DEAL_BUDGET_MONTH], answer);
}

/* ---- routes -------------------------------------------------------------------------------------- */

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
    struct deal_limits limits = {0};
    if (!read_limits(scope, true, &limits, answer)) {
        return;
    }
    char token[ENGINE_TOKEN_BYTES] = "";
    char id[17] = "";
    struct oft_error error = {0};
    enum oft_err err = engine_key_create(scope->options->engine, account, product, &limits,
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

void api_post_key_limits(const struct api_scope *scope, struct api_answer *answer)
{
    struct deal_limits limits = {0};
    struct oft_error error = {0};
    if (!read_limits(scope, false, &limits, answer)) {
        return;
    }
    enum oft_err err =
        engine_key_limit(scope->options->engine, scope->id, &limits, scope->now_ns, &error);
    if (err != OFT_OK) {
        api_answer_fault(answer, err, &error, NULL);
        return;
    }
    api_answer_json(answer, 200, json_deep_copy(scope->body));
}

void api_post_key_rotate(const struct api_scope *scope, struct api_answer *answer)
{
    uint64_t keep_seconds = 0;
    char token[ENGINE_TOKEN_BYTES] = "";
    char until[OFT_INSTANT_TEXT_BYTES];
    struct oft_error error = {0};
    if (json_object_size(scope->body) > (json_object_get(scope->body, "keep_seconds") != NULL)) {
        api_answer_error(answer, 400, "bad_request", "the body may hold \"keep_seconds\" alone",
                         NULL);
        return;
    }
    if (!read_count(scope->body, "keep_seconds", ENGINE_TOKEN_KEEP_NS_MAX / OFT_NS_PER_SECOND,
                    &keep_seconds, answer)) {
        return;
    }
    int64_t keep_ns = (int64_t)keep_seconds * OFT_NS_PER_SECOND;
    enum oft_err err =
        engine_key_rotate(scope->options->engine, scope->id, keep_ns, scope->now_ns, token, &error);
    if (err != OFT_OK) {
        api_answer_fault(answer, err, &error, NULL);
        return;
    }
    json_t *end = keep_ns == 0 ? json_null()
                               : json_string(oft_instant_format(scope->now_ns + keep_ns, until));
    api_answer_json(
        answer, 200,
        json_pack("{s:s, s:s, s:o}", "id", scope->id, "token", token, "former_token_until", end));
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
