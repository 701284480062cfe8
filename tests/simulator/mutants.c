/* SPDX-License-Identifier: Apache-2.0 */
/* The deliberate breaks of the fold: DESK_MUTANT(n, good, bad) in src/desk/. */
#include "replay.h"

unsigned sim_mutant_property(unsigned mutant)
{
    return mutant <= 10 ? mutant : 0;
}
