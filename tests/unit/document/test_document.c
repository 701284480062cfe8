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
        cmocka_unit_test(the_same_document_gives_the_same_pdf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
