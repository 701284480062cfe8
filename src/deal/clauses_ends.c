/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who ends whom. An amendment is a new version of one clause, under the later agreement's label, and
 * ends the old one; "supersedes" ends clauses, or a whole agreement, without a successor. Both work
 * by name only and only upon something earlier: a later agreement ends nothing by silence.
 */
#include "deal/terms_internal.h"

#include <string.h>

static void end_clause(struct deal_build *build, struct deal_clause *old, oft_instant at,
                       const char *by)
{
    (void)build;
    old->superseded_from = at;
    old->superseded_by = by;
}

/* May something of AGREEMENT end clause OLD? */
static bool may_end(struct deal_build *build, const struct deal_node *node,
                    const struct deal_clause *old, uint32_t agreement, const char *what)
{
    char when[OFT_INSTANT_TEXT_BYTES];
    if (old->from >= build->agreements[agreement].effective) {
        BUILD_ERROR(build, 40, node, what, "end only what an earlier agreement began",
                    "%s begins on %s, which is not before this agreement", old->id,
                    oft_instant_format_short(old->from, when));
        return false;
    }
    if (old->superseded_from != OFT_INSTANT_NEVER) {
        BUILD_ERROR(build, 42, node, what, "name the clause that replaced it",
                    "%s was already ended on %s by %s", old->id,
                    oft_instant_format_short(old->superseded_from, when), old->superseded_by);
        return false;
    }
    oft_instant until = deal_end_latest(&old->until);
    if (until <= build->agreements[agreement].effective) {
        BUILD_ERROR(build, 47, node, what, "leave it out, or write a new clause",
                    "%s ends of itself on %s", old->id, oft_instant_format_short(until, when));
        return false;
    }
    return true;
}

static void settle_end(struct deal_build *build, struct deal_clause *clause, struct deal_end own,
                       const struct deal_node *node)
{
    build->memory_failed =
        !deal_end_combine(build, own, build->agreements[clause->agreement].until, &clause->until) ||
        build->memory_failed;
    deal_value_interval(build, node, clause->from, &clause->until, clause->id);
}

/* OLD's terms, but those that CLAUSE says anew. */
static bool merge_terms(struct deal_build *build, struct deal_clause *clause,
                        const struct deal_clause *old)
{
    uint32_t most = old->terms.count + clause->terms.count;
    struct deal_term *merged = deal_build_array(build, most, sizeof(*merged));
    uint32_t count = 0;
    if (merged == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < old->terms.count; i++) {
        if (deal_terms_find(clause->terms, old->terms.items[i].key) == NULL) {
            merged[count++] = old->terms.items[i];
        }
    }
    for (uint32_t i = 0; i < clause->terms.count; i++) {
        merged[count++] = clause->terms.items[i];
    }
    clause->terms = (struct deal_terms){merged, count};
    return true;
}

/* "amend X until END" and "amend X with TERMS": the same clause, with these terms in the place of
 * its own. */
static bool take_over(struct deal_build *build, struct deal_clause *clause,
                      const struct deal_clause *old, struct deal_cursor *cursor)
{
    const struct deal_node *begin = cursor->at != NULL ? cursor->at : cursor->run->first;
    struct deal_end own = old->until;
    clause->kind = old->kind;
    clause->as = old->as;
    if (cursor->at != NULL && deal_cursor_is(cursor, "until") &&
        clause->kind == DEAL_CLAUSE_COMMIT) {
        BUILD_ERROR(build, 41, cursor->at, clause->id, "write: amend CLAUSE commit AMOUNT ...",
                    "a commitment ends with its period");
        return false;
    }
    if (deal_cursor_is(cursor, "with")) {
        deal_cursor_step(cursor);
    }
    if (!deal_resolve_terms(build, clause, cursor)) {
        return false;
    }
    const struct deal_term *until = deal_terms_find(clause->terms, DEAL_TERM_UNTIL);
    own = until != NULL ? until->values[0].as.end : own;
    if (!merge_terms(build, clause, old) || !deal_resolve_typed(build, clause, begin)) {
        return false;
    }
    settle_end(build, clause, own, begin);
    return true;
}

/* Is what follows the amended clause's name its new end or new terms, not a whole new clause? */
static bool keeps_head(const struct deal_cursor *cursor)
{
    return cursor->at == NULL || deal_cursor_is(cursor, "until") || deal_cursor_is(cursor, "with");
}

static void amend_by(struct deal_build *build, uint32_t index, uint32_t target,
                     struct deal_cursor *cursor)
{
    struct deal_clause *clause = &build->clauses[index];
    const struct deal_clause *old = &build->clauses[target];
    const struct deal_node *begin = cursor->at;
    if (keeps_head(cursor)) {
        build->clause_bad[index] = !take_over(build, clause, old, cursor);
        return;
    }
    deal_resolve_clause_body(build, clause, cursor);
    if (!build->clause_bad[index] && clause->kind != old->kind) {
        BUILD_ERROR(build, 41, begin, clause->id, "write a new clause, and: supersedes the old one",
                    "%s is another kind of clause", old->id);
    }
}

static void resolve_amendment(struct deal_build *build, uint32_t index, struct deal_cursor *cursor)
{
    struct deal_clause *clause = &build->clauses[index];
    deal_cursor_step(cursor);
    const struct deal_node *name = cursor->at;
    if (name == NULL) {
        build->clause_bad[index] = !deal_cursor_expected(cursor, "AGREEMENT.LABEL");
        return;
    }
    deal_cursor_step(cursor);
    uint32_t target = deal_symbols_need(build, SYMBOL_CLAUSE, name, clause->id);
    if (target == DEAL_ALL) {
        BUILD_ERROR(build, 41, name, clause->id, "give the owner a new price from a later date",
                    "prices are not amended");
        target = DEAL_NONE;
    }
    if (target == DEAL_NONE ||
        !may_end(build, name, &build->clauses[target], clause->agreement, clause->id)) {
        build->clause_bad[index] = true;
        return;
    }
    clause->amends = target;
    if (build->clause_bad[target]) {
        build->clause_bad[index] = true; /* told where it is wrong */
        return;
    }
    amend_by(build, index, target, cursor);
    end_clause(build, &build->clauses[target], clause->from, clause->id);
}

/* The clause's own words, from its first token to its last. */
static const char *text_of(struct deal_build *build, const struct deal_node *node)
{
    const struct deal_node *first = NULL;
    const struct deal_node *last = NULL;
    for (const struct deal_node *run = node->first; run != NULL; run = run->next) {
        for (const struct deal_node *word = run->kind == NODE_RUN ? run->first : NULL; word != NULL;
             word = word->next) {
            first = first == NULL ? word : first;
            last = word;
        }
    }
    if (first == NULL) {
        return "";
    }
    const char *begin = first->text.data - (first->quoted ? 1 : 0);
    const char *end = last->text.data + last->text.length + (last->quoted ? 1 : 0);
    char *text = deal_text_fold(build->arena, (struct oft_str){begin, (size_t)(end - begin)});
    build->memory_failed = build->memory_failed || text == NULL;
    return text == NULL ? "" : text;
}

static void resolve_clause(struct deal_build *build, uint32_t index)
{
    struct deal_clause *clause = &build->clauses[index];
    const struct deal_node *node = build->clause_nodes[index];
    const struct deal_node *run = deal_node_child(node, NODE_RUN);
    struct deal_cursor cursor = {build, run, run->first, NULL, clause->id};
    clause->text = text_of(build, node);
    if (deal_cursor_is(&cursor, "amend")) {
        resolve_amendment(build, index, &cursor);
    } else {
        deal_resolve_clause_body(build, clause, &cursor);
    }
}

/* Agreements by the day they begin, so that an amendment finds its predecessor resolved. Insertion
 * keeps the order of the text among equals and is quick on what is nearly sorted, as deals are. */
static uint32_t *agreements_in_time(struct deal_build *build)
{
    uint32_t count = build->deal->agreement_count;
    uint32_t *order = deal_build_array(build, count, sizeof(*order));
    for (uint32_t i = 0; order != NULL && i < count; i++) {
        uint32_t at = i;
        while (at > 0 &&
               build->agreements[order[at - 1]].effective > build->agreements[i].effective) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
    return order;
}

/* Clauses of one agreement stand together: the first of them and how many. */
static uint32_t first_clause(const struct deal_build *build, uint32_t agreement)
{
    uint32_t low = 0;
    uint32_t high = build->deal->clause_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (build->clauses[middle].agreement < agreement) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void deal_resolve_clauses(struct deal_build *build)
{
    const uint32_t *order = agreements_in_time(build);
    for (uint32_t i = 0; order != NULL && i < build->deal->agreement_count; i++) {
        uint32_t clause = first_clause(build, order[i]);
        while (clause < build->deal->clause_count && build->clauses[clause].agreement == order[i] &&
               !build->memory_failed) {
            resolve_clause(build, clause++);
        }
    }
}

/* ---- supersedes ------------------------------------------------------------------------------ */

static void supersede_agreement(struct deal_build *build, const struct deal_node *node,
                                uint32_t old, uint32_t by)
{
    struct deal_agreement *later = &build->agreements[by];
    if (build->agreements[old].effective >= later->effective) {
        char when[OFT_INSTANT_TEXT_BYTES];
        BUILD_ERROR(build, 40, node, later->name, "end only what an earlier agreement began",
                    "%s begins on %s, which is not before this agreement",
                    build->agreements[old].name,
                    oft_instant_format_short(build->agreements[old].effective, when));
        return;
    }
    for (uint32_t i = first_clause(build, old);
         i < build->deal->clause_count && build->clauses[i].agreement == old; i++) {
        if (build->clauses[i].superseded_from > later->effective) {
            end_clause(build, &build->clauses[i], later->effective, later->name);
        }
    }
}

static void supersede(struct deal_build *build, const struct deal_node *node, uint32_t by)
{
    uint32_t agreement = deal_symbols_find(build, SYMBOL_AGREEMENT, node->text);
    if (agreement != DEAL_NONE) {
        supersede_agreement(build, node, agreement, by);
        return;
    }
    const char *name = build->agreements[by].name;
    bool dotted = node->text.length > 0 && memchr(node->text.data, '.', node->text.length) != NULL;
    uint32_t clause =
        deal_symbols_need(build, dotted ? SYMBOL_CLAUSE : SYMBOL_AGREEMENT, node, name);
    if (clause == DEAL_ALL) {
        BUILD_ERROR(build, 41, node, name, "give the owner a new price from a later date",
                    "prices are not superseded");
        return;
    }
    if (clause != DEAL_NONE && may_end(build, node, &build->clauses[clause], by, name)) {
        end_clause(build, &build->clauses[clause], build->agreements[by].effective, name);
    }
}

void deal_resolve_supersessions(struct deal_build *build)
{
    for (uint32_t i = 0; i < build->deal->agreement_count; i++) {
        for (const struct deal_node *child = build->agreement_nodes[i]->first; child != NULL;
             child = child->next) {
            const struct deal_node *name = child->kind == NODE_SUPERSEDES ? child->first : NULL;
            for (; name != NULL; name = name->next) {
                supersede(build, name, i);
            }
        }
    }
}
