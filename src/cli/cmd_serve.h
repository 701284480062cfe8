/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_CLI_CMD_SERVE_H
#define OFFTAKE_CLI_CMD_SERVE_H
/*
 * cmd_serve -- the options of `offtake serve`, apart from running it, so that tests can read them.
 */
#include "daemon/serve.h"

/* Reads the command line. CLI_OK: RET_OPTIONS is filled, or *ret_help says that help is wanted. Else
 * the mistake is told on stderr and the exit code is returned. Texts point into ARGV. */
int cli_serve_options(int argc, char **argv, struct serve_options *ret_options, bool *ret_help);

/* "90s", "30m", "24h", "7d" or "never" (0). */
enum oft_err cli_duration_parse(const char *text, int64_t *ret_ns) OFT_MUSTCHECK;

#endif
