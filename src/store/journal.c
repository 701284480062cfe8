/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the books back: series rows for statements, balances, and every transaction in order for
 * verification.
 */
#include <string.h>

#include "store/internal.h"
#include "store/periods.h"
#include "store/trace.h"

#define KEY_COLUMNS                                                              \
    "s.kind, s.month, s.unit, s.outcome, s.rate, s.account, s.product, s.model," \
    " s.pool, s.party, s.clause, s.for_month"
enum { KEY_COLUMN_COUNT = 12 };

static enum oft_err take_key(sqlite3_stmt *statement, struct ledger_series_key *key,
                             struct oft_error *reterr)
{
    memset(key, 0, sizeof(*key));
    key->kind = (enum ledger_series_kind)sqlite3_column_int(statement, 0);
    key->month = sqlite3_column_int(statement, 1);
    key->unit = (uint32_t)sqlite3_column_int64(statement, 2);
    key->outcome = (uint32_t)sqlite3_column_int64(statement, 3);
    store_column_text(statement, 5, key->account, sizeof(key->account));
    store_column_text(statement, 6, key->product, sizeof(key->product));
    store_column_text(statement, 7, key->model, sizeof(key->model));
    store_column_text(statement, 8, key->pool, sizeof(key->pool));
    store_column_text(statement, 9, key->party, sizeof(key->party));
    store_column_text(statement, 10, key->clause, sizeof(key->clause));
    key->for_month = sqlite3_column_int(statement, 11);
    return store_column_amount(statement, 4, &key->rate, reterr);
}

static enum oft_err take_totals(sqlite3_stmt *statement, struct ledger_totals *totals,
                                struct oft_error *reterr)
{
    const int column = KEY_COLUMN_COUNT;
    enum oft_err code = store_column_amount(statement, column, &totals->quantity, reterr);
    if (code == OFT_OK) {
        code = store_column_amount(statement, column + 1, &totals->amount_nanos, reterr);
    }
    if (code == OFT_OK &&
        !store_column_bytes(statement, column + 2, totals->units, sizeof(totals->units))) {
        code = oft_fail(reterr, OFT_ERR_CORRUPT, "a series' unit counts in the books are damaged");
    }
    return code;
}

/* The next posting would not find a series that stands under another key, and begin it anew. */
static enum oft_err check_key(sqlite3_stmt *statement, const struct ledger_series_key *key,
                              struct oft_error *reterr)
{
    char expected[STORE_KEY_BYTES];
    const char *found = (const char *)sqlite3_column_text(statement, KEY_COLUMN_COUNT + 3);
    store_key_text(key, expected);
    if (found == NULL || strcmp(found, expected) != 0) {
        return oft_fail(reterr, OFT_ERR_CORRUPT,
                        "a series under %.60s (%.60s) stands under a key that is not its own",
                        key->clause, key->model);
    }
    return OFT_OK;
}

static enum oft_err take_row(sqlite3_stmt *statement, struct oft_arena *arena, void *item,
                             struct oft_error *reterr)
{
    struct ledger_row *row = item;
    (void)arena;
    enum oft_err code = take_key(statement, &row->key, reterr);
    if (code == OFT_OK) {
        code = take_totals(statement, &row->totals, reterr);
    }
    return code == OFT_OK ? check_key(statement, &row->key, reterr) : code;
}

/* A condition that is always there keeps SQLite from an index: each question has its own text. */
#define ROWS_OF "SELECT " KEY_COLUMNS ", s.quantity, s.amount, s.units, s.key FROM series s"

enum oft_err store_rows(struct store *store, enum ledger_series_kind kind, int32_t month,
                        struct oft_arena *arena, struct ledger_row **ret_rows, size_t *ret_count,
                        struct oft_error *reterr)
{
    void *items = NULL;
    const char *sql = kind != 0 && month != 0 ? ROWS_OF
                          " WHERE s.month = ?2 AND s.kind = ?1 ORDER BY s.key"
                      : kind != 0  ? ROWS_OF " WHERE s.kind = ?1 AND ?2 = 0 ORDER BY s.key"
                      : month != 0 ? ROWS_OF " WHERE s.month = ?2 AND ?1 = 0 ORDER BY s.key"
                                   : ROWS_OF " WHERE ?1 = 0 AND ?2 = 0 ORDER BY s.key";
    sqlite3_stmt *statement = store_prepare(store, sql, reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int(statement, 1, (int)kind);
    (void)sqlite3_bind_int(statement, 2, month);
    enum oft_err code = store_load(store, statement, take_row, sizeof(struct ledger_row), arena,
                                   &items, ret_count, reterr);
    *ret_rows = items;
    return code;
}

static enum oft_err is_newest(struct store *store, uint64_t number, bool *ret_newest,
                              struct oft_error *reterr)
{
    uint8_t hash[32];
    oft_instant recorded_ns;
    uint64_t last = 0;
    enum oft_err code = store_chain_head(store, &last, hash, &recorded_ns, reterr);
    *ret_newest = code == OFT_OK && number >= last;
    return code;
}

enum oft_err store_rows_at(struct store *store, enum ledger_series_kind kind, int32_t month,
                           uint64_t number, struct oft_arena *arena, struct ledger_row **ret_rows,
                           size_t *ret_count, struct oft_error *reterr)
{
    void *items = NULL;
    bool newest = false;
    enum oft_err code = is_newest(store, number, &newest, reterr);
    if (code != OFT_OK) {
        return code;
    }
    /* As of the newest transaction a series holds its last change. As of an earlier one: series first (CROSS),
     * and of each the one change by the index that is made for it. SQLite would else walk through all
     * changes, or for each series through all of a transaction's. A month has an index, and no order. */
    const char *sql = newest && month != 0 && kind == 0 ? ROWS_OF
                          " WHERE s.month = ?2 AND ?1 = 0"
                          " UNION ALL " ROWS_OF " WHERE s.for_month = ?2 AND s.for_month <> 0"
                          " AND s.month <> ?2 AND ?3 >= 0"
                      : newest && month == 0 && kind != 0
                          ? ROWS_OF " WHERE s.kind = ?1 AND ?2 = 0 AND ?3 >= 0 ORDER BY s.key"
                          : "SELECT " KEY_COLUMNS
                            ", c.quantity, c.amount, c.units, s.key FROM series s"
                            " CROSS JOIN change c INDEXED BY change_by_series ON c.series = s.id"
                            " AND c.number = (SELECT max(l.number) FROM change l INDEXED BY"
                            " change_by_series WHERE l.series = s.id AND l.number <= ?3)"
                            " WHERE (?1 = 0 OR s.kind = ?1)"
                            " AND (?2 = 0 OR s.month = ?2 OR s.for_month = ?2) ORDER BY s.key";
    sqlite3_stmt *statement = store_prepare(store, sql, reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int(statement, 1, (int)kind);
    (void)sqlite3_bind_int(statement, 2, month);
    (void)sqlite3_bind_int64(statement, 3, (int64_t)number);
    code = store_load(store, statement, take_row, sizeof(struct ledger_row), arena, &items,
                      ret_count, reterr);
    *ret_rows = items;
    return code;
}

static enum oft_err take_balance(sqlite3_stmt *statement, struct oft_arena *arena, void *item,
                                 struct oft_error *reterr)
{
    struct store_balance *balance = item;
    balance->account = store_column_copy(statement, 0, arena);
    return balance->account == NULL ? OFT_ERR_MEMORY
                                    : store_column_amount(statement, 1, &balance->amount, reterr);
}

enum oft_err store_balances(struct store *store, struct oft_arena *arena,
                            struct store_balance **ret_balances, size_t *ret_count,
                            struct oft_error *reterr)
{
    void *items = NULL;
    sqlite3_stmt *statement =
        store_prepare(store, "SELECT account, amount FROM balance ORDER BY account", reterr);
    enum oft_err code = store_load(store, statement, take_balance, sizeof(struct store_balance),
                                   arena, &items, ret_count, reterr);
    *ret_balances = items;
    return code;
}

/* ---- transactions ------------------------------------------------------------------------------ */

static enum oft_err take_range(sqlite3_stmt *statement, struct oft_arena *arena, void *item,
                               struct oft_error *reterr)
{
    struct ledger_range *range = item;
    (void)arena;
    (void)reterr;
    store_column_text(statement, 0, range->segment, sizeof(range->segment));
    range->from = (uint32_t)sqlite3_column_int64(statement, 1);
    range->until = (uint32_t)sqlite3_column_int64(statement, 2);
    return OFT_OK;
}

static enum oft_err take_change(sqlite3_stmt *statement, struct oft_arena *arena, void *item,
                                struct oft_error *reterr)
{
    struct ledger_change *change = item;
    (void)arena;
    enum oft_err code = take_key(statement, &change->key, reterr);
    return code == OFT_OK ? take_totals(statement, &change->after, reterr) : code;
}

static enum oft_err take_entry(sqlite3_stmt *statement, struct oft_arena *arena, void *item,
                               struct oft_error *reterr)
{
    struct ledger_entry *entry = item;
    (void)arena;
    store_column_text(statement, 0, entry->account, sizeof(entry->account));
    entry->series = (size_t)sqlite3_column_int64(statement, 2);
    return store_column_amount(statement, 1, &entry->amount_nanos, reterr);
}

enum oft_err store_take_event(sqlite3_stmt *statement, struct oft_arena *arena, void *item,
                              struct oft_error *reterr)
{
    struct ledger_event *event = item;
    (void)arena;
    memset(event, 0, sizeof(*event));
    store_column_text(statement, 0, event->what, sizeof(event->what));
    event->month = sqlite3_column_int(statement, 1);
    event->statement = (uint64_t)sqlite3_column_int64(statement, 2);
    store_column_text(statement, 3, event->actor, sizeof(event->actor));
    store_column_text(statement, 4, event->about, sizeof(event->about));
    event->is_signed = sqlite3_column_type(statement, 6) != SQLITE_NULL;
    if (event->is_signed &&
        !store_column_bytes(statement, 6, event->signature, sizeof(event->signature))) {
        return oft_fail(reterr, OFT_ERR_CORRUPT,
                        "the signature in an event of the books is damaged");
    }
    return store_column_bytes(statement, 5, event->sha256, sizeof(event->sha256))
               ? OFT_OK
               : oft_fail(reterr, OFT_ERR_CORRUPT, "the hash in an event of the books is damaged");
}

/* The rows that one transaction NUMBER has in SQL's table. */
static enum oft_err load_of(struct store *store, const char *sql, uint64_t number,
                            store_take_fn take, struct store_list *list, struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(store, sql, reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)number);
    return store_collect(store, statement, take, NULL, list, reterr);
}

static enum oft_err visit_one(struct store *store, struct store_transaction *row,
                              store_transaction_fn visit, void *context, struct oft_error *reterr)
{
    struct store_list ranges = {.item_bytes = sizeof(struct ledger_range)};
    struct store_list changes = {.item_bytes = sizeof(struct ledger_change)};
    struct store_list entries = {.item_bytes = sizeof(struct ledger_entry)};
    struct store_list events = {.item_bytes = sizeof(struct ledger_event)};
    uint64_t number = row->transaction.number;
    enum oft_err code =
        load_of(store, "SELECT segment, first, until FROM txn_range WHERE number = ?1 ORDER BY n",
                number, take_range, &ranges, reterr);
    if (code == OFT_OK) {
        code = load_of(store,
                       "SELECT " KEY_COLUMNS ", c.quantity, c.amount, c.units FROM change c"
                       " JOIN series s ON s.id = c.series WHERE c.number = ?1 ORDER BY c.n",
                       number, take_change, &changes, reterr);
    }
    if (code == OFT_OK) {
        code =
            load_of(store, "SELECT account, amount, change FROM entry WHERE number = ?1 ORDER BY n",
                    number, take_entry, &entries, reterr);
    }
    if (code == OFT_OK) {
        code =
            load_of(store,
                    "SELECT what, month, statement, actor, about, sha256, signature FROM book_event"
                    " WHERE number = ?1 ORDER BY n",
                    number, store_take_event, &events, reterr);
    }
    if (code == OFT_OK) {
        row->transaction.ranges = ranges.items;
        row->transaction.range_count = ranges.count;
        row->transaction.changes = changes.items;
        row->transaction.change_count = changes.count;
        row->transaction.entries = entries.items;
        row->transaction.entry_count = entries.count;
        row->transaction.events = events.items;
        row->transaction.event_count = events.count;
        code = visit(context, row, reterr);
    }
    store_list_drop(&ranges);
    store_list_drop(&changes);
    store_list_drop(&entries);
    store_list_drop(&events);
    return code;
}

enum oft_err store_transactions_between(struct store *store, uint64_t from, uint64_t through,
                                        store_transaction_fn visit, void *context,
                                        struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(store,
                                            "SELECT number, recorded_ns, previous, hash FROM txn"
                                            " WHERE number >= ?1 AND number <= ?2 ORDER BY number",
                                            reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)from);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)through);
    bool row = false;
    enum oft_err code;
    while ((code = store_step(store, statement, &row, reterr)) == OFT_OK && row) {
        struct store_transaction found = {0};
        found.transaction.number = (uint64_t)sqlite3_column_int64(statement, 0);
        found.transaction.recorded_ns = sqlite3_column_int64(statement, 1);
        (void)store_column_bytes(statement, 2, found.previous, sizeof(found.previous));
        (void)store_column_bytes(statement, 3, found.hash, sizeof(found.hash));
        code = visit_one(store, &found, visit, context, reterr);
        if (code != OFT_OK) {
            break;
        }
    }
    (void)sqlite3_reset(statement);
    return code == OFT_ERR_EXISTS ? OFT_OK : code;
}

enum oft_err store_transactions(struct store *store, store_transaction_fn visit, void *context,
                                struct oft_error *reterr)
{
    return store_transactions_between(store, 0, INT64_MAX, visit, context, reterr);
}
