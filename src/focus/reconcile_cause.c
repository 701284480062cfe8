/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a difference looks like. Each test is a sum that comes out exactly, or a bound; the first that
 * fits is named, and it is a likely cause and no proof.
 */
#include <string.h>

#include "focus/reconcile.h"

static bool equal(struct focus_decimal a, struct focus_decimal b)
{
    int order = 1;
    return focus_decimal_compare(a, b, &order) == OFT_OK && order == 0;
}

static struct focus_decimal without_sign(struct focus_decimal a)
{
    a.value = a.value < 0 ? -a.value : a.value;
    return a;
}

static bool at_most(struct focus_decimal a, struct focus_decimal b)
{
    int order = 1;
    return focus_decimal_compare(a, b, &order) == OFT_OK && order <= 0;
}

static enum oft_err say(struct group *group, const char *cause, const char *text)
{
    group->cause = cause;
    group->text = text;
    return OFT_OK;
}

/* What we metered of UNIT on the same pool and model. */
static struct focus_decimal sibling(const struct focus_reconciliation *result,
                                    const struct group *group, const char *unit)
{
    for (size_t i = 0; i < result->group_count; i++) {
        const struct group *other = &result->groups[i];
        if (other->from == group->from && strcmp(other->pool, group->pool) == 0 &&
            strcmp(other->model, group->model) == 0 && strcmp(other->unit, unit) == 0) {
            return other->side[HERE].quantity;
        }
    }
    return (struct focus_decimal){0, 0};
}

static bool is_multiple(struct focus_decimal a, struct focus_decimal b)
{
    static const oft_nanos factors[] = {1000, 1000000};
    for (size_t i = 0; i < OFT_COUNT_OF(factors); i++) {
        struct focus_decimal product;
        if (focus_decimal_mul(a, (struct focus_decimal){factors[i], 0}, &product) == OFT_OK &&
            equal(product, b)) {
            return true;
        }
    }
    return false;
}

/* There is a cached part of the input, and their input has it inside. */
static bool holds_sibling(const struct focus_reconciliation *result, const struct group *group,
                          const char *unit, const char *inside)
{
    struct focus_decimal part = sibling(result, group, inside);
    return strcmp(group->unit, unit) == 0 && part.value > 0 &&
           equal(group->quantity_difference, part);
}

static enum oft_err quantity_cause(const struct focus_reconciliation *result, struct group *group)
{
    struct focus_decimal there = group->side[THERE].quantity;
    struct focus_decimal here = group->side[HERE].quantity;
    struct focus_decimal size = without_sign(group->quantity_difference);
    if (holds_sibling(result, group, "input", "cached")) {
        return say(group, "cached-counted-twice",
                   "their input is ours and our cached tokens: what was read from the cache is "
                   "counted as input, too");
    }
    if (holds_sibling(result, group, "input", "cache-write")) {
        return say(group, "cached-counted-twice",
                   "their input is ours and our cache writes: those are counted as input, too");
    }
    if (holds_sibling(result, group, "output", "reasoning")) {
        return say(group, "reasoning-counted-twice",
                   "their output is ours and our reasoning tokens: those are counted as output");
    }
    if (is_multiple(there, here) || is_multiple(here, there)) {
        return say(group, "unit-mismatch",
                   "the quantities are a thousand or a million apart: the unit of one is another; "
                   "see --alias unit:THEIRS=OURS with \"1000 ...\" in front");
    }
    if (at_most(size, group->uncertain)) {
        return say(group, "estimated-or-unsettled",
                   "we estimated at least so much, or never saw its end: the provider's count may "
                   "be the better one");
    }
    if (group->quantity_difference.value < 0) {
        return say(group, "late-usage",
                   "we metered more: the provider may bill the rest with the next month");
    }
    return say(
        group, "not-metered",
        "they count more than passed through the gateway: use that went around it, requests "
        "that timed out after they were sent, or records still to be booked (offtake drain)");
}

/* Half a cent for each of their rows is what writing cents can make. */
static bool is_rounding(const struct group *group)
{
    struct focus_decimal bound = {(oft_nanos)group->side[THERE].rows * 5, 3};
    return at_most(without_sign(group->cost_difference), bound);
}

enum oft_err reconcile_cause(const struct focus_reconciliation *result, struct group *group,
                             struct oft_arena *arena)
{
    bool found = false;
    if (group->hourly != NULL) {
        enum oft_err err = reconcile_day_cause(result, group, arena, &found);
        if (err != OFT_OK || found) {
            return err;
        }
    }
    if (group->side[THERE].rows == 0) {
        return say(group, "missing-there",
                   "we metered it and they do not list it: late usage at the provider, or a row "
                   "under another name (see what could not be placed)");
    }
    if (group->side[HERE].rows == 0) {
        return say(group, "missing-here",
                   "they bill it and we metered none of it on this pool and model");
    }
    if (group->quantity_difference.value != 0) {
        return quantity_cause(result, group);
    }
    if (is_rounding(group)) {
        return say(group, "rounding",
                   "the quantities are the same, and the costs differ by less than half a cent a "
                   "row");
    }
    return say(group, "price-version",
               "the quantities are the same and the price is not: another version of the price, or "
               "a discount that the deal does not have");
}
