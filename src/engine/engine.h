/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_ENGINE_ENGINE_H
#define OFFTAKE_ENGINE_ENGINE_H
/*
 * engine -- the use cases: one function, one transaction.
 *
 * What it is   Loads rows, calls the pure rooms, carries out what they say, commits, publishes. The
 *              only room that opens a transaction, and the one place where deal, policy, meter, ledger
 *              and store meet.
 * What it is not  No HTTP, no child process, no signal, no loop (api/, daemon/).
 * Layout       <data>/books.db           the store
 *              <data>/spool              segments that the gateways write
 *              <data>/spool/archive      segments that are booked
 *              <data>/run/control        the page that workers watch
 *              <data>/run/policy.snap    the policy in force, replaced by rename
 *              <data>/run/secrets-N      its secrets, readable by the workers' group only
 * Clock        The caller passes the real clock. In a rehearsal the engine adds the shift to get the
 *              instant that contracts see; books of a rehearsal are marked and never mixed.
 * Ownership    engine_open/engine_close. Text results go into the caller's buffer.
 * Errors       enum oft_err with a struct oft_error that a person can act on.
 * Threads      One thread.
 */
#include "deal/deal.h"
#include "ledger/ledger.h"

struct engine;

struct engine_options {
    const char *data_directory;
    const char *deal_path;
    /* Who the workers run as: owner of the spool, group of run/. (uid_t)-1: leave as it is. */
    uint32_t worker_uid, worker_gid;
    /* 0: production. Else: the shift that makes "now" the rehearsed instant. A data directory keeps
     * the kind (production or rehearsal) that it was made with; the other is OFT_ERR_CONFLICT. */
    int64_t clock_shift_ns;
    bool rehearsal;
    int64_t stale_after_ns;
    uint32_t drain_records_max; /* of one transaction; 0: OFT_TRANSACTION_RECORDS_MAX */
};

/* Opens or makes the data directory and the store (a second engine on it is OFT_ERR_BUSY), verifies
 * its version. Publishes nothing yet. */
enum oft_err engine_open(const struct engine_options *options, oft_instant now_ns,
                         struct engine **ret_engine, struct oft_error *reterr) OFT_MUSTCHECK;
void engine_close(struct engine *engine);

/* Parses and checks the deal file, and publishes it with the keys as the next generation. A deal
 * with errors changes nothing: OFT_ERR_INVALID, the report in REPORT (text for people). REPORT also
 * gets warnings. An unset secret variable or an unresolvable host is a warning in REPORT, not an
 * error. */
enum oft_err engine_publish(struct engine *engine, oft_instant now_ns, struct oft_buffer *report,
                            struct oft_error *reterr) OFT_MUSTCHECK;

/* Publishes again without reading the deal file: new keys, attestations, addresses, deliveries, or
 * commitments that crossed their line. */
enum oft_err engine_republish(struct engine *engine, oft_instant now_ns,
                              struct oft_error *reterr) OFT_MUSTCHECK;

/* To be called often: publishes again when a file that holds a provider's key has changed. */
enum oft_err engine_secrets_look(struct engine *engine, oft_instant now_ns,
                                 struct oft_error *reterr) OFT_MUSTCHECK;

/* To be called now and then: books the hours of delivered capacity, and publishes again when a commitment
 * crossed its line, which changes the order of pools. */
enum oft_err engine_tick(struct engine *engine, oft_instant now_ns,
                         struct oft_error *reterr) OFT_MUSTCHECK;

/* What a worker needs to see that we live. */
void engine_heartbeat(struct engine *engine, oft_instant now_ns);

struct engine_drain_result {
    uint64_t records;      /* read from spools in this call */
    uint64_t settled;      /* booked */
    uint64_t unsettled;    /* orphaned intents booked by the rule */
    uint64_t open_intents; /* still waiting for their settlement */
    uint64_t unrated;
    uint64_t corrupt;   /* records that failed their checksum: reported, never booked */
    uint64_t torn;      /* half-written last records of dead writers */
    uint64_t doubled;   /* settlements written twice, alike: counted once */
    uint64_t conflicts; /* written twice and not alike: the first holds, the other is set aside */
    bool more;          /* a ceiling was met: call again */
};
/* Reads what the spools hold, books it and the new positions in one transaction, then moves
 * finished segments to the archive. OFT_ERR_FULL and OFT_ERR_IO leave everything to the next call.
 */
enum oft_err engine_drain(struct engine *engine, oft_instant now_ns,
                          struct engine_drain_result *ret_result,
                          struct oft_error *reterr) OFT_MUSTCHECK;

/* ---- capacity that the desk ordered ----------------------------------------------------------- */

/* What was delivered as pools, as the text of "orders.deal" (desk/pools.h), in ARENA; "" when nothing
 * was. It is published with the deal; engine_republish takes up what was delivered since. */
enum oft_err engine_orders_text(struct engine *engine, struct oft_arena *arena,
                                struct oft_str *ret_text, struct oft_error *reterr) OFT_MUSTCHECK;
/* Would the deal in force hold with TEXT as its orders.deal? To be asked before a delivery with a pool is
 * taken. OFT_ERR_INVALID: no, a name is taken, say; what is wrong is in REPORT. */
enum oft_err engine_orders_check(struct engine *engine, struct oft_str text,
                                 struct oft_buffer *report, struct oft_error *reterr) OFT_MUSTCHECK;
/* Books what delivered capacity came to by the hours that are over, and what follows from commitments
 * (shortfalls that are due, credits, overage). As often as one likes: what is booked already is not
 * booked again. */
enum oft_err engine_accrue(struct engine *engine, oft_instant now_ns,
                           struct oft_error *reterr) OFT_MUSTCHECK;

/* ---- pools ------------------------------------------------------------------------------------------ */

/* A pool whose health is asked for, by the deal in force. */
struct engine_health {
    uint64_t pool_id;
    const char *url;
    uint32_t every_ms;
};
/* In ARENA; pools that have no address to ask forget what was heard of them. */
enum oft_err engine_health_list(struct engine *engine, struct oft_arena *arena,
                                struct engine_health **ret_items, size_t *ret_count) OFT_MUSTCHECK;
/* What was heard of a pool, for the workers. By any thread. */
void engine_health_heard(struct engine *engine, uint64_t pool_id, bool good);

/* ---- keys, attestations, reports ---------------------------------------------------------------- */

/* To be called at the start, when what the spool holds was booked: if no worker of before is alive, what
 * limits count begins anew, budgets with what the books have counted. */
void engine_limits_begin(struct engine *engine);

/* Makes a key with LIMITS (NULL: none), stores its hash, publishes. RET_TOKEN gets the token, the only time it can be had.
 */
#define ENGINE_TOKEN_BYTES 64
enum oft_err engine_key_create(struct engine *engine, const char *account, const char *product,
                               const struct deal_limits *limits, oft_instant now_ns,
                               char ret_token[ENGINE_TOKEN_BYTES],
                               struct oft_error *reterr) OFT_MUSTCHECK;
/* Gives a key in use other limits, and publishes. */
enum oft_err engine_key_limit(struct engine *engine, const char *key_id_hex,
                              const struct deal_limits *limits, oft_instant now_ns,
                              struct oft_error *reterr) OFT_MUSTCHECK;
/* Gives a key in use a new token, once more the only time it can be had. The one it had is good for KEEP_NS yet, at
 * most ENGINE_TOKEN_KEEP_NS_MAX. Id, limits and what was spent stay the key's. */
#define ENGINE_TOKEN_KEEP_NS_MAX (90 * OFT_NS_PER_DAY)
enum oft_err engine_key_rotate(struct engine *engine, const char *key_id_hex, int64_t keep_ns,
                               oft_instant now_ns, char ret_token[ENGINE_TOKEN_BYTES],
                               struct oft_error *reterr) OFT_MUSTCHECK;
enum oft_err engine_key_revoke(struct engine *engine, const char *key_id_hex, oft_instant now_ns,
                               struct oft_error *reterr) OFT_MUSTCHECK;
/* JSON: {"keys":[{"id","account","product","created","revoked","former_token_until","limits"}]}. */
enum oft_err engine_keys_list(struct engine *engine, struct oft_buffer *out,
                              struct oft_error *reterr) OFT_MUSTCHECK;

/* Records that PARTY attested EVENT at AT, and publishes. The party must be the event's attester; when
 * it has a key in the deal, SIGNATURE (64 bytes of Ed25519, else NULL) must be its own over
 * deal_attestation_statement. OFT_ERR_DENIED otherwise. */
enum oft_err engine_attest(struct engine *engine, const char *event, const char *party,
                           oft_instant at, const uint8_t *signature, oft_instant now_ns,
                           struct oft_error *reterr) OFT_MUSTCHECK;

/* JSON: what was attested so far, in the order in which it was recorded. */
enum oft_err engine_attestations_list(struct engine *engine, struct oft_buffer *out,
                                      struct oft_error *reterr) OFT_MUSTCHECK;

/* Statements and commitments book first what is owed by now (engine_accrue). */
enum oft_err engine_statement(struct engine *engine, const char *party, int32_t month,
                              oft_instant now_ns, enum ledger_format format, struct oft_buffer *out,
                              struct oft_error *reterr) OFT_MUSTCHECK;
enum oft_err engine_commitments(struct engine *engine, oft_instant now_ns,
                                enum ledger_format format, struct oft_buffer *out,
                                struct oft_error *reterr) OFT_MUSTCHECK;
/* Forecasts of all commitments as of AT, an instant of contract time, or of now when it is NULL: text or
 * JSON. Books nothing. */
enum oft_err engine_forecast(struct engine *engine, const oft_instant *at, oft_instant now_ns,
                             enum ledger_format format, struct oft_buffer *out,
                             struct oft_error *reterr) OFT_MUSTCHECK;
enum oft_err engine_usage(struct engine *engine, enum ledger_format format, struct oft_buffer *out,
                          struct oft_error *reterr) OFT_MUSTCHECK;
/* A FOCUS file of a month (docs/focus.md): DATASET and VERSION as the command line names them; BY_DAY:
 * use has charge periods of a day. Books first what is owed by now. */
enum oft_err engine_focus(struct engine *engine, const char *dataset, const char *version,
                          int32_t month, bool by_day, oft_instant now_ns, struct oft_buffer *out,
                          struct oft_error *reterr) OFT_MUSTCHECK;

/* What providers are owed for a month by the day or the hour (UTC), as CSV (docs/reconcile.md), from the
 * records of the spool's archive, and as a rest by the month what these do not have. Books first what
 * is owed by now. */
enum oft_err engine_metering(struct engine *engine, int32_t month, bool by_hour, oft_instant now_ns,
                             struct oft_buffer *out, struct oft_error *reterr) OFT_MUSTCHECK;

/* Rebuilds every balance and every series from the entries, checks each transaction's sum and the
 * hash chain, and compares positions with the spools. Says in OUT what was checked; *ret_sound
 * tells. */
enum oft_err engine_verify(struct engine *engine, enum ledger_format format, struct oft_buffer *out,
                           bool *ret_sound, struct oft_error *reterr) OFT_MUSTCHECK;

/* JSON: generation, deal hash and title, counts since start, spool backlog, rehearsal, last error.
 */
enum oft_err engine_status(struct engine *engine, oft_instant now_ns, struct oft_buffer *out,
                           struct oft_error *reterr) OFT_MUSTCHECK;
uint64_t engine_generation(const struct engine *engine);
/* Hash of the admin token for TCP, made at first start: RET_TOKEN is "" when it existed already. */
enum oft_err engine_admin_token(struct engine *engine, char ret_token[ENGINE_TOKEN_BYTES],
                                uint8_t ret_sha256[32], struct oft_error *reterr) OFT_MUSTCHECK;

#endif
