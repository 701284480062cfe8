/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CostAndUsage: what providers and their parties are owed for a month, row by row.
 *
 * A charge period is the month, since a series is; or the day, of what has hours. Costs are the booked amounts (rounded once, to a
 * nano-unit); unit price times quantity is written with all its decimals. Capacity that is paid for by
 * the hour is a purchase that covers the hours' use: its effective cost is 0 and stands with what was
 * used and what was not. Commitments to spend cost nothing by themselves: what counted towards them and
 * what was left unused are rows without cost.
 */
#include <stdlib.h>
#include <string.h>

#include "focus/internal.h"
#include "ledger/internal.h"
#include "ledger/statement.h"

#define MILLION 1000000

/* ---- what all rows have ----------------------------------------------------------------------- */

static void put_common(struct focus_sheet *sheet, const char *party_name, const char *host)
{
    const struct focus_input *input = sheet->input;
    const struct deal *deal = input->deal;
    uint32_t index = deal_find_party(deal, oft_str_from(party_name));
    const char *party = index != DEAL_NONE ? deal->parties[index].title : party_name;
    const struct deal_party *customer = &deal->parties[deal->customer_party];
    focus_sheet_row(sheet);
    focus_put_printf(sheet, "BillingAccountId", "%s/%s", customer->name, party_name);
    focus_put(sheet, "BillingAccountName", customer->title);
    focus_put(sheet, "BillingAccountType", "Agreement");
    focus_put(sheet, "BillingCurrency", deal->currency);
    focus_put_instant(sheet, "BillingPeriodStart", deal_month_start(input->deal, input->month));
    focus_put_instant(sheet, "BillingPeriodEnd", deal_month_start(input->deal, input->month + 1));
    focus_put_instant(sheet, "ChargePeriodStart", deal_month_start(input->deal, input->month));
    focus_put_instant(sheet, "ChargePeriodEnd", deal_month_start(input->deal, input->month + 1));
    focus_put(sheet, "InvoiceIssuerName", party);
    /* 1.2 calls the seller the provider; who runs the machines is the publisher there. */
    focus_put(sheet, "ProviderName", party);
    focus_put(sheet, "PublisherName", host != NULL ? host : party);
    focus_put(sheet, "HostProviderName", host != NULL ? host : party);
    focus_put(sheet, "ServiceProviderName", party);
    focus_put(sheet, "x_CorrectionStyle", "Ledger");
    focus_put_hex(sheet, "x_Deal", deal->text_sha256);
    focus_put_hex(sheet, "x_JournalHash", input->journal_sha256);
    focus_put_printf(sheet, "x_JournalNumber", "%llu",
                     (unsigned long long)input->transaction_number);
    focus_put(sheet, "x_Rehearsal", input->rehearsal ? "true" : "false");
}

static void put_costs(struct focus_sheet *sheet, oft_nanos billed, oft_nanos effective)
{
    focus_put_nanos(sheet, "BilledCost", billed);
    focus_put_nanos(sheet, "EffectiveCost", effective);
}

/* Quantity, price of one of UNIT and their product; no public price list is known here, so that the
 * list price is the contracted one. */
static void put_price(struct focus_sheet *sheet, struct focus_decimal quantity, const char *unit,
                      struct focus_decimal price)
{
    struct focus_decimal cost;
    if (focus_decimal_mul(quantity, price, &cost) != OFT_OK) {
        sheet->err = OFT_ERR_RANGE;
        return;
    }
    focus_put_decimal(sheet, "PricingQuantity", quantity);
    focus_put(sheet, "PricingUnit", unit);
    focus_put_decimal(sheet, "ContractedUnitPrice", price);
    focus_put_decimal(sheet, "ListUnitPrice", price);
    focus_put_decimal(sheet, "ContractedCost", cost);
    focus_put_decimal(sheet, "ListCost", cost);
}

/* The clause is what makes one price of a thing another. */
static void put_clause(struct focus_sheet *sheet, const char *clause, bool priced)
{
    focus_put(sheet, "x_Clause", clause);
    if (priced) {
        focus_put_printf(sheet, "SkuPriceDetails", "{\"x_Clause\":\"%s\"}", clause);
    }
}

static const struct deal_pool *pool_of(const struct deal *deal, const char *name)
{
    uint32_t index = deal_find_pool(deal, oft_str_from(name));
    return index != DEAL_NONE ? &deal->pools[index] : NULL;
}

static const char *host_of(const struct deal *deal, const char *pool_name)
{
    const struct deal_pool *pool = pool_of(deal, pool_name);
    return pool != NULL ? deal->providers[pool->provider].title : NULL;
}

static void put_pool(struct focus_sheet *sheet, const char *name, const char *type)
{
    const struct deal_pool *pool = pool_of(sheet->input->deal, name);
    focus_put(sheet, "ResourceId", name);
    focus_put(sheet, "ResourceName", pool != NULL ? pool->title : name);
    focus_put(sheet, "ResourceType", type);
    focus_put(sheet, "x_Pool", name);
    if (pool != NULL) {
        focus_put(sheet, "RegionId", pool->region);
        focus_put(sheet, "RegionName", pool->region);
    }
}

static void put_service(struct focus_sheet *sheet, bool compute)
{
    focus_put(sheet, "ServiceCategory", compute ? "Compute" : "AI and Machine Learning");
    focus_put(sheet, "ServiceSubcategory", compute ? "Other (Compute)" : "Generative AI");
    focus_put(sheet, "ServiceName", compute ? "Reserved capacity" : "Model inference");
}

/* ---- use by the token ------------------------------------------------------------------------- */

static const char *meter_name(uint32_t unit)
{
    static const char *const names[DEAL_UNIT_COUNT] = {
        "Input Tokens",     "Cached Input Tokens", "Cache Write Tokens", "Output Tokens",
        "Reasoning Tokens", "Audio Tokens",        "Image Tokens",       "Requests"};
    return unit < DEAL_UNIT_COUNT ? names[unit] : "Units";
}

/* Units of this pool, model and class that were estimated or never settled: a provider may count them
 * otherwise. */
static enum oft_err estimated(const struct focus_input *input, const char *pool, const char *model,
                              uint32_t unit, oft_nanos *ret)
{
    *ret = 0;
    for (size_t i = 0; i < input->row_count; i++) {
        const struct ledger_row *row = &input->rows[i];
        const struct ledger_series_key *key = &row->key;
        bool uncertain =
            key->outcome == LEDGER_SERVED_ESTIMATED || key->outcome == LEDGER_UNSETTLED;
        if (key->kind != LEDGER_USAGE || key->month != input->month || !uncertain ||
            strcmp(key->pool, pool) != 0 || strcmp(key->model, model) != 0) {
            continue;
        }
        oft_nanos units =
            unit < METER_UNITS ? (oft_nanos)row->totals.units[unit] : row->totals.quantity;
        if (oft_nanos_add(*ret, units, ret) != OFT_OK) {
            return OFT_ERR_RANGE;
        }
    }
    return OFT_OK;
}

static void put_meter(struct focus_sheet *sheet, const struct ledger_series_key *key, uint32_t unit,
                      oft_nanos quantity)
{
    oft_nanos uncertain;
    const char *word = unit == DEAL_UNIT_REQUEST ? "Requests" : "Tokens";
    if (estimated(sheet->input, key->pool, key->model, unit, &uncertain) != OFT_OK) {
        sheet->err = OFT_ERR_RANGE;
        return;
    }
    focus_put(sheet, "ChargeCategory", "Usage");
    focus_put(sheet, "ChargeFrequency", "Usage-Based");
    focus_put_decimal(sheet, "ConsumedQuantity", (struct focus_decimal){quantity, 0});
    focus_put(sheet, "ConsumedUnit", word);
    focus_put_printf(sheet, "SkuId", "%s/%s/%s", key->pool, key->model, print_unit_name(unit));
    focus_put(sheet, "SkuMeter", meter_name(unit));
    focus_put(sheet, "x_Model", key->model);
    focus_put(sheet, "x_UnitClass", print_unit_name(unit));
    focus_put_decimal(sheet, "x_EstimatedQuantity", (struct focus_decimal){uncertain, 0});
    put_service(sheet, false);
    put_pool(sheet, key->pool, "Inference pool");
}

static void put_usage_charge(struct focus_sheet *sheet, const struct ledger_row *row)
{
    const struct ledger_series_key *key = &row->key;
    bool requests = key->unit == DEAL_UNIT_REQUEST;
    put_common(sheet, key->party, host_of(sheet->input->deal, key->pool));
    put_meter(sheet, key, key->unit, row->totals.quantity);
    put_costs(sheet, row->totals.amount_nanos, row->totals.amount_nanos);
    put_price(sheet, (struct focus_decimal){row->totals.quantity, 6},
              requests ? "1000000 Requests" : "1000000 Tokens",
              (struct focus_decimal){key->rate, 9});
    focus_put(sheet, "PricingCategory", "Standard");
    focus_put_printf(sheet, "SkuPriceId", "%s/%s/%s/%s", key->pool, key->model,
                     print_unit_name(key->unit), key->clause);
    put_clause(sheet, key->clause, true);
    focus_put_printf(sheet, "ChargeDescription", "%s of %s on %s by %s", meter_name(key->unit),
                     key->model, key->pool, key->clause);
    if (row->totals.amount_nanos < 0) {
        /* Books are only ever mended by a reversal: a negative charge is one. */
        focus_put(sheet, "ChargeClass", "Correction");
    }
}

/* ---- use of reserved capacity ----------------------------------------------------------------- */

/* Tokens on a pool that is paid for flat: no cost of their own. */
static void put_reserved_use(struct focus_sheet *sheet, const struct ledger_row *row, uint32_t unit)
{
    const struct ledger_series_key *key = &row->key;
    oft_nanos quantity =
        unit < METER_UNITS ? (oft_nanos)row->totals.units[unit] : row->totals.quantity;
    if (quantity == 0) {
        return;
    }
    put_common(sheet, key->party, host_of(sheet->input->deal, key->pool));
    put_meter(sheet, key, unit, quantity);
    put_costs(sheet, 0, 0);
    put_price(sheet, (struct focus_decimal){quantity, 6},
              unit == DEAL_UNIT_REQUEST ? "1000000 Requests" : "1000000 Tokens",
              (struct focus_decimal){0, 0});
    focus_put(sheet, "PricingCategory", "Other");
    focus_put_printf(sheet, "SkuPriceId", "%s/%s/%s/reserved", key->pool, key->model,
                     print_unit_name(unit));
    focus_put(sheet, "CapacityReservationId", key->pool);
    focus_put(sheet, "CapacityReservationStatus", "Used");
    put_clause(sheet, key->clause, true);
    focus_put_printf(sheet, "ChargeDescription", "%s of %s on reserved %s for %s: no cost by use",
                     meter_name(unit), key->model, key->pool, key->account);
}

static void make_reserved_use(struct focus_sheet *sheet, const struct ledger_row *row)
{
    const struct deal_pool *pool = pool_of(sheet->input->deal, row->key.pool);
    if (pool == NULL || !pool->reserved || !ledger_outcome_owes(row->key.outcome)) {
        return;
    }
    for (uint32_t unit = 0; unit < METER_UNITS; unit++) {
        put_reserved_use(sheet, row, unit);
    }
}

/* ---- capacity by the hour --------------------------------------------------------------------- */

/* What went over the pool in the month, of input and output alike. */
static enum oft_err tokens_of(const struct focus_input *input, const char *pool, oft_nanos *ret)
{
    *ret = 0;
    for (size_t i = 0; i < input->row_count; i++) {
        const struct ledger_row *row = &input->rows[i];
        if (row->key.kind != LEDGER_USAGE || row->key.month != input->month ||
            !ledger_outcome_owes(row->key.outcome) || strcmp(row->key.pool, pool) != 0) {
            continue;
        }
        for (size_t unit = 0; unit < METER_UNITS; unit++) {
            if (oft_nanos_add(*ret, (oft_nanos)row->totals.units[unit], ret) != OFT_OK) {
                return OFT_ERR_RANGE;
            }
        }
    }
    return OFT_OK;
}

/* How much of HOURS was used, in millionths of an hour: what ran over the pool against what it can
 * carry by its stated limit over the month. Without a limit any use is use of the whole. */
static enum oft_err used_of(const struct focus_input *input, const char *pool_name, oft_nanos hours,
                            oft_nanos *ret)
{
    const struct deal_pool *pool = pool_of(input->deal, pool_name);
    oft_nanos tokens;
    oft_nanos room;
    oft_nanos whole;
    oft_instant length = deal_month_start(input->deal, input->month + 1) -
                         deal_month_start(input->deal, input->month);
    if (tokens_of(input, pool_name, &tokens) != OFT_OK ||
        oft_nanos_mul(hours, MILLION, &whole) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    if (tokens == 0 || pool == NULL || pool->limits.tokens_per_minute == 0) {
        *ret = tokens == 0 ? 0 : whole;
        return OFT_OK;
    }
    if (oft_nanos_mul((oft_nanos)pool->limits.tokens_per_minute, length / (60 * OFT_NS_PER_SECOND),
                      &room) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    if (tokens >= room) {
        *ret = whole;
        return OFT_OK;
    }
    return oft_nanos_mul_div_half_even(whole, tokens, room, ret);
}

/* What is paid for by the month is counted in months, in which our hours are a part. */
static const char *hour_unit(uint32_t unit)
{
    static const char *const units[] = {"GPU-Hours", "MW-Hours", "GPU-Months", "MW-Months",
                                        "Months"};
    return units[unit - LEDGER_GPU_HOUR];
}

static oft_nanos in_pricing_units(struct focus_sheet *sheet, const struct ledger_row *row,
                                  oft_nanos millionths)
{
    oft_nanos hours = ledger_rate_units(&row->key) / MILLION;
    if (hours > 1 && oft_nanos_mul_div_half_even(millionths, 1, hours, &millionths) != OFT_OK) {
        sheet->err = OFT_ERR_RANGE;
    }
    return millionths;
}

static void put_capacity(struct focus_sheet *sheet, const struct ledger_row *row,
                         oft_nanos quantity_millionths)
{
    const struct ledger_series_key *key = &row->key;
    struct focus_decimal quantity = {in_pricing_units(sheet, row, quantity_millionths), 6};
    put_common(sheet, key->party, host_of(sheet->input->deal, key->pool));
    put_service(sheet, true);
    put_pool(sheet, key->pool, "Reserved capacity");
    put_price(sheet, quantity, hour_unit(key->unit), (struct focus_decimal){key->rate, 15});
    focus_put(sheet, "CommitmentDiscountCategory", "Usage");
    focus_put_printf(sheet, "CommitmentDiscountId", "%s/%s", key->pool, key->clause);
    focus_put(sheet, "CommitmentDiscountName", key->clause);
    focus_put(sheet, "CommitmentDiscountType", "Capacity by the hour");
    focus_put_decimal(sheet, "CommitmentDiscountQuantity", quantity);
    focus_put(sheet, "CommitmentDiscountUnit", hour_unit(key->unit));
    focus_put_printf(sheet, "SkuId", "%s/%s", key->pool, print_unit_name(key->unit));
    focus_put(sheet, "SkuMeter", hour_unit(key->unit));
    focus_put_printf(sheet, "SkuPriceId", "%s/%s/%s", key->pool, print_unit_name(key->unit),
                     key->clause);
    put_clause(sheet, key->clause, true);
    focus_put(sheet, "x_UnitClass", print_unit_name(key->unit));
}

static void put_hours(struct focus_sheet *sheet, const struct ledger_row *row, const char *status,
                      oft_nanos millionths, oft_nanos effective)
{
    put_capacity(sheet, row, millionths);
    put_costs(sheet, 0, effective);
    focus_put(sheet, "ChargeCategory", "Usage");
    focus_put(sheet, "ChargeFrequency", "Usage-Based");
    focus_put(sheet, "PricingCategory", "Committed");
    focus_put(sheet, "CommitmentDiscountStatus", status);
    focus_put(sheet, "CapacityReservationId", row->key.pool);
    focus_put(sheet, "CapacityReservationStatus", status);
    focus_put_printf(sheet, "ChargeDescription", "%s hours of %s by %s", status, row->key.pool,
                     row->key.clause);
    if (strcmp(status, "Used") == 0) {
        focus_put_decimal(sheet, "ConsumedQuantity",
                          (struct focus_decimal){in_pricing_units(sheet, row, millionths), 6});
        focus_put(sheet, "ConsumedUnit", hour_unit(row->key.unit));
    }
}

static void put_purchase(struct focus_sheet *sheet, const struct ledger_row *row)
{
    oft_nanos amount = row->totals.amount_nanos;
    oft_nanos whole;
    oft_nanos used;
    oft_nanos used_cost = 0;
    if (oft_nanos_mul(row->totals.quantity, MILLION, &whole) != OFT_OK ||
        used_of(sheet->input, row->key.pool, row->totals.quantity, &used) != OFT_OK ||
        (whole > 0 && oft_nanos_mul_div_half_even(amount, used, whole, &used_cost) != OFT_OK)) {
        sheet->err = OFT_ERR_RANGE;
        return;
    }
    put_capacity(sheet, row, whole);
    put_costs(sheet, amount, 0);
    focus_put(sheet, "ChargeCategory", "Purchase");
    focus_put(sheet, "ChargeFrequency", "Recurring");
    focus_put(sheet, "PricingCategory", "Standard");
    focus_put_printf(sheet, "ChargeDescription", "Hours of %s by %s", row->key.pool,
                     row->key.clause);
    if (used > 0) {
        put_hours(sheet, row, "Used", used, used_cost);
    }
    if (used < whole) {
        put_hours(sheet, row, "Unused", whole - used, amount - used_cost);
    }
}

/* ---- shares ----------------------------------------------------------------------------------- */

static void put_share(struct focus_sheet *sheet, const struct ledger_row *row)
{
    const struct ledger_series_key *key = &row->key;
    char percent[OFT_NANOS_TEXT_BYTES];
    if (key->product[0] != '\0' || key->outcome == LEDGER_MEMO) {
        return;
    }
    bool received = key->outcome == LEDGER_RECEIVED;
    oft_nanos amount = row->totals.amount_nanos;
    if (received && oft_nanos_mul(amount, -1, &amount) != OFT_OK) {
        sheet->err = OFT_ERR_RANGE;
        return;
    }
    put_common(sheet, key->party, NULL);
    put_costs(sheet, amount, amount);
    focus_put_nanos(sheet, "ContractedCost", amount);
    focus_put_nanos(sheet, "ListCost", amount);
    focus_put(sheet, "ChargeCategory", received ? "Credit" : "Adjustment");
    focus_put(sheet, "ChargeFrequency", "Recurring");
    focus_put(sheet, "ServiceCategory", "Other");
    focus_put(sheet, "ServiceSubcategory", "Other (Other)");
    focus_put(sheet, "ServiceName", "Revenue share");
    put_clause(sheet, key->clause, false);
    focus_put_nanos(sheet, "x_RevenueShare", key->rate);
    focus_put_nanos(sheet, "x_RevenueShareBase", row->totals.quantity);
    const char *way = received ? "received" : "paid";
    if (key->unit == LEDGER_SHARE_PLAIN) {
        focus_put_printf(sheet, "ChargeDescription", "Revenue share %s by %s, %s percent", way,
                         key->clause, print_percent(key->rate, percent));
    } else {
        focus_put_printf(sheet, "ChargeDescription", "Revenue share %s by %s: %s", way, key->clause,
                         print_share_part_name(key->unit));
    }
}

/* ---- commitments to spend --------------------------------------------------------------------- */

static void put_commitment_row(struct focus_sheet *sheet, const struct deal_clause *clause,
                               const char *status, oft_nanos amount)
{
    const struct deal *deal = sheet->input->deal;
    const struct deal_commit *commit = &clause->as.commit;
    const struct deal_provider *provider = &deal->providers[commit->provider];
    struct focus_decimal quantity = {amount, 9};
    char digits[FOCUS_DECIMAL_TEXT_BYTES];
    put_common(sheet, deal->parties[provider->party].name, provider->title);
    put_costs(sheet, 0, 0);
    put_price(sheet, quantity, deal->currency, (struct focus_decimal){0, 0});
    focus_put(sheet, "ChargeCategory", "Usage");
    focus_put(sheet, "ChargeFrequency", "Usage-Based");
    focus_put(sheet, "PricingCategory", "Committed");
    focus_put(sheet, "ServiceCategory", "Other");
    focus_put(sheet, "ServiceSubcategory", "Other (Other)");
    focus_put(sheet, "ServiceName", "Commitment to spend");
    focus_put(sheet, "CommitmentDiscountCategory", "Spend");
    focus_put(sheet, "CommitmentDiscountId", clause->id);
    focus_put(sheet, "CommitmentDiscountName", clause->id);
    focus_put(sheet, "CommitmentDiscountType", focus_commit_model_text(commit->model));
    focus_put_decimal(sheet, "CommitmentDiscountQuantity", quantity);
    focus_put(sheet, "CommitmentDiscountUnit", deal->currency);
    focus_put(sheet, "CommitmentDiscountStatus", status);
    if (strcmp(status, "Used") == 0) {
        focus_put_decimal(sheet, "ConsumedQuantity", quantity);
        focus_put(sheet, "ConsumedUnit", deal->currency);
    }
    focus_put(sheet, "SkuId", clause->id);
    focus_put(sheet, "SkuMeter", "Commitment to spend");
    focus_put_printf(sheet, "SkuPriceId", "%s/price", clause->id);
    put_clause(sheet, clause->id, true);
    focus_put_printf(sheet, "ContractApplied",
                     "{\"Elements\":[{\"ContractID\":\"%s\",\"ContractCommitmentID\":\"%s\","
                     "\"ContractCommitmentAppliedCost\":%s,"
                     "\"ContractCommitmentAppliedQuantity\":null,"
                     "\"ContractCommitmentAppliedUnit\":null}]}",
                     deal->agreements[clause->agreement].name, clause->id,
                     focus_decimal_format(quantity, digits));
    focus_put_printf(sheet, "ChargeDescription", "%s part of %s: %s %s, without a cost of its own",
                     status, clause->id, digits, deal->currency);
}

/* What counted in this month; and in the month that its period ends in, what nothing was counted for. */
static void make_commitment(struct focus_sheet *sheet, const struct deal_clause *clause)
{
    const struct focus_input *input = sheet->input;
    const struct deal_commit *commit = &clause->as.commit;
    oft_nanos in_month;
    oft_nanos counted;
    oft_nanos unused;
    if (focus_counted(input, clause->id, input->month, &in_month) != OFT_OK ||
        focus_counted(input, clause->id, 0, &counted) != OFT_OK ||
        oft_nanos_sub(commit->amount_nanos, counted, &unused) != OFT_OK) {
        sheet->err = OFT_ERR_RANGE;
        return;
    }
    oft_nanos over = unused < 0 ? -unused : 0;
    oft_nanos used = over >= in_month ? 0 : in_month - over;
    if (used > 0) {
        put_commitment_row(sheet, clause, "Used", used);
    }
    if (unused > 0 && deal_month_of(input->deal, commit->period_until - 1) == input->month) {
        put_commitment_row(sheet, clause, "Unused", unused);
    }
}

/* What a commitment's end asks for. A credit is paid for before it is used, and what it pays for stands
 * at its cost already: neither is an effective cost (and so no Credit, which would have to be one). */
static void put_due(struct focus_sheet *sheet, const struct ledger_row *row)
{
    const struct ledger_series_key *key = &row->key;
    oft_nanos amount = row->totals.amount_nanos;
    bool kept = key->outcome == LEDGER_DUE_CREDIT || key->outcome == LEDGER_DUE_DRAWN;
    if (amount == 0) {
        return;
    }
    put_common(sheet, key->party, NULL);
    put_costs(sheet, amount, kept ? 0 : amount);
    focus_put_nanos(sheet, "ContractedCost", amount);
    focus_put_nanos(sheet, "ListCost", amount);
    focus_put(sheet, "ChargeCategory", "Adjustment");
    focus_put(sheet, "ChargeFrequency", "One-Time");
    focus_put(sheet, "ServiceCategory", "Other");
    focus_put(sheet, "ServiceSubcategory", "Other (Other)");
    focus_put(sheet, "ServiceName", "Commitment to spend");
    put_clause(sheet, key->clause, false);
    focus_put_printf(sheet, "ChargeDescription", "Commitment %s: %s", key->clause,
                     print_due_text(key->outcome));
}

/* ---- all -------------------------------------------------------------------------------------- */

static int compare_rows(const void *a, const void *b)
{
    const struct ledger_row *x = *(const struct ledger_row *const *)a;
    const struct ledger_row *y = *(const struct ledger_row *const *)b;
    return ledger_key_compare(&x->key, &y->key);
}

static void make_row(struct focus_sheet *sheet, const struct ledger_row *row)
{
    switch (row->key.kind) {
    case LEDGER_USAGE:
        make_reserved_use(sheet, row);
        return;
    case LEDGER_COST:
        if (print_is_capacity(row->key.unit)) {
            put_purchase(sheet, row);
        } else {
            focus_put_days(sheet, row, put_usage_charge);
        }
        return;
    case LEDGER_SHARE:
        put_share(sheet, row);
        return;
    case LEDGER_SHORTFALL:
        put_due(sheet, row);
        return;
    case LEDGER_SHARE_TERM: /* moves the day of payment, and is no charge */
    case LEDGER_DEDUCTION:
    case LEDGER_PAYMENT:
    case LEDGER_FUND_CALL:
    case LEDGER_FUND_PAYMENT:
    case LEDGER_FUND_DRAW:
    case LEDGER_SALE:       /* what others owe us is no cost */
    case LEDGER_COMMITMENT: /* by clause, below */
        return;
    }
}

void focus_make_cost_and_usage(struct focus_sheet *sheet)
{
    const struct focus_input *input = sheet->input;
    const struct deal *deal = input->deal;
    size_t count = 0;
    const struct ledger_row **rows =
        oft_arena_alloc_array(sheet->arena, input->row_count + 1, sizeof(*rows));
    if (rows == NULL) {
        sheet->err = OFT_ERR_MEMORY;
        return;
    }
    for (size_t i = 0; i < input->row_count; i++) {
        if (input->rows[i].key.month == input->month) {
            rows[count++] = &input->rows[i];
        }
    }
    qsort(rows, count, sizeof(*rows), compare_rows);
    for (size_t i = 0; i < count && sheet->err == OFT_OK; i++) {
        make_row(sheet, rows[i]);
    }
    for (uint32_t i = 0; i < deal->clause_count && sheet->err == OFT_OK; i++) {
        if (deal->clauses[i].kind == DEAL_CLAUSE_COMMIT) {
            make_commitment(sheet, &deal->clauses[i]);
        }
    }
}
