/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_BASE_MEMORY_H
#define OFFTAKE_BASE_MEMORY_H
/*
 * memory -- an arena for things that live and die together, a buffer that grows to a ceiling, and blocks
 * for tables.
 *
 * Arena   One owner; everything allocated from it is freed at once by oft_arena_release. Memory is
 *         zeroed. A request for more than the ceiling returns NULL.
 * Buffer  States its ceiling at birth. An append that fails marks the buffer `failed`; later appends
 *         do nothing, so a writer may append freely and check once, at the end.
 */
#include <stdarg.h>

#include "base/base.h"

/* Zeroed memory that its owner knows the size of. From OFT_LARGE_BLOCK_BYTES on it lies on the kernel's
 * large pages where there are any. */
#define OFT_LARGE_BLOCK_BYTES ((size_t)2 << 20)
void *oft_block_new(size_t bytes) OFT_MUSTCHECK; /* NULL: out of memory */
/* BLOCK (or NULL) of BYTES becomes one of WANTED_BYTES, not fewer; what is new is zeroed. NULL: out of
 * memory, and BLOCK is as it was. */
void *oft_block_grow(void *block, size_t bytes, size_t wanted_bytes) OFT_MUSTCHECK;
void oft_block_free(void *block, size_t bytes); /* accepts NULL */

struct oft_arena_block;
struct oft_arena {
    struct oft_arena_block *newest;
    size_t used_bytes;
    size_t bytes_max;
};

void oft_arena_init(struct oft_arena *arena, size_t bytes_max);
void oft_arena_release(struct oft_arena *arena);
void *oft_arena_alloc(struct oft_arena *arena, size_t size_bytes) OFT_MUSTCHECK; /* 16-aligned */
void *oft_arena_alloc_array(struct oft_arena *arena, size_t count, size_t item_bytes) OFT_MUSTCHECK;
/* Takes BLOCK of BYTES (of oft_block_new) over: it lives as long as the arena. False, and it stays the
 * caller's, when memory is out or the ceiling is met. */
bool oft_arena_adopt(struct oft_arena *arena, void *block, size_t bytes) OFT_MUSTCHECK;
/* A NUL-terminated copy. */
char *oft_arena_copy(struct oft_arena *arena, struct oft_str text) OFT_MUSTCHECK;
char *oft_arena_printf(struct oft_arena *arena, const char *format, ...) OFT_PRINTF(2, 3);

struct oft_buffer {
    char *data; /* NUL-terminated whenever it is not NULL */
    size_t length;
    size_t capacity;
    size_t bytes_max;
    bool failed;
};

void oft_buffer_init(struct oft_buffer *buffer, size_t bytes_max);
void oft_buffer_release(struct oft_buffer *buffer);
void oft_buffer_clear(struct oft_buffer *buffer); /* empties it, keeps its memory and its ceiling */
void oft_buffer_append(struct oft_buffer *buffer, const void *data, size_t length);
void oft_buffer_append_text(struct oft_buffer *buffer, const char *text);
void oft_buffer_append_str(struct oft_buffer *buffer, struct oft_str text);
void oft_buffer_append_char(struct oft_buffer *buffer, char c);
void oft_buffer_append_repeat(struct oft_buffer *buffer, char c, size_t count);
void oft_buffer_printf(struct oft_buffer *buffer, const char *format, ...) OFT_PRINTF(2, 3);
void oft_buffer_vprintf(struct oft_buffer *buffer, const char *format, va_list arguments)
    OFT_PRINTF(2, 0);
/* The text so far; "" when nothing was appended. Valid until the next append. */
const char *oft_buffer_text(const struct oft_buffer *buffer);
/* Hands the storage over; the caller frees it with free(). NULL when the buffer failed. */
char *oft_buffer_detach(struct oft_buffer *buffer);

#endif
