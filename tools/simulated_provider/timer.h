/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_TOOLS_SIMULATED_PROVIDER_TIMER_H
#define OFFTAKE_TOOLS_SIMULATED_PROVIDER_TIMER_H
/*
 * timer -- puts a connection to sleep without holding a thread, and wakes it later.
 */
#include <microhttpd.h>

#include "base/time.h"

struct sim_timer;
struct sim_timer *sim_timer_new(void) OFT_MUSTCHECK; /* starts its thread */
/* Suspends CONNECTION for DELAY_NS. False, and nothing done, once the timer ends. */
bool sim_timer_sleep(struct sim_timer *timer, struct MHD_Connection *connection,
                     int64_t delay_ns) OFT_MUSTCHECK;
/* Wakes every sleeper at once and lets nobody sleep any more. */
void sim_timer_end(struct sim_timer *timer);
void sim_timer_free(struct sim_timer *timer); /* after sim_timer_end; accepts NULL */

#endif
