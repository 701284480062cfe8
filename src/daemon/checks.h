/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DAEMON_CHECKS_H
#define OFFTAKE_DAEMON_CHECKS_H
/*
 * checks -- from the deal's `health` lines to probes, and what they hear to the workers. Without such a line there
 * is no thread.
 */
#include "engine/engine.h"
#include "notify/probe.h"

struct checks {
    struct engine *engine;
    struct probe *probe;
    uint64_t generation; /* of the policy whose pools are asked */
};

/* To be called now and then: follows the policy in force. */
enum oft_err checks_follow(struct checks *checks, struct engine *engine,
                           struct oft_error *reterr) OFT_MUSTCHECK;
void checks_end(struct checks *checks);

#endif
