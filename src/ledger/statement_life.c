/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a statement says of itself: its status and who approved it, what it depends on, the words that it
 * can be made again from, which of its lines came late, and what a restatement changes. The same in every
 * form.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "ledger/internal.h"
#include "ledger/statement.h"

/* The layout of all forms: another number when bytes change. */
#define STATEMENT_FORM 2

const char *statement_status_name(enum ledger_status status)
{
    return status == LEDGER_FINAL ? "final" : status == LEDGER_APPROVED ? "approved" : "draft";
}

void statement_banner(const struct statement *statement, struct oft_buffer *out)
{
    const struct ledger_statement_input *input = statement->input;
    if (input->rehearsal) {
        oft_buffer_append_text(out, "REHEARSAL: nothing in it is owed by anybody");
    }
    if (input->life.status != LEDGER_FINAL) {
        oft_buffer_append_text(out, input->rehearsal ? " - " : "");
        oft_buffer_append_text(out, input->life.status == LEDGER_APPROVED
                                        ? "APPROVED, NOT FINAL: its month is not closed for it yet"
                                        : "DRAFT: it may change, and nobody approved it");
    }
}

const char *statement_late(const struct statement *statement, const struct ledger_series_key *key,
                           char out[STATEMENT_LATE_BYTES])
{
    char month[OFT_INSTANT_TEXT_BYTES];
    bool here = key->month == statement->input->month;
    out[0] = '\0';
    if (key->for_month != 0) {
        (void)snprintf(out, STATEMENT_LATE_BYTES, "late, %s %s: ", here ? "of" : "booked in",
                       oft_month_format(here ? key->for_month : key->month, month));
    }
    return out;
}

void statement_line_words(const struct statement *statement, const struct ledger_series_key *key,
                          char *out, size_t size)
{
    char late[STATEMENT_LATE_BYTES];
    (void)statement_late(statement, key, late);
    if (key->kind == LEDGER_SHARE_TERM || key->kind == LEDGER_PAYMENT ||
        key->kind == LEDGER_DEDUCTION) {
        bool payment = key->kind == LEDGER_PAYMENT;
        const char *detail = payment ? key->product : key->pool;
        (void)snprintf(out, size, "%s%s, %s%s%s%s%s", late, key->clause, print_settling_text(key),
                       detail[0] == '\0' ? "" : " ", detail, payment ? " on " : "",
                       payment ? key->pool : "");
    } else if (key->kind == LEDGER_SALE) {
        (void)snprintf(out, size, "%s%s, %s for %s (%s)", late, key->product, key->model,
                       key->account, key->clause);
    } else if (key->kind == LEDGER_SHARE) {
        (void)snprintf(out, size, "%s%s, %s %s", late, key->clause,
                       print_direction_name(key->outcome), key->party);
    } else if (key->kind == LEDGER_SHORTFALL) {
        (void)snprintf(out, size, "%s%s, %s%s%s", late, key->clause, print_due_text(key->outcome),
                       key->pool[0] == '\0' ? "" : ", by ", key->pool);
    } else if (print_is_capacity(key->unit)) {
        (void)snprintf(out, size, "%s%s (%s)", late, key->pool, key->clause);
    } else {
        (void)snprintf(out, size, "%s%s, %s (%s)", late, key->pool, key->model, key->clause);
    }
}

void statement_share_words(const struct ledger_row *share, char *out, size_t size)
{
    char percent[OFT_NANOS_TEXT_BYTES];
    char base[OFT_NANOS_TEXT_BYTES];
    (void)oft_nanos_format_grouped(share->totals.quantity, base);
    switch ((enum ledger_share_part)share->key.unit) {
    case LEDGER_SHARE_MINIMUM:
        (void)snprintf(out, size, "up to its minimum");
        return;
    case LEDGER_SHARE_INTEREST:
        (void)snprintf(out, size, "interest on what was late");
        return;
    case LEDGER_SHARE_EARNED:
        if (share->key.rate == 0) {
            (void)snprintf(out, size, "by its bands and terms, of %s", base);
        } else {
            (void)snprintf(out, size, "%s%% of %s, by its terms",
                           print_percent(share->key.rate, percent), base);
        }
        return;
    case LEDGER_SHARE_PLAIN:
        break;
    }
    (void)snprintf(out, size, "%s%% of %s%s", print_percent(share->key.rate, percent), base,
                   statement_is_capped(share) ? ", up to its cap" : "");
}

/* ---- what it is made from -------------------------------------------------------------------- */

/* Names are identifiers; whatever else somebody calls himself is written as %XX. */
static void put_word(struct oft_buffer *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     c == '-' || c == '_' || c == '.';
        if (plain) {
            oft_buffer_append_char(out, *text);
        } else {
            oft_buffer_printf(out, "%%%02x", c);
        }
    }
}

void ledger_statement_basis(const struct ledger_statement_input *input, struct oft_buffer *out)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    oft_buffer_printf(out, "offtake-statement-%d party=", STATEMENT_FORM);
    put_word(out, input->party);
    oft_buffer_printf(
        out, " month=%s transaction=%llu generation=%llu", oft_month_format(input->month, text),
        (unsigned long long)input->transaction_number, (unsigned long long)input->generation);
    oft_buffer_printf(
        out, " as-of=%s number=%llu life=%llu", oft_instant_format(input->as_of, text),
        (unsigned long long)input->life.number, (unsigned long long)input->life.through);
}

/* ---- facts ----------------------------------------------------------------------------------- */

static void put_status(const struct statement *statement, struct oft_buffer *out)
{
    oft_buffer_append_text(out, statement_status_name(statement->input->life.status));
}

static void put_act(const struct ledger_act *act, struct oft_buffer *out)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    oft_buffer_printf(out, "%s, %s%s", act->actor, oft_instant_format(act->at, text),
                      act->is_signed ? ", signed" : "");
}

static void put_approved(const struct statement *statement, struct oft_buffer *out)
{
    const struct ledger_life *life = &statement->input->life;
    if (life->approval_count == 0) {
        oft_buffer_append_text(out, "nobody");
    }
    for (size_t i = 0; i < life->approval_count; i++) {
        oft_buffer_append_text(out, i == 0 ? "" : "; ");
        put_act(&life->approvals[i], out);
    }
}

static void put_final(const struct statement *statement, struct oft_buffer *out)
{
    const struct ledger_life *life = &statement->input->life;
    if (life->status == LEDGER_FINAL) {
        put_act(&life->final, out);
    } else {
        oft_buffer_append_text(out, "nobody");
    }
}

static void put_restates(const struct statement *statement, struct oft_buffer *out)
{
    const struct ledger_life *life = &statement->input->life;
    char hex[OFT_SHA256_HEX_BYTES];
    if (life->restates == 0) {
        oft_buffer_append_text(out, "none");
        return;
    }
    oft_buffer_printf(out, "%llu, whose text has the SHA-256 %s",
                      (unsigned long long)life->restates, oft_hex(life->restated_sha256, 32, hex));
}

static void put_number(const struct statement *statement, struct oft_buffer *out)
{
    if (statement->input->life.number == 0) {
        oft_buffer_append_text(out, "none");
    } else {
        oft_buffer_printf(out, "%llu", (unsigned long long)statement->input->life.number);
    }
}

static void put_zones(const struct statement *statement, struct oft_buffer *out)
{
    const struct ledger_statement_input *input = statement->input;
    const struct deal_months *months = &input->deal->months;
    char from[OFT_INSTANT_TEXT_BYTES];
    char until[OFT_INSTANT_TEXT_BYTES];
    if (months->zone[0] != '\0') {
        oft_buffer_printf(
            out, "%s, by release %s of the zone data: this month is %s until %s", months->zone,
            months->release, oft_instant_format(deal_month_start(input->deal, input->month), from),
            oft_instant_format(deal_month_start(input->deal, input->month + 1), until));
        return;
    }
    oft_buffer_append_text(out, "UTC alone; no edition of time-zone data is used");
}

static void put_generation(const struct statement *statement, struct oft_buffer *out)
{
    oft_buffer_printf(out, "%llu", (unsigned long long)statement->input->generation);
}

static void put_form(const struct statement *statement, struct oft_buffer *out)
{
    (void)statement;
    oft_buffer_printf(out, "%d", STATEMENT_FORM);
}

static void put_basis(const struct statement *statement, struct oft_buffer *out)
{
    ledger_statement_basis(statement->input, out);
}

bool statement_fact(const struct statement *statement, size_t index,
                    struct statement_fact *ret_fact, struct oft_buffer *out)
{
    static const struct {
        struct statement_fact fact;
        void (*put)(const struct statement *statement, struct oft_buffer *out);
    } facts[] = {
        {{"Statement", "number"}, put_number},
        {{"Status", "status"}, put_status},
        {{"Approved by", "approved_by"}, put_approved},
        {{"Final by", "final_by"}, put_final},
        {{"Restates", "restates"}, put_restates},
        {{"Policy", "generation"}, put_generation},
        {{"Time zones", "time_zones"}, put_zones},
        {{"Form", "form"}, put_form},
        {{NULL, "basis"}, put_basis}, /* at the end, where people read it */
    };
    oft_buffer_clear(out);
    if (index >= OFT_COUNT_OF(facts)) {
        return false;
    }
    facts[index].put(statement, out);
    *ret_fact = facts[index].fact;
    return true;
}

/* ---- restatements ---------------------------------------------------------------------------- */

static int compare_key(const void *key, const void *item)
{
    return ledger_key_compare(key, &(*(const struct ledger_row *const *)item)->key);
}

static int sign_of(const struct ledger_series_key *key, bool memo)
{
    if (memo || (key->kind == LEDGER_SHARE && key->outcome == LEDGER_MEMO)) {
        return 0;
    }
    bool owed_to_us =
        key->kind == LEDGER_SALE || (key->kind == LEDGER_SHARE && key->outcome == LEDGER_RECEIVED);
    return owed_to_us ? -1 : 1;
}

static enum oft_err add_deltas(struct statement *statement, const struct statement_rows *now,
                               const struct statement_rows *before, bool memo)
{
    for (size_t i = 0; i < now->count; i++) {
        const struct ledger_row *row = now->items[i];
        const struct ledger_row *const *was = before->count == 0
                                                  ? NULL
                                                  : bsearch(&row->key, before->items, before->count,
                                                            sizeof(*before->items), compare_key);
        struct statement_delta *delta = &statement->deltas[statement->delta_count];
        *delta = (struct statement_delta){.row = row, .sign = sign_of(&row->key, memo)};
        if (was != NULL) {
            delta->was = (*was)->totals;
        }
        if (oft_nanos_sub(row->totals.quantity, delta->was.quantity, &delta->quantity) != OFT_OK ||
            oft_nanos_sub(row->totals.amount_nanos, delta->was.amount_nanos, &delta->amount) !=
                OFT_OK) {
            return OFT_ERR_RANGE;
        }
        statement->delta_count += delta->quantity != 0 || delta->amount != 0;
    }
    return OFT_OK;
}

/* What the lines say, the sums must say too. */
static enum oft_err check_deltas(const struct statement *statement)
{
    oft_nanos sum = statement->was_nanos;
    for (size_t i = 0; i < statement->delta_count; i++) {
        const struct statement_delta *delta = &statement->deltas[i];
        enum oft_err err = delta->sign > 0   ? oft_nanos_add(sum, delta->amount, &sum)
                           : delta->sign < 0 ? oft_nanos_sub(sum, delta->amount, &sum)
                                             : OFT_OK;
        if (err != OFT_OK) {
            return err;
        }
    }
    OFT_ASSERT(sum == statement->net_nanos);
    return OFT_OK;
}

enum oft_err statement_find_deltas(struct statement *statement, const struct statement *before)
{
    size_t lines = statement->capacity.count + statement->shares.count + statement->sales.count +
                   statement->memo_sales.count + statement->dues.count;
    statement->was_nanos = before->net_nanos;
    statement->deltas =
        oft_arena_alloc_array(&statement->arena, lines + 1, sizeof(*statement->deltas));
    if (statement->deltas == NULL) {
        return OFT_ERR_MEMORY;
    }
    enum oft_err err = add_deltas(statement, &statement->capacity, &before->capacity, false);
    if (err == OFT_OK) {
        err = add_deltas(statement, &statement->dues, &before->dues, false);
    }
    if (err == OFT_OK) {
        err = add_deltas(statement, &statement->shares, &before->shares, false);
    }
    if (err == OFT_OK) {
        err = add_deltas(statement, &statement->sales, &before->sales, false);
    }
    if (err == OFT_OK) {
        err = add_deltas(statement, &statement->memo_sales, &before->memo_sales, true);
    }
    return err == OFT_OK ? check_deltas(statement) : err;
}
