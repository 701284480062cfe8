/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements, commitments and usage: rows from the store through the ledger's printers.
 */
#include <string.h>

#include "engine/internal.h"
#include "engine/periods.h"

static enum oft_err need_deal(const struct engine *engine, struct oft_error *reterr)
{
    return engine->deal != NULL ? OFT_OK
                                : oft_fail(reterr, OFT_ERR_INVALID, "no policy was published yet");
}

enum oft_err engine_statement(struct engine *engine, const char *party, int32_t month,
                              oft_instant now_ns, enum ledger_format format, struct oft_buffer *out,
                              struct oft_error *reterr)
{
    const struct engine_basis basis = {.party = party, .month = month};
    enum engine_form form = format == LEDGER_JSON  ? ENGINE_JSON
                            : format == LEDGER_CSV ? ENGINE_CSV
                                                   : ENGINE_TEXT;
    return engine_paper(engine, &basis, form, now_ns, out, reterr);
}

enum oft_err engine_commitments(struct engine *engine, oft_instant now_ns,
                                enum ledger_format format, struct oft_buffer *out,
                                struct oft_error *reterr)
{
    enum oft_err code = need_deal(engine, reterr);
    if (code == OFT_OK) {
        code = engine_accrue(engine, now_ns, reterr);
    }
    if (code != OFT_OK) {
        return code;
    }
    struct oft_arena arena;
    struct ledger_row *rows = NULL;
    size_t row_count = 0;
    struct ledger_commitment_status *status = NULL;
    size_t count = 0;
    oft_instant at = engine_contract_now(engine, now_ns);
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    code = store_rows(engine->store, LEDGER_COMMITMENT, 0, &arena, &rows, &row_count, reterr);
    if (code == OFT_OK) {
        code = ledger_commitments(engine->deal, engine_attested_now(engine), rows, row_count, at,
                                  &arena, &status, &count);
    }
    if (code == OFT_OK) {
        code = ledger_commitments_print(engine->deal, status, count, at, format, out);
    }
    oft_arena_release(&arena);
    return code;
}

enum oft_err engine_forecast(struct engine *engine, const oft_instant *asked, oft_instant now_ns,
                             enum ledger_format format, struct oft_buffer *out,
                             struct oft_error *reterr)
{
    struct oft_arena arena;
    struct ledger_row *rows = NULL;
    size_t row_count = 0;
    struct ledger_commitment_status *status = NULL;
    size_t count = 0;
    oft_instant at = asked != NULL ? *asked : engine_contract_now(engine, now_ns);
    enum oft_err code = need_deal(engine, reterr);
    if (code != OFT_OK) {
        return code;
    }
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    code = store_rows(engine->store, LEDGER_COMMITMENT, 0, &arena, &rows, &row_count, reterr);
    if (code == OFT_OK) {
        code = ledger_commitments(engine->deal, engine_attested_now(engine), rows, row_count, at,
                                  &arena, &status, &count);
    }
    if (code == OFT_OK) {
        code = ledger_forecasts_print(engine->deal, status, count, at, &arena, format, out);
    }
    oft_arena_release(&arena);
    return code;
}

enum oft_err engine_usage(struct engine *engine, enum ledger_format format, struct oft_buffer *out,
                          struct oft_error *reterr)
{
    struct oft_arena arena;
    struct ledger_row *rows = NULL;
    size_t count = 0;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = store_rows(engine->store, LEDGER_USAGE, 0, &arena, &rows, &count, reterr);
    if (code == OFT_OK) {
        code = ledger_usage_print(rows, count, format, out);
    }
    oft_arena_release(&arena);
    return code;
}
