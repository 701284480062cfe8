/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checksums by their published vectors, ids by values that must never change: they are on disk.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/hash.h"

static void crc32c_has_the_values_of_rfc_3720(void **state)
{
    uint8_t bytes[32];
    (void)state;
    memset(bytes, 0, sizeof(bytes));
    assert_int_equal(oft_crc32c(0, bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, sizeof(bytes));
    assert_int_equal(oft_crc32c(0, bytes, 32), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++) {
        bytes[i] = i;
    }
    assert_int_equal(oft_crc32c(0, bytes, 32), 0x46dd794e);
    assert_int_equal(oft_crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(oft_crc32c(0, "", 0), 0);
}

/* The polynomial, bit by bit: slow and obvious. */
static uint32_t crc32c_by_definition(const uint8_t *bytes, size_t length)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
        }
    }
    return ~crc;
}

static void crc32c_is_the_same_at_every_length_and_cut(void **state)
{
    uint8_t bytes[70];
    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 37 + 11);
    }
    for (size_t length = 0; length <= sizeof(bytes); length++) {
        uint32_t expected = crc32c_by_definition(bytes, length);
        assert_int_equal(oft_crc32c(0, bytes, length), expected);
        for (size_t cut = 0; cut <= length; cut++) {
            assert_int_equal(oft_crc32c(oft_crc32c(0, bytes, cut), bytes + cut, length - cut),
                             expected);
        }
    }
}

static void sha256_has_its_published_value_and_begins_anew(void **state)
{
    uint8_t sum[32];
    char hex[OFT_SHA256_HEX_BYTES];
    (void)state;
    static const char expected[] =
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_int_equal(oft_sha256_once("abc", 3, sum), OFT_OK);
    assert_string_equal(oft_hex(sum, sizeof(sum), hex), expected);
    struct oft_sha256 *hash = oft_sha256_new();
    assert_non_null(hash);
    for (int round = 0; round < 2; round++) {
        oft_sha256_update(hash, "a", 1);
        oft_sha256_update(hash, "bc", 2);
        oft_sha256_final(hash, sum);
        assert_string_equal(oft_hex(sum, sizeof(sum), hex), expected);
    }
    oft_sha256_free(hash);
    oft_sha256_free(NULL);
}

static void hex_goes_both_ways_and_refuses_the_rest(void **state)
{
    uint8_t bytes[3];
    (void)state;
    assert_int_equal(oft_unhex(OFT_STR_LITERAL("00fFa5"), bytes, 3), OFT_OK);
    assert_int_equal(bytes[1], 0xff);
    assert_int_equal(oft_unhex(OFT_STR_LITERAL("00ff"), bytes, 3), OFT_ERR_SYNTAX);
    assert_int_equal(oft_unhex(OFT_STR_LITERAL("00ffg0"), bytes, 3), OFT_ERR_SYNTAX);
}

static void ids_stay_what_they_are_and_differ_by_kind(void **state)
{
    (void)state;
    uint64_t pool = oft_id_of(OFT_ID_POOL, OFT_STR_LITERAL("east"));
    assert_true(pool == oft_id_of(OFT_ID_POOL, OFT_STR_LITERAL("east")));
    assert_true(pool != oft_id_of(OFT_ID_MODEL, OFT_STR_LITERAL("east")));
    assert_true(pool != oft_id_of(OFT_ID_POOL, OFT_STR_LITERAL("easT")));
    /* FNV-1a over "pool:east", by an independent program. */
    assert_true(pool == UINT64_C(10095315053918079462));
}

/* By the definition, whole: the ids begin from constants. */
static void an_id_is_fnv_1a_over_its_kind_and_its_name(void **state)
{
    static const char *const kinds[] = {[OFT_ID_ACCOUNT] = "account:",
                                        [OFT_ID_PRODUCT] = "product:",
                                        [OFT_ID_MODEL] = "model:",
                                        [OFT_ID_POOL] = "pool:",
                                        [OFT_ID_CLAUSE] = "clause:",
                                        [OFT_ID_PARTY] = "party:",
                                        [OFT_ID_WORD] = "word:",
                                        [OFT_ID_LIMIT] = "limit:",
                                        [OFT_ID_CREDENTIAL] = "credential:"};
    assert_int_equal(OFT_COUNT_OF(kinds), OFT_ID_KINDS_END);
    static const char *const names[] = {"", "a", "ms-2025-01.rofr", "f\xc3\xbcr"};
    (void)state;
    for (unsigned kind = OFT_ID_ACCOUNT; kind < OFT_COUNT_OF(kinds); kind++) {
        for (size_t i = 0; i < OFT_COUNT_OF(names); i++) {
            uint64_t id = UINT64_C(14695981039346656037);
            const char *parts[] = {kinds[kind], names[i]};
            for (size_t at = 0; at < strlen(kinds[kind]) + strlen(names[i]); at++) {
                size_t prefix = strlen(kinds[kind]);
                char c = at < prefix ? parts[0][at] : parts[1][at - prefix];
                id = (id ^ (uint8_t)c) * UINT64_C(1099511628211);
            }
            assert_true(oft_id_of((enum oft_id_kind)kind, oft_str_from(names[i])) == id);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_has_the_values_of_rfc_3720),
        cmocka_unit_test(crc32c_is_the_same_at_every_length_and_cut),
        cmocka_unit_test(sha256_has_its_published_value_and_begins_anew),
        cmocka_unit_test(hex_goes_both_ways_and_refuses_the_rest),
        cmocka_unit_test(ids_stay_what_they_are_and_differ_by_kind),
        cmocka_unit_test(an_id_is_fnv_1a_over_its_kind_and_its_name),
    };
    return cmocka_run_group_tests_name("base hash", tests, NULL, NULL);
}
