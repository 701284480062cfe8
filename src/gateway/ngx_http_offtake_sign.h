/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_GATEWAY_SIGN_H
#define OFFTAKE_GATEWAY_SIGN_H

/*
 * sign -- AWS Signature Version 4 of one request, as Bedrock asks for it.
 *
 * What it is   From the parts of a request to the value of its Authorization
 *              header.  Signed are host, x-amz-date and, with a session, its
 *              token.  The path is encoded once more than it is sent, as all
 *              services but S3 want it.
 * Source       "Signature Version 4 signing process", AWS General Reference;
 *              its published vectors are in tests/unit/gateway/test_sign.c.
 * What it is not  It reads no clock and no secret's source, and knows no nginx.
 * Threads      Pure, but for OpenSSL's own state.
 */

#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char  *data;
    size_t       length;
} offtake_text_t;

#define OFFTAKE_SIGN_DATE_BYTES  16   /* 20150830T123600Z, no NUL */
#define OFFTAKE_SIGN_HASH_BYTES  64   /* hexadecimal */
#define OFFTAKE_SIGN_BYTES_MAX   768  /* of an Authorization's value */

typedef struct {
    offtake_text_t  method;
    offtake_text_t  path;      /* as it is sent, with a leading slash */
    offtake_text_t  query;     /* sorted and encoded; mostly empty */
    offtake_text_t  host;
    offtake_text_t  region;
    offtake_text_t  service;
    offtake_text_t  access_key;
    offtake_text_t  secret_key;
    offtake_text_t  token;     /* of a session; or empty */
    const char     *date;      /* OFFTAKE_SIGN_DATE_BYTES */
    const char     *body_hash; /* OFFTAKE_SIGN_HASH_BYTES */
} offtake_sign_t;

/* "AKID:SECRET" or "AKID:SECRET:TOKEN".  0 when it is neither. */
int offtake_sign_credential(const char *secret, size_t length,
    offtake_sign_t *sign);

/* SIZE bytes of room at OUT; the length, or 0 when it does not fit. */
size_t offtake_sign(const offtake_sign_t *sign, char *out, size_t size);

#endif
