/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_SIMULATOR_REPLAY_H
#define OFFTAKE_SIMULATOR_REPLAY_H
/*
 * replay -- a script as a file: the events in words behind '#', and each as the journal's bytes in hex.
 *
 * A line is "pass INSTANT" or "event HEX".
 */
#include "sim.h"

bool sim_replay_write(const char *path, const struct desk_event *script, uint32_t count,
                      const struct sim_failure *failure);
/* Plays the file; the exit code of the program: 0 when all holds. */
int sim_replay_file(const char *path, const struct sim_cast *cast);

/* mutants.c: what each deliberate break of the fold offends. */
enum { SIM_MUTANTS = 11 };
unsigned sim_mutant_property(unsigned mutant);

#endif
