/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far each commitment has come: what counted towards it in all months, against the straight line
 * from nothing at its period's beginning to the whole amount at its end. Printing it in three forms.
 */
#include <stdio.h>
#include <string.h>

#include "ledger/statement.h"

static enum oft_err line_at(const struct deal_commit *commit, oft_instant at, oft_nanos *ret_line)
{
    oft_nanos period = (oft_nanos)commit->period_until - commit->period_from;
    oft_nanos elapsed = (oft_nanos)at - commit->period_from;
    if (elapsed <= 0) {
        *ret_line = 0;
        return OFT_OK;
    }
    if (period <= 0 || elapsed >= period) {
        *ret_line = commit->amount_nanos;
        return OFT_OK;
    }
    return oft_nanos_mul_div_half_even(commit->amount_nanos, elapsed, period, ret_line);
}

static enum oft_err status_of(const struct deal *deal, uint32_t index,
                              struct deal_attestations attested, const struct ledger_row *rows,
                              size_t row_count, oft_instant at,
                              struct ledger_commitment_status *status)
{
    const struct deal_clause *clause = &deal->clauses[index];
    const struct deal_commit *commit = &clause->as.commit;
    status->clause = index;
    for (size_t i = 0; i < row_count; i++) {
        if (rows[i].key.kind == LEDGER_COMMITMENT && strcmp(rows[i].key.clause, clause->id) == 0 &&
            oft_nanos_add(status->counted_nanos, rows[i].totals.amount_nanos,
                          &status->counted_nanos) != OFT_OK) {
            return OFT_ERR_RANGE;
        }
    }
    status->active = deal_clause_in_force(clause, at, attested) && at >= commit->period_from &&
                     at < commit->period_until;
    enum oft_err err = line_at(commit, at, &status->line_nanos);
    status->behind = status->active && status->counted_nanos < status->line_nanos;
    return err;
}

enum oft_err ledger_commitments(const struct deal *deal, struct deal_attestations attested,
                                const struct ledger_row *commitment_rows, size_t row_count,
                                oft_instant at, struct oft_arena *arena,
                                struct ledger_commitment_status **ret_status, size_t *ret_count)
{
    struct ledger_commitment_status *all =
        oft_arena_alloc_array(arena, (size_t)deal->clause_count + 1, sizeof(*all));
    size_t count = 0;
    if (all == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        if (deal->clauses[i].kind == DEAL_CLAUSE_COMMIT) {
            enum oft_err err =
                status_of(deal, i, attested, commitment_rows, row_count, at, &all[count++]);
            if (err != OFT_OK) {
                return err;
            }
        }
    }
    *ret_status = all;
    *ret_count = count;
    return OFT_OK;
}

/* ---- printing -------------------------------------------------------------------------------- */

struct printable {
    const struct deal *deal;
    const struct deal_clause *clause;
    const struct deal_commit *commit;
    const struct ledger_commitment_status *status;
    const char *state;
};

static struct printable printable_of(const struct deal *deal,
                                     const struct ledger_commitment_status *status, oft_instant at)
{
    const struct deal_clause *clause = &deal->clauses[status->clause];
    const char *state = at < clause->as.commit.period_from ? "not begun" : "ended";
    if (status->active) {
        state = status->behind ? "behind its line" : "on its line or ahead";
    }
    return (struct printable){deal, clause, &clause->as.commit, status, state};
}

static void print_text(const struct printable *it, struct oft_buffer *out)
{
    char line[1024];
    char from[OFT_INSTANT_TEXT_BYTES];
    char until[OFT_INSTANT_TEXT_BYTES];
    char digits[OFT_NANOS_TEXT_BYTES];
    const struct ledger_commitment_status *status = it->status;
    oft_nanos amount = it->commit->amount_nanos;
    (void)snprintf(line, sizeof(line), "%s, on %s, %s, %s..%s: %s", it->clause->id,
                   it->deal->providers[it->commit->provider].name,
                   print_commit_model_name(it->commit->model),
                   oft_instant_format_short(it->commit->period_from, from),
                   oft_instant_format_short(it->commit->period_until, until), it->state);
    print_wrapped(out, 2, 4, line);
    print_two_sides(out, "    promised", oft_nanos_format_grouped(amount, digits));
    (void)snprintf(line, sizeof(line), "    counted (%s%%)",
                   print_share_of(status->counted_nanos, amount, digits));
    print_two_sides(out, line, oft_nanos_format_grouped(status->counted_nanos, digits));
    (void)snprintf(line, sizeof(line), "    its line (%s%%)",
                   print_share_of(status->line_nanos, amount, digits));
    print_two_sides(out, line, oft_nanos_format_grouped(status->line_nanos, digits));
}

static void print_json(const struct printable *it, struct oft_buffer *out)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    char digits[OFT_NANOS_TEXT_BYTES];
    const struct ledger_commitment_status *status = it->status;
    print_json_key(out, NULL);
    oft_buffer_append_char(out, '{');
    print_json_text(out, "clause", it->clause->id);
    print_json_text(out, "provider", it->deal->providers[it->commit->provider].name);
    print_json_text(out, "model", print_commit_model_name(it->commit->model));
    print_json_text(out, "from", oft_instant_format(it->commit->period_from, text));
    print_json_text(out, "until", oft_instant_format(it->commit->period_until, text));
    print_json_amount(out, "amount", it->commit->amount_nanos);
    print_json_amount(out, "counted", status->counted_nanos);
    print_json_text(out, "percent",
                    print_share_of(status->counted_nanos, it->commit->amount_nanos, digits));
    print_json_amount(out, "line", status->line_nanos);
    print_json_text(out, "state", it->state);
    print_json_key(out, "active");
    oft_buffer_append_text(out, status->active ? "true" : "false");
    print_json_key(out, "behind");
    oft_buffer_append_text(out, status->behind ? "true" : "false");
    oft_buffer_append_char(out, '}');
}

static void print_csv(const struct printable *it, struct oft_buffer *out)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    char digits[OFT_NANOS_TEXT_BYTES];
    print_csv_text(out, it->clause->id);
    print_csv_text(out, it->deal->providers[it->commit->provider].name);
    print_csv_text(out, print_commit_model_name(it->commit->model));
    print_csv_text(out, oft_instant_format(it->commit->period_from, text));
    print_csv_text(out, oft_instant_format(it->commit->period_until, text));
    print_csv_number(out, oft_nanos_format(it->commit->amount_nanos, digits));
    print_csv_number(out, oft_nanos_format(it->status->counted_nanos, digits));
    print_csv_number(out, oft_nanos_format(it->status->line_nanos, digits));
    print_csv_text(out, it->state);
    print_csv_end(out);
}

enum oft_err ledger_commitments_print(const struct deal *deal,
                                      const struct ledger_commitment_status *status, size_t count,
                                      oft_instant at, enum ledger_format format,
                                      struct oft_buffer *out)
{
    char text[OFT_INSTANT_TEXT_BYTES];
    (void)oft_instant_format(at, text);
    if (format == LEDGER_JSON) {
        oft_buffer_append_char(out, '{');
        print_json_text(out, "at", text);
        print_json_text(out, "currency", deal->currency);
        print_json_key(out, "commitments");
        oft_buffer_append_char(out, '[');
    } else if (format == LEDGER_CSV) {
        oft_buffer_append_text(out, "clause,provider,model,from,until,amount,counted,line,state\n");
    } else {
        oft_buffer_printf(out, "Commitments at %s, in ", text);
        print_clean(out, deal->currency);
        oft_buffer_append_text(out, count == 0 ? "\n  none\n" : "\n");
    }
    for (size_t i = 0; i < count; i++) {
        struct printable it = printable_of(deal, &status[i], at);
        if (format == LEDGER_JSON) {
            print_json(&it, out);
        } else if (format == LEDGER_CSV) {
            print_csv(&it, out);
        } else {
            print_text(&it, out);
        }
    }
    if (format == LEDGER_JSON) {
        oft_buffer_append_text(out, "]}\n");
    }
    return out->failed ? OFT_ERR_LIMIT : OFT_OK;
}
