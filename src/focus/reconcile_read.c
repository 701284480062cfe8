/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pool, model and unit a row is about. A row that does not say so, or says it in words that are not
 * ours, is kept with the reason: no row is passed over.
 */
#include <ctype.h>
#include <string.h>

#include "focus/reconcile.h"
#include "ledger/statement.h"

const char *const FOCUS_FIELD_NAMES[FOCUS_FIELD_COUNT] = {"pool",     "model", "unit",    "day",
                                                          "quantity", "cost",  "currency"};

/* Where FOCUS has what we ask for; the first column that a row fills counts. */
static const char *const FOCUS_COLUMNS[FOCUS_FIELD_COUNT][3] = {
    {"x_Pool", "ResourceId", NULL},
    {"x_Model", NULL, NULL},
    {"x_UnitClass", "SkuMeter", NULL},
    {"ChargePeriodStart", NULL, NULL},
    {"ConsumedQuantity", "PricingQuantity", NULL},
    {"BilledCost", NULL, NULL},
    {"BillingCurrency", NULL, NULL},
};

static const struct {
    const char *words, *unit;
} UNITS[] = {
    {"input|input tokens|input token|prompt|prompt tokens|uncached input tokens", "input"},
    {"cached|cached tokens|cached input|cached input tokens|cache read|cache read tokens|"
     "cache read input tokens",
     "cached"},
    {"cache write|cache write tokens|cache creation tokens|cache creation input tokens",
     "cache-write"},
    {"output|output tokens|output token|completion|completion tokens", "output"},
    {"reasoning|reasoning tokens", "reasoning"},
    {"audio|audio tokens", "audio"},
    {"image|image tokens", "image"},
    {"request|requests|calls", "request"},
    {"gpu hour|gpu hours", "gpu-hour"},
    {"mw hour|mw hours", "MW-hour"},
};

/* "1000000 Tokens", "1K prompt_tokens", "1M output": how many one of it is, and the word. */
static struct focus_decimal factor_of(const char *text, char word[96])
{
    struct focus_decimal factor = {1, 0};
    size_t digits = strspn(text, "0123456789");
    size_t at = digits;
    if (digits > 0 && digits < 12 &&
        focus_decimal_parse((struct oft_str){text, digits}, &factor) == OFT_OK) {
        bool letter = text[at] != '\0' && !isalpha((unsigned char)text[at + 1]);
        if (letter && (text[at] == 'K' || text[at] == 'k' || text[at] == 'M')) {
            struct focus_decimal thousand = {text[at] == 'M' ? 1000000 : 1000, 0};
            at += focus_decimal_mul(factor, thousand, &factor) == OFT_OK;
        }
    }
    size_t used = 0;
    for (; text[at] != '\0' && used < 95; at++) {
        bool plain = isalnum((unsigned char)text[at]) != 0;
        if (plain || (used > 0 && word[used - 1] != ' ')) {
            word[used++] = plain ? (char)tolower((unsigned char)text[at]) : ' ';
        }
    }
    used -= used > 0 && word[used - 1] == ' ';
    word[used] = '\0';
    return factor;
}

const char *reconcile_unit(const char *text, struct focus_decimal *factor)
{
    char word[96];
    *factor = factor_of(text, word);
    for (size_t i = 0; i < OFT_COUNT_OF(UNITS); i++) {
        if (focus_is_allowed(UNITS[i].words, word)) {
            return UNITS[i].unit;
        }
    }
    return NULL;
}

struct placing {
    const struct focus_reconcile_input *input;
    const struct focus_table *table;
    enum focus_side side;
    struct oft_arena *arena;
    size_t row;
    struct charge charge;
    struct outside outside;
};

/* The value of FIELD, by its column, in our words. */
static const char *value_of(const struct placing *placing, enum focus_field field)
{
    const struct focus_reconcile_input *input = placing->input;
    bool there = placing->side == THERE;
    const char *text = NULL;
    if (there && input->columns[field] != NULL) {
        text = focus_table_cell(placing->table, placing->row, input->columns[field]);
    } else if (there && !input->theirs_is_focus) {
        text = focus_table_cell(placing->table, placing->row, FOCUS_FIELD_NAMES[field]);
    } else {
        for (size_t i = 0; text == NULL && i < 3 && FOCUS_COLUMNS[field][i] != NULL; i++) {
            text = focus_table_cell(placing->table, placing->row, FOCUS_COLUMNS[field][i]);
        }
    }
    for (size_t i = 0; there && text != NULL && i < input->alias_count; i++) {
        if (input->aliases[i].field == field && strcmp(input->aliases[i].theirs, text) == 0) {
            return input->aliases[i].ours;
        }
    }
    return text;
}

/* Our own row stays outside for good reasons; theirs is to be looked at when it costs something. */
static bool leave(struct placing *placing, const char *why)
{
    struct outside *outside = &placing->outside;
    outside->why = why;
    outside->open = placing->side == THERE && (!outside->has_cost || outside->cost.value != 0);
    return false;
}

static bool leave_with(struct placing *placing, const char *format, const char *text)
{
    const char *why = oft_arena_printf(placing->arena, format, text);
    return leave(placing, why != NULL ? why : format);
}

static bool place_cost(struct placing *placing)
{
    const char *cost = value_of(placing, FOCUS_FIELD_COST);
    const char *currency = value_of(placing, FOCUS_FIELD_CURRENCY);
    if (cost == NULL) {
        return leave(placing, "it has no cost; name the column with --map cost=COLUMN");
    }
    if (focus_decimal_parse(oft_str_from(cost), &placing->charge.cost) != OFT_OK) {
        return leave_with(placing, "its cost \"%.40s\" is no exact decimal", cost);
    }
    placing->outside.cost = placing->charge.cost;
    placing->outside.has_cost = true;
    const char *ours = placing->input->ours.row_count > 0
                           ? focus_table_cell(&placing->input->ours, 0, "BillingCurrency")
                           : NULL;
    if (currency != NULL && ours != NULL && strcmp(currency, ours) != 0) {
        return leave_with(placing, "it is in %.20s and the deal is not", currency);
    }
    return true;
}

/* The month of an instant: the one asked for when it lies in that month's billing period as our side has it,
 * which is not UTC's when the deal names a time zone; else UTC's. */
static int32_t month_of(const struct placing *placing, oft_instant at)
{
    const struct focus_table *ours = &placing->input->ours;
    const oft_instant day = OFT_NS_PER_DAY + OFT_NS_PER_DAY / 12; /* no zone is further from UTC */
    int32_t month = placing->input->month;
    oft_instant from;
    oft_instant until;
    const char *from_text =
        ours->row_count > 0 ? focus_table_cell(ours, 0, "BillingPeriodStart") : NULL;
    const char *until_text =
        ours->row_count > 0 ? focus_table_cell(ours, 0, "BillingPeriodEnd") : NULL;
    if (from_text == NULL || until_text == NULL ||
        oft_instant_parse(oft_str_from(from_text), &from) != OFT_OK ||
        oft_instant_parse(oft_str_from(until_text), &until) != OFT_OK ||
        from < oft_month_start(month) - day || from > oft_month_start(month) + day) {
        return oft_month_of(at);
    }
    return at < from ? month - 1 : at >= until ? month + 1 : month;
}

static bool place_month(struct placing *placing)
{
    oft_instant at;
    int32_t month;
    const char *day = value_of(placing, FOCUS_FIELD_DAY);
    if (day == NULL) {
        return true; /* an invoice of a month need not say so in each row */
    }
    if (oft_month_parse(oft_str_from(day), &month) != OFT_OK) {
        if (oft_instant_is_leap_second(oft_str_from(day))) {
            return leave_with(placing,
                              "%.40s is a leap second, which no month of our clocks has; write the "
                              "second before or after",
                              day);
        }
        if (oft_instant_parse(oft_str_from(day), &at) != OFT_OK) {
            return leave_with(placing, "its day \"%.40s\" is no date; write 2026-04-30", day);
        }
        bool whole_day =
            strlen(day) == sizeof("2026-04-30") - 1; /* of whatever calendar they keep */
        month = whole_day ? oft_month_of(at) : month_of(placing, at);
    }
    if (month != placing->input->month) {
        return leave_with(placing, "it is of %.30s, another month: late usage, or of another bill",
                          day);
    }
    return true;
}

/* A row of a day or of less has the day that it begins on, also when that is no day of UTC's. */
static void place_day(struct placing *placing)
{
    const char *day = value_of(placing, FOCUS_FIELD_DAY);
    const char *end = placing->side == THERE && placing->input->theirs_is_focus
                          ? focus_table_cell(placing->table, placing->row, "ChargePeriodEnd")
                          : NULL;
    oft_instant from;
    oft_instant until;
    placing->charge.from = CHARGE_OF_MONTH;
    if (placing->side == HERE || placing->input->by == FOCUS_BY_MONTH || day == NULL ||
        oft_instant_parse(oft_str_from(day), &from) != OFT_OK) {
        return;
    }
    oft_nanos length = 0;
    if (end != NULL && oft_instant_parse(oft_str_from(end), &until) == OFT_OK) {
        placing->charge.has_end = true;
        length = (oft_nanos)until - from;
    }
    if (length <= OFT_NS_PER_DAY) {
        oft_instant over = from % OFT_NS_PER_DAY;
        over += over < 0 ? OFT_NS_PER_DAY : 0;
        placing->charge.from = length == OFT_NS_PER_DAY ? from : from - over;
    }
}

static bool place_quantity(struct placing *placing, struct focus_decimal factor)
{
    const char *text = value_of(placing, FOCUS_FIELD_QUANTITY);
    bool focus = placing->side == HERE || placing->input->theirs_is_focus;
    char ignored[96];
    if (text == NULL) {
        return leave(placing, "it has no quantity; name the column with --map quantity=COLUMN");
    }
    if (focus) {
        /* In FOCUS the unit of a quantity has a column of its own, and SkuMeter no number. */
        bool consumed = focus_table_cell(placing->table, placing->row, "ConsumedQuantity") == text;
        const char *unit = focus_table_cell(placing->table, placing->row,
                                            consumed ? "ConsumedUnit" : "PricingUnit");
        factor = unit != NULL ? factor_of(unit, ignored) : (struct focus_decimal){1, 0};
    }
    if (focus_decimal_parse(oft_str_from(text), &placing->charge.quantity) != OFT_OK ||
        focus_decimal_mul(placing->charge.quantity, factor, &placing->charge.quantity) != OFT_OK) {
        return leave_with(placing, "its quantity \"%.40s\" is no exact decimal", text);
    }
    return true;
}

static bool is_known(const struct placing *placing, const char *column, const char *name)
{
    const struct focus_table *ours = &placing->input->ours;
    for (size_t row = 0; row < ours->row_count; row++) {
        const char *text = focus_table_cell(ours, row, column);
        if (text != NULL && strcmp(text, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool place_names(struct placing *placing)
{
    const char *pool = value_of(placing, FOCUS_FIELD_POOL);
    const char *model = value_of(placing, FOCUS_FIELD_MODEL);
    if (pool == NULL) {
        return leave(placing, "it names no pool; name the column with --map pool=COLUMN");
    }
    if (placing->side == THERE && !is_known(placing, "x_Pool", pool)) {
        return leave_with(
            placing,
            "\"%.60s\" is no pool that we metered in this month; if it is another name "
            "of one, say --alias pool:THEIRS=OURS",
            pool);
    }
    if (placing->side == THERE && model != NULL && !is_known(placing, "x_Model", model)) {
        return leave_with(placing,
                          "\"%.60s\" is no model that we metered in this month; if it is another "
                          "name of one, say --alias model:THEIRS=OURS",
                          model);
    }
    placing->charge.pool = pool;
    placing->charge.model = model != NULL ? model : "";
    return true;
}

static bool is_part_without_cost(const struct placing *placing)
{
    bool focus = placing->side == HERE || placing->input->theirs_is_focus;
    const char *commitment = "CommitmentDiscountStatus";
    const char *reservation = "CapacityReservationStatus";
    return focus && placing->charge.cost.value == 0 &&
           (focus_table_cell(placing->table, placing->row, commitment) != NULL ||
            focus_table_cell(placing->table, placing->row, reservation) != NULL);
}

static bool place(struct placing *placing)
{
    struct focus_decimal factor;
    const char *uncertain;
    placing->charge = (struct charge){.line = placing->table->lines[placing->row]};
    placing->outside = (struct outside){.line = placing->charge.line};
    if (!place_cost(placing)) {
        return false;
    }
    if (is_part_without_cost(placing)) {
        return leave(placing, "it is a part of a commitment or a reservation, without a cost");
    }
    if (focus_table_cell(placing->table, placing->row, "x_RevenueShare") != NULL) {
        (void)leave(placing, "it is a revenue share and no use: the statement has it");
        placing->outside.open = false;
        return false;
    }
    const char *unit = value_of(placing, FOCUS_FIELD_UNIT);
    if (unit == NULL) {
        return leave(placing, placing->side == HERE
                                  ? "it is no use: a share, a fee"
                                  : "it names no unit; name the column with --map unit=COLUMN");
    }
    placing->charge.unit = reconcile_unit(unit, &factor);
    if (placing->charge.unit == NULL) {
        return leave_with(placing,
                          "\"%.60s\" is no unit that we meter; if it is another name of one, say "
                          "--alias unit:THEIRS=OURS",
                          unit);
    }
    uncertain = focus_table_cell(placing->table, placing->row, "x_EstimatedQuantity");
    if (placing->side == HERE && uncertain != NULL &&
        focus_decimal_parse(oft_str_from(uncertain), &placing->charge.uncertain) != OFT_OK) {
        return leave(placing, "its estimated quantity is no number");
    }
    place_day(placing);
    return place_month(placing) && place_quantity(placing, factor) && place_names(placing);
}

/* Rows without an end that are all of the first of the month mean the month. */
static void look_for_months(struct charges *charges, int32_t month)
{
    for (size_t i = 0; i < charges->count; i++) {
        if (charges->items[i].has_end || charges->items[i].from > oft_month_start(month)) {
            return;
        }
    }
    for (size_t i = 0; i < charges->count; i++) {
        charges->items[i].from = CHARGE_OF_MONTH;
    }
}

enum oft_err reconcile_read(const struct focus_reconcile_input *input, enum focus_side side,
                            struct oft_arena *arena, struct charges *ret)
{
    const struct focus_table *table = side == THERE ? &input->theirs : &input->ours;
    struct placing placing = {.input = input, .table = table, .side = side, .arena = arena};
    struct charges charges = {0};
    charges.items = oft_arena_alloc_array(arena, table->row_count + 1, sizeof(*charges.items));
    charges.outside = oft_arena_alloc_array(arena, table->row_count + 1, sizeof(*charges.outside));
    if (charges.items == NULL || charges.outside == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (; placing.row < table->row_count; placing.row++) {
        if (place(&placing)) {
            charges.items[charges.count++] = placing.charge;
        } else {
            charges.outside[charges.outside_count++] = placing.outside;
        }
    }
    if (input->by == FOCUS_BY_AUTO) {
        look_for_months(&charges, input->month);
    }
    *ret = charges;
    return OFT_OK;
}

enum oft_err focus_reconcile_has_days(const struct focus_reconcile_input *input,
                                      struct oft_arena *arena, bool *ret_days)
{
    struct charges charges = {0};
    enum oft_err err = reconcile_read(input, THERE, arena, &charges);
    *ret_days = false;
    for (size_t i = 0; err == OFT_OK && i < charges.count; i++) {
        *ret_days = *ret_days || charges.items[i].from != CHARGE_OF_MONTH;
    }
    return err;
}
