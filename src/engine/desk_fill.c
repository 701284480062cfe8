/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the words of an act leave to the deal and to the state: whether a name is known, whose a
 * provider is, until when an offer stands, what an order clause says of delivery, what a notice fixes.
 */
#include <string.h>

#include "base/limits.h"
#include "engine/desk_internal.h"

struct filling {
    struct engine *engine;
    const struct desk_state *state;
    const struct deal *deal;
    const struct engine_desk_call *call;
    struct oft_arena *arena;
    struct desk_event *event;
    struct oft_error *reterr;
};

static bool was_given(const struct filling *filling, const char *name)
{
    for (size_t i = 0; i < filling->call->count; i++) {
        if (strcmp(filling->call->given[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

typedef uint32_t (*find_fn)(const struct deal *deal, struct oft_str name);

static uint32_t find_group(const struct deal *deal, struct oft_str name)
{
    for (uint32_t i = 0; i < deal->group_count; i++) {
        if (oft_str_is(name, deal->groups[i].name)) {
            return i;
        }
    }
    return DEAL_NONE;
}

/* Id 0 is "not said" and passes. */
static enum oft_err must_know(const struct filling *filling, const char *what, find_fn find,
                              struct desk_name name)
{
    if (name.id == 0 || find(filling->deal, oft_str_from(name.text)) != DEAL_NONE) {
        return OFT_OK;
    }
    return oft_fail(filling->reterr, OFT_ERR_INVALID, "the deal knows no %s \"%.63s\"", what,
                    name.text);
}

/* ---- needs and offers -------------------------------------------------------------------------- */

static enum oft_err check_need(const struct filling *filling)
{
    const struct desk_need *need = filling->event->need_opened;
    enum oft_err code = must_know(filling, "product", deal_find_product, need->product);
    if (code == OFT_OK) {
        code = must_know(filling, "provider", deal_find_provider, need->provider);
    }
    if (code == OFT_OK) {
        code = must_know(filling, "group", find_group, need->group);
    }
    return code;
}

static enum oft_err fill_offer(const struct filling *filling)
{
    const struct deal *deal = filling->deal;
    struct desk_offer *offer = oft_arena_alloc(filling->arena, sizeof(*offer));
    if (offer == NULL) {
        return OFT_ERR_MEMORY;
    }
    *offer = *filling->event->offer_added;
    filling->event->offer_added = offer;
    uint32_t provider = deal_find_provider(deal, oft_str_from(offer->provider.text));
    if (provider == DEAL_NONE) {
        return oft_fail(filling->reterr, OFT_ERR_INVALID, "the deal knows no provider \"%.63s\"",
                        offer->provider.text == NULL ? "" : offer->provider.text);
    }
    offer->party = desk_party_name(deal->parties[deal->providers[provider].party].name);
    if (!was_given(filling, "valid-until") && offer->need < desk_need_count(filling->state)) {
        offer->valid_until = desk_need_at(filling->state, offer->need)->need->open_until;
    }
    return OFT_OK;
}

/* ---- signatures -------------------------------------------------------------------------------- */

static struct oft_period period_of(struct deal_duration duration)
{
    static const enum oft_period_unit units[] = {
        [DEAL_HOURS] = OFT_PERIOD_HOURS,   [DEAL_DAYS] = OFT_PERIOD_DAYS,
        [DEAL_WEEKS] = OFT_PERIOD_WEEKS,   [DEAL_BUSINESS_DAYS] = OFT_PERIOD_BUSINESS_DAYS,
        [DEAL_MONTHS] = OFT_PERIOD_MONTHS, [DEAL_YEARS] = OFT_PERIOD_YEARS};
    return (struct oft_period){.count = duration.count, .unit = units[duration.unit]};
}

static void take_late(const struct deal_term *term, struct desk_delivery_terms *delivery)
{
    static const struct {
        const char *word;
        enum oft_period_unit unit;
    } units[] = {
        {"day", OFT_PERIOD_DAYS}, {"week", OFT_PERIOD_WEEKS}, {"month", OFT_PERIOD_MONTHS}};
    delivery->late_rate_ppb = term->values[0].as.rate_ppb;
    for (size_t i = 0; i < OFT_COUNT_OF(units); i++) {
        if (strcmp(term->values[1].as.text, units[i].word) == 0) {
            delivery->late_per = (struct oft_period){.count = 1, .unit = units[i].unit};
        }
    }
    if (term->values[2].kind == DEAL_VALUE_RATE) {
        delivery->late_cap_ppb = term->values[2].as.rate_ppb;
    }
}

/* What the command says itself goes before what the clause says. */
static void take_clause(const struct filling *filling, const struct deal_clause *clause,
                        struct desk_delivery_terms *delivery)
{
    const struct deal_term *cure = deal_terms_find(clause->terms, DEAL_TERM_CURE);
    const struct deal_term *late = deal_terms_find(clause->terms, DEAL_TERM_LATE_CREDIT);
    if (!was_given(filling, "deliver-by") &&
        deal_terms_find(clause->terms, DEAL_TERM_DELIVER_BY) != NULL) {
        delivery->deliver_by = clause->as.order.deliver_by;
    }
    if (!was_given(filling, "cure") && cure != NULL) {
        delivery->cure = period_of(cure->values[0].as.duration);
    }
    if (!was_given(filling, "late") && late != NULL) {
        take_late(late, delivery);
    }
    if (!was_given(filling, "late-terminate") &&
        deal_terms_find(clause->terms, DEAL_TERM_LATE_TERMINATE) != NULL) {
        delivery->late_terminate = true;
    }
}

/* The cloud that a holder delivers on, where it has but one. */
static enum oft_err fill_provider(const struct filling *filling)
{
    const struct deal *deal = filling->deal;
    struct desk_event *event = filling->event;
    const struct desk_state *state = filling->state;
    uint32_t found = DEAL_NONE, count = 0;
    if (event->other.id != 0 || event->lot >= desk_lot_count(state)) {
        return must_know(filling, "provider", deal_find_provider, event->other);
    }
    uint32_t notice = desk_lot_at(state, event->lot)->holder_notice;
    if (notice >= desk_notice_count(state)) {
        return OFT_OK; /* nobody elected: the fold says so */
    }
    const char *holder = desk_notice_at(state, notice)->holder.text;
    for (uint32_t i = 0; i < deal->provider_count; i++) {
        if (strcmp(deal->parties[deal->providers[i].party].name, holder) == 0) {
            found = i;
            count++;
        }
    }
    if (count != 1) {
        return oft_fail(filling->reterr, OFT_ERR_INVALID,
                        "%s has %u providers in the deal; say on which one (provider)", holder,
                        count);
    }
    event->other = desk_word(deal->providers[found].name);
    return OFT_OK;
}

static enum oft_err fill_delivery(const struct filling *filling)
{
    const struct deal *deal = filling->deal;
    struct desk_delivery_terms *delivery = oft_arena_alloc(filling->arena, sizeof(*delivery));
    if (delivery == NULL) {
        return OFT_ERR_MEMORY;
    }
    *delivery = *filling->event->delivery;
    filling->event->delivery = delivery;
    if (delivery->under.id == 0) {
        return OFT_OK;
    }
    uint32_t index = deal_find_clause(deal, oft_str_from(delivery->under.text));
    if (index == DEAL_NONE || deal->clauses[index].kind != DEAL_CLAUSE_ORDER) {
        return oft_fail(filling->reterr, OFT_ERR_INVALID,
                        "the deal has no order clause \"%.160s\"; write AGREEMENT.LABEL",
                        delivery->under.text);
    }
    take_clause(filling, &deal->clauses[index], delivery);
    return OFT_OK;
}

static enum oft_err fill_signature(const struct filling *filling)
{
    enum oft_err code = filling->event->lot != DESK_NONE ? fill_provider(filling) : OFT_OK;
    return code == OFT_OK && filling->event->delivery != NULL ? fill_delivery(filling) : code;
}

/* ---- notices ----------------------------------------------------------------------------------- */

static enum oft_err terms_hash(const struct desk_state *state, uint32_t lot, uint32_t offer,
                               uint8_t ret_hash[32])
{
    const struct desk_lot *row = desk_lot_at(state, lot);
    uint32_t stated = row->offer != DESK_NONE ? row->offer : offer;
    struct desk_terms terms = desk_need_at(state, row->need)->need->terms;
    /* Under a first offer the need is told; a second notice tells the terms that have become better. */
    if (stated != DESK_NONE && stated < desk_offer_count(state) &&
        (row->offer != DESK_NONE || row->state == DESK_LOT_FREE)) {
        terms = desk_offer_at(state, stated)->terms;
    }
    return desk_terms_hash(desk_right_at(state, row->right)->clause.text, row->quantity, terms,
                           ret_hash);
}

enum oft_err engine_desk_notice_hash(const struct desk_state *state, const struct desk_event *event,
                                     uint8_t ret_hash[32])
{
    if (event->lot >= desk_lot_count(state)) {
        memset(ret_hash, 0, 32); /* there is no such lot: the fold says so */
        return OFT_OK;
    }
    return terms_hash(state, event->lot, event->offer, ret_hash);
}

/* ---- deliveries -------------------------------------------------------------------------------- */

/* What arrives as a pool must fit into the deal: asked before it is taken, for after it there is no way
 * back. */
static enum oft_err check_delivery(const struct filling *filling)
{
    const struct desk_event *event = filling->event;
    struct oft_buffer report;
    if (event->name.id == 0 || event->order >= desk_order_count(filling->state)) {
        return OFT_OK;
    }
    const struct desk_order *order = desk_order_at(filling->state, event->order);
    struct desk_arrival arrival = {
        .order = event->order,
        .quantity = event->quantity != 0 ? event->quantity : order->quantity - order->delivered,
        .happened = event->happened,
        .pool = event->name,
        .text = event->text};
    oft_buffer_init(&report, OFT_ADMIN_BODY_BYTES_MAX);
    enum oft_err code = engine_delivery_check(filling->engine, &arrival, &report, filling->reterr);
    oft_buffer_release(&report);
    return code;
}

/* ---- the event --------------------------------------------------------------------------------- */

enum oft_err engine_desk_fill(struct engine *engine, const struct engine_desk_call *call,
                              struct oft_arena *arena, struct desk_event *event,
                              struct oft_error *reterr)
{
    struct filling filling = {.engine = engine,
                              .state = engine->desk->state,
                              .deal = engine->deal,
                              .call = call,
                              .arena = arena,
                              .event = event,
                              .reterr = reterr};
    if (engine_desk_viewer(engine, call->actor) != 0 && event->kind != DESK_OFFER_ADDED) {
        return OFT_OK; /* the rest is the customer's: a party is refused, and told nothing of the deal */
    }
    enum oft_err code = must_know(&filling, "party", deal_find_party, event->party);
    if (code == OFT_OK && event->kind == DESK_ASSIGNED) {
        code = must_know(&filling, "party", deal_find_party, event->other);
    }
    if (code != OFT_OK) {
        return code;
    }
    switch (event->kind) {
    case DESK_NEED_OPENED:
        return check_need(&filling);
    case DESK_OFFER_ADDED:
        return fill_offer(&filling);
    case DESK_SIGNED:
        return fill_signature(&filling);
    case DESK_DELIVERED:
        return check_delivery(&filling);
    case DESK_NOTICE_SENT:
        return engine_desk_notice_hash(engine->desk->state, event, event->hash);
    default:
        return OFT_OK;
    }
}
