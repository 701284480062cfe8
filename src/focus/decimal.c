/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decimals with a scale of their own. A price times a quantity has more decimals than money is kept
 * with, and FOCUS wants that product to match: so here nothing is rounded.
 */
#include <string.h>

#include "focus/focus.h"

enum { SCALE_MAX = 36 };

static enum oft_err times_ten(oft_nanos *value, unsigned count)
{
    for (unsigned i = 0; i < count && *value != 0; i++) {
        enum oft_err err = oft_nanos_mul(*value, 10, value);
        if (err != OFT_OK) {
            return err;
        }
    }
    return OFT_OK;
}

static void trim(struct focus_decimal *decimal)
{
    while (decimal->scale > 0 && decimal->value % 10 == 0) {
        decimal->value /= 10;
        decimal->scale--;
    }
}

/* Digits from *AT on into *VALUE, negative so that the least number fits; returns how many. */
static size_t take_digits(struct oft_str text, size_t *at, oft_nanos *value, enum oft_err *err)
{
    size_t begin = *at;
    for (; *at < text.length && text.data[*at] >= '0' && text.data[*at] <= '9'; (*at)++) {
        if (*err == OFT_OK) {
            *err = oft_nanos_mul(*value, 10, value);
        }
        if (*err == OFT_OK) {
            *err = oft_nanos_sub(*value, text.data[*at] - '0', value);
        }
    }
    return *at - begin;
}

static enum oft_err take_exponent(struct oft_str text, size_t *at, int *ret)
{
    oft_nanos digits = 0;
    enum oft_err err = OFT_OK;
    *ret = 0;
    if (*at == text.length || (text.data[*at] != 'E' && text.data[*at] != 'e')) {
        return OFT_OK;
    }
    (*at)++;
    bool negative = *at < text.length && text.data[*at] == '-';
    *at += negative;
    if (take_digits(text, at, &digits, &err) == 0) {
        return OFT_ERR_SYNTAX;
    }
    if (err != OFT_OK || digits < -SCALE_MAX) {
        return OFT_ERR_RANGE;
    }
    *ret = (int)(negative ? digits : -digits);
    return OFT_OK;
}

enum oft_err focus_decimal_parse(struct oft_str text, struct focus_decimal *ret)
{
    size_t at = text.length > 0 && text.data[0] == '-';
    bool negative = at == 1;
    oft_nanos value = 0;
    size_t decimals = 0;
    int exponent;
    enum oft_err range = OFT_OK;
    if (take_digits(text, &at, &value, &range) == 0) {
        return OFT_ERR_SYNTAX;
    }
    if (at < text.length && text.data[at] == '.') {
        at++;
        decimals = take_digits(text, &at, &value, &range);
        if (decimals == 0) {
            return OFT_ERR_SYNTAX;
        }
    }
    enum oft_err err = take_exponent(text, &at, &exponent);
    if (err != OFT_OK || at != text.length) {
        return err != OFT_OK ? err : OFT_ERR_SYNTAX;
    }
    if (range != OFT_OK || decimals > SCALE_MAX ||
        (!negative && oft_nanos_mul(value, -1, &value) != OFT_OK)) {
        return OFT_ERR_RANGE;
    }
    struct focus_decimal result = {value, (unsigned)decimals};
    trim(&result);
    if (exponent < 0) {
        result.scale += (unsigned)-exponent;
    } else if ((unsigned)exponent <= result.scale) {
        result.scale -= (unsigned)exponent;
    } else {
        err = times_ten(&result.value, (unsigned)exponent - result.scale);
        result.scale = 0;
    }
    if (err != OFT_OK || result.scale > SCALE_MAX) {
        return OFT_ERR_RANGE;
    }
    trim(&result);
    *ret = result;
    return OFT_OK;
}

const char *focus_decimal_format(struct focus_decimal a, char out[FOCUS_DECIMAL_TEXT_BYTES])
{
    char digits[OFT_NANOS_TEXT_BYTES];
    trim(&a);
    (void)oft_i128_format(a.value, digits);
    const char *first = digits + (a.value < 0);
    size_t count = strlen(first);
    size_t at = 0;
    if (a.value < 0) {
        out[at++] = '-';
    }
    for (size_t i = count > a.scale ? count : (size_t)a.scale + 1; i > 0; i--) {
        if (i == a.scale) {
            out[at++] = '.';
        }
        out[at++] = i > count ? '0' : first[count - i];
    }
    out[at] = '\0';
    return out;
}

static enum oft_err align(struct focus_decimal *a, struct focus_decimal *b)
{
    trim(a);
    trim(b);
    struct focus_decimal *less = a->scale < b->scale ? a : b;
    unsigned scale = a->scale < b->scale ? b->scale : a->scale;
    enum oft_err err = times_ten(&less->value, scale - less->scale);
    less->scale = scale;
    return err;
}

enum oft_err focus_decimal_add(struct focus_decimal a, struct focus_decimal b,
                               struct focus_decimal *ret)
{
    enum oft_err err = align(&a, &b);
    struct focus_decimal sum = {.scale = a.scale};
    if (err == OFT_OK) {
        err = oft_nanos_add(a.value, b.value, &sum.value);
    }
    if (err == OFT_OK) {
        trim(&sum);
        *ret = sum;
    }
    return err;
}

enum oft_err focus_decimal_sub(struct focus_decimal a, struct focus_decimal b,
                               struct focus_decimal *ret)
{
    enum oft_err err = oft_nanos_mul(b.value, -1, &b.value);
    return err != OFT_OK ? err : focus_decimal_add(a, b, ret);
}

enum oft_err focus_decimal_mul(struct focus_decimal a, struct focus_decimal b,
                               struct focus_decimal *ret)
{
    struct focus_decimal product;
    trim(&a);
    trim(&b);
    product.scale = a.scale + b.scale;
    enum oft_err err = oft_nanos_mul(a.value, b.value, &product.value);
    if (err != OFT_OK) {
        return err;
    }
    trim(&product);
    if (product.scale > SCALE_MAX) {
        return OFT_ERR_RANGE;
    }
    *ret = product;
    return OFT_OK;
}

enum oft_err focus_decimal_compare(struct focus_decimal a, struct focus_decimal b, int *ret)
{
    enum oft_err err = align(&a, &b);
    if (err == OFT_OK) {
        *ret = (a.value > b.value) - (a.value < b.value);
    }
    return err;
}
