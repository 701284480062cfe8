/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading CSV by RFC 4180. A quote that is open at the end, text behind a closing quote and a row of
 * another length than the header are errors of the file with their line: a reader that guesses would
 * move amounts into other columns.
 */
#include <string.h>

#include "focus/internal.h"

enum { COLUMNS_MAX = 512, ROWS_FIRST = 256 };

struct reader {
    struct oft_str text;
    size_t at, line;
    struct oft_arena *arena;
    const char *cells[COLUMNS_MAX]; /* of the row at hand */
    size_t count;
    struct oft_error *reterr;
};

static bool at_line_end(const struct reader *reader)
{
    char c = reader->text.data[reader->at];
    return c == '\n' || c == '\r';
}

static void pass_line_end(struct reader *reader)
{
    const struct oft_str *text = &reader->text;
    if (reader->at < text->length && text->data[reader->at] == '\r') {
        reader->at++;
    }
    if (reader->at < text->length && text->data[reader->at] == '\n') {
        reader->at++;
    }
    reader->line++;
}

static enum oft_err take_quoted(struct reader *reader, const char **ret)
{
    const char *data = reader->text.data;
    size_t length = reader->text.length;
    size_t begin_line = reader->line;
    size_t begin = ++reader->at;
    size_t at = begin;
    while (at < length && (data[at] != '"' || (at + 1 < length && data[at + 1] == '"'))) {
        reader->line += data[at] == '\n';
        at += data[at] == '"' ? 2 : 1;
    }
    if (at >= length) {
        return oft_fail(reader->reterr, OFT_ERR_SYNTAX,
                        "line %zu of the CSV: a quote is opened and never closed", begin_line);
    }
    char *out = oft_arena_alloc(reader->arena, at - begin + 1);
    if (out == NULL) {
        return OFT_ERR_MEMORY;
    }
    size_t used = 0;
    for (size_t i = begin; i < at; i++) {
        out[used++] = data[i];
        i += data[i] == '"';
    }
    out[used] = '\0';
    reader->at = at + 1;
    *ret = out;
    if (reader->at < length && data[reader->at] != ',' && !at_line_end(reader)) {
        return oft_fail(reader->reterr, OFT_ERR_SYNTAX,
                        "line %zu of the CSV: text stands behind a closing quote; a quote inside a "
                        "field is written twice",
                        reader->line);
    }
    return OFT_OK;
}

static enum oft_err take_plain(struct reader *reader, const char **ret)
{
    size_t begin = reader->at;
    while (reader->at < reader->text.length && reader->text.data[reader->at] != ',' &&
           !at_line_end(reader)) {
        reader->at++;
    }
    if (reader->at == begin) {
        *ret = NULL; /* an empty cell is null */
        return OFT_OK;
    }
    *ret = oft_arena_copy(reader->arena,
                          (struct oft_str){reader->text.data + begin, reader->at - begin});
    return *ret == NULL ? OFT_ERR_MEMORY : OFT_OK;
}

/* The cells of one row; a row that is not there has none. */
static enum oft_err take_row(struct reader *reader)
{
    reader->count = 0;
    while (reader->at < reader->text.length && at_line_end(reader)) {
        pass_line_end(reader); /* an empty line is no row */
    }
    while (reader->at < reader->text.length || reader->count > 0) {
        if (reader->count == COLUMNS_MAX) {
            return oft_fail(reader->reterr, OFT_ERR_LIMIT,
                            "line %zu of the CSV has more than %d columns", reader->line,
                            (int)COLUMNS_MAX);
        }
        bool quoted = reader->at < reader->text.length && reader->text.data[reader->at] == '"';
        enum oft_err err = quoted ? take_quoted(reader, &reader->cells[reader->count])
                                  : take_plain(reader, &reader->cells[reader->count]);
        if (err != OFT_OK) {
            return err;
        }
        reader->count++;
        if (reader->at >= reader->text.length || reader->text.data[reader->at] != ',') {
            if (reader->at < reader->text.length) {
                pass_line_end(reader);
            }
            return OFT_OK;
        }
        reader->at++;
    }
    return OFT_OK;
}

static enum oft_err take_header(struct reader *reader, struct focus_table *table)
{
    enum oft_err err = take_row(reader);
    if (err != OFT_OK) {
        return err;
    }
    table->column_count = reader->count;
    table->header = oft_arena_alloc_array(reader->arena, reader->count + 1, sizeof(*table->header));
    if (table->header == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (size_t i = 0; i < reader->count; i++) {
        if (reader->cells[i] == NULL) {
            return oft_fail(reader->reterr, OFT_ERR_SYNTAX, "column %zu of the CSV has no name",
                            i + 1);
        }
        table->header[i] = reader->cells[i];
        for (size_t j = 0; j < i; j++) {
            if (strcmp(table->header[j], table->header[i]) == 0) {
                return oft_fail(reader->reterr, OFT_ERR_SYNTAX,
                                "two columns of the CSV are called \"%.64s\"", table->header[i]);
            }
        }
    }
    return reader->count > 0 ? OFT_OK
                             : oft_fail(reader->reterr, OFT_ERR_SYNTAX,
                                        "the file is empty: a CSV begins with its column names");
}

static enum oft_err make_room(struct focus_table *table, size_t *capacity, struct oft_arena *arena)
{
    if (table->row_count < *capacity) {
        return OFT_OK;
    }
    size_t wanted = *capacity == 0 ? ROWS_FIRST : *capacity * 2;
    const char **cells = oft_arena_alloc_array(arena, wanted * table->column_count, sizeof(*cells));
    size_t *lines = oft_arena_alloc_array(arena, wanted, sizeof(*lines));
    if (cells == NULL || lines == NULL) {
        return OFT_ERR_MEMORY;
    }
    if (table->row_count > 0) {
        memcpy(cells, table->cells, table->row_count * table->column_count * sizeof(*cells));
        memcpy(lines, table->lines, table->row_count * sizeof(*lines));
    }
    table->cells = cells;
    table->lines = lines;
    *capacity = wanted;
    return OFT_OK;
}

enum oft_err focus_table_csv(struct oft_str text, struct oft_arena *arena, struct focus_table *ret,
                             struct oft_error *reterr)
{
    struct reader reader = {.text = text, .line = 1, .arena = arena, .reterr = reterr};
    struct focus_table table = {0};
    size_t capacity = 0;
    if (text.length >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0) {
        reader.at = 3; /* a byte order mark, as spreadsheets write it */
    }
    if (text.length > 0 && memchr(text.data, '\0', text.length) != NULL) {
        return oft_fail(reterr, OFT_ERR_SYNTAX,
                        "this is no CSV: it holds a zero byte. A Parquet "
                        "file is made one by tools/parquet-to-csv");
    }
    enum oft_err err = take_header(&reader, &table);
    while (err == OFT_OK) {
        while (reader.at < text.length && at_line_end(&reader)) {
            pass_line_end(&reader);
        }
        size_t line = reader.line;
        err = take_row(&reader);
        if (err != OFT_OK || reader.count == 0) {
            break;
        }
        if (reader.count != table.column_count) {
            return oft_fail(reterr, OFT_ERR_SYNTAX,
                            "line %zu of the CSV has %zu cells and the header has %zu", line,
                            reader.count, table.column_count);
        }
        err = make_room(&table, &capacity, arena);
        if (err == OFT_OK) {
            memcpy(&table.cells[table.row_count * table.column_count], reader.cells,
                   reader.count * sizeof(*reader.cells));
            table.lines[table.row_count++] = line;
        }
    }
    if (err == OFT_OK) {
        *ret = table;
    } else if (err == OFT_ERR_MEMORY) {
        return oft_fail(reterr, err, "the file is larger than what is read at once");
    }
    return err;
}

size_t focus_table_column(const struct focus_table *table, const char *name)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->header[i], name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

const char *focus_table_cell(const struct focus_table *table, size_t row, const char *name)
{
    size_t column = focus_table_column(table, name);
    return column == SIZE_MAX ? NULL : table->cells[row * table->column_count + column];
}
