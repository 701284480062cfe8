/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One pass over a request's JSON.  Strings are skipped by memchr, nesting is
 * kept as one bit a level, and only top-level keys are looked at closely.
 */

#include "ngx_http_offtake_scan.h"

#include <string.h>

#define SCAN_DEPTH_MAX     256
#define SCAN_MODEL_MAX     256
#define SCAN_OUTPUT_MAX    10000000u

typedef struct {
    const char         *body;
    size_t              at;
    size_t              length;
    int                 depth;
    uint64_t            objects[SCAN_DEPTH_MAX / 64]; /* bit: an object */
    offtake_request_t  *request;
    unsigned            seen;
} scan_t;

enum {
    KEY_OTHER = 0,
    KEY_MODEL = 1 << 0,
    KEY_STREAM = 1 << 1,
    KEY_OPTIONS = 1 << 2,
    KEY_LIMIT = 1 << 3,          /* max_tokens */
    KEY_LIMIT_CHAT = 1 << 4,     /* max_completion_tokens */
    KEY_LIMIT_RESPONSE = 1 << 5  /* max_output_tokens */
};


static void
skip_space(scan_t *s)
{
    while (s->at < s->length) {
        char  c = s->body[s->at];

        if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
            break;
        }

        s->at++;
    }
}


static int
hex_digits(const scan_t *s, size_t at, size_t count)
{
    size_t  i;

    if (s->length - at < count) {
        return 0;
    }

    for (i = 0; i < count; i++) {
        char  c = s->body[at + i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')
              || (c >= 'A' && c <= 'F')))
        {
            return 0;
        }
    }

    return 1;
}


/* At a backslash: past the escape, or 0. */

static int
skip_escape(scan_t *s)
{
    if (s->at + 1 >= s->length) {
        return 0;
    }

    switch (s->body[s->at + 1]) {

    case '"': case '\\': case '/': case 'b': case 'f': case 'n': case 'r':
    case 't':
        s->at += 2;
        return 1;

    case 'u':
        if (!hex_digits(s, s->at + 2, 4)) {
            return 0;
        }
        s->at += 6;
        return 1;

    default:
        return 0;
    }
}


/* Whether a run holds a control character.  No early exit: the compiler makes
 * wide instructions of this loop. */

#if defined(__GNUC__) && !defined(__clang__)
__attribute__((optimize("O3")))
#endif
static int
has_control(const unsigned char *data, size_t length)
{
    size_t         i;
    unsigned char  found = 0;

    for (i = 0; i < length; i++) {
        found |= (unsigned char) (data[i] < 0x20);
    }

    return found;
}


/* Bytes from here that neither end the string nor escape anything. */

static size_t
plain_run(const scan_t *s)
{
    size_t       length = s->length - s->at;
    const char  *start = s->body + s->at, *end;

    end = memchr(start, '"', length);
    if (end != NULL) {
        length = (size_t) (end - start);
    }

    end = memchr(start, '\\', length);

    return end == NULL ? length : (size_t) (end - start);
}


/* At an opening quote: past the closing one.  *ret_escaped tells of any. */

static int
skip_string(scan_t *s, int *ret_escaped)
{
    *ret_escaped = 0;
    s->at++;

    for ( ;; ) {
        size_t  run = plain_run(s);

        if (has_control((const unsigned char *) s->body + s->at, run)) {
            return 0;
        }

        s->at += run;

        if (s->at >= s->length) {
            return 0;
        }

        if (s->body[s->at] == '"') {
            s->at++;
            return 1;
        }

        *ret_escaped = 1;
        if (!skip_escape(s)) {
            return 0;
        }
    }
}


static size_t
skip_digits(scan_t *s)
{
    size_t  start = s->at;

    while (s->at < s->length && s->body[s->at] >= '0' && s->body[s->at] <= '9')
    {
        s->at++;
    }

    return s->at - start;
}


static int
skip_number(scan_t *s)
{
    if (s->body[s->at] == '-') {
        s->at++;
    }

    if (s->at < s->length && s->body[s->at] == '0') {
        s->at++;

    } else if (skip_digits(s) == 0) {
        return 0;
    }

    if (s->at < s->length && s->body[s->at] == '.') {
        s->at++;
        if (skip_digits(s) == 0) {
            return 0;
        }
    }

    if (s->at < s->length && (s->body[s->at] == 'e' || s->body[s->at] == 'E'))
    {
        s->at++;
        if (s->at < s->length
            && (s->body[s->at] == '+' || s->body[s->at] == '-'))
        {
            s->at++;
        }
        if (skip_digits(s) == 0) {
            return 0;
        }
    }

    return 1;
}


static int
skip_word(scan_t *s, const char *word)
{
    size_t  length = strlen(word);

    if (s->length - s->at < length
        || memcmp(s->body + s->at, word, length) != 0)
    {
        return 0;
    }

    s->at += length;
    return 1;
}


/* A string, number or literal. */

static int
skip_scalar(scan_t *s)
{
    int  escaped;

    switch (s->body[s->at]) {
    case '"':
        return skip_string(s, &escaped);
    case 't':
        return skip_word(s, "true");
    case 'f':
        return skip_word(s, "false");
    case 'n':
        return skip_word(s, "null");
    default:
        return skip_number(s);
    }
}


static int
push(scan_t *s, int is_object)
{
    if (s->depth == SCAN_DEPTH_MAX) {
        return 0;
    }

    s->objects[s->depth / 64] &= ~((uint64_t) 1 << (s->depth % 64));
    s->objects[s->depth / 64] |= (uint64_t) is_object << (s->depth % 64);
    s->depth++;
    s->at++;
    return 1;
}


static int
in_object(const scan_t *s)
{
    int  level = s->depth - 1;

    return (int) ((s->objects[level / 64] >> (level % 64)) & 1);
}


/* Past '"key" :' of a nested object. */

static int
skip_key(scan_t *s)
{
    int  escaped;

    skip_space(s);
    if (s->at >= s->length || s->body[s->at] != '"'
        || !skip_string(s, &escaped))
    {
        return 0;
    }

    skip_space(s);
    if (s->at >= s->length || s->body[s->at] != ':') {
        return 0;
    }

    s->at++;
    return 1;
}


/*
 * After a value at a depth above BASE: closes what closes, and stops in front
 * of the next value.  Returns 1 there, 0 when BASE is reached, -1 on error.
 */

static int
next_nested(scan_t *s, int base)
{
    for ( ;; ) {
        char  c;

        if (s->depth == base) {
            return 0;
        }

        skip_space(s);
        if (s->at >= s->length) {
            return -1;
        }

        c = s->body[s->at++];

        if (c == ',') {
            return in_object(s) ? (skip_key(s) ? 1 : -1) : 1;
        }

        if (c != (in_object(s) ? '}' : ']')) {
            return -1;
        }

        s->depth--;
    }
}


/* Any value, however deep, without recursion. */

static offtake_scan_result_t
skip_value(scan_t *s)
{
    int  base = s->depth, more;

    for ( ;; ) {
        char  c;

        skip_space(s);
        if (s->at >= s->length) {
            return OFFTAKE_SCAN_NOT_JSON;
        }

        c = s->body[s->at];

        if (c == '{' || c == '[') {
            if (!push(s, c == '{')) {
                return OFFTAKE_SCAN_TOO_DEEP;
            }

            skip_space(s);
            if (s->at < s->length && s->body[s->at] == (c == '{' ? '}' : ']'))
            {
                s->at++;
                s->depth--;

            } else if (c == '{') {
                if (!skip_key(s)) {
                    return OFFTAKE_SCAN_NOT_JSON;
                }
                continue;

            } else {
                continue;
            }

        } else if (!skip_scalar(s)) {
            return OFFTAKE_SCAN_NOT_JSON;
        }

        more = next_nested(s, base);
        if (more < 0) {
            return OFFTAKE_SCAN_NOT_JSON;
        }

        if (more == 0) {
            return OFFTAKE_SCAN_OK;
        }
    }
}


static int
is_word(const char *text, size_t length, const char *word)
{
    return length == strlen(word) && memcmp(text, word, length) == 0;
}


static unsigned
key_of(const char *text, size_t length)
{
    if (is_word(text, length, "model")) {
        return KEY_MODEL;
    }
    if (is_word(text, length, "stream")) {
        return KEY_STREAM;
    }
    if (is_word(text, length, "stream_options")) {
        return KEY_OPTIONS;
    }
    if (is_word(text, length, "max_tokens")) {
        return KEY_LIMIT;
    }
    if (is_word(text, length, "max_completion_tokens")) {
        return KEY_LIMIT_CHAT;
    }
    if (is_word(text, length, "max_output_tokens")) {
        return KEY_LIMIT_RESPONSE;
    }
    return KEY_OTHER;
}


static offtake_scan_result_t
take_model(scan_t *s, offtake_span_t value)
{
    size_t  i;

    if (s->body[value.start] != '"' || value.end - value.start < 3
        || value.end - value.start > SCAN_MODEL_MAX + 2)
    {
        return OFFTAKE_SCAN_BAD_MODEL;
    }

    for (i = value.start + 1; i < value.end - 1; i++) {
        if (s->body[i] == '\\' || s->body[i] == 0x7f) {
            return OFFTAKE_SCAN_BAD_MODEL;
        }
    }

    s->request->model = value;
    return OFFTAKE_SCAN_OK;
}


static offtake_scan_result_t
take_stream(scan_t *s, offtake_span_t value)
{
    const char  *text = s->body + value.start;
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


static offtake_scan_result_t
take_limit(scan_t *s, offtake_span_t value)
{
    uint64_t  limit = 0;
    size_t    i;

    if (is_word(s->body + value.start, value.end - value.start, "null")) {
        return OFFTAKE_SCAN_OK;
    }

    for (i = value.start; i < value.end; i++) {
        if (s->body[i] < '0' || s->body[i] > '9') {
            return OFFTAKE_SCAN_BAD_LIMIT;
        }

        limit = limit * 10 + (uint64_t) (s->body[i] - '0');
        if (limit > SCAN_OUTPUT_MAX) {
            return OFFTAKE_SCAN_BAD_LIMIT;
        }
    }

    if (limit > s->request->max_output_tokens) {
        s->request->max_output_tokens = limit;
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

    if (is_word(outer->body + value.start, value.end - value.start, "null")) {
        outer->request->stream_options = value;
        return OFFTAKE_SCAN_OK;
    }

    if (outer->body[value.start] != '{') {
        return OFFTAKE_SCAN_BAD_OPTIONS;
    }

    outer->request->stream_options = value;

    memset(&inner, 0, sizeof(inner));
    inner.body = outer->body;
    inner.at = value.start + 1;
    inner.length = value.end;

    skip_space(&inner);
    if (inner.body[inner.at] == '}') {
        outer->request->empty_options = 1;
        return OFFTAKE_SCAN_OK;
    }

    for ( ;; ) {
        skip_space(&inner);
        key.start = inner.at + 1;
        if (!skip_string(&inner, &escaped)) {
            return OFFTAKE_SCAN_NOT_JSON;
        }
        key.end = inner.at - 1;

        if (escaped) {
            return OFFTAKE_SCAN_ESCAPED_KEY;
        }

        skip_space(&inner);
        inner.at++;
        skip_space(&inner);
        found.start = inner.at;
        if (skip_value(&inner) != OFFTAKE_SCAN_OK) {
            return OFFTAKE_SCAN_NOT_JSON;
        }
        found.end = inner.at;

        if (is_word(inner.body + key.start, key.end - key.start,
                    "include_usage"))
        {
            if (outer->request->include_usage.end != 0) {
                return OFFTAKE_SCAN_DUPLICATE_KEY;
            }
            outer->request->include_usage = found;
            outer->request->include_usage_true =
                is_word(inner.body + found.start, found.end - found.start,
                        "true");
        }

        skip_space(&inner);
        if (inner.body[inner.at] != ',') {
            return OFFTAKE_SCAN_OK;
        }
        inner.at++;
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
    default:
        return take_limit(s, value);
    }
}


/* One '"key": value' of the top level. */

static offtake_scan_result_t
scan_member(scan_t *s)
{
    offtake_scan_result_t  result;
    offtake_span_t         value;
    size_t                 start;
    unsigned               key;
    int                    escaped;

    skip_space(s);
    if (s->at >= s->length || s->body[s->at] != '"') {
        return OFFTAKE_SCAN_NOT_JSON;
    }

    start = s->at + 1;
    if (!skip_string(s, &escaped)) {
        return OFFTAKE_SCAN_NOT_JSON;
    }

    if (escaped) {
        return OFFTAKE_SCAN_ESCAPED_KEY;
    }

    key = key_of(s->body + start, s->at - 1 - start);

    skip_space(s);
    if (s->at >= s->length || s->body[s->at] != ':') {
        return OFFTAKE_SCAN_NOT_JSON;
    }

    s->at++;
    skip_space(s);
    value.start = s->at;

    result = skip_value(s);
    if (result != OFFTAKE_SCAN_OK) {
        return result;
    }

    value.end = s->at;
    s->request->last_byte = s->at;

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
    s.body = body;
    s.length = length;
    s.request = request;

    skip_space(&s);
    if (s.at >= s.length || s.body[s.at] != '{') {
        return OFFTAKE_SCAN_NOT_JSON;
    }

    s.at++;
    s.depth = 1;
    s.objects[0] = 1;

    for ( ;; ) {
        result = scan_member(&s);
        if (result != OFFTAKE_SCAN_OK) {
            return result;
        }

        skip_space(&s);
        if (s.at >= s.length) {
            return OFFTAKE_SCAN_NOT_JSON;
        }

        if (s.body[s.at] == '}') {
            break;
        }

        if (s.body[s.at] != ',') {
            return OFFTAKE_SCAN_NOT_JSON;
        }

        s.at++;
    }

    request->object_end = s.at++;
    skip_space(&s);
    if (s.at != s.length) {
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
    }

    return "The body is not acceptable.";
}
