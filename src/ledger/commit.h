/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_LEDGER_COMMIT_H
#define OFFTAKE_LEDGER_COMMIT_H
/*
 * commit -- a commitment's words as numbers; what the files commit_*.c share.
 */
#include "ledger/internal.h"

/* What becomes of what is missing. */
enum commit_fate { COMMIT_FATE_PAID, COMMIT_FATE_CREDIT, COMMIT_FATE_FORFEITED };

struct commit_terms {
    const struct deal_clause *clause;
    const struct deal_commit *commit;
    bool invoice; /* counted when the month is invoiced, at its end */
    bool net;     /* what a predecessor's credit paid for does not count */
    enum commit_fate fate;
    const struct deal_value *roll;        /* rate or amount; NULL for none */
    const struct deal_value *marketplace; /* the same */
    int64_t overage_ppb;                  /* DEAL_RATE_ONE when not said */
    oft_instant ended;                    /* the clause's end or its period's */
    uint32_t predecessor;                 /* its last version; DEAL_NONE for none */
    uint32_t successor;                   /* the first that names it */
    uint32_t amends;                      /* an earlier version that is a commitment too */
};

/* Who comes before and after whom, by clause. */
struct commit_links {
    uint32_t *predecessor, *successor;
};
enum oft_err commit_links_of(const struct deal *deal, struct deal_attestations attested,
                             struct oft_arena *arena, struct commit_links *ret_links) OFT_MUSTCHECK;
struct commit_terms commit_terms_of(const struct deal *deal, struct deal_attestations attested,
                                    const struct commit_links *links, uint32_t clause);
/* Its measures by time, in ARENA; the whole is the last. */
enum oft_err commit_measures(const struct commit_terms *terms, struct oft_arena *arena,
                             struct ledger_measure **ret_measures, size_t *ret_count) OFT_MUSTCHECK;
/* The part of AMOUNT that BOUND lets through: a rate of OF, or an amount; all when NULL. */
enum oft_err commit_bounded(const struct deal_value *bound, oft_nanos amount, oft_nanos of,
                            oft_nanos *ret) OFT_MUSTCHECK;
/* The line AT, through the measures. */
enum oft_err commit_line(const struct commit_terms *terms, const struct ledger_settlement *it,
                         oft_instant at, oft_nanos *ret_line) OFT_MUSTCHECK;
/* What one more unit of counted spend is worth now. */
int64_t commit_value(const struct commit_terms *terms, const struct ledger_settlement *it,
                     const struct ledger_commitment_status *status);
const char *commit_state_name(enum ledger_commit_state state);

#endif
