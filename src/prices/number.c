/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of JSON as they are written. A reader of JSON would make a binary fraction of "1.5e-07", and
 * what it then prints is another number; so they are put into quotes before it sees them, and read here
 * as digits and a power of ten.
 */
#include "prices/prices.h"

enum { DIGITS_MAX = 27, EXPONENT_MAX = 1000000 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool belongs(char c)
{
    return is_digit(c) || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* The parts of a number that has JSON's form. */
struct parts {
    bool negative;
    struct oft_str whole;
    struct oft_str decimals;
    int64_t exponent;
};

static struct oft_str digits_at(struct oft_str text, size_t *at)
{
    struct oft_str run = {text.data + *at, 0};
    while (*at < text.length && is_digit(text.data[*at])) {
        ++*at;
        run.length++;
    }
    return run;
}

static bool read_exponent(struct oft_str text, size_t *at, int64_t *ret_exponent)
{
    bool negative = false;
    ++*at;
    if (*at < text.length && (text.data[*at] == '+' || text.data[*at] == '-')) {
        negative = text.data[*at] == '-';
        ++*at;
    }
    struct oft_str digits = digits_at(text, at);
    int64_t value = 0;
    for (size_t i = 0; i < digits.length; i++) {
        value = value * 10 + (digits.data[i] - '0');
        value = value > EXPONENT_MAX ? EXPONENT_MAX : value; /* it is beyond any use */
    }
    *ret_exponent = negative ? -value : value;
    return digits.length > 0;
}

static bool split(struct oft_str text, struct parts *parts)
{
    size_t at = 0;
    *parts = (struct parts){.decimals = {"", 0}};
    if (at < text.length && text.data[at] == '-') {
        parts->negative = true;
        at++;
    }
    parts->whole = digits_at(text, &at);
    if (parts->whole.length == 0 || (parts->whole.length > 1 && parts->whole.data[0] == '0')) {
        return false;
    }
    if (at < text.length && text.data[at] == '.') {
        at++;
        parts->decimals = digits_at(text, &at);
        if (parts->decimals.length == 0) {
            return false;
        }
    }
    if (at < text.length && (text.data[at] == 'e' || text.data[at] == 'E') &&
        !read_exponent(text, &at, &parts->exponent)) {
        return false;
    }
    return at == text.length;
}

/* The digits without the zeros at both ends; each zero taken off at the end is one more power. */
static enum oft_err mantissa_of(const struct parts *parts, oft_nanos *ret, int64_t *power)
{
    oft_nanos value = 0;
    int64_t zeros = 0; /* seen, and not yet known to be followed by a digit */
    int digits = 0;
    *power = parts->exponent - (int64_t)parts->decimals.length;
    for (size_t i = 0; i < parts->whole.length + parts->decimals.length; i++) {
        char c = i < parts->whole.length ? parts->whole.data[i]
                                         : parts->decimals.data[i - parts->whole.length];
        if (c == '0') {
            zeros += value != 0;
            continue;
        }
        for (; value != 0 && zeros > 0; zeros--, digits++) {
            if (digits >= DIGITS_MAX) {
                return OFT_ERR_RANGE;
            }
            value *= 10;
        }
        if (digits++ >= DIGITS_MAX) {
            return OFT_ERR_RANGE;
        }
        value = value * 10 + (c - '0');
    }
    *power += zeros;
    *ret = value;
    return OFT_OK;
}

enum oft_err prices_number(struct oft_str text, int shift, oft_nanos *ret)
{
    struct parts parts;
    oft_nanos value;
    int64_t power;
    if (!split(text, &parts)) {
        return OFT_ERR_SYNTAX;
    }
    enum oft_err err = mantissa_of(&parts, &value, &power);
    if (err != OFT_OK) {
        return err;
    }
    power += shift;
    if (value == 0) {
        *ret = 0;
        return OFT_OK;
    }
    if (power < 0 || power > DIGITS_MAX) {
        return OFT_ERR_RANGE; /* the last digit is no zero: it would be lost */
    }
    oft_nanos most = 1;
    for (int i = 0; i < DIGITS_MAX; i++) {
        most *= 10;
    }
    for (; power > 0; power--) {
        if (value >= most) {
            return OFT_ERR_RANGE;
        }
        value *= 10;
    }
    if (value >= most) {
        return OFT_ERR_RANGE;
    }
    *ret = parts.negative ? -value : value;
    return OFT_OK;
}

/* The end of the string that begins at AT. */
static size_t string_end(struct oft_str text, size_t at)
{
    at++;
    while (at < text.length && text.data[at] != '"') {
        at += text.data[at] == '\\' ? 2 : 1;
    }
    return at < text.length ? at + 1 : text.length;
}

/* A name of an object is no number, and must not become one by our quotes. */
static bool names_follow(struct oft_str text, size_t at)
{
    while (at < text.length && (text.data[at] == ' ' || text.data[at] == '\t' ||
                                text.data[at] == '\r' || text.data[at] == '\n')) {
        at++;
    }
    return at < text.length && text.data[at] == ':';
}

enum oft_err prices_quote_numbers(struct oft_str text, struct oft_buffer *out,
                                  struct oft_error *reterr)
{
    for (size_t at = 0; at < text.length;) {
        size_t end = at + 1;
        char c = text.data[at];
        if (c == '"') {
            end = string_end(text, at);
            oft_buffer_append(out, text.data + at, end - at);
        } else if (is_digit(c) || c == '-') {
            struct parts parts;
            while (end < text.length && belongs(text.data[end])) {
                end++;
            }
            struct oft_str number = {text.data + at, end - at};
            if (!split(number, &parts) || names_follow(text, end)) {
                return oft_fail(reterr, OFT_ERR_INVALID,
                                "\"%.*s\" at byte %zu is no number of JSON",
                                (int)(number.length > 40 ? 40 : number.length), number.data, at);
            }
            oft_buffer_append_char(out, '"');
            oft_buffer_append_str(out, number);
            oft_buffer_append_char(out, '"');
        } else {
            oft_buffer_append_char(out, c);
        }
        at = end;
    }
    return out->failed ? oft_fail(reterr, OFT_ERR_MEMORY, "out of memory for this price list")
                       : OFT_OK;
}
