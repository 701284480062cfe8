/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_SIMULATOR_MODEL_H
#define OFFTAKE_SIMULATOR_MODEL_H
/*
 * model -- a second reading of docs/desk.md, written from that page alone.
 *
 * What it is   The slow and plain way: rows in fixed tables, no timers, every question answered by
 *              looking at everything. It shares with the desk the types of an event, names and
 *              oft_deadline, and nothing else; terms are compared by its own code.
 * What it is not  It gives no reasons in words. An event is judged first (which refusals the page
 *              would give, as bits, and whether the page leaves it open), then taken.
 * Keep it so   When the two differ, decide from the page which is wrong; when the page does not say,
 *              mend the page first.
 */
#include "desk/desk.h"

enum {
    MODEL_RIGHTS_MAX = 16,
    MODEL_NEEDS_MAX = 12,
    MODEL_OFFERS_MAX = 16,
    MODEL_LOTS_MAX = 256,
    MODEL_NOTICES_MAX = 768,
    MODEL_ORDERS_MAX = 64,
    MODEL_DEFAULTS_MAX = 96,
    MODEL_NAMED_MAX = 8,
};

struct model_right {
    const struct desk_right *words;
    struct desk_holder holders[DESK_HOLDERS_MAX]; /* as assigned by now */
    oft_instant control_end;                      /* a change of control ended it; NEVER */
    bool exhausted;
};

struct model_need {
    const struct desk_need *need;
    oft_instant opened;
    bool withdrawn;
};

struct model_offer {
    const struct desk_offer *offer;
    struct desk_terms terms;
    uint64_t quantity, signed_quantity;
    struct desk_names affirmed[64];
    uint32_t affirmed_count;
    bool withdrawn;
};

struct model_notice {
    uint32_t lot, rank, round,
        desk_index; /* round: its first notice; desk_index: the row that the desk keeps for it */
    uint64_t holder;
    uint8_t state;                                /* enum desk_notice_state */
    bool over_asked, countered, asked, over_held; /* over_held: over-allotment followed its round */
    uint64_t entitled, elected, requested;
    oft_instant sent, delivered, deemed_at, object_by, respond_by;
    struct desk_terms terms;
};

struct model_lot {
    uint32_t right, need, offer, root;
    uint64_t quantity;
    uint64_t whole; /* of a root: what the procedure began with */
    uint8_t state, why, flags;
    bool reoffer, tendered, ever_noticed, over_done, end_seen;
    uint32_t rank;         /* of the round; 0 before any */
    uint32_t first, count; /* the round's notices */
    uint32_t accepted;     /* ELECTED, DISPUTED, BOUND: the notice */
    uint32_t order;
    struct desk_terms noticed;
    oft_instant since, deadline;
};

struct model_order {
    uint32_t lot, offer;
    uint64_t quantity, delivered, failed;
    uint8_t state;
    oft_instant signed_at, deliver_by, cure_until;
};

struct model_default {
    uint64_t party;
    oft_instant at, cured; /* cured: NEVER while it is not */
};

struct model {
    oft_instant clock;
    oft_instant now; /* of what is taking effect; the clock when nothing is */
    uint64_t customer;
    struct model_right rights[MODEL_RIGHTS_MAX];
    struct model_need needs[MODEL_NEEDS_MAX];
    struct model_offer offers[MODEL_OFFERS_MAX];
    struct model_lot lots[MODEL_LOTS_MAX];
    struct model_notice notices[MODEL_NOTICES_MAX];
    uint32_t by_desk[MODEL_NOTICES_MAX]; /* from the desk's row of a notice to ours */
    struct model_order orders[MODEL_ORDERS_MAX];
    struct model_default defaults[MODEL_DEFAULTS_MAX];
    const struct oft_calendar *calendars[MODEL_NAMED_MAX];
    const struct oft_zone *zones[MODEL_NAMED_MAX];
    uint32_t right_count, need_count, offer_count, lot_count, notice_count, order_count,
        default_count, calendar_count, zone_count;
    struct desk_term merged[64][16]; /* terms of changed offers */
    uint32_t merged_count;
    bool full; /* a table is full: the world ends here, which is no failure */
};

/* Reasons are bits: 1 << enum desk_refusal_code. OPEN: the page does not say whether. */
#define MODEL_REASON(code) (1u << (code))
#define MODEL_OPEN         (1u << 30)
#define MODEL_ANY          ((1u << 20) - 2)

void model_new(struct model *model);
/* What the page would say of EVENT at the model's clock (time must have passed up to it): 0, it is
 * taken; else the reasons any of which may be given, and OPEN when it may as well be taken. */
unsigned model_judge(const struct model *model, const struct desk_event *event);
/* Against EVENT as an act of WHOSE; of a HOLDER's the customer must give a proof. */
unsigned model_by(const struct model *model, const struct desk_event *event, uint64_t whose,
                  bool holder);
void model_take(struct model *model, const struct desk_event *event);
/* What a signature leaves unsaid: all that is left, on the terms that there are. */
void model_unsaid(const struct model *model, struct desk_event *event);
void model_advance(struct model *model, oft_instant at);

/* ---- inside the model ------------------------------------------------------------------------- */

/* Terms: bits of how TERMS stand against NOTICED for the customer; 0: they conform. */
enum { MODEL_BETTER = 1, MODEL_WORSE = 2, MODEL_DIFFERS = 4 };
unsigned model_terms(const struct desk_right *right, struct desk_terms noticed,
                     struct desk_terms terms);
static inline bool model_conforms(const struct desk_right *right, struct desk_terms noticed,
                                  struct desk_terms terms)
{
    return (model_terms(right, noticed, terms) & (MODEL_WORSE | MODEL_DIFFERS)) == 0;
}

bool model_favours(const struct desk_right *right, struct desk_terms noticed,
                   struct desk_terms change);
void model_screen_again(struct model *model, uint32_t lot);

bool model_window_end(const struct model *model, const struct desk_window *window,
                      oft_instant start, oft_instant *ret);
oft_instant model_right_end(const struct model_right *right, bool *ret_amended);
enum desk_right_state model_right_state(const struct model *model, uint32_t right, oft_instant at);
bool model_in_force(const struct model *model, uint32_t right, oft_instant at);
bool model_is_holder(const struct model_right *right, uint64_t party);
bool model_standing(const struct model *model, uint32_t right, uint64_t party, oft_instant at);
void model_default_add(struct model *model, uint64_t party, oft_instant at);
enum { MODEL_REACHED = 1, MODEL_SPLIT = 2 };
unsigned model_reach(const struct model *model, uint32_t right, uint32_t need, uint32_t offer);
bool model_barred(const struct model *model, const struct desk_need *need, uint64_t provider,
                  oft_instant at);
bool model_bona_fide(const struct model *model, uint32_t right, uint32_t offer);
uint32_t model_find_right(const struct model *model, uint64_t clause);
uint32_t model_procedure(const struct model *model, uint32_t right, uint32_t need, uint32_t offer);

void model_screen(struct model *model, uint32_t right, uint32_t need, uint32_t offer,
                  uint64_t quantity);
/* What SCREENED may begin anew: neither signed by a holder nor sold; 0 while a lot is not final, and
 * when it is exempt. */
uint64_t model_left(const struct model *model, uint32_t right, uint32_t need, uint32_t offer);
void model_to(struct model *model, uint32_t lot, enum desk_lot_state state, enum desk_why why);
uint32_t model_split(struct model *model, uint32_t lot, uint64_t quantity);
void model_ready(struct model *model, uint32_t lot, uint32_t above_rank);
void model_ready_anyhow(struct model *model, uint32_t lot);
void model_begin_round(struct model *model, uint32_t lot, uint32_t rank);
void model_share_round(struct model *model, uint32_t lot);
void model_free(struct model *model, uint32_t lot, enum desk_why why);
/* OFFER's terms with those of CHANGE in their place. */
struct desk_terms model_changed(struct model *model, struct desk_terms terms,
                                struct desk_terms change);
void model_void_notices(struct model *model, uint32_t lot);
void model_settle_round(struct model *model, uint32_t lot, enum desk_why why);
void model_share_out(struct model *model, uint32_t lot);
/* The other half of judging and taking: contracts, and what the desk is told of parties. */
unsigned model_judge_contract(const struct model *model, const struct desk_event *event);
unsigned model_judge_record(const struct model *model, const struct desk_event *event);
void model_take_contract(struct model *model, const struct desk_event *event);
void model_elected(struct model *model, uint32_t lot, uint32_t notice, uint64_t quantity,
                   oft_instant at);
void model_lot_state_of_round(struct model *model, uint32_t lot);
void model_delivered(struct model *model, uint32_t notice, oft_instant at);
bool model_open_round(const struct model *model, uint32_t lot); /* a notice is sent or open */
/* How much third parties may be signed for under RIGHT for OFFER on TERMS; takes it when TAKE. */
uint64_t model_free_for(const struct model *model, uint32_t right, uint32_t offer,
                        const struct desk_terms *terms);
uint64_t model_exempt_left(const struct model *model, uint32_t right, uint32_t offer);
bool model_opportunity_lot(const struct model *model, const struct model_lot *lot, uint32_t right,
                           uint32_t need, uint32_t offer);

#endif
