/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows on their way to a CSV file. Null is an empty cell; a text that is there is written as it is,
 * quoted where CSV needs it and not altered for spreadsheets: FOCUS files are for programs.
 */
#include <stdio.h>
#include <string.h>

#include "focus/internal.h"

enum { ROWS_FIRST = 64 };
#define SHEET_BYTES_MAX ((size_t)1 << 30)

static bool has_column(const struct focus_column *column, focus_version version)
{
    return column->ours && version >= column->from && version < column->until;
}

enum oft_err focus_sheet_begin(struct focus_sheet *sheet, const struct focus_input *input,
                               enum focus_dataset dataset, focus_version version,
                               struct oft_arena *arena)
{
    size_t column_count;
    size_t own_count;
    const struct focus_column *columns = focus_columns(dataset, &column_count);
    const char *const *own = focus_own_columns(dataset, &own_count);
    *sheet = (struct focus_sheet){
        .input = input, .dataset = dataset, .version = version, .arena = arena};
    sheet->names = oft_arena_alloc_array(arena, column_count + own_count, sizeof(*sheet->names));
    if (sheet->names == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (size_t i = 0; i < column_count; i++) {
        if (has_column(&columns[i], version)) {
            sheet->names[sheet->column_count++] = columns[i].name;
        }
    }
    for (size_t i = 0; i < own_count; i++) {
        sheet->names[sheet->column_count++] = own[i];
    }
    return OFT_OK;
}

void focus_sheet_row(struct focus_sheet *sheet)
{
    if (sheet->err != OFT_OK) {
        return;
    }
    if (sheet->row_count == sheet->row_capacity) {
        size_t capacity = sheet->row_capacity == 0 ? ROWS_FIRST : sheet->row_capacity * 2;
        const char **cells =
            oft_arena_alloc_array(sheet->arena, capacity * sheet->column_count, sizeof(*cells));
        if (cells == NULL) {
            sheet->err = OFT_ERR_MEMORY;
            return;
        }
        if (sheet->row_count > 0) {
            memcpy(cells, sheet->cells, sheet->row_count * sheet->column_count * sizeof(*cells));
        }
        sheet->cells = cells;
        sheet->row_capacity = capacity;
    }
    sheet->row_count++;
}

void focus_put(struct focus_sheet *sheet, const char *column, const char *text)
{
    if (sheet->err != OFT_OK || text == NULL || text[0] == '\0') {
        return;
    }
    OFT_ASSERT(sheet->row_count > 0);
    for (size_t i = 0; i < sheet->column_count; i++) {
        if (strcmp(sheet->names[i], column) == 0) {
            const char *copy = oft_arena_copy(sheet->arena, oft_str_from(text));
            sheet->cells[(sheet->row_count - 1) * sheet->column_count + i] = copy;
            sheet->err = copy == NULL ? OFT_ERR_MEMORY : sheet->err;
            return;
        }
    }
}

void focus_put_printf(struct focus_sheet *sheet, const char *column, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    focus_put(sheet, column, text);
}

void focus_put_decimal(struct focus_sheet *sheet, const char *column, struct focus_decimal value)
{
    char digits[FOCUS_DECIMAL_TEXT_BYTES];
    focus_put(sheet, column, focus_decimal_format(value, digits));
}

void focus_put_nanos(struct focus_sheet *sheet, const char *column, oft_nanos amount)
{
    focus_put_decimal(sheet, column, (struct focus_decimal){amount, 9});
}

void focus_put_instant(struct focus_sheet *sheet, const char *column, oft_instant instant)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    instant -= instant % OFT_NS_PER_SECOND; /* FOCUS has whole seconds */
    focus_put(sheet, column, oft_instant_format(instant, text));
}

void focus_put_hex(struct focus_sheet *sheet, const char *column, const uint8_t bytes[32])
{
    char text[65];
    for (size_t i = 0; i < 32; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    }
    focus_put(sheet, column, text);
}

void focus_csv_cell(struct oft_buffer *out, const char *text, bool first)
{
    if (!first) {
        oft_buffer_append_char(out, ',');
    }
    if (text == NULL) {
        return;
    }
    if (strpbrk(text, ",\"\r\n") == NULL) {
        oft_buffer_append_text(out, text);
        return;
    }
    oft_buffer_append_char(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            oft_buffer_append_char(out, '"');
        }
        oft_buffer_append_char(out, *text);
    }
    oft_buffer_append_char(out, '"');
}

void focus_sheet_print(const struct focus_sheet *sheet, struct oft_buffer *out)
{
    for (size_t i = 0; i < sheet->column_count; i++) {
        focus_csv_cell(out, sheet->names[i], i == 0);
    }
    oft_buffer_append_char(out, '\n');
    for (size_t row = 0; row < sheet->row_count; row++) {
        for (size_t i = 0; i < sheet->column_count; i++) {
            focus_csv_cell(out, sheet->cells[row * sheet->column_count + i], i == 0);
        }
        oft_buffer_append_char(out, '\n');
    }
}

enum oft_err focus_export(const struct focus_input *input, enum focus_dataset dataset,
                          focus_version version, struct oft_buffer *out, struct oft_error *reterr)
{
    struct oft_arena arena;
    struct focus_sheet sheet;
    if (!focus_version_known(dataset, version)) {
        return oft_fail(
            reterr, OFT_ERR_VERSION,
            "this dataset has no version 1.%u here: cost-and-usage is written as 1.2 or "
            "1.4, contract-commitment as 1.3 or 1.4",
            version - 10);
    }
    oft_arena_init(&arena, SHEET_BYTES_MAX);
    enum oft_err err = focus_sheet_begin(&sheet, input, dataset, version, &arena);
    if (err == OFT_OK) {
        if (dataset == FOCUS_COST_AND_USAGE) {
            focus_make_cost_and_usage(&sheet);
        } else {
            focus_make_contract_commitment(&sheet);
        }
        err = sheet.err;
    }
    if (err == OFT_OK) {
        focus_sheet_print(&sheet, out);
        err = out->failed ? OFT_ERR_LIMIT : OFT_OK;
    }
    oft_arena_release(&arena);
    return err == OFT_OK
               ? OFT_OK
               : oft_fail(reterr, err, "cannot make the FOCUS file: %s", oft_err_text(err));
}
