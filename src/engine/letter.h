/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_ENGINE_LETTER_H
#define OFFTAKE_ENGINE_LETTER_H
/*
 * letter -- the few forms that a notice is written in, whatever prints it. Private to engine/.
 */
#include "base/memory.h"

struct letter;
enum oft_err letter_new(const char *title, struct letter **ret_letter) OFT_MUSTCHECK;
void letter_free(struct letter *letter); /* accepts NULL */
/* A failure (memory) shows when the letter is printed. */
void letter_heading(struct letter *letter, const char *text);
void letter_row(struct letter *letter, const char *name, const char *value);
void letter_paragraph(struct letter *letter, const char *text);
enum oft_err letter_text(const struct letter *letter, struct oft_buffer *out) OFT_MUSTCHECK;
enum oft_err letter_pdf(const struct letter *letter, struct oft_buffer *out) OFT_MUSTCHECK;

#endif
