/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ContractCommitment: one row for each commitment of the deal, with what of it is used and unused at the
 * end of the month (or as far as the books go, when that is earlier).
 */
#include <string.h>

#include "focus/internal.h"

const char *focus_commit_model_text(enum deal_commit_model model)
{
    switch (model) {
    case DEAL_COMMIT_BUILD_UP:
        return "build-up";
    case DEAL_COMMIT_BURN_DOWN:
        return "burn-down";
    case DEAL_COMMIT_TAKE_OR_PAY:
        return "take-or-pay";
    }
    return "commitment";
}

enum oft_err focus_counted(const struct focus_input *input, const char *clause, int32_t month,
                           oft_nanos *ret)
{
    oft_nanos sum = 0;
    for (size_t i = 0; i < input->commitment_row_count; i++) {
        const struct ledger_series_key *key = &input->commitment_rows[i].key;
        bool wanted = month == 0 ? key->month <= input->month : key->month == month;
        if (key->kind == LEDGER_COMMITMENT && wanted && strcmp(key->clause, clause) == 0 &&
            oft_nanos_add(sum, input->commitment_rows[i].totals.amount_nanos, &sum) != OFT_OK) {
            return OFT_ERR_RANGE;
        }
    }
    *ret = sum;
    return OFT_OK;
}

/* The last instant that the month and the books both have. */
static oft_instant looked_at(const struct focus_input *input)
{
    oft_instant end = deal_month_start(input->deal, input->month + 1) - 1;
    return input->as_of < end ? input->as_of : end;
}

static const char *lifecycle(const struct focus_input *input, const struct deal_clause *clause,
                             oft_nanos counted)
{
    const struct deal_commit *commit = &clause->as.commit;
    oft_instant at = looked_at(input);
    if (at < clause->from || at < commit->period_from) {
        return "Pending";
    }
    if (clause->superseded_from <= at) {
        return "Superseded";
    }
    if (at >= commit->period_until) {
        return "Expired";
    }
    if (!deal_clause_in_force(clause, at, input->attested)) {
        return "Canceled";
    }
    return counted >= commit->amount_nanos ? "Exhausted" : "Active";
}

/* JSON texts need their quotes and backslashes escaped; titles are text of the deal. */
static void put_escaped(struct oft_buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            oft_buffer_append_char(out, '\\');
        }
        oft_buffer_append_char(out, c < 0x20 ? ' ' : *text);
    }
}

/* What counts: all of a provider is a dimension of FOCUS, our products and their weights are none. */
static void put_applicability(struct focus_sheet *sheet, const struct deal_clause *clause)
{
    const struct deal *deal = sheet->input->deal;
    const struct deal_commit *commit = &clause->as.commit;
    struct oft_buffer text;
    bool all = commit->products.count == 1 && commit->products.items[0] == DEAL_ALL &&
               commit->weights_ppb[0] == DEAL_RATE_ONE;
    oft_buffer_init(&text, 4096);
    if (all) {
        oft_buffer_append_text(&text,
                               "{\"InclusionOperator\":\"And\",\"Inclusions\":[{\"Dimension\":"
                               "\"HostProviderName\",\"Operator\":\"In\",\"Values\":[\"");
        put_escaped(&text, deal->providers[commit->provider].title);
        oft_buffer_append_text(&text, "\"]}]}");
    } else {
        oft_buffer_append_text(&text, "{\"IsComplexScope\":true}");
    }
    if (text.failed) {
        sheet->err = OFT_ERR_LIMIT;
    } else {
        focus_put(sheet, "ContractCommitmentApplicability", oft_buffer_text(&text));
    }
    oft_buffer_release(&text);
}

static void put_duration(struct focus_sheet *sheet, const struct deal_commit *commit)
{
    int32_t months = oft_month_of(commit->period_until) - oft_month_of(commit->period_from);
    if (months < 1) {
        long long days = (commit->period_until - commit->period_from) / OFT_NS_PER_DAY;
        focus_put_printf(sheet, "ContractCommitmentDurationType", "%lld %s", days < 1 ? 1 : days,
                         days <= 1 ? "Day" : "Days");
    } else if (months % 12 == 0) {
        focus_put_printf(sheet, "ContractCommitmentDurationType", "%d %s", months / 12,
                         months == 12 ? "Year" : "Years");
    } else {
        focus_put_printf(sheet, "ContractCommitmentDurationType", "%d %s", months,
                         months == 1 ? "Month" : "Months");
    }
}

static void put_terms(struct focus_sheet *sheet, const struct deal_clause *clause,
                      oft_nanos counted)
{
    put_applicability(sheet, clause);
    put_duration(sheet, &clause->as.commit);
    focus_put(sheet, "ContractCommitmentBenefitCategory", "Entitlement");
    focus_put(sheet, "ContractCommitmentFulfillmentInterval", "Full Commitment Period");
    focus_put(sheet, "ContractCommitmentLifecycleStatus", lifecycle(sheet->input, clause, counted));
    focus_put(sheet, "ContractCommitmentModel", "Discontinuous");
    focus_put(sheet, "ContractCommitmentOfferCategory", "Negotiated");
    focus_put(sheet, "ContractCommitmentPaymentInterval", "Monthly");
    focus_put(sheet, "ContractCommitmentPaymentModel", "No Upfront");
    focus_put(sheet, "ContractCommitmentPaymentUpfrontPercentage", "0");
    focus_put_instant(sheet, "ContractCommitmentCreated", clause->from);
    focus_put_instant(sheet, "ContractCommitmentLastUpdated", sheet->input->as_of);
}

static void put_sources(struct focus_sheet *sheet, const struct deal_clause *clause)
{
    focus_put(sheet, "x_Clause", clause->id);
    focus_put_hex(sheet, "x_Deal", sheet->input->deal->text_sha256);
    focus_put_hex(sheet, "x_JournalHash", sheet->input->journal_sha256);
    focus_put_printf(sheet, "x_JournalNumber", "%llu",
                     (unsigned long long)sheet->input->transaction_number);
    focus_put(sheet, "x_Rehearsal", sheet->input->rehearsal ? "true" : "false");
}

static void put_commitment(struct focus_sheet *sheet, const struct deal_clause *clause)
{
    const struct deal *deal = sheet->input->deal;
    const struct deal_commit *commit = &clause->as.commit;
    const struct deal_agreement *agreement = &deal->agreements[clause->agreement];
    const struct deal_provider *provider = &deal->providers[commit->provider];
    oft_nanos counted;
    oft_nanos unused;
    if (focus_counted(sheet->input, clause->id, 0, &counted) != OFT_OK ||
        oft_nanos_sub(commit->amount_nanos, counted, &unused) != OFT_OK) {
        sheet->err = OFT_ERR_RANGE;
        return;
    }
    /* What went beyond the commitment is no use of it. */
    oft_nanos used = unused < 0 ? commit->amount_nanos : counted;
    oft_instant end = deal_end_instant(&agreement->until, sheet->input->attested);
    focus_sheet_row(sheet);
    focus_put(sheet, "BillingCurrency", deal->currency);
    focus_put(sheet, "ContractCommitmentCategory", "Spend");
    focus_put_nanos(sheet, "ContractCommitmentCost", commit->amount_nanos);
    focus_put(sheet, "ContractCommitmentDescription", clause->text);
    focus_put(sheet, "ContractCommitmentId", clause->id);
    focus_put_instant(sheet, "ContractCommitmentPeriodStart", commit->period_from);
    focus_put_instant(sheet, "ContractCommitmentPeriodEnd", commit->period_until);
    focus_put(sheet, "ContractCommitmentType", focus_commit_model_text(commit->model));
    focus_put(sheet, "ContractId", agreement->name);
    focus_put_instant(sheet, "ContractPeriodStart", agreement->effective);
    /* FOCUS wants an end; an agreement without one has that of the commitment. */
    focus_put_instant(sheet, "ContractPeriodEnd",
                      end == OFT_INSTANT_NEVER ? commit->period_until : end);
    focus_put(sheet, "InvoiceIssuerName", deal->parties[provider->party].title);
    focus_put(sheet, "ServiceProviderName", deal->parties[provider->party].title);
    put_terms(sheet, clause, counted);
    put_sources(sheet, clause);
    focus_put_nanos(sheet, "x_UsedCost", used);
    focus_put_nanos(sheet, "x_UnusedCost", unused < 0 ? 0 : unused);
}

void focus_make_contract_commitment(struct focus_sheet *sheet)
{
    const struct deal *deal = sheet->input->deal;
    for (uint32_t i = 0; i < deal->clause_count && sheet->err == OFT_OK; i++) {
        if (deal->clauses[i].kind == DEAL_CLAUSE_COMMIT) {
            put_commitment(sheet, &deal->clauses[i]);
        }
    }
}
