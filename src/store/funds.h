/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_STORE_FUNDS_H
#define OFFTAKE_STORE_FUNDS_H
/* What was told of funding programmes, by its reference. A part of store/store.h, whose words hold. */
#include "store/periods.h"

/* The event of a call, a payment or a draw about REFERENCE; *RET_FOUND tells whether there is one. */
enum oft_err store_fund_event(struct store *store, const char *reference,
                              struct store_event *ret_event, bool *ret_found,
                              struct oft_error *reterr) OFT_MUSTCHECK;

#endif
