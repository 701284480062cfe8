/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person reads: the clause that decided, every pool with its reason, nothing wider than 80
 * columns; and the same as JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "policy/compile_internal.h"
#include "world.h"

#define JUNE INT64_C(1748736000000000000) /* 2025-06-01 */

static enum oft_err explain(const struct world *world, const char *product, const char *model,
                            const char *region, bool json, struct oft_buffer *out,
                            struct oft_error *error)
{
    struct policy_explain_question question;
    struct compiled compiled;
    enum oft_err err;

    world_compile(world, &compiled);
    oft_buffer_init(out, 1u << 20);
    question = (struct policy_explain_question){.product = oft_str_from(product),
                                                .model = oft_str_from(model),
                                                .region = oft_str_from(region),
                                                .at = JUNE};
    err = policy_explain(compiled.bytes.data, compiled.bytes.length, &question, json, out, error);
    compiled_release(&compiled);
    return err;
}

static void assert_has(const struct oft_buffer *out, const char *words)
{
    if (strstr(oft_buffer_text(out), words) == NULL) {
        fail_msg("'%s' is not in:\n%s", words, oft_buffer_text(out));
    }
}

static void assert_narrow(const struct oft_buffer *out)
{
    const char *line = oft_buffer_text(out);

    while (*line != '\0') {
        size_t width = strcspn(line, "\n");

        assert_true(width <= 80);
        line += width + 1;
    }
}

static void text_names_clause_source_price_and_the_barred(void **state)
{
    struct world world;
    struct oft_buffer out;
    struct oft_error error = {0};

    (void)state;
    world_init(&world);
    (void)world_exclusive(&world, "ms-2025-01.api", API, AZURE, JUNE, world_until(JUNE + 5));
    assert_int_equal(explain(&world, "api", "zeta", "", false, &out, &error), OFT_OK);
    assert_has(&out, "instant  2025-06-01\n");
    assert_has(&out, "regime   from 2025-06-01 until ");
    assert_has(&out, "runs on east by ms-2025-01.api: api runs on azure only");
    assert_has(&out, "  1. east (azure, us-east)\n");
    assert_has(&out, "effective price 12.00 for 1M input and 1M output tokens\n");
    assert_has(&out, "  -  west (oci, eu-west)\n");
    assert_has(&out, "by ms-2025-01.api at world.deal:50\n");
    assert_has(&out, "exclusive to another provider\n");
    assert_narrow(&out);
    oft_buffer_release(&out);
}

static void a_refusal_names_its_clause(void **state)
{
    struct world world;
    struct oft_buffer out;
    struct oft_error error = {0};

    (void)state;
    world_init(&world);
    assert_int_equal(explain(&world, "copilot", "zeta", "", false, &out, &error), OFT_OK);
    assert_has(&out, "refused by license.microsoft: no licence to microsoft exists");
    assert_has(&out, "eligible: none\n");
    oft_buffer_release(&out);
    world.deal.serve_count = 3;
    assert_int_equal(explain(&world, "api", "alpha", "", false, &out, &error), OFT_OK);
    assert_has(&out, "refused: no pool serves this model\n");
    oft_buffer_release(&out);
}

static void json_is_one_object_with_decimal_strings(void **state)
{
    struct world world;
    struct oft_buffer out;
    struct oft_error error = {0};

    (void)state;
    world_init(&world);
    assert_int_equal(explain(&world, "api", "zeta", "eu-west", true, &out, &error), OFT_OK);
    assert_has(&out, "{\"instant\":\"2025-06-01T00:00:00Z\",\"product\":\"api\"");
    assert_has(&out, "\"allowed\":true,\"clause\":\"west.serves.zeta\"");
    assert_has(&out, "\"eligible\":[{\"pool\":\"west\"");
    assert_has(&out, "\"effective_price_per_million\":\"10.00\"}],\"barred\":[{");
    assert_has(&out, "\"reason\":\"barred_by_region\"");
    oft_buffer_release(&out);
}

static void an_unknown_name_is_told_with_what_there_is(void **state)
{
    struct world world;
    struct oft_buffer out;
    struct oft_error error = {0};

    (void)state;
    world_init(&world);
    assert_int_equal(explain(&world, "apj", "zeta", "", false, &out, &error), OFT_ERR_NOT_FOUND);
    assert_string_equal(error.message,
                        "the deal has no product 'apj'; it has: api, copilot, training");
    oft_buffer_release(&out);
    assert_int_equal(explain(&world, "api", "omega", "", false, &out, &error), OFT_ERR_NOT_FOUND);
    assert_string_equal(error.message, "the deal has no model 'omega'; it has: alpha, zeta");
    oft_buffer_release(&out);
}

static void damaged_bytes_are_refused(void **state)
{
    _Alignas(16) char bytes[512] = "OFPOLCY1";
    struct policy_explain_question question = {.product = oft_str_from("a"),
                                               .model = oft_str_from("b")};
    struct oft_buffer out;
    struct oft_error error = {0};

    (void)state;
    oft_buffer_init(&out, 1024);
    assert_int_not_equal(policy_explain(bytes, sizeof(bytes), &question, false, &out, &error),
                         OFT_OK);
    oft_buffer_release(&out);
}

static void json_escapes_quotes_controls_and_broken_utf8(void **state)
{
    struct oft_buffer out;

    (void)state;
    oft_buffer_init(&out, 1024);
    policy_escape_json(&out,
                       OFT_STR_LITERAL("a\"\\\n\x01\x7f\xc3\xa9|\xc3|\xed\xa0\x80|\xf0\x9f\x98\x80"
                                       "\xc0\x80"));
    assert_string_equal(oft_buffer_text(&out),
                        "a\\\"\\\\\\u000a\\u0001\\u007f\xc3\xa9|\\ufffd|\\ufffd\\ufffd\\ufffd|"
                        "\xf0\x9f\x98\x80\\ufffd\\ufffd");
    oft_buffer_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_names_clause_source_price_and_the_barred),
        cmocka_unit_test(a_refusal_names_its_clause),
        cmocka_unit_test(json_is_one_object_with_decimal_strings),
        cmocka_unit_test(an_unknown_name_is_told_with_what_there_is),
        cmocka_unit_test(damaged_bytes_are_refused),
        cmocka_unit_test(json_escapes_quotes_controls_and_broken_utf8),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
