/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Days of our own side. The month's file says what we owe; our metering by the hour says of which hours
 * it is. Where both come to the same, and theirs has days, our rows of the month give way to days: each
 * hour goes to the day of theirs that it lies in, whatever hour their days begin at.
 */
#include <stdlib.h>
#include <string.h>

#include "focus/reconcile.h"

#define HOUR_NS ((oft_instant)3600 * OFT_NS_PER_SECOND)

struct hourly *reconcile_hourly_of(const struct focus_reconciliation *result, const char *pool,
                                   const char *model, const char *unit)
{
    /* The file has the hours of a line together: mostly it is the last one. */
    for (size_t i = result->hourly_count; i > 0; i--) {
        struct hourly *it = &result->hourly[i - 1];
        if (strcmp(it->pool, pool) == 0 && strcmp(it->model, model) == 0 &&
            strcmp(it->unit, unit) == 0) {
            return it;
        }
    }
    return NULL;
}

/* ---- reading ----------------------------------------------------------------------------------- */

struct told {
    const char *pool, *model, *unit, *day, *why;
    struct hour amounts;
};

static enum oft_err number_of(const struct focus_table *table, size_t row, const char *name,
                              struct focus_decimal *ret)
{
    const char *text = focus_table_cell(table, row, name);
    return text == NULL ? OFT_ERR_SYNTAX : focus_decimal_parse(oft_str_from(text), ret);
}

static enum oft_err told_of(const struct focus_table *table, size_t row, struct told *told)
{
    struct focus_decimal factor;
    const char *unit = focus_table_cell(table, row, "unit");
    const char *model = focus_table_cell(table, row, "model");
    told->pool = focus_table_cell(table, row, "pool");
    told->model = model != NULL ? model : "";
    told->day = focus_table_cell(table, row, "day");
    told->why = focus_table_cell(table, row, "why");
    told->unit = unit == NULL ? NULL : reconcile_unit(unit, &factor);
    /* A unit that is none of a bill's is compared by the month, or not at all. */
    told->unit = told->unit == NULL ? unit : told->unit;
    if (told->pool == NULL || told->unit == NULL || told->day == NULL) {
        return OFT_ERR_SYNTAX;
    }
    enum oft_err err = number_of(table, row, "quantity", &told->amounts.quantity);
    if (err == OFT_OK) {
        err = number_of(table, row, "cost", &told->amounts.cost);
    }
    return err == OFT_OK ? number_of(table, row, "uncertain", &told->amounts.uncertain) : err;
}

static enum oft_err hour_add(struct hour *sum, const struct hour *more)
{
    enum oft_err err = focus_decimal_add(sum->quantity, more->quantity, &sum->quantity);
    if (err == OFT_OK) {
        err = focus_decimal_add(sum->cost, more->cost, &sum->cost);
    }
    return err == OFT_OK ? focus_decimal_add(sum->uncertain, more->uncertain, &sum->uncertain)
                         : err;
}

static enum oft_err hourly_new(struct focus_reconciliation *result, const struct told *told,
                               struct oft_arena *arena, struct hourly **ret)
{
    struct hourly *it = &result->hourly[result->hourly_count];
    *it = (struct hourly){.pool = told->pool, .model = told->model, .unit = told->unit};
    it->hours = oft_arena_alloc_array(arena, LEDGER_HOURS_OF_LINE, sizeof(*it->hours));
    result->hourly_count += it->hours != NULL;
    *ret = it;
    return it->hours == NULL ? OFT_ERR_MEMORY : OFT_OK;
}

static oft_instant day_start(oft_instant at)
{
    oft_instant over = at % OFT_NS_PER_DAY;
    return at - over - (over < 0 ? OFT_NS_PER_DAY : 0);
}

/* One row of our metering: an hour, a day, or a rest that has none. */
static enum oft_err take_told(struct focus_reconciliation *result, const struct told *told,
                              struct oft_arena *arena)
{
    oft_instant at;
    int32_t month;
    struct hourly *it = reconcile_hourly_of(result, told->pool, told->model, told->unit);
    enum oft_err err = it == NULL ? hourly_new(result, told, arena, &it) : OFT_OK;
    if (err == OFT_OK) {
        err = focus_decimal_add(it->quantity, told->amounts.quantity, &it->quantity);
    }
    if (err != OFT_OK) {
        return err;
    }
    if (oft_month_parse(oft_str_from(told->day), &month) == OFT_OK) {
        it->why = told->why != NULL ? told->why : "its records do not come to it";
        return OFT_OK;
    }
    if (oft_instant_parse(oft_str_from(told->day), &at) != OFT_OK) {
        return OFT_ERR_SYNTAX;
    }
    result->has_hours = result->has_hours || day_start(at) != at;
    oft_nanos hour = ((oft_nanos)at - result->hours_begin) / HOUR_NS;
    if (at >= result->hours_begin && hour < LEDGER_HOURS_OF_LINE) {
        return hour_add(&it->hours[hour], &told->amounts);
    }
    result->late[result->late_count++] = (struct charge){.pool = it->pool,
                                                         .model = it->model,
                                                         .unit = it->unit,
                                                         .from = day_start(at),
                                                         .quantity = told->amounts.quantity,
                                                         .cost = told->amounts.cost,
                                                         .uncertain = told->amounts.uncertain};
    return OFT_OK;
}

static enum oft_err read_hours(const struct focus_table *table, struct oft_arena *arena,
                               struct focus_reconciliation *result)
{
    size_t most = table->row_count + 1;
    enum oft_err err = OFT_OK;
    result->hourly = oft_arena_alloc_array(arena, most, sizeof(*result->hourly));
    result->late = oft_arena_alloc_array(arena, most, sizeof(*result->late));
    if (result->hourly == NULL || result->late == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (size_t row = 0; err == OFT_OK && row < table->row_count; row++) {
        struct told told = {0};
        err = told_of(table, row, &told);
        err = err == OFT_OK ? take_told(result, &told, arena) : err;
    }
    return err;
}

/* ---- which are compared by the day ------------------------------------------------------------- */

/* Days are no part of what they do not come to. */
static enum oft_err hold_against_month(struct focus_reconciliation *result, struct hourly *it)
{
    const struct charges *ours = &result->side[HERE];
    struct focus_decimal sum = {0, 0};
    enum oft_err err = OFT_OK;
    int order = 0;
    for (size_t i = 0; err == OFT_OK && i < ours->count; i++) {
        if (reconcile_hourly_of(result, ours->items[i].pool, ours->items[i].model,
                                ours->items[i].unit) == it) {
            err = focus_decimal_add(sum, ours->items[i].quantity, &sum);
        }
    }
    if (err == OFT_OK) {
        err = focus_decimal_compare(sum, it->quantity, &order);
    }
    if (err == OFT_OK && order != 0 && it->why == NULL) {
        it->why = "its hours do not come to the month's file: one of them was made later";
    }
    return err;
}

static enum oft_err choose(struct focus_reconciliation *result)
{
    struct charges *theirs = &result->side[THERE];
    enum oft_err err = OFT_OK;
    for (size_t i = 0; i < theirs->count; i++) {
        const struct charge *charge = &theirs->items[i];
        struct hourly *it = reconcile_hourly_of(result, charge->pool, charge->model, charge->unit);
        if (it != NULL) {
            it->rows[charge->from != CHARGE_OF_MONTH]++;
        }
    }
    for (size_t i = 0; err == OFT_OK && i < result->hourly_count; i++) {
        struct hourly *it = &result->hourly[i];
        if (it->rows[true] > 0 && it->rows[false] > 0) {
            it->why = "some of their rows of it are of more than a day";
        }
        err = it->rows[true] > 0 ? hold_against_month(result, it) : OFT_OK;
        it->chosen = it->rows[true] > 0 && it->why == NULL;
    }
    for (size_t i = 0; i < theirs->count; i++) {
        struct charge *charge = &theirs->items[i];
        struct hourly *it = reconcile_hourly_of(result, charge->pool, charge->model, charge->unit);
        if (it == NULL || !it->chosen) {
            charge->from = CHARGE_OF_MONTH;
        }
    }
    return err;
}

/* ---- rows of the month become days ------------------------------------------------------------- */

static int compare_instants(const void *a, const void *b)
{
    oft_instant x = *(const oft_instant *)a;
    oft_instant y = *(const oft_instant *)b;
    return (x > y) - (x < y);
}

/* Where the day of theirs that AT lies in begins; where they have none, days go on as the first does. */
static oft_instant window_of(const oft_instant *begins, size_t count, oft_instant at)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (begins[middle] <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low > 0 && at - begins[low - 1] < OFT_NS_PER_DAY) {
        return begins[low - 1];
    }
    return begins[0] + day_start(at - begins[0]);
}

static size_t windows_of(const struct focus_reconciliation *result, const struct hourly *it,
                         oft_instant *begins)
{
    const struct charges *theirs = &result->side[THERE];
    size_t count = 0;
    for (size_t i = 0; i < theirs->count; i++) {
        const struct charge *charge = &theirs->items[i];
        if (reconcile_hourly_of(result, charge->pool, charge->model, charge->unit) == it) {
            begins[count++] = charge->from;
        }
    }
    qsort(begins, count, sizeof(*begins), compare_instants);
    return count;
}

static enum oft_err put_hour(const struct hourly *it, const struct hour *hour, oft_instant from,
                             size_t first, struct charges *out)
{
    struct charge *last = out->count > first ? &out->items[out->count - 1] : NULL;
    if (last == NULL || last->from != from) {
        last = &out->items[out->count++];
        *last =
            (struct charge){.pool = it->pool, .model = it->model, .unit = it->unit, .from = from};
    }
    struct hour sum = {last->quantity, last->cost, last->uncertain};
    enum oft_err err = hour_add(&sum, hour);
    last->quantity = sum.quantity;
    last->cost = sum.cost;
    last->uncertain = sum.uncertain;
    return err;
}

static enum oft_err put_days(const struct focus_reconciliation *result, const struct hourly *it,
                             oft_instant *begins, struct charges *out)
{
    size_t count = windows_of(result, it, begins);
    size_t first = out->count;
    enum oft_err err = OFT_OK;
    for (size_t i = 0; err == OFT_OK && i < LEDGER_HOURS_OF_LINE; i++) {
        const struct hour *hour = &it->hours[i];
        if (hour->quantity.value != 0) {
            oft_instant at = result->hours_begin + (oft_instant)i * HOUR_NS;
            err = put_hour(it, hour, window_of(begins, count, at), first, out);
        }
    }
    for (size_t i = 0; i < result->late_count; i++) {
        const struct charge *late = &result->late[i];
        if (reconcile_hourly_of(result, late->pool, late->model, late->unit) == it) {
            out->items[out->count++] = *late;
        }
    }
    return err;
}

/* Their charges of a month stay; those that are compared by the day are made of hours. */
static enum oft_err split(struct focus_reconciliation *result, size_t hour_rows,
                          struct oft_arena *arena)
{
    struct charges *ours = &result->side[HERE];
    struct charges out = *ours;
    oft_instant *begins =
        oft_arena_alloc_array(arena, result->side[THERE].count + 1, sizeof(*begins));
    enum oft_err err = OFT_OK;
    out.items = oft_arena_alloc_array(arena, ours->count + hour_rows + 1, sizeof(*out.items));
    out.count = 0;
    if (begins == NULL || out.items == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (size_t i = 0; i < ours->count; i++) {
        const struct charge *charge = &ours->items[i];
        const struct hourly *it =
            reconcile_hourly_of(result, charge->pool, charge->model, charge->unit);
        if (it == NULL || !it->chosen) {
            out.items[out.count++] = *charge;
        }
    }
    for (size_t i = 0; err == OFT_OK && i < result->hourly_count; i++) {
        if (result->hourly[i].chosen) {
            err = put_days(result, &result->hourly[i], begins, &out);
        }
    }
    *ours = out;
    result->rows[HERE] = out.count + out.outside_count;
    return err;
}

enum oft_err reconcile_days(const struct focus_reconcile_input *input, struct oft_arena *arena,
                            struct focus_reconciliation *result)
{
    result->hours_begin = oft_month_start(input->month) - OFT_NS_PER_DAY;
    enum oft_err err = OFT_OK;
    if (input->by != FOCUS_BY_MONTH && input->hours.column_count > 0) {
        err = read_hours(&input->hours, arena, result);
    }
    if (err == OFT_OK) {
        err = choose(result);
    }
    return err == OFT_OK ? split(result, input->hours.row_count, arena) : err;
}
