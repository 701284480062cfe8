/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Source text before it has tokens: is it clean UTF-8, how alike are two words, and how does a run
 * of source read on one line. Nothing here knows the grammar.
 */
#include "deal/tree.h"

/* The bytes of the UTF-8 letter at TEXT[i]; 0 when there is none. Over-long forms, surrogates and
 * what lies beyond U+10FFFF are none. */
static size_t utf8_length(struct oft_str text, size_t i)
{
    const unsigned char *s = (const unsigned char *)text.data + i;
    size_t left = text.length - i;
    size_t length = s[0] < 0x80                   ? 1
                    : s[0] >= 0xc2 && s[0] < 0xe0 ? 2
                    : (s[0] & 0xf0) == 0xe0       ? 3
                    : s[0] >= 0xf0 && s[0] < 0xf5 ? 4
                                                  : 0;
    if (length == 0 || length > left) {
        return 0;
    }
    for (size_t k = 1; k < length; k++) {
        if ((s[k] & 0xc0) != 0x80) {
            return 0;
        }
    }
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)) {
        return 0;
    }
    return length;
}

static const char *text_fault(struct oft_str text, size_t i, size_t *ret_length)
{
    unsigned char c = (unsigned char)text.data[i];
    *ret_length = utf8_length(text, i);
    if (c == 0) {
        return "a NUL byte; a deal is plain text";
    }
    if ((c < 0x20 && c != '\n' && c != '\t' && c != '\r') || c == 0x7f) {
        return "a control character; a deal is plain text";
    }
    if (i == 0 && text.length >= 3 && c == 0xef && (unsigned char)text.data[1] == 0xbb &&
        (unsigned char)text.data[2] == 0xbf) {
        return "a byte order mark; save the file as UTF-8 without one";
    }
    return *ret_length == 0 ? "a byte that is not UTF-8; save the file as UTF-8" : NULL;
}

bool deal_text_check(struct oft_str text, uint32_t file, struct deal_diagnostics *diagnostics)
{
    struct deal_position at = {file, 1, 1, 1};
    for (size_t i = 0; i < text.length;) {
        size_t length = 1;
        const char *fault = text_fault(text, i, &length);
        if (fault != NULL) {
            deal_report(diagnostics, DEAL_ERROR, 2, at, "", "", "here stands %s", fault);
            return false;
        }
        at.column += (uint32_t)length;
        if (text.data[i] == '\n') {
            at.line++;
            at.column = 1;
        }
        i += length;
    }
    return true;
}

char *deal_text_fold(struct oft_arena *arena, struct oft_str text)
{
    char *out = oft_arena_alloc(arena, text.length * 2 + 1); /* "\n" becomes "; " */
    if (out == NULL) {
        return NULL;
    }
    size_t length = 0;
    bool blank = false;
    bool quoted = false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (c == '#' && !quoted) {
            while (i < text.length && text.data[i] != '\n') {
                i++;
            }
            c = '\n';
        }
        if (c == '"') {
            quoted = !quoted;
        }
        bool space = c == ' ' || c == '\t' || c == '\r' || c == '\n';
        if (space) {
            /* A line's end is a statement's end: without this the folded text would not parse. */
            if (c == '\n' && length > 0 && out[length - 1] != ';' && out[length - 1] != '{') {
                out[length++] = ';';
            }
            blank = true;
            continue;
        }
        if (c == '}' && length > 0 && out[length - 1] == ';') {
            length--;
        }
        if (blank && length > 0) {
            out[length++] = ' ';
        }
        blank = false;
        out[length++] = c;
    }
    out[length] = '\0';
    return out;
}

#define DISTANCE_BYTES_MAX 64

/* Levenshtein's distance, swaps of neighbours counted as two; words beyond 64 bytes are far apart. */
size_t deal_edit_distance(struct oft_str a, struct oft_str b)
{
    size_t row[DISTANCE_BYTES_MAX + 1];
    if (a.length > DISTANCE_BYTES_MAX || b.length > DISTANCE_BYTES_MAX) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= b.length; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.length; j++) {
            size_t above = row[j];
            size_t best = diagonal + (a.data[i - 1] == b.data[j - 1] ? 0 : 1);
            best = above + 1 < best ? above + 1 : best;
            row[j] = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            diagonal = above;
        }
    }
    return row[b.length];
}
