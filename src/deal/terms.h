/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DEAL_TERMS_H
#define OFFTAKE_DEAL_TERMS_H
/*
 * terms -- what clauses are made of besides their heads: "respond within 10 business days", "cap 100bn
 * USD per period". Part of deal.h.
 *
 * What it is   Every term has a key and the values that its words leave open, in the order in which
 *              they are written; a part that was left out has a value of kind DEAL_VALUE_NONE, so that
 *              a value's place never depends on what else was said. One table (terms_table.c) holds
 *              the words of all terms; the parser, the JSON form and its schema all read it.
 * Ownership    All in the deal's arena.
 * Units        As in deal.h; a duration keeps the unit it was written in, because a month is no number
 *              of days.
 */
#include "base/money.h"
#include "base/time.h"

/* What a name is the name of. */
enum deal_symbol_kind {
    SYMBOL_PARTY,
    SYMBOL_PROVIDER,
    SYMBOL_PRODUCT,
    SYMBOL_MODEL,
    SYMBOL_ACCOUNT,
    SYMBOL_EVENT,
    SYMBOL_POOL,
    SYMBOL_AGREEMENT,
    SYMBOL_CLAUSE,
    SYMBOL_PROGRAMME,
    SYMBOL_GROUP,
    SYMBOL_SURFACE,
    SYMBOL_FIELD,
    SYMBOL_DEDUCTION,
    SYMBOL_PERSON,
    SYMBOL_KIND_COUNT
};

/* A list of indices; one item DEAL_ALL means everything of that kind. */
struct deal_list {
    const uint32_t *items;
    uint32_t count;
};

enum deal_end_kind { DEAL_END_NEVER, DEAL_END_DATE, DEAL_END_EVENT, DEAL_END_EARLIEST };

struct deal_end {
    enum deal_end_kind kind;
    oft_instant instant;          /* DEAL_END_DATE: the first instant at which it no longer holds */
    uint32_t event;               /* DEAL_END_EVENT */
    const struct deal_end *parts; /* DEAL_END_EARLIEST */
    uint32_t part_count;
};

/* Holds once the event has happened, all parts hold, or one does. */
enum deal_condition_kind { DEAL_CONDITION_EVENT, DEAL_CONDITION_AND, DEAL_CONDITION_OR };
struct deal_condition {
    enum deal_condition_kind kind;
    uint32_t event;
    const struct deal_condition *parts;
    uint32_t part_count;
};

enum deal_duration_unit {
    DEAL_HOURS,
    DEAL_DAYS,
    DEAL_BUSINESS_DAYS,
    DEAL_WEEKS,
    DEAL_MONTHS,
    DEAL_YEARS
};
struct deal_duration {
    uint32_t count;
    enum deal_duration_unit unit;
};

/* A window of a procedure. What is not said is NULL or "unsaid"; the desk has the defaults. */
enum deal_timer_start {
    DEAL_START_UNSAID,
    DEAL_START_SENT,
    DEAL_START_DELIVERED,
    DEAL_START_DEEMED
};
enum deal_timer_roll { DEAL_ROLL_UNSAID, DEAL_ROLL_FOLLOWING, DEAL_ROLL_PRECEDING, DEAL_ROLL_NONE };
struct deal_timer {
    struct deal_duration duration;
    const char *calendar;
    const char *zone;
    enum deal_timer_start start;
    enum deal_timer_roll roll;
};

/* "20000 h100", "4500 MW", "1000 gpu". */
struct deal_quantity {
    uint64_t count;
    const char *unit;
};

/* Products with the part of their spend that counts. */
struct deal_weighted {
    struct deal_list items;
    const int64_t *weights_ppb; /* by item */
};

enum deal_value_kind {
    DEAL_VALUE_NONE,
    DEAL_VALUE_WORD, /* one of the words that the term offers */
    DEAL_VALUE_NAME, /* a free name: a region, a carve-out */
    DEAL_VALUE_TEXT, /* quoted */
    DEAL_VALUE_COUNT,
    DEAL_VALUE_RATE, /* parts per billion */
    DEAL_VALUE_AMOUNT,
    DEAL_VALUE_INSTANT,
    DEAL_VALUE_END,
    DEAL_VALUE_CONDITION,
    DEAL_VALUE_DURATION,
    DEAL_VALUE_TIMER,
    DEAL_VALUE_QUANTITY,
    DEAL_VALUE_INDEX, /* of a row of `symbol` */
    DEAL_VALUE_LIST,  /* of rows of `symbol` */
    DEAL_VALUE_NAMES, /* free names */
    DEAL_VALUE_WEIGHTED,
};

struct deal_names {
    const char *const *items;
    uint32_t count;
};

struct deal_value {
    enum deal_value_kind kind;
    enum deal_symbol_kind symbol; /* INDEX, LIST, WEIGHTED */
    union {
        const char *text; /* WORD, NAME, TEXT */
        uint64_t count;
        int64_t rate_ppb;
        oft_nanos amount_nanos;
        oft_instant instant;
        struct deal_end end;
        struct deal_condition condition;
        struct deal_duration duration;
        struct deal_timer timer;
        struct deal_quantity quantity;
        uint32_t index;
        struct deal_list list;
        struct deal_names names;
        struct deal_weighted weighted;
    } as;
};

/* Keys in the order of the table; terms_table.c has each one's words. */
enum deal_term_key {
    DEAL_TERM_UNTIL,
    /* exclusive, license */
    DEAL_TERM_THROUGH,
    DEAL_TERM_EXCEPT_GROUPS,
    DEAL_TERM_EXCEPT_FIELDS,
    /* primary */
    DEAL_TERM_SHIP_FIRST,
    DEAL_TERM_LEAD,
    DEAL_TERM_UNLESS,
    DEAL_TERM_PREFER,
    /* commit */
    DEAL_TERM_COMMIT_MODEL,
    DEAL_TERM_COUNTING,
    DEAL_TERM_MILESTONE,
    DEAL_TERM_RAMP,
    DEAL_TERM_BASIS,
    DEAL_TERM_COUNTED,
    DEAL_TERM_MARKETPLACE,
    DEAL_TERM_SHORTFALL,
    DEAL_TERM_ROLL_OVER,
    DEAL_TERM_OVERAGE,
    DEAL_TERM_SUCCESSOR,
    /* order */
    DEAL_TERM_DELIVER_BY,
    DEAL_TERM_PHASE,
    DEAL_TERM_ORDER_PRICE,
    DEAL_TERM_ORDER_TERM,
    DEAL_TERM_REGION,
    DEAL_TERM_CURE,
    DEAL_TERM_LATE_CREDIT,
    DEAL_TERM_LATE_TERMINATE,
    DEAL_TERM_PREPAY,
    DEAL_TERM_EXPANSION,
    /* share */
    DEAL_TERM_PERIOD,
    DEAL_TERM_LESS,
    DEAL_TERM_TIER,
    DEAL_TERM_TIER_MODE,
    DEAL_TERM_CAP,
    DEAL_TERM_MINIMUM,
    DEAL_TERM_NETTING,
    DEAL_TERM_HOLDBACK,
    DEAL_TERM_CLAWBACK,
    DEAL_TERM_STATEMENT,
    DEAL_TERM_PAYMENT,
    DEAL_TERM_INTEREST,
    /* first refusal, first offer */
    DEAL_TERM_HOLDER,
    DEAL_TERM_TRIGGER,
    DEAL_TERM_SCOPE_REGIONS,
    DEAL_TERM_SCOPE_ACCELERATORS,
    DEAL_TERM_SCOPE_FLOOR,
    DEAL_TERM_SCOPE_DEALS,
    DEAL_TERM_SCOPE_PRODUCTS,
    DEAL_TERM_CARVE_OUT,
    DEAL_TERM_BONA_FIDE,
    DEAL_TERM_DISCLOSE,
    DEAL_TERM_MATCH,
    DEAL_TERM_COMPARE,
    DEAL_TERM_CASH_EQUIVALENT,
    DEAL_TERM_PARTIAL_NEVER,
    DEAL_TERM_PARTIAL,
    DEAL_TERM_MODE,
    DEAL_TERM_RESPOND,
    DEAL_TERM_OBJECT,
    DEAL_TERM_OVER_ALLOTMENT,
    DEAL_TERM_SIGN,
    DEAL_TERM_RELEASE,
    DEAL_TERM_REOFFER,
    DEAL_TERM_DELIVER,
    DEAL_TERM_DEEMED,
    DEAL_TERM_COUNTERPARTY,
    DEAL_TERM_ONE_TIME,
    DEAL_TERM_STANDING_CURE,
    DEAL_TERM_STANDING_DEFAULTS,
    DEAL_TERM_STANDING_REMAINING,
    DEAL_TERM_SUSPEND,
    DEAL_TERM_ASSIGNABLE,
    DEAL_TERM_CHANGE_OF_CONTROL,
    DEAL_TERM_ON_TERMINATION,
    DEAL_TERM_GOVERNING,
    DEAL_TERM_REMEDY,
    DEAL_TERM_KEY_COUNT
};

#define DEAL_TERM_VALUES_MAX 5

struct deal_term {
    enum deal_term_key key;
    uint32_t value_count;
    struct deal_value values[DEAL_TERM_VALUES_MAX];
    struct deal_position position;
};

struct deal_terms {
    const struct deal_term *items;
    uint32_t count;
};

/* The first term of KEY at or after *FROM (an index, 0 at first), which moves behind it; NULL when
 * there is none. */
const struct deal_term *deal_terms_next(struct deal_terms terms, enum deal_term_key key,
                                        uint32_t *from);
/* The only term of KEY, or NULL. */
const struct deal_term *deal_terms_find(struct deal_terms terms, enum deal_term_key key);

/* "respond_within": the key's name in the JSON form. Static. */
const char *deal_term_name(enum deal_term_key key);
const char *deal_duration_unit_text(enum deal_duration_unit unit); /* "business day" */

#endif
