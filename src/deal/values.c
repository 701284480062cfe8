/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words to values: dates, money, percentages, counts, durations and ends. Everything is exact; what
 * does not fit is an error that says so, never a rounded number.
 */
#include "deal/build.h"

#define END_DEPTH_MAX 8

bool deal_value_date(struct deal_build *build, const struct deal_node *node, oft_instant *ret)
{
    if (oft_instant_parse(node->text, ret) == OFT_OK) {
        return true;
    }
    if (oft_instant_is_leap_second(node->text)) {
        BUILD_ERROR(build, 20, node, "", "write 23:59:59Z, or the first instant of the next day",
                    "\"%.*s\" is a leap second, and the clocks that we reckon by have none",
                    (int)node->text.length, node->text.data);
        return false;
    }
    BUILD_ERROR(build, 20, node, "", "write YYYY-MM-DD, or YYYY-MM-DDTHH:MM:SSZ",
                "\"%.*s\" is no day of the calendar between 1678 and 2261", (int)node->text.length,
                node->text.data);
    return false;
}

/* "60bn": the decimal before the letters, times what they stand for. */
static bool scaled(struct oft_str text, oft_nanos *ret)
{
    size_t digits = 0;
    while (digits < text.length &&
           ((text.data[digits] >= '0' && text.data[digits] <= '9') || text.data[digits] == '.')) {
        digits++;
    }
    struct oft_str suffix = {text.data + digits, text.length - digits};
    oft_nanos factor = oft_str_is(suffix, "")                               ? 1
                       : oft_str_is(suffix, "k") || oft_str_is(suffix, "K") ? 1000
                       : oft_str_is(suffix, "m") || oft_str_is(suffix, "M") ? 1000000
                       : oft_str_is(suffix, "bn")                           ? 1000000000
                       : oft_str_is(suffix, "tn")                           ? 1000000000000
                                                                            : 0;
    oft_nanos value;
    struct oft_str number = {text.data, digits};
    return factor != 0 && oft_decimal_parse(number, 9, &value) == OFT_OK &&
           oft_nanos_mul(value, factor, ret) == OFT_OK;
}

bool deal_value_money(struct deal_build *build, const struct deal_node *number,
                      const struct deal_node *currency, const char *clause, oft_nanos *ret)
{
    bool known = build->deal->currency != NULL && build->deal->currency[0] != '\0';
    if (known &&
        !oft_str_is(currency->text, build->deal->currency)) { /* a deal without one is told so */
        BUILD_ERROR(build, 22, currency, clause, "a deal is kept in one currency",
                    "this amount is in %.*s, the deal is in %s", (int)currency->text.length,
                    currency->text.data, build->deal->currency);
        return false;
    }
    /* 10^27 nano-units is a billion billions of the currency: products with counts still fit. */
    if (!scaled(number->text, ret) || *ret > OFT_NANOS_PER_UNIT * OFT_NANOS_PER_UNIT * 1000000000) {
        BUILD_ERROR(build, 23, number, clause,
                    "write 2.50, 500k, 20m, 60bn or 1tn, with at most nine decimals",
                    "\"%.*s\" is no exact amount", (int)number->text.length, number->text.data);
        return false;
    }
    return true;
}

bool deal_value_amount(struct deal_build *build, const struct deal_node *amount, const char *clause,
                       oft_nanos *ret)
{
    return deal_value_money(build, amount, deal_node_child(amount, NODE_CURRENCY_NAME), clause,
                            ret);
}

bool deal_value_multiple(struct deal_build *build, const struct deal_node *node, const char *clause,
                         unsigned most_percent, int64_t *ret_ppb)
{
    oft_nanos value;
    struct oft_str number = {node->text.data, node->text.length > 0 ? node->text.length - 1 : 0};
    if (oft_decimal_parse(number, 7, &value) != OFT_OK ||
        value > (oft_nanos)most_percent * (DEAL_RATE_ONE / 100)) {
        BUILD_ERROR(build, 24, node, clause,
                    most_percent == 100 ? "write 0% to 100%, with at most seven decimals"
                                        : "write 0% to 1000%, with at most seven decimals",
                    "\"%.*s\" is no share of a whole", (int)node->text.length, node->text.data);
        return false;
    }
    *ret_ppb = (int64_t)value;
    return true;
}

bool deal_value_class(struct deal_build *build, const struct deal_node *node,
                      enum deal_product_class *ret)
{
    static const char *const words[] = {"inference", "training", "research"};
    for (unsigned i = 0; i < OFT_COUNT_OF(words); i++) {
        if (oft_str_is(node->text, words[i])) {
            *ret = (enum deal_product_class)i;
            return true;
        }
    }
    BUILD_ERROR(build, 16, node, "", "write inference, training or research",
                "\"%.*s\" is no class of products", (int)node->text.length, node->text.data);
    return false;
}

bool deal_value_count(struct deal_build *build, const struct deal_node *node, uint64_t max,
                      uint64_t *ret)
{
    oft_nanos value;
    if (!scaled(node->text, &value) || value % OFT_NANOS_PER_UNIT != 0 ||
        value / OFT_NANOS_PER_UNIT < 1 || value / OFT_NANOS_PER_UNIT > (oft_nanos)max) {
        BUILD_ERROR(build, 27, node, "", "", "\"%.*s\" is no whole number from 1 to %llu",
                    (int)node->text.length, node->text.data, (unsigned long long)max);
        return false;
    }
    *ret = (uint64_t)(value / OFT_NANOS_PER_UNIT);
    return true;
}

bool deal_value_budget(struct deal_build *build, const struct deal_node *node, oft_nanos amount,
                       const char *clause)
{
    if (amount <= 0 || amount > DEAL_BUDGET_NANOS_MAX) {
        BUILD_ERROR(build, 23, node, clause, "write an amount above 0 and up to 9bn",
                    "what may be spent in a day or a month is counted up to 9bn");
        return false;
    }
    return true;
}

bool deal_value_duration_ms(struct deal_build *build, const struct deal_node *node, uint32_t *ret)
{
    struct oft_str text = node->text;
    unsigned scale = 99;
    if (text.length > 2 && text.data[text.length - 2] == 'm' && text.data[text.length - 1] == 's') {
        text.length -= 2;
        scale = 0;
    } else if (text.length > 1 && text.data[text.length - 1] == 's') {
        text.length -= 1;
        scale = 3;
    }
    oft_nanos value = 0;
    if (scale == 99 || oft_decimal_parse(text, scale, &value) != OFT_OK || value < 1 ||
        value > 3600000) {
        BUILD_ERROR(build, 27, node, "", "write 500ms, 2s or 1.5s",
                    "\"%.*s\" is no time from 1ms to 3600s", (int)node->text.length,
                    node->text.data);
        return false;
    }
    *ret = (uint32_t)value;
    return true;
}

static bool end_of(struct deal_build *build, const struct deal_node *node, unsigned depth,
                   struct deal_end *ret)
{
    *ret = (struct deal_end){.kind = DEAL_END_NEVER, .instant = OFT_INSTANT_NEVER};
    if (node->kind == NODE_END_DATE) {
        ret->kind = DEAL_END_DATE;
        return deal_value_date(build, node, &ret->instant);
    }
    if (node->kind == NODE_END_EVENT) {
        ret->kind = DEAL_END_EVENT;
        ret->event = deal_symbols_need(build, SYMBOL_EVENT, node, "");
        return ret->event != DEAL_NONE;
    }
    if (depth >= END_DEPTH_MAX) {
        BUILD_ERROR(build, 1, node, "", "write one flat list", "this is nested too deeply");
        return false;
    }
    uint32_t count = 0;
    for (const struct deal_node *part = node->first; part != NULL; part = part->next) {
        count++;
    }
    struct deal_end *parts = deal_build_array(build, count, sizeof(*parts));
    bool good = parts != NULL;
    for (const struct deal_node *part = node->first; part != NULL && parts != NULL;
         part = part->next) {
        good = end_of(build, part, depth + 1, &parts[ret->part_count++]) && good;
    }
    ret->kind = DEAL_END_EARLIEST;
    ret->parts = parts;
    return good;
}

bool deal_value_end(struct deal_build *build, const struct deal_node *until, struct deal_end *ret)
{
    *ret = (struct deal_end){.kind = DEAL_END_NEVER, .instant = OFT_INSTANT_NEVER};
    if (until == NULL || until->first == NULL) {
        return true;
    }
    struct deal_end end;
    if (!end_of(build, until->first, 0, &end)) {
        return false; /* told; the caller goes on with "never" */
    }
    *ret = end;
    return true;
}

bool deal_end_combine(struct deal_build *build, struct deal_end a, struct deal_end b,
                      struct deal_end *ret)
{
    if (a.kind == DEAL_END_NEVER || b.kind == DEAL_END_NEVER) {
        *ret = a.kind == DEAL_END_NEVER ? b : a;
        return true;
    }
    if (a.kind == DEAL_END_DATE && b.kind == DEAL_END_DATE) {
        *ret = a.instant <= b.instant ? a : b;
        return true;
    }
    struct deal_end *parts = deal_build_array(build, 2, sizeof(*parts));
    if (parts == NULL) {
        return false;
    }
    parts[0] = a;
    parts[1] = b;
    *ret = (struct deal_end){
        .kind = DEAL_END_EARLIEST, .instant = OFT_INSTANT_NEVER, .parts = parts, .part_count = 2};
    return true;
}

oft_instant deal_end_latest(const struct deal_end *end)
{
    return deal_end_instant(end, (struct deal_attestations){NULL, 0});
}

void deal_value_interval(struct deal_build *build, const struct deal_node *node, oft_instant from,
                         const struct deal_end *until, const char *clause)
{
    oft_instant latest = deal_end_latest(until);
    if (latest > from) {
        return;
    }
    char a[OFT_INSTANT_TEXT_BYTES];
    char b[OFT_INSTANT_TEXT_BYTES];
    BUILD_ERROR(build, 21, node, clause, "intervals run from the first day to before the last",
                "it ends at %s, which is not after its beginning, %s",
                oft_instant_format_short(latest, b), oft_instant_format_short(from, a));
}
