/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of a dataset over a file, row by row. The names of rules are those of the public
 * requirements model (CostAndUsage 1.2), so that a finding can be looked up there; "offtake-..." are
 * rules of the text that the model has no check for.
 */
#include <stdio.h>
#include <string.h>

#include "focus/internal.h"

enum { FINDINGS_MAX = 10000, FINDINGS_FIRST = 64 };

void focus_find(struct focus_findings *findings, size_t line, const char *column, const char *rule,
                const char *remedy, const char *format, ...)
{
    char text[512];
    va_list arguments;
    if (findings->count == FINDINGS_MAX) {
        findings->dropped++;
        return;
    }
    if (findings->count == findings->capacity) {
        size_t capacity = findings->capacity == 0 ? FINDINGS_FIRST : findings->capacity * 2;
        struct focus_finding *items =
            oft_arena_alloc_array(findings->arena, capacity, sizeof(*items));
        if (items == NULL) {
            findings->dropped++;
            return;
        }
        if (findings->count > 0) {
            memcpy(items, findings->items, findings->count * sizeof(*items));
        }
        findings->items = items;
        findings->capacity = capacity;
    }
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    struct focus_finding *item = &findings->items[findings->count];
    item->line = line;
    item->column = column;
    item->rule = oft_arena_copy(findings->arena, oft_str_from(rule));
    item->message = oft_arena_copy(findings->arena, oft_str_from(text));
    item->remedy = remedy;
    if (item->rule == NULL || item->message == NULL) {
        findings->dropped++;
        return;
    }
    findings->count++;
}

/* ---- types ------------------------------------------------------------------------------------ */

static bool is_date_time(const char *text)
{
    oft_instant ignored;
    return strlen(text) == 20 && text[10] == 'T' && text[19] == 'Z' &&
           oft_instant_parse(oft_str_from(text), &ignored) == OFT_OK;
}

static bool is_utf8(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0';) {
        unsigned more = *at < 0x80                   ? 0
                        : *at >= 0xc2 && *at < 0xe0  ? 1
                        : *at >= 0xe0 && *at < 0xf0  ? 2
                        : *at >= 0xf0 && *at <= 0xf4 ? 3
                                                     : 9;
        if (more == 9) {
            return false;
        }
        for (at++; more > 0; more--, at++) {
            if ((*at & 0xc0) != 0x80) {
                return false;
            }
        }
    }
    return true;
}

bool focus_is_allowed(const char *allowed, const char *text)
{
    size_t length = strlen(text);
    for (const char *at = allowed; *at != '\0';) {
        size_t word = strcspn(at, "|");
        if (word == length && memcmp(at, text, word) == 0) {
            return true;
        }
        at += word + (at[word] == '|');
    }
    return false;
}

static void check_type(struct focus_findings *findings, const struct focus_column *column,
                       size_t line, const char *text)
{
    struct focus_decimal number;
    char rule[96];
    enum oft_err err = OFT_OK;
    if (!is_utf8(text)) {
        focus_find(findings, line, column->name, "StringHandling-A-001-M",
                   "write the file as UTF-8", "the bytes are no UTF-8");
    }
    if (strcmp(text, "NULL") == 0 || strcmp(text, "null") == 0 || strcmp(text, "N/A") == 0) {
        focus_find(findings, line, column->name, "NullHandling-A-001-M", "leave the cell empty",
                   "\"%s\" stands for null", text);
    }
    (void)snprintf(rule, sizeof(rule), "%s-type", column->name);
    if (column->type == 'n') {
        err = focus_decimal_parse(oft_str_from(text), &number);
    }
    if (column->type == 'n' && err != OFT_OK) {
        focus_find(findings, line, column->name, rule,
                   "write a plain decimal: digits, one point, a minus where it is negative",
                   "\"%.60s\" is no number%s", text,
                   err == OFT_ERR_RANGE ? " of a size that can be kept exactly" : "");
    } else if (column->type == 't' && !is_date_time(text)) {
        focus_find(findings, line, column->name, rule, "write it in UTC, as 2026-04-01T00:00:00Z",
                   "\"%.60s\" is no instant of FOCUS", text);
    } else if (column->type == 'j' && text[0] != '{') {
        focus_find(findings, line, column->name, rule, "write a JSON object", "this is no object");
    }
    if (column->allowed != NULL && !focus_is_allowed(column->allowed, text)) {
        (void)snprintf(rule, sizeof(rule), "%s-allowed-values", column->name);
        focus_find(findings, line, column->name, rule, column->allowed,
                   "\"%.60s\" is none of the allowed values", text);
    }
    bool currency = strcmp(column->name, "BillingCurrency") == 0;
    if (currency && (strlen(text) != 3 || strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)) {
        focus_find(findings, line, column->name, "BillingCurrency-C-003-M",
                   "write the code of ISO 4217, as USD", "\"%.60s\" is no currency code", text);
    }
}

/* ---- columns ---------------------------------------------------------------------------------- */

static const struct focus_column *column_of(const struct focus_check_input *input, const char *name)
{
    size_t count;
    const struct focus_column *columns = focus_columns(input->dataset, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(columns[i].name, name) == 0 && input->version >= columns[i].from &&
            input->version < columns[i].until) {
            return &columns[i];
        }
    }
    return NULL;
}

static bool is_own_name(const char *name)
{
    return strncmp(name, "x_", 2) == 0 && name[2] >= 'A' && name[2] <= 'Z' &&
           strspn(name + 2, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") ==
               strlen(name + 2);
}

static void check_columns(const struct focus_check_input *input, struct focus_findings *findings)
{
    size_t count;
    const struct focus_column *columns = focus_columns(input->dataset, &count);
    for (size_t i = 0; i < count; i++) {
        bool in_version = input->version >= columns[i].from && input->version < columns[i].until;
        if (in_version && columns[i].need == 'm' &&
            focus_table_column(&input->table, columns[i].name) == SIZE_MAX) {
            focus_find(findings, 0, columns[i].name, "ColumnPresent", "add the column",
                       "the column is missing, and this version has it always");
        }
    }
    for (size_t i = 0; i < input->table.column_count; i++) {
        const char *name = input->table.header[i];
        if (column_of(input, name) == NULL && !is_own_name(name)) {
            focus_find(findings, 0, name, "ColumnHandling-A-001-M",
                       "a column of your own begins with x_ and a capital, as x_Clause",
                       "this version has no such column");
        }
    }
}

/* ---- rules of amounts and periods ------------------------------------------------------------- */

static bool number_at(const struct focus_table *table, size_t row, const char *name,
                      struct focus_decimal *ret)
{
    const char *text = focus_table_cell(table, row, name);
    return text != NULL && focus_decimal_parse(oft_str_from(text), ret) == OFT_OK;
}

/* Price times quantity is the cost, to the last decimal. */
static void check_product(const struct focus_table *table, size_t row, const char *price_name,
                          const char *cost_name, const char *rule, struct focus_findings *findings)
{
    struct focus_decimal price;
    struct focus_decimal quantity;
    struct focus_decimal cost;
    struct focus_decimal product;
    char digits[FOCUS_DECIMAL_TEXT_BYTES];
    int order = 0;
    const char *class = focus_table_cell(table, row, "ChargeClass");
    if (class != NULL || !number_at(table, row, price_name, &price) ||
        !number_at(table, row, "PricingQuantity", &quantity) ||
        !number_at(table, row, cost_name, &cost)) {
        return;
    }
    if (price.value < 0) {
        focus_find(findings, table->lines[row], price_name, "UnitPrice-not-negative",
                   "a credit is a negative cost or quantity, not a negative price",
                   "a unit price is not negative");
    }
    if (focus_decimal_mul(price, quantity, &product) != OFT_OK ||
        focus_decimal_compare(product, cost, &order) != OFT_OK) {
        focus_find(findings, table->lines[row], cost_name, rule, "write fewer decimals",
                   "price times quantity has more digits than can be kept exactly");
    } else if (order != 0) {
        focus_find(findings, table->lines[row], cost_name, rule,
                   "mend the price, the quantity or the cost; or it is a Correction",
                   "%s times PricingQuantity is %s", price_name,
                   focus_decimal_format(product, digits));
    }
}

/* A cost without a unit price that stands for itself is what was billed. */
static void check_unpriced(const struct focus_table *table, size_t row, const char *price_name,
                           const char *cost_name, const char *rule, struct focus_findings *findings)
{
    struct focus_decimal billed;
    struct focus_decimal cost;
    int order = 0;
    const char *category = focus_table_cell(table, row, "ChargeCategory");
    if (category == NULL || strcmp(category, "Credit") != 0 ||
        (price_name != NULL && focus_table_cell(table, row, price_name) != NULL) ||
        !number_at(table, row, "BilledCost", &billed) || !number_at(table, row, cost_name, &cost)) {
        return;
    }
    if (focus_decimal_compare(billed, cost, &order) != OFT_OK || order != 0) {
        focus_find(findings, table->lines[row], cost_name, rule, "write what was billed",
                   "a credit without a unit price is what was billed");
    }
}

static void check_period(const struct focus_table *table, size_t row, const char *from_name,
                         const char *until_name, struct focus_findings *findings)
{
    oft_instant from;
    oft_instant until;
    const char *from_text = focus_table_cell(table, row, from_name);
    const char *until_text = focus_table_cell(table, row, until_name);
    if (from_text == NULL || until_text == NULL ||
        oft_instant_parse(oft_str_from(from_text), &from) != OFT_OK ||
        oft_instant_parse(oft_str_from(until_text), &until) != OFT_OK) {
        return;
    }
    if (from >= until) {
        focus_find(findings, table->lines[row], until_name, "Period-half-open",
                   "a period holds its start and not its end: the end comes later",
                   "the period ends before it begins, or is empty");
    }
}

static void check_cost_row(const struct focus_table *table, size_t row,
                           struct focus_findings *findings)
{
    check_product(table, row, "ContractedUnitPrice", "ContractedCost", "ContractedCost-C-009-C",
                  findings);
    check_product(table, row, "ListUnitPrice", "ListCost", "ListCost-C-009-C", findings);
    check_unpriced(table, row, "ContractedUnitPrice", "ContractedCost", "ContractedCost-C-008-C",
                   findings);
    check_unpriced(table, row, "ListUnitPrice", "ListCost", "ListCost-C-008-C", findings);
    check_unpriced(table, row, NULL, "EffectiveCost", "EffectiveCost-C-010-C", findings);
    check_period(table, row, "BillingPeriodStart", "BillingPeriodEnd", findings);
    check_period(table, row, "ChargePeriodStart", "ChargePeriodEnd", findings);
}

static void check_commitment_row(const struct focus_table *table, size_t row,
                                 struct focus_findings *findings)
{
    static const char *const shares[] = {"ContractCommitmentPaymentUpfrontPercentage",
                                         "ContractCommitmentDiscountPercentage"};
    for (size_t i = 0; i < OFT_COUNT_OF(shares); i++) {
        struct focus_decimal share;
        int order = 0;
        if (number_at(table, row, shares[i], &share) &&
            (share.value < 0 ||
             focus_decimal_compare(share, (struct focus_decimal){1, 0}, &order) != OFT_OK ||
             order > 0)) {
            focus_find(findings, table->lines[row], shares[i], "Percentage-range",
                       "write a part of one, from 0 to 1", "this is not from 0 to 1");
        }
    }
    check_period(table, row, "ContractPeriodStart", "ContractPeriodEnd", findings);
    check_period(table, row, "ContractCommitmentPeriodStart", "ContractCommitmentPeriodEnd",
                 findings);
}

/* ---- all -------------------------------------------------------------------------------------- */

static void check_cells(const struct focus_check_input *input, size_t row,
                        struct focus_findings *findings)
{
    const struct focus_table *table = &input->table;
    for (size_t i = 0; i < table->column_count; i++) {
        const struct focus_column *column = column_of(input, table->header[i]);
        const char *text = table->cells[row * table->column_count + i];
        char rule[96];
        if (column == NULL) {
            continue;
        }
        if (text != NULL && text[0] != '\0') {
            check_type(findings, column, table->lines[row], text);
        } else if (text != NULL) {
            focus_find(findings, table->lines[row], column->name, "NullHandling-A-001-M",
                       "leave the cell empty, without quotes", "an empty text stands for null");
        } else if (!column->nullable) {
            (void)snprintf(rule, sizeof(rule), "%s-not-null", column->name);
            focus_find(findings, table->lines[row], column->name, rule, "fill the cell",
                       "it must not be null");
        }
    }
}

enum oft_err focus_check(const struct focus_check_input *input, struct oft_arena *arena,
                         struct focus_findings *ret, struct oft_error *reterr)
{
    struct focus_findings findings = {.arena = arena};
    if (!focus_version_known(input->dataset, input->version)) {
        return oft_fail(reterr, OFT_ERR_VERSION,
                        "this dataset is checked in version %s; a file of 1.%u can be reconciled",
                        input->dataset == FOCUS_COST_AND_USAGE ? "1.2 and 1.4" : "1.3 and 1.4",
                        input->version - 10);
    }
    check_columns(input, &findings);
    for (size_t row = 0; row < input->table.row_count; row++) {
        check_cells(input, row, &findings);
        focus_check_pairs(input, row, &findings);
        if (input->dataset == FOCUS_COST_AND_USAGE) {
            check_cost_row(&input->table, row, &findings);
        } else {
            check_commitment_row(&input->table, row, &findings);
        }
    }
    enum oft_err err = focus_check_sums(input, &findings);
    if (err != OFT_OK) {
        return oft_fail(reterr, err, "cannot add the file up: %s", oft_err_text(err));
    }
    *ret = findings;
    return OFT_OK;
}
