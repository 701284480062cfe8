/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_ENGINE_VERIFY_INTERNAL_H
#define OFFTAKE_ENGINE_VERIFY_INTERNAL_H
/*
 * verify_internal -- what the files of `ledger verify` share: verify_journal.c walks the journal and adds
 * up, verify.c holds the sums against what the books say and prints the report.
 */
#include "engine/desk_internal.h"
#include "engine/papers.h"

enum { FAILURES_SHOWN = 20 };

/* What the journal comes to for one account, series or segment. */
struct tally_item {
    char name[1024];
    oft_nanos amount;
    struct ledger_totals totals;
    uint32_t next;
};

/* Sums by name, in a search tree of the C library. */
struct tally {
    void *root;
    size_t count;
};

struct verification {
    struct engine *engine;
    struct tally accounts, series, segments;
    struct tally unsettled; /* requests by the orphan rule, by transaction */
    uint8_t previous[32];
    uint64_t next_number;
    uint64_t transactions, entries, changes, intents, failures;
    size_t deals;
    size_t attestations, orphans;
    uint64_t orphans_from; /* transactions up to it kept no records of the orphan rule */
    uint64_t desk_events, statements, corrections;
    int32_t closed_until; /* months before it are closed by now */
    char failure_text[FAILURES_SHOWN][256];
};

/* One more finding, in words that name what it is about. */
void verify_fail(struct verification *verification, const char *format, ...) OFT_PRINTF(2, 3);
/* The item of NAME, made when it is not there; NULL when memory is out. */
struct tally_item *tally_find(struct tally *tally, const char *name);
/* A series' key as one text. */
void verify_series_name(const struct ledger_series_key *key, char *out, size_t size);
/* Takes the next transaction of the journal; CONTEXT is the verification. */
enum oft_err verify_transaction(void *context, const struct store_transaction *row,
                                struct oft_error *reterr) OFT_MUSTCHECK;

#endif
