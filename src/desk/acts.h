/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DESK_ACTS_H
#define OFFTAKE_DESK_ACTS_H
/*
 * acts -- what people may ask the desk to do, as one table, and how their words become an event.
 *
 * What it is   One row an act ("need open"), one row a field of it. The command line, the admin API, its
 *              OpenAPI document and the help texts all read this table; none of them knows an act.
 * What it is not  It knows no deal: whether a product exists, whose a provider is and what an order
 *              clause says, the engine fills in (see desk_act_read).
 * Ownership    The table is static. What desk_act_read makes lives in the caller's arena.
 */
#include "desk/desk.h"

enum desk_field_kind {
    DESK_FIELD_NEED, /* "need-3" or "3" */
    DESK_FIELD_OFFER,
    DESK_FIELD_LOT,
    DESK_FIELD_NOTICE,
    DESK_FIELD_ORDER,
    DESK_FIELD_TARGET,  /* one of the above, told by its word: "lot-2", "offer-1" */
    DESK_FIELD_WORD,    /* a name as in a deal */
    DESK_FIELD_WORDS,   /* names with commas between them */
    DESK_FIELD_CHOICE,  /* one of `choices` */
    DESK_FIELD_COUNT,   /* 20000 */
    DESK_FIELD_PRICE,   /* "2.10USD/gpu-hour", "2.10 USD per gpu-hour", "900 USD per MW-hour" */
    DESK_FIELD_AMOUNT,  /* "5m USD" */
    DESK_FIELD_RATE,    /* "1%" */
    DESK_FIELD_INSTANT, /* "2026-03-01", "2026-03" (its first instant), "2026-03-01T12:00:00Z" */
    DESK_FIELD_PERIOD,  /* "90 days" */
    DESK_FIELD_LATE,    /* "1% per week up to 20%" */
    DESK_FIELD_TERM, /* "uptime=99.95", "prepay=10%", "start=2026-03-01", "credit=5m USD", "law=\"NY\"" */
    DESK_FIELD_TEXT,
};

struct desk_field {
    const char *name; /* "quantity": --quantity on the command line, "quantity" in JSON */
    enum desk_field_kind kind;
    bool required;
    bool repeated;       /* TERM: given several times; in JSON an array of texts */
    bool positional;     /* on the command line it stands without its name */
    const char *choices; /* CHOICE: "new|renewal|expansion" */
    const char *help;    /* one line */
};

struct desk_act {
    const char *group, *verb; /* "need", "open"; for "elect" the verb is "" */
    const char *path;         /* of the admin API: "/v1/desk/needs"; always POST */
    enum desk_event_kind kind;
    const char *summary;
    const struct desk_field *fields;
    size_t field_count;
};
const struct desk_act *desk_acts(size_t *ret_count);
const struct desk_act *desk_act_find(const char *group, const char *verb); /* NULL */
const struct desk_act *desk_act_of_path(const char *path);                 /* NULL */
/* Fields that every act takes beside its own: happened, for, evidence. */
const struct desk_field *desk_common_fields(size_t *ret_count);

/* One field as it was given. */
struct desk_given {
    const char *name, *value;
};

/*
 * Reads GIVEN into an event of ACT at AT by ACTOR. CURRENCY is the deal's. What only a deal or a state
 * can tell is left for the caller: the party of an offer's provider, the hash of a notice, delivery
 * terms taken from an order clause. OFT_ERR_INVALID, with a message that names the field, for whatever
 * is missing, unknown, repeated or unreadable.
 */
enum oft_err desk_act_read(const struct desk_act *act, const struct desk_given *given, size_t count,
                           oft_instant at, struct desk_name actor, const char *currency,
                           struct oft_arena *arena, struct desk_event *ret_event,
                           struct oft_error *reterr) OFT_MUSTCHECK;

/* "need-3" and so on, for index INDEX (which counts from 0; the text from 1). */
enum { DESK_REFERENCE_BYTES = 24 };
const char *desk_reference(enum desk_field_kind kind, uint32_t index,
                           char out[DESK_REFERENCE_BYTES]);

#endif
