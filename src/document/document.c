/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A document's parts, and the printer for text.
 */
#include <stdlib.h>
#include <string.h>

#include "document/internal.h"

enum { WIDTH = 78, NAME_WIDTH = 26 };

static const char *keep(struct document *document, const char *text)
{
    const char *copy = oft_arena_copy(&document->arena, oft_str_from(text));
    document->failed = document->failed || copy == NULL;
    return copy == NULL ? "" : copy;
}

enum oft_err document_new(const char *title, oft_instant dated, struct document **ret_document)
{
    struct document *document = calloc(1, sizeof(*document));
    if (document == NULL) {
        return OFT_ERR_MEMORY;
    }
    oft_arena_init(&document->arena, DOCUMENT_BYTES_MAX);
    document->title = keep(document, title);
    document->banner = document->footer = document->keywords = "";
    document->dated = dated;
    *ret_document = document;
    return OFT_OK;
}

void document_free(struct document *document)
{
    if (document != NULL) {
        oft_arena_release(&document->arena);
        free(document);
    }
}

void document_banner(struct document *document, const char *text)
{
    document->banner = keep(document, text);
}

void document_footer(struct document *document, const char *text)
{
    document->footer = keep(document, text);
}

static void add(struct document *document, enum document_part_kind kind, const char *name,
                const char *text)
{
    struct document_part *part = oft_arena_alloc(&document->arena, sizeof(*part));
    if (part == NULL) {
        document->failed = true;
        return;
    }
    *part = (struct document_part){kind, keep(document, name), keep(document, text), NULL, NULL};
    if (document->last == NULL) {
        document->first = part;
    } else {
        document->last->next = part;
    }
    document->last = part;
}

void document_heading(struct document *document, const char *text)
{
    add(document, DOCUMENT_HEADING, "", text);
}

void document_row(struct document *document, const char *name, const char *value)
{
    add(document, DOCUMENT_ROW, name, value);
}

void document_paragraph(struct document *document, const char *text)
{
    add(document, DOCUMENT_PARAGRAPH, "", text);
}

void document_code(struct document *document, const char *text)
{
    add(document, DOCUMENT_CODE, "", text);
}

void document_title(struct document *document, const char *text)
{
    document->title = keep(document, text);
}

void document_keywords(struct document *document, const char *text)
{
    document->keywords = keep(document, text);
}

void document_table(struct document *document, const struct document_column *columns, size_t count)
{
    struct document_grid *grid = oft_arena_alloc(&document->arena, sizeof(*grid));
    OFT_ASSERT(count > 0 && count <= DOCUMENT_COLUMNS_MAX);
    add(document, DOCUMENT_TABLE, "", "");
    if (grid == NULL || document->failed) {
        document->failed = true;
        return;
    }
    *grid = (struct document_grid){.count = count};
    for (size_t i = 0; i < count; i++) {
        grid->columns[i] = columns[i];
        grid->columns[i].title = keep(document, columns[i].title);
    }
    document->last->grid = grid;
}

void document_cells(struct document *document, const char *const *cells, bool is_sum)
{
    struct document_grid *grid = document->last == NULL ? NULL : document->last->grid;
    struct document_cells *row = oft_arena_alloc(&document->arena, sizeof(*row));
    if (grid == NULL || row == NULL) { /* the table found no memory either */
        document->failed = true;
        return;
    }
    *row = (struct document_cells){.is_sum = is_sum};
    for (size_t i = 0; i < grid->count; i++) {
        row->cells[i] = keep(document, cells[i]);
    }
    if (grid->last == NULL) {
        grid->first = row;
    } else {
        grid->last->next = row;
    }
    grid->last = row;
}

static size_t decimals_of(const char *text)
{
    const char *point = strrchr(text, '.');
    return point == NULL ? 0 : strlen(point + 1);
}

size_t document_decimals(const struct document_grid *grid, size_t column)
{
    size_t most = 0;
    for (const struct document_cells *row = grid->first; row != NULL; row = row->next) {
        size_t decimals = decimals_of(row->cells[column]);
        most = decimals > most ? decimals : most;
    }
    return most;
}

void document_pad(struct oft_buffer *out, const char *text, size_t decimals, const char *blank,
                  const char *point)
{
    size_t own = decimals_of(text);
    oft_buffer_append_text(out, text);
    if (text[0] == '\0') {
        return;
    }
    if (own == 0 && decimals > 0) {
        oft_buffer_append_text(out, point);
    }
    for (; own < decimals; own++) {
        oft_buffer_append_text(out, blank);
    }
}

/* ---- text ------------------------------------------------------------------------------------ */

/* Characters, not bytes: continuation bytes of UTF-8 take no column. */
static size_t columns(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    }
    return count;
}

/* TEXT in lines of WIDTH, each behind INDENT blanks; the first begins at COLUMN. */
static void wrapped(struct oft_buffer *out, const char *text, size_t indent, size_t column)
{
    while (*text != '\0') {
        text += strspn(text, " \n");
        size_t bytes = strcspn(text, " \n");
        size_t word = columns(text, bytes);
        if (bytes == 0) {
            break;
        }
        if (column > indent && column + 1 + word > WIDTH) {
            oft_buffer_append_char(out, '\n');
            oft_buffer_append_repeat(out, ' ', indent);
            column = indent;
        } else if (column > indent) {
            oft_buffer_append_char(out, ' ');
            column++;
        }
        oft_buffer_append(out, text, bytes);
        column += word;
        text += bytes;
    }
    oft_buffer_append_char(out, '\n');
}

static void underlined(struct oft_buffer *out, const char *text, char line)
{
    oft_buffer_printf(out, "%s\n", text);
    oft_buffer_append_repeat(out, line, columns(text, strlen(text)));
    oft_buffer_append_char(out, '\n');
}

static void print_row(struct oft_buffer *out, const struct document_part *part)
{
    size_t width = columns(part->name, strlen(part->name));
    size_t pad = width < NAME_WIDTH ? NAME_WIDTH - width : 0;
    oft_buffer_append_text(out, part->name);
    oft_buffer_append_repeat(out, ' ', pad + 2);
    wrapped(out, part->text, NAME_WIDTH + 2, width + pad + 2);
}

static void print_code(struct oft_buffer *out, const char *text)
{
    size_t length = strlen(text);
    for (size_t at = 0; at < length; at += WIDTH - 4) {
        size_t part = length - at < WIDTH - 4 ? length - at : WIDTH - 4;
        oft_buffer_printf(out, "    %.*s\n", (int)part, text + at);
    }
}

/* A row of words and figures: what does not fit beside one another stands below. */
static void print_cells(struct oft_buffer *out, const struct document_grid *grid,
                        const char *const *cells, bool titles)
{
    struct oft_buffer cell;
    size_t at = 0;
    oft_buffer_init(&cell, DOCUMENT_BYTES_MAX);
    for (size_t i = 0; i < grid->count; i++) {
        size_t decimals = titles || !grid->columns[i].figure ? 0 : document_decimals(grid, i);
        oft_buffer_clear(&cell);
        document_pad(&cell, cells[i], decimals, " ", " ");
        size_t width = columns(oft_buffer_text(&cell), cell.length);
        if (at > 0 && at + 2 + width > WIDTH) {
            oft_buffer_append_text(out, "\n    ");
            at = 4;
        } else if (at > 0) {
            oft_buffer_append_text(out, "  ");
            at += 2;
        }
        if (grid->columns[i].figure && i + 1 == grid->count && at + width < WIDTH) {
            oft_buffer_append_repeat(out, ' ', WIDTH - at - width);
        }
        oft_buffer_append(out, oft_buffer_text(&cell), cell.length);
        at += width;
    }
    oft_buffer_append_char(out, '\n');
    oft_buffer_release(&cell);
}

static void print_table(struct oft_buffer *out, const struct document_grid *grid)
{
    const char *titles[DOCUMENT_COLUMNS_MAX];
    for (size_t i = 0; i < grid->count; i++) {
        titles[i] = grid->columns[i].title;
    }
    print_cells(out, grid, titles, true);
    for (const struct document_cells *row = grid->first; row != NULL; row = row->next) {
        print_cells(out, grid, row->cells, false);
    }
}

enum oft_err document_text(const struct document *document, struct oft_buffer *out)
{
    if (document->banner[0] != '\0') {
        oft_buffer_printf(out, "*** %s ***\n\n", document->banner);
    }
    underlined(out, document->title, '=');
    oft_buffer_append_char(out, '\n');
    for (const struct document_part *part = document->first; part != NULL; part = part->next) {
        switch (part->kind) {
        case DOCUMENT_HEADING:
            oft_buffer_append_char(out, '\n');
            underlined(out, part->text, '-');
            break;
        case DOCUMENT_ROW:
            print_row(out, part);
            break;
        case DOCUMENT_PARAGRAPH:
            wrapped(out, part->text, 0, 0);
            oft_buffer_append_char(out, '\n');
            break;
        case DOCUMENT_CODE:
            print_code(out, part->text);
            break;
        case DOCUMENT_TABLE:
            if (part->grid != NULL) {
                print_table(out, part->grid);
            }
            break;
        }
    }
    if (document->footer[0] != '\0') {
        oft_buffer_append_char(out, '\n');
        wrapped(out, document->footer, 0, 0);
    }
    return document->failed || out->failed ? OFT_ERR_LIMIT : OFT_OK;
}
