/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One pass over a request's JSON: every value is stepped over and so checked,
 * and only top-level keys are looked at closely.
 */

#include "ngx_http_offtake_scan.h"
#include "ngx_http_offtake_json.h"

#include <string.h>

#define SCAN_MODEL_MAX     256
#define SCAN_OUTPUT_MAX    10000000u

typedef struct {
    offtake_json_t      json;
    offtake_request_t  *request;
    unsigned            seen;
    unsigned            empty;
} scan_t;

enum {
    KEY_OTHER = 0,
    KEY_MODEL = 1 << 0,
    KEY_STREAM = 1 << 1,
    KEY_OPTIONS = 1 << 2,
    KEY_LIMIT = 1 << 3,          /* max_tokens */
    KEY_LIMIT_CHAT = 1 << 4,     /* max_completion_tokens */
    KEY_LIMIT_RESPONSE = 1 << 5, /* max_output_tokens */
    KEY_CHOICES = 1 << 6,        /* n */
    KEY_BEST_OF = 1 << 7,
    KEY_VERSION = 1 << 8         /* anthropic_version */
};


static int
is_word(const char *text, size_t length, const char *word)
{
    return length == strlen(word) && memcmp(text, word, length) == 0;
}


static unsigned
is_key(const char *text, const char *word, size_t length, unsigned key)
{
    return memcmp(text, word, length) == 0 ? key : KEY_OTHER;
}


static unsigned
key_of(const char *text, size_t length)
{
    switch (length) {
    case 1:
        return text[0] == 'n' ? KEY_CHOICES : KEY_OTHER;
    case 5:
        return is_key(text, "model", length, KEY_MODEL);
    case 6:
        return is_key(text, "stream", length, KEY_STREAM);
    case 7:
        return is_key(text, "best_of", length, KEY_BEST_OF);
    case 10:
        return is_key(text, "max_tokens", length, KEY_LIMIT);
    case 14:
        return is_key(text, "stream_options", length, KEY_OPTIONS);
    case 17:
        return text[0] == 'm'
               ? is_key(text, "max_output_tokens", length, KEY_LIMIT_RESPONSE)
               : is_key(text, "anthropic_version", length, KEY_VERSION);
    case 21:
        return is_key(text, "max_completion_tokens", length, KEY_LIMIT_CHAT);
    default:
        return KEY_OTHER;
    }
}


static offtake_scan_result_t
take_model(scan_t *s, offtake_span_t value)
{
    size_t  i;

    if (s->json.body[value.start] != '"' || value.end - value.start < 3
        || value.end - value.start > SCAN_MODEL_MAX + 2)
    {
        return OFFTAKE_SCAN_BAD_MODEL;
    }

    for (i = value.start + 1; i < value.end - 1; i++) {
        if (s->json.body[i] == '\\' || s->json.body[i] == 0x7f) {
            return OFFTAKE_SCAN_BAD_MODEL;
        }
    }

    s->request->model = value;
    return OFFTAKE_SCAN_OK;
}


static offtake_scan_result_t
take_stream(scan_t *s, offtake_span_t value)
{
    const char  *text = s->json.body + value.start;
    size_t       length = value.end - value.start;

    if (is_word(text, length, "true")) {
        s->request->stream = 1;
        return OFFTAKE_SCAN_OK;
    }

    if (is_word(text, length, "false") || is_word(text, length, "null")) {
        return OFFTAKE_SCAN_OK;
    }

    return OFFTAKE_SCAN_BAD_STREAM;
}


/* null is 0.  1 when it is an integer of at most MOST. */

static int
read_integer(const scan_t *s, offtake_span_t value, uint64_t most,
    uint64_t *number)
{
    size_t  i;

    *number = 0;

    if (is_word(s->json.body + value.start, value.end - value.start, "null")) {
        return 1;
    }

    for (i = value.start; i < value.end; i++) {
        if (s->json.body[i] < '0' || s->json.body[i] > '9') {
            return 0;
        }

        *number = *number * 10 + (uint64_t) (s->json.body[i] - '0');
        if (*number > most) {
            return 0;
        }
    }

    return 1;
}


static offtake_scan_result_t
take_limit(scan_t *s, offtake_span_t value)
{
    uint64_t  limit;

    if (!read_integer(s, value, SCAN_OUTPUT_MAX, &limit)) {
        return OFFTAKE_SCAN_BAD_LIMIT;
    }

    if (limit > s->request->max_output_tokens) {
        s->request->max_output_tokens = limit;
    }

    return OFFTAKE_SCAN_OK;
}


/* n and best_of: as many answers may be made, and paid for. */

static offtake_scan_result_t
take_choices(scan_t *s, offtake_span_t value)
{
    uint64_t  choices;

    if (!read_integer(s, value, OFFTAKE_CHOICES_MAX, &choices)) {
        return OFFTAKE_SCAN_BAD_COUNT;
    }

    if (choices > s->request->choices) {
        s->request->choices = choices;
    }

    return OFFTAKE_SCAN_OK;
}


/* The object was checked already: look for include_usage at its own level. */

static offtake_scan_result_t
take_options(scan_t *outer, offtake_span_t value)
{
    scan_t          inner;
    offtake_span_t  key, found;
    int             escaped;

    if (is_word(outer->json.body + value.start, value.end - value.start, "null")) {
        outer->request->stream_options = value;
        return OFFTAKE_SCAN_OK;
    }

    if (outer->json.body[value.start] != '{') {
        return OFFTAKE_SCAN_BAD_OPTIONS;
    }

    outer->request->stream_options = value;

    memset(&inner, 0, sizeof(inner));
    inner.json.body = outer->json.body;
    inner.json.at = value.start + 1;
    inner.json.length = value.end;

    offtake_json_space(&inner.json);
    if (inner.json.body[inner.json.at] == '}') {
        outer->request->empty_options = 1;
        return OFFTAKE_SCAN_OK;
    }

    for ( ;; ) {
        offtake_json_space(&inner.json);
        key.start = inner.json.at + 1;
        if (!offtake_json_string(&inner.json, &escaped)) {
            return OFFTAKE_SCAN_NOT_JSON;
        }
        key.end = inner.json.at - 1;

        if (escaped) {
            return OFFTAKE_SCAN_ESCAPED_KEY;
        }

        offtake_json_space(&inner.json);
        inner.json.at++;
        offtake_json_space(&inner.json);
        found.start = inner.json.at;
        if (offtake_json_value(&inner.json) != OFFTAKE_JSON_OK) {
            return OFFTAKE_SCAN_NOT_JSON;
        }
        found.end = inner.json.at;

        if (is_word(inner.json.body + key.start, key.end - key.start,
                    "include_usage"))
        {
            if (outer->request->include_usage.end != 0) {
                return OFFTAKE_SCAN_DUPLICATE_KEY;
            }
            outer->request->include_usage = found;
            outer->request->include_usage_true =
                is_word(inner.json.body + found.start, found.end - found.start,
                        "true");
        }

        offtake_json_space(&inner.json);
        if (inner.json.body[inner.json.at] != ',') {
            return OFFTAKE_SCAN_OK;
        }
        inner.json.at++;
    }
}


static offtake_scan_result_t
take(scan_t *s, unsigned key, offtake_span_t value)
{
    if (key == KEY_OTHER) {
        return OFFTAKE_SCAN_OK;
    }

    if (s->seen & key) {
        return OFFTAKE_SCAN_DUPLICATE_KEY;
    }

    s->seen |= key;

    switch (key) {
    case KEY_MODEL:
        return take_model(s, value);
    case KEY_STREAM:
        return take_stream(s, value);
    case KEY_OPTIONS:
        return take_options(s, value);
    case KEY_CHOICES:
    case KEY_BEST_OF:
        return take_choices(s, value);
    case KEY_VERSION:
        s->request->has_version = 1;
        return OFFTAKE_SCAN_OK;
    default:
        return take_limit(s, value);
    }
}


/* What can be cut out so that the rest is an object still: the comma before
 * the member goes with it, or behind the first one the comma that follows. */

static void
note_stream(scan_t *s, size_t start, size_t end)
{
    offtake_json_t  after = s->json;

    s->request->stream_member.start = s->request->last_byte != 0
                                      ? s->request->last_byte : start;
    s->request->stream_member.end = end;

    if (s->request->last_byte == 0) {
        offtake_json_space(&after);
        if (after.at < after.length && after.body[after.at] == ',') {
            s->request->stream_member.end = after.at + 1;
        }
    }
}


/* One '"key": value' of the top level. */

static offtake_scan_result_t
scan_member(scan_t *s)
{
    offtake_span_t  value;
    size_t          start;
    unsigned        key;
    int             escaped;

    offtake_json_space(&s->json);
    if (s->json.at >= s->json.length || s->json.body[s->json.at] != '"') {
        return OFFTAKE_SCAN_NOT_JSON;
    }

    start = s->json.at + 1;
    if (!offtake_json_string(&s->json, &escaped)) {
        return OFFTAKE_SCAN_NOT_JSON;
    }

    if (escaped) {
        return OFFTAKE_SCAN_ESCAPED_KEY;
    }

    key = key_of(s->json.body + start, s->json.at - 1 - start);

    offtake_json_space(&s->json);
    if (s->json.at >= s->json.length || s->json.body[s->json.at] != ':') {
        return OFFTAKE_SCAN_NOT_JSON;
    }

    s->json.at++;
    offtake_json_space(&s->json);
    value.start = s->json.at;

    switch (offtake_json_value(&s->json)) {
    case OFFTAKE_JSON_OK:
        break;
    case OFFTAKE_JSON_TOO_DEEP:
        return OFFTAKE_SCAN_TOO_DEEP;
    default:
        return OFFTAKE_SCAN_NOT_JSON;
    }

    value.end = s->json.at;

    if (key == KEY_MODEL) {
        s->request->model_key = start - 1;

    } else if (key == KEY_STREAM) {
        note_stream(s, start - 1, value.end);
    }

    s->request->last_byte = s->json.at;

    return take(s, key, value);
}


offtake_scan_result_t
offtake_scan_request(const char *body, size_t length,
    offtake_request_t *request)
{
    scan_t                 s;
    offtake_scan_result_t  result;

    memset(&s, 0, sizeof(s));
    memset(request, 0, sizeof(*request));
    s.json.body = body;
    s.json.length = length;
    s.request = request;

    offtake_json_space(&s.json);
    if (s.json.at >= s.json.length || s.json.body[s.json.at] != '{') {
        return OFFTAKE_SCAN_NOT_JSON;
    }

    s.json.at++;
    s.json.depth = 1;
    s.json.objects[0] = 1;

    offtake_json_space(&s.json);
    if (s.json.at < s.json.length && s.json.body[s.json.at] == '}') {
        s.empty = 1;
    }

    while (!s.empty) {
        result = scan_member(&s);
        if (result != OFFTAKE_SCAN_OK) {
            return result;
        }

        offtake_json_space(&s.json);
        if (s.json.at >= s.json.length) {
            return OFFTAKE_SCAN_NOT_JSON;
        }

        if (s.json.body[s.json.at] == '}') {
            break;
        }

        if (s.json.body[s.json.at] != ',') {
            return OFFTAKE_SCAN_NOT_JSON;
        }

        s.json.at++;
    }

    request->object_end = s.json.at++;
    offtake_json_space(&s.json);
    if (s.json.at != s.json.length) {
        return OFFTAKE_SCAN_NOT_JSON;
    }

    return request->model.end == 0 ? OFFTAKE_SCAN_NO_MODEL : OFFTAKE_SCAN_OK;
}


const char *
offtake_scan_text(offtake_scan_result_t result)
{
    switch (result) {
    case OFFTAKE_SCAN_OK:
        return "fine";
    case OFFTAKE_SCAN_NOT_JSON:
        return "The body is not one well-formed JSON object.";
    case OFFTAKE_SCAN_TOO_DEEP:
        return "The body is nested more than 256 levels deep.";
    case OFFTAKE_SCAN_ESCAPED_KEY:
        return "A key of the body is written with escapes; write it plainly.";
    case OFFTAKE_SCAN_DUPLICATE_KEY:
        return "A key that decides about the request stands twice in the body.";
    case OFFTAKE_SCAN_NO_MODEL:
        return "The body names no model.";
    case OFFTAKE_SCAN_BAD_MODEL:
        return "model must be a plain string of 1 to 256 characters.";
    case OFFTAKE_SCAN_BAD_STREAM:
        return "stream must be true or false.";
    case OFFTAKE_SCAN_BAD_OPTIONS:
        return "stream_options must be an object.";
    case OFFTAKE_SCAN_BAD_LIMIT:
        return "The output limit must be an integer from 0 to 10000000.";
    case OFFTAKE_SCAN_BAD_COUNT:
        return "n and best_of must be integers of at most 1024.";
    }

    return "The body is not acceptable.";
}
