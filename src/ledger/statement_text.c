/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A statement for people, within 80 columns: what it depends on, then one block a section with its
 * lines and subtotal, the net, the commitments' burn and the notes. Amounts are exact; a line too
 * long for its amount gives the amount a line of its own.
 */
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "ledger/internal.h"
#include "ledger/statement.h"

enum { LINE_BYTES = 1024 };

/* Titles are as long as a deal makes them, so they get a buffer and no array. */
static void put_about(struct oft_buffer *out, const char *name, const char *text)
{
    struct oft_buffer line;
    oft_buffer_init(&line, OFT_DEAL_FILE_BYTES_MAX);
    oft_buffer_printf(&line, "%-13s  %s", name, text);
    print_wrapped(out, 0, 15, oft_buffer_text(&line));
    out->failed = out->failed || line.failed;
    oft_buffer_release(&line);
}

static void put_head(const struct statement *statement, struct oft_buffer *out)
{
    const struct ledger_statement_input *input = statement->input;
    char text[OFT_INSTANT_TEXT_BYTES];
    char hex[OFT_SHA256_HEX_BYTES];
    char line[LINE_BYTES];
    (void)snprintf(line, sizeof(line), "Statement of %.64s, %s", input->party,
                   oft_month_format(input->month, text));
    print_wrapped(out, 0, 2, line);
    oft_buffer_append_char(out, '\n');
    struct oft_buffer fact;
    struct statement_fact it;
    oft_buffer_init(&fact, 4096);
    statement_banner(statement, &fact);
    if (fact.length > 0) {
        print_wrapped(out, 0, 2, oft_buffer_text(&fact));
        oft_buffer_append_char(out, '\n');
    }
    put_about(out, "For", statement->title);
    put_about(out, "Deal", input->deal->title);
    put_about(out, "Currency", input->deal->currency);
    (void)snprintf(line, sizeof(line), "%s, transaction %llu",
                   oft_instant_format(input->as_of, text),
                   (unsigned long long)input->transaction_number);
    put_about(out, "As of", line);
    put_about(out, "Deal hash", oft_hex(input->deal->text_sha256, 32, hex));
    put_about(out, "Journal hash", oft_hex(input->journal_sha256, 32, hex));
    put_about(out, "Engine", "offtake " OFFTAKE_VERSION);
    put_about(out, "Rounding", "half to even, once per line, to 0.000000001");
    for (size_t i = 0; statement_fact(statement, i, &it, &fact); i++) {
        if (it.name != NULL) {
            put_about(out, it.name, oft_buffer_text(&fact));
        }
    }
    out->failed = out->failed || fact.failed;
    oft_buffer_release(&fact);
}

static void put_sum(struct oft_buffer *out, const char *name, oft_nanos amount)
{
    char digits[OFT_NANOS_TEXT_BYTES];
    print_two_sides(out, name, oft_nanos_format_grouped(amount, digits));
}

/* "  0f1e2d3c input  22,361,870 x 2.50 / 1M  55.904675", "  0f1e2d3c gpu-hour  7,440 x 2.10  15,624.00" */
static void put_priced_line(struct oft_buffer *out, const struct ledger_row *row)
{
    char quantity[OFT_NANOS_TEXT_BYTES];
    char price[OFT_NANOS_TEXT_BYTES];
    char amount[OFT_NANOS_TEXT_BYTES];
    char line[LINE_BYTES];
    char id[LEDGER_LINE_ID_BYTES];
    char per[PRINT_PER_BYTES];
    bool hours = print_is_capacity(row->key.unit);
    oft_nanos rate = hours ? row->key.rate / LEDGER_RATE_UNITS : row->key.rate;
    (void)snprintf(line, sizeof(line), "  %.8s %-11s %14s x %10s%s",
                   print_line_id(&row->key, out, id), print_unit_name(row->key.unit),
                   print_grouped(row->totals.quantity, quantity),
                   oft_nanos_format_grouped(rate, price), print_per(&row->key, per));
    print_two_sides(out, line, oft_nanos_format_grouped(row->totals.amount_nanos, amount));
}

/* Lines under a heading for each thing priced: a pool's model, or an account's product and model. */
static void put_priced(const struct statement *statement, struct oft_buffer *out, const char *title,
                       const struct statement_rows *rows, oft_nanos sum)
{
    char before[LINE_BYTES] = "";
    char heading[LINE_BYTES];
    if (rows->count == 0) {
        return;
    }
    print_title(out, title);
    for (size_t i = 0; i < rows->count; i++) {
        statement_line_words(statement, &rows->items[i]->key, heading, sizeof(heading));
        if (strcmp(before, heading) != 0) {
            print_wrapped(out, 2, 4, heading);
            memcpy(before, heading, sizeof(before));
        }
        put_priced_line(out, rows->items[i]);
    }
    put_sum(out, "  Subtotal", sum);
}

static void put_reserved(const struct statement *statement, struct oft_buffer *out)
{
    char line[LINE_BYTES];
    char quantity[OFT_NANOS_TEXT_BYTES];
    char id[LEDGER_LINE_ID_BYTES];
    char late[STATEMENT_LATE_BYTES];
    if (statement->reserved.count == 0) {
        return;
    }
    print_title(out, "Reserved capacity used (paid for flat: no amount here)");
    for (size_t i = 0; i < statement->reserved.count; i++) {
        const struct ledger_row *row = statement->reserved.items[i];
        (void)snprintf(line, sizeof(line), "%s%s, %s: %s for %s, %s",
                       statement_late(statement, &row->key, late), row->key.pool, row->key.model,
                       row->key.product, row->key.account, print_outcome_name(row->key.outcome));
        print_wrapped(out, 2, 4, line);
        for (uint32_t unit = 0; unit < METER_UNITS; unit++) {
            if (row->totals.units[unit] != 0) {
                oft_buffer_printf(out, "    %-11s %17s\n", print_unit_name(unit),
                                  print_grouped((oft_nanos)row->totals.units[unit], quantity));
            }
        }
        oft_buffer_printf(out, "  %.8s %-11s %10s\n", print_line_id(&row->key, out, id), "requests",
                          print_grouped(row->totals.quantity, quantity));
    }
}

static void put_share(const struct statement *statement, const struct ledger_row *share,
                      struct oft_buffer *out)
{
    static const char *const directions[] = {"between others: in no sum", "paid to ",
                                             "received from "};
    char line[LINE_BYTES];
    char words[LINE_BYTES];
    char base_text[OFT_NANOS_TEXT_BYTES];
    char id[LEDGER_LINE_ID_BYTES];
    char late[STATEMENT_LATE_BYTES];
    uint32_t direction = share->key.outcome <= LEDGER_RECEIVED ? share->key.outcome : LEDGER_MEMO;
    (void)snprintf(line, sizeof(line), "%s%s, %s%s", statement_late(statement, &share->key, late),
                   share->key.clause, directions[direction],
                   direction == LEDGER_MEMO ? "" : share->key.party);
    print_wrapped(out, 2, 4, line);
    for (size_t i = 0; i < statement->bases.count; i++) {
        const struct ledger_row *base = statement->bases.items[i];
        if (statement_is_base_of(base, share)) {
            (void)snprintf(line, sizeof(line), "  %.8s %-23s %24s",
                           print_line_id(&base->key, out, id), base->key.product,
                           oft_nanos_format_grouped(base->totals.quantity, base_text));
            print_wrapped(out, 0, 6, line);
        }
    }
    statement_share_words(share, words, sizeof(words));
    (void)snprintf(line, sizeof(line), "  %.8s %.900s", print_line_id(&share->key, out, id), words);
    put_sum(out, line, share->totals.amount_nanos);
}

static void put_shares(const struct statement *statement, struct oft_buffer *out)
{
    if (statement->shares.count == 0) {
        return;
    }
    print_title(out, "Revenue shares");
    for (size_t i = 0; i < statement->shares.count; i++) {
        put_share(statement, statement->shares.items[i], out);
    }
    put_sum(out, "  Subtotal paid", statement->paid_nanos);
    put_sum(out, "  Subtotal received", statement->received_nanos);
}

/* What of shares is kept back, set off, paid; and what was taken off before. */
static void put_settling(const struct statement *statement, struct oft_buffer *out)
{
    char line[LINE_BYTES];
    char id[LEDGER_LINE_ID_BYTES];
    for (size_t i = 0; i < statement->settling.count; i++) {
        const struct ledger_series_key *key = &statement->settling.items[i]->key;
        if (i == 0) {
            print_title(out, "Of revenue shares: kept back, set off, paid (in no sum)");
        }
        statement_line_words(statement, key, line, sizeof(line));
        print_wrapped(out, 2, 4, line);
        (void)snprintf(line, sizeof(line), "  %.8s", print_line_id(key, out, id));
        put_sum(out, line, statement->settling.items[i]->totals.amount_nanos);
    }
}

/* What follows from commitments in this month. */
static void put_dues(const struct statement *statement, struct oft_buffer *out)
{
    char line[LINE_BYTES];
    char id[LEDGER_LINE_ID_BYTES];
    if (statement->dues.count == 0) {
        return;
    }
    print_title(out, "Commitments: what is due");
    for (size_t i = 0; i < statement->dues.count; i++) {
        const struct ledger_series_key *key = &statement->dues.items[i]->key;
        statement_line_words(statement, key, line, sizeof(line));
        print_wrapped(out, 2, 4, line);
        (void)snprintf(line, sizeof(line), "  %.8s", print_line_id(key, out, id));
        put_sum(out, line, statement->dues.items[i]->totals.amount_nanos);
    }
    put_sum(out, "  Subtotal", statement->dues_nanos);
}

static void put_net(const struct statement *statement, struct oft_buffer *out)
{
    const struct deal *deal = statement->input->deal;
    char line[LINE_BYTES];
    const char *us = deal->parties[deal->customer_party].name;
    const char *them =
        statement->kind == STATEMENT_CUSTOMER ? "all others" : statement->input->party;
    oft_nanos net = statement->net_nanos;
    bool owes_us = net < 0;
    if (owes_us && oft_nanos_sub(0, net, &net) != OFT_OK) {
        owes_us = false; /* the one number without an opposite is printed as it is */
    }
    (void)snprintf(line, sizeof(line), "NET: %s to %s", owes_us ? them : us, owes_us ? us : them);
    oft_buffer_append_char(out, '\n');
    put_sum(out, line, net);
}

static void put_commitments(const struct statement *statement, struct oft_buffer *out)
{
    char line[LINE_BYTES];
    char digits[OFT_NANOS_TEXT_BYTES];
    if (statement->commitment_count == 0) {
        return;
    }
    print_title(out, "Commitments (all months)");
    for (size_t i = 0; i < statement->commitment_count; i++) {
        const struct ledger_commitment_status *status = &statement->commitments[i];
        const struct deal_clause *clause = &statement->input->deal->clauses[status->clause];
        oft_nanos amount = clause->as.commit.amount_nanos;
        print_wrapped(out, 2, 4, clause->id);
        put_sum(out, "    promised", amount);
        (void)snprintf(line, sizeof(line), "    counted so far (%s%%)",
                       print_share_of(status->counted_nanos, amount, digits));
        put_sum(out, line, status->counted_nanos);
    }
}

static void put_deltas(const struct statement *statement, struct oft_buffer *out)
{
    char line[LINE_BYTES];
    char words[LINE_BYTES];
    char digits[OFT_NANOS_TEXT_BYTES];
    if (statement->input->life.restates == 0) {
        return;
    }
    (void)snprintf(line, sizeof(line), "Against statement %llu, line by line",
                   (unsigned long long)statement->input->life.restates);
    print_title(out, line);
    for (size_t i = 0; i < statement->delta_count; i++) {
        const struct statement_delta *delta = &statement->deltas[i];
        bool share = delta->row->key.kind != LEDGER_SALE && delta->row->key.kind != LEDGER_COST;
        statement_line_words(statement, &delta->row->key, words, sizeof(words));
        (void)snprintf(line, sizeof(line), "%.900s%s%s%s", words, share ? "" : ", ",
                       share ? "" : print_unit_name(delta->row->key.unit),
                       delta->sign == 0 ? " (in no sum)" : "");
        print_wrapped(out, 2, 4, line);
        put_sum(out, "    was", delta->was.amount_nanos);
        put_sum(out, "    is", delta->row->totals.amount_nanos);
        if (!share) {
            (void)snprintf(line, sizeof(line), "    more, for %s units",
                           print_grouped(delta->quantity, digits));
        }
        put_sum(out, share ? "    more" : line, delta->amount);
    }
    oft_nanos more = 0;
    put_sum(out, "  NET was", statement->was_nanos);
    put_sum(out, "  NET is", statement->net_nanos);
    if (oft_nanos_sub(statement->net_nanos, statement->was_nanos, &more) == OFT_OK) {
        put_sum(out, "  Difference", more);
    }
}

void statement_print_text(const struct statement *statement, struct oft_buffer *out)
{
    struct oft_buffer note;
    oft_buffer_init(&note, 4096);
    put_head(statement, out);
    put_priced(statement, out, "Capacity", &statement->capacity, statement->capacity_nanos);
    put_reserved(statement, out);
    put_shares(statement, out);
    put_settling(statement, out);
    put_priced(statement, out, "Sales", &statement->sales, statement->sales_nanos);
    put_priced(statement, out, "Sales of another party's products (in no sum)",
               &statement->memo_sales, statement->memo_sales_nanos);
    put_dues(statement, out);
    put_net(statement, out);
    put_commitments(statement, out);
    put_deltas(statement, out);
    for (size_t i = 0; statement_note(statement, i, &note); i++) {
        if (i == 0) {
            print_title(out, "Notes");
        }
        print_wrapped(out, 2, 4, oft_buffer_text(&note));
        oft_buffer_clear(&note);
    }
    oft_buffer_clear(&note);
    ledger_statement_basis(statement->input, &note);
    print_title(out, "Made from (`offtake statement --reproduce FILE` makes it again)");
    print_wrapped(out, 2, 2, oft_buffer_text(&note));
    oft_buffer_release(&note);
}
