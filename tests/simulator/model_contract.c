/* SPDX-License-Identifier: Apache-2.0 */
/* Which contracts may be signed, and what the desk is told of parties: the other half of judging. */
#include "model.h"

#define NO(code) MODEL_REASON(DESK_REFUSED_##code)

unsigned model_by(const struct model *model, const struct desk_event *event, uint64_t whose,
                  bool holder)
{
    bool proof = event->text && event->text[0] != '\0';

    if (whose == model->customer && event->actor.id == whose && event->party.id != whose) {
        return NO(ACTOR) | MODEL_OPEN; /* does the customer's act need to be said to be its own? */
    }
    if (event->party.id != whose ||
        (event->actor.id != whose && event->actor.id != model->customer)) {
        return NO(ACTOR);
    }
    return event->actor.id == whose || proof || !holder ? 0 : NO(ACTOR) | NO(INVALID);
}

static unsigned by(const struct model *model, const struct desk_event *event, uint64_t whose)
{
    return model_by(model, event, whose, false);
}

/* ---- with a holder ----------------------------------------------------------------------------- */

static unsigned judge_tendered(const struct model *model, const struct desk_event *event)
{
    unsigned why = by(model, event, model->customer);

    if (event->lot >= model->lot_count) {
        return why | NO(UNKNOWN);
    }
    switch (model->lots[event->lot].state) {
    case DESK_LOT_ELECTED:
        return why | (model->lots[event->lot].tendered ? NO(STATE) | MODEL_OPEN : 0);
    case DESK_LOT_DISPUTED:
        return why | NO(STATE) | NO(LATE) | MODEL_OPEN;
    default:
        return why | NO(STATE);
    }
}

static unsigned judge_signed_lot(const struct model *model, const struct desk_event *given)
{
    unsigned why = by(model, given, model->customer);
    const struct model_lot *lot;
    const struct desk_right *words;
    struct desk_event said = *given, *event = &said;

    if (event->lot >= model->lot_count) {
        return why | NO(UNKNOWN);
    }
    model_unsaid(model, event);
    lot = &model->lots[event->lot];
    words = model->rights[lot->right].words;
    if (lot->state != DESK_LOT_ELECTED && lot->state != DESK_LOT_DISPUTED) {
        return why | NO(STATE) | NO(LATE) | NO(EARLY);
    }
    if (event->quantity != lot->quantity) {
        why |= NO(QUANTITY);
    }
    if (!model_conforms(words, lot->noticed, event->terms)) {
        why |= NO(TERMS);
    }
    if (lot->state == DESK_LOT_ELECTED && !lot->tendered) {
        why |= NO(STATE) | NO(EARLY) | MODEL_OPEN;
    }
    for (uint32_t i = 0; i < model->right_count; i++) {
        if (model->rights[i].words->kind == DESK_RIGHT_EXCLUSIVE) {
            why |= NO(EXCLUSIVE) | MODEL_OPEN; /* on whose capacity is not said */
        }
    }
    return why;
}

static unsigned judge_settled(const struct model *model, const struct desk_event *event)
{
    const struct model_lot *lot;
    unsigned why;
    bool known = event->name.id == desk_word("free").id || event->name.id == desk_word("revive").id;

    if (event->lot >= model->lot_count) {
        return NO(UNKNOWN) | NO(ACTOR);
    }
    lot = &model->lots[event->lot];
    if (lot->state != DESK_LOT_DISPUTED) {
        return NO(STATE) | NO(ACTOR) | NO(LATE) | NO(EARLY) | NO(INVALID) | NO(UNKNOWN);
    }
    why = model_by(model, event, model->notices[lot->accepted].holder, true);
    return why | (known ? 0 : NO(INVALID) | NO(UNKNOWN));
}

/* ---- with a third party ------------------------------------------------------------------------ */

/* What was out of scope is exempt as long as it is: a changed price may bring it in. */
static bool still_exempt(const struct model *model, const struct model_lot *lot)
{
    return lot->state == DESK_LOT_EXEMPT &&
           (lot->why != DESK_WHY_OUT_OF_SCOPE ||
            model_reach(model, lot->right, lot->need, lot->offer) == 0);
}

/* What is left of the exempt part of an opportunity when third parties' signatures are taken off. */
uint64_t model_exempt_left(const struct model *model, uint32_t right, uint32_t offer)
{
    uint32_t need = model->offers[offer].offer->need;
    uint64_t exempt = 0, sold = 0, signed_so_far = 0, used;

    for (uint32_t i = 0; i < model->lot_count; i++) {
        const struct model_lot *lot = &model->lots[i];

        if (model_opportunity_lot(model, lot, right, need, offer)) {
            exempt += still_exempt(model, lot) ? lot->quantity : 0;
            sold += lot->state == DESK_LOT_SOLD ? lot->quantity : 0;
        }
    }
    for (uint32_t i = 0; i < model->offer_count; i++) {
        if (i == offer || (model->rights[right].words->kind == DESK_RIGHT_OFFER &&
                           model->offers[i].offer->need == need)) {
            signed_so_far += model->offers[i].signed_quantity;
        }
    }
    used = signed_so_far > sold ? signed_so_far - sold : 0;
    return exempt > used ? exempt - used : 0;
}

/* What one right has against a third party's signature: the page's "one of". */
static unsigned right_against(const struct model *model, uint32_t right,
                              const struct desk_event *event)
{
    const struct model_right *row = &model->rights[right];
    const struct desk_offer *offer = model->offers[event->offer].offer;
    bool in_force = model_in_force(model, right, event->at), begun = false, open = false;
    uint64_t exempt = 0, all = 0, free_any, fits;
    unsigned why = 0;

    for (uint32_t i = 0; i < model->lot_count; i++) {
        const struct model_lot *lot = &model->lots[i];

        if (!model_opportunity_lot(model, lot, right, offer->need, event->offer)) {
            continue;
        }
        begun = true;
        all += lot->quantity;
        open |= !desk_lot_final(lot->state);
        exempt += still_exempt(model, lot) ? lot->quantity : 0;
        if (lot->state < DESK_LOT_FREE) {
            why |= NO(EARLY) | NO(NOTICE_OWED) | NO(STATE);
        }
    }
    if ((!in_force && !open) || model_is_holder(row, offer->party.id) || row->exhausted ||
        (!begun && model_reach(model, right, offer->need, event->offer) == 0)) {
        return 0;
    }
    fits = model_free_for(model, right, event->offer, &event->terms);
    free_any = model_free_for(model, right, event->offer, NULL);
    if (event->quantity <= fits) {
        return 0;
    }
    if (begun && exempt == all) {
        return 0; /* the opportunity is EXEMPT */
    }
    if (exempt > 0 && event->quantity <= model_exempt_left(model, right, event->offer)) {
        return 0;
    }
    why |= NO(NOTICE_OWED) | NO(STATE);
    why |= free_any > 0 ? NO(QUANTITY) | NO(BETTER_TERMS) | NO(TERMS) : 0;
    return why | NO(COUNTERPARTY) | NO(LATE);
}

static unsigned judge_signed_offer(const struct model *model, const struct desk_event *given)
{
    unsigned why = by(model, given, model->customer);
    const struct model_offer *offer;
    struct desk_event said = *given, *event = &said;

    if (event->offer >= model->offer_count) {
        return why | NO(UNKNOWN);
    }
    model_unsaid(model, event);
    offer = &model->offers[event->offer];
    if (offer->withdrawn || model->needs[offer->offer->need].withdrawn) {
        why |= NO(STATE);
    }
    if (offer->offer->valid_until <= event->at) {
        why |= NO(STATE) | NO(LATE) | MODEL_OPEN;
    }
    if (event->quantity == 0 || event->quantity > offer->quantity - offer->signed_quantity) {
        why |= NO(QUANTITY) | NO(INVALID);
    }
    if (model_barred(model, model->needs[offer->offer->need].need, offer->offer->provider.id,
                     model->clock)) {
        why |= NO(EXCLUSIVE);
    }
    for (uint32_t i = 0; i < model->right_count; i++) {
        if (model->rights[i].words->kind != DESK_RIGHT_EXCLUSIVE) {
            why |= right_against(model, i, event);
        }
    }
    return why;
}

void model_unsaid(const struct model *model, struct desk_event *event)
{
    if (event->lot != DESK_NONE) {
        const struct model_lot *lot = &model->lots[event->lot];

        event->quantity = event->quantity != 0 ? event->quantity : lot->quantity;
        event->terms = event->terms.count > 0 ? event->terms : lot->noticed;
    } else if (event->offer != DESK_NONE) {
        const struct model_offer *offer = &model->offers[event->offer];

        event->quantity =
            event->quantity != 0 ? event->quantity : offer->quantity - offer->signed_quantity;
        event->terms = event->terms.count > 0 ? event->terms : offer->terms;
    }
}

static unsigned judge_arrived(const struct model *model, const struct desk_event *given)
{
    struct desk_event said = *given, *event = &said;
    unsigned why = by(model, event, model->customer);
    const struct model_order *order;

    if (event->order >= model->order_count) {
        return why | NO(UNKNOWN);
    }
    order = &model->orders[event->order];
    if (order->state == DESK_ORDER_DELIVERED || order->state == DESK_ORDER_FAILED) {
        why |= NO(STATE) | NO(QUANTITY) | NO(LATE);
    }
    event->quantity = event->quantity != 0 ? event->quantity : order->quantity - order->delivered;
    if (event->quantity == 0 || event->quantity > order->quantity - order->delivered) {
        why |= NO(QUANTITY) | NO(INVALID);
    }
    return why | (event->happened < order->signed_at ? NO(TIME) | NO(EARLY) | MODEL_OPEN : 0);
}

unsigned model_judge_contract(const struct model *model, const struct desk_event *event)
{
    if (event->kind == DESK_SIGNED && event->happened < event->at) {
        return MODEL_ANY; /* a signature's `happened` is its `at` */
    }
    switch (event->kind) {
    case DESK_TENDERED:
        return judge_tendered(model, event);
    case DESK_SETTLED:
        return judge_settled(model, event);
    case DESK_DELIVERED:
        return judge_arrived(model, event);
    default:
        break;
    }
    if ((event->lot == DESK_NONE) == (event->offer == DESK_NONE)) {
        return NO(INVALID) | NO(UNKNOWN) | NO(ACTOR);
    }
    return event->lot != DESK_NONE ? judge_signed_lot(model, event)
                                   : judge_signed_offer(model, event);
}

/* ---- what the desk is told ---------------------------------------------------------------------- */

static bool window_known(const struct model *model, const struct desk_window *window)
{
    oft_instant end;
    struct desk_window one = *window;

    one.period = (struct oft_period){.count = 1, .unit = OFT_PERIOD_HOURS};
    return !window->said || (window->calendar.id == 0 && window->zone.id == 0) ||
           model_window_end(model, &one, model->clock, &end);
}

static unsigned judge_right(const struct model *model, const struct desk_event *event)
{
    if (!event->right) {
        return NO(INVALID);
    }
    for (int i = 0; i < DESK_WINDOW_KIND_COUNT; i++) {
        if (!window_known(model, &event->right->windows[i])) {
            return NO(CALENDAR) | MODEL_OPEN; /* now, or when it is reckoned by */
        }
    }
    return 0;
}

/* "party" is the customer's act, about another. */
static unsigned judge_party(const struct model *model, const struct desk_event *event)
{
    unsigned why = event->actor.id == model->customer ? 0 : NO(ACTOR);
    bool open = event->kind != DESK_CURED;

    for (uint32_t i = 0; i < model->default_count; i++) {
        open |= model->defaults[i].party == event->party.id &&
                model->defaults[i].cured == OFT_INSTANT_NEVER;
    }
    why |= event->text && event->text[0] ? 0 : NO(INVALID) | MODEL_OPEN;
    why |= open ? 0 : NO(STATE) | NO(UNKNOWN); /* nothing to cure */
    for (uint32_t i = 0; i < model->right_count; i++) {
        if (model_is_holder(&model->rights[i], event->party.id)) {
            return why;
        }
    }
    return why | NO(UNKNOWN) | NO(INVALID) | NO(STATE) | MODEL_OPEN;
}

static unsigned judge_assigned(const struct model *model, const struct desk_event *event)
{
    uint32_t right = model_find_right(model, event->name.id);

    if (event->actor.id != model->customer) {
        return MODEL_ANY;
    }
    if (right == DESK_NONE) {
        return NO(UNKNOWN);
    }
    if (!model_is_holder(&model->rights[right], event->party.id)) {
        return NO(UNKNOWN) | NO(ACTOR) | NO(INVALID) | NO(STATE);
    }
    if (!model->rights[right].words->assignable) {
        return MODEL_ANY;
    }
    return 0;
}

unsigned model_judge_record(const struct model *model, const struct desk_event *event)
{
    switch (event->kind) {
    case DESK_CUSTOMER:
        return model->customer != 0 ? NO(STATE) | NO(INVALID) : 0;
    case DESK_CALENDAR:
        return event->calendar ? 0 : NO(INVALID);
    case DESK_ZONE:
        return event->zone ? 0 : NO(INVALID);
    case DESK_RIGHT:
        return judge_right(model, event);
    case DESK_ASSIGNED:
        return judge_assigned(model, event);
    case DESK_DEFAULTED:
    case DESK_CURED:
    case DESK_CONTROL_CHANGED:
        return judge_party(model, event);
    default:
        return MODEL_ANY;
    }
}
