/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_ENGINE_DESK_INTERNAL_H
#define OFFTAKE_ENGINE_DESK_INTERNAL_H
/*
 * What the desk's files of the engine share. Private to engine/.
 */
#include "desk/journal.h"
#include "engine/desk.h"
#include "engine/internal.h"

enum {
    ENGINE_DESK_WASTE_BYTES_MAX = 64
                                  << 20, /* of refused acts' texts, before the state is made anew */
    ENGINE_DESK_LIST_MAX = 1000,
    ENGINE_DESK_PENDING_BYTES_MAX = 256 << 20
};

/* Effects that are not in the outbox yet. */
struct engine_effects {
    struct desk_effect *items;
    size_t count, capacity;
    bool failed; /* memory was out: the state must be made anew to see them again */
};

/* A link that is in the state and not yet in the books. */
struct engine_pending {
    struct desk_event event; /* its texts are in the desk's arena */
    size_t offset, length;   /* in `bytes` */
};

/* Where one party is told. Texts are in the contacts' arena; NULL where not said. */
struct engine_contact {
    const char *party;
    const char *mail;
    bool mail_is_delivery;
    const char *webhook, *secret;
    bool acknowledges;
};

struct engine_desk {
    struct desk_state *state; /* NULL: to be folded anew from the journal */
    struct oft_arena arena;   /* what the state points to */
    uint64_t count;           /* links in the books */
    uint8_t head[32];
    size_t waste_bytes;
    struct engine_effects effects;
    struct oft_buffer bytes;
    struct engine_pending *pending;
    size_t pending_count, pending_capacity;
    struct oft_error fault; /* code not OFT_OK: the journal is damaged, the desk is closed */
    uint64_t rights_of;     /* the generation whose rights are in the journal */

    struct oft_arena contacts_arena;
    struct engine_contact *contacts;
    size_t contact_count;
    struct engine_mail_server mail;
    bool send_in_rehearsal;
};

/* desk.c */
enum oft_err engine_desk_open(struct engine *engine, struct oft_error *reterr);
void engine_desk_close(struct engine *engine);
/* Makes sure that there is a state and that it holds the rights of the deal in force, and lets time
 * pass to now. */
enum oft_err engine_desk_ready(struct engine *engine, oft_instant now_ns, struct oft_error *reterr);
/* The instant of an event that is taken now: contract time, never before the desk's clock. */
oft_instant engine_desk_at(const struct engine *engine, oft_instant now_ns);
/* Takes EVENT into the state; it waits for engine_desk_commit. OFT_ERR_DENIED: refused, nothing waits
 * that did not before. */
enum oft_err engine_desk_take(struct engine *engine, const struct desk_event *event,
                              struct desk_refusal *ret_refusal, struct oft_error *reterr);
/* Writes what waits, the effects and REQUEST (may be NULL) in the transaction that is open. */
enum oft_err engine_desk_write(struct engine *engine, const struct store_desk_request *request,
                               oft_instant now_ns, struct oft_error *reterr);
/* Tells whether the transaction is on disk: RESULT is the commit's. The state is dropped when not. */
void engine_desk_settle(struct engine *engine, enum oft_err result);
/* Begin, write, commit. */
enum oft_err engine_desk_commit(struct engine *engine, const struct store_desk_request *request,
                                oft_instant now_ns, struct oft_error *reterr);
/* Forgets the state and what waits: the journal is the truth. */
void engine_desk_drop(struct engine *engine);

/* Folds the journal into a state of its own, up to and including UNTIL (NEVER: all), and lets time
 * pass to UNTIL. What it points to goes into ARENA. CHECK (may be NULL) sees every event before it is
 * taken. OFT_ERR_CORRUPT when a link does not hold. */
typedef void (*engine_desk_check_fn)(void *context, const struct desk_state *state,
                                     const struct desk_event *event);
struct engine_desk_fold {
    oft_instant until;
    struct oft_arena *arena;
    engine_desk_check_fn check;
    void *check_context;
    struct desk_state *state; /* the result */
    uint64_t count;
    uint8_t head[32];
};
enum oft_err engine_desk_fold_run(struct engine *engine, struct engine_desk_fold *fold,
                                  struct oft_error *reterr);
void engine_desk_collect(void *context, const struct desk_effect *effect);

/* desk_fill.c: what the deal and the state know and the words of an act do not. EVENT's rows are
 * replaced by copies in ARENA. */
enum oft_err engine_desk_fill(struct engine *engine, const struct engine_desk_call *call,
                              struct oft_arena *arena, struct desk_event *event,
                              struct oft_error *reterr);
/* The hash of the terms that EVENT, a notice sent now, fixes. */
enum oft_err engine_desk_notice_hash(const struct desk_state *state, const struct desk_event *event,
                                     uint8_t ret_hash[32]) OFT_MUSTCHECK;

/* desk_answer.c */
struct engine_desk_outcome {
    const struct desk_state *state;
    const struct desk_event *event;
    const struct desk_effect *effects;
    size_t effect_count;
    uint64_t viewer; /* 0: the customer */
    bool dry_run;
};
enum oft_err engine_desk_answer(const struct engine_desk_outcome *outcome, struct oft_buffer *out);
/* May VIEWER know of this thing? */
bool engine_desk_knows(const struct desk_state *state, enum desk_field_kind kind, uint32_t index,
                       uint64_t viewer);
/* "notice-2" and "sent", of an effect. */
const char *engine_desk_effect_thing(const struct desk_effect *effect,
                                     char out[DESK_REFERENCE_BYTES]);
const char *engine_desk_effect_what(const struct desk_effect *effect);
enum desk_field_kind engine_desk_effect_kind(const struct desk_effect *effect);
uint64_t engine_desk_viewer(const struct engine *engine, const char *party);

/* desk_rights.c: before a publication, whether the desk can reckon by DEAL: what it cannot goes into
 * REPORT. And after it, the events that make it so. */
enum oft_err engine_desk_rights_check(struct engine *engine, const struct deal *deal,
                                      oft_instant now_ns, struct oft_buffer *report,
                                      struct oft_error *reterr);
enum oft_err engine_desk_rights_sync(struct engine *engine, oft_instant now_ns,
                                     struct oft_error *reterr);

/* desk_almanac.c: what the machine knows of a calendar or a time zone, in ARENA. */
enum oft_err engine_desk_calendar(const char *name, struct oft_arena *arena,
                                  const struct oft_calendar **ret_calendar,
                                  struct oft_error *reterr);
enum oft_err engine_desk_zone(const char *name, struct oft_arena *arena,
                              const struct oft_zone **ret_zone, struct oft_error *reterr);

/* desk_outbox.c: the rows of the waiting effects, in the transaction that is open. */
enum oft_err engine_desk_outbox_put(struct engine *engine, oft_instant now_ns,
                                    struct oft_error *reterr);
const struct engine_contact *engine_desk_contact(const struct engine *engine, const char *party);
/* "notice-2" is 1. */
bool engine_desk_notice_reference(const char *thing, uint32_t *ret_index);

/* desk_notice.c */
enum oft_err engine_desk_letter(struct engine *engine, uint32_t notice,
                                enum engine_document_format format, struct oft_buffer *out,
                                struct oft_error *reterr);

/* desk_verify.c: every finding is told to FIND. */
typedef void (*engine_desk_finding_fn)(void *context, const char *text);
enum oft_err engine_desk_examine(struct engine *engine, engine_desk_finding_fn find, void *context,
                                 uint64_t *ret_events, uint8_t ret_head[32],
                                 struct oft_error *reterr);

#endif
