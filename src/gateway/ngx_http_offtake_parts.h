/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_GATEWAY_PARTS_H
#define OFFTAKE_GATEWAY_PARTS_H

/*
 * parts -- what the gateway must know of a multipart/form-data body.
 *
 * What it is   A strict, bounded reader: it finds the part `model`, and `stream` and `n` beside it,
 *              and refuses whatever another reader could take apart in another way: a part of that
 *              name twice, a preamble or an epilogue, a boundary that is no plain word, a
 *              disposition that is not plain form-data, parts inside parts.
 * What it is not  A parser: it builds nothing, copies nothing, allocates nothing, and does not look
 *              into files.  Knows no nginx, so that it can be fuzzed.
 * Threads      Pure.
 */

#include "ngx_http_offtake_scan.h"

#define OFFTAKE_PARTS_MAX           256
#define OFFTAKE_PART_HEADERS_MAX    8     /* lines of one part */
#define OFFTAKE_PART_HEADER_BYTES   4096  /* all of them */

typedef enum {
    OFFTAKE_PARTS_OK = 0,
    OFFTAKE_PARTS_BAD_TYPE,      /* no multipart/form-data with a plain boundary */
    OFFTAKE_PARTS_BAD_FRAME,     /* boundaries, or what stands outside of them */
    OFFTAKE_PARTS_TOO_MANY,
    OFFTAKE_PARTS_BAD_HEADER,    /* a part's header lines */
    OFFTAKE_PARTS_BAD_NAME,      /* its disposition */
    OFFTAKE_PARTS_NESTED,
    OFFTAKE_PARTS_DUPLICATE,     /* a deciding part twice */
    OFFTAKE_PARTS_BAD_VALUE,     /* of a deciding part */
    OFFTAKE_PARTS_NO_MODEL
} offtake_parts_result_t;

/* Where the boundary stands in a Content-Type's value. */
offtake_parts_result_t offtake_parts_boundary(const char *type, size_t length,
    offtake_span_t *boundary);

/* Fills model (its bare value), stream and choices of REQUEST. */
offtake_parts_result_t offtake_parts_scan(const char *body, size_t length,
    const char *boundary, size_t boundary_length, offtake_request_t *request);

/* Words for people.  Static storage. */
const char *offtake_parts_text(offtake_parts_result_t result);

#endif
