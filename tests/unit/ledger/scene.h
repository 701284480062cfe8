/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_TESTS_LEDGER_SCENE_H
#define OFFTAKE_TESTS_LEDGER_SCENE_H
/*
 * A deal with commitments and what was counted under them, month by month.
 */
#include "world.h"

#define UNIT OFT_NANOS_PER_UNIT

enum { ROWS_MAX = 256 };

struct scene {
    struct world world;
    struct ledger_row rows[ROWS_MAX];
    size_t row_count;
    struct oft_arena arena;
    const struct ledger_settlement *all;
    size_t count;
};

/* CLAUSES stand in agreement "a", which began in 2025, on provider alpha. */
void scene_open(struct scene *scene, const char *clauses);
void scene_close(struct scene *scene);
/* AMOUNT units were counted under CLAUSE in MONTH. */
struct ledger_row *scene_spend(struct scene *scene, const char *clause, const char *month,
                               oft_nanos amount);
/* Settles all; CLAUSE's. */
const struct ledger_settlement *scene_settle(struct scene *scene, const char *clause,
                                             const char *instant);
oft_nanos scene_due(const struct ledger_settlement *it, enum ledger_due kind);

#define assert_units(actual, units) assert_true((actual) == (oft_nanos)(units)*UNIT)

#endif
