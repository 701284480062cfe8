/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_ENGINE_PROGRAMMES_H
#define OFFTAKE_ENGINE_PROGRAMMES_H
/*
 * programmes -- the books of funding (ledger/fund.h) over the store. A part of engine.h, whose words hold.
 *
 * What somebody tells is posted in one transaction of the database with an event that has its actor, its
 * reference and the hash of what was asked, so that the same asked twice is done once.
 */
#include "engine/engine.h"

/* All programmes, or the one NAMED (else NULL), AT an instant of contract time or now (NULL); what is owed
 * by now is booked first. */
enum oft_err engine_programmes(struct engine *engine, const char *named, const oft_instant *at,
                               oft_instant now_ns, enum ledger_format format,
                               struct oft_buffer *out, struct oft_error *reterr) OFT_MUSTCHECK;

struct engine_fund_ask {
    enum ledger_series_kind kind; /* LEDGER_FUND_CALL, LEDGER_FUND_PAYMENT, LEDGER_FUND_DRAW */
    const char *programme;
    const char *funder; /* of a payment; else "" */
    const char *order;  /* of a draw; else "" */
    oft_nanos amount;
    oft_instant day; /* a call: due; a payment: when it was made; a draw: not said */
    const char *actor;
    const char *reference; /* the asker's own name for it */
};
/* JSON: {"what","programme","reference","by","at","transaction","again"} in OUT. OFT_ERR_CONFLICT: refused,
 * or the reference stands for something else already. */
enum oft_err engine_fund_tell(struct engine *engine, const struct engine_fund_ask *ask,
                              oft_instant now_ns, struct oft_buffer *out,
                              struct oft_error *reterr) OFT_MUSTCHECK;

#endif
