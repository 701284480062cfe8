/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenes of commitments.
 */
#include "scene.h"

#include <stdio.h>
#include <string.h>

void scene_open(struct scene *scene, const char *clauses)
{
    static const char HEAD[] =
        "deal \"C\"; customer lab; currency USD\n"
        "party cloud \"Cloud\"; provider alpha of cloud; model m\n"
        "account acme; product chat class inference {\n"
        "  price m input 2.00 USD per 1M tokens\n}\n"
        "product tuning class training\n"
        "pool east on alpha {\n"
        "  serves m as \"m\" at http://127.0.0.1:9/v1 kind openai key env K\n"
        "  price m input 1.00 USD per 1M tokens\n}\n"
        "pool bazaar on alpha {\n  marketplace\n"
        "  serves m as \"m\" at http://127.0.0.1:9/v1 kind openai key env K\n"
        "  price m input 1.00 USD per 1M tokens\n}\n"
        "agreement a with cloud {\n    effective 2025-01-01\n";
    char text[8192];
    memset(scene, 0, sizeof(*scene));
    (void)snprintf(text, sizeof(text), "%s%s}\n", HEAD, clauses);
    world_open(&scene->world, text);
    oft_arena_init(&scene->arena, (size_t)1 << 26);
}

void scene_close(struct scene *scene)
{
    oft_arena_release(&scene->arena);
    world_close(&scene->world);
}

struct ledger_row *scene_spend(struct scene *scene, const char *clause, const char *month,
                               oft_nanos amount)
{
    struct ledger_row *row = &scene->rows[scene->row_count++];
    assert_true(scene->row_count <= ROWS_MAX);
    memset(row, 0, sizeof(*row));
    row->key.kind = LEDGER_COMMITMENT;
    assert_int_equal(oft_month_parse(oft_str_from(month), &row->key.month), OFT_OK);
    (void)snprintf(row->key.clause, sizeof(row->key.clause), "%s", clause);
    row->totals.quantity = row->totals.amount_nanos = amount * UNIT;
    return row;
}

const struct ledger_settlement *scene_settle(struct scene *scene, const char *clause,
                                             const char *instant)
{
    assert_int_equal(ledger_commitments_settle(
                         scene->world.deal, (struct deal_attestations){NULL, 0}, scene->rows,
                         scene->row_count, at(instant), &scene->arena, &scene->all, &scene->count),
                     OFT_OK);
    for (size_t i = 0; i < scene->count; i++) {
        if (strcmp(scene->world.deal->clauses[scene->all[i].clause].id, clause) == 0) {
            return &scene->all[i];
        }
    }
    fail_msg("no commitment %s", clause);
    return NULL;
}

oft_nanos scene_due(const struct ledger_settlement *it, enum ledger_due kind)
{
    oft_nanos sum = 0;
    for (size_t i = 0; i < it->due_count; i++) {
        sum += it->dues[i].due == kind ? it->dues[i].amount : 0;
    }
    return sum;
}
