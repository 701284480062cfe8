/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_ENGINE_FAILPOINT_H
#define OFFTAKE_ENGINE_FAILPOINT_H
/*
 * failpoint -- where a crash test may end the process, as kill -9 would.
 *
 * Inert in every build but those configured with -DOFFTAKE_FAILPOINTS (the sanitized test build):
 * there, the process kills itself at the point that the environment variable OFFTAKE_FAILPOINT names.
 */
#ifdef OFFTAKE_FAILPOINTS
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static inline void engine_failpoint(const char *name)
{
    const char *wanted = getenv("OFFTAKE_FAILPOINT");
    if (wanted != NULL && strcmp(wanted, name) == 0) {
        (void)raise(SIGKILL);
    }
}
#else
static inline void engine_failpoint(const char *name)
{
    (void)name;
}
#endif

#endif
