/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FOCUS files: rows from the store through focus/.
 */
#include "focus/focus.h"
#include "engine/internal.h"

static enum oft_err fill(struct engine *engine, struct oft_arena *arena, struct focus_input *input,
                         struct oft_error *reterr)
{
    struct ledger_row *rows = NULL;
    struct ledger_row *commitments = NULL;
    oft_instant recorded_ns = 0;
    enum oft_err code =
        store_rows(engine->store, 0, input->month, arena, &rows, &input->row_count, reterr);
    if (code == OFT_OK) {
        code = store_rows(engine->store, LEDGER_COMMITMENT, 0, arena, &commitments,
                          &input->commitment_row_count, reterr);
    }
    if (code == OFT_OK) {
        code = store_chain_head(engine->store, &input->transaction_number, input->journal_sha256,
                                &recorded_ns, reterr);
    }
    input->rows = rows;
    input->commitment_rows = commitments;
    input->as_of = engine_contract_now(engine, recorded_ns);
    return code;
}

enum oft_err engine_focus(struct engine *engine, const char *dataset_name, const char *version_text,
                          int32_t month, bool by_day, oft_instant now_ns, struct oft_buffer *out,
                          struct oft_error *reterr)
{
    struct engine_hours hours = {0};
    enum focus_dataset dataset;
    focus_version version;
    if (engine->deal == NULL) {
        return oft_fail(reterr, OFT_ERR_INVALID, "no policy was published yet");
    }
    if (focus_dataset_parse(dataset_name, &dataset) != OFT_OK) {
        return oft_fail(reterr, OFT_ERR_INVALID,
                        "\"%.40s\" is no dataset; cost-and-usage or contract-commitment",
                        dataset_name);
    }
    if (focus_version_parse(version_text, &version) != OFT_OK) {
        return oft_fail(reterr, OFT_ERR_INVALID,
                        "\"%.20s\" is no version of FOCUS; write 1.2 or 1.4", version_text);
    }
    enum oft_err code = engine_accrue(engine, now_ns, reterr);
    if (code != OFT_OK) {
        return code;
    }
    struct oft_arena arena;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    struct focus_input input = {.deal = engine->deal,
                                .attested = engine_attested_now(engine),
                                .month = month,
                                .rehearsal = engine->rehearsal};
    code = fill(engine, &arena, &input, reterr);
    if (code == OFT_OK && by_day && dataset == FOCUS_COST_AND_USAGE) {
        code = engine_hours_read(engine, month, now_ns, &arena, &hours, reterr);
    }
    if (code == OFT_OK && hours.hours != NULL) {
        input.hours = ledger_hours_lines(hours.hours, &input.hours_count);
    }
    if (code == OFT_OK) {
        code = focus_export(&input, dataset, version, out, reterr);
    }
    oft_arena_release(&arena);
    ledger_hours_free(hours.hours);
    return code;
}
