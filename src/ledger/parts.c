/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What single records did to the lines. Each is rated by the code that rates batches, in a batch of its
 * own; a tracer that looks for one line among many records rates each kind of record once (a cell) and
 * adds up the rest, so that a month of traffic is traced about as fast as it was booked.
 */
#include <stdlib.h>
#include <string.h>

#include "ledger/internal.h"
#include "ledger/trace.h"

struct ledger_tracer {
    struct ledger_series_key line;
    bool all_steps;
    struct ledger_batch *batch;
    bool *touches; /* by cell */
    size_t touches_count, touches_capacity;
    struct ledger_traced traced;
    struct ledger_parts bases, drawn;
};

/* ---- one record -------------------------------------------------------------------------------- */

static void put_steps(const struct deal_price *price, struct ledger_part *part)
{
    part->in_steps = true;
    part->rates[part->rate_count++] = part->key.rate;
    for (uint32_t i = 0; i < price->step_count; i++) {
        part->rates[part->rate_count++] = price->steps[i].per_million_nanos[part->key.unit];
    }
}

static enum oft_err part_of(const struct ledger_series *series, struct ledger_part *part)
{
    part->key = series->key;
    part->quantity = series->quantity;
    part->exact = series->exact;
    part->lacks_steps = series->lacks_steps;
    memcpy(part->units, series->units, sizeof(part->units));
    if (series->steps != NULL) {
        put_steps(series->steps, part);
        return OFT_OK;
    }
    if (series->key.kind == LEDGER_SALE || series->key.kind == LEDGER_COST) {
        return oft_nanos_mul(series->quantity, series->key.rate, &part->exact);
    }
    return OFT_OK;
}

static enum oft_err take_parts(const struct ledger_batch *batch, struct ledger_parts *ret_parts)
{
    struct ledger_part *items = calloc(batch->series_count + 1, sizeof(*items));
    enum oft_err err = items == NULL ? OFT_ERR_MEMORY : OFT_OK;
    for (size_t i = 0; err == OFT_OK && i < batch->series_count; i++) {
        err = part_of(&batch->series[i], &items[i]);
    }
    /* A share's base by product is also a part of the share itself. */
    for (size_t i = 0; err == OFT_OK && i < batch->series_count; i++) {
        size_t parent = batch->series[i].parent;
        if (parent != SIZE_MAX) {
            err = oft_nanos_add(items[parent].exact, items[i].exact, &items[parent].exact);
        }
    }
    if (err != OFT_OK) {
        free(items);
        return err;
    }
    *ret_parts = (struct ledger_parts){items, batch->series_count};
    return OFT_OK;
}

static enum oft_err expand_cell(const struct ledger_cell *cell, struct ledger_parts *ret_parts)
{
    struct ledger_batch *batch = NULL;
    *ret_parts = (struct ledger_parts){NULL, 0};
    enum oft_err err = ledger_batch_new(&batch);
    if (err != OFT_OK) {
        return err;
    }
    batch->cells = malloc(sizeof(*cell));
    if (batch->cells == NULL) {
        err = OFT_ERR_MEMORY;
    } else {
        batch->cells[0] = *cell;
        batch->has_reversal = cell->reversed;
        batch->cell_count = batch->cell_capacity = 1;
        err = ledger_batch_expand(batch);
    }
    if (err == OFT_OK) {
        err = take_parts(batch, ret_parts);
    }
    ledger_batch_free(batch);
    return err;
}

enum oft_err ledger_parts_of(const struct ledger_context *context,
                             const struct meter_record *record, struct ledger_parts *ret_parts)
{
    struct ledger_batch *batch = NULL;
    *ret_parts = (struct ledger_parts){NULL, 0};
    enum oft_err err = ledger_batch_new(&batch);
    if (err == OFT_OK) {
        err = ledger_batch_add(batch, context, record);
    }
    if (err == OFT_OK) {
        err = expand_cell(&batch->cells[0], ret_parts);
    }
    ledger_batch_free(batch);
    return err;
}

void ledger_parts_release(struct ledger_parts *parts)
{
    free(parts->items);
    *parts = (struct ledger_parts){NULL, 0};
}

/* ---- many records, one line -------------------------------------------------------------------- */

enum oft_err ledger_tracer_new(const struct ledger_series_key *line,
                               struct ledger_tracer **ret_tracer)
{
    struct ledger_tracer *tracer = calloc(1, sizeof(*tracer));
    if (tracer == NULL || ledger_batch_new(&tracer->batch) != OFT_OK) {
        free(tracer);
        return OFT_ERR_MEMORY;
    }
    tracer->line = *line;
    *ret_tracer = tracer;
    return OFT_OK;
}

void ledger_tracer_free(struct ledger_tracer *tracer)
{
    if (tracer != NULL) {
        ledger_batch_free(tracer->batch);
        ledger_parts_release(&tracer->bases);
        ledger_parts_release(&tracer->drawn);
        free(tracer->touches);
        free(tracer);
    }
}

void ledger_tracer_all_steps(struct ledger_tracer *tracer)
{
    tracer->all_steps = true;
}

static bool holds(const struct ledger_tracer *tracer, const struct ledger_part *part)
{
    struct ledger_series_key line = tracer->line;
    if (!tracer->all_steps) {
        return ledger_line_holds(&line, part);
    }
    line.rate = part->key.rate;
    return ledger_line_takes(&line, &part->key);
}

/* Whether any record like those of CELL has a part in the line: one that used every unit once. */
static enum oft_err judge(struct ledger_tracer *tracer, const struct ledger_cell *cell,
                          bool *ret_touches)
{
    struct ledger_cell sample = *cell;
    struct ledger_parts parts;
    sample.requests = 1;
    for (size_t i = 0; i < METER_UNITS; i++) {
        sample.units[i] = 1;
    }
    enum oft_err err = expand_cell(&sample, &parts);
    *ret_touches = false;
    for (size_t i = 0; err == OFT_OK && i < parts.count; i++) {
        *ret_touches = *ret_touches || holds(tracer, &parts.items[i]);
    }
    ledger_parts_release(&parts);
    return err;
}

static enum oft_err judge_new_cells(struct ledger_tracer *tracer)
{
    enum oft_err err = OFT_OK;
    while (err == OFT_OK && tracer->touches_count < tracer->batch->cell_count) {
        if (tracer->touches_count == tracer->touches_capacity) {
            size_t capacity = tracer->touches_capacity == 0 ? 128 : 2 * tracer->touches_capacity;
            bool *larger = realloc(tracer->touches, capacity * sizeof(*larger));
            if (larger == NULL) {
                return OFT_ERR_MEMORY;
            }
            tracer->touches = larger;
            tracer->touches_capacity = capacity;
        }
        size_t next = tracer->touches_count;
        err = judge(tracer, &tracer->batch->cells[next], &tracer->touches[next]);
        tracer->touches_count += err == OFT_OK ? 1 : 0;
    }
    return err;
}

static enum oft_err take_record(struct ledger_tracer *tracer, const struct ledger_context *context,
                                const struct meter_record *record, bool reversed, bool *ret_touches)
{
    const struct ledger_series_key *line = &tracer->line;
    enum oft_err err = reversed ? ledger_batch_reverse(tracer->batch, context, record)
                                : ledger_batch_add(tracer->batch, context, record);
    if (err == OFT_OK) {
        err = judge_new_cells(tracer);
    }
    if (err != OFT_OK) {
        return err;
    }
    *ret_touches = tracer->touches[tracer->batch->last_cell];
    if ((line->kind == LEDGER_SALE || line->kind == LEDGER_COST) && line->unit < METER_UNITS) {
        *ret_touches = *ret_touches && record->units[line->unit] != 0;
    }
    tracer->traced.records += *ret_touches ? 1 : 0;
    return OFT_OK;
}

enum oft_err ledger_tracer_add(struct ledger_tracer *tracer, const struct ledger_context *context,
                               const struct meter_record *record, bool *ret_touches)
{
    return take_record(tracer, context, record, false, ret_touches);
}

enum oft_err ledger_tracer_reverse(struct ledger_tracer *tracer,
                                   const struct ledger_context *context,
                                   const struct meter_record *record, bool *ret_touches)
{
    return take_record(tracer, context, record, true, ret_touches);
}

/* Whether two parts go to one line, or to the steps of one price. */
static bool is_alike(const struct ledger_part *a, const struct ledger_part *b)
{
    struct ledger_series_key key = b->key;
    key.rate = a->in_steps ? a->key.rate : key.rate;
    return a->in_steps == b->in_steps && memcmp(&a->key, &key, sizeof(key)) == 0;
}

/* Adds the rates of MORE that PART has not; a price may have been another one before. */
static enum oft_err unite_rates(struct ledger_part *part, const struct ledger_part *more)
{
    for (uint32_t i = 0; i < more->rate_count; i++) {
        bool known = false;
        for (uint32_t j = 0; j < part->rate_count; j++) {
            known = known || part->rates[j] == more->rates[i];
        }
        if (!known && part->rate_count == LEDGER_PART_RATES_MAX) {
            return OFT_ERR_LIMIT;
        }
        if (!known) {
            part->rates[part->rate_count++] = more->rates[i];
        }
    }
    return OFT_OK;
}

/* Adds PART to the one like it in PARTS, which has room for one more. */
static enum oft_err gather(struct ledger_parts *parts, const struct ledger_part *part)
{
    struct ledger_part *larger;
    for (size_t i = 0; i < parts->count; i++) {
        struct ledger_part *sum = &parts->items[i];
        if (is_alike(sum, part)) {
            enum oft_err err = unite_rates(sum, part);
            if (err == OFT_OK) {
                err = oft_nanos_add(sum->quantity, part->quantity, &sum->quantity);
            }
            return err != OFT_OK ? err : oft_nanos_add(sum->exact, part->exact, &sum->exact);
        }
    }
    larger = realloc(parts->items, (parts->count + 1) * sizeof(*larger));
    if (larger == NULL) {
        return OFT_ERR_MEMORY;
    }
    parts->items = larger;
    parts->items[parts->count++] = *part;
    return OFT_OK;
}

static bool is_base_of(const struct ledger_series_key *base, const struct ledger_series_key *share)
{
    struct ledger_series_key whole = *base;
    memset(whole.product, 0, sizeof(whole.product));
    return base->product[0] != '\0' && ledger_line_takes(share, &whole);
}

/* What the line was counted from. A share that is asked for by one product is counted from that one. */
static bool is_drawn(const struct ledger_series_key *line, const struct ledger_part *part)
{
    if (line->kind == LEDGER_SHARE) {
        return part->key.kind == LEDGER_SALE &&
               (line->product[0] == '\0' || strcmp(line->product, part->key.product) == 0);
    }
    return line->kind == LEDGER_COMMITMENT && part->key.kind == LEDGER_COST;
}

static enum oft_err sum_cell(struct ledger_tracer *tracer, const struct ledger_cell *cell,
                             struct ledger_traced *traced)
{
    const struct ledger_series_key *line = &tracer->line;
    struct ledger_parts parts;
    enum oft_err err = expand_cell(cell, &parts);
    for (size_t i = 0; err == OFT_OK && i < parts.count; i++) {
        const struct ledger_part *part = &parts.items[i];
        if (holds(tracer, part)) {
            traced->in_steps = traced->in_steps || part->in_steps;
            traced->lacks_steps = traced->lacks_steps || part->lacks_steps;
            err = oft_nanos_add(traced->quantity, part->quantity, &traced->quantity);
            for (size_t unit = 0; err == OFT_OK && unit < METER_UNITS; unit++) {
                err = __builtin_add_overflow(traced->units[unit], part->units[unit],
                                             &traced->units[unit])
                          ? OFT_ERR_RANGE
                          : OFT_OK;
            }
            err = err == OFT_OK ? oft_nanos_add(traced->exact, part->exact, &traced->exact) : err;
        } else if (line->kind == LEDGER_SHARE && part->key.kind == LEDGER_SHARE &&
                   is_base_of(&part->key, line)) {
            err = gather(&tracer->bases, part);
        } else if (is_drawn(line, part)) {
            err = gather(&tracer->drawn, part);
        }
    }
    ledger_parts_release(&parts);
    return err;
}

enum oft_err ledger_tracer_sum(struct ledger_tracer *tracer, struct ledger_traced *ret_traced)
{
    struct ledger_batch *empty = NULL;
    enum oft_err err = ledger_batch_new(&empty);
    for (size_t i = 0; err == OFT_OK && i < tracer->touches_count; i++) {
        if (tracer->touches[i]) {
            err = sum_cell(tracer, &tracer->batch->cells[i], &tracer->traced);
        }
    }
    if (err != OFT_OK) {
        ledger_batch_free(empty);
        return err;
    }
    ledger_batch_free(tracer->batch);
    tracer->batch = empty;
    tracer->touches_count = 0;
    tracer->traced.bases = tracer->bases.items;
    tracer->traced.base_count = tracer->bases.count;
    tracer->traced.drawn = tracer->drawn.items;
    tracer->traced.drawn_count = tracer->drawn.count;
    *ret_traced = tracer->traced;
    return OFT_OK;
}

/* ---- against the line -------------------------------------------------------------------------- */

enum oft_err ledger_line_unrounded(const struct ledger_row *row, oft_nanos *ret_unrounded,
                                   unsigned *ret_scale)
{
    const struct ledger_series_key *key = &row->key;
    bool weighed = key->kind == LEDGER_COMMITMENT && key->rate != 0;
    *ret_scale = key->kind == LEDGER_SHARE || weighed ? 18 : 15;
    if (key->kind >= LEDGER_SHORTFALL) {
        return oft_nanos_mul(row->totals.quantity, LEDGER_RATE_UNITS, ret_unrounded);
    }
    if (key->kind == LEDGER_COMMITMENT && !weighed) {
        oft_nanos rest = (oft_nanos)row->totals.units[0] - (oft_nanos)row->totals.units[1];
        enum oft_err err = oft_nanos_mul(row->totals.quantity, LEDGER_RATE_UNITS, ret_unrounded);
        return err != OFT_OK ? err : oft_nanos_add(*ret_unrounded, rest, ret_unrounded);
    }
    if (ledger_rate_units(key) != LEDGER_RATE_UNITS) {
        return OFT_ERR_RANGE; /* a part of a month has no end of decimals */
    }
    return oft_nanos_mul(row->totals.quantity, key->rate, ret_unrounded);
}

/* Whether a base of QUANTITY and its rest is EXACT. */
static bool base_is(const struct ledger_totals *totals, oft_nanos exact)
{
    oft_nanos held;
    oft_nanos rest = (oft_nanos)totals->units[0] - (oft_nanos)totals->units[1];
    return oft_nanos_mul(totals->quantity, LEDGER_RATE_UNITS, &held) == OFT_OK &&
           oft_nanos_add(held, rest, &held) == OFT_OK && held == exact;
}

bool ledger_line_adds_up(const struct ledger_row *row, const struct ledger_traced *traced)
{
    switch (row->key.kind) {
    case LEDGER_USAGE:
        return row->totals.quantity == traced->quantity &&
               memcmp(row->totals.units, traced->units, sizeof(traced->units)) == 0;
    case LEDGER_SALE:
    case LEDGER_COST:
        return row->totals.quantity == traced->quantity;
    case LEDGER_COMMITMENT:
        return base_is(&row->totals, traced->exact);
    case LEDGER_SHORTFALL: /* follow from other lines and the clock, or were told */
    case LEDGER_SHARE_TERM:
    case LEDGER_DEDUCTION:
    case LEDGER_PAYMENT:
    case LEDGER_FUND_CALL:
    case LEDGER_FUND_PAYMENT:
    case LEDGER_FUND_DRAW:
        return true;
    case LEDGER_SHARE:
        break;
    }
    if (row->key.product[0] != '\0') {
        return base_is(&row->totals, traced->exact);
    }
    oft_nanos sum = 0; /* each product's base is rounded once, and the share's base is their sum */
    for (size_t i = 0; i < traced->base_count; i++) {
        oft_nanos base;
        if (oft_nanos_mul_div_half_even(traced->bases[i].exact, 1, LEDGER_RATE_UNITS, &base) !=
                OFT_OK ||
            oft_nanos_add(sum, base, &sum) != OFT_OK) {
            return false;
        }
    }
    return sum == row->totals.quantity;
}
