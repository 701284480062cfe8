/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows from commitments and shares, into the books: shortfalls that have become due, credits and
 * their use, overage; shares by all of their terms, what of them is kept back, set off, late; calls of
 * capital that the deal's text has. As with hours of capacity it follows from the rows and the clock alone,
 * so this may be done at any time and any number of times.
 */
#include <string.h>

#include "engine/failpoint.h"
#include "engine/internal.h"
#include "ledger/share.h"

#define THROUGH_KEY "settled_through"

static bool has_any(const struct deal *deal)
{
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        enum deal_clause_kind kind = deal->clauses[i].kind;
        if (kind == DEAL_CLAUSE_COMMIT || kind == DEAL_CLAUSE_SHARE) {
            return true;
        }
    }
    return deal->programme_count > 0;
}

/* Never before what was settled already: a clock that was set back owes nothing back. */
static enum oft_err through_of(struct engine *engine, oft_instant now_ns, struct oft_arena *arena,
                               oft_instant *ret_through, struct oft_error *reterr)
{
    const char *text = NULL;
    oft_nanos before;
    *ret_through = engine_contract_now(engine, now_ns);
    enum oft_err code = store_meta_get(engine->store, THROUGH_KEY, arena, &text, reterr);
    if (code == OFT_OK && text != NULL) {
        if (oft_i128_parse(oft_str_from(text), &before) != OFT_OK || before > INT64_MAX ||
            before < INT64_MIN) {
            return oft_fail(reterr, OFT_ERR_CORRUPT,
                            "how far commitments were settled (" THROUGH_KEY ") is damaged in the "
                            "books");
        }
        *ret_through = before > *ret_through ? (oft_instant)before : *ret_through;
    }
    return code;
}

enum oft_err engine_rows_of(struct engine *engine, const enum ledger_series_kind *kinds,
                            size_t kind_count, struct oft_arena *arena,
                            struct ledger_row **ret_rows, size_t *ret_count,
                            struct oft_error *reterr)
{
    enum { KINDS_MAX = 8 };
    struct ledger_row *parts[KINDS_MAX] = {NULL};
    size_t counts[KINDS_MAX] = {0};
    size_t total = 0;
    enum oft_err code = OFT_OK;
    OFT_ASSERT(kind_count <= KINDS_MAX);
    for (size_t i = 0; code == OFT_OK && i < kind_count; i++) {
        code = store_rows(engine->store, kinds[i], 0, arena, &parts[i], &counts[i], reterr);
        total += counts[i];
    }
    struct ledger_row *rows =
        code == OFT_OK ? oft_arena_alloc_array(arena, total + 1, sizeof(*rows)) : NULL;
    if (rows == NULL) {
        return code == OFT_OK ? OFT_ERR_MEMORY : code;
    }
    size_t place = 0;
    for (size_t i = 0; i < kind_count; i++) {
        if (counts[i] > 0) {
            memcpy(rows + place, parts[i], counts[i] * sizeof(*rows));
        }
        place += counts[i];
    }
    *ret_rows = rows;
    *ret_count = total;
    return OFT_OK;
}

/* All rows that shares are settled by, in ARENA. */
enum oft_err engine_share_rows(struct engine *engine, struct oft_arena *arena,
                               struct ledger_row **ret_rows, size_t *ret_count,
                               struct oft_error *reterr)
{
    static const enum ledger_series_kind kinds[] = {LEDGER_SHARE, LEDGER_SHARE_TERM,
                                                    LEDGER_DEDUCTION, LEDGER_PAYMENT};
    return engine_rows_of(engine, kinds, OFT_COUNT_OF(kinds), arena, ret_rows, ret_count, reterr);
}

static enum oft_err fill_shares(struct engine *engine, struct ledger_batch *batch,
                                oft_instant through, struct oft_arena *arena,
                                struct oft_error *reterr)
{
    struct ledger_row *rows = NULL;
    size_t row_count = 0;
    struct ledger_share_settlement *settlements = NULL;
    size_t count = 0;
    enum oft_err code = engine_share_rows(engine, arena, &rows, &row_count, reterr);
    if (code == OFT_OK) {
        code = ledger_shares_settle(engine->deal, engine_attested_now(engine), rows, row_count,
                                    through, arena, &settlements, &count);
    }
    return code == OFT_OK ? ledger_shares_add(batch, engine->current->ledger, settlements, count,
                                              rows, row_count)
                          : code;
}

/* The batch of what is not in the books yet, or no longer holds. */
static enum oft_err fill(struct engine *engine, struct ledger_batch *batch, oft_instant through,
                         struct oft_arena *arena, struct oft_error *reterr)
{
    struct ledger_row *counted = NULL;
    struct ledger_row *booked = NULL;
    size_t counted_count = 0;
    size_t booked_count = 0;
    const struct ledger_settlement *settlements = NULL;
    size_t count = 0;
    enum oft_err code =
        store_rows(engine->store, LEDGER_COMMITMENT, 0, arena, &counted, &counted_count, reterr);
    if (code == OFT_OK) {
        code =
            store_rows(engine->store, LEDGER_SHORTFALL, 0, arena, &booked, &booked_count, reterr);
    }
    if (code == OFT_OK) {
        code = ledger_commitments_settle(engine->deal, engine_attested_now(engine), counted,
                                         counted_count, through, arena, &settlements, &count);
    }
    return code == OFT_OK ? ledger_dues_add(batch, engine->current->ledger, settlements, count,
                                            booked, booked_count)
                          : code;
}

static enum oft_err post(struct engine *engine, struct ledger_batch *batch, oft_instant through,
                         oft_instant now_ns, struct oft_error *reterr)
{
    struct engine_posted posted = {0};
    char text[OFT_NANOS_TEXT_BYTES];
    enum oft_err code = store_begin(engine->store, reterr);
    if (code != OFT_OK) {
        return code;
    }
    code = engine_post(engine, batch, NULL, 0, now_ns, &posted, reterr);
    engine_failpoint("dues-posted");
    if (code == OFT_OK && posted.any) {
        code = store_meta_set(engine->store, THROUGH_KEY, oft_i128_format(through, text), reterr);
    }
    if (code == OFT_OK && posted.any) {
        code = store_commit(engine->store, reterr);
    }
    if (code != OFT_OK || !posted.any) {
        store_rollback(engine->store);
    }
    return code;
}

enum oft_err engine_settle_dues(struct engine *engine, oft_instant now_ns, struct oft_error *reterr)
{
    struct oft_arena arena;
    struct oft_error error = {0};
    struct ledger_batch *batch = NULL;
    oft_instant through = 0;
    if (engine->current == NULL || engine->deal == NULL || !has_any(engine->deal)) {
        return OFT_OK;
    }
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = through_of(engine, now_ns, &arena, &through, &error);
    if (code == OFT_OK) {
        code = ledger_batch_new(&batch);
    }
    if (code == OFT_OK) {
        code = engine_batch_periods(engine, batch, &error);
    }
    if (code == OFT_OK) {
        code = fill(engine, batch, through, &arena, &error);
    }
    if (code == OFT_OK) {
        code = fill_shares(engine, batch, through, &arena, &error);
    }
    if (code == OFT_OK) {
        code = engine_fill_funds(engine, batch, through, &arena, &error);
    }
    if (code == OFT_OK) {
        code = post(engine, batch, through, now_ns, &error);
    }
    ledger_batch_free(batch);
    oft_arena_release(&arena);
    if (code != OFT_OK) {
        return oft_fail(reterr, code, "what follows from the deal by now cannot be booked: %.380s",
                        error.message[0] != '\0' ? error.message : oft_err_text(code));
    }
    return OFT_OK;
}
