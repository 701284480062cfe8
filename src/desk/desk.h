/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DESK_DESK_H
#define OFFTAKE_DESK_DESK_H
/*
 * desk -- buying capacity under first-refusal rights without breaching one.
 *
 * What it is   A fold. Needs, offers, notices, elections, signatures and deliveries are *events*; the
 *              state of every procedure is what desk_apply makes of them in order, and desk_advance of
 *              the time that passed. docs/desk.md is the specification in words.
 * What it is not  It reads no clock, stores nothing, sends nothing and parses no deal: rights,
 *              calendars and time zones come as events too, so that a journal replays to the same
 *              state on any machine and in any year.
 * The unit     is the *lot*: a quantity under one right for one opportunity, in one state. An election
 *              of a part, a sale of a part, a failed delivery of a part split a lot; so every unit of
 *              capacity is in exactly one state, and ends in exactly one.
 * Time         Events carry `at` (when the desk took them; never before the event before) and
 *              `happened` (when the act was done, at the latest `at`). Deadlines are exclusive: an act
 *              at exactly the deadline is late. What the clock brings (a lapse, a free sale's end) is no
 *              event: desk_advance works it out, in order of the deadlines, of equal ones in order of
 *              the lots.
 * May include  base.  right_of.c, which reads a deal, also deal.
 * Units        Quantities: whole accelerators or megawatts, as the need says. Money: nanos.
 * Ownership    A state owns its rows; what events point to (texts, terms, rights) must outlive it.
 * Errors       An event that may not be is refused with the clause, the property and the earliest
 *              instant at which it may (struct desk_refusal); the state is then what it was, but for
 *              the time that passed. Faults are enum oft_err.
 * Threads      One state, one thread.
 */
#include "desk/right.h"

/* ---- needs and offers: what events bring ------------------------------------------------------ */

struct desk_need {
    struct desk_name product;
    struct desk_name accelerator; /* "h100"; id 0: any */
    struct desk_name region;      /* id 0: any */
    enum desk_size_kind unit;     /* DESK_SIZE_GPU or DESK_SIZE_MW */
    uint64_t quantity;
    oft_instant from;        /* wanted from */
    uint32_t months;         /* for so long; 0: not said */
    uint64_t hours;          /* of the term, worked out when the need was opened; 0: not said */
    oft_nanos ceiling_nanos; /* per unit-hour; -1: not said. Never shown to another party */
    enum desk_deal_kind deal;
    struct desk_name provider; /* only from this one; id 0: from any */
    struct desk_name group;    /* of accounts it is for alone; id 0: for all */
    uint32_t part_of;          /* an earlier need that this is a part of, or DESK_NONE */
    oft_instant open_until;  /* the opportunity ends here: what silence of a clause is bounded by */
    struct desk_terms terms; /* what a first offer is held against */
    const char *note;
};

struct desk_offer {
    uint32_t need;
    struct desk_name party;    /* who offers */
    struct desk_name provider; /* on which cloud */
    uint64_t quantity;
    oft_instant valid_until; /* gone at this instant if nothing came of it */
    oft_nanos bundled_nanos; /* price of goods out of scope that come with it; 0: none */
    const char *programme, *tranche, *site; /* "" when not said */
    struct desk_names affirmed;             /* bona fide tests that it was affirmed to pass */
    struct desk_terms terms;
};

/* What a signature fixes besides the terms. */
struct desk_delivery_terms {
    oft_instant deliver_by; /* NEVER: not said */
    struct oft_period cure; /* count 0: none */
    int64_t late_rate_ppb;  /* of the undelivered part's price, each begun `late_per`; 0: none */
    struct oft_period late_per;
    int64_t late_cap_ppb; /* 0: no cap */
    bool late_terminate;
    struct desk_name under; /* the order clause it is made under; id 0: none */
};

/* ---- events ---------------------------------------------------------------------------------- */

enum desk_event_kind {
    /* What the desk reckons by; written by the engine, not by a party. */
    DESK_CUSTOMER = 1, /* party: whose desk this is. The first event */
    DESK_CALENDAR,     /* calendar: from now on, deadlines that name it */
    DESK_ZONE,         /* zone */
    DESK_RIGHT,        /* right: a new one, or another reading of one that is there */

    DESK_NEED_OPENED,     /* need_opened */
    DESK_NEED_WITHDRAWN,  /* need */
    DESK_OFFER_ADDED,     /* offer_added */
    DESK_OFFER_CHANGED,   /* offer, terms, quantity (0: as it was) */
    DESK_OFFER_AFFIRMED,  /* offer, names: bona fide tests */
    DESK_OFFER_WITHDRAWN, /* offer */

    DESK_SCREENED, /* need or offer, name: the clause. For a right that began after the opportunity */
    DESK_EXEMPTED,    /* lot, name: a carve-out, or "floor"; text: the proof */
    DESK_NOTICE_SENT, /* lot, hash: of the noticed terms. One notice to each holder of the round */
    DESK_NOTICE_DELIVERED, /* notice */
    DESK_NOTICE_OBJECTED,  /* notice, text: the defect */
    DESK_ELECTED,          /* notice, quantity, terms (none: as noticed) */
    DESK_DECLINED,         /* notice */
    DESK_COUNTERED,        /* notice, quantity, terms: recorded; no acceptance */

    DESK_TENDERED, /* lot: the customer has put the contract before the holder */
    DESK_SIGNED, /* lot (with the holder) or offer (with the third party); quantity, terms, delivery */
    DESK_SETTLED, /* lot in dispute; name: "free" or "revive" */
    DESK_DELIVERED, /* order, quantity; name: the pool, text: its lines in the deal language ("" none) */

    DESK_DEFAULTED,       /* party; text */
    DESK_CURED,           /* party */
    DESK_ASSIGNED,        /* name: the clause; party: the holder; other: who holds it now */
    DESK_CONTROL_CHANGED, /* party */
    DESK_EVENT_KIND_COUNT
};
const char *desk_event_kind_text(enum desk_event_kind kind); /* "notice.sent". Static */

struct desk_event {
    uint64_t number; /* place in the journal: 1, 2, ... */
    enum desk_event_kind kind;
    oft_instant at;         /* when the desk took it */
    oft_instant happened;   /* when it was done; <= at */
    struct desk_name actor; /* who does it */
    struct desk_name party; /* whose act it is; the customer may record others' acts, with a text */
    struct desk_name other;
    uint32_t need, offer, lot, notice, order; /* DESK_NONE where not meant */
    uint64_t quantity;
    struct desk_terms terms;
    struct desk_name name;
    struct desk_names names;
    const char *text; /* proof, defect, reason; "" when none */
    uint8_t hash[32]; /* NOTICE_SENT */
    const struct desk_need *need_opened;
    const struct desk_offer *offer_added;
    const struct desk_right *right;
    const struct desk_delivery_terms *delivery;
    const struct oft_calendar *calendar;
    const struct oft_zone *zone;
};
/* An event of KIND with every reference DESK_NONE, texts "" and nothing else set. */
struct desk_event desk_event_of(enum desk_event_kind kind, oft_instant at);

/* ---- state ----------------------------------------------------------------------------------- */

enum desk_right_state {
    DESK_RIGHT_INACTIVE,
    DESK_RIGHT_ARMED,
    DESK_RIGHT_SUSPENDED, /* no holder has standing */
    DESK_RIGHT_EXPIRED,
    DESK_RIGHT_TERMINATED,
    DESK_RIGHT_EXHAUSTED,
};

enum desk_lot_state {
    DESK_LOT_DRAFT, /* not yet bona fide */
    DESK_LOT_READY, /* a notice is owed */
    DESK_LOT_NOTICED,
    DESK_LOT_OPEN,
    DESK_LOT_OVERALLOT,
    DESK_LOT_ELECTED,
    DESK_LOT_DISPUTED,
    DESK_LOT_FREE,
    /* final from here on */
    DESK_LOT_BOUND, /* signed by the holder; a failed delivery frees what was not served */
    DESK_LOT_SOLD,
    DESK_LOT_EXEMPT,
    DESK_LOT_WITHDRAWN,
    DESK_LOT_REVIVED,
    DESK_LOT_VOID,
    DESK_LOT_STATE_COUNT
};
const char *desk_lot_state_text(enum desk_lot_state state); /* "notice owed"; for people */
const char *desk_lot_state_name(enum desk_lot_state state); /* "READY"; as in the specification */
static inline bool desk_lot_final(enum desk_lot_state state)
{
    return state >= DESK_LOT_BOUND;
}

/* Why a lot is where it is, when the state alone does not tell. */
enum desk_why {
    DESK_WHY_NONE,
    DESK_WHY_OUT_OF_SCOPE,
    DESK_WHY_CARVE_OUT,
    DESK_WHY_EXHAUSTED,
    DESK_WHY_DECLINED,
    DESK_WHY_LAPSED,
    DESK_WHY_NO_STANDING,
    DESK_WHY_HOLDER_DEFAULT,
    DESK_WHY_DELIVERY_FAILED,
    DESK_WHY_SETTLED,
    DESK_WHY_OFFER_GONE,
    DESK_WHY_NEED_GONE,
    DESK_WHY_RIGHT_ENDED,
    DESK_WHY_TIME, /* the free-sale period, or the dispute's, ran out */
};
const char *desk_why_text(enum desk_why why);

enum { DESK_FLAG_SPLIT = 1, DESK_FLAG_BUNDLED = 2 }; /* property 9 */

struct desk_lot {
    uint32_t right;
    uint32_t need, offer; /* offer: DESK_NONE under a first offer */
    uint32_t parent;      /* the lot that this one was split from, or DESK_NONE */
    uint32_t root;        /* the first of its procedure; its own index for that one */
    uint32_t next;        /* of the same procedure, or DESK_NONE */
    uint32_t tail;        /* of a root: the procedure's newest lot */
    uint32_t next_of_need, next_of_offer; /* of a root: the next procedure's, or DESK_NONE */
    uint64_t quantity;
    uint64_t whole;            /* of a root: what the procedure began with */
    uint8_t state, why, flags; /* enum desk_lot_state, desk_why, DESK_FLAG_ */
    bool reoffer;              /* the notice owed or sent is a second one, with the short window */
    bool tendered, over_done;  /* OVERALLOT was held at this rank */
    uint32_t rank;             /* of the round */
    uint32_t first_notice;     /* of the round's notices; DESK_NONE before any */
    uint32_t notice_count;
    uint32_t asked_first; /* the same of the last round that was sent; DESK_NONE before any */
    uint32_t asked_count;
    uint32_t holder_notice;    /* ELECTED, DISPUTED, BOUND: the notice that was accepted */
    uint32_t order;            /* BOUND, SOLD */
    struct desk_terms noticed; /* immutable once a notice is sent; a new notice, new terms */
    oft_instant since;         /* when it came into this state */
    oft_instant deadline;      /* OVERALLOT, ELECTED, DISPUTED, FREE: when that ends */
    oft_instant due;           /* the next instant at which time alone changes it; NEVER */
    uint32_t timer;            /* place in the heap */
};

enum desk_notice_state {
    DESK_NOTICE_OWED, /* not sent yet, or void for a defect or because the terms changed */
    DESK_NOTICE_SENT_STATE,
    DESK_NOTICE_OPEN,
    DESK_NOTICE_ELECTED,
    DESK_NOTICE_DECLINED,
    DESK_NOTICE_LAPSED,
    DESK_NOTICE_VOID, /* withdrawn, or the right ended */
};
const char *desk_notice_state_text(enum desk_notice_state state);

/* What one holder is asked in one round. */
struct desk_notice {
    uint32_t lot;
    struct desk_name holder;
    uint32_t rank;
    uint8_t state;     /* enum desk_notice_state */
    bool over_asked;   /* OVERALLOT: answered */
    bool countered;    /* a counter, or an election that did not conform, was recorded */
    uint64_t entitled; /* at most so much may be elected */
    uint64_t elected, over_requested;
    uint64_t event; /* number of the event that sent it; 0: owed */
    uint8_t hash[32];
    oft_instant sent, delivered, deemed_at, object_by, respond_by; /* NEVER where not reckoned */
    struct desk_terms terms;
};

enum desk_order_state {
    DESK_ORDER_SIGNED,
    DESK_ORDER_LATE, /* deliver-by is past, the cure period runs */
    DESK_ORDER_DELIVERED,
    DESK_ORDER_FAILED, /* the cure period is past: what is missing is not coming under this order */
};
const char *desk_order_state_text(enum desk_order_state state);

struct desk_order {
    uint32_t need, offer;
    uint32_t lot; /* the holder's lot; DESK_NONE for a third party's */
    struct desk_name party, provider;
    uint64_t quantity, delivered, failed;
    uint8_t state;
    struct desk_terms terms;
    struct desk_delivery_terms delivery;
    oft_instant signed_at, deliver_by, cure_until; /* NEVER where not said */
    oft_instant completed;                         /* NEVER until all is there */
    uint64_t event;
    oft_instant due;
    uint32_t timer;
};

/* A part of an order that arrived. */
struct desk_arrival {
    uint32_t order;
    uint64_t quantity;
    oft_instant happened;
    struct desk_name pool; /* id 0: none */
    const char *text;      /* its lines in the deal language; "" none */
    uint64_t event;
};

struct desk_need_row {
    const struct desk_need *need;
    oft_instant opened;
    bool withdrawn;
    uint8_t flags;
    uint64_t ordered;                 /* signed so far */
    uint32_t first_lot, last_lot;     /* roots of its procedures, by next_of_need; DESK_NONE */
    uint32_t first_offer, last_offer; /* by next */
    uint32_t before;                  /* the one before it of the same kind; DESK_NONE */
    uint64_t event;
};

struct desk_offer_row {
    const struct desk_offer *offer;
    struct desk_terms terms; /* as last changed */
    uint64_t quantity;       /* as last changed */
    uint64_t signed_quantity;
    oft_instant added;
    bool withdrawn;
    uint32_t first_lot, last_lot; /* roots of its procedures, by next_of_offer; DESK_NONE */
    uint32_t next;                /* of the same need */
    uint32_t last_affirmed; /* the newest list of tests affirmed since it was added; DESK_NONE */
    uint64_t event;
};

/* What happened because time passed or an event was taken; for those who tell people of it. */
enum desk_effect_kind {
    DESK_EFFECT_LOT,    /* lot came into `state` */
    DESK_EFFECT_NOTICE, /* notice came into `state` */
    DESK_EFFECT_ORDER,  /* order came into `state` */
    DESK_EFFECT_ROUND,  /* lot owes notices to the next rank */
};
struct desk_effect {
    enum desk_effect_kind kind;
    uint32_t index;
    uint8_t state;
    oft_instant at;
    uint64_t event; /* the event that brought it; 0: time did */
};
typedef void (*desk_effect_fn)(void *context, const struct desk_effect *effect);

struct desk_state;

enum oft_err desk_state_new(struct desk_state **ret_state) OFT_MUSTCHECK;
void desk_state_free(struct desk_state *state); /* accepts NULL */
/* A state of its own that nobody watches, to try something out on. Its texts and terms are STATE's: it
 * is not to be used once STATE is freed. NULL: out of memory. */
struct desk_state *desk_state_copy(const struct desk_state *state);
/* WATCH is called for every effect from now on; NULL: for none. */
void desk_watch(struct desk_state *state, desk_effect_fn watch, void *context);

/* Why an event may not be. */
enum desk_refusal_code {
    DESK_REFUSED_NONE = 0,
    DESK_REFUSED_UNKNOWN,      /* no such need, offer, lot, notice, order, party or clause */
    DESK_REFUSED_STATE,        /* not in this state */
    DESK_REFUSED_ACTOR,        /* not this party's act */
    DESK_REFUSED_LATE,         /* the deadline is past */
    DESK_REFUSED_EARLY,        /* not yet: a window runs, or delivery is not told */
    DESK_REFUSED_EXCLUSIVE,    /* a clause gives this to one provider */
    DESK_REFUSED_NOTICE_OWED,  /* a right in force reaches this, and no notice was given */
    DESK_REFUSED_BETTER_TERMS, /* better for the third party than what was noticed */
    DESK_REFUSED_COUNTERPARTY,
    DESK_REFUSED_QUANTITY,
    DESK_REFUSED_TERMS,    /* terms that do not conform, or are incomplete */
    DESK_REFUSED_TIME,     /* `at` goes back, or `happened` is after it */
    DESK_REFUSED_INVALID,  /* the event says too little or too much */
    DESK_REFUSED_CALENDAR, /* no such calendar or zone, or it does not know those years */
};
struct desk_refusal {
    enum desk_refusal_code code;
    unsigned property;    /* of docs/desk.md, 1 to 10; 0: none */
    const char *clause;   /* "" when none; the right's own text */
    oft_instant earliest; /* the first instant at which it would be allowed if nothing else happens;
                             NEVER: waiting does not help */
    char message[320];    /* one line: what, why, what to do */
};

/*
 * Takes EVENT: first the time up to it passes, then it changes the state. OFT_OK: it is taken.
 * OFT_ERR_DENIED: it may not be, RET_REFUSAL says why. Other codes: a fault; the state is not to be
 * used any more.
 */
enum oft_err desk_apply(struct desk_state *state, const struct desk_event *event,
                        struct desk_refusal *ret_refusal) OFT_MUSTCHECK;
/* Lets time pass up to and including AT (an instant before the state's clock does nothing). */
enum oft_err desk_advance(struct desk_state *state, oft_instant at) OFT_MUSTCHECK;

/* ---- questions ------------------------------------------------------------------------------- */

oft_instant desk_clock(const struct desk_state *state);
uint64_t desk_event_count(const struct desk_state *state);
struct desk_name desk_customer(const struct desk_state *state);

uint32_t desk_need_count(const struct desk_state *state);
const struct desk_need_row *desk_need_at(const struct desk_state *state, uint32_t index);
uint32_t desk_offer_count(const struct desk_state *state);
const struct desk_offer_row *desk_offer_at(const struct desk_state *state, uint32_t index);
uint32_t desk_lot_count(const struct desk_state *state);
const struct desk_lot *desk_lot_at(const struct desk_state *state, uint32_t index);
uint32_t desk_notice_count(const struct desk_state *state);
const struct desk_notice *desk_notice_at(const struct desk_state *state, uint32_t index);
uint32_t desk_order_count(const struct desk_state *state);
const struct desk_order *desk_order_at(const struct desk_state *state, uint32_t index);
uint32_t desk_arrival_count(const struct desk_state *state);
const struct desk_arrival *desk_arrival_at(const struct desk_state *state, uint32_t index);
uint32_t desk_right_count(const struct desk_state *state);
const struct desk_right *desk_right_at(const struct desk_state *state, uint32_t index);
/* Who holds it now, after assignments; as many as the right has holders. */
const struct desk_holder *desk_holders_at(const struct desk_state *state, uint32_t index);
/* At the state's clock. */
enum desk_right_state desk_right_state_at(const struct desk_state *state, uint32_t index);
const char *desk_right_state_text(enum desk_right_state state);
/* Index by clause id, or DESK_NONE. */
uint32_t desk_find_right(const struct desk_state *state, uint64_t clause_id);
/* The calendar or zone that deadlines of that name are reckoned by; NULL: none is known. */
const struct oft_calendar *desk_calendar_at(const struct desk_state *state, uint64_t name_id);
const struct oft_zone *desk_zone_at(const struct desk_state *state, uint64_t name_id);
bool desk_has_standing(const struct desk_state *state, uint32_t right, uint64_t party_id);

/* The earliest instant at which time alone changes something; NEVER. O(1). */
oft_instant desk_next_due(const struct desk_state *state);
/* The damages or credit that an order's lateness has come to at the clock: its rate for each begun
 * period, of the price of what is missing, within the cap. OFT_ERR_RANGE when it does not fit. */
enum oft_err desk_late_credit(const struct desk_state *state, uint32_t order,
                              oft_nanos *ret_nanos) OFT_MUSTCHECK;
/* A number that two states share when they are equal in everything that can be asked of them. */
uint64_t desk_digest(const struct desk_state *state);
/* Aborts when an invariant of the rows does not hold: sums of quantities, the heap, chains. For tests
 * and after a replay. */
void desk_assert_sound(const struct desk_state *state);

#endif
