/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that stand beside a deal: read behind it, named in its diagnostics, kept and read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/limits.h"
#include "deal/deal.h"

static const char MAIN[] = "deal \"D\"; customer lab; currency USD\n"
                           "include \"more.deal\"\n"
                           "party big \"Big\"; provider east of big; model m; account acme\n"
                           "pool own on east\n";
static const char MORE[] = "product api class inference { price m input 1 USD per 1M tokens }\n";
static const char ORDERS[] = "# generated\npool cluster on east {\n    region us\n}\n";

struct parsed {
    struct deal *deal;
    struct deal_diagnostics diagnostics;
    enum oft_err code;
};

static struct parsed parse(const char *main_text, const char *const *generated, size_t count)
{
    static const struct deal_file none;
    struct deal_file texts[2] = {{"dir/d.deal", oft_str_from(main_text)},
                                 {"dir/more.deal", oft_str_from(MORE)}};
    struct deal_file beside[OFT_DEAL_INCLUDES_MAX] = {none};
    struct deal_memory_files files = {texts, 2};
    struct parsed parsed = {NULL, {{0}, NULL, 0, 0, NULL, 0}, OFT_OK};
    deal_diagnostics_init(&parsed.diagnostics);
    for (size_t i = 0; i < count; i++) {
        beside[i] = (struct deal_file){"orders.deal", oft_str_from(generated[i])};
    }
    parsed.code = deal_parse_with("dir/d.deal", deal_load_memory, &files,
                                  (struct deal_generated){beside, count}, &parsed.deal,
                                  &parsed.diagnostics, NULL);
    return parsed;
}

static void done(struct parsed *parsed)
{
    deal_free(parsed->deal);
    deal_diagnostics_release(&parsed->diagnostics);
}

static bool reports(const struct parsed *parsed, unsigned code, const char *path, uint32_t line)
{
    for (uint32_t i = 0; i < parsed->diagnostics.count; i++) {
        const struct deal_diagnostic *item = &parsed->diagnostics.items[i];
        if (item->code == code && item->position.line == line &&
            strcmp(parsed->diagnostics.files[item->position.file].path, path) == 0) {
            return true;
        }
    }
    return false;
}

static void a_generated_text_is_a_file_of_the_deal(void **unused)
{
    (void)unused;
    const char *const orders[] = {ORDERS};
    struct parsed without = parse(MAIN, NULL, 0);
    struct parsed with = parse(MAIN, orders, 1);
    assert_int_equal(without.code, OFT_OK);
    assert_int_equal(with.code, OFT_OK);
    assert_int_equal(without.deal->file_count, 2);
    assert_int_equal(without.deal->generated_count, 0);
    assert_int_equal(with.deal->file_count, 3);
    assert_int_equal(with.deal->generated_count, 1);
    assert_string_equal(with.deal->files[2].path, "orders.deal");
    assert_true(oft_str_is(with.deal->files[2].text, ORDERS));
    assert_int_equal(with.deal->pool_count, 2);
    assert_memory_not_equal(with.deal->text_sha256, without.deal->text_sha256, 32);
    done(&without);
    done(&with);
}

static void a_cluster_that_serves_nothing_is_no_oversight_there(void **unused)
{
    (void)unused;
    const char *const orders[] = {ORDERS};
    struct parsed with = parse(MAIN, orders, 1);
    assert_true(reports(&with, 55, "dir/d.deal", 4));
    assert_false(reports(&with, 55, "orders.deal", 2));
    done(&with);
}

static void mistakes_are_told_at_their_place_in_it(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        unsigned code;
        uint32_t line;
    } cases[] = {
        {"\npool own on east\n", 13, 2},   /* the deal has a pool of that name */
        {"pool x on nowhere\n", 12, 1},    /* no such provider */
        {"include \"more.deal\"\n", 5, 1}, /* what it holds is all there is */
        {"pool x on east {\n region a\n region b\n}\n", 11, 3},
    };
    for (size_t i = 0; i < OFT_COUNT_OF(cases); i++) {
        struct parsed with = parse(MAIN, &cases[i].text, 1);
        assert_int_equal(with.code, OFT_ERR_INVALID);
        assert_null(with.deal);
        if (!reports(&with, cases[i].code, "orders.deal", cases[i].line)) {
            struct oft_buffer out;
            oft_buffer_init(&out, 1 << 20);
            deal_diagnostics_print(&with.diagnostics, false, &out);
            fail_msg("case %zu: %s", i, oft_buffer_text(&out));
        }
        done(&with);
    }
}

static void there_is_a_ceiling_to_them(void **unused)
{
    (void)unused;
    const char *texts[OFT_DEAL_INCLUDES_MAX];
    for (size_t i = 0; i < OFT_COUNT_OF(texts); i++) {
        texts[i] = "# nothing\n";
    }
    struct parsed many = parse(MAIN, texts, OFT_DEAL_INCLUDES_MAX - 2);
    assert_int_equal(many.code, OFT_OK);
    done(&many);
    many = parse(MAIN, texts, OFT_DEAL_INCLUDES_MAX - 1);
    assert_int_equal(many.code, OFT_ERR_INVALID);
    assert_true(reports(&many, 7, "dir/d.deal", 1));
    done(&many);
}

/* What a deal's files hold is enough to read it again, whichever of them were generated. */
static void a_deal_is_read_again_from_its_own_files(void **unused)
{
    (void)unused;
    const char *const orders[] = {ORDERS, "# a second one\n"};
    for (size_t count = 0; count <= 2; count++) {
        struct parsed first = parse(MAIN, orders, count);
        struct parsed again = {NULL, {{0}, NULL, 0, 0, NULL, 0}, OFT_OK};
        deal_diagnostics_init(&again.diagnostics);
        assert_int_equal(first.code, OFT_OK);
        assert_int_equal(deal_parse_files(first.deal->files, first.deal->file_count, &again.deal,
                                          &again.diagnostics, NULL),
                         OFT_OK);
        assert_int_equal(again.deal->generated_count, count);
        assert_int_equal(again.deal->file_count, first.deal->file_count);
        assert_memory_equal(again.deal->text_sha256, first.deal->text_sha256, 32);
        assert_int_equal(again.deal->pool_count, first.deal->pool_count);
        done(&first);
        done(&again);
    }
}

/* A customer may well have a file of that name; the order of the texts tells which is which. */
static void a_file_of_the_same_name_is_another_file(void **unused)
{
    (void)unused;
    static const char main_text[] = "deal \"D\"; customer lab; currency USD\n"
                                    "include \"orders.deal\"\n"
                                    "party big \"Big\"; provider east of big; account acme\n";
    struct deal_file texts[3] = {{"d.deal", oft_str_from(main_text)},
                                 {"orders.deal", oft_str_from("pool mine on east\n")},
                                 {"orders.deal", oft_str_from("pool theirs on east\n")}};
    struct parsed again = {NULL, {{0}, NULL, 0, 0, NULL, 0}, OFT_OK};
    deal_diagnostics_init(&again.diagnostics);
    assert_int_equal(deal_parse_files(texts, 3, &again.deal, &again.diagnostics, NULL), OFT_OK);
    assert_int_equal(again.deal->generated_count, 1);
    assert_int_equal(deal_find_pool(again.deal, oft_str_from("mine")), 0);
    assert_int_equal(deal_find_pool(again.deal, oft_str_from("theirs")), 1);
    done(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_generated_text_is_a_file_of_the_deal),
        cmocka_unit_test(a_cluster_that_serves_nothing_is_no_oversight_there),
        cmocka_unit_test(mistakes_are_told_at_their_place_in_it),
        cmocka_unit_test(there_is_a_ceiling_to_them),
        cmocka_unit_test(a_deal_is_read_again_from_its_own_files),
        cmocka_unit_test(a_file_of_the_same_name_is_another_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
