/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DOCUMENT_INTERNAL_H
#define OFFTAKE_DOCUMENT_INTERNAL_H
/*
 * The parts of a document as its printers see them. Private to document/.
 */
#include "document/document.h"

enum document_part_kind {
    DOCUMENT_HEADING,
    DOCUMENT_ROW,
    DOCUMENT_PARAGRAPH,
    DOCUMENT_CODE,
    DOCUMENT_TABLE
};

struct document_cells {
    const char *cells[DOCUMENT_COLUMNS_MAX];
    bool is_sum;
    struct document_cells *next;
};

struct document_grid {
    struct document_column columns[DOCUMENT_COLUMNS_MAX];
    size_t count;
    struct document_cells *first, *last;
};

struct document_part {
    enum document_part_kind kind;
    const char *name, *text;    /* name: of a row, else "" */
    struct document_grid *grid; /* of a table */
    struct document_part *next;
};

struct document {
    struct oft_arena arena;
    const char *title, *banner, *footer, *keywords;
    oft_instant dated;
    struct document_part *first, *last;
    bool failed;
};

/* How many decimals the column's figures have at most. */
size_t document_decimals(const struct document_grid *grid, size_t column);
/* TEXT with blanks behind it for the decimals that it has not: BLANK for each, POINT for the point. */
void document_pad(struct oft_buffer *out, const char *text, size_t decimals, const char *blank,
                  const char *point);

#endif
