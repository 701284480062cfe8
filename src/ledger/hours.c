/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines by the hour. A batch tells the kind of a record, as when it was booked; what a kind's units are
 * owed under is worked out once, and then a record costs one addition for each of its units.
 */
#include "ledger/hours.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/internal.h"

#define HOUR_NS ((oft_instant)3600 * OFT_NS_PER_SECOND)
enum { NO_LINE = UINT32_MAX };

/* Under which line each unit of one kind of record is counted. */
struct plan {
    uint32_t lines[DEAL_UNIT_COUNT];
    bool uncertain;
};

/* A price in steps by volume, of one unit: from AFTER[i] on RATE[i + 1]. */
struct steps {
    uint32_t count;
    oft_nanos after[OFT_DEAL_PRICE_STEPS_MAX], rate[OFT_DEAL_PRICE_STEPS_MAX + 1];
};

struct ledger_hours {
    int32_t month;
    struct ledger_periods periods;
    struct ledger_batch *batch;
    struct plan *plans; /* by cell of the batch */
    size_t plan_count, plan_capacity;
    struct ledger_hours_line *lines;
    struct steps *
        *steps; /* by line: all steps of a price together, until they are laid out; else NULL */
    size_t line_count;
};

enum oft_err ledger_hours_new(int32_t month, struct ledger_hours **ret_hours)
{
    struct ledger_hours *hours = calloc(1, sizeof(*hours));
    if (hours == NULL || !ledger_month_inside(month)) {
        free(hours);
        return hours == NULL ? OFT_ERR_MEMORY : OFT_ERR_RANGE;
    }
    hours->month = month;
    hours->lines = calloc(LEDGER_HOURS_LINES_MAX, sizeof(*hours->lines));
    hours->steps = calloc(LEDGER_HOURS_LINES_MAX, sizeof(*hours->steps));
    if (hours->lines == NULL || hours->steps == NULL || ledger_batch_new(&hours->batch) != OFT_OK) {
        ledger_hours_free(hours);
        return OFT_ERR_MEMORY;
    }
    *ret_hours = hours;
    return OFT_OK;
}

void ledger_hours_free(struct ledger_hours *hours)
{
    if (hours == NULL) {
        return;
    }
    for (size_t i = 0; i < hours->line_count; i++) {
        free(hours->lines[i].units);
        free(hours->lines[i].uncertain);
        free(hours->steps[i]);
    }
    free(hours->steps);
    ledger_batch_free(hours->batch);
    free(hours->plans);
    free(hours->lines);
    free(hours);
}

const struct ledger_hours_line *ledger_hours_lines(const struct ledger_hours *hours,
                                                   size_t *ret_count)
{
    *ret_count = hours->line_count;
    return hours->lines;
}

enum oft_err ledger_hours_forget(struct ledger_hours *hours)
{
    struct ledger_batch *empty = NULL;
    enum oft_err err = ledger_batch_new(&empty);
    if (err == OFT_OK) {
        ledger_batch_free(hours->batch);
        hours->batch = empty;
        hours->plan_count = 0;
    }
    return err;
}

enum oft_err ledger_hours_periods(struct ledger_hours *hours, struct ledger_periods periods)
{
    bool same = hours->periods.closed_until == periods.closed_until &&
                hours->periods.soft_until == periods.soft_until;
    hours->periods = periods;
    return same ? OFT_OK : ledger_hours_forget(hours); /* a kind's line is another from now on */
}

/* ---- lines ------------------------------------------------------------------------------------- */

/* STEPS NULL: a line that is no price in steps, or one of its steps. */
static enum oft_err line_of(struct ledger_hours *hours, const struct ledger_series_key *key,
                            const struct steps *steps, uint32_t *ret_line)
{
    for (size_t i = 0; i < hours->line_count; i++) {
        const struct steps *other = hours->steps[i];
        bool same = (other == NULL) == (steps == NULL) &&
                    (steps == NULL || memcmp(other, steps, sizeof(*steps)) == 0);
        if (same && memcmp(&hours->lines[i].key, key, sizeof(*key)) == 0) {
            *ret_line = (uint32_t)i;
            return OFT_OK;
        }
    }
    if (hours->line_count == LEDGER_HOURS_LINES_MAX) {
        return OFT_ERR_LIMIT;
    }
    struct ledger_hours_line *line = &hours->lines[hours->line_count];
    line->key = *key;
    line->begins = oft_month_start(ledger_own_month(key)) - OFT_NS_PER_DAY;
    line->units = calloc(LEDGER_HOURS_OF_LINE, sizeof(*line->units));
    line->uncertain = calloc(LEDGER_HOURS_OF_LINE, sizeof(*line->uncertain));
    struct steps *copy = steps == NULL ? NULL : malloc(sizeof(*copy));
    if (line->units == NULL || line->uncertain == NULL || (copy == NULL) != (steps == NULL)) {
        free(line->units);
        free(line->uncertain);
        free(copy);
        return OFT_ERR_MEMORY;
    }
    if (copy != NULL) {
        *copy = *steps;
    }
    hours->steps[hours->line_count] = copy;
    *ret_line = (uint32_t)hours->line_count++;
    return OFT_OK;
}

static enum oft_err count(struct ledger_hours_line *line, oft_instant at, int64_t quantity,
                          bool uncertain)
{
    oft_nanos hour = ((oft_nanos)at - line->begins) / HOUR_NS;
    if (at < line->begins || hour >= LEDGER_HOURS_OF_LINE) {
        return OFT_ERR_RANGE;
    }
    int64_t *units = &line->units[hour];
    int64_t *open = &line->uncertain[hour];
    return __builtin_add_overflow(*units, quantity, units) ||
                   (uncertain && __builtin_add_overflow(*open, quantity, open))
               ? OFT_ERR_RANGE
               : OFT_OK;
}

/* ---- records ----------------------------------------------------------------------------------- */

static void put_steps(const struct ledger_series *series, struct steps *steps)
{
    const struct deal_price *price = series->steps;
    memset(steps, 0, sizeof(*steps));
    if (price == NULL) {
        return;
    }
    steps->count = price->step_count;
    steps->rate[0] = price->per_million_nanos[series->key.unit];
    for (uint32_t i = 0; i < price->step_count; i++) {
        steps->after[i] = (oft_nanos)price->steps[i].after;
        steps->rate[i + 1] = price->steps[i].per_million_nanos[series->key.unit];
    }
}

/* What one request of CELL's kind that used every unit once is owed under. */
static enum oft_err make_plan(struct ledger_hours *hours, const struct ledger_cell *cell,
                              struct plan *plan)
{
    struct ledger_cell sample = *cell;
    struct ledger_batch *batch = NULL;
    enum oft_err err = ledger_batch_new(&batch);
    sample.requests = 1;
    for (size_t i = 0; i < METER_UNITS; i++) {
        sample.units[i] = 1;
    }
    for (size_t i = 0; i < DEAL_UNIT_COUNT; i++) {
        plan->lines[i] = NO_LINE;
    }
    plan->uncertain = cell->outcome == LEDGER_SERVED_ESTIMATED || cell->outcome == LEDGER_UNSETTLED;
    if (err == OFT_OK) {
        ledger_batch_periods(batch, hours->periods);
        err = ledger_cell_expand_cost(batch, &sample);
    }
    for (size_t i = 0; err == OFT_OK && i < batch->series_count; i++) {
        const struct ledger_series *series = &batch->series[i];
        struct steps steps;
        if (series->key.kind == LEDGER_COST && series->key.month == hours->month &&
            series->quantity > 0) {
            put_steps(series, &steps);
            err = line_of(hours, &series->key, series->steps == NULL ? NULL : &steps,
                          &plan->lines[series->key.unit]);
        }
    }
    ledger_batch_free(batch);
    return err;
}

static enum oft_err plan_new_cells(struct ledger_hours *hours)
{
    enum oft_err err = OFT_OK;
    while (err == OFT_OK && hours->plan_count < hours->batch->cell_count) {
        if (hours->plan_count == hours->plan_capacity) {
            size_t capacity = hours->plan_capacity == 0 ? 128 : 2 * hours->plan_capacity;
            struct plan *larger = realloc(hours->plans, capacity * sizeof(*larger));
            if (larger == NULL) {
                return OFT_ERR_MEMORY;
            }
            hours->plans = larger;
            hours->plan_capacity = capacity;
        }
        size_t next = hours->plan_count;
        err = make_plan(hours, &hours->batch->cells[next], &hours->plans[next]);
        hours->plan_count += err == OFT_OK ? 1 : 0;
    }
    return err;
}

static enum oft_err take(struct ledger_hours *hours, const struct ledger_context *context,
                         const struct meter_record *record, bool reversed)
{
    enum oft_err err = OFT_OK;
    if (hours->batch->cell_count >= LEDGER_HOURS_KINDS_MAX) {
        err = ledger_hours_forget(hours);
    }
    if (err == OFT_OK) {
        err = ledger_batch_add(hours->batch, context, record);
    }
    if (err == OFT_OK) {
        err = plan_new_cells(hours);
    }
    if (err != OFT_OK) {
        return err;
    }
    const struct plan *plan = &hours->plans[hours->batch->last_cell];
    for (uint32_t unit = 0; err == OFT_OK && unit < DEAL_UNIT_COUNT; unit++) {
        uint64_t quantity = unit == DEAL_UNIT_REQUEST ? 1 : record->units[unit];
        if (plan->lines[unit] != NO_LINE && quantity != 0) {
            err = quantity > INT64_MAX
                      ? OFT_ERR_RANGE
                      : count(&hours->lines[plan->lines[unit]], record->admitted_ns,
                              reversed ? -(int64_t)quantity : (int64_t)quantity, plan->uncertain);
        }
    }
    return err;
}

enum oft_err ledger_hours_add(struct ledger_hours *hours, const struct ledger_context *context,
                              const struct meter_record *record)
{
    return take(hours, context, record, false);
}

enum oft_err ledger_hours_reverse(struct ledger_hours *hours, const struct ledger_context *context,
                                  const struct meter_record *record)
{
    return take(hours, context, record, true);
}

/* ---- steps ------------------------------------------------------------------------------------- */

/* Adds QUANTITY of HOUR, of which OPEN are uncertain, to the line of one step. */
static enum oft_err add_to_step(struct ledger_hours *hours, const struct ledger_hours_line *all,
                                oft_nanos rate, size_t hour, int64_t quantity, int64_t open)
{
    struct ledger_series_key key = all->key;
    uint32_t at = 0;
    key.rate = rate;
    enum oft_err err = line_of(hours, &key, NULL, &at);
    if (err != OFT_OK) {
        return err;
    }
    struct ledger_hours_line *line = &hours->lines[at];
    return __builtin_add_overflow(line->units[hour], quantity, &line->units[hour]) ||
                   __builtin_add_overflow(line->uncertain[hour], open, &line->uncertain[hour])
               ? OFT_ERR_RANGE
               : OFT_OK;
}

/* Lays an hour's units along the steps, from the COUNT of the hours before it. Guesses come last. */
static enum oft_err lay_hour(struct ledger_hours *hours, const struct ledger_hours_line *all,
                             const struct steps *steps, size_t hour, oft_nanos *count_so_far)
{
    oft_nanos until = *count_so_far + all->units[hour];
    oft_nanos sure_until = until - all->uncertain[hour];
    enum oft_err err = OFT_OK;
    for (uint32_t i = 0; err == OFT_OK && i <= steps->count; i++) {
        oft_nanos low = i == 0 ? 0 : steps->after[i - 1];
        oft_nanos high = i == steps->count ? until : steps->after[i];
        low = low > *count_so_far ? low : *count_so_far;
        high = high < until ? high : until;
        oft_nanos sure = sure_until < low ? low : sure_until > high ? high : sure_until;
        if (low < high) {
            err = add_to_step(hours, all, steps->rate[i], hour, (int64_t)(high - low),
                              (int64_t)(high - sure));
        }
    }
    *count_so_far = until;
    return err;
}

enum oft_err ledger_hours_finish(struct ledger_hours *hours)
{
    enum oft_err err = OFT_OK;
    size_t counted = hours->line_count; /* those that follow are steps */
    for (size_t i = 0; err == OFT_OK && i < counted; i++) {
        const struct ledger_hours_line all = hours->lines[i];
        oft_nanos so_far = 0;
        for (size_t hour = 0;
             err == OFT_OK && hours->steps[i] != NULL && hour < LEDGER_HOURS_OF_LINE; hour++) {
            if (all.units[hour] != 0) {
                err = lay_hour(hours, &all, hours->steps[i], hour, &so_far);
            }
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < hours->line_count; i++) {
        if (hours->steps[i] == NULL) {
            hours->lines[kept++] = hours->lines[i];
            continue;
        }
        free(hours->lines[i].units);
        free(hours->lines[i].uncertain);
        free(hours->steps[i]);
        hours->steps[i] = NULL;
    }
    hours->line_count = kept;
    return err;
}

/* ---- capacity ---------------------------------------------------------------------------------- */

static enum oft_err charge_line(struct ledger_hours *hours, const struct ledger_charge *charge,
                                uint32_t *ret_line)
{
    struct ledger_series_key key = {
        .kind = LEDGER_COST, .month = hours->month, .unit = charge->unit};
    if (LEDGER_PUT_NAME(key.pool, charge->pool) != OFT_OK ||
        LEDGER_PUT_NAME(key.party, charge->party) != OFT_OK ||
        LEDGER_PUT_NAME(key.clause, charge->clause) != OFT_OK) {
        return OFT_ERR_LIMIT;
    }
    if (oft_nanos_mul(charge->rate, LEDGER_RATE_UNITS, &key.rate) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    return line_of(hours, &key, NULL, ret_line);
}

/* Hours count from the arrival on, and each belongs whole to where its first instant lies. */
static enum oft_err charge_hours(struct ledger_hours *hours, const struct deal *deal,
                                 const struct ledger_charge *charge, oft_instant through)
{
    oft_nanos end = charge->until < through ? charge->until : through;
    oft_nanos from = oft_month_start(hours->month) - OFT_NS_PER_DAY;
    oft_nanos until = oft_month_start(hours->month + 1) + OFT_NS_PER_DAY;
    oft_nanos at = charge->from;
    uint32_t line = 0;
    enum oft_err err = OFT_OK;
    if (at < from) {
        at += (from - at + HOUR_NS - 1) / HOUR_NS * HOUR_NS;
    }
    for (; err == OFT_OK && at + HOUR_NS <= end && at < until; at += HOUR_NS) {
        if (deal_month_of(deal, (oft_instant)at) == hours->month) {
            err = charge_line(hours, charge, &line);
            if (err == OFT_OK) {
                err = charge->quantity > INT64_MAX ? OFT_ERR_RANGE
                                                   : count(&hours->lines[line], (oft_instant)at,
                                                           (int64_t)charge->quantity, false);
            }
        }
    }
    return err;
}

enum oft_err ledger_hours_capacity(struct ledger_hours *hours, const struct deal *deal,
                                   const struct ledger_charge *charges, size_t count_of,
                                   oft_instant through)
{
    enum oft_err err = OFT_OK;
    for (size_t i = 0; err == OFT_OK && i < count_of; i++) {
        if ((charges[i].unit == LEDGER_GPU_HOUR || charges[i].unit == LEDGER_MW_HOUR) &&
            charges[i].rate != 0 && charges[i].quantity != 0) {
            err = charge_hours(hours, deal, &charges[i], through);
        }
    }
    return err;
}
