/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DAEMON_SETUP_H
#define OFFTAKE_DAEMON_SETUP_H
/*
 * setup -- from serve's options to nginx's settings: finds programs and files, makes paths absolute.
 */
#include "daemon/nginx_conf.h"
#include "daemon/privileges.h"
#include "daemon/serve.h"

enum { SETUP_PATH_BYTES = 1024 };

struct setup {
    struct worker_user worker;
    char nginx_program[SETUP_PATH_BYTES];
    char module_path[SETUP_PATH_BYTES];
    char data_directory[SETUP_PATH_BYTES];
    char run_directory[SETUP_PATH_BYTES];
    char spool_directory[SETUP_PATH_BYTES];
    char socket_path[SETUP_PATH_BYTES];
    char tls_cert[SETUP_PATH_BYTES], tls_key[SETUP_PATH_BYTES];
    char ca_bundle[SETUP_PATH_BYTES];
    char access_log[SETUP_PATH_BYTES];
    char node[64];
    char stamp[160];
    struct nginx_settings settings; /* points into this struct and the options */
};

/* What can be known before the engine opens: user, programs, certificates. Makes the data directory. */
enum oft_err setup_before(struct setup *setup, const struct serve_options *options,
                          struct oft_error *reterr) OFT_MUSTCHECK;
/* The rest, when the engine has made the data directory. */
enum oft_err setup_after(struct setup *setup, const struct serve_options *options,
                         struct oft_error *reterr) OFT_MUSTCHECK;

#endif
