/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shares on paper: each with its periods, what they came to, and when that is paid. An amount that is nothing
 * is left out of the text, and stands in the JSON.
 */
#include <stdio.h>
#include <string.h>

#include "ledger/share.h"
#include "ledger/statement.h"

enum { LINE_BYTES = 512 };

static void put_amount(struct oft_buffer *out, const char *left, oft_nanos amount)
{
    char digits[OFT_NANOS_TEXT_BYTES];
    if (amount != 0) {
        print_two_sides(out, left, oft_nanos_format_grouped(amount, digits));
    }
}

static void put_dated(struct oft_buffer *out, const char *words, oft_instant at, oft_nanos amount)
{
    char line[LINE_BYTES];
    char day[OFT_INSTANT_TEXT_BYTES];
    if (at == OFT_INSTANT_NEVER) {
        put_amount(out, words, amount);
        return;
    }
    (void)snprintf(line, sizeof(line), "%s %s", words, oft_instant_format_short(at, day));
    put_amount(out, line, amount);
}

static void put_period(const struct ledger_share_period *it, struct oft_buffer *out)
{
    char digits[OFT_NANOS_TEXT_BYTES];
    char line[LINE_BYTES];
    char day[OFT_INSTANT_TEXT_BYTES];
    oft_nanos total = 0;
    bool sums = oft_nanos_add(it->earned, it->minimum, &total) == OFT_OK;
    bool dated = it->over && it->due_at != OFT_INSTANT_NEVER;
    (void)snprintf(line, sizeof(line), "    %s%s%s", it->name,
                   dated       ? ", payable by "
                   : !it->over ? ", running"
                               : "",
                   dated ? oft_instant_format_short(it->due_at, day) : "");
    print_two_sides(out, line, sums ? oft_nanos_format_grouped(total, digits) : "?");
    put_amount(out, "      base", it->base);
    put_amount(out, "      deductions", it->deducted);
    put_amount(out, "      deductions told too late", it->lost);
    put_amount(out, "      of it to reach the minimum", it->minimum);
    put_dated(out, "      kept back until", it->release_at, it->held);
    put_amount(out, "      set off", it->netted);
    put_amount(out, "      paid", it->paid);
    put_amount(out, "      due and not paid", it->outstanding);
    put_amount(out, "      interest", it->interest);
}

static void print_text(const struct deal *deal, const struct ledger_share_settlement *it,
                       struct oft_buffer *out)
{
    static const char *const directions[] = {"between others, to", "paid to", "received from"};
    char line[LINE_BYTES];
    char digits[OFT_NANOS_TEXT_BYTES];
    (void)snprintf(line, sizeof(line), "%s, %s %s", deal->clauses[it->clause].id,
                   directions[it->direction], it->party);
    print_wrapped(out, 2, 4, line);
    print_two_sides(out, "    in all", oft_nanos_format_grouped(it->total, digits));
    if (it->cap_left >= 0) {
        print_two_sides(out, "    left of its cap", oft_nanos_format_grouped(it->cap_left, digits));
    }
    for (size_t i = 0; i < it->period_count; i++) {
        const struct ledger_share_period *period = &it->periods[i];
        bool empty = period->base == 0 && period->earned == 0 && period->minimum == 0 &&
                     period->deducted == 0 && period->paid == 0;
        if (!empty) {
            put_period(period, out);
        }
    }
}

static void json_instant(struct oft_buffer *out, const char *name, oft_instant at)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    if (at == OFT_INSTANT_NEVER) {
        print_json_key(out, name);
        oft_buffer_append_text(out, "null");
    } else {
        print_json_text(out, name, oft_instant_format(at, text));
    }
}

static void json_period(const struct ledger_share_period *it, struct oft_buffer *out)
{
    print_json_key(out, NULL);
    oft_buffer_append_char(out, '{');
    print_json_text(out, "period", it->name);
    json_instant(out, "from", it->from);
    json_instant(out, "until", it->until);
    print_json_key(out, "over");
    oft_buffer_append_text(out, it->over ? "true" : "false");
    print_json_amount(out, "base", it->base);
    print_json_amount(out, "deducted", it->deducted);
    print_json_amount(out, "deducted_too_late", it->lost);
    print_json_amount(out, "earned", it->earned);
    print_json_amount(out, "minimum", it->minimum);
    print_json_amount(out, "held", it->held);
    json_instant(out, "release_at", it->release_at);
    print_json_amount(out, "set_off", it->netted);
    json_instant(out, "statement_by", it->statement_by);
    json_instant(out, "due_at", it->due_at);
    print_json_amount(out, "due", it->due);
    print_json_amount(out, "paid", it->paid);
    print_json_amount(out, "outstanding", it->outstanding);
    print_json_amount(out, "interest", it->interest);
    oft_buffer_append_char(out, '}');
}

static void print_json(const struct deal *deal, const struct ledger_share_settlement *it,
                       struct oft_buffer *out)
{
    print_json_key(out, NULL);
    oft_buffer_append_char(out, '{');
    print_json_text(out, "clause", deal->clauses[it->clause].id);
    print_json_text(out, "direction", print_direction_name(it->direction));
    print_json_text(out, "party", it->party);
    print_json_amount(out, "total", it->total);
    print_json_key(out, "cap_left");
    if (it->cap_left < 0) {
        oft_buffer_append_text(out, "null");
    } else {
        char digits[OFT_NANOS_TEXT_BYTES];
        print_json_string(out, oft_nanos_format(it->cap_left, digits));
    }
    print_json_key(out, "periods");
    oft_buffer_append_char(out, '[');
    for (size_t i = 0; i < it->period_count; i++) {
        json_period(&it->periods[i], out);
    }
    oft_buffer_append_text(out, "]}");
}

static void print_csv(const struct deal *deal, const struct ledger_share_settlement *it,
                      struct oft_buffer *out)
{
    for (size_t i = 0; i < it->period_count; i++) {
        const struct ledger_share_period *period = &it->periods[i];
        const oft_nanos amounts[] = {period->base,    period->deducted, period->earned,
                                     period->minimum, period->held,     period->netted,
                                     period->due,     period->paid,     period->outstanding,
                                     period->interest};
        char digits[OFT_NANOS_TEXT_BYTES];
        print_csv_text(out, deal->clauses[it->clause].id);
        print_csv_text(out, print_direction_name(it->direction));
        print_csv_text(out, it->party);
        print_csv_text(out, period->name);
        for (size_t j = 0; j < OFT_COUNT_OF(amounts); j++) {
            print_csv_number(out, oft_nanos_format(amounts[j], digits));
        }
        print_csv_end(out);
    }
}

enum oft_err ledger_shares_print(const struct deal *deal,
                                 const struct ledger_share_settlement *settlements, size_t count,
                                 oft_instant at, enum ledger_format format, struct oft_buffer *out)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    (void)oft_instant_format(at, text);
    if (format == LEDGER_JSON) {
        oft_buffer_append_char(out, '{');
        print_json_text(out, "at", text);
        print_json_text(out, "currency", deal->currency);
        print_json_key(out, "shares");
        oft_buffer_append_char(out, '[');
    } else if (format == LEDGER_CSV) {
        oft_buffer_append_text(out, "clause,direction,party,period,base,deducted,earned,minimum,"
                                    "held,set_off,due,paid,outstanding,interest\n");
    } else {
        oft_buffer_printf(out, "Revenue shares at %s, in ", text);
        print_clean(out, deal->currency);
        oft_buffer_append_text(out, count == 0 ? "\n  none\n" : "\n");
    }
    for (size_t i = 0; i < count; i++) {
        if (format == LEDGER_JSON) {
            print_json(deal, &settlements[i], out);
        } else if (format == LEDGER_CSV) {
            print_csv(deal, &settlements[i], out);
        } else {
            print_text(deal, &settlements[i], out);
        }
    }
    if (format == LEDGER_JSON) {
        oft_buffer_append_text(out, "]}\n");
    }
    return out->failed ? OFT_ERR_LIMIT : OFT_OK;
}
