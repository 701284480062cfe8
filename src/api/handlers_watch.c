/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For those who watch: metrics for Prometheus, and the state that `offtake top` draws.
 */
#include "api/routes.h"

static void extra_ask(const struct api_scope *scope, struct engine_watch_extra *ret_extra)
{
    *ret_extra = (struct engine_watch_extra){0};
    if (scope->options->watch_extra != NULL) {
        scope->options->watch_extra(scope->options->context, ret_extra);
    }
}

void api_get_metrics(const struct api_scope *scope, struct api_answer *answer)
{
    struct oft_error error = {0};
    struct engine_watch_extra extra;
    extra_ask(scope, &extra);
    enum oft_err err =
        engine_metrics(scope->options->engine, &extra, scope->now_ns, &answer->body, &error);
    if (err != OFT_OK) {
        api_answer_fault(answer, err, &error, NULL);
        return;
    }
    answer->status = 200;
    answer->content_type = "text/plain; version=0.0.4; charset=utf-8";
}

void api_get_top(const struct api_scope *scope, struct api_answer *answer)
{
    struct oft_error error = {0};
    struct engine_watch_extra extra;
    extra_ask(scope, &extra);
    enum oft_err err =
        engine_top(scope->options->engine, &extra, scope->now_ns, &answer->body, &error);
    if (err != OFT_OK) {
        api_answer_fault(answer, err, &error, NULL);
        return;
    }
    answer->status = 200;
    answer->content_type = "application/json";
}
