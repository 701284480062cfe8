/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A finished deal as one JSON document, for programs that want the terms and not the words: `offtake
 * check --emit json`. docs/schema/deal.schema.json describes it. How values look is in emit_values.c.
 */
#include "deal/emit.h"

/* ---- clauses --------------------------------------------------------------------------------- */

/* Terms by name: an array of terms, each an array of its values; what is said once is there once. */
static void emit_terms(struct emitter *e, struct deal_terms it)
{
    emit_key(e, "terms");
    emit_open(e, '{');
    for (int k = 0; k < DEAL_TERM_KEY_COUNT; k++) {
        if (deal_terms_find(it, (enum deal_term_key)k) == NULL) {
            continue;
        }
        emit_key(e, deal_term_name((enum deal_term_key)k));
        emit_open(e, '[');
        uint32_t from = 0;
        const struct deal_term *term;
        while ((term = deal_terms_next(it, (enum deal_term_key)k, &from)) != NULL) {
            emit_open(e, '[');
            for (uint32_t i = 0; i < term->value_count; i++) {
                emit_value(e, &term->values[i]);
            }
            emit_close(e, ']');
        }
        emit_close(e, ']');
    }
    emit_close(e, '}');
}

static void emit_residency(struct emitter *e, const struct deal_residency *it)
{
    static const char *const subjects[SYMBOL_KIND_COUNT] = {
        [SYMBOL_PRODUCT] = "products", [SYMBOL_ACCOUNT] = "accounts", [SYMBOL_GROUP] = "groups"};
    emit_list_member(e, subjects[it->subject], it->subject, it->items);
    emit_key(e, "regions");
    emit_names(e, it->regions);
}

static void emit_commit(struct emitter *e, const struct deal_commit *it)
{
    emit_key(e, "amount");
    emit_amount(e, it->amount_nanos);
    emit_text_member(e, "provider", e->deal->providers[it->provider].name);
    emit_key(e, "period_from");
    emit_instant(e, it->period_from);
    emit_key(e, "period_until");
    emit_instant(e, it->period_until);
}

static void emit_share(struct emitter *e, const struct deal_share *it)
{
    emit_key(e, "percent");
    if (it->rate_ppb < 0) {
        emit_null(e);
    } else {
        emit_rate(e, it->rate_ppb);
    }
    if (it->base == DEAL_BASE_SHARE) {
        emit_text_member(e, "of_share", e->deal->clauses[it->base_clause].id);
    } else {
        emit_list_member(e, "revenue_from", SYMBOL_PRODUCT, it->products);
    }
    emit_text_member(e, "payer", e->deal->parties[it->payer_party].name);
    emit_text_member(e, "payee", e->deal->parties[it->payee_party].name);
}

static void emit_head(struct emitter *e, const struct deal_clause *clause)
{
    const struct deal *d = e->deal;
    switch (clause->kind) {
    case DEAL_CLAUSE_EXCLUSIVE:
        emit_list_member(e, "products", SYMBOL_PRODUCT, clause->as.exclusive.products);
        emit_text_member(e, "provider", d->providers[clause->as.exclusive.provider].name);
        break;
    case DEAL_CLAUSE_RESIDENCY:
        emit_residency(e, &clause->as.residency);
        break;
    case DEAL_CLAUSE_LICENSE:
        emit_bool_member(e, "exclusive", clause->as.license.exclusive);
        emit_list_member(e, "models", SYMBOL_MODEL, clause->as.license.models);
        emit_text_member(e, "licensee", d->parties[clause->as.license.licensee_party].name);
        emit_list_member(e, "products", SYMBOL_PRODUCT, clause->as.license.products);
        break;
    case DEAL_CLAUSE_PRIMARY:
        emit_text_member(e, "provider", d->providers[clause->as.primary.provider].name);
        emit_list_member(e, "products", SYMBOL_PRODUCT, clause->as.primary.products);
        break;
    case DEAL_CLAUSE_COMMIT:
        emit_commit(e, &clause->as.commit);
        break;
    case DEAL_CLAUSE_ORDER:
        emit_key(e, "quantity");
        emit_quantity(e, &clause->as.order.quantity);
        emit_text_member(e, "provider", d->providers[clause->as.order.provider].name);
        break;
    case DEAL_CLAUSE_SHARE:
        emit_share(e, &clause->as.share);
        break;
    case DEAL_CLAUSE_CEILING:
        emit_key(e, "amount");
        emit_amount(e, clause->as.ceiling.amount_nanos);
        emit_text_member(e, "per", clause->as.ceiling.period == DEAL_BUDGET_DAY ? "day" : "month");
        emit_text_member(e, "provider", d->providers[clause->as.ceiling.provider].name);
        break;
    default:
        break;
    }
}

static void emit_clause(struct emitter *e, const struct deal_clause *it)
{
    emit_open(e, '{');
    emit_text_member(e, "id", it->id);
    emit_text_member(e, "agreement", e->deal->agreements[it->agreement].name);
    emit_text_member(e, "kind", deal_clause_kind_text(it->kind));
    emit_key(e, "from");
    emit_instant(e, it->from);
    emit_key(e, "until");
    emit_end(e, &it->until);
    emit_key(e, "ended_from");
    emit_instant(e, it->superseded_from);
    emit_key(e, "ended_by");
    if (it->superseded_by == NULL) {
        emit_null(e);
    } else {
        emit_string(e, it->superseded_by);
    }
    emit_key(e, "amends");
    if (it->amends == DEAL_NONE) {
        emit_null(e);
    } else {
        emit_string(e, e->deal->clauses[it->amends].id);
    }
    emit_head(e, it);
    emit_terms(e, it->terms);
    emit_number_member(e, "line", it->position.line);
    emit_text_member(e, "file", e->deal->files[it->position.file].path);
    emit_close(e, '}');
}

/* ---- the other rows -------------------------------------------------------------------------- */

static void emit_named_rows(struct emitter *e, const char *name, const struct deal_named *rows,
                            uint32_t count)
{
    emit_key(e, name);
    emit_open(e, '[');
    for (uint32_t i = 0; i < count; i++) {
        emit_open(e, '{');
        emit_text_member(e, "name", rows[i].name);
        emit_text_member(e, "title", rows[i].title);
        emit_close(e, '}');
    }
    emit_close(e, ']');
}

static void emit_persons(struct emitter *e)
{
    emit_key(e, "persons");
    emit_open(e, '[');
    for (uint32_t i = 0; i < e->deal->person_count; i++) {
        emit_open(e, '{');
        emit_text_member(e, "name", e->deal->persons[i].name);
        emit_text_member(e, "title", e->deal->persons[i].title);
        emit_close(e, '}');
    }
    emit_close(e, ']');
}

static void emit_parties(struct emitter *e)
{
    emit_key(e, "parties");
    emit_open(e, '[');
    for (uint32_t i = 0; i < e->deal->party_count; i++) {
        emit_open(e, '{');
        emit_text_member(e, "name", e->deal->parties[i].name);
        emit_text_member(e, "title", e->deal->parties[i].title);
        emit_bool_member(e, "has_key", e->deal->parties[i].has_key);
        emit_close(e, '}');
    }
    emit_close(e, ']');
    emit_key(e, "providers");
    emit_open(e, '[');
    for (uint32_t i = 0; i < e->deal->provider_count; i++) {
        emit_open(e, '{');
        emit_text_member(e, "name", e->deal->providers[i].name);
        emit_text_member(e, "title", e->deal->providers[i].title);
        emit_text_member(e, "party", e->deal->parties[e->deal->providers[i].party].name);
        emit_close(e, '}');
    }
    emit_close(e, ']');
}

/* Limits always (0: none), budgets where there are any. */
static void emit_limits(struct emitter *e, const struct deal_limits *limits)
{
    static const char *const budgets[DEAL_BUDGET_PERIOD_COUNT] = {"budget_per_day",
                                                                  "budget_per_month"};
    emit_number_member(e, "requests_per_minute", limits->requests_per_minute);
    emit_number_member(e, "tokens_per_minute", limits->tokens_per_minute);
    emit_number_member(e, "concurrent_requests", limits->concurrent);
    for (int period = 0; period < DEAL_BUDGET_PERIOD_COUNT; period++) {
        if (limits->budget_nanos[period] > 0) {
            emit_key(e, budgets[period]);
            emit_amount(e, limits->budget_nanos[period]);
        }
    }
}

static void emit_products(struct emitter *e)
{
    static const char *const classes[] = {"inference", "training", "research"};
    emit_key(e, "products");
    emit_open(e, '[');
    for (uint32_t i = 0; i < e->deal->product_count; i++) {
        const struct deal_product *it = &e->deal->products[i];
        emit_open(e, '{');
        emit_text_member(e, "name", it->name);
        emit_text_member(e, "title", it->title);
        emit_text_member(e, "class", classes[it->product_class]);
        emit_text_member(e, "owner", e->deal->parties[it->owner_party].name);
        if (it->field != DEAL_NONE) {
            emit_text_member(e, "field", e->deal->fields[it->field].name);
        }
        emit_limits(e, &it->limits);
        if (it->passes.count > 0) {
            emit_key(e, "passthrough");
            emit_open(e, '[');
            for (uint32_t k = 0; k < it->passes.count; k++) {
                emit_string(e, it->passes.items[k]);
            }
            emit_close(e, ']');
        }
        emit_close(e, '}');
    }
    emit_close(e, ']');
}

/* Left out when no model has one. */
static void emit_output_limits(struct emitter *e)
{
    bool any = false;
    for (uint32_t i = 0; i < e->deal->model_count; i++) {
        const struct deal_model *it = &e->deal->models[i];
        if (it->output_tokens_max == 0) {
            continue;
        }
        if (!any) {
            emit_key(e, "output_limits");
            emit_open(e, '[');
        }
        any = true;
        emit_open(e, '{');
        emit_text_member(e, "model", it->name);
        emit_number_member(e, "tokens", it->output_tokens_max);
        emit_close(e, '}');
    }
    if (any) {
        emit_close(e, ']');
    }
}

static void emit_models_accounts_events(struct emitter *e)
{
    const struct deal *d = e->deal;
    emit_key(e, "models");
    emit_open(e, '[');
    for (uint32_t i = 0; i < d->model_count; i++) {
        emit_string(e, d->models[i].name);
    }
    emit_close(e, ']');
    emit_output_limits(e);
    emit_key(e, "accounts");
    emit_open(e, '[');
    for (uint32_t i = 0; i < d->account_count; i++) {
        emit_open(e, '{');
        emit_text_member(e, "name", d->accounts[i].name);
        emit_text_member(e, "title", d->accounts[i].title);
        emit_list_member(e, "groups", SYMBOL_GROUP, d->accounts[i].groups);
        if (d->accounts[i].surface != DEAL_NONE) {
            emit_text_member(e, "surface", d->surfaces[d->accounts[i].surface].name);
        }
        emit_limits(e, &d->accounts[i].limits);
        emit_close(e, '}');
    }
    emit_close(e, ']');
    emit_key(e, "events");
    emit_open(e, '[');
    for (uint32_t i = 0; i < d->event_count; i++) {
        emit_open(e, '{');
        emit_text_member(e, "name", d->events[i].name);
        emit_text_member(e, "title", d->events[i].title);
        emit_text_member(e, "attester", d->parties[d->events[i].attester_party].name);
        emit_close(e, '}');
    }
    emit_close(e, ']');
}

static void emit_per_million(struct emitter *e, const oft_nanos *per_million_nanos)
{
    static const char *const units[DEAL_UNIT_COUNT] = {
        "input", "cached", "cache_write", "output", "reasoning", "audio", "image", "request"};
    emit_key(e, "per_million");
    emit_open(e, '{');
    for (int unit = 0; unit < DEAL_UNIT_COUNT; unit++) {
        emit_key(e, units[unit]);
        emit_amount(e, per_million_nanos[unit]);
    }
    emit_close(e, '}');
}

static void emit_price_steps(struct emitter *e, const struct deal_price *price)
{
    emit_key(e, "steps");
    emit_open(e, '[');
    for (uint32_t i = 0; i < price->step_count; i++) {
        emit_open(e, '{');
        emit_number_member(e, "after", price->steps[i].after);
        emit_per_million(e, price->steps[i].per_million_nanos);
        emit_close(e, '}');
    }
    emit_close(e, ']');
}

static void emit_prices(struct emitter *e)
{
    emit_key(e, "prices");
    emit_open(e, '[');
    for (uint32_t i = 0; i < e->deal->price_count; i++) {
        const struct deal_price *it = &e->deal->prices[i];
        emit_open(e, '{');
        emit_text_member(e, "id", it->id);
        emit_text_member(e, it->is_sale ? "product" : "pool",
                         it->is_sale ? e->deal->products[it->owner].name
                                     : e->deal->pools[it->owner].name);
        emit_text_member(e, "model", emit_name_of(e->deal, SYMBOL_MODEL, it->model));
        emit_key(e, "from");
        emit_instant(e, it->from);
        emit_key(e, "until");
        emit_end(e, &it->until);
        emit_text_member(e, "variant", deal_variant_text(it->variant));
        emit_number_member(e, "above_tokens", it->above_tokens);
        emit_per_million(e, it->per_million_nanos);
        emit_price_steps(e, it);
        emit_close(e, '}');
    }
    emit_close(e, ']');
}

static void emit_serves(struct emitter *e, uint32_t pool)
{
    emit_key(e, "serves");
    emit_open(e, '[');
    for (uint32_t i = 0; i < e->deal->serve_count; i++) {
        const struct deal_serve *it = &e->deal->serves[i];
        if (it->pool == pool) {
            emit_open(e, '{');
            emit_text_member(e, "model", e->deal->models[it->model].name);
            emit_text_member(e, "upstream_model", it->upstream_model);
            emit_bool_member(e, "tls", it->tls);
            emit_text_member(e, "host", it->host);
            emit_number_member(e, "port", it->port);
            emit_text_member(e, "path_prefix", it->path_prefix);
            emit_text_member(e, "kind", deal_kind_text(it->kind));
            if (it->signing_region[0] != '\0') {
                emit_text_member(e, "signing_region", it->signing_region);
            }
            emit_number_member(e, "key_count", it->keys.count);
            emit_close(e, '}');
        }
    }
    emit_close(e, ']');
}

static void emit_flats(struct emitter *e, uint32_t pool)
{
    emit_key(e, "flat");
    emit_open(e, '[');
    for (uint32_t i = 0; i < e->deal->flat_count; i++) {
        const struct deal_flat *it = &e->deal->flats[i];
        if (it->pool == pool) {
            emit_open(e, '{');
            emit_text_member(e, "id", it->id);
            emit_key(e, "per_month");
            emit_amount(e, it->per_month_nanos);
            emit_key(e, "from");
            emit_instant(e, it->from);
            emit_key(e, "until");
            emit_end(e, &it->until);
            emit_close(e, '}');
        }
    }
    emit_close(e, ']');
}

static void emit_pools(struct emitter *e)
{
    emit_key(e, "pools");
    emit_open(e, '[');
    for (uint32_t i = 0; i < e->deal->pool_count; i++) {
        const struct deal_pool *it = &e->deal->pools[i];
        emit_open(e, '{');
        emit_text_member(e, "name", it->name);
        emit_text_member(e, "title", it->title);
        emit_text_member(e, "provider", e->deal->providers[it->provider].name);
        emit_text_member(e, "region", it->region);
        emit_text_member(e, "accelerator", it->accelerator);
        emit_number_member(e, "accelerator_count", it->accelerator_count);
        emit_bool_member(e, "reserved", it->reserved);
        emit_bool_member(e, "marketplace", it->marketplace);
        emit_limits(e, &it->limits);
        if (it->health_url != NULL) {
            emit_text_member(e, "health_url", it->health_url);
            emit_number_member(e, "health_every_ms", it->health_every_ms);
        }
        emit_key(e, "from");
        emit_instant(e, it->from);
        emit_key(e, "until");
        emit_end(e, &it->until);
        emit_flats(e, i);
        emit_serves(e, i);
        emit_close(e, '}');
    }
    emit_close(e, ']');
}

static void emit_agreements(struct emitter *e)
{
    emit_key(e, "agreements");
    emit_open(e, '[');
    for (uint32_t i = 0; i < e->deal->agreement_count; i++) {
        const struct deal_agreement *it = &e->deal->agreements[i];
        emit_open(e, '{');
        emit_text_member(e, "name", it->name);
        emit_text_member(e, "title", it->title);
        emit_text_member(e, "with", e->deal->parties[it->party].name);
        emit_key(e, "effective");
        emit_instant(e, it->effective);
        emit_key(e, "until");
        emit_end(e, &it->until);
        emit_close(e, '}');
    }
    emit_close(e, ']');
    emit_key(e, "clauses");
    emit_open(e, '[');
    for (uint32_t i = 0; i < e->deal->clause_count; i++) {
        emit_clause(e, &e->deal->clauses[i]);
    }
    emit_close(e, ']');
}

static void emit_funders(struct emitter *e, const struct deal_programme *it)
{
    static const char *const statuses[] = {"proposed", "committed", "called", "paid"};
    emit_key(e, "funders");
    emit_open(e, '[');
    for (uint32_t i = 0; i < it->funder_count; i++) {
        emit_open(e, '{');
        emit_text_member(e, "party", e->deal->parties[it->funders[i].party].name);
        emit_key(e, "percent");
        emit_rate(e, it->funders[i].share_ppb);
        emit_text_member(e, "status", statuses[it->funders[i].status]);
        emit_text_member(e, "role", it->funders[i].role);
        emit_close(e, '}');
    }
    emit_close(e, ']');
}

static void emit_programme(struct emitter *e, const struct deal_programme *it)
{
    emit_open(e, '{');
    emit_text_member(e, "name", it->name);
    emit_text_member(e, "title", it->title);
    emit_key(e, "total");
    emit_amount(e, it->total_nanos);
    emit_key(e, "from");
    emit_instant(e, it->from);
    emit_key(e, "until");
    emit_instant(e, it->until);
    emit_key(e, "tranches");
    emit_open(e, '[');
    for (uint32_t i = 0; i < it->tranche_count; i++) {
        emit_open(e, '{');
        emit_text_member(e, "name", it->tranches[i].name);
        emit_key(e, "amount");
        emit_amount(e, it->tranches[i].amount_nanos);
        emit_key(e, "from");
        emit_instant(e, it->tranches[i].from);
        emit_close(e, '}');
    }
    emit_close(e, ']');
    emit_key(e, "calls");
    emit_open(e, '[');
    for (uint32_t i = 0; i < it->call_count; i++) {
        emit_open(e, '{');
        emit_key(e, "amount");
        emit_amount(e, it->calls[i].amount_nanos);
        emit_key(e, "on");
        emit_instant(e, it->calls[i].on);
        emit_key(e, "due");
        emit_instant(e, it->calls[i].due);
        emit_close(e, '}');
    }
    emit_close(e, ']');
    emit_funders(e, it);
    emit_list_member(e, "technology", SYMBOL_PARTY, it->technology_parties);
    emit_close(e, '}');
}

void deal_emit_json(const struct deal *deal, struct oft_buffer *out)
{
    struct emitter e = {.deal = deal, .out = out};
    emit_open(&e, '{');
    emit_number_member(&e, "format", 1);
    emit_text_member(&e, "title", deal->title);
    emit_text_member(&e, "customer", deal->parties[deal->customer_party].name);
    emit_text_member(&e, "currency", deal->currency);
    if (deal->statements_in[0] != '\0') {
        emit_text_member(&e, "statements_in", deal->statements_in);
    }
    emit_parties(&e);
    emit_named_rows(&e, "groups", deal->groups, deal->group_count);
    emit_named_rows(&e, "surfaces", deal->surfaces, deal->surface_count);
    emit_named_rows(&e, "fields", deal->fields, deal->field_count);
    emit_named_rows(&e, "deductions", deal->deductions, deal->deduction_count);
    if (deal->person_count > 0) {
        emit_persons(&e);
    }
    emit_products(&e);
    emit_models_accounts_events(&e);
    emit_prices(&e);
    emit_pools(&e);
    emit_agreements(&e);
    emit_key(&e, "programmes");
    emit_open(&e, '[');
    for (uint32_t i = 0; i < deal->programme_count; i++) {
        emit_programme(&e, &deal->programmes[i]);
    }
    emit_close(&e, ']');
    emit_close(&e, '}');
    oft_buffer_append_char(out, '\n');
}
