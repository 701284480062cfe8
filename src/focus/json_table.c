/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows from JSON. The library that the control plane uses turns every number with a point into a binary
 * one, which no amount survives; so this reads the little that an invoice needs: objects of texts and
 * numbers in an array, and numbers stay the text that they are.
 */
#include <string.h>

#include "focus/internal.h"

enum { MEMBERS_MAX = 512, DEPTH_MAX = 32 };

struct json_reader {
    const char *data;
    size_t length, at;
    struct oft_arena *arena;
    bool out_of_memory;
};

static void pass_space(struct json_reader *reader)
{
    while (reader->at < reader->length && strchr(" \t\r\n", reader->data[reader->at]) != NULL &&
           reader->data[reader->at] != '\0') {
        reader->at++;
    }
}

static bool take_char(struct json_reader *reader, char c)
{
    pass_space(reader);
    if (reader->at < reader->length && reader->data[reader->at] == c) {
        reader->at++;
        return true;
    }
    return false;
}

static bool take_hex(struct json_reader *reader, uint32_t *ret)
{
    *ret = 0;
    for (int i = 0; i < 4; i++, reader->at++) {
        static const char digits[] = "0123456789abcdef";
        char c = reader->at < reader->length ? reader->data[reader->at] : '\0';
        const char *found = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c);
        if (found == NULL) {
            return false;
        }
        *ret = *ret * 16 + (uint32_t)(found - digits);
    }
    return true;
}

static size_t put_utf8(uint32_t c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    static const uint8_t lead[] = {0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(lead[more] | (c >> (6 * more)));
    for (size_t i = 1; i <= more; i++) {
        out[i] = (char)(0x80 | ((c >> (6 * (more - i))) & 0x3f));
    }
    return more + 1;
}

/* Behind "\u": one character, of two halves when it needs them. No character is 0. */
static bool take_unicode(struct json_reader *reader, uint32_t *ret)
{
    uint32_t low;
    if (!take_hex(reader, ret) || *ret == 0 || (*ret >= 0xdc00 && *ret < 0xe000)) {
        return false;
    }
    if (*ret < 0xd800 || *ret >= 0xdc00) {
        return true;
    }
    if (reader->at + 2 > reader->length || memcmp(reader->data + reader->at, "\\u", 2) != 0) {
        return false;
    }
    reader->at += 2;
    if (!take_hex(reader, &low) || low < 0xdc00 || low >= 0xe000) {
        return false;
    }
    *ret = 0x10000 + ((*ret - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

static const char *take_text(struct json_reader *reader)
{
    if (!take_char(reader, '"')) {
        return NULL;
    }
    size_t end = reader->at;
    while (end < reader->length && reader->data[end] != '"') {
        end += reader->data[end] == '\\' ? 2 : 1;
    }
    char *out = oft_arena_alloc(reader->arena, end - reader->at + 4);
    if (end >= reader->length || out == NULL) {
        reader->out_of_memory = out == NULL;
        return NULL;
    }
    size_t used = 0;
    while (reader->at < end) {
        char c = reader->data[reader->at++];
        if ((unsigned char)c < 0x20) {
            return NULL;
        }
        if (c != '\\') {
            out[used++] = c;
            continue;
        }
        static const char from[] = "\"\\/bfnrt";
        static const char to[] = "\"\\/\b\f\n\r\t";
        c = reader->data[reader->at++];
        const char *found = strchr(from, c);
        uint32_t character;
        if (c == 'u') {
            if (!take_unicode(reader, &character)) {
                return NULL;
            }
            used += put_utf8(character, out + used);
        } else if (found != NULL && c != '\0') {
            out[used++] = to[found - from];
        } else {
            return NULL;
        }
    }
    out[used] = '\0';
    reader->at = end + 1;
    return out;
}

/* Passes over an object or an array, whatever it holds. */
static bool pass_nested(struct json_reader *reader)
{
    size_t depth = 0;
    do {
        pass_space(reader);
        char c = reader->at < reader->length ? reader->data[reader->at] : '\0';
        if (c == '\0' || depth > DEPTH_MAX) {
            return false;
        }
        if (c == '"') {
            if (take_text(reader) == NULL) {
                return false;
            }
            continue;
        }
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        reader->at++;
    } while (depth > 0);
    return true;
}

/* A value as a cell: null is NULL, what is nested is its own JSON text. */
static bool take_value(struct json_reader *reader, const char **ret)
{
    pass_space(reader);
    char c = reader->at < reader->length ? reader->data[reader->at] : '\0';
    size_t begin = reader->at;
    if (c == '"') {
        *ret = take_text(reader);
        return *ret != NULL;
    }
    if (c == '{' || c == '[') {
        if (!pass_nested(reader)) {
            return false;
        }
    } else {
        while (reader->at < reader->length &&
               strchr(",]} \t\r\n", reader->data[reader->at]) == NULL) {
            reader->at++;
        }
    }
    struct oft_str word = {reader->data + begin, reader->at - begin};
    struct focus_decimal number;
    bool known = oft_str_is(word, "null") || oft_str_is(word, "true") ||
                 oft_str_is(word, "false") || c == '{' || c == '[' ||
                 focus_decimal_parse(word, &number) != OFT_ERR_SYNTAX;
    *ret = oft_str_is(word, "null") ? NULL : oft_arena_copy(reader->arena, word);
    reader->out_of_memory = known && *ret == NULL && !oft_str_is(word, "null");
    return known && !reader->out_of_memory;
}

struct json_row {
    const char *names[MEMBERS_MAX];
    const char *values[MEMBERS_MAX];
    size_t count;
};

static bool take_object(struct json_reader *reader, struct json_row *row)
{
    row->count = 0;
    if (!take_char(reader, '{')) {
        return false;
    }
    if (take_char(reader, '}')) {
        return true;
    }
    do {
        const char *name = take_text(reader);
        if (name == NULL || row->count == MEMBERS_MAX || !take_char(reader, ':') ||
            !take_value(reader, &row->values[row->count])) {
            return false;
        }
        for (size_t i = 0; i < row->count; i++) {
            if (strcmp(row->names[i], name) == 0) {
                return false; /* which of two amounts would be the right one? */
            }
        }
        row->names[row->count++] = name;
    } while (take_char(reader, ','));
    return take_char(reader, '}');
}

/* Stands before the array of rows, or nowhere. */
static bool find_rows(struct json_reader *reader)
{
    if (!take_char(reader, '{')) {
        return take_char(reader, '[');
    }
    do {
        const char *ignored;
        if (take_text(reader) == NULL || !take_char(reader, ':')) {
            return false;
        }
        size_t before = reader->at;
        if (take_char(reader, '[')) {
            pass_space(reader);
            if (reader->at < reader->length && reader->data[reader->at] == '{') {
                return true;
            }
            reader->at = before;
        }
        if (!take_value(reader, &ignored)) {
            return false;
        }
    } while (take_char(reader, ','));
    return false;
}

/* One pass: COUNT rows, and the columns that any of them has. With CELLS the cells too. */
static bool walk(struct json_reader *reader, struct json_row *row, struct focus_table *table,
                 bool fill)
{
    size_t count = 0;
    if (take_char(reader, ']')) {
        return true;
    }
    do {
        if (!take_object(reader, row)) {
            return false;
        }
        for (size_t i = 0; i < row->count; i++) {
            size_t column = focus_table_column(table, row->names[i]);
            if (column == SIZE_MAX && table->column_count < MEMBERS_MAX) {
                column = table->column_count++;
                table->header[column] = row->names[i];
            }
            if (column == SIZE_MAX) {
                return false;
            }
            if (fill) {
                table->cells[count * table->column_count + column] = row->values[i];
            }
        }
        if (fill) {
            table->lines[count] = count + 1;
        }
        count++;
    } while (take_char(reader, ','));
    table->row_count = count;
    return take_char(reader, ']');
}

enum oft_err focus_table_json(struct oft_str text, struct oft_arena *arena, struct focus_table *ret,
                              struct oft_error *reterr)
{
    struct json_reader reader = {.data = text.data, .length = text.length, .arena = arena};
    struct focus_table table = {0};
    struct json_row *row = oft_arena_alloc(arena, sizeof(*row));
    table.header = oft_arena_alloc_array(arena, MEMBERS_MAX, sizeof(*table.header));
    bool good = row != NULL && table.header != NULL && find_rows(&reader);
    size_t begin = reader.at;
    good = good && walk(&reader, row, &table, false);
    if (good) {
        table.cells = oft_arena_alloc_array(arena, table.row_count * table.column_count + 1,
                                            sizeof(*table.cells));
        table.lines = oft_arena_alloc_array(arena, table.row_count + 1, sizeof(*table.lines));
        reader.out_of_memory = table.cells == NULL || table.lines == NULL;
        reader.at = begin;
        good = !reader.out_of_memory && walk(&reader, row, &table, true);
    }
    if (!good) {
        return reader.out_of_memory
                   ? oft_fail(reterr, OFT_ERR_MEMORY,
                              "the file is larger than what is read at once")
                   : oft_fail(reterr, OFT_ERR_SYNTAX,
                              "the JSON does not parse at byte %zu; it must be an array of flat "
                              "objects, or an object with such an array as a member",
                              reader.at);
    }
    *ret = table;
    return OFT_OK;
}
