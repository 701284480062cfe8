/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A book as text of the deal language, which `check` accepts where the models are declared, and as
 * JSON. What was left out stands there as comments, above the lines of its model. Nothing of the list
 * goes into the text but names that were checked, numbers, and comments of printable letters.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "prices/prices.h"

enum { COLUMNS = 80 };

static const char *const class_names[DEAL_UNIT_COUNT] = {
    "input", "cached", "cache-write", "output", "reasoning", "audio", "image", "request"};

/* ---- lines that stay within 80 columns --------------------------------------------------------- */

struct line {
    struct oft_buffer *out;
    const char *indent; /* of what goes on */
    const char *joint;  /* before the new line */
    size_t column;
};

static void line_word(struct line *line, const char *word)
{
    size_t length = strlen(word);
    if (line->column + 2 + length + strlen(line->joint) > COLUMNS) {
        oft_buffer_printf(line->out, "%s\n%s", line->joint, line->indent);
        line->column = strlen(line->indent);
    } else if (line->column > 0) {
        oft_buffer_append_char(line->out, ' ');
        line->column++;
    }
    oft_buffer_append_text(line->out, word);
    line->column += length;
}

/* Text of the list in a comment: a line break or a byte that is no letter would end it. */
static void printable(const char *text, char *out, size_t size)
{
    size_t length = 0;
    for (; *text != '\0' && length + 1 < size; text++, length++) {
        unsigned char c = (unsigned char)*text;
        out[length] = (char)(c > 0x20 && c < 0x7f ? c : '?');
    }
    out[length] = '\0';
}

static void comment(struct oft_buffer *out, const char *indent, const char *const *words,
                    size_t count)
{
    char next[16];
    char first[16];
    char word[160];
    (void)snprintf(first, sizeof(first), "%s#", indent);
    (void)snprintf(next, sizeof(next), "%s#  ", indent);
    struct line line = {out, next, "", strlen(first)};
    oft_buffer_append_text(out, first);
    for (size_t i = 0; i < count; i++) {
        printable(words[i], word, sizeof(word));
        line_word(&line, word);
    }
    oft_buffer_append_char(out, '\n');
}

static void comment_left(struct oft_buffer *out, const char *indent, const struct prices_left *left)
{
    char why[120];
    (void)snprintf(why, sizeof(why), "%s", left->why);
    const char *words[24] = {"left", "out:", left->theirs};
    size_t count = 3;
    if (left->key[0] != '\0') {
        words[count++] = left->key;
    }
    if (left->value[0] != '\0') {
        words[count++] = left->value;
    }
    words[count++] = "--";
    char *save = NULL;
    for (char *word = strtok_r(why, " ", &save); word != NULL && count < OFT_COUNT_OF(words);
         word = strtok_r(NULL, " ", &save)) {
        words[count++] = word;
    }
    comment(out, indent, words, count);
}

/* ---- prices ------------------------------------------------------------------------------------ */

/* "input 2.50 USD per 1M tokens"; what is counted one by one is told so where that is exact. */
static void class_words(struct line *line, const struct prices_row *row, int unit)
{
    char amount[OFT_NANOS_TEXT_BYTES];
    char words[160];
    oft_nanos rate = row->per_million_nanos[unit];
    bool by_piece = unit == DEAL_UNIT_REQUEST || (unit == DEAL_UNIT_IMAGE && !row->image_is_token);
    if (by_piece && rate % 1000000 == 0) {
        (void)snprintf(words, sizeof(words), "%s %s USD per %s", class_names[unit],
                       oft_nanos_format(rate / 1000000, amount), class_names[unit]);
    } else {
        const char *counted = "tokens";
        if (by_piece) {
            counted = unit == DEAL_UNIT_IMAGE ? "images" : "requests";
        }
        (void)snprintf(words, sizeof(words), "%s %s USD per 1M %s", class_names[unit],
                       oft_nanos_format(rate, amount), counted);
    }
    line_word(line, words);
}

static void write_row(const struct prices_row *row, const struct prices_form *form,
                      const char *indent, struct oft_buffer *out)
{
    char next[24];
    char word[96];
    (void)snprintf(next, sizeof(next), "%s    ", indent);
    struct line line = {out, next, " \\", strlen(indent)};
    oft_buffer_append_text(out, indent);
    (void)snprintf(word, sizeof(word), "price %s", row->model);
    oft_buffer_append_text(out, word);
    line.column += strlen(word);
    if (row->variant != DEAL_STANDARD) {
        (void)snprintf(word, sizeof(word), "variant %s", deal_variant_text(row->variant));
        line_word(&line, word);
    }
    if (row->above_tokens > 0) {
        (void)snprintf(word, sizeof(word), "above %llu tokens",
                       (unsigned long long)row->above_tokens);
        line_word(&line, word);
    }
    for (int unit = 0; unit < DEAL_UNIT_COUNT; unit++) {
        if ((row->given & (1u << unit)) != 0) {
            class_words(&line, row, unit);
        }
    }
    if (form->from != NULL) {
        (void)snprintf(word, sizeof(word), "from %s", form->from);
        line_word(&line, word);
    }
    oft_buffer_append_char(out, '\n');
}

/* Is there a row of this model before INDEX? */
static bool row_seen(const struct prices_book *book, size_t index)
{
    return index > 0 && strcmp(book->rows[index - 1].model, book->rows[index].model) == 0;
}

static bool has_rows(const struct prices_book *book, const char *theirs)
{
    for (size_t i = 0; i < book->row_count; i++) {
        if (strcmp(book->rows[i].theirs, theirs) == 0) {
            return true;
        }
    }
    return false;
}

static void write_left_of(const struct prices_book *book, const char *theirs, const char *indent,
                          struct oft_buffer *out)
{
    for (size_t i = 0; i < book->left_count; i++) {
        if (strcmp(book->left[i].theirs, theirs) == 0) {
            comment_left(out, indent, &book->left[i]);
        }
    }
}

void prices_write_deal(const struct prices_book *book, const struct prices_form *form,
                       struct oft_buffer *out)
{
    bool block = form->pool != NULL || form->product != NULL;
    const char *indent = block ? "    " : "";
    const char *const source[] = {"prices", "from", form->source};
    const char *const hash[] = {"sha256", form->sha256};
    comment(out, "", source, 3);
    comment(out, "", hash, 2);
    for (size_t i = 0; form->models && i < book->row_count; i++) {
        if (!row_seen(book, i)) {
            oft_buffer_printf(out, "model %s\n", book->rows[i].model);
        }
    }
    for (size_t i = 0; i < book->left_count; i++) { /* models without a line */
        if (!has_rows(book, book->left[i].theirs)) {
            comment_left(out, "", &book->left[i]);
        }
    }
    if (block) {
        oft_buffer_printf(out, "prices of %s %s {\n", form->pool != NULL ? "pool" : "product",
                          form->pool != NULL ? form->pool : form->product);
    }
    for (size_t i = 0; i < book->row_count; i++) {
        if (!row_seen(book, i)) {
            write_left_of(book, book->rows[i].theirs, indent, out);
        }
        write_row(&book->rows[i], form, indent, out);
    }
    oft_buffer_append_text(out, block ? "}\n" : "");
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static void json_row(struct oft_json *json, const struct prices_row *row)
{
    oft_json_open(json, '{');
    oft_json_put_text(json, "theirs", row->theirs);
    oft_json_put_text(json, "model", row->model);
    oft_json_put_text(json, "variant", deal_variant_text(row->variant));
    oft_json_put_number(json, "above_tokens", row->above_tokens);
    oft_json_key(json, "per_million");
    oft_json_open(json, '{');
    for (int unit = 0; unit < DEAL_UNIT_COUNT; unit++) {
        if ((row->given & (1u << unit)) != 0) {
            oft_json_put_amount(json, class_names[unit], row->per_million_nanos[unit]);
        }
    }
    oft_json_close(json, '}');
    oft_json_close(json, '}');
}

void prices_write_json(const struct prices_book *book, const struct prices_form *form,
                       struct oft_buffer *out)
{
    struct oft_json json = {.out = out};
    oft_json_open(&json, '{');
    oft_json_put_text(&json, "source", form->source);
    oft_json_put_text(&json, "sha256", form->sha256);
    oft_json_put_text(&json, "pool", form->pool);
    oft_json_put_text(&json, "product", form->product);
    oft_json_put_text(&json, "from", form->from);
    oft_json_put_number(&json, "models_read", book->models_read);
    oft_json_put_number(&json, "models_taken", book->models_taken);
    oft_json_put_number(&json, "models_unwanted", book->models_unwanted);
    oft_json_key(&json, "prices");
    oft_json_open(&json, '[');
    for (size_t i = 0; i < book->row_count; i++) {
        json_row(&json, &book->rows[i]);
    }
    oft_json_close(&json, ']');
    oft_json_key(&json, "left_out");
    oft_json_open(&json, '[');
    for (size_t i = 0; i < book->left_count; i++) {
        const struct prices_left *left = &book->left[i];
        oft_json_open(&json, '{');
        oft_json_put_text(&json, "theirs", left->theirs);
        oft_json_put_text(&json, "key", left->key);
        oft_json_put_text(&json, "value", left->value);
        oft_json_put_text(&json, "why", left->why);
        oft_json_close(&json, '}');
    }
    oft_json_close(&json, ']');
    oft_json_close(&json, '}');
    oft_buffer_append_char(out, '\n');
}
