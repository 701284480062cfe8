/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_NOTIFY_PROBE_H
#define OFFTAKE_NOTIFY_PROBE_H
/*
 * probe -- asking addresses again and again, to see who is well.
 *
 * What it is   One thread with libcurl. Each target is asked every so often; an answer below 500 in time is a
 *              good one. The callback hears "good" when one is, and "bad" after two that are not.
 * What it is not  It sends no key and reads no body, follows no redirect, and decides nothing.
 * Ownership    probe_open/probe_close; targets are copied.
 * Errors       enum oft_err with a struct oft_error.
 * Threads      probe_set and probe_close by one thread. The callback runs in the probe's own thread, and
 *              only between open and close.
 */
#include "base/base.h"

#define PROBE_TARGETS_MAX   4096u
#define PROBE_FAILURES_BAD  2u
#define PROBE_ANSWER_MS_MAX 5000u

struct probe_target {
    uint64_t id; /* the caller's */
    const char *url;
    uint32_t every_ms;
};

/* Called at every change, and once when it is first known. */
typedef void (*probe_fn)(void *context, uint64_t id, bool good);

struct probe;
enum oft_err probe_open(probe_fn tell, void *context, struct probe **ret_probe,
                        struct oft_error *reterr) OFT_MUSTCHECK;
void probe_close(struct probe *probe); /* accepts NULL; breaks off what is under way */
/* These targets from now on. One of the same id and address goes on as it is. */
enum oft_err probe_set(struct probe *probe, const struct probe_target *targets, size_t count,
                       struct oft_error *reterr) OFT_MUSTCHECK;

#endif
