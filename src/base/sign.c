/* SPDX-License-Identifier: Apache-2.0 */
/* Ed25519 by libcrypto's EVP interface. Keys with a passphrase are refused: nobody is asked for one. */
#include "base/sign.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

void oft_wipe(void *data, size_t size)
{
    OPENSSL_cleanse(data, size);
}

static int no_passphrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

static EVP_PKEY *read_private(struct oft_str pem)
{
    EVP_PKEY *key = NULL;
    BIO *bio =
        pem.length > OFT_SIGN_PEM_BYTES_MAX ? NULL : BIO_new_mem_buf(pem.data, (int)pem.length);
    if (bio != NULL) {
        key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
        BIO_free(bio);
    }
    if (key != NULL && EVP_PKEY_id(key) != EVP_PKEY_ED25519) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

static enum oft_err raw_public(const EVP_PKEY *key, uint8_t ret_public[OFT_SIGN_PUBLIC_BYTES])
{
    size_t length = OFT_SIGN_PUBLIC_BYTES;
    bool good = EVP_PKEY_get_raw_public_key(key, ret_public, &length) == 1 &&
                length == OFT_SIGN_PUBLIC_BYTES;
    return good ? OFT_OK : OFT_ERR_MEMORY;
}

static enum oft_err write_private(EVP_PKEY *key, char *out, size_t *ret_length)
{
    BIO *bio = BIO_new(BIO_s_mem());
    enum oft_err code = OFT_ERR_MEMORY;
    if (bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
        int length = BIO_read(bio, out, OFT_SIGN_PEM_BYTES_MAX - 1);
        if (length > 0) {
            out[length] = '\0';
            *ret_length = (size_t)length;
            code = OFT_OK;
        }
    }
    BIO_free(bio);
    return code;
}

enum oft_err oft_sign_new(char ret_pem[OFT_SIGN_PEM_BYTES_MAX], size_t *ret_length,
                          uint8_t ret_public[OFT_SIGN_PUBLIC_BYTES])
{
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    enum oft_err code = key == NULL ? OFT_ERR_MEMORY : raw_public(key, ret_public);
    if (code == OFT_OK) {
        code = write_private(key, ret_pem, ret_length);
    }
    EVP_PKEY_free(key);
    return code;
}

enum oft_err oft_sign_public(struct oft_str pem, uint8_t ret_public[OFT_SIGN_PUBLIC_BYTES])
{
    EVP_PKEY *key = read_private(pem);
    enum oft_err code = key == NULL ? OFT_ERR_INVALID : raw_public(key, ret_public);
    EVP_PKEY_free(key);
    return code;
}

enum oft_err oft_sign(struct oft_str pem, struct oft_str message,
                      uint8_t ret_signature[OFT_SIGN_SIGNATURE_BYTES])
{
    EVP_PKEY *key = read_private(pem);
    EVP_MD_CTX *context = key == NULL ? NULL : EVP_MD_CTX_new();
    size_t length = OFT_SIGN_SIGNATURE_BYTES;
    enum oft_err code = key == NULL ? OFT_ERR_INVALID : OFT_ERR_MEMORY;
    if (context != NULL && EVP_DigestSignInit(context, NULL, NULL, NULL, key) == 1 &&
        EVP_DigestSign(context, ret_signature, &length, (const unsigned char *)message.data,
                       message.length) == 1 &&
        length == OFT_SIGN_SIGNATURE_BYTES) {
        code = OFT_OK;
    }
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return code;
}

bool oft_sign_verify(const uint8_t public_key[OFT_SIGN_PUBLIC_BYTES], struct oft_str message,
                     const uint8_t signature[OFT_SIGN_SIGNATURE_BYTES])
{
    EVP_PKEY *key =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, OFT_SIGN_PUBLIC_BYTES);
    EVP_MD_CTX *context = key == NULL ? NULL : EVP_MD_CTX_new();
    bool good = context != NULL && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
                EVP_DigestVerify(context, signature, OFT_SIGN_SIGNATURE_BYTES,
                                 (const unsigned char *)message.data, message.length) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    return good;
}

char *oft_sign_public_text(const uint8_t public_key[OFT_SIGN_PUBLIC_BYTES],
                           char out[OFT_SIGN_PUBLIC_TEXT_BYTES])
{
    static const char prefix[] = "ed25519:";
    memcpy(out, prefix, sizeof(prefix) - 1);
    /* 32 bytes are 44 letters and a NUL. */
    (void)EVP_EncodeBlock((unsigned char *)out + sizeof(prefix) - 1, public_key,
                          OFT_SIGN_PUBLIC_BYTES);
    return out;
}
