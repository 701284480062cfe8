/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the printers of this room share: the words of units and outcomes, exact percentages, lines
 * that keep to 80 columns, and the escapes of JSON and CSV. Names come from deals that other people
 * wrote, so every form escapes them; none of it knows what a statement is.
 */
#include <stdio.h>
#include <string.h>

#include "ledger/internal.h"
#include "ledger/statement.h"

bool print_is_capacity(uint32_t unit)
{
    return unit >= LEDGER_GPU_HOUR && unit <= LEDGER_POOL_OF_MONTH;
}

const char *print_unit_name(uint32_t unit)
{
    static const char *const names[DEAL_UNIT_COUNT] = {
        "input", "cached", "cache-write", "output", "reasoning", "audio", "image", "request"};
    static const char *const hours[] = {"gpu-hour", "MW-hour", "gpu-hour/mo", "MW-hour/mo",
                                        "hour/mo"};
    if (print_is_capacity(unit)) {
        return hours[unit - LEDGER_GPU_HOUR];
    }
    return unit < DEAL_UNIT_COUNT ? names[unit] : "?";
}

const char *print_per(const struct ledger_series_key *key, char out[PRINT_PER_BYTES])
{
    oft_nanos hours = ledger_rate_units(key) / LEDGER_RATE_UNITS;
    (void)snprintf(out, PRINT_PER_BYTES, "%s", print_is_capacity(key->unit) ? "" : " / 1M");
    if (hours > 1) {
        (void)snprintf(out, PRINT_PER_BYTES, " / %d h", (int)hours);
    }
    return out;
}

const char *print_outcome_name(uint32_t outcome)
{
    static const char *const names[] = {"served", "served-estimated", "unsettled", "failed",
                                        "refused"};
    return outcome < OFT_COUNT_OF(names) ? names[outcome] : "?";
}

const char *print_direction_name(uint32_t direction)
{
    return direction == LEDGER_PAID ? "paid" : direction == LEDGER_RECEIVED ? "received" : "memo";
}

const char *print_due_name(uint32_t due)
{
    static const char *const names[] = {"cash", "credit", "credit-drawn", "overage"};
    return due < OFT_COUNT_OF(names) ? names[due] : "unknown";
}

const char *print_due_text(uint32_t due)
{
    static const char *const names[] = {
        "shortfall, paid and lost", "shortfall, paid and kept as a credit",
        "use that such a credit paid for", "overage: beyond the list price"};
    return due < OFT_COUNT_OF(names) ? names[due] : "unknown";
}

const char *print_share_part_name(uint32_t part)
{
    static const char *const names[] = {"plain", "earned", "minimum", "interest"};
    return part < OFT_COUNT_OF(names) ? names[part] : "unknown";
}

const char *print_settling_name(const struct ledger_series_key *key)
{
    return key->kind == LEDGER_PAYMENT       ? "paid"
           : key->kind == LEDGER_DEDUCTION   ? "deduction"
           : key->unit == LEDGER_TERM_NETTED ? "set-off"
                                             : "held-back";
}

const char *print_settling_text(const struct ledger_series_key *key)
{
    return key->kind == LEDGER_PAYMENT       ? "paid for"
           : key->kind == LEDGER_DEDUCTION   ? "deduction, told at"
           : key->unit == LEDGER_TERM_NETTED ? "set off against the opposite share"
                                             : "kept back (below 0: paid out again)";
}

const char *print_commit_model_name(enum deal_commit_model model)
{
    switch (model) {
    case DEAL_COMMIT_BUILD_UP:
        return "build-up";
    case DEAL_COMMIT_BURN_DOWN:
        return "burn-down";
    case DEAL_COMMIT_TAKE_OR_PAY:
        return "take-or-pay";
    }
    return "?";
}

const char *print_percent(oft_nanos ppb, char out[OFT_NANOS_TEXT_BYTES])
{
    oft_nanos percent;
    if (oft_nanos_mul(ppb, 100, &percent) != OFT_OK) {
        return "?";
    }
    (void)oft_nanos_format(percent, out);
    size_t length = strlen(out);
    while (length > 0 && out[length - 1] == '0') {
        length--;
    }
    if (length > 0 && out[length - 1] == '.') {
        length--;
    }
    out[length] = '\0';
    return out;
}

const char *print_share_of(oft_nanos part, oft_nanos whole, char out[OFT_NANOS_TEXT_BYTES])
{
    oft_nanos millionths;
    if (whole <= 0 || oft_nanos_mul_div_half_even(part, 1000000, whole, &millionths) != OFT_OK ||
        millionths < 0 || millionths > INT64_MAX) {
        return "-";
    }
    long long value = (long long)millionths;
    (void)snprintf(out, OFT_NANOS_TEXT_BYTES, "%lld.%04lld", value / 10000, value % 10000);
    return out;
}

const char *print_grouped(oft_nanos value, char out[OFT_NANOS_TEXT_BYTES])
{
    char plain[OFT_NANOS_TEXT_BYTES];
    (void)oft_i128_format(value, plain);
    size_t length = strlen(plain);
    size_t digits = length - (plain[0] == '-');
    size_t at = 0;
    for (size_t i = 0; i < length; i++) {
        out[at++] = plain[i];
        size_t left = length - 1 - i;
        if (left > 0 && left % 3 == 0 && left < digits && plain[i] != '-') {
            out[at++] = ',';
        }
    }
    out[at] = '\0';
    return out;
}

/* ---- text ------------------------------------------------------------------------------------ */

static char clean_char(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f ? '?' : c;
}

void print_clean(struct oft_buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        oft_buffer_append_char(out, clean_char(*text));
    }
}

/* Columns of the first LENGTH bytes: UTF-8 continuation bytes take none. */
static size_t columns_of(const char *text, size_t length)
{
    size_t columns = 0;
    for (size_t i = 0; i < length; i++) {
        columns += ((unsigned char)text[i] & 0xc0) != 0x80;
    }
    return columns;
}

/* Bytes of TEXT that fit into ROOM columns, cut at a space where there is one. */
static size_t fitting(const char *text, size_t room)
{
    size_t length = 0;
    size_t last_space = 0;
    size_t columns = 0;
    for (; text[length] != '\0'; length++) {
        columns += ((unsigned char)text[length] & 0xc0) != 0x80;
        if (columns > room) {
            return last_space > 0 ? last_space : length;
        }
        if (text[length] == ' ') {
            last_space = length;
        }
    }
    return length;
}

void print_wrapped(struct oft_buffer *out, size_t first, size_t rest, const char *text)
{
    size_t indent = first;
    do {
        size_t length = fitting(text, PRINT_COLUMNS - indent);
        oft_buffer_append_repeat(out, ' ', indent);
        for (size_t i = 0; i < length; i++) {
            oft_buffer_append_char(out, clean_char(text[i]));
        }
        oft_buffer_append_char(out, '\n');
        text += length;
        text += *text == ' ';
        indent = rest;
    } while (*text != '\0');
}

void print_two_sides(struct oft_buffer *out, const char *left, const char *right)
{
    size_t left_columns = columns_of(left, strlen(left));
    size_t right_columns = strlen(right);
    if (left_columns + 1 + right_columns <= PRINT_COLUMNS) {
        print_clean(out, left);
        oft_buffer_append_repeat(out, ' ', PRINT_COLUMNS - left_columns - right_columns);
    } else {
        print_wrapped(out, 0, 6, left);
        oft_buffer_append_repeat(out, ' ',
                                 right_columns < PRINT_COLUMNS ? PRINT_COLUMNS - right_columns : 0);
    }
    oft_buffer_append_text(out, right);
    oft_buffer_append_char(out, '\n');
}

void print_title(struct oft_buffer *out, const char *title)
{
    oft_buffer_append_char(out, '\n');
    print_wrapped(out, 0, 2, title);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

void print_json_string(struct oft_buffer *out, const char *text)
{
    const char *plain = text; /* from here on nothing had to be written otherwise */
    oft_buffer_append_char(out, '"');
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c != '"' && c != '\\' && c >= 0x20 && c != 0x7f) {
            continue;
        }
        oft_buffer_append(out, plain, (size_t)(text - plain));
        plain = text + 1;
        if (c == '"' || c == '\\') {
            oft_buffer_append_char(out, '\\');
            oft_buffer_append_char(out, *text);
        } else {
            oft_buffer_printf(out, "\\u%04x", c);
        }
    }
    oft_buffer_append(out, plain, (size_t)(text - plain));
    oft_buffer_append_char(out, '"');
}

void print_json_key(struct oft_buffer *out, const char *name)
{
    char last = out->length > 0 ? out->data[out->length - 1] : '{';
    if (last != '{' && last != '[') {
        oft_buffer_append_char(out, ',');
    }
    if (name != NULL) {
        print_json_string(out, name);
        oft_buffer_append_char(out, ':');
    }
}

void print_json_text(struct oft_buffer *out, const char *name, const char *text)
{
    print_json_key(out, name);
    print_json_string(out, text);
}

void print_json_number(struct oft_buffer *out, const char *name, oft_nanos value)
{
    char digits[OFT_NANOS_TEXT_BYTES];
    print_json_key(out, name);
    oft_buffer_append_text(out, oft_i128_format(value, digits));
}

void print_json_amount(struct oft_buffer *out, const char *name, oft_nanos amount)
{
    char digits[OFT_NANOS_TEXT_BYTES];
    char nanos_name[64];
    (void)snprintf(nanos_name, sizeof(nanos_name), "%s_nanos", name);
    print_json_text(out, name, oft_nanos_format(amount, digits));
    print_json_text(out, nanos_name, oft_i128_format(amount, digits));
}

/* ---- CSV ------------------------------------------------------------------------------------- */

static void csv_separate(struct oft_buffer *out)
{
    if (out->length > 0 && out->data[out->length - 1] != '\n') {
        oft_buffer_append_char(out, ',');
    }
}

void print_csv_text(struct oft_buffer *out, const char *text)
{
    csv_separate(out);
    bool formula = text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;
    if (!formula && strpbrk(text, ",\"\r\n") == NULL) {
        oft_buffer_append_text(out, text);
        return;
    }
    oft_buffer_append_char(out, '"');
    if (formula) {
        oft_buffer_append_char(out, '\'');
    }
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            oft_buffer_append_char(out, '"');
        }
        /* A line break inside a cell would hide the one that ends a row. */
        oft_buffer_append_char(out, *text == '\n' || *text == '\r' ? ' ' : *text);
    }
    oft_buffer_append_char(out, '"');
}

void print_csv_number(struct oft_buffer *out, const char *digits)
{
    csv_separate(out);
    oft_buffer_append_text(out, digits);
}

void print_csv_end(struct oft_buffer *out)
{
    oft_buffer_append_char(out, '\n');
}
