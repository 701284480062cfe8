/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of schema 4: corrections of usage. A correction is in no spool range of the transaction that books it, so
 * it has a row of its own, whose hash is the event's of that transaction.
 */
#include "store/internal.h"

const char STORE_SCHEMA_CORRECTIONS[] =
    "CREATE TABLE correction (number INTEGER PRIMARY KEY REFERENCES txn, request_id BLOB NOT NULL,"
    " was BLOB, record BLOB, reason TEXT NOT NULL, reference TEXT NOT NULL);"
    "CREATE INDEX correction_by_request ON correction (request_id, number);"
    "CREATE UNIQUE INDEX correction_by_reference ON correction (reference) WHERE reference <> '';"
    "CREATE TRIGGER correction_stays BEFORE UPDATE ON correction"
    " BEGIN SELECT RAISE(ABORT, 'a correction never changes'); END;"
    "CREATE TRIGGER correction_remains BEFORE DELETE ON correction"
    " BEGIN SELECT RAISE(ABORT, 'a correction never goes'); END;";
