/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DESK_RIGHT_OF_H
#define OFFTAKE_DESK_RIGHT_OF_H
/*
 * right_of -- from the clauses of a deal to the rights that the desk reckons with.
 *
 * The one file of the desk that knows deals. First refusal and first offer clauses become rights, and so
 * do exclusives (a clause that holds only for accounts that came through a surface binds no capacity and
 * is left out). Ends by date, by attested event, by supersession and by the agreement are worked out here.
 */
#include "deal/deal.h"
#include "desk/journal.h"

/* The rights of DEAL, in the order of its clauses, in ARENA. */
enum oft_err desk_rights_of(const struct deal *deal, struct deal_attestations attested,
                            struct oft_arena *arena, struct desk_right **ret_rights,
                            uint32_t *ret_count) OFT_MUSTCHECK;
/* Whether two readings of one right say the same; if so, the journal needs no new event. */
bool desk_right_equal(const struct desk_right *a, const struct desk_right *b);

#endif
