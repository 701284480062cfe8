/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A commitment's rows as pieces of time: each the part of a month that no measuring period cuts, with what
 * came directly and through the marketplace, in order. The order of the rows is of no matter.
 */
#include <stdlib.h>
#include <string.h>

#include "ledger/commit_walk.h"

static int compare_pieces(const void *a, const void *b)
{
    const struct commit_piece *x = a;
    const struct commit_piece *y = b;
    if (x->place != y->place) {
        return x->place > y->place ? 1 : -1;
    }
    return (int)y->inherited - (int)x->inherited;
}

/* The version of the commitment that a row was counted under: CLAUSE, or one that it amends. */
static bool row_is_of(const struct deal *deal, const struct ledger_row *row, uint32_t clause,
                      bool *ret_inherited)
{
    *ret_inherited = false;
    for (uint32_t steps = 0; clause != DEAL_NONE && steps <= deal->clause_count; steps++) {
        const struct deal_clause *it = &deal->clauses[clause];
        if (it->kind != DEAL_CLAUSE_COMMIT) {
            break;
        }
        if (strcmp(row->key.clause, it->id) == 0) {
            return true;
        }
        clause = it->amends;
        *ret_inherited = true;
    }
    return false;
}

static enum oft_err place_of(const struct deal *deal, const struct ledger_row *row,
                             oft_instant *ret_place)
{
    *ret_place = deal_month_start(deal, ledger_own_month(&row->key));
    if (row->key.pool[0] != '\0' &&
        oft_instant_parse(oft_str_from(row->key.pool), ret_place) != OFT_OK) {
        return OFT_ERR_CORRUPT;
    }
    return OFT_OK;
}

static enum oft_err merge(struct commit_piece *pieces, size_t *count)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        struct commit_piece *last = kept == 0 ? NULL : &pieces[kept - 1];
        if (last == NULL || compare_pieces(last, &pieces[i]) != 0) {
            pieces[kept++] = pieces[i];
        } else if (oft_nanos_add(last->direct, pieces[i].direct, &last->direct) != OFT_OK ||
                   oft_nanos_add(last->market, pieces[i].market, &last->market) != OFT_OK) {
            return OFT_ERR_RANGE;
        }
    }
    *count = kept;
    return OFT_OK;
}

static void put_empty_at(struct commit_walk *walk, oft_instant place)
{
    const struct deal_clause *clause = walk->terms.clause;
    oft_instant from = walk->terms.commit->period_from;
    oft_instant last = walk->at < walk->terms.ended ? walk->at : walk->terms.ended;
    if (walk->amended != NULL && clause->from > from) {
        from = clause->from; /* what was before is the earlier version's */
    }
    if (from <= place && place < last) {
        int32_t month = deal_month_of(walk->deal, place);
        walk->pieces[walk->piece_count++] = (struct commit_piece){
            .place = place, .until = deal_month_start(walk->deal, month + 1), .month = month};
    }
}

/* The pieces that begin where something may change without any spend: the commitment itself, its amendment, what the
 * next measure asks for (at invoice, from the beginning of its month on), what the predecessor left. */
static void put_empty(struct commit_walk *walk)
{
    put_empty_at(walk, walk->terms.commit->period_from);
    if (walk->amended !=
        NULL) { /* the first month that is its own: what went over may be all of it */
        oft_instant from = walk->terms.clause->from;
        int32_t month = deal_month_of(walk->deal, from);
        month += deal_month_start(walk->deal, month) < from;
        put_empty_at(walk, deal_month_start(walk->deal, month));
    }
    for (size_t i = 0; i < walk->measure_count; i++) {
        put_empty_at(walk, walk->measures[i].by);
        put_empty_at(walk,
                     deal_month_start(walk->deal, deal_month_of(walk->deal, walk->measures[i].by)));
    }
    if (walk->before != NULL) {
        put_empty_at(walk, walk->before->ended);
    }
}

enum oft_err commit_pieces(struct commit_walk *walk, uint32_t clause, const struct ledger_row *rows,
                           size_t row_count, struct oft_arena *arena)
{
    oft_instant begins = walk->terms.commit->period_from;
    size_t count = 2 * walk->measure_count + 3;
    bool inherited;
    for (size_t i = 0; i < row_count; i++) {
        count += row_is_of(walk->deal, &rows[i], clause, &inherited);
    }
    walk->pieces = oft_arena_alloc_array(arena, count, sizeof(*walk->pieces));
    if (walk->pieces == NULL) {
        return OFT_ERR_MEMORY;
    }
    walk->piece_count = 0;
    put_empty(walk);
    for (size_t i = 0; i < row_count; i++) {
        const struct ledger_row *row = &rows[i];
        struct commit_piece it = {.month = ledger_own_month(&row->key)};
        if (row->key.kind != LEDGER_COMMITMENT || !row_is_of(walk->deal, row, clause, &inherited)) {
            continue;
        }
        enum oft_err err = place_of(walk->deal, row, &it.place);
        if (err != OFT_OK) {
            return err;
        }
        it.inherited = inherited;
        it.until = deal_month_start(walk->deal, it.month + 1);
        if (it.place < begins) {
            if (it.until <= begins) {
                continue; /* of an earlier version's period, or of one that the deal no longer says */
            }
            it.place = begins;
        }
        *(row->key.outcome == LEDGER_THROUGH_MARKETPLACE ? &it.market : &it.direct) =
            row->totals.amount_nanos;
        walk->pieces[walk->piece_count++] = it;
    }
    qsort(walk->pieces, walk->piece_count, sizeof(*walk->pieces), compare_pieces);
    return merge(walk->pieces, &walk->piece_count);
}
