/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Corrections of usage: what somebody ("by") says a request used, and the list of what was said.
 */
#include <string.h>

#include "api/routes.h"
#include "engine/corrections.h"

static const struct {
    const char *name, *content_type;
    enum ledger_format format;
} FORMS[] = {{"json", "application/json", LEDGER_JSON},
             {"text", "text/plain; charset=utf-8", LEDGER_TEXT},
             {"csv", "text/csv; charset=utf-8", LEDGER_CSV}};

void api_get_corrections(const struct api_scope *scope, struct api_answer *answer)
{
    const char *name = api_query(scope, "format");
    size_t form = 0;
    while (name != NULL && form < OFT_COUNT_OF(FORMS) && strcmp(name, FORMS[form].name) != 0) {
        form++;
    }
    if (form == OFT_COUNT_OF(FORMS)) {
        api_answer_error(answer, 400, "bad_request", "format must be text, json or csv", NULL);
        return;
    }
    struct oft_error error = {0};
    enum oft_err err = engine_corrections(scope->options->engine, api_query(scope, "request"),
                                          FORMS[form].format, &answer->body, &error);
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

/* The classes that the body has; false at one that there is not, or that is no count. */
static bool take_units(const json_t *units, struct engine_correction *correction)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)units, name, value)
    {
        if (!json_is_integer(value) || json_integer_value(value) < 0 ||
            !engine_correction_set(correction, name, (uint64_t)json_integer_value(value))) {
            return false;
        }
    }
    return true;
}

void api_post_corrections(const struct api_scope *scope, struct api_answer *answer)
{
    struct engine_correction correction = {
        .request = text_of(scope, "request"),
        .is_void = json_is_true(json_object_get(scope->body, "void")),
        .tier = text_of(scope, "service_tier"),
        .actor = text_of(scope, "by"),
        .reason = text_of(scope, "reason"),
        .reference = text_of(scope, "reference"),
    };
    struct oft_error error = {0};
    if (!take_units(json_object_get(scope->body, "units"), &correction)) {
        api_answer_error(answer, 400, "bad_request",
                         "\"units\" has whole numbers from 0 under input, cached, cache-write, "
                         "output, reasoning, audio, image",
                         NULL);
        return;
    }
    enum oft_err err = engine_correct_usage(scope->options->engine, &correction, scope->now_ns,
                                            &answer->body, &error);
    if (err != OFT_OK) {
        api_answer_fault(answer, err, &error, NULL);
        return;
    }
    answer->status = 201;
    answer->content_type = "application/json";
}
