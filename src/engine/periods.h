/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_ENGINE_PERIODS_H
#define OFFTAKE_ENGINE_PERIODS_H
/*
 * periods -- months that are closed, and the life of statements. A part of engine.h, whose words hold.
 *
 * Each decision is an event in the books' chain with its actor, in one transaction with what it decides.
 */
#include "engine/engine.h"

/* ---- periods ---------------------------------------------------------------------------------- */

/* JSON: {"now","late_lands_in","periods":[{"month","state","soft_closed","closed"}]}. */
enum oft_err engine_periods(struct engine *engine, oft_instant now_ns, struct oft_buffer *out,
                            struct oft_error *reterr) OFT_MUSTCHECK;
/* Soft-closes MONTH (it must be over, and all before it soft-closed), or closes it (all before it closed).
 * What the spools hold and delivered hours come to is booked first. JSON of the period in OUT.
 * OFT_ERR_CONFLICT: it is so already, or not its turn. */
enum oft_err engine_period_close(struct engine *engine, int32_t month, bool soft, const char *actor,
                                 oft_instant now_ns, struct oft_buffer *out,
                                 struct oft_error *reterr) OFT_MUSTCHECK;

/* ---- statements ------------------------------------------------------------------------------- */

enum engine_form { ENGINE_TEXT, ENGINE_JSON, ENGINE_CSV, ENGINE_PDF, ENGINE_FORM_COUNT };

/* From what a statement is made; transaction, generation and as-of count only with AS_WAS. */
struct engine_basis {
    const char *party;
    int32_t month;
    bool as_was;
    uint64_t transaction, generation;
    oft_instant
        as_of;       /* believed in a rehearsal alone, whose clock is shifted anew at each start */
    uint64_t number; /* 0: a draft without one */
    uint64_t life;   /* its state as of this transaction */
};
/* Of today (what is owed by now is booked first), or with AS_WAS as it was made then. */
enum oft_err engine_paper(struct engine *engine, const struct engine_basis *basis,
                          enum engine_form form, oft_instant now_ns, struct oft_buffer *out,
                          struct oft_error *reterr) OFT_MUSTCHECK;

/* JSON of one statement: number, party, month, status, approvals and so on, in OUT. */
enum oft_err engine_statement_draft(struct engine *engine, const char *party, int32_t month,
                                    const char *actor, oft_instant now_ns, struct oft_buffer *out,
                                    struct oft_error *reterr) OFT_MUSTCHECK;
/* OFT_ERR_CONFLICT: the same person again, a third one, or a statement that is final. */
enum oft_err engine_statement_approve(struct engine *engine, uint64_t number, const char *actor,
                                      oft_instant now_ns, struct oft_buffer *out,
                                      struct oft_error *reterr) OFT_MUSTCHECK;
/* The same with a signature (64 bytes; NULL: none) over what engine_statement_approval says. A deal that names
 * persons with keys takes no other, and none but theirs: OFT_ERR_DENIED. */
enum oft_err engine_statement_approve_signed(struct engine *engine, uint64_t number,
                                             const char *actor, const uint8_t *signature,
                                             oft_instant now_ns, struct oft_buffer *out,
                                             struct oft_error *reterr) OFT_MUSTCHECK;
/* JSON: {"number","by","text"}: what PERSON signs to approve a statement. */
enum oft_err engine_statement_approval(struct engine *engine, uint64_t number, const char *person,
                                       struct oft_buffer *out,
                                       struct oft_error *reterr) OFT_MUSTCHECK;
/* Its month must be closed, two persons must have approved it, and nothing that it shows may have changed
 * since it was drafted. OFT_ERR_CONFLICT else. */
enum oft_err engine_statement_final(struct engine *engine, uint64_t number, const char *actor,
                                    oft_instant now_ns, struct oft_buffer *out,
                                    struct oft_error *reterr) OFT_MUSTCHECK;
/* A draft of a new edition of the final statement NUMBER, with what came late since. */
enum oft_err engine_statement_restate(struct engine *engine, uint64_t number, const char *actor,
                                      oft_instant now_ns, struct oft_buffer *out,
                                      struct oft_error *reterr) OFT_MUSTCHECK;
/* JSON: {"statements":[...]}. */
enum oft_err engine_statement_list(struct engine *engine, struct oft_buffer *out,
                                   struct oft_error *reterr) OFT_MUSTCHECK;
/* The statement itself: the stored bytes of a final one, else made as of its draft. */
enum oft_err engine_statement_show(struct engine *engine, uint64_t number, enum engine_form form,
                                   struct oft_buffer *out, struct oft_error *reterr) OFT_MUSTCHECK;

#endif
