/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_GATEWAY_EVENTS_H
#define OFFTAKE_GATEWAY_EVENTS_H

/*
 * events -- server-sent events: where one ends, what it is, what it says.
 *
 * What it is   A cutter that finds the end of an event in any pieces, a quick
 *              look at one whole event, a reader of the JSON in its data
 *              lines, and the words of an error event, read and written.
 * What it is not  It alters no byte and keeps none: what is held, is held by
 *              the caller.
 * Forms        Lines end with LF or CR LF; data may stand on several lines; a
 *              byte order mark before the first is no part of it.
 * Threads      Pure; no nginx in here, so that it can be fuzzed.
 */

#include <stddef.h>

#include "ngx_http_offtake_usage.h"

/* How an API tells errors. */
typedef enum {
    OFFTAKE_FORM_CHAT = 0,    /* data: {"error":{...}} */
    OFFTAKE_FORM_RESPONSES,   /* event: error, {"type":"error",...} */
    OFFTAKE_FORM_MESSAGES     /* event: error, {"type":"error","error":{}} */
} offtake_form_t;

typedef enum {
    OFFTAKE_EVENT_COMMENT = 0, /* no data: keeps a connection awake */
    OFFTAKE_EVENT_DATA,
    OFFTAKE_EVENT_END,         /* the provider's own word that this was all */
    OFFTAKE_EVENT_ERROR
} offtake_event_kind_t;

typedef struct {
    offtake_event_kind_t  kind;
    const char           *payload;  /* its first data line's, NULL: none */
    const char           *end;      /* of the event */
    int                   done;     /* [DONE]: no JSON */
} offtake_event_t;

/*
 * The bytes of DATA up to the end of the event, its blank line included; 0
 * when it does not end here.  STATE is 0 where an event begins, and again
 * when one has ended.
 */
size_t offtake_cut(unsigned *state, const char *data, size_t length);

void offtake_event_look(const char *data, size_t length,
    offtake_event_t *event);

/* Whether PAYLOAD has a usage that is more than null. */
int offtake_usage_told(const char *payload, const char *end);

/* The JSON of an event's data lines, fed to a usage scanner in pieces. */
typedef struct {
    unsigned  in_line:1;  /* it is known what this line is */
    unsigned  in_data:1;  /* it is data */
    unsigned  matched;    /* letters of "data:", and one space */
} offtake_lines_t;

void offtake_lines_init(offtake_lines_t *lines);
void offtake_lines_feed(offtake_lines_t *lines, offtake_usage_t *usage,
    const char *data, size_t length);

/* What an error event says: JSON strings with their quotes, or nothing. */
typedef struct {
    const char  *text;
    size_t       length;
} offtake_words_t;

typedef struct {
    offtake_words_t  message;
    offtake_words_t  type;
    offtake_words_t  code;
    unsigned         status;  /* that an answer of its own would have had */
} offtake_error_t;

/* Whether this whole event is an error.  SCRATCH has room for LENGTH bytes;
 * the words lie in there. */
int offtake_event_error(const char *data, size_t length, char *scratch,
    offtake_error_t *error);

/*
 * ERROR as a JSON answer in FORM; the provider's words about our credential
 * stay with us.  Writes at most SIZE bytes and returns how many; 0 when they
 * are too few.  256 and the words are enough.
 */
size_t offtake_error_body(offtake_form_t form, const offtake_error_t *error,
    char *to, size_t size);

/* An error event in FORM, after NUMBER events.  CODE and MESSAGE need no
 * escapes. */
size_t offtake_error_event(offtake_form_t form, const char *code,
    const char *message, uint64_t number, char *to, size_t size);

#endif
