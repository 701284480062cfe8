/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DAEMON_NGINX_H
#define OFFTAKE_DAEMON_NGINX_H
/*
 * nginx -- the data plane as a child: written, tested, started, adopted, restarted, stopped.
 *
 *      nginx_begin ---> RUNNING <---------- WAITING     (restart, with growing pauses)
 *                          |  \--- ended ------^
 *                     nginx_stop
 *                          v
 *                       STOPPING --- ended ---> GONE
 *
 * Adoption  A daemon that was killed leaves its nginx serving. The next one finds it by its pid file
 *           and its command line and takes it over; it reloads it when the configuration has changed
 *           and replaces it when the module has.
 * Upgrade   nginx's own: two masters live side by side for a while. We follow the one that the pid file
 *           names, and the other one when that ends.
 * Time      Monotonic milliseconds, given by the caller.
 */
#include <sys/types.h>

#include "daemon/nginx_conf.h"
#include "daemon/process.h"

enum nginx_state { NGINX_RUNNING, NGINX_WAITING, NGINX_STOPPING, NGINX_GONE };

struct nginx {
    enum nginx_state state;
    char program[1024];
    char conf_path[1024];
    char pid_path[1024];
    char run_directory[1024];
    pid_t pid;    /* 0 when not running */
    int pidfd;    /* -1 when not running; the caller polls it and calls nginx_ended */
    bool adopted; /* not our child: nobody's exit code for us */
    bool ready;   /* it has written its pid file and has workers, so it serves */
    bool was_ready;
    bool upgrading;      /* asked to: the old master is told to go when the new one has workers */
    int64_t patience_ms; /* how long it may take to finish its requests; 0: the default */
    uint32_t restarts;
    unsigned failures; /* in a row, without having been ready */
    int64_t started_ms;
    int64_t restart_at_ms;
    struct process_workers workers; /* as last seen */
    int64_t workers_looked_ms;
    int64_t workers_seen_ms; /* when there was one */
    int64_t hurry_at_ms;     /* STOPPING: when to be less patient */
    unsigned hurries;        /* STOPPING: how often it was told to */
};

/* Writes the configuration, has nginx check it, then adopts a running nginx or starts one. */
enum oft_err nginx_begin(struct nginx *nginx, const char *program,
                         const struct nginx_settings *settings, int64_t now_ms,
                         struct oft_error *reterr) OFT_MUSTCHECK;

/* The pidfd became readable: nginx has ended. */
void nginx_ended(struct nginx *nginx, int64_t now_ms);
/* Call often: restarts it when its pause is over, notices that it is ready, and hurries a stop. */
void nginx_tick(struct nginx *nginx, int64_t now_ms);
/* Has it open its access log anew. */
void nginx_reopen(const struct nginx *nginx);
/* Begins the upgrade of its binary: a new master by the program on disk, then the old one ends when its
 * requests have. An upgrade by hand (USR2, WINCH, QUIT to the masters) is noticed and followed, too. */
void nginx_upgrade(struct nginx *nginx);
/* Asks it to finish its requests and end; asked again, to end now. */
void nginx_stop(struct nginx *nginx, int64_t now_ms);

#endif
