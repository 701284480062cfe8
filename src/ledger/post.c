/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Series into changes and entries. A series' amount is computed from its total quantity, rounded
 * half to even, once; what is posted is the difference to what was posted before. So the books do
 * not depend on how records were cut into batches. Every posting is a pair that sums to zero.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/internal.h"

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

int ledger_key_compare(const struct ledger_series_key *a, const struct ledger_series_key *b)
{
    int order = ORDER(a->kind, b->kind);
    order = order != 0 ? order : ORDER(a->month, b->month);
    order = order != 0 ? order : ORDER(a->for_month, b->for_month); /* what is late comes last */
    order = order != 0 ? order : strcmp(a->account, b->account);
    order = order != 0 ? order : strcmp(a->party, b->party);
    order = order != 0 ? order : strcmp(a->product, b->product);
    order = order != 0 ? order : strcmp(a->pool, b->pool);
    order = order != 0 ? order : strcmp(a->model, b->model);
    order = order != 0 ? order : strcmp(a->clause, b->clause);
    order = order != 0 ? order : ORDER(a->unit, b->unit);
    order = order != 0 ? order : ORDER(a->outcome, b->outcome);
    return order != 0 ? order : ORDER(a->rate, b->rate);
}

/* ---- entries --------------------------------------------------------------------------------- */

/* The account that is debited and the one that is credited; the first parts of their paths. */
struct pair {
    const char *debit, *debit_name, *credit, *credit_name;
};

/* What follows from a commitment; the names of the dues are those of enum ledger_due. */
static struct pair due_pair(const struct ledger_series_key *key)
{
    switch ((enum ledger_due)key->outcome) {
    case LEDGER_DUE_CASH:
        return (struct pair){"shortfall-expense", key->clause, "payable", key->party};
    case LEDGER_DUE_CREDIT:
        return (struct pair){"shortfall-credit", key->clause, "payable", key->party};
    case LEDGER_DUE_DRAWN:
        return (struct pair){"shortfall-credit", key->clause, "payable", key->party};
    case LEDGER_DUE_OVERAGE:
        return (struct pair){"overage-expense", key->clause, "payable", key->party};
    }
    return (struct pair){NULL, NULL, NULL, NULL};
}

static struct pair share_pair(const struct ledger_series_key *key)
{
    bool interest = key->unit == LEDGER_SHARE_INTEREST;
    if (key->outcome == LEDGER_PAID) {
        return (struct pair){interest ? "interest-expense" : "share-expense", key->clause,
                             "payable", key->party};
    }
    if (key->outcome == LEDGER_RECEIVED) {
        return (struct pair){"receivable-party", key->party,
                             interest ? "interest-income" : "share-income", key->clause};
    }
    return (struct pair){"memo/share", key->clause, "memo/share-contra", key->clause};
}

/* Kept back, set off, paid. */
static struct pair settling_pair(const struct ledger_series_key *key)
{
    bool paid = key->outcome == LEDGER_PAID;
    if (key->outcome == LEDGER_MEMO) { /* only payments are told of these */
        return (struct pair){"memo/share-paid", key->clause, "memo/share-paid-contra", key->clause};
    }
    if (key->kind == LEDGER_PAYMENT) {
        return paid ? (struct pair){"payable", key->party, "cash", key->party}
                    : (struct pair){"cash", key->party, "receivable-party", key->party};
    }
    if (key->unit == LEDGER_TERM_NETTED) {
        return (struct pair){"payable", key->party, "receivable-party", key->party};
    }
    return paid ? (struct pair){"payable", key->party, "held-back", key->clause}
                : (struct pair){"held-back-asset", key->clause, "receivable-party", key->party};
}

static struct pair pair_of(const struct ledger_series_key *key, bool own)
{
    switch (key->kind) {
    case LEDGER_SALE:
        return own ? (struct pair){"receivable", key->account, "revenue", key->product}
                   : (struct pair){"memo/sales", key->product, "memo/sales-contra", key->product};
    case LEDGER_COST:
        return (struct pair){"cost", key->pool, "payable", key->party};
    case LEDGER_SHARE:
        return share_pair(key);
    case LEDGER_SHARE_TERM:
    case LEDGER_PAYMENT:
        return settling_pair(key);
    case LEDGER_DEDUCTION:
        return (struct pair){"memo/deduction", key->clause, "memo/deduction-contra", key->clause};
    case LEDGER_FUND_CALL:
        return (struct pair){"memo/fund-receivable", key->party, "memo/fund-capital", key->clause};
    case LEDGER_FUND_PAYMENT:
        return (struct pair){"memo/fund-cash", key->clause, "memo/fund-receivable", key->party};
    case LEDGER_FUND_DRAW:
        return (struct pair){"memo/fund-drawn", key->clause, "memo/fund-cash", key->clause};
    case LEDGER_COMMITMENT:
        return (struct pair){"memo/commitment", key->clause, "memo/commitment-contra", key->clause};
    case LEDGER_SHORTFALL:
        return due_pair(key);
    case LEDGER_USAGE:
        break;
    }
    return (struct pair){NULL, NULL, NULL, NULL};
}

static void put_entry(struct ledger_batch *batch, const char *kind, const char *name,
                      oft_nanos amount, size_t change)
{
    struct ledger_entry *entry = &batch->entries[batch->entry_count++];
    int length = snprintf(entry->account, sizeof(entry->account), "%s/%s", kind, name);
    OFT_ASSERT(length > 0 && (size_t)length < sizeof(entry->account));
    entry->amount_nanos = amount;
    entry->series = change;
}

enum oft_err ledger_post(struct ledger_batch *batch, const struct ledger_series_key *key, bool own,
                         oft_nanos amount, size_t change)
{
    oft_nanos credit;
    struct pair pair = pair_of(key, own);
    if (amount == 0 || pair.debit == NULL) {
        return OFT_OK;
    }
    if (oft_nanos_sub(0, amount, &credit) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    put_entry(batch, pair.debit, pair.debit_name, amount, change);
    put_entry(batch, pair.credit, pair.credit_name, credit, change);
    return OFT_OK;
}

/* ---- totals ---------------------------------------------------------------------------------- */

/* Adds EXACT millionths to a base and rounds it; the rest stays in units[0] or units[1]. */
static enum oft_err add_base(const struct ledger_totals *before, oft_nanos exact,
                             struct ledger_totals *after)
{
    oft_nanos total;
    oft_nanos back;
    oft_nanos rest = (oft_nanos)before->units[0] - (oft_nanos)before->units[1];
    if (oft_nanos_mul(before->quantity, LEDGER_RATE_UNITS, &total) != OFT_OK ||
        oft_nanos_add(total, rest, &total) != OFT_OK ||
        oft_nanos_add(total, exact, &total) != OFT_OK ||
        oft_nanos_mul_div_half_even(total, 1, LEDGER_RATE_UNITS, &after->quantity) != OFT_OK ||
        oft_nanos_mul(after->quantity, LEDGER_RATE_UNITS, &back) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    rest = total - back; /* at most half a nano-unit either way */
    after->units[0] = rest > 0 ? (int64_t)rest : 0;
    after->units[1] = rest < 0 ? (int64_t)-rest : 0;
    return OFT_OK;
}

static enum oft_err add_usage(const struct ledger_series *series, struct ledger_totals *after)
{
    for (size_t i = 0; i < METER_UNITS; i++) {
        if (__builtin_add_overflow(after->units[i], series->units[i], &after->units[i])) {
            return OFT_ERR_RANGE;
        }
    }
    return oft_nanos_add(after->quantity, series->quantity, &after->quantity);
}

static enum oft_err add_priced(const struct ledger_series *series, struct ledger_totals *after)
{
    oft_nanos before = series->is_total ? 0 : after->quantity;
    enum oft_err err = oft_nanos_add(before, series->quantity, &after->quantity);
    return err != OFT_OK
               ? err
               : oft_nanos_mul_div_half_even(after->quantity, series->key.rate,
                                             ledger_rate_units(&series->key), &after->amount_nanos);
}

/* ---- shares ---------------------------------------------------------------------------------- */

/* What this batch has moved so far under the same clause, in its other months. */
static enum oft_err moved_by_batch(const struct ledger_batch *batch, size_t change,
                                   oft_nanos *ret_moved)
{
    const struct ledger_series_key *key = &batch->changes[change].key;
    oft_nanos moved = 0;
    for (size_t i = change; i-- > 0 && batch->changes[i].key.kind == LEDGER_SHARE;) {
        const struct ledger_change *other = &batch->changes[i];
        oft_nanos step;
        if (strcmp(other->key.clause, key->clause) != 0 || other->key.unit != LEDGER_SHARE_PLAIN) {
            continue;
        }
        if (oft_nanos_sub(other->after.amount_nanos, other->before.amount_nanos, &step) != OFT_OK ||
            oft_nanos_add(moved, step, &moved) != OFT_OK) {
            return OFT_ERR_RANGE;
        }
    }
    *ret_moved = moved;
    return OFT_OK;
}

/* What the cap cut off a month in its other lines: what came late is judged with the whole of its own month,
 * so that taking it back takes first what was never posted. One nano-unit is rounding. */
static enum oft_err cut_elsewhere(const struct ledger_batch *batch, size_t change,
                                  struct ledger_totals_source source, oft_nanos *ret_cut,
                                  struct oft_error *reterr)
{
    const struct ledger_series_key *key = &batch->changes[change].key;
    struct ledger_totals others = {0};
    oft_nanos cut;
    *ret_cut = 0;
    if (key->for_month == 0 || source.elsewhere == NULL) {
        return OFT_OK;
    }
    enum oft_err err = source.elsewhere(source.context, key, &others, reterr);
    if (err != OFT_OK) {
        return err;
    }
    if (oft_nanos_mul_div_half_even(others.quantity, key->rate, DEAL_RATE_ONE, &cut) != OFT_OK ||
        oft_nanos_sub(cut, others.amount_nanos, &cut) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    *ret_cut = cut < -1 || cut > 1 ? cut : 0;
    return OFT_OK;
}

/* Lowers *AMOUNT so that the clause stays within its cap over all months; what is posted already is
 * taken back only as far as its base was, since a cap that was lowered later does not unmake what was
 * earned. */
static enum oft_err apply_cap(const struct ledger_batch *batch, size_t change, oft_nanos cap,
                              struct ledger_totals_source source, oft_nanos *amount,
                              struct oft_error *reterr)
{
    const struct ledger_change *it = &batch->changes[change];
    oft_nanos stored = 0;
    oft_nanos cut = 0;
    oft_nanos moved;
    oft_nanos room;
    enum oft_err err = source.share_total(source.context, it->key.clause, &stored, reterr);
    if (err == OFT_OK) {
        err = cut_elsewhere(batch, change, source, &cut, reterr);
    }
    if (err != OFT_OK) {
        return err;
    }
    if (oft_nanos_add(*amount, cut, amount) != OFT_OK ||
        moved_by_batch(batch, change, &moved) != OFT_OK ||
        oft_nanos_sub(cap, stored, &room) != OFT_OK ||
        oft_nanos_sub(room, moved, &room) != OFT_OK ||
        oft_nanos_add(room, it->before.amount_nanos, &room) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    oft_nanos floor = *amount < it->before.amount_nanos ? *amount : it->before.amount_nanos;
    *amount = *amount < room ? *amount : room;
    *amount = *amount > floor ? *amount : floor;
    return OFT_OK;
}

static enum oft_err settle_share(struct ledger_batch *batch, const struct ledger_series *series,
                                 size_t change, struct ledger_totals_source source,
                                 struct oft_error *reterr)
{
    struct ledger_totals *after = &batch->changes[change].after;
    oft_nanos amount;
    if (oft_nanos_add(after->quantity, series->quantity, &after->quantity) != OFT_OK ||
        oft_nanos_mul_div_half_even(after->quantity, series->key.rate, DEAL_RATE_ONE, &amount) !=
            OFT_OK) {
        return OFT_ERR_RANGE;
    }
    if (series->cap_nanos >= 0) {
        enum oft_err err = apply_cap(batch, change, series->cap_nanos, source, &amount, reterr);
        if (err != OFT_OK) {
            return err;
        }
    }
    after->amount_nanos = amount;
    return OFT_OK;
}

/* ---- all together ---------------------------------------------------------------------------- */

struct sortable {
    struct ledger_series *series;
};

static int compare_sortable(const void *a, const void *b)
{
    return ledger_key_compare(&((const struct sortable *)a)->series->key,
                              &((const struct sortable *)b)->series->key);
}

/* What counts is the cost times its weight; a rate of 0 stands for all of it. */
static enum oft_err settle_counted(const struct ledger_series *series, struct ledger_change *change)
{
    if (series->is_total) {
        change->after.quantity = series->quantity;
    } else if (add_base(&change->before, series->exact, &change->after) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    change->after.amount_nanos = change->after.quantity;
    return series->key.rate == 0
               ? OFT_OK
               : oft_nanos_mul_div_half_even(change->after.quantity, series->key.rate,
                                             DEAL_RATE_ONE, &change->after.amount_nanos);
}

/* A share's base by product comes first: the share itself is a part of their sum. */
static enum oft_err settle_bases(struct ledger_batch *batch, const struct sortable *order)
{
    for (size_t i = 0; i < batch->series_count; i++) {
        const struct ledger_series *series = order[i].series;
        struct ledger_change *change = &batch->changes[i];
        oft_nanos step;
        if (series->key.kind == LEDGER_COMMITMENT) {
            if (settle_counted(series, change) != OFT_OK) {
                return OFT_ERR_RANGE;
            }
        } else if (series->is_base) {
            struct ledger_series *money =
                series->parent == SIZE_MAX ? NULL : &batch->series[series->parent];
            if (add_base(&change->before, series->exact, &change->after) != OFT_OK ||
                (money != NULL &&
                 (oft_nanos_sub(change->after.quantity, change->before.quantity, &step) != OFT_OK ||
                  oft_nanos_add(money->quantity, step, &money->quantity) != OFT_OK))) {
                return OFT_ERR_RANGE;
            }
        }
    }
    return OFT_OK;
}

static bool is_told(enum ledger_series_kind kind)
{
    return kind == LEDGER_DEDUCTION || kind == LEDGER_PAYMENT || kind == LEDGER_FUND_CALL ||
           kind == LEDGER_FUND_PAYMENT || kind == LEDGER_FUND_DRAW;
}

static enum oft_err settle_rest(struct ledger_batch *batch, const struct sortable *order,
                                struct ledger_totals_source source, struct oft_error *reterr)
{
    for (size_t i = 0; i < batch->series_count; i++) {
        const struct ledger_series *series = order[i].series;
        struct ledger_totals *after = &batch->changes[i].after;
        enum oft_err err = OFT_OK;
        if (series->key.kind == LEDGER_USAGE) {
            err = add_usage(series, after);
        } else if (series->key.kind == LEDGER_SALE || series->key.kind == LEDGER_COST) {
            err = add_priced(series, after);
        } else if (series->key.kind == LEDGER_SHORTFALL || series->key.kind == LEDGER_SHARE_TERM) {
            after->quantity = series->quantity;
            after->amount_nanos = series->quantity;
        } else if (is_told(series->key.kind)) {
            err = oft_nanos_add(series->is_total ? 0 : after->quantity, series->quantity,
                                &after->quantity);
            after->amount_nanos = after->quantity;
        } else if (series->key.kind == LEDGER_SHARE && series->is_total) {
            after->quantity = series->quantity;
            after->amount_nanos = series->exact;
        } else if (series->key.kind == LEDGER_SHARE && !series->is_base) {
            err = settle_share(batch, series, i, source, reterr);
        }
        if (err != OFT_OK) {
            return err;
        }
    }
    return OFT_OK;
}

/* Hours that were owed stay owed: charges that come to less than the books hold are not all there. */
static enum oft_err check_totals(const struct ledger_batch *batch, const struct sortable *order,
                                 struct oft_error *reterr)
{
    for (size_t i = 0; i < batch->series_count; i++) {
        const struct ledger_change *change = &batch->changes[i];
        if (order[i].series->is_total && !order[i].series->by_deal &&
            change->key.kind == LEDGER_COST && change->after.quantity < change->before.quantity) {
            char month[OFT_INSTANT_TEXT_BYTES];
            return oft_fail(reterr, OFT_ERR_CONFLICT,
                            "the books hold more hours of %s under %s in %s than were delivered: "
                            "the desk's journal is older than they are. Restore both from one "
                            "backup",
                            change->key.pool, change->key.clause,
                            oft_month_format(change->key.month, month));
        }
    }
    return OFT_OK;
}

/* A total that is what it was is no change; nor is a step that nothing of this batch fell into, nor
 * what was taken back and booked again alike. */
static void drop_unchanged(struct ledger_batch *batch, struct sortable *order)
{
    size_t kept = 0;
    for (size_t i = 0; i < batch->series_count; i++) {
        const struct ledger_change *change = &batch->changes[i];
        if ((order[i].series->is_total || order[i].series->is_step || batch->has_reversal) &&
            memcmp(&change->before, &change->after, sizeof(change->after)) == 0) {
            continue;
        }
        batch->changes[kept] = *change;
        order[kept++] = order[i];
    }
    batch->change_count = kept;
}

static enum oft_err post_all(struct ledger_batch *batch, const struct sortable *order)
{
    oft_nanos sum = 0;
    for (size_t i = 0; i < batch->change_count; i++) {
        const struct ledger_change *change = &batch->changes[i];
        oft_nanos amount;
        if (oft_nanos_sub(change->after.amount_nanos, change->before.amount_nanos, &amount) !=
                OFT_OK ||
            ledger_post(batch, &change->key, order[i].series->own, amount, i) != OFT_OK) {
            return OFT_ERR_RANGE;
        }
    }
    /* Each pair sums to zero, so the running sum never leaves one pair's size. */
    for (size_t i = 0; i < batch->entry_count; i++) {
        if (oft_nanos_add(sum, batch->entries[i].amount_nanos, &sum) != OFT_OK) {
            return OFT_ERR_RANGE;
        }
    }
    OFT_ASSERT(sum == 0);
    return OFT_OK;
}

/* A total of hours is one of their own month. What stands in other months, or in this one as not late,
 * is there for good; a late series holds the rest. */
static enum oft_err take_elsewhere(const struct sortable *item, struct ledger_totals_source source,
                                   struct oft_error *reterr)
{
    struct ledger_series *series = item->series;
    struct ledger_totals elsewhere = {0};
    if (!series->is_total || series->key.for_month == 0) {
        return OFT_OK;
    }
    enum oft_err err = source.elsewhere(source.context, &series->key, &elsewhere, reterr);
    if (err == OFT_OK) {
        err = oft_nanos_sub(series->quantity, elsewhere.quantity, &series->quantity);
    }
    return err == OFT_OK && series->key.kind == LEDGER_SHARE
               ? oft_nanos_sub(series->exact, elsewhere.amount_nanos, &series->exact)
               : err;
}

static enum oft_err load_totals(struct ledger_batch *batch, struct sortable *order,
                                struct ledger_totals_source source, struct oft_error *reterr)
{
    for (size_t i = 0; i < batch->series_count; i++) {
        order[i].series = &batch->series[i];
    }
    qsort(order, batch->series_count, sizeof(*order), compare_sortable);
    for (size_t i = 0; i < batch->series_count; i++) {
        struct ledger_change *change = &batch->changes[i];
        change->key = order[i].series->key;
        enum oft_err err = source.totals(source.context, &change->key, &change->before, reterr);
        if (err == OFT_OK) {
            err = take_elsewhere(&order[i], source, reterr);
        }
        if (err != OFT_OK) {
            return err;
        }
        change->after = change->before;
    }
    return OFT_OK;
}

enum oft_err ledger_batch_settle(struct ledger_batch *batch, struct ledger_totals_source source,
                                 struct oft_error *reterr)
{
    size_t count = batch->series_count;
    struct sortable *order = calloc(count + 1, sizeof(*order));
    batch->changes = calloc(count + 1, sizeof(*batch->changes));
    batch->entries = calloc(2 * count + 1, sizeof(*batch->entries));
    if (order == NULL || batch->changes == NULL || batch->entries == NULL) {
        free(order);
        return oft_fail(reterr, OFT_ERR_MEMORY, "out of memory for %zu statement lines", count);
    }
    enum oft_err err = load_totals(batch, order, source, reterr);
    if (err == OFT_OK) {
        err = settle_bases(batch, order);
    }
    if (err == OFT_OK) {
        err = settle_rest(batch, order, source, reterr);
    }
    if (err == OFT_OK) {
        err = check_totals(batch, order, reterr);
    }
    if (err == OFT_OK) {
        drop_unchanged(batch, order);
        err = post_all(batch, order);
    }
    free(order);
    if (err == OFT_ERR_RANGE && reterr != NULL && reterr->code == OFT_OK) {
        return oft_fail(reterr, err, "an amount or a count left its range; nothing is posted");
    }
    return err;
}
