/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_LEDGER_SHARE_H
#define OFFTAKE_LEDGER_SHARE_H
/*
 * share -- what revenue shares come to by all of their terms: deductions, tiers, caps, minimums; and when
 * it is paid: held back, set off, late.
 *
 * What it is   A function of the deal, of what is attested, of the rows that the books hold (bases, shares
 *              posted as records come, deductions, payments) and of an instant; docs/books.md has the rules.
 *              Nothing that was posted by these rules before is looked at, so late usage moves each
 *              amount by its difference and by nothing else.
 * Two ways     A *plain* share (deal_share.plain) is posted as records come, by post.c, and only its
 *              periods are worked out here. Any other is reckoned whole here and posted by
 *              ledger_shares_add.
 * Units        Nano-units of the deal's currency.
 * Ownership    Everything is in the caller's arena.
 * Errors       enum oft_err: OFT_ERR_RANGE when an amount leaves its range, OFT_ERR_CORRUPT when a row
 *              cannot be read.
 * Threads      None; values in, values out.
 */
#include "ledger/ledger.h"

/* What one month adds. */
struct ledger_share_month {
    int32_t month;
    oft_nanos base;     /* revenue, or what the other share paid */
    oft_nanos deducted; /* of it */
    oft_nanos lost;     /* deductions that were told too late to be asked back */
    oft_nanos earned;   /* the share, within its caps */
    oft_nanos minimum;  /* what tops it up at the end of a period or of the clause */
    oft_nanos held;     /* kept back of this month; what is paid out again is below 0 */
    oft_nanos netted;   /* set off against the opposite share */
    oft_nanos interest; /* on what was late in this month */
};

struct ledger_share_period {
    oft_instant from, until; /* of the calendar's period, as far as the clause holds */
    bool over;
    int32_t first_month, last_month;
    char name[8]; /* "2026-04", "2026-Q2", "2026" */
    oft_nanos base, deducted, lost, earned, minimum;
    oft_nanos held;         /* kept back of it */
    oft_instant release_at; /* NEVER: nothing is */
    oft_nanos netted;
    oft_instant statement_by, due_at; /* NEVER: not said */
    oft_nanos due;                    /* what was due of it by the instant */
    oft_nanos paid;                   /* payments that name it */
    oft_nanos outstanding;            /* due and not paid */
    oft_nanos interest;               /* on what is or was late */
};

struct ledger_share_settlement {
    uint32_t clause;
    enum ledger_direction direction;
    const char *party; /* the other side; of a share between others the payee */
    bool plain;
    oft_instant until;                 /* the clause's end; NEVER */
    struct ledger_share_month *months; /* rising, without a gap */
    size_t month_count;
    size_t
        earning_count; /* of these, as far as the clause goes; behind them something may be released */
    struct ledger_share_period *periods; /* rising */
    size_t period_count;
    oft_nanos total;    /* earned and minimums, in all */
    oft_nanos cap_left; /* below 0: no cap in all */
};

/* What has become of every share AT an instant, in the order of the deal's text. ROWS are all SHARE,
 * DEDUCTION and PAYMENT rows of all months. */
enum oft_err ledger_shares_settle(const struct deal *deal, struct deal_attestations attested,
                                  const struct ledger_row *rows, size_t row_count, oft_instant at,
                                  struct oft_arena *arena,
                                  struct ledger_share_settlement **ret_settlements,
                                  size_t *ret_count) OFT_MUSTCHECK;
/* Makes the batch bring the books to what SETTLEMENTS say. ROWS are the SHARE and SHARE_TERM rows that the
 * books hold: what nothing accounts for any more is taken back, if the deal still has its clause. */
enum oft_err ledger_shares_add(struct ledger_batch *batch, const struct ledger_context *context,
                               const struct ledger_share_settlement *settlements, size_t count,
                               const struct ledger_row *rows, size_t row_count) OFT_MUSTCHECK;
enum oft_err ledger_shares_print(const struct deal *deal,
                                 const struct ledger_share_settlement *settlements, size_t count,
                                 oft_instant at, enum ledger_format format,
                                 struct oft_buffer *out) OFT_MUSTCHECK;

/* What somebody tells the books of shares: revenue that is taken off, or a payment. */
struct ledger_told {
    enum ledger_series_kind kind; /* LEDGER_DEDUCTION or LEDGER_PAYMENT */
    const char *name;             /* the deduction's, or the share's clause */
    const char *detail;           /* the product, "" for all; or the period, "2026-Q2" */
    int32_t month;                /* of the revenue, or of the day of payment */
    oft_instant at;               /* when it was told; or the day of payment */
    oft_nanos amount;
    enum ledger_direction direction; /* of a payment: the share's */
    const char *party;               /* the same */
};
enum oft_err ledger_told_add(struct ledger_batch *batch,
                             const struct ledger_told *told) OFT_MUSTCHECK;

/* "2026-Q2" for a month of it, in a share that is settled by quarters. */
void ledger_share_period_name(const struct deal_clause *clause, int32_t month, char out[8]);

#endif
