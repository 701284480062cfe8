/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A month by the hour: the records of its transactions, read once from the spool's archive and rated as
 * they were booked. The books keep a line a month; what is told here must add up to it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "engine/trace_internal.h"
#include "focus/focus.h"
#include "ledger/hours.h"
#include "store/corrections.h"
#include "store/hours.h"
#include "store/periods.h"

struct reading {
    struct engine *engine;
    struct ledger_hours *hours;
    struct store_event *events; /* of the periods, by number */
    size_t event_count;
    uint64_t read, missing;
    struct oft_arena set_aside; /* of the range that is being read */
    uint32_t *slots;
    size_t slot_count;
    oft_instant until; /* what was admitted later belongs to a later month in any calendar */
};

/* Contexts of before may go; those of what follows stay. */
static enum oft_err let_contexts_go(struct reading *reading)
{
    reading->engine->batch_began = reading->engine->uses;
    return ledger_hours_forget(reading->hours);
}

/* Which months were closed when transaction NUMBER was made. */
static struct ledger_periods periods_before(const struct reading *reading, uint64_t number)
{
    struct ledger_periods periods = {0};
    for (size_t i = 0; i < reading->event_count && reading->events[i].number < number; i++) {
        const struct ledger_event *event = &reading->events[i].event;
        bool closes = strcmp(event->what, "period-close") == 0;
        if (closes && event->month >= periods.closed_until) {
            periods.closed_until = event->month + 1;
        }
        if ((closes || strcmp(event->what, "period-soft-close") == 0) &&
            event->month >= periods.soft_until) {
            periods.soft_until = event->month + 1;
        }
    }
    return periods;
}

static enum oft_err context_of(struct reading *reading, uint64_t generation,
                               struct engine_context **ret_context, struct oft_error *reterr)
{
    enum oft_err code = engine_context_get(reading->engine, generation, ret_context, reterr);
    if (code == OFT_ERR_LIMIT) {
        code = let_contexts_go(reading);
        if (code == OFT_OK) {
            code = engine_context_get(reading->engine, generation, ret_context, reterr);
        }
    }
    return code;
}

static enum oft_err take(struct reading *reading, const struct meter_record *record, bool reversed,
                         struct oft_error *reterr)
{
    struct engine_context *rated = NULL;
    if (meter_record_kind(record) == METER_INTENT || record->admitted_ns >= reading->until) {
        return OFT_OK;
    }
    enum oft_err code = context_of(reading, record->generation, &rated, reterr);
    if (code == OFT_ERR_NOT_FOUND) {
        return OFT_OK; /* set aside when it was read */
    }
    if (code == OFT_OK) {
        code = reversed ? ledger_hours_reverse(reading->hours, rated->ledger, record)
                        : ledger_hours_add(reading->hours, rated->ledger, record);
    }
    return code == OFT_ERR_LIMIT ? oft_fail(reterr, code,
                                            "the month has more than %d lines of cost: too many to "
                                            "hold by the hour",
                                            LEDGER_HOURS_LINES_MAX)
                                 : code;
}

static int compare_slots(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* What was read and not booked is in no hour. */
static enum oft_err take_booked(void *context, const struct trace_sighting *sighting,
                                struct oft_error *reterr)
{
    struct reading *reading = context;
    bool aside =
        reading->slot_count > 0 && bsearch(&sighting->slot, reading->slots, reading->slot_count,
                                           sizeof(*reading->slots), compare_slots) != NULL;
    return aside ? OFT_OK : take(reading, &sighting->record, false, reterr);
}

static enum oft_err take_range(void *context, uint64_t number, const struct ledger_range *range,
                               struct oft_error *reterr)
{
    struct reading *reading = context;
    bool missing = false;
    reading->read += range->until - range->from;
    if (reading->read > OFT_HOURS_RECORDS_MAX) {
        return oft_fail(reterr, OFT_ERR_LIMIT,
                        "the month has more than %u records, too many to read while requests wait "
                        "to be booked; compare by the month",
                        OFT_HOURS_RECORDS_MAX);
    }
    enum oft_err code = ledger_hours_periods(reading->hours, periods_before(reading, number));
    oft_arena_init(&reading->set_aside, ENGINE_ARENA_BYTES_MAX);
    if (code == OFT_OK) {
        code = store_set_aside(reading->engine->store, range->segment, &reading->set_aside,
                               &reading->slots, &reading->slot_count, reterr);
    }
    if (code == OFT_OK) {
        code = trace_read(reading->engine, range, take_booked, reading, &missing, reterr);
    }
    oft_arena_release(&reading->set_aside);
    reading->missing += missing ? 1 : 0;
    return code;
}

static enum oft_err take_orphans(struct reading *reading, int32_t month, struct oft_arena *arena,
                                 struct oft_error *reterr)
{
    struct store_orphan *orphans = NULL;
    size_t count = 0;
    enum oft_err code =
        store_month_orphans(reading->engine->store, month, arena, &orphans, &count, reterr);
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        code = ledger_hours_periods(reading->hours, periods_before(reading, orphans[i].number));
        code = code == OFT_OK ? take(reading, &orphans[i].record, false, reterr) : code;
    }
    return code;
}

static enum oft_err take_corrections(struct reading *reading, int32_t month,
                                     struct oft_arena *arena, struct oft_error *reterr)
{
    struct store_correction *rows = NULL;
    size_t count = 0;
    enum oft_err code =
        store_month_corrections(reading->engine->store, month, arena, &rows, &count, reterr);
    for (size_t i = 0; code == OFT_OK && i < count; i++) {
        code = ledger_hours_periods(reading->hours, periods_before(reading, rows[i].number));
        if (code == OFT_OK && rows[i].has_was) {
            code = take(reading, &rows[i].was, true, reterr);
        }
        if (code == OFT_OK && rows[i].has_record) {
            code = take(reading, &rows[i].record, false, reterr);
        }
    }
    return code;
}

static enum oft_err read_all(struct reading *reading, int32_t month, oft_instant now_ns,
                             struct oft_arena *arena, struct oft_error *reterr)
{
    struct engine *engine = reading->engine;
    struct engine_charges charges = {0};
    enum oft_err code = store_events(engine->store, 0, UINT64_MAX, arena, &reading->events,
                                     &reading->event_count, reterr);
    engine->batch_began = engine->uses;
    if (code == OFT_OK) {
        code = store_month_ranges(engine->store, month, take_range, reading, reterr);
    }
    if (code == OFT_OK) {
        code = take_orphans(reading, month, arena, reterr);
    }
    if (code == OFT_OK) {
        code = take_corrections(reading, month, arena, reterr);
    }
    if (code == OFT_OK) {
        code = ledger_hours_finish(reading->hours);
    }
    if (code == OFT_OK) {
        code = engine_charges(engine, now_ns, arena, &charges, reterr);
    }
    return code == OFT_OK ? ledger_hours_capacity(reading->hours, engine->deal, charges.items,
                                                  charges.count, charges.through)
                          : code;
}

enum oft_err engine_hours_read(struct engine *engine, int32_t month, oft_instant now_ns,
                               struct oft_arena *arena, struct engine_hours *ret,
                               struct oft_error *reterr)
{
    struct reading reading = {.engine = engine};
    enum oft_err code = ledger_hours_new(month, &reading.hours);
    ret->hours = reading.hours;
    if (code == OFT_OK) {
        reading.until = oft_month_start(month + 1) + OFT_NS_PER_DAY;
        code = read_all(&reading, month, now_ns, arena, reterr);
    }
    ret->missing = reading.missing;
    return code;
}

static enum oft_err print(struct engine *engine, const struct engine_hours *hours, int32_t month,
                          bool by_hour, struct oft_arena *arena, struct oft_buffer *out,
                          struct oft_error *reterr)
{
    struct ledger_row *rows = NULL;
    struct focus_metering metering = {.month = month,
                                      .by_hour = by_hour,
                                      .missing = hours->missing,
                                      .currency = engine->deal->currency};
    enum oft_err code =
        store_rows(engine->store, LEDGER_COST, month, arena, &rows, &metering.row_count, reterr);
    metering.rows = rows;
    metering.lines = ledger_hours_lines(hours->hours, &metering.line_count);
    return code == OFT_OK ? focus_metering_print(&metering, out) : code;
}

enum oft_err engine_metering(struct engine *engine, int32_t month, bool by_hour, oft_instant now_ns,
                             struct oft_buffer *out, struct oft_error *reterr)
{
    struct engine_hours hours = {0};
    struct oft_arena arena;
    if (engine->deal == NULL) {
        return oft_fail(reterr, OFT_ERR_INVALID, "no policy was published yet");
    }
    enum oft_err code = engine_accrue(engine, now_ns, reterr);
    if (code != OFT_OK) {
        return code;
    }
    oft_arena_init(&arena, ENGINE_ARENA_BYTES_MAX);
    code = engine_hours_read(engine, month, now_ns, &arena, &hours, reterr);
    if (code == OFT_OK) {
        code = print(engine, &hours, month, by_hour, &arena, out, reterr);
    }
    oft_arena_release(&arena);
    ledger_hours_free(hours.hours);
    return code;
}
