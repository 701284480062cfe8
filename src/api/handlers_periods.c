/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Periods and statements. Who does something says so by name ("by"): the socket and the admin token open
 * the door to the whole house, and the books keep the name.
 */
#include <stdlib.h>
#include <string.h>

#include "api/routes.h"
#include "base/hash.h"
#include "engine/periods.h"
#include "engine/trace.h"

static const struct {
    const char *name;
    const char *content_type;
} FORMS[ENGINE_FORM_COUNT] = {
    [ENGINE_TEXT] = {"text", "text/plain; charset=utf-8"},
    [ENGINE_JSON] = {"json", "application/json"},
    [ENGINE_CSV] = {"csv", "text/csv; charset=utf-8"},
    [ENGINE_PDF] = {"pdf", "application/pdf"},
};

/* The form asked for, JSON by default; false with the answer filled when it is none. */
static bool form_asked(const struct api_scope *scope, struct api_answer *answer,
                       enum engine_form *ret_form)
{
    const char *name = api_query(scope, "format");
    *ret_form = ENGINE_JSON;
    for (int i = 0; name != NULL && i < ENGINE_FORM_COUNT; i++) {
        if (strcmp(name, FORMS[i].name) == 0) {
            *ret_form = (enum engine_form)i;
            return true;
        }
    }
    if (name != NULL) {
        api_answer_error(answer, 400, "bad_request", "format must be text, json, csv or pdf", NULL);
    }
    return name == NULL;
}

static void end(struct api_answer *answer, unsigned status, const char *content_type,
                enum oft_err err, const struct oft_error *error)
{
    if (err != OFT_OK) {
        api_answer_fault(answer, err, error, NULL);
        return;
    }
    answer->status = status;
    answer->content_type = content_type;
}

/* A whole number of a query or a path; 0 when it is not there, false when it is none. */
static bool number_of(const char *text, uint64_t *ret_number)
{
    char *stop = NULL;
    *ret_number = 0;
    if (text == NULL) {
        return true;
    }
    if (text[0] < '0' || text[0] > '9' || strlen(text) > 18) {
        return false;
    }
    *ret_number = strtoull(text, &stop, 10);
    return *stop == '\0';
}

static const char *body_text(const struct api_scope *scope, const char *name)
{
    return json_string_value(json_object_get(scope->body, name));
}

/* ---- periods ---------------------------------------------------------------------------------- */

void api_get_periods(const struct api_scope *scope, struct api_answer *answer)
{
    struct oft_error error = {0};
    enum oft_err err = engine_periods(scope->options->engine, scope->now_ns, &answer->body, &error);
    end(answer, 200, "application/json", err, &error);
}

static void close_period(const struct api_scope *scope, struct api_answer *answer, bool soft)
{
    int32_t month;
    const char *by = body_text(scope, "by");
    if (by == NULL || oft_month_parse(oft_str_from(scope->id), &month) != OFT_OK) {
        api_answer_error(answer, 400, "bad_request",
                         "say which month (YYYY-MM) in the path and who closes it in \"by\"", NULL);
        return;
    }
    struct oft_error error = {0};
    enum oft_err err = engine_period_close(scope->options->engine, month, soft, by, scope->now_ns,
                                           &answer->body, &error);
    end(answer, 200, "application/json", err, &error);
}

void api_post_period_soft_close(const struct api_scope *scope, struct api_answer *answer)
{
    close_period(scope, answer, true);
}

void api_post_period_close(const struct api_scope *scope, struct api_answer *answer)
{
    close_period(scope, answer, false);
}

/* ---- statements ------------------------------------------------------------------------------- */

/* As it was made: `transaction` in the query says so, and the others with it. */
static bool basis_asked(const struct api_scope *scope, struct engine_basis *basis,
                        oft_instant *ret_recorded_by)
{
    const char *recorded_by = api_query(scope, "recorded_by");
    const char *month = api_query(scope, "month");
    const char *as_of = api_query(scope, "as_of");
    basis->party = api_query(scope, "party");
    basis->as_was = api_query(scope, "transaction") != NULL;
    return basis->party != NULL && basis->party[0] != '\0' && month != NULL &&
           oft_month_parse(oft_str_from(month), &basis->month) == OFT_OK &&
           number_of(api_query(scope, "transaction"), &basis->transaction) &&
           number_of(api_query(scope, "generation"), &basis->generation) &&
           number_of(api_query(scope, "number"), &basis->number) &&
           number_of(api_query(scope, "life"), &basis->life) &&
           (as_of == NULL || oft_instant_parse(oft_str_from(as_of), &basis->as_of) == OFT_OK) &&
           (recorded_by == NULL ||
            oft_instant_parse(oft_str_from(recorded_by), ret_recorded_by) == OFT_OK);
}

void api_get_statement(const struct api_scope *scope, struct api_answer *answer)
{
    struct engine_basis basis = {0};
    oft_instant recorded_by = 0;
    enum engine_form form;
    if (!form_asked(scope, answer, &form)) {
        return;
    }
    if (!basis_asked(scope, &basis, &recorded_by)) {
        api_answer_error(answer, 400, "bad_request",
                         "a statement needs party=NAME and month=YYYY-MM; transaction, "
                         "generation, number and life are whole numbers, as_of and recorded_by "
                         "instants",
                         NULL);
        return;
    }
    struct oft_error error = {0};
    enum oft_err err = OFT_OK;
    if (api_query(scope, "recorded_by") != NULL) {
        err = engine_basis_at(scope->options->engine, recorded_by, &basis, &error);
    }
    if (err == OFT_OK) {
        err = engine_paper(scope->options->engine, &basis, form, scope->now_ns, &answer->body,
                           &error);
    }
    end(answer, 200, FORMS[form].content_type, err, &error);
}

void api_get_statements(const struct api_scope *scope, struct api_answer *answer)
{
    struct oft_error error = {0};
    enum oft_err err = engine_statement_list(scope->options->engine, &answer->body, &error);
    end(answer, 200, "application/json", err, &error);
}

void api_post_statements(const struct api_scope *scope, struct api_answer *answer)
{
    int32_t month;
    const char *party = body_text(scope, "party");
    const char *by = body_text(scope, "by");
    const char *month_text = body_text(scope, "month");
    if (party == NULL || by == NULL || month_text == NULL ||
        oft_month_parse(oft_str_from(month_text), &month) != OFT_OK) {
        api_answer_error(answer, 400, "bad_request",
                         "a draft needs \"party\", \"month\" (YYYY-MM) and \"by\"", NULL);
        return;
    }
    struct oft_error error = {0};
    enum oft_err err = engine_statement_draft(scope->options->engine, party, month, by,
                                              scope->now_ns, &answer->body, &error);
    end(answer, 201, "application/json", err, &error);
}

/* The statement of the path; false with the answer filled when it is no number. */
static bool statement_asked(const struct api_scope *scope, struct api_answer *answer,
                            uint64_t *ret_number)
{
    if (number_of(scope->id, ret_number) && *ret_number > 0) {
        return true;
    }
    api_answer_error(answer, 404, "not_found", "statements have numbers: 1, 2, ...", NULL);
    return false;
}

void api_get_statement_one(const struct api_scope *scope, struct api_answer *answer)
{
    uint64_t number;
    enum engine_form form;
    if (!statement_asked(scope, answer, &number) || !form_asked(scope, answer, &form)) {
        return;
    }
    struct oft_error error = {0};
    enum oft_err err =
        engine_statement_show(scope->options->engine, number, form, &answer->body, &error);
    end(answer, 200, FORMS[form].content_type, err, &error);
}

typedef enum oft_err (*step_fn)(struct engine *engine, uint64_t number, const char *actor,
                                oft_instant now_ns, struct oft_buffer *out,
                                struct oft_error *reterr);

static void step(const struct api_scope *scope, struct api_answer *answer, unsigned status,
                 step_fn act)
{
    uint64_t number;
    const char *by = body_text(scope, "by");
    if (!statement_asked(scope, answer, &number)) {
        return;
    }
    if (by == NULL) {
        api_answer_error(answer, 400, "bad_request", "say who does it in \"by\"", NULL);
        return;
    }
    struct oft_error error = {0};
    enum oft_err err =
        act(scope->options->engine, number, by, scope->now_ns, &answer->body, &error);
    end(answer, status, "application/json", err, &error);
}

void api_get_statement_approval(const struct api_scope *scope, struct api_answer *answer)
{
    uint64_t number;
    const char *by = api_query(scope, "by");
    struct oft_error error = {0};
    if (!statement_asked(scope, answer, &number)) {
        return;
    }
    if (by == NULL) {
        api_answer_error(answer, 400, "bad_request", "say who would approve it in \"by\"", NULL);
        return;
    }
    enum oft_err err =
        engine_statement_approval(scope->options->engine, number, by, &answer->body, &error);
    end(answer, 200, "application/json", err, &error);
}

void api_post_statement_approve(const struct api_scope *scope, struct api_answer *answer)
{
    uint64_t number;
    uint8_t signature[64];
    const json_t *hex = json_object_get(scope->body, "signature");
    const char *by = body_text(scope, "by");
    struct oft_error error = {0};
    if (hex == NULL) {
        step(scope, answer, 200, engine_statement_approve);
        return;
    }
    if (!statement_asked(scope, answer, &number)) {
        return;
    }
    if (by == NULL || !json_is_string(hex) ||
        oft_unhex(oft_str_from(json_string_value(hex)), signature, sizeof(signature)) != OFT_OK) {
        api_answer_error(answer, 400, "bad_request",
                         "say who does it in \"by\"; \"signature\" is 128 hexadecimal digits",
                         NULL);
        return;
    }
    enum oft_err err = engine_statement_approve_signed(
        scope->options->engine, number, by, signature, scope->now_ns, &answer->body, &error);
    end(answer, 200, "application/json", err, &error);
}

void api_post_statement_final(const struct api_scope *scope, struct api_answer *answer)
{
    step(scope, answer, 200, engine_statement_final);
}

void api_post_statement_restate(const struct api_scope *scope, struct api_answer *answer)
{
    step(scope, answer, 201, engine_statement_restate);
}
