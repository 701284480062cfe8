/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_BASE_SIGN_H
#define OFFTAKE_BASE_SIGN_H
/*
 * sign -- Ed25519 signatures (RFC 8032), by libcrypto: how a party says that an event has happened.
 *
 * A private key is PEM text (PKCS #8), as `offtake keys party` and `openssl genpkey` write it; a public
 * key is its 32 bytes. Private keys are wiped where we hold them.
 */
#include "base/base.h"

#define OFT_SIGN_PUBLIC_BYTES    32
#define OFT_SIGN_SIGNATURE_BYTES 64
#define OFT_SIGN_PEM_BYTES_MAX   4096

/* A new pair: the private key as PEM text of *ret_length bytes, NUL-terminated. */
enum oft_err oft_sign_new(char ret_pem[OFT_SIGN_PEM_BYTES_MAX], size_t *ret_length,
                          uint8_t ret_public[OFT_SIGN_PUBLIC_BYTES]) OFT_MUSTCHECK;
/* OFT_ERR_INVALID when PEM holds no Ed25519 private key (one with a passphrase is none). */
enum oft_err oft_sign_public(struct oft_str pem,
                             uint8_t ret_public[OFT_SIGN_PUBLIC_BYTES]) OFT_MUSTCHECK;
enum oft_err oft_sign(struct oft_str pem, struct oft_str message,
                      uint8_t ret_signature[OFT_SIGN_SIGNATURE_BYTES]) OFT_MUSTCHECK;
/* False for a wrong signature, and for a key that is none. */
bool oft_sign_verify(const uint8_t public_key[OFT_SIGN_PUBLIC_BYTES], struct oft_str message,
                     const uint8_t signature[OFT_SIGN_SIGNATURE_BYTES]);

#define OFT_SIGN_PUBLIC_TEXT_BYTES 64
/* "ed25519:" and base64, as a deal's party has it. Returns OUT. */
char *oft_sign_public_text(const uint8_t public_key[OFT_SIGN_PUBLIC_BYTES],
                           char out[OFT_SIGN_PUBLIC_TEXT_BYTES]);
/* Overwrites SIZE bytes so that no optimisation drops it. */
void oft_wipe(void *data, size_t size);

#endif
