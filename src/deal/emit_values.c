/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of a deal in its JSON form. Names stand for references; exact decimals and instants stand
 * in strings, so that no reader rounds them. The rows are in emit_rows.c.
 */
#include "deal/emit.h"

static void emit_put_string(struct emitter *e, const char *text)
{
    oft_buffer_append_char(e->out, '"');
    for (const char *s = text; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\') {
            oft_buffer_append_char(e->out, '\\');
            oft_buffer_append_char(e->out, *s);
        } else if (c < 0x20 || c == 0x7f) {
            oft_buffer_printf(e->out, "\\u%04x", c);
        } else {
            oft_buffer_append_char(e->out, *s);
        }
    }
    oft_buffer_append_char(e->out, '"');
}

static void emit_next(struct emitter *e)
{
    if (e->begun) {
        oft_buffer_append_char(e->out, ',');
    }
    e->begun = true;
}

void emit_key(struct emitter *e, const char *name)
{
    emit_next(e);
    emit_put_string(e, name);
    oft_buffer_append_char(e->out, ':');
    e->begun = false;
}

void emit_open(struct emitter *e, char bracket)
{
    emit_next(e);
    oft_buffer_append_char(e->out, bracket);
    e->begun = false;
}

void emit_close(struct emitter *e, char bracket)
{
    oft_buffer_append_char(e->out, bracket);
    e->begun = true;
}

void emit_string(struct emitter *e, const char *text)
{
    emit_next(e);
    emit_put_string(e, text);
}

void emit_text_member(struct emitter *e, const char *name, const char *text)
{
    emit_key(e, name);
    emit_string(e, text);
}

void emit_number_member(struct emitter *e, const char *name, uint64_t number)
{
    emit_key(e, name);
    emit_next(e);
    oft_buffer_printf(e->out, "%llu", (unsigned long long)number);
}

void emit_bool_member(struct emitter *e, const char *name, bool value)
{
    emit_key(e, name);
    emit_next(e);
    oft_buffer_append_text(e->out, value ? "true" : "false");
}

void emit_null(struct emitter *e)
{
    emit_next(e);
    oft_buffer_append_text(e->out, "null");
}

void emit_amount(struct emitter *e, oft_nanos nanos)
{
    char digits[OFT_NANOS_TEXT_BYTES];
    emit_string(e, oft_nanos_format(nanos, digits));
}

/* 200,000,000 parts per billion are "20": per cent, exact. */
void emit_rate(struct emitter *e, int64_t rate_ppb)
{
    char digits[OFT_NANOS_TEXT_BYTES];
    emit_string(e, oft_nanos_format((oft_nanos)rate_ppb * 100, digits));
}

/* The two ends of time are null. */
void emit_instant(struct emitter *e, oft_instant at)
{
    char when[OFT_INSTANT_TEXT_BYTES];
    if (at == OFT_INSTANT_ALWAYS || at == OFT_INSTANT_NEVER) {
        emit_null(e);
    } else {
        emit_string(e, oft_instant_format(at, when));
    }
}

const char *emit_name_of(const struct deal *d, enum deal_symbol_kind kind, uint32_t index)
{
    if (index == DEAL_ALL) {
        return "*";
    }
    switch (kind) {
    case SYMBOL_PARTY:
        return d->parties[index].name;
    case SYMBOL_PROVIDER:
        return d->providers[index].name;
    case SYMBOL_PRODUCT:
        return d->products[index].name;
    case SYMBOL_MODEL:
        return d->models[index].name;
    case SYMBOL_ACCOUNT:
        return d->accounts[index].name;
    case SYMBOL_EVENT:
        return d->events[index].name;
    case SYMBOL_CLAUSE:
        return d->clauses[index].id;
    case SYMBOL_GROUP:
        return d->groups[index].name;
    case SYMBOL_SURFACE:
        return d->surfaces[index].name;
    case SYMBOL_FIELD:
        return d->fields[index].name;
    case SYMBOL_DEDUCTION:
        return d->deductions[index].name;
    default:
        return "";
    }
}

static void emit_list(struct emitter *e, enum deal_symbol_kind kind, struct deal_list items)
{
    emit_open(e, '[');
    for (uint32_t i = 0; i < items.count; i++) {
        emit_string(e, emit_name_of(e->deal, kind, items.items[i]));
    }
    emit_close(e, ']');
}

void emit_list_member(struct emitter *e, const char *name, enum deal_symbol_kind kind,
                      struct deal_list items)
{
    emit_key(e, name);
    emit_list(e, kind, items);
}

/* ---- values ---------------------------------------------------------------------------------- */

void emit_end(struct emitter *e, const struct deal_end *it)
{
    switch (it->kind) {
    case DEAL_END_NEVER:
        emit_null(e);
        break;
    case DEAL_END_DATE:
        emit_open(e, '{');
        emit_key(e, "date");
        emit_instant(e, it->instant);
        emit_close(e, '}');
        break;
    case DEAL_END_EVENT:
        emit_open(e, '{');
        emit_text_member(e, "event", e->deal->events[it->event].name);
        emit_close(e, '}');
        break;
    case DEAL_END_EARLIEST:
        emit_open(e, '{');
        emit_key(e, "earliest");
        emit_open(e, '[');
        for (uint32_t i = 0; i < it->part_count; i++) {
            emit_end(e, &it->parts[i]);
        }
        emit_close(e, ']');
        emit_close(e, '}');
        break;
    }
}

static void emit_condition(struct emitter *e, const struct deal_condition *it)
{
    emit_open(e, '{');
    if (it->kind == DEAL_CONDITION_EVENT) {
        emit_text_member(e, "event", e->deal->events[it->event].name);
    } else {
        emit_key(e, it->kind == DEAL_CONDITION_AND ? "and" : "or");
        emit_open(e, '[');
        for (uint32_t i = 0; i < it->part_count; i++) {
            emit_condition(e, &it->parts[i]);
        }
        emit_close(e, ']');
    }
    emit_close(e, '}');
}

static void emit_duration_members(struct emitter *e, struct deal_duration it)
{
    emit_number_member(e, "count", it.count);
    emit_text_member(e, "unit", deal_duration_unit_text(it.unit));
}

static void emit_timer(struct emitter *e, const struct deal_timer *it)
{
    static const char *const starts[] = {NULL, "sent", "delivered", "deemed"};
    static const char *const rolls[] = {NULL, "following", "preceding", "none"};
    emit_open(e, '{');
    emit_duration_members(e, it->duration);
    if (it->calendar != NULL) {
        emit_text_member(e, "calendar", it->calendar);
    }
    if (it->zone != NULL) {
        emit_text_member(e, "zone", it->zone);
    }
    if (it->start != DEAL_START_UNSAID) {
        emit_text_member(e, "from", starts[it->start]);
    }
    if (it->roll != DEAL_ROLL_UNSAID) {
        emit_text_member(e, "roll", rolls[it->roll]);
    }
    emit_close(e, '}');
}

static void emit_weighted(struct emitter *e, const struct deal_weighted *it)
{
    emit_open(e, '[');
    for (uint32_t i = 0; i < it->items.count; i++) {
        emit_open(e, '{');
        emit_text_member(e, "product", emit_name_of(e->deal, SYMBOL_PRODUCT, it->items.items[i]));
        emit_key(e, "percent");
        emit_rate(e, it->weights_ppb[i]);
        emit_close(e, '}');
    }
    emit_close(e, ']');
}

static void emit_wrapped(struct emitter *e, const char *name,
                         void (*put)(struct emitter *, int64_t), int64_t value)
{
    emit_open(e, '{');
    emit_key(e, name);
    put(e, value);
    emit_close(e, '}');
}

void emit_names(struct emitter *e, struct deal_names it)
{
    emit_open(e, '[');
    for (uint32_t i = 0; i < it.count; i++) {
        emit_string(e, it.items[i]);
    }
    emit_close(e, ']');
}

void emit_quantity(struct emitter *e, const struct deal_quantity *it)
{
    emit_open(e, '{');
    emit_number_member(e, "count", it->count);
    emit_text_member(e, "of", it->unit);
    emit_close(e, '}');
}

void emit_value(struct emitter *e, const struct deal_value *it)
{
    switch (it->kind) {
    case DEAL_VALUE_NONE:
        emit_null(e);
        break;
    case DEAL_VALUE_WORD:
    case DEAL_VALUE_NAME:
    case DEAL_VALUE_TEXT:
        emit_string(e, it->as.text);
        break;
    case DEAL_VALUE_COUNT:
        emit_next(e);
        oft_buffer_printf(e->out, "%llu", (unsigned long long)it->as.count);
        break;
    case DEAL_VALUE_RATE:
        emit_wrapped(e, "percent", emit_rate, it->as.rate_ppb);
        break;
    case DEAL_VALUE_AMOUNT:
        emit_open(e, '{');
        emit_key(e, "amount");
        emit_amount(e, it->as.amount_nanos);
        emit_close(e, '}');
        break;
    case DEAL_VALUE_INSTANT:
        emit_wrapped(e, "instant", emit_instant, it->as.instant);
        break;
    case DEAL_VALUE_END:
        emit_end(e, &it->as.end);
        break;
    case DEAL_VALUE_CONDITION:
        emit_condition(e, &it->as.condition);
        break;
    case DEAL_VALUE_DURATION:
        emit_open(e, '{');
        emit_duration_members(e, it->as.duration);
        emit_close(e, '}');
        break;
    case DEAL_VALUE_TIMER:
        emit_timer(e, &it->as.timer);
        break;
    case DEAL_VALUE_QUANTITY:
        emit_quantity(e, &it->as.quantity);
        break;
    case DEAL_VALUE_INDEX:
        emit_string(e, emit_name_of(e->deal, it->symbol, it->as.index));
        break;
    case DEAL_VALUE_LIST:
        emit_list(e, it->symbol, it->as.list);
        break;
    case DEAL_VALUE_NAMES:
        emit_names(e, it->as.names);
        break;
    case DEAL_VALUE_WEIGHTED:
        emit_weighted(e, &it->as.weighted);
        break;
    }
}
