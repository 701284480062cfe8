/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of periods and statements, and what reading totals as of a transaction needs.
 */
#include "store/internal.h"

/* What is final is final: nobody changes or deletes it by way of this program. */
const char STORE_SCHEMA_PERIODS[] =
    "ALTER TABLE series ADD COLUMN for_month INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX series_by_own_month ON series (for_month) WHERE for_month <> 0;"
    "CREATE INDEX change_by_series ON change (series, number);"
    "CREATE TABLE book_event (number INTEGER NOT NULL REFERENCES txn, n INTEGER NOT NULL,"
    " what TEXT NOT NULL, month INTEGER NOT NULL, statement INTEGER NOT NULL, actor TEXT NOT NULL,"
    " about TEXT NOT NULL, sha256 BLOB NOT NULL, signature BLOB,"
    " PRIMARY KEY (number, n)) WITHOUT ROWID;"
    "CREATE INDEX book_event_by_statement ON book_event (statement, what, month);"
    "CREATE TABLE statement (number INTEGER PRIMARY KEY, party TEXT NOT NULL,"
    " month INTEGER NOT NULL, txn INTEGER NOT NULL, generation INTEGER NOT NULL,"
    " restates INTEGER NOT NULL, as_of_ns INTEGER NOT NULL);"
    "CREATE TABLE statement_final (statement INTEGER NOT NULL REFERENCES statement,"
    " form TEXT NOT NULL, sha256 BLOB NOT NULL, bytes BLOB NOT NULL,"
    " PRIMARY KEY (statement, form)) WITHOUT ROWID;"
    "CREATE TRIGGER statement_stays BEFORE UPDATE ON statement"
    " BEGIN SELECT RAISE(ABORT, 'a statement never changes'); END;"
    "CREATE TRIGGER statement_final_stays BEFORE UPDATE ON statement_final"
    " BEGIN SELECT RAISE(ABORT, 'a final statement never changes'); END;"
    "CREATE TRIGGER statement_final_remains BEFORE DELETE ON statement_final"
    " BEGIN SELECT RAISE(ABORT, 'a final statement never goes'); END;"
    "CREATE TRIGGER book_event_stays BEFORE UPDATE ON book_event"
    " BEGIN SELECT RAISE(ABORT, 'an event of the books never changes'); END;";
