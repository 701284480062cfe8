/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of the desk as JSON, each as far as the viewer may know it. What to do next, and the desk as
 * a whole, are in view_desk.c.
 */
#include "desk/view_internal.h"

#include <string.h>

#include "desk/pools.h"

/* ---- who sees what --------------------------------------------------------------------------- */

bool view_all(const struct view *v)
{
    return v->viewer == 0 || v->viewer == desk_customer(v->state).id;
}

bool view_notice_visible(const struct view *v, uint32_t notice)
{
    const struct desk_notice *it = desk_notice_at(v->state, notice);
    return view_all(v) || (it->holder.id == v->viewer && it->event != 0);
}

bool view_offer_visible(const struct view *v, uint32_t offer)
{
    return view_all(v) || desk_offer_at(v->state, offer)->offer->party.id == v->viewer;
}

bool view_order_visible(const struct view *v, uint32_t order)
{
    return view_all(v) || desk_order_at(v->state, order)->party.id == v->viewer;
}

/* A holder knows of a lot what its own notice says; others know nothing of lots. */
bool view_lot_visible(const struct view *v, uint32_t lot)
{
    return view_all(v) && lot < desk_lot_count(v->state);
}

/* A third party knows the needs that it has an offer for; a holder those of its notices. */
bool view_need_visible(const struct view *v, uint32_t need)
{
    if (view_all(v)) {
        return true;
    }
    uint32_t offer = desk_need_at(v->state, need)->first_offer;
    for (; offer != DESK_NONE; offer = desk_offer_at(v->state, offer)->next) {
        if (view_offer_visible(v, offer)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < desk_notice_count(v->state); i++) {
        const struct desk_lot *lot = desk_lot_at(v->state, desk_notice_at(v->state, i)->lot);
        if (lot->need == need && view_notice_visible(v, i)) {
            return true;
        }
    }
    return false;
}

bool view_right_visible(const struct view *v, uint32_t right)
{
    const struct desk_holder *holders = desk_holders_at(v->state, right);
    for (uint32_t i = 0; i < desk_right_at(v->state, right)->holder_count; i++) {
        if (holders[i].party.id == v->viewer) {
            return true;
        }
    }
    return view_all(v);
}

/* ---- parts ----------------------------------------------------------------------------------- */

void view_name(struct view *v, const char *key, struct desk_name name)
{
    if (name.id != 0) {
        oft_json_put_text(&v->json, key, name.text);
    }
}

void view_reference(struct view *v, const char *key, enum desk_field_kind kind, uint32_t index)
{
    char text[DESK_REFERENCE_BYTES];
    if (index != DESK_NONE) {
        oft_json_put_text(&v->json, key, desk_reference(kind, index, text));
    }
}

static void term_value(struct view *v, const struct desk_term *term)
{
    char text[OFT_INSTANT_TEXT_BYTES + OFT_NANOS_TEXT_BYTES];
    static const char *const kinds[] = {[DESK_TERM_AMOUNT] = "amount",
                                        [DESK_TERM_NUMBER] = "number",
                                        [DESK_TERM_INSTANT] = "instant",
                                        [DESK_TERM_TEXT] = "text"};
    oft_json_put_text(&v->json, "kind", kinds[term->kind]);
    if (term->kind == DESK_TERM_TEXT) {
        oft_json_put_text(&v->json, "value", term->text.text);
        return;
    }
    oft_json_put_text(&v->json, "value",
                      term->kind == DESK_TERM_INSTANT
                          ? oft_instant_format((oft_instant)term->number, text)
                          : oft_nanos_format(term->number, text));
    if (term->kind == DESK_TERM_AMOUNT) {
        view_name(v, "per", term->text);
    }
}

void view_terms(struct view *v, const char *key, struct desk_terms terms)
{
    oft_json_key(&v->json, key);
    oft_json_open(&v->json, '[');
    for (uint32_t i = 0; i < terms.count; i++) {
        oft_json_open(&v->json, '{');
        oft_json_put_text(&v->json, "name", terms.items[i].name.text);
        term_value(v, &terms.items[i]);
        if (terms.items[i].cash_nanos >= 0) {
            oft_json_put_amount(&v->json, "worth", terms.items[i].cash_nanos);
        }
        oft_json_close(&v->json, '}');
    }
    oft_json_close(&v->json, ']');
}

static void flags(struct view *v, unsigned set)
{
    oft_json_key(&v->json, "flags");
    oft_json_open(&v->json, '[');
    if ((set & DESK_FLAG_SPLIT) != 0) {
        oft_json_text(&v->json, "split");
    }
    if ((set & DESK_FLAG_BUNDLED) != 0) {
        oft_json_text(&v->json, "bundled");
    }
    oft_json_close(&v->json, ']');
}

/* ---- rows ------------------------------------------------------------------------------------ */

void view_need(struct view *v, uint32_t index)
{
    const struct desk_need_row *row = desk_need_at(v->state, index);
    const struct desk_need *it = row->need;
    bool over = it->open_until <= desk_clock(v->state);
    static const char *const deals[] = {[DESK_DEAL_NEW] = "new",
                                        [DESK_DEAL_RENEWAL] = "renewal",
                                        [DESK_DEAL_EXPANSION] = "expansion"};
    oft_json_open(&v->json, '{');
    view_reference(v, "id", DESK_FIELD_NEED, index);
    oft_json_put_text(&v->json, "state", row->withdrawn ? "withdrawn" : over ? "over" : "open");
    view_name(v, "product", it->product);
    view_name(v, "accelerator", it->accelerator);
    view_name(v, "region", it->region);
    oft_json_put_number(&v->json, "count", it->quantity);
    oft_json_put_text(&v->json, "unit", it->unit == DESK_SIZE_MW ? "MW" : "gpu");
    oft_json_put_instant(&v->json, "from", it->from);
    oft_json_put_number(&v->json, "months", it->months);
    if (it->deal == DESK_DEAL_NEW || it->deal == DESK_DEAL_RENEWAL ||
        it->deal == DESK_DEAL_EXPANSION) {
        oft_json_put_text(&v->json, "deal", deals[it->deal]);
    }
    view_name(v, "on", it->provider);
    oft_json_put_instant(&v->json, "opened", row->opened);
    oft_json_put_instant(&v->json, "open_until", it->open_until);
    if (view_all(v)) {
        view_name(v, "group", it->group);
        view_reference(v, "part_of", DESK_FIELD_NEED, it->part_of);
        if (it->ceiling_nanos >= 0) {
            oft_json_put_amount(&v->json, "ceiling", it->ceiling_nanos);
        }
        oft_json_put_number(&v->json, "ordered", row->ordered);
        oft_json_put_text(&v->json, "note", it->note);
        view_terms(v, "terms", it->terms);
    }
    oft_json_close(&v->json, '}');
}

static const char *offer_state(const struct view *v, const struct desk_offer_row *row)
{
    return row->withdrawn                                    ? "withdrawn"
           : row->signed_quantity == row->quantity           ? "signed"
           : row->offer->valid_until <= desk_clock(v->state) ? "over"
           : row->signed_quantity > 0                        ? "signed in part"
                                                             : "open";
}

void view_offer(struct view *v, uint32_t index)
{
    const struct desk_offer_row *row = desk_offer_at(v->state, index);
    const struct desk_offer *it = row->offer;
    oft_json_open(&v->json, '{');
    view_reference(v, "id", DESK_FIELD_OFFER, index);
    oft_json_put_text(&v->json, "state", offer_state(v, row));
    view_reference(v, "need", DESK_FIELD_NEED, it->need);
    view_name(v, "party", it->party);
    view_name(v, "provider", it->provider);
    oft_json_put_number(&v->json, "count", row->quantity);
    oft_json_put_number(&v->json, "signed", row->signed_quantity);
    oft_json_put_instant(&v->json, "added", row->added);
    oft_json_put_instant(&v->json, "valid_until", it->valid_until);
    if (it->bundled_nanos > 0) {
        oft_json_put_amount(&v->json, "bundled", it->bundled_nanos);
    }
    const char *const texts[] = {"programme", it->programme, "tranche",
                                 it->tranche, "site",        it->site};
    for (size_t i = 0; i < OFT_COUNT_OF(texts); i += 2) {
        if (texts[i + 1][0] != '\0') {
            oft_json_put_text(&v->json, texts[i], texts[i + 1]);
        }
    }
    view_terms(v, "terms", row->terms);
    oft_json_close(&v->json, '}');
}

void view_lot(struct view *v, uint32_t index)
{
    const struct desk_lot *it = desk_lot_at(v->state, index);
    oft_json_open(&v->json, '{');
    view_reference(v, "id", DESK_FIELD_LOT, index);
    oft_json_put_text(&v->json, "state", desk_lot_state_name(it->state));
    oft_json_put_text(&v->json, "text", desk_lot_state_text(it->state));
    oft_json_put_text(&v->json, "why", desk_why_text(it->why));
    oft_json_put_text(&v->json, "clause", desk_right_at(v->state, it->right)->clause.text);
    view_reference(v, "need", DESK_FIELD_NEED, it->need);
    view_reference(v, "offer", DESK_FIELD_OFFER, it->offer);
    view_reference(v, "split_from", DESK_FIELD_LOT, it->parent);
    oft_json_put_number(&v->json, "count", it->quantity);
    oft_json_put_instant(&v->json, "since", it->since);
    oft_json_put_instant(&v->json, "deadline", it->deadline);
    oft_json_put_instant(&v->json, "due", it->due);
    if (!desk_lot_final(it->state)) {
        oft_json_put_bool(&v->json, "second_notice", it->reoffer);
        oft_json_put_bool(&v->json, "tendered", it->tendered);
    }
    view_reference(v, "order", DESK_FIELD_ORDER, it->order);
    flags(v, it->flags);
    if (it->asked_first != DESK_NONE) {
        view_terms(v, "noticed", it->noticed);
    }
    oft_json_close(&v->json, '}');
}

/* A holder is told the terms of its notice, and not how they changed since. */
static void third_party(struct view *v, const struct desk_notice *notice,
                        const struct desk_right *right)
{
    const struct desk_lot *lot = desk_lot_at(v->state, notice->lot);
    if (lot->offer == DESK_NONE || (!view_all(v) && right->disclose == DESK_DISCLOSE_NOTHING)) {
        return;
    }
    const struct desk_offer_row *offer = desk_offer_at(v->state, lot->offer);
    if (view_all(v) || right->disclose == DESK_DISCLOSE_IDENTITY) {
        view_name(v, "third_party", offer->offer->party);
        view_name(v, "third_provider", offer->offer->provider);
    }
    view_terms(v, "third_party_terms", view_all(v) ? offer->terms : notice->terms);
}

/* The terms that a notice must state whatever is disclosed: those that a match is held against. */
void view_notice(struct view *v, uint32_t index)
{
    const struct desk_notice *it = desk_notice_at(v->state, index);
    const struct desk_lot *lot = desk_lot_at(v->state, it->lot);
    const struct desk_right *right = desk_right_at(v->state, lot->right);
    const struct desk_need *need = desk_need_at(v->state, lot->need)->need;
    char hash[65];
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < 32; i++) {
        hash[2 * i] = digits[it->hash[i] >> 4];
        hash[2 * i + 1] = digits[it->hash[i] & 15];
    }
    hash[64] = '\0';
    oft_json_open(&v->json, '{');
    view_reference(v, "id", DESK_FIELD_NOTICE, index);
    oft_json_put_text(&v->json, "state", desk_notice_state_text(it->state));
    oft_json_put_text(&v->json, "clause", right->clause.text);
    view_name(v, "holder", it->holder);
    view_name(v, "product", need->product);
    view_name(v, "accelerator", need->accelerator);
    view_name(v, "region", need->region);
    oft_json_put_text(&v->json, "unit", need->unit == DESK_SIZE_MW ? "MW" : "gpu");
    oft_json_put_number(&v->json, "months", need->months);
    oft_json_put_instant(&v->json, "from", need->from);
    oft_json_put_number(&v->json, "entitled", it->entitled);
    if (it->event != 0) {
        oft_json_put_text(&v->json, "hash", hash);
        view_terms(v, "terms", it->terms);
    }
    oft_json_put_instant(&v->json, "sent", it->sent);
    oft_json_put_instant(&v->json, "delivered", it->delivered);
    oft_json_put_instant(&v->json, "deemed_at", it->deemed_at);
    oft_json_put_instant(&v->json, "object_by", it->object_by);
    oft_json_put_instant(&v->json, "respond_by", it->respond_by);
    oft_json_put_number(&v->json, "elected", it->elected);
    oft_json_put_bool(&v->json, "countered", it->countered);
    if (view_all(v)) {
        view_reference(v, "lot", DESK_FIELD_LOT, it->lot);
        view_reference(v, "offer", DESK_FIELD_OFFER, lot->offer);
        oft_json_put_number(&v->json, "rank", it->rank);
    }
    third_party(v, it, right);
    oft_json_close(&v->json, '}');
}

static void arrivals(struct view *v, uint32_t order)
{
    oft_json_key(&v->json, "arrivals");
    oft_json_open(&v->json, '[');
    for (uint32_t i = 0; i < desk_arrival_count(v->state); i++) {
        const struct desk_arrival *it = desk_arrival_at(v->state, i);
        if (it->order == order) {
            oft_json_open(&v->json, '{');
            oft_json_put_number(&v->json, "count", it->quantity);
            oft_json_put_instant(&v->json, "happened", it->happened);
            view_name(v, "pool", it->pool);
            oft_json_close(&v->json, '}');
        }
    }
    oft_json_close(&v->json, ']');
}

void view_order(struct view *v, uint32_t index)
{
    const struct desk_order *it = desk_order_at(v->state, index);
    oft_nanos credit = 0;
    bool by_month = false;
    oft_json_open(&v->json, '{');
    view_reference(v, "id", DESK_FIELD_ORDER, index);
    oft_json_put_text(&v->json, "state", desk_order_state_text(it->state));
    view_name(v, "party", it->party);
    view_name(v, "provider", it->provider);
    oft_json_put_number(&v->json, "count", it->quantity);
    oft_json_put_number(&v->json, "delivered", it->delivered);
    oft_json_put_number(&v->json, "failed", it->failed);
    oft_json_put_instant(&v->json, "signed", it->signed_at);
    oft_json_put_instant(&v->json, "deliver_by", it->deliver_by);
    oft_json_put_instant(&v->json, "cure_until", it->cure_until);
    oft_json_put_instant(&v->json, "completed", it->completed);
    if (desk_late_credit(v->state, index, &credit) == OFT_OK) {
        oft_json_put_amount(&v->json, "late_credit", credit);
    }
    oft_json_put_bool(&v->json, "may_terminate",
                      it->delivery.late_terminate && it->state == DESK_ORDER_FAILED);
    view_name(v, "under", it->delivery.under);
    view_terms(v, "terms", it->terms);
    oft_json_put_text(
        &v->json, "charged",
        !desk_order_flat(v->state, it, NULL, &by_month)
            ? "by hand: the books charge a price per gpu or MW and hour or month alone"
        : by_month ? "by the month, each arrival from its first hour on"
                   : "by the hour, from each arrival on");
    arrivals(v, index);
    if (view_all(v)) {
        view_reference(v, "need", DESK_FIELD_NEED, it->need);
        view_reference(v, "offer", DESK_FIELD_OFFER, it->offer);
        view_reference(v, "lot", DESK_FIELD_LOT, it->lot);
        if (it->lot != DESK_NONE && it->state >= DESK_ORDER_LATE) {
            const struct desk_lot *lot = desk_lot_at(v->state, it->lot);
            const char *remedy = desk_right_at(v->state, lot->right)->remedy;
            if (it->state != DESK_ORDER_DELIVERED && remedy[0] != '\0') {
                oft_json_put_text(&v->json, "remedy", remedy);
            }
        }
    }
    oft_json_close(&v->json, '}');
}

void view_right(struct view *v, uint32_t index)
{
    const struct desk_right *it = desk_right_at(v->state, index);
    const struct desk_holder *holders = desk_holders_at(v->state, index);
    static const char *const kinds[] = {[DESK_RIGHT_REFUSAL] = "first refusal",
                                        [DESK_RIGHT_OFFER] = "first offer",
                                        [DESK_RIGHT_EXCLUSIVE] = "exclusive"};
    oft_json_open(&v->json, '{');
    oft_json_put_text(&v->json, "clause", it->clause.text);
    oft_json_put_text(&v->json, "kind", kinds[it->kind]);
    oft_json_put_text(&v->json, "state",
                      desk_right_state_text(desk_right_state_at(v->state, index)));
    oft_json_put_instant(&v->json, "from", it->from);
    oft_json_put_instant(&v->json, "until", it->until);
    view_name(v, "ended_by", it->ended_by);
    view_name(v, "provider", it->provider);
    if (view_all(v)) {
        oft_json_key(&v->json, "holders");
        oft_json_open(&v->json, '[');
        for (uint32_t i = 0; i < it->holder_count; i++) {
            oft_json_open(&v->json, '{');
            view_name(v, "party", holders[i].party);
            oft_json_put_number(&v->json, "rank", holders[i].rank);
            oft_json_put_bool(&v->json, "standing",
                              desk_has_standing(v->state, index, holders[i].party.id));
            oft_json_close(&v->json, '}');
        }
        oft_json_close(&v->json, ']');
    }
    oft_json_close(&v->json, '}');
}

/* ---- lists ----------------------------------------------------------------------------------- */

typedef bool (*visible_fn)(const struct view *v, uint32_t index);
typedef void (*row_fn)(struct view *v, uint32_t index);

static const struct {
    const char *name;
    uint32_t (*count)(const struct desk_state *state);
    visible_fn visible;
    row_fn row;
} LISTS[] = {
    [DESK_LIST_NEEDS] = {"needs", desk_need_count, view_need_visible, view_need},
    [DESK_LIST_OFFERS] = {"offers", desk_offer_count, view_offer_visible, view_offer},
    [DESK_LIST_LOTS] = {"lots", desk_lot_count, view_lot_visible, view_lot},
    [DESK_LIST_NOTICES] = {"notices", desk_notice_count, view_notice_visible, view_notice},
    [DESK_LIST_ORDERS] = {"orders", desk_order_count, view_order_visible, view_order},
    [DESK_LIST_RIGHTS] = {"rights", desk_right_count, view_right_visible, view_right},
};

void view_rows(struct view *v, enum desk_list list)
{
    oft_json_key(&v->json, LISTS[list].name);
    oft_json_open(&v->json, '[');
    for (uint32_t i = 0; i < LISTS[list].count(v->state); i++) {
        if (LISTS[list].visible(v, i)) {
            LISTS[list].row(v, i);
        }
    }
    oft_json_close(&v->json, ']');
}

void desk_view_list(const struct desk_state *state, enum desk_list list, uint64_t viewer,
                    struct oft_buffer *out)
{
    struct view v = {.state = state, .viewer = viewer, .json = {.out = out}};
    oft_json_open(&v.json, '{');
    oft_json_put_instant(&v.json, "at", desk_clock(state));
    view_rows(&v, list);
    oft_json_close(&v.json, '}');
}

enum oft_err desk_view_one(const struct desk_state *state, const char *reference, uint64_t viewer,
                           struct oft_buffer *out)
{
    static const char *const words[] = {"need", "offer", "lot", "notice", "order"};
    struct view v = {.state = state, .viewer = viewer, .json = {.out = out}};
    for (unsigned i = 0; i < OFT_COUNT_OF(words); i++) {
        uint32_t index;
        size_t length = strlen(words[i]);
        if (strncmp(reference, words[i], length) == 0 && reference[length] == '-' &&
            act_reference(reference, words[i], &index) == OFT_OK) {
            if (index >= LISTS[i].count(state) || !LISTS[i].visible(&v, index)) {
                return OFT_ERR_NOT_FOUND;
            }
            LISTS[i].row(&v, index);
            return OFT_OK;
        }
    }
    uint32_t right = desk_find_right(state, desk_word(reference).id);
    if (right == DESK_NONE || !LISTS[DESK_LIST_RIGHTS].visible(&v, right)) {
        return OFT_ERR_NOT_FOUND;
    }
    LISTS[DESK_LIST_RIGHTS].row(&v, right);
    return OFT_OK;
}
