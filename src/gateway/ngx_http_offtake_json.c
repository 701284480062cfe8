/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Walks over JSON in memory.  Strings are skipped a run at a time, nesting is
 * kept as one bit a level, and there is no recursion.
 */

#include "ngx_http_offtake_json.h"

#include <string.h>


void
offtake_json_space(offtake_json_t *s)
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
hex_digits(const offtake_json_t *s, size_t at, size_t count)
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
skip_escape(offtake_json_t *s)
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
plain_run(const offtake_json_t *s)
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

int
offtake_json_string(offtake_json_t *s, int *ret_escaped)
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
skip_digits(offtake_json_t *s)
{
    size_t  start = s->at;

    while (s->at < s->length && s->body[s->at] >= '0' && s->body[s->at] <= '9')
    {
        s->at++;
    }

    return s->at - start;
}


static int
skip_number(offtake_json_t *s)
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
skip_word(offtake_json_t *s, const char *word)
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
skip_scalar(offtake_json_t *s)
{
    int  escaped;

    switch (s->body[s->at]) {
    case '"':
        return offtake_json_string(s, &escaped);
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
push(offtake_json_t *s, int is_object)
{
    if (s->depth == OFFTAKE_JSON_DEPTH_MAX) {
        return 0;
    }

    s->objects[s->depth / 64] &= ~((uint64_t) 1 << (s->depth % 64));
    s->objects[s->depth / 64] |= (uint64_t) is_object << (s->depth % 64);
    s->depth++;
    s->at++;
    return 1;
}


static int
in_object(const offtake_json_t *s)
{
    int  level = s->depth - 1;

    return (int) ((s->objects[level / 64] >> (level % 64)) & 1);
}


/* Past '"key" :' of a nested object. */

static int
skip_key(offtake_json_t *s)
{
    int  escaped;

    offtake_json_space(s);
    if (s->at >= s->length || s->body[s->at] != '"'
        || !offtake_json_string(s, &escaped))
    {
        return 0;
    }

    offtake_json_space(s);
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
next_nested(offtake_json_t *s, int base)
{
    for ( ;; ) {
        char  c;

        if (s->depth == base) {
            return 0;
        }

        offtake_json_space(s);
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

offtake_json_result_t
offtake_json_value(offtake_json_t *s)
{
    int  base = s->depth, more;

    for ( ;; ) {
        char  c;

        offtake_json_space(s);
        if (s->at >= s->length) {
            return OFFTAKE_JSON_BROKEN;
        }

        c = s->body[s->at];

        if (c == '{' || c == '[') {
            if (!push(s, c == '{')) {
                return OFFTAKE_JSON_TOO_DEEP;
            }

            offtake_json_space(s);
            if (s->at < s->length && s->body[s->at] == (c == '{' ? '}' : ']'))
            {
                s->at++;
                s->depth--;

            } else if (c == '{') {
                if (!skip_key(s)) {
                    return OFFTAKE_JSON_BROKEN;
                }
                continue;

            } else {
                continue;
            }

        } else if (!skip_scalar(s)) {
            return OFFTAKE_JSON_BROKEN;
        }

        more = next_nested(s, base);
        if (more < 0) {
            return OFFTAKE_JSON_BROKEN;
        }

        if (more == 0) {
            return OFFTAKE_JSON_OK;
        }
    }
}
