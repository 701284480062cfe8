/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must hold by the properties of docs/desk.md whatever the second reading says: each is checked
 * on the desk's rows and the events alone, with a memory of the step before.
 */
#include <string.h>

#include "sim.h"

static const struct desk_right *words_of(struct sim_world *world, const struct desk_lot *lot)
{
    return desk_right_at(world->desk, lot->right);
}

static bool ended_for_good(const struct desk_right *right, oft_instant at)
{
    return right->end != DESK_ENDS_AMENDED && at >= right->until;
}

/* ---- property 1 ------------------------------------------------------------------------------------------ */

/* After a third party's signature: what each right in force gave for it. */
static bool signature_was_free(struct sim_world *world, const struct desk_event *event,
                               uint32_t index)
{
    const struct desk_right *right = desk_right_at(world->desk, index);
    const struct desk_offer *offer = desk_offer_at(world->desk, event->offer)->offer;
    /* What the event leaves unsaid, the order tells. */
    const struct desk_order *order = desk_order_at(world->desk, desk_order_count(world->desk) - 1);
    uint64_t sold = 0, exempt = 0, all = 0, before = 0;
    bool begun = false;

    for (uint32_t i = 0; i < desk_lot_count(world->desk); i++) {
        const struct desk_lot *lot = desk_lot_at(world->desk, i);
        const struct sim_lot_seen *seen = &world->lots[i];
        bool of_offer =
            right->kind == DESK_RIGHT_OFFER ? lot->need == offer->need : lot->offer == event->offer;

        if (lot->right != index) {
            continue;
        }
        begun |= of_offer;
        all += of_offer ? lot->quantity : 0;
        exempt += of_offer && lot->state == DESK_LOT_EXEMPT ? lot->quantity : 0;
        before += of_offer && seen->was == DESK_LOT_SOLD ? lot->quantity : 0;
        if (lot->state != DESK_LOT_SOLD || seen->was == DESK_LOT_SOLD) {
            continue;
        }
        if (!of_offer && (!right->counterparty_any || lot->need != offer->need)) {
            return sim_fail(world, 1, "lot-%u was sold to a third party that was not noticed",
                            i + 1);
        }
        if (!model_conforms(right, lot->noticed, order->terms)) {
            return sim_fail(world, 5, "lot-%u was sold on better terms than it was noticed on",
                            i + 1);
        }
        sold += lot->quantity;
    }
    if (!begun && model_reach(world->model, index, offer->need, event->offer) == 0) {
        return true; /* out of its scope */
    }
    if (exempt > 0 && exempt == all) {
        return true;
    }
    if (exempt > 0 && right->kind == DESK_RIGHT_OFFER) {
        return true; /* other offers share it: the second reading adds that up */
    }
    if (sold < order->quantity &&
        desk_offer_at(world->desk, event->offer)->signed_quantity > exempt + sold + before) {
        return sim_fail(world, 1, "%llu signed with a third party; right %u let %llu go",
                        (unsigned long long)order->quantity, index, (unsigned long long)sold);
    }
    return true;
}

static bool property_1(struct sim_world *world, const struct desk_event *event)
{
    const struct desk_offer *offer;

    if (event->kind != DESK_SIGNED || event->offer == DESK_NONE || event->lot != DESK_NONE) {
        return true;
    }
    offer = desk_offer_at(world->desk, event->offer)->offer;
    for (uint32_t i = 0; i < desk_right_count(world->desk); i++) {
        const struct desk_right *right = desk_right_at(world->desk, i);
        const struct model_right *row = &world->model->rights[i];

        if (right->kind != DESK_RIGHT_EXCLUSIVE && event->at >= right->from &&
            event->at < right->until && event->at < row->control_end && !row->exhausted &&
            !model_is_holder(row, offer->party.id) && !signature_was_free(world, event, i)) {
            return false;
        }
    }
    return true;
}

/* ---- properties 2 and 9: quantities and flags --------------------------------------------------------------- */

static bool final_moved(const struct sim_lot_seen *seen, const struct desk_lot *lot,
                        const struct desk_event *event)
{
    if (event && event->kind == DESK_OFFER_CHANGED && seen->state == DESK_LOT_EXEMPT &&
        lot->state == DESK_LOT_EXEMPT && lot->why != DESK_WHY_CARVE_OUT) {
        return false; /* nothing was claimed for a quantity */
    }
    if (seen->state == DESK_LOT_BOUND) {
        return lot->quantity > seen->quantity;
    }
    return lot->state != seen->state || lot->quantity != seen->quantity;
}

static bool property_2(struct sim_world *world, const struct desk_event *event)
{
    static const struct sim_lot_seen nothing = {.state = SIM_UNBORN};
    uint32_t count = desk_lot_count(world->desk);
    uint64_t sums[SIM_LOTS_MAX] = {0};

    for (uint32_t i = 0; i < count && i < SIM_LOTS_MAX; i++) {
        const struct desk_lot *lot = desk_lot_at(world->desk, i);
        const struct sim_lot_seen *seen =
            i < world->lots_seen && world->lots[i].whole > 0 ? &world->lots[i] : &nothing;

        if (seen != &nothing && desk_lot_final((enum desk_lot_state)seen->was) &&
            seen->was == seen->state && final_moved(seen, lot, event)) {
            return sim_fail(world, 2, "lot-%u was final and moved", i + 1);
        }
        if (seen != &nothing && (seen->flags & ~lot->flags) != 0) {
            return sim_fail(world, 9, "lot-%u lost a flag", i + 1);
        }
        if (lot->quantity == 0 || lot->root > i) {
            return sim_fail(world, 2, "lot-%u is of nothing, or of a later procedure", i + 1);
        }
        sums[lot->root] += lot->quantity;
    }
    for (uint32_t i = 0; i < count && i < SIM_LOTS_MAX; i++) {
        const struct desk_lot *lot = desk_lot_at(world->desk, i);
        bool changed = event && event->kind == DESK_OFFER_CHANGED && event->quantity != 0 &&
                       lot->offer == event->offer;

        if (lot->root != i) {
            continue;
        }
        if (world->lots[i].whole != 0 && sums[i] != world->lots[i].whole && !changed) {
            return sim_fail(world, 2, "procedure of lot-%u began with %llu and has %llu", i + 1,
                            (unsigned long long)world->lots[i].whole, (unsigned long long)sums[i]);
        }
    }
    return true;
}

/* ---- property 3 ------------------------------------------------------------------------------------------------ */

static bool property_3(struct sim_world *world, const struct desk_event *event)
{
    for (uint32_t i = 0; i < desk_lot_count(world->desk) && i < SIM_LOTS_MAX; i++) {
        const struct desk_lot *lot = desk_lot_at(world->desk, i);
        uint8_t was = i < world->lots_seen ? world->lots[i].was : SIM_UNBORN;
        const struct desk_notice *notice;

        if (lot->state != DESK_LOT_ELECTED || was == DESK_LOT_ELECTED) {
            continue;
        }
        if (was == SIM_UNBORN && lot->parent != DESK_NONE) {
            was = world->lots[lot->parent].was;
        }
        notice = desk_notice_at(world->desk, lot->holder_notice);
        if (was == DESK_LOT_OVERALLOT) {
            if (notice->over_requested < lot->quantity) {
                return sim_fail(world, 3, "lot-%u: more was allotted than was asked for", i + 1);
            }
            continue;
        }
        if (!event || event->kind != DESK_ELECTED || event->notice != lot->holder_notice ||
            (event->quantity != 0 && event->quantity != lot->quantity)) {
            return sim_fail(world, 3, "lot-%u is elected, and nobody elected it so", i + 1);
        }
        if (event->terms.count > 0 &&
            !model_conforms(words_of(world, lot), notice->terms, event->terms)) {
            return sim_fail(world, 3, "lot-%u was elected on other terms: a counter", i + 1);
        }
    }
    return true;
}

/* ---- property 4 ------------------------------------------------------------------------------------------------ */

/* The earliest instant at which silence can have run out, by what this side knows of the delivery. */
static bool silence_ran_out(struct sim_world *world, uint32_t index)
{
    const struct desk_notice *notice = desk_notice_at(world->desk, index);
    const struct sim_notice_seen *seen = &world->notices[index];
    const struct desk_lot *lot = desk_lot_at(world->desk, notice->lot);
    const struct desk_right *right = words_of(world, lot);
    const struct desk_window *full = &right->windows[DESK_WINDOW_RESPOND];
    const struct desk_window *brief = &right->windows[DESK_WINDOW_REOFFER];
    oft_instant delivered = seen->delivered, deemed, end;

    if (delivered == OFT_INSTANT_NEVER) {
        if (!right->deemed.said ||
            !model_window_end(world->model, &right->deemed, seen->sent, &deemed)) {
            return false;
        }
        delivered = deemed;
    }
    if (delivered > desk_clock(world->desk)) {
        return false;
    }
    if (full->start == DESK_FROM_SENT) {
        return true; /* the second reading reckons that exactly */
    }
    return (model_window_end(world->model, full, delivered, &end) &&
            end <= desk_clock(world->desk)) ||
           (brief->said && model_window_end(world->model, brief, delivered, &end) &&
            end <= desk_clock(world->desk));
}

static void remember_delivery(struct sim_world *world, const struct desk_event *event)
{
    if (event && event->notice < world->notices_seen) {
        if (event->kind == DESK_NOTICE_DELIVERED) {
            world->notices[event->notice].delivered = event->happened;
        } else if (event->kind == DESK_NOTICE_OBJECTED) {
            world->notices[event->notice].delivered = OFT_INSTANT_NEVER;
        }
    }
}

static bool property_4(struct sim_world *world)
{
    for (uint32_t i = 0; i < world->notices_seen; i++) {
        const struct desk_notice *notice = desk_notice_at(world->desk, i);

        if (notice->state == DESK_NOTICE_LAPSED && world->notices[i].state != DESK_NOTICE_LAPSED &&
            !silence_ran_out(world, i)) {
            return sim_fail(world, 4, "notice-%u lapsed, and no window had run from a delivery",
                            i + 1);
        }
    }
    return true;
}

/* ---- properties 5 and 6 ------------------------------------------------------------------------------------------ */

static bool equal_terms(struct desk_terms a, struct desk_terms b)
{
    for (uint32_t i = 0; i < a.count && a.count == b.count; i++) {
        if (a.items[i].name.id != b.items[i].name.id || a.items[i].number != b.items[i].number ||
            a.items[i].text.id != b.items[i].text.id || a.items[i].kind != b.items[i].kind) {
            return false;
        }
    }
    return a.count == b.count;
}

static bool property_5(struct sim_world *world, const struct desk_event *event)
{
    for (uint32_t i = 0; i < world->notices_seen; i++) {
        const struct desk_notice *notice = desk_notice_at(world->desk, i);
        const struct sim_notice_seen *seen = &world->notices[i];

        if (notice->state >= DESK_NOTICE_SENT_STATE && notice->state <= DESK_NOTICE_LAPSED &&
            seen->state >= DESK_NOTICE_SENT_STATE && seen->sent == notice->sent &&
            !equal_terms(notice->terms, seen->terms)) {
            return sim_fail(world, 5, "notice-%u: what was noticed has changed", i + 1);
        }
    }
    if (event && event->kind == DESK_SIGNED && event->lot != DESK_NONE) {
        const struct desk_lot *lot = desk_lot_at(world->desk, event->lot);
        const struct desk_notice *notice = desk_notice_at(world->desk, lot->holder_notice);

        if (event->terms.count > 0 &&
            !model_conforms(words_of(world, lot), notice->terms, event->terms)) {
            return sim_fail(world, 5, "lot-%u was signed on other terms than were noticed",
                            event->lot + 1);
        }
    }
    return true;
}

static bool property_6(struct sim_world *world, const struct desk_event *event)
{
    uint32_t highest = 0, lot;

    if (!event || event->kind != DESK_NOTICE_SENT) {
        return true;
    }
    lot = event->lot;
    if (words_of(world, desk_lot_at(world->desk, lot))->simultaneous) {
        return true;
    }
    for (uint32_t i = 0; i < desk_notice_count(world->desk); i++) {
        const struct desk_notice *notice = desk_notice_at(world->desk, i);

        if (notice->lot == lot && notice->event == event->number && notice->rank > highest) {
            highest = notice->rank;
        }
    }
    for (uint32_t i = 0; i < desk_notice_count(world->desk); i++) {
        const struct desk_notice *notice = desk_notice_at(world->desk, i);

        if (notice->lot == lot && notice->rank < highest &&
            (notice->state == DESK_NOTICE_SENT_STATE || notice->state == DESK_NOTICE_OPEN)) {
            return sim_fail(world, 6, "rank %u was noticed while notice-%u of rank %u is open",
                            highest, i + 1, notice->rank);
        }
    }
    return true;
}

/* ---- property 10 -------------------------------------------------------------------------------------------------- */

static bool property_10(struct sim_world *world, const struct desk_event *event)
{
    bool control = event && event->kind == DESK_CONTROL_CHANGED; /* ends rights now */
    oft_instant now = desk_clock(world->desk);

    for (uint32_t i = 0; i < desk_lot_count(world->desk) && i < SIM_LOTS_MAX; i++) {
        const struct desk_lot *lot = desk_lot_at(world->desk, i);
        const struct desk_right *right = words_of(world, lot);

        if (ended_for_good(right, now) && lot->state <= DESK_LOT_READY) {
            return sim_fail(world, 10, "lot-%u is owed a notice under a right that is over", i + 1);
        }
        if (ended_for_good(right, now) && right->pending_void &&
            !desk_lot_final((enum desk_lot_state)lot->state) &&
            lot->why != DESK_WHY_DELIVERY_FAILED && lot->since < right->until) {
            return sim_fail(world, 10, "lot-%u goes on after its right's end", i + 1);
        }
        if (lot->state == DESK_LOT_VOID && i < world->lots_seen &&
            world->lots[i].was != DESK_LOT_VOID && now < right->until && !control &&
            now < world->model->rights[lot->right].control_end) {
            return sim_fail(world, 10, "lot-%u is void before its right's end", i + 1);
        }
    }
    return true;
}

/* ---- memory ---------------------------------------------------------------------------------------------------------- */

static void remember(struct sim_world *world)
{
    uint32_t lots = desk_lot_count(world->desk), notices = desk_notice_count(world->desk);

    for (uint32_t i = 0; i < lots && i < SIM_LOTS_MAX; i++) {
        const struct desk_lot *lot = desk_lot_at(world->desk, i);
        struct sim_lot_seen *seen = &world->lots[i];

        if (lot->root == i) {
            seen->whole = 0;
        }
        seen->state = lot->state;
        seen->flags = lot->flags;
        seen->quantity = lot->quantity;
        seen->root = lot->root;
        if (lot->root != i) {
            seen->whole = 1;
        }
        world->lots[lot->root].whole += lot->quantity;
    }
    world->lots_seen = lots < SIM_LOTS_MAX ? lots : SIM_LOTS_MAX;
    for (uint32_t i = 0; i < notices && i < SIM_NOTICES_MAX; i++) {
        const struct desk_notice *notice = desk_notice_at(world->desk, i);
        struct sim_notice_seen *seen = &world->notices[i];

        if (i >= world->notices_seen || seen->sent != notice->sent) {
            seen->delivered = OFT_INSTANT_NEVER;
        }
        seen->state = notice->state;
        seen->sent = notice->sent;
        seen->terms = notice->terms;
    }
    world->notices_seen = notices < SIM_NOTICES_MAX ? notices : SIM_NOTICES_MAX;
}

bool sim_watch(struct sim_world *world, const struct desk_event *event, bool taken)
{
    bool fine;

    remember_delivery(world, taken ? event : NULL);
    fine = (!taken || property_1(world, event)) && property_2(world, event) &&
           property_3(world, event) && property_4(world) && property_5(world, event) &&
           property_6(world, event) && property_10(world, event);
    remember(world);
    return fine;
}
