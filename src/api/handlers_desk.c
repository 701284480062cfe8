/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The capacity desk: commands, all by the table of acts; looks; tokens of parties.
 */
#include <stdlib.h>
#include <string.h>

#include "api/routes.h"
#include "base/hash.h"

enum { GIVEN_MAX = 256, LIST_DEFAULT = 200, LIST_MAX = 1000 };

/* ---- commands ---------------------------------------------------------------------------------- */

static const char *refusal_text(enum desk_refusal_code code)
{
    static const char *const TEXTS[] = {[DESK_REFUSED_NONE] = "refused",
                                        [DESK_REFUSED_UNKNOWN] = "unknown",
                                        [DESK_REFUSED_STATE] = "state",
                                        [DESK_REFUSED_ACTOR] = "actor",
                                        [DESK_REFUSED_LATE] = "late",
                                        [DESK_REFUSED_EARLY] = "early",
                                        [DESK_REFUSED_EXCLUSIVE] = "exclusive",
                                        [DESK_REFUSED_NOTICE_OWED] = "notice_owed",
                                        [DESK_REFUSED_BETTER_TERMS] = "better_terms",
                                        [DESK_REFUSED_COUNTERPARTY] = "counterparty",
                                        [DESK_REFUSED_QUANTITY] = "quantity",
                                        [DESK_REFUSED_TERMS] = "terms",
                                        [DESK_REFUSED_TIME] = "time",
                                        [DESK_REFUSED_INVALID] = "invalid",
                                        [DESK_REFUSED_CALENDAR] = "calendar"};
    return (size_t)code < OFT_COUNT_OF(TEXTS) ? TEXTS[code] : "refused";
}

static void answer_refusal(struct api_answer *answer, const struct engine_refusal *refusal)
{
    char at[OFT_INSTANT_TEXT_BYTES];
    json_t *earliest = refusal->earliest == OFT_INSTANT_NEVER
                           ? json_null()
                           : json_string(oft_instant_format(refusal->earliest, at));
    api_answer_json(answer, 409,
                    json_pack("{s:{s:s, s:s, s:s, s:i, s:o}}", "error", "code",
                              refusal_text(refusal->code), "message", refusal->message, "clause",
                              refusal->clause, "property", (int)refusal->property, "earliest",
                              earliest));
}

struct given {
    struct desk_given items[GIVEN_MAX];
    size_t count;
    const char *wrong; /* the member that cannot be read */
};

static void give(struct given *given, const char *name, const json_t *value)
{
    if (!json_is_string(value) || given->count == GIVEN_MAX) {
        given->wrong = name;
        return;
    }
    given->items[given->count].name = name;
    given->items[given->count].value = json_string_value(value);
    given->count++;
}

static void read_given(const json_t *body, struct given *given)
{
    const char *name;
    json_t *value, *item;
    size_t index;
    json_object_foreach((json_t *)(uintptr_t)body, name, value)
    {
        if (!json_is_array(value)) {
            give(given, name, value);
            continue;
        }
        json_array_foreach(value, index, item)
        {
            give(given, name, item);
        }
    }
}

/* "1" or "0"; false when it is neither. */
static bool read_dry_run(const struct api_scope *scope, bool *ret)
{
    const char *text = api_query(scope, "dry_run");
    *ret = text != NULL && strcmp(text, "1") == 0;
    return text == NULL || *ret || strcmp(text, "0") == 0;
}

void api_post_act(const struct api_scope *scope, struct api_answer *answer)
{
    struct given given = {.count = 0};
    struct engine_refusal refusal;
    struct oft_error error = {0};
    char message[160];
    struct engine_desk_call call = {
        .act = scope->act, .actor = scope->party, .key = scope->call->idempotency_key};
    read_given(scope->body, &given);
    if (given.wrong != NULL) {
        (void)snprintf(message, sizeof message,
                       "\"%.64s\" must be a text (or an array of texts where it may be repeated)",
                       given.wrong);
        api_answer_error(answer, 400, "bad_request", message, NULL);
        return;
    }
    if (!read_dry_run(scope, &call.dry_run)) {
        api_answer_error(answer, 400, "bad_request", "dry_run must be 0 or 1", NULL);
        return;
    }
    call.given = given.items;
    call.count = given.count;
    enum oft_err err = engine_desk_act(scope->options->engine, &call, scope->now_ns, &answer->body,
                                       &refusal, &error);
    if (err == OFT_OK) {
        answer->status = call.dry_run ? 200 : 201;
        answer->content_type = "application/json";
    } else if (err == OFT_ERR_DENIED && refusal.code != DESK_REFUSED_NONE) {
        answer_refusal(answer, &refusal);
    } else if (err == OFT_ERR_CONFLICT) {
        api_answer_error(answer, 409, "idempotency_conflict", error.message, NULL);
    } else {
        api_answer_fault(answer, err, &error, NULL);
    }
}

/* ---- looks ------------------------------------------------------------------------------------- */

static void answer_text(struct api_answer *answer, enum oft_err err, const struct oft_error *error,
                        const char *content_type)
{
    if (err != OFT_OK) {
        api_answer_fault(answer, err, error, NULL);
        return;
    }
    answer->status = 200;
    answer->content_type = content_type;
}

/* Fills who looks and when; false with the answer filled when `at` is no instant. */
static bool look_begin(const struct api_scope *scope, struct engine_desk_look *look,
                       struct api_answer *answer)
{
    const char *at = api_query(scope, "at");
    look->viewer = scope->party;
    look->has_at = at != NULL;
    if (at != NULL && oft_instant_parse(oft_str_from(at), &look->at) != OFT_OK) {
        api_answer_error(answer, 400, "bad_request",
                         "\"at\" is no instant; write 2026-01-01 or 2026-01-01T12:00:00Z", NULL);
        return false;
    }
    return true;
}

static void look_end(const struct api_scope *scope, const struct engine_desk_look *look,
                     struct api_answer *answer)
{
    struct oft_error error = {0};
    enum oft_err err =
        engine_desk_view(scope->options->engine, look, scope->now_ns, &answer->body, &error);
    answer_text(answer, err, &error, "application/json");
}

/* In the order of enum desk_list. */
static const struct {
    const char *path;
    const char *prefix; /* of a reference */
} LISTS[] = {
    [DESK_LIST_NEEDS] = {"/v1/desk/needs", "need-"},
    [DESK_LIST_OFFERS] = {"/v1/desk/offers", "offer-"},
    [DESK_LIST_LOTS] = {"/v1/desk/lots", "lot-"},
    [DESK_LIST_NOTICES] = {"/v1/desk/notices", "notice-"},
    [DESK_LIST_ORDERS] = {"/v1/desk/orders", "order-"},
    [DESK_LIST_RIGHTS] = {"/v1/desk/rights", ""},
};

static enum desk_list list_of(const struct api_scope *scope)
{
    size_t i = OFT_COUNT_OF(LISTS) - 1;
    while (i > 0 && strncmp(scope->route->path, LISTS[i].path, strlen(LISTS[i].path)) != 0) {
        i--;
    }
    return (enum desk_list)i;
}

void api_get_desk(const struct api_scope *scope, struct api_answer *answer)
{
    struct engine_desk_look look = {.kind = ENGINE_DESK_ALL};
    if (look_begin(scope, &look, answer)) {
        look_end(scope, &look, answer);
    }
}

void api_get_desk_list(const struct api_scope *scope, struct api_answer *answer)
{
    struct engine_desk_look look = {.kind = ENGINE_DESK_LIST, .list = list_of(scope)};
    if (look_begin(scope, &look, answer)) {
        look_end(scope, &look, answer);
    }
}

/* "notice-2" or "2" under notices, and nothing of another kind. */
static bool reference_of(const struct api_scope *scope, char out[API_ID_BYTES + 16])
{
    const char *prefix = LISTS[list_of(scope)].prefix;
    bool number = strspn(scope->id, "0123456789") == strlen(scope->id);
    (void)snprintf(out, API_ID_BYTES + 16, "%s%s", number ? prefix : "", scope->id);
    return strncmp(out, prefix, strlen(prefix)) == 0;
}

void api_get_desk_one(const struct api_scope *scope, struct api_answer *answer)
{
    char reference[API_ID_BYTES + 16];
    struct engine_desk_look look = {.kind = ENGINE_DESK_ONE, .reference = reference};
    if (!reference_of(scope, reference)) {
        api_answer_error(answer, 404, "not_found", "there is no such thing under this path", NULL);
    } else if (look_begin(scope, &look, answer)) {
        look_end(scope, &look, answer);
    }
}

void api_get_desk_document(const struct api_scope *scope, struct api_answer *answer)
{
    char reference[API_ID_BYTES + 16];
    struct oft_error error = {0};
    const char *format = api_query(scope, "format");
    bool pdf = format != NULL && strcmp(format, "pdf") == 0;
    if (format != NULL && !pdf && strcmp(format, "text") != 0) {
        api_answer_error(answer, 400, "bad_request", "format must be text or pdf", NULL);
        return;
    }
    if (!reference_of(scope, reference)) {
        api_answer_error(answer, 404, "not_found", "there is no such notice", NULL);
        return;
    }
    enum oft_err err = engine_notice_document(scope->options->engine, reference, scope->party,
                                              pdf ? ENGINE_DOCUMENT_PDF : ENGINE_DOCUMENT_TEXT,
                                              scope->now_ns, &answer->body, &error);
    answer_text(answer, err, &error, pdf ? "application/pdf" : "text/plain; charset=utf-8");
}

/* A whole number in the query, LEAST when it is not there; false with the answer filled. */
static bool number_of(const struct api_scope *scope, const char *name, uint64_t unsaid,
                      uint64_t *ret, struct api_answer *answer)
{
    const char *text = api_query(scope, name);
    *ret = unsaid;
    if (text == NULL) {
        return true;
    }
    if (text[0] == '\0' || strlen(text) > 18 || strspn(text, "0123456789") != strlen(text)) {
        api_answer_error(answer, 400, "bad_request", "from, after and limit are whole numbers",
                         NULL);
        return false;
    }
    *ret = strtoull(text, NULL, 10);
    return true;
}

void api_get_desk_journal(const struct api_scope *scope, struct api_answer *answer)
{
    uint64_t from, limit;
    struct oft_error error = {0};
    if (!number_of(scope, "from", 1, &from, answer) ||
        !number_of(scope, "limit", LIST_DEFAULT, &limit, answer)) {
        return;
    }
    enum oft_err err = engine_desk_journal(scope->options->engine, scope->party, from,
                                           limit > LIST_MAX ? LIST_MAX : (uint32_t)limit,
                                           scope->now_ns, &answer->body, &error);
    answer_text(answer, err, &error, "application/json");
}

void api_get_desk_outbox(const struct api_scope *scope, struct api_answer *answer)
{
    uint64_t after, limit;
    struct oft_error error = {0};
    if (!number_of(scope, "after", 0, &after, answer) ||
        !number_of(scope, "limit", LIST_DEFAULT, &limit, answer)) {
        return;
    }
    enum oft_err err = engine_desk_deliveries(scope->options->engine, after,
                                              limit > LIST_MAX ? LIST_MAX : (uint32_t)limit,
                                              &answer->body, &error);
    answer_text(answer, err, &error, "application/json");
}

void api_get_desk_verify(const struct api_scope *scope, struct api_answer *answer)
{
    bool sound = false;
    struct oft_error error = {0};
    enum oft_err err = engine_desk_verify(scope->options->engine, &answer->body, &sound, &error);
    answer_text(answer, err, &error, "application/json");
    answer->unsound = err == OFT_OK && !sound;
}

/* ---- tokens ------------------------------------------------------------------------------------ */

void api_get_desk_tokens(const struct api_scope *scope, struct api_answer *answer)
{
    struct oft_error error = {0};
    enum oft_err err = engine_party_token_list(scope->options->engine, &answer->body, &error);
    answer_text(answer, err, &error, "application/json");
}

void api_post_desk_tokens(const struct api_scope *scope, struct api_answer *answer)
{
    const char *party = json_string_value(json_object_get(scope->body, "party"));
    char token[ENGINE_TOKEN_BYTES] = "";
    char id[17] = "";
    struct oft_error error = {0};
    if (party == NULL || json_object_size(scope->body) != 1) {
        api_answer_error(answer, 400, "bad_request", "a token needs \"party\" and nothing else",
                         NULL);
        return;
    }
    enum oft_err err =
        engine_party_token_create(scope->options->engine, party, scope->now_ns, token, &error);
    if (err != OFT_OK) {
        api_answer_fault(answer, err, &error, NULL);
    } else if (!api_token_id(token, id)) {
        api_answer_error(answer, 500, "internal",
                         "the token was made but its id cannot be told; list the tokens and "
                         "revoke it",
                         NULL);
    } else {
        api_answer_json(answer, 201,
                        json_pack("{s:s, s:s, s:s}", "id", id, "token", token, "party", party));
    }
    explicit_bzero(token, sizeof token);
}

void api_delete_desk_token(const struct api_scope *scope, struct api_answer *answer)
{
    struct oft_error error = {0};
    enum oft_err err =
        engine_party_token_revoke(scope->options->engine, scope->id, scope->now_ns, &error);
    if (err != OFT_OK) {
        api_answer_fault(answer, err, &error, NULL);
        return;
    }
    api_answer_json(answer, 200, json_pack("{s:s, s:b}", "id", scope->id, "revoked", 1));
}
