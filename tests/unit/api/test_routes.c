/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may ask, what is answered, and what reaches the engine, over a fake one and without a socket.
 */
#include "bench.h"

static void every_route_over_tcp_refuses_who_has_no_token(void **state)
{
    struct bench *bench = *state;
    static const char *const WRONG[] = {
        NULL,           "",    "Bearer ",           "Bearer x",
        "Basic " TOKEN, TOKEN, "Bearer " TOKEN "x", "Bearer " TOKEN " "};
    size_t count;
    const struct api_route *routes = api_routes(&count);
    assert_true(count >= 11);
    bench->call.over_tcp = true;
    bench->call.host = "127.0.0.1:9090";
    for (size_t i = 0; i < count; i++) {
        char path[128];
        bench_path(routes[i].path, path);
        for (size_t j = 0; j < OFT_COUNT_OF(WRONG); j++) {
            bench->call.authorization = WRONG[j];
            assert_int_equal(ask(bench, routes[i].method, path, "{}"), 401);
        }
    }
    bench->call.authorization = NULL;
    assert_int_equal(ask(bench, "GET", "/nowhere", NULL), 401);
    assert_int_equal(ask(bench, "TRACE", "/v1/status", NULL), 401);
    assert_int_equal(bench->engine.calls, 0);
}

static void the_right_token_passes_over_tcp_and_none_is_needed_on_the_socket(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(ask(bench, "GET", "/v1/status", NULL), 200);
    bench->call.over_tcp = true;
    bench->call.host = "127.0.0.1:9090";
    bench->call.authorization = "Bearer " TOKEN;
    assert_int_equal(ask(bench, "GET", "/v1/status", NULL), 200);
}

static void the_token_for_metrics_opens_metrics_and_nothing_else(void **state)
{
    struct bench *bench = *state;
    static const char METRICS[] = "scrape-token-of-this-test";
    size_t count;
    const struct api_route *routes = api_routes(&count);
    bench->call.over_tcp = true;
    bench->call.host = "127.0.0.1:9090";
    bench->call.authorization = "Bearer scrape-token-of-this-test";
    assert_int_equal(ask(bench, "GET", "/metrics", NULL), 401);
    assert_int_equal(oft_sha256_once(METRICS, strlen(METRICS), bench->options.metrics_token_sha256),
                     OFT_OK);
    bench->options.has_metrics_token = true;
    assert_int_equal(ask(bench, "GET", "/metrics", NULL), 200);
    assert_string_equal(bench->answer.content_type, "text/plain; version=0.0.4; charset=utf-8");
    assert_int_equal(bench->engine.calls, 1);
    for (size_t i = 0; i < count; i++) {
        char path[128];
        bench_path(routes[i].path, path);
        if (strcmp(path, "/metrics") != 0) {
            assert_int_equal(ask(bench, routes[i].method, path, "{}"), 401);
        }
    }
    assert_int_equal(bench->engine.calls, 1);
    bench->call.host = "rebound.example:9090";
    assert_int_equal(ask(bench, "GET", "/metrics", NULL), 403);
    /* No token set is not the token "". */
    bench->options.has_metrics_token = false;
    memset(bench->options.metrics_token_sha256, 0, 32);
    assert_int_equal(ask(bench, "GET", "/metrics", NULL), 401);
}

static void a_web_page_is_refused_even_with_the_token(void **state)
{
    struct bench *bench = *state;
    bench->call.over_tcp = true;
    bench->call.authorization = "Bearer " TOKEN;
    bench->call.host = "127.0.0.1:9090";
    bench->call.origin = "http://127.0.0.1:9090";
    assert_int_equal(ask(bench, "GET", "/v1/status", NULL), 403);
    bench->call.origin = NULL;
    bench->call.host = "rebound.example:9090";
    assert_int_equal(ask(bench, "GET", "/v1/status", NULL), 403);
    bench->call.host = NULL;
    assert_int_equal(ask(bench, "GET", "/v1/status", NULL), 403);
    bench->call.host = "[::1]:9090";
    assert_int_equal(ask(bench, "GET", "/v1/status", NULL), 200);
    assert_int_equal(bench->engine.calls, 1);
}

static void unknown_paths_and_methods_are_told_apart(void **state)
{
    struct bench *bench = *state;
    static const char *const UNKNOWN[] = {
        "/", "/v1", "/v1/status/", "/v1/keys/", "/v1/keys/a/b", "//v1/status", "/v1/../v1/status"};
    for (size_t i = 0; i < OFT_COUNT_OF(UNKNOWN); i++) {
        assert_int_equal(ask(bench, "GET", UNKNOWN[i], NULL), 404);
    }
    assert_int_equal(ask(bench, "PUT", "/v1/keys", NULL), 405);
    assert_string_equal(bench->answer.allow, "GET, POST");
    assert_int_equal(ask(bench, "GET", "/v1/keys/ab", NULL), 405);
    assert_string_equal(bench->answer.allow, "DELETE");
    assert_int_equal(ask(bench, "GET", "/v1/reload", NULL), 405);
    assert_string_equal(bench->answer.allow, "POST");
    assert_int_equal(bench->engine.calls, 0);
}

static void a_body_that_is_no_json_object_is_400_in_the_one_error_form(void **state)
{
    struct bench *bench = *state;
    static const char *const BAD[] = {"",
                                      "{",
                                      "[]",
                                      "1",
                                      "{\"account\":\"a\",\"account\":\"b\"}",
                                      "{\"account\":1,\"product\":\"p\"}",
                                      "{\"account\":\"a\"}"};
    for (size_t i = 0; i < OFT_COUNT_OF(BAD); i++) {
        assert_int_equal(ask(bench, "POST", "/v1/keys", BAD[i]), 400);
        assert_non_null(strstr(text(bench), "{\"error\":{\"code\":\""));
    }
    bench->call.body_too_long = true;
    assert_int_equal(ask(bench, "POST", "/v1/keys", "{"), 413);
    assert_int_equal(bench->engine.calls, 0);
}

static void a_key_is_made_and_its_token_told_once(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(ask(bench, "POST", "/v1/keys", "{\"account\":\"acme\",\"product\":\"api\"}"),
                     201);
    assert_string_equal(bench->engine.asked, "key_create acme api");
    assert_non_null(strstr(text(bench), "\"token\":\"oft_token\""));
    /* The first eight bytes of SHA-256("oft_token") as a little-endian number. */
    uint8_t hash[32];
    char id[32];
    assert_int_equal(oft_sha256_once("oft_token", 9, hash), OFT_OK);
    (void)snprintf(id, sizeof id, "\"%02x%02x%02x%02x%02x%02x%02x%02x\"", hash[7], hash[6], hash[5],
                   hash[4], hash[3], hash[2], hash[1], hash[0]);
    assert_non_null(strstr(text(bench), id));
    assert_int_equal(ask(bench, "DELETE", "/v1/keys/00ab", NULL), 200);
    assert_string_equal(bench->engine.asked, "key_revoke 00ab");
}

static void limits_of_a_key_are_read_whole_or_refused(void **state)
{
    struct bench *bench = *state;
    static const char *const BAD[] = {"{\"requests_per_minute\":0}",
                                      "{\"requests_per_minute\":-1}",
                                      "{\"requests_per_minute\":\"60\"}",
                                      "{\"requests_per_minute\":1000000001}",
                                      "{\"request_per_minute\":60}",
                                      "{\"account\":\"acme\"}",
                                      "{\"tokens_per_minute\":1.5}",
                                      "{\"budget_per_day\":10}",
                                      "{\"budget_per_day\":\"0\"}",
                                      "{\"budget_per_day\":\"-1\"}",
                                      "{\"budget_per_month\":\"9000000001\"}",
                                      "{\"budget_per_month\":\"1.0000000001\"}"};
    for (size_t i = 0; i < OFT_COUNT_OF(BAD); i++) {
        assert_int_equal(ask(bench, "POST", "/v1/keys/00ab/limits", BAD[i]), 400);
    }
    assert_int_equal(bench->engine.calls, 0);
    assert_int_equal(ask(bench, "POST", "/v1/keys/00ab/limits",
                         "{\"requests_per_minute\":60,\"budget_per_day\":\"250.00\"}"),
                     200);
    assert_string_equal(bench->engine.asked, "key_limit 00ab 60");
    assert_int_equal(ask(bench, "POST", "/v1/keys",
                         "{\"account\":\"acme\",\"product\":\"api\",\"budget_per_dya\":\"1\"}"),
                     400);
}

static void a_rotated_key_tells_its_new_token_and_how_long_the_one_of_before_is_good(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(ask(bench, "POST", "/v1/keys/00ab/rotate", "{}"), 200);
    assert_string_equal(bench->engine.asked, "key_rotate 00ab 0");
    assert_non_null(strstr(text(bench), "\"token\":\"oft_another\""));
    assert_non_null(strstr(text(bench), "\"former_token_until\":null"));
    assert_int_equal(ask(bench, "POST", "/v1/keys/00ab/rotate", "{\"keep_seconds\":60}"), 200);
    assert_string_equal(bench->engine.asked, "key_rotate 00ab 60000000000");
    assert_null(strstr(text(bench), "\"former_token_until\":null"));
    assert_int_equal(ask(bench, "POST", "/v1/keys/00ab/rotate", "{\"keep_seconds\":7776001}"), 400);
}

static void an_engine_error_becomes_its_status(void **state)
{
    struct bench *bench = *state;
    static const struct {
        enum oft_err err;
        unsigned status;
    } EXPECTED[] = {{OFT_ERR_NOT_FOUND, 404}, {OFT_ERR_CONFLICT, 409}, {OFT_ERR_INVALID, 400},
                    {OFT_ERR_BUSY, 503},      {OFT_ERR_FULL, 503},     {OFT_ERR_CORRUPT, 500},
                    {OFT_ERR_IO, 500},        {OFT_ERR_MEMORY, 503}};
    for (size_t i = 0; i < OFT_COUNT_OF(EXPECTED); i++) {
        bench->engine.answer = EXPECTED[i].err;
        bench->engine.message = "what, \"why\", what to do";
        assert_int_equal(ask(bench, "GET", "/v1/usage", NULL), EXPECTED[i].status);
        assert_non_null(strstr(text(bench), "what, \\\"why\\\", what to do"));
        assert_null(strstr(text(bench), "}{")); /* nothing of a half-written report */
    }
}

static void a_deal_with_errors_is_422_with_its_report(void **state)
{
    struct bench *bench = *state;
    bench->engine.answer = OFT_ERR_INVALID;
    bench->engine.text = "lab.deal:4:18: error\n";
    assert_int_equal(ask(bench, "POST", "/v1/reload", NULL), 422);
    assert_non_null(strstr(text(bench), "\"report\":\"lab.deal:4:18: error\\n\""));
    bench->engine.answer = OFT_OK;
    assert_int_equal(ask(bench, "POST", "/v1/reload", NULL), 200);
    assert_non_null(strstr(text(bench), "\"generation\":7"));
}

static void drain_goes_on_while_there_is_more(void **state)
{
    struct bench *bench = *state;
    bench->engine.drain_rounds = 2;
    assert_int_equal(ask(bench, "POST", "/v1/drain", NULL), 200);
    assert_int_equal(bench->engine.calls, 3);
    assert_non_null(strstr(text(bench), "\"records\":30"));
    assert_non_null(strstr(text(bench), "\"open_intents\":3"));
}

static void a_report_comes_in_the_format_asked_for(void **state)
{
    struct bench *bench = *state;
    bench->query_names[0] = "party";
    bench->query_values[0] = "microsoft";
    bench->query_names[1] = "month";
    bench->query_values[1] = "2026-04";
    bench->query_names[2] = "format";
    bench->query_values[2] = "csv";
    assert_int_equal(ask(bench, "GET", "/v1/statement", NULL), 200);
    assert_string_equal(bench->engine.asked, "statement microsoft 24315 2");
    assert_string_equal(bench->answer.content_type, "text/csv; charset=utf-8");
    bench->query_values[2] = "xml";
    assert_int_equal(ask(bench, "GET", "/v1/statement", NULL), 400);
    bench->query_names[2] = NULL;
    bench->query_values[1] = "2026-13";
    assert_int_equal(ask(bench, "GET", "/v1/statement", NULL), 400);
}

static void what_is_looked_back_at_goes_to_the_engine_as_asked(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(ask(bench, "GET", "/v1/trace/req_00ff", NULL), 200);
    assert_string_equal(bench->engine.asked, "trace req_00ff 200 1");
    assert_true(bench->answer.unsound);
    bench->query_names[0] = "limit";
    bench->query_values[0] = "5000";
    bench->query_names[1] = "format";
    bench->query_values[1] = "text";
    assert_int_equal(ask(bench, "GET", "/v1/trace/00ff00ff", NULL), 200);
    assert_string_equal(bench->engine.asked, "trace 00ff00ff 1000 0");
    bench->query_values[1] = "csv";
    assert_int_equal(ask(bench, "GET", "/v1/trace/00ff00ff", NULL), 400);
    assert_int_equal(ask(bench, "GET", "/v1/balance", NULL), 200);
    assert_string_equal(bench->engine.asked,
                        "balance all 9223372036854775807 -2147483648 2147483647 2");
    bench->query_names[0] = "as_of";
    bench->query_values[0] = "1970-01-01T00:00:01Z";
    assert_int_equal(ask(bench, "GET", "/v1/balance", NULL), 200);
    assert_string_equal(bench->engine.asked, "balance all 1000000000 -2147483648 2147483647 2");
    bench->query_values[0] = "then";
    assert_int_equal(ask(bench, "GET", "/v1/balance", NULL), 400);
}

static void the_journal_names_its_next_page_until_its_end(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(ask(bench, "GET", "/v1/ledger/export", NULL), 400);
    bench->query_names[0] = "format";
    bench->query_values[0] = "beancount";
    assert_int_equal(ask(bench, "GET", "/v1/ledger/export", NULL), 200);
    assert_string_equal(bench->engine.asked, "export 1 2147483647 0 7");
    assert_string_equal(bench->answer.next, "from=5&through=7");
    assert_string_equal(bench->answer.content_type, "text/plain; charset=utf-8");
    bench->query_names[1] = "from";
    bench->query_values[1] = "5";
    assert_int_equal(ask(bench, "GET", "/v1/ledger/export", NULL), 200);
    assert_string_equal(bench->answer.next, "");
    bench->query_values[1] = "-5";
    assert_int_equal(ask(bench, "GET", "/v1/ledger/export", NULL), 400);
    bench->query_names[1] = "month";
    bench->query_values[1] = "2026-04";
    bench->query_names[2] = "until";
    bench->query_values[2] = "2026-05";
    assert_int_equal(ask(bench, "GET", "/v1/ledger/export", NULL), 400);
}

static void a_statement_is_asked_for_as_it_was_made(void **state)
{
    struct bench *bench = *state;
    static const char *const names[] = {"party",  "month", "transaction", "generation",
                                        "number", "life",  "format",      "as_of"};
    static const char *const values[] = {"microsoft", "2026-04", "12",  "3",
                                         "7",         "15",      "pdf", "1970-01-01T00:00:01Z"};
    for (size_t i = 0; i < OFT_COUNT_OF(names); i++) {
        bench->query_names[i] = names[i];
        bench->query_values[i] = values[i];
    }
    assert_int_equal(ask(bench, "GET", "/v1/statement", NULL), 200);
    assert_string_equal(bench->engine.asked,
                        "statement microsoft 24315 3 as of 12 3 7 15 1000000000");
    assert_string_equal(bench->answer.content_type, "application/pdf");
    bench->query_values[2] = "-1";
    assert_int_equal(ask(bench, "GET", "/v1/statement", NULL), 400);
}

static void shares_are_told_by_name_and_reference(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(ask(bench, "GET", "/v1/shares", NULL), 200);
    assert_int_equal(ask(bench, "POST", "/v1/deductions",
                         "{\"name\":\"taxes\",\"month\":\"2026-04\",\"amount\":\"1.5\","
                         "\"by\":\"ann\",\"reference\":\"r1\"}"),
                     201);
    assert_string_equal(bench->engine.asked, "deduct taxes  2026-04 1.5 ann r1");
    assert_int_equal(
        ask(bench, "POST", "/v1/shares/payments",
            "{\"clause\":\"a.s\",\"period\":\"2026\",\"amount\":\"2\",\"by\":\"bob\"}"),
        201);
    assert_string_equal(bench->engine.asked, "paid a.s 2026  2 bob ");
}

static void corrections_of_usage_have_units_by_their_classes(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(ask(bench, "POST", "/v1/usage/corrections",
                         "{\"request\":\"req_1\",\"by\":\"ann\",\"reason\":\"bill\","
                         "\"units\":{\"input\":12},\"service_tier\":\"batch\"}"),
                     201);
    assert_string_equal(bench->engine.asked, "correct req_1 units 12 batch ann bill ");
    assert_int_equal(ask(bench, "POST", "/v1/usage/corrections",
                         "{\"request\":\"req_1\",\"by\":\"ann\",\"reason\":\"bill\","
                         "\"void\":true,\"reference\":\"t-1\"}"),
                     201);
    assert_string_equal(bench->engine.asked, "correct req_1 void 0  ann bill t-1");
    static const char *const wrong[] = {"{\"inputs\":1}", "{\"input\":-1}", "{\"input\":\"1\"}"};
    for (size_t i = 0; i < OFT_COUNT_OF(wrong); i++) {
        char body[128];
        (void)snprintf(body, sizeof(body),
                       "{\"request\":\"req_1\",\"by\":\"ann\",\"reason\":\"bill\",\"units\":%s}",
                       wrong[i]);
        assert_int_equal(ask(bench, "POST", "/v1/usage/corrections", body), 400);
    }
    assert_int_equal(ask(bench, "GET", "/v1/usage/corrections", NULL), 200);
    assert_string_equal(bench->engine.asked, "corrections all");
}

static void periods_and_statements_ask_who_it_is(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(ask(bench, "POST", "/v1/periods/2026-04/close", "{\"by\":\"ann\"}"), 200);
    assert_string_equal(bench->engine.asked, "close 24315 for good ann");
    assert_int_equal(ask(bench, "POST", "/v1/periods/2026-04/soft-close", "{\"by\":\"ann\"}"), 200);
    assert_string_equal(bench->engine.asked, "close 24315 softly ann");
    assert_int_equal(ask(bench, "POST", "/v1/periods/April/close", "{\"by\":\"ann\"}"), 400);
    assert_int_equal(ask(bench, "POST", "/v1/periods/2026-04/close", "{}"), 400);
    assert_int_equal(ask(bench, "POST", "/v1/statements/7/approve", "{\"by\":\"bob\"}"), 200);
    assert_string_equal(bench->engine.asked, "approve 7 bob");
    assert_int_equal(
        ask(bench, "POST", "/v1/statements/7/approve", "{\"by\":\"bob\",\"signature\":\"ab\"}"),
        400);
    assert_int_equal(ask(bench, "POST", "/v1/statements/7/approve",
                         "{\"by\":\"bob\",\"signature\":"
                         "\"abababababababababababababababababababababababababababababababab"
                         "abababababababababababababababababababababababababababababababab\"}"),
                     200);
    assert_string_equal(bench->engine.asked, "approve 7 bob ab");
    assert_int_equal(ask(bench, "GET", "/v1/statements/7/approval", NULL), 400);
    assert_int_equal(ask(bench, "POST", "/v1/statements/7/final", "{}"), 400);
    assert_int_equal(ask(bench, "POST", "/v1/statements/0/final", "{\"by\":\"bob\"}"), 404);
    assert_int_equal(ask(bench, "POST", "/v1/statements",
                         "{\"party\":\"acme\",\"month\":\"2026-04\",\"by\":\"bob\"}"),
                     201);
    assert_string_equal(bench->engine.asked, "draft acme 24315 bob");
}

static void programmes_are_told_in_words_of_their_own(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(ask(bench, "POST", "/v1/programmes/gate/calls",
                         "{\"amount\":\"10bn\",\"due\":\"2025-04-01\",\"by\":\"ann\","
                         "\"reference\":\"r\"}"),
                     201);
    assert_string_equal(bench->engine.asked,
                        "fund 24 gate  10000000000.00 2025-04-01 by ann under r");
    assert_int_equal(ask(bench, "POST", "/v1/programmes/gate/payments",
                         "{\"amount\":\"1.5k\",\"funder\":\"b\",\"on\":\"2025-04-01\","
                         "\"by\":\"ann\",\"reference\":\"r\"}"),
                     201);
    assert_string_equal(bench->engine.asked, "fund 25 gate b 1500.00 2025-04-01 by ann under r");
    assert_int_equal(ask(bench, "POST", "/v1/programmes/gate/draws",
                         "{\"amount\":\"0.25\",\"order\":\"order-2\",\"by\":\"ann\","
                         "\"reference\":\"r\"}"),
                     201);
    assert_string_equal(bench->engine.asked, "fund 26 gate order-2 0.25 today by ann under r");
    assert_int_equal(ask(bench, "POST", "/v1/programmes/gate/draws",
                         "{\"amount\":\"bn\",\"order\":\"order-2\"}"),
                     400);
    assert_int_equal(
        ask(bench, "POST", "/v1/programmes/gate/calls", "{\"amount\":\"1\",\"due\":\"soon\"}"),
        400);
    assert_int_equal(ask(bench, "GET", "/v1/programmes", NULL), 200);
    assert_string_equal(bench->engine.asked, "programmes all");
    assert_int_equal(ask(bench, "GET", "/v1/programmes/gate", NULL), 200);
    assert_string_equal(bench->engine.asked, "programmes gate");
}

static void unsound_books_are_an_answer_and_say_so(void **state)
{
    struct bench *bench = *state;
    assert_int_equal(ask(bench, "GET", "/v1/ledger/verify", NULL), 200);
    assert_true(bench->answer.unsound);
    bench->engine.sound = true;
    assert_int_equal(ask(bench, "GET", "/v1/ledger/verify", NULL), 200);
    assert_false(bench->answer.unsound);
}

static void an_attestation_without_an_instant_happens_on_the_contracts_clock(void **state)
{
    struct bench *bench = *state;
    bench->options.clock_shift_ns = 5;
    assert_int_equal(ask(bench, "POST", "/v1/attest", "{\"event\":\"agi\",\"party\":\"panel\"}"),
                     200);
    assert_string_equal(bench->engine.asked, "attest agi panel 1000000000005");
    assert_int_equal(ask(bench, "POST", "/v1/attest",
                         "{\"event\":\"agi\",\"party\":\"panel\",\"at\":\"1970-01-02\"}"),
                     200);
    assert_string_equal(bench->engine.asked, "attest agi panel 86400000000000");
    assert_int_equal(
        ask(bench, "POST", "/v1/attest", "{\"event\":\"a\",\"party\":\"p\",\"at\":\"soon\"}"), 400);
}

static void a_signature_is_128_hexadecimal_digits_or_refused(void **state)
{
    struct bench *bench = *state;
    char body[512];
    char digits[130];
    memset(digits, 'a', 128);
    digits[128] = '\0';
    (void)snprintf(body, sizeof(body),
                   "{\"event\":\"e\",\"party\":\"p\",\"at\":\"1970-01-02\",\"signature\":\"%s\"}",
                   digits);
    assert_int_equal(ask(bench, "POST", "/v1/attest", body), 200);
    assert_string_equal(bench->engine.asked, "attest e p 86400000000000 signed");
    digits[127] = 'g';
    (void)snprintf(body, sizeof(body), "{\"event\":\"e\",\"party\":\"p\",\"signature\":\"%s\"}",
                   digits);
    assert_int_equal(ask(bench, "POST", "/v1/attest", body), 400);
    assert_int_equal(
        ask(bench, "POST", "/v1/attest", "{\"event\":\"e\",\"party\":\"p\",\"signature\":\"aa\"}"),
        400);
    assert_int_equal(
        ask(bench, "POST", "/v1/attest", "{\"event\":\"e\",\"party\":\"p\",\"signature\":1}"), 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_route_over_tcp_refuses_who_has_no_token),
        TEST(the_right_token_passes_over_tcp_and_none_is_needed_on_the_socket),
        TEST(the_token_for_metrics_opens_metrics_and_nothing_else),
        TEST(a_web_page_is_refused_even_with_the_token),
        TEST(unknown_paths_and_methods_are_told_apart),
        TEST(a_body_that_is_no_json_object_is_400_in_the_one_error_form),
        TEST(a_key_is_made_and_its_token_told_once),
        TEST(limits_of_a_key_are_read_whole_or_refused),
        TEST(a_rotated_key_tells_its_new_token_and_how_long_the_one_of_before_is_good),
        TEST(an_engine_error_becomes_its_status),
        TEST(a_deal_with_errors_is_422_with_its_report),
        TEST(drain_goes_on_while_there_is_more),
        TEST(a_report_comes_in_the_format_asked_for),
        TEST(what_is_looked_back_at_goes_to_the_engine_as_asked),
        TEST(the_journal_names_its_next_page_until_its_end),
        TEST(a_statement_is_asked_for_as_it_was_made),
        TEST(shares_are_told_by_name_and_reference),
        TEST(corrections_of_usage_have_units_by_their_classes),
        TEST(periods_and_statements_ask_who_it_is),
        TEST(programmes_are_told_in_words_of_their_own),
        TEST(unsound_books_are_an_answer_and_say_so),
        TEST(an_attestation_without_an_instant_happens_on_the_contracts_clock),
        TEST(a_signature_is_128_hexadecimal_digits_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
