/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reconciliation for people and for programs.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "focus/reconcile.h"
#include "ledger/statement.h"

static const char *const SIDE_NAMES[SIDES] = {"there", "here"};

static void print_side(const struct group *group, enum focus_side side, struct oft_buffer *out)
{
    const struct side_sum *sum = &group->side[side];
    char quantity[FOCUS_DECIMAL_TEXT_BYTES];
    char cost[FOCUS_DECIMAL_TEXT_BYTES];
    oft_buffer_printf(out, "  %-10s %22s %-10s %22s", SIDE_NAMES[side],
                      focus_decimal_format(sum->quantity, quantity), group->unit,
                      focus_decimal_format(sum->cost, cost));
    if (side == THERE && sum->rows > 0) {
        oft_buffer_printf(out, "\n             %zu row%s, lines %zu to %zu", sum->rows,
                          sum->rows == 1 ? "" : "s", sum->first_line, sum->last_line);
    }
    oft_buffer_append_char(out, '\n');
}

/* The day of a group; "" for the month. */
static const char *day_text(const struct group *group, char out[OFT_INSTANT_TEXT_BYTES])
{
    return group->from == CHARGE_OF_MONTH ? "" : oft_instant_format_short(group->from, out);
}

/* What theirs have by the day, and could not be compared so. */
static bool is_by_month(const struct hourly *it)
{
    return it->rows[true] > 0 && !it->chosen;
}

static void print_by_month(const struct focus_reconciliation *result, struct oft_buffer *out)
{
    bool any = false;
    char text[512];
    for (size_t i = 0; i < result->hourly_count; i++) {
        const struct hourly *it = &result->hourly[i];
        if (!is_by_month(it)) {
            continue;
        }
        if (!any) {
            print_title(out, "By the month, though theirs have days");
        }
        any = true;
        (void)snprintf(text, sizeof(text), "%s, %s, %s: %s", it->pool,
                       it->model[0] == '\0' ? "no model" : it->model, it->unit, it->why);
        print_wrapped(out, 2, 4, text);
    }
}

static void json_by_month(const struct focus_reconciliation *result, struct oft_json *json)
{
    oft_json_key(json, "by_month");
    oft_json_open(json, '[');
    for (size_t i = 0; i < result->hourly_count; i++) {
        const struct hourly *it = &result->hourly[i];
        if (is_by_month(it)) {
            oft_json_open(json, '{');
            oft_json_put_text(json, "pool", it->pool);
            oft_json_put_text(json, "model", it->model);
            oft_json_put_text(json, "unit", it->unit);
            oft_json_put_text(json, "why", it->why);
            oft_json_close(json, '}');
        }
    }
    oft_json_close(json, ']');
}

static void print_group(const struct group *group, struct oft_buffer *out)
{
    char text[512];
    char quantity[FOCUS_DECIMAL_TEXT_BYTES];
    char cost[FOCUS_DECIMAL_TEXT_BYTES];
    char day[OFT_INSTANT_TEXT_BYTES];
    (void)snprintf(text, sizeof(text), "%s, %s, %s%s%s", group->pool,
                   group->model[0] == '\0' ? "no model" : group->model, group->unit,
                   group->from == CHARGE_OF_MONTH ? "" : ", ", day_text(group, day));
    print_title(out, text);
    print_side(group, THERE, out);
    print_side(group, HERE, out);
    oft_buffer_printf(out, "  %-10s %22s %-10s %22s\n", "difference",
                      focus_decimal_format(group->quantity_difference, quantity), "",
                      focus_decimal_format(group->cost_difference, cost));
    (void)snprintf(text, sizeof(text), "likely cause: %s: %s", group->cause, group->text);
    print_wrapped(out, 2, 4, text);
}

static void print_outside(const struct focus_reconciliation *result, enum focus_side side,
                          struct oft_buffer *out)
{
    const struct charges *charges = &result->side[side];
    char text[512];
    char cost[FOCUS_DECIMAL_TEXT_BYTES];
    for (size_t i = 0; i < charges->outside_count; i++) {
        const struct outside *item = &charges->outside[i];
        if (i == 0) {
            print_title(out, side == THERE ? "Not compared, of theirs" : "Not compared, of ours");
        }
        (void)snprintf(text, sizeof(text), "line %zu, cost %s: %s", item->line,
                       item->has_cost ? focus_decimal_format(item->cost, cost) : "unknown",
                       item->why);
        print_wrapped(out, 2, 4, text);
    }
}

static void print_totals(const struct focus_reconciliation *result, struct oft_buffer *out)
{
    char digits[3][FOCUS_DECIMAL_TEXT_BYTES];
    print_title(out, "Totals: every row is in one of these");
    oft_buffer_printf(out, "  %-6s %6s %18s %18s %18s\n", "", "rows", "matched", "different",
                      "not compared");
    for (int side = THERE; side < SIDES; side++) {
        oft_buffer_printf(out, "  %-6s %6zu %18zu %18zu %18zu\n", SIDE_NAMES[side],
                          result->rows[side], result->row_sums[side][0], result->row_sums[side][1],
                          result->row_sums[side][2]);
        for (size_t i = 0; i < 3; i++) {
            (void)focus_decimal_format(result->cost_sums[side][i], digits[i]);
        }
        oft_buffer_printf(out, "  %-6s %6s %18s %18s %18s\n", "", "cost", digits[0], digits[1],
                          digits[2]);
    }
}

static void print_text(const struct focus_reconciliation *result, struct oft_buffer *out)
{
    char month[OFT_INSTANT_TEXT_BYTES];
    size_t differing = 0;
    for (size_t i = 0; i < result->group_count; i++) {
        differing += result->groups[i].differs;
    }
    oft_buffer_printf(out, "Reconciliation of %s: %zu lines, %zu of them differ\n",
                      oft_month_format(result->month, month), result->group_count, differing);
    for (size_t i = 0; i < result->group_count; i++) {
        if (result->groups[i].differs) {
            print_group(&result->groups[i], out);
        }
    }
    print_by_month(result, out);
    print_outside(result, THERE, out);
    print_outside(result, HERE, out);
    print_totals(result, out);
}

/* ---- JSON ------------------------------------------------------------------------------------- */

static void put_decimal(struct oft_json *json, const char *name, struct focus_decimal value)
{
    char digits[FOCUS_DECIMAL_TEXT_BYTES];
    oft_json_put_text(json, name, focus_decimal_format(value, digits));
}

static void json_group(const struct group *group, struct oft_json *json)
{
    char day[OFT_INSTANT_TEXT_BYTES];
    oft_json_open(json, '{');
    oft_json_put_text(json, "pool", group->pool);
    oft_json_put_text(json, "model", group->model);
    oft_json_put_text(json, "unit", group->unit);
    oft_json_put_text(json, "day", group->from == CHARGE_OF_MONTH ? NULL : day_text(group, day));
    oft_json_put_bool(json, "differs", group->differs);
    for (int side = THERE; side < SIDES; side++) {
        oft_json_key(json, SIDE_NAMES[side]);
        oft_json_open(json, '{');
        oft_json_put_number(json, "rows", group->side[side].rows);
        put_decimal(json, "quantity", group->side[side].quantity);
        put_decimal(json, "cost", group->side[side].cost);
        oft_json_put_number(json, "first_line", group->side[side].first_line);
        oft_json_put_number(json, "last_line", group->side[side].last_line);
        oft_json_close(json, '}');
    }
    put_decimal(json, "quantity_difference", group->quantity_difference);
    put_decimal(json, "cost_difference", group->cost_difference);
    oft_json_put_text(json, "cause", group->cause);
    oft_json_put_text(json, "text", group->text);
    oft_json_close(json, '}');
}

static void json_side(const struct focus_reconciliation *result, enum focus_side side,
                      struct oft_json *json)
{
    static const char *const names[] = {"matched", "different", "not_compared"};
    const struct charges *charges = &result->side[side];
    oft_json_key(json, SIDE_NAMES[side]);
    oft_json_open(json, '{');
    oft_json_put_number(json, "rows", result->rows[side]);
    for (size_t i = 0; i < 3; i++) {
        char name[32];
        oft_json_put_number(json, names[i], result->row_sums[side][i]);
        (void)snprintf(name, sizeof(name), "%s_cost", names[i]);
        put_decimal(json, name, result->cost_sums[side][i]);
    }
    oft_json_key(json, "outside");
    oft_json_open(json, '[');
    for (size_t i = 0; i < charges->outside_count; i++) {
        const struct outside *item = &charges->outside[i];
        oft_json_open(json, '{');
        oft_json_put_number(json, "line", item->line);
        if (item->has_cost) {
            put_decimal(json, "cost", item->cost);
        } else {
            oft_json_put_text(json, "cost", NULL);
        }
        oft_json_put_text(json, "why", item->why);
        oft_json_put_bool(json, "open", item->open);
        oft_json_close(json, '}');
    }
    oft_json_close(json, ']');
    oft_json_close(json, '}');
}

void focus_reconciliation_print(const struct focus_reconciliation *result, bool json,
                                struct oft_buffer *out)
{
    char month[OFT_INSTANT_TEXT_BYTES];
    if (!json) {
        print_text(result, out);
        return;
    }
    struct oft_json document = {.out = out};
    oft_json_open(&document, '{');
    oft_json_put_text(&document, "month", oft_month_format(result->month, month));
    oft_json_put_bool(&document, "clean", focus_reconciliation_clean(result));
    oft_json_key(&document, "lines");
    oft_json_open(&document, '[');
    for (size_t i = 0; i < result->group_count; i++) {
        json_group(&result->groups[i], &document);
    }
    oft_json_close(&document, ']');
    json_by_month(result, &document);
    for (int side = THERE; side < SIDES; side++) {
        json_side(result, (enum focus_side)side, &document);
    }
    oft_json_close(&document, '}');
    oft_buffer_append_char(out, '\n');
}
