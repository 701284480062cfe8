/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One commitment from its beginning to an instant: pieces of spend and ends of measuring periods in order
 * of time. The rules are those of docs/books.md, "Commitments". Amounts here stay below what the deal's
 * checker and the checked sums of the rows allow; every sum is checked all the same.
 */
#include "ledger/commit_walk.h"

static enum oft_err add(oft_nanos *sum, oft_nanos amount)
{
    return oft_nanos_add(*sum, amount, sum);
}

static oft_nanos least(oft_nanos a, oft_nanos b)
{
    return a < b ? a : b;
}

static oft_nanos above(oft_nanos amount, oft_nanos floor)
{
    return amount > floor ? amount - floor : 0;
}

oft_nanos commit_progress(const struct commit_walk *walk)
{
    return walk->counted + walk->settled + walk->carried - walk->not_net;
}

static oft_nanos required(const struct commit_walk *walk)
{
    return walk->terms.commit->amount_nanos + walk->rolled_in;
}

static void put_due(struct commit_walk *walk, uint32_t clause, int32_t month, enum ledger_due due,
                    oft_instant by, oft_nanos amount)
{
    if (amount != 0) {
        walk->dues[walk->due_count++] = (struct ledger_due_item){clause, month, due, by, amount};
    }
}

/* ---- what comes from before ------------------------------------------------------------------- */

/* What credits OLD left, each under the clause that it is booked under, in the order in which OLD drew
 * them. */
static void put_credits(struct commit_walk *walk, const struct ledger_settlement *old, bool goes_on)
{
    for (int settled = 0; settled < 2; settled++) {
        for (size_t i = 0; i < old->credit_count; i++) {
            if (old->credits[i].settled == (settled != 0)) {
                struct ledger_credit it = old->credits[i];
                it.settled = it.settled && goes_on;
                walk->credits[walk->credit_count++] = it;
            }
        }
    }
}

/* The predecessor's rest, excess and credit, once it is over; as of TIME, so that what was settled
 * before that stays settled. */
static enum oft_err take_carry(struct commit_walk *walk, oft_instant time)
{
    const struct ledger_settlement *old = walk->before;
    if (old == NULL || walk->carry_taken || old->ended > time || old->ended > walk->at ||
        old->successor != walk->result->clause) {
        return OFT_OK;
    }
    walk->carry_taken = true;
    put_credits(walk, old, false);
    enum oft_err err = add(&walk->rolled_in, old->rolled_rest);
    return err != OFT_OK ? err : add(&walk->carried, old->rolled_excess);
}

/* An amendment goes on where the version before it stood, if it is about the same period. */
static void take_version(struct commit_walk *walk)
{
    const struct ledger_settlement *old = walk->amended;
    if (old == NULL) {
        return;
    }
    const struct deal_commit *commit = &walk->deal->clauses[old->clause].as.commit;
    bool same = commit->period_from == walk->terms.commit->period_from;
    put_credits(walk, old, same);
    if (same) {
        walk->settled = old->settled;
        walk->carried = old->carried;
        walk->rolled_in = old->required - commit->amount_nanos;
        walk->over = above(commit_progress(walk), required(walk)); /* no piece rose to that */
    }
}

/* How much of AMOUNT, spent in PIECE, the predecessor leaves to this one. */
static oft_nanos left_by_predecessor(struct commit_walk *walk, const struct commit_piece *piece,
                                     oft_nanos amount)
{
    const struct ledger_settlement *old = walk->before;
    if (old == NULL || old->ended <= piece->place || old->complete_month < piece->month) {
        return amount;
    }
    if (walk->room_month != piece->month) {
        walk->room_month = piece->month;
        walk->month_room = 0;
        for (size_t i = 0; i < old->month_count; i++) {
            walk->month_room += old->months[i].month == piece->month ? old->months[i].released : 0;
        }
    }
    oft_nanos taken = least(amount, walk->month_room);
    walk->month_room -= taken;
    return taken;
}

/* ---- spend ------------------------------------------------------------------------------------ */

static enum oft_err draw(struct commit_walk *walk, struct ledger_credit *credit, int32_t month,
                         oft_nanos *amount)
{
    oft_nanos drawn = least(credit->left, *amount);
    credit->left -= drawn;
    *amount -= drawn;
    put_due(walk, credit->clause, month, LEDGER_DUE_DRAWN, OFT_INSTANT_NEVER, -drawn);
    if (credit->settled) {
        return oft_nanos_sub(walk->settled, drawn, &walk->settled);
    }
    return walk->terms.net ? add(&walk->not_net, drawn) : OFT_OK;
}

/* A predecessor's first; of these in the order in which they came. */
static enum oft_err draw_all(struct commit_walk *walk, int32_t month, oft_nanos amount)
{
    enum oft_err err = OFT_OK;
    for (int settled = 0; settled < 2; settled++) {
        for (size_t i = 0; err == OFT_OK && i < walk->credit_count; i++) {
            if (walk->credits[i].settled == (settled != 0)) {
                err = draw(walk, &walk->credits[i], month, &amount);
            }
        }
    }
    return err;
}

/* The successor that runs beside this one takes what is beyond the amount. */
static bool is_released(const struct commit_walk *walk, const struct commit_piece *piece)
{
    if (walk->terms.successor == DEAL_NONE) {
        return false;
    }
    const struct deal_commit *next = &walk->deal->clauses[walk->terms.successor].as.commit;
    return next->period_from <= piece->place && piece->place < next->period_until;
}

static enum oft_err exceed(struct commit_walk *walk, const struct commit_piece *piece,
                           struct ledger_counted_month *month)
{
    oft_nanos over = above(commit_progress(walk), required(walk));
    oft_nanos more = above(over, walk->over);
    oft_nanos rolled = 0;
    oft_nanos surcharge;
    walk->over = over;
    if (commit_progress(walk) >= required(walk) && walk->result->complete_month == INT32_MAX) {
        walk->result->complete_month = piece->month;
    }
    if (more == 0 || piece->inherited) {
        return OFT_OK;
    }
    if (is_released(walk, piece)) {
        month->released += more;
        return OFT_OK;
    }
    enum oft_err err = add(&walk->excess, more);
    if (err == OFT_OK && walk->terms.successor != DEAL_NONE && walk->terms.roll != NULL) {
        err = commit_bounded(walk->terms.roll, walk->excess, walk->excess, &rolled);
    }
    if (err == OFT_OK) {
        err = oft_nanos_mul_div_half_even(walk->excess - rolled,
                                          walk->terms.overage_ppb - DEAL_RATE_ONE, DEAL_RATE_ONE,
                                          &surcharge);
    }
    if (err == OFT_OK) {
        put_due(walk, walk->result->clause, piece->month, LEDGER_DUE_OVERAGE, OFT_INSTANT_NEVER,
                surcharge - walk->surcharge);
        walk->surcharge = surcharge;
        walk->result->rolled_excess = rolled;
    }
    return err;
}

static struct ledger_counted_month *month_of(struct commit_walk *walk, int32_t month)
{
    if (walk->month_count == 0 || walk->months[walk->month_count - 1].month != month) {
        walk->months[walk->month_count++] = (struct ledger_counted_month){.month = month};
    }
    return &walk->months[walk->month_count - 1];
}

/* The next piece counts, in the measuring period of a milestone or whole that asks for TARGET. */
static enum oft_err spend(struct commit_walk *walk, const struct commit_piece *piece,
                          oft_nanos target, bool invoiced)
{
    struct ledger_counted_month *month = month_of(walk, piece->month);
    oft_nanos market;
    oft_nanos eligible;
    enum oft_err err = add(&walk->direct, piece->direct);
    if (err == OFT_OK) {
        err = add(&walk->market, piece->market);
    }
    if (err == OFT_OK) {
        err = commit_bounded(walk->terms.marketplace, walk->market, target, &market);
    }
    if (err == OFT_OK) {
        err = oft_nanos_add(walk->direct, market, &eligible);
    }
    if (err != OFT_OK) {
        return err;
    }
    oft_nanos amount = above(eligible, walk->eligible);
    walk->eligible = eligible > walk->eligible ? eligible : walk->eligible;
    walk->result->above_cap = walk->market - market;
    amount = left_by_predecessor(walk, piece, amount);
    month->counted += amount;
    if (!invoiced) {
        return add(&walk->result->waiting, amount);
    }
    err = add(&walk->counted, amount);
    if (err == OFT_OK && !piece->inherited) {
        err = draw_all(walk, piece->month, amount);
    }
    return err == OFT_OK ? exceed(walk, piece, month) : err;
}

/* ---- the ends of measuring periods ------------------------------------------------------------ */

/* What is missing at the end of MEASURE is divided: a part goes on, the rest is settled now. */
static enum oft_err settle(struct commit_walk *walk, struct ledger_measure *measure)
{
    bool last = measure->kind == LEDGER_MEASURE_WHOLE;
    oft_nanos rest;
    if (walk->terms.roll != NULL && (!last || walk->terms.successor != DEAL_NONE)) {
        enum oft_err err =
            commit_bounded(walk->terms.roll, measure->missing, measure->missing, &measure->rolled);
        if (err != OFT_OK) {
            return err;
        }
    }
    rest = measure->missing - measure->rolled;
    if (last) {
        walk->result->rolled_rest = measure->rolled;
    }
    int32_t month = deal_month_of(walk->deal, measure->by - 1);
    uint32_t clause = walk->result->clause;
    if (walk->terms.fate == COMMIT_FATE_PAID) {
        measure->owed = rest;
        put_due(walk, clause, month, LEDGER_DUE_CASH, measure->by, rest);
    } else if (walk->terms.fate == COMMIT_FATE_CREDIT) {
        measure->credit = rest;
        walk->credits[walk->own_credit].left += rest;
        put_due(walk, clause, month, LEDGER_DUE_CREDIT, measure->by, rest);
    } else {
        measure->forfeited = rest;
    }
    return add(&walk->settled, rest);
}

static enum oft_err close(struct commit_walk *walk, struct ledger_measure *measure)
{
    enum oft_err err = take_carry(walk, measure->by);
    if (err != OFT_OK) {
        return err;
    }
    if (measure->kind == LEDGER_MEASURE_WHOLE) {
        measure->required = required(walk);
    }
    measure->progress = commit_progress(walk);
    measure->missing = above(measure->required, measure->progress);
    bool earlier = walk->amended != NULL && measure->by <= walk->terms.clause->from;
    if (earlier || (measure->by > walk->terms.ended && walk->at >= walk->terms.ended)) {
        measure->state = LEDGER_MEASURE_LAPSED;
        return OFT_OK;
    }
    if (walk->at < measure->by) {
        measure->state = LEDGER_MEASURE_OPEN;
        return OFT_OK;
    }
    measure->state = measure->missing == 0 ? LEDGER_MEASURE_MET : LEDGER_MEASURE_SHORT;
    return measure->kind == LEDGER_MEASURE_RAMP ? OFT_OK : settle(walk, measure);
}

/* The cap of the marketplace is a part of what the next binding measure asks for. */
static oft_nanos target_of(const struct commit_walk *walk, size_t measure)
{
    while (walk->measures[measure].kind == LEDGER_MEASURE_RAMP) {
        measure++;
    }
    return walk->measures[measure].required;
}

static enum oft_err walk_to(struct commit_walk *walk, size_t index)
{
    struct ledger_measure *measure = &walk->measures[index];
    enum oft_err err = OFT_OK;
    for (; err == OFT_OK && walk->next_piece < walk->piece_count; walk->next_piece++) {
        const struct commit_piece *piece = &walk->pieces[walk->next_piece];
        bool invoiced = !walk->terms.invoice || piece->until <= walk->at;
        bool within =
            walk->terms.invoice ? piece->until <= measure->by : piece->place < measure->by;
        if (!within || piece->place >= walk->at) {
            break;
        }
        err = take_carry(walk, piece->place);
        if (err == OFT_OK) {
            err = spend(walk, piece, target_of(walk, index), invoiced);
        }
    }
    return err == OFT_OK ? close(walk, measure) : err;
}

static enum ledger_commit_state state_of(const struct commit_walk *walk)
{
    const struct ledger_measure *whole = &walk->measures[walk->measure_count - 1];
    if (whole->state == LEDGER_MEASURE_LAPSED) {
        return LEDGER_COMMIT_LAPSED;
    }
    if (whole->state == LEDGER_MEASURE_SHORT) {
        return LEDGER_COMMIT_SHORT;
    }
    if (whole->state == LEDGER_MEASURE_MET || commit_progress(walk) >= required(walk)) {
        return LEDGER_COMMIT_COMPLETE;
    }
    if (walk->at < walk->terms.commit->period_from || walk->at < walk->terms.clause->from) {
        return LEDGER_COMMIT_NOT_BEGUN;
    }
    const struct ledger_settlement *old = walk->before;
    bool waits = old != NULL && old->ended > walk->at && old->complete_month == INT32_MAX;
    return waits ? LEDGER_COMMIT_WAITING : LEDGER_COMMIT_RUNNING;
}

/* When its counting can have begun: for the pace of a forecast. */
static oft_instant begins(const struct commit_walk *walk)
{
    const struct ledger_settlement *old = walk->before;
    oft_instant from = walk->terms.commit->period_from;
    if (walk->amended == NULL && walk->terms.clause->from > from) {
        from = walk->terms.clause->from;
    }
    if (old == NULL || old->ended <= from) {
        return from;
    }
    oft_instant after = old->ended;
    if (old->complete_month != INT32_MAX &&
        deal_month_start(walk->deal, old->complete_month) < after) {
        after = deal_month_start(walk->deal, old->complete_month);
    }
    return after > from ? after : from;
}

enum oft_err commit_walk(struct commit_walk *walk)
{
    struct ledger_settlement *result = walk->result;
    enum oft_err err = OFT_OK;
    result->complete_month = INT32_MAX;
    walk->room_month = INT32_MIN;
    take_version(walk);
    walk->own_credit = walk->credit_count;
    walk->credits[walk->credit_count++] = (struct ledger_credit){result->clause, true, 0};
    for (size_t i = 0; err == OFT_OK && i < walk->measure_count; i++) {
        err = walk_to(walk, i);
    }
    if (err != OFT_OK) {
        return err;
    }
    result->state = state_of(walk);
    result->begins = begins(walk);
    result->required = required(walk);
    result->counted = walk->counted;
    result->settled = walk->settled - walk->not_net;
    result->carried = walk->carried;
    result->progress = commit_progress(walk);
    result->excess = walk->excess;
    result->overage = walk->surcharge;
    for (size_t i = 0; i < walk->credit_count; i++) {
        const struct ledger_credit *it = &walk->credits[i];
        result->credit_left += it->left;
        result->own_credit_left += it->settled || walk->terms.net ? it->left : 0;
    }
    result->credits = walk->credits;
    result->credit_count = walk->credit_count;
    result->measures = walk->measures;
    result->measure_count = walk->measure_count;
    result->dues = walk->dues;
    result->due_count = walk->due_count;
    result->months = walk->months;
    result->month_count = walk->month_count;
    result->ended = walk->terms.ended;
    result->successor = walk->terms.successor;
    return OFT_OK;
}
