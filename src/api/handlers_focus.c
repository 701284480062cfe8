/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FOCUS files over the API: CSV, as the specification names its columns.
 */
#include <string.h>

#include "api/routes.h"

void api_get_focus(const struct api_scope *scope, struct api_answer *answer)
{
    const char *dataset = api_query(scope, "dataset");
    const char *version = api_query(scope, "version");
    const char *month_text = api_query(scope, "month");
    const char *by = api_query(scope, "by");
    bool by_day = by != NULL && strcmp(by, "day") == 0;
    int32_t month;
    if (dataset == NULL || version == NULL || month_text == NULL ||
        oft_month_parse(oft_str_from(month_text), &month) != OFT_OK ||
        (by != NULL && !by_day && strcmp(by, "month") != 0)) {
        api_answer_error(answer, 400, "bad_request",
                         "a FOCUS file needs dataset=cost-and-usage or contract-commitment, "
                         "version=1.2, 1.3 or 1.4, and month=YYYY-MM, and takes by=day or by=month",
                         NULL);
        return;
    }
    struct oft_error error = {0};
    enum oft_err err = engine_focus(scope->options->engine, dataset, version, month, by_day,
                                    scope->now_ns, &answer->body, &error);
    if (err != OFT_OK) {
        api_answer_fault(answer, err, &error, NULL);
        return;
    }
    answer->status = 200;
    answer->content_type = "text/csv; charset=utf-8";
}

void api_get_metering(const struct api_scope *scope, struct api_answer *answer)
{
    const char *month_text = api_query(scope, "month");
    const char *by = api_query(scope, "by");
    bool by_hour = by != NULL && strcmp(by, "hour") == 0;
    int32_t month;
    if (month_text == NULL || oft_month_parse(oft_str_from(month_text), &month) != OFT_OK ||
        (by != NULL && !by_hour && strcmp(by, "day") != 0)) {
        api_answer_error(answer, 400, "bad_request",
                         "our own metering needs month=YYYY-MM, and takes by=day or by=hour", NULL);
        return;
    }
    struct oft_error error = {0};
    enum oft_err err = engine_metering(scope->options->engine, month, by_hour, scope->now_ns,
                                       &answer->body, &error);
    if (err != OFT_OK) {
        api_answer_fault(answer, err, &error, NULL);
        return;
    }
    answer->status = 200;
    answer->content_type = "text/csv; charset=utf-8";
}
