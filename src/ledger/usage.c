/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where traffic ran. JSON and CSV give every usage series as it is; text adds the accounts, models
 * and months together and shows what a person asks first: which product ran in which pool, under
 * which clause, and how much.
 * The month is that in which it ran, also of what was booked late.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/internal.h"
#include "ledger/statement.h"

static int compare_usage(const void *a, const void *b)
{
    const struct ledger_series_key *x = &(*(const struct ledger_row *const *)a)->key;
    const struct ledger_series_key *y = &(*(const struct ledger_row *const *)b)->key;
    int order = strcmp(x->product, y->product);
    order = order != 0 ? order : strcmp(x->pool, y->pool);
    order = order != 0 ? order : strcmp(x->clause, y->clause);
    order = order != 0 ? order : (x->outcome > y->outcome) - (x->outcome < y->outcome);
    return order != 0 ? order : ledger_key_compare(x, y);
}

static bool same_line(const struct ledger_row *a, const struct ledger_row *b)
{
    return strcmp(a->key.product, b->key.product) == 0 && strcmp(a->key.pool, b->key.pool) == 0 &&
           strcmp(a->key.clause, b->key.clause) == 0 && a->key.outcome == b->key.outcome;
}

static void print_json(const struct ledger_row *row, struct oft_buffer *out)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    static const char *const names[METER_UNITS] = {"input",     "cached", "cache_write", "output",
                                                   "reasoning", "audio",  "image"};
    print_json_key(out, NULL);
    oft_buffer_append_char(out, '{');
    print_json_text(out, "month", oft_month_format(ledger_own_month(&row->key), text));
    print_json_text(out, "product", row->key.product);
    print_json_text(out, "pool", row->key.pool);
    print_json_text(out, "clause", row->key.clause);
    print_json_text(out, "outcome", print_outcome_name(row->key.outcome));
    print_json_text(out, "account", row->key.account);
    print_json_text(out, "model", row->key.model);
    print_json_number(out, "requests", row->totals.quantity);
    for (size_t unit = 0; unit < METER_UNITS; unit++) {
        print_json_number(out, names[unit], (oft_nanos)row->totals.units[unit]);
    }
    oft_buffer_append_char(out, '}');
}

static void print_csv(const struct ledger_row *row, struct oft_buffer *out)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    char digits[OFT_NANOS_TEXT_BYTES];
    print_csv_text(out, oft_month_format(ledger_own_month(&row->key), text));
    print_csv_text(out, row->key.product);
    print_csv_text(out, row->key.pool);
    print_csv_text(out, row->key.clause);
    print_csv_text(out, print_outcome_name(row->key.outcome));
    print_csv_text(out, row->key.account);
    print_csv_text(out, row->key.model);
    print_csv_number(out, oft_i128_format(row->totals.quantity, digits));
    for (size_t unit = 0; unit < METER_UNITS; unit++) {
        print_csv_number(out, oft_i128_format((oft_nanos)row->totals.units[unit], digits));
    }
    print_csv_end(out);
}

/* One line of the text form; ROWS[0..count) agree in what it shows. */
static enum oft_err print_text(const struct ledger_row *const *rows, size_t count,
                               struct oft_buffer *out)
{
    char line[1024];
    char shown[3][OFT_NANOS_TEXT_BYTES];
    oft_nanos sums[3] = {0, 0, 0}; /* requests, tokens in, tokens out */
    for (size_t i = 0; i < count; i++) {
        const struct ledger_totals *totals = &rows[i]->totals;
        const oft_nanos parts[3] = {
            totals->quantity,
            (oft_nanos)totals->units[DEAL_UNIT_INPUT] + totals->units[DEAL_UNIT_CACHED] +
                totals->units[DEAL_UNIT_CACHE_WRITE],
            (oft_nanos)totals->units[DEAL_UNIT_OUTPUT] + totals->units[DEAL_UNIT_REASONING]};
        for (size_t j = 0; j < OFT_COUNT_OF(parts); j++) {
            if (oft_nanos_add(sums[j], parts[j], &sums[j]) != OFT_OK) {
                return OFT_ERR_RANGE;
            }
        }
    }
    const struct ledger_series_key *key = &rows[0]->key;
    (void)snprintf(line, sizeof(line), "  %s in %s, by %s: %s",
                   key->product[0] ? key->product : "-", key->pool[0] ? key->pool : "no pool",
                   key->clause[0] ? key->clause : "no clause", print_outcome_name(key->outcome));
    print_wrapped(out, 0, 4, line);
    oft_buffer_printf(out, "    %14s requests %18s tokens in %18s out\n",
                      print_grouped(sums[0], shown[0]), print_grouped(sums[1], shown[1]),
                      print_grouped(sums[2], shown[2]));
    return OFT_OK;
}

static enum oft_err print_rows(const struct ledger_row **rows, size_t count,
                               enum ledger_format format, struct oft_buffer *out)
{
    enum oft_err err = OFT_OK;
    if (format == LEDGER_TEXT) {
        oft_buffer_append_text(out, count == 0 ? "No traffic is in the books yet.\n"
                                               : "Where traffic ran\n");
    }
    for (size_t i = 0; i < count && err == OFT_OK;) {
        size_t end = i + 1;
        if (format == LEDGER_JSON) {
            print_json(rows[i], out);
        } else if (format == LEDGER_CSV) {
            print_csv(rows[i], out);
        } else {
            while (end < count && same_line(rows[i], rows[end])) {
                end++;
            }
            err = print_text(rows + i, end - i, out);
        }
        i = end;
    }
    return err;
}

enum oft_err ledger_usage_print(const struct ledger_row *rows, size_t row_count,
                                enum ledger_format format, struct oft_buffer *out)
{
    const struct ledger_row **sorted = calloc(row_count + 1, sizeof(*sorted));
    size_t count = 0;
    if (sorted == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (size_t i = 0; i < row_count; i++) {
        if (rows[i].key.kind == LEDGER_USAGE) {
            sorted[count++] = &rows[i];
        }
    }
    qsort(sorted, count, sizeof(*sorted), compare_usage);
    if (format == LEDGER_JSON) {
        oft_buffer_append_text(out, "{\"usage\":[");
    } else if (format == LEDGER_CSV) {
        oft_buffer_append_text(out, "month,product,pool,clause,outcome,account,model,requests,"
                                    "input,cached,cache_write,output,reasoning,audio,image\n");
    }
    enum oft_err err = print_rows(sorted, count, format, out);
    if (format == LEDGER_JSON) {
        oft_buffer_append_text(out, "]}\n");
    }
    free(sorted);
    return err != OFT_OK ? err : out->failed ? OFT_ERR_LIMIT : OFT_OK;
}
