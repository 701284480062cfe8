/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of the whole deal, once its parts are sound: clauses that contradict each other, names
 * whose stable ids collide, clauses that nothing can fulfil, products without a licence. Prices are
 * in check_prices.c. Nothing is changed here.
 */
#include "base/hash.h"
#include "deal/build.h"

#include <stdlib.h>
#include <string.h>

static const struct deal_attestations nothing_attested = {NULL, 0};

/* ---- exclusives ------------------------------------------------------------------------------ */

/* A product, and an account or none, that both cover; DEAL_NONE when there is no such product. */
static uint32_t common_request(const struct deal *deal, const struct deal_exclusive *a,
                               const struct deal_exclusive *b, uint32_t *ret_account)
{
    /* Without a word about accounts what holds for none holds for all. */
    bool by_account =
        a->surfaces.count + a->except_groups.count + b->surfaces.count + b->except_groups.count > 0;
    for (uint32_t product = 0; product < deal->product_count; product++) {
        if (!deal_list_has(a->products, product) || !deal_list_has(b->products, product)) {
            continue;
        }
        for (uint32_t i = 0; i <= (by_account ? deal->account_count : 0); i++) {
            *ret_account = i == 0 ? DEAL_NONE : i - 1;
            if (deal_exclusive_covers(deal, a, product, *ret_account) &&
                deal_exclusive_covers(deal, b, product, *ret_account)) {
                return product;
            }
        }
    }
    return DEAL_NONE;
}

/* A model and a region for the witness of a clash: the first that one of the two providers serves. */
static void clash_witness(const struct deal *deal, uint32_t a, uint32_t b, const char **ret_model,
                          const char **ret_region)
{
    *ret_model = "every model";
    *ret_region = "every region";
    for (uint32_t i = 0; i < deal->serve_count; i++) {
        const struct deal_pool *pool = &deal->pools[deal->serves[i].pool];
        if (pool->provider == a || pool->provider == b) {
            *ret_model = deal->models[deal->serves[i].model].name;
            *ret_region = pool->region[0] != '\0' ? pool->region : "every region";
            return;
        }
    }
}

static void check_pair(struct deal_build *build, const struct deal_clause *a,
                       const struct deal_clause *b)
{
    const struct deal *deal = build->deal;
    if (a->as.exclusive.provider == b->as.exclusive.provider) {
        return;
    }
    oft_instant from = a->from > b->from ? a->from : b->from;
    oft_instant a_until = deal_clause_until(a, nothing_attested);
    oft_instant b_until = deal_clause_until(b, nothing_attested);
    if (from >= a_until || from >= b_until) {
        return;
    }
    uint32_t account = DEAL_NONE;
    uint32_t product = common_request(deal, &a->as.exclusive, &b->as.exclusive, &account);
    if (product == DEAL_NONE) {
        return;
    }
    char when[OFT_INSTANT_TEXT_BYTES];
    const char *model;
    const char *region;
    clash_witness(deal, a->as.exclusive.provider, b->as.exclusive.provider, &model, &region);
    deal_report(build->diagnostics, DEAL_ERROR, 43, b->position, b->id,
                "end one of them: supersedes, amend or until",
                "at %s \"%s\" would have to run on %s only (%s) and on %s only (%s): %s in %s%s%s "
                "could run nowhere",
                oft_instant_format_short(from, when), deal->products[product].name,
                deal->providers[a->as.exclusive.provider].name, a->id,
                deal->providers[b->as.exclusive.provider].name, b->id, model, region,
                account == DEAL_NONE ? "" : " for account ",
                account == DEAL_NONE ? "" : deal->accounts[account].name);
}

/* A model that EXCLUSIVE forces onto pools which RESIDENCY forbids, all of them, and one such pool's
 * region; DEAL_NONE when there is none. */
static uint32_t forbidden_model(const struct deal *deal, const struct deal_exclusive *exclusive,
                                const struct deal_residency *residency, const char **ret_region)
{
    for (uint32_t model = 0; model < deal->model_count; model++) {
        bool any = false;
        bool kept = false;
        for (uint32_t i = 0; i < deal->serve_count; i++) {
            const struct deal_pool *pool = &deal->pools[deal->serves[i].pool];
            if (deal->serves[i].model == model && pool->provider == exclusive->provider) {
                any = true;
                kept = kept || deal_names_have(residency->regions, pool->region);
                *ret_region = pool->region[0] != '\0' ? pool->region : "no region";
            }
        }
        if (any && !kept) {
            return model;
        }
    }
    return DEAL_NONE;
}

/* An exclusive that forces a product where a residency forbids it. */
static void check_forced(struct deal_build *build, const struct deal_clause *exclusive,
                         const struct deal_clause *residency)
{
    const struct deal *deal = build->deal;
    oft_instant from = exclusive->from > residency->from ? exclusive->from : residency->from;
    const char *region = "";
    char when[OFT_INSTANT_TEXT_BYTES];
    if (from >= deal_clause_until(exclusive, nothing_attested) ||
        from >= deal_clause_until(residency, nothing_attested)) {
        return;
    }
    for (uint32_t p = 0; p < deal->product_count; p++) {
        if (!deal_list_has(exclusive->as.exclusive.products, p) ||
            (residency->as.residency.subject == SYMBOL_PRODUCT &&
             !deal_list_has(residency->as.residency.items, p))) {
            continue;
        }
        uint32_t model =
            forbidden_model(deal, &exclusive->as.exclusive, &residency->as.residency, &region);
        for (uint32_t i = 0; model != DEAL_NONE && i <= deal->account_count; i++) {
            uint32_t account = i == 0 ? DEAL_NONE : i - 1;
            if (deal_exclusive_covers(deal, &exclusive->as.exclusive, p, account) &&
                deal_residency_covers(deal, &residency->as.residency, p, account)) {
                deal_report(build->diagnostics, DEAL_WARNING, 79, residency->position,
                            residency->id, "add a pool that keeps both, or end one of them",
                            "at %s \"%s\" with %s in %s%s%s is forced onto %s (%s) and "
                            "forbidden there (%s): it can run nowhere",
                            oft_instant_format_short(from, when), deal->products[p].name,
                            deal->models[model].name, region,
                            account == DEAL_NONE ? "" : " for account ",
                            account == DEAL_NONE ? "" : deal->accounts[account].name,
                            deal->providers[exclusive->as.exclusive.provider].name, exclusive->id,
                            residency->id);
                return;
            }
        }
    }
}

static void check_conflicts(struct deal_build *build)
{
    const struct deal *deal = build->deal;
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        for (uint32_t k = 0; deal->clauses[i].kind == DEAL_CLAUSE_RESIDENCY &&
                             k < deal->clause_count && !deal_diagnostics_full(build->diagnostics);
             k++) {
            if (deal->clauses[k].kind == DEAL_CLAUSE_EXCLUSIVE) {
                check_forced(build, &deal->clauses[k], &deal->clauses[i]);
            }
        }
        if (deal->clauses[i].kind != DEAL_CLAUSE_EXCLUSIVE) {
            continue;
        }
        for (uint32_t k = 0; k < i && !deal_diagnostics_full(build->diagnostics); k++) {
            if (deal->clauses[k].kind == DEAL_CLAUSE_EXCLUSIVE) {
                check_pair(build, &deal->clauses[k], &deal->clauses[i]);
            }
        }
    }
}

static bool provider_serves(const struct deal *deal, uint32_t provider)
{
    for (uint32_t i = 0; i < deal->serve_count; i++) {
        if (deal->pools[deal->serves[i].pool].provider == provider) {
            return true;
        }
    }
    return false;
}

static void check_fulfilled(struct deal_build *build)
{
    const struct deal *deal = build->deal;
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        const struct deal_clause *clause = &deal->clauses[i];
        if (clause->kind != DEAL_CLAUSE_EXCLUSIVE ||
            provider_serves(deal, clause->as.exclusive.provider)) {
            continue;
        }
        for (uint32_t p = 0; p < deal->product_count; p++) {
            if (deal->products[p].product_class == DEAL_CLASS_INFERENCE &&
                deal_list_has(clause->as.exclusive.products, p)) {
                deal_report(build->diagnostics, DEAL_WARNING, 50, clause->position, clause->id,
                            "add a pool on this provider that serves a model",
                            "\"%s\" may run on %s only, and no pool there serves any model",
                            deal->products[p].name,
                            deal->providers[clause->as.exclusive.provider].name);
                break;
            }
        }
    }
}

/* ---- licences, recorded clauses -------------------------------------------------------------- */

static void check_licences(struct deal_build *build)
{
    const struct deal *deal = build->deal;
    for (uint32_t p = 0; p < deal->product_count; p++) {
        const struct deal_product *product = &deal->products[p];
        bool licensed = product->owner_party == deal->customer_party;
        for (uint32_t i = 0; i < deal->clause_count && !licensed; i++) {
            const struct deal_clause *clause = &deal->clauses[i];
            for (uint32_t m = 0; m < deal->model_count && !licensed; m++) {
                licensed = clause->kind == DEAL_CLAUSE_LICENSE &&
                           deal_license_covers(deal, &clause->as.license, p, m);
            }
        }
        if (!licensed) {
            deal_report(build->diagnostics, DEAL_WARNING, 51, product->position, product->name,
                        "add to an agreement: license models ... to PARTY for PRODUCT",
                        "\"%s\" is %s's and no licence lets it use a model: it is always barred",
                        product->name, deal->parties[product->owner_party].name);
        }
    }
}

static void note_kept(struct deal_build *build)
{
    const struct deal *deal = build->deal;
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        const struct deal_clause *clause = &deal->clauses[i];
        if (clause->kind == DEAL_CLAUSE_FIRST_REFUSAL || clause->kind == DEAL_CLAUSE_FIRST_OFFER ||
            clause->kind == DEAL_CLAUSE_ORDER) {
            deal_report(build->diagnostics, DEAL_NOTE, 57, clause->position, clause->id, "",
                        "this clause is recorded: the capacity desk, not the router, gives it "
                        "effect");
        }
    }
}

/* ---- serves ---------------------------------------------------------------------------------- */

static bool loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "localhost") == 0 ||
           strcmp(host, "::1") == 0;
}

static void check_serves(struct deal_build *build)
{
    const struct deal *deal = build->deal;
    bool *pool_serves = deal_build_array(build, deal->pool_count, sizeof(bool));
    bool *model_served = deal_build_array(build, deal->model_count, sizeof(bool));
    for (uint32_t i = 0; i < deal->serve_count && !build->memory_failed; i++) {
        const struct deal_serve *serve = &deal->serves[i];
        pool_serves[serve->pool] = true;
        model_served[serve->model] = true;
        if (!serve->tls && serve->keys.count > 0 && !loopback(serve->host)) {
            deal_report(build->diagnostics, DEAL_WARNING, 58, serve->position,
                        deal->pools[serve->pool].name, "write https://",
                        "the key of this endpoint would travel in the clear");
        }
    }
    uint32_t own_files = deal->file_count - deal->generated_count;
    for (uint32_t i = 0; i < deal->pool_count && !build->memory_failed; i++) {
        /* Capacity that was bought to train on serves nothing, and nobody forgot a line. */
        if (!pool_serves[i] && deal->pools[i].position.file < own_files) {
            deal_report(build->diagnostics, DEAL_WARNING, 55, deal->pools[i].position,
                        deal->pools[i].name, "add: serves MODEL at URL kind openai key env NAME",
                        "pool \"%s\" serves no model", deal->pools[i].name);
        }
    }
    for (uint32_t i = 0; i < deal->model_count && !build->memory_failed; i++) {
        if (!model_served[i]) {
            deal_report(build->diagnostics, DEAL_WARNING, 54, deal->models[i].position,
                        deal->models[i].name, "add to a pool: serves MODEL at URL ...",
                        "no pool serves model \"%s\"", deal->models[i].name);
        }
    }
}

/* ---- ids ------------------------------------------------------------------------------------- */

struct id_row {
    uint64_t id;
    const char *name;
    struct deal_position position;
};

static int compare_ids(const void *a, const void *b)
{
    const struct id_row *x = a;
    const struct id_row *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static void add_id(struct id_row *rows, size_t *count, enum oft_id_kind kind, const char *name,
                   struct deal_position position)
{
    rows[(*count)++] = (struct id_row){oft_id_of(kind, oft_str_from(name)), name, position};
}

static void check_ids(struct deal_build *build)
{
    const struct deal *d = build->deal;
    size_t most = (size_t)d->account_count + d->product_count + d->model_count + d->pool_count +
                  d->party_count + d->clause_count + d->price_count;
    struct id_row *rows = deal_build_array(build, most, sizeof(*rows));
    size_t count = 0;
    if (rows == NULL) {
        return;
    }
    for (uint32_t i = 0; i < d->account_count; i++) {
        add_id(rows, &count, OFT_ID_ACCOUNT, d->accounts[i].name, d->accounts[i].position);
    }
    for (uint32_t i = 0; i < d->product_count; i++) {
        add_id(rows, &count, OFT_ID_PRODUCT, d->products[i].name, d->products[i].position);
    }
    for (uint32_t i = 0; i < d->model_count; i++) {
        add_id(rows, &count, OFT_ID_MODEL, d->models[i].name, d->models[i].position);
    }
    for (uint32_t i = 0; i < d->pool_count; i++) {
        add_id(rows, &count, OFT_ID_POOL, d->pools[i].name, d->pools[i].position);
    }
    for (uint32_t i = 0; i < d->party_count; i++) {
        add_id(rows, &count, OFT_ID_PARTY, d->parties[i].name, d->parties[i].position);
    }
    for (uint32_t i = 0; i < d->clause_count; i++) {
        add_id(rows, &count, OFT_ID_CLAUSE, d->clauses[i].id, d->clauses[i].position);
    }
    for (uint32_t i = 0; i < d->price_count; i++) {
        add_id(rows, &count, OFT_ID_CLAUSE, d->prices[i].id, d->prices[i].position);
    }
    qsort(rows, count, sizeof(*rows), compare_ids);
    for (size_t i = 1; i < count; i++) {
        if (rows[i].id == rows[i - 1].id) {
            deal_report(build->diagnostics, DEAL_ERROR, 14, rows[i].position, rows[i].name,
                        "rename one of them", "\"%s\" and \"%s\" have the same 64-bit id",
                        rows[i - 1].name, rows[i].name);
        }
    }
}

void deal_check(struct deal_build *build)
{
    check_conflicts(build);
    check_fulfilled(build);
    check_licences(build);
    check_serves(build);
    deal_check_prices(build);
    check_ids(build);
    deal_check_terms(build);
    deal_check_versions(build);
    deal_check_binding(build);
    note_kept(build);
}
