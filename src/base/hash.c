/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 by libcrypto, hex, and the ids that usage records carry.
 */
#include "base/hash.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct oft_sha256 {
    EVP_MD_CTX *context;
};

struct oft_sha256 *oft_sha256_new(void)
{
    struct oft_sha256 *hash = calloc(1, sizeof(*hash));
    if (hash == NULL) {
        return NULL;
    }
    hash->context = EVP_MD_CTX_new();
    if (hash->context == NULL || EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL) != 1) {
        oft_sha256_free(hash);
        return NULL;
    }
    return hash;
}

void oft_sha256_update(struct oft_sha256 *hash, const void *data, size_t length)
{
    OFT_ASSERT(EVP_DigestUpdate(hash->context, data, length) == 1);
}

void oft_sha256_final(struct oft_sha256 *hash, uint8_t out[OFT_SHA256_BYTES])
{
    OFT_ASSERT(EVP_DigestFinal_ex(hash->context, out, NULL) == 1);
    /* No algorithm named: the same again, without libcrypto looking for it. */
    OFT_ASSERT(EVP_DigestInit_ex(hash->context, NULL, NULL) == 1);
}

void oft_sha256_free(struct oft_sha256 *hash)
{
    if (hash != NULL) {
        EVP_MD_CTX_free(hash->context);
        free(hash);
    }
}

enum oft_err oft_sha256_once(const void *data, size_t length, uint8_t out[OFT_SHA256_BYTES])
{
    struct oft_sha256 *hash = oft_sha256_new();
    if (hash == NULL) {
        return OFT_ERR_MEMORY;
    }
    oft_sha256_update(hash, data, length);
    oft_sha256_final(hash, out);
    oft_sha256_free(hash);
    return OFT_OK;
}

char *oft_hex(const void *data, size_t length, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;
    for (size_t i = 0; i < length; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * length] = '\0';
    return out;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

enum oft_err oft_unhex(struct oft_str text, uint8_t *out, size_t out_length)
{
    if (text.length != 2 * out_length) {
        return OFT_ERR_SYNTAX;
    }
    for (size_t i = 0; i < out_length; i++) {
        int high = hex_digit(text.data[2 * i]);
        int low = hex_digit(text.data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return OFT_ERR_SYNTAX;
        }
        out[i] = (uint8_t)(high * 16 + low);
    }
    return OFT_OK;
}

/* FNV-1a after "kind:", from its offset basis: the part of every id that its kind alone decides. */
static const uint64_t ID_KINDS[] = {
    [OFT_ID_ACCOUNT] = UINT64_C(0x769c5b8154528eb2),    /* "account:" */
    [OFT_ID_PRODUCT] = UINT64_C(0xeea941a769b1a3a2),    /* "product:" */
    [OFT_ID_MODEL] = UINT64_C(0xbb01d33315a85000),      /* "model:" */
    [OFT_ID_POOL] = UINT64_C(0xaa705335644d6a5b),       /* "pool:" */
    [OFT_ID_CLAUSE] = UINT64_C(0x0107a7eaa8f39536),     /* "clause:" */
    [OFT_ID_PARTY] = UINT64_C(0xe81be2d83ac2e257),      /* "party:" */
    [OFT_ID_WORD] = UINT64_C(0x4f74dd5e732318e5),       /* "word:" */
    [OFT_ID_LIMIT] = UINT64_C(0x7283f5ddbebc4fea),      /* "limit:" */
    [OFT_ID_CREDENTIAL] = UINT64_C(0xb0cc05541a0ee2a6), /* "credential:" */
};

_Static_assert(OFT_COUNT_OF(ID_KINDS) == OFT_ID_KINDS_END, "every kind of id has its constant");

static uint64_t fnv1a(uint64_t state, const char *data, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        state = (state ^ (uint8_t)data[i]) * UINT64_C(1099511628211);
    }
    return state;
}

uint64_t oft_id_of(enum oft_id_kind kind, struct oft_str name)
{
    uint64_t id = fnv1a(ID_KINDS[kind], name.data, name.length);
    return id == 0 ? 1 : id;
}
