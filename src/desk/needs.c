/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Needs and offers: opened, changed, affirmed, withdrawn; and what screening makes of them.
 */
#include <string.h>

#include "desk/internal.h"

/* ---- needs ----------------------------------------------------------------------------------- */

static enum oft_err check_barred(const struct desk_state *state, const struct desk_need *need,
                                 struct desk_name provider, oft_instant at, const char *what,
                                 struct desk_refusal *refusal)
{
    uint32_t barred = desk_barred_by(state, need, provider.id, at);
    if (barred == DESK_NONE) {
        return OFT_OK;
    }
    const struct desk_right *right = &DESK_RIGHT(state, barred)->right;
    return desk_refuse(refusal, DESK_REFUSED_EXCLUSIVE, 1, right->clause.text,
                       "%s gives %s to %s alone: no %s elsewhere while it is in force",
                       right->clause.text, need->product.text, right->provider.text, what);
}

static enum oft_err check_need(const struct desk_state *state, const struct desk_need *need,
                               oft_instant at, struct desk_refusal *refusal)
{
    if (need->product.id == 0 || need->quantity == 0 || need->quantity > INT64_MAX ||
        (need->unit != DESK_SIZE_GPU && need->unit != DESK_SIZE_MW) ||
        need->terms.count > DESK_TERMS_MAX) {
        return desk_refuse(refusal, DESK_REFUSED_INVALID, 0, NULL,
                           "a need needs a product and a quantity of gpu or MW");
    }
    if (need->open_until <= at) {
        return desk_refuse(refusal, DESK_REFUSED_TIME, 0, NULL,
                           "the need would be over before it is opened; give a later open-until");
    }
    if (need->part_of != DESK_NONE && need->part_of >= state->needs.count) {
        return desk_refuse(refusal, DESK_REFUSED_UNKNOWN, 0, NULL,
                           "the need that it is a part of does not exist");
    }
    return check_barred(state, need, need->provider, at, "need", refusal);
}

enum oft_err desk_on_need_opened(struct desk_state *state, const struct desk_event *event,
                                 struct desk_refusal *refusal)
{
    const struct desk_need *need = event->need_opened;
    enum oft_err code = desk_check_customer(state, event, refusal);
    uint32_t index;
    if (code == OFT_OK && need == NULL) {
        code = desk_refuse(refusal, DESK_REFUSED_INVALID, 0, NULL, "the event brings no need");
    }
    if (code == OFT_OK) {
        code = check_need(state, need, event->at, refusal);
    }
    if (code != OFT_OK) {
        return code;
    }
    struct desk_need_row *row = desk_row_add(state, &state->needs, &index);
    if (row == NULL) {
        return OFT_ERR_MEMORY;
    }
    *row = (struct desk_need_row){.need = need,
                                  .opened = event->at,
                                  .first_lot = DESK_NONE,
                                  .last_lot = DESK_NONE,
                                  .first_offer = DESK_NONE,
                                  .last_offer = DESK_NONE,
                                  .event = event->number};
    desk_kind_enter(state, index);
    for (uint32_t i = 0; i < state->rights.count; i++) {
        const struct desk_right_row *right = DESK_RIGHT(state, i);
        if (right->right.kind == DESK_RIGHT_OFFER && desk_right_in_force(right, event->at)) {
            desk_screen(state, i, index, DESK_NONE, event->at);
        }
    }
    return OFT_OK;
}

static void withdraw(struct desk_state *state, uint32_t lot, enum desk_why why, oft_instant at)
{
    desk_round_void(state, lot, at);
    desk_lot_enter(state, lot, DESK_LOT_WITHDRAWN, why, at);
    desk_lot_reckon(state, lot);
}

enum oft_err desk_on_need_withdrawn(struct desk_state *state, const struct desk_event *event,
                                    struct desk_refusal *refusal)
{
    enum oft_err code = desk_check_customer(state, event, refusal);
    if (code == OFT_OK) {
        code = desk_check_reference(event->need, state->needs.count, "need", refusal);
    }
    if (code != OFT_OK) {
        return code;
    }
    struct desk_need_row *row = DESK_NEED(state, event->need);
    if (row->withdrawn) {
        return desk_refuse(refusal, DESK_REFUSED_STATE, 0, NULL, "it is withdrawn already");
    }
    for (uint32_t root = row->first_lot; root != DESK_NONE;
         root = DESK_LOT(state, root)->next_of_need) {
        for (uint32_t i = root; i != DESK_NONE; i = DESK_LOT(state, i)->next) {
            const struct desk_lot *lot = DESK_LOT(state, i);
            if (lot->state == DESK_LOT_ELECTED || lot->state == DESK_LOT_DISPUTED) {
                return desk_refuse(refusal, DESK_REFUSED_STATE, 3,
                                   DESK_RIGHT(state, lot->right)->right.clause.text,
                                   "a holder has accepted lot-%u: it must be signed or settled "
                                   "before the need can go",
                                   i + 1);
            }
        }
    }
    row->withdrawn = true;
    for (uint32_t root = row->first_lot; root != DESK_NONE;
         root = DESK_LOT(state, root)->next_of_need) {
        for (uint32_t i = root; i != DESK_NONE; i = DESK_LOT(state, i)->next) {
            if (!desk_lot_final(DESK_LOT(state, i)->state)) {
                withdraw(state, i, DESK_WHY_NEED_GONE, event->at);
            }
        }
    }
    return OFT_OK;
}

/* ---- offers ---------------------------------------------------------------------------------- */

static enum oft_err check_need_open(const struct desk_state *state, uint32_t need, oft_instant at,
                                    struct desk_refusal *refusal)
{
    enum oft_err code = desk_check_reference(need, state->needs.count, "need", refusal);
    if (code != OFT_OK) {
        return code;
    }
    const struct desk_need_row *row = DESK_NEED(state, need);
    if (row->withdrawn || row->need->open_until <= at) {
        return desk_refuse(refusal, DESK_REFUSED_STATE, 0, NULL, "need-%u is %s", need + 1,
                           row->withdrawn ? "withdrawn" : "over");
    }
    return OFT_OK;
}

static enum oft_err check_offer(const struct desk_state *state, const struct desk_event *event,
                                struct desk_refusal *refusal)
{
    const struct desk_offer *offer = event->offer_added;
    enum oft_err code = check_need_open(state, offer->need, event->at, refusal);
    if (code != OFT_OK) {
        return code;
    }
    if (offer->party.id == 0 || offer->provider.id == 0 || offer->quantity == 0 ||
        offer->quantity > INT64_MAX || offer->terms.count > DESK_TERMS_MAX) {
        return desk_refuse(refusal, DESK_REFUSED_INVALID, 0, NULL,
                           "an offer needs a party, a provider and a quantity");
    }
    if (offer->valid_until <= event->at) {
        return desk_refuse(refusal, DESK_REFUSED_TIME, 0, NULL,
                           "the offer is over already; give a later valid-until");
    }
    const struct desk_need *need = DESK_NEED(state, offer->need)->need;
    if (need->provider.id != 0 && need->provider.id != offer->provider.id) {
        return desk_refuse(refusal, DESK_REFUSED_TERMS, 0, NULL, "need-%u is for %s alone",
                           offer->need + 1, need->provider.text);
    }
    return check_barred(state, need, offer->provider, event->at, "offer", refusal);
}

enum oft_err desk_on_offer_added(struct desk_state *state, const struct desk_event *event,
                                 struct desk_refusal *refusal)
{
    const struct desk_offer *offer = event->offer_added;
    if (offer == NULL) {
        return desk_refuse(refusal, DESK_REFUSED_INVALID, 0, NULL, "the event brings no offer");
    }
    enum oft_err code = desk_check_actor(state, event, offer->party, false, refusal);
    uint32_t index;
    if (code == OFT_OK) {
        code = check_offer(state, event, refusal);
    }
    if (code != OFT_OK) {
        return code;
    }
    struct desk_offer_row *row = desk_row_add(state, &state->offers, &index);
    if (row == NULL) {
        return OFT_ERR_MEMORY;
    }
    *row = (struct desk_offer_row){.offer = offer,
                                   .terms = offer->terms,
                                   .quantity = offer->quantity,
                                   .added = event->at,
                                   .first_lot = DESK_NONE,
                                   .last_lot = DESK_NONE,
                                   .next = DESK_NONE,
                                   .last_affirmed = DESK_NONE,
                                   .event = event->number};
    struct desk_need_row *need = DESK_NEED(state, offer->need);
    if (need->last_offer == DESK_NONE) {
        need->first_offer = index;
    } else {
        DESK_OFFER(state, need->last_offer)->next = index;
    }
    need->last_offer = index;
    for (uint32_t i = 0; i < state->rights.count; i++) {
        const struct desk_right_row *right = DESK_RIGHT(state, i);
        if (right->right.kind == DESK_RIGHT_REFUSAL && desk_right_in_force(right, event->at) &&
            !desk_is_holder(right, offer->party.id)) {
            desk_screen(state, i, offer->need, index, event->at);
        }
    }
    return OFT_OK;
}

/* ---- an offer changes ------------------------------------------------------------------------ */

/* The terms of the row with those of the event in the place of the same names, sorted by name. */
static enum oft_err merge(struct desk_state *state, struct desk_terms old, struct desk_terms given,
                          struct desk_terms *ret)
{
    struct desk_term *items =
        oft_arena_alloc_array(&state->arena, (size_t)old.count + given.count + 1, sizeof(*items));
    uint32_t count = 0, i = 0, j = 0;
    if (items == NULL) {
        state->broken = true;
        return OFT_ERR_MEMORY;
    }
    while (i < old.count || j < given.count) {
        int order = i == old.count     ? 1
                    : j == given.count ? -1
                                       : strcmp(old.items[i].name.text, given.items[j].name.text);
        items[count++] = order < 0 ? old.items[i] : given.items[j];
        i += order <= 0;
        j += order >= 0;
    }
    *ret = (struct desk_terms){items, count};
    return OFT_OK;
}

/* An exemption that was proved, was proved for the quantity that there was. */
static bool takes_quantity(const struct desk_lot *lot)
{
    return lot->state <= DESK_LOT_OPEN ||
           (lot->state == DESK_LOT_EXEMPT && lot->why != DESK_WHY_CARVE_OUT);
}

/* May every procedure of the offer take another quantity? */
static enum oft_err check_quantity(const struct desk_state *state, uint32_t offer,
                                   uint64_t quantity, struct desk_refusal *refusal)
{
    if (quantity < DESK_OFFER(state, offer)->signed_quantity) {
        return desk_refuse(refusal, DESK_REFUSED_QUANTITY, 2, NULL,
                           "%llu of offer-%u are signed: it cannot become less",
                           (unsigned long long)DESK_OFFER(state, offer)->signed_quantity,
                           offer + 1);
    }
    for (uint32_t root = DESK_OFFER(state, offer)->first_lot; root != DESK_NONE;
         root = DESK_LOT(state, root)->next_of_offer) {
        const struct desk_lot *lot = DESK_LOT(state, root);
        bool whole = lot->next == DESK_NONE && takes_quantity(lot);
        bool over = lot->next == DESK_NONE &&
                    (lot->state == DESK_LOT_WITHDRAWN || lot->state == DESK_LOT_REVIVED ||
                     lot->state == DESK_LOT_VOID);
        if (!whole && !over) {
            return desk_refuse(refusal, DESK_REFUSED_QUANTITY, 2,
                               DESK_RIGHT(state, lot->right)->right.clause.text,
                               "the quantity of offer-%u can no longer change: lot-%u has gone on",
                               offer + 1, root + 1);
        }
    }
    return OFT_OK;
}

/* The lot's notices no longer state the offer: the first rank is owed new ones. */
static void change_lot(struct desk_state *state, uint32_t lot, struct desk_terms terms,
                       bool quantity_changed, oft_instant at)
{
    const struct desk_lot *it = DESK_LOT(state, lot);
    const struct desk_right *right = &DESK_RIGHT(state, it->right)->right;
    switch ((enum desk_lot_state)it->state) {
    case DESK_LOT_DRAFT:
        desk_screen_again(state, lot, at);
        break;
    case DESK_LOT_READY:
    case DESK_LOT_NOTICED:
    case DESK_LOT_OPEN:
    case DESK_LOT_OVERALLOT: {
        /* Who answered in an earlier round or before an objection answered to other terms. */
        bool stated = it->asked_first != DESK_NONE;
        bool shorter = !quantity_changed && stated && desk_favours_other(right, it->noticed, terms);
        if (stated || quantity_changed) {
            bool reoffer = stated ? shorter : it->reoffer;
            desk_round_void(state, lot, at);
            DESK_LOT(state, lot)->asked_count = 0; /* nor does an answer recorded late count */
            desk_round_begin(state, lot, 0, DESK_WHY_NO_STANDING, at);
            DESK_LOT(state, lot)->reoffer = reoffer;
        }
        desk_lot_reckon(state, lot);
        break;
    }
    default:
        break;
    }
}

enum oft_err desk_on_offer_changed(struct desk_state *state, const struct desk_event *event,
                                   struct desk_refusal *refusal)
{
    enum oft_err code = desk_check_reference(event->offer, state->offers.count, "offer", refusal);
    if (code != OFT_OK) {
        return code;
    }
    struct desk_offer_row *row = DESK_OFFER(state, event->offer);
    bool quantity = event->quantity != 0 && event->quantity != row->quantity;
    struct desk_terms terms;
    code = desk_check_actor(state, event, row->offer->party, false, refusal);
    if (code == OFT_OK && (row->withdrawn || DESK_NEED(state, row->offer->need)->withdrawn)) {
        code = desk_refuse(refusal, DESK_REFUSED_STATE, 0, NULL, "offer-%u is withdrawn",
                           event->offer + 1);
    }
    if (code == OFT_OK &&
        (event->quantity > INT64_MAX || row->terms.count + event->terms.count > DESK_TERMS_MAX)) {
        code = desk_refuse(refusal, DESK_REFUSED_INVALID, 0, NULL, "too much for one offer");
    }
    if (code == OFT_OK && quantity) {
        code = check_quantity(state, event->offer, event->quantity, refusal);
    }
    if (code == OFT_OK) {
        code = merge(state, row->terms, event->terms, &terms);
    }
    if (code != OFT_OK || (!quantity && desk_terms_equal(terms, row->terms))) {
        return code;
    }
    row->terms = terms;
    row->quantity = quantity ? event->quantity : row->quantity;
    for (uint32_t root = row->first_lot; root != DESK_NONE;
         root = DESK_LOT(state, root)->next_of_offer) {
        if (quantity && takes_quantity(DESK_LOT(state, root))) {
            DESK_LOT(state, root)->quantity = DESK_LOT(state, root)->whole = event->quantity;
        }
        for (uint32_t i = root; i != DESK_NONE; i = DESK_LOT(state, i)->next) {
            change_lot(state, i, terms, quantity, event->at);
        }
    }
    return OFT_OK;
}

enum oft_err desk_on_offer_affirmed(struct desk_state *state, const struct desk_event *event,
                                    struct desk_refusal *refusal)
{
    enum oft_err code = desk_check_reference(event->offer, state->offers.count, "offer", refusal);
    if (code != OFT_OK) {
        return code;
    }
    uint32_t index;
    struct desk_offer_row *row = DESK_OFFER(state, event->offer);
    code = desk_check_actor(state, event, row->offer->party, false, refusal);
    if (code == OFT_OK && (event->names.count == 0 || row->withdrawn)) {
        code = desk_refuse(refusal,
                           event->names.count == 0 ? DESK_REFUSED_INVALID : DESK_REFUSED_STATE, 0,
                           NULL, "offer-%u %s", event->offer + 1,
                           row->withdrawn ? "is withdrawn" : "is affirmed to pass nothing");
    }
    if (code != OFT_OK) {
        return code;
    }
    struct desk_affirmed_row *list = desk_row_add(state, &state->affirmed, &index);
    if (list == NULL) {
        return OFT_ERR_MEMORY;
    }
    *list = (struct desk_affirmed_row){event->names, row->last_affirmed};
    row->last_affirmed = index;
    for (uint32_t root = row->first_lot; root != DESK_NONE;
         root = DESK_LOT(state, root)->next_of_offer) {
        desk_screen_again(state, root, event->at);
    }
    return OFT_OK;
}

/* Does the lot go with its offer? */
static bool goes_with_offer(const struct desk_state *state, const struct desk_lot *lot)
{
    return lot->state <= DESK_LOT_OVERALLOT ||
           (lot->state == DESK_LOT_FREE && !DESK_RIGHT(state, lot->right)->right.counterparty_any);
}

enum oft_err desk_on_offer_withdrawn(struct desk_state *state, const struct desk_event *event,
                                     struct desk_refusal *refusal)
{
    enum oft_err code = desk_check_reference(event->offer, state->offers.count, "offer", refusal);
    if (code != OFT_OK) {
        return code;
    }
    struct desk_offer_row *row = DESK_OFFER(state, event->offer);
    code = desk_check_actor(state, event, row->offer->party, false, refusal);
    if (code == OFT_OK && row->withdrawn) {
        code = desk_refuse(refusal, DESK_REFUSED_STATE, 0, NULL, "it is withdrawn already");
    }
    if (code != OFT_OK) {
        return code;
    }
    row->withdrawn = true;
    for (uint32_t root = row->first_lot; root != DESK_NONE;
         root = DESK_LOT(state, root)->next_of_offer) {
        for (uint32_t i = root; i != DESK_NONE; i = DESK_LOT(state, i)->next) {
            if (goes_with_offer(state, DESK_LOT(state, i))) {
                withdraw(state, i, DESK_WHY_OFFER_GONE, event->at);
            }
        }
    }
    return OFT_OK;
}

/* ---- screening by hand, exemptions -------------------------------------------------------------- */

/* A procedure of RIGHT for the opportunity that still counts: it is not over without result. */
static bool has_procedure(const struct desk_state *state, uint32_t right, uint32_t need,
                          uint32_t offer)
{
    for (uint32_t root = DESK_NEED(state, need)->first_lot; root != DESK_NONE;
         root = DESK_LOT(state, root)->next_of_need) {
        if (DESK_LOT(state, root)->right != right || DESK_LOT(state, root)->offer != offer) {
            continue;
        }
        for (uint32_t i = root; i != DESK_NONE; i = DESK_LOT(state, i)->next) {
            const struct desk_lot *lot = DESK_LOT(state, i);
            unsigned flags;
            bool exempt =
                lot->state == DESK_LOT_EXEMPT &&
                !(lot->why == DESK_WHY_OUT_OF_SCOPE &&
                  desk_reaches(state, &DESK_RIGHT(state, right)->right, need, offer, &flags));
            if (!desk_lot_final(lot->state) || exempt) {
                return true;
            }
        }
    }
    return false;
}

enum oft_err desk_on_screened(struct desk_state *state, const struct desk_event *event,
                              struct desk_refusal *refusal)
{
    enum oft_err code = desk_check_customer(state, event, refusal);
    uint32_t right = desk_find_right(state, event->name.id), need = event->need;
    if (code == OFT_OK && event->offer != DESK_NONE) {
        code = desk_check_reference(event->offer, state->offers.count, "offer", refusal);
        need = code == OFT_OK ? DESK_OFFER(state, event->offer)->offer->need : need;
    }
    if (code == OFT_OK) {
        code = check_need_open(state, need, event->at, refusal);
    }
    if (code != OFT_OK) {
        return code;
    }
    enum desk_right_kind kind = event->offer != DESK_NONE ? DESK_RIGHT_REFUSAL : DESK_RIGHT_OFFER;
    const struct desk_offer_row *offer =
        event->offer != DESK_NONE ? DESK_OFFER(state, event->offer) : NULL;
    if (right == DESK_NONE || DESK_RIGHT(state, right)->right.kind != kind ||
        !desk_right_in_force(DESK_RIGHT(state, right), event->at)) {
        return desk_refuse(refusal, DESK_REFUSED_UNKNOWN, 0, event->name.text,
                           "%s is no right in force for such an opportunity", event->name.text);
    }
    if (has_procedure(state, right, need, event->offer) ||
        desk_unplaced(state, right, need, event->offer) == 0 ||
        (offer != NULL && (offer->withdrawn || offer->offer->valid_until <= event->at ||
                           desk_is_holder(DESK_RIGHT(state, right), offer->offer->party.id)))) {
        return desk_refuse(refusal, DESK_REFUSED_STATE, 0, event->name.text,
                           "it was screened under %s, or there is nothing to screen",
                           event->name.text);
    }
    desk_screen(state, right, need, event->offer, event->at);
    return OFT_OK;
}

static bool may_claim(const struct desk_right *right, const struct desk_lot *lot, uint64_t name)
{
    for (uint32_t i = 0; i < right->carve_out_count; i++) {
        if (right->carve_outs[i].name.id == name) {
            return true;
        }
    }
    return (lot->flags & DESK_FLAG_SPLIT) != 0 && name == desk_word("floor").id;
}

enum oft_err desk_on_exempted(struct desk_state *state, const struct desk_event *event,
                              struct desk_refusal *refusal)
{
    enum oft_err code = desk_check_customer(state, event, refusal);
    if (code == OFT_OK) {
        code = desk_check_reference(event->lot, state->lots.count, "lot", refusal);
    }
    if (code != OFT_OK) {
        return code;
    }
    const struct desk_lot *lot = DESK_LOT(state, event->lot);
    const struct desk_right *right = &DESK_RIGHT(state, lot->right)->right;
    if (lot->state != DESK_LOT_DRAFT && lot->state != DESK_LOT_READY) {
        return desk_refuse(refusal, DESK_REFUSED_STATE, 1, right->clause.text,
                           "lot-%u is past the point at which a carve-out may be claimed",
                           event->lot + 1);
    }
    if (!may_claim(right, lot, event->name.id)) {
        return desk_refuse(refusal, DESK_REFUSED_UNKNOWN, 1, right->clause.text,
                           "%s has no carve-out %s", right->clause.text, event->name.text);
    }
    if (event->text[0] == '\0') {
        return desk_refuse(refusal, DESK_REFUSED_INVALID, 1, right->clause.text,
                           "a carve-out must be proven: say by what");
    }
    desk_round_void(state, event->lot, event->at);
    desk_lot_enter(state, event->lot, DESK_LOT_EXEMPT, DESK_WHY_CARVE_OUT, event->at);
    desk_lot_reckon(state, event->lot);
    return OFT_OK;
}
