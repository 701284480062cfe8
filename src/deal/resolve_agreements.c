/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agreements: when one begins and ends, and the ids of its clauses. The clauses' bodies are in clauses.c, who ends whom in clauses_ends.c.
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
