/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programmes on paper: the sums, who pledged and paid what, tranches, calls, and what was drawn for. An
 * amount that is nothing is left out of the text where it would say nothing, and stands in the JSON.
 */
#include <stdio.h>

#include "ledger/fund.h"
#include "ledger/statement.h"

enum { LINE_BYTES = 512 };

static const char *status_name(enum deal_pledge_status status)
{
    static const char *const names[] = {"proposed", "committed", "called", "paid"};
    return (size_t)status < OFT_COUNT_OF(names) ? names[status] : "?";
}

/* ---- text -------------------------------------------------------------------------------------- */

static void put_amount(struct oft_buffer *out, const char *left, oft_nanos amount)
{
    char digits[OFT_NANOS_TEXT_BYTES];
    print_two_sides(out, left, oft_nanos_format_grouped(amount, digits));
}

static void put_some(struct oft_buffer *out, const char *left, oft_nanos amount)
{
    if (amount != 0) {
        put_amount(out, left, amount);
    }
}

static void put_funder(const struct ledger_fund_funder *it, struct oft_buffer *out)
{
    char line[LINE_BYTES];
    char percent[OFT_NANOS_TEXT_BYTES];
    (void)snprintf(line, sizeof(line), "    %s %s%%, %s%s%s", it->party,
                   print_percent(it->share_ppb, percent), status_name(it->status),
                   it->role[0] == '\0' ? "" : ", ", it->role);
    put_amount(out, line, it->pledged);
    put_some(out, "      called", it->called);
    put_some(out, "      paid", it->paid);
    put_some(out, "      called and not paid", it->outstanding);
    put_some(out, "      of that overdue", it->overdue);
    put_amount(out, "      remaining", it->remaining);
}

static void put_call(const struct ledger_fund *fund, const struct ledger_fund_call *it,
                     struct oft_buffer *out)
{
    char line[LINE_BYTES];
    char on[OFT_INSTANT_TEXT_BYTES];
    char due[OFT_INSTANT_TEXT_BYTES];
    oft_instant made = ledger_fund_day_end(it->on) - (OFT_NS_PER_DAY - 1); /* its day will do */
    (void)snprintf(line, sizeof(line), "    %s of %s, due %s%s", it->name,
                   oft_instant_format_short(made, on), oft_instant_format_short(it->due, due),
                   it->overdue > 0          ? ", overdue"
                   : it->paid == it->amount ? ", paid"
                                            : "");
    put_amount(out, line, it->amount);
    for (size_t i = 0; i < fund->funder_count; i++) {
        const struct ledger_fund_part *part = &it->parts[i];
        if (part->amount != 0) {
            (void)snprintf(line, sizeof(line), "      %s", fund->funders[i].party);
            put_amount(out, line, part->amount);
            put_some(out, "        paid", part->paid);
        }
    }
}

static void put_lists(const struct ledger_fund *it, struct oft_buffer *out)
{
    char line[LINE_BYTES];
    char from[OFT_INSTANT_TEXT_BYTES];
    if (it->tranche_count > 0) {
        oft_buffer_append_text(out, "  tranches\n");
    }
    for (size_t i = 0; i < it->tranche_count; i++) {
        const struct ledger_fund_tranche *tranche = &it->tranches[i];
        (void)snprintf(line, sizeof(line), "    %s, %s %s", tranche->name,
                       tranche->open ? "open since" : "from",
                       oft_instant_format_short(tranche->from, from));
        put_amount(out, line, tranche->amount);
        put_some(out, "      called", tranche->called);
    }
    if (it->call_count > 0) {
        oft_buffer_append_text(out, "  calls\n");
    }
    for (size_t i = 0; i < it->call_count; i++) {
        put_call(it, &it->calls[i], out);
    }
    if (it->order_count > 0) {
        oft_buffer_append_text(out, "  drawn for\n");
    }
    for (size_t i = 0; i < it->order_count; i++) {
        (void)snprintf(line, sizeof(line), "    %s", it->orders[i].order);
        put_amount(out, line, it->orders[i].amount);
    }
}

static void print_text(const struct ledger_fund *it, struct oft_buffer *out)
{
    char line[LINE_BYTES];
    const struct deal_programme *programme = it->programme;
    (void)snprintf(line, sizeof(line), "%s%s%.300s", programme->name,
                   programme->title[0] == '\0' ? "" : ", ", programme->title);
    print_wrapped(out, 0, 2, line);
    put_amount(out, "  total", programme->total_nanos);
    put_amount(out, "  called", it->called);
    put_some(out, "  written calls to come", it->to_come);
    put_amount(out, "  paid in", it->paid);
    put_some(out, "  called and not paid", it->outstanding);
    put_some(out, "  of that overdue", it->overdue);
    put_amount(out, "  remaining", it->remaining);
    put_some(out, "  drawn", it->drawn);
    put_amount(out, "  cash that is not drawn", it->undrawn);
    if (it->funder_count > 0) {
        oft_buffer_append_text(out, "  pledges, several and not joint\n");
    }
    for (size_t i = 0; i < it->funder_count; i++) {
        put_funder(&it->funders[i], out);
    }
    put_lists(it, out);
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static void json_instant(struct oft_buffer *out, const char *name, oft_instant at)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    print_json_text(out, name, oft_instant_format(at, text));
}

static void json_flag(struct oft_buffer *out, const char *name, bool flag)
{
    print_json_key(out, name);
    oft_buffer_append_text(out, flag ? "true" : "false");
}

static void json_open(struct oft_buffer *out)
{
    print_json_key(out, NULL);
    oft_buffer_append_char(out, '{');
}

static void json_list(struct oft_buffer *out, const char *name)
{
    print_json_key(out, name);
    oft_buffer_append_char(out, '[');
}

static void json_funders(const struct ledger_fund *fund, struct oft_buffer *out)
{
    char percent[OFT_NANOS_TEXT_BYTES];
    json_list(out, "funders");
    for (size_t i = 0; i < fund->funder_count; i++) {
        const struct ledger_fund_funder *it = &fund->funders[i];
        json_open(out);
        print_json_text(out, "party", it->party);
        print_json_text(out, "percent", print_percent(it->share_ppb, percent));
        print_json_text(out, "role", it->role);
        print_json_text(out, "status", status_name(it->status));
        json_flag(out, "in_deal", it->in_deal);
        print_json_amount(out, "pledged", it->pledged);
        print_json_amount(out, "called", it->called);
        print_json_amount(out, "paid", it->paid);
        print_json_amount(out, "outstanding", it->outstanding);
        print_json_amount(out, "overdue", it->overdue);
        print_json_amount(out, "remaining", it->remaining);
        print_json_amount(out, "to_come", it->to_come);
        oft_buffer_append_char(out, '}');
    }
    oft_buffer_append_char(out, ']');
}

static void json_calls(const struct ledger_fund *fund, struct oft_buffer *out)
{
    json_list(out, "calls");
    for (size_t i = 0; i < fund->call_count; i++) {
        const struct ledger_fund_call *it = &fund->calls[i];
        json_open(out);
        print_json_text(out, "name", it->name);
        json_flag(out, "written", it->written);
        json_instant(out, "on", it->on);
        json_instant(out, "due", it->due);
        print_json_amount(out, "amount", it->amount);
        print_json_amount(out, "paid", it->paid);
        print_json_amount(out, "overdue", it->overdue);
        json_list(out, "parts");
        for (size_t j = 0; j < fund->funder_count; j++) {
            if (it->parts[j].amount != 0) {
                json_open(out);
                print_json_text(out, "party", fund->funders[j].party);
                print_json_amount(out, "amount", it->parts[j].amount);
                print_json_amount(out, "paid", it->parts[j].paid);
                oft_buffer_append_char(out, '}');
            }
        }
        oft_buffer_append_text(out, "]}");
    }
    oft_buffer_append_char(out, ']');
}

static void json_rest(const struct ledger_fund *fund, struct oft_buffer *out)
{
    json_list(out, "tranches");
    for (size_t i = 0; i < fund->tranche_count; i++) {
        const struct ledger_fund_tranche *it = &fund->tranches[i];
        json_open(out);
        print_json_text(out, "name", it->name);
        json_instant(out, "from", it->from);
        json_flag(out, "open", it->open);
        print_json_amount(out, "amount", it->amount);
        print_json_amount(out, "called", it->called);
        oft_buffer_append_char(out, '}');
    }
    oft_buffer_append_char(out, ']');
    json_list(out, "draws");
    for (size_t i = 0; i < fund->order_count; i++) {
        json_open(out);
        print_json_text(out, "order", fund->orders[i].order);
        print_json_amount(out, "amount", fund->orders[i].amount);
        oft_buffer_append_char(out, '}');
    }
    oft_buffer_append_char(out, ']');
}

static void print_json(const struct ledger_fund *it, struct oft_buffer *out)
{
    json_open(out);
    print_json_text(out, "name", it->programme->name);
    print_json_text(out, "title", it->programme->title);
    json_instant(out, "from", it->programme->from);
    json_instant(out, "until", it->programme->until);
    print_json_amount(out, "total", it->programme->total_nanos);
    print_json_amount(out, "opened", it->opened);
    print_json_amount(out, "called", it->called);
    print_json_amount(out, "to_come", it->to_come);
    print_json_amount(out, "paid", it->paid);
    print_json_amount(out, "outstanding", it->outstanding);
    print_json_amount(out, "overdue", it->overdue);
    print_json_amount(out, "remaining", it->remaining);
    print_json_amount(out, "drawn", it->drawn);
    print_json_amount(out, "undrawn", it->undrawn);
    json_funders(it, out);
    json_calls(it, out);
    json_rest(it, out);
    oft_buffer_append_char(out, '}');
}

/* ---- CSV --------------------------------------------------------------------------------------- */

static void print_csv(const struct ledger_fund *it, struct oft_buffer *out)
{
    for (size_t i = 0; i < it->funder_count; i++) {
        const struct ledger_fund_funder *funder = &it->funders[i];
        const oft_nanos amounts[] = {funder->pledged,     funder->called,  funder->paid,
                                     funder->outstanding, funder->overdue, funder->remaining};
        char digits[OFT_NANOS_TEXT_BYTES];
        print_csv_text(out, it->programme->name);
        print_csv_text(out, funder->party);
        print_csv_number(out, print_percent(funder->share_ppb, digits));
        print_csv_text(out, status_name(funder->status));
        for (size_t j = 0; j < OFT_COUNT_OF(amounts); j++) {
            print_csv_number(out, oft_nanos_format(amounts[j], digits));
        }
        print_csv_end(out);
    }
}

enum oft_err ledger_funds_print(const struct deal *deal, const struct ledger_fund *funds,
                                size_t count, oft_instant at, enum ledger_format format,
                                struct oft_buffer *out)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    (void)oft_instant_format(at, text);
    if (format == LEDGER_JSON) {
        oft_buffer_append_char(out, '{');
        print_json_text(out, "at", text);
        print_json_text(out, "currency", deal->currency);
        json_list(out, "programmes");
    } else if (format == LEDGER_CSV) {
        oft_buffer_append_text(out, "programme,funder,percent,status,pledged,called,paid,"
                                    "outstanding,overdue,remaining\n");
    } else {
        oft_buffer_printf(out, "Funding programmes at %s, in ", text);
        print_clean(out, deal->currency);
        oft_buffer_append_text(out, count == 0 ? "\n  none\n" : "\n");
    }
    for (size_t i = 0; i < count; i++) {
        if (format == LEDGER_JSON) {
            print_json(&funds[i], out);
        } else if (format == LEDGER_CSV) {
            print_csv(&funds[i], out);
        } else {
            print_text(&funds[i], out);
        }
    }
    if (format == LEDGER_JSON) {
        oft_buffer_append_text(out, "]}\n");
    }
    return out->failed ? OFT_ERR_LIMIT : OFT_OK;
}
