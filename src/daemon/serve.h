/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DAEMON_SERVE_H
#define OFFTAKE_DAEMON_SERVE_H
/*
 * serve -- the daemon: one process, one thread, one loop, with nginx as its child.
 *
 * What it is   Opens the engine, publishes the deal, starts (or adopts) nginx, and then drains the
 *              spools, beats the heart, answers the admin API and obeys signals until it is told to
 *              stop.
 * Signals      SIGTERM, SIGINT, SIGQUIT: stop in order (nginx finishes its requests, everything is
 *              booked); a second one hurries. SIGHUP: publish the changed deal. SIGUSR1: nginx opens
 *              its access log anew. SIGUSR2: nginx is replaced by the program that is on disk now.
 * May include  base, engine, api.
 */
#include "base/memory.h"
#include "base/time.h"

struct serve_options {
    const char *deal_path;
    const char *data_directory;
    const char *listen;   /* "127.0.0.1:8080", "[::]:443" */
    const char *tls_cert; /* both or neither; NULL when not given, as all below */
    const char *tls_key;
    const char *module_path; /* NULL: beside the binary, else where Debian puts modules */
    const char *nginx_path;
    const char *admin_listen;
    const char *admin_token_file; /* NULL: <data>/admin-token when there is no terminal */
    const char *user;             /* whom workers run as when we are root */
    const char *node;             /* names this machine in spools; NULL: its host name */
    const char *ca_bundle;
    const char *desk_config;        /* NULL: <data>/desk.json, if there is one */
    const char *metrics_token_file; /* NULL: the admin token alone opens /metrics over TCP */
    const char *access_log;         /* a file; NULL: no access log */
    const char *otlp_url;           /* where traces go; NULL: nowhere */
    const char *otlp_headers_file;  /* NULL: none */
    uint32_t otlp_one_of;           /* requests, of those whose client did not decide */
    unsigned workers;               /* 0: one a core */
    bool no_nginx;                  /* an nginx of the operator's own loads the module */
    int64_t stop_after_ms;          /* how long streams may go on after SIGTERM */
    bool rehearsal;
    oft_instant rehearse_at;
    int64_t stale_after_ns;
};

/* Runs until it is told to stop. Returns an exit code of `offtake`: 0 stopped in order, 1 the deal
 * has errors, 2 options that cannot be, 3 a fault. RETERR is filled when it could not start. */
int daemon_serve(const struct serve_options *options, struct oft_error *reterr);

/* What an nginx of the operator's own includes for this module, data directory and node. Starts and makes
 * nothing. */
enum oft_err daemon_include_text(const struct serve_options *options, struct oft_buffer *out,
                                 struct oft_error *reterr) OFT_MUSTCHECK;

#endif
