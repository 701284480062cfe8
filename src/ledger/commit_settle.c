/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All commitments of a deal, each after those that it follows from: the version that it amends, and its
 * predecessor. What follows is a function of the rows and the instant; ledger_dues_add brings the books
 * to it.
 */
#include <string.h>

#include "ledger/commit_walk.h"

struct settling {
    const struct deal *deal;
    struct deal_attestations attested;
    const struct ledger_row *rows;
    size_t row_count;
    oft_instant at;
    struct oft_arena *arena;
    struct commit_links links;
    struct ledger_settlement *all; /* of the commitments, in the order of the text */
    uint32_t *place;               /* by clause: in `all`, DEAL_NONE for others */
    bool *done;                    /* by clause */
    size_t count;
};

static const struct ledger_settlement *done_of(const struct settling *settling, uint32_t clause)
{
    return clause != DEAL_NONE && settling->done[clause] ? &settling->all[settling->place[clause]]
                                                         : NULL;
}

static enum oft_err settle_one(struct settling *settling, uint32_t clause)
{
    struct oft_arena *arena = settling->arena;
    struct commit_walk walk = {
        .terms = commit_terms_of(settling->deal, settling->attested, &settling->links, clause),
        .deal = settling->deal,
        .at = settling->at,
        .result = &settling->all[settling->place[clause]],
    };
    walk.result->deal = settling->deal;
    walk.before = done_of(settling, walk.terms.predecessor);
    walk.amended = done_of(settling, walk.terms.amends);
    enum oft_err err = commit_measures(&walk.terms, arena, &walk.measures, &walk.measure_count);
    if (err == OFT_OK) {
        err = commit_pieces(&walk, clause, settling->rows, settling->row_count, arena);
    }
    if (err != OFT_OK) {
        return err;
    }
    size_t credits = 1 + (walk.before == NULL ? 0 : walk.before->credit_count) +
                     (walk.amended == NULL ? 0 : walk.amended->credit_count);
    size_t dues = (credits + 1) * walk.piece_count + walk.measure_count;
    walk.credits = oft_arena_alloc_array(arena, credits, sizeof(*walk.credits));
    walk.dues = oft_arena_alloc_array(arena, dues, sizeof(*walk.dues));
    walk.months = oft_arena_alloc_array(arena, walk.piece_count + 1, sizeof(*walk.months));
    if (walk.dues == NULL || walk.months == NULL || walk.credits == NULL) {
        return OFT_ERR_MEMORY;
    }
    settling->done[clause] = true;
    return commit_walk(&walk);
}

static bool is_ready(const struct settling *settling, uint32_t clause)
{
    uint32_t before = settling->links.predecessor[clause];
    uint32_t amends = settling->deal->clauses[clause].amends;
    return (before == DEAL_NONE || settling->done[before]) &&
           (amends == DEAL_NONE || settling->place[amends] == DEAL_NONE || settling->done[amends]);
}

/* Two that wait for each other (the checker refuses them) would wait for ever: they are settled as they
 * come. */
static enum oft_err settle_ready(struct settling *settling, bool any, bool *ret_progress)
{
    *ret_progress = false;
    for (uint32_t i = 0; i < settling->deal->clause_count; i++) {
        if (settling->place[i] != DEAL_NONE && !settling->done[i] &&
            (any || is_ready(settling, i))) {
            enum oft_err err = settle_one(settling, i);
            if (err != OFT_OK) {
                return err;
            }
            *ret_progress = true;
        }
    }
    return OFT_OK;
}

enum oft_err ledger_commitments_settle(const struct deal *deal, struct deal_attestations attested,
                                       const struct ledger_row *commitment_rows, size_t row_count,
                                       oft_instant at, struct oft_arena *arena,
                                       const struct ledger_settlement **ret_settlements,
                                       size_t *ret_count)
{
    size_t clauses = (size_t)deal->clause_count + 1;
    struct settling settling = {.deal = deal,
                                .attested = attested,
                                .rows = commitment_rows,
                                .row_count = row_count,
                                .at = at,
                                .arena = arena};
    settling.all = oft_arena_alloc_array(arena, clauses, sizeof(*settling.all));
    settling.place = oft_arena_alloc_array(arena, clauses, sizeof(*settling.place));
    settling.done = oft_arena_alloc_array(arena, clauses, sizeof(*settling.done));
    if (settling.all == NULL || settling.place == NULL || settling.done == NULL) {
        return OFT_ERR_MEMORY;
    }
    enum oft_err err = commit_links_of(deal, attested, arena, &settling.links);
    for (uint32_t i = 0; i < deal->clause_count; i++) {
        bool commit = deal->clauses[i].kind == DEAL_CLAUSE_COMMIT;
        settling.place[i] = commit ? (uint32_t)settling.count : DEAL_NONE;
        if (commit) {
            settling.all[settling.count++].clause = i;
        }
    }
    for (bool progress = true; err == OFT_OK && progress;) {
        err = settle_ready(&settling, false, &progress);
    }
    for (bool progress = true; err == OFT_OK && progress;) {
        err = settle_ready(&settling, true, &progress);
    }
    *ret_settlements = settling.all;
    *ret_count = settling.count;
    return err;
}

/* ---- into the books --------------------------------------------------------------------------- */

static enum oft_err add_due(struct ledger_batch *batch, const struct deal *deal,
                            const struct ledger_due_item *due)
{
    struct ledger_series wanted = {.parent = SIZE_MAX, .cap_nanos = -1, .is_total = true};
    const struct deal_clause *clause = &deal->clauses[due->clause];
    const char *party = deal->parties[deal->providers[clause->as.commit.provider].party].name;
    char text[OFT_INSTANT_TEXT_BYTES];
    size_t index;
    wanted.key.kind = LEDGER_SHORTFALL;
    wanted.key.month = due->month;
    wanted.key.outcome = due->due;
    if (LEDGER_PUT_NAME(wanted.key.party, party) != OFT_OK ||
        LEDGER_PUT_NAME(wanted.key.clause, clause->id) != OFT_OK ||
        (due->by != OFT_INSTANT_NEVER &&
         LEDGER_PUT_NAME(wanted.key.pool, oft_instant_format_short(due->by, text)) != OFT_OK)) {
        return OFT_ERR_LIMIT;
    }
    return ledger_series_add(batch, &wanted, due->amount, 0, &index);
}

/* What the books hold and nothing accounts for any more comes to nothing. */
static enum oft_err add_nothing(struct ledger_batch *batch, const struct deal *deal,
                                const struct ledger_row *row)
{
    struct ledger_series wanted = {.parent = SIZE_MAX, .cap_nanos = -1, .is_total = true};
    uint32_t clause = deal_find_clause(deal, oft_str_from(row->key.clause));
    bool hours = batch->has_capacity && row->key.kind == LEDGER_COMMITMENT &&
                 row->key.unit >= LEDGER_GPU_HOUR;
    size_t index;
    if ((!hours && row->key.kind != LEDGER_SHORTFALL) || clause == DEAL_NONE ||
        deal->clauses[clause].kind != DEAL_CLAUSE_COMMIT) {
        return OFT_OK;
    }
    wanted.key = row->key;
    wanted.key.month = ledger_own_month(&row->key); /* the batch says where it stands now */
    wanted.key.for_month = 0;
    return ledger_series_add(batch, &wanted, 0, 0, &index);
}

enum oft_err ledger_dues_add(struct ledger_batch *batch, const struct ledger_context *context,
                             const struct ledger_settlement *settlements, size_t count,
                             const struct ledger_row *rows, size_t row_count)
{
    if (batch->failure != OFT_OK) {
        return batch->failure;
    }
    if (batch->closed) {
        return batch->failure = OFT_ERR_INVALID;
    }
    for (size_t i = 0; batch->failure == OFT_OK && i < count; i++) {
        for (size_t j = 0; batch->failure == OFT_OK && j < settlements[i].due_count; j++) {
            batch->failure = add_due(batch, context->deal, &settlements[i].dues[j]);
        }
    }
    for (size_t i = 0; batch->failure == OFT_OK && i < row_count; i++) {
        batch->failure = add_nothing(batch, context->deal, &rows[i]);
    }
    return batch->failure;
}
