/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules that hold between rows: what a name may go with, and what adds up to what.
 */
#include <string.h>

#include "focus/internal.h"

/* ---- one of these has one of those ------------------------------------------------------------ */

/* The first row with the same value in COLUMN tells which other value is right. */
static void check_parent(const struct focus_table *table, const char *child, const char *parent,
                         const char *rule, struct focus_findings *findings)
{
    for (size_t row = 0; row < table->row_count; row++) {
        const char *name = focus_table_cell(table, row, child);
        const char *its = focus_table_cell(table, row, parent);
        for (size_t i = 0; name != NULL && i < row; i++) {
            const char *other = focus_table_cell(table, i, child);
            const char *others = focus_table_cell(table, i, parent);
            if (other == NULL || strcmp(other, name) != 0) {
                continue;
            }
            if (its != NULL && others != NULL && strcmp(its, others) != 0) {
                focus_find(findings, table->lines[row], child, rule,
                           "give it one and the same in all rows",
                           "\"%.60s\" has %s \"%.60s\" here and \"%.60s\" in line %zu", name,
                           parent, its, others, table->lines[i]);
            }
            break;
        }
    }
}

static const struct {
    const char *category, *subcategories;
} SERVICES[] = {
    {"AI and Machine Learning", "AI Platforms|Bots|Generative AI|Machine Learning|Natural Language "
                                "Processing|Other (AI and Machine Learning)"},
    {"Analytics", "Analytics Platforms|Business Intelligence|Data Processing|Search|Streaming "
                  "Analytics|Other (Analytics)"},
    {"Business Applications", "Productivity and Collaboration|Other (Business Applications)"},
    {"Compute", "Containers|End User Computing|Quantum Compute|Serverless Compute|Virtual "
                "Machines|Other (Compute)"},
    {"Databases", "Caching|Data Warehouses|Ledger Databases|NoSQL Databases|Relational "
                  "Databases|Time Series Databases|Other (Databases)"},
    {"Developer Tools", "Developer Platforms|Continuous Integration and Deployment|Development "
                        "Environments|Source Code Management|Quality Assurance|Other (Developer "
                        "Tools)"},
    {"Identity", "Identity and Access Management|Other (Identity)"},
    {"Integration", "API Management|Messaging|Workflow Orchestration|Other (Integration)"},
    {"Internet of Things", "IoT Analytics|IoT Platforms|Other (Internet of Things)"},
    {"Management and Governance",
     "Architecture|Compliance|Cost Management|Data Governance|Disaster "
     "Recovery|Endpoint Management|Observability|Support|Other "
     "(Management and Governance)"},
    {"Media", "Content Creation|Gaming|Media Streaming|Mixed Reality|Other (Media)"},
    {"Migration", "Data Migration|Resource Migration|Other (Migration)"},
    {"Mobile", "Other (Mobile)"},
    {"Multicloud", "Multicloud Integration|Other (Multicloud)"},
    {"Networking", "Application Networking|Content Delivery|Network Connectivity|Network "
                   "Infrastructure|Network Routing|Network Security|Other (Networking)"},
    {"Other", "Other (Other)"},
    {"Security", "Secret Management|Security Posture Management|Threat Detection and "
                 "Response|Other (Security)"},
    {"Storage", "Backup Storage|Block Storage|File Storage|Object Storage|Storage "
                "Platforms|Other (Storage)"},
    {"Web", "Application Platforms|Other (Web)"},
};

static void check_services(const struct focus_table *table, struct focus_findings *findings)
{
    for (size_t row = 0; row < table->row_count; row++) {
        const char *category = focus_table_cell(table, row, "ServiceCategory");
        const char *subcategory = focus_table_cell(table, row, "ServiceSubcategory");
        for (size_t i = 0; category != NULL && subcategory != NULL && i < OFT_COUNT_OF(SERVICES);
             i++) {
            if (strcmp(SERVICES[i].category, category) == 0 &&
                !focus_is_allowed(SERVICES[i].subcategories, subcategory)) {
                focus_find(findings, table->lines[row], "ServiceSubcategory",
                           "ServiceSubcategory-C-004-M", SERVICES[i].subcategories,
                           "\"%.60s\" is no part of \"%s\"", subcategory, category);
            }
        }
    }
}

/* ---- sums ------------------------------------------------------------------------------------- */

/* Adds COLUMN over the rows where these columns have these values (NULL: any). */
struct sum {
    const struct focus_table *table;
    const char *column;
    const char *names[3], *values[3];
    size_t rows; /* that went in */
    struct focus_decimal total;
};

static enum oft_err add_up(struct sum *sum)
{
    for (size_t row = 0; row < sum->table->row_count; row++) {
        bool wanted = true;
        for (size_t i = 0; i < OFT_COUNT_OF(sum->names) && sum->names[i] != NULL; i++) {
            const char *text = focus_table_cell(sum->table, row, sum->names[i]);
            wanted = wanted && text != NULL && strcmp(text, sum->values[i]) == 0;
        }
        const char *text = focus_table_cell(sum->table, row, sum->column);
        struct focus_decimal number;
        if (!wanted || text == NULL || focus_decimal_parse(oft_str_from(text), &number) != OFT_OK) {
            continue; /* what is no number was found before */
        }
        sum->rows++;
        enum oft_err err = focus_decimal_add(sum->total, number, &sum->total);
        if (err != OFT_OK) {
            return err;
        }
    }
    return OFT_OK;
}

static enum oft_err differ(struct focus_decimal a, struct focus_decimal b, bool *ret)
{
    int order = 0;
    enum oft_err err = focus_decimal_compare(a, b, &order);
    *ret = order != 0;
    return err;
}

/* Of one commitment that was bought in this file: what was used and what was not is the whole. */
static enum oft_err check_commitment(const struct focus_table *table, const char *id, size_t line,
                                     struct focus_findings *findings)
{
    static const char by_id[] = "CommitmentDiscountId";
    static const char category[] = "ChargeCategory";
    struct sum sums[] = {
        {.table = table,
         .column = "EffectiveCost",
         .names = {by_id, category},
         .values = {id, "Usage"}},
        {.table = table,
         .column = "BilledCost",
         .names = {by_id, category},
         .values = {id, "Purchase"}},
        {.table = table,
         .column = "CommitmentDiscountQuantity",
         .names = {by_id, category},
         .values = {id, "Usage"}},
        {.table = table,
         .column = "CommitmentDiscountQuantity",
         .names = {by_id, category},
         .values = {id, "Purchase"}},
    };
    bool costs_differ = false;
    bool quantities_differ = false;
    char one[FOCUS_DECIMAL_TEXT_BYTES];
    char other[FOCUS_DECIMAL_TEXT_BYTES];
    enum oft_err err = OFT_OK;
    for (size_t i = 0; i < OFT_COUNT_OF(sums) && err == OFT_OK; i++) {
        err = add_up(&sums[i]);
    }
    if (err == OFT_OK) {
        err = differ(sums[0].total, sums[1].total, &costs_differ);
    }
    if (err == OFT_OK) {
        err = differ(sums[2].total, sums[3].total, &quantities_differ);
    }
    if (err == OFT_OK && costs_differ) {
        focus_find(findings, line, "EffectiveCost", "EffectiveCost-C-012-C",
                   "write a row for the unused part, too",
                   "of \"%.60s\" use has %s and the purchase was billed %s", id,
                   focus_decimal_format(sums[0].total, one),
                   focus_decimal_format(sums[1].total, other));
    }
    if (err == OFT_OK && sums[3].rows > 0 && quantities_differ) {
        focus_find(findings, line, "CommitmentDiscountQuantity", "offtake-used-and-unused",
                   "used and unused together are what was bought: write a row for the unused part",
                   "of \"%.60s\" %s were used or unused and %s were bought", id,
                   focus_decimal_format(sums[2].total, one),
                   focus_decimal_format(sums[3].total, other));
    }
    return err;
}

static enum oft_err check_commitments(const struct focus_table *table,
                                      struct focus_findings *findings)
{
    for (size_t row = 0; row < table->row_count; row++) {
        const char *id = focus_table_cell(table, row, "CommitmentDiscountId");
        bool first = id != NULL;
        for (size_t i = 0; first && i < row; i++) {
            const char *other = focus_table_cell(table, i, "CommitmentDiscountId");
            first = other == NULL || strcmp(other, id) != 0;
        }
        enum oft_err err =
            first ? check_commitment(table, id, table->lines[row], findings) : OFT_OK;
        if (err != OFT_OK) {
            return err;
        }
    }
    return OFT_OK;
}

static enum oft_err check_invoice(const struct focus_table *table,
                                  const struct focus_invoice *invoice,
                                  struct focus_findings *findings)
{
    struct sum sum = {
        .table = table, .column = "BilledCost", .names = {"InvoiceId"}, .values = {invoice->id}};
    bool wrong = false;
    char one[FOCUS_DECIMAL_TEXT_BYTES];
    char other[FOCUS_DECIMAL_TEXT_BYTES];
    enum oft_err err = add_up(&sum);
    if (err == OFT_OK) {
        err = differ(sum.total, invoice->payable, &wrong);
    }
    if (err == OFT_OK && wrong) {
        focus_find(findings, 0, "BilledCost", "BilledCost-C-007-M",
                   "find the charge that is missing, doubled or on another invoice",
                   "invoice %.60s is to be paid with %s and its %zu rows come to %s", invoice->id,
                   focus_decimal_format(invoice->payable, one), sum.rows,
                   focus_decimal_format(sum.total, other));
    }
    return err;
}

/* Our own rows say what of a commitment was used: with what was not it is the whole. */
static enum oft_err check_parts(const struct focus_table *table, struct focus_findings *findings)
{
    static const char *const names[] = {"ContractCommitmentCost", "x_UsedCost", "x_UnusedCost"};
    for (size_t row = 0; row < table->row_count; row++) {
        struct focus_decimal numbers[3];
        struct focus_decimal sum;
        bool wrong = false;
        bool whole = true;
        for (size_t i = 0; i < OFT_COUNT_OF(names); i++) {
            const char *text = focus_table_cell(table, row, names[i]);
            whole = whole && text != NULL &&
                    focus_decimal_parse(oft_str_from(text), &numbers[i]) == OFT_OK;
        }
        if (!whole) {
            continue;
        }
        enum oft_err err = focus_decimal_add(numbers[1], numbers[2], &sum);
        if (err == OFT_OK) {
            err = differ(sum, numbers[0], &wrong);
        }
        if (err != OFT_OK) {
            return err;
        }
        if (wrong) {
            focus_find(findings, table->lines[row], "x_UnusedCost", "offtake-used-and-unused",
                       "what is not used is the cost less what is used",
                       "used and unused together are not the cost of the commitment");
        }
    }
    return OFT_OK;
}

enum oft_err focus_check_sums(const struct focus_check_input *input,
                              struct focus_findings *findings)
{
    const struct focus_table *table = &input->table;
    if (input->dataset == FOCUS_CONTRACT_COMMITMENT) {
        check_parent(table, "ContractCommitmentId", "ContractId",
                     "ContractCommitmentId-one-contract", findings);
        return check_parts(table, findings);
    }
    check_parent(table, "SkuPriceId", "SkuId", "SkuPriceId-C-008-M", findings);
    check_parent(table, "ServiceName", "ServiceCategory", "ServiceName-C-005-C", findings);
    check_parent(table, "InvoiceId", "BillingCurrency", "InvoiceId-one-currency", findings);
    check_services(table, findings);
    enum oft_err err = check_commitments(table, findings);
    for (size_t i = 0; i < input->invoice_count && err == OFT_OK; i++) {
        err = check_invoice(table, &input->invoices[i], findings);
    }
    return err;
}
