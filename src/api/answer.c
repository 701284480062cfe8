/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How answers are made: JSON, the one form of errors, and which status an engine's error becomes.
 */
#include <stdlib.h>
#include <string.h>

#include "api/routes.h"

void api_answer_json(struct api_answer *answer, unsigned status, json_t *object)
{
    char *text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
    oft_buffer_clear(&answer->body);
    answer->content_type = "application/json";
    answer->status = status;
    if (text != NULL) {
        oft_buffer_append_text(&answer->body, text);
        oft_buffer_append_char(&answer->body, '\n');
    }
    if (text == NULL || answer->body.failed) {
        answer->status = 503; /* the server sends it without a body */
    }
    free(text);
    json_decref(object);
}

/* Text of ours may quote what a client sent; JSON takes UTF-8 alone. */
static json_t *text_json(const char *text)
{
    json_t *value = json_string(text);
    if (value != NULL) {
        return value;
    }
    char *plain = strdup(text);
    for (char *c = plain; c != NULL && *c != '\0'; c++) {
        if ((unsigned char)*c >= 0x80) {
            *c = '?';
        }
    }
    value = plain != NULL ? json_string(plain) : NULL;
    free(plain);
    return value;
}

void api_answer_error(struct api_answer *answer, unsigned status, const char *code,
                      const char *message, const char *report)
{
    json_t *inner = json_pack("{s:s, s:o}", "code", code, "message", text_json(message));
    if (inner != NULL && report != NULL && report[0] != '\0' &&
        json_object_set_new(inner, "report", text_json(report)) != 0) {
        json_decref(inner);
        inner = NULL;
    }
    api_answer_json(answer, status, inner != NULL ? json_pack("{s:o}", "error", inner) : NULL);
}

struct fault_row {
    enum oft_err err;
    unsigned status;
    const char *code;
};
static const struct fault_row FAULTS[] = {
    {OFT_ERR_NOT_FOUND, 404, "not_found"},
    {OFT_ERR_EXISTS, 409, "exists"},
    {OFT_ERR_CONFLICT, 409, "conflict"},
    {OFT_ERR_INVALID, 400, "invalid"},
    {OFT_ERR_SYNTAX, 400, "invalid"},
    {OFT_ERR_RANGE, 400, "invalid"},
    {OFT_ERR_LIMIT, 413, "too_large"},
    {OFT_ERR_DENIED, 403, "forbidden"},
    {OFT_ERR_BUSY, 503, "busy"},
    {OFT_ERR_FULL, 503, "full"},
    {OFT_ERR_MEMORY, 503, "out_of_memory"},
};

void api_answer_fault(struct api_answer *answer, enum oft_err err, const struct oft_error *error,
                      const char *report)
{
    const char *message = error->message[0] != '\0' ? error->message : oft_err_text(err);
    for (size_t i = 0; i < OFT_COUNT_OF(FAULTS); i++) {
        if (FAULTS[i].err == err) {
            api_answer_error(answer, FAULTS[i].status, FAULTS[i].code, message, report);
            return;
        }
    }
    api_answer_error(answer, 500, "internal", message, report);
}
