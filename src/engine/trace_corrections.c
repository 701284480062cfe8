/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Corrections of a request that is traced: by how much each moved which lines, rated again from the two
 * records that it keeps, and whether its transaction changed these lines.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/corrections_internal.h"
#include "engine/trace_internal.h"

/* Adds PART, SIGN times, to the line of its key. LINES has room for one more. */
static enum oft_err add_part(struct trace_correction *correction, const struct ledger_part *part,
                             int sign)
{
    struct trace_line *line = NULL;
    for (size_t i = 0; i < correction->line_count && line == NULL; i++) {
        bool same = memcmp(&correction->lines[i].part.key, &part->key, sizeof(part->key)) == 0;
        line = same ? &correction->lines[i] : NULL;
    }
    if (line == NULL) {
        line = &correction->lines[correction->line_count++];
        line->part = *part;
        line->part.quantity = line->part.exact = 0;
        memset(line->part.units, 0, sizeof(line->part.units));
        line->line = part->key;
    }
    for (size_t i = 0; i < METER_UNITS; i++) {
        if (__builtin_add_overflow(line->part.units[i], sign * part->units[i],
                                   &line->part.units[i])) {
            return OFT_ERR_RANGE;
        }
    }
    enum oft_err code =
        oft_nanos_add(line->part.quantity, sign * part->quantity, &line->part.quantity);
    return code == OFT_OK ? oft_nanos_add(line->part.exact, sign * part->exact, &line->part.exact)
                          : code;
}

static enum oft_err add_parts(struct trace_correction *correction, const struct ledger_parts *parts,
                              int sign)
{
    enum oft_err code = OFT_OK;
    for (size_t i = 0; code == OFT_OK && i < parts->count; i++) {
        code = add_part(correction, &parts->items[i], sign);
    }
    return code;
}

static void drop_unmoved(struct trace_correction *correction)
{
    static const int64_t none[METER_UNITS];
    size_t kept = 0;
    for (size_t i = 0; i < correction->line_count; i++) {
        const struct ledger_part *part = &correction->lines[i].part;
        if (part->quantity != 0 || part->exact != 0 || part->lacks_steps ||
            memcmp(part->units, none, sizeof(none)) != 0) {
            correction->lines[kept++] = correction->lines[i];
        }
    }
    correction->line_count = kept;
}

static enum oft_err rate(struct engine *engine, struct trace_correction *correction,
                         struct oft_arena *arena, struct oft_error *reterr)
{
    const struct store_correction *row = correction->row;
    const struct meter_record *any = row->has_was ? &row->was : &row->record;
    struct engine_context *context = NULL;
    struct ledger_parts was = {NULL, 0};
    struct ledger_parts is = {NULL, 0};
    engine->batch_began = engine->uses;
    enum oft_err code = engine_context_get(engine, any->generation, &context, reterr);
    if (code == OFT_OK && row->has_was) {
        code = ledger_parts_of(context->ledger, &row->was, &was);
    }
    if (code == OFT_OK && row->has_record) {
        code = ledger_parts_of(context->ledger, &row->record, &is);
    }
    if (code == OFT_OK) {
        correction->lines =
            oft_arena_alloc_array(arena, was.count + is.count + 1, sizeof(*correction->lines));
        code = correction->lines == NULL ? OFT_ERR_MEMORY : OFT_OK;
    }
    if (code == OFT_OK) {
        code = add_parts(correction, &was, -1);
    }
    if (code == OFT_OK) {
        code = add_parts(correction, &is, 1);
    }
    drop_unmoved(correction);
    ledger_parts_release(&was);
    ledger_parts_release(&is);
    return code;
}

struct search {
    struct trace_correction *correction;
    struct oft_arena *arena;
    bool all;
};

static enum oft_err take_transaction(void *context, const struct store_transaction *row,
                                     struct oft_error *reterr)
{
    struct search *search = context;
    struct trace_correction *correction = search->correction;
    (void)reterr;
    return trace_put_lines(&row->transaction, search->arena, &correction->lines,
                           &correction->line_count, &search->all);
}

static enum oft_err fill(struct engine *engine, struct trace_correction *correction,
                         struct trace_request *request, struct oft_arena *arena,
                         struct oft_error *reterr)
{
    struct search search = {correction, arena, false};
    enum oft_err code = rate(engine, correction, arena, reterr);
    if (code == OFT_OK) {
        code =
            store_transactions_between(engine->store, correction->row->number,
                                       correction->row->number, take_transaction, &search, reterr);
    }
    for (size_t i = 0; code == OFT_OK && i < correction->line_count; i++) {
        struct trace_line *line = &correction->lines[i];
        code = ledger_line_id(&line->line, line->id);
        trace_name_statements(engine, &line->line, arena, line->statements);
    }
    request->adds_up = request->adds_up && search.all;
    return code;
}

enum oft_err trace_corrections(struct engine *engine, const uint8_t id[16],
                               struct trace_request *request, struct oft_arena *arena,
                               struct oft_error *reterr)
{
    struct store_correction *rows = NULL;
    struct store_event *events = NULL;
    size_t count = 0;
    size_t event_count = 0;
    enum oft_err code = store_corrections(engine->store, id, arena, &rows, &count, reterr);
    if (code == OFT_OK && count > 0) {
        code = store_events(engine->store, 0, UINT64_MAX, arena, &events, &event_count, reterr);
    }
    if (code != OFT_OK || count == 0) {
        return code;
    }
    request->corrections = oft_arena_alloc_array(arena, count, sizeof(*request->corrections));
    if (request->corrections == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        struct trace_correction *correction = &request->corrections[i];
        correction->row = &rows[i];
        correction->event = correction_event(events, event_count, rows[i].number);
        if (correction->event == NULL) {
            return oft_fail(reterr, OFT_ERR_CORRUPT,
                            "the correction of transaction %llu has no event; run `offtake ledger "
                            "verify`",
                            (unsigned long long)rows[i].number);
        }
        code = fill(engine, correction, request, arena, reterr);
        request->correction_count++;
    }
    return code;
}
