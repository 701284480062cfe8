/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_ENGINE_SHARES_H
#define OFFTAKE_ENGINE_SHARES_H
/*
 * shares -- revenue shares as they stand, and what somebody tells of them: deductions and payments. A part
 * of engine.h, whose words hold.
 *
 * What is told is a line of the books and an event in their chain, in one transaction, under a reference: the
 * same again is answered as done, and something else under it is a conflict.
 */
#include "engine/engine.h"

/* Text, JSON or CSV of all shares as of AT, an instant of contract time, or of now when it is NULL. With NULL
 * what is owed by now is booked first. */
enum oft_err engine_shares(struct engine *engine, const oft_instant *at, oft_instant now_ns,
                           enum ledger_format format, struct oft_buffer *out,
                           struct oft_error *reterr) OFT_MUSTCHECK;

struct engine_told {
    const char *name;      /* a deduction's, or a share's clause */
    const char *detail;    /* the product, "" for all; or the period, "2026-Q2" */
    const char *when;      /* the month, "2026-04"; or the day of payment, "" for today */
    const char *amount;    /* "1000.50" */
    const char *actor;     /* who says so */
    const char *reference; /* at most 63 bytes; "" for none */
};
/* JSON of what was booked in OUT: {"what","name","of","at","amount","reference","booked"}; booked is
 * false when it was already. OFT_ERR_INVALID, OFT_ERR_NOT_FOUND or OFT_ERR_CONFLICT with words. */
enum oft_err engine_deduct(struct engine *engine, const struct engine_told *told,
                           oft_instant now_ns, struct oft_buffer *out,
                           struct oft_error *reterr) OFT_MUSTCHECK;
enum oft_err engine_share_paid(struct engine *engine, const struct engine_told *told,
                               oft_instant now_ns, struct oft_buffer *out,
                               struct oft_error *reterr) OFT_MUSTCHECK;

#endif
