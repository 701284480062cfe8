/* SPDX-License-Identifier: Apache-2.0 */
/* What an event that may be does. */
#include <string.h>

#include "model.h"

void model_new(struct model *model)
{
    memset(model, 0, sizeof(*model));
    model->clock = model->now = OFT_INSTANT_ALWAYS;
    for (uint32_t i = 0; i < MODEL_NOTICES_MAX; i++) {
        model->by_desk[i] = DESK_NONE;
    }
}

/* ---- needs and offers --------------------------------------------------------------------------- */

static void take_need(struct model *model, const struct desk_event *event)
{
    uint32_t need = model->need_count++;

    model->needs[need] = (struct model_need){.need = event->need_opened, .opened = event->happened};
    for (uint32_t i = 0; i < model->right_count; i++) {
        if (model->rights[i].words->kind == DESK_RIGHT_OFFER &&
            model_in_force(model, i, event->at)) {
            model_screen(model, i, need, DESK_NONE, event->need_opened->quantity);
        }
    }
}

static void take_offer(struct model *model, const struct desk_event *event)
{
    const struct desk_offer *offer = event->offer_added;
    uint32_t index = model->offer_count++;

    model->offers[index] = (struct model_offer){
        .offer = offer,
        .terms = offer->terms,
        .quantity = offer->quantity,
        .affirmed = {offer->affirmed},
        .affirmed_count = 1,
    };
    for (uint32_t i = 0; i < model->right_count; i++) {
        if (model->rights[i].words->kind == DESK_RIGHT_REFUSAL &&
            model_in_force(model, i, event->at) &&
            !model_is_holder(&model->rights[i], offer->party.id)) {
            model_screen(model, i, offer->need, index, offer->quantity);
        }
    }
}

/* A draft becomes ready when the missing is affirmed or added. */
static void complete_drafts(struct model *model, uint32_t offer)
{
    bool priced = false;

    for (uint32_t i = 0; i < model->offers[offer].terms.count; i++) {
        priced |= strcmp(model->offers[offer].terms.items[i].name.text, "price") == 0;
    }
    for (uint32_t i = 0; i < model->lot_count; i++) {
        if (model->lots[i].offer == offer && model->lots[i].state == DESK_LOT_DRAFT && priced &&
            model_bona_fide(model, model->lots[i].right, offer)) {
            model_ready(model, i, 0);
        }
    }
}

/* The round is over: the first rank is owed notices. */
static void owe_again(struct model *model, uint32_t lot, bool reoffer)
{
    model_void_notices(model, lot);
    model->lots[lot].reoffer = reoffer;
    model_ready(model, lot, 0);
}

static bool alone(const struct model *model, uint32_t lot)
{
    for (uint32_t i = 0; i < model->lot_count; i++) {
        if (i != lot && model->lots[i].root == model->lots[lot].root) {
            return false;
        }
    }
    return true;
}

static bool model_same(struct desk_terms a, struct desk_terms b)
{
    for (uint32_t i = 0; i < a.count; i++) {
        if (a.items[i].name.id != b.items[i].name.id || a.items[i].kind != b.items[i].kind ||
            a.items[i].number != b.items[i].number || a.items[i].text.id != b.items[i].text.id ||
            a.items[i].cash_nanos != b.items[i].cash_nanos) {
            return false;
        }
    }
    return true;
}

struct desk_terms model_changed(struct model *model, struct desk_terms terms,
                                struct desk_terms change)
{
    struct desk_term *items = model->merged[model->merged_count];
    uint32_t count = 0, a = 0, b = 0;

    if (model->merged_count == OFT_COUNT_OF(model->merged) - 1 || terms.count + change.count > 16) {
        model->full = true;
        return terms;
    }
    model->merged_count++;
    while (a < terms.count || b < change.count) {
        int order = a == terms.count ? 1
                    : b == change.count
                        ? -1
                        : strcmp(terms.items[a].name.text, change.items[b].name.text);

        items[count++] = order < 0 ? terms.items[a] : change.items[b];
        a += order <= 0;
        b += order >= 0;
    }
    return (struct desk_terms){items, count};
}

/* The offer's terms are TERMS now, and its quantity MORE (0: as it was). */
static void change_lot(struct model *model, uint32_t index, struct desk_terms terms, uint64_t more)
{
    struct model_lot *lot = &model->lots[index];
    bool short_window = lot->ever_noticed && more == 0 &&
                        model_favours(model->rights[lot->right].words, lot->noticed, terms);

    if (more != 0 && (lot->state <= DESK_LOT_OPEN || lot->state == DESK_LOT_EXEMPT) &&
        alone(model, index)) {
        lot->quantity = lot->whole = more;
    } else if (lot->state > DESK_LOT_OVERALLOT) {
        return;
    }
    if (lot->state == DESK_LOT_DRAFT) {
        return; /* see complete_drafts */
    }
    if (lot->state <= DESK_LOT_OVERALLOT && (lot->ever_noticed || more != 0)) {
        owe_again(model, index, lot->ever_noticed ? short_window : lot->reoffer);
    }
}

static void take_change(struct model *model, const struct desk_event *event)
{
    struct model_offer *offer = &model->offers[event->offer];
    struct desk_terms before = offer->terms, terms = model_changed(model, before, event->terms);
    uint32_t count = model->lot_count;
    uint64_t more = event->quantity != offer->quantity ? event->quantity : 0;

    if (terms.count == before.count && model_same(before, terms) &&
        (event->quantity == 0 || event->quantity == offer->quantity)) {
        return; /* nothing is changed */
    }
    offer->terms = terms;
    offer->quantity = event->quantity != 0 ? event->quantity : offer->quantity;
    for (uint32_t i = 0; i < count; i++) {
        if (model->lots[i].offer == event->offer) {
            change_lot(model, i, terms, more);
        }
    }
    complete_drafts(model, event->offer);
}

static void take_withdrawal(struct model *model, const struct desk_event *event)
{
    bool whole = event->kind == DESK_NEED_WITHDRAWN;

    if (whole) {
        model->needs[event->need].withdrawn = true;
    } else {
        model->offers[event->offer].withdrawn = true;
    }
    for (uint32_t i = 0; i < model->lot_count; i++) {
        const struct model_lot *lot = &model->lots[i];
        bool free = lot->state == DESK_LOT_FREE &&
                    (whole || !model->rights[lot->right].words->counterparty_any);

        if ((whole ? lot->need == event->need : lot->offer == event->offer) &&
            (lot->state <= DESK_LOT_OVERALLOT || free)) {
            model_to(model, i, DESK_LOT_WITHDRAWN,
                     whole ? DESK_WHY_NEED_GONE : DESK_WHY_OFFER_GONE);
        }
    }
}

/* ---- notices ------------------------------------------------------------------------------------ */

static void take_sent(struct model *model, const struct desk_event *event)
{
    struct model_lot *lot = &model->lots[event->lot];
    const struct desk_right *words = model->rights[lot->right].words;
    struct desk_terms terms = lot->offer != DESK_NONE ? model->offers[lot->offer].terms
                                                      : model->needs[lot->need].need->terms;

    if (lot->state == DESK_LOT_FREE) {
        model_ready_anyhow(model, event->lot);
        lot->noticed = terms;
        if (lot->state != DESK_LOT_FREE && lot->offer != DESK_NONE &&
            model->offers[lot->offer].offer->valid_until <= model->clock) {
            model_to(model, event->lot, DESK_LOT_WITHDRAWN, DESK_WHY_OFFER_GONE);
        }
        if (lot->state != DESK_LOT_READY) {
            return; /* nobody has standing, or the right is over, or the offer */
        }
        lot->reoffer = true;
    }
    lot->noticed = terms;
    lot->ever_noticed = true;
    for (uint32_t i = lot->first; i < lot->first + lot->count; i++) {
        struct model_notice *notice = &model->notices[i];

        if (notice->state != DESK_NOTICE_OWED) {
            continue;
        }
        notice->state = DESK_NOTICE_SENT_STATE;
        notice->asked = true;
        notice->sent = event->at; /* a sending counts when the desk takes it */
        notice->terms = terms;
        notice->deemed_at = OFT_INSTANT_NEVER;
        if (words->deemed.said &&
            !model_window_end(model, &words->deemed, event->at, &notice->deemed_at)) {
            notice->deemed_at = OFT_INSTANT_NEVER;
        }
    }
    model_lot_state_of_round(model, event->lot);
}

static void take_objection(struct model *model, struct model_notice *notice)
{
    notice->state = DESK_NOTICE_OWED;
    notice->sent = notice->delivered = notice->deemed_at = OFT_INSTANT_NEVER;
    notice->object_by = notice->respond_by = OFT_INSTANT_NEVER;
    model_lot_state_of_round(model, notice->lot);
}

static bool allowed_part(const struct desk_right *words, const struct desk_need *need,
                         const struct model_notice *notice, uint64_t quantity)
{
    if (quantity == notice->entitled && quantity > 0) {
        return true;
    }
    if (words->partial_unit != DESK_SIZE_NONE && words->partial_unit != need->unit) {
        return false; /* parts are counted in what the need does not count */
    }
    return words->partial && quantity > 0 && quantity < notice->entitled &&
           quantity >= words->partial_minimum &&
           (words->partial_step == 0 || quantity % words->partial_step == 0);
}

static void take_over_answer(struct model *model, const struct desk_event *event,
                             struct model_notice *notice)
{
    struct model_lot *lot = &model->lots[notice->lot];
    bool open = false;

    notice->over_asked = true;
    notice->requested = event->kind == DESK_ELECTED ? event->quantity : 0;
    for (uint32_t i = lot->first; i < lot->first + lot->count; i++) {
        const struct model_notice *one = &model->notices[i];

        open |= one->state == DESK_NOTICE_ELECTED && one->elected == one->entitled &&
                one->entitled > 0 && !one->over_asked;
    }
    if (!open) {
        model_share_out(model, notice->lot);
    }
}

/* Nothing of the lot is left to ask for. */
static void void_rest(struct model *model, const struct model_lot *lot)
{
    for (uint32_t i = lot->first; i < lot->first + lot->count; i++) {
        if (model->notices[i].state <= DESK_NOTICE_OPEN) {
            model->notices[i].state = DESK_NOTICE_VOID;
        }
    }
}

static void take_answer(struct model *model, const struct desk_event *given, uint32_t index)
{
    struct model_notice *notice = &model->notices[index];
    struct desk_event said = *given, *event = &said;
    struct model_lot *lot = &model->lots[notice->lot];
    const struct desk_right *words = model->rights[lot->right].words;
    bool over = notice->state == DESK_NOTICE_ELECTED, late = notice->state == DESK_NOTICE_LAPSED;
    bool good;

    if (event->quantity == 0) { /* unsaid: all of it */
        event->quantity = over ? lot->quantity : notice->entitled;
    }
    good = event->kind == DESK_ELECTED &&
           (event->terms.count == 0 || model_conforms(words, notice->terms, event->terms)) &&
           (over ? event->quantity <= lot->quantity && event->quantity > 0
                 : allowed_part(words, model->needs[lot->need].need, notice, event->quantity)) &&
           (!late || event->quantity <= lot->quantity);

    if (event->kind != DESK_DECLINED && !good) {
        notice->countered = true;
        return;
    }
    if (over) {
        take_over_answer(model, event, notice);
        return;
    }
    notice->state = event->kind == DESK_DECLINED ? DESK_NOTICE_DECLINED : DESK_NOTICE_ELECTED;
    if (good) {
        notice->elected = event->quantity;
        model_elected(model, notice->lot, index, event->quantity, event->happened);
    }
    if (lot->state > DESK_LOT_OPEN) {
        void_rest(model, lot);
        return;
    }
    if (late && (index < lot->first || index >= lot->first + lot->count)) {
        model_share_round(model, notice->lot);
    } else {
        model_settle_round(model, notice->lot, DESK_WHY_DECLINED);
    }
}

/* ---- parties ------------------------------------------------------------------------------------- */

static void take_right(struct model *model, const struct desk_event *event)
{
    uint32_t index = model_find_right(model, event->right->clause.id);
    struct model_right *right;

    if (index == DESK_NONE && model->right_count == MODEL_RIGHTS_MAX) {
        model->full = true;
        return;
    }
    right = &model->rights[index == DESK_NONE ? model->right_count : index];
    if (index == DESK_NONE) {
        model->right_count++;
        *right = (struct model_right){.control_end = OFT_INSTANT_NEVER};
        for (uint32_t i = 0; i < event->right->holder_count; i++) {
            right->holders[i] = event->right->holders[i];
        }
    }
    right->words = event->right;
}

static void take_cure(struct model *model, const struct desk_event *event)
{
    for (uint32_t i = 0; i < model->default_count; i++) {
        struct model_default *one = &model->defaults[i];

        if (one->party == event->party.id && one->cured == OFT_INSTANT_NEVER) {
            one->cured = event->happened;
        }
    }
}

/* Who is asked answers no more; who holds the right now does. */
static void assign_owed(struct model *model, uint32_t right, const struct desk_event *event)
{
    for (uint32_t i = 0; i < model->notice_count; i++) {
        struct model_notice *notice = &model->notices[i];

        if (model->lots[notice->lot].right == right && notice->holder == event->party.id &&
            notice->state != DESK_NOTICE_VOID) {
            notice->holder = event->other.id;
        }
    }
}

static void take_party(struct model *model, const struct desk_event *event)
{
    for (uint32_t i = 0; i < model->right_count; i++) {
        struct model_right *right = &model->rights[i];

        if (!model_is_holder(right, event->party.id)) {
            continue;
        }
        if (event->kind == DESK_CONTROL_CHANGED) {
            if (right->words->ends_on_control && right->control_end > event->at &&
                right->words->until > event->at) {
                right->control_end = event->at;
            }
            continue;
        }
        for (uint32_t h = 0;
             right->words->clause.id == event->name.id && h < right->words->holder_count; h++) {
            if (right->holders[h].party.id == event->party.id) {
                right->holders[h].party = event->other;
                assign_owed(model, i, event);
            }
        }
    }
}

void model_take(struct model *model, const struct desk_event *event)
{
    uint32_t notice = event->notice < MODEL_NOTICES_MAX ? model->by_desk[event->notice] : DESK_NONE;

    if (event->kind == DESK_NOTICE_DELIVERED ||
        ((event->kind == DESK_ELECTED || event->kind == DESK_DECLINED) &&
         model->notices[notice].state != DESK_NOTICE_ELECTED)) {
        model->now =
            event->happened; /* what follows from an answer follows from when it was given */
    }
    switch (event->kind) {
    case DESK_CUSTOMER:
        model->customer = event->party.id;
        break;
    case DESK_CALENDAR:
        model->calendars[model->calendar_count++ % MODEL_NAMED_MAX] = event->calendar;
        break;
    case DESK_ZONE:
        model->zones[model->zone_count++ % MODEL_NAMED_MAX] = event->zone;
        break;
    case DESK_RIGHT:
        take_right(model, event);
        break;
    case DESK_NEED_OPENED:
        take_need(model, event);
        break;
    case DESK_OFFER_ADDED:
        take_offer(model, event);
        break;
    case DESK_OFFER_CHANGED:
        take_change(model, event);
        break;
    case DESK_OFFER_AFFIRMED:
        if (model->offers[event->offer].affirmed_count == 64) {
            model->full = true;
            break;
        }
        model->offers[event->offer].affirmed[model->offers[event->offer].affirmed_count++] =
            event->names;
        complete_drafts(model, event->offer);
        break;
    case DESK_NEED_WITHDRAWN:
    case DESK_OFFER_WITHDRAWN:
        take_withdrawal(model, event);
        break;
    case DESK_SCREENED: {
        uint32_t right = model_find_right(model, event->name.id);
        bool first = model->rights[right].words->kind == DESK_RIGHT_OFFER;

        uint32_t need = first ? event->need : model->offers[event->offer].offer->need;
        uint32_t offer = first ? DESK_NONE : event->offer;

        model_screen(model, right, need, offer, model_left(model, right, need, offer));
        break;
    }
    case DESK_EXEMPTED:
        model_to(model, event->lot, DESK_LOT_EXEMPT, DESK_WHY_CARVE_OUT);
        break;
    case DESK_NOTICE_SENT:
        take_sent(model, event);
        break;
    case DESK_NOTICE_DELIVERED:
        model_delivered(model, notice, event->happened);
        break;
    case DESK_NOTICE_OBJECTED:
        take_objection(model, &model->notices[notice]);
        break;
    case DESK_ELECTED:
    case DESK_DECLINED:
    case DESK_COUNTERED:
        take_answer(model, event, notice);
        break;
    case DESK_DEFAULTED:
        model_default_add(model, event->party.id, event->happened);
        break;
    case DESK_CURED:
        take_cure(model, event);
        break;
    case DESK_ASSIGNED:
    case DESK_CONTROL_CHANGED:
        take_party(model, event);
        break;
    default:
        model_take_contract(model, event);
        break;
    }
    model_advance(model, model->clock);
}
