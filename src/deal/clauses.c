/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bodies of clauses: exclusive, commit, share, license, and the two that are kept as text. Each
 * takes its names and sums from the tree into the clause. A clause's end is its own end and its
 * agreement's, whichever comes first. Amendments and supersession are in clauses_ends.c.
 */
#include "deal/build.h"

/* The clause's own end, by "until". */
static bool own_end(struct deal_build *build, const struct deal_node *body, struct deal_end *ret)
{
    deal_build_once(build, body, NODE_UNTIL, "the end");
    return deal_value_end(build, deal_node_child(body, NODE_UNTIL), ret);
}

static bool resolve_exclusive(struct deal_build *build, struct deal_clause *clause,
                              const struct deal_node *body)
{
    clause->kind = DEAL_CLAUSE_EXCLUSIVE;
    struct deal_exclusive *it = &clause->as.exclusive;
    bool good = deal_symbols_list(build, SYMBOL_PRODUCT, deal_node_child(body, NODE_LIST),
                                  clause->id, &it->products);
    it->provider =
        deal_symbols_need(build, SYMBOL_PROVIDER, deal_node_child(body, NODE_ON), clause->id);
    return it->provider != DEAL_NONE && good;
}

static bool commit_options(struct deal_build *build, struct deal_clause *clause,
                           const struct deal_node *body)
{
    struct deal_commit *it = &clause->as.commit;
    const struct deal_node *model = deal_node_child(body, NODE_COMMIT_MODEL);
    const struct deal_node *counting = deal_node_child(body, NODE_COUNTING);
    deal_build_once(build, body, NODE_COMMIT_MODEL, "the way the commitment works");
    deal_build_once(build, body, NODE_COUNTING, "\"counting\"");
    if (model == NULL || counting == NULL) {
        BUILD_ERROR(build, 10, body, clause->id,
                    "write: commit AMOUNT on PROVIDER over D..D build-up counting all",
                    "this commitment does not say %s",
                    model == NULL ? "how it works (build-up, burn-down or take-or-pay)"
                                  : "what counts towards it");
        return false;
    }
    it->model = oft_str_is(model->text, "burn-down")     ? DEAL_COMMIT_BURN_DOWN
                : oft_str_is(model->text, "take-or-pay") ? DEAL_COMMIT_TAKE_OR_PAY
                                                         : DEAL_COMMIT_BUILD_UP;
    if (it->model == DEAL_COMMIT_BUILD_UP && !oft_str_is(model->text, "build-up")) {
        BUILD_ERROR(build, 44, model, clause->id, "write build-up, burn-down or take-or-pay",
                    "\"%.*s\" is no kind of commitment", (int)model->text.length, model->text.data);
        return false;
    }
    return deal_symbols_list(build, SYMBOL_PRODUCT, counting, clause->id, &it->products);
}

static bool resolve_commit(struct deal_build *build, struct deal_clause *clause,
                           const struct deal_node *body)
{
    clause->kind = DEAL_CLAUSE_COMMIT;
    struct deal_commit *it = &clause->as.commit;
    const struct deal_node *over = deal_node_child(body, NODE_OVER);
    bool good =
        deal_value_amount(build, deal_node_child(body, NODE_AMOUNT), clause->id, &it->amount_nanos);
    it->provider =
        deal_symbols_need(build, SYMBOL_PROVIDER, deal_node_child(body, NODE_ON), clause->id);
    good = it->provider != DEAL_NONE && good;
    good = commit_options(build, clause, body) && good;
    if (good && it->amount_nanos <= 0) {
        BUILD_ERROR(build, 44, body, clause->id, "", "a commitment to nothing");
        good = false;
    }
    if (!deal_value_date(build, over, &it->period_from) ||
        !deal_value_date(build, deal_node_child(over, NODE_END_DATE), &it->period_until)) {
        return false;
    }
    struct deal_end end = {.kind = DEAL_END_DATE, .instant = it->period_until};
    deal_value_interval(build, over, it->period_from, &end, clause->id);
    return good;
}

static bool resolve_share(struct deal_build *build, struct deal_clause *clause,
                          const struct deal_node *body)
{
    clause->kind = DEAL_CLAUSE_SHARE;
    struct deal_share *it = &clause->as.share;
    const struct deal_node *cap = deal_node_child(body, NODE_CAP);
    deal_build_once(build, body, NODE_CAP, "the cap");
    deal_build_once(build, body, NODE_MONTHLY, "\"monthly\"");
    it->base = DEAL_BASE_REVENUE;
    it->total_cap_nanos = -1;
    bool good = deal_value_rate(build, body, clause->id, &it->rate_ppb);
    good = deal_symbols_list(build, SYMBOL_PRODUCT, deal_node_child(body, NODE_LIST), clause->id,
                             &it->products) &&
           good;
    it->payer_party =
        deal_symbols_need(build, SYMBOL_PARTY, deal_node_child(body, NODE_FROM), clause->id);
    it->payee_party =
        deal_symbols_need(build, SYMBOL_PARTY, deal_node_child(body, NODE_TO), clause->id);
    good = it->payer_party != DEAL_NONE && it->payee_party != DEAL_NONE && good;
    if (good && it->payer_party == it->payee_party) {
        BUILD_ERROR(build, 46, deal_node_child(body, NODE_TO), clause->id, "name two parties",
                    "a party cannot share its revenue with itself");
        good = false;
    }
    if (deal_node_child(body, NODE_MONTHLY) == NULL) {
        BUILD_ERROR(build, 10, body, clause->id, "add: monthly",
                    "this share does not say how often it is settled");
        good = false;
    }
    return (cap == NULL || deal_value_amount(build, deal_node_child(cap, NODE_AMOUNT), clause->id,
                                             &it->total_cap_nanos)) &&
           good;
}

static bool resolve_license(struct deal_build *build, struct deal_clause *clause,
                            const struct deal_node *body)
{
    clause->kind = DEAL_CLAUSE_LICENSE;
    struct deal_license *it = &clause->as.license;
    bool good = deal_symbols_list(build, SYMBOL_MODEL, deal_node_child(body, NODE_MODELS),
                                  clause->id, &it->models);
    good = deal_symbols_list(build, SYMBOL_PRODUCT, deal_node_child(body, NODE_FOR), clause->id,
                             &it->products) &&
           good;
    it->licensee_party =
        deal_symbols_need(build, SYMBOL_PARTY, deal_node_child(body, NODE_TO), clause->id);
    it->exclusive = deal_node_child(body, NODE_EXCLUSIVE) != NULL;
    return it->licensee_party != DEAL_NONE && good;
}

static bool resolve_recorded(struct deal_build *build, struct deal_clause *clause,
                             const struct deal_node *body)
{
    bool primary = body->kind == NODE_PRIMARY;
    clause->kind = primary ? DEAL_CLAUSE_PRIMARY : DEAL_CLAUSE_FIRST_REFUSAL;
    const struct deal_node *span = deal_node_child(body, NODE_SPAN);
    const char *text =
        deal_text_fold(build->arena, span != NULL ? span->text : (struct oft_str){"", 0});
    build->memory_failed = build->memory_failed || text == NULL;
    clause->as.recorded.text = text == NULL ? "" : text;
    clause->as.recorded.provider =
        primary
            ? deal_symbols_need(build, SYMBOL_PROVIDER, deal_node_child(body, NODE_ON), clause->id)
            : DEAL_NONE;
    return !primary || clause->as.recorded.provider != DEAL_NONE;
}

static bool resolve_body(struct deal_build *build, struct deal_clause *clause,
                         const struct deal_node *body)
{
    switch (body->kind) {
    case NODE_EXCLUSIVE:
        return resolve_exclusive(build, clause, body);
    case NODE_COMMIT:
        return resolve_commit(build, clause, body);
    case NODE_SHARE:
        return resolve_share(build, clause, body);
    case NODE_LICENSE:
        return resolve_license(build, clause, body);
    default:
        return resolve_recorded(build, clause, body);
    }
}

void deal_resolve_clause_body(struct deal_build *build, struct deal_clause *clause,
                              const struct deal_node *body)
{
    struct deal_end own;
    bool good = resolve_body(build, clause, body);
    good = own_end(build, body, &own) && good;
    if (clause->kind == DEAL_CLAUSE_COMMIT && good) {
        own = (struct deal_end){.kind = DEAL_END_DATE, .instant = clause->as.commit.period_until};
    }
    if (!good) {
        build->clause_bad[clause - build->clauses] = true;
        return;
    }
    struct deal_end agreement = build->agreements[clause->agreement].until;
    build->memory_failed =
        !deal_end_combine(build, own, agreement, &clause->until) || build->memory_failed;
    deal_value_interval(build, body, clause->from, &clause->until, clause->id);
}
