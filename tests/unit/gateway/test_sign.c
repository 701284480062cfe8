/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures, against AWS's published vectors (the Signature Version 4 test suite: get-vanilla,
 * post-vanilla, get-utf8, get-vanilla-query-order-key-case) and values computed with botocore 1.44.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "gateway/ngx_http_offtake_sign.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static offtake_text_t text(const char *data)
{
    return (offtake_text_t){data, strlen(data)};
}

static offtake_sign_t request(const char *method, const char *path, const char *query)
{
    return (offtake_sign_t){
        .method = text(method),
        .path = text(path),
        .query = text(query),
        .host = text("example.amazonaws.com"),
        .region = text("us-east-1"),
        .service = text("service"),
        .access_key = text("AKIDEXAMPLE"),
        .secret_key = text("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        .token = text(""),
        .date = "20150830T123600Z",
        .body_hash = EMPTY,
    };
}

static void is_signed(const offtake_sign_t *sign, const char *headers, const char *signature)
{
    char value[OFFTAKE_SIGN_BYTES_MAX];
    char expected[OFFTAKE_SIGN_BYTES_MAX];
    size_t length = offtake_sign(sign, value, sizeof(value));
    assert_int_not_equal(length, 0);
    assert_int_equal(length, strlen(value));
    (void)snprintf(expected, sizeof(expected),
                   "AWS4-HMAC-SHA256 Credential=%.*s/%.8s/%.*s/%.*s/aws4_request, "
                   "SignedHeaders=%s, Signature=%s",
                   (int)sign->access_key.length, sign->access_key.data, sign->date,
                   (int)sign->region.length, sign->region.data, (int)sign->service.length,
                   sign->service.data, headers, signature);
    assert_string_equal(value, expected);
}

static void the_published_vectors_are_met(void **state)
{
    offtake_sign_t sign = request("GET", "/", "");
    (void)state;
    is_signed(&sign, "host;x-amz-date",
              "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    sign = request("POST", "/", "");
    is_signed(&sign, "host;x-amz-date",
              "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
    sign = request("GET", "/", "Param1=value1&Param2=value2");
    is_signed(&sign, "host;x-amz-date",
              "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
    sign = request("GET", "/\xe1\x88\xb4", "");
    is_signed(&sign, "host;x-amz-date",
              "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85");
}

static offtake_sign_t bedrock(const char *path, const char *body_hash)
{
    offtake_sign_t sign = request("POST", path, "");
    sign.host = text("bedrock-runtime.us-east-1.amazonaws.com");
    sign.service = text("bedrock");
    sign.date = "20260102T030405Z";
    sign.body_hash = body_hash;
    return sign;
}

static void a_request_to_bedrock_is_signed_as_botocore_does(void **state)
{
    offtake_sign_t sign =
        bedrock("/openai/v1/chat/completions",
                "31f7a0fc545a9a5dc5fb3e087d3843c4fcb1e6047567b021c866fc5141ba6a61");
    (void)state;
    is_signed(&sign, "host;x-amz-date",
              "38c52b94b6298f87006358e1060fa47d9d69adc041bb0b1b294edc8ca8e86792");
    sign = bedrock("/model/anthropic.claude-3-5-sonnet-20241022-v2%3A0/invoke",
                   "5041bf1f713df204784353e82f6a4a535931cb64f1f4b4a5aeaffcb720918b22");
    is_signed(&sign, "host;x-amz-date",
              "321f2c2ef8ddc926f749c1c0679099fc816858e86d6375e74fa7c11968df7f1e");
    sign.token = text("Fwo/token==");
    is_signed(&sign, "host;x-amz-date;x-amz-security-token",
              "298a97a8973932a317759c675449cdd301bb1af2084ebf3a2cefe715afb67341");
}

static void a_credential_has_two_parts_or_three(void **state)
{
    static const struct {
        const char *secret, *access, *key, *token; /* access NULL: refused */
    } cases[] = {
        {"AKID:secret/+=", "AKID", "secret/+=", ""},
        {"AKID:secret:token:with:colons", "AKID", "secret", "token:with:colons"},
        {"AKID", NULL, NULL, NULL},
        {":secret", NULL, NULL, NULL},
        {"AKID:", NULL, NULL, NULL},
        {"AKID::token", NULL, NULL, NULL},
        {"", NULL, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        offtake_sign_t sign = {0};
        int good = offtake_sign_credential(cases[i].secret, strlen(cases[i].secret), &sign);
        assert_int_equal(good, cases[i].access != NULL);
        if (good) {
            assert_int_equal(sign.access_key.length, strlen(cases[i].access));
            assert_memory_equal(sign.secret_key.data, cases[i].key, strlen(cases[i].key));
            assert_int_equal(sign.secret_key.length, strlen(cases[i].key));
            assert_int_equal(sign.token.length, strlen(cases[i].token));
            assert_memory_equal(sign.token.data, cases[i].token, strlen(cases[i].token));
        }
    }
}

static void what_does_not_fit_is_not_signed(void **state)
{
    offtake_sign_t sign = request("GET", "/", "");
    char value[OFFTAKE_SIGN_BYTES_MAX];
    char region[200];
    (void)state;
    assert_int_equal(offtake_sign(&sign, value, 40), 0);
    memset(region, 'r', sizeof(region));
    sign.region = (offtake_text_t){region, sizeof(region)};
    assert_int_equal(offtake_sign(&sign, value, sizeof(value)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_vectors_are_met),
        cmocka_unit_test(a_request_to_bedrock_is_signed_as_botocore_does),
        cmocka_unit_test(a_credential_has_two_parts_or_three),
        cmocka_unit_test(what_does_not_fit_is_not_signed),
    };
    return cmocka_run_group_tests_name("gateway sign", tests, NULL, NULL);
}
