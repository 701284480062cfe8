/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DAEMON_NGINX_CONF_H
#define OFFTAKE_DAEMON_NGINX_CONF_H
/*
 * nginx_conf -- the text of run/nginx.conf. A pure function of its settings.
 *
 * Whatever comes from the command line is either quoted or checked here: a path that nginx could read
 * as more than a path (a quote, a variable, a control character) is refused.
 */
#include "base/memory.h"

struct nginx_settings {
    const char *stamp; /* names the module's build: when it differs, a reload is not enough */
    const char *module_path;
    const char *run_directory; /* absolute, as are all paths */
    const char *spool_directory;
    const char *node;
    const char *listen;
    const char *tls_cert, *tls_key; /* NULL: plain HTTP */
    const char *user, *group;       /* NULL: nginx runs as we do */
    const char *ca_bundle;
    const char *access_log; /* NULL: none */
    unsigned workers;       /* 0: one a core */
    uint32_t files_max;
    uint32_t body_bytes_max;
};

/* What an nginx of the operator's own includes at http level: `offtake conf`. */
enum oft_err nginx_include_text(const struct nginx_settings *settings, struct oft_buffer *out,
                                struct oft_error *reterr) OFT_MUSTCHECK;

enum oft_err nginx_conf_text(const struct nginx_settings *settings, struct oft_buffer *out,
                             struct oft_error *reterr) OFT_MUSTCHECK;

/* Whether TEXT is "ADDR:PORT", "[V6]:PORT" or "NAME:PORT" and nothing more. */
bool nginx_listen_valid(const char *text);

#endif
