/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A broken invariant ends the process: what it would do next cannot be trusted. Not linked into the
 * nginx module, where a bug refuses the one request instead.
 */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>

void oft_assert_failed(const char *expression, const char *file, int line)
{
    (void)fprintf(stderr, "offtake: broken invariant (%s) at %s:%d; please report this\n",
                  expression, file, line);
    abort();
}
