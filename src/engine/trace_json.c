/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was traced, as one JSON object. Amounts and quantities are decimal texts.
 */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "engine/trace_internal.h"

const char *trace_standing_name(enum trace_standing standing)
{
    static const char *const names[] = {"booked", "booked-by-the-orphan-rule",
                                        "waiting-for-its-settlement", "not-drained-yet",
                                        "set-aside"};
    return names[standing];
}

static void put_whole(struct oft_json *json, const char *name, oft_nanos value)
{
    char digits[OFT_NANOS_TEXT_BYTES];
    oft_json_put_text(json, name, oft_i128_format(value, digits));
}

static void put_decimal(struct oft_json *json, const char *name, oft_nanos value, unsigned scale)
{
    char digits[LEDGER_DECIMAL_BYTES];
    oft_json_put_text(json, name, ledger_decimal(value, scale, digits));
}

static void put_hash(struct oft_json *json, const char *name, const uint8_t hash[32])
{
    char hex[OFT_SHA256_HEX_BYTES];
    oft_json_put_text(json, name, oft_hex(hash, 32, hex));
}

static void open_list(struct oft_json *json, const char *name)
{
    oft_json_key(json, name);
    oft_json_open(json, '[');
}

static void put_key(struct oft_json *json, const struct ledger_series_key *key)
{
    char month[OFT_INSTANT_TEXT_BYTES];
    const struct {
        const char *name, *value;
    } texts[] = {{"account", key->account},      {"party", key->party}, {"product", key->product},
                 {"model", key->model},          {"pool", key->pool},   {"clause", key->clause},
                 {"unit", ledger_unit_name(key)}};
    oft_json_put_text(json, "kind", ledger_kind_name(key->kind));
    oft_json_put_text(json, "month", oft_month_format(key->month, month));
    for (size_t i = 0; i < OFT_COUNT_OF(texts); i++) {
        if (texts[i].value[0] != '\0') {
            oft_json_put_text(json, texts[i].name, texts[i].value);
        }
    }
    if (key->kind == LEDGER_SALE || key->kind == LEDGER_COST) {
        oft_json_put_amount(json, "price_per_million", key->rate);
    } else if (key->kind == LEDGER_SHARE) {
        put_whole(json, "rate_ppb", key->rate);
        oft_json_put_text(json, "direction", ledger_direction_name(key->outcome));
    } else if (key->kind == LEDGER_USAGE) {
        oft_json_put_text(json, "outcome", ledger_outcome_name(key->outcome));
    }
}

static void put_units(struct oft_json *json, const int64_t units[METER_UNITS])
{
    oft_json_key(json, "units");
    oft_json_open(json, '{');
    for (uint32_t i = 0; i < METER_UNITS; i++) {
        struct ledger_series_key key = {.kind = LEDGER_SALE, .unit = i};
        oft_json_put_signed(json, ledger_unit_name(&key), units[i]);
    }
    oft_json_close(json, '}');
}

static void put_statements(struct oft_json *json, const char *const statements[4])
{
    open_list(json, "statements");
    for (size_t i = 0; statements[i] != NULL; i++) {
        oft_json_text(json, statements[i]);
    }
    oft_json_close(json, ']');
}

static void put_place(struct oft_json *json, const struct trace_sighting *at)
{
    if (at->segment[0] != '\0') {
        oft_json_put_text(json, "segment", at->segment);
        oft_json_put_number(json, "slot", at->slot);
        oft_json_put_bool(json, "archived", at->archived);
    }
}

/* What a part adds: units and money, requests, or base. */
static void put_part(struct oft_json *json, const struct ledger_part *part)
{
    if (part->key.kind != LEDGER_SHARE && part->key.kind != LEDGER_COMMITMENT) {
        put_whole(json, "quantity", part->quantity);
    }
    if (part->key.kind == LEDGER_USAGE) {
        put_units(json, part->units);
    } else if (part->in_steps) {
        oft_json_put_bool(json, "in_steps", true);
    } else {
        put_decimal(json,
                    part->key.kind == LEDGER_SHARE || part->key.kind == LEDGER_COMMITMENT
                        ? "base_unrounded"
                        : "amount_unrounded",
                    part->exact, 15);
    }
}

/* ---- a request --------------------------------------------------------------------------------- */

static void put_record(struct oft_json *json, const struct trace_sighting *at)
{
    const struct meter_record *record = &at->record;
    put_place(json, at);
    oft_json_put_instant(json, "admitted", record->admitted_ns);
    oft_json_put_instant(json, "written", record->recorded_ns);
    oft_json_put_number(json, "status", record->status);
    oft_json_put_number(json, "upstream_status", record->upstream_status);
    oft_json_put_number(json, "attempts", record->attempts);
    oft_json_put_number(json, "flags", record->flags);
    oft_json_put_number(json, "total_us", record->total_us);
    int64_t units[METER_UNITS];
    put_units(json, trace_units(record, units));
}

static void put_decision(struct oft_json *json, const struct trace_request *request)
{
    const struct ledger_series_key *key = &request->usage->part.key;
    oft_json_key(json, "decision");
    oft_json_open(json, '{');
    oft_json_put_number(json, "generation", request->settled.record.generation);
    put_hash(json, "deal_sha256", request->deal_sha256);
    oft_json_put_text(json, "clause", key->clause);
    oft_json_put_text(json, "reason", request->clause_text);
    oft_json_put_text(json, "pool", key->pool);
    oft_json_put_text(json, "provider_party", key->party);
    oft_json_put_text(json, "account", key->account);
    oft_json_put_text(json, "product", key->product);
    oft_json_put_text(json, "model", key->model);
    oft_json_put_text(json, "outcome", ledger_outcome_name(key->outcome));
    oft_json_close(json, '}');
}

static void put_booking(const struct engine *engine, struct oft_json *json,
                        const struct trace_request *request)
{
    oft_json_key(json, "transaction");
    if (request->number == 0) {
        oft_json_null(json);
        return;
    }
    oft_json_open(json, '{');
    oft_json_put_number(json, "number", request->number);
    oft_json_put_instant(json, "recorded", engine_contract_now(engine, request->recorded_ns));
    put_hash(json, "sha256", request->hash);
    oft_json_close(json, '}');
}

static void put_lines(struct oft_json *json, const struct trace_line *lines, size_t count)
{
    open_list(json, "lines");
    for (size_t i = 0; i < count; i++) {
        const struct trace_line *line = &lines[i];
        oft_json_open(json, '{');
        oft_json_put_text(json, "line", line->id);
        put_key(json, &line->line);
        put_part(json, &line->part);
        put_statements(json, line->statements);
        oft_json_close(json, '}');
    }
    oft_json_close(json, ']');
}

static void put_corrected_units(struct oft_json *json, const char *name, bool has,
                                const struct meter_record *record)
{
    int64_t units[METER_UNITS];
    oft_json_key(json, name);
    if (!has) {
        oft_json_null(json);
        return;
    }
    oft_json_open(json, '{');
    put_units(json, trace_units(record, units));
    oft_json_put_text(json, "service_tier",
                      deal_variant_text((enum deal_variant)record->service_tier));
    oft_json_close(json, '}');
}

static void put_corrections(const struct engine *engine, struct oft_json *json,
                            const struct trace_request *request)
{
    open_list(json, "corrections");
    for (size_t i = 0; i < request->correction_count; i++) {
        const struct trace_correction *correction = &request->corrections[i];
        const struct store_correction *row = correction->row;
        oft_json_open(json, '{');
        oft_json_put_number(json, "transaction", row->number);
        oft_json_put_instant(json, "recorded",
                             engine_contract_now(engine, correction->event->recorded_ns));
        oft_json_put_text(json, "by", correction->event->event.actor);
        oft_json_put_text(json, "reason", row->reason);
        oft_json_put_text(json, "reference", row->reference);
        put_corrected_units(json, "was", row->has_was, &row->was);
        put_corrected_units(json, "is", row->has_record, &row->record);
        put_lines(json, correction->lines, correction->line_count);
        oft_json_close(json, '}');
    }
    oft_json_close(json, ']');
}

enum oft_err trace_json_request(const struct engine *engine, const struct trace_request *request,
                                struct oft_buffer *out)
{
    struct oft_json json = {out, false};
    oft_json_open(&json, '{');
    oft_json_put_text(&json, "request", request->id);
    oft_json_put_text(&json, "standing", trace_standing_name(request->standing));
    oft_json_put_text(&json, "set_aside", request->set_aside);
    oft_json_put_bool(&json, "adds_up", request->adds_up);
    if (request->standing != TRACE_WAITING) {
        oft_json_key(&json, "record");
        oft_json_open(&json, '{');
        put_record(&json, &request->settled);
        oft_json_close(&json, '}');
    }
    open_list(&json, "intents");
    for (size_t i = 0; i < request->intent_count; i++) {
        oft_json_open(&json, '{');
        put_record(&json, &request->intents[i]);
        oft_json_close(&json, '}');
    }
    oft_json_close(&json, ']');
    if (request->usage != NULL) {
        put_decision(&json, request);
    }
    put_booking(engine, &json, request);
    put_lines(&json, request->lines, request->line_count);
    put_corrections(engine, &json, request);
    oft_json_close(&json, '}');
    oft_buffer_append_char(out, '\n');
    return out->failed ? OFT_ERR_LIMIT : OFT_OK;
}

/* ---- a line ------------------------------------------------------------------------------------ */

static void put_totals(struct oft_json *json, const struct trace_of_line *line)
{
    const struct ledger_totals *totals = &line->row.totals;
    bool base = line->row.key.kind == LEDGER_SHARE || line->row.key.kind == LEDGER_COMMITMENT;
    if (base) {
        oft_json_put_amount(json, "base", totals->quantity);
    } else {
        put_whole(json, "quantity", totals->quantity);
    }
    if (line->row.key.kind == LEDGER_USAGE) {
        put_units(json, totals->units);
        return;
    }
    oft_json_put_amount(json, "amount", totals->amount_nanos);
    if (line->has_unrounded) {
        put_decimal(json, "amount_unrounded", line->unrounded, line->scale);
    }
}

static void put_changes(const struct engine *engine, struct oft_json *json,
                        const struct trace_of_line *line)
{
    oft_json_put_number(json, "transaction_count", line->change_total);
    open_list(json, "transactions");
    for (size_t i = 0; i < line->change_count; i++) {
        const struct store_line_change *change = &line->changes[i];
        oft_json_open(json, '{');
        oft_json_put_number(json, "number", change->number);
        oft_json_put_instant(json, "recorded", engine_contract_now(engine, change->recorded_ns));
        put_hash(json, "sha256", change->hash);
        put_whole(json, "quantity_after", change->totals.quantity);
        oft_json_put_amount(json, "amount_after", change->totals.amount_nanos);
        oft_json_close(json, '}');
    }
    oft_json_close(json, ']');
}

static void put_records(struct oft_json *json, const struct trace_of_line *line)
{
    static const char *const HOW[] = {NULL, "taken-back", "put-right"};
    char id[33];
    oft_json_put_number(json, "record_count", line->traced.records);
    open_list(json, "records");
    for (size_t i = 0; i < line->record_count; i++) {
        const struct trace_record *record = &line->records[i];
        struct ledger_part part = {
            .key = line->row.key, .quantity = record->quantity, .exact = record->exact};
        part.in_steps = record->in_steps;
        (void)trace_units(&record->at.record, part.units);
        for (size_t j = 0; record->how == TRACE_TAKEN_BACK && j < METER_UNITS; j++) {
            part.units[j] = -part.units[j];
        }
        oft_json_open(json, '{');
        oft_json_put_text(json, "request", oft_hex(record->at.record.request_id, 16, id));
        oft_json_put_instant(json, "admitted", record->at.record.admitted_ns);
        oft_json_put_number(json, "generation", record->at.record.generation);
        oft_json_put_number(json, "transaction", record->number);
        oft_json_put_text(json, "correction", HOW[record->how]);
        put_place(json, &record->at);
        put_part(json, &part);
        oft_json_close(json, '}');
    }
    oft_json_close(json, ']');
}

static enum oft_err put_parts(struct oft_json *json, const char *name,
                              const struct ledger_part *parts, size_t count)
{
    enum oft_err err = OFT_OK;
    open_list(json, name);
    for (size_t i = 0; err == OFT_OK && i < count; i++) {
        char id[LEDGER_LINE_ID_BYTES];
        err = ledger_line_id(&parts[i].key, id);
        oft_json_open(json, '{');
        oft_json_put_text(json, "line", id);
        put_key(json, &parts[i].key);
        put_part(json, &parts[i]);
        oft_json_close(json, '}');
    }
    oft_json_close(json, ']');
    return err;
}

/* All the steps of a price, which are traced together. */
static void put_steps(struct oft_json *json, const struct trace_of_line *line)
{
    open_list(json, "steps");
    for (size_t i = 0; i < line->step_count; i++) {
        const struct ledger_row *row = &line->steps[i];
        char id[LEDGER_LINE_ID_BYTES] = "";
        if (ledger_line_id(&row->key, id) != OFT_OK) {
            json->out->failed = true;
        }
        oft_json_open(json, '{');
        oft_json_put_text(json, "line", id);
        oft_json_put_amount(json, "price_per_million", row->key.rate);
        put_whole(json, "quantity", row->totals.quantity);
        oft_json_close(json, '}');
    }
    oft_json_close(json, ']');
}

enum oft_err trace_json_line(const struct engine *engine, const struct trace_of_line *line,
                             struct oft_buffer *out)
{
    struct oft_json json = {out, false};
    oft_json_open(&json, '{');
    oft_json_put_text(&json, "line", line->id);
    put_key(&json, &line->row.key);
    put_totals(&json, line);
    put_statements(&json, line->statements);
    oft_json_put_bool(&json, "adds_up", line->adds_up);
    oft_json_put_bool(&json, "by_the_clock", line->by_the_clock);
    oft_json_put_bool(&json, "compared", !line->not_compared);
    put_steps(&json, line);
    oft_json_put_number(&json, "missing_segments", line->missing);
    put_changes(engine, &json, line);
    enum oft_err err = put_parts(&json, "bases", line->traced.bases, line->traced.base_count);
    if (err == OFT_OK) {
        err = put_parts(&json, "counted_from", line->traced.drawn, line->traced.drawn_count);
    }
    put_records(&json, line);
    oft_json_close(&json, '}');
    oft_buffer_append_char(out, '\n');
    return err != OFT_OK ? err : out->failed ? OFT_ERR_LIMIT : OFT_OK;
}
