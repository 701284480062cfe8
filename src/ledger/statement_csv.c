/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A statement as CSV: one header, then one row a line, told apart by their section. What the
 * statement depends on comes first, in rows of the section "about"; sums and notes come last.
 */
#include "base/hash.h"
#include "ledger/statement.h"

static const char HEADER[] = "section,item,account,party,product,pool,model,unit,quantity,"
                             "price_per_million,base,rate_percent,amount,amount_nanos,note,"
                             "late_of,booked_in,line\n";

/* A row; NULL leaves a cell empty. */
struct csv_row {
    const char *section, *item, *account, *party, *product, *pool, *model, *unit;
    const oft_nanos *quantity, *price, *base, *rate, *amount;
    const char *note;
    const struct ledger_series_key *key; /* of the series; NULL: the row is none */
};

static void put_words(struct oft_buffer *out, const char *text)
{
    print_csv_text(out, text == NULL ? "" : text);
}

static void put_row(struct oft_buffer *out, const struct csv_row *row)
{
    char digits[OFT_NANOS_TEXT_BYTES];
    char id[LEDGER_LINE_ID_BYTES];
    put_words(out, row->section);
    put_words(out, row->item);
    put_words(out, row->account);
    put_words(out, row->party);
    put_words(out, row->product);
    put_words(out, row->pool);
    put_words(out, row->model);
    put_words(out, row->unit);
    print_csv_number(out, row->quantity ? oft_i128_format(*row->quantity, digits) : "");
    print_csv_number(out, row->price ? oft_nanos_format(*row->price, digits) : "");
    print_csv_number(out, row->base ? oft_nanos_format(*row->base, digits) : "");
    print_csv_number(out, row->rate ? print_percent(*row->rate, digits) : "");
    print_csv_number(out, row->amount ? oft_nanos_format(*row->amount, digits) : "");
    print_csv_number(out, row->amount ? oft_i128_format(*row->amount, digits) : "");
    put_words(out, row->note);
    bool late = row->key != NULL && row->key->for_month != 0;
    put_words(out, late ? oft_month_format(row->key->for_month, digits) : "");
    put_words(out, late ? oft_month_format(row->key->month, digits) : "");
    put_words(out, row->key == NULL ? NULL : print_line_id(row->key, out, id));
    print_csv_end(out);
}

static void put_about(struct oft_buffer *out, const char *item, const char *note)
{
    put_row(out, &(struct csv_row){.section = "about", .item = item, .note = note});
}

static void put_abouts(const struct statement *statement, struct oft_buffer *out)
{
    const struct ledger_statement_input *input = statement->input;
    char text[OFT_INSTANT_TEXT_BYTES];
    char hex[OFT_SHA256_HEX_BYTES];
    char digits[OFT_NANOS_TEXT_BYTES];
    put_about(out, "name", input->party);
    put_about(out, "title", statement->title);
    put_about(out, "month", oft_month_format(input->month, text));
    put_about(out, "currency", input->deal->currency);
    put_about(out, "rehearsal", input->rehearsal ? "yes" : "no");
    put_about(out, "deal", input->deal->title);
    put_about(out, "deal_sha256", oft_hex(input->deal->text_sha256, 32, hex));
    put_about(out, "as_of", oft_instant_format(input->as_of, text));
    put_about(out, "transaction", oft_i128_format((oft_nanos)input->transaction_number, digits));
    put_about(out, "journal_sha256", oft_hex(input->journal_sha256, 32, hex));
    put_about(out, "engine", OFFTAKE_VERSION);
    put_about(out, "rounding", "half-even, once per line, to a nano-unit");
    struct oft_buffer fact;
    struct statement_fact it;
    oft_buffer_init(&fact, 4096);
    for (size_t i = 0; statement_fact(statement, i, &it, &fact); i++) {
        put_about(out, it.key, oft_buffer_text(&fact));
    }
    out->failed = out->failed || fact.failed;
    oft_buffer_release(&fact);
}

static void put_priced(struct oft_buffer *out, const char *section,
                       const struct statement_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        const struct ledger_row *row = rows->items[i];
        const struct ledger_series_key *key = &row->key;
        put_row(out, &(struct csv_row){
                         .section = section,
                         .item = key->clause,
                         .account = key->account,
                         .party = key->party,
                         .product = key->product,
                         .pool = key->pool,
                         .model = key->model,
                         .unit = print_unit_name(key->unit),
                         .quantity = &row->totals.quantity,
                         .price = &key->rate,
                         .amount = &row->totals.amount_nanos,
                         .key = key,
                     });
    }
}

static void put_reserved(const struct statement *statement, struct oft_buffer *out)
{
    for (size_t i = 0; i < statement->reserved.count; i++) {
        const struct ledger_row *row = statement->reserved.items[i];
        for (uint32_t unit = 0; unit < DEAL_UNIT_COUNT; unit++) {
            oft_nanos quantity =
                unit < METER_UNITS ? (oft_nanos)row->totals.units[unit] : row->totals.quantity;
            if (quantity != 0) {
                put_row(out, &(struct csv_row){
                                 .section = "reserved",
                                 .item = row->key.clause,
                                 .account = row->key.account,
                                 .party = row->key.party,
                                 .product = row->key.product,
                                 .pool = row->key.pool,
                                 .model = row->key.model,
                                 .unit = print_unit_name(unit),
                                 .quantity = &quantity,
                                 .note = print_outcome_name(row->key.outcome),
                                 .key = &row->key,
                             });
            }
        }
    }
}

static void put_shares(const struct statement *statement, struct oft_buffer *out)
{
    for (size_t i = 0; i < statement->shares.count; i++) {
        const struct ledger_row *share = statement->shares.items[i];
        for (size_t j = 0; j < statement->bases.count; j++) {
            const struct ledger_row *base = statement->bases.items[j];
            if (statement_is_base_of(base, share)) {
                put_row(out, &(struct csv_row){
                                 .section = "share-base",
                                 .item = share->key.clause,
                                 .party = share->key.party,
                                 .product = base->key.product,
                                 .base = &base->totals.quantity,
                                 .key = &base->key,
                             });
            }
        }
        put_row(out, &(struct csv_row){
                         .section = "share",
                         .item = share->key.clause,
                         .party = share->key.party,
                         .unit = share->key.unit == LEDGER_SHARE_PLAIN
                                     ? ""
                                     : print_share_part_name(share->key.unit),
                         .base = &share->totals.quantity,
                         .rate = &share->key.rate,
                         .amount = &share->totals.amount_nanos,
                         .note = print_direction_name(share->key.outcome),
                         .key = &share->key,
                     });
    }
}

static void put_settling(const struct statement *statement, struct oft_buffer *out)
{
    for (size_t i = 0; i < statement->settling.count; i++) {
        const struct ledger_row *row = statement->settling.items[i];
        put_row(out, &(struct csv_row){
                         .section = "share-settlement",
                         .item = row->key.clause,
                         .party = row->key.party,
                         .product = row->key.product,
                         .pool = row->key.pool,
                         .amount = &row->totals.amount_nanos,
                         .note = print_settling_name(&row->key),
                         .key = &row->key,
                     });
    }
}

static void put_dues(const struct statement *statement, struct oft_buffer *out)
{
    for (size_t i = 0; i < statement->dues.count; i++) {
        const struct ledger_row *row = statement->dues.items[i];
        put_row(out, &(struct csv_row){
                         .section = "commitment-due",
                         .item = row->key.clause,
                         .party = row->key.party,
                         .amount = &row->totals.amount_nanos,
                         .note = print_due_name(row->key.outcome),
                         .key = &row->key,
                     });
    }
}

static void put_sums(const struct statement *statement, struct oft_buffer *out)
{
    const struct {
        const char *item;
        const oft_nanos *amount;
    } sums[] = {
        {"capacity", &statement->capacity_nanos}, {"commitments-due", &statement->dues_nanos},
        {"shares-paid", &statement->paid_nanos},  {"shares-received", &statement->received_nanos},
        {"sales", &statement->sales_nanos},       {"memo-sales", &statement->memo_sales_nanos},
        {"net-payable", &statement->net_nanos},
    };
    for (size_t i = 0; i < OFT_COUNT_OF(sums); i++) {
        put_row(out, &(struct csv_row){
                         .section = "total", .item = sums[i].item, .amount = sums[i].amount});
    }
    for (size_t i = 0; i < statement->commitment_count; i++) {
        const struct ledger_commitment_status *status = &statement->commitments[i];
        const struct deal_clause *clause = &statement->input->deal->clauses[status->clause];
        put_row(out, &(struct csv_row){
                         .section = "commitment",
                         .item = clause->id,
                         .base = &clause->as.commit.amount_nanos,
                         .amount = &status->counted_nanos,
                         .note = "base: promised; amount: counted so far, all months",
                     });
    }
}

/* What a restatement changes: quantity and amount are those above what was. */
static void put_deltas(const struct statement *statement, struct oft_buffer *out)
{
    oft_nanos more = 0;
    if (statement->input->life.restates == 0) {
        return;
    }
    for (size_t i = 0; i < statement->delta_count; i++) {
        const struct statement_delta *delta = &statement->deltas[i];
        const struct ledger_series_key *key = &delta->row->key;
        bool share = key->kind != LEDGER_SALE && key->kind != LEDGER_COST;
        put_row(out,
                &(struct csv_row){
                    .section = "delta",
                    .item = key->clause,
                    .account = key->account,
                    .party = key->party,
                    .product = key->product,
                    .pool = key->pool,
                    .model = key->model,
                    .unit = share ? "" : print_unit_name(key->unit),
                    .quantity = share ? NULL : &delta->quantity,
                    .base = &delta->was.amount_nanos,
                    .amount = &delta->amount,
                    .note = delta->sign == 0 ? "base: what it was; in no sum" : "base: what it was",
                    .key = key,
                });
    }
    if (oft_nanos_sub(statement->net_nanos, statement->was_nanos, &more) == OFT_OK) {
        put_row(out, &(struct csv_row){.section = "delta-total",
                                       .item = "net-payable",
                                       .base = &statement->was_nanos,
                                       .amount = &more,
                                       .note = "base: what it was"});
    }
}

void statement_print_csv(const struct statement *statement, struct oft_buffer *out)
{
    struct oft_buffer note;
    oft_buffer_init(&note, 4096);
    oft_buffer_append_text(out, HEADER);
    put_abouts(statement, out);
    put_priced(out, "capacity", &statement->capacity);
    put_reserved(statement, out);
    put_shares(statement, out);
    put_settling(statement, out);
    put_priced(out, "sale", &statement->sales);
    put_priced(out, "memo-sale", &statement->memo_sales);
    put_dues(statement, out);
    put_sums(statement, out);
    put_deltas(statement, out);
    for (size_t i = 0; statement_note(statement, i, &note); i++) {
        put_row(out, &(struct csv_row){.section = "note", .note = oft_buffer_text(&note)});
        oft_buffer_clear(&note);
    }
    oft_buffer_release(&note);
}
