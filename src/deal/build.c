/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of resolution: rows are counted and allocated, names are entered, then what uses names is
 * resolved, then the whole is checked. Checks of the whole run only on a deal whose parts are sound,
 * so that one mistake is not told twice.
 */
#include "deal/build.h"
#include "base/limits.h"

void *deal_build_array(struct deal_build *build, size_t count, size_t item_bytes)
{
    void *array = oft_arena_alloc_array(build->arena, count == 0 ? 1 : count, item_bytes);
    build->memory_failed = build->memory_failed || array == NULL;
    return array;
}

const char *deal_build_copy(struct deal_build *build, struct oft_str text)
{
    const char *copy = oft_arena_copy(build->arena, text);
    build->memory_failed = build->memory_failed || copy == NULL;
    return copy == NULL ? "" : copy;
}

const char *deal_build_title(struct deal_build *build, const struct deal_node *node)
{
    deal_build_once(build, node, NODE_TITLE, "the title");
    const struct deal_node *title = deal_node_child(node, NODE_TITLE);
    return deal_build_copy(build, title != NULL ? title->text : node->text);
}

void deal_build_once(struct deal_build *build, const struct deal_node *node,
                     enum deal_node_kind kind, const char *what)
{
    bool seen = false;
    for (const struct deal_node *child = node->first; child != NULL; child = child->next) {
        if (child->kind == kind && seen) {
            BUILD_ERROR(build, 11, child, "", "leave one of them out", "%s is said twice", what);
            return;
        }
        seen = seen || child->kind == kind;
    }
}

/* Rows below the statements: prices of products and pools, serves of pools, clauses. */
static void count_below(const struct deal_node *node, uint32_t *counts)
{
    for (const struct deal_node *child = node->first; child != NULL; child = child->next) {
        counts[child->kind]++;
    }
}

static bool within_limits(struct deal_build *build, const uint32_t *counts)
{
    bool good = true;
    for (int kind = 0; kind < NODE_KIND_COUNT; kind++) {
        if (counts[kind] > OFT_DEAL_ITEMS_MAX) {
            BUILD_ERROR(build, 8, build->root, "", "split the deal",
                        "the deal has %u items of one kind; %u are possible", counts[kind],
                        OFT_DEAL_ITEMS_MAX);
            good = false;
        }
    }
    return good;
}

static size_t most_secrets(const uint32_t *n)
{
    size_t most = ((size_t)n[NODE_SERVES] + n[NODE_POOL]) * OFT_KEYS_PER_ENDPOINT_MAX;
    return most < OFT_DEAL_ITEMS_MAX ? most : OFT_DEAL_ITEMS_MAX;
}

static bool allocate(struct deal_build *b, const uint32_t *n)
{
    b->parties = deal_build_array(b, n[NODE_PARTY] + 1, sizeof(*b->parties));
    b->providers = deal_build_array(b, n[NODE_PROVIDER], sizeof(*b->providers));
    b->products = deal_build_array(b, n[NODE_PRODUCT], sizeof(*b->products));
    b->models = deal_build_array(b, n[NODE_MODEL], sizeof(*b->models));
    b->accounts = deal_build_array(b, n[NODE_ACCOUNT], sizeof(*b->accounts));
    b->events = deal_build_array(b, n[NODE_EVENT], sizeof(*b->events));
    b->pools = deal_build_array(b, n[NODE_POOL], sizeof(*b->pools));
    b->agreements = deal_build_array(b, n[NODE_AGREEMENT], sizeof(*b->agreements));
    b->clauses = deal_build_array(b, n[NODE_CLAUSE], sizeof(*b->clauses));
    b->prices = deal_build_array(b, n[NODE_PRICE], sizeof(*b->prices));
    b->flats = deal_build_array(b, n[NODE_FLAT], sizeof(*b->flats));
    b->serves = deal_build_array(b, n[NODE_SERVES], sizeof(*b->serves));
    b->secrets = deal_build_array(b, most_secrets(n), sizeof(*b->secrets));
    b->programmes = deal_build_array(b, n[NODE_PROGRAMME], sizeof(*b->programmes));
    b->groups = deal_build_array(b, n[NODE_GROUP], sizeof(*b->groups));
    b->surfaces = deal_build_array(b, n[NODE_SURFACE], sizeof(*b->surfaces));
    b->fields = deal_build_array(b, n[NODE_FIELD], sizeof(*b->fields));
    b->deductions = deal_build_array(b, n[NODE_DEDUCTION], sizeof(*b->deductions));
    b->persons = deal_build_array(b, n[NODE_PERSON], sizeof(*b->persons));
    b->product_nodes = deal_build_array(b, n[NODE_PRODUCT], sizeof(*b->product_nodes));
    b->pool_nodes = deal_build_array(b, n[NODE_POOL], sizeof(*b->pool_nodes));
    b->agreement_nodes = deal_build_array(b, n[NODE_AGREEMENT], sizeof(*b->agreement_nodes));
    b->clause_nodes = deal_build_array(b, n[NODE_CLAUSE], sizeof(*b->clause_nodes));
    b->clause_bad = deal_build_array(b, n[NODE_CLAUSE], sizeof(*b->clause_bad));
    size_t names = 1;
    for (int kind = 0; kind < NODE_KIND_COUNT; kind++) {
        names += n[kind] <= OFT_DEAL_ITEMS_MAX ? n[kind] : 0;
    }
    return !b->memory_failed && deal_symbols_init(b, names);
}

static void hand_over(struct deal_build *b)
{
    b->deal->parties = b->parties;
    b->deal->providers = b->providers;
    b->deal->products = b->products;
    b->deal->models = b->models;
    b->deal->accounts = b->accounts;
    b->deal->events = b->events;
    b->deal->pools = b->pools;
    b->deal->agreements = b->agreements;
    b->deal->clauses = b->clauses;
    b->deal->prices = b->prices;
    b->deal->flats = b->flats;
    b->deal->serves = b->serves;
    b->deal->secrets = b->secrets;
    b->deal->programmes = b->programmes;
    b->deal->groups = b->groups;
    b->deal->surfaces = b->surfaces;
    b->deal->fields = b->fields;
    b->deal->deductions = b->deductions;
    b->deal->persons = b->persons;
}

bool deal_build_run(struct deal_build *build)
{
    uint32_t counts[NODE_KIND_COUNT] = {0};
    count_below(build->root, counts);
    for (const struct deal_node *node = build->root->first; node != NULL; node = node->next) {
        if (node->kind == NODE_PRODUCT || node->kind == NODE_POOL || node->kind == NODE_AGREEMENT ||
            node->kind == NODE_POOL_PRICES || node->kind == NODE_PRODUCT_PRICES) {
            count_below(node, counts);
        }
    }
    if (!within_limits(build, counts)) {
        return true;
    }
    if (!allocate(build, counts)) {
        return false;
    }
    hand_over(build);
    bool syntax_errors = build->diagnostics->error_count > 0;
    deal_resolve_names(build);
    deal_resolve_months(build);
    /* Statements with syntax errors are missing: what uses their names would be told wrongly. */
    if (!syntax_errors && !build->memory_failed) {
        deal_resolve_pools(build);
        deal_resolve_prices(build);
        deal_resolve_flats(build);
        deal_resolve_agreements(build);
        deal_resolve_programmes(build);
    }
    if (build->diagnostics->error_count == 0 && !build->memory_failed) {
        deal_check(build);
    }
    return !build->memory_failed;
}
