/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_GATEWAY_SCAN_H
#define OFFTAKE_GATEWAY_SCAN_H

/*
 * scan -- what the gateway must know of a request's JSON, read in one pass.
 *
 * What it is   A checker and key finder over one body in memory.  It finds the
 *              top-level keys that decide, and refuses whatever a provider's
 *              parser could read in another way than we did: a deciding key
 *              twice, a top-level key written with escapes, broken JSON.
 * What it is not  A parser: it builds nothing, copies nothing, allocates
 *              nothing.  Knows no nginx, so that it can be fuzzed.
 * Threads      Pure.
 */

#include <stddef.h>
#include <stdint.h>

typedef struct {
    size_t  start;  /* offset of the value's first byte */
    size_t  end;    /* one past its last; 0: the key is not there */
} offtake_span_t;

typedef enum {
    OFFTAKE_SCAN_OK = 0,
    OFFTAKE_SCAN_NOT_JSON,      /* not one well-formed JSON object */
    OFFTAKE_SCAN_TOO_DEEP,
    OFFTAKE_SCAN_ESCAPED_KEY,   /* a top-level key with a backslash */
    OFFTAKE_SCAN_DUPLICATE_KEY, /* a deciding key twice */
    OFFTAKE_SCAN_NO_MODEL,
    OFFTAKE_SCAN_BAD_MODEL,     /* not a plain string of 1..256 bytes */
    OFFTAKE_SCAN_BAD_STREAM,    /* not true, false or null */
    OFFTAKE_SCAN_BAD_OPTIONS,   /* stream_options is no object or null */
    OFFTAKE_SCAN_BAD_LIMIT,     /* an output limit that is no sane integer */
    OFFTAKE_SCAN_BAD_COUNT      /* nor n or best_of */
} offtake_scan_result_t;

#define OFFTAKE_CHOICES_MAX  1024

typedef struct {
    offtake_span_t  model;           /* with its quotes */
    size_t          model_key;       /* the first quote of its key */
    offtake_span_t  stream_member;   /* key, value and one comma */
    offtake_span_t  stream_options;
    offtake_span_t  include_usage;   /* inside stream_options */
    size_t          object_end;      /* offset of the final brace */
    size_t          last_byte;       /* of the last value; for a comma */
    uint64_t        max_output_tokens; /* 0: not said; of one choice */
    uint64_t        choices;         /* n or best_of; 0: not said */
    unsigned        stream:1;
    unsigned        include_usage_true:1;
    unsigned        empty_options:1; /* stream_options is {} */
    unsigned        has_version:1;   /* anthropic_version is there */
} offtake_request_t;

/* NO_MODEL is told last: everything else of the body is fine then. */
offtake_scan_result_t offtake_scan_request(const char *body, size_t length,
    offtake_request_t *request);

/* Words for people.  Static storage. */
const char *offtake_scan_text(offtake_scan_result_t result);

#endif
