/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capacity that is paid for by the hour, used or not. Hours are counted from the arrival on, and an hour
 * belongs whole to where its first instant lies: to one month, and to the commitments that count then.
 * So a total is a function of the charges and of how far they are reckoned, and of nothing that was
 * posted before: reckoning twice, or in other steps, changes nothing.
 */
#include "ledger/internal.h"

#define HOUR_NS ((oft_nanos)3600 * OFT_NS_PER_SECOND)

/* One charge, as far as it is reckoned. */
struct accrual {
    const struct ledger_charge *charge;
    const struct ledger_context *context;
    oft_nanos hours;   /* that are over */
    uint32_t provider; /* DEAL_NONE when the deal no longer has it */
    uint32_t product;  /* the same */
    oft_instant month_from, month_until;
    int32_t month;
};

/* How many of the accrual's hours begin before AT. */
static oft_nanos hours_before(const struct accrual *it, oft_instant at)
{
    oft_nanos distance = (oft_nanos)at - it->charge->from;
    oft_nanos begun = distance <= 0 ? 0 : (distance + HOUR_NS - 1) / HOUR_NS;
    return begun < it->hours ? begun : it->hours;
}

static oft_nanos hours_within(const struct accrual *it, oft_instant from, oft_instant until)
{
    return from < until ? hours_before(it, until) - hours_before(it, from) : 0;
}

static oft_instant later(oft_instant a, oft_instant b)
{
    return a > b ? a : b;
}

static oft_instant earlier(oft_instant a, oft_instant b)
{
    return a < b ? a : b;
}

static enum oft_err owe(struct ledger_batch *batch, const struct accrual *it)
{
    const struct ledger_charge *charge = it->charge;
    struct ledger_series wanted = {.parent = SIZE_MAX, .cap_nanos = -1, .is_total = true};
    oft_nanos hours = hours_within(it, it->month_from, it->month_until);
    oft_nanos quantity;
    size_t index;
    wanted.key.kind = LEDGER_COST;
    wanted.key.month = it->month;
    wanted.key.unit = charge->unit;
    if (LEDGER_PUT_NAME(wanted.key.pool, charge->pool) != OFT_OK ||
        LEDGER_PUT_NAME(wanted.key.party, charge->party) != OFT_OK ||
        LEDGER_PUT_NAME(wanted.key.clause, charge->clause) != OFT_OK) {
        return OFT_ERR_LIMIT;
    }
    if (oft_nanos_mul(charge->rate, LEDGER_RATE_UNITS, &wanted.key.rate) != OFT_OK ||
        oft_nanos_mul(hours, (oft_nanos)charge->quantity, &quantity) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    return ledger_series_add(batch, &wanted, quantity, 0, &index);
}

/* The interval in which CLAUSE counts the charge; empty when it never does. */
static struct ledger_term counted_in(const struct accrual *it, uint32_t clause)
{
    const struct ledger_context *context = it->context;
    const struct deal_commit *commit = &context->deal->clauses[clause].as.commit;
    for (size_t i = 0; i < context->commit_count; i++) {
        if (context->commits[i].clause == clause && it->provider != DEAL_NONE &&
            commit->provider == it->provider && deal_list_has(commit->products, it->product)) {
            return context->commits[i];
        }
    }
    return (struct ledger_term){clause, 0, 0};
}

/* Also what does not count is a total, of nothing: the deal may have said otherwise before. */
static enum oft_err count(struct ledger_batch *batch, const struct accrual *it, uint32_t clause)
{
    const struct ledger_charge *charge = it->charge;
    struct ledger_series wanted = {.parent = SIZE_MAX, .cap_nanos = -1, .is_total = true};
    struct ledger_term term = counted_in(it, clause);
    oft_nanos hours =
        hours_within(it, later(term.from, it->month_from), earlier(term.until, it->month_until));
    oft_nanos amount;
    size_t index;
    wanted.key.kind = LEDGER_COMMITMENT;
    wanted.key.month = it->month;
    wanted.key.unit = charge->unit;
    if (LEDGER_PUT_NAME(wanted.key.party, charge->party) != OFT_OK ||
        LEDGER_PUT_NAME(wanted.key.clause, it->context->deal->clauses[clause].id) != OFT_OK) {
        return OFT_ERR_LIMIT;
    }
    if (oft_nanos_mul(hours, (oft_nanos)charge->quantity, &amount) != OFT_OK ||
        oft_nanos_mul(amount, charge->rate, &amount) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    return ledger_series_add(batch, &wanted, amount, 0, &index);
}

static enum oft_err add_month(struct ledger_batch *batch, struct accrual *it)
{
    const struct deal *deal = it->context->deal;
    enum oft_err err = owe(batch, it);
    for (uint32_t i = 0; err == OFT_OK && i < deal->clause_count; i++) {
        if (deal->clauses[i].kind == DEAL_CLAUSE_COMMIT) {
            err = count(batch, it, i);
        }
    }
    return err;
}

static enum oft_err add_charge(struct ledger_batch *batch, struct accrual it, oft_instant through)
{
    const struct ledger_charge *charge = it.charge;
    oft_instant end = earlier(charge->until, through);
    if (charge->rate < 0 || (charge->unit != LEDGER_GPU_HOUR && charge->unit != LEDGER_MW_HOUR)) {
        return OFT_ERR_INVALID;
    }
    if (end <= charge->from || charge->quantity == 0 || charge->rate == 0) {
        return OFT_OK;
    }
    it.hours = ((oft_nanos)end - charge->from) / HOUR_NS;
    it.provider = deal_find_provider(it.context->deal, oft_str_from(charge->provider));
    it.product = deal_find_product(it.context->deal, oft_str_from(charge->product));
    enum oft_err err = OFT_OK;
    it.month_until = charge->from;
    for (oft_nanos done = 0; err == OFT_OK && done < it.hours;) {
        it.month_from = it.month_until;
        it.month = deal_month_of(it.context->deal, it.month_from);
        if (!ledger_month_inside(it.month)) {
            return OFT_ERR_RANGE;
        }
        it.month_until = deal_month_start(it.context->deal, it.month + 1);
        done = hours_before(&it, it.month_until);
        err = done > hours_before(&it, it.month_from) ? add_month(batch, &it) : OFT_OK;
    }
    return err;
}

enum oft_err ledger_capacity_add(struct ledger_batch *batch, const struct ledger_context *context,
                                 const struct ledger_charge *charges, size_t count_of,
                                 oft_instant through)
{
    if (batch->failure != OFT_OK) {
        return batch->failure;
    }
    if (batch->closed || batch->has_capacity) {
        return batch->failure = OFT_ERR_INVALID;
    }
    batch->has_capacity = true;
    for (size_t i = 0; batch->failure == OFT_OK && i < count_of; i++) {
        const struct accrual it = {.charge = &charges[i], .context = context};
        batch->failure = add_charge(batch, it, through);
    }
    return batch->failure;
}
