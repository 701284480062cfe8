/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking back: a request's lines, a line's requests, balances as of an instant, and the journal for
 * other programs, in pages.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/routes.h"
#include "engine/trace.h"

enum { TRACE_DEFAULT = 200, TRACE_MAX = 1000 };

/* ---- parameters -------------------------------------------------------------------------------- */

static bool take_number(const struct api_scope *scope, const char *name, uint64_t otherwise,
                        uint64_t *ret, struct api_answer *answer)
{
    const char *text = api_query(scope, name);
    *ret = otherwise;
    if (text == NULL) {
        return true;
    }
    if (text[0] == '\0' || strlen(text) > 18 || strspn(text, "0123456789") != strlen(text)) {
        api_answer_error(answer, 400, "bad_request", "limit, from and through are whole numbers",
                         NULL);
        return false;
    }
    *ret = strtoull(text, NULL, 10);
    return true;
}

static bool take_as_of(const struct api_scope *scope, oft_instant *ret, struct api_answer *answer)
{
    const char *text = api_query(scope, "as_of");
    *ret = OFT_INSTANT_NEVER;
    if (text == NULL || oft_instant_parse(oft_str_from(text), ret) == OFT_OK) {
        return true;
    }
    api_answer_error(answer, 400, "bad_request", "as_of is an instant, 2026-04-30T12:00:00Z", NULL);
    return false;
}

static bool take_month(const struct api_scope *scope, const char *name, int32_t otherwise,
                       int32_t *ret, struct api_answer *answer)
{
    const char *text = api_query(scope, name);
    *ret = otherwise;
    if (text == NULL || oft_month_parse(oft_str_from(text), ret) == OFT_OK) {
        return true;
    }
    api_answer_error(answer, 400, "bad_request", "month and until are months, 2026-04", NULL);
    return false;
}

static bool take_which(const struct api_scope *scope, struct engine_as_of *which,
                       struct api_answer *answer)
{
    int32_t month;
    if (!take_as_of(scope, &which->as_of, answer) ||
        !take_month(scope, "until", INT32_MAX, &which->through, answer) ||
        !take_month(scope, "month", INT32_MIN, &month, answer)) {
        return false;
    }
    which->from = month;
    if (month != INT32_MIN) {
        if (which->through != INT32_MAX) {
            api_answer_error(answer, 400, "bad_request", "give month or until, not both", NULL);
            return false;
        }
        which->through = month;
    }
    return true;
}

/* Into RET; CSV only where it is one. */
static bool take_format(const struct api_scope *scope, bool csv, enum ledger_format *ret,
                        struct api_answer *answer)
{
    const char *name = api_query(scope, "format");
    *ret = LEDGER_JSON;
    answer->content_type = "application/json";
    if (name != NULL && strcmp(name, "text") == 0) {
        *ret = LEDGER_TEXT;
        answer->content_type = "text/plain; charset=utf-8";
    } else if (name != NULL && csv && strcmp(name, "csv") == 0) {
        *ret = LEDGER_CSV;
        answer->content_type = "text/csv; charset=utf-8";
    } else if (name != NULL && strcmp(name, "json") != 0) {
        api_answer_error(answer, 400, "bad_request",
                         csv ? "format must be text, json or csv" : "format must be text or json",
                         NULL);
        return false;
    }
    return true;
}

static void finish(struct api_answer *answer, enum oft_err err, const struct oft_error *error)
{
    if (err != OFT_OK) {
        api_answer_fault(answer, err, error, NULL);
        return;
    }
    answer->status = 200;
}

/* ---- handlers ---------------------------------------------------------------------------------- */

void api_get_trace(const struct api_scope *scope, struct api_answer *answer)
{
    uint64_t limit;
    enum ledger_format format;
    bool sound = false;
    struct oft_error error = {0};
    if (!take_number(scope, "limit", TRACE_DEFAULT, &limit, answer) ||
        !take_format(scope, false, &format, answer)) {
        return;
    }
    enum oft_err err = engine_trace(scope->options->engine, scope->id,
                                    limit > TRACE_MAX ? TRACE_MAX : (uint32_t)limit, format,
                                    &answer->body, &sound, &error);
    finish(answer, err, &error);
    answer->unsound = err == OFT_OK && !sound;
}

void api_get_balance(const struct api_scope *scope, struct api_answer *answer)
{
    struct engine_as_of which;
    enum ledger_format format;
    struct oft_error error = {0};
    if (!take_which(scope, &which, answer) || !take_format(scope, true, &format, answer)) {
        return;
    }
    enum oft_err err = engine_balance(scope->options->engine, api_query(scope, "account"), &which,
                                      format, &answer->body, &error);
    finish(answer, err, &error);
}

void api_get_ledger_export(const struct api_scope *scope, struct api_answer *answer)
{
    static const char *const NAMES[] = {"hledger", "beancount", "csv"};
    const char *name = api_query(scope, "format");
    struct engine_as_of which;
    struct engine_page page = {0};
    struct oft_error error = {0};
    size_t journal = 0;
    while (journal < OFT_COUNT_OF(NAMES) && (name == NULL || strcmp(name, NAMES[journal]) != 0)) {
        journal++;
    }
    if (journal == OFT_COUNT_OF(NAMES)) {
        api_answer_error(answer, 400, "bad_request", "format must be hledger, beancount or csv",
                         NULL);
        return;
    }
    if (!take_which(scope, &which, answer) || !take_number(scope, "from", 0, &page.from, answer) ||
        !take_number(scope, "through", 0, &page.through, answer)) {
        return;
    }
    enum oft_err err = engine_export(scope->options->engine, (enum ledger_journal)journal, &which,
                                     &page, &answer->body, &error);
    finish(answer, err, &error);
    if (err != OFT_OK) {
        return;
    }
    answer->content_type =
        journal == LEDGER_JOURNAL_CSV ? "text/csv; charset=utf-8" : "text/plain; charset=utf-8";
    if (page.next != 0) {
        (void)snprintf(answer->next, sizeof answer->next, "from=%llu&through=%llu",
                       (unsigned long long)page.next, (unsigned long long)page.through);
    }
}
