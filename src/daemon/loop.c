/* SPDX-License-Identifier: Apache-2.0 */
/*
 * epoll, signalfd and timerfd in one place, so that a signal or a timer is an event like any other and
 * nothing runs inside a signal handler.
 */
#include "daemon/loop.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

static const long TIMER_MS[] = {[LOOP_DRAIN] = 100, [LOOP_BEAT] = 1000, [LOOP_POLICY] = 10000};

static int signals_open(void)
{
    static const int NUMBERS[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < OFT_COUNT_OF(NUMBERS); i++) {
        sigaddset(&set, NUMBERS[i]);
    }
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
        signal(SIGXFSZ, SIG_IGN) == SIG_ERR) {
        return -1;
    }
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static int timer_open(long period_ms)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct timespec period = {period_ms / 1000, period_ms % 1000 * 1000000};
    struct itimerspec setting = {.it_interval = period, .it_value = period};
    if (fd >= 0 && timerfd_settime(fd, 0, &setting, NULL) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

enum oft_err loop_watch(struct loop *loop, int fd, enum loop_source source,
                        struct oft_error *reterr)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)source};
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        return oft_fail(reterr, OFT_ERR_IO, "cannot watch a descriptor: %s", strerror(errno));
    }
    return OFT_OK;
}

enum oft_err loop_open(struct loop *loop, struct oft_error *reterr)
{
    for (size_t i = 0; i < OFT_COUNT_OF(loop->own_fds); i++) {
        loop->own_fds[i] = -1;
    }
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    enum oft_err err = loop->epoll_fd >= 0 ? OFT_OK : OFT_ERR_IO;
    for (unsigned i = 0; err == OFT_OK && i < OFT_COUNT_OF(loop->own_fds); i++) {
        loop->own_fds[i] = i == LOOP_SIGNALS ? signals_open() : timer_open(TIMER_MS[i]);
        err = loop->own_fds[i] >= 0
                  ? loop_watch(loop, loop->own_fds[i], (enum loop_source)i, reterr)
                  : OFT_ERR_IO;
    }
    if (err != OFT_OK) {
        int error = errno;
        loop_close(loop);
        return oft_fail(reterr, err, "cannot set up the event loop: %s", strerror(error));
    }
    return OFT_OK;
}

void loop_close(struct loop *loop)
{
    for (size_t i = 0; i < OFT_COUNT_OF(loop->own_fds); i++) {
        if (loop->own_fds[i] >= 0) {
            (void)close(loop->own_fds[i]);
            loop->own_fds[i] = -1;
        }
    }
    if (loop->epoll_fd >= 0) {
        (void)close(loop->epoll_fd);
        loop->epoll_fd = -1;
    }
}

enum oft_err loop_wait(struct loop *loop, int timeout_ms, unsigned *ret_ready,
                       struct oft_error *reterr)
{
    struct epoll_event events[16];
    *ret_ready = 0;
    int count = epoll_wait(loop->epoll_fd, events, (int)OFT_COUNT_OF(events), timeout_ms);
    if (count < 0) {
        return errno == EINTR ? OFT_OK
                              : oft_fail(reterr, OFT_ERR_IO, "cannot wait: %s", strerror(errno));
    }
    for (int i = 0; i < count; i++) {
        uint32_t source = events[i].data.u32;
        uint64_t expirations;
        OFT_ASSERT(source < LOOP_SOURCES);
        *ret_ready |= 1u << source;
        if (source >= LOOP_DRAIN && source <= LOOP_POLICY &&
            read(loop->own_fds[source], &expirations, sizeof expirations) < 0 && errno != EAGAIN) {
            return oft_fail(reterr, OFT_ERR_IO, "cannot read a timer: %s", strerror(errno));
        }
    }
    return OFT_OK;
}

int loop_signal_next(struct loop *loop)
{
    struct signalfd_siginfo info;
    ssize_t got = read(loop->own_fds[LOOP_SIGNALS], &info, sizeof info);
    return got == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}
