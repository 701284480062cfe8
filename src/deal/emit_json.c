/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A finished deal as one JSON document, for programs that want the terms and not the words: `offtake
 * check --emit json`. docs/schema/deal.schema.json describes it. Names stand for references, exact
 * decimals and instants stand in strings, so that no reader rounds them.
 */
#include "deal/tree.h"

#include <stdio.h>

/* A writer that knows whether a comma is due. */
struct emitter {
    const struct deal *deal;
    struct oft_buffer *out;
    bool begun;
};

static void put_string(struct emitter *e, const char *text)
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

static void next(struct emitter *e)
{
    if (e->begun) {
        oft_buffer_append_char(e->out, ',');
    }
    e->begun = true;
}

static void key(struct emitter *e, const char *name)
{
    next(e);
    put_string(e, name);
    oft_buffer_append_char(e->out, ':');
    e->begun = false;
}

static void open(struct emitter *e, char bracket)
{
    next(e);
    oft_buffer_append_char(e->out, bracket);
    e->begun = false;
}

static void close(struct emitter *e, char bracket)
{
    oft_buffer_append_char(e->out, bracket);
    e->begun = true;
}

static void string(struct emitter *e, const char *text)
{
    next(e);
    put_string(e, text);
}

static void text_member(struct emitter *e, const char *name, const char *text)
{
    key(e, name);
    string(e, text);
}

static void number_member(struct emitter *e, const char *name, uint64_t number)
{
    key(e, name);
    next(e);
    oft_buffer_printf(e->out, "%llu", (unsigned long long)number);
}

static void bool_member(struct emitter *e, const char *name, bool value)
{
    key(e, name);
    next(e);
    oft_buffer_append_text(e->out, value ? "true" : "false");
}

static void null(struct emitter *e)
{
    next(e);
    oft_buffer_append_text(e->out, "null");
}

static void amount(struct emitter *e, oft_nanos nanos)
{
    char digits[OFT_NANOS_TEXT_BYTES];
    string(e, oft_nanos_format(nanos, digits));
}

/* 200,000,000 parts per billion are "20": per cent, exact. */
static void rate(struct emitter *e, int64_t rate_ppb)
{
    char digits[OFT_NANOS_TEXT_BYTES];
    string(e, oft_nanos_format((oft_nanos)rate_ppb * 100, digits));
}

/* The two ends of time are null. */
static void instant(struct emitter *e, oft_instant at)
{
    char when[OFT_INSTANT_TEXT_BYTES];
    if (at == OFT_INSTANT_ALWAYS || at == OFT_INSTANT_NEVER) {
        null(e);
    } else {
        string(e, oft_instant_format(at, when));
    }
}

static const char *name_of(const struct deal *d, enum deal_symbol_kind kind, uint32_t index)
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

static void list(struct emitter *e, enum deal_symbol_kind kind, struct deal_list items)
{
    open(e, '[');
    for (uint32_t i = 0; i < items.count; i++) {
        string(e, name_of(e->deal, kind, items.items[i]));
    }
    close(e, ']');
}

static void list_member(struct emitter *e, const char *name, enum deal_symbol_kind kind,
                        struct deal_list items)
{
    key(e, name);
    list(e, kind, items);
}

/* ---- values ---------------------------------------------------------------------------------- */

static void end(struct emitter *e, const struct deal_end *it)
{
    switch (it->kind) {
    case DEAL_END_NEVER:
        null(e);
        break;
    case DEAL_END_DATE:
        open(e, '{');
        key(e, "date");
        instant(e, it->instant);
        close(e, '}');
        break;
    case DEAL_END_EVENT:
        open(e, '{');
        text_member(e, "event", e->deal->events[it->event].name);
        close(e, '}');
        break;
    case DEAL_END_EARLIEST:
        open(e, '{');
        key(e, "earliest");
        open(e, '[');
        for (uint32_t i = 0; i < it->part_count; i++) {
            end(e, &it->parts[i]);
        }
        close(e, ']');
        close(e, '}');
        break;
    }
}

static void condition(struct emitter *e, const struct deal_condition *it)
{
    open(e, '{');
    if (it->kind == DEAL_CONDITION_EVENT) {
        text_member(e, "event", e->deal->events[it->event].name);
    } else {
        key(e, it->kind == DEAL_CONDITION_AND ? "and" : "or");
        open(e, '[');
        for (uint32_t i = 0; i < it->part_count; i++) {
            condition(e, &it->parts[i]);
        }
        close(e, ']');
    }
    close(e, '}');
}

static void duration_members(struct emitter *e, struct deal_duration it)
{
    number_member(e, "count", it.count);
    text_member(e, "unit", deal_duration_unit_text(it.unit));
}

static void timer(struct emitter *e, const struct deal_timer *it)
{
    static const char *const starts[] = {NULL, "sent", "delivered", "deemed"};
    static const char *const rolls[] = {NULL, "following", "preceding", "none"};
    open(e, '{');
    duration_members(e, it->duration);
    if (it->calendar != NULL) {
        text_member(e, "calendar", it->calendar);
    }
    if (it->zone != NULL) {
        text_member(e, "zone", it->zone);
    }
    if (it->start != DEAL_START_UNSAID) {
        text_member(e, "from", starts[it->start]);
    }
    if (it->roll != DEAL_ROLL_UNSAID) {
        text_member(e, "roll", rolls[it->roll]);
    }
    close(e, '}');
}

static void weighted(struct emitter *e, const struct deal_weighted *it)
{
    open(e, '[');
    for (uint32_t i = 0; i < it->items.count; i++) {
        open(e, '{');
        text_member(e, "product", name_of(e->deal, SYMBOL_PRODUCT, it->items.items[i]));
        key(e, "percent");
        rate(e, it->weights_ppb[i]);
        close(e, '}');
    }
    close(e, ']');
}

static void wrapped(struct emitter *e, const char *name, void (*put)(struct emitter *, int64_t),
                    int64_t value)
{
    open(e, '{');
    key(e, name);
    put(e, value);
    close(e, '}');
}

static void names(struct emitter *e, struct deal_names it)
{
    open(e, '[');
    for (uint32_t i = 0; i < it.count; i++) {
        string(e, it.items[i]);
    }
    close(e, ']');
}

static void quantity(struct emitter *e, const struct deal_quantity *it)
{
    open(e, '{');
    number_member(e, "count", it->count);
    text_member(e, "of", it->unit);
    close(e, '}');
}

static void value(struct emitter *e, const struct deal_value *it)
{
    switch (it->kind) {
    case DEAL_VALUE_NONE:
        null(e);
        break;
    case DEAL_VALUE_WORD:
    case DEAL_VALUE_NAME:
    case DEAL_VALUE_TEXT:
        string(e, it->as.text);
        break;
    case DEAL_VALUE_COUNT:
        next(e);
        oft_buffer_printf(e->out, "%llu", (unsigned long long)it->as.count);
        break;
    case DEAL_VALUE_RATE:
        wrapped(e, "percent", rate, it->as.rate_ppb);
        break;
    case DEAL_VALUE_AMOUNT:
        open(e, '{');
        key(e, "amount");
        amount(e, it->as.amount_nanos);
        close(e, '}');
        break;
    case DEAL_VALUE_INSTANT:
        wrapped(e, "instant", instant, it->as.instant);
        break;
    case DEAL_VALUE_END:
        end(e, &it->as.end);
        break;
    case DEAL_VALUE_CONDITION:
        condition(e, &it->as.condition);
        break;
    case DEAL_VALUE_DURATION:
        open(e, '{');
        duration_members(e, it->as.duration);
        close(e, '}');
        break;
    case DEAL_VALUE_TIMER:
        timer(e, &it->as.timer);
        break;
    case DEAL_VALUE_QUANTITY:
        quantity(e, &it->as.quantity);
        break;
    case DEAL_VALUE_INDEX:
        string(e, name_of(e->deal, it->symbol, it->as.index));
        break;
    case DEAL_VALUE_LIST:
        list(e, it->symbol, it->as.list);
        break;
    case DEAL_VALUE_NAMES:
        names(e, it->as.names);
        break;
    case DEAL_VALUE_WEIGHTED:
        weighted(e, &it->as.weighted);
        break;
    }
}

/* ---- clauses --------------------------------------------------------------------------------- */

/* Terms by name: an array of terms, each an array of its values; what is said once is there once. */
static void terms(struct emitter *e, struct deal_terms it)
{
    key(e, "terms");
    open(e, '{');
    for (int k = 0; k < DEAL_TERM_KEY_COUNT; k++) {
        if (deal_terms_find(it, (enum deal_term_key)k) == NULL) {
            continue;
        }
        key(e, deal_term_name((enum deal_term_key)k));
        open(e, '[');
        uint32_t from = 0;
        const struct deal_term *term;
        while ((term = deal_terms_next(it, (enum deal_term_key)k, &from)) != NULL) {
            open(e, '[');
            for (uint32_t i = 0; i < term->value_count; i++) {
                value(e, &term->values[i]);
            }
            close(e, ']');
        }
        close(e, ']');
    }
    close(e, '}');
}

static void residency(struct emitter *e, const struct deal_residency *it)
{
    static const char *const subjects[SYMBOL_KIND_COUNT] = {
        [SYMBOL_PRODUCT] = "products", [SYMBOL_ACCOUNT] = "accounts", [SYMBOL_GROUP] = "groups"};
    list_member(e, subjects[it->subject], it->subject, it->items);
    key(e, "regions");
    names(e, it->regions);
}

static void commit(struct emitter *e, const struct deal_commit *it)
{
    key(e, "amount");
    amount(e, it->amount_nanos);
    text_member(e, "provider", e->deal->providers[it->provider].name);
    key(e, "period_from");
    instant(e, it->period_from);
    key(e, "period_until");
    instant(e, it->period_until);
}

static void share(struct emitter *e, const struct deal_share *it)
{
    key(e, "percent");
    if (it->rate_ppb < 0) {
        null(e);
    } else {
        rate(e, it->rate_ppb);
    }
    if (it->base == DEAL_BASE_SHARE) {
        text_member(e, "of_share", e->deal->clauses[it->base_clause].id);
    } else {
        list_member(e, "revenue_from", SYMBOL_PRODUCT, it->products);
    }
    text_member(e, "payer", e->deal->parties[it->payer_party].name);
    text_member(e, "payee", e->deal->parties[it->payee_party].name);
}

static void head(struct emitter *e, const struct deal_clause *clause)
{
    const struct deal *d = e->deal;
    switch (clause->kind) {
    case DEAL_CLAUSE_EXCLUSIVE:
        list_member(e, "products", SYMBOL_PRODUCT, clause->as.exclusive.products);
        text_member(e, "provider", d->providers[clause->as.exclusive.provider].name);
        break;
    case DEAL_CLAUSE_RESIDENCY:
        residency(e, &clause->as.residency);
        break;
    case DEAL_CLAUSE_LICENSE:
        bool_member(e, "exclusive", clause->as.license.exclusive);
        list_member(e, "models", SYMBOL_MODEL, clause->as.license.models);
        text_member(e, "licensee", d->parties[clause->as.license.licensee_party].name);
        list_member(e, "products", SYMBOL_PRODUCT, clause->as.license.products);
        break;
    case DEAL_CLAUSE_PRIMARY:
        text_member(e, "provider", d->providers[clause->as.primary.provider].name);
        list_member(e, "products", SYMBOL_PRODUCT, clause->as.primary.products);
        break;
    case DEAL_CLAUSE_COMMIT:
        commit(e, &clause->as.commit);
        break;
    case DEAL_CLAUSE_ORDER:
        key(e, "quantity");
        quantity(e, &clause->as.order.quantity);
        text_member(e, "provider", d->providers[clause->as.order.provider].name);
        break;
    case DEAL_CLAUSE_SHARE:
        share(e, &clause->as.share);
        break;
    default:
        break;
    }
}

static void clause(struct emitter *e, const struct deal_clause *it)
{
    open(e, '{');
    text_member(e, "id", it->id);
    text_member(e, "agreement", e->deal->agreements[it->agreement].name);
    text_member(e, "kind", deal_clause_kind_text(it->kind));
    key(e, "from");
    instant(e, it->from);
    key(e, "until");
    end(e, &it->until);
    key(e, "ended_from");
    instant(e, it->superseded_from);
    key(e, "ended_by");
    if (it->superseded_by == NULL) {
        null(e);
    } else {
        string(e, it->superseded_by);
    }
    key(e, "amends");
    if (it->amends == DEAL_NONE) {
        null(e);
    } else {
        string(e, e->deal->clauses[it->amends].id);
    }
    head(e, it);
    terms(e, it->terms);
    number_member(e, "line", it->position.line);
    text_member(e, "file", e->deal->files[it->position.file].path);
    close(e, '}');
}

/* ---- the other rows -------------------------------------------------------------------------- */

static void named_rows(struct emitter *e, const char *name, const struct deal_named *rows,
                       uint32_t count)
{
    key(e, name);
    open(e, '[');
    for (uint32_t i = 0; i < count; i++) {
        open(e, '{');
        text_member(e, "name", rows[i].name);
        text_member(e, "title", rows[i].title);
        close(e, '}');
    }
    close(e, ']');
}

static void parties(struct emitter *e)
{
    key(e, "parties");
    open(e, '[');
    for (uint32_t i = 0; i < e->deal->party_count; i++) {
        open(e, '{');
        text_member(e, "name", e->deal->parties[i].name);
        text_member(e, "title", e->deal->parties[i].title);
        bool_member(e, "has_key", e->deal->parties[i].has_key);
        close(e, '}');
    }
    close(e, ']');
    key(e, "providers");
    open(e, '[');
    for (uint32_t i = 0; i < e->deal->provider_count; i++) {
        open(e, '{');
        text_member(e, "name", e->deal->providers[i].name);
        text_member(e, "title", e->deal->providers[i].title);
        text_member(e, "party", e->deal->parties[e->deal->providers[i].party].name);
        close(e, '}');
    }
    close(e, ']');
}

static void products(struct emitter *e)
{
    static const char *const classes[] = {"inference", "training", "research"};
    key(e, "products");
    open(e, '[');
    for (uint32_t i = 0; i < e->deal->product_count; i++) {
        const struct deal_product *it = &e->deal->products[i];
        open(e, '{');
        text_member(e, "name", it->name);
        text_member(e, "title", it->title);
        text_member(e, "class", classes[it->product_class]);
        text_member(e, "owner", e->deal->parties[it->owner_party].name);
        if (it->field != DEAL_NONE) {
            text_member(e, "field", e->deal->fields[it->field].name);
        }
        close(e, '}');
    }
    close(e, ']');
}

static void models_accounts_events(struct emitter *e)
{
    const struct deal *d = e->deal;
    key(e, "models");
    open(e, '[');
    for (uint32_t i = 0; i < d->model_count; i++) {
        string(e, d->models[i].name);
    }
    close(e, ']');
    key(e, "accounts");
    open(e, '[');
    for (uint32_t i = 0; i < d->account_count; i++) {
        open(e, '{');
        text_member(e, "name", d->accounts[i].name);
        text_member(e, "title", d->accounts[i].title);
        list_member(e, "groups", SYMBOL_GROUP, d->accounts[i].groups);
        if (d->accounts[i].surface != DEAL_NONE) {
            text_member(e, "surface", d->surfaces[d->accounts[i].surface].name);
        }
        close(e, '}');
    }
    close(e, ']');
    key(e, "events");
    open(e, '[');
    for (uint32_t i = 0; i < d->event_count; i++) {
        open(e, '{');
        text_member(e, "name", d->events[i].name);
        text_member(e, "title", d->events[i].title);
        text_member(e, "attester", d->parties[d->events[i].attester_party].name);
        close(e, '}');
    }
    close(e, ']');
}

static void prices(struct emitter *e)
{
    static const char *const units[DEAL_UNIT_COUNT] = {"input",     "cached", "cache_write",
                                                       "output",    "reasoning", "audio",
                                                       "image",     "request"};
    key(e, "prices");
    open(e, '[');
    for (uint32_t i = 0; i < e->deal->price_count; i++) {
        const struct deal_price *it = &e->deal->prices[i];
        open(e, '{');
        text_member(e, "id", it->id);
        text_member(e, it->is_sale ? "product" : "pool",
                    it->is_sale ? e->deal->products[it->owner].name
                                : e->deal->pools[it->owner].name);
        text_member(e, "model", name_of(e->deal, SYMBOL_MODEL, it->model));
        key(e, "from");
        instant(e, it->from);
        key(e, "until");
        end(e, &it->until);
        key(e, "per_million");
        open(e, '{');
        for (int unit = 0; unit < DEAL_UNIT_COUNT; unit++) {
            key(e, units[unit]);
            amount(e, it->per_million_nanos[unit]);
        }
        close(e, '}');
        close(e, '}');
    }
    close(e, ']');
}

static void serves(struct emitter *e, uint32_t pool)
{
    key(e, "serves");
    open(e, '[');
    for (uint32_t i = 0; i < e->deal->serve_count; i++) {
        const struct deal_serve *it = &e->deal->serves[i];
        if (it->pool == pool) {
            open(e, '{');
            text_member(e, "model", e->deal->models[it->model].name);
            text_member(e, "upstream_model", it->upstream_model);
            bool_member(e, "tls", it->tls);
            text_member(e, "host", it->host);
            number_member(e, "port", it->port);
            text_member(e, "path_prefix", it->path_prefix);
            text_member(e, "kind", it->kind == DEAL_KIND_AZURE_OPENAI ? "azure-openai" : "openai");
            close(e, '}');
        }
    }
    close(e, ']');
}

static void pools(struct emitter *e)
{
    key(e, "pools");
    open(e, '[');
    for (uint32_t i = 0; i < e->deal->pool_count; i++) {
        const struct deal_pool *it = &e->deal->pools[i];
        open(e, '{');
        text_member(e, "name", it->name);
        text_member(e, "title", it->title);
        text_member(e, "provider", e->deal->providers[it->provider].name);
        text_member(e, "region", it->region);
        text_member(e, "accelerator", it->accelerator);
        number_member(e, "accelerator_count", it->accelerator_count);
        bool_member(e, "reserved", it->reserved);
        number_member(e, "requests_per_minute", it->requests_per_minute);
        number_member(e, "tokens_per_minute", it->tokens_per_minute);
        key(e, "from");
        instant(e, it->from);
        key(e, "until");
        end(e, &it->until);
        serves(e, i);
        close(e, '}');
    }
    close(e, ']');
}

static void agreements(struct emitter *e)
{
    key(e, "agreements");
    open(e, '[');
    for (uint32_t i = 0; i < e->deal->agreement_count; i++) {
        const struct deal_agreement *it = &e->deal->agreements[i];
        open(e, '{');
        text_member(e, "name", it->name);
        text_member(e, "title", it->title);
        text_member(e, "with", e->deal->parties[it->party].name);
        key(e, "effective");
        instant(e, it->effective);
        key(e, "until");
        end(e, &it->until);
        close(e, '}');
    }
    close(e, ']');
    key(e, "clauses");
    open(e, '[');
    for (uint32_t i = 0; i < e->deal->clause_count; i++) {
        clause(e, &e->deal->clauses[i]);
    }
    close(e, ']');
}

static void funders(struct emitter *e, const struct deal_programme *it)
{
    static const char *const statuses[] = {"proposed", "committed", "called", "paid"};
    key(e, "funders");
    open(e, '[');
    for (uint32_t i = 0; i < it->funder_count; i++) {
        open(e, '{');
        text_member(e, "party", e->deal->parties[it->funders[i].party].name);
        key(e, "percent");
        rate(e, it->funders[i].share_ppb);
        text_member(e, "status", statuses[it->funders[i].status]);
        text_member(e, "role", it->funders[i].role);
        close(e, '}');
    }
    close(e, ']');
}

static void programme(struct emitter *e, const struct deal_programme *it)
{
    open(e, '{');
    text_member(e, "name", it->name);
    text_member(e, "title", it->title);
    key(e, "total");
    amount(e, it->total_nanos);
    key(e, "from");
    instant(e, it->from);
    key(e, "until");
    instant(e, it->until);
    key(e, "tranches");
    open(e, '[');
    for (uint32_t i = 0; i < it->tranche_count; i++) {
        open(e, '{');
        text_member(e, "name", it->tranches[i].name);
        key(e, "amount");
        amount(e, it->tranches[i].amount_nanos);
        key(e, "from");
        instant(e, it->tranches[i].from);
        close(e, '}');
    }
    close(e, ']');
    key(e, "calls");
    open(e, '[');
    for (uint32_t i = 0; i < it->call_count; i++) {
        open(e, '{');
        key(e, "amount");
        amount(e, it->calls[i].amount_nanos);
        key(e, "on");
        instant(e, it->calls[i].on);
        key(e, "due");
        instant(e, it->calls[i].due);
        close(e, '}');
    }
    close(e, ']');
    funders(e, it);
    list_member(e, "technology", SYMBOL_PARTY, it->technology_parties);
    close(e, '}');
}

void deal_emit_json(const struct deal *deal, struct oft_buffer *out)
{
    struct emitter e = {.deal = deal, .out = out};
    open(&e, '{');
    number_member(&e, "format", 1);
    text_member(&e, "title", deal->title);
    text_member(&e, "customer", deal->parties[deal->customer_party].name);
    text_member(&e, "currency", deal->currency);
    parties(&e);
    named_rows(&e, "groups", deal->groups, deal->group_count);
    named_rows(&e, "surfaces", deal->surfaces, deal->surface_count);
    named_rows(&e, "fields", deal->fields, deal->field_count);
    named_rows(&e, "deductions", deal->deductions, deal->deduction_count);
    products(&e);
    models_accounts_events(&e);
    prices(&e);
    pools(&e);
    agreements(&e);
    key(&e, "programmes");
    open(&e, '[');
    for (uint32_t i = 0; i < deal->programme_count; i++) {
        programme(&e, &deal->programmes[i]);
    }
    close(&e, ']');
    close(&e, '}');
    oft_buffer_append_char(out, '\n');
}
