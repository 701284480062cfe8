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

/* How many hours the accrual's month has, where the price is for a month; else 0. */
static uint32_t hours_of_month(const struct accrual *it)
{
    const struct deal *deal = it->context->deal;
    oft_nanos length =
        (oft_nanos)deal_month_start(deal, it->month + 1) - deal_month_start(deal, it->month);
    return it->charge->unit >= LEDGER_GPU_OF_MONTH ? (uint32_t)(length / HOUR_NS) : 0;
}

/* UNITS hours at the charge's price, in nano-units. */
static enum oft_err price_hours(const struct accrual *it, oft_nanos units, oft_nanos *ret_amount)
{
    const struct ledger_series_key key = {.unit = it->charge->unit, .outcome = hours_of_month(it)};
    oft_nanos price;
    enum oft_err err = oft_nanos_mul(it->charge->rate, LEDGER_RATE_UNITS, &price);
    return err != OFT_OK
               ? err
               : oft_nanos_mul_div_half_even(units, price, ledger_rate_units(&key), ret_amount);
}

static enum oft_err owe(struct ledger_batch *batch, const struct accrual *it)
{
    const struct ledger_charge *charge = it->charge;
    struct ledger_series wanted = {
        .parent = SIZE_MAX, .cap_nanos = -1, .is_total = true, .by_deal = charge->by_deal};
    oft_nanos hours = hours_within(it, it->month_from, it->month_until);
    oft_nanos quantity;
    size_t index;
    wanted.key.kind = LEDGER_COST;
    wanted.key.month = it->month;
    wanted.key.unit = charge->unit;
    wanted.key.outcome = hours_of_month(it);
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

/* The term in which CLAUSE counts the charge, and its weight; empty when it never does. */
static struct ledger_term counted_in(const struct accrual *it, uint32_t clause, int64_t *ret_weight)
{
    const struct ledger_context *context = it->context;
    const struct deal_commit *commit = &context->deal->clauses[clause].as.commit;
    *ret_weight = deal_commit_weight(commit, it->product);
    for (size_t i = 0; i < context->commit_count; i++) {
        if (context->commits[i].clause == clause && it->provider != DEAL_NONE &&
            commit->provider == it->provider && *ret_weight > 0) {
            return context->commits[i];
        }
    }
    *ret_weight = *ret_weight > 0 ? *ret_weight : DEAL_RATE_ONE;
    return (struct ledger_term){.clause = clause};
}

static enum oft_err count_part(struct ledger_batch *batch, const struct accrual *it,
                               const struct ledger_term *term, int64_t weight, oft_instant part,
                               oft_nanos hours)
{
    const struct ledger_charge *charge = it->charge;
    struct ledger_series wanted = {.parent = SIZE_MAX, .cap_nanos = -1, .is_total = true};
    oft_nanos amount;
    size_t index;
    wanted.key.month = it->month;
    wanted.key.unit = charge->unit;
    enum oft_err err = ledger_commit_key(it->context->deal->clauses[term->clause].id, charge->party,
                                         weight, false, part, &wanted.key);
    if (err != OFT_OK) {
        return err;
    }
    if (oft_nanos_mul(hours, (oft_nanos)charge->quantity, &amount) != OFT_OK ||
        price_hours(it, amount, &amount) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    return ledger_series_add(batch, &wanted, amount, 0, &index);
}

/* Also what does not count is a total, of nothing: the deal may have said otherwise before. */
static enum oft_err count(struct ledger_batch *batch, const struct accrual *it, uint32_t clause)
{
    int64_t weight;
    struct ledger_term term = counted_in(it, clause, &weight);
    enum oft_err err = OFT_OK;
    oft_instant at = it->month_from;
    while (err == OFT_OK && at < it->month_until) {
        oft_instant until;
        oft_instant part = ledger_commit_part(&term, deal_month_start(it->context->deal, it->month),
                                              at, it->month_until, &until);
        err = count_part(batch, it, &term, weight, part,
                         hours_within(it, later(term.from, at), earlier(term.until, until)));
        at = until;
    }
    return err;
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
    if (charge->rate < 0 || charge->unit < LEDGER_GPU_HOUR || charge->unit > LEDGER_POOL_OF_MONTH) {
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
