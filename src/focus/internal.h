/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_FOCUS_INTERNAL_H
#define OFFTAKE_FOCUS_INTERNAL_H
/*
 * What the files of focus share: the columns of each dataset and version, and the rows that are
 * being made. Private to focus/.
 */
#include "focus/focus.h"

struct focus_column {
    const char *name;
    char type;     /* 's' text, 'n' number, 't' date and time, 'j' JSON */
    char need;     /* 'm' must be there, 'c' when the provider supports it, 'o' otherwise */
    bool nullable; /* false: null nowhere */
    bool ours;     /* in our own export */
    focus_version from, until; /* [from, until) */
    const char *allowed;       /* "A|B"; NULL: anything */
};
/* All columns of the specification, in its order (of the alphabet). */
const struct focus_column *focus_columns(enum focus_dataset dataset, size_t *ret_count);
/* Our own, "x_Clause" and so on. */
const char *const *focus_own_columns(enum focus_dataset dataset, size_t *ret_count);

/* Rows that are being made: cells by the columns that the export has. */
struct focus_sheet {
    const struct focus_input *input;
    enum focus_dataset dataset;
    focus_version version;
    const char **names;
    size_t column_count;
    const char **cells;
    size_t row_count, row_capacity;
    struct oft_arena *arena;
    enum oft_err err; /* the first; later calls do nothing */
};
enum oft_err focus_sheet_begin(struct focus_sheet *sheet, const struct focus_input *input,
                               enum focus_dataset dataset, focus_version version,
                               struct oft_arena *arena) OFT_MUSTCHECK;
void focus_sheet_row(struct focus_sheet *sheet); /* a new row, all null; what follows fills it */
/* Columns that this version does not have are passed over; "" and NULL leave null. */
void focus_put(struct focus_sheet *sheet, const char *column, const char *text);
void focus_put_printf(struct focus_sheet *sheet, const char *column, const char *format, ...)
    OFT_PRINTF(3, 4);
void focus_put_decimal(struct focus_sheet *sheet, const char *column, struct focus_decimal value);
void focus_put_nanos(struct focus_sheet *sheet, const char *column, oft_nanos amount);
void focus_put_instant(struct focus_sheet *sheet, const char *column, oft_instant instant);
void focus_put_hex(struct focus_sheet *sheet, const char *column, const uint8_t bytes[32]);
void focus_sheet_print(const struct focus_sheet *sheet, struct oft_buffer *out);

/* Puts one row for each day of ROW, as the input's hours have them; without such, one of the month. */
typedef void (*focus_put_row_fn)(struct focus_sheet *sheet, const struct ledger_row *row);
void focus_put_days(struct focus_sheet *sheet, const struct ledger_row *row, focus_put_row_fn put);
void focus_make_cost_and_usage(struct focus_sheet *sheet);
void focus_make_contract_commitment(struct focus_sheet *sheet);
/* What counted towards CLAUSE in MONTH (0: in all months up to the input's). */
enum oft_err focus_counted(const struct focus_input *input, const char *clause, int32_t month,
                           oft_nanos *ret) OFT_MUSTCHECK;
const char *focus_commit_model_text(enum deal_commit_model model);

/* Findings, see check.c. */
void focus_find(struct focus_findings *findings, size_t line, const char *column, const char *rule,
                const char *remedy, const char *format, ...) OFT_PRINTF(6, 7);
/* Whether TEXT is a word of "A|B". */
bool focus_is_allowed(const char *allowed, const char *text);
/* Rules between the columns of a row, see check_rules.c. */
void focus_check_pairs(const struct focus_check_input *input, size_t row,
                       struct focus_findings *findings);
/* Rules between rows, see check_sums.c. */
enum oft_err focus_check_sums(const struct focus_check_input *input,
                              struct focus_findings *findings) OFT_MUSTCHECK;

/* A cell of CSV as it is: quoted only where needed; "" for null. */
void focus_csv_cell(struct oft_buffer *out, const char *text, bool first);

#endif
