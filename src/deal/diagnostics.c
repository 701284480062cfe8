/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Diagnostics collected and printed for people: place, severity, code, the line of the deal with a
 * caret under it, and what to change, folded to 80 columns. They own copies of the texts, so that
 * they outlive the deal. What is wrong is decided elsewhere.
 */
#include "base/limits.h"
#include "deal/tree.h"

#include <stdio.h>
#include <string.h>

#define ARENA_BYTES_MAX ((size_t)1 << 30)
#define COLUMNS         80

void deal_diagnostics_init(struct deal_diagnostics *diagnostics)
{
    *diagnostics = (struct deal_diagnostics){0};
    oft_arena_init(&diagnostics->arena, ARENA_BYTES_MAX);
}

void deal_diagnostics_release(struct deal_diagnostics *diagnostics)
{
    oft_arena_release(&diagnostics->arena);
    deal_diagnostics_init(diagnostics);
}

bool deal_diagnostics_full(const struct deal_diagnostics *diagnostics)
{
    return diagnostics->count >= OFT_DEAL_DIAGNOSTICS_MAX;
}

static const char *copied(struct oft_arena *arena, const char *text)
{
    char *copy = text == NULL || text[0] == '\0' ? NULL : oft_arena_copy(arena, oft_str_from(text));
    return copy == NULL ? "" : copy;
}

static void add(struct deal_diagnostics *d, struct deal_diagnostic diagnostic)
{
    if (d->items == NULL) {
        d->items = oft_arena_alloc_array(&d->arena, OFT_DEAL_DIAGNOSTICS_MAX, sizeof(*d->items));
    }
    if (diagnostic.severity == DEAL_ERROR) {
        d->error_count++; /* counted even when it cannot be kept: the deal is refused all the same */
    }
    if (d->items == NULL || d->count >= OFT_DEAL_DIAGNOSTICS_MAX) {
        return;
    }
    d->items[d->count++] = diagnostic;
}

void deal_report(struct deal_diagnostics *diagnostics, enum deal_severity severity, unsigned code,
                 struct deal_position position, const char *clause, const char *hint,
                 const char *format, ...)
{
    /* One place is kept for the last word: that there are more. */
    if (diagnostics->count + 1 >= OFT_DEAL_DIAGNOSTICS_MAX) {
        if (severity != DEAL_ERROR) {
            return;
        }
        if (diagnostics->count + 1 == OFT_DEAL_DIAGNOSTICS_MAX) {
            add(diagnostics, (struct deal_diagnostic){DEAL_ERROR, 9, position, "",
                                                      "too many mistakes; the rest is not shown",
                                                      "mend these first"});
        } else {
            diagnostics->error_count++;
        }
        return;
    }
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    if (length < 0) {
        message[0] = '\0';
    }
    struct deal_diagnostic diagnostic = {.severity = severity, .code = code, .position = position};
    diagnostic.clause = copied(&diagnostics->arena, clause);
    diagnostic.message = copied(&diagnostics->arena, message);
    diagnostic.hint = copied(&diagnostics->arena, hint);
    add(diagnostics, diagnostic);
}

static bool stands_before(struct deal_position a, struct deal_position b)
{
    if (a.file != b.file) {
        return a.file < b.file;
    }
    return a.line != b.line ? a.line < b.line : a.column < b.column;
}

void deal_diagnostics_sort(struct deal_diagnostics *diagnostics)
{
    for (uint32_t i = 1; i < diagnostics->count; i++) { /* at most 200, nearly sorted */
        struct deal_diagnostic item = diagnostics->items[i];
        uint32_t place = i;
        while (place > 0 && item.code != 9 &&
               stands_before(item.position, diagnostics->items[place - 1].position)) {
            diagnostics->items[place] = diagnostics->items[place - 1];
            place--;
        }
        diagnostics->items[place] = item;
    }
}

static struct oft_str line_of(struct oft_str text, uint32_t line)
{
    size_t start = 0;
    for (uint32_t n = 1; n < line && start < text.length; start++) {
        n += text.data[start] == '\n' ? 1 : 0;
    }
    size_t end = start;
    while (end < text.length && text.data[end] != '\n' && text.data[end] != '\r') {
        end++;
    }
    return (struct oft_str){text.data + start, end - start};
}

void deal_diagnostics_mask(struct deal_diagnostics *diagnostics, struct deal_position position)
{
    struct oft_str line = line_of(diagnostics->files[position.file].text, position.line);
    char *bytes = (char *)(uintptr_t)line.data; /* our own copy, made by the parser */
    for (size_t i = position.column - 1;
         i < line.length && i < position.column - 1 + position.length; i++) {
        bytes[i] = '*';
    }
}

static bool is_letter_start(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

/* A byte of the source as it may be shown on a terminal: nothing of it may steer one. */
static void append_visible(struct oft_buffer *out, char c)
{
    bool control = (unsigned char)c < 0x20 || c == 0x7f;
    oft_buffer_append_char(out, c == '\t' ? ' ' : control ? '?' : c);
}

/* Shows the part of the line around the caret that fits, and the caret below it. */
static void print_source(const struct deal_diagnostics *d, const struct deal_diagnostic *item,
                         bool colour, struct oft_buffer *out)
{
    if (item->position.file >= d->file_count) {
        return;
    }
    struct oft_str line = line_of(d->files[item->position.file].text, item->position.line);
    size_t column =
        item->position.column - 1 < line.length ? item->position.column - 1 : line.length;
    char number[16];
    int margin = snprintf(number, sizeof(number), "%5u | ", item->position.line);
    size_t room = COLUMNS - (size_t)(margin < 0 ? 8 : margin);
    size_t start = 0;
    if (line.length > room && column + item->position.length > room) {
        start = column > room / 2 ? column - room / 2 : 0;
        while (start > 0 && !is_letter_start(line.data[start])) {
            start--;
        }
    }
    oft_buffer_append_text(out, number);
    size_t shown = 0;
    size_t before = 0;
    size_t under = 0;
    for (size_t i = start; i < line.length && (shown < room || !is_letter_start(line.data[i]));
         i++) {
        bool begins = is_letter_start(line.data[i]);
        shown += begins ? 1 : 0;
        before += begins && i < column ? 1 : 0;
        under += begins && i >= column && i < column + item->position.length ? 1 : 0;
        append_visible(out, line.data[i]);
    }
    oft_buffer_append_text(out, "\n      | ");
    oft_buffer_append_repeat(out, ' ', before);
    oft_buffer_append_text(out, colour ? "\033[1;32m" : "");
    oft_buffer_append_repeat(out, '^', under == 0 ? 1 : under);
    oft_buffer_append_text(out, colour ? "\033[0m\n" : "\n");
}

/* WORDS folded at blanks to 80 columns; the first line begins at COLUMN, the others at INDENT. */
static void print_folded(struct oft_buffer *out, const char *words, size_t column, size_t indent)
{
    while (*words != '\0') {
        size_t length = strcspn(words, " ");
        if (column + length > COLUMNS && column > indent) {
            oft_buffer_append_char(out, '\n');
            oft_buffer_append_repeat(out, ' ', indent);
            column = indent;
        }
        for (size_t i = 0; i < length; i++) {
            append_visible(out, words[i]);
        }
        column += length;
        words += length;
        if (*words == ' ') {
            words++;
            if (*words != '\0' && column + 1 + strcspn(words, " ") <= COLUMNS) {
                oft_buffer_append_char(out, ' ');
                column++;
            } else if (*words != '\0') {
                oft_buffer_append_char(out, '\n');
                oft_buffer_append_repeat(out, ' ', indent);
                column = indent;
            }
        }
    }
    oft_buffer_append_char(out, '\n');
}

static void print_item(const struct deal_diagnostics *d, const struct deal_diagnostic *item,
                       bool colour, struct oft_buffer *out)
{
    static const char *const words[] = {"error", "warning", "note"};
    static const char *const paint[] = {"\033[1;31m", "\033[1;33m", "\033[1;36m"};
    const char *path =
        item->position.file < d->file_count ? d->files[item->position.file].path : "?";
    char head[48];
    int length = snprintf(head, sizeof(head), "%s OFT%04u:", words[item->severity], item->code);
    size_t before = out->length;
    oft_buffer_printf(out, "%s:%u:%u: ", path, item->position.line, item->position.column);
    size_t column = out->length - before + (size_t)(length < 0 ? 0 : length);
    oft_buffer_printf(out, "%s%s%s ", colour ? paint[item->severity] : "", head,
                      colour ? "\033[0m" : "");
    print_folded(out, item->message, column + 1, 4);
    print_source(d, item, colour, out);
    if (item->clause[0] != '\0') {
        oft_buffer_printf(out, "      = in: %s\n", item->clause);
    }
    if (item->hint[0] != '\0') {
        oft_buffer_append_text(out, "      = hint: ");
        print_folded(out, item->hint, 14, 14);
    }
}

void deal_diagnostics_print(const struct deal_diagnostics *diagnostics, bool colour,
                            struct oft_buffer *out)
{
    uint32_t warnings = 0;
    uint32_t notes = 0;
    for (uint32_t i = 0; i < diagnostics->count; i++) {
        print_item(diagnostics, &diagnostics->items[i], colour, out);
        warnings += diagnostics->items[i].severity == DEAL_WARNING ? 1 : 0;
        notes += diagnostics->items[i].severity == DEAL_NOTE ? 1 : 0;
    }
    oft_buffer_printf(out, "%u error%s, %u warning%s, %u note%s\n", diagnostics->error_count,
                      diagnostics->error_count == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s",
                      notes, notes == 1 ? "" : "s");
}
