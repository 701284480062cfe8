/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_LEDGER_FUND_INTERNAL_H
#define OFFTAKE_LEDGER_FUND_INTERNAL_H
/* What the files of funding share. */
#include "ledger/fund.h"
#include "ledger/internal.h"

bool ledger_fund_kind(enum ledger_series_kind kind);
/* Whether a row is of a call that the deal's text has. */
bool ledger_fund_is_written(const struct ledger_series_key *key);
/* 2 of "call-2"; false when the row's name is none of ours. */
bool ledger_fund_number(const struct ledger_series_key *key, uint32_t *ret_number);

#endif
