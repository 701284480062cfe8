/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The desk's part of the API: what a command becomes, what a party's token opens, and a document that
 * holds every route.
 */
#include "bench.h"

static void a_command_reaches_the_engine_with_all_that_was_given(void **state)
{
    struct bench *bench = *state;
    bench->call.idempotency_key = "k-1";
    assert_int_equal(ask(bench, "POST", "/v1/desk/needs",
                         "{\"product\":\"api\",\"term\":[\"uptime=99\",\"law=NY\"]}"),
                     201);
    assert_string_equal(bench->engine.asked,
                        "act need.open by - key k-1 dry 0: product=api term=uptime=99 term=law=NY");
    assert_string_equal(text(bench), "{\"event\":1}\n");
}

static void a_dry_run_is_asked_for_in_the_query(void **state)
{
    struct bench *bench = *state;
    bench->query_names[0] = "dry_run";
    bench->query_values[0] = "1";
    assert_int_equal(ask(bench, "POST", "/v1/desk/elections", "{\"notice\":\"notice-1\"}"), 200);
    assert_string_equal(bench->engine.asked, "act elect. by - key - dry 1: notice=notice-1");
    bench->query_values[0] = "yes";
    assert_int_equal(ask(bench, "POST", "/v1/desk/elections", "{}"), 400);
}

static void what_is_no_text_is_400(void **state)
{
    struct bench *bench = *state;
    static const char *const BAD[] = {"{\"product\":1}", "{\"product\":null}",
                                      "{\"term\":[\"a\",2]}", "{\"term\":[[\"a\"]]}",
                                      "{\"term\":{\"a\":\"b\"}}"};
    for (size_t i = 0; i < OFT_COUNT_OF(BAD); i++) {
        assert_int_equal(ask(bench, "POST", "/v1/desk/needs", BAD[i]), 400);
    }
    assert_int_equal(bench->engine.calls, 0);
}

static void a_refusal_is_409_with_clause_property_and_the_earliest_instant(void **state)
{
    struct bench *bench = *state;
    bench->engine.answer = OFT_ERR_DENIED;
    bench->engine.refusal = (struct engine_refusal){.code = DESK_REFUSED_NOTICE_OWED,
                                                    .property = 1,
                                                    .earliest = OFT_NS_PER_DAY,
                                                    .clause = "bc.rofr",
                                                    .message = "a notice is owed"};
    assert_int_equal(ask(bench, "POST", "/v1/desk/needs", "{}"), 409);
    assert_string_equal(text(bench),
                        "{\"error\":{\"code\":\"notice_owed\",\"message\":\"a notice is owed\","
                        "\"clause\":\"bc.rofr\",\"property\":1,"
                        "\"earliest\":\"1970-01-02T00:00:00Z\"}}\n");
    bench->engine.refusal.earliest = OFT_INSTANT_NEVER;
    assert_int_equal(ask(bench, "POST", "/v1/desk/needs", "{}"), 409);
    assert_non_null(strstr(text(bench), "\"earliest\":null"));
}

static void a_key_used_for_something_else_is_a_conflict_of_its_own_code(void **state)
{
    struct bench *bench = *state;
    bench->engine.answer = OFT_ERR_CONFLICT;
    assert_int_equal(ask(bench, "POST", "/v1/desk/needs", "{}"), 409);
    assert_non_null(strstr(text(bench), "\"code\":\"idempotency_conflict\""));
}

static void looks_name_their_list_and_their_instant(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(ask(bench, "GET", "/v1/desk", NULL), 200);
    assert_string_equal(bench->engine.asked, "view 0 0 - by - at -1");
    bench->query_names[0] = "at";
    bench->query_values[0] = "1970-01-01T00:00:01Z";
    assert_int_equal(ask(bench, "GET", "/v1/desk/notices", NULL), 200);
    assert_string_equal(bench->engine.asked, "view 1 3 - by - at 1000000000");
    assert_int_equal(ask(bench, "GET", "/v1/desk/lots/lot-2", NULL), 200);
    assert_string_equal(bench->engine.asked, "view 2 0 lot-2 by - at 1000000000");
    assert_int_equal(ask(bench, "GET", "/v1/desk/lots/7", NULL), 200);
    assert_string_equal(bench->engine.asked, "view 2 0 lot-7 by - at 1000000000");
    assert_int_equal(ask(bench, "GET", "/v1/desk/rights/bc.rofr", NULL), 200);
    assert_int_equal(ask(bench, "GET", "/v1/desk/lots/notice-2", NULL), 404);
    bench->query_values[0] = "soon";
    assert_int_equal(ask(bench, "GET", "/v1/desk/lots", NULL), 400);
}

static void a_notice_comes_as_text_or_pdf(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(ask(bench, "GET", "/v1/desk/notices/notice-2/document", NULL), 200);
    assert_string_equal(bench->engine.asked, "document notice-2 by - 0");
    bench->query_names[0] = "format";
    bench->query_values[0] = "pdf";
    assert_int_equal(ask(bench, "GET", "/v1/desk/notices/2/document", NULL), 200);
    assert_string_equal(bench->engine.asked, "document notice-2 by - 1");
    assert_string_equal(bench->answer.content_type, "application/pdf");
    bench->query_values[0] = "doc";
    assert_int_equal(ask(bench, "GET", "/v1/desk/notices/2/document", NULL), 400);
}

static void as_party(struct bench *bench)
{
    bench->engine.token_party = "bigcloud";
    bench->call.over_tcp = true;
    bench->call.host = "127.0.0.1:9090";
    bench->call.authorization = "Bearer oft_desk_somebodys";
}

static void a_partys_token_opens_its_own_part_of_the_desk_and_nothing_else(void **state)
{
    struct bench *bench = *state;
    static const char *const CLOSED[] = {"/v1/desk/verify",  "/v1/desk/outbox", "/v1/desk/tokens",
                                         "/v1/openapi.json", "/v1/deskx",       "/v1/status",
                                         "/v1/keys",         "/nowhere"};
    as_party(bench);
    for (size_t i = 0; i < OFT_COUNT_OF(CLOSED); i++) {
        assert_int_equal(ask(bench, "GET", CLOSED[i], NULL), 403);
    }
    assert_int_equal(ask(bench, "POST", "/v1/desk/tokens", "{\"party\":\"bigcloud\"}"), 403);
    assert_int_equal(ask(bench, "DELETE", "/v1/desk/tokens/ab", NULL), 403);
    assert_int_equal(bench->engine.calls, 0);
    assert_int_equal(ask(bench, "GET", "/v1/desk/nowhere", NULL), 404);
    assert_int_equal(ask(bench, "GET", "/v1/desk/notices", NULL), 200);
    assert_string_equal(bench->engine.asked, "view 1 3 - by bigcloud at -1");
    assert_int_equal(ask(bench, "GET", "/v1/desk/journal", NULL), 200);
    assert_string_equal(bench->engine.asked, "journal bigcloud 1 200");
    assert_int_equal(ask(bench, "POST", "/v1/desk/elections", "{\"notice\":\"1\"}"), 201);
    assert_string_equal(bench->engine.asked, "act elect. by bigcloud key - dry 0: notice=1");
}

static void a_route_that_is_not_for_parties_stays_closed_to_them(void **state)
{
    struct bench *bench = *state;
    size_t count;
    char path[128];
    const struct api_route *routes = api_routes(&count);
    as_party(bench);
    for (size_t i = 0; i < count; i++) {
        bench_path(routes[i].path, path);
        if (!routes[i].parties) {
            assert_int_equal(ask(bench, routes[i].method, path, "{}"), 403);
        } else {
            assert_int_equal(strncmp(path, "/v1/desk", 8), 0);
        }
    }
    assert_int_equal(bench->engine.calls, 0);
}

static void a_token_that_cannot_be_checked_opens_nothing(void **state)
{
    struct bench *bench = *state;
    as_party(bench);
    bench->engine.token = OFT_ERR_IO;
    assert_int_equal(ask(bench, "GET", "/v1/desk", NULL), 503);
    assert_int_equal(bench->engine.calls, 0);
}

static void tokens_are_made_listed_and_revoked(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(ask(bench, "POST", "/v1/desk/tokens", "{\"party\":\"bigcloud\"}"), 201);
    assert_string_equal(bench->engine.asked, "token_create bigcloud");
    assert_non_null(strstr(text(bench), "\"token\":\"oft_desk_token\""));
    assert_int_equal(ask(bench, "POST", "/v1/desk/tokens", "{\"party\":\"a\",\"x\":\"y\"}"), 400);
    assert_int_equal(ask(bench, "GET", "/v1/desk/tokens", NULL), 200);
    assert_int_equal(ask(bench, "DELETE", "/v1/desk/tokens/00ab", NULL), 200);
    assert_string_equal(bench->engine.asked, "token_revoke 00ab");
}

/* ---- the document ------------------------------------------------------------------------------ */

static json_t *document_of(struct bench *bench)
{
    json_error_t where;
    assert_int_equal(ask(bench, "GET", "/v1/openapi.json", NULL), 200);
    json_t *document = json_loads(text(bench), JSON_REJECT_DUPLICATES, &where);
    assert_non_null(document);
    return document;
}

static void every_route_and_every_act_is_in_the_document(void **state)
{
    struct bench *bench = *state;
    size_t count;
    json_t *document = document_of(bench);
    const json_t *paths = json_object_get(document, "paths");
    const struct api_route *routes = api_routes(&count);
    for (size_t i = 0; i < count; i++) {
        char method[8];
        (void)snprintf(method, sizeof method, "%s",
                       strcmp(routes[i].method, "GET") == 0    ? "get"
                       : strcmp(routes[i].method, "POST") == 0 ? "post"
                                                               : "delete");
        const json_t *item = json_object_get(paths, routes[i].path);
        assert_non_null(json_object_get(item, method));
    }
    const json_t *needs = json_object_get(paths, "/v1/desk/needs");
    assert_non_null(json_object_get(needs, "get"));
    assert_non_null(json_object_get(needs, "post"));
    const json_t *schemas = json_object_get(json_object_get(document, "components"), "schemas");
    const json_t *body = json_object_get(schemas, "NeedOpen");
    const json_t *properties = json_object_get(body, "properties");
    assert_int_equal(json_array_size(json_object_get(body, "required")), 1);
    assert_int_equal(json_array_size(json_object_get(json_object_get(properties, "deal"), "enum")),
                     2);
    assert_non_null(json_object_get(properties, "happened"));
    json_decref(document);
}

static void check_references(const json_t *document, const json_t *value)
{
    const char *key;
    json_t *item;
    size_t index;
    json_array_foreach(value, index, item)
    {
        check_references(document, item);
    }
    json_object_foreach((json_t *)(uintptr_t)value, key, item)
    {
        char kind[64], name[64];
        if (strcmp(key, "$ref") != 0) {
            check_references(document, item);
            continue;
        }
        assert_int_equal(sscanf(json_string_value(item), "#/components/%63[^/]/%63s", kind, name),
                         2);
        const json_t *components = json_object_get(document, "components");
        if (json_object_get(json_object_get(components, kind), name) == NULL) {
            fail_msg("%s refers to nothing", json_string_value(item));
        }
    }
}

static void every_reference_of_the_document_leads_somewhere(void **state)
{
    struct bench *bench = *state;
    json_t *document = document_of(bench);
    check_references(document, document);
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_command_reaches_the_engine_with_all_that_was_given),
        TEST(a_dry_run_is_asked_for_in_the_query),
        TEST(what_is_no_text_is_400),
        TEST(a_refusal_is_409_with_clause_property_and_the_earliest_instant),
        TEST(a_key_used_for_something_else_is_a_conflict_of_its_own_code),
        TEST(looks_name_their_list_and_their_instant),
        TEST(a_notice_comes_as_text_or_pdf),
        TEST(a_partys_token_opens_its_own_part_of_the_desk_and_nothing_else),
        TEST(a_route_that_is_not_for_parties_stays_closed_to_them),
        TEST(a_token_that_cannot_be_checked_opens_nothing),
        TEST(tokens_are_made_listed_and_revoked),
        TEST(every_route_and_every_act_is_in_the_document),
        TEST(every_reference_of_the_document_leads_somewhere),
    };
    return cmocka_run_group_tests_name("api desk", tests, NULL, NULL);
}
