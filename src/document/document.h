/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DOCUMENT_DOCUMENT_H
#define OFFTAKE_DOCUMENT_DOCUMENT_H
/*
 * document -- letters and reports on paper: one description, printed as text or as PDF.
 *
 * What it is   A list of parts (headings, rows of a name and a value, paragraphs, lines of fixed width)
 *              and two printers. The text is 78 columns wide; the PDF is A4, by pango and cairo.
 * What it is not  It knows no contract and no template: who writes a letter says every word of it.
 * May include  base.
 * Reproducible  The same document gives the same bytes on the same machine: the only instant in it is the
 *              one that it was given.
 * Ownership    document_new/document_free. Texts are copied.
 * Errors       A part that finds no memory shows when the document is printed.
 * Threads      One document, one thread.
 */
#include "base/memory.h"
#include "base/time.h"

#define DOCUMENT_BYTES_MAX (8u << 20)

struct document;

/* TITLE stands on top and in the PDF's metadata; DATED is the document's own instant. */
enum oft_err document_new(const char *title, oft_instant dated,
                          struct document **ret_document) OFT_MUSTCHECK;
void document_free(struct document *document); /* accepts NULL */

void document_banner(struct document *document, const char *text); /* on every page: "REHEARSAL" */
void document_heading(struct document *document, const char *text);
void document_row(struct document *document, const char *name, const char *value);
void document_paragraph(struct document *document, const char *text);
void document_code(struct document *document, const char *text); /* a hash: broken anywhere */
/* What the PDF is found by in its metadata; not printed. */
void document_keywords(struct document *document, const char *text);
void document_title(struct document *document, const char *text); /* another one than at first */

/* A table: its columns, then its rows, until the next part of another kind. A column of figures is set
 * right with the decimal points under one another; its head is repeated on each page. */
enum { DOCUMENT_COLUMNS_MAX = 6 };
struct document_column {
    const char *title;
    unsigned width; /* hundredths of the line; 0: what the others leave */
    bool figure;
};
void document_table(struct document *document, const struct document_column *columns, size_t count);
void document_cells(struct document *document, const char *const *cells, bool is_sum);
void document_footer(struct document *document,
                     const char *text); /* below every page, by its number */

enum oft_err document_text(const struct document *document, struct oft_buffer *out) OFT_MUSTCHECK;
enum oft_err document_pdf(const struct document *document, struct oft_buffer *out,
                          struct oft_error *reterr) OFT_MUSTCHECK;

#endif
