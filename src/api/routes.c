/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of routes, and the way of a call through the checks to its handler. Handlers live in
 * handlers_*.c; who may ask is decided in access.c.
 */
#include "api/routes.h"

#include <stdlib.h>
#include <string.h>

static const struct api_route ROUTES[] = {
    {"GET", "/v1/status", api_get_status, false},
    {"POST", "/v1/reload", api_post_reload, false},
    {"POST", "/v1/drain", api_post_drain, false},
    {"POST", "/v1/attest", api_post_attest, true},
    {"GET", "/v1/attestations", api_get_attestations, false},
    {"GET", "/v1/keys", api_get_keys, false},
    {"POST", "/v1/keys", api_post_keys, true},
    {"DELETE", "/v1/keys/", api_delete_key, false},
    {"GET", "/v1/statement", api_get_statement, false},
    {"GET", "/v1/commitments", api_get_commitments, false},
    {"GET", "/v1/usage", api_get_usage, false},
    {"GET", "/v1/ledger/verify", api_get_ledger_verify, false},
};

const struct api_route *api_routes(size_t *ret_count)
{
    *ret_count = OFT_COUNT_OF(ROUTES);
    return ROUTES;
}

/* Whether PATH is the route's; *ret_id is the last segment where the route takes one. */
static bool path_matches(const struct api_route *route, const char *path, const char **ret_id)
{
    size_t length = strlen(route->path);
    *ret_id = "";
    if (route->path[length - 1] != '/') {
        return strcmp(route->path, path) == 0;
    }
    if (strncmp(route->path, path, length) != 0) {
        return false;
    }
    *ret_id = path + length;
    return (*ret_id)[0] != '\0' && strchr(*ret_id, '/') == NULL;
}

static const char *allow_text(const char *path)
{
    static const char *const TEXTS[] = {"", "GET", "POST", "GET, POST", "DELETE"};
    unsigned set = 0;
    const char *id;
    for (size_t i = 0; i < OFT_COUNT_OF(ROUTES); i++) {
        if (path_matches(&ROUTES[i], path, &id)) {
            set |= strcmp(ROUTES[i].method, "GET") == 0    ? 1u
                   : strcmp(ROUTES[i].method, "POST") == 0 ? 2u
                                                           : 4u;
        }
    }
    return set < OFT_COUNT_OF(TEXTS) ? TEXTS[set] : "";
}

/* A JSON object from the call's body, or NULL with the answer filled. */
static json_t *body_parse(const struct api_call *call, struct api_answer *answer)
{
    if (call->content_type == NULL ||
        strncasecmp(call->content_type, "application/json", strlen("application/json")) != 0) {
        api_answer_error(answer, 400, "bad_request", "the body must be sent as application/json",
                         NULL);
        return NULL;
    }
    json_error_t where;
    json_t *body = json_loadb(call->body, call->body_length, JSON_REJECT_DUPLICATES, &where);
    if (json_is_object(body)) {
        return body;
    }
    char message[256];
    if (body == NULL) {
        (void)snprintf(message, sizeof message, "the body is not JSON: line %d, column %d: %s",
                       where.line, where.column, where.text);
    } else {
        (void)snprintf(message, sizeof message, "the body must be a JSON object");
    }
    api_answer_error(answer, 400, "bad_request", message, NULL);
    json_decref(body);
    return NULL;
}

static void route_run(const struct api_route *route, struct api_scope *scope,
                      struct api_answer *answer)
{
    json_t *body = NULL;
    if (scope->call->body_too_long) {
        api_answer_error(answer, 413, "too_large", "the body is longer than the admin API takes",
                         NULL);
        return;
    }
    if (route->wants_body) {
        body = body_parse(scope->call, answer);
        if (body == NULL) {
            return;
        }
    }
    scope->body = body;
    scope->now_ns = scope->options->clock();
    route->handler(scope, answer);
    json_decref(body);
}

void api_dispatch(const struct api_options *options, const struct api_call *call,
                  struct api_answer *answer)
{
    const char *reason = "";
    unsigned refused = api_refuses(options, call, &reason);
    if (refused != 0) {
        api_answer_error(answer, refused, refused == 401 ? "unauthorized" : "forbidden", reason,
                         NULL);
        return;
    }
    struct api_scope scope = {.options = options, .call = call};
    bool path_known = false;
    for (size_t i = 0; i < OFT_COUNT_OF(ROUTES); i++) {
        if (path_matches(&ROUTES[i], call->path, &scope.id)) {
            path_known = true;
            if (strcmp(ROUTES[i].method, call->method) == 0) {
                route_run(&ROUTES[i], &scope, answer);
                return;
            }
        }
    }
    if (!path_known) {
        api_answer_error(answer, 404, "not_found",
                         "there is no such path; docs/admin-api.md lists them", NULL);
        return;
    }
    api_answer_error(answer, 405, "method_not_allowed", "this path does not take that method",
                     NULL);
    answer->allow = allow_text(call->path);
}
