/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of the month as rows of its days. What a day costs is what the month costs up to its end, less
 * what it costs up to its beginning, each rounded: so the days come to the month's amount.
 */
#include <string.h>

#include "focus/internal.h"
#include "ledger/internal.h"

#define HOUR_NS ((oft_instant)3600 * OFT_NS_PER_SECOND)

struct day {
    oft_instant from;
    oft_nanos quantity, uncertain;
};

static struct day day_of(const struct ledger_hours_line *line, size_t first_hour)
{
    struct day day = {.from = line->begins + (oft_instant)first_hour * HOUR_NS};
    for (size_t i = first_hour; i < first_hour + 24; i++) {
        day.quantity += line->units[i]; /* 24 of 64 bits fit */
        day.uncertain += line->uncertain[i];
    }
    return day;
}

/* The hours of ROW when they come to what it holds, else NULL. */
static const struct ledger_hours_line *hours_of(const struct focus_input *input,
                                                const struct ledger_row *row)
{
    for (size_t i = 0; i < input->hours_count; i++) {
        const struct ledger_hours_line *line = &input->hours[i];
        oft_nanos sum = 0;
        if (memcmp(&line->key, &row->key, sizeof(row->key)) != 0) {
            continue;
        }
        for (size_t hour = 0; hour < LEDGER_HOURS_OF_LINE; hour++) {
            sum += line->units[hour];
        }
        return sum == row->totals.quantity ? line : NULL;
    }
    return NULL;
}

static void put_day(struct focus_sheet *sheet, const struct ledger_row *row, const struct day *day,
                    oft_nanos amount, focus_put_row_fn put)
{
    struct ledger_row part = *row;
    part.totals.quantity = day->quantity;
    part.totals.amount_nanos = amount;
    put(sheet, &part);
    focus_put_instant(sheet, "ChargePeriodStart", day->from);
    focus_put_instant(sheet, "ChargePeriodEnd", day->from + OFT_NS_PER_DAY);
    focus_put_decimal(sheet, "x_EstimatedQuantity", (struct focus_decimal){day->uncertain, 0});
}

void focus_put_days(struct focus_sheet *sheet, const struct ledger_row *row, focus_put_row_fn put)
{
    const struct ledger_hours_line *line = hours_of(sheet->input, row);
    oft_nanos until = 0; /* units up to the end of the day */
    oft_nanos told = 0;  /* the amount of the days before */
    if (line == NULL) {
        put(sheet, row);
        return;
    }
    for (size_t hour = 0; hour < LEDGER_HOURS_OF_LINE && sheet->err == OFT_OK; hour += 24) {
        struct day day = day_of(line, hour);
        oft_nanos amount;
        if (day.quantity == 0) {
            continue;
        }
        if (oft_nanos_add(until, day.quantity, &until) != OFT_OK ||
            oft_nanos_mul_div_half_even(row->key.rate, until, LEDGER_RATE_UNITS, &amount) !=
                OFT_OK) {
            sheet->err = OFT_ERR_RANGE;
            return;
        }
        /* After the last day that is the month's amount itself. */
        amount = until == row->totals.quantity ? row->totals.amount_nanos : amount;
        put_day(sheet, row, &day, amount - told, put);
        told = amount;
    }
}
