/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DOCUMENT_INTERNAL_H
#define OFFTAKE_DOCUMENT_INTERNAL_H
/*
 * The parts of a document as its printers see them. Private to document/.
 */
#include "document/document.h"

enum document_part_kind { DOCUMENT_HEADING, DOCUMENT_ROW, DOCUMENT_PARAGRAPH, DOCUMENT_CODE };

struct document_part {
    enum document_part_kind kind;
    const char *name, *text; /* name: of a row, else "" */
    struct document_part *next;
};

struct document {
    struct oft_arena arena;
    const char *title, *banner, *footer;
    oft_instant dated;
    struct document_part *first, *last;
    bool failed;
};

#endif
