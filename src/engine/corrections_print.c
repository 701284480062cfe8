/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Corrections of usage, told: what was, what is, who, why. And whether the books still say what was told.
 */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "engine/corrections_internal.h"
#include "engine/papers.h"
#include "ledger/statement.h"
#include "ledger/trace.h"

/* The word of unit class UNIT, as prices have it. */
static const char *unit_name(uint32_t unit)
{
    const struct ledger_series_key key = {.kind = LEDGER_SALE, .unit = unit};
    return ledger_unit_name(&key);
}

bool engine_correction_set(struct engine_correction *correction, const char *name, uint64_t units)
{
    for (uint32_t i = 0; i < METER_UNITS; i++) {
        if (strcmp(name, unit_name(i)) == 0) {
            correction->sets[i] = true;
            correction->units[i] = units;
            return true;
        }
    }
    return false;
}

static const char *tier_name(const struct meter_record *record)
{
    return deal_variant_text((enum deal_variant)record->service_tier);
}

json_t *correction_record_json(bool has, const struct meter_record *record)
{
    if (!has) {
        return json_null();
    }
    json_t *units = json_object();
    for (uint32_t i = 0; i < METER_UNITS; i++) {
        (void)json_object_set_new(units, unit_name(i), json_integer((json_int_t)record->units[i]));
    }
    return json_pack("{s:o, s:s}", "units", units, "service_tier", tier_name(record));
}

static void put_unit(struct oft_buffer *out, const char **between,
                     const struct store_correction *correction, uint32_t unit)
{
    uint64_t was = correction->has_was ? correction->was.units[unit] : 0;
    uint64_t is = correction->has_record ? correction->record.units[unit] : 0;
    if (was != is) {
        oft_buffer_printf(out, "%s%s %llu -> %llu", *between, unit_name(unit),
                          (unsigned long long)was, (unsigned long long)is);
        *between = ", ";
    }
}

static void put_difference(struct oft_buffer *out, const struct store_correction *correction)
{
    const char *between = "";
    bool both = correction->has_was && correction->has_record;
    if (!both) {
        oft_buffer_append_text(out, correction->has_record ? "booked again" : "void");
        between = ": ";
    }
    for (uint32_t i = 0; i < METER_UNITS; i++) {
        put_unit(out, &between, correction, i);
        between = between[0] == ':' ? ": " : between;
    }
    if (both && correction->was.service_tier != correction->record.service_tier) {
        oft_buffer_printf(out, "%s%s -> %s", between, tier_name(&correction->was),
                          tier_name(&correction->record));
        between = ", ";
    }
    if (between[0] == '\0') {
        oft_buffer_append_text(out, "the same units, no longer a guess");
    }
}

void correction_put_wrapped(struct oft_buffer *out, size_t indent,
                            const struct store_correction *correction)
{
    struct oft_buffer text;
    oft_buffer_init(&text, 4096);
    put_difference(&text, correction);
    print_wrapped(out, indent, indent, oft_buffer_text(&text));
    oft_buffer_release(&text);
}

/* ---- the list ---------------------------------------------------------------------------------- */

/* A correction with its event, which says who and when. */
struct told {
    const struct store_correction *row;
    const struct store_event *event;
};

const struct store_event *correction_event(const struct store_event *events, size_t count,
                                           uint64_t number)
{
    for (size_t i = 0; i < count; i++) {
        if (events[i].number == number && strncmp(events[i].event.what, "usage-", 6) == 0) {
            return &events[i];
        }
    }
    return NULL;
}

static json_t *told_json(const struct engine *engine, const struct told *told)
{
    char request[CORRECTION_REQUEST_BYTES];
    char at[OFT_INSTANT_TEXT_BYTES];
    char month[OFT_INSTANT_TEXT_BYTES];
    const struct store_correction *row = told->row;
    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:o}", "request",
        correction_request_text(row->request_id, request), "what",
        row->has_record ? "corrected" : "void", "month",
        oft_month_format(told->event->event.month, month), "by", told->event->event.actor, "at",
        oft_instant_format(engine_contract_now(engine, told->event->recorded_ns), at), "reason",
        row->reason, "reference", row->reference, "transaction", (json_int_t)row->number, "was",
        correction_record_json(row->has_was, &row->was), "is",
        correction_record_json(row->has_record, &row->record));
}

static void put_text(const struct engine *engine, const struct told *told, struct oft_buffer *out)
{
    char request[CORRECTION_REQUEST_BYTES];
    char at[OFT_INSTANT_TEXT_BYTES];
    char month[OFT_INSTANT_TEXT_BYTES];
    oft_buffer_printf(out, "%s  of %s\n  transaction %llu, %s, by %s%s%s\n",
                      correction_request_text(told->row->request_id, request),
                      oft_month_format(told->event->event.month, month),
                      (unsigned long long)told->row->number,
                      oft_instant_format(engine_contract_now(engine, told->event->recorded_ns), at),
                      told->event->event.actor, told->row->reference[0] == '\0' ? "" : ", ",
                      told->row->reference);
    correction_put_wrapped(out, 2, told->row);
    print_wrapped(out, 2, 2, told->row->reason);
}

static void put_csv(const struct engine *engine, const struct told *told, struct oft_buffer *out)
{
    char text[64];
    print_csv_text(out, correction_request_text(told->row->request_id, text));
    print_csv_text(out, oft_month_format(told->event->event.month, text));
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)told->row->number);
    print_csv_number(out, text);
    print_csv_text(out,
                   oft_instant_format(engine_contract_now(engine, told->event->recorded_ns), text));
    print_csv_text(out, told->event->event.actor);
    print_csv_text(out, told->row->reference);
    print_csv_text(out, told->row->reason);
    print_csv_text(out, told->row->has_record ? "corrected" : "void");
    for (uint32_t i = 0; i < 2 * METER_UNITS; i++) {
        bool was = i % 2 == 0;
        bool has = was ? told->row->has_was : told->row->has_record;
        const struct meter_record *record = was ? &told->row->was : &told->row->record;
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)record->units[i / 2]);
        print_csv_number(out, has ? text : "0");
    }
    print_csv_end(out);
}

static void put_csv_header(struct oft_buffer *out)
{
    oft_buffer_append_text(out, "request,month,transaction,at,by,reference,reason,what");
    for (uint32_t i = 0; i < METER_UNITS; i++) {
        oft_buffer_printf(out, ",%s_was,%s_is", unit_name(i), unit_name(i));
    }
    oft_buffer_append_text(out, "\n");
}

static enum oft_err print_all(const struct engine *engine, const struct told *told, size_t count,
                              enum ledger_format format, struct oft_buffer *out)
{
    json_t *items = json_array();
    if (format == LEDGER_CSV) {
        put_csv_header(out);
    }
    for (size_t i = 0; i < count; i++) {
        if (format == LEDGER_JSON) {
            (void)json_array_append_new(items, told_json(engine, &told[i]));
        } else if (format == LEDGER_CSV) {
            put_csv(engine, &told[i], out);
        } else {
            put_text(engine, &told[i], out);
        }
    }
    if (format == LEDGER_JSON) {
        return engine_json_out(json_pack("{s:o}", "corrections", items), out);
    }
    json_decref(items);
    if (format == LEDGER_TEXT && count == 0) {
        oft_buffer_append_text(out, "No usage was corrected.\n");
    }
    return out->failed ? OFT_ERR_MEMORY : OFT_OK;
}

static enum oft_err list(struct engine *engine, const uint8_t *id, enum ledger_format format,
                         struct oft_arena *arena, struct oft_buffer *out, struct oft_error *reterr)
{
    struct store_correction *rows = NULL;
    struct store_event *events = NULL;
    size_t count = 0;
    size_t event_count = 0;
    enum oft_err code = store_corrections(engine->store, id, arena, &rows, &count, reterr);
    if (code == OFT_OK) {
        code = store_events(engine->store, 0, UINT64_MAX, arena, &events, &event_count, reterr);
    }
    struct told *told =
        code == OFT_OK ? oft_arena_alloc_array(arena, count + 1, sizeof(*told)) : NULL;
    if (code != OFT_OK || told == NULL) {
        return code != OFT_OK ? code : OFT_ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        told[i] = (struct told){&rows[i], correction_event(events, event_count, rows[i].number)};
        if (told[i].event == NULL) {
            return oft_fail(reterr, OFT_ERR_CORRUPT,
                            "the correction of transaction %llu has no event; run `offtake ledger "
                            "verify`",
                            (unsigned long long)rows[i].number);
        }
    }
    return print_all(engine, told, count, format, out);
}

enum oft_err engine_corrections(struct engine *engine, const char *request,
                                enum ledger_format format, struct oft_buffer *out,
                                struct oft_error *reterr)
{
    uint8_t id[16];
    struct oft_arena arena;
    enum oft_err code = request == NULL ? OFT_OK : correction_request_parse(request, id, reterr);
    if (code != OFT_OK) {
        return code;
    }
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    code = list(engine, request == NULL ? NULL : id, format, &arena, out, reterr);
    oft_arena_release(&arena);
    return code;
}

/* ---- verification ------------------------------------------------------------------------------ */

struct examination {
    void (*finding)(void *context, const char *text);
    void *context;
};

static void tell(const struct examination *examination, uint64_t number, const char *what)
{
    char text[200];
    (void)snprintf(text, sizeof(text), "the correction of transaction %llu %s",
                   (unsigned long long)number, what);
    examination->finding(examination->context, text);
}

/* The row against its event. */
static enum oft_err examine_row(const struct examination *examination,
                                const struct store_correction *row, const struct store_event *event)
{
    uint8_t sha256[32];
    char request[CORRECTION_REQUEST_BYTES];
    enum oft_err code = correction_sha256(row, sha256);
    if (code != OFT_OK) {
        return code;
    }
    if (event == NULL) {
        tell(examination, row->number, "has no event in the journal");
    } else if (memcmp(event->event.sha256, sha256, sizeof(sha256)) != 0 ||
               strcmp(event->event.about, correction_request_text(row->request_id, request)) != 0 ||
               strcmp(event->event.what, row->has_record ? "usage-correct" : "usage-void") != 0) {
        tell(examination, row->number, "is not what was booked");
    }
    return OFT_OK;
}

/* What ROW took back is what the last one before it on the same request had booked. */
static void examine_order(const struct examination *examination,
                          const struct store_correction *rows, size_t at)
{
    const struct store_correction *row = &rows[at];
    for (size_t i = at; i > 0; i--) {
        const struct store_correction *before = &rows[i - 1];
        if (memcmp(before->request_id, row->request_id, sizeof(row->request_id)) != 0) {
            continue;
        }
        if (before->has_record != row->has_was ||
            (row->has_was && memcmp(&before->record, &row->was, sizeof(row->was)) != 0)) {
            tell(examination, row->number, "took back something else than the one before booked");
        }
        return;
    }
    if (!row->has_was) {
        tell(examination, row->number, "took nothing back, and it was not void");
    }
}

enum oft_err engine_corrections_examine(struct engine *engine,
                                        void (*finding)(void *context, const char *text),
                                        void *context, uint64_t *ret_count,
                                        struct oft_error *reterr)
{
    const struct examination examination = {finding, context};
    struct oft_arena arena;
    struct store_correction *rows = NULL;
    struct store_event *events = NULL;
    size_t count = 0;
    size_t event_count = 0;
    size_t told = 0;
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    enum oft_err code = store_corrections(engine->store, NULL, &arena, &rows, &count, reterr);
    if (code == OFT_OK) {
        code = store_events(engine->store, 0, UINT64_MAX, &arena, &events, &event_count, reterr);
    }
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        code = examine_row(&examination, &rows[i],
                           correction_event(events, event_count, rows[i].number));
        examine_order(&examination, rows, i);
    }
    for (size_t i = 0; code == OFT_OK && i < event_count; i++) {
        told += strncmp(events[i].event.what, "usage-", 6) == 0;
    }
    if (code == OFT_OK && told > count) {
        finding(context, "the journal has a correction of usage whose record is gone");
    }
    *ret_count = count;
    oft_arena_release(&arena);
    return code;
}
