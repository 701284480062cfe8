/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch while it is open. Records that agree in everything that decides what is owed (regime,
 * month, account, product, model, pool, clause, outcome) fall into one cell, which adds up requests
 * and units; so a record costs one hash look-up and, where the regime changes, one binary search.
 * Nothing is priced here: expand.c prices cells when the batch is closed.
 */
#include <stdlib.h>
#include <string.h>

#include "ledger/internal.h"

const char LEDGER_ORPHAN_RULE[] =
    "A request whose worker died before it was settled is booked as unsettled, with the estimate "
    "of its input and no output, because nobody saw what came back.";

enum oft_err ledger_batch_new(struct ledger_batch **ret_batch)
{
    *ret_batch = calloc(1, sizeof(**ret_batch));
    return *ret_batch == NULL ? OFT_ERR_MEMORY : OFT_OK;
}

size_t ledger_batch_kinds(const struct ledger_batch *batch)
{
    return batch->cell_count;
}

void ledger_batch_free(struct ledger_batch *batch)
{
    if (batch != NULL) {
        free(batch->cells);
        free(batch->cell_index.slots);
        free(batch->series);
        free(batch->series_index.slots);
        free(batch->changes);
        free(batch->entries);
        free(batch);
    }
}

enum oft_err ledger_index_grow(struct ledger_index *index, size_t item_count, const void *items,
                               uint64_t (*hash)(const void *items, size_t item))
{
    if (index->slots != NULL && 2 * (item_count + 1) <= index->mask + 1) {
        return OFT_OK;
    }
    uint64_t size = index->slots == NULL ? 256 : 2 * (index->mask + 1);
    uint32_t *slots = size > UINT32_MAX ? NULL : calloc(size, sizeof(*slots));
    if (slots == NULL) {
        return OFT_ERR_MEMORY;
    }
    for (size_t i = 0; i < item_count; i++) {
        uint64_t slot = hash(items, i) & (size - 1);
        while (slots[slot] != 0) {
            slot = (slot + 1) & (size - 1);
        }
        slots[slot] = (uint32_t)(i + 1);
    }
    free(index->slots);
    index->slots = slots;
    index->mask = size - 1;
    return OFT_OK;
}

void ledger_batch_periods(struct ledger_batch *batch, struct ledger_periods periods)
{
    batch->periods = periods;
}

int32_t ledger_own_month(const struct ledger_series_key *key)
{
    return key->for_month != 0 ? key->for_month : key->month;
}

bool ledger_outcome_owes(uint32_t outcome)
{
    return outcome == LEDGER_SERVED || outcome == LEDGER_SERVED_ESTIMATED ||
           outcome == LEDGER_UNSETTLED;
}

static enum ledger_outcome outcome_of(const struct meter_record *record)
{
    const uint32_t partly = METER_FLAG_ABORTED | METER_FLAG_CUT | METER_FLAG_ESTIMATED;
    if (record->flags & METER_FLAG_REFUSED) {
        return LEDGER_REFUSED;
    }
    if ((record->flags & METER_FLAG_UNSETTLED) && record->pool_id != 0) {
        return LEDGER_UNSETTLED;
    }
    bool served = record->status >= 200 && record->status <= 299;
    if (served || ((record->flags & partly) && record->pool_id != 0)) {
        return record->flags & METER_FLAG_ESTIMATED ? LEDGER_SERVED_ESTIMATED : LEDGER_SERVED;
    }
    return LEDGER_FAILED;
}

static uint64_t mix(uint64_t state, uint64_t word)
{
    state = (state ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return state ^ (state >> 29);
}

static uint64_t cell_hash(const void *items, size_t item)
{
    const struct ledger_cell *cell = (const struct ledger_cell *)items + item;
    uint64_t state = mix((uintptr_t)cell->context, cell->account);
    state = mix(state, cell->product);
    state = mix(state, cell->model);
    state = mix(state, cell->pool);
    state = mix(state, cell->clause);
    state = mix(state, (uint64_t)cell->regime << 32 | (uint32_t)cell->month);
    state = mix(state, cell->input_floor);
    state = mix(state, cell->reversed);
    return mix(state, (uint64_t)cell->service_tier << 32 | cell->outcome);
}

static bool cell_same(const struct ledger_cell *a, const struct ledger_cell *b)
{
    return a->account == b->account && a->product == b->product && a->model == b->model &&
           a->pool == b->pool && a->clause == b->clause && a->regime == b->regime &&
           a->month == b->month && a->outcome == b->outcome && a->context == b->context &&
           a->service_tier == b->service_tier && a->input_floor == b->input_floor &&
           a->reversed == b->reversed;
}

bool ledger_month_inside(int32_t month)
{
    return month >= 1678 * 12 && month < 2261 * 12 + 11;
}

/* Finds the regime and the month of AT, and for how long both stay the same. */
static void locate(struct ledger_batch *batch, const struct ledger_context *context, oft_instant at)
{
    oft_instant from;
    oft_instant until;
    batch->near_regime = (uint32_t)ledger_context_regime(context, at, &from, &until);
    batch->near_context = context;
    batch->near_regime_from = from;
    batch->near_month = deal_month_of(context->deal, at);
    bool inside = ledger_month_inside(batch->near_month); /* else AT stands for itself alone */
    oft_instant month_from = inside ? deal_month_start(context->deal, batch->near_month) : at;
    oft_instant month_until = inside ? deal_month_start(context->deal, batch->near_month + 1) : at;
    batch->near_from = from > month_from ? from : month_from;
    batch->near_until = until < month_until ? until : month_until;
}

static enum oft_err cell_find(struct ledger_batch *batch, const struct ledger_cell *wanted,
                              struct ledger_cell **ret_cell)
{
    if (ledger_index_grow(&batch->cell_index, batch->cell_count, batch->cells, cell_hash) !=
        OFT_OK) {
        return OFT_ERR_MEMORY;
    }
    struct ledger_index *index = &batch->cell_index;
    uint64_t slot = cell_hash(wanted, 0) & index->mask;
    for (; index->slots[slot] != 0; slot = (slot + 1) & index->mask) {
        struct ledger_cell *cell = &batch->cells[index->slots[slot] - 1];
        if (cell_same(cell, wanted)) {
            *ret_cell = cell;
            return OFT_OK;
        }
    }
    if (batch->cell_count == batch->cell_capacity) {
        size_t capacity = batch->cell_capacity == 0 ? 128 : 2 * batch->cell_capacity;
        struct ledger_cell *cells = realloc(batch->cells, capacity * sizeof(*cells));
        if (cells == NULL) {
            return OFT_ERR_MEMORY;
        }
        batch->cells = cells;
        batch->cell_capacity = capacity;
    }
    batch->cells[batch->cell_count] = *wanted;
    *ret_cell = &batch->cells[batch->cell_count++];
    index->slots[slot] = (uint32_t)batch->cell_count;
    return OFT_OK;
}

static enum oft_err cell_add(struct ledger_cell *cell, const struct meter_record *record)
{
    cell->requests++;
    for (size_t i = 0; i < METER_UNITS; i++) {
        if (__builtin_add_overflow(cell->units[i], record->units[i], &cell->units[i])) {
            return OFT_ERR_RANGE;
        }
    }
    return OFT_OK;
}

/* The input tokens of one request, however they were read; a context price goes by them. */
static uint64_t input_of(const struct meter_record *record)
{
    uint64_t sum;
    if (__builtin_add_overflow(record->units[DEAL_UNIT_INPUT], record->units[DEAL_UNIT_CACHED],
                               &sum) ||
        __builtin_add_overflow(sum, record->units[DEAL_UNIT_CACHE_WRITE], &sum)) {
        return UINT64_MAX;
    }
    return sum;
}

static enum oft_err take_record(struct ledger_batch *batch, const struct ledger_context *context,
                                const struct meter_record *record, bool reversed)
{
    if (batch->failure != OFT_OK) {
        return batch->failure;
    }
    if (batch->closed || ((record->commit >> 8) & 0xff) == METER_INTENT ||
        record->generation != context->generation) {
        return batch->failure = OFT_ERR_INVALID;
    }
    oft_instant at = record->admitted_ns;
    if (batch->near_context != context || at < batch->near_from || at >= batch->near_until) {
        locate(batch, context, at);
    }
    const struct ledger_cell wanted = {
        .context = context,
        .account = record->account_id,
        .product = record->product_id,
        .model = record->model_id,
        .pool = record->pool_id,
        .clause = record->clause_id,
        .regime_from = batch->near_regime_from,
        .regime = batch->near_regime,
        .month = batch->near_month,
        .outcome = outcome_of(record),
        .service_tier = record->service_tier,
        .input_floor = ledger_context_input_floor(context, input_of(record)),
        .reversed = reversed,
    };
    struct ledger_cell *cell;
    enum oft_err err = cell_find(batch, &wanted, &cell);
    if (err == OFT_OK) {
        batch->last_cell = (size_t)(cell - batch->cells);
        err = cell_add(cell, record);
    }
    if (reversed) {
        batch->has_reversal = true;
    } else {
        batch->counts.records++;
        batch->counts.unsettled += wanted.outcome == LEDGER_UNSETTLED;
        batch->counts.estimated += wanted.outcome == LEDGER_SERVED_ESTIMATED;
    }
    return batch->failure = err;
}

enum oft_err ledger_batch_add(struct ledger_batch *batch, const struct ledger_context *context,
                              const struct meter_record *record)
{
    return take_record(batch, context, record, false);
}

enum oft_err ledger_batch_reverse(struct ledger_batch *batch, const struct ledger_context *context,
                                  const struct meter_record *record)
{
    return take_record(batch, context, record, true);
}

enum oft_err ledger_batch_close(struct ledger_batch *batch, struct ledger_totals_source source,
                                struct ledger_result *ret_result, struct oft_error *reterr)
{
    struct oft_error unread = {0}; /* what the books said when they could not be read */
    if (batch->closed && batch->failure == OFT_OK) {
        batch->failure = OFT_ERR_INVALID;
    }
    batch->closed = true;
    if (batch->failure == OFT_OK) {
        batch->source = &source;
        batch->error = &unread;
        batch->failure = ledger_batch_expand(batch);
        batch->source = NULL;
        batch->error = NULL;
    }
    if (unread.code != OFT_OK) {
        return oft_fail(reterr, batch->failure, "%s", unread.message);
    }
    if (batch->failure != OFT_OK) {
        return oft_fail(reterr, batch->failure, "this batch of usage cannot be rated: %s",
                        oft_err_text(batch->failure));
    }
    batch->failure = ledger_batch_settle(batch, source, reterr);
    if (batch->failure != OFT_OK) {
        return batch->failure;
    }
    *ret_result = (struct ledger_result){
        .changes = batch->changes,
        .change_count = batch->change_count,
        .entries = batch->entries,
        .entry_count = batch->entry_count,
        .counts = batch->counts,
    };
    return OFT_OK;
}

void ledger_settle_orphan(const struct meter_record *intent, struct meter_record *ret_settled)
{
    struct meter_record settled = *intent;
    settled.commit = (intent->commit & ~UINT32_C(0xff00)) | (uint32_t)METER_SETTLED << 8;
    settled.flags |= METER_FLAG_UNSETTLED;
    settled.status = 0;
    memset(settled.units, 0, sizeof(settled.units));
    settled.units[DEAL_UNIT_INPUT] = intent->units[DEAL_UNIT_INPUT];
    settled.crc32c = oft_crc32c(0, (const char *)&settled + 8, sizeof(settled) - 8);
    *ret_settled = settled;
}
