/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DESK_VIEW_H
#define OFFTAKE_DESK_VIEW_H
/*
 * view -- the desk as somebody may see it, as JSON.
 *
 * Who sees what   The customer everything. A holder its own notices (with the lot, the noticed terms, the
 *                 windows and its own answers), its orders, and nothing of the third party but what the
 *                 right discloses: nothing, all its terms, or its name too. A third party its own offers and
 *                 its orders, and whether an offer may be signed; never a notice or a holder. Nobody but the customer sees a
 *                 need's ceiling. Amounts and instants are texts, exact.
 * May include     base, desk.
 */
#include "desk/desk.h"

/* VIEWER id 0, or the customer's: everything. At the state's clock. */
enum desk_list {
    DESK_LIST_NEEDS,
    DESK_LIST_OFFERS,
    DESK_LIST_LOTS,
    DESK_LIST_NOTICES,
    DESK_LIST_ORDERS,
    DESK_LIST_RIGHTS
};
/* {"at": ..., "needs": [...]}: one list. */
void desk_view_list(const struct desk_state *state, enum desk_list list, uint64_t viewer,
                    struct oft_buffer *out);
/* The whole desk: what is due, by whom, by when, first; then the open procedures, each with the dates
 * that a timeline is drawn from; and counts. {"at", "next_due", "due": [{"what", "who", "by", "lot", "notice",
 * "order", "clause", "text"}], "procedures": [{"need", "offer", "clause", "lots": [{"lot", "state", "quantity", "since",
 * "deadline", "spans": [{"what", "from", "until"}]}]}], "orders": [...], "flags": [...]} */
void desk_view(const struct desk_state *state, uint64_t viewer, struct oft_buffer *out);
/* One thing by its reference ("notice-2"), with all that VIEWER may know; OFT_ERR_NOT_FOUND also when it
 * may know nothing of it. */
enum oft_err desk_view_one(const struct desk_state *state, const char *reference, uint64_t viewer,
                           struct oft_buffer *out) OFT_MUSTCHECK;
/* May VIEWER know of this event? */
bool desk_view_event(const struct desk_state *state, const struct desk_event *event,
                     uint64_t viewer);

#endif
