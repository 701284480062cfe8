/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The cutter stands between two states: inside a line, or behind a line's
 * end, where another line's end closes the event.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem() */
#endif

#include "ngx_http_offtake_events.h"

#include <string.h>

enum {
    CUT_IN_LINE = 0,
    CUT_LINE_ENDED,
    CUT_CARRIAGE_RETURN
};


size_t
offtake_cut(unsigned *state, const char *data, size_t length)
{
    size_t       i = 0;
    const char  *line;

    while (i < length) {

        if (*state == CUT_IN_LINE) {
            line = memchr(data + i, '\n', length - i);
            if (line == NULL) {
                return 0;
            }

            i = (size_t) (line - data) + 1;
            *state = CUT_LINE_ENDED;
            continue;
        }

        if (data[i] == '\n') {
            *state = CUT_IN_LINE;
            return i + 1;
        }

        if (*state == CUT_LINE_ENDED && data[i] == '\r') {
            *state = CUT_CARRIAGE_RETURN;
            i++;

        } else {
            *state = CUT_IN_LINE;
        }
    }

    return 0;
}


static int
begins(const char *data, const char *end, const char *word)
{
    size_t  length = strlen(word);

    return (size_t) (end - data) >= length && memcmp(data, word, length) == 0;
}


/* The byte order mark, and blank lines that belong to no event. */

static const char *
skip_front(const char *data, const char *end)
{
    if (begins(data, end, "\xef\xbb\xbf")) {
        data += 3;
    }

    while (data < end && (*data == '\n' || *data == '\r')) {
        data++;
    }

    return data;
}


/* An event that says by its name, or by its type, that it is the last. */

static int
is_last(const char *name, const char *end)
{
    static const char *const  last[] = {
        "message_stop", "response.completed", "response.incomplete",
        "response.failed"
    };
    size_t  i, length;

    for (i = 0; i < sizeof(last) / sizeof(last[0]); i++) {
        length = strlen(last[i]);
        if (begins(name, end, last[i]) && name + length < end
            && (name[length] == '\n' || name[length] == '\r'
                || name[length] == '"'))
        {
            return 1;
        }
    }

    return 0;
}


static int
is_error(const char *payload, const char *end)
{
    if (begins(payload, end, "{\"type\":\"error\"")) {
        return 1;
    }

    if (!begins(payload, end, "{\"error\":")) {
        return 0;
    }

    payload += 9;
    while (payload < end && *payload == ' ') {
        payload++;
    }

    return payload < end && (*payload == '{' || *payload == '"');
}


static const char *
next_line(const char *data, const char *end)
{
    const char  *line = memchr(data, '\n', (size_t) (end - data));

    return line == NULL ? end : line + 1;
}


static const char *
skip_spaces(const char *data, const char *end)
{
    while (data < end && *data == ' ') {
        data++;
    }

    return data;
}


void
offtake_event_look(const char *data, size_t length, offtake_event_t *event)
{
    const char  *end = data + length, *name = NULL, *payload;

    event->kind = OFFTAKE_EVENT_COMMENT;
    event->payload = NULL;
    event->end = end;
    event->done = 0;

    data = skip_front(data, end);

    while (data < end && !begins(data, end, "data:")) {
        if (begins(data, end, "event:")) {
            name = skip_spaces(data + 6, end);
        }
        data = next_line(data, end);
    }

    if (data == end) {
        return;
    }

    payload = skip_spaces(data + 5, end);
    event->payload = payload;
    event->kind = OFFTAKE_EVENT_DATA;

    if (begins(payload, end, "[DONE]")) {
        event->kind = OFFTAKE_EVENT_END;
        event->done = 1;

    } else if (name != NULL && (begins(name, end, "error\n")
                                || begins(name, end, "error\r")))
    {
        event->kind = OFFTAKE_EVENT_ERROR;

    } else if (name != NULL) {
        if (is_last(name, end)) {
            event->kind = OFFTAKE_EVENT_END;
        }

    } else if (is_error(payload, end)) {
        event->kind = OFFTAKE_EVENT_ERROR;

    } else if (begins(payload, end, "{\"type\":\"")
               && is_last(payload + 9, end))
    {
        event->kind = OFFTAKE_EVENT_END;
    }
}


/* Most streams say "usage":null in each event: that is no usage. */

int
offtake_usage_told(const char *payload, const char *end)
{
    const char  *at = payload;

    for ( ;; ) {
        at = memmem(at, (size_t) (end - at), "\"usage\"", 7);
        if (at == NULL) {
            return 0;
        }

        at = skip_spaces(at + 7, end);
        if (at == end || *at != ':') {
            /* Another kind of space, or a line's end: let the scanner see. */
            return 1;
        }

        at = skip_spaces(at + 1, end);
        if (at == end || *at != 'n') {
            return 1;
        }
    }
}


void
offtake_lines_init(offtake_lines_t *lines)
{
    memset(lines, 0, sizeof(*lines));
}


/* One byte of a line of which is not known yet whether it is data. */

static void
line_begins(offtake_lines_t *lines, char c)
{
    static const char  word[] = "data:";

    if (c == '\n') {
        lines->matched = 0;

    } else if (lines->matched == 0
               && (c == '\xef' || c == '\xbb' || c == '\xbf'))
    {
        return;

    } else if (c == word[lines->matched]) {
        lines->matched++;
        if (lines->matched == sizeof(word) - 1) {
            lines->in_line = 1;
            lines->in_data = 1;
        }

    } else {
        lines->in_line = 1;
        lines->in_data = 0;
    }
}


void
offtake_lines_feed(offtake_lines_t *lines, offtake_usage_t *usage,
    const char *data, size_t length)
{
    const char  *line, *end = data + length;

    while (data < end) {

        if (!lines->in_line) {
            line_begins(lines, *data++);
            continue;
        }

        line = next_line(data, end);

        if (lines->in_data) {
            offtake_usage_feed(usage, data, (size_t) (line - data));
        }

        if (line[-1] == '\n') {
            lines->in_line = 0;
            lines->matched = 0;
        }

        data = line;
    }
}
