/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Public price lists become price lines that say exactly what the list says, or nothing. The lists
 * are small ones, written by hand in the public formats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "prices/prices.h"

/* "value*10^shift" of a number, or what is wrong with it. */
static const char *number(const char *text, int shift)
{
    static char out[OFT_NANOS_TEXT_BYTES];
    oft_nanos value;
    enum oft_err err = prices_number(oft_str_from(text), shift, &value);
    return err == OFT_ERR_SYNTAX  ? "syntax"
           : err == OFT_ERR_RANGE ? "range"
           : err != OFT_OK        ? "?"
                                  : oft_i128_format(value, out);
}

static void numbers_are_read_as_they_are_written(void **state)
{
    (void)state;
    assert_string_equal(number("1.5e-07", 15), "150000000");
    assert_string_equal(number("0.00000015", 15), "150000000");
    assert_string_equal(number("15E-8", 15), "150000000");
    assert_string_equal(number("1.50000000000000000000000000000000000000e-07", 15), "150000000");
    assert_string_equal(number("1500e-10", 15), "150000000");
    assert_string_equal(number("1e+3", 0), "1000");
    assert_string_equal(number("-2.5", 1), "-25");
    assert_string_equal(number("0.0", 15), "0");
    assert_string_equal(number("0e999999999999999999", 15), "0");
    assert_string_equal(number("0.1", 9), "100000000");
    assert_string_equal(number("100000000000000000000000001", 0), "100000000000000000000000001");
}

static void what_is_too_fine_or_too_large_is_no_number_of_ours(void **state)
{
    (void)state;
    assert_string_equal(number("1e-16", 15), "range");
    assert_string_equal(number("1.0000000000000001e-07", 15), "range");
    assert_string_equal(number("3.3333333333333335e-05", 15), "range");
    assert_string_equal(number("1e28", 0), "range");
    assert_string_equal(number("1234567890123456789012345678", 0), "range");
    assert_string_equal(number("1e99999999999999999999", 0), "range");
    assert_string_equal(number("1e-99999999999999999999", 15), "range");
}

static void what_json_does_not_call_a_number_is_none(void **state)
{
    static const char *const wrong[] = {"",    "-",    "+1",  "01", "1.",       ".5",  "1e",
                                        "1e+", "0x10", "1_0", "1 ", "Infinity", "NaN", "--1"};
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(wrong); i++) {
        assert_string_equal(number(wrong[i], 0), "syntax");
    }
}

static void quote(const char *text, const char *expected)
{
    struct oft_buffer out;
    struct oft_error error = {0};
    oft_buffer_init(&out, 4096);
    enum oft_err err = prices_quote_numbers(oft_str_from(text), &out, &error);
    assert_int_equal(err, expected == NULL ? OFT_ERR_INVALID : OFT_OK);
    if (expected != NULL) {
        assert_string_equal(oft_buffer_text(&out), expected);
    }
    oft_buffer_release(&out);
}

static void numbers_go_into_quotes_and_texts_stay(void **state)
{
    (void)state;
    quote("{\"a\": 1.5e-07, \"b1\": [2,-3]}", "{\"a\": \"1.5e-07\", \"b1\": [\"2\",\"-3\"]}");
    quote("{\"a \\\" 1\": \"2 \\\\\", \"c\":4}", "{\"a \\\" 1\": \"2 \\\\\", \"c\":\"4\"}");
    quote("{1: 2}", NULL);
    quote("[01]", NULL);
    quote("[1e]", NULL);
    quote("\"never ends 12", "\"never ends 12");
    quote("\"ends in \\", "\"ends in \\");
}

static struct prices_book *book_of(enum prices_format format, const char *text,
                                   const struct prices_map *maps, size_t map_count)
{
    struct prices_wish wish = {format, maps, map_count};
    struct prices_book *book = NULL;
    struct oft_error error = {0};
    if (prices_read(oft_str_from(text), &wish, &book, &error) != OFT_OK) {
        fail_msg("%s", error.message);
    }
    return book;
}

static struct prices_book *book_of_file(enum prices_format format, const char *name)
{
    static char text[65536];
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", LISTS_DIRECTORY, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    text[length] = '\0';
    fclose(file);
    return book_of(format, text, NULL, 0);
}

/* "input 0.15 cached 0.075 ...", of a row; "none" when there is no such row. */
static const char *row(const struct prices_book *book, const char *model, enum deal_variant variant,
                       uint64_t above_tokens)
{
    static const char *const names[DEAL_UNIT_COUNT] = {"in",  "cached", "write", "out",
                                                       "why", "audio",  "image", "request"};
    static char out[512];
    for (size_t i = 0; i < book->row_count; i++) {
        const struct prices_row *it = &book->rows[i];
        if (strcmp(it->model, model) != 0 || it->variant != variant ||
            it->above_tokens != above_tokens) {
            continue;
        }
        size_t length = 0;
        out[0] = '\0';
        for (int unit = 0; unit < DEAL_UNIT_COUNT; unit++) {
            char amount[OFT_NANOS_TEXT_BYTES];
            if ((it->given & (1u << unit)) != 0) {
                length += (size_t)snprintf(out + length, sizeof(out) - length, "%s%s %s",
                                           length > 0 ? " " : "", names[unit],
                                           oft_nanos_format(it->per_million_nanos[unit], amount));
            }
        }
        return out;
    }
    return "none";
}

static const char *why_left(const struct prices_book *book, const char *theirs, const char *key)
{
    for (size_t i = 0; i < book->left_count; i++) {
        if (strcmp(book->left[i].theirs, theirs) == 0 && strcmp(book->left[i].key, key) == 0) {
            return book->left[i].why;
        }
    }
    return "not left out";
}

static void litellm_prices_become_lines(void **state)
{
    (void)state;
    struct prices_book *book = book_of_file(PRICES_LITELLM, "litellm.json");
    assert_string_equal(row(book, "tiny-1", DEAL_STANDARD, 0), "in 0.15 cached 0.075 out 0.60");
    assert_string_equal(row(book, "vendor/long-2", DEAL_STANDARD, 200000),
                        "in 6.00 cached 0.60 write 7.50 out 22.50");
    /* A priority request above the limit: its own key is not there, so the limit's standard one. */
    assert_string_equal(row(book, "tiers-3", DEAL_PRIORITY, 0), "in 5.00 out 30.00 why 20.00");
    assert_string_equal(row(book, "tiers-3", DEAL_STANDARD, 272000), "in 5.00 out 15.00 why 20.00");
    assert_string_equal(row(book, "tiers-3", DEAL_FLEX, 272000), "in 5.00 out 15.00 why 20.00");
    assert_string_equal(row(book, "tiers-3", DEAL_BATCH, 0), "in 1.25 out 7.50 why 20.00");
    assert_string_equal(row(book, "tiers-3", DEAL_BATCH, 272000),
                        "none"); /* the same as below it */
    assert_string_equal(row(book, "bands-4", DEAL_STANDARD, 0), "in 0.05 out 0.40");
    assert_string_equal(row(book, "bands-4", DEAL_STANDARD, 32000), "in 0.08 cached 0.02 out 0.64");
    assert_string_equal(row(book, "from-5", DEAL_STANDARD, 127999), "in 2.00 out 4.00");
    assert_string_equal(row(book, "drawing-7", DEAL_STANDARD, 0), "image 40000.00");
    prices_free(book);
}

static void what_litellm_says_and_no_line_can_is_listed(void **state)
{
    (void)state;
    struct prices_book *book = book_of_file(PRICES_LITELLM, "litellm.json");
    static const char NO_CLASS[] = "no class of usage here";
    assert_string_equal(
        why_left(book, "vendor/long-2", "cache_creation_input_token_cost_above_1hr"), NO_CLASS);
    assert_string_equal(why_left(book, "tiers-3", "search_context_cost_per_query"), NO_CLASS);
    assert_string_equal(why_left(book, "tiers-3", "regional_processing_uplift_multiplier_eu"),
                        NO_CLASS);
    assert_string_equal(why_left(book, "speech-8", "input_cost_per_second"), NO_CLASS);
    assert_string_equal(why_left(book, "sound-6", "input_cost_per_audio_token"),
                        "two prices of one class here; it costs like its kin");
    assert_string_equal(why_left(book, "sound-6", "output_cost_per_audio_token"),
                        "two prices of one class here; it costs like its kin");
    assert_string_equal(row(book, "sound-6", DEAL_STANDARD, 0), "in 2.50 out 10.00");
    assert_string_equal(why_left(book, "noise-9", "input_cost_per_token"),
                        "not a whole number of nano-units per million");
    assert_string_equal(row(book, "noise-9", DEAL_STANDARD, 0), "none"); /* it would be half free */
    assert_string_equal(why_left(book, "cloud.model-v1:0", ""),
                        "no name for a deal: give one with --map");
    assert_int_equal(book->models_read, 10);
    assert_int_equal(book->models_taken, 7);
    prices_free(book);
}

static void models_dev_prices_become_lines(void **state)
{
    (void)state;
    struct prices_book *book = book_of_file(PRICES_MODELS_DEV, "models-dev.json");
    assert_string_equal(row(book, "example/tiny-1", DEAL_STANDARD, 0),
                        "in 0.15 cached 0.075 out 0.60");
    assert_string_equal(row(book, "example/long-2", DEAL_STANDARD, 200000),
                        "in 6.00 cached 0.60 write 7.50 out 22.50");
    assert_string_equal(row(book, "example/older-3", DEAL_STANDARD, 200000), "in 2.50 out 15.00");
    assert_string_equal(row(book, "example/thinks-5", DEAL_STANDARD, 0),
                        "in 2.00 out 8.00 why 12.00");
    assert_string_equal(why_left(book, "example/thinks-5", "experimental.modes.fast"),
                        "a mode is no variant here");
    assert_string_equal(why_left(book, "example/sound-4", "cost.output_audio"),
                        "two prices of one class here; it costs like its kin");
    assert_string_equal(why_left(book, "example/sound-4", "cost.video"), "no class of usage here");
    assert_string_equal(why_left(book, "example/weights-6", "cost"), "no prices");
    assert_string_equal(why_left(book, "example/long-2", "cost.context_over_200k"), "not left out");
    prices_free(book);
}

static void maps_choose_and_rename_and_tell_what_is_not_there(void **state)
{
    static const struct prices_map maps[] = {{"a:1", "ours"}, {"gone", "x"}, {"b", "ours"}};
    (void)state;
    struct prices_book *book = book_of(
        PRICES_LITELLM,
        "{\"a:1\": {\"input_cost_per_token\": 1e-6}, \"b\": {\"input_cost_per_token\": 2e-6},"
        " \"c\": {\"input_cost_per_token\": 3e-6}}",
        maps, 3);
    assert_int_equal(book->row_count, 1);
    assert_string_equal(row(book, "ours", DEAL_STANDARD, 0), "in 1.00");
    assert_string_equal(why_left(book, "gone", ""), "the list has no such model");
    assert_string_equal(why_left(book, "b", ""), "another model is imported under this name");
    assert_int_equal(book->models_unwanted, 1);
    assert_int_equal(book->maps_unknown, 1);
    prices_free(book);
}

static void only_what_a_deal_can_name_is_taken_without_a_map(void **state)
{
    (void)state;
    static const char *const good[] = {"a",    "4096",  "1.5m",   "openai/o-1",
                                       "a--b", "price", "x_1.2/y"};
    static const char *const bad[] = {"a:1",  "2026-01-01", "all",  "*",    "-a",     "a.",
                                      "a..b", "a b",        "a-/b", "a.-b", "\u00e9", ""};
    for (size_t i = 0; i < OFT_COUNT_OF(good) + OFT_COUNT_OF(bad); i++) {
        char text[128];
        bool fits = i < OFT_COUNT_OF(good);
        (void)snprintf(text, sizeof(text), "{\"%s\": {\"input_cost_per_token\": 1e-6}}",
                       fits ? good[i] : bad[i - OFT_COUNT_OF(good)]);
        struct prices_book *book = book_of(PRICES_LITELLM, text, NULL, 0);
        assert_int_equal(book->row_count, fits ? 1 : 0);
        assert_int_equal(book->left_count, fits ? 0 : 1);
        prices_free(book);
    }
}

static void a_text_of_the_list_cannot_become_a_line_of_the_deal(void **state)
{
    (void)state;
    struct prices_form form = {.source = "x\nmodel evil", .sha256 = "0"};
    struct prices_book *book = book_of(
        PRICES_LITELLM,
        "{\"m\": {\"input_cost_per_token\": 1e-6, \"cost_\\nmodel evil\": \"a\\nmodel evil\"}}",
        NULL, 0);
    struct oft_buffer out;
    oft_buffer_init(&out, 65536);
    prices_write_deal(book, &form, &out);
    assert_null(strstr(oft_buffer_text(&out), "\nmodel evil"));
    assert_non_null(strstr(oft_buffer_text(&out), "\nprice m input 1.00 USD per 1M tokens\n"));
    oft_buffer_release(&out);
    prices_free(book);
}

static void what_is_no_list_is_refused(void **state)
{
    static const char *const wrong[] = {"",  "[]", "{\"a\": {}, \"a\": {}}", "{\"a\": 01}",
                                        "{", "3"};
    (void)state;
    for (size_t i = 0; i < 2 * OFT_COUNT_OF(wrong); i++) {
        struct prices_wish wish = {i % 2 == 0 ? PRICES_LITELLM : PRICES_MODELS_DEV, NULL, 0};
        struct prices_book *book = NULL;
        struct oft_error error = {0};
        assert_int_equal(prices_read(oft_str_from(wrong[i / 2]), &wish, &book, &error),
                         OFT_ERR_INVALID);
        assert_true(error.message[0] != '\0');
    }
}

/* ---- a random table, written as LiteLLM writes it, and read back through the deal language -------- */

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* MANTISSA * 10^-15 in one of the notations that JSON has. */
static void put_number(struct oft_buffer *out, uint64_t mantissa, uint64_t *seed)
{
    char digits[32];
    int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)mantissa);
    int notation = (int)(next(seed) % 4);
    if (notation == 0) { /* 0.000000000000123 */
        oft_buffer_printf(out, "%llu.%015llu", (unsigned long long)(mantissa / 1000000000000000),
                          (unsigned long long)(mantissa % 1000000000000000));
    } else if (notation == 1) { /* 1.23e-13 */
        oft_buffer_printf(out, "%c.%s%se%d", digits[0], digits + 1, length == 1 ? "0" : "",
                          length - 16);
    } else if (notation == 2) { /* 123E-15 */
        oft_buffer_printf(out, "%sE-15", digits);
    } else { /* 12300e-17 */
        oft_buffer_printf(out, "%s00e-17", digits);
    }
}

enum { MODELS = 200 };

static void rates_are_the_exact_fractions_of_a_random_table(void **state)
{
    static uint64_t input[MODELS], output[MODELS], cached[MODELS];
    uint64_t seed = UINT64_C(0x1234abcd);
    struct oft_buffer list;
    struct oft_buffer text;
    (void)state;
    oft_buffer_init(&list, 1 << 20);
    oft_buffer_init(&text, 1 << 20);
    oft_buffer_append_text(&list, "{");
    for (size_t i = 0; i < MODELS; i++) {
        input[i] = 1 + (next(&seed) >> (14 + next(&seed) % 50));
        output[i] = 1 + (next(&seed) >> (14 + next(&seed) % 50));
        cached[i] = 1 + (next(&seed) >> (14 + next(&seed) % 50));
        oft_buffer_printf(&list, "%s\"m-%zu\": {\"input_cost_per_token\": ", i == 0 ? "" : ",\n",
                          i);
        put_number(&list, input[i], &seed);
        oft_buffer_append_text(&list, ", \"output_cost_per_token\": ");
        put_number(&list, output[i], &seed);
        oft_buffer_append_text(&list, ", \"cache_read_input_token_cost_above_5k_tokens_flex\": ");
        put_number(&list, cached[i], &seed);
        oft_buffer_append_text(&list, "}");
    }
    oft_buffer_append_text(&list, "}");
    struct prices_book *book = book_of(PRICES_LITELLM, oft_buffer_text(&list), NULL, 0);
    struct prices_form form = {
        .source = "random", .sha256 = "0", .pool = "p", .from = "2026-01-01", .models = true};
    oft_buffer_append_text(&text, "deal \"D\"\ncustomer c\ncurrency USD\nparty b \"B\"\n"
                                  "provider e of b\npool p on e\n");
    prices_write_deal(book, &form, &text);
    struct deal_file file = {"d.deal", {oft_buffer_text(&text), text.length}};
    struct deal_memory_files files = {&file, 1};
    struct deal_diagnostics diagnostics;
    struct oft_error error = {0};
    struct deal *deal = NULL;
    deal_diagnostics_init(&diagnostics);
    enum oft_err err = deal_parse("d.deal", deal_load_memory, &files, &deal, &diagnostics, &error);
    if (err != OFT_OK) {
        struct oft_buffer report;
        oft_buffer_init(&report, 1 << 20);
        deal_diagnostics_print(&diagnostics, false, &report);
        fail_msg("%s", oft_buffer_text(&report));
    }
    oft_instant at;
    assert_int_equal(oft_instant_parse(oft_str_from("2026-02-01"), &at), OFT_OK);
    for (uint32_t i = 0; i < MODELS; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "m-%u", i);
        uint32_t model = deal_find_model(deal, oft_str_from(name));
        struct deal_attestations none = {NULL, 0};
        const struct deal_price *price = deal_price_at(deal, false, 0, model, at, none);
        const struct deal_price *flex =
            deal_price_for(deal, false, 0, model, at, none, (struct deal_request){DEAL_FLEX, 5001});
        assert_true(price->per_million_nanos[DEAL_UNIT_INPUT] == (oft_nanos)input[i]);
        assert_true(price->per_million_nanos[DEAL_UNIT_OUTPUT] == (oft_nanos)output[i]);
        assert_true(flex->per_million_nanos[DEAL_UNIT_CACHED] == (oft_nanos)cached[i]);
        assert_true(flex->per_million_nanos[DEAL_UNIT_INPUT] == (oft_nanos)input[i]);
    }
    deal_diagnostics_release(&diagnostics);
    deal_free(deal);
    prices_free(book);
    oft_buffer_release(&list);
    oft_buffer_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_as_they_are_written),
        cmocka_unit_test(what_is_too_fine_or_too_large_is_no_number_of_ours),
        cmocka_unit_test(what_json_does_not_call_a_number_is_none),
        cmocka_unit_test(numbers_go_into_quotes_and_texts_stay),
        cmocka_unit_test(litellm_prices_become_lines),
        cmocka_unit_test(what_litellm_says_and_no_line_can_is_listed),
        cmocka_unit_test(models_dev_prices_become_lines),
        cmocka_unit_test(maps_choose_and_rename_and_tell_what_is_not_there),
        cmocka_unit_test(only_what_a_deal_can_name_is_taken_without_a_map),
        cmocka_unit_test(a_text_of_the_list_cannot_become_a_line_of_the_deal),
        cmocka_unit_test(what_is_no_list_is_refused),
        cmocka_unit_test(rates_are_the_exact_fractions_of_a_random_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
