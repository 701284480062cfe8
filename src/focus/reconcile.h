/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_FOCUS_RECONCILE_H
#define OFFTAKE_FOCUS_RECONCILE_H
/*
 * reconcile -- two files, row by row, as charges that can be held against each other.
 * reconcile_read.c places rows, reconcile.c adds them up by pool, model and unit, reconcile_cause.c says
 * what a difference looks like, reconcile_print.c prints. Private to focus/.
 */
#include "focus/internal.h"

enum focus_side { THERE, HERE, SIDES };

/* A row that has a pool, a model and a unit. */
struct charge {
    const char *pool, *model, *unit; /* our names; model may be "" */
    struct focus_decimal quantity, cost;
    struct focus_decimal uncertain; /* HERE: of the quantity, estimated or never settled */
    size_t line;
};
/* A row that cannot be compared, and why. */
struct outside {
    size_t line;
    const char *why;
    struct focus_decimal cost;
    bool has_cost;
    bool open; /* somebody must look at it */
};
struct charges {
    struct charge *items;
    size_t count;
    struct outside *outside;
    size_t outside_count;
};

struct side_sum {
    size_t rows;
    struct focus_decimal quantity, cost;
    size_t first_line, last_line;
};
struct group {
    const char *pool, *model, *unit;
    struct side_sum side[SIDES];
    struct focus_decimal uncertain;
    struct focus_decimal quantity_difference, cost_difference; /* there less here */
    bool differs;
    const char *cause; /* a word for programs */
    const char *text;  /* the same for people */
};

struct focus_reconciliation {
    int32_t month;
    struct charges side[SIDES];
    size_t rows[SIDES];
    struct group *groups;
    size_t group_count;
    /* matched, in differing groups, outside */
    size_t row_sums[SIDES][3];
    struct focus_decimal cost_sums[SIDES][3];
};

/* Rows of TABLE as charges; the aliases and columns of INPUT for THERE alone. */
enum oft_err reconcile_read(const struct focus_reconcile_input *input, enum focus_side side,
                            struct oft_arena *arena, struct charges *ret) OFT_MUSTCHECK;
/* Fills cause and text of a group that differs. */
enum oft_err reconcile_cause(const struct focus_reconciliation *result, struct group *group,
                             struct oft_arena *arena) OFT_MUSTCHECK;

#endif
