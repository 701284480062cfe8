/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far each commitment has come, against the line through its ramps and milestones; and printing it
 * in three forms. What becomes of it is commit_settle.c's.
 */
#include <stdio.h>
#include <string.h>

#include "ledger/commit.h"
#include "ledger/commit_print.h"

static enum oft_err status_of(const struct commit_terms *terms, struct deal_attestations attested,
                              const struct ledger_settlement *it, oft_instant at,
                              struct ledger_commitment_status *status)
{
    const struct deal_commit *commit = terms->commit;
    oft_nanos seen = 0;
    status->clause = it->clause;
    status->settlement = it;
    status->counted_nanos = it->counted;
    status->active = deal_clause_in_force(terms->clause, at, attested) &&
                     at >= commit->period_from && at < commit->period_until &&
                     it->state != LEDGER_COMMIT_WAITING;
    enum oft_err err = commit_line(terms, it, at, &status->line_nanos);
    if (err == OFT_OK) {
        err = oft_nanos_add(it->progress, it->waiting, &seen);
    }
    status->behind = status->active && seen < status->line_nanos;
    status->value_ppb = commit_value(terms, it, status);
    return err;
}

enum oft_err ledger_commitments(const struct deal *deal, struct deal_attestations attested,
                                const struct ledger_row *commitment_rows, size_t row_count,
                                oft_instant at, struct oft_arena *arena,
                                struct ledger_commitment_status **ret_status, size_t *ret_count)
{
    const struct ledger_settlement *settlements;
    struct commit_links links;
    size_t count;
    enum oft_err err = ledger_commitments_settle(deal, attested, commitment_rows, row_count, at,
                                                 arena, &settlements, &count);
    if (err == OFT_OK) {
        err = commit_links_of(deal, attested, arena, &links);
    }
    if (err != OFT_OK) {
        return err;
    }
    struct ledger_commitment_status *all = oft_arena_alloc_array(arena, count + 1, sizeof(*all));
    if (all == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (size_t i = 0; err == OFT_OK && i < count; i++) {
        const struct commit_terms terms =
            commit_terms_of(deal, attested, &links, settlements[i].clause);
        err = status_of(&terms, attested, &settlements[i], at, &all[i]);
    }
    *ret_status = all;
    *ret_count = count;
    return err;
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
                                     const struct ledger_commitment_status *status)
{
    const struct deal_clause *clause = &deal->clauses[status->clause];
    const char *state =
        status->settlement->state == LEDGER_COMMIT_NOT_BEGUN ? "not begun" : "ended";
    if (status->settlement->state == LEDGER_COMMIT_COMPLETE ||
        status->settlement->state == LEDGER_COMMIT_SHORT ||
        status->settlement->state == LEDGER_COMMIT_WAITING ||
        status->settlement->state == LEDGER_COMMIT_LAPSED) {
        state = commit_state_name(status->settlement->state);
    } else if (status->active) {
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
    commit_print_text(status, out);
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
    commit_print_json(it->deal, status, out);
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
        struct printable it = printable_of(deal, &status[i]);
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
