/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settled shares into a batch, as totals: what each month earned, what topped it up, interest, what was
 * kept back or set off. And what somebody tells of shares: deductions, payments.
 */
#include <string.h>

#include "ledger/share_terms.h"

struct line {
    enum ledger_series_kind kind;
    uint32_t unit;
    oft_nanos quantity, amount;
};

static enum oft_err key_of(const struct deal *deal, const struct ledger_share_settlement *it,
                           int32_t month, const struct line *line, struct ledger_series_key *key)
{
    const struct deal_clause *clause = &deal->clauses[it->clause];
    bool earned = line->kind == LEDGER_SHARE && line->unit == LEDGER_SHARE_EARNED;
    key->kind = line->kind;
    key->month = month;
    key->unit = line->unit;
    key->outcome = it->direction;
    key->rate = earned && clause->as.share.rate_ppb > 0 ? clause->as.share.rate_ppb : 0;
    enum oft_err err = LEDGER_PUT_NAME(key->party, it->party);
    return err == OFT_OK ? LEDGER_PUT_NAME(key->clause, clause->id) : err;
}

static enum oft_err add_line(struct ledger_batch *batch, const struct deal *deal,
                             const struct ledger_share_settlement *it, int32_t month,
                             const struct line *line)
{
    struct ledger_series wanted = {.parent = SIZE_MAX, .cap_nanos = -1, .is_total = true};
    size_t index;
    enum oft_err err = key_of(deal, it, month, line, &wanted.key);
    return err == OFT_OK ? ledger_series_add(batch, &wanted, line->quantity, line->amount, &index)
                         : err;
}

/* A line that comes to nothing is not made; one that the books hold comes to nothing by itself. */
static enum oft_err add_month(struct ledger_batch *batch, const struct deal *deal,
                              const struct ledger_share_settlement *it,
                              const struct ledger_share_month *month)
{
    oft_nanos net;
    bool between_others = it->direction == LEDGER_MEMO;
    if (oft_nanos_sub(month->base, month->deducted, &net) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    const struct line lines[] = {
        {LEDGER_SHARE, LEDGER_SHARE_EARNED, it->plain ? 0 : net, it->plain ? 0 : month->earned},
        {LEDGER_SHARE, LEDGER_SHARE_MINIMUM, 0, it->plain ? 0 : month->minimum},
        {LEDGER_SHARE, LEDGER_SHARE_INTEREST, 0, month->interest},
        {LEDGER_SHARE_TERM, LEDGER_TERM_HELD, between_others ? 0 : month->held, 0},
        {LEDGER_SHARE_TERM, LEDGER_TERM_NETTED, between_others ? 0 : month->netted, 0},
    };
    enum oft_err err = OFT_OK;
    for (size_t i = 0; err == OFT_OK && i < OFT_COUNT_OF(lines); i++) {
        if (lines[i].quantity != 0 || lines[i].amount != 0) {
            err = add_line(batch, deal, it, month->month, &lines[i]);
        }
    }
    return err;
}

static enum oft_err add_nothing(struct ledger_batch *batch, const struct deal *deal,
                                const struct ledger_row *row)
{
    struct ledger_series wanted = {.parent = SIZE_MAX, .cap_nanos = -1, .is_total = true};
    uint32_t clause = deal_find_clause(deal, oft_str_from(row->key.clause));
    bool reckoned = row->key.kind == LEDGER_SHARE_TERM ||
                    (row->key.kind == LEDGER_SHARE && row->key.unit != LEDGER_SHARE_PLAIN);
    size_t index;
    if (!reckoned || clause == DEAL_NONE || deal->clauses[clause].kind != DEAL_CLAUSE_SHARE) {
        return OFT_OK;
    }
    wanted.key = row->key;
    wanted.key.month = ledger_own_month(&row->key); /* the batch says where it stands now */
    wanted.key.for_month = 0;
    return ledger_series_add(batch, &wanted, 0, 0, &index);
}

enum oft_err ledger_shares_add(struct ledger_batch *batch, const struct ledger_context *context,
                               const struct ledger_share_settlement *settlements, size_t count,
                               const struct ledger_row *rows, size_t row_count)
{
    if (batch->failure != OFT_OK) {
        return batch->failure;
    }
    if (batch->closed) {
        return batch->failure = OFT_ERR_INVALID;
    }
    for (size_t i = 0; batch->failure == OFT_OK && i < count; i++) {
        for (size_t j = 0; batch->failure == OFT_OK && j < settlements[i].month_count; j++) {
            batch->failure =
                add_month(batch, context->deal, &settlements[i], &settlements[i].months[j]);
        }
    }
    for (size_t i = 0; batch->failure == OFT_OK && i < row_count; i++) {
        batch->failure = add_nothing(batch, context->deal, &rows[i]);
    }
    return batch->failure;
}

/* ---- what is told ------------------------------------------------------------------------------ */

enum oft_err ledger_told_add(struct ledger_batch *batch, const struct ledger_told *told)
{
    struct ledger_series wanted = {.parent = SIZE_MAX, .cap_nanos = -1};
    char at[OFT_INSTANT_TEXT_BYTES];
    size_t index;
    if (batch->failure != OFT_OK) {
        return batch->failure;
    }
    if (batch->closed || (told->kind != LEDGER_DEDUCTION && told->kind != LEDGER_PAYMENT)) {
        return batch->failure = OFT_ERR_INVALID;
    }
    wanted.key.kind = told->kind;
    wanted.key.month = told->month;
    if (LEDGER_PUT_NAME(wanted.key.clause, told->name) != OFT_OK ||
        LEDGER_PUT_NAME(wanted.key.product, told->detail) != OFT_OK ||
        LEDGER_PUT_NAME(wanted.key.pool, oft_instant_format_short(told->at, at)) != OFT_OK) {
        return batch->failure = OFT_ERR_LIMIT;
    }
    if (told->kind == LEDGER_PAYMENT) {
        wanted.key.outcome = told->direction;
        if (LEDGER_PUT_NAME(wanted.key.party, told->party) != OFT_OK) {
            return batch->failure = OFT_ERR_LIMIT;
        }
    }
    return batch->failure = ledger_series_add(batch, &wanted, told->amount, 0, &index);
}
