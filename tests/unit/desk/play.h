/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_TESTS_DESK_PLAY_H
#define OFFTAKE_TESTS_DESK_PLAY_H
/*
 * A small stage for the desk: one customer ("buyer"), two holders ("first", "second"), two sellers
 * ("oracle", "core"), rights with windows in hours, and one line an act. Instants are hours.
 */
#include "desk/desk.h"

#define HOUR INT64_C(3600000000000)

struct play {
    struct desk_state *state;
    struct oft_arena arena;
    struct desk_refusal refusal;
    uint64_t number;
    oft_instant at; /* of the next act */
    const char *actor, *text;
    oft_instant happened; /* NEVER: the same */
};

void play_begin(struct play *play); /* the customer is told */
void play_end(struct play *play);   /* asserts soundness */

/* A right of "first" with windows of 10 hours to respond, 5 to sign, 20 of free sale. In the arena; may
 * be changed before it is given to play_right. */
struct desk_right *play_right_new(struct play *play, const char *clause);
void play_holder(struct play *play, struct desk_right *right, const char *party, uint32_t rank);
struct desk_window play_hours(uint32_t hours);
void play_right(struct play *play, const struct desk_right *right);

struct desk_terms play_price(struct play *play, int64_t dollars);
/* Each returns the index of what it made; the act must be accepted. */
uint32_t play_need(struct play *play, uint64_t quantity);
uint32_t play_offer(struct play *play, uint32_t need, const char *seller, uint64_t quantity,
                    int64_t dollars);

/* Applies; the code. OFT_OK unless refused, then play->refusal tells. */
enum oft_err play_apply(struct play *play, struct desk_event *event);
enum oft_err play_on_lot(struct play *play, enum desk_event_kind kind, uint32_t lot);
enum oft_err play_on_notice(struct play *play, enum desk_event_kind kind, uint32_t notice,
                            uint64_t quantity);
enum oft_err play_sign_offer(struct play *play, uint32_t offer, uint64_t quantity,
                             struct desk_terms terms);
void play_wait(struct play *play, oft_instant until); /* sets `at` and advances */

/* The state's lots as text: "READY 8, FREE 2". Static storage of the play. */
const char *play_lots(struct play *play);

#endif
