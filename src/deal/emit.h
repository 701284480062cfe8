/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_DEAL_EMIT_H
#define OFFTAKE_DEAL_EMIT_H
/*
 * emit -- the writer of the deal's JSON form and the forms of its values; emit_rows.c uses it for the
 * deal's rows. Private to src/deal.
 */
#include "deal/tree.h"

/* Knows whether a comma is due. */
struct emitter {
    const struct deal *deal;
    struct oft_buffer *out;
    bool begun;
};

/* Brackets, keys and plain values; each puts the comma that is due. */
void emit_open(struct emitter *e, char bracket);
void emit_close(struct emitter *e, char bracket);
void emit_key(struct emitter *e, const char *name);
void emit_string(struct emitter *e, const char *text);
void emit_null(struct emitter *e);
/* Values of a deal, each as one JSON value. */
void emit_amount(struct emitter *e, oft_nanos nanos);
void emit_rate(struct emitter *e, int64_t rate_ppb);
void emit_instant(struct emitter *e, oft_instant at);
void emit_end(struct emitter *e, const struct deal_end *it);
void emit_value(struct emitter *e, const struct deal_value *it);
void emit_names(struct emitter *e, struct deal_names it);
void emit_quantity(struct emitter *e, const struct deal_quantity *it);
/* Members of an object: a key and its value. */
void emit_list_member(struct emitter *e, const char *name, enum deal_symbol_kind kind,
                      struct deal_list items);
void emit_text_member(struct emitter *e, const char *name, const char *text);
void emit_number_member(struct emitter *e, const char *name, uint64_t number);
void emit_bool_member(struct emitter *e, const char *name, bool value);
/* The name of a row; "*" for all. */
const char *emit_name_of(const struct deal *d, enum deal_symbol_kind kind, uint32_t index);

#endif
