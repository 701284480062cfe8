/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's log: whole lines, one write each, on stderr, where systemd or a terminal picks them up.
 * Control characters are shown as '?', so that no text from outside can forge a line.
 */
#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 1024 };

static void line_write(enum daemon_log_level level, const char *words)
{
    static const char *const LEVELS[] = {"info", "warning", "error"};
    char line[LINE_BYTES], instant[32] = "?";
    struct timespec now = {0};
    struct tm parts;
    if (clock_gettime(CLOCK_REALTIME, &now) == 0 && gmtime_r(&now.tv_sec, &parts) != NULL) {
        (void)strftime(instant, sizeof instant, "%Y-%m-%dT%H:%M:%S", &parts);
    }
    int length = snprintf(line, sizeof line - 1, "%s.%03ldZ %s %s", instant, now.tv_nsec / 1000000,
                          LEVELS[level], words);
    if (length < 0) {
        return;
    }
    size_t used = (size_t)length < sizeof line - 1 ? (size_t)length : sizeof line - 2;
    for (size_t i = 0; i < used; i++) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f) {
            line[i] = '?';
        }
    }
    line[used++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, used);
    (void)written; /* a log that cannot be written has nobody to tell */
}

void daemon_log(enum daemon_log_level level, const char *format, ...)
{
    char words[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    line_write(level, words);
}

void daemon_log_lines(enum daemon_log_level level, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        char words[LINE_BYTES];
        if (length > 0) {
            (void)snprintf(words, sizeof words, "%.*s", (int)(length < 900 ? length : 900), text);
            line_write(level, words);
        }
        text += length + (text[length] == '\n');
    }
}
