/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DEAL_FORMAT_H
#define OFFTAKE_DEAL_FORMAT_H
/*
 * format -- a deal's text in its stable layout, comments kept: `offtake fmt`.
 *
 * What it is   Works on the words of one file, not on its meaning: it changes white space, and `;` at
 *              the end of a line, and nothing else. Lines stay lines. Formatting twice changes
 *              nothing, and the formatted text means what the text meant.
 * Layout       Four blanks a block, eight more for a line that goes on; one blank between words; at
 *              most one empty line in a row; comments of neighbouring lines stand under each other.
 * May include  base.
 */
#include "base/memory.h"

/* TEXT must parse (the caller has checked it). OFT_ERR_MEMORY when OUT cannot hold the result. */
enum oft_err deal_format(struct oft_str text, struct oft_buffer *out) OFT_MUSTCHECK;

#endif
