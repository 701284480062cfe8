/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking back: a line's transactions and spool ranges, the transaction that booked a slot, orphans.
 */
#include <string.h>

#include "store/internal.h"
#include "store/trace.h"

/* ---- from a slot, from a request --------------------------------------------------------------- */

enum oft_err store_booked_by(struct store *store, const char *segment, uint32_t slot,
                             uint64_t *ret_number, struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store,
                      "SELECT number FROM txn_range WHERE segment = ?1 AND first <= ?2"
                      " AND until > ?2 ORDER BY first DESC LIMIT 1",
                      reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_text(statement, 1, segment);
    (void)sqlite3_bind_int64(statement, 2, slot);
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    *ret_number = row ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    (void)sqlite3_reset(statement);
    return code;
}

enum oft_err store_quarantined(struct store *store, const char *segment, uint32_t slot,
                               struct oft_arena *arena, const char **ret_why,
                               struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store, "SELECT why FROM quarantine WHERE segment = ?1 AND slot = ?2 LIMIT 1", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_text(statement, 1, segment);
    (void)sqlite3_bind_int64(statement, 2, slot);
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    *ret_why = NULL;
    if (code == OFT_OK && row) {
        *ret_why = store_column_copy(statement, 0, arena);
        code = *ret_why == NULL ? OFT_ERR_MEMORY : OFT_OK;
    }
    (void)sqlite3_reset(statement);
    return code;
}

enum oft_err store_quarantine_holds(struct store *store, const char *segment, bool *ret_any,
                                    struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store, "SELECT 1 FROM quarantine WHERE segment = ?1 LIMIT 1", reterr);
    *ret_any = false;
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_text(statement, 1, segment);
    enum oft_err code = store_step(store, statement, ret_any, reterr);
    (void)sqlite3_reset(statement);
    return code;
}

enum oft_err store_orphan_put(struct store *store, const struct store_orphan *orphan,
                              struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store, "INSERT OR REPLACE INTO orphan (request_id, number, record) VALUES (?1, ?2, ?3)",
        reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_blob(statement, 1, orphan->record.request_id, sizeof(orphan->record.request_id));
    (void)sqlite3_bind_int64(statement, 2, (int64_t)orphan->number);
    store_bind_blob(statement, 3, &orphan->record, sizeof(orphan->record));
    return store_run(store, statement, reterr);
}

static enum oft_err take_orphan(sqlite3_stmt *statement, struct oft_arena *arena, void *item,
                                struct oft_error *reterr)
{
    struct store_orphan *orphan = item;
    (void)arena;
    orphan->number = (uint64_t)sqlite3_column_int64(statement, 0);
    if (!store_column_bytes(statement, 1, &orphan->record, sizeof(orphan->record))) {
        return oft_fail(reterr, OFT_ERR_CORRUPT,
                        "a request that was booked by the orphan rule is damaged in the books");
    }
    return OFT_OK;
}

/* The same, with the id that it is found by, which is its record's. */
static enum oft_err take_named_orphan(sqlite3_stmt *statement, struct oft_arena *arena, void *item,
                                      struct oft_error *reterr)
{
    uint8_t id[16];
    struct store_orphan *orphan = item;
    enum oft_err code = take_orphan(statement, arena, item, reterr);
    if (code == OFT_OK && (!store_column_bytes(statement, 2, id, sizeof(id)) ||
                           memcmp(id, orphan->record.request_id, sizeof(id)) != 0)) {
        return oft_fail(reterr, OFT_ERR_CORRUPT,
                        "a request that was booked by the orphan rule has another's id");
    }
    return code;
}

enum oft_err store_orphan_get(struct store *store, const uint8_t request_id[16],
                              struct store_orphan *ret_orphan, struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store, "SELECT number, record FROM orphan WHERE request_id = ?1", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    store_bind_blob(statement, 1, request_id, 16);
    memset(ret_orphan, 0, sizeof(*ret_orphan));
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    if (code == OFT_OK && row) {
        code = take_orphan(statement, NULL, ret_orphan, reterr);
    }
    (void)sqlite3_reset(statement);
    return code;
}

enum oft_err store_orphans(struct store *store, struct oft_arena *arena,
                           struct store_orphan **ret_orphans, size_t *ret_count,
                           struct oft_error *reterr)
{
    void *items = NULL;
    sqlite3_stmt *statement = store_prepare(
        store, "SELECT number, record, request_id FROM orphan ORDER BY number, request_id", reterr);
    enum oft_err code = store_load(store, statement, take_named_orphan, sizeof(struct store_orphan),
                                   arena, &items, ret_count, reterr);
    *ret_orphans = items;
    return code;
}

/* ---- from a line ------------------------------------------------------------------------------- */

/* A line, and with it all that differ from it in the rate alone. */
#define ONE "(SELECT id FROM series WHERE key = ?1)"
#define STEPS                                                                                \
    "(SELECT id FROM series WHERE kind = ?1 AND month = ?3 AND for_month = ?4 AND unit = ?5" \
    " AND outcome = ?6 AND account = ?8 AND product = ?9 AND model = ?10 AND pool = ?11"     \
    " AND party = ?12 AND clause = ?13)"

/* ONE_SQL with the line's key bound, or STEPS_SQL with its parts. */
static sqlite3_stmt *of_line(struct store *store, const char *one_sql, const char *steps_sql,
                             const struct store_line *line, struct oft_error *reterr)
{
    char text[STORE_KEY_BYTES];
    sqlite3_stmt *statement = store_prepare(store, line->all_steps ? steps_sql : one_sql, reterr);
    if (statement != NULL && line->all_steps) {
        store_bind_key(statement, line->key);
    } else if (statement != NULL) {
        store_key_text(line->key, text);
        store_bind_text(statement, 1, text);
    }
    return statement;
}

static enum oft_err take_line_change(sqlite3_stmt *statement, struct oft_arena *arena, void *item,
                                     struct oft_error *reterr)
{
    struct store_line_change *change = item;
    (void)arena;
    change->number = (uint64_t)sqlite3_column_int64(statement, 0);
    change->recorded_ns = sqlite3_column_int64(statement, 1);
    (void)store_column_bytes(statement, 2, change->hash, sizeof(change->hash));
    enum oft_err code = store_column_amount(statement, 3, &change->totals.quantity, reterr);
    if (code == OFT_OK) {
        code = store_column_amount(statement, 4, &change->totals.amount_nanos, reterr);
    }
    (void)store_column_bytes(statement, 5, change->totals.units, sizeof(change->totals.units));
    return code;
}

enum oft_err store_line_changes(struct store *store, const struct ledger_series_key *key,
                                uint32_t limit, uint64_t *ret_total, struct oft_arena *arena,
                                struct store_line_change **ret_changes, size_t *ret_count,
                                struct oft_error *reterr)
{
    void *items = NULL;
    bool row = false;
    const struct store_line line = {key, false};
    sqlite3_stmt *statement =
        of_line(store, "SELECT count(*) FROM change WHERE series = " ONE, "", &line, reterr);
    enum oft_err code = statement == NULL ? OFT_ERR_IO : store_step(store, statement, &row, reterr);
    if (code != OFT_OK) {
        return code;
    }
    *ret_total = row ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    (void)sqlite3_reset(statement);
    statement = of_line(store,
                        "SELECT c.number, t.recorded_ns, t.hash, c.quantity, c.amount, c.units"
                        " FROM change c JOIN txn t ON t.number = c.number WHERE c.series = " ONE
                        " ORDER BY c.number LIMIT ?2",
                        "", &line, reterr);
    if (statement != NULL) {
        (void)sqlite3_bind_int64(statement, 2, limit);
    }
    code = store_load(store, statement, take_line_change, sizeof(struct store_line_change), arena,
                      &items, ret_count, reterr);
    *ret_changes = items;
    return code;
}

#define RANGES(line)                                                        \
    "SELECT r.segment, r.first, r.until FROM txn_range r WHERE r.number IN" \
    " (SELECT number FROM change WHERE series IN " line ") ORDER BY r.segment, r.first"

enum oft_err store_line_ranges(struct store *store, const struct store_line *line,
                               store_range_fn visit, void *context, struct oft_error *reterr)
{
    struct ledger_range whole = {.until = 0};
    sqlite3_stmt *statement = of_line(store, RANGES(ONE), RANGES(STEPS), line, reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    bool row = false;
    enum oft_err code;
    while ((code = store_step(store, statement, &row, reterr)) == OFT_OK && row) {
        struct ledger_range next = {.from = (uint32_t)sqlite3_column_int64(statement, 1),
                                    .until = (uint32_t)sqlite3_column_int64(statement, 2)};
        store_column_text(statement, 0, next.segment, sizeof(next.segment));
        if (strcmp(next.segment, whole.segment) == 0 && next.from == whole.until) {
            whole.until = next.until;
            continue;
        }
        code = whole.until > whole.from ? visit(context, &whole, reterr) : OFT_OK;
        if (code != OFT_OK) {
            break;
        }
        whole = next;
    }
    (void)sqlite3_reset(statement);
    return code == OFT_OK && whole.until > whole.from ? visit(context, &whole, reterr) : code;
}

#define ORPHANS(line)                                           \
    "SELECT o.number, o.record FROM orphan o WHERE o.number IN" \
    " (SELECT number FROM change WHERE series IN " line ") ORDER BY o.request_id"

enum oft_err store_line_orphans(struct store *store, const struct store_line *line,
                                struct oft_arena *arena, struct store_orphan **ret_orphans,
                                size_t *ret_count, struct oft_error *reterr)
{
    void *items = NULL;
    sqlite3_stmt *statement = of_line(store, ORPHANS(ONE), ORPHANS(STEPS), line, reterr);
    enum oft_err code = store_load(store, statement, take_orphan, sizeof(struct store_orphan),
                                   arena, &items, ret_count, reterr);
    *ret_orphans = items;
    return code;
}

#define CORRECTIONS(line)    \
    STORE_CORRECTION_COLUMNS \
    " WHERE number IN (SELECT number FROM change WHERE series IN " line ") ORDER BY number"

enum oft_err store_line_corrections(struct store *store, const struct store_line *line,
                                    struct oft_arena *arena,
                                    struct store_correction **ret_corrections, size_t *ret_count,
                                    struct oft_error *reterr)
{
    sqlite3_stmt *statement = of_line(store, CORRECTIONS(ONE), CORRECTIONS(STEPS), line, reterr);
    return store_corrections_load(store, statement, arena, ret_corrections, ret_count, reterr);
}

/* ---- as of ------------------------------------------------------------------------------------- */

enum oft_err store_head_at(struct store *store, oft_instant at, struct store_head *ret_head,
                           struct oft_error *reterr)
{
    sqlite3_stmt *statement =
        store_prepare(store,
                      "SELECT number, recorded_ns, hash FROM txn WHERE recorded_ns <= ?1"
                      " ORDER BY number DESC LIMIT 1",
                      reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, at);
    memset(ret_head, 0, sizeof(*ret_head));
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    if (code == OFT_OK && row) {
        ret_head->number = (uint64_t)sqlite3_column_int64(statement, 0);
        ret_head->recorded_ns = sqlite3_column_int64(statement, 1);
        (void)store_column_bytes(statement, 2, ret_head->hash, sizeof(ret_head->hash));
    }
    (void)sqlite3_reset(statement);
    return code;
}

enum oft_err store_recorded_span(struct store *store, uint64_t number, oft_instant *ret_first,
                                 oft_instant *ret_last, struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(
        store, "SELECT min(recorded_ns), max(recorded_ns) FROM txn WHERE number <= ?1", reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)number);
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    *ret_first = row ? sqlite3_column_int64(statement, 0) : 0;
    *ret_last = row ? sqlite3_column_int64(statement, 1) : 0;
    (void)sqlite3_reset(statement);
    return code;
}

enum oft_err store_generation_at(struct store *store, oft_instant at, uint64_t *ret_generation,
                                 struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(store,
                                            "SELECT generation FROM policy WHERE published_ns <= ?1"
                                            " ORDER BY generation DESC LIMIT 1",
                                            reterr);
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, at);
    bool row = false;
    enum oft_err code = store_step(store, statement, &row, reterr);
    *ret_generation = row ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    (void)sqlite3_reset(statement);
    return code;
}

/* Adds the entry that STATEMENT stands on to the last of BALANCES, or begins the next account. */
static enum oft_err take_entry_amount(sqlite3_stmt *statement, struct oft_arena *arena,
                                      struct store_balance *last, bool *ret_begins,
                                      struct oft_error *reterr)
{
    const char *account = (const char *)sqlite3_column_text(statement, 0);
    oft_nanos amount = 0;
    enum oft_err code = store_column_amount(statement, 1, &amount, reterr);
    *ret_begins = last->account == NULL || account == NULL || strcmp(last->account, account) != 0;
    if (code == OFT_OK && *ret_begins) {
        last->account = store_column_copy(statement, 0, arena);
        last->amount = amount;
        return last->account == NULL ? OFT_ERR_MEMORY : OFT_OK;
    }
    if (code == OFT_OK && oft_nanos_add(last->amount, amount, &last->amount) != OFT_OK) {
        return oft_fail(reterr, OFT_ERR_RANGE, "the balance of %.160s left its range", account);
    }
    return code;
}

/* Counts accounts first: there are never more than those that have a balance. */
static enum oft_err balances_room(struct store *store, struct oft_arena *arena,
                                  struct store_balance **ret_balances, struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(store, "SELECT count(*) FROM balance", reterr);
    bool row = false;
    enum oft_err code = statement == NULL ? OFT_ERR_IO : store_step(store, statement, &row, reterr);
    if (code == OFT_OK) {
        size_t count = row ? (size_t)sqlite3_column_int64(statement, 0) : 0;
        *ret_balances = oft_arena_alloc_array(arena, count + 1, sizeof(**ret_balances));
        code = *ret_balances == NULL ? OFT_ERR_MEMORY : OFT_OK;
        (void)sqlite3_reset(statement);
    }
    return code;
}

enum oft_err store_balances_at(struct store *store, uint64_t number, int32_t from, int32_t through,
                               const char *account, struct oft_arena *arena,
                               struct store_balance **ret_balances, size_t *ret_count,
                               struct oft_error *reterr)
{
    struct store_balance current = {NULL, 0};
    size_t count = 0;
    enum oft_err code = balances_room(store, arena, ret_balances, reterr);
    sqlite3_stmt *statement =
        store_prepare(store,
                      "SELECT e.account, e.amount FROM entry e"
                      " JOIN change c ON c.number = e.number AND c.n = e.change"
                      " JOIN series s ON s.id = c.series"
                      " WHERE e.number <= ?1 AND s.month >= ?2 AND s.month <= ?3"
                      " AND (?4 IS NULL OR e.account = ?4) ORDER BY e.account",
                      reterr);
    if (code != OFT_OK || statement == NULL) {
        return code != OFT_OK ? code : OFT_ERR_IO;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)number);
    (void)sqlite3_bind_int(statement, 2, from);
    (void)sqlite3_bind_int(statement, 3, through);
    if (account != NULL) {
        store_bind_text(statement, 4, account);
    }
    bool row = false;
    bool begins;
    while ((code = store_step(store, statement, &row, reterr)) == OFT_OK && row) {
        code = take_entry_amount(statement, arena, &current, &begins, reterr);
        if (code != OFT_OK) {
            break;
        }
        count += begins ? 1 : 0;
        (*ret_balances)[count - 1] = current;
    }
    (void)sqlite3_reset(statement);
    *ret_count = count;
    return code;
}
