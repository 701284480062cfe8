/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the simulated provider reads out of a request, and which faults it knows by name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "ask.h"
#include "fault.h"

static bool parse(const char *text, struct sim_ask *ask)
{
    return sim_ask_parse(oft_str_from(text), 7, ask);
}

static void hints_and_limits_are_obeyed_exactly(void **state)
{
    struct sim_ask ask;
    (void)state;
    assert_true(parse("{\"model\":\"m\",\"max_completion_tokens\":45,\"stream\":true,"
                      "\"stream_options\":{\"x\":1,\"include_usage\": true},\"messages\":"
                      "[{\"role\":\"system\",\"content\":\"be short\"},"
                      "{\"role\":\"user\",\"content\":\"tokens:1155 reasoning:7 cached:200 hi\"}]}",
                      &ask));
    assert_int_equal(ask.prompt_tokens, 1155);
    assert_int_equal(ask.cached_tokens, 200);
    assert_int_equal(ask.reasoning_tokens, 7);
    assert_int_equal(ask.output_tokens, 45);
    assert_true(ask.stream && ask.include_usage && ask.output_given);
    assert_string_equal(ask.model, "m");
}

static void without_a_hint_the_prompts_bytes_are_counted(void **state)
{
    struct sim_ask ask;
    (void)state;
    assert_true(parse("{\"prompt\":\"123456789\"}", &ask)); /* eleven bytes with its quotes */
    assert_int_equal(ask.prompt_tokens, 3);
    assert_true(parse("{\"prompt\":\"say \\\"tokens:9 \\\" please\"}", &ask));
    assert_int_not_equal(ask.prompt_tokens, 9);
    assert_true(parse("{}", &ask));
    assert_int_equal(ask.prompt_tokens, 1);
}

static void an_answer_without_a_limit_is_drawn_from_seed_and_body(void **state)
{
    struct sim_ask one, same, other;
    (void)state;
    assert_true(parse("{\"prompt\":\"a\"}", &one));
    assert_true(parse("{\"prompt\":\"a\"}", &same));
    assert_true(parse("{\"prompt\":\"b\"}", &other));
    assert_in_range(one.output_tokens, 1, 256);
    assert_int_equal(one.hash, same.hash);
    assert_int_not_equal(one.hash, other.hash);
}

static void parts_are_never_more_than_their_whole(void **state)
{
    struct sim_ask ask;
    (void)state;
    assert_true(parse("{\"max_tokens\":3,\"prompt\":\"tokens:5 cached:9 reasoning:9 \"}", &ask));
    assert_int_equal(ask.cached_tokens, 5);
    assert_int_equal(ask.reasoning_tokens, 3);
}

static void inputs_of_an_embedding_are_counted(void **state)
{
    struct sim_ask ask;
    (void)state;
    assert_true(parse("{\"input\":[\"a\", \"b]\", \"c\"]}", &ask));
    assert_int_equal(ask.inputs, 3);
    assert_true(parse("{\"input\":[1,2,3]}", &ask));
    assert_int_equal(ask.inputs, 1);
    assert_true(parse("{\"input\":\"a\"}", &ask));
    assert_int_equal(ask.inputs, 1);
}

static void a_body_that_is_no_object_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "[]",
                                      "\"x\"",
                                      "{",
                                      "{\"a\"",
                                      "{\"a\":",
                                      "{\"a\":1",
                                      "{\"a\":1,",
                                      "{\"a\":1} x",
                                      "{\"a\":\"x",
                                      "{\"a\":\"x\\",
                                      "{a:1}",
                                      "{\"max_tokens\":-1}",
                                      "{\"max_tokens\":\"7\"}",
                                      "{\"max_tokens\":1.5}",
                                      "{\"stream\":\"yes\"}",
                                      "{\"model\":7}",
                                      "{\"model\":\"a\\nb\"}"};
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(bad); i++) {
        struct sim_ask ask;
        assert_false(parse(bad[i], &ask));
    }
}

static void faults_are_known_by_name_and_number(void **state)
{
    struct sim_fault fault;
    (void)state;
    assert_true(sim_fault_parse(oft_str_from("429=7"), &fault));
    assert_int_equal(fault.kind, SIM_FAULT_STATUS);
    assert_int_equal(fault.status, 429);
    assert_int_equal(fault.value, 7);
    assert_true(sim_fault_parse(oft_str_from("reset-mid"), &fault));
    assert_int_equal(fault.value, 2);
    assert_false(sim_fault_parse(oft_str_from("429="), &fault));
    assert_false(sim_fault_parse(oft_str_from("429=x"), &fault));
    assert_false(sim_fault_parse(oft_str_from("explode"), &fault));
    assert_false(sim_fault_parse(oft_str_from(""), &fault));
}

static void armed_faults_are_used_up_in_order_by_the_model_they_name(void **state)
{
    struct sim_fault_list list = {.count = 0};
    struct sim_fault hang = {SIM_FAULT_HANG, 0, 0};
    struct sim_fault reset = {SIM_FAULT_RESET, 0, 0};
    (void)state;
    assert_true(sim_fault_arm(&list, hang, 1, "big"));
    assert_true(sim_fault_arm(&list, reset, 2, ""));
    assert_int_equal(sim_fault_take(&list, "small").kind, SIM_FAULT_RESET);
    assert_int_equal(sim_fault_take(&list, "big").kind, SIM_FAULT_HANG);
    assert_int_equal(sim_fault_take(&list, "big").kind, SIM_FAULT_RESET);
    assert_int_equal(sim_fault_take(&list, "big").kind, SIM_FAULT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hints_and_limits_are_obeyed_exactly),
        cmocka_unit_test(without_a_hint_the_prompts_bytes_are_counted),
        cmocka_unit_test(an_answer_without_a_limit_is_drawn_from_seed_and_body),
        cmocka_unit_test(parts_are_never_more_than_their_whole),
        cmocka_unit_test(inputs_of_an_embedding_are_counted),
        cmocka_unit_test(a_body_that_is_no_object_is_refused),
        cmocka_unit_test(faults_are_known_by_name_and_number),
        cmocka_unit_test(armed_faults_are_used_up_in_order_by_the_model_they_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
