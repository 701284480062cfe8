/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_STORE_LIMITS_H
#define OFFTAKE_STORE_LIMITS_H
/*
 * limits -- rows of the limits of keys, and of what budgets counted of booked requests.
 *
 * As store.h in everything else.
 */
#include "store/store.h"

enum store_spent_subject {
    STORE_SPENT_KEY = 1,
    STORE_SPENT_ACCOUNT,
    STORE_SPENT_PRODUCT,
    STORE_SPENT_POOL,
};

/* NANOS were counted of SUBJECT's ID (as records carry it) in a day or a month of the books. */
struct store_spent {
    enum store_spent_subject subject;
    uint64_t id;
    enum deal_budget_period period;
    int64_t number;
    int64_t nanos;
};
/* Adds to the row, or makes it. */
enum oft_err store_spent_add(struct store *store, const struct store_spent *spent,
                             struct oft_error *reterr) OFT_MUSTCHECK;
/* Fills in NANOS by the rest of SPENT; 0 when nothing was counted. */
enum oft_err store_spent_get(struct store *store, struct store_spent *spent,
                             struct oft_error *reterr) OFT_MUSTCHECK;

/* Takes the place of what KEY_ID's limits were. */
enum oft_err store_key_limits_put(struct store *store, uint64_t key_id,
                                  const struct deal_limits *limits,
                                  struct oft_error *reterr) OFT_MUSTCHECK;
/* KEY_ID, which must be in use, has the token of SHA256 from now on. The one it had is good until UNTIL (0: no longer).
 * OFT_ERR_NOT_FOUND when there is no such key in use. */
enum oft_err store_key_rotate(struct store *store, uint64_t key_id, const uint8_t sha256[32],
                              oft_instant until_ns, struct oft_error *reterr) OFT_MUSTCHECK;
/* Forgets tokens that were good until NOW or before. */
enum oft_err store_former_tokens_end(struct store *store, oft_instant now_ns,
                                     struct oft_error *reterr) OFT_MUSTCHECK;

#endif
