/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct page {
    struct oft_buffer out;
    struct oft_json json;
};

static void begin(struct page *page)
{
    oft_buffer_init(&page->out, 1 << 16);
    page->json = (struct oft_json){.out = &page->out};
}

static void ends_as(struct page *page, const char *expected)
{
    assert_string_equal(oft_buffer_text(&page->out), expected);
    oft_buffer_release(&page->out);
}

static void written_as(const char *text, const char *expected)
{
    struct page page;
    begin(&page);
    oft_json_text(&page.json, text);
    ends_as(&page, expected);
}

static void commas_stand_between_and_nowhere_else(void **unused)
{
    (void)unused;
    struct page page;
    begin(&page);
    oft_json_open(&page.json, '{');
    oft_json_key(&page.json, "empty");
    oft_json_open(&page.json, '[');
    oft_json_close(&page.json, ']');
    oft_json_key(&page.json, "rows");
    oft_json_open(&page.json, '[');
    for (uint64_t i = 0; i < 2; i++) {
        oft_json_open(&page.json, '{');
        oft_json_put_number(&page.json, "n", i);
        oft_json_put_bool(&page.json, "odd", i == 1);
        oft_json_close(&page.json, '}');
    }
    oft_json_number(&page.json, UINT64_MAX);
    oft_json_null(&page.json);
    oft_json_close(&page.json, ']');
    oft_json_put_text(&page.json, "last", "x");
    oft_json_close(&page.json, '}');
    ends_as(&page, "{\"empty\":[],\"rows\":[{\"n\":0,\"odd\":false},{\"n\":1,\"odd\":true},"
                   "18446744073709551615,null],\"last\":\"x\"}");
}

static void what_json_may_not_hold_is_escaped(void **unused)
{
    (void)unused;
    written_as("", "\"\"");
    written_as(NULL, "null");
    written_as("a\"b\\c", "\"a\\\"b\\\\c\"");
    written_as("\b\t\n\r\x01\x1f\x7f", "\"\\u0008\\u0009\\u000a\\u000d\\u0001\\u001f\\u007f\"");
    written_as("</script>", "\"</script>\"");
}

static void letters_of_any_length_stand_as_they_are(void **unused)
{
    (void)unused;
    written_as("\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\xa5", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\xa5\"");
    written_as("\xf4\x8f\xbf\xbf", "\"\xf4\x8f\xbf\xbf\""); /* U+10FFFF, the last */
}

static void bytes_that_are_no_letters_are_replaced_one_by_one(void **unused)
{
    (void)unused;
    written_as("\xff", "\"\\ufffd\"");
    written_as("\x80z", "\"\\ufffdz\"");
    written_as("\xc0\xaf", "\"\\ufffd\\ufffd\"");                       /* too long a form */
    written_as("\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\"");            /* the same */
    written_as("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");            /* half a pair */
    written_as("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""); /* beyond the last */
    written_as("\xf8\x88\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""); /* no such beginning */
    written_as("a\xe2\x82", "\"a\\ufffd\\ufffd\"");                     /* cut by the end */
    written_as("\xe2\"", "\"\\ufffd\\\"\"");                            /* cut by a quote */
    written_as("\xf0\x9f\x94\"x", "\"\\ufffd\\ufffd\\ufffd\\\"x\"");    /* the same */
}

static void names_of_members_are_escaped_too(void **unused)
{
    (void)unused;
    struct page page;
    begin(&page);
    oft_json_open(&page.json, '{');
    oft_json_put_text(&page.json, "a\"b", NULL);
    oft_json_close(&page.json, '}');
    ends_as(&page, "{\"a\\\"b\":null}");
}

static void amounts_and_instants_are_exact_texts(void **unused)
{
    (void)unused;
    struct page page;
    begin(&page);
    oft_json_open(&page.json, '{');
    oft_json_put_amount(&page.json, "price", 2050000000);
    oft_json_put_amount(&page.json, "least", -1);
    oft_json_put_amount(&page.json, "none", 0);
    oft_json_put_instant(&page.json, "at", 0);
    oft_json_put_instant(&page.json, "never", OFT_INSTANT_NEVER);
    oft_json_close(&page.json, '}');
    ends_as(&page, "{\"price\":\"2.05\",\"least\":\"-0.000000001\",\"none\":\"0.00\","
                   "\"at\":\"1970-01-01T00:00:00Z\",\"never\":null}");
}

static void a_page_that_is_too_long_says_so(void **unused)
{
    (void)unused;
    struct page page;
    begin(&page);
    oft_buffer_release(&page.out);
    oft_buffer_init(&page.out, 8);
    oft_json_text(&page.json, "more than eight bytes");
    assert_true(page.out.failed);
    oft_buffer_release(&page.out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_stand_between_and_nowhere_else),
        cmocka_unit_test(what_json_may_not_hold_is_escaped),
        cmocka_unit_test(letters_of_any_length_stand_as_they_are),
        cmocka_unit_test(bytes_that_are_no_letters_are_replaced_one_by_one),
        cmocka_unit_test(names_of_members_are_escaped_too),
        cmocka_unit_test(amounts_and_instants_are_exact_texts),
        cmocka_unit_test(a_page_that_is_too_long_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
