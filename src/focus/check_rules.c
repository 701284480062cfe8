/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules between the columns of a row, as tables: when these cells are so, that cell is null, or not, or
 * of a value.
 */
#include <string.h>

#include "focus/internal.h"

/* ---- rules between columns -------------------------------------------------------------------- */

enum expectation { IS_NULL, NOT_NULL, IS_VALUE, IS_NOT_VALUE };

/* VALUE "*" is anything but null, "" is null, "!X" is anything but X, "A|B" is one of them. */
struct condition {
    const char *column, *value;
};
struct pair_rule {
    const char *rule;
    struct condition when[3];
    const char *column;
    enum expectation expectation;
    const char *value;
    const char *remedy;
};

#define USED_CHARGE                       \
    {"ChargeCategory", "Usage|Purchase"}, \
    {                                     \
        "ChargeClass", "!Correction"      \
    }
#define PRICED   "a charge for use or a purchase has a price: fill the cell"
#define TAX_NONE "a tax has no price of its own: leave the cell empty"
#define TOGETHER "fill both cells or neither"

static const struct pair_rule COST_RULES[] = {
    {"BillingAccountType-C-004-C",
     {{"BillingAccountId", ""}},
     "BillingAccountType",
     IS_NULL,
     NULL,
     TOGETHER},
    {"BillingAccountType-C-005-C",
     {{"BillingAccountId", "*"}},
     "BillingAccountType",
     NOT_NULL,
     NULL,
     TOGETHER},
    {"CapacityReservationId-C-005-C",
     {{"CapacityReservationStatus", "Unused"}},
     "CapacityReservationId",
     NOT_NULL,
     NULL,
     "name the reservation that was not used"},
    {"CapacityReservationStatus-C-003-C",
     {{"CapacityReservationId", ""}},
     "CapacityReservationStatus",
     IS_NULL,
     NULL,
     TOGETHER},
    {"CapacityReservationStatus-C-004-C",
     {{"CapacityReservationId", "*"}, {"ChargeCategory", "Usage"}},
     "CapacityReservationStatus",
     NOT_NULL,
     NULL,
     "say whether the reservation was Used or Unused"},
    {"ChargeFrequency-C-004-C",
     {{"ChargeCategory", "Purchase"}},
     "ChargeFrequency",
     IS_NOT_VALUE,
     "Usage-Based",
     "a purchase is One-Time or Recurring"},
    {"CommitmentDiscountCategory-C-003-C",
     {{"CommitmentDiscountId", ""}},
     "CommitmentDiscountCategory",
     IS_NULL,
     NULL,
     TOGETHER},
    {"CommitmentDiscountCategory-C-004-C",
     {{"CommitmentDiscountId", "*"}},
     "CommitmentDiscountCategory",
     NOT_NULL,
     NULL,
     TOGETHER},
    {"CommitmentDiscountName-C-004-C",
     {{"CommitmentDiscountId", ""}},
     "CommitmentDiscountName",
     IS_NULL,
     NULL,
     TOGETHER},
    {"CommitmentDiscountQuantity-C-005-C",
     {{"CommitmentDiscountId", "*"}, USED_CHARGE},
     "CommitmentDiscountQuantity",
     NOT_NULL,
     NULL,
     "say how much of the commitment this row is"},
    {"CommitmentDiscountQuantity-C-007-C",
     {{"CommitmentDiscountId", ""}},
     "CommitmentDiscountQuantity",
     IS_NULL,
     NULL,
     TOGETHER},
    {"CommitmentDiscountStatus-C-003-C",
     {{"CommitmentDiscountId", ""}},
     "CommitmentDiscountStatus",
     IS_NULL,
     NULL,
     TOGETHER},
    {"CommitmentDiscountStatus-C-004-C",
     {{"CommitmentDiscountId", "*"}, {"ChargeCategory", "Usage"}},
     "CommitmentDiscountStatus",
     NOT_NULL,
     NULL,
     "say whether the commitment was Used or Unused"},
    {"CommitmentDiscountType-C-004-C",
     {{"CommitmentDiscountId", ""}},
     "CommitmentDiscountType",
     IS_NULL,
     NULL,
     TOGETHER},
    {"CommitmentDiscountType-C-005-C",
     {{"CommitmentDiscountId", "*"}},
     "CommitmentDiscountType",
     NOT_NULL,
     NULL,
     TOGETHER},
    {"CommitmentDiscountUnit-C-005-C",
     {{"CommitmentDiscountQuantity", ""}},
     "CommitmentDiscountUnit",
     IS_NULL,
     NULL,
     TOGETHER},
    {"CommitmentDiscountUnit-C-006-C",
     {{"CommitmentDiscountQuantity", "*"}},
     "CommitmentDiscountUnit",
     NOT_NULL,
     NULL,
     TOGETHER},
    {"ConsumedQuantity-C-004-C",
     {{"ChargeCategory", "!Usage"}},
     "ConsumedQuantity",
     IS_NULL,
     NULL,
     "only use consumes: leave the cell empty"},
    {"ConsumedQuantity-C-004-C",
     {{"CommitmentDiscountStatus", "Unused"}},
     "ConsumedQuantity",
     IS_NULL,
     NULL,
     "what was not used was not consumed: leave the cell empty"},
    {"ConsumedQuantity-C-006-C",
     {{"ChargeCategory", "Usage"},
      {"ChargeClass", "!Correction"},
      {"CommitmentDiscountStatus", "!Unused"}},
     "ConsumedQuantity",
     NOT_NULL,
     NULL,
     "say how much was consumed"},
    {"ConsumedUnit-C-005-C", {{"ConsumedQuantity", ""}}, "ConsumedUnit", IS_NULL, NULL, TOGETHER},
    {"ConsumedUnit-C-006-C", {{"ConsumedQuantity", "*"}}, "ConsumedUnit", NOT_NULL, NULL, TOGETHER},
    {"ContractedUnitPrice-C-005-C",
     {{"ChargeCategory", "Tax"}},
     "ContractedUnitPrice",
     IS_NULL,
     NULL,
     TAX_NONE},
    {"ContractedUnitPrice-C-006-C", {USED_CHARGE}, "ContractedUnitPrice", NOT_NULL, NULL, PRICED},
    {"ListUnitPrice-C-004-C",
     {{"ChargeCategory", "Tax"}},
     "ListUnitPrice",
     IS_NULL,
     NULL,
     TAX_NONE},
    {"ListUnitPrice-C-005-C", {USED_CHARGE}, "ListUnitPrice", NOT_NULL, NULL, PRICED},
    {"PricingCategory-C-003-C",
     {{"ChargeCategory", "Tax"}},
     "PricingCategory",
     IS_NULL,
     NULL,
     TAX_NONE},
    {"PricingCategory-C-004-C", {USED_CHARGE}, "PricingCategory", NOT_NULL, NULL, PRICED},
    {"PricingQuantity-C-004-C",
     {{"ChargeCategory", "Tax"}},
     "PricingQuantity",
     IS_NULL,
     NULL,
     TAX_NONE},
    {"PricingQuantity-C-005-C", {USED_CHARGE}, "PricingQuantity", NOT_NULL, NULL, PRICED},
    {"PricingUnit-C-005-C", {{"PricingQuantity", ""}}, "PricingUnit", IS_NULL, NULL, TOGETHER},
    {"PricingUnit-C-006-C", {{"PricingQuantity", "*"}}, "PricingUnit", NOT_NULL, NULL, TOGETHER},
    {"RegionName-C-004-C", {{"RegionId", ""}}, "RegionName", IS_NULL, NULL, TOGETHER},
    {"RegionName-C-005-C", {{"RegionId", "*"}}, "RegionName", NOT_NULL, NULL, TOGETHER},
    {"ResourceName-C-004-C", {{"ResourceId", ""}}, "ResourceName", IS_NULL, NULL, TOGETHER},
    {"ResourceType-C-004-C", {{"ResourceId", ""}}, "ResourceType", IS_NULL, NULL, TOGETHER},
    {"ResourceType-C-005-C", {{"ResourceId", "*"}}, "ResourceType", NOT_NULL, NULL, TOGETHER},
    {"SkuId-C-004-C", {{"ChargeCategory", "Tax"}}, "SkuId", IS_NULL, NULL, TAX_NONE},
    {"SkuId-C-005-C", {USED_CHARGE}, "SkuId", NOT_NULL, NULL, PRICED},
    {"SkuMeter-C-004-C", {{"SkuId", ""}}, "SkuMeter", IS_NULL, NULL, TOGETHER},
    {"SkuPriceId-C-004-C", {{"ChargeCategory", "Tax"}}, "SkuPriceId", IS_NULL, NULL, TAX_NONE},
    {"SkuPriceId-C-005-C", {USED_CHARGE}, "SkuPriceId", NOT_NULL, NULL, PRICED},
    {"SkuPriceDetails-C-004-C", {{"SkuPriceId", ""}}, "SkuPriceDetails", IS_NULL, NULL, TOGETHER},
    {"SubAccountName-C-004-C", {{"SubAccountId", ""}}, "SubAccountName", IS_NULL, NULL, TOGETHER},
    {"SubAccountName-C-005-C", {{"SubAccountId", "*"}}, "SubAccountName", NOT_NULL, NULL, TOGETHER},
    {"EffectiveCost-C-005-C",
     {{"ChargeCategory", "Purchase"}, {"CommitmentDiscountId", "*"}},
     "EffectiveCost",
     IS_VALUE,
     "0",
     "a purchase that covers later use has no effective cost; its used and unused rows have it"},
};

static const struct pair_rule COMMITMENT_RULES[] = {
    {"ContractCommitmentQuantity-null",
     {{"ContractCommitmentCost", ""}},
     "ContractCommitmentQuantity",
     NOT_NULL,
     NULL,
     "a commitment has a cost or a quantity"},
    {"ContractCommitmentUnit-null",
     {{"ContractCommitmentQuantity", ""}},
     "ContractCommitmentUnit",
     IS_NULL,
     NULL,
     TOGETHER},
    {"ContractCommitmentUnit-null",
     {{"ContractCommitmentQuantity", "*"}},
     "ContractCommitmentUnit",
     NOT_NULL,
     NULL,
     TOGETHER},
    {"ContractCommitmentCost-null",
     {{"ContractCommitmentCategory", "Spend"}},
     "ContractCommitmentCost",
     NOT_NULL,
     NULL,
     "a commitment to spend has a cost"},
    {"BillingCurrency-null",
     {{"ContractCommitmentCost", "*"}},
     "BillingCurrency",
     NOT_NULL,
     NULL,
     "a cost has a currency"},
    {"ContractCommitmentModel-total-term",
     {{"ContractCommitmentFulfillmentInterval", "Full Commitment Period"}},
     "ContractCommitmentModel",
     IS_VALUE,
     "Discontinuous",
     "what is measured over the whole period is Discontinuous"},
    {"ContractCommitmentPaymentInterval-upfront",
     {{"ContractCommitmentPaymentModel", "All Upfront"}},
     "ContractCommitmentPaymentInterval",
     IS_VALUE,
     "One-Time",
     "what is paid upfront is paid once"},
    {"ContractCommitmentPaymentUpfrontPercentage-none",
     {{"ContractCommitmentPaymentModel", "No Upfront"}},
     "ContractCommitmentPaymentUpfrontPercentage",
     IS_VALUE,
     "0",
     "nothing is paid upfront: write 0"},
    {"ContractCommitmentPaymentUpfrontPercentage-all",
     {{"ContractCommitmentPaymentModel", "All Upfront"}},
     "ContractCommitmentPaymentUpfrontPercentage",
     IS_VALUE,
     "1",
     "all is paid upfront: write 1"},
    {"ContractCommitmentDiscountPercentage-null",
     {{"ContractCommitmentBenefitCategory", "Discount"}},
     "ContractCommitmentDiscountPercentage",
     NOT_NULL,
     NULL,
     "say how much the discount is, from 0 to 1"},
    {"ContractCommitmentDiscountPercentage-null",
     {{"ContractCommitmentBenefitCategory", "Availability"}},
     "ContractCommitmentDiscountPercentage",
     IS_NULL,
     NULL,
     "leave the cell empty"},
};

static bool value_is(const char *text, const char *value)
{
    struct focus_decimal a;
    struct focus_decimal b;
    int order;
    if (text == NULL) {
        return false;
    }
    if (focus_decimal_parse(oft_str_from(value), &b) == OFT_OK) {
        return focus_decimal_parse(oft_str_from(text), &a) == OFT_OK &&
               focus_decimal_compare(a, b, &order) == OFT_OK && order == 0;
    }
    return focus_is_allowed(value, text);
}

static bool condition_holds(const struct focus_table *table, size_t row,
                            const struct condition *condition)
{
    const char *text = focus_table_cell(table, row, condition->column);
    if (condition->value[0] == '\0') {
        return text == NULL;
    }
    if (condition->value[0] == '*') {
        return text != NULL;
    }
    return condition->value[0] == '!' ? !value_is(text, condition->value + 1)
                                      : value_is(text, condition->value);
}

static void check_pair(const struct focus_table *table, size_t row, const struct pair_rule *rule,
                       struct focus_findings *findings)
{
    if (focus_table_column(table, rule->column) == SIZE_MAX) {
        return;
    }
    for (size_t i = 0; i < OFT_COUNT_OF(rule->when) && rule->when[i].column != NULL; i++) {
        if (!condition_holds(table, row, &rule->when[i])) {
            return;
        }
    }
    const char *text = focus_table_cell(table, row, rule->column);
    const struct condition *first = &rule->when[0];
    const char *because = first->value[0] == '\0'  ? "is null"
                          : first->value[0] == '*' ? "is not null"
                          : first->value[0] == '!' ? "is something else"
                                                   : "is what it is";
    if (rule->expectation == IS_NULL && text != NULL) {
        focus_find(findings, table->lines[row], rule->column, rule->rule, rule->remedy,
                   "it must be null when %s %s", first->column, because);
    } else if (rule->expectation == NOT_NULL && text == NULL) {
        focus_find(findings, table->lines[row], rule->column, rule->rule, rule->remedy,
                   "it must not be null when %s %s", first->column, because);
    } else if (rule->expectation == IS_VALUE && !value_is(text, rule->value)) {
        focus_find(findings, table->lines[row], rule->column, rule->rule, rule->remedy,
                   "it must be \"%s\" here", rule->value);
    } else if (rule->expectation == IS_NOT_VALUE && value_is(text, rule->value)) {
        focus_find(findings, table->lines[row], rule->column, rule->rule, rule->remedy,
                   "it must not be \"%s\" here", rule->value);
    }
}

void focus_check_pairs(const struct focus_check_input *input, size_t row,
                       struct focus_findings *findings)
{
    bool cost = input->dataset == FOCUS_COST_AND_USAGE;
    const struct pair_rule *rules = cost ? COST_RULES : COMMITMENT_RULES;
    size_t count = cost ? OFT_COUNT_OF(COST_RULES) : OFT_COUNT_OF(COMMITMENT_RULES);
    for (size_t i = 0; i < count; i++) {
        check_pair(&input->table, row, &rules[i], findings);
    }
}
