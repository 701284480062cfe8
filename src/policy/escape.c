/* SPDX-License-Identifier: Apache-2.0 */
/*
 * escape -- a string on its way into JSON or into a URL's path.
 *
 * Done once here, at compile time, so that the gateway copies bytes and escapes nothing.
 */
#include "policy/compile_internal.h"

/* Length of the well-formed UTF-8 sequence at DATA, 0 when it is none (overlong forms, surrogates
 * and values beyond U+10FFFF are none). */
static size_t utf8_length(const unsigned char *data, size_t available)
{
    unsigned char first = data[0];
    unsigned char low = 0x80, high = 0xbf;
    size_t length, i;

    if (first < 0x80) {
        return 1;
    }
    if (first < 0xc2 || first > 0xf4) {
        return 0;
    }
    length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first == 0xe0) {
        low = 0xa0;
    } else if (first == 0xed) {
        high = 0x9f;
    } else if (first == 0xf0) {
        low = 0x90;
    } else if (first == 0xf4) {
        high = 0x8f;
    }
    if (available < length || data[1] < low || data[1] > high) {
        return 0;
    }
    for (i = 2; i < length; i++) {
        if (data[i] < 0x80 || data[i] > 0xbf) {
            return 0;
        }
    }
    return length;
}

void policy_escape_json(struct oft_buffer *out, struct oft_str text)
{
    size_t i = 0;

    while (i < text.length) {
        const unsigned char *data = (const unsigned char *)text.data + i;
        size_t length = utf8_length(data, text.length - i);

        if (length == 0) {
            oft_buffer_append_text(out, "\\ufffd");
            length = 1;
        } else if (data[0] == '"' || data[0] == '\\') {
            oft_buffer_append_char(out, '\\');
            oft_buffer_append_char(out, (char)data[0]);
        } else if (data[0] < 0x20 || data[0] == 0x7f) {
            oft_buffer_printf(out, "\\u%04x", (unsigned)data[0]);
        } else {
            oft_buffer_append(out, data, length);
        }
        i += length;
    }
}

void policy_escape_path(struct oft_buffer *out, struct oft_str text)
{
    size_t i;

    for (i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if ((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
            c == '-' || c == '.' || c == '_' || c == '~') {
            oft_buffer_append_char(out, (char)c);
        } else {
            oft_buffer_printf(out, "%%%02X", (unsigned)c);
        }
    }
}
