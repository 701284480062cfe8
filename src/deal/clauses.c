/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A clause from its lines: the head says what kind it is and whom it concerns, terms follow on the
 * same line or in the block. What a kind needs of its terms is taken out here; whether terms fit
 * each other is in check_terms.c. Amendments and supersession are in clauses_ends.c.
 */
#include "deal/terms_internal.h"

#include <string.h>

const char *deal_clause_kind_text(enum deal_clause_kind kind)
{
    static const char *const texts[DEAL_CLAUSE_KIND_COUNT] = {
        [DEAL_CLAUSE_EXCLUSIVE] = "exclusive",
        [DEAL_CLAUSE_RESIDENCY] = "residency",
        [DEAL_CLAUSE_LICENSE] = "license",
        [DEAL_CLAUSE_PRIMARY] = "primary",
        [DEAL_CLAUSE_COMMIT] = "commit",
        [DEAL_CLAUSE_ORDER] = "order",
        [DEAL_CLAUSE_SHARE] = "share",
        [DEAL_CLAUSE_FIRST_REFUSAL] = "first refusal",
        [DEAL_CLAUSE_FIRST_OFFER] = "first offer",
        [DEAL_CLAUSE_CEILING] = "ceiling",
    };
    return texts[kind];
}

/* ---- heads ----------------------------------------------------------------------------------- */

static const struct deal_head_spec *best_head(const struct deal_cursor *cursor)
{
    const struct deal_head_spec *best = NULL;
    int best_weight = 0;
    for (size_t i = 0; i < deal_head_count; i++) {
        int weight = deal_pattern_weight(cursor, deal_heads[i].pattern);
        if (weight > best_weight) {
            best = &deal_heads[i];
            best_weight = weight;
        }
    }
    return best;
}

static void no_such_clause(struct deal_build *build, struct deal_cursor *cursor)
{
    static const char hint[] = "exclusive, residency product, residency account, residency group, "
                               "license, primary, commit, order, share, first refusal on new "
                               "capacity, first offer on new capacity, spend at most, amend";
    int length = cursor->at->text.length > 60 ? 60 : (int)cursor->at->text.length;
    BUILD_ERROR(build, 18, cursor->at, cursor->clause, hint, "\"%.*s\" begins no kind of clause",
                length, cursor->at->text.data);
}

static bool take_share_head(struct deal_build *build, struct deal_clause *clause,
                            const struct deal_node *node, const struct deal_value *v)
{
    struct deal_share *share = &clause->as.share;
    bool revenue = v[1].kind != DEAL_VALUE_NONE;
    bool of_share = v[3].kind != DEAL_VALUE_NONE;
    *share = (struct deal_share){.rate_ppb = v[0].kind == DEAL_VALUE_RATE ? v[0].as.rate_ppb : -1,
                                 .base = of_share ? DEAL_BASE_SHARE : DEAL_BASE_REVENUE,
                                 .base_clause = of_share ? v[4].as.index : DEAL_NONE,
                                 .payer_party = v[5].as.index,
                                 .payee_party = v[6].as.index,
                                 .total_cap_nanos = -1};
    if (revenue == of_share) {
        BUILD_ERROR(build, 10, node, clause->id,
                    "write: of revenue from PRODUCTS, or: of share CLAUSE",
                    "this share says %s it is a share of", revenue ? "twice what" : "not what");
        return false;
    }
    if (revenue) {
        share->products = v[2].as.list;
    }
    if (share->payer_party == share->payee_party) {
        BUILD_ERROR(build, 46, node, clause->id, "name two parties",
                    "a party cannot share its revenue with itself");
        return false;
    }
    return true;
}

static bool take_commit_head(struct deal_build *build, struct deal_clause *clause,
                             const struct deal_node *node, const struct deal_value *v)
{
    clause->as.commit = (struct deal_commit){.amount_nanos = v[0].as.amount_nanos,
                                             .provider = v[1].as.index,
                                             .period_from = v[2].as.instant,
                                             .period_until = v[3].as.instant};
    if (v[0].as.amount_nanos <= 0) {
        BUILD_ERROR(build, 44, node, clause->id, "", "a commitment to nothing");
        return false;
    }
    struct deal_end end = {.kind = DEAL_END_DATE, .instant = v[3].as.instant};
    deal_value_interval(build, node, v[2].as.instant, &end, clause->id);
    return true;
}

static bool take_ceiling_head(struct deal_build *build, struct deal_clause *clause,
                              const struct deal_node *node, const struct deal_value *v)
{
    clause->as.ceiling = (struct deal_ceiling){
        .amount_nanos = v[0].as.amount_nanos,
        .period = strcmp(v[1].as.text, "day") == 0 ? DEAL_BUDGET_DAY : DEAL_BUDGET_MONTH,
        .provider = v[2].as.index};
    return deal_value_budget(build, node, v[0].as.amount_nanos, clause->id);
}

static bool take_head(struct deal_build *build, struct deal_clause *clause,
                      const struct deal_node *node, const struct deal_value *v)
{
    switch (clause->kind) {
    case DEAL_CLAUSE_EXCLUSIVE:
        clause->as.exclusive =
            (struct deal_exclusive){.products = v[0].as.list, .provider = v[1].as.index};
        return true;
    case DEAL_CLAUSE_RESIDENCY:
        clause->as.residency = (struct deal_residency){v[0].symbol, v[0].as.list, v[1].as.names};
        return true;
    case DEAL_CLAUSE_LICENSE:
        clause->as.license = (struct deal_license){.exclusive = v[0].kind != DEAL_VALUE_NONE,
                                                   .models = v[1].as.list,
                                                   .licensee_party = v[2].as.index,
                                                   .products = v[3].as.list};
        return true;
    case DEAL_CLAUSE_PRIMARY:
        clause->as.primary =
            (struct deal_primary){.provider = v[0].as.index, .products = v[1].as.list};
        return true;
    case DEAL_CLAUSE_COMMIT:
        return take_commit_head(build, clause, node, v);
    case DEAL_CLAUSE_ORDER:
        clause->as.order =
            (struct deal_order){.quantity = v[0].as.quantity, .provider = v[1].as.index};
        return true;
    case DEAL_CLAUSE_SHARE:
        return take_share_head(build, clause, node, v);
    case DEAL_CLAUSE_CEILING:
        return take_ceiling_head(build, clause, node, v);
    default:
        clause->as.refusal = (struct deal_refusal){0};
        return true;
    }
}

/* ---- terms to typed values ------------------------------------------------------------------- */

static bool missing_term(struct deal_build *build, const struct deal_clause *clause,
                         const struct deal_node *node, const char *hint, const char *what)
{
    BUILD_ERROR(build, 10, node, clause->id, hint, "this clause does not say %s", what);
    return false;
}

static struct deal_list list_of(const struct deal_clause *clause, enum deal_term_key key)
{
    const struct deal_term *term = deal_terms_find(clause->terms, key);
    return term == NULL ? (struct deal_list){NULL, 0} : term->values[0].as.list;
}

static bool typed_commit(struct deal_build *build, struct deal_clause *clause,
                         const struct deal_node *node)
{
    struct deal_commit *commit = &clause->as.commit;
    const struct deal_term *model = deal_terms_find(clause->terms, DEAL_TERM_COMMIT_MODEL);
    const struct deal_term *counting = deal_terms_find(clause->terms, DEAL_TERM_COUNTING);
    static const char hint[] = "write: commit AMOUNT on PROVIDER over D..D build-up counting all";
    if (model == NULL) {
        return missing_term(build, clause, node, hint,
                            "how it works (build-up, burn-down or take-or-pay)");
    }
    if (counting == NULL) {
        return missing_term(build, clause, node, hint, "what counts towards it");
    }
    commit->model = strcmp(model->values[0].as.text, "burn-down") == 0     ? DEAL_COMMIT_BURN_DOWN
                    : strcmp(model->values[0].as.text, "take-or-pay") == 0 ? DEAL_COMMIT_TAKE_OR_PAY
                                                                           : DEAL_COMMIT_BUILD_UP;
    commit->products = counting->values[0].as.weighted.items;
    commit->weights_ppb = counting->values[0].as.weighted.weights_ppb;
    return true;
}

/* What the books cannot settle yet makes a share one that they leave alone. */
static bool share_plain(const struct deal_clause *clause)
{
    static const enum deal_term_key reckoned[] = {DEAL_TERM_LESS, DEAL_TERM_TIER,
                                                  DEAL_TERM_MINIMUM};
    uint32_t from = 0;
    const struct deal_term *term;
    for (size_t i = 0; i < OFT_COUNT_OF(reckoned); i++) {
        if (deal_terms_find(clause->terms, reckoned[i]) != NULL) {
            return false;
        }
    }
    while ((term = deal_terms_next(clause->terms, DEAL_TERM_CAP, &from)) != NULL) {
        if (term->values[1].kind != DEAL_VALUE_NONE) {
            return false; /* a cap per period */
        }
    }
    return clause->as.share.base == DEAL_BASE_REVENUE;
}

static bool typed_share(struct deal_build *build, struct deal_clause *clause,
                        const struct deal_node *node)
{
    struct deal_share *share = &clause->as.share;
    uint32_t from = 0;
    const struct deal_term *cap;
    if (deal_terms_find(clause->terms, DEAL_TERM_PERIOD) == NULL) {
        return missing_term(build, clause, node, "add: monthly, quarterly or yearly",
                            "how often it is settled");
    }
    share->total_cap_nanos = -1;
    while ((cap = deal_terms_next(clause->terms, DEAL_TERM_CAP, &from)) != NULL) {
        if (cap->values[1].kind == DEAL_VALUE_NONE) {
            share->total_cap_nanos = cap->values[0].as.amount_nanos;
        }
    }
    share->plain = share_plain(clause);
    return true;
}

static void typed_primary(struct deal_clause *clause)
{
    struct deal_primary *primary = &clause->as.primary;
    const struct deal_term *lead = deal_terms_find(clause->terms, DEAL_TERM_LEAD);
    const struct deal_term *unless = deal_terms_find(clause->terms, DEAL_TERM_UNLESS);
    primary->ship_first = deal_terms_find(clause->terms, DEAL_TERM_SHIP_FIRST) != NULL;
    primary->prefer = deal_terms_find(clause->terms, DEAL_TERM_PREFER) != NULL;
    primary->has_unless = unless != NULL;
    primary->lead = lead != NULL ? lead->values[0].as.duration : (struct deal_duration){0};
    if (unless != NULL) {
        primary->unless = unless->values[0].as.condition;
    }
}

static bool typed_refusal(struct deal_build *build, struct deal_clause *clause,
                          const struct deal_node *node)
{
    uint32_t from = 0;
    if (deal_terms_find(clause->terms, DEAL_TERM_RESPOND) == NULL) {
        return missing_term(build, clause, node, "add: respond within 10 business days",
                            "how long the holder may take to answer");
    }
    clause->as.refusal.holder_count = 0;
    while (deal_terms_next(clause->terms, DEAL_TERM_HOLDER, &from) != NULL) {
        clause->as.refusal.holder_count++;
    }
    return true;
}

static bool typed_order(struct deal_build *build, struct deal_clause *clause,
                        const struct deal_node *node)
{
    const struct deal_term *deliver = deal_terms_find(clause->terms, DEAL_TERM_DELIVER_BY);
    if (deliver == NULL) {
        return missing_term(build, clause, node, "add: deliver by DATE", "when it is delivered");
    }
    clause->as.order.deliver_by = deliver->values[0].as.instant;
    return true;
}

bool deal_resolve_typed(struct deal_build *build, struct deal_clause *clause,
                        const struct deal_node *node)
{
    switch (clause->kind) {
    case DEAL_CLAUSE_EXCLUSIVE:
        clause->as.exclusive.surfaces = list_of(clause, DEAL_TERM_THROUGH);
        clause->as.exclusive.except_groups = list_of(clause, DEAL_TERM_EXCEPT_GROUPS);
        return true;
    case DEAL_CLAUSE_LICENSE:
        clause->as.license.except_fields = list_of(clause, DEAL_TERM_EXCEPT_FIELDS);
        return true;
    case DEAL_CLAUSE_PRIMARY:
        typed_primary(clause);
        return true;
    case DEAL_CLAUSE_COMMIT:
        return typed_commit(build, clause, node);
    case DEAL_CLAUSE_ORDER:
        return typed_order(build, clause, node);
    case DEAL_CLAUSE_SHARE:
        return typed_share(build, clause, node);
    case DEAL_CLAUSE_FIRST_REFUSAL:
    case DEAL_CLAUSE_FIRST_OFFER:
        return typed_refusal(build, clause, node);
    default:
        return true;
    }
}

/* ---- a clause whole -------------------------------------------------------------------------- */

static uint32_t tokens_from(const struct deal_cursor *cursor)
{
    uint32_t count = 0;
    for (const struct deal_node *run = cursor->run; run != NULL; run = run->next) {
        for (const struct deal_node *node = run->first; node != NULL; node = node->next) {
            count++;
        }
    }
    return count;
}

bool deal_resolve_terms(struct deal_build *build, struct deal_clause *clause,
                        struct deal_cursor *cursor)
{
    uint32_t most = tokens_from(cursor);
    struct deal_term *terms = deal_build_array(build, most, sizeof(*terms));
    uint32_t count = 0;
    if (terms == NULL) {
        return false;
    }
    bool good = deal_terms_read(cursor, clause->kind, terms, most, &count);
    for (const struct deal_node *run = cursor->run->next; run != NULL; run = run->next) {
        if (run->kind == NODE_RUN) {
            struct deal_cursor line = {build, run, run->first, NULL, clause->id};
            good = deal_terms_read(&line, clause->kind, terms, most, &count) && good;
        }
    }
    clause->terms = (struct deal_terms){terms, count};
    return good;
}

static bool resolve_body(struct deal_build *build, struct deal_clause *clause,
                         struct deal_cursor *cursor)
{
    struct deal_value values[DEAL_PATTERN_VALUES_MAX] = {0};
    uint32_t count = 0;
    const struct deal_node *begin = cursor->at;
    if (begin == NULL) {
        return deal_cursor_expected(cursor, "a clause");
    }
    const struct deal_head_spec *head = best_head(cursor);
    if (head == NULL) {
        for (size_t i = 0; i < deal_head_count && head == NULL; i++) {
            struct oft_str first = {deal_heads[i].pattern, strcspn(deal_heads[i].pattern, " ")};
            head = oft_str_equal(first, begin->text) ? &deal_heads[i] : NULL;
        }
    }
    if (head == NULL) {
        no_such_clause(build, cursor);
        return false;
    }
    clause->kind = head->kind;
    bool good = deal_pattern_match(cursor, head->pattern, values, &count) &&
                take_head(build, clause, begin, values);
    if (!good) {
        return false;
    }
    return deal_resolve_terms(build, clause, cursor) && deal_resolve_typed(build, clause, begin);
}

void deal_resolve_clause_body(struct deal_build *build, struct deal_clause *clause,
                              struct deal_cursor *cursor)
{
    const struct deal_node *begin = cursor->at != NULL ? cursor->at : cursor->run;
    struct deal_end own = {.kind = DEAL_END_NEVER, .instant = OFT_INSTANT_NEVER};
    if (!resolve_body(build, clause, cursor)) {
        build->clause_bad[clause - build->clauses] = true;
        return;
    }
    const struct deal_term *until = deal_terms_find(clause->terms, DEAL_TERM_UNTIL);
    if (until != NULL) {
        own = until->values[0].as.end;
    } else if (clause->kind == DEAL_CLAUSE_COMMIT) {
        own = (struct deal_end){.kind = DEAL_END_DATE, .instant = clause->as.commit.period_until};
    }
    struct deal_end agreement = build->agreements[clause->agreement].until;
    build->memory_failed =
        !deal_end_combine(build, own, agreement, &clause->until) || build->memory_failed;
    deal_value_interval(build, begin, clause->from, &clause->until, clause->id);
}
