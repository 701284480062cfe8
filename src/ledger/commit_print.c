/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commitments on paper: what was asked for by when, what became of what was missing, and forecasts. An
 * amount that is nothing is left out of the text, and stands in the JSON.
 */
#include <stdio.h>

#include "ledger/commit.h"
#include "ledger/commit_print.h"

enum { LINE_BYTES = 512 };

static const char *measure_name(enum ledger_measure_kind kind)
{
    static const char *const names[] = {"ramp", "milestone", "whole"};
    return (size_t)kind < OFT_COUNT_OF(names) ? names[kind] : "unknown";
}

static const char *measure_state(const struct ledger_measure *measure)
{
    static const char *const names[] = {"open", "met", "short", "lapsed"};
    return (size_t)measure->state < OFT_COUNT_OF(names) ? names[measure->state] : "unknown";
}

static void put_amount(struct oft_buffer *out, const char *left, oft_nanos amount)
{
    char digits[OFT_NANOS_TEXT_BYTES];
    if (amount != 0) {
        print_two_sides(out, left, oft_nanos_format_grouped(amount, digits));
    }
}

static void put_measure(struct oft_buffer *out, const struct ledger_measure *measure)
{
    char line[LINE_BYTES];
    char by[OFT_INSTANT_TEXT_BYTES];
    char digits[OFT_NANOS_TEXT_BYTES];
    (void)snprintf(line, sizeof(line), "    %s by %s: %s", measure_name(measure->kind),
                   oft_instant_format_short(measure->by, by), measure_state(measure));
    print_two_sides(out, line, oft_nanos_format_grouped(measure->required, digits));
    put_amount(out, "      missing", measure->missing);
    put_amount(out, "      paid and lost", measure->owed);
    put_amount(out, "      paid and kept as a credit", measure->credit);
    put_amount(out, "      let go of", measure->forfeited);
    put_amount(out, "      asked for in the next period", measure->rolled);
}

void commit_print_text(const struct ledger_commitment_status *status, struct oft_buffer *out)
{
    const struct ledger_settlement *it = status->settlement;
    char digits[OFT_NANOS_TEXT_BYTES];
    put_amount(out, "    used, and not invoiced yet", it->waiting);
    put_amount(out, "    settled shortfalls, which count", it->settled);
    put_amount(out, "    a predecessor's excess, which counts", it->carried);
    put_amount(out, "    above the marketplace's cap", it->above_cap);
    put_amount(out, "    beyond the amount", it->excess);
    put_amount(out, "    overage, beyond the list price", it->overage);
    put_amount(out, "    excess that goes on into the next", it->rolled_excess);
    put_amount(out, "    credit left", it->credit_left);
    if (it->measure_count > 1 || it->measures[0].state == LEDGER_MEASURE_SHORT) {
        for (size_t i = 0; i < it->measure_count; i++) {
            put_measure(out, &it->measures[i]);
        }
    }
    if (status->value_ppb > 0) {
        print_two_sides(out, "    a unit of spend here saves",
                        oft_nanos_format(status->value_ppb, digits));
    } else if (status->value_ppb < 0) {
        print_two_sides(out, "    a unit of spend here costs more by",
                        oft_nanos_format(-(oft_nanos)status->value_ppb, digits));
    }
}

static const char *name_of(const struct deal *deal, uint32_t clause)
{
    return clause == DEAL_NONE ? "" : deal->clauses[clause].id;
}

void commit_print_json(const struct deal *deal, const struct ledger_commitment_status *status,
                       struct oft_buffer *out)
{
    const struct ledger_settlement *it = status->settlement;
    char text[OFT_INSTANT_TEXT_BYTES];
    print_json_text(out, "status", commit_state_name(it->state));
    print_json_amount(out, "required", it->required);
    print_json_amount(out, "progress", it->progress);
    print_json_amount(out, "settled", it->settled);
    print_json_amount(out, "carried", it->carried);
    print_json_amount(out, "not_invoiced", it->waiting);
    print_json_amount(out, "above_cap", it->above_cap);
    print_json_amount(out, "excess", it->excess);
    print_json_amount(out, "overage", it->overage);
    print_json_amount(out, "rolled_excess", it->rolled_excess);
    print_json_amount(out, "rolled_rest", it->rolled_rest);
    print_json_amount(out, "credit_left", it->credit_left);
    print_json_text(out, "successor", name_of(deal, it->successor));
    print_json_number(out, "value_ppb", status->value_ppb);
    print_json_key(out, "measures");
    oft_buffer_append_char(out, '[');
    for (size_t i = 0; i < it->measure_count; i++) {
        const struct ledger_measure *measure = &it->measures[i];
        print_json_key(out, NULL);
        oft_buffer_append_char(out, '{');
        print_json_text(out, "kind", measure_name(measure->kind));
        print_json_text(out, "by", oft_instant_format(measure->by, text));
        print_json_text(out, "state", measure_state(measure));
        print_json_amount(out, "required", measure->required);
        print_json_amount(out, "progress", measure->progress);
        print_json_amount(out, "missing", measure->missing);
        print_json_amount(out, "owed", measure->owed);
        print_json_amount(out, "credit", measure->credit);
        print_json_amount(out, "forfeited", measure->forfeited);
        print_json_amount(out, "rolled", measure->rolled);
        oft_buffer_append_char(out, '}');
    }
    oft_buffer_append_char(out, ']');
}

/* ---- forecasts -------------------------------------------------------------------------------- */

static void put_forecast_text(const char *method, const struct ledger_forecast *forecast,
                              struct oft_buffer *out)
{
    char line[LINE_BYTES];
    char day[OFT_INSTANT_TEXT_BYTES];
    char digits[OFT_NANOS_TEXT_BYTES];
    if (!forecast->known) {
        (void)snprintf(line, sizeof(line), "      %s", method);
        print_two_sides(out, line, "not enough history");
    } else if (forecast->met) {
        oft_instant midnight = oft_instant_from_date(oft_date_from_instant(forecast->met_at));
        (void)snprintf(line, sizeof(line), "      %s: met on %s, at the end", method,
                       oft_instant_format_short(midnight, day));
        print_two_sides(out, line, oft_nanos_format_grouped(forecast->expected, digits));
    } else {
        (void)snprintf(line, sizeof(line), "      %s: missed, at the end", method);
        print_two_sides(out, line, oft_nanos_format_grouped(forecast->expected, digits));
        print_two_sides(out, "        shortfall",
                        oft_nanos_format_grouped(forecast->shortfall, digits));
    }
}

static void put_forecast_json(const char *method, const struct ledger_forecast *forecast,
                              struct oft_buffer *out)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    print_json_key(out, method);
    if (!forecast->known) {
        oft_buffer_append_text(out, "null");
        return;
    }
    oft_buffer_append_char(out, '{');
    print_json_key(out, "met");
    oft_buffer_append_text(out, forecast->met ? "true" : "false");
    if (forecast->met) {
        print_json_text(out, "met_at", oft_instant_format(forecast->met_at, text));
    }
    print_json_amount(out, "expected", forecast->expected);
    print_json_amount(out, "shortfall", forecast->shortfall);
    oft_buffer_append_char(out, '}');
}

static enum oft_err put_measure_forecast(const struct ledger_settlement *it,
                                         const struct ledger_measure *measure, oft_instant at,
                                         struct oft_arena *arena, bool json, struct oft_buffer *out)
{
    struct ledger_forecast linear;
    struct ledger_forecast seasonal;
    char line[LINE_BYTES];
    char text[OFT_INSTANT_TEXT_BYTES];
    char digits[OFT_NANOS_TEXT_BYTES];
    enum oft_err err = ledger_forecast_linear(it, measure, at, &linear);
    if (err == OFT_OK) {
        err = ledger_forecast_seasonal(it, measure, at, arena, &seasonal);
    }
    if (err != OFT_OK) {
        return err;
    }
    if (json) {
        print_json_key(out, NULL);
        oft_buffer_append_char(out, '{');
        print_json_text(out, "kind", measure_name(measure->kind));
        print_json_text(out, "by", oft_instant_format(measure->by, text));
        print_json_amount(out, "required", measure->required);
        print_json_amount(out, "progress", it->progress);
        put_forecast_json("linear", &linear, out);
        put_forecast_json("seasonal", &seasonal, out);
        oft_buffer_append_char(out, '}');
        return OFT_OK;
    }
    (void)snprintf(line, sizeof(line), "    %s by %s", measure_name(measure->kind),
                   oft_instant_format_short(measure->by, text));
    print_two_sides(out, line, oft_nanos_format_grouped(measure->required, digits));
    put_forecast_text("linear", &linear, out);
    put_forecast_text("seasonal", &seasonal, out);
    return OFT_OK;
}

static enum oft_err put_forecasts(const struct deal *deal,
                                  const struct ledger_commitment_status *status, oft_instant at,
                                  struct oft_arena *arena, bool json, struct oft_buffer *out)
{
    const struct ledger_settlement *it = status->settlement;
    enum oft_err err = OFT_OK;
    char line[LINE_BYTES];
    if (json) {
        print_json_key(out, NULL);
        oft_buffer_append_char(out, '{');
        print_json_text(out, "clause", deal->clauses[it->clause].id);
        print_json_text(out, "status", commit_state_name(it->state));
        print_json_key(out, "measures");
        oft_buffer_append_char(out, '[');
    } else {
        (void)snprintf(line, sizeof(line), "%s: %s", deal->clauses[it->clause].id,
                       commit_state_name(it->state));
        print_wrapped(out, 2, 4, line);
    }
    for (size_t i = 0; err == OFT_OK && i < it->measure_count; i++) {
        const struct ledger_measure *measure = &it->measures[i];
        if (measure->state == LEDGER_MEASURE_OPEN && measure->kind != LEDGER_MEASURE_RAMP) {
            err = put_measure_forecast(it, measure, at, arena, json, out);
        }
    }
    if (json) {
        oft_buffer_append_text(out, "]}");
    }
    return err;
}

enum oft_err ledger_forecasts_print(const struct deal *deal,
                                    const struct ledger_commitment_status *status, size_t count,
                                    oft_instant at, struct oft_arena *arena,
                                    enum ledger_format format, struct oft_buffer *out)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    bool json = format == LEDGER_JSON;
    enum oft_err err = OFT_OK;
    (void)oft_instant_format(at, text);
    if (json) {
        oft_buffer_append_char(out, '{');
        print_json_text(out, "at", text);
        print_json_text(out, "currency", deal->currency);
        print_json_key(out, "forecasts");
        oft_buffer_append_char(out, '[');
    } else {
        oft_buffer_printf(out, "Forecast of commitments at %s, in ", text);
        print_clean(out, deal->currency);
        oft_buffer_append_text(out, count == 0 ? "\n  none\n" : "\n");
    }
    for (size_t i = 0; err == OFT_OK && i < count; i++) {
        err = put_forecasts(deal, &status[i], at, arena, json, out);
    }
    if (json) {
        oft_buffer_append_text(out, "]}\n");
    }
    return err == OFT_OK && out->failed ? OFT_ERR_LIMIT : err;
}
