/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told of funding programmes: may it be taken, and its rows. And the calls of the deal's text, as
 * totals, so that a text that says otherwise moves them by the difference.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/fund_internal.h"

bool ledger_fund_kind(enum ledger_series_kind kind)
{
    return kind == LEDGER_FUND_CALL || kind == LEDGER_FUND_PAYMENT || kind == LEDGER_FUND_DRAW;
}

bool ledger_fund_is_written(const struct ledger_series_key *key)
{
    return key->kind == LEDGER_FUND_CALL && strncmp(key->product, "written-", 8) == 0;
}

bool ledger_fund_number(const struct ledger_series_key *key, uint32_t *ret_number)
{
    uint32_t number = 0;
    if (strncmp(key->product, "call-", 5) != 0 || key->product[5] == '\0') {
        return false;
    }
    for (const char *digit = key->product + 5; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9' || number > UINT32_MAX / 10 - 1) {
            return false;
        }
        number = number * 10 + (uint32_t)(*digit - '0');
    }
    *ret_number = number;
    return number > 0;
}

/* ---- what is refused --------------------------------------------------------------------------- */

/* Amounts of one refusal, as people read them. */
struct words {
    char asked[OFT_NANOS_TEXT_BYTES], limit[OFT_NANOS_TEXT_BYTES];
    char beyond[OFT_NANOS_TEXT_BYTES], room[OFT_NANOS_TEXT_BYTES];
};

/* Whether AMOUNT is more than ROOM of LIMIT. */
static bool too_much(oft_nanos amount, oft_nanos room, oft_nanos limit, struct words *words)
{
    oft_nanos beyond;
    if (amount <= room) {
        return false;
    }
    (void)oft_nanos_format_grouped(amount, words->asked);
    (void)oft_nanos_format_grouped(limit, words->limit);
    (void)oft_nanos_format_grouped(room > 0 ? room : 0, words->room);
    (void)oft_nanos_format_grouped(oft_nanos_sub(amount, room, &beyond) == OFT_OK ? beyond : amount,
                                   words->beyond);
    return true;
}

static enum oft_err check_part(const struct ledger_fund *fund, size_t place, oft_nanos part,
                               struct oft_error *reterr)
{
    const struct ledger_fund_funder *funder = &fund->funders[place];
    struct words words;
    oft_nanos room;
    if (oft_nanos_sub(funder->remaining, funder->to_come, &room) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    if (part > 0 && funder->said == DEAL_PLEDGE_PROPOSED) {
        return oft_fail(reterr, OFT_ERR_CONFLICT,
                        "the pledge of %s to %s is proposed, and nobody is called on what was not "
                        "committed: write \"status committed\" at its funder line and publish, or "
                        "call nothing",
                        funder->party, fund->programme->name);
    }
    if (too_much(part, room, funder->pledged, &words)) {
        return oft_fail(reterr, OFT_ERR_CONFLICT,
                        "the part of %s would be %s, %s beyond its pledge of %s: pledges are "
                        "several, so nobody else takes it; %s of the pledge are left",
                        funder->party, words.asked, words.beyond, words.limit, words.room);
    }
    return OFT_OK;
}

/* In words' order: the total, what the tranches allow, each funder. */
static enum oft_err check_call(const struct ledger_fund *fund, const struct ledger_fund_ask *ask,
                               struct oft_error *reterr)
{
    const struct deal_programme *programme = fund->programme;
    struct words words;
    oft_nanos in_all;
    oft_nanos opened;
    if (programme->funder_count == 0) {
        return oft_fail(reterr, OFT_ERR_CONFLICT, "%s has no funder that could be called on",
                        programme->name);
    }
    if (ledger_fund_day_end(ask->day) < ask->at) {
        return oft_fail(reterr, OFT_ERR_CONFLICT,
                        "a call cannot be due before it is made: name a later day");
    }
    if (oft_nanos_sub(fund->remaining, fund->to_come, &in_all) != OFT_OK ||
        oft_nanos_sub(fund->opened, fund->called, &opened) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    if (too_much(ask->amount, in_all, programme->total_nanos, &words)) {
        return oft_fail(reterr, OFT_ERR_CONFLICT,
                        "a call of %s is %s beyond what %s has left of its total of %s: call at "
                        "most %s",
                        words.asked, words.beyond, programme->name, words.limit, words.room);
    }
    if (too_much(ask->amount, opened, fund->opened, &words)) {
        return oft_fail(reterr, OFT_ERR_CONFLICT,
                        "a call of %s is %s beyond the tranches of %s that have begun, %s in all: "
                        "call at most %s, or wait for the next",
                        words.asked, words.beyond, programme->name, words.limit, words.room);
    }
    oft_nanos *parts = calloc(programme->funder_count, sizeof(*parts));
    enum oft_err err = parts == NULL ? OFT_ERR_MEMORY : OFT_OK;
    if (err == OFT_OK) {
        err = ledger_fund_parts(fund, ask->amount, parts);
    }
    for (size_t i = 0; err == OFT_OK && i < programme->funder_count; i++) {
        err = check_part(fund, i, parts[i], reterr);
    }
    free(parts);
    return err;
}

static const struct ledger_fund_funder *funder_named(const struct ledger_fund *fund,
                                                     const char *party)
{
    for (size_t i = 0; i < fund->funder_count; i++) {
        if (strcmp(fund->funders[i].party, party) == 0) {
            return &fund->funders[i];
        }
    }
    return NULL;
}

static oft_instant day_start(oft_instant at)
{
    return ledger_fund_day_end(at) - (OFT_NS_PER_DAY - 1);
}

/* Puts the fund at the end of DAY into *RET_THEN when that leaves the funder less to pay. */
static enum oft_err look_at_day(const struct deal *deal, const char *programme,
                                const struct ledger_row *rows, size_t row_count,
                                const struct ledger_fund_ask *ask, oft_instant day,
                                struct oft_arena *arena, const struct ledger_fund **ret_then)
{
    struct ledger_fund *funds = NULL;
    size_t count = 0;
    oft_instant end = ledger_fund_day_end(day);
    if (day < ask->day || end >= ask->at) {
        return OFT_OK;
    }
    enum oft_err err = ledger_funds_settle(deal, rows, row_count, end, arena, &funds, &count);
    const struct ledger_fund *fund =
        err == OFT_OK ? ledger_fund_find(funds, count, programme) : NULL;
    const struct ledger_fund_funder *now = fund == NULL ? NULL : funder_named(fund, ask->funder);
    const struct ledger_fund_funder *least =
        *ret_then == NULL ? NULL : funder_named(*ret_then, ask->funder);
    if (now != NULL && (least == NULL || now->outstanding < least->outstanding)) {
        *ret_then = fund;
    }
    return err;
}

oft_instant ledger_fund_now(const char *programme, const struct ledger_row *rows, size_t row_count,
                            oft_instant now)
{
    for (size_t i = 0; i < row_count; i++) {
        const struct ledger_series_key *key = &rows[i].key;
        bool call = key->kind == LEDGER_FUND_CALL;
        oft_instant at;
        if (ledger_fund_kind(key->kind) && strcmp(key->clause, programme) == 0 &&
            rows[i].totals.quantity != 0 &&
            oft_instant_parse(oft_str_from(call ? key->model : key->pool), &at) == OFT_OK) {
            now = at > now ? at : now;
        }
    }
    return now;
}

enum oft_err ledger_fund_then(const struct deal *deal, const char *programme,
                              const struct ledger_row *rows, size_t row_count,
                              const struct ledger_fund_ask *ask, struct oft_arena *arena,
                              const struct ledger_fund **ret_then)
{
    *ret_then = NULL;
    if (ask->kind != LEDGER_FUND_PAYMENT) {
        return OFT_OK;
    }
    enum oft_err err =
        look_at_day(deal, programme, rows, row_count, ask, ask->day, arena, ret_then);
    for (size_t i = 0; err == OFT_OK && i < row_count; i++) {
        const struct ledger_series_key *key = &rows[i].key;
        oft_instant day;
        if (key->kind != LEDGER_FUND_PAYMENT || strcmp(key->clause, programme) != 0 ||
            strcmp(key->party, ask->funder) != 0) {
            continue;
        }
        err = oft_instant_parse(oft_str_from(key->pool), &day) == OFT_OK
                  ? look_at_day(deal, programme, rows, row_count, ask, day, arena, ret_then)
                  : OFT_ERR_CORRUPT;
    }
    return err;
}

static enum oft_err check_payment(const struct ledger_fund *fund, const struct ledger_fund *then,
                                  const struct ledger_fund_ask *ask, struct oft_error *reterr)
{
    const struct ledger_fund_funder *funder = funder_named(fund, ask->funder);
    const struct ledger_fund_funder *before = then == NULL ? NULL : funder_named(then, ask->funder);
    char day[OFT_INSTANT_TEXT_BYTES];
    struct words words;
    if (funder == NULL) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND, "%s is no funder of %s", ask->funder,
                        fund->programme->name);
    }
    if (ask->day > ask->at) {
        return oft_fail(reterr, OFT_ERR_CONFLICT,
                        "%s is still to come: tell a payment once it was made",
                        oft_instant_format_short(ask->day, day));
    }
    if (too_much(ask->amount, funder->outstanding, funder->called, &words)) {
        return oft_fail(reterr, OFT_ERR_CONFLICT,
                        "a payment of %s is %s beyond what is called of %s, %s in all: %s are "
                        "still to be paid. Make the call first",
                        words.asked, words.beyond, funder->party, words.limit, words.room);
    }
    if (before != NULL && too_much(ask->amount, before->outstanding, before->called, &words)) {
        return oft_fail(reterr, OFT_ERR_CONFLICT,
                        "on %s only %s were called of %s and %s of that not paid: the payment is "
                        "%s beyond what could be paid by then. Name the day on which it was made",
                        oft_instant_format_short(day_start(then->at), day), words.limit,
                        funder->party, words.room, words.beyond);
    }
    return OFT_OK;
}

static enum oft_err check_draw(const struct ledger_fund *fund, const struct ledger_fund_ask *ask,
                               struct oft_error *reterr)
{
    struct words words;
    if (!ask->order_known) {
        return oft_fail(reterr, OFT_ERR_NOT_FOUND,
                        "there is no order \"%.100s\": name one of the desk's (order-2, see "
                        "`offtake order list`) or an order of the deal (AGREEMENT.CLAUSE)",
                        ask->order);
    }
    if (too_much(ask->amount, fund->undrawn, fund->paid, &words)) {
        return oft_fail(reterr, OFT_ERR_CONFLICT,
                        "a draw of %s is %s beyond the cash of %s: of %s paid in, %s are left. "
                        "Call more, or draw less",
                        words.asked, words.beyond, fund->programme->name, words.limit, words.room);
    }
    return OFT_OK;
}

enum oft_err ledger_fund_check(const struct ledger_fund *fund, const struct ledger_fund *then,
                               const struct ledger_fund_ask *ask, struct oft_error *reterr)
{
    if (ask->amount <= 0) {
        return oft_fail(reterr, OFT_ERR_INVALID, "an amount is more than 0");
    }
    switch (ask->kind) {
    case LEDGER_FUND_CALL:
        return check_call(fund, ask, reterr);
    case LEDGER_FUND_PAYMENT:
        return check_payment(fund, then, ask, reterr);
    case LEDGER_FUND_DRAW:
        return check_draw(fund, ask, reterr);
    default:
        return oft_fail(reterr, OFT_ERR_INVALID, "programmes take calls, payments and draws");
    }
}

/* ---- rows -------------------------------------------------------------------------------------- */

/* All but the party. */
static enum oft_err key_of(struct ledger_series_key *key, enum ledger_series_kind kind,
                           const struct ledger_fund *fund, const char *product,
                           oft_instant month_at, oft_instant day)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    key->kind = kind;
    key->month = deal_month_of(fund->deal, month_at);
    enum oft_err err = LEDGER_PUT_NAME(key->clause, fund->programme->name);
    if (err == OFT_OK) {
        err = LEDGER_PUT_NAME(key->product, product);
    }
    return err == OFT_OK ? LEDGER_PUT_NAME(key->pool, oft_instant_format_short(day, text)) : err;
}

/* One funder's part of a call that was made ON. */
static enum oft_err add_part(struct ledger_batch *batch, const struct ledger_fund *fund,
                             const struct ledger_fund_call *call, const char *party,
                             oft_nanos amount)
{
    struct ledger_series wanted = {.parent = SIZE_MAX, .cap_nanos = -1, .is_total = call->written};
    char text[OFT_INSTANT_TEXT_BYTES];
    size_t index;
    enum oft_err err = key_of(&wanted.key, LEDGER_FUND_CALL, fund, call->name, call->on, call->due);
    if (err == OFT_OK) {
        err = LEDGER_PUT_NAME(wanted.key.model, oft_instant_format_short(call->on, text));
    }
    if (err == OFT_OK) {
        err = LEDGER_PUT_NAME(wanted.key.party, party);
    }
    return err == OFT_OK && amount != 0 ? ledger_series_add(batch, &wanted, amount, 0, &index)
                                        : err;
}

static enum oft_err add_call(struct ledger_batch *batch, const struct ledger_fund *fund,
                             const struct ledger_fund_ask *ask)
{
    size_t count = fund->programme->funder_count;
    oft_nanos *parts = calloc(count + 1, sizeof(*parts));
    struct ledger_fund_call call = {.on = ask->at, .due = ask->day};
    (void)snprintf(call.name, sizeof(call.name), "call-%u", fund->last_call + 1);
    enum oft_err err = parts == NULL ? OFT_ERR_MEMORY : ledger_fund_parts(fund, ask->amount, parts);
    for (size_t i = 0; err == OFT_OK && i < count; i++) {
        err = add_part(batch, fund, &call, fund->funders[i].party, parts[i]);
    }
    free(parts);
    return err;
}

static enum oft_err add_money(struct ledger_batch *batch, const struct ledger_fund *fund,
                              const struct ledger_fund_ask *ask)
{
    struct ledger_series wanted = {.parent = SIZE_MAX, .cap_nanos = -1};
    bool draw = ask->kind == LEDGER_FUND_DRAW;
    size_t index;
    enum oft_err err =
        key_of(&wanted.key, ask->kind, fund, draw ? ask->order : "", ask->day, ask->day);
    if (err == OFT_OK && !draw) {
        err = LEDGER_PUT_NAME(wanted.key.party, ask->funder);
    }
    return err == OFT_OK ? ledger_series_add(batch, &wanted, ask->amount, 0, &index) : err;
}

enum oft_err ledger_fund_add(struct ledger_batch *batch, const struct ledger_fund *fund,
                             const struct ledger_fund_ask *ask)
{
    if (batch->failure != OFT_OK) {
        return batch->failure;
    }
    if (batch->closed || !ledger_fund_kind(ask->kind) || ask->amount <= 0) {
        return batch->failure = OFT_ERR_INVALID;
    }
    return batch->failure = ask->kind == LEDGER_FUND_CALL ? add_call(batch, fund, ask)
                                                          : add_money(batch, fund, ask);
}

/* What the books hold of a written call comes to nothing, unless the text still says it. */
static enum oft_err add_nothing(struct ledger_batch *batch, const struct ledger_fund *funds,
                                size_t count, const struct ledger_row *row)
{
    struct ledger_series wanted = {.parent = SIZE_MAX, .cap_nanos = -1, .is_total = true};
    size_t index;
    if (!ledger_fund_is_written(&row->key) ||
        ledger_fund_find(funds, count, row->key.clause) == NULL) {
        return OFT_OK;
    }
    wanted.key = row->key;
    wanted.key.month = ledger_own_month(&row->key); /* the batch says where it stands now */
    wanted.key.for_month = 0;
    return ledger_series_add(batch, &wanted, 0, 0, &index);
}

enum oft_err ledger_funds_add(struct ledger_batch *batch, const struct ledger_fund *funds,
                              size_t count, const struct ledger_row *rows, size_t row_count)
{
    if (batch->failure != OFT_OK) {
        return batch->failure;
    }
    if (batch->closed) {
        return batch->failure = OFT_ERR_INVALID;
    }
    for (size_t i = 0; i < count; i++) {
        const struct ledger_fund *fund = &funds[i];
        for (size_t j = 0; j < fund->call_count; j++) {
            const struct ledger_fund_call *call = &fund->calls[j];
            for (size_t k = 0; call->written && k < fund->funder_count; k++) {
                if (batch->failure == OFT_OK) {
                    batch->failure =
                        add_part(batch, fund, call, fund->funders[k].party, call->parts[k].amount);
                }
            }
        }
    }
    for (size_t i = 0; batch->failure == OFT_OK && i < row_count; i++) {
        batch->failure = add_nothing(batch, funds, count, &rows[i]);
    }
    return batch->failure;
}
