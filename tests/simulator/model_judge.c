/* SPDX-License-Identifier: Apache-2.0 */
/* Which events may be: every reason that docs/desk.md gives against an event, as a set. */
#include <string.h>

#include "model.h"

#define NO(code) MODEL_REASON(DESK_REFUSED_##code)

/* Whose act it is; the customer may record another's, a holder's with a proof. */
static unsigned by(const struct model *model, const struct desk_event *event, uint64_t whose)
{
    return model_by(model, event, whose, false);
}

static bool offer_gone(const struct model *model, uint32_t offer)
{
    return model->offers[offer].withdrawn ||
           model->needs[model->offers[offer].offer->need].withdrawn;
}

static unsigned judge_need(const struct model *model, const struct desk_event *event)
{
    unsigned why = by(model, event, model->customer);

    if (!event->need_opened) {
        return NO(INVALID);
    }
    if (model_barred(model, event->need_opened, event->need_opened->provider.id, model->clock)) {
        why |= NO(EXCLUSIVE);
    }
    if (event->need_opened->quantity == 0) {
        why |= NO(INVALID) | NO(QUANTITY);
    }
    return why | (event->need_opened->open_until <= event->at
                      ? NO(LATE) | NO(TIME) | NO(INVALID) | MODEL_OPEN
                      : 0);
}

static unsigned judge_need_withdrawn(const struct model *model, const struct desk_event *event)
{
    unsigned why = by(model, event, model->customer);

    if (event->need >= model->need_count) {
        return NO(UNKNOWN);
    }
    for (uint32_t i = 0; i < model->lot_count; i++) {
        const struct model_lot *lot = &model->lots[i];

        if (lot->need == event->need &&
            (lot->state == DESK_LOT_ELECTED || lot->state == DESK_LOT_DISPUTED)) {
            why |= NO(STATE) | NO(EARLY);
        }
    }
    return why | (model->needs[event->need].withdrawn ? NO(STATE) : 0);
}

static unsigned judge_offer_added(const struct model *model, const struct desk_event *event)
{
    const struct desk_offer *offer = event->offer_added;
    unsigned why;

    if (!offer) {
        return NO(INVALID);
    }
    why = by(model, event, offer->party.id);
    if (offer->need >= model->need_count) {
        return why | NO(UNKNOWN);
    }
    if (model->needs[offer->need].withdrawn) {
        why |= NO(STATE);
    }
    if (model->needs[offer->need].need->provider.id != 0 &&
        model->needs[offer->need].need->provider.id != offer->provider.id) {
        why |= NO(TERMS) | NO(INVALID); /* the need is for one provider alone */
    }
    if (offer->quantity == 0) {
        why |= NO(INVALID) | NO(QUANTITY);
    }
    if (model_barred(model, model->needs[offer->need].need, offer->provider.id, model->clock)) {
        why |= NO(EXCLUSIVE);
    }
    if (offer->valid_until <= event->at ||
        model->needs[offer->need].need->open_until <= event->at) {
        why |= NO(LATE) | NO(STATE) | NO(TIME) | NO(INVALID) | MODEL_OPEN;
    }
    return why;
}

/* Can the quantity of this lot's procedure not change any more? */
static bool fixed(const struct model *model, uint32_t index)
{
    const struct model_lot *lot = &model->lots[index];

    if (lot->root != index) {
        return true;
    }
    return (lot->state == DESK_LOT_EXEMPT ? lot->why == DESK_WHY_CARVE_OUT
                                          : lot->state > DESK_LOT_OPEN) &&
           lot->state < DESK_LOT_WITHDRAWN;
}

static unsigned judge_offer(const struct model *model, const struct desk_event *event)
{
    unsigned why;

    if (event->offer >= model->offer_count) {
        return NO(UNKNOWN);
    }
    why = by(model, event, model->offers[event->offer].offer->party.id);
    if (event->kind == DESK_OFFER_CHANGED && event->quantity != 0 &&
        event->quantity < model->offers[event->offer].signed_quantity) {
        why |= NO(QUANTITY); /* so much is signed */
    }
    for (uint32_t i = 0; i < model->lot_count && event->kind == DESK_OFFER_CHANGED; i++) {
        const struct model_lot *lot = &model->lots[i];

        if (event->quantity != 0 && lot->offer == event->offer &&
            event->quantity != model->offers[event->offer].quantity && fixed(model, i)) {
            why |= NO(QUANTITY) | NO(STATE);
        }
    }
    if (model->offers[event->offer].withdrawn) {
        why |= NO(STATE);
    } else if (offer_gone(model, event->offer)) {
        why |= NO(STATE) | MODEL_OPEN;
    }
    if (model->offers[event->offer].offer->valid_until <= event->at) {
        why |= NO(STATE) | NO(LATE) | MODEL_OPEN;
    }
    return why;
}

static unsigned judge_screened(const struct model *model, const struct desk_event *event)
{
    unsigned why = by(model, event, model->customer);
    uint32_t right = model_find_right(model, event->name.id), need = event->need;
    bool first_offer;

    if (right == DESK_NONE) {
        return MODEL_ANY;
    }
    first_offer = model->rights[right].words->kind == DESK_RIGHT_OFFER;
    if (model->rights[right].words->kind == DESK_RIGHT_EXCLUSIVE ||
        (first_offer ? event->need == DESK_NONE : event->offer == DESK_NONE)) {
        return why | NO(INVALID) | NO(STATE) | NO(UNKNOWN);
    }
    if (first_offer ? event->need >= model->need_count : event->offer >= model->offer_count) {
        return why | NO(UNKNOWN) | NO(INVALID);
    }
    if (!first_offer) {
        need = model->offers[event->offer].offer->need;
        if (model_is_holder(&model->rights[right], model->offers[event->offer].offer->party.id)) {
            why |= NO(STATE) | NO(INVALID) | NO(UNKNOWN);
        }
        if (offer_gone(model, event->offer)) {
            why |= NO(STATE);
        }
        if (model->offers[event->offer].offer->valid_until <= event->at) {
            why |= NO(STATE) | NO(LATE) | MODEL_OPEN;
        }
    }
    if (model->needs[need].withdrawn) {
        why |= NO(STATE);
    }
    if (model->needs[need].need->open_until <= event->at) {
        why |= NO(STATE) | NO(LATE) | MODEL_OPEN;
    }
    if (!model_in_force(model, right, model->clock)) {
        why |= NO(STATE) | NO(EARLY) | NO(LATE) | NO(UNKNOWN);
    }
    if (!first_offer || event->need != DESK_NONE) {
        why |= model_left(model, right, need, first_offer ? DESK_NONE : event->offer) == 0
                   ? NO(STATE)
                   : 0;
    }
    return why;
}

static unsigned judge_exempted(const struct model *model, const struct desk_event *event)
{
    unsigned why = by(model, event, model->customer);
    const struct model_lot *lot;
    const struct desk_right *words;
    bool found = false;

    if (event->lot >= model->lot_count) {
        return why | NO(UNKNOWN);
    }
    lot = &model->lots[event->lot];
    words = model->rights[lot->right].words;
    for (uint32_t i = 0; i < words->carve_out_count; i++) {
        found |= words->carve_outs[i].name.id == event->name.id;
    }
    found |= event->name.text && strcmp(event->name.text, "floor") == 0 &&
             (lot->flags & DESK_FLAG_SPLIT) != 0;
    if (!found) {
        why |= NO(UNKNOWN) | NO(INVALID);
    }
    if (!event->text || event->text[0] == '\0') {
        why |= NO(INVALID);
    }
    return why | (lot->state > DESK_LOT_READY ? NO(STATE) : 0);
}

/* The third party's offer became better for it. */
static unsigned judge_second_notice(const struct model *model, const struct model_lot *lot)
{
    const struct desk_right *words = model->rights[lot->right].words;
    unsigned terms;

    if (lot->offer == DESK_NONE) {
        return NO(STATE);
    }
    terms = model_terms(words, lot->noticed, model->offers[lot->offer].terms);
    if (offer_gone(model, lot->offer)) {
        return NO(STATE);
    }
    if (model->offers[lot->offer].offer->valid_until <= model->clock || lot->end_seen) {
        return NO(STATE) | NO(LATE) | MODEL_OPEN;
    }
    if ((terms & MODEL_WORSE) == 0) {
        return NO(STATE) | ((terms & MODEL_DIFFERS) != 0 ? MODEL_OPEN : 0);
    }
    return 0;
}

static unsigned judge_notice_sent(const struct model *model, const struct desk_event *event)
{
    unsigned why = by(model, event, model->customer);
    const struct model_lot *lot;
    const struct desk_right *words;
    oft_instant end;
    bool brief;

    if (event->lot >= model->lot_count) {
        return why | NO(UNKNOWN);
    }
    lot = &model->lots[event->lot];
    words = model->rights[lot->right].words;
    brief = lot->reoffer && words->windows[DESK_WINDOW_REOFFER].said;
    if (event->happened < lot->since) {
        why |= NO(TIME) | NO(EARLY) | NO(STATE) | MODEL_OPEN;
    }
    if (lot->state == DESK_LOT_FREE) {
        return why | judge_second_notice(model, lot) |
               (words->windows[DESK_WINDOW_RESPOND].calendar.id != 0 ? NO(CALENDAR) | MODEL_OPEN
                                                                     : 0);
    }
    if (!model_window_end(model, &words->windows[brief ? DESK_WINDOW_REOFFER : DESK_WINDOW_RESPOND],
                          event->at, &end)) {
        why |= NO(CALENDAR);
    }
    for (uint32_t i = lot->first; i < lot->first + lot->count; i++) {
        if (lot->state <= DESK_LOT_OPEN && model->notices[i].state == DESK_NOTICE_OWED) {
            return why;
        }
    }
    return why | NO(STATE);
}

static unsigned judge_delivered(const struct model *model, const struct desk_event *event,
                                const struct model_notice *notice)
{
    const struct model_lot *lot = &model->lots[notice->lot];
    const struct desk_right *words = model->rights[lot->right].words;
    enum desk_window_kind kind = lot->reoffer && words->windows[DESK_WINDOW_REOFFER].said
                                     ? DESK_WINDOW_REOFFER
                                     : DESK_WINDOW_RESPOND;
    unsigned why = model_by(model, event, notice->holder, true);
    oft_instant end;

    if (notice->state != DESK_NOTICE_SENT_STATE) {
        return why | NO(STATE);
    }
    if (event->happened < notice->sent) {
        why |= NO(TIME) | NO(EARLY);
    }
    if (!model_window_end(model, &words->windows[kind], event->happened, &end) ||
        (words->windows[DESK_WINDOW_OBJECT].said &&
         !model_window_end(model, &words->windows[DESK_WINDOW_OBJECT], event->happened, &end))) {
        why |= NO(CALENDAR);
    }
    return why;
}

static unsigned judge_objected(const struct model *model, const struct desk_event *event,
                               const struct model_notice *notice)
{
    unsigned why = model_by(model, event, notice->holder, true);

    if (notice->state != DESK_NOTICE_SENT_STATE && notice->state != DESK_NOTICE_OPEN) {
        return why | NO(STATE) | NO(LATE) | NO(INVALID);
    }
    if (notice->state == DESK_NOTICE_OPEN && event->happened >= notice->object_by) {
        why |= NO(LATE);
    } else if (notice->state == DESK_NOTICE_OPEN && event->at >= notice->object_by) {
        why |= NO(LATE) | MODEL_OPEN; /* in time, told later */
    }
    if (event->happened < notice->sent) {
        why |= NO(TIME) | NO(EARLY);
    }
    return why | (!event->text || event->text[0] == '\0' ? NO(INVALID) | MODEL_OPEN : 0);
}

/* May what lapsed still be answered? Only while nothing was built on the silence. */
static unsigned judge_late(const struct model *model, const struct desk_event *event,
                           const struct model_notice *notice)
{
    const struct model_lot *lot = &model->lots[notice->lot];
    uint32_t index = (uint32_t)(notice - model->notices);
    bool same_round = index >= lot->first && index < lot->first + lot->count, newer = false;
    unsigned why = NO(LATE) | NO(STATE) | NO(QUANTITY);

    if (event->happened >= notice->respond_by) {
        return why;
    }
    if (event->happened < notice->delivered) {
        return NO(EARLY) | NO(TIME);
    }
    for (uint32_t i = index + 1; i < model->notice_count && !same_round; i++) {
        newer |= model->notices[i].lot == notice->lot && model->notices[i].round != notice->round &&
                 model->notices[i].asked;
    }
    if (event->kind == DESK_COUNTERED) {
        why |= MODEL_OPEN; /* it is recorded, and changes nothing */
    }
    if (notice->over_held || lot->state == DESK_LOT_OVERALLOT) {
        return why;
    }
    if (event->kind == DESK_ELECTED &&
        (event->quantity > lot->quantity || event->quantity > notice->entitled ||
         notice->entitled == 0)) {
        return why | MODEL_OPEN;
    }
    if (lot->state == DESK_LOT_FREE) {
        return newer ? why | MODEL_OPEN : 0;
    }
    if (lot->state <= DESK_LOT_OPEN) {
        return same_round || (lot->state == DESK_LOT_READY && !newer) ? 0 : why;
    }
    return why | (event->kind == DESK_ELECTED ? 0 : MODEL_OPEN);
}

static unsigned judge_answer(const struct model *model, const struct desk_event *event,
                             const struct model_notice *notice)
{
    unsigned why = model_by(model, event, notice->holder, true);
    const struct model_lot *lot = &model->lots[notice->lot];

    if (event->kind != DESK_DECLINED && event->quantity == 0) {
        why |= NO(QUANTITY) | NO(INVALID) | MODEL_OPEN;
    }
    switch (notice->state) {
    case DESK_NOTICE_SENT_STATE:
    case DESK_NOTICE_OWED:
        return why | NO(EARLY) | NO(STATE);
    case DESK_NOTICE_OPEN:
        if (event->kind == DESK_ELECTED &&
            (event->quantity > notice->entitled || notice->entitled == 0)) {
            why |= NO(QUANTITY) | MODEL_OPEN; /* a counter, by the page */
        }
        if (event->happened >= notice->respond_by) {
            return why | NO(LATE);
        }
        return why | (event->happened < notice->delivered ? NO(EARLY) | NO(TIME) : 0);
    case DESK_NOTICE_LAPSED:
        return why | judge_late(model, event, notice);
    case DESK_NOTICE_ELECTED:
        if (lot->state == DESK_LOT_OVERALLOT && notice->round == lot->first &&
            notice->elected == notice->entitled && notice->entitled > 0 && !notice->over_asked) {
            if (event->kind == DESK_ELECTED && event->happened < event->at) {
                return MODEL_ANY; /* a request for more counts when the desk takes it */
            }
            if (event->kind == DESK_ELECTED &&
                (event->quantity > lot->quantity ||
                 (event->terms.count > 0 &&
                  !model_conforms(model->rights[lot->right].words, notice->terms, event->terms)))) {
                why |= NO(TERMS) | NO(QUANTITY) | MODEL_OPEN; /* refused, or a counter? */
            }
            return why | (event->happened < lot->since ? NO(EARLY) | NO(TIME) | MODEL_OPEN : 0) |
                   (event->kind == DESK_COUNTERED ? NO(STATE) | MODEL_OPEN : 0);
        }
        return why | NO(STATE) | NO(LATE);
    default:
        return why | NO(STATE) | NO(LATE);
    }
}

static unsigned judge_notice(const struct model *model, const struct desk_event *event)
{
    uint32_t index = event->notice < MODEL_NOTICES_MAX ? model->by_desk[event->notice] : DESK_NONE;
    const struct model_notice *notice;

    if (index == DESK_NONE) {
        return MODEL_ANY; /* no such notice, or a row that stands for none of ours */
    }
    notice = &model->notices[index];
    if (notice->state == DESK_NOTICE_VOID) {
        return MODEL_ANY;
    }
    switch (event->kind) {
    case DESK_NOTICE_DELIVERED:
        return judge_delivered(model, event, notice);
    case DESK_NOTICE_OBJECTED:
        return judge_objected(model, event, notice);
    default:
        return judge_answer(model, event, notice);
    }
}

unsigned model_judge(const struct model *model, const struct desk_event *event)
{
    if (event->at < model->clock || event->happened > event->at) {
        return NO(TIME) | MODEL_ANY;
    }
    if (model->customer == 0 && event->kind != DESK_CUSTOMER) {
        return MODEL_ANY | (event->kind <= DESK_RIGHT ? MODEL_OPEN : 0);
    }
    switch (event->kind) {
    case DESK_NEED_OPENED:
        return judge_need(model, event);
    case DESK_NEED_WITHDRAWN:
        return judge_need_withdrawn(model, event);
    case DESK_OFFER_ADDED:
        return judge_offer_added(model, event);
    case DESK_OFFER_CHANGED:
    case DESK_OFFER_AFFIRMED:
    case DESK_OFFER_WITHDRAWN:
        return judge_offer(model, event);
    case DESK_SCREENED:
        return judge_screened(model, event);
    case DESK_EXEMPTED:
        return judge_exempted(model, event);
    case DESK_NOTICE_SENT:
        return judge_notice_sent(model, event);
    case DESK_NOTICE_DELIVERED:
    case DESK_NOTICE_OBJECTED:
    case DESK_ELECTED:
    case DESK_DECLINED:
    case DESK_COUNTERED:
        return judge_notice(model, event);
    case DESK_TENDERED:
    case DESK_SIGNED:
    case DESK_SETTLED:
    case DESK_DELIVERED:
        return model_judge_contract(model, event);
    default:
        return model_judge_record(model, event);
    }
}
