/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The words of an error event: a provider's, taken apart so that they can be
 * given as an answer of their own; and ours, for a stream that broke off.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem() */
#endif

#include "ngx_http_offtake_events.h"
#include "ngx_http_offtake_json.h"

#include <stdio.h>
#include <string.h>

static const char  refused[] =
    "\"No provider that the contract allows gave a usable answer.\"";


static int
word_is(offtake_words_t word, const char *text)
{
    size_t  length = strlen(text);

    return word.length == length && memcmp(word.text, text, length) == 0;
}


static int
word_has(offtake_words_t word, const char *part)
{
    return word.length > 0
           && memmem(word.text, word.length, part, strlen(part)) != NULL;
}


/*
 * One member of an object that was checked before: S stands behind its brace
 * or a comma.  0 at its end.
 */

static int
next_member(offtake_json_t *s, offtake_words_t *key, offtake_words_t *value)
{
    int     escaped;
    size_t  start;

    offtake_json_space(s);
    if (s->body[s->at] == ',') {
        s->at++;
        offtake_json_space(s);
    }

    if (s->body[s->at] != '"') {
        return 0;
    }

    start = s->at;
    if (!offtake_json_string(s, &escaped)) {
        return 0;
    }
    key->text = s->body + start + 1;
    key->length = s->at - start - 2;

    offtake_json_space(s);
    s->at++;
    offtake_json_space(s);

    start = s->at;
    if (offtake_json_value(s) != OFFTAKE_JSON_OK) {
        return 0;
    }
    value->text = s->body + start;
    value->length = s->at - start;

    return 1;
}


/* The words inside one checked object; those of "error" where it has one. */

static int
take_words(offtake_words_t object, offtake_error_t *error, int outer)
{
    int              found = 0;
    offtake_json_t   s;
    offtake_words_t  key, value;

    memset(&s, 0, sizeof(s));
    s.body = object.text;
    s.at = 1;
    s.length = object.length;

    while (next_member(&s, &key, &value)) {
        if (outer && word_is(key, "error") && value.text[0] == '{') {
            (void) take_words(value, error, 0);
            return 1;
        }

        if (outer && word_is(key, "error") && value.text[0] == '"') {
            error->message = value;
            found = 1;

        } else if (word_is(key, "type") && value.text[0] == '"') {
            error->type = value;
            found |= outer && word_is(value, "\"error\"");

        } else if (word_is(key, "code") && value.text[0] != '{'
                   && value.text[0] != '[' && value.text[0] != 'n')
        {
            error->code = value;

        } else if (word_is(key, "message") && value.text[0] == '"') {
            error->message = value;
        }
    }

    return found || !outer;
}


/* "429", quoted or not, when it is the status of an error. */

static unsigned
status_number(offtake_words_t word)
{
    const char  *digit = word.text;
    size_t       length = word.length;

    if (length == 5 && digit[0] == '"') {
        digit++;
        length = 3;
    }

    if (length != 3 || (digit[0] != '4' && digit[0] != '5') || digit[1] < '0'
        || digit[1] > '9' || digit[2] < '0' || digit[2] > '9')
    {
        return 0;
    }

    return (unsigned) ((digit[0] - '0') * 100 + (digit[1] - '0') * 10
                       + digit[2] - '0');
}


static unsigned
status_of(const offtake_error_t *error)
{
    static const struct {
        const char  *part;
        unsigned     status;
    } known[] = {
        { "rate_limit", 429 }, { "quota", 429 }, { "too_many", 429 },
        { "Throttling", 429 }, { "RESOURCE_EXHAUSTED", 429 },
        { "overloaded", 503 }, { "unavailable", 503 }, { "capacity", 503 },
        { "authentication", 401 }, { "api_key", 401 }, { "permission", 403 },
        { "billing", 402 }, { "not_found", 404 }, { "too_large", 413 },
        { "context_length", 400 }, { "invalid", 400 }, { "content_f", 400 },
        { "timeout", 504 },
    };
    size_t    i;
    unsigned  status = status_number(error->code);

    for (i = 0; status == 0 && i < sizeof(known) / sizeof(known[0]); i++) {
        if (word_has(error->code, known[i].part)
            || word_has(error->type, known[i].part))
        {
            status = known[i].status;
        }
    }

    return status == 0 ? 502 : status == 529 ? 503 : status;
}


/* The data lines of an event, put together. */

static size_t
join(const char *data, size_t length, char *to)
{
    size_t       used = 0, size;
    const char  *line, *end = data + length;

    for (/* void */; data < end; data = line) {
        line = memchr(data, '\n', (size_t) (end - data));
        line = line == NULL ? end : line + 1;
        size = (size_t) (line - data);

        if (size > 5 && memcmp(data, "data:", 5) == 0) {
            memcpy(to + used, data + 5, size - 5);
            used += size - 5;
        }
    }

    return used;
}


int
offtake_event_error(const char *data, size_t length, char *scratch,
    offtake_error_t *error)
{
    int              named;
    offtake_json_t   s;
    offtake_event_t  event;
    offtake_words_t  object;

    memset(error, 0, sizeof(*error));
    offtake_event_look(data, length, &event);

    if (event.payload == NULL || event.done) {
        return 0;
    }

    named = event.kind == OFFTAKE_EVENT_ERROR;

    while (length > 0 && data[0] != 'd' && data[0] != 'e' && data[0] != ':') {
        data++; /* a byte order mark, blank lines */
        length--;
    }

    memset(&s, 0, sizeof(s));
    s.body = scratch;
    s.length = join(data, length, scratch);

    offtake_json_space(&s);
    object.text = scratch + s.at;

    if (s.at < s.length && *object.text == '{'
        && offtake_json_value(&s) == OFFTAKE_JSON_OK)
    {
        object.length = (size_t) (scratch + s.at - object.text);

        if (!take_words(object, error, 1) && !named) {
            memset(error, 0, sizeof(*error));
            return 0;
        }

    } else if (!named) {
        return 0;
    }

    error->status = status_of(error);
    return 1;
}


typedef struct {
    char    *to;
    size_t   size;
    size_t   used;
    int      full;
} writer_t;


static void
put(writer_t *w, const char *text, size_t length)
{
    if (w->full || w->size - w->used < length) {
        w->full = 1;
        return;
    }

    memcpy(w->to + w->used, text, length);
    w->used += length;
}


static void
put_text(writer_t *w, const char *text)
{
    put(w, text, strlen(text));
}


static void
put_words(writer_t *w, offtake_words_t words, const char *otherwise)
{
    if (words.length > 0) {
        put(w, words.text, words.length);
    } else {
        put_text(w, otherwise);
    }
}


size_t
offtake_error_body(offtake_form_t form, const offtake_error_t *error,
    char *to, size_t size)
{
    writer_t         w = { to, size, 0, 0 };
    offtake_error_t  said = *error;

    if (said.status == 401 || said.status == 402 || said.status == 403) {
        memset(&said, 0, sizeof(said));
    }

    if (form == OFFTAKE_FORM_MESSAGES) {
        put_text(&w, "{\"type\":\"error\",\"error\":{\"type\":");
        put_words(&w, said.type, "\"api_error\"");
        put_text(&w, ",\"message\":");
        put_words(&w, said.message, refused);
        put_text(&w, "}}\n");

    } else {
        put_text(&w, "{\"error\":{\"message\":");
        put_words(&w, said.message, refused);
        put_text(&w, ",\"type\":");
        put_words(&w, said.type, "\"api_error\"");
        put_text(&w, ",\"param\":null,\"code\":");
        put_words(&w, said.code, "\"provider_unavailable\"");
        put_text(&w, "}}\n");
    }

    return w.full ? 0 : w.used;
}


size_t
offtake_error_event(offtake_form_t form, const char *code,
    const char *message, uint64_t number, char *to, size_t size)
{
    int  length;

    switch (form) {

    case OFFTAKE_FORM_RESPONSES:
        length = snprintf(to, size,
                          "event: error\ndata: {\"type\":\"error\",\"code\":"
                          "\"%s\",\"message\":\"%s\",\"param\":null,"
                          "\"sequence_number\":%llu}\n\n",
                          code, message, (unsigned long long) number);
        break;

    case OFFTAKE_FORM_MESSAGES:
        length = snprintf(to, size,
                          "event: error\ndata: {\"type\":\"error\",\"error\":"
                          "{\"type\":\"api_error\",\"message\":\"%s\"}}\n\n",
                          message);
        break;

    default:
        length = snprintf(to, size,
                          "data: {\"error\":{\"message\":\"%s\",\"type\":"
                          "\"api_error\",\"param\":null,\"code\":\"%s\"}}"
                          "\n\n",
                          message, code);
        break;
    }

    return length < 0 || (size_t) length >= size ? 0 : (size_t) length;
}
