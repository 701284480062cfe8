/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compile_decisions -- regimes, rows, decisions and candidates.
 *
 * Time is walked once. At each cut only what begins or ends there is looked at: a clause makes its
 * products stale, a price its product or its pool's models, a window its pool's models. Only stale
 * rows are weighed anew; a row or a list of candidates that comes out as before is stored once.
 */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "policy/compile_internal.h"

enum change_kind { CHANGE_CLAUSE, CHANGE_PRICE, CHANGE_POOL };

struct change {
    oft_instant at;
    enum change_kind kind;
    uint32_t index;
};

/* The row that a product has now, for one kind of account. */
struct row {
    uint32_t stored; /* index in the snapshot, POLICY_NONE before the first */
    struct policy_scope scope;
};

/* Candidate lists that are stored already, by checksum: the last one of each slot. */
enum { LIST_SLOTS = 1u << 14 };
struct list_slot {
    uint32_t checksum;
    uint32_t count;
    uint32_t first;
};

struct weaver {
    struct policy_build *build;
    struct policy_rules rules;
    struct change *changes;
    size_t change_count;
    struct row *rows; /* by (kind, product) */
    bool *product_stale;
    bool *model_stale;
    bool any_model_stale;
    struct policy_verdict *verdicts;
    struct policy_candidate *list;
    struct policy_decision *fresh; /* a row in the making */
    struct list_slot *slots;
    uint16_t *endpoint_flags; /* by serve: its kind, and whether its host has no address */
};

/* ---- what changes when ------------------------------------------------------------------------ */

static void note_change(struct weaver *weaver, oft_instant at, enum change_kind kind,
                        uint32_t index)
{
    if (at != OFT_INSTANT_ALWAYS && at != OFT_INSTANT_NEVER) {
        weaver->changes[weaver->change_count++] = (struct change){at, kind, index};
    }
}

static void note_clause(struct weaver *weaver, uint32_t index)
{
    const struct deal *deal = weaver->build->deal;
    const struct deal_clause *clause = &deal->clauses[index];
    struct deal_attestations attested = weaver->build->input->attested;
    uint32_t model;

    note_change(weaver, clause->from, CHANGE_CLAUSE, index);
    note_change(weaver, weaver->rules.clause_until[index], CHANGE_CLAUSE, index);
    if (clause->kind == DEAL_CLAUSE_COMMIT) {
        note_change(weaver, clause->as.commit.period_from, CHANGE_CLAUSE, index);
        note_change(weaver, clause->as.commit.period_until, CHANGE_CLAUSE, index);
    }
    if (clause->kind == DEAL_CLAUSE_PRIMARY && clause->as.primary.ship_first) {
        for (model = 0; model < deal->model_count; model++) {
            note_change(weaver, deal_shipped_from(deal, &clause->as.primary, model, attested),
                        CHANGE_CLAUSE, index);
        }
    }
}

static int compare_changes(const void *a, const void *b)
{
    const struct change *x = a;
    const struct change *y = b;

    return (x->at > y->at) - (x->at < y->at);
}

static bool list_changes(struct weaver *weaver)
{
    const struct deal *deal = weaver->build->deal;
    struct deal_attestations attested = weaver->build->input->attested;
    size_t most = ((size_t)deal->clause_count * 2 + deal->price_count + deal->pool_count) * 2;
    uint32_t i;

    for (i = 0; i < deal->clause_count; i++) {
        most += deal->clauses[i].kind == DEAL_CLAUSE_PRIMARY ? deal->model_count : 0;
    }
    weaver->changes = policy_build_alloc(weaver->build, most, sizeof(*weaver->changes));
    if (weaver->changes == NULL) {
        return false;
    }
    for (i = 0; i < deal->clause_count; i++) {
        note_clause(weaver, i);
    }
    for (i = 0; i < deal->price_count; i++) {
        note_change(weaver, deal->prices[i].from, CHANGE_PRICE, i);
        note_change(weaver, deal_end_instant(&deal->prices[i].until, attested), CHANGE_PRICE, i);
    }
    for (i = 0; i < deal->pool_count; i++) {
        note_change(weaver, deal->pools[i].from, CHANGE_POOL, i);
        note_change(weaver, deal_end_instant(&deal->pools[i].until, attested), CHANGE_POOL, i);
    }
    qsort(weaver->changes, weaver->change_count, sizeof(*weaver->changes), compare_changes);
    return true;
}

/* ---- staleness -------------------------------------------------------------------------------- */

static void stale_products(struct weaver *weaver, struct deal_list products)
{
    uint32_t i;

    for (i = 0; i < weaver->build->deal->product_count; i++) {
        weaver->product_stale[i] = weaver->product_stale[i] || deal_list_has(products, i);
    }
}

static void stale_clause(struct weaver *weaver, const struct deal_clause *clause)
{
    static const uint32_t everything = DEAL_ALL;
    const struct deal_list all = {&everything, 1};

    switch (clause->kind) {
    case DEAL_CLAUSE_EXCLUSIVE:
        stale_products(weaver, clause->as.exclusive.products);
        break;
    case DEAL_CLAUSE_RESIDENCY:
        stale_products(weaver, clause->as.residency.subject == SYMBOL_PRODUCT
                                   ? clause->as.residency.items
                                   : all);
        break;
    case DEAL_CLAUSE_LICENSE:
        stale_products(weaver, clause->as.license.products);
        break;
    case DEAL_CLAUSE_PRIMARY:
        stale_products(weaver, clause->as.primary.products);
        break;
    case DEAL_CLAUSE_COMMIT:
        if (weaver->build->input->commitment_value_ppb != NULL) {
            stale_products(weaver, clause->as.commit.products);
        }
        break;
    default:
        break; /* says nothing of where a request runs */
    }
}

static void stale_pool(struct weaver *weaver, uint32_t pool)
{
    const struct policy_rules *rules = &weaver->rules;
    uint32_t i;

    for (i = rules->pool_first[pool]; i < rules->pool_first[pool + 1]; i++) {
        weaver->model_stale[rules->deal->serves[rules->pool_serves[i]].model] = true;
        weaver->any_model_stale = true;
    }
}

static void apply_change(struct weaver *weaver, const struct change *change)
{
    const struct deal *deal = weaver->build->deal;

    if (change->kind == CHANGE_CLAUSE) {
        stale_clause(weaver, &deal->clauses[change->index]);
    } else if (change->kind == CHANGE_POOL) {
        if (policy_rules_open_pool(&weaver->rules, change->index)) {
            stale_pool(weaver, change->index);
        }
    } else if (deal->prices[change->index].is_sale) {
        weaver->product_stale[deal->prices[change->index].owner] = true;
    } else if (policy_rules_price_pool(&weaver->rules, deal->prices[change->index].owner)) {
        stale_pool(weaver, deal->prices[change->index].owner);
    }
}

/* ---- rows ------------------------------------------------------------------------------------- */

/* Where the list stands; an equal one that is stored already is taken. */
static uint32_t store_list(struct weaver *weaver, uint32_t count)
{
    struct oft_buffer *section = &weaver->build->sections[POLICY_CANDIDATES];
    size_t bytes = count * sizeof(struct policy_candidate);
    uint32_t checksum = oft_crc32c(0, weaver->list, bytes);
    struct list_slot *slot = &weaver->slots[checksum & (LIST_SLOTS - 1)];

    if (slot->count == count && slot->checksum == checksum && !section->failed &&
        memcmp(section->data + slot->first * sizeof(struct policy_candidate), weaver->list,
               bytes) == 0) {
        return slot->first;
    }
    slot->checksum = checksum;
    slot->count = count;
    slot->first = (uint32_t)(section->length / sizeof(struct policy_candidate));
    oft_buffer_append(section, weaver->list, bytes);
    return slot->first;
}

static void fill_candidate(struct weaver *weaver, const struct policy_verdict *verdict,
                           struct policy_candidate *item)
{
    *item = (struct policy_candidate){.pool = verdict->pool,
                                      .endpoint = verdict->serve,
                                      .reason = (uint16_t)verdict->reason,
                                      .effective_price_nanos = verdict->effective_nanos};
    item->clause = policy_build_ground(weaver->build, verdict->ground);
    item->flags = (uint16_t)((verdict->reserved ? POLICY_CANDIDATE_RESERVED : 0) |
                             (verdict->preferred ? POLICY_CANDIDATE_PREFERRED : 0) |
                             weaver->endpoint_flags[verdict->serve]);
}

/* Only what they cost and how they stand orders pools; what is equal is ordered by load, in the
 * gateway. */
static bool equal(const struct policy_verdict *a, const struct policy_verdict *b)
{
    return a->reserved == b->reserved && a->preferred == b->preferred &&
           a->nominal_nanos == b->nominal_nanos && a->effective_nanos == b->effective_nanos;
}

static struct policy_decision decide_model(struct weaver *weaver, const struct policy_scope *scope,
                                           uint32_t product, uint32_t model)
{
    struct policy_decision item = {.refusal_clause = POLICY_NONE};
    uint32_t count, eligible, i;

    policy_rules_decide(&weaver->rules, scope, product, model, weaver->verdicts, &count, &eligible);
    for (i = 0; i < count; i++) {
        fill_candidate(weaver, &weaver->verdicts[i], &weaver->list[i]);
        if (i > 0 && i < eligible && equal(&weaver->verdicts[i - 1], &weaver->verdicts[i])) {
            weaver->list[i].flags |= POLICY_CANDIDATE_EQUAL;
        }
    }
    item.first_candidate = count == 0 ? 0 : store_list(weaver, count);
    item.eligible_count = (uint16_t)eligible;
    item.barred_count = (uint16_t)(count - eligible);
    if (eligible == 0 && count > 0) {
        item.refusal_clause = weaver->list[0].clause;
    }
    return item;
}

static const struct policy_decision *stored_row(const struct weaver *weaver, uint32_t row)
{
    return (const struct policy_decision *)(const void *)weaver->build->sections[POLICY_DECISIONS]
               .data +
           (size_t)row * weaver->build->deal->model_count;
}

static void make_row(struct weaver *weaver, struct row *row, uint32_t product)
{
    const struct deal *deal = weaver->build->deal;
    struct oft_buffer *section = &weaver->build->sections[POLICY_DECISIONS];
    size_t bytes = (size_t)deal->model_count * sizeof(struct policy_decision);
    bool all = weaver->product_stale[product] || row->stored == POLICY_NONE;
    uint32_t i;

    if (section->failed) {
        return;
    }
    for (i = 0; i < deal->model_count; i++) {
        uint32_t model = weaver->build->model_at[i];

        weaver->fresh[i] = all || weaver->model_stale[model]
                               ? decide_model(weaver, &row->scope, product, model)
                               : stored_row(weaver, row->stored)[i];
    }
    if (row->stored != POLICY_NONE && bytes > 0 &&
        memcmp(stored_row(weaver, row->stored), weaver->fresh, bytes) == 0) {
        return;
    }
    row->stored = bytes == 0 ? 0 : (uint32_t)(section->length / bytes);
    oft_buffer_append(section, weaver->fresh, bytes);
}

static bool same_scope(const struct weaver *weaver, const struct policy_scope *a,
                       const struct policy_scope *b)
{
    const struct deal *deal = weaver->build->deal;

    return a->exclusive == b->exclusive &&
           memcmp(a->exclusive_bar, b->exclusive_bar, deal->provider_count * sizeof(uint32_t)) ==
               0 &&
           memcmp(a->residency_bar, b->residency_bar,
                  weaver->rules.region_count * sizeof(uint32_t)) == 0;
}

/* Kinds of accounts that this product's clauses do not tell apart now share kind 0's row. */
static void make_rows(struct weaver *weaver, uint32_t product)
{
    const struct deal *deal = weaver->build->deal;
    struct row *first = &weaver->rows[product];
    uint32_t kind;

    for (kind = 0; kind < weaver->rules.kinds.count; kind++) {
        struct row *row = &weaver->rows[(size_t)kind * deal->product_count + product];

        if (weaver->product_stale[product]) {
            policy_rules_scope(&weaver->rules, product, kind, &row->scope);
        }
        if (kind > 0 && same_scope(weaver, &row->scope, &first->scope)) {
            row->stored = first->stored;
        } else {
            make_row(weaver, row, product);
        }
    }
}

static void put_regime(struct weaver *weaver, oft_instant from, oft_instant until)
{
    struct policy_regime item = {.from_ns = from, .until_ns = until};
    const struct deal *deal = weaver->build->deal;
    size_t rows = (size_t)weaver->rules.kinds.count * deal->product_count;
    uint32_t product, model;
    size_t i;

    oft_buffer_append(&weaver->build->sections[POLICY_REGIMES], &item, sizeof(item));
    for (model = 0; weaver->any_model_stale && model < deal->model_count; model++) {
        if (weaver->model_stale[model]) {
            policy_rules_sort_model(&weaver->rules, model);
        }
    }
    for (product = 0; product < deal->product_count; product++) {
        if (weaver->product_stale[product] || weaver->any_model_stale) {
            make_rows(weaver, product);
        }
    }
    for (i = 0; i < rows; i++) {
        oft_buffer_append(&weaver->build->sections[POLICY_ROWS], &weaver->rows[i].stored,
                          sizeof(uint32_t));
    }
    memset(weaver->product_stale, 0, deal->product_count * sizeof(bool));
    memset(weaver->model_stale, 0, deal->model_count * sizeof(bool));
    weaver->any_model_stale = false;
}

/* ---- the walk --------------------------------------------------------------------------------- */

static bool weaver_init(struct weaver *weaver, struct policy_build *build)
{
    const struct deal *deal = build->deal;
    size_t rows;
    size_t i;

    weaver->build = build;
    build->err = policy_rules_init(&weaver->rules, build->input, &build->arena, build->reterr);
    if (build->err != OFT_OK) {
        return false;
    }
    rows = (size_t)weaver->rules.kinds.count * deal->product_count;
    weaver->rows = policy_build_alloc(build, rows, sizeof(*weaver->rows));
    weaver->product_stale = policy_build_alloc(build, deal->product_count, sizeof(bool));
    weaver->model_stale = policy_build_alloc(build, deal->model_count, sizeof(bool));
    weaver->verdicts =
        policy_build_alloc(build, OFT_POOLS_PER_DECISION_MAX, sizeof(*weaver->verdicts));
    weaver->list = policy_build_alloc(build, OFT_POOLS_PER_DECISION_MAX, sizeof(*weaver->list));
    weaver->fresh = policy_build_alloc(build, deal->model_count, sizeof(*weaver->fresh));
    weaver->slots = policy_build_alloc(build, LIST_SLOTS, sizeof(*weaver->slots));
    weaver->endpoint_flags = policy_build_alloc(build, deal->serve_count, sizeof(uint16_t));
    for (i = 0;
         build->err == OFT_OK && !build->sections[POLICY_ENDPOINTS].failed && i < deal->serve_count;
         i++) {
        const struct policy_endpoint *endpoint =
            (const struct policy_endpoint *)(const void *)build->sections[POLICY_ENDPOINTS].data +
            i;

        weaver->endpoint_flags[i] =
            (uint16_t)((endpoint->kind << POLICY_CANDIDATE_KIND_SHIFT) |
                       (endpoint->address_count == 0 ? POLICY_CANDIDATE_UNRESOLVED : 0));
    }
    for (i = 0; build->err == OFT_OK && i < rows; i++) {
        weaver->rows[i].stored = POLICY_NONE;
        if (!policy_scope_init(&weaver->rules, &build->arena, &weaver->rows[i].scope)) {
            build->err = oft_fail(build->reterr, OFT_ERR_MEMORY, "no memory to compile the policy");
        }
    }
    return build->err == OFT_OK && list_changes(weaver);
}

/* Everything is stale at the beginning of time. */
static void begin_walk(struct weaver *weaver)
{
    const struct deal *deal = weaver->build->deal;
    uint32_t i;

    for (i = 0; i < deal->pool_count; i++) {
        (void)policy_rules_open_pool(&weaver->rules, i);
        (void)policy_rules_price_pool(&weaver->rules, i);
    }
    memset(weaver->product_stale, 1, deal->product_count * sizeof(bool));
    memset(weaver->model_stale, 1, deal->model_count * sizeof(bool));
    weaver->any_model_stale = true;
}

void policy_build_decisions(struct policy_build *build, const oft_instant *cuts, size_t cut_count)
{
    struct weaver weaver = {0};
    size_t regime;
    size_t change = 0;

    if (build->err != OFT_OK || !weaver_init(&weaver, build)) {
        return;
    }
    begin_walk(&weaver);
    for (regime = 0; regime <= cut_count; regime++) {
        oft_instant from = regime == 0 ? OFT_INSTANT_ALWAYS : cuts[regime - 1];
        oft_instant until = regime == cut_count ? OFT_INSTANT_NEVER : cuts[regime];

        weaver.rules.at = from;
        while (change < weaver.change_count && weaver.changes[change].at <= from) {
            apply_change(&weaver, &weaver.changes[change++]);
        }
        put_regime(&weaver, from, until);
    }
}
