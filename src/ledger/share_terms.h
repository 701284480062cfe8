/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_LEDGER_SHARE_TERMS_H
#define OFFTAKE_LEDGER_SHARE_TERMS_H
/*
 * share_terms -- a share's words as numbers; what the files share_*.c have in common.
 */
#include "ledger/internal.h"
#include "ledger/share.h"

struct share_tier {
    int64_t rate_ppb;
    oft_nanos from, until; /* until: -1 for no end */
};

struct share_terms {
    const struct deal *deal;
    const struct deal_clause *clause;
    const struct deal_share *share;
    oft_instant from, until; /* in which it is in force */
    int32_t period_months;   /* 1, 3, 12 */
    const struct share_tier *tiers;
    size_t tier_count;
    bool whole_band;
    const struct deal_term *less;  /* NULL: no deductions */
    oft_nanos cap, cap_per_period; /* -1: none */
    oft_nanos minimum, minimum_per_period;
    int64_t holdback_ppb;
    bool has_holdback, has_clawback, has_statement, has_payment;
    struct deal_duration holdback, clawback, statement, payment;
    uint32_t netting; /* clause; DEAL_NONE */
    int64_t interest_ppb;
};

enum oft_err share_terms_of(const struct deal *deal, struct deal_attestations attested,
                            uint32_t clause, struct oft_arena *arena,
                            struct share_terms *ret_terms) OFT_MUSTCHECK;
/* The share of a cumulative BASE, rounded once. Nothing of a base below 0. */
enum oft_err share_of_base(const struct share_terms *terms, oft_nanos base,
                           oft_nanos *ret_share) OFT_MUSTCHECK;
/* The first month of the settlement period that MONTH is in. */
int32_t share_period_start(const struct share_terms *terms, int32_t month);

/* share_money.c: what is held back, set off and late, into months and periods that share_settle.c made. */
enum oft_err share_hold_back(const struct share_terms *terms, oft_instant at,
                             struct ledger_share_settlement *it) OFT_MUSTCHECK;
/* OTHER is the opposite share's, with its own hold-back worked out; less of it is due. */
enum oft_err share_net(struct ledger_share_settlement *it,
                       struct ledger_share_settlement *other) OFT_MUSTCHECK;
enum oft_err share_pay(const struct share_terms *terms, const struct ledger_row *rows,
                       size_t row_count, oft_instant at,
                       struct ledger_share_settlement *it) OFT_MUSTCHECK;
/* The month of a settlement; NULL when it has none such. */
struct ledger_share_month *share_month(struct ledger_share_settlement *it, int32_t month);

#endif
