/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `offtake trace`: from a request's id up to the lines that hold it, and from a line's id down to its
 * records. What was booked is rated again from the records themselves, by the deal of their generation,
 * and compared with what the books hold.
 */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "engine/trace_internal.h"

/* Contexts of before may go; those of what follows stay. */
static void let_contexts_go(struct engine *engine)
{
    engine->batch_began = engine->uses;
}

void trace_name_statements(const struct engine *engine, const struct ledger_series_key *key,
                           struct oft_arena *arena, const char *out[4])
{
    const struct deal *deal = engine->deal;
    const char *customer = deal == NULL ? "" : deal->parties[deal->customer_party].name;
    const char *names[] = {key->kind == LEDGER_SALE ? key->account : "", key->party, customer};
    size_t count = 0;
    memset(out, 0, 4 * sizeof(*out));
    for (size_t i = 0; i < OFT_COUNT_OF(names); i++) {
        bool again = false;
        for (size_t j = 0; j < count; j++) {
            again = again || strcmp(out[j], names[i]) == 0;
        }
        if (names[i][0] != '\0' && !again) {
            const char *copy = oft_arena_copy(arena, oft_str_from(names[i]));
            out[count] = copy == NULL ? "" : copy;
            count++;
        }
    }
}

/* ---- a request --------------------------------------------------------------------------------- */

struct booking {
    struct trace_request *request;
    struct oft_arena *arena;
    bool found;
};

/* Puts the transaction's own lines beside the parts. */
static enum oft_err take_booking(void *context, const struct store_transaction *row,
                                 struct oft_error *reterr)
{
    struct booking *booking = context;
    struct trace_request *request = booking->request;
    const struct ledger_transaction *transaction = &row->transaction;
    (void)reterr;
    booking->found = true;
    request->recorded_ns = transaction->recorded_ns;
    memcpy(request->hash, row->hash, sizeof(request->hash));
    return trace_put_lines(transaction, booking->arena, &request->lines, &request->line_count,
                           &request->adds_up);
}

static enum oft_err load_booking(struct engine *engine, struct trace_request *request,
                                 struct oft_arena *arena, struct oft_error *reterr)
{
    struct booking booking = {request, arena, false};
    if (request->number == 0) {
        request->adds_up = true;
        return OFT_OK;
    }
    enum oft_err code = store_transactions_between(engine->store, request->number, request->number,
                                                   take_booking, &booking, reterr);
    if (code == OFT_OK && !booking.found) {
        return oft_fail(reterr, OFT_ERR_CORRUPT,
                        "transaction %llu booked this request and is not in the journal; run "
                        "`offtake ledger verify`",
                        (unsigned long long)request->number);
    }
    return code;
}

static enum oft_err rate(struct engine *engine, struct trace_request *request,
                         struct oft_arena *arena, struct oft_error *reterr)
{
    struct engine_context *context = NULL;
    struct ledger_parts parts = {NULL, 0};
    const struct meter_record *record = &request->settled.record;
    let_contexts_go(engine);
    enum oft_err code = engine_context_get(engine, record->generation, &context, reterr);
    if (code == OFT_ERR_NOT_FOUND) {
        return OFT_OK; /* it was set aside for that */
    }
    if (code == OFT_OK) {
        memcpy(request->deal_sha256, context->deal->text_sha256, sizeof(request->deal_sha256));
        code = ledger_parts_of(context->ledger, record, &parts);
    }
    if (code == OFT_OK) {
        request->lines = oft_arena_alloc_array(arena, parts.count + 1, sizeof(*request->lines));
        code = request->lines == NULL ? OFT_ERR_MEMORY : OFT_OK;
    }
    for (size_t i = 0; code == OFT_OK && i < parts.count; i++) {
        request->lines[i].part = parts.items[i];
        request->lines[i].line = parts.items[i].key;
        request->line_count++;
    }
    ledger_parts_release(&parts);
    if (code == OFT_OK && request->line_count > 0) {
        request->usage = &request->lines[0];
        uint32_t clause =
            deal_find_clause(context->deal, oft_str_from(request->usage->part.key.clause));
        if (clause != DEAL_NONE) {
            request->clause_text = context->deal->clauses[clause].text;
        }
    }
    return code;
}

static enum oft_err name_lines(const struct engine *engine, struct trace_request *request,
                               struct oft_arena *arena)
{
    enum oft_err code = OFT_OK;
    for (size_t i = 0; code == OFT_OK && i < request->line_count; i++) {
        code = ledger_line_id(&request->lines[i].line, request->lines[i].id);
        trace_name_statements(engine, &request->lines[i].line, arena, request->lines[i].statements);
    }
    return code;
}

enum oft_err trace_stand(struct engine *engine, const uint8_t id[16], bool settled,
                         struct trace_request *request, struct oft_arena *arena,
                         struct oft_error *reterr)
{
    struct store *store = engine->store;
    struct store_orphan orphan;
    enum oft_err code = store_orphan_get(store, id, &orphan, reterr);
    if (code != OFT_OK) {
        return code;
    }
    if (orphan.number != 0) {
        request->standing = TRACE_BOOKED_ORPHAN;
        request->number = orphan.number;
        request->settled = (struct trace_sighting){.record = orphan.record};
        return OFT_OK;
    }
    if (!settled) {
        request->standing = TRACE_WAITING;
        return request->intent_count > 0
                   ? OFT_OK
                   : oft_fail(reterr, OFT_ERR_NOT_FOUND,
                              "no record of request %s is in %s or its archive. Requests that were "
                              "refused before their key was accepted have none; records that "
                              "somebody moved out of spool/archive have to be put back",
                              request->id, engine->spool);
    }
    const struct trace_sighting *at = &request->settled;
    code = store_booked_by(store, at->segment, at->slot, &request->number, reterr);
    if (code == OFT_OK) {
        code = store_quarantined(store, at->segment, at->slot, arena, &request->set_aside, reterr);
    }
    request->standing = TRACE_BOOKED;
    if (request->set_aside != NULL) {
        request->standing = TRACE_SET_ASIDE;
        request->number = 0;
    } else if (request->number == 0) {
        request->standing = TRACE_UNREAD;
    }
    return code;
}

static enum oft_err trace_request(struct engine *engine, const uint8_t id[16],
                                  enum ledger_format format, struct oft_arena *arena,
                                  struct oft_buffer *out, bool *ret_sound, struct oft_error *reterr)
{
    struct trace_request *request = oft_arena_alloc(arena, sizeof(*request));
    bool settled = false;
    if (request == NULL) {
        return OFT_ERR_MEMORY;
    }
    (void)oft_hex(id, 16, request->id);
    enum oft_err code = trace_find(engine, id, request, &settled, reterr);
    if (code == OFT_OK) {
        code = trace_stand(engine, id, settled, request, arena, reterr);
    }
    if (code == OFT_OK && request->standing != TRACE_WAITING) {
        code = rate(engine, request, arena, reterr);
    }
    if (code == OFT_OK) {
        code = load_booking(engine, request, arena, reterr);
    }
    if (code == OFT_OK) {
        code = trace_corrections(engine, id, request, arena, reterr);
    }
    if (code == OFT_OK) {
        code = name_lines(engine, request, arena);
    }
    if (code != OFT_OK) {
        return code;
    }
    *ret_sound = request->adds_up;
    if (format == LEDGER_JSON) {
        return trace_json_request(engine, request, out);
    }
    trace_print_request(engine, request, out);
    return OFT_OK;
}

/* ---- a line ------------------------------------------------------------------------------------ */

static enum oft_err find_line(struct engine *engine, const char *prefix, struct oft_arena *arena,
                              struct trace_of_line *line, struct oft_error *reterr)
{
    struct ledger_row *rows = NULL;
    size_t count = 0;
    size_t found = 0;
    enum oft_err code = store_rows(engine->store, 0, 0, arena, &rows, &count, reterr);
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        char id[LEDGER_LINE_ID_BYTES];
        code = ledger_line_id(&rows[i].key, id);
        if (code == OFT_OK && strncmp(id, prefix, strlen(prefix)) == 0) {
            line->row = rows[i];
            memcpy(line->id, id, sizeof(line->id));
            found++;
        }
    }
    if (code == OFT_OK && found == 0) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND,
                        "no statement line has an id that begins with \"%.40s\"; `offtake "
                        "statement` prints them",
                        prefix);
    }
    if (code == OFT_OK && found > 1) {
        return oft_fail(reterr, OFT_ERR_CONFLICT,
                        "%zu statement lines have an id that begins with \"%.40s\"; give more of "
                        "it, as `offtake statement --json` prints it",
                        found, prefix);
    }
    return code;
}

struct reading {
    struct engine *engine;
    struct trace_of_line *line;
    struct ledger_tracer *tracer;
    uint32_t limit;
    uint64_t read;
    struct oft_arena *arena;
    bool has_set_aside; /* the segment that is being read holds records that were not booked */
};

/* The part of one record in the line, for print. */
static enum oft_err show(struct reading *reading, const struct engine_context *context,
                         const struct trace_sighting *sighting, enum trace_how how, uint64_t number)
{
    struct trace_of_line *line = reading->line;
    struct trace_record *shown = &line->records[line->record_count];
    struct ledger_parts parts;
    enum oft_err code = ledger_parts_of(context->ledger, &sighting->record, &parts);
    if (code != OFT_OK) {
        return code;
    }
    shown->at = *sighting;
    shown->number = number;
    shown->how = how;
    for (size_t i = 0; i < parts.count; i++) {
        struct ledger_series_key key = line->row.key;
        key.rate = line->step_count > 0 ? parts.items[i].key.rate : key.rate;
        if (ledger_line_holds(&key, &parts.items[i])) {
            bool back = how == TRACE_TAKEN_BACK;
            shown->quantity = back ? -parts.items[i].quantity : parts.items[i].quantity;
            shown->exact = back ? -parts.items[i].exact : parts.items[i].exact;
            shown->in_steps = parts.items[i].in_steps;
        }
    }
    line->record_count++;
    ledger_parts_release(&parts);
    return OFT_OK;
}

/* The context of GENERATION; what was counted so far is added up when there is no place for one more. */
static enum oft_err context_of(struct reading *reading, uint64_t generation,
                               struct engine_context **ret_context, struct oft_error *reterr)
{
    enum oft_err code = engine_context_get(reading->engine, generation, ret_context, reterr);
    if (code == OFT_ERR_LIMIT) {
        code = ledger_tracer_sum(reading->tracer, &reading->line->traced);
        let_contexts_go(reading->engine);
        if (code == OFT_OK) {
            code = engine_context_get(reading->engine, generation, ret_context, reterr);
        }
    }
    return code;
}

/* NUMBER 0: to be looked up. */
static enum oft_err take_record(struct reading *reading, const struct trace_sighting *sighting,
                                enum trace_how how, uint64_t number, struct oft_error *reterr)
{
    struct engine_context *context = NULL;
    bool touches = false;
    enum oft_err code = context_of(reading, sighting->record.generation, &context, reterr);
    if (code == OFT_ERR_NOT_FOUND) {
        return OFT_OK; /* set aside when it was read */
    }
    if (code == OFT_OK) {
        code = how == TRACE_TAKEN_BACK ? ledger_tracer_reverse(reading->tracer, context->ledger,
                                                               &sighting->record, &touches)
                                       : ledger_tracer_add(reading->tracer, context->ledger,
                                                           &sighting->record, &touches);
    }
    if (code != OFT_OK || !touches || reading->line->record_count == reading->limit) {
        return code;
    }
    if (number == 0) {
        code = store_booked_by(reading->engine->store, sighting->segment, sighting->slot, &number,
                               reterr);
    }
    return code == OFT_OK ? show(reading, context, sighting, how, number) : code;
}

static enum oft_err take_sighting(void *context, const struct trace_sighting *sighting,
                                  struct oft_error *reterr)
{
    struct reading *reading = context;
    const char *why = NULL;
    enum oft_err code = OFT_OK;
    if (meter_record_kind(&sighting->record) == METER_INTENT) {
        return OFT_OK;
    }
    if (reading->has_set_aside) { /* a second settlement, say */
        code = store_quarantined(reading->engine->store, sighting->segment, sighting->slot,
                                 reading->arena, &why, reterr);
    }
    /* A segment that could not be opened stands there with slot 0, and may have been booked since. */
    bool whole = why != NULL && (strcmp(why, "unreadable") == 0 || strcmp(why, "renamed") == 0);
    return code != OFT_OK || (why != NULL && !whole)
               ? code
               : take_record(reading, sighting, TRACE_AS_METERED, 0, reterr);
}

static enum oft_err take_range(void *context, const struct ledger_range *range,
                               struct oft_error *reterr)
{
    struct reading *reading = context;
    bool missing = false;
    reading->read += range->until - range->from;
    if (reading->read > OFT_TRACE_RECORDS_MAX) {
        return oft_fail(reterr, OFT_ERR_LIMIT,
                        "the transactions of line %s read more than %u records, too many to look "
                        "through while requests wait to be booked. Trace single requests of it",
                        reading->line->id, OFT_TRACE_RECORDS_MAX);
    }
    enum oft_err code = store_quarantine_holds(reading->engine->store, range->segment,
                                               &reading->has_set_aside, reterr);
    if (code == OFT_OK) {
        code = trace_read(reading->engine, range, take_sighting, reading, &missing, reterr);
    }
    reading->line->missing += missing ? 1 : 0;
    return code;
}

/* Corrections of the line's transactions: what each took back, and what it put in its place. */
static enum oft_err read_corrections(struct reading *reading, struct oft_arena *arena,
                                     struct oft_error *reterr)
{
    const struct store_line lines = {&reading->line->row.key, reading->line->step_count > 0};
    struct store_correction *rows = NULL;
    size_t count = 0;
    enum oft_err code =
        store_line_corrections(reading->engine->store, &lines, arena, &rows, &count, reterr);
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        const struct trace_sighting was = {.record = rows[i].was};
        const struct trace_sighting is = {.record = rows[i].record};
        if (rows[i].has_was) {
            code = take_record(reading, &was, TRACE_TAKEN_BACK, rows[i].number, reterr);
        }
        if (code == OFT_OK && rows[i].has_record) {
            code = take_record(reading, &is, TRACE_PUT_RIGHT, rows[i].number, reterr);
        }
    }
    return code;
}

static enum oft_err read_records(struct reading *reading, struct oft_arena *arena,
                                 struct oft_error *reterr)
{
    struct trace_of_line *line = reading->line;
    const struct store_line lines = {&line->row.key, line->step_count > 0};
    struct store_orphan *orphans = NULL;
    size_t count = 0;
    let_contexts_go(reading->engine);
    enum oft_err code =
        store_line_ranges(reading->engine->store, &lines, take_range, reading, reterr);
    if (code == OFT_OK) {
        code = store_line_orphans(reading->engine->store, &lines, arena, &orphans, &count, reterr);
    }
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        struct trace_sighting nowhere = {.record = orphans[i].record};
        code = take_record(reading, &nowhere, TRACE_AS_METERED, orphans[i].number, reterr);
    }
    if (code == OFT_OK) {
        code = read_corrections(reading, arena, reterr);
    }
    return code == OFT_OK ? ledger_tracer_sum(reading->tracer, &line->traced) : code;
}

/* A line of a price in steps: into which of them a record's units fell is in the month's count, so all of
 * them are traced together, from the beginning. */
static enum oft_err read_all_steps(struct reading *reading, struct oft_arena *arena,
                                   struct oft_error *reterr)
{
    struct trace_of_line *line = reading->line;
    ledger_tracer_free(reading->tracer);
    reading->tracer = NULL;
    reading->read = 0;
    line->record_count = 0;
    line->missing = 0;
    enum oft_err code = trace_find_steps(reading->engine, line, arena, reterr);
    if (code == OFT_OK) {
        code = ledger_tracer_new(&line->row.key, &reading->tracer);
    }
    if (code != OFT_OK) {
        return code;
    }
    ledger_tracer_all_steps(reading->tracer);
    return read_records(reading, arena, reterr);
}

static enum oft_err fill_line(struct engine *engine, struct reading *reading,
                              struct oft_arena *arena, struct oft_error *reterr)
{
    struct trace_of_line *line = reading->line;
    const struct ledger_series_key *key = &line->row.key;
    line->records =
        oft_arena_alloc_array(arena, (size_t)reading->limit + 1, sizeof(*line->records));
    enum oft_err code = line->records == NULL ? OFT_ERR_MEMORY : OFT_OK;
    if (code == OFT_OK) {
        code = store_line_changes(engine->store, key, reading->limit, &line->change_total, arena,
                                  &line->changes, &line->change_count, reterr);
    }
    line->by_the_clock = key->unit >= LEDGER_GPU_HOUR || key->kind >= LEDGER_SHORTFALL ||
                         (key->kind == LEDGER_SHARE && key->unit != LEDGER_SHARE_PLAIN);
    if (code == OFT_OK && !line->by_the_clock) {
        code = read_records(reading, arena, reterr);
        if (code == OFT_OK && line->traced.in_steps) {
            code = read_all_steps(reading, arena, reterr);
        } else if (code == OFT_OK && line->traced.lacks_steps) {
            code = trace_add_steps(engine, line, arena, reterr);
        }
        line->adds_up = line->step_count > 0 ? trace_steps_add_up(line)
                                             : ledger_line_adds_up(&line->row, &line->traced);
        line->not_compared = code == OFT_OK && line->traced.lacks_steps && !line->adds_up;
        line->adds_up = line->adds_up || line->not_compared;
    } else {
        line->adds_up = code == OFT_OK;
    }
    line->has_unrounded =
        ledger_line_unrounded(&line->row, &line->unrounded, &line->scale) == OFT_OK;
    trace_name_statements(engine, key, arena, line->statements);
    return code;
}

static enum oft_err trace_line(struct engine *engine, const char *prefix, uint32_t limit,
                               enum ledger_format format, struct oft_arena *arena,
                               struct oft_buffer *out, bool *ret_sound, struct oft_error *reterr)
{
    struct trace_of_line *line = oft_arena_alloc(arena, sizeof(*line));
    struct reading reading = {.engine = engine, .line = line, .limit = limit, .arena = arena};
    if (line == NULL) {
        return OFT_ERR_MEMORY;
    }
    enum oft_err code = find_line(engine, prefix, arena, line, reterr);
    if (code == OFT_OK) {
        code = ledger_tracer_new(&line->row.key, &reading.tracer);
    }
    if (code == OFT_OK) {
        code = fill_line(engine, &reading, arena, reterr);
    }
    if (code == OFT_OK) {
        *ret_sound = line->adds_up;
        if (format == LEDGER_JSON) {
            code = trace_json_line(engine, line, out);
        } else {
            trace_print_line(engine, line, out);
        }
    }
    ledger_tracer_free(reading.tracer); /* the traced lines are the tracer's */
    return code;
}

/* ---- which ------------------------------------------------------------------------------------- */

static bool is_hex(const char *text)
{
    return text[strspn(text, "0123456789abcdef")] == '\0';
}

enum oft_err engine_trace(struct engine *engine, const char *what, uint32_t limit,
                          enum ledger_format format, struct oft_buffer *out, bool *ret_sound,
                          struct oft_error *reterr)
{
    uint8_t id[16];
    struct oft_arena arena;
    const char *digits = strncmp(what, "req_", 4) == 0 ? what + 4 : what;
    size_t length = strlen(digits);
    enum oft_err code;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    if (length == 32 && oft_unhex(oft_str_from(digits), id, sizeof(id)) == OFT_OK) {
        code = trace_request(engine, id, format, &arena, out, ret_sound, reterr);
    } else if (digits == what && length >= LEDGER_LINE_PREFIX_MIN &&
               length < LEDGER_LINE_ID_BYTES && is_hex(what)) {
        code = trace_line(engine, what, limit, format, &arena, out, ret_sound, reterr);
    } else {
        code = oft_fail(reterr, OFT_ERR_INVALID,
                        "\"%.60s\" is neither a request's id (req_ and 32 hex digits, from the "
                        "header x-offtake-request-id) nor the id of a statement line (%d to %d "
                        "hex digits, from a statement)",
                        what, LEDGER_LINE_PREFIX_MIN, LEDGER_LINE_ID_BYTES - 1);
    }
    oft_arena_release(&arena);
    return code;
}
