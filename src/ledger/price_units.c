/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units at a price. A price in steps has a series per step, so that every line stays quantity times
 * price: the month's count of a class under one line is laid over the steps, [0, after), [after, next)
 * and so on. Where a unit falls follows from the count alone, so what each step comes to does not
 * depend on how records were cut into batches or in which order they came.
 */
#include "ledger/internal.h"

/* Adds QUANTITY at RATE to WANTED's series and to SUM. */
static enum oft_err add_units(struct ledger_batch *batch, struct ledger_series *wanted,
                              oft_nanos quantity, oft_nanos rate, oft_nanos *sum)
{
    oft_nanos exact;
    size_t index;
    wanted->key.rate = rate;
    enum oft_err err = oft_nanos_mul(quantity, rate, &exact);
    if (err == OFT_OK) {
        err = oft_nanos_add(*sum, exact, sum);
    }
    return err == OFT_OK ? ledger_series_add(batch, wanted, quantity, 0, &index) : err;
}

static oft_nanos step_rate(const struct deal_price *price, uint32_t step, uint32_t unit)
{
    return step == 0 ? price->per_million_nanos[unit]
                     : price->steps[step - 1].per_million_nanos[unit];
}

/* Does an earlier step have this one's price? Steps of one price are one line. */
static bool rate_seen(const struct deal_price *price, uint32_t step, uint32_t unit)
{
    for (uint32_t i = 0; i < step; i++) {
        if (step_rate(price, i, unit) == step_rate(price, step, unit)) {
            return true;
        }
    }
    return false;
}

/* What the books hold of a step, wherever it stands: late units go on where the month's count was. */
static enum oft_err booked_before(struct ledger_batch *batch, const struct ledger_series_key *key,
                                  oft_nanos *ret_count)
{
    const struct ledger_totals_source *source = batch->source;
    struct ledger_totals before;
    struct ledger_totals elsewhere = {0};
    enum oft_err err = source->totals(source->context, key, &before, batch->error);
    if (err == OFT_OK && key->for_month != 0) {
        err = source->elsewhere(source->context, key, &elsewhere, batch->error);
    }
    return err == OFT_OK ? oft_nanos_add(before.quantity, elsewhere.quantity, ret_count) : err;
}

/* How many units of the class the month has under this line by now: in the books and in this batch. */
static enum oft_err counted_so_far(struct ledger_batch *batch, const struct deal_price *price,
                                   struct ledger_series *wanted, oft_nanos *ret_count)
{
    oft_nanos count = 0;
    for (uint32_t step = 0; step <= price->step_count; step++) {
        size_t index;
        if (rate_seen(price, step, wanted->key.unit)) {
            continue;
        }
        wanted->key.rate = step_rate(price, step, wanted->key.unit);
        enum oft_err err = ledger_series_add(batch, wanted, 0, 0, &index);
        if (err != OFT_OK) {
            return err;
        }
        struct ledger_series *series = &batch->series[index];
        if (!series->is_step) {
            oft_nanos before = 0;
            err = booked_before(batch, &series->key, &before);
            if (err != OFT_OK) {
                return err;
            }
            series->is_step = true;
            series->before = before;
        }
        if (oft_nanos_add(count, series->before, &count) != OFT_OK ||
            oft_nanos_add(count, series->quantity, &count) != OFT_OK) {
            return OFT_ERR_RANGE;
        }
    }
    *ret_count = count;
    return OFT_OK;
}

/* A record by itself: which steps it fell into is in the month's count, which the books alone have. Its
 * units stand under the first one. */
static enum oft_err add_untold(struct ledger_batch *batch, const struct deal_price *price,
                               struct ledger_series *wanted, oft_nanos quantity, oft_nanos *sum)
{
    size_t index;
    bool differ = false; /* steps may be of other classes */
    for (uint32_t step = 1; step <= price->step_count; step++) {
        differ = differ || !rate_seen(price, step, wanted->key.unit);
    }
    if (!differ) {
        return add_units(batch, wanted, quantity, step_rate(price, 0, wanted->key.unit), sum);
    }
    wanted->key.rate = step_rate(price, 0, wanted->key.unit);
    enum oft_err err = ledger_series_add(batch, wanted, quantity, 0, &index);
    if (err == OFT_OK) {
        batch->series[index].steps = price;
        batch->steps_met = true;
    }
    return err;
}

static enum oft_err add_by_steps(struct ledger_batch *batch, const struct deal_price *price,
                                 struct ledger_series *wanted, oft_nanos quantity, oft_nanos *sum)
{
    oft_nanos from;
    oft_nanos until;
    if (batch->source == NULL) {
        return add_untold(batch, price, wanted, quantity, sum);
    }
    enum oft_err err = counted_so_far(batch, price, wanted, &from);
    if (err == OFT_OK) {
        err = oft_nanos_add(from, quantity, &until);
    }
    bool down = quantity < 0; /* the units counted last are those that go */
    if (err == OFT_OK && down) {
        oft_nanos top = from;
        from = until;
        until = top;
        err = from < 0 ? oft_fail(batch->error, OFT_ERR_CONFLICT,
                                  "the books hold fewer units under %s than are taken back",
                                  wanted->key.clause)
                       : OFT_OK;
    }
    for (uint32_t step = 0; err == OFT_OK && step <= price->step_count; step++) {
        oft_nanos low = step == 0 ? 0 : (oft_nanos)price->steps[step - 1].after;
        oft_nanos high = step == price->step_count ? until : (oft_nanos)price->steps[step].after;
        low = low > from ? low : from;
        high = high < until ? high : until;
        if (low < high) {
            oft_nanos rate = step_rate(price, step, wanted->key.unit);
            err = add_units(batch, wanted, down ? low - high : high - low, rate, sum);
        }
    }
    return err;
}

static bool costs_nothing(const struct deal_price *price, uint32_t unit)
{
    for (uint32_t step = 0; step <= price->step_count; step++) {
        if (step_rate(price, step, unit) != 0) {
            return false;
        }
    }
    return true;
}

enum oft_err ledger_units_expand(struct ledger_batch *batch, const struct ledger_cell *cell,
                                 const struct deal_price *price, struct ledger_series *wanted,
                                 oft_nanos *ret_exact)
{
    oft_nanos sum = 0;
    batch->steps_met = false;
    for (uint32_t unit = 0; unit < DEAL_UNIT_COUNT; unit++) {
        uint64_t count = unit == DEAL_UNIT_REQUEST ? cell->requests : cell->units[unit];
        oft_nanos quantity = cell->reversed ? -(oft_nanos)count : (oft_nanos)count;
        if (quantity == 0 || costs_nothing(price, unit)) {
            continue;
        }
        wanted->key.unit = unit;
        enum oft_err err =
            price->step_count == 0
                ? add_units(batch, wanted, quantity, price->per_million_nanos[unit], &sum)
                : add_by_steps(batch, price, wanted, quantity, &sum);
        if (err != OFT_OK) {
            return err;
        }
    }
    *ret_exact = sum;
    return OFT_OK;
}
