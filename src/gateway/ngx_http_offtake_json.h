/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_GATEWAY_JSON_H
#define OFFTAKE_GATEWAY_JSON_H

/*
 * json -- steps over JSON values in memory, checking that they are well formed.
 *
 * What it is   The ground of the request scanner: a place in a text, and
 *              functions that move it past white space, a string or any value.
 * What it is not  It keeps nothing of what it passes.
 * Limits       Nesting up to OFFTAKE_JSON_DEPTH_MAX levels.
 * Threads      Pure; no nginx in here.
 */

#include <stddef.h>
#include <stdint.h>

#define OFFTAKE_JSON_DEPTH_MAX  256

typedef enum {
    OFFTAKE_JSON_OK = 0,
    OFFTAKE_JSON_BROKEN,
    OFFTAKE_JSON_TOO_DEEP
} offtake_json_result_t;

/* Zeroed, then body and length set; at moves. */
typedef struct {
    const char  *body;
    size_t       at;
    size_t       length;
    int          depth;
    uint64_t     objects[OFFTAKE_JSON_DEPTH_MAX / 64]; /* bit: an object */
} offtake_json_t;

void offtake_json_space(offtake_json_t *s);

/* At an opening quote: past the closing one.  0 when the string is broken;
 * *ret_escaped tells of any escapes. */
int offtake_json_string(offtake_json_t *s, int *ret_escaped);

/* Past any one value, white space before it included. */
offtake_json_result_t offtake_json_value(offtake_json_t *s);

#endif
