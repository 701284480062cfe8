/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One description, two printings: words are wrapped and lost nowhere, and the same document gives the
 * same bytes.
 */
#include "document/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct document *letter(unsigned paragraphs)
{
    struct document *document;
    assert_int_equal(document_new("Notice of a third-party offer",
                                  INT64_C(1741000000) * OFT_NS_PER_SECOND, &document),
                     OFT_OK);
    document_banner(document, "REHEARSAL");
    document_footer(document, "notice-1 under ms-2025-01.rofr");
    document_row(document, "To", "Microsoft");
    document_row(document, "Right", "ms-2025-01.rofr: first refusal on new capacity, \u00a7 4");
    document_heading(document, "Terms");
    document_row(document, "price", "2.05 USD per gpu-hour");
    for (unsigned i = 0; i < paragraphs; i++) {
        document_paragraph(document,
                           "You may take this quantity on these terms, or a part of it that the "
                           "clause allows. Silence until the deadline is a waiver for this "
                           "transaction only; a counter-offer is no acceptance.");
    }
    document_code(document, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08");
    return document;
}

static void text_is_no_wider_than_a_terminal(void **unused)
{
    (void)unused;
    struct document *document = letter(3);
    struct oft_buffer out;
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(document_text(document, &out), OFT_OK);
    const char *text = oft_buffer_text(&out);
    assert_non_null(strstr(text, "*** REHEARSAL ***"));
    assert_non_null(strstr(text, "price                       2.05 USD per gpu-hour\n"));
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        assert_true(strcspn(line, "\n") <= 80);
    }
    oft_buffer_release(&out);
    document_free(document);
}

/* Enough rows for several pages. */
static struct document *table(unsigned rows)
{
    static const struct document_column columns[] = {
        {"Line", 0, false}, {"Quantity", 20, true}, {"Amount", 25, true}};
    struct document *document;
    assert_int_equal(document_new("", 0, &document), OFT_OK);
    document_title(document, "Statement of bigcloud, 2026-04");
    document_keywords(document, "offtake-statement-2 party=bigcloud");
    document_table(document, columns, OFT_COUNT_OF(columns));
    for (unsigned i = 0; i < rows; i++) {
        document_cells(document, (const char *const[]){"east, gpt-4o", "1,000", "0.0025"}, false);
        document_cells(document, (const char *const[]){"", "7", "15,624.00"}, false);
    }
    document_cells(document, (const char *const[]){"Subtotal", "", "15,624.0025"}, true);
    return document;
}

static void figures_of_a_column_have_their_points_under_one_another(void **unused)
{
    (void)unused;
    struct document *document = table(1);
    struct oft_buffer out;
    size_t points[3] = {0};
    size_t found = 0;
    oft_buffer_init(&out, 1 << 20);
    assert_int_equal(document_text(document, &out), OFT_OK);
    for (const char *line = oft_buffer_text(&out); *line != '\0';) {
        size_t length = strcspn(line, "\n");
        const char *point = memrchr(line, '.', length);
        assert_true(length <= 78);
        if (point != NULL) {
            assert_true(found < 3);
            points[found++] = (size_t)(point - line);
        }
        line += length + (line[length] == '\n');
    }
    assert_int_equal(found, 3);
    assert_true(points[0] == points[1] && points[1] == points[2]);
    oft_buffer_release(&out);
    document_free(document);
}

static void a_table_goes_on_over_pages_and_is_the_same_twice(void **unused)
{
    (void)unused;
    struct oft_buffer first;
    struct oft_buffer again;
    struct oft_error error = {0};
    struct document *document = table(100);
    oft_buffer_init(&first, 8 << 20);
    oft_buffer_init(&again, 8 << 20);
    assert_int_equal(document_pdf(document, &first, &error), OFT_OK);
    assert_int_equal(document_pdf(document, &again, &error), OFT_OK);
    assert_int_equal(first.length, again.length);
    assert_memory_equal(oft_buffer_text(&first), oft_buffer_text(&again), first.length);
    assert_non_null(memmem(oft_buffer_text(&first), first.length, "/Count 4", 8));
    assert_non_null(memmem(oft_buffer_text(&first), first.length, "party=bigcloud", 14));
    oft_buffer_release(&first);
    oft_buffer_release(&again);
    document_free(document);
}

static void the_same_document_gives_the_same_pdf(void **unused)
{
    (void)unused;
    struct oft_buffer first, again;
    struct oft_error error = {0};
    oft_buffer_init(&first, 8 << 20);
    oft_buffer_init(&again, 8 << 20);
    for (unsigned i = 0; i < 2; i++) {
        struct document *document = letter(60);
        assert_int_equal(document_pdf(document, i == 0 ? &first : &again, &error), OFT_OK);
        document_free(document);
    }
    assert_int_equal(first.length, again.length);
    assert_memory_equal(first.data, again.data, first.length);
    assert_memory_equal(first.data, "%PDF-", 5);
    const char *path = getenv("OFFTAKE_PDF"); /* to look at it */
    FILE *file = path == NULL ? NULL : fopen(path, "wb");
    if (file != NULL) {
        (void)fwrite(first.data, 1, first.length, file);
        (void)fclose(file);
    }
    oft_buffer_release(&first);
    oft_buffer_release(&again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_no_wider_than_a_terminal),
        cmocka_unit_test(figures_of_a_column_have_their_points_under_one_another),
        cmocka_unit_test(a_table_goes_on_over_pages_and_is_the_same_twice),
        cmocka_unit_test(the_same_document_gives_the_same_pdf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
