/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each rule is broken once, in a file that is otherwise good, and found by its name.
 */
#include "../ledger/world.h"

#include <stdio.h>
#include <string.h>

#include "focus/focus.h"

/* A file as pairs: row 0 is a purchase of 10 hours, rows 1 and 2 what of it was used and what not, row 3
 * a charge for tokens, row 4 a tax, row 5 a credit. "-" is null. */
enum { ROWS = 6, COLUMNS_MAX = 64 };
struct column {
    const char *name;
    const char *cells[ROWS];
};

#define ALL(text)                          \
    {                                      \
        text, text, text, text, text, text \
    }
static const struct column COST[] = {
    {"BilledCost", {"20", "0", "0", "5", "1", "-2"}},
    {"BillingAccountId", ALL("a")},
    {"BillingAccountName", ALL("A")},
    {"BillingAccountType", ALL("Agreement")},
    {"BillingCurrency", ALL("USD")},
    {"BillingPeriodEnd", ALL("2026-05-01T00:00:00Z")},
    {"BillingPeriodStart", ALL("2026-04-01T00:00:00Z")},
    {"CapacityReservationId", {"-", "p", "p", "-", "-", "-"}},
    {"CapacityReservationStatus", {"-", "Used", "Unused", "-", "-", "-"}},
    {"ChargeCategory", {"Purchase", "Usage", "Usage", "Usage", "Tax", "Credit"}},
    {"ChargeClass", ALL("-")},
    {"ChargeDescription", ALL("words")},
    {"ChargeFrequency",
     {"Recurring", "Usage-Based", "Usage-Based", "Usage-Based", "One-Time", "One-Time"}},
    {"ChargePeriodEnd", ALL("2026-05-01T00:00:00Z")},
    {"ChargePeriodStart", ALL("2026-04-01T00:00:00Z")},
    {"CommitmentDiscountCategory", {"Usage", "Usage", "Usage", "-", "-", "-"}},
    {"CommitmentDiscountId", {"c", "c", "c", "-", "-", "-"}},
    {"CommitmentDiscountName", {"c", "c", "c", "-", "-", "-"}},
    {"CommitmentDiscountQuantity", {"10", "6", "4", "-", "-", "-"}},
    {"CommitmentDiscountStatus", {"-", "Used", "Unused", "-", "-", "-"}},
    {"CommitmentDiscountType", {"t", "t", "t", "-", "-", "-"}},
    {"CommitmentDiscountUnit", {"GPU-Hours", "GPU-Hours", "GPU-Hours", "-", "-", "-"}},
    {"ConsumedQuantity", {"-", "6", "-", "1000000", "-", "-"}},
    {"ConsumedUnit", {"-", "GPU-Hours", "-", "Tokens", "-", "-"}},
    {"ContractedCost", {"20", "12", "8", "5", "1", "-2"}},
    {"ContractedUnitPrice", {"2", "2", "2", "5", "-", "-"}},
    {"EffectiveCost", {"0", "12", "8", "5", "1", "-2"}},
    {"HostProviderName", ALL("P")},
    {"InvoiceId", {"i", "i", "i", "i", "j", "i"}},
    {"InvoiceIssuerName", ALL("P")},
    {"ListCost", {"20", "12", "8", "5", "1", "-2"}},
    {"ListUnitPrice", {"2", "2", "2", "5", "-", "-"}},
    {"PricingCategory", {"Standard", "Committed", "Committed", "Standard", "-", "-"}},
    {"PricingQuantity", {"10", "6", "4", "1", "-", "-"}},
    {"PricingUnit", {"GPU-Hours", "GPU-Hours", "GPU-Hours", "1000000 Tokens", "-", "-"}},
    {"RegionId", {"r", "r", "r", "-", "-", "-"}},
    {"RegionName", {"r", "r", "r", "-", "-", "-"}},
    {"ResourceId", {"p", "p", "p", "q", "-", "-"}},
    {"ResourceName", {"p", "p", "p", "q", "-", "-"}},
    {"ResourceType", {"T", "T", "T", "T", "-", "-"}},
    {"ServiceCategory",
     {"Compute", "Compute", "Compute", "AI and Machine Learning", "Other", "Other"}},
    {"ServiceName", {"capacity", "capacity", "capacity", "inference", "rest", "rest"}},
    {"ServiceProviderName", ALL("P")},
    {"ServiceSubcategory",
     {"Other (Compute)", "Other (Compute)", "Other (Compute)", "Generative AI", "Other (Other)",
      "Other (Other)"}},
    {"SkuId", {"s", "s", "s", "t", "-", "-"}},
    {"SkuMeter", {"m", "m", "m", "n", "-", "-"}},
    {"SkuPriceDetails", ALL("-")},
    {"SkuPriceId", {"sp", "sp", "sp", "tp", "-", "-"}},
    {"SubAccountId", ALL("-")},
    {"SubAccountName", ALL("-")},
    {"x_Own", ALL("1")},
};

static const struct column COMMITMENT[] = {
    {"BillingCurrency", ALL("USD")},
    {"ContractCommitmentApplicability", ALL("{\"IsGlobalScope\":true}")},
    {"ContractCommitmentBenefitCategory", ALL("Entitlement")},
    {"ContractCommitmentCategory", ALL("Spend")},
    {"ContractCommitmentCost", ALL("100")},
    {"ContractCommitmentCreated", ALL("2026-04-01T00:00:00Z")},
    {"ContractCommitmentDescription", ALL("words")},
    {"ContractCommitmentDiscountPercentage", ALL("0.2")},
    {"ContractCommitmentDurationType", ALL("1 Year")},
    {"ContractCommitmentFulfillmentInterval", ALL("Full Commitment Period")},
    {"ContractCommitmentId", {"a", "b", "c", "d", "e", "e"}},
    {"ContractCommitmentLastUpdated", ALL("2026-04-01T00:00:00Z")},
    {"ContractCommitmentLifecycleStatus", ALL("Active")},
    {"ContractCommitmentModel", ALL("Discontinuous")},
    {"ContractCommitmentOfferCategory", ALL("Negotiated")},
    {"ContractCommitmentPaymentInterval", ALL("Monthly")},
    {"ContractCommitmentPaymentModel", ALL("No Upfront")},
    {"ContractCommitmentPaymentUpfrontPercentage", ALL("0")},
    {"ContractCommitmentPeriodEnd", ALL("2027-04-01T00:00:00Z")},
    {"ContractCommitmentPeriodStart", ALL("2026-04-01T00:00:00Z")},
    {"ContractCommitmentQuantity", ALL("-")},
    {"ContractCommitmentType", ALL("take-or-pay")},
    {"ContractCommitmentUnit", ALL("-")},
    {"ContractId", ALL("ms")},
    {"ContractPeriodEnd", ALL("2027-04-01T00:00:00Z")},
    {"ContractPeriodStart", ALL("2026-04-01T00:00:00Z")},
    {"InvoiceIssuerName", ALL("P")},
    {"ServiceProviderName", ALL("P")},
    {"x_UnusedCost", ALL("60")},
    {"x_UsedCost", ALL("40")},
};

/* COLUMN of ROW becomes VALUE. A row of -1: the column itself is called VALUE, or goes with NULL. */
struct change {
    const char *column;
    int row;
    const char *value;
    const char *rule;
};

static const struct change BREAKS[] = {
    {"BilledCost", -1, NULL, "ColumnPresent"},
    {"x_Own", -1, "Own", "ColumnHandling-A-001-M"},
    {"x_Own", -1, "x_own", "ColumnHandling-A-001-M"},
    {"x_Own", -1, "ProviderName", "ColumnHandling-A-001-M"}, /* 1.4 has it no more */
    {"BilledCost", 3, "-", "BilledCost-not-null"},
    {"BilledCost", 3, "5.0 USD", "BilledCost-type"},
    {"BilledCost", 3, "1,000", "BilledCost-type"},
    {"ChargePeriodEnd", 3, "2026-05-01", "ChargePeriodEnd-type"},
    {"ChargePeriodEnd", 3, "2026-05-01T00:00:00+00:00", "ChargePeriodEnd-type"},
    {"ChargePeriodEnd", 3, "2026-04-01T00:00:00Z", "Period-half-open"},
    {"BillingPeriodEnd", 3, "2026-03-01T00:00:00Z", "Period-half-open"},
    {"BillingCurrency", 3, "dollar", "BillingCurrency-C-003-M"},
    {"ChargeDescription", 3, "\xff", "StringHandling-A-001-M"},
    {"ChargeDescription", 3, "NULL", "NullHandling-A-001-M"},
    {"ChargeDescription", 3, "\"\"", "NullHandling-A-001-M"},
    {"ChargeCategory", 3, "Fee", "ChargeCategory-allowed-values"},
    {"ChargeClass", 3, "Refund", "ChargeClass-allowed-values"},
    {"PricingCategory", 3, "Reserved", "PricingCategory-allowed-values"},
    {"SkuPriceDetails", 3, "words", "SkuPriceDetails-type"},
    {"BillingAccountType", 3, "-", "BillingAccountType-C-005-C"},
    {"CapacityReservationId", 2, "-", "CapacityReservationId-C-005-C"},
    {"CapacityReservationStatus", 3, "Used", "CapacityReservationStatus-C-003-C"},
    {"CapacityReservationStatus", 1, "-", "CapacityReservationStatus-C-004-C"},
    {"ChargeFrequency", 0, "Usage-Based", "ChargeFrequency-C-004-C"},
    {"CommitmentDiscountCategory", 3, "Spend", "CommitmentDiscountCategory-C-003-C"},
    {"CommitmentDiscountCategory", 0, "-", "CommitmentDiscountCategory-C-004-C"},
    {"CommitmentDiscountName", 3, "n", "CommitmentDiscountName-C-004-C"},
    {"CommitmentDiscountQuantity", 1, "-", "CommitmentDiscountQuantity-C-005-C"},
    {"CommitmentDiscountQuantity", 3, "1", "CommitmentDiscountQuantity-C-007-C"},
    {"CommitmentDiscountStatus", 3, "Used", "CommitmentDiscountStatus-C-003-C"},
    {"CommitmentDiscountStatus", 1, "-", "CommitmentDiscountStatus-C-004-C"},
    {"CommitmentDiscountType", 3, "t", "CommitmentDiscountType-C-004-C"},
    {"CommitmentDiscountType", 1, "-", "CommitmentDiscountType-C-005-C"},
    {"CommitmentDiscountUnit", 3, "u", "CommitmentDiscountUnit-C-005-C"},
    {"CommitmentDiscountUnit", 1, "-", "CommitmentDiscountUnit-C-006-C"},
    {"ConsumedQuantity", 0, "1", "ConsumedQuantity-C-004-C"},
    {"ConsumedQuantity", 2, "1", "ConsumedQuantity-C-004-C"},
    {"ConsumedQuantity", 3, "-", "ConsumedQuantity-C-006-C"},
    {"ConsumedUnit", 0, "u", "ConsumedUnit-C-005-C"},
    {"ConsumedUnit", 3, "-", "ConsumedUnit-C-006-C"},
    {"ContractedUnitPrice", 4, "1", "ContractedUnitPrice-C-005-C"},
    {"ContractedUnitPrice", 3, "-", "ContractedUnitPrice-C-006-C"},
    {"ListUnitPrice", 4, "1", "ListUnitPrice-C-004-C"},
    {"ListUnitPrice", 3, "-", "ListUnitPrice-C-005-C"},
    {"PricingCategory", 4, "Standard", "PricingCategory-C-003-C"},
    {"PricingCategory", 3, "-", "PricingCategory-C-004-C"},
    {"PricingQuantity", 4, "1", "PricingQuantity-C-004-C"},
    {"PricingQuantity", 3, "-", "PricingQuantity-C-005-C"},
    {"PricingUnit", 4, "u", "PricingUnit-C-005-C"},
    {"PricingUnit", 3, "-", "PricingUnit-C-006-C"},
    {"RegionName", 3, "r", "RegionName-C-004-C"},
    {"RegionName", 0, "-", "RegionName-C-005-C"},
    {"ResourceName", 4, "r", "ResourceName-C-004-C"},
    {"ResourceType", 4, "T", "ResourceType-C-004-C"},
    {"ResourceType", 3, "-", "ResourceType-C-005-C"},
    {"SkuId", 4, "s", "SkuId-C-004-C"},
    {"SkuId", 3, "-", "SkuId-C-005-C"},
    {"SkuMeter", 4, "m", "SkuMeter-C-004-C"},
    {"SkuPriceId", 4, "p", "SkuPriceId-C-004-C"},
    {"SkuPriceId", 3, "-", "SkuPriceId-C-005-C"},
    {"SkuPriceDetails", 4, "{}", "SkuPriceDetails-C-004-C"},
    {"SubAccountName", 3, "n", "SubAccountName-C-004-C"},
    {"SubAccountId", 3, "n", "SubAccountName-C-005-C"},
    {"EffectiveCost", 0, "20", "EffectiveCost-C-005-C"},
    {"ContractedCost", 3, "5.000000000000001", "ContractedCost-C-009-C"},
    {"ListCost", 3, "4.999999999999999", "ListCost-C-009-C"},
    {"ContractedUnitPrice", 3, "-5", "UnitPrice-not-negative"},
    {"ContractedCost", 5, "-1", "ContractedCost-C-008-C"},
    {"ListCost", 5, "-1", "ListCost-C-008-C"},
    {"EffectiveCost", 5, "-1", "EffectiveCost-C-010-C"},
    {"SkuId", 1, "z", "SkuPriceId-C-008-M"},
    {"ServiceName", 3, "capacity", "ServiceName-C-005-C"},
    {"ServiceSubcategory", 3, "Other (Compute)", "ServiceSubcategory-C-004-M"},
    {"EffectiveCost", 2, "7.999999999", "EffectiveCost-C-012-C"},
    {"CommitmentDiscountQuantity", 2, "3", "offtake-used-and-unused"},
    {"BillingCurrency", 5, "EUR", "InvoiceId-one-currency"},
    {"InvoiceId", 4, "i", "BilledCost-C-007-M"},
};

static const struct change COMMITMENT_BREAKS[] = {
    {"ContractId", -1, NULL, "ColumnPresent"},
    {"ContractCommitmentQuantity", 0, "1", "ContractCommitmentUnit-null"},
    {"ContractCommitmentUnit", 0, "u", "ContractCommitmentUnit-null"},
    {"ContractCommitmentCost", 0, "-", "ContractCommitmentQuantity-null"},
    {"ContractCommitmentCost", 0, "-", "ContractCommitmentCost-null"},
    {"BillingCurrency", 0, "-", "BillingCurrency-null"},
    {"ContractCommitmentModel", 0, "Continuous", "ContractCommitmentModel-total-term"},
    {"ContractCommitmentPaymentModel", 0, "All Upfront",
     "ContractCommitmentPaymentInterval-upfront"},
    {"ContractCommitmentPaymentModel", 0, "All Upfront",
     "ContractCommitmentPaymentUpfrontPercentage-all"},
    {"ContractCommitmentPaymentUpfrontPercentage", 0, "0.5",
     "ContractCommitmentPaymentUpfrontPercentage-none"},
    {"ContractCommitmentPaymentUpfrontPercentage", 0, "1.5", "Percentage-range"},
    {"ContractCommitmentBenefitCategory", 0, "Availability",
     "ContractCommitmentDiscountPercentage-null"},
    {"ContractCommitmentLifecycleStatus", 0, "Dead",
     "ContractCommitmentLifecycleStatus-allowed-values"},
    {"ContractCommitmentPeriodEnd", 0, "2026-01-01T00:00:00Z", "Period-half-open"},
    {"ContractPeriodEnd", 0, "2026-01-01T00:00:00Z", "Period-half-open"},
    {"ContractCommitmentApplicability", 0, "all", "ContractCommitmentApplicability-type"},
    {"ContractId", 5, "other", "ContractCommitmentId-one-contract"},
    {"x_UnusedCost", 0, "61", "offtake-used-and-unused"},
};

static void put_cell(struct oft_buffer *out, const char *cell)
{
    bool null = strcmp(cell, "-") == 0;
    bool json = cell[0] == '{' || strchr(cell, ',') != NULL;
    if (json) {
        oft_buffer_append_char(out, '"');
    }
    for (; !null && *cell != '\0'; cell++) {
        if (json && *cell == '"') {
            oft_buffer_append_char(out, '"');
        }
        oft_buffer_append_char(out, *cell);
    }
    if (json) {
        oft_buffer_append_char(out, '"');
    }
}

static void write_file(const struct column *columns, size_t count, const struct change *change,
                       struct oft_buffer *out)
{
    for (int row = -1; row < ROWS; row++) {
        bool first = true;
        for (size_t i = 0; i < count; i++) {
            bool changed = change != NULL && strcmp(change->column, columns[i].name) == 0;
            if (changed && change->row == -1 && change->value == NULL) {
                continue;
            }
            if (!first) {
                oft_buffer_append_char(out, ',');
            }
            first = false;
            const char *cell = row < 0 ? columns[i].name : columns[i].cells[row];
            put_cell(out, changed && change->row == row ? change->value : cell);
        }
        oft_buffer_append_char(out, '\n');
    }
}

/* How often RULE (NULL: any) is found in the file with CHANGE. */
static size_t found(enum focus_dataset dataset, const struct change *change, const char *rule,
                    const char **ret_first)
{
    bool cost = dataset == FOCUS_COST_AND_USAGE;
    struct oft_buffer out;
    struct oft_arena arena;
    struct oft_error error = {0};
    struct focus_findings findings;
    static char first[512];
    struct focus_invoice invoice = {.id = "i", .payable = {23, 0}};
    struct focus_check_input input = {
        .dataset = dataset, .version = 14, .invoices = &invoice, .invoice_count = cost};
    size_t count = 0;
    oft_buffer_init(&out, 1 << 20);
    oft_arena_init(&arena, 16 << 20);
    write_file(cost ? COST : COMMITMENT, cost ? OFT_COUNT_OF(COST) : OFT_COUNT_OF(COMMITMENT),
               change, &out);
    assert_int_equal(
        focus_table_csv(oft_str_from(oft_buffer_text(&out)), &arena, &input.table, &error), OFT_OK);
    assert_int_equal(focus_check(&input, &arena, &findings, &error), OFT_OK);
    first[0] = '\0';
    for (size_t i = 0; i < findings.count; i++) {
        count += rule == NULL || strcmp(findings.items[i].rule, rule) == 0;
        assert_true(findings.items[i].remedy[0] != '\0' && findings.items[i].message[0] != '\0');
        if (i == 0) {
            (void)snprintf(first, sizeof(first), "%s: %s", findings.items[0].rule,
                           findings.items[0].message);
        }
    }
    *ret_first = first;
    oft_arena_release(&arena);
    oft_buffer_release(&out);
    return count;
}

static void a_good_file_has_no_findings(void **state)
{
    const char *first;
    (void)state;
    if (found(FOCUS_COST_AND_USAGE, NULL, NULL, &first) +
            found(FOCUS_CONTRACT_COMMITMENT, NULL, NULL, &first) !=
        0) {
        fail_msg("%s", first);
    }
}

static void each_rule_that_is_broken_is_found(void **state)
{
    const char *first;
    (void)state;
    for (size_t i = 0; i < OFT_COUNT_OF(BREAKS); i++) {
        if (found(FOCUS_COST_AND_USAGE, &BREAKS[i], BREAKS[i].rule, &first) == 0) {
            fail_msg("%s of row %d: %s was not found, but %s", BREAKS[i].column, BREAKS[i].row,
                     BREAKS[i].rule, first);
        }
    }
    for (size_t i = 0; i < OFT_COUNT_OF(COMMITMENT_BREAKS); i++) {
        const struct change *change = &COMMITMENT_BREAKS[i];
        if (found(FOCUS_CONTRACT_COMMITMENT, change, change->rule, &first) == 0) {
            fail_msg("%s: %s was not found, but %s", change->column, change->rule, first);
        }
    }
}

static void a_correction_may_differ_from_its_price(void **state)
{
    struct column columns[OFT_COUNT_OF(COST)];
    (void)state;
    memcpy(columns, COST, sizeof(columns));
    const char *first;
    struct change change = {"ChargeClass", 3, "Correction", NULL};
    assert_int_equal(found(FOCUS_COST_AND_USAGE, &change, NULL, &first), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_has_no_findings),
        cmocka_unit_test(each_rule_that_is_broken_is_found),
        cmocka_unit_test(a_correction_may_differ_from_its_price),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
