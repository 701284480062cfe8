/* SPDX-License-Identifier: Apache-2.0 */
/* The next event: mostly what somebody would do now, and often enough what nobody may. */
#include "sim.h"

#define HOUR (INT64_C(3600) * OFT_NS_PER_SECOND)

static struct desk_event by(struct sim_world *world, enum desk_event_kind kind,
                            struct desk_name party)
{
    struct desk_event event = desk_event_of(kind, desk_clock(world->desk));

    event.party = party;
    event.actor = party;
    if (party.id != world->cast->customer.id && sim_chance(&world->random, 20)) {
        event.actor = world->cast->customer;
        event.text = "as told by letter";
    }
    return event;
}

static struct desk_event by_customer(struct sim_world *world, enum desk_event_kind kind)
{
    return by(world, kind, world->cast->customer);
}

/* ---- time ---------------------------------------------------------------------------------------------- */

/* An instant that matters to somebody: the next due one, a deadline, now, or one just beside it. */
static oft_instant instant(struct sim_world *world)
{
    struct sim_random *random = &world->random;
    oft_instant now = desk_clock(world->desk), at = now, due = desk_next_due(world->desk);

    switch (sim_below(random, 12)) {
    case 0:
    case 1:
    case 2:
    case 8:
    case 9:
    case 10:
        return now;
    case 3:
    case 4:
        at = due != OFT_INSTANT_NEVER ? due : now + HOUR;
        break;
    case 5:
        return now + (int64_t)sim_below(random, 20) * HOUR;
    case 6:
        if (desk_lot_count(world->desk) > 0) {
            at = desk_lot_at(world->desk, sim_below(random, desk_lot_count(world->desk)))->due;
        }
        break;
    default:
        return now + (int64_t)sim_below(random, 4) * HOUR;
    }
    if (at == OFT_INSTANT_NEVER || at < now) {
        return now;
    }
    at += (int64_t)sim_below(random, 3) - 1;
    return at < now ? now : at;
}

/* When an act was done: mostly when it is told, else something between FROM and then. */
static oft_instant done(struct sim_world *world, oft_instant from, oft_instant at)
{
    struct sim_random *random = &world->random;

    if (from >= at || from == OFT_INSTANT_NEVER || sim_chance(random, 70)) {
        return at;
    }
    switch (sim_below(random, 4)) {
    case 0:
        return from;
    case 1:
        return from - 1;
    case 2:
        return at - 1;
    default:
        return from + (int64_t)(sim_next(random) % (uint64_t)(at - from));
    }
}

/* ---- acts on what there is ------------------------------------------------------------------------------- */

static struct desk_event on_lot(struct sim_world *world, enum desk_event_kind kind, uint32_t lot)
{
    struct desk_event event = by_customer(world, kind);

    event.lot = lot;
    return event;
}

static struct desk_event change(struct sim_world *world, uint32_t offer)
{
    const struct desk_offer_row *row = desk_offer_at(world->desk, offer);
    struct desk_event event = by(world, DESK_OFFER_CHANGED, row->offer->party);

    event.offer = offer;
    event.terms = sim_terms(world, row->terms);
    if (sim_chance(&world->random, 25)) {
        event.quantity = 1 + sim_below(&world->random, 12);
    }
    return event;
}

static struct desk_event affirm(struct sim_world *world, uint32_t offer)
{
    struct desk_event event =
        by(world, DESK_OFFER_AFFIRMED, desk_offer_at(world->desk, offer)->offer->party);

    event.offer = offer;
    event.names = (struct desk_names){world->cast->tests, 1 + sim_below(&world->random, 2)};
    return event;
}

static struct desk_event exempt(struct sim_world *world, uint32_t lot)
{
    struct desk_event event = on_lot(world, DESK_EXEMPTED, lot);

    event.name = sim_chance(&world->random, 70) ? world->cast->carve_out : world->cast->floor;
    event.text = sim_chance(&world->random, 90) ? "a paper" : "";
    return event;
}

static struct desk_event on_notice(struct sim_world *world, enum desk_event_kind kind,
                                   uint32_t index)
{
    const struct desk_notice *notice = desk_notice_at(world->desk, index);
    struct desk_event event = by(world, kind, notice->holder);

    event.notice = index;
    event.text = kind == DESK_NOTICE_OBJECTED && sim_chance(&world->random, 97) ? "no price is told"
                                                                                : event.text;
    return event;
}

static struct desk_event answer(struct sim_world *world, uint32_t index)
{
    static const enum desk_event_kind kinds[] = {DESK_ELECTED,   DESK_ELECTED,        DESK_ELECTED,
                                                 DESK_ELECTED,   DESK_DECLINED,       DESK_DECLINED,
                                                 DESK_COUNTERED, DESK_NOTICE_OBJECTED};
    struct sim_random *random = &world->random;
    const struct desk_notice *notice = desk_notice_at(world->desk, index);
    const struct desk_lot *lot = desk_lot_at(world->desk, notice->lot);
    struct desk_event event = on_notice(world, kinds[sim_below(random, 8)], index);

    event.quantity = notice->entitled;
    if (lot->state == DESK_LOT_OVERALLOT) {
        event.quantity = 1 + sim_below(random, (uint32_t)lot->quantity);
    } else if (sim_chance(random, 30)) {
        event.quantity = sim_below(random, (uint32_t)notice->entitled + 2);
    }
    if (event.kind == DESK_DECLINED || event.kind == DESK_NOTICE_OBJECTED) {
        event.quantity = 0;
    } else if (sim_chance(random, 35)) {
        event.terms = sim_terms(world, notice->terms);
    }
    return event;
}

static struct desk_event of_round(struct sim_world *world, const struct desk_lot *lot)
{
    uint32_t index, tries = 4;
    struct sim_random *random = &world->random;

    do {
        index = lot->first_notice + sim_below(random, lot->notice_count);
    } while (--tries > 0 && desk_notice_at(world->desk, index)->state > DESK_NOTICE_OPEN);
    if (desk_notice_at(world->desk, index)->state == DESK_NOTICE_SENT_STATE &&
        sim_chance(random, 90)) {
        return on_notice(
            world, sim_chance(random, 90) ? DESK_NOTICE_DELIVERED : DESK_NOTICE_OBJECTED, index);
    }
    return answer(world, index);
}

static struct desk_event sign_lot(struct sim_world *world, uint32_t index)
{
    struct sim_random *random = &world->random;
    const struct desk_lot *lot = desk_lot_at(world->desk, index);
    struct desk_event event = on_lot(world, DESK_SIGNED, index);

    event.quantity = lot->quantity;
    event.terms = sim_chance(random, 75) ? lot->noticed : sim_terms(world, lot->noticed);
    event.delivery = sim_delivery(world, event.at);
    return event;
}

static struct desk_event sign_offer(struct sim_world *world, uint32_t offer)
{
    struct sim_random *random = &world->random;
    const struct desk_offer_row *row = desk_offer_at(world->desk, offer);
    struct desk_event event = by_customer(world, DESK_SIGNED);
    struct desk_delivery_terms *delivery;

    event.offer = offer;
    event.quantity = row->quantity - row->signed_quantity;
    if (sim_chance(random, 50)) {
        event.quantity = 1 + sim_below(random, (uint32_t)event.quantity);
    }
    event.terms = sim_chance(random, 70) ? row->terms : sim_terms(world, row->terms);
    delivery = sim_keep(world, sizeof(*delivery));
    *delivery = *sim_delivery(world, event.at);
    if (delivery->deliver_by == OFT_INSTANT_NEVER) {
        delivery->deliver_by = event.at + 24 * HOUR; /* a third party's date is always told */
    }
    event.delivery = delivery;
    return event;
}

static struct desk_event free_lot(struct sim_world *world, uint32_t index)
{
    struct sim_random *random = &world->random;
    const struct desk_lot *lot = desk_lot_at(world->desk, index);
    uint32_t offer = lot->offer;
    struct desk_event event;

    if (sim_chance(random, 15) && lot->offer != DESK_NONE) {
        return on_lot(world, DESK_NOTICE_SENT, index);
    }
    if (lot->offer == DESK_NONE || sim_chance(random, 15)) {
        if (desk_offer_count(world->desk) == 0) {
            return by_customer(world, SIM_TIME_PASSES);
        }
        offer = sim_below(random, desk_offer_count(world->desk));
    } else if (sim_chance(random, 15)) {
        return change(world, offer);
    }
    event = sign_offer(world, offer);
    if (sim_chance(random, 60)) {
        event.quantity = lot->quantity;
        event.terms = sim_chance(random, 80) ? lot->noticed : event.terms;
    }
    return event;
}

static struct desk_event arrive(struct sim_world *world, uint32_t index)
{
    const struct desk_order *order = desk_order_at(world->desk, index);
    struct desk_event event = by_customer(world, DESK_DELIVERED);

    event.order = index;
    event.quantity = order->quantity - order->delivered;
    if (sim_chance(&world->random, 50)) {
        event.quantity = 1 + sim_below(&world->random, (uint32_t)order->quantity);
    }
    return event;
}

static struct desk_event settle(struct sim_world *world, uint32_t index)
{
    const struct desk_lot *lot = desk_lot_at(world->desk, index);
    struct desk_event event =
        by(world, DESK_SETTLED, desk_notice_at(world->desk, lot->holder_notice)->holder);

    event.lot = index;
    event.name = sim_chance(&world->random, 50) ? world->cast->free : world->cast->revive;
    return event;
}

static struct desk_event act_on_lot(struct sim_world *world, uint32_t index)
{
    const struct desk_lot *lot = desk_lot_at(world->desk, index);
    struct sim_random *random = &world->random;

    switch (lot->state) {
    case DESK_LOT_DRAFT:
        return lot->offer == DESK_NONE || sim_chance(random, 20) ? exempt(world, index)
               : sim_chance(random, 60)                          ? affirm(world, lot->offer)
                                                                 : change(world, lot->offer);
    case DESK_LOT_READY:
        if (lot->offer != DESK_NONE && sim_chance(random, 6)) {
            return change(world, lot->offer);
        }
        return sim_chance(random, 88) ? on_lot(world, DESK_NOTICE_SENT, index)
                                      : exempt(world, index);
    case DESK_LOT_NOTICED:
    case DESK_LOT_OPEN:
        if (lot->offer != DESK_NONE && sim_chance(random, 8)) {
            return change(world, lot->offer);
        }
        return of_round(world, lot);
    case DESK_LOT_OVERALLOT:
        return lot->offer != DESK_NONE && sim_chance(random, 6) ? change(world, lot->offer)
                                                                : of_round(world, lot);
    case DESK_LOT_ELECTED:
        if (!lot->tendered && sim_chance(random, 75)) {
            return on_lot(world, DESK_TENDERED, index);
        }
        return sim_chance(random, 60) ? sign_lot(world, index)
                                      : on_lot(world, SIM_TIME_PASSES, index);
    case DESK_LOT_DISPUTED:
        return sim_chance(random, 50) ? settle(world, index) : sign_lot(world, index);
    case DESK_LOT_FREE:
        return free_lot(world, index);
    case DESK_LOT_BOUND:
    case DESK_LOT_SOLD:
        return arrive(world, lot->order);
    default:
        return by_customer(world, SIM_TIME_PASSES);
    }
}

/* ---- acts out of the blue ----------------------------------------------------------------------------------- */

static struct desk_event screen(struct sim_world *world)
{
    struct desk_event event = by_customer(world, DESK_SCREENED);
    struct sim_random *random = &world->random;
    uint32_t right = sim_below(random, desk_right_count(world->desk));

    event.name = desk_right_at(world->desk, right)->clause;
    if (desk_right_at(world->desk, right)->kind == DESK_RIGHT_OFFER) {
        event.need = sim_below(random, desk_need_count(world->desk));
    } else if (desk_offer_count(world->desk) > 0) {
        event.offer = sim_below(random, desk_offer_count(world->desk));
    }
    return event;
}

static struct desk_event withdraw(struct sim_world *world)
{
    struct sim_random *random = &world->random;
    struct desk_event event;

    if (desk_offer_count(world->desk) > 0 && sim_chance(random, 60)) {
        uint32_t offer = sim_below(random, desk_offer_count(world->desk));

        event = by(world, DESK_OFFER_WITHDRAWN, desk_offer_at(world->desk, offer)->offer->party);
        event.offer = offer;
        return event;
    }
    event = by_customer(world, DESK_NEED_WITHDRAWN);
    event.need = sim_below(random, desk_need_count(world->desk));
    return event;
}

static struct desk_event told(struct sim_world *world)
{
    struct sim_random *random = &world->random;
    uint32_t which = sim_below(random, 10);
    struct desk_event event = by_customer(world, DESK_DEFAULTED);
    const struct desk_right *right =
        desk_right_at(world->desk, sim_below(random, desk_right_count(world->desk)));

    if (which < 4) {
        event.kind = which < 2 ? DESK_DEFAULTED : DESK_CURED;
        event.party = world->cast->holders[sim_below(random, SIM_HOLDERS)];
        event.text = "told by the bank";
        return event;
    }
    if (which < 6 && right->holder_count > 0) {
        event.kind = which == 4 ? DESK_CONTROL_CHANGED : DESK_ASSIGNED;
        event.party = right->holders[sim_below(random, right->holder_count)].party;
        event.name = which == 4 ? (struct desk_name){0, ""} : right->clause;
        event.other = world->cast->vendors[sim_below(random, SIM_VENDORS)];
        event.text = "told by the register";
        return event;
    }
    if (which < 8) {
        event = desk_event_of(DESK_RIGHT, desk_clock(world->desk));
        event.right = right;
        return event;
    }
    if (desk_order_count(world->desk) > 0) {
        return arrive(world, sim_below(random, desk_order_count(world->desk)));
    }
    return by_customer(world, SIM_TIME_PASSES);
}

static struct desk_event blue(struct sim_world *world)
{
    struct sim_random *random = &world->random;
    uint32_t which = sim_below(random, 10);

    if (which < 3 && desk_notice_count(world->desk) > 0) {
        uint32_t index = sim_below(random, desk_notice_count(world->desk));

        return which == 0 ? on_notice(world, DESK_NOTICE_DELIVERED, index) : answer(world, index);
    }
    if (which < 5 && desk_need_count(world->desk) > 0 && desk_right_count(world->desk) > 0) {
        return screen(world);
    }
    if (which < 6 && desk_need_count(world->desk) > 0) {
        return withdraw(world);
    }
    if (which < 8 && desk_right_count(world->desk) > 0) {
        return told(world);
    }
    if (which < 9 && desk_offer_count(world->desk) > 0) {
        return sign_offer(world, sim_below(random, desk_offer_count(world->desk)));
    }
    return desk_lot_count(world->desk) > 0
               ? act_on_lot(world, sim_below(random, desk_lot_count(world->desk)))
               : by_customer(world, SIM_TIME_PASSES);
}

/* One thing about it is wrong. */
static void spoil(struct sim_world *world, struct desk_event *event)
{
    struct sim_random *random = &world->random;

    switch (sim_below(random, 9)) {
    case 0:
        event->actor = world->cast->holders[sim_below(random, SIM_HOLDERS)];
        break;
    case 1:
        event->party = world->cast->vendors[sim_below(random, SIM_VENDORS)];
        break;
    case 2:
        event->text = "";
        event->actor = world->cast->customer;
        break;
    case 3:
        event->quantity += sim_chance(random, 50) ? 1 : event->quantity > 0 ? (uint64_t)-1 : 0;
        break;
    case 4:
        event->terms = sim_terms(world, event->terms);
        break;
    case 5:
        event->at -= sim_chance(random, 50) ? 1 : 0;
        event->happened = event->at + (sim_chance(random, 50) ? 1 : 0);
        break;
    case 6:
        if (event->lot != DESK_NONE) {
            event->lot = sim_below(random, desk_lot_count(world->desk) + 1);
        } else if (event->notice != DESK_NONE) {
            event->notice = sim_below(random, desk_notice_count(world->desk) + 1);
        } else if (event->offer != DESK_NONE) {
            event->offer = sim_below(random, desk_offer_count(world->desk) + 1);
        }
        break;
    case 7:
        event->name = world->cast->unknown;
        break;
    default:
        if (world->count > 8) { /* once more */
            oft_instant at = event->at;

            uint32_t which = 8 + sim_below(random, world->count - 8);

            if (world->events[which].kind == DESK_RIGHT) {
                return;
            }
            *event = world->events[which];
            event->at = event->happened = at;
        }
        break;
    }
}

static uint32_t living_lot(struct sim_world *world)
{
    uint32_t count = desk_lot_count(world->desk), lot = sim_below(&world->random, count);

    for (uint32_t i = 0; i < count; i++) {
        uint32_t one = (lot + i) % count;
        const struct desk_lot *row = desk_lot_at(world->desk, one);

        if (!desk_lot_final((enum desk_lot_state)row->state) ||
            (row->state == DESK_LOT_BOUND && sim_chance(&world->random, 30))) {
            return one;
        }
    }
    return DESK_NONE;
}

static struct desk_event choose(struct sim_world *world)
{
    struct sim_random *random = &world->random;
    uint32_t needs = desk_need_count(world->desk), offers = desk_offer_count(world->desk), lot;
    struct desk_event event;

    if (needs == 0 || (needs < 4 && sim_chance(random, 5))) {
        event = by_customer(world, DESK_NEED_OPENED);
        event.need_opened = sim_need(world, event.at);
        return event;
    }
    if ((offers == 0 && sim_chance(random, 60)) || (offers < 8 && sim_chance(random, 8))) {
        const struct desk_offer *offer =
            sim_offer(world, sim_below(random, needs), desk_clock(world->desk));

        event = by(world, DESK_OFFER_ADDED, offer->party);
        event.offer_added = offer;
        return event;
    }
    if (desk_lot_count(world->desk) > 0 && sim_chance(random, 80)) {
        lot = living_lot(world);
        if (lot != DESK_NONE) {
            return act_on_lot(world, lot);
        }
    }
    return blue(world);
}

/* The earliest instant that the act could have been done at. */
static oft_instant since(struct sim_world *world, const struct desk_event *event)
{
    if (event->notice < desk_notice_count(world->desk)) {
        const struct desk_notice *notice = desk_notice_at(world->desk, event->notice);

        return event->kind == DESK_NOTICE_DELIVERED ? notice->sent : notice->delivered;
    }
    if (event->lot < desk_lot_count(world->desk)) {
        return desk_lot_at(world->desk, event->lot)->since;
    }
    return OFT_INSTANT_NEVER;
}

struct desk_event sim_act(struct sim_world *world)
{
    struct sim_random *random = &world->random;
    oft_instant at = instant(world);
    struct desk_event event;

    event = choose(world);
    event.at = at;
    event.happened = at;
    if (event.kind == SIM_TIME_PASSES || event.kind == DESK_RIGHT) {
        if (event.kind == DESK_RIGHT) {
            if (event.right->until <= at) { /* what is over is not read again */
                event.kind = SIM_TIME_PASSES;
                event.right = NULL;
                return event;
            }
            event.right = sim_right_reading(world, event.right, at);
        }
        return event;
    }
    event.happened = done(world, since(world, &event), at);
    if (sim_chance(random, 10)) {
        spoil(world, &event);
    }
    return event;
}
