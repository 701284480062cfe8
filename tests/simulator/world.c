/* SPDX-License-Identifier: Apache-2.0 */
/* One step of a world: the desk and the second reading take the same event, and are held together. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim.h"

bool sim_fail(struct sim_world *world, unsigned property, const char *format, ...)
{
    va_list arguments;

    if (world->failure.property == 0) {
        world->failure.property = property;
        world->failure.which = format;
        world->failure.step = world->count > 0 ? world->count - 1 : 0;
        va_start(arguments, format);
        (void)vsnprintf(world->failure.text, sizeof(world->failure.text), format, arguments);
        va_end(arguments);
    }
    return false;
}

/* ---- coverage by effects ------------------------------------------------------------------------------ */

static void saw_lot(struct sim_world *world, const struct desk_effect *effect)
{
    struct sim_lot_seen *seen = &world->lots[effect->index];
    uint8_t from = SIM_UNBORN;

    if (effect->index < world->lots_seen) {
        from = seen->state;
    } else {
        uint32_t parent = desk_lot_at(world->desk, effect->index)->parent;

        for (uint32_t i = world->lots_seen; i <= effect->index; i++) {
            world->lots[i] = (struct sim_lot_seen){.state = SIM_UNBORN, .was = SIM_UNBORN};
        }
        if (parent != DESK_NONE && parent < world->lots_seen) {
            from = world->lots[parent].was;
        }
        world->lots_seen = effect->index + 1;
    }
    if (world->coverage) {
        world->coverage->moves[from][effect->state]++;
        world->coverage->by_kind[effect->event == 0 ? 0 : world->events[world->count - 1].kind]
                                [effect->state]++;
        world->coverage->whys[desk_lot_at(world->desk, effect->index)->why]++;
    }
    seen->state = effect->state;
}

static void on_effect(void *context, const struct desk_effect *effect)
{
    struct sim_world *world = context;

    if (effect->kind == DESK_EFFECT_LOT && effect->index < SIM_LOTS_MAX) {
        saw_lot(world, effect);
    } else if (effect->kind == DESK_EFFECT_NOTICE && world->coverage) {
        world->coverage->notice_states[effect->state]++;
    } else if (effect->kind == DESK_EFFECT_ORDER && world->coverage) {
        world->coverage->order_states[effect->state]++;
    }
    if (effect->at > desk_clock(world->desk)) {
        (void)sim_fail(world, 8, "an effect is told of an instant that is still to come");
    }
}

/* ---- beginning and end ---------------------------------------------------------------------------------- */

void sim_world_begin(struct sim_world *world, const struct sim_cast *cast, struct model *model,
                     uint64_t seed)
{
    world->cast = cast;
    world->coverage = NULL;
    world->random.state = seed;
    world->count = 0;
    world->journal = 0;
    world->lots_seen = world->notices_seen = 0;
    world->horizon = cast->begin;
    world->thorough = false;
    world->failure = (struct sim_failure){0};
    world->model = model;
    oft_arena_init(&world->arena, 8u << 20);
    model_new(model);
    if (desk_state_new(&world->desk) != OFT_OK) {
        world->desk = NULL;
        (void)sim_fail(world, SIM_FAULT, "no state could be made");
        return;
    }
    desk_watch(world->desk, on_effect, world);
}

void sim_world_end(struct sim_world *world)
{
    desk_state_free(world->desk);
    world->desk = NULL;
    oft_arena_release(&world->arena);
}

/* ---- a step ------------------------------------------------------------------------------------------------ */

/* Which property it offends that such an event was taken. */
static unsigned offended(const struct desk_event *event)
{
    switch (event->kind) {
    case DESK_SIGNED:
        return event->offer != DESK_NONE ? 1 : 5;
    case DESK_ELECTED:
    case DESK_DECLINED:
    case DESK_COUNTERED:
    case DESK_NOTICE_DELIVERED:
    case DESK_NOTICE_OBJECTED:
        return 4;
    case DESK_NOTICE_SENT:
        return 6;
    default:
        return SIM_PAGE;
    }
}

static bool let_pass(struct sim_world *world, oft_instant at)
{
    for (uint32_t i = 0; i < world->lots_seen; i++) {
        world->lots[i].was = world->lots[i].state;
    }
    if (desk_advance(world->desk, at) != OFT_OK) {
        return sim_fail(world, SIM_FAULT, "time could not pass");
    }
    model_advance(world->model, at);
    if (world->model->full) {
        return false;
    }
    sim_map_notices(world);
    return world->failure.property == 0 && sim_watch(world, NULL, false) && sim_compare(world);
}

static bool taken(struct sim_world *world, const struct desk_event *event, unsigned why)
{
    world->taken[world->count - 1] = true;
    world->journal++;
    if (world->coverage) {
        world->coverage->accepted[event->kind]++;
        world->coverage->open_points += why != 0;
    }
    if (!sim_watch(world, event, true)) {
        return false;
    }
    if (why != 0 && (why & MODEL_OPEN) == 0) {
        return sim_fail(world, offended(event), "%s was taken; the page refuses it (reasons %#x)",
                        desk_event_kind_text(event->kind), why);
    }
    model_take(world->model, event);
    if (world->model->full) {
        return false;
    }
    if (event->kind == DESK_NEED_OPENED && event->need_opened->open_until > world->horizon) {
        world->horizon = event->need_opened->open_until;
    }
    if (event->kind == DESK_OFFER_ADDED && event->offer_added->valid_until > world->horizon) {
        world->horizon = event->offer_added->valid_until;
    }
    sim_map_notices(world);
    return sim_compare(world);
}

static bool refused(struct sim_world *world, const struct desk_event *event, unsigned why,
                    const struct desk_refusal *refusal, uint64_t digest)
{
    if (world->coverage) {
        world->coverage->refused++;
        world->coverage->refusals[refusal->code]++;
    }
    if (refusal->code == DESK_REFUSED_NONE || refusal->message[0] == '\0') {
        return sim_fail(world, SIM_PAGE, "a refusal without a reason or words");
    }
    if (desk_digest(world->desk) != digest) {
        return sim_fail(world, 8, "a refusal changed the state: %.300s", refusal->message);
    }
    if (world->failure.property == 0) {
        world->failure.code = (unsigned)refusal->code;
    }
    if (why == 0) {
        return sim_fail(world, SIM_PAGE, "refused, and the page allows it: code %u, %.300s",
                        (unsigned)refusal->code, refusal->message);
    }
    if ((why & MODEL_REASON(refusal->code)) == 0) {
        return sim_fail(world, SIM_PAGE,
                        "refused for another reason than any of %#x: code %u, %.260s", why,
                        (unsigned)refusal->code, refusal->message);
    }
    if (world->thorough || sim_chance(&world->random, 2)) {
        return sim_check_earliest(world, event, refusal);
    }
    return true;
}

bool sim_step(struct sim_world *world, const struct desk_event *given)
{
    struct desk_event *event = &world->events[world->count];
    struct desk_refusal refusal;
    uint64_t digest;
    unsigned why;
    enum oft_err code;

    if (world->failure.property != 0 || world->count == SIM_EVENTS_MAX || world->model->full) {
        return false;
    }
    *event = *given;
    event->number = world->journal + 1;
    world->taken[world->count++] = false;
    if (world->coverage) {
        world->coverage->events++;
    }
    if (event->at >= world->model->clock && !let_pass(world, event->at)) {
        return false;
    }
    if (event->kind == SIM_TIME_PASSES) {
        return true;
    }
    digest = desk_digest(world->desk);
    why = model_judge(world->model, event);
    memset(&refusal, 0, sizeof(refusal));
    for (uint32_t i = 0; i < world->lots_seen; i++) {
        world->lots[i].was = world->lots[i].state;
    }
    code = desk_apply(world->desk, event, &refusal);
    if (world->failure.property != 0) {
        return false;
    }
    if (code == OFT_OK) {
        return taken(world, event, why);
    }
    if (code != OFT_ERR_DENIED) {
        return sim_fail(world, SIM_FAULT, "the desk failed: %s", oft_err_text(code));
    }
    return refused(world, event, why, &refusal, digest);
}

/* ---- whole worlds -------------------------------------------------------------------------------------------- */

/* Property 7: the sum of the windows, after the last opportunity's end, with room for business days. */
static bool all_final(struct sim_world *world)
{
    oft_instant bound = world->horizon > world->model->clock ? world->horizon : world->model->clock;

    bound += 200 * OFT_NS_PER_DAY;
    if (!let_pass(world, bound)) {
        return false;
    }
    for (uint32_t i = 0; i < desk_lot_count(world->desk); i++) {
        enum desk_lot_state state = (enum desk_lot_state)desk_lot_at(world->desk, i)->state;

        if (!desk_lot_final(state)) {
            return sim_fail(world, 7, "lot-%u is %s for ever", i + 1, desk_lot_state_name(state));
        }
    }
    if (desk_next_due(world->desk) <= bound) {
        return sim_fail(world, 7, "something is due that does not happen");
    }
    return true;
}

static void count_world(struct sim_world *world)
{
    struct sim_coverage *coverage = world->coverage;

    if (!coverage) {
        return;
    }
    coverage->worlds++;
    coverage->lots += desk_lot_count(world->desk);
    coverage->notices += desk_notice_count(world->desk);
    coverage->orders += desk_order_count(world->desk);
    for (uint32_t i = 0; i < desk_lot_count(world->desk); i++) {
        coverage->procedures += desk_lot_at(world->desk, i)->root == i;
    }
    for (uint32_t i = 0; i < desk_right_count(world->desk); i++) {
        coverage->rights[desk_right_state_at(world->desk, i)]++;
    }
}

bool sim_finish(struct sim_world *world)
{
    bool fine = world->failure.property == 0;

    count_world(world);
    if (fine && !world->model->full) {
        desk_assert_sound(world->desk);
        fine = all_final(world);
    }
    if (fine && (world->thorough || sim_chance(&world->random, 10))) {
        fine = sim_replay_equal(world);
    }
    return fine;
}

bool sim_run(struct sim_world *world)
{
    uint32_t length = 20 + sim_below(&world->random, 60);

    sim_rights(world);
    while (world->count < length && world->failure.property == 0) {
        struct desk_event event = sim_act(world);

        if (!sim_step(world, &event)) {
            break;
        }
    }
    return sim_finish(world);
}

bool sim_play(struct sim_world *world, const struct desk_event *script, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!sim_step(world, &script[i])) {
            break;
        }
    }
    return sim_finish(world);
}
