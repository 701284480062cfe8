/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arena and the buffer keep to their ceilings and to their alignment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static void an_arena_gives_zeroed_aligned_memory_up_to_its_ceiling(void **state)
{
    struct oft_arena arena;
    (void)state;
    oft_arena_init(&arena, 100000);
    for (size_t size = 0; size < 200; size++) {
        unsigned char *bytes = oft_arena_alloc(&arena, size);
        assert_non_null(bytes);
        assert_int_equal((uintptr_t)bytes % 16, 0);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(bytes[i], 0);
            bytes[i] = 0xff;
        }
    }
    assert_null(oft_arena_alloc(&arena, 100001));
    assert_null(oft_arena_alloc_array(&arena, SIZE_MAX / 2, 8));
    while (oft_arena_alloc(&arena, 1000) != NULL) {
    }
    assert_true(arena.used_bytes <= 100000 + 16);
    oft_arena_release(&arena);
}

static void an_arena_copies_and_prints_text(void **state)
{
    struct oft_arena arena;
    (void)state;
    oft_arena_init(&arena, 1 << 20);
    assert_string_equal(oft_arena_copy(&arena, (struct oft_str){"abcdef", 3}), "abc");
    assert_string_equal(oft_arena_copy(&arena, (struct oft_str){NULL, 0}), "");
    assert_string_equal(oft_arena_printf(&arena, "%d-%s", 7, "x"), "7-x");
    oft_arena_release(&arena);
}

static void a_buffer_that_met_its_ceiling_says_so_and_takes_no_more(void **state)
{
    struct oft_buffer buffer;
    (void)state;
    oft_buffer_init(&buffer, 10);
    oft_buffer_append_text(&buffer, "12345");
    oft_buffer_printf(&buffer, "%d", 67890);
    assert_false(buffer.failed);
    assert_string_equal(oft_buffer_text(&buffer), "1234567890");
    oft_buffer_append_char(&buffer, 'x');
    assert_true(buffer.failed);
    oft_buffer_append_text(&buffer, "");
    assert_null(oft_buffer_detach(&buffer));
    oft_buffer_clear(&buffer);
    oft_buffer_append_repeat(&buffer, '-', 3);
    char *text = oft_buffer_detach(&buffer);
    assert_string_equal(text, "---");
    free(text);
    assert_string_equal(oft_buffer_text(&buffer), "");
    oft_buffer_release(&buffer);
}

static void a_block_keeps_its_bytes_as_it_grows_and_the_new_ones_are_zero(void **state)
{
    unsigned char *block = NULL;
    size_t bytes = 0;
    (void)state;
    for (size_t wanted = 1000; wanted <= 4 * OFT_LARGE_BLOCK_BYTES; wanted = wanted * 3 + 1) {
        block = oft_block_grow(block, bytes, wanted);
        assert_non_null(block);
        for (size_t i = 0; i < wanted; i++) {
            assert_int_equal(block[i], i < bytes ? (i * 7 + 1) % 251 : 0);
            block[i] = (unsigned char)((i * 7 + 1) % 251);
        }
        bytes = wanted;
    }
    oft_block_free(block, bytes);
    oft_block_free(NULL, 0);
    block = oft_block_new(OFT_LARGE_BLOCK_BYTES + 1);
    assert_non_null(block);
    block[OFT_LARGE_BLOCK_BYTES] = 1;
    oft_block_free(block, OFT_LARGE_BLOCK_BYTES + 1);
}

static void a_block_that_is_given_to_an_arena_lives_as_long_and_counts(void **state)
{
    struct oft_arena arena;
    (void)state;
    oft_arena_init(&arena, 4 * OFT_LARGE_BLOCK_BYTES);
    char *text = oft_arena_printf(&arena, "before");
    unsigned char *block = oft_block_new(2 * OFT_LARGE_BLOCK_BYTES);
    assert_non_null(block);
    assert_true(oft_arena_adopt(&arena, block, 2 * OFT_LARGE_BLOCK_BYTES));
    block[2 * OFT_LARGE_BLOCK_BYTES - 1] = 7;
    assert_true(arena.used_bytes >= 2 * OFT_LARGE_BLOCK_BYTES);
    assert_string_equal(oft_arena_printf(&arena, "after"), "after");
    assert_string_equal(text, "before");
    unsigned char *second = oft_block_new(3 * OFT_LARGE_BLOCK_BYTES);
    assert_non_null(second);
    assert_false(oft_arena_adopt(&arena, second, 3 * OFT_LARGE_BLOCK_BYTES));
    oft_block_free(second, 3 * OFT_LARGE_BLOCK_BYTES);
    oft_arena_release(&arena);
    oft_arena_init(&arena, OFT_LARGE_BLOCK_BYTES);
    block = oft_block_new(100); /* as its first */
    assert_true(oft_arena_adopt(&arena, block, 100));
    assert_non_null(oft_arena_alloc(&arena, 100));
    oft_arena_release(&arena);
}

static void a_buffer_prints_what_is_longer_than_usual_whole_or_not_at_all(void **state)
{
    struct oft_buffer buffer;
    (void)state;
    for (int length = 250; length < 260; length++) {
        oft_buffer_init(&buffer, 300);
        oft_buffer_printf(&buffer, "%0*d", length, 5);
        assert_false(buffer.failed);
        assert_int_equal(strlen(oft_buffer_text(&buffer)), length);
        assert_int_equal(buffer.length, length);
        oft_buffer_printf(&buffer, "%051d", 5); /* of which not all fits */
        assert_true(buffer.failed);
        assert_int_equal(strlen(oft_buffer_text(&buffer)), length);
        oft_buffer_printf(&buffer, "more");
        assert_int_equal(buffer.length, length);
        oft_buffer_release(&buffer);
    }
}

static void an_arena_that_holds_much_still_gives_zeroed_aligned_memory(void **state)
{
    struct oft_arena arena;
    (void)state;
    oft_arena_init(&arena, 16 * OFT_LARGE_BLOCK_BYTES);
    for (size_t size = 100; arena.used_bytes < 8 * OFT_LARGE_BLOCK_BYTES; size = size * 5 / 4) {
        unsigned char *bytes = oft_arena_alloc(&arena, size);
        assert_non_null(bytes);
        assert_int_equal((uintptr_t)bytes % 16, 0);
        assert_true(bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
        memset(bytes, 0xff, size);
    }
    oft_arena_release(&arena);
}

static void slices_compare_by_their_bytes(void **state)
{
    (void)state;
    assert_true(oft_str_equal(OFT_STR_LITERAL("a"), (struct oft_str){"ab", 1}));
    assert_false(oft_str_is(OFT_STR_LITERAL("ab"), "a"));
    assert_true(oft_str_is(oft_str_from(NULL), ""));
    assert_true(oft_equal_constant_time("abc", "abd", 2));
    assert_false(oft_equal_constant_time("abc", "abd", 3));
    assert_true(oft_equal_constant_time("a", "b", 0));
}

static void a_failure_carries_its_words(void **state)
{
    struct oft_error error = {0};
    (void)state;
    assert_int_equal(oft_fail(&error, OFT_ERR_BUSY, "%s is held", "x"), OFT_ERR_BUSY);
    assert_int_equal(error.code, OFT_ERR_BUSY);
    assert_string_equal(error.message, "x is held");
    assert_int_equal(oft_fail(NULL, OFT_ERR_IO, "nobody listens"), OFT_ERR_IO);
    for (int code = OFT_OK; code <= OFT_ERR_DENIED; code++) {
        assert_string_not_equal(oft_err_text((enum oft_err)code), "unknown error");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_arena_gives_zeroed_aligned_memory_up_to_its_ceiling),
        cmocka_unit_test(a_block_that_is_given_to_an_arena_lives_as_long_and_counts),
        cmocka_unit_test(a_buffer_prints_what_is_longer_than_usual_whole_or_not_at_all),
        cmocka_unit_test(an_arena_copies_and_prints_text),
        cmocka_unit_test(a_buffer_that_met_its_ceiling_says_so_and_takes_no_more),
        cmocka_unit_test(a_block_keeps_its_bytes_as_it_grows_and_the_new_ones_are_zero),
        cmocka_unit_test(an_arena_that_holds_much_still_gives_zeroed_aligned_memory),
        cmocka_unit_test(slices_compare_by_their_bytes),
        cmocka_unit_test(a_failure_carries_its_words),
    };
    return cmocka_run_group_tests_name("base memory", tests, NULL, NULL);
}
