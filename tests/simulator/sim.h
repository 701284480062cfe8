/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_SIMULATOR_SIM_H
#define OFFTAKE_SIMULATOR_SIM_H
/*
 * sim -- random procedures against the desk, and what must hold whatever happens.
 *
 * A world     is one desk with a handful of parties and random clauses, driven by some dozens of random
 *             events on a virtual clock. One 64-bit seed decides all of it. The events are the world:
 *             a list of them replays it, and a failing list is made smaller by leaving events out.
 * Three sets  of eyes look on: the second reading (model.h), compared row by row after every event;
 *             of eyes that need no model (watch.c), one function a property; and replays (again.c).
 * Threads     A world belongs to one thread; nothing is shared but what is constant.
 */
#include "model.h"

struct sim_random {
    uint64_t state;
};
uint64_t sim_next(struct sim_random *random);
uint32_t sim_below(struct sim_random *random, uint32_t bound); /* [0, bound) */
static inline bool sim_chance(struct sim_random *random, uint32_t percent)
{
    return sim_below(random, 100) < percent;
}

enum {
    SIM_EVENTS_MAX = 160,
    SIM_LOTS_MAX = MODEL_LOTS_MAX,
    SIM_NOTICES_MAX = MODEL_NOTICES_MAX,
    SIM_EFFECTS_MAX = 64,
};

/* An entry of a script that is no event: time passes until `at`. */
#define SIM_TIME_PASSES ((enum desk_event_kind)0)

/* ---- coverage ----------------------------------------------------------------------------------- */

#define SIM_UNBORN DESK_LOT_STATE_COUNT
struct sim_coverage {
    uint64_t worlds, procedures, events, refused, lots, notices, orders;
    uint64_t moves[DESK_LOT_STATE_COUNT + 1][DESK_LOT_STATE_COUNT]; /* from, to */
    uint64_t by_kind[DESK_EVENT_KIND_COUNT][DESK_LOT_STATE_COUNT];  /* 0: time */
    uint64_t refusals[DESK_REFUSED_CALENDAR + 1];
    uint64_t accepted[DESK_EVENT_KIND_COUNT], notice_states[DESK_NOTICE_VOID + 1],
        order_states[DESK_ORDER_FAILED + 1], rights[DESK_RIGHT_EXHAUSTED + 1],
        whys[DESK_WHY_TIME + 1];
    uint64_t replays, earliest, hopeless, open_points;
};
void sim_coverage_add(struct sim_coverage *sum, const struct sim_coverage *part);
void sim_coverage_print(const struct sim_coverage *coverage);
/* Prints what was never reached; true when all that must be reached was. */
bool sim_coverage_enough(const struct sim_coverage *coverage);

/* ---- failures ------------------------------------------------------------------------------------ */

struct sim_failure {
    unsigned property; /* of docs/desk.md; 0: none; SIM_PAGE: it differs from the page otherwise */
    uint32_t step;     /* of the script, from 0 */
    const char *which; /* the same for failures of one kind */
    unsigned code;     /* of the refusal that is wrong */
    char text[400];
};
#define SIM_PAGE  11u /* the desk and the second reading differ in what no property names */
#define SIM_FAULT 12u /* the desk failed or kept a broken row */

/* ---- the cast -------------------------------------------------------------------------------------- */

enum { SIM_HOLDERS = 5, SIM_VENDORS = 3, SIM_TERM_NAMES = 6 };
struct sim_cast {
    struct desk_name customer, holders[SIM_HOLDERS], vendors[SIM_VENDORS];
    struct desk_name providers[2], products[2], regions[4], accelerators[2], groups[2], tests[2];
    struct desk_name terms[SIM_TERM_NAMES]; /* sorted: credit law prepay price start uptime */
    struct desk_name laws[2], per_gpu_hour, per_mw_hour, money, calendar, zone, narrow, unknown;
    struct desk_name carve_out, floor, free, revive;
    oft_instant begin; /* of every world */
};
void sim_cast_begin(struct sim_cast *cast);

/* ---- a world --------------------------------------------------------------------------------------- */

/* What the watchers remember of a row, so that they see it change. */
struct sim_lot_seen {
    uint8_t state, was, flags; /* was: before this step */
    uint64_t quantity, whole;
    uint32_t root;
    const struct desk_term *noticed;
};
struct sim_notice_seen {
    uint8_t state;
    oft_instant sent, delivered;
    struct desk_terms terms;
};

struct sim_world {
    const struct sim_cast *cast;
    struct sim_coverage *coverage; /* may be NULL */
    struct oft_arena arena;
    struct sim_random random;
    struct desk_state *desk;
    struct model *model;
    struct desk_event events[SIM_EVENTS_MAX]; /* the script so far */
    bool taken[SIM_EVENTS_MAX];
    uint32_t count;
    uint64_t journal; /* events taken */
    struct sim_lot_seen lots[SIM_LOTS_MAX];
    struct sim_notice_seen notices[SIM_NOTICES_MAX];
    uint32_t lots_seen, notices_seen;
    oft_instant horizon; /* by then, all is final */
    bool thorough;       /* ask the costly questions at every step */
    struct sim_failure failure;
};

/* Fills and begins a world; its model is the caller's, which lets it be reused. */
void sim_world_begin(struct sim_world *world, const struct sim_cast *cast, struct model *model,
                     uint64_t seed);
void sim_world_end(struct sim_world *world);
/* One entry of the script: it is put to the desk and to the second reading, and all that must hold is
 * checked. False: the world failed (or is full). */
bool sim_step(struct sim_world *world, const struct desk_event *event);
/* After the last: everything comes to its end, and the script is replayed. */
bool sim_finish(struct sim_world *world);
bool sim_fail(struct sim_world *world, unsigned property, const char *format, ...) OFT_PRINTF(3, 4);

/* A random world to its end; false: world->failure says why. */
bool sim_run(struct sim_world *world);
/* The same for a given script. */
bool sim_play(struct sim_world *world, const struct desk_event *script, uint32_t count);

/* rights.c: calendars, zones, clauses; needs, offers and terms. */
void sim_rights(struct sim_world *world);
const struct desk_right *sim_right(struct sim_world *world, uint32_t number);
const struct desk_right *sim_right_reading(struct sim_world *world, const struct desk_right *of,
                                           oft_instant at);
const struct desk_need *sim_need(struct sim_world *world, oft_instant at);
const struct desk_offer *sim_offer(struct sim_world *world, uint32_t need, oft_instant at);
struct desk_terms sim_terms(struct sim_world *world, struct desk_terms like);
const struct desk_delivery_terms *sim_delivery(struct sim_world *world, oft_instant at);
void *sim_keep(struct sim_world *world, size_t size);

/* acts.c: the next event, sensible or not. */
struct desk_event sim_act(struct sim_world *world);
/* compare.c, watch.c, again.c */
bool sim_compare(struct sim_world *world);
void sim_map_notices(struct sim_world *world);
bool sim_watch(struct sim_world *world, const struct desk_event *event, bool taken);
bool sim_replay_equal(struct sim_world *world);
bool sim_check_earliest(struct sim_world *world, const struct desk_event *event,
                        const struct desk_refusal *refusal);
/* shrink.c: makes SCRIPT smaller while it fails the property of *FAILURE, which becomes that of what is
 * left. Returns the new count. What is changed lies in ARENA; what SCRIPT points to must stay. */
uint32_t sim_shrink(const struct sim_cast *cast, struct model *model, struct oft_arena *arena,
                    struct desk_event *script, uint32_t count, struct sim_failure *failure);
/* words.c */
void sim_tell(const struct desk_event *script, uint32_t count, struct oft_buffer *out);

#endif
