/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A statement on paper: the same lines, sums and words as the text has, handed to whoever sets a page.
 * Hashes and what the statement is made from come last, where a finance department looks for them.
 */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "ledger/internal.h"
#include "ledger/statement.h"

enum { WORDS_BYTES = 1024 };

#define SHEET_CALL(sheet, name, ...) (sheet)->name((sheet)->context, __VA_ARGS__)

static const char *const NOTHING = "";

static void put_parties(const struct statement *statement, const struct ledger_sheet *sheet)
{
    const struct ledger_statement_input *input = statement->input;
    const struct deal *deal = input->deal;
    char words[WORDS_BYTES];
    char from[OFT_INSTANT_TEXT_BYTES];
    char until[OFT_INSTANT_TEXT_BYTES];
    (void)snprintf(words, sizeof(words), "%s (%s)", statement->title, input->party);
    SHEET_CALL(sheet, row, "For", words);
    (void)snprintf(words, sizeof(words), "%s (%s)", deal->parties[deal->customer_party].title,
                   deal->parties[deal->customer_party].name);
    SHEET_CALL(sheet, row, "Made by", words);
    SHEET_CALL(sheet, row, "Deal", deal->title);
    (void)snprintf(words, sizeof(words), "%s until %s, UTC",
                   oft_instant_format_short(deal_month_start(deal, input->month), from),
                   oft_instant_format_short(deal_month_start(deal, input->month + 1), until));
    SHEET_CALL(sheet, row, "Period", words);
    SHEET_CALL(sheet, row, "Currency", deal->currency);
}

static void put_facts(const struct statement *statement, const struct ledger_sheet *sheet,
                      bool about_life)
{
    struct oft_buffer fact;
    struct statement_fact it;
    oft_buffer_init(&fact, 4096);
    for (size_t i = 0; statement_fact(statement, i, &it, &fact); i++) {
        bool life = strcmp(it.key, "generation") != 0 && strcmp(it.key, "time_zones") != 0 &&
                    strcmp(it.key, "form") != 0;
        if (it.name != NULL && life == about_life) {
            SHEET_CALL(sheet, row, it.name, oft_buffer_text(&fact));
        }
    }
    oft_buffer_release(&fact);
}

static void put_sum(const struct ledger_sheet *sheet, size_t columns, const char *name,
                    oft_nanos amount)
{
    char digits[OFT_NANOS_TEXT_BYTES];
    const char *cells[5] = {name, NOTHING, NOTHING, NOTHING, NOTHING};
    cells[columns - 1] = oft_nanos_format_grouped(amount, digits);
    SHEET_CALL(sheet, cells, cells, true);
}

static void put_priced_row(const struct ledger_sheet *sheet, const struct ledger_row *row,
                           const char *words)
{
    char quantity[OFT_NANOS_TEXT_BYTES];
    char price[OFT_NANOS_TEXT_BYTES];
    char amount[OFT_NANOS_TEXT_BYTES];
    char unit[64];
    char per[PRINT_PER_BYTES];
    bool hours = print_is_capacity(row->key.unit);
    (void)snprintf(unit, sizeof(unit), "%s%s", print_unit_name(row->key.unit),
                   hours ? print_per(&row->key, per) : ", per 1M");
    const char *cells[] = {
        words, unit, print_grouped(row->totals.quantity, quantity),
        oft_nanos_format_grouped(hours ? row->key.rate / LEDGER_RATE_UNITS : row->key.rate, price),
        oft_nanos_format_grouped(row->totals.amount_nanos, amount)};
    SHEET_CALL(sheet, cells, cells, false);
}

static void put_priced(const struct statement *statement, const struct ledger_sheet *sheet,
                       const char *title, const struct statement_rows *rows, oft_nanos sum)
{
    static const struct ledger_column columns[] = {{"Line", 0, false},
                                                   {"Unit", 17, false},
                                                   {"Quantity", 16, true},
                                                   {"Price", 12, true},
                                                   {"Amount", 20, true}};
    char before[WORDS_BYTES] = "";
    char words[WORDS_BYTES];
    if (rows->count == 0) {
        return;
    }
    SHEET_CALL(sheet, heading, title);
    SHEET_CALL(sheet, table, columns, OFT_COUNT_OF(columns));
    for (size_t i = 0; i < rows->count; i++) {
        statement_line_words(statement, &rows->items[i]->key, words, sizeof(words));
        put_priced_row(sheet, rows->items[i], strcmp(words, before) == 0 ? NOTHING : words);
        memcpy(before, words, sizeof(before));
    }
    put_sum(sheet, OFT_COUNT_OF(columns), "Subtotal", sum);
}

static void put_reserved(const struct statement *statement, const struct ledger_sheet *sheet)
{
    static const struct ledger_column columns[] = {
        {"Line", 0, false}, {"Unit", 17, false}, {"Quantity", 25, true}};
    char words[WORDS_BYTES];
    char quantity[OFT_NANOS_TEXT_BYTES];
    char late[STATEMENT_LATE_BYTES];
    if (statement->reserved.count == 0) {
        return;
    }
    SHEET_CALL(sheet, heading, "Reserved capacity used (paid for flat: no amount here)");
    SHEET_CALL(sheet, table, columns, OFT_COUNT_OF(columns));
    for (size_t i = 0; i < statement->reserved.count; i++) {
        const struct ledger_row *row = statement->reserved.items[i];
        (void)snprintf(words, sizeof(words), "%s%s, %s: %s for %s, %s",
                       statement_late(statement, &row->key, late), row->key.pool, row->key.model,
                       row->key.product, row->key.account, print_outcome_name(row->key.outcome));
        const char *cells[] = {words, "requests", print_grouped(row->totals.quantity, quantity)};
        SHEET_CALL(sheet, cells, cells, false);
        cells[0] = NOTHING;
        for (uint32_t unit = 0; unit < METER_UNITS; unit++) {
            if (row->totals.units[unit] != 0) {
                cells[1] = print_unit_name(unit);
                cells[2] = print_grouped((oft_nanos)row->totals.units[unit], quantity);
                SHEET_CALL(sheet, cells, cells, false);
            }
        }
    }
}

/* As statement_share_words, without the base, which has a column. */
static void put_rate(const struct ledger_row *share, char *out, size_t size)
{
    char percent[OFT_NANOS_TEXT_BYTES];
    bool bands = share->key.unit == LEDGER_SHARE_EARNED && share->key.rate == 0;
    if (share->key.unit > LEDGER_SHARE_EARNED) {
        (void)snprintf(out, size, "%s", print_share_part_name(share->key.unit));
    } else {
        (void)snprintf(out, size, "%s%s%s",
                       bands ? "by bands" : print_percent(share->key.rate, percent),
                       bands ? "" : "%", statement_is_capped(share) ? ", up to its cap" : "");
    }
}

static void put_share(const struct statement *statement, const struct ledger_row *share,
                      const struct ledger_sheet *sheet)
{
    char words[WORDS_BYTES];
    char rate[WORDS_BYTES];
    char base[OFT_NANOS_TEXT_BYTES];
    char amount[OFT_NANOS_TEXT_BYTES];
    char late[STATEMENT_LATE_BYTES];
    for (size_t i = 0; i < statement->bases.count; i++) {
        const struct ledger_row *row = statement->bases.items[i];
        if (statement_is_base_of(row, share)) {
            (void)snprintf(words, sizeof(words), "%sbase: %s",
                           statement_late(statement, &row->key, late), row->key.product);
            const char *cells[] = {words, NOTHING,
                                   oft_nanos_format_grouped(row->totals.quantity, base), NOTHING};
            SHEET_CALL(sheet, cells, cells, false);
        }
    }
    statement_line_words(statement, &share->key, words, sizeof(words));
    put_rate(share, rate, sizeof(rate));
    const char *cells[] = {words, rate, oft_nanos_format_grouped(share->totals.quantity, base),
                           oft_nanos_format_grouped(share->totals.amount_nanos, amount)};
    SHEET_CALL(sheet, cells, cells, false);
}

static void put_shares(const struct statement *statement, const struct ledger_sheet *sheet)
{
    static const struct ledger_column columns[] = {
        {"Line", 0, false}, {"Rate", 14, false}, {"Base", 22, true}, {"Amount", 22, true}};
    if (statement->shares.count == 0) {
        return;
    }
    SHEET_CALL(sheet, heading, "Revenue shares");
    SHEET_CALL(sheet, table, columns, OFT_COUNT_OF(columns));
    for (size_t i = 0; i < statement->shares.count; i++) {
        put_share(statement, statement->shares.items[i], sheet);
    }
    put_sum(sheet, OFT_COUNT_OF(columns), "Subtotal paid", statement->paid_nanos);
    put_sum(sheet, OFT_COUNT_OF(columns), "Subtotal received", statement->received_nanos);
}

/* Lines of words and an amount; SUM may be NULL. */
static void put_amounts(const struct statement *statement, const struct ledger_sheet *sheet,
                        const char *title, const struct statement_rows *rows, const oft_nanos *sum)
{
    static const struct ledger_column columns[] = {{"Line", 0, false}, {"Amount", 22, true}};
    char words[WORDS_BYTES];
    char amount[OFT_NANOS_TEXT_BYTES];
    if (rows->count == 0) {
        return;
    }
    SHEET_CALL(sheet, heading, title);
    SHEET_CALL(sheet, table, columns, OFT_COUNT_OF(columns));
    for (size_t i = 0; i < rows->count; i++) {
        const struct ledger_row *row = rows->items[i];
        statement_line_words(statement, &row->key, words, sizeof(words));
        const char *cells[] = {words, oft_nanos_format_grouped(row->totals.amount_nanos, amount)};
        SHEET_CALL(sheet, cells, cells, false);
    }
    if (sum != NULL) {
        put_sum(sheet, OFT_COUNT_OF(columns), "Subtotal", *sum);
    }
}

static void put_totals(const struct statement *statement, const struct ledger_sheet *sheet)
{
    static const struct ledger_column columns[] = {{"Total", 0, false}, {"Amount", 30, true}};
    const struct deal *deal = statement->input->deal;
    const char *us = deal->parties[deal->customer_party].name;
    const char *them =
        statement->kind == STATEMENT_CUSTOMER ? "all others" : statement->input->party;
    char words[WORDS_BYTES];
    oft_nanos net = statement->net_nanos;
    bool owes_us = net < 0 && oft_nanos_sub(0, net, &net) == OFT_OK;
    SHEET_CALL(sheet, heading, "Totals");
    SHEET_CALL(sheet, table, columns, OFT_COUNT_OF(columns));
    put_sum(sheet, 2, "Capacity", statement->capacity_nanos);
    put_sum(sheet, 2, "Commitments: what is due", statement->dues_nanos);
    put_sum(sheet, 2, "Shares paid", statement->paid_nanos);
    put_sum(sheet, 2, "Shares received", statement->received_nanos);
    put_sum(sheet, 2, "Sales", statement->sales_nanos);
    (void)snprintf(words, sizeof(words), "NET: %s to %s", owes_us ? them : us, owes_us ? us : them);
    put_sum(sheet, 2, words, net);
}

static void put_commitments(const struct statement *statement, const struct ledger_sheet *sheet)
{
    static const struct ledger_column columns[] = {
        {"Commitment", 0, false}, {"Promised", 26, true}, {"Counted so far", 26, true}};
    char promised[OFT_NANOS_TEXT_BYTES];
    char counted[OFT_NANOS_TEXT_BYTES];
    if (statement->commitment_count == 0) {
        return;
    }
    SHEET_CALL(sheet, heading, "Commitments (all months)");
    SHEET_CALL(sheet, table, columns, OFT_COUNT_OF(columns));
    for (size_t i = 0; i < statement->commitment_count; i++) {
        const struct ledger_commitment_status *status = &statement->commitments[i];
        const struct deal_clause *clause = &statement->input->deal->clauses[status->clause];
        const char *cells[] = {clause->id,
                               oft_nanos_format_grouped(clause->as.commit.amount_nanos, promised),
                               oft_nanos_format_grouped(status->counted_nanos, counted)};
        SHEET_CALL(sheet, cells, cells, false);
    }
}

static void put_deltas(const struct statement *statement, const struct ledger_sheet *sheet)
{
    static const struct ledger_column columns[] = {
        {"Line", 0, false}, {"Was", 20, true}, {"Is", 20, true}, {"Difference", 20, true}};
    char line[WORDS_BYTES];
    char was[OFT_NANOS_TEXT_BYTES];
    char is[OFT_NANOS_TEXT_BYTES];
    char more[OFT_NANOS_TEXT_BYTES];
    oft_nanos difference;
    if (statement->input->life.restates == 0 ||
        oft_nanos_sub(statement->net_nanos, statement->was_nanos, &difference) != OFT_OK) {
        return;
    }
    (void)snprintf(line, sizeof(line), "Against statement %llu, line by line",
                   (unsigned long long)statement->input->life.restates);
    SHEET_CALL(sheet, heading, line);
    SHEET_CALL(sheet, table, columns, OFT_COUNT_OF(columns));
    for (size_t i = 0; i < statement->delta_count; i++) {
        const struct statement_delta *delta = &statement->deltas[i];
        char words[WORDS_BYTES];
        bool share = delta->row->key.kind != LEDGER_SALE && delta->row->key.kind != LEDGER_COST;
        statement_line_words(statement, &delta->row->key, words, sizeof(words));
        (void)snprintf(line, sizeof(line), "%.900s%s%s%s", words, share ? "" : ", ",
                       share ? "" : print_unit_name(delta->row->key.unit),
                       delta->sign == 0 ? " (in no sum)" : "");
        const char *cells[] = {line, oft_nanos_format_grouped(delta->was.amount_nanos, was),
                               oft_nanos_format_grouped(delta->row->totals.amount_nanos, is),
                               oft_nanos_format_grouped(delta->amount, more)};
        SHEET_CALL(sheet, cells, cells, false);
    }
    const char *cells[] = {"NET (below 0: owed to the maker)",
                           oft_nanos_format_grouped(statement->was_nanos, was),
                           oft_nanos_format_grouped(statement->net_nanos, is),
                           oft_nanos_format_grouped(difference, more)};
    SHEET_CALL(sheet, cells, cells, true);
}

static void put_hash(const struct ledger_sheet *sheet, const char *name, const uint8_t sha256[32])
{
    char hex[OFT_SHA256_HEX_BYTES];
    SHEET_CALL(sheet, row, name, oft_hex(sha256, 32, hex));
}

static void put_basis(const struct statement *statement, const struct ledger_sheet *sheet,
                      struct oft_buffer *ret_basis)
{
    const struct ledger_statement_input *input = statement->input;
    char words[WORDS_BYTES];
    char text[OFT_INSTANT_TEXT_BYTES];
    SHEET_CALL(sheet, heading, "What this statement depends on");
    (void)snprintf(words, sizeof(words), "%s, transaction %llu",
                   oft_instant_format(input->as_of, text),
                   (unsigned long long)input->transaction_number);
    SHEET_CALL(sheet, row, "As of", words);
    put_hash(sheet, "Deal SHA-256", input->deal->text_sha256);
    put_hash(sheet, "Journal SHA-256", input->journal_sha256);
    SHEET_CALL(sheet, row, "Engine", "offtake " OFFTAKE_VERSION);
    SHEET_CALL(sheet, row, "Rounding", "half to even, once per line, to 0.000000001");
    put_facts(statement, sheet, false);
    SHEET_CALL(sheet, paragraph,
               "Whoever has these books can make it again, to the byte, with "
               "`offtake statement --reproduce FILE`, from:");
    ledger_statement_basis(input, ret_basis);
    SHEET_CALL(sheet, code, oft_buffer_text(ret_basis));
}

static void put_notes(const struct statement *statement, const struct ledger_sheet *sheet)
{
    struct oft_buffer note;
    oft_buffer_init(&note, 4096);
    for (size_t i = 0; statement_note(statement, i, &note); i++) {
        if (i == 0) {
            SHEET_CALL(sheet, heading, "Notes");
        }
        SHEET_CALL(sheet, paragraph, oft_buffer_text(&note));
        oft_buffer_clear(&note);
    }
    oft_buffer_release(&note);
}

enum oft_err ledger_statement_sheet(const struct ledger_statement_input *input,
                                    const struct ledger_sheet *sheet, struct oft_buffer *ret_title,
                                    struct oft_buffer *ret_basis, struct oft_error *reterr)
{
    struct statement statement = {.input = input};
    struct oft_buffer banner;
    char month[OFT_INSTANT_TEXT_BYTES];
    oft_buffer_init(&banner, 1024);
    enum oft_err err = statement_make(&statement, reterr);
    if (err == OFT_OK) {
        oft_buffer_printf(ret_title, "%s of %s, %s",
                          input->life.restates != 0 ? "Restatement" : "Statement", input->party,
                          oft_month_format(input->month, month));
        statement_banner(&statement, &banner);
        SHEET_CALL(sheet, banner, oft_buffer_text(&banner));
        put_parties(&statement, sheet);
        put_facts(&statement, sheet, true);
        put_totals(&statement, sheet);
        put_priced(&statement, sheet, "Capacity", &statement.capacity, statement.capacity_nanos);
        put_reserved(&statement, sheet);
        put_shares(&statement, sheet);
        put_amounts(&statement, sheet, "Of revenue shares: kept back, set off, paid (in no sum)",
                    &statement.settling, NULL);
        put_priced(&statement, sheet, "Sales", &statement.sales, statement.sales_nanos);
        put_priced(&statement, sheet, "Sales of another party's products (in no sum)",
                   &statement.memo_sales, statement.memo_sales_nanos);
        put_amounts(&statement, sheet, "Commitments: what is due", &statement.dues,
                    &statement.dues_nanos);
        put_commitments(&statement, sheet);
        put_deltas(&statement, sheet);
        put_notes(&statement, sheet);
        put_basis(&statement, sheet, ret_basis);
    }
    oft_buffer_release(&banner);
    statement_release(&statement);
    return err;
}
