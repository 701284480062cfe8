/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The columns of the specification that we write or check, by dataset and version. Source:
 * https://focus.finops.org/focus-specification/ 1.2, 1.3 and 1.4, the tables "Columns" and each column's
 * "Content Constraints". A column of another provider that stands in no table here must begin with x_.
 */
#include <string.h>

#include "focus/internal.h"

#define ALWAYS 10
#define ON     99

#define CATEGORIES                                                                         \
    "AI and Machine Learning|Analytics|Business Applications|Compute|Databases|Developer " \
    "Tools|Multicloud|Identity|Integration|Internet of Things|Management and Governance|"  \
    "Media|Migration|Mobile|Networking|Security|Storage|Web|Other"
#define LIFECYCLE "Proposed|Pending|Active|Exhausted|Expired|Canceled|Superseded"
#define FULFILLMENT                                                             \
    "Hourly|Daily|Weekly|Monthly|Quarterly|Semi-Annual|Annual|Full Commitment " \
    "Period|Transactional|Custom"

static const struct focus_column COST_AND_USAGE[] = {
    {"AvailabilityZone", 's', 'o', true, false, ALWAYS, ON, NULL},
    {"BilledCost", 'n', 'm', false, true, ALWAYS, ON, NULL},
    {"BillingAccountId", 's', 'm', false, true, ALWAYS, ON, NULL},
    {"BillingAccountName", 's', 'm', true, true, ALWAYS, ON, NULL},
    {"BillingAccountType", 's', 'c', true, true, 12, ON, NULL},
    {"BillingCurrency", 's', 'm', false, true, ALWAYS, ON, NULL},
    {"BillingPeriodEnd", 't', 'm', false, true, ALWAYS, ON, NULL},
    {"BillingPeriodStart", 't', 'm', false, true, ALWAYS, ON, NULL},
    {"CapacityReservationId", 's', 'c', true, true, 11, ON, NULL},
    {"CapacityReservationStatus", 's', 'c', true, true, 11, ON, "Used|Unused"},
    {"ChargeCategory", 's', 'm', false, true, ALWAYS, ON, "Usage|Purchase|Tax|Credit|Adjustment"},
    {"ChargeClass", 's', 'm', true, true, ALWAYS, ON, "Correction"},
    {"ChargeDescription", 's', 'm', true, true, ALWAYS, ON, NULL},
    {"ChargeFrequency", 's', 'o', false, true, ALWAYS, ON, "One-Time|Recurring|Usage-Based"},
    {"ChargePeriodEnd", 't', 'm', false, true, ALWAYS, ON, NULL},
    {"ChargePeriodStart", 't', 'm', false, true, ALWAYS, ON, NULL},
    {"CommitmentDiscountCategory", 's', 'c', true, true, ALWAYS, ON, "Spend|Usage"},
    {"CommitmentDiscountId", 's', 'c', true, true, ALWAYS, ON, NULL},
    {"CommitmentDiscountName", 's', 'c', true, true, ALWAYS, ON, NULL},
    {"CommitmentDiscountQuantity", 'n', 'c', true, true, 11, ON, NULL},
    {"CommitmentDiscountStatus", 's', 'c', true, true, ALWAYS, ON, "Used|Unused"},
    {"CommitmentDiscountType", 's', 'c', true, true, ALWAYS, ON, NULL},
    {"CommitmentDiscountUnit", 's', 'c', true, true, 11, ON, NULL},
    {"CommitmentProgramEligibilityDetails", 'j', 'c', true, false, 14, ON, NULL},
    {"ConsumedQuantity", 'n', 'c', true, true, ALWAYS, ON, NULL},
    {"ConsumedUnit", 's', 'c', true, true, ALWAYS, ON, NULL},
    {"ContractApplied", 'j', 'c', true, true, 13, ON, NULL},
    {"ContractedCost", 'n', 'm', false, true, ALWAYS, ON, NULL},
    {"ContractedUnitPrice", 'n', 'c', true, true, ALWAYS, ON, NULL},
    {"EffectiveCost", 'n', 'm', false, true, ALWAYS, ON, NULL},
    {"HostProviderName", 's', 'm', false, true, 13, ON, NULL},
    {"InvoiceDetailId", 's', 'c', true, false, 14, ON, NULL},
    {"InvoiceId", 's', 'o', true, true, 12, ON, NULL},
    {"InvoiceIssuerName", 's', 'm', false, true, ALWAYS, ON, NULL},
    {"ListCost", 'n', 'm', false, true, ALWAYS, ON, NULL},
    {"ListUnitPrice", 'n', 'c', true, true, ALWAYS, ON, NULL},
    {"PricingCategory", 's', 'c', true, true, ALWAYS, ON, "Standard|Dynamic|Committed|Other"},
    {"PricingCurrency", 's', 'c', true, false, 12, ON, NULL},
    {"PricingCurrencyContractedUnitPrice", 'n', 'c', true, false, 12, ON, NULL},
    {"PricingCurrencyEffectiveCost", 'n', 'c', true, false, 12, ON, NULL},
    {"PricingCurrencyListUnitPrice", 'n', 'c', true, false, 12, ON, NULL},
    {"PricingQuantity", 'n', 'm', true, true, ALWAYS, ON, NULL},
    {"PricingUnit", 's', 'm', true, true, ALWAYS, ON, NULL},
    {"ProviderName", 's', 'm', false, true, ALWAYS, 14, NULL},
    {"PublisherName", 's', 'm', false, true, ALWAYS, 14, NULL},
    {"RegionId", 's', 'c', true, true, ALWAYS, ON, NULL},
    {"RegionName", 's', 'c', true, true, ALWAYS, ON, NULL},
    {"ResourceId", 's', 'c', true, true, ALWAYS, ON, NULL},
    {"ResourceName", 's', 'c', true, true, ALWAYS, ON, NULL},
    {"ResourceType", 's', 'c', true, true, ALWAYS, ON, NULL},
    {"ServiceCategory", 's', 'm', false, true, ALWAYS, ON, CATEGORIES},
    {"ServiceName", 's', 'm', false, true, ALWAYS, ON, NULL},
    {"ServiceProviderName", 's', 'm', false, true, 13, ON, NULL},
    {"ServiceSubcategory", 's', 'o', false, true, 11, ON, NULL},
    {"SkuId", 's', 'c', true, true, ALWAYS, ON, NULL},
    {"SkuMeter", 's', 'c', true, true, 11, ON, NULL},
    {"SkuPriceDetails", 'j', 'c', true, true, 11, ON, NULL},
    {"SkuPriceId", 's', 'c', true, true, ALWAYS, ON, NULL},
    {"SubAccountId", 's', 'c', true, false, ALWAYS, ON, NULL},
    {"SubAccountName", 's', 'c', true, false, ALWAYS, ON, NULL},
    {"SubAccountType", 's', 'c', true, false, 12, ON, NULL},
    {"Tags", 'j', 'c', true, false, ALWAYS, ON, NULL},
    {"AllocatedMethodDetails", 'j', 'c', true, false, 13, ON, NULL},
    {"AllocatedMethodId", 's', 'c', true, false, 13, ON, NULL},
    {"AllocatedResourceId", 's', 'c', true, false, 13, ON, NULL},
    {"AllocatedResourceName", 's', 'c', true, false, 13, ON, NULL},
    {"AllocatedTags", 'j', 'c', true, false, 13, ON, NULL},
};

static const char *const COST_AND_USAGE_OWN[] = {
    "x_Clause",           "x_CorrectionStyle", "x_Deal", "x_EstimatedQuantity", "x_JournalHash",
    "x_JournalNumber",    "x_Model",           "x_Pool", "x_Rehearsal",         "x_RevenueShare",
    "x_RevenueShareBase", "x_UnitClass"};

static const struct focus_column CONTRACT_COMMITMENT[] = {
    {"BillingCurrency", 's', 'm', true, true, 13, ON, NULL},
    {"ContractCommitmentApplicability", 'j', 'm', false, true, 14, ON, NULL},
    {"ContractCommitmentBenefitCategory", 's', 'm', false, true, 14, ON,
     "Discount|Entitlement|Availability|Other"},
    {"ContractCommitmentCategory", 's', 'm', false, true, 13, ON, "Spend|Usage"},
    {"ContractCommitmentCost", 'n', 'm', true, true, 13, ON, NULL},
    {"ContractCommitmentCreated", 't', 'm', false, true, 14, ON, NULL},
    {"ContractCommitmentDescription", 's', 'm', true, true, 13, ON, NULL},
    {"ContractCommitmentDiscountPercentage", 'n', 'm', true, true, 14, ON, NULL},
    {"ContractCommitmentDurationType", 's', 'm', false, true, 14, ON, NULL},
    {"ContractCommitmentFulfillmentInterval", 's', 'm', false, true, 14, ON, FULFILLMENT},
    {"ContractCommitmentId", 's', 'm', false, true, 13, ON, NULL},
    {"ContractCommitmentLastUpdated", 't', 'm', false, true, 14, ON, NULL},
    {"ContractCommitmentLifecycleStatus", 's', 'm', false, true, 14, ON, LIFECYCLE},
    {"ContractCommitmentModel", 's', 'm', false, true, 14, ON, "Continuous|Discontinuous"},
    {"ContractCommitmentOfferCategory", 's', 'm', false, true, 14, ON, "Public|Negotiated"},
    {"ContractCommitmentPaymentInterval", 's', 'm', false, true, 14, ON,
     "One-Time|Monthly|Quarterly|Semi-Annual|Annual|Custom"},
    {"ContractCommitmentPaymentModel", 's', 'm', false, true, 14, ON,
     "No Upfront|Partial Upfront|All Upfront"},
    {"ContractCommitmentPaymentUpfrontPercentage", 'n', 'c', false, true, 14, ON, NULL},
    {"ContractCommitmentPeriodEnd", 't', 'm', false, true, 13, ON, NULL},
    {"ContractCommitmentPeriodStart", 't', 'm', false, true, 13, ON, NULL},
    {"ContractCommitmentQuantity", 'n', 'm', true, true, 13, ON, NULL},
    {"ContractCommitmentType", 's', 'm', false, true, 13, ON, NULL},
    {"ContractCommitmentUnit", 's', 'm', true, true, 13, ON, NULL},
    {"ContractId", 's', 'm', false, true, 13, ON, NULL},
    {"ContractPeriodEnd", 't', 'm', false, true, 13, ON, NULL},
    {"ContractPeriodStart", 't', 'm', false, true, 13, ON, NULL},
    {"InvoiceIssuerName", 's', 'm', false, true, 14, ON, NULL},
    {"PricingCurrency", 's', 'c', false, false, 14, ON, NULL},
    {"PricingCurrencyContractCommitmentCost", 'n', 'c', true, false, 14, ON, NULL},
    {"ServiceProviderName", 's', 'm', false, true, 14, ON, NULL},
};

static const char *const CONTRACT_COMMITMENT_OWN[] = {
    "x_Clause",    "x_Deal",       "x_JournalHash", "x_JournalNumber",
    "x_Rehearsal", "x_UnusedCost", "x_UsedCost"};

const struct focus_column *focus_columns(enum focus_dataset dataset, size_t *ret_count)
{
    bool cost = dataset == FOCUS_COST_AND_USAGE;
    *ret_count = cost ? OFT_COUNT_OF(COST_AND_USAGE) : OFT_COUNT_OF(CONTRACT_COMMITMENT);
    return cost ? COST_AND_USAGE : CONTRACT_COMMITMENT;
}

const char *const *focus_own_columns(enum focus_dataset dataset, size_t *ret_count)
{
    bool cost = dataset == FOCUS_COST_AND_USAGE;
    *ret_count = cost ? OFT_COUNT_OF(COST_AND_USAGE_OWN) : OFT_COUNT_OF(CONTRACT_COMMITMENT_OWN);
    return cost ? COST_AND_USAGE_OWN : CONTRACT_COMMITMENT_OWN;
}

enum oft_err focus_dataset_parse(const char *text, enum focus_dataset *ret)
{
    if (strcmp(text, "cost-and-usage") == 0) {
        *ret = FOCUS_COST_AND_USAGE;
        return OFT_OK;
    }
    *ret = FOCUS_CONTRACT_COMMITMENT;
    return strcmp(text, "contract-commitment") == 0 ? OFT_OK : OFT_ERR_NOT_FOUND;
}

enum oft_err focus_version_parse(const char *text, focus_version *ret)
{
    if (strlen(text) != 3 || text[0] != '1' || text[1] != '.' || text[2] < '0' || text[2] > '4') {
        return OFT_ERR_NOT_FOUND;
    }
    *ret = 10 + (focus_version)(text[2] - '0');
    return OFT_OK;
}

bool focus_version_known(enum focus_dataset dataset, focus_version version)
{
    return dataset == FOCUS_COST_AND_USAGE ? version == 12 || version == 14
                                           : version == 13 || version == 14;
}
