/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_BASE_BASE_H
#define OFFTAKE_BASE_BASE_H
/*
 * base -- the ground floor that every other room stands on.
 *
 * What it is   Money in whole nano-units, instants and calendar months, slices, arenas, growing
 *              buffers with a ceiling, stable identifiers, checksums, hashes and error values.
 * What it is not  It reads no clock, opens no file and knows no contract.
 * May include  nothing of ours. Everything may include it.
 * Errors       Faults are `enum oft_err` (0 is success) and, where words help, a `struct oft_error`
 *              that the caller owns and that is filled on failure only. Nothing here logs.
 * Bugs         OFT_ASSERT aborts, in release builds too. Files marked "edge" are also compiled into
 *              the nginx module, where nothing may abort: they return an error instead.
 * Threads      Pure; any thread. An arena or a buffer belongs to one thread at a time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define OFT_MUSTCHECK __attribute__((warn_unused_result))
#define OFT_PRINTF(format_index, first_index) \
    __attribute__((format(printf, format_index, first_index)))
#define OFT_NORETURN __attribute__((noreturn))
#else
#error "offtake is built by gcc or clang"
#endif

#define OFT_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Faults. A domain's own refusals are enums of their rooms; these are what can go wrong anywhere. */
enum oft_err {
    OFT_OK = 0,
    OFT_ERR_MEMORY,  /* an allocation failed, or an arena met its ceiling */
    OFT_ERR_RANGE,   /* a number left its type: checked arithmetic says so, it never wraps */
    OFT_ERR_SYNTAX,  /* text that does not parse */
    OFT_ERR_LIMIT,   /* a ceiling of base/limits.h was met */
    OFT_ERR_CORRUPT, /* bytes that fail their checksum or their own rules */
    OFT_ERR_VERSION, /* bytes of another version or byte order */
    OFT_ERR_NOT_FOUND,
    OFT_ERR_EXISTS, /* already there; with another payload it is a conflict */
    OFT_ERR_CONFLICT,
    OFT_ERR_INVALID, /* an argument or a deal that breaks a rule */
    OFT_ERR_IO,      /* the operating system refused; errno is in the message */
    OFT_ERR_FULL,    /* no space left where bytes must go */
    OFT_ERR_BUSY,    /* somebody else holds it */
    OFT_ERR_DENIED,
};

/* The words of a code, for messages: "out of memory", "not found". Static storage. */
const char *oft_err_text(enum oft_err code);

/* One failure with its context. The caller owns it; zero-initialise before use. */
struct oft_error {
    enum oft_err code;
    char message[480]; /* one line: what happened, why, what to do */
};

/* Fills ERROR (which may be NULL) and returns CODE, so that `return oft_fail(...)` reads well. */
enum oft_err oft_fail(struct oft_error *error, enum oft_err code, const char *format, ...)
    OFT_PRINTF(3, 4);

OFT_NORETURN void oft_assert_failed(const char *expression, const char *file, int line);
#define OFT_ASSERT(expression) \
    ((expression) ? (void)0 : oft_assert_failed(#expression, __FILE__, __LINE__))

/* A slice: bytes somebody else owns. Not NUL-terminated. */
struct oft_str {
    const char *data;
    size_t length;
};
#define OFT_STR_LITERAL(text) ((struct oft_str){(text), sizeof(text) - 1})
struct oft_str oft_str_from(const char *text); /* text may be NULL: the empty slice */
bool oft_str_equal(struct oft_str a, struct oft_str b);
bool oft_str_is(struct oft_str a, const char *text);

/* Compares LENGTH bytes in time that depends on LENGTH alone; for secrets and their hashes. */
bool oft_equal_constant_time(const void *a, const void *b, size_t length);

#endif
