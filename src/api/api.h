/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_API_API_H
#define OFFTAKE_API_API_H
/*
 * api -- the admin HTTP of the daemon: a unix socket, and TCP when asked.
 *
 * What it is   A table of routes over the engine's use cases, and a server (libmicrohttpd) that runs
 *              inside the caller's epoll loop, in the caller's thread.
 * What it is not  It has no rules of its own: it checks who asks, reads JSON, calls one engine
 *              function, and tells the answer. docs/admin-api.md is its reference.
 * Who may ask  Unix socket: whoever may open it (mode 0600). TCP: who sends the admin token as a
 *              bearer, on every path, known or not; and no browser (Origin, Host). A token of its own
 *              opens /metrics alone.
 * May include  base, engine (ledger/ledger.h and deal/deal.h for its types).
 * Ownership    api_open/api_close. The engine must outlive the api.
 * Errors       One form: {"error":{"code","message"}}, "report" beside them for a deal's errors.
 * Threads      One thread, the engine's.
 */
#include <sys/types.h>

#include "engine/engine.h"
#include "engine/watch.h"

struct api;

/* What the daemon tells about nginx in GET /v1/status. */
struct api_gateway_state {
    pid_t pid; /* 0: not running */
    bool adopted;
    uint32_t restarts;
    const char *listen;
};

struct api_options {
    struct engine *engine;
    oft_instant (*clock)(void); /* the real clock */
    int64_t clock_shift_ns; /* of a rehearsal: added where an instant of the contract is meant */
    /* May be NULL. Fills RET_STATE for /v1/status. */
    void (*gateway_state)(void *context, struct api_gateway_state *ret_state);
    /* May be NULL. What the daemon knows for metrics beside the engine. */
    void (*watch_extra)(void *context, struct engine_watch_extra *ret_extra);
    void *context;
    const char *socket_path; /* made anew; an old one is removed first */
    /* TCP: NULL when not asked for, else the address as the user wrote it. */
    const char *tcp_listen;
    uint8_t token_sha256[32];
    /* A token that opens GET /metrics and nothing else. */
    bool has_metrics_token;
    uint8_t metrics_token_sha256[32];
};

/* Binds and listens. The caller holds the data directory's lock, so a socket that is already there
 * is a dead daemon's. */
enum oft_err api_open(const struct api_options *options, struct api **ret_api,
                      struct oft_error *reterr) OFT_MUSTCHECK;
void api_close(struct api *api); /* accepts NULL */

/* Descriptors for the caller's epoll (EPOLLIN); the second is -1 without TCP. When one is ready,
 * call api_run. */
void api_descriptors(const struct api *api, int ret_fds[2]);
void api_run(struct api *api);
/* Milliseconds until api_run must be called though nothing is ready; -1: no limit. */
int api_timeout_ms(const struct api *api);

#endif
