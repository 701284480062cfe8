/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own metering by the day or the hour. Each line of the books is told whole: what its hours do not
 * come to follows as a rest, so that the file adds up to the month.
 */
#include <string.h>

#include "focus/internal.h"
#include "ledger/internal.h"
#include "ledger/statement.h"

#define HOUR_NS ((oft_instant)3600 * OFT_NS_PER_SECOND)

static enum oft_err put_row(const struct focus_metering *metering,
                            const struct ledger_series_key *key, const char *day,
                            oft_nanos quantity, oft_nanos uncertain, const char *why,
                            struct oft_buffer *out)
{
    char texts[3][FOCUS_DECIMAL_TEXT_BYTES];
    oft_nanos cost;
    if (oft_nanos_mul(quantity, key->rate, &cost) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    const char *const cells[] = {
        key->pool,
        key->model,
        print_unit_name(key->unit),
        key->clause,
        day,
        focus_decimal_format((struct focus_decimal){quantity, 0}, texts[0]),
        focus_decimal_format((struct focus_decimal){cost, 15}, texts[1]),
        focus_decimal_format((struct focus_decimal){uncertain, 0}, texts[2]),
        metering->currency,
        why};
    for (size_t i = 0; i < OFT_COUNT_OF(cells); i++) {
        focus_csv_cell(out, cells[i], i == 0);
    }
    oft_buffer_append_text(out, "\n");
    return OFT_OK;
}

/* The hours of LINE, each or by the day. */
static enum oft_err put_hours(const struct focus_metering *metering,
                              const struct ledger_hours_line *line, oft_nanos *ret_sum,
                              struct oft_buffer *out)
{
    const size_t step = metering->by_hour ? 1 : 24;
    enum oft_err err = OFT_OK;
    for (size_t from = 0; err == OFT_OK && from < LEDGER_HOURS_OF_LINE; from += step) {
        oft_nanos quantity = 0;
        oft_nanos uncertain = 0;
        char day[OFT_INSTANT_TEXT_BYTES];
        for (size_t i = from; i < from + step; i++) {
            quantity += line->units[i]; /* 24 of 64 bits fit */
            uncertain += line->uncertain[i];
        }
        if (quantity == 0) {
            continue;
        }
        oft_instant at = line->begins + (oft_instant)from * HOUR_NS;
        (void)(metering->by_hour ? oft_instant_format(at, day) : oft_instant_format_short(at, day));
        err = oft_nanos_add(*ret_sum, quantity, ret_sum);
        err =
            err == OFT_OK ? put_row(metering, &line->key, day, quantity, uncertain, "", out) : err;
    }
    return err;
}

static const char *why_rest(const struct focus_metering *metering,
                            const struct ledger_series_key *key)
{
    if (print_is_capacity(key->unit)) {
        return "it is paid for by the month, or its hours came late";
    }
    return metering->missing > 0
               ? "records of it are not in the spool's archive any more: put the segments back"
               : "its records do not come to it: late use at a price in steps has no days; else "
                 "run "
                 "offtake ledger verify";
}

static enum oft_err put_rest(const struct focus_metering *metering,
                             const struct ledger_series_key *key, oft_nanos booked, oft_nanos hours,
                             struct oft_buffer *out)
{
    char month[OFT_INSTANT_TEXT_BYTES];
    oft_nanos rest;
    if (oft_nanos_sub(booked, hours, &rest) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    return rest == 0 ? OFT_OK
                     : put_row(metering, key, oft_month_format(metering->month, month), rest, 0,
                               why_rest(metering, key), out);
}

/* NULL when the books have no such line. */
static const struct ledger_row *row_of(const struct focus_metering *metering,
                                       const struct ledger_series_key *key)
{
    for (size_t i = 0; i < metering->row_count; i++) {
        if (memcmp(&metering->rows[i].key, key, sizeof(*key)) == 0) {
            return &metering->rows[i];
        }
    }
    return NULL;
}

static bool has_hours(const struct focus_metering *metering, const struct ledger_series_key *key)
{
    for (size_t i = 0; i < metering->line_count; i++) {
        if (memcmp(&metering->lines[i].key, key, sizeof(*key)) == 0) {
            return true;
        }
    }
    return false;
}

enum oft_err focus_metering_print(const struct focus_metering *metering, struct oft_buffer *out)
{
    enum oft_err err = OFT_OK;
    oft_buffer_append_text(out,
                           "pool,model,unit,clause,day,quantity,cost,uncertain,currency,why\n");
    for (size_t i = 0; err == OFT_OK && i < metering->line_count; i++) {
        const struct ledger_hours_line *line = &metering->lines[i];
        const struct ledger_row *row = row_of(metering, &line->key);
        oft_nanos sum = 0;
        err = put_hours(metering, line, &sum, out);
        if (err == OFT_OK) {
            err = put_rest(metering, &line->key, row == NULL ? 0 : row->totals.quantity, sum, out);
        }
    }
    for (size_t i = 0; err == OFT_OK && i < metering->row_count; i++) {
        const struct ledger_row *row = &metering->rows[i];
        if (!has_hours(metering, &row->key)) {
            err = put_rest(metering, &row->key, row->totals.quantity, 0, out);
        }
    }
    return err == OFT_OK && out->failed ? OFT_ERR_MEMORY : err;
}
