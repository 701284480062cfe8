/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DESK_INTERNAL_H
#define OFFTAKE_DESK_INTERNAL_H
/*
 * What the files of the fold share. Private to desk/.
 *
 * Order of work   fold.c takes an event and lets time pass; needs.c, rights.c, notices.c, sign.c and orders.c
 *                 know what an event means; lots.c, rounds.c and passing.c change lots; reach.c and terms.c are questions;
 *                 rows.c keeps the rows and the heap.
 * Refusing        An event's handler checks first and changes after: once it changes something it can no
 *                 longer refuse, and a fault (memory) makes the state unusable.
 */
#include "desk/desk.h"

/* A mistake made on purpose, for the test that the simulator finds it: BAD instead of GOOD when mutant
 * NUMBER is chosen. Outside of that test GOOD, and nothing is left of it. */
#ifdef DESK_MUTATIONS
extern unsigned desk_mutant;
#define DESK_MUTANT(number, good, bad) (desk_mutant == (number) ? (bad) : (good))
#else
#define DESK_MUTANT(number, good, bad) (good)
#endif

struct desk_right_row {
    struct desk_right right;                      /* as the event said it */
    struct desk_holder holders[DESK_HOLDERS_MAX]; /* after assignments */
    oft_instant exhausted;                        /* NEVER */
    oft_instant control;                          /* ended by a change of control; NEVER */
};

struct desk_assignment {
    uint64_t clause;
    uint64_t from;
    struct desk_name to;
};

struct desk_default {
    uint64_t party;
    oft_instant at, cured; /* NEVER while not cured */
    uint32_t before;       /* the one before of the same party, or DESK_NONE */
};
struct desk_party_row {
    uint64_t id;
    uint32_t last_default;
};

struct desk_affirmed_row {
    struct desk_names names;
    uint32_t before; /* of the same offer, or DESK_NONE */
};

struct desk_rows {
    void *items;
    uint32_t count, capacity, item_bytes;
};

struct desk_calendar_row {
    uint64_t id;
    const struct oft_calendar *calendar; /* one of the two is set */
    const struct oft_zone *zone;
};

/* Needs of the same product, accelerator and region, newest first by `before`. */
struct desk_kind_slot {
    uint64_t key; /* 0: free */
    uint32_t newest;
};

/* A place in the heap. The instant is its row's own, here so that comparing touches no row. */
struct desk_timer {
    oft_instant due;
    uint32_t timer; /* a lot, or an order with DESK_TIMER_ORDER */
};

struct desk_state {
    oft_instant clock;
    bool begun; /* the clock was set */
    uint64_t events;
    struct desk_name customer;
    struct desk_rows needs, offers, lots, notices, orders, arrivals, rights, assignments, defaults,
        parties, calendars, affirmed;
    struct desk_rows heap; /* struct desk_timer */
    struct desk_kind_slot *kinds;
    uint32_t kind_capacity, kind_count;
    struct oft_arena arena; /* merged terms */
    desk_effect_fn watch;
    void *watch_context;
    uint64_t cause; /* the event being taken; 0 while time passes */
    bool broken;    /* a fault happened: memory */
    bool asking;    /* a copy made to find the earliest instant: it finds none itself */
};

#define DESK_TIMER_ORDER 0x80000000u
/* desk_word("price").id, which screening asks for at every turn. */
#define DESK_WORD_PRICE UINT64_C(0x79fe2cfbdba248aa)

/* ---- rows.c ---------------------------------------------------------------------------------- */

#define DESK_ROW(state, rows, type, index) (&((type *)(state)->rows.items)[index])
#define DESK_LOT(state, index)             DESK_ROW(state, lots, struct desk_lot, index)
#define DESK_NOTICE(state, index)          DESK_ROW(state, notices, struct desk_notice, index)
#define DESK_NEED(state, index)            DESK_ROW(state, needs, struct desk_need_row, index)
#define DESK_OFFER(state, index)           DESK_ROW(state, offers, struct desk_offer_row, index)
#define DESK_ORDER(state, index)           DESK_ROW(state, orders, struct desk_order, index)
#define DESK_RIGHT(state, index)           DESK_ROW(state, rights, struct desk_right_row, index)

/* A new zeroed row; its index in *ret_index (may be NULL). NULL: out of memory; the state is broken.
 * Pointers to rows of the same kind are void after it. */
void *desk_row_add(struct desk_state *state, struct desk_rows *rows, uint32_t *ret_index);

/* The heap: puts the timer in, moves it, or takes it out (NEVER), as `due` of its row says. */
void desk_timer_set(struct desk_state *state, uint32_t timer, oft_instant due);
uint32_t desk_timer_first(const struct desk_state *state); /* DESK_NONE */

/* ---- changing states: lots.c, rounds.c, passing.c ---------------------------------------------------------------- */

static inline oft_instant desk_later(oft_instant a, oft_instant b)
{
    return a > b ? a : b;
}
void desk_tell(struct desk_state *state, enum desk_effect_kind kind, uint32_t index, uint8_t now,
               oft_instant at);
void desk_lot_enter(struct desk_state *state, uint32_t lot, enum desk_lot_state to,
                    enum desk_why why, oft_instant at);
void desk_notice_enter(struct desk_state *state, uint32_t notice, enum desk_notice_state to,
                       oft_instant at);
/* Works out again when time alone changes the lot. */
void desk_lot_reckon(struct desk_state *state, uint32_t lot);
/* What time brings at the lot's due instant. */
void desk_lot_pass(struct desk_state *state, uint32_t lot);
/* Makes the first lot of a procedure and screens it. */
void desk_screen(struct desk_state *state, uint32_t right, uint32_t need, uint32_t offer,
                 oft_instant at);
/* What of the opportunity is neither signed by a holder nor sold under RIGHT. */
uint64_t desk_unplaced(const struct desk_state *state, uint32_t right, uint32_t need,
                       uint32_t offer);
/* From DRAFT, if what was missing is there. */
void desk_screen_again(struct desk_state *state, uint32_t lot, oft_instant at);
/* The first round, or the next after `rank`; FREE for WHY when there is none. */
void desk_round_begin(struct desk_state *state, uint32_t lot, uint32_t after_rank,
                      enum desk_why why, oft_instant at);
/* Withdraws the round's notices that are not answered. */
void desk_round_void(struct desk_state *state, uint32_t lot, oft_instant at);
void desk_lot_free(struct desk_state *state, uint32_t lot, enum desk_why why, oft_instant at);
/* A new lot of QUANTITY taken off LOT, the same in all else; DESK_NONE when memory is out. */
uint32_t desk_lot_split(struct desk_state *state, uint32_t lot, uint64_t quantity);
/* The share of QUANTITY that is REQUEST of all REQUESTS, by largest remainder. COUNT of them. */
void desk_share_out(uint64_t quantity, const uint64_t *requests, uint64_t *ret_shares,
                    uint32_t count);
/* READY, NOTICED, OPEN. */
bool desk_in_round(const struct desk_lot *lot);
/* The state that the round's notices make of the lot. */
void desk_round_resolve(struct desk_state *state, uint32_t lot, oft_instant at);
/* Shares out what is left and was asked for; the rest goes on. */
void desk_over_close(struct desk_state *state, uint32_t lot, oft_instant at);
/* When a window of the lot's right that begins at AT ends: unsaid, with the opportunity; where the
 * calendar does not know the days, at once. */
oft_instant desk_window_or_end(const struct desk_state *state, const struct desk_lot *lot,
                               enum desk_window_kind kind, oft_instant at);
/* When the opportunity of the lot ends, reckoned from AT: what silence is bounded by. */
oft_instant desk_opportunity_end(const struct desk_state *state, const struct desk_lot *lot,
                                 oft_instant at);
/* The terms that a notice of the lot would state now. */
struct desk_terms desk_terms_now(const struct desk_state *state, const struct desk_lot *lot);

/* Answers to a notice that may be given, checked by the handler. */
void desk_answer_elect(struct desk_state *state, uint32_t notice, uint64_t quantity,
                       oft_instant at);
void desk_answer_decline(struct desk_state *state, uint32_t notice, oft_instant at);
void desk_answer_object(struct desk_state *state, uint32_t notice, oft_instant at);
/* May the holder of NOTICE still ask for more in its lot's over-allotment round? */
bool desk_over_may(const struct desk_state *state, uint32_t notice);
void desk_over_answer(struct desk_state *state, uint32_t notice, uint64_t quantity, oft_instant at);
/* The notice was delivered; its windows are reckoned already. */
void desk_notice_open(struct desk_state *state, uint32_t notice, oft_instant delivered);

/* ---- rights.c -------------------------------------------------------------------------------- */

/* WINDOW from START; false when a calendar does not know the years, or the instant is out of range. */
bool desk_window_end(const struct desk_state *state, const struct desk_window *window,
                     oft_instant start, oft_instant *ret);
oft_instant desk_right_until(const struct desk_right_row *row, enum desk_right_end *ret_end);
bool desk_right_in_force(const struct desk_right_row *row, oft_instant at);
bool desk_right_exhausted(const struct desk_right_row *row, oft_instant at);
bool desk_is_holder(const struct desk_right_row *row, uint64_t party);
bool desk_standing(const struct desk_state *state, const struct desk_right_row *row, uint64_t party,
                   oft_instant at);
void desk_default_add(struct desk_state *state, uint64_t party, oft_instant at);

/* ---- reach.c --------------------------------------------------------------------------------- */

/* Does RIGHT reach the opportunity? OFFER: DESK_NONE under a first offer. *RET_FLAGS gets the flags
 * that its lots carry. */
bool desk_reaches(const struct desk_state *state, const struct desk_right *right, uint32_t need,
                  uint32_t offer, unsigned *ret_flags);
/* The exclusive in force at AT that bars PROVIDER (id 0: any) for NEED; DESK_NONE when none does. */
uint32_t desk_barred_by(const struct desk_state *state, const struct desk_need *need,
                        uint64_t provider, oft_instant at);
/* Enters NEED (the newest) among those of its kind. */
void desk_kind_enter(struct desk_state *state, uint32_t need);

/* ---- terms.c --------------------------------------------------------------------------------- */

/* No compared field stands between TERMS and NOTICED: they are the same or better for the customer. */
bool desk_conforms(const struct desk_right *right, struct desk_terms noticed,
                   struct desk_terms terms, const char **ret_field);
/* Something differs, and all that does is worse for the customer. */
bool desk_favours_other(const struct desk_right *right, struct desk_terms noticed,
                        struct desk_terms terms);
bool desk_terms_equal(struct desk_terms a, struct desk_terms b);

/* ---- handlers -------------------------------------------------------------------------------- */

/* Fills the refusal; always OFT_ERR_DENIED. CLAUSE may be NULL. */
enum oft_err desk_refuse(struct desk_refusal *refusal, enum desk_refusal_code code,
                         unsigned property, const char *clause, const char *format, ...)
    OFT_PRINTF(5, 6);

typedef enum oft_err (*desk_handler)(struct desk_state *state, const struct desk_event *event,
                                     struct desk_refusal *refusal);
enum oft_err desk_on_customer(struct desk_state *, const struct desk_event *,
                              struct desk_refusal *);
enum oft_err desk_on_calendar(struct desk_state *, const struct desk_event *,
                              struct desk_refusal *);
enum oft_err desk_on_right(struct desk_state *, const struct desk_event *, struct desk_refusal *);
enum oft_err desk_on_need_opened(struct desk_state *, const struct desk_event *,
                                 struct desk_refusal *);
enum oft_err desk_on_need_withdrawn(struct desk_state *, const struct desk_event *,
                                    struct desk_refusal *);
enum oft_err desk_on_offer_added(struct desk_state *, const struct desk_event *,
                                 struct desk_refusal *);
enum oft_err desk_on_offer_changed(struct desk_state *, const struct desk_event *,
                                   struct desk_refusal *);
enum oft_err desk_on_offer_affirmed(struct desk_state *, const struct desk_event *,
                                    struct desk_refusal *);
enum oft_err desk_on_offer_withdrawn(struct desk_state *, const struct desk_event *,
                                     struct desk_refusal *);
enum oft_err desk_on_screened(struct desk_state *, const struct desk_event *,
                              struct desk_refusal *);
enum oft_err desk_on_exempted(struct desk_state *, const struct desk_event *,
                              struct desk_refusal *);
enum oft_err desk_on_notice_sent(struct desk_state *, const struct desk_event *,
                                 struct desk_refusal *);
enum oft_err desk_on_notice_delivered(struct desk_state *, const struct desk_event *,
                                      struct desk_refusal *);
enum oft_err desk_on_notice_objected(struct desk_state *, const struct desk_event *,
                                     struct desk_refusal *);
enum oft_err desk_on_elected(struct desk_state *, const struct desk_event *, struct desk_refusal *);
enum oft_err desk_on_declined(struct desk_state *, const struct desk_event *,
                              struct desk_refusal *);
enum oft_err desk_on_countered(struct desk_state *, const struct desk_event *,
                               struct desk_refusal *);
enum oft_err desk_on_tendered(struct desk_state *, const struct desk_event *,
                              struct desk_refusal *);
enum oft_err desk_on_signed(struct desk_state *, const struct desk_event *, struct desk_refusal *);
enum oft_err desk_on_settled(struct desk_state *, const struct desk_event *, struct desk_refusal *);
enum oft_err desk_on_delivered(struct desk_state *, const struct desk_event *,
                               struct desk_refusal *);
enum oft_err desk_on_defaulted(struct desk_state *, const struct desk_event *,
                               struct desk_refusal *);
enum oft_err desk_on_cured(struct desk_state *, const struct desk_event *, struct desk_refusal *);
enum oft_err desk_on_assigned(struct desk_state *, const struct desk_event *,
                              struct desk_refusal *);
enum oft_err desk_on_control_changed(struct desk_state *, const struct desk_event *,
                                     struct desk_refusal *);
/* What time brings to an order at its due instant. */
void desk_order_pass(struct desk_state *state, uint32_t order);

/* ---- checks that many handlers share: fold.c --------------------------------------------------- */

/* The act is PARTY's: it does it itself, or the customer records it. PROOF: the customer must then
 * say how it knows. */
enum oft_err desk_check_actor(const struct desk_state *state, const struct desk_event *event,
                              struct desk_name party, bool proof, struct desk_refusal *refusal);
enum oft_err desk_check_customer(const struct desk_state *state, const struct desk_event *event,
                                 struct desk_refusal *refusal);
/* The row that the event refers to is there. */
enum oft_err desk_check_reference(uint32_t index, uint32_t count, const char *what,
                                  struct desk_refusal *refusal);

#endif
