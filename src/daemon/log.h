/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DAEMON_LOG_H
#define OFFTAKE_DAEMON_LOG_H
/*
 * log -- one line an event on stderr: instant, level, words. Never a secret, never a line break.
 */
#include "base/base.h"

enum daemon_log_level { DAEMON_INFO, DAEMON_WARNING, DAEMON_ERROR };

void daemon_log(enum daemon_log_level level, const char *format, ...) OFT_PRINTF(2, 3);
/* Logs each line of TEXT as a line of its own. */
void daemon_log_lines(enum daemon_log_level level, const char *text);

#endif
