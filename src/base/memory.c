/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arena is a list of blocks, newest first; the buffer doubles up to its ceiling. Neither knows
 * what is stored in it.
 */
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct oft_arena_block {
    struct oft_arena_block *previous;
    size_t used;
    size_t size;
    size_t adopted_bytes;
    void *adopted;  /* somebody's block that is the arena's now */
    size_t padding; /* keeps the bytes 16-aligned */
    unsigned char bytes[];
};
_Static_assert(sizeof(struct oft_arena_block) % 16 == 0, "allocations are 16-aligned");

#define ARENA_BLOCK_BYTES ((size_t)64 * 1024)

void oft_arena_init(struct oft_arena *arena, size_t bytes_max)
{
    *arena = (struct oft_arena){.bytes_max = bytes_max};
}

void oft_arena_release(struct oft_arena *arena)
{
    struct oft_arena_block *block = arena->newest;
    while (block != NULL) {
        struct oft_arena_block *previous = block->previous;
        oft_block_free(block->adopted, block->adopted_bytes);
        oft_block_free(block, sizeof(*block) + block->size);
        block = previous;
    }
    arena->newest = NULL;
    arena->used_bytes = 0;
}

static struct oft_arena_block *arena_grow(struct oft_arena *arena, size_t size)
{
    /* An arena that holds much already is going to hold more. */
    size_t usual = arena->used_bytes < OFT_LARGE_BLOCK_BYTES
                       ? ARENA_BLOCK_BYTES
                       : OFT_LARGE_BLOCK_BYTES - sizeof(struct oft_arena_block);
    size_t wanted = size > usual ? size : usual;
    struct oft_arena_block *block = oft_block_new(sizeof(*block) + wanted);
    if (block == NULL) {
        return NULL;
    }
    block->size = wanted;
    block->previous = arena->newest;
    arena->newest = block;
    return block;
}

void *oft_arena_alloc(struct oft_arena *arena, size_t size_bytes)
{
    if (size_bytes > arena->bytes_max || arena->used_bytes > arena->bytes_max - size_bytes) {
        return NULL;
    }
    size_t size = size_bytes == 0 ? 16 : (size_bytes + 15) & ~(size_t)15;
    struct oft_arena_block *block = arena->newest;
    if (block == NULL || block->size - block->used < size) {
        block = arena_grow(arena, size);
        if (block == NULL) {
            return NULL;
        }
    }
    void *result = block->bytes + block->used;
    block->used += size;
    arena->used_bytes += size;
    return result;
}

void *oft_arena_alloc_array(struct oft_arena *arena, size_t count, size_t item_bytes)
{
    if (item_bytes != 0 && count > SIZE_MAX / 2 / item_bytes) {
        return NULL;
    }
    return oft_arena_alloc(arena, count * item_bytes);
}

bool oft_arena_adopt(struct oft_arena *arena, void *block, size_t bytes)
{
    if (bytes > arena->bytes_max || arena->used_bytes > arena->bytes_max - bytes) {
        return false;
    }
    struct oft_arena_block *keeper = oft_block_new(sizeof(*keeper));
    if (keeper == NULL) {
        return false;
    }
    keeper->adopted = block;
    keeper->adopted_bytes = bytes;
    if (arena->newest == NULL) {
        arena->newest = keeper;
    } else { /* behind the newest, which may have room yet */
        keeper->previous = arena->newest->previous;
        arena->newest->previous = keeper;
    }
    arena->used_bytes += bytes;
    return true;
}

char *oft_arena_copy(struct oft_arena *arena, struct oft_str text)
{
    char *copy = oft_arena_alloc(arena, text.length + 1);
    if (copy != NULL && text.length > 0) {
        memcpy(copy, text.data, text.length);
    }
    return copy;
}

char *oft_arena_printf(struct oft_arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) {
        return NULL;
    }
    char *text = oft_arena_alloc(arena, (size_t)length + 1);
    if (text != NULL) {
        va_start(arguments, format);
        (void)vsnprintf(text, (size_t)length + 1, format, arguments);
        va_end(arguments);
    }
    return text;
}

void oft_buffer_init(struct oft_buffer *buffer, size_t bytes_max)
{
    *buffer = (struct oft_buffer){.bytes_max = bytes_max};
}

void oft_buffer_release(struct oft_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct oft_buffer){.bytes_max = buffer->bytes_max};
}

void oft_buffer_clear(struct oft_buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
    if (buffer->data != NULL) {
        buffer->data[0] = '\0';
    }
}

/* Makes room for LENGTH more bytes and the NUL, or marks the buffer failed. */
static bool buffer_reserve(struct oft_buffer *buffer, size_t length)
{
    if (buffer->failed) {
        return false;
    }
    if (length > buffer->bytes_max || buffer->length > buffer->bytes_max - length) {
        buffer->failed = true;
        return false;
    }
    size_t needed = buffer->length + length + 1;
    if (needed <= buffer->capacity) {
        return true;
    }
    size_t capacity = buffer->capacity < 256 ? 256 : buffer->capacity;
    while (capacity < needed) {
        capacity *= 2;
    }
    char *data = realloc(buffer->data, capacity);
    if (data == NULL) {
        buffer->failed = true;
        return false;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

void oft_buffer_append(struct oft_buffer *buffer, const void *data, size_t length)
{
    if (!buffer_reserve(buffer, length)) {
        return;
    }
    if (length > 0) {
        memcpy(buffer->data + buffer->length, data, length);
    }
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
}

void oft_buffer_append_text(struct oft_buffer *buffer, const char *text)
{
    oft_buffer_append(buffer, text, strlen(text));
}

void oft_buffer_append_str(struct oft_buffer *buffer, struct oft_str text)
{
    oft_buffer_append(buffer, text.data, text.length);
}

void oft_buffer_append_char(struct oft_buffer *buffer, char c)
{
    oft_buffer_append(buffer, &c, 1);
}

void oft_buffer_append_repeat(struct oft_buffer *buffer, char c, size_t count)
{
    if (!buffer_reserve(buffer, count)) {
        return;
    }
    memset(buffer->data + buffer->length, c, count);
    buffer->length += count;
    buffer->data[buffer->length] = '\0';
}

void oft_buffer_vprintf(struct oft_buffer *buffer, const char *format, va_list arguments)
{
    enum { USUAL_BYTES = 256 }; /* mostly it fits into these, and is printed once */
    va_list again;
    if (buffer->failed) {
        return;
    }
    size_t left = buffer->bytes_max - buffer->length;
    size_t room = left < USUAL_BYTES ? left : USUAL_BYTES;
    if (!buffer_reserve(buffer, room)) {
        return;
    }
    va_copy(again, arguments);
    int length = vsnprintf(buffer->data + buffer->length, room + 1, format, again);
    va_end(again);
    if (length >= 0 && (size_t)length <= room) {
        buffer->length += (size_t)length;
        return;
    }
    buffer->data[buffer->length] = '\0';
    if (length < 0 || !buffer_reserve(buffer, (size_t)length)) {
        buffer->failed = true;
        return;
    }
    (void)vsnprintf(buffer->data + buffer->length, (size_t)length + 1, format, arguments);
    buffer->length += (size_t)length;
}

void oft_buffer_printf(struct oft_buffer *buffer, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    oft_buffer_vprintf(buffer, format, arguments);
    va_end(arguments);
}

const char *oft_buffer_text(const struct oft_buffer *buffer)
{
    return buffer->data == NULL ? "" : buffer->data;
}

char *oft_buffer_detach(struct oft_buffer *buffer)
{
    if (buffer->failed || !buffer_reserve(buffer, 0)) {
        return NULL;
    }
    char *data = buffer->data;
    data[buffer->length] = '\0';
    *buffer = (struct oft_buffer){.bytes_max = buffer->bytes_max};
    return data;
}
