/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agreements and programmes: when an agreement begins and ends, the ids of its clauses, and a
 * programme's sums. The clauses' bodies are in clauses.c, who ends whom in clauses_ends.c.
 */
#include "base/limits.h"
#include "deal/build.h"

#include <string.h>

static void resolve_term(struct deal_build *build, uint32_t index)
{
    const struct deal_node *node = build->agreement_nodes[index];
    struct deal_agreement *agreement = &build->agreements[index];
    deal_build_once(build, node, NODE_EFFECTIVE, "\"effective\"");
    const struct deal_node *effective = deal_node_child(node, NODE_EFFECTIVE);
    agreement->until = (struct deal_end){.kind = DEAL_END_NEVER, .instant = OFT_INSTANT_NEVER};
    if (effective == NULL) {
        BUILD_ERROR(build, 10, node, agreement->name, "add: effective DATE",
                    "agreement \"%s\" does not say when it begins", agreement->name);
        return;
    }
    bool good = deal_value_date(build, effective, &agreement->effective);
    good = deal_value_end(build, deal_node_child(effective, NODE_UNTIL), &agreement->until) && good;
    if (good) {
        deal_value_interval(build, effective, agreement->effective, &agreement->until,
                            agreement->name);
    }
}

static void enter_clause(struct deal_build *build, const struct deal_node *node, uint32_t agreement)
{
    struct deal *deal = build->deal;
    char *id = oft_arena_printf(build->arena, "%s.%.*s", build->agreements[agreement].name,
                                (int)node->text.length, node->text.data);
    if (id == NULL) {
        build->memory_failed = true;
        return;
    }
    if (!deal_symbols_add(build, SYMBOL_CLAUSE, oft_str_from(id), node->position,
                          deal->clause_count)) {
        return;
    }
    build->clause_nodes[deal->clause_count] = node;
    build->clauses[deal->clause_count++] =
        (struct deal_clause){.id = id,
                             .label = id + strlen(build->agreements[agreement].name) + 1,
                             .agreement = agreement,
                             .amends = DEAL_NONE,
                             .from = build->agreements[agreement].effective,
                             .superseded_from = OFT_INSTANT_NEVER,
                             .position = node->position};
}

void deal_resolve_agreements(struct deal_build *build)
{
    for (uint32_t i = 0; i < build->deal->agreement_count; i++) {
        resolve_term(build, i);
        const struct deal_node *child = build->agreement_nodes[i]->first;
        for (; child != NULL && !build->memory_failed; child = child->next) {
            if (child->kind == NODE_CLAUSE) {
                enter_clause(build, child, i);
            }
        }
    }
    if (!build->memory_failed) {
        deal_resolve_clauses(build);
    }
    if (!build->memory_failed) {
        deal_resolve_supersessions(build);
    }
}

/* ---- programmes ------------------------------------------------------------------------------ */

static void resolve_funders(struct deal_build *build, const struct deal_node *node,
                            struct deal_programme *programme)
{
    uint32_t count = deal_node_count(node, NODE_FUNDER);
    struct deal_funder *funders = deal_build_array(build, count, sizeof(*funders));
    if (funders == NULL) {
        return;
    }
    int64_t sum = 0;
    bool good = true;
    for (const struct deal_node *child = node->first; child != NULL; child = child->next) {
        if (child->kind != NODE_FUNDER) {
            continue;
        }
        struct deal_funder funder = {.share_ppb = 0};
        funder.party = deal_symbols_need(build, SYMBOL_PARTY, child, programme->name);
        good = deal_value_rate(build, deal_node_child(child, NODE_PERCENT), programme->name,
                               &funder.share_ppb) &&
               funder.party != DEAL_NONE && good;
        for (uint32_t i = 0; i < programme->funder_count; i++) {
            if (funder.party != DEAL_NONE && funders[i].party == funder.party) {
                BUILD_ERROR(build, 11, child, programme->name, "add the shares up",
                            "this funder is said twice");
                good = false;
            }
        }
        funders[programme->funder_count++] = funder;
        sum += funder.share_ppb;
    }
    programme->funders = funders;
    if (count > 0 && good && sum != DEAL_RATE_ONE) {
        BUILD_ERROR(build, 45, node, programme->name, "let the shares add up to 100%",
                    "the funders' shares add up to %lld.%07lld%%", (long long)(sum / 10000000),
                    (long long)(sum % 10000000));
    }
}

static void check_tranches(struct deal_build *build, const struct deal_node *node,
                           const struct deal_programme *programme)
{
    oft_nanos sum = 0;
    for (const struct deal_node *child = node->first; child != NULL; child = child->next) {
        oft_nanos amount;
        oft_instant from;
        if (child->kind != NODE_TRANCHE ||
            !deal_value_amount(build, deal_node_child(child, NODE_AMOUNT), programme->name,
                               &amount) ||
            !deal_value_date(build, deal_node_child(child, NODE_FROM), &from)) {
            continue;
        }
        if (from < programme->from || from >= programme->until) {
            BUILD_ERROR(build, 48, child, programme->name, "",
                        "this tranche begins outside of the programme's years");
        }
        if (oft_nanos_add(sum, amount, &sum) != OFT_OK || sum > programme->total_nanos) {
            BUILD_ERROR(build, 48, child, programme->name, "lower it, or raise the total",
                        "with this tranche they add up to more than the total");
            return;
        }
    }
}

static bool resolve_total(struct deal_build *build, const struct deal_node *node,
                          struct deal_programme *programme)
{
    deal_build_once(build, node, NODE_TOTAL, "the total");
    const struct deal_node *total = deal_node_child(node, NODE_TOTAL);
    if (total == NULL) {
        BUILD_ERROR(build, 10, node, programme->name, "add: total AMOUNT over N years from DATE",
                    "programme \"%s\" has no total", programme->name);
        return false;
    }
    uint64_t years;
    if (!deal_value_amount(build, deal_node_child(total, NODE_AMOUNT), programme->name,
                           &programme->total_nanos) ||
        !deal_value_count(build, deal_node_child(total, NODE_YEARS), 100, &years) ||
        !deal_value_date(build, deal_node_child(total, NODE_FROM), &programme->from)) {
        return false;
    }
    struct oft_date date = oft_date_from_instant(programme->from);
    date.year += (int32_t)years;
    if (!oft_date_valid(date)) {
        date.day = 28; /* 29 February, years on */
    }
    if (!oft_date_valid(date)) {
        BUILD_ERROR(build, 20, total, programme->name, "", "the programme ends after year 2261");
        return false;
    }
    programme->until = oft_instant_from_date(date);
    return true;
}

static void resolve_programme(struct deal_build *build, const struct deal_node *node)
{
    struct deal *deal = build->deal;
    if (!deal_symbols_add(build, SYMBOL_PROGRAMME, node->text, node->position,
                          deal->programme_count)) {
        return;
    }
    struct deal_programme programme = {.position = node->position};
    programme.name = deal_build_copy(build, node->text);
    programme.title = deal_build_title(build, node);
    if (resolve_total(build, node, &programme)) {
        check_tranches(build, node, &programme);
    }
    resolve_funders(build, node, &programme);
    deal_build_once(build, node, NODE_TECHNOLOGY, "\"technology\"");
    const struct deal_node *technology = deal_node_child(node, NODE_TECHNOLOGY);
    if (technology != NULL) {
        (void)deal_symbols_list(build, SYMBOL_PARTY, technology, programme.name,
                                &programme.technology_parties);
    }
    build->programmes[deal->programme_count++] = programme;
}

void deal_resolve_programmes(struct deal_build *build)
{
    for (const struct deal_node *n = build->root->first; n != NULL && !build->memory_failed;
         n = n->next) {
        if (n->kind == NODE_PROGRAMME) {
            resolve_programme(build, n);
        }
    }
}
