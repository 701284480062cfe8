/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_POLICY_FUTURES_H
#define OFFTAKE_POLICY_FUTURES_H
/*
 * futures -- questions about all of time and whatever may happen: `offtake prove` and `offtake diff`.
 *
 * What it is   What a deal decides at an instant depends on its events only through the set of those
 *              that have happened by then (docs/semantics.md). So all futures are covered by compiling
 *              the deal once for each set of the events that nobody has attested yet, and looking at
 *              every regime, kind of account, product, model and pool of each. Finite and exact.
 * Limits       At most FUTURES_EVENTS_MAX open events; more are an error, never a guess.
 * May include  base, deal.
 */
#include "deal/deal.h"

#define FUTURES_EVENTS_MAX 10

/*
 * Checks PROPERTY, prints the verdict, the smallest counterexample if there is one (fewest events,
 * then earliest, then first in the deal's order) and how much was covered.
 *
 *      never | always | only  PRODUCTS  [with MODELS]  [for account NAMES | for group NAMES]
 *          [on NAMES | in REGIONS | somewhere]  [before DATE] [from DATE] [during DATE..DATE]
 *
 * NAMES behind "on" are providers or pools. OFT_ERR_INVALID when PROPERTY does not parse or names
 * what the deal does not have.
 */
enum oft_err policy_prove(const struct deal *deal, struct deal_attestations attested,
                          struct oft_str property, bool json, struct oft_buffer *out,
                          bool *ret_holds, struct oft_error *reterr) OFT_MUSTCHECK;

/*
 * Prints where the decisions of A and B differ: for whom, when, and under which events. Products,
 * models, accounts, pools and events are matched by name. *ret_same tells that they nowhere do.
 */
enum oft_err policy_diff(const struct deal *a, struct deal_attestations attested_a,
                         const struct deal *b, struct deal_attestations attested_b, bool json,
                         struct oft_buffer *out, bool *ret_same,
                         struct oft_error *reterr) OFT_MUSTCHECK;

#endif
