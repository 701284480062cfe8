/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_CLI_DESK_H
#define OFFTAKE_CLI_DESK_H
/*
 * desk -- the commands of the capacity desk. Private to cli/.
 *
 * Acts are not written here: cmd_act.c makes options, help and the call of each from the desk's own
 * table (desk/acts.h). Here is what looks: lists, one thing, the desk as a timeline, tokens of parties.
 */
#include "cli/client.h"
#include "desk/acts.h"

/* Runs ACT with the arguments behind its name; argv[0] is the title. */
int cli_act_run(const struct desk_act *act, int argc, char **argv);

enum { CLI_DESK_WIDTH = 80 };

/* GETs PATH and, unless AS_JSON, hands the answer to SHOW. */
typedef void (*cli_show_fn)(const json_t *answer);
int cli_desk_get(const struct cli_target *target, const char *path, bool as_json, cli_show_fn show);

/* The whole desk, drawn: what is due, and a bar for each open lot and order. */
void cli_desk_draw(const json_t *desk);
/* One thing, a line a member. */
void cli_desk_show(const json_t *thing);
/* Lists as tables. */
void cli_desk_table(const json_t *answer, const char *name);
/* "2025-03-01 12:00", or "-"; OUT of 20 bytes. */
const char *cli_desk_instant(const json_t *object, const char *name, char out[20]);

#endif
