/* SPDX-License-Identifier: Apache-2.0 */
/* The deliberate breaks of the fold: DESK_MUTANT(n, good, bad) in src/desk/. */
#include "replay.h"

unsigned sim_mutant_property(unsigned mutant)
{
    static const unsigned more[] = {4}; /* a second one of these */

    if (mutant > 10 && mutant - 11 < OFT_COUNT_OF(more)) {
        return more[mutant - 11];
    }
    return mutant;
}
