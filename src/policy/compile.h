/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_POLICY_COMPILE_H
#define OFFTAKE_POLICY_COMPILE_H
/*
 * compile -- a checked deal, the keys and what the world has said so far become snapshot bytes.
 *
 * What it is   A pure function: the same inputs give the same bytes. It reads no secret, resolves no
 *              name and writes no file; engine/ does those.
 * Rules        docs/semantics.md. In short, for each regime, product and model, each pool that serves
 *              the model is a candidate. It is barred when its window is closed, when a clause in
 *              force makes the product exclusive to another provider, when the product belongs to
 *              another party and no licence covers it, or when its sale or cost could not be priced.
 *              Otherwise it is eligible, under the exclusive clause, the licence, or the pool itself.
 *              Order: reserved, then effective price, then the order of the deal file.
 * May include  base, deal.
 */
#include "deal/deal.h"
#include "policy/snapshot_fmt.h"

struct policy_key_input {
    uint8_t sha256[32];
    uint64_t key_id;
    const char *account;
    const char *product;
    struct deal_limits limits;
};

/* A host name resolved by the caller; looked up by (host, port). */
struct policy_resolved {
    const char *host;
    uint16_t port;
    uint32_t address_count;
    struct policy_address addresses[8];
};

struct policy_compile_input {
    const struct deal *deal;
    struct deal_attestations attested;
    uint64_t generation;
    int64_t compiled_ns;
    int64_t
        counted_from_ns; /* contract time: periods of budgets are known from here on; 0: compiled_ns */
    /* A row for each token; those of one key stand together. Keys of unknown accounts or products are left out. */
    const struct policy_key_input *keys;
    size_t key_count;
    const struct policy_resolved *resolved;
    size_t resolved_count;
    /* By clause index of the deal: what a unit of spend that the commitment counts saves now, in parts
     * per billion; below 0 when it costs more. NULL: nothing anywhere. */
    const int64_t *commitment_value_ppb;
    /* Days of the books' time zone for budgets: from day DAY_FIRST (since 1970-01-01) on, where each
     * begins. NULL: days are UTC's. Months are the deal's. */
    const oft_instant *day_begins;
    int64_t day_first;
    uint32_t day_count;
};

/* On OFT_OK the bytes are in OUT, 16-aligned as malloc gives. Keys left out are counted in
 * *ret_keys_left_out (may be NULL). */
enum oft_err policy_compile(const struct policy_compile_input *input, struct oft_buffer *out,
                            size_t *ret_keys_left_out, struct oft_error *reterr) OFT_MUSTCHECK;

struct policy_explain_question {
    struct oft_str product;
    struct oft_str model;
    struct oft_str account; /* empty: none */
    struct oft_str region;  /* empty: any */
    struct oft_str why_not; /* a pool to tell about and no other; empty: all */
    struct oft_str path;    /* "/v1/messages", "GET /v1/files/x"; empty: any path of the model */
    oft_instant at;
};

/* `offtake explain`: decides on compiled BYTES with the very function that the gateway uses, and
 * prints the eligible and barred pools, each with its clause, source and reason; JSON when asked.
 * OFT_ERR_NOT_FOUND (with a message that lists what there is) for an unknown name. */
enum oft_err policy_explain(const void *bytes, size_t length,
                            const struct policy_explain_question *question, bool json,
                            struct oft_buffer *out, struct oft_error *reterr) OFT_MUSTCHECK;

struct policy_view;
/* One line of `offtake explain --batch`: five fields with tabs between, answered in four
 * (docs/semantics.md). Never fails: what cannot be asked is answered with "error". */
void policy_explain_line(const struct policy_view *view, struct oft_str line,
                         struct oft_buffer *out);

/* "barred_by_exclusive" and the like. Static storage. */
const char *policy_reason_name(enum policy_reason reason);

#endif
