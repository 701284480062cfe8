/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_STORE_STORE_H
#define OFFTAKE_STORE_STORE_H
/*
 * store -- rows in and out.
 *
 * What it is   The one interface to the database: policies and their deal texts, keys, attestations,
 *              reading positions, open intents, the books, and the capacity desk's journal. SQLite
 *              inside; nothing outside of this room knows.
 * What it is not  It decides nothing and opens no transaction by itself: the engine begins and commits.
 * May include  base, and the types of deal, ledger and meter that the rows are made of.
 * Errors       enum oft_err with a struct oft_error. OFT_ERR_FULL when the disk is, OFT_ERR_BUSY when
 *              somebody else holds the database, OFT_ERR_CORRUPT when it is damaged.
 * Ownership    store_open/store_close. Rows handed out through visitors are the store's and live for
 *              the call; loaded arrays are put into the caller's arena.
 * Durability   A commit is on disk when store_commit returns (synchronous=FULL, write-ahead log).
 * Threads      One thread.
 */
#include "ledger/ledger.h"

struct store;

/* Opens or makes the database at PATH and brings its schema up to date. */
enum oft_err store_open(const char *path, struct store **ret_store,
                        struct oft_error *reterr) OFT_MUSTCHECK;
void store_close(struct store *store); /* accepts NULL */

enum oft_err store_begin(struct store *store, struct oft_error *reterr) OFT_MUSTCHECK;
enum oft_err store_commit(struct store *store, struct oft_error *reterr) OFT_MUSTCHECK;
void store_rollback(struct store *store);

/* ---- settings --------------------------------------------------------------------------------- */

/* *ret_value is put into ARENA; NULL when the name is not there. */
enum oft_err store_meta_get(struct store *store, const char *name, struct oft_arena *arena,
                            const char **ret_value, struct oft_error *reterr) OFT_MUSTCHECK;
enum oft_err store_meta_set(struct store *store, const char *name, const char *value,
                            struct oft_error *reterr) OFT_MUSTCHECK;

/* ---- policies --------------------------------------------------------------------------------- */

enum oft_err store_policy_last(struct store *store, uint64_t *ret_generation,
                               struct oft_error *reterr) OFT_MUSTCHECK;
/* The deal's text is kept once however many generations are made of it. */
enum oft_err store_policy_put(struct store *store, uint64_t generation, oft_instant published_ns,
                              const struct deal *deal, struct oft_error *reterr) OFT_MUSTCHECK;
/* The files of GENERATION's deal in ARENA, the first being the main one; none: OFT_ERR_NOT_FOUND. */
enum oft_err store_policy_files(struct store *store, uint64_t generation, struct oft_arena *arena,
                                struct deal_file **ret_files, size_t *ret_count,
                                struct oft_error *reterr) OFT_MUSTCHECK;

/* The hash that GENERATION's deal was published with. */
enum oft_err store_policy_sha256(struct store *store, uint64_t generation, uint8_t ret_sha256[32],
                                 struct oft_error *reterr) OFT_MUSTCHECK;
/* For each deal ever published its first generation, in ARENA; *ret_total counts generations. */
enum oft_err store_policy_firsts(struct store *store, struct oft_arena *arena,
                                 uint64_t **ret_generations, size_t *ret_count, uint64_t *ret_total,
                                 struct oft_error *reterr) OFT_MUSTCHECK;

struct store_attestation {
    const char *event;
    const char *party;
    oft_instant at;
    uint64_t generation; /* the first policy that knows of it */
    oft_instant recorded_ns;
    bool is_signed;
    uint8_t signature[64];
    bool is_linked; /* false for rows of before schema 2, which stand first */
    uint8_t previous[32];
    uint8_t hash[32];
};
enum oft_err store_attestation_put(struct store *store, const struct store_attestation *attestation,
                                   struct oft_error *reterr) OFT_MUSTCHECK;
/* The hash of the last link; zeroes when there is none. */
enum oft_err store_attestation_head(struct store *store, uint8_t ret_hash[32],
                                    struct oft_error *reterr) OFT_MUSTCHECK;
/* Those known at GENERATION, in ARENA. */
enum oft_err store_attestations(struct store *store, uint64_t generation, struct oft_arena *arena,
                                struct store_attestation **ret_items, size_t *ret_count,
                                struct oft_error *reterr) OFT_MUSTCHECK;

/* ---- keys ------------------------------------------------------------------------------------- */

struct store_key {
    uint8_t sha256[32];
    uint64_t key_id;
    const char *account;
    const char *product;
    oft_instant created_ns;
    oft_instant revoked_ns;      /* 0: in use */
    struct deal_limits limits;   /* as read; written by store_key_limits_put (store/limits.h) */
    oft_instant former_until_ns; /* as read: how long a token of before is good; 0: none is */
};
enum oft_err store_key_put(struct store *store, const struct store_key *key,
                           struct oft_error *reterr) OFT_MUSTCHECK;
/* OFT_ERR_NOT_FOUND when there is no such key in use. */
enum oft_err store_key_revoke(struct store *store, uint64_t key_id, oft_instant now_ns,
                              struct oft_error *reterr) OFT_MUSTCHECK;
/* All keys in ARENA in order of creation; revoked ones too. */
enum oft_err store_keys(struct store *store, struct oft_arena *arena, struct store_key **ret_keys,
                        size_t *ret_count, struct oft_error *reterr) OFT_MUSTCHECK;
/* A row for each token that is good at NOW: of keys in use, also those they had before. Rows of one key stand
 * together; former_until_ns is that of the row's token. */
enum oft_err store_tokens(struct store *store, oft_instant now_ns, struct oft_arena *arena,
                          struct store_key **ret_keys, size_t *ret_count,
                          struct oft_error *reterr) OFT_MUSTCHECK;

/* ---- the spool's reading position and open intents --------------------------------------------- */

/* 0 when the segment was never read. */
enum oft_err store_position_get(struct store *store, const char *segment, uint32_t *ret_next,
                                struct oft_error *reterr) OFT_MUSTCHECK;
enum oft_err store_position_set(struct store *store, const char *segment, uint32_t next,
                                struct oft_error *reterr) OFT_MUSTCHECK;
/* How many segments have a position. */
enum oft_err store_position_count(struct store *store, uint64_t *ret_count,
                                  struct oft_error *reterr) OFT_MUSTCHECK;
/* Whether a segment of WRITER was read. */
enum oft_err store_writer_known(struct store *store, const char *writer, bool *ret_known,
                                struct oft_error *reterr) OFT_MUSTCHECK;
enum oft_err store_quarantine(struct store *store, const char *segment, uint32_t slot,
                              const char *why, oft_instant now_ns,
                              struct oft_error *reterr) OFT_MUSTCHECK;
/* How many rows say WHY. */
enum oft_err store_quarantine_count(struct store *store, const char *why, uint64_t *ret_count,
                                    struct oft_error *reterr) OFT_MUSTCHECK;

/* The latest intent of a request replaces an earlier one. */
enum oft_err store_intent_put(struct store *store, const char *writer,
                              const struct meter_record *intent,
                              struct oft_error *reterr) OFT_MUSTCHECK;
enum oft_err store_intent_delete(struct store *store, const uint8_t request_id[16],
                                 struct oft_error *reterr) OFT_MUSTCHECK;
enum oft_err store_intent_count(struct store *store, uint64_t *ret_count,
                                struct oft_error *reterr) OFT_MUSTCHECK;
typedef enum oft_err (*store_intent_fn)(void *context, const char *writer,
                                        const struct meter_record *intent,
                                        struct oft_error *reterr);
enum oft_err store_intents(struct store *store, store_intent_fn visit, void *context,
                           struct oft_error *reterr) OFT_MUSTCHECK;

/* ---- the books -------------------------------------------------------------------------------- */

enum oft_err store_series_totals(struct store *store, const struct ledger_series_key *key,
                                 struct ledger_totals *ret_totals,
                                 struct oft_error *reterr) OFT_MUSTCHECK;
/* The sum of amounts of a share clause over all months. */
enum oft_err store_share_total(struct store *store, const char *clause, oft_nanos *ret_amount,
                               struct oft_error *reterr) OFT_MUSTCHECK;

/* What the chain's next link needs. Zero hash and number 0 when the books are empty. */
enum oft_err store_chain_head(struct store *store, uint64_t *ret_number, uint8_t ret_hash[32],
                              oft_instant *ret_recorded_ns, struct oft_error *reterr) OFT_MUSTCHECK;
/* Writes the transaction, its entries and changes, the series' new totals and the balances. */
enum oft_err store_transaction_put(struct store *store,
                                   const struct ledger_transaction *transaction,
                                   const uint8_t previous[32], const uint8_t hash[32],
                                   struct oft_error *reterr) OFT_MUSTCHECK;

/* Series rows into ARENA. KIND 0: every kind. MONTH 0: every month. OFT_ERR_CORRUPT when one stands
 * under another key than its own. */
enum oft_err store_rows(struct store *store, enum ledger_series_kind kind, int32_t month,
                        struct oft_arena *arena, struct ledger_row **ret_rows, size_t *ret_count,
                        struct oft_error *reterr) OFT_MUSTCHECK;

struct store_transaction {
    struct ledger_transaction transaction; /* `before` of its changes is not stored and is zero */
    uint8_t previous[32];
    uint8_t hash[32];
};
typedef enum oft_err (*store_transaction_fn)(void *context, const struct store_transaction *row,
                                             struct oft_error *reterr);
/* Every transaction in order of its number. */
enum oft_err store_transactions(struct store *store, store_transaction_fn visit, void *context,
                                struct oft_error *reterr) OFT_MUSTCHECK;

/* Calls FIND with each thing that is wrong with the file as a database: pages, indexes, values that are
 * missing. What its rows say is not looked at. */
typedef void (*store_finding_fn)(void *context, const char *text);
enum oft_err store_examine(struct store *store, store_finding_fn find, void *context,
                           struct oft_error *reterr) OFT_MUSTCHECK;

struct store_balance {
    const char *account;
    oft_nanos amount;
};
enum oft_err store_balances(struct store *store, struct oft_arena *arena,
                            struct store_balance **ret_balances, size_t *ret_count,
                            struct oft_error *reterr) OFT_MUSTCHECK;

/* ---- the capacity desk ------------------------------------------------------------------------- */

/* One link of the desk's journal. What the bytes are, desk/journal.h knows. */
struct store_desk_event {
    uint64_t number;
    oft_instant recorded_ns;
    const void *bytes;
    size_t length;
    uint8_t previous[32];
    uint8_t hash[32];
};
enum oft_err store_desk_event_put(struct store *store, const struct store_desk_event *event,
                                  struct oft_error *reterr) OFT_MUSTCHECK;
/* The last link's number and hash; 0 and zeroes when there is none. */
enum oft_err store_desk_head(struct store *store, uint64_t *ret_number, uint8_t ret_hash[32],
                             struct oft_error *reterr) OFT_MUSTCHECK;
typedef enum oft_err (*store_desk_event_fn)(void *context, const struct store_desk_event *event,
                                            struct oft_error *reterr);
/* Links in order of their numbers, from FROM on. A visitor that answers OFT_ERR_EXISTS has seen
 * enough: the walk ends well. */
enum oft_err store_desk_events(struct store *store, uint64_t from, store_desk_event_fn visit,
                               void *context, struct oft_error *reterr) OFT_MUSTCHECK;

/* What a command with an idempotency key was answered. */
struct store_desk_request {
    const char *actor;
    const char *key;
    uint8_t payload_sha256[32];
    unsigned status;
    const char *answer;
    oft_instant recorded_ns;
};
enum oft_err store_desk_request_put(struct store *store, const struct store_desk_request *request,
                                    struct oft_error *reterr) OFT_MUSTCHECK;
/* Texts in ARENA. OFT_ERR_NOT_FOUND: ACTOR never used KEY. */
enum oft_err store_desk_request_get(struct store *store, const char *actor, const char *key,
                                    struct oft_arena *arena, struct store_desk_request *ret_request,
                                    struct oft_error *reterr) OFT_MUSTCHECK;

/* A party's token: only its hash is kept. */
struct store_desk_token {
    uint64_t id;
    uint8_t sha256[32];
    const char *party;
    oft_instant created_ns;
    oft_instant revoked_ns; /* 0: in use */
};
enum oft_err store_desk_token_put(struct store *store, const struct store_desk_token *token,
                                  struct oft_error *reterr) OFT_MUSTCHECK;
/* OFT_ERR_NOT_FOUND when there is no such token in use. */
enum oft_err store_desk_token_revoke(struct store *store, uint64_t id, oft_instant now_ns,
                                     struct oft_error *reterr) OFT_MUSTCHECK;
/* The party of a token in use, in ARENA; OFT_ERR_NOT_FOUND. */
enum oft_err store_desk_token_party(struct store *store, const uint8_t sha256[32],
                                    struct oft_arena *arena, const char **ret_party,
                                    struct oft_error *reterr) OFT_MUSTCHECK;
enum oft_err store_desk_tokens(struct store *store, struct oft_arena *arena,
                               struct store_desk_token **ret_tokens, size_t *ret_count,
                               struct oft_error *reterr) OFT_MUSTCHECK;

/* Stored numbers: do not renumber. */
enum store_delivery_kind {
    STORE_DELIVERY_NOBODY = 0, /* nobody is to be told; the row says that it happened */
    STORE_DELIVERY_MAIL = 1,
    STORE_DELIVERY_WEBHOOK = 2,
};
enum store_delivery_state {
    STORE_DELIVERY_QUEUED = 0,
    STORE_DELIVERY_ACCEPTED = 1, /* by the mail server, by the webhook's receiver */
    STORE_DELIVERY_FAILED = 2,   /* given up */
    STORE_DELIVERY_DONE = 3,     /* NOBODY */
    STORE_DELIVERY_REHEARSED = 4 /* would have left; nothing leaves a rehearsal */
};

/* One thing to tell one party in one way. */
struct store_delivery {
    uint64_t id;
    const char *dedup; /* two rows never have the same */
    uint64_t event;    /* the journal's, 0: time brought it */
    const char *thing; /* "notice-2" */
    const char *what;  /* its state then: "sent" */
    oft_instant at_ns; /* when, in contract time */
    enum store_delivery_kind kind;
    const char *party;
    const char *address;
    enum store_delivery_state state;
    uint32_t attempts;
    oft_instant next_ns;    /* QUEUED: when to try (again); real time, as below */
    oft_instant changed_ns; /* of the last attempt, or of its making */
    const char *reply;      /* the last words of the other side */
};
/* Does nothing when a row with that `dedup` is there. */
enum oft_err store_delivery_put(struct store *store, const struct store_delivery *delivery,
                                struct oft_error *reterr) OFT_MUSTCHECK;
/* Writes state, attempts, next_ns, changed_ns and reply of the row with that id. */
enum oft_err store_delivery_update(struct store *store, const struct store_delivery *delivery,
                                   struct oft_error *reterr) OFT_MUSTCHECK;
/* At most LIMIT queued rows whose time has come, oldest first. */
enum oft_err store_deliveries_due(struct store *store, oft_instant now_ns, uint32_t limit,
                                  struct oft_arena *arena, struct store_delivery **ret_items,
                                  size_t *ret_count, struct oft_error *reterr) OFT_MUSTCHECK;
/* All rows with an id above AFTER, at most LIMIT, in order of their ids. */
enum oft_err store_deliveries(struct store *store, uint64_t after, uint32_t limit,
                              struct oft_arena *arena, struct store_delivery **ret_items,
                              size_t *ret_count, struct oft_error *reterr) OFT_MUSTCHECK;
/* OFT_ERR_NOT_FOUND. */
enum oft_err store_delivery_get(struct store *store, uint64_t id, struct oft_arena *arena,
                                struct store_delivery *ret_delivery,
                                struct oft_error *reterr) OFT_MUSTCHECK;
/* The latest instant that a row was made for; OFT_INSTANT_ALWAYS when there is none. */
enum oft_err store_deliveries_latest(struct store *store, oft_instant *ret_at,
                                     struct oft_error *reterr) OFT_MUSTCHECK;

#endif
