/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_POLICY_LINT_H
#define OFFTAKE_POLICY_LINT_H
/*
 * lint -- what only the decisions can tell of a deal: products that may run nowhere for a while.
 *
 * What it is   Adds warnings and notes to the diagnostics of a deal that parsed and checked well.
 * May include  base, deal.
 */
#include "deal/deal.h"

/* Adds OFT0074 for each product, kind of account and stretch of time in which no pool may run it.
 * NULL attestations: nothing has happened. OFT_ERR_LIMIT when the deal does not compile. */
enum oft_err policy_lint(const struct deal *deal, struct deal_diagnostics *diagnostics,
                         struct oft_error *reterr) OFT_MUSTCHECK;

#endif
