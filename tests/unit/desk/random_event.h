/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_TESTS_DESK_RANDOM_EVENT_H
#define OFFTAKE_TESTS_DESK_RANDOM_EVENT_H
/*
 * Random events with every part that the journal knows, and a comparison of two events member by member.
 * The events make no sense to the desk.
 */
#include "desk/journal.h"

struct dice {
    uint64_t state;
    struct oft_arena arena; /* what the events point to */
};
uint64_t roll(struct dice *dice);
struct desk_event random_event(struct dice *dice);

/* NULL when A and B say the same, the number apart; else the name of a member that differs. */
const char *event_difference(const struct desk_event *a, const struct desk_event *b);

#endif
