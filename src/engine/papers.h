/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_ENGINE_PAPERS_H
#define OFFTAKE_ENGINE_PAPERS_H
/*
 * What the files of periods and statements share. Private to engine/.
 */
#include <jansson.h>

#include "engine/internal.h"
#include "engine/periods.h"
#include "store/periods.h"

/* Takes OBJECT over (NULL: out of memory) and prints it as a line. */
enum oft_err engine_json_out(json_t *object, struct oft_buffer *out);
/* Whether ACTOR is a name that can stand in the books. */
enum oft_err engine_actor_check(const char *actor, struct oft_error *reterr);

/* A statement of the books and where it is in its life; texts in the caller's arena. */
struct engine_paper {
    struct store_statement row;
    struct ledger_life life;
    uint64_t last_event; /* the newest of its life, in all */
};
/* LIFE as of transaction THROUGH. */
enum oft_err engine_paper_load(struct engine *engine, uint64_t number, uint64_t through,
                               struct oft_arena *arena, struct engine_paper *ret_paper,
                               struct oft_error *reterr);
/* Makes PAPER as of its draft, in FORM. */
enum oft_err engine_paper_print(struct engine *engine, const struct engine_paper *paper,
                                enum engine_form form, struct oft_buffer *out,
                                struct oft_error *reterr);
/* SHA-256 of what was drafted: the words of its basis without its life. */
enum oft_err engine_paper_sha256(const struct store_statement *row, uint8_t ret_sha256[32]);
/* These words: "offtake-statement-2 party=... life=0 restates=0". */
void engine_paper_words(const struct store_statement *row, struct oft_buffer *out);

/* approvals.c: may ACTOR approve, with SIGNATURE (64 bytes) or NULL? OFT_ERR_DENIED says why not. */
enum oft_err engine_approval_check(struct engine *engine, const struct store_statement *row,
                                   const char *actor, const uint8_t *signature,
                                   struct oft_error *reterr);
/* What is wrong with an approval in the books; NULL when nothing is. */
const char *engine_approval_examine(struct engine *engine, const struct store_statement *row,
                                    const struct ledger_event *event);

/* SHA-256 over the hashes of all forms, as the event says it. */
enum oft_err engine_forms_sha256(const uint8_t forms[ENGINE_FORM_COUNT][32],
                                 uint8_t ret_sha256[32]);
extern const char *const ENGINE_FORM_NAMES[ENGINE_FORM_COUNT]; /* "text", ... */

/* Checks every statement against its events, its stored bytes and the journal; each finding is told. */
enum oft_err engine_papers_examine(struct engine *engine,
                                   void (*finding)(void *context, const char *text), void *context,
                                   uint64_t *ret_count, struct oft_error *reterr);

#endif
