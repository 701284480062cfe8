/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_ENGINE_TRACE_H
#define OFFTAKE_ENGINE_TRACE_H
/*
 * trace -- looking back: from a request to its lines and from a line to its requests, the books as they
 * were, and the journal for other programs. As engine.h in everything else; nothing here changes anything.
 */
#include "engine/engine.h"
#include "engine/periods.h"
#include "ledger/export.h"

/* WHAT is a request's id, as the client got it ("req_..."), or the id of a statement line, or at least
 * its first six digits. Shows at most LIMIT records and transactions. RET_SOUND: what was found adds up
 * to what the books hold. OFT_ERR_NOT_FOUND, OFT_ERR_CONFLICT when more than one line begins so. */
enum oft_err engine_trace(struct engine *engine, const char *what, uint32_t limit,
                          enum ledger_format format, struct oft_buffer *out, bool *ret_sound,
                          struct oft_error *reterr) OFT_MUSTCHECK;

/* Which books: those of what was recorded by AS_OF (contract time; OFT_INSTANT_NEVER: all), of what was
 * earned in the months from FROM to THROUGH, both included. */
struct engine_as_of {
    oft_instant as_of;
    int32_t from, through;
};
/* ACCOUNT NULL: all accounts; one that the books never had is OFT_ERR_NOT_FOUND. */
enum oft_err engine_balance(struct engine *engine, const char *account,
                            const struct engine_as_of *which, enum ledger_format format,
                            struct oft_buffer *out, struct oft_error *reterr) OFT_MUSTCHECK;
/* What the statement that would have been made at AS_OF is made from: the books and the deal of then. Party
 * and month are the caller's. OFT_ERR_INVALID when no policy was published by then. */
enum oft_err engine_basis_at(struct engine *engine, oft_instant as_of,
                             struct engine_basis *ret_basis,
                             struct oft_error *reterr) OFT_MUSTCHECK;

/* One page of the journal: transactions from FROM on, of those up to THROUGH (0: all that there are now,
 * and THROUGH says which). NEXT is where the next page begins, 0 at the end. */
struct engine_page {
    uint64_t from, through, next;
};
enum oft_err engine_export(struct engine *engine, enum ledger_journal journal,
                           const struct engine_as_of *which, struct engine_page *page,
                           struct oft_buffer *out, struct oft_error *reterr) OFT_MUSTCHECK;

#endif
