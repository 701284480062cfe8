/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_GATEWAY_H
#define OFFTAKE_GATEWAY_H

/*
 * gateway -- the data plane: an nginx content handler that asks the policy.
 *
 * What it is   Auth, one scan of the body, one decision, then one attempt a
 *              pool over nginx's upstream machinery, with an intent in the
 *              spool before each and one settlement at the end.
 * What it is not  It parses no deal, opens no database, resolves no name and
 *              reads no configuration beyond its directives.  What it knows
 *              of the contract is the mapped snapshot.
 * Files        module     directives, start of a worker
 *              policy     the control page; mapping, swapping, letting go
 *              handler    paths, clients' keys, bodies
 *              admit      model, decision, admission
 *              body       the request as a pool must get it: its body
 *              head       and its first lines, by the endpoint's kind
 *              sign       AWS signatures, without nginx
 *              keys       the keys of a pool, shared by all workers
 *              upstream   attempts: choice of peer, failover
 *              keepalive  idle connections to providers, by pool
 *              response   the provider's headers and JSON answers
 *              stream     server-sent events as they pass
 *              first      a stream's first event, and its breaking off
 *              reply      our own answers, in the OpenAI form
 *              messages   and in Anthropic's
 *              limits     rates, budgets, concurrency; taken and given back
 *              health     how pools are doing, shared by all workers
 *              meter      intents and settlements
 *              counters   what is counted for those who watch
 *              trace      W3C trace context, in and on
 *              variables  $offtake_..., for access logs
 *              scan, parts, usage  JSON and forms, without nginx
 *              events, errors  server-sent events, without nginx
 * Memory       A request's things live in r->pool.  A mapped policy lives as
 *              long as a request holds it.
 * Errors       A worker never aborts.  What cannot be decided is refused.
 * Threads      A worker is one thread; only the pages of `limits` and
 *              `health` are shared.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "base/base.h"
#include "base/hash.h"
#include "base/limits.h"
#include "meter/append.h"
#include "meter/counters.h"
#include "policy/control.h"
#include "policy/decide.h"
#include "policy/limits.h"
#include "policy/paths.h"
#include "policy/pools.h"

#include "ngx_http_offtake_events.h"
#include "ngx_http_offtake_parts.h"
#include "ngx_http_offtake_scan.h"
#include "ngx_http_offtake_usage.h"

extern ngx_module_t  ngx_http_offtake_module;

/* One mapped snapshot with its secrets. */
typedef struct {
    struct policy_view           view;
    void                        *bytes;
    size_t                       length;
    const struct policy_secret  *secrets;
    uint32_t                     secret_count;
    void                        *secret_bytes;
    size_t                       secret_length;
    ngx_uint_t                   references;
    struct pool_slot           **pools;    /* by pool; NULL: counts as up */
    struct limit_slot          **slots;    /* by limit; NULL: none to count */
    ngx_uint_t                   several_keys;  /* some pool has them */
} ngx_http_offtake_policy_t;

/* An SSL context for each certificate bundle that a snapshot names. */
typedef struct {
    ngx_str_t   ca_file;
    ngx_ssl_t  *ssl;
} ngx_http_offtake_ssl_t;

/* What a worker holds.  One, made when the worker starts. */
typedef struct {
    struct control_page        *control;
    ngx_http_offtake_policy_t  *policy;
    uint64_t                    refused_generation; /* did not pass */
    struct meter_writer         writer;
    ngx_uint_t                  writer_open;   /* unsigned  1 bit */
    ngx_msec_t                  writer_retry;
    uint64_t                    id_seed;
    uint64_t                    id_counter;
    EVP_MD                     *sha256;
    EVP_MD_CTX                 *sha256_context;
    ngx_array_t                 ssl;           /* ngx_http_offtake_ssl_t */
    ngx_pool_t                 *pool;
    struct limit_page          *limit_page;    /* NULL: not to be had */
    int                         limit_fd;
    struct limit_worker        *limits;
    struct pool_page           *pool_page;     /* NULL: not to be had */
    int                         pool_fd;
    struct counter_worker       counters;
    ngx_queue_t                 idle;          /* kept-alive connections */
    ngx_queue_t                 free_items;
} ngx_http_offtake_worker_t;

typedef struct {
    ngx_str_t                    run;
    ngx_str_t                    spool;
    ngx_str_t                    node;
    ngx_str_t                    ca_bundle;
    ngx_uint_t                   segment_records;
    ngx_uint_t                   keepalive;
    ngx_shm_zone_t              *key_zone;
    ngx_http_offtake_worker_t   *worker;
    ngx_http_upstream_conf_t     upstream;
    ngx_http_upstream_srv_conf_t peers;
} ngx_http_offtake_main_conf_t;

typedef struct {
    ngx_flag_t  enabled;     /* of any location in this server */
} ngx_http_offtake_srv_conf_t;

typedef struct {
    ngx_flag_t  enabled;
    size_t      body_max;
    ngx_msec_t  drain_max;
    size_t      drain_size;
    ngx_msec_t  hold_max;
} ngx_http_offtake_loc_conf_t;

/* policy/paths.h has them all. */
#define OFFTAKE_PATH_CHAT         POLICY_PATH_CHAT
#define OFFTAKE_PATH_COMPLETIONS  POLICY_PATH_COMPLETIONS
#define OFFTAKE_PATH_EMBEDDINGS   POLICY_PATH_EMBEDDINGS
#define OFFTAKE_PATH_RESPONSES    POLICY_PATH_RESPONSES

#define OFFTAKE_FORWARDED_MAX  4

/* The few of a client's headers that we look at, found in one pass. */
typedef struct {
    ngx_table_elt_t             *api_key;      /* x-api-key */
    ngx_table_elt_t             *pool;         /* x-offtake-pool */
    ngx_table_elt_t             *version;      /* anthropic-version */
    ngx_table_elt_t             *forwarded[OFFTAKE_FORWARDED_MAX];
    ngx_uint_t                   forwarded_count;
    size_t                       forwarded_bytes;
} ngx_http_offtake_client_t;

/* How a body is handed on. */
typedef enum {
    OFFTAKE_BODY_NONE = 0,
    OFFTAKE_BODY_JSON,
    OFFTAKE_BODY_PARTS,
    OFFTAKE_BODY_BYTES     /* not looked at */
} ngx_http_offtake_body_t;

/* What a request took of one limit. */
typedef struct {
    const struct policy_limit  *limit;   /* NULL: nothing */
    struct limit_slot          *slot;
    uint64_t                    tokens;
    int64_t                     nanos;
    _Atomic int64_t            *money[POLICY_LIMIT_PERIODS];
} ngx_http_offtake_hold_t;

#define OFFTAKE_HOLDS         3          /* key, account, product */
#define OFFTAKE_CEILINGS_MAX  4          /* on one provider at one instant */

typedef struct ngx_http_offtake_large_s  ngx_http_offtake_large_t;

/* Why a request was not admitted. */
typedef struct {
    const struct policy_limit  *limit;
    enum {
        OFFTAKE_SHORT_REQUESTS,
        OFFTAKE_SHORT_TOKENS,
        OFFTAKE_SHORT_TOO_LARGE,
        OFFTAKE_SHORT_RUNNING,
        OFFTAKE_SHORT_MONEY,
        OFFTAKE_SHORT_UNKNOWN
    }                           what;
    ngx_uint_t                  retry_after; /* seconds */
} ngx_http_offtake_short_t;

typedef struct {
    const char  *type;
    const char  *code;
    const char  *text;
} ngx_http_offtake_words_t;

/* One request, from admission to settlement. */
typedef struct {
    ngx_http_request_t          *request;
    ngx_http_offtake_worker_t   *worker;
    ngx_http_offtake_policy_t   *policy;
    const struct policy_key     *key;
    enum policy_path             path;
    const struct policy_path_info *info;       /* of the path */
    ngx_http_offtake_client_t    client;
    struct policy_answer        *answer;
    uint32_t                     model;        /* POLICY_NONE: it names none */
    uint32_t                     choice;       /* the next to try */
    const struct policy_candidate *candidate;  /* the one being tried */
    uint32_t                     address;      /* of its endpoint's */
    uint32_t                     credential;   /* of this attempt */
    uint32_t                     key_at;       /* it among the endpoint's */
    uint32_t                     key_next;     /* and the one to try then */

    ngx_str_t                    body;
    ngx_http_offtake_body_t      body_form;
    offtake_request_t            scanned;

    ngx_http_status_t            status;
    ngx_http_chunked_t           chunked;
    ngx_http_upstream_conf_t     upstream_conf; /* of this attempt */
    ngx_uint_t                   upstream_status;
    ngx_uint_t                   retry_after;

    offtake_usage_t              usage;
    offtake_tier_t               stream_tier;  /* as its events told so far */
    ngx_buf_t                   *held;         /* part of an event */
    ngx_chain_t                 *held_sent;    /* buffers that go out */
    ngx_chain_t                 *held_free;
    ngx_http_offtake_large_t    *large;        /* an event not held */
    unsigned                     cut_state;    /* of offtake_cut() */
    ngx_http_chunked_t           first_chunked;
    size_t                       first_seen;   /* bytes behind the headers */
    ngx_msec_t                   first_since;
    ngx_str_t                    first_error;  /* as an answer of its own */
    uint64_t                     stream_events;
    uint64_t                     delivered_bytes;
    uint64_t                     drained_bytes;
    ngx_msec_t                   drain_until;

    struct meter_record          record;
    uint32_t                     reserved;     /* records */

    ngx_http_offtake_hold_t      holds[OFFTAKE_HOLDS];
    ngx_http_offtake_hold_t      pool_hold;
    ngx_http_offtake_hold_t      ceilings[OFFTAKE_CEILINGS_MAX];
    ngx_uint_t                   ceiling_count;
    int64_t                      period_number[POLICY_LIMIT_PERIODS];
    uint64_t                     promised_input;   /* tokens */
    uint64_t                     promised_output;
    int64_t                      promised_nanos;
    int64_t                      promised_cost_nanos;
    uint32_t                     place;        /* in the worker's row */
    struct pool_slot            *running_in;   /* of the attempt that runs */
    ngx_msec_t                   attempt_msec; /* when it began */

    u_char                       request_id[32];
    struct timespec              started;      /* monotonic */

    ngx_int_t                    sent_rc;      /* what sending our reply gave */
    const char                  *code;         /* of our own error */

    unsigned                     budgeted:1;
    unsigned                     has_place:1;
    unsigned                     pool_taken:1;  /* the choice has room */
    unsigned                     admitted:1;   /* must settle */
    unsigned                     settled:1;
    unsigned                     answered:1;   /* by our own reply */
    unsigned                     replaced:1;   /* an nginx page becomes ours */
    unsigned                     replaced_sent:1;
    unsigned                     sse:1;        /* the answer is a stream */
    unsigned                     strip_usage:1;
    unsigned                     saw_done:1;   /* its own word for the end */
    unsigned                     told_error:1; /* an event of it is one */
    unsigned                     opening:1;    /* no event came yet */
    unsigned                     encoded:1;    /* gzip, say */
    unsigned                     first_comment:1;
    unsigned                     broken:1;     /* must not end cleanly */
    unsigned                     saw_end:1;    /* the answer came whole */
    unsigned                     client_gone:1;
    unsigned                     cut:1;
    unsigned                     maybe_billed:1;
    unsigned                     timed_out:1;
    unsigned                     failed_over:1; /* after 200 and no event */
    unsigned                     connected:1;  /* some attempt was sent */
    unsigned                     same_pool:1;  /* stale connection: again */
    unsigned                     next_key:1;   /* the same pool, another key */
    unsigned                     by_id:1;      /* 404: ask the next pool */
} ngx_http_offtake_ctx_t;

/* policy */
ngx_int_t ngx_http_offtake_policy_start(ngx_http_offtake_main_conf_t *omcf,
    ngx_log_t *log);
ngx_http_offtake_policy_t *ngx_http_offtake_policy_get(
    ngx_http_offtake_main_conf_t *omcf, ngx_log_t *log);
void ngx_http_offtake_policy_release(ngx_http_offtake_policy_t *policy);
ngx_int_t ngx_http_offtake_policy_stale(ngx_http_offtake_worker_t *worker,
    int64_t now_ns);

/* handler */
ngx_int_t ngx_http_offtake_handler(ngx_http_request_t *r);
void ngx_http_offtake_request_id(ngx_http_offtake_worker_t *worker,
    ngx_http_offtake_ctx_t *ctx, int64_t now_ns);

/* admit */
ngx_int_t ngx_http_offtake_admit(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx);
ngx_int_t ngx_http_offtake_model(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx);

/* messages: errors as Anthropic's API tells them */
ngx_uint_t ngx_http_offtake_in_messages(ngx_http_request_t *r);
ngx_str_t ngx_http_offtake_messages_error(ngx_http_request_t *r,
    const char *type, ngx_str_t *message);

/* keys */
ngx_int_t ngx_http_offtake_keys_zone(ngx_conf_t *cf,
    ngx_http_offtake_main_conf_t *omcf);
void ngx_http_offtake_key_choose(ngx_http_offtake_ctx_t *ctx,
    const struct policy_endpoint *endpoint);
ngx_uint_t ngx_http_offtake_keys_sort(ngx_http_offtake_ctx_t *ctx);
ngx_uint_t ngx_http_offtake_key_answered(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, ngx_uint_t status);

/* head.  HASH is the body's SHA-256 in hexadecimal, NULL where none is
 * needed. */
ngx_uint_t ngx_http_offtake_signs(ngx_http_offtake_ctx_t *ctx,
    const struct policy_endpoint *endpoint);
ngx_int_t ngx_http_offtake_head(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, const struct policy_endpoint *endpoint,
    size_t body_length, const char *hash, ngx_str_t *head);
ngx_str_t ngx_http_offtake_text(const struct policy_view *view,
    struct policy_text text);

/* body */
ngx_int_t ngx_http_offtake_build(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, const struct policy_endpoint *endpoint);

/* upstream */
ngx_int_t ngx_http_offtake_upstream_start(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx);
ngx_int_t ngx_http_offtake_peer_init(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *peers);

/* keepalive.  HOST is the endpoint's, read from the endpoint's own policy:
 * the worker's may be a newer one by now. */
ngx_int_t ngx_http_offtake_keepalive_init(
    ngx_http_offtake_main_conf_t *omcf);
ngx_connection_t *ngx_http_offtake_keepalive_take(
    ngx_http_offtake_worker_t *worker, uint64_t pool_id,
    const struct policy_endpoint *endpoint, uint32_t address,
    struct oft_str host);
ngx_int_t ngx_http_offtake_keepalive_put(ngx_http_offtake_worker_t *worker,
    uint64_t pool_id, const struct policy_endpoint *endpoint,
    uint32_t address, struct oft_str host, ngx_connection_t *c);

/* response */
ngx_int_t ngx_http_offtake_create_request(ngx_http_request_t *r);
ngx_int_t ngx_http_offtake_reinit_request(ngx_http_request_t *r);
ngx_int_t ngx_http_offtake_process_status(ngx_http_request_t *r);
void ngx_http_offtake_abort_request(ngx_http_request_t *r);
void ngx_http_offtake_finalize_request(ngx_http_request_t *r, ngx_int_t rc);
ngx_uint_t ngx_http_offtake_says_wait(ngx_uint_t status);
ngx_int_t ngx_http_offtake_filter_init(void *data);
ngx_int_t ngx_http_offtake_filter(void *data, ssize_t bytes);
void ngx_http_offtake_client_left(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx);

/* stream */
void ngx_http_offtake_stream_sent(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx);
ngx_int_t ngx_http_offtake_stream_end(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx);
ngx_int_t ngx_http_offtake_stream_bytes(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, u_char *data, size_t length);
ngx_int_t ngx_http_offtake_emit(ngx_http_request_t *r, u_char *data,
    size_t length);

/* first */
offtake_form_t ngx_http_offtake_form(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx);
void ngx_http_offtake_first_begin(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx);
ngx_uint_t ngx_http_offtake_first_status(ngx_http_offtake_ctx_t *ctx);
ngx_int_t ngx_http_offtake_process_first(ngx_http_request_t *r);
void ngx_http_offtake_stream_over(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, ngx_int_t rc);

/*
 * reply.  Whatever answers a request itself returns NGX_HTTP_OFFTAKE_ANSWERED,
 * which no step on the way takes for "go on"; the entry points turn it into
 * what sending gave.
 */
#define NGX_HTTP_OFFTAKE_ANSWERED  -100

ngx_int_t ngx_http_offtake_send(ngx_http_request_t *r, ngx_uint_t status,
    u_char *body, size_t length);
ngx_int_t ngx_http_offtake_error(ngx_http_request_t *r, ngx_uint_t status,
    const char *type, const char *code, ngx_str_t *param, ngx_str_t *message);
ngx_int_t ngx_http_offtake_error_text(ngx_http_request_t *r,
    ngx_uint_t status, const char *type, const char *code,
    const char *message);
ngx_int_t ngx_http_offtake_models(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx);
ngx_int_t ngx_http_offtake_add_header(ngx_http_request_t *r, const char *name,
    ngx_str_t value);
ngx_int_t ngx_http_offtake_reply_init(ngx_conf_t *cf);
ngx_http_offtake_ctx_t *ngx_http_offtake_ctx_new(ngx_http_request_t *r);

/* health */
ngx_int_t ngx_http_offtake_health_start(ngx_http_offtake_main_conf_t *omcf,
    ngx_log_t *log);
ngx_int_t ngx_http_offtake_health_find(ngx_http_offtake_worker_t *worker,
    ngx_http_offtake_policy_t *policy, ngx_log_t *log);
ngx_uint_t ngx_http_offtake_health_begin(ngx_http_offtake_ctx_t *ctx);
void ngx_http_offtake_health_end(ngx_http_offtake_ctx_t *ctx);
void ngx_http_offtake_health_down(ngx_http_offtake_ctx_t *ctx,
    ngx_uint_t seconds);
void ngx_http_offtake_health_failed(ngx_http_offtake_ctx_t *ctx);
void ngx_http_offtake_health_up(ngx_http_offtake_ctx_t *ctx);
void ngx_http_offtake_health_measured(ngx_http_offtake_ctx_t *ctx);
ngx_uint_t ngx_http_offtake_health_wait(ngx_http_offtake_ctx_t *ctx);

/* limits */
ngx_int_t ngx_http_offtake_limits_start(ngx_http_offtake_main_conf_t *omcf,
    ngx_log_t *log);
ngx_int_t ngx_http_offtake_limits_find(ngx_http_offtake_worker_t *worker,
    ngx_http_offtake_policy_t *policy, ngx_log_t *log);
ngx_int_t ngx_http_offtake_limits_admit(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx);
ngx_uint_t ngx_http_offtake_limits_next_pool(ngx_http_offtake_ctx_t *ctx,
    ngx_http_offtake_short_t *why);
void ngx_http_offtake_limits_settle(ngx_http_offtake_ctx_t *ctx);

/* meter */
ngx_int_t ngx_http_offtake_meter_start(ngx_http_offtake_main_conf_t *omcf,
    ngx_log_t *log);
ngx_int_t ngx_http_offtake_meter_admit(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx, uint32_t attempts);
ngx_int_t ngx_http_offtake_meter_intent(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx);
void ngx_http_offtake_meter_settle(void *data);
uint32_t ngx_http_offtake_elapsed_us(ngx_http_offtake_ctx_t *ctx);
void ngx_http_offtake_meter_stop(ngx_http_offtake_worker_t *worker);

/* counters */
void ngx_http_offtake_counters_start(ngx_http_offtake_main_conf_t *omcf,
    ngx_log_t *log);

/* trace */
void ngx_http_offtake_trace_read(ngx_http_request_t *r,
    ngx_http_offtake_ctx_t *ctx);
u_char *ngx_http_offtake_trace_write(u_char *p, ngx_http_offtake_ctx_t *ctx);
#define NGX_HTTP_OFFTAKE_TRACE_BYTES  80

/* variables: also what an error's line in nginx's log says of a request */
u_char *ngx_http_offtake_log_handler(ngx_http_request_t *r,
    ngx_http_request_t *sr, u_char *buf, size_t len);
ngx_int_t ngx_http_offtake_add_variables(ngx_conf_t *cf);

#endif
