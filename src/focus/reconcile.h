/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_FOCUS_RECONCILE_H
#define OFFTAKE_FOCUS_RECONCILE_H
/*
 * reconcile -- two files, row by row, as charges that can be held against each other.
 * reconcile_read.c places rows, reconcile.c adds them up by pool, model and unit, reconcile_days.c
 * splits a month into days, reconcile_cause.c and reconcile_day_cause.c say what a difference looks like, reconcile_print.c prints. Private to focus/.
 */
#include "focus/internal.h"

enum focus_side { THERE, HERE, SIDES };

/* `from` of what is of the whole month. */
#define CHARGE_OF_MONTH INT64_MIN

/* A row that has a pool, a model and a unit. */
struct charge {
    const char *pool, *model, *unit; /* our names; model may be "" */
    oft_instant from;                /* where its day begins, or CHARGE_OF_MONTH */
    bool has_end;                    /* the file says where it ends */
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
/* Our own metering of one pool, model and unit by the hour. */
struct hour {
    struct focus_decimal quantity, cost, uncertain;
};
struct hourly {
    const char *pool, *model, *unit;
    struct hour *hours;            /* LEDGER_HOURS_OF_LINE of them */
    struct focus_decimal quantity; /* of all that is told of it */
    const char *why;               /* why it has no days; NULL: it has */
    size_t rows[2];                /* of theirs: of a month, of a day */
    bool chosen;                   /* is compared by the day */
    int zone_hours; /* their days begin so long after UTC's; 0 when that explains nothing */
    struct group **days;
    size_t day_count;
};
struct group {
    const char *pool, *model, *unit;
    oft_instant from;
    struct hourly *hourly; /* NULL: of the month */
    struct side_sum side[SIDES];
    struct focus_decimal uncertain;
    struct focus_decimal quantity_difference, cost_difference; /* there less here */
    bool differs;
    const char *cause; /* a word for programs */
    const char *text;  /* the same for people */
};

struct focus_reconciliation {
    int32_t month;
    oft_instant hours_begin;
    struct hourly *hourly;
    size_t hourly_count;
    bool has_hours;      /* and not days alone */
    struct charge *late; /* of ours: of days outside the month */
    size_t late_count;
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
/* Splits what theirs have by the day into days on our side, too; RESULT has the charges of both sides. */
enum oft_err reconcile_days(const struct focus_reconcile_input *input, struct oft_arena *arena,
                            struct focus_reconciliation *result) OFT_MUSTCHECK;
/* Once the groups are there: the days of each, in order, and whether another time zone explains them. */
enum oft_err reconcile_days_judge(struct focus_reconciliation *result,
                                  struct oft_arena *arena) OFT_MUSTCHECK;
/* Causes that only days can tell; RET says whether one fits. */
enum oft_err reconcile_day_cause(const struct focus_reconciliation *result, struct group *group,
                                 struct oft_arena *arena, bool *ret) OFT_MUSTCHECK;
/* NULL when we metered none. */
struct hourly *reconcile_hourly_of(const struct focus_reconciliation *result, const char *pool,
                                   const char *model, const char *unit);
/* The unit of TEXT in our words, and how many one of it is; NULL. */
const char *reconcile_unit(const char *text, struct focus_decimal *factor);
/* Fills cause and text of a group that differs. */
enum oft_err reconcile_cause(const struct focus_reconciliation *result, struct group *group,
                             struct oft_arena *arena) OFT_MUSTCHECK;

#endif
