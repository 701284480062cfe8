/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DESK_RIGHT_H
#define OFFTAKE_DESK_RIGHT_H
/*
 * right -- a right over new capacity as the desk reckons with it: one clause version, made plain.
 *
 * What it is   First refusal, first offer and exclusivity as values that need no deal to be read: the
 *              journal holds them, so that an old procedure replays under the words it was begun under,
 *              whatever the deal file says by now. Part of desk.h.
 * Unsaid       A clause may leave nearly everything unsaid. What silence means is told at each member;
 *              it is always the reading that allows the customer less.
 * Ownership    Everything is borrowed from the event that brought it: the journal's arena.
 */
#include "base/calendar.h"
#include "base/memory.h"
#include "base/money.h"

#define DESK_NONE UINT32_MAX /* "no such need, offer, lot, notice or order" */

/* A name and the number it is compared by: oft_id_of for parties and products, the same hash under
 * another kind for the rest. Id 0: unsaid. */
struct desk_name {
    uint64_t id;
    const char *text;
};
struct desk_name desk_party_name(const char *text);
struct desk_name desk_product_name(const char *text);
struct desk_name desk_word(const char *text); /* any other name: a region, a term, a clause */

struct desk_names {
    const struct desk_name *items;
    uint32_t count;
};
bool desk_names_have(struct desk_names names, uint64_t id);

/* ---- terms ----------------------------------------------------------------------------------- */

enum desk_term_kind {
    DESK_TERM_AMOUNT = 1, /* money: nanos of the deal's currency */
    DESK_TERM_NUMBER,     /* exact decimal, in billionths */
    DESK_TERM_INSTANT,    /* nanoseconds, as an oft_instant */
    DESK_TERM_TEXT,       /* compared to the letter */
};

/* One material term of an offer. */
struct desk_term {
    struct desk_name name; /* "price", "prepay", "uptime" */
    enum desk_term_kind kind;
    oft_nanos number;      /* AMOUNT, NUMBER, INSTANT */
    struct desk_name text; /* TEXT: the text. AMOUNT: per what, "gpu-hour" */
    oft_nanos cash_nanos;  /* what the customer says it is worth in money; -1: not said */
};

/* Sorted by name's text, no name twice; at most DESK_TERMS_MAX. */
struct desk_terms {
    const struct desk_term *items;
    uint32_t count;
};
#define DESK_TERMS_MAX 64

const struct desk_term *desk_terms_find(struct desk_terms terms, uint64_t name_id);

enum desk_direction {
    DESK_EQUAL = 0,
    DESK_LOWER,
    DESK_HIGHER
}; /* which is better for the customer */

/* "compare NAME lower within 2%". */
struct desk_compare {
    struct desk_name name;
    enum desk_direction better;
    int64_t tolerance_ppb; /* of the noticed value; 0: none */
};

/* ---- windows --------------------------------------------------------------------------------- */

enum desk_start { DESK_FROM_DELIVERED = 0, DESK_FROM_SENT, DESK_FROM_DEEMED };

struct desk_window {
    bool said;
    struct oft_period period;
    enum desk_start start;     /* unsaid: delivered */
    struct desk_name calendar; /* id 0: Monday to Friday, no holidays */
    struct desk_name zone;     /* id 0: UTC */
};

enum desk_window_kind {
    DESK_WINDOW_RESPOND, /* always said */
    DESK_WINDOW_OBJECT,  /* unsaid: as long as the response window is open */
    DESK_WINDOW_OVER,    /* unsaid: there is no over-allotment round */
    DESK_WINDOW_SIGN,    /* unsaid: until the opportunity ends (see desk_need.open_until) */
    DESK_WINDOW_RELEASE, /* free sale; unsaid: until the opportunity ends */
    DESK_WINDOW_REOFFER, /* unsaid: the full response window */
    DESK_WINDOW_DELIVER, /* unsaid: what the signed terms say */
    DESK_WINDOW_KIND_COUNT
};

/* ---- the right ------------------------------------------------------------------------------- */

enum desk_right_kind {
    DESK_RIGHT_REFUSAL = 1, /* somebody's offer may be matched; an opportunity is an offer */
    DESK_RIGHT_OFFER,       /* the need is told first; an opportunity is a need */
    DESK_RIGHT_EXCLUSIVE,   /* capacity for these products comes from this provider alone */
};

/* How `until` comes about. */
enum desk_right_end { DESK_ENDS_EXPIRED = 0, DESK_ENDS_TERMINATED, DESK_ENDS_AMENDED };

enum desk_disclose { DESK_DISCLOSE_NOTHING = 0, DESK_DISCLOSE_TERMS, DESK_DISCLOSE_IDENTITY };
enum desk_match { DESK_MATCH_ALL = 0, DESK_MATCH_ECONOMIC, DESK_MATCH_LISTED };
enum desk_deal_kind { DESK_DEAL_NEW = 1, DESK_DEAL_RENEWAL = 2, DESK_DEAL_EXPANSION = 4 };

/* A size: of a scope's floor, of a part, of a need. */
enum desk_size_kind {
    DESK_SIZE_NONE = 0,
    DESK_SIZE_GPU,       /* accelerators, of whatever kind */
    DESK_SIZE_MW,        /* megawatts */
    DESK_SIZE_GPU_HOURS, /* accelerators times hours of the term */
    DESK_SIZE_MONEY,     /* nanos */
};
struct desk_size {
    enum desk_size_kind kind;
    oft_nanos amount;
};

struct desk_holder {
    struct desk_name party;
    uint32_t rank; /* 1 is asked first */
};
#define DESK_HOLDERS_MAX 16

struct desk_carve_out {
    struct desk_name name;
    const char *text;
};

struct desk_right {
    struct desk_name clause; /* "ms-2025-01.rofr" */
    enum desk_right_kind kind;
    oft_instant from, until; /* in force in [from, until); NEVER when no end is known */
    enum desk_right_end end;
    struct desk_name ended_by; /* the clause or agreement that ends it; AMENDED: its successor */

    /* EXCLUSIVE only. */
    struct desk_name provider;
    struct desk_names except_groups;

    /* Scope; an empty list reaches everything. */
    struct desk_names products, regions, accelerators;
    struct desk_size floor;
    unsigned deals; /* bits of enum desk_deal_kind; 0: all */
    const struct desk_carve_out *carve_outs;
    uint32_t carve_out_count;
    struct desk_names bona_fide; /* tests that an offer must be affirmed to pass */

    const struct desk_holder *holders; /* in order of rank, then of the text */
    uint32_t holder_count;
    bool simultaneous;           /* all ranks are asked at once */
    enum desk_disclose disclose; /* unsaid: nothing */
    enum desk_match match;       /* unsaid: all */
    const struct desk_compare *compares;
    uint32_t compare_count;
    bool cash_equivalent;
    bool partial;                           /* unsaid: a part is no election */
    uint64_t partial_minimum, partial_step; /* step 0: any */
    enum desk_size_kind partial_unit;       /* what these count; NONE: whatever the need counts */

    struct desk_window windows[DESK_WINDOW_KIND_COUNT];
    struct desk_window deemed; /* said: a notice counts as delivered so long after it is sent */

    bool counterparty_any; /* unsaid: only the third party that was noticed */
    bool one_time;
    struct desk_window standing_cure; /* a default that lasts longer costs the standing */
    uint32_t standing_defaults;       /* so many in `standing_within` cost it; 0: not said */
    struct desk_window standing_within;
    struct desk_window standing_remaining; /* less than this left costs it */
    bool suspend_on_default;
    bool assignable;        /* unsaid: not */
    bool ends_on_control;   /* a change of control of the holder ends it; unsaid: it survives */
    bool pending_void;      /* unsaid: open procedures go on when the right ends */
    bool governing_at_need; /* unsaid: the version in force at the notice governs */
    const char *remedy;     /* "" when unsaid */
};

/* ---- comparing ------------------------------------------------------------------------------- */

enum desk_verdict {
    DESK_TERMS_SAME,         /* equal, or different within tolerance */
    DESK_TERMS_FOR_CUSTOMER, /* no term is worse for the customer, one is better */
    DESK_TERMS_FOR_OTHER,    /* a term is worse for the customer beyond tolerance */
    DESK_TERMS_OTHER_KIND,   /* a term without direction differs, is missing, or was added */
};

/* Holds TERMS against NOTICED field by field, by RIGHT's match, directions and tolerances. The name
 * of the first field that decides is put into *RET_FIELD (may be NULL). Directions that a clause does
 * not declare: price, prepay, minimum, start, deliver and cure are better lower, uptime and late-credit
 * higher; every other term must be equal. Source: the mirror-image rule for acceptances. */
enum desk_verdict desk_terms_compare(const struct desk_right *right, struct desk_terms noticed,
                                     struct desk_terms terms, const char **ret_field);

#endif
