/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shares by month and by period: base less deductions, the share of the cumulative base, its caps and what
 * tops it up. Everything runs on sums from the clause's beginning, so that what comes late moves each
 * month by its difference.
 */
#include <string.h>

#include "ledger/share_terms.h"

#define MONTHS_MAX (12 * 1000)

struct settling {
    const struct deal *deal;
    struct deal_attestations attested;
    const struct ledger_row *rows;
    size_t row_count;
    oft_instant at;
    struct oft_arena *arena;
    struct ledger_share_settlement *all;
    struct share_terms *terms; /* by place in `all` */
    uint32_t *place;           /* by clause; DEAL_NONE for others */
    bool *done;                /* by clause */
    size_t count;
};

static enum oft_err add(oft_nanos *sum, oft_nanos amount)
{
    return oft_nanos_add(*sum, amount, sum);
}

struct ledger_share_month *share_month(struct ledger_share_settlement *it, int32_t month)
{
    if (it->month_count == 0 || month < it->months[0].month ||
        month > it->months[it->month_count - 1].month) {
        return NULL;
    }
    return &it->months[month - it->months[0].month];
}

/* ---- which months ------------------------------------------------------------------------------ */

static bool is_about(const struct share_terms *terms, const struct ledger_row *row)
{
    return row->key.kind == LEDGER_SHARE && strcmp(row->key.clause, terms->clause->id) == 0;
}

/* Whether NAME is one of the deductions that the share says. */
static bool takes_off(const struct deal *deal, const struct share_terms *terms,
                      const struct ledger_series_key *key)
{
    if (key->kind != LEDGER_DEDUCTION || terms->less == NULL) {
        return false;
    }
    const struct deal_list names = terms->less->values[0].as.list;
    for (uint32_t i = 0; i < names.count; i++) {
        if (strcmp(deal->deductions[names.items[i]].name, key->clause) == 0) {
            uint32_t product = deal_find_product(deal, oft_str_from(key->product));
            return key->product[0] == '\0' ||
                   (product != DEAL_NONE && deal_list_has(terms->share->products, product));
        }
    }
    return false;
}

/* From the clause's first month to the last that is over or running, and whatever has a row; none behind
 * its end, for which nothing of it can be told. */
static enum oft_err make_months(struct settling *settling, const struct share_terms *terms,
                                struct ledger_share_settlement *it)
{
    oft_instant last_at = terms->until - 1 < settling->at ? terms->until - 1 : settling->at;
    if (terms->from >= terms->until || terms->from == OFT_INSTANT_ALWAYS || last_at < terms->from) {
        return OFT_OK;
    }
    int32_t first = deal_month_of(terms->deal, terms->from);
    int32_t last = deal_month_of(terms->deal, last_at);
    int32_t end = terms->until == OFT_INSTANT_NEVER ? INT32_MAX
                                                    : deal_month_of(terms->deal, terms->until - 1);
    for (size_t i = 0; i < settling->row_count; i++) {
        int32_t month = ledger_own_month(&settling->rows[i].key);
        if (settling->rows[i].key.unit == LEDGER_SHARE_PLAIN && /* not what was reckoned before */
            is_about(terms, &settling->rows[i]) && month >= first && month <= end &&
            month - first < MONTHS_MAX) {
            last = month > last ? month : last;
        }
    }
    it->earning_count = (size_t)(last - first) + 1;
    int32_t now = deal_month_of(terms->deal, settling->at);
    last = now > last ? now : last;
    size_t count = (size_t)(last - first) + 1;
    if (count > MONTHS_MAX) {
        return OFT_ERR_RANGE;
    }
    it->months = oft_arena_alloc_array(settling->arena, count, sizeof(*it->months));
    it->periods = oft_arena_alloc_array(settling->arena, count, sizeof(*it->periods));
    if (it->months == NULL || it->periods == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        it->months[i].month = first + (int32_t)i;
    }
    it->month_count = count;
    return OFT_OK;
}

/* ---- periods ----------------------------------------------------------------------------------- */

static oft_instant duration_after(bool said, oft_instant at, struct deal_duration duration)
{
    return said ? deal_duration_after(at, duration) : OFT_INSTANT_NEVER;
}

static void make_periods(const struct settling *settling, const struct share_terms *terms,
                         struct ledger_share_settlement *it)
{
    for (size_t i = 0; i < it->earning_count; i++) {
        int32_t start = share_period_start(terms, it->months[i].month);
        struct ledger_share_period *period =
            it->period_count == 0 ? NULL : &it->periods[it->period_count - 1];
        if (period == NULL || share_period_start(terms, period->first_month) != start) {
            oft_instant from = deal_month_start(terms->deal, start);
            oft_instant until = deal_month_start(terms->deal, start + terms->period_months);
            period = &it->periods[it->period_count++];
            period->from = terms->from > from ? terms->from : from;
            period->until = terms->until < until ? terms->until : until;
            period->over = settling->at >= period->until;
            period->first_month = it->months[i].month;
            period->release_at =
                duration_after(terms->has_holdback, period->until, terms->holdback);
            period->statement_by =
                duration_after(terms->has_statement, period->until, terms->statement);
            period->due_at = duration_after(terms->has_payment, period->until, terms->payment);
            ledger_share_period_name(terms->clause, start, period->name);
        }
        period->last_month = it->months[i].month;
    }
}

/* A period that the clause does not fill asks for its part of the minimum, by time. */
static enum oft_err minimum_of(const struct share_terms *terms,
                               const struct ledger_share_period *period, oft_nanos *ret_minimum)
{
    int32_t start = share_period_start(terms, period->first_month);
    oft_nanos whole = (oft_nanos)deal_month_start(terms->deal, start + terms->period_months) -
                      deal_month_start(terms->deal, start);
    return oft_nanos_mul_div_half_even(terms->minimum_per_period,
                                       (oft_nanos)period->until - period->from, whole, ret_minimum);
}

/* ---- bases ------------------------------------------------------------------------------------- */

static enum oft_err take_row(const struct settling *settling, const struct share_terms *terms,
                             struct ledger_share_settlement *it, const struct ledger_row *row)
{
    const struct ledger_series_key *key = &row->key;
    struct ledger_share_month *month = share_month(it, ledger_own_month(key));
    if (month == NULL || (size_t)(month - it->months) >= it->earning_count) {
        return OFT_OK; /* behind its end */
    }
    if (is_about(terms, row) && key->product[0] != '\0') {
        return add(&month->base, row->totals.quantity);
    }
    if (is_about(terms, row) && key->unit == LEDGER_SHARE_PLAIN) {
        return it->plain ? add(&month->earned, row->totals.amount_nanos) : OFT_OK;
    }
    if (!takes_off(settling->deal, terms, key)) {
        return OFT_OK;
    }
    oft_instant told;
    if (oft_instant_parse(oft_str_from(key->pool), &told) != OFT_OK) {
        return OFT_ERR_CORRUPT;
    }
    int32_t start = share_period_start(terms, month->month);
    oft_instant end = deal_month_start(terms->deal, start + terms->period_months);
    bool late = terms->has_clawback && told >= deal_duration_after(end, terms->clawback);
    return add(late ? &month->lost : &month->deducted, row->totals.amount_nanos);
}

/* What the other share pays is the base of this one. */
static enum oft_err take_share(struct ledger_share_settlement *it,
                               const struct ledger_share_settlement *other)
{
    for (size_t i = 0; other != NULL && i < other->month_count; i++) {
        const struct ledger_share_month *of = &other->months[i];
        struct ledger_share_month *month = share_month(it, of->month);
        if (month != NULL && (size_t)(month - it->months) < it->earning_count &&
            (add(&month->base, of->earned) != OFT_OK || add(&month->base, of->minimum) != OFT_OK)) {
            return OFT_ERR_RANGE;
        }
    }
    return OFT_OK;
}

/* ---- the share --------------------------------------------------------------------------------- */

/* Running sums from the clause's beginning. */
struct running {
    oft_nanos base, gross;          /* of the net base; its share without caps */
    oft_nanos in_period, in_capped; /* the same of this period; within the period's cap */
    oft_nanos uncapped, total;      /* with top-ups; within the total cap */
};

static oft_nanos capped(oft_nanos amount, oft_nanos cap)
{
    return cap >= 0 && amount > cap ? cap : amount;
}

/* What MONTH earns, within both caps. */
static enum oft_err earn(const struct share_terms *terms, struct running *sums,
                         struct ledger_share_month *month)
{
    oft_nanos gross;
    oft_nanos step;
    if (add(&sums->base, month->base) != OFT_OK ||
        oft_nanos_sub(sums->base, month->deducted, &sums->base) != OFT_OK ||
        share_of_base(terms, sums->base, &gross) != OFT_OK ||
        oft_nanos_sub(gross, sums->gross, &step) != OFT_OK ||
        add(&sums->in_period, step) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    sums->gross = gross;
    oft_nanos in_capped = capped(sums->in_period, terms->cap_per_period);
    if (oft_nanos_sub(in_capped, sums->in_capped, &step) != OFT_OK ||
        add(&sums->uncapped, step) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    sums->in_capped = in_capped;
    oft_nanos total = capped(sums->uncapped, terms->cap);
    enum oft_err err = oft_nanos_sub(total, sums->total, &month->earned);
    sums->total = total;
    return err;
}

/* Tops SO_FAR up to MINIMUM in MONTH, as far as the total cap lets it. */
static enum oft_err top_up(const struct share_terms *terms, struct running *sums, oft_nanos so_far,
                           oft_nanos minimum, struct ledger_share_month *month)
{
    oft_nanos more;
    if (minimum < 0 || so_far >= minimum) {
        return OFT_OK;
    }
    if (oft_nanos_sub(minimum, so_far, &more) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    if (terms->cap >= 0) {
        oft_nanos room;
        if (oft_nanos_sub(terms->cap, sums->total, &room) != OFT_OK) {
            return OFT_ERR_RANGE;
        }
        more = more < room ? more : room;
    }
    if (more <= 0) {
        return OFT_OK;
    }
    if (add(&sums->uncapped, more) != OFT_OK || add(&sums->total, more) != OFT_OK ||
        add(&month->minimum, more) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    return OFT_OK;
}

static enum oft_err sum_month(struct ledger_share_period *period,
                              const struct ledger_share_month *month)
{
    if (add(&period->base, month->base) != OFT_OK ||
        add(&period->deducted, month->deducted) != OFT_OK ||
        add(&period->lost, month->lost) != OFT_OK ||
        add(&period->earned, month->earned) != OFT_OK ||
        add(&period->minimum, month->minimum) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    return OFT_OK;
}

/* The months of one period, and at its end what it asks for at least. */
static enum oft_err settle_period(const struct settling *settling, const struct share_terms *terms,
                                  struct ledger_share_settlement *it,
                                  struct ledger_share_period *period, struct running *sums)
{
    struct ledger_share_month *last = share_month(it, period->last_month);
    enum oft_err err = OFT_OK;
    oft_nanos earned = 0;
    oft_nanos minimum;
    sums->in_period = sums->in_capped = 0;
    for (int32_t at = period->first_month; err == OFT_OK && at <= period->last_month; at++) {
        struct ledger_share_month *month = share_month(it, at);
        if (it->plain) {
            err = add(&sums->total, month->earned);
        } else {
            err = earn(terms, sums, month);
        }
        err = err == OFT_OK ? add(&earned, month->earned) : err;
    }
    if (err == OFT_OK && period->over && terms->minimum_per_period >= 0) {
        err = minimum_of(terms, period, &minimum);
        err = err == OFT_OK ? top_up(terms, sums, earned, minimum, last) : err;
    }
    if (err == OFT_OK && settling->at >= terms->until &&
        last == &it->months[it->earning_count - 1]) {
        err = top_up(terms, sums, sums->total, terms->minimum, last);
    }
    for (int32_t at = period->first_month; err == OFT_OK && at <= period->last_month; at++) {
        err = sum_month(period, share_month(it, at));
    }
    return err;
}

static enum oft_err settle_months(const struct settling *settling, const struct share_terms *terms,
                                  struct ledger_share_settlement *it)
{
    struct running sums = {0};
    enum oft_err err = OFT_OK;
    for (size_t i = 0; err == OFT_OK && i < it->period_count; i++) {
        err = settle_period(settling, terms, it, &it->periods[i], &sums);
    }
    it->total = sums.total;
    it->cap_left = -1;
    if (err == OFT_OK && terms->cap >= 0) {
        err = oft_nanos_sub(terms->cap, sums.total, &it->cap_left);
        it->cap_left = it->cap_left < 0 ? 0 : it->cap_left;
    }
    return err;
}

/* ---- all of them ------------------------------------------------------------------------------- */

static void name_sides(const struct deal *deal, const struct deal_share *share,
                       struct ledger_share_settlement *it)
{
    uint32_t other = share->payee_party;
    it->direction = LEDGER_MEMO;
    if (share->payer_party == deal->customer_party) {
        it->direction = LEDGER_PAID;
    } else if (share->payee_party == deal->customer_party) {
        it->direction = LEDGER_RECEIVED;
        other = share->payer_party;
    }
    it->party = deal->parties[other].name;
}

static enum oft_err settle_one(struct settling *settling, uint32_t clause)
{
    struct ledger_share_settlement *it = &settling->all[settling->place[clause]];
    struct share_terms *terms = &settling->terms[settling->place[clause]];
    const struct deal_share *share = &settling->deal->clauses[clause].as.share;
    settling->done[clause] = true;
    enum oft_err err =
        share_terms_of(settling->deal, settling->attested, clause, settling->arena, terms);
    it->plain = share->plain;
    it->until = terms->until;
    name_sides(settling->deal, share, it);
    if (err == OFT_OK) {
        err = make_months(settling, terms, it);
    }
    make_periods(settling, terms, it);
    for (size_t i = 0; err == OFT_OK && i < settling->row_count; i++) {
        err = take_row(settling, terms, it, &settling->rows[i]);
    }
    if (err == OFT_OK && share->base == DEAL_BASE_SHARE) {
        uint32_t other = settling->place[share->base_clause];
        err = take_share(it, other == DEAL_NONE ? NULL : &settling->all[other]);
    }
    if (err == OFT_OK) {
        err = settle_months(settling, terms, it);
    }
    return err == OFT_OK ? share_hold_back(terms, settling->at, it) : err;
}

/* A share of another waits for it; the checker refuses circles, and here they end. */
static enum oft_err settle_after(struct settling *settling, uint32_t clause)
{
    uint32_t chain[64];
    size_t depth = 0;
    while (clause != DEAL_NONE && !settling->done[clause] && settling->place[clause] != DEAL_NONE &&
           depth < OFT_COUNT_OF(chain)) {
        const struct deal_share *share = &settling->deal->clauses[clause].as.share;
        bool seen = false;
        for (size_t i = 0; i < depth; i++) {
            seen = seen || chain[i] == clause;
        }
        if (seen) {
            break;
        }
        chain[depth++] = clause;
        clause = share->base == DEAL_BASE_SHARE ? share->base_clause : DEAL_NONE;
    }
    enum oft_err err = OFT_OK;
    while (err == OFT_OK && depth > 0) {
        err = settle_one(settling, chain[--depth]);
    }
    return err;
}

/* What two name of each other is set off once: by the first of them. */
static bool nets(const struct settling *settling, size_t place)
{
    uint32_t other = settling->terms[place].netting;
    if (other == DEAL_NONE || settling->place[other] == DEAL_NONE) {
        return false;
    }
    uint32_t back = settling->terms[settling->place[other]].netting;
    uint32_t own = settling->all[place].clause;
    return settling->all[place].direction != LEDGER_MEMO && (back != own || own < other);
}

static enum oft_err settle_money(struct settling *settling)
{
    enum oft_err err = OFT_OK;
    for (size_t i = 0; err == OFT_OK && i < settling->count; i++) {
        if (nets(settling, i)) {
            err = share_net(&settling->all[i],
                            &settling->all[settling->place[settling->terms[i].netting]]);
        }
    }
    for (size_t i = 0; err == OFT_OK && i < settling->count; i++) {
        err = share_pay(&settling->terms[i], settling->rows, settling->row_count, settling->at,
                        &settling->all[i]);
    }
    return err;
}

enum oft_err ledger_shares_settle(const struct deal *deal, struct deal_attestations attested,
                                  const struct ledger_row *rows, size_t row_count, oft_instant at,
                                  struct oft_arena *arena,
                                  struct ledger_share_settlement **ret_settlements,
                                  size_t *ret_count)
{
    size_t clauses = (size_t)deal->clause_count + 1;
    struct settling settling = {.deal = deal,
                                .attested = attested,
                                .rows = rows,
                                .row_count = row_count,
                                .at = at,
                                .arena = arena};
    settling.all = oft_arena_alloc_array(arena, clauses, sizeof(*settling.all));
    settling.terms = oft_arena_alloc_array(arena, clauses, sizeof(*settling.terms));
    settling.place = oft_arena_alloc_array(arena, clauses, sizeof(*settling.place));
    settling.done = oft_arena_alloc_array(arena, clauses, sizeof(*settling.done));
    if (settling.all == NULL || settling.terms == NULL || settling.place == NULL ||
        settling.done == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        bool share = deal->clauses[i].kind == DEAL_CLAUSE_SHARE;
        settling.place[i] = share ? (uint32_t)settling.count : DEAL_NONE;
        if (share) {
            settling.all[settling.count++].clause = i;
        }
    }
    enum oft_err err = OFT_OK;
    for (size_t i = 0; err == OFT_OK && i < settling.count; i++) {
        err = settle_after(&settling, settling.all[i].clause);
    }
    if (err == OFT_OK) {
        err = settle_money(&settling);
    }
    *ret_settlements = settling.all;
    *ret_count = settling.count;
    return err;
}
