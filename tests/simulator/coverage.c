/* SPDX-License-Identifier: Apache-2.0 */
/* What a run has reached, and what it must have reached to count. */
#include <stdio.h>
#include <string.h>

#include "sim.h"

struct move {
    uint8_t from, to;
};

#define UNBORN SIM_UNBORN
#define DRAFT  DESK_LOT_DRAFT
#define READY  DESK_LOT_READY
#define NOTED  DESK_LOT_NOTICED
#define OPEN   DESK_LOT_OPEN
#define OVER   DESK_LOT_OVERALLOT
#define CHOSEN DESK_LOT_ELECTED
#define DISP   DESK_LOT_DISPUTED
#define FREE   DESK_LOT_FREE
#define BOUND  DESK_LOT_BOUND
#define SOLD   DESK_LOT_SOLD
#define EXEMPT DESK_LOT_EXEMPT
#define GONE   DESK_LOT_WITHDRAWN
#define AGAIN  DESK_LOT_REVIVED
#define VOID   DESK_LOT_VOID

/* Every move that docs/desk.md names, section by section. */
static const struct move MOVES[] = {
    {UNBORN, EXEMPT}, {UNBORN, DRAFT}, {DRAFT, READY},  {DRAFT, FREE}, /* screening */
    {DRAFT, EXEMPT},  {READY, EXEMPT},                                 /* exempted */
    {READY, NOTED},   {NOTED, OPEN},                                   /* notice, delivery */
    {NOTED, READY},   {OPEN, READY},                    /* objected, changed, next rank */
    {OPEN, CHOSEN},   {FREE, CHOSEN},  {READY, CHOSEN}, /* elected, told late */
    {OPEN, OVER},     {OVER, CHOSEN},  {OVER, READY},   {OVER, FREE}, /* over-allotment */
    {OPEN, FREE},     {FREE, READY},                                  /* nobody; a second notice */
    {CHOSEN, BOUND},  {CHOSEN, FREE},  {CHOSEN, DISP},                /* signing */
    {DISP, BOUND},    {DISP, FREE},    {DISP, AGAIN},                 /* dispute */
    {FREE, SOLD},     {FREE, AGAIN},                                  /* free sale */
    {DRAFT, GONE},    {READY, GONE},   {NOTED, GONE},   {OPEN, GONE},
    {OVER, GONE},     {FREE, GONE},    {BOUND, FREE}, /* delivery failed */
    {DRAFT, VOID},    {READY, VOID},   {NOTED, VOID},   {OPEN, VOID},
    {OVER, VOID},     {CHOSEN, VOID},  {DISP, VOID},    {FREE, VOID},
};

static void add(uint64_t *sum, const uint64_t *part, size_t bytes)
{
    for (size_t i = 0; i < bytes / sizeof(*sum); i++) {
        sum[i] += part[i];
    }
}

void sim_coverage_add(struct sim_coverage *sum, const struct sim_coverage *part)
{
    /* Counters and nothing else. */
    add((uint64_t *)(void *)sum, (const uint64_t *)(const void *)part, sizeof(*sum));
}

static const char *state_name(uint32_t state)
{
    return state == SIM_UNBORN ? "(screened)" : desk_lot_state_name((enum desk_lot_state)state);
}

static const char *const CODES[] = {
    "none",   "unknown",      "state",    "actor", "late", "early",   "exclusive", "notice owed",
    "better", "counterparty", "quantity", "terms", "time", "invalid", "calendar"};

void sim_coverage_print(const struct sim_coverage *c)
{
    printf("worlds %llu, procedures %llu, lots %llu, notices %llu, orders %llu\n",
           (unsigned long long)c->worlds, (unsigned long long)c->procedures,
           (unsigned long long)c->lots, (unsigned long long)c->notices,
           (unsigned long long)c->orders);
    printf("events %llu, refused %llu, taken where the page leaves it open %llu\n",
           (unsigned long long)c->events, (unsigned long long)c->refused,
           (unsigned long long)c->open_points);
    printf("replays %llu, refusals put again at their earliest %llu, later in vain %llu\n",
           (unsigned long long)c->replays, (unsigned long long)c->earliest,
           (unsigned long long)c->hopeless);
    printf("\nmoves of lots\n");
    for (uint32_t from = SIM_UNBORN + 1; from-- > 0;) {
        for (uint32_t to = 0; to < DESK_LOT_STATE_COUNT; to++) {
            if (c->moves[from][to] > 0) {
                printf("  %-10s -> %-10s %llu\n", state_name(from), state_name(to),
                       (unsigned long long)c->moves[from][to]);
            }
        }
    }
    printf("\nrefusals\n");
    for (size_t i = 1; i < OFT_COUNT_OF(CODES); i++) {
        printf("  %-14s %llu\n", CODES[i], (unsigned long long)c->refusals[i]);
    }
    printf("\nevents taken\n");
    for (int i = 1; i < DESK_EVENT_KIND_COUNT; i++) {
        printf("  %-20s %llu\n", desk_event_kind_text((enum desk_event_kind)i),
               (unsigned long long)c->accepted[i]);
    }
}

/* Says what is missing of COUNT numbers from FIRST on. */
static bool all_reached(const char *what, const uint64_t *numbers, uint32_t first, uint32_t count)
{
    bool fine = true;

    for (uint32_t i = first; i < count; i++) {
        if (numbers[i] == 0) {
            printf("never reached: %s %u\n", what, i);
            fine = false;
        }
    }
    return fine;
}

bool sim_coverage_enough(const struct sim_coverage *c)
{
    bool fine = true;

    for (size_t i = 0; i < OFT_COUNT_OF(MOVES); i++) {
        if (c->moves[MOVES[i].from][MOVES[i].to] == 0) {
            printf("never reached: %s -> %s\n", state_name(MOVES[i].from), state_name(MOVES[i].to));
            fine = false;
        }
    }
    fine &= all_reached("refusal code", c->refusals, 1, OFT_COUNT_OF(CODES));
    fine &= all_reached("event kind", c->accepted, 1, DESK_EVENT_KIND_COUNT);
    fine &= all_reached("reason", c->whys, 0, DESK_WHY_TIME + 1);
    fine &=
        all_reached("notice state", c->notice_states, DESK_NOTICE_SENT_STATE, DESK_NOTICE_VOID + 1);
    fine &= all_reached("order state", c->order_states, DESK_ORDER_LATE, DESK_ORDER_FAILED + 1);
    fine &= all_reached("right state", c->rights, 0, DESK_RIGHT_EXHAUSTED + 1);
    return fine;
}
