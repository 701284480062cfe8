/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OpenAPI 3.1 document of the whole admin API, made from the table of routes and the table of the
 * desk's acts: what is not in a table cannot be asked, what is in one is in the document.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "api/routes.h"

/* ---- small parts ------------------------------------------------------------------------------- */

static json_t *reference(const char *kind, const char *name)
{
    char text[160];
    (void)snprintf(text, sizeof text, "#/components/%s/%s", kind, name);
    return json_pack("{s:s}", "$ref", text);
}

static json_t *content(const char *type, json_t *schema)
{
    return json_pack("{s:{s:o}}", type, "schema", schema);
}

static json_t *text_schema(void)
{
    return json_pack("{s:s}", "type", "string");
}

static json_t *parameter(const char *name, const char *where, bool required, const char *words)
{
    return json_pack("{s:s, s:s, s:b, s:s, s:{s:s}}", "name", name, "in", where, "required",
                     (int)required, "description", words, "schema", "type", "string");
}

/* "need.open": unique, and stable as long as method and path are. */
static void operation_id(const char *method, const char *path, char *out, size_t size)
{
    size_t length = (size_t)snprintf(out, size, "%s", method);
    for (size_t i = 0; i < length; i++) {
        out[i] = (char)tolower((unsigned char)out[i]);
    }
    bool upper = true;
    const char *after = strncmp(path, "/v1", strlen("/v1")) == 0 ? path + strlen("/v1") : path;
    for (const char *c = after; *c != '\0' && length + 1 < size; c++) {
        if (isalnum((unsigned char)*c)) {
            out[length++] = upper ? (char)toupper((unsigned char)*c) : *c;
            upper = false;
        } else {
            upper = true;
        }
    }
    out[length] = '\0';
}

/* ---- routes ------------------------------------------------------------------------------------ */

static const char *parameter_words(const char *name)
{
    static const struct {
        const char *name, *words;
    } WORDS[] = {
        {"party", "a party's name in the deal"},
        {"month", "YYYY-MM"},
        {"dataset", "cost-and-usage or contract-commitment"},
        {"version", "of FOCUS: 1.2, 1.3 or 1.4"},
        {"format", "in which form"},
        {"account", "an account of the books, receivable/acme; all when not said"},
        {"until", "YYYY-MM: only what was earned up to the end of that month"},
        {"through", "the number of the last transaction, from X-Offtake-Next"},
        {"transaction", "as of this transaction of the books, as a statement prints it"},
        {"generation", "by the deal of this policy generation"},
        {"as_of", "only what was recorded by that instant of contract time; of a statement, the "
                  "instant that a rehearsal's prints"},
        {"recorded_by", "as it would have been made at that instant of contract time"},
        {"number", "the statement's number; 0 or absent: a draft without one"},
        {"life", "as far as its life had come at this transaction"},
        {"at", "an instant of contract time: as it was then, or will be if nobody acts"},
        {"from", "the number of the first event or transaction"},
        {"after", "the id after which to begin"},
        {"limit", "at most so many; 200 when not said, never more than 1000"},
        {"dry_run", "1: say what would come of it, and do nothing"},
    };
    for (size_t i = 0; i < OFT_COUNT_OF(WORDS); i++) {
        if (strcmp(WORDS[i].name, name) == 0) {
            return WORDS[i].words;
        }
    }
    return "";
}

static json_t *route_parameters(const struct api_route *route)
{
    json_t *list = json_array();
    char name[64];
    if (strstr(route->path, "{id}") != NULL) {
        (void)json_array_append_new(list, parameter("id", "path", true, "its id or reference"));
    }
    for (const char *at = route->query; *at != '\0';) {
        size_t length = strcspn(at, " ");
        bool required = length > 0 && at[length - 1] == '!';
        (void)snprintf(name, sizeof name, "%.*s", (int)(length - (required ? 1 : 0)), at);
        (void)json_array_append_new(list,
                                    parameter(name, "query", required, parameter_words(name)));
        at += length + strspn(at + length, " ");
    }
    if (route->form != API_FORM_JSON && route->form != API_FORM_CSV &&
        route->form != API_FORM_METRICS) {
        json_t *format = parameter("format", "query", route->form == API_FORM_JOURNAL,
                                   parameter_words("format"));
        json_t *forms = route->form == API_FORM_REPORT
                            ? json_pack("[s, s, s]", "json", "text", "csv")
                        : route->form == API_FORM_JOURNAL
                            ? json_pack("[s, s, s]", "hledger", "beancount", "csv")
                        : route->form == API_FORM_PAPER
                            ? json_pack("[s, s, s, s]", "json", "text", "csv", "pdf")
                            : json_pack("[s, s]", "text", "pdf");
        (void)json_object_set_new(json_object_get(format, "schema"), "enum", forms);
        (void)json_array_append_new(list, format);
    }
    return list;
}

static json_t *route_content(const struct api_route *route)
{
    json_t *all = json_object();
    if (route->form == API_FORM_METRICS) {
        (void)json_object_update_new(all, content("text/plain", text_schema()));
        return all;
    }
    if (route->form == API_FORM_CSV) {
        (void)json_object_update_new(all, content("text/csv", text_schema()));
        return all;
    }
    if (route->form != API_FORM_LETTER && route->form != API_FORM_JOURNAL) {
        (void)json_object_update_new(
            all, content("application/json", reference("schemas", route->answer)));
    }
    if (route->form != API_FORM_JSON) {
        (void)json_object_update_new(all, content("text/plain", text_schema()));
    }
    if (route->form == API_FORM_REPORT || route->form == API_FORM_PAPER ||
        route->form == API_FORM_JOURNAL) {
        (void)json_object_update_new(all, content("text/csv", text_schema()));
    }
    if (route->form == API_FORM_LETTER || route->form == API_FORM_PAPER) {
        (void)json_object_update_new(
            all, content("application/pdf", json_pack("{s:s, s:s}", "type", "string",
                                                      "contentMediaType", "application/pdf")));
    }
    return all;
}

static json_t *body_of(const char *schema)
{
    return json_pack("{s:b, s:o}", "required", 1, "content",
                     content("application/json", reference("schemas", schema)));
}

static json_t *route_operation(const struct api_route *route)
{
    char id[128], status[8];
    (void)snprintf(status, sizeof status, "%u", route->status);
    operation_id(route->method, route->path, id, sizeof id);
    bool desk = strncmp(route->path, "/v1/desk", strlen("/v1/desk")) == 0;
    json_t *operation =
        json_pack("{s:s, s:s, s:[s], s:o, s:{s:{s:s, s:o}, s:o}}", "operationId", id, "summary",
                  route->summary, "tags", desk ? "desk" : "control", "parameters",
                  route_parameters(route), "responses", status, "description", route->summary,
                  "content", route_content(route), "default", reference("responses", "Error"));
    if (operation != NULL && route->body != NULL) {
        (void)json_object_set_new(operation, "requestBody", body_of(route->body));
    }
    return operation;
}

/* ---- acts -------------------------------------------------------------------------------------- */

/* "NeedOpen". */
static void act_name(const struct desk_act *act, char *out, size_t size)
{
    char words[96];
    size_t length = 0;
    bool upper = true;
    (void)snprintf(words, sizeof words, "%s %s", act->group, act->verb);
    for (const char *c = words; *c != '\0' && length + 1 < size; c++) {
        if (isalnum((unsigned char)*c)) {
            out[length++] = upper ? (char)toupper((unsigned char)*c) : *c;
            upper = false;
        } else {
            upper = true;
        }
    }
    out[length] = '\0';
}

static json_t *choices_json(const char *choices)
{
    json_t *list = json_array();
    for (const char *at = choices; *at != '\0';) {
        size_t length = strcspn(at, "|");
        (void)json_array_append_new(list, json_stringn(at, length));
        at += length + (at[length] == '|' ? 1 : 0);
    }
    return list;
}

static const char *field_example(enum desk_field_kind kind)
{
    static const char *const EXAMPLES[] = {[DESK_FIELD_NEED] = "need-3",
                                           [DESK_FIELD_OFFER] = "offer-1",
                                           [DESK_FIELD_LOT] = "lot-2",
                                           [DESK_FIELD_NOTICE] = "notice-2",
                                           [DESK_FIELD_ORDER] = "order-1",
                                           [DESK_FIELD_TARGET] = "lot-2",
                                           [DESK_FIELD_WORD] = "api",
                                           [DESK_FIELD_WORDS] = "funding,site",
                                           [DESK_FIELD_CHOICE] = "",
                                           [DESK_FIELD_COUNT] = "20000",
                                           [DESK_FIELD_PRICE] = "2.10USD/gpu-hour",
                                           [DESK_FIELD_AMOUNT] = "5m USD",
                                           [DESK_FIELD_RATE] = "1%",
                                           [DESK_FIELD_INSTANT] = "2026-03-01T12:00:00Z",
                                           [DESK_FIELD_PERIOD] = "90 days",
                                           [DESK_FIELD_LATE] = "1% per week up to 20%",
                                           [DESK_FIELD_TERM] = "uptime=99.95",
                                           [DESK_FIELD_TEXT] = ""};
    return (size_t)kind < OFT_COUNT_OF(EXAMPLES) ? EXAMPLES[kind] : "";
}

static json_t *field_schema(const struct desk_field *field)
{
    json_t *schema = text_schema();
    const char *example = field_example(field->kind);
    if (example[0] != '\0') {
        (void)json_object_set_new(schema, "examples", json_pack("[s]", example));
    }
    if (field->kind == DESK_FIELD_CHOICE && field->choices != NULL) {
        (void)json_object_set_new(schema, "enum", choices_json(field->choices));
    }
    if (field->repeated) {
        schema = json_pack("{s:[s, s], s:o}", "type", "string", "array", "items", schema);
    }
    (void)json_object_set_new(schema, "description",
                              json_string(field->help != NULL ? field->help : ""));
    return schema;
}

static void put_fields(json_t *properties, json_t *required, const struct desk_field *fields,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)json_object_set_new(properties, fields[i].name, field_schema(&fields[i]));
        if (fields[i].required) {
            (void)json_array_append_new(required, json_string(fields[i].name));
        }
    }
}

static json_t *act_schema(const struct desk_act *act)
{
    size_t count;
    const struct desk_field *common = desk_common_fields(&count);
    json_t *properties = json_object();
    json_t *required = json_array();
    put_fields(properties, required, act->fields, act->field_count);
    put_fields(properties, required, common, count);
    return json_pack("{s:s, s:s, s:o, s:o, s:b}", "type", "object", "description", act->summary,
                     "properties", properties, "required", required, "additionalProperties", 0);
}

static json_t *act_operation(const struct desk_act *act, const char *name)
{
    char id[128];
    operation_id("POST", act->path, id, sizeof id);
    json_t *parameters =
        json_pack("[o, o]", parameter("dry_run", "query", false, parameter_words("dry_run")),
                  parameter("Idempotency-Key", "header", false,
                            "the same key with the same body has the same answer, once"));
    return json_pack("{s:s, s:s, s:[s], s:o, s:o, s:{s:{s:s, s:o}, s:{s:s, s:o}, s:o, s:o}}",
                     "operationId", id, "summary", act->summary, "tags", "desk", "parameters",
                     parameters, "requestBody", body_of(name), "responses", "201", "description",
                     "taken", "content",
                     content("application/json", reference("schemas", "ActAnswer")), "200",
                     "description", "a dry run: it would be taken", "content",
                     content("application/json", reference("schemas", "ActAnswer")), "409",
                     reference("responses", "Refused"), "default", reference("responses", "Error"));
}

/* ---- the document ------------------------------------------------------------------------------ */

/* The item of PATH, made when it is not there. */
static json_t *path_item(json_t *paths, const char *path)
{
    json_t *item = json_object_get(paths, path);
    if (item == NULL) {
        item = json_object();
        (void)json_object_set_new(paths, path, item);
    }
    return item;
}

static json_t *paths_json(json_t *schemas)
{
    json_t *paths = json_object();
    size_t count;
    const struct api_route *routes = api_routes(&count);
    for (size_t i = 0; i < count; i++) {
        const char *method = strcmp(routes[i].method, "GET") == 0    ? "get"
                             : strcmp(routes[i].method, "POST") == 0 ? "post"
                                                                     : "delete";
        (void)json_object_set_new(path_item(paths, routes[i].path), method,
                                  route_operation(&routes[i]));
    }
    const struct desk_act *acts = desk_acts(&count);
    for (size_t i = 0; i < count; i++) {
        char name[96];
        act_name(&acts[i], name, sizeof name);
        (void)json_object_set_new(schemas, name, act_schema(&acts[i]));
        (void)json_object_set_new(path_item(paths, acts[i].path), "post",
                                  act_operation(&acts[i], name));
    }
    return paths;
}

static json_t *responses_json(void)
{
    return json_pack(
        "{s:{s:s, s:o}, s:{s:s, s:o}}", "Error", "description", "what happened, why, what to do",
        "content", content("application/json", reference("schemas", "Error")), "Refused",
        "description", "refused, by the contract or because the key was used for something else",
        "content", content("application/json", reference("schemas", "Refusal")));
}

json_t *api_openapi(void)
{
    json_t *schemas = api_openapi_schemas();
    json_t *paths = schemas != NULL ? paths_json(schemas) : NULL;
    return json_pack(
        "{s:s, s:{s:s, s:s, s:s, s:{s:s, s:s}}, s:[{s:[]}, {}], s:[{s:s, s:s}, {s:s, s:s}], s:o, "
        "s:{s:o, s:o, s:{s:{s:s, s:s, s:s}}}}",
        "openapi", "3.1.0", "info", "title", "offtake admin API", "version", OFFTAKE_VERSION,
        "description",
        "Control of offtake serve and the capacity desk. On the unix socket nobody needs a token; "
        "over TCP the admin token opens everything, a party's token its own part of /v1/desk.",
        "license", "name", "Apache-2.0", "identifier", "Apache-2.0", "security", "bearer", "tags",
        "name", "control", "description", "policy, keys, books", "name", "desk", "description",
        "the capacity desk", "paths", paths, "components", "schemas", schemas, "responses",
        responses_json(), "securitySchemes", "bearer", "type", "http", "scheme", "bearer",
        "description", "the admin token, or a party's");
}

void api_get_openapi(const struct api_scope *scope, struct api_answer *answer)
{
    (void)scope;
    api_answer_json(answer, 200, api_openapi());
}
