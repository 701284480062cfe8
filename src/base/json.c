/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <string.h>

/* Length of the well-formed UTF-8 sequence at DATA (NUL-terminated), 0 when it is none. */
static size_t sequence(const unsigned char *data)
{
    unsigned char first = data[0];
    unsigned char low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned char high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xc2 || first > 0xf4 || data[1] < low || data[1] > high) {
        return 0;
    }
    size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    for (size_t i = 2; i < length; i++) {
        if (data[i] < 0x80 || data[i] > 0xbf) {
            return 0;
        }
    }
    return length;
}

static void quoted(struct oft_buffer *out, const char *text)
{
    oft_buffer_append_char(out, '"');
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0';) {
        size_t length = sequence(at);
        if (length == 0) {
            oft_buffer_append_text(out, "\\ufffd");
            length = 1;
        } else if (*at == '"' || *at == '\\') {
            oft_buffer_append_char(out, '\\');
            oft_buffer_append_char(out, (char)*at);
        } else if (*at < 0x20 || *at == 0x7f) {
            oft_buffer_printf(out, "\\u%04x", *at);
        } else {
            oft_buffer_append(out, at, length);
        }
        at += length;
    }
    oft_buffer_append_char(out, '"');
}

static void next(struct oft_json *json)
{
    if (json->begun) {
        oft_buffer_append_char(json->out, ',');
    }
    json->begun = true;
}

void oft_json_open(struct oft_json *json, char bracket)
{
    next(json);
    oft_buffer_append_char(json->out, bracket);
    json->begun = false;
}

void oft_json_close(struct oft_json *json, char bracket)
{
    oft_buffer_append_char(json->out, bracket);
    json->begun = true;
}

void oft_json_key(struct oft_json *json, const char *name)
{
    next(json);
    quoted(json->out, name);
    oft_buffer_append_char(json->out, ':');
    json->begun = false;
}

void oft_json_text(struct oft_json *json, const char *text)
{
    if (text == NULL) {
        oft_json_null(json);
        return;
    }
    next(json);
    quoted(json->out, text);
}

void oft_json_number(struct oft_json *json, uint64_t number)
{
    next(json);
    oft_buffer_printf(json->out, "%llu", (unsigned long long)number);
}

void oft_json_bool(struct oft_json *json, bool value)
{
    next(json);
    oft_buffer_append_text(json->out, value ? "true" : "false");
}

void oft_json_null(struct oft_json *json)
{
    next(json);
    oft_buffer_append_text(json->out, "null");
}

void oft_json_put_text(struct oft_json *json, const char *name, const char *text)
{
    oft_json_key(json, name);
    oft_json_text(json, text);
}

void oft_json_put_number(struct oft_json *json, const char *name, uint64_t number)
{
    oft_json_key(json, name);
    oft_json_number(json, number);
}

void oft_json_put_signed(struct oft_json *json, const char *name, int64_t number)
{
    oft_json_key(json, name);
    next(json);
    oft_buffer_printf(json->out, "%lld", (long long)number);
}

void oft_json_put_bool(struct oft_json *json, const char *name, bool value)
{
    oft_json_key(json, name);
    oft_json_bool(json, value);
}

void oft_json_put_instant(struct oft_json *json, const char *name, oft_instant instant)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    oft_json_key(json, name);
    oft_json_text(json, instant == OFT_INSTANT_NEVER ? NULL : oft_instant_format(instant, text));
}

void oft_json_put_amount(struct oft_json *json, const char *name, oft_nanos amount)
{
    char text[OFT_NANOS_TEXT_BYTES];
    oft_json_key(json, name);
    oft_json_text(json, oft_nanos_format(amount, text));
}
