/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_POLICY_FUTURES_INTERNAL_H
#define OFFTAKE_POLICY_FUTURES_INTERNAL_H
/*
 * futures_internal -- a deal compiled under one set of events. Private to src/policy.
 */
#include "policy/compile_internal.h"
#include "policy/decide.h"
#include "policy/futures.h"

/* Events that nobody has attested and that some end or condition waits for. */
struct policy_open_events {
    uint32_t items[FUTURES_EVENTS_MAX];
    uint32_t count;
};
enum oft_err policy_open_events(const struct deal *deal, struct deal_attestations attested,
                                struct policy_open_events *ret_events,
                                struct oft_error *reterr) OFT_MUSTCHECK;

/* DEAL as it decides when ATTESTED and, besides, the events of HAPPENED have happened since ever. */
struct policy_future {
    const struct deal *deal;
    struct oft_buffer bytes;
    struct policy_view view;
    struct oft_arena arena;
    struct policy_kinds kinds;
};
enum oft_err policy_future_make(struct policy_future *future, const struct deal *deal,
                                struct deal_attestations attested, const uint32_t *happened,
                                uint32_t happened_count, struct oft_error *reterr) OFT_MUSTCHECK;
void policy_future_release(struct policy_future *future);

/* The decision of a regime, kind, product and model: indices of the view. */
const struct policy_decision *policy_future_decision(const struct policy_future *future,
                                                     uint32_t regime, uint32_t kind,
                                                     uint32_t product, uint32_t model);

/* Words: blanks and commas part them; a comma is a word. For properties. */
struct oft_str policy_next_word(struct oft_str *text);

#endif
