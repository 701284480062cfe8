/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors, slices and the constant-time comparison. Edge: also compiled into the nginx module, so
 * nothing here allocates or aborts (oft_assert_failed lives in assert.c, apart).
 */
#include "base/base.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *oft_err_text(enum oft_err code)
{
    switch (code) {
    case OFT_OK:
        return "success";
    case OFT_ERR_MEMORY:
        return "out of memory";
    case OFT_ERR_RANGE:
        return "number out of range";
    case OFT_ERR_SYNTAX:
        return "syntax error";
    case OFT_ERR_LIMIT:
        return "limit reached";
    case OFT_ERR_CORRUPT:
        return "corrupt data";
    case OFT_ERR_VERSION:
        return "wrong version";
    case OFT_ERR_NOT_FOUND:
        return "not found";
    case OFT_ERR_EXISTS:
        return "exists already";
    case OFT_ERR_CONFLICT:
        return "conflict";
    case OFT_ERR_INVALID:
        return "invalid";
    case OFT_ERR_IO:
        return "input/output error";
    case OFT_ERR_FULL:
        return "no space left";
    case OFT_ERR_BUSY:
        return "in use";
    case OFT_ERR_DENIED:
        return "denied";
    }
    return "unknown error";
}

enum oft_err oft_fail(struct oft_error *error, enum oft_err code, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        error->code = code;
        (void)vsnprintf(error->message, sizeof(error->message), format, arguments);
        va_end(arguments);
    }
    return code;
}

struct oft_str oft_str_from(const char *text)
{
    struct oft_str slice = {text, text == NULL ? 0 : strlen(text)};
    return slice;
}

bool oft_str_equal(struct oft_str a, struct oft_str b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

bool oft_str_is(struct oft_str a, const char *text)
{
    return oft_str_equal(a, oft_str_from(text));
}

bool oft_equal_constant_time(const void *a, const void *b, size_t length)
{
    const volatile uint8_t *left = a;
    const volatile uint8_t *right = b;
    uint8_t difference = 0;
    for (size_t i = 0; i < length; i++) {
        difference = (uint8_t)(difference | (left[i] ^ right[i]));
    }
    return difference == 0;
}
