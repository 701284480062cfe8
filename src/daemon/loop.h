/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DAEMON_LOOP_H
#define OFFTAKE_DAEMON_LOOP_H
/*
 * loop -- one epoll with what the daemon waits for: signals, timers, the admin API, nginx's end.
 *
 * It dispatches nothing: loop_wait says which sources are ready, the caller does the work.
 */
#include "base/base.h"

enum loop_source {
    LOOP_SIGNALS, /* read with loop_signal_next */
    LOOP_DRAIN,   /* every 100 ms */
    LOOP_BEAT,    /* every second */
    LOOP_POLICY,  /* every ten seconds */
    LOOP_API,
    LOOP_NGINX,
    LOOP_NOTIFY,
    LOOP_SOURCES
};

struct loop {
    int epoll_fd;
    int own_fds[LOOP_POLICY + 1]; /* signalfd and timers */
};

/* Blocks the signals it will report, and ignores SIGPIPE and SIGXFSZ. */
enum oft_err loop_open(struct loop *loop, struct oft_error *reterr) OFT_MUSTCHECK;
void loop_close(struct loop *loop);
/* Watches FD, level-triggered. A closed descriptor leaves by itself. */
enum oft_err loop_watch(struct loop *loop, int fd, enum loop_source source,
                        struct oft_error *reterr) OFT_MUSTCHECK;
/* Sets a bit (1 << source) per ready source; timers that ran are reset. */
enum oft_err loop_wait(struct loop *loop, int timeout_ms, unsigned *ret_ready,
                       struct oft_error *reterr) OFT_MUSTCHECK;
/* The next signal that came, 0 when there is none left. */
int loop_signal_next(struct loop *loop);

#endif
