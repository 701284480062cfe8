/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports: commitments, usage, verification. The engine makes the text in the format asked
 * for; here it only gets its content type.
 */
#include <string.h>

#include "api/routes.h"
#include "engine/programmes.h"

struct format_row {
    const char *name;
    enum ledger_format format;
    const char *content_type;
};
static const struct format_row FORMATS[] = {
    {"json", LEDGER_JSON, "application/json"},
    {"text", LEDGER_TEXT, "text/plain; charset=utf-8"},
    {"csv", LEDGER_CSV, "text/csv; charset=utf-8"},
};

const char *api_query(const struct api_scope *scope, const char *name)
{
    return scope->call->query != NULL ? scope->call->query(scope->call->query_context, name) : NULL;
}

/* The format asked for, JSON by default; NULL with the answer filled when it is none. */
static const struct format_row *format_asked(const struct api_scope *scope,
                                             struct api_answer *answer)
{
    const char *name = api_query(scope, "format");
    for (size_t i = 0; i < OFT_COUNT_OF(FORMATS); i++) {
        if (name == NULL || strcmp(name, FORMATS[i].name) == 0) {
            return &FORMATS[i];
        }
    }
    api_answer_error(answer, 400, "bad_request", "format must be text, json or csv", NULL);
    return NULL;
}

static void report_end(struct api_answer *answer, const struct format_row *format, enum oft_err err,
                       const struct oft_error *error)
{
    if (err != OFT_OK) {
        api_answer_fault(answer, err, error, NULL);
        return;
    }
    answer->status = 200;
    answer->content_type = format->content_type;
}

void api_get_commitments(const struct api_scope *scope, struct api_answer *answer)
{
    const struct format_row *format = format_asked(scope, answer);
    if (format == NULL) {
        return;
    }
    struct oft_error error = {0};
    enum oft_err err = engine_commitments(scope->options->engine, scope->now_ns, format->format,
                                          &answer->body, &error);
    report_end(answer, format, err, &error);
}

/* All of them, or the one of the path. */
void api_get_programmes(const struct api_scope *scope, struct api_answer *answer)
{
    const char *at_text = api_query(scope, "at");
    const struct format_row *format = format_asked(scope, answer);
    bool all = scope->id == NULL || scope->id[0] == '\0';
    oft_instant at = 0;
    if (format == NULL) {
        return;
    }
    if (at_text != NULL && oft_instant_parse(oft_str_from(at_text), &at) != OFT_OK) {
        api_answer_error(answer, 400, "bad_request",
                         "\"at\" is no instant; write 2026-01-01 or 2026-01-01T12:00:00Z", NULL);
        return;
    }
    struct oft_error error = {0};
    enum oft_err err = engine_programmes(scope->options->engine, all ? NULL : scope->id,
                                         at_text != NULL ? &at : NULL, scope->now_ns,
                                         format->format, &answer->body, &error);
    report_end(answer, format, err, &error);
}

void api_get_forecast(const struct api_scope *scope, struct api_answer *answer)
{
    const char *at_text = api_query(scope, "at");
    const struct format_row *format = format_asked(scope, answer);
    oft_instant at = 0;
    if (format == NULL) {
        return;
    }
    if (format->format == LEDGER_CSV) {
        api_answer_error(answer, 400, "bad_request", "a forecast is text or json", NULL);
        return;
    }
    if (at_text != NULL && oft_instant_parse(oft_str_from(at_text), &at) != OFT_OK) {
        api_answer_error(answer, 400, "bad_request",
                         "\"at\" is no instant; write 2026-01-01 or 2026-01-01T12:00:00Z", NULL);
        return;
    }
    struct oft_error error = {0};
    enum oft_err err = engine_forecast(scope->options->engine, at_text == NULL ? NULL : &at,
                                       scope->now_ns, format->format, &answer->body, &error);
    report_end(answer, format, err, &error);
}

void api_get_usage(const struct api_scope *scope, struct api_answer *answer)
{
    const struct format_row *format = format_asked(scope, answer);
    if (format == NULL) {
        return;
    }
    struct oft_error error = {0};
    enum oft_err err = engine_usage(scope->options->engine, format->format, &answer->body, &error);
    report_end(answer, format, err, &error);
}

void api_get_ledger_verify(const struct api_scope *scope, struct api_answer *answer)
{
    const struct format_row *format = format_asked(scope, answer);
    if (format == NULL) {
        return;
    }
    bool sound = false;
    struct oft_error error = {0};
    enum oft_err err =
        engine_verify(scope->options->engine, format->format, &answer->body, &sound, &error);
    report_end(answer, format, err, &error);
    answer->unsound = err == OFT_OK && !sound;
}
