/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DAEMON_TOKEN_H
#define OFFTAKE_DAEMON_TOKEN_H
/*
 * token -- the admin token's one appearance.
 */
#include "engine/engine.h"

/* Asks the engine for the admin token's hash; makes the token at the first time and shows it once:
 * on stderr when that is a terminal and no FILE is named, else in FILE (mode 0600; NULL:
 * DATA_DIRECTORY/admin-token), never in a log. */
enum oft_err token_show_once(struct engine *engine, const char *data_directory, const char *file,
                             uint8_t ret_sha256[32], struct oft_error *reterr) OFT_MUSTCHECK;

/* The hash of the token in FILE: its first line, 16 to 128 visible characters. */
enum oft_err token_of_file(const char *file, uint8_t ret_sha256[32],
                           struct oft_error *reterr) OFT_MUSTCHECK;

#endif
