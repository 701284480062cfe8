/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_BASE_HASH_H
#define OFFTAKE_BASE_HASH_H
/*
 * hash -- checksums for bytes we wrote ourselves, SHA-256 for chains and secrets, stable names.
 *
 * crc32c.c is edge (also in the nginx module); the others are not.
 */
#include "base/base.h"

/* CRC-32C (Castagnoli, as in RFC 3720), continued from CRC (0 to begin). Uses SSE 4.2 where the
 * processor has it. Edge. */
uint32_t oft_crc32c(uint32_t crc, const void *data, size_t length);

#define OFT_SHA256_BYTES     32
#define OFT_SHA256_HEX_BYTES 65

struct oft_sha256;
/* NULL when libcrypto fails. Release with oft_sha256_free. */
struct oft_sha256 *oft_sha256_new(void) OFT_MUSTCHECK;
void oft_sha256_update(struct oft_sha256 *hash, const void *data, size_t length);
/* Ends the hash into OUT and begins a new one in the same object. */
void oft_sha256_final(struct oft_sha256 *hash, uint8_t out[OFT_SHA256_BYTES]);
void oft_sha256_free(struct oft_sha256 *hash); /* accepts NULL */
enum oft_err oft_sha256_once(const void *data, size_t length,
                             uint8_t out[OFT_SHA256_BYTES]) OFT_MUSTCHECK;

/* Lower-case hex of LENGTH bytes into OUT (2 * LENGTH + 1 bytes). Returns OUT. */
char *oft_hex(const void *data, size_t length, char *out);
enum oft_err oft_unhex(struct oft_str text, uint8_t *out, size_t out_length) OFT_MUSTCHECK;

/*
 * Stable identifiers. Usage records carry 64-bit ids and outlive any one policy, so an id is a
 * function of what it names and of nothing else: FNV-1a over "kind:name". The checker refuses a
 * deal in which two names collide. 0 means "none" and is never an id.
 */
enum oft_id_kind {
    OFT_ID_ACCOUNT = 1,
    OFT_ID_PRODUCT,
    OFT_ID_MODEL,
    OFT_ID_POOL,
    OFT_ID_CLAUSE,
    OFT_ID_PARTY,
    OFT_ID_WORD,       /* of the desk: any other name */
    OFT_ID_LIMIT,      /* "account:acme", "clause:ms-2025-01.cap" and so on: what a limit is of */
    OFT_ID_CREDENTIAL, /* a pool's key: "east env EAST_KEY" */
    OFT_ID_KINDS_END
};
uint64_t oft_id_of(enum oft_id_kind kind, struct oft_str name);

#endif
