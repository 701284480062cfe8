/* SPDX-License-Identifier: Apache-2.0 */
/* Property 8, and what a refusal promises: the same events put to another desk. */
#include <stdlib.h>
#include <string.h>

#include "desk/journal.h"
#include "sim.h"

/* A desk that took the first COUNT entries' accepted events; NULL: it would not take one. */
static struct desk_state *replayed(struct sim_world *world, uint32_t count, uint32_t steps)
{
    struct desk_state *desk;
    struct desk_refusal refusal;
    oft_instant clock = world->cast->begin;

    if (desk_state_new(&desk) != OFT_OK) {
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct desk_event *event = &world->events[i];

        /* Time passes in STEPS parts, at odd places. */
        for (uint32_t k = 1; k < steps && event->at > clock; k++) {
            oft_instant middle =
                clock + (oft_instant)(sim_next(&world->random) % (uint64_t)(event->at - clock + 1));

            if (desk_advance(desk, middle) != OFT_OK) {
                desk_state_free(desk);
                return NULL;
            }
        }
        if (event->at > clock) {
            clock = event->at;
        }
        if (world->taken[i] && desk_apply(desk, event, &refusal) != OFT_OK) {
            desk_state_free(desk);
            return NULL;
        }
    }
    return desk;
}

static bool equal_again(struct sim_world *world, uint32_t steps, const char *what)
{
    struct desk_state *desk = replayed(world, world->count, steps);
    uint64_t one, other;

    if (!desk) {
        return sim_fail(world, 8, "a replay %s would not take an event that was taken", what);
    }
    if (desk_advance(desk, desk_clock(world->desk)) != OFT_OK) {
        desk_state_free(desk);
        return sim_fail(world, SIM_FAULT, "time could not pass in a replay");
    }
    desk_assert_sound(desk);
    one = desk_digest(world->desk);
    other = desk_digest(desk);
    desk_state_free(desk);
    return one == other || sim_fail(world, 8, "a replay %s gives another state", what);
}

/* Every event as bytes and back: the journal must say the same. */
static bool equal_as_bytes(struct sim_world *world)
{
    struct desk_state *desk;
    struct desk_refusal refusal;
    struct oft_buffer bytes;
    struct oft_error error = {0};
    struct desk_event event;
    bool fine;

    if (desk_state_new(&desk) != OFT_OK) {
        return sim_fail(world, SIM_FAULT, "no state could be made");
    }
    oft_buffer_init(&bytes, DESK_EVENT_BYTES_MAX);
    fine = true;
    for (uint32_t i = 0; i < world->count && fine; i++) {
        if (!world->taken[i]) {
            continue;
        }
        oft_buffer_clear(&bytes);
        desk_event_encode(&world->events[i], &bytes);
        fine = !bytes.failed &&
               desk_event_decode(bytes.data, bytes.length, world->events[i].number, &world->arena,
                                 &event, &error) == OFT_OK &&
               desk_apply(desk, &event, &refusal) == OFT_OK;
    }
    oft_buffer_release(&bytes);
    if (!fine) {
        desk_state_free(desk);
        return sim_fail(world, 8, "an event is not the same after encoding: %.200s", error.message);
    }
    fine = desk_advance(desk, desk_clock(world->desk)) == OFT_OK &&
           desk_digest(desk) == desk_digest(world->desk);
    desk_state_free(desk);
    return fine || sim_fail(world, 8, "a replay from bytes gives another state");
}

bool sim_replay_equal(struct sim_world *world)
{
    if (world->coverage) {
        world->coverage->replays++;
    }
    return equal_again(world, 1, "at once") && equal_again(world, 5, "in small steps") &&
           equal_as_bytes(world);
}

/* ---- what a refusal promises --------------------------------------------------------------------------------- */

/* What a fresh desk says to EVENT at AT, after the script before the last entry. */
static enum oft_err asked_at(struct sim_world *world, const struct desk_event *event,
                             oft_instant at)
{
    struct desk_state *desk = replayed(world, world->count - 1, 1);
    struct desk_refusal refusal;
    struct desk_event later = *event;
    enum oft_err code;

    if (!desk) {
        (void)sim_fail(world, 8, "a replay would not take an event that was taken");
        return OFT_ERR_CORRUPT;
    }
    later.at = later.happened = at;
    code = desk_apply(desk, &later, &refusal);
    desk_state_free(desk);
    return code;
}

bool sim_check_earliest(struct sim_world *world, const struct desk_event *event,
                        const struct desk_refusal *refusal)
{
    oft_instant later;

    if (event->happened != event->at || event->at < world->cast->begin ||
        refusal->code == DESK_REFUSED_TIME) {
        return true;
    }
    if (refusal->earliest == OFT_INSTANT_NEVER) {
        if (world->coverage) {
            world->coverage->hopeless++;
        }
        later = event->at + 1 + (oft_instant)(sim_next(&world->random) % (40 * OFT_NS_PER_DAY));
        if (sim_chance(&world->random, 50) && desk_next_due(world->desk) > event->at &&
            desk_next_due(world->desk) != OFT_INSTANT_NEVER) {
            later = desk_next_due(world->desk);
        }
        return asked_at(world, event, later) != OFT_OK ||
               sim_fail(world, SIM_PAGE, "refused for ever, and %lld later taken: %.200s",
                        (long long)(later - event->at), refusal->message);
    }
    if (world->coverage) {
        world->coverage->earliest++;
    }
    if (refusal->earliest <= event->at) {
        return sim_fail(world, SIM_PAGE, "refused, and said to be allowed by now: %.200s",
                        refusal->message);
    }
    if (asked_at(world, event, refusal->earliest) != OFT_OK) {
        return sim_fail(world, SIM_PAGE, "refused again at the instant that was told: %.200s",
                        refusal->message);
    }
    return asked_at(world, event, refusal->earliest - 1) != OFT_OK ||
           sim_fail(world, SIM_PAGE, "taken before the instant that was told: %.200s",
                    refusal->message);
}
