/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values that terms leave open, read from tokens: what may stand for "<duration>", "<quantity>"
 * and the others of terms_table.c.
 */
#include "deal/terms_internal.h"

#include <string.h>

#define CONDITION_DEPTH_MAX 8
#define COUNT_MAX           1000000000000ull

static bool is_class(const struct deal_cursor *cursor, enum deal_token_class wanted)
{
    return cursor->at != NULL && cursor->at->token == wanted;
}

static bool is_name(const struct deal_cursor *cursor)
{
    return is_class(cursor, DEAL_TOKEN_WORD) || is_class(cursor, DEAL_TOKEN_NUMBER);
}

/* ---- numbers, money, dates ------------------------------------------------------------------- */

static bool read_count(struct deal_cursor *cursor, struct deal_value *ret)
{
    if (!is_class(cursor, DEAL_TOKEN_NUMBER)) {
        return deal_cursor_expected(cursor, "a number");
    }
    const struct deal_node *node = cursor->at;
    deal_cursor_step(cursor);
    ret->kind = DEAL_VALUE_COUNT;
    return deal_value_count(cursor->build, node, COUNT_MAX, &ret->as.count);
}

static bool read_rate(struct deal_cursor *cursor, unsigned most_percent, struct deal_value *ret)
{
    if (!is_class(cursor, DEAL_TOKEN_PERCENT)) {
        return deal_cursor_expected(cursor, "a percentage");
    }
    const struct deal_node *node = cursor->at;
    deal_cursor_step(cursor);
    ret->kind = DEAL_VALUE_RATE;
    return deal_value_multiple(cursor->build, node, cursor->clause, most_percent,
                               &ret->as.rate_ppb);
}

static bool read_amount(struct deal_cursor *cursor, struct deal_value *ret)
{
    if (!is_class(cursor, DEAL_TOKEN_NUMBER)) {
        return deal_cursor_expected(cursor, "an amount");
    }
    const struct deal_node *number = cursor->at;
    deal_cursor_step(cursor);
    if (!is_class(cursor, DEAL_TOKEN_WORD)) {
        return deal_cursor_expected(cursor, "the currency");
    }
    const struct deal_node *currency = cursor->at;
    deal_cursor_step(cursor);
    ret->kind = DEAL_VALUE_AMOUNT;
    return deal_value_money(cursor->build, number, currency, cursor->clause, &ret->as.amount_nanos);
}

static bool read_date(struct deal_cursor *cursor, struct deal_value *ret)
{
    if (!is_class(cursor, DEAL_TOKEN_DATE)) {
        return deal_cursor_expected(cursor, "a date");
    }
    const struct deal_node *node = cursor->at;
    deal_cursor_step(cursor);
    ret->kind = DEAL_VALUE_INSTANT;
    return deal_value_date(cursor->build, node, &ret->as.instant);
}

/* ---- durations, timers, quantities ----------------------------------------------------------- */

const char *deal_duration_unit_text(enum deal_duration_unit unit)
{
    static const char *const texts[] = {"hour", "day", "business day", "week", "month", "year"};
    return texts[unit];
}

static bool read_unit(struct deal_cursor *cursor, enum deal_duration_unit *ret)
{
    static const struct {
        const char *one, *many;
        enum deal_duration_unit unit;
    } units[] = {{"hour", "hours", DEAL_HOURS},
                 {"day", "days", DEAL_DAYS},
                 {"week", "weeks", DEAL_WEEKS},
                 {"month", "months", DEAL_MONTHS},
                 {"year", "years", DEAL_YEARS}};
    bool business = deal_cursor_is(cursor, "business");
    if (business) {
        deal_cursor_step(cursor);
        if (!deal_cursor_is(cursor, "days") && !deal_cursor_is(cursor, "day")) {
            return deal_cursor_expected(cursor, "\"days\"");
        }
    }
    for (size_t i = 0; i < OFT_COUNT_OF(units); i++) {
        if (deal_cursor_is(cursor, units[i].one) || deal_cursor_is(cursor, units[i].many)) {
            *ret = business ? DEAL_BUSINESS_DAYS : units[i].unit;
            deal_cursor_step(cursor);
            return true;
        }
    }
    return deal_cursor_expected(cursor, "hours, days, business days, weeks, months or years");
}

static bool read_duration(struct deal_cursor *cursor, struct deal_duration *ret)
{
    if (!is_class(cursor, DEAL_TOKEN_NUMBER)) {
        return deal_cursor_expected(cursor, "a duration");
    }
    uint64_t count = 0;
    const struct deal_node *node = cursor->at;
    deal_cursor_step(cursor);
    if (!read_unit(cursor, &ret->unit)) {
        return false;
    }
    if (oft_str_is(node->text, "0")) {
        BUILD_ERROR(cursor->build, 76, node, cursor->clause,
                    "leave the term out, or write 1 or more",
                    "a window of no length ends before anybody can act");
        return false;
    }
    bool good = deal_value_count(cursor->build, node, 100000, &count);
    ret->count = (uint32_t)count;
    return good;
}

static bool read_start(struct deal_cursor *cursor, enum deal_timer_start *ret)
{
    *ret = deal_cursor_is(cursor, "sent")        ? DEAL_START_SENT
           : deal_cursor_is(cursor, "delivered") ? DEAL_START_DELIVERED
           : deal_cursor_is(cursor, "deemed")    ? DEAL_START_DEEMED
                                                 : DEAL_START_UNSAID;
    if (*ret == DEAL_START_UNSAID) {
        return deal_cursor_expected(cursor, "\"sent\", \"delivered\" or \"deemed\"");
    }
    deal_cursor_step(cursor);
    return true;
}

static bool read_roll(struct deal_cursor *cursor, enum deal_timer_roll *ret)
{
    *ret = deal_cursor_is(cursor, "following")   ? DEAL_ROLL_FOLLOWING
           : deal_cursor_is(cursor, "preceding") ? DEAL_ROLL_PRECEDING
           : deal_cursor_is(cursor, "none")      ? DEAL_ROLL_NONE
                                                 : DEAL_ROLL_UNSAID;
    if (*ret == DEAL_ROLL_UNSAID) {
        return deal_cursor_expected(cursor, "\"following\", \"preceding\" or \"none\"");
    }
    deal_cursor_step(cursor);
    return true;
}

static bool read_timer_part(struct deal_cursor *cursor, struct deal_timer *timer)
{
    bool zone = deal_cursor_is(cursor, "zone");
    if (deal_cursor_is(cursor, "from")) {
        deal_cursor_step(cursor);
        return read_start(cursor, &timer->start);
    }
    if (deal_cursor_is(cursor, "roll")) {
        deal_cursor_step(cursor);
        return read_roll(cursor, &timer->roll);
    }
    deal_cursor_step(cursor);
    if (zone ? !is_class(cursor, DEAL_TOKEN_STRING) : !is_name(cursor)) {
        return deal_cursor_expected(cursor, zone ? "a quoted time zone" : "a calendar's name");
    }
    *(zone ? &timer->zone : &timer->calendar) = deal_build_copy(cursor->build, cursor->at->text);
    deal_cursor_step(cursor);
    return true;
}

static bool read_timer(struct deal_cursor *cursor, struct deal_value *ret)
{
    ret->kind = DEAL_VALUE_TIMER;
    ret->as.timer = (struct deal_timer){0};
    bool good = read_duration(cursor, &ret->as.timer.duration);
    while (good && (deal_cursor_is(cursor, "calendar") || deal_cursor_is(cursor, "zone") ||
                    deal_cursor_is(cursor, "from") || deal_cursor_is(cursor, "roll"))) {
        good = read_timer_part(cursor, &ret->as.timer);
    }
    return good;
}

static bool read_quantity(struct deal_cursor *cursor, struct deal_value *ret)
{
    ret->kind = DEAL_VALUE_QUANTITY;
    if (!is_class(cursor, DEAL_TOKEN_NUMBER)) {
        return deal_cursor_expected(cursor, "a quantity");
    }
    const struct deal_node *node = cursor->at;
    deal_cursor_step(cursor);
    if (!is_class(cursor, DEAL_TOKEN_WORD)) {
        return deal_cursor_expected(cursor, "what it is a number of: gpu, MW or an accelerator");
    }
    ret->as.quantity.unit = deal_build_copy(cursor->build, cursor->at->text);
    deal_cursor_step(cursor);
    return deal_value_count(cursor->build, node, COUNT_MAX, &ret->as.quantity.count);
}

/* ---- names ----------------------------------------------------------------------------------- */

static bool read_index(struct deal_cursor *cursor, enum deal_symbol_kind kind,
                       struct deal_value *ret)
{
    if (!is_name(cursor)) {
        return deal_cursor_expected(cursor, "a name");
    }
    const struct deal_node *node = cursor->at;
    deal_cursor_step(cursor);
    ret->kind = DEAL_VALUE_INDEX;
    ret->symbol = kind;
    ret->as.index = deal_symbols_need(cursor->build, kind, node, cursor->clause);
    if (ret->as.index == DEAL_ALL) {
        BUILD_ERROR(cursor->build, 41, node, cursor->clause, "name a clause of an agreement",
                    "\"%.*s\" is a price", (int)node->text.length, node->text.data);
        return false;
    }
    return ret->as.index != DEAL_NONE;
}

static uint32_t items_ahead(const struct deal_cursor *cursor)
{
    uint32_t count = 1;
    for (const struct deal_node *node = cursor->at; node != NULL; node = node->next) {
        count += node->token == DEAL_TOKEN_MARK && oft_str_is(node->text, ",") ? 1 : 0;
    }
    return count;
}

/* What a list is made into. Classes of products stand for several items. */
struct list_reader {
    enum deal_symbol_kind kind;
    uint32_t *items;
    int64_t *weights; /* NULL: the list has none */
    uint32_t count;
    uint32_t most;
    bool all;
    bool by_class; /* a class is among the items */
};

/* A name that a class of the same list holds already adds nothing; a name said twice is a slip, and
 * so are two weights for one product. */
static void list_add(struct deal_cursor *cursor, struct list_reader *list, uint32_t index,
                     int64_t weight, const struct deal_node *node)
{
    for (uint32_t i = 0; i < list->count; i++) {
        bool same_weight = list->weights == NULL || list->weights[i] == weight;
        if (list->items[i] == index && list->by_class && same_weight) {
            return;
        }
        if (list->items[i] == index) {
            BUILD_ERROR(cursor->build, 11, node, cursor->clause, "leave one of them out",
                        "\"%.*s\" is in this list twice", (int)node->text.length, node->text.data);
            return;
        }
    }
    if (list->count < list->most) {
        list->items[list->count] = index;
        if (list->weights != NULL) {
            list->weights[list->count] = weight;
        }
        list->count++;
    }
}

/* "50%" behind an item of a weighted list. */
static bool read_weight(struct deal_cursor *cursor, const struct list_reader *list, int64_t *ret)
{
    struct deal_value value;
    *ret = DEAL_RATE_ONE;
    if (list->weights == NULL || !is_class(cursor, DEAL_TOKEN_PERCENT)) {
        return true;
    }
    if (!read_rate(cursor, 100, &value)) {
        return false;
    }
    *ret = value.as.rate_ppb;
    return true;
}

static bool list_class(struct deal_cursor *cursor, struct list_reader *list)
{
    enum deal_product_class wanted;
    const struct deal_node *node = cursor->at->next;
    int64_t weight;
    deal_cursor_step(cursor);
    if (!deal_value_class(cursor->build, node, &wanted)) {
        return false;
    }
    deal_cursor_step(cursor);
    if (!read_weight(cursor, list, &weight)) {
        return false;
    }
    bool any = false;
    list->by_class = true;
    for (uint32_t i = 0; i < cursor->build->deal->product_count; i++) {
        if (cursor->build->deal->products[i].product_class == wanted) {
            list_add(cursor, list, i, weight, node);
            any = true;
        }
    }
    if (!any) {
        deal_report(cursor->build->diagnostics, DEAL_WARNING, 77, node->position, cursor->clause,
                    "declare one, or leave the class out", "the deal has no product of class %.*s",
                    (int)node->text.length, node->text.data);
    }
    return true;
}

static bool list_item(struct deal_cursor *cursor, struct list_reader *list)
{
    const struct deal_node *node = cursor->at;
    int64_t weight;
    bool all = node != NULL &&
               (oft_str_is(node->text, "*") || (!node->quoted && oft_str_is(node->text, "all")));
    bool quoted_name = list->kind == SYMBOL_MODEL && is_class(cursor, DEAL_TOKEN_STRING);
    if (list->kind == SYMBOL_PRODUCT && deal_cursor_is(cursor, "class") && node->next != NULL &&
        node->next->token == DEAL_TOKEN_WORD && !oft_str_is(node->next->text, "on")) {
        return list_class(cursor, list);
    }
    if (!all && !quoted_name && !is_name(cursor)) {
        return deal_cursor_expected(cursor, "a name");
    }
    deal_cursor_step(cursor);
    uint32_t index =
        all ? DEAL_ALL : deal_symbols_need(cursor->build, list->kind, node, cursor->clause);
    if (!read_weight(cursor, list, &weight)) {
        return false;
    }
    list->all = list->all || all;
    if (index == DEAL_NONE) {
        return false;
    }
    list_add(cursor, list, index, weight, node);
    return true;
}

static bool read_items(struct deal_cursor *cursor, struct list_reader *list)
{
    const struct deal_node *first = cursor->at;
    bool good = list_item(cursor, list);
    while (cursor->at != NULL && deal_cursor_is(cursor, ",")) {
        deal_cursor_step(cursor);
        good = list_item(cursor, list) && good;
    }
    if (good && list->all && list->count > 1) {
        BUILD_ERROR(cursor->build, 11, first, cursor->clause, "leave the other names out",
                    "\"all\" already holds every one");
        return false;
    }
    return good;
}

static bool read_list(struct deal_cursor *cursor, enum deal_symbol_kind kind, bool weighted,
                      struct deal_value *ret)
{
    struct list_reader list = {.kind = kind};
    list.most = items_ahead(cursor) + cursor->build->deal->product_count;
    list.items = deal_build_array(cursor->build, list.most, sizeof(*list.items));
    list.weights =
        weighted ? deal_build_array(cursor->build, list.most, sizeof(*list.weights)) : NULL;
    if (cursor->build->memory_failed || !read_items(cursor, &list)) {
        return false;
    }
    ret->symbol = kind;
    if (weighted) {
        ret->kind = DEAL_VALUE_WEIGHTED;
        ret->as.weighted = (struct deal_weighted){{list.items, list.count}, list.weights};
    } else {
        ret->kind = DEAL_VALUE_LIST;
        ret->as.list = (struct deal_list){list.items, list.count};
    }
    return true;
}

static bool read_names(struct deal_cursor *cursor, struct deal_value *ret)
{
    uint32_t most = items_ahead(cursor);
    const char **items = deal_build_array(cursor->build, most, sizeof(*items));
    uint32_t count = 0;
    for (;;) {
        if (!is_name(cursor) || items == NULL) {
            return deal_cursor_expected(cursor, "a name");
        }
        items[count++] = deal_build_copy(cursor->build, cursor->at->text);
        deal_cursor_step(cursor);
        if (!deal_cursor_is(cursor, ",")) {
            break;
        }
        deal_cursor_step(cursor);
    }
    ret->kind = DEAL_VALUE_NAMES;
    ret->as.names = (struct deal_names){items, count};
    return true;
}

static bool read_text(struct deal_cursor *cursor, bool quoted, struct deal_value *ret)
{
    if (quoted ? !is_class(cursor, DEAL_TOKEN_STRING) : !is_name(cursor)) {
        return deal_cursor_expected(cursor, quoted ? "a quoted text" : "a name");
    }
    ret->kind = quoted ? DEAL_VALUE_TEXT : DEAL_VALUE_NAME;
    ret->as.text = deal_build_copy(cursor->build, cursor->at->text);
    deal_cursor_step(cursor);
    return true;
}

/* ---- ends and conditions --------------------------------------------------------------------- */

static bool read_end(struct deal_cursor *cursor, unsigned depth, struct deal_end *ret);

static bool read_earliest(struct deal_cursor *cursor, unsigned depth, struct deal_end *ret)
{
    uint32_t most = items_ahead(cursor);
    struct deal_end *parts = deal_build_array(cursor->build, most, sizeof(*parts));
    uint32_t count = 0;
    if (parts == NULL) {
        return false;
    }
    deal_cursor_step(cursor);
    if (!deal_cursor_is(cursor, "of")) {
        return deal_cursor_expected(cursor, "\"of\"");
    }
    deal_cursor_step(cursor);
    if (!deal_cursor_is(cursor, "(")) {
        return deal_cursor_expected(cursor, "\"(\"");
    }
    do {
        deal_cursor_step(cursor);
        if (!read_end(cursor, depth + 1, &parts[count++])) {
            return false;
        }
    } while (deal_cursor_is(cursor, ","));
    if (!deal_cursor_is(cursor, ")")) {
        return deal_cursor_expected(cursor, "',' or ')'");
    }
    deal_cursor_step(cursor);
    *ret = (struct deal_end){.kind = DEAL_END_EARLIEST,
                             .instant = OFT_INSTANT_NEVER,
                             .parts = parts,
                             .part_count = count};
    return true;
}

static bool read_end(struct deal_cursor *cursor, unsigned depth, struct deal_end *ret)
{
    *ret = (struct deal_end){.kind = DEAL_END_NEVER, .instant = OFT_INSTANT_NEVER};
    const struct deal_node *node = cursor->at;
    if (depth >= CONDITION_DEPTH_MAX) {
        return deal_cursor_expected(cursor, "one flat list");
    }
    if (deal_cursor_is(cursor, "earliest") && node->next != NULL &&
        oft_str_is(node->next->text, "of")) {
        return read_earliest(cursor, depth, ret);
    }
    if (is_class(cursor, DEAL_TOKEN_DATE)) {
        deal_cursor_step(cursor);
        ret->kind = DEAL_END_DATE;
        return deal_value_date(cursor->build, node, &ret->instant);
    }
    if (!is_name(cursor)) {
        return deal_cursor_expected(cursor, "a date, an event or \"earliest of (...)\"");
    }
    deal_cursor_step(cursor);
    ret->kind = DEAL_END_EVENT;
    ret->event = deal_symbols_need(cursor->build, SYMBOL_EVENT, node, cursor->clause);
    return ret->event != DEAL_NONE;
}

static bool read_condition(struct deal_cursor *cursor, unsigned depth, struct deal_condition *ret);

static bool read_condition_item(struct deal_cursor *cursor, unsigned depth,
                                struct deal_condition *ret)
{
    if (deal_cursor_is(cursor, "(")) {
        deal_cursor_step(cursor);
        if (depth >= CONDITION_DEPTH_MAX || !read_condition(cursor, depth + 1, ret)) {
            return depth < CONDITION_DEPTH_MAX ? false : deal_cursor_expected(cursor, "an event");
        }
        if (!deal_cursor_is(cursor, ")")) {
            return deal_cursor_expected(cursor, "\"and\", \"or\" or ')'");
        }
        deal_cursor_step(cursor);
        return true;
    }
    if (!is_name(cursor)) {
        return deal_cursor_expected(cursor, "an event");
    }
    const struct deal_node *node = cursor->at;
    deal_cursor_step(cursor);
    *ret = (struct deal_condition){.kind = DEAL_CONDITION_EVENT};
    ret->event = deal_symbols_need(cursor->build, SYMBOL_EVENT, node, cursor->clause);
    return ret->event != DEAL_NONE;
}

/* One word decides where traffic may run: "and" and "or" in one row are never guessed at. */
static bool read_condition(struct deal_cursor *cursor, unsigned depth, struct deal_condition *ret)
{
    struct deal_condition parts[32];
    uint32_t count = 0;
    const char *joined_by = NULL;
    if (!read_condition_item(cursor, depth, &parts[count++])) {
        return false;
    }
    while (deal_cursor_is(cursor, "and") || deal_cursor_is(cursor, "or")) {
        const char *word = deal_cursor_is(cursor, "and") ? "and" : "or";
        if (joined_by != NULL && strcmp(joined_by, word) != 0) {
            BUILD_ERROR(cursor->build, 60, cursor->at, cursor->clause,
                        "put parentheses around what belongs together: (a and b) or c",
                        "\"and\" and \"or\" stand in one row, and which binds first is not said");
            return false;
        }
        if (count == OFT_COUNT_OF(parts)) {
            return deal_cursor_expected(cursor, "at most 32 parts");
        }
        joined_by = word;
        deal_cursor_step(cursor);
        if (!read_condition_item(cursor, depth, &parts[count++])) {
            return false;
        }
    }
    if (count == 1) {
        *ret = parts[0];
        return true;
    }
    struct deal_condition *kept = deal_build_array(cursor->build, count, sizeof(*kept));
    if (kept == NULL) {
        return false;
    }
    memcpy(kept, parts, count * sizeof(*kept));
    *ret = (struct deal_condition){.kind = strcmp(joined_by, "and") == 0 ? DEAL_CONDITION_AND
                                                                         : DEAL_CONDITION_OR,
                                   .parts = kept,
                                   .part_count = count};
    return true;
}

/* ---- by kind --------------------------------------------------------------------------------- */

/* An amount is a number and the currency's three letters; else the word says of what it is a number. */
static bool read_size(struct deal_cursor *cursor, struct deal_value *ret)
{
    const struct deal_node *word = cursor->at != NULL ? cursor->at->next : NULL;
    if (word != NULL && oft_str_is(word->text, cursor->build->deal->currency)) {
        return read_amount(cursor, ret);
    }
    return read_quantity(cursor, ret);
}

static bool read_rate_or_tiered(struct deal_cursor *cursor, struct deal_value *ret)
{
    if (deal_cursor_is(cursor, "tiered")) {
        deal_cursor_step(cursor);
        *ret = (struct deal_value){.kind = DEAL_VALUE_NONE};
        return true;
    }
    return read_rate(cursor, 100, ret);
}

static bool read_symbols(struct deal_cursor *cursor, const char *kind, size_t length,
                         struct deal_value *ret)
{
    static const struct {
        const char *text;
        enum deal_symbol_kind symbol;
        bool list;
    } kinds[] = {{"party", SYMBOL_PARTY, false},        {"provider", SYMBOL_PROVIDER, false},
                 {"clause", SYMBOL_CLAUSE, false},      {"parties", SYMBOL_PARTY, true},
                 {"products", SYMBOL_PRODUCT, true},    {"models", SYMBOL_MODEL, true},
                 {"accounts", SYMBOL_ACCOUNT, true},    {"groups", SYMBOL_GROUP, true},
                 {"surfaces", SYMBOL_SURFACE, true},    {"fields", SYMBOL_FIELD, true},
                 {"deductions", SYMBOL_DEDUCTION, true}};
    for (size_t i = 0; i < OFT_COUNT_OF(kinds); i++) {
        if (oft_str_is((struct oft_str){kind, length}, kinds[i].text)) {
            return kinds[i].list ? read_list(cursor, kinds[i].symbol, false, ret)
                                 : read_index(cursor, kinds[i].symbol, ret);
        }
    }
    oft_assert_failed("a pattern of terms_table.c names an unknown value", __FILE__, __LINE__);
}

bool deal_cursor_value(struct deal_cursor *cursor, const char *kind, size_t kind_length,
                       struct deal_value *ret)
{
    struct oft_str name = {kind, kind_length};
    *ret = (struct deal_value){.kind = DEAL_VALUE_NONE};
    if (oft_str_is(name, "count")) {
        return read_count(cursor, ret);
    }
    if (oft_str_is(name, "rate")) {
        return read_rate(cursor, 100, ret);
    }
    if (oft_str_is(name, "multiple")) {
        return read_rate(cursor, 1000, ret);
    }
    if (oft_str_is(name, "rate-or-tiered")) {
        return read_rate_or_tiered(cursor, ret);
    }
    if (oft_str_is(name, "amount")) {
        return read_amount(cursor, ret);
    }
    if (oft_str_is(name, "rate-or-amount")) {
        return is_class(cursor, DEAL_TOKEN_PERCENT) ? read_rate(cursor, 100, ret)
                                                    : read_amount(cursor, ret);
    }
    if (oft_str_is(name, "date")) {
        return read_date(cursor, ret);
    }
    if (oft_str_is(name, "duration")) {
        ret->kind = DEAL_VALUE_DURATION;
        return read_duration(cursor, &ret->as.duration);
    }
    if (oft_str_is(name, "timer")) {
        return read_timer(cursor, ret);
    }
    if (oft_str_is(name, "quantity")) {
        return read_quantity(cursor, ret);
    }
    if (oft_str_is(name, "size")) {
        return read_size(cursor, ret);
    }
    if (oft_str_is(name, "end")) {
        ret->kind = DEAL_VALUE_END;
        return read_end(cursor, 0, &ret->as.end);
    }
    if (oft_str_is(name, "condition")) {
        ret->kind = DEAL_VALUE_CONDITION;
        return read_condition(cursor, 0, &ret->as.condition);
    }
    if (oft_str_is(name, "weighted")) {
        return read_list(cursor, SYMBOL_PRODUCT, true, ret);
    }
    if (oft_str_is(name, "names")) {
        return read_names(cursor, ret);
    }
    if (oft_str_is(name, "name") || oft_str_is(name, "text")) {
        return read_text(cursor, oft_str_is(name, "text"), ret);
    }
    return read_symbols(cursor, kind, kind_length, ret);
}
