/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clauses that change nothing: an exclusive whose rivals have no pool, a residency that all pools keep,
 * a licence for nobody, a primary cloud without another. Notes, because a deal may be written ahead
 * of its pools.
 */
#include "deal/build.h"

static const struct deal_attestations nothing_attested = {NULL, 0};

/* Is POOL open at some instant at which CLAUSE is in force, if no event happens? */
static bool meets(const struct deal_pool *pool, const struct deal_clause *clause)
{
    oft_instant from = pool->from > clause->from ? pool->from : clause->from;
    return from < deal_end_instant(&pool->until, nothing_attested) &&
           from < deal_clause_until(clause, nothing_attested);
}

/* Can a request of PRODUCT meet the clause, from an account of the deal or from none? */
static bool any_account(const struct deal *deal, const struct deal_clause *clause, uint32_t product)
{
    for (uint32_t i = 0; i <= deal->account_count; i++) {
        uint32_t account = i == 0 ? DEAL_NONE : i - 1;
        if (clause->kind == DEAL_CLAUSE_EXCLUSIVE
                ? deal_exclusive_covers(deal, &clause->as.exclusive, product, account)
                : deal_residency_covers(deal, &clause->as.residency, product, account)) {
            return true;
        }
    }
    return false;
}

static bool any_request(const struct deal *deal, const struct deal_clause *clause)
{
    for (uint32_t product = 0; product < deal->product_count; product++) {
        if (any_account(deal, clause, product)) {
            return true;
        }
    }
    return false;
}

/* Does it bar, or put behind another, a pool that serves a model? */
static bool touches_pool(const struct deal *deal, const struct deal_clause *clause,
                         const struct deal_serve *serve)
{
    const struct deal_pool *pool = &deal->pools[serve->pool];
    const struct deal_primary *primary = &clause->as.primary;
    if (!meets(pool, clause)) {
        return false;
    }
    switch (clause->kind) {
    case DEAL_CLAUSE_EXCLUSIVE:
        return pool->provider != clause->as.exclusive.provider;
    case DEAL_CLAUSE_RESIDENCY:
        return !deal_names_have(clause->as.residency.regions, pool->region);
    default:
        if (pool->provider == primary->provider) {
            return false;
        }
        return primary->prefer ||
               deal_shipped_from(deal, primary, serve->model, nothing_attested) > clause->from;
    }
}

static bool license_binds(const struct deal *deal, const struct deal_clause *clause)
{
    const struct deal_license *license = &clause->as.license;
    for (uint32_t product = 0; product < deal->product_count; product++) {
        for (uint32_t model = 0; model < deal->model_count; model++) {
            if (deal_license_covers(deal, license, product, model)) {
                return deal->products[product].owner_party != deal->customer_party;
            }
        }
    }
    return false;
}

static bool has_rivals(const struct deal *deal, uint32_t provider)
{
    for (uint32_t i = 0; i < deal->serve_count; i++) {
        if (deal->pools[deal->serves[i].pool].provider != provider) {
            return true;
        }
    }
    return false;
}

static bool binds(const struct deal *deal, const struct deal_clause *clause)
{
    if (deal_clause_until(clause, nothing_attested) <= clause->from) {
        return false;
    }
    switch (clause->kind) {
    case DEAL_CLAUSE_LICENSE:
        return license_binds(deal, clause);
    case DEAL_CLAUSE_EXCLUSIVE:
        if (!has_rivals(deal, clause->as.exclusive.provider)) {
            return true; /* with one cloud there is nothing to tell */
        }
        if (!any_request(deal, clause)) {
            return false;
        }
        break;
    case DEAL_CLAUSE_RESIDENCY:
        if (!any_request(deal, clause)) {
            return false;
        }
        break;
    case DEAL_CLAUSE_PRIMARY:
        break;
    default:
        return true; /* what the desk and the books do with it is not looked at here */
    }
    for (uint32_t i = 0; i < deal->serve_count; i++) {
        if (touches_pool(deal, clause, &deal->serves[i])) {
            return true;
        }
    }
    return false;
}

void deal_check_binding(struct deal_build *build)
{
    const struct deal *deal = build->deal;
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        const struct deal_clause *clause = &deal->clauses[i];
        if (!binds(deal, clause)) {
            deal_report(build->diagnostics, DEAL_NOTE, 73, clause->position, clause->id, "",
                        "as the deal stands, this clause changes no decision");
        }
    }
}
