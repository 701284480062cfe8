/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OFFTAKE_TESTS_STORE_ROOM_H
#define OFFTAKE_TESTS_STORE_ROOM_H
/*
 * A database file of its own for each test, and a look at it with SQL of the test's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ftw.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"

struct room {
    char root[256];
    char path[300];
    struct store *store;
    struct oft_arena arena;
    struct oft_error error;
};

#define OK(call)                                            \
    do {                                                    \
        if ((call) != OFT_OK) {                             \
            fail_msg("%s: %s", #call, room->error.message); \
        }                                                   \
    } while (0)

static inline int set_up(void **state)
{
    struct room *room = calloc(1, sizeof(*room));
    const char *base = getenv("TMPDIR");
    assert_non_null(room);
    (void)snprintf(room->root, sizeof(room->root), "%.200s/offtake-store-XXXXXX",
                   base == NULL ? "/tmp" : base);
    assert_non_null(mkdtemp(room->root));
    (void)snprintf(room->path, sizeof(room->path), "%s/books.db", room->root);
    oft_arena_init(&room->arena, 64 << 20);
    OK(store_open(room->path, &room->store, &room->error));
    *state = room;
    return 0;
}

static inline int remove_one(const char *path, const struct stat *status, int kind,
                             struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static inline int tear_down(void **state)
{
    struct room *room = *state;
    store_close(room->store);
    oft_arena_release(&room->arena);
    (void)nftw(room->root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(room);
    return 0;
}

static inline void reopen(struct room *room)
{
    store_close(room->store);
    room->store = NULL;
    OK(store_open(room->path, &room->store, &room->error));
}

/* A statement of the test's own on a connection of its own. */
static inline int64_t sql(const struct room *room, const char *text)
{
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;
    int64_t value = -1;
    assert_int_equal(sqlite3_open(room->path, &database), SQLITE_OK);
    if (sqlite3_prepare_v2(database, text, -1, &statement, NULL) != SQLITE_OK) {
        fail_msg("%s: %s", text, sqlite3_errmsg(database));
    }
    if (sqlite3_step(statement) == SQLITE_ROW) {
        value = sqlite3_column_int64(statement, 0);
    }
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
    return value;
}

/* Takes the closed file back to what schemas 2 and 1 looked like. */
static inline void make_schema_3(const struct room *room)
{
    (void)sql(room, "DROP TABLE correction");
    (void)sql(room, "DELETE FROM meta WHERE name = 'orphans_from'");
    (void)sql(room, "DROP TABLE key_limit");
    (void)sql(room, "DROP TABLE former_token");
    (void)sql(room, "DROP TABLE spent");
    (void)sql(room, "DROP TABLE orphan");
    (void)sql(room, "DROP TABLE spool_span");
    (void)sql(room, "DROP TABLE statement_final");
    (void)sql(room, "DROP TABLE statement");
    (void)sql(room, "DROP TABLE book_event");
    (void)sql(room, "DROP INDEX change_by_series");
    (void)sql(room, "DROP INDEX series_by_own_month");
    (void)sql(room, "ALTER TABLE series DROP COLUMN for_month");
    (void)sql(room, "PRAGMA user_version = 3");
}

static inline void make_schema_2(const struct room *room)
{
    make_schema_3(room);
    (void)sql(room, "DROP TABLE desk_event");
    (void)sql(room, "DROP TABLE desk_request");
    (void)sql(room, "DROP TABLE desk_token");
    (void)sql(room, "DROP TABLE desk_delivery");
    (void)sql(room, "PRAGMA user_version = 2");
}

static inline void make_schema_1(const struct room *room)
{
    make_schema_2(room);
    (void)sql(room, "DROP TABLE attestation");
    (void)sql(room, "CREATE TABLE attestation (event TEXT NOT NULL, party TEXT NOT NULL,"
                    " at_ns INTEGER NOT NULL, generation INTEGER NOT NULL,"
                    " recorded_ns INTEGER NOT NULL)");
    (void)sql(room, "PRAGMA user_version = 1");
}

#define IN_A_ROOM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
