/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A letter is a list of parts; here it is printed as text of 78 columns.
 */
#include "engine/letter.h"

#include <stdlib.h>
#include <string.h>

enum { WIDTH = 78, NAME_WIDTH = 26, LETTER_BYTES_MAX = 8 << 20 };

struct letter {
    struct oft_buffer text;
};

/* TEXT in lines of WIDTH columns, each behind INDENT blanks; the first begins at COLUMN. */
static void put_wrapped(struct oft_buffer *out, const char *text, size_t indent, size_t column)
{
    while (*text != '\0') {
        text += strspn(text, " \n");
        size_t word = strcspn(text, " \n");
        if (word == 0) {
            break;
        }
        if (column > indent && column + 1 + word > WIDTH) {
            oft_buffer_append_char(out, '\n');
            oft_buffer_append_repeat(out, ' ', indent);
            column = indent;
        } else if (column > indent) {
            oft_buffer_append_char(out, ' ');
            column++;
        }
        oft_buffer_append(out, text, word);
        column += word;
        text += word;
    }
    oft_buffer_append_char(out, '\n');
}

enum oft_err letter_new(const char *title, struct letter **ret_letter)
{
    struct letter *letter = calloc(1, sizeof(*letter));
    if (letter == NULL) {
        return OFT_ERR_MEMORY;
    }
    oft_buffer_init(&letter->text, LETTER_BYTES_MAX);
    oft_buffer_printf(&letter->text, "%s\n", title);
    oft_buffer_append_repeat(&letter->text, '=', strlen(title));
    oft_buffer_append_text(&letter->text, "\n\n");
    *ret_letter = letter;
    return OFT_OK;
}

void letter_free(struct letter *letter)
{
    if (letter != NULL) {
        oft_buffer_release(&letter->text);
        free(letter);
    }
}

void letter_heading(struct letter *letter, const char *text)
{
    oft_buffer_printf(&letter->text, "\n%s\n", text);
    oft_buffer_append_repeat(&letter->text, '-', strlen(text));
    oft_buffer_append_char(&letter->text, '\n');
}

void letter_row(struct letter *letter, const char *name, const char *value)
{
    oft_buffer_printf(&letter->text, "%-*s  ", NAME_WIDTH, name);
    put_wrapped(&letter->text, value, NAME_WIDTH + 2,
                strlen(name) > NAME_WIDTH ? strlen(name) + 2 : NAME_WIDTH + 2);
}

void letter_paragraph(struct letter *letter, const char *text)
{
    put_wrapped(&letter->text, text, 0, 0);
}

enum oft_err letter_text(const struct letter *letter, struct oft_buffer *out)
{
    oft_buffer_append_text(out, oft_buffer_text(&letter->text));
    return letter->text.failed || out->failed ? OFT_ERR_LIMIT : OFT_OK;
}

enum oft_err letter_pdf(const struct letter *letter, struct oft_buffer *out)
{
    (void)letter;
    (void)out;
    return OFT_ERR_INVALID;
}
