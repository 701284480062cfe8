/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One pass over a multipart body, from boundary to boundary.  What stands in
 * a part is searched for the next boundary and not looked at otherwise.
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif

#include "ngx_http_offtake_parts.h"

#include <string.h>
#include <strings.h>

#define BOUNDARY_MAX  70
#define NAME_MAX_     128
#define MODEL_MAX     256

typedef struct {
    const char         *body;
    size_t              length;
    size_t              at;
    char                marker[BOUNDARY_MAX + 4]; /* CRLF, two dashes, ... */
    size_t              marker_length;
    offtake_request_t  *request;
    unsigned            seen;
} parts_t;

enum { PART_MODEL = 1, PART_STREAM = 2, PART_COUNT = 4 };

typedef struct {
    offtake_span_t  name;      /* of the field; end 0: none yet */
    unsigned        is_file:1;
    unsigned        has_type:1;
} part_t;


/* ---- the header of the request ----------------------------------------- */

static int
is_boundary_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9') || (c != '\0'
                                         && strchr("'()+_,-./:=?", c) != NULL);
}


offtake_parts_result_t
offtake_parts_boundary(const char *type, size_t length,
    offtake_span_t *boundary)
{
    static const char  start[] = "multipart/form-data";
    static const char  name[] = "boundary=";
    size_t             at = sizeof(start) - 1, end, i;
    int                quoted;

    if (length <= at || strncasecmp(type, start, at) != 0) {
        return OFFTAKE_PARTS_BAD_TYPE;
    }

    while (at < length && type[at] == ' ') {
        at++;
    }

    if (at >= length || type[at] != ';') {
        return OFFTAKE_PARTS_BAD_TYPE;
    }

    at++;

    while (at < length && type[at] == ' ') {
        at++;
    }

    if (length - at <= sizeof(name) - 1
        || strncasecmp(type + at, name, sizeof(name) - 1) != 0)
    {
        return OFFTAKE_PARTS_BAD_TYPE;
    }

    at += sizeof(name) - 1;
    end = length;
    quoted = type[at] == '"';

    if (quoted) {
        at++;
        if (end - at < 2 || type[end - 1] != '"') {
            return OFFTAKE_PARTS_BAD_TYPE;
        }
        end--;
    }

    if (end - at < 1 || end - at > BOUNDARY_MAX) {
        return OFFTAKE_PARTS_BAD_TYPE;
    }

    /* No other parameter, no blank, no quote: what is left is the word. */
    for (i = at; i < end; i++) {
        if (!is_boundary_char(type[i])) {
            return OFFTAKE_PARTS_BAD_TYPE;
        }
    }

    boundary->start = at;
    boundary->end = end;

    return OFFTAKE_PARTS_OK;
}


/* ---- the header of a part ---------------------------------------------- */

static int
is_token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9') || c == '-' || c == '_';
}


static int
line_is(const char *line, size_t length, const char *word)
{
    return length == strlen(word) && strncasecmp(line, word, length) == 0;
}


/* At '"': past the closing one.  No escapes: readers differ in them. */

static int
quoted_value(const parts_t *p, size_t *at, size_t end, offtake_span_t *value)
{
    size_t  i;

    if (*at >= end || p->body[*at] != '"') {
        return 0;
    }

    for (i = *at + 1; i < end; i++) {
        unsigned char  c = (unsigned char) p->body[i];

        if (c == '"') {
            value->start = *at + 1;
            value->end = i;
            *at = i + 1;
            return 1;
        }

        if (c == '\\' || c < 0x20 || c == 0x7f) {
            return 0;
        }
    }

    return 0;
}


/* 'form-data; name="model"; filename="a.png"', and nothing else. */

static offtake_parts_result_t
take_disposition(parts_t *p, part_t *part, size_t at, size_t end)
{
    static const char  start[] = "form-data";
    offtake_span_t     value;
    size_t             from;

    if (part->name.end != 0 || end - at < sizeof(start) - 1
        || strncasecmp(p->body + at, start, sizeof(start) - 1) != 0)
    {
        return OFFTAKE_PARTS_BAD_NAME;
    }

    at += sizeof(start) - 1;

    while (at < end) {
        if (p->body[at] != ';') {
            return OFFTAKE_PARTS_BAD_NAME;
        }

        at++;
        while (at < end && p->body[at] == ' ') {
            at++;
        }

        from = at;
        while (at < end && is_token_char(p->body[at])) {
            at++;
        }

        if (at >= end || p->body[at] != '=') {
            return OFFTAKE_PARTS_BAD_NAME;
        }

        at++;

        if (line_is(p->body + from, at - 1 - from, "name")) {
            if (part->name.end != 0 || !quoted_value(p, &at, end, &part->name)
                || part->name.end == part->name.start
                || part->name.end - part->name.start > NAME_MAX_)
            {
                return OFFTAKE_PARTS_BAD_NAME;
            }

        } else if (line_is(p->body + from, at - 1 - from, "filename")) {
            if (part->is_file || !quoted_value(p, &at, end, &value)) {
                return OFFTAKE_PARTS_BAD_NAME;
            }
            part->is_file = 1;

        } else {
            return OFFTAKE_PARTS_BAD_NAME; /* name*=, filename*=, ... */
        }
    }

    return part->name.end != 0 ? OFFTAKE_PARTS_OK : OFFTAKE_PARTS_BAD_NAME;
}


static offtake_parts_result_t
take_header(parts_t *p, part_t *part, size_t at, size_t end)
{
    static const char  nested[] = "multipart/";
    size_t             colon = at;
    size_t             i;

    while (colon < end && is_token_char(p->body[colon])) {
        colon++;
    }

    if (colon == at || colon >= end || p->body[colon] != ':') {
        return OFFTAKE_PARTS_BAD_HEADER; /* a folded line, among others */
    }

    i = colon + 1;
    while (i < end && p->body[i] == ' ') {
        i++;
    }

    if (line_is(p->body + at, colon - at, "content-disposition")) {
        return take_disposition(p, part, i, end);
    }

    if (line_is(p->body + at, colon - at, "content-type")) {
        if (part->has_type) {
            return OFFTAKE_PARTS_BAD_HEADER;
        }

        part->has_type = 1;

        return end - i >= sizeof(nested) - 1
               && strncasecmp(p->body + i, nested, sizeof(nested) - 1) == 0
               ? OFFTAKE_PARTS_NESTED : OFFTAKE_PARTS_OK;
    }

    if (line_is(p->body + at, colon - at, "content-length")) {
        return OFFTAKE_PARTS_OK; /* told by some clients, believed by nobody */
    }

    if (line_is(p->body + at, colon - at, "content-transfer-encoding")
        && (line_is(p->body + i, end - i, "binary")
            || line_is(p->body + i, end - i, "8bit")
            || line_is(p->body + i, end - i, "7bit")))
    {
        return OFFTAKE_PARTS_OK;
    }

    return OFFTAKE_PARTS_BAD_HEADER;
}


/* Behind a boundary's line: past the empty line that ends the header. */

static offtake_parts_result_t
read_headers(parts_t *p, part_t *part)
{
    size_t                  limit, lines = 0;
    const char             *line;
    offtake_parts_result_t  result;

    memset(part, 0, sizeof(*part));

    limit = p->length - p->at;
    if (limit > OFFTAKE_PART_HEADER_BYTES) {
        limit = OFFTAKE_PART_HEADER_BYTES;
    }
    limit += p->at;

    for ( ;; ) {
        line = memchr(p->body + p->at, '\n', limit - p->at);

        if (line == NULL || line == p->body + p->at || line[-1] != '\r') {
            return OFFTAKE_PARTS_BAD_HEADER;
        }

        if (line - 1 == p->body + p->at) {
            p->at += 2;
            return part->name.end != 0 ? OFFTAKE_PARTS_OK
                                       : OFFTAKE_PARTS_BAD_NAME;
        }

        if (++lines > OFFTAKE_PART_HEADERS_MAX) {
            return OFFTAKE_PARTS_BAD_HEADER;
        }

        result = take_header(p, part, p->at, (size_t) (line - p->body) - 1);
        if (result != OFFTAKE_PARTS_OK) {
            return result;
        }

        p->at = (size_t) (line - p->body) + 1;
    }
}


/* ---- what decides ------------------------------------------------------ */

static int
name_is(const parts_t *p, const part_t *part, const char *word, int *almost)
{
    const char  *name = p->body + part->name.start;
    size_t       length = part->name.end - part->name.start;

    if (!line_is(name, length, word)) {
        return 0;
    }

    *almost = memcmp(name, word, length) != 0;

    return 1;
}


static offtake_parts_result_t
take_model(parts_t *p, offtake_span_t value)
{
    size_t  i;

    if (value.end == value.start || value.end - value.start > MODEL_MAX) {
        return OFFTAKE_PARTS_BAD_VALUE;
    }

    for (i = value.start; i < value.end; i++) {
        unsigned char  c = (unsigned char) p->body[i];

        if (c <= 0x20 || c == 0x7f || c == '"' || c == '\\') {
            return OFFTAKE_PARTS_BAD_VALUE;
        }
    }

    p->request->model = value;

    return OFFTAKE_PARTS_OK;
}


static offtake_parts_result_t
take_stream(parts_t *p, offtake_span_t value)
{
    const char  *text = p->body + value.start;
    size_t       length = value.end - value.start;

    /* As form readers take a boolean. */
    p->request->stream = line_is(text, length, "true")
                         || line_is(text, length, "1");

    return p->request->stream || line_is(text, length, "false")
           || line_is(text, length, "0") ? OFFTAKE_PARTS_OK
                                         : OFFTAKE_PARTS_BAD_VALUE;
}


static offtake_parts_result_t
take_count(parts_t *p, offtake_span_t value)
{
    size_t  i;

    if (value.end == value.start || value.end - value.start > 4) {
        return OFFTAKE_PARTS_BAD_VALUE;
    }

    for (i = value.start; i < value.end; i++) {
        if (p->body[i] < '0' || p->body[i] > '9') {
            return OFFTAKE_PARTS_BAD_VALUE;
        }
        p->request->choices = p->request->choices * 10
                              + (uint64_t) (p->body[i] - '0');
    }

    return p->request->choices <= OFFTAKE_CHOICES_MAX
           ? OFFTAKE_PARTS_OK : OFFTAKE_PARTS_BAD_VALUE;
}


static offtake_parts_result_t
take_part(parts_t *p, const part_t *part, offtake_span_t value)
{
    int       almost = 0;
    unsigned  which;

    if (name_is(p, part, "model", &almost)) {
        which = PART_MODEL;
    } else if (name_is(p, part, "stream", &almost)) {
        which = PART_STREAM;
    } else if (name_is(p, part, "n", &almost)) {
        which = PART_COUNT;
    } else {
        return OFFTAKE_PARTS_OK;
    }

    if (almost || part->is_file) {
        return OFFTAKE_PARTS_BAD_NAME;
    }

    if (p->seen & which) {
        return OFFTAKE_PARTS_DUPLICATE;
    }

    p->seen |= which;

    switch (which) {
    case PART_MODEL:
        return take_model(p, value);
    case PART_STREAM:
        return take_stream(p, value);
    default:
        return take_count(p, value);
    }
}


/* ---- the frame --------------------------------------------------------- */

/* Behind a marker: 1 for one more part, 0 for the end, -1 for neither. */

static int
after_marker(parts_t *p)
{
    const char  *rest = p->body + p->at;
    size_t       left = p->length - p->at;

    if (left >= 2 && rest[0] == '\r' && rest[1] == '\n') {
        p->at += 2;
        return 1;
    }

    if ((left == 2 || (left == 4 && rest[2] == '\r' && rest[3] == '\n'))
        && rest[0] == '-' && rest[1] == '-')
    {
        p->at = p->length;
        return 0;
    }

    return -1;
}


offtake_parts_result_t
offtake_parts_scan(const char *body, size_t length, const char *boundary,
    size_t boundary_length, offtake_request_t *request)
{
    int                     more;
    parts_t                 p;
    part_t                  part;
    size_t                  count = 0;
    const char             *end;
    offtake_span_t          value;
    offtake_parts_result_t  result;

    memset(&p, 0, sizeof(p));
    memset(request, 0, sizeof(*request));

    if (boundary_length == 0 || boundary_length > BOUNDARY_MAX) {
        return OFFTAKE_PARTS_BAD_TYPE;
    }

    p.body = body;
    p.length = length;
    p.request = request;
    memcpy(p.marker, "\r\n--", 4);
    memcpy(p.marker + 4, boundary, boundary_length);
    p.marker_length = 4 + boundary_length;

    /* The first boundary has nothing before it, not even a line's end. */
    if (length < p.marker_length - 2
        || memcmp(body, p.marker + 2, p.marker_length - 2) != 0)
    {
        return OFFTAKE_PARTS_BAD_FRAME;
    }

    p.at = p.marker_length - 2;

    for (more = after_marker(&p); more == 1; more = after_marker(&p)) {
        if (++count > OFFTAKE_PARTS_MAX) {
            return OFFTAKE_PARTS_TOO_MANY;
        }

        result = read_headers(&p, &part);
        if (result != OFFTAKE_PARTS_OK) {
            return result;
        }

        /* An empty value shares its line's end with the header's. */
        end = memmem(body + p.at - 2, length - p.at + 2, p.marker,
                     p.marker_length);
        if (end == NULL) {
            return OFFTAKE_PARTS_BAD_FRAME;
        }

        value.start = p.at;
        value.end = (size_t) (end - body);
        if (value.end < value.start) {
            return OFFTAKE_PARTS_BAD_FRAME;
        }

        result = take_part(&p, &part, value);
        if (result != OFFTAKE_PARTS_OK) {
            return result;
        }

        p.at = value.end + p.marker_length;
    }

    if (more < 0) {
        return OFFTAKE_PARTS_BAD_FRAME;
    }

    return request->model.end == 0 ? OFFTAKE_PARTS_NO_MODEL : OFFTAKE_PARTS_OK;
}


const char *
offtake_parts_text(offtake_parts_result_t result)
{
    switch (result) {
    case OFFTAKE_PARTS_OK:
        return "fine";
    case OFFTAKE_PARTS_BAD_TYPE:
        return "The content type must be multipart/form-data with one plain"
               " boundary.";
    case OFFTAKE_PARTS_BAD_FRAME:
        return "The parts of the body do not stand between its boundaries.";
    case OFFTAKE_PARTS_TOO_MANY:
        return "The body has more than 256 parts.";
    case OFFTAKE_PARTS_BAD_HEADER:
        return "A part of the body has a header that is not understood.";
    case OFFTAKE_PARTS_BAD_NAME:
        return "A part of the body has no plain name; write"
               " Content-Disposition: form-data; name=\"...\".";
    case OFFTAKE_PARTS_NESTED:
        return "A part of the body holds parts of its own.";
    case OFFTAKE_PARTS_DUPLICATE:
        return "A part that decides about the request stands twice in the"
               " body.";
    case OFFTAKE_PARTS_BAD_VALUE:
        return "model, stream or n of the body is not a plain value.";
    case OFFTAKE_PARTS_NO_MODEL:
        return "The body has no part named model.";
    }

    return "The body is not acceptable.";
}
