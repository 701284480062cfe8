/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revenue shares: as they stand, and what somebody tells of them ("by").
 */
#include <string.h>

#include "api/routes.h"
#include "engine/shares.h"

static const struct {
    const char *name, *content_type;
    enum ledger_format format;
} FORMS[] = {{"json", "application/json", LEDGER_JSON},
             {"text", "text/plain; charset=utf-8", LEDGER_TEXT},
             {"csv", "text/csv; charset=utf-8", LEDGER_CSV}};

void api_get_shares(const struct api_scope *scope, struct api_answer *answer)
{
    const char *name = api_query(scope, "format");
    const char *at_text = api_query(scope, "at");
    size_t form = 0;
    oft_instant at = 0;
    while (name != NULL && form < OFT_COUNT_OF(FORMS) && strcmp(name, FORMS[form].name) != 0) {
        form++;
    }
    if (form == OFT_COUNT_OF(FORMS)) {
        api_answer_error(answer, 400, "bad_request", "format must be text, json or csv", NULL);
        return;
    }
    if (at_text != NULL && oft_instant_parse(oft_str_from(at_text), &at) != OFT_OK) {
        api_answer_error(answer, 400, "bad_request",
                         "\"at\" is no instant; write 2026-01-01 or 2026-01-01T12:00:00Z", NULL);
        return;
    }
    struct oft_error error = {0};
    enum oft_err err = engine_shares(scope->options->engine, at_text == NULL ? NULL : &at,
                                     scope->now_ns, FORMS[form].format, &answer->body, &error);
    if (err != OFT_OK) {
        api_answer_fault(answer, err, &error, NULL);
        return;
    }
    answer->status = 200;
    answer->content_type = FORMS[form].content_type;
}

static const char *text_of(const struct api_scope *scope, const char *name)
{
    const char *text = json_string_value(json_object_get(scope->body, name));
    return text == NULL ? "" : text;
}

static void end(struct api_answer *answer, enum oft_err err, const struct oft_error *error)
{
    if (err != OFT_OK) {
        api_answer_fault(answer, err, error, NULL);
        return;
    }
    answer->status = 201;
    answer->content_type = "application/json";
}

void api_post_deductions(const struct api_scope *scope, struct api_answer *answer)
{
    struct engine_told told = {
        .name = text_of(scope, "name"),
        .detail = text_of(scope, "product"),
        .when = text_of(scope, "month"),
        .amount = text_of(scope, "amount"),
        .actor = text_of(scope, "by"),
        .reference = text_of(scope, "reference"),
    };
    struct oft_error error = {0};
    end(answer, engine_deduct(scope->options->engine, &told, scope->now_ns, &answer->body, &error),
        &error);
}

void api_post_share_payments(const struct api_scope *scope, struct api_answer *answer)
{
    struct engine_told told = {
        .name = text_of(scope, "clause"),
        .detail = text_of(scope, "period"),
        .when = text_of(scope, "on"),
        .amount = text_of(scope, "amount"),
        .actor = text_of(scope, "by"),
        .reference = text_of(scope, "reference"),
    };
    struct oft_error error = {0};
    end(answer,
        engine_share_paid(scope->options->engine, &told, scope->now_ns, &answer->body, &error),
        &error);
}
