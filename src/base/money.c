/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checked 128-bit arithmetic, exact decimals in and out. The product of two amounts goes through 256
 * bits, kept as four 64-bit limbs, so that a rate never overflows before it is divided.
 */
#include "base/money.h"

#include <string.h>

enum oft_err oft_nanos_add(oft_nanos a, oft_nanos b, oft_nanos *ret)
{
    oft_nanos sum;
    if (__builtin_add_overflow(a, b, &sum)) {
        return OFT_ERR_RANGE;
    }
    *ret = sum;
    return OFT_OK;
}

enum oft_err oft_nanos_sub(oft_nanos a, oft_nanos b, oft_nanos *ret)
{
    oft_nanos difference;
    if (__builtin_sub_overflow(a, b, &difference)) {
        return OFT_ERR_RANGE;
    }
    *ret = difference;
    return OFT_OK;
}

enum oft_err oft_nanos_mul(oft_nanos a, oft_nanos b, oft_nanos *ret)
{
    oft_nanos product;
    if (__builtin_mul_overflow(a, b, &product)) {
        return OFT_ERR_RANGE;
    }
    *ret = product;
    return OFT_OK;
}

static oft_u128 magnitude(oft_nanos value)
{
    return value < 0 ? (oft_u128)0 - (oft_u128)value : (oft_u128)value;
}

struct wide {
    uint64_t limb[4]; /* least significant first */
};

static struct wide wide_multiply(oft_u128 a, oft_u128 b)
{
    const uint64_t x[2] = {(uint64_t)a, (uint64_t)(a >> 64)};
    const uint64_t y[2] = {(uint64_t)b, (uint64_t)(b >> 64)};
    struct wide product = {{0, 0, 0, 0}};
    for (int i = 0; i < 2; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < 2; j++) {
            oft_u128 sum = (oft_u128)x[i] * y[j] + product.limb[i + j] + carry;
            product.limb[i + j] = (uint64_t)sum;
            carry = (uint64_t)(sum >> 64);
        }
        product.limb[i + 2] = carry;
    }
    return product;
}

/* Divides bit by bit: at most 256 steps, once per statement line. False when the quotient needs more
 * than 128 bits. DIVISOR is below 2^127, so the shifted remainder fits. */
static bool wide_divide(struct wide dividend, oft_u128 divisor, oft_u128 *ret_quotient,
                        oft_u128 *ret_remainder)
{
    oft_u128 quotient = 0;
    oft_u128 remainder = 0;
    for (int bit = 255; bit >= 0; bit--) {
        remainder = (remainder << 1) | ((dividend.limb[bit / 64] >> (bit % 64)) & 1);
        if (quotient >> 127) {
            return false;
        }
        quotient <<= 1;
        if (remainder >= divisor) {
            remainder -= divisor;
            quotient |= 1;
        }
    }
    *ret_quotient = quotient;
    *ret_remainder = remainder;
    return true;
}

enum oft_err oft_nanos_mul_div_half_even(oft_nanos a, oft_nanos numerator, oft_nanos denominator,
                                         oft_nanos *ret)
{
    OFT_ASSERT(denominator > 0);
    oft_u128 divisor = (oft_u128)denominator;
    oft_u128 x = magnitude(a);
    oft_u128 y = magnitude(numerator);
    oft_u128 quotient;
    oft_u128 remainder;
    oft_u128 product;
    if (!__builtin_mul_overflow(x, y, &product)) {
        quotient = product / divisor;
        remainder = product % divisor;
    } else if (!wide_divide(wide_multiply(x, y), divisor, &quotient, &remainder)) {
        return OFT_ERR_RANGE;
    }
    oft_u128 half = divisor - remainder; /* compare remainder with half without doubling it */
    if (remainder > half || (remainder == half && (quotient & 1) != 0)) {
        if (__builtin_add_overflow(quotient, 1, &quotient)) {
            return OFT_ERR_RANGE;
        }
    }
    bool negative = (a < 0) != (numerator < 0);
    oft_u128 limit = (oft_u128)OFT_NANOS_MAX + (negative ? 1 : 0);
    if (quotient > limit) {
        return OFT_ERR_RANGE;
    }
    *ret = negative ? (oft_nanos)((oft_u128)0 - quotient) : (oft_nanos)quotient;
    return OFT_OK;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* value * 10 + digit on the negative side, where there is room for the smallest number. */
static enum oft_err push_digit(oft_nanos *value, int digit)
{
    if (oft_nanos_mul(*value, 10, value) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    return oft_nanos_sub(*value, digit, value);
}

enum oft_err oft_decimal_parse(struct oft_str text, unsigned scale, oft_nanos *ret)
{
    if (scale > 18) {
        return OFT_ERR_INVALID;
    }
    size_t i = 0;
    bool negative = text.length > 0 && text.data[0] == '-';
    if (negative) {
        i++;
    }
    oft_nanos value = 0;
    size_t whole_digits = 0;
    for (; i < text.length && is_digit(text.data[i]); i++, whole_digits++) {
        if (push_digit(&value, text.data[i] - '0') != OFT_OK) {
            return OFT_ERR_RANGE;
        }
    }
    unsigned decimals = 0;
    bool too_fine = false;
    if (whole_digits > 0 && i < text.length && text.data[i] == '.') {
        size_t first = ++i;
        for (; i < text.length && is_digit(text.data[i]); i++) {
            if (decimals == scale) {
                too_fine = too_fine || text.data[i] != '0';
            } else if (push_digit(&value, text.data[i] - '0') != OFT_OK) {
                return OFT_ERR_RANGE;
            } else {
                decimals++;
            }
        }
        if (i == first) {
            return OFT_ERR_SYNTAX;
        }
    }
    if (whole_digits == 0 || i != text.length) {
        return OFT_ERR_SYNTAX;
    }
    for (; decimals < scale; decimals++) {
        if (push_digit(&value, 0) != OFT_OK) {
            return OFT_ERR_RANGE;
        }
    }
    if (too_fine || (!negative && value == OFT_NANOS_MIN)) {
        return OFT_ERR_RANGE;
    }
    *ret = negative ? value : -value;
    return OFT_OK;
}

/* Digits of VALUE, least significant first, at least MINIMUM of them. */
static size_t digits_reversed(oft_u128 value, size_t minimum, char *out)
{
    size_t count = 0;
    while (value != 0 || count < minimum) {
        out[count++] = (char)('0' + (int)(value % 10));
        value /= 10;
    }
    return count;
}

const char *oft_i128_format(oft_nanos value, char out[OFT_NANOS_TEXT_BYTES])
{
    char reversed[48];
    size_t count = digits_reversed(magnitude(value), 1, reversed);
    size_t length = 0;
    if (value < 0) {
        out[length++] = '-';
    }
    while (count > 0) {
        out[length++] = reversed[--count];
    }
    out[length] = '\0';
    return out;
}

static const char *format_amount(oft_nanos amount, bool grouped, char out[OFT_NANOS_TEXT_BYTES])
{
    char reversed[48];
    size_t count = digits_reversed(magnitude(amount), 10, reversed);
    size_t cut = 0; /* trailing zeros to leave out, keeping two decimals */
    while (cut < 7 && reversed[cut] == '0') {
        cut++;
    }
    size_t length = 0;
    if (amount < 0) {
        out[length++] = '-';
    }
    for (size_t i = count; i > 9; i--) {
        out[length++] = reversed[i - 1];
        if (grouped && i > 10 && (i - 10) % 3 == 0) {
            out[length++] = ',';
        }
    }
    out[length++] = '.';
    for (size_t i = 9; i > cut; i--) {
        out[length++] = reversed[i - 1];
    }
    out[length] = '\0';
    return out;
}

const char *oft_nanos_format(oft_nanos amount, char out[OFT_NANOS_TEXT_BYTES])
{
    return format_amount(amount, false, out);
}

const char *oft_nanos_format_grouped(oft_nanos amount, char out[OFT_NANOS_TEXT_BYTES])
{
    return format_amount(amount, true, out);
}

enum oft_err oft_i128_parse(struct oft_str text, oft_nanos *ret)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!is_digit(text.data[i]) && !(i == 0 && text.data[i] == '-')) {
            return OFT_ERR_SYNTAX;
        }
    }
    return oft_decimal_parse(text, 0, ret);
}
