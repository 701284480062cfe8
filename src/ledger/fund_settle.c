/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programmes at an instant: pledges and calls split by largest remainder, payments on each funder's oldest
 * calls, tranches filled in order.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/fund_internal.h"

static enum oft_err add(oft_nanos *sum, oft_nanos amount)
{
    return oft_nanos_add(*sum, amount, sum);
}

oft_instant ledger_fund_day_end(oft_instant at)
{
    int64_t into = at % OFT_NS_PER_DAY;
    oft_instant first = at - (into < 0 ? into + OFT_NS_PER_DAY : into);
    return at >= OFT_INSTANT_NEVER - OFT_NS_PER_DAY ? at : first + OFT_NS_PER_DAY - 1;
}

/* ---- splitting --------------------------------------------------------------------------------- */

/* A share and what it leaves over; ROOM is what the pledge still has. */
struct slice {
    oft_nanos rest, room;
    bool taken; /* one of what was left over, in this round */
};

static size_t most_left(const struct slice *slices, const oft_nanos *parts, size_t count,
                        bool within)
{
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        bool fits = !within || parts[i] < slices[i].room;
        if (!slices[i].taken && fits && (best == SIZE_MAX || slices[i].rest > slices[best].rest)) {
            best = i;
        }
    }
    return best;
}

/* One nano-unit each by largest remainder, ties by order; where a pledge has no room the next takes it. */
static void hand_out(struct slice *slices, oft_nanos *parts, size_t count, oft_nanos left)
{
    while (left > 0) {
        size_t next = most_left(slices, parts, count, true);
        if (next == SIZE_MAX) { /* all had one: another round, or no pledge has room any more */
            for (size_t i = 0; i < count; i++) {
                slices[i].taken = false;
            }
            next = most_left(slices, parts, count, true);
            next = next == SIZE_MAX ? most_left(slices, parts, count, false) : next;
        }
        slices[next].taken = true;
        parts[next]++;
        left--;
    }
}

/* Parts of AMOUNT by the shares of PROGRAMME. What earlier roundings (at most ROUNDINGS, a nano-unit each)
 * took of a funder's room goes to the others; anything more stays, and is refused or shown. */
static enum oft_err split(const struct deal_programme *programme, oft_nanos amount,
                          const oft_nanos *room, size_t roundings, oft_nanos *parts)
{
    size_t count = programme->funder_count;
    struct slice *slices = calloc(count + 1, sizeof(*slices));
    oft_nanos left = amount;
    enum oft_err err = slices == NULL ? OFT_ERR_MEMORY : OFT_OK;
    for (size_t i = 0; err == OFT_OK && i < count; i++) {
        oft_nanos product;
        err = oft_nanos_mul(amount, programme->funders[i].share_ppb, &product);
        if (err == OFT_OK) {
            parts[i] = product / DEAL_RATE_ONE;
            slices[i].rest = product % DEAL_RATE_ONE;
            slices[i].room = room == NULL ? amount : room[i];
            oft_nanos beyond = parts[i] - slices[i].room;
            if (beyond > 0 && slices[i].room >= 0 && beyond <= (oft_nanos)roundings) {
                parts[i] = slices[i].room;
            }
            left -= parts[i];
        }
    }
    if (err == OFT_OK && count > 0) {
        hand_out(slices, parts, count, left);
    }
    free(slices);
    return err;
}

enum oft_err ledger_fund_parts(const struct ledger_fund *fund, oft_nanos amount, oft_nanos *parts)
{
    size_t count = fund->programme->funder_count;
    oft_nanos *room = calloc(count + 1, sizeof(*room));
    enum oft_err err = room == NULL ? OFT_ERR_MEMORY : OFT_OK;
    for (size_t i = 0; err == OFT_OK && i < count; i++) {
        err = oft_nanos_sub(fund->funders[i].remaining, fund->funders[i].to_come, &room[i]);
    }
    if (err == OFT_OK) {
        size_t roundings = fund->call_count + fund->programme->call_count + 1;
        err = split(fund->programme, amount, room, roundings, parts);
    }
    free(room);
    return err;
}

/* ---- who and what ------------------------------------------------------------------------------ */

struct settling {
    const struct deal *deal;
    const struct ledger_row *rows;
    size_t row_count;
    oft_instant at;
    struct oft_arena *arena;
};

static bool is_about(const struct ledger_fund *fund, const struct ledger_row *row)
{
    return ledger_fund_kind(row->key.kind) && strcmp(row->key.clause, fund->programme->name) == 0;
}

static struct ledger_fund_funder *funder_of(struct ledger_fund *fund, const char *party)
{
    for (size_t i = 0; i < fund->funder_count; i++) {
        if (strcmp(fund->funders[i].party, party) == 0) {
            return &fund->funders[i];
        }
    }
    return NULL;
}

static enum oft_err make_funders(const struct settling *settling, struct ledger_fund *fund)
{
    const struct deal_programme *programme = fund->programme;
    size_t most = programme->funder_count + settling->row_count + 1;
    oft_nanos *pledges = oft_arena_alloc_array(settling->arena, most, sizeof(*pledges));
    fund->funders = oft_arena_alloc_array(settling->arena, most, sizeof(*fund->funders));
    if (pledges == NULL || fund->funders == NULL) {
        return OFT_ERR_MEMORY;
    }
    enum oft_err err = split(programme, programme->total_nanos, NULL, 0, pledges);
    for (uint32_t i = 0; i < programme->funder_count; i++) {
        const struct deal_funder *funder = &programme->funders[i];
        fund->funders[fund->funder_count++] =
            (struct ledger_fund_funder){.party = settling->deal->parties[funder->party].name,
                                        .role = funder->role,
                                        .in_deal = true,
                                        .share_ppb = funder->share_ppb,
                                        .said = funder->status,
                                        .pledged = pledges[i]};
    }
    for (size_t i = 0; i < settling->row_count; i++) {
        const struct ledger_row *row = &settling->rows[i];
        if (is_about(fund, row) && row->key.party[0] != '\0' && row->totals.quantity != 0 &&
            !ledger_fund_is_written(&row->key) && funder_of(fund, row->key.party) == NULL) {
            fund->funders[fund->funder_count++] =
                (struct ledger_fund_funder){.party = row->key.party, .role = ""};
        }
    }
    return err;
}

static int compare_tranches(const void *a, const void *b)
{
    const struct ledger_fund_tranche *x = a;
    const struct ledger_fund_tranche *y = b;
    return x->from != y->from ? (x->from > y->from) - (x->from < y->from)
                              : strcmp(x->name, y->name);
}

static enum oft_err make_tranches(const struct settling *settling, struct ledger_fund *fund)
{
    const struct deal_programme *programme = fund->programme;
    fund->tranches = oft_arena_alloc_array(settling->arena, (size_t)programme->tranche_count + 1,
                                           sizeof(*fund->tranches));
    if (fund->tranches == NULL) {
        return OFT_ERR_MEMORY;
    }
    enum oft_err err = OFT_OK;
    for (uint32_t i = 0; err == OFT_OK && i < programme->tranche_count; i++) {
        const struct deal_tranche *tranche = &programme->tranches[i];
        bool open = settling->at >= tranche->from;
        fund->tranches[fund->tranche_count++] = (struct ledger_fund_tranche){
            tranche->name, tranche->from, tranche->amount_nanos, open, 0};
        err = open ? add(&fund->opened, tranche->amount_nanos) : OFT_OK;
    }
    if (programme->tranche_count == 0) {
        fund->opened = programme->total_nanos;
    }
    qsort(fund->tranches, fund->tranche_count, sizeof(*fund->tranches), compare_tranches);
    return err;
}

/* ---- calls ------------------------------------------------------------------------------------- */

static int compare_calls(const void *a, const void *b)
{
    const struct ledger_fund_call *x = a;
    const struct ledger_fund_call *y = b;
    if (x->on != y->on) {
        return x->on < y->on ? -1 : 1;
    }
    return x->written != y->written ? (x->written ? -1 : 1)
                                    : (x->number > y->number) - (x->number < y->number);
}

static enum oft_err new_call(const struct settling *settling, struct ledger_fund *fund,
                             const struct ledger_fund_call *like, struct ledger_fund_call **ret)
{
    struct ledger_fund_call *call = &fund->calls[fund->call_count++];
    *call = *like;
    call->past_due = settling->at > ledger_fund_day_end(call->due);
    call->parts =
        oft_arena_alloc_array(settling->arena, fund->funder_count + 1, sizeof(*call->parts));
    (void)snprintf(call->name, sizeof(call->name), "%s-%u", call->written ? "written" : "call",
                   call->number);
    *ret = call;
    return call->parts == NULL ? OFT_ERR_MEMORY : OFT_OK;
}

/* Written calls in order of their days; those still to come are only counted. */
static enum oft_err written_calls(const struct settling *settling, struct ledger_fund *fund)
{
    const struct deal_programme *programme = fund->programme;
    size_t funders = programme->funder_count;
    size_t count = programme->call_count;
    struct ledger_fund_call *order =
        oft_arena_alloc_array(settling->arena, count + 1, sizeof(*order));
    oft_nanos *room = oft_arena_alloc_array(settling->arena, funders + 1, sizeof(*room));
    oft_nanos *parts = oft_arena_alloc_array(settling->arena, funders + 1, sizeof(*parts));
    enum oft_err err = order == NULL || room == NULL || parts == NULL ? OFT_ERR_MEMORY : OFT_OK;
    for (size_t i = 0; err == OFT_OK && i < count; i++) {
        const struct deal_call *call = &programme->calls[i];
        order[i] = (struct ledger_fund_call){.written = true,
                                             .number = (uint32_t)i + 1,
                                             .on = call->on,
                                             .due = call->due,
                                             .amount = call->amount_nanos};
    }
    for (size_t i = 0; err == OFT_OK && i < funders; i++) {
        room[i] = fund->funders[i].pledged;
    }
    if (err == OFT_OK) {
        qsort(order, count, sizeof(*order), compare_calls);
    }
    for (size_t i = 0; err == OFT_OK && i < count; i++) {
        struct ledger_fund_call *call = NULL;
        bool made = order[i].on <= settling->at;
        err = split(programme, order[i].amount, room, i, parts);
        if (err == OFT_OK) {
            err = made ? new_call(settling, fund, &order[i], &call)
                       : add(&fund->to_come, order[i].amount);
        }
        for (size_t j = 0; err == OFT_OK && j < funders; j++) {
            room[j] -= parts[j];
            if (made) {
                call->parts[j].amount = parts[j];
            } else {
                err = add(&fund->funders[j].to_come, parts[j]);
            }
        }
    }
    return err;
}

/* A call that somebody made, by one row of it. */
static enum oft_err told_call(const struct settling *settling, struct ledger_fund *fund,
                              const struct ledger_row *row)
{
    struct ledger_fund_call like = {0};
    struct ledger_fund_call *call = NULL;
    if (!ledger_fund_number(&row->key, &like.number) ||
        oft_instant_parse(oft_str_from(row->key.model), &like.on) != OFT_OK ||
        oft_instant_parse(oft_str_from(row->key.pool), &like.due) != OFT_OK) {
        return OFT_ERR_CORRUPT;
    }
    fund->last_call = like.number > fund->last_call ? like.number : fund->last_call;
    if (like.on > settling->at || row->totals.quantity == 0) {
        return OFT_OK;
    }
    for (size_t i = 0; call == NULL && i < fund->call_count; i++) {
        bool same = !fund->calls[i].written && fund->calls[i].number == like.number;
        call = same ? &fund->calls[i] : NULL;
    }
    enum oft_err err = call == NULL ? new_call(settling, fund, &like, &call) : OFT_OK;
    const struct ledger_fund_funder *funder = funder_of(fund, row->key.party);
    if (err == OFT_OK && funder == NULL) {
        err = OFT_ERR_CORRUPT;
    }
    if (err == OFT_OK) {
        err = add(&call->parts[funder - fund->funders].amount, row->totals.quantity);
    }
    return err == OFT_OK ? add(&call->amount, row->totals.quantity) : err;
}

/* ---- money ------------------------------------------------------------------------------------- */

static enum oft_err take_draw(struct ledger_fund *fund, const struct ledger_row *row)
{
    struct ledger_fund_drawn *drawn = NULL;
    for (size_t i = 0; drawn == NULL && i < fund->order_count; i++) {
        drawn = strcmp(fund->orders[i].order, row->key.product) == 0 ? &fund->orders[i] : NULL;
    }
    if (drawn == NULL) {
        drawn = &fund->orders[fund->order_count++];
        drawn->order = row->key.product;
    }
    enum oft_err err = add(&drawn->amount, row->totals.quantity);
    return err == OFT_OK ? add(&fund->drawn, row->totals.quantity) : err;
}

static enum oft_err take_money(const struct settling *settling, struct ledger_fund *fund,
                               const struct ledger_row *row)
{
    oft_instant day;
    if (oft_instant_parse(oft_str_from(row->key.pool), &day) != OFT_OK) {
        return OFT_ERR_CORRUPT;
    }
    if (day > settling->at || row->totals.quantity == 0) {
        return OFT_OK;
    }
    if (row->key.kind == LEDGER_FUND_DRAW) {
        return take_draw(fund, row);
    }
    struct ledger_fund_funder *funder = funder_of(fund, row->key.party);
    return funder == NULL ? OFT_ERR_CORRUPT : add(&funder->paid, row->totals.quantity);
}

static enum oft_err take_rows(const struct settling *settling, struct ledger_fund *fund)
{
    enum oft_err err = OFT_OK;
    for (size_t i = 0; err == OFT_OK && i < settling->row_count; i++) {
        const struct ledger_row *row = &settling->rows[i];
        if (!is_about(fund, row) || ledger_fund_is_written(&row->key)) {
            continue;
        }
        err = row->key.kind == LEDGER_FUND_CALL ? told_call(settling, fund, row)
                                                : take_money(settling, fund, row);
    }
    return err;
}

/* A funder's calls, the oldest first, out of what it paid. */
static enum oft_err pay_calls(struct ledger_fund *fund, size_t place)
{
    struct ledger_fund_funder *funder = &fund->funders[place];
    oft_nanos left = funder->paid;
    enum oft_err err = OFT_OK;
    for (size_t i = 0; err == OFT_OK && i < fund->call_count; i++) {
        struct ledger_fund_call *call = &fund->calls[i];
        struct ledger_fund_part *part = &call->parts[place];
        part->paid = left < part->amount ? left : part->amount;
        left -= part->paid;
        oft_nanos open = part->amount - part->paid;
        err = add(&funder->called, part->amount);
        if (err == OFT_OK && call->past_due) {
            funder->overdue += open;
            call->overdue += open;
        }
        funder->outstanding += open;
        call->paid += part->paid;
    }
    return err == OFT_OK ? oft_nanos_sub(funder->pledged, funder->called, &funder->remaining) : err;
}

static enum deal_pledge_status status_of(const struct ledger_fund_funder *funder)
{
    enum deal_pledge_status status = funder->said;
    if (funder->called > 0) {
        bool all = funder->remaining <= 0 && funder->outstanding == 0;
        enum deal_pledge_status reached = all ? DEAL_PLEDGE_PAID : DEAL_PLEDGE_CALLED;
        status = reached > status ? reached : status;
    }
    return status;
}

static enum oft_err sum_up(struct ledger_fund *fund)
{
    enum oft_err err = OFT_OK;
    for (size_t i = 0; err == OFT_OK && i < fund->call_count; i++) {
        err = add(&fund->called, fund->calls[i].amount);
    }
    for (size_t i = 0; err == OFT_OK && i < fund->funder_count; i++) {
        struct ledger_fund_funder *funder = &fund->funders[i];
        err = pay_calls(fund, i);
        if (err == OFT_OK) {
            funder->status = status_of(funder);
            fund->outstanding += funder->outstanding; /* each within what was called */
            fund->overdue += funder->overdue;
            err = add(&fund->paid, funder->paid);
        }
    }
    oft_nanos left = fund->called;
    for (size_t i = 0; i < fund->tranche_count; i++) {
        struct ledger_fund_tranche *tranche = &fund->tranches[i];
        tranche->called = left < tranche->amount ? left : tranche->amount;
        tranche->called = tranche->open ? tranche->called : 0;
        left -= tranche->called;
    }
    if (err == OFT_OK) {
        err = oft_nanos_sub(fund->programme->total_nanos, fund->called, &fund->remaining);
    }
    return err == OFT_OK ? oft_nanos_sub(fund->paid, fund->drawn, &fund->undrawn) : err;
}

static enum oft_err settle_one(const struct settling *settling, struct ledger_fund *fund)
{
    size_t most = settling->row_count + fund->programme->call_count + 1;
    fund->calls = oft_arena_alloc_array(settling->arena, most, sizeof(*fund->calls));
    fund->orders = oft_arena_alloc_array(settling->arena, most, sizeof(*fund->orders));
    if (fund->calls == NULL || fund->orders == NULL) {
        return OFT_ERR_MEMORY;
    }
    enum oft_err err = make_funders(settling, fund);
    if (err == OFT_OK) {
        err = make_tranches(settling, fund);
    }
    if (err == OFT_OK) {
        err = written_calls(settling, fund);
    }
    if (err == OFT_OK) {
        err = take_rows(settling, fund);
    }
    qsort(fund->calls, fund->call_count, sizeof(*fund->calls), compare_calls);
    return err == OFT_OK ? sum_up(fund) : err;
}

enum oft_err ledger_funds_settle(const struct deal *deal, const struct ledger_row *rows,
                                 size_t row_count, oft_instant at, struct oft_arena *arena,
                                 struct ledger_fund **ret_funds, size_t *ret_count)
{
    struct settling settling = {deal, rows, row_count, at, arena};
    struct ledger_fund *funds =
        oft_arena_alloc_array(arena, (size_t)deal->programme_count + 1, sizeof(*funds));
    enum oft_err err = funds == NULL ? OFT_ERR_MEMORY : OFT_OK;
    for (uint32_t i = 0; err == OFT_OK && i < deal->programme_count; i++) {
        funds[i].deal = deal;
        funds[i].programme = &deal->programmes[i];
        funds[i].at = at;
        err = settle_one(&settling, &funds[i]);
    }
    *ret_funds = funds;
    *ret_count = deal->programme_count;
    return err;
}

const struct ledger_fund *ledger_fund_find(const struct ledger_fund *funds, size_t count,
                                           const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(funds[i].programme->name, name) == 0) {
            return &funds[i];
        }
    }
    return NULL;
}
