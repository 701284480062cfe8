/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_CLI_WHOLE_FILE_H
#define OFFTAKE_CLI_WHOLE_FILE_H
/*
 * whole_file -- files of others as one piece, and the tables in them.
 */
#include "cli/client.h"
#include "focus/focus.h"

#define CLI_WHOLE_FILE_BYTES_MAX ((size_t)1 << 30)

/* Reads PATH ("-": standard input) into OUT, which is empty. Returns an exit code; what went wrong is
 * told. */
int cli_whole_file_read(const char *path, struct oft_buffer *out);
/* Writes TEXT beside PATH and puts it there in one step; "-" is standard output. */
int cli_whole_file_write(const char *path, const struct oft_buffer *text);
/* Asks the daemon for a FOCUS file. */
int cli_focus_fetch(const struct cli_target *target, const char *dataset, const char *version,
                    const char *month, const char *by, struct cli_reply *ret_reply);
/* Asks the daemon for our own metering of a month; BY is "day" or "hour". */
int cli_metering_fetch(const struct cli_target *target, const char *month, const char *by,
                       struct cli_reply *ret_reply);

#endif
