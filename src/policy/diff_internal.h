/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_POLICY_DIFF_INTERNAL_H
#define OFFTAKE_POLICY_DIFF_INTERNAL_H
/*
 * diff_internal -- the records of a comparison, made by diff.c, joined and printed by diff_print.c.
 * Private to src/policy.
 */
#include "policy/futures_internal.h"

enum { RECORDS_MAX = 200000, SETS_MAX = 64, DIFF_EVENTS_MAX = 6 };

/* What one deal says of a pool: a reason of the snapshot, or that the pool or the model is not in it. */
#define SAYS_NOTHING 0

struct side {
    uint16_t reason;    /* SAYS_NOTHING, or enum policy_reason */
    uint32_t place;     /* among the pools that are eligible in both; 0: not one of them */
    const char *clause; /* interned; "" when it says nothing */
};

struct record {
    oft_instant from, until;
    const char *product, *account, *pool;
    const char *model;
    struct side a, b;
    uint64_t sets;         /* bit per set of events in which it holds */
    struct oft_str models; /* joined */
    struct oft_str accounts;
};

struct event_name {
    const char *name;
    uint32_t a, b; /* DEAL_NONE where it is not open */
};

struct track;

/* An account of both deals, or none, as its kind in each. */
struct who {
    const char *name; /* of all that are treated like it: "none, acme, globex" */
    uint32_t account_a, account_b;
};

struct differ {
    const struct deal *deals[2];
    struct deal_attestations attested[2];
    struct oft_arena arena;
    struct oft_error *reterr;
    enum oft_err err;
    struct event_name events[2 * FUTURES_EVENTS_MAX];
    uint32_t event_count;
    struct who *who;
    uint32_t who_count;
    struct record *records;
    size_t count;
    uint32_t model_count; /* that either deal has */
    const char **interned;
    size_t interned_count;
    size_t interned_slots;
    uint64_t set_bit;
    /* Pools by name, and by index of each deal. */
    const char **pools;
    uint32_t pool_count;
    uint32_t *pool_of[2];
    struct track *tracks;
    uint64_t sets, decisions; /* looked at */
};

static inline bool says_eligible(uint16_t reason)
{
    return reason >= POLICY_ALLOWED_BY_POOL && reason <= POLICY_ALLOWED_BY_LICENSE;
}

/* One copy of each text, so that equal texts are equal pointers. */
const char *policy_diff_intern(struct differ *d, struct oft_str text);
void policy_diff_join_sets(struct differ *d);
void policy_diff_join_models(struct differ *d);
void policy_diff_join_accounts(struct differ *d);
void policy_diff_print(const struct differ *d, struct oft_buffer *out);
void policy_diff_print_json(const struct differ *d, struct oft_buffer *out);

#endif
