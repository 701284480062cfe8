/* SPDX-License-Identifier: Apache-2.0 */
/* Ed25519: RFC 8032's vectors, keys as text, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/hash.h"
#include "base/sign.h"

/* RFC 8032, 7.1, TEST 2: one byte, 0x72. */
static const char PUBLIC_HEX[] = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
static const char SIGNATURE_HEX[] =
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";
/* The same test's secret key, as PKCS #8. */
static const char PEM[] = "-----BEGIN PRIVATE KEY-----\n"
                          "MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7\n"
                          "-----END PRIVATE KEY-----\n";

static void the_vector_of_the_rfc_verifies(void **state)
{
    uint8_t key[32], signature[64];
    (void)state;
    assert_int_equal(oft_unhex(OFT_STR_LITERAL(PUBLIC_HEX), key, sizeof key), OFT_OK);
    assert_int_equal(oft_unhex(OFT_STR_LITERAL(SIGNATURE_HEX), signature, sizeof signature),
                     OFT_OK);
    assert_true(oft_sign_verify(key, OFT_STR_LITERAL("\x72"), signature));
    assert_false(oft_sign_verify(key, OFT_STR_LITERAL("\x73"), signature));
    assert_false(oft_sign_verify(key, OFT_STR_LITERAL(""), signature));
    signature[63] ^= 1;
    assert_false(oft_sign_verify(key, OFT_STR_LITERAL("\x72"), signature));
    signature[63] ^= 1;
    key[0] ^= 1;
    assert_false(oft_sign_verify(key, OFT_STR_LITERAL("\x72"), signature));
}

static void every_bit_of_a_signature_counts(void **state)
{
    uint8_t key[32], signature[64];
    char pem[OFT_SIGN_PEM_BYTES_MAX];
    size_t length = 0;
    struct oft_str message = OFT_STR_LITERAL("the panel says so");
    (void)state;
    assert_int_equal(oft_sign_new(pem, &length, key), OFT_OK);
    assert_int_equal(oft_sign((struct oft_str){pem, length}, message, signature), OFT_OK);
    assert_true(oft_sign_verify(key, message, signature));
    for (int bit = 0; bit < 512; bit++) {
        signature[bit / 8] ^= (uint8_t)(1 << (bit % 8));
        assert_false(oft_sign_verify(key, message, signature));
        signature[bit / 8] ^= (uint8_t)(1 << (bit % 8));
    }
}

static void a_new_key_is_read_back_and_no_two_are_alike(void **state)
{
    uint8_t one[32], two[32], read[32];
    char pem[OFT_SIGN_PEM_BYTES_MAX], other[OFT_SIGN_PEM_BYTES_MAX];
    size_t length = 0, other_length = 0;
    (void)state;
    assert_int_equal(oft_sign_new(pem, &length, one), OFT_OK);
    assert_int_equal(oft_sign_new(other, &other_length, two), OFT_OK);
    assert_memory_not_equal(one, two, sizeof one);
    assert_int_equal(oft_sign_public((struct oft_str){pem, length}, read), OFT_OK);
    assert_memory_equal(one, read, sizeof one);
    assert_int_equal(strlen(pem), length);
}

static void what_is_no_private_key_of_this_kind_is_refused(void **state)
{
    static const char *const bad[] = {
        "", "hello", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        /* an EC key, P-256 */
        "-----BEGIN PRIVATE KEY-----\n"
        "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\n"
        "OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n"
        "1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n"
        "-----END PRIVATE KEY-----\n"};
    uint8_t key[32], signature[64];
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(bad); i++) {
        assert_int_equal(oft_sign_public(oft_str_from(bad[i]), key), OFT_ERR_INVALID);
        assert_int_equal(oft_sign(oft_str_from(bad[i]), OFT_STR_LITERAL("x"), signature),
                         OFT_ERR_INVALID);
    }
}

static void a_public_key_is_told_as_a_deal_writes_it(void **state)
{
    uint8_t key[32];
    char text[OFT_SIGN_PUBLIC_TEXT_BYTES];
    (void)state;
    assert_int_equal(oft_sign_public(OFT_STR_LITERAL(PEM), key), OFT_OK);
    assert_string_equal(oft_sign_public_text(key, text),
                        "ed25519:PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vector_of_the_rfc_verifies),
        cmocka_unit_test(every_bit_of_a_signature_counts),
        cmocka_unit_test(a_new_key_is_read_back_and_no_two_are_alike),
        cmocka_unit_test(what_is_no_private_key_of_this_kind_is_refused),
        cmocka_unit_test(a_public_key_is_told_as_a_deal_writes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
