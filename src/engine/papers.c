/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements as they were: rows as of a transaction, the deal of a generation, and the life of the
 * statement as of an event, put together into the very bytes of then.
 */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "document/document.h"
#include "engine/papers.h"

enum { WORDS_BYTES_MAX = 1 << 16 };

const char *const ENGINE_FORM_NAMES[ENGINE_FORM_COUNT] = {"text", "json", "csv", "pdf"};

void engine_paper_words(const struct store_statement *row, struct oft_buffer *out)
{
    const struct ledger_statement_input input = {
        .party = row->party,
        .month = row->month,
        .generation = row->generation,
        .transaction_number = row->transaction,
        .as_of = row->as_of_ns,
        .life.number = row->number,
    };
    ledger_statement_basis(&input, out);
    oft_buffer_printf(out, " restates=%llu", (unsigned long long)row->restates);
}

enum oft_err engine_paper_sha256(const struct store_statement *row, uint8_t ret_sha256[32])
{
    struct oft_buffer words;
    oft_buffer_init(&words, WORDS_BYTES_MAX);
    engine_paper_words(row, &words);
    enum oft_err code = words.failed
                            ? OFT_ERR_LIMIT
                            : oft_sha256_once(oft_buffer_text(&words), words.length, ret_sha256);
    oft_buffer_release(&words);
    return code;
}

enum oft_err engine_forms_sha256(const uint8_t forms[ENGINE_FORM_COUNT][32], uint8_t ret_sha256[32])
{
    return oft_sha256_once(forms, (size_t)ENGINE_FORM_COUNT * 32, ret_sha256);
}

/* ---- life ------------------------------------------------------------------------------------- */

/* "statement-approve", or "statement-approve-signed". */
static const char APPROVED[] = "statement-approve";

static void live(struct engine_paper *paper, const struct store_event *event)
{
    struct ledger_life *life = &paper->life;
    struct ledger_act act = {event->event.actor, event->recorded_ns, event->event.is_signed};
    if (strncmp(event->event.what, APPROVED, sizeof(APPROVED) - 1) == 0 &&
        life->approval_count < OFT_COUNT_OF(life->approvals)) {
        life->approvals[life->approval_count++] = act;
        life->status = life->approval_count == 2 ? LEDGER_APPROVED : life->status;
    } else if (strcmp(event->event.what, "statement-final") == 0) {
        life->final = act;
        life->status = LEDGER_FINAL;
    }
    life->through = event->number;
}

enum oft_err engine_paper_load(struct engine *engine, uint64_t number, uint64_t through,
                               struct oft_arena *arena, struct engine_paper *ret_paper,
                               struct oft_error *reterr)
{
    struct store_event *events = NULL;
    struct store_final restated = {0};
    size_t count = 0;
    memset(ret_paper, 0, sizeof(*ret_paper));
    enum oft_err code = store_statement_get(engine->store, number, arena, &ret_paper->row, reterr);
    if (code == OFT_OK) {
        code = store_events(engine->store, number, UINT64_MAX, arena, &events, &count, reterr);
    }
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        if (events[i].number <= through) {
            live(ret_paper, &events[i]);
        }
        ret_paper->last_event = events[i].number;
    }
    ret_paper->life.number = number;
    ret_paper->life.restates = ret_paper->row.restates;
    if (code == OFT_OK && ret_paper->row.restates != 0) {
        code = store_final_get(engine->store, ret_paper->row.restates, "text", arena, &restated,
                               reterr);
        memcpy(ret_paper->life.restated_sha256, restated.sha256, 32);
    }
    return code;
}

/* ---- the input -------------------------------------------------------------------------------- */

/* The deal of that generation as it was published, with what was attested by then. */
static enum oft_err fill_deal(struct engine *engine, uint64_t generation,
                              struct ledger_statement_input *input, struct oft_error *reterr)
{
    struct engine_context *context = NULL;
    engine->batch_began = engine->uses; /* what no batch needs may make room */
    enum oft_err code = engine_context_get(engine, generation, &context, reterr);
    if (code == OFT_OK) {
        input->deal = context->deal;
        input->attested = context->attested;
        input->generation = generation;
    } else if (code == OFT_ERR_NOT_FOUND) {
        code = oft_fail(reterr, OFT_ERR_NOT_FOUND, "these books have no policy generation %llu",
                        (unsigned long long)generation);
    }
    return code;
}

static enum oft_err fill_rows(struct engine *engine, const struct store_statement *row,
                              struct oft_arena *arena, struct ledger_statement_input *input,
                              struct oft_error *reterr)
{
    struct ledger_row *rows = NULL;
    struct ledger_row *commitments = NULL;
    struct ledger_row *before = NULL;
    struct store_statement old;
    enum oft_err code = store_rows_at(engine->store, 0, row->month, row->transaction, arena, &rows,
                                      &input->row_count, reterr);
    if (code == OFT_OK) {
        code = store_rows_at(engine->store, LEDGER_COMMITMENT, 0, row->transaction, arena,
                             &commitments, &input->commitment_row_count, reterr);
    }
    if (code == OFT_OK && row->restates != 0) {
        code = store_statement_get(engine->store, row->restates, arena, &old, reterr);
        if (code == OFT_OK) {
            code = store_rows_at(engine->store, 0, row->month, old.transaction, arena, &before,
                                 &input->before_row_count, reterr);
            input->before_restates = old.restates != 0;
        }
    }
    input->rows = rows;
    input->commitment_rows = commitments;
    input->before_rows = before;
    return code;
}

/* ---- paper ------------------------------------------------------------------------------------ */

static void sheet_banner(void *context, const char *text)
{
    document_banner(context, text);
}

static void sheet_heading(void *context, const char *text)
{
    document_heading(context, text);
}

static void sheet_row(void *context, const char *name, const char *value)
{
    document_row(context, name, value);
}

static void sheet_paragraph(void *context, const char *text)
{
    document_paragraph(context, text);
}

static void sheet_code(void *context, const char *text)
{
    document_code(context, text);
}

static void sheet_table(void *context, const struct ledger_column *columns, size_t count)
{
    struct document_column copies[DOCUMENT_COLUMNS_MAX] = {{0}};
    OFT_ASSERT(count <= DOCUMENT_COLUMNS_MAX);
    for (size_t i = 0; i < count; i++) {
        copies[i] = (struct document_column){columns[i].title, columns[i].width, columns[i].figure};
    }
    document_table(context, copies, count);
}

static void sheet_cells(void *context, const char *const *cells, bool is_sum)
{
    document_cells(context, cells, is_sum);
}

static enum oft_err print_pdf(const struct ledger_statement_input *input, struct oft_buffer *out,
                              struct oft_error *reterr)
{
    struct document *document = NULL;
    struct oft_buffer title;
    struct oft_buffer basis;
    char footer[160];
    char month[OFT_INSTANT_TEXT_BYTES];
    enum oft_err code = document_new("", input->as_of, &document);
    if (code != OFT_OK) {
        return code;
    }
    const struct ledger_sheet sheet = {document,        sheet_banner, sheet_heading, sheet_row,
                                       sheet_paragraph, sheet_code,   sheet_table,   sheet_cells};
    oft_buffer_init(&title, WORDS_BYTES_MAX);
    oft_buffer_init(&basis, WORDS_BYTES_MAX);
    code = ledger_statement_sheet(input, &sheet, &title, &basis, reterr);
    if (code == OFT_OK) {
        (void)snprintf(footer, sizeof(footer), "%.64s, %s, transaction %llu", input->party,
                       oft_month_format(input->month, month),
                       (unsigned long long)input->transaction_number);
        document_title(document, oft_buffer_text(&title));
        document_keywords(document, oft_buffer_text(&basis));
        document_footer(document, footer);
        code = document_pdf(document, out, reterr);
    }
    oft_buffer_release(&title);
    oft_buffer_release(&basis);
    document_free(document);
    return code;
}

static enum oft_err print_in(const struct ledger_statement_input *input, enum engine_form form,
                             struct oft_buffer *out, struct oft_error *reterr)
{
    switch (form) {
    case ENGINE_TEXT:
        return ledger_statement(input, LEDGER_TEXT, out, reterr);
    case ENGINE_JSON:
        return ledger_statement(input, LEDGER_JSON, out, reterr);
    case ENGINE_CSV:
        return ledger_statement(input, LEDGER_CSV, out, reterr);
    case ENGINE_PDF:
        return print_pdf(input, out, reterr);
    case ENGINE_FORM_COUNT:
        break;
    }
    return OFT_ERR_INVALID;
}

enum oft_err engine_paper_print(struct engine *engine, const struct engine_paper *paper,
                                enum engine_form form, struct oft_buffer *out,
                                struct oft_error *reterr)
{
    const struct store_statement *row = &paper->row;
    struct oft_arena arena;
    oft_instant recorded_ns = 0;
    struct ledger_statement_input input = {.party = row->party,
                                           .month = row->month,
                                           .life = paper->life,
                                           .as_of = row->as_of_ns,
                                           .transaction_number = row->transaction,
                                           .rehearsal = engine->rehearsal};
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = fill_deal(engine, row->generation, &input, reterr);
    if (code == OFT_OK) {
        code = fill_rows(engine, row, &arena, &input, reterr);
    }
    if (code == OFT_OK) {
        code = store_chain_at(engine->store, row->transaction, input.journal_sha256, &recorded_ns,
                              reterr);
    }
    if (code == OFT_OK) {
        code = print_in(&input, form, out, reterr);
    }
    oft_arena_release(&arena);
    return code;
}

/* ---- as asked --------------------------------------------------------------------------------- */

/* What the newest transaction and policy make of it. */
static enum oft_err row_of_today(struct engine *engine, struct store_statement *row,
                                 struct oft_error *reterr)
{
    uint8_t hash[32];
    oft_instant recorded_ns = 0;
    enum oft_err code =
        store_chain_head(engine->store, &row->transaction, hash, &recorded_ns, reterr);
    row->as_of_ns = engine_contract_now(engine, recorded_ns);
    row->generation = engine->generation;
    return code;
}

static enum oft_err row_of_then(struct engine *engine, const struct engine_basis *basis,
                                struct store_statement *row, struct oft_error *reterr)
{
    uint8_t hash[32];
    oft_instant recorded_ns = 0;
    row->transaction = basis->transaction;
    row->generation = basis->generation;
    enum oft_err code = store_chain_at(engine->store, row->transaction, hash, &recorded_ns, reterr);
    row->as_of_ns = engine->rehearsal ? basis->as_of : recorded_ns;
    return code;
}

enum oft_err engine_paper(struct engine *engine, const struct engine_basis *basis,
                          enum engine_form form, oft_instant now_ns, struct oft_buffer *out,
                          struct oft_error *reterr)
{
    struct engine_paper paper = {.row = {.party = basis->party, .month = basis->month}};
    struct oft_arena arena;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = engine->deal != NULL
                            ? OFT_OK
                            : oft_fail(reterr, OFT_ERR_INVALID, "no policy was published yet");
    if (code == OFT_OK && basis->number != 0) {
        code = engine_paper_load(engine, basis->number, basis->life, &arena, &paper, reterr);
    } else if (code == OFT_OK && basis->as_was) {
        code = row_of_then(engine, basis, &paper.row, reterr);
    } else if (code == OFT_OK) {
        code = engine_accrue(engine, now_ns, reterr);
        if (code == OFT_OK) {
            code = row_of_today(engine, &paper.row, reterr);
        }
    }
    if (code == OFT_OK) {
        code = engine_paper_print(engine, &paper, form, out, reterr);
    }
    oft_arena_release(&arena);
    return code;
}
