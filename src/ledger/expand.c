/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cells into series: what ran (usage), what is owed for it by the customer's account (sale) and to
 * the pool's provider (cost), and what those amounts are a base of (shares and commitments). Bases
 * are kept in millionths of a nano-unit, which is exact; nothing is rounded here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/internal.h"

/* Equal keys are equal bytes: no padding, text padded with zeros. */
_Static_assert(sizeof(struct ledger_series_key) == 48 + 5 * 64 + LEDGER_NAME_BYTES,
               "a key is compared and hashed as bytes");

static uint64_t series_hash(const void *items, size_t item)
{
    const struct ledger_series *series = (const struct ledger_series *)items + item;
    uint64_t words[sizeof(series->key) / 8];
    memcpy(words, &series->key, sizeof(words));
    uint64_t state = UINT64_C(0x243f6a8885a308d3);
    for (size_t i = 0; i < OFT_COUNT_OF(words); i++) {
        state = (state ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
        state ^= state >> 29;
    }
    return state;
}

static enum oft_err series_find(struct ledger_batch *batch, const struct ledger_series *wanted,
                                size_t *ret_index)
{
    struct ledger_index *index = &batch->series_index;
    if (ledger_index_grow(index, batch->series_count, batch->series, series_hash) != OFT_OK) {
        return OFT_ERR_MEMORY;
    }
    uint64_t slot = series_hash(wanted, 0) & index->mask;
    for (; index->slots[slot] != 0; slot = (slot + 1) & index->mask) {
        size_t found = index->slots[slot] - 1;
        if (memcmp(&batch->series[found].key, &wanted->key, sizeof(wanted->key)) == 0) {
            *ret_index = found;
            return OFT_OK;
        }
    }
    if (batch->series_count == batch->series_capacity) {
        size_t capacity = batch->series_capacity == 0 ? 128 : 2 * batch->series_capacity;
        struct ledger_series *series = realloc(batch->series, capacity * sizeof(*series));
        if (series == NULL) {
            return OFT_ERR_MEMORY;
        }
        batch->series = series;
        batch->series_capacity = capacity;
    }
    batch->series[batch->series_count] = *wanted;
    *ret_index = batch->series_count++;
    index->slots[slot] = (uint32_t)batch->series_count;
    return OFT_OK;
}

/* Where a series of its own month may stand: there, or as late there or in the first open month. */
static void place(const struct ledger_periods *periods, struct ledger_series_key *key)
{
    if (key->month >= periods->soft_until) {
        return;
    }
    key->for_month = key->month;
    if (key->month < periods->closed_until) {
        key->month = periods->soft_until;
    }
}

enum oft_err ledger_series_add(struct ledger_batch *batch, const struct ledger_series *wanted,
                               oft_nanos quantity, oft_nanos exact, size_t *ret_index)
{
    enum oft_err err;
    if (wanted->key.month < batch->periods.soft_until) {
        struct ledger_series late = *wanted;
        place(&batch->periods, &late.key);
        err = series_find(batch, &late, ret_index);
    } else {
        err = series_find(batch, wanted, ret_index);
    }
    if (err != OFT_OK) {
        return err;
    }
    struct ledger_series *series = &batch->series[*ret_index];
    err = oft_nanos_add(series->quantity, quantity, &series->quantity);
    return err != OFT_OK ? err : oft_nanos_add(series->exact, exact, &series->exact);
}

/* A cell with its ids resolved. */
struct resolved {
    const struct ledger_cell *cell;
    const struct deal *deal;
    uint32_t account, product, model, pool;
    uint32_t provider; /* of the pool, or DEAL_NONE */
};

enum oft_err ledger_put_name(char *out, size_t size, const char *name)
{
    size_t length = strlen(name);
    if (length >= size) {
        return OFT_ERR_LIMIT;
    }
    memcpy(out, name, length + 1);
    return OFT_OK;
}

/* The name of an id; "" for none and "?hex" for what the deal does not know. */
static enum oft_err put_id(char *out, size_t size, uint64_t id, const char *name)
{
    if (name != NULL) {
        return ledger_put_name(out, size, name);
    }
    if (id != 0) {
        (void)snprintf(out, size, "?%016llx", (unsigned long long)id);
    }
    return OFT_OK;
}

/* A request that names no model (a file, a batch) is priced by the "*" line and, without one, costs
 * nothing; one whose model the deal does not know cannot be rated. */
static bool is_bare(const struct resolved *to)
{
    return to->cell->model == 0;
}

static const char *model_name(const struct resolved *to)
{
    return to->model == DEAL_NONE ? "*" : to->deal->models[to->model].name;
}

static struct resolved resolve(const struct ledger_cell *cell)
{
    const struct ledger_context *context = cell->context;
    struct resolved to = {
        .cell = cell,
        .deal = context->deal,
        .account = ledger_id_find(&context->accounts, cell->account),
        .product = ledger_id_find(&context->products, cell->product),
        .model = ledger_id_find(&context->models, cell->model),
        .pool = ledger_id_find(&context->pools, cell->pool),
        .provider = DEAL_NONE,
    };
    if (to.pool != DEAL_NONE) {
        to.provider = to.deal->pools[to.pool].provider;
    }
    return to;
}

static const char *provider_party(const struct resolved *to)
{
    return to->provider == DEAL_NONE
               ? ""
               : to->deal->parties[to->deal->providers[to->provider].party].name;
}

static enum oft_err expand_usage(struct ledger_batch *batch, const struct resolved *to)
{
    const struct ledger_cell *cell = to->cell;
    const struct deal *deal = to->deal;
    uint32_t clause = ledger_id_find(&cell->context->clauses, cell->clause);
    struct ledger_series wanted = {.parent = SIZE_MAX, .cap_nanos = -1};
    struct ledger_series_key *key = &wanted.key;
    key->kind = LEDGER_USAGE;
    key->month = cell->month;
    key->outcome = cell->outcome;
    if (put_id(key->account, sizeof(key->account), cell->account,
               to->account == DEAL_NONE ? NULL : deal->accounts[to->account].name) != OFT_OK ||
        put_id(key->product, sizeof(key->product), cell->product,
               to->product == DEAL_NONE ? NULL : deal->products[to->product].name) != OFT_OK ||
        put_id(key->model, sizeof(key->model), cell->model,
               to->model == DEAL_NONE ? NULL : deal->models[to->model].name) != OFT_OK ||
        put_id(key->pool, sizeof(key->pool), cell->pool,
               to->pool == DEAL_NONE ? NULL : deal->pools[to->pool].name) != OFT_OK ||
        put_id(key->clause, sizeof(key->clause), cell->clause,
               clause == DEAL_NONE ? NULL : cell->context->clause_names[clause]) != OFT_OK ||
        LEDGER_PUT_NAME(key->party, provider_party(to)) != OFT_OK) {
        return OFT_ERR_LIMIT;
    }
    size_t index;
    oft_nanos requests = (oft_nanos)cell->requests;
    enum oft_err err =
        ledger_series_add(batch, &wanted, cell->reversed ? -requests : requests, 0, &index);
    if (err != OFT_OK) {
        return err;
    }
    for (size_t i = 0; i < METER_UNITS; i++) {
        int64_t *units = &batch->series[index].units[i];
        if (cell->reversed ? __builtin_sub_overflow(*units, cell->units[i], units)
                           : __builtin_add_overflow(*units, cell->units[i], units)) {
            return OFT_ERR_RANGE;
        }
    }
    return OFT_OK;
}

static enum oft_err direct_share(const struct deal *deal, const struct deal_share *share,
                                 struct ledger_series_key *key)
{
    uint32_t other = share->payee_party;
    key->outcome = LEDGER_MEMO;
    if (share->payer_party == deal->customer_party) {
        key->outcome = LEDGER_PAID;
    } else if (share->payee_party == deal->customer_party) {
        key->outcome = LEDGER_RECEIVED;
        other = share->payer_party;
    }
    return LEDGER_PUT_NAME(key->party, deal->parties[other].name);
}

/* The series that has the amount of a plain share. */
static enum oft_err add_money(struct ledger_batch *batch, const struct ledger_series *wanted,
                              size_t *ret_money)
{
    enum oft_err err = ledger_series_add(batch, wanted, 0, 0, ret_money);
    struct ledger_series *money = err == OFT_OK ? &batch->series[*ret_money] : NULL;
    if (money != NULL && money->generation < wanted->generation) { /* the newest deal's cap holds */
        money->generation = wanted->generation;
        money->cap_nanos = wanted->cap_nanos;
    }
    return err;
}

/* EXACT more revenue of the cell's product is base of one share. */
static enum oft_err expand_share(struct ledger_batch *batch, const struct resolved *to,
                                 const struct deal_clause *clause, oft_nanos exact)
{
    const struct deal_share *share = &clause->as.share;
    struct ledger_series wanted = {.parent = SIZE_MAX, .cap_nanos = share->total_cap_nanos};
    wanted.generation = to->cell->context->generation;
    wanted.key.kind = LEDGER_SHARE;
    wanted.key.month = to->cell->month;
    wanted.key.rate = share->rate_ppb > 0 ? share->rate_ppb : 0; /* bands are no rate */
    enum oft_err err = direct_share(to->deal, share, &wanted.key);
    if (err == OFT_OK) {
        err = LEDGER_PUT_NAME(wanted.key.clause, clause->id);
    }
    if (err == OFT_OK && share->plain) {
        err = add_money(batch, &wanted, &wanted.parent);
    }
    if (err != OFT_OK) {
        return err;
    }
    size_t detail;
    wanted.is_base = true;
    err = LEDGER_PUT_NAME(wanted.key.product, to->deal->products[to->product].name);
    err = err == OFT_OK ? ledger_series_add(batch, &wanted, 0, exact, &detail) : err;
    if (err == OFT_OK && batch->steps_met) {
        batch->series[detail].lacks_steps = true;
        if (wanted.parent != SIZE_MAX) {
            batch->series[wanted.parent].lacks_steps = true;
        }
    }
    return err;
}

/* The weight is taken from the series' total, once: here the cost counts whole. */
static enum oft_err expand_commit(struct ledger_batch *batch, const struct resolved *to,
                                  const struct ledger_term *term, int64_t weight, oft_nanos exact)
{
    struct ledger_series wanted = {.parent = SIZE_MAX, .cap_nanos = -1};
    oft_instant until;
    wanted.key.month = to->cell->month;
    oft_instant part = ledger_commit_part(term, deal_month_start(to->deal, to->cell->month),
                                          to->cell->regime_from, OFT_INSTANT_NEVER, &until);
    enum oft_err err =
        ledger_commit_key(to->deal->clauses[term->clause].id, provider_party(to), weight,
                          to->deal->pools[to->pool].marketplace, part, &wanted.key);
    size_t index;
    err = err == OFT_OK ? ledger_series_add(batch, &wanted, 0, exact, &index) : err;
    if (err == OFT_OK && batch->steps_met) {
        batch->series[index].lacks_steps = true;
    }
    return err;
}

/* The price of the cell's requests; NULL when they have none. */
static const struct deal_price *cell_price(const struct resolved *to, bool is_sale, uint32_t owner)
{
    const struct ledger_cell *cell = to->cell;
    struct deal_request request = {(enum deal_variant)cell->service_tier, cell->input_floor};
    if (cell->service_tier >= DEAL_VARIANT_COUNT) {
        return NULL; /* a tier that this version does not know is not guessed at */
    }
    return deal_price_for(to->deal, is_sale, owner, to->model, cell->regime_from,
                          cell->context->attested, request);
}

static enum oft_err expand_sale(struct ledger_batch *batch, const struct resolved *to,
                                bool *ret_rated)
{
    const struct ledger_context *context = to->cell->context;
    const struct deal *deal = to->deal;
    oft_instant at = to->cell->regime_from;
    const struct deal_price *price = NULL;
    bool known = to->account != DEAL_NONE && to->product != DEAL_NONE;
    if (known && (to->model != DEAL_NONE || is_bare(to))) {
        price = cell_price(to, true, to->product);
    }
    *ret_rated = price != NULL || (known && is_bare(to));
    if (price == NULL) {
        return OFT_OK;
    }
    const struct deal_product *product = &deal->products[to->product];
    struct ledger_series wanted = {.parent = SIZE_MAX, .cap_nanos = -1};
    wanted.own = product->owner_party == deal->customer_party;
    wanted.key.kind = LEDGER_SALE;
    wanted.key.month = to->cell->month;
    if (LEDGER_PUT_NAME(wanted.key.account, deal->accounts[to->account].name) != OFT_OK ||
        LEDGER_PUT_NAME(wanted.key.product, product->name) != OFT_OK ||
        LEDGER_PUT_NAME(wanted.key.model, model_name(to)) != OFT_OK ||
        LEDGER_PUT_NAME(wanted.key.party, deal->parties[product->owner_party].name) != OFT_OK ||
        LEDGER_PUT_NAME(wanted.key.clause, price->id) != OFT_OK) {
        return OFT_ERR_LIMIT;
    }
    oft_nanos exact = 0;
    enum oft_err err = ledger_units_expand(batch, to->cell, price, &wanted, &exact);
    bool any = exact != 0 || batch->steps_met;
    for (size_t i = 0; err == OFT_OK && any && i < context->share_count; i++) {
        const struct ledger_term *term = &context->shares[i];
        const struct deal_clause *clause = &deal->clauses[term->clause];
        if (term->from <= at && at < term->until &&
            deal_list_has(clause->as.share.products, to->product)) {
            err = expand_share(batch, to, clause, exact);
        }
    }
    return err;
}

static enum oft_err expand_cost(struct ledger_batch *batch, const struct resolved *to,
                                bool *ret_rated)
{
    const struct ledger_context *context = to->cell->context;
    const struct deal *deal = to->deal;
    oft_instant at = to->cell->regime_from;
    *ret_rated = to->pool != DEAL_NONE && (to->model != DEAL_NONE || is_bare(to));
    if (!*ret_rated || deal->pools[to->pool].reserved) {
        return OFT_OK; /* reserved capacity is paid for flat, used or not */
    }
    const struct deal_price *price = cell_price(to, false, to->pool);
    *ret_rated = price != NULL || is_bare(to);
    if (price == NULL) {
        return OFT_OK;
    }
    struct ledger_series wanted = {.parent = SIZE_MAX, .cap_nanos = -1};
    wanted.key.kind = LEDGER_COST;
    wanted.key.month = to->cell->month;
    if (LEDGER_PUT_NAME(wanted.key.model, model_name(to)) != OFT_OK ||
        LEDGER_PUT_NAME(wanted.key.pool, deal->pools[to->pool].name) != OFT_OK ||
        LEDGER_PUT_NAME(wanted.key.party, provider_party(to)) != OFT_OK ||
        LEDGER_PUT_NAME(wanted.key.clause, price->id) != OFT_OK) {
        return OFT_ERR_LIMIT;
    }
    oft_nanos exact = 0;
    enum oft_err err = ledger_units_expand(batch, to->cell, price, &wanted, &exact);
    bool any = exact != 0 || batch->steps_met;
    for (size_t i = 0; err == OFT_OK && any && i < context->commit_count; i++) {
        const struct ledger_term *term = &context->commits[i];
        const struct deal_commit *commit = &deal->clauses[term->clause].as.commit;
        int64_t weight = deal_commit_weight(commit, to->product);
        if (term->from <= at && at < term->until && commit->provider == to->provider &&
            weight > 0) {
            err = expand_commit(batch, to, term, weight, exact);
        }
    }
    return err;
}

enum oft_err ledger_cell_expand_cost(struct ledger_batch *batch, const struct ledger_cell *cell)
{
    struct resolved to = resolve(cell);
    bool rated = false;
    return ledger_outcome_owes(cell->outcome) ? expand_cost(batch, &to, &rated) : OFT_OK;
}

static enum oft_err expand_cell(struct ledger_batch *batch, const struct ledger_cell *cell)
{
    struct resolved to = resolve(cell);
    bool sale_rated = true;
    bool cost_rated = true;
    enum oft_err err = expand_usage(batch, &to);
    if (err == OFT_OK && ledger_outcome_owes(cell->outcome)) {
        err = expand_sale(batch, &to, &sale_rated);
        if (err == OFT_OK) {
            err = expand_cost(batch, &to, &cost_rated);
        }
    }
    bool counts = err == OFT_OK && !(sale_rated && cost_rated) && !cell->reversed;
    batch->counts.unrated += counts ? cell->requests : 0;
    return err;
}

/* Reversals come last: a count that ends at 0 or above is then never below it on the way. */
enum oft_err ledger_batch_expand(struct ledger_batch *batch)
{
    enum oft_err err = OFT_OK;
    for (int pass = 0; pass < (batch->has_reversal ? 2 : 1); pass++) {
        for (size_t i = 0; err == OFT_OK && i < batch->cell_count; i++) {
            if (batch->cells[i].reversed == (pass == 1)) {
                err = expand_cell(batch, &batch->cells[i]);
            }
        }
    }
    return err;
}
