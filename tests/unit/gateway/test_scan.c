/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two scanners that look at other people's JSON: what a request asks for, and what a provider
 * says that it used.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/ngx_http_offtake_scan.h"
#include "gateway/ngx_http_offtake_usage.h"

static offtake_scan_result_t scan(const char *text, offtake_request_t *request)
{
    return offtake_scan_request(text, strlen(text), request);
}

static void deciding_keys_are_found_wherever_they_stand(void **state)
{
    offtake_request_t request;
    const char *text =
        " { \"a\":[{\"model\":\"no\"},[]], \"max_tokens\" : 12 , \"model\" : \"gpt-4o\","
        "\"stream\":true,\"stream_options\":{\"x\":{\"include_usage\":1},"
        "\"include_usage\":false} } \n";
    (void)state;
    assert_int_equal(scan(text, &request), OFFTAKE_SCAN_OK);
    assert_int_equal(strncmp(text + request.model.start, "\"gpt-4o\"", 8), 0);
    assert_int_equal(request.model.end - request.model.start, 8);
    assert_int_equal(request.max_output_tokens, 12);
    assert_true(request.stream);
    assert_false(request.include_usage_true);
    assert_int_equal(strncmp(text + request.include_usage.start, "false}", 6), 0);
    assert_int_equal(text[request.object_end], '}');
}

static void what_a_provider_could_read_otherwise_is_refused(void **state)
{
    static const struct {
        const char *text;
        offtake_scan_result_t expected;
    } cases[] = {
        {"", OFFTAKE_SCAN_NOT_JSON},
        {"[]", OFFTAKE_SCAN_NOT_JSON},
        {"{}", OFFTAKE_SCAN_NO_MODEL},
        {"{} x", OFFTAKE_SCAN_NOT_JSON},
        {"{\"model\":\"a\",\"n\":2000}", OFFTAKE_SCAN_BAD_COUNT},
        {"{\"model\":\"a\",\"n\":\"2\"}", OFFTAKE_SCAN_BAD_COUNT},
        {"{\"model\":\"a\",\"n\":1,\"n\":2}", OFFTAKE_SCAN_DUPLICATE_KEY},
        {"{\"model\":\"a\",\"best_of\":-1}", OFFTAKE_SCAN_BAD_COUNT},
        {"{\"model\":\"a\"", OFFTAKE_SCAN_NOT_JSON},
        {"{\"model\":\"a\",}", OFFTAKE_SCAN_NOT_JSON},
        {"{\"model\":\"a\"}}", OFFTAKE_SCAN_NOT_JSON},
        {"{\"model\":\"a\" \"b\":1}", OFFTAKE_SCAN_NOT_JSON},
        {"{model:\"a\"}", OFFTAKE_SCAN_NOT_JSON},
        {"{'model':'a'}", OFFTAKE_SCAN_NOT_JSON},
        {"{\"model\":\"a\n\"}", OFFTAKE_SCAN_NOT_JSON},
        {"{\"model\":\"a\",\"x\":\"\\q\"}", OFFTAKE_SCAN_NOT_JSON},
        {"{\"model\":\"a\",\"x\":\"\\u12g4\"}", OFFTAKE_SCAN_NOT_JSON},
        {"{\"model\":\"a\",\"x\":01}", OFFTAKE_SCAN_NOT_JSON},
        {"{\"model\":\"a\",\"x\":1.}", OFFTAKE_SCAN_NOT_JSON},
        {"{\"model\":\"a\",\"x\":-}", OFFTAKE_SCAN_NOT_JSON},
        {"{\"model\":\"a\",\"x\":1e}", OFFTAKE_SCAN_NOT_JSON},
        {"{\"model\":\"a\",\"x\":NaN}", OFFTAKE_SCAN_NOT_JSON},
        {"{\"model\":\"a\",\"x\":truex}", OFFTAKE_SCAN_NOT_JSON},
        {"{\"model\":\"a\",\"x\":[1,]}", OFFTAKE_SCAN_NOT_JSON},
        {"{\"model\":\"a\",\"x\":[1}}", OFFTAKE_SCAN_NOT_JSON},
        {"{\"model\":\"a\",\"x\":{\"y\"}}", OFFTAKE_SCAN_NOT_JSON},
        {"{\"model\":\"a\"} x", OFFTAKE_SCAN_NOT_JSON},
        {"{\"mod\\u0065l\":\"a\",\"model\":\"b\"}", OFFTAKE_SCAN_ESCAPED_KEY},
        {"{\"model\":\"a\",\"model\":\"b\"}", OFFTAKE_SCAN_DUPLICATE_KEY},
        {"{\"model\":\"a\",\"stream\":true,\"stream\":false}", OFFTAKE_SCAN_DUPLICATE_KEY},
        {"{\"model\":\"a\",\"stream_options\":{\"include_usage\":true,\"include_usage\":false}}",
         OFFTAKE_SCAN_DUPLICATE_KEY},
        {"{\"x\":1}", OFFTAKE_SCAN_NO_MODEL},
        {"{\"model\":7}", OFFTAKE_SCAN_BAD_MODEL},
        {"{\"model\":\"\"}", OFFTAKE_SCAN_BAD_MODEL},
        {"{\"model\":\"a\\u0062\"}", OFFTAKE_SCAN_BAD_MODEL},
        {"{\"model\":\"a\",\"stream\":1}", OFFTAKE_SCAN_BAD_STREAM},
        {"{\"model\":\"a\",\"stream_options\":[]}", OFFTAKE_SCAN_BAD_OPTIONS},
        {"{\"model\":\"a\",\"max_tokens\":-1}", OFFTAKE_SCAN_BAD_LIMIT},
        {"{\"model\":\"a\",\"max_tokens\":1.0}", OFFTAKE_SCAN_BAD_LIMIT},
        {"{\"model\":\"a\",\"max_completion_tokens\":99999999999999999999}",
         OFFTAKE_SCAN_BAD_LIMIT},
        {"{\"model\":\"a\",\"max_output_tokens\":\"9\"}", OFFTAKE_SCAN_BAD_LIMIT},
    };
    offtake_request_t request;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (scan(cases[i].text, &request) != cases[i].expected) {
            fail_msg("%s: %d instead of %d", cases[i].text, scan(cases[i].text, &request),
                     cases[i].expected);
        }
        assert_non_null(offtake_scan_text(cases[i].expected));
    }
}

static void nesting_has_a_limit_and_no_recursion(void **state)
{
    size_t depth = 200000;
    char *text = malloc(2 * depth + 64);
    offtake_request_t request;
    (void)state;
    assert_non_null(text);
    size_t at = (size_t)sprintf(text, "{\"model\":\"a\",\"x\":");
    memset(text + at, '[', depth);
    memset(text + at + depth, ']', depth);
    (void)sprintf(text + at + 2 * depth, "}");
    assert_int_equal(scan(text, &request), OFFTAKE_SCAN_TOO_DEEP);
    free(text);
    assert_int_equal(scan("{\"model\":\"a\",\"x\":[[[[{\"y\":[{}]}]]]]}", &request),
                     OFFTAKE_SCAN_OK);
}

/* The body less its "stream", as Bedrock wants it. */
static void without_stream(const char *text, const char *expected)
{
    offtake_request_t request;
    char rest[256];
    assert_int_equal(scan(text, &request), OFFTAKE_SCAN_OK);
    (void)snprintf(rest, sizeof(rest), "%.*s%s", (int)request.stream_member.start, text,
                   text + request.stream_member.end);
    assert_string_equal(rest, expected);
}

static void the_stream_can_be_cut_out_wherever_it_stands(void **state)
{
    (void)state;
    without_stream("{\"stream\":false , \"model\":\"a\"}", "{ \"model\":\"a\"}");
    without_stream("{\"model\":\"a\", \"stream\": false, \"x\":1}", "{\"model\":\"a\", \"x\":1}");
    without_stream("{\"model\":\"a\" ,\"stream\":null }", "{\"model\":\"a\" }");
}

static void as_many_answers_as_either_key_asks_for(void **state)
{
    offtake_request_t request;
    (void)state;
    assert_int_equal(scan("{\"model\":\"a\",\"n\":3,\"best_of\":7,\"max_tokens\":5}", &request),
                     OFFTAKE_SCAN_OK);
    assert_int_equal(request.choices, 7);
    assert_int_equal(request.max_output_tokens, 5);
    assert_int_equal(scan("{\"model\":\"a\",\"n\":null}", &request), OFFTAKE_SCAN_OK);
    assert_int_equal(request.choices, 0);
}

static void every_cut_of_a_good_body_is_refused(void **state)
{
    const char *text =
        "{\"model\":\"gpt-4o\",\"messages\":[{\"role\":\"user\",\"content\":\"a\\n\"}],"
        "\"temperature\":-1.5e-3,\"stream\":true}";
    offtake_request_t request;
    (void)state;
    for (size_t length = 0; length < strlen(text); length++) {
        char *copy = malloc(length + 1); /* its own size, so that a read past the end is seen */
        memcpy(copy, text, length);
        assert_int_not_equal(offtake_scan_request(copy, length, &request), OFFTAKE_SCAN_OK);
        free(copy);
    }
    assert_int_equal(scan(text, &request), OFFTAKE_SCAN_OK);
}

static int units_of(const char *text, size_t cut, uint64_t units[7])
{
    offtake_usage_t usage;
    size_t length = strlen(text);
    offtake_usage_init(&usage);
    offtake_usage_feed(&usage, text, cut);
    offtake_usage_feed(&usage, text + cut, length - cut);
    return offtake_usage_units(&usage, units);
}

static void usage_is_read_in_every_form_and_cut_into_disjoint_classes(void **state)
{
    static const struct {
        const char *text;
        uint64_t units[7];
    } cases[] = {
        {"{\"choices\":[{\"message\":{\"content\":\"{\\\"usage\\\":{\\\"prompt_tokens\\\":9}}\"}}],"
         "\"usage\":{\"prompt_tokens\":100,\"completion_tokens\":20,\"total_tokens\":120}}",
         {100, 0, 0, 20, 0, 0, 0}},
        {"{\"usage\":{\"prompt_tokens\":100,\"prompt_tokens_details\":{\"cached_tokens\":30,"
         "\"audio_tokens\":5},\"completion_tokens\":50,\"completion_tokens_details\":"
         "{\"reasoning_tokens\":20,\"audio_tokens\":1}}}",
         {65, 30, 0, 29, 20, 6, 0}},
        {"{\"type\":\"response.completed\",\"response\":{\"output\":[],\"usage\":{\"input_tokens\":"
         "7,"
         "\"input_tokens_details\":{\"cached_tokens\":2},\"output_tokens\":3,"
         "\"output_tokens_details\":{\"reasoning_tokens\":1}}}}",
         {5, 2, 0, 2, 1, 0, 0}},
        {"{\"object\":\"list\",\"data\":[{\"embedding\":[0.1,-2e-3]}],\"usage\":{\"prompt_tokens\":"
         "8,"
         "\"total_tokens\":8}}",
         {8, 0, 0, 0, 0, 0, 0}},
        {"{\"a\":{\"usage\":{\"prompt_tokens\":999}},\"usage\":{\"prompt_tokens\":1}}",
         {1, 0, 0, 0, 0, 0, 0}},
        {"{\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":1},\"usage\":{\"prompt_tokens\":5,"
         "\"completion_tokens\":2}}",
         {5, 0, 0, 2, 0, 0, 0}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t cut = 0; cut <= strlen(cases[i].text); cut++) {
            uint64_t units[7] = {0};
            assert_int_equal(units_of(cases[i].text, cut, units), 1);
            assert_memory_equal(units, cases[i].units, sizeof(units));
        }
    }
}

static void usage_that_cannot_be_true_is_not_believed(void **state)
{
    static const char *const cases[] = {
        "{}",
        "{\"usage\":null}",
        "{\"usage\":{}}",
        "{\"usage\":\"prompt_tokens\"}",
        "{\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":1}}",
        "{\"usage\":{\"prompt_tokens\":1.5,\"completion_tokens\":1}}",
        "{\"usage\":{\"prompt_tokens\":1e3,\"completion_tokens\":1}}",
        "{\"usage\":{\"prompt_tokens\":\"5\",\"completion_tokens\":1}}",
        "{\"usage\":{\"prompt_tokens\":true,\"completion_tokens\":1}}",
        "{\"usage\":{\"prompt_tokens\":9223372036854775808,\"completion_tokens\":1}}",
        "{\"usage\":{\"prompt_tokens\":99999999999999999999999999,\"completion_tokens\":1}}",
        "{\"usage\":{\"prompt_tokens\":1,\"prompt_tokens_details\":{\"cached_tokens\":2}}}",
        "{\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1,\"completion_tokens_details\":"
        "{\"reasoning_tokens\":2}}}",
        "{\"usage\":{\"prompt_tokens\":{\"a\":1},\"completion_tokens\":1}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t units[7];
        if (units_of(cases[i], 0, units) != 0) {
            fail_msg("believed: %s", cases[i]);
        }
    }
}

static void a_service_tier_is_taken_where_it_stands_and_from_nowhere_else(void **state)
{
    static const struct {
        const char *text;
        offtake_tier_t tier;
    } cases[] = {
        {"{\"service_tier\":\"flex\"}", OFFTAKE_TIER_FLEX},
        {"{\"usage\":{\"prompt_tokens\":1},\"service_tier\" : \"priority\"}",
         OFFTAKE_TIER_PRIORITY},
        {"{\"service_tier\":\"batch\",\"choices\":[{\"x\":\"y\"}]}", OFFTAKE_TIER_BATCH},
        {"{\"service_tier\":\"default\"}", OFFTAKE_TIER_STANDARD},
        {"{\"service_tier\":\"standard\"}", OFFTAKE_TIER_STANDARD},
        {"{\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"service_tier\":\"flex\"}}",
         OFFTAKE_TIER_FLEX},
        /* What was asked, and no answer. */
        {"{\"service_tier\":\"auto\"}", OFFTAKE_TIER_NONE},
        {"{\"service_tier\":null}", OFFTAKE_TIER_NONE},
        {"{\"choices\":[]}", OFFTAKE_TIER_NONE},
        /* Words that are none of ours. */
        {"{\"service_tier\":\"scale\"}", OFFTAKE_TIER_OTHER},
        {"{\"service_tier\":\"flexible\"}", OFFTAKE_TIER_OTHER},
        {"{\"service_tier\":\"fle\"}", OFFTAKE_TIER_OTHER},
        {"{\"service_tier\":\"\"}", OFFTAKE_TIER_OTHER},
        {"{\"service_tier\":\"f\\u006cex\"}", OFFTAKE_TIER_OTHER},
        {"{\"service_tier\":\"fl\\\"ex\"}", OFFTAKE_TIER_OTHER},
        {"{\"service_tier\":\"flexflexflexflexflex\"}", OFFTAKE_TIER_OTHER},
        /* The last word counts, as for every parser of JSON. */
        {"{\"service_tier\":\"flex\",\"service_tier\":\"default\"}", OFFTAKE_TIER_STANDARD},
        {"{\"service_tier\":\"flex\",\"service_tier\":null}", OFFTAKE_TIER_NONE},
        /* Inside a text, a nested object, a list; as a value; with another type. */
        {"{\"choices\":[{\"message\":{\"content\":\"\\\"service_tier\\\":\\\"flex\\\"\"}}]}",
         OFFTAKE_TIER_NONE},
        {"{\"a\":{\"service_tier\":\"flex\"}}", OFFTAKE_TIER_NONE},
        {"{\"usage\":{\"service_tier\":\"flex\"}}", OFFTAKE_TIER_NONE},
        {"{\"response\":{\"output\":[{\"service_tier\":\"flex\"}]}}", OFFTAKE_TIER_NONE},
        {"{\"response\":[{\"service_tier\":\"flex\"}]}", OFFTAKE_TIER_NONE},
        {"{\"x\":{\"response\":{\"service_tier\":\"flex\"}}}", OFFTAKE_TIER_NONE},
        {"[\"service_tier\",\"flex\"]", OFFTAKE_TIER_NONE},
        {"{\"model\":\"service_tier\",\"x\":\"flex\"}", OFFTAKE_TIER_NONE},
        {"{\"service\\u005ftier\":\"flex\"}", OFFTAKE_TIER_NONE},
        {"{\"service_tier\":[\"flex\"]}", OFFTAKE_TIER_NONE},
        {"{\"service_tier\":3,\"x\":\"flex\"}", OFFTAKE_TIER_NONE},
        {"{\"service_tier\":\"flex", OFFTAKE_TIER_NONE}, /* cut off */
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t length = strlen(cases[i].text);
        for (size_t cut = 0; cut <= length; cut++) {
            offtake_usage_t usage;
            offtake_usage_init(&usage);
            offtake_usage_feed(&usage, cases[i].text, cut);
            offtake_usage_feed(&usage, cases[i].text + cut, length - cut);
            if (usage.tier != cases[i].tier) {
                fail_msg("%s: %d", cases[i].text, (int)usage.tier);
            }
        }
    }
}

static void a_chunk_that_only_carries_usage_is_told_from_one_with_content(void **state)
{
    offtake_usage_t usage;
    const char *only = "{\"choices\":[],\"usage\":{\"prompt_tokens\":1}}";
    const char *both = "{\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":1}}";
    (void)state;
    offtake_usage_init(&usage);
    offtake_usage_feed(&usage, only, strlen(only));
    assert_true(usage.has_usage && !usage.has_choices);
    offtake_usage_init(&usage);
    offtake_usage_feed(&usage, both, strlen(both));
    assert_true(usage.has_usage && usage.has_choices);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deciding_keys_are_found_wherever_they_stand),
        cmocka_unit_test(what_a_provider_could_read_otherwise_is_refused),
        cmocka_unit_test(nesting_has_a_limit_and_no_recursion),
        cmocka_unit_test(the_stream_can_be_cut_out_wherever_it_stands),
        cmocka_unit_test(as_many_answers_as_either_key_asks_for),
        cmocka_unit_test(every_cut_of_a_good_body_is_refused),
        cmocka_unit_test(usage_is_read_in_every_form_and_cut_into_disjoint_classes),
        cmocka_unit_test(usage_that_cannot_be_true_is_not_believed),
        cmocka_unit_test(a_service_tier_is_taken_where_it_stands_and_from_nowhere_else),
        cmocka_unit_test(a_chunk_that_only_carries_usage_is_told_from_one_with_content),
    };
    return cmocka_run_group_tests_name("gateway scan", tests, NULL, NULL);
}
