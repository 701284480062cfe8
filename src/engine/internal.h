/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_ENGINE_INTERNAL_H
#define OFFTAKE_ENGINE_INTERNAL_H
/*
 * What the files of the engine share. Private to engine/.
 */
#include "desk/desk.h"
#include "engine/engine.h"
#include "meter/append.h"
#include "meter/read.h"
#include "policy/compile.h"
#include "policy/control.h"
#include "store/store.h"

enum {
    ENGINE_CONTEXTS_MAX = 16,
    ENGINE_TEXT_BYTES_MAX = 64 << 20,
    ENGINE_ARENA_BYTES_MAX = 1 << 30
};

/* A past policy made ready for rating; the most recently used ones are kept. */
struct engine_context {
    uint64_t generation;
    struct deal *deal;
    struct oft_arena arena; /* the stored texts and the attestations */
    struct ledger_context *ledger;
    struct deal_attestations attested;
    uint64_t last_use;
};

struct engine {
    struct store *store;
    struct oft_arena arena; /* paths */
    const char *data, *run, *spool, *archive, *deal_path;
    uint32_t worker_uid, worker_gid;
    int64_t clock_shift_ns;
    bool rehearsal;
    int lock_fd;
    struct control_page *control;

    struct deal *deal; /* the one in force; owned by its context below */
    struct engine_context *current;
    uint64_t generation;
    struct engine_context *contexts[ENGINE_CONTEXTS_MAX];
    uint64_t uses, batch_began;      /* contexts used after `batch_began` must stay */
    const struct desk_state *orders; /* whose deliveries are published and booked: the desk's */
    bool accrued_once;
    int64_t accrued_hour; /* of contract time, since 1970 */
    int64_t
        *values; /* by clause of the deal in force: what the snapshot in force was compiled with */

    uint64_t records, settled, unsettled, unrated, corrupt, torn;
    struct meter_record *read_buffer;
    size_t drain_records_max;
    char last_error[480];
    uint64_t secret_files;              /* the state of the files of keys when they were read */
    struct engine_desk *desk;           /* desk_internal.h */
    struct engine_watch *watch;         /* watch_internal.h */
    struct engine_settled *settlements; /* settled.h; NULL before the first drain */
    struct limit_page *limits;          /* limits.h */
    int limits_fd;
    struct pool_page *pools;
    int pools_fd;
    oft_instant former_token_ends_ns; /* when the next token of a rotated key ends */
    bool limits_turned;
    int64_t limits_number[DEAL_BUDGET_PERIOD_COUNT]; /* periods that run, when last looked */
};

/* engine.c */
const char *engine_path(struct engine *engine, const char *directory, const char *name);
oft_instant engine_contract_now(const struct engine *engine, oft_instant now_ns);

/* files.c: a file written whole, or not at all: temporary name, fsync, rename. MODE is final. */
enum oft_err engine_write_file(struct engine *engine, const char *path, const void *bytes,
                               size_t length, unsigned mode, struct oft_error *reterr);
enum oft_err engine_control_open(struct engine *engine, oft_instant now_ns, int64_t stale_after_ns,
                                 struct oft_error *reterr);
enum oft_err engine_directories(struct engine *engine, struct oft_error *reterr);

/* contexts.c: *ret_context is the engine's. NOT_FOUND when that generation is not in the books, LIMIT
 * when the batch being made refers to as many as can be kept. */
enum oft_err engine_context_get(struct engine *engine, uint64_t generation,
                                struct engine_context **ret_context, struct oft_error *reterr);
void engine_contexts_drop(struct engine *engine);
/* Whether GENERATION's deal can be made from the books as it was published: OFT_ERR_CORRUPT if not. */
enum oft_err engine_policy_check(struct engine *engine, uint64_t generation,
                                 struct oft_error *reterr);
/* Attestations known at GENERATION as indices of DEAL's events, in ARENA. */
enum oft_err engine_attested(struct engine *engine, const struct deal *deal, uint64_t generation,
                             struct oft_arena *arena, struct deal_attestations *ret_attested,
                             struct oft_error *reterr);
/* The link of an attestation in the chain of them all; attest.c. */
enum oft_err engine_attestation_hash(const struct store_attestation *attestation,
                                     uint8_t ret[32]) OFT_MUSTCHECK;
bool engine_attestation_signed_by(const struct deal *deal, const struct deal_party *party,
                                  const char *event, oft_instant at, const uint8_t signature[64]);
struct deal_attestations engine_attested_now(const struct engine *engine);

/* compile.c: everything but the deal's text: keys, addresses, secrets, commitments; and the files. */
enum oft_err engine_release(struct engine *engine, const struct deal *deal, uint64_t generation,
                            struct deal_attestations attested, oft_instant now_ns,
                            struct oft_buffer *report, struct oft_error *reterr);
/* By clause of DEAL, in ARENA: what spend that the commitment counts saves now, in parts per billion. */
enum oft_err engine_values(struct engine *engine, const struct deal *deal,
                           struct deal_attestations attested, oft_instant now_ns,
                           struct oft_arena *arena, int64_t **ret_values, struct oft_error *reterr);

/* post.c: closes BATCH and writes what it changes, with RANGES, as the next transaction of the books;
 * none when there is neither. Within the store's transaction that is open. */
struct engine_posted {
    bool any;
    uint64_t unrated;
    uint64_t number; /* of that transaction; 0: none */
};
enum oft_err engine_post(struct engine *engine, struct ledger_batch *batch,
                         const struct ledger_range *ranges, size_t range_count, oft_instant now_ns,
                         struct engine_posted *ret_posted, struct oft_error *reterr);

/* The same with EVENT, which says what the batch is for, in one transaction. */
enum oft_err engine_post_told(struct engine *engine, struct ledger_batch *batch,
                              const struct ledger_event *event, oft_instant now_ns,
                              struct engine_posted *ret_posted, struct oft_error *reterr);

/* Tells BATCH which months are closed; engine_post does it too. Capacity asks for it before. */
enum oft_err engine_batch_periods(struct engine *engine, struct ledger_batch *batch,
                                  struct oft_error *reterr);
/* Writes EVENT as the next transaction of the books. Within the store's transaction that is open. */
enum oft_err engine_post_event(struct engine *engine, const struct ledger_event *event,
                               oft_instant now_ns, struct oft_error *reterr);
/* dues.c: books what follows from commitments and shares by now; engine_accrue does it behind the hours. */
/* All rows of KINDS, in ARENA. */
enum oft_err engine_rows_of(struct engine *engine, const enum ledger_series_kind *kinds,
                            size_t kind_count, struct oft_arena *arena,
                            struct ledger_row **ret_rows, size_t *ret_count,
                            struct oft_error *reterr) OFT_MUSTCHECK;
/* programmes.c: calls of capital that the deal's text has. */
enum oft_err engine_fill_funds(struct engine *engine, struct ledger_batch *batch,
                               oft_instant through, struct oft_arena *arena,
                               struct oft_error *reterr) OFT_MUSTCHECK;
enum oft_err engine_share_rows(struct engine *engine, struct oft_arena *arena,
                               struct ledger_row **ret_rows, size_t *ret_count,
                               struct oft_error *reterr) OFT_MUSTCHECK;
enum oft_err engine_settle_dues(struct engine *engine, oft_instant now_ns,
                                struct oft_error *reterr);

/* accrue.c: engine_accrue, at most once an hour of contract time. */
enum oft_err engine_accrue_hourly(struct engine *engine, oft_instant now_ns,
                                  struct oft_error *reterr);

/* The same capacity as it is charged, in ARENA, and how far it is reckoned. */
struct engine_charges {
    const struct ledger_charge *items;
    size_t count;
    oft_instant through;
};
enum oft_err engine_charges(struct engine *engine, oft_instant now_ns, struct oft_arena *arena,
                            struct engine_charges *ret, struct oft_error *reterr);

/* hours.c: a month by the hour from its records; to be freed with ledger_hours_free, also on failure. */
struct engine_hours {
    struct ledger_hours *hours;
    uint64_t missing; /* segments that are nowhere */
};
enum oft_err engine_hours_read(struct engine *engine, int32_t month, oft_instant now_ns,
                               struct oft_arena *arena, struct engine_hours *ret,
                               struct oft_error *reterr);

/* orders.c: the desk's state; NULL when there is none, or the desk is closed. */
const struct desk_state *engine_orders(const struct engine *engine);
/* May ARRIVAL, which is not in the desk's state yet and has a pool, be taken? engine_orders_check of all
 * that was delivered and of it. OFT_ERR_INVALID: no; RETERR says why in one line, REPORT in full. */
enum oft_err engine_delivery_check(struct engine *engine, const struct desk_arrival *arrival,
                                   struct oft_buffer *report, struct oft_error *reterr);
/* Parses the deal with ORDERS and MONTHS beside it ("": nothing): from its file, or from the own texts of
 * AGAIN when that is not NULL. */
enum oft_err engine_deal_parse(struct engine *engine, const struct deal *again,
                               struct oft_str orders, struct oft_str months, struct deal **ret_deal,
                               struct deal_diagnostics *diagnostics, struct oft_error *reterr);
/* The deal that was published last, from the books when none is in force yet; NULL when there is none. */
enum oft_err engine_last_deal(struct engine *engine, const struct deal **ret_deal,
                              struct oft_error *reterr);

/* months.c: the deal from its file, with ORDERS beside it and the months of its time zone. */
enum oft_err engine_deal_read(struct engine *engine, struct oft_str orders, oft_instant now_ns,
                              struct deal **ret_deal, struct deal_diagnostics *diagnostics,
                              struct oft_error *reterr);
/* Texts of DEAL that were generated: the one at PATH, and its months; "" when there is none. */
struct oft_str engine_generated_text(const struct deal *deal, const char *path);
struct oft_str engine_months_of(const struct deal *deal);
struct deal_file engine_months_file(struct oft_str text);
/* The words of the first error among DIAGNOSTICS, which may have warnings before it; "" when none. */
const char *engine_first_error(const struct deal_diagnostics *diagnostics);
/* Whether the deal in force was published with ORDERS. */
bool engine_orders_published(const struct engine *engine, struct oft_str orders);

/* intents.c: the intents of one drain, by request id. */
struct engine_intents {
    struct engine_intent {
        struct meter_record record;
        char writer[64];
        bool used, settled;
    } * slots;
    size_t capacity, count;
};
void engine_intents_release(struct engine_intents *intents);
enum oft_err engine_intents_put(struct engine_intents *intents, const char *writer,
                                const struct meter_record *record);
enum engine_seen {
    ENGINE_INTENT_UNSEEN,     /* nothing of this request was here */
    ENGINE_INTENT_OPEN,       /* its intent was */
    ENGINE_SETTLED_ALIKE,     /* a settlement with the same content was */
    ENGINE_SETTLED_OTHERWISE, /* one with another content was */
};
enum engine_seen engine_intents_seen(const struct engine_intents *intents,
                                     const struct meter_record *settled);
/* Whether two settlements say the same. What a writer sets by itself is no content: place, checksum, when it
 * was written. */
bool engine_intents_alike(const struct meter_record *a, const struct meter_record *b);
/* Keeps SETTLED in the place of its intent, if that was here. */
void engine_intents_settle(struct engine_intents *intents, const struct meter_record *settled);

/* secrets.c */
enum oft_err engine_secrets_write(struct engine *engine, const struct deal *deal,
                                  uint64_t generation, struct oft_buffer *report,
                                  struct oft_error *reterr);
/* Deletes every file of secrets but those of these two generations. */
void engine_secrets_keep(struct engine *engine, uint64_t generation, uint64_t previous);
/* Notes in which state the files of keys are about to be read. */
void engine_secrets_seen(struct engine *engine, const struct deal *deal);
/* 32 random bytes as PREFIX and 43 characters of base64url. */
enum oft_err engine_token_make(const char *prefix, char ret_token[ENGINE_TOKEN_BYTES],
                               struct oft_error *reterr);

#endif
