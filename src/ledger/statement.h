/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_LEDGER_STATEMENT_H
#define OFFTAKE_LEDGER_STATEMENT_H
/*
 * statement -- a statement as lines and sums, before it is text; and what its printers share.
 *
 * statement.c chooses the rows and adds them up, statement_{text,json,csv}.c print them, print.c has
 * the words and the escapes. All sums are checked; a sum that leaves its range is an error.
 */
#include "ledger/trace.h"

struct statement_rows {
    const struct ledger_row **items; /* in the order of ledger_key_compare */
    size_t count;
};

enum statement_kind {
    STATEMENT_PARTY,    /* another party: what it is owed and owes */
    STATEMENT_ACCOUNT,  /* a customer's account: what it owes */
    STATEMENT_CUSTOMER, /* the deal's own customer: everything, seen from inside */
};

struct statement {
    const struct ledger_statement_input *input;
    enum statement_kind kind;
    const char *title;
    struct statement_rows capacity;   /* COST */
    struct statement_rows reserved;   /* USAGE of reserved pools */
    struct statement_rows shares;     /* SHARE with an amount */
    struct statement_rows bases;      /* SHARE by product */
    struct statement_rows dues;       /* SHORTFALL */
    struct statement_rows settling;   /* SHARE_TERM, PAYMENT, DEDUCTION: in no sum */
    struct statement_rows sales;      /* SALE of the customer's products */
    struct statement_rows memo_sales; /* SALE of other parties' products */
    oft_nanos capacity_nanos;         /* the customer owes */
    oft_nanos dues_nanos;             /* the customer owes: what follows from commitments */
    oft_nanos paid_nanos;             /* the customer owes */
    oft_nanos received_nanos;         /* owed to the customer */
    oft_nanos sales_nanos;            /* owed to the customer */
    oft_nanos memo_sales_nanos;       /* in no sum */
    oft_nanos net_nanos;              /* capacity + dues + paid - received - sales */
    int64_t requests[5];              /* by enum ledger_outcome; what came late may be below 0 */
    int64_t unknown_requests;         /* with an id that their deal does not know */
    struct ledger_commitment_status *commitments;
    size_t commitment_count;
    struct statement_delta *deltas; /* of a restatement */
    size_t delta_count;
    oft_nanos was_nanos; /* the net of what is restated */
    struct oft_arena arena;
};

/* A line of a restatement that is not what it was. */
struct statement_delta {
    const struct ledger_row *row;
    struct ledger_totals was;
    oft_nanos quantity, amount; /* more than it was */
    int sign;                   /* how the amount goes into the net: 1, -1, or 0 for not */
};

/* Chooses and adds up; to be released also after a failure. */
enum oft_err statement_make(struct statement *statement, struct oft_error *reterr) OFT_MUSTCHECK;
void statement_release(struct statement *statement);

/* ---- statement_life.c ------------------------------------------------------------------------ */

/* Facts that every form prints about the statement itself, in order; false when there is no fact INDEX.
 * NAME is for people ("Deal hash"), KEY for programs ("deal_sha256"). Amounts of room: OUT grows. */
struct statement_fact {
    const char *name, *key;
};
bool statement_fact(const struct statement *statement, size_t index,
                    struct statement_fact *ret_fact, struct oft_buffer *out);
const char *statement_status_name(enum ledger_status status); /* "draft" */
/* What stands on top of every page, in capitals; "" when nothing does: DRAFT, REHEARSAL. */
void statement_banner(const struct statement *statement, struct oft_buffer *out);
/* "late, of 2026-03: ", "late, booked in 2026-05: " or "". */
enum { STATEMENT_LATE_BYTES = 64 };
const char *statement_late(const struct statement *statement, const struct ledger_series_key *key,
                           char out[STATEMENT_LATE_BYTES]);
/* Finds what changed since BEFORE, the same statement of the earlier rows. */
enum oft_err statement_find_deltas(struct statement *statement,
                                   const struct statement *before) OFT_MUSTCHECK;
/* What a line is about, in words: "capacity east, gpt-4o (east.price)". */
void statement_line_words(const struct statement *statement, const struct ledger_series_key *key,
                          char *out, size_t size);

/* How a share's amount came about: "20% of 1,000.00, up to its cap". */
void statement_share_words(const struct ledger_row *share, char *out, size_t size);

void statement_print_text(const struct statement *statement, struct oft_buffer *out);
void statement_print_json(const struct statement *statement, struct oft_buffer *out);
void statement_print_csv(const struct statement *statement, struct oft_buffer *out);
/* Whether ROW is the base of SHARE by product. */
bool statement_is_base_of(const struct ledger_row *row, const struct ledger_row *share);
/* Whether SHARE is less than its rate times its base, since its clause met its total cap. */
bool statement_is_capped(const struct ledger_row *share);
/* Into OUT the words about what is estimated, unsettled and so on, the same in all forms.
 * Returns false when there is no note INDEX. */
bool statement_note(const struct statement *statement, size_t index, struct oft_buffer *out);

/* ---- print.c --------------------------------------------------------------------------------- */

#define PRINT_COLUMNS 80

const char *print_unit_name(uint32_t unit); /* "cache-write" */
bool print_is_capacity(uint32_t unit);      /* enum ledger_capacity_unit */
/* What a printed price is for, behind it: " / 1M", " / 744 h", "". */
enum { PRINT_PER_BYTES = 16 };
const char *print_per(const struct ledger_series_key *key, char out[PRINT_PER_BYTES]);
const char *print_outcome_name(uint32_t outcome); /* "served-estimated" */
const char *print_direction_name(uint32_t direction);
const char *print_due_name(uint32_t due);         /* enum ledger_due: "cash" */
const char *print_due_text(uint32_t due);         /* in words */
const char *print_share_part_name(uint32_t part); /* enum ledger_share_part: "earned" */
/* "held-back", "set-off", "paid", "deduction"; in words with TEXT. */
const char *print_settling_name(const struct ledger_series_key *key);
const char *print_settling_text(const struct ledger_series_key *key);
const char *print_commit_model_name(enum deal_commit_model model);
/* "20" for 200,000,000 parts per billion, "0.125" for 1,250,000. */
const char *print_percent(oft_nanos ppb, char out[OFT_NANOS_TEXT_BYTES]);
/* PART of WHOLE in percent with four decimals; "-" when WHOLE is 0 or the result has no room. */
const char *print_share_of(oft_nanos part, oft_nanos whole, char out[OFT_NANOS_TEXT_BYTES]);
/* "1,234,567". */
const char *print_grouped(oft_nanos value, char out[OFT_NANOS_TEXT_BYTES]);

/* Text for a terminal: control characters become '?'. Columns are counted in characters. */
void print_clean(struct oft_buffer *out, const char *text);
/* TEXT in lines of at most 80 columns, the first behind FIRST spaces and the others behind REST. */
void print_wrapped(struct oft_buffer *out, size_t first, size_t rest, const char *text);
/* LEFT, then RIGHT against the right margin; on a line of its own where both do not fit. */
void print_two_sides(struct oft_buffer *out, const char *left, const char *right);
void print_title(struct oft_buffer *out, const char *title);

/* The line's id into ID; a failure marks OUT. */
const char *print_line_id(const struct ledger_series_key *key, struct oft_buffer *out,
                          char id[LEDGER_LINE_ID_BYTES]);

void print_json_string(struct oft_buffer *out, const char *text);
/* "NAME":"TEXT" with a comma before it unless it follows an opening bracket. */
void print_json_text(struct oft_buffer *out, const char *name, const char *text);
void print_json_number(struct oft_buffer *out, const char *name, oft_nanos value);
/* "NAME":"1.50","NAME_nanos":"1500000000" */
void print_json_amount(struct oft_buffer *out, const char *name, oft_nanos amount);
void print_json_key(struct oft_buffer *out, const char *name);

/* A cell of words, quoted where needed; = + - @ at its beginning get an apostrophe, so that no
 * spreadsheet takes a name for a formula. */
void print_csv_text(struct oft_buffer *out, const char *text);
void print_csv_number(struct oft_buffer *out, const char *digits);
void print_csv_end(struct oft_buffer *out);

#endif
