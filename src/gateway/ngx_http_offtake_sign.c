/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The canonical request is hashed as it is put together and never stands in
 * memory whole, so that no length of a path or token is a limit here.
 */

#include "ngx_http_offtake_sign.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define HASH_BYTES  32

static const char  hex_digits[] = "0123456789abcdef";


static offtake_text_t
text_of(const char *data)
{
    offtake_text_t  text = { data, strlen(data) };

    return text;
}


static void
hex(const unsigned char *bytes, char *out)
{
    size_t  i;

    for (i = 0; i < HASH_BYTES; i++) {
        out[2 * i] = hex_digits[bytes[i] >> 4];
        out[2 * i + 1] = hex_digits[bytes[i] & 15];
    }
}


static int
add(EVP_MD_CTX *context, offtake_text_t text)
{
    return EVP_DigestUpdate(context, text.data, text.length) == 1;
}


/* Each byte of the path but slashes and the unreserved ones, encoded. */

static int
add_path(EVP_MD_CTX *context, offtake_text_t path)
{
    size_t  i, from = 0;
    char    code[3];

    for (i = 0; i < path.length; i++) {
        unsigned char  c = (unsigned char) path.data[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
            || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'
            || c == '~' || c == '/')
        {
            continue;
        }

        code[0] = '%';
        code[1] = "0123456789ABCDEF"[c >> 4];
        code[2] = "0123456789ABCDEF"[c & 15];

        if (EVP_DigestUpdate(context, path.data + from, i - from) != 1
            || EVP_DigestUpdate(context, code, 3) != 1)
        {
            return 0;
        }
        from = i + 1;
    }

    return EVP_DigestUpdate(context, path.data + from, path.length - from)
           == 1;
}


static const char *
signed_headers(const offtake_sign_t *s)
{
    return s->token.length > 0 ? "host;x-amz-date;x-amz-security-token"
                               : "host;x-amz-date";
}


static int
hash_request(const offtake_sign_t *s, char out[OFFTAKE_SIGN_HASH_BYTES])
{
    int             good;
    unsigned char   digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX     *context = EVP_MD_CTX_new();
    offtake_text_t  date = { s->date, OFFTAKE_SIGN_DATE_BYTES };
    offtake_text_t  body = { s->body_hash, OFFTAKE_SIGN_HASH_BYTES };
    offtake_text_t  line = text_of("\n");

    good = context != NULL
           && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1
           && add(context, s->method) && add(context, line)
           && add_path(context, s->path) && add(context, line)
           && add(context, s->query) && add(context, line)
           && add(context, text_of("host:")) && add(context, s->host)
           && add(context, text_of("\nx-amz-date:")) && add(context, date)
           && add(context, line);

    if (good && s->token.length > 0) {
        good = add(context, text_of("x-amz-security-token:"))
               && add(context, s->token) && add(context, line);
    }

    good = good && add(context, line)
           && add(context, text_of(signed_headers(s))) && add(context, line)
           && add(context, body)
           && EVP_DigestFinal_ex(context, digest, NULL) == 1;

    EVP_MD_CTX_free(context);

    if (good) {
        hex(digest, out);
    }

    return good;
}


static int
keyed(const unsigned char *key, size_t key_length, offtake_text_t text,
    unsigned char out[HASH_BYTES])
{
    unsigned  length = 0;

    return HMAC(EVP_sha256(), key, (int) key_length,
                (const unsigned char *) text.data, text.length, out, &length)
           != NULL && length == HASH_BYTES;
}


/* The key of a day, a region and a service. */

static int
derive(const offtake_sign_t *s, unsigned char key[HASH_BYTES])
{
    int             good;
    char            first[4 + 256];
    offtake_text_t  day = { s->date, 8 };

    if (s->secret_key.length > sizeof(first) - 4) {
        return 0;
    }

    memcpy(first, "AWS4", 4);
    memcpy(first + 4, s->secret_key.data, s->secret_key.length);

    good = keyed((unsigned char *) first, 4 + s->secret_key.length, day, key)
           && keyed(key, HASH_BYTES, s->region, key)
           && keyed(key, HASH_BYTES, s->service, key)
           && keyed(key, HASH_BYTES, text_of("aws4_request"), key);

    OPENSSL_cleanse(first, sizeof(first));

    return good;
}


int
offtake_sign_credential(const char *secret, size_t length,
    offtake_sign_t *sign)
{
    const char  *colon, *second;
    size_t       rest;

    colon = memchr(secret, ':', length);
    if (colon == NULL || colon == secret) {
        return 0;
    }

    sign->access_key.data = secret;
    sign->access_key.length = (size_t) (colon - secret);
    sign->secret_key.data = colon + 1;
    rest = length - sign->access_key.length - 1;

    second = memchr(colon + 1, ':', rest);
    sign->secret_key.length = second == NULL ? rest
                                             : (size_t) (second - colon - 1);
    sign->token.data = second == NULL ? "" : second + 1;
    sign->token.length = second == NULL ? 0
                                        : rest - sign->secret_key.length - 1;

    return sign->secret_key.length > 0;
}


size_t
offtake_sign(const offtake_sign_t *s, char *out, size_t size)
{
    int             length;
    char            hash[OFFTAKE_SIGN_HASH_BYTES];
    char            scope[128], to_sign[320];
    unsigned char   key[HASH_BYTES];
    offtake_text_t  text;

    length = snprintf(scope, sizeof(scope), "%.8s/%.*s/%.*s/aws4_request",
                      s->date, (int) s->region.length, s->region.data,
                      (int) s->service.length, s->service.data);
    if (length < 0 || (size_t) length >= sizeof(scope)
        || !hash_request(s, hash))
    {
        return 0;
    }

    length = snprintf(to_sign, sizeof(to_sign),
                      "AWS4-HMAC-SHA256\n%.16s\n%s\n%.64s", s->date, scope,
                      hash);
    if (length < 0 || (size_t) length >= sizeof(to_sign)) {
        return 0;
    }

    text.data = to_sign;
    text.length = (size_t) length;

    if (!derive(s, key) || !keyed(key, HASH_BYTES, text, key)) {
        return 0;
    }

    hex(key, hash);

    length = snprintf(out, size,
                      "AWS4-HMAC-SHA256 Credential=%.*s/%s, SignedHeaders=%s,"
                      " Signature=%.64s",
                      (int) s->access_key.length, s->access_key.data, scope,
                      signed_headers(s), hash);

    return length < 0 || (size_t) length >= size ? 0 : (size_t) length;
}
