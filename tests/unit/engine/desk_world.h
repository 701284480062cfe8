/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_TESTS_ENGINE_DESK_WORLD_H
#define OFFTAKE_TESTS_ENGINE_DESK_WORLD_H
/*
 * The engine's world with a right of first refusal in its deal: bc.rofr of bigcloud, 10 days to
 * answer, 90 days of free sale; "other", the third party, sells on beta.
 */
#include "engine/desk.h"
#include "world.h"

/* A deal whose right says RESPOND. The caller frees it. */
char *desk_deal(const char *respond);
int desk_set_up(void **state);

#define TARGET     "target" /* of `sign`: a lot or an offer */
#define NEED       "product=api", "count=64", "from=2026-06-01", "open-until=2027-01-01"
#define OFFER      "need=need-1", "provider=beta", "count=64", "price=2.10USD/gpu-hour"
#define EVENTS     "SELECT count(*) FROM desk_event"
#define DELIVERIES "SELECT count(*) FROM desk_delivery"
#define TOLD(thing_, what_) \
    "SELECT count(*) FROM desk_delivery WHERE thing = '" thing_ "' AND what = '" what_ "'"

/* A command with its fields as "name=value", NULL at the end. ACTOR NULL: the customer. */
enum oft_err desk_try(struct world *world, const char *actor, const char *key, bool dry_run,
                      struct engine_refusal *ret_refusal, const char *group, const char *verb, ...);
/* The same, and it must be taken. */
void desk_ok(struct world *world, const char *actor, const char *group, const char *verb, ...);
const char *desk_answer(void); /* of the last command */
const char *desk_error(void);
/* Need, offer, notice sent and delivered: notice-1 of lot-1 is open. */
void desk_open_notice(struct world *world);

void expect_view(struct world *world, enum desk_list list, const char *words);
void expect_no_view(struct world *world, enum desk_list list, const char *words);
void expect_view_at(struct world *world, enum desk_list list, oft_instant at, const char *words);
void expect_sound(struct world *world);

#define AT_THE_DESK(name) cmocka_unit_test_setup_teardown(name, desk_set_up, world_tear_down)

#endif
