/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A statement as one JSON object. Amounts are decimal strings, and whole nano-units beside them as
 * strings too, since a reader's numbers may be 64-bit floats.
 */
#include <string.h>

#include "base/hash.h"
#include "ledger/statement.h"

static void open_list(struct oft_buffer *out, const char *name)
{
    print_json_key(out, name);
    oft_buffer_append_char(out, '[');
}

static void open_item(struct oft_buffer *out)
{
    print_json_key(out, NULL);
    oft_buffer_append_char(out, '{');
}

static void put_flag(struct oft_buffer *out, const char *name, bool value)
{
    print_json_key(out, name);
    oft_buffer_append_text(out, value ? "true" : "false");
}

static void put_about(const struct statement *statement, struct oft_buffer *out)
{
    static const char *const kinds[] = {"party", "account", "customer"};
    const struct ledger_statement_input *input = statement->input;
    char text[OFT_INSTANT_TEXT_BYTES];
    char hex[OFT_SHA256_HEX_BYTES];
    print_json_text(out, "kind", kinds[statement->kind]);
    print_json_text(out, "name", input->party);
    print_json_text(out, "title", statement->title);
    print_json_text(out, "month", oft_month_format(input->month, text));
    print_json_text(out, "currency", input->deal->currency);
    put_flag(out, "rehearsal", input->rehearsal);
    print_json_text(out, "deal", input->deal->title);
    print_json_text(out, "deal_sha256", oft_hex(input->deal->text_sha256, 32, hex));
    print_json_text(out, "as_of", oft_instant_format(input->as_of, text));
    print_json_number(out, "transaction", (oft_nanos)input->transaction_number);
    print_json_text(out, "journal_sha256", oft_hex(input->journal_sha256, 32, hex));
    print_json_text(out, "engine", OFFTAKE_VERSION);
    print_json_text(out, "rounding", "half-even, once per line, to a nano-unit");
    struct oft_buffer fact;
    struct statement_fact it;
    oft_buffer_init(&fact, 4096);
    for (size_t i = 0; statement_fact(statement, i, &it, &fact); i++) {
        print_json_text(out, it.key, oft_buffer_text(&fact));
    }
    out->failed = out->failed || fact.failed;
    oft_buffer_release(&fact);
}

/* Where it belongs and where it stands; nothing for what came in time. */
static void put_late(struct oft_buffer *out, const struct ledger_series_key *key)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    if (key->for_month != 0) {
        print_json_text(out, "late_of", oft_month_format(key->for_month, text));
        print_json_text(out, "booked_in", oft_month_format(key->month, text));
    }
}

static void put_line(struct oft_buffer *out, const struct ledger_row *row)
{
    char id[LEDGER_LINE_ID_BYTES];
    print_json_text(out, "line", print_line_id(&row->key, out, id));
}

static void put_priced(struct oft_buffer *out, const char *name, const struct statement_rows *rows)
{
    char digits[OFT_NANOS_TEXT_BYTES];
    open_list(out, name);
    for (size_t i = 0; i < rows->count; i++) {
        const struct ledger_series_key *key = &rows->items[i]->key;
        open_item(out);
        put_line(out, rows->items[i]);
        if (key->kind == LEDGER_SALE) {
            print_json_text(out, "account", key->account);
            print_json_text(out, "product", key->product);
        } else {
            print_json_text(out, "pool", key->pool);
        }
        print_json_text(out, "party", key->party);
        print_json_text(out, "model", key->model);
        print_json_text(out, "unit", print_unit_name(key->unit));
        print_json_text(out, "clause", key->clause);
        print_json_text(out, "quantity", oft_i128_format(rows->items[i]->totals.quantity, digits));
        print_json_amount(out, "price_per_million", key->rate);
        print_json_amount(out, "amount", rows->items[i]->totals.amount_nanos);
        put_late(out, key);
        oft_buffer_append_char(out, '}');
    }
    oft_buffer_append_char(out, ']');
}

static void put_reserved(const struct statement *statement, struct oft_buffer *out)
{
    char digits[OFT_NANOS_TEXT_BYTES];
    open_list(out, "reserved");
    for (size_t i = 0; i < statement->reserved.count; i++) {
        const struct ledger_row *row = statement->reserved.items[i];
        open_item(out);
        put_line(out, row);
        print_json_text(out, "pool", row->key.pool);
        print_json_text(out, "account", row->key.account);
        print_json_text(out, "product", row->key.product);
        print_json_text(out, "model", row->key.model);
        print_json_text(out, "outcome", print_outcome_name(row->key.outcome));
        put_late(out, &row->key);
        print_json_text(out, "requests", oft_i128_format(row->totals.quantity, digits));
        for (uint32_t unit = 0; unit < METER_UNITS; unit++) {
            print_json_text(out, print_unit_name(unit),
                            oft_i128_format((oft_nanos)row->totals.units[unit], digits));
        }
        oft_buffer_append_char(out, '}');
    }
    oft_buffer_append_char(out, ']');
}

static void put_shares(const struct statement *statement, struct oft_buffer *out)
{
    char digits[OFT_NANOS_TEXT_BYTES];
    open_list(out, "shares");
    for (size_t i = 0; i < statement->shares.count; i++) {
        const struct ledger_row *share = statement->shares.items[i];
        open_item(out);
        put_line(out, share);
        print_json_text(out, "clause", share->key.clause);
        print_json_text(out, "direction", print_direction_name(share->key.outcome));
        print_json_text(out, "party", share->key.party);
        print_json_amount(out, "base", share->totals.quantity);
        print_json_text(out, "rate_percent", print_percent(share->key.rate, digits));
        print_json_text(out, "rate_ppb", oft_i128_format(share->key.rate, digits));
        print_json_text(out, "part", print_share_part_name(share->key.unit));
        print_json_amount(out, "amount", share->totals.amount_nanos);
        put_late(out, &share->key);
        put_flag(out, "capped", statement_is_capped(share));
        open_list(out, "products");
        for (size_t j = 0; j < statement->bases.count; j++) {
            const struct ledger_row *base = statement->bases.items[j];
            if (statement_is_base_of(base, share)) {
                open_item(out);
                put_line(out, base);
                print_json_text(out, "product", base->key.product);
                print_json_amount(out, "base", base->totals.quantity);
                oft_buffer_append_char(out, '}');
            }
        }
        oft_buffer_append_text(out, "]}");
    }
    oft_buffer_append_char(out, ']');
}

static void put_settling(const struct statement *statement, struct oft_buffer *out)
{
    open_list(out, "share_settlement");
    for (size_t i = 0; i < statement->settling.count; i++) {
        const struct ledger_row *row = statement->settling.items[i];
        open_item(out);
        put_line(out, row);
        print_json_text(out, "what", print_settling_name(&row->key));
        print_json_text(out, "clause", row->key.clause);
        print_json_text(out, "party", row->key.party);
        print_json_text(out, "of", row->key.product);
        print_json_text(out, "at", row->key.pool);
        print_json_amount(out, "amount", row->totals.amount_nanos);
        put_late(out, &row->key);
        oft_buffer_append_char(out, '}');
    }
    oft_buffer_append_char(out, ']');
}

static void put_totals(const struct statement *statement, struct oft_buffer *out)
{
    print_json_key(out, "totals");
    oft_buffer_append_char(out, '{');
    print_json_amount(out, "capacity", statement->capacity_nanos);
    print_json_amount(out, "commitments_due", statement->dues_nanos);
    print_json_amount(out, "shares_paid", statement->paid_nanos);
    print_json_amount(out, "shares_received", statement->received_nanos);
    print_json_amount(out, "sales", statement->sales_nanos);
    print_json_amount(out, "memo_sales", statement->memo_sales_nanos);
    print_json_amount(out, "net_payable", statement->net_nanos);
    oft_buffer_append_char(out, '}');
    print_json_key(out, "requests");
    oft_buffer_append_char(out, '{');
    for (uint32_t i = 0; i < OFT_COUNT_OF(statement->requests); i++) {
        print_json_number(out, print_outcome_name(i), (oft_nanos)statement->requests[i]);
    }
    oft_buffer_append_char(out, '}');
}

static void put_dues(const struct statement *statement, struct oft_buffer *out)
{
    open_list(out, "commitments_due");
    for (size_t i = 0; i < statement->dues.count; i++) {
        const struct ledger_row *row = statement->dues.items[i];
        open_item(out);
        put_line(out, row);
        print_json_text(out, "clause", row->key.clause);
        print_json_text(out, "party", row->key.party);
        print_json_text(out, "due", print_due_name(row->key.outcome));
        print_json_text(out, "by", row->key.pool);
        print_json_amount(out, "amount", row->totals.amount_nanos);
        put_late(out, &row->key);
        oft_buffer_append_char(out, '}');
    }
    oft_buffer_append_char(out, ']');
}

static void put_commitments(const struct statement *statement, struct oft_buffer *out)
{
    char digits[OFT_NANOS_TEXT_BYTES];
    open_list(out, "commitments");
    for (size_t i = 0; i < statement->commitment_count; i++) {
        const struct ledger_commitment_status *status = &statement->commitments[i];
        const struct deal_clause *clause = &statement->input->deal->clauses[status->clause];
        oft_nanos amount = clause->as.commit.amount_nanos;
        open_item(out);
        print_json_text(out, "clause", clause->id);
        print_json_amount(out, "amount", amount);
        print_json_amount(out, "counted", status->counted_nanos);
        print_json_text(out, "percent", print_share_of(status->counted_nanos, amount, digits));
        put_flag(out, "active", status->active);
        oft_buffer_append_char(out, '}');
    }
    oft_buffer_append_char(out, ']');
}

static void put_deltas(const struct statement *statement, struct oft_buffer *out)
{
    static const char *const kinds[] = {"?", "usage", "sale", "capacity", "share", "commitment"};
    char digits[OFT_NANOS_TEXT_BYTES];
    oft_nanos more = 0;
    if (statement->input->life.restates == 0) {
        return;
    }
    open_list(out, "deltas");
    for (size_t i = 0; i < statement->delta_count; i++) {
        const struct statement_delta *delta = &statement->deltas[i];
        const struct ledger_series_key *key = &delta->row->key;
        open_item(out);
        print_json_text(out, "kind",
                        key->kind == LEDGER_SHORTFALL     ? "commitment-due"
                        : key->kind < OFT_COUNT_OF(kinds) ? kinds[key->kind]
                                                          : "?");
        print_json_text(out, "clause", key->clause);
        print_json_text(out, "account", key->account);
        print_json_text(out, "product", key->product);
        print_json_text(out, "pool", key->pool);
        print_json_text(out, "model", key->model);
        print_json_text(out, "party", key->party);
        if (key->kind == LEDGER_SALE || key->kind == LEDGER_COST) {
            print_json_text(out, "unit", print_unit_name(key->unit));
            print_json_text(out, "quantity", oft_i128_format(delta->quantity, digits));
        }
        print_json_amount(out, "was", delta->was.amount_nanos);
        print_json_amount(out, "is", delta->row->totals.amount_nanos);
        print_json_amount(out, "more", delta->amount);
        put_flag(out, "in_net", delta->sign != 0);
        put_late(out, key);
        oft_buffer_append_char(out, '}');
    }
    oft_buffer_append_char(out, ']');
    print_json_amount(out, "net_was", statement->was_nanos);
    if (oft_nanos_sub(statement->net_nanos, statement->was_nanos, &more) == OFT_OK) {
        print_json_amount(out, "net_more", more);
    }
}

void statement_print_json(const struct statement *statement, struct oft_buffer *out)
{
    struct oft_buffer note;
    oft_buffer_init(&note, 4096);
    oft_buffer_append_char(out, '{');
    put_about(statement, out);
    put_priced(out, "capacity", &statement->capacity);
    put_reserved(statement, out);
    put_shares(statement, out);
    put_settling(statement, out);
    put_priced(out, "sales", &statement->sales);
    put_priced(out, "memo_sales", &statement->memo_sales);
    put_dues(statement, out);
    put_totals(statement, out);
    put_commitments(statement, out);
    put_deltas(statement, out);
    open_list(out, "notes");
    for (size_t i = 0; statement_note(statement, i, &note); i++) {
        print_json_key(out, NULL);
        print_json_string(out, oft_buffer_text(&note));
        oft_buffer_clear(&note);
    }
    oft_buffer_append_text(out, "]}\n");
    oft_buffer_release(&note);
}
