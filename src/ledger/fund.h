/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_LEDGER_FUND_H
#define OFFTAKE_LEDGER_FUND_H
/*
 * fund -- the books of funding programmes: what was pledged, called, paid and drawn.
 *
 * What it is   A function of the deal, of the rows that the books hold (calls, payments and draws as
 *              somebody told them) and of an instant; docs/books.md has the rules. Calls that the deal's
 *              text has count from their day; rows of them are what ledger_funds_add posted, and not read.
 * Pledges      Several, not joint: a part of a call is never raised by what another funder does.
 * Units        Nano-units of the deal's currency.
 * Ownership    Everything is in the caller's arena; names are the deal's or the rows'.
 * Errors       enum oft_err: OFT_ERR_RANGE when an amount leaves its range, OFT_ERR_CORRUPT when a row
 *              cannot be read; what is refused is OFT_ERR_CONFLICT, with words.
 * Threads      None; values in, values out.
 */
#include "ledger/ledger.h"

struct ledger_fund_part {
    oft_nanos amount, paid;
};

struct ledger_fund_call {
    char name[24]; /* "call-2"; of the deal's text "written-1", by its place there */
    bool written;
    uint32_t number;
    oft_instant on, due;
    bool past_due; /* the day of `due`, UTC, is over */
    oft_nanos amount, paid, overdue;
    struct ledger_fund_part *parts; /* by funder */
};

struct ledger_fund_funder {
    const char *party;
    const char *role; /* "" when not said */
    bool in_deal;     /* rows may tell of one that the deal names no more */
    int64_t share_ppb;
    enum deal_pledge_status said; /* by the deal */
    enum deal_pledge_status status;
    oft_nanos pledged;
    oft_nanos called;
    oft_nanos paid;
    oft_nanos outstanding; /* called and not paid */
    oft_nanos overdue;     /* of that, past its day */
    oft_nanos remaining;   /* pledged and not called; below 0 when the deal came to say less */
    oft_nanos to_come;     /* of that, what written calls will take */
};

struct ledger_fund_tranche {
    const char *name;
    oft_instant from;
    oft_nanos amount;
    bool open; /* it has begun */
    oft_nanos called;
};

struct ledger_fund_drawn {
    const char *order; /* "order-2", or an order of the deal: "oracle.site" */
    oft_nanos amount;
};

struct ledger_fund {
    const struct deal *deal; /* whose programme it is, and whose months the rows stand in */
    const struct deal_programme *programme;
    oft_instant at;
    struct ledger_fund_funder *funders; /* in the order of the deal */
    size_t funder_count;
    struct ledger_fund_tranche *tranches; /* in order of their beginnings */
    size_t tranche_count;
    struct ledger_fund_call *calls; /* made by the instant, the oldest first */
    size_t call_count;
    struct ledger_fund_drawn *orders; /* in order of their first row */
    size_t order_count;
    oft_nanos called, paid, outstanding, overdue, remaining, to_come;
    oft_nanos opened; /* what the tranches begun allow; the total when there is none */
    oft_nanos drawn, undrawn;
    uint32_t last_call; /* number of the call told last, at whatever instant; 0: none */
};

/* What has become of every programme AT an instant, in the order of the deal. ROWS are all FUND_CALL,
 * FUND_PAYMENT and FUND_DRAW rows of all months. */
enum oft_err ledger_funds_settle(const struct deal *deal, const struct ledger_row *rows,
                                 size_t row_count, oft_instant at, struct oft_arena *arena,
                                 struct ledger_fund **ret_funds, size_t *ret_count) OFT_MUSTCHECK;
/* NULL when there is none of that name. */
const struct ledger_fund *ledger_fund_find(const struct ledger_fund *funds, size_t count,
                                           const char *name);

/* What somebody asks the books to take. */
struct ledger_fund_ask {
    enum ledger_series_kind kind; /* LEDGER_FUND_CALL, LEDGER_FUND_PAYMENT, LEDGER_FUND_DRAW */
    const char *funder;           /* of a payment */
    const char *order;            /* of a draw */
    bool order_known;
    oft_nanos amount;
    oft_instant at;  /* now */
    oft_instant day; /* a call: due; a payment: when it was made; a draw: now */
};
/* NOW, or the latest instant that the rows of PROGRAMME tell of: a clock that was set back unmakes nothing. */
oft_instant ledger_fund_now(const char *programme, const struct ledger_row *rows, size_t row_count,
                            oft_instant now);
/* Of a payment that was made before today: the programme named PROGRAMME at the end of its day or of a later
 * day with a payment of that funder, whichever left least to be paid. NULL of all else. */
enum oft_err ledger_fund_then(const struct deal *deal, const char *programme,
                              const struct ledger_row *rows, size_t row_count,
                              const struct ledger_fund_ask *ask, struct oft_arena *arena,
                              const struct ledger_fund **ret_then) OFT_MUSTCHECK;
/* May ASK be taken, with FUND as it is at ASK's instant and THEN as ledger_fund_then says? OFT_ERR_CONFLICT, OFT_ERR_INVALID or OFT_ERR_NOT_FOUND with words else. */
enum oft_err ledger_fund_check(const struct ledger_fund *fund, const struct ledger_fund *then,
                               const struct ledger_fund_ask *ask,
                               struct oft_error *reterr) OFT_MUSTCHECK;
/* By funder, the parts of a call of AMOUNT; their sum is AMOUNT. */
enum oft_err ledger_fund_parts(const struct ledger_fund *fund, oft_nanos amount,
                               oft_nanos *parts) OFT_MUSTCHECK;
/* The last instant of AT's day (UTC). */
oft_instant ledger_fund_day_end(oft_instant at);

/* ---- fund_post.c ------------------------------------------------------------------------------- */

/* Adds what ASK tells. It was checked. */
enum oft_err ledger_fund_add(struct ledger_batch *batch, const struct ledger_fund *fund,
                             const struct ledger_fund_ask *ask) OFT_MUSTCHECK;
/* Makes the batch bring the written calls of the books to those that FUNDS say; ROWS as above. */
enum oft_err ledger_funds_add(struct ledger_batch *batch, const struct ledger_fund *funds,
                              size_t count, const struct ledger_row *rows,
                              size_t row_count) OFT_MUSTCHECK;

/* ---- fund_print.c ------------------------------------------------------------------------------ */

enum oft_err ledger_funds_print(const struct deal *deal, const struct ledger_fund *funds,
                                size_t count, oft_instant at, enum ledger_format format,
                                struct oft_buffer *out) OFT_MUSTCHECK;

#endif
