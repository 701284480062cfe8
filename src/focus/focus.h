/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_FOCUS_FOCUS_H
#define OFFTAKE_FOCUS_FOCUS_H
/*
 * focus -- cost data as others write and read it: FOCUS files out, FOCUS files checked, and a provider's
 * invoice or FOCUS file held against our own metering.
 *
 * What it is   The FinOps Open Cost and Usage Specification (https://focus.finops.org): the datasets
 *              CostAndUsage (1.2, 1.4) and ContractCommitment (1.3, 1.4) from the series of a month;
 *              the rules of those datasets over any file; and the reconciliation of two such files.
 * What it is not  It opens no file and reads no clock: rows or bytes in, bytes out.
 * Exactness    Numbers are decimals of 128 bits and a scale; nothing is rounded but where a cost is
 *              split into used and unused, and there the parts add up to the whole.
 * May include  base, deal, ledger.  Used by: engine, cli, tests.
 * Ownership    A table borrows nothing: its cells are in the arena that it was read into.
 * Errors       enum oft_err; a file that breaks a rule is no fault but a finding.
 * Threads      Pure; any thread.
 */
#include "ledger/hours.h"

enum focus_dataset { FOCUS_COST_AND_USAGE = 1, FOCUS_CONTRACT_COMMITMENT };
/* Ten times the number: FOCUS 1.2 is 12. Files of 1.0 to 1.4 are read; 1.2, 1.3, 1.4 are written and
 * checked. */
typedef unsigned focus_version;

/* "cost-and-usage", "contract-commitment"; "1.2". OFT_ERR_NOT_FOUND. */
enum oft_err focus_dataset_parse(const char *text, enum focus_dataset *ret) OFT_MUSTCHECK;
enum oft_err focus_version_parse(const char *text, focus_version *ret) OFT_MUSTCHECK;
/* Whether VERSION of DATASET can be written and checked here. */
bool focus_version_known(enum focus_dataset dataset, focus_version version);

/* ---- export ---------------------------------------------------------------------------------- */

struct focus_input {
    const struct deal *deal; /* the newest published */
    struct deal_attestations attested;
    int32_t month;
    const struct ledger_row *rows; /* every series of that month, any kind, any order */
    size_t row_count;
    const struct ledger_row *commitment_rows; /* LEDGER_COMMITMENT of all months */
    size_t commitment_row_count;
    const struct ledger_hours_line *hours; /* to have rows of days; none: of the month */
    size_t hours_count;
    oft_instant as_of; /* recorded instant of the newest transaction included */
    uint64_t transaction_number;
    uint8_t journal_sha256[32];
    bool rehearsal;
};

/* The dataset as CSV: one header, rows in a fixed order. Same input, same bytes. */
enum oft_err focus_export(const struct focus_input *input, enum focus_dataset dataset,
                          focus_version version, struct oft_buffer *out,
                          struct oft_error *reterr) OFT_MUSTCHECK;

/* ---- by the hour ----------------------------------------------------------------------------- */

struct focus_metering {
    int32_t month;
    const struct ledger_hours_line *lines;
    size_t line_count;
    const struct ledger_row *rows; /* LEDGER_COST of that month, as the books hold it */
    size_t row_count;
    uint64_t missing; /* segments that are nowhere */
    const char *currency;
    bool by_hour;
};
/* CSV: pool, model, unit, clause, day (a date, or an instant by the hour), quantity, cost (unrounded),
 * uncertain, currency, why. Of a line of the books that its hours do not come to, the rest has the month
 * for its day and says why. */
enum oft_err focus_metering_print(const struct focus_metering *metering,
                                  struct oft_buffer *out) OFT_MUSTCHECK;

/* ---- decimals -------------------------------------------------------------------------------- */

/* value / 10^scale, exactly. */
struct focus_decimal {
    oft_nanos value;
    unsigned scale; /* 0..36 */
};
#define FOCUS_DECIMAL_TEXT_BYTES 80

/* "[-]12[.5][E[-]3]"; nothing else is a number in FOCUS. OFT_ERR_SYNTAX, OFT_ERR_RANGE. */
enum oft_err focus_decimal_parse(struct oft_str text, struct focus_decimal *ret) OFT_MUSTCHECK;
/* Without trailing zeros: "12.5", "0". */
const char *focus_decimal_format(struct focus_decimal a, char out[FOCUS_DECIMAL_TEXT_BYTES]);
enum oft_err focus_decimal_add(struct focus_decimal a, struct focus_decimal b,
                               struct focus_decimal *ret) OFT_MUSTCHECK;
enum oft_err focus_decimal_sub(struct focus_decimal a, struct focus_decimal b,
                               struct focus_decimal *ret) OFT_MUSTCHECK;
enum oft_err focus_decimal_mul(struct focus_decimal a, struct focus_decimal b,
                               struct focus_decimal *ret) OFT_MUSTCHECK;
/* <0, 0, >0 in *ret. */
enum oft_err focus_decimal_compare(struct focus_decimal a, struct focus_decimal b,
                                   int *ret) OFT_MUSTCHECK;

/* ---- tables ---------------------------------------------------------------------------------- */

/* A file as cells. NULL is null: an empty cell, the word null of JSON, a member that is not there. */
struct focus_table {
    const char **header;
    size_t column_count;
    const char **cells; /* row by row */
    size_t row_count;
    size_t *lines; /* where each row begins in the file, from 1; of JSON, its number */
};
/* RFC 4180: fields in quotes may hold commas, quotes (doubled) and line breaks. */
enum oft_err focus_table_csv(struct oft_str text, struct oft_arena *arena, struct focus_table *ret,
                             struct oft_error *reterr) OFT_MUSTCHECK;
/* An array of flat objects, or an object of which one member is such an array. Numbers stay the text
 * that they are: no amount passes through a binary number. */
enum oft_err focus_table_json(struct oft_str text, struct oft_arena *arena, struct focus_table *ret,
                              struct oft_error *reterr) OFT_MUSTCHECK;
/* SIZE_MAX when there is none. */
size_t focus_table_column(const struct focus_table *table, const char *name);
/* NULL when the column is not there or the cell is null. */
const char *focus_table_cell(const struct focus_table *table, size_t row, const char *name);

/* ---- check ----------------------------------------------------------------------------------- */

struct focus_finding {
    size_t line; /* 0: of the file as a whole */
    const char *column;
    const char *rule; /* the public requirements model's id where it has one */
    const char *message;
    const char *remedy;
};
struct focus_findings {
    struct focus_finding *items;
    size_t count, capacity;
    size_t dropped; /* beyond the ceiling: counted, not kept */
    struct oft_arena *arena;
};
/* What an invoice says is to be paid: the sum of BilledCost of its id must be that. */
struct focus_invoice {
    const char *id;
    struct focus_decimal payable;
};
struct focus_check_input {
    struct focus_table table;
    enum focus_dataset dataset;
    focus_version version;
    const struct focus_invoice *invoices;
    size_t invoice_count;
};
/* Findings in the order of the file, then those of its sums. */
enum oft_err focus_check(const struct focus_check_input *input, struct oft_arena *arena,
                         struct focus_findings *ret, struct oft_error *reterr) OFT_MUSTCHECK;
void focus_findings_print(const struct focus_findings *findings, size_t row_count, bool json,
                          struct oft_buffer *out);

/* ---- reconciliation -------------------------------------------------------------------------- */

enum focus_field {
    FOCUS_FIELD_POOL,
    FOCUS_FIELD_MODEL,
    FOCUS_FIELD_UNIT,
    FOCUS_FIELD_DAY,
    FOCUS_FIELD_QUANTITY,
    FOCUS_FIELD_COST,
    FOCUS_FIELD_CURRENCY,
    FOCUS_FIELD_COUNT
};
extern const char *const FOCUS_FIELD_NAMES[FOCUS_FIELD_COUNT];

/* Their name for one of our values. */
struct focus_alias {
    enum focus_field field;
    const char *theirs, *ours;
};
/* AUTO: a bill whose rows are all of the month's first day has rows of the month. */
enum focus_by { FOCUS_BY_AUTO = 0, FOCUS_BY_DAY, FOCUS_BY_MONTH };
struct focus_reconcile_input {
    struct focus_table theirs;
    bool theirs_is_focus;                   /* column names of FOCUS by default */
    const char *columns[FOCUS_FIELD_COUNT]; /* NULL: the default */
    const struct focus_alias *aliases;
    size_t alias_count;
    struct focus_table ours;  /* our own CostAndUsage export of MONTH */
    struct focus_table hours; /* our own metering of it, by the hour or the day; empty: none */
    enum focus_by by;
    int32_t month;
};
/* Whether the bill has rows of single days and BY lets them be compared so: then HOURS is of use. */
enum oft_err focus_reconcile_has_days(const struct focus_reconcile_input *input,
                                      struct oft_arena *arena, bool *ret_days) OFT_MUSTCHECK;
struct focus_reconciliation; /* what was matched, what differs, what could not be placed */
enum oft_err focus_reconcile(const struct focus_reconcile_input *input, struct oft_arena *arena,
                             const struct focus_reconciliation **ret,
                             struct oft_error *reterr) OFT_MUSTCHECK;
bool focus_reconciliation_clean(const struct focus_reconciliation *result);
void focus_reconciliation_print(const struct focus_reconciliation *result, bool json,
                                struct oft_buffer *out);

#endif
