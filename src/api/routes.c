/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a call through the checks to its handler. The table is in route_table.c, handlers live in
 * handlers_*.c; who may ask is decided in access.c.
 */
#include "api/routes.h"

#include <stdlib.h>
#include <string.h>

bool api_path_matches(const char *template, const char *path, char id[API_ID_BYTES])
{
    static const char GAP[] = "{id}";
    const char *gap = strstr(template, GAP);
    id[0] = '\0';
    if (gap == NULL) {
        return strcmp(template, path) == 0;
    }
    size_t before = (size_t)(gap - template);
    if (strncmp(template, path, before) != 0) {
        return false;
    }
    size_t length = strcspn(path + before, "/");
    if (length == 0 || length >= API_ID_BYTES ||
        strcmp(path + before + length, gap + sizeof GAP - 1) != 0) {
        return false;
    }
    memcpy(id, path + before, length);
    id[length] = '\0';
    return true;
}

/* The methods that PATH takes, as bits; what it is called for METHOD goes into SCOPE and ID. */
static unsigned find(const char *method, const char *path, struct api_scope *scope,
                     char id[API_ID_BYTES])
{
    static const char *const METHODS[] = {"GET", "POST", "DELETE"};
    size_t count;
    char segment[API_ID_BYTES];
    const struct api_route *routes = api_routes(&count);
    unsigned set = 0;
    for (size_t i = 0; i < count; i++) {
        if (!api_path_matches(routes[i].path, path, segment)) {
            continue;
        }
        for (unsigned bit = 0; bit < OFT_COUNT_OF(METHODS); bit++) {
            set |= strcmp(routes[i].method, METHODS[bit]) == 0 ? 1u << bit : 0;
        }
        if (scope->route == NULL && strcmp(routes[i].method, method) == 0) {
            scope->route = &routes[i];
            memcpy(id, segment, sizeof segment);
        }
    }
    const struct desk_act *act = desk_act_of_path(path);
    if (act != NULL) {
        set |= 2u;
        scope->act = scope->route == NULL && strcmp(method, "POST") == 0 ? act : NULL;
    }
    return set;
}

static const char *allow_text(unsigned set)
{
    static const char *const TEXTS[] = {
        "",       "GET",         "POST",         "GET, POST",
        "DELETE", "GET, DELETE", "POST, DELETE", "GET, POST, DELETE"};
    return TEXTS[set & 7u];
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

static void route_run(struct api_scope *scope, struct api_answer *answer)
{
    json_t *body = NULL;
    if (scope->call->body_too_long) {
        api_answer_error(answer, 413, "too_large", "the body is longer than the admin API takes",
                         NULL);
        return;
    }
    if (scope->act != NULL || scope->route->wants_body) {
        body = body_parse(scope->call, answer);
        if (body == NULL) {
            return;
        }
    }
    scope->body = body;
    scope->now_ns = scope->options->clock();
    (scope->act != NULL ? api_post_act : scope->route->handler)(scope, answer);
    json_decref(body);
}

/* A party has business at the desk and nowhere else; what is there beside its own it is not told. */
static bool party_may(const struct api_scope *scope)
{
    static const char DESK[] = "/v1/desk";
    size_t length = sizeof DESK - 1;
    const char *path = scope->call->path;
    bool at_desk =
        strncmp(path, DESK, length) == 0 && (path[length] == '\0' || path[length] == '/');
    return at_desk && (scope->route == NULL || scope->route->parties);
}

void api_dispatch(const struct api_options *options, const struct api_call *call,
                  struct api_answer *answer)
{
    const char *reason = "";
    char party[ENGINE_PARTY_BYTES] = "", id[API_ID_BYTES] = "";
    unsigned refused = api_refuses(options, call, party, &reason);
    if (refused != 0) {
        const char *code = refused == 401 ? "unauthorized" : refused == 403 ? "forbidden" : "busy";
        api_answer_error(answer, refused, code, reason, NULL);
        return;
    }
    struct api_scope scope = {
        .options = options, .call = call, .id = id, .party = party[0] != '\0' ? party : NULL};
    unsigned methods = find(call->method, call->path, &scope, id);
    if (scope.party != NULL && !party_may(&scope)) {
        api_answer_error(answer, 403, "forbidden",
                         "a party's token opens its own part of /v1/desk and nothing else", NULL);
    } else if (methods == 0) {
        api_answer_error(answer, 404, "not_found",
                         "there is no such path; docs/admin-api.md lists them", NULL);
    } else if (scope.route == NULL && scope.act == NULL) {
        api_answer_error(answer, 405, "method_not_allowed", "this path does not take that method",
                         NULL);
        answer->allow = allow_text(methods);
    } else {
        route_run(&scope, answer);
    }
}
