/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_POLICY_DECIDE_H
#define OFFTAKE_POLICY_DECIDE_H
/*
 * decide -- the one decision function, used by the gateway, `offtake explain`, replay and tests.
 * Edge: no allocation, no system call, no clock, no abort.
 *
 * What it is   policy_open checks bytes once and makes a view of them; the look-ups then trust it.
 *              policy_decide answers (instant, account, product, model, pool health) with pools in
 *              order.
 * Ownership    The view points into bytes that the caller keeps mapped for as long as it is used.
 * Threads      A view is read-only after policy_open.
 */
#include "base/limits.h"
#include "policy/paths.h"
#include "policy/pools.h"
#include "policy/snapshot_fmt.h"

struct policy_view {
    const uint8_t *bytes;
    const struct policy_header *header;
    const struct policy_regime *regimes;
    const uint32_t *rows;
    const struct policy_decision *decisions;
    const struct policy_candidate *candidates;
    const struct policy_name *products;
    const struct policy_name *models;
    const struct policy_account *accounts;
    const struct policy_pool *pools;
    const struct policy_endpoint *endpoints;
    const struct policy_clause *clauses;
    const struct policy_key *key_slots;
    const struct policy_limit *limits;
    const uint32_t *limit_of;
    const struct policy_ceiling *ceilings;
    const struct policy_price *prices;
    const struct policy_price_span *price_of;
    const uint32_t *outputs;
    const struct policy_period *days, *months;
    const struct policy_credential *credentials;
    const struct policy_pass *passes;
    const char *strings;
    uint32_t regime_count, kind_count, row_count, decision_count, candidate_count, product_count,
        model_count;
    uint32_t account_count, pool_count, endpoint_count, clause_count;
    uint32_t limit_count, ceiling_count, price_count, day_count, month_count;
    uint32_t credential_count, pass_count;
    uint64_t key_slot_count;
};

/* Validates LENGTH bytes in full (magic, version, checksum, every offset, index, order and string
 * terminator) and fills VIEW. Hostile bytes are OFT_ERR_CORRUPT or OFT_ERR_VERSION, never a crash.
 * BYTES must be 16-aligned. */
enum oft_err policy_open(struct policy_view *view, const void *bytes, size_t length,
                         struct oft_error *reterr) OFT_MUSTCHECK;

struct oft_str policy_text(const struct policy_view *view, struct policy_text text);

/* The key whose SHA-256 this is, or NULL. The comparison takes the same time for every wrong key
 * that meets the same slots. */
const struct policy_key *policy_find_key(const struct policy_view *view, const uint8_t sha256[32]);
/* Index of a name in its section, or POLICY_NONE. Models by binary search. */
uint32_t policy_find_model(const struct policy_view *view, struct oft_str name);
uint32_t policy_find_product(const struct policy_view *view, struct oft_str name);
uint32_t policy_find_account(const struct policy_view *view, struct oft_str name);
uint32_t policy_find_pool(const struct policy_view *view, struct oft_str name);
/* Does the deal let this path pass under PRODUCT, though the gateway does not know it? */
bool policy_passes(const struct policy_view *view, uint32_t product, const char *uri,
                   size_t length);
/* What is paid for a product's requests, or owed for an endpoint's, at INSTANT; NULL: nothing. MODEL
 * may be POLICY_NONE: the request names none, and the price of "*" is its own. */
const struct policy_price *policy_find_sale(const struct policy_view *view, uint32_t product,
                                            uint32_t model, int64_t instant_ns);
const struct policy_price *policy_find_cost(const struct policy_view *view, uint32_t endpoint,
                                            int64_t instant_ns);
/* What is owed for a request at POOL that names no model. */
const struct policy_price *policy_find_bare_cost(const struct policy_view *view, uint32_t pool,
                                                 int64_t instant_ns);
/* Units at PRICE (NULL: 0), rounded up; INT64_MAX when it is more. UNITS as in a usage record. */
int64_t policy_amount_nanos(const struct policy_price *price, const uint64_t units[7]);
/* What INPUT and OUTPUT tokens cost at most, whichever of their classes they turn out to be of. */
int64_t policy_promise_nanos(const struct policy_price *price, uint64_t input, uint64_t output);
/* The number of the day or month of the books that INSTANT is of. */
int64_t policy_period_number(const struct policy_period *periods, uint32_t count,
                             int64_t instant_ns);
/* Limits of a product, an account, a pool: an index, or POLICY_NONE. */
uint32_t policy_limit_of_product(const struct policy_view *view, uint32_t product);
uint32_t policy_limit_of_account(const struct policy_view *view, uint32_t account);
uint32_t policy_limit_of_pool(const struct policy_view *view, uint32_t pool);
/* Index of the regime that holds at INSTANT. */
uint32_t policy_find_regime(const struct policy_view *view, int64_t instant_ns);

struct policy_query {
    int64_t instant_ns; /* decides the regime */
    int64_t now_ns;     /* for the state of pools only */
    uint32_t product;
    uint32_t model;
    uint32_t account;   /* POLICY_NONE: none */
    bool with_barred;   /* list the barred ones too */
    const char *region; /* NULL or "": any; else only pools of this region are eligible */
    /* How the pools are doing (policy/pools.h): NULL, all are up and none is loaded; else a slot, or
     * NULL, for each pool index, in POOL_PAGE. DICE, below POOL_DICE, is the request's own. */
    struct pool_slot *const *pools;
    const struct pool_page *pool_page;
    uint32_t dice;
    uint32_t speaks;     /* 0: any; else a bit for each kind of endpoint that may be eligible */
    uint32_t only_pool;  /* 0: any; else this pool alone, as its index plus one */
    bool home;           /* without a model: the first pool in the deal's order alone */
    struct oft_str path; /* for explanations only */
};

struct policy_choice {
    const struct policy_candidate *candidate;
    enum policy_reason reason; /* the candidate's, or POLICY_BARRED_BY_REGION, .._BY_KIND */
    bool down;                 /* eligible, but cooling down or without an address */
};

struct policy_answer {
    uint32_t regime;
    /* choices[0..eligible_count): those that are up, then those that come back and do not want this
     * request, then those that are down; each group in order, and equal ones by their load; as many as
     * there was room for, the best of them. */
    uint32_t eligible_count;
    uint32_t up_count;       /* of those, the ones not down */
    uint32_t barred_count;   /* choices[eligible_count..eligible_count + barred_count) */
    uint32_t refusal_clause; /* index to name in a 403, POLICY_NONE when no pool serves the model */
    bool unspoken;           /* nothing is eligible, and a pool would be if it spoke the dialect */
    struct policy_choice *choices; /* the caller's */
};

/* Product, model and account must be indices of VIEW. Deny wins: a pool is eligible only if the
 * snapshot says so for this very regime and kind of account. CHOICES has room for CHOICE_MAX, at
 * least 1; the work grows with what fits in it, not with the number of pools. */
void policy_decide(const struct policy_view *view, const struct policy_query *query,
                   struct policy_choice *choices, uint32_t choice_max,
                   struct policy_answer *ret_answer);

/* The same for a request that names no model: the pools that serve any model under QUERY's product,
 * in the order of the deal, each once. The model of QUERY is not looked at. */
void policy_decide_bare(const struct policy_view *view, const struct policy_query *query,
                        struct policy_choice *choices, uint32_t choice_max,
                        struct policy_answer *ret_answer);

/* "exclusive to another provider" and the like. Static storage. */
const char *policy_reason_text(enum policy_reason reason);

#endif
