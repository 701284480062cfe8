/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening, schema, transactions, and the few helpers by which the other files talk to SQLite.
 * No statement is ever built from input: all are literals with bound values.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/internal.h"

#define SCHEMA_VERSION 4

/* A new file begins as schema 2 and comes to the present by the same steps as an old one. */
static const char SCHEMA_2[] =
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE deal_text (sha256 BLOB NOT NULL, n INTEGER NOT NULL, path TEXT NOT NULL,"
    " text BLOB NOT NULL, PRIMARY KEY (sha256, n)) WITHOUT ROWID;"
    "CREATE TABLE policy (generation INTEGER PRIMARY KEY, published_ns INTEGER NOT NULL,"
    " sha256 BLOB NOT NULL);"
    "CREATE TABLE attestation (event TEXT NOT NULL, party TEXT NOT NULL, at_ns INTEGER NOT NULL,"
    " generation INTEGER NOT NULL, recorded_ns INTEGER NOT NULL, signature BLOB, previous BLOB,"
    " hash BLOB);"
    "CREATE TABLE api_key (key_id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE,"
    " account TEXT NOT NULL, product TEXT NOT NULL, created_ns INTEGER NOT NULL,"
    " revoked_ns INTEGER NOT NULL);"
    "CREATE TABLE position (segment TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE quarantine (segment TEXT NOT NULL, slot INTEGER NOT NULL, why TEXT NOT NULL,"
    " noticed_ns INTEGER NOT NULL, PRIMARY KEY (segment, slot, why)) WITHOUT ROWID;"
    "CREATE TABLE open_intent (request_id BLOB PRIMARY KEY, writer TEXT NOT NULL,"
    " record BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE series (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, kind INTEGER NOT NULL,"
    " month INTEGER NOT NULL, unit INTEGER NOT NULL, outcome INTEGER NOT NULL, rate TEXT NOT NULL,"
    " account TEXT NOT NULL, product TEXT NOT NULL, model TEXT NOT NULL, pool TEXT NOT NULL,"
    " party TEXT NOT NULL, clause TEXT NOT NULL, quantity TEXT NOT NULL, amount TEXT NOT NULL,"
    " units BLOB NOT NULL);"
    "CREATE INDEX series_by_month ON series (month, kind);"
    "CREATE INDEX series_by_clause ON series (kind, clause);"
    "CREATE TABLE txn (number INTEGER PRIMARY KEY, recorded_ns INTEGER NOT NULL,"
    " previous BLOB NOT NULL, hash BLOB NOT NULL);"
    "CREATE TABLE txn_range (number INTEGER NOT NULL REFERENCES txn, n INTEGER NOT NULL,"
    " segment TEXT NOT NULL, first INTEGER NOT NULL, until INTEGER NOT NULL,"
    " PRIMARY KEY (number, n)) WITHOUT ROWID;"
    "CREATE INDEX range_by_segment ON txn_range (segment, first);"
    "CREATE TABLE change (number INTEGER NOT NULL REFERENCES txn, n INTEGER NOT NULL,"
    " series INTEGER NOT NULL REFERENCES series, quantity TEXT NOT NULL, amount TEXT NOT NULL,"
    " units BLOB NOT NULL, PRIMARY KEY (number, n)) WITHOUT ROWID;"
    "CREATE TABLE entry (number INTEGER NOT NULL REFERENCES txn, n INTEGER NOT NULL,"
    " account TEXT NOT NULL, amount TEXT NOT NULL, change INTEGER NOT NULL,"
    " PRIMARY KEY (number, n)) WITHOUT ROWID;"
    "CREATE INDEX entry_by_account ON entry (account);"
    "CREATE TABLE balance (account TEXT PRIMARY KEY, amount TEXT NOT NULL) WITHOUT ROWID;"
    "PRAGMA user_version = 2;";

/* From schema 1: attestations are signed and linked. Older ones stay as they are, unlinked. */
static const char TO_SCHEMA_2[] = "ALTER TABLE attestation ADD COLUMN signature BLOB;"
                                  "ALTER TABLE attestation ADD COLUMN previous BLOB;"
                                  "ALTER TABLE attestation ADD COLUMN hash BLOB;"
                                  "PRAGMA user_version = 2;";

/* From schema 2: the capacity desk. */
static const char TO_SCHEMA_3[] =
    "CREATE TABLE desk_event (number INTEGER PRIMARY KEY, recorded_ns INTEGER NOT NULL,"
    " bytes BLOB NOT NULL, previous BLOB NOT NULL, hash BLOB NOT NULL);"
    "CREATE TABLE desk_request (actor TEXT NOT NULL, key TEXT NOT NULL, payload BLOB NOT NULL,"
    " status INTEGER NOT NULL, answer TEXT NOT NULL, recorded_ns INTEGER NOT NULL,"
    " PRIMARY KEY (actor, key)) WITHOUT ROWID;"
    "CREATE TABLE desk_token (id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE,"
    " party TEXT NOT NULL, created_ns INTEGER NOT NULL, revoked_ns INTEGER NOT NULL);"
    "CREATE TABLE desk_delivery (id INTEGER PRIMARY KEY, dedup TEXT NOT NULL UNIQUE,"
    " event INTEGER NOT NULL, thing TEXT NOT NULL, what TEXT NOT NULL, at_ns INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, party TEXT NOT NULL, address TEXT NOT NULL, state INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL, next_ns INTEGER NOT NULL, changed_ns INTEGER NOT NULL,"
    " reply TEXT NOT NULL);"
    "CREATE INDEX desk_delivery_by_state ON desk_delivery (state, next_ns);"
    "PRAGMA user_version = 3;";

/* From schema 3: what the books came to hold, each part from a file of its own. */
static const char *const TO_SCHEMA_4[] = {
    STORE_SCHEMA_PERIODS,
    STORE_SCHEMA_TRACE,
    STORE_SCHEMA_CORRECTIONS,
    STORE_SCHEMA_SPANS,
    STORE_SCHEMA_LIMITS,
    "PRAGMA user_version = 4;",
    NULL,
};

/* How a file of schema `from` comes one step nearer; 0 is a new one. */
static const struct {
    int from;
    const char *const *parts;
} STEPS[] = {{0, (const char *const[]){SCHEMA_2, NULL}},
             {1, (const char *const[]){TO_SCHEMA_2, NULL}},
             {2, (const char *const[]){TO_SCHEMA_3, NULL}},
             {3, TO_SCHEMA_4}};

enum oft_err store_fail(struct store *store, const char *doing, struct oft_error *reterr)
{
    int code = sqlite3_errcode(store->database);
    enum oft_err result = OFT_ERR_IO;
    if (code == SQLITE_FULL) {
        result = OFT_ERR_FULL;
    } else if (code == SQLITE_BUSY || code == SQLITE_LOCKED) {
        result = OFT_ERR_BUSY;
    } else if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
        result = OFT_ERR_CORRUPT;
    } else if (code == SQLITE_CONSTRAINT) {
        result = OFT_ERR_EXISTS;
    } else if (code == SQLITE_NOMEM) {
        result = OFT_ERR_MEMORY;
    }
    return oft_fail(reterr, result, "the database failed while %s: %s", doing,
                    sqlite3_errmsg(store->database));
}

static enum oft_err execute(struct store *store, const char *sql, const char *doing,
                            struct oft_error *reterr)
{
    if (sqlite3_exec(store->database, sql, NULL, NULL, NULL) != SQLITE_OK) {
        return store_fail(store, doing, reterr);
    }
    return OFT_OK;
}

static enum oft_err schema_version(struct store *store, int *ret_version, struct oft_error *reterr)
{
    sqlite3_stmt *statement = store_prepare(store, "PRAGMA user_version", reterr);
    bool row = false;
    if (statement == NULL || store_step(store, statement, &row, reterr) != OFT_OK || !row) {
        return store_fail(store, "reading its version", reterr);
    }
    *ret_version = sqlite3_column_int(statement, 0);
    (void)sqlite3_reset(statement);
    return OFT_OK;
}

/* Takes the step from VERSION, in a transaction of its own: each leaves a whole schema. */
static enum oft_err migrate_step(struct store *store, int version, struct oft_error *reterr)
{
    const char *const *parts = NULL;
    for (size_t i = 0; i < OFT_COUNT_OF(STEPS); i++) {
        if (STEPS[i].from == version) {
            parts = STEPS[i].parts;
        }
    }
    if (parts == NULL) {
        return oft_fail(reterr, OFT_ERR_VERSION,
                        "the books have schema version %d; this program knows up to %d. Use the "
                        "version of offtake that wrote them, or a newer one",
                        version, SCHEMA_VERSION);
    }
    enum oft_err code = store_begin(store, reterr);
    for (; code == OFT_OK && *parts != NULL; parts++) {
        code = execute(store, *parts, "making its tables", reterr);
    }
    if (code == OFT_OK) {
        code = store_commit(store, reterr);
    }
    if (code != OFT_OK) {
        store_rollback(store);
    }
    return code;
}

static enum oft_err migrate(struct store *store, struct oft_error *reterr)
{
    int version = 0;
    enum oft_err code = schema_version(store, &version, reterr);
    while (code == OFT_OK && version != SCHEMA_VERSION) {
        code = migrate_step(store, version, reterr);
        if (code == OFT_OK) {
            code = schema_version(store, &version, reterr);
        }
    }
    return code;
}

/* SQLite would make the file as the umask says, and gives its journal the mode of the file. The books
 * hold contracts and what everyone owes: other people get nothing, whatever the umask. */
static enum oft_err make_private(const char *path, struct oft_error *reterr)
{
    struct stat status;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
        (void)close(fd);
        return OFT_OK;
    }
    if (errno != EEXIST || stat(path, &status) != 0 ||
        ((status.st_mode & 07) != 0 && chmod(path, status.st_mode & 07770) != 0)) {
        enum oft_err code = errno == ENOSPC || errno == EDQUOT ? OFT_ERR_FULL : OFT_ERR_IO;
        return oft_fail(reterr, code, "cannot open %s: %s", path, strerror(errno));
    }
    return OFT_OK;
}

enum oft_err store_open(const char *path, struct store **ret_store, struct oft_error *reterr)
{
    struct store *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        return oft_fail(reterr, OFT_ERR_MEMORY, "out of memory");
    }
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    enum oft_err code = make_private(path, reterr);
    if (code == OFT_OK && sqlite3_open_v2(path, &store->database, flags, NULL) != SQLITE_OK) {
        code = store->database == NULL ? OFT_ERR_MEMORY : store_fail(store, "opening", reterr);
    }
    if (code == OFT_OK) {
        (void)sqlite3_busy_timeout(store->database, 5000);
        code =
            execute(store,
                    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                    "PRAGMA cache_size = -131072;" /* KiB: a page is written once a transaction */
                    "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;",
                    "setting it up", reterr);
    }
    if (code == OFT_OK) {
        code = migrate(store, reterr);
    }
    if (code != OFT_OK) {
        store_close(store);
        return code;
    }
    *ret_store = store;
    return OFT_OK;
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    for (size_t i = 0; i < store->statement_count; i++) {
        (void)sqlite3_finalize(store->statements[i].statement);
    }
    (void)sqlite3_close(store->database);
    free(store);
}

enum oft_err store_begin(struct store *store, struct oft_error *reterr)
{
    return execute(store, "BEGIN IMMEDIATE", "beginning a transaction", reterr);
}

enum oft_err store_commit(struct store *store, struct oft_error *reterr)
{
    return execute(store, "COMMIT", "committing", reterr);
}

void store_rollback(struct store *store)
{
    if (sqlite3_get_autocommit(store->database) == 0) {
        (void)sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
    }
}

sqlite3_stmt *store_prepare(struct store *store, const char *sql, struct oft_error *reterr)
{
    for (size_t i = 0; i < store->statement_count; i++) {
        if (store->statements[i].sql == sql) {
            sqlite3_stmt *known = store->statements[i].statement;
            (void)sqlite3_reset(known);
            (void)sqlite3_clear_bindings(known);
            return known;
        }
    }
    OFT_ASSERT(store->statement_count < STORE_STATEMENTS_MAX);
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v3(store->database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
        SQLITE_OK) {
        (void)store_fail(store, "preparing a statement", reterr);
        return NULL;
    }
    store->statements[store->statement_count].sql = sql;
    store->statements[store->statement_count].statement = statement;
    store->statement_count++;
    return statement;
}

enum oft_err store_step(struct store *store, sqlite3_stmt *statement, bool *ret_row,
                        struct oft_error *reterr)
{
    int code = sqlite3_step(statement);
    *ret_row = code == SQLITE_ROW;
    if (code == SQLITE_ROW) {
        return OFT_OK;
    }
    enum oft_err result =
        code == SQLITE_DONE ? OFT_OK : store_fail(store, "reading or writing rows", reterr);
    (void)sqlite3_reset(statement);
    return result;
}

enum oft_err store_run(struct store *store, sqlite3_stmt *statement, struct oft_error *reterr)
{
    bool row;
    enum oft_err code = store_step(store, statement, &row, reterr);
    (void)sqlite3_reset(statement);
    return code;
}

void store_bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    (void)sqlite3_bind_text(statement, index, text, -1, SQLITE_TRANSIENT);
}

void store_bind_amount(sqlite3_stmt *statement, int index, oft_nanos amount)
{
    char text[OFT_NANOS_TEXT_BYTES];
    store_bind_text(statement, index, oft_i128_format(amount, text));
}

void store_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, size_t length)
{
    (void)sqlite3_bind_blob64(statement, index, bytes, length, SQLITE_TRANSIENT);
}

enum oft_err store_column_amount(sqlite3_stmt *statement, int column, oft_nanos *ret_amount,
                                 struct oft_error *reterr)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    if (text == NULL || oft_i128_parse(oft_str_from(text), ret_amount) != OFT_OK) {
        return oft_fail(reterr, OFT_ERR_CORRUPT, "the books hold \"%.60s\" where an amount belongs",
                        text == NULL ? "" : text);
    }
    return OFT_OK;
}

void store_column_text(sqlite3_stmt *statement, int column, char *out, size_t size)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    size_t length = text == NULL ? 0 : strlen(text);
    if (length >= size) {
        length = size - 1;
    }
    if (length > 0) {
        memcpy(out, text, length);
    }
    out[length] = '\0';
}

bool store_column_bytes(sqlite3_stmt *statement, int column, void *out, size_t length)
{
    const void *bytes = sqlite3_column_blob(statement, column);
    if (bytes == NULL || (size_t)sqlite3_column_bytes(statement, column) != length) {
        memset(out, 0, length);
        return false;
    }
    memcpy(out, bytes, length);
    return true;
}

void store_bind_key(sqlite3_stmt *statement, const struct ledger_series_key *key)
{
    (void)sqlite3_bind_int(statement, 1, (int)key->kind);
    (void)sqlite3_bind_int(statement, 2, ledger_own_month(key));
    (void)sqlite3_bind_int(statement, 3, key->month);
    (void)sqlite3_bind_int(statement, 4, key->for_month);
    (void)sqlite3_bind_int64(statement, 5, key->unit);
    (void)sqlite3_bind_int64(statement, 6, key->outcome);
    store_bind_amount(statement, 7, key->rate);
    store_bind_text(statement, 8, key->account);
    store_bind_text(statement, 9, key->product);
    store_bind_text(statement, 10, key->model);
    store_bind_text(statement, 11, key->pool);
    store_bind_text(statement, 12, key->party);
    store_bind_text(statement, 13, key->clause);
}

static void *list_add(struct store_list *list)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        void *items = oft_block_grow(list->items, list->capacity * list->item_bytes,
                                     capacity * list->item_bytes);
        if (items == NULL) {
            return NULL;
        }
        list->items = items;
        list->capacity = capacity;
    }
    void *item = (char *)list->items + list->count * list->item_bytes;
    list->count++; /* a block is zeroed */
    return item;
}

void store_list_drop(struct store_list *list)
{
    oft_block_free(list->items, list->capacity * list->item_bytes);
    list->items = NULL;
}

enum oft_err store_collect(struct store *store, sqlite3_stmt *statement, store_take_fn take,
                           struct oft_arena *arena, struct store_list *list,
                           struct oft_error *reterr)
{
    if (statement == NULL) {
        return OFT_ERR_IO;
    }
    bool row = false;
    enum oft_err code;
    while ((code = store_step(store, statement, &row, reterr)) == OFT_OK && row) {
        void *item = list_add(list);
        code = item == NULL ? OFT_ERR_MEMORY : take(statement, arena, item, reterr);
        if (code != OFT_OK) {
            break;
        }
    }
    (void)sqlite3_reset(statement);
    return code;
}

enum oft_err store_load(struct store *store, sqlite3_stmt *statement, store_take_fn take,
                        size_t item_bytes, struct oft_arena *arena, void **ret_items,
                        size_t *ret_count, struct oft_error *reterr)
{
    struct store_list list = {.item_bytes = item_bytes};
    enum oft_err code = store_collect(store, statement, take, arena, &list, reterr);
    bool few = list.capacity * item_bytes < OFT_LARGE_BLOCK_BYTES;
    *ret_items = NULL;
    *ret_count = 0;
    if (code == OFT_OK && few) {
        *ret_items = oft_arena_alloc_array(arena, list.count, item_bytes);
        if (*ret_items != NULL && list.count > 0) {
            memcpy(*ret_items, list.items, list.count * item_bytes);
        }
    } else if (code == OFT_OK && oft_arena_adopt(arena, list.items, list.capacity * item_bytes)) {
        *ret_items = list.items;
    }
    if (code == OFT_OK && *ret_items == NULL) {
        code = OFT_ERR_MEMORY;
    }
    *ret_count = code == OFT_OK ? list.count : 0;
    if (few || code != OFT_OK) {
        store_list_drop(&list);
    }
    return code;
}

char *store_column_copy(sqlite3_stmt *statement, int column, struct oft_arena *arena)
{
    return oft_arena_copy(arena,
                          oft_str_from((const char *)sqlite3_column_text(statement, column)));
}
