/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was traced, for people: within 80 columns, amounts unrounded where they are of one record.
 */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "engine/corrections_internal.h"
#include "engine/trace_internal.h"
#include "ledger/statement.h"

static void put(struct oft_buffer *out, const char *name, const char *format, ...) OFT_PRINTF(3, 4);

static void put(struct oft_buffer *out, const char *name, const char *format, ...)
{
    va_list arguments;
    oft_buffer_printf(out, "%-12s  ", name);
    va_start(arguments, format);
    oft_buffer_vprintf(out, format, arguments);
    va_end(arguments);
    oft_buffer_append_char(out, '\n');
}

/* "acme, lab" */
static void put_statements(struct oft_buffer *out, const char *const statements[4], int32_t month)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    for (size_t i = 0; statements[i] != NULL; i++) {
        oft_buffer_printf(out, "%s%s", i > 0 ? ", " : "", statements[i]);
    }
    oft_buffer_printf(out, " for %s\n", oft_month_format(month, text));
}

/* What a line is about, in one or two short lines. */
static void put_subject(struct oft_buffer *out, const struct ledger_series_key *key)
{
    switch (key->kind) {
    case LEDGER_SALE:
        oft_buffer_printf(out, "sale of %s, %s to %s", key->product, key->model, key->account);
        break;
    case LEDGER_COST:
        oft_buffer_printf(out, "cost of %s%s%s, owed to %s", key->pool, key->model[0] ? ", " : "",
                          key->model, key->party);
        break;
    case LEDGER_SHARE:
        oft_buffer_printf(out, "%s of a revenue share%s%s", key->product[0] ? "base" : "amount",
                          key->product[0] ? " by " : "", key->product);
        break;
    case LEDGER_COMMITMENT:
        oft_buffer_append_text(out, "spend that counts towards a commitment");
        break;
    case LEDGER_SHORTFALL:
        oft_buffer_printf(out, "due of a commitment, owed to %s: %s", key->party,
                          print_due_text(key->outcome));
        break;
    case LEDGER_SHARE_TERM:
    case LEDGER_PAYMENT:
    case LEDGER_DEDUCTION:
        oft_buffer_printf(out, "of revenue shares: %s", print_settling_text(key));
        break;
    case LEDGER_FUND_CALL:
    case LEDGER_FUND_PAYMENT:
    case LEDGER_FUND_DRAW:
        oft_buffer_printf(out, "of the programme %s: %s %s", key->clause,
                          key->kind == LEDGER_FUND_CALL      ? "called, part of"
                          : key->kind == LEDGER_FUND_PAYMENT ? "paid by"
                                                             : "drawn for",
                          key->kind == LEDGER_FUND_PAYMENT ? key->party : key->product);
        break;
    case LEDGER_USAGE:
        oft_buffer_printf(out, "usage of %s, %s: %s", key->product[0] ? key->product : "-",
                          key->pool[0] ? key->pool : "no pool", ledger_outcome_name(key->outcome));
        break;
    }
}

static void put_units(struct oft_buffer *out, const int64_t units[METER_UNITS])
{
    const char *between = "";
    for (uint32_t i = 0; i < METER_UNITS; i++) {
        struct ledger_series_key key = {.kind = LEDGER_SALE, .unit = i};
        if (units[i] != 0) {
            oft_buffer_printf(out, "%s%s %lld", between, ledger_unit_name(&key),
                              (long long)units[i]);
            between = ", ";
        }
    }
    oft_buffer_append_text(out, between[0] == '\0' ? "none\n" : "\n");
}

const int64_t *trace_units(const struct meter_record *record, int64_t out[METER_UNITS])
{
    for (uint32_t i = 0; i < METER_UNITS; i++) {
        out[i] = record->units[i] > INT64_MAX ? INT64_MAX : (int64_t)record->units[i];
    }
    return out;
}

/* ---- a request --------------------------------------------------------------------------------- */

static void put_places(struct oft_buffer *out, const struct trace_request *request)
{
    for (size_t i = 0; i < request->intent_count; i++) {
        const struct trace_sighting *at = &request->intents[i];
        put(out, "Attempt", "%s, slot %u%s", at->segment, at->slot,
            at->archived ? " (archive)" : "");
    }
    const struct trace_sighting *at = &request->settled;
    if (request->standing != TRACE_WAITING && at->segment[0] != '\0') {
        put(out, "Record", "%s, slot %u%s", at->segment, at->slot,
            at->archived ? " (archive)" : "");
    }
}

static void put_decision(struct oft_buffer *out, const struct trace_request *request)
{
    const struct meter_record *record = &request->settled.record;
    const struct ledger_series_key *key = &request->usage->part.key;
    char hex[OFT_SHA256_HEX_BYTES];
    put(out, "Policy", "generation %llu", (unsigned long long)record->generation);
    put(out, "Deal hash", "%s", oft_hex(request->deal_sha256, 32, hex));
    put(out, "Account", "%s", key->account);
    put(out, "Product", "%s", key->product);
    put(out, "Model", "%s", key->model[0] ? key->model : "-");
    put(out, "Pool", "%s", key->pool[0] ? key->pool : "none");
    put(out, "Decided by", "%s", key->clause[0] ? key->clause : "no clause");
    if (request->clause_text != NULL) {
        print_wrapped(out, 14, 14, request->clause_text);
    }
    put(out, "Outcome", "%s; status %u, provider's %u, attempts %u",
        ledger_outcome_name(key->outcome), record->status, record->upstream_status,
        record->attempts);
}

static void put_standing(const struct engine *engine, struct oft_buffer *out,
                         const struct trace_request *request)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    char hex[OFT_SHA256_HEX_BYTES];
    switch (request->standing) {
    case TRACE_BOOKED_ORPHAN:
    case TRACE_BOOKED:
        put(out, "Booked by", "transaction %llu%s", (unsigned long long)request->number,
            request->standing == TRACE_BOOKED ? "" : ", by the orphan rule");
        put(out, "Recorded", "%s",
            oft_instant_format(engine_contract_now(engine, request->recorded_ns), text));
        put(out, "Hash", "%s", oft_hex(request->hash, 32, hex));
        break;
    case TRACE_WAITING:
        put(out, "Booked by", "nothing: it has an attempt and no end yet");
        break;
    case TRACE_UNREAD:
        put(out, "Booked by", "nothing yet: `offtake drain` books it");
        break;
    case TRACE_SET_ASIDE:
        put(out, "Booked by", "nothing: it was set aside (%s)", request->set_aside);
        break;
    }
}

static void put_request_line(struct oft_buffer *out, const struct trace_line *line)
{
    const struct ledger_part *part = &line->part;
    char price[OFT_NANOS_TEXT_BYTES];
    char digits[LEDGER_DECIMAL_BYTES];
    oft_buffer_printf(out, "  %.8s  ", line->id);
    put_subject(out, &line->line);
    oft_buffer_append_char(out, '\n');
    if (line->line.clause[0] != '\0') {
        oft_buffer_printf(out, "            under %s\n", line->line.clause);
    }
    if (part->in_steps) {
        char count[OFT_NANOS_TEXT_BYTES];
        oft_buffer_printf(out, "            of %s %s, in steps by volume: this one %s / 1M\n",
                          oft_i128_format(part->quantity, count), ledger_unit_name(&part->key),
                          oft_nanos_format(line->line.rate, price));
    } else if (part->key.kind == LEDGER_SALE || part->key.kind == LEDGER_COST) {
        char left[128];
        char count[OFT_NANOS_TEXT_BYTES];
        (void)snprintf(left, sizeof(left), "%s %s x %s / 1M", ledger_unit_name(&part->key),
                       oft_i128_format(part->quantity, count),
                       oft_nanos_format(part->key.rate, price));
        oft_buffer_printf(out, "            %-40s%28s\n", left,
                          ledger_decimal(part->exact, 15, digits));
    } else if (part->key.kind != LEDGER_USAGE) {
        oft_buffer_printf(out, "            %-40s%28s\n", "base",
                          ledger_decimal(part->exact, 15, digits));
    }
    if (part->key.kind == LEDGER_SHARE && part->key.product[0] == '\0') {
        oft_nanos share;
        if (oft_nanos_mul(part->exact, part->key.rate, &share) == OFT_OK &&
            oft_nanos_mul_div_half_even(share, 1, 1000000, &share) == OFT_OK) {
            oft_buffer_printf(out, "            %-40s%28s\n", "of it, to 18 decimals",
                              ledger_decimal(share, 18, digits));
        }
    }
    oft_buffer_append_text(out, "            on the statements of ");
    put_statements(out, line->statements, line->line.month);
}

static void put_corrections(const struct engine *engine, struct oft_buffer *out,
                            const struct trace_request *request)
{
    for (size_t i = 0; i < request->correction_count; i++) {
        const struct trace_correction *correction = &request->corrections[i];
        char at[OFT_INSTANT_TEXT_BYTES];
        oft_buffer_printf(
            out, "\nCorrected by %s, %s, transaction %llu\n", correction->event->event.actor,
            oft_instant_format(engine_contract_now(engine, correction->event->recorded_ns), at),
            (unsigned long long)correction->row->number);
        print_wrapped(out, 2, 2, correction->row->reason);
        correction_put_wrapped(out, 2, correction->row);
        for (size_t j = 0; j < correction->line_count; j++) {
            put_request_line(out, &correction->lines[j]);
        }
    }
}

void trace_print_request(const struct engine *engine, const struct trace_request *request,
                         struct oft_buffer *out)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    int64_t units[METER_UNITS];
    const struct meter_record *record =
        request->standing == TRACE_WAITING ? &request->intents[0].record : &request->settled.record;
    oft_buffer_printf(out, "Request req_%s\n\n", request->id);
    put(out, "Admitted", "%s", oft_instant_format(record->admitted_ns, text));
    put_places(out, request);
    if (request->usage != NULL) {
        put_decision(out, request);
    }
    oft_buffer_printf(out, "%-12s  ", request->standing == TRACE_WAITING ? "Estimate" : "Units");
    put_units(out, trace_units(record, units));
    put_standing(engine, out, request);
    if (request->line_count > 0) {
        oft_buffer_append_text(out, "\nWhat it came to, unrounded, and the lines that hold it\n");
    }
    for (size_t i = 0; i < request->line_count; i++) {
        put_request_line(out, &request->lines[i]);
    }
    put_corrections(engine, out, request);
    if (!request->adds_up) {
        oft_buffer_append_text(out, "\nIT DOES NOT ADD UP: the transaction lacks a line of it. Run "
                                    "`offtake ledger\nverify`.\n");
    }
}

/* ---- a line ------------------------------------------------------------------------------------ */

static void put_totals(struct oft_buffer *out, const struct trace_of_line *line)
{
    const struct ledger_series_key *key = &line->row.key;
    const struct ledger_totals *totals = &line->row.totals;
    char digits[LEDGER_DECIMAL_BYTES];
    char amount[OFT_NANOS_TEXT_BYTES];
    bool base = key->kind == LEDGER_SHARE || key->kind == LEDGER_COMMITMENT;
    oft_buffer_printf(out, "%-12s  %s\n", base ? "Base" : "Quantity",
                      base ? oft_nanos_format_grouped(totals->quantity, amount)
                           : oft_i128_format(totals->quantity, amount));
    if (key->kind == LEDGER_USAGE) {
        oft_buffer_printf(out, "%-12s  ", "Units");
        put_units(out, totals->units);
        return;
    }
    if (key->kind == LEDGER_SALE || key->kind == LEDGER_COST) {
        put(out, "Price", "%s / 1M %s", oft_nanos_format_grouped(key->rate, amount),
            ledger_unit_name(key));
    } else if (key->kind == LEDGER_SHARE) {
        oft_nanos percent = key->rate * 100;
        put(out, "Rate", "%s%%", oft_nanos_format(percent, amount));
    }
    if (base && key->product[0] != '\0') {
        return; /* its share has the amount */
    }
    put(out, "Amount", "%s", oft_nanos_format_grouped(totals->amount_nanos, amount));
    if (line->has_unrounded) {
        oft_nanos scale = line->scale == 18 ? 1000000000 : 1000000;
        oft_nanos rounded;
        put(out, "Unrounded", "%s", ledger_decimal(line->unrounded, line->scale, digits));
        if (oft_nanos_mul(totals->amount_nanos, scale, &rounded) == OFT_OK &&
            oft_nanos_sub(rounded, line->unrounded, &rounded) == OFT_OK) {
            bool capped = rounded <= -scale;
            put(out, capped ? "Cap" : "Rounding", "%s",
                ledger_decimal(rounded, line->scale, digits));
        }
    }
}

static void put_changes(const struct engine *engine, struct oft_buffer *out,
                        const struct trace_of_line *line)
{
    oft_buffer_printf(out, "\nTransactions: %llu", (unsigned long long)line->change_total);
    oft_buffer_printf(out, line->change_count < line->change_total ? ", the first %zu:\n" : "\n",
                      line->change_count);
    for (size_t i = 0; i < line->change_count; i++) {
        const struct store_line_change *change = &line->changes[i];
        char at[OFT_INSTANT_TEXT_BYTES];
        char hex[OFT_SHA256_HEX_BYTES];
        char amount[OFT_NANOS_TEXT_BYTES];
        oft_buffer_printf(out, "  %8llu  %-30s  %.12s  %s\n", (unsigned long long)change->number,
                          oft_instant_format(engine_contract_now(engine, change->recorded_ns), at),
                          oft_hex(change->hash, 32, hex),
                          line->row.key.kind == LEDGER_USAGE
                              ? oft_i128_format(change->totals.quantity, amount)
                              : oft_nanos_format_grouped(change->totals.amount_nanos, amount));
    }
}

static void put_parts(struct oft_buffer *out, const char *title, const struct ledger_part *parts,
                      size_t count)
{
    if (count > 0) {
        oft_buffer_printf(out, "\n%s\n", title);
    }
    for (size_t i = 0; i < count; i++) {
        char id[LEDGER_LINE_ID_BYTES];
        char digits[LEDGER_DECIMAL_BYTES];
        if (ledger_line_id(&parts[i].key, id) != OFT_OK) {
            out->failed = true;
        }
        oft_buffer_printf(out, "  %.8s  ", id);
        put_subject(out, &parts[i].key);
        oft_buffer_printf(out, "\n            %-40s%28s\n", ledger_unit_name(&parts[i].key),
                          ledger_decimal(parts[i].exact, 15, digits));
    }
}

static void put_records(struct oft_buffer *out, const struct trace_of_line *line)
{
    bool units = line->row.key.kind == LEDGER_SALE || line->row.key.kind == LEDGER_COST;
    oft_buffer_printf(out, "\nRecords: %llu", (unsigned long long)line->traced.records);
    oft_buffer_printf(out, line->record_count < line->traced.records ? ", the first %zu:\n" : "\n",
                      line->record_count);
    for (size_t i = 0; i < line->record_count; i++) {
        const struct trace_record *record = &line->records[i];
        char id[33];
        char at[OFT_INSTANT_TEXT_BYTES];
        char count[OFT_NANOS_TEXT_BYTES] = "";
        char digits[LEDGER_DECIMAL_BYTES] = "";
        (void)oft_hex(record->at.record.request_id, 16, id);
        oft_buffer_printf(out, "  req_%s  %s\n", id,
                          oft_instant_format(record->at.record.admitted_ns, at));
        if (line->row.key.kind != LEDGER_USAGE && !record->in_steps) {
            (void)ledger_decimal(record->exact, 15, digits);
        }
        if (units) {
            (void)oft_i128_format(record->quantity, count);
        }
        oft_buffer_printf(out, "      transaction %-10llu %18s %32s\n",
                          (unsigned long long)record->number, count, digits);
        if (record->how != TRACE_AS_METERED) {
            oft_buffer_printf(out, "      %s\n",
                              record->how == TRACE_TAKEN_BACK ? "taken back by a correction"
                                                              : "as it was put right");
        }
    }
}

/* All the steps of a price, which are traced together. */
static void put_steps(struct oft_buffer *out, const struct trace_of_line *line)
{
    if (line->step_count > 0) {
        oft_buffer_append_text(out,
                               "\nIn steps by volume: which step a record's units fell into is "
                               "in the month's count,\nso these lines are held against all "
                               "their records together\n");
    }
    for (size_t i = 0; i < line->step_count; i++) {
        const struct ledger_row *row = &line->steps[i];
        char id[LEDGER_LINE_ID_BYTES];
        char count[OFT_NANOS_TEXT_BYTES];
        char price[OFT_NANOS_TEXT_BYTES];
        if (ledger_line_id(&row->key, id) != OFT_OK) {
            out->failed = true;
        }
        oft_buffer_printf(out, "  %.8s  %24s x %s / 1M\n", id,
                          oft_i128_format(row->totals.quantity, count),
                          oft_nanos_format_grouped(row->key.rate, price));
    }
}

static void put_verdict(struct oft_buffer *out, const struct trace_of_line *line)
{
    if (line->by_the_clock) {
        if (line->row.key.kind >= LEDGER_FUND_CALL) {
            oft_buffer_append_text(out,
                                   "\nIt was told, or is a call of the deal's text: no records "
                                   "are behind it.\n`offtake programme` shows the rest.\n");
            return;
        }
        if (line->row.key.kind >= LEDGER_SHARE_TERM || line->row.key.kind == LEDGER_SHARE) {
            oft_buffer_append_text(out,
                                   "\nIt follows from other lines of its clause and from what was "
                                   "told: no records are\nbehind it. `offtake shares` shows "
                                   "how; its bases have records.\n");
            return;
        }
        if (line->row.key.kind == LEDGER_SHORTFALL) {
            oft_buffer_append_text(out, "\nWhat is due follows from what counted and the clock: no "
                                        "records are behind it.\n`offtake commitments` shows "
                                        "how.\n");
            return;
        }
        oft_buffer_append_text(out, "\nHours of capacity follow from the order and the clock: no "
                                    "records are behind them.\n`offtake order` lists orders.\n");
        return;
    }
    if (line->missing > 0) {
        oft_buffer_printf(out,
                          "\nIT CANNOT BE SHOWN WHOLE: %llu segments of spool/archive are not "
                          "there.\nPut them back to trace their records.\n",
                          (unsigned long long)line->missing);
    } else if (line->not_compared) {
        oft_buffer_append_text(
            out, "\nNOT COMPARED: records here are at a price in steps by volume, and "
                 "only a part of\nthe lines of its steps was counted. Trace these "
                 "lines by themselves.\n");
    } else if (!line->adds_up) {
        oft_buffer_append_text(out, "\nIT DOES NOT ADD UP: the records come to something else than "
                                    "the line. Run\n`offtake ledger verify`.\n");
    } else {
        oft_buffer_printf(out,
                          "\nRated again, %llu records come to exactly what this line holds.\n",
                          (unsigned long long)line->traced.records);
    }
}

void trace_print_line(const struct engine *engine, const struct trace_of_line *line,
                      struct oft_buffer *out)
{
    const struct ledger_series_key *key = &line->row.key;
    oft_buffer_printf(out, "Line %s: ", line->id);
    put_subject(out, key);
    oft_buffer_append_text(out, "\n\n");
    put(out, "Clause", "%s", key->clause[0] ? key->clause : "-");
    oft_buffer_printf(out, "%-12s  ", "Statements");
    put_statements(out, line->statements, key->month);
    put_totals(out, line);
    put_changes(engine, out, line);
    put_steps(out, line);
    put_parts(out, "Bases, before each is rounded", line->traced.bases, line->traced.base_count);
    put_parts(out, "Counted from", line->traced.drawn, line->traced.drawn_count);
    if (!line->by_the_clock) {
        put_records(out, line);
    }
    put_verdict(out, line);
}
