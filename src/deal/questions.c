/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions that other rooms ask a finished deal about time, prices and names. All are pure: the
 * instant and the attested events are arguments, and an event that is not listed has not happened.
 */
#include "deal/deal.h"

#include <stdlib.h>
#include <string.h>

bool deal_list_has(struct deal_list list, uint32_t index)
{
    for (uint32_t i = 0; i < list.count; i++) {
        if (list.items[i] == DEAL_ALL || list.items[i] == index) {
            return true;
        }
    }
    return false;
}

oft_instant deal_end_instant(const struct deal_end *end, struct deal_attestations attested)
{
    oft_instant earliest = OFT_INSTANT_NEVER;
    switch (end->kind) {
    case DEAL_END_NEVER:
        break;
    case DEAL_END_DATE:
        earliest = end->instant;
        break;
    case DEAL_END_EVENT:
        for (size_t i = 0; i < attested.count; i++) {
            if (attested.items[i].event == end->event && attested.items[i].instant < earliest) {
                earliest = attested.items[i].instant;
            }
        }
        break;
    case DEAL_END_EARLIEST:
        for (uint32_t i = 0; i < end->part_count; i++) {
            oft_instant part = deal_end_instant(&end->parts[i], attested);
            earliest = part < earliest ? part : earliest;
        }
        break;
    }
    return earliest;
}

oft_instant deal_clause_until(const struct deal_clause *clause, struct deal_attestations attested)
{
    oft_instant until = deal_end_instant(&clause->until, attested);
    return clause->superseded_from < until ? clause->superseded_from : until;
}

bool deal_clause_in_force(const struct deal_clause *clause, oft_instant at,
                          struct deal_attestations attested)
{
    return clause->from <= at && at < deal_clause_until(clause, attested);
}

oft_instant deal_condition_instant(const struct deal_condition *condition,
                                   struct deal_attestations attested)
{
    if (condition->kind == DEAL_CONDITION_EVENT) {
        struct deal_end end = {.kind = DEAL_END_EVENT, .event = condition->event};
        return deal_end_instant(&end, attested);
    }
    bool all = condition->kind == DEAL_CONDITION_AND;
    oft_instant instant = all ? OFT_INSTANT_ALWAYS : OFT_INSTANT_NEVER;
    for (uint32_t i = 0; i < condition->part_count; i++) {
        oft_instant part = deal_condition_instant(&condition->parts[i], attested);
        instant = (all ? part > instant : part < instant) ? part : instant;
    }
    return instant;
}

static oft_instant add_time(oft_instant at, int64_t count, int64_t unit_ns)
{
    oft_instant result;
    int64_t span;
    if (__builtin_mul_overflow(count, unit_ns, &span) ||
        __builtin_add_overflow(at, span, &result)) {
        return OFT_INSTANT_NEVER;
    }
    return result;
}

/* The same time of day COUNT months on; on the month's last day when it is shorter. */
static oft_instant add_months(oft_instant at, uint32_t count)
{
    struct oft_date date = oft_date_from_instant(at);
    oft_instant time_of_day = at - oft_instant_from_date(date);
    int64_t month = (int64_t)date.year * 12 + (date.month - 1) + count;
    if (month / 12 > 2261) {
        return OFT_INSTANT_NEVER;
    }
    date.year = (int32_t)(month / 12);
    date.month = (int32_t)(month % 12) + 1;
    while (!oft_date_valid(date)) {
        date.day--;
    }
    return add_time(oft_instant_from_date(date), time_of_day, 1);
}

oft_instant deal_duration_after(oft_instant at, struct deal_duration duration)
{
    if (at == OFT_INSTANT_ALWAYS || at == OFT_INSTANT_NEVER) {
        return at;
    }
    switch (duration.unit) {
    case DEAL_HOURS:
        return add_time(at, duration.count, 3600 * OFT_NS_PER_SECOND);
    case DEAL_WEEKS:
        return add_time(at, (int64_t)duration.count * 7, OFT_NS_PER_DAY);
    case DEAL_MONTHS:
        return add_months(at, duration.count);
    case DEAL_YEARS:
        return add_months(at, duration.count * 12);
    default:
        return add_time(at, duration.count, OFT_NS_PER_DAY);
    }
}

/* ---- scopes ---------------------------------------------------------------------------------- */

static bool account_in(const struct deal *deal, uint32_t account, struct deal_list groups)
{
    struct deal_list own = {NULL, 0};
    if (account != DEAL_NONE) {
        own = deal->accounts[account].groups;
    }
    for (uint32_t i = 0; i < own.count; i++) {
        if (deal_list_has(groups, own.items[i])) {
            return true;
        }
    }
    return false;
}

bool deal_exclusive_covers(const struct deal *deal, const struct deal_exclusive *exclusive,
                           uint32_t product, uint32_t account)
{
    uint32_t surface = account == DEAL_NONE ? DEAL_NONE : deal->accounts[account].surface;
    if (!deal_list_has(exclusive->products, product)) {
        return false;
    }
    if (exclusive->surfaces.count > 0 &&
        (surface == DEAL_NONE || !deal_list_has(exclusive->surfaces, surface))) {
        return false;
    }
    return !account_in(deal, account, exclusive->except_groups);
}

bool deal_residency_covers(const struct deal *deal, const struct deal_residency *residency,
                           uint32_t product, uint32_t account)
{
    switch (residency->subject) {
    case SYMBOL_PRODUCT:
        return deal_list_has(residency->items, product);
    case SYMBOL_ACCOUNT:
        return account != DEAL_NONE && deal_list_has(residency->items, account);
    default:
        return account_in(deal, account, residency->items);
    }
}

bool deal_license_covers(const struct deal *deal, const struct deal_license *license,
                         uint32_t product, uint32_t model)
{
    uint32_t field = deal->products[product].field;
    return license->licensee_party == deal->products[product].owner_party &&
           deal_list_has(license->models, model) && deal_list_has(license->products, product) &&
           (field == DEAL_NONE || !deal_list_has(license->except_fields, field));
}

bool deal_names_have(struct deal_names names, const char *name)
{
    for (uint32_t i = 0; i < names.count; i++) {
        if (strcmp(names.items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

oft_instant deal_ship_instant(const struct deal *deal, uint32_t provider, uint32_t model)
{
    oft_instant first = OFT_INSTANT_NEVER;
    for (uint32_t i = 0; i < deal->serve_count; i++) {
        const struct deal_pool *pool = &deal->pools[deal->serves[i].pool];
        if (deal->serves[i].model == model && pool->provider == provider && pool->from < first) {
            first = pool->from;
        }
    }
    return first;
}

oft_instant deal_shipped_from(const struct deal *deal, const struct deal_primary *primary,
                              uint32_t model, struct deal_attestations attested)
{
    oft_instant shipped =
        deal_duration_after(deal_ship_instant(deal, primary->provider, model), primary->lead);
    oft_instant excepted = primary->has_unless ? deal_condition_instant(&primary->unless, attested)
                                               : OFT_INSTANT_NEVER;
    return excepted < shipped ? excepted : shipped;
}

/* ---- regimes --------------------------------------------------------------------------------- */

struct instants {
    oft_instant *items;
    size_t count;
};

static void note_instant(struct instants *list, oft_instant instant)
{
    if (instant != OFT_INSTANT_ALWAYS && instant != OFT_INSTANT_NEVER) {
        list->items[list->count++] = instant;
    }
}

static int compare_instants(const void *a, const void *b)
{
    oft_instant x = *(const oft_instant *)a;
    oft_instant y = *(const oft_instant *)b;
    return (x > y) - (x < y);
}

static bool ships_first(const struct deal_clause *clause)
{
    return clause->kind == DEAL_CLAUSE_PRIMARY && clause->as.primary.ship_first;
}

static size_t ship_first_count(const struct deal *deal)
{
    size_t count = 0;
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        count += ships_first(&deal->clauses[i]) ? 1 : 0;
    }
    return count;
}

enum oft_err deal_regime_instants(const struct deal *deal, struct deal_attestations attested,
                                  struct oft_arena *arena, oft_instant **ret_instants,
                                  size_t *ret_count)
{
    size_t most = 2 * ((size_t)deal->clause_count * 2 + deal->price_count + deal->pool_count) + 1 +
                  ship_first_count(deal) * deal->model_count;
    struct instants list = {oft_arena_alloc_array(arena, most, sizeof(oft_instant)), 0};
    if (list.items == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        const struct deal_clause *clause = &deal->clauses[i];
        note_instant(&list, clause->from);
        note_instant(&list, deal_clause_until(clause, attested));
        if (clause->kind == DEAL_CLAUSE_COMMIT) {
            note_instant(&list, clause->as.commit.period_from);
            note_instant(&list, clause->as.commit.period_until);
        }
        for (uint32_t m = 0; ships_first(clause) && m < deal->model_count; m++) {
            oft_instant shipped = deal_shipped_from(deal, &clause->as.primary, m, attested);
            if (deal_clause_in_force(clause, shipped, attested)) {
                note_instant(&list, shipped);
            }
        }
    }
    for (uint32_t i = 0; i < deal->price_count; i++) {
        note_instant(&list, deal->prices[i].from);
        note_instant(&list, deal_end_instant(&deal->prices[i].until, attested));
    }
    for (uint32_t i = 0; i < deal->pool_count; i++) {
        note_instant(&list, deal->pools[i].from);
        note_instant(&list, deal_end_instant(&deal->pools[i].until, attested));
    }
    qsort(list.items, list.count, sizeof(oft_instant), compare_instants);
    size_t kept = 0;
    for (size_t i = 0; i < list.count; i++) {
        if (kept == 0 || list.items[kept - 1] != list.items[i]) {
            list.items[kept++] = list.items[i];
        }
    }
    *ret_instants = list.items;
    *ret_count = kept;
    return OFT_OK;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* Rows of every kind begin with their name. */
static uint32_t find(const void *rows, uint32_t count, size_t row_bytes, struct oft_str name)
{
    const char *row = rows;
    for (uint32_t i = 0; i < count; i++, row += row_bytes) {
        const char *text;
        memcpy(&text, row, sizeof(text));
        if (oft_str_is(name, text)) {
            return i;
        }
    }
    return DEAL_NONE;
}

uint32_t deal_find_party(const struct deal *deal, struct oft_str name)
{
    return find(deal->parties, deal->party_count, sizeof(*deal->parties), name);
}

uint32_t deal_find_provider(const struct deal *deal, struct oft_str name)
{
    return find(deal->providers, deal->provider_count, sizeof(*deal->providers), name);
}

uint32_t deal_find_product(const struct deal *deal, struct oft_str name)
{
    return find(deal->products, deal->product_count, sizeof(*deal->products), name);
}

uint32_t deal_find_model(const struct deal *deal, struct oft_str name)
{
    return find(deal->models, deal->model_count, sizeof(*deal->models), name);
}

uint32_t deal_find_account(const struct deal *deal, struct oft_str name)
{
    return find(deal->accounts, deal->account_count, sizeof(*deal->accounts), name);
}

uint32_t deal_find_pool(const struct deal *deal, struct oft_str name)
{
    return find(deal->pools, deal->pool_count, sizeof(*deal->pools), name);
}

uint32_t deal_find_event(const struct deal *deal, struct oft_str name)
{
    return find(deal->events, deal->event_count, sizeof(*deal->events), name);
}

uint32_t deal_find_clause(const struct deal *deal, struct oft_str id)
{
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        if (oft_str_is(id, deal->clauses[i].id)) {
            return i;
        }
    }
    return DEAL_NONE;
}

int64_t deal_commit_weight(const struct deal_commit *commit, uint32_t product)
{
    for (uint32_t i = 0; i < commit->products.count; i++) {
        if (commit->products.items[i] == product || commit->products.items[i] == DEAL_ALL) {
            return commit->weights_ppb == NULL ? DEAL_RATE_ONE : commit->weights_ppb[i];
        }
    }
    return 0;
}
