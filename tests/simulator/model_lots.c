/* SPDX-License-Identifier: Apache-2.0 */
/* "A procedure, step by step" of docs/desk.md: screening, rounds, answers, sharing out, free sale. */
#include <string.h>

#include "model.h"

void model_to(struct model *model, uint32_t index, enum desk_lot_state state, enum desk_why why)
{
    struct model_lot *lot = &model->lots[index];

    lot->state = (uint8_t)state;
    lot->why = (uint8_t)why;
    lot->since = model->now;
    lot->deadline = OFT_INSTANT_NEVER;
    if (desk_lot_final(state) && state != DESK_LOT_BOUND && state != DESK_LOT_SOLD) {
        model_void_notices(model, index);
    }
}

void model_void_notices(struct model *model, uint32_t index)
{
    for (uint32_t i = 0; i < model->notice_count; i++) {
        struct model_notice *notice = &model->notices[i];

        if (notice->lot == index && notice->state <= DESK_NOTICE_OPEN) {
            notice->state = DESK_NOTICE_VOID;
        }
    }
}

bool model_open_round(const struct model *model, uint32_t index)
{
    const struct model_lot *lot = &model->lots[index];

    for (uint32_t i = lot->first; i < lot->first + lot->count; i++) {
        if (model->notices[i].state == DESK_NOTICE_SENT_STATE ||
            model->notices[i].state == DESK_NOTICE_OPEN) {
            return true;
        }
    }
    return false;
}

/* Has the right, whose words these are, ended for good? */
static bool over(const struct model *model, const struct model_lot *lot)
{
    bool amended;
    oft_instant end = model_right_end(&model->rights[lot->right], &amended);

    return !amended && model->now >= end;
}

/* A lot of QUANTITY out of LOT, in the same state. */
uint32_t model_split(struct model *model, uint32_t index, uint64_t quantity)
{
    struct model_lot *lot = &model->lots[index];

    if (quantity == lot->quantity) {
        return index;
    }
    if (model->lot_count == MODEL_LOTS_MAX) {
        model->full = true;
        return index;
    }
    model->lots[model->lot_count] = *lot;
    model->lots[model->lot_count].quantity = quantity;
    model->lots[model->lot_count].count = 0;
    lot->quantity -= quantity;
    return model->lot_count++;
}

/* Silence of a clause: until the opportunity ends. */
static oft_instant bounded(const struct model *model, const struct model_lot *lot,
                           enum desk_window_kind kind, oft_instant from)
{
    const struct desk_window *window = &model->rights[lot->right].words->windows[kind];
    oft_instant end, until = model->needs[lot->need].need->open_until;

    if (window->said && model_window_end(model, window, from, &end)) {
        return end;
    }
    return until > from ? until : from;
}

void model_free(struct model *model, uint32_t index, enum desk_why why)
{
    struct model_lot *lot = &model->lots[index];

    model_to(model, index, DESK_LOT_FREE, why);
    if (!lot->ever_noticed) { /* nobody could be asked: the terms of now bind */
        lot->noticed = lot->offer != DESK_NONE ? model->offers[lot->offer].terms
                                               : model->needs[lot->need].need->terms;
    }
    lot->reoffer = false;
    model->lots[index].deadline =
        bounded(model, &model->lots[index], DESK_WINDOW_RELEASE, model->now);
}

/* Each of the round is entitled to its part, the first ones to one more. */
void model_share_round(struct model *model, uint32_t index)
{
    struct model_lot *lot = &model->lots[index];

    for (uint32_t i = 0; i < lot->count; i++) {
        model->notices[lot->first + i].entitled =
            lot->quantity / lot->count + (i < lot->quantity % lot->count);
    }
}

static bool in_round(const struct model *model, const struct model_lot *lot, uint32_t holder,
                     uint32_t rank)
{
    const struct model_right *right = &model->rights[lot->right];

    return (right->words->simultaneous || right->holders[holder].rank == rank) &&
           model_standing(model, lot->right, right->holders[holder].party.id, model->now);
}

void model_begin_round(struct model *model, uint32_t index, uint32_t rank)
{
    struct model_lot *lot = &model->lots[index];
    const struct model_right *right = &model->rights[lot->right];

    lot->rank = rank;
    lot->over_done = false;
    lot->first = model->notice_count;
    lot->count = 0;
    for (uint32_t h = 0; h < right->words->holder_count; h++) {
        if (!in_round(model, lot, h, rank) || lot->count == lot->quantity) {
            continue; /* who would be entitled to nothing is not asked */
        }
        if (model->notice_count == MODEL_NOTICES_MAX) {
            model->full = true;
            return;
        }
        model->notices[model->notice_count++] = (struct model_notice){
            .lot = index,
            .round = lot->first,
            .rank = right->holders[h].rank,
            .desk_index = DESK_NONE,
            .holder = right->holders[h].party.id,
            .sent = OFT_INSTANT_NEVER,
            .delivered = OFT_INSTANT_NEVER,
            .deemed_at = OFT_INSTANT_NEVER,
            .object_by = OFT_INSTANT_NEVER,
            .respond_by = OFT_INSTANT_NEVER,
        };
        lot->count++;
    }
    model_share_round(model, index);
}

/* The lot comes to READY for the first round above ABOVE_RANK that has somebody to ask. */
static void ready(struct model *model, uint32_t index, uint32_t above_rank, bool anyhow)
{
    struct model_lot *lot = &model->lots[index];
    const struct model_right *right = &model->rights[lot->right];
    uint32_t rank = above_rank;

    for (uint32_t h = 0; h < right->words->holder_count; h++) {
        if (right->holders[h].rank <= rank || (right->words->simultaneous && rank != 0)) {
            continue;
        }
        rank = right->holders[h].rank;
        for (uint32_t k = 0; k < right->words->holder_count; k++) {
            if (!in_round(model, lot, k, rank)) {
                continue;
            }
            if (over(model, lot) && !anyhow) { /* no notice is owed under a right that is over */
                model_to(model, index, DESK_LOT_VOID, DESK_WHY_RIGHT_ENDED);
                return;
            }
            lot->end_seen =
                anyhow && lot->end_seen; /* what was told late may come before the end */
            model_to(model, index, DESK_LOT_READY, DESK_WHY_NONE);
            model_begin_round(model, index, rank);
            return;
        }
    }
    model_free(model, index, lot->ever_noticed ? DESK_WHY_LAPSED : DESK_WHY_NO_STANDING);
}

void model_ready(struct model *model, uint32_t index, uint32_t above_rank)
{
    ready(model, index, above_rank, false);
}

/* For a second notice: the procedure goes on, even under a right that is over. */
void model_ready_anyhow(struct model *model, uint32_t index)
{
    ready(model, index, 0, true);
}

static bool has_price(struct desk_terms terms)
{
    for (uint32_t i = 0; i < terms.count; i++) {
        if (strcmp(terms.items[i].name.text, "price") == 0) {
            return true;
        }
    }
    return false;
}

static void screen_lot(struct model *model, uint32_t index)
{
    struct model_lot *lot = &model->lots[index];
    const struct model_right *right = &model->rights[lot->right];
    unsigned reach = model_reach(model, lot->right, lot->need, lot->offer);
    bool draft = !model_bona_fide(model, lot->right, lot->offer);

    if ((reach & MODEL_SPLIT) != 0) {
        lot->flags |= DESK_FLAG_SPLIT;
    }
    if (lot->offer != DESK_NONE) {
        draft |= !has_price(model->offers[lot->offer].terms);
        if (model->offers[lot->offer].offer->bundled_nanos > 0) {
            lot->flags |= DESK_FLAG_BUNDLED;
        }
    }
    if (reach == 0) {
        model_to(model, index, DESK_LOT_EXEMPT, DESK_WHY_OUT_OF_SCOPE);
    } else if (right->exhausted) {
        model_to(model, index, DESK_LOT_EXEMPT, DESK_WHY_EXHAUSTED);
    } else if (draft) {
        model_to(model, index, DESK_LOT_DRAFT, DESK_WHY_NONE);
    } else {
        model_ready(model, index, 0);
    }
}

/* A draft is screened in its own place, under what is known by now. */
void model_screen_again(struct model *model, uint32_t index)
{
    struct model_lot kept = model->lots[index];
    uint32_t count = model->lot_count;

    model->lot_count = index;
    model_screen(model, kept.right, kept.need, kept.offer, kept.quantity);
    model->lot_count = count;
    model->lots[index].root = kept.root;
    model->lots[index].whole = kept.whole;
    model->lots[index].flags |= kept.flags;
    model->lots[index].end_seen = kept.end_seen;
    if (model->lots[index].state == DESK_LOT_DRAFT) {
        model->lots[index].since = kept.since;
    }
}

void model_screen(struct model *model, uint32_t right, uint32_t need, uint32_t offer,
                  uint64_t quantity)
{
    struct model_lot *lot = &model->lots[model->lot_count];

    if (model->lot_count == MODEL_LOTS_MAX) {
        model->full = true;
        return;
    }
    *lot = (struct model_lot){
        .right = right,
        .need = need,
        .offer = offer,
        .root = model->lot_count,
        .quantity = quantity,
        .whole = quantity,
        .accepted = DESK_NONE,
        .order = DESK_NONE,
        .deadline = OFT_INSTANT_NEVER,
    };
    screen_lot(model, model->lot_count++);
}

uint64_t model_left(const struct model *model, uint32_t right, uint32_t need, uint32_t offer)
{
    uint32_t root = model_procedure(model, right, need, offer);
    uint64_t left;

    if (root == DESK_NONE) {
        return offer == DESK_NONE ? model->needs[need].need->quantity
                                  : model->offers[offer].quantity;
    }
    left = offer == DESK_NONE ? model->needs[need].need->quantity : model->offers[offer].quantity;
    for (uint32_t i = 0; i < model->lot_count; i++) {
        const struct model_lot *lot = &model->lots[i];

        if (!model_opportunity_lot(model, lot, right, need, offer)) {
            continue;
        }
        if (lot->state == DESK_LOT_EXEMPT && lot->why == DESK_WHY_OUT_OF_SCOPE &&
            model_reach(model, right, need, offer) != 0) {
            continue; /* it has come into scope since */
        }
        if (!desk_lot_final(lot->state) || lot->state == DESK_LOT_EXEMPT) {
            return 0;
        }
        if (lot->state == DESK_LOT_BOUND || lot->state == DESK_LOT_SOLD) {
            left -= lot->quantity < left ? lot->quantity : left;
        }
    }
    return left;
}

/* ---- answers ----------------------------------------------------------------------------------- */

void model_lot_state_of_round(struct model *model, uint32_t index)
{
    struct model_lot *lot = &model->lots[index];
    enum desk_lot_state state = DESK_LOT_READY;

    for (uint32_t i = lot->first; i < lot->first + lot->count; i++) {
        if (model->notices[i].state == DESK_NOTICE_OPEN) {
            state = DESK_LOT_OPEN;
        } else if (model->notices[i].state == DESK_NOTICE_SENT_STATE && state == DESK_LOT_READY) {
            state = DESK_LOT_NOTICED;
        }
    }
    if (state == DESK_LOT_READY && over(model, lot)) {
        model_to(model, index, DESK_LOT_VOID, DESK_WHY_RIGHT_ENDED);
    } else if (lot->state != (uint8_t)state) {
        lot->end_seen &= state != DESK_LOT_READY; /* what was told late may come before the end */
        model_to(model, index, state, DESK_WHY_NONE);
    }
}

void model_delivered(struct model *model, uint32_t index, oft_instant at)
{
    struct model_notice *notice = &model->notices[index];
    struct model_lot *lot = &model->lots[notice->lot];
    const struct desk_right *right = model->rights[lot->right].words;
    const struct desk_window *respond = &right->windows[DESK_WINDOW_RESPOND];
    oft_instant from = at, deemed = OFT_INSTANT_NEVER;

    if (lot->reoffer && right->windows[DESK_WINDOW_REOFFER].said) {
        respond = &right->windows[DESK_WINDOW_REOFFER];
    }
    notice->state = DESK_NOTICE_OPEN;
    notice->delivered = at;
    if (respond->start == DESK_FROM_SENT) {
        if (!model_window_end(model, respond, notice->sent, &notice->respond_by) ||
            at < notice->respond_by) {
            from = notice->sent;
        }
    } else if (respond->start == DESK_FROM_DEEMED && right->deemed.said &&
               model_window_end(model, &right->deemed, notice->sent, &deemed) && deemed > at) {
        from = deemed;
    }
    if (!model_window_end(model, respond, from, &notice->respond_by)) {
        notice->respond_by = OFT_INSTANT_NEVER;
    }
    notice->object_by = notice->respond_by;
    if (right->windows[DESK_WINDOW_OBJECT].said &&
        !model_window_end(model, &right->windows[DESK_WINDOW_OBJECT], at, &notice->object_by)) {
        notice->object_by = OFT_INSTANT_NEVER;
    }
    model_lot_state_of_round(model, notice->lot);
}

/* QUANTITY of LOT is elected under NOTICE; the signing window runs from AT. */
void model_elected(struct model *model, uint32_t index, uint32_t notice, uint64_t quantity,
                   oft_instant at)
{
    uint32_t part = model_split(model, index, quantity);

    model_to(model, part, DESK_LOT_ELECTED, DESK_WHY_NONE);
    model->lots[part].accepted = notice;
    model->lots[part].tendered = false;
    model->lots[part].noticed = model->notices[notice].terms;
    model->lots[part].deadline = bounded(model, &model->lots[part], DESK_WINDOW_SIGN, at);
}

static bool in_full(const struct model_notice *notice)
{
    return notice->state == DESK_NOTICE_ELECTED && notice->elected == notice->entitled &&
           notice->entitled > 0;
}

/* When all of a round have answered or lapsed and something is left. */
void model_settle_round(struct model *model, uint32_t index, enum desk_why why)
{
    struct model_lot *lot = &model->lots[index];
    const struct desk_window *window = &model->rights[lot->right].words->windows[DESK_WINDOW_OVER];
    bool full = false;
    oft_instant end;

    for (uint32_t i = lot->first; i < lot->first + lot->count; i++) {
        if (model->notices[i].state <= DESK_NOTICE_OPEN) {
            model_lot_state_of_round(model, index);
            return;
        }
        full |= in_full(&model->notices[i]);
    }
    if (window->said && full && !lot->over_done &&
        model_window_end(model, window, model->now, &end)) {
        model_to(model, index, DESK_LOT_OVERALLOT, DESK_WHY_NONE);
        lot->deadline = end;
        lot->over_done = true;
        for (uint32_t i = lot->first; i < lot->first + lot->count; i++) {
            model->notices[i].over_held = true;
        }
        return;
    }
    model_ready(model, index, lot->rank);
    if (lot->state == DESK_LOT_FREE) {
        lot->why = (uint8_t)why;
    }
}

/* What was asked if it suffices, else pro rata by largest remainder, of equal ones the earlier. */
static uint64_t share_of(const struct model *model, const struct model_lot *lot, uint32_t which,
                         uint64_t left)
{
    uint64_t asked = 0, floors = 0, before = 0;
    const struct model_notice *notices = &model->notices[lot->first];

    for (uint32_t i = 0; i < lot->count; i++) {
        asked += notices[i].requested;
    }
    if (asked <= left) {
        return notices[which].requested;
    }
    for (uint32_t i = 0; i < lot->count; i++) {
        uint64_t remainder = notices[i].requested * left % asked;
        uint64_t own = notices[which].requested * left % asked;

        floors += notices[i].requested * left / asked;
        before += remainder > own || (remainder == own && i < which);
    }
    return notices[which].requested * left / asked + (before < left - floors);
}

void model_share_out(struct model *model, uint32_t index)
{
    struct model_lot *lot = &model->lots[index];
    uint64_t shares[DESK_HOLDERS_MAX], left = lot->quantity;

    for (uint32_t i = 0; i < lot->count; i++) {
        shares[i] = share_of(model, lot, i, left);
    }
    for (uint32_t i = 0; i < lot->count; i++) {
        if (shares[i] > 0) {
            model->notices[lot->first + i].elected += shares[i];
            left -= shares[i];
            model_elected(model, index, lot->first + i, shares[i], model->now);
        }
    }
    if (left > 0) {
        model_settle_round(model, index, DESK_WHY_LAPSED);
    }
}

/* ---- free sale --------------------------------------------------------------------------------- */

/* Is LOT of the opportunity that RIGHT has in (NEED, OFFER)? */
bool model_opportunity_lot(const struct model *model, const struct model_lot *lot, uint32_t right,
                           uint32_t need, uint32_t offer)
{
    bool first_offer = model->rights[right].words->kind == DESK_RIGHT_OFFER;

    return lot->right == right && (first_offer ? lot->need == need : lot->offer == offer);
}

uint64_t model_free_for(const struct model *model, uint32_t right, uint32_t offer,
                        const struct desk_terms *terms)
{
    const struct desk_right *words = model->rights[right].words;
    uint32_t need = model->offers[offer].offer->need;
    uint64_t sum = 0;

    for (uint32_t i = 0; i < model->lot_count; i++) {
        const struct model_lot *lot = &model->lots[i];
        bool own = model_opportunity_lot(model, lot, right, need, offer) ||
                   (words->counterparty_any && lot->right == right && lot->need == need);

        if (own && lot->state == DESK_LOT_FREE &&
            (!terms || model_conforms(words, lot->noticed, *terms))) {
            sum += lot->quantity;
        }
    }
    return sum;
}

/* The first lot of the newest procedure, or DESK_NONE. */
uint32_t model_procedure(const struct model *model, uint32_t right, uint32_t need, uint32_t offer)
{
    for (uint32_t i = model->lot_count; i-- > 0;) {
        if (model->lots[i].root == i &&
            model_opportunity_lot(model, &model->lots[i], right, need, offer)) {
            return i;
        }
    }
    return DESK_NONE;
}
