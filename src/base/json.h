/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_BASE_JSON_H
#define OFFTAKE_BASE_JSON_H
/*
 * json -- writing JSON into a buffer, for rooms that may not use a library.
 *
 * Commas are kept here; the caller opens, closes and names. Bytes that are no UTF-8 become U+FFFD, so
 * that the document always parses. Numbers are whole; amounts and instants are texts.
 */
#include "base/memory.h"
#include "base/money.h"
#include "base/time.h"

struct oft_json {
    struct oft_buffer *out;
    bool begun; /* something stands before, on this level */
};

void oft_json_open(struct oft_json *json, char bracket); /* '{' or '[' */
void oft_json_close(struct oft_json *json, char bracket);
void oft_json_key(struct oft_json *json, const char *name);
void oft_json_text(struct oft_json *json, const char *text); /* NULL: null */
void oft_json_number(struct oft_json *json, uint64_t number);
void oft_json_bool(struct oft_json *json, bool value);
void oft_json_null(struct oft_json *json);

/* A named member at once. */
void oft_json_put_text(struct oft_json *json, const char *name, const char *text);
void oft_json_put_number(struct oft_json *json, const char *name, uint64_t number);
void oft_json_put_signed(struct oft_json *json, const char *name, int64_t number);
void oft_json_put_bool(struct oft_json *json, const char *name, bool value);
/* null for OFT_INSTANT_NEVER. */
void oft_json_put_instant(struct oft_json *json, const char *name, oft_instant instant);
/* "2.05": an exact decimal. */
void oft_json_put_amount(struct oft_json *json, const char *name, oft_nanos amount);

#endif
