/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rows of a month are a party's or an account's business, and their sums. The same input
 * gives the same statement: rows are sorted by key, names that the newest deal no longer has stay as
 * the rows have them, and every sum is made of the very amounts that are printed.
 */
#include <stdlib.h>
#include <string.h>

#include "ledger/internal.h"
#include "ledger/statement.h"

#define STATEMENT_BYTES_MAX ((size_t)1 << 30)

static int compare_rows(const void *a, const void *b)
{
    const struct ledger_row *x = *(const struct ledger_row *const *)a;
    const struct ledger_row *y = *(const struct ledger_row *const *)b;
    return ledger_key_compare(&x->key, &y->key);
}

bool statement_is_base_of(const struct ledger_row *row, const struct ledger_row *share)
{
    return share->key.unit <= LEDGER_SHARE_EARNED && row->key.month == share->key.month &&
           row->key.for_month == share->key.for_month &&
           strcmp(row->key.clause, share->key.clause) == 0 && row->key.rate == share->key.rate &&
           row->key.outcome == share->key.outcome && strcmp(row->key.party, share->key.party) == 0;
}

bool statement_is_capped(const struct ledger_row *share)
{
    oft_nanos whole;
    return share->key.unit == LEDGER_SHARE_PLAIN &&
           oft_nanos_mul_div_half_even(share->totals.quantity, share->key.rate, DEAL_RATE_ONE,
                                       &whole) == OFT_OK &&
           share->totals.amount_nanos < whole;
}

/* ---- who asks -------------------------------------------------------------------------------- */

static enum oft_err identify(struct statement *statement, struct oft_error *reterr)
{
    const struct ledger_statement_input *input = statement->input;
    const struct deal *deal = input->deal;
    struct oft_str name = oft_str_from(input->party);
    uint32_t index = deal_find_party(deal, name);
    if (name.length > 0 && index != DEAL_NONE) {
        statement->title = deal->parties[index].title;
        statement->kind = index == deal->customer_party ? STATEMENT_CUSTOMER : STATEMENT_PARTY;
        return OFT_OK;
    }
    index = deal_find_account(deal, name);
    if (name.length > 0 && index != DEAL_NONE) {
        statement->title = deal->accounts[index].title;
        statement->kind = STATEMENT_ACCOUNT;
        return OFT_OK;
    }
    /* A name of an earlier deal still has a right to its months. */
    for (size_t i = 0; name.length > 0 && i < input->row_count; i++) {
        const struct ledger_series_key *key = &input->rows[i].key;
        bool is_party = oft_str_is(name, key->party);
        if (is_party || oft_str_is(name, key->account)) {
            statement->title = input->party;
            statement->kind = is_party ? STATEMENT_PARTY : STATEMENT_ACCOUNT;
            return OFT_OK;
        }
    }
    return oft_fail(reterr, OFT_ERR_NOT_FOUND,
                    "no party and no account is called \"%.64s\"; see the deal file for the names",
                    input->party == NULL ? "" : input->party);
}

/* ---- which rows ------------------------------------------------------------------------------ */

static bool concerns(const struct statement *statement, const struct ledger_series_key *key)
{
    if (statement->kind == STATEMENT_CUSTOMER) {
        return true;
    }
    const char *name = statement->input->party;
    return strcmp(statement->kind == STATEMENT_ACCOUNT ? key->account : key->party, name) == 0;
}

/* The payer of a share between two others is told by the deal alone. */
static bool pays_memo_share(const struct statement *statement, const struct ledger_series_key *key)
{
    const struct deal *deal = statement->input->deal;
    uint32_t index = deal_find_clause(deal, oft_str_from(key->clause));
    if (key->outcome != LEDGER_MEMO || index == DEAL_NONE ||
        deal->clauses[index].kind != DEAL_CLAUSE_SHARE) {
        return false;
    }
    uint32_t payer = deal->clauses[index].as.share.payer_party;
    return strcmp(deal->parties[payer].name, statement->input->party) == 0;
}

static bool is_own_sale(const struct statement *statement, const struct ledger_series_key *key)
{
    const struct deal *deal = statement->input->deal;
    return strcmp(key->party, deal->parties[deal->customer_party].name) == 0;
}

static bool is_reserved(const struct statement *statement, const char *pool)
{
    const struct deal *deal = statement->input->deal;
    uint32_t index = deal_find_pool(deal, oft_str_from(pool));
    return index != DEAL_NONE && deal->pools[index].reserved;
}

/* An unknown clause is no reason: it names what let a request run, and prices nothing. */
static bool has_unknown(const struct ledger_series_key *key)
{
    return key->account[0] == '?' || key->product[0] == '?' || key->model[0] == '?' ||
           key->pool[0] == '?';
}

static void push(struct statement_rows *rows, const struct ledger_row *row)
{
    rows->items[rows->count++] = row;
}

static enum oft_err take_usage(struct statement *statement, const struct ledger_row *row)
{
    const struct ledger_series_key *key = &row->key;
    if (row->totals.quantity < INT64_MIN || row->totals.quantity > INT64_MAX ||
        key->outcome >= OFT_COUNT_OF(statement->requests)) {
        return OFT_ERR_CORRUPT;
    }
    int64_t requests = (int64_t)row->totals.quantity;
    if (__builtin_add_overflow(statement->requests[key->outcome], requests,
                               &statement->requests[key->outcome])) {
        return OFT_ERR_RANGE;
    }
    if (ledger_outcome_owes(key->outcome)) {
        statement->unknown_requests += has_unknown(key) ? requests : 0;
        if (statement->kind != STATEMENT_ACCOUNT && is_reserved(statement, key->pool)) {
            push(&statement->reserved, row);
        }
    }
    return OFT_OK;
}

static enum oft_err take_share(struct statement *statement, const struct ledger_row *row)
{
    oft_nanos *sum =
        row->key.outcome == LEDGER_PAID ? &statement->paid_nanos : &statement->received_nanos;
    if (row->key.product[0] != '\0') {
        push(&statement->bases, row);
        return OFT_OK;
    }
    bool gone = row->totals.quantity == 0 && row->totals.amount_nanos == 0;
    if (gone && row->key.unit != LEDGER_SHARE_PLAIN && row->key.for_month == 0) {
        return OFT_OK; /* it was reckoned otherwise once */
    }
    push(&statement->shares, row);
    if (row->key.outcome == LEDGER_MEMO) {
        return OFT_OK;
    }
    return oft_nanos_add(*sum, row->totals.amount_nanos, sum);
}

static enum oft_err take(struct statement *statement, const struct ledger_row *row)
{
    const struct ledger_series_key *key = &row->key;
    oft_nanos amount = row->totals.amount_nanos;
    bool account = statement->kind == STATEMENT_ACCOUNT;
    switch (key->kind) {
    case LEDGER_USAGE:
        return concerns(statement, key) ? take_usage(statement, row) : OFT_OK;
    case LEDGER_COST:
        if (account || !concerns(statement, key)) {
            return OFT_OK;
        }
        push(&statement->capacity, row);
        return oft_nanos_add(statement->capacity_nanos, amount, &statement->capacity_nanos);
    case LEDGER_SHARE:
        if (account || !(concerns(statement, key) || pays_memo_share(statement, key))) {
            return OFT_OK;
        }
        return take_share(statement, row);
    case LEDGER_SALE:
        if (!concerns(statement, key)) {
            return OFT_OK;
        }
        if (is_own_sale(statement, key)) {
            push(&statement->sales, row);
            return oft_nanos_add(statement->sales_nanos, amount, &statement->sales_nanos);
        }
        push(&statement->memo_sales, row);
        return oft_nanos_add(statement->memo_sales_nanos, amount, &statement->memo_sales_nanos);
    case LEDGER_SHORTFALL:
        if (account || !concerns(statement, key) || (amount == 0 && key->for_month == 0)) {
            return OFT_OK;
        }
        push(&statement->dues, row);
        return oft_nanos_add(statement->dues_nanos, amount, &statement->dues_nanos);
    case LEDGER_SHARE_TERM:
    case LEDGER_PAYMENT:
    case LEDGER_DEDUCTION:
        if (!account && concerns(statement, key) && (amount != 0 || key->for_month != 0)) {
            push(&statement->settling, row);
        }
        return OFT_OK;
    case LEDGER_FUND_CALL:
    case LEDGER_FUND_PAYMENT:
    case LEDGER_FUND_DRAW:
        return OFT_OK; /* memoranda of programmes: `offtake programme` */
    case LEDGER_COMMITMENT:
        break; /* all months: ledger_commitments */
    }
    return OFT_OK;
}

/* ---- sums ------------------------------------------------------------------------------------ */

static enum oft_err add_lines(const struct statement_rows *rows, bool subtract, oft_nanos *sum)
{
    for (size_t i = 0; i < rows->count; i++) {
        oft_nanos amount = rows->items[i]->totals.amount_nanos;
        uint32_t direction = rows->items[i]->key.outcome;
        bool share = rows->items[i]->key.kind == LEDGER_SHARE;
        if (share && direction == LEDGER_MEMO) {
            continue;
        }
        bool minus = share ? direction == LEDGER_RECEIVED : subtract;
        enum oft_err err =
            minus ? oft_nanos_sub(*sum, amount, sum) : oft_nanos_add(*sum, amount, sum);
        if (err != OFT_OK) {
            return err;
        }
    }
    return OFT_OK;
}

/* The net from the sums, and once more from the lines: a statement that does not add up is a bug. */
static enum oft_err add_up(struct statement *statement)
{
    oft_nanos net = statement->capacity_nanos;
    oft_nanos lines = 0;
    if (oft_nanos_add(net, statement->dues_nanos, &net) != OFT_OK ||
        oft_nanos_add(net, statement->paid_nanos, &net) != OFT_OK ||
        oft_nanos_sub(net, statement->received_nanos, &net) != OFT_OK ||
        oft_nanos_sub(net, statement->sales_nanos, &net) != OFT_OK ||
        add_lines(&statement->capacity, false, &lines) != OFT_OK ||
        add_lines(&statement->dues, false, &lines) != OFT_OK ||
        add_lines(&statement->shares, false, &lines) != OFT_OK ||
        add_lines(&statement->sales, true, &lines) != OFT_OK) {
        return OFT_ERR_RANGE;
    }
    OFT_ASSERT(lines == net);
    statement->net_nanos = net;
    return OFT_OK;
}

static enum oft_err build(struct statement *statement)
{
    const struct ledger_statement_input *input = statement->input;
    struct oft_arena *arena = &statement->arena;
    const struct ledger_row **rows =
        oft_arena_alloc_array(arena, input->row_count + 1, sizeof(*rows));
    struct statement_rows *sections[] = {
        &statement->capacity, &statement->reserved,   &statement->shares, &statement->bases,
        &statement->sales,    &statement->memo_sales, &statement->dues,   &statement->settling};
    if (rows == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (size_t i = 0; i < OFT_COUNT_OF(sections); i++) {
        sections[i]->items = oft_arena_alloc_array(arena, input->row_count + 1, sizeof(*rows));
        if (sections[i]->items == NULL) {
            return OFT_ERR_MEMORY;
        }
    }
    size_t count = 0;
    for (size_t i = 0; i < input->row_count; i++) {
        const struct ledger_series_key *key = &input->rows[i].key;
        if (key->month == input->month ||
            (input->life.restates != 0 && key->for_month == input->month)) {
            rows[count++] = &input->rows[i];
        }
    }
    qsort(rows, count, sizeof(*rows), compare_rows);
    for (size_t i = 0; i < count; i++) {
        enum oft_err err = take(statement, rows[i]);
        if (err != OFT_OK) {
            return err;
        }
    }
    return add_up(statement);
}

static enum oft_err add_commitments(struct statement *statement)
{
    const struct ledger_statement_input *input = statement->input;
    const struct deal *deal = input->deal;
    struct ledger_commitment_status *all;
    size_t count;
    if (statement->kind == STATEMENT_ACCOUNT) {
        return OFT_OK;
    }
    enum oft_err err = ledger_commitments(deal, input->attested, input->commitment_rows,
                                          input->commitment_row_count, input->as_of,
                                          &statement->arena, &all, &count);
    if (err != OFT_OK) {
        return err;
    }
    statement->commitments = all;
    for (size_t i = 0; i < count; i++) {
        uint32_t provider = deal->clauses[all[i].clause].as.commit.provider;
        const char *party = deal->parties[deal->providers[provider].party].name;
        if (statement->kind == STATEMENT_CUSTOMER || strcmp(party, input->party) == 0) {
            all[statement->commitment_count++] = all[i];
        }
    }
    return OFT_OK;
}

bool statement_note(const struct statement *statement, size_t index, struct oft_buffer *out)
{
    long long unsettled = statement->requests[LEDGER_UNSETTLED];
    long long estimated = statement->requests[LEDGER_SERVED_ESTIMATED];
    long long unknown = statement->unknown_requests;
    size_t seen = 0;
    if (unsettled > 0 && seen++ == index) {
        oft_buffer_printf(out, "%lld unsettled: %s", unsettled, LEDGER_ORPHAN_RULE);
    } else if (estimated > 0 && seen++ == index) {
        oft_buffer_printf(out,
                          "%lld estimated: the provider sent no usage; its tokens were counted "
                          "from what passed.",
                          estimated);
    } else if (unknown > 0 && seen++ == index) {
        oft_buffer_printf(out,
                          "%lld with an id that their deal does not know: what could not be priced "
                          "is not in the amounts.",
                          unknown);
    } else if (statement->reserved.count > 0 && seen++ == index) {
        oft_buffer_append_text(out, "Reserved capacity is paid for flat: its use is shown without "
                                    "an amount.");
    } else {
        return false;
    }
    return true;
}

static enum oft_err add_deltas(struct statement *statement)
{
    struct ledger_statement_input input = *statement->input;
    struct statement before = {.input = &input,
                               .kind = statement->kind,
                               .title = statement->title,
                               .arena = statement->arena};
    if (input.life.restates == 0) {
        return OFT_OK;
    }
    input.life.restates = input.before_restates;
    input.rows = input.before_rows;
    input.row_count = input.before_row_count;
    enum oft_err err = build(&before);
    statement->arena = before.arena; /* one arena, lent and taken back */
    return err != OFT_OK ? err : statement_find_deltas(statement, &before);
}

enum oft_err statement_make(struct statement *statement, struct oft_error *reterr)
{
    oft_arena_init(&statement->arena, STATEMENT_BYTES_MAX);
    enum oft_err err = identify(statement, reterr);
    if (err != OFT_OK) {
        return err;
    }
    err = build(statement);
    if (err == OFT_OK) {
        err = add_commitments(statement);
    }
    if (err == OFT_OK) {
        err = add_deltas(statement);
    }
    return err == OFT_OK ? OFT_OK
                         : oft_fail(reterr, err, "cannot make the statement of %.64s: %s",
                                    statement->input->party, oft_err_text(err));
}

void statement_release(struct statement *statement)
{
    oft_arena_release(&statement->arena);
}

enum oft_err ledger_statement(const struct ledger_statement_input *input, enum ledger_format format,
                              struct oft_buffer *out, struct oft_error *reterr)
{
    struct statement statement = {.input = input};
    enum oft_err err = statement_make(&statement, reterr);
    if (err == OFT_OK) {
        switch (format) {
        case LEDGER_TEXT:
            statement_print_text(&statement, out);
            break;
        case LEDGER_JSON:
            statement_print_json(&statement, out);
            break;
        case LEDGER_CSV:
            statement_print_csv(&statement, out);
            break;
        }
        if (out->failed) {
            err = oft_fail(reterr, OFT_ERR_LIMIT, "cannot make the statement of %.64s: %s",
                           input->party, oft_err_text(OFT_ERR_LIMIT));
        }
    }
    statement_release(&statement);
    return err;
}
