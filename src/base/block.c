/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large blocks come straight from the kernel, aligned to its large pages and marked for them: tables of
 * many megabytes are then walked with few misses of the address cache. Small blocks are malloc's, and
 * under a sanitizer that watches memory all are.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/memory.h"

#if defined(__SANITIZE_ADDRESS__)
#define WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define WATCHED 1
#endif
#endif
#ifndef WATCHED
#define WATCHED 0
#endif

static bool is_large(size_t bytes)
{
    return !WATCHED && bytes >= OFT_LARGE_BLOCK_BYTES;
}

static size_t whole_pages(size_t bytes)
{
    return (bytes + OFT_LARGE_BLOCK_BYTES - 1) & ~(OFT_LARGE_BLOCK_BYTES - 1);
}

/* Asks for one large page too many, and gives back what lies before and after the aligned part. */
static void *map_large(size_t bytes)
{
    const size_t page = OFT_LARGE_BLOCK_BYTES;
    if (bytes > SIZE_MAX / 2) {
        return NULL;
    }
    size_t size = whole_pages(bytes);
    char *got = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (got == MAP_FAILED) {
        return NULL;
    }
    size_t before = (page - (uintptr_t)got % page) % page;
    if (before > 0) {
        (void)munmap(got, before);
    }
    (void)munmap(got + before + size, page - before);
    (void)madvise(got + before, size, MADV_HUGEPAGE); /* a wish; without it all is as before */
    return got + before;
}

void *oft_block_new(size_t bytes)
{
    return is_large(bytes) ? map_large(bytes) : calloc(1, bytes > 0 ? bytes : 1);
}

void oft_block_free(void *block, size_t bytes)
{
    if (block == NULL || !is_large(bytes)) {
        free(block);
        return;
    }
    (void)munmap(block, whole_pages(bytes));
}

void *oft_block_grow(void *block, size_t bytes, size_t wanted_bytes)
{
    OFT_ASSERT(wanted_bytes >= bytes);
    if (!is_large(wanted_bytes)) {
        char *grown = realloc(block, wanted_bytes > 0 ? wanted_bytes : 1);
        if (grown != NULL) {
            memset(grown + bytes, 0, wanted_bytes - bytes);
        }
        return grown;
    }
    if (is_large(bytes) && whole_pages(bytes) == whole_pages(wanted_bytes)) {
        return block;
    }
    void *grown = map_large(wanted_bytes);
    if (grown != NULL && is_large(bytes) &&
        mremap(block, whole_pages(bytes), whole_pages(wanted_bytes), MREMAP_MAYMOVE | MREMAP_FIXED,
               grown) == grown) {
        return grown; /* the pages moved, nothing was copied */
    }
    if (grown != NULL && bytes > 0) {
        memcpy(grown, block, bytes);
        oft_block_free(block, bytes);
    } else if (grown != NULL) {
        free(block); /* of no bytes */
    }
    return grown;
}
