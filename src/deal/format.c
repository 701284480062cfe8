/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout of a deal's text. A line is cut into words as the lexer would cut it where it matters:
 * strings, comments and marks. Words that touch stay touching unless a mark says otherwise, so that no
 * token is ever made or split.
 */
#include "deal/format.h"

#include <string.h>

#define INDENT             4
#define CONTINUED          8
#define COLUMN_MAX         34  /* a name behind its word; a longer one makes no column wider */
#define COMMENT_COLUMN_MAX 104 /* beyond it a comment follows its line at two blanks */

/* One line of the result, before comments are put under each other. */
struct line {
    size_t indent;
    size_t from; /* in the buffer of words */
    size_t length;
    struct oft_str comment; /* without trailing blanks; empty: none */
    bool blank;
    /* Lines of one kind that follow each other have a column: after the name of a declaration or a
     * price, after the label of a clause. 0: this line has none. */
    size_t column_at;
    uint32_t kind;
    size_t padding;        /* blanks that go in there */
    size_t comment_column; /* where the comment begins */
};

struct formatter {
    struct oft_str text;
    size_t at;
    int depth;
    int parens;
    bool continued;   /* the line before goes on here */
    bool after_comma; /* ... because of a comma */
    struct oft_buffer words;
    struct oft_buffer lines; /* struct line */
};

/* Declarations and prices: what stands behind their names stands in a column. */
static const char *const column_words[] = {"account", "deduction", "event",  "field",
                                           "group",   "model",     "party",  "price",
                                           "product", "provider",  "serves", "surface"};

static size_t columns(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        count += ((unsigned char)text[i] & 0xc0) != 0x80 ? 1 : 0;
    }
    return count;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The length of the word at AT: a string, a mark, or a run of anything else. An address may hold
 * marks, but not these: blanks, ; # quotes, braces and commas (see the lexer). */
static size_t word_length(struct oft_str text, size_t at)
{
    char c = text.data[at];
    size_t length = 1;
    if (c == '"') {
        while (at + length < text.length && text.data[at + length] != '"' &&
               text.data[at + length] != '\n') {
            length++;
        }
        return at + length < text.length && text.data[at + length] == '"' ? length + 1 : length;
    }
    if (strchr(";,(){}\\", c) != NULL) {
        return 1;
    }
    bool address = false; /* parentheses may be part of one */
    while (at + length < text.length && !is_blank(text.data[at + length]) &&
           strchr("\n;,{}\"#\\", text.data[at + length]) == NULL &&
           (address || strchr("()", text.data[at + length]) == NULL)) {
        length++;
        address = address || (length >= 3 && memcmp(text.data + at + length - 3, "://", 3) == 0);
    }
    return length;
}

/* May a blank stand between BEFORE (the last byte put) and NEXT? */
static bool wants_blank(char before, char next)
{
    if (before == '(' || next == ')' || next == ',' || next == ';') {
        return false;
    }
    return true;
}

static void put_word(struct formatter *f, struct line *line, struct oft_str word, bool apart)
{
    char before = line->length > 0 ? f->words.data[f->words.length - 1] : '\0';
    bool mark = strchr(";,(){}\"\\", word.data[0]) != NULL;
    bool after_mark = before != '\0' && strchr(";,(){}\"", before) != NULL;
    if (line->length > 0 && (apart || mark || after_mark) && wants_blank(before, word.data[0])) {
        oft_buffer_append_char(&f->words, ' ');
        line->length++;
    }
    oft_buffer_append(&f->words, word.data, word.length);
    line->length += word.length;
}

/* Keeps count of blocks and parentheses; a brace inside the line closes what it opened. */
static void count_mark(struct formatter *f, char c)
{
    if (c == '{') {
        f->depth++;
    } else if (c == '}') {
        f->depth -= f->depth > 0 ? 1 : 0;
        f->parens = 0;
    } else if (c == '(') {
        f->parens++;
    } else if (c == ')') {
        f->parens -= f->parens > 0 ? 1 : 0;
    }
}

static struct oft_str take_comment(struct formatter *f)
{
    size_t end = f->at;
    while (end < f->text.length && f->text.data[end] != '\n') {
        end++;
    }
    struct oft_str comment = {f->text.data + f->at, end - f->at};
    while (comment.length > 0 && is_blank(comment.data[comment.length - 1])) {
        comment.length--;
    }
    f->at = end;
    return comment;
}

/* "\" at a line's end: the line goes on. */
static bool is_joiner(const struct formatter *f)
{
    size_t at = f->at + 1;
    if (f->text.data[f->at] != '\\') {
        return false;
    }
    while (at < f->text.length && is_blank(f->text.data[at])) {
        at++;
    }
    return at >= f->text.length || f->text.data[at] == '\n';
}

/* A `;` that ends a line says what the line's end says. */
static void drop_semicolons(struct formatter *f, struct line *line)
{
    while (line->length > 0 && (f->words.data[f->words.length - 1] == ';' ||
                                f->words.data[f->words.length - 1] == ' ')) {
        f->words.length--;
        line->length--;
    }
}

/* Finds the line's column in its words: WORDS of LENGTH bytes with single blanks between. */
static void find_column(const char *words, size_t length, struct line *line)
{
    const char *blank = memchr(words, ' ', length);
    size_t first = blank == NULL ? length : (size_t)(blank - words);
    if (blank == NULL || first == 0) {
        return;
    }
    if (words[first - 1] == ':') {
        line->kind = 1;
        line->column_at = first;
        return;
    }
    for (uint32_t i = 0; i < OFT_COUNT_OF(column_words); i++) {
        struct oft_str word = {words, first};
        const char *second = memchr(blank + 1, ' ', length - first - 1);
        if (oft_str_is(word, column_words[i]) && second != NULL && blank[1] != '"' &&
            second[-1] != '{') {
            line->kind = i + 2;
            line->column_at = (size_t)(second - words);
        }
    }
}

static void take_line(struct formatter *f)
{
    struct line line = {.from = f->words.length};
    bool continued = f->continued || f->parens > 0;
    bool joins = false;
    int depth = f->depth;
    bool first = true;
    bool apart = false;
    while (f->at < f->text.length && f->text.data[f->at] != '\n' && !f->words.failed) {
        char c = f->text.data[f->at];
        if (is_blank(c)) {
            apart = true;
            f->at++;
            continue;
        }
        if (c == '#') {
            line.comment = take_comment(f);
            break;
        }
        joins = is_joiner(f);
        struct oft_str word = {f->text.data + f->at, word_length(f->text, f->at)};
        put_word(f, &line, word, apart);
        apart = false;
        count_mark(f, word.length == 1 ? c : ' ');
        depth = first && c == '}' ? f->depth : depth;
        first = false;
        f->at += word.length;
    }
    f->at += f->at < f->text.length ? 1 : 0;
    char last = line.length > 0 ? f->words.data[f->words.length - 1] : '\0';
    /* After a comma empty lines go on too; after a "\" the next line's end is the statement's. */
    f->after_comma = last == ',' || (line.length == 0 && f->after_comma);
    f->continued = joins || f->after_comma;
    if (!joins) {
        drop_semicolons(f, &line);
    }
    if (line.length > 0 && !continued && !joins) {
        find_column(f->words.data + line.from, line.length, &line);
    }
    line.blank = line.length == 0 && line.comment.length == 0;
    line.indent = (size_t)depth * INDENT + (continued ? CONTINUED : 0);
    oft_buffer_append(&f->lines, &line, sizeof(line));
}

/* ---- output ---------------------------------------------------------------------------------- */

static const struct line *line_at(const struct formatter *f, size_t index)
{
    return (const struct line *)(const void *)(f->lines.data + index * sizeof(struct line));
}

/* Lines of one kind at one depth get one column. Names of very different length are left alone. */
static void set_padding(struct formatter *f, size_t first, size_t last)
{
    struct line *lines = (struct line *)(void *)f->lines.data;
    size_t widest = 0;
    for (size_t i = first; i < last; i++) {
        size_t width = columns(f->words.data + lines[i].from, lines[i].column_at);
        widest = width > widest && width <= COLUMN_MAX ? width : widest;
    }
    for (size_t i = first; i < last; i++) {
        size_t own = columns(f->words.data + lines[i].from, lines[i].column_at);
        lines[i].padding = widest > own ? widest - own : 0;
    }
}

static void set_paddings(struct formatter *f)
{
    size_t count = f->lines.length / sizeof(struct line);
    size_t first = 0;
    while (first < count) {
        const struct line *line = line_at(f, first);
        size_t last = first + 1;
        while (last < count && line->column_at > 0 && line_at(f, last)->kind == line->kind &&
               line_at(f, last)->indent == line->indent) {
            last++;
        }
        if (line->column_at > 0) {
            set_padding(f, first, last);
        }
        first = last;
    }
}

static size_t width_of(const struct formatter *f, size_t index)
{
    const struct line *line = line_at(f, index);
    return line->indent + columns(f->words.data + line->from, line->length) + line->padding;
}

/* Comments of neighbouring lines stand under each other. */
static void set_comment_columns(struct formatter *f)
{
    struct line *lines = (struct line *)(void *)f->lines.data;
    size_t count = f->lines.length / sizeof(struct line);
    size_t first = 0;
    while (first < count) {
        size_t last = first;
        size_t column = 0;
        while (last < count && lines[last].length > 0 && lines[last].comment.length > 0) {
            size_t width = width_of(f, last) + 2;
            column = width > column && width <= COMMENT_COLUMN_MAX ? width : column;
            last++;
        }
        for (size_t i = first; i < last; i++) {
            size_t width = width_of(f, i) + 2;
            lines[i].comment_column = column > width ? column : width;
        }
        first = last > first ? last : first + 1;
    }
}

static void print_line(const struct formatter *f, size_t index, struct oft_buffer *out)
{
    const struct line *line = line_at(f, index);
    oft_buffer_append_repeat(out, ' ', line->indent);
    oft_buffer_append(out, f->words.data + line->from, line->column_at);
    oft_buffer_append_repeat(out, ' ', line->padding);
    oft_buffer_append(out, f->words.data + line->from + line->column_at,
                      line->length - line->column_at);
    if (line->comment.length > 0) {
        if (line->length > 0) {
            oft_buffer_append_repeat(out, ' ', line->comment_column - width_of(f, index));
        }
        oft_buffer_append(out, line->comment.data, line->comment.length);
    }
    oft_buffer_append_char(out, '\n');
}

/* An empty line says something only between two lines that are no ends of a block. */
static bool keeps_blank(const struct formatter *f, size_t index, size_t count, bool after_open,
                        bool printed)
{
    size_t next = index + 1;
    while (next < count && line_at(f, next)->blank) {
        next++;
    }
    if (!printed || after_open || next >= count) {
        return false;
    }
    const struct line *line = line_at(f, next);
    return line->length == 0 || f->words.data[line->from] != '}';
}

/* Takes out the empty lines that are not kept, so that neighbours are known to each other. */
static void drop_blank_lines(struct formatter *f)
{
    size_t count = f->lines.length / sizeof(struct line);
    struct line *lines = (struct line *)(void *)f->lines.data;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const struct line *before = kept > 0 ? &lines[kept - 1] : NULL;
        bool after_open = before != NULL && before->length > 0 &&
                          f->words.data[before->from + before->length - 1] == '{';
        bool after_blank = before != NULL && before->blank;
        if (lines[i].blank &&
            (after_blank || !keeps_blank(f, i, count, after_open, before != NULL))) {
            continue;
        }
        lines[kept++] = lines[i];
    }
    f->lines.length = kept * sizeof(struct line);
}

static void print_lines(const struct formatter *f, struct oft_buffer *out)
{
    size_t count = f->lines.length / sizeof(struct line);
    for (size_t i = 0; i < count; i++) {
        if (line_at(f, i)->blank) {
            oft_buffer_append_char(out, '\n');
        } else {
            print_line(f, i, out);
        }
    }
}

enum oft_err deal_format(struct oft_str text, struct oft_buffer *out)
{
    struct formatter f = {.text = text};
    size_t most = text.length * 2 + 64;
    oft_buffer_init(&f.words, most);
    oft_buffer_init(&f.lines, (text.length + 2) * sizeof(struct line));
    while (f.at < text.length && !f.words.failed && !f.lines.failed) {
        take_line(&f);
    }
    bool failed = f.words.failed || f.lines.failed;
    if (!failed) {
        drop_blank_lines(&f);
        set_paddings(&f);
        set_comment_columns(&f);
        print_lines(&f, out);
    }
    oft_buffer_release(&f.words);
    oft_buffer_release(&f.lines);
    return failed || out->failed ? OFT_ERR_MEMORY : OFT_OK;
}
