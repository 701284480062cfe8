/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Charges of both sides, added up by pool, model and unit for the month, or for the day. Equal means equal: tolerance is
 * zero. At the end the rows and costs of each side are counted once more; they are all somewhere, or the
 * program stops.
 */
#include <stdlib.h>
#include <string.h>

#include "focus/reconcile.h"

static int compare_charges(const void *a, const void *b)
{
    const struct charge *x = a;
    const struct charge *y = b;
    int order = strcmp(x->pool, y->pool);
    order = order != 0 ? order : strcmp(x->model, y->model);
    order = order != 0 ? order : strcmp(x->unit, y->unit);
    order = order != 0 ? order : (x->from > y->from) - (x->from < y->from);
    return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

static int compare_group(const void *key, const void *item)
{
    const struct charge *charge = key;
    const struct group *group = item;
    int order = strcmp(charge->pool, group->pool);
    order = order != 0 ? order : strcmp(charge->model, group->model);
    order = order != 0 ? order : strcmp(charge->unit, group->unit);
    return order != 0 ? order : (charge->from > group->from) - (charge->from < group->from);
}

/* Charges come in order: those of a group that is new are next to each other. The first SORTED groups are
 * those of the side before. */
static struct group *group_of(struct focus_reconciliation *result, size_t sorted,
                              const struct charge *charge)
{
    size_t last = result->group_count;
    if (last > 0 && compare_group(charge, &result->groups[last - 1]) == 0) {
        return &result->groups[last - 1];
    }
    struct group *found =
        sorted == 0 ? NULL : bsearch(charge, result->groups, sorted, sizeof(*found), compare_group);
    if (found != NULL) {
        return found;
    }
    struct group *group = &result->groups[result->group_count++];
    *group = (struct group){
        .pool = charge->pool, .model = charge->model, .unit = charge->unit, .from = charge->from};
    if (charge->from != CHARGE_OF_MONTH) {
        group->hourly = reconcile_hourly_of(result, charge->pool, charge->model, charge->unit);
    }
    return group;
}

static enum oft_err take(struct group *group, enum focus_side side, const struct charge *charge)
{
    struct side_sum *sum = &group->side[side];
    sum->first_line = sum->rows == 0 ? charge->line : sum->first_line;
    sum->last_line = charge->line;
    sum->rows++;
    enum oft_err err = focus_decimal_add(sum->quantity, charge->quantity, &sum->quantity);
    if (err == OFT_OK) {
        err = focus_decimal_add(sum->cost, charge->cost, &sum->cost);
    }
    int order = 0;
    if (err == OFT_OK && side == HERE) {
        err = focus_decimal_compare(charge->uncertain, group->uncertain, &order);
        group->uncertain = order > 0 ? charge->uncertain : group->uncertain;
    }
    return err;
}

static enum oft_err compare(struct group *group)
{
    const struct side_sum *there = &group->side[THERE];
    const struct side_sum *here = &group->side[HERE];
    enum oft_err err =
        focus_decimal_sub(there->quantity, here->quantity, &group->quantity_difference);
    if (err == OFT_OK) {
        err = focus_decimal_sub(there->cost, here->cost, &group->cost_difference);
    }
    group->differs = group->quantity_difference.value != 0 || group->cost_difference.value != 0 ||
                     (there->rows == 0) != (here->rows == 0);
    return err;
}

static enum oft_err group_all(struct focus_reconciliation *result, struct oft_arena *arena)
{
    size_t most = result->side[THERE].count + result->side[HERE].count;
    enum oft_err err = OFT_OK;
    result->groups = oft_arena_alloc_array(arena, most + 1, sizeof(*result->groups));
    if (result->groups == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (int side = HERE; side >= THERE; side--) {
        struct charges *charges = &result->side[side];
        size_t sorted = result->group_count;
        qsort(charges->items, charges->count, sizeof(*charges->items), compare_charges);
        for (size_t i = 0; i < charges->count && err == OFT_OK; i++) {
            err = take(group_of(result, sorted, &charges->items[i]), (enum focus_side)side,
                       &charges->items[i]);
        }
    }
    for (size_t i = 0; i < result->group_count && err == OFT_OK; i++) {
        err = compare(&result->groups[i]);
    }
    if (err == OFT_OK) {
        err = reconcile_days_judge(result, arena);
    }
    for (size_t i = 0; i < result->group_count && err == OFT_OK; i++) {
        if (result->groups[i].differs) {
            err = reconcile_cause(result, &result->groups[i], arena);
        }
    }
    return err;
}

/* ---- nothing is dropped ----------------------------------------------------------------------- */

static enum oft_err add_up(struct focus_reconciliation *result, enum focus_side side)
{
    size_t *rows = result->row_sums[side];
    struct focus_decimal *costs = result->cost_sums[side];
    const struct charges *charges = &result->side[side];
    struct focus_decimal all = {0, 0};
    struct focus_decimal parts;
    enum oft_err err = OFT_OK;
    int order = 0;
    for (size_t i = 0; i < result->group_count && err == OFT_OK; i++) {
        const struct group *group = &result->groups[i];
        rows[group->differs] += group->side[side].rows;
        err = focus_decimal_add(costs[group->differs], group->side[side].cost,
                                &costs[group->differs]);
    }
    for (size_t i = 0; i < charges->outside_count && err == OFT_OK; i++) {
        rows[2]++;
        err = focus_decimal_add(costs[2], charges->outside[i].cost, &costs[2]);
        if (err == OFT_OK) {
            err = focus_decimal_add(all, charges->outside[i].cost, &all);
        }
    }
    for (size_t i = 0; i < charges->count && err == OFT_OK; i++) {
        err = focus_decimal_add(all, charges->items[i].cost, &all);
    }
    OFT_ASSERT(err != OFT_OK || rows[0] + rows[1] + rows[2] == result->rows[side]);
    if (err == OFT_OK) {
        err = focus_decimal_add(costs[0], costs[1], &parts);
    }
    if (err == OFT_OK) {
        err = focus_decimal_add(parts, costs[2], &parts);
    }
    if (err == OFT_OK) {
        err = focus_decimal_compare(parts, all, &order);
    }
    OFT_ASSERT(err != OFT_OK || order == 0);
    return err;
}

enum oft_err focus_reconcile(const struct focus_reconcile_input *input, struct oft_arena *arena,
                             const struct focus_reconciliation **ret, struct oft_error *reterr)
{
    struct focus_reconciliation *result = oft_arena_alloc(arena, sizeof(*result));
    enum oft_err err = result == NULL ? OFT_ERR_MEMORY : OFT_OK;
    for (int side = THERE; side < SIDES && err == OFT_OK; side++) {
        err = reconcile_read(input, (enum focus_side)side, arena, &result->side[side]);
    }
    if (err == OFT_OK) {
        result->month = input->month;
        result->rows[THERE] = input->theirs.row_count;
        result->rows[HERE] = input->ours.row_count;
        err = reconcile_days(input, arena, result);
    }
    if (err == OFT_OK) {
        err = group_all(result, arena);
    }
    for (int side = THERE; side < SIDES && err == OFT_OK; side++) {
        err = add_up(result, (enum focus_side)side);
    }
    if (err != OFT_OK) {
        return oft_fail(reterr, err, "cannot reconcile the files: %s", oft_err_text(err));
    }
    *ret = result;
    return OFT_OK;
}

bool focus_reconciliation_clean(const struct focus_reconciliation *result)
{
    for (size_t i = 0; i < result->group_count; i++) {
        if (result->groups[i].differs) {
            return false;
        }
    }
    for (size_t i = 0; i < result->side[THERE].outside_count; i++) {
        if (result->side[THERE].outside[i].open) {
            return false;
        }
    }
    return true;
}
