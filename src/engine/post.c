/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A batch into the books: its totals from the store, its changes and entries as the next link of the
 * chain. Whoever made the batch has begun the transaction, and commits it.
 */
#include "engine/internal.h"
#include "store/periods.h"

static enum oft_err read_totals(void *context, const struct ledger_series_key *key,
                                struct ledger_totals *ret_totals, struct oft_error *reterr)
{
    return store_series_totals(context, key, ret_totals, reterr);
}

static enum oft_err read_share_total(void *context, const char *clause, oft_nanos *ret_amount,
                                     struct oft_error *reterr)
{
    return store_share_total(context, clause, ret_amount, reterr);
}

static enum oft_err read_elsewhere(void *context, const struct ledger_series_key *key,
                                   struct ledger_totals *ret_totals, struct oft_error *reterr)
{
    return store_elsewhere(context, key, ret_totals, reterr);
}

static enum oft_err write_transaction(struct engine *engine, struct ledger_transaction *transaction,
                                      struct oft_error *reterr)
{
    uint8_t previous[32];
    uint8_t hash[32];
    oft_instant last_ns;
    uint64_t number = 0;
    enum oft_err code = store_chain_head(engine->store, &number, previous, &last_ns, reterr);
    transaction->number = number + 1;
    if (code == OFT_OK) {
        code = ledger_transaction_hash(transaction, previous, hash);
    }
    return code == OFT_OK
               ? store_transaction_put(engine->store, transaction, previous, hash, reterr)
               : code;
}

enum oft_err engine_batch_periods(struct engine *engine, struct ledger_batch *batch,
                                  struct oft_error *reterr)
{
    struct ledger_periods periods = {0};
    enum oft_err code = store_periods(engine->store, &periods, reterr);
    ledger_batch_periods(batch, periods);
    return code;
}

enum oft_err engine_post_event(struct engine *engine, const struct ledger_event *event,
                               oft_instant now_ns, struct oft_error *reterr)
{
    struct ledger_transaction transaction = {
        .recorded_ns = now_ns, .events = event, .event_count = 1};
    return write_transaction(engine, &transaction, reterr);
}

/* TRANSACTION has what is not the batch's. */
static enum oft_err post(struct engine *engine, struct ledger_batch *batch,
                         struct ledger_transaction *transaction, struct engine_posted *ret_posted,
                         struct oft_error *reterr)
{
    struct ledger_totals_source source = {engine->store, read_totals, read_share_total,
                                          read_elsewhere};
    struct ledger_result result;
    enum oft_err code = engine_batch_periods(engine, batch, reterr);
    if (code == OFT_OK) {
        code = ledger_batch_close(batch, source, &result, reterr);
    }
    if (code != OFT_OK) {
        return code;
    }
    transaction->changes = result.changes;
    transaction->change_count = result.change_count;
    transaction->entries = result.entries;
    transaction->entry_count = result.entry_count;
    bool any =
        transaction->range_count > 0 || result.change_count > 0 || transaction->event_count > 0;
    *ret_posted = (struct engine_posted){any, result.counts.unrated, 0};
    if (any) {
        code = write_transaction(engine, transaction, reterr);
        ret_posted->number = transaction->number;
    }
    return code;
}

enum oft_err engine_post(struct engine *engine, struct ledger_batch *batch,
                         const struct ledger_range *ranges, size_t range_count, oft_instant now_ns,
                         struct engine_posted *ret_posted, struct oft_error *reterr)
{
    struct ledger_transaction transaction = {
        .recorded_ns = now_ns, .ranges = ranges, .range_count = range_count};
    return post(engine, batch, &transaction, ret_posted, reterr);
}

enum oft_err engine_post_told(struct engine *engine, struct ledger_batch *batch,
                              const struct ledger_event *event, oft_instant now_ns,
                              struct engine_posted *ret_posted, struct oft_error *reterr)
{
    struct ledger_transaction transaction = {
        .recorded_ns = now_ns, .events = event, .event_count = 1};
    return post(engine, batch, &transaction, ret_posted, reterr);
}
