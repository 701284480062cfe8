/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Series with their running totals, transactions with their entries and changes, balances.
 *
 * A series is found by one canonical text of its key; its parts stand beside it for people who look
 * at the books with SQL. Amounts are decimal text: SQLite's integers are too narrow for them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/internal.h"

/* Unit separators between the parts: no name of a deal holds one. */
void store_key_text(const struct ledger_series_key *key, char out[STORE_KEY_BYTES])
{
    char rate[OFT_NANOS_TEXT_BYTES];
    (void)snprintf(out, STORE_KEY_BYTES,
                   "%d\x1f%d\x1f%u\x1f%u\x1f%s\x1f%s\x1f%s\x1f%s\x1f%s\x1f%s\x1f%s", (int)key->kind,
                   key->month, key->unit, key->outcome, oft_i128_format(key->rate, rate),
                   key->account, key->product, key->model, key->pool, key->party, key->clause);
    size_t length = strlen(out);
    if (key->for_month != 0) { /* a key of before there was anything late stays what it was */
        (void)snprintf(out + length, STORE_KEY_BYTES - length, "\x1f%d", key->for_month);
    }
}

static enum oft_err take_totals(sqlite3_stmt *statement, int column, struct ledger_totals *totals,
                                struct oft_error *reterr)
{
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

enum oft_err store_series_totals(struct store *store, const struct ledger_series_key *key,
                                 struct ledger_totals *ret_totals, struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store, "SELECT quantity, amount, units FROM series WHERE key = ?1", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    char text[STORE_KEY_BYTES];
    store_key_text(key, text);
    store_bind_text(statement, 1, text);
    memset(ret_totals, 0, sizeof(*ret_totals));
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    if (code == OFT_OK && row) {
        code = take_totals(statement, 0, ret_totals, reterr);
    }
    (void)sqlite3_reset(statement);
    return code;
}

enum oft_err store_share_total(struct store *store, const char *clause, oft_nanos *ret_amount,
                               struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store, "SELECT amount FROM series WHERE kind = ?1 AND clause = ?2 AND unit = 0", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int(statement, 1, LEDGER_SHARE);
    store_bind_text(statement, 2, clause);
    oft_nanos total = 0;
    bool row = false;
    enum oft_err code;
    while ((code = store_step(store, statement, &row, reterr)) == OFT_OK && row) {
        oft_nanos amount = 0;
        code = store_column_amount(statement, 0, &amount, reterr);
        if (code == OFT_OK && oft_nanos_add(total, amount, &total) != OFT_OK) {
            code = oft_fail(reterr, OFT_ERR_RANGE, "the share under %s left its range", clause);
        }
        if (code != OFT_OK) {
            break;
        }
    }
    (void)sqlite3_reset(statement);
    *ret_amount = total;
    return code;
}

enum oft_err store_chain_head(struct store *store, uint64_t *ret_number, uint8_t ret_hash[32],
                              oft_instant *ret_recorded_ns, struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store, "SELECT number, hash, recorded_ns FROM txn ORDER BY number DESC LIMIT 1", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    *ret_number = 0;
    *ret_recorded_ns = 0;
    memset(ret_hash, 0, 32);
    if (code == OFT_OK && row) {
        *ret_number = (uint64_t)sqlite3_column_int64(statement, 0);
        (void)store_column_bytes(statement, 1, ret_hash, 32);
        *ret_recorded_ns = sqlite3_column_int64(statement, 2);
    }
    (void)sqlite3_reset(statement);
    return code;
}

static void bind_key(sqlite3_stmt *statement, const struct ledger_series_key *key)
{
    char text[STORE_KEY_BYTES];
    store_key_text(key, text);
    store_bind_text(statement, 1, text);
    (void)sqlite3_bind_int(statement, 2, (int)key->kind);
    (void)sqlite3_bind_int(statement, 3, key->month);
    (void)sqlite3_bind_int64(statement, 4, key->unit);
    (void)sqlite3_bind_int64(statement, 5, key->outcome);
    store_bind_amount(statement, 6, key->rate);
    store_bind_text(statement, 7, key->account);
    store_bind_text(statement, 8, key->product);
    store_bind_text(statement, 9, key->model);
    store_bind_text(statement, 10, key->pool);
    store_bind_text(statement, 11, key->party);
    store_bind_text(statement, 12, key->clause);
}

static void bind_totals(sqlite3_stmt *statement, int index, const struct ledger_totals *totals)
{
    store_bind_amount(statement, index, totals->quantity);
    store_bind_amount(statement, index + 1, totals->amount_nanos);
    store_bind_blob(statement, index + 2, totals->units, sizeof(totals->units));
}

static enum oft_err put_series(struct store *store, const struct ledger_change *change,
                               int64_t *ret_id, struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store,
        "INSERT INTO series (key, kind, month, unit, outcome, rate, account, product, model, pool,"
        " party, clause, quantity, amount, units, for_month)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"
        " ON CONFLICT (key) DO UPDATE SET quantity = excluded.quantity, amount = excluded.amount,"
        " units = excluded.units RETURNING id",
        reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    bind_key(statement, &change->key);
    bind_totals(statement, 13, &change->after);
    (void)sqlite3_bind_int(statement, 16, change->key.for_month);
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    if (code == OFT_OK && row) {
        *ret_id = sqlite3_column_int64(statement, 0);
        code = store_step(store, statement, &row, reterr); /* lets the statement finish */
    }
    (void)sqlite3_reset(statement);
    return code;
}

static enum oft_err put_change(struct store *store, uint64_t number, size_t n,
                               const struct ledger_change *change, struct oft_error *reterr)
{
    int64_t series = 0;
    enum oft_err code = put_series(store, change, &series, reterr);
    if (code != OFT_OK) {
        return code;
    }
    sqlite3_stmt *statement =
        store_prepare(store,
                      "INSERT INTO change (number, n, series, quantity, amount, units)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                      reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)number);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)n);
    (void)sqlite3_bind_int64(statement, 3, series);
    bind_totals(statement, 4, &change->after);
    return store_run(store, statement, reterr);
}

static enum oft_err add_to_balance(struct store *store, const char *account, oft_nanos amount,
                                   struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store, "SELECT amount FROM balance WHERE account = ?1", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_text(statement, 1, account);
    oft_nanos balance = 0;
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    if (code == OFT_OK && row) {
        code = store_column_amount(statement, 0, &balance, reterr);
    }
    (void)sqlite3_reset(statement);
    if (code != OFT_OK) {
        return code;
    }
    if (oft_nanos_add(balance, amount, &balance) != OFT_OK) {
        return oft_fail(reterr, OFT_ERR_RANGE, "the balance of %s left its range", account);
    }
    statement = store_prepare(
        store, "INSERT OR REPLACE INTO balance (account, amount) VALUES (?1, ?2)", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_text(statement, 1, account);
    store_bind_amount(statement, 2, balance);
    return store_run(store, statement, reterr);
}

static int compare_accounts(const void *a, const void *b)
{
    return strcmp((*(const struct ledger_entry *const *)a)->account,
                  (*(const struct ledger_entry *const *)b)->account);
}

/* A transaction has many entries on few accounts: each balance is read and written once. */
static enum oft_err put_balances(struct store *store, const struct ledger_transaction *transaction,
                                 struct oft_error *reterr)
{
    size_t count = transaction->entry_count;
    const struct ledger_entry **order = calloc(count + 1, sizeof(const struct ledger_entry *));
    enum oft_err code = OFT_OK;
    if (order == NULL) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "out of memory for %zu entries", count);
    }
    for (size_t i = 0; i < count; i++) {
        order[i] = &transaction->entries[i];
    }
    qsort(order, count, sizeof(const struct ledger_entry *), compare_accounts);
    for (size_t i = 0; code == OFT_OK && i < count;) {
        const char *account = order[i]->account;
        oft_nanos sum = 0;
        for (; code == OFT_OK && i < count && strcmp(order[i]->account, account) == 0; i++) {
            code = oft_nanos_add(sum, order[i]->amount_nanos, &sum);
        }
        code = code != OFT_OK
                   ? oft_fail(reterr, OFT_ERR_RANGE, "the balance of %s left its range", account)
                   : add_to_balance(store, account, sum, reterr);
    }
    free(order);
    return code;
}

static enum oft_err put_entry(struct store *store, uint64_t number, size_t n,
                              const struct ledger_entry *entry, struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store, "INSERT INTO entry (number, n, account, amount, change) VALUES (?1, ?2, ?3, ?4, ?5)",
        reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)number);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)n);
    store_bind_text(statement, 3, entry->account);
    store_bind_amount(statement, 4, entry->amount_nanos);
    (void)sqlite3_bind_int64(statement, 5, (int64_t)entry->series);
    return store_run(store, statement, reterr);
}

static enum oft_err put_range(struct store *store, uint64_t number, size_t n,
                              const struct ledger_range *range, struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store,
        "INSERT INTO txn_range (number, n, segment, first, until) VALUES (?1, ?2, ?3, ?4, ?5)",
        reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)number);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)n);
    store_bind_text(statement, 3, range->segment);
    (void)sqlite3_bind_int64(statement, 4, range->from);
    (void)sqlite3_bind_int64(statement, 5, range->until);
    return store_run(store, statement, reterr);
}

static enum oft_err put_head(struct store *store, const struct ledger_transaction *transaction,
                             const uint8_t previous[32], const uint8_t hash[32],
                             struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store, "INSERT INTO txn (number, recorded_ns, previous, hash) VALUES (?1, ?2, ?3, ?4)",
        reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)transaction->number);
    (void)sqlite3_bind_int64(statement, 2, transaction->recorded_ns);
    store_bind_blob(statement, 3, previous, 32);
    store_bind_blob(statement, 4, hash, 32);
    return store_run(store, statement, reterr);
}

static enum oft_err put_event(struct store *store, uint64_t number, size_t n,
                              const struct ledger_event *event, struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(store,
                                            "INSERT INTO book_event (number, n, what, month, "
                                            "statement, actor, about, sha256, signature)"
                                            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                                            reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)number);
    (void)sqlite3_bind_int64(statement, 2, (int64_t)n);
    store_bind_text(statement, 3, event->what);
    (void)sqlite3_bind_int(statement, 4, event->month);
    (void)sqlite3_bind_int64(statement, 5, (int64_t)event->statement);
    store_bind_text(statement, 6, event->actor);
    store_bind_text(statement, 7, event->about);
    store_bind_blob(statement, 8, event->sha256, sizeof(event->sha256));
    if (event->is_signed) {
        store_bind_blob(statement, 9, event->signature, sizeof(event->signature));
    }
    return store_run(store, statement, reterr);
}

enum oft_err store_transaction_put(struct store *store,
                                   const struct ledger_transaction *transaction,
                                   const uint8_t previous[32], const uint8_t hash[32],
                                   struct oft_error *reterr)
{
    enum oft_err code = put_head(store, transaction, previous, hash, reterr);
    for (size_t n = 0; code == OFT_OK && n < transaction->range_count; n++) {
        code = put_range(store, transaction->number, n, &transaction->ranges[n], reterr);
    }
    for (size_t n = 0; code == OFT_OK && n < transaction->change_count; n++) {
        code = put_change(store, transaction->number, n, &transaction->changes[n], reterr);
    }
    for (size_t n = 0; code == OFT_OK && n < transaction->entry_count; n++) {
        code = put_entry(store, transaction->number, n, &transaction->entries[n], reterr);
    }
    if (code == OFT_OK) {
        code = put_balances(store, transaction, reterr);
    }
    for (size_t n = 0; code == OFT_OK && n < transaction->event_count; n++) {
        code = put_event(store, transaction->number, n, &transaction->events[n], reterr);
    }
    return code;
}
