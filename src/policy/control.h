/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_POLICY_CONTROL_H
#define OFFTAKE_POLICY_CONTROL_H
/*
 * control -- one mapped page by which the control plane speaks to the workers without a system call.
 * Edge.
 *
 * The daemon maps <data>/run/control read-write, the workers read-only. A worker compares
 * `generation` with its own on each request and, when it differs, maps <data>/run/policy.snap (and
 * <data>/run/secrets-<generation of that file>). It keeps its old view when the new file does not
 * pass, and says so in the log and never again for the same generation.
 *
 * The daemon stores `heartbeat_ns` (real clock) every second while it lives. Workers refuse with 503
 * once the policy is staler than `stale_after_ns`: traffic outlives the control plane by that much.
 */
#include <stdatomic.h>

#include "base/base.h"

#define CONTROL_MAGIC       UINT64_C(0x314c52544e43464f) /* "OFCNTRL1" */
#define CONTROL_BYTES       4096
#define CONTROL_FILE        "control"
#define POLICY_FILE         "policy.snap"
#define SECRETS_FILE_FORMAT "secrets-%llu"

struct control_page {
    uint64_t magic;
    uint32_t version; /* 1 */
    uint32_t reserved;
    _Atomic uint64_t generation; /* last published; 0: none yet */
    _Atomic int64_t heartbeat_ns;
    _Atomic int64_t stale_after_ns; /* 0: never stale */
    /* Added to the real clock to get the instant that decides and is recorded: 0 in production, the
     * shift of `offtake serve --rehearse-at` otherwise. */
    _Atomic int64_t clock_shift_ns;
};
_Static_assert(sizeof(struct control_page) <= CONTROL_BYTES, "one page");

#endif
