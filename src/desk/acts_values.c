/* SPDX-License-Identifier: Apache-2.0 */
#include "desk/acts_values.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char *blanks(const char *text)
{
    return text + strspn(text, " \t");
}

enum oft_err act_count(const char *text, uint64_t *ret)
{
    uint64_t value = 0;
    if (text[0] == '\0') {
        return OFT_ERR_SYNTAX;
    }
    for (const char *at = text; *at != '\0'; at++) {
        unsigned digit = (unsigned)(*at - '0');
        if (digit > 9 || value > ((uint64_t)INT64_MAX - digit) / 10) {
            return OFT_ERR_SYNTAX;
        }
        value = value * 10 + digit;
    }
    *ret = value;
    return OFT_OK;
}

enum oft_err act_reference(const char *text, const char *word, uint32_t *ret)
{
    uint64_t number = 0;
    size_t length = strlen(word);
    if (strncmp(text, word, length) == 0 && text[length] == '-') {
        text += length + 1;
    }
    if (act_count(text, &number) != OFT_OK || number == 0 || number >= DESK_NONE) {
        return OFT_ERR_SYNTAX;
    }
    *ret = (uint32_t)(number - 1);
    return OFT_OK;
}

bool act_is_name(const char *text)
{
    size_t length = strlen(text);
    if (length == 0 || length > ACT_NAME_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        bool joint = text[i] == '.' || text[i] == '/' || text[i] == '-';
        bool edge = i == 0 || i == length - 1;
        if (!(isalnum((unsigned char)text[i]) || text[i] == '_' || (joint && !edge))) {
            return false;
        }
    }
    return true;
}

/* ---- money and rates ------------------------------------------------------------------------- */

/* A decimal with k, m, bn or tn behind it; *ret_rest is what follows. */
static enum oft_err scaled(const char *text, oft_nanos *ret, const char **ret_rest)
{
    static const struct {
        const char *word;
        oft_nanos times;
    } scales[] = {{"k", 1000}, {"m", 1000000}, {"bn", 1000000000}, {"tn", 1000000000000}};
    size_t digits = strspn(text, "0123456789.");
    oft_nanos value;
    if (digits == 0 || digits > 60 ||
        oft_decimal_parse((struct oft_str){text, digits}, 9, &value) != OFT_OK) {
        return OFT_ERR_SYNTAX;
    }
    const char *rest = text + digits;
    for (size_t i = 0; i < OFT_COUNT_OF(scales); i++) {
        size_t length = strlen(scales[i].word);
        if (strncmp(rest, scales[i].word, length) == 0 && !islower((unsigned char)rest[length])) {
            *ret_rest = rest + length;
            return oft_nanos_mul(value, scales[i].times, ret) == OFT_OK ? OFT_OK : OFT_ERR_SYNTAX;
        }
    }
    *ret = value;
    *ret_rest = rest;
    return OFT_OK;
}

enum oft_err act_price(const char *text, const char *currency, oft_nanos *ret, const char **ret_per)
{
    const char *rest;
    oft_nanos value;
    size_t length = strlen(currency);
    if (scaled(text, &value, &rest) != OFT_OK) {
        return OFT_ERR_SYNTAX;
    }
    rest = blanks(rest);
    if (strncmp(rest, currency, length) != 0 || isalnum((unsigned char)rest[length])) {
        return OFT_ERR_SYNTAX;
    }
    rest = blanks(rest + length);
    if (rest[0] != '\0') { /* then it says per what */
        bool slash = rest[0] == '/';
        if (!slash && strncmp(rest, "per ", 4) != 0) {
            return OFT_ERR_SYNTAX;
        }
        rest = blanks(rest + (slash ? 1 : 4));
        if (!act_is_name(rest)) {
            return OFT_ERR_SYNTAX;
        }
    }
    *ret = value;
    *ret_per = rest;
    return OFT_OK;
}

enum oft_err act_amount(const char *text, const char *currency, oft_nanos *ret)
{
    const char *per;
    oft_nanos value;
    if (act_price(text, currency, &value, &per) != OFT_OK || per[0] != '\0') {
        return OFT_ERR_SYNTAX;
    }
    *ret = value;
    return OFT_OK;
}

/* A percentage at the beginning of TEXT. */
static enum oft_err rate_before(const char *text, int64_t *ret_ppb, const char **ret_rest)
{
    size_t digits = strspn(text, "0123456789.");
    oft_nanos value; /* in billionths of a percent */
    if (digits == 0 || digits > 30 || text[digits] != '%' ||
        oft_decimal_parse((struct oft_str){text, digits}, 9, &value) != OFT_OK ||
        value % 100 != 0 || value / 100 > INT64_C(1000000000000)) {
        return OFT_ERR_SYNTAX;
    }
    *ret_ppb = (int64_t)(value / 100);
    *ret_rest = text + digits + 1;
    return OFT_OK;
}

enum oft_err act_rate(const char *text, int64_t *ret_ppb)
{
    const char *rest;
    int64_t rate;
    if (rate_before(text, &rate, &rest) != OFT_OK || rest[0] != '\0') {
        return OFT_ERR_SYNTAX;
    }
    *ret_ppb = rate;
    return OFT_OK;
}

/* ---- time ------------------------------------------------------------------------------------ */

enum oft_err act_instant(const char *text, oft_instant *ret)
{
    int32_t month;
    if (oft_instant_parse(oft_str_from(text), ret) == OFT_OK) {
        return OFT_OK;
    }
    if (oft_month_parse(oft_str_from(text), &month) == OFT_OK) {
        *ret = oft_month_start(month);
        return OFT_OK;
    }
    return OFT_ERR_SYNTAX;
}

/* A unit's word, singular or plural, at the beginning of TEXT. */
static enum oft_err unit_before(const char *text, enum oft_period_unit *ret, const char **ret_rest)
{
    static const struct {
        const char *word;
        enum oft_period_unit unit;
    } units[] = {{"hour", OFT_PERIOD_HOURS},
                 {"day", OFT_PERIOD_DAYS},
                 {"business day", OFT_PERIOD_BUSINESS_DAYS},
                 {"week", OFT_PERIOD_WEEKS},
                 {"month", OFT_PERIOD_MONTHS},
                 {"year", OFT_PERIOD_YEARS}};
    for (size_t i = 0; i < OFT_COUNT_OF(units); i++) {
        size_t length = strlen(units[i].word);
        if (strncmp(text, units[i].word, length) == 0) {
            length += text[length] == 's';
            if (text[length] == '\0' || text[length] == ' ') {
                *ret = units[i].unit;
                *ret_rest = text + length;
                return OFT_OK;
            }
        }
    }
    return OFT_ERR_SYNTAX;
}

enum oft_err act_period(const char *text, struct oft_period *ret)
{
    struct oft_period period = {.roll = OFT_ROLL_FOLLOWING};
    char digits[12] = "";
    size_t length = strspn(text, "0123456789");
    uint64_t count;
    const char *rest;
    if (length == 0 || length >= sizeof(digits)) {
        return OFT_ERR_SYNTAX;
    }
    memcpy(digits, text, length);
    if (act_count(digits, &count) != OFT_OK || count > 1000000 ||
        unit_before(blanks(text + length), &period.unit, &rest) != OFT_OK || rest[0] != '\0') {
        return OFT_ERR_SYNTAX;
    }
    period.count = (uint32_t)count;
    *ret = period;
    return OFT_OK;
}

enum oft_err act_late(const char *text, struct desk_delivery_terms *ret)
{
    const char *rest;
    int64_t rate, cap = 0;
    struct oft_period per = {.count = 1, .roll = OFT_ROLL_NONE};
    if (rate_before(text, &rate, &rest) != OFT_OK || strncmp(rest, " per ", 5) != 0 ||
        unit_before(blanks(rest + 5), &per.unit, &rest) != OFT_OK) {
        return OFT_ERR_SYNTAX;
    }
    if (strncmp(rest, " up to ", 7) == 0) {
        if (act_rate(blanks(rest + 7), &cap) != OFT_OK) {
            return OFT_ERR_SYNTAX;
        }
    } else if (rest[0] != '\0') {
        return OFT_ERR_SYNTAX;
    }
    ret->late_rate_ppb = rate;
    ret->late_per = per;
    ret->late_cap_ppb = cap;
    return OFT_OK;
}

/* ---- terms ----------------------------------------------------------------------------------- */

static enum oft_err text_value(char *value, struct desk_term *term)
{
    size_t length = strlen(value);
    if (length >= 2 && value[0] == '"' && value[length - 1] == '"') {
        value[length - 1] = '\0';
        value++;
        length -= 2;
    }
    if (length == 0 || length > ACT_NAME_BYTES_MAX || strchr(value, '"') != NULL) {
        return OFT_ERR_SYNTAX;
    }
    term->kind = DESK_TERM_TEXT;
    term->text = desk_word(value);
    return OFT_OK;
}

/* What a value looks like tells what it is: money, a percentage, a number, a date, else a text. */
static enum oft_err term_value(char *value, const char *currency, struct desk_term *term)
{
    const char *per;
    int64_t rate;
    oft_instant instant;
    if (act_price(value, currency, &term->number, &per) == OFT_OK) {
        term->kind = DESK_TERM_AMOUNT;
        term->text = per[0] == '\0' ? (struct desk_name){0, ""} : desk_word(per);
        return OFT_OK;
    }
    if (act_rate(value, &rate) == OFT_OK) {
        term->kind = DESK_TERM_NUMBER;
        term->number = rate;
        return OFT_OK;
    }
    if (oft_decimal_parse(oft_str_from(value), 9, &term->number) == OFT_OK) {
        term->kind = DESK_TERM_NUMBER;
        return OFT_OK;
    }
    if (oft_instant_parse(oft_str_from(value), &instant) == OFT_OK) {
        term->kind = DESK_TERM_INSTANT;
        term->number = instant;
        return OFT_OK;
    }
    return text_value(value, term);
}

enum oft_err act_term(const char *text, const char *currency, struct oft_arena *arena,
                      struct desk_term *ret)
{
    struct desk_term term = {.cash_nanos = -1, .text = {0, ""}};
    char *copy = oft_arena_copy(arena, oft_str_from(text));
    if (copy == NULL) {
        return OFT_ERR_MEMORY;
    }
    char *equals = strchr(copy, '=');
    if (equals == NULL) {
        return OFT_ERR_SYNTAX;
    }
    *equals = '\0';
    char *worth = strstr(equals + 1, " worth ");
    if (worth != NULL) {
        *worth = '\0';
        if (act_amount(worth + 7, currency, &term.cash_nanos) != OFT_OK) {
            return OFT_ERR_SYNTAX;
        }
    }
    if (!act_is_name(copy) || term_value(equals + 1, currency, &term) != OFT_OK) {
        return OFT_ERR_SYNTAX;
    }
    term.name = desk_word(copy);
    *ret = term;
    return OFT_OK;
}
