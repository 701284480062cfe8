/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DESK_POOLS_H
#define OFFTAKE_DESK_POOLS_H
/*
 * pools -- delivered capacity as deal text, and what it is paid by.
 *
 * What it is   An arrival that was delivered as a pool becomes a `pool` block of one more deal file,
 *              which is published beside the customer's own: from then on it is a pool like any other.
 * What it is not  It parses no deal: whether the lines mean something, the deal's own checker says. What
 *              is checked here is that an arrival writes one pool and nothing else.
 * Filled in    Region, accelerator and count from the order where the customer's lines do not say them;
 *              `reserved` when the order's price is flat; `available`, always, from the arrival to the
 *              end of the term.
 * May include  base.
 */
#include "desk/desk.h"

#define DESK_ORDERS_FILE "orders.deal"

/* The block of every arrival in STATE that has a pool, in order, behind a comment that says what wrote
 * it; nothing at all when there is none. Check OUT. OFT_ERR_INVALID as desk_pool_check. */
enum oft_err desk_pools_text(const struct desk_state *state, struct oft_buffer *out) OFT_MUSTCHECK;
/* The block of one arrival, which need not be in STATE yet; its order must be. */
enum oft_err desk_pool_text(const struct desk_state *state, const struct desk_arrival *arrival,
                            struct oft_buffer *out) OFT_MUSTCHECK;
/* OFT_ERR_INVALID, with what to change, unless ARRIVAL can be written as one pool and no more: its
 * name, its order's provider, region and accelerator are names, and its lines hold no brace. */
enum oft_err desk_pool_check(const struct desk_state *state, const struct desk_arrival *arrival,
                             struct oft_error *reterr) OFT_MUSTCHECK;

/* When what arrived is gone again: the need's months after the arrival, NEVER when none were said. */
oft_instant desk_arrival_end(const struct desk_state *state, const struct desk_arrival *arrival);

/* Is capacity of ORDER paid for by the unit's hour or month, used or not? Then RET_PRICE and RET_BY_MONTH (each
 * may be NULL) are the price of one and which. A price says what it is per: the need's own unit and an hour
 * ("gpu-hour", "MW-hour"), which is also what silence means (docs/desk.md), or a month ("MW-month"). Any
 * other is a price of use, and none of these. */
bool desk_order_flat(const struct desk_state *state, const struct desk_order *order,
                     oft_nanos *ret_price, bool *ret_by_month);

#endif
