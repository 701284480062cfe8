/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told of funding programmes. Who tells it says so by name ("by") and gives it a reference of their
 * own, under which it is done once.
 */
#include <string.h>

#include "api/routes.h"
#include "engine/programmes.h"

static const char *body_text(const struct api_scope *scope, const char *name)
{
    const char *text = json_string_value(json_object_get(scope->body, name));
    return text != NULL ? text : "";
}

/* "1234567.89", or as deals write it: "10bn". */
static bool amount_of(const char *text, oft_nanos *ret_amount)
{
    static const struct {
        const char *name;
        int64_t times;
    } SUFFIXES[] = {
        {"tn", 1000000000000}, {"bn", 1000000000}, {"m", 1000000}, {"k", 1000}, {"", 1}};
    size_t length = strlen(text);
    for (size_t i = 0; i < OFT_COUNT_OF(SUFFIXES); i++) {
        size_t suffix = strlen(SUFFIXES[i].name);
        oft_nanos amount;
        if (length > suffix && strcmp(text + length - suffix, SUFFIXES[i].name) == 0) {
            return oft_decimal_parse((struct oft_str){text, length - suffix}, 9, &amount) ==
                       OFT_OK &&
                   oft_nanos_mul(amount, SUFFIXES[i].times, ret_amount) == OFT_OK;
        }
    }
    return false;
}

static void tell(const struct api_scope *scope, struct api_answer *answer,
                 enum ledger_series_kind kind)
{
    const bool draw = kind == LEDGER_FUND_DRAW;
    const char *day = body_text(scope, kind == LEDGER_FUND_CALL ? "due" : "on");
    struct engine_fund_ask ask = {
        .kind = kind,
        .programme = scope->id,
        .funder = kind == LEDGER_FUND_PAYMENT ? body_text(scope, "funder") : "",
        .order = draw ? body_text(scope, "order") : "",
        .actor = body_text(scope, "by"),
        .reference = body_text(scope, "reference"),
    };
    if (!amount_of(body_text(scope, "amount"), &ask.amount)) {
        api_answer_error(answer, 400, "bad_request",
                         "\"amount\" is a text like \"1250000.50\" or \"10bn\"", NULL);
        return;
    }
    if (!draw && oft_instant_parse(oft_str_from(day), &ask.day) != OFT_OK) {
        api_answer_error(answer, 400, "bad_request",
                         kind == LEDGER_FUND_CALL ? "\"due\" is a day like 2026-04-01"
                                                  : "\"on\" is a day like 2026-04-01",
                         NULL);
        return;
    }
    struct oft_error error = {0};
    enum oft_err err =
        engine_fund_tell(scope->options->engine, &ask, scope->now_ns, &answer->body, &error);
    if (err != OFT_OK) {
        api_answer_fault(answer, err, &error, NULL);
        return;
    }
    answer->status = 201;
    answer->content_type = "application/json";
}

void api_post_programme_call(const struct api_scope *scope, struct api_answer *answer)
{
    tell(scope, answer, LEDGER_FUND_CALL);
}

void api_post_programme_payment(const struct api_scope *scope, struct api_answer *answer)
{
    tell(scope, answer, LEDGER_FUND_PAYMENT);
}

void api_post_programme_draw(const struct api_scope *scope, struct api_answer *answer)
{
    tell(scope, answer, LEDGER_FUND_DRAW);
}
