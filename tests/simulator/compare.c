/* SPDX-License-Identifier: Apache-2.0 */
/* The desk's rows against the second reading's, one by one. */
#include "sim.h"

#define OUTSIDE(world, property, index, what, desk, page)                                         \
    sim_fail(world, property, "lot-%u: %s is %lld; by the page %lld (%s, %s)", (index) + 1, what, \
             (long long)(desk), (long long)(page),                                                \
             desk_lot_state_name((enum desk_lot_state)row->state),                                \
             desk_lot_state_name((enum desk_lot_state)lot->state))

/* Rows of notices need not have the same numbers: ours follow the desk's, round by round. */
void sim_map_notices(struct sim_world *world)
{
    struct model *model = world->model;
    uint32_t count = desk_lot_count(world->desk);

    for (uint32_t i = 0; i < model->lot_count && i < count; i++) {
        const struct model_lot *lot = &model->lots[i];
        const struct desk_lot *row = desk_lot_at(world->desk, i);

        if (lot->count == 0 || row->notice_count != lot->count ||
            model->notices[lot->first].desk_index != DESK_NONE) {
            continue;
        }
        for (uint32_t n = 0; n < lot->count; n++) {
            uint32_t desk = row->first_notice + n;

            model->notices[lot->first + n].desk_index = desk;
            if (desk < MODEL_NOTICES_MAX) {
                model->by_desk[desk] = lot->first + n;
            }
        }
    }
}

static bool same_terms(struct desk_terms a, struct desk_terms b)
{
    if (a.count != b.count) {
        return false;
    }
    for (uint32_t i = 0; i < a.count; i++) {
        const struct desk_term *x = &a.items[i], *y = &b.items[i];

        if (x->name.id != y->name.id || x->kind != y->kind || x->number != y->number ||
            x->text.id != y->text.id || x->cash_nanos != y->cash_nanos) {
            return false;
        }
    }
    return true;
}

static bool compare_notice(struct sim_world *world, uint32_t index)
{
    const struct model_notice *notice = &world->model->notices[index];
    const struct desk_notice *row;

    if (notice->desk_index == DESK_NONE || world->model->by_desk[notice->desk_index] != index) {
        return true;
    }
    row = desk_notice_at(world->desk, notice->desk_index);
    if (notice->state == DESK_NOTICE_VOID) {
        return (row->state != DESK_NOTICE_SENT_STATE && row->state != DESK_NOTICE_OPEN) ||
               sim_fail(world, 4, "notice-%u still runs; by the page it is void",
                        notice->desk_index + 1);
    }
    if (row->holder.id != notice->holder || row->rank != notice->rank) {
        return sim_fail(world, 6,
                        "notice-%u is to another holder or of another rank than the page has",
                        notice->desk_index + 1);
    }
    if (row->state != notice->state) {
        return sim_fail(world, 4, "notice-%u is %s; by the page %s", notice->desk_index + 1,
                        desk_notice_state_text((enum desk_notice_state)row->state),
                        desk_notice_state_text((enum desk_notice_state)notice->state));
    }
    if (notice->state == DESK_NOTICE_OPEN &&
        (row->delivered != notice->delivered || row->respond_by != notice->respond_by ||
         row->object_by != notice->object_by)) {
        return sim_fail(
            world, 4,
            "notice-%u: delivered %lld, respond %lld, object %lld; by the page %lld, %lld, "
            "%lld",
            notice->desk_index + 1, (long long)row->delivered, (long long)row->respond_by,
            (long long)row->object_by, (long long)notice->delivered, (long long)notice->respond_by,
            (long long)notice->object_by);
    }
    if (notice->state <= DESK_NOTICE_OPEN && row->entitled != notice->entitled) {
        return sim_fail(world, 2, "notice-%u: entitled to %llu; by the page %llu",
                        notice->desk_index + 1, (unsigned long long)row->entitled,
                        (unsigned long long)notice->entitled);
    }
    if (row->countered != notice->countered && notice->state == DESK_NOTICE_OPEN) {
        return sim_fail(world, 3, "notice-%u: a counter is %s", notice->desk_index + 1,
                        row->countered ? "recorded that is none" : "not recorded");
    }
    return true;
}

/* Which property a wrong state offends. */
static unsigned of_state(const struct desk_lot *row, const struct model_lot *lot)
{
    if (row->state == DESK_LOT_VOID || lot->state == DESK_LOT_VOID) {
        return 10;
    }
    if (lot->why == DESK_WHY_TIME && !desk_lot_final((enum desk_lot_state)row->state)) {
        return 7; /* it goes on for ever */
    }
    if (row->state == DESK_LOT_ELECTED) {
        return 3;
    }
    if (row->state == DESK_LOT_EXEMPT || lot->state == DESK_LOT_EXEMPT) {
        return row->flags != lot->flags ? 9 : SIM_PAGE;
    }
    return SIM_PAGE;
}

/* Of several reasons why nobody took it the page does not say which is told. */
static bool unheard(uint8_t why)
{
    return why == DESK_WHY_DECLINED || why == DESK_WHY_LAPSED || why == DESK_WHY_NO_STANDING;
}

/* A number to tell terms apart by in a message. */
static int64_t told(struct desk_terms terms)
{
    int64_t sum = terms.count;

    for (uint32_t i = 0; i < terms.count; i++) {
        sum += (int64_t)terms.items[i].number;
    }
    return sum;
}

static bool compare_lot(struct sim_world *world, uint32_t i)
{
    const struct desk_lot *row = desk_lot_at(world->desk, i);
    const struct model_lot *lot = &world->model->lots[i];

    if (row->flags != lot->flags) {
        return OUTSIDE(world, 9, i, "flags", row->flags, lot->flags);
    }
    if (row->right != lot->right || row->need != lot->need || row->offer != lot->offer ||
        row->root != lot->root) {
        return OUTSIDE(world, SIM_PAGE, i, "its right", row->right, lot->right);
    }
    if (row->state != lot->state) {
        return OUTSIDE(world, of_state(row, lot), i, "state", row->state, lot->state);
    }
    if (row->quantity != lot->quantity) {
        return OUTSIDE(world, 2, i, "quantity", row->quantity, lot->quantity);
    }
    if (row->since != lot->since && lot->state > DESK_LOT_OPEN) {
        return OUTSIDE(world, lot->state == DESK_LOT_VOID ? 10 : SIM_PAGE, i, "since", row->since,
                       lot->since);
    }
    if (row->why != lot->why && !(unheard(row->why) && unheard(lot->why))) {
        return OUTSIDE(world, SIM_PAGE, i, "why", row->why, lot->why);
    }
    if (lot->deadline != OFT_INSTANT_NEVER && row->deadline != lot->deadline) {
        return OUTSIDE(world, 7, i, "deadline", row->deadline, lot->deadline);
    }
    if (lot->state <= DESK_LOT_OVERALLOT && lot->state != DESK_LOT_DRAFT &&
        (row->rank != lot->rank || row->notice_count != lot->count ||
         row->reoffer != lot->reoffer)) {
        return OUTSIDE(world, 6, i, "round",
                       row->rank * 1000 + row->notice_count * 10 + row->reoffer,
                       lot->rank * 1000 + lot->count * 10 + lot->reoffer);
    }
    if (lot->ever_noticed && !same_terms(row->noticed, lot->noticed)) {
        return OUTSIDE(world, 5, i, "what was noticed", told(row->noticed), told(lot->noticed));
    }
    if (lot->state == DESK_LOT_ELECTED && row->tendered != lot->tendered) {
        return OUTSIDE(world, SIM_PAGE, i, "tendered", row->tendered, lot->tendered);
    }
    return true;
}

static bool compare_order(struct sim_world *world, uint32_t i)
{
    const struct desk_order *row = desk_order_at(world->desk, i);
    const struct model_order *order = &world->model->orders[i];

    if (row->quantity != order->quantity || row->delivered != order->delivered ||
        row->failed != order->failed) {
        return sim_fail(world, 2,
                        "order-%u: %llu of %llu arrived, %llu failed; by the page %llu, %llu",
                        i + 1, (unsigned long long)row->delivered,
                        (unsigned long long)row->quantity, (unsigned long long)row->failed,
                        (unsigned long long)order->delivered, (unsigned long long)order->failed);
    }
    if (row->state != order->state || row->deliver_by != order->deliver_by ||
        row->cure_until != order->cure_until) {
        return sim_fail(world, SIM_PAGE, "order-%u: %s by %lld, %lld; by the page %s by %lld, %lld",
                        i + 1, desk_order_state_text((enum desk_order_state)row->state),
                        (long long)row->deliver_by, (long long)row->cure_until,
                        desk_order_state_text((enum desk_order_state)order->state),
                        (long long)order->deliver_by, (long long)order->cure_until);
    }
    return true;
}

static bool compare_rights(struct sim_world *world)
{
    struct model *model = world->model;

    for (uint32_t i = 0; i < model->right_count; i++) {
        enum desk_right_state desk = desk_right_state_at(world->desk, i);
        enum desk_right_state page = model_right_state(model, i, model->clock);

        if (desk != page && !(model->rights[i].exhausted && desk == DESK_RIGHT_EXHAUSTED)) {
            return sim_fail(world, 10, "right %u is %s; by the page %s", i,
                            desk_right_state_text(desk), desk_right_state_text(page));
        }
    }
    return true;
}

bool sim_compare(struct sim_world *world)
{
    struct model *model = world->model;

    if (model->full) {
        return false;
    }
    if (desk_lot_count(world->desk) != model->lot_count ||
        desk_need_count(world->desk) != model->need_count ||
        desk_offer_count(world->desk) != model->offer_count ||
        desk_order_count(world->desk) != model->order_count ||
        desk_right_count(world->desk) != model->right_count) {
        return sim_fail(world, SIM_PAGE, "%u lots, %u orders; by the page %u, %u",
                        desk_lot_count(world->desk), desk_order_count(world->desk),
                        model->lot_count, model->order_count);
    }
    for (uint32_t i = 0; i < model->lot_count; i++) {
        if (!compare_lot(world, i)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < model->notice_count; i++) {
        if (!compare_notice(world, i)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < model->order_count; i++) {
        if (!compare_order(world, i)) {
            return false;
        }
    }
    return compare_rights(world);
}
